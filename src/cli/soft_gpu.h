/* SPDX-License-Identifier: Apache-2.0
 * Programs that see a software GPU where they look for an NVIDIA driver. */
#ifndef SOFT_GPU_H
#define SOFT_GPU_H

#include "cli.h"

/* The folder in which libcuda.so.1 is the software GPU, beside this command or where it was installed; false: the error says where it was looked for. */
bool soft_gpu_folder(struct cli *cli, char *path, size_t path_bytes);

/* Does a driver that is no software one answer, and have devices? */
bool soft_gpu_real_driver(void);

/* Runs a program with that folder in front of its libraries and PAGODA_SOFTGPU_* as the caller has set them; waits for it. *status: as of a shell, 128 + signal.
 * False: it could not be started; the error says why, and *code is 126 or 127 where the program is the reason. */
bool soft_gpu_start(struct cli *cli, const char *folder, char **words, int *status, int *code);
#endif
