/* SPDX-License-Identifier: Apache-2.0
 * Writes nets as ONNX models, with inputs and what they give here, for compare.py:
 *   onnx_nets FOLDER    NAME.onnx, and NAME.txt: a line for each tensor, "input|output FILE NAME DTYPE EXTENT...", in files of raw numbers
 * Between them the nets use every layer of nn and every operation the exporter knows. */
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static pgd_device *device;

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

static uint32_t roll(void) {
    static uint64_t dice = 7;
    return (uint32_t)((dice = dice * 6364136223846793005u + 1442695040888963407u) >> 33);
}

/* ---- one net -------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct input {
    const char *name;
    pgd_dtype dtype;
    pgd_shape shape; /* now; in the graph the first extent is N when it is 3 */
    uint32_t below;  /* of integers */
} input;

static void write_tensor(FILE *list, const char *kind, const char *net, const char *name, pgd_dtype dtype, pgd_shape shape, const void *bytes) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s.bin", folder, net, name);
    FILE *file = fopen(path, "wb");
    size_t count = (size_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype);
    if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) exit(1);
    fprintf(list, "%s %s.%s.bin %s %s", kind, net, name, name, pgd_dtype_name(dtype));
    for (int32_t i = 0; i < shape.rank; i++) fprintf(list, " %lld", (long long)shape.dims[i]);
    fprintf(list, "\n");
}

static void fill(const input *in, void *to) {
    int64_t n = pgd_shape_elems(in->shape);
    for (int64_t i = 0; i < n; i++) {
        if (in->dtype == PGD_U8) ((uint8_t *)to)[i] = (uint8_t)(roll() % in->below);
        if (in->dtype == PGD_I32) ((int32_t *)to)[i] = (int32_t)(roll() % in->below);
        if (in->dtype == PGD_F32) ((float *)to)[i] = (float)(roll() % 4001) / 1000 - 2;
    }
}

static void finish(const char *net, pgd_graph *g, pgd_state *state, const input *inputs, int input_count, const char *const *outputs, int output_count) {
    char path[512];
    pgd_plan *plan;
    pgd_run *run;
    snprintf(path, sizeof path, "%s/%s.onnx", folder, net);
    must(pgd_onnx_save(g, state, path, NULL));
    snprintf(path, sizeof path, "%s/%s.txt", folder, net);
    FILE *list = fopen(path, "w");
    if (list == NULL) exit(1);
    must(pgd_plan_compile(device, g, NULL, &plan));
    must(pgd_run_create(plan, state, &run));
    for (int i = 0; i < input_count; i++) {
        void *bytes = calloc((size_t)pgd_shape_elems(inputs[i].shape) + 1, 8);
        fill(&inputs[i], bytes);
        must(pgd_run_set(run, inputs[i].name, inputs[i].shape, bytes));
        write_tensor(list, "input", net, inputs[i].name, inputs[i].dtype, inputs[i].shape, bytes);
        free(bytes);
    }
    must(pgd_run_execute(run));
    for (int i = 0; i < output_count; i++) {
        pgd_dtype dtype;
        pgd_shape shape;
        must(pgd_run_shape(run, outputs[i], &dtype, &shape));
        size_t count = (size_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype);
        void *bytes = malloc(count + 1);
        must(pgd_run_get(run, outputs[i], bytes, count));
        write_tensor(list, "output", net, outputs[i], dtype, shape, bytes);
        free(bytes);
    }
    fclose(list);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    printf("%s\n", net);
}

static pgd_value *declare(pgd_graph *g, const input *in) {
    pgd_symshape shape = {.rank = in->shape.rank};
    for (int32_t i = 0; i < shape.rank; i++) shape.dims[i] = i == 0 && in->shape.dims[0] == 3 ? pgd_graph_symbol(g, "N", 1, 64) : in->shape.dims[i];
    return pgd_input(g, in->name, in->dtype, shape);
}

/* Running statistics that are not those of the beginning. */
static pgd_status stir(void *user, const pgd_parameter *p) {
    float *values = malloc((size_t)(pgd_shape_elems(p->shape) + 1) * sizeof *values);
    if (p->dtype != PGD_F32 || p->shape.rank != 1) {
        free(values);
        return PGD_OK;
    }
    for (int64_t i = 0; i < pgd_shape_elems(p->shape); i++) values[i] = (float)(roll() % 1000) / 1000 + 0.2f;
    pgd_status status = pgd_state_set(user, p->name, p->dtype, p->shape, values);
    free(values);
    return status;
}

static void net_of_layer(const char *name, pgd_layer *layer, input in) {
    pgd_graph *g;
    pgd_state *state;
    if (layer == NULL) must(PGD_BAD_ARG);
    must(pgd_graph_create(&g));
    must(pgd_state_create(device, &state));
    must(pgd_layer_init(layer, "", 3, state, NULL));
    must(pgd_layer_each(layer, "", stir, state));
    pgd_output(g, "y", pgd_layer_forward(layer, g, declare(g, &in), false, ""));
    finish(name, g, state, &in, 1, (const char *[]){"y"}, 1);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
}

/* ---- the nets ---------------------------------------------------------------------------------------------------------------------------------------- */

#define SEQUENCE(...) pgd_layer_sequential((pgd_layer *[]){__VA_ARGS__}, sizeof((pgd_layer *[]){__VA_ARGS__}) / sizeof(pgd_layer *))

static pgd_layer *conv(int64_t in, int64_t out, int32_t kernel, int32_t stride, int32_t groups) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    o.stride = stride, o.padding = kernel / 2, o.groups = groups;
    return pgd_layer_conv2d(in, out, kernel, &o);
}

static pgd_layer *attention(int32_t heads, int32_t groups, bool causal) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    o.causal = causal, o.groups = groups;
    return pgd_layer_attention(24, heads, &o);
}

static pgd_layer *turning_attention(void) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    o.causal = true, o.rope_base = 100;
    return pgd_layer_attention(24, 4, &o);
}

static pgd_layer *block(bool rms) {
    return SEQUENCE(pgd_layer_skip(SEQUENCE(rms ? pgd_layer_rms_norm(24, 1e-6) : pgd_layer_layer_norm(24, 1e-5), attention(4, rms ? 2 : 4, true))),
                    pgd_layer_skip(SEQUENCE(pgd_layer_layer_norm(24, 1e-5), pgd_layer_linear(24, 48, true), rms ? pgd_layer_silu() : pgd_layer_gelu(), pgd_layer_linear(48, 24, false))));
}

static void layers(void) {
    const input picture = {"x", PGD_F32, {4, {3, 3, 16, 14}}, 0}, symbols = {"x", PGD_I32, {2, {3, 7}}, 19}, rows = {"x", PGD_F32, {3, {3, 5, 24}}, 0};
    net_of_layer("mlp", SEQUENCE(pgd_layer_flatten(), pgd_layer_linear(672, 33, true), pgd_layer_relu(), pgd_layer_dropout(0.5), pgd_layer_linear(33, 21, false), pgd_layer_tanh(), pgd_layer_linear(21, 10, true), pgd_layer_sigmoid()), picture);
    net_of_layer("cnn", SEQUENCE(conv(3, 8, 3, 1, 1), pgd_layer_batch_norm(8, 1e-5, 0.1), pgd_layer_relu(), pgd_layer_max_pool(2, 2, 0), conv(8, 8, 3, 1, 8), pgd_layer_group_norm(2, 8, 1e-5), pgd_layer_silu(), pgd_layer_avg_pool(3, 2, 1),
                                 conv(8, 6, 1, 1, 2), pgd_layer_max_pool(3, 2, 1), pgd_layer_flatten(), pgd_layer_linear(24, 10, true)), picture);
    net_of_layer("resnet", SEQUENCE(conv(3, 8, 3, 1, 1), pgd_layer_residual(SEQUENCE(conv(8, 16, 3, 2, 1), pgd_layer_batch_norm(16, 1e-5, 0.1)), SEQUENCE(conv(8, 16, 1, 2, 1), pgd_layer_batch_norm(16, 1e-5, 0.1))),
                                    pgd_layer_residual(conv(16, 16, 3, 1, 1), pgd_layer_identity()), pgd_layer_global_avg_pool(), pgd_layer_linear(16, 10, true)), picture);
    net_of_layer("gpt", SEQUENCE(pgd_layer_embedding(19, 24), pgd_layer_positions(9, 24), block(false), block(true), pgd_layer_layer_norm(24, 1e-5), pgd_layer_linear(24, 19, false)), symbols);
    net_of_layer("encoder", SEQUENCE(attention(3, 1, false), pgd_layer_rms_norm(24, 1e-6)), rows);
    net_of_layer("turning", SEQUENCE(turning_attention(), pgd_layer_frozen(pgd_layer_linear(24, 5, true))), rows);
    net_of_layer("mobile", SEQUENCE(conv(3, 6, 3, 2, 1), pgd_layer_relu6(), pgd_layer_recomputed(pgd_layer_skip(conv(6, 6, 5, 1, 6))), pgd_layer_global_avg_pool(), pgd_layer_dropout(0.2), pgd_layer_identity()), picture);
    net_of_layer("lstm", SEQUENCE(pgd_layer_lstm(24, 7, &(pgd_layer_recurrent_options){.struct_bytes = sizeof(pgd_layer_recurrent_options), .levels = 2, .bias = true, .both_ways = true}), pgd_layer_lstm(14, 5, NULL)), rows);
    net_of_layer("gru", SEQUENCE(pgd_layer_gru(24, 7, &(pgd_layer_recurrent_options){.struct_bytes = sizeof(pgd_layer_recurrent_options), .levels = 2, .bias = true, .both_ways = true}),
                                 pgd_layer_gru(14, 5, &(pgd_layer_recurrent_options){.struct_bytes = sizeof(pgd_layer_recurrent_options), .levels = 1})), rows);
}

/* Every operation of the exporter that no layer reaches, with symbolic extents where they may be. */
static void operations(void) {
    const input in[3] = {{"a", PGD_F32, {3, {3, 4, 5}}, 0}, {"b", PGD_F32, {3, {3, 4, 5}}, 0}, {"i", PGD_I32, {2, {3, 2}}, 4}};
    pgd_graph *g;
    must(pgd_graph_create(&g));
    pgd_value *a = declare(g, &in[0]), *b = declare(g, &in[1]), *i = declare(g, &in[2]);
    pgd_dim N = pgd_value_shape(a).dims[0];
    pgd_value *small = pgd_mul(g, a, pgd_scalar(g, PGD_F32, 0.5)), *positive = pgd_add(g, pgd_abs(g, a), pgd_scalar(g, PGD_F32, 0.3)), *sum = pgd_neg(g, small);
#define TAKE(value) sum = pgd_add(g, sum, value)
    TAKE(pgd_sign(g, a)), TAKE(pgd_floor(g, a)), TAKE(pgd_ceil(g, a)), TAKE(pgd_sqrt(g, positive)), TAKE(pgd_rsqrt(g, positive)), TAKE(pgd_recip(g, positive)), TAKE(pgd_exp(g, small)), TAKE(pgd_log(g, positive));
    TAKE(pgd_sin(g, a)), TAKE(pgd_cos(g, a)), TAKE(pgd_erf(g, a)), TAKE(pgd_pow(g, positive, small)), TAKE(pgd_min(g, a, b)), TAKE(pgd_max(g, a, b)), TAKE(pgd_div(g, a, positive)), TAKE(pgd_sub(g, a, b));
    TAKE(pgd_gelu(g, a)), TAKE(pgd_gelu_slope(g, a)), TAKE(pgd_round(g, a)), TAKE(pgd_tan(g, small)), TAKE(pgd_atan(g, a)), TAKE(pgd_asin(g, pgd_mul(g, small, pgd_scalar(g, PGD_F32, 0.9)))), TAKE(pgd_acos(g, pgd_mul(g, small, pgd_scalar(g, PGD_F32, 0.9))));
    TAKE(pgd_expm1(g, small)), TAKE(pgd_log1p(g, positive)), TAKE(pgd_trunc(g, a)), TAKE(pgd_mod(g, a, positive)), TAKE(pgd_cast(g, pgd_mod(g, pgd_cast(g, a, PGD_I32), pgd_scalar(g, PGD_I32, 3)), PGD_F32));
    TAKE(pgd_cast(g, pgd_xor(g, pgd_isnan(g, pgd_log(g, a)), pgd_isinf(g, pgd_recip(g, pgd_floor(g, a)))), PGD_F32));
    pgd_value *both = pgd_or(g, pgd_and(g, pgd_lt(g, a, b), pgd_not(g, pgd_eq(g, a, b))), pgd_le(g, b, pgd_scalar(g, PGD_F32, 0)));
    TAKE(pgd_where(g, both, a, pgd_cast(g, pgd_iota(g, PGD_I32, pgd_value_shape(a), 1), PGD_F32)));
    TAKE(pgd_reduce_max(g, a, (int32_t[]){1}, 1)), TAKE(pgd_reduce_min(g, a, (int32_t[]){0, 2}, 2)), TAKE(pgd_mean(g, b, (int32_t[]){2}, 1)), TAKE(pgd_sum(g, b, (int32_t[]){0, 1}, 2)), TAKE(pgd_prod(g, a, (int32_t[]){1}, 1)), TAKE(pgd_cast(g, pgd_argmin(g, b, 1), PGD_F32));
    TAKE(pgd_div(g, pgd_cast(g, pgd_argmax(g, a, 2), PGD_F32), pgd_dim_size(g, PGD_F32, pgd_symshape_of(2, N, 5))));
    pgd_output(g, "elementwise", sum);
    pgd_value *wide = pgd_concat(g, (pgd_value *[]){pgd_pad(g, a, 1, 1, 2, -3), pgd_fill(g, PGD_F32, pgd_symshape_of(3, N, 2, 5), 1.5)}, 2, 1);
    pgd_output(g, "moved", pgd_slice(g, pgd_transpose(g, wide, (int32_t[]){2, 0, 1}), 2, 1, 6));
    pgd_output(g, "turned", pgd_matmul(g, a, pgd_reshape(g, pgd_transpose(g, b, (int32_t[]){1, 0, 2}), pgd_value_shape(a)), true, false));
    pgd_output(g, "across", pgd_matmul(g, a, b, false, true));
    pgd_output(g, "taken", pgd_gather(g, a, pgd_flatten(g, pgd_slice(g, i, 1, 0, 1), 0), 1));
    pgd_output(g, "likely", pgd_log_softmax(g, pgd_softmax(g, a)));
    pgd_output(g, "loss", pgd_softmax_xent(g, pgd_flatten(g, a, 1), pgd_flatten(g, pgd_slice(g, i, 1, 1, 1), 0), 0.1));
    pgd_output(g, "broadcast", pgd_broadcast(g, pgd_iota(g, PGD_I32, pgd_symshape_of(2, 1, 4), 1), pgd_symshape_of(2, N, 4)));
    pgd_output(g, "input_again", a);
    finish("operations", g, NULL, in, 3, (const char *[]){"elementwise", "moved", "turned", "across", "taken", "likely", "loss", "broadcast", "input_again"}, 9);
}

/* Indices, sequences, sizes. */
static void movements(void) {
    const input in[4] = {{"a", PGD_F32, {3, {3, 4, 5}}, 0}, {"i", PGD_I32, {3, {3, 2, 5}}, 4}, {"u", PGD_F32, {3, {3, 2, 5}}, 0}, {"p", PGD_I32, {2, {2, 2}}, 3}};
    pgd_graph *g;
    must(pgd_graph_create(&g));
    pgd_value *a = declare(g, &in[0]), *i = declare(g, &in[1]), *u = declare(g, &in[2]), *p = declare(g, &in[3]), *indices;
    pgd_output(g, "elements", pgd_gather_elements(g, a, i, 1));
    pgd_output(g, "added", pgd_scatter_elements(g, a, i, u, 1, PGD_SCATTER_ADD));
    pgd_output(g, "greatest", pgd_scatter_elements(g, a, i, u, 1, PGD_SCATTER_MAX));
    pgd_output(g, "places", pgd_gather_nd(g, a, p));
    pgd_output(g, "replaced", pgd_scatter_nd(g, pgd_slice(g, u, 0, 0, 2), pgd_constant(g, PGD_I32, pgd_shape_of(2, 1, 2), (int32_t[]){1, 0}), pgd_reshape(g, pgd_slice(g, pgd_slice(g, u, 0, 0, 1), 1, 0, 1), pgd_symshape_of(2, 1, 5)), PGD_SCATTER_SET));
    pgd_output(g, "running", pgd_cumsum(g, a, 1, false, true));
    pgd_output(g, "running_back", pgd_cumsum(g, a, 2, true, false));
    pgd_output(g, "backwards", pgd_reverse(g, a, (int32_t[]){0, 2}, 2));
    pgd_output(g, "top", pgd_topk(g, a, 3, true, &indices));
    pgd_output(g, "top_indices", indices);
    pgd_output(g, "bottom", pgd_topk(g, a, 2, false, NULL));
    finish("movements", g, NULL, in, 4, (const char *[]){"elements", "added", "greatest", "places", "replaced", "running", "running_back", "backwards", "top", "top_indices", "bottom"}, 11);
}

static void pictures(void) {
    const input in[3] = {{"x", PGD_F32, {4, {3, 4, 6, 5}}, 0}, {"w", PGD_F32, {4, {4, 3, 3, 2}}, 0}, {"v", PGD_F32, {5, {2, 4, 2, 3, 2}}, 0}};
    pgd_graph *g;
    pgd_conv_transpose_options o;
    must(pgd_graph_create(&g));
    pgd_value *x = declare(g, &in[0]), *w = declare(g, &in[1]), *v = declare(g, &in[2]);
    pgd_conv_transpose_options_init(&o, sizeof o);
    o.stride_h = 2, o.stride_w = 3, o.pad_top = 1, o.pad_right = 1, o.output_pad_h = 1, o.output_pad_w = 2, o.groups = 2;
    pgd_output(g, "spread", pgd_conv_transpose(g, x, w, &o));
    pgd_output(g, "line", pgd_conv1d(g, pgd_reshape(g, x, (pgd_symshape){3, {pgd_value_shape(x).dims[0], 4, 30}}), pgd_reshape(g, w, pgd_symshape_of(3, 6, 4, 3)), NULL));
    pgd_output(g, "solid", pgd_conv3d(g, pgd_reshape(g, x, (pgd_symshape){5, {pgd_value_shape(x).dims[0], 4, 2, 3, 5}}), v, NULL));
    pgd_output(g, "smooth", pgd_resize(g, x, 9, 4, PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL));
    pgd_output(g, "corners", pgd_resize(g, x, 11, 9, PGD_RESIZE_LINEAR, PGD_RESIZE_ALIGN_CORNERS));
    pgd_output(g, "blocks", pgd_resize(g, x, 12, 10, PGD_RESIZE_NEAREST, PGD_RESIZE_ASYMMETRIC));
    pgd_output(g, "nearest", pgd_resize(g, x, 4, 7, PGD_RESIZE_NEAREST, PGD_RESIZE_HALF_PIXEL));
    finish("pictures", g, NULL, in, 3, (const char *[]){"spread", "line", "solid", "smooth", "corners", "blocks", "nearest"}, 7);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    folder = argv[1];
    must(pgd_device_open("cpu", NULL, &device));
    layers();
    operations();
    movements();
    pictures();
    pgd_device_close(device);
    return 0;
}
