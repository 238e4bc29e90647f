/* SPDX-License-Identifier: Apache-2.0
 * One set of checkers for the process, and what becomes of their findings. */
#define _GNU_SOURCE
#include "checks.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct {
    pthread_mutex_t lock; /* of all of this */
    gpu_checker *checker;
    gpu_findings findings;
    struct sigaction before; /* the program's own handler */
} checks = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- writing down ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void quote(pgd_text *line, const char *key, const char *text) {
    pgd_text_add(line, "%s\"%s\": \"", line->count > 1 ? ", " : "", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') pgd_text_add(line, "\\%c", *text);
        else pgd_text_add(line, (unsigned char)*text < 0x20 ? "\\u%04x" : "%c", (unsigned char)*text);
    }
    pgd_text_add(line, "\"");
}

static void numbers(pgd_text *line, const char *key, const uint32_t n[3]) { pgd_text_add(line, ", \"%s\": [%u, %u, %u]", key, n[0], n[1], n[2]); }

static void write_down(void *unused, const gpu_finding *n) {
    (void)unused;
    gpu_report("%s: %s", n->kind, n->message);
    FILE *file = gpu_driver.settings.findings[0] == '\0' ? NULL : fopen(gpu_driver.settings.findings, "ae");
    if (file == NULL) return;
    pgd_text line = {0};
    pgd_text_add(&line, "{");
    quote(&line, "kind", n->kind);
    quote(&line, "kernel", n->kernel);
    numbers(&line, "block", n->block);
    numbers(&line, "thread", n->thread);
    pgd_text_add(&line, ", \"ptx_line\": %d, \"source_line\": %d", n->line, n->source_line);
    quote(&line, "source", n->source);
    quote(&line, "message", n->message);
    pgd_text_add(&line, "}\n");
    if (!line.failed) fputs(line.chars, file);
    pgd_mem_free(line.chars);
    fclose(file);
}

/* ---- the host at device memory --------------------------------------------------------------------------------------------------------------------------------------------- */

/* The program faults as it would with a GPU; but here it can be said why. It ends then, so nothing is left to be kept whole. */
static void on_fault(int number, siginfo_t *info, void *context) {
    uint64_t first, bytes, address = (uint64_t)(uintptr_t)info->si_addr;
    gpu_allocation a;
    (void)number, (void)context;
    gpu_memory_addresses(gpu_driver.memory, &first, &bytes);
    if (address >= first && address - first < bytes) {
        gpu_finding n = {.kind = "host access", .times = 1};
        bool inside = gpu_memory_at(gpu_driver.memory, address, 1, &a) != NULL;
        if (inside) snprintf(n.message, sizeof n.message, "the host touches device memory at 0x%llx, %llu bytes into an allocation of %llu; copy it with cuMemcpyDtoH or cuMemcpyHtoD", (unsigned long long)address, (unsigned long long)(address - a.address), (unsigned long long)a.bytes);
        else snprintf(n.message, sizeof n.message, "the host touches an address of the device, 0x%llx, where nothing is allocated", (unsigned long long)address);
        write_down(NULL, &n);
    }
    sigaction(SIGSEGV, &checks.before, NULL); /* what the program wants to happen, happens when the instruction is tried again */
}

/* ---- running ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

bool gpu_checks_wanted(void) { return checks.checker != NULL; }

pgd_status gpu_checks_begin(void) {
    const gpu_settings *s = &gpu_driver.settings;
    struct sigaction told = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    checks.findings.added = write_down;
    if (!s->check) return PGD_OK;
    PGD_TRY(gpu_checker_create(gpu_driver.memory, &(gpu_check_options){.races = s->check_races, .uninitialised = s->check_uninitialised}, &checks.findings, &checks.checker));
    sigaction(SIGSEGV, &told, &checks.before);
    return PGD_OK;
}

pgd_status gpu_checks_run(gpu_launch *launch, gpu_fault *fault) {
    pthread_mutex_lock(&checks.lock);
    launch->listener = gpu_checker_listener(checks.checker);
    pgd_status status = gpu_reference_run(launch, fault);
    pthread_mutex_unlock(&checks.lock);
    return status;
}

void gpu_checks_fault(const gpu_launch *launch, const gpu_fault *fault) {
    pthread_mutex_lock(&checks.lock);
    gpu_findings_add_fault(&checks.findings, launch, fault);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_forget(void) {
    pthread_mutex_lock(&checks.lock);
    gpu_findings_forget(&checks.findings);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_allocated(CUdeviceptr address, size_t bytes) {
    if (checks.checker == NULL) return;
    pthread_mutex_lock(&checks.lock);
    gpu_checker_allocated(checks.checker, address, bytes);
    pthread_mutex_unlock(&checks.lock);
}

void gpu_checks_written(CUdeviceptr address, size_t bytes) {
    if (checks.checker == NULL) return;
    pthread_mutex_lock(&checks.lock);
    gpu_checker_written(checks.checker, address, bytes);
    pthread_mutex_unlock(&checks.lock);
}
