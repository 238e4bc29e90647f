/* SPDX-License-Identifier: Apache-2.0
 * A program that is interrupted while a kernel runs ends when the launch has ended, and has said where it was; a second signal ends it at once. */
#define _GNU_SOURCE
#include "launch_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "driver_state.h"

_Atomic int gpu_watch_attention;
static _Atomic int running;

static uint64_t seconds_of(const gpu_watch *w) { return (pgd_time_ns() - w->begun_ns) / 1000000000; }

/* The handler is gone by now (SA_RESETHAND). */
static void on_signal(int number) {
    int before = errno; /* of what was interrupted */
    if (gpu_driver.pid == (int)getpid() && atomic_load(&running) > 0) atomic_store(&gpu_watch_attention, number);
    else raise(number);
    errno = before;
}

void gpu_watch_interrupts(void) {
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction own = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART}, now;
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        if (sigaction(numbers[k], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL) sigaction(numbers[k], &own, NULL);
}

void gpu_watch_begin(gpu_watch *w) {
    int late = atomic_load(&running) == 0 ? atomic_exchange(&gpu_watch_attention, 0) : 0; /* it came when the last launch had just ended */
    if (late != 0) kill(getpid(), late);
    w->begun_ns = pgd_time_ns();
    atomic_init(&w->said, false);
    atomic_fetch_add(&running, 1);
}

/* A handler that the program has by now may let it go on. */
void gpu_watch_end(void) {
    struct sigaction now;
    int number = atomic_fetch_sub(&running, 1) == 1 ? atomic_exchange(&gpu_watch_attention, 0) : 0;
    if (number == 0) return;
    if (sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL) gpu_process_write();
    kill(getpid(), number);
}

static char how_long[80];
static void say_how_long(void) { snprintf(how_long, sizeof how_long, ": %d s, as --timeout (PAGODA_SOFTGPU_TIMEOUT) says", gpu_driver.settings.timeout_s); }

const char *gpu_watch_how_long(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, say_how_long);
    return how_long;
}

gpu_order gpu_watch_look(gpu_watch *w) {
    const gpu_settings *s = &gpu_driver.settings;
    uint64_t seconds = seconds_of(w);
    if (atomic_load(&gpu_watch_attention) != 0) return GPU_INTERRUPT;
    if (s->timeout_s > 0 && seconds >= (uint64_t)s->timeout_s) return GPU_TOO_LONG;
    return s->patience_s > 0 && seconds >= (uint64_t)s->patience_s && !atomic_exchange(&w->said, true) ? GPU_SAY_WHERE : GPU_GO_ON;
}

void gpu_watch_where(const gpu_watch *w, const char *place) {
    gpu_report("%s: this launch has run for %llu s; ^C ends the program and says where it is then, --timeout ends such launches", place, (unsigned long long)seconds_of(w));
}
