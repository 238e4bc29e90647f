/* SPDX-License-Identifier: Apache-2.0
 * Attention and its derivative on the host. */
#include "host/gemm_kernels.h"
#include "rows.h"

enum { CAUSAL, HAS_MASK, HAS_START };

static const char *reject(const pgd_problem *problem) {
    for (int32_t i = 0; i < problem->input_count; i++)
        if (problem->inputs[i].dtype != PGD_F32 && problem->inputs[i].dtype != PGD_I32) return "an input is not f32";
    if (problem->inputs[0].shape.dims[3] > PGD_ATTENTION_FEATURES || problem->inputs[2].shape.dims[3] > PGD_ATTENTION_FEATURES) return "a head has more than 256 features";
    return NULL;
}

/* Optional inputs stand behind the `fixed` ones. */
static pgd_attention_params read_params(const pgd_problem *problem, int32_t fixed) {
    const pgd_shape *q = &problem->inputs[0].shape, *k = &problem->inputs[1].shape;
    pgd_attention_params p = {.batch = q->dims[0], .queries = q->dims[1], .heads = q->dims[2], .features = q->dims[3], .keys = k->dims[1], .groups = k->dims[2], .value_features = problem->inputs[2].shape.dims[3],
                              .scale = (float)problem->attrs->floats[0], .causal = problem->attrs->ints[CAUSAL] != 0, .mask = -1, .start = -1, .output = problem->input_count};
    if (problem->attrs->ints[HAS_MASK] != 0) {
        const pgd_shape *m = &problem->inputs[fixed].shape;
        p.mask = fixed++;
        p.mask_query = m->dims[2] == 1 ? 0 : m->dims[3];
        p.mask_head = m->dims[1] == 1 ? 0 : m->dims[2] * m->dims[3];
        p.mask_batch = m->dims[0] == 1 ? 0 : m->dims[1] * m->dims[2] * m->dims[3];
    }
    if (problem->attrs->ints[HAS_START] != 0) p.start = fixed;
    return p;
}

static pgd_status forward_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_attention_params p = read_params(problem, 3);
    int64_t chunks = pgd_gemm_kernels_for(problem->isa)->attention_plan(&p);
    return pgd_emit_simple(emitter, problem, pgd_gemm_kernels_for(problem->isa)->attention_forward, &p, sizeof p, chunks);
}

static pgd_status backward_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_attention_params p = read_params(problem, 6);
    return pgd_emit_simple(emitter, problem, pgd_gemm_kernels_for(problem->isa)->attention_backward, &p, sizeof p, p.batch * p.groups);
}

const pgd_kernel_row pgd_row_host_attention = {.name = "host_attention", .device = "host", .reject = reject, .emit = forward_emit};
const pgd_kernel_row pgd_row_host_attention_d = {.name = "host_attention_d", .device = "host", .reject = reject, .emit = backward_emit};
