/* SPDX-License-Identifier: Apache-2.0
 * The list of backends, and finding a device in it. */
#include <driver_share.h>
#include <string.h>

#include "backends.h"

static const pgd_drv_backend *const backends[] = {&pgd_drv_host, &pgd_drv_null};
enum { BACKENDS = sizeof backends / sizeof backends[0] };

int32_t pgd_device_count(void) {
    int32_t count = 0;
    for (int b = 0; b < BACKENDS; b++) count += backends[b]->count();
    return count;
}

static const pgd_drv_backend *backend_of(int32_t *index) {
    for (int b = 0; b < BACKENDS; b++) {
        if (*index < backends[b]->count()) return backends[b];
        *index -= backends[b]->count();
    }
    return NULL;
}

pgd_status pgd_device_info_get(int32_t index, pgd_device_info *out) {
    PGD_NEED(out);
    memset(out, 0, sizeof *out);
    int32_t local = index;
    const pgd_drv_backend *backend = index < 0 ? NULL : backend_of(&local);
    if (backend == NULL) return pgd_fail(PGD_BAD_ARG, "there is no device %d; this machine has %d", index, pgd_device_count());
    return backend->describe(local, out);
}

pgd_status pgd_drv_find(const char *id, const pgd_drv_backend **backend, int32_t *index) {
    for (int32_t i = 0; i < pgd_device_count(); i++) {
        pgd_device_info info;
        PGD_TRY(pgd_device_info_get(i, &info));
        if (strcmp(id, "auto") != 0 && strcmp(id, info.id) != 0) continue;
        if (!info.usable) return pgd_fail(PGD_DEVICE, "device %s cannot be used: %s", info.id, info.reason);
        *index = i;
        *backend = backend_of(index);
        return PGD_OK;
    }
    return pgd_fail(PGD_BAD_ARG, "there is no device \"%s\"; `pagoda devices` lists those of this machine", id);
}
