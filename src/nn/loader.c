/* SPDX-License-Identifier: Apache-2.0
 * Batches in a seeded order, prepared ahead. The order of epoch e is a Fisher-Yates shuffle driven by Philox with key (seed, e), so any
 * position can be reached without passing through the ones before. Two batches exist: the one lent to the caller, and the one the
 * thread fills meanwhile. */
#include <pthread.h>
#include <string.h>

#include "layer.h"

/* Numbers no graph gives to its own random streams. */
static const uint32_t ORDER_STREAM = 0xfffffff1u, SAMPLE_STREAM = 0xfffffff2u;

typedef struct batch {
    uint8_t *samples;
    int32_t *labels;
    int64_t count, position; /* position -1: nothing in it */
} batch;

struct pgd_loader {
    pgd_dataset data;
    int64_t batch_size, batches;
    uint64_t seed;
    bool shuffle, started, stopping;
    pthread_t thread;
    pthread_mutex_t lock;        /* guards all below */
    pthread_cond_t changed;
    batch ready, lent;           /* ready.position is what the thread has finished, or -1 */
    int64_t wanted;              /* position the thread shall prepare next */
    bool filling;
    int64_t *order, order_epoch; /* touched by the thread alone */
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

static void fill(pgd_loader *l, batch *b, int64_t position) {
    int64_t epoch = position / l->batches, first = position % l->batches * l->batch_size;
    make_order(l, epoch);
    b->count = l->data.count - first < l->batch_size ? l->data.count - first : l->batch_size;
    for (int64_t i = 0; i < b->count; i++) {
        uint32_t words[4];
        int64_t index = l->order[first + i];
        pgd_philox(l->seed, (uint64_t)epoch, SAMPLE_STREAM, (uint64_t)index, words);
        l->data.sample(l->data.user, index, (uint64_t)words[0] << 32 | words[1], b->samples + i * l->data.sample_bytes, &b->labels[i]);
    }
    b->position = position;
}

static void *work(void *argument) {
    pgd_loader *l = argument;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping) {
        if (l->ready.position == l->wanted) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        int64_t position = l->wanted;
        l->filling = true;
        pthread_mutex_unlock(&l->lock);
        fill(l, &l->ready, position);
        pthread_mutex_lock(&l->lock);
        l->filling = false;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static pgd_status make_batch(const pgd_loader *l, batch *b) {
    b->position = -1;
    b->samples = pgd_mem_alloc((size_t)(l->batch_size * l->data.sample_bytes));
    b->labels = pgd_mem_alloc((size_t)l->batch_size * sizeof *b->labels);
    return b->samples == NULL || b->labels == NULL ? pgd_fail_memory((size_t)(l->batch_size * l->data.sample_bytes)) : PGD_OK;
}

static pgd_status make(pgd_loader *l) {
    PGD_TRY(make_batch(l, &l->ready));
    PGD_TRY(make_batch(l, &l->lent));
    l->order = pgd_mem_alloc((size_t)l->data.count * sizeof *l->order);
    if (l->order == NULL) return pgd_fail_memory((size_t)l->data.count * sizeof *l->order);
    l->order_epoch = -1;
    if (pthread_create(&l->thread, NULL, work, l) != 0) return pgd_fail(PGD_NO_MEMORY, "loader: no thread could be started; raise the process limit (ulimit -u)");
    l->started = true;
    return PGD_OK;
}

pgd_status pgd_loader_create(const pgd_dataset *dataset, int64_t batch_size, uint64_t seed, bool shuffle, pgd_loader **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(dataset);
    int64_t bytes;
    if (dataset->sample == NULL) return pgd_fail(PGD_BAD_ARG, "loader: the dataset's sample is NULL; set it to the function that fills one sample and its label");
    if (dataset->count < 1 || batch_size < 1 || dataset->sample_bytes < 1 || __builtin_mul_overflow(batch_size < dataset->count ? batch_size : dataset->count, dataset->sample_bytes, &bytes) ||
        bytes >= (int64_t)1 << 48 || dataset->count >= (int64_t)1 << 48)
        return pgd_fail(PGD_BAD_ARG, "loader: %lld samples of %lld bytes in batches of %lld; each must be at least 1, and a batch fit in memory", (long long)dataset->count, (long long)dataset->sample_bytes, (long long)batch_size);
    pgd_loader *l = pgd_mem_zalloc(sizeof *l);
    if (l == NULL) return pgd_fail_memory(sizeof *l);
    l->data = *dataset;
    l->batch_size = batch_size < dataset->count ? batch_size : dataset->count;
    l->batches = (dataset->count + l->batch_size - 1) / l->batch_size;
    l->seed = seed;
    l->shuffle = shuffle;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    pgd_status status = make(l);
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
    if (l->started) pthread_join(l->thread, NULL);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    pgd_mem_free(l->ready.samples);
    pgd_mem_free(l->ready.labels);
    pgd_mem_free(l->lent.samples);
    pgd_mem_free(l->lent.labels);
    pgd_mem_free(l->order);
    pgd_mem_free(l);
}

int64_t pgd_loader_batches(const pgd_loader *loader) { return PGD_LACKS(loader) ? 0 : loader->batches; }

void pgd_loader_seek(pgd_loader *loader, int64_t position) {
    if (PGD_LACKS(loader)) return;
    pthread_mutex_lock(&loader->lock);
    loader->wanted = position < 0 ? 0 : position;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
}

pgd_status pgd_loader_next(pgd_loader *loader, const uint8_t **samples, const int32_t **labels, int64_t *count) {
    PGD_NEED(loader, samples, labels, count);
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
    *samples = l->lent.samples;
    *labels = l->lent.labels;
    *count = l->lent.count;
    return PGD_OK;
}
