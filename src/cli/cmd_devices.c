/* SPDX-License-Identifier: Apache-2.0
 * pagoda devices, pagoda ops: what there is. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_writer.h"

int cli_devices(struct cli *cli) {
    struct json_writer json;
    if (!cli_options(cli, NULL, 0) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    json_start(&json, stdout);
    if (cli->json) json_begin_object(&json, NULL), json_begin_array(&json, "devices");
    for (int32_t i = 0; i < pgd_device_count(); i++) {
        pgd_device_info info;
        if (pgd_device_info_get(i, &info) != PGD_OK) continue;
        if (!cli->json) {
            printf("%-6s %-5s %s", info.id, info.kind, info.name);
            if (info.threads > 0) printf(", %d threads, %s, %.1f GB", info.threads, info.isa, (double)info.memory_bytes / 1e9);
            printf(info.usable ? "\n" : " - not usable: %s\n", info.reason);
            continue;
        }
        json_begin_object(&json, NULL);
        json_string(&json, "id", info.id);
        json_string(&json, "kind", info.kind);
        json_string(&json, "name", info.name);
        json_string(&json, "isa", info.isa);
        json_integer(&json, "memory_bytes", (int64_t)info.memory_bytes);
        json_integer(&json, "threads", info.threads);
        json_bool(&json, "usable", info.usable);
        json_string(&json, "reason", info.reason);
        json_end(&json);
    }
    if (cli->json) json_finish(&json);
    return CLI_DONE;
}

int cli_ops(struct cli *cli) {
    struct json_writer json;
    if (!cli_options(cli, NULL, 0) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    json_start(&json, stdout);
    if (cli->json) json_begin_object(&json, NULL), json_begin_array(&json, "operations");
    for (int32_t i = 0; i < pgd_operation_count(); i++) {
        pgd_operation_info op;
        if (pgd_operation_info_get(i, &op) != PGD_OK) continue;
        const char *kernel = "reference only";
        for (int32_t k = 0; k < pgd_kernel_count(); k++) {
            pgd_kernel_info info;
            if (pgd_kernel_info_get(k, &info) == PGD_OK && strcmp(info.operation, op.name) == 0) kernel = info.name;
        }
        if (op.fused) kernel = "host_program";
        if (!cli->json) {
            printf("%-14s %-20s%s\n", op.name, kernel, op.differentiable ? "" : " no gradient");
            continue;
        }
        json_begin_object(&json, NULL);
        json_string(&json, "op", op.name);
        json_begin_array(&json, "devices");
        json_string(&json, NULL, "cpu");
        json_end(&json);
        json_begin_array(&json, "dtypes");
        for (int d = 0; d < PGD_DTYPE_COUNT; d++)
            if ((op.dtypes >> d & 1) != 0) json_string(&json, NULL, pgd_dtype_name((pgd_dtype)d));
        json_end(&json);
        json_string(&json, "kernel", kernel);
        json_bool(&json, "differentiable", op.differentiable);
        json_end(&json);
    }
    if (cli->json) json_finish(&json);
    return CLI_DONE;
}
