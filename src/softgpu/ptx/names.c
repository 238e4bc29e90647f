/* SPDX-License-Identifier: Apache-2.0
 * A hash table of names, each with a stack of meanings. */
#include "names.h"

#include <string.h>

bool ptx_names_init(ptx_names *names, pgd_arena *arena) {
    *names = (ptx_names){.arena = arena, .bucket_count = 1024};
    names->buckets = pgd_mem_zalloc(sizeof *names->buckets * (size_t)names->bucket_count);
    return names->buckets != NULL;
}

void ptx_names_deinit(ptx_names *names) { pgd_mem_free(names->buckets); }

static ptx_name *look_up(const ptx_names *names, const char *text, size_t count, uint64_t hash) {
    for (ptx_name *n = names->buckets[hash % (uint64_t)names->bucket_count]; n != NULL; n = n->next)
        if (n->hash == hash && strncmp(n->text, text, count) == 0 && n->text[count] == '\0') return n;
    return NULL;
}

static bool rehash(ptx_names *names) {
    int32_t count = names->bucket_count * 4;
    ptx_name **buckets = pgd_mem_zalloc(sizeof *buckets * (size_t)count);
    if (buckets == NULL) return false;
    for (int32_t i = 0; i < names->bucket_count; i++)
        for (ptx_name *n = names->buckets[i], *next; n != NULL; n = next) {
            next = n->next;
            n->next = buckets[n->hash % (uint64_t)count];
            buckets[n->hash % (uint64_t)count] = n;
        }
    pgd_mem_free(names->buckets);
    names->buckets = buckets;
    names->bucket_count = count;
    return true;
}

ptx_name *ptx_names_intern(ptx_names *names, const char *text, size_t count) {
    uint64_t hash = pgd_hash_bytes(text, count, 0);
    ptx_name *n = look_up(names, text, count, hash);
    if (n != NULL) return n;
    if (names->name_count >= 2 * names->bucket_count && !rehash(names)) return NULL;
    char *copy = pgd_arena_alloc(names->arena, count + 1);
    n = pgd_arena_alloc(names->arena, sizeof *n);
    if (n == NULL || copy == NULL) return NULL;
    memcpy(copy, text, count);
    n->text = copy;
    n->hash = hash;
    n->next = names->buckets[hash % (uint64_t)names->bucket_count];
    names->buckets[hash % (uint64_t)names->bucket_count] = n;
    names->name_count++;
    return n;
}

/* The digits at the end of a name that a range could have made: no zero before others. */
static size_t number_at_end(const char *text, size_t count, int32_t *number) {
    size_t digits = 0;
    int64_t value = 0;
    while (digits < count && text[count - 1 - digits] >= '0' && text[count - 1 - digits] <= '9') digits++;
    if (digits > 1 && text[count - digits] == '0') digits = 1; /* %r07 is no element of %r<..>, but might be of %r0<..> */
    if (digits == 0 || digits > 9 || digits == count) return 0;
    for (size_t i = count - digits; i < count; i++) value = value * 10 + (text[i] - '0');
    *number = (int32_t)value;
    return digits;
}

const ptx_meaning *ptx_names_find(ptx_names *names, const char *text, size_t count, int32_t *number) {
    const ptx_name *n = look_up(names, text, count, pgd_hash_bytes(text, count, 0));
    const ptx_meaning *found = n != NULL ? n->meaning : NULL;
    int32_t element = 0;
    if (found != NULL) *number = found->number;
    size_t digits = number_at_end(text, count, &element);
    const ptx_name *base = digits == 0 ? NULL : look_up(names, text, count - digits, pgd_hash_bytes(text, count - digits, 0));
    for (const ptx_meaning *r = base != NULL ? base->range : NULL; r != NULL; r = r->shadowed) {
        if (element >= r->count) continue;
        if (found != NULL && found->scope >= r->scope) break;
        *number = r->number + element;
        return r;
    }
    return found;
}

ptx_meaning *ptx_names_declare(ptx_names *names, const char *text, size_t count, ptx_meaning_kind kind, bool *again) {
    ptx_name *n = ptx_names_intern(names, text, count);
    *again = false;
    if (n == NULL) return NULL;
    ptx_meaning **top = kind == PTX_IS_RANGE ? &n->range : &n->meaning;
    if (*top != NULL && (*top)->scope == names->scope) {
        *again = true;
        return NULL;
    }
    ptx_meaning *m = pgd_arena_alloc(names->arena, sizeof *m);
    if (m == NULL) return NULL;
    *m = (ptx_meaning){.shadowed = *top, .next = names->declared[names->scope], .name = n, .kind = kind, .scope = names->scope};
    *top = names->declared[names->scope] = m;
    return m;
}

bool ptx_names_open(ptx_names *names) {
    if (names->scope >= PTX_NEST_MAX) return false;
    names->declared[++names->scope] = NULL;
    return true;
}

void ptx_names_close(ptx_names *names) {
    for (const ptx_meaning *m = names->declared[names->scope]; m != NULL; m = m->next) {
        if (m->kind == PTX_IS_RANGE)
            m->name->range = m->shadowed;
        else
            m->name->meaning = m->shadowed;
    }
    names->scope--;
}
