/* SPDX-License-Identifier: Apache-2.0
 * pagoda gpu ptx: PTX is read, checked, listed. */
#include <dlfcn.h>
#include <limits.h>
#include <pagoda/softgpu.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "json_writer.h"
#include "soft_gpu.h"
#include "text.h"

struct listing {
    struct json_writer *json; /* NULL: words */
};

static void list_kernel(void *user, const pgd_softgpu_kernel_info *k) {
    struct listing *l = user;
    if (l->json == NULL) {
        printf("  line %-6d %-40s %6d instructions, about %3d registers, %lld bytes of parameters, %lld of shared memory, %lld of local\n", k->line, k->name, k->instructions, k->registers, (long long)k->parameter_bytes, (long long)k->shared_bytes, (long long)k->local_bytes);
        return;
    }
    json_begin_object(l->json, NULL);
    json_string(l->json, "name", k->name);
    json_integer(l->json, "line", k->line);
    json_integer(l->json, "instructions", k->instructions);
    json_integer(l->json, "registers", k->registers);
    json_integer(l->json, "parameter_bytes", k->parameter_bytes);
    json_integer(l->json, "shared_bytes", k->shared_bytes);
    json_integer(l->json, "local_bytes", k->local_bytes);
    json_end(l->json);
}

typedef int read_fn(const char *text, size_t bytes, pgd_softgpu_module_info *module, pgd_softgpu_kernel_fn *each, void *user, char *log, size_t log_bytes);

static read_fn *find_reader(struct cli *cli) {
    char folder[PATH_MAX], file[PATH_MAX + 32];
    read_fn *read;
    if (!soft_gpu_folder(cli, folder, sizeof folder)) return NULL;
    snprintf(file, sizeof file, "%s/libcuda.so.1", folder);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    *(void **)&read = library == NULL ? NULL : dlsym(library, "pgd_softgpu_ptx_read");
    if (read == NULL) cli_fail(&cli->error, "%s cannot be loaded (%s); build or install Pagoda whole", file, dlerror());
    return read;
}

static void say_json(read_fn *read, const char *text, size_t bytes, const pgd_softgpu_module_info *m) {
    struct json_writer json;
    struct listing listing = {&json};
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_integer(&json, "version", m->version);
    json_integer(&json, "target", m->target);
    json_integer(&json, "shared_bytes", m->shared_bytes);
    json_integer(&json, "global_bytes", m->global_bytes);
    json_integer(&json, "const_bytes", m->const_bytes);
    json_begin_array(&json, "kernels");
    read(text, bytes, NULL, list_kernel, &listing, NULL, 0);
    json_finish(&json);
}

/* Lines of the log as compilers write them: FILE:LINE:COLUMN: what is wrong. */
static void print_mistakes(const char *path, const char *log) {
    for (const char *at = log, *end; *at != '\0'; at = *end == '\0' ? end : end + 1) {
        int line, column, used = 0;
        end = at + strcspn(at, "\n");
        if (sscanf(at, "line %d, column %d: %n", &line, &column, &used) == 2 && used > 0) fprintf(stderr, "%s:%d:%d: %.*s\n", path, line, column, (int)(end - at) - used, at + used);
        else fprintf(stderr, "%s: %.*s\n", path, (int)(end - at), at);
    }
}

/* What else people have at hand: where it is one of these, its mistakes as PTX help nobody. */
static bool looks_like_ptx(struct cli *cli, const char *path, const struct text_bytes *file) {
    static const struct {
        const char *begins, *is;
    } others[] = {{"\177ELF", "is machine code (ELF, or a cubin)"}, {"\120\355\125\272", "is a fatbinary"}, {"BC\300\336", "is LLVM bitcode"}};
    const char *text = (const char *)file->bytes;
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
        if (file->count >= 4 && memcmp(text, others[k].begins, 4) == 0) return cli_fail(&cli->error, "%s %s; what is read here is PTX: compile with nvcc -ptx, or clang -S", path, others[k].is);
    if (memmem(text, file->count, ".version", 8) == NULL) return cli_fail(&cli->error, "%s is no PTX, which has a line .version; CUDA C becomes PTX by nvcc -ptx, or clang -x cuda --cuda-device-only -S", path);
    return true;
}

static bool is_folder(const char *path) {
    struct stat is;
    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

int cli_gpu_ptx(struct cli *cli) {
    pgd_softgpu_module_info m;
    struct text_bytes file;
    char log[4096];
    if (!cli_options(cli, NULL, 0)) return cli_report(cli, CLI_USAGE);
    if (cli->word_count != 1) return cli_fail(&cli->error, "one file of PTX is needed: pagoda gpu ptx kernels.ptx"), cli_report(cli, CLI_USAGE);
    if (is_folder(cli->words[0])) return cli_fail(&cli->error, "%s is a folder; give a file of PTX", cli->words[0]), cli_report(cli, CLI_FAILED);
    read_fn *read = find_reader(cli);
    if (read == NULL || !text_read(cli->words[0], &file, &cli->error)) return cli_report(cli, CLI_FAILED);
    if (!looks_like_ptx(cli, cli->words[0], &file)) return text_free(&file), cli_report(cli, CLI_FAILED);
    const char *text = (const char *)file.bytes;
    int result = read(text, file.count, &m, NULL, NULL, log, sizeof log);
    if (result != 0) {
        print_mistakes(cli->words[0], log);
        cli_fail(&cli->error, result == 3 ? "there is not enough memory for %s" : result == 2 ? "%s uses what the software GPU has not got; the lines above say where" : "%s is not right; the lines above say where", cli->words[0]);
    } else if (cli->json) {
        say_json(read, text, file.count, &m);
    } else {
        struct listing listing = {NULL};
        printf("%s: PTX %d.%d for sm_%d; %d kernel%s, %d function%s; %lld bytes of shared, %lld of global, %lld of constant memory\n", cli->words[0], m.version / 10, m.version % 10, m.target, m.kernels, m.kernels == 1 ? "" : "s", m.functions, m.functions == 1 ? "" : "s", (long long)m.shared_bytes,
               (long long)m.global_bytes, (long long)m.const_bytes);
        read(text, file.count, NULL, list_kernel, &listing, NULL, 0);
    }
    if (result == 0 && log[0] != '\0') {
        print_mistakes(cli->words[0], log);
        cli_notice(cli, "%s can be linked with what defines these functions, and not be loaded by itself", cli->words[0]);
    }
    text_free(&file);
    return result == 0 ? CLI_DONE : cli_report(cli, CLI_FAILED);
}
