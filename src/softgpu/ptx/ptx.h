/* SPDX-License-Identifier: Apache-2.0
 * A PTX module as data: what parse.c reads out of a text, validate.c has checked, print.c writes back and the executors run.
 *
 * PTX is untrusted: sizes and counts are bounded by the limits below or by what is in the text. Everything of a module lives in its arena.
 * The language is that of NVIDIA's manual "Parallel Thread Execution ISA"; section names in comments are its own. */
#ifndef PGD_PTX_H
#define PGD_PTX_H

#include <base_share.h>

enum {
    PTX_TEXT_MAX = 256 << 20,      /* bytes of a module */
    PTX_NEST_MAX = 64,             /* blocks in blocks, brackets in expressions */
    PTX_REGISTERS_MAX = 1 << 20,   /* of one function */
    PTX_INSTRUCTIONS_MAX = 1 << 21, /* of a module */
    PTX_LOCAL_MAX = 512 << 10,     /* bytes of .local memory in a frame */
    PTX_PARAMETERS_MAX = 64 << 10, /* bytes of .param memory in one */
    PTX_SLOTS_MAX = 12,            /* modifiers of one instruction */
    PTX_OPERANDS_MAX = 8
};
#define PTX_BYTES_MAX (1ll << 40) /* of one variable */

/* ---- types ----------------------------------------------------------------------------------------------------------------------------------------- */

typedef enum ptx_kind { PTX_BITS, PTX_UNSIGNED, PTX_SIGNED, PTX_FLOAT, PTX_PREDICATE } ptx_kind;

/* name, bits, kind, elements packed into it */
#define PTX_TYPE_LIST(X)                                                                                            \
    X(b8, 8, BITS, 1) X(b16, 16, BITS, 1) X(b32, 32, BITS, 1) X(b64, 64, BITS, 1) X(b128, 128, BITS, 1)             \
    X(u8, 8, UNSIGNED, 1) X(u16, 16, UNSIGNED, 1) X(u32, 32, UNSIGNED, 1) X(u64, 64, UNSIGNED, 1)                   \
    X(s8, 8, SIGNED, 1) X(s16, 16, SIGNED, 1) X(s32, 32, SIGNED, 1) X(s64, 64, SIGNED, 1)                           \
    X(u16x2, 32, UNSIGNED, 2) X(s16x2, 32, SIGNED, 2)                                                               \
    X(f16, 16, FLOAT, 1) X(f16x2, 32, FLOAT, 2) X(bf16, 16, FLOAT, 1) X(bf16x2, 32, FLOAT, 2) X(tf32, 32, FLOAT, 1) \
    X(e4m3x2, 16, FLOAT, 2) X(e5m2x2, 16, FLOAT, 2) X(f32, 32, FLOAT, 1) X(f64, 64, FLOAT, 1)                       \
    X(b1, 1, BITS, 1) X(u4, 4, UNSIGNED, 1) X(s4, 4, SIGNED, 1) X(e4m3, 8, FLOAT, 1) X(e5m2, 8, FLOAT, 1)           \
    X(pred, 1, PREDICATE, 1)

typedef enum ptx_type {
    PTX_NO_TYPE,
#define X(name, bits, kind, lanes) PTX_##name,
    PTX_TYPE_LIST(X)
#undef X
    PTX_TYPE_COUNT
} ptx_type;

typedef struct ptx_type_info {
    const char *name;
    int32_t bits, lanes;
    ptx_kind kind;
} ptx_type_info;
extern const ptx_type_info ptx_types[PTX_TYPE_COUNT];
ptx_type ptx_type_find(const char *name, size_t count); /* PTX_NO_TYPE: there is none of that name */

/* ---- state spaces ---------------------------------------------------------------------------------------------------------------------------------- */

#define PTX_SPACE_LIST(X) X(generic) X(reg) X(global) X(const) X(shared) X(local) X(param)
typedef enum ptx_space {
#define X(name) PTX_SPACE_##name,
    PTX_SPACE_LIST(X)
#undef X
    PTX_SPACE_COUNT
} ptx_space;
extern const char *const ptx_space_names[PTX_SPACE_COUNT];

/* ---- special registers ----------------------------------------------------------------------------------------------------------------------------- */

/* What a driver has to say to kernels; this one says nothing, and all of them are 0. */
#define PTX_ENVIRONMENT_LIST(X) \
    X(ENVREG0, "%envreg0", b32) X(ENVREG1, "%envreg1", b32) X(ENVREG2, "%envreg2", b32) X(ENVREG3, "%envreg3", b32) X(ENVREG4, "%envreg4", b32) X(ENVREG5, "%envreg5", b32) X(ENVREG6, "%envreg6", b32) X(ENVREG7, "%envreg7", b32) \
    X(ENVREG8, "%envreg8", b32) X(ENVREG9, "%envreg9", b32) X(ENVREG10, "%envreg10", b32) X(ENVREG11, "%envreg11", b32) X(ENVREG12, "%envreg12", b32) X(ENVREG13, "%envreg13", b32) X(ENVREG14, "%envreg14", b32) X(ENVREG15, "%envreg15", b32) \
    X(ENVREG16, "%envreg16", b32) X(ENVREG17, "%envreg17", b32) X(ENVREG18, "%envreg18", b32) X(ENVREG19, "%envreg19", b32) X(ENVREG20, "%envreg20", b32) X(ENVREG21, "%envreg21", b32) X(ENVREG22, "%envreg22", b32) X(ENVREG23, "%envreg23", b32) \
    X(ENVREG24, "%envreg24", b32) X(ENVREG25, "%envreg25", b32) X(ENVREG26, "%envreg26", b32) X(ENVREG27, "%envreg27", b32) X(ENVREG28, "%envreg28", b32) X(ENVREG29, "%envreg29", b32) X(ENVREG30, "%envreg30", b32) X(ENVREG31, "%envreg31", b32)

/* C name, PTX name, type */
#define PTX_SPECIAL_LIST(X)                                                                                                                                                       \
    X(TID_X, "%tid.x", u32) X(TID_Y, "%tid.y", u32) X(TID_Z, "%tid.z", u32) X(NTID_X, "%ntid.x", u32) X(NTID_Y, "%ntid.y", u32) X(NTID_Z, "%ntid.z", u32)                         \
    X(CTAID_X, "%ctaid.x", u32) X(CTAID_Y, "%ctaid.y", u32) X(CTAID_Z, "%ctaid.z", u32) X(NCTAID_X, "%nctaid.x", u32) X(NCTAID_Y, "%nctaid.y", u32) X(NCTAID_Z, "%nctaid.z", u32) \
    X(LANEID, "%laneid", u32) X(WARPID, "%warpid", u32) X(NWARPID, "%nwarpid", u32) X(SMID, "%smid", u32) X(NSMID, "%nsmid", u32) X(GRIDID, "%gridid", u64)                       \
    X(LANEMASK_EQ, "%lanemask_eq", u32) X(LANEMASK_LE, "%lanemask_le", u32) X(LANEMASK_LT, "%lanemask_lt", u32) X(LANEMASK_GE, "%lanemask_ge", u32)                               \
    X(LANEMASK_GT, "%lanemask_gt", u32) X(CLOCK, "%clock", u32) X(CLOCK_HI, "%clock_hi", u32) X(CLOCK64, "%clock64", u64) X(GLOBALTIMER, "%globaltimer", u64)                     \
    X(GLOBALTIMER_LO, "%globaltimer_lo", u32) X(GLOBALTIMER_HI, "%globaltimer_hi", u32) X(TOTAL_SMEM_SIZE, "%total_smem_size", u32)                                               \
    X(DYNAMIC_SMEM_SIZE, "%dynamic_smem_size", u32)                                                                                                                               \
    PTX_ENVIRONMENT_LIST(X)
typedef enum ptx_special {
#define X(name, text, type) PTX_SPECIAL_##name,
    PTX_SPECIAL_LIST(X)
#undef X
    PTX_SPECIAL_COUNT
} ptx_special;
typedef struct ptx_special_info {
    const char *name;
    ptx_type type;
} ptx_special_info;
extern const ptx_special_info ptx_specials[PTX_SPECIAL_COUNT];

/* ---- operands and instructions ----------------------------------------------------------------------------------------------------------------------- */

/* A place in the text, counted from 1. */
typedef struct ptx_place {
    int32_t line, column;
} ptx_place;

typedef struct ptx_variable ptx_variable;
typedef struct ptx_function ptx_function;
typedef struct ptx_prototype ptx_prototype;

typedef enum ptx_operand_kind {
    PTX_ABSENT,
    PTX_REGISTER,  /* number, or -1 for the sink "_" */
    PTX_INTEGER,   /* bits */
    PTX_REAL,      /* bits of an f64, or of an f32 written 0fXXXXXXXX (single) */
    PTX_SPECIAL,   /* number */
    PTX_ADDRESS_OF, /* a variable's or function's address as a value, plus bits */
    PTX_MEMORY,    /* [register + bits], [variable + bits], [bits] */
    PTX_VECTOR,    /* `count` operands from `items` on */
    PTX_LABEL,     /* number: an instruction of the function */
    PTX_TARGETS,   /* number: a list of labels */
    PTX_CALLEE     /* a function, or a register with a prototype behind it */
} ptx_operand_kind;

typedef struct ptx_operand {
    uint8_t kind;         /* ptx_operand_kind */
    bool negated, single; /* !p; a real that was written in 32 bits, or an address that was written as an element, x[3] */
    int32_t number;       /* of the register, the special register, the instruction, the list of labels; -1 where a memory operand has no register */
    int32_t count;        /* of items */
    uint64_t bits;        /* an integer, the bits of a real, or the offset of an address */
    const ptx_variable *variable;
    const ptx_function *function;
    const struct ptx_operand *items;
} ptx_operand;

#include "slots.h"

typedef struct ptx_instruction {
    uint16_t form;                 /* a row of forms.def */
    bool guarded, guard_negated;   /* @p, @!p */
    bool paired;                   /* a predicate stands behind the first operand, d|p */
    uint8_t operand_count;
    uint8_t slots[PTX_SLOT_COUNT]; /* the word (ptx_word) that fills a slot of the form; PTX_NO_WORD: not there */
    uint8_t types[4];              /* T, U, V, X of the form */
    int32_t guard, pair;           /* registers: of @p; behind "|", or -1 for the sink */
    ptx_place place;
    int32_t file, source_line;     /* from .loc; 0: unknown */
    const ptx_operand *operands;
    const struct ptx_call *call;   /* of a call */
} ptx_instruction;

/* call (results), callee, (arguments), prototype: operands are .param variables of the frame, registers or constants. */
typedef struct ptx_call {
    ptx_operand callee;
    int32_t result_count, argument_count;
    const ptx_operand *results, *arguments;
    const ptx_prototype *prototype; /* of an indirect call */
} ptx_call;

/* ---- variables, functions, modules -------------------------------------------------------------------------------------------------------------------- */

typedef enum ptx_linkage { PTX_INTERNAL, PTX_VISIBLE, PTX_EXTERN, PTX_WEAK, PTX_COMMON } ptx_linkage;

/* Part of an initial value: `bytes` of (address of what is named + addend) >> shift at `offset`. */
typedef struct ptx_reference {
    struct ptx_reference *next;
    int64_t offset, addend;
    int32_t bytes, shift;
    bool generic;
    const ptx_variable *variable; /* or */
    const ptx_function *function;
} ptx_reference;

struct ptx_variable {
    ptx_variable *next;
    const char *name;
    ptx_space space;
    ptx_type type;
    ptx_linkage linkage;
    int32_t vector;           /* elements of .v2, .v4, .v8, else 1 */
    int32_t index;            /* among all variables of the module and its bodies, parameters excepted */
    int32_t number;           /* of those in one body that have the same name; 0: the only one, or the first */
    bool parameter;           /* a parameter or result of a function, not a variable of its body */
    bool managed, unsized;    /* unsized: of a length that is not known here, x[] */
    bool forward;             /* it was declared .extern before it was defined: what stands in between may name it */
    int64_t align, elems, bytes; /* all elements; 0 when unsized */
    int64_t offset;           /* within the frame's .local or .param memory, or the parameters */
    unsigned char *initial;   /* bytes, or NULL: zeros */
    ptx_reference *references; /* by their offsets */
    ptx_place place;
};

typedef struct ptx_register {
    const char *name; /* of a range, its common beginning */
    int32_t index;    /* within the range; -1: it is no range */
    ptx_type type;
} ptx_register;

struct ptx_prototype {
    const char *name;
    ptx_variable *results, *parameters; /* lists */
};

typedef struct ptx_targets {
    const char *name;
    int32_t count;
    const ptx_operand *labels; /* PTX_LABEL */
} ptx_targets;

struct ptx_function {
    ptx_function *next;
    const char *name;
    ptx_linkage linkage;
    int32_t index;                      /* among the functions of the module */
    bool entry, defined, no_return;
    ptx_variable *results, *parameters; /* lists; offsets are those of one block of memory, results first */
    int64_t parameter_bytes, local_bytes, frame_param_bytes;
    ptx_variable *locals;               /* .local, .shared and .param of the body */
    ptx_register *registers;
    int32_t register_count;
    ptx_instruction *instructions;
    int32_t instruction_count;
    ptx_targets *targets;
    int32_t target_count;
    int32_t max_threads[3], required_threads[3], required_cluster[3]; /* 0: not said */
    int32_t min_blocks, max_registers;
    ptx_place place;
};

typedef struct ptx_module {
    pgd_arena arena;
    int32_t version, target;        /* 78 for .version 7.8; 90 for sm_90 */
    bool arch_specific, wide;       /* sm_90a; .address_size 64 */
    ptx_variable *variables;        /* of the module, in the order of the text */
    int32_t variable_count;         /* with those of bodies */
    ptx_function *functions;
    int32_t function_count;
    const char **files;             /* by the number of .file; NULL between */
    int32_t file_count;
} ptx_module;

/* Reads and checks a module. The text ends with a NUL or at `bytes`. When it is refused the log gets one line per mistake, "line L, column C: ...".
 * Errors: CORRUPT it is not PTX; UNSUPPORTED it is, and names something that is not built here; NO_MEMORY. *out is NULL then. */
pgd_status ptx_parse(const char *text, size_t bytes, pgd_text *log, ptx_module **out);
void ptx_module_destroy(ptx_module *module);

/* A module as PTX again: what was read from it would make the same module. */
void ptx_print(const ptx_module *module, pgd_text *out);
void ptx_print_instruction(const ptx_function *function, const ptx_instruction *instruction, pgd_text *out);

/* The file that an instruction was compiled from, without its folders; NULL: unknown. */
const char *ptx_source_file(const ptx_module *module, const ptx_instruction *instruction);

ptx_variable *ptx_variable_find(const ptx_module *module, const char *name);
ptx_function *ptx_function_find(const ptx_module *module, const char *name);
#endif
