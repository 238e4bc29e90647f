/* SPDX-License-Identifier: Apache-2.0
 * printf, assert, malloc and free of kernels, with both executors at each level: text as the host's printf writes it, faults with their lines (kernels/printing.cu), a heap that has an end. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/gpu_heap.h"
#include "exec/reference.h"
#include "exec/vector.h"
#include "marked_line.h"
#include "program_fixture.h"

enum { MEMORY = 1 << 28, HEAP = 64 * 1024 + 1010 };

static pgd_pool *pool;
static bool by_reference;
static gpu_heap heap;
static gpu_services services;

/* What kernels printed. */
static pgd_text said;
static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

static void say(void *unused, const char *text, size_t bytes) {
    pthread_mutex_lock(&saying);
    if (said.count + bytes + 1 > said.capacity) {
        said.capacity = 2 * (said.count + bytes + 1);
        said.chars = pgd_mem_resize(said.chars, said.capacity);
        assert_non_null(said.chars);
    }
    memcpy(said.chars + said.count, text, bytes);
    said.count += bytes;
    said.chars[said.count] = '\0';
    pthread_mutex_unlock(&saying);
}

static void forget(void) {
    said.count = 0;
    if (said.chars != NULL) said.chars[0] = '\0';
}

static const char *text_said(void) { return said.chars == NULL ? "" : said.chars; }

static void serve(void) {
    heap = (gpu_heap){.memory = memory, .claim = 7, .bytes = HEAP};
    services = (gpu_services){.print = say, .heap = &heap};
    forget();
}

static void load(void) {
    load_file("printing.ptx", MEMORY);
    serve();
}

static void load_own(const char *ptx) {
    load_text(ptx, strlen(ptx), MEMORY);
    serve();
}

static int tear_down(void **unused) {
    pgd_mem_free(said.chars);
    said = (pgd_text){0};
    return unload(unused);
}

static int32_t word(uint64_t address, int index) {
    int32_t value;
    memcpy(&value, gpu_memory_at(memory, address + 4 * (uint64_t)index, 4, NULL), 4);
    return value;
}

static pgd_status launch(const char *kernel, uint32_t blocks, uint32_t threads, const void *parameters) {
    gpu_launch l = {.program = &program, .kernel = ptx_function_find(module, kernel), .grid = {blocks, 1, 1}, .block = {threads, 1, 1}, .parameters = parameters, .instruction_limit = 10000000, .services = &services};
    return by_reference ? gpu_reference_run(&l, &fault) : gpu_vector_run(&l, pool, &fault);
}

static void runs(const char *kernel, uint32_t blocks, uint32_t threads, const void *parameters) {
    pgd_status status = launch(kernel, blocks, threads, parameters);
    if (status != PGD_OK) print_message("%s\n", pgd_error_text());
    assert_int_equal(status, PGD_OK);
}

static void fails(const char *kernel, uint32_t threads, const void *parameters, gpu_fault_kind kind, const char *mark, const char *sentence) {
    char place[64];
    assert_int_equal(launch(kernel, 1, threads, parameters), PGD_DEVICE);
    snprintf(place, sizeof place, "(printing.cu:%d)", marked_line("printing.cu", mark));
    if (fault.kind != kind || strstr(fault.text, place) == NULL || strstr(fault.text, sentence) == NULL) print_message("%s\nnot %s %s\n", fault.text, place, sentence);
    assert_int_equal(fault.kind, kind);
    assert_non_null(strstr(fault.text, place));
    assert_non_null(strstr(fault.text, sentence));
}

/* ---- text ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t format_at, arguments_at, taken_at;
enum { FORMAT = 1 << 17, ARGUMENTS = 4096 };

static void load_any(void) {
    load();
    format_at = device(NULL, FORMAT), arguments_at = device(NULL, ARGUMENTS), taken_at = device(NULL, 4 * 64);
}

/* Prints with a format, by a thread for each group of arguments. */
static pgd_status print(const char *format, const void *arguments, size_t bytes, uint32_t threads) {
    struct { uint64_t format, arguments; int32_t bytes; uint64_t taken; } p = {format_at, arguments_at, (int32_t)bytes, taken_at};
    memcpy(gpu_memory_at(memory, format_at, strlen(format) + 1, NULL), format, strlen(format) + 1);
    if (bytes > 0) memcpy(gpu_memory_at(memory, arguments_at, bytes * threads, NULL), arguments, bytes * threads);
    forget();
    return launch("any", 1, threads, &p);
}

static void prints(const char *format, const void *arguments, size_t bytes, const char *wanted, int taken) {
    assert_int_equal(print(format, arguments, bytes, 1), PGD_OK);
    if (strcmp(text_said(), wanted) != 0) print_message("format %s\n", format);
    assert_string_equal(text_said(), wanted);
    assert_int_equal(word(taken_at, 0), taken);
}

static const char *const flags[] = {"", "-", "+", " ", "0", "#", "-+", "+0", "# -"};
static const char *const widths[] = {"", "1", "12"}, *const precisions[] = {"", ".0", ".", ".9"};
#define EACH(i, array) for (size_t i = 0; i < sizeof array / sizeof array[0]; i++)

/* The text of several values behind one another must be that of the kernel. */
static void compare(const char *format, const void *values, size_t count, const pgd_text *wanted) {
    assert_int_equal(print(format, values, 8, (uint32_t)count), PGD_OK);
    if (said.count != wanted->count || memcmp(said.chars, wanted->chars, said.count) != 0) print_message("format \"%s\": %s\nnot %s\n", format, text_said(), wanted->chars);
    assert_int_equal(said.count, wanted->count);
    assert_memory_equal(said.chars, wanted->chars, said.count);
    for (size_t k = 0; k < count; k++) assert_int_equal(word(taken_at, (int)k), 1);
}

static void integers_look_as_the_host_writes_them(void **unused) {
    static const char *const sizes[] = {"", "h", "hh", "l", "ll", "j", "z", "t"}, kinds[] = {'d', 'i', 'o', 'u', 'x', 'X'};
    static const uint64_t values[] = {0, 1, 7, 200, 255, 32768, 40000, 123456789, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(0x123456789abcdef0), INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    load_any();
    EACH(f, flags) EACH(w, widths) EACH(p, precisions) EACH(s, sizes) EACH(k, kinds) {
        char format[32];
        pgd_text wanted = {0};
        snprintf(format, sizeof format, "<%%%s%s%s%s%c>\n", flags[f], widths[w], precisions[p], sizes[s], kinds[k]);
        EACH(v, values) {
            if (s < 3) pgd_text_add(&wanted, format, (int)values[v]);
            else pgd_text_add(&wanted, format, (long long)values[v]);
        }
        compare(format, values, sizeof values / sizeof values[0], &wanted);
        pgd_mem_free(wanted.chars);
    }
}

static void doubles_look_as_the_host_writes_them(void **unused) {
    static const char *const sizes[] = {"", "l"}, kinds[] = {'f', 'F', 'e', 'E', 'g', 'G', 'a', 'A'};
    const double values[] = {0, -0.0, 1, -1.5, 0.1, 123456789.125, 1e300, -1e-300, 4.9e-324, 1e15, 99999.95, strtod("inf", NULL), -strtod("inf", NULL), strtod("nan", NULL)};
    load_any();
    EACH(f, flags) EACH(w, widths) EACH(p, precisions) EACH(s, sizes) EACH(k, kinds) {
        char format[32];
        pgd_text wanted = {0};
        snprintf(format, sizeof format, "<%%%s%s%s%s%c>\n", flags[f], widths[w], precisions[p], sizes[s], kinds[k]);
        EACH(v, values) pgd_text_add(&wanted, format, values[v]);
        compare(format, values, sizeof values / sizeof values[0], &wanted);
        pgd_mem_free(wanted.chars);
    }
}

static void characters_pointers_and_strings_do_too(void **unused) {
    static const char *const texts[] = {"", "a", "hello", "a longer text with %d in it", NULL}, *const left[] = {"", "-"};
    static const char kinds[] = {'c', 'p', 's'};
    uint64_t where[5] = {0};
    load_any();
    EACH(t, texts) if (texts[t] != NULL) where[t] = device(texts[t], strlen(texts[t]) + 1);
    EACH(f, left) EACH(w, widths) EACH(p, precisions) EACH(k, kinds) {
        static const uint64_t values[] = {0, 'a', 0x42, 200, 0x7f00001234};
        char format[32];
        pgd_text wanted = {0};
        snprintf(format, sizeof format, "<%%%s%s%s%c>\n", left[f], widths[w], kinds[k] == 's' ? precisions[p] : "", kinds[k]);
        EACH(v, values) {
            if (kinds[k] == 'c') pgd_text_add(&wanted, format, (int)values[v]);
            else if (kinds[k] == 'p') pgd_text_add(&wanted, format, (void *)(uintptr_t)values[v]);
            else pgd_text_add(&wanted, format, texts[v] == NULL ? "(null)" : texts[v]);
        }
        compare(format, kinds[k] == 's' ? where : values, 5, &wanted);
        pgd_mem_free(wanted.chars);
    }
}

/* Each argument aligned to its size. */
static void arguments_lie_as_compilers_pack_them(void **unused) {
    struct { int32_t a; int64_t b; int32_t c; double d; int32_t e, f; uint64_t g; } mixed = {-5, INT64_C(123456789012), 'x', 2.5, 3, 4, 0};
    struct { int32_t width; int64_t value; int32_t narrow, small; } starred = {7, 42, -6, 5};
    load_any();
    mixed.g = device("text", 5);
    prints("%d %ld %c %f %hd %u %s\n", &mixed, sizeof mixed, "-5 123456789012 x 2.500000 3 4 text\n", 7);
    prints("[%*ld][%*d]", &starred, sizeof starred, "[     42][5     ]", 4);
    prints("%d%%", &mixed, sizeof mixed, "-5%", 1);
}

static void what_is_no_conversion_stands_as_it_is(void **unused) {
    int32_t numbers[40];
    char format[256] = "", wanted[256] = "";
    load_any();
    EACH(k, numbers) numbers[k] = (int32_t)k;
    prints("nothing", NULL, 0, "nothing", 0);
    prints("", NULL, 0, "", 0);
    prints("100%", NULL, 0, "100%", 0);
    prints("%y %5 %n %.*d %-", numbers, sizeof numbers, "%y %5 %n %.*d %-", 0);
    prints("%d %y %d", numbers, sizeof numbers, "0 %y 1", 2);
    prints("%5%%%%d", numbers, sizeof numbers, "%%0", 1);
    for (int k = 0; k < 34; k++) strcat(format, "%d,"), snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), k < 32 ? "%d," : "%%d,", k);
    prints(format, numbers, sizeof numbers, wanted, 32);
}

static void sizes_have_an_end(void **unused) {
    static char format[FORMAT];
    int32_t number = 5;
    format[0] = '\0';
    load_any();
    assert_int_equal(print("%999999999999d|%.77777777777d", (int32_t[2]){1, 2}, 8, 1), PGD_OK);
    assert_int_equal(said.count, 4096 + 1 + 4096);
    for (int k = 0; k < 30; k++) strcat(format, "%9999d");
    assert_int_equal(print(format, (int32_t[32]){0}, 128, 1), PGD_OK);
    assert_int_equal(said.count, 1 << 16);
    memset(format, 'x', sizeof format - 1);
    prints(format, &number, sizeof number, "", -2);
}

static void bad_pointers_are_faults_with_a_line(void **unused) {
    struct { uint64_t format, arguments; int32_t bytes; uint64_t taken; } p;
    load_any();
    uint64_t unended = device("ends %s", 7), full = device("xxxxxxxx", 8), ended = device("%s", 3), own;
    p.arguments = arguments_at, p.bytes = 0, p.taken = taken_at;
    p.format = 0x1234;
    fails("any", 1, &p, GPU_FAULT_ADDRESS, "any", "reads 1 bytes at 0x1234");
    p.format = unended;
    fails("any", 1, &p, GPU_FAULT_ADDRESS, "any", "just past the end of an allocation of 7 bytes at");
    p.format = ended; /* and the string it asks for has none */
    memcpy(gpu_memory_at(memory, arguments_at, 8, NULL), &full, 8);
    fails("any", 1, &p, GPU_FAULT_ADDRESS, "any", "just past the end of an allocation of 8 bytes at");
    assert_int_equal(print("%.8s", &full, 8, 1), PGD_OK); /* needs no end */
    assert_string_equal(text_said(), "xxxxxxxx");
    forget();
    own = 0x99;
    memcpy(gpu_memory_at(memory, arguments_at, 8, NULL), &own, 8);
    fails("any", 1, &p, GPU_FAULT_ADDRESS, "any", "reads 1 bytes at 0x99");
    p.arguments = 0;
    fails("any", 1, &p, GPU_FAULT_ADDRESS, "any", "reads 8 bytes at 0x0");
    p.arguments = arguments_at + 4;
    fails("any", 1, &p, GPU_FAULT_ALIGNMENT, "any", "reads 8 bytes");
    p.format = 0;
    runs("any", 1, 1, &p);
    assert_int_equal(word(taken_at, 0), -1);
    assert_string_equal(text_said(), "");
}

static void a_compiler_packs_as_we_read(void **unused) {
    struct { uint64_t taken; float f; char c; short s; long l; } p = {0, 1.25f, 'q', -7, -5000000000};
    load();
    p.taken = device(NULL, 16);
    runs("kinds", 1, 1, &p);
    assert_string_equal(text_said(), "-3 4000000000 q -7 -5000000000|ff|1.250000 1.235e+04 0.5|text    cu|%\nno arguments\n");
    assert_int_equal(word(p.taken, 0), 6);
    assert_int_equal(word(p.taken, 1), 5);
    assert_int_equal(word(p.taken, 2), 0);
    assert_int_equal(word(p.taken, 3), -1);
}

static void without_a_service_text_is_dropped(void **unused) {
    struct { uint64_t taken; float f; char c; short s; long l; } p = {0, 1.25f, 'q', -7, 1};
    load();
    p.taken = device(NULL, 16);
    services = (gpu_services){0};
    runs("kinds", 1, 1, &p);
    assert_string_equal(text_said(), "");
    assert_int_equal(word(p.taken, 0), 6);
    struct { uint64_t count; long bytes; } q = {p.taken, 8};
    runs("exhaust", 1, 1, &q);
    assert_int_equal(word(q.count, 0), 0);
}

/* ---- who prints when --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static int count_of(const char *line) {
    int count = 0;
    for (const char *at = text_said(); (at = strstr(at, line)) != NULL; at++) count += at == text_said() || at[-1] == '\n';
    return count;
}

static void each_lane_prints_its_own(void **unused) {
    int n = 20;
    char line[64];
    load();
    runs("parted", 3, 40, &n);
    for (int t = 0; t < 40; t++) {
        snprintf(line, sizeof line, "one %d\n", t);
        assert_int_equal(count_of(line), t % 3 == 1 ? 3 : 0);
        const char *before = NULL;
        for (int i = 0; i < 3; i++) {
            snprintf(line, sizeof line, "%d of %d\n", i, t);
            assert_int_equal(count_of(line), i < t % 3 ? 3 : 0);
            const char *at = strstr(text_said(), line);
            if (pool == NULL && at != NULL && before != NULL) assert_true(before < at); /* in a thread order is kept */
            before = at;
        }
        for (int b = 0; b < 3; b++) {
            snprintf(line, sizeof line, "block %d thread %d\n", b, t);
            assert_int_equal(count_of(line), t < n);
        }
    }
}

static void lanes_that_call_together_print_in_their_order(void **unused) {
    load();
    int n = 32;
    char wanted[2048] = "";
    runs("parted", 1, 32, &n);
    for (int t = 0; t < 32; t++) snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "block 0 thread %d\n", t);
    if (by_reference) assert_int_equal(count_of("block 0 thread 31\n"), 1); /* thread after thread */
    else assert_non_null(strstr(text_said(), wanted));
}

/* ---- calls of other kinds ------------------------------------------------------------------------------------------------------------------------------------------------------- */

#define HEAD ".version 8.0\n.target sm_90\n.address_size 64\n"
#define DECLARED ".extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);\n"
#define BODY(call)                                                                                                                                   \
    ".global .align 1 .b8 format[4] = {37, 100, 10, 0};\n.global .align 4 .u32 number = 42;\n.visible .entry k(.param .u64 out)\n{\n"                 \
    ".reg .b64 %o, %f, %a, %x;\n.reg .b32 %r;\nld.param.u64 %o, [out];\nmov.u64 %f, format;\nmov.u64 %a, number;\n" call "\nst.global.u32 [%o], %r;\nret;\n}\n"

static int32_t result_of(const char *ptx) {
    load_own(ptx);
    uint64_t out = device(NULL, 4);
    runs("k", 1, 1, &out);
    return word(out, 0);
}

static void registers_may_be_operands(void **unused) {
    assert_int_equal(result_of(HEAD DECLARED BODY("call (%r), vprintf, (%f, %a);")), 1);
    assert_string_equal(text_said(), "42\n");
}

static void a_register_may_hold_the_function(void **unused) {
    assert_int_equal(result_of(HEAD DECLARED BODY("mov.u64 %x, vprintf;\nproto: .callprototype (.param .b32 _) _ (.param .b64 _, .param .b64 _);\ncall (%r), %x, (%f, %a), proto;")), 1);
    assert_string_equal(text_said(), "42\n");
}

static void an_own_definition_wins(void **unused) {
    assert_int_equal(result_of(HEAD ".func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a)\n{\nst.param.b32 [r], 77;\nret;\n}\n" BODY("call (%r), vprintf, (%f, %a);")), 77);
    assert_string_equal(text_said(), "");
}

static void other_parameters_and_names_are_no_system_calls(void **unused) {
    static const char *const ptx[] = {HEAD ".extern .func (.param .b32 r) vprintf(.param .b64 f);\n" BODY("call (%r), vprintf, (%f);"),
                                      HEAD ".extern .func (.param .b64 r) vprintf(.param .b64 f, .param .b64 a);\n" BODY("call (%x), vprintf, (%f, %a);"),
                                      HEAD ".extern .func (.param .b32 r) puts(.param .b64 f);\n" BODY("call (%r), puts, (%f);"), HEAD ".extern .func free(.param .b32 f);\n" BODY("call free, (%r);")};
    EACH(k, ptx) {
        load_own(ptx[k]);
        uint64_t out = device(NULL, 4);
        assert_int_equal(launch("k", 1, 1, &out), PGD_DEVICE);
        assert_int_equal(fault.kind, GPU_FAULT_CALL);
        assert_non_null(strstr(fault.text, "is called and has no body"));
        tear_down(NULL);
    }
}

/* ---- assert ------------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static void an_assertion_that_fails_ends_the_launch(void **unused) {
    int32_t x[64] = {0};
    char wanted[128];
    load();
    uint64_t at = device(x, sizeof x);
    runs("checked", 1, 64, &at);
    x[37] = 9;
    at = device(x, sizeof x);
    fails("checked", 64, &at, GPU_FAULT_ASSERT, "assertion", "thread (37,0,0): assertion `x[threadIdx.x] < 5` failed");
    snprintf(wanted, sizeof wanted, "printing.cu:%d: checked: block: [0,0,0], thread: [37,0,0] Assertion `x[threadIdx.x] < 5` failed.", marked_line("printing.cu", "assertion"));
    assert_string_equal(fault.assertion, wanted);
}

/* ---- malloc, free -------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void threads_share_what_malloc_gives(void **unused) {
    load();
    struct { uint64_t out, kept; } p = {device(NULL, 4 * 64), device(NULL, 8 * 64)};
    runs("shared_heap", 1, 64, &p);
    for (int t = 0; t < 64; t++) assert_int_equal(word(p.out, t), 800 * ((t + 1) % 64) + 28);
    assert_int_equal(heap.used, 32 * (32 + 16)); /* every second thread freed */
    for (int t = 0; t < 64; t++) {
        uint64_t own;
        gpu_allocation a;
        memcpy(&own, gpu_memory_at(memory, p.kept + 8 * (uint64_t)t, 8, NULL), 8);
        assert_int_equal(own % 16, 0);
        assert_int_equal(gpu_memory_at(memory, own, 32, &a) != NULL, t % 2 == 1);
        assert_true(a.kind == GPU_MEMORY_HEAP && a.bytes == 32 && a.claim == 7);
    }
}

static void a_heap_has_an_end(void **unused) {
    load();
    struct { uint64_t count; long bytes; } p = {device(NULL, 4), 1000};
    runs("exhaust", 1, 1, &p);
    assert_int_equal(word(p.count, 0), HEAP / (1008 + 16));
    p.bytes = -1;
    runs("exhaust", 1, 1, &p);
    assert_int_equal(word(p.count, 0), 0);
    p.bytes = 0;
    runs("exhaust", 1, 1, &p);
    assert_int_equal(word(p.count, 0), 0);
}

static void memory_outlives_the_launch(void **unused) {
    load();
    uint64_t place = device(NULL, 8), out = device(NULL, 4);
    struct { uint64_t to; int32_t value; } keep = {place, 4711};
    struct { uint64_t from, out; } use = {place, out};
    runs("keep", 1, 1, &keep);
    runs("use", 1, 1, &use);
    assert_int_equal(word(out, 0), 4711);
    assert_int_equal(heap.used, 0);
    assert_int_equal(launch("use", 1, 1, &use), PGD_DEVICE);
    assert_non_null(strstr(fault.text, "in memory that was freed"));
}

static void mistakes_with_the_heap_are_told(void **unused) {
    int32_t n = 9, once = 0, twice = 1;
    uint64_t none = 0, other;
    load();
    runs("beyond", 1, 1, &n);
    n = 10;
    fails("beyond", 1, &n, GPU_FAULT_ADDRESS, "beyond", "writes 1 bytes at");
    n = -1;
    fails("beyond", 1, &n, GPU_FAULT_ADDRESS, "beyond", "writes 1 bytes at");
    fails("after_free", 1, &once, GPU_FAULT_ADDRESS, "after_free", "in memory that was freed");
    fails("after_free", 1, &twice, GPU_FAULT_FREE, "twice", "in memory that was freed before");
    fails("free_of", 1, &none, GPU_FAULT_FREE, "free_of", "8 bytes behind the beginning of what malloc gave");
    other = device(NULL, 8);
    fails("free_of", 1, &other, GPU_FAULT_FREE, "free_of", "which no malloc of a kernel of this context gave");
    heap.claim = 8; /* another context's */
    assert_int_equal(gpu_heap_allocate(&heap, 8) != 0, true);
}

/* At an instruction that has found it before. */
static void what_was_found_is_forgotten_with_free(void **unused) {
    load_own(HEAD ".extern .func (.param .b64 r) malloc(.param .b64 n);\n.extern .func free(.param .b64 p);\n.visible .entry k(.param .u64 out)\n{\n"
              ".reg .b64 %p, %n, %o;\n.reg .b32 %i, %x;\n.reg .pred %q;\nld.param.u64 %o, [out];\nmov.u64 %n, 400;\ncall (%p), malloc, (%n);\nmov.u32 %i, 0;\n"
              "again: ld.global.u32 %x, [%p];\nst.global.u32 [%o], %x;\nsetp.ne.u32 %q, %i, 0;\n@%q ret;\nmov.u32 %i, 1;\ncall free, (%p);\nbra again;\n}\n");
    uint64_t out = device(NULL, 4);
    assert_int_equal(launch("k", 1, 1, &out), PGD_DEVICE);
    assert_int_equal(fault.kind, GPU_FAULT_ADDRESS);
    assert_non_null(strstr(fault.text, "k, PTX line 15, block (0,0,0), thread (0,0,0): reads 4 bytes at"));
    assert_non_null(strstr(fault.text, "in memory that was freed"));
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(integers_look_as_the_host_writes_them), TEST(doubles_look_as_the_host_writes_them), TEST(characters_pointers_and_strings_do_too),
        TEST(arguments_lie_as_compilers_pack_them), TEST(what_is_no_conversion_stands_as_it_is), TEST(sizes_have_an_end), TEST(bad_pointers_are_faults_with_a_line),
        TEST(a_compiler_packs_as_we_read), TEST(without_a_service_text_is_dropped), TEST(each_lane_prints_its_own), TEST(lanes_that_call_together_print_in_their_order),
        TEST(registers_may_be_operands), TEST(a_register_may_hold_the_function), TEST(an_own_definition_wins), TEST(other_parameters_and_names_are_no_system_calls),
        TEST(an_assertion_that_fails_ends_the_launch), TEST(threads_share_what_malloc_gives), TEST(a_heap_has_an_end), TEST(memory_outlives_the_launch),
        TEST(mistakes_with_the_heap_are_told), TEST(what_was_found_is_forgotten_with_free),
    };
    by_reference = true;
    int failed = cmocka_run_group_tests_name("reference", tests, NULL, NULL);
    by_reference = false;
    for (int level = 0; level < GPU_VECTOR_LEVELS; level++)
        if (gpu_vector_force((gpu_vector_level)level) == PGD_OK) failed += cmocka_run_group_tests_name("vector", tests, NULL, NULL);
    if (pgd_pool_create(2, &pool) != PGD_OK) return 1;
    failed += cmocka_run_group_tests_name("with a pool", tests, NULL, NULL);
    pgd_pool_destroy(pool);
    return failed;
}
