/* SPDX-License-Identifier: Apache-2.0
 * What people call the place of an access. */
#ifndef PGD_SOFTGPU_PLACE_NAMES_H
#define PGD_SOFTGPU_PLACE_NAMES_H

#include <exec/gpu_listener.h>

/* Of shared memory the variable, else how far into its allocation it is: ", heat::tile+16", ", 8 bytes into an allocation"; "": not known. */
void gpu_place_name(const gpu_access *access, char *text, size_t bytes);
#endif
