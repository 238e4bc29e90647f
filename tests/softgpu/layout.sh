#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layout.sh CC: the types and numbers of pagoda/cuda_driver.h are those of NVIDIA's cuda.h. Skipped (77) where there is none.
cc=$1
here=$(dirname "$0")
include=$here/../../src/softgpu/include
for toolkit in "${CUDA_HOME:-/usr/local/cuda}" /usr/local/cuda-*; do [ -f "$toolkit/include/cuda.h" ] && break; done
[ -f "$toolkit/include/cuda.h" ] || { echo "skipped: no cuda.h in /usr/local/cuda*; set CUDA_HOME"; exit 77; }
room=$(mktemp -d) || exit 2
trap 'rm -rf "$room"' EXIT
# Every number that our header gives a name.
sed -n 's/^ *X(\(CUDA_[A-Z0-9_]*\), .*/NUMBER(\1)/p' "$include/pagoda/cuda_driver.h" >"$room/layout_numbers.inc"
grep -oE '\b(CU|CUDA)_[A-Z0-9_]+ = [0-9]+' "$include/pagoda/cuda_driver.h" | sed 's/ =.*//; s/.*/NUMBER(&)/' >>"$room/layout_numbers.inc"
[ "$(wc -l <"$room/layout_numbers.inc")" -gt 150 ] || { echo "the numbers of the header were not found"; exit 1; }
"$cc" -std=c17 -I"$room" -I"$include" "$here/layout.c" -o "$room/ours" || exit 1
"$cc" -std=c17 -DUSE_NVIDIA_HEADER -I"$room" -I"$toolkit/include" "$here/layout.c" -o "$room/theirs" || exit 1
"$room/ours" >"$room/ours.txt" && "$room/theirs" >"$room/theirs.txt" || exit 1
diff "$room/ours.txt" "$room/theirs.txt" || { echo "these differ from $toolkit/include/cuda.h"; exit 1; }
echo "$(wc -l <"$room/ours.txt") sizes, places and numbers agree"
