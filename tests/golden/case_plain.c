/* SPDX-License-Identifier: Apache-2.0
 * Cases of forms that read registers and write registers; and how many variants each row has. */
#include "case_build.h"

#include <stdio.h>
#include <string.h>

/* Operands that are not any value of their type. */
static golden_values values_of(int32_t form, int32_t operand, ptx_type type) {
    if (type == PTX_pred) return GOLDEN_TRUTH;
    switch ((ptx_form_name)form) {
    case PTX_FORM_SHL: case PTX_FORM_SHR: return operand == 2 ? GOLDEN_COUNT : GOLDEN_ANY;
    case PTX_FORM_SHF: return operand == 3 ? GOLDEN_COUNT : GOLDEN_ANY;
    case PTX_FORM_BFE: return operand >= 2 ? GOLDEN_FIELD : GOLDEN_ANY;
    case PTX_FORM_BFI: return operand >= 3 ? GOLDEN_FIELD : GOLDEN_ANY;
    case PTX_FORM_SZEXT: return operand == 2 ? GOLDEN_COUNT : GOLDEN_ANY;
    case PTX_FORM_BMSK: return GOLDEN_COUNT;
    case PTX_FORM_FNS: return operand == 2 ? GOLDEN_BASE : operand == 3 ? GOLDEN_OFFSET : GOLDEN_ANY;
    default: return GOLDEN_ANY;
    }
}

/* Numbers that are written into the instruction, by variant. */
static const uint32_t tables[] = {0x96, 0xe8, 0xca, 0x01, 0x80, 0x5c};

/* How a vector without a count of its own is cut: variants of mov. Into 0 parts: not at all. */
typedef struct cut {
    int32_t count;
    ptx_type part;
} cut;

static cut cut_of(const golden_build *b) {
    static const cut cuts[][2] = {{{2, PTX_b8}, {0, PTX_NO_TYPE}}, {{2, PTX_b16}, {4, PTX_b8}}, {{2, PTX_b32}, {4, PTX_b16}}, {{2, PTX_b64}, {4, PTX_b32}}};
    int32_t bits = ptx_types[b->c->words.types[0]].bits;
    return cuts[bits == 16 ? 0 : bits == 32 ? 1 : bits == 64 ? 2 : 3][b->c->variant];
}

uint32_t golden_table(int32_t variant) { return tables[variant]; }

/* Rows that have a variant 1 whose last operand but predicates is a constant. */
static bool takes_constant(int32_t form) {
    switch ((ptx_form_name)form) {
    case PTX_FORM_ADD: case PTX_FORM_SUB: case PTX_FORM_MUL: case PTX_FORM_MUL_WIDE: case PTX_FORM_MAD: case PTX_FORM_MAD_WIDE: case PTX_FORM_MIN: case PTX_FORM_MAX: case PTX_FORM_DIV: case PTX_FORM_REM:
    case PTX_FORM_SHL: case PTX_FORM_SHR: case PTX_FORM_SHF: case PTX_FORM_BFE: case PTX_FORM_BFI: case PTX_FORM_AND: case PTX_FORM_OR: case PTX_FORM_XOR: case PTX_FORM_PRMT: case PTX_FORM_SELP:
    case PTX_FORM_SETP_BITS: case PTX_FORM_SETP_UNSIGNED: case PTX_FORM_SETP_SIGNED: case PTX_FORM_SETP_FLOAT: case PTX_FORM_SET_SIGNED: case PTX_FORM_ADD_F32: case PTX_FORM_MUL_F32: case PTX_FORM_FMA_F32:
    case PTX_FORM_ADD_F64: case PTX_FORM_MUL_F64: case PTX_FORM_FMA_F64: return true;
    default: return false;
    }
}

int32_t golden_variants(int32_t form) {
    if (takes_constant(form)) return 2;
    switch ((ptx_form_name)form) {
    case PTX_FORM_LOP3: return (int32_t)(sizeof tables / sizeof *tables);
    case PTX_FORM_LOP3_BOOL: return 2;
    case PTX_FORM_MOV: return 2; /* of a register, of special ones */
    case PTX_FORM_MOV_PACK: case PTX_FORM_MOV_UNPACK: return 2;
    case PTX_FORM_CALL: case PTX_FORM_TRAP: return 2;
    case PTX_FORM_CP_ASYNC: case PTX_FORM_CP_ASYNC_IGNORE: return 3;
    case PTX_FORM_CP_ASYNC_WAIT: return 3;
    case PTX_FORM_LD: case PTX_FORM_LDU: case PTX_FORM_ST: case PTX_FORM_CVT_INT: return 2; /* registers as wide as the type, or of 64 bits */
    default: return 1;
    }
}

/* Writes it; an input column that is not loaded says what it is. False: of that type nothing can be written out. */
static bool constant(golden_build *b, ptx_type type, golden_values values, pgd_text *operands) {
    golden_column column = {type, values == GOLDEN_COUNT || values == GOLDEN_FIELD ? GOLDEN_CONSTANT_COUNT : GOLDEN_CONSTANT};
    const ptx_type_info *t = &ptx_types[type];
    uint64_t bits = golden_constant(b->c, column);
    if (t->lanes > 1 || t->kind == PTX_PREDICATE || (t->kind == PTX_FLOAT && t->bits < 32)) return false;
    if (t->kind == PTX_FLOAT) pgd_text_add(operands, t->bits == 32 ? "0f%08llx" : "0d%016llx", (unsigned long long)bits);
    else if (t->kind == PTX_SIGNED) pgd_text_add(operands, "%lld", (long long)(bits << (64 - t->bits)) >> (64 - t->bits));
    else pgd_text_add(operands, "0x%llx", (unsigned long long)bits);
    golden_column_add(b->c->inputs, &b->c->input_count, type, column.values);
    return true;
}

/* {first, second}, each loaded, or to be written. */
static void vector_operand(golden_build *b, bool written, pgd_text *operands) {
    cut into = cut_of(b);
    for (int32_t k = 0; k < into.count; k++) {
        const char *part = ptx_types[into.part].name;
        int32_t column = b->c->input_count;
        pgd_text_add(operands, "%s%%%s%d", k == 0 ? "{" : ", ", written ? "d" : "p", written ? k : column);
        if (written) {
            golden_line(b, ".reg .%s %%d%d;", part, k);
        } else {
            golden_line(b, ".reg .%s %%p%d;\n    ld.global.%s %%p%d, [%%in+%lld];", part, column, part, column, 8ll * column * b->c->threads);
            golden_column_add(b->c->inputs, &b->c->input_count, into.part, GOLDEN_ANY);
        }
    }
    pgd_text_add(operands, "}");
}

/* Forms of the condition code: a carry goes in by an addition, and comes out by another. */
static bool carries(golden_build *b) {
    int32_t form = b->c->form;
    bool gives = b->c->words.slots[PTX_SLOT_cc] != PTX_NO_WORD || form == PTX_FORM_ADD_CC || form == PTX_FORM_SUB_CC || form == PTX_FORM_MAD_CC, takes = form == PTX_FORM_ADDC || form == PTX_FORM_SUBC || form == PTX_FORM_MADC;
    bool borrow = form == PTX_FORM_SUB_CC || form == PTX_FORM_SUBC;
    ptx_type type = (ptx_type)b->c->words.types[0];
    if (!gives && !takes) return false;
    int32_t count = form == PTX_FORM_MAD_CC || form == PTX_FORM_MADC ? 3 : 2;
    for (int32_t k = 0; k < count; k++) golden_input(b, type, GOLDEN_ANY);
    if (takes) {
        int32_t k = golden_input(b, PTX_u32, GOLDEN_TRUTH);
        golden_line(b, ".reg .b32 %%c;\n    %s %%c, %s%%i%d%s;", borrow ? "sub.cc.u32" : "add.cc.u32", borrow ? "0, " : "", k, borrow ? "" : ", 0xffffffff");
    }
    pgd_text words = {0};
    golden_mnemonic(b, &words);
    golden_line(b, ".reg .%s %%d;\n    %s %%d, %%i0, %%i1%s;", golden_register_type(type), words.chars, count == 3 ? ", %i2" : "");
    pgd_mem_free(words.chars);
    golden_line(b, ".reg .b32 %%e;\n    %s %%e, 0, 0;", borrow ? "subc.u32" : "addc.u32"); /* without .cc what went in */
    golden_output(b, type, "%d");
    golden_output(b, PTX_u32, "%e");
    return true;
}

/* Special registers that are the same on every device, in a grid with three directions. */
static bool specials(golden_build *b) {
    ptx_type type = (ptx_type)b->c->words.types[0];
    if (b->c->variant == 0 || b->c->form != PTX_FORM_MOV || b->c->uniform) return false;
    if (type != PTX_u32 && type != PTX_b32) return false;
    golden_threads(b, 2 * 3 * 2 * 8 * 3 * 2);
    memcpy(b->c->grid, (uint32_t[]){2, 3, 2}, sizeof b->c->grid);
    memcpy(b->c->block, (uint32_t[]){8, 3, 2}, sizeof b->c->block);
    static const int32_t wanted[] = {PTX_SPECIAL_TID_X, PTX_SPECIAL_TID_Y, PTX_SPECIAL_TID_Z, PTX_SPECIAL_NTID_X, PTX_SPECIAL_NTID_Y, PTX_SPECIAL_NTID_Z, PTX_SPECIAL_CTAID_X, PTX_SPECIAL_CTAID_Y, PTX_SPECIAL_CTAID_Z, PTX_SPECIAL_NCTAID_X, PTX_SPECIAL_NCTAID_Y, PTX_SPECIAL_NCTAID_Z, PTX_SPECIAL_LANEID, PTX_SPECIAL_DYNAMIC_SMEM_SIZE};
    static const int32_t masks[] = {PTX_SPECIAL_LANEMASK_EQ, PTX_SPECIAL_LANEMASK_LE, PTX_SPECIAL_LANEMASK_LT, PTX_SPECIAL_LANEMASK_GE, PTX_SPECIAL_LANEMASK_GT, PTX_SPECIAL_LANEID, PTX_SPECIAL_TID_X};
    const int32_t *from = type == PTX_u32 ? wanted : masks;
    for (size_t k = 0; k < (type == PTX_u32 ? sizeof wanted : sizeof masks) / sizeof *wanted; k++) {
        char reg[16];
        snprintf(reg, sizeof reg, "%%d%zu", k);
        golden_line(b, ".reg .%s %s;\n    mov.%s %s, %s;", ptx_types[type].name, reg, ptx_types[type].name, reg, ptx_specials[from[k]].name);
        golden_output(b, PTX_u32, reg);
    }
    return true;
}

/* What an operand holds: the manual calls registers of tf32 and of pairs of 8 bits b32 and b16. */
static ptx_type content(const golden_build *b, int32_t operand) {
    const ptx_instruction *i = &b->c->words;
    switch ((ptx_form_name)b->c->form) {
    case PTX_FORM_CVT_TF32: case PTX_FORM_CVT_FP8: case PTX_FORM_CVT_FP8_HALVES: return (ptx_type)i->types[operand > 0];
    case PTX_FORM_CVT_FROM_FP8: return (ptx_type)i->types[operand];
    default: return ptx_rule_type(&ptx_form_get(b->c->form)->operands[operand], i, 64);
    }
}

static bool reads_or_writes(const ptx_operand_rule *rule) { return rule->role == PTX_ROLE_WRITTEN || rule->role == PTX_ROLE_READ || rule->role == PTX_ROLE_ANY_SOURCE || rule->role == PTX_ROLE_NUMBER; }

/* A second result, behind "|": setp of halves alone has none. */
static bool has_pair(const golden_build *b) {
    const ptx_operand_rule *to = &ptx_form_get(b->c->form)->operands[0];
    bool halves = (b->c->form == PTX_FORM_SETP_FLOAT || b->c->form == PTX_FORM_SETP_FLOAT_BOOL) && ptx_types[b->c->words.types[0]].bits == 16;
    return to->pair > 0 && !halves;
}

/* Writes operand k, loading or declaring what it names. False: this case is none. */
static bool operand(golden_build *b, int32_t k, pgd_text *operands) {
    const ptx_operand_rule *rule = &ptx_form_get(b->c->form)->operands[k];
    const ptx_type type = content(b, k);
    const int32_t last = b->c->operand_count - 1 - (b->c->form == PTX_FORM_SELP); /* but predicates */
    if (k > 0) pgd_text_add(operands, ", ");
    if (rule->role == PTX_ROLE_NUMBER) {
        pgd_text_add(operands, "%u", tables[b->c->variant]);
    } else if (rule->elements == PTX_COUNT_OF_WIDTH) {
        vector_operand(b, rule->role == PTX_ROLE_WRITTEN, operands);
        return cut_of(b).count > 0;
    } else if (rule->role == PTX_ROLE_WRITTEN) {
        golden_line(b, ".reg .%s %%d;", golden_register_type(rule->wider ? golden_wider(b, type) : type));
        if (has_pair(b)) golden_line(b, ".reg .pred %%q;");
        pgd_text_add(operands, has_pair(b) ? "%%d|%%q" : "%%d");
    } else if (k == last && b->c->variant == 1 && takes_constant(b->c->form)) {
        return constant(b, type, values_of(b->c->form, k, type), operands);
    } else {
        pgd_text_add(operands, "%%i%d", golden_input(b, type, values_of(b->c->form, k, type)));
    }
    return reads_or_writes(rule);
}

static void store_results(golden_build *b) {
    const ptx_operand_rule *to = &ptx_form_get(b->c->form)->operands[0];
    ptx_type type = content(b, 0);
    for (int32_t k = 0; to->elements == PTX_COUNT_OF_WIDTH && k < cut_of(b).count; k++) {
        char reg[16];
        snprintf(reg, sizeof reg, "%%d%d", k);
        golden_output(b, cut_of(b).part, reg);
    }
    if (to->elements != PTX_COUNT_OF_WIDTH) golden_output(b, to->wider ? golden_wider(b, type) : type, "%d");
    if (has_pair(b)) golden_output(b, PTX_pred, "%q");
}

bool golden_build_plain(golden_build *b) {
    const ptx_instruction *i = &b->c->words;
    pgd_text words = {0}, operands = {0};
    bool fine = true;
    if (carries(b) || specials(b)) return true;
    if (b->c->form == PTX_FORM_MOV && b->c->variant > 0) return false;
    if (golden_is_wide(b->c) && (ptx_types[i->types[0]].bits > 32 || ptx_types[i->types[1]].bits > 32)) return false;
    for (int32_t k = 0; fine && k < b->c->operand_count; k++) fine = operand(b, k, &operands);
    golden_mnemonic(b, &words);
    golden_line(b, "%s %s;", words.chars, operands.chars);
    if (fine) store_results(b);
    pgd_mem_free(words.chars);
    pgd_mem_free(operands.chars);
    return fine;
}
