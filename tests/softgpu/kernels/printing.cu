// SPDX-License-Identifier: Apache-2.0
// Kernels that call what the driver supplies: printf, assert, malloc and free. Lines that go wrong are marked with a name, which the tests look for. printing.ptx is made of it by
//   clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Wno-unknown-cuda-version -include pagoda/cuda_kernel.h -I ../../../src/softgpu/include -O1 -gline-tables-only -fdebug-prefix-map=$PWD=. -S -o printing.ptx printing.cu
#define KERNEL extern "C" __global__ void

KERNEL kinds(int *taken, float f, char c, short s, long l) {
    taken[0] = printf("%d %u %c %hd %ld|%x|", -3, 4000000000u, c, s, l, 255);
    taken[1] = printf("%f %.3e %g|%s %5.2s|%%\n", f, 12345.678, 0.5f, "text", "cut");
    taken[2] = printf("no arguments\n");
    taken[3] = printf((const char *)0);
}

KERNEL any(const char *format, const char *arguments, int bytes, int *taken) { taken[threadIdx.x] = vprintf(format, arguments + (long)threadIdx.x * bytes); } // any

// Some lanes print, and each thread several times.
KERNEL parted(int n) {
    if (threadIdx.x % 3 == 1) printf("one %d\n", threadIdx.x);
    for (int i = 0; i < threadIdx.x % 3; i++) printf("%d of %d\n", i, threadIdx.x);
    if (threadIdx.x < n) printf("block %d thread %d\n", blockIdx.x, threadIdx.x);
}

KERNEL counted(int n) {
    for (int i = 0; i < n; i++) printf("record %04d\n", i);
}

KERNEL checked(const int *x) {
    assert(x[threadIdx.x] < 5); // assertion
}

// Each thread gets memory, fills it, and reads that of its neighbour, which frees it after all did.
KERNEL shared_heap(int *out, int **kept) {
    int *volatile own = (int *)malloc(4 * 8);
    for (int i = 0; own != 0 && i < 8; i++) own[i] = 100 * threadIdx.x + i;
    kept[threadIdx.x] = own;
    __syncthreads();
    int *other = kept[(threadIdx.x + 1) % blockDim.x];
    int sum = 0;
    for (int i = 0; other != 0 && i < 8; i++) sum += other[i];
    out[threadIdx.x] = own == 0 ? -1 : sum;
    __syncthreads();
    if (threadIdx.x % 2 == 0) free(own);
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
