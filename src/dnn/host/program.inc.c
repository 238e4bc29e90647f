/* SPDX-License-Identifier: Apache-2.0
 * The tile interpreter for fused programs. A tile is up to PGD_TILE consecutive elements of the (collapsed) iteration space; every
 * instruction is one loop over the tile, in L1. An operand that lies like the space itself is read in place; one that is the same for all
 * elements is spread once per chunk; any other is gathered run by run. */

typedef struct program_state {
    const pgd_host_program *program;
    char *const *mem;
    float *buffers;                           /* tile buffers, PGD_TILE floats each */
    const float *registers[PGD_PROGRAM_INSTRS];
    float *element;                           /* epilogue: the elements being finished */
} program_state;

static void load_run(float *to, const char *from, int dtype, int64_t first, int64_t stride, int64_t n) {
    if (dtype == PGD_F32) {
        const float *x = (const float *)from + first;
        if (stride == 0)
            for (int64_t i = 0; i < n; i++) to[i] = x[0];
        else if (stride == 1)
            memcpy(to, x, (size_t)n * sizeof *to);
        else
            for (int64_t i = 0; i < n; i++) to[i] = x[i * stride];
    } else if (dtype == PGD_I32) {
        for (int64_t i = 0; i < n; i++) to[i] = (float)((const int32_t *)from)[first + i * stride];
    } else if (dtype == PGD_BF16) {
        const uint16_t *x = (const uint16_t *)(const void *)from + first;
        if (stride == 1)
            for (int64_t i = 0; i < n; i++) to[i] = pgd_float_of_bf16(x[i]);
        else
            for (int64_t i = 0; i < n; i++) to[i] = pgd_float_of_bf16(x[i * stride]);
    } else if (dtype == PGD_F16) {
        const uint16_t *x = (const uint16_t *)(const void *)from + first;
        if (stride == 1)
            for (int64_t i = 0; i < n; i++) to[i] = pgd_float_of_f16(x[i]);
        else
            for (int64_t i = 0; i < n; i++) to[i] = pgd_float_of_f16(x[i * stride]);
    } else if (dtype == PGD_BOOL) { /* any byte but 0 is true */
        for (int64_t i = 0; i < n; i++) to[i] = ((const uint8_t *)from)[first + i * stride] != 0 ? 1.0f : 0.0f;
    } else {
        const uint8_t *x = (const uint8_t *)from + first;
        if (stride == 1)
            for (int64_t i = 0; i < n; i++) to[i] = (float)x[i];
        else
            for (int64_t i = 0; i < n; i++) to[i] = (float)x[i * stride];
    }
}

static void load_runs(const pgd_host_program *p, const pgd_host_instr *instr, const char *from, int64_t start, int64_t n, float *to) {
    int64_t at[PGD_COLLAPSED_RANK], rest = start, offset = 0;
    int32_t inner = p->rank - 1;
    for (int32_t d = inner; d >= 0; d--) {
        at[d] = rest % p->dims[d];
        rest /= p->dims[d];
        offset += at[d] * instr->strides[d];
    }
    for (;;) {
        int64_t run = p->dims[inner] - at[inner];
        if (run > n) run = n;
        load_run(to, from, instr->dtype, offset, instr->strides[inner], run);
        n -= run;
        if (n == 0) return;
        to += run;
        offset -= at[inner] * instr->strides[inner];
        at[inner] = 0;
        for (int32_t d = inner - 1; d >= 0; d--) {
            offset += instr->strides[d];
            if (++at[d] < p->dims[d]) break;
            offset -= at[d] * instr->strides[d];
            at[d] = 0;
        }
    }
}

static void random_run(const pgd_host_instr *instr, const char *key_bytes, int64_t start, int64_t n, float *to) {
    uint64_t key[2];
    memcpy(key, key_bytes, sizeof key);
    if (instr->op == PGD_OP_NORMAL) {
        for (int64_t i = 0; i < n; i++) {
            uint32_t words[4];
            pgd_philox(key[0], key[1], (uint32_t)instr->stream, (uint64_t)(start + i), words);
            to[i] = (float)pgd_normal_from(words[0], words[1]);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) { /* becomes vector code */
        uint32_t words[4];
        pgd_philox(key[0], key[1], (uint32_t)instr->stream, (uint64_t)(start + i), words);
        to[i] = pgd_uniform_from(words[0]);
    }
}

/* `to` is either one of the operands or apart from all of them, never shifted against one. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define EACH(expression)                                              \
    INDEPENDENT for (int64_t i = 0; i < n; i++) to[i] = (expression); \
    break

/* The slow and exact way for a tile that holds an element the straight line is not made for. */
#define EACH_FAR(expression)                                           \
    {                                                                  \
        for (int64_t i = 0; i < n; i++) to[i] = (expression);          \
        break;                                                         \
    }

static inline bool is_far(float x) { return __builtin_fabsf(x) > FAR_ANGLE; }

static bool any_far(const float *a, int64_t n) {
    int far = 0;
    for (int64_t i = 0; i < n; i++) far |= is_far(a[i]);
    return far != 0;
}

static bool any_far_quotient(const float *a, const float *b, int64_t n) {
    int far = 0;
    for (int64_t i = 0; i < n; i++) far |= __builtin_fabsf(a[i]) >= 134217728.0f * __builtin_fabsf(b[i]);
    return far != 0;
}

static void elementwise_run(int op, const float *a, const float *b, const float *c, int64_t n, float *to) {
    switch (op) {
    case PGD_OP_NEG: EACH(-a[i]);
    case PGD_OP_ABS: EACH(__builtin_fabsf(a[i]));
    case PGD_OP_SIGN: EACH(a[i] > 0 ? 1.0f : a[i] < 0 ? -1.0f : a[i]);
    case PGD_OP_FLOOR: EACH(__builtin_floorf(a[i]));
    case PGD_OP_CEIL: EACH(__builtin_ceilf(a[i]));
    case PGD_OP_SQRT: EACH(__builtin_sqrtf(a[i]));
    case PGD_OP_RSQRT: EACH(1.0f / __builtin_sqrtf(a[i]));
    case PGD_OP_RECIP: EACH(1.0f / a[i]);
    case PGD_OP_EXP: EACH(exp_one(a[i]));
    case PGD_OP_LOG: EACH(log_one(a[i]));
    case PGD_OP_SIN:
        if (any_far(a, n)) EACH_FAR(is_far(a[i]) ? sinf(a[i]) : sin_one(a[i]));
        EACH(sin_one(a[i]));
    case PGD_OP_COS:
        if (any_far(a, n)) EACH_FAR(is_far(a[i]) ? cosf(a[i]) : cos_one(a[i]));
        EACH(cos_one(a[i]));
    case PGD_OP_TAN:
        if (any_far(a, n)) EACH_FAR(is_far(a[i]) ? tanf(a[i]) : tan_one(a[i]));
        EACH(tan_one(a[i]));
    case PGD_OP_ASIN: EACH(asin_one(a[i]));
    case PGD_OP_ACOS: EACH(acos_one(a[i]));
    case PGD_OP_ATAN: EACH(atan_one(a[i]));
    case PGD_OP_ROUND: EACH(round_one(a[i]));
    case PGD_OP_TRUNC: EACH(trunc_one(a[i]));
    case PGD_OP_EXPM1: EACH(expm1_one(a[i]));
    case PGD_OP_LOG1P: EACH(log1p_one(a[i]));
    case PGD_OP_GELU: EACH(gelu_one(a[i]));
    case PGD_OP_GELU_SLOPE: EACH(gelu_slope_one(a[i]));
    case PGD_OP_ISNAN: EACH(a[i] != a[i] ? 1.0f : 0.0f);
    case PGD_OP_ISINF: EACH(__builtin_fabsf(a[i]) == INFINITY ? 1.0f : 0.0f);
    case PGD_OP_TANH: EACH(tanh_one(a[i]));
    case PGD_OP_SIGMOID: EACH(sigmoid_one(a[i]));
    case PGD_OP_ERF: EACH(erf_one(a[i]));
    case PGD_OP_RELU: EACH(a[i] > 0 || a[i] != a[i] ? a[i] : 0.0f);
    case PGD_OP_NOT: EACH(a[i] == 0 ? 1.0f : 0.0f);
    case PGD_OP_ADD: EACH(a[i] + b[i]);
    case PGD_OP_SUB: EACH(a[i] - b[i]);
    case PGD_OP_MUL: EACH(a[i] * b[i]);
    case PGD_OP_DIV: EACH(a[i] / b[i]);
    case PGD_OP_POW: EACH(pow_one(a[i], b[i]));
    case PGD_OP_MOD:
        if (any_far_quotient(a, b, n)) EACH_FAR(mod_far(a[i], b[i]));
        EACH(mod_one(a[i], b[i]));
    case PGD_OP_MIN: EACH(min_one(a[i], b[i]));
    case PGD_OP_MAX: EACH(max_one(a[i], b[i]));
    case PGD_OP_EQ: EACH(a[i] == b[i] ? 1.0f : 0.0f);
    case PGD_OP_LT: EACH(a[i] < b[i] ? 1.0f : 0.0f);
    case PGD_OP_LE: EACH(a[i] <= b[i] ? 1.0f : 0.0f);
    case PGD_OP_AND: EACH(((a[i] != 0) & (b[i] != 0)) != 0 ? 1.0f : 0.0f);
    case PGD_OP_OR: EACH(((a[i] != 0) | (b[i] != 0)) != 0 ? 1.0f : 0.0f);
    case PGD_OP_XOR: EACH(((a[i] != 0) ^ (b[i] != 0)) != 0 ? 1.0f : 0.0f);
    case PGD_OP_WHERE: EACH(a[i] != 0 ? b[i] : c[i]);
    default: break;
    }
}

/* Registers stay f32 whatever dtype the value has outside, so a conversion leaves the number that the dtype would have kept. */
static void cast_run(int dtype, const float *a, int64_t n, float *to) {
    switch (dtype) {
    case PGD_BOOL: EACH(a[i] != 0 ? 1.0f : 0.0f);
    case PGD_F16: EACH(pgd_float_of_f16(pgd_f16_of_float(a[i])));
    case PGD_BF16: EACH(pgd_float_of_bf16(pgd_bf16_of_float(a[i])));
    case PGD_U8: EACH(a[i] > 0 ? a[i] < 255 ? (float)(int32_t)a[i] : 255.0f : 0.0f);
    default: EACH(a[i]);
    }
}
#undef EACH
#undef EACH_FAR

static void program_begin(program_state *s, const pgd_host_program *p, char *const *mem, void *scratch) {
    s->program = p;
    s->mem = mem;
    s->buffers = scratch;
    s->element = NULL;
    for (int32_t r = 0; r < p->instr_count; r++) {
        const pgd_host_instr *instr = &p->instrs[r];
        if (instr->load != PGD_LOAD_ONCE) continue;
        float *to = s->buffers + instr->buffer * PGD_TILE, value = instr->imm;
        if (instr->op == PGD_OP_INPUT) load_run(&value, mem[instr->operand], instr->dtype, 0, 0, 1);
        for (int i = 0; i < PGD_TILE; i++) to[i] = value;
        s->registers[r] = to;
    }
}

/* Evaluates all registers for the elements [start, start + n), n <= PGD_TILE. Outputs of dtype f32 with a `store` are computed straight into `direct`. */
static void program_tile(program_state *s, int64_t start, int64_t n, float *const *direct) {
    const pgd_host_program *p = s->program;
    for (int32_t r = 0; r < p->instr_count; r++) {
        const pgd_host_instr *instr = &p->instrs[r];
        if (instr->load == PGD_LOAD_ONCE) continue;
        if (instr->load == PGD_LOAD_DIRECT) {
            s->registers[r] = instr->operand < 0 ? s->element : (const float *)(const void *)s->mem[instr->operand] + start;
            continue;
        }
        float *to = instr->store >= 0 && direct != NULL ? direct[instr->store] : s->buffers + instr->buffer * PGD_TILE;
        s->registers[r] = to;
        if (instr->load == PGD_LOAD_RUNS)
            load_runs(p, instr, s->mem[instr->operand], start, n, to);
        else if (instr->op == PGD_OP_UNIFORM || instr->op == PGD_OP_NORMAL)
            random_run(instr, s->mem[instr->operand], start, n, to);
        else if (instr->op == PGD_OP_CAST)
            cast_run(instr->dtype, s->registers[instr->args[0]], n, to);
        else
            elementwise_run(instr->op, s->registers[instr->args[0]], instr->args[1] < 0 ? NULL : s->registers[instr->args[1]], instr->args[2] < 0 ? NULL : s->registers[instr->args[2]], n, to);
    }
}

static void store_run(char *to, int dtype, int64_t first, const float *from, int64_t n) {
    if (dtype == PGD_F32) {
        float *y = (float *)to + first;
        if (y != from) memcpy(y, from, (size_t)n * sizeof *y);
    } else if (dtype == PGD_F16) {
        for (int64_t i = 0; i < n; i++) ((uint16_t *)(void *)to)[first + i] = pgd_f16_of_float(from[i]);
    } else if (dtype == PGD_BF16) {
        for (int64_t i = 0; i < n; i++) ((uint16_t *)(void *)to)[first + i] = pgd_bf16_of_float(from[i]);
    } else if (dtype == PGD_BOOL) {
        for (int64_t i = 0; i < n; i++) ((uint8_t *)to)[first + i] = from[i] != 0;
    } else if (dtype == PGD_U8) {
        for (int64_t i = 0; i < n; i++) ((uint8_t *)to)[first + i] = from[i] > 0 ? from[i] < 255 ? (uint8_t)from[i] : 255 : 0;
    } else { /* i32; 2147483648 is the first float beyond it */
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)to)[first + i] = from[i] != from[i] ? 0 : from[i] >= 2147483648.0f ? INT32_MAX : from[i] <= -2147483648.0f ? INT32_MIN : (int32_t)from[i];
    }
}

static void program_map(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_host_program *p = params;
    program_state s;
    program_begin(&s, p, mem, scratch);
    int64_t end = (chunk + 1) * p->chunk_elems < p->elems ? (chunk + 1) * p->chunk_elems : p->elems;
    for (int64_t start = chunk * p->chunk_elems; start < end; start += PGD_TILE) {
        int64_t n = end - start < PGD_TILE ? end - start : PGD_TILE;
        float *direct[PGD_MAX_OUTPUTS];
        for (int32_t k = 0; k < p->output_count; k++) direct[k] = (float *)(void *)mem[p->first_output + k] + start;
        program_tile(&s, start, n, direct);
        for (int32_t k = 0; k < p->output_count; k++) store_run(mem[p->first_output + k], p->output_dtypes[k], start, s.registers[p->outputs[k]], n);
    }
}

/* ---- reductions ---------------------------------------------------------------------------------------------------------------------------- */

static float reduce_start(int op) { return op == PGD_OP_SUM ? 0.0f : op == PGD_OP_PROD ? 1.0f : op == PGD_OP_REDUCE_MAX ? -INFINITY : INFINITY; }

static float combine(int op, float a, float b) { return op == PGD_OP_SUM ? a + b : op == PGD_OP_REDUCE_MAX ? max_one(a, b) : min_one(a, b); }

static float reduce_run(int op, const float *x, int64_t n) {
    if (op == PGD_OP_SUM) return sum_run(x, n);
    if (op == PGD_OP_REDUCE_MAX) return max_run(x, n);
    float total = reduce_start(op);
    for (int64_t i = 0; i < n; i++) total = combine(op, total, x[i]);
    return total;
}

/* In double, which a tile of f32 factors rarely leaves. */
static double factors_run(const float *x, int64_t n) {
    double part[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] *= (double)x[i + k];
    for (int k = 0; i < n; i++, k++) part[k] *= (double)x[i];
    for (int k = 1; k < 8; k++) part[0] *= part[k];
    return part[0];
}

/* Linear index of the element whose kept coordinates are those of `kept` and reduced coordinates those of `reduced`, both row-major numbers
 * among their own axes; the innermost `skip` axes are left at zero. */
static int64_t place(const pgd_host_program *p, int64_t kept, int64_t reduced, int32_t skip) {
    int64_t linear = 0, stride = 1;
    for (int32_t d = p->rank - 1; d >= 0; d--) {
        if (d < p->rank - skip) {
            int64_t *number = (p->reduced >> d & 1) != 0 ? &reduced : &kept;
            linear += *number % p->dims[d] * stride;
            *number /= p->dims[d];
        }
        stride *= p->dims[d];
    }
    return linear;
}

/* The innermost axis is reduced: each kept element is the sum over runs. Runs add up in double, so long reductions keep their digits. */
static void program_reduce_rows(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_host_program *p = params;
    program_state s;
    program_begin(&s, p, mem, scratch);
    int64_t inner = p->dims[p->rank - 1], outer = inner == 0 ? 0 : p->reduced_elems / inner;
    int64_t end = (chunk + 1) * p->chunk_elems < p->kept_elems ? (chunk + 1) * p->chunk_elems : p->kept_elems;
    for (int64_t kept = chunk * p->chunk_elems; kept < end; kept++) {
        double total = (double)reduce_start(p->reduce);
        for (int64_t r = 0; r < outer; r++) {
            int64_t first = place(p, kept, r, 1);
            for (int64_t i = 0; i < inner; i += PGD_TILE) {
                int64_t n = inner - i < PGD_TILE ? inner - i : PGD_TILE;
                program_tile(&s, first + i, n, NULL);
                if (p->reduce == PGD_OP_PROD) {
                    total *= factors_run(s.registers[p->outputs[0]], n);
                    continue;
                }
                float part = reduce_run(p->reduce, s.registers[p->outputs[0]], n);
                total = p->reduce == PGD_OP_SUM ? total + (double)part : (double)combine(p->reduce, (float)total, part);
            }
        }
        store_run(mem[p->first_output], p->output_dtypes[0], kept, &(float){(float)total}, 1);
    }
}

/* The innermost axis is kept: a tile of kept elements is added up over all reduced positions, in runs of COLUMN_RUN that are joined in double. chunk_elems
 * is at most PGD_TILE and divides nothing: a chunk is a piece of one innermost row. */
enum { COLUMN_RUN = 16 };

static void program_reduce_columns(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_host_program *p = params;
    program_state s;
    float *part = (float *)scratch + (PGD_EPILOGUE_SCRATCH_BYTES / sizeof(float));
    double total[PGD_TILE];
    program_begin(&s, p, mem, scratch);
    int64_t inner = p->dims[p->rank - 1], pieces = (inner + p->chunk_elems - 1) / p->chunk_elems;
    int64_t kept_row = chunk / pieces, first = chunk % pieces * p->chunk_elems;
    int64_t n = inner - first < p->chunk_elems ? inner - first : p->chunk_elems;
    for (int64_t i = 0; i < n; i++) part[i] = reduce_start(p->reduce), total[i] = p->reduce == PGD_OP_PROD;
    for (int64_t r = 0; r < p->reduced_elems; r++) {
        program_tile(&s, place(p, kept_row, r, 1) + first, n, NULL);
        const float *x = s.registers[p->outputs[0]];
        if (p->reduce == PGD_OP_PROD) {
            for (int64_t i = 0; i < n; i++) total[i] *= (double)x[i];
            continue;
        }
        if (p->reduce != PGD_OP_SUM) {
            for (int64_t i = 0; i < n; i++) part[i] = combine(p->reduce, part[i], x[i]);
            continue;
        }
        for (int64_t i = 0; i < n; i++) part[i] += x[i];
        if ((r + 1) % COLUMN_RUN == 0)
            for (int64_t i = 0; i < n; i++) total[i] += (double)part[i], part[i] = 0;
    }
    if (p->reduce == PGD_OP_SUM)
        for (int64_t i = 0; i < n; i++) part[i] = (float)(total[i] + (double)part[i]);
    if (p->reduce == PGD_OP_PROD)
        for (int64_t i = 0; i < n; i++) part[i] = (float)total[i];
    store_run(mem[p->first_output], p->output_dtypes[0], kept_row * inner + first, part, n);
}

/* ---- epilogue: the iteration space is the result [batch][row][col]; element -1 is the block just computed ------------------------------------ */

static void program_epilogue(const pgd_epilogue *self, char *const *mem, float *c, int64_t c_row_stride, int64_t batch, int64_t row, int64_t col, int64_t rows, int64_t cols, void *scratch) {
    const pgd_host_program *p = self->program;
    program_state s;
    program_begin(&s, p, mem + self->first_operand, scratch);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < cols; j += PGD_TILE) {
            int64_t n = cols - j < PGD_TILE ? cols - j : PGD_TILE;
            float *at = c + r * c_row_stride + j;
            s.element = at;
            program_tile(&s, (batch * p->dims[1] + row + r) * p->dims[2] + col + j, n, &at);
            store_run((char *)at, PGD_F32, 0, s.registers[p->outputs[0]], n);
        }
}
