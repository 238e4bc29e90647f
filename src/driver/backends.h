/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGD_BACKENDS_H
#define PGD_BACKENDS_H

#include <driver_share.h>

extern const pgd_drv_backend pgd_drv_host; /* host.c: the CPU */
extern const pgd_drv_backend pgd_drv_null; /* null.c: checks everything, computes nothing */

/* Shared by both: is the range inside the buffer? */
pgd_status pgd_drv_check_range(pgd_mem mem, uint64_t bytes, const char *what);

#endif
