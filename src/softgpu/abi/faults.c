/* SPDX-License-Identifier: Apache-2.0
 * What goes wrong because the settings ask for it, so that programs can be tested against it: the Nth allocation finds no memory, the Nth launch loses the device, every
 * launch takes long. */
#include <stdatomic.h>
#include <time.h>

#include "driver_state.h"

bool gpu_fault_in_allocation(void) {
    static _Atomic int64_t count;
    int64_t at = gpu_driver.settings.fail_allocation;
    return at > 0 && atomic_fetch_add(&count, 1) + 1 == at;
}

bool gpu_fault_in_launch(void) {
    static _Atomic int64_t count;
    int64_t at = gpu_driver.settings.fail_launch, ms = gpu_driver.settings.slow_ms;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    if (ms > 0) nanosleep(&pause, NULL);
    return at > 0 && atomic_fetch_add(&count, 1) + 1 == at;
}
