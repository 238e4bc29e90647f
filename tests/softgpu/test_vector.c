/* SPDX-License-Identifier: Apache-2.0
 * The vector executor does what every executor must do, at each level that this machine has; on programs made at random it gives bit for bit what the reference executor gives. */
#include "executor.inc.c"

#include "exec/reference.h"
#include "exec/vector.h"
#include "ptx/forms.h"

static pgd_pool *pool;

static pgd_status execute(const gpu_launch *l, gpu_fault *f) { return gpu_vector_run(l, pool, f); }

/* ---- programs made at random ----------------------------------------------------------------------------------------------------------------------------- */

static uint64_t seed;
static uint32_t roll(uint32_t below) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* Numbers where arithmetic has its corners, and others. */
static uint64_t number(void) {
    static const uint64_t corners[] = {0, 1, 2, 31, 32, 33, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x3c00, 0x7c00, 0x7e00, 0x0001, 0x3f80, 0x7f80, 0x7fffffff, 0x80000000, 0xffffffff, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
                                       0x7fc00000, 0x7f800001, 0x00000001, 0x007fffff, 0x00800000, 0x807fffff, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x4f800000, 0x3f000000, 0x34000000, 0x7e800000, 0x7e800001, 0x42fe0000,
                                       UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), ~UINT64_C(0), UINT64_C(0x3ff0000000000000), UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), UINT64_C(0x7ff8000000000000),
                                       UINT64_C(0x000fffffffffffff), UINT64_C(0x0010000000000000), UINT64_C(0x43e0000000000000), UINT64_C(0x41dfffffffc00000), UINT64_C(0x47efffffe0000000), UINT64_C(0x3810000000000000), UINT64_C(0x36a0000000000000)};
    uint64_t any = (uint64_t)roll(1u << 31) << 33 ^ (uint64_t)roll(1u << 31) << 2 ^ roll(4);
    switch (roll(4)) {
    case 0: return corners[roll(sizeof corners / sizeof corners[0])];
    case 1: return corners[roll(sizeof corners / sizeof corners[0])] << 32 | corners[roll(sizeof corners / sizeof corners[0])];
    case 2: return roll(64) - 16;
    default: return any;
    }
}

enum { THREADS_MAX = 96, SLOTS = 64, CHARS = 1 << 16 };
static const char *const pools[] = {"c", "h", "w", "d", "q"}; /* registers of 8, 16, 32, 64, 128 bits */
static const uint32_t pool_sizes[] = {3, 4, 6, 5, 2};

static int pool_of(int bits) { return bits <= 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : bits == 64 ? 3 : 4; }

typedef struct program_text {
    char chars[CHARS];
    size_t count;
    int labels;
} program_text;

PGD_PRINTF(2, 3) static void add(program_text *t, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    t->count += (size_t)vsnprintf(t->chars + t->count, sizeof t->chars - t->count, format, arguments);
    va_end(arguments);
    assert_true(t->count < sizeof t->chars);
}

static void add_register(program_text *t, int bits) {
    if (bits == 1) add(t, "%%p%u", roll(4));
    else add(t, "%%%s%u", pools[pool_of(bits)], roll(pool_sizes[pool_of(bits)]));
}

static void add_constant(program_text *t, ptx_type type) {
    const ptx_type_info *info = &ptx_types[type];
    if (type == PTX_pred) {
        add(t, "%u", roll(2));
        return;
    }
    if (info->kind == PTX_FLOAT && info->bits == 32 && info->lanes == 1) add(t, "0f%08X", (uint32_t)number());
    else if (info->kind == PTX_FLOAT && info->bits == 64) add(t, "0d%016llX", (unsigned long long)number());
    else add(t, "%llu", (unsigned long long)(info->bits >= 64 ? number() : number() & ((UINT64_C(1) << info->bits) - 1)));
}

static bool takes_constant(ptx_type type) {
    const ptx_type_info *info = &ptx_types[type];
    if (type == PTX_pred) return true;
    if (info->bits > 64 || type == PTX_tf32) return false;
    return info->kind != PTX_FLOAT || type == PTX_f32 || type == PTX_f64;
}

static void add_operand(program_text *t, const ptx_operand_rule *rule, const ptx_instruction *i) {
    static const char *const specials[] = {"%tid.x", "%tid.y", "%ctaid.x", "%laneid", "%ntid.x", "%lanemask_lt", "%warpid", "%nctaid.x"};
    ptx_type type = ptx_rule_type(rule, i, 64);
    int bits = type == PTX_pred ? 1 : ptx_types[type].bits, elements = rule->elements == PTX_COUNT_OF_WIDTH ? (bits >= 32 && roll(2) ? 4 : 2) : 0;
    bool reads = rule->role == PTX_ROLE_READ || rule->role == PTX_ROLE_ANY_SOURCE;
    if (rule->role == PTX_ROLE_NUMBER) add(t, "%u", roll(256));
    else if (elements > 0) {
        add(t, "{");
        for (int k = 0; k < elements; k++) add(t, k > 0 ? ", " : ""), add_register(t, bits / elements);
        add(t, "}");
    } else if (rule->role == PTX_ROLE_ANY_SOURCE && bits == 32 && ptx_types[type].kind != PTX_FLOAT && roll(3) == 0 && i->form == PTX_FORM_MOV) add(t, "%s", specials[roll(8)]);
    else if (reads && takes_constant(type) && roll(4) == 0) add_constant(t, type);
    else if (rule->wider && ptx_types[type].kind != PTX_FLOAT && bits < 64 && roll(3) == 0) add_register(t, bits <= 16 && roll(2) ? 32 : 64);
    else {
        if (reads && type == PTX_pred && roll(3) == 0 && i->form >= PTX_FORM_SETP_BITS_BOOL && i->form <= PTX_FORM_SELP) add(t, "!");
        add_register(t, bits);
    }
    if (rule->pair > 0 && (rule->pair == 2 || roll(2))) add(t, "|%%p%u", roll(4));
}

/* Words as they are rolled; that of modifier `fixed` is its choice `choice`, which may be one too many: none. fixed < 0: there is no such. */
static void add_words(program_text *t, const ptx_form *form, int32_t fixed, int32_t choice, ptx_instruction *i) {
    *i = (ptx_instruction){0};
    add(t, "%s", form->opcode);
    for (int32_t k = 0; k < form->modifier_count; k++) {
        const ptx_modifier *m = &form->modifiers[k];
        int32_t pick = k == fixed ? choice : (int32_t)roll(m->count);
        if (k == fixed ? choice == m->count : m->optional && roll(3) != 0) continue;
        if (m->kind == PTX_SLOT_WORD) i->slots[m->slot] = m->choices[pick];
        if (m->kind == PTX_SLOT_TYPE) i->types[m->slot] = m->choices[pick];
        add(t, ".%s", m->kind == PTX_SLOT_TYPE ? ptx_types[m->choices[pick]].name : ptx_word_text(m->choices[pick]));
    }
}

/* Forms that compute: registers in, registers out. */
static bool computes(int32_t number_) {
    const ptx_form *form = ptx_form_get(number_);
    if (number_ >= PTX_FORM_BRA || number_ == PTX_FORM_SHFL || number_ == PTX_FORM_SHFL_SYNC) return false;
    for (int32_t k = 0; k < form->operand_count; k++)
        if (form->operands[k].role == PTX_ROLE_MEMORY) return false;
    return true;
}

/* Those that most kernels are made of come more often. */
static int32_t pick_form(void) {
    static const int32_t often[] = {PTX_FORM_ADD, PTX_FORM_SUB, PTX_FORM_MUL, PTX_FORM_MAD, PTX_FORM_MUL_WIDE, PTX_FORM_MAD_WIDE, PTX_FORM_MOV, PTX_FORM_SHL, PTX_FORM_SHR, PTX_FORM_AND, PTX_FORM_SELP, PTX_FORM_CVT_INT, PTX_FORM_SETP_SIGNED,
                                    PTX_FORM_SETP_UNSIGNED, PTX_FORM_SETP_FLOAT, PTX_FORM_SETP_FLOAT_BOOL, PTX_FORM_ADD_F32, PTX_FORM_MUL_F32, PTX_FORM_FMA_F32, PTX_FORM_FMA_F64, PTX_FORM_CVT_TO_INT, PTX_FORM_CVT_FROM_INT, PTX_FORM_CVT_NARROW_HALF,
                                    PTX_FORM_CVT_WIDEN, PTX_FORM_MIN_F32, PTX_FORM_MAX_F32, PTX_FORM_LOP3, PTX_FORM_MIN, PTX_FORM_BFE, PTX_FORM_PRMT, PTX_FORM_SHF, PTX_FORM_RSQRT_APPROX, PTX_FORM_EX2, PTX_FORM_CVT_NARROW};
    if (roll(2)) return often[roll(sizeof often / sizeof often[0])];
    for (;;) {
        int32_t form = (int32_t)roll(PTX_FORM_BRA);
        if (computes(form)) return form;
    }
}

static void add_instruction(program_text *t, int32_t number_, int32_t fixed, int32_t choice) {
    const ptx_form *form = ptx_form_get(number_);
    ptx_instruction i;
    if (roll(6) == 0) add(t, "@%s%%p%u ", roll(2) ? "!" : "", roll(4));
    add_words(t, form, fixed, choice, &i);
    i.form = (uint16_t)number_;
    for (int32_t k = 0; k < form->operands_needed; k++) {
        add(t, k == 0 ? " " : ", ");
        add_operand(t, &form->operands[k], &i);
    }
    add(t, ";\n");
}

static void add_computation(program_text *t) { add_instruction(t, pick_form(), -1, 0); }

/* Loads from the inputs, at an address that is the same for all lanes, one after the other, or any; and stores to where only this thread writes. */
static void add_access(program_text *t) {
    static const char *const atoms[] = {"add.u32", "add.f32", "and.b32", "exch.b32", "min.s32", "max.u32", "inc.u32", "add.u64", "add.f64", "xor.b64", "min.s64", "max.u64", "or.b64"};
    if (roll(6) == 0) {
        uint32_t op = roll(13);
        if (roll(4) == 0) add(t, "@!%%p%u ", roll(4));
        if (roll(3) == 0) add(t, "atom.global.cas.b32 %%w%u, [%%out+%u], %%w%u, %%w%u;\n", roll(6), 8 * roll(16), roll(6), roll(6));
        else add(t, "atom.global.%s %%%s%u, [%%out+%u], %%%s%u;\n", atoms[op], op < 7 ? "w" : "d", roll(5), 8 * roll(16), op < 7 ? "w" : "d", roll(5));
        return;
    }
    static const char *const types[] = {"u8", "s8", "u16", "s16", "b32", "f32", "b64", "f64"};
    static const int sizes[] = {1, 1, 2, 2, 4, 4, 8, 8};
    static const char *const addresses[] = {"%same", "%mine", "%any"};
    uint32_t pick = roll(8), address = roll(3), vector = pick >= 4 && roll(4) == 0 ? 2 : 1;
    int bits = 8 * sizes[pick];
    bool loads = roll(3) != 0;
    if (loads && address == 2) add(t, "and.b64 %%any, %%d%u, 255;\nshl.b64 %%any, %%any, 3;\nadd.u64 %%any, %%any, %%in;\n", roll(5));
    if (roll(5) == 0) add(t, "@%%p%u ", roll(4));
    if (!loads && roll(4) == 0) { /* constants, and one with a register */
        static const ptx_type of[] = {PTX_u8, PTX_s8, PTX_u16, PTX_s16, PTX_b32, PTX_f32, PTX_b64, PTX_f64};
        add(t, "st.global%s.%s [%%out+%u], %s", vector == 2 ? ".v2" : "", types[pick], 16 * roll(8), vector == 2 ? "{" : "");
        add_constant(t, of[pick]);
        add(t, vector == 2 ? ", %%%s0};\n" : ";\n", pools[pool_of(bits)]);
        return;
    }
    if (!loads) {
        if (vector == 2) add(t, "st.global.v2.%s [%%out+%u], {%%%s1, %%%s0};\n", types[pick], 16 * roll(8), pools[pool_of(bits)], pools[pool_of(bits)]);
        else add(t, "st%s.%s [%%out+%u], %%%s%u;\n", roll(2) ? ".global" : "", types[pick], 16 * roll(8), pools[pool_of(bits < 16 ? 16 : bits)], roll(2));
        return;
    }
    if (vector == 2) add(t, "ld.global.v2.%s {%%%s0, %%%s1}, [%s+%u];\n", types[pick], pools[pool_of(bits)], pools[pool_of(bits)], bits == 64 ? "%in" : addresses[address], 16 * roll(4));
    else add(t, "ld%s.%s %%%s%u, [%s+%u];\n", roll(3) == 0 ? "" : roll(3) == 0 ? ".volatile.global" : ".global", types[pick], pools[pool_of(bits < 16 && roll(2) ? 32 : bits < 16 ? 16 : bits)], roll(3), addresses[address], 8 * roll(4));
}

/* Where all of the warp is. */
static void add_together(program_text *t) {
    switch (roll(9)) {
    case 0: add(t, "shfl.sync.%s.b32 %%w%u|%%p%u, %%w%u, %%w%u, 0x%x, -1;\n", (const char *[]){"up", "down", "bfly", "idx"}[roll(4)], roll(6), roll(4), roll(6), roll(6), roll(0x2000)); break;
    case 1: add(t, "vote.sync.%s.pred %%p%u, %s%%p%u, -1;\n", (const char *[]){"all", "any", "uni"}[roll(3)], roll(4), roll(2) ? "!" : "", roll(4)); break;
    case 2: add(t, "vote.sync.ballot.b32 %%w%u, %%p%u, -1;\n", roll(6), roll(4)); break;
    case 3: add(t, "match.any.sync.b%d %%w%u, %%%s%u, -1;\n", roll(2) ? 32 : 32, roll(6), "w", roll(6)); break;
    case 4: add(t, "match.all.sync.b64 %%w%u|%%p%u, %%d%u, -1;\n", roll(6), roll(4), roll(5)); break;
    case 5: add(t, "redux.sync.%s.%s %%w%u, %%w%u, -1;\n", (const char *[]){"add", "min", "max"}[roll(3)], roll(2) ? "u32" : "s32", roll(6), roll(6)); break;
    case 6: add(t, "elect.sync %%w%u|%%p%u, -1;\n", roll(6), roll(4)); break;
    case 7: add(t, "bar.red.popc.u32 %%w%u, 0, %%p%u;\n", roll(6), roll(4)); break;
    default: add(t, "bar.sync 0;\n"); break;
    }
}

static void add_statements(program_text *t, int count, int depth);

/* if, if-else, or a loop whose number of rounds is the lane's own. */
static void add_parting(program_text *t, int depth) {
    int label = t->labels++;
    uint32_t kind = roll(3), p = roll(4);
    if (kind < 2) {
        add(t, "@%s%%p%u bra ELSE%d;\n", roll(2) ? "!" : "", p, label);
        add_statements(t, (int)roll(5), depth + 1);
        if (kind == 1) add(t, "bra END%d;\n", label);
        add(t, "ELSE%d:\n", label);
        if (kind == 1) {
            add_statements(t, (int)roll(5), depth + 1);
            add(t, "END%d:\n", label);
        }
    } else {
        add(t, "and.b32 %%n%d, %%w%u, 7;\nAGAIN%d:\n", depth, roll(6), label);
        add_statements(t, 1 + (int)roll(4), depth + 1);
        add(t, "sub.u32 %%n%d, %%n%d, 1;\nsetp.gt.s32 %%loop, %%n%d, 0;\n@%%loop bra AGAIN%d;\n", depth, depth, depth, label);
    }
}

/* Registers that count from lane to lane, or are the same in all, and what keeps them so or does not. */
static void add_steady(program_text *t) {
    uint32_t x = roll(6), y = roll(6), a = roll(5), b = roll(5);
    switch (roll(11)) {
    case 0: add(t, "add.u32 %%w%u, %%w%u, %%w%u;\nadd.u32 %%w%u, %%w%u, %u;\n", x, x, y, y, y, roll(9)); break;
    case 1: add(t, "add.u64 %%d%u, %%d%u, %%d%u;\nadd.u64 %%d%u, %%d%u, %u;\n", a, a, b, b, b, roll(9)); break;
    case 2: add(t, "add.s32 %%w%u, %%w%u, %%w%u;\n", x, x, y); break;
    case 3: add(t, "mul.lo.u32 %%w%u, %%w%u, %%w%u;\nadd.u32 %%w%u, %%w%u, 7;\n", x, x, y, x, x); break;
    case 4: add(t, "mov.u32 %%w%u, %%tid.x;\nmul.lo.u32 %%w%u, %%w%u, %u;\nadd.u32 %%w%u, %%w%u, %%w%u;\n", x, x, x, roll(70), y, x, y); break;
    case 5: add(t, "mov.u32 %%w%u, %%tid.y;\nmad.lo.u32 %%w%u, %%w%u, %d, %u;\n", x, x, x, (int)roll(40) - 20, roll(1000)); break;
    case 6: add(t, "shl.b32 %%w%u, %%w%u, %u;\nsub.u32 %%w%u, %%w%u, %%w%u;\n", x, x, roll(34), y, x, y); break;
    case 7: add(t, "cvt.u64.u32 %%d%u, %%w%u;\nmad.wide.s32 %%d%u, %%w%u, %d, %%d%u;\n", a, x, a, y, (int)roll(40) - 20, a); break;
    case 8: add(t, "red.global.add.u32 [%%out+%u], 1;\n", 8 * roll(8)); break;
    case 9: add(t, "cvt.%s.%s %%w%u, %%d%u;\n", roll(2) ? "u32" : "s32", roll(2) ? "u64" : "s64", x, a); break;
    default: add(t, "cvta.shared.u64 %%d%u, %%d%u;\ncvta.to.shared.u64 %%d%u, %%d%u;\nadd.u64 %%d%u, %%d%u, 4;\n", a, b, a, a, b, a); break;
    }
}

/* Loads whose addresses count along rows and from row to row, in a block of their own, near the ends of what there is. */
static void add_steady_load(program_text *t) {
    uint32_t x = roll(6), y = roll(6), a = roll(5);
    int label = t->labels++;
    if (roll(2)) {
        add(t, "mov.u32 %%t, %%tid.x;\nmul.lo.u32 %%t, %%t, %u;\nmov.u32 %%s, %%tid.y;\nmad.lo.u32 %%t, %%s, %d, %%t;\nbra NEAR%d;\nNEAR%d:\nadd.u32 %%t, %%t, %u;\n", 4 * roll(3), 4 * ((int)roll(40) - 3), label, label, 4 * roll(4));
        add(t, "ld.shared.b32 %%w%u, [%%t+%u];\nand.b32 %%s, %%w%u, 0;\nld.shared.b64 %%d%u, [room+%u];\nadd.u32 %%w%u, %%w%u, %%s;\n", x, 4 * roll(30), y, a, 8 * roll(200), x, x);
    } else {
        add(t, "mov.u64 %%any, %u;\nadd.u64 %%any, %%any, %%in;\nmov.u32 %%t, %%tid.x;\nmad.wide.u32 %%any, %%t, %u, %%any;\nmov.u32 %%t, %%tid.y;\nmad.wide.s32 %%any, %%t, %d, %%any;\n", 49000 + 8 * roll(400), 4 * roll(3), ((int)roll(80) - 40) * 4);
        add(t, "bra NEAR%d;\nNEAR%d:\nand.b32 %%s, %%w%u, 0;\nld.global.b32 %%w%u, [%%any+%u];\nadd.u32 %%w%u, %%w%u, %%s;\nadd.f32 %%w%u, %%w%u, %%w%u;\nfma.rn.f32 %%w%u, %%w%u, %%w%u, %%w%u;\n", label, label, y, x, 4 * roll(30), x, x, y, x, y, y, x, y, x);
    }
}

/* A loop of as many rounds in all lanes, counted by a register that is the same in all of them, or not. */
static void add_steady_loop(program_text *t, int depth) {
    static const char *const ops[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    int label = t->labels++;
    bool same = roll(3) == 0;
    if (same) add(t, "mov.u32 %%n%d, %d;\nmov.u32 %%m%d, %u;\n", depth, (int)roll(5) - 2, depth, 3 + roll(6));
    else add(t, "mov.u32 %%n%d, %s;\nadd.u32 %%m%d, %%n%d, %u;\n", depth, roll(2) ? "%tid.x" : "%tid.y", depth, depth, 1 + roll(8));
    add(t, "mov.u32 %%k%d, 0;\nROUND%d:\n", depth, label);
    add_statements(t, 1 + (int)roll(5), depth + 1);
    add(t, "add.u32 %%k%d, %%k%d, 1;\nsetp.gt.u32 %%loop, %%k%d, 9;\n@%%loop bra OUT%d;\n", depth, depth, depth, label);
    if (roll(3) == 0) add_statements(t, 1 + (int)roll(2), depth + 1);
    add(t, "add.u32 %%n%d, %%n%d, %u;\nsetp.%s.%s %%loop, %%n%d, %%m%d;\n@%%loop bra ROUND%d;\nOUT%d:\n", depth, depth, 1 + roll(2), ops[roll(6)], roll(2) ? "u32" : "s32", depth, depth, label, label);
}

static void add_statements(program_text *t, int count, int depth) {
    for (int k = 0; k < count; k++) {
        uint32_t what = roll(25);
        if (what >= 22) add_steady(t);
        else if (what == 21) add_steady_load(t);
        else if (what == 20 && depth < 2) add_steady_loop(t, depth);
        else if (what < 2 && depth < 3) add_parting(t, depth);
        else if (what < 5) add_access(t);
        else if (what == 5 && depth == 0) add_together(t);
        else if (what == 6 && depth == 0 && roll(12) == 0) add(t, "@%%p%u exit;\n", roll(4));
        else add_computation(t);
    }
}

static const int widths[] = {8, 16, 32, 64};

static void add_beginning(program_text *t) {
    *t = (program_text){.count = 0};
    add(t, ".version 9.0\n.target sm_100a\n.address_size 64\n.shared .align 16 .b8 room[1600];\n.visible .entry k(.param .u64 in, .param .u64 out)\n{\n.reg .b8 %%c<3>;\n.reg .b16 %%h<4>;\n.reg .b32 %%w<6>;\n.reg .b64 %%d<5>;\n.reg .b128 %%q<2>;\n"
           ".reg .pred %%p<4>, %%loop;\n.reg .b32 %%n<4>, %%m<4>, %%k<4>, %%t, %%s;\n.reg .u64 %%in, %%out, %%same, %%mine, %%any, %%own;\n"
           "ld.param.u64 %%in, [in];\nld.param.u64 %%out, [out];\nmov.u32 %%t, %%ctaid.x;\nmov.u32 %%s, %%ntid.y;\nmov.u32 %%n0, %%tid.y;\nmad.lo.u32 %%t, %%t, %%s, %%n0;\nmov.u32 %%s, %%ntid.x;\nmul.lo.u32 %%t, %%t, %%s;\nmov.u32 %%s, %%tid.x;\nadd.u32 %%t, %%t, %%s;\n"
           "mov.u64 %%same, %%in;\nmad.wide.u32 %%mine, %%t, 8, %%in;\nmad.wide.u32 %%out, %%t, %d, %%out;\nmad.wide.u32 %%own, %%t, %d, %%in;\nmov.u64 %%any, %%own;\n", 8 * SLOTS, 8 * SLOTS);
}

/* Registers with numbers of all kinds: one in all lanes, constant or not, counted from lane to lane, and any. */
static void add_numbers(program_text *t) {
    for (int k = 0; k < 4; k++)
        for (uint32_t r = 0; r < pool_sizes[k]; r++) {
            uint32_t kind = roll(8), at = 8 * roll(SLOTS);
            if (kind == 0 && k > 0) add(t, "mov.b%d %%%s%u, %llu;\n", widths[k], pools[k], r, (unsigned long long)(number() & (~UINT64_C(0) >> (64 - widths[k]))));
            else if (kind == 1) add(t, "ld.global.b%d %%%s%u, [%%in+%u];\n", widths[k], pools[k], r, at);
            else if (kind == 2 && k == 2) add(t, "mov.u32 %%w%u, %%tid.y;\nmad.lo.u32 %%w%u, %%w%u, %u, %u;\nmad.lo.u32 %%w%u, %%s, %u, %%w%u;\n", r, r, r, (uint32_t)number(), (uint32_t)number(), r, (uint32_t)number(), r);
            else if (kind == 2 && k == 3) add(t, "mov.u32 %%n0, %%tid.y;\nmad.wide.u32 %%d%u, %%n0, %u, %llu;\nmad.wide.u32 %%d%u, %%s, %u, %%d%u;\n", r, (uint32_t)number(), (unsigned long long)number(), r, (uint32_t)number(), r);
            else add(t, "ld.global.b%d %%%s%u, [%%own+%u];\n", widths[k], pools[k], r, at);
        }
    for (uint32_t p = 0; p < 4; p++) add(t, "setp.lt.s32 %%p%u, %%w%u, %%w%u;\n", p, roll(6), roll(6));
}

/* What add_steady_load() finds; %s is %tid.x again behind it. */
static void add_room(program_text *t) {
    add(t, "mov.u32 %%t, %%tid.x;\nmov.u32 %%s, %%tid.y;\nmov.u32 %%n1, %%ntid.x;\nmad.lo.u32 %%t, %%s, %%n1, %%t;\nmul.lo.u32 %%n1, %%t, 8;\nld.global.b64 %%any, [%%mine];\nst.shared.b64 [%%n1], %%any;\nst.shared.b64 [%%n1+800], %%any;\nbar.sync 0;\nmov.u32 %%s, %%tid.x;\nmov.u64 %%any, %%own;\n");
}

static void make_program(program_text *t) {
    add_beginning(t);
    add_room(t);
    add_numbers(t);
    add_statements(t, 30, 0);
    for (int k = 0, at = 16; k < 4; k++)
        for (uint32_t r = 0; r < pool_sizes[k]; r++, at++) add(t, "st.global.b%d [%%out+%d], %%%s%u;\n", widths[k], 8 * at, pools[k], r);
    for (uint32_t p = 0; p < 4; p++) add(t, "selp.u32 %%t, 1, 0, %%p%u;\nst.global.u32 [%%out+%u], %%t;\n", p, 8 * 40 + 4 * p);
    add(t, "mov.b128 {%%d0, %%d1}, %%q0;\nst.global.v2.b64 [%%out+384], {%%d0, %%d1};\nret;\n}\n");
}

static int faults_seen; /* programs have few: a load behind an end */
static int passes;      /* of a block before versions of it are made */

static bool compare(const uint64_t *a, const uint64_t *b, size_t count, int way) {
    for (size_t k = 0; k < count; k++) {
        if (a[k] == b[k]) continue;
        print_message("level %d, %s, thread %zu, offset %zu: %016llx, not %016llx\n", way / 2, way % 2 == 0 ? "general" : "versions", k / SLOTS, k % SLOTS * 8, (unsigned long long)b[k], (unsigned long long)a[k]);
        return false;
    }
    return true;
}

/* Runs with the reference executor and at each level, and compares all that was written. */
static bool tame; /* inputs are numbers of moderate size in every format */

/* Exponents near the middle, also of the halves and bytes. */
static uint64_t tame_number(void) {
    uint64_t any = (uint64_t)roll(1u << 31) << 33 ^ (uint64_t)roll(1u << 31) << 2 ^ roll(4);
    switch (roll(3)) {
    case 0: return (any & UINT64_C(0x8fff8fff8fff8fff)) | UINT64_C(0x3000300030003000); /* halves of 1/8 to 2 */
    case 1: return (any & UINT64_C(0x80ff80ff80ff80ff)) | UINT64_C(0x3f003f003f003f00); /* brains, and floats near 1 */
    default: return any & UINT64_C(0xbfffffffbfffffff);
    }
}

static bool same_with_all(const char *text_, uint32_t blocks, uint32_t width, uint32_t height) {
    static uint64_t in[2 * THREADS_MAX * SLOTS + 64], wanted[2 * THREADS_MAX * SLOTS], got[2 * THREADS_MAX * SLOTS];
    gpu_fault fault_wanted, fault_got;
    bool same = true;
    load_text(text_, strlen(text_), MEMORY);
    for (size_t k = 0; k < sizeof in / sizeof in[0]; k++) in[k] = tame ? tame_number() : number();
    uint64_t parameters[2] = {device(in, sizeof in), device(NULL, sizeof wanted)};
    char *out = gpu_memory_at(memory, parameters[1], sizeof wanted, NULL);
    gpu_launch l = {&program, ptx_function_find(module, "k"), {blocks, 1, 1}, {width, height, 1}, 0, parameters, 10000000, 0, .cooperative = false};
    pgd_status status = gpu_reference_run(&l, &fault_wanted);
    faults_seen += status != PGD_OK;
    memcpy(wanted, out, sizeof wanted);
    for (int way = 0; way < 2 * GPU_VECTOR_LEVELS && same; way++) {
        int level = way / 2;
        if (gpu_vector_force((gpu_vector_level)level) != PGD_OK) continue;
        gpu_vector_versions_after(way % 2 == 0 ? -1 : passes);
        memset(out, 0, sizeof wanted);
        same = gpu_vector_run(&l, NULL, &fault_got) == status && fault_got.kind == fault_wanted.kind;
        if (!same) print_message("level %d, %s: %s\nand not: %s\n", level, way % 2 == 0 ? "general" : "versions", fault_got.text, fault_wanted.text);
        memcpy(got, out, sizeof got);
        same = same && (status != PGD_OK || compare(wanted, got, sizeof got / sizeof got[0], way));
    }
    unload(NULL);
    return same;
}

static const uint32_t shapes[8][2] = {{96, 1}, {32, 3}, {64, 1}, {16, 6}, {8, 12}, {4, 24}, {1, 33}, {24, 4}};

static void begin(int number_) {
    seed = (uint64_t)number_ * 7919 + 1;
    for (int skip = 0; skip < 4; skip++) roll(2);
}

static void programs_made_at_random_give_the_same(void **unused) {
    static program_text t;
    int count = getenv("PAGODA_TEST_FULL") != NULL ? 5000 : 250;
    if (getenv("VECTOR_PROGRAMS") != NULL) count = atoi(getenv("VECTOR_PROGRAMS"));
    for (int k = 0; k < count; k++) {
        begin(k);
        passes = k % 3;
        make_program(&t);
        uint32_t shape = roll(8), width = shape < 2 ? 1 + roll(THREADS_MAX) : shapes[shape][0], height = shape < 2 ? 1 : shapes[shape][1];
        if (same_with_all(t.chars, 1 + roll(2), width, height)) continue;
        fprintf(stderr, "%s\nprogram %d of %u x %u threads\n", t.chars, k, width, height);
        fail();
    }
    passes = 0;
    if (faults_seen > count / 4) print_message("%d faults in %d programs\n", faults_seen, count);
    assert_true(faults_seen <= count / 4);
}

/* The first and the last lane, or row, reach what is there, those between them do not: steps that go round a space of 64 bits, or of 32. */
static void addresses_that_go_round_are_faults(void **unused) {
    static const struct { const char *body; uint32_t width, height; } programs[] = {
        {"mul.wide.u32 %d0, %w0, 1;\nmul.lo.u64 %d1, %d0, 13686293990171602812;\nadd.u64 %d2, %d1, %in;\nbra NEXT;\nNEXT:\nst.global.u32 [%d2], %w1;", 32, 1},
        {"mul.wide.u32 %d0, %w0, 1;\nmul.lo.u64 %d1, %d0, 13686293990171602812;\nadd.u64 %d2, %d1, %in;\nbra NEXT;\nNEXT:\nld.global.u32 %w1, [%in];\nld.global.u32 %w1, [%d2];", 32, 1},
        {"mul.wide.u32 %d0, %w1, 1;\nmul.lo.u64 %d1, %d0, 6148914691236517208;\nmad.wide.u32 %d2, %w0, 4, %d1;\nadd.u64 %d2, %d2, %in;\nbra NEXT;\nNEXT:\nld.global.u32 %w2, [%in];\nld.global.u32 %w2, [%d2];\nld.global.u32 %w2, [%d2];\nadd.u32 %w2, %w2, 1;", 8, 4},
        {"mul.wide.u32 %d0, %w1, 1;\nmul.lo.u64 %d1, %d0, 6148914691236517208;\nmad.wide.u32 %d2, %w0, 4, %d1;\nbra NEXT;\nNEXT:\nld.shared.u32 %w2, [%d2];\nadd.u32 %w2, %w2, 1;", 8, 4},
        {"mad.lo.u32 %w2, %w1, -8, 16;\nmad.lo.u32 %w2, %w0, 4, %w2;\nbra NEXT;\nNEXT:\nld.shared.u32 %w1, [%w2+256];\nadd.u32 %w1, %w1, 1;", 8, 4},
        {"mad.lo.u32 %w2, %w0, 4, 4294967280;\nbra NEXT;\nNEXT:\nld.shared.u32 %w1, [%w2+-4294967040];\nadd.u32 %w1, %w1, 1;", 32, 1},
    };
    for (size_t k = 0; k < sizeof programs / sizeof programs[0]; k++) {
        char text_[2048];
        int before = faults_seen;
        snprintf(text_, sizeof text_, ".version 9.0\n.target sm_90\n.address_size 64\n.shared .align 16 .b8 room[512];\n.visible .entry k(.param .u64 in, .param .u64 out)\n{\n.reg .b32 %%w<4>;\n.reg .b64 %%d<4>;\n.reg .u64 %%in;\nld.param.u64 %%in, [in];\n"
                 "mov.u32 %%w0, %%tid.x;\nmov.u32 %%w1, %%tid.y;\nbra START;\nSTART:\n%s\nret;\n}\n", programs[k].body);
        if (!same_with_all(text_, 1, programs[k].width, programs[k].height)) fail_msg("%s", text_);
        assert_int_equal(faults_seen, before + 1);
    }
}

/* An instruction, and what it left in the registers, folded into two numbers of the thread. */
static void add_folding(program_text *t, int at) {
    add(t, "mov.u64 %%mine, 0;\nmov.u64 %%same, 0;\n");
    for (int k = 0; k < 4; k++)
        for (uint32_t r = 0; r < pool_sizes[k]; r++) {
            if (k == 3) add(t, "mov.b64 %%any, %%d%u;\n", r);
            else add(t, "cvt.u64.u%d %%any, %%%s%u;\n", widths[k], pools[k], r);
            add(t, "mad.lo.u64 %%mine, %%mine, 6364136223846793005, %%any;\n");
        }
    for (uint32_t p = 0; p < 4; p++) add(t, "selp.u64 %%any, 1, 0, %%p%u;\nmad.lo.u64 %%same, %%same, 2, %%any;\n", p);
    add(t, "mad.lo.u64 %%mine, %%same, 982451653, %%mine;\nst.global.u64 [%%out+%d], %%mine;\n", 8 * at);
}

static void flush(program_text *t, int *held) {
    add(t, "ret;\n}\n");
    uint32_t shape = roll(8);
    if (*held > 0 && !same_with_all(t->chars, 1, shapes[shape][0], shapes[shape][1])) {
        fprintf(stderr, "%s\n", t->chars); /* longer than cmocka prints */
        fail();
    }
    *held = 0;
    add_beginning(t);
}

static void each_form_with_each_word_gives_the_same(void **unused) {
    enum { HELD = 12 };
    static program_text t;
    int held = 0, rounds = getenv("PAGODA_TEST_FULL") != NULL ? 40 : 2;
    if (getenv("VECTOR_ROUNDS") != NULL) rounds = atoi(getenv("VECTOR_ROUNDS"));
    for (int round = 0; round < rounds; round++) {
        begin(1000000 + round);
        add_beginning(&t);
        for (int32_t form = 0; form < PTX_FORM_BRA; form++)
            for (int32_t m = 0; computes(form) && m < ptx_form_get(form)->modifier_count; m++)
                for (int32_t choice = 0; choice < ptx_form_get(form)->modifiers[m].count + ptx_form_get(form)->modifiers[m].optional; choice++) {
                    add_numbers(&t);
                    add_instruction(&t, form, m, choice);
                    add_folding(&t, held++);
                    if (held == HELD) flush(&t, &held);
                }
        flush(&t, &held);
    }
    assert_int_equal(faults_seen, 0);
}

static void add_list(program_text *t, const ptx_operand_rule *rule, const ptx_instruction *i, uint32_t *next) {
    int32_t count = ptx_rule_count(rule, i);
    bool wide = ptx_types[ptx_rule_type(rule, i, 64)].bits == 64;
    add(t, "{");
    for (int32_t k = 0; k < count; k++, ++*next) add(t, "%s%%%s%u", k > 0 ? ", " : "", wide ? "e" : "m", wide ? *next % 8 : *next % 16);
    add(t, "}");
}

static void matrices_give_the_same(void **unused) {
    int before = faults_seen;
    static program_text t;
    for (int round = 0; round < 24; round++) {
        begin(2000000 + round);
        tame = round % 3 != 0;
        add_beginning(&t);
        add(&t, "{ .reg .b32 %%m<16>;\n.reg .f64 %%e<8>;\n");
        for (int32_t form = PTX_FORM_MMA_F16_K8_F16, at = 0; form <= PTX_FORM_MMA_S8_K32; form++) {
            const ptx_form *f = ptx_form_get(form);
            ptx_instruction i;
            uint32_t next = 0;
            for (int r = 0; r < 16; r++) add(&t, "ld.global.b32 %%m%d, [%%own+%u];\n", r, 4 * roll(2 * SLOTS));
            for (int r = 0; r < 8; r++) add(&t, "ld.global.f64 %%e%d, [%%own+%u];\n", r, 8 * roll(SLOTS));
            add_words(&t, f, -1, 0, &i);
            for (int32_t k = 0; k < f->operand_count; k++) {
                add(&t, k == 0 ? " " : ", ");
                add_list(&t, &f->operands[k], &i, &next);
            }
            add(&t, ";\n");
            for (int r = 0; r < 2; r++, at++) add(&t, "st.global.f64 [%%out+%d], %%e%d;\n", 8 * (at % SLOTS), r);
            for (int r = 0; r < 4; r++, at++) add(&t, "st.global.b32 [%%out+%d], %%m%d;\n", 4 * (at % (2 * SLOTS)), r);
        }
        add(&t, "}\nret;\n}\n");
        bool same = same_with_all(t.chars, 1, shapes[round % 4][0] & ~15u, 96 / (shapes[round % 4][0] & ~15u));
        tame = false;
        if (same) continue;
        fprintf(stderr, "%s\nround %d\n", t.chars, round);
        fail();
    }
    assert_int_equal(faults_seen, before);
}

/* ---- many blocks on several cores ------------------------------------------------------------------------------------------------------------------------------ */

static pgd_status launch_blocks(gpu_vector_code *code, uint32_t blocks, uint32_t threads, const void *parameters, bool cooperative, uint64_t limit, gpu_counts *counts) {
    gpu_launch l = {&program, ptx_function_find(module, "k"), {blocks, 1, 1}, {threads, 1, 1}, 0, parameters, limit, 0, .cooperative = cooperative};
    return gpu_vector_launch(code, &l, pool, &fault, counts);
}

static gpu_vector_code *prepared(const char *body) {
    gpu_vector_code *code;
    load_body(body);
    assert_int_equal(gpu_vector_prepare(&program, ptx_function_find(module, "k"), &code), PGD_OK);
    return code;
}

static void atomic_sums_of_many_blocks_are_whole(void **unused) {
    enum { BLOCKS = 300, THREADS = 96, ALL = BLOCKS * THREADS };
    gpu_vector_code *code = prepared(
        "red.global.add.u32 [%o], 3;\n{ .reg .f32 %f; .reg .u64 %l; .reg .f64 %g; mov.f32 %f, 0f3F800000; red.global.add.f32 [%o+4], %f; mov.u64 %l, 5; red.global.add.u64 [%o+8], %l; mov.f64 %g, 0d3FF0000000000000; red.global.add.f64 [%o+16], %g; }\n"
        "mov.u32 %x, %ctaid.x;\nred.global.max.u32 [%o+24], %x;\nred.global.xor.b32 [%o+28], 1;\n"
        "AGAIN: ld.global.u32 %x, [%o+32];\nadd.u32 %y, %x, 1;\natom.global.cas.b32 %z, [%o+32], %x, %y;\nsetp.ne.u32 %p, %z, %x;\n@%p bra AGAIN;\n"
        "{ .reg .b16 %h; mov.b16 %h, 0x3c00; atom.global.add.noftz.f16 %h, [%o+36], %h; }");
    uint64_t out = device(NULL, 64);
    for (int round = 0; round < 3; round++) {
        unsigned char got[64];
        uint32_t u32, cas;
        float f32;
        double f64;
        uint64_t u64;
        memset(gpu_memory_at(memory, out, 64, NULL), 0, 64);
        assert_int_equal(launch_blocks(code, BLOCKS, THREADS, &out, false, 0, NULL), PGD_OK);
        host(got, out, 64);
        memcpy(&u32, got, 4), memcpy(&f32, got + 4, 4), memcpy(&u64, got + 8, 8), memcpy(&f64, got + 16, 8), memcpy(&cas, got + 32, 4);
        assert_int_equal(u32, 3 * ALL);
        assert_true(f32 == (float)ALL && f64 == (double)ALL && u64 == 5u * ALL);
        assert_true(got[24] == ((BLOCKS - 1) & 0xff) && got[28] == 0);
        assert_int_equal(cas, ALL);
        assert_true((got[36] | got[37] << 8) == 0x6800); /* 2048, where ones do not add any more */
    }
    gpu_vector_code_destroy(code);
}

/* A counter in global memory that no operation guards but a lock, which lanes, warps and blocks all want. */
static void a_lock_is_held_by_one_thread_of_all(void **unused) {
    gpu_vector_code *code = prepared(
        "AGAIN: atom.global.cas.b32 %x, [%o], 0, 1;\nsetp.ne.u32 %p, %x, 0;\n@%p bra AGAIN;\nfence.acq_rel.gpu;\nld.volatile.global.u32 %y, [%o+4];\nadd.u32 %y, %y, 1;\nst.volatile.global.u32 [%o+4], %y;\nfence.acq_rel.gpu;\natom.global.exch.b32 %x, [%o], 0;");
    uint64_t out = device(NULL, 8);
    uint32_t got[2];
    assert_int_equal(launch_blocks(code, 20, 64, &out, false, 0, NULL), PGD_OK);
    host(got, out, 8);
    assert_int_equal(got[1], 20 * 64);
    gpu_vector_code_destroy(code);
}

/* All blocks wait for all others, twice. */
static void blocks_of_a_cooperative_launch_wait_for_each_other(void **unused) {
    gpu_vector_code *code = prepared(
        "mov.u32 %z, %nctaid.x;\nbar.sync 0;\nsetp.ne.u32 %p, %t, 0;\n@%p bra MET;\natom.global.add.u32 %x, [%o], 1;\nSPIN: ld.acquire.gpu.global.u32 %x, [%o];\nsetp.lt.u32 %p, %x, %z;\n@%p bra SPIN;\nMET: bar.sync 0;\n"
        "shl.b32 %z, %z, 1;\nsetp.ne.u32 %p, %t, 0;\n@%p bra MET2;\natom.global.add.u32 %x, [%o], 1;\nSPIN2: ld.acquire.gpu.global.u32 %x, [%o];\nsetp.lt.u32 %p, %x, %z;\n@%p bra SPIN2;\nMET2: bar.sync 0;\nred.global.add.u32 [%o+4], %z;");
    uint64_t out = device(NULL, 8);
    uint32_t got[2];
    assert_int_equal(launch_blocks(code, 9, 64, &out, true, 0, NULL), PGD_OK);
    host(got, out, 8);
    assert_true(got[0] == 18 && got[1] == 9 * 64 * 18);
    /* the first block of those that come one after the other waits for ever, until there is a limit */
    memset(gpu_memory_at(memory, out, 8, NULL), 0, 8);
    assert_int_equal(launch_blocks(code, 9, 64, &out, false, 20000000, NULL), PGD_DEVICE);
    assert_int_equal(fault.kind, GPU_FAULT_LIMIT);
    gpu_vector_code_destroy(code);
}

static void instructions_are_counted(void **unused) {
    gpu_counts counts;
    /* 3 before the body; a loop of 3 that lane k of a warp leaves after k + 1 rounds; ret */
    gpu_vector_code *code = prepared("mov.u32 %x, 0;\nand.b32 %z, %t, 31;\nAGAIN: add.u32 %x, %x, 1;\nsetp.le.u32 %p, %x, %z;\n@%p bra AGAIN;\nst.global.u32 [%a], %x;");
    uint64_t out = device(NULL, 4 * 64);
    assert_int_equal(launch_blocks(code, 1, 64, &out, false, 0, &counts), PGD_OK);
    assert_int_equal(counts.warp_instructions, 2 * (3 + 2 + 32 * 3 + 2));
    assert_int_equal(counts.thread_instructions, 2 * (32 * (3 + 2 + 2) + 3 * (32 * 33 / 2)));
    gpu_vector_code_destroy(code);
}

static void a_fault_of_one_block_stops_the_others(void **unused) {
    gpu_vector_code *code = prepared("mov.u32 %x, %ctaid.x;\nsetp.eq.u32 %p, %x, 77;\n@%p st.global.u32 [%a+4096], %t;\nst.global.u32 [%a], %x;");
    uint64_t out = device(NULL, 4 * 32);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(launch_blocks(code, 1000, 32, &out, false, 0, NULL), PGD_DEVICE);
        assert_int_equal(fault.kind, GPU_FAULT_ADDRESS);
        assert_true(fault.block[0] == 77 && fault.thread[0] == 0);
        assert_int_equal(launch_blocks(code, 77, 32, &out, false, 0, NULL), PGD_OK); /* the code is good for more */
    }
    gpu_vector_code_destroy(code);
}

/* Word for word, the line of the source included. */
static void faults_are_told_in_the_same_words(void **unused) {
    static const char *const bodies[] = {"st.global.u32 [%a+4], %t;", "st.global.u32 [%a+2], %t;", "ld.shared.u32 %x, [room+256];", "setp.lt.u32 %p, %t, 16;\n@%p bar.sync 0;\n@!%p bar.sync 1;",
                                         "setp.lt.u32 %p, %t, 7;\n@%p ld.global.u32 %x, [8];", "shfl.sync.bfly.b32 %x, %t, 1, 31, 0xfffffffe;", "setp.eq.u32 %p, %t, 9;\n@%p trap;", "bar.sync 0, 33;"};
    for (size_t k = 0; k < sizeof bodies / sizeof bodies[0]; k++) {
        char text_[4096];
        gpu_fault wanted, got;
        snprintf(text_, sizeof text_, ".version 8.0\n.target sm_90\n.address_size 64\n.file 1 \"folder/kernel.cu\"\n.shared .align 16 .b8 room[256];\n.visible .entry k(.param .u64 out)\n{\n.reg .u64 %%o, %%a;\n.reg .u32 %%t, %%x;\n.reg .pred %%p;\n"
                 "ld.param.u64 %%o, [out];\nmov.u32 %%t, %%tid.x;\nmad.wide.u32 %%a, %%t, 4, %%o;\n.loc 1 77 3\n%s\nret;\n}\n", bodies[k]);
        load_text(text_, strlen(text_), MEMORY);
        uint64_t out = device(NULL, 4 * 32);
        gpu_launch l = {&program, ptx_function_find(module, "k"), {1, 1, 1}, {32, 1, 1}, 0, &out, 0, .cooperative = false};
        assert_int_equal(gpu_reference_run(&l, &wanted), PGD_DEVICE);
        assert_int_equal(gpu_vector_run(&l, pool, &got), PGD_DEVICE);
        assert_string_equal(got.text, wanted.text);
        assert_non_null(strstr(got.text, "kernel.cu:77"));
        assert_true(got.kind == wanted.kind && got.address == wanted.address && got.bytes == wanted.bytes && got.instruction == wanted.instruction);
        unload(NULL);
    }
}

/* Memory that was freed between two launches is not found where it was. */
static void freed_memory_is_forgotten(void **unused) {
    gpu_vector_code *code = prepared("st.global.u32 [%a], %t;\nld.global.u32 %x, [%a];\nadd.u32 %x, %x, 1;\nst.global.u32 [%a], %x;");
    uint64_t out = device(NULL, 4096);
    assert_int_equal(launch_blocks(code, 1, 32, &out, false, 0, NULL), PGD_OK);
    assert_int_equal(gpu_memory_free(memory, out), PGD_OK);
    assert_int_equal(launch_blocks(code, 1, 32, &out, false, 0, NULL), PGD_DEVICE);
    assert_non_null(strstr(fault.text, "in memory that was freed"));
    gpu_vector_code_destroy(code);
}

int main(void) {
    const struct CMUnitTest cases[] = {EXECUTOR_TESTS, TEST(atomic_sums_of_many_blocks_are_whole), TEST(a_lock_is_held_by_one_thread_of_all), TEST(blocks_of_a_cooperative_launch_wait_for_each_other),
                                       TEST(instructions_are_counted), TEST(a_fault_of_one_block_stops_the_others), TEST(freed_memory_is_forgotten), TEST(faults_are_told_in_the_same_words)};
    const struct CMUnitTest own[] = {cmocka_unit_test(each_form_with_each_word_gives_the_same), cmocka_unit_test(addresses_that_go_round_are_faults), cmocka_unit_test(matrices_give_the_same), cmocka_unit_test(programs_made_at_random_give_the_same)};
    int failed = cmocka_run_group_tests_name("beside the reference", own, NULL, NULL);
    for (int way = 0; way < 2 * GPU_VECTOR_LEVELS; way++) {
        gpu_vector_versions_after(way % 2 == 0 ? -1 : 0);
        if (gpu_vector_force((gpu_vector_level)(way / 2)) == PGD_OK) failed += cmocka_run_group_tests(cases, NULL, NULL);
    }
    gpu_vector_versions_after(2);
    if (pgd_pool_create(2, &pool) != PGD_OK) return 1;
    failed += cmocka_run_group_tests_name("with a pool", cases, NULL, NULL);
    pgd_pool_destroy(pool);
    return failed;
}
