/* SPDX-License-Identifier: Apache-2.0
 * The list of cases: rows, combinations of their words and types, variants. Where a row has too many combinations, so many that every two choices meet (in rows of
 * cvt: every three). */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_build.h"

/* ---- combinations ---------------------------------------------------------------------------------------------------------------------------------------- */

enum { PLACES_MAX = 16, ALL_OF_THEM = 160, CHOICES_MAX = 25, TRIES = 4000 };

typedef struct combination {
    int32_t form, places;
    int32_t choices[PLACES_MAX], picks[PLACES_MAX]; /* of each modifier; the last choice of an optional one is to leave it out */
} combination;

static combination combination_of(int32_t number) {
    const ptx_form *form = ptx_form_get(number);
    combination c = {.form = number, .places = form->modifier_count};
    for (int32_t k = 0; k < c.places; k++) c.choices[k] = form->modifiers[k].count + form->modifiers[k].optional;
    return c;
}

static ptx_instruction words_of(const combination *c) {
    const ptx_form *form = ptx_form_get(c->form);
    ptx_instruction i = {.form = (uint16_t)c->form};
    for (int32_t k = 0; k < c->places; k++) {
        const ptx_modifier *m = &form->modifiers[k];
        if (c->picks[k] >= m->count) continue;
        if (m->kind == PTX_SLOT_WORD) i.slots[m->slot] = m->choices[c->picks[k]];
        if (m->kind == PTX_SLOT_TYPE) i.types[m->slot] = m->choices[c->picks[k]];
    }
    return i;
}

static bool next_combination(combination *c) {
    for (int32_t k = c->places - 1; k >= 0; k--) {
        if (++c->picks[k] < c->choices[k]) return true;
        c->picks[k] = 0;
    }
    return false;
}

/* ---- one case --------------------------------------------------------------------------------------------------------------------------------------------- */

static void name_case(golden_case *c, const combination *from) {
    const ptx_form *form = ptx_form_get(c->form);
    size_t at = (size_t)snprintf(c->name, sizeof c->name, "%s", form->name);
    for (int32_t k = 0; k < from->places; k++) {
        const ptx_modifier *m = &form->modifiers[k];
        if (m->kind == PTX_FIXED_WORD || from->picks[k] >= m->count || at >= sizeof c->name) continue;
        const char *word = m->kind == PTX_SLOT_TYPE ? ptx_types[m->choices[from->picks[k]]].name : ptx_word_text(m->choices[from->picks[k]]);
        at += (size_t)snprintf(c->name + at, sizeof c->name - at, ".%s", word);
    }
    if (form->operand_count != form->operands_needed && at < sizeof c->name) at += (size_t)snprintf(c->name + at, sizeof c->name - at, "/%d", c->operand_count);
    if (golden_variants(c->form) > 1 && at < sizeof c->name) at += (size_t)snprintf(c->name + at, sizeof c->name - at, "#%d", c->variant);
    if (c->uniform && at < sizeof c->name) snprintf(c->name + at, sizeof c->name - at, "/uniform");
    for (at = 0; c->name[at] != '\0'; at++) {
        char letter = c->name[at];
        c->kernel[at] = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ? letter : letter == '/' || letter == '#' ? '$' : '_';
    }
}

static bool add_case(golden_list *list, const combination *from, int32_t operands, int32_t variant, bool uniform) {
    if (!pgd_grow(&list->cases, &list->capacity, list->count, sizeof *list->cases)) return false;
    golden_case *c = &list->cases[list->count];
    *c = (golden_case){.form = from->form, .variant = variant, .operand_count = operands, .uniform = uniform, .words = words_of(from), .grid = {1, 1, 1}, .block = {1, 1, 1}};
    golden_need(c->form, &c->words, &c->version, &c->target);
    name_case(c, from);
    golden_build b = {.c = c};
    golden_threads(&b, uniform ? 256 : 512);
    if (uniform) c->grid[0] = (uint32_t)c->threads / 32, c->block[0] = 32;
    bool wanted = uniform ? golden_build_plain(&b) : golden_build_memory(&b) || golden_build_threads(&b) || golden_build_matrix(&b) || golden_build_plain(&b);
    pgd_text text = {0};
    pgd_text_add(&text, "%s.visible .entry %s(.param .u64 in, .param .u64 out, .param .align 16 .b8 data[%d])\n{\n    .reg .b64 %%in, %%out, %%inf, %%of;\n    .reg .b32 %%t, %%n;\n", b.before.chars == NULL ? "" : b.before.chars, c->kernel, GOLDEN_DATA_BYTES);
    pgd_text_add(&text, "    ld.param.u64 %%in, [in];\n    ld.param.u64 %%out, [out];\n    mov.u32 %%t, %%tid.x;\n");
    if (c->grid[0] * c->grid[1] * c->grid[2] * c->block[1] * c->block[2] > 1) {
        static const char *const outer[][2] = {{"%ctaid.z", "%nctaid.y"}, {"%ctaid.y", "%nctaid.x"}, {"%ctaid.x", "%ntid.z"}, {"%tid.z", "%ntid.y"}, {"%tid.y", "%ntid.x"}};
        pgd_text_add(&text, "    .reg .b32 %%m;\n    mov.u32 %%t, 0;\n");
        for (size_t k = 0; k < 5; k++) pgd_text_add(&text, "    mov.u32 %%n, %s;\n    add.u32 %%t, %%t, %%n;\n    mov.u32 %%m, %s;\n    mul.lo.u32 %%t, %%t, %%m;\n", outer[k][0], outer[k][1]);
        pgd_text_add(&text, "    mov.u32 %%n, %%tid.x;\n    add.u32 %%t, %%t, %%n;\n");
    }
    pgd_text_add(&text, "    mad.wide.u32 %%inf, %%t, 16, %%in;\n    mad.wide.u32 %%of, %%t, 16, %%out;\n    mad.wide.u32 %%out, %%t, 8, %%out;\n");
    if (uniform) pgd_text_add(&text, "    mov.u32 %%t, %%ctaid.x;\n    mul.lo.u32 %%t, %%t, 32;\n");
    pgd_text_add(&text, "    mad.wide.u32 %%in, %%t, 8, %%in;\n%s    ret;\n}\n\n", b.body.chars == NULL ? "" : b.body.chars);
    bool fine = !text.failed && !b.before.failed && !b.body.failed;
    pgd_mem_free(b.before.chars);
    pgd_mem_free(b.body.chars);
    c->text = text.chars;
    if (!wanted) pgd_mem_free(text.chars);
    else list->count++;
    return fine;
}

/* Comparisons that are joined with a predicate, and those of set, are many, and executors do not tell them from others. */
static bool uniform_too(int32_t form) { return form < PTX_FORM_LD && !(form >= PTX_FORM_SETP_BITS_BOOL && form <= PTX_FORM_SET_PAIR_BOOL) && form != PTX_FORM_CVTA && form != PTX_FORM_ISSPACEP; }

static bool add_all(golden_list *list, const combination *c) {
    const ptx_form *form = ptx_form_get(c->form);
    for (int32_t operands = form->operands_needed; operands <= form->operand_count; operands++)
        for (int32_t v = 0; v < golden_variants(c->form); v++)
            if (!add_case(list, c, operands, v, false) || (uniform_too(c->form) && !add_case(list, c, operands, v, true))) return false;
    return true;
}

/* ---- a row -------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Which choices have met: a bit for each two or three of them. */
enum { CHOICES_ALL = PLACES_MAX * CHOICES_MAX };
typedef struct cover {
    uint64_t *bits;
    int32_t strength;
} cover;

static size_t cover_words(int32_t strength) { return ((size_t)CHOICES_ALL * CHOICES_ALL * (strength == 3 ? CHOICES_ALL : 1) + 63) / 64; }

/* Marks what meets in a combination; true: something met for the first time. */
static bool covers_more(const cover *seen, const combination *c) {
    bool more = false;
    for (int32_t i = 0; i < c->places; i++)
        for (int32_t j = i; j < c->places; j++)
            for (int32_t k = seen->strength == 3 ? j : c->places - 1; k < c->places; k++) {
                size_t x = (size_t)(i * CHOICES_MAX + c->picks[i]), y = (size_t)(j * CHOICES_MAX + c->picks[j]), z = seen->strength == 3 ? (size_t)(k * CHOICES_MAX + c->picks[k]) : 0, at = (z * CHOICES_ALL + y) * CHOICES_ALL + x;
                more = more || (seen->bits[at / 64] >> at % 64 & 1) == 0;
                seen->bits[at / 64] |= UINT64_C(1) << at % 64;
            }
    return more;
}

static bool add_row(golden_list *list, int32_t number, uint64_t *room) {
    const ptx_form *form = ptx_form_get(number);
    combination c = combination_of(number);
    int64_t all = 1;
    for (int32_t k = 0; k < c.places; k++) all *= c.choices[k];
    bool few = all <= ALL_OF_THEM;
    uint64_t random = 0x9e3779b97f4a7c15u + (uint64_t)number;
    cover seen = {room, strcmp(form->opcode, "cvt") == 0 ? 3 : 2};
    if (!few) memset(room, 0, cover_words(seen.strength) * 8);
    for (int32_t misses = 0; misses < TRIES;) {
        if (!few)
            for (int32_t k = 0; k < c.places; k++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                c.picks[k] = (int32_t)((random >> 33) % (uint64_t)c.choices[k]);
                if (k > 0 && form->modifiers[k].optional && form->modifiers[k].kind == PTX_SLOT_WORD && (random >> 20 & 1) != 0) c.picks[k] = c.choices[k] - 1; /* most are left out */
            }
        ptx_instruction words = words_of(&c);
        if (golden_possible(form, &words) && (few || covers_more(&seen, &c))) {
            if (!add_all(list, &c)) return false;
            misses = 0;
        }
        misses++;
        if (few && !next_combination(&c)) break;
    }
    return true;
}

static int by_needs(const void *a, const void *b) {
    const golden_case *x = a, *y = b;
    int order = x->target != y->target ? x->target - y->target : x->version != y->version ? x->version - y->version : x->form - y->form;
    return order != 0 ? order : strcmp(x->name, y->name);
}

static int by_kernel(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static pgd_status check_names(const golden_list *list) {
    const char **names = pgd_mem_alloc(sizeof *names * (size_t)list->count);
    if (names == NULL) return pgd_fail_memory(sizeof *names * (size_t)list->count);
    const char *twice = NULL;
    for (int32_t k = 0; k < list->count; k++) names[k] = list->cases[k].kernel;
    qsort(names, (size_t)list->count, sizeof *names, by_kernel);
    for (int32_t k = 1; k < list->count; k++)
        if (strcmp(names[k - 1], names[k]) == 0) twice = names[k];
    pgd_mem_free(names);
    return twice == NULL ? PGD_OK : pgd_fail(PGD_INTERNAL, "two cases are called %s", twice);
}

pgd_status golden_list_create(golden_list *out) {
    size_t room_bytes = cover_words(3) * 8;
    uint64_t *room = pgd_mem_alloc(room_bytes);
    bool fine = room != NULL;
    *out = (golden_list){0};
    for (int32_t f = 0; fine && f < PTX_FORM_COUNT; f++) fine = add_row(out, f, room);
    pgd_mem_free(room);
    if (!fine) {
        golden_list_destroy(out);
        return pgd_fail_memory(room_bytes);
    }
    qsort(out->cases, (size_t)out->count, sizeof *out->cases, by_needs);
    return check_names(out);
}

void golden_list_destroy(golden_list *list) {
    for (int32_t k = 0; k < list->count; k++) pgd_mem_free(list->cases[k].text);
    pgd_mem_free(list->cases);
    *list = (golden_list){0};
}

uint32_t golden_case_digest(const golden_case *c) {
    uint64_t *cells = pgd_mem_zalloc(golden_input_bytes(c) + 8);
    if (cells == NULL) return 0;
    golden_inputs(c, cells);
    uint64_t digest = pgd_hash_bytes(cells, golden_input_bytes(c), pgd_hash_bytes(c->text, strlen(c->text), 0));
    pgd_mem_free(cells);
    return (uint32_t)(digest ^ digest >> 32);
}

/* ---- modules ------------------------------------------------------------------------------------------------------------------------------------------------ */

int32_t golden_module_count(const golden_list *list, int32_t first) {
    int32_t n = 0;
    const golden_case *a = &list->cases[first];
    while (first + n < list->count && n < GOLDEN_MODULE_KERNELS && a[n].version == a->version && a[n].target == a->target) n++;
    return n;
}

void golden_module_text(const golden_case *cases, int32_t count, pgd_text *out) {
    pgd_text_add(out, ".version %d.%d\n.target sm_%d\n.address_size 64\n\n.shared .align 16 .b8 room[%d];\n.shared .align 8 .b8 single[8];\n\n", cases->version / 10, cases->version % 10, cases->target, GOLDEN_SHARED_BYTES);
    for (int32_t k = 0; k < count; k++) pgd_text_add(out, "%s", cases[k].text);
}
