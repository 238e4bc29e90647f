/* SPDX-License-Identifier: Apache-2.0
 * Global memory has its bits in a mapping of its own, of which no more exists than is touched. Memory of the host is taken to be written: the host may do that at any
 * time. Variables of modules have first values. */
#define _GNU_SOURCE
#include "initialised.h"

#include <string.h>
#include <sys/mman.h>

#include "place_names.h"

typedef struct shared_bits {
    uint32_t block;
    unsigned char *bits;
    uint64_t bytes;
} shared_bits;

struct gpu_initialised {
    gpu_memory *memory;
    gpu_findings *findings;
    unsigned char *bits; /* of global memory, from `base` on */
    uint64_t base, bytes;
    shared_bits *blocks;
    int32_t count, capacity;
};

gpu_initialised *gpu_initialised_create(gpu_memory *memory, gpu_findings *findings) {
    gpu_initialised *s = pgd_mem_zalloc(sizeof *s);
    if (s == NULL) return NULL;
    s->memory = memory;
    s->findings = findings;
    gpu_memory_addresses(memory, &s->base, &s->bytes);
    s->bits = mmap(NULL, (size_t)(s->bytes / 8), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->bits != MAP_FAILED) return s;
    pgd_mem_free(s);
    return NULL;
}

static void forget_blocks(gpu_initialised *s) {
    for (int32_t i = 0; i < s->count; i++) pgd_mem_free(s->blocks[i].bits);
    s->count = 0;
}

void gpu_initialised_destroy(gpu_initialised *s) {
    if (s == NULL) return;
    forget_blocks(s);
    munmap(s->bits, (size_t)(s->bytes / 8));
    pgd_mem_free(s->blocks);
    pgd_mem_free(s);
}

void gpu_initialised_begin_block(gpu_initialised *s, uint32_t block, uint64_t shared_bytes) {
    unsigned char *bits = pgd_mem_zalloc((size_t)(shared_bytes / 8 + 8));
    if (bits == NULL || !pgd_grow(&s->blocks, &s->capacity, s->count, sizeof *s->blocks)) { /* nothing is told of this block */
        gpu_findings_incomplete(s->findings, GPU_CHECK_NO_MEMORY);
        pgd_mem_free(bits);
        return;
    }
    s->blocks[s->count++] = (shared_bits){block, bits, shared_bytes};
}

void gpu_initialised_end_block(gpu_initialised *s, uint32_t block) {
    for (int32_t i = s->count - 1; i >= 0; i--) {
        if (s->blocks[i].block != block) continue;
        pgd_mem_free(s->blocks[i].bits);
        s->blocks[i] = s->blocks[--s->count];
    }
}

static bool get(const unsigned char *bits, uint64_t at) { return (bits[at / 8] >> at % 8 & 1) != 0; }

static void put(unsigned char *bits, uint64_t at, uint64_t bytes, bool value) {
    for (; bytes > 0 && at % 8 != 0; at++, bytes--) bits[at / 8] = (unsigned char)(value ? bits[at / 8] | 1u << at % 8 : bits[at / 8] & ~(1u << at % 8));
    memset(bits + at / 8, value ? 0xff : 0, (size_t)(bytes / 8));
    for (at += bytes / 8 * 8, bytes %= 8; bytes > 0; at++, bytes--) bits[at / 8] = (unsigned char)(value ? bits[at / 8] | 1u << at % 8 : bits[at / 8] & ~(1u << at % 8));
}

void gpu_initialised_mark(gpu_initialised *s, uint64_t address, uint64_t bytes, bool written) {
    if (address >= s->base && address - s->base <= s->bytes && bytes <= s->bytes - (address - s->base)) put(s->bits, address - s->base, bytes, written);
}

/* The bits of an access and where it begins in them; NULL: they are not kept. */
static unsigned char *find(gpu_initialised *s, const gpu_access *a, uint64_t *at) {
    *at = a->address;
    for (int32_t i = 0; a->space == PTX_SPACE_shared && i < s->count; i++)
        if (s->blocks[i].block == a->block_number) return a->address + a->bytes <= s->blocks[i].bytes ? s->blocks[i].bits : NULL;
    if (a->space != PTX_SPACE_global || a->address < s->base || a->address - s->base >= s->bytes) return NULL;
    *at = a->address - s->base;
    return s->bits;
}

/* Is it memory of a device's that was allocated, not a variable's, not the host's? */
static bool is_kept(const gpu_initialised *s, const gpu_access *a) {
    gpu_allocation allocation;
    return a->space == PTX_SPACE_shared || (gpu_memory_at(s->memory, a->address, 1, &allocation) != NULL && (allocation.kind == GPU_MEMORY_DEVICE || allocation.kind == GPU_MEMORY_HEAP) && allocation.name[0] == '\0');
}

void gpu_initialised_access(gpu_initialised *s, const gpu_access *a) {
    uint64_t at, missing = 0;
    unsigned char *bits = find(s, a, &at);
    if (bits == NULL) return;
    bool reads = a->kind == GPU_ACCESS_READ || (a->kind == GPU_ACCESS_ATOMIC && a->instruction->slots[PTX_SLOT_op] != PTX_WORD_exch); /* of an exchange the old value is often not wanted */
    for (uint64_t k = 0; k < a->bytes && reads; k++) missing += !get(bits, at + k);
    if (missing > 0 && is_kept(s, a)) {
        char where[160];
        gpu_place_name(a, where, sizeof where);
        gpu_findings_add(s->findings, "uninitialised", a, NULL, "reads %llu bytes of .%s memory at 0x%llx%s, of which nobody has written %llu", (unsigned long long)a->bytes, ptx_space_names[a->space], (unsigned long long)a->address, where, (unsigned long long)missing);
    }
    put(bits, at, a->bytes, true); /* what is told of once is not told of again */
}
