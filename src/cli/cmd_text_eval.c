/* SPDX-License-Identifier: Apache-2.0
 * pagoda text eval: how well a model predicts a text. */
#include "json_writer.h"
#include "text.h"

int cli_text_eval(struct cli *cli) {
    const char *model = NULL, *data = NULL;
    const struct cli_option options[] = {{"--model", CLI_TEXT, &model, 0, 0, NULL}, {"--data", CLI_TEXT, &data, 0, 0, NULL}};
    struct text_session session = {0};
    struct text_bytes text = {0};
    double loss;
    if (!cli_options(cli, options, 2) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    if (model == NULL || data == NULL) {
        cli_fail(&cli->error, "%s is missing; give %s", model == NULL ? "--model" : "--data", model == NULL ? "a file that text train wrote" : "a text file, plain or .gz");
        return cli_report(cli, CLI_USAGE);
    }
    bool fine = text_read(data, &text, &cli->error) && text_session_open(cli, model, &session) &&
                text_measure(cli, session.device, &session.model, session.layer, session.state, text.bytes, text.count, &loss);
    if (fine && cli->json) {
        struct json_writer json;
        json_start(&json, stdout);
        json_begin_object(&json, NULL);
        json_number(&json, "loss", loss);
        json_integer(&json, "bytes", (int64_t)text.count);
        json_finish(&json);
    } else if (fine)
        printf("loss %.4f nats per byte over %zu bytes\n", loss, text.count);
    text_session_close(&session);
    text_free(&text);
    return fine ? CLI_DONE : cli_report(cli, CLI_FAILED);
}
