/* SPDX-License-Identifier: Apache-2.0
 * Takes the rows of forms.def apart, and fits what was read to them. */
#include "forms.h"

#include <pthread.h>
#include <string.h>

const ptx_type_info ptx_types[PTX_TYPE_COUNT] = {
    [PTX_NO_TYPE] = {"", 0, 0, PTX_BITS},
#define X(name, bits, kind, lanes) {#name, bits, lanes, PTX_##kind},
    PTX_TYPE_LIST(X)
#undef X
};

const char *const ptx_space_names[PTX_SPACE_COUNT] = {
#define X(name) #name,
    PTX_SPACE_LIST(X)
#undef X
};

const ptx_special_info ptx_specials[PTX_SPECIAL_COUNT] = {
#define X(name, text, type) {text, PTX_##type},
    PTX_SPECIAL_LIST(X)
#undef X
};

static const char *const words[PTX_WORD_COUNT] = {
    "",
#define X(name) #name,
    PTX_WORD_LIST(X)
#undef X
#define X(name, text) text,
    PTX_ODD_WORD_LIST(X)
#undef X
};

static const char *const slots[PTX_SLOT_COUNT] = {
#define X(name) #name,
    PTX_SLOT_LIST(X)
#undef X
};

static ptx_form forms[PTX_FORM_COUNT] = {
#define PTX_FORM(name, opcode, modifiers, operands, version, target) {#name, opcode, modifiers, operands, version, target, 0, 0, 0, {{0}}, {{0}}},
#include "forms.def"
#undef PTX_FORM
};

/* Of PTX, and not built here. */
static const char *const later[] = {"tex",          "tld4",       "txq",        "istypep",    "suld",     "sust",      "sured",     "suq",         "wmma",          "wgmma",         "mbarrier", "tensormap",
                                    "stmatrix",     "movmatrix",  "multimem",   "mapa",       "getctarank", "griddepcontrol", "setmaxnreg", "createpolicy", "applypriority", "discard", "alloca",
                                    "stacksave",    "stackrestore", "tcgen05",  "vadd",       "vsub",     "vabsdiff",  "vmin",      "vmax",        "vshl",          "vshr",          "vmad",     "vset",
                                    "vadd2",        "vadd4",      "vavrg2",     "vavrg4",     "clusterlaunchcontrol", "st.async", "red.async"};

static bool same(const char *text, const char *at, size_t count) { return strlen(text) == count && memcmp(text, at, count) == 0; }

/* ---- texts to numbers ---------------------------------------------------------------------------------------------------------------------------------- */

typedef enum entry_kind { NO_ENTRY, TYPE_ENTRY, WORD_ENTRY, OPCODE_ENTRY } entry_kind;
static struct {
    const char *text;
    int32_t number;
    entry_kind kind;
} entries[1024]; /* more than twice as many as there are texts */
static int32_t next_of_opcode[PTX_FORM_COUNT]; /* the next row of the same opcode, -1: none */

static uint32_t place_of(entry_kind kind, const char *text, size_t count) {
    uint32_t at = (uint32_t)pgd_hash_bytes(text, count, kind) % 1024;
    while (entries[at].kind != NO_ENTRY && !(entries[at].kind == kind && same(entries[at].text, text, count))) at = (at + 1) % 1024;
    return at;
}

static void enter(entry_kind kind, const char *text, int32_t number) {
    uint32_t at = place_of(kind, text, strlen(text));
    if (entries[at].kind != NO_ENTRY) return;
    entries[at].text = text;
    entries[at].number = number;
    entries[at].kind = kind;
}

static void enter_all(void) {
    for (int32_t t = 1; t < PTX_TYPE_COUNT; t++) enter(TYPE_ENTRY, ptx_types[t].name, t);
    for (int32_t w = 1; w < PTX_WORD_COUNT; w++) enter(WORD_ENTRY, words[w], w);
    for (int32_t i = PTX_FORM_COUNT - 1; i >= 0; i--) { /* backwards: the entry ends as the first row */
        uint32_t at = place_of(OPCODE_ENTRY, forms[i].opcode, strlen(forms[i].opcode));
        next_of_opcode[i] = entries[at].kind == NO_ENTRY ? -1 : entries[at].number;
        enter(OPCODE_ENTRY, forms[i].opcode, i);
        entries[at].number = i;
    }
}

static int32_t look_up(entry_kind kind, const char *text, size_t count) {
    uint32_t at = place_of(kind, text, count);
    return entries[at].kind == NO_ENTRY ? -1 : entries[at].number;
}

static void prepare(void);

ptx_type ptx_type_find(const char *name, size_t count) {
    prepare();
    int32_t found = look_up(TYPE_ENTRY, name, count);
    return found < 0 ? PTX_NO_TYPE : (ptx_type)found;
}

int32_t ptx_word_find(const char *text, size_t count) {
    prepare();
    int32_t found = look_up(WORD_ENTRY, text, count);
    return found < 0 ? PTX_NO_WORD : found;
}

const char *ptx_word_text(int32_t word) { return words[word]; }
const char *ptx_slot_name(int32_t slot) { return slots[slot]; }

/* ---- the rows ---------------------------------------------------------------------------------------------------------------------------------------- */

static bool unsound; /* a row says what slots.h or ptx.h does not; a test looks */

static int32_t slot_find(const char *name, size_t count) {
    for (int32_t s = 0; s < PTX_SLOT_COUNT; s++)
        if (same(slots[s], name, count)) return s;
    unsound = true;
    return 0;
}

static ptx_modifier read_modifier(const char *at, size_t count) {
    ptx_modifier m = {.optional = *at == '?'};
    const char *end = at + count, *equal;
    at += m.optional;
    equal = memchr(at, '=', (size_t)(end - at));
    if (equal == NULL) {
        m.kind = PTX_FIXED_WORD;
    } else if (equal == at + 1 && strchr("TUVX", *at) != NULL) {
        m.kind = PTX_SLOT_TYPE;
        m.slot = (uint8_t)(strchr("TUVX", *at) - "TUVX");
    } else {
        m.kind = PTX_SLOT_WORD;
        m.slot = (uint8_t)slot_find(at, (size_t)(equal - at));
    }
    for (at = equal == NULL ? at : equal + 1; at < end; at++) {
        size_t length = 0;
        while (at + length < end && at[length] != '|') length++;
        int32_t choice = look_up(m.kind == PTX_SLOT_TYPE ? TYPE_ENTRY : WORD_ENTRY, at, length);
        if (choice <= 0) unsound = true, choice = 0;
        if (m.count < PTX_TYPE_CHOICES) m.choices[m.count++] = (uint8_t)choice;
        at += length;
    }
    return m;
}

static void read_operand_type(ptx_operand_rule *rule, const char *at, size_t count) {
    static const char letters[] = "TUVXWA";
    if (count == 1 && strchr(letters, *at) != NULL) {
        rule->type_of = (uint8_t)(strchr(letters, *at) - letters);
        return;
    }
    rule->type_of = PTX_OF_ITSELF;
    int32_t type = look_up(TYPE_ENTRY, at, count);
    if (type < 0) unsound = true;
    rule->type = (uint8_t)(type < 0 ? PTX_NO_TYPE : type);
}

static ptx_operand_rule read_operand(const char *at, size_t count) {
    static const char letters[] = "dsomnltc";
    ptx_operand_rule rule = {.optional = *at == '?'};
    const char *end = at + count;
    at += rule.optional;
    rule.wider = *at == 'D' || *at == 'S';
    if (rule.wider) rule.elements = PTX_COUNT_OF_VEC;
    const char *letter = strchr(letters, *at == 'D' ? 'd' : *at == 'S' ? 's' : *at);
    if (letter == NULL) unsound = true, letter = letters;
    rule.role = (uint8_t)(letter - letters);
    for (at++; at < end && *at == '|'; at++) rule.pair++;
    if (at < end && *at == '{') {
        const char *close = memchr(at, '}', (size_t)(end - at));
        if (close == NULL) unsound = true, close = at + 1;
        rule.elements = close == at + 1 ? PTX_COUNT_OF_WIDTH : at[1] == 'n' ? PTX_COUNT_OF_NUM : PTX_FIXED_COUNT;
        rule.count = (uint8_t)(rule.elements == PTX_FIXED_COUNT ? at[1] - '0' : 0);
        at = close + 1;
    }
    if (at < end && *at == ':') read_operand_type(&rule, at + 1, (size_t)(end - at - 1));
    return rule;
}

static void read_rows(void) {
    for (int32_t i = 0; i < PTX_FORM_COUNT; i++) {
        ptx_form *f = &forms[i];
        for (const char *at = f->modifier_text; *at != '\0'; at += strspn(at, " ")) {
            size_t count = strcspn(at, " ");
            f->modifiers[f->modifier_count++] = read_modifier(at, count);
            at += count;
        }
        for (const char *at = f->operand_text; *at != '\0'; at += strspn(at, " ")) {
            size_t count = strcspn(at, " ");
            f->operands[f->operand_count] = read_operand(at, count);
            f->operands_needed += !f->operands[f->operand_count++].optional;
            at += count;
        }
    }
}

static void read_table(void) {
    enter_all();
    read_rows();
}

static void prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_table);
}

const ptx_form *ptx_form_get(int32_t form) {
    prepare();
    return &forms[form];
}

bool ptx_forms_sound(void) {
    prepare();
    return !unsound;
}

int32_t ptx_form_next(int32_t after, const char *opcode, size_t count) {
    prepare();
    return after < 0 ? look_up(OPCODE_ENTRY, opcode, count) : next_of_opcode[after];
}

bool ptx_opcode_known(const char *opcode, size_t count) {
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (same(later[i], opcode, count)) return true;
    return false;
}

/* ---- fitting ------------------------------------------------------------------------------------------------------------------------------------------- */

static int32_t choice(const ptx_modifier *m, const char *text, size_t count) {
    int32_t wanted = m->kind == PTX_SLOT_TYPE ? (int32_t)ptx_type_find(text, count) : ptx_word_find(text, count);
    for (int32_t i = 0; wanted != 0 && i < m->count; i++)
        if (m->choices[i] == wanted) return wanted;
    return 0;
}

/* A type fills the first free type of the form and no later one; a word the first place that takes it. */
bool ptx_form_fits(const ptx_form *form, const ptx_mnemonic *mnemonic, ptx_instruction *into) {
    bool filled[PTX_MODIFIERS_MAX] = {false};
    memset(into->slots, 0, sizeof into->slots);
    memset(into->types, 0, sizeof into->types);
    for (int32_t w = 0; w < mnemonic->count; w++) {
        int32_t found = 0;
        for (int32_t i = 0; i < form->modifier_count && found == 0; i++) {
            const ptx_modifier *m = &form->modifiers[i];
            if (filled[i]) continue;
            found = choice(m, mnemonic->words[w].text, mnemonic->words[w].count);
            if (found == 0 && m->kind == PTX_SLOT_TYPE && ptx_type_find(mnemonic->words[w].text, mnemonic->words[w].count) != PTX_NO_TYPE) return false;
            if (found == 0) continue;
            filled[i] = true;
            if (m->kind == PTX_SLOT_WORD) into->slots[m->slot] = (uint8_t)found;
            if (m->kind == PTX_SLOT_TYPE) into->types[m->slot] = (uint8_t)found;
        }
        if (found == 0) return false;
    }
    for (int32_t i = 0; i < form->modifier_count; i++)
        if (!filled[i] && !form->modifiers[i].optional) return false;
    return true;
}

static ptx_type wide(ptx_type type) {
    static const ptx_type twice[PTX_TYPE_COUNT] = {[PTX_u16] = PTX_u32, [PTX_s16] = PTX_s32, [PTX_u32] = PTX_u64, [PTX_s32] = PTX_s64};
    return twice[type];
}

ptx_type ptx_rule_type(const ptx_operand_rule *rule, const ptx_instruction *instruction, int32_t address_bits) {
    switch (rule->type_of) {
    case PTX_OF_WIDE: return wide((ptx_type)instruction->types[0]);
    case PTX_OF_ADDRESS: return address_bits == 64 ? PTX_u64 : PTX_u32;
    case PTX_OF_ITSELF: return (ptx_type)rule->type;
    default: return (ptx_type)instruction->types[rule->type_of];
    }
}

int32_t ptx_rule_count(const ptx_operand_rule *rule, const ptx_instruction *instruction) {
    int32_t vec = instruction->slots[PTX_SLOT_vec], num = instruction->slots[PTX_SLOT_num];
    switch (rule->elements) {
    case PTX_FIXED_COUNT: return rule->count;
    case PTX_COUNT_OF_NUM: return num == PTX_WORD_x4 ? 4 : num == PTX_WORD_x2 ? 2 : 1;
    case PTX_COUNT_OF_VEC: return vec == PTX_WORD_v4 ? 4 : vec == PTX_WORD_v2 ? 2 : 1;
    default: return 1;
    }
}

ptx_space ptx_instruction_space(const ptx_instruction *i) {
    switch (i->slots[PTX_SLOT_space]) {
    case PTX_WORD_global: return PTX_SPACE_global;
    case PTX_WORD_const: return PTX_SPACE_const;
    case PTX_WORD_local: return PTX_SPACE_local;
    case PTX_WORD_shared:
    case PTX_WORD_shared_cta: return PTX_SPACE_shared;
    case PTX_WORD_param:
    case PTX_WORD_param_entry:
    case PTX_WORD_param_func: return PTX_SPACE_param;
    default: return i->form == PTX_FORM_LDMATRIX ? PTX_SPACE_shared : PTX_SPACE_generic;
    }
}
