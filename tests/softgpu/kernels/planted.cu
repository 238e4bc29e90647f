// SPDX-License-Identifier: Apache-2.0
// Kernels with a mistake each, and the same ones without (BUG 0). The line of each mistake is marked with its name, which the test looks for. planted.ptx is made by
//   for bug in 1 0; do clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx72 -O1 -gline-tables-only -fdebug-prefix-map=$PWD=. -DBUG=$bug -S -o planted_$bug.ptx planted.cu; done
#define KERNEL extern "C" __attribute__((global)) void
#define SHARED static __attribute__((shared))

static inline __attribute__((device)) int tid() { return __nvvm_read_ptx_sreg_tid_x(); }
static inline __attribute__((device)) int bid() { return __nvvm_read_ptx_sreg_ctaid_x(); }

KERNEL off_by_one(int *y, int n) {
    int i = bid() * 32 + tid();
    if (i < n + BUG)
        y[i] = i; // off_by_one
}

KERNEL misaligned(char *y) {
    int at = BUG ? 2 : 4;
    if (tid() == 0)
        *(volatile int *)(y + at) = 1; // misaligned
}

KERNEL missing_barrier(int *y) {
    SHARED int room[64];
    room[tid()] = tid();
    if (!BUG) __syncthreads();
    y[tid()] = room[63 - tid()]; // missing_barrier
}

KERNEL divergent_barrier(int *y) {
    int turn = BUG ? tid() % 2 : 0;
    if (turn == 0) {
        asm volatile("bar.sync 0;" ::: "memory"); // divergent_barrier
        y[tid()] = 1;
    } else {
        asm volatile("bar.sync 1;" ::: "memory");
        y[tid()] = 2;
    }
}

KERNEL parted_barrier(int *y) {
    if (BUG && tid() % 2 == 0) {
        asm volatile("bar.sync 0, 32;" ::: "memory"); // written so that the compiler does not make one of the two
        y[tid()] = 1;
    } else {
        asm volatile("bar.sync 0, 0x20;" ::: "memory"); // parted_barrier
        y[tid()] = 2;
    }
}

// The last block to come adds up what the others left; they must have left it before they count themselves.
KERNEL global_race(int *parts, unsigned *count, int *sum) {
    parts[bid()] = bid() + 1;
    if (!BUG) __nvvm_membar_gl();
    unsigned before = __nvvm_atom_inc_gen_ui(count, 1u << 30);
    if (!BUG) __nvvm_membar_gl();
    if (before != 7) return;
    int total = 0;
    for (int i = 0; i < 8; i++)
        total += ((volatile int *)parts)[i]; // global_race
    *sum = total;
}

KERNEL same_place(int *y) {
    if (!BUG && bid() != 0) return;
    if (tid() == 0)
        y[0] = bid() + 5; // same_place
}

KERNEL skipped_barrier(int *y) {
    if (BUG && tid() >= 40) return;
    __syncthreads(); // skipped_barrier
    y[tid()] = 1;
}

KERNEL lost_sum(int *y) {
    if (!BUG) __nvvm_atom_add_gen_i(&y[0], 1);
    else y[0] += tid(); // lost_sum
}

KERNEL missing_wait(const int *x, int *y) {
    SHARED int room[32];
    unsigned to = (unsigned)(unsigned long long)(__attribute__((address_space(3))) int *)&room[tid()];
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(&x[tid()]) : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
    if (!BUG) asm volatile("cp.async.wait_group 0;" ::: "memory");
    y[tid()] = ((volatile int *)room)[tid()]; // missing_wait
}

KERNEL uninitialised(const int *x, int *y, int n) {
    y[tid()] = x[tid() + (BUG ? n : 0)]; // uninitialised
}

KERNEL use_after_free(const int *x, int *y) {
    y[tid()] = x[tid()]; // use_after_free
}

KERNEL infinite_loop(volatile int *x) {
    do {
        x[1]++;
    } while (BUG && x[0] == 0); // infinite_loop
}

extern "C" __attribute__((device)) void *malloc(unsigned long bytes);
extern "C" __attribute__((device)) void free(void *p);
extern "C" __attribute__((device)) void __assertfail(const char *message, const char *file, unsigned int line, const char *function, unsigned long character_bytes);

KERNEL assertion(const int *x, int *y) {
    if (x[tid()] > -BUG)
        __assertfail("x[tid()] == 0", "planted.cu", __LINE__, "assertion", 1); // assertion
    y[tid()] = 1;
}

KERNEL heap_overflow(int *y, int n) {
    volatile int *p = (volatile int *)malloc(4 * n);
    p[n - 1 + BUG] = 1; // heap_overflow
    y[0] = p[n - 1];
    free((void *)p);
}

KERNEL double_free(int *y) {
    int *volatile p = (int *)malloc(4);
    free(p);
    if (BUG)
        free(p); // double_free
    y[0] = 1;
}

KERNEL unwritten_heap(int *y, int n) {
    volatile int *p = (volatile int *)malloc(2 * sizeof(int));
    if (!BUG) p[1] = 1;
    y[0] = p[1]; // unwritten_heap
    free((void *)p);
}
