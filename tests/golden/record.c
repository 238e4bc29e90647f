/* SPDX-License-Identifier: Apache-2.0
 * Runs all cases on a GPU through libcuda.so.1, or what is given in its place, and writes what they give into one file (golden_file.h).
 *
 * The GPU is a child process's: it tells of each case through a pipe. When it is silent for too long, or dies, the case it was at is noted as slow or crashed and
 * a new child goes on with the next one. A kernel that faults ruins its context alone; the child makes another. A module that is refused is halved until
 * the kernels that are to blame stand alone. See README.md for the command. */
#include "recorder_driver.h"

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "golden_file.h"

enum { ROOM_BYTES = 1 << 18, HEADER = -1, SECONDS = 60, IN_VAIN = 5 };

typedef struct message {
    int32_t index; /* of a case; HEADER: the bytes are the head of the file */
    uint32_t bytes;
    char status[32];
} message;

/* ---- the child: the GPU ---------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct gpu {
    cu_driver call;
    cu_device device;
    cu_context context;
    cu_pointer in, out;
    const golden_list *list;
    int pipe;
} gpu;

static void say(const gpu *g, int32_t index, const char *status, const void *bytes, size_t count) {
    message m = {.index = index, .bytes = (uint32_t)count};
    snprintf(m.status, sizeof m.status, "%s", status);
    if (write(g->pipe, &m, sizeof m) != (ssize_t)sizeof m) _exit(1);
    for (size_t done = 0; done < count;) {
        ssize_t n = write(g->pipe, (const char *)bytes + done, count - done);
        if (n <= 0) _exit(1);
        done += (size_t)n;
    }
}

static const char *error_text(const gpu *g, cu_result error) {
    const char *text = NULL;
    return g->call.error_text(error, &text) == 0 && text != NULL ? text : "unknown";
}

static void must(const gpu *g, const char *what, cu_result error) {
    if (error == 0) return;
    fprintf(stderr, "record: %s: error %d, %s\n", what, error, error_text(g, error));
    _exit(2);
}

static void open_driver(gpu *g, const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "record: %s\n", dlerror());
        _exit(2);
    }
#define X(member, symbol, arguments)                                      \
    *(void **)&g->call.member = dlsym(library, #symbol);                  \
    if (g->call.member == NULL) {                                         \
        fprintf(stderr, "record: %s has no %s\n", path, #symbol);         \
        _exit(2);                                                         \
    }
    CU_FUNCTION_LIST(X)
#undef X
    must(g, "cuInit", g->call.init(0));
    must(g, "cuDeviceGet", g->call.device_get(&g->device, 0));
}

static void open_context(gpu *g) {
    must(g, "cuCtxCreate", g->call.context_create(&g->context, 0, g->device));
    must(g, "cuMemAlloc", g->call.allocate(&g->in, ROOM_BYTES));
    must(g, "cuMemAlloc", g->call.allocate(&g->out, ROOM_BYTES));
}

static void tell_device(const gpu *g) {
    char name[128] = "", text[512];
    int major = 0, minor = 0, version = 0;
    must(g, "cuDeviceGetName", g->call.device_name(name, sizeof name, g->device));
    must(g, "cuDeviceGetAttribute", g->call.device_attribute(&major, CU_MAJOR, g->device));
    must(g, "cuDeviceGetAttribute", g->call.device_attribute(&minor, CU_MINOR, g->device));
    must(g, "cuDriverGetVersion", g->call.driver_version(&version));
    snprintf(text, sizeof text, "device: %s\ncapability: %d.%d\ndriver: %d\n", name, major, minor, version);
    say(g, HEADER, "", text, strlen(text) + 1);
}

static cu_result run(const gpu *g, cu_module module, const golden_case *c, uint64_t *cells) {
    cu_function function;
    cu_pointer in = g->in, out = g->out;
    unsigned char data[GOLDEN_DATA_BYTES];
    void *parameters[] = {&in, &out, data};
    memcpy(data, golden_data(), sizeof data);
    golden_inputs(c, cells);
    cu_result e = g->call.function_get(&function, module, c->kernel);
    if (e == 0 && golden_input_bytes(c) > 0) e = g->call.to_device(g->in, cells, golden_input_bytes(c));
    if (e == 0) e = g->call.fill(g->out, GOLDEN_UNTOUCHED, golden_output_bytes(c));
    if (e == 0) e = g->call.launch(function, c->grid[0], c->grid[1], c->grid[2], c->block[0], c->block[1], c->block[2], 0, NULL, parameters, NULL);
    if (e == 0) e = g->call.synchronize();
    if (e == 0) e = g->call.to_host(cells, g->out, golden_output_bytes(c));
    return e;
}

/* One case, told of. False: the context is ruined. */
static bool run_case(const gpu *g, cu_module module, int32_t index) {
    static uint64_t cells[ROOM_BYTES / 8];
    static unsigned char raw[ROOM_BYTES];
    const golden_case *c = &g->list->cases[index];
    char status[32] = "ok";
    cu_result e = run(g, module, c, cells);
    if (e != 0) {
        snprintf(status, sizeof status, "fault:%d", e);
        fprintf(stderr, "record: %s: error %d, %s%s\n", c->name, e, error_text(g, e), c->faults ? ", as it should" : "");
        say(g, index, status, NULL, 0);
        return false;
    }
    say(g, index, golden_raw(c, cells, raw) ? "ok" : "wide", raw, golden_raw_bytes(c));
    return true;
}

static cu_module load(const gpu *g, int32_t first, int32_t count, cu_result *error, char *log, size_t log_bytes) {
    pgd_text text = {0};
    cu_module module = NULL;
    int options[] = {CU_JIT_LOG, CU_JIT_LOG_BYTES};
    void *values[] = {log, (void *)log_bytes};
    log[0] = '\0';
    golden_module_text(&g->list->cases[first], count, &text);
    *error = text.failed ? -1 : g->call.module_load(&module, text.chars, 2, options, values);
    pgd_mem_free(text.chars);
    return *error == 0 ? module : NULL;
}

static void run_some(gpu *g, int32_t first, int32_t count) {
    static char log[8192];
    cu_result error;
    cu_module module = count > 0 ? load(g, first, count, &error, log, sizeof log) : NULL;
    if (count <= 0) return;
    if (module == NULL && count == 1) {
        char status[32];
        snprintf(status, sizeof status, "refused:%d", error);
        fprintf(stderr, "record: %s is refused: error %d, %s\n%.300s\n", g->list->cases[first].name, error, error_text(g, error), log);
        say(g, first, status, NULL, 0);
    } else if (module == NULL) {
        run_some(g, first, count / 2);
        run_some(g, first + count / 2, count - count / 2);
    } else {
        int32_t k = first;
        while (k < first + count && run_case(g, module, k)) k++;
        if (k == first + count) {
            g->call.module_unload(module);
            return;
        }
        g->call.context_destroy(g->context); /* whatever it says: the next one must work */
        open_context(g);
        run_some(g, k + 1, first + count - k - 1);
    }
}

static void child(const golden_list *list, const char *library, const char *only, int32_t first, bool head, int pipe) {
    gpu g = {.list = list, .pipe = pipe};
    signal(SIGPIPE, SIG_DFL);
    open_driver(&g, library);
    if (head) tell_device(&g);
    open_context(&g);
    for (int32_t k = first; k < list->count;) {
        int32_t n = golden_module_count(list, k);
        if (only == NULL) run_some(&g, k, n);
        for (int32_t j = k; only != NULL && j < k + n; j++)
            if (strstr(list->cases[j].name, only) != NULL) run_some(&g, j, 1);
        k += n;
    }
    _exit(0);
}

/* ---- the parent: the file ----------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct recorder {
    const golden_list *list;
    const char *path, *library, *only;
    golden_writer writer;
    bool open;
    int32_t seconds, next, counts[5]; /* how long a child may be silent; ok, refused, faults, slow or crashed, wide */
} recorder;

/* False: the child said no more in time. */
static bool take(int pipe, int32_t seconds, void *into, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        struct pollfd wait = {.fd = pipe, .events = POLLIN};
        if (poll(&wait, 1, seconds * 1000) <= 0) return false;
        ssize_t n = read(pipe, (char *)into + done, bytes - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static void note(recorder *r, int32_t index, const char *status, const unsigned char *raw, size_t bytes) {
    static const char *const kinds[] = {"ok", "refused", "fault", "slow", "wide"};
    golden_writer_add(&r->writer, &r->list->cases[index], status, raw, bytes);
    for (int32_t k = 0; k < 5; k++) r->counts[k] += strncmp(status, kinds[k], strlen(kinds[k])) == 0;
    r->next = index + 1;
}

static bool open_file(recorder *r, const char *device) {
    char header[1024];
    snprintf(header, sizeof header, "%.512scases: %d\n", device, r->list->count);
    printf("%s", header);
    r->open = golden_writer_open(r->path, header, &r->writer) == PGD_OK;
    if (!r->open) fprintf(stderr, "record: %s\n", pgd_error_text());
    return r->open;
}

/* Until the child is done, dead or silent. */
static void listen(recorder *r, int pipe) {
    static unsigned char bytes[ROOM_BYTES];
    message m;
    while (take(pipe, r->seconds, &m, sizeof m)) {
        if (m.bytes > sizeof bytes || !take(pipe, r->seconds, bytes, m.bytes)) return;
        if (m.index == HEADER && !open_file(r, (const char *)bytes)) exit(1);
        if (m.index != HEADER) note(r, m.index, m.status, m.bytes > 0 ? bytes : NULL, m.bytes);
    }
}

/* How a child ended: at the end of the list; because the driver did not give it a context, say; silent, or dead at a case. */
typedef enum ending { ENDED, GAVE_UP, LOST } ending;

/* One child, from the next case on. */
static ending run_child(recorder *r) {
    int ends[2], status = 0;
    fflush(stdout);
    pid_t id = pipe(ends) == 0 ? fork() : -1;
    if (id < 0) exit(1);
    if (id == 0) {
        close(ends[0]);
        child(r->list, r->library, r->only, r->next, !r->open, ends[1]);
    }
    close(ends[1]);
    listen(r, ends[0]);
    kill(id, SIGKILL); /* one that has ended does not mind */
    close(ends[0]);
    waitpid(id, &status, 0);
    return !WIFEXITED(status) ? LOST : WEXITSTATUS(status) == 0 ? ENDED : GAVE_UP;
}

static int32_t next_wanted(const recorder *r) {
    int32_t k = r->next;
    while (k < r->list->count && r->only != NULL && strstr(r->list->cases[k].name, r->only) == NULL) k++;
    return k;
}

/* A child that was lost was at the case that follows the last it told of; that one is left out. Children that tell of nothing, one after the other, mean that the
 * device is gone. */
static int record(recorder *r) {
    int32_t in_vain = 0;
    for (;;) {
        int32_t before = r->next;
        ending how = run_child(r);
        int32_t at = next_wanted(r);
        if (!r->open) return 1;
        in_vain = r->next == before ? in_vain + 1 : 0;
        if (how == ENDED || at >= r->list->count || in_vain >= IN_VAIN) break;
        if (how == GAVE_UP && in_vain == 0) continue;
        fprintf(stderr, "record: %s: the process was silent for %d s, or died\n", r->list->cases[at].name, r->seconds);
        note(r, at, "slow", NULL, 0);
    }
    if (golden_writer_close(&r->writer) != PGD_OK) {
        fprintf(stderr, "record: %s\n", pgd_error_text());
        return 1;
    }
    struct stat about = {0};
    stat(r->path, &about);
    printf("%d ok, %d refused, %d faults, %d slow, %d wide; %s, %lld bytes\n", r->counts[0], r->counts[1], r->counts[2], r->counts[3], r->counts[4], r->path, (long long)about.st_size);
    if (in_vain >= IN_VAIN) fprintf(stderr, "record: the device is gone; the file ends before %s\n", r->list->cases[r->next].name);
    return in_vain >= IN_VAIN || about.st_size > 16 << 20;
}

/* The modules as files, for an assembler to read. */
static int write_texts(const golden_list *list, const char *folder) {
    for (int32_t k = 0; k < list->count; k += golden_module_count(list, k)) {
        char path[4096];
        pgd_text text = {0};
        snprintf(path, sizeof path, "%s/cases_%d_%d_%04d.ptx", folder, list->cases[k].target, list->cases[k].version, k);
        golden_module_text(&list->cases[k], golden_module_count(list, k), &text);
        FILE *out = fopen(path, "wb");
        if (out == NULL || text.failed || fwrite(text.chars, 1, text.count, out) != text.count || fclose(out) != 0) return 1;
        pgd_mem_free(text.chars);
    }
    return 0;
}

/* What the cases are given, for programs that know what must come: a line "NAME DIGEST THREADS INPUTS OUTPUTS TYPE...", then the input cells. */
static int write_operands(const golden_list *list, const char *path) {
    static uint64_t cells[ROOM_BYTES / 8];
    FILE *out = fopen(path, "wb");
    for (int32_t k = 0; out != NULL && k < list->count; k++) {
        const golden_case *c = &list->cases[k];
        fprintf(out, "%s %08x %d %d %d", c->name, golden_case_digest(c), c->threads, c->input_count, c->output_count);
        for (int32_t j = 0; j < c->input_count; j++) fprintf(out, " %s", ptx_types[c->inputs[j].type].name);
        for (int32_t j = 0; j < c->output_count; j++) fprintf(out, " %s", ptx_types[c->outputs[j].type].name);
        golden_inputs(c, cells);
        fprintf(out, "\n");
        fwrite(cells, 1, golden_input_bytes(c), out);
    }
    return out == NULL || fclose(out) != 0;
}

int main(int count, char **words) {
    golden_list list;
    recorder r = {.path = "golden.bin", .library = "libcuda.so.1", .seconds = SECONDS};
    const char *texts = NULL, *operands = NULL;
    bool names = false;
    for (int k = 1; k < count; k++) {
        bool more = k + 1 < count;
        if (strcmp(words[k], "--list") == 0) names = true;
        else if (strcmp(words[k], "--out") == 0 && more) r.path = words[++k];
        else if (strcmp(words[k], "--library") == 0 && more) r.library = words[++k];
        else if (strcmp(words[k], "--only") == 0 && more) r.only = words[++k];
        else if (strcmp(words[k], "--limit") == 0 && more) r.seconds = atoi(words[++k]);
        else if (strcmp(words[k], "--texts") == 0 && more) texts = words[++k];
        else if (strcmp(words[k], "--operands") == 0 && more) operands = words[++k];
        else return fprintf(stderr, "usage: record [--out FILE] [--library PATH] [--only SUBSTRING] [--limit SECONDS] [--list] [--texts FOLDER] [--operands FILE]\n"), 1;
    }
    if (golden_list_create(&list) != PGD_OK) return fprintf(stderr, "record: %s\n", pgd_error_text()), 1;
    r.list = &list;
    for (int32_t k = 0; names && k < list.count; k++) printf("%s\n", list.cases[k].name);
    int status = texts != NULL ? write_texts(&list, texts) : operands != NULL ? write_operands(&list, operands) : names ? 0 : record(&r);
    golden_list_destroy(&list);
    return status;
}
