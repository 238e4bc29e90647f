// SPDX-License-Identifier: Apache-2.0
// Kernels of the tests, in CUDA C without any of NVIDIA's headers. kernels.ptx is made of it by
//   clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx72 -O2 -S -o kernels.ptx kernels.cu
#define KERNEL extern "C" __attribute__((global)) void
#define DEVICE static __attribute__((device))
#define SHARED static __attribute__((shared))

DEVICE inline int tid() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE inline int tid_y() { return __nvvm_read_ptx_sreg_tid_y(); }
DEVICE inline int bid() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE inline int bid_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
DEVICE inline int width() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEVICE inline int place() { return bid() * width() + tid(); }

__attribute__((constant)) float weights[4] = {1, 0.5f, 0.25f, -2};
__attribute__((device)) int total;

KERNEL vector_add(const float *a, const float *b, float *c, int n) {
    int i = place();
    if (i < n) c[i] = a[i] + b[i] * weights[i & 3];
}

// c[m][n] = a[m][k] b[k][n], tiles of 16 x 16.
KERNEL tiled_matmul(const float *a, const float *b, float *c, int m, int n, int k) {
    SHARED float left[16][17], right[16][17];
    int row = bid_y() * 16 + tid_y(), col = bid() * 16 + tid();
    float sum = 0;
    for (int t = 0; t < k; t += 16) {
        left[tid_y()][tid()] = row < m && t + tid() < k ? a[row * k + t + tid()] : 0;
        right[tid_y()][tid()] = col < n && t + tid_y() < k ? b[(t + tid_y()) * n + col] : 0;
        __syncthreads();
        for (int i = 0; i < 16; i++) sum += left[tid_y()][i] * right[i][tid()];
        __syncthreads();
    }
    if (row < m && col < n) c[row * n + col] = sum;
}

// Sum of each block: shuffles within warps, then between them.
KERNEL reduce(const float *x, float *sums, int n) {
    SHARED float parts[32];
    float sum = place() < n ? x[place()] : 0;
    for (int step = 16; step > 0; step /= 2) sum += __nvvm_shfl_sync_down_f32(0xffffffff, sum, step, 31);
    if (tid() % 32 == 0) parts[tid() / 32] = sum;
    __syncthreads();
    if (tid() >= 32) return;
    sum = tid() < width() / 32 ? parts[tid()] : 0;
    for (int step = 16; step > 0; step /= 2) sum += __nvvm_shfl_sync_bfly_f32(0xffffffff, sum, step, 31);
    if (tid() == 0) sums[bid()] = sum;
}

// Inclusive sums within a block, after Hillis and Steele.
KERNEL scan(const int *x, int *y) {
    SHARED int room[2][256];
    int now = 0;
    room[0][tid()] = x[place()];
    __syncthreads();
    for (int step = 1; step < width(); step *= 2) {
        room[1 - now][tid()] = room[now][tid()] + (tid() >= step ? room[now][tid() - step] : 0);
        now = 1 - now;
        __syncthreads();
    }
    y[place()] = room[now][tid()];
}

KERNEL histogram(const unsigned char *x, int *counts, int n) {
    for (int i = place(); i < n; i += width() * __nvvm_read_ptx_sreg_nctaid_x()) __nvvm_atom_add_gen_i(&counts[x[i] >> 4], 1);
    __nvvm_atom_add_gen_i(&total, 1);
}

DEVICE __attribute__((noinline)) long long fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

// Threads that go different ways, call themselves, and come together for a vote.
KERNEL diverge(long long *y, unsigned *votes) {
    int i = tid();
    long long value;
    if (i % 3 == 0) value = fibonacci(i / 4);
    else if (i % 3 == 1) for (value = 0; value < i * i; value += 7) {}
    else value = -i;
    y[i] = value;
    unsigned even;
    asm volatile("{ .reg .pred p; setp.ne.u32 p, %1, 0; vote.sync.ballot.b32 %0, p, 0xffffffff; }" : "=r"(even) : "r"((unsigned)(value % 2 == 0)));
    votes[i] = even;
}

DEVICE float square(float x) { return x * x; }
DEVICE float half_of(float x) { return x * 0.5f; }
DEVICE float negative(float x) { return -x; }

// Through a table of functions; a local array that is indexed.
KERNEL choose(const int *which, float *y) {
    float (*functions[3])(float) = {square, half_of, negative};
    float kept[8];
    for (int k = 0; k < 8; k++) kept[k] = functions[(which[tid()] + k) % 3]((float)(k + 1));
    y[tid()] = kept[which[tid()] & 7];
}

// 64-bit and double arithmetic, divisions, conversions.
KERNEL numbers(const double *x, const long long *n, double *y, long long *m) {
    int i = tid();
    y[i] = __builtin_sqrt(__builtin_fabs(x[i])) + x[i] / 3.0 - (double)(float)x[i] + (double)(n[i] / 7);
    m[i] = n[i] % 1000 + (long long)x[i] * n[i] + __builtin_popcountll(n[i]) - __builtin_clzll(n[i] | 1);
}
