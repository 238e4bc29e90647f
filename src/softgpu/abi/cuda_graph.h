/* SPDX-License-Identifier: Apache-2.0
 * Graphs: nodes that hold operations, and what they wait for. */
#ifndef PGD_SOFTGPU_CUDA_GRAPH_H
#define PGD_SOFTGPU_CUDA_GRAPH_H

#include "driver_state.h"

struct CUgraphNode_st {
    gpu_object object;
    CUgraph graph;
    CUgraphNodeType type;
    gpu_operation *operation; /* NULL where there is nothing to run */
    CUgraph child;            /* owned */
    CUevent event;
    gpu_node_list waits;      /* nodes that have to be done first */
    int32_t number;           /* in its graph; kept right by whoever needs it */
    CUgraphNode clone;        /* while a graph is being cloned */
};

struct CUgraph_st {
    gpu_object object;
    gpu_node_list list;
    bool owned;    /* it is a node's child */
    bool captured; /* streams are still adding to it */
};

bool gpu_nodes_add(gpu_node_list *list, CUgraphNode node); /* once; false: no memory */
bool gpu_nodes_have(const gpu_node_list *list, CUgraphNode node);

CUgraph gpu_graph_create(void);
void gpu_graph_destroy(CUgraph graph);
/* Takes the reference of the operation. NULL: no memory. */
CUgraphNode gpu_graph_add(CUgraph graph, CUgraphNodeType type, gpu_operation *operation, const CUgraphNode *waits, size_t count);
CUgraph gpu_graph_clone(CUgraph graph);
#endif
