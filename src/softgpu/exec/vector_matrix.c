/* SPDX-License-Identifier: Apache-2.0
 * Matrices that a warp holds together; the layouts are told in reference_matrix.c. */
#include "number.h"
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

/* Values of a lane's register r of an operand. */
static uint64_t held(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_operand *o, int32_t r) { return vec_value(w, f, lane, o->kind == PTX_VECTOR ? &o->items[r] : o, PTX_b64).low; }
static uint64_t part(uint64_t value, int32_t e, int32_t bits) { return bits >= 32 ? value : value >> (e * bits) & ((UINT64_C(1) << bits) - 1); }

typedef struct tile {
    uint64_t a[16][32], b[8][32]; /* b by columns */
} tile;

static void gather(const vec_warp *w, vec_frame *const frames[VEC_LANES], const ptx_instruction *i, shape s, tile *m) {
    int32_t a_bits = ptx_types[i->types[1]].bits, b_bits = ptx_types[i->types[2]].bits, per = a_bits >= 32 ? 1 : 32 / a_bits;
    int32_t a_count = i->operands[1].kind == PTX_VECTOR ? i->operands[1].count : 1, b_count = i->operands[2].kind == PTX_VECTOR ? i->operands[2].count : 1;
    for (int32_t lane = 0; lane < VEC_LANES; lane++) {
        int32_t g = lane / 4, t = lane % 4;
        for (int32_t r = 0; r < a_count; r++) {
            uint64_t value = held(w, frames[lane], lane, &i->operands[1], r);
            for (int32_t e = 0; e < per; e++) m->a[g + 8 * (r % 2)][t * per + e + s.k / 2 * (r / 2)] = part(value, e, a_bits);
        }
        for (int32_t r = 0; r < b_count; r++) {
            uint64_t value = held(w, frames[lane], lane, &i->operands[2], r);
            for (int32_t e = 0; e < per; e++) m->b[g][t * per + e + s.k / 2 * r] = part(value, e, b_bits);
        }
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

void vec_warp_multiply(vec_warp *w, vec_frame *const frames[VEC_LANES], const ptx_instruction *i) {
    shape s = shape_of(i);
    tile m = {{{0}}, {{0}}};
    ptx_type c_type = (ptx_type)i->types[3], d_type = (ptx_type)i->types[0];
    bool halves = d_type == PTX_f16;
    uint64_t results[VEC_LANES][4] = {{0}};
    gather(w, frames, i, s, &m);
    for (int32_t lane = 0; lane < VEC_LANES; lane++)
        for (int32_t e = 0; e < s.rows / 4; e++) { /* 2 elements of each of 1 or 2 rows */
            int32_t row = lane / 4 + 8 * (e / 2), col = lane % 4 * 2 + e % 2;
            uint64_t c = c_type == PTX_f16 ? part(held(w, frames[lane], lane, &i->operands[3], e / 2), e % 2, 16) : held(w, frames[lane], lane, &i->operands[3], e);
            results[lane][e] = ptx_types[d_type].kind == PTX_FLOAT ? dot_floats(i, m.a[row], m.b[col], s.k, c) : dot_integers(i, m.a[row], m.b[col], s.k, c);
        }
    for (int32_t lane = 0; lane < VEC_LANES; lane++)
        for (int32_t r = 0; r < i->operands[0].count; r++) {
            uint64_t bits = halves ? results[lane][2 * r] | results[lane][2 * r + 1] << 16 : results[lane][r];
            vec_write(frames[lane], lane, &i->operands[0].items[r], halves ? PTX_b32 : d_type, (ptx_bits){bits, 0});
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
        if (i->slots[PTX_SLOT_space] == PTX_NO_WORD) space = vec_space_of(address, &address) == PTX_SPACE_shared ? PTX_SPACE_shared : address < GPU_WINDOW_BYTES ? PTX_SPACE_shared : PTX_SPACE_global;
        const char *from = vec_bytes(w, frames[lane], lane, i, 0, space, address, 16, false);
        if (from == NULL) return false;
        memcpy(rows[lane], from, 16);
    }
    for (int32_t lane = 0; lane < VEC_LANES; lane++)
        for (int32_t r = 0; r < count; r++) {
            int32_t row = lane / 4, col = lane % 4 * 2;
            uint64_t low = turned ? rows[8 * r + col][row] : rows[8 * r + row][col], high = turned ? rows[8 * r + col + 1][row] : rows[8 * r + row][col + 1];
            vec_write(frames[lane], lane, i->operands[0].kind == PTX_VECTOR ? &i->operands[0].items[r] : &i->operands[0], PTX_b32, (ptx_bits){low | high << 16, 0});
        }
    return true;
}
