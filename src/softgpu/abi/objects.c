/* SPDX-License-Identifier: Apache-2.0
 * Which handles live: a hash set of addresses, so that a handle that never was or is no more gives an error and no crash. */
#include "driver_state.h"

static struct {
    void **slots;  /* NULL: free; REMOVED: was in use */
    size_t count, capacity;
} set;
static gpu_object removed;
#define REMOVED ((void *)&removed)

static size_t place(const void *object) { return (size_t)((uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15) >> 17); }

static bool grow(void) {
    size_t live = 0;
    for (size_t i = 0; i < set.capacity; i++) live += set.slots[i] != NULL && set.slots[i] != REMOVED;
    size_t capacity = live * 4 + 256; /* those that were removed are forgotten */
    void **slots = pgd_mem_zalloc(sizeof *slots * capacity);
    if (slots == NULL) return false;
    size_t count = 0;
    for (size_t i = 0; i < set.capacity; i++) {
        if (set.slots[i] == NULL || set.slots[i] == REMOVED) continue;
        size_t at = place(set.slots[i]) % capacity;
        while (slots[at] != NULL) at = (at + 1) % capacity;
        slots[at] = set.slots[i];
        count++;
    }
    pgd_mem_free(set.slots);
    set.slots = slots;
    set.capacity = capacity;
    set.count = count;
    return true;
}

bool gpu_object_add(void *object, gpu_object_kind kind) {
    if (set.count * 2 >= set.capacity && !grow()) return false;
    size_t at = place(object) % set.capacity;
    while (set.slots[at] != NULL && set.slots[at] != REMOVED) at = (at + 1) % set.capacity;
    set.count += set.slots[at] == NULL;
    set.slots[at] = object;
    ((gpu_object *)object)->kind = kind;
    return true;
}

static void **find(const void *object) {
    if (object == NULL || set.capacity == 0) return NULL;
    for (size_t at = place(object) % set.capacity; set.slots[at] != NULL; at = (at + 1) % set.capacity)
        if (set.slots[at] == object) return &set.slots[at];
    return NULL;
}

void gpu_object_remove(void *object) {
    void **slot = find(object);
    if (slot != NULL) *slot = REMOVED;
}

bool gpu_object_is(const void *object, gpu_object_kind kind) { return find(object) != NULL && ((const gpu_object *)object)->kind == kind; }

CUresult gpu_object_refuse(const void *object, gpu_object_kind kind, CUresult result) {
    static const char *const names[] = {
        "",
#define X(name, text) text,
        GPU_OBJECT_LIST(X)
#undef X
    };
    return gpu_refuse(result, "%p is no %s, or it is one no more: it was destroyed", object, names[kind]);
}
