/* SPDX-License-Identifier: Apache-2.0
 * Graphs as data: making, changing, asking. */
#include "cuda_graph.h"

#include <string.h>

/* ---- lists --------------------------------------------------------------------------------------------------------------------------------------------------------- */

bool gpu_nodes_have(const gpu_node_list *list, CUgraphNode node) {
    for (int32_t i = 0; i < list->count; i++)
        if (list->nodes[i] == node) return true;
    return false;
}

bool gpu_nodes_add(gpu_node_list *list, CUgraphNode node) {
    if (gpu_nodes_have(list, node)) return true;
    if (!pgd_grow(&list->nodes, &list->capacity, list->count, sizeof *list->nodes)) return false;
    list->nodes[list->count++] = node;
    return true;
}

static void take_out(gpu_node_list *list, CUgraphNode node) {
    for (int32_t i = 0; i < list->count; i++)
        if (list->nodes[i] == node) {
            memmove(list->nodes + i, list->nodes + i + 1, sizeof *list->nodes * (size_t)(list->count - i - 1));
            list->count--;
            return;
        }
}

/* As CUDA gives lists out: into `nodes` when that is there, else only how many. */
static CUresult give(const gpu_node_list *list, CUgraphNode *nodes, size_t *count) {
    if (nodes != NULL) {
        size_t room = *count;
        for (size_t i = 0; i < room; i++) nodes[i] = i < (size_t)list->count ? list->nodes[i] : NULL;
        if (room > (size_t)list->count) *count = (size_t)list->count;
    } else {
        *count = (size_t)list->count;
    }
    return CUDA_SUCCESS;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

CUgraph gpu_graph_create(void) {
    CUgraph g = pgd_mem_zalloc(sizeof *g);
    if (g != NULL && gpu_object_add(g, GPU_GRAPH)) return g;
    pgd_mem_free(g);
    return NULL;
}

static void destroy_node(CUgraphNode node) {
    gpu_operation_release(node->operation);
    if (node->child != NULL) gpu_graph_destroy(node->child);
    gpu_object_remove(node);
    pgd_mem_free(node->waits.nodes);
    pgd_mem_free(node);
}

void gpu_graph_destroy(CUgraph g) {
    if (g == NULL) return;
    for (int32_t i = 0; i < g->list.count; i++) destroy_node(g->list.nodes[i]);
    gpu_object_remove(g);
    pgd_mem_free(g->list.nodes);
    pgd_mem_free(g);
}

CUgraphNode gpu_graph_add(CUgraph g, CUgraphNodeType type, gpu_operation *operation, const CUgraphNode *waits, size_t count) {
    CUgraphNode node = pgd_mem_zalloc(sizeof *node);
    bool fine = node != NULL && pgd_grow(&g->list.nodes, &g->list.capacity, g->list.count, sizeof *g->list.nodes) && gpu_object_add(node, GPU_NODE);
    for (size_t i = 0; i < count && fine; i++) fine = gpu_nodes_add(&node->waits, waits[i]);
    if (!fine) {
        gpu_operation_release(operation);
        if (node != NULL) {
            gpu_object_remove(node);
            pgd_mem_free(node->waits.nodes);
        }
        pgd_mem_free(node);
        return NULL;
    }
    node->graph = g;
    node->type = type;
    node->operation = operation;
    g->list.nodes[g->list.count++] = node;
    return node;
}

CUgraph gpu_graph_clone(CUgraph g) {
    CUgraph clone = gpu_graph_create();
    bool fine = clone != NULL;
    for (int32_t i = 0; i < g->list.count && fine; i++) {
        CUgraphNode from = g->list.nodes[i], to = gpu_graph_add(clone, from->type, gpu_operation_retain(from->operation), NULL, 0);
        from->clone = to;
        fine = to != NULL;
        if (!fine) break;
        to->event = from->event;
        if (from->child == NULL) continue;
        to->child = gpu_graph_clone(from->child);
        fine = to->child != NULL;
        if (fine) to->child->owned = true;
    }
    for (int32_t i = 0; i < g->list.count && fine; i++)
        for (int32_t k = 0; k < g->list.nodes[i]->waits.count && fine; k++) fine = gpu_nodes_add(&g->list.nodes[i]->clone->waits, g->list.nodes[i]->waits.nodes[k]->clone);
    if (fine) return clone;
    gpu_graph_destroy(clone);
    return NULL;
}

CUresult cuGraphCreate(CUgraph *graph, unsigned int flags) {
    if (graph == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    *graph = gpu_graph_create();
    return gpu_leave(*graph == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

static CUresult enter_graph(CUgraph graph) { return gpu_enter_object(graph, GPU_GRAPH, CUDA_ERROR_INVALID_VALUE); }
static CUresult enter_node(CUgraphNode node) { return gpu_enter_object(node, GPU_NODE, CUDA_ERROR_INVALID_VALUE); }

CUresult cuGraphDestroy(CUgraph graph) {
    CUresult result = enter_graph(graph);
    if (result != CUDA_SUCCESS) return result;
    if (graph->owned || graph->captured) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    gpu_graph_destroy(graph);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuGraphClone(CUgraph *clone, CUgraph graph) {
    if (clone == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_graph(graph);
    if (result != CUDA_SUCCESS) return result;
    *clone = gpu_graph_clone(graph);
    return gpu_leave(*clone == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

/* ---- adding nodes -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult enter_to_add(CUgraphNode *node, CUgraph graph, const CUgraphNode *waits, size_t count) {
    if (node == NULL || (waits == NULL && count > 0)) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_graph(graph);
    if (result != CUDA_SUCCESS) return result;
    for (size_t i = 0; i < count; i++)
        if (!gpu_object_is(waits[i], GPU_NODE) || waits[i]->graph != graph) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    return CUDA_SUCCESS;
}

static CUresult leave_added(CUgraphNode *out, CUgraphNode node) {
    if (node != NULL) *out = node;
    return gpu_leave(node == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

CUresult cuGraphAddKernelNode_v2(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, const CUDA_KERNEL_NODE_PARAMS *p) {
    gpu_operation *o;
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_to_add(node, graph, dependencies, count);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_kernel_operation_of(p, false, &o);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    return leave_added(node, gpu_graph_add(graph, CU_GRAPH_NODE_TYPE_KERNEL, o, dependencies, count));
}

CUresult cuGraphAddMemcpyNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, const CUDA_MEMCPY3D *copy, CUcontext context) {
    gpu_operation *o;
    (void)context; /* addresses say whose they are */
    CUresult result = enter_to_add(node, graph, dependencies, count);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_copy_operation_of(copy, &o);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    return leave_added(node, gpu_graph_add(graph, CU_GRAPH_NODE_TYPE_MEMCPY, o, dependencies, count));
}

CUresult cuGraphAddMemsetNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, const CUDA_MEMSET_NODE_PARAMS *p, CUcontext context) {
    gpu_operation *o;
    (void)context;
    CUresult result = enter_to_add(node, graph, dependencies, count);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_fill_operation_of(p, &o);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    return leave_added(node, gpu_graph_add(graph, CU_GRAPH_NODE_TYPE_MEMSET, o, dependencies, count));
}

CUresult cuGraphAddHostNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, const CUDA_HOST_NODE_PARAMS *p) {
    if (p == NULL || p->fn == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_to_add(node, graph, dependencies, count);
    if (result != CUDA_SUCCESS) return result;
    gpu_operation *o = gpu_operation_create(GPU_OP_HOST);
    if (o == NULL) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    o->host.function = p->fn;
    o->host.data = p->userData;
    return leave_added(node, gpu_graph_add(graph, CU_GRAPH_NODE_TYPE_HOST, o, dependencies, count));
}

CUresult cuGraphAddEmptyNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count) {
    CUresult result = enter_to_add(node, graph, dependencies, count);
    return result != CUDA_SUCCESS ? result : leave_added(node, gpu_graph_add(graph, CU_GRAPH_NODE_TYPE_EMPTY, NULL, dependencies, count));
}

static CUresult add_event_node(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, CUgraphNodeType type, CUevent event) {
    CUresult result = enter_to_add(node, graph, dependencies, count);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(event, GPU_EVENT)) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    CUgraphNode added = gpu_graph_add(graph, type, NULL, dependencies, count);
    if (added != NULL) added->event = event;
    return leave_added(node, added);
}

CUresult cuGraphAddEventRecordNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, CUevent event) { return add_event_node(node, graph, dependencies, count, CU_GRAPH_NODE_TYPE_EVENT_RECORD, event); }
CUresult cuGraphAddEventWaitNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, CUevent event) { return add_event_node(node, graph, dependencies, count, CU_GRAPH_NODE_TYPE_WAIT_EVENT, event); }

CUresult cuGraphAddChildGraphNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, CUgraph child) {
    CUresult result = enter_to_add(node, graph, dependencies, count);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(child, GPU_GRAPH) || child == graph) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    CUgraph own = gpu_graph_clone(child);
    CUgraphNode added = own == NULL ? NULL : gpu_graph_add(graph, CU_GRAPH_NODE_TYPE_GRAPH, NULL, dependencies, count);
    if (added != NULL) added->child = own, own->owned = true;
    else gpu_graph_destroy(own);
    return leave_added(node, added);
}

/* ---- changing -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult edges(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count, bool add) {
    if ((from == NULL || to == NULL) && count > 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_graph(graph);
    if (result != CUDA_SUCCESS) return result;
    for (size_t i = 0; i < count; i++) {
        bool known = gpu_object_is(from[i], GPU_NODE) && gpu_object_is(to[i], GPU_NODE) && from[i]->graph == graph && to[i]->graph == graph && from[i] != to[i];
        if (!known || gpu_nodes_have(&to[i]->waits, from[i]) == add) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    }
    for (size_t i = 0; i < count; i++) {
        if (!add) take_out(&to[i]->waits, from[i]);
        else if (!gpu_nodes_add(&to[i]->waits, from[i])) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count) { return edges(graph, from, to, count, true); }
CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t count) { return edges(graph, from, to, count, false); }

CUresult cuGraphDestroyNode(CUgraphNode node) {
    CUresult result = enter_node(node);
    if (result != CUDA_SUCCESS) return result;
    CUgraph g = node->graph;
    if (g->captured) return gpu_leave(CUDA_ERROR_INVALID_VALUE); /* streams hold it */
    for (int32_t i = 0; i < g->list.count; i++) take_out(&g->list.nodes[i]->waits, node);
    take_out(&g->list, node);
    destroy_node(node);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *p) {
    gpu_operation *o;
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_node(node);
    if (result != CUDA_SUCCESS) return result;
    if (node->type != CU_GRAPH_NODE_TYPE_KERNEL) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    result = gpu_kernel_operation_of(p, node->operation->kernel.cooperative, &o);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    gpu_operation_release(node->operation);
    node->operation = o;
    return gpu_leave(CUDA_SUCCESS);
}

/* The parameters stay those of the node, which gives them out as one buffer. */
CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS *p) {
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_node(node);
    if (result != CUDA_SUCCESS) return result;
    if (node->type != CU_GRAPH_NODE_TYPE_KERNEL) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    gpu_kernel_launch *k = &node->operation->kernel;
    *p = (CUDA_KERNEL_NODE_PARAMS){.func = k->function, .gridDimX = k->grid[0], .gridDimY = k->grid[1], .gridDimZ = k->grid[2], .blockDimX = k->block[0], .blockDimY = k->block[1], .blockDimZ = k->block[2],
                                   .sharedMemBytes = k->shared_bytes, .kernelParams = k->pointers};
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- asking ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType *type) {
    if (type == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_node(node);
    if (result != CUDA_SUCCESS) return result;
    *type = node->type;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_graph(graph);
    return result != CUDA_SUCCESS ? result : gpu_leave(give(&graph->list, nodes, count));
}

CUresult cuGraphGetRootNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_graph(graph);
    if (result != CUDA_SUCCESS) return result;
    gpu_node_list roots = {0};
    for (int32_t i = 0; i < graph->list.count && result == CUDA_SUCCESS; i++)
        if (graph->list.nodes[i]->waits.count == 0 && !gpu_nodes_add(&roots, graph->list.nodes[i])) result = CUDA_ERROR_OUT_OF_MEMORY;
    if (result == CUDA_SUCCESS) give(&roots, nodes, count);
    pgd_mem_free(roots.nodes);
    return gpu_leave(result);
}

CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to, size_t *count) {
    if (count == NULL || (from == NULL) != (to == NULL)) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_graph(graph);
    if (result != CUDA_SUCCESS) return result;
    size_t room = from == NULL ? 0 : *count, found = 0;
    for (int32_t i = 0; i < graph->list.count; i++)
        for (int32_t k = 0; k < graph->list.nodes[i]->waits.count; k++, found++)
            if (found < room) from[found] = graph->list.nodes[i]->waits.nodes[k], to[found] = graph->list.nodes[i];
    for (size_t i = found; i < room; i++) from[i] = to[i] = NULL;
    *count = from == NULL || found < room ? found : room;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode *dependencies, size_t *count) {
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_node(node);
    return result != CUDA_SUCCESS ? result : gpu_leave(give(&node->waits, dependencies, count));
}

CUresult cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode *dependents, size_t *count) {
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_node(node);
    if (result != CUDA_SUCCESS) return result;
    gpu_node_list found = {0};
    for (int32_t i = 0; i < node->graph->list.count && result == CUDA_SUCCESS; i++)
        if (gpu_nodes_have(&node->graph->list.nodes[i]->waits, node) && !gpu_nodes_add(&found, node->graph->list.nodes[i])) result = CUDA_ERROR_OUT_OF_MEMORY;
    if (result == CUDA_SUCCESS) give(&found, dependents, count);
    pgd_mem_free(found.nodes);
    return gpu_leave(result);
}
