/* SPDX-License-Identifier: Apache-2.0
 * A kernel that prints, and that asks for memory while it runs: its text comes when the program synchronises. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    int first = 1, found = 0;
    CUmodule module = example_begin(argc, argv);
    CUdeviceptr perfect = example_buffer(NULL, sizeof found);
    void *parameters[] = {&first, &perfect};
    CHECK(cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, 32 << 20));
    CHECK(cuLaunchKernel(example_kernel(module, "divisors"), 4, 1, 1, 128, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuCtxSynchronize());
    CHECK(cuMemcpyDtoH(&found, perfect, sizeof found));
    return example_end("printf", abs(found - 3), 0); /* 6, 28, 496 */
}
