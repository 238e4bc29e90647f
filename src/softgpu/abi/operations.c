/* SPDX-License-Identifier: Apache-2.0
 * What is done when a task's turn has come. The lock is not held here. */
#include <exec/gpu_schedule.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "launch_profile.h"
#include "launch_timeline.h"
#include "launch_watch.h"

gpu_operation *gpu_operation_create(gpu_operation_kind kind) {
    gpu_operation *o = pgd_mem_zalloc(sizeof *o);
    if (o != NULL) *o = (gpu_operation){.references = 1, .kind = kind};
    return o;
}

gpu_operation *gpu_operation_retain(gpu_operation *o) {
    if (o != NULL) o->references++;
    return o;
}

void gpu_operation_release(gpu_operation *o) {
    if (o == NULL || --o->references > 0) return;
    if (o->kind == GPU_OP_KERNEL) {
        pgd_mem_free(o->kernel.parameters);
        pgd_mem_free(o->kernel.pointers);
    }
    pgd_mem_free(o);
}

/* ---- kernels -------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult result_of_fault(gpu_fault_kind kind) {
    switch (kind) {
    case GPU_FAULT_ADDRESS: case GPU_FAULT_READ_ONLY: return CUDA_ERROR_ILLEGAL_ADDRESS;
    case GPU_FAULT_ALIGNMENT: return CUDA_ERROR_MISALIGNED_ADDRESS;
    case GPU_FAULT_DEADLOCK: case GPU_FAULT_LIMIT: return CUDA_ERROR_LAUNCH_TIMEOUT;
    case GPU_FAULT_MASK: case GPU_FAULT_BARRIER: return CUDA_ERROR_ILLEGAL_INSTRUCTION;
    case GPU_FAULT_CALL: return CUDA_ERROR_INVALID_PC;
    case GPU_FAULT_STACK: return CUDA_ERROR_HARDWARE_STACK_ERROR;
    case GPU_FAULT_ASSERT: return CUDA_ERROR_ASSERT;
    default: return CUDA_ERROR_LAUNCH_FAILED;
    }
}

/* The slow one takes one launch at a time: its atomic operations are plain memory accesses. */
static pgd_status run_reference(const gpu_launch *launch, gpu_fault *fault) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&one_at_a_time);
    pgd_status status = gpu_reference_run(launch, fault);
    pthread_mutex_unlock(&one_at_a_time);
    return status;
}

/* Of the next launch of the process; those that are counted or drawn, and not checked, keep the natural order. */
static uint64_t seed_of_launch(bool observed) {
    static _Atomic uint64_t launches;
    uint64_t number = atomic_fetch_add(&launches, 1);
    return gpu_driver.settings.seed == 0 || observed ? 0 : gpu_schedule_seed(gpu_driver.settings.seed, number);
}

/* A function is decoded when it is first launched. */
static pgd_status run_vector(CUfunction f, const gpu_launch *launch, gpu_fault *fault) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&one_at_a_time);
    pgd_status status = PGD_OK;
    if (f->code == NULL) status = launch->seed == 0 ? gpu_vector_prepare(&f->module->program, f->ptx, &f->code) : gpu_vector_prepare_seeded(&f->module->program, f->ptx, false, &f->code);
    pthread_mutex_unlock(&one_at_a_time);
    return status == PGD_OK ? gpu_vector_launch(f->code, launch, gpu_driver.pool, fault, NULL) : status;
}

/* What services of a launch are given. */
typedef struct launch_user {
    CUcontext context;
    gpu_watch watch;
} launch_user;

static void print(void *user, const char *text, size_t bytes) { gpu_output_add(&((launch_user *)user)->context->output, text, bytes); }
static gpu_order look(void *user) { return gpu_watch_look(&((launch_user *)user)->watch); }
static void where(void *user, const char *place) { gpu_watch_where(&((launch_user *)user)->watch, place); }
static void allocated(void *user, uint64_t address, uint64_t bytes) { (void)user, gpu_checks_allocated(address, bytes); }

static pgd_status run_launch(CUfunction f, int32_t registers, gpu_launch *launch, const gpu_moment *moment, gpu_fault *fault) {
    bool timeline = !gpu_checks_wanted() && gpu_timeline_wanted(launch);
    launch->seed = seed_of_launch(!gpu_checks_wanted() && (timeline || gpu_profile_wanted()));
    if (gpu_checks_wanted()) return gpu_checks_run(f, launch, moment, fault);
    if (timeline) return gpu_timeline_run(f, registers, launch, fault);
    if (gpu_profile_wanted()) return gpu_profile_run(f, registers, launch, fault);
    return gpu_driver.settings.reference ? run_reference(launch, fault) : run_vector(f, launch, fault);
}

static CUresult tell_fault(CUcontext context, const gpu_launch *launch, const gpu_fault *fault, pgd_status status) {
    const char *text = fault->kind == GPU_NO_FAULT ? pgd_error_text() : fault->text;
    pthread_mutex_lock(&gpu_driver.lock);
    if (context->error_text[0] == '\0') snprintf(context->error_text, sizeof context->error_text, "%s", text); /* of the first of several at once, and it stays */
    pthread_mutex_unlock(&gpu_driver.lock);
    if (fault->kind == GPU_FAULT_ASSERT && strcmp(gpu_driver.settings.report, "/dev/stderr") != 0) gpu_output_assert(&context->output, fault->assertion);
    if (fault->kind == GPU_NO_FAULT && gpu_checks_wanted()) gpu_checks_call("a launch", gpu_result(status), text);
    else if (fault->kind == GPU_NO_FAULT) gpu_report("%s", text);
    else if (fault->kind == GPU_FAULT_INTERRUPTED) gpu_report("interrupted: %s", text);
    else gpu_checks_fault(launch, fault);
    return status == PGD_DEVICE ? result_of_fault(fault->kind) : gpu_result(status);
}

static CUresult run_kernel(const gpu_kernel_launch *k, CUcontext context, const gpu_moment *moment) {
    gpu_fault fault = {0};
    if (gpu_fault_in_launch()) return gpu_refuse(CUDA_ERROR_DEVICE_UNAVAILABLE, "the device is lost at a launch of %s, as --fault asks (PAGODA_SOFTGPU_FAULT)", k->function->ptx->name);
    launch_user user = {.context = context};
    gpu_services services = {&user, look, where, &gpu_watch_attention, gpu_watch_how_long(), print, &context->heap, allocated};
    uint64_t all = (UINT64_C(1) << gpu_driver.settings.devices) - 1, own = UINT64_C(1) << context->device;
    gpu_launch launch = {.program = &k->function->module->program, .kernel = k->function->ptx, .grid = {k->grid[0], k->grid[1], k->grid[2]}, .block = {k->block[0], k->block[1], k->block[2]}, .dynamic_shared_bytes = k->shared_bytes,
                         .parameters = k->parameters, .instruction_limit = gpu_driver.settings.instruction_limit, .barred = all & ~own & ~context->peers, .cooperative = k->cooperative, .services = &services};
    gpu_watch_begin(&user.watch);
    pgd_status status = run_launch(k->function, k->registers, &launch, moment, &fault);
    CUresult result = status == PGD_OK ? CUDA_SUCCESS : tell_fault(context, &launch, &fault, status);
    gpu_watch_end();
    return result;
}

/* ---- copies --------------------------------------------------------------------------------------------------------------------------------------------------- */

static char *find(CUdeviceptr address, size_t bytes, bool host) {
    char *at = gpu_memory_at(gpu_driver.memory, address, bytes, NULL);
    return at == NULL && host ? (char *)(uintptr_t)address : at;
}

/* Found out when its turn has come, and nobody is there to be given a result. */
PGD_PRINTF(2, 3) static CUresult freed_before(const char *name, const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (gpu_checks_wanted()) gpu_checks_call(name, CUDA_ERROR_ILLEGAL_ADDRESS, text);
    else gpu_report("%s", text);
    return CUDA_ERROR_ILLEGAL_ADDRESS;
}

/* What is kept of it for operations that nothing orders. */
static void tell_copy(const gpu_box_copy *c, const gpu_moment *moment) {
    gpu_footprint f = {.what = c->to_host == c->from_host ? "a copy" : c->to_host ? "a copy to the host" : "a copy from the host"};
    for (size_t z = 0; moment != NULL && z < c->depth; z++)
        for (size_t y = 0; y < c->height; y++) {
            CUdeviceptr to = c->to + z * c->to_slice + y * c->to_pitch, from = c->from + z * c->from_slice + y * c->from_pitch;
            gpu_footprint_add(&f, (gpu_span){.address = to, .end = to + c->width, .written = true});
            gpu_footprint_add(&f, (gpu_span){.address = from, .end = from + c->width});
        }
    if (moment != NULL) gpu_checks_done(moment, &f);
}

static CUresult run_copy(const gpu_box_copy *c, const gpu_moment *moment) {
    size_t to_bytes = gpu_box_extent(c->to_pitch, c->to_slice, c), from_bytes = gpu_box_extent(c->from_pitch, c->from_slice, c);
    if (to_bytes == 0) return CUDA_SUCCESS;
    char *to = find(c->to, to_bytes, c->to_host);
    const char *from = find(c->from, from_bytes, c->from_host);
    if (to == NULL || from == NULL) return freed_before("copy in a stream", "a copy of %zu bytes from 0x%llx to 0x%llx: the memory was freed before the copy ran", to_bytes, c->from, c->to);
    for (size_t z = 0; z < c->depth; z++)
        for (size_t y = 0; y < c->height; y++) gpu_checks_written(c->to + z * c->to_slice + y * c->to_pitch, c->width);
    tell_copy(c, moment);
    bool whole = c->height * c->depth == 1 || (c->to_pitch == c->width && c->from_pitch == c->width && (c->depth == 1 || (c->to_slice == c->height * c->width && c->from_slice == c->to_slice)));
    if (whole) {
        memmove(to, from, to_bytes);
        return CUDA_SUCCESS;
    }
    for (size_t z = 0; z < c->depth; z++)
        for (size_t y = 0; y < c->height; y++) memmove(to + z * c->to_slice + y * c->to_pitch, from + z * c->from_slice + y * c->from_pitch, c->width);
    return CUDA_SUCCESS;
}

static CUresult run_fill(const gpu_fill *f, const gpu_moment *moment) {
    gpu_footprint footprint = {.what = "a fill"};
    size_t row = f->width * f->element, bytes = row == 0 || f->height == 0 ? 0 : (f->height - 1) * f->pitch + row;
    if (bytes == 0) return CUDA_SUCCESS;
    char *to = gpu_memory_at(gpu_driver.memory, f->to, bytes, NULL);
    if (to == NULL) return freed_before("fill in a stream", "a fill of %zu bytes at 0x%llx: the memory was freed before it ran", bytes, f->to);
    for (size_t y = 0; y < f->height; y++, to += f->pitch) {
        gpu_checks_written(f->to + y * f->pitch, row);
        if (moment != NULL) gpu_footprint_add(&footprint, (gpu_span){.address = f->to + y * f->pitch, .end = f->to + y * f->pitch + row, .written = true});
        if (f->element == 1) memset(to, (int)f->value, row);
        else
            for (size_t x = 0; x < row; x += f->element) memcpy(to + x, &f->value, f->element);
    }
    if (moment != NULL) gpu_checks_done(moment, &footprint);
    return CUDA_SUCCESS;
}

static void call_host(const gpu_operation *o, CUcontext context) {
    gpu_in_host_function = true;
    if (o->kind == GPU_OP_HOST) o->host.function(o->host.data);
    else o->host.callback(o->host.stream, context->error, o->host.data);
    gpu_in_host_function = false;
}

CUresult gpu_operation_run(gpu_operation *o, CUcontext context, const gpu_moment *moment) {
    switch (o->kind) {
    case GPU_OP_KERNEL: return run_kernel(&o->kernel, context, moment);
    case GPU_OP_COPY: return run_copy(&o->copy, moment);
    case GPU_OP_FILL: return run_fill(&o->fill, moment);
    case GPU_OP_CALLBACK: gpu_output_flush(&context->output), gpu_output_write(), call_host(o, context); return CUDA_SUCCESS;
    case GPU_OP_HOST: call_host(o, context); return CUDA_SUCCESS;
    case GPU_OP_FREE: return gpu_memory_release_async(o->address);
    default: return CUDA_SUCCESS;
    }
}
