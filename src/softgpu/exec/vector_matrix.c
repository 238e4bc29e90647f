/* SPDX-License-Identifier: Apache-2.0
 * Matrices that a warp holds together; the layouts are told in reference_matrix.c. */
#include <math.h>

#include "number.h"
#include "vector_select.h"
#include "vector_warp.h"

typedef struct shape {
    int32_t rows, k;
} shape;

static shape shape_of(const ptx_instruction *i) {
    switch (i->slots[PTX_SLOT_shape]) {
    case PTX_WORD_m8n8k4: return (shape){8, 4};
    case PTX_WORD_m8n8k16: return (shape){8, 16};
    case PTX_WORD_m16n8k4: return (shape){16, 4};
    case PTX_WORD_m16n8k8: return (shape){16, 8};
    case PTX_WORD_m16n8k16: return (shape){16, 16};
    default: return (shape){16, 32};
    }
}

typedef vec_frame *const *frames_of;

static const ptx_operand *item(const ptx_operand *o, int32_t r) { return o->kind == PTX_VECTOR ? &o->items[r] : o; }

/* The slot of a register of 32 bits that all lanes share; NULL: it is none. */
static vec_slot *shared_slot(frames_of frames, const ptx_operand *o) {
    if (o->kind != PTX_REGISTER || o->number < 0 || frames[0]->body->registers[o->number].width != VEC_32) return NULL;
    for (int32_t k = 1; k < VEC_LANES; k++)
        if (frames[k] != frames[0]) return NULL;
    return (vec_slot *)(void *)(frames[0]->registers + frames[0]->body->registers[o->number].at);
}

/* Register r of an operand, in each lane. */
static void held(const vec_warp *w, frames_of frames, const ptx_operand *o, int32_t r, uint64_t *out) {
    vec_slot *slot = shared_slot(frames, item(o, r));
    if (slot != NULL) vec_fill(slot, VEC_32, w->row_shift);
    for (int32_t lane = 0; lane < VEC_LANES; lane++) out[lane] = slot != NULL ? vec_lanes32(slot)[lane] : vec_value(w, frames[lane], lane, item(o, r), PTX_b64).low;
}

static void give(frames_of frames, const ptx_operand *o, int32_t r, ptx_type type, const uint64_t *values) {
    vec_slot *slot = shared_slot(frames, item(o, r));
    if (slot != NULL) slot->state = VEC_SPREAD;
    for (int32_t lane = 0; lane < VEC_LANES; lane++)
        if (slot != NULL) vec_lanes32(slot)[lane] = (uint32_t)values[lane];
        else vec_write(frames[lane], lane, item(o, r), type, (ptx_bits){values[lane], 0});
}

static uint64_t part(uint64_t value, int32_t e, int32_t bits) { return bits >= 32 ? value : value >> (e * bits) & ((UINT64_C(1) << bits) - 1); }

typedef struct tile {
    uint64_t a[16][32], b[8][32]; /* b by columns */
} tile;

static int32_t count_of(const ptx_operand *o) { return o->kind == PTX_VECTOR ? o->count : 1; }

static void gather(const vec_warp *w, frames_of frames, const ptx_instruction *i, shape s, tile *m) {
    int32_t a_bits = ptx_types[i->types[1]].bits, b_bits = ptx_types[i->types[2]].bits, per = a_bits >= 32 ? 1 : 32 / a_bits;
    uint64_t values[VEC_LANES];
    for (int32_t r = 0; r < count_of(&i->operands[1]); r++) {
        held(w, frames, &i->operands[1], r, values);
        for (int32_t lane = 0; lane < VEC_LANES; lane++)
            for (int32_t e = 0; e < per; e++) m->a[lane / 4 + 8 * (r % 2)][lane % 4 * per + e + s.k / 2 * (r / 2)] = part(values[lane], e, a_bits);
    }
    for (int32_t r = 0; r < count_of(&i->operands[2]); r++) {
        held(w, frames, &i->operands[2], r, values);
        for (int32_t lane = 0; lane < VEC_LANES; lane++)
            for (int32_t e = 0; e < per; e++) m->b[lane / 4][lane % 4 * per + e + s.k / 2 * r] = part(values[lane], e, b_bits);
    }
}

static uint64_t dot_floats(const ptx_instruction *i, const uint64_t *row, const uint64_t *col, int32_t k, uint64_t c) {
    ptx_type a = (ptx_type)i->types[1], b = (ptx_type)i->types[2], d = (ptx_type)i->types[0];
    ptx_number sum = ptx_number_read((ptx_type)i->types[3], c, false);
    for (int32_t n = 0; n < k; n++) sum = ptx_number_add(sum, ptx_number_multiply(ptx_number_read(a, row[n], false), ptx_number_read(b, col[n], false)), PTX_TO_EVEN);
    return ptx_number_write(d, sum, (ptx_fitting){0});
}

static uint64_t dot_integers(const ptx_instruction *i, const uint64_t *row, const uint64_t *col, int32_t k, uint64_t c) {
    ptx_type a = (ptx_type)i->types[1], b = (ptx_type)i->types[2];
    int64_t sum = ptx_signed(PTX_s32, c);
    for (int32_t n = 0; n < k; n++) sum += (a == PTX_s8 ? ptx_signed(a, row[n]) : (int64_t)row[n]) * (b == PTX_s8 ? ptx_signed(b, col[n]) : (int64_t)col[n]);
    if (i->slots[PTX_SLOT_sat] != PTX_NO_WORD) sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
    return (uint32_t)sum;
}

static double double_of(ptx_type type, uint64_t bits) {
    switch (type) {
    case PTX_f16: return (double)pgd_float_of_f16((uint16_t)bits);
    case PTX_bf16: return (double)pgd_float_of_bf16((uint16_t)bits);
    case PTX_tf32: return (double)pgd_float_of_bits((uint32_t)bits & ~UINT32_C(0x1fff));
    default: return (double)pgd_float_of_bits((uint32_t)bits);
    }
}

/* All sums in double, where that is exact; those that are not come from dot_floats. c and the results by row and column. */
static void multiply_floats(const ptx_instruction *i, const tile *m, shape s, uint64_t c[16][8], uint64_t d[16][8]) {
    ptx_type a_type = (ptx_type)i->types[1], b_type = (ptx_type)i->types[2], c_type = (ptx_type)i->types[3];
    double a[16 * 16], b[16 * 8], sums[16 * 8];
    bool exact[16 * 8] = {false};
    bool narrow = i->types[0] != PTX_f64;
    if (narrow) {
        for (int32_t row = 0; row < s.rows; row++)
            for (int32_t n = 0; n < s.k; n++) a[row * s.k + n] = double_of(a_type, m->a[row][n]);
        for (int32_t n = 0; n < s.k; n++)
            for (int32_t col = 0; col < 8; col++) b[n * 8 + col] = double_of(b_type, m->b[col][n]);
        for (int32_t row = 0; row < s.rows; row++)
            for (int32_t col = 0; col < 8; col++) sums[row * 8 + col] = double_of(c_type, c[row][col]);
        vec_dots()(a, b, sums, s.rows, s.k, exact);
    }
    for (int32_t row = 0; row < s.rows; row++)
        for (int32_t col = 0; col < 8; col++) {
            double sum = sums[row * 8 + col];
            bool fine = narrow && exact[row * 8 + col] && isfinite(sum) && (i->types[0] == PTX_f32 || (double)(float)sum == sum);
            if (!fine) d[row][col] = dot_floats(i, m->a[row], m->b[col], s.k, c[row][col]);
            else d[row][col] = i->types[0] == PTX_f32 ? pgd_float_bits((float)sum) : pgd_f16_of_float((float)sum);
        }
}

/* Element e of a lane's part of c or d. */
static int32_t row_of(int32_t lane, int32_t e) { return lane / 4 + 8 * (e / 2); }
static int32_t col_of(int32_t lane, int32_t e) { return lane % 4 * 2 + e % 2; }

void vec_warp_multiply(vec_warp *w, vec_frame *const frames[VEC_LANES], const ptx_instruction *i) {
    shape s = shape_of(i);
    tile m = {{{0}}, {{0}}};
    ptx_type c_type = (ptx_type)i->types[3], d_type = (ptx_type)i->types[0];
    uint64_t c[16][8], d[16][8], values[VEC_LANES];
    int32_t per_c = c_type == PTX_f16 ? 2 : 1, per_d = d_type == PTX_f16 ? 2 : 1;
    gather(w, frames, i, s, &m);
    for (int32_t r = 0; r < s.rows / 4 / per_c; r++) {
        held(w, frames, &i->operands[3], r, values);
        for (int32_t lane = 0; lane < VEC_LANES; lane++)
            for (int32_t e = 0; e < per_c; e++) c[row_of(lane, per_c * r + e)][col_of(lane, per_c * r + e)] = per_c == 2 ? part(values[lane], e, 16) : values[lane];
    }
    if (ptx_types[d_type].kind == PTX_FLOAT) multiply_floats(i, &m, s, c, d);
    else
        for (int32_t row = 0; row < s.rows; row++)
            for (int32_t col = 0; col < 8; col++) d[row][col] = dot_integers(i, m.a[row], m.b[col], s.k, c[row][col]);
    for (int32_t r = 0; r < i->operands[0].count; r++) {
        for (int32_t lane = 0; lane < VEC_LANES; lane++) {
            values[lane] = d[row_of(lane, per_d * r)][col_of(lane, per_d * r)];
            if (per_d == 2) values[lane] |= d[row_of(lane, 2 * r + 1)][col_of(lane, 2 * r + 1)] << 16;
        }
        give(frames, &i->operands[0], r, per_d == 2 ? PTX_b32 : d_type, values);
    }
}

/* Rows of 16 bytes at the addresses of eight lanes each; every lane gets two neighbours of a row, or with .trans of a column. */
bool vec_warp_load_matrix(vec_warp *w, vec_frame *const frames[VEC_LANES], const ptx_instruction *i) {
    int32_t count = i->slots[PTX_SLOT_num] == PTX_WORD_x4 ? 4 : i->slots[PTX_SLOT_num] == PTX_WORD_x2 ? 2 : 1;
    bool turned = i->slots[PTX_SLOT_trans] != PTX_NO_WORD;
    uint16_t rows[32][8];
    for (int32_t lane = 0; lane < 8 * count; lane++) {
        ptx_space space = PTX_SPACE_shared;
        uint64_t address = vec_operand_address(w, frames[lane], lane, &i->operands[1], &space);
        if (i->slots[PTX_SLOT_space] == PTX_NO_WORD) space = gpu_space_of(address, &address) == PTX_SPACE_shared ? PTX_SPACE_shared : address < GPU_WINDOW_BYTES ? PTX_SPACE_shared : PTX_SPACE_global;
        const char *from = vec_bytes(w, frames[lane], lane, i, 0, space, address, 16, false);
        if (from == NULL) return false;
        vec_tell(w, frames[lane], lane, i, space, address, 16, GPU_ACCESS_READ, from, NULL);
        memcpy(rows[lane], from, 16);
    }
    for (int32_t r = 0; r < count; r++) {
        uint64_t values[VEC_LANES];
        for (int32_t lane = 0; lane < VEC_LANES; lane++) {
            int32_t row = lane / 4, col = lane % 4 * 2;
            uint64_t low = turned ? rows[8 * r + col][row] : rows[8 * r + row][col], high = turned ? rows[8 * r + col + 1][row] : rows[8 * r + row][col + 1];
            values[lane] = low | high << 16;
        }
        give(frames, &i->operands[0], r, PTX_b32, values);
    }
    return true;
}
