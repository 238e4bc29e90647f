/* SPDX-License-Identifier: Apache-2.0
 * Matrices: where the elements of each register stand is typed from the manual, formula by formula (Matrix Fragments for mma.m...; ldmatrix), their product is plain C.
 * And copies beside the threads. */
#include <string.h>

#include "expect.h"

/* ---- fragments: row and column of element i of a lane, groupID = lane >> 2, threadID_in_group = lane % 4 ------------------------------------------------------------ */

typedef struct place {
    int32_t row, col;
} place;
typedef place fragment(int32_t group, int32_t thread, int32_t i);

/* .f16 and .bf16, m16n8k8 */
static place a_half_k8(int32_t g, int32_t t, int32_t i) { return (place){i < 2 ? g : g + 8, t * 2 + (i & 1)}; }
static place b_half_k8(int32_t g, int32_t t, int32_t i) { return (place){t * 2 + i, g}; }
/* .f16 and .bf16, m16n8k16 */
static place a_half_k16(int32_t g, int32_t t, int32_t i) { return (place){(0 <= i && i < 2) || (4 <= i && i < 6) ? g : g + 8, i < 4 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8}; }
static place b_half_k16(int32_t g, int32_t t, int32_t i) { return (place){i < 2 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8, g}; }
/* .tf32, m16n8k4 and m16n8k8 */
static place a_tf32_k4(int32_t g, int32_t t, int32_t i) { return (place){i == 0 ? g : g + 8, t}; }
static place b_tf32_k4(int32_t g, int32_t t, int32_t i) { return (place){t + i, g}; }
static place a_tf32_k8(int32_t g, int32_t t, int32_t i) { return (place){i == 0 || i == 2 ? g : g + 8, i == 0 || i == 1 ? t : t + 4}; }
static place b_tf32_k8(int32_t g, int32_t t, int32_t i) { return (place){i == 0 ? t : t + 4, g}; }
/* .f64, m8n8k4 */
static place a_f64(int32_t g, int32_t t, int32_t i) { return (place){g, t + i}; }
static place b_f64(int32_t g, int32_t t, int32_t i) { return (place){t + i, g}; }
/* .u8 and .s8: m8n8k16, m16n8k16, m16n8k32 */
static place a_byte_m8(int32_t g, int32_t t, int32_t i) { return (place){g, t * 4 + i}; }
static place b_byte_m8(int32_t g, int32_t t, int32_t i) { return (place){t * 4 + i, g}; }
static place a_byte_k16(int32_t g, int32_t t, int32_t i) { return (place){i < 4 ? g : g + 8, t * 4 + (i & 3)}; }
static place b_byte_k16(int32_t g, int32_t t, int32_t i) { return (place){t * 4 + i, g}; }
static place a_byte_k32(int32_t g, int32_t t, int32_t i) { return (place){(0 <= i && i < 4) || (8 <= i && i < 12) ? g : g + 8, i < 8 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16}; }
static place b_byte_k32(int32_t g, int32_t t, int32_t i) { return (place){i < 4 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16, g}; }
/* C and D: of m16n8, of m8n8 */
static place c_m16(int32_t g, int32_t t, int32_t i) { return (place){i < 2 ? g : g + 8, t * 2 + (i & 1)}; }
static place c_m8(int32_t g, int32_t t, int32_t i) { return (place){g, t * 2 + (i & 1)}; }

typedef struct layout {
    int32_t form, rows, k;
    fragment *a, *b, *c;
} layout;

static const layout layouts[] = {
    {PTX_FORM_MMA_F16_K8_F16, 16, 8, a_half_k8, b_half_k8, c_m16},     {PTX_FORM_MMA_F16_K8_F32, 16, 8, a_half_k8, b_half_k8, c_m16},   {PTX_FORM_MMA_F16_K16_F16, 16, 16, a_half_k16, b_half_k16, c_m16},
    {PTX_FORM_MMA_F16_K16_F32, 16, 16, a_half_k16, b_half_k16, c_m16}, {PTX_FORM_MMA_BF16_K8, 16, 8, a_half_k8, b_half_k8, c_m16},      {PTX_FORM_MMA_BF16_K16, 16, 16, a_half_k16, b_half_k16, c_m16},
    {PTX_FORM_MMA_TF32_K4, 16, 4, a_tf32_k4, b_tf32_k4, c_m16},        {PTX_FORM_MMA_TF32_K8, 16, 8, a_tf32_k8, b_tf32_k8, c_m16},      {PTX_FORM_MMA_F64, 8, 4, a_f64, b_f64, c_m8},
    {PTX_FORM_MMA_S8_M8, 8, 16, a_byte_m8, b_byte_m8, c_m8},           {PTX_FORM_MMA_S8_K16, 16, 16, a_byte_k16, b_byte_k16, c_m16},    {PTX_FORM_MMA_S8_K32, 16, 32, a_byte_k32, b_byte_k32, c_m16},
};

/* ---- products --------------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct tile {
    double a[16][32], b[32][8], c[16][8];
} tile;

static double element(ptx_type t, uint64_t bits) {
    switch (t) {
    case PTX_s8: return (int8_t)bits;
    case PTX_u8: return (uint8_t)bits;
    case PTX_s32: return (int32_t)bits;
    default: return golden_double(t, bits);
    }
}

/* Element i of columns from `first` on, as many to a register as fit into 32 bits. */
static double nth(const golden_case *c, const uint64_t *inputs, int32_t first, ptx_type t, int32_t thread, int32_t i) {
    int32_t bits = ptx_types[t].bits, per = bits >= 32 ? 1 : 32 / bits;
    uint64_t reg = inputs[(first + i / per) * c->threads + thread];
    return element(t, bits >= 32 ? reg : reg >> (bits * (i % per)) & ((UINT64_C(1) << bits) - 1));
}

static int32_t elements(const golden_case *c, int32_t operand) {
    ptx_type t = (ptx_type)c->words.types[operand];
    int32_t registers = ptx_rule_count(&ptx_form_get(c->form)->operands[operand], &c->words);
    return registers * (ptx_types[t].bits >= 32 ? 1 : 32 / ptx_types[t].bits);
}

static void gather(const golden_case *c, const uint64_t *inputs, const layout *l, int32_t warp, tile *m) {
    int32_t a_count = elements(c, 1), b_count = elements(c, 2), c_count = elements(c, 3), first_b = ptx_rule_count(&ptx_form_get(c->form)->operands[1], &c->words), first_c = first_b + ptx_rule_count(&ptx_form_get(c->form)->operands[2], &c->words);
    for (int32_t lane = 0; lane < 32; lane++) {
        int32_t thread = 32 * warp + lane, g = lane >> 2, t = lane % 4;
        for (int32_t i = 0; i < a_count; i++) m->a[l->a(g, t, i).row][l->a(g, t, i).col] = nth(c, inputs, 0, (ptx_type)c->words.types[1], thread, i);
        for (int32_t i = 0; i < b_count; i++) m->b[l->b(g, t, i).row][l->b(g, t, i).col] = nth(c, inputs, first_b, (ptx_type)c->words.types[2], thread, i);
        for (int32_t i = 0; i < c_count; i++) m->c[l->c(g, t, i).row][l->c(g, t, i).col] = nth(c, inputs, first_c, (ptx_type)c->words.types[3], thread, i);
    }
}

/* Small integers and bytes come out exact; of other sums the manual says only that they are kept at least as precisely as the type of D. The bound leaves room for
 * terms that are cut short one by one. */
static golden_lane dot(const golden_case *c, const layout *l, const tile *m, int32_t warp, int32_t row, int32_t col) {
    double sum = m->c[row][col], size = fabs(sum);
    ptx_type d = (ptx_type)c->words.types[0];
    for (int32_t k = 0; k < l->k; k++) {
        sum += m->a[row][k] * m->b[k][col];
        size += fabs(m->a[row][k] * m->b[k][col]);
    }
    if (d == PTX_s32) {
        if (golden_has(c, PTX_SLOT_sat)) sum = fmax(fmin(sum, INT32_MAX), INT32_MIN);
        return (golden_lane){.how = GOLDEN_BITS, .bits = (uint32_t)(int64_t)sum};
    }
    if (warp < c->threads / 64) return sum == 0 ? (golden_lane){.how = GOLDEN_ZERO} : golden_number(golden_rounded(d, sum));
    return golden_near(sum, size * ldexp(1, d == PTX_f64 ? -49 : d == PTX_f32 ? -18 : -8));
}

static bool multiplies(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    const layout *l = NULL;
    for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++)
        if (layouts[k].form == c->form) l = &layouts[k];
    if (l == NULL) return false;
    for (int32_t warp = 0; warp < c->threads / 32; warp++) {
        tile m = {0};
        gather(c, inputs, l, warp, &m);
        for (int32_t lane = 0; lane < 32; lane++)
            for (int32_t r = 0; r < c->output_count; r++) {
                bool halves = c->words.types[0] == PTX_f16;
                place low = l->c(lane >> 2, lane % 4, halves ? 2 * r : r), high = l->c(lane >> 2, lane % 4, 2 * r + 1);
                golden_lane first = dot(c, l, &m, warp, low.row, low.col);
                want[r * c->threads + 32 * warp + lane] = halves ? golden_pair(first, dot(c, l, &m, warp, high.row, high.col)) : golden_whole(first);
            }
    }
    return true;
}

/* Thread 8 m + r points at row r of matrix m; register m of a lane is the row lane / 4 of matrix m, its elements 2 (lane % 4) and the next; .trans: of its transpose. */
static void loads(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    const bool turned = golden_has(c, PTX_SLOT_trans);
    for (int32_t t = 0; t < c->threads; t++)
        for (int32_t m = 0; m < c->output_count; m++) {
            uint32_t bits = 0;
            for (int32_t e = 0; e < 2; e++) {
                int32_t lane = t % 32, row = lane / 4, col = 2 * (lane % 4) + e, pointing = 8 * m + (turned ? col : row), stored = t - lane + (5 * pointing + 3) % 32;
                uint16_t half;
                memcpy(&half, (const char *)inputs + 16 * stored + 2 * (turned ? row : col), 2);
                bits |= (uint32_t)half << (16 * e);
            }
            want[m * c->threads + t] = golden_bits(bits);
        }
}

static bool copies(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    if (c->form < PTX_FORM_CP_ASYNC || c->form > PTX_FORM_CP_ASYNC_WAIT_ALL) return false;
    for (int32_t t = 0; t < c->threads; t++) {
        unsigned char bytes[16], source[16] = {0};
        uint64_t before = UINT64_C(0x1234567812345678), cells[2];
        int32_t size = c->form <= PTX_FORM_CP_ASYNC_IGNORE ? 4 << c->variant : 16, taken = size;
        memcpy(bytes, &before, 8);
        memcpy(bytes + 8, &before, 8);
        if (c->form == PTX_FORM_CP_ASYNC && c->operand_count == 4) taken = t % (size + 1);
        if (c->form == PTX_FORM_CP_ASYNC_IGNORE && t % 4 == 0) taken = 0;
        memcpy(source, (const char *)inputs + 16 * t, (size_t)taken);
        memcpy(bytes, source, (size_t)size);
        memcpy(cells, bytes, 16);
        for (int32_t k = 0; k < 2; k++) want[2 * t + k] = golden_bits(cells[k]);
    }
    return true;
}

bool golden_expect_matrix(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    if (c->form != PTX_FORM_LDMATRIX) return multiplies(c, inputs, want) || copies(c, inputs, want);
    loads(c, inputs, want);
    return true;
}
