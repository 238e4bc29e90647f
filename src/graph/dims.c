/* SPDX-License-Identifier: Apache-2.0
 * Symbolic extents: hash-consed expressions over named symbols, each with the range its value can have. A canonical form makes equal
 * extents equal numbers: constants stand right, operands are ordered, factors and offsets merge. */
#include <graph_share.h>
#include <string.h>

/* A copy: the table moves when it grows. */
static pgd_dim_expr expr_of(const pgd_graph *graph, pgd_dim dim) { return graph->exprs[-1 - dim]; }

static int64_t clamped_mul(int64_t a, int64_t b) {
    int64_t result;
    return !__builtin_mul_overflow(a, b, &result) ? result : (a < 0) != (b < 0) ? INT64_MIN + 1 : INT64_MAX;
}

static int64_t clamped_add(int64_t a, int64_t b) {
    int64_t result;
    return __builtin_add_overflow(a, b, &result) ? (a > 0 ? INT64_MAX : INT64_MIN + 1) : result;
}

void pgd_dim_range(const pgd_graph *graph, pgd_dim dim, int64_t *lo, int64_t *hi) {
    *lo = dim >= 0 ? dim : expr_of(graph, dim).lo;
    *hi = dim >= 0 ? dim : expr_of(graph, dim).hi;
}

static pgd_dim intern(pgd_graph *graph, pgd_dim_expr expr) {
    for (int32_t i = 0; i < graph->expr_count; i++) {
        const pgd_dim_expr *e = &graph->exprs[i];
        if (e->kind == expr.kind && e->a == expr.a && e->b == expr.b) return -1 - (pgd_dim)i;
    }
    if (!pgd_grow(&graph->exprs, &graph->expr_capacity, graph->expr_count, sizeof *graph->exprs)) {
        pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while describing an extent");
        return 0;
    }
    graph->exprs[graph->expr_count] = expr;
    return -1 - (pgd_dim)graph->expr_count++;
}

/* A word of the text form. */
static bool symbol_name_fits(const char *name) {
    if (name[0] == '\0' || (name[0] >= '0' && name[0] <= '9') || strlen(name) > 60) return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_')) return false;
    return true;
}

pgd_dim pgd_graph_symbol(pgd_graph *graph, const char *name, int64_t lo, int64_t hi) {
    if (PGD_GRAPH_LACKS(graph, name)) return 0;
    if (!symbol_name_fits(name)) {
        pgd_graph_fail(graph, PGD_BAD_ARG, "symbol \"%s\": use 1 to 60 letters, digits and underscores, no digit first", name);
        return 0;
    }
    if (lo < 0 || hi < lo) {
        pgd_graph_fail(graph, PGD_BAD_ARG, "symbol \"%s\": range %lld to %lld is not one; use 0 <= lo <= hi", name, (long long)lo, (long long)hi);
        return 0;
    }
    for (int32_t i = 0; i < graph->symbol_count; i++) {
        if (strcmp(graph->symbols[i].name, name) != 0) continue;
        if (graph->symbols[i].lo != lo || graph->symbols[i].hi != hi)
            pgd_graph_fail(graph, PGD_BAD_ARG, "symbol \"%s\" was declared with range %lld to %lld; use the same range again", name,
                           (long long)graph->symbols[i].lo, (long long)graph->symbols[i].hi);
        return intern(graph, (pgd_dim_expr){PGD_DIM_SYMBOL, i, 0, lo, hi});
    }
    char *copy = pgd_arena_strdup(&graph->arena, name);
    if (copy == NULL || !pgd_grow(&graph->symbols, &graph->symbol_capacity, graph->symbol_count, sizeof *graph->symbols)) {
        pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while declaring symbol \"%s\"", name);
        return 0;
    }
    graph->symbols[graph->symbol_count] = (pgd_symbol){copy, lo, hi};
    return intern(graph, (pgd_dim_expr){PGD_DIM_SYMBOL, graph->symbol_count++, 0, lo, hi});
}

/* a plus a plain number, which may be negative; a constant result below zero becomes 0. */
pgd_dim pgd_dim_offset(pgd_graph *graph, pgd_dim a, int64_t offset) {
    if (a >= 0) return clamped_add(a, offset) < 0 ? 0 : clamped_add(a, offset);
    const pgd_dim_expr left = expr_of(graph, a);
    if (left.kind == PGD_DIM_OFFSET) return pgd_dim_offset(graph, left.a, clamped_add(left.b, offset));
    if (offset == 0) return a;
    return intern(graph, (pgd_dim_expr){PGD_DIM_OFFSET, a, offset, clamped_add(left.lo, offset), clamped_add(left.hi, offset)});
}

pgd_dim pgd_dim_add(pgd_graph *graph, pgd_dim a, pgd_dim b) {
    if (b >= 0) return pgd_dim_offset(graph, a, b);
    if (a >= 0) return pgd_dim_offset(graph, b, a);
    if (b > a) { /* later expressions to the right */
        pgd_dim swap = a;
        a = b;
        b = swap;
    }
    const pgd_dim_expr left = expr_of(graph, a), right = expr_of(graph, b);
    if (left.kind == PGD_DIM_OFFSET) return pgd_dim_offset(graph, pgd_dim_add(graph, left.a, b), left.b);
    if (right.kind == PGD_DIM_OFFSET) return pgd_dim_offset(graph, pgd_dim_add(graph, a, right.a), right.b);
    if (a == b) return pgd_dim_mul(graph, a, 2);
    return intern(graph, (pgd_dim_expr){PGD_DIM_ADD, a, b, clamped_add(left.lo, right.lo), clamped_add(left.hi, right.hi)});
}

pgd_dim pgd_dim_mul(pgd_graph *graph, pgd_dim a, pgd_dim b) {
    if (a >= 0 && b >= 0) return clamped_mul(a, b);
    if (a >= 0 || (b < 0 && b > a)) {
        pgd_dim swap = a;
        a = b;
        b = swap;
    }
    if (b == 0) return 0;
    if (b == 1) return a;
    const pgd_dim_expr left = expr_of(graph, a);
    if (b >= 0 && left.kind == PGD_DIM_MUL && left.b >= 0) return pgd_dim_mul(graph, left.a, clamped_mul(left.b, b));
    if (b < 0 && left.kind == PGD_DIM_MUL && left.b >= 0) return pgd_dim_mul(graph, pgd_dim_mul(graph, left.a, b), left.b);
    if (b < 0 && expr_of(graph, b).kind == PGD_DIM_MUL && expr_of(graph, b).b >= 0)
        return pgd_dim_mul(graph, pgd_dim_mul(graph, a, expr_of(graph, b).a), expr_of(graph, b).b);
    int64_t lo, hi;
    pgd_dim_range(graph, b, &lo, &hi);
    const int64_t corners[] = {clamped_mul(left.lo, lo), clamped_mul(left.lo, hi), clamped_mul(left.hi, lo), clamped_mul(left.hi, hi)}; /* a factor like n - 5 can have a range below 0 */
    int64_t least = corners[0], most = corners[0];
    for (int i = 1; i < 4; i++) least = corners[i] < least ? corners[i] : least, most = corners[i] > most ? corners[i] : most;
    return intern(graph, (pgd_dim_expr){PGD_DIM_MUL, a, b, least < 0 ? 0 : least, most});
}

static int64_t floordiv(int64_t a, int64_t b) { return a / b - (a % b < 0); }

pgd_dim pgd_dim_floordiv(pgd_graph *graph, pgd_dim a, pgd_dim b) {
    if (b <= 0) {
        pgd_graph_fail(graph, PGD_INTERNAL, "an extent divided by %lld", (long long)b);
        return 0;
    }
    if (a >= 0) return a / b;
    if (b == 1) return a;
    const pgd_dim_expr left = expr_of(graph, a);
    if (left.kind == PGD_DIM_MUL && left.b >= 0 && left.b % b == 0) return pgd_dim_mul(graph, left.a, left.b / b);
    if (left.kind == PGD_DIM_OFFSET && left.a < 0) { /* (n b + c) / b is n + c / b */
        const pgd_dim_expr whole = expr_of(graph, left.a);
        if (whole.kind == PGD_DIM_MUL && whole.b >= 0 && whole.b % b == 0) return pgd_dim_offset(graph, pgd_dim_mul(graph, whole.a, whole.b / b), floordiv(left.b, b));
    }
    return intern(graph, (pgd_dim_expr){PGD_DIM_FLOORDIV, a, b, floordiv(left.lo, b), floordiv(left.hi, b)});
}

pgd_dim pgd_dim_window(pgd_graph *graph, pgd_dim in, int64_t slack, int64_t stride) {
    if (in >= 0) return clamped_add(in, slack) < 0 ? 0 : clamped_add(in, slack) / stride + 1;
    return pgd_dim_offset(graph, pgd_dim_floordiv(graph, pgd_dim_offset(graph, in, slack), stride), 1);
}

pgd_dim pgd_symshape_elems(pgd_graph *graph, pgd_symshape shape) {
    pgd_dim elems = 1;
    for (int32_t i = 0; i < shape.rank; i++) elems = pgd_dim_mul(graph, elems, shape.dims[i]);
    return elems;
}

int64_t pgd_dim_eval(const pgd_graph *graph, pgd_dim dim, const int64_t *symbol_values) {
    if (dim >= 0) return dim;
    const pgd_dim_expr e = expr_of(graph, dim);
    if (e.kind == PGD_DIM_SYMBOL) return symbol_values[e.a];
    int64_t a = pgd_dim_eval(graph, e.a, symbol_values), b = e.kind == PGD_DIM_OFFSET ? e.b : pgd_dim_eval(graph, e.b, symbol_values), result;
    if (a == INT64_MIN || b == INT64_MIN) return INT64_MIN;
    if (e.kind == PGD_DIM_FLOORDIV) return floordiv(a, b);
    bool overflow = e.kind != PGD_DIM_MUL ? __builtin_add_overflow(a, b, &result) : __builtin_mul_overflow(a, b, &result);
    return overflow ? INT64_MIN : result;
}

pgd_status pgd_symshape_eval(const pgd_graph *graph, pgd_symshape shape, const int64_t *symbol_values, pgd_shape *out) {
    *out = (pgd_shape){.rank = shape.rank};
    int64_t elems = 1;
    for (int32_t i = 0; i < shape.rank; i++) {
        out->dims[i] = pgd_dim_eval(graph, shape.dims[i], symbol_values);
        if (out->dims[i] < 0 || __builtin_mul_overflow(elems, out->dims[i] == 0 ? 1 : out->dims[i], &elems) || elems > (int64_t)1 << 56)
            return pgd_fail(PGD_BAD_ARG, "an extent comes out as %lld with these sizes; use other sizes", (long long)out->dims[i]);
    }
    return PGD_OK;
}

bool pgd_symshape_equal(pgd_symshape a, pgd_symshape b) {
    return a.rank == b.rank && memcmp(a.dims, b.dims, sizeof a.dims[0] * (size_t)a.rank) == 0;
}

bool pgd_symshape_constant(pgd_symshape shape) {
    for (int32_t i = 0; i < shape.rank && i < PGD_MAX_RANK; i++)
        if (shape.dims[i] < 0) return false;
    return true;
}

pgd_symshape pgd_symshape_from(pgd_shape shape) {
    pgd_symshape result = {.rank = shape.rank};
    memcpy(result.dims, shape.dims, sizeof shape.dims);
    return result;
}

pgd_symshape pgd_symshape_make(const pgd_dim *list, int32_t count) {
    pgd_shape shape = {.rank = -1};
    if (!PGD_LACKS(list)) shape = pgd_shape_make(list, count);
    return pgd_symshape_from(shape);
}

void pgd_dim_print(const pgd_graph *graph, pgd_dim dim, pgd_text *text) {
    if (dim >= 0) {
        pgd_text_add(text, "%lld", (long long)dim);
        return;
    }
    const pgd_dim_expr e = expr_of(graph, dim);
    if (e.kind == PGD_DIM_SYMBOL) {
        pgd_text_add(text, "%s", graph->symbols[e.a].name);
        return;
    }
    pgd_text_add(text, "(");
    pgd_dim_print(graph, e.a, text);
    pgd_text_add(text, "%c", e.kind == PGD_DIM_MUL ? '*' : e.kind == PGD_DIM_FLOORDIV ? '/' : '+');
    if (e.kind == PGD_DIM_OFFSET)
        pgd_text_add(text, "%lld)", (long long)e.b);
    else {
        pgd_dim_print(graph, e.b, text);
        pgd_text_add(text, ")");
    }
}

void pgd_symshape_print(const pgd_graph *graph, pgd_symshape shape, pgd_text *text) {
    pgd_text_add(text, "[");
    for (int32_t i = 0; i < shape.rank; i++) {
        if (i > 0) pgd_text_add(text, ",");
        pgd_dim_print(graph, shape.dims[i], text);
    }
    pgd_text_add(text, "]");
}

const char *pgd_symshape_text(const pgd_graph *graph, pgd_symshape shape, char *out, size_t out_bytes) {
    pgd_text text = {0};
    pgd_symshape_print(graph, shape, &text);
    size_t count = text.chars == NULL ? 0 : text.count < out_bytes - 1 ? text.count : out_bytes - 1;
    if (count > 0) memcpy(out, text.chars, count);
    out[count] = '\0';
    pgd_mem_free(text.chars);
    return out;
}
