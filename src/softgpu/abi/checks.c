/* SPDX-License-Identifier: Apache-2.0
 * One set of checkers for the process, and what becomes of their findings. */
#define _GNU_SOURCE
#include "checks.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void write_down(void *unused, const gpu_finding *n);

static struct {
    pthread_mutex_t kernels; /* one at a time */
    pthread_mutex_t lock;    /* of the checker and the findings, for moments */
    gpu_checker *checker;
    gpu_findings findings;
    _Atomic uint64_t launches;
    struct sigaction before; /* the program's own handler */
} checks = {.kernels = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .findings = {.added = write_down}};

/* ---- writing down ------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* A line of JSON on the stack: a signal handler writes one, too. */
typedef struct json_line {
    char chars[12288]; /* a message of 900 bytes, a name and a source, each byte of which may take six */
    size_t count;
} json_line;

PGD_PRINTF(2, 3) static void add(json_line *line, const char *format, ...) {
    size_t room = sizeof line->chars - line->count;
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line->chars + line->count, room, format, arguments);
    va_end(arguments);
    line->count += wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/* How many bytes a character of UTF-8 has; 1 for what is none: names may be cut, and kernels print what they like. */
static size_t character(const char *at) {
    unsigned char first = (unsigned char)at[0];
    size_t bytes = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 1;
    for (size_t k = 1; k < bytes; k++)
        if (((unsigned char)at[k] & 0xc0) != 0x80) return 1;
    if ((first == 0xe0 && (unsigned char)at[1] < 0xa0) || (first == 0xed && (unsigned char)at[1] > 0x9f) || (first == 0xf0 && (unsigned char)at[1] < 0x90) || (first == 0xf4 && (unsigned char)at[1] > 0x8f)) return 1;
    return bytes;
}

/* NULL: null. */
static void quote(json_line *line, const char *key, const char *text) {
    add(line, "%s\"%s\": %s", line->count > 1 ? ", " : "", key, text == NULL ? "null" : "\"");
    if (text == NULL) return;
    for (size_t bytes; *text != '\0'; text += bytes) {
        bytes = character(text);
        if (*text == '"' || *text == '\\') add(line, "\\%c", *text);
        else if (bytes == 1 && ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)) add(line, "\\ufffd");
        else add(line, "%.*s", (int)bytes, text);
    }
    add(line, "\"");
}

static void numbers(json_line *line, const char *key, bool known, const uint32_t n[3]) {
    add(line, ", \"%s\": ", key);
    if (known) add(line, "[%u, %u, %u]", n[0], n[1], n[2]);
    else add(line, "null");
}

static void number(json_line *line, const char *key, bool known, int32_t n) {
    add(line, ", \"%s\": ", key);
    if (known) add(line, "%d", n);
    else add(line, "null");
}

static void write_down(void *unused, const gpu_finding *n) {
    json_line line = {.count = 0};
    bool in_kernel = n->kernel[0] != '\0';
    char message[sizeof n->message];
    (void)unused;
    memcpy(message, n->message, sizeof message);
    for (char *at = message; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?'; /* a line of the report is one line */
    gpu_report("%s: %s", n->kind, message);
    add(&line, "{");
    quote(&line, "kind", n->kind);
    quote(&line, "kernel", in_kernel ? n->kernel : NULL);
    numbers(&line, "block", in_kernel, n->block);
    numbers(&line, "thread", in_kernel, n->thread);
    number(&line, "ptx_line", in_kernel, n->line);
    number(&line, "source_line", in_kernel, n->source_line);
    quote(&line, "source", in_kernel ? n->source : NULL);
    quote(&line, "message", n->message);
    add(&line, "}\n");
    gpu_append(gpu_driver.settings.findings, line.chars);
}

_Thread_local gpu_checks_reading gpu_checks_reads;

/* ---- the host at device memory --------------------------------------------------------------------------------------------------------------------------------------------- */

/* The program faults as it would with a GPU; but here it can be said why. It ends then, so nothing is left to be kept whole. */
static void on_fault(int number, siginfo_t *info, void *context) {
    uint64_t first, bytes, address = (uint64_t)(uintptr_t)info->si_addr;
    gpu_allocation a;
    (void)number, (void)context;
    gpu_memory_addresses(gpu_driver.memory, &first, &bytes);
    if (gpu_checks_reads.kernel != NULL) {
        const gpu_checks_reading *r = &gpu_checks_reads;
        gpu_finding n = {.kind = "driver call", .times = 1};
        snprintf(n.message, sizeof n.message, "cuLaunchKernel: parameter %zu of the %zu that %.100s takes is said to lie at %p, where nothing can be read: are there as many pointers, and each to a value?", r->number, r->count, r->kernel, r->at);
        write_down(NULL, &n);
    } else if (address >= first && address - first < bytes) {
        gpu_finding n = {.kind = "host access", .times = 1};
        bool inside = gpu_memory_at(gpu_driver.memory, address, 1, &a) != NULL;
        if (inside) snprintf(n.message, sizeof n.message, "the host touches device memory at 0x%llx, %llu bytes into an allocation of %llu; copy it with cuMemcpyDtoH or cuMemcpyHtoD", (unsigned long long)address, (unsigned long long)(address - a.address), (unsigned long long)a.bytes);
        else snprintf(n.message, sizeof n.message, "the host touches an address of the device, 0x%llx, where nothing is allocated", (unsigned long long)address);
        write_down(NULL, &n);
    }
    sigaction(SIGSEGV, &checks.before, NULL); /* what the program wants to happen, happens when the instruction is tried again */
}

/* ---- listening: copies and fills go on while a kernel runs ---------------------------------------------------------------------------------------------------------------- */

#define LISTEN(name, parameters, ...)                                  \
    static void hear_##name parameters {                               \
        const gpu_listener *l = gpu_checker_listener(checks.checker);  \
        (void)user;                                                    \
        pthread_mutex_lock(&checks.lock);                              \
        l->name(l->user, __VA_ARGS__);                                 \
        pthread_mutex_unlock(&checks.lock);                            \
    }
LISTEN(begin_launch, (void *user, const gpu_launch *launch), launch)
LISTEN(begin_block, (void *user, uint32_t block, uint32_t threads, uint64_t shared_bytes), block, threads, shared_bytes)
LISTEN(end_block, (void *user, uint32_t block), block)
LISTEN(access, (void *user, const gpu_access *access), access)
LISTEN(copy_begun, (void *user, const gpu_access *write), write)
LISTEN(copies_done, (void *user, uint32_t block, uint32_t thread, uint32_t left), block, thread, left)
LISTEN(arrived, (void *user, uint32_t block, int32_t barrier, uint32_t warp), block, barrier, warp)
LISTEN(barrier, (void *user, uint32_t block, int32_t barrier, const uint32_t *came, const uint32_t *go, uint32_t warps), block, barrier, came, go, warps)
LISTEN(divergent, (void *user, const gpu_access *one, const ptx_instruction *other), one, other)
LISTEN(skipped, (void *user, const gpu_access *one, uint32_t came, uint32_t threads), one, came, threads)
LISTEN(absent, (void *user, const gpu_access *one, int32_t lane), one, lane)
LISTEN(warp_barrier, (void *user, uint32_t block, uint32_t warp, uint32_t lanes), block, warp, lanes)
LISTEN(fence, (void *user, uint32_t block, uint32_t thread, bool of_block), block, thread, of_block)
static const gpu_listener listener = {NULL, hear_begin_launch, hear_begin_block, hear_end_block, hear_access, hear_copy_begun, hear_copies_done, hear_arrived, hear_barrier, hear_divergent, hear_skipped, hear_absent, hear_warp_barrier, hear_fence};

/* ---- running ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

bool gpu_checks_wanted(void) { return checks.checker != NULL; }

pgd_status gpu_checks_begin(void) {
    const gpu_settings *s = &gpu_driver.settings;
    struct sigaction told = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    if (!s->check) return PGD_OK;
    PGD_TRY(gpu_checker_create(gpu_driver.memory, &(gpu_check_options){.races = s->check_races, .uninitialised = s->check_uninitialised}, &checks.findings, &checks.checker));
    sigaction(SIGSEGV, &told, &checks.before);
    gpu_append(s->findings, "{\"begun\": 1}\n"); /* whoever reads sees by what is missing that the program did not end by itself */
    return PGD_OK;
}

static pgd_status run(CUfunction f, const gpu_launch *launch, gpu_fault *fault) {
    if (gpu_driver.settings.reference) return gpu_reference_run(launch, fault);
    if (f->heard == NULL) PGD_TRY(launch->seed == 0 ? gpu_vector_prepare_heard(&f->module->program, f->ptx, &f->heard) : gpu_vector_prepare_seeded(&f->module->program, f->ptx, true, &f->heard));
    return gpu_vector_launch(f->heard, launch, NULL, fault, NULL);
}

bool gpu_checks_order(void) { return checks.checker != NULL && gpu_driver.settings.check_races; }

pgd_status gpu_checks_run(CUfunction f, gpu_launch *launch, const gpu_moment *moment, gpu_fault *fault) {
    pthread_mutex_lock(&checks.kernels);
    launch->listener = &listener;
    atomic_fetch_add(&checks.launches, 1);
    pgd_status status = run(f, launch, fault);
    pthread_mutex_lock(&checks.lock);
    if (moment != NULL) gpu_checker_kernel_done(checks.checker, launch, moment);
    pthread_mutex_unlock(&checks.lock);
    pthread_mutex_unlock(&checks.kernels);
    return status;
}

void gpu_checks_done(const gpu_moment *moment, gpu_footprint *footprint) {
    pthread_mutex_lock(&checks.lock);
    gpu_checker_operation_done(checks.checker, moment, footprint);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_known(const gpu_clock *known) {
    pthread_mutex_lock(&checks.lock);
    gpu_checker_known(checks.checker, known);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_fault(const gpu_launch *launch, const gpu_fault *fault) {
    pthread_mutex_lock(&checks.lock);
    gpu_findings_add_fault(&checks.findings, launch, fault);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_call(const char *name, CUresult result, const char *reason) {
    const char *error = gpu_error_name(result, true), *text = gpu_error_name(result, false);
    pthread_mutex_lock(&checks.lock);
    gpu_findings_add_call(&checks.findings, "driver call", "%s: %s: %s", name, error == NULL ? "?" : error, reason[0] != '\0' || text == NULL ? reason : text);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_unwaited(const char *kernel) {
    pthread_mutex_lock(&checks.lock);
    gpu_findings_add_call(&checks.findings, "unfinished work", "the program ended without having waited for %s%.100s, the last of its stream: what is not done by then is lost; wait for it (cuStreamSynchronize, cuCtxSynchronize)", kernel == NULL ? "a copy" : "the kernel ",
                          kernel == NULL ? "" : kernel);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_end(void) {
    json_line line = {.count = 0};
    if (checks.checker == NULL) return;
    add(&line, "{\"launches\": %llu}\n", (unsigned long long)atomic_load(&checks.launches));
    gpu_append(gpu_driver.settings.findings, line.chars);
}

void gpu_checks_forget(const ptx_module *module) {
    pthread_mutex_lock(&checks.lock);
    gpu_findings_forget(&checks.findings, module);
    if (checks.checker != NULL) gpu_checker_forget(checks.checker);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_allocated(CUdeviceptr address, size_t bytes) {
    if (checks.checker == NULL) return;
    pthread_mutex_lock(&checks.lock);
    gpu_checker_allocated(checks.checker, address, bytes);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_written(CUdeviceptr address, size_t bytes) {
    if (checks.checker == NULL) return;
    pthread_mutex_lock(&checks.lock);
    gpu_checker_written(checks.checker, address, bytes);
    pthread_mutex_unlock(&checks.lock);
}
