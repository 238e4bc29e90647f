/* SPDX-License-Identifier: Apache-2.0
 * What inference (classifier.c) and training (trainer.c) share. */
#ifndef PGD_CLASSIFIER_H
#define PGD_CLASSIFIER_H

#include "layer.h"

/* Reads options over the defaults and checks them. */
pgd_status pgd_classifier_options_check(const pgd_classifier_options *options, pgd_classifier_options *out);

/* Input "samples" u8 [N,C,H,W], normalised, through the layer: logits [N,classes]. */
pgd_value *pgd_classifier_logits(pgd_graph *graph, const pgd_layer *layer, const pgd_classifier_options *options, bool training);

#endif
