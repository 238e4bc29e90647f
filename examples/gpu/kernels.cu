// SPDX-License-Identifier: Apache-2.0
// The kernels of these examples, in CUDA C without any of NVIDIA's headers. kernels.ptx is made of it by
//   clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx72 -O2 -S -o kernels.ptx kernels.cu
#define KERNEL extern "C" __attribute__((global)) void
#define DEVICE static inline __attribute__((device))
#define SHARED static __attribute__((shared))

typedef unsigned int uint;
typedef unsigned short half_bits;

DEVICE int tid() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE int tid_y() { return __nvvm_read_ptx_sreg_tid_y(); }
DEVICE int bid() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE int bid_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
DEVICE int width() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEVICE int blocks() { return __nvvm_read_ptx_sreg_nctaid_x(); }
DEVICE int place() { return bid() * width() + tid(); }

KERNEL vector_add(const float *a, const float *b, float *c, int n) {
    int i = place();
    if (i < n) c[i] = a[i] + b[i];
}

// c[n][n] = a[n][n] b[n][n]; each block makes a tile of 16 x 16, n is a multiple of 16.
KERNEL tiled_matmul(const float *a, const float *b, float *c, int n) {
    SHARED float left[16][17], right[16][17];
    int row = bid_y() * 16 + tid_y(), col = bid() * 16 + tid();
    float sum = 0;
    for (int t = 0; t < n; t += 16) {
        left[tid_y()][tid()] = a[row * n + t + tid()];
        right[tid_y()][tid()] = b[(t + tid_y()) * n + col];
        __syncthreads();
        for (int i = 0; i < 16; i++) sum += left[tid_y()][i] * right[i][tid()];
        __syncthreads();
    }
    c[row * n + col] = sum;
}

// The sum of all of x, added to *total: within warps by shuffles, between them through shared memory, between blocks atomically.
KERNEL reduce(const float *x, float *total, int n) {
    SHARED float parts[32];
    float sum = 0;
    for (int i = place(); i < n; i += width() * blocks()) sum += x[i];
    for (int step = 16; step > 0; step /= 2) sum += __nvvm_shfl_sync_down_f32(0xffffffff, sum, step, 31);
    if (tid() % 32 == 0) parts[tid() / 32] = sum;
    __syncthreads();
    if (tid() >= 32) return;
    sum = tid() < width() / 32 ? parts[tid()] : 0;
    for (int step = 16; step > 0; step /= 2) sum += __nvvm_shfl_sync_bfly_f32(0xffffffff, sum, step, 31);
    if (tid() == 0) __nvvm_atom_add_gen_f(total, sum);
}

// Inclusive sums within each block (Hillis and Steele), and the sum of each block.
KERNEL scan_blocks(const int *x, int *y, int *sums, int n) {
    SHARED int room[2][1024];
    int now = 0;
    room[0][tid()] = place() < n ? x[place()] : 0;
    __syncthreads();
    for (int step = 1; step < width(); step *= 2) {
        room[1 - now][tid()] = room[now][tid()] + (tid() >= step ? room[now][tid() - step] : 0);
        now = 1 - now;
        __syncthreads();
    }
    if (place() < n) y[place()] = room[now][tid()];
    if (tid() == width() - 1) sums[bid()] = room[now][tid()];
}

KERNEL add_offsets(int *y, const int *scanned_sums, int n) {
    if (bid() > 0 && place() < n) y[place()] += scanned_sums[bid() - 1];
}

// Counts of bytes: each block's own in shared memory, then added to everybody's.
KERNEL histogram(const unsigned char *x, int *counts, int n) {
    SHARED int own[256];
    for (int i = tid(); i < 256; i += width()) own[i] = 0;
    __syncthreads();
    for (int i = place(); i < n; i += width() * blocks()) __nvvm_atom_add_gen_i(&own[x[i]], 1);
    __syncthreads();
    for (int i = tid(); i < 256; i += width())
        if (own[i] != 0) __nvvm_atom_add_gen_i(&counts[i], own[i]);
}

// Waits for all blocks of the grid, which must be there at once: a cooperative launch. `arrived` counts on from one barrier to the next.
DEVICE void grid_sync(int *arrived) {
    __syncthreads();
    if (tid() == 0) {
        __nvvm_membar_gl();
        int before = __nvvm_atom_add_gen_i(arrived, 1), goal = (before / blocks() + 1) * blocks();
        while (__nvvm_atom_add_gen_i(arrived, 0) < goal) {}
        __nvvm_membar_gl();
    }
    __syncthreads();
}

// Heat spreads along a bar: `steps` steps in one launch, with the grid's barrier between them. The ends keep their values.
KERNEL heat(float *a, float *b, int n, int steps, int *arrived) {
    for (int s = 0; s < steps; s++) {
        const float *from = s % 2 == 0 ? a : b;
        float *to = s % 2 == 0 ? b : a;
        for (int i = place(); i < n; i += width() * blocks()) to[i] = i == 0 || i == n - 1 ? from[i] : from[i] + 0.25f * (from[i - 1] - 2 * from[i] + from[i + 1]);
        grid_sync(arrived);
    }
}

KERNEL scale(float *x, float factor, int n) {
    if (place() < n) x[place()] *= factor;
}

KERNEL add_into(float *to, const float *x, int n) {
    if (place() < n) to[place()] += x[place()];
}

// c[m][n] (f32) = a[m][k] b[k][n] (f16) on tensor cores. A block of four warps makes 64 x 64 of c, 16 of k at a time; while one pair of tiles is multiplied the
// next one is being copied by cp.async. m and n are multiples of 64, k of 16.
enum { TILE = 64, STEP = 16, LEFT_ROW = 24, RIGHT_ROW = 72 }; // rows of shared memory are padded against bank conflicts

DEVICE uint shared_address(const void *p) { return (uint)(unsigned long long)(const __attribute__((address_space(3))) void *)p; }

DEVICE void copy_16(const half_bits *to, const half_bits *from) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory"); }

SHARED half_bits left[2][TILE * LEFT_ROW], right[2][STEP * RIGHT_ROW];

DEVICE void copy_tiles(int buffer, const half_bits *a, const half_bits *b, int n, int k, int at) {
    int t = tid();
    copy_16(&left[buffer][t / 2 * LEFT_ROW + t % 2 * 8], &a[(bid_y() * TILE + t / 2) * k + at + t % 2 * 8]);
    copy_16(&right[buffer][t / 8 * RIGHT_ROW + t % 8 * 8], &b[(at + t / 8) * n + bid() * TILE + t % 8 * 8]);
    asm volatile("cp.async.commit_group;" ::: "memory");
}

KERNEL mma_matmul(const half_bits *a, const half_bits *b, float *c, int n, int k) {
    int warp = tid() / 32, lane = tid() % 32;
    float sum[8][4] = {};
    copy_tiles(0, a, b, n, k, 0);
    for (int at = 0, now = 0; at < k; at += STEP, now = 1 - now) {
        if (at + STEP < k) {
            copy_tiles(1 - now, a, b, n, k, at + STEP);
            asm volatile("cp.async.wait_group 1;" ::: "memory");
        } else {
            asm volatile("cp.async.wait_group 0;" ::: "memory");
        }
        __syncthreads();
        uint x[4];
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                     : "r"(shared_address(&left[now][(warp * 16 + lane % 16) * LEFT_ROW + lane / 16 * 8]))
                     : "memory");
#pragma unroll
        for (int j = 0; j < 8; j++) {
            uint y[2];
            asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(y[0]), "=r"(y[1]) : "r"(shared_address(&right[now][lane % 16 * RIGHT_ROW + j * 8])) : "memory");
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                         : "+f"(sum[j][0]), "+f"(sum[j][1]), "+f"(sum[j][2]), "+f"(sum[j][3])
                         : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
        }
        __syncthreads();
    }
    int row = bid_y() * TILE + warp * 16 + lane / 4, col = bid() * TILE + lane % 4 * 2;
#pragma unroll
    for (int j = 0; j < 8; j++) {
        c[row * n + col + j * 8] = sum[j][0];
        c[row * n + col + j * 8 + 1] = sum[j][1];
        c[(row + 8) * n + col + j * 8] = sum[j][2];
        c[(row + 8) * n + col + j * 8 + 1] = sum[j][3];
    }
}

extern "C" __attribute__((device)) int printf(const char *format, ...);
extern "C" __attribute__((device)) void *malloc(unsigned long bytes);
extern "C" __attribute__((device)) void free(void *p);

// Every thread makes a list of the divisors of its number, and says how they add up.
KERNEL divisors(int first, int *perfect) {
    int n = first + place(), count = 0, sum = 0;
    int *list = (int *)malloc(sizeof(int) * (n / 2 + 1));
    for (int d = 1; d <= n / 2; d++)
        if (n % d == 0) list[count++] = d;
    for (int i = 0; i < count; i++) sum += list[i];
    if (sum == n) {
        printf("%d is perfect: it has %d divisors, of which %d is the largest\n", n, count, list[count - 1]);
        __nvvm_atom_add_gen_i(perfect, 1);
    }
    free(list);
}
