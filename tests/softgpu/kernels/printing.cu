// SPDX-License-Identifier: Apache-2.0
// Kernels that call what the driver supplies: printf, assert, malloc and free. Lines that go wrong are marked with a name, which the tests look for. printing.ptx is made of it by
//   clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx72 -O1 -gline-tables-only -fdebug-prefix-map=$PWD=. -S -o printing.ptx printing.cu
#define KERNEL extern "C" __attribute__((global)) void
#define SUPPLIED extern "C" __attribute__((device))
#define assert(x) ((x) ? (void)0 : __assertfail(#x, "printing.cu", __LINE__, __func__, 1))

SUPPLIED int printf(const char *format, ...);
SUPPLIED int vprintf(const char *format, const char *arguments);
SUPPLIED void __assertfail(const char *message, const char *file, unsigned int line, const char *function, unsigned long character_bytes);
SUPPLIED void *malloc(unsigned long bytes);
SUPPLIED void free(void *p);

static inline __attribute__((device)) int tid() { return __nvvm_read_ptx_sreg_tid_x(); }
static inline __attribute__((device)) int bid() { return __nvvm_read_ptx_sreg_ctaid_x(); }
static inline __attribute__((device)) int width() { return __nvvm_read_ptx_sreg_ntid_x(); }

KERNEL kinds(int *taken, float f, char c, short s, long l) {
    taken[0] = printf("%d %u %c %hd %ld|%x|", -3, 4000000000u, c, s, l, 255);
    taken[1] = printf("%f %.3e %g|%s %5.2s|%%\n", f, 12345.678, 0.5f, "text", "cut");
    taken[2] = printf("no arguments\n");
    taken[3] = printf((const char *)0);
}

KERNEL any(const char *format, const char *arguments, int bytes, int *taken) { taken[tid()] = vprintf(format, arguments + (long)tid() * bytes); } // any

// Some lanes print, and each thread several times.
KERNEL parted(int n) {
    if (tid() % 3 == 1) printf("one %d\n", tid());
    for (int i = 0; i < tid() % 3; i++) printf("%d of %d\n", i, tid());
    if (tid() < n) printf("block %d thread %d\n", bid(), tid());
}

KERNEL counted(int n) {
    for (int i = 0; i < n; i++) printf("record %04d\n", i);
}

KERNEL checked(const int *x) {
    assert(x[tid()] < 5); // assertion
}

// Each thread gets memory, fills it, and reads that of its neighbour, which frees it after all did.
KERNEL shared_heap(int *out, int **kept) {
    int *volatile own = (int *)malloc(4 * 8);
    for (int i = 0; own != 0 && i < 8; i++) own[i] = 100 * tid() + i;
    kept[tid()] = own;
    __syncthreads();
    int *other = kept[(tid() + 1) % width()];
    int sum = 0;
    for (int i = 0; other != 0 && i < 8; i++) sum += other[i];
    out[tid()] = own == 0 ? -1 : sum;
    __syncthreads();
    if (tid() % 2 == 0) free(own);
}

// How often malloc gives.
KERNEL exhaust(int *count, long bytes) {
    int n = 0;
    while (void *volatile p = malloc(bytes)) n += p != 0;
    count[0] = n;
}

KERNEL keep(int **to, int value) {
    *to = (int *)malloc(sizeof(int));
    **to = value;
}

KERNEL use(int **from, int *out) {
    *out = **from;
    free(*from);
    free((void *)0);
}

KERNEL beyond(int n) {
    volatile char *p = (volatile char *)malloc(10);
    p[n] = 1; // beyond
    free((void *)p);
}

KERNEL after_free(int twice) {
    int *volatile p = (int *)malloc(40);
    *(volatile int *)p = 1;
    free(p);
    if (twice)
        free(p); // twice
    *(volatile int *)p = 2; // after_free
}

KERNEL free_of(char *p) {
    char *volatile own = (char *)malloc(16);
    free(p != 0 ? p : own + 8); // free_of
}
