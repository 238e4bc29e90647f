/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for memory early: while the tiles of one panel compute, the lines that will be packed next come nearer. Packing reads whole lines
 * that nobody has touched before, often each in a page of its own, and would otherwise wait for every one of them. */

enum { LINE = 64, AHEAD_STEPS = 16 };

struct matrix {
    const float *at; /* element (0, 0) of the chunk's block */
    int64_t row, col;
};

/* A block of a matrix as lines of memory, of which `pace` are asked for every AHEAD_STEPS steps of a tile. */
struct ahead {
    uintptr_t line; /* an address, which may lie beyond the matrix: nothing is read */
    int64_t left, pace, row_left, row_lines, skip;
};

/* Aims at the block [row, row+rows) x [col, col+cols) of a matrix; it will be there after `steps` times AHEAD_STEPS steps. */
static struct ahead ahead_of(const struct matrix *m, int64_t row, int64_t rows, int64_t col, int64_t cols, int64_t steps)
{
    struct ahead a = {0};
    int64_t outer = m->col == 1 ? rows : cols, inner = m->col == 1 ? cols : rows, stride = m->col == 1 ? m->row : m->col;
    if (outer <= 0 || inner <= 0 || (m->col != 1 && m->row != 1)) return a;
    a.line = (uintptr_t)(m->at + row * m->row + col * m->col);
    a.row_lines = a.row_left = div_up(inner * (int64_t)sizeof(float), LINE);
    a.left = outer * a.row_lines;
    a.skip = stride * (int64_t)sizeof(float) - a.row_lines * LINE;
    a.pace = div_up(a.left, steps);
    return a;
}

V_INLINE void ahead_go(struct ahead *a)
{
    for (int64_t n = MIN(a->pace, a->left); n > 0; n--, a->left--, a->line += LINE) {
        __builtin_prefetch((const void *)a->line);
        if (--a->row_left == 0) {
            a->row_left = a->row_lines;
            a->line += (uintptr_t)a->skip;
        }
    }
}

struct soon {
    struct ahead a, b; /* the next panels of A, the next block of B */
};
