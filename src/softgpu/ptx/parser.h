/* SPDX-License-Identifier: Apache-2.0
 * The state of reading one module, shared by the files that read its parts. Every reader returns false after it has logged a mistake (or memory ran
 * out); statements are then skipped to their end and reading goes on, so that one run shows several mistakes. */
#ifndef PGD_PTX_PARSER_H
#define PGD_PTX_PARSER_H

#include "lexer.h"
#include "names.h"

enum { PTX_MISTAKES_MAX = 20 };

/* A label that was named before its scope was read to the end. */
typedef struct ptx_pending {
    ptx_operand *operand; /* its number is set */
    ptx_name *name;
    int32_t scope;
    ptx_place place;
} ptx_pending;

typedef struct ptx_parser {
    ptx_module *module;
    ptx_lexer lexer;
    ptx_token token, ahead;
    ptx_names names;
    pgd_text *log;
    pgd_status status; /* of the first mistake */
    int32_t mistakes;
    /* of the function being read */
    ptx_function *function;
    ptx_register *registers;
    ptx_instruction *instructions;
    ptx_targets *targets;
    ptx_pending *pending;
    int64_t initial_bytes, registers_declared, instructions_read; /* of the module so far */
    int32_t first_pending[PTX_NEST_MAX + 2]; /* per scope: where its own begin */
    int32_t local_count, register_count, register_capacity, instruction_count, instruction_capacity, target_count, target_capacity, pending_count, pending_capacity;
    int32_t file, source_line; /* the last .loc */
    ptx_variable **locals_end;
    ptx_variable **variables_end;
    ptx_function **functions_end;
} ptx_parser;

/* ---- tokens: parse.c ---- */
PGD_PRINTF(3, 4) bool ptx_mistake(ptx_parser *p, ptx_place place, const char *format, ...); /* always false; CORRUPT */
PGD_PRINTF(3, 4) bool ptx_missing(ptx_parser *p, ptx_place place, const char *format, ...); /* the same; UNSUPPORTED */
bool ptx_no_memory(ptx_parser *p);
void ptx_step(ptx_parser *p);
bool ptx_at(const ptx_parser *p, int32_t mark);
bool ptx_accept(ptx_parser *p, int32_t mark);
bool ptx_expect(ptx_parser *p, int32_t mark, const char *where);
bool ptx_at_dotted(const ptx_parser *p, const char *word);
bool ptx_accept_dotted(ptx_parser *p, const char *word);
void ptx_skip_statement(ptx_parser *p); /* past the next ";", or before the "}" that ends the block */
void *ptx_room(ptx_parser *p, size_t bytes); /* of the module's arena; NULL after ptx_no_memory */
const char *ptx_token_name(ptx_parser *p);   /* the token's text, kept; NULL: no memory */

/* ---- constant expressions: parse_expression.c ---- */
bool ptx_read_integer(ptx_parser *p, uint64_t *bits);
bool ptx_read_small(ptx_parser *p, int64_t least, int64_t most, const char *what, int64_t *out);
/* An integer or a real constant as an operand. */
bool ptx_read_constant(ptx_parser *p, ptx_operand *out);

/* ---- declarations: parse_variable.c ---- */
typedef struct ptx_prefix {
    ptx_linkage linkage;
    ptx_place place;
} ptx_prefix;
bool ptx_read_variables(ptx_parser *p, ptx_space space, ptx_prefix prefix);               /* after .global and so on, with the ";" */
bool ptx_read_registers(ptx_parser *p);                                                   /* after .reg, with the ";" */
bool ptx_read_parameters(ptx_parser *p, bool named, int64_t *offset, ptx_variable **out); /* (...), or nothing */

/* ---- functions: parse_function.c ---- */
bool ptx_read_function(ptx_parser *p, bool entry, ptx_prefix prefix); /* after .entry or .func */

/* ---- instructions: parse_instruction.c ---- */
bool ptx_read_instruction(ptx_parser *p); /* with its guard and the ";" */
bool ptx_later_label(ptx_parser *p, ptx_operand *operand); /* the token names a label that may come later */

/* x[3]: an address or what is there, whichever the instruction asks for. */
static inline bool ptx_is_element(const ptx_operand *o) { return o->kind == PTX_ADDRESS_OF && o->single; }

/* ---- fitting operands to a form: check_operands.c ---- */
/* When they do not fit: how many do, and in `why` what is wrong with the next one. */
bool ptx_operands_fit(const ptx_parser *p, const ptx_instruction *instruction, const ptx_operand *operands, int32_t count, int32_t *fitting, char *why, size_t why_bytes);
#endif
