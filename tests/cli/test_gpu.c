/* SPDX-License-Identifier: Apache-2.0
 * The verbs of the software GPU: PTX that is read, programs that are started, mistakes of kernels that are told. The programs are the examples. */
#include "command.h"

static char kernels[4096];

/* What it says, on either stream. */
static void gives(const char *line, int code, const char *text) {
    run(line);
    bool said = strstr(last.out, text) != NULL || strstr(last.err, text) != NULL;
    if (last.code != code || !said) print_message("%s\n  code %d, %s%s", line, last.code, last.out, last.err);
    assert_int_equal(last.code, code);
    assert_true(said);
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* An example with the kernels of the examples. */
static void with_example(const char *verb, const char *name, int code, const char *text) {
    char line[12288];
    snprintf(line, sizeof line, "%s -- %s/examples/gpu/%s %s", verb, getenv("PAGODA_BUILD_DIR"), name, kernels);
    gives(line, code, text);
}

static int set_up(void **unused) {
    snprintf(kernels, sizeof kernels, "%s/examples/gpu/kernels.ptx", getenv("PAGODA_SOURCE_DIR"));
    unsetenv("PAGODA_SOFTGPU_REPORT");
    return enter_folder();
}

static void kernels_of_a_file_are_listed(void **unused) {
    char line[8192];
    snprintf(line, sizeof line, "gpu ptx %s", kernels);
    gives(line, 0, "PTX 7.0 for sm_80; 11 kernels");
    snprintf(line, sizeof line, "gpu ptx --json %s", kernels);
    gives(line, 0, "\"name\": \"mma_matmul\"");
    assert_non_null(strstr(last.out, "\"name\": \"vector_add\""));
    const char *matmul = strstr(last.out, "\"name\": \"tiled_matmul\"");
    assert_true(matmul != NULL && strstr(matmul, "\"shared_bytes\": 2176") != NULL && strstr(matmul, "\"shared_bytes\": 2176") < strchr(matmul, '}'));
    gives("gpu help", 0, "gpu timeline     draw how");
    gives("help gpu ptx", 0, "pagoda gpu ptx: ");
    write_file("old.ptx", ".version 7.8\n.target sm_79\n.address_size 64\n");
    gives("gpu ptx old.ptx", 1, "no architecture of this name is known; there are sm_50 to sm_121");
    write_file("wrong.ptx", ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\nadd.u32 %r1, %r2, 1;\nret;\n}\n");
    gives("gpu ptx wrong.ptx", 1, "wrong.ptx:6:9: nothing is declared under the name %r1");
    gives("gpu ptx wrong.ptx", 1, "wrong.ptx is not right; the lines above say where");
    expect("gpu ptx nowhere.ptx", 1, "nowhere.ptx");
    write_file("kernel.cu", "__global__ void k(int *x) { x[0] = 1; }\n");
    expect("gpu ptx kernel.cu", 1, "kernel.cu is no PTX, which has a line .version; CUDA C becomes PTX by nvcc -ptx, or clang");
    write_file("program", "\177ELF\2\1\1");
    expect("gpu ptx program", 1, "program is machine code");
    expect("gpu ptx .", 1, ". is a folder; give a file of PTX");
    write_file("calls.ptx", ".version 7.8\n.target sm_80\n.address_size 64\n.extern .func other();\n.visible .entry k()\n{\ncall other;\nret;\n}\n");
    gives("gpu ptx calls.ptx", 0, "calls.ptx:7:1: other is used here, and nothing defines it");
    expect("gpu ptx", 2, "one file of PTX is needed");
}

/* Is there no such process, or one that only waits to be taken notice of? */
static bool is_over(long pid) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return true;
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return strstr(text, ") Z") != NULL;
}

/* Who ends the command, a test's time limit say, ends the program. */
static void a_program_ends_with_the_command(void **unused) {
    long pid = 0;
    write_file("long.sh", "echo $$ > long.part\nmv long.part long.pid\nexec sleep 60\n");
    pid_t command = start("gpu run -- sh long.sh", 0);
    for (int k = 0; k < 500 && access("long.pid", R_OK) != 0; k++) usleep(10000);
    FILE *file = fopen("long.pid", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    assert_false(is_over(pid));
    assert_int_equal(kill(command, SIGTERM), 0);
    finish(command);
    for (int k = 0; k < 500 && !is_over(pid); k++) usleep(10000);
    assert_true(is_over(pid));
}

/* Who sends the signal to the command alone means the program. */
static void an_interrupt_is_passed_on(void **unused) {
#ifdef __SANITIZE_THREAD__
    skip(); /* it holds signals back while a process waits for another */
#endif
    unlink("long.pid");
    pid_t command = start("gpu check -- sh long.sh", 0);
    for (int k = 0; k < 500 && access("long.pid", R_OK) != 0; k++) usleep(10000);
    assert_int_equal(kill(command, SIGINT), 0);
    finish(command);
    assert_int_equal(last.code, 130);
}

static void programs_see_a_gpu(void **unused) {
    with_example("gpu run", "vector_add", 0, "vector add: largest difference from the host's float64 0, allowed 1.2e-07: right");
    with_example("gpu run --executor reference", "histogram", 0, ": right");
    with_example("gpu run --json", "vector_add", 0, "{\"exit_status\": 0}");
    write_file("seven.sh", "exit 7\n");
    write_file("killed.sh", "kill -9 $$\n");
    gives("gpu run -- sh seven.sh", 7, "");
    expect("gpu run -- ./nowhere", 127, "cannot start ./nowhere");
    expect("gpu check -- ./seven.sh", 126, "cannot start ./seven.sh (Permission denied)");
    expect("gpu run --strict -- true", 2, "--strict is not for `pagoda gpu run`");
    expect("--device cpu gpu profile -- true", 2, "--device is not for `pagoda gpu profile`");
    expect("help gpu run foo", 2, "`pagoda help gpu run` shows what is");
    expect("gpu run", 2, "a program is needed: pagoda gpu run -- PROGRAM");
    expect("gpu run --devices 17 -- true", 2, "--devices: 17 is outside 1");
    expect("gpu run --capability 9.5 -- true", 2, "--capability is \"9.5\"");
    gives("gpu run -- sh killed.sh", 137, "sh was ended by signal 9 (Killed)");
    gives("gpu check -- sh killed.sh", 137, "nothing was found before the program was ended");
    expect("gpu run --limit 0 -- true", 2, "--limit: 0 is outside 1 to");
    with_example("gpu run --limit 1", "tiled_matmul", 1, "limit: ");
    with_example("gpu run --schedules 2", "scan", 0, "(what was printed is not compared)");
    expect("gpu run --executor fast -- true", 2, "--executor is \"fast\"");
    with_example("gpu run", "printf", 0, "28 is perfect: it has 5 divisors, of which 14 is the largest\n");
    with_example("gpu run --executor reference", "printf", 0, "496 is perfect");
    with_example("gpu check --json --uninitialised", "printf", 0, "{\"findings\": [], \"exit_status\": 0, \"launches\": ");
    with_example("gpu run --capability 7.5", "vector_add", 1, ".target sm_80: this device has compute capability 7.5");
}

static void faults_happen_on_purpose(void **unused) {
    with_example("gpu run --fault oom@3", "vector_add", 1, "gave error 2: not enough memory");
    with_example("gpu run --fault lost@2", "graph_replay", 1, "gave error 46");
    with_example("gpu run --fault slow@20", "vector_add", 0, ": right");
    expect("gpu run --fault oom@0 -- true", 2, "--fault is \"oom@0\"; it must be a list of oom@N, lost@N and slow@MS");
    expect("gpu run --fault oom@1,foo -- true", 2, "--fault is \"oom@1,foo\"");
    with_example("gpu check --fault oom@3", "vector_add", 1, "nothing was found");
    expect("gpu run --fault oom=3 -- true", 2, "--fault is \"oom=3\"");
}

static void mistakes_of_kernels_are_told(void **unused) {
    with_example("gpu check", "histogram", 0, "nothing was found");
    with_example("gpu check --json --uninitialised", "graph_replay", 0, "{\"findings\": [], \"exit_status\": 0, \"launches\": ");
    write_file("three.sh", "exit 3\n");
    gives("gpu check -- sh three.sh", 3, "nothing was found");
    expect("gpu profile --executor vector -- true", 2, "no option \"--executor\"");
    with_example("gpu check --executor reference", "histogram", 0, "nothing was found");
    gives("gpu check -- true", 0, "nothing was found, and nothing checked: no kernel was launched");
    with_example("gpu check --uninitialized", "scan", 0, "nothing was found in 3 launches");
    expect("gpu run --uninitialised -- true", 2, "no option \"--uninitialised\"");
}

/* A test of the driver that can be started as a program (tests/softgpu/test_driver_seed.c). */
static void with_program(const char *verb, const char *argument, int code, const char *text) {
    char line[12288];
    snprintf(line, sizeof line, "%s -- %s/tests/softgpu_test_driver_seed %s", verb, getenv("PAGODA_BUILD_DIR"), argument);
    gives(line, code, text);
}

static void a_seed_decides_the_order(void **unused) {
    static const char *const right[] = {"vector_add", "tiled_matmul", "reduce", "scan", "histogram", "grid_sync", "streams", "graph_replay", "mma_matmul"};
    char first[sizeof last.out], verb[64];
    for (size_t k = 0; k < sizeof right / sizeof right[0]; k++) with_example("gpu run --schedules 5 --json", right[k], 0, "{\"exit_status\": 0, \"seed\": 5, \"schedules\": 5}");
    with_example("gpu run --seed 3 --executor reference --json", "scan", 0, "{\"exit_status\": 0, \"seed\": 3}");
    with_program("gpu run --seed 7", "races", 0, "\n");
    snprintf(first, sizeof first, "%s", last.out);
    with_program("gpu run --seed 7", "races", 0, first);
    with_program("gpu run --seed 8", "races", 0, "\n");
    assert_string_not_equal(last.out, first);
    with_program("gpu run --schedules 20", "check", 3, "replay with --seed ");
    const char *replay = strstr(last.err, "--seed ");
    snprintf(verb, sizeof verb, "gpu run --seed %d", atoi(replay + 7));
    for (int k = 0; k < 3; k++) with_program(verb, "check", 3, "0\n");
    with_program("gpu run --schedules 20", "events", 0, "the same end each time (what was printed is not compared), exit status 0: 20 schedules, seeds 1 to 20");
    expect("gpu run --seed -1 -- true", 2, "--seed");
    expect("gpu check --schedules 0 -- true", 2, "--schedules: 0 is outside 1");
    expect("gpu profile --seed 1 -- true", 2, "no option \"--seed\"");
}

static void schedules_end_where_something_is_found(void **unused) {
    write_file("fourth.sh", "test $PAGODA_SOFTGPU_SEED = 4 && echo '{\"kind\": \"planted\"}' >>$PAGODA_SOFTGPU_FINDINGS; exit 0\n");
    write_file("fifth.sh", "test $PAGODA_SOFTGPU_SEED != 5 || exit 9\n");
    write_file("better.sh", "test $PAGODA_SOFTGPU_SEED != 1\n");
    gives("gpu check --schedules 3 -- sh fourth.sh", 0, "nothing was found, exit status 0: 3 schedules, seeds 1 to 3");
    gives("gpu check --schedules 20 -- sh fourth.sh", 1, "1 found with seed 4; replay with --seed 4");
    gives("gpu check --seed 3 --schedules 20 --json -- sh fourth.sh", 1, "{\"findings\": [{\"kind\": \"planted\"}], \"exit_status\": 0, \"launches\": 0, \"seed\": 4, \"schedules\": 2}");
    gives("gpu check --seed 4 --json -- sh fourth.sh", 1, "\"exit_status\": 0, \"launches\": 0, \"seed\": 4}");
    gives("gpu check --schedules 20 -- sh fifth.sh", 9, "exit status 9 with seed 5, and 0 with seed 1; replay with --seed 5");
    gives("gpu check --seed 6 --schedules 4 -- sh fifth.sh", 0, "4 schedules, seeds 6 to 9");
    gives("gpu run --schedules 4 -- sh better.sh", 1, "exit status 0 with seed 2, and 1 with seed 1; replay with --seed 1");
    with_program("gpu check --schedules 5 --json", "planted", 1, "\"kind\": \"shared race\"");
    assert_non_null(strstr(last.out, "\"seed\": 1, \"schedules\": 1}"));
    with_example("gpu check --schedules 3", "histogram", 0, "nothing was found, exit status 0: 3 schedules, seeds 1 to 3");
}

static void what_kernels_do_is_counted(void **unused) {
    with_example("gpu profile", "vector_add", 0, "vector_add, grid 391 x 1 x 1, block 256 x 1 x 1, launched 1 time\n");
    with_example("gpu profile", "tiled_matmul", 0, "    kernels.cu:");
    with_example("gpu profile --json", "graph_replay", 0, "\"kernel\": \"scale\", \"launches\": 11,");
    assert_non_null(strstr(last.out, "{\"source\": \"kernels.cu\", \"line\": "));
    assert_non_null(strstr(last.out, "], \"exit_status\": 0}"));
}

static void warps_are_drawn(void **unused) {
    static char drawn[1 << 16];
    with_example("gpu timeline --json --out-dir drawn", "tiled_matmul", 0, "\"calibrated\": false");
    with_example("gpu timeline --out-dir nothing --kernel nosuch", "histogram", 1, "no kernel nosuch was launched; there were histogram\n");
    read_back("drawn/timeline.svg", drawn, sizeof drawn);
    assert_non_null(strstr(drawn, "tiled_matmul: 64 warps on one multiprocessor"));
    assert_non_null(strstr(drawn, "uncalibrated"));
    read_back("drawn/timeline.json", drawn, sizeof drawn);
    assert_non_null(strstr(drawn, "\"traceEvents\": ["));
    with_example("gpu timeline --kernel nothing --out-dir drawn", "vector_add", 1, "there is no timeline: no kernel nothing was launched and ended well");
    expect("gpu timeline -- true", 2, "--out-dir FOLDER is missing");
}

static void what_cannot_be_written_is_told(void **unused) {
    write_file("plain", "");
    gives("gpu timeline --out-dir plain -- true", 1, "--out-dir: plain is a file, and a folder is needed");
    gives("gpu timeline --out-dir plain/inside -- true", 1, "the folder plain/inside cannot be made (Not a directory)");
    setenv("PAGODA_SOFTGPU_REPORT", "nowhere/report", 1);
    gives("gpu check -- true", 1, "PAGODA_SOFTGPU_REPORT is \"nowhere/report\", which cannot be written to (No such file or directory)");
    gives("gpu profile -- true", 1, "nowhere/report");
    unsetenv("PAGODA_SOFTGPU_REPORT");
    setenv("PAGODA_SOFTGPU_FINDINGS", "plain/findings", 1);
    with_example("gpu run", "vector_add", 1, "softgpu: PAGODA_SOFTGPU_FINDINGS is \"plain/findings\", which cannot be written to (Not a directory)");
    unsetenv("PAGODA_SOFTGPU_FINDINGS");
    setenv("PAGODA_SOFTGPU_TIMELINE", "plain", 1);
    with_example("gpu run", "vector_add", 1, "PAGODA_SOFTGPU_TIMELINE is \"plain\", a folder that cannot be written to (Not a directory)");
    unsetenv("PAGODA_SOFTGPU_TIMELINE");
    setenv("PAGODA_SOFTGPU_PROFILE", "/dev/full", 1); /* found out when it is written */
    with_example("gpu run", "vector_add", 0, "softgpu: /dev/full cannot be written to (No space left on device), and what belongs there is lost");
    setenv("PAGODA_SOFTGPU_REPORT", "/dev/full", 1);
    with_example("gpu run", "vector_add", 0, "softgpu: /dev/full cannot be written to");
    unsetenv("PAGODA_SOFTGPU_PROFILE");
    unsetenv("PAGODA_SOFTGPU_REPORT");
}

/* More steps than are kept: the example's kernel by name, which goes round. */
static void a_timeline_that_was_cut_says_so(void **unused) {
    static char drawn[1 << 22], line[12288];
    write_file("long.ptx", ".version 7.2\n.target sm_80\n.address_size 64\n.visible .entry vector_add(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n{\n.reg .u32 %i;\n.reg .pred %p;\nmov.u32 %i, 0;\n"
                          "again: add.u32 %i, %i, 1;\nsetp.lt.u32 %p, %i, 3000;\n@%p bra again;\nret;\n}\n");
    snprintf(line, sizeof line, "gpu timeline --out-dir cut -- %s/examples/gpu/vector_add long.ptx", getenv("PAGODA_BUILD_DIR"));
    run(line); /* the example finds its sums wrong */
    assert_non_null(strstr(last.out, "the recording was cut: the launch is longer than what is kept, and its beginning alone is shown"));
    read_back("cut/timeline.svg", drawn, sizeof drawn);
    assert_non_null(strstr(drawn, "(uncalibrated model); the recording was cut, the launch goes on</text>"));
    read_back("cut/summary.json", drawn, sizeof drawn);
    assert_non_null(strstr(drawn, "\"cut\": true"));
    with_example("gpu timeline --out-dir whole", "vector_add", 0, "a model that is not calibrated\n");
    assert_null(strstr(last.out, "was cut"));
    read_back("whole/timeline.svg", drawn, sizeof drawn);
    assert_null(strstr(drawn, "was cut"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_of_a_file_are_listed),
        cmocka_unit_test(programs_see_a_gpu), cmocka_unit_test(a_program_ends_with_the_command), cmocka_unit_test(an_interrupt_is_passed_on),
        cmocka_unit_test(faults_happen_on_purpose),
        cmocka_unit_test(mistakes_of_kernels_are_told),
        cmocka_unit_test(a_seed_decides_the_order),
        cmocka_unit_test(schedules_end_where_something_is_found),
        cmocka_unit_test(what_kernels_do_is_counted),
        cmocka_unit_test(warps_are_drawn),
        cmocka_unit_test(what_cannot_be_written_is_told),
        cmocka_unit_test(a_timeline_that_was_cut_says_so),
    };
    return cmocka_run_group_tests_name("cli/gpu", tests, set_up, leave_folder);
}
