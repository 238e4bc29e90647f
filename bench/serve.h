/* SPDX-License-Identifier: Apache-2.0
 * Our side of a comparison with another program: steps of one network, as many at a time as the driver in bench/peers/ asks for on stdin.
 *
 *   run N        makes N steps; answers "SECONDS VALUE", the value of the last
 *   values N     makes N steps; answers all values
 *   profile N    makes N steps; answers a table of where the time went
 *   peak         answers the peak of resident memory in bytes
 *
 * "ready" is said first. */
#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include <pagoda/pagoda.h>

void bench_serve(pgd_run *run, double (*step)(void *user), void *user);

#endif
