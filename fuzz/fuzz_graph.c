/* SPDX-License-Identifier: Apache-2.0 */
/* pgd_graph_parse takes any bytes: a graph that obeys every rule and prints to text that reads back, or one sentence. */
#include <pagoda/graph.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static char *print_again(const pgd_graph *graph)
{
    char *text;
    if (pgd_graph_verify(graph) != PGD_OK || pgd_graph_print(graph, &text) != PGD_OK)
        abort();
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    pgd_graph *graph, *again;
    if (pgd_graph_parse((const char *)bytes, byte_count, &graph) != PGD_OK) {
        if (graph != NULL || pgd_error_text()[0] == '\0')
            abort();
        return 0;
    }
    char *text = print_again(graph);
    if (pgd_graph_parse(text, strlen(text), &again) != PGD_OK)
        abort();
    pgd_text_free(text);
    pgd_text_free(print_again(again));
    pgd_graph_destroy(again);
    pgd_graph_destroy(graph);
    return 0;
}
