/* SPDX-License-Identifier: Apache-2.0
 * Sizes that a launch may have, and sentences about its faults. */
#include "gpu_launch.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_THREADS_MAX = 1024 };

uint64_t gpu_launch_shared_bytes(const gpu_launch *l) {
    const gpu_program *p = l->program;
    if (l->dynamic_shared_bytes == 0) return gpu_program_shared_bytes(p, l->kernel);
    return ((p->shared_bytes + p->dynamic_align - 1) & -p->dynamic_align) + l->dynamic_shared_bytes;
}

pgd_status gpu_launch_check(const gpu_launch *l) {
    uint64_t threads = (uint64_t)l->block[0] * l->block[1] * l->block[2];
    if (l->kernel == NULL || !l->kernel->entry || !l->kernel->defined) return pgd_fail(PGD_BAD_ARG, "what is launched is no kernel with a body");
    if (threads < 1 || l->block[0] > BLOCK_THREADS_MAX || l->block[1] > BLOCK_THREADS_MAX || l->block[2] > 64 || threads > BLOCK_THREADS_MAX)
        return pgd_fail(PGD_BAD_ARG, "a block of %u x %u x %u threads; 1 to %d in all, at most 64 in the third direction", l->block[0], l->block[1], l->block[2], BLOCK_THREADS_MAX);
    if (l->grid[0] < 1 || l->grid[1] < 1 || l->grid[2] < 1 || l->grid[0] > INT32_MAX || l->grid[1] > 65535 || l->grid[2] > 65535) return pgd_fail(PGD_BAD_ARG, "a grid of %u x %u x %u blocks; at least 1, at most 2147483647 x 65535 x 65535", l->grid[0], l->grid[1], l->grid[2]);
    uint64_t fixed = gpu_program_shared_bytes(l->program, l->kernel);
    if (l->dynamic_shared_bytes > GPU_SHARED_MAX || fixed > GPU_SHARED_MAX || fixed + l->dynamic_shared_bytes > GPU_SHARED_MAX) return pgd_fail(PGD_BAD_ARG, "%llu bytes of shared memory; a block has %d", (unsigned long long)(fixed + l->dynamic_shared_bytes), GPU_SHARED_MAX);
    return PGD_OK;
}

/* "PTX line 13 (matmul.cu:12)" */
static void say_line(const ptx_module *module, const ptx_function *function, const ptx_instruction *i, char *text, size_t bytes) {
    const char *file = i == NULL ? NULL : ptx_source_file(module, i);
    int begun = snprintf(text, bytes, "PTX line %d", i == NULL ? function->place.line : i->place.line);
    if (file != NULL) snprintf(text + begun, bytes - (size_t)begun, " (%.60s:%d)", file, i->source_line);
}

enum { LINE_BYTES = 100 };

void gpu_place_say(const ptx_module *module, const ptx_function *function, const ptx_instruction *i, const uint32_t block[3], const uint32_t thread[3], char *text, size_t text_bytes) {
    char line[LINE_BYTES];
    say_line(module, function, i, line, sizeof line);
    snprintf(text, text_bytes, "%.100s, %s, block (%u,%u,%u), thread (%u,%u,%u)", function->name, line, block[0], block[1], block[2], thread[0], thread[1], thread[2]);
}

void gpu_waiting_say(const ptx_module *module, const ptx_instruction *i, const uint32_t thread[3], char *text, size_t text_bytes) {
    char line[LINE_BYTES];
    say_line(module, NULL, i, line, sizeof line);
    snprintf(text, text_bytes, "; thread (%u,%u,%u) waits at %s", thread[0], thread[1], thread[2], line);
}

/* ---- accesses to nothing ----------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef unsigned long long ull;

/* Where an address lies, seen from the allocation next to it. */
static void say_beside(const gpu_allocation *a, uint64_t address, uint64_t bytes, char *text, size_t text_bytes) {
    enum { FAR = 1 << 20 };
    uint64_t end = a->address + a->bytes, gap = address < a->address ? a->address - address : address >= end ? address - end : 0;
    char what[120], where[80];
    snprintf(what, sizeof what, "%s%s%.60s of %llu bytes%s", a->name[0] == '\0' ? "an allocation" : "the variable", a->name[0] == '\0' ? "" : " ", a->name, (ull)a->bytes, a->freed ? " that was freed" : "");
    if (gap > FAR) snprintf(where, sizeof where, "far from all that is allocated; the nearest is");
    else if (address < a->address) snprintf(where, sizeof where, "%llu bytes before", (ull)gap);
    else if (address < end) snprintf(where, sizeof where, "the last %llu of them past the end of", (ull)(address + bytes - end));
    else if (gap == 0) snprintf(where, sizeof where, "just past the end of");
    else snprintf(where, sizeof where, "%llu bytes past the end of", (ull)gap);
    snprintf(text, text_bytes, "%s %s at 0x%llx", where, what, (ull)a->address);
}

static void say_global(const gpu_launch *l, uint64_t address, uint64_t bytes, char *text, size_t text_bytes) {
    enum { NULL_PAGE = 4096 };
    gpu_allocation a;
    uint64_t first, all;
    gpu_memory_addresses(l->program->memory, &first, &all);
    (void)gpu_memory_at(l->program->memory, address, bytes, &a);
    bool begins_in = a.address != 0 && address - a.address < a.bytes;
    if (address < NULL_PAGE) snprintf(text, text_bytes, "the pointer is NULL, or was never set");
    else if (begins_in && a.freed) snprintf(text, text_bytes, "in memory that was freed (0x%llx, %llu bytes)", (ull)a.address, (ull)a.bytes);
    else if (begins_in && a.owner >= 0 && (l->barred >> a.owner & 1) != 0) snprintf(text, text_bytes, "in memory of device %d, which this one may not reach; enable peer access", a.owner);
    else if (!begins_in && (address < first || address - first >= all)) snprintf(text, text_bytes, "which is no address of this GPU; if it is the program's own memory, copy it, or get it from cuMemAllocManaged or cuMemAllocHost");
    else if (a.address == 0) snprintf(text, text_bytes, "and nothing is allocated");
    else say_beside(&a, address, bytes, text, text_bytes);
}

/* Of the variables of this kernel, or of what the launch asked for behind them. */
static void say_shared(const gpu_launch *l, uint64_t address, uint64_t room, char *text, size_t text_bytes) {
    const gpu_program *p = l->program;
    const ptx_variable *nearest = NULL;
    uint64_t end = 0, at, dynamic = gpu_launch_shared_bytes(l) - l->dynamic_shared_bytes;
    for (int32_t i = 0; i < p->variable_count; i++) {
        const ptx_variable *v = p->variables[i];
        if (v == NULL || v->space != PTX_SPACE_shared || v->unsized || !gpu_program_may_use(p, l->kernel, v) || !gpu_program_address(p, v, &at) || at + (uint64_t)v->bytes > address || at + (uint64_t)v->bytes <= end) continue;
        nearest = v;
        end = at + (uint64_t)v->bytes;
    }
    if (l->dynamic_shared_bytes > 0 && address >= dynamic) snprintf(text, text_bytes, "of .shared memory, from byte %llu of the %llu on that the launch asked for", (ull)(address - dynamic), (ull)l->dynamic_shared_bytes);
    else if (nearest != NULL) snprintf(text, text_bytes, "of .shared memory, %llu bytes past the end of %.100s, which has %llu", (ull)(address - end), nearest->name, (ull)nearest->bytes);
    else snprintf(text, text_bytes, "of .shared memory, of which the block has %llu", (ull)room);
}

void gpu_outside_say(const gpu_launch *l, ptx_space space, uint64_t address, uint64_t bytes, bool write, uint64_t room, char *text, size_t text_bytes) {
    bool global = space != PTX_SPACE_shared && space != PTX_SPACE_local && space != PTX_SPACE_param;
    int begun = snprintf(text, text_bytes, "%s %llu bytes at 0x%llx%s", write ? "writes" : "reads", (ull)bytes, (ull)address, global ? ", " : " ");
    text += begun, text_bytes -= (size_t)begun;
    if (global) say_global(l, address, bytes, text, text_bytes);
    else if (space == PTX_SPACE_shared) say_shared(l, address, room, text, text_bytes);
    else snprintf(text, text_bytes, "of .%s memory, where nothing is", ptx_space_names[space]);
}

void gpu_fault_say(gpu_fault *f, gpu_fault_kind kind, const ptx_module *module, const ptx_function *function, const ptx_instruction *instruction, const char *what) {
    f->kind = kind;
    f->function = function;
    f->instruction = instruction;
    gpu_place_say(module, function, instruction, f->block, f->thread, f->text, sizeof f->text);
    size_t length = strlen(f->text);
    snprintf(f->text + length, sizeof f->text - length, ": %s", what);
}
