/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <string.h>

enum { LINES_OF_A_CASE = 3 };

/* ---- running ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status run_case(golden_machine *m, const golden_case *c, golden_record *r) {
    size_t in_bytes = golden_input_bytes(c), out_bytes = golden_output_bytes(c);
    uint64_t *cells = pgd_mem_alloc(in_bytes + out_bytes + 8);
    gpu_fault fault;
    r->bytes = golden_raw_bytes(c);
    r->raw = pgd_mem_zalloc(r->bytes + 1);
    pgd_status status = PGD_OK;
    snprintf(r->name, sizeof r->name, "%s", c->name);
    if (cells == NULL || r->raw == NULL) {
        status = pgd_fail_memory(in_bytes + out_bytes);
    } else {
        golden_inputs(c, cells);
        status = golden_machine_run(m, c, cells, cells + in_bytes / 8, &fault);
        bool clean = golden_raw(c, cells + in_bytes / 8, r->raw);
        if (status == PGD_DEVICE) snprintf(r->status, sizeof r->status, "fault:%d", fault.kind), r->bytes = 0, status = PGD_OK;
        else snprintf(r->status, sizeof r->status, clean ? "ok" : "wide");
    }
    pgd_mem_free(cells);
    return status;
}

static pgd_status run_all(const golden_list *list, golden_machine *m, const char *only, golden_results *out) {
    for (int32_t first = 0; first < list->count;) {
        int32_t n = golden_module_count(list, first);
        bool loaded = false;
        for (int32_t k = first; k < first + n; k++) {
            if (only != NULL && strstr(list->cases[k].name, only) == NULL) continue;
            if (!loaded) PGD_TRY(golden_machine_load(m, &list->cases[first], n));
            loaded = true;
            PGD_TRY(run_case(m, &list->cases[k], &out->records[k]));
        }
        first += n;
    }
    return PGD_OK;
}

pgd_status golden_results_create(const golden_list *list, pgd_status (*run)(const gpu_launch *launch, gpu_fault *fault), const char *only, golden_results *out) {
    golden_machine m;
    *out = (golden_results){list, pgd_mem_zalloc(sizeof *out->records * (size_t)list->count)};
    if (out->records == NULL) return pgd_fail_memory(sizeof *out->records * (size_t)list->count);
    pgd_status status = golden_machine_create(&m);
    if (run != NULL) m.run = run;
    if (status == PGD_OK) status = run_all(list, &m, only, out);
    golden_machine_destroy(&m);
    if (status != PGD_OK) golden_results_destroy(out);
    return status;
}

void golden_results_destroy(golden_results *results) {
    for (int32_t k = 0; results->records != NULL && k < results->list->count; k++) pgd_mem_free(results->records[k].raw);
    pgd_mem_free(results->records);
    *results = (golden_results){0};
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct teller {
    FILE *out;
    int32_t left, of_case;
} teller;

static bool may_tell(teller *t) {
    if (t->left <= 0 || t->of_case <= 0) return false;
    t->left--;
    t->of_case--;
    return true;
}

static void tell_place(teller *t, const golden_case *c, const uint64_t *inputs, int32_t column, int32_t element) {
    fprintf(t->out, "%s result %d of thread %d, operands", c->name, column, element);
    for (int32_t k = 0; k < c->input_count; k++) fprintf(t->out, " %0*" PRIx64, 2 * golden_column_bytes(&c->inputs[k]), inputs[k * c->threads + element]);
}

static void tell_lane(teller *t, const golden_lane *want) {
    if (want->how == GOLDEN_NEAR) fprintf(t->out, " %a within %a", want->value, want->error);
    else if (want->how == GOLDEN_ZERO) fprintf(t->out, " a zero");
    else if (want->how == GOLDEN_OPEN) fprintf(t->out, " anything");
    else fprintf(t->out, " %" PRIx64, want->bits);
}

static bool all_open(const golden_expected *w) { return w->lanes[0].how == GOLDEN_OPEN && (!w->packed || w->lanes[1].how == GOLDEN_OPEN); }
static bool is_near(const golden_expected *w) { return w->lanes[0].how == GOLDEN_NEAR || (w->packed && w->lanes[1].how == GOLDEN_NEAR); }

/* ---- against what must come ------------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct room {
    uint64_t *inputs;
    golden_expected *want;
} room;

static bool make_room(const golden_case *c, room *r) {
    r->inputs = pgd_mem_alloc(golden_input_bytes(c) + 8);
    r->want = pgd_mem_alloc(sizeof *r->want * (size_t)(c->threads * c->output_count + 1));
    if (r->inputs != NULL) golden_inputs(c, r->inputs);
    return r->inputs != NULL && r->want != NULL;
}

static void free_room(room *r) {
    pgd_mem_free(r->inputs);
    pgd_mem_free(r->want);
}

static void check_cells(const golden_case *c, const unsigned char *raw, const char *whose, const room *r, teller *t, golden_verdict *v) {
    for (int32_t k = 0; k < c->output_count; k++)
        for (int32_t e = 0; e < c->threads; e++) {
            const golden_expected *want = &r->want[k * c->threads + e];
            uint64_t got = golden_raw_value(c, raw, k, e);
            v->cells++;
            v->open += all_open(want);
            v->rows[c->form] = v->rows[c->form] || !all_open(want);
            if (golden_agrees(c->outputs[k].type, want, got)) continue;
            v->differences++;
            if (!may_tell(t)) continue;
            tell_place(t, c, r->inputs, k, e);
            fprintf(t->out, ": expected");
            tell_lane(t, &want->lanes[0]);
            if (want->packed) tell_lane(t, &want->lanes[1]);
            fprintf(t->out, ", %s gave %" PRIx64 "\n", whose, got);
        }
}

golden_verdict golden_check_expected(const golden_results *results, FILE *out, int32_t limit) {
    golden_verdict v = {0};
    teller t = {out, limit, 0};
    for (int32_t k = 0; k < results->list->count; k++) {
        const golden_case *c = &results->list->cases[k];
        const golden_record *r = &results->records[k];
        room space;
        t.of_case = LINES_OF_A_CASE;
        if (r->raw == NULL) continue;
        v.cases++;
        if (c->faults || strcmp(r->status, "ok") != 0) {
            bool right = c->faults && strncmp(r->status, "fault", 5) == 0;
            v.differences += !right;
            if (!right && may_tell(&t)) fprintf(out, "%s: expected %s, came %s\n", c->name, c->faults ? "a fault" : "results", r->status);
            continue;
        }
        if (!make_room(c, &space)) v.differences++;
        else if (!golden_expect(c, space.inputs, space.want)) v.without++;
        else check_cells(c, r->raw, "the executor", &space, &t, &v);
        free_room(&space);
    }
    return v;
}

/* ---- against what came elsewhere ------------------------------------------------------------------------------------------------------------------------------------------- */

/* Bit by bit; but what the manual only bounds, or leaves open, is held against the manual, and NaNs of a file that says "nan: any" are any. */
static void compare_cells(const golden_case *c, const golden_record *mine, const golden_record *theirs, bool any_nan, const room *r, teller *t, golden_verdict *v) {
    for (int32_t k = 0; k < c->output_count; k++)
        for (int32_t e = 0; e < c->threads; e++) {
            const golden_expected *want = &r->want[k * c->threads + e];
            uint64_t got = golden_raw_value(c, mine->raw, k, e), golden = golden_raw_value(c, theirs->raw, k, e);
            const ptx_type type = c->outputs[k].type, half = golden_half(type);
            v->cells++;
            v->open += all_open(want);
            v->rows[c->form] = v->rows[c->form] || !all_open(want);
            golden_expected same = half != PTX_NO_TYPE ? golden_pair(golden_number(golden & (UINT64_MAX >> (64 - ptx_types[half].bits))), golden_number(golden >> ptx_types[half].bits)) : golden_whole(golden_number(golden));
            if (got == golden || all_open(want) || (any_nan && golden_agrees(type, &same, got)) || (is_near(want) && golden_agrees(type, want, golden))) continue;
            v->differences++;
            if (!may_tell(t)) continue;
            tell_place(t, c, r->inputs, k, e);
            fprintf(t->out, ": the file has %" PRIx64 ", the executor gave %" PRIx64 "%s\n", golden, got, is_near(want) ? "; the file's is beyond the bound" : "");
        }
}

golden_verdict golden_check_file(const golden_results *results, const golden_file *file, FILE *out, int32_t limit) {
    golden_verdict v = {0};
    teller t = {out, limit, 0};
    bool any_nan = strstr(file->text, "nan: any\n") != NULL;
    for (int32_t k = 0; k < file->count; k++) {
        const golden_record *theirs = &file->records[k], *mine = NULL;
        const golden_case *c = NULL;
        room space;
        t.of_case = LINES_OF_A_CASE;
        for (int32_t j = 0; j < results->list->count && c == NULL; j++)
            if (strcmp(results->list->cases[j].name, theirs->name) == 0) c = &results->list->cases[j], mine = &results->records[j];
        if (c == NULL || golden_case_digest(c) != theirs->digest) {
            v.stale++;
            continue;
        }
        if (mine->raw == NULL) continue;
        v.cases++;
        if (strncmp(theirs->status, "ok", 2) != 0 || strcmp(mine->status, "ok") != 0) {
            if (strncmp(theirs->status, mine->status, 5) == 0) continue; /* both faulted */
            v.differences++;
            if (may_tell(&t)) fprintf(out, "%s: the file has %s, the executor %s\n", c->name, theirs->status, mine->status);
            continue;
        }
        if (theirs->bytes != mine->bytes || !make_room(c, &space)) {
            v.differences++;
            continue;
        }
        if (!golden_expect(c, space.inputs, space.want)) v.without++;
        compare_cells(c, mine, theirs, any_nan, &space, &t, &v);
        free_room(&space);
    }
    return v;
}
