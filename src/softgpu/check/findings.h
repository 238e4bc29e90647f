/* SPDX-License-Identifier: Apache-2.0
 * What checkers found: each thing once, however often it happens. */
#ifndef PGD_SOFTGPU_FINDINGS_H
#define PGD_SOFTGPU_FINDINGS_H

#include <exec/gpu_listener.h>

typedef struct gpu_finding {
    const char *kind; /* "shared race", "global race", "uninitialised", "unfinished copy", "divergent barrier", "skipped barrier", "absent lane", "stream race", "unfinished work", "driver call", "incomplete", or what a fault is called */
    char kernel[100], source[64], message[900];
    uint32_t block[3], thread[3];
    int32_t line, source_line; /* of the PTX; of the source, 0: unknown */
    int32_t other_source_line; /* of the other instruction, where there is one */
    uint64_t times;
} gpu_finding;

/* Two instructions, or one and a name, and what is known of them. */
typedef struct gpu_finding_key {
    const void *one, *other;
    const ptx_module *module;
    int32_t finding;
} gpu_finding_key;

typedef struct gpu_findings {
    gpu_finding *list; /* of what was told */
    int32_t count, capacity;
    gpu_finding_key *keys;
    int32_t key_count, key_capacity;
    bool incomplete; /* was told */
    void (*added)(void *user, const gpu_finding *finding); /* the first time; may be NULL */
    void *user;
} gpu_findings;

void gpu_findings_deinit(gpu_findings *findings);
void gpu_findings_forget(gpu_findings *findings, const ptx_module *module); /* which of its instructions they are about: those are gone */

/* An instruction, and who executes it. */
typedef struct gpu_findings_place {
    const ptx_module *module;
    const ptx_function *function;
    const ptx_instruction *instruction;
    const uint32_t *block, *thread; /* of three numbers each */
} gpu_findings_place;

/* Has that been told, of these two instructions in either order? Then it is counted. */
bool gpu_findings_again(gpu_findings *findings, const char *kind, const void *one, const void *other);
/* key: the other instruction, where there is one; what two lines of the source do to each other is told once, of whatever instructions. The message is the place and `what`. Beyond 1000, or without memory, it is dropped and told as incomplete. */
PGD_PRINTF(5, 6) void gpu_findings_add(gpu_findings *findings, const char *kind, const gpu_access *access, const ptx_instruction *key, const char *what, ...);
/* The same for an instruction that is executed no more. What is done to it is another instruction, or of that name, a constant. */
PGD_PRINTF(6, 7) void gpu_findings_add_at(gpu_findings *findings, const char *kind, const gpu_findings_place *place, const ptx_instruction *key, const char *name, const char *what, ...);
/* In no kernel. The same sentence is told once. */
PGD_PRINTF(3, 4) void gpu_findings_add_call(gpu_findings *findings, const char *kind, const char *what, ...);
void gpu_findings_add_fault(gpu_findings *findings, const gpu_launch *launch, const gpu_fault *fault);
#define GPU_CHECK_NO_MEMORY "no memory is left for what the checkers keep, and they may miss things from here on; check a smaller launch"

/* Says once, through `added` and without memory, that the checkers see only a part from now on. */
void gpu_findings_incomplete(gpu_findings *findings, const char *why);
const char *gpu_fault_name(gpu_fault_kind kind); /* "address", "deadlock" */
#endif
