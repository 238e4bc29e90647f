/* SPDX-License-Identifier: Apache-2.0
 * A reason is kept until the call returns, for it is told together with the call's name and result. */
#include "refusals.h"

#include <stdarg.h>
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
    static const char *const questions[] = {"cuGetProcAddress", "cuGetExportTable", "cuGetErrorString", "cuGetErrorName", "cuPointerGetAttribute", "cuPointerGetAttributes", "cuDeviceCanAccessPeer", "cuDeviceGetP2PAttribute", "cuDeviceGetAttribute"};
    for (size_t k = 0; k < sizeof questions / sizeof questions[0]; k++)
        if (strcmp(questions[k], name) == 0) return true;
    return false;
}

/* Is it the program's mistake? What became of a kernel has been told, with its line; what is not built or goes wrong on purpose is none. */
static bool is_mistake(CUresult result) {
    const gpu_settings *s = &gpu_driver.settings;
    switch (result) {
    case CUDA_SUCCESS: case CUDA_ERROR_NOT_READY: case CUDA_ERROR_NOT_SUPPORTED: case CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED: return false;
    case CUDA_ERROR_ILLEGAL_ADDRESS: case CUDA_ERROR_LAUNCH_TIMEOUT: case CUDA_ERROR_ASSERT: case CUDA_ERROR_HARDWARE_STACK_ERROR: case CUDA_ERROR_ILLEGAL_INSTRUCTION: case CUDA_ERROR_MISALIGNED_ADDRESS: case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED: return false;
    case CUDA_ERROR_OUT_OF_MEMORY: return s->fail_allocation == 0;
    case CUDA_ERROR_DEVICE_UNAVAILABLE: return s->fail_launch == 0;
    default: return true;
    }
}

CUresult gpu_call_ends(const char *name, CUresult result) {
    if (--call.depth > 0 || (result == CUDA_SUCCESS && call.reason[0] == '\0')) return result;
    bool own_process = gpu_driver.pid == (int)getpid(); /* one that was forked off may find the locks held for ever */
    if (own_process && gpu_checks_wanted() && is_mistake(result) && !asks(name)) gpu_checks_call(name, result, call.reason);
    else if (call.reason[0] != '\0') gpu_report("%s", call.reason);
    return result;
}
