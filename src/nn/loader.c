/* SPDX-License-Identifier: Apache-2.0
 * Batches in a seeded order, prepared ahead. The order of epoch e is a Fisher-Yates shuffle driven by Philox with key (seed, e), so any position can be
 * reached without passing through the ones before. Two batches exist: the one lent to the caller, and the one that the threads fill meanwhile, each claiming
 * a few samples at a time; what a sample holds depends on its number alone, never on who fills it. */
#include <pthread.h>
#include <string.h>

#include "layer.h"

enum { MAX_THREADS = 16, CLAIM = 8 /* samples */ };

/* Numbers no graph gives to its own random streams. */
static const uint32_t ORDER_STREAM = 0xfffffff1u, SAMPLE_STREAM = 0xfffffff2u;

typedef struct batch {
    void *fields[PGD_MAX_FIELDS];
    int64_t count, position; /* position -1: nothing in it */
} batch;

struct pgd_loader {
    pgd_dataset data;
    pgd_field fields[PGD_MAX_FIELDS];
    size_t field_bytes[PGD_MAX_FIELDS];
    int64_t batch_size, batches;
    uint64_t seed;
    bool shuffle, stopping;
    pthread_t threads[MAX_THREADS];
    int32_t thread_count;
    pthread_mutex_t lock;        /* guards all below */
    pthread_cond_t changed;
    batch ready, lent;           /* ready.position is what the threads have finished, or -1 */
    int64_t wanted;              /* position to prepare next */
    bool filling;                /* ready is being filled, with `position`: */
    int64_t position, claimed, finished;
    int64_t *order, order_epoch; /* changes only between fillings */
};

static void make_order(pgd_loader *l, int64_t epoch) {
    if (l->order_epoch == epoch) return;
    for (int64_t i = 0; i < l->data.count; i++) l->order[i] = i;
    for (int64_t i = l->data.count - 1; l->shuffle && i > 0; i--) {
        uint32_t words[4];
        pgd_philox(l->seed, (uint64_t)epoch, ORDER_STREAM, (uint64_t)i, words);
        int64_t j = (int64_t)(((uint64_t)words[0] << 32 | words[1]) % (uint64_t)(i + 1)), swap = l->order[i];
        l->order[i] = l->order[j];
        l->order[j] = swap;
    }
    l->order_epoch = epoch;
}

/* ---- the threads; all but fill_some under the lock ------------------------------------------------------------------------------------------------- */

static void fill_some(const pgd_loader *l, const batch *b, int64_t position, int64_t first, int64_t end) {
    int64_t epoch = position / l->batches, before = position % l->batches * l->batch_size;
    for (int64_t i = first; i < end; i++) {
        uint32_t words[4];
        int64_t index = l->order[before + i];
        void *fields[PGD_MAX_FIELDS];
        pgd_philox(l->seed, (uint64_t)epoch, SAMPLE_STREAM, (uint64_t)index, words);
        for (int32_t k = 0; k < l->data.field_count; k++) fields[k] = (char *)b->fields[k] + (size_t)i * l->field_bytes[k];
        l->data.sample(l->data.user, index, (uint64_t)words[0] << 32 | words[1], fields);
    }
}

static void begin_filling(pgd_loader *l) {
    l->position = l->wanted;
    make_order(l, l->position / l->batches);
    int64_t first = l->position % l->batches * l->batch_size;
    l->ready.count = l->data.count - first < l->batch_size ? l->data.count - first : l->batch_size;
    l->ready.position = -1;
    l->claimed = l->finished = 0;
    l->filling = true;
    pthread_cond_broadcast(&l->changed);
}

static void claim_and_fill(pgd_loader *l) {
    int64_t first = l->claimed, end = first + CLAIM < l->ready.count ? first + CLAIM : l->ready.count;
    l->claimed = end;
    pthread_mutex_unlock(&l->lock);
    fill_some(l, &l->ready, l->position, first, end);
    pthread_mutex_lock(&l->lock);
    l->finished += end - first;
    if (l->finished < l->ready.count) return;
    l->filling = false;
    l->ready.position = l->position;
    pthread_cond_broadcast(&l->changed);
}

static void *work(void *argument) {
    pgd_loader *l = argument;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping) {
        if (!l->filling && l->ready.position != l->wanted) begin_filling(l);
        if (l->filling && l->claimed < l->ready.count)
            claim_and_fill(l);
        else
            pthread_cond_wait(&l->changed, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- making ----------------------------------------------------------------------------------------------------------------------------------------- */

void pgd_loader_options_init(pgd_loader_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_loader_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .batch = 1, .shuffle = true, .threads = 1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

pgd_status pgd_dataset_check(const pgd_dataset *d, const char *who) {
    if (d->sample == NULL) return pgd_fail(PGD_BAD_ARG, "%s: the dataset's sample is NULL; set it to the function that fills the fields of one sample", who);
    if (d->count < 1 || d->count >= (int64_t)1 << 48) return pgd_fail(PGD_BAD_ARG, "%s: the dataset has %lld samples; it must have at least one", who, (long long)d->count);
    if (d->fields == NULL || d->field_count < 1 || d->field_count > PGD_MAX_FIELDS) return pgd_fail(PGD_BAD_ARG, "%s: a sample has %d fields; name 1 to %d", who, d->fields == NULL ? 0 : d->field_count, PGD_MAX_FIELDS);
    for (int32_t i = 0; i < d->field_count; i++) {
        const pgd_field *f = &d->fields[i];
        if (f->name == NULL || (unsigned)f->dtype >= PGD_DTYPE_COUNT || !pgd_shape_valid(f->shape) || f->shape.rank >= PGD_MAX_RANK)
            return pgd_fail(PGD_BAD_ARG, "%s: field %d of a sample has no name, or no dtype and shape of rank %d or less", who, i, PGD_MAX_RANK - 1);
    }
    return PGD_OK;
}

static pgd_status make_batch(const pgd_loader *l, batch *b) {
    b->position = -1;
    for (int32_t i = 0; i < l->data.field_count; i++) {
        size_t bytes = l->field_bytes[i] * (size_t)l->batch_size;
        if ((b->fields[i] = pgd_mem_zalloc(bytes + 1)) == NULL) return pgd_fail_memory(bytes);
    }
    return PGD_OK;
}

static pgd_status make(pgd_loader *l, int32_t threads) {
    PGD_TRY(make_batch(l, &l->ready));
    PGD_TRY(make_batch(l, &l->lent));
    l->order = pgd_mem_alloc((size_t)l->data.count * sizeof *l->order);
    if (l->order == NULL) return pgd_fail_memory((size_t)l->data.count * sizeof *l->order);
    l->order_epoch = -1;
    for (; l->thread_count < threads; l->thread_count++)
        if (pthread_create(&l->threads[l->thread_count], NULL, work, l) != 0) return pgd_fail(PGD_NO_MEMORY, "loader: no thread could be started; raise the process limit (ulimit -u)");
    return PGD_OK;
}

static pgd_status check_sizes(const pgd_dataset *d, const pgd_loader_options *o, int64_t batch_size) {
    int64_t bytes = 0, part;
    for (int32_t i = 0; i < d->field_count; i++)
        if (__builtin_mul_overflow(pgd_shape_elems(d->fields[i].shape) * (int64_t)pgd_dtype_bytes(d->fields[i].dtype), batch_size, &part) || __builtin_add_overflow(bytes, part, &bytes)) bytes = INT64_MAX, i = d->field_count;
    if (o->batch < 1 || bytes >= (int64_t)1 << 48) return pgd_fail(PGD_BAD_ARG, "loader: batches of %lld; a batch must have at least one sample and fit in memory", (long long)o->batch);
    if (o->threads < 1 || o->threads > MAX_THREADS) return pgd_fail(PGD_BAD_ARG, "loader: %d threads; use 1 to %d", o->threads, MAX_THREADS);
    return PGD_OK;
}

pgd_status pgd_loader_create(const pgd_dataset *dataset, const pgd_loader_options *options, pgd_loader **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(dataset);
    pgd_loader_options o;
    pgd_loader_options_init(&o, sizeof o);
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_loader_options"));
    PGD_TRY(pgd_dataset_check(dataset, "loader"));
    int64_t batch_size = o.batch < dataset->count ? o.batch : dataset->count;
    PGD_TRY(check_sizes(dataset, &o, batch_size));
    pgd_loader *l = pgd_mem_zalloc(sizeof *l);
    if (l == NULL) return pgd_fail_memory(sizeof *l);
    l->data = *dataset;
    memcpy(l->fields, dataset->fields, (size_t)dataset->field_count * sizeof *l->fields);
    l->data.fields = l->fields;
    for (int32_t i = 0; i < dataset->field_count; i++) l->field_bytes[i] = (size_t)pgd_shape_elems(l->fields[i].shape) * pgd_dtype_bytes(l->fields[i].dtype);
    l->batch_size = batch_size;
    l->batches = (dataset->count + l->batch_size - 1) / l->batch_size;
    l->seed = o.seed;
    l->shuffle = o.shuffle;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    pgd_status status = make(l, o.threads);
    if (status != PGD_OK) {
        pgd_loader_destroy(l);
        return status;
    }
    *out = l;
    return PGD_OK;
}

void pgd_loader_destroy(pgd_loader *l) {
    if (l == NULL) return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    for (int32_t i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    for (int32_t i = 0; i < PGD_MAX_FIELDS; i++) {
        pgd_mem_free(l->ready.fields[i]);
        pgd_mem_free(l->lent.fields[i]);
    }
    pgd_mem_free(l->order);
    pgd_mem_free(l);
}

/* ---- using ------------------------------------------------------------------------------------------------------------------------------------------- */

int64_t pgd_loader_batches(const pgd_loader *loader) { return PGD_LACKS(loader) ? 0 : loader->batches; }

void pgd_loader_seek(pgd_loader *loader, int64_t position) {
    if (PGD_LACKS(loader)) return;
    pthread_mutex_lock(&loader->lock);
    loader->wanted = position < 0 ? 0 : position;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
}

pgd_status pgd_loader_next(pgd_loader *loader, const void *const **fields, int64_t *count) {
    PGD_NEED(loader, fields, count);
    pgd_loader *l = loader;
    pthread_mutex_lock(&l->lock);
    while (l->filling || l->ready.position != l->wanted) pthread_cond_wait(&l->changed, &l->lock);
    batch swap = l->ready;
    l->ready = l->lent;
    l->lent = swap;
    l->ready.position = -1;
    l->wanted++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    *fields = (const void *const *)l->lent.fields;
    *count = l->lent.count;
    return PGD_OK;
}
