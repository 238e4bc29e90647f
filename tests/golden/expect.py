# SPDX-License-Identifier: Apache-2.0
"""What NumPy and ml_dtypes give for arithmetic and conversions of f16, bf16, tf32, e4m3 and e5m2, as a golden file:

    record --operands operands.bin;  python expect.py operands.bin numpy.golden    (numpy 2.3.4, ml_dtypes 0.5.3)

Where they have the operation itself, theirs is taken; directed roundings, fused operations and what they would round twice are computed in fractions, between the
two neighbours of the format that they name."""
import bisect
import functools
import sys
from fractions import Fraction

import ml_dtypes
import numpy as np

TYPES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64, "e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2}
BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
HALVES = {"f16x2": "f16", "bf16x2": "bf16", "e4m3x2": "e4m3", "e5m2x2": "e5m2"}


def values(name, cells):
    """Numbers of a type in the lower bits of cells."""
    kind = TYPES[name]
    return cells.astype(BITS[np.dtype(kind).itemsize]).view(kind)


def split(name, cells):
    """The lower and the upper element of packed cells."""
    width = 8 * np.dtype(TYPES[HALVES[name]]).itemsize
    return values(HALVES[name], cells & ((1 << width) - 1)), values(HALVES[name], cells >> width)


def bits(array):
    return array.view(BITS[array.dtype.itemsize])


@functools.cache
def ladder(kind):
    """All finite numbers of a format of at most 16 bits that are not negative, in order: their bits are their places."""
    width = 8 * np.dtype(kind).itemsize
    numbers = np.arange(1 << (width - 1), dtype=BITS[width // 8]).view(kind).astype(np.float64)
    return [float(x) for x in numbers[np.isfinite(numbers)]]


def rounded(x, kind, mode):
    """A fraction in a format, as bits. Ties go to the even one."""
    numbers, negative = ladder(kind), x < 0
    sign = 1 << (8 * np.dtype(kind).itemsize - 1) if negative else 0
    below = bisect.bisect_right(numbers, abs(x)) - 1  # comparisons of fractions and floats are exact
    rest = abs(x) - Fraction(numbers[below])
    if rest == 0 or mode == "rz" or (mode == "rm" and not negative) or (mode == "rp" and negative):
        return below | sign
    if mode in ("rm", "rp"):
        return (below + 1) | sign
    step = Fraction(numbers[below + 1]) - Fraction(numbers[below]) if below + 1 < len(numbers) else Fraction(numbers[below]) - Fraction(numbers[below - 1])
    up = rest * 2 > step or (rest * 2 == step and below % 2 == 1)
    return (below + up) | sign


def fraction_or_none(value):
    value = float(value)
    return Fraction(value) if np.isfinite(value) else None


def fused(a, b, c, kind):
    out = np.zeros(len(a), dtype=kind)
    plain = (a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)).astype(kind)  # infinities, NaN, zeros and their signs
    for k in range(len(a)):
        parts = [fraction_or_none(v[k]) for v in (a, b, c)]
        if None in parts or parts[0] * parts[1] + parts[2] == 0:
            out[k] = plain[k]
        else:
            bits(out)[k] = rounded(parts[0] * parts[1] + parts[2], kind, "rn")
    return out


def converted(source, kind, mode):
    if mode == "rn" and source.dtype in (np.float32, np.float16, ml_dtypes.bfloat16):
        return source.astype(np.float32).astype(kind)
    out = np.zeros(len(source), dtype=kind)
    for k, value in enumerate(source):
        if np.issubdtype(source.dtype, np.integer):
            x = Fraction(int(value))
        else:
            x = fraction_or_none(value)
        if x is None or x == 0:
            out[k] = kind(float(value))
        else:
            bits(out)[k] = rounded(x, kind, mode)
    return out


def finished(words, array):
    """ftz, sat and relu."""
    kind = array.dtype.type
    wide = array.astype(np.float64)
    if "ftz" in words and kind in (np.float16,):
        small = np.abs(wide) < float(np.finfo(np.float16).smallest_normal)
        array = np.where(small, np.copysign(np.zeros_like(array), array), array)
        wide = array.astype(np.float64)
    if "sat" in words:
        array = np.where(np.isnan(wide) | (wide <= 0), kind(0), np.where(wide > 1, kind(1), array)).astype(kind)
    if "relu" in words:
        array = np.where(wide <= 0, kind(0), array).astype(kind)
    return array


def flushed(words, array):
    if "ftz" not in words or array.dtype not in (np.float16, np.float32):
        return array
    small = np.abs(array.astype(np.float64)) < float(np.finfo(array.dtype).smallest_normal)
    return np.where(small, np.copysign(np.zeros_like(array), array), array)


def arithmetic(row, words, a, b, c):
    a, b, c = (None if x is None else flushed(words, x) for x in (a, b, c))
    kind = a.dtype.type
    if row.startswith("FMA"):
        return finished(words, fused(a, b, c, kind))
    return finished(words, {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}[row[:3]](a, b))


def narrow(array, name):
    """Eight bits, satfinite: beyond the greatest number comes that number."""
    kind = TYPES[name]
    most = 448.0 if name == "e4m3" else 57344.0
    wide = array.astype(np.float32)
    out = np.where(np.isnan(wide), wide, np.clip(wide, -most, most)).astype(kind)
    return np.where(np.isnan(wide), np.array([0x7F], dtype=np.uint8).view(kind)[0], out).astype(kind)


def joined(low, high):
    width = 8 * low.dtype.itemsize
    return (bits(low).astype(np.uint64) | bits(high).astype(np.uint64) << width).astype(BITS[2 * low.dtype.itemsize])


def to_tf32(words, cells):
    raw = cells.astype(np.uint32)
    wide = raw.view(np.float32)
    step = {"rz": 0, "rna": 0x1000, "rn": 0xFFF}[next(w for w in words if w in ("rz", "rna", "rn"))]
    grown = raw.astype(np.uint64) + step + (((raw >> 13) & 1) if "rn" in words else 0)
    out = (grown & 0xFFFFE000).astype(np.uint32)
    out = np.where(np.isinf(wide), raw, out)
    out = np.where(np.isnan(wide), np.uint32(0x7FFFE000), out)
    return np.where(wide <= 0, np.uint32(0), out) if "relu" in words else out


def results(row, words, inputs, types):
    """One result column, or None where this is not for NumPy."""
    integers = {f"{s}{n}": np.dtype(f"{'i' if s == 's' else 'u'}{n // 8}") for s in "us" for n in (8, 16, 32, 64)}
    if not words:
        return None
    to, source = words[-2:] if row.startswith("CVT_") else (words[-1], None)
    mode = next((w for w in words if w in ("rn", "rz", "rm", "rp")), "rn")
    if row in ("ADD_F16", "SUB_F16", "MUL_F16", "FMA_F16", "ADD_BF16", "SUB_BF16", "MUL_BF16", "FMA_BF16"):
        three = list(inputs) + [None] * (3 - len(inputs))
        if to in HALVES:
            halves = [(None, None) if x is None else split(to, x) for x in three]
            return joined(*(arithmetic(row, words, *(h[k] for h in halves)) for k in (0, 1)))
        return bits(arithmetic(row, words, *(None if x is None else values(to, x) for x in three)))
    if row == "CVT_FROM_INT" and to in ("f16", "bf16"):
        numbers = inputs[0].astype(BITS[integers[source].itemsize]).view(integers[source])
        return bits(finished(words, converted(numbers, TYPES[to], mode)))
    if row == "CVT_NARROW_HALF":
        return bits(finished([w for w in words if w != "ftz"], converted(flushed(words if source == "f32" else [], values(source, inputs[0])), TYPES[to], mode)))
    if row in ("CVT_WIDEN", "CVT_WIDEN_F64") and source in ("f16", "bf16") and "ftz" not in words:
        return bits(finished(words, values(source, inputs[0]).astype(TYPES[to])))
    if row == "CVT_PAIR":
        high, low = (finished(words, converted(values("f32", x), TYPES[HALVES[to]], mode)) for x in inputs)
        return joined(low, high)
    if row == "CVT_TF32":
        return to_tf32(words, inputs[0])
    if row == "CVT_FP8":
        high, low = (finished(words, narrow(values("f32", x), HALVES[to])) for x in inputs)
        return joined(low, high)
    if row == "CVT_FP8_HALVES":
        low, high = (finished(words, narrow(x, HALVES[to])) for x in split("f16x2", inputs[0]))
        return joined(low, high)
    if row == "CVT_FROM_FP8":
        low, high = (finished(words, x.astype(np.float16)) for x in split(source, inputs[0]))
        return joined(low, high)
    return None


def coded(raw):
    """Runs of zeros and of other bytes, at most 127 long (golden_file.h)."""
    out, at = bytearray(), 0
    while at < len(raw):
        end = at
        zeros = raw[at] == 0
        while end < len(raw) and end - at < 127 and (raw[end] == 0) == zeros:
            end += 1
        out += bytes([128 + end - at]) if zeros else bytes([end - at]) + bytes(raw[at:end])
        at = end
    return bytes(out)


def main(operands, path):
    text = open(operands, "rb").read()
    out = open(path, "wb")
    out.write(f"pagoda golden 1\ndevice: numpy {np.__version__}, ml_dtypes {ml_dtypes.__version__}\nnan: any\n\n".encode())
    last, at, cases = {}, 0, 0
    np.seterr(all="ignore")
    while at < len(text):
        line = text[at : text.index(b"\n", at)].decode().split()
        at = text.index(b"\n", at) + 1
        name, digest, threads, inputs, outputs = line[0], line[1], int(line[2]), int(line[3]), int(line[4])
        cells = np.frombuffer(text, dtype="<u8", count=threads * inputs, offset=at).reshape(inputs, threads)
        at += 8 * threads * inputs
        row, *words = name.split("#")[0].split("/")[0].split(".")
        column = results(row, words, list(cells), line[5:]) if outputs == 1 else None
        if column is None:
            continue
        raw = np.ascontiguousarray(column).tobytes()
        before = last.get(len(raw), bytes(len(raw)))
        code = coded([a ^ b for a, b in zip(raw, before)])
        last[len(raw)] = raw
        out.write(f"{name} ok {digest} {len(raw)} {len(code)}\n".encode() + code)
        cases += 1
    out.write(b"end 0 0 0 0\n")
    print(f"{cases} cases, {out.tell()} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
