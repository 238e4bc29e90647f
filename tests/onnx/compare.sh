#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Skipped (77) where no Python has ONNX Runtime.
python=${PAGODA_PYTHON:-python3}
"$python" -c 'import onnx, onnxruntime' 2>/dev/null || { echo "skipped: $python has no onnx and onnxruntime"; exit 77; }
exec "$python" "$(dirname "$0")/compare.py" "$1"
