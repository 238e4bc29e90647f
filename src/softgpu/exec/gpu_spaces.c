/* SPDX-License-Identifier: Apache-2.0
 * Windows are aligned to their length, so that the upper part of an address names one. */
#include "gpu_spaces.h"

uint64_t gpu_generic(ptx_space space, uint64_t address) {
    switch (space) {
    case PTX_SPACE_shared: return GPU_SHARED_BASE + address;
    case PTX_SPACE_local: return GPU_LOCAL_BASE + address;
    case PTX_SPACE_param: return GPU_PARAM_BASE + address;
    default: return address;
    }
}

ptx_space gpu_space_of(uint64_t generic, uint64_t *address) {
    *address = generic & (GPU_WINDOW_BYTES - 1);
    switch (generic & ~(GPU_WINDOW_BYTES - 1)) {
    case GPU_SHARED_BASE: return PTX_SPACE_shared;
    case GPU_LOCAL_BASE: return PTX_SPACE_local;
    case GPU_PARAM_BASE: return PTX_SPACE_param;
    default: *address = generic; return PTX_SPACE_global;
    }
}
