/* SPDX-License-Identifier: Apache-2.0
 * Mistakes planted in kernels (kernels/planted.cu), each told with the line that is marked there; the same kernels without them are silent. */
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver_fixture.h"
#include "marked_line.h"

static char findings[64];
static CUcontext context;
static CUmodule module;

static void begin(bool bug) {
    char path[4096];
    assert_int_equal(truncate(findings, 0), 0);
    snprintf(path, sizeof path, "%s/tests/softgpu/kernels/planted_%d.ptx", getenv("PAGODA_SOURCE_DIR"), bug);
    OK(cuCtxCreate(&context, 0, 0));
    OK(cuModuleLoad(&module, path));
}

static void end(void) { OK(cuCtxDestroy(context)); }

static CUresult launch(const char *name, unsigned int blocks, unsigned int threads, void **parameters) {
    CUfunction f;
    OK(cuModuleGetFunction(&f, module, name));
    OK(cuLaunchKernel(f, blocks, 1, 1, threads, 1, 1, 0, NULL, parameters, NULL));
    return cuCtxSynchronize();
}

/* How many findings there are; one that has this kind, kernel and line is among them, unless kind is NULL. */
static int found(const char *kind, const char *kernel, int line) {
    char text[2048], a[64], b[64], c[64];
    int count = 0, fitting = 0;
    snprintf(a, sizeof a, "\"kind\": \"%s\"", kind == NULL ? "" : kind);
    snprintf(b, sizeof b, "\"kernel\": \"%s\"", kernel == NULL ? "" : kernel);
    snprintf(c, sizeof c, "\"source_line\": %d,", line);
    FILE *file = fopen(findings, "r");
    assert_non_null(file);
    while (fgets(text, sizeof text, file) != NULL) {
        count++;
        if (strstr(text, a) != NULL && strstr(text, b) != NULL && strstr(text, c) != NULL) fitting++;
        else if (kind != NULL) print_message("%s", text);
    }
    fclose(file);
    if (kind != NULL) assert_true(fitting > 0);
    else if (count > 0) print_message("%d findings where none should be, the last: %s\n", count, text);
    return count;
}

/* The findings have that text. */
static void has_text(const char *wanted) {
    char text[65536];
    FILE *file = fopen(findings, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    if (strstr(text, wanted) == NULL) print_message("no \"%s\" in %s", wanted, text);
    assert_non_null(strstr(text, wanted));
}

/* Runs a kernel with its mistake and without. */
static void planted(const char *name, const char *kind, unsigned int blocks, unsigned int threads, CUresult result, size_t x_bytes, size_t y_bytes, int last) {
    for (int bug = 1; bug >= 0; bug--) {
        begin(bug);
        CUdeviceptr x = x_bytes == 0 ? 0 : fixture_buffer(x_bytes), y = fixture_buffer(y_bytes);
        void *with_x[] = {&x, &y, &last}, *without[] = {&y, &last};
        CUresult got = launch(name, blocks, threads, x_bytes > 0 ? with_x : without);
        assert_int_equal(got, bug ? result : CUDA_SUCCESS);
        if (bug) found(kind, name, marked_line("planted.cu", name));
        else assert_int_equal(found(NULL, NULL, 0), 0);
        end();
    }
}

static void out_of_bounds_by_one(void **unused) { planted("off_by_one", "address", 4, 32, CUDA_ERROR_ILLEGAL_ADDRESS, 0, 4 * 100, 100); }
static void misaligned(void **unused) { planted("misaligned", "alignment", 1, 32, CUDA_ERROR_MISALIGNED_ADDRESS, 0, 64, 0); }
static void a_missing_barrier_is_a_shared_race(void **unused) { planted("missing_barrier", "shared race", 2, 64, CUDA_SUCCESS, 0, 256, 0); }
static void a_divergent_barrier(void **unused) { planted("divergent_barrier", "deadlock", 1, 32, CUDA_ERROR_LAUNCH_TIMEOUT, 0, 128, 0); }
static void lanes_of_a_warp_at_two_barriers(void **unused) { planted("parted_barrier", "divergent barrier", 1, 32, CUDA_SUCCESS, 0, 128, 0); }
static void blocks_that_write_to_one_place_are_a_global_race(void **unused) { planted("same_place", "global race", 3, 32, CUDA_SUCCESS, 0, 64, 0); }
static void a_barrier_that_some_threads_skip(void **unused) {
    planted("skipped_barrier", "skipped barrier", 2, 100, CUDA_SUCCESS, 0, 400, 0);
    begin(true);
    CUdeviceptr y = fixture_buffer(400);
    void *parameters[] = {&y};
    OK(launch("skipped_barrier", 1, 100, parameters));
    has_text("waits at a barrier of the whole block, which 40 of its 100 threads reached");
    end();
}

/* Four pairs of instructions race, and they are one thing. */
static void a_sum_that_is_not_atomic_is_told_once(void **unused) {
    for (unsigned int blocks = 1; blocks <= 2; blocks++) {
        begin(true);
        CUdeviceptr y = fixture_buffer(64);
        void *parameters[] = {&y};
        assert_int_equal(launch("lost_sum", blocks, 64, parameters), CUDA_SUCCESS);
        assert_int_equal(found("global race", "lost_sum", marked_line("planted.cu", "lost_sum")), 1);
        has_text("an atomic operation is missing");
        end();
    }
}
/* What is known of a module is known until it is unloaded. */
static void other_modules_come_and_go(void **unused) {
    CUmodule another;
    begin(true);
    CUdeviceptr y = fixture_buffer(64);
    void *parameters[] = {&y};
    for (int k = 0; k < 3; k++) {
        assert_int_equal(launch("lost_sum", 1, 64, parameters), CUDA_SUCCESS);
        OK(cuModuleLoadData(&another, fixture_ptx));
        OK(cuModuleUnload(another));
    }
    assert_int_equal(found("global race", "lost_sum", marked_line("planted.cu", "lost_sum")), 1);
    end();
}

static void a_sum_that_is_atomic(void **unused) { planted("lost_sum", "global race", 2, 64, CUDA_SUCCESS, 0, 64, 0); }
static void a_missing_wait_for_a_copy(void **unused) { planted("missing_wait", "unfinished copy", 1, 32, CUDA_SUCCESS, 128, 128, 0); }

static void an_assertion_that_fails(void **unused) { planted("assertion", "assertion", 1, 32, CUDA_ERROR_ASSERT, 128, 128, 0); }
static void a_write_behind_what_malloc_gave(void **unused) { planted("heap_overflow", "address", 1, 1, CUDA_ERROR_ILLEGAL_ADDRESS, 0, 4, 5); }
static void memory_that_is_freed_twice(void **unused) { planted("double_free", "free", 1, 1, CUDA_ERROR_LAUNCH_FAILED, 0, 4, 0); }
static void memory_of_malloc_that_nobody_wrote(void **unused) { planted("unwritten_heap", "uninitialised", 1, 1, CUDA_SUCCESS, 0, 4, 0); }

static void a_missing_fence_is_a_global_race(void **unused) {
    for (int bug = 1; bug >= 0; bug--) {
        begin(bug);
        CUdeviceptr parts = fixture_buffer(32), count = fixture_buffer(4), sum = fixture_buffer(4);
        void *parameters[] = {&parts, &count, &sum};
        OK(launch("global_race", 8, 1, parameters));
        assert_int_equal(fixture_word(sum), 36);
        if (bug) found("global race", "global_race", marked_line("planted.cu", "global_race"));
        else assert_int_equal(found(NULL, NULL, 0), 0);
        end();
    }
}

/* ---- kernels written here: with %s, or without it, which is the mistake --------------------------------------------------------------------------------------------- */

static void orders_blocks(const char *body, const char *what, const char *kind, int blocks, int threads) {
    for (int bug = 1; bug >= 0; bug--) {
        char ptx[4096], filled[3000];
        CUdeviceptr out = 0;
        void *parameters[] = {&out};
        assert_int_equal(truncate(findings, 0), 0);
        snprintf(filled, sizeof filled, body, bug ? "" : what);
        snprintf(ptx, sizeof ptx, ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n.reg .u64 %%o, %%a;\n.reg .u32 %%t, %%x, %%y, %%z, %%v, %%w, %%b;\n.reg .pred %%p;\n.shared .align 16 .b8 room[1024];\n"
                 "ld.param.u64 %%o, [out];\nmov.u32 %%t, %%tid.x;\nmov.u32 %%b, %%ctaid.x;\nmad.lo.u32 %%x, %%b, 96, %%t;\nmad.wide.u32 %%a, %%x, 4, %%o;\nadd.u64 %%a, %%a, 64;\nmov.u32 %%x, room;\nmad.lo.u32 %%y, %%t, 4, %%x;\n%s\nst.global.u32 [%%a], %%z;\nret;\n}\n", filled);
        OK(cuCtxCreate(&context, 0, 0));
        OK(cuModuleLoadData(&module, ptx));
        out = fixture_buffer(64 + 4 * 96 * 2);
        assert_int_equal(launch("k", (unsigned int)blocks, (unsigned int)threads, parameters), CUDA_SUCCESS);
        if (bug) found(kind, "k", 0);
        else assert_int_equal(found(NULL, NULL, 0), 0);
        end();
    }
}

static void orders(const char *body, const char *what, const char *kind, int threads) { orders_blocks(body, what, kind, 1, threads); }

static void lanes_exchange_with_a_barrier_of_the_warp(void **unused) {
    orders("st.shared.u32 [%%y], %%t;\n%s\nxor.b32 %%v, %%y, 4;\nld.shared.u32 %%z, [%%v];", "bar.warp.sync -1;", "shared race", 32);
}

/* Half of the lanes; the others come to it from another place. */
static void some_lanes_exchange_with_a_barrier_of_theirs(void **unused) {
    orders("mov.u32 %%z, 0;\nsetp.ge.u32 %%p, %%t, 16;\n@%%p bra DONE;\nst.shared.u32 [%%y], %%t;\n%s\nxor.b32 %%v, %%y, 4;\nld.shared.u32 %%z, [%%v];\nDONE:", "bar.warp.sync 0xffff;", "shared race", 32);
    orders("setp.ge.u32 %%p, %%t, 16;\nst.shared.u32 [%%y], %%t;\n@%%p bra THERE;\n%1$s\nbra BOTH;\nTHERE:\nmov.u32 %%w, 1;\n%1$s\nBOTH:\nxor.b32 %%v, %%y, 64;\nld.shared.u32 %%z, [%%v];", "bar.warp.sync -1;", "shared race", 32);
}

/* Of a warp of twenty threads, of some that have exited, of half a mask. */
static void lanes_read_from_lanes_that_are_there(void **unused) {
    orders("mov.u32 %%w, 31;\n%s\nshfl.sync.down.b32 %%z, %%t, 1, %%w, -1;", "mov.u32 %w, 19;", "absent lane", 20);
    orders("setp.ge.u32 %%p, %%t, 30;\n@%%p bra DONE;\nmov.u32 %%w, 2;\n%s\nshfl.sync.bfly.b32 %%z, %%t, %%w, 31, -1;\nDONE:\n@%%p ret;", "mov.u32 %w, 1;", "absent lane", 32);
    orders("mov.u32 %%z, 0;\nsetp.ge.u32 %%p, %%t, 16;\n@%%p bra DONE;\nmov.u32 %%w, 16;\n%s\nshfl.sync.idx.b32 %%z, %%t, %%w, 31, 0xffff;\nDONE:", "mov.u32 %w, 15;", "absent lane", 32);
}

/* A variable within a function of C++ is called by both names. */
static void places_are_named_as_in_the_source(void **unused) {
    for (int named = 0; named < 2; named++) {
        static const char *const variables[] = {"_ZZ4heatPKfPfE4Edge", "_ZZ4heat"};
        char ptx[2048];
        assert_int_equal(truncate(findings, 0), 0);
        snprintf(ptx, sizeof ptx, ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n.shared .align 4 .b8 %s[256];\n.reg .u32 %%t, %%x;\nmov.u32 %%t, %s;\nld.shared.u32 %%x, [%%t+12];\nret;\n}\n", variables[named], variables[named]);
        OK(cuCtxCreate(&context, 0, 0));
        OK(cuModuleLoadData(&module, ptx));
        OK(launch("k", 1, 1, NULL));
        has_text(named == 0 ? "at 0xc, heat::Edge+12, of which nobody has written 4" : "at 0xc, _ZZ4heat+12, of which nobody has written 4");
        end();
    }
}

/* The copy may write as soon as it has begun, though it is waited for behind a barrier. */
static void a_copy_begins_where_others_read(void **unused) {
    orders("and.b32 %%v, %%t, 31;\nmad.lo.u32 %%y, %%v, 4, %%x;\nmov.u32 %%z, 0;\nsetp.ge.u32 %%p, %%t, 32;\n@!%%p st.shared.u32 [%%y], %%t;\nbar.sync 0;\n@%%p bra COPY;\nld.shared.u32 %%z, [%%y];\nCOPY:\n%s\n@!%%p bra WAIT;\nst.global.u32 [%%a], %%t;\n"
           "cp.async.ca.shared.global [%%y], [%%a], 4;\nWAIT:\nbar.sync 0;\ncp.async.wait_all;\nbar.sync 0;", "bar.sync 0;", "shared race", 64);
}

/* Who arrives and goes on is not waited for in what it does then. */
static void a_warp_writes_behind_its_arrival(void **unused) {
    orders("and.b32 %%v, %%t, 31;\nmad.lo.u32 %%y, %%v, 4, %%x;\nmov.u32 %%z, 0;\nsetp.ge.u32 %%p, %%t, 32;\n@!%%p st.shared.u32 [%%y], %%t;\nbar.sync 0;\n@%%p bra OTHER;\nbar.sync 1, 64;\nld.shared.u32 %%z, [%%y];\nbra DONE;\nOTHER:\n%s\n"
           "bar.arrive 1, 64;\nst.shared.u32 [%%y], %%t;\nDONE:", "st.shared.u32 [%y], %t;\nbar.arrive 1, 64;\nbra DONE;", "shared race", 64);
}

/* 63 others have read the word, and the one that writes has met those of its warp alone. */
static void many_read_what_one_writes(void **unused) {
    orders("setp.eq.u32 %%p, %%t, 0;\n@%%p st.shared.u32 [%%x], 5;\nbar.sync 0;\nld.shared.u32 %%z, [%%x];\nbar.warp.sync -1;\n%s\nsetp.eq.u32 %%p, %%t, 63;\n@%%p st.shared.u32 [%%x], 77;", "bar.sync 0;", "shared race", 64);
}

static void matrices_are_loaded_behind_a_barrier(void **unused) {
    orders("st.shared.u32 [%%y], %%t;\n%s\nand.b32 %%v, %%t, 7;\nmad.lo.u32 %%v, %%v, 16, %%x;\nldmatrix.sync.aligned.m8n8.x1.shared.b16 {%%z}, [%%v];", "bar.sync 0;", "shared race", 64);
}

/* Kernels' own variables share a place; told is the one of the kernel that runs. */
static void variables_are_named_by_their_kernel(void **unused) {
    static const char ptx[] = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry first()\n{\n.shared .align 4 .b8 one[256];\n.reg .u32 %t;\nmov.u32 %t, one;\nst.shared.u32 [%t], 1;\nret;\n}\n"
                              ".visible .entry second()\n{\n.shared .align 4 .b8 two[256];\n.reg .u32 %t, %x;\nmov.u32 %t, two;\nmov.u32 %x, %tid.x;\nst.shared.u32 [%t+8], %x;\nret;\n}\n";
    char text[4096] = "";
    assert_int_equal(truncate(findings, 0), 0);
    OK(cuCtxCreate(&context, 0, 0));
    OK(cuModuleLoadData(&module, ptx));
    assert_int_equal(launch("second", 1, 2, NULL), CUDA_SUCCESS);
    FILE *file = fopen(findings, "r");
    assert_non_null(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    if (strstr(text, ", two+8,") == NULL) print_message("%s\n", text);
    assert_non_null(strstr(text, ", two+8,"));
    end();
}

/* The reduction whose last block adds up what all left: nothing in it is a race. */
static const char last_block[] =
    ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry last(.param .u64 parts, .param .u64 count, .param .u64 out)\n{\n.reg .u64 %p, %c, %o, %a;\n.reg .u32 %t, %b, %n, %g, %i, %x, %s;\n.reg .pred %q;\n.shared .align 4 .u32 before;\n"
    "ld.param.u64 %p, [parts];\nld.param.u64 %c, [count];\nld.param.u64 %o, [out];\nmov.u32 %t, %tid.x;\nmov.u32 %b, %ctaid.x;\nmov.u32 %n, %ntid.x;\nmov.u32 %g, %nctaid.x;\nmad.lo.u32 %i, %b, %n, %t;\nmad.wide.u32 %a, %i, 4, %p;\nst.global.u32 [%a], %i;\n"
    "membar.gl;\nbar.sync 0;\nsetp.ne.u32 %q, %t, 0;\n@%q bra counted;\natom.global.add.u32 %x, [%c], 1;\nst.shared.u32 [before], %x;\ncounted: bar.sync 0;\nld.shared.u32 %x, [before];\nadd.u32 %x, %x, 1;\nsetp.ne.u32 %q, %x, %g;\n@%q ret;\n"
    "membar.gl;\nmov.u32 %s, 0;\nmov.u32 %i, %t;\nmul.lo.u32 %n, %n, %g;\nagain: mad.wide.u32 %a, %i, 4, %p;\nld.global.u32 %x, [%a];\nadd.u32 %s, %s, %x;\nmov.u32 %x, %ntid.x;\nadd.u32 %i, %i, %x;\nsetp.lt.u32 %q, %i, %n;\n@%q bra again;\nmad.wide.u32 %a, %t, 4, %o;\nst.global.u32 [%a], %s;\nret;\n}\n";

/* With `words` everywhere in the place of `instead_of`. */
static void last_block_finds(const char *instead_of, const char *words, const char *kind) {
    char text[2 * sizeof last_block] = "";
    const char *at = last_block;
    CUfunction f;
    for (const char *next; (next = strstr(at, instead_of)) != NULL; at = next + strlen(instead_of)) {
        strncat(text, at, (size_t)(next - at));
        strcat(text, words);
    }
    strcat(text, at);
    assert_int_equal(truncate(findings, 0), 0);
    OK(cuCtxCreate(&context, 0, 0));
    OK(cuModuleLoadData(&module, text));
    OK(cuModuleGetFunction(&f, module, "last"));
    CUdeviceptr parts = fixture_buffer(4 * 64 * 4), count = fixture_buffer(4), out = fixture_buffer(4 * 64);
    void *parameters[] = {&parts, &count, &out};
    OK(cuLaunchKernel(f, 4, 1, 1, 64, 1, 1, 0, NULL, parameters, NULL));
    OK(cuCtxSynchronize());
    assert_int_equal(fixture_word(out), 0 + 64 + 128 + 192);
    if (kind == NULL) assert_int_equal(found(NULL, NULL, 0), 0);
    else found(kind, "last", 0);
    end();
}

static void the_last_block_may_read_what_all_wrote(void **unused) {
    last_block_finds("membar.gl", "membar.gl", NULL);
    last_block_finds("membar.gl", "fence.acq_rel.gpu", NULL);
}
static void fences_of_a_block_order_no_other_block(void **unused) {
    last_block_finds("membar.gl", "membar.cta", "global race");
    last_block_finds("membar.gl", "fence.acq_rel.cta", "global race");
}
static void atomic_operations_of_a_block_race_with_other_blocks(void **unused) {
    last_block_finds("atom.global", "atom.cta.global", "global race");
    orders_blocks("mov.u32 %%z, 0;\n%s\nred.cta.global.add.u32 [%%o], 1;\nDONE:", "setp.ne.u32 %p, %b, 0;\n@%p bra DONE;", "global race", 2, 1);
}

/* One warp tells another of the same block by a sign. */
static void fences_of_a_block_order_its_threads(void **unused) {
    orders("setp.eq.u32 %%p, %%t, 0;\n@%%p st.shared.u32 [%%x], 0;\nbar.sync 0;\nsetp.ge.u32 %%p, %%t, 32;\n@%%p bra READ;\nsetp.ne.u32 %%p, %%t, 0;\nmov.u32 %%z, 0;\n@%%p bra DONE;\nst.shared.u32 [%%x+16], 7;\n%1$s\nst.volatile.shared.u32 [%%x], 1;\nbra DONE;\n"
           "READ:\nld.volatile.shared.u32 %%v, [%%x];\nsetp.eq.u32 %%p, %%v, 0;\n@%%p bra READ;\n%1$s\nld.shared.u32 %%z, [%%x+16];\nDONE:", "membar.cta;", "shared race", 64);
}

/* One lane sees the sign; lanes of another warp fence, behind a barrier of these two warps. */
static void a_sign_may_be_seen_by_one_and_fenced_by_another(void **unused) {
    orders("mov.u32 %%z, 0;\nsetp.eq.u32 %%p, %%t, 0;\n@%%p st.shared.u32 [%%x], 0;\nbar.sync 0;\nshr.u32 %%w, %%t, 5;\nsetp.ne.u32 %%p, %%w, 1;\n@%%p bra OTHERS;\nsetp.ne.u32 %%p, %%t, 32;\n@%%p bra DONE;\nst.shared.u32 [%%x+16], 7;\nmembar.cta;\nst.volatile.shared.u32 [%%x], 1;\nbra DONE;\n"
           "OTHERS:\nsetp.ne.u32 %%p, %%t, 0;\n@%%p bra MEET;\nREAD:\nld.volatile.shared.u32 %%v, [%%x];\nsetp.eq.u32 %%p, %%v, 0;\n@%%p bra READ;\n"
           "MEET:\nbarrier.sync 1, 64;\n%s\nsetp.ne.u32 %%p, %%t, 64;\n@%%p bra DONE;\nld.shared.u32 %%z, [%%x+16];\nDONE:", "membar.cta;", "shared race", 96);
}

/* What a block published for itself is not for the next block that uses the place. */
static void signs_of_blocks_are_their_own(void **unused) {
    orders_blocks("mov.u32 %%z, 0;\nsetp.ne.u32 %%p, %%b, 0;\n@%%p bra SECOND;\nsetp.ne.u32 %%p, %%t, 0;\n@%%p bra DONE;\nst.global.u32 [%%o], 5;\nmembar.cta;\nst.volatile.global.u32 [%%o+4], 1;\nbra DONE;\n"
                  "SECOND:\nsetp.eq.u32 %%p, %%t, 32;\n@%%p bra READ;\nsetp.ne.u32 %%p, %%t, 0;\n@%%p bra DONE;\nmembar.cta;\nst.volatile.global.u32 [%%o+4], 2;\nbra DONE;\n"
                  "READ:\nld.volatile.global.u32 %%v, [%%o+4];\nsetp.ne.u32 %%p, %%v, 2;\n@%%p bra READ;\nmembar.cta;\n%s\nld.global.u32 %%z, [%%o];\nDONE:", "bra DONE;", "global race", 2, 64);
}

/* A block's own release is carried on by other blocks that change the place; cooperative, for both wait. */
static void a_release_is_carried_through_other_blocks(void **unused) {
    static const char ptx[] = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n.reg .u64 %o;\n.reg .u32 %t, %b, %v, %z;\n.reg .pred %p;\nld.param.u64 %o, [out];\nmov.u32 %t, %tid.x;\nmov.u32 %b, %ctaid.x;\n"
        "setp.ne.u32 %p, %b, 0;\n@%p bra OTHER;\nsetp.eq.u32 %p, %t, 32;\n@%p bra READ;\nsetp.ne.u32 %p, %t, 0;\n@%p ret;\nst.global.u32 [%o], 5;\nmembar.gl;\nred.global.add.u32 [%o+64], 1;\nret;\n"
        "OTHER: setp.ne.u32 %p, %t, 0;\n@%p ret;\nW: ld.volatile.global.u32 %v, [%o+64];\nsetp.eq.u32 %p, %v, 0;\n@%p bra W;\nmembar.gl;\nred.global.add.u32 [%o+64], 1;\nst.volatile.global.u32 [%o+96], 1;\nret;\n"
        "READ: ld.volatile.global.u32 %v, [%o+96];\nsetp.eq.u32 %p, %v, 0;\n@%p bra READ;\nREAD2: ld.volatile.global.u32 %v, [%o+64];\nsetp.ne.u32 %p, %v, 2;\n@%p bra READ2;\nmembar.cta;\nld.global.u32 %z, [%o];\nst.global.u32 [%o+128], %z;\nret;\n}\n";
    CUfunction f;
    assert_int_equal(truncate(findings, 0), 0);
    OK(cuCtxCreate(&context, 0, 0));
    OK(cuModuleLoadData(&module, ptx));
    OK(cuModuleGetFunction(&f, module, "k"));
    CUdeviceptr out = fixture_buffer(256);
    void *parameters[] = {&out};
    OK(cuLaunchCooperativeKernel(f, 2, 1, 1, 64, 1, 1, 0, NULL, parameters));
    OK(cuCtxSynchronize());
    assert_int_equal(found(NULL, NULL, 0), 0);
    end();
}

/* Four threads write to one word, each another byte. */
static void bytes_of_a_word_have_writers_of_their_own(void **unused) {
    orders("mov.u32 %%z, 0;\nadd.u32 %%v, %%x, %%t;\nsetp.ge.u32 %%p, %%t, 4;\n@!%%p st.shared.u8 [%%v], %%t;\n%s\nsetp.eq.u32 %%p, %%t, 32;\n@%%p ld.shared.u8 %%z, [%%x+1];", "bar.sync 0;", "shared race", 64);
}

static void memory_that_nobody_wrote(void **unused) {
    for (int bug = 1; bug >= 0; bug--) {
        begin(bug);
        CUdeviceptr x, y = fixture_buffer(128);
        int n = 32;
        OK(cuMemAlloc(&x, 256));
        OK(cuMemsetD8(x, 1, 128)); /* half of it */
        void *parameters[] = {&x, &y, &n};
        OK(launch("uninitialised", 1, 32, parameters));
        if (bug) found("uninitialised", "uninitialised", marked_line("planted.cu", "uninitialised"));
        else assert_int_equal(found(NULL, NULL, 0), 0);
        end();
    }
}

static void memory_that_was_freed(void **unused) {
    for (int bug = 1; bug >= 0; bug--) {
        begin(false);
        CUdeviceptr x = fixture_buffer(128), y = fixture_buffer(128);
        void *parameters[] = {&x, &y};
        if (bug) OK(cuMemFree(x));
        assert_int_equal(launch("use_after_free", 1, 32, parameters), bug ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS);
        if (bug) {
            found("address", "use_after_free", marked_line("planted.cu", "use_after_free"));
            assert_non_null(strstr(pgd_softgpu_error_text(), "in memory that was freed"));
        } else {
            assert_int_equal(found(NULL, NULL, 0), 0);
        }
        end();
    }
}

/* A finding of a call has this text. */
static void found_call(const char *text) {
    char line[2048];
    int fitting = 0;
    FILE *file = fopen(findings, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strstr(line, "{\"kind\": \"driver call\", \"kernel\": null, \"block\": null, \"thread\": null, \"ptx_line\": null, \"source_line\": null") != NULL && strstr(line, text) != NULL) fitting++;
        else print_message("%s", line);
    }
    fclose(file);
    assert_int_equal(fitting, 1);
}

static void calls_that_are_refused(void **unused) {
    CUfunction f;
    CUevent event;
    begin(false);
    CUdeviceptr x = fixture_buffer(64);
    for (int k = 0; k < 2; k++) assert_int_equal(cuMemcpyHtoD(x, findings, sizeof findings + 1), CUDA_ERROR_INVALID_VALUE); /* told once */
    found_call("cuMemcpyHtoD: CUDA_ERROR_INVALID_VALUE: ");
    assert_int_equal(truncate(findings, 0), 0);
    assert_int_equal(cuModuleGetFunction(&f, module, "off_by_on"), CUDA_ERROR_NOT_FOUND);
    found_call("cuModuleGetFunction: CUDA_ERROR_NOT_FOUND: there is no kernel off_by_on in this module; is it off_by_one? (C++");
    assert_int_equal(truncate(findings, 0), 0);
    OK(cuModuleGetFunction(&f, module, "off_by_one"));
    void *parameters[] = {&x, &x};
    assert_int_equal(cuLaunchKernel(f, 1, 1, 1, 2048, 1, 1, 0, NULL, parameters, NULL), CUDA_ERROR_INVALID_VALUE);
    found_call("cuLaunchKernel: CUDA_ERROR_INVALID_VALUE: a launch of off_by_one: a block of 2048 x 1 x 1 threads");
    assert_int_equal(truncate(findings, 0), 0);
    OK(cuEventCreate(&event, 0));
    OK(cuEventDestroy(event));
    assert_int_equal(cuEventDestroy(event), CUDA_ERROR_INVALID_HANDLE);
    found_call(" is no event, or it is one no more");
    end();
}

/* What may be asked, and what is told of a kernel already. */
static void answers_that_are_no_mistakes(void **unused) {
    CUevent event;
    CUdeviceptr y;
    void *function;
    int kind;
    begin(true);
    OK(cuEventCreate(&event, 0));
    OK(cuEventQuery(event));
    assert_int_equal(cuPointerGetAttribute(&kind, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)(uintptr_t)&kind), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuGetProcAddress("cuNothing", &function, 12000, 0, NULL), CUDA_ERROR_NOT_FOUND);
    assert_int_equal(found(NULL, NULL, 0), 0);
    y = fixture_buffer(4 * 100);
    int last = 100;
    void *parameters[] = {&y, &last};
    assert_int_equal(launch("off_by_one", 4, 32, parameters), CUDA_ERROR_ILLEGAL_ADDRESS);
    assert_int_equal(cuMemFree(y), CUDA_ERROR_ILLEGAL_ADDRESS);
    assert_int_equal(found("address", "off_by_one", marked_line("planted.cu", "off_by_one")), 1);
    end();
}

static atomic_bool gate;
static void wait_at_gate(void *unused) {
    (void)unused;
    while (!atomic_load(&gate)) usleep(1000);
}

static void a_copy_of_memory_that_is_freed_before(void **unused) {
    CUstream one, other;
    CUdeviceptr pooled;
    void *host;
    begin(false);
    OK(cuMemAllocHost(&host, 64));
    OK(cuStreamCreate(&one, CU_STREAM_NON_BLOCKING));
    OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
    OK(cuMemAllocAsync(&pooled, 64, one));
    OK(cuStreamSynchronize(one));
    atomic_store(&gate, false);
    OK(cuLaunchHostFunc(one, wait_at_gate, NULL));
    OK(cuMemcpyDtoHAsync(host, pooled, 64, one));
    OK(cuMemFreeAsync(pooled, other));
    OK(cuStreamSynchronize(other));
    atomic_store(&gate, true);
    assert_int_equal(cuStreamSynchronize(one), CUDA_ERROR_ILLEGAL_ADDRESS);
    found_call("copy in a stream: CUDA_ERROR_ILLEGAL_ADDRESS: a copy of 64 bytes");
    end();
}

static void an_endless_loop(void **unused) {
    for (int bug = 1; bug >= 0; bug--) {
        begin(bug);
        CUdeviceptr x = fixture_buffer(8);
        void *parameters[] = {&x};
        assert_int_equal(launch("infinite_loop", 1, 1, parameters), bug ? CUDA_ERROR_LAUNCH_TIMEOUT : CUDA_SUCCESS);
        int line = marked_line("planted.cu", "infinite_loop");
        if (!bug) assert_int_equal(found(NULL, NULL, 0), 0);
        else if (strstr(pgd_softgpu_error_text(), "planted.cu:") == NULL || atoi(strstr(pgd_softgpu_error_text(), "planted.cu:") + 11) < line - 2 || atoi(strstr(pgd_softgpu_error_text(), "planted.cu:") + 11) > line) fail_msg("%s", pgd_softgpu_error_text());
        end();
    }
}

/* In a process of its own, which ends as it would with a GPU. */
/* This test's other selves, which end badly. */
static void ends_badly(const char *which, const char *finding) {
    int how;
    starts_itself();
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_driver_check", which, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(!WIFEXITED(how) || WEXITSTATUS(how) != 0);
    has_text(finding);
}

static void the_host_touches_device_memory(void **unused) {
    begin(false);
    ends_badly("touch", "\"kind\": \"host access\"");
    has_text("4 bytes into an allocation of 64");
    end();
}

/* Too few parameters: behind them lies what it may. */
static void a_launch_reads_what_is_no_parameter(void **unused) {
    begin(false);
    ends_badly("launch", "cuLaunchKernel: parameter 2 of the 2 that fill takes is said to lie at 0x10, where nothing can be read");
    end();
}

static int launch_with_too_few(void) {
    CUdeviceptr x;
    CUcontext c;
    CUmodule m;
    CUfunction f;
    if (cuInit(0) != CUDA_SUCCESS || cuCtxCreate(&c, 0, 0) != CUDA_SUCCESS || cuMemAlloc(&x, 64) != CUDA_SUCCESS || cuModuleLoadData(&m, fixture_ptx) != CUDA_SUCCESS || cuModuleGetFunction(&f, m, "fill") != CUDA_SUCCESS) return 0;
    void *parameters[] = {&x, (void *)16};
    (void)cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL);
    return 0; /* not reached */
}

static int touch(void) {
    CUdeviceptr x;
    CUcontext c;
    if (cuInit(0) != CUDA_SUCCESS || cuCtxCreate(&c, 0, 0) != CUDA_SUCCESS || cuMemAlloc(&x, 64) != CUDA_SUCCESS) return 0;
    (void)*(volatile unsigned char *)(uintptr_t)(x + 4);
    return 0; /* not reached */
}

int main(int argc, char **argv) {
    if (argc > 1) return strcmp(argv[1], "touch") == 0 ? touch() : launch_with_too_few();
    snprintf(findings, sizeof findings, "/tmp/softgpu_findings_XXXXXX");
    int file = mkstemp(findings);
    if (file < 0) return 1;
    close(file);
    setenv("PAGODA_SOFTGPU_CHECK", "races,uninitialised", 1);
    setenv("PAGODA_SOFTGPU_FINDINGS", findings, 1);
    setenv("PAGODA_SOFTGPU_MEMORY", "256", 1);
    setenv("PAGODA_SOFTGPU_LIMIT", "1", 1);
    if (cuInit(0) != CUDA_SUCCESS) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_bounds_by_one),
        cmocka_unit_test(misaligned),
        cmocka_unit_test(a_missing_barrier_is_a_shared_race),
        cmocka_unit_test(a_divergent_barrier),
        cmocka_unit_test(lanes_of_a_warp_at_two_barriers),
        cmocka_unit_test(blocks_that_write_to_one_place_are_a_global_race),
        cmocka_unit_test(a_missing_fence_is_a_global_race),
        cmocka_unit_test(a_barrier_that_some_threads_skip),
        cmocka_unit_test(a_sum_that_is_not_atomic_is_told_once),
        cmocka_unit_test(other_modules_come_and_go),
        cmocka_unit_test(a_sum_that_is_atomic),
        cmocka_unit_test(a_missing_wait_for_a_copy),
        cmocka_unit_test(lanes_exchange_with_a_barrier_of_the_warp),
        cmocka_unit_test(some_lanes_exchange_with_a_barrier_of_theirs),
        cmocka_unit_test(lanes_read_from_lanes_that_are_there),
        cmocka_unit_test(places_are_named_as_in_the_source),
        cmocka_unit_test(a_copy_begins_where_others_read),
        cmocka_unit_test(a_warp_writes_behind_its_arrival),
        cmocka_unit_test(many_read_what_one_writes),
        cmocka_unit_test(matrices_are_loaded_behind_a_barrier),
        cmocka_unit_test(fences_of_a_block_order_no_other_block),
        cmocka_unit_test(fences_of_a_block_order_its_threads),
        cmocka_unit_test(atomic_operations_of_a_block_race_with_other_blocks),
        cmocka_unit_test(a_sign_may_be_seen_by_one_and_fenced_by_another),
        cmocka_unit_test(signs_of_blocks_are_their_own),
        cmocka_unit_test(a_release_is_carried_through_other_blocks),
        cmocka_unit_test(variables_are_named_by_their_kernel),
        cmocka_unit_test(bytes_of_a_word_have_writers_of_their_own),
        cmocka_unit_test(an_assertion_that_fails),
        cmocka_unit_test(a_write_behind_what_malloc_gave),
        cmocka_unit_test(memory_that_is_freed_twice),
        cmocka_unit_test(memory_of_malloc_that_nobody_wrote),
        cmocka_unit_test(the_last_block_may_read_what_all_wrote),
        cmocka_unit_test(memory_that_nobody_wrote),
        cmocka_unit_test(memory_that_was_freed),
        cmocka_unit_test(calls_that_are_refused),
        cmocka_unit_test(a_copy_of_memory_that_is_freed_before),
        cmocka_unit_test(answers_that_are_no_mistakes),
        cmocka_unit_test(an_endless_loop),
        cmocka_unit_test(the_host_touches_device_memory),
        cmocka_unit_test(a_launch_reads_what_is_no_parameter),
    };
    int failed = cmocka_run_group_tests_name("softgpu/driver_check", tests, NULL, NULL);
    unlink(findings);
    return failed;
}
