/* SPDX-License-Identifier: Apache-2.0
 * A ring of records, a length and its bytes each. */
#include "kernel_output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver_state.h"

void gpu_output_init(gpu_output *o, size_t capacity) {
    *o = (gpu_output){.capacity = capacity};
    pthread_mutex_init(&o->lock, NULL);
}

void gpu_output_deinit(gpu_output *o) {
    pgd_mem_free(o->ring);
    pthread_mutex_destroy(&o->lock);
    o->ring = NULL;
}

/* ---- the ring: bytes come in behind, go out in front ----------------------------------------------------------------------------------------------------------------- */

static void put(gpu_output *o, const void *from, size_t bytes) {
    size_t at = (o->first + o->count) % o->capacity, part = bytes < o->capacity - at ? bytes : o->capacity - at;
    memcpy(o->ring + at, from, part);
    memcpy(o->ring, (const char *)from + part, bytes - part);
    o->count += bytes;
}

static void take(gpu_output *o, void *to, size_t bytes) {
    size_t part = bytes < o->capacity - o->first ? bytes : o->capacity - o->first;
    if (to != NULL) {
        memcpy(to, o->ring + o->first, part);
        memcpy((char *)to + part, o->ring, bytes - part);
    }
    o->first = (o->first + bytes) % o->capacity;
    o->count -= bytes;
}

static uint32_t take_length(gpu_output *o) {
    uint32_t length;
    take(o, &length, sizeof length);
    return length;
}

/* ---- by kernels ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

void gpu_output_add(gpu_output *o, const char *text, size_t bytes) {
    uint32_t length = (uint32_t)bytes;
    pthread_mutex_lock(&o->lock);
    if (o->ring == NULL) o->ring = pgd_mem_alloc(o->capacity);
    if (o->ring == NULL || bytes + sizeof length > o->capacity) {
        o->lost += bytes;
    } else {
        while (o->capacity - o->count < bytes + sizeof length) {
            uint32_t oldest = take_length(o);
            take(o, NULL, oldest);
            o->lost += oldest;
        }
        put(o, &length, sizeof length);
        put(o, text, bytes);
    }
    atomic_store(&o->waiting, true);
    pthread_mutex_unlock(&o->lock);
}

void gpu_output_assert(gpu_output *o, const char *line) {
    pthread_mutex_lock(&o->lock);
    snprintf(o->assertion, sizeof o->assertion, "%s", line);
    atomic_store(&o->waiting, true);
    pthread_mutex_unlock(&o->lock);
}

/* ---- to the program ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* What this thread is to write when it has left the driver: who reads may be another thread, that needs the driver first. */
static _Thread_local struct {
    char *text;
    size_t bytes;
    char assertion[sizeof ((gpu_output *)0)->assertion];
} left;

static void collect(gpu_output *o) {
    char *grown = o->count == 0 ? NULL : pgd_mem_resize(left.text, left.bytes + o->count);
    if (grown != NULL) left.text = grown;
    while (o->count > 0) {
        uint32_t bytes = take_length(o);
        take(o, grown == NULL ? NULL : left.text + left.bytes, bytes);
        if (grown == NULL) o->lost += bytes;
        else left.bytes += bytes;
    }
    if (o->assertion[0] != '\0') memcpy(left.assertion, o->assertion, sizeof left.assertion);
    o->assertion[0] = '\0';
}

void gpu_output_flush(gpu_output *o) {
    if (!atomic_load(&o->waiting)) return;
    pthread_mutex_lock(&o->lock);
    atomic_store(&o->waiting, false);
    collect(o);
    uint64_t lost = o->lost;
    o->lost = 0;
    pthread_mutex_unlock(&o->lock);
    if (lost > 0) gpu_report("%llu bytes that kernels printed are lost: %zu fit between two synchronisations, as CU_LIMIT_PRINTF_FIFO_SIZE says", (unsigned long long)lost, o->capacity);
}

void gpu_output_write(void) {
    if (left.bytes == 0 && left.assertion[0] == '\0') return;
    if (left.bytes > 0) fwrite(left.text, 1, left.bytes, stdout);
    fflush(stdout);
    size_t length = strlen(left.assertion);
    if (length > 0 && length < sizeof left.assertion) left.assertion[length++] = '\n';
    fwrite(left.assertion, 1, length, stderr);
    pgd_mem_free(left.text);
    left.text = NULL;
    left.bytes = 0;
    left.assertion[0] = '\0';
}
