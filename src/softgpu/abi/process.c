/* SPDX-License-Identifier: Apache-2.0
 * The driver itself: beginning, entering and leaving calls, errors, names of functions. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"
#include "launch_profile.h"
#include "launch_timeline.h"
#include "launch_watch.h"

gpu_process gpu_driver = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- the report ------------------------------------------------------------------------------------------------------------------------------------------------ */

/* One write, so that lines of several threads and processes do not mix; and calls that a signal handler may make. errno says why it failed. */
static bool append(const char *path, const char *text) {
    bool to_stderr = strcmp(path, "/dev/stderr") == 0; /* opened anew it would be written to at another place */
    int file = to_stderr ? STDERR_FILENO : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    size_t bytes = strlen(text);
    if (file < 0) return false;
    ssize_t written = write(file, text, bytes);
    int why = written >= 0 ? ENOSPC : errno;
    if (!to_stderr) close(file);
    errno = why;
    return written == (ssize_t)bytes;
}

/* "softgpu: ", the sentence, and an end of line. */
static void make_line(char *line, size_t bytes, const char *format, va_list arguments) {
    int begun = snprintf(line, bytes, "softgpu: ");
    vsnprintf(line + begun, bytes - (size_t)begun - 1, format, arguments);
    memcpy(line + strlen(line), "\n", 2);
}

void gpu_complain(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    make_line(line, sizeof line, format, arguments);
    va_end(arguments);
    if (gpu_driver.settings.report[0] == '\0' || !append(gpu_driver.settings.report, line)) (void)append("/dev/stderr", line);
}

void gpu_append(const char *path, const char *text) {
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (path[0] == '\0' || append(path, text) || atomic_flag_test_and_set(&told)) return;
    gpu_complain("%s cannot be written to (%s), and what belongs there is lost", path, strerror(errno));
}

void gpu_report(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    make_line(line, sizeof line, format, arguments);
    va_end(arguments);
    gpu_append(gpu_driver.settings.report, line);
}

CUresult gpu_result(pgd_status status) {
    switch (status) {
    case PGD_OK: return CUDA_SUCCESS;
    case PGD_NO_MEMORY: return CUDA_ERROR_OUT_OF_MEMORY;
    case PGD_UNSUPPORTED: return CUDA_ERROR_NOT_SUPPORTED;
    case PGD_BAD_ARG: return CUDA_ERROR_INVALID_VALUE;
    default: return CUDA_ERROR_UNKNOWN;
    }
}

/* ---- beginning --------------------------------------------------------------------------------------------------------------------------------------------------- */

/* What was asked for must not turn out to be lost when the program ends. */
static bool can_write(const char *name, const char *path, bool folder) {
    if (path[0] == '\0' || strcmp(path, "/dev/stderr") == 0) return true;
    int file = folder ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    bool fine = file >= 0 ? !folder || access(path, W_OK | X_OK) == 0 : !folder && errno == ENXIO; /* ENXIO: a pipe that nobody reads yet */
    int why = errno;
    if (file >= 0) close(file);
    if (!fine) gpu_complain("PAGODA_SOFTGPU_%s is \"%.200s\", %s cannot be written to (%s)", name, path, folder ? "a folder that" : "which", strerror(why));
    return fine;
}

static bool can_write_all(const gpu_settings *s) {
    return can_write("REPORT", s->report, false) && can_write("FINDINGS", s->findings, false) && can_write("PROFILE", s->profile, false) && can_write("TIMELINE", s->timeline, true);
}

static CUresult begin(void) {
    gpu_process *p = &gpu_driver;
    if (gpu_settings_read(&p->settings) != PGD_OK) return gpu_complain("%s", pgd_error_text()), CUDA_ERROR_INVALID_VALUE;
    if (!can_write_all(&p->settings)) return CUDA_ERROR_INVALID_VALUE;
    if (p->settings.devices == 0) return CUDA_ERROR_NO_DEVICE;
    pgd_status status = gpu_memory_create(p->settings.devices, p->settings.memory_bytes, &p->memory);
    if (status != PGD_OK) return gpu_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%s", pgd_error_text());
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (pgd_pool_create(p->settings.workers > 0 ? p->settings.workers : (int32_t)cores, &p->pool) != PGD_OK) return CUDA_ERROR_OUT_OF_MEMORY;
    for (int32_t i = 0; i < p->settings.devices; i++) {
        p->devices[i] = (gpu_device){.number = i, .own_pool = gpu_pool_create(i, true)};
        if (p->devices[i].own_pool == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
        p->devices[i].pool = p->devices[i].own_pool;
    }
    if (gpu_checks_begin() != PGD_OK) return CUDA_ERROR_OUT_OF_MEMORY;
    p->pid = (int)getpid();
    if (p->settings.report[0] != '\0') gpu_watch_interrupts(); /* where it can be said */
    p->initialized = true;
    return CUDA_SUCCESS;
}

CUresult cuInit(unsigned int flags) {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    if (gpu_driver.pid != 0 && gpu_driver.pid != (int)getpid()) return CUDA_ERROR_NOT_INITIALIZED;
    pthread_mutex_lock(&gpu_driver.lock);
    gpu_driver.asked = true;
    CUresult result = gpu_driver.initialized ? (gpu_driver.pid == (int)getpid() ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED) : begin();
    pthread_mutex_unlock(&gpu_driver.lock);
    return result;
}

/* ---- ending --------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* A thread of the past may hold the lock, or be in the middle of a call. */
static bool lock_in_time(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    return pthread_mutex_timedlock(&gpu_driver.lock, &until) == 0;
}

/* CUDA does not write what kernels printed last, but here it is told. */
static void tell_what_was_printed(void) {
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        if (atomic_load(&c->output.waiting)) gpu_report("kernels printed something that was never written; synchronise, or destroy the context, before the program ends");
}

void gpu_process_write(void) {
    static atomic_flag done = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&done)) return;
    gpu_profile_end();
    gpu_timeline_end();
    gpu_checks_end();
}

/* When the process ends by itself. */
__attribute__((destructor)) static void end(void) {
    const gpu_settings *s = &gpu_driver.settings;
    if (!gpu_driver.initialized || gpu_driver.pid != (int)getpid()) return;
    if (lock_in_time()) {
        gpu_tasks_end(!gpu_in_host_function && (s->check || s->profile[0] != '\0' || s->timeline[0] != '\0'));
        tell_what_was_printed();
        pthread_mutex_unlock(&gpu_driver.lock);
    }
    gpu_process_write();
}

_Thread_local bool gpu_in_host_function;

CUresult gpu_enter_process(void) {
    if (gpu_in_host_function) return CUDA_ERROR_NOT_PERMITTED;
    if (gpu_driver.pid != 0 && gpu_driver.pid != (int)getpid()) return CUDA_ERROR_NOT_INITIALIZED; /* forked off: the lock may be held by a thread that is not here */
    pthread_mutex_lock(&gpu_driver.lock);
    if (gpu_driver.initialized && gpu_driver.pid == (int)getpid()) return CUDA_SUCCESS; /* a process that was forked off has no workers */
    pthread_mutex_unlock(&gpu_driver.lock);
    return CUDA_ERROR_NOT_INITIALIZED;
}

CUresult gpu_enter_object(const void *object, gpu_object_kind kind, CUresult otherwise) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return gpu_object_is(object, kind) ? CUDA_SUCCESS : gpu_leave(gpu_object_refuse(object, kind, otherwise));
}

CUresult gpu_enter(CUcontext *current) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    *current = gpu_current();
    result = *current == NULL ? gpu_no_context() : gpu_context_error(*current);
    return result == CUDA_SUCCESS ? result : gpu_leave(result);
}

CUresult gpu_leave(CUresult result) {
    pthread_mutex_unlock(&gpu_driver.lock);
    gpu_output_write();
    return result;
}

CUresult cuDriverGetVersion(int *version) {
    gpu_settings settings;
    if (version == NULL) return CUDA_ERROR_INVALID_VALUE;
    *version = gpu_settings_read(&settings) == PGD_OK ? settings.driver_version : 0;
    return CUDA_SUCCESS;
}

/* ---- errors ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static const struct {
    CUresult result;
    const char *name, *text;
} results[] = {
#define X(name, number, text) {name, #name, text},
    CUDA_RESULT_LIST(X)
#undef X
};

const char *gpu_error_name(CUresult error, bool name) {
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i].result == error) return name ? results[i].name : results[i].text;
    return NULL;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
    if (text == NULL) return CUDA_ERROR_INVALID_VALUE;
    *text = gpu_error_name(error, false);
    return *text == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **name) {
    if (name == NULL) return CUDA_ERROR_INVALID_VALUE;
    *name = gpu_error_name(error, true);
    return *name == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/* No table of NVIDIA's own is here, and whoever asks has to be told so: compilers that got an empty one made empty code. */
CUresult cuGetExportTable(const void **table, const CUuuid *id) {
    if (table == NULL || id == NULL) return CUDA_ERROR_INVALID_VALUE;
    *table = NULL;
    return CUDA_ERROR_NOT_FOUND;
}

/* ---- functions by name ------------------------------------------------------------------------------------------------------------------------------------------- */

void *gpu_function_address(const char *name, int version, int of_threads, int *why); /* functions.c, which sees no prototypes */

CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, CUdriverProcAddressQueryResult *found) {
    int why;
    if (name == NULL || function == NULL || flags > CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) return CUDA_ERROR_INVALID_VALUE;
    *function = gpu_function_address(name, version, flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &why);
    if (found != NULL) *found = (CUdriverProcAddressQueryResult)why;
    return *function == NULL ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS;
}

CUresult cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) { return cuGetProcAddress_v2(name, function, version, flags, NULL); }

/* Of programs that ask for streams of threads. */
CUresult cuGetProcAddress_v2_ptsz(const char *name, void **function, int version, uint64_t flags, CUdriverProcAddressQueryResult *found) {
    return cuGetProcAddress_v2(name, function, version, flags == CU_GET_PROC_ADDRESS_DEFAULT ? CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM : flags, found);
}
