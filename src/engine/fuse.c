/* SPDX-License-Identifier: Apache-2.0
 * Choosing what runs together. Every node begins as a unit of its own; along each edge between two nodes of one iteration space their
 * units become one, unless some path leaves the first and comes back to the second (the result would wait for itself), or the program
 * would grow past its limits. Then a matmul, conv or the like takes over the unit that alone reads it, as its epilogue. */
#include "fuse.h"

#include <string.h>

static bool tile_dtype(pgd_dtype dtype) { return dtype == PGD_F32 || dtype == PGD_BOOL; }

bool pgd_fuse_inlined(const pgd_node *node) {
    return (node->op == PGD_OP_FILL || node->op == PGD_OP_DIM_SIZE || node->op == PGD_OP_BROADCAST) && tile_dtype(node->outputs[0].dtype);
}

bool pgd_fuse_core(const pgd_node *node) {
    uint32_t flags = pgd_op_defs[node->op]->flags;
    if ((flags & PGD_OPF_RANDOM) != 0) return true;
    if ((flags & (PGD_OPF_ELEMENTWISE | PGD_OPF_REDUCTION)) == 0) return false;
    if (node->op == PGD_OP_CAST) { /* bytes and small integers come in, and go out, through casts */
        pgd_dtype from = node->inputs[0]->dtype, to = node->outputs[0].dtype;
        return from != PGD_F64 && from != PGD_I64 && from != PGD_I32 && to != PGD_F64 && to != PGD_I64 && to != PGD_I32;
    }
    for (int32_t i = 0; i < node->input_count; i++)
        if (!tile_dtype(node->inputs[i]->dtype)) return false;
    return tile_dtype(node->outputs[0].dtype);
}

bool pgd_fuse_takes_epilogue(const pgd_node *node) {
    if (node->op == PGD_OP_CONV_DINPUT) return node->attrs.ints[0] == 1 && node->attrs.ints[1] == 1; /* else neighbours come from products of their own */
    return node->op == PGD_OP_MATMUL || node->op == PGD_OP_CONV || node->op == PGD_OP_MAX_POOL_D;
}

static bool is_reduction(const pgd_node *node) { return (pgd_op_defs[node->op]->flags & PGD_OPF_REDUCTION) != 0; }

static pgd_symshape space_of(const pgd_node *node) { return is_reduction(node) ? node->inputs[0]->shape : node->outputs[0].shape; }

static void push_unit(const pgd_fusion *f, int32_t node, bool *seen, int32_t *stack, int32_t *depth) {
    if (f->unit[node] < 0) { /* inlined: a node of its own, passed through */
        if (!seen[node]) seen[node] = true, stack[(*depth)++] = node;
        return;
    }
    for (int32_t i = f->first[f->unit[node]]; i >= 0; i = f->next[i])
        if (!seen[i]) seen[i] = true, stack[(*depth)++] = i;
}

/* Does any path lead from unit `from`, through something in neither unit, to unit `to`? A broadcast between the two counts as a way
 * through: its value has another space, so it must lie in memory. */
static bool detour(const pgd_fusion *f, int32_t from, int32_t to, bool *seen, int32_t *stack) {
    int32_t depth = 0;
    memset(seen, 0, (size_t)f->graph->node_count);
    for (int32_t i = f->first[from]; i >= 0; i = f->next[i])
        for (int32_t u = 0; u < f->user_count[i]; u++) {
            int32_t user = f->users[i][u];
            if (f->unit[user] != from && f->unit[user] != to) push_unit(f, user, seen, stack, &depth);
        }
    while (depth > 0) {
        int32_t at = stack[--depth];
        for (int32_t u = 0; u < f->user_count[at]; u++) {
            int32_t user = f->users[at][u];
            if (f->unit[user] == to) return true;
            if (!seen[user]) push_unit(f, user, seen, stack, &depth);
        }
    }
    return false;
}

/* Members stay in the order of the graph. */
static void join(const pgd_fusion *f, int32_t from, int32_t into) {
    int32_t a = f->first[from], b = f->first[into], *end = &f->first[into];
    for (int32_t i = a; i >= 0; i = f->next[i]) f->unit[i] = into;
    f->first[from] = -1;
    while (a >= 0 || b >= 0) {
        int32_t *least = b < 0 || (a >= 0 && a < b) ? &a : &b;
        *end = *least;
        end = &f->next[*least];
        *least = *end;
    }
    *end = -1;
}

/* Takes a join back: `members` were those of `unit`, in order. */
static void part(const pgd_fusion *f, int32_t unit, int32_t from, const int32_t *members, int32_t count) {
    int32_t *own = &f->first[unit], *rest = &f->first[from], taken = 0;
    for (int32_t i = f->first[from], next; i >= 0; i = next) {
        bool mine = taken < count && members[taken] == i;
        next = f->next[i];
        if (mine) f->unit[i] = unit, taken++;
        *(mine ? own : rest) = i;
        *(mine ? &own : &rest) = &f->next[i];
    }
    *own = *rest = -1;
}

/* Joins if a program can hold both. */
static void join_if_it_fits(const pgd_fusion *f, int32_t from, int32_t into, int32_t *room) {
    int32_t count = 0;
    for (int32_t i = f->first[from]; i >= 0; i = f->next[i]) room[count++] = i;
    join(f, from, into);
    if (!pgd_fuse_fits(f, into)) part(f, from, into, room, count);
}

/* May the producers' unit be swallowed by a unit that ends in a reduction? Only when nobody else wants any of its values: the reduction is all that
 * such a program gives. */
static bool private_to(const pgd_fusion *f, int32_t unit, int32_t reader_unit) {
    for (int32_t i = f->first[unit]; i >= 0; i = f->next[i]) {
        if (f->kept[i] || is_reduction(f->graph->nodes[i])) return false;
        for (int32_t u = 0; u < f->user_count[i]; u++)
            if (f->unit[f->users[i][u]] != unit && f->unit[f->users[i][u]] != reader_unit) return false;
    }
    return true;
}

static bool ends_in_reduction(const pgd_fusion *f, int32_t unit) {
    for (int32_t i = f->first[unit]; i >= 0; i = f->next[i])
        if (is_reduction(f->graph->nodes[i])) return true;
    return false;
}

static void try_edge(const pgd_fusion *f, const pgd_node *from, const pgd_node *to, bool *seen, int32_t *stack) {
    int32_t a = f->unit[from->id], b = f->unit[to->id];
    if (a < 0 || a == b || !pgd_fuse_core(from) || !pgd_symshape_equal(space_of(from), space_of(to))) return;
    if (ends_in_reduction(f, a) || (ends_in_reduction(f, b) && !private_to(f, a, b)) || detour(f, a, b, seen, stack)) return;
    join_if_it_fits(f, a, b, stack);
}

/* From the last node to the first: work gathers at its readers, so that what crosses from the forward to the backward half is as little as can be. */
static void merge_elementwise(const pgd_fusion *f, bool *seen, int32_t *stack) {
    for (int32_t i = f->graph->node_count - 1; i >= 0; i--) {
        const pgd_node *node = f->graph->nodes[i];
        if (!f->live[i] || !pgd_fuse_core(node) || (pgd_op_defs[node->op]->flags & PGD_OPF_RANDOM) != 0) continue;
        for (int32_t k = 0; k < node->input_count; k++) try_edge(f, node->inputs[k]->node, node, seen, stack);
    }
}

/* An input of an epilogue is walked as [batch, row, col]: inside a group of axes it must have all or none. */
static bool epilogue_input_fits(const pgd_node *core, pgd_symshape input, pgd_symshape space) {
    int32_t cols = core->op == PGD_OP_MATMUL ? 1 : 2, rank = space.rank;
    if (input.rank != rank) return false;
    for (int32_t first = 0, group = 0; group < 3; group++) {
        int32_t end = group == 0 ? rank - cols - 1 : group == 1 ? rank - cols : rank;
        bool whole = true, none = true;
        for (int32_t d = first; d < end; d++) {
            whole = whole && input.dims[d] == space.dims[d];
            none = none && input.dims[d] == 1;
        }
        if (!whole && !none) return false;
        first = end;
    }
    return true;
}

static bool epilogue_fits(const pgd_fusion *f, const pgd_node *core, int32_t unit) {
    int32_t outputs = 0;
    for (int32_t i = f->first[unit]; i >= 0; i = f->next[i]) {
        const pgd_node *node = f->graph->nodes[i];
        if (is_reduction(node) || !pgd_symshape_equal(node->outputs[0].shape, core->outputs[0].shape)) return false;
        bool leaves = f->kept[i];
        for (int32_t u = 0; u < f->user_count[i]; u++) leaves = leaves || f->unit[f->users[i][u]] != unit;
        if (leaves && (++outputs > 1 || node->outputs[0].dtype != PGD_F32)) return false;
        for (int32_t k = 0; k < node->input_count; k++) {
            const pgd_value *in = node->inputs[k];
            if (f->unit[in->node->id] == unit) continue;
            while (pgd_fuse_inlined(in->node) && in->node->op == PGD_OP_BROADCAST) in = in->node->inputs[0];
            if (in->node == core && in != &core->outputs[0]) return false;
            if (!pgd_fuse_inlined(in->node) && !epilogue_input_fits(core, in->shape, core->outputs[0].shape)) return false;
        }
    }
    return outputs == 1;
}

static void attach_epilogues(const pgd_fusion *f, bool *seen, int32_t *stack) {
    for (int32_t i = 0; i < f->graph->node_count; i++) {
        const pgd_node *core = f->graph->nodes[i];
        if (!f->live[i] || !pgd_fuse_takes_epilogue(core) || core->outputs[0].dtype != PGD_F32 || f->kept[i] || f->user_count[i] == 0) continue;
        int32_t unit = f->unit[f->users[i][0]];
        bool alone = unit >= 0 && pgd_fuse_core(f->graph->nodes[f->users[i][0]]);
        for (int32_t u = 0; alone && u < f->user_count[i]; u++) alone = f->unit[f->users[i][u]] == unit;
        /* one of these per epilogue */
        for (int32_t j = alone ? f->first[unit] : -1; alone && j >= 0; j = f->next[j])
            alone = !pgd_fuse_takes_epilogue(f->graph->nodes[j]);
        if (!alone || !epilogue_fits(f, core, unit) || detour(f, f->unit[i], unit, seen, stack)) continue;
        join_if_it_fits(f, i, unit, stack);
    }
}

static pgd_status collect_users(pgd_fusion *f, pgd_arena *arena) {
    const pgd_graph *g = f->graph;
    for (int32_t pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < g->node_count; i++)
            for (int32_t k = 0; f->live[i] && k < g->nodes[i]->input_count; k++) {
                int32_t from = g->nodes[i]->inputs[k]->node->id;
                if (pass == 1) f->users[from][f->user_count[from]] = i;
                f->user_count[from]++;
            }
        for (int32_t i = 0; pass == 0 && i < g->node_count; i++) {
            f->users[i] = pgd_arena_alloc(arena, sizeof(int32_t) * (size_t)(f->user_count[i] + 1));
            if (f->users[i] == NULL) return pgd_fail_memory(sizeof(int32_t));
            f->user_count[i] = 0;
        }
    }
    for (int32_t i = 0; i < g->output_count; i++) f->kept[g->outputs[i].value->node->id] = true;
    for (int32_t i = 0; i < g->update_count; i++) f->kept[g->updates[i].value->node->id] = true;
    return PGD_OK;
}

static pgd_status fuse(const pgd_graph *from, bool alone, pgd_arena *arena, pgd_graph **out) {
    size_t count = (size_t)from->node_count + 1;
    pgd_fusion f = {.graph = from};
    f.unit = pgd_arena_alloc(arena, count * sizeof *f.unit);
    f.first = pgd_arena_alloc(arena, count * sizeof *f.first);
    f.next = pgd_arena_alloc(arena, count * sizeof *f.next);
    f.live = pgd_arena_alloc(arena, count);
    f.kept = pgd_arena_alloc(arena, count);
    f.users = pgd_arena_alloc(arena, count * sizeof *f.users);
    f.user_count = pgd_arena_alloc(arena, count * sizeof *f.user_count);
    f.draft = pgd_arena_alloc(arena, sizeof *f.draft + PGD_PROGRAM_INSTRS * sizeof(pgd_instr));
    f.registers = pgd_arena_alloc(arena, count * sizeof *f.registers);
    bool *seen = pgd_arena_alloc(arena, count);
    int32_t *stack = pgd_arena_alloc(arena, count * sizeof *stack);
    if (f.unit == NULL || f.first == NULL || f.next == NULL || f.live == NULL || f.kept == NULL || f.users == NULL || f.user_count == NULL || f.draft == NULL || f.registers == NULL || seen == NULL || stack == NULL) return pgd_fail_memory(count * 32);
    PGD_TRY(pgd_mark_live(from, f.live));
    PGD_TRY(collect_users(&f, arena));
    for (int32_t i = 0; i < from->node_count; i++) {
        f.unit[i] = f.first[i] = !f.live[i] || pgd_fuse_inlined(from->nodes[i]) ? -1 : i;
        f.next[i] = -1;
    }
    if (!alone) {
        merge_elementwise(&f, seen, stack);
        attach_epilogues(&f, seen, stack);
    }
    return pgd_fuse_emit(&f, out);
}

pgd_status pgd_pass_fuse(const pgd_graph *from, bool alone, pgd_graph **out) {
    pgd_arena arena = {0};
    *out = NULL;
    pgd_status status = fuse(from, alone, &arena, out);
    pgd_arena_deinit(&arena);
    return status;
}
