/* SPDX-License-Identifier: Apache-2.0
 * A reason is kept until the call returns, for it is told together with the call's name and result. */
#include "refusals.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checks.h"

static _Thread_local struct {
    int depth; /* of calls: functions of the host may be called by a task that a call runs */
    char reason[900];
} call;

CUresult gpu_refuse(CUresult result, const char *format, ...) {
    char line[sizeof call.reason];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (call.depth == 0 || call.reason[0] != '\0') gpu_report("%s", line);
    else memcpy(call.reason, line, sizeof line);
    return result;
}

void gpu_call_begins(void) {
    if (call.depth++ == 0) call.reason[0] = '\0';
}

/* Questions, whose answer may be no. */
static bool asks(const char *name) {
    static const char *const questions[] = {"cuGetProcAddress", "cuGetExportTable", "cuGetErrorString", "cuGetErrorName", "cuPointerGetAttribute", "cuPointerGetAttributes", "cuDeviceCanAccessPeer", "cuDeviceGetP2PAttribute", "cuDeviceGetAttribute", "cuCtxGetDevice", "cuModuleGetGlobal", "cuLibraryGetGlobal", "cuLibraryGetManaged", "cuMemGetAddressRange"};
    for (size_t k = 0; k < sizeof questions / sizeof questions[0]; k++)
        if (strcmp(questions[k], name) == 0) return true;
    return false;
}

/* Is it what became of a kernel or a copy, which was told then? */
static bool repeats(CUresult result) {
    bool found = false;
    pthread_mutex_lock(&gpu_driver.lock);
    for (CUcontext c = gpu_driver.contexts; c != NULL && !found; c = c->next) found = c->error == result;
    pthread_mutex_unlock(&gpu_driver.lock);
    return found;
}

/* Is it the program's mistake? What is not built or goes wrong on purpose is none, nor what programs try. */
static bool is_mistake(CUresult result) {
    const gpu_settings *s = &gpu_driver.settings;
    switch (result) {
    case CUDA_SUCCESS: case CUDA_ERROR_NOT_READY: case CUDA_ERROR_NOT_SUPPORTED: case CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED: case CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED: return false;
    case CUDA_ERROR_OUT_OF_MEMORY: return s->fail_allocation == 0;
    case CUDA_ERROR_DEVICE_UNAVAILABLE: return s->fail_launch == 0;
    default: return true;
    }
}

/* Before cuInit nothing is known yet of what the launcher asked for. */
static void tell_forgotten(const char *name) {
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&told)) return;
    pthread_mutex_lock(&gpu_driver.lock);
    bool known = !gpu_driver.asked && gpu_settings_read(&gpu_driver.settings) == PGD_OK;
    pthread_mutex_unlock(&gpu_driver.lock);
    if (!known) return; /* cuInit has said why, or will */
    if (gpu_driver.settings.check) gpu_checks_call(name, CUDA_ERROR_NOT_INITIALIZED, "cuInit(0) must be called before it");
    else gpu_report("%s: cuInit(0) must be called before it", name);
}

CUresult gpu_call_ends(const char *name, CUresult result) {
    if (--call.depth > 0 || (result == CUDA_SUCCESS && call.reason[0] == '\0')) return result;
    if (result == CUDA_ERROR_NOT_INITIALIZED && gpu_driver.pid == 0) return tell_forgotten(name), result;
    bool own_process = gpu_driver.pid == (int)getpid(); /* one that was forked off may find the locks held for ever */
    if (own_process && gpu_checks_wanted() && is_mistake(result) && !asks(name) && !repeats(result)) gpu_checks_call(name, result, call.reason);
    else if (call.reason[0] != '\0') gpu_report("%s", call.reason);
    return result;
}
