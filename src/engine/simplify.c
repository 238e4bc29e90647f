/* SPDX-License-Identifier: Apache-2.0
 * Rebuilds a graph node by node: dead nodes are left out, composite ones expanded, constant ones computed, equal ones merged. */
#include <string.h>

#include "passes.h"

enum { FOLD_ELEMS = 1 << 16 };

typedef struct rebuild {
    const pgd_graph *from;
    pgd_graph *to;
    pgd_value **map; /* PGD_MAX_OUTPUTS per node of `from` */
    int32_t *table;  /* hash table over nodes of `to`: id + 1, 0 is empty */
    uint32_t table_mask;
    bool (*expands)(const pgd_node *node);
} rebuild;

pgd_status pgd_graph_create_like(const pgd_graph *from, pgd_graph **out) {
    PGD_TRY(pgd_graph_create(out));
    pgd_graph *to = *out;
    for (int32_t i = 0; i < from->symbol_count; i++) {
        char *name = pgd_arena_strdup(&to->arena, from->symbols[i].name);
        if (name == NULL || !pgd_grow(&to->symbols, &to->symbol_capacity, i, sizeof *to->symbols)) goto no_memory;
        to->symbols[to->symbol_count++] = (pgd_symbol){name, from->symbols[i].lo, from->symbols[i].hi};
    }
    for (int32_t i = 0; i < from->expr_count; i++) {
        if (!pgd_grow(&to->exprs, &to->expr_capacity, i, sizeof *to->exprs)) goto no_memory;
        to->exprs[to->expr_count++] = from->exprs[i];
    }
    to->random_streams = from->random_streams;
    return PGD_OK;
no_memory:
    pgd_graph_destroy(to);
    *out = NULL;
    return pgd_fail_memory(sizeof(pgd_symbol) * (size_t)from->symbol_count);
}

static pgd_value **mapped(rebuild *r, const pgd_value *value) { return &r->map[value->node->id * PGD_MAX_OUTPUTS + value->output]; }

/* ---- merging equal nodes -------------------------------------------------------------------------------------------------------------------- */

static uint64_t node_hash(pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t count) {
    uint64_t hash = pgd_hash_bytes(attrs->ints, sizeof attrs->ints, (uint64_t)op);
    hash = pgd_hash_bytes(attrs->floats, sizeof attrs->floats, hash);
    hash = pgd_hash_bytes(attrs->dims.dims, sizeof attrs->dims.dims[0] * (size_t)attrs->dims.rank, hash);
    for (int32_t i = 0; i < count; i++) hash = pgd_hash_bytes(&inputs[i], sizeof inputs[i], hash);
    return hash;
}

static bool attrs_equal(const pgd_attrs *a, const pgd_attrs *b) {
    return memcmp(a->ints, b->ints, sizeof a->ints) == 0 && memcmp(a->floats, b->floats, sizeof a->floats) == 0 && pgd_symshape_equal(a->dims, b->dims) && a->custom == b->custom;
}

static bool node_equal(const pgd_node *node, pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t count) {
    return node->op == op && node->input_count == count && node->program == NULL && attrs_equal(&node->attrs, attrs) &&
           (count == 0 || memcmp(node->inputs, inputs, sizeof *inputs * (size_t)count) == 0);
}

/* Finds an equal node of `to`, or adds one. */
static pgd_node *find_or_add(rebuild *r, pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t count) {
    uint32_t at = (uint32_t)node_hash(op, attrs, inputs, count) & r->table_mask;
    for (; r->table[at] != 0; at = (at + 1) & r->table_mask) {
        pgd_node *node = r->to->nodes[r->table[at] - 1];
        if (node_equal(node, op, attrs, inputs, count)) return node;
    }
    pgd_node *node = pgd_graph_add(r->to, op, attrs, inputs, count);
    if (node != NULL && (uint32_t)r->to->node_count < r->table_mask / 2) r->table[at] = node->id + 1;
    return node;
}

/* ---- constants -------------------------------------------------------------------------------------------------------------------------------- */

static const pgd_node *fill_behind(const pgd_value *value) { return value->node->op == PGD_OP_FILL ? value->node : NULL; }

static bool is_fill(const pgd_value *value, double number) {
    const pgd_node *fill = fill_behind(value);
    return fill != NULL && fill->attrs.floats[0] == number;
}

static pgd_value *fill_like(rebuild *r, const pgd_value *like, double number) {
    pgd_node *node = find_or_add(r, PGD_OP_FILL, &(pgd_attrs){.ints = {like->dtype}, .floats = {number}, .dims = like->shape}, NULL, 0);
    return node == NULL ? NULL : &node->outputs[0];
}

/* An operation whose inputs are all single numbers is a single number. */
static pgd_value *fold_fill(rebuild *r, const pgd_node *node, pgd_value *const *inputs) {
    double x[3] = {0};
    bool moves = node->op == PGD_OP_RESHAPE || node->op == PGD_OP_BROADCAST || node->op == PGD_OP_TRANSPOSE;
    if (node->input_count < 1 || node->input_count > 3 || !(moves || (pgd_op_defs[node->op]->flags & PGD_OPF_ELEMENTWISE) != 0)) return NULL;
    for (int32_t i = 0; i < node->input_count; i++) {
        const pgd_node *fill = fill_behind(inputs[i]);
        if (fill == NULL || inputs[i]->dtype == PGD_I64) return NULL;
        x[i] = fill->attrs.floats[0];
    }
    if (moves) return fill_like(r, &node->outputs[0], x[0]);
    /* one element through the reference, so that rounding is that of the dtype */
    double storage[4];
    pgd_tensor in[3], out = {node->outputs[0].dtype, {0}, &storage[3]};
    for (int32_t i = 0; i < node->input_count; i++) {
        in[i] = (pgd_tensor){inputs[i]->dtype, {0}, &storage[i]};
        pgd_tensor_set(&in[i], 0, x[i]);
    }
    if (out.dtype == PGD_I64) return NULL;
    pgd_op_defs[node->op]->eval(&(pgd_eval_args){node->op, &node->attrs, in, node->input_count, &out});
    return fill_like(r, &node->outputs[0], pgd_tensor_get(&out, 0));
}

static bool foldable(const pgd_node *node, pgd_value *const *inputs) {
    int64_t elems = 0;
    if (node->input_count == 0 || pgd_op_defs[node->op]->eval == NULL || !pgd_symshape_constant(node->attrs.dims)) return false;
    for (int32_t i = 0; i < node->input_count; i++)
        if (inputs[i]->node->op != PGD_OP_CONSTANT) return false;
    for (int32_t k = 0; k < node->output_count; k++) {
        int64_t part = 1;
        if (!pgd_symshape_constant(node->outputs[k].shape)) return false;
        for (int32_t d = 0; d < node->outputs[k].shape.rank; d++)
            if (__builtin_mul_overflow(part, node->outputs[k].shape.dims[d], &part) || part > FOLD_ELEMS) return false;
        elems += part;
    }
    return elems <= FOLD_ELEMS;
}

static void concrete(pgd_tensor *tensor, const pgd_value *value) {
    tensor->dtype = value->dtype;
    tensor->shape = (pgd_shape){.rank = value->shape.rank};
    memcpy(tensor->shape.dims, value->shape.dims, sizeof tensor->shape.dims);
}

static pgd_status fold(rebuild *r, const pgd_node *node, pgd_value *const *inputs) {
    pgd_tensor in[PGD_MAX_INPUTS], out[PGD_MAX_OUTPUTS];
    pgd_arena scratch = {0};
    for (int32_t i = 0; i < node->input_count; i++) {
        concrete(&in[i], inputs[i]);
        in[i].data = (void *)(uintptr_t)inputs[i]->node->bytes;
    }
    for (int32_t k = 0; k < node->output_count; k++) {
        concrete(&out[k], &node->outputs[k]);
        out[k].data = pgd_arena_alloc(&scratch, (size_t)pgd_shape_elems(out[k].shape) * pgd_dtype_bytes(out[k].dtype) + 1);
        if (out[k].data == NULL) {
            pgd_arena_deinit(&scratch);
            return pgd_fail_memory(FOLD_ELEMS);
        }
    }
    pgd_op_defs[node->op]->eval(&(pgd_eval_args){node->op, &node->attrs, in, node->input_count, out});
    for (int32_t k = 0; k < node->output_count; k++) *mapped(r, &node->outputs[k]) = pgd_constant(r->to, out[k].dtype, out[k].shape, out[k].data);
    pgd_arena_deinit(&scratch);
    return pgd_graph_status(r->to);
}

/* ---- what is nothing new ------------------------------------------------------------------------------------------------------------------------- */

static pgd_value *identity(const pgd_node *node, pgd_value *const *in) {
    switch (node->op) {
    case PGD_OP_MUL: return is_fill(in[1], 1) ? in[0] : is_fill(in[0], 1) ? in[1] : NULL;
    case PGD_OP_DIV: return is_fill(in[1], 1) ? in[0] : NULL;
    case PGD_OP_ADD: return is_fill(in[1], 0) ? in[0] : is_fill(in[0], 0) ? in[1] : NULL;
    case PGD_OP_SUB: return is_fill(in[1], 0) ? in[0] : NULL;
    case PGD_OP_NEG: return in[0]->node->op == PGD_OP_NEG ? in[0]->node->inputs[0] : NULL;
    case PGD_OP_RESHAPE: return pgd_symshape_equal(in[0]->shape, node->outputs[0].shape) ? in[0] : NULL;
    default: return NULL;
    }
}

/* ---- pads that add up ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct padded {
    pgd_value *x;
    int64_t axis;
    pgd_dim before, extent, after;
} padded;

/* Zeros around something along one axis, all extents known. */
static bool is_padded(const pgd_value *value, padded *out) {
    const pgd_node *node = value->node;
    if (node->op != PGD_OP_PAD || node->attrs.floats[0] != 0) return false;
    *out = (padded){node->inputs[0], node->attrs.ints[0], node->attrs.dims.dims[0], node->inputs[0]->shape.dims[node->attrs.ints[0]], node->attrs.dims.dims[1]};
    return out->before >= 0 && out->extent >= 0 && out->after >= 0;
}

static bool add_parts(pgd_value *value, int64_t axis, pgd_value **parts, int32_t *count) {
    bool joined = value->node->op == PGD_OP_CONCAT && value->node->attrs.ints[0] == axis;
    int32_t more = joined ? value->node->input_count : 1;
    if (*count + more > PGD_MAX_INPUTS) return false;
    for (int32_t i = 0; i < more; i++) parts[(*count)++] = joined ? value->node->inputs[i] : value;
    return true;
}

/* The gradients of neighbouring slices, each padded with zeros to the whole, add up to their concatenation. */
static pgd_value *join_pads(rebuild *r, const pgd_node *node, pgd_value *const *in) {
    padded a, b;
    pgd_value *parts[PGD_MAX_INPUTS];
    int32_t count = 0;
    if (node->op != PGD_OP_ADD || !is_padded(in[0], &a) || !is_padded(in[1], &b) || a.axis != b.axis) return NULL;
    if (b.before + b.extent == a.before) {
        padded swap = a;
        a = b;
        b = swap;
    }
    if (a.before + a.extent != b.before || !add_parts(a.x, a.axis, parts, &count) || !add_parts(b.x, a.axis, parts, &count)) return NULL;
    pgd_node *joined = find_or_add(r, PGD_OP_CONCAT, &(pgd_attrs){.ints = {a.axis}}, parts, count);
    if (joined == NULL || (a.before == 0 && b.after == 0)) return joined == NULL ? NULL : &joined->outputs[0];
    pgd_node *pad = find_or_add(r, PGD_OP_PAD, &(pgd_attrs){.ints = {a.axis}, .dims = {2, {a.before, b.after}}}, (pgd_value *[]){&joined->outputs[0]}, 1);
    return pad == NULL ? NULL : &pad->outputs[0];
}

/* ---- one node ---------------------------------------------------------------------------------------------------------------------------------- */

/* Operations without kernels of their own, and statistics over axes that are not neighbours. */
bool pgd_expands_for_kernels(const pgd_node *node) {
    if (node->op == PGD_OP_MEAN || node->op == PGD_OP_BATCH_NORM) return true;
    if (node->op != PGD_OP_MOMENTS) return false;
    int changes = 0; /* between kept and reduced, along the axes longer than 1 */
    bool last = true;
    for (int32_t i = 0; i < node->inputs[0]->shape.rank; i++) {
        bool reduced = (node->attrs.ints[0] >> i & 1) != 0;
        if (node->inputs[0]->shape.dims[i] == 1) continue;
        changes += reduced != last;
        last = reduced;
    }
    return changes > 2;
}

/* What an expansion builds is simplified by the next rebuild. */
static pgd_status expand(rebuild *r, const pgd_node *node, pgd_value *const *inputs) {
    pgd_node copy = *node;
    pgd_value *in[PGD_MAX_INPUTS], *out[PGD_MAX_OUTPUTS] = {0};
    memcpy(in, inputs, sizeof *in * (size_t)node->input_count);
    copy.inputs = in;
    pgd_op_defs[node->op]->expand(r->to, &copy, out);
    PGD_TRY(pgd_graph_status(r->to));
    for (int32_t k = 0; k < node->output_count; k++) *mapped(r, &node->outputs[k]) = out[k];
    return PGD_OK;
}

static pgd_status rebuild_leaf(rebuild *r, const pgd_node *node) {
    const pgd_value *v = &node->outputs[0];
    pgd_value *copy = node->op == PGD_OP_INPUT   ? pgd_input(r->to, node->name, v->dtype, v->shape)
                      : node->op == PGD_OP_PARAM ? pgd_param(r->to, node->name, v->dtype, v->shape)
                                                 : pgd_graph_leaf(r->to, PGD_OP_CONSTANT, NULL, v->dtype, v->shape, node->bytes);
    *mapped(r, v) = copy;
    return pgd_graph_status(r->to);
}

static pgd_status rebuild_node(rebuild *r, const pgd_node *node) {
    pgd_value *inputs[PGD_MAX_INPUTS], *same;
    if ((pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) != 0) return rebuild_leaf(r, node);
    for (int32_t i = 0; i < node->input_count; i++) inputs[i] = *mapped(r, node->inputs[i]);
    if ((same = identity(node, inputs)) != NULL || (same = fold_fill(r, node, inputs)) != NULL || (same = join_pads(r, node, inputs)) != NULL) {
        *mapped(r, &node->outputs[0]) = same;
        return pgd_graph_status(r->to);
    }
    if (foldable(node, inputs)) return fold(r, node, inputs);
    if (r->expands(node)) return expand(r, node, inputs);
    pgd_node *copy = find_or_add(r, node->op, &node->attrs, inputs, node->input_count);
    if (copy == NULL) return pgd_graph_status(r->to);
    for (int32_t k = 0; k < node->output_count; k++) *mapped(r, &node->outputs[k]) = &copy->outputs[k];
    return PGD_OK;
}

static pgd_status rebuild_all(rebuild *r, const bool *live) {
    for (int32_t i = 0; i < r->from->node_count; i++)
        if (live[i]) PGD_TRY(rebuild_node(r, r->from->nodes[i]));
    for (int32_t i = 0; i < r->from->output_count; i++) pgd_output(r->to, r->from->outputs[i].name, *mapped(r, r->from->outputs[i].value));
    for (int32_t i = 0; i < r->from->update_count; i++) {
        const char *name = r->from->updates[i].name;
        const pgd_value *value = r->from->updates[i].value;
        if (pgd_param(r->to, name, value->dtype, value->shape) == NULL) return pgd_graph_status(r->to);
        pgd_update(r->to, name, *mapped(r, value));
    }
    return pgd_graph_status(r->to);
}

static pgd_status rebuild_once(const pgd_graph *from, bool (*expands)(const pgd_node *node), pgd_graph **out) {
    uint32_t slots = 64;
    while (slots < (uint32_t)from->node_count * 8) slots *= 2;
    rebuild r = {.from = from, .table_mask = slots - 1, .expands = expands};
    PGD_TRY(pgd_graph_create_like(from, &r.to));
    r.map = pgd_mem_zalloc((size_t)from->node_count * PGD_MAX_OUTPUTS * sizeof(pgd_value *));
    r.table = pgd_mem_zalloc(slots * sizeof *r.table);
    bool *live = pgd_mem_zalloc((size_t)from->node_count + 1);
    pgd_status status = PGD_OK;
    if (r.map == NULL || r.table == NULL || live == NULL)
        status = pgd_fail_memory(slots * sizeof *r.table);
    else {
        status = pgd_mark_live(from, live);
        if (status == PGD_OK) status = rebuild_all(&r, live);
    }
    pgd_mem_free(r.map);
    pgd_mem_free(r.table);
    pgd_mem_free(live);
    if (status != PGD_OK) {
        pgd_graph_destroy(r.to);
        return status;
    }
    *out = r.to;
    return PGD_OK;
}

/* The second rebuild merges and folds what the first one's expansions built. */
pgd_status pgd_pass_simplify(const pgd_graph *from, bool (*expands)(const pgd_node *node), pgd_graph **out) {
    pgd_graph *once = NULL, *twice = NULL;
    *out = NULL;
    PGD_TRY(rebuild_once(from, expands, &once));
    pgd_status status = rebuild_once(once, expands, &twice);
    pgd_graph_destroy(once);
    if (status != PGD_OK) return status;
    status = rebuild_once(twice, expands, out); /* expansions may hold composites themselves (moments into mean) */
    pgd_graph_destroy(twice);
    return status;
}
