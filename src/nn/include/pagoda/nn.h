/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PAGODA_NN_H
#define PAGODA_NN_H
#include <pagoda/engine.h>
#endif
