/* SPDX-License-Identifier: Apache-2.0
 * What programs call: each function goes to the one that calls.h names, and what that returns passes refusals.c. */
#include "refusals.h"

#define CU_DONE(symbol, name, version, parameters, arguments) \
    CUresult own_##symbol parameters __asm__("gpu_" #symbol); \
    CUresult symbol parameters;                               \
    CUresult symbol parameters {                              \
        gpu_call_begins();                                    \
        return gpu_call_ends(name, own_##symbol arguments);   \
    }
#define CU_DONE_THREAD CU_DONE
#define CU_NONE(...)
#define CU_NONE_THREAD(...)
#include "functions.def"
