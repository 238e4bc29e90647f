// SPDX-License-Identifier: Apache-2.0
// The kernels of these examples, in CUDA C; extern "C" keeps their names as they stand here. kernels.ptx is made of it, where no CUDA toolkit is, by
//   clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Wno-unknown-cuda-version -include pagoda/cuda_kernel.h -I ../../src/softgpu/include -O2 -gline-tables-only -fdebug-compilation-dir=. -S -o kernels.ptx kernels.cu
typedef unsigned short half_bits;

__device__ __forceinline__ int place() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int all_threads() { return gridDim.x * blockDim.x; }

extern "C" __global__ void vector_add(const float *a, const float *b, float *c, int n) {
    int i = place();
    if (i < n) c[i] = a[i] + b[i];
}

// c[n][n] = a[n][n] b[n][n]; each block makes a tile of 16 x 16, n is a multiple of 16.
extern "C" __global__ void tiled_matmul(const float *a, const float *b, float *c, int n) {
    __shared__ float left[16][17], right[16][17];
    int row = blockIdx.y * 16 + threadIdx.y, col = blockIdx.x * 16 + threadIdx.x;
    float sum = 0;
    for (int t = 0; t < n; t += 16) {
        left[threadIdx.y][threadIdx.x] = a[row * n + t + threadIdx.x];
        right[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + col];
        __syncthreads();
        for (int i = 0; i < 16; i++) sum += left[threadIdx.y][i] * right[i][threadIdx.x];
        __syncthreads();
    }
    c[row * n + col] = sum;
}

// The sum of all of x, added to *total: within warps by shuffles, between them through shared memory, between blocks atomically.
extern "C" __global__ void reduce(const float *x, float *total, int n) {
    __shared__ float parts[32];
    float sum = 0;
    for (int i = place(); i < n; i += all_threads()) sum += x[i];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffff, sum, step);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    sum = threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : 0;
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffff, sum, step);
    if (threadIdx.x == 0) atomicAdd(total, sum);
}

// Inclusive sums within each block (Hillis and Steele), and the sum of each block.
extern "C" __global__ void scan_blocks(const int *x, int *y, int *sums, int n) {
    __shared__ int room[2][1024];
    int now = 0, t = threadIdx.x, width = blockDim.x;
    room[0][t] = place() < n ? x[place()] : 0;
    __syncthreads();
    for (int step = 1; step < width; step *= 2) {
        room[1 - now][t] = room[now][t] + (t >= step ? room[now][t - step] : 0);
        now = 1 - now;
        __syncthreads();
    }
    if (place() < n) y[place()] = room[now][t];
    if (t == width - 1) sums[blockIdx.x] = room[now][t];
}

extern "C" __global__ void add_offsets(int *y, const int *scanned_sums, int n) {
    if (blockIdx.x > 0 && place() < n) y[place()] += scanned_sums[blockIdx.x - 1];
}

// Counts of bytes: each block's own in shared memory, then added to everybody's.
extern "C" __global__ void histogram(const unsigned char *x, int *counts, int n) {
    __shared__ int own[256];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) own[i] = 0;
    __syncthreads();
    for (int i = place(); i < n; i += all_threads()) atomicAdd(&own[x[i]], 1);
    __syncthreads();
    for (int i = threadIdx.x; i < 256; i += blockDim.x)
        if (own[i] != 0) atomicAdd(&counts[i], own[i]);
}

// Waits for all blocks of the grid, which must be there at once: a cooperative launch. `arrived` counts on from one barrier to the next.
__device__ __forceinline__ void grid_sync(int *arrived) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        int before = atomicAdd(arrived, 1), goal = (before / (int)gridDim.x + 1) * (int)gridDim.x;
        while (atomicAdd(arrived, 0) < goal) {}
        __threadfence();
    }
    __syncthreads();
}

// Heat spreads along a bar: `steps` steps in one launch, with the grid's barrier between them. The ends keep their values.
extern "C" __global__ void heat(float *a, float *b, int n, int steps, int *arrived) {
    for (int s = 0; s < steps; s++) {
        const float *from = s % 2 == 0 ? a : b;
        float *to = s % 2 == 0 ? b : a;
        for (int i = place(); i < n; i += all_threads()) to[i] = i == 0 || i == n - 1 ? from[i] : from[i] + 0.25f * (from[i - 1] - 2 * from[i] + from[i + 1]);
        grid_sync(arrived);
    }
}

extern "C" __global__ void scale(float *x, float factor, int n) {
    if (place() < n) x[place()] *= factor;
}

extern "C" __global__ void add_into(float *to, const float *x, int n) {
    if (place() < n) to[place()] += x[place()];
}

// c[m][n] (f32) = a[m][k] b[k][n] (f16) on tensor cores. A block of four warps makes 64 x 64 of c, 16 of k at a time; while one pair of tiles is multiplied the
// next one is being copied by cp.async. m and n are multiples of 64, k of 16.
enum { TILE = 64, STEP = 16, LEFT_ROW = 24, RIGHT_ROW = 72 }; // rows of shared memory are padded against bank conflicts

__device__ __forceinline__ uint shared_address(const void *p) { return (uint)__cvta_generic_to_shared(p); }

__device__ __forceinline__ void copy_16(const half_bits *to, const half_bits *from) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory"); }

static __shared__ half_bits left[2][TILE * LEFT_ROW], right[2][STEP * RIGHT_ROW];

__device__ __forceinline__ void copy_tiles(int buffer, const half_bits *a, const half_bits *b, int n, int k, int at) {
    int t = threadIdx.x;
    copy_16(&left[buffer][t / 2 * LEFT_ROW + t % 2 * 8], &a[(blockIdx.y * TILE + t / 2) * k + at + t % 2 * 8]);
    copy_16(&right[buffer][t / 8 * RIGHT_ROW + t % 8 * 8], &b[(at + t / 8) * n + blockIdx.x * TILE + t % 8 * 8]);
    asm volatile("cp.async.commit_group;" ::: "memory");
}

extern "C" __global__ void mma_matmul(const half_bits *a, const half_bits *b, float *c, int n, int k) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
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
    int row = blockIdx.y * TILE + warp * 16 + lane / 4, col = blockIdx.x * TILE + lane % 4 * 2;
#pragma unroll
    for (int j = 0; j < 8; j++) {
        c[row * n + col + j * 8] = sum[j][0];
        c[row * n + col + j * 8 + 1] = sum[j][1];
        c[(row + 8) * n + col + j * 8] = sum[j][2];
        c[(row + 8) * n + col + j * 8 + 1] = sum[j][3];
    }
}

// Every thread makes a list of the divisors of its number, and says how they add up.
extern "C" __global__ void divisors(int first, int *perfect) {
    int n = first + place(), count = 0, sum = 0;
    int *list = (int *)malloc(sizeof(int) * (n / 2 + 1));
    for (int d = 1; d <= n / 2; d++)
        if (n % d == 0) list[count++] = d;
    for (int i = 0; i < count; i++) sum += list[i];
    if (sum == n) {
        printf("%d is perfect: it has %d divisors, of which %d is the largest\n", n, count, list[count - 1]);
        atomicAdd(perfect, 1);
    }
    free(list);
}
