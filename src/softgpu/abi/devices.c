/* SPDX-License-Identifier: Apache-2.0
 * Devices: what they are called, what they have, who reaches whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <timing/occupancy.h>

#include "driver_state.h"

CUresult gpu_enter_device(CUdevice device) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return device >= 0 && device < gpu_driver.settings.devices ? CUDA_SUCCESS : gpu_leave(CUDA_ERROR_INVALID_DEVICE);
}

CUresult cuDeviceGetCount(int *count) {
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    *count = gpu_driver.settings.devices;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(ordinal);
    if (result != CUDA_SUCCESS) return result;
    *device = ordinal;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetName(char *name, int name_bytes, CUdevice device) {
    if (name == NULL || name_bytes < 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    snprintf(name, (size_t)name_bytes, "Pagoda software GPU (no hardware)");
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
    if (uuid == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    memcpy(uuid->bytes, "pagoda-softgpu", 15);
    uuid->bytes[15] = (char)device;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    if (bytes == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *bytes = (size_t)gpu_driver.settings.memory_bytes;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    if (major == NULL || minor == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *major = gpu_driver.settings.capability / 10;
    *minor = gpu_driver.settings.capability % 10;
    return gpu_leave(CUDA_SUCCESS);
}

/* What is not listed is 0: no textures, no surfaces, no sharing with other processes, no compression. */
static int attribute_of(CUdevice_attribute attribute, CUdevice device) {
    const gpu_settings *s = &gpu_driver.settings;
    const gpu_architecture *a = gpu_architecture_of(s->capability);
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK: case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X: case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y: return 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z: return 64;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X: case CU_DEVICE_ATTRIBUTE_MAX_PITCH: return INT32_MAX;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y: case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z: return 65535;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK: return 48 << 10;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY: return 64 << 10;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE: return 32;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK: case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR: return a->sm_registers;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: return 1000000; /* kHz: that of %clock */
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: return 64;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: return s->processors;
    case CU_DEVICE_ATTRIBUTE_INTEGRATED: return 1; /* its memory is the host's */
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: return 4 << 20;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR: return a->sm_threads;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR: return a->sm_blocks;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR: return a->sm_shared_bytes;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: return a->block_shared_bytes;
    case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK: return a->reserved_shared_bytes;
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT: return 2;
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID: return device + 1;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: return s->capability / 10;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: return s->capability % 10;
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS: case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY: case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS: case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM: case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH: case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED: case CU_DEVICE_ATTRIBUTE_UNIFIED_FUNCTION_POINTERS: return 1;
    default: return 0;
    }
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    enum { LAST = 147 };
    if (value == NULL || attribute < 1 || (int)attribute > LAST) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *value = attribute_of(attribute, device);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetProperties(CUdevprop *properties, CUdevice device) {
    if (properties == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *properties = (CUdevprop){1024, {1024, 1024, 64}, {INT32_MAX, 65535, 65535}, 48 << 10, 64 << 10, 32, INT32_MAX, gpu_architecture_of(gpu_driver.settings.capability)->sm_registers, 1000000, 512};
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetPCIBusId(char *id, int id_bytes, CUdevice device) {
    if (id == NULL || id_bytes < 13) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    snprintf(id, (size_t)id_bytes, "0000:%02x:00.0", device + 1);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *id) {
    if (device == NULL || id == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    char own[32];
    for (int i = 0; i < gpu_driver.settings.devices; i++) {
        snprintf(own, sizeof own, "0000:%02x:00.0", i + 1);
        if (strcmp(own, id) != 0 && strcmp(own + 5, id) != 0) continue;
        *device = i;
        return gpu_leave(CUDA_SUCCESS);
    }
    return gpu_leave(CUDA_ERROR_INVALID_DEVICE);
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
    if (can == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    if (peer < 0 || peer >= gpu_driver.settings.devices) return gpu_leave(CUDA_ERROR_INVALID_DEVICE);
    *can = device != peer;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute, CUdevice from, CUdevice to) {
    int can;
    if (value == NULL || attribute < 1 || attribute > 4) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = cuDeviceCanAccessPeer(&can, from, to);
    if (result != CUDA_SUCCESS) return result;
    if (!can) return CUDA_ERROR_INVALID_DEVICE; /* of itself */
    *value = attribute == CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED || attribute == CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED;
    return CUDA_SUCCESS;
}
