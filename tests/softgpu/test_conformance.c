/* SPDX-License-Identifier: Apache-2.0
 * Each form of an instruction, run on each executor, gives what must come by sources outside of src/softgpu: the host's arithmetic and the manual's formulas
 * (tests/golden/expect*.c), NumPy and ml_dtypes (numpy.golden), and GPUs, where a file that one recorded is there. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <exec/vector.h>

#include "golden/check.h"

static pgd_status run_vector(const gpu_launch *launch, gpu_fault *fault) { return gpu_vector_run(launch, NULL, fault); }

/* A new one is a line here. */
enum { ANY_LEVEL = -1 };
static const struct {
    const char *name;
    pgd_status (*run)(const gpu_launch *launch, gpu_fault *fault);
    int32_t level; /* of the vector executor */
} executors[] = {
    {"reference", gpu_reference_run, ANY_LEVEL},
    {"vector, portable", run_vector, GPU_VECTOR_PORTABLE},
    {"vector, AVX2", run_vector, GPU_VECTOR_AVX2},
    {"vector, AVX-512", run_vector, GPU_VECTOR_AVX512},
};
enum { EXECUTORS = sizeof executors / sizeof *executors };

static golden_list list;
static golden_results of[EXECUTORS];

static int run_everything(void **unused) {
    pgd_status status = golden_list_create(&list);
    gpu_vector_versions_after(0); /* test_vector.c holds them against the general steps */
    for (int32_t x = 0; x < EXECUTORS && status == PGD_OK; x++) {
        if (executors[x].level != ANY_LEVEL && gpu_vector_force((gpu_vector_level)executors[x].level) != PGD_OK) continue; /* this machine has it not */
        status = golden_results_create(&list, executors[x].run, NULL, &of[x]);
    }
    (void)gpu_vector_force(gpu_vector_best());
    if (status != PGD_OK) print_error("%s\n", pgd_error_text());
    return status != PGD_OK;
}

static bool ran(int32_t x) { return of[x].records != NULL; }

static int forget(void **unused) {
    for (int32_t x = 0; x < EXECUTORS; x++)
        if (ran(x)) golden_results_destroy(&of[x]);
    golden_list_destroy(&list);
    return 0;
}

static void each_row_has_a_case(void **unused) {
    bool there[PTX_FORM_COUNT] = {false};
    int32_t missing = 0;
    for (int32_t k = 0; k < list.count; k++) there[list.cases[k].form] = true;
    for (int32_t f = 0; f < PTX_FORM_COUNT; f++) {
        if (there[f]) continue;
        missing++;
        print_error("%s has no case: tests/golden/case_*.c\n", ptx_form_get(f)->name);
    }
    assert_int_equal(missing, 0);
}

/* Each word and type of a row is in one of its cases, but for those that golden_possible says PTX does not have. */
static void each_word_has_a_case(void **unused) {
    static bool words[PTX_FORM_COUNT][PTX_SLOT_COUNT][PTX_WORD_COUNT], types[PTX_FORM_COUNT][4][PTX_TYPE_COUNT];
    int32_t missing = 0;
    for (int32_t k = 0; k < list.count; k++) {
        const ptx_instruction *i = &list.cases[k].words;
        for (int32_t s = 0; s < PTX_SLOT_COUNT; s++) words[i->form][s][i->slots[s]] = true;
        for (int32_t t = 0; t < 4; t++) types[i->form][t][i->types[t]] = true;
    }
    for (int32_t f = 0; f < PTX_FORM_COUNT; f++)
        for (int32_t m = 0; m < ptx_form_get(f)->modifier_count; m++) {
            const ptx_modifier *choices = &ptx_form_get(f)->modifiers[m];
            for (int32_t c = 0; c < choices->count && choices->kind != PTX_FIXED_WORD; c++) {
                bool is_type = choices->kind == PTX_SLOT_TYPE;
                if (is_type ? types[f][choices->slot][choices->choices[c]] : words[f][choices->slot][choices->choices[c]]) continue;
                if (f == PTX_FORM_CVTA && is_type) continue; /* u32: of modules with narrow addresses */
                missing++;
                print_error("%s: no case with %s\n", ptx_form_get(f)->name, is_type ? ptx_types[choices->choices[c]].name : ptx_word_text(choices->choices[c]));
            }
        }
    assert_int_equal(missing, 0);
}

static void results_are_what_the_processor_and_the_manual_say(void **unused) {
    golden_verdict v = golden_check_expected(&of[0], stderr, 100);
    int32_t rows = 0;
    for (int32_t f = 0; f < PTX_FORM_COUNT; f++) {
        rows += v.rows[f];
        if (!v.rows[f]) print_error("%s: nothing from outside is known of it\n", ptx_form_get(f)->name);
    }
    print_message("%d cases, %lld results, %lld of them left open by the manual; %d of %d rows have an expectation from outside\n", v.cases, (long long)v.cells, (long long)v.open, rows, PTX_FORM_COUNT);
    assert_int_equal(v.differences, 0);
    assert_int_equal(v.without, 0);
    assert_int_equal(rows, PTX_FORM_COUNT);
}

/* In what the manual leaves open, too: so what holds of the reference holds of all. */
static void executors_agree_in_each_bit(void **unused) {
    for (int32_t x = 1; x < EXECUTORS; x++) {
        int32_t different = 0;
        for (int32_t k = 0; ran(x) && k < list.count; k++) {
            const golden_record *mine = &of[x].records[k], *right = &of[0].records[k];
            if (strcmp(mine->status, right->status) == 0 && memcmp(mine->raw, right->raw, right->bytes) == 0) continue;
            if (different++ < 20) print_error("%s: the reference and %s differ\n", list.cases[k].name, executors[x].name);
        }
        if (different > 0) golden_check_expected(&of[x], stderr, 100);
        assert_int_equal(different, 0);
        print_message("%s: %s\n", executors[x].name, ran(x) ? "the same" : "not on this machine");
    }
}

static void hold_against(const char *name) {
    char path[4096];
    golden_file file;
    snprintf(path, sizeof path, "%s/tests/golden/%s", getenv("PAGODA_SOURCE_DIR"), name);
    if (golden_file_read(path, &file) != PGD_OK) fail_msg("%s", pgd_error_text());
    golden_verdict v = golden_check_file(&of[0], &file, stderr, 100);
    print_message("%s: %d cases, %lld results, %lld differ, %d cases have changed since\n", name, v.cases, (long long)v.cells, (long long)v.differences, v.stale);
    golden_file_deinit(&file);
    assert_true(v.cases > 0);
    assert_int_equal(v.differences, 0);
    assert_int_equal(v.stale, 0); /* make the file anew: README.md */
}

static void results_are_what_numpy_and_ml_dtypes_say(void **unused) { hold_against("numpy.golden"); }

static void results_are_what_gpus_gave(void **unused) {
    char path[4096];
    int32_t files = 0;
    snprintf(path, sizeof path, "%s/tests/golden", getenv("PAGODA_SOURCE_DIR"));
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        size_t length = strlen(entry->d_name);
        if (length < 7 || strcmp(entry->d_name + length - 7, ".golden") != 0 || strcmp(entry->d_name, "numpy.golden") == 0) continue;
        hold_against(entry->d_name);
        files++;
    }
    closedir(folder);
    if (files > 0) return;
    print_message("no file of a GPU in tests/golden: skipped\n");
    skip();
}

/* ---- files -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static char *file_path(void) {
    static char path[] = "/tmp/golden_test_XXXXXX";
    strcpy(path, "/tmp/golden_test_XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    return path;
}

static void write_file(const char *path, int32_t cases) {
    golden_writer w;
    assert_int_equal(golden_writer_open(path, "device: test\n", &w), PGD_OK);
    for (int32_t k = 0; k < cases; k++) golden_writer_add(&w, &list.cases[k], of[0].records[k].status, of[0].records[k].raw, of[0].records[k].bytes);
    assert_int_equal(golden_writer_close(&w), PGD_OK);
}

static void what_was_written_is_read(void **unused) {
    char *path = file_path();
    golden_file file;
    write_file(path, 300);
    assert_int_equal(golden_file_read(path, &file), PGD_OK);
    assert_int_equal(file.count, 300);
    assert_string_equal(file.text, "device: test\n");
    for (int32_t k = 0; k < 300; k++) {
        assert_string_equal(file.records[k].name, list.cases[k].name);
        assert_int_equal(file.records[k].bytes, of[0].records[k].bytes);
        assert_memory_equal(file.records[k].raw, of[0].records[k].raw, of[0].records[k].bytes);
    }
    golden_file_deinit(&file);
    unlink(path);
}

static void files_that_are_cut_or_changed_are_refused(void **unused) {
    char *path = file_path(), *text;
    size_t bytes;
    golden_file file;
    write_file(path, 5);
    assert_int_equal(pgd_file_read(path, 1 << 24, NULL, &text, &bytes), PGD_OK);
    for (size_t count = 0; count < bytes; count += count < 200 ? 1 : 97) {
        FILE *out = fopen(path, "wb");
        assert_int_equal(fwrite(text, 1, count, out), count);
        fclose(out);
        assert_int_equal(golden_file_read(path, &file), PGD_CORRUPT);
    }
    pgd_mem_free(text);
    unlink(path);
}

/* One bit of one result: a line, and no other. */
static void a_wrong_bit_is_told(void **unused) {
    char *path = file_path(), text[1024] = "";
    golden_file file;
    write_file(path, 20);
    assert_int_equal(golden_file_read(path, &file), PGD_OK);
    assert_int_equal(golden_check_file(&of[0], &file, stderr, 10).differences, 0);
    file.records[3].raw[8] ^= 1;
    FILE *out = fmemopen(text, sizeof text, "w");
    golden_verdict v = golden_check_file(&of[0], &file, out, 10);
    fclose(out);
    assert_int_equal(v.differences, 1);
    assert_non_null(strstr(text, list.cases[3].name));
    file.records[4].digest ^= 1;
    assert_int_equal(golden_check_file(&of[0], &file, stderr, 0).stale, 1);
    golden_file_deinit(&file);
    unlink(path);
}

/* Of an approximation any result within its bound will do. */
static void bounds_are_bounds(void **unused) {
    char *path = file_path();
    golden_file file;
    write_file(path, list.count);
    assert_int_equal(golden_file_read(path, &file), PGD_OK);
    const golden_record *r = golden_file_find(&file, "EX2.f32");
    assert_non_null(r);
    r->raw[4 * 100] ^= 1;
    assert_int_equal(golden_check_file(&of[0], &file, stderr, 10).differences, 0);
    r->raw[4 * 100] ^= 64;
    assert_int_equal(golden_check_file(&of[0], &file, stderr, 0).differences, 1);
    golden_file_deinit(&file);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_a_case),
        cmocka_unit_test(each_word_has_a_case),
        cmocka_unit_test(results_are_what_the_processor_and_the_manual_say),
        cmocka_unit_test(executors_agree_in_each_bit),
        cmocka_unit_test(results_are_what_numpy_and_ml_dtypes_say),
        cmocka_unit_test(results_are_what_gpus_gave),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(files_that_are_cut_or_changed_are_refused),
        cmocka_unit_test(a_wrong_bit_is_told),
        cmocka_unit_test(bounds_are_bounds),
    };
    return cmocka_run_group_tests(tests, run_everything, forget);
}
