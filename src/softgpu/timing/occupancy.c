/* SPDX-License-Identifier: Apache-2.0
 * The rules of NVIDIA's occupancy calculator: registers are given to warps in pieces of 256, shared memory to blocks in pieces of 128 (256 before 8.0). */
#include "occupancy.h"

/* From the tables of compute capabilities in NVIDIA's programming guide. */
const gpu_architecture *gpu_architecture_of(int32_t capability) {
    enum { KIB = 1 << 10 };
    static const gpu_architecture known[] = {
        {75, 1024, 16, 65536, 64 * KIB, 64 * KIB, 0},
        {80, 2048, 32, 65536, 164 * KIB, 163 * KIB, KIB},
        {86, 1536, 16, 65536, 100 * KIB, 99 * KIB, KIB},
        {87, 1536, 16, 65536, 164 * KIB, 163 * KIB, KIB},
        {89, 1536, 24, 65536, 100 * KIB, 99 * KIB, KIB},
        {90, 2048, 32, 65536, 228 * KIB, 227 * KIB, KIB},
    };
    size_t i = sizeof known / sizeof known[0] - 1;
    while (i > 0 && known[i].capability > capability) i--;
    return &known[i];
}

static int32_t up(int32_t value, int32_t unit) { return (value + unit - 1) / unit * unit; }

gpu_occupancy gpu_occupancy_of(const gpu_architecture *a, int32_t threads, int32_t registers, uint64_t shared_bytes) {
    enum { SUBCORES = 4, PIECE = 256, WARP = 32 };
    int32_t warps = (threads + WARP - 1) / WARP, unit = a->capability < 80 ? 256 : 128;
    gpu_occupancy best = {a->sm_threads / WARP / (warps < 1 ? 1 : warps), GPU_LIMITED_BY_WARPS};
    if (a->sm_blocks < best.blocks) best = (gpu_occupancy){a->sm_blocks, GPU_LIMITED_BY_BLOCKS};
    if (registers > 0) {
        int32_t of_warp = up(registers * WARP, PIECE), fit = a->sm_registers / SUBCORES / of_warp * SUBCORES / (warps < 1 ? 1 : warps);
        if (fit < best.blocks) best = (gpu_occupancy){fit, GPU_LIMITED_BY_REGISTERS};
    }
    uint64_t shared = (shared_bytes + (uint64_t)unit - 1) / (uint64_t)unit * (uint64_t)unit + (uint64_t)a->reserved_shared_bytes;
    if (shared > 0 && (uint64_t)a->sm_shared_bytes / shared < (uint64_t)best.blocks) best = (gpu_occupancy){(int32_t)((uint64_t)a->sm_shared_bytes / shared), GPU_LIMITED_BY_SHARED};
    return best;
}
