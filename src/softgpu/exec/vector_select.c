/* SPDX-License-Identifier: Apache-2.0
 * Which instruction takes which handler, and what the handler finds in the step. What has none here is computed lane by lane (vec_run_any). */
#include "vector_select.h"

#include <stddef.h>

/* ---- levels --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool has(gpu_vector_level level) {
#if defined(__x86_64__)
    switch (level) {
    case GPU_VECTOR_AVX512: return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && has(GPU_VECTOR_AVX2);
    case GPU_VECTOR_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    default: break;
    }
#endif
    return level == GPU_VECTOR_PORTABLE;
}

static _Atomic int forced = -1;

gpu_vector_level gpu_vector_best(void) { return has(GPU_VECTOR_AVX512) ? GPU_VECTOR_AVX512 : has(GPU_VECTOR_AVX2) ? GPU_VECTOR_AVX2 : GPU_VECTOR_PORTABLE; }

pgd_status gpu_vector_force(gpu_vector_level level) {
    if (!has(level)) return pgd_fail(PGD_BAD_ARG, "this processor has not the instruction set of level %d", (int)level);
    atomic_store(&forced, (int)level);
    return PGD_OK;
}

gpu_vector_level vec_level_in_force(void) {
    int level = atomic_load_explicit(&forced, memory_order_relaxed);
    return level < 0 ? gpu_vector_best() : (gpu_vector_level)level;
}

vec_dots_fn *vec_dots(void) {
#if defined(__x86_64__)
    gpu_vector_level level = vec_level_in_force();
    if (level != GPU_VECTOR_PORTABLE) return level == GPU_VECTOR_AVX512 ? vec_dots_avx512 : vec_dots_avx2;
#endif
    return vec_dots_portable;
}

vec_fn *vec_handler(gpu_vector_level level, vec_op op) {
#if defined(__x86_64__)
    if (level == GPU_VECTOR_AVX512) return vec_handlers_avx512[op];
    if (level == GPU_VECTOR_AVX2) return vec_handlers_avx2[op];
#endif
    return vec_handlers_portable[op];
}
static vec_fn *handler(vec_op op) { return vec_handler(vec_level_in_force(), op); }

/* ---- operands ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct selection {
    vec_body *b;
    const gpu_vector_code *code;
    const ptx_instruction *i;
    vec_step *s;
} selection;

static vec_width width_of(ptx_type t) { return t == PTX_pred ? VEC_PREDICATE : ptx_types[t].bits <= 32 ? VEC_32 : ptx_types[t].bits == 64 ? VEC_64 : VEC_128; }

/* The slot of a source of that type: a register of just that width, or a constant. */
static bool source(const selection *n, int32_t number, ptx_type type, uint32_t *at) {
    const ptx_operand *o = &n->i->operands[number];
    uint64_t address;
    switch ((ptx_operand_kind)o->kind) {
    case PTX_REGISTER: {
        if (o->number < 0 || o->negated) return false;
        const vec_register *r = &n->b->registers[o->number];
        *at = r->at;
        return ptx_types[r->type].bits == ptx_types[type].bits;
    }
    case PTX_INTEGER: case PTX_REAL: *at = vec_body_constant(n->b, type == PTX_pred ? 0 - (vec_constant(o, type) & 1) : vec_constant(o, type), width_of(type)); break; /* a predicate has a bit for each lane */
    case PTX_ADDRESS_OF:
        if (o->variable == NULL) address = gpu_program_function_address(n->code->program, o->function);
        else if (o->variable->parameter || !gpu_program_address(n->code->program, o->variable, &address)) return false;
        *at = vec_body_constant(n->b, ptx_trim(type, address + o->bits), width_of(type));
        break;
    default: return false;
    }
    return *at != UINT32_MAX;
}

/* A predicate that may be negated. */
static bool predicate(const selection *n, int32_t number, uint32_t *at) {
    const ptx_operand *o = &n->i->operands[number];
    if (o->kind != PTX_REGISTER || o->number < 0) return false;
    *at = n->b->registers[o->number].at;
    n->s->negated = o->negated;
    return true;
}

static bool result(const selection *n, ptx_type type, bool wider) {
    const ptx_operand *o = &n->i->operands[0];
    if (o->kind != PTX_REGISTER) return false;
    n->s->width = (uint8_t)width_of(type);
    if (o->number < 0) return n->s->width != VEC_128;
    const vec_register *r = &n->b->registers[o->number];
    n->s->d = r->at;
    n->s->width = r->width;
    return r->width != VEC_128 && (wider || ptx_types[r->type].bits == ptx_types[type].bits);
}

static bool take(const selection *n, vec_op op) {
    n->s->run = handler(op);
    n->s->plain = true;
    return true;
}

/* One to three sources of one type, a result of the same. */
static bool same_type(const selection *n, int32_t operands, vec_op op) {
    ptx_type t = (ptx_type)n->i->types[0];
    uint32_t *const slots[] = {&n->s->a, &n->s->b, &n->s->c};
    if (!result(n, t, false)) return false;
    for (int32_t k = 0; k < operands; k++)
        if (!source(n, k + 1, t, slots[k])) return false;
    return take(n, op);
}

/* ---- families ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static bool arithmetic(const selection *n, int32_t operands, int32_t op32, int32_t op64) {
    int32_t bits = ptx_types[n->i->types[0]].bits, op = bits == 32 ? op32 : bits == 64 ? op64 : -1;
    return op >= 0 && same_type(n, operands, (vec_op)op);
}

static bool add_constant(const selection *n, bool subtract) {
    ptx_type t = (ptx_type)n->i->types[0];
    if (n->i->operands[2].kind != PTX_INTEGER || ptx_types[t].bits < 32 || !same_type(n, 2, ptx_types[t].bits == 32 ? VEC_OP_add32_constant : VEC_OP_add64_constant)) return false;
    uint64_t value = vec_constant(&n->i->operands[2], t);
    if (subtract) value = 0 - value;
    if (ptx_types[t].bits == 32) n->s->c = (uint32_t)value;
    else n->s->offset = (int64_t)value;
    return true;
}

/* By signedness: unsigned and signed, of 32 and 64 bits. */
static bool ordered(const selection *n, int32_t operands, int32_t u32, int32_t s32, int32_t u64, int32_t s64) {
    return ptx_is_signed((ptx_type)n->i->types[0]) ? arithmetic(n, operands, s32, s64) : arithmetic(n, operands, u32, u64);
}

static bool wide(const selection *n, bool adds) {
    ptx_type t = (ptx_type)n->i->types[0];
    n->s->c = vec_body_constant(n->b, 0, VEC_64);
    if (ptx_types[t].bits != 32 || n->s->c == UINT32_MAX || !result(n, PTX_u64, false) || !source(n, 1, t, &n->s->a) || !source(n, 2, t, &n->s->b) || (adds && !source(n, 3, PTX_u64, &n->s->c))) return false;
    return take(n, ptx_is_signed(t) ? VEC_OP_mad_wide_s32 : VEC_OP_mad_wide_u32);
}

static bool shift(const selection *n, int32_t op32, int32_t op64) {
    ptx_type t = (ptx_type)n->i->types[0];
    int32_t bits = ptx_types[t].bits, op = bits == 32 ? op32 : bits == 64 ? op64 : -1;
    return op >= 0 && result(n, t, false) && source(n, 1, t, &n->s->a) && source(n, 2, PTX_u32, &n->s->b) && take(n, (vec_op)op);
}

static bool logic(const selection *n, int32_t operands, vec_op of_predicates, int32_t op32, int32_t op64) {
    if (n->i->types[0] != PTX_pred) return arithmetic(n, operands, op32, op64);
    return same_type(n, operands, of_predicates);
}

static bool table(const selection *n) {
    n->s->offset = (int64_t)(n->i->operands[4].bits & 0xff);
    return same_type(n, 3, VEC_OP_lop3);
}

static bool field(const selection *n) {
    ptx_type t = (ptx_type)n->i->types[0];
    return ptx_types[t].bits == 32 && result(n, t, false) && source(n, 1, t, &n->s->a) && source(n, 2, PTX_u32, &n->s->b) && source(n, 3, PTX_u32, &n->s->c) && take(n, ptx_is_signed(t) ? VEC_OP_bfe_s32 : VEC_OP_bfe_u32);
}

static bool counting(const selection *n, vec_op op) { return ptx_types[n->i->types[0]].bits == 32 && result(n, PTX_u32, false) && source(n, 1, (ptx_type)n->i->types[0], &n->s->a) && take(n, op); }

static bool select_of_two(const selection *n) {
    ptx_type t = (ptx_type)n->i->types[0];
    if (ptx_types[t].bits < 32 || !result(n, t, false) || !source(n, 1, t, &n->s->a) || !source(n, 2, t, &n->s->b) || !predicate(n, 3, &n->s->c)) return false;
    return take(n, ptx_types[t].bits == 32 ? VEC_OP_selp32 : VEC_OP_selp64);
}

static bool move(const selection *n) {
    ptx_type t = (ptx_type)n->i->types[0];
    const ptx_operand *o = &n->i->operands[1];
    if (!result(n, t, false)) return false;
    if (t == PTX_pred) return predicate(n, 1, &n->s->a) && take(n, VEC_OP_mov_pred);
    if (source(n, 1, t, &n->s->a)) return take(n, n->s->width == VEC_32 ? VEC_OP_mov32 : VEC_OP_mov64);
    bool moves = o->kind == PTX_SPECIAL && (o->number < PTX_SPECIAL_CLOCK || o->number > PTX_SPECIAL_GLOBALTIMER_HI);
    return (moves || (o->kind == PTX_ADDRESS_OF && o->variable != NULL)) && take(n, VEC_OP_mov_any);
}

static bool address(const selection *n) {
    ptx_type t = (ptx_type)n->i->types[0];
    if (ptx_types[t].bits != 64 || !result(n, t, false) || !source(n, 1, t, &n->s->a)) return false;
    n->s->offset = -1;
    if (n->i->slots[PTX_SLOT_to] == PTX_NO_WORD) {
        ptx_space space = ptx_instruction_space(n->i);
        n->s->offset = space == PTX_SPACE_shared ? (int64_t)GPU_SHARED_BASE : space == PTX_SPACE_local ? (int64_t)GPU_LOCAL_BASE : space == PTX_SPACE_param ? (int64_t)GPU_PARAM_BASE : 0;
    }
    return take(n, VEC_OP_cvta);
}

/* ---- floating point --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool nearest(const ptx_instruction *i) { return i->slots[PTX_SLOT_round] == PTX_NO_WORD || i->slots[PTX_SLOT_round] == PTX_WORD_rn; }
static bool ftz(const ptx_instruction *i) { return i->slots[PTX_SLOT_ftz] != PTX_NO_WORD; }

/* ftz_op: -1: there is none. */
static bool floats(const selection *n, int32_t operands, int32_t op, int32_t ftz_op) {
    const ptx_instruction *i = n->i;
    int32_t chosen = ftz(i) ? ftz_op : op;
    if (chosen < 0 || !nearest(i) || i->slots[PTX_SLOT_sat] != PTX_NO_WORD || i->slots[PTX_SLOT_relu] != PTX_NO_WORD || i->slots[PTX_SLOT_nan] != PTX_NO_WORD || i->slots[PTX_SLOT_xorsign] != PTX_NO_WORD) return false;
    return (i->types[0] == PTX_f32 || i->types[0] == PTX_f64) && same_type(n, operands, (vec_op)chosen);
}

static bool near_quotient(const selection *n) {
    bool full = n->i->slots[PTX_SLOT_mode] == PTX_WORD_full;
    return floats(n, 2, full ? VEC_OP_div_f32 : VEC_OP_div_approx, full ? VEC_OP_div_ftz : VEC_OP_div_approx_ftz);
}

static bool only(const selection *n, ptx_type t, int32_t operands, int32_t op, int32_t ftz_op) { return n->i->types[0] == t && floats(n, operands, op, ftz_op); }

/* ---- comparisons and conversions ----------------------------------------------------------------------------------------------------------------------------------------------- */

static int32_t comparison(int32_t word) {
    switch (word) {
    case PTX_WORD_eq: return VEC_EQ;
    case PTX_WORD_ne: return VEC_NE;
    case PTX_WORD_lt: case PTX_WORD_lo: return VEC_LT;
    case PTX_WORD_le: case PTX_WORD_ls: return VEC_LE;
    case PTX_WORD_gt: case PTX_WORD_hi: return VEC_GT;
    case PTX_WORD_ge: case PTX_WORD_hs: return VEC_GE;
    case PTX_WORD_num: return VEC_NUM;
    case PTX_WORD_nan: return VEC_NAN;
    case PTX_WORD_equ: return VEC_EQU;
    case PTX_WORD_neu: return VEC_NEU;
    case PTX_WORD_ltu: return VEC_LTU;
    case PTX_WORD_leu: return VEC_LEU;
    case PTX_WORD_gtu: return VEC_GTU;
    default: return VEC_GEU;
    }
}

static bool compare(const selection *n, bool joins) {
    const ptx_instruction *i = n->i;
    ptx_type t = (ptx_type)i->types[0];
    bool wide_ = ptx_types[t].bits == 64, is_float = ptx_types[t].kind == PTX_FLOAT;
    if (ptx_types[t].bits < 32 || ftz(i) || !result(n, PTX_pred, false) || !source(n, 1, t, &n->s->a) || !source(n, 2, t, &n->s->b) || (joins && !predicate(n, 3, &n->s->c))) return false;
    if (i->paired && i->pair >= 0) n->s->pair = n->b->registers[i->pair].at;
    n->s->elems = (uint8_t)comparison(i->slots[PTX_SLOT_cmp]);
    n->s->space = i->slots[PTX_SLOT_bool] == PTX_WORD_and ? VEC_AND : i->slots[PTX_SLOT_bool] == PTX_WORD_or ? VEC_OR : i->slots[PTX_SLOT_bool] == PTX_WORD_xor ? VEC_XOR : VEC_ALONE;
    if (is_float) return take(n, wide_ ? VEC_OP_setp_f64 : VEC_OP_setp_f32);
    if (ptx_is_signed(t)) return take(n, wide_ ? VEC_OP_setp_s64 : VEC_OP_setp_s32);
    return take(n, wide_ ? VEC_OP_setp_u64 : VEC_OP_setp_u32);
}

static bool convert_integers(const selection *n) {
    const ptx_instruction *i = n->i;
    ptx_type to = (ptx_type)i->types[0], from = (ptx_type)i->types[1];
    const ptx_operand *o = &i->operands[1];
    if (i->slots[PTX_SLOT_sat] != PTX_NO_WORD || o->kind != PTX_REGISTER || o->number < 0 || i->operands[0].number < 0 || !result(n, to, true)) return false;
    const vec_register *r = &n->b->registers[o->number], *d = &n->b->registers[i->operands[0].number];
    if (r->width == VEC_128) return false;
    n->s->a = r->at;
    n->s->bytes = (uint8_t)(ptx_types[from].bits / 8);
    n->s->elems = (uint8_t)(ptx_types[to].bits / 8);
    n->s->space = (uint8_t)(ptx_types[d->type].bits / 8);
    n->s->offset = ptx_is_signed(from) + 2 * ptx_is_signed(to) + 4 * (r->width == VEC_64);
    return take(n, VEC_OP_cvt_int);
}

static bool convert(const selection *n, ptx_type to, ptx_type from, vec_op op) {
    const ptx_instruction *i = n->i;
    if (i->types[0] != to || i->types[1] != from || ftz(i) || i->slots[PTX_SLOT_relu] != PTX_NO_WORD || (i->slots[PTX_SLOT_sat] != PTX_NO_WORD)) return false;
    return result(n, to, false) && source(n, 1, from, &n->s->a) && take(n, op);
}

static bool convert_floats(const selection *n) {
    const ptx_instruction *i = n->i;
    if (i->form == PTX_FORM_CVT_TO_INT) return i->slots[PTX_SLOT_round] == PTX_WORD_rzi && (convert(n, PTX_s32, PTX_f32, VEC_OP_cvt_s32_f32) || convert(n, PTX_u32, PTX_f32, VEC_OP_cvt_u32_f32));
    if (!nearest(i)) return false;
    return convert(n, PTX_f32, PTX_s32, VEC_OP_cvt_f32_s32) || convert(n, PTX_f32, PTX_u32, VEC_OP_cvt_f32_u32) || convert(n, PTX_f64, PTX_f32, VEC_OP_cvt_f64_f32) || convert(n, PTX_f32, PTX_f64, VEC_OP_cvt_f32_f64) ||
           convert(n, PTX_f32, PTX_f16, VEC_OP_cvt_f32_f16) || convert(n, PTX_f16, PTX_f32, VEC_OP_cvt_f16_f32) || convert(n, PTX_f32, PTX_bf16, VEC_OP_cvt_f32_bf16) || convert(n, PTX_bf16, PTX_f32, VEC_OP_cvt_bf16_f32);
}

/* ---- memory --------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool place(const selection *n, const ptx_operand *o) {
    vec_step *s = n->s;
    ptx_space space = n->i->form == PTX_FORM_LDU ? PTX_SPACE_global : ptx_instruction_space(n->i);
    const ptx_variable *v = o->variable;
    uint64_t base = 0;
    s->width = VEC_64;
    s->count = VEC_ABSOLUTE;
    s->offset = (int64_t)o->bits;
    if (o->number >= 0) {
        const vec_register *r = &n->b->registers[o->number];
        s->a = r->at;
        s->width = r->width;
        if (r->width != VEC_64 && ptx_types[r->type].bits != 32) return false;
    } else {
        s->a = vec_body_constant(n->b, 0, VEC_64);
        if (s->a == UINT32_MAX) return false;
        if (v != NULL) {
            if (space == PTX_SPACE_generic) space = v->space;
            if (v->parameter) s->count = VEC_PARAMETERS;
            else if (v->space == PTX_SPACE_param) s->count = VEC_OWN_PARAMETERS;
            else if (v->space == PTX_SPACE_local) s->count = VEC_LOCALS;
            else if (!gpu_program_address(n->code->program, v, &base)) return false;
            s->offset += v->parameter || s->count != VEC_ABSOLUTE ? v->offset : (int64_t)base;
        }
    }
    s->space = (uint8_t)space;
    return true;
}

static bool access(const selection *n, int32_t value, int32_t memory, bool loads) {
    const ptx_instruction *i = n->i;
    const ptx_operand *o = &i->operands[value];
    ptx_type t = (ptx_type)i->types[0];
    int32_t bytes = ptx_types[t].bits / 8, count = o->kind == PTX_VECTOR ? o->count : 1, sem = i->slots[PTX_SLOT_sem];
    bool exact = count == 1 && (sem == PTX_NO_WORD || sem == PTX_WORD_weak) && (bytes == 4 || bytes == 8);
    for (int32_t k = 0; k < count; k++) {
        const ptx_operand *e = o->kind == PTX_VECTOR ? &o->items[k] : o;
        if (e->kind != PTX_REGISTER || e->number < 0) {
            if (count > 1 && !(loads && e->kind == PTX_REGISTER)) return false;
            if (loads) {
                exact = exact && count == 1;
                continue;
            }
            if (!source(n, value, t, &n->s->d)) return false;
            continue;
        }
        const vec_register *r = &n->b->registers[e->number];
        if (r->width == VEC_128 || r->width == VEC_PREDICATE) return false;
        n->s->d = r->at;
        exact = exact && ptx_types[r->type].bits == 8 * bytes;
    }
    if (!place(n, &i->operands[memory])) return false;
    n->s->bytes = (uint8_t)bytes;
    n->s->elems = (uint8_t)count;
    n->s->is_signed = ptx_is_signed(t);
    bool near = exact && loads && n->s->space == PTX_SPACE_global && n->s->width == VEC_64 && n->s->count == VEC_ABSOLUTE;
    bool shared = exact && loads && n->s->space == PTX_SPACE_shared && n->s->count == VEC_ABSOLUTE;
    if (near) n->s->target = (int32_t)(offsetof(vec_worker, near) + sizeof(vec_near) * n->s->site);
    if (near) n->s->run = handler(bytes == 4 ? VEC_OP_load32_global : VEC_OP_load64_global);
    else if (shared) n->s->run = handler(bytes == 4 ? VEC_OP_load32_shared : VEC_OP_load64_shared);
    else if (loads) n->s->run = handler(!exact ? VEC_OP_load : bytes == 4 ? VEC_OP_load32 : VEC_OP_load64);
    else n->s->run = handler(!exact ? VEC_OP_store : bytes == 4 ? VEC_OP_store32 : VEC_OP_store64);
    return true;
}

static int32_t atom_of(const ptx_instruction *i) {
    switch (i->slots[PTX_SLOT_op]) {
    case PTX_WORD_and: return VEC_ATOM_AND;
    case PTX_WORD_or: return VEC_ATOM_OR;
    case PTX_WORD_xor: return VEC_ATOM_XOR;
    case PTX_WORD_exch: return VEC_ATOM_EXCHANGE;
    case PTX_WORD_cas: return VEC_ATOM_CAS;
    case PTX_WORD_min: return VEC_ATOM_MIN;
    case PTX_WORD_max: return VEC_ATOM_MAX;
    case PTX_WORD_add: return ptx_types[i->types[0]].kind == PTX_FLOAT ? VEC_ATOM_ADD_FLOAT : VEC_ATOM_ADD;
    default: return -1;
    }
}

/* Of 32 and 64 bits; a result that nobody wants goes to the trash. */
static bool atomic(const selection *n, bool gives) {
    const ptx_instruction *i = n->i;
    ptx_type t = (ptx_type)i->types[0];
    int32_t op = atom_of(i), rest = gives ? 1 : 0;
    if (op < 0 || ptx_types[t].bits < 32 || ptx_types[t].lanes != 1 || (gives && !result(n, t, false))) return false;
    if (!source(n, rest + 1, t, &n->s->b) || (op == VEC_ATOM_CAS && !source(n, rest + 2, t, &n->s->c)) || !place(n, &i->operands[rest])) return false;
    n->s->elems = (uint8_t)op;
    n->s->is_signed = ptx_is_signed(t);
    n->s->run = handler(ptx_types[t].bits == 32 ? VEC_OP_atomic32 : VEC_OP_atomic64);
    return true;
}

/* ---- all ------------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool low(const ptx_instruction *i) { return i->slots[PTX_SLOT_part] == PTX_WORD_lo; }

static bool select(const selection *n) {
    const ptx_instruction *i = n->i;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_MOV: return move(n);
    case PTX_FORM_ADD: return add_constant(n, false) || arithmetic(n, 2, VEC_OP_add32, VEC_OP_add64);
    case PTX_FORM_SUB: return add_constant(n, true) || arithmetic(n, 2, VEC_OP_sub32, VEC_OP_sub64);
    case PTX_FORM_MUL: return low(i) ? arithmetic(n, 2, VEC_OP_mul32, VEC_OP_mul64) : ordered(n, 2, VEC_OP_mul_hi_u32, VEC_OP_mul_hi_s32, -1, -1);
    case PTX_FORM_MAD: return low(i) && arithmetic(n, 3, VEC_OP_mad32, VEC_OP_mad64);
    case PTX_FORM_MUL_WIDE: return wide(n, false);
    case PTX_FORM_MAD_WIDE: return wide(n, true);
    case PTX_FORM_MIN: return ordered(n, 2, VEC_OP_min_u32, VEC_OP_min_s32, VEC_OP_min_u64, VEC_OP_min_s64);
    case PTX_FORM_MAX: return ordered(n, 2, VEC_OP_max_u32, VEC_OP_max_s32, VEC_OP_max_u64, VEC_OP_max_s64);
    case PTX_FORM_DIV: return ordered(n, 2, VEC_OP_div_u32, VEC_OP_div_s32, -1, -1);
    case PTX_FORM_REM: return ordered(n, 2, VEC_OP_rem_u32, VEC_OP_rem_s32, -1, -1);
    case PTX_FORM_ABS: return arithmetic(n, 1, VEC_OP_abs32, -1);
    case PTX_FORM_NEG: return arithmetic(n, 1, VEC_OP_neg32, VEC_OP_neg64);
    case PTX_FORM_POPC: return counting(n, VEC_OP_popc32);
    case PTX_FORM_CLZ: return counting(n, VEC_OP_clz32);
    case PTX_FORM_BREV: return counting(n, VEC_OP_brev32);
    case PTX_FORM_BFE: return field(n);
    case PTX_FORM_PRMT: return i->slots[PTX_SLOT_mode] == PTX_NO_WORD && same_type(n, 3, VEC_OP_prmt);
    case PTX_FORM_SHF: return i->slots[PTX_SLOT_mode] == PTX_WORD_wrap && same_type(n, 3, i->slots[PTX_SLOT_part] == PTX_WORD_l ? VEC_OP_shf_l : VEC_OP_shf_r);
    case PTX_FORM_SHL: return shift(n, VEC_OP_shl32, VEC_OP_shl64);
    case PTX_FORM_SHR: return ptx_is_signed((ptx_type)i->types[0]) ? shift(n, VEC_OP_shr_s32, VEC_OP_shr_s64) : shift(n, VEC_OP_shr_u32, VEC_OP_shr_u64);
    case PTX_FORM_AND: return logic(n, 2, VEC_OP_and_pred, VEC_OP_and32, VEC_OP_and64);
    case PTX_FORM_OR: return logic(n, 2, VEC_OP_or_pred, VEC_OP_or32, VEC_OP_or64);
    case PTX_FORM_XOR: return logic(n, 2, VEC_OP_xor_pred, VEC_OP_xor32, VEC_OP_xor64);
    case PTX_FORM_NOT: return logic(n, 1, VEC_OP_not_pred, VEC_OP_not32, VEC_OP_not64);
    case PTX_FORM_LOP3: return table(n);
    case PTX_FORM_SELP: return select_of_two(n);
    case PTX_FORM_CVTA: return address(n);
    case PTX_FORM_SETP_BITS: case PTX_FORM_SETP_UNSIGNED: case PTX_FORM_SETP_SIGNED: case PTX_FORM_SETP_FLOAT: return compare(n, false);
    case PTX_FORM_SETP_BITS_BOOL: case PTX_FORM_SETP_UNSIGNED_BOOL: case PTX_FORM_SETP_SIGNED_BOOL: case PTX_FORM_SETP_FLOAT_BOOL: return compare(n, true);
    case PTX_FORM_ADD_F32: return floats(n, 2, VEC_OP_add_f32, VEC_OP_add_ftz);
    case PTX_FORM_SUB_F32: return floats(n, 2, VEC_OP_sub_f32, VEC_OP_sub_ftz);
    case PTX_FORM_MUL_F32: return floats(n, 2, VEC_OP_mul_f32, VEC_OP_mul_ftz);
    case PTX_FORM_FMA_F32: case PTX_FORM_MAD_F32: return floats(n, 3, VEC_OP_fma_f32, VEC_OP_fma_ftz);
    case PTX_FORM_ADD_F64: return floats(n, 2, VEC_OP_add_f64, -1);
    case PTX_FORM_SUB_F64: return floats(n, 2, VEC_OP_sub_f64, -1);
    case PTX_FORM_MUL_F64: return floats(n, 2, VEC_OP_mul_f64, -1);
    case PTX_FORM_FMA_F64: case PTX_FORM_MAD_F64: return floats(n, 3, VEC_OP_fma_f64, -1);
    case PTX_FORM_DIV_F64: return floats(n, 2, VEC_OP_div_f64, -1);
    case PTX_FORM_SQRT_F64: return floats(n, 1, VEC_OP_sqrt_f64, -1);
    case PTX_FORM_DIV_F32: return floats(n, 2, VEC_OP_div_f32, VEC_OP_div_ftz);
    case PTX_FORM_DIV_APPROX: return near_quotient(n);
    case PTX_FORM_RCP_F32: case PTX_FORM_RCP_APPROX: return floats(n, 1, VEC_OP_rcp_f32, VEC_OP_rcp_ftz);
    case PTX_FORM_SQRT_F32: case PTX_FORM_SQRT_APPROX: return floats(n, 1, VEC_OP_sqrt_f32, VEC_OP_sqrt_ftz);
    case PTX_FORM_RSQRT_APPROX: return only(n, PTX_f32, 1, VEC_OP_rsqrt_f32, -1);
    case PTX_FORM_EX2: return floats(n, 1, VEC_OP_ex2_f32, VEC_OP_ex2_ftz);
    case PTX_FORM_LG2: return floats(n, 1, VEC_OP_lg2_f32, VEC_OP_lg2_ftz);
    case PTX_FORM_SIN: return floats(n, 1, VEC_OP_sin_f32, -1);
    case PTX_FORM_COS: return floats(n, 1, VEC_OP_cos_f32, -1);
    case PTX_FORM_TANH: return only(n, PTX_f32, 1, VEC_OP_tanh_f32, -1);
    case PTX_FORM_NEG_F32: return only(n, PTX_f32, 1, VEC_OP_neg_f32, -1);
    case PTX_FORM_ABS_F32: return only(n, PTX_f32, 1, VEC_OP_abs_f32, -1);
    case PTX_FORM_MIN_F32: return only(n, PTX_f32, 2, VEC_OP_min_f32, -1);
    case PTX_FORM_MAX_F32: return only(n, PTX_f32, 2, VEC_OP_max_f32, -1);
    case PTX_FORM_CVT_INT: return convert_integers(n);
    case PTX_FORM_CVT_TO_INT: case PTX_FORM_CVT_FROM_INT: case PTX_FORM_CVT_NARROW_HALF: case PTX_FORM_CVT_NARROW: case PTX_FORM_CVT_WIDEN: case PTX_FORM_CVT_WIDEN_F64: return convert_floats(n);
    case PTX_FORM_LD: case PTX_FORM_LDU: return access(n, 0, 1, true);
    case PTX_FORM_ST: return access(n, 1, 0, false);
    case PTX_FORM_ATOM_BITS: case PTX_FORM_ATOM_CAS: case PTX_FORM_ATOM_ADD: case PTX_FORM_ATOM_ORDER: return atomic(n, true);
    case PTX_FORM_RED_BITS: case PTX_FORM_RED_ADD: case PTX_FORM_RED_ORDER: return atomic(n, false);
    default: return false;
    }
}

void vec_select(vec_body *b, const gpu_vector_code *code, const ptx_instruction *i, vec_step *s) {
    vec_step before = *s;
    if (!select(&(selection){b, code, i, s})) *s = before;
}

/* A loop often ends so: what is compared was just counted up. */
static void fuse_addition(vec_step *s, const vec_step *setp, int32_t comparison_) {
    if (s->run != handler(VEC_OP_add32_constant) || setp->a != s->d || setp->b == s->d || setp->d == VEC_TRASH || s->d == VEC_TRASH || comparison_ >= 12) return;
    s->alone = s->run;
    s->run = handler((vec_op)(VEC_OP_add_setp_bra_u32_eq + comparison_));
    s->fused = true;
    s->b = setp->b;
    s->guard = setp->d;
    s->target = setp->target + 1;
    s->count = setp->count;
}

/* The predicate decides the branch, and nothing else is joined to it. The step gets the branch's target, counted from itself, and the instructions there. */
void vec_fuse(vec_step *s, bool first) {
    static const vec_op alone[] = {VEC_OP_setp_u32, VEC_OP_setp_s32, VEC_OP_setp_u64, VEC_OP_setp_s64};
    if (s[1].run != vec_run_bra || s[1].guard != s->d || s[1].negated || s->d == VEC_TRASH || s->pair != VEC_TRASH || s->space != VEC_ALONE || !s->plain) return;
    for (int32_t k = 0; k < 4; k++) {
        if (s->run != handler(alone[k])) continue;
        s->alone = s->run;
        s->run = handler((vec_op)(VEC_OP_setp_bra_u32_eq + 6 * k + s->elems));
        s->fused = true;
        s->target = s[1].target + 1;
        s->count = s[1].count;
        if (!first) fuse_addition(s - 1, s, 6 * k + s->elems);
        return;
    }
}

vec_fn *vec_masked(vec_fn *run) {
    static const vec_op whole[] = {VEC_OP_load32_global, VEC_OP_load64_global, VEC_OP_load32_shared, VEC_OP_load64_shared}, any[] = {VEC_OP_load32, VEC_OP_load64, VEC_OP_load32, VEC_OP_load64};
    for (int32_t k = 0; k < 4; k++)
        if (run == handler(whole[k])) return handler(any[k]);
    return run;
}
