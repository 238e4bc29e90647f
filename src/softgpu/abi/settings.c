/* SPDX-License-Identifier: Apache-2.0
 * The environment, checked. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pgd_status number(const char *name, int64_t least, int64_t most, int64_t otherwise, int64_t *out) {
    char full[64], *end;
    snprintf(full, sizeof full, "PAGODA_SOFTGPU_%s", name);
    const char *text = getenv(full);
    *out = otherwise;
    if (text == NULL || text[0] == '\0') return PGD_OK;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < least || value > most) return pgd_fail(PGD_BAD_ARG, "%s is \"%.40s\"; it must be a number from %lld to %lld", full, text, (long long)least, (long long)most);
    *out = value;
    return PGD_OK;
}

/* 7.5, 8.0, 8.6, 8.7, 8.9, 9.0 */
static pgd_status capability(int32_t *out) {
    static const int32_t known[] = {75, 80, 86, 87, 89, 90};
    const char *text = getenv("PAGODA_SOFTGPU_CAPABILITY");
    *out = 90;
    if (text == NULL || text[0] == '\0') return PGD_OK;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(text) == 3 && text[0] == '0' + known[i] / 10 && text[1] == '.' && text[2] == '0' + known[i] % 10) return *out = known[i], PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "PAGODA_SOFTGPU_CAPABILITY is \"%.40s\"; it must be 7.5, 8.0, 8.6, 8.7, 8.9 or 9.0", text);
}

static pgd_status executor(bool *reference) {
    const char *text = getenv("PAGODA_SOFTGPU_EXECUTOR");
    *reference = text != NULL && strcmp(text, "reference") == 0;
    if (text == NULL || text[0] == '\0' || *reference || strcmp(text, "vector") == 0) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "PAGODA_SOFTGPU_EXECUTOR is \"%.40s\"; it must be vector or reference", text);
}

static pgd_status path(const char *name, char *out, size_t bytes) {
    const char *text = getenv(name);
    out[0] = '\0';
    if (text == NULL) return PGD_OK;
    if (strlen(text) >= bytes) return pgd_fail(PGD_BAD_ARG, "%s is longer than %zu bytes", name, bytes - 1);
    memcpy(out, text, strlen(text) + 1);
    return PGD_OK;
}

/* oom@3,lost@2,slow@50: what goes wrong on purpose, and when. */
static pgd_status faults(gpu_settings *s) {
    const char *text = getenv("PAGODA_SOFTGPU_FAULT");
    s->fail_allocation = s->fail_launch = s->slow_ms = 0;
    for (const char *at = text == NULL || text[0] == '\0' ? NULL : text; at != NULL; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
        size_t name = strcspn(at, "@,");
        int64_t *to = name == 3 && strncmp(at, "oom", 3) == 0 ? &s->fail_allocation : name == 4 && strncmp(at, "lost", 4) == 0 ? &s->fail_launch : name == 4 && strncmp(at, "slow", 4) == 0 ? &s->slow_ms : NULL;
        char *end = NULL;
        if (to != NULL && at[name] == '@') *to = strtoll(at + name + 1, &end, 10);
        if (end == NULL || end == at + name + 1 || (*end != ',' && *end != '\0') || *to < 1 || *to > 1000000000) return pgd_fail(PGD_BAD_ARG, "PAGODA_SOFTGPU_FAULT is \"%.60s\"; it must be a list of oom@N, lost@N and slow@MS, with numbers from 1 on", text);
    }
    return PGD_OK;
}

/* Words with commas between them. */
static pgd_status check(gpu_settings *s) {
    const char *text = getenv("PAGODA_SOFTGPU_CHECK");
    s->check = text != NULL && text[0] != '\0';
    s->check_races = s->check_uninitialised = false;
    for (const char *at = text; s->check && at != NULL; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
        size_t length = strcspn(at, ",");
        if (length == 5 && strncmp(at, "races", length) == 0) s->check_races = true;
        else if (length == 13 && strncmp(at, "uninitialised", length) == 0) s->check_uninitialised = true;
        else if (length != 6 || strncmp(at, "memory", length) != 0) return pgd_fail(PGD_BAD_ARG, "PAGODA_SOFTGPU_CHECK is \"%.60s\"; it must be a list of memory, races and uninitialised", text);
    }
    return PGD_OK;
}

pgd_status gpu_settings_read(gpu_settings *s) {
    int64_t json, devices, processors, memory, workers, synchronous, seed, limit, timeout, patience, version;
    PGD_TRY(path("PAGODA_SOFTGPU_REPORT", s->report, sizeof s->report)); /* first: what is wrong with the others is told there */
    PGD_TRY(number("DEVICES", 0, 16, 1, &devices));
    PGD_TRY(number("PROCESSORS", 1, 1024, 8, &processors));
    PGD_TRY(number("MEMORY", 1, 1 << 20, 4096, &memory));
    PGD_TRY(number("WORKERS", 0, 1024, 0, &workers));
    PGD_TRY(number("SYNCHRONOUS", 0, 1, 0, &synchronous));
    PGD_TRY(number("SEED", 0, INT64_MAX, 0, &seed));
    PGD_TRY(number("PROFILE_JSON", 0, 1, 0, &json));
    PGD_TRY(number("LIMIT", 0, 1 << 30, 1000000, &limit));
    PGD_TRY(number("TIMEOUT", 0, 1000000, 0, &timeout));
    PGD_TRY(number("PATIENCE", 0, 1000000, 10, &patience));
    PGD_TRY(number("VERSION", 1000, 1000000, 13000, &version));
    PGD_TRY(capability(&s->capability));
    PGD_TRY(executor(&s->reference));
    PGD_TRY(path("PAGODA_SOFTGPU_FINDINGS", s->findings, sizeof s->findings));
    PGD_TRY(path("PAGODA_SOFTGPU_PROFILE", s->profile, sizeof s->profile));
    PGD_TRY(path("PAGODA_SOFTGPU_TIMELINE", s->timeline, sizeof s->timeline));
    PGD_TRY(path("PAGODA_SOFTGPU_TIMELINE_KERNEL", s->timeline_kernel, sizeof s->timeline_kernel));
    PGD_TRY(check(s));
    PGD_TRY(faults(s));
    s->profile_json = json != 0;
    s->devices = (int32_t)devices;
    s->processors = (int32_t)processors;
    s->memory_bytes = (uint64_t)memory << 20;
    s->workers = (int32_t)workers;
    s->synchronous = synchronous != 0;
    s->seed = (uint64_t)seed;
    s->instruction_limit = (uint64_t)limit * 1000000;
    s->timeout_s = (int32_t)timeout;
    s->patience_s = (int32_t)patience;
    s->driver_version = (int32_t)version;
    return PGD_OK;
}
