/* SPDX-License-Identifier: Apache-2.0
 * pagoda vision export: a recogniser as an ONNX model: bytes of pictures in, probabilities out. */
#include <stdio.h>

#include "json_writer.h"
#include "model_file.h"
#include "vision.h"

static bool export(struct cli *cli, const struct vision_session *session, const char *out) {
    pgd_classifier_options options;
    pgd_graph *graph;
    vision_options(&session->model, &options);
    if (pgd_graph_create(&graph) != PGD_OK) return cli_fail_library(&cli->error);
    pgd_classifier_build(&options, graph, session->layer);
    bool fine = pgd_onnx_save(graph, session->state, out, NULL) == PGD_OK || cli_fail_library(&cli->error);
    pgd_graph_destroy(graph);
    return fine;
}

int cli_vision_export(struct cli *cli) {
    const char *model = NULL, *out = NULL;
    const struct cli_option options[] = {{"--model", CLI_TEXT, &model, 0, 0, NULL}, {"--out", CLI_TEXT, &out, 0, 0, NULL}};
    struct vision_session session = {0};
    if (!cli_options(cli, options, 2) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    if (model == NULL || out == NULL) {
        cli_fail(&cli->error, "%s is missing; give %s", model == NULL ? "--model" : "--out", model == NULL ? "a file that vision train wrote" : "the ONNX file to write");
        return cli_report(cli, CLI_USAGE);
    }
    if (model_file_is_one(out)) {
        cli_fail(&cli->error, "--out: %s is a model that would be lost; give another path", out);
        return cli_report(cli, CLI_FAILED);
    }
    bool fine = vision_session_open(cli, model, &session) && export(cli, &session, out);
    if (fine && cli->json) {
        struct json_writer json;
        json_start(&json, stdout);
        json_begin_object(&json, NULL);
        json_string(&json, "file", out);
        json_finish(&json);
    } else if (fine && !cli->quiet)
        printf("saved %s: input \"samples\" u8 [N,%d,%d,%d], output \"probabilities\" [N,%d]\n", out, session.model.channels, session.model.height, session.model.width, session.model.class_count);
    vision_session_close(&session);
    return fine ? CLI_DONE : cli_report(cli, CLI_FAILED);
}
