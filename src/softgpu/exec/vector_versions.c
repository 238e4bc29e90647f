/* SPDX-License-Identifier: Apache-2.0
 * Versions of basic blocks: what warps come to again and again is made once more, for the kinds that its registers have then, of handlers that do not ask for them (lazy basic
 * block versioning: Chevalier-Boisvert and Feeley, ECOOP 2015). Kinds are followed from step to step; what they decide with a number, too (is this shift below 32?), is expected
 * and looked at. A version begins at its gate, if the registers are as they were; the end of a loop goes to the beginning of its own version without asking again. Whatever is
 * otherwise goes on at the general step. Each worker has versions of its own. */
#include "vector_versions.h"

/* ---- handlers ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static _Atomic int passes_before = 8;

void gpu_vector_versions_after(int passes) { atomic_store(&passes_before, passes); }

static bool make_version(vec_warp *w, const vec_step *gate, vec_gate *g);

static bool fits(const vec_warp *w, const vec_version *v) {
    if (v->row_shift != w->row_shift) return false;
    for (uint32_t k = 0; k < v->condition_count; k++)
        if ((vec_at(w, v->conditions[k].at)->state & VEC_ANY_KIND) != v->conditions[k].kind) return false;
    return true;
}

static __attribute__((noinline)) const vec_step *pass(vec_warp *w, const vec_step *s) {
    vec_gate *g = &w->worker->gates[s->target];
    int wanted = atomic_load_explicit(&passes_before, memory_order_relaxed);
    if (!g->closed && wanted >= 0 && ++g->passes > wanted && make_version(w, s, g)) {
        s = g->versions[g->count - 1].steps;
        VEC_JUMP(w, s);
    }
    VEC_NEXT(w, s);
}

const vec_step *vec_run_gate(vec_warp *w, const vec_step *s) {
    const vec_gate *g = &w->worker->gates[s->target];
    if (w->mask != UINT32_MAX) VEC_NEXT(w, s);
    for (int32_t k = 0; k < g->count; k++) {
        if (!fits(w, &g->versions[k])) continue;
        s = g->versions[k].steps;
        VEC_JUMP(w, s);
    }
    if (!g->closed) return pass(w, s);
    VEC_NEXT(w, s);
}

/* In the steps for splits. */
const vec_step *vec_run_pass(vec_warp *w, const vec_step *s) { VEC_NEXT(w, s); }

/* The version ends here. */
static const vec_step *leave(vec_warp *w, const vec_step *s) {
    s = s->general;
    VEC_JUMP(w, s);
}

/* Is d of the kind that was expected? The general step is the one behind that which made it. */
static const vec_step *expect(vec_warp *w, const vec_step *s) {
    if ((vec_at(w, s->d)->state & VEC_ANY_KIND) == s->bytes) VEC_NEXT(w, s);
    s = s->general;
    VEC_JUMP(w, s);
}

/* A branch that all lanes take, or none. */
static const vec_step *branch(vec_warp *w, const vec_step *s) {
    uint32_t truths = s->guard == VEC_TRASH ? UINT32_MAX : (uint32_t)vec_at(w, s->guard)->base ^ (s->negated ? UINT32_MAX : 0);
    if (truths == UINT32_MAX && w->left >= s->count) {
        w->left -= s->count;
        s = s->to;
        VEC_JUMP(w, s);
    }
    s = truths == 0 ? s->general + 1 : s->general;
    VEC_JUMP(w, s);
}

/* ---- kinds ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct maker {
    vec_warp *w;
    gpu_vector_level level;
    const vec_step *gate;
    vec_version v;
    uint8_t *kinds;     /* of the slot at 64 times the index */
    uint32_t registers; /* slots from here on are constants */
    int32_t count, known;
    bool loops; /* the last step goes to the first */
} maker;

/* The kind of a register before a step; the first time the version sees it, what it is now becomes a condition. */
static vec_kind kind(maker *m, uint32_t at) {
    uint8_t *known = &m->kinds[at / 64];
    if (at >= m->registers || at == VEC_ZERO) return VEC_UNIFORM;
    if (*known == VEC_UNSEEN) {
        *known = (uint8_t)(vec_at(m->w, at)->state & VEC_ANY_KIND);
        m->v.conditions[m->v.condition_count++] = (vec_condition){at, *known};
    }
    return (vec_kind)*known;
}

static void becomes(maker *m, uint32_t at, vec_kind kind) { m->kinds[at / 64] = (uint8_t)kind; }

static vec_step *add(maker *m, vec_fn *run, const vec_step *like) {
    vec_step *s = &m->v.steps[m->count++];
    *s = *like;
    s->run = run;
    return s;
}

static vec_step *add_known(maker *m, vec_fn *run, const vec_step *general) {
    vec_step *s = add(m, run, general);
    s->general = general;
    m->known++;
    return s;
}

/* The general step does it, without the branch that is joined to it; so much is sure of what it gives. */
static void keep(maker *m, const vec_step *s, vec_kind kind) {
    add(m, s->fused ? s->alone : s->run, s);
    becomes(m, s->d, kind);
}

/* The general step does it, and most likely gives this kind. */
static void keep_and_expect(maker *m, const vec_step *s, vec_kind kind) {
    keep(m, s, kind);
    if (s->d == VEC_TRASH) return;
    vec_step *look = add(m, expect, s);
    look->bytes = (uint8_t)kind;
    look->general = s + 1;
}

static void forget(maker *m, const ptx_operand *o) {
    if (o->kind == PTX_REGISTER && o->number >= 0) becomes(m, m->w->frame->body->registers[o->number].at, VEC_ANY_KIND);
    for (int32_t k = 0; o->kind == PTX_VECTOR && k < o->count; k++) forget(m, &o->items[k]);
}

/* The general step does it, and nothing is known of what it gives. */
static void keep_and_forget(maker *m, const vec_step *s) {
    const ptx_form *form = ptx_form_get(s->i->form);
    keep(m, s, VEC_ANY_KIND);
    for (int32_t k = 0; k < s->i->operand_count; k++)
        if (form->operands[k].role == PTX_ROLE_WRITTEN) forget(m, &s->i->operands[k]);
}

/* ---- which step takes which handler -------------------------------------------------------------------------------------------------------------------------------------- */

static const struct { vec_op op; vec_known known; uint8_t operands; } of_lanes[] = {
#define X(name, bits, operands) {VEC_OP_##name, VEC_KNOWN_##name, operands},
    VEC_KNOWN_LIST(X)
    VEC_KNOWN_FLOAT_LIST(X)
#undef X
};

static vec_fn *known_handler(const maker *m, vec_known known, uint32_t number) {
#if defined(__x86_64__)
    if (m->level == GPU_VECTOR_AVX512) return vec_known_avx512[known][number];
    if (m->level == GPU_VECTOR_AVX2) return vec_known_avx2[known][number];
#endif
    return vec_known_portable[known][number];
}

static vec_fn *one_handler(const maker *m, vec_known_one known) {
#if defined(__x86_64__)
    if (m->level == GPU_VECTOR_AVX512) return vec_known_one_avx512[known];
    if (m->level == GPU_VECTOR_AVX2) return vec_known_one_avx2[known];
#endif
    return vec_known_one_portable[known];
}

static vec_op op_of(const maker *m, const vec_step *s) {
    for (int32_t k = 0; k < VEC_OP_COUNT; k++)
        if (vec_handler(m->level, (vec_op)k) == s->run) return (vec_op)k;
    return VEC_OP_COUNT;
}

static bool known_kinds(const vec_kind *kinds, int32_t count) {
    for (int32_t k = 0; k < count; k++)
        if (kinds[k] == VEC_ANY_KIND) return false;
    return true;
}

/* A register that something uniform is added to, at `by`, or the constant; two such steps, one behind the other, become one. */
static void raise_register(maker *m, const vec_step *s, bool wide, bool constant, uint32_t by, int64_t value) {
    static const vec_known_one pairs[2][2][2] = { /* wide, is the first one a constant, is the second */
        {{VEC_KNOWN_raise32_uniform_uniform, VEC_KNOWN_raise32_uniform_constant}, {VEC_KNOWN_raise32_constant_uniform, VEC_KNOWN_raise32_constant_constant}},
        {{VEC_KNOWN_raise64_uniform_uniform, VEC_KNOWN_raise64_uniform_constant}, {VEC_KNOWN_raise64_constant_uniform, VEC_KNOWN_raise64_constant_constant}},
    };
    vec_step *before = m->count > 0 ? &m->v.steps[m->count - 1] : NULL;
    for (int32_t first = 0; before != NULL && first < 2; first++) {
        vec_known_one one = wide ? (first ? VEC_KNOWN_raise64_constant : VEC_KNOWN_raise64_uniform) : first ? VEC_KNOWN_raise32_constant : VEC_KNOWN_raise32_uniform;
        if (before->run != one_handler(m, one)) continue;
        before->run = one_handler(m, pairs[wide][first][constant]);
        before->a = s->d;
        before->c = by;
        before->other_offset = value;
        return;
    }
    vec_step *to = add_known(m, one_handler(m, wide ? (constant ? VEC_KNOWN_raise64_constant : VEC_KNOWN_raise64_uniform) : constant ? VEC_KNOWN_raise32_constant : VEC_KNOWN_raise32_uniform), s);
    to->b = by;
    to->offset = value;
}

/* Sums and differences of something steady and something uniform. */
static bool steady_sum(maker *m, const vec_step *s, vec_op op, vec_kind a, vec_kind b) {
    bool sum = op == VEC_OP_add32 || op == VEC_OP_add64, turned = sum && a == VEC_UNIFORM && b == VEC_STEADY;
    vec_known_one known = op == VEC_OP_add32 ? VEC_KNOWN_add32_steady : op == VEC_OP_add64 ? VEC_KNOWN_add64_steady : op == VEC_OP_sub32 ? VEC_KNOWN_sub32_steady : VEC_KNOWN_sub64_steady;
    uint32_t steady = turned ? s->b : s->a, uniform = turned ? s->a : s->b;
    if ((!sum && op != VEC_OP_sub32 && op != VEC_OP_sub64) || !(turned || (a == VEC_STEADY && b == VEC_UNIFORM))) return false;
    if (sum && s->d == steady) {
        raise_register(m, s, op == VEC_OP_add64, false, uniform, 0);
        return true;
    }
    vec_step *to = add_known(m, one_handler(m, known), s);
    to->a = steady, to->b = uniform;
    becomes(m, s->d, VEC_STEADY);
    return true;
}

/* What these give where some operand is steady and none is held by its lanes alone: sums always, products if at most one factor is. */
static bool stays_steady(vec_op op, const vec_kind *kinds) {
    switch (op) {
    case VEC_OP_add32: case VEC_OP_add64: case VEC_OP_sub32: case VEC_OP_sub64: return true;
    case VEC_OP_mul32: case VEC_OP_mul64: case VEC_OP_mad32: case VEC_OP_mad64: return kinds[0] == VEC_UNIFORM || kinds[1] == VEC_UNIFORM;
    default: return false;
    }
}

/* The load before an fma whose factor it loads becomes one step with it. */
static bool load_and_fma(maker *m, const vec_step *s, vec_op op, const vec_kind *kinds) {
    static const vec_known_one loads[] = {VEC_KNOWN_load32_global_line, VEC_KNOWN_load32_global_rows16, VEC_KNOWN_load32_shared_line, VEC_KNOWN_load32_shared_rows16};
    vec_step *before = m->count > 0 ? &m->v.steps[m->count - 1] : NULL;
    if (op != VEC_OP_fma_f32 || before == NULL || kinds[2] != VEC_EACH || s->c == before->d || s->a == s->b) return false;
    bool first = s->a == before->d;
    uint32_t factor = first ? s->b : s->a;
    vec_kind kind_of_factor = first ? kinds[1] : kinds[0];
    for (int32_t k = 0; k < 4 && (first || s->b == before->d); k++) {
        vec_fn *fused = one_handler(m, (vec_known_one)(VEC_KNOWN_load_fma_global_line_uniform + 2 * k + (kind_of_factor == VEC_EACH)));
        if (before->run != one_handler(m, loads[k]) || fused == NULL) continue;
        before->run = fused;
        before->b = s->d;
        before->c = factor;
        before->guard = s->c;
        becomes(m, s->d, VEC_EACH);
        return true;
    }
    return false;
}

static bool lanes_known(maker *m, const vec_step *s, vec_op op) {
    for (size_t n = 0; n < sizeof of_lanes / sizeof of_lanes[0]; n++) {
        if (of_lanes[n].op != op) continue;
        const uint32_t places[3] = {s->a, s->b, s->c};
        vec_kind kinds[3] = {VEC_UNIFORM, VEC_UNIFORM, VEC_UNIFORM};
        uint32_t number = 0, all = (1u << of_lanes[n].operands) - 1;
        bool steady = false, each = false;
        for (int32_t k = 0; k < of_lanes[n].operands; k++) {
            kinds[k] = kind(m, places[k]);
            number |= (uint32_t)(kinds[k] == VEC_UNIFORM) << k;
            steady = steady || kinds[k] == VEC_STEADY;
            each = each || kinds[k] == VEC_EACH;
        }
        if (!known_kinds(kinds, of_lanes[n].operands)) {
            keep_and_forget(m, s);
        } else if (!steady && load_and_fma(m, s, op, kinds)) {
            return true;
        } else if (!steady) {
            add_known(m, known_handler(m, of_lanes[n].known, number), s);
            becomes(m, s->d, number == all ? VEC_UNIFORM : VEC_EACH);
        } else if (!steady_sum(m, s, op, kinds[0], kinds[1])) {
            if (op == VEC_OP_shl32 && kinds[1] == VEC_UNIFORM) keep_and_expect(m, s, VEC_STEADY);
            else keep(m, s, !each && stays_steady(op, kinds) ? VEC_STEADY : VEC_EACH);
        }
        return true;
    }
    return false;
}

static bool constant_known(maker *m, const vec_step *s, vec_op op) {
    vec_kind a = kind(m, s->a);
    bool wide = op != VEC_OP_add32_constant;
    if (a == VEC_ANY_KIND) {
        keep_and_forget(m, s);
    } else if (s->d == s->a && a != VEC_EACH) {
        raise_register(m, s, wide, true, VEC_TRASH, wide ? s->offset : (int32_t)s->c);
    } else {
        vec_known_one known = a == VEC_UNIFORM ? (wide ? VEC_KNOWN_add64_constant_uniform : VEC_KNOWN_add32_constant_uniform) : a == VEC_STEADY ? (wide ? VEC_KNOWN_add64_constant_steady : VEC_KNOWN_add32_constant_steady) : wide ? VEC_KNOWN_add64_constant_each : VEC_KNOWN_add32_constant_each;
        add_known(m, one_handler(m, known), s);
        becomes(m, s->d, a);
    }
    return true;
}

static bool load_known(maker *m, const vec_step *s, vec_op op) {
    static const struct { vec_op op; vec_known_one uniform, line, rows16, rows8; } loads[] = {
        {VEC_OP_load32_global, VEC_KNOWN_load32_global_uniform, VEC_KNOWN_load32_global_line, VEC_KNOWN_load32_global_rows16, VEC_KNOWN_load32_global_rows8},
        {VEC_OP_load64_global, VEC_KNOWN_load64_global_uniform, VEC_KNOWN_load64_global_line, VEC_KNOWN_ONE_COUNT, VEC_KNOWN_ONE_COUNT},
        {VEC_OP_load32_shared, VEC_KNOWN_load32_shared_uniform, VEC_KNOWN_load32_shared_line, VEC_KNOWN_load32_shared_rows16, VEC_KNOWN_load32_shared_rows8},
        {VEC_OP_load64_shared, VEC_KNOWN_load64_shared_uniform, VEC_KNOWN_load64_shared_line, VEC_KNOWN_ONE_COUNT, VEC_KNOWN_ONE_COUNT},
    };
    vec_kind a = kind(m, s->a);
    uint32_t rows = m->w->row_shift;
    for (size_t k = 0; k < sizeof loads / sizeof loads[0]; k++) {
        if (loads[k].op != op) continue;
        vec_known_one known = a == VEC_UNIFORM ? loads[k].uniform : a != VEC_STEADY ? VEC_KNOWN_ONE_COUNT : rows == 5 ? loads[k].line : rows == 4 ? loads[k].rows16 : rows == 3 ? loads[k].rows8 : VEC_KNOWN_ONE_COUNT;
        if (known == VEC_KNOWN_ONE_COUNT) {
            if (a == VEC_ANY_KIND) keep_and_forget(m, s);
            else keep_and_expect(m, s, VEC_EACH);
            return true;
        }
        vec_step *to = add_known(m, one_handler(m, known), s);
        bool global = op == VEC_OP_load32_global || op == VEC_OP_load64_global;
        if (global) to->near = &m->w->worker->near[s->site];
        becomes(m, s->d, a == VEC_UNIFORM ? VEC_UNIFORM : VEC_EACH);
        return true;
    }
    if (op != VEC_OP_load32 && op != VEC_OP_load64) return false;
    if (a == VEC_ANY_KIND) keep_and_forget(m, s);
    else keep_and_expect(m, s, a == VEC_UNIFORM ? VEC_UNIFORM : VEC_EACH);
    return true;
}

/* Handlers that ask, of which it is known what they give. */
static bool others_known(maker *m, const vec_step *s, vec_op op) {
    vec_kind a = kind(m, s->a), b, c;
    switch (op) {
    case VEC_OP_mov32: case VEC_OP_mov64: keep(m, s, a); return true;
    case VEC_OP_cvta: case VEC_OP_cvt_int:
        if (a == VEC_ANY_KIND) return false;
        if (a == VEC_STEADY) keep_and_expect(m, s, VEC_STEADY);
        else keep(m, s, a);
        return true;
    case VEC_OP_cvt_f32_s32: case VEC_OP_cvt_f32_u32: case VEC_OP_cvt_s32_f32: case VEC_OP_cvt_u32_f32: case VEC_OP_neg_f32: case VEC_OP_abs_f32: case VEC_OP_neg32: case VEC_OP_not32: case VEC_OP_ex2_f32: case VEC_OP_ex2_ftz: case VEC_OP_rcp_f32: case VEC_OP_sqrt_f32:
        if (a == VEC_ANY_KIND) return false;
        if (a == VEC_UNIFORM) keep_and_expect(m, s, VEC_UNIFORM); /* the operands that it has not may be spread */
        else keep(m, s, VEC_EACH);
        return true;
    case VEC_OP_mad_wide_u32: case VEC_OP_mad_wide_s32: {
        b = kind(m, s->b), c = kind(m, s->c);
        if (a == VEC_ANY_KIND || b == VEC_ANY_KIND || c == VEC_ANY_KIND) return false;
        if (a == VEC_EACH || b == VEC_EACH || c == VEC_EACH) keep(m, s, VEC_EACH);
        else if (a == VEC_UNIFORM && b == VEC_UNIFORM && c == VEC_UNIFORM) keep(m, s, VEC_UNIFORM);
        else keep_and_expect(m, s, VEC_STEADY);
        return true;
    }
    default: return false;
    }
}

/* Where a branch goes, whose general step is this: the version's own beginning, when all conditions hold there, or the gate or first step of a block. */
static const vec_step *target_of(maker *m, const vec_step *s) {
    const vec_step *to = s + s->target + 1;
    bool own = to == m->gate;
    for (uint32_t k = 0; k < m->v.condition_count && own; k++) own = m->kinds[m->v.conditions[k].at / 64] == m->v.conditions[k].kind;
    m->loops = own;
    return own ? m->v.steps : to;
}

/* A comparison joined with its branch; the target of such a step is counted as if from the step before the branch's target. */
static bool comparison_known(maker *m, const vec_step *s, vec_op op) {
    bool adds = op >= VEC_OP_add_setp_bra_u32_eq;
    vec_kind a = kind(m, s->a), b = kind(m, s->b);
    if (a != VEC_UNIFORM || b != VEC_UNIFORM) return false;
    vec_step *to = add_known(m, one_handler(m, (vec_known_one)(VEC_KNOWN_setp_bra_u32_eq + (op - VEC_OP_setp_bra_u32_eq))), s);
    if (adds) becomes(m, s->d, VEC_UNIFORM);
    to->to = target_of(m, s);
    return true;
}

/* ---- making -------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Steps that ask where in the body they stand, or look at the one behind them: such cannot stand in a version. A handler of that sort that is added belongs here. */
static bool ends(const vec_step *s) {
    vec_fn *const all[] = {vec_run_head, vec_run_gate, vec_run_guard, vec_run_guard_part, vec_run_brx, vec_run_exit, vec_run_ret, vec_run_call, vec_run_wait, vec_run_barrier, vec_run_trap, vec_run_stop, vec_run_observe};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        if (s->run == all[k]) return true;
    return false;
}

/* A comparison of two that are steady. */
static bool steady_comparison(maker *m, const vec_step *s) {
    vec_op op = VEC_OP_COUNT;
    for (int32_t k = VEC_OP_setp_u32; k <= VEC_OP_setp_s64; k++)
        if (vec_handler(m->level, (vec_op)k) == (s->fused ? s->alone : s->run)) op = (vec_op)k;
    if (op == VEC_OP_COUNT || kind(m, s->a) != VEC_STEADY || kind(m, s->b) != VEC_STEADY) return false;
    bool equality = s->elems == VEC_EQ || s->elems == VEC_NE;
    if (!equality && op != VEC_OP_setp_u32 && op != VEC_OP_setp_s32) return false;
    vec_known_one alone = equality ? VEC_KNOWN_setp_equal_steady : op == VEC_OP_setp_u32 ? VEC_KNOWN_setp_u32_steady : VEC_KNOWN_setp_s32_steady;
    vec_known_one jumps = equality ? VEC_KNOWN_setp_bra_equal_steady : op == VEC_OP_setp_u32 ? VEC_KNOWN_setp_bra_u32_steady : VEC_KNOWN_setp_bra_s32_steady;
    vec_step *to = add_known(m, one_handler(m, s->fused ? jumps : alone), s);
    if (s->fused) to->to = target_of(m, s);
    return true;
}

/* Predicates and memory have no kinds. */
static bool writes_no_kind(const vec_step *s, vec_op op) {
    switch (op) {
    case VEC_OP_setp_u32: case VEC_OP_setp_s32: case VEC_OP_setp_u64: case VEC_OP_setp_s64: case VEC_OP_setp_f32: case VEC_OP_setp_f64: return true;
    case VEC_OP_mov_pred: case VEC_OP_and_pred: case VEC_OP_or_pred: case VEC_OP_xor_pred: case VEC_OP_not_pred: return true;
    case VEC_OP_store: case VEC_OP_store32: case VEC_OP_store64: return true;
    default: return s->run == vec_run_nothing || s->run == vec_run_store;
    }
}

/* Adds what does the step; false: the version ended with it. */
static bool take(maker *m, const vec_step *s) {
    if (ends(s)) {
        add(m, leave, s)->general = s;
        return false;
    }
    if (s->run == vec_run_bra) {
        vec_step *to = add(m, branch, s);
        to->general = s;
        to->to = target_of(m, s);
        return false;
    }
    vec_op op = op_of(m, s);
    if (s->fused && comparison_known(m, s, op)) return false;
    if (s->fused && op >= VEC_OP_add_setp_bra_u32_eq) return constant_known(m, s, VEC_OP_add32_constant);
    if (steady_comparison(m, s)) return !s->fused;
    if (s->fused || writes_no_kind(s, op)) {
        add(m, s->fused ? s->alone : s->run, s);
        return true;
    }
    if (op == VEC_OP_add32_constant || op == VEC_OP_add64_constant) return constant_known(m, s, op);
    if (op == VEC_OP_COUNT || !(lanes_known(m, s, op) || load_known(m, s, op) || others_known(m, s, op))) keep_and_forget(m, s);
    return true;
}

/* In as much memory as it needs; false: there is none. */
static bool shrink(const maker *m, vec_version *to) {
    const vec_version *v = &m->v;
    size_t steps = sizeof *v->steps * (size_t)m->count, conditions = sizeof *v->conditions * v->condition_count;
    *to = *v;
    to->steps = pgd_mem_alloc(steps);
    to->conditions = pgd_mem_alloc(conditions + 1);
    if (to->steps == NULL || to->conditions == NULL) return false;
    memcpy(to->steps, v->steps, steps);
    memcpy(to->conditions, v->conditions, conditions);
    if (m->loops) to->steps[m->count - 1].to = to->steps;
    return true;
}

static void release(vec_version *v) {
    pgd_mem_free(v->steps);
    pgd_mem_free(v->conditions);
}

/* Makes a version for the registers as they are now; false: there is none. */
static bool make_version(vec_warp *w, const vec_step *gate, vec_gate *g) {
    const vec_body *b = w->frame->body;
    const vec_step *s = gate + 1;
    maker m = {.w = w, .level = w->worker->code->level, .gate = gate, .v = {.row_shift = w->row_shift}, .registers = b->constant_count > 0 ? b->offsets[b->register_count] : UINT32_MAX};
    size_t length = 1;
    while (!ends(&s[length - 1]) && s[length - 1].run != vec_run_bra) length++;
    m.v.steps = pgd_mem_zalloc(sizeof *m.v.steps * (2 * length + 1));
    m.v.conditions = pgd_mem_zalloc(sizeof *m.v.conditions * (b->register_count + 1));
    m.kinds = pgd_mem_alloc(b->register_bytes / 64 + 1);
    bool fine = m.v.steps != NULL && m.v.conditions != NULL && m.kinds != NULL;
    if (fine) {
        memset(m.kinds, VEC_UNSEEN, b->register_bytes / 64 + 1);
        while (take(&m, s)) s++;
    }
    pgd_mem_free(m.kinds);
    vec_version made = {0};
    fine = fine && m.known > 0 && shrink(&m, &made);
    release(&m.v);
    if (fine) g->versions[g->count++] = made;
    else release(&made);
    g->passes = 0;
    g->closed = !fine || g->count == VEC_VERSIONS;
    return fine;
}

void vec_gates_destroy(vec_gate *gates, int32_t count) {
    for (int32_t k = 0; gates != NULL && k < count; k++)
        for (int32_t n = 0; n < gates[k].count; n++) release(&gates[k].versions[n]);
    pgd_mem_free(gates);
}
