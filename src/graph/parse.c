/* SPDX-License-Identifier: Apache-2.0
 * Reads the text form of a graph (print.c) back through the same checks the builders make. Fused programs are the engine's and are not
 * read. The text is untrusted: every count is bounded by what is actually there. */
#include <graph_share.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    const char *start, *at, *end;
    pgd_graph *graph;
    pgd_value **values; /* by printed number */
    int32_t value_count, value_capacity;
} parser;

static pgd_status bad(parser *p, const char *what) {
    int line = 1, column = 1;
    for (const char *c = p->start; c < p->at; c++) column = *c == '\n' ? (line++, 1) : column + 1;
    return pgd_fail(PGD_CORRUPT, "graph text, line %d, column %d: %s", line, column, what);
}

static void blanks(parser *p) {
    while (p->at < p->end && *p->at == ' ') p->at++;
}

static bool token(parser *p, const char *text) {
    size_t count = strlen(text);
    blanks(p);
    if ((size_t)(p->end - p->at) < count || memcmp(p->at, text, count) != 0) return false;
    p->at += count;
    return true;
}

static bool word(parser *p, char *out, size_t out_bytes) {
    size_t count = 0;
    blanks(p);
    while (p->at < p->end && ((*p->at >= 'a' && *p->at <= 'z') || (*p->at >= 'A' && *p->at <= 'Z') || (*p->at >= '0' && *p->at <= '9') || *p->at == '_')) {
        if (count + 1 >= out_bytes) return false;
        out[count++] = *p->at++;
    }
    out[count] = '\0';
    return count > 0;
}

static bool quoted(parser *p, char *out, size_t out_bytes) {
    size_t count = 0;
    if (!token(p, "\"")) return false;
    while (p->at < p->end && *p->at != '"' && *p->at != '\n') {
        if (count + 1 >= out_bytes) return false;
        out[count++] = *p->at++;
    }
    out[count] = '\0';
    return token(p, "\"");
}

/* The text is not NUL-terminated: numbers are copied out before strtod and strtoll see them. */
static bool number_text(parser *p, char out[64]) {
    size_t count = 0;
    blanks(p);
    while (p->at < p->end && strchr("+-.0123456789abcdefinpxABCDEF", *p->at) != NULL && *p->at != '\0') {
        if (count + 1 >= 64) return false;
        out[count++] = *p->at++;
    }
    out[count] = '\0';
    return count > 0;
}

static bool integer(parser *p, int64_t *out) {
    char text[64], *end;
    if (!number_text(p, text)) return false;
    *out = strtoll(text, &end, 10);
    return *end == '\0';
}

static bool real(parser *p, double *out) {
    char text[64], *end;
    if (!number_text(p, text)) return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

/* dim := number | symbol | "(" dim op dim ")" */
static bool dim(parser *p, pgd_dim *out, int depth) {
    char name[64];
    blanks(p);
    if (depth > 200) return false;
    if (token(p, "(")) {
        pgd_dim a, b;
        if (!dim(p, &a, depth + 1) || p->at >= p->end) return false;
        char op = *p->at++;
        if (op == '+' && token(p, "-")) {
            if (!integer(p, &b) || b < 0 || !token(p, ")")) return false;
            *out = pgd_dim_offset(p->graph, a, -b);
            return true;
        }
        if (!dim(p, &b, depth + 1) || !token(p, ")")) return false;
        if (op == '/' && b <= 0) return false;
        *out = op == '+' ? pgd_dim_add(p->graph, a, b) : op == '*' ? pgd_dim_mul(p->graph, a, b) : op == '/' ? pgd_dim_floordiv(p->graph, a, b) : INT64_MIN;
        return *out != INT64_MIN;
    }
    if (p->at < p->end && ((*p->at >= '0' && *p->at <= '9') || *p->at == '-')) return integer(p, out) && *out >= 0;
    if (!word(p, name, sizeof name)) return false;
    for (int32_t i = 0; i < p->graph->symbol_count; i++)
        if (strcmp(p->graph->symbols[i].name, name) == 0) {
            *out = pgd_graph_symbol(p->graph, name, p->graph->symbols[i].lo, p->graph->symbols[i].hi);
            return true;
        }
    return false;
}

static bool shape(parser *p, pgd_symshape *out) {
    *out = (pgd_symshape){0};
    if (!token(p, "[")) return false;
    if (token(p, "]")) return true;
    do {
        if (out->rank == PGD_MAX_RANK || !dim(p, &out->dims[out->rank], 0)) return false;
        out->rank++;
    } while (token(p, ","));
    return token(p, "]");
}

static bool type(parser *p, pgd_dtype *dtype, pgd_symshape *out) {
    char name[16];
    if (!word(p, name, sizeof name)) return false;
    for (int d = 0; d < PGD_DTYPE_COUNT; d++)
        if (strcmp(name, pgd_dtype_name((pgd_dtype)d)) == 0) {
            *dtype = (pgd_dtype)d;
            return shape(p, out);
        }
    return false;
}

static pgd_value *value(parser *p) {
    int64_t id;
    if (!token(p, "%") || !integer(p, &id) || id < 0 || id >= p->value_count) return NULL;
    return p->values[id];
}

/* {name=number ... dims=[..]} in the order of the op's own lists. */
static bool attrs(parser *p, pgd_op op, pgd_attrs *out) {
    const pgd_op_def *def = pgd_op_defs[op];
    char name[32];
    *out = (pgd_attrs){0};
    if (def->int_names == NULL && def->float_names == NULL && !def->has_dims) return true;
    if (!token(p, "{")) return false;
    for (int list = 0; list < 2; list++) {
        const char *names = list == 0 ? def->int_names : def->float_names;
        for (int i = 0; names != NULL && *names != '\0'; i++) {
            size_t count = strcspn(names, " ");
            if (!word(p, name, sizeof name) || strlen(name) != count || memcmp(name, names, count) != 0 || !token(p, "=")) return false;
            if (list == 0 ? !integer(p, &out->ints[i]) : !real(p, &out->floats[i])) return false;
            names += count;
            while (*names == ' ') names++;
        }
    }
    if (def->has_dims && (!token(p, "dims=") || !shape(p, &out->dims))) return false;
    return token(p, "}");
}

static pgd_status constant(parser *p, pgd_value **out) {
    pgd_text bytes = {0};
    pgd_dtype dtype;
    pgd_symshape dims;
    const char *first, *after;
    if (!token(p, "(")) return bad(p, "a constant's numbers in parentheses were expected");
    first = p->at;
    while (p->at < p->end && *p->at != ')') p->at++;
    if (!token(p, ")") || !token(p, ":") || !type(p, &dtype, &dims) || !pgd_symshape_constant(dims)) return bad(p, "a constant's numbers, then its type, were expected");
    after = p->at;
    int64_t elems = pgd_symshape_elems(p->graph, dims);
    if (elems > after - first) return bad(p, "the constant has fewer numbers than its shape says");
    pgd_tensor tensor = {dtype, {0}, pgd_mem_zalloc((size_t)elems * pgd_dtype_bytes(dtype) + 1)};
    (void)bytes;
    if (tensor.data == NULL) return pgd_fail_memory((size_t)elems);
    p->at = first;
    bool fine = true;
    for (int64_t i = 0; fine && i < elems; i++) {
        double number = 0;
        int64_t whole = 0;
        fine = dtype == PGD_I64 ? integer(p, &whole) : real(p, &number);
        if (dtype == PGD_I64)
            ((int64_t *)tensor.data)[i] = whole;
        else
            pgd_tensor_set(&tensor, i, number);
    }
    fine = fine && token(p, ")");
    if (fine) {
        p->at = after;
        *out = pgd_graph_leaf(p->graph, PGD_OP_CONSTANT, NULL, dtype, dims, tensor.data);
    }
    pgd_mem_free(tensor.data);
    return fine ? pgd_graph_status(p->graph) : bad(p, "the constant's numbers do not match its shape");
}

static pgd_status leaf(parser *p, pgd_op op, pgd_value **out) {
    char name[256];
    pgd_dtype dtype;
    pgd_symshape dims;
    if (!quoted(p, name, sizeof name) || !token(p, ":") || !type(p, &dtype, &dims)) return bad(p, "a quoted name and a type were expected");
    *out = op == PGD_OP_INPUT ? pgd_input(p->graph, name, dtype, dims) : pgd_param(p->graph, name, dtype, dims);
    return pgd_graph_status(p->graph);
}

static pgd_status operation(parser *p, pgd_op op, pgd_value **out) {
    pgd_value *inputs[PGD_MAX_INPUTS];
    int32_t count = 0;
    pgd_attrs a;
    blanks(p);
    while (p->at < p->end && *p->at == '%') {
        if (count == PGD_MAX_INPUTS || (inputs[count] = value(p)) == NULL) return bad(p, "no such value");
        count++;
        blanks(p);
    }
    if (!attrs(p, op, &a)) return bad(p, "the operation's options were expected, all of them, in order");
    pgd_node *node = pgd_graph_add(p->graph, op, &a, inputs, count);
    if (node == NULL) return pgd_graph_status(p->graph);
    if ((op == PGD_OP_UNIFORM || op == PGD_OP_NORMAL) && a.ints[0] >= p->graph->random_streams && a.ints[0] < INT32_MAX) p->graph->random_streams = (int32_t)a.ints[0] + 1;
    for (int32_t k = 0; k < node->output_count; k++) {
        pgd_dtype dtype;
        pgd_symshape dims;
        if (!token(p, k == 0 ? ":" : ",") || !type(p, &dtype, &dims)) return bad(p, "a type was expected");
        if (dtype != node->outputs[k].dtype || !pgd_symshape_equal(dims, node->outputs[k].shape)) return bad(p, "the type is not what the operation gives");
        out[k] = &node->outputs[k];
    }
    return PGD_OK;
}

static pgd_status definition(parser *p) {
    pgd_value *out[PGD_MAX_OUTPUTS] = {0};
    int32_t count = 0;
    int64_t id;
    char name[32];
    do {
        if (!token(p, "%") || !integer(p, &id) || id != p->value_count + count || count == PGD_MAX_OUTPUTS) return bad(p, "values are numbered in order");
        count++;
    } while (token(p, ","));
    if (!token(p, "=") || !word(p, name, sizeof name)) return bad(p, "= and an operation were expected");
    int32_t op = pgd_op_find(name);
    if (op == PGD_OP_CUSTOM) return bad(p, "a custom operation is known only to the program that made it");
    if (op < 0 || op == PGD_OP_PROGRAM) return bad(p, "no such operation");
    if (op == PGD_OP_CONSTANT)
        PGD_TRY(constant(p, out));
    else if (op == PGD_OP_INPUT || op == PGD_OP_PARAM)
        PGD_TRY(leaf(p, (pgd_op)op, out));
    else
        PGD_TRY(operation(p, (pgd_op)op, out));
    for (int32_t k = 0; k < count; k++) {
        if (out[k] == NULL) return bad(p, "the operation has fewer results");
        if (!pgd_grow(&p->values, &p->value_capacity, p->value_count, sizeof *p->values)) return pgd_fail_memory(sizeof *p->values);
        p->values[p->value_count++] = out[k];
    }
    return PGD_OK;
}

static pgd_status line(parser *p) {
    char name[256];
    int64_t lo, hi;
    bool update = false;
    if (token(p, "symbol ")) {
        if (!word(p, name, 64) || !integer(p, &lo) || !integer(p, &hi)) return bad(p, "symbol NAME LO HI was expected");
        pgd_graph_symbol(p->graph, name, lo, hi);
        return pgd_graph_status(p->graph);
    }
    if (token(p, "output ") || (update = token(p, "update "))) {
        pgd_value *v = NULL;
        if (!quoted(p, name, sizeof name) || (v = value(p)) == NULL) return bad(p, "a quoted name and a value were expected");
        if (update)
            pgd_update(p->graph, name, v);
        else
            pgd_output(p->graph, name, v);
        return pgd_graph_status(p->graph);
    }
    return definition(p);
}

static pgd_status graph_text(parser *p) {
    if (!token(p, "pagoda graph 1\n")) return bad(p, "\"pagoda graph 1\" was expected");
    while (p->at < p->end) {
        if (token(p, "\n")) continue;
        PGD_TRY(line(p));
        if (p->at < p->end && !token(p, "\n")) return bad(p, "the end of the line was expected");
    }
    return PGD_OK;
}

pgd_status pgd_graph_parse(const char *text, size_t bytes, pgd_graph **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(text);
    parser p = {.start = text, .at = text, .end = text + bytes};
    PGD_TRY(pgd_graph_create(&p.graph));
    pgd_status status = graph_text(&p);
    pgd_mem_free(p.values);
    if (status != PGD_OK) {
        pgd_graph_destroy(p.graph);
        return status;
    }
    *out = p.graph;
    return PGD_OK;
}
