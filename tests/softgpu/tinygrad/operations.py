# SPDX-License-Identifier: Apache-2.0
"""Operations of tinygrad's Tensor, each with what NumPy says it gives. Inputs are small: kernels run on the software GPU.

op(name, tinygrad's function, NumPy's function, inputs..., grad=True): gradients are held against central differences of NumPy's function in float64.
"""
import math

import numpy as np
from tinygrad import Tensor, dtypes

OPERATIONS = []


def op(name, tiny, numpy, *inputs, grad=True, tol=2e-5):
    OPERATIONS.append((name, tiny, numpy, inputs, grad, tol))


# ---- inputs: (kind, shape, ...) -----------------------------------------------------------------------------------------------------------------------------
def F(*shape): return ("normal", shape)
def P(*shape): return ("positive", shape)      # 0.5 to 2
def U(*shape): return ("unit", shape)          # -0.9 to 0.9
def A(*shape): return ("apart", shape)         # no two alike, none near 0
def I(low, high, *shape): return ("int", shape, low, high)
def B(*shape): return ("bool", shape)
def H(*shape): return ("half", shape)


def make(spec, rng):
    kind, shape = spec[0], spec[1]
    count = int(np.prod(shape))
    if kind == "normal": return rng.normal(size=shape).astype(np.float32)
    if kind == "positive": return rng.uniform(0.5, 2, size=shape).astype(np.float32)
    if kind == "unit": return rng.uniform(-0.9, 0.9, size=shape).astype(np.float32)
    if kind == "apart": return ((rng.permutation(count) - count / 2 + 0.3) / 2).reshape(shape).astype(np.float32)
    if kind == "int": return rng.integers(spec[2], spec[3], size=shape).astype(np.int32)
    if kind == "bool": return rng.integers(0, 2, size=shape).astype(bool)
    return rng.normal(size=shape).astype(np.float16)


# ---- of one element ------------------------------------------------------------------------------------------------------------------------------------------
def sigmoid(x): return 1 / (1 + np.exp(-x))
def softplus(x): return np.log1p(np.exp(x))
erf = np.vectorize(math.erf)

op("neg", lambda x: -x, np.negative, F(3, 4))
op("abs", lambda x: x.abs(), np.abs, A(3, 4))
op("square", lambda x: x.square(), np.square, F(3, 4))
op("sqrt", lambda x: x.sqrt(), np.sqrt, P(3, 4))
op("rsqrt", lambda x: x.rsqrt(), lambda x: x ** -0.5, P(3, 4))
op("reciprocal", lambda x: x.reciprocal(), lambda x: 1 / x, P(3, 4))
op("exp", lambda x: x.exp(), np.exp, F(3, 4))
op("exp2", lambda x: x.exp2(), np.exp2, F(3, 4))
op("log", lambda x: x.log(), np.log, P(3, 4))
op("log2", lambda x: x.log2(), np.log2, P(3, 4))
op("log10", lambda x: x.log10(), np.log10, P(3, 4))
op("sin", lambda x: x.sin(), np.sin, F(3, 4))
op("cos", lambda x: x.cos(), np.cos, F(3, 4))
op("tan", lambda x: x.tan(), np.tan, U(3, 4))
op("asin", lambda x: x.asin(), np.arcsin, U(3, 4), tol=1e-3)
op("acos", lambda x: x.acos(), np.arccos, U(3, 4), tol=1e-3)
op("atan", lambda x: x.atan(), np.arctan, F(3, 4), tol=1e-3)
op("sinh", lambda x: x.sinh(), np.sinh, F(3, 4))
op("cosh", lambda x: x.cosh(), np.cosh, F(3, 4))
op("tanh", lambda x: x.tanh(), np.tanh, F(3, 4))
op("asinh", lambda x: x.asinh(), np.arcsinh, F(3, 4), tol=1e-4)
op("acosh", lambda x: (x + 1).acosh(), lambda x: np.arccosh(x + 1), P(3, 4), tol=1e-4)
op("atanh", lambda x: x.atanh(), np.arctanh, U(3, 4), tol=1e-4)
op("erf", lambda x: x.erf(), erf, F(3, 4))
op("sign", lambda x: x.sign(), np.sign, A(3, 4))
op("ceil", lambda x: x.ceil(), np.ceil, F(3, 4), grad=False)
op("floor", lambda x: x.floor(), np.floor, F(3, 4), grad=False)
op("trunc", lambda x: x.trunc(), np.trunc, F(3, 4), grad=False)
op("round", lambda x: x.round(), np.round, F(3, 4), grad=False)
op("relu", lambda x: x.relu(), lambda x: np.maximum(x, 0), A(3, 4))
op("relu6", lambda x: (x * 4).relu6(), lambda x: np.clip(x * 4, 0, 6), A(3, 4))
op("leaky_relu", lambda x: x.leaky_relu(0.1), lambda x: np.where(x > 0, x, 0.1 * x), A(3, 4))
op("elu", lambda x: x.elu(), lambda x: np.where(x > 0, x, np.expm1(x)), A(3, 4))
op("celu", lambda x: x.celu(2), lambda x: np.maximum(x, 0) + np.minimum(0, 2 * np.expm1(x / 2)), A(3, 4))
op("selu", lambda x: x.selu(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)), A(3, 4))
op("sigmoid", lambda x: x.sigmoid(), sigmoid, F(3, 4))
op("logsigmoid", lambda x: x.logsigmoid(), lambda x: -softplus(-x), F(3, 4))
op("hardsigmoid", lambda x: x.hardsigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1), A(3, 4))
op("hardswish", lambda x: x.hardswish(), lambda x: x * np.clip(x + 3, 0, 6) / 6, A(3, 4))
op("hardtanh", lambda x: x.hardtanh(), lambda x: np.clip(x, -1, 1), A(3, 4))
op("silu", lambda x: x.silu(), lambda x: x * sigmoid(x), F(3, 4))
op("swish", lambda x: x.swish(), lambda x: x * sigmoid(x), F(2, 3))
op("gelu", lambda x: x.gelu(), lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))), F(3, 4))
op("quick_gelu", lambda x: x.quick_gelu(), lambda x: x * sigmoid(1.702 * x), F(3, 4))
op("mish", lambda x: x.mish(), lambda x: x * np.tanh(softplus(x)), F(3, 4))
op("softplus", lambda x: x.softplus(), softplus, F(3, 4))
op("softsign", lambda x: x.softsign(), lambda x: x / (1 + np.abs(x)), A(3, 4))
op("clamp", lambda x: x.clamp(-0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5), A(3, 4))
op("clip below", lambda x: x.clip(min_=0.1), lambda x: np.maximum(x, 0.1), A(3, 4))
op("isnan", lambda x: x.log().isnan(), lambda x: np.isnan(np.log(x)), A(3, 4), grad=False)
op("isinf", lambda x: (x * 0).log().isinf(), lambda x: np.isinf(np.log(x * 0)), P(3, 4), grad=False)
op("isfinite", lambda x: x.log().isfinite(), lambda x: np.isfinite(np.log(x)), A(3, 4), grad=False)
op("logical_not", lambda x: x.logical_not(), np.logical_not, B(3, 4), grad=False)
op("bitwise_not", lambda x: x.bitwise_not(), np.bitwise_not, I(-9, 9, 3, 4), grad=False)
op("cast to int", lambda x: (x * 3).cast(dtypes.int32), lambda x: np.trunc(x * 3), F(3, 4), grad=False)
op("cast to half", lambda x: x.cast(dtypes.float16), lambda x: x.astype(np.float16), F(3, 4), grad=False, tol=1e-6)
op("cast to bfloat16", lambda x: x.cast(dtypes.bfloat16).contiguous().cast(dtypes.float32), lambda x: bfloat16(x), F(3, 4), grad=False, tol=1e-6)
op("cast to double", lambda x: x.double() / 3, lambda x: x / 3, F(3, 4), grad=False, tol=1e-12)
op("cast to long", lambda x: x.long() * 5000000000, lambda x: x.astype(np.int64) * 5000000000, I(-9, 9, 3, 4), grad=False)
op("cast to uint8", lambda x: x.cast(dtypes.uint8), lambda x: x.astype(np.uint8), I(0, 255, 3, 4), grad=False)
op("cast to bool", lambda x: x.bool(), lambda x: x != 0, I(-1, 2, 3, 4), grad=False)
op("bitcast", lambda x: x.bitcast(dtypes.int32), lambda x: x.astype(np.float32).view(np.int32), F(3, 4), grad=False)


def bfloat16(x):
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000).astype(np.uint32).view(np.float32)


# ---- of two ----------------------------------------------------------------------------------------------------------------------------------------------------
op("add", lambda a, b: a + b, np.add, F(3, 4), F(3, 4))
op("add, broadcast", lambda a, b: a + b, np.add, F(3, 1), F(1, 4))
op("sub", lambda a, b: a - b, np.subtract, F(3, 4), F(4))
op("mul", lambda a, b: a * b, np.multiply, F(3, 4), F(3, 4))
op("div", lambda a, b: a / b, np.divide, F(3, 4), P(3, 4))
op("pow", lambda a, b: a ** b, np.power, P(3, 4), F(3, 4))
op("pow, constant", lambda a: a ** 3, lambda a: a ** 3, F(3, 4))
op("pow of a constant", lambda a: 2 ** a, lambda a: 2 ** a, F(3, 4))
op("maximum", lambda a, b: a.maximum(b), np.maximum, A(3, 4), F(3, 4))
op("minimum", lambda a, b: a.minimum(b), np.minimum, A(3, 4), F(3, 4))
op("fmod", lambda a, b: a.fmod(b), np.fmod, A(3, 4), P(3, 4), grad=False)
op("mod", lambda a, b: a.mod(b), np.mod, I(-20, 20, 3, 4), I(1, 7, 3, 4), grad=False)
op("integer division", lambda a, b: a // b, np.floor_divide, I(-20, 20, 3, 4), I(1, 7, 3, 4), grad=False)
op("integer add", lambda a, b: a + b, np.add, I(-99, 99, 3, 4), I(-99, 99, 3, 4), grad=False)
op("integer mul", lambda a, b: a * b, np.multiply, I(-99, 99, 3, 4), I(-99, 99, 3, 4), grad=False)
op("bitwise_and", lambda a, b: a & b, np.bitwise_and, I(-99, 99, 3, 4), I(-99, 99, 3, 4), grad=False)
op("bitwise_or", lambda a, b: a | b, np.bitwise_or, I(-99, 99, 3, 4), I(-99, 99, 3, 4), grad=False)
op("bitwise_xor", lambda a, b: a ^ b, np.bitwise_xor, I(-99, 99, 3, 4), I(-99, 99, 3, 4), grad=False)
op("lshift", lambda a: a.cast(dtypes.uint32).lshift(3), lambda a: a << 3, I(0, 99, 3, 4), grad=False)
op("rshift", lambda a: a.cast(dtypes.uint32).rshift(2), lambda a: a >> 2, I(0, 99, 3, 4), grad=False)
op("eq", lambda a, b: a == b, np.equal, I(0, 3, 3, 4), I(0, 3, 3, 4), grad=False)
op("ne", lambda a, b: a != b, np.not_equal, I(0, 3, 3, 4), I(0, 3, 3, 4), grad=False)
op("less", lambda a, b: a < b, np.less, F(3, 4), F(3, 4), grad=False)
op("greater", lambda a, b: a > b, np.greater, F(3, 4), F(3, 4), grad=False)
op("less or equal", lambda a, b: a <= b, np.less_equal, I(0, 3, 3, 4), I(0, 3, 3, 4), grad=False)
op("greater or equal", lambda a, b: a >= b, np.greater_equal, I(0, 3, 3, 4), I(0, 3, 3, 4), grad=False)
op("where", lambda c, a, b: c.where(a, b), np.where, B(3, 4), F(3, 4), F(3, 4), grad=False)
op("where, gradient", lambda a, b: (a > 0).where(a, b), lambda a, b: np.where(a > 0, a, b), A(3, 4), F(3, 4))
op("lerp", lambda a, b, w: a.lerp(b, w), lambda a, b, w: a + (b - a) * w, F(3, 4), F(3, 4), U(3, 4))
op("logaddexp", lambda a, b: a.logaddexp(b), np.logaddexp, F(3, 4), F(3, 4))
op("copysign", lambda a, b: a.copysign(b), np.copysign, A(3, 4), A(3, 4), grad=False)
op("masked_fill", lambda a, m: a.masked_fill(m, 7.0), lambda a, m: np.where(m, 7, a), F(3, 4), B(3, 4), grad=False)
op("isclose", lambda a, b: a.isclose(b), np.isclose, I(0, 2, 3, 4), I(0, 2, 3, 4), grad=False)
op("half add", lambda a, b: a + b, lambda a, b: (a.astype(np.float16) + b.astype(np.float16)), H(3, 4), H(3, 4), grad=False, tol=1e-3)
op("half mul", lambda a, b: a * b, lambda a, b: (a.astype(np.float16) * b.astype(np.float16)), H(3, 4), H(3, 4), grad=False, tol=1e-3)

# ---- reductions --------------------------------------------------------------------------------------------------------------------------------------------------
op("sum", lambda x: x.sum(), np.sum, F(4, 5))
op("sum, axis 0", lambda x: x.sum(axis=0), lambda x: x.sum(axis=0), F(4, 5))
op("sum, two axes", lambda x: x.sum(axis=(0, 2)), lambda x: x.sum(axis=(0, 2)), F(2, 3, 4))
op("sum, kept", lambda x: x.sum(axis=1, keepdim=True), lambda x: x.sum(axis=1, keepdims=True), F(4, 5))
op("sum of integers", lambda x: x.sum(), np.sum, I(-99, 99, 40), grad=False)
op("mean", lambda x: x.mean(), np.mean, F(4, 5))
op("mean, axis 1", lambda x: x.mean(axis=1), lambda x: x.mean(axis=1), F(4, 5))
op("max", lambda x: x.max(), np.max, A(4, 5))
op("max, axis 1", lambda x: x.max(axis=1), lambda x: x.max(axis=1), A(4, 5))
op("min", lambda x: x.min(), np.min, A(4, 5))
op("min, axis 0", lambda x: x.min(axis=0), lambda x: x.min(axis=0), A(4, 5))
op("prod", lambda x: x.prod(), np.prod, P(2, 3))
op("prod, axis 1", lambda x: x.prod(axis=1), lambda x: x.prod(axis=1), P(3, 4))
op("var", lambda x: x.var(), lambda x: x.var(ddof=1), F(4, 5))
op("var, uncorrected", lambda x: x.var(axis=1, correction=0), lambda x: x.var(axis=1), F(4, 5))
op("std", lambda x: x.std(), lambda x: x.std(ddof=1), F(4, 5))
op("std_mean", lambda x: x.std_mean(axis=0)[0] + x.std_mean(axis=0)[1], lambda x: x.std(axis=0, ddof=1) + x.mean(axis=0), F(4, 5))
op("argmax", lambda x: x.argmax(), np.argmax, A(4, 5), grad=False)
op("argmax, axis 1", lambda x: x.argmax(axis=1), lambda x: x.argmax(axis=1), A(4, 5), grad=False)
op("argmin", lambda x: x.argmin(axis=0), lambda x: x.argmin(axis=0), A(4, 5), grad=False)
op("any", lambda x: x.any(axis=1), lambda x: x.any(axis=1), B(4, 5), grad=False)
op("all", lambda x: x.all(axis=1), lambda x: x.all(axis=1), B(4, 5), grad=False)
op("logsumexp", lambda x: x.logsumexp(axis=1), lambda x: np.log(np.exp(x).sum(axis=1)), F(4, 5))
op("cumsum", lambda x: x.cumsum(axis=1), lambda x: x.cumsum(axis=1), F(3, 6))
op("cumprod", lambda x: x.cumprod(axis=1), lambda x: x.cumprod(axis=1), P(3, 4))
op("cummax", lambda x: x.cummax(axis=1)[0], lambda x: np.maximum.accumulate(x, axis=1), A(3, 6))
op("cummin", lambda x: x.cummin(axis=1)[0], lambda x: np.minimum.accumulate(x, axis=1), A(3, 6))
op("logcumsumexp", lambda x: x.logcumsumexp(axis=1), lambda x: np.log(np.cumsum(np.exp(x), axis=1)), F(3, 5))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


op("softmax", lambda x: x.softmax(), softmax, F(3, 5))
op("softmax, axis 0", lambda x: x.softmax(axis=0), lambda x: softmax(x, 0), F(3, 5))
op("log_softmax", lambda x: x.log_softmax(), lambda x: np.log(softmax(x)), F(3, 5))
op("softmin", lambda x: x.softmin(), lambda x: softmax(-x), F(3, 5))
op("normalize", lambda x: x.normalize(), lambda x: x / np.sqrt((x * x).sum(axis=1, keepdims=True)), F(3, 5))

# ---- shapes ------------------------------------------------------------------------------------------------------------------------------------------------------
op("reshape", lambda x: x.reshape(6, 2) * 2, lambda x: x.reshape(6, 2) * 2, F(3, 4))
op("view", lambda x: x.view(-1, 3) + 1, lambda x: x.reshape(-1, 3) + 1, F(3, 4))
op("permute", lambda x: x.permute(2, 0, 1).contiguous(), lambda x: x.transpose(2, 0, 1), F(2, 3, 4))
op("transpose", lambda x: x.transpose(0, 1).contiguous(), lambda x: x.T, F(3, 4))
op("T", lambda x: x.T.contiguous(), lambda x: x.T, F(2, 5))
op("expand", lambda x: x.expand(3, 4).contiguous(), lambda x: np.broadcast_to(x, (3, 4)), F(1, 4))
op("flatten", lambda x: x.flatten(1) * 1.5, lambda x: x.reshape(2, -1) * 1.5, F(2, 3, 2))
op("unflatten", lambda x: x.unflatten(1, (2, 3)) * 1.5, lambda x: x.reshape(2, 2, 3) * 1.5, F(2, 6))
op("squeeze", lambda x: x.squeeze(1) + 1, lambda x: x.squeeze(1) + 1, F(3, 1, 2))
op("unsqueeze", lambda x: x.unsqueeze(1) + 1, lambda x: x[:, None] + 1, F(3, 2))
op("flip", lambda x: x.flip(0, 1).contiguous(), lambda x: x[::-1, ::-1], F(3, 4))
op("roll", lambda x: x.roll(1, 1).contiguous(), lambda x: np.roll(x, 1, 1), F(3, 4))
op("repeat", lambda x: x.repeat(2, 3).contiguous(), lambda x: np.tile(x, (2, 3)), F(2, 2))
op("repeat_interleave", lambda x: x.repeat_interleave(2, dim=1).contiguous(), lambda x: np.repeat(x, 2, axis=1), F(2, 3))
op("pad", lambda x: x.pad((1, 2, 0, 1)).contiguous(), lambda x: np.pad(x, ((0, 1), (1, 2))), F(2, 3))
op("pad, reflected", lambda x: x.pad((1, 1, 1, 1), mode="reflect").contiguous(), lambda x: np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect"), F(1, 1, 3, 4))
op("pad, repeated", lambda x: x.pad((1, 1, 1, 1), mode="replicate").contiguous(), lambda x: np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge"), F(1, 1, 3, 4))
op("pad, circular", lambda x: x.pad((1, 1, 0, 1), mode="circular").contiguous(), lambda x: np.pad(x, ((0, 0), (0, 0), (0, 1), (1, 1)), mode="wrap"), F(1, 1, 3, 4))
op("shrink", lambda x: x.shrink(((1, 3), (0, 2))).contiguous(), lambda x: x[1:3, 0:2], F(4, 4))
op("slice", lambda x: x[1:, ::2].contiguous(), lambda x: x[1:, ::2], F(4, 5))
op("index", lambda x: x[2] + 0, lambda x: x[2], F(4, 5))
op("index by a list", lambda x: x[[2, 0, 2]], lambda x: x[[2, 0, 2]], F(4, 3))
op("index by a tensor", lambda x, i: x[i], lambda x, i: x[i], F(4, 3), I(0, 4, 5), grad=False)
op("gather", lambda x, i: x.gather(1, i), lambda x, i: np.take_along_axis(x, i, 1), F(3, 4), I(0, 4, 3, 2), grad=False)
op("scatter", lambda x, i: x.scatter(1, i, 5.0), lambda x, i: scattered(x, i), F(3, 4), I(0, 4, 3, 1), grad=False)
op("cat", lambda a, b: a.cat(b, dim=1), lambda a, b: np.concatenate([a, b], 1), F(2, 3), F(2, 2))
op("stack", lambda a, b: a.stack(b, dim=1), lambda a, b: np.stack([a, b], 1), F(2, 3), F(2, 3))
op("split", lambda x: x.split(2, dim=1)[1] * 2, lambda x: x[:, 2:4] * 2, F(2, 6))
op("chunk", lambda x: x.chunk(3, dim=1)[2] * 2, lambda x: x[:, 4:] * 2, F(2, 6))
op("unfold", lambda x: x.unfold(1, 3, 2).contiguous(), lambda x: np.stack([x[:, 0:3], x[:, 2:5]], 1), F(2, 6))
op("tril", lambda x: x.tril(), np.tril, F(4, 4))
op("triu", lambda x: x.triu(1), lambda x: np.triu(x, 1), F(4, 4))
op("diag", lambda x: x.diag(), np.diag, F(4))
op("diagonal", lambda x: x.diagonal().contiguous(), np.diagonal, F(4, 4))
op("meshgrid", lambda a, b: a.meshgrid(b)[0] * a.meshgrid(b)[1], lambda a, b: np.multiply(*np.meshgrid(a, b, indexing="ij")), F(3), F(4))
op("rearrange", lambda x: x.rearrange("a b c -> c (a b)").contiguous(), lambda x: x.transpose(2, 0, 1).reshape(4, 6), F(2, 3, 4))
op("one_hot", lambda i: i.one_hot(5), lambda i: np.eye(5)[i], I(0, 5, 6), grad=False)
op("sort", lambda x: x.sort(dim=1)[0], lambda x: np.sort(x, axis=1), A(2, 6), grad=False)
op("argsort", lambda x: x.argsort(dim=1), lambda x: np.argsort(x, axis=1), A(2, 6), grad=False)
op("topk", lambda x: x.topk(2, dim=1)[0], lambda x: -np.sort(-x, axis=1)[:, :2], A(2, 5), grad=False)
op("masked_select", lambda x: x.masked_select(x > 0), lambda x: x[x > 0], A(3, 4), grad=False)
op("nonzero", lambda x: x.nonzero(), lambda x: np.argwhere(x), I(0, 2, 3, 4), grad=False)
op("interpolate", lambda x: x.interpolate((4, 6), mode="nearest").contiguous(), lambda x: x.repeat(2, 2).repeat(2, 3), F(1, 1, 2, 3))


def scattered(x, i):
    y = x.copy()
    np.put_along_axis(y, i, 5.0, 1)
    return y


# ---- making tensors -------------------------------------------------------------------------------------------------------------------------------------------------
op("arange", lambda x: Tensor.arange(2, 20, 3) + x, lambda x: np.arange(2, 20, 3) + x, F(6))
op("linspace", lambda x: Tensor.linspace(-1, 1, 5) * x, lambda x: np.linspace(-1, 1, 5) * x, F(5))
op("eye", lambda x: Tensor.eye(3) + x, lambda x: np.eye(3) + x, F(3, 3))
op("full", lambda x: Tensor.full((2, 3), 4.5) * x, lambda x: np.full((2, 3), 4.5) * x, F(2, 3))
op("ones_like", lambda x: x.ones_like() + x, lambda x: 1 + x, F(2, 3))
op("zeros", lambda x: Tensor.zeros(2, 3).contiguous() + x, lambda x: x, F(2, 3))

# ---- matrices -------------------------------------------------------------------------------------------------------------------------------------------------------
op("matmul", lambda a, b: a @ b, np.matmul, F(3, 4), F(4, 5))
op("matmul, batch", lambda a, b: a @ b, np.matmul, F(2, 3, 4), F(2, 4, 3))
op("matmul, larger", lambda a, b: a @ b, np.matmul, F(20, 33), F(33, 17), grad=False, tol=1e-4)
op("matmul, half", lambda a, b: a @ b, lambda a, b: a @ b, H(8, 16), H(16, 8), grad=False, tol=2e-2)
op("matmul of integers", lambda a, b: a @ b, np.matmul, I(-9, 9, 3, 4), I(-9, 9, 4, 5), grad=False)
op("dot", lambda a, b: a.dot(b), np.dot, F(6), F(6))
op("matrix times vector", lambda a, b: a @ b, np.matmul, F(4, 6), F(6))
op("linear", lambda x, w, b: x.linear(w, b), lambda x, w, b: x @ w + b, F(3, 4), F(4, 5), F(5))
op("einsum", lambda a, b: Tensor.einsum("bij,bjk->bki", a, b), lambda a, b: np.einsum("bij,bjk->bki", a, b), F(2, 3, 4), F(2, 4, 2))
op("einsum, trace", lambda a: Tensor.einsum("ii->i", a).contiguous(), lambda a: np.einsum("ii->i", a), F(4, 4))
op("attention", lambda q, k, v: q.scaled_dot_product_attention(k, v), lambda q, k, v: softmax(q @ k.swapaxes(-1, -2) / 2) @ v, F(1, 2, 3, 4), F(1, 2, 3, 4), F(1, 2, 3, 4))
op("attention, causal", lambda q, k, v: q.scaled_dot_product_attention(k, v, is_causal=True), lambda q, k, v: softmax(np.where(np.tril(np.ones((3, 3))) > 0, q @ k.swapaxes(-1, -2) / 2, -np.inf)) @ v,
   F(1, 2, 3, 4), F(1, 2, 3, 4), F(1, 2, 3, 4))


# ---- convolutions, pools ------------------------------------------------------------------------------------------------------------------------------------------------
def conv(x, w, stride=1, pad=0, dilation=1, groups=1):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, c, h, wd = x.shape
    o, ci, kh, kw = w.shape
    oh, ow = (h - dilation * (kh - 1) - 1) // stride + 1, (wd - dilation * (kw - 1) - 1) // stride + 1
    y = np.zeros((n, o, oh, ow))
    for k in range(o):
        first = k // (o // groups) * ci
        for i in range(oh):
            for j in range(ow):
                part = x[:, first:first + ci, i * stride:i * stride + dilation * (kh - 1) + 1:dilation, j * stride:j * stride + dilation * (kw - 1) + 1:dilation]
                y[:, k, i, j] = (part * w[k]).sum(axis=(1, 2, 3))
    return y


def pooled(x, size, stride, how):
    n, c, h, w = x.shape
    oh, ow = (h - size) // stride + 1, (w - size) // stride + 1
    return np.stack([np.stack([how(x[:, :, i * stride:i * stride + size, j * stride:j * stride + size], axis=(2, 3)) for j in range(ow)], -1) for i in range(oh)], -2)


def transposed(x, w, stride):
    n, c, h, wd = x.shape
    _, o, kh, kw = w.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (wd - 1) * stride + kw))
    for i in range(h):
        for j in range(wd): y[:, :, i * stride:i * stride + kh, j * stride:j * stride + kw] += np.einsum("nc,cokl->nokl", x[:, :, i, j], w)
    return y


op("conv2d", lambda x, w: x.conv2d(w), conv, F(1, 2, 4, 4), F(3, 2, 3, 3))
op("conv2d, bias", lambda x, w, b: x.conv2d(w, b), lambda x, w, b: conv(x, w) + b[:, None, None], F(1, 2, 4, 4), F(2, 2, 3, 3), F(2))
op("conv2d, padded", lambda x, w: x.conv2d(w, padding=1), lambda x, w: conv(x, w, pad=1), F(1, 2, 3, 3), F(2, 2, 3, 3))
op("conv2d, stride 2", lambda x, w: x.conv2d(w, stride=2), lambda x, w: conv(x, w, stride=2), F(1, 2, 5, 5), F(2, 2, 3, 3))
op("conv2d, dilated", lambda x, w: x.conv2d(w, dilation=2), lambda x, w: conv(x, w, dilation=2), F(1, 1, 6, 6), F(2, 1, 3, 3))
op("conv2d, groups", lambda x, w: x.conv2d(w, groups=2), lambda x, w: conv(x, w, groups=2), F(1, 4, 4, 4), F(4, 2, 3, 3))
op("conv2d, depthwise", lambda x, w: x.conv2d(w, groups=3), lambda x, w: conv(x, w, groups=3), F(1, 3, 4, 4), F(3, 1, 3, 3))
op("conv2d, 1 x 1", lambda x, w: x.conv2d(w), conv, F(1, 3, 2, 2), F(4, 3, 1, 1))
op("conv1d", lambda x, w: x.conv2d(w), lambda x, w: conv(x[:, :, None], w[:, :, None])[:, :, 0], F(1, 2, 6), F(3, 2, 3))
op("conv_transpose2d", lambda x, w: x.conv_transpose2d(w), lambda x, w: transposed(x, w, 1), F(1, 2, 3, 3), F(2, 3, 2, 2))
op("conv_transpose2d, stride 2", lambda x, w: x.conv_transpose2d(w, stride=2), lambda x, w: transposed(x, w, 2), F(1, 2, 2, 2), F(2, 2, 3, 3))
op("max_pool2d", lambda x: x.max_pool2d(2), lambda x: pooled(x, 2, 2, np.max), A(1, 2, 4, 4))
op("max_pool2d, overlapping", lambda x: x.max_pool2d(3, stride=1), lambda x: pooled(x, 3, 1, np.max), A(1, 1, 5, 5))
op("avg_pool2d", lambda x: x.avg_pool2d(2), lambda x: pooled(x, 2, 2, np.mean), F(1, 2, 4, 4))
op("avg_pool2d, overlapping", lambda x: x.avg_pool2d(3, stride=1), lambda x: pooled(x, 3, 1, np.mean), F(1, 1, 5, 5))

# ---- normalisation, losses ------------------------------------------------------------------------------------------------------------------------------------------------
op("layernorm", lambda x: x.layernorm(), lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5), F(3, 5), tol=1e-4)
op("batchnorm", lambda x, w, b, m, v: x.batchnorm(w, b, m, v.rsqrt()), lambda x, w, b, m, v: (x - m[:, None]) / np.sqrt(v)[:, None] * w[:, None] + b[:, None], F(2, 3, 4), F(3), F(3), F(3), P(3))
op("binary_crossentropy", lambda x, y: x.sigmoid().binary_crossentropy(y.sigmoid()), lambda x, y: -(sigmoid(y) * np.log(sigmoid(x)) + (1 - sigmoid(y)) * np.log(1 - sigmoid(x))).mean(), F(3, 4), F(3, 4))
op("binary_crossentropy_logits", lambda x, y: x.binary_crossentropy_logits(y.sigmoid()), lambda x, y: (np.maximum(x, 0) - x * sigmoid(y) + np.log1p(np.exp(-np.abs(x)))).mean(), A(3, 4), F(3, 4))
op("cross_entropy", lambda x, y: x.cross_entropy(y.softmax()), lambda x, y: -(softmax(y) * np.log(softmax(x))).sum(1).mean(), F(3, 5), F(3, 5))
op("sparse_categorical_crossentropy", lambda x, i: x.sparse_categorical_crossentropy(i), lambda x, i: -np.log(softmax(x))[np.arange(3), i].mean(), F(3, 5), I(0, 5, 3), grad=False)
op("nll_loss", lambda x, i: x.log_softmax().nll_loss(i), lambda x, i: -np.log(softmax(x))[np.arange(3), i].mean(), F(3, 5), I(0, 5, 3), grad=False)
op("mean squared error", lambda a, b: (a - b).square().mean(), lambda a, b: ((a - b) ** 2).mean(), F(3, 4), F(3, 4))
op("two layers", lambda x, w, v: (x @ w).relu() @ v, lambda x, w, v: np.maximum(x @ w, 0) @ v, F(2, 3), F(3, 4), F(4, 2))

assert len({o[0] for o in OPERATIONS}) == len(OPERATIONS)
