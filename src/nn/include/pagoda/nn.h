/* SPDX-License-Identifier: Apache-2.0
 * nn: layers, losses, optimisers, schedules, data, checkpoints and a trainer. Everything that computes is built as graph values; the trainer
 * compiles one plan for a training step and one for inference.
 *
 * Names and shapes of parameters are PyTorch's ("0.weight" [K,C,R,S] or [out,in], "1.running_mean" ...), so files move both ways.
 * Threads: a layer is immutable once built and may be shared; a loader or trainer belongs to one thread at a time. */
#ifndef PAGODA_NN_H
#define PAGODA_NN_H

#include <pagoda/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- layers ------------------------------------------------------------------------------------------------------------------------------------
 * A maker returns NULL when an argument is wrong or memory is out; a container given NULL destroys itself and returns NULL too, so that only the
 * whole network need be checked; pgd_error_text() has the sentence. Containers own what is put into them: a layer is put into one container, once; one
 * that is put in again fails that container, too. */

typedef struct pgd_layer pgd_layer;

PGD_API pgd_layer *pgd_layer_linear(int64_t in, int64_t out, bool bias);                       /* x [N,in] -> [N,out] */

typedef struct pgd_layer_conv_options {
    uint32_t struct_bytes;
    int32_t stride, padding, dilation, groups; /* 1, 0, 1, 1 */
    bool bias;                                 /* true */
} pgd_layer_conv_options;
PGD_API void pgd_layer_conv_options_init(pgd_layer_conv_options *options, size_t struct_bytes);
PGD_API pgd_layer *pgd_layer_conv2d(int64_t in, int64_t out, int32_t kernel, const pgd_layer_conv_options *options); /* x [N,in,H,W]; options may be NULL */

PGD_API pgd_layer *pgd_layer_batch_norm(int64_t channels, double epsilon, double momentum);    /* x [N,C,..]; usual: 1e-5, 0.1 */
PGD_API pgd_layer *pgd_layer_layer_norm(int64_t features, double epsilon);                     /* x [..,features]; usual: 1e-5 */
PGD_API pgd_layer *pgd_layer_rms_norm(int64_t features, double epsilon);                       /* x [..,features]; usual: 1e-6 */
PGD_API pgd_layer *pgd_layer_group_norm(int32_t groups, int64_t channels, double epsilon);     /* x [N,C,..]; usual: 1e-5 */
PGD_API pgd_layer *pgd_layer_dropout(double probability);                                      /* of a zero, in [0,1); only when training */
PGD_API pgd_layer *pgd_layer_max_pool(int32_t kernel, int32_t stride, int32_t padding);
PGD_API pgd_layer *pgd_layer_avg_pool(int32_t kernel, int32_t stride, int32_t padding);
PGD_API pgd_layer *pgd_layer_global_avg_pool(void);                                            /* [N,C,H,W] -> [N,C] */
PGD_API pgd_layer *pgd_layer_identity(void);                                                   /* x itself */
PGD_API pgd_layer *pgd_layer_relu(void);
PGD_API pgd_layer *pgd_layer_relu6(void);                                                      /* min(relu(x), 6) */
PGD_API pgd_layer *pgd_layer_sigmoid(void);
PGD_API pgd_layer *pgd_layer_tanh(void);
PGD_API pgd_layer *pgd_layer_gelu(void);
PGD_API pgd_layer *pgd_layer_silu(void);
PGD_API pgd_layer *pgd_layer_flatten(void);                                                    /* [N,..] -> [N,D] */

PGD_API pgd_layer *pgd_layer_embedding(int64_t count, int64_t features);                       /* x i32 [..] -> [..,features] */
PGD_API pgd_layer *pgd_layer_positions(int64_t count, int64_t features);                       /* x [B,T,features] -> x + a learnt row for each of T <= count positions */

typedef struct pgd_layer_attention_options {
    uint32_t struct_bytes;
    bool causal;           /* false */
    bool bias;             /* true */
    int32_t groups;        /* of heads that share keys and values; 0: every head has its own */
    int64_t head_features; /* 0: features / heads */
    double rope_base;      /* queries and keys turn with their positions (pgd_rope), usual: 10000; 0: they do not */
} pgd_layer_attention_options;
PGD_API void pgd_layer_attention_options_init(pgd_layer_attention_options *options, size_t struct_bytes);
PGD_API pgd_layer *pgd_layer_attention(int64_t features, int32_t heads, const pgd_layer_attention_options *options); /* x [B,T,features] -> the same; options may be NULL */

typedef struct pgd_layer_recurrent_options {
    uint32_t struct_bytes;
    int32_t levels; /* each reads what the one below it gives; 1 */
    bool bias;      /* true */
    bool both_ways; /* a second reader begins at the end; its units follow those of the first; false */
} pgd_layer_recurrent_options;
PGD_API void pgd_layer_recurrent_options_init(pgd_layer_recurrent_options *options, size_t struct_bytes);
PGD_API pgd_layer *pgd_layer_lstm(int64_t in, int64_t hidden, const pgd_layer_recurrent_options *options); /* x [B,T,in] -> [B,T,hidden or 2 hidden]; options may be NULL */
PGD_API pgd_layer *pgd_layer_gru(int64_t in, int64_t hidden, const pgd_layer_recurrent_options *options);

/* One after the other; child i has the name "i". */
PGD_API pgd_layer *pgd_layer_sequential(pgd_layer *const *children, int32_t count);

/* relu(body(x) + shortcut(x)); the shortcut is often pgd_layer_identity(). Names "body", "shortcut". */
PGD_API pgd_layer *pgd_layer_residual(pgd_layer *body, pgd_layer *shortcut);
PGD_API pgd_layer *pgd_layer_skip(pgd_layer *body); /* x + body(x); name "body" */

/* The layer itself, with a name of its own in the container it will be put into. "": its tensors stand among the container's. NULL gives NULL; after an error
 * the layer is destroyed. */
PGD_API pgd_layer *pgd_layer_named(const char *name, pgd_layer *layer);
PGD_API void pgd_layer_destroy(pgd_layer *layer); /* NULL is fine; one in a container dies with the container only */

/* The layer itself, computing its products (and all that follows in 16 bits) in this dtype: f32, f16 or bf16; a layer inside may say otherwise. Weights, norms, losses and the sums of
 * skip stay f32: mixed precision. NULL gives NULL. */
PGD_API pgd_layer *pgd_layer_compute(pgd_dtype dtype, pgd_layer *layer);

/* The layer itself, whose inner values are not kept while training but computed again from its input when their gradients are wanted: memory for time (activation checkpointing).
 * NULL gives NULL. */
PGD_API pgd_layer *pgd_layer_recomputed(pgd_layer *layer);

/* The layer itself, with nothing in it trainable: the optimiser leaves it alone, and no gradients are computed for it. NULL gives NULL. */
PGD_API pgd_layer *pgd_layer_frozen(pgd_layer *layer);

/* The layer's value for x. training: batch statistics, dropout (its key is the state tensor "random", i64 [2]), and updates of running statistics are added to the graph.
 * prefix: of parameter names, "" at the top. NULL on error, kept in the graph. */
PGD_API pgd_value *pgd_layer_forward(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, bool training, const char *prefix);

/* The same for inference on sequences that come in pieces: x holds the positions from start (i32, rank 0) on, of at most `positions`. What later pieces need is kept
 * in state tensors "cache..." that pgd_layer_cache makes. The batch must be a number. */
PGD_API pgd_value *pgd_layer_continue(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, pgd_value *start, int64_t positions, const char *prefix);

/* Makes the tensors that pgd_layer_continue keeps things in, for `batch` sequences of at most `positions`. */
PGD_API PGD_MUST_USE pgd_status pgd_layer_cache(const pgd_layer *layer, const char *prefix, int64_t batch, int64_t positions, pgd_state *state);

/* Gives every tensor of the layer its first contents: uniform within 1/sqrt(fan-in) for weights and biases (He et al. 2015 with PyTorch's gain), ones and zeros for normalisation.
 * A function of seed and names only. progress may be NULL. After an error, CANCELLED included, the tensors that were new are gone again. */
PGD_API PGD_MUST_USE pgd_status pgd_layer_init(const pgd_layer *layer, const char *prefix, uint64_t seed, pgd_state *state, const pgd_progress *progress);

/* One tensor of a layer as it stands in a state. */
typedef struct pgd_parameter {
    const char *name;  /* prefix and own name, valid during the call */
    pgd_dtype dtype;
    pgd_shape shape;
    bool trainable;    /* the optimiser changes it; false: running statistics, counters */
} pgd_parameter;
typedef pgd_status (*pgd_parameter_fn)(void *user, const pgd_parameter *parameter);

/* Calls function for every tensor of the layer and its children, in order; ends at the first error and returns it. */
PGD_API PGD_MUST_USE pgd_status pgd_layer_each(const pgd_layer *layer, const char *prefix, pgd_parameter_fn function, void *user);

/* Numbers that the optimiser changes. */
PGD_API int64_t pgd_layer_parameters(const pgd_layer *layer);

/* ---- losses --------------------------------------------------------------------------------------------------------------------------------------- */

PGD_API pgd_value *pgd_loss_cross_entropy(pgd_graph *graph, pgd_value *logits, pgd_value *labels, double smoothing); /* mean over [N]; rank 0 */
PGD_API pgd_value *pgd_loss_mse(pgd_graph *graph, pgd_value *prediction, pgd_value *target);                         /* mean over all; equal shapes; rank 0 */

/* ---- optimisers: graph transforms -------------------------------------------------------------------------------------------------------------------- */

typedef enum pgd_optimizer_kind { PGD_OPTIMIZER_SGD, PGD_OPTIMIZER_ADAM, PGD_OPTIMIZER_ADAMW, PGD_OPTIMIZER_LION, PGD_OPTIMIZER_MUON } pgd_optimizer_kind;

typedef struct pgd_optimizer_options {
    uint32_t struct_bytes;
    pgd_optimizer_kind kind;
    double momentum;             /* SGD: 0.9; Muon: 0.95 */
    bool nesterov;               /* SGD: false; Muon: true */
    double beta1, beta2, epsilon; /* Adam, AdamW: 0.9, 0.999, 1e-8; Lion: 0.9, 0.99; Muon, for what has not rank 2: as AdamW */
    double weight_decay;         /* on tensors of rank 2 and more: 0; SGD and Adam add it to the gradient, the others shrink the weights */
    double clip_norm;            /* gradients are scaled down to this norm over all parameters; 0: they are not */
    double average_decay;        /* keeps the moving average d a + (1 - d) x of every parameter in "average.<name>"; 0: none */
    double adam_rate;            /* Muon: what the other tensors' rate is of the learning rate: 0.1 */
} pgd_optimizer_options;
PGD_API void pgd_optimizer_options_init(pgd_optimizer_options *options, size_t struct_bytes, pgd_optimizer_kind kind);

/* Adds the updates of one step: parameters named names[i] with values x[i] move against gradients[i] at learning_rate (rank 0). Moments are state tensors "optimizer.<which>.<name>";
 * those that count steps do so in "optimizer.step". options NULL: the defaults of SGD. Errors: the graph's. */
PGD_API PGD_MUST_USE pgd_status pgd_optimizer_apply(pgd_graph *graph, const pgd_optimizer_options *options, pgd_value *learning_rate, const char *const *names, pgd_value *const *x,
                                                    pgd_value *const *gradients, int32_t count);

/* The same for everything trainable in some layers, layers[i] under prefixes[i]: gradients of loss (rank 0, any values built on pgd_layer_forward with these
 * prefixes) and one step against them. */
PGD_API PGD_MUST_USE pgd_status pgd_optimizer_minimize(pgd_graph *graph, const pgd_optimizer_options *options, const pgd_layer *const *layers, const char *const *prefixes,
                                                       int32_t layer_count, pgd_value *loss, pgd_value *learning_rate);

/* Half of that, for batches too large for memory: adds `share` of the gradients of loss to the state tensors "accumulated.<name>", which a later
 * pgd_optimizer_minimize_accumulated adds to its own gradients, taken times share, and clears. */
PGD_API PGD_MUST_USE pgd_status pgd_optimizer_accumulate(pgd_graph *graph, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, double share);
PGD_API PGD_MUST_USE pgd_status pgd_optimizer_minimize_accumulated(pgd_graph *graph, const pgd_optimizer_options *options, const pgd_layer *const *layers, const char *const *prefixes,
                                                                   int32_t layer_count, pgd_value *loss, double share, pgd_value *learning_rate);

/* Adds the first contents of what the optimiser keeps for a layer's parameters: zeros for moments, the parameters themselves for averages (so after pgd_layer_init).
 * options as there. accumulated: the tensors of pgd_optimizer_accumulate too. */
PGD_API PGD_MUST_USE pgd_status pgd_optimizer_init(const pgd_optimizer_options *options, const pgd_layer *layer, const char *prefix, bool accumulated, pgd_state *state);

/* Copies the averages over the parameters. Errors: BAD_ARG there are none. */
PGD_API PGD_MUST_USE pgd_status pgd_optimizer_take_averages(const pgd_layer *layer, const char *prefix, pgd_state *state);

typedef enum pgd_schedule_kind { PGD_SCHEDULE_CONSTANT, PGD_SCHEDULE_COSINE, PGD_SCHEDULE_ONE_CYCLE } pgd_schedule_kind;

typedef struct pgd_schedule {
    uint32_t struct_bytes;
    pgd_schedule_kind kind; /* cosine */
    double rate;            /* the highest: 0.05 */
    double final_fraction;  /* of it, at the end; constant ignores it: 0 */
    double warmup_fraction; /* of all steps, rising linearly from rate/25: 0.1 */
} pgd_schedule;
PGD_API void pgd_schedule_init(pgd_schedule *schedule, size_t struct_bytes);

/* The learning rate of step `step` of `total`. */
PGD_API double pgd_schedule_rate(const pgd_schedule *schedule, int64_t step, int64_t total);

/* ---- data -------------------------------------------------------------------------------------------------------------------------------------------- */

/* One tensor of a sample. */
typedef struct pgd_field {
    const char *name; /* of the graph's input */
    pgd_dtype dtype;
    pgd_shape shape;  /* of one sample; a batch has one axis more, in front; rank below PGD_MAX_RANK */
} pgd_field;
enum { PGD_MAX_FIELDS = 8 };

/* Fills the fields of one sample, fields[i] being room for one tensor. random is a seed of this sample's own for augmentation: a function of the loader's seed, the epoch and
 * the sample. Called from threads of the loader, several at once; must not touch what others write. */
typedef void (*pgd_sample_fn)(void *user, int64_t index, uint64_t random, void *const *fields);

typedef struct pgd_dataset {
    int64_t count;           /* samples */
    const pgd_field *fields; /* borrowed; copied by who keeps it, but not the names */
    int32_t field_count;
    pgd_sample_fn sample;
    void *user;
} pgd_dataset;

typedef struct pgd_loader_options {
    uint32_t struct_bytes;
    int64_t batch;    /* 1 */
    uint64_t seed;    /* 0 */
    bool shuffle;     /* true */
    int32_t threads;  /* that fill samples, 1 to 16: 1 */
} pgd_loader_options;
PGD_API void pgd_loader_options_init(pgd_loader_options *options, size_t struct_bytes);

typedef struct pgd_loader pgd_loader;

/* Batches in a seeded order, new for every epoch, prepared ahead by threads of its own; the same for any number of them. The last batch of an epoch may be smaller. The dataset must
 * outlive the loader; options may be NULL. Errors: BAD_ARG; NO_MEMORY. */
PGD_API PGD_MUST_USE pgd_status pgd_loader_create(const pgd_dataset *dataset, const pgd_loader_options *options, pgd_loader **out);
PGD_API void pgd_loader_destroy(pgd_loader *loader); /* NULL is fine */
PGD_API int64_t pgd_loader_batches(const pgd_loader *loader); /* per epoch */

/* Goes to batch `position`, counted through all epochs from 0: exact resumption. */
PGD_API void pgd_loader_seek(pgd_loader *loader, int64_t position);

/* The next batch: fields[i] holds field i of *count samples; borrowed until the next call. */
PGD_API PGD_MUST_USE pgd_status pgd_loader_next(pgd_loader *loader, const void *const **fields, int64_t *count);

/* ---- files: safetensors ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct pgd_metadata {
    const char *key, *value;
} pgd_metadata;

/* Writes tensors of the state whose names begin with none of `skip` (NULL: all), in the state's order, atomically: temporary, fsync, rename. progress may be
 * NULL. Errors: IO; CANCELLED. After one the old file is there, if there was one. */
PGD_API PGD_MUST_USE pgd_status pgd_state_save(const pgd_state *state, const char *path, const pgd_metadata *metadata, int32_t metadata_count, const char *const *skip, int32_t skip_count,
                                                const pgd_progress *progress);

/* Adds the file's tensors to the state (existing ones must agree in dtype and shape). Nothing is changed when the file is damaged, or progress (NULL: none) stops it.
 * Errors: IO, CORRUPT with what is wrong where; CANCELLED. */
PGD_API PGD_MUST_USE pgd_status pgd_state_load(pgd_state *state, const char *path, const pgd_progress *progress);
PGD_API PGD_MUST_USE pgd_status pgd_state_load_memory(pgd_state *state, const char *bytes, size_t count, const pgd_progress *progress);

/* One metadata value of a file as text; only the header is read. Errors: IO, CORRUPT; BAD_ARG no such key. */
PGD_API PGD_MUST_USE pgd_status pgd_file_metadata(const char *path, const char *key, char *value, size_t value_bytes);

/* ---- training ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Builds the loss (f32, rank 0) of one batch with pgd_layer_forward(layer, .., training, ""). fields[i] is the input of the dataset's field i, its first axis the batch. What else is worth
 * watching is named with pgd_output. NULL on error, kept in the graph. */
typedef pgd_value *(*pgd_loss_fn)(void *user, pgd_graph *graph, const pgd_layer *layer, pgd_value *const *fields, bool training);

typedef struct pgd_training_options {
    uint32_t struct_bytes;
    int64_t batch;                          /* 128 */
    int64_t epochs;                         /* 1 */
    int64_t max_steps;                      /* 0: no limit */
    uint64_t seed;                          /* of weights, order, dropout: 0 */
    int32_t accumulate;                     /* batches whose gradients make one step: 1 */
    int32_t loader_threads;                 /* 1 */
    bool strict;                            /* work that only the slow reference can run is an error: false */
    const pgd_optimizer_options *optimizer; /* copied; NULL: SGD */
    const pgd_schedule *schedule;           /* copied; NULL: cosine from 0.05 */
    pgd_progress progress;                  /* asked while creating: first contents, compiling */
} pgd_training_options;
PGD_API void pgd_training_options_init(pgd_training_options *options, size_t struct_bytes);

typedef struct pgd_trainer pgd_trainer;

typedef struct pgd_trainer_step {
    int64_t step, steps;        /* done, in all */
    int64_t epoch, epochs;      /* under way, from 1 */
    int64_t samples;            /* seen in all */
    double loss, accuracy;      /* of this step; accuracy is the output "accuracy", NaN when the loss function names none */
    double learning_rate;
} pgd_trainer_step;

/* Adds the tensors it needs and the state lacks (parameters, what the optimiser keeps, "random", "trainer.step"), so that a loaded checkpoint is continued exactly; they are gone again
 * when it fails. The same seed, data, build and instruction set level give the same bits for any number of threads. The layer, the state, the device and the dataset must outlive the
 * trainer; options may be NULL. Errors: BAD_ARG; as for pgd_plan_compile. */
PGD_API PGD_MUST_USE pgd_status pgd_trainer_create(pgd_device *device, const pgd_layer *layer, pgd_state *state, const pgd_dataset *dataset, pgd_loss_fn loss, void *user,
                                                   const pgd_training_options *options, pgd_trainer **out);
PGD_API void pgd_trainer_destroy(pgd_trainer *trainer); /* NULL is fine */

/* One step; *done becomes true, and nothing else happens, when all steps were made. Errors: BAD_STATE the loss is not a number (with the step and the rate; the state
 * then holds the numbers that came of it: load the last checkpoint); as for pgd_run_execute: memory that ran out leaves the
 * step as it was, and it may be tried again. */
PGD_API PGD_MUST_USE pgd_status pgd_trainer_advance(pgd_trainer *trainer, pgd_trainer_step *out, bool *done);

/* The run behind the steps: for profiles, and for what the loss function named. Borrowed. */
PGD_API pgd_run *pgd_trainer_run(pgd_trainer *trainer);

/* ---- classifiers of images ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct pgd_classifier_options {
    uint32_t struct_bytes;
    int64_t channels, height, width; /* of a sample of bytes, [C,H,W] */
    int64_t batch;                   /* of inference: 128 */
    double mean[4], deviation[4];    /* of the bytes / 255, per channel: subtracted, divided; 0, 1; from the fifth channel on as the fourth */
    double label_smoothing;          /* 0 */
    bool strict;                     /* work that only the slow reference can run is an error: false */
    pgd_progress progress;           /* asked while compiling */
} pgd_classifier_options;
PGD_API void pgd_classifier_options_init(pgd_classifier_options *options, size_t struct_bytes);

/* The fields of a dataset of labelled images: "samples" u8 [C,H,W], "labels" i32 []. */
PGD_API PGD_MUST_USE pgd_status pgd_classifier_fields(const pgd_classifier_options *options, pgd_field fields[2]);

/* A pgd_loss_fn: cross-entropy of logits [N,classes]; `options` is a const pgd_classifier_options that lives as long as the trainer is being created. Names "accuracy". */
PGD_API pgd_value *pgd_classifier_loss(void *options, pgd_graph *graph, const pgd_layer *layer, pgd_value *const *fields, bool training);

/* Inference as values: adds the input "samples" u8 [N,C,H,W] and the output "probabilities" [N,classes], which it returns; what a pgd_classifier runs, and what is worth exporting. */
PGD_API pgd_value *pgd_classifier_build(const pgd_classifier_options *options, pgd_graph *graph, const pgd_layer *layer);

typedef struct pgd_classifier pgd_classifier;

/* Inference: bytes to class probabilities. state holds the layer's tensors and must outlive the classifier, as must the layer and the device. */
PGD_API PGD_MUST_USE pgd_status pgd_classifier_create(pgd_device *device, const pgd_layer *layer, pgd_state *state, const pgd_classifier_options *options, pgd_classifier **out);
PGD_API void pgd_classifier_destroy(pgd_classifier *classifier); /* NULL is fine */

/* probabilities [count, classes]. progress may be NULL. Errors: BAD_ARG count below 1; CANCELLED; as for pgd_run_execute. */
PGD_API PGD_MUST_USE pgd_status pgd_classifier_predict(pgd_classifier *classifier, const uint8_t *samples, int64_t count, const pgd_progress *progress, float *probabilities);
PGD_API int64_t pgd_classifier_classes(const pgd_classifier *classifier);

/* Share of samples whose most probable class is their label, over the whole dataset, whose fields are those of pgd_classifier_fields. progress may be NULL. Errors: BAD_ARG; CANCELLED;
 * as for predict. */
PGD_API PGD_MUST_USE pgd_status pgd_classifier_accuracy(pgd_classifier *classifier, const pgd_dataset *dataset, const pgd_progress *progress, double *accuracy);

#ifdef __cplusplus
}
#endif
#endif
