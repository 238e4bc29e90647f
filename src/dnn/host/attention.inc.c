/* SPDX-License-Identifier: Apache-2.0
 * Attention in tiles (Dao, FlashAttention-2, 2023): up to QUERIES rows against KEYS keys at a time, so that scores never leave the cache.
 * Forward: a chunk is one tile of queries of one head; a running maximum and sum correct what was added before.
 * Derivative: a chunk is all of one group of heads; weights come again from the scores and the row's log-sum. */

enum {
    QUERIES = 64,
    KEYS = 256,
    HEAD_MAX = 256, /* features of a head */
    ATTENTION_FLOATS = B_FLOATS + A_FLOATS + 2 * PACKED_SLACK + 3 * QUERIES * KEYS + QUERIES * HEAD_MAX + 4 * QUERIES
};

/* One head's rows: row i begins at at + i * row. */
struct head_rows {
    const float *at;
    int64_t row;
};

struct attention_room {
    float *a_packed, *b_packed;
    float *scores, *weights, *y, *most, *total; /* [QUERIES][KEYS] twice, [QUERIES][HEAD_MAX], [QUERIES] twice */
};

/* Queries of a tile. All of them meet the keys that the last one sees, so causal tiles are smaller where that is much of the whole. */
static int64_t tile_queries(const pgd_attention_params *p) { return p->causal && p->keys <= KEYS ? QUERIES / 2 : QUERIES; }

/* Tiles smaller yet where there would be fewer than four chunks. */
static int64_t attention_plan(pgd_attention_params *p)
{
    p->tile = tile_queries(p);
    while (p->tile > TILE_ROWS && p->batch * p->heads * div_up(p->queries, p->tile) < 4) p->tile /= 2;
    return p->batch * p->heads * div_up(p->queries, p->tile);
}

static struct attention_room attention_room(void *scratch) {
    float *room = (float *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES);
    struct attention_room r;
    r.b_packed = room;
    r.a_packed = r.b_packed + B_FLOATS + PACKED_SLACK;
    r.scores = r.a_packed + A_FLOATS + PACKED_SLACK;
    r.weights = r.scores + QUERIES * KEYS;
    r.y = r.weights + QUERIES * KEYS;
    r.most = r.y + QUERIES * HEAD_MAX;
    r.total = r.most + QUERIES;
    return r;
}

/* c[rows][cols] (+)= a b with rows of c `c_row` apart. */
static void small_product(const struct attention_room *room, int64_t rows, int64_t cols, int64_t k, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row, int64_t b_col, float *c,
                          int64_t c_row, int add) {
    struct matrix am = {a, a_row, a_col}, bm = {b, b_row, b_col};
    struct run run = {0, cols, 1, 0, 0, c};
    struct product product = {
        .rows = rows, .cols = cols, .k = k, .k_block = K_MAX, .pack_a = pack_a_matrix, .pack_a_panels = a_row == 1 ? pack_a_columns : NULL, .pack_b = pack_b_matrix, .a = &am, .b = &bm,
        .a_packed = room->a_packed, .b_packed = room->b_packed, .c_row = c_row, .run_count = 1, .runs = &run, .add = add,
    };
    product_run(&product);
}

static int64_t visible_keys(const pgd_attention_params *p, char *const *mem, int64_t batch, int64_t query) {
    int64_t start = p->start >= 0 ? ((const int32_t *)(const void *)mem[p->start])[batch] : p->keys - p->queries;
    int64_t count = p->causal ? start + query + 1 : p->start >= 0 ? start + p->queries : p->keys;
    return count < 0 ? 0 : MIN(count, p->keys);
}

static const float *mask_row(const pgd_attention_params *p, char *const *mem, int64_t batch, int64_t head, int64_t query) {
    return (const float *)(const void *)mem[p->mask] + batch * p->mask_batch + head * p->mask_head + query * p->mask_query;
}

static struct head_rows rows_of_head(char *at, int64_t batch, int64_t positions, int64_t heads, int64_t head, int64_t features) {
    return (struct head_rows){(const float *)(const void *)at + (batch * positions * heads + head) * features, heads * features};
}

/* Scores of a tile, scaled and masked; keys a query does not see get -infinity. */
static void tile_scores(const pgd_attention_params *p, char *const *mem, const struct attention_room *room, struct head_rows q, struct head_rows k, int64_t batch, int64_t head, int64_t query,
                        int64_t queries, int64_t key, int64_t keys) {
    small_product(room, queries, keys, p->features, q.at + query * q.row, q.row, 1, k.at + key * k.row, 1, k.row, room->scores, KEYS, 0);
    for (int64_t i = 0; i < queries; i++) {
        float *s = room->scores + i * KEYS;
        int64_t seen = visible_keys(p, mem, batch, query + i) - key;
        if (p->mask >= 0) {
            const float *mask = mask_row(p, mem, batch, head, query + i) + key;
            for (int64_t j = 0; j < keys; j++) s[j] = s[j] * p->scale + mask[j];
        } else
            for (int64_t j = 0; j < keys; j++) s[j] *= p->scale;
        for (int64_t j = MAX(seen, 0); j < keys; j++) s[j] = -INFINITY;
    }
}

/* Adds one tile of keys to the running softmax of each row. */
static void fold_tile(const pgd_attention_params *p, const struct attention_room *room, struct head_rows v, int64_t queries, int64_t key, int64_t keys) {
    for (int64_t i = 0; i < queries; i++) {
        float *s = room->scores + i * KEYS, most = max_one(room->most[i], max_run(s, keys)), correction;
        if (most == -INFINITY) { /* nothing seen yet */
            for (int64_t j = 0; j < keys; j++) s[j] = 0;
            continue;
        }
        for (int64_t j = 0; j < keys; j++) s[j] = exp_one(s[j] - most);
        correction = exp_one(room->most[i] - most);
        room->total[i] = room->total[i] * correction + sum_run(s, keys);
        room->most[i] = most;
        if (correction == 1.0f) continue;
        for (int64_t e = 0; e < p->value_features; e++) room->y[i * HEAD_MAX + e] *= correction;
    }
    small_product(room, queries, p->value_features, keys, room->scores, KEYS, 1, v.at + key * v.row, v.row, 1, room->y, HEAD_MAX, key > 0);
}

/* mem: q, k, v, (mask), (start), y, logsum */
static void attention_forward(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_attention_params *p = params;
    struct attention_room room = attention_room(scratch);
    int64_t blocks = div_up(p->queries, p->tile), query = chunk % blocks * p->tile, head = chunk / blocks % p->heads, batch = chunk / blocks / p->heads;
    int64_t queries = MIN(p->tile, p->queries - query), group = head / (p->heads / p->groups);
    struct head_rows q = rows_of_head(mem[0], batch, p->queries, p->heads, head, p->features), k = rows_of_head(mem[1], batch, p->keys, p->groups, group, p->features);
    struct head_rows v = rows_of_head(mem[2], batch, p->keys, p->groups, group, p->value_features);
    float *y = (float *)(void *)mem[p->output] + ((batch * p->queries + query) * p->heads + head) * p->value_features;
    float *logsum = (float *)(void *)mem[p->output + 1] + (batch * p->queries + query) * p->heads + head;
    int64_t end = visible_keys(p, mem, batch, query + queries - 1);
    for (int64_t i = 0; i < queries; i++) room.most[i] = -INFINITY, room.total[i] = 0;
    for (int64_t i = 0; i < queries * HEAD_MAX && end == 0; i++) room.y[i] = 0;
    for (int64_t key = 0; key < end; key += KEYS) {
        int64_t keys = MIN(KEYS, end - key);
        tile_scores(p, mem, &room, q, k, batch, head, query, queries, key, keys);
        fold_tile(p, &room, v, queries, key, keys);
    }
    for (int64_t i = 0; i < queries; i++, y += p->heads * p->value_features, logsum += p->heads) {
        float factor = room.most[i] == -INFINITY ? 0.0f : 1.0f / room.total[i];
        for (int64_t e = 0; e < p->value_features; e++) y[e] = room.y[i * HEAD_MAX + e] * factor;
        *logsum = room.most[i] == -INFINITY ? -INFINITY : room.most[i] + log_one(room.total[i]);
    }
}

/* One tile of the derivative: weights into room->scores, dscore (scaled) into room->weights. */
static void tile_weights(const pgd_attention_params *p, char *const *mem, const struct attention_room *room, struct head_rows dy, struct head_rows v, int64_t batch, int64_t head, int64_t query,
                         int64_t queries, int64_t key, int64_t keys) {
    const float *logsum = (const float *)(const void *)mem[3] + (batch * p->queries + query) * p->heads + head;
    const float *delta = (const float *)(const void *)mem[4] + (batch * p->queries + query) * p->heads + head;
    small_product(room, queries, keys, p->value_features, dy.at + query * dy.row, dy.row, 1, v.at + key * v.row, 1, v.row, room->weights, KEYS, 0);
    for (int64_t i = 0; i < queries; i++) {
        float *s = room->scores + i * KEYS, *d = room->weights + i * KEYS, row = logsum[i * p->heads], sub = delta[i * p->heads];
        if (row == -INFINITY) {
            for (int64_t j = 0; j < keys; j++) s[j] = d[j] = 0;
            continue;
        }
        for (int64_t j = 0; j < keys; j++) {
            s[j] = exp_one(s[j] - row);
            d[j] = s[j] * (d[j] - sub) * p->scale;
        }
    }
}

/* mem: q, k, v, logsum, delta, dy, (mask), (start), dq, dk, dv */
static void attention_backward(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_attention_params *p = params;
    struct attention_room room = attention_room(scratch);
    int64_t group = chunk % p->groups, batch = chunk / p->groups, per_group = p->heads / p->groups, tile = tile_queries(p);
    struct head_rows k = rows_of_head(mem[1], batch, p->keys, p->groups, group, p->features), v = rows_of_head(mem[2], batch, p->keys, p->groups, group, p->value_features);
    float *dk = (float *)(void *)mem[p->output + 1] + (k.at - (const float *)(const void *)mem[1]), *dv = (float *)(void *)mem[p->output + 2] + (v.at - (const float *)(const void *)mem[2]);
    for (int64_t s = 0; s < p->keys; s++) {
        memset(dk + s * k.row, 0, (size_t)p->features * sizeof *dk);
        memset(dv + s * v.row, 0, (size_t)p->value_features * sizeof *dv);
    }
    for (int64_t head = group * per_group; head < (group + 1) * per_group; head++) {
        struct head_rows q = rows_of_head(mem[0], batch, p->queries, p->heads, head, p->features), dy = rows_of_head(mem[5], batch, p->queries, p->heads, head, p->value_features);
        float *dq = (float *)(void *)mem[p->output] + (q.at - (const float *)(const void *)mem[0]);
        for (int64_t query = 0; query < p->queries; query += tile) {
            int64_t queries = MIN(tile, p->queries - query), end = visible_keys(p, mem, batch, query + queries - 1);
            for (int64_t i = 0; i < queries && end == 0; i++) memset(dq + (query + i) * q.row, 0, (size_t)p->features * sizeof *dq);
            for (int64_t key = 0; key < end; key += KEYS) {
                int64_t keys = MIN(KEYS, end - key);
                tile_scores(p, mem, &room, q, k, batch, head, query, queries, key, keys);
                tile_weights(p, mem, &room, dy, v, batch, head, query, queries, key, keys);
                small_product(&room, queries, p->features, keys, room.weights, KEYS, 1, k.at + key * k.row, k.row, 1, dq + query * q.row, q.row, key > 0);
                small_product(&room, keys, p->features, queries, room.weights, 1, KEYS, q.at + query * q.row, q.row, 1, dk + key * k.row, k.row, 1);
                small_product(&room, keys, p->value_features, queries, room.scores, 1, KEYS, dy.at + query * dy.row, dy.row, 1, dv + key * v.row, v.row, 1);
            }
        }
    }
}
