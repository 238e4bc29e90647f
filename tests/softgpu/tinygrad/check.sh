#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh PAGODA: tinygrad's operations on the software GPU; all of them where PAGODA_TEST_FULL is set, else ten. Skipped (77) where no Python has tinygrad.
pagoda=$1
here=$(dirname "$0")
python=${PAGODA_TINYGRAD_PYTHON:-python3}
"$python" -c 'import numpy, tinygrad' 2>/dev/null || { echo "skipped: $python has no tinygrad and numpy; ./run test makes one that has where PyPI can be reached"; exit 77; }
cache=$(mktemp -d) || exit 2
trap 'rm -rf "$cache"' EXIT
count=10
[ -z "${PAGODA_TEST_FULL:-}" ] || count=100000
DEV=CUDA:PTX CACHEDB=$cache/tinygrad.db "$pagoda" gpu run --force -- "$python" "$here/check.py" --count $count
