/* SPDX-License-Identifier: Apache-2.0
 * All of Pagoda: the whole tower in one include. */
#ifndef PAGODA_PAGODA_H
#define PAGODA_PAGODA_H

#include <pagoda/base.h>
#include <pagoda/dnn.h>
#include <pagoda/driver.h>
#include <pagoda/engine.h>
#include <pagoda/graph.h>
#include <pagoda/nn.h>
#include <pagoda/runtime.h>

#endif
