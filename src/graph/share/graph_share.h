/* SPDX-License-Identifier: Apache-2.0
 * graph, for the storeys above: nodes, the table of operations, symbolic extents, the program form. */
#ifndef PGD_GRAPH_SHARE_H
#define PGD_GRAPH_SHARE_H

#include <base_share.h>
#include <pagoda/graph.h>

#include "ops.def"

typedef enum pgd_op {
#define PGD_OP_ROW(NAME, name, inputs, outputs) PGD_OP_##NAME,
    PGD_OP_LIST
#undef PGD_OP_ROW
    PGD_OP_COUNT
} pgd_op;

enum { PGD_MAX_OUTPUTS = 4, PGD_MAX_INPUTS = 20, PGD_ATTR_INTS = 10, PGD_ATTR_FLOATS = 2 };

/* What an op's node carries besides inputs; the op's definition names the members it uses. */
typedef struct pgd_attrs {
    int64_t ints[PGD_ATTR_INTS];
    double floats[PGD_ATTR_FLOATS];
    pgd_symshape dims;
    const pgd_custom_op *custom; /* CUSTOM; the program's own */
} pgd_attrs;

typedef struct pgd_node pgd_node;

struct pgd_value {
    pgd_node *node;
    int32_t output;
    int32_t id; /* position in the printed text */
    pgd_dtype dtype;
    pgd_symshape shape;
};

/* ---- the program form: one fused stretch of elementwise work ---------------------------------------------------------------------------
 * Instruction i writes register i; arguments are earlier registers. Registers hold one f32 (bool: 0 or 1) per element of `space`.
 *   INPUT    load node input `input`, whose shape has the rank of space, each extent that of space or 1
 *   FILL     the number `imm`          DIM_SIZE  the product of `dims`
 *   UNIFORM, NORMAL   random numbers with the key at node input `input` and stream number `stream`
 *   CAST     to the dtype whose number is `imm` (f32, f16, bf16, bool or u8), held as f32 again
 *   any other elementwise op of args
 * Without `reduce`, output k of the node is register outputs[k], converted to its dtype. With it there is one output: registers outputs[0] reduced over
 * axes by SUM, PROD, REDUCE_MAX or REDUCE_MIN.
 * As an epilogue (of MATMUL, CONV, CONV_DINPUT, MAX_POOL_D) the register of the first instruction, INPUT with input -1, is the element just computed. */
typedef struct pgd_instr {
    pgd_op op;
    int16_t args[3];
    int16_t input;
    int32_t stream;
    double imm;
    pgd_symshape dims;
} pgd_instr;

enum { PGD_PROGRAM_INSTRS = 64 };

typedef struct pgd_program {
    int32_t instr_count, output_count;
    int32_t reduce; /* pgd_op, or -1 */
    uint32_t reduce_axes;
    pgd_symshape space;
    int16_t outputs[PGD_MAX_OUTPUTS];
    pgd_instr instrs[];
} pgd_program;

struct pgd_node {
    pgd_op op;
    int32_t id; /* creation order: inputs have smaller ids */
    int32_t input_count, output_count;
    pgd_value **inputs;
    pgd_value *outputs;
    pgd_attrs attrs;
    int32_t stretch;            /* of values that are computed again for their gradients; 0: they are kept */
    const char *name;           /* INPUT, PARAM */
    const void *bytes;          /* CONSTANT */
    const pgd_program *program; /* PROGRAM: the work; MATMUL, CONV and the like: the epilogue or NULL */
};

typedef struct pgd_named {
    const char *name;
    pgd_value *value;
} pgd_named;

typedef struct pgd_symbol {
    const char *name;
    int64_t lo, hi;
} pgd_symbol;

/* Expression over symbols; an extent below zero is -1 - index into the graph's table of these. Equal expressions have equal indexes. */
typedef enum pgd_dim_kind { PGD_DIM_SYMBOL, PGD_DIM_ADD, PGD_DIM_OFFSET, PGD_DIM_MUL, PGD_DIM_FLOORDIV } pgd_dim_kind;
typedef struct pgd_dim_expr {
    pgd_dim_kind kind;
    pgd_dim a, b; /* SYMBOL: a is the symbol's number; OFFSET: b is a plain number of any sign */
    int64_t lo, hi;
} pgd_dim_expr;

struct pgd_graph {
    pgd_arena arena;
    pgd_node **nodes;
    int32_t node_count, node_capacity;
    pgd_named *outputs, *updates;
    int32_t output_count, output_capacity, update_count, update_capacity;
    pgd_symbol *symbols;
    int32_t symbol_count, symbol_capacity;
    pgd_dim_expr *exprs;
    int32_t expr_count, expr_capacity;
    int32_t random_streams; /* random nodes made so far */
    int32_t stretch, stretches; /* the one being built, 0: none; how many there were */
    pgd_status status;
    char error[512];
};

static inline bool pgd_is_float(pgd_dtype dtype) { return dtype == PGD_F32 || dtype == PGD_F64 || dtype == PGD_F16 || dtype == PGD_BF16; }

/* ---- building ------------------------------------------------------------------------------------------------------------------------ */

/* Makes a node: checks arity, infers dtypes and shapes. NULL on error (kept in the graph) or when an input is NULL. */
pgd_node *pgd_graph_add(pgd_graph *graph, pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t input_count);

/* The same with an epilogue, which lives as long as the graph; inputs beyond the operation's own belong to it. NULL: none. */
pgd_node *pgd_graph_add_finished(pgd_graph *graph, pgd_op op, const pgd_attrs *attrs, const pgd_program *epilogue, pgd_value *const *inputs, int32_t input_count);

/* A node of a program; output count, dtypes come from `outputs` (dtype and shape filled). */
pgd_node *pgd_graph_add_program(pgd_graph *graph, const pgd_program *program, pgd_value *const *inputs, int32_t input_count, const pgd_value *outputs, int32_t output_count);

/* Is the value one of this graph? */
bool pgd_graph_owns(const pgd_graph *graph, const pgd_value *value);

/* First output of pgd_graph_add. */
pgd_value *pgd_graph_op(pgd_graph *graph, pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t input_count);

/* Axis numbers, negative ones from the right, as a bit mask; -1 after an error. */
int64_t pgd_axes_mask(pgd_graph *graph, const pgd_value *x, const int32_t *axes, int32_t count);

/* Turns an axis from the right into one from the left; false, and an error, where there is no such axis. */
bool pgd_axis_in_rank(pgd_graph *graph, const pgd_value *x, int32_t *axis);

/* Leaves carry a name or bytes. */
pgd_value *pgd_graph_leaf(pgd_graph *graph, pgd_op op, const char *name, pgd_dtype dtype, pgd_symshape shape, const void *bytes);

/* Keeps the first error of a graph; always returns NULL. */
PGD_PRINTF(3, 4) void *pgd_graph_fail(pgd_graph *graph, pgd_status status, const char *format, ...);

/* May this builder not build: the graph or a pointer it needs is NULL, or the graph has failed before? The graph keeps the first sentence. */
bool pgd_graph_lacks(pgd_graph *graph, const char *function, const char *names, const void *const *pointers, size_t count);
#define PGD_GRAPH_LACKS(...) pgd_graph_lacks(graph, __func__, #__VA_ARGS__, PGD_POINTERS(__VA_ARGS__))

/* ---- extents ------------------------------------------------------------------------------------------------------------------------- */

pgd_dim pgd_dim_add(pgd_graph *graph, pgd_dim a, pgd_dim b);
pgd_dim pgd_dim_offset(pgd_graph *graph, pgd_dim a, int64_t offset);
pgd_dim pgd_dim_mul(pgd_graph *graph, pgd_dim a, pgd_dim b);

/* floor((in + slack) / stride) + 1: positions of a window; a constant that does not fit gives 0 */
pgd_dim pgd_dim_window(pgd_graph *graph, pgd_dim in, int64_t slack, int64_t stride);
pgd_dim pgd_dim_floordiv(pgd_graph *graph, pgd_dim a, pgd_dim b); /* b constant, above zero */
pgd_dim pgd_symshape_elems(pgd_graph *graph, pgd_symshape shape);
void pgd_dim_range(const pgd_graph *graph, pgd_dim dim, int64_t *lo, int64_t *hi);
int64_t pgd_dim_eval(const pgd_graph *graph, pgd_dim dim, const int64_t *symbol_values); /* INT64_MIN on overflow */
pgd_status pgd_symshape_eval(const pgd_graph *graph, pgd_symshape shape, const int64_t *symbol_values, pgd_shape *out);
/* Is it a shape of this graph: rank, sizes, symbols? Else the graph's error names `what`. */
bool pgd_symshape_check(pgd_graph *graph, const char *what, pgd_symshape shape);
bool pgd_symshape_equal(pgd_symshape a, pgd_symshape b);
bool pgd_symshape_constant(pgd_symshape shape);
void pgd_dim_print(const pgd_graph *graph, pgd_dim dim, pgd_text *text);
void pgd_symshape_print(const pgd_graph *graph, pgd_symshape shape, pgd_text *text);
const char *pgd_symshape_text(const pgd_graph *graph, pgd_symshape shape, char *out, size_t out_bytes);
pgd_symshape pgd_symshape_from(pgd_shape shape);

/* ---- the table of operations ----------------------------------------------------------------------------------------------------------- */

/* A tensor in host memory, contiguous. */
typedef pgd_tensor_view pgd_tensor; /* what a custom operation sees is what the others see */

typedef struct pgd_eval_args {
    pgd_op op;
    const pgd_attrs *attrs;   /* dims are concrete */
    const pgd_tensor *inputs; /* input_count of them */
    int32_t input_count;
    pgd_tensor *outputs;
} pgd_eval_args;

enum { PGD_OPF_ELEMENTWISE = 1, PGD_OPF_REDUCTION = 2, PGD_OPF_LEAF = 4, PGD_OPF_RANDOM = 8 };

enum { PGD_DTYPES_ANY = (1 << PGD_DTYPE_COUNT) - 1 };

typedef struct pgd_cost {
    double flops, bytes;
} pgd_cost;

extern pgd_value pgd_no_gradient;
#define PGD_NO_GRADIENT (&pgd_no_gradient)

typedef struct pgd_op_def {
    uint32_t flags;
    const char *int_names;   /* "stride_h stride_w ..." in the order of attrs.ints; NULL: none */
    const char *float_names; /* likewise for attrs.floats */
    bool has_dims;           /* attrs.dims is used */
    uint32_t dtypes;         /* bit per pgd_dtype the first input (of sources: the result) may have; 0: the floats */

    /* dtype and shape of every output from inputs and attrs. */
    pgd_status (*infer)(pgd_graph *graph, const pgd_node *node, pgd_value *outputs);

    /* The specification: plain C, fixed order, float64 inside for f32. NULL only for leaves. */
    void (*eval)(const pgd_eval_args *args);

    /* Given d/d outputs (NULL: zero), sets d/d inputs (NULL stays: zero; PGD_NO_GRADIENT: there is one, but nobody wrote it down). NULL: no gradient at all
     * (integer results, or the op is itself a derivative). */
    void (*grad)(pgd_graph *graph, const pgd_node *node, pgd_value *const *dy, pgd_value **dx);

    /* Optional: the same value from simpler operations. */
    void (*expand)(pgd_graph *graph, const pgd_node *node, pgd_value **outputs);

    /* Optional: floating-point operations; NULL: one per output element. */
    double (*flops)(const pgd_attrs *attrs, const pgd_shape *inputs, const pgd_shape *outputs);
} pgd_op_def;

extern const pgd_op_def *const pgd_op_defs[PGD_OP_COUNT];
const char *pgd_op_name(pgd_op op);
int32_t pgd_op_find(const char *name); /* -1: none */
pgd_cost pgd_op_cost(const pgd_attrs *attrs, pgd_op op, const pgd_tensor *inputs, int32_t input_count, const pgd_tensor *outputs, int32_t output_count);

/* One element of an elementwise op; the meaning both of the reference and of constant folding. Bool is 0 or 1. */
double pgd_scalar_float(pgd_op op, double a, double b, double c);
int64_t pgd_scalar_int(pgd_op op, int64_t a, int64_t b, int64_t c);

/* Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011). Inline, so that kernels' loops over it
 * become vector code at their own level. */
static inline void pgd_philox(uint64_t seed, uint64_t step, uint32_t stream, uint64_t index, uint32_t out[4]) {
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32) ^ (uint32_t)(step >> 32) * 0x9e3779b9u, c2 = (uint32_t)step, c3 = stream;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * c0, p1 = (uint64_t)0xcd9e8d57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}
static inline float pgd_uniform_from(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }
double pgd_normal_from(uint32_t first, uint32_t second);

/* Where a resized axis reads: x[first] (1 - weight) + x[second] weight; weight 0: x[first] alone. Nearest positions are found in whole numbers. */
typedef struct pgd_resize_place {
    int64_t first, second;
    double weight;
} pgd_resize_place;

static inline pgd_resize_place pgd_resize_at(int64_t mode, int64_t grid, int64_t o, int64_t in, int64_t out) {
    pgd_resize_place p = {0, 0, 0};
    if (grid == PGD_RESIZE_ALIGN_CORNERS && out == 1) return p;
    if (mode == PGD_RESIZE_NEAREST)
        p.first = grid == PGD_RESIZE_HALF_PIXEL ? (2 * o + 1) * in / (2 * out) : grid == PGD_RESIZE_ASYMMETRIC ? o * in / out : (2 * o * (in - 1) + out - 1) / (2 * (out - 1));
    else {
        double at = grid == PGD_RESIZE_HALF_PIXEL ? ((double)o + 0.5) * (double)in / (double)out - 0.5 : grid == PGD_RESIZE_ASYMMETRIC ? (double)(o * in) / (double)out : (double)(o * (in - 1)) / (double)(out - 1);
        p.first = at < 0 ? 0 : (int64_t)at;
        p.weight = at < 0 || p.first >= in - 1 ? 0 : at - (double)p.first;
    }
    if (p.first > in - 1) p.first = in - 1;
    p.second = p.weight == 0 ? p.first : p.first + 1;
    return p;
}

double pgd_tensor_get(const pgd_tensor *tensor, int64_t index);
void pgd_tensor_set(const pgd_tensor *tensor, int64_t index, double value);

/* The same for integer dtypes, exactly; what is too wide wraps. */
int64_t pgd_tensor_get_int(const pgd_tensor *tensor, int64_t index);
void pgd_tensor_set_int(const pgd_tensor *tensor, int64_t index, int64_t value);

#endif
