/* SPDX-License-Identifier: Apache-2.0
 * Loads and stores of all lanes: one check for addresses that are one, or follow each other, else one for each lane. What does not fit - another window, a fault - goes the way
 * of the reference, lane by lane (vector_memory.c). */

/* A stretch of memory that lanes may reach. */
typedef struct view {
    uint64_t address, bytes;
    char *host;
    uint64_t apart; /* bytes between the memory of two lanes; 0: they share it */
} view;

static const gpu_memory_window *look(vec_warp *w, const vec_step *s, uint64_t address, uint64_t bytes) {
    gpu_memory_window *window = &w->worker->windows[s->site];
    return gpu_memory_look(w->worker->memory, window, w->worker->launch->barred, address, bytes) != NULL ? window : NULL;
}

INLINE const gpu_memory_window *window_of(vec_warp *w, const vec_step *s, uint64_t address, uint64_t bytes) {
    const gpu_memory_window *window = &w->worker->windows[s->site];
    return __builtin_expect(gpu_memory_window_holds(window, address, bytes), 1) ? window : look(w, s, address, bytes);
}

INLINE ptx_space space_within(uint64_t generic, uint64_t *base) {
    *base = generic & ~(GPU_WINDOW_BYTES - 1);
    switch (*base) {
    case GPU_SHARED_BASE: return PTX_SPACE_shared;
    case GPU_LOCAL_BASE: return PTX_SPACE_local;
    case GPU_PARAM_BASE: return PTX_SPACE_param;
    default: *base = 0; return PTX_SPACE_global;
    }
}

/* What an access that begins at `address` may reach; false: the slow way. */
INLINE bool view_of(vec_warp *w, const vec_step *s, uint64_t address, uint64_t bytes, bool write, view *v) {
    ptx_space space = (ptx_space)s->space;
    uint64_t within = address, shift = 0, parameters;
    const gpu_memory_window *window;
    if (__builtin_expect(space == PTX_SPACE_generic, 0)) {
        space = address >= GPU_SHARED_BASE ? space_within(address, &shift) : PTX_SPACE_global;
        within = address - shift;
    }
    switch (space) {
    case PTX_SPACE_shared: *v = (view){shift, w->block->shared_bytes, w->block->shared, 0}; return true;
    case PTX_SPACE_local: *v = (view){shift, w->frame->local_top, w->local, w->local_capacity}; return true;
    case PTX_SPACE_param:
        parameters = (uint64_t)w->root.body->function->parameter_bytes;
        if (!w->own_parameters_made) { /* the kernel's lie elsewhere than those of its calls, and lanes may want both */
            if (within >= parameters) return false;
            *v = (view){shift, parameters, (char *)(uintptr_t)w->worker->launch->parameters, 0};
            return !write;
        }
        *v = (view){shift, w->frame->param_top, w->param, w->param_capacity};
        return true;
    default:
        window = window_of(w, s, address, bytes);
        if (window == NULL) return false;
        *v = (view){window->address, window->bytes, window->host, 0};
        return !(write && window->constant);
    }
}

INLINE bool holds(const view *v, uint64_t address, uint64_t bytes) { return bytes <= v->bytes && address - v->address <= v->bytes - bytes; }

/* What is added to the register of the address. */
INLINE uint64_t offset_of(const vec_warp *w, const vec_step *s) {
    switch (s->count) {
    case VEC_PARAMETERS: return w->frame->parameters + (uint64_t)s->offset;
    case VEC_OWN_PARAMETERS: return w->frame->own_parameters + (uint64_t)s->offset;
    case VEC_LOCALS: return w->frame->locals + (uint64_t)s->offset;
    default: return (uint64_t)s->offset;
    }
}

/* Address registers of 32 bits stand in 64. */
INLINE bool straight(const vec_warp *w, const vec_step *s, const vec_slot *a) { return scalar(a) && (s->width != VEC_32 || counts_u32(w, a)); }

/* Where each lane of the mask finds its bytes; false: the slow way. */
static bool places(vec_warp *w, const vec_step *s, vec_slot *a, uint64_t bytes, bool write, char **at) {
    uint64_t offset = offset_of(w, s), addresses[VEC_LANES];
    view v;
    if (s->width == VEC_32) {
        const uint32_t *x = in32(w, a);
        EACH_LANE(k) addresses[k] = x[k] + offset;
    } else {
        const uint64_t *x = in64(w, a);
        EACH_LANE(k) addresses[k] = x[k] + offset;
    }
    if (!view_of(w, s, addresses[__builtin_ctz(w->mask)], bytes, write, &v)) return false;
    uint64_t bad = 0, most = v.bytes - bytes;
    if (bytes > v.bytes) return false;
    if (w->mask == UINT32_MAX) {
        for (int32_t k = 0; k < VEC_LANES; k++) {
            uint64_t from = addresses[k] - v.address;
            bad |= (uint64_t)(from > most) | (addresses[k] & (bytes - 1));
            at[k] = v.host + (uint64_t)k * v.apart + (from > most ? 0 : from);
        }
        return bad == 0;
    }
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        int32_t k = __builtin_ctz(rest);
        uint64_t from = addresses[k] - v.address;
        bad |= (uint64_t)(from > most) | (addresses[k] & (bytes - 1));
        at[k] = v.host + (uint64_t)k * v.apart + (from > most ? 0 : from);
    }
    return bad == 0;
}

/* Where lane 0 finds its bytes, when addresses are told by base, stride and rise, all lanes live, and all of it lies in one piece that they share; NULL: another way. */
INLINE char *strided_place(vec_warp *w, const vec_step *s, const vec_slot *a, uint64_t bytes, bool write) {
    if (w->mask != UINT32_MAX || !straight(w, s, a) || (!uniform(a) && !steps_are_small(a))) return NULL;
    uint64_t address = a->base + offset_of(w, s), stride = stride_of(a), rise = rise_of(a);
    int64_t x = (int64_t)stride * ((1 << w->row_shift) - 1), y = (int64_t)rise * ((VEC_LANES >> w->row_shift) - 1);
    uint64_t least = address + (uint64_t)(x < 0 ? x : 0) + (uint64_t)(y < 0 ? y : 0), span = (uint64_t)(x < 0 ? -x : x) + (uint64_t)(y < 0 ? -y : y) + bytes;
    view v;
    if (((address | stride | rise) & (bytes - 1)) != 0 || span > UINT32_MAX || !view_of(w, s, least, span, write, &v) || v.apart != 0 || !holds(&v, least, span)) return NULL;
    return v.host + (address - v.address);
}

/* ---- loads ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

INLINE uint64_t fetched(const char *from, int32_t bytes, bool is_signed) {
    switch (bytes) {
    case 1: { uint8_t x = __atomic_load_n((const uint8_t *)from, __ATOMIC_ACQUIRE); return is_signed ? (uint64_t)(int8_t)x : x; }
    case 2: { uint16_t x = __atomic_load_n((const uint16_t *)(const void *)from, __ATOMIC_ACQUIRE); return is_signed ? (uint64_t)(int16_t)x : x; }
    case 4: { uint32_t x = __atomic_load_n((const uint32_t *)(const void *)from, __ATOMIC_ACQUIRE); return is_signed ? (uint64_t)(int32_t)x : x; }
    default: return __atomic_load_n((const uint64_t *)(const void *)from, __ATOMIC_ACQUIRE);
    }
}

INLINE const vec_register *register_of(const vec_warp *w, const ptx_operand *o, int32_t element) {
    int32_t number = o->kind == PTX_VECTOR ? o->items[element].number : o->number;
    return number < 0 ? NULL : &w->frame->body->registers[number];
}

/* Numbers of a register's type: a narrow one loses what it has no room for. */
INLINE uint64_t trimmed(const vec_register *r, uint64_t value) { return ptx_types[r->type].bits >= 64 ? value : value & ((UINT64_C(1) << ptx_types[r->type].bits) - 1); }

static bool load_each(vec_warp *w, const vec_step *s, vec_slot *a, uint64_t all) {
    const ptx_operand *o = &s->i->operands[0];
    int32_t bytes = s->bytes, elems = s->elems;
    char *at[VEC_LANES];
    uint64_t values[VEC_LANES][4];
    if (!places(w, s, a, all, false, at)) return false;
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
        for (int32_t k = __builtin_ctz(rest), e = 0; e < elems; e++) values[k][e] = fetched(at[k] + e * bytes, bytes, s->is_signed);
    for (int32_t e = 0; e < elems; e++) {
        const vec_register *r = register_of(w, o, e);
        if (r == NULL) continue;
        vec_slot *d = vec_at(w, r->at);
        if (r->width == VEC_32) {
            in32(w, d);
            uint32_t *z = out32(d);
            for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) z[__builtin_ctz(rest)] = (uint32_t)trimmed(r, values[__builtin_ctz(rest)][e]);
        } else {
            in64(w, d);
            uint64_t *z = out64(d);
            for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) z[__builtin_ctz(rest)] = trimmed(r, values[__builtin_ctz(rest)][e]);
        }
    }
    return true;
}

HANDLER(load) {
    vec_slot *a = vec_at(w, s->a);
    const ptx_operand *o = &s->i->operands[0];
    int32_t bytes = s->bytes, elems = s->elems;
    uint64_t all = (uint64_t)(bytes * elems);
    if (straight(w, s, a) && uniform(a) && vec_whole(w)) {
        uint64_t address = a->base + offset_of(w, s);
        view v;
        if ((address & (all - 1)) == 0 && view_of(w, s, address, all, false, &v) && v.apart == 0 && holds(&v, address, all)) {
            uint64_t values[4];
            for (int32_t e = 0; e < elems; e++) values[e] = fetched(v.host + (address - v.address) + e * bytes, bytes, s->is_signed);
            for (int32_t e = 0; e < elems; e++) {
                const vec_register *r = register_of(w, o, e);
                if (r != NULL) set_uniform(vec_at(w, r->at), trimmed(r, values[e]));
            }
            VEC_NEXT(w, s);
        }
    }
    if (!load_each(w, s, a, all)) return vec_run_load(w, s);
    VEC_NEXT(w, s);
}

/* Rows of lanes, each a piece of memory, one number, or numbers apart. */
INLINE bool load_rows(vec_warp *w, const vec_step *s, int32_t bytes) {
    vec_slot *a = vec_at(w, s->a), *d = vec_at(w, s->d);
    const char *from = strided_place(w, s, a, (uint64_t)bytes, false);
    int32_t across = 1 << w->row_shift;
    int64_t stride = (int64_t)stride_of(a), rise = (int64_t)rise_of(a);
    if (from == NULL) return false;
    char *to = (char *)vec_lanes32(d);
    d->state = VEC_SPREAD;
    for (int32_t k = 0; k < VEC_LANES; k += across, from += rise, to += across * bytes) {
        if (stride == bytes && across == 16) memcpy(to, from, 16 * (size_t)bytes);
        else if (stride == bytes && across == 8) memcpy(to, from, 8 * (size_t)bytes);
        else
            for (int32_t x = 0; x < across; x++) {
                if (bytes == 4) ((uint32_t *)(void *)to)[x] = (uint32_t)fetched(from + x * stride, 4, false);
                else ((uint64_t *)(void *)to)[x] = fetched(from + x * stride, 8, false);
            }
    }
    return true;
}

static bool load_words_each(vec_warp *w, const vec_step *s, int32_t bytes) {
    vec_slot *a = vec_at(w, s->a), *d = vec_at(w, s->d);
    char *at[VEC_LANES];
    if (!places(w, s, a, (uint64_t)bytes, false, at)) return false;
    if (bytes == 4) {
        if (w->mask != UINT32_MAX) in32(w, d);
        uint32_t *z = out32(d);
        if (w->mask == UINT32_MAX) for (int32_t k = 0; k < VEC_LANES; k++) z[k] = (uint32_t)fetched(at[k], 4, false);
        else for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) z[__builtin_ctz(rest)] = (uint32_t)fetched(at[__builtin_ctz(rest)], 4, false);
    } else {
        if (w->mask != UINT32_MAX) in64(w, d);
        uint64_t *z = out64(d);
        for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) z[__builtin_ctz(rest)] = fetched(at[__builtin_ctz(rest)], 8, false);
    }
    return true;
}

INLINE const vec_step *load_words(vec_warp *w, const vec_step *s, int32_t bytes) {
    vec_slot *a = vec_at(w, s->a), *d = vec_at(w, s->d);
    if (straight(w, s, a)) {
        uint64_t address = a->base + offset_of(w, s), size = (uint64_t)bytes;
        view v;
        if (uniform(a) && vec_whole(w) && (address & (size - 1)) == 0 && view_of(w, s, address, size, false, &v) && v.apart == 0 && holds(&v, address, size)) {
            set_uniform(d, fetched(v.host + (address - v.address), bytes, false));
            VEC_NEXT(w, s);
        }
        if (counts_by(w, a, bytes) && w->mask == UINT32_MAX && (address & (size - 1)) == 0 && view_of(w, s, address, size * VEC_LANES, false, &v) && v.apart == 0 && holds(&v, address, size * VEC_LANES)) {
            memcpy(bytes == 4 ? (void *)out32(d) : (void *)out64(d), v.host + (address - v.address), (size_t)bytes * VEC_LANES);
            VEC_NEXT(w, s);
        }
    }
    if (!load_rows(w, s, bytes) && !load_words_each(w, s, bytes)) return vec_run_load(w, s);
    VEC_NEXT(w, s);
}
LANES(load32) { return load_words(w, s, 4); }
LANES(load64) { return load_words(w, s, 8); }

/* Where bytes at an address of .global memory are; NULL: not in what this step found last, or not aligned: then the lowest bits, turned to the top, make a great number. */
INLINE char *near(const vec_warp *w, const vec_step *s, uint64_t address, bool words) {
    const vec_near *n = (const vec_near *)(const void *)((const char *)w->worker + s->target);
    uint64_t from = address - n->address;
    return words ? ((from >> 2 | from << 62) < n->words32 ? n->host + from : NULL) : (from >> 3 | from << 61) < n->doubles32 ? n->host + from : NULL;
}

/* Remembers the window that the slow way found for the next time. */
static void remember(vec_warp *w, const vec_step *s) {
    const gpu_memory_window *window = &w->worker->windows[s->site];
    if (window->host != NULL && window->address % 8 == 0) w->worker->near[s->site] = vec_near_make(window->address, window->bytes, window->host);
}
/* Rows of lanes, each one piece or one number, between the first and the last, of which is known that they are there. */
INLINE void copy_rows_of(int32_t across, vec_slot *d, const char *from, int64_t rise, bool pieces, int32_t bytes) {
    char *to = (char *)vec_lanes32(d);
    d->state = VEC_SPREAD;
    for (int32_t k = 0; k < VEC_LANES; k += across, from += rise, to += across * bytes) {
        if (pieces) memcpy(to, from, (size_t)(across * bytes));
        else if (bytes == 4) for (int32_t x = 0; x < across; x++) ((uint32_t *)(void *)to)[x] = *(const uint32_t *)(const void *)from;
        else for (int32_t x = 0; x < across; x++) ((uint64_t *)(void *)to)[x] = *(const uint64_t *)(const void *)from;
    }
}
INLINE void copy_rows(const vec_warp *w, vec_slot *d, const char *from, int64_t rise, bool pieces, int32_t bytes) {
    switch (w->row_shift) {
    case 4: copy_rows_of(16, d, from, rise, pieces, bytes); break;
    case 3: copy_rows_of(8, d, from, rise, pieces, bytes); break;
    default: copy_rows_of(1 << w->row_shift, d, from, rise, pieces, bytes); break;
    }
}
INLINE bool in_rows(const vec_warp *w, const vec_slot *a, int32_t bytes) { return w->mask == UINT32_MAX && scalar(a) && (a->state & VEC_STRIDED) != 0 && (a->stride == bytes || a->stride == 0) && steps_are_small(a); }
INLINE uint64_t to_last_row(const vec_warp *w, const vec_slot *a) { return (uint64_t)a->rise * (uint64_t)((VEC_LANES >> w->row_shift) - 1); }

INLINE const vec_step *load_near_rows(vec_warp *w, const vec_step *s, int32_t bytes, vec_fn *far) {
    const vec_slot *a = vec_at(w, s->a);
    if (!in_rows(w, a, bytes)) return far(w, s);
    const char *first = near(w, s, a->base + (uint64_t)s->offset, bytes == 4), *last = near(w, s, a->base + (uint64_t)s->offset + to_last_row(w, a), bytes == 4);
    if (first == NULL || last == NULL || (a->rise & (bytes - 1)) != 0) return far(w, s);
    copy_rows(w, vec_at(w, s->d), first, a->rise, a->stride != 0, bytes);
    VEC_NEXT(w, s);
}
LANES(load32_farther) {
    remember(w, s);
    return load32(w, s);
}
LANES(load64_farther) {
    remember(w, s);
    return load64(w, s);
}
LANES(load32_far) { return load_near_rows(w, s, 4, load32_farther); }
LANES(load64_far) { return load_near_rows(w, s, 8, load64_farther); }

/* Of .global memory, at an address in a register, all lanes that live: one number for all of them, or one after the other. */
INLINE const vec_step *load_near(vec_warp *w, const vec_step *s, int32_t bytes, vec_fn *far) {
    vec_slot *a = vec_at(w, s->a), *d = vec_at(w, s->d);
    const char *from = near(w, s, a->base + (uint64_t)s->offset, bytes == 4);
    if (from == NULL || !scalar(a)) return far(w, s);
    if (uniform(a)) {
        set_uniform(d, fetched(from, bytes, false));
        VEC_NEXT(w, s);
    }
    if (!counts_by(w, a, bytes) || w->mask != UINT32_MAX) return far(w, s);
    d->state = VEC_SPREAD;
    memcpy(vec_lanes32(d), from, (size_t)bytes * VEC_LANES);
    VEC_NEXT(w, s);
}
/* The same of .shared memory. */
INLINE const vec_step *load_shared(vec_warp *w, const vec_step *s, int32_t bytes, vec_fn *far) {
    const vec_slot *a = vec_at(w, s->a);
    vec_slot *d = vec_at(w, s->d);
    const vec_block *b = w->block;
    uint64_t address = a->base + (uint64_t)s->offset, size = (uint64_t)bytes;
    if (!straight(w, s, a) || address >= b->shared_bytes || b->shared_bytes - address < size * VEC_LANES || (address & (size - 1)) != 0) return far(w, s);
    if (uniform(a)) {
        set_uniform(d, fetched(b->shared + address, bytes, false));
        VEC_NEXT(w, s);
    }
    if (!counts_by(w, a, bytes) || w->mask != UINT32_MAX) return far(w, s);
    d->state = VEC_SPREAD;
    memcpy(vec_lanes32(d), b->shared + address, (size_t)bytes * VEC_LANES);
    VEC_NEXT(w, s);
}
INLINE const vec_step *load_shared_rows(vec_warp *w, const vec_step *s, int32_t bytes, vec_fn *far) {
    const vec_slot *a = vec_at(w, s->a);
    uint64_t base = a->base + (uint64_t)s->offset, last = base + (in_rows(w, a, bytes) ? to_last_row(w, a) : 0), room = w->block->shared_bytes - (uint64_t)bytes * VEC_LANES;
    if (!in_rows(w, a, bytes) || !straight(w, s, a) || w->block->shared_bytes < (uint64_t)bytes * VEC_LANES || base > room || last > room || ((base | last | (uint64_t)a->rise) & (uint64_t)(bytes - 1)) != 0) return far(w, s);
    copy_rows(w, vec_at(w, s->d), w->block->shared + base, a->rise, a->stride != 0, bytes);
    VEC_NEXT(w, s);
}
LANES(load32_shared_rows) { return load_shared_rows(w, s, 4, load32); }
LANES(load64_shared_rows) { return load_shared_rows(w, s, 8, load64); }
HANDLER(load32_shared) { return load_shared(w, s, 4, load32_shared_rows); }
HANDLER(load64_shared) { return load_shared(w, s, 8, load64_shared_rows); }
HANDLER(load32_global) { return load_near(w, s, 4, load32_far); }
HANDLER(load64_global) { return load_near(w, s, 8, load64_far); }

/* ---- atomic operations --------------------------------------------------------------------------------------------------------------------------------------------------- */

/* An f32 sum flushes subnormals in global memory, and does not in shared memory. */
INLINE uint64_t updated(const vec_step *s, int32_t bytes, bool shared, uint64_t old, uint64_t b, uint64_t c) {
    bool below = s->is_signed ? (bytes == 4 ? (int32_t)old < (int32_t)b : (int64_t)old < (int64_t)b) : old < b;
    switch (s->elems) {
    case VEC_ATOM_AND: return old & b;
    case VEC_ATOM_OR: return old | b;
    case VEC_ATOM_XOR: return old ^ b;
    case VEC_ATOM_EXCHANGE: return b;
    case VEC_ATOM_CAS: return old == b ? c : old;
    case VEC_ATOM_MIN: return below ? old : b;
    case VEC_ATOM_MAX: return below ? b : old;
    case VEC_ATOM_ADD_FLOAT:
        if (bytes == 4 && !shared) return flushed(bits_of(float_of(flushed((uint32_t)old)) + float_of(flushed((uint32_t)b))));
        return bytes == 4 ? bits_of(float_of((uint32_t)old) + float_of((uint32_t)b)) : bits_of_double(double_of(old) + double_of(b));
    default: return bytes == 4 ? (uint32_t)(old + b) : old + b;
    }
}

/* Memory that only this block reaches needs no atomic operations of the host: one worker at a time has it. */
INLINE uint64_t update(const vec_step *s, char *at, int32_t bytes, bool alone, bool shared, uint64_t b, uint64_t c) {
    uint32_t *place32 = (uint32_t *)(void *)at, old32;
    uint64_t *place64 = (uint64_t *)(void *)at, old64;
    if (bytes == 4) {
        if (!alone && s->elems == VEC_ATOM_ADD) return __atomic_fetch_add(place32, (uint32_t)b, __ATOMIC_SEQ_CST);
        old32 = __atomic_load_n(place32, __ATOMIC_RELAXED);
        if (alone) *place32 = (uint32_t)updated(s, 4, shared, old32, b, c);
        else while (!__atomic_compare_exchange_n(place32, &old32, (uint32_t)updated(s, 4, shared, old32, b, c), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
        return old32;
    }
    if (!alone && s->elems == VEC_ATOM_ADD) return __atomic_fetch_add(place64, b, __ATOMIC_SEQ_CST);
    old64 = __atomic_load_n(place64, __ATOMIC_RELAXED);
    if (alone) *place64 = updated(s, 8, shared, old64, b, c);
    else while (!__atomic_compare_exchange_n(place64, &old64, updated(s, 8, shared, old64, b, c), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
    return old64;
}

INLINE bool atomic_each(vec_warp *w, const vec_step *s, int32_t bytes) {
    char *at[VEC_LANES];
    vec_slot *d = vec_at(w, s->d), *b = vec_at(w, s->b), *c = vec_at(w, s->c);
    if (!places(w, s, vec_at(w, s->a), (uint64_t)bytes, true, at)) return false;
    bool alone = s->space == PTX_SPACE_shared;
    const void *x = bytes == 4 ? (const void *)in32(w, b) : in64(w, b), *y = bytes == 4 ? (const void *)in32(w, c) : in64(w, c);
    void *z = bytes == 4 ? (void *)in32(w, d) : (void *)in64(w, d);
    d->state = VEC_SPREAD;
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        int32_t k = __builtin_ctz(rest);
        bool shared = alone || (at[k] >= w->block->shared && at[k] < w->block->shared + w->block->shared_bytes);
        if (bytes == 4) ((uint32_t *)z)[k] = (uint32_t)update(s, at[k], 4, alone, shared, ((const uint32_t *)x)[k], ((const uint32_t *)y)[k]);
        else ((uint64_t *)z)[k] = update(s, at[k], 8, alone, shared, ((const uint64_t *)x)[k], ((const uint64_t *)y)[k]);
    }
    return true;
}
static __attribute__((noinline)) bool atomic_each32(vec_warp *w, const vec_step *s) { return atomic_each(w, s, 4); }
static __attribute__((noinline)) bool atomic_each64(vec_warp *w, const vec_step *s) { return atomic_each(w, s, 8); }
HANDLER(atomic32) {
    if (!atomic_each32(w, s)) return vec_run_atomic(w, s);
    VEC_NEXT(w, s);
}
HANDLER(atomic64) {
    if (!atomic_each64(w, s)) return vec_run_atomic(w, s);
    VEC_NEXT(w, s);
}

/* ---- stores ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

INLINE void put(char *to, int32_t bytes, uint64_t value) {
    switch (bytes) {
    case 1: __atomic_store_n((uint8_t *)to, (uint8_t)value, __ATOMIC_RELEASE); return;
    case 2: __atomic_store_n((uint16_t *)(void *)to, (uint16_t)value, __ATOMIC_RELEASE); return;
    case 4: __atomic_store_n((uint32_t *)(void *)to, (uint32_t)value, __ATOMIC_RELEASE); return;
    default: __atomic_store_n((uint64_t *)(void *)to, value, __ATOMIC_RELEASE); return;
    }
}

static bool store_each(vec_warp *w, const vec_step *s) {
    const ptx_operand *o = &s->i->operands[1];
    char *at[VEC_LANES];
    int32_t bytes = s->bytes, elems = s->elems;
    if (!places(w, s, vec_at(w, s->a), (uint64_t)(bytes * elems), true, at)) return false;
    for (int32_t e = 0; e < elems; e++) {
        const ptx_operand *item = o->kind == PTX_VECTOR ? &o->items[e] : o;
        vec_slot *from = vec_at(w, item->kind == PTX_REGISTER ? w->frame->body->registers[item->number].at : s->d);
        bool wide = item->kind == PTX_REGISTER ? w->frame->body->registers[item->number].width == VEC_64 : bytes == 8; /* a constant is as wide as the type */
        const uint32_t *x = wide ? NULL : in32(w, from);
        const uint64_t *y = wide ? in64(w, from) : NULL;
        for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
            int32_t k = __builtin_ctz(rest);
            put(at[k] + e * bytes, bytes, wide ? y[k] : x[k]);
        }
    }
    return true;
}
HANDLER(store) {
    if (!store_each(w, s)) return vec_run_store(w, s);
    VEC_NEXT(w, s);
}

INLINE bool store_rows(vec_warp *w, const vec_step *s, int32_t bytes) {
    vec_slot *a = vec_at(w, s->a);
    char *to = strided_place(w, s, a, (uint64_t)bytes, true);
    const char *from = (const char *)vec_lanes32(vec_at(w, s->d));
    int32_t across = 1 << w->row_shift;
    int64_t stride = (int64_t)stride_of(a), rise = (int64_t)rise_of(a);
    if (to == NULL) return false;
    for (int32_t k = 0; k < VEC_LANES; k += across, to += rise, from += across * bytes) {
        if (stride == bytes && across == 16) memcpy(to, from, 16 * (size_t)bytes);
        else if (stride == bytes && across == 8) memcpy(to, from, 8 * (size_t)bytes);
        else
            for (int32_t x = 0; x < across; x++) put(to + x * stride, bytes, bytes == 4 ? ((const uint32_t *)(const void *)from)[x] : ((const uint64_t *)(const void *)from)[x]);
    }
    return true;
}

INLINE const vec_step *store_words(vec_warp *w, const vec_step *s, int32_t bytes) {
    vec_slot *a = vec_at(w, s->a), *from = vec_at(w, s->d);
    const uint32_t *x = bytes == 4 ? in32(w, from) : NULL;
    const uint64_t *y = bytes == 8 ? in64(w, from) : NULL;
    if (straight(w, s, a) && counts_by(w, a, bytes) && w->mask == UINT32_MAX) {
        uint64_t address = a->base + offset_of(w, s), size = (uint64_t)bytes;
        view v;
        if ((address & (size - 1)) == 0 && view_of(w, s, address, size * VEC_LANES, true, &v) && v.apart == 0 && holds(&v, address, size * VEC_LANES)) {
            memcpy(v.host + (address - v.address), bytes == 4 ? (const void *)x : (const void *)y, (size_t)bytes * VEC_LANES);
            VEC_NEXT(w, s);
        }
    }
    if (!store_rows(w, s, bytes) && !store_each(w, s)) return vec_run_store(w, s);
    VEC_NEXT(w, s);
}
HANDLER(store32) { return store_words(w, s, 4); }
HANDLER(store64) { return store_words(w, s, 8); }
