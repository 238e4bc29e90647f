/* SPDX-License-Identifier: Apache-2.0
 * Conformance cases: for every row of ptx/forms.def, kernels that run that instruction on operands from a buffer and store what it gives. Any executor can
 * run them, a GPU's own driver included: they are PTX text, one kernel to a combination of words and types.
 *
 * A kernel is   .entry name(.u64 in, .u64 out, .align 16 .b8 data[64])   with one thread to an element. in and out are columns of cells of 8 bytes, one cell to a
 * thread (of uniform cases a warp loads from its first): column k begins at 8 * k * threads. What a column holds is narrower than its cell; the rest of an input cell is 0, that of an output cell stays what it
 * was. Threads meet in room, GOLDEN_SHARED_BYTES of .shared memory that the kernels of a module have in common, and in single. data are the bytes of golden_data(). Wide accesses see the columns as bytes in a row, 16 to a thread ("flat"). */
#ifndef PGD_GOLDEN_CASES_H
#define PGD_GOLDEN_CASES_H

#include <ptx/forms.h>

enum { GOLDEN_COLUMNS_MAX = 16, GOLDEN_NAME_MAX = 96, GOLDEN_DATA_BYTES = 64, GOLDEN_SHARED_BYTES = 16 * 512, GOLDEN_MODULE_KERNELS = 192 };

/* What the elements of an input are. */
typedef enum golden_values {
    GOLDEN_ANY,    /* special values crossed with those of the other inputs, then random ones */
    GOLDEN_COUNT,  /* bits to shift by, within the width and beyond */
    GOLDEN_TRUTH,  /* 0 or 1, warps of all equal ones among them */
    GOLDEN_TRUE,
    GOLDEN_FALSE,
    GOLDEN_SMALL,  /* -1, 0, 1 of the type: sums of them come out the same in any order */
    GOLDEN_TILE,   /* small integers for the first half of the threads, then numbers between -2 and 2 */
    GOLDEN_FEW,    /* of four values */
    GOLDEN_LANE,   /* 0 to 40 */
    GOLDEN_LANE_EVEN,
    GOLDEN_CLAMP,  /* the third operand of shfl */
    GOLDEN_CLAMP_UP,
    GOLDEN_BASE,   /* 0 to 31 */
    GOLDEN_FIELD,  /* 0 to 80 */
    GOLDEN_OFFSET, /* -33 to 33 */
    GOLDEN_CONSTANT, /* golden_constant: the kernel has it written out */
    GOLDEN_CONSTANT_COUNT
} golden_values;

typedef struct golden_column {
    ptx_type type;
    golden_values values;
} golden_column;

typedef struct golden_case {
    char name[GOLDEN_NAME_MAX], kernel[GOLDEN_NAME_MAX]; /* ADD_F32.rn.ftz.f32, and the same as a name of PTX */
    int32_t form, variant, operand_count;
    ptx_instruction words; /* slots and types alone */
    int32_t version, target;
    uint32_t grid[3], block[3];
    int32_t threads;
    int32_t input_count, output_count;
    golden_column inputs[GOLDEN_COLUMNS_MAX], outputs[GOLDEN_COLUMNS_MAX];
    bool uniform;          /* blocks of one warp; all lanes of it have the operands of one element, loaded from one address */
    bool faults;           /* it does wrong on purpose */
    char *text;            /* of the kernel, and of functions and variables before it */
} golden_case;

typedef struct golden_list {
    golden_case *cases;    /* those of one version and target stand together */
    int32_t count, capacity;
} golden_list;

/* Errors: NO_MEMORY; INTERNAL two cases have one name. */
pgd_status golden_list_create(golden_list *out);
void golden_list_destroy(golden_list *list);
uint32_t golden_case_digest(const golden_case *c); /* of its text and inputs */

/* From `first` on, how many cases may stand in one module; and a module of any of one version and target. */
int32_t golden_module_count(const golden_list *list, int32_t first);
void golden_module_text(const golden_case *cases, int32_t count, pgd_text *out);

/* input_count columns of cells. */
size_t golden_input_bytes(const golden_case *c);
size_t golden_output_bytes(const golden_case *c);
void golden_inputs(const golden_case *c, uint64_t *cells);
const unsigned char *golden_data(void);
uint32_t golden_table(int32_t variant); /* of lop3 */
uint64_t golden_constant(const golden_case *c, golden_column column);
enum { GOLDEN_UNTOUCHED = 0xa5 }; /* what output cells are filled with before a launch */

/* Bytes of a column's values: 1 for predicates. */
int32_t golden_column_bytes(const golden_column *column);
#endif
