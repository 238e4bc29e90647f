/* SPDX-License-Identifier: Apache-2.0
 * The replay of hand-made recordings: latencies that warps wait for, and that other warps hide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "timing/timeline_files.h"

static ptx_module *module;
static const ptx_function *kernel;

static int set_up(void **unused) {
    static const char text[] = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n.reg .u64 %o;\n.reg .f32 %f, %g;\n"
                               "ld.global.f32 %f, [%o];\nadd.f32 %g, %f, %f;\nadd.f32 %f, %g, %g;\nbar.sync 0;\nret;\n}\n";
    pgd_text log = {0};
    assert_int_equal(ptx_parse(text, strlen(text), &log, &module), PGD_OK);
    kernel = ptx_function_find(module, "k");
    pgd_mem_free(log.chars);
    return 0;
}
static int tear_down(void **unused) {
    ptx_module_destroy(module);
    return 0;
}

/* `warps` of one block, each with these instructions of the kernel; loads are of 4 sectors. */
static gpu_replay play(int32_t blocks, int32_t warps, const int32_t *instructions, int32_t count) {
    gpu_trace traces[64] = {{0}};
    gpu_trace_step steps[16];
    gpu_replay replay;
    gpu_recording r = {.warps = traces, .warp_count = blocks * warps, .warps_of_block = warps, .blocks = blocks};
    for (int32_t k = 0; k < count; k++) steps[k] = (gpu_trace_step){&kernel->instructions[instructions[k]], instructions[k] == 0 ? 4 : 0, 0};
    for (int32_t w = 0; w < r.warp_count; w++) traces[w] = (gpu_trace){steps, count, 16, w / warps};
    assert_int_equal(gpu_replay_run(&r, kernel, blocks, 1000, &replay), PGD_OK);
    assert_int_equal(replay.instructions, (int64_t)r.warp_count * count);
    return replay;
}

static void a_warp_waits_for_what_it_asked_for(void **unused) {
    gpu_replay r = play(1, 1, (const int32_t[]){0, 1, 2}, 3); /* load, add, add: each needs the one before */
    assert_int_equal(r.issues[0].cycle, 0);
    assert_int_equal(r.issues[1].cycle, 2 + 281); /* four sectors at two a cycle, then the latency */
    assert_int_equal(r.issues[1].why, GPU_WAIT_MEMORY);
    assert_int_equal(r.issues[2].cycle, 2 + 281 + 4);
    assert_int_equal(r.issues[2].why, GPU_WAIT_DATA);
    gpu_replay_deinit(&r);
}

static void more_warps_hide_the_wait(void **unused) {
    static const int32_t chain[] = {0, 1, 2, 1, 2};
    int64_t one, many;
    gpu_replay r = play(1, 4, chain, 5);
    one = r.cycles;
    gpu_replay_deinit(&r);
    r = play(8, 4, chain, 5);
    many = r.cycles;
    assert_true(many < one + one / 2); /* eight times the work in little more time */
    gpu_replay_deinit(&r);
}

static void a_barrier_opens_when_all_have_come(void **unused) {
    gpu_replay r = play(1, 2, (const int32_t[]){3, 4}, 2);
    assert_int_equal(r.count, 4);
    assert_int_equal(r.issues[2].cycle, 20);
    assert_int_equal(r.issues[2].why, GPU_WAIT_BARRIER);
    gpu_replay_deinit(&r);
}

/* A wait that begins in what is shown, and ends beyond it, is drawn up to the edge; what begins beyond is not. */
static void waits_are_drawn_up_to_the_edge(void **unused) {
    gpu_issue issues[] = {{0, 0, 0, GPU_WAIT_NONE, &kernel->instructions[1]}, {2399, 0, 1, GPU_WAIT_NONE, &kernel->instructions[1]}, {4000, 3400, 0, GPU_WAIT_SHARED, &kernel->instructions[1]}, {5000, 100, 1, GPU_WAIT_MEMORY, &kernel->instructions[1]}};
    gpu_replay r = {.issues = issues, .count = 4, .cycles = 5001, .instructions = 4};
    pgd_text picture = {0}, events = {0};
    gpu_timeline_svg(&r, "k", 2, NULL, 0, false, &picture);
    assert_non_null(strstr(picture.chars, "<rect x=\"370.00\" y=\"65\" width=\"900.00\" height=\"8\" fill=\"#a8d8ea\"/>")); /* from cycle 600 of 2400 on */
    assert_null(strstr(picture.chars, "height=\"8\" fill=\"#f4b6a8\"/>"));
    gpu_timeline_perfetto(&r, "k", 2, &events);
    assert_non_null(strstr(events.chars, "{\"name\": \"waits for shared memory\", \"ph\": \"X\", \"pid\": 1, \"tid\": 0, \"ts\": 600, \"dur\": 3400, \"args\": {\"line\": "));
    pgd_mem_free(picture.chars);
    pgd_mem_free(events.chars);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_warp_waits_for_what_it_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_warps_hide_the_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_barrier_opens_when_all_have_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_are_drawn_up_to_the_edge, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("softgpu/timeline", tests, NULL, NULL);
}
