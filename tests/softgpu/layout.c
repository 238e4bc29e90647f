/* SPDX-License-Identifier: Apache-2.0
 * Prints sizes, places and numbers of the driver API as a header has them: Pagoda's, or NVIDIA's with USE_NVIDIA_HEADER. layout.sh compares the two. */
#ifdef USE_NVIDIA_HEADER
#include <cuda.h>
#else
#include <pagoda/cuda_driver.h>
#endif
#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf(#type " %zu\n", sizeof(type));
#define PLACE(type, member) printf(#type "." #member " %zu\n", offsetof(type, member));
#define NUMBER(name) printf(#name " %lld\n", (long long)(name));

static void structures(void) {
    SIZE(CUuuid) SIZE(CUDA_MEMCPY2D) SIZE(CUDA_MEMCPY3D) SIZE(CUmemLocation) SIZE(CUmemAccessDesc) SIZE(CUmemPoolProps) SIZE(CUlaunchAttribute) SIZE(CUlaunchAttributeValue) SIZE(CUlaunchConfig)
    SIZE(CUgraphExecUpdateResultInfo) SIZE(CUDA_GRAPH_INSTANTIATE_PARAMS) SIZE(CUDA_KERNEL_NODE_PARAMS) SIZE(CUDA_KERNEL_NODE_PARAMS_v1) SIZE(CUDA_MEMSET_NODE_PARAMS) SIZE(CUDA_HOST_NODE_PARAMS) SIZE(CUdeviceptr) SIZE(CUdevice)
    PLACE(CUDA_MEMCPY2D, srcMemoryType) PLACE(CUDA_MEMCPY2D, srcHost) PLACE(CUDA_MEMCPY2D, srcDevice) PLACE(CUDA_MEMCPY2D, srcPitch) PLACE(CUDA_MEMCPY2D, dstMemoryType) PLACE(CUDA_MEMCPY2D, dstHost)
    PLACE(CUDA_MEMCPY2D, dstDevice) PLACE(CUDA_MEMCPY2D, dstPitch) PLACE(CUDA_MEMCPY2D, WidthInBytes) PLACE(CUDA_MEMCPY2D, Height)
    PLACE(CUDA_MEMCPY3D, srcLOD) PLACE(CUDA_MEMCPY3D, srcMemoryType) PLACE(CUDA_MEMCPY3D, srcHost) PLACE(CUDA_MEMCPY3D, srcDevice) PLACE(CUDA_MEMCPY3D, srcPitch) PLACE(CUDA_MEMCPY3D, srcHeight) PLACE(CUDA_MEMCPY3D, dstXInBytes)
    PLACE(CUDA_MEMCPY3D, dstMemoryType) PLACE(CUDA_MEMCPY3D, dstHost) PLACE(CUDA_MEMCPY3D, dstDevice) PLACE(CUDA_MEMCPY3D, dstPitch) PLACE(CUDA_MEMCPY3D, dstHeight) PLACE(CUDA_MEMCPY3D, Depth)
    PLACE(CUmemPoolProps, location) PLACE(CUmemPoolProps, maxSize) PLACE(CUmemPoolProps, usage) PLACE(CUlaunchAttribute, value) PLACE(CUlaunchConfig, sharedMemBytes) PLACE(CUlaunchConfig, hStream) PLACE(CUlaunchConfig, attrs)
    PLACE(CUlaunchConfig, numAttrs) PLACE(CUgraphExecUpdateResultInfo, errorNode) PLACE(CUgraphExecUpdateResultInfo, errorFromNode) PLACE(CUDA_GRAPH_INSTANTIATE_PARAMS, hErrNode_out) PLACE(CUDA_GRAPH_INSTANTIATE_PARAMS, result_out)
    PLACE(CUDA_KERNEL_NODE_PARAMS, sharedMemBytes) PLACE(CUDA_KERNEL_NODE_PARAMS, kernelParams) PLACE(CUDA_KERNEL_NODE_PARAMS, extra) PLACE(CUDA_KERNEL_NODE_PARAMS, kern) PLACE(CUDA_KERNEL_NODE_PARAMS, ctx)
    PLACE(CUDA_MEMSET_NODE_PARAMS, value) PLACE(CUDA_MEMSET_NODE_PARAMS, elementSize) PLACE(CUDA_MEMSET_NODE_PARAMS, width) PLACE(CUDA_HOST_NODE_PARAMS, userData)
}

static void numbers(void) {
#include "layout_numbers.inc"
}

int main(void) {
    structures();
    numbers();
    return 0;
}
