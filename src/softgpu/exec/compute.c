/* SPDX-License-Identifier: Apache-2.0 */
#include "compute.h"

bool ptx_compute(const ptx_instruction *instruction, ptx_given *given) {
    given->out = (ptx_bits){0, 0};
    return ptx_compute_integer(instruction, given) || ptx_compute_bits(instruction, given) || ptx_compute_compare(instruction, given) || ptx_compute_float(instruction, given) || ptx_compute_convert(instruction, given);
}
