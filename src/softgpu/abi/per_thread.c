/* SPDX-License-Identifier: Apache-2.0
 * The list of functions with a stream, copies excepted, for programs whose default stream is the thread's own. */
#include "driver_state.h"

#define PER_THREAD(name, parameters, arguments)            \
    CUresult name##_ptsz parameters {                      \
        if (stream == NULL) stream = CU_STREAM_PER_THREAD; \
        return name arguments;                             \
    }

PER_THREAD(cuEventRecord, (CUevent event, CUstream stream), (event, stream))
PER_THREAD(cuEventRecordWithFlags, (CUevent event, CUstream stream, unsigned int flags), (event, stream, flags))
PER_THREAD(cuGraphLaunch, (CUgraphExec exec, CUstream stream), (exec, stream))
PER_THREAD(cuGraphUpload, (CUgraphExec exec, CUstream stream), (exec, stream))
PER_THREAD(cuLaunchCooperativeKernel, (CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes, CUstream stream, void **parameters),
           (function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream, parameters))
PER_THREAD(cuLaunchHostFunc, (CUstream stream, CUhostFn function, void *user_data), (stream, function, user_data))
PER_THREAD(cuLaunchKernel, (CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes, CUstream stream, void **parameters, void **extra),
           (function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream, parameters, extra))
PER_THREAD(cuMemAllocAsync, (CUdeviceptr *address, size_t bytes, CUstream stream), (address, bytes, stream))
PER_THREAD(cuMemAllocFromPoolAsync, (CUdeviceptr *address, size_t bytes, CUmemoryPool pool, CUstream stream), (address, bytes, pool, stream))
PER_THREAD(cuMemFreeAsync, (CUdeviceptr address, CUstream stream), (address, stream))
PER_THREAD(cuMemPrefetchAsync, (CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream), (address, bytes, device, stream))
PER_THREAD(cuMemPrefetchAsync_v2, (CUdeviceptr address, size_t bytes, CUmemLocation location, unsigned int flags, CUstream stream), (address, bytes, location, flags, stream))
PER_THREAD(cuStreamAddCallback, (CUstream stream, CUstreamCallback callback, void *user_data, unsigned int flags), (stream, callback, user_data, flags))
PER_THREAD(cuStreamAttachMemAsync, (CUstream stream, CUdeviceptr address, size_t bytes, unsigned int flags), (stream, address, bytes, flags))
PER_THREAD(cuStreamBeginCapture, (CUstream stream), (stream))
PER_THREAD(cuStreamBeginCapture_v2, (CUstream stream, CUstreamCaptureMode mode), (stream, mode))
PER_THREAD(cuStreamEndCapture, (CUstream stream, CUgraph *graph), (stream, graph))
PER_THREAD(cuStreamGetCaptureInfo, (CUstream stream, CUstreamCaptureStatus *status, uint64_t *id), (stream, status, id))
PER_THREAD(cuStreamGetCaptureInfo_v2, (CUstream stream, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph, const CUgraphNode **dependencies, size_t *count), (stream, status, id, graph, dependencies, count))
PER_THREAD(cuStreamGetCaptureInfo_v3, (CUstream stream, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph, const CUgraphNode **dependencies, const void **edges, size_t *count), (stream, status, id, graph, dependencies, edges, count))
PER_THREAD(cuStreamUpdateCaptureDependencies, (CUstream stream, CUgraphNode *dependencies, size_t count, unsigned int flags), (stream, dependencies, count, flags))
PER_THREAD(cuStreamUpdateCaptureDependencies_v2, (CUstream stream, CUgraphNode *dependencies, const void *edges, size_t count, unsigned int flags), (stream, dependencies, edges, count, flags))
PER_THREAD(cuStreamGetCtx, (CUstream stream, CUcontext *context), (stream, context))
PER_THREAD(cuStreamGetFlags, (CUstream stream, unsigned int *flags), (stream, flags))
PER_THREAD(cuStreamGetId, (CUstream stream, unsigned long long *id), (stream, id))
PER_THREAD(cuStreamGetPriority, (CUstream stream, int *priority), (stream, priority))
PER_THREAD(cuStreamIsCapturing, (CUstream stream, CUstreamCaptureStatus *status), (stream, status))
PER_THREAD(cuStreamQuery, (CUstream stream), (stream))
PER_THREAD(cuStreamSynchronize, (CUstream stream), (stream))
PER_THREAD(cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned int flags), (stream, event, flags))

CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction function, void **parameters, void **extra) {
    if (config == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUlaunchConfig own = *config;
    if (own.hStream == NULL) own.hStream = CU_STREAM_PER_THREAD;
    return cuLaunchKernelEx(&own, function, parameters, extra);
}

CUresult cuGraphInstantiateWithParams_ptsz(CUgraphExec *exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS *parameters) { return cuGraphInstantiateWithParams(exec, graph, parameters); }
