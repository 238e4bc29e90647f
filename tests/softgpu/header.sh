#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# header.sh: kernels/header.cu compiles without warnings, with nothing left undefined but what drivers supply, to the committed header.ptx; without optimisation too, and with the host's own
# headers behind ours; and toolkit/cuda.h is one. Skipped (77) where there is no clang-14. Where there is a ptxas, it takes the PTX as well.
cd "$(dirname "$0")/kernels" || exit 2
command -v clang-14 >/dev/null || { echo "skipped: no clang-14"; exit 77; }
room=$(mktemp -d) || exit 2
trap 'rm -rf "$room"' EXIT
compile() { # options, output, source
    # shellcheck disable=SC2086
    clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Wno-unknown-cuda-version -include pagoda/cuda_kernel.h -I ../../../src/softgpu/include \
        -Wall -Wextra -Werror $1 -S -o "$room/$2" "$3" || { echo "$3 was not compiled ($1)"; exit 1; }
    undefined=$(sed -n 's/^\.extern \.func *\((.*) \)*\([A-Za-z_0-9]*\)$/\2/p' "$room/$2" | grep -vxE 'vprintf|__assertfail|malloc|free')
    [ -z "$undefined" ] || { echo "left undefined: $undefined"; exit 1; }
    ! command -v ptxas >/dev/null || ptxas -arch=sm_80 "$room/$2" -o "$room/cubin" || { echo "ptxas refuses $2"; exit 1; }
}
for name in stdio stdlib string math assert stdint stddef limits float; do echo "#include <$name.h>"; done >"$room/behind.cu"
cat >>"$room/behind.cu" <<'KERNEL'
extern "C" __global__ void k(double *y, float f, int n) {
    assert(n > 0);
    y[threadIdx.x] = sin(f) + sqrt(2.0) + powf(f, 2) + fmax(y[n], 1.0) + min(n, 3) + abs(n) + INFINITY + isnan(y[0]);
    memcpy(y + n, y, n * sizeof(double));
    printf("%d\n", INT_MAX);
    free(malloc(8));
}
KERNEL
compile '-O2 -DPAGODA_SHOW_WARNINGS' header.ptx header.cu
compile -O0 slow.ptx header.cu
compile '-O2 -std=c++20 -Wpedantic -Wshadow -Wold-style-cast' warned.ptx "$room/behind.cu"
if clang-14 --version | grep -q 'version 14\.0\.6'; then
    cmp header.ptx "$room/header.ptx" || { echo "header.ptx is not what header.cu gives: make it anew by the command in header.cu"; exit 1; }
fi
echo 'int main(void) { return 0; }' >"$room/plain.c"
compile -O2 behind.ptx "$room/behind.cu"
clang-14 -Wall -Wextra -Werror -include pagoda/cuda_kernel.h -I ../../../src/softgpu/include -o "$room/plain" "$room/plain.c" || { echo "the header is not empty for C"; exit 1; }
echo '#include <cuda_runtime.h>
__global__ void k(int *x) { x[threadIdx.x] = 1; }' >"$room/runtime.cu"
compile '-O2 -I ../../../src/softgpu/include/toolkit' runtime.ptx "$room/runtime.cu"
for example in ../../../examples/gpu/*.c; do # programs that include <cuda.h>
    clang-14 -std=c17 -Wall -Wextra -Werror -DUSE_NVIDIA_HEADER -I ../../../src/softgpu/include -I ../../../src/softgpu/include/toolkit -fsyntax-only "$example" || exit 1
done
