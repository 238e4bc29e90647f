/* SPDX-License-Identifier: Apache-2.0
 * Graphs made ready: a flat list of steps in an order in which each comes behind what it waits for. A launch turns every step into a task. */
#include <string.h>

#include "capture.h"
#include "cuda_graph.h"

typedef struct gpu_step {
    CUgraphNode node; /* it was made of, to be found by; may be gone by now */
    CUgraphNodeType type;
    gpu_operation *operation;
    CUevent event;
    int32_t *waits;
    int32_t wait_count;
    bool awaited; /* another step waits for it */
} gpu_step;

struct CUgraphExec_st {
    gpu_object object;
    gpu_step *steps;
    int32_t count, capacity;
    gpu_task *last; /* of its latest launch, for which the next one waits; NULL: none yet */
};

static void destroy(CUgraphExec exec) {
    for (int32_t i = 0; i < exec->count; i++) {
        gpu_operation_release(exec->steps[i].operation);
        pgd_mem_free(exec->steps[i].waits);
    }
    gpu_task_release(exec->last);
    gpu_object_remove(exec);
    pgd_mem_free(exec->steps);
    pgd_mem_free(exec);
}

/* ---- making ready -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool add_wait(gpu_step *s, int32_t step) {
    int32_t *grown = pgd_mem_resize(s->waits, sizeof *grown * (size_t)(s->wait_count + 1));
    if (grown == NULL) return false;
    s->waits = grown;
    s->waits[s->wait_count++] = step;
    return true;
}

static int32_t append(CUgraphExec exec, CUgraphNode node, CUgraphNodeType type) {
    if (!pgd_grow(&exec->steps, &exec->capacity, exec->count, sizeof *exec->steps)) return -1;
    exec->steps[exec->count] = (gpu_step){.node = node, .type = type, .operation = gpu_operation_retain(node->operation), .event = node->event};
    return exec->count++;
}

static CUresult flatten(CUgraphExec exec, CUgraph g, int32_t before, int32_t *after);

/* One node, whose predecessors are there: its step, behind `before` (-1: nothing) when it waits for none. */
static CUresult flatten_node(CUgraphExec exec, CUgraphNode node, const int32_t *step_of, int32_t before, int32_t *out) {
    int32_t step = append(exec, node, node->child == NULL ? node->type : CU_GRAPH_NODE_TYPE_EMPTY);
    if (step < 0) return CUDA_ERROR_OUT_OF_MEMORY;
    bool fine = node->waits.count > 0 || before < 0 || add_wait(&exec->steps[step], before);
    for (int32_t k = 0; k < node->waits.count && fine; k++) fine = add_wait(&exec->steps[step], step_of[node->waits.nodes[k]->number]);
    *out = step;
    if (!fine) return CUDA_ERROR_OUT_OF_MEMORY;
    return node->child == NULL ? CUDA_SUCCESS : flatten(exec, node->child, step, out);
}

/* *after: a step behind all of them. Nodes are taken as soon as all they wait for are there; a circle leaves some over. */
static CUresult flatten_in_order(CUgraphExec exec, CUgraph g, int32_t *step_of, int32_t before, int32_t *after) {
    int32_t left = g->list.count;
    for (int32_t i = 0; i < g->list.count; i++) g->list.nodes[i]->number = i, step_of[i] = -1;
    while (left > 0) {
        int32_t left_before = left;
        for (int32_t i = 0; i < g->list.count; i++) {
            CUgraphNode node = g->list.nodes[i];
            bool ready = step_of[i] < 0;
            for (int32_t k = 0; k < node->waits.count && ready; k++) ready = step_of[node->waits.nodes[k]->number] >= 0;
            if (!ready) continue;
            CUresult result = flatten_node(exec, node, step_of, before, &step_of[i]);
            if (result != CUDA_SUCCESS) return result;
            left--;
        }
        if (left == left_before) return CUDA_ERROR_INVALID_VALUE;
    }
    if (after == NULL) return CUDA_SUCCESS;
    static struct CUgraphNode_st nothing = {.type = CU_GRAPH_NODE_TYPE_EMPTY};
    *after = append(exec, &nothing, CU_GRAPH_NODE_TYPE_EMPTY);
    bool fine = *after >= 0 && (before < 0 || add_wait(&exec->steps[*after], before));
    for (int32_t i = 0; i < g->list.count && fine; i++) fine = add_wait(&exec->steps[*after], step_of[i]);
    return fine ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult flatten(CUgraphExec exec, CUgraph g, int32_t before, int32_t *after) {
    int32_t *step_of = pgd_mem_alloc(sizeof *step_of * (size_t)(g->list.count + 1));
    if (step_of == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result = flatten_in_order(exec, g, step_of, before, after);
    pgd_mem_free(step_of);
    return result;
}

static CUresult instantiate(CUgraph graph, CUgraphExec *out) {
    CUgraphExec exec = pgd_mem_zalloc(sizeof *exec);
    *out = NULL;
    if (exec == NULL || !gpu_object_add(exec, GPU_EXEC)) {
        pgd_mem_free(exec);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    CUresult result = flatten(exec, graph, -1, NULL);
    if (result != CUDA_SUCCESS) {
        destroy(exec);
        return result;
    }
    for (int32_t i = 0; i < exec->count; i++)
        for (int32_t k = 0; k < exec->steps[i].wait_count; k++) exec->steps[exec->steps[i].waits[k]].awaited = true;
    *out = exec;
    return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
    enum { AUTO_FREE = 1, UPLOAD = 2, DEVICE_LAUNCH = 4, NODE_PRIORITY = 8 };
    if (exec == NULL || flags > 15) return CUDA_ERROR_INVALID_VALUE;
    if ((flags & DEVICE_LAUNCH) != 0) return gpu_refuse(CUDA_ERROR_NOT_SUPPORTED, "cuGraphInstantiate: graphs are not launched from kernels");
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return gpu_leave(gpu_object_is(graph, GPU_GRAPH) ? instantiate(graph, exec) : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuGraphInstantiate_v2(CUgraphExec *exec, CUgraph graph, CUgraphNode *error_node, char *log, size_t log_bytes) {
    if (error_node != NULL) *error_node = NULL;
    if (log != NULL && log_bytes > 0) log[0] = '\0';
    return cuGraphInstantiateWithFlags(exec, graph, 0);
}

CUresult cuGraphInstantiateWithParams(CUgraphExec *exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *p) {
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = cuGraphInstantiateWithFlags(exec, graph, p->flags);
    p->hErrNode_out = NULL;
    p->result_out = result == CUDA_SUCCESS ? CUDA_GRAPH_INSTANTIATE_SUCCESS : result == CUDA_ERROR_INVALID_VALUE ? CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE : CUDA_GRAPH_INSTANTIATE_ERROR;
    return result;
}

static CUresult enter_exec(CUgraphExec exec) { return gpu_enter_object(exec, GPU_EXEC, CUDA_ERROR_INVALID_VALUE); }

/* What is under way of it goes on: tasks hold its operations. */
CUresult cuGraphExecDestroy(CUgraphExec exec) {
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    destroy(exec);
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- launching ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static CUresult check_kernels(CUgraphExec exec) {
    for (int32_t i = 0; i < exec->count; i++)
        if (exec->steps[i].type == CU_GRAPH_NODE_TYPE_KERNEL && !gpu_object_is(exec->steps[i].operation->kernel.function, GPU_FUNCTION)) return gpu_refuse(CUDA_ERROR_INVALID_HANDLE, "cuGraphLaunch: the module of a kernel of this graph was unloaded");
    return CUDA_SUCCESS;
}

static gpu_task *submit_step(CUstream s, const gpu_step *step, gpu_task **tasks, gpu_task *start) {
    gpu_task **first = pgd_mem_alloc(sizeof *first * (size_t)(step->wait_count + 2));
    if (first == NULL) return NULL;
    int32_t count = 0;
    first[count++] = start;
    for (int32_t k = 0; k < step->wait_count; k++) first[count++] = tasks[step->waits[k]];
    bool event = gpu_object_is(step->event, GPU_EVENT);
    if (event && step->type == CU_GRAPH_NODE_TYPE_WAIT_EVENT) first[count++] = step->event->task;
    gpu_task *task = gpu_task_submit(s, gpu_operation_retain(step->operation), first, count);
    if (task != NULL) gpu_task_in_graph(task, start);
    if (task != NULL && step->type == CU_GRAPH_NODE_TYPE_KERNEL) { /* a kernel runs on its own device */
        task->context = step->operation->kernel.function->module->context;
        task->guest = task->context != s->context && !task->done;
        if (task->guest) task->context->guests++;
    }
    if (task != NULL && event && step->type == CU_GRAPH_NODE_TYPE_EVENT_RECORD) {
        gpu_task_release(step->event->task);
        step->event->task = gpu_task_retain(task);
        step->event->capture_id = 0;
    }
    pgd_mem_free(first);
    return task;
}

static CUresult launch(CUgraphExec exec, CUstream s) {
    gpu_task **tasks = pgd_mem_zalloc(sizeof *tasks * (size_t)(exec->count + 1)), *start = NULL, *behind = NULL;
    CUresult result = tasks == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
    if (result == CUDA_SUCCESS) start = gpu_stream_append(s, NULL, &exec->last, 1);
    if (start != NULL) gpu_task_retain(start);
    int32_t count = 0, ends = 0;
    for (; start != NULL && count < exec->count; count++)
        if ((tasks[count] = submit_step(s, &exec->steps[count], tasks, start)) == NULL) break;
    if (start == NULL || count < exec->count) result = CUDA_ERROR_OUT_OF_MEMORY;
    for (int32_t i = 0; i < count; i++) { /* those that nobody waits for, to the front: the stream waits for them */
        gpu_task *t = tasks[i];
        if (exec->steps[i].awaited && count == exec->count) gpu_task_release(t);
        else tasks[ends++] = t;
    }
    if (start != NULL) behind = gpu_stream_append(s, NULL, tasks, ends);
    if (behind != NULL) gpu_task_behind_graph(behind, start);
    if (behind == NULL) result = CUDA_ERROR_OUT_OF_MEMORY;
    for (int32_t i = 0; i < ends; i++) gpu_task_release(tasks[i]);
    gpu_task_release(start);
    pgd_mem_free(tasks);
    if (behind != NULL) {
        gpu_task_release(exec->last);
        exec->last = gpu_task_retain(behind);
    }
    if (result == CUDA_SUCCESS && gpu_driver.settings.synchronous) gpu_task_wait(behind);
    return result;
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
    CUstream s;
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(stream, &s);
    if (result == CUDA_SUCCESS && s->capture != NULL) result = gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    if (result == CUDA_SUCCESS) result = gpu_capture_stops_legacy(s);
    if (result == CUDA_SUCCESS) result = check_kernels(exec);
    return gpu_leave(result == CUDA_SUCCESS ? launch(exec, s) : result);
}

CUresult cuGraphUpload(CUgraphExec exec, CUstream stream) {
    CUstream s;
    CUresult result = enter_exec(exec);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_stream_find(stream, &s)); /* it is where it runs */
}

/* ---- updating -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static gpu_step *find(CUgraphExec exec, CUgraphNode node, CUgraphNodeType type) {
    for (int32_t i = 0; i < exec->count; i++)
        if (exec->steps[i].node == node && exec->steps[i].type == type) return &exec->steps[i];
    return NULL;
}

/* Launches that are under way keep the operation they have. */
static CUresult replace(CUgraphExec exec, CUgraphNode node, CUgraphNodeType type, gpu_operation *o) {
    gpu_step *s = find(exec, node, type);
    if (s == NULL) {
        gpu_operation_release(o);
        return CUDA_ERROR_INVALID_VALUE;
    }
    gpu_operation_release(s->operation);
    s->operation = o;
    return CUDA_SUCCESS;
}

CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *p) {
    gpu_operation *o;
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    const gpu_step *before = find(exec, node, CU_GRAPH_NODE_TYPE_KERNEL);
    result = gpu_kernel_operation_of(p, before != NULL && before->operation->kernel.cooperative, &o);
    return gpu_leave(result == CUDA_SUCCESS ? replace(exec, node, CU_GRAPH_NODE_TYPE_KERNEL, o) : result);
}

CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *copy, CUcontext context) {
    gpu_operation *o;
    (void)context;
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_copy_operation_of(copy, &o);
    return gpu_leave(result == CUDA_SUCCESS ? replace(exec, node, CU_GRAPH_NODE_TYPE_MEMCPY, o) : result);
}

CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *p, CUcontext context) {
    gpu_operation *o;
    (void)context;
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_fill_operation_of(p, &o);
    return gpu_leave(result == CUDA_SUCCESS ? replace(exec, node, CU_GRAPH_NODE_TYPE_MEMSET, o) : result);
}

CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *p) {
    if (p == NULL || p->fn == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    gpu_operation *o = gpu_operation_create(GPU_OP_HOST);
    if (o == NULL) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    o->host.function = p->fn;
    o->host.data = p->userData;
    return gpu_leave(replace(exec, node, CU_GRAPH_NODE_TYPE_HOST, o));
}

static CUgraphExecUpdateResult compare(CUgraphExec old, CUgraphExec fresh, CUgraphNode *differs) {
    if (old->count != fresh->count) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    for (int32_t i = 0; i < old->count; i++) {
        const gpu_step *a = &old->steps[i], *b = &fresh->steps[i];
        *differs = b->node;
        if (a->type != b->type) return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
        if (a->wait_count != b->wait_count || (a->wait_count > 0 && memcmp(a->waits, b->waits, sizeof *a->waits * (size_t)a->wait_count) != 0)) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    }
    *differs = NULL;
    return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

/* The same nodes in the same order of being made: their operations are taken over. */
CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo *info) {
    CUgraphExec fresh;
    if (info == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_exec(exec);
    if (result != CUDA_SUCCESS) return result;
    *info = (CUgraphExecUpdateResultInfo){.result = CU_GRAPH_EXEC_UPDATE_ERROR};
    result = gpu_object_is(graph, GPU_GRAPH) ? instantiate(graph, &fresh) : CUDA_ERROR_INVALID_VALUE;
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    info->result = compare(exec, fresh, &info->errorNode);
    if (info->result == CU_GRAPH_EXEC_UPDATE_SUCCESS) {
        gpu_step *steps = exec->steps;
        exec->steps = fresh->steps;
        fresh->steps = steps;
        for (int32_t i = 0; i < exec->count; i++) exec->steps[i].node = steps[i].node; /* found by the nodes they were first made of */
    }
    destroy(fresh);
    return gpu_leave(info->result == CU_GRAPH_EXEC_UPDATE_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
}

/* ---- other versions ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUDA_KERNEL_NODE_PARAMS widened(const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    CUDA_KERNEL_NODE_PARAMS wide = {0};
    memcpy(&wide, p, sizeof *p);
    return wide;
}

CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph, CUgraphNode *error_node, char *log, size_t log_bytes) { return cuGraphInstantiate_v2(exec, graph, error_node, log, log_bytes); }

CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *error_node, CUgraphExecUpdateResult *why) {
    CUgraphExecUpdateResultInfo info;
    CUresult result = cuGraphExecUpdate_v2(exec, graph, &info);
    if (error_node != NULL) *error_node = info.errorNode;
    if (why != NULL) *why = info.result;
    return result;
}

CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUDA_KERNEL_NODE_PARAMS wide = widened(p);
    return cuGraphExecKernelNodeSetParams_v2(exec, node, &wide);
}

CUresult cuGraphAddKernelNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *dependencies, size_t count, const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUDA_KERNEL_NODE_PARAMS wide = widened(p);
    return cuGraphAddKernelNode_v2(node, graph, dependencies, count, &wide);
}

CUresult cuGraphKernelNodeSetParams(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUDA_KERNEL_NODE_PARAMS wide = widened(p);
    return cuGraphKernelNodeSetParams_v2(node, &wide);
}

CUresult cuGraphKernelNodeGetParams(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v1 *p) {
    CUDA_KERNEL_NODE_PARAMS wide;
    if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = cuGraphKernelNodeGetParams_v2(node, &wide);
    if (result == CUDA_SUCCESS) memcpy(p, &wide, sizeof *p);
    return result;
}

/* Programs of CUDA 13 give data of edges too; there are none here but the plain ones. */
CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, const void *edges, size_t count) { return edges != NULL ? CUDA_ERROR_NOT_SUPPORTED : cuGraphAddDependencies(graph, from, to, count); }
CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, const void *edges, size_t count) { return edges != NULL ? CUDA_ERROR_NOT_SUPPORTED : cuGraphRemoveDependencies(graph, from, to, count); }
static void plain(void *edges, size_t count) {
    if (edges != NULL) memset(edges, 0, 8 * count); /* CUgraphEdgeData */
}
CUresult cuGraphGetEdges_v2(CUgraph graph, CUgraphNode *from, CUgraphNode *to, void *edges, size_t *count) {
    CUresult result = cuGraphGetEdges(graph, from, to, count);
    if (result == CUDA_SUCCESS && from != NULL) plain(edges, *count);
    return result;
}
CUresult cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode *dependencies, void *edges, size_t *count) {
    CUresult result = cuGraphNodeGetDependencies(node, dependencies, count);
    if (result == CUDA_SUCCESS && dependencies != NULL) plain(edges, *count);
    return result;
}
CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode *dependents, void *edges, size_t *count) {
    CUresult result = cuGraphNodeGetDependentNodes(node, dependents, count);
    if (result == CUDA_SUCCESS && dependents != NULL) plain(edges, *count);
    return result;
}
