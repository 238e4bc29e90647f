/* SPDX-License-Identifier: Apache-2.0
 * One instruction set level: the same sources compiled with this level's flags, everything static but the table. */
#include <math.h>
#include <string.h>

#include "host_kernels.h"
#include "simd.h"

#include "vector_math.inc.c"
#include "vector_functions.inc.c"
#include "program.inc.c"
#include "norm.inc.c"
#include "row_norm.inc.c"
#include "pool.inc.c"
#include "softmax.inc.c"
#include "scan.inc.c"
#include "resize.inc.c"
#include "rope.inc.c"

#define TABLE_(level) pgd_host_kernels_##level
#define TABLE(level) TABLE_(level)
#define TEXT_(level) #level
#define TEXT(level) TEXT_(level)

const struct pgd_host_kernels TABLE(ISA_NAME) = {
    .isa = TEXT(ISA_NAME),
    .program_map = program_map,
    .program_reduce_rows = program_reduce_rows,
    .program_reduce_columns = program_reduce_columns,
    .program_epilogue = program_epilogue,
    .moments = moments,
    .batch_norm_d = batch_norm_d,
    .row_norm = row_norm,
    .row_norm_d = row_norm_d,
    .row_norm_join = row_norm_join,
    .max_pool = max_pool,
    .max_pool_d = max_pool_d,
    .avg_pool = avg_pool,
    .avg_pool_d = avg_pool_d,
    .softmax = softmax,
    .softmax_xent = softmax_xent,
    .softmax_xent_d = softmax_xent_d,
    .argmax = argmax,
    .scan = scan,
    .scan_product_d = scan_product_d,
    .resize = resize,
    .resize_d = resize_d,
    .rope = rope,
};
