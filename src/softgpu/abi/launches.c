/* SPDX-License-Identifier: Apache-2.0
 * Functions as they are asked about and launched; occupancy. */
#include <stdio.h>
#include <string.h>
#include <timing/occupancy.h>
#include <timing/registers.h>

#include "capture.h"
#include "checks.h"
#include "modules.h"

static const gpu_architecture *architecture(void) { return gpu_architecture_of(gpu_driver.settings.capability); }

static uint64_t fixed_shared(CUfunction f) { return gpu_program_shared_bytes(&f->module->program, f->ptx); }

/* Asked for rarely, so worked out when it is. */
static int32_t registers_of(CUfunction f) {
    if (f->registers == 0) f->registers = gpu_registers_of(f->ptx);
    return f->registers;
}

static int32_t max_threads(CUfunction f) {
    const int32_t *m = f->ptx->required_threads[0] > 0 ? f->ptx->required_threads : f->ptx->max_threads;
    int64_t threads = m[0] > 0 ? (int64_t)m[0] * (m[1] > 0 ? m[1] : 1) * (m[2] > 0 ? m[2] : 1) : 1024;
    int32_t of_registers = architecture()->sm_registers / (registers_of(f) > 0 ? registers_of(f) : 1) / 32 * 32;
    if (threads > of_registers) threads = of_registers;
    return threads > 1024 ? 1024 : (int32_t)threads;
}

static uint64_t constant_bytes(const ptx_module *m) {
    uint64_t bytes = 0;
    for (const ptx_variable *v = m->variables; v != NULL; v = v->next)
        if (v->space == PTX_SPACE_const) bytes += (uint64_t)v->bytes;
    return bytes;
}

static CUresult enter_function(CUfunction *f) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    result = gpu_function_find(*f, NULL, f);
    return result == CUDA_SUCCESS ? result : gpu_leave(result);
}

CUresult gpu_function_attribute(CUfunction function, CUfunction_attribute attribute, int *value) {
    CUresult result = CUDA_SUCCESS;
    switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = max_threads(function); break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = (int)fixed_shared(function); break;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: *value = (int)constant_bytes(function->module->ptx); break;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = (int)function->ptx->local_bytes; break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = registers_of(function); break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION: *value = function->module->ptx->target; break;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = gpu_driver.settings.capability; break;
    case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA: *value = 0; break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = function->dynamic_shared_max; break;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = function->carveout; break;
    default: *value = 0; result = (int)attribute >= 0 && (int)attribute < 16 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; break; /* clusters: none */
    }
    return result;
}

CUresult gpu_function_set_attribute(CUfunction function, CUfunction_attribute attribute, int value) {
    int most = architecture()->block_shared_bytes - (int)fixed_shared(function);
    if (attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES && value >= 0 && value <= most) function->dynamic_shared_max = value;
    else if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT && value >= -1 && value <= 100) function->carveout = value;
    else return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "cuFuncSetAttribute: attribute %d of %s to %d; dynamic shared memory (8) may be 0 to %d, the carveout (9) -1 to 100", (int)attribute, function->ptx->name, value, most);
    return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_function_attribute(function, attribute, value));
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    CUresult result = enter_function(&function);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_function_set_attribute(function, attribute, value));
}

CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache config) {
    if ((int)config < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    return result != CUDA_SUCCESS ? result : gpu_leave(CUDA_SUCCESS);
}

CUresult cuFuncSetSharedMemConfig(CUfunction function, CUsharedconfig config) {
    if ((int)config < 0 || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    return result != CUDA_SUCCESS ? result : gpu_leave(CUDA_SUCCESS);
}

CUresult cuFuncGetModule(CUmodule *module, CUfunction function) {
    if (module == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    if (result != CUDA_SUCCESS) return result;
    *module = function->module;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuFuncGetName(const char **name, CUfunction function) {
    if (name == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    if (result != CUDA_SUCCESS) return result;
    *name = function->ptx->name;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuFuncGetParamInfo(CUfunction function, size_t number, size_t *offset, size_t *bytes) {
    if (offset == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    if (result != CUDA_SUCCESS) return result;
    const ptx_variable *v = function->ptx->parameters;
    for (; v != NULL && number > 0; number--) v = v->next;
    if (v == NULL) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    *offset = (size_t)v->offset;
    if (bytes != NULL) *bytes = (size_t)v->bytes;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- occupancy ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static int blocks_of(CUfunction f, int threads, size_t dynamic_shared_bytes) {
    if (threads > max_threads(f)) return 0;
    return gpu_occupancy_of(architecture(), threads, registers_of(f), fixed_shared(f) + dynamic_shared_bytes).blocks;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction function, int block_threads, size_t dynamic_shared_bytes, unsigned int flags) {
    if (blocks == NULL || block_threads < 1 || flags > 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    if (result != CUDA_SUCCESS) return result;
    *blocks = blocks_of(function, block_threads, dynamic_shared_bytes);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int block_threads, size_t dynamic_shared_bytes) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, block_threads, dynamic_shared_bytes, 0);
}

/* The block that fills a multiprocessor best; of equals the largest. */
CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *min_grid, int *block_threads, CUfunction function, CUoccupancyB2DSize shared_of_block, size_t dynamic_shared_bytes, int limit, unsigned int flags) {
    if (min_grid == NULL || block_threads == NULL || flags > 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    if (result != CUDA_SUCCESS) return result;
    int most = max_threads(function), best = 0, best_blocks = 0;
    if (limit > 0 && limit < most) most = limit;
    for (int threads = (most + 31) / 32 * 32; threads > 0; threads -= 32) {
        int fitting = threads > most ? most : threads;
        size_t shared = dynamic_shared_bytes;
        if (shared_of_block != NULL) { /* a function of the program's: not under the lock */
            gpu_leave(CUDA_SUCCESS);
            shared = shared_of_block(fitting);
            result = enter_function(&function);
            if (result != CUDA_SUCCESS) return result;
        }
        int blocks = blocks_of(function, fitting, shared);
        if (blocks * fitting > best_blocks * best) best = fitting, best_blocks = blocks;
    }
    *block_threads = best;
    *min_grid = best_blocks * gpu_driver.settings.processors;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuOccupancyMaxPotentialBlockSize(int *min_grid, int *block_threads, CUfunction function, CUoccupancyB2DSize shared_of_block, size_t dynamic_shared_bytes, int limit) {
    return cuOccupancyMaxPotentialBlockSizeWithFlags(min_grid, block_threads, function, shared_of_block, dynamic_shared_bytes, limit, 0);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, CUfunction function, int blocks, int block_threads) {
    if (bytes == NULL || blocks < 1 || block_threads < 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_function(&function);
    if (result != CUDA_SUCCESS) return result;
    const gpu_architecture *a = architecture();
    int64_t of_block = a->sm_shared_bytes / blocks - a->reserved_shared_bytes - (int64_t)fixed_shared(function);
    if (of_block > a->block_shared_bytes) of_block = a->block_shared_bytes;
    of_block = of_block / 256 * 256;
    if (of_block < 0 || blocks_of(function, block_threads, (size_t)of_block) < blocks) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    *bytes = (size_t)of_block;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- launches ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* The buffer that `extra` describes; false: it says something that no driver knows. */
static bool read_extra(void **extra, const void **buffer, size_t *bytes) {
    *buffer = NULL;
    *bytes = 0;
    for (int32_t i = 0; extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
        if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER) *buffer = extra[i + 1];
        else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE && extra[i + 1] != NULL) *bytes = *(const size_t *)extra[i + 1];
        else return false;
    }
    return true;
}

static CUresult copy_parameters(gpu_kernel_launch *k, void **parameters, void **extra) {
    const ptx_function *f = k->function->ptx;
    const void *buffer;
    size_t bytes, count = 0;
    for (const ptx_variable *v = f->parameters; v != NULL; v = v->next) count++;
    k->parameter_bytes = (size_t)f->parameter_bytes;
    k->parameters = pgd_mem_zalloc(k->parameter_bytes + 16);
    k->pointers = pgd_mem_zalloc(sizeof *k->pointers * (count + 1));
    if (k->parameters == NULL || k->pointers == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    count = 0;
    for (const ptx_variable *v = f->parameters; v != NULL; v = v->next) k->pointers[count++] = k->parameters + v->offset;
    if (parameters == NULL && extra != NULL) {
        if (!read_extra(extra, &buffer, &bytes) || (buffer == NULL && bytes > 0)) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s: `extra` is not made of buffer pointer, size and end", f->name);
        size_t needed = count == 0 ? 0 : (size_t)((const unsigned char *)k->pointers[count - 1] - k->parameters);
        for (const ptx_variable *v = f->parameters; v != NULL; v = v->next)
            if (v->next == NULL) needed += (size_t)v->bytes;
        if (bytes < needed) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s with %zu bytes of parameters; it takes %zu", f->name, bytes, needed);
        if (needed > 0) memcpy(k->parameters, buffer, bytes < k->parameter_bytes ? bytes : k->parameter_bytes);
        return CUDA_SUCCESS;
    }
    if (parameters != NULL && extra != NULL) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s with both kernelParams and extra; give one", f->name);
    if (parameters == NULL && count > 0) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s without its %zu parameters", f->name, count);
    size_t all = count;
    count = 0;
    for (const ptx_variable *v = f->parameters; v != NULL; v = v->next, count++) {
        gpu_checks_reads.kernel = NULL;
        if (parameters[count] == NULL) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s: the pointer to parameter %zu of %zu is NULL", f->name, count + 1, all);
        gpu_checks_reads = (gpu_checks_reading){f->name, parameters[count], count + 1, all};
        memcpy(k->parameters + v->offset, parameters[count], (size_t)v->bytes);
    }
    gpu_checks_reads.kernel = NULL;
    return CUDA_SUCCESS;
}

static CUresult check_sizes(const gpu_kernel_launch *k) {
    const ptx_function *f = k->function->ptx;
    gpu_launch launch = {.program = &k->function->module->program, .kernel = f, .grid = {k->grid[0], k->grid[1], k->grid[2]}, .block = {k->block[0], k->block[1], k->block[2]}};
    if (gpu_launch_check(&launch) != PGD_OK) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s: %s", f->name, pgd_error_text());
    uint64_t threads = (uint64_t)k->block[0] * k->block[1] * k->block[2], shared = fixed_shared(k->function);
    if (threads > (uint64_t)max_threads(k->function))
        return gpu_refuse(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "a launch of %s with %llu threads in a block; with about %d registers each, and what .maxntid says, it takes %d", f->name, (unsigned long long)threads, registers_of(k->function), max_threads(k->function));
    for (int32_t d = 0; d < 3 && f->required_threads[0] > 0; d++)
        if (k->block[d] != (uint32_t)(f->required_threads[d] > 0 ? f->required_threads[d] : 1)) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s with a block of %u x %u x %u; it says .reqntid %d, %d, %d", f->name, k->block[0], k->block[1], k->block[2], f->required_threads[0], f->required_threads[1], f->required_threads[2]);
    uint64_t unasked = k->function->dynamic_shared_max == GPU_SHARED_UNASKED && shared <= GPU_SHARED_UNASKED ? GPU_SHARED_UNASKED - shared : (uint64_t)k->function->dynamic_shared_max;
    if (k->shared_bytes > unasked) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a launch of %s with %u bytes of dynamic shared memory; %llu may be asked for, and more after cuFuncSetAttribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)", f->name, k->shared_bytes, (unsigned long long)unasked);
    if (!k->cooperative) return CUDA_SUCCESS;
    uint64_t blocks = (uint64_t)k->grid[0] * k->grid[1] * k->grid[2], fit = (uint64_t)blocks_of(k->function, (int)threads, k->shared_bytes) * (uint64_t)gpu_driver.settings.processors;
    return blocks <= fit ? CUDA_SUCCESS : gpu_refuse(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, "a cooperative launch of %s with %llu blocks; %llu fit the device at once", f->name, (unsigned long long)blocks, (unsigned long long)fit);
}

static CUresult make(const CUDA_KERNEL_NODE_PARAMS *p, CUcontext context, bool cooperative, gpu_operation **out) {
    CUfunction f;
    *out = NULL;
    CUresult result = gpu_function_find(p->func != NULL ? p->func : (CUfunction)(void *)p->kern, context, &f);
    if (result != CUDA_SUCCESS) return result;
    gpu_operation *o = gpu_operation_create(GPU_OP_KERNEL);
    if (o == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    o->kernel = (gpu_kernel_launch){.function = f, .grid = {p->gridDimX, p->gridDimY, p->gridDimZ}, .block = {p->blockDimX, p->blockDimY, p->blockDimZ}, .shared_bytes = p->sharedMemBytes, .cooperative = cooperative};
    o->kernel.registers = registers_of(f);
    result = check_sizes(&o->kernel);
    if (result == CUDA_SUCCESS) result = copy_parameters(&o->kernel, p->kernelParams, p->extra);
    if (result == CUDA_SUCCESS) *out = o, f->module->context->syscalls |= f->syscalls;
    else gpu_operation_release(o);
    return result;
}

CUresult gpu_kernel_operation_of(const CUDA_KERNEL_NODE_PARAMS *p, bool cooperative, gpu_operation **out) { return make(p, p->ctx, cooperative, out); }

static CUresult launch(CUfunction function, const CUlaunchConfig *c, void **parameters, void **extra) {
    enum { PROGRAMMATIC_EVENT = 7, LAUNCH_COMPLETION_EVENT = 12 };
    gpu_operation *o;
    CUstream s;
    bool cooperative = false;
    for (unsigned int i = 0; i < c->numAttrs; i++) {
        const CUlaunchAttribute *a = &c->attrs[i];
        if (a->id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE) cooperative = a->value.cooperative != 0;
        if ((int)a->id == PROGRAMMATIC_EVENT || (int)a->id == LAUNCH_COMPLETION_EVENT) return gpu_refuse(CUDA_ERROR_NOT_SUPPORTED, "cuLaunchKernelEx: events of launches (attribute %d) are not built", (int)a->id);
        bool clusters = a->id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION && (uint64_t)a->value.clusterDim.x * a->value.clusterDim.y * a->value.clusterDim.z > 1;
        if (clusters) return gpu_refuse(CUDA_ERROR_NOT_SUPPORTED, "cuLaunchKernelEx: clusters of %u x %u x %u blocks are not built", a->value.clusterDim.x, a->value.clusterDim.y, a->value.clusterDim.z);
    }
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(c->hStream, &s);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    gpu_output_flush(&s->context->output);
    CUDA_KERNEL_NODE_PARAMS p = {.func = function, .gridDimX = c->gridDimX, .gridDimY = c->gridDimY, .gridDimZ = c->gridDimZ, .blockDimX = c->blockDimX, .blockDimY = c->blockDimY, .blockDimZ = c->blockDimZ,
                                 .sharedMemBytes = c->sharedMemBytes, .kernelParams = parameters, .extra = extra};
    result = make(&p, s->context, cooperative, &o);
    if (result == CUDA_SUCCESS && o->kernel.function->module->context != s->context) {
        gpu_operation_release(o);
        result = CUDA_ERROR_INVALID_HANDLE;
    }
    return gpu_leave(result == CUDA_SUCCESS ? gpu_stream_submit(s, o) : result);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **parameters, void **extra) {
    return config == NULL || (config->numAttrs > 0 && config->attrs == NULL) ? CUDA_ERROR_INVALID_VALUE : launch(function, config, parameters, extra);
}

CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes, CUstream stream,
                        void **parameters, void **extra) {
    CUlaunchConfig c = {grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream, NULL, 0};
    return launch(function, &c, parameters, extra);
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,
                                   CUstream stream, void **parameters) {
    CUlaunchAttribute cooperative = {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value = {.cooperative = 1}};
    CUlaunchConfig c = {grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream, &cooperative, 1};
    return launch(function, &c, parameters, NULL);
}
