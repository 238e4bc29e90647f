/* SPDX-License-Identifier: Apache-2.0
 * One anonymous file mapped twice: at the device addresses without rights, elsewhere for the executors. Allocations stand in one list by address.
 *
 * What the host may read has addresses of its own, behind all others. The first of it get their rights alone, with a page without rights behind each; a process has only
 * so many mappings (vm.max_map_count), so that further ones are made readable with that page, and become one mapping with their neighbours. Where kernels may go does
 * not change by that: between two allocations there is always a page that is nobody's. */
#define _GNU_SOURCE
#include "gpu_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_ADDRESS ((void *)UINT64_C(0x0000200000000000)) /* a wish: known addresses make failures alike */
enum { ADDRESSES_PER_BYTE = 16, FREED_MAX = 8192, ALONE_MAX = 4096 };
typedef enum zone_kind { OF_DEVICES, OF_HOST, ZONES } zone_kind;

typedef struct zone {
    uint64_t next, end; /* the first that was never used; both from `seen` on */
} zone;

struct gpu_memory {
    pthread_rwlock_t lock;
    char *seen, *alias;        /* the two mappings */
    int file;
    uint64_t reserved;         /* bytes of addresses */
    zone zones[ZONES];
    gpu_allocation *list;      /* by address */
    int32_t count, capacity, freed; /* freed: how many of them are kept to be told of */
    int32_t alone;             /* allocations that the host may read, with a mapping for each */
    bool together;             /* there were more than that: pages may be readable that should not be */
    int32_t devices;
    uint64_t device_bytes, used[GPU_DEVICES_MAX];
    _Atomic uint64_t generation;
};

static pgd_status map(gpu_memory *m, uint64_t wanted) {
    m->file = memfd_create("pagoda-softgpu", MFD_CLOEXEC);
    for (m->reserved = wanted; m->file >= 0 && m->reserved >= wanted / ADDRESSES_PER_BYTE; m->reserved /= 2) {
        if (ftruncate(m->file, (off_t)m->reserved) != 0) continue;
        m->seen = mmap(FIRST_ADDRESS, m->reserved, PROT_NONE, MAP_SHARED | MAP_NORESERVE, m->file, 0);
        m->alias = mmap(NULL, m->reserved, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->file, 0);
        if (m->seen != MAP_FAILED && m->alias != MAP_FAILED) return PGD_OK;
        if (m->seen != MAP_FAILED) munmap(m->seen, m->reserved);
        if (m->alias != MAP_FAILED) munmap(m->alias, m->reserved);
        m->seen = m->alias = NULL;
    }
    return pgd_fail(PGD_NO_MEMORY, "no room for the addresses of %llu bytes of device memory (%s); allow more with ulimit -v, or make the devices smaller", (unsigned long long)wanted / ADDRESSES_PER_BYTE, strerror(errno));
}

pgd_status gpu_memory_create(int32_t devices, uint64_t bytes, gpu_memory **out) {
    *out = NULL;
    gpu_memory *m = pgd_mem_zalloc(sizeof *m);
    if (m == NULL) return pgd_fail_memory(sizeof *m);
    m->devices = devices;
    m->device_bytes = bytes;
    m->file = -1;
    atomic_init(&m->generation, 1);
    pthread_rwlock_init(&m->lock, NULL);
    pgd_status status = map(m, ((uint64_t)devices * bytes * ADDRESSES_PER_BYTE + GPU_PAGE - 1) & -(uint64_t)GPU_PAGE);
    if (status != PGD_OK) return gpu_memory_destroy(m), status;
    uint64_t half = m->reserved / 2 & -(uint64_t)GPU_PAGE;
    m->zones[OF_DEVICES] = (zone){0, half};
    m->zones[OF_HOST] = (zone){half, m->reserved};
    *out = m;
    return PGD_OK;
}

void gpu_memory_destroy(gpu_memory *m) {
    if (m == NULL) return;
    if (m->seen != NULL) munmap(m->seen, m->reserved);
    if (m->alias != NULL) munmap(m->alias, m->reserved);
    if (m->file >= 0) close(m->file);
    pgd_mem_free(m->list);
    pthread_rwlock_destroy(&m->lock);
    pgd_mem_free(m);
}

/* ---- the list ------------------------------------------------------------------------------------------------------------------------------------------------ */

/* The last allocation that begins at the address or before; -1: none. */
static int32_t at_or_before(const gpu_memory *m, uint64_t address) {
    int32_t low = 0, high = m->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (m->list[middle].address <= address) low = middle + 1;
        else high = middle;
    }
    return low - 1;
}

static bool holds(const gpu_allocation *a, uint64_t address, uint64_t bytes) { return !a->freed && address >= a->address && bytes <= a->bytes && address - a->address <= a->bytes - bytes; }

static bool ours(const gpu_allocation *a) { return a->kind != GPU_MEMORY_REGISTERED; }
static uint64_t room(uint64_t bytes) { return ((bytes + GPU_PAGE - 1) & -(uint64_t)GPU_PAGE) + GPU_PAGE; }

static pgd_status insert(gpu_memory *m, gpu_allocation a) {
    if (!pgd_grow(&m->list, &m->capacity, m->count, sizeof *m->list)) return pgd_fail_memory(sizeof *m->list);
    int32_t at = at_or_before(m, a.address) + 1;
    memmove(m->list + at + 1, m->list + at, sizeof *m->list * (size_t)(m->count - at));
    m->list[at] = a;
    m->count++;
    return PGD_OK;
}

static void remove_at(gpu_memory *m, int32_t at) { memmove(m->list + at, m->list + at + 1, sizeof *m->list * (size_t)(--m->count - at)); }

/* ---- addresses ----------------------------------------------------------------------------------------------------------------------------------------------- */

static bool visible(gpu_memory_kind kind) { return kind == GPU_MEMORY_PINNED || kind == GPU_MEMORY_MANAGED; }

/* What is given out anywhere was used. */
static void use(gpu_memory *m, uint64_t from, uint64_t bytes) {
    for (int32_t k = 0; k < ZONES; k++) {
        zone *z = &m->zones[k];
        if (from < z->end && from + bytes > z->next) z->next = from + bytes < z->end ? from + bytes : z->end;
    }
}

/* Addresses are at their end: the first gap between living allocations that is wide enough is used again, and what was freed in it forgotten. */
static bool reuse(gpu_memory *m, uint64_t bytes, uint64_t align, uint64_t *address) {
    uint64_t base = (uint64_t)(uintptr_t)m->seen, start = base;
    for (int32_t i = 0; i <= m->count; i++) {
        const gpu_allocation *a = &m->list[i];
        if (i < m->count && (a->freed || !ours(a))) continue;
        uint64_t end = i < m->count ? a->address : base + m->reserved;
        *address = (start + align - 1) & -align;
        if (*address < end && room(bytes) <= end - *address) {
            for (int32_t k = i - 1; k >= 0; k--)
                if (ours(&m->list[k]) && m->list[k].freed && m->list[k].address >= start) remove_at(m, k), m->freed--;
            return true;
        }
        if (i < m->count) start = a->address + room(a->bytes);
    }
    return false;
}

static bool find_addresses(gpu_memory *m, const gpu_allocation *a, uint64_t align, uint64_t *address) {
    const zone *z = &m->zones[visible(a->kind) ? OF_HOST : OF_DEVICES];
    uint64_t base = (uint64_t)(uintptr_t)m->seen, from = (base + z->next + align - 1) & -align;
    bool fresh = from - base <= z->end && room(a->bytes) <= z->end - (from - base);
    if (fresh) *address = from;
    else if (!reuse(m, a->bytes, align, address)) return false;
    use(m, *address - base, room(a->bytes));
    if (!fresh && m->together) (void)!mprotect((void *)(uintptr_t)*address, room(a->bytes), PROT_NONE);
    return true;
}

/* Lets the host at it. */
static bool show(gpu_memory *m, gpu_allocation *a) {
    a->alone = m->alone < ALONE_MAX;
    if (mprotect((void *)(uintptr_t)a->address, room(a->bytes) - (a->alone ? GPU_PAGE : 0), PROT_READ | PROT_WRITE) != 0) return false;
    if (a->alone) m->alone++;
    else m->together = true;
    return true;
}

/* Of those that share a mapping each that went would make two of it; they hold zeros from now on. */
static void hide(gpu_memory *m, const gpu_allocation *a) {
    if (!visible(a->kind) || !a->alone) return;
    m->alone--;
    (void)!mprotect((void *)(uintptr_t)a->address, room(a->bytes) - GPU_PAGE, PROT_NONE);
}

static bool counted(const gpu_memory *m, const gpu_allocation *a) { return a->owner >= 0 && a->owner < m->devices; }

static pgd_status allocate(gpu_memory *m, gpu_allocation a, uint64_t align, uint64_t *address) {
    uint64_t left = m->device_bytes - (counted(m, &a) ? m->used[a.owner] : 0);
    if (a.bytes > left) return pgd_fail(PGD_NO_MEMORY, "%llu bytes of device memory; %llu of %llu are free", (unsigned long long)a.bytes, (unsigned long long)left, (unsigned long long)m->device_bytes);
    if (align < GPU_PAGE) align = GPU_PAGE;
    if (!find_addresses(m, &a, align, &a.address)) return pgd_fail(PGD_NO_MEMORY, "%llu bytes of device memory; there are no addresses for them", (unsigned long long)a.bytes);
    a.host = m->alias + (a.address - (uint64_t)(uintptr_t)m->seen);
    if (visible(a.kind) && !show(m, &a)) return pgd_fail(PGD_NO_MEMORY, "%llu bytes that the host may read: %s", (unsigned long long)a.bytes, strerror(errno));
    pgd_status status = insert(m, a);
    if (status != PGD_OK) return hide(m, &a), status;
    if (counted(m, &a)) m->used[a.owner] += a.bytes;
    *address = a.address;
    return PGD_OK;
}

pgd_status gpu_memory_allocate(gpu_memory *m, gpu_memory_kind kind, int32_t owner, uint64_t bytes, uint64_t align, const char *name, uint64_t *address) {
    gpu_allocation a = {.bytes = bytes, .kind = kind, .owner = owner};
    *address = 0;
    snprintf(a.name, sizeof a.name, "%s", name == NULL ? "" : name);
    pthread_rwlock_wrlock(&m->lock);
    pgd_status status = allocate(m, a, align, address);
    pthread_rwlock_unlock(&m->lock);
    return status;
}

static pgd_status register_host(gpu_memory *m, gpu_allocation a) {
    int32_t i = at_or_before(m, a.address + a.bytes - 1);
    if (i >= 0 && !m->list[i].freed && m->list[i].address + m->list[i].bytes > a.address) return pgd_fail(PGD_BAD_ARG, "some of the %llu bytes at 0x%llx are registered already", (unsigned long long)a.bytes, (unsigned long long)a.address);
    return insert(m, a);
}

pgd_status gpu_memory_register(gpu_memory *m, void *host, uint64_t bytes) {
    gpu_allocation a = {.address = (uint64_t)(uintptr_t)host, .bytes = bytes, .host = host, .kind = GPU_MEMORY_REGISTERED, .owner = GPU_HOST};
    if (host == NULL || bytes == 0 || bytes > UINT64_MAX - a.address) return pgd_fail(PGD_BAD_ARG, "%llu bytes at %p cannot be registered", (unsigned long long)bytes, host);
    pthread_rwlock_wrlock(&m->lock);
    pgd_status status = register_host(m, a);
    pthread_rwlock_unlock(&m->lock);
    return status;
}

/* Half of those that were freed, from the lowest addresses on, which are the oldest. */
static void forget_oldest(gpu_memory *m) {
    int32_t kept = 0;
    for (int32_t i = 0; i < m->count; i++) {
        bool forget = m->list[i].freed && m->freed > FREED_MAX / 2;
        if (forget) m->freed--;
        else m->list[kept++] = m->list[i];
    }
    m->count = kept;
}

static pgd_status release(gpu_memory *m, uint64_t address) {
    int32_t i = at_or_before(m, address);
    gpu_allocation *a = i < 0 ? NULL : &m->list[i];
    if (a == NULL || a->address != address || a->freed) return pgd_fail(PGD_BAD_ARG, "0x%llx is the beginning of no allocation that could be freed", (unsigned long long)address);
    if (ours(a)) {
        uint64_t bytes = room(a->bytes) - GPU_PAGE;
        hide(m, a);
        if (bytes > 0 && fallocate(m->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, a->host - m->alias, (off_t)bytes) != 0) memset(a->host, 0, a->bytes);
    }
    if (counted(m, a)) m->used[a->owner] -= a->bytes;
    a->freed = true;
    if (ours(a)) m->freed++;
    else remove_at(m, i); /* the host does with it what it likes from now on */
    if (m->freed > FREED_MAX) forget_oldest(m);
    atomic_fetch_add(&m->generation, 1);
    return PGD_OK;
}

pgd_status gpu_memory_free(gpu_memory *m, uint64_t address) {
    pthread_rwlock_wrlock(&m->lock);
    pgd_status status = release(m, address);
    pthread_rwlock_unlock(&m->lock);
    return status;
}

bool gpu_memory_free_own(gpu_memory *m, uint64_t address, gpu_memory_kind kind, uint64_t claim, gpu_allocation *nearest) {
    pthread_rwlock_wrlock(&m->lock);
    int32_t i = at_or_before(m, address);
    *nearest = i < 0 ? (gpu_allocation){0} : m->list[i];
    bool own = i >= 0 && nearest->address == address && nearest->kind == kind && nearest->claim == claim && !nearest->freed && release(m, address) == PGD_OK;
    pthread_rwlock_unlock(&m->lock);
    return own;
}

void gpu_memory_claim(gpu_memory *m, uint64_t address, uint64_t claim) {
    pthread_rwlock_wrlock(&m->lock);
    int32_t i = at_or_before(m, address);
    if (i >= 0 && m->list[i].address == address) m->list[i].claim = claim;
    pthread_rwlock_unlock(&m->lock);
}

void gpu_memory_free_claimed(gpu_memory *m, uint64_t claim) {
    pthread_rwlock_wrlock(&m->lock);
    for (int32_t i = m->count - 1; i >= 0; i--) /* from behind: entries may go */
        if (i < m->count && m->list[i].claim == claim && !m->list[i].freed) (void)!release(m, m->list[i].address), i = i < m->count ? i : m->count;
    pthread_rwlock_unlock(&m->lock);
}

void gpu_memory_addresses(const gpu_memory *m, uint64_t *first, uint64_t *bytes) {
    *first = (uint64_t)(uintptr_t)m->seen;
    *bytes = m->reserved;
}

void gpu_memory_usage(gpu_memory *m, int32_t device, uint64_t *free_bytes, uint64_t *total_bytes) {
    pthread_rwlock_rdlock(&m->lock);
    *total_bytes = m->device_bytes;
    *free_bytes = m->device_bytes - m->used[device];
    pthread_rwlock_unlock(&m->lock);
}

/* ---- looking up ------------------------------------------------------------------------------------------------------------------------------------------------ */

static char *find(gpu_memory *m, uint64_t address, uint64_t bytes, gpu_allocation *nearest) {
    int32_t i = at_or_before(m, address);
    bool follows = i + 1 < m->count; /* one begins behind the address */
    *nearest = m->count == 0 ? (gpu_allocation){0} : m->list[i < 0 ? 0 : i];
    if (i >= 0 && holds(nearest, address, bytes)) return nearest->host + (address - nearest->address);
    if (i >= 0 && follows && address >= nearest->address + nearest->bytes && m->list[i + 1].address - address < address - (nearest->address + nearest->bytes)) *nearest = m->list[i + 1];
    return NULL;
}

char *gpu_memory_at(gpu_memory *m, uint64_t address, uint64_t bytes, gpu_allocation *nearest) {
    gpu_allocation found;
    pthread_rwlock_rdlock(&m->lock);
    char *host = find(m, address, bytes, &found);
    pthread_rwlock_unlock(&m->lock);
    if (nearest != NULL) *nearest = found;
    return host;
}

uint64_t gpu_memory_generation(const gpu_memory *m) { return atomic_load_explicit(&m->generation, memory_order_acquire); }
const _Atomic uint64_t *gpu_memory_generation_place(const gpu_memory *m) { return &m->generation; }

char *gpu_memory_look(gpu_memory *m, gpu_memory_window *w, uint64_t barred, uint64_t address, uint64_t bytes) {
    uint64_t generation = gpu_memory_generation(m);
    if (w->generation == generation && gpu_memory_window_holds(w, address, bytes)) return w->host + (address - w->address);
    gpu_allocation a;
    if (gpu_memory_at(m, address, bytes, &a) == NULL || (a.owner >= 0 && (barred >> a.owner & 1) != 0)) return NULL;
    *w = (gpu_memory_window){a.address, a.bytes, generation, a.host, a.kind == GPU_MEMORY_CONSTANT, a.owner};
    return a.host + (address - a.address);
}
