/* SPDX-License-Identifier: Apache-2.0
 * The rows of forms.def, taken apart once. */
#ifndef PGD_PTX_FORMS_H
#define PGD_PTX_FORMS_H

#include "ptx.h"

typedef enum ptx_form_name {
#define PTX_FORM(name, opcode, modifiers, operands, version, target) PTX_FORM_##name,
#include "forms.def"
#undef PTX_FORM
    PTX_FORM_COUNT
} ptx_form_name;

enum { PTX_TYPE_CHOICES = 24, PTX_WORD_CHOICES = 16, PTX_MODIFIERS_MAX = 16 };

/* What may stand after the opcode at one place. */
typedef enum ptx_modifier_kind { PTX_FIXED_WORD, PTX_SLOT_WORD, PTX_SLOT_TYPE } ptx_modifier_kind;
typedef struct ptx_modifier {
    uint8_t kind, slot, count; /* slot: of words, or 0 to 3 for T, U, V, X */
    bool optional;
    uint8_t choices[PTX_TYPE_CHOICES]; /* words or types */
} ptx_modifier;

typedef enum ptx_role { PTX_ROLE_WRITTEN, PTX_ROLE_READ, PTX_ROLE_ANY_SOURCE, PTX_ROLE_MEMORY, PTX_ROLE_NUMBER, PTX_ROLE_LABEL, PTX_ROLE_TARGETS, PTX_ROLE_CALL } ptx_role;
typedef enum ptx_elements { PTX_ONE, PTX_FIXED_COUNT, PTX_COUNT_OF_NUM, PTX_COUNT_OF_WIDTH, PTX_COUNT_OF_VEC } ptx_elements;

typedef enum ptx_operand_type { PTX_OF_T, PTX_OF_U, PTX_OF_V, PTX_OF_X, PTX_OF_WIDE, PTX_OF_ADDRESS, PTX_OF_ITSELF } ptx_operand_type;

typedef struct ptx_operand_rule {
    uint8_t role, elements, count; /* count: of a fixed vector */
    uint8_t type_of, type;         /* ptx_operand_type; type where it is one of its own */
    bool optional, wider;          /* wider: registers wider than the type will do */
    uint8_t pair;                  /* a predicate after "|": 0 none, 1 perhaps, 2 always */
} ptx_operand_rule;

typedef struct ptx_form {
    const char *name, *opcode, *modifier_text, *operand_text;
    int32_t version, target;
    int32_t modifier_count, operand_count, operands_needed;
    ptx_modifier modifiers[PTX_MODIFIERS_MAX];
    ptx_operand_rule operands[PTX_OPERANDS_MAX];
} ptx_form;

const ptx_form *ptx_form_get(int32_t form);
bool ptx_forms_sound(void); /* does the table say only what slots.h and ptx.h know? */
const char *ptx_word_text(int32_t word);
int32_t ptx_word_find(const char *text, size_t count); /* PTX_NO_WORD: none */
const char *ptx_slot_name(int32_t slot);

/* One word after an opcode as it was read. */
typedef struct ptx_mnemonic {
    const char *opcode;
    size_t opcode_count;
    int32_t count;
    struct {
        const char *text;
        size_t count;
    } words[PTX_SLOTS_MAX];
} ptx_mnemonic;

/* Fits the words to a form's modifiers, in any order; types in theirs. On success slots and types of `into` are set. */
bool ptx_form_fits(const ptx_form *form, const ptx_mnemonic *mnemonic, ptx_instruction *into);

/* The type that rule asks for in this instruction; address_bits 32 or 64. How many elements a vector of it has; 1: it is none. */
ptx_type ptx_rule_type(const ptx_operand_rule *rule, const ptx_instruction *instruction, int32_t address_bits);
int32_t ptx_rule_count(const ptx_operand_rule *rule, const ptx_instruction *instruction);

/* The space that the words name; generic where there are none. */
ptx_space ptx_instruction_space(const ptx_instruction *instruction);

/* Does PTX know an opcode that is not built here? */
bool ptx_opcode_known(const char *opcode, size_t count);
/* Is there a row of that opcode? The first one and, from there on, the next; -1: no more. */
int32_t ptx_form_next(int32_t after, const char *opcode, size_t count);
#endif
