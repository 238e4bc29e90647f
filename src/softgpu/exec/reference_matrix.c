/* SPDX-License-Identifier: Apache-2.0
 * Matrices that a warp holds together (manual: Matrix multiply-accumulate operation using mma instruction; ldmatrix). With g = lane / 4 and t = lane % 4, register r
 * of A holds elements of row g + 8 (r % 2), from column t per + k/2 (r / 2) on, `per` to a register; that of B the same of column g and row; C has rows g and
 * g + 8 and columns 2t and 2t + 1. */
#include <string.h>

#include "number.h"
#include "reference_thread.h"

typedef struct shape {
    int32_t rows, cols, k;
} shape;

static shape shape_of(const ptx_instruction *i) {
    switch (i->slots[PTX_SLOT_shape]) {
    case PTX_WORD_m8n8k4: return (shape){8, 8, 4};
    case PTX_WORD_m8n8k16: return (shape){8, 8, 16};
    case PTX_WORD_m16n8k4: return (shape){16, 8, 4};
    case PTX_WORD_m16n8k8: return (shape){16, 8, 8};
    case PTX_WORD_m16n8k16: return (shape){16, 8, 16};
    default: return (shape){16, 8, 32};
    }
}

/* Bits of element e of an operand's register r; elements of less than 32 bits are packed. */
static uint64_t packed(const gpu_thread *t, const ptx_operand *o, int32_t r, int32_t e, int32_t bits) {
    uint64_t value = gpu_thread_value(t, o->kind == PTX_VECTOR ? &o->items[r] : o, PTX_b64).low;
    return bits >= 32 ? value : value >> (e * bits) & ((UINT64_C(1) << bits) - 1);
}

static int32_t element_bits(ptx_type t) { return ptx_types[t].bits; }

typedef struct tile {
    uint64_t a[16][32], b[32][8];
} tile;

static void gather(gpu_thread *const lanes[GPU_WARP], const ptx_instruction *i, shape s, tile *m) {
    int32_t a_bits = element_bits((ptx_type)i->types[1]), b_bits = element_bits((ptx_type)i->types[2]), per = a_bits >= 32 ? 1 : 32 / a_bits;
    int32_t a_count = i->operands[1].kind == PTX_VECTOR ? i->operands[1].count : 1, b_count = i->operands[2].kind == PTX_VECTOR ? i->operands[2].count : 1;
    for (int32_t lane = 0; lane < GPU_WARP; lane++) {
        int32_t g = lane / 4, t = lane % 4;
        for (int32_t r = 0; r < a_count; r++)
            for (int32_t e = 0; e < per; e++) m->a[g + 8 * (r % 2)][t * per + e + s.k / 2 * (r / 2)] = packed(lanes[lane], &i->operands[1], r, e, a_bits);
        for (int32_t r = 0; r < b_count; r++)
            for (int32_t e = 0; e < per; e++) m->b[t * per + e + s.k / 2 * r][g] = packed(lanes[lane], &i->operands[2], r, e, b_bits);
    }
}

/* The sum of exact products and c with 126 binary digits, rounded once; GPUs cut it short on the way, each kind its own way. */
static uint64_t dot_floats(const ptx_instruction *i, const tile *m, int32_t row, int32_t col, int32_t k, uint64_t c) {
    ptx_type a = (ptx_type)i->types[1], b = (ptx_type)i->types[2], d = (ptx_type)i->types[0];
    ptx_number sum = ptx_number_read((ptx_type)i->types[3], c, false);
    for (int32_t n = 0; n < k; n++) sum = ptx_number_add(sum, ptx_number_multiply(ptx_number_read(a, m->a[row][n], false), ptx_number_read(b, m->b[n][col], false)), PTX_TO_EVEN);
    return ptx_number_write(d, sum, (ptx_fitting){0});
}

static uint64_t dot_integers(const ptx_instruction *i, const tile *m, int32_t row, int32_t col, int32_t k, uint64_t c) {
    ptx_type a = (ptx_type)i->types[1], b = (ptx_type)i->types[2];
    int64_t sum = ptx_signed(PTX_s32, c);
    for (int32_t n = 0; n < k; n++) sum += (a == PTX_s8 ? ptx_signed(a, m->a[row][n]) : (int64_t)m->a[row][n]) * (b == PTX_s8 ? ptx_signed(b, m->b[n][col]) : (int64_t)m->b[n][col]);
    if (i->slots[PTX_SLOT_sat] != PTX_NO_WORD) sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
    return (uint32_t)sum;
}

void gpu_warp_multiply(gpu_thread *const lanes[GPU_WARP], const ptx_instruction *i) {
    shape s = shape_of(i);
    tile m = {{{0}}, {{0}}};
    ptx_type c_type = (ptx_type)i->types[3], d_type = (ptx_type)i->types[0];
    bool halves = d_type == PTX_f16;
    gather(lanes, i, s, &m);
    uint64_t results[GPU_WARP][4] = {{0}};
    for (int32_t lane = 0; lane < GPU_WARP; lane++)
        for (int32_t e = 0; e < s.rows / 4; e++) { /* 2 elements of each of 1 or 2 rows */
            int32_t row = lane / 4 + 8 * (e / 2), col = lane % 4 * 2 + e % 2;
            uint64_t c = c_type == PTX_f16 ? packed(lanes[lane], &i->operands[3], e / 2, e % 2, 16) : packed(lanes[lane], &i->operands[3], e, 0, element_bits(c_type));
            results[lane][e] = ptx_types[d_type].kind == PTX_FLOAT ? dot_floats(i, &m, row, col, s.k, c) : dot_integers(i, &m, row, col, s.k, c);
        }
    for (int32_t lane = 0; lane < GPU_WARP; lane++)
        for (int32_t r = 0; r < i->operands[0].count; r++) {
            uint64_t bits = halves ? results[lane][2 * r] | results[lane][2 * r + 1] << 16 : results[lane][r];
            gpu_thread_write(lanes[lane], &i->operands[0].items[r], halves ? PTX_b32 : d_type, (ptx_bits){bits, 0});
        }
}

/* Rows of 16 bytes at the addresses of eight lanes each; every lane gets two neighbours of a row, or with .trans of a column. */
bool gpu_warp_load_matrix(gpu_thread *const lanes[GPU_WARP], const ptx_instruction *i) {
    int32_t count = i->slots[PTX_SLOT_num] == PTX_WORD_x4 ? 4 : i->slots[PTX_SLOT_num] == PTX_WORD_x2 ? 2 : 1;
    uint16_t rows[32][8];
    for (int32_t lane = 0; lane < 8 * count; lane++) {
        ptx_space space = PTX_SPACE_shared;
        uint64_t address = gpu_operand_address(lanes[lane], &i->operands[1], &space);
        if (i->slots[PTX_SLOT_space] == PTX_NO_WORD) space = gpu_space_of(address, &address) == PTX_SPACE_shared ? PTX_SPACE_shared : address < GPU_WINDOW_BYTES ? PTX_SPACE_shared : PTX_SPACE_global;
        const char *from = gpu_thread_bytes(lanes[lane], i, space, address, 16, false);
        if (from == NULL) return false;
        gpu_thread_tell(lanes[lane], i, space, address, 16, GPU_ACCESS_READ, from, NULL);
        memcpy(rows[lane], from, 16);
    }
    for (int32_t lane = 0; lane < GPU_WARP; lane++)
        for (int32_t r = 0; r < count; r++) {
            bool turned = i->slots[PTX_SLOT_trans] != PTX_NO_WORD;
            int32_t row = lane / 4, col = lane % 4 * 2;
            uint64_t low = turned ? rows[8 * r + col][row] : rows[8 * r + row][col], high = turned ? rows[8 * r + col + 1][row] : rows[8 * r + row][col + 1];
            gpu_thread_write(lanes[lane], i->operands[0].kind == PTX_VECTOR ? &i->operands[0].items[r] : &i->operands[0], PTX_b32, (ptx_bits){low | high << 16, 0});
        }
    return true;
}
