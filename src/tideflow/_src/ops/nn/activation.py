"""Activation functions: operations of their own, each with its gradient operation, and functions made of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING, REAL
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import size
from tideflow._src.ops.dimensions import merge
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.elementwise_functions import renamed, unary
from tideflow._src.ops.math.gating import gated
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.math.unary import sigmoid
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

_RELU_TYPES = (*REAL, "qint8")

#: The two constants of the self-normalizing unit (https://arxiv.org/abs/1706.02515).
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def _same_shape(features: Any) -> Any:
    return features


def _merged_shape(gradients: Any, features: Any) -> Any:
    return merge(gradients, features)


def _check_same_shape(gradients: Any, features: Any) -> None:
    if gradients.shape != features.shape:
        raise ValueError(f"The two inputs must have the same shape, but got {gradients.shape} and {features.shape}")


def _activation_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.nonzero((2, 3), dtype))
    yield s(s.nonzero((), np.float32))
    yield s(s.empty(0, 2))
    yield s(np.float32([0.0, -0.0, np.nan, np.inf, -np.inf, 6.0, -30.0, 30.0]), gradient=False)


def _gradient_samples(s: Any, low: float = -3.0, high: float = 3.0) -> Any:
    """Yields gradients and features away from zero; ``low`` bounds what a gradient reads from the output."""
    for dtype in s.dtypes("T"):
        real = dtype.is_floating
        features = s.uniform(low, high, (2, 3), dtype) if real else s.array((2, 3), dtype)
        yield s(s.array((2, 3), dtype), features)
    yield s(s.empty(0, 2), s.empty(0, 2))
    yield s(s.normal(3), np.float32([0.0, -0.0, 6.0]), gradient=False)
    yield s(s.normal(2), s.normal(3), error="InvalidArgumentError")


# Rectifiers.


@op("Relu", "features: T -> activations: T", T=_RELU_TYPES)
def relu_op(xp, features):
    """Gives ``max(features, 0)``, element by element."""
    return xp.maximum(features, features.dtype.type(0))


_FLOAT32 = np.dtype(np.float32)
_ZERO = np.zeros((), np.float32)


def _relu_host(features: Any) -> Any:
    return np.maximum(features, _ZERO if features.dtype is _FLOAT32 else 0)


relu_op.host(_relu_host)
relu_op.shape(_same_shape)
relu_op.samples(_activation_samples)


@relu_op.gradient
def _relu_gradient(call, dy):
    return relu_grad(dy, call.outputs[0])


@op("ReluGrad", "gradients: T, features: T -> backprops: T", T=REAL)
def relu_grad(xp, gradients, features):
    """Multiplies gradients by 1 where the features (or the activations) are positive, by 0 elsewhere."""
    _check_same_shape(gradients, features)
    return gated(xp, gradients, features > 0)


relu_grad.shape(_merged_shape)
relu_grad.samples(_gradient_samples)


@relu_grad.gradient
def _relu_grad_gradient(call, dy):
    x = call.inputs[1]
    return relu_grad(dy, x), raw.ZerosLike(x)


@op("Relu6", "features: T -> activations: T", T=REAL)
def relu6_op(xp, features):
    """Gives ``min(max(features, 0), 6)``, element by element."""
    zero, six = features.dtype.type(0), features.dtype.type(6)
    return xp.minimum(xp.maximum(features, zero), six)


relu6_op.shape(_same_shape)
relu6_op.samples(_activation_samples)


@relu6_op.gradient
def _relu6_gradient(call, dy):
    return relu6_grad(dy, call.outputs[0])


@op("Relu6Grad", "gradients: T, features: T -> backprops: T", T=REAL)
def relu6_grad(xp, gradients, features):
    """Multiplies gradients by 1 where the features (or the activations) lie between 0 and 6, by 0 elsewhere."""
    _check_same_shape(gradients, features)
    return gated(xp, gradients, (features > 0) & (features < 6))


relu6_grad.shape(_merged_shape)
relu6_grad.samples(_gradient_samples)


@relu6_grad.gradient
def _relu6_grad_gradient(call, dy):
    x = call.inputs[1]
    return relu6_grad(dy, x), raw.ZerosLike(x)


def _slope(alpha: float, dtype: Any) -> Any:
    """Returns a float attribute, which has 32 bits, as a number of ``dtype``."""
    return dtype.type(np.float32(alpha))


@op("LeakyRelu", "features: T -> activations: T", T=default("float", FLOATING))
def leaky_relu_op(xp, features, *, alpha: float = 0.2):
    """Gives ``features`` where they are positive and ``alpha * features`` elsewhere."""
    return xp.where(features > 0, features, features * _slope(alpha, features.dtype))


leaky_relu_op.shape(_same_shape)


@leaky_relu_op.gradient
def _leaky_relu_gradient(call, dy):
    return leaky_relu_grad(dy, call.inputs[0], alpha=call.attr("alpha"))


@leaky_relu_op.samples
def _leaky_relu_samples(s):
    yield from _activation_samples(s)
    yield s(s.nonzero((4,)), alpha=0.5)
    yield s(s.nonzero((4,)), alpha=1.5)


@op("LeakyReluGrad", "gradients: T, features: T -> backprops: T", T=default("float", FLOATING))
def leaky_relu_grad(xp, gradients, features, *, alpha: float = 0.2):
    """Gives gradients where the features are positive and ``alpha * gradients`` elsewhere."""
    _check_same_shape(gradients, features)
    return xp.where(features > 0, gradients, gradients * _slope(alpha, features.dtype))


leaky_relu_grad.shape(_merged_shape)


@leaky_relu_grad.gradient
def _leaky_relu_grad_gradient(call, dy):
    x = call.inputs[1]
    return leaky_relu_grad(dy, x, alpha=call.attr("alpha")), raw.ZerosLike(x)


@leaky_relu_grad.samples
def _leaky_relu_grad_samples(s):
    yield from _gradient_samples(s)
    yield s(s.normal(4), s.nonzero((4,)), alpha=0.5)


# Exponential units.


@op("Elu", "features: T -> activations: T", T=FLOATING)
def elu_op(xp, features):
    """Gives ``features`` where they are positive and ``exp(features) - 1`` elsewhere."""
    return xp.where(features < 0, xp.expm1(features), features)


elu_op.shape(_same_shape)
elu_op.samples(_activation_samples)


@elu_op.gradient
def _elu_gradient(call, dy):
    return elu_grad(dy, call.outputs[0])


@op("EluGrad", "gradients: T, outputs: T -> backprops: T", T=FLOATING)
def elu_grad(xp, gradients, outputs):
    """Gives the gradient of ``Elu`` from its outputs."""
    _check_same_shape(gradients, outputs)
    return xp.where(outputs < 0, (outputs + outputs.dtype.type(1)) * gradients, gradients)


elu_grad.shape(_merged_shape)


@elu_grad.gradient
def _elu_grad_gradient(call, dy):
    gradients, outputs = call.inputs
    negative = raw.Less(outputs, 0)
    of_outputs = raw.SelectV2(negative, raw.Mul(dy, gradients), raw.ZerosLike(outputs))
    return elu_grad(dy, outputs), of_outputs


@elu_grad.samples
def _elu_grad_samples(s):
    yield from _gradient_samples(s, low=-0.9)


@op("Selu", "features: T -> activations: T", T=FLOATING)
def selu_op(xp, features):
    """Gives the scaled exponential linear unit, element by element."""
    kind = features.dtype.type
    return xp.where(features < 0, kind(_SELU_SCALE_ALPHA) * xp.expm1(features), kind(_SELU_SCALE) * features)


selu_op.shape(_same_shape)
selu_op.samples(_activation_samples)


@selu_op.gradient
def _selu_gradient(call, dy):
    return selu_grad(dy, call.outputs[0])


@op("SeluGrad", "gradients: T, outputs: T -> backprops: T", T=FLOATING)
def selu_grad(xp, gradients, outputs):
    """Gives the gradient of ``Selu`` from its outputs."""
    _check_same_shape(gradients, outputs)
    kind = outputs.dtype.type
    return xp.where(outputs < 0, gradients * (outputs + kind(_SELU_SCALE_ALPHA)), gradients * kind(_SELU_SCALE))


selu_grad.shape(_merged_shape)


@selu_grad.gradient
def _selu_grad_gradient(call, dy):
    gradients, outputs = call.inputs
    negative = raw.Less(outputs, 0)
    of_outputs = raw.SelectV2(negative, raw.Mul(dy, gradients), raw.ZerosLike(outputs))
    return selu_grad(dy, outputs), of_outputs


@selu_grad.samples
def _selu_grad_samples(s):
    yield from _gradient_samples(s, low=-1.5)


# Smooth functions.


@op("Softplus", "features: T -> activations: T", T=FLOATING)
def softplus_op(xp, features):
    """Gives ``log(1 + exp(features))`` without overflow, element by element."""
    # Beyond these bounds the logarithm is its argument, or the exponential itself, up to rounding.
    limit = features.dtype.type(-(np.log(float(_epsilon(features.dtype))) + 2.0))
    exponential = xp.exp(features)
    return xp.where(features > limit, features, xp.where(features < -limit, exponential, xp.log1p(exponential)))


def _epsilon(dtype: Any) -> float:
    return {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}[dtype.name]


softplus_op.shape(_same_shape)
softplus_op.samples(_activation_samples)


@softplus_op.gradient
def _softplus_gradient(call, dy):
    return raw.Mul(dy, raw.Sigmoid(call.inputs[0]))


@op("SoftplusGrad", "gradients: T, features: T -> backprops: T", T=FLOATING)
def softplus_grad(xp, gradients, features):
    """Gives the gradient of ``Softplus``: ``gradients / (exp(-features) + 1)``."""
    _check_same_shape(gradients, features)
    return gradients / (xp.exp(-features) + features.dtype.type(1))


softplus_grad.shape(_merged_shape)
softplus_grad.samples(_gradient_samples)


@softplus_grad.gradient
def _softplus_grad_gradient(call, dy):
    gradients, x = call.inputs
    denominator = raw.AddV2(raw.AddV2(raw.Exp(raw.Neg(x)), 2), raw.Exp(x))
    return softplus_grad(dy, x), raw.RealDiv(raw.Mul(dy, gradients), denominator)


@op("Softsign", "features: T -> activations: T", T=FLOATING)
def softsign_op(xp, features):
    """Gives ``features / (abs(features) + 1)``, element by element."""
    return features / (xp.abs(features) + features.dtype.type(1))


softsign_op.shape(_same_shape)
softsign_op.samples(_activation_samples)


@softsign_op.gradient
def _softsign_gradient(call, dy):
    return softsign_grad(dy, call.inputs[0])


@op("SoftsignGrad", "gradients: T, features: T -> backprops: T", T=FLOATING)
def softsign_grad(xp, gradients, features):
    """Gives the gradient of ``Softsign``: ``gradients / (1 + abs(features)) ** 2``."""
    _check_same_shape(gradients, features)
    return gradients / xp.square(features.dtype.type(1) + xp.abs(features))


softsign_grad.shape(_merged_shape)
softsign_grad.samples(_gradient_samples)


@softsign_grad.gradient
def _softsign_grad_gradient(call, dy):
    gradients, x = call.inputs
    first = softsign_grad(dy, x)
    slope = raw.RealDiv(raw.Mul(-2, raw.Sign(x)), raw.AddV2(raw.Abs(x), 1))
    return first, raw.Mul(raw.Mul(first, gradients), slope)


# Public functions.

relu = renamed(unary(relu_op, _relu_host), "features")
elu = renamed(unary(elu_op), "features")
selu = renamed(unary(selu_op), "features")
softplus = renamed(unary(softplus_op), "features")
softsign = renamed(unary(softsign_op), "features")


# Functions that are made of several operations, or that prepare their arguments.


def relu6(features: Any, name: str | None = None) -> Any:
    """Gives ``min(max(features, 0), 6)``, element by element.

    Args:
      features: a tensor of real numbers.
      name: the name of the node.
    """
    if features.__class__ is EagerTensor and not context.SPECIAL:
        return relu6_op.call(features)
    with name_scope(name, "Relu6") as scope:
        return relu6_op.call(convert_to_tensor(features, name="features"), name=scope)


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Any:
    """Gives ``features`` where they are positive and ``alpha * features`` elsewhere.

    Args:
      features: a tensor of real numbers; integers are converted to float32.
      alpha: the slope for negative numbers.
      name: the name of the node.
    """
    with name_scope(name, "LeakyRelu") as scope:
        features = convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = cast(features, dtypes.float32)
        return leaky_relu_op.call(features, alpha=float(np.asarray(alpha).item()), name=scope)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    """Joins the positive and the negative parts of ``features`` along an axis (https://arxiv.org/abs/1603.05201).

    Args:
      features: a tensor of signed numbers.
      axis: the dimension that doubles.
      name: the name of the node that joins them.
    """
    with name_scope(name, "CRelu") as scope:
        features = convert_to_tensor(features, name="features")
        return relu_op(concat([features, -features], axis, name=scope))


def crelu_v1(features: Any, name: str | None = None, axis: int = -1) -> Any:
    """Joins the positive and the negative parts, with TensorFlow 1's order of arguments; see :func:`crelu`."""
    return crelu(features, axis, name)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """Gives ``features`` times the probability that a normal variable is smaller (https://arxiv.org/abs/1606.08415).

    Args:
      features: a tensor of floating-point numbers.
      approximate: whether to take the approximation by the hyperbolic tangent.
      name: the name of the scope.

    Raises:
      ValueError: ``features`` are not floating-point numbers.
    """
    with name_scope(name, "Gelu"):
        features = convert_to_tensor(features, name="features")
        if not features.dtype.is_floating:
            raise ValueError(
                f"`features.dtype` must be a floating point tensor. Received: features.dtype={features.dtype}"
            )
        if approximate:
            coefficient = cast(0.044715, features.dtype)
            half = 0.5 * features
            cube = raw.Pow(features, np.asarray(3, features.dtype.as_numpy_dtype))
            return half * (1.0 + raw.Tanh(0.7978845608028654 * (features + coefficient * cube)))
        return 0.5 * features * raw.Erfc(-features * cast(0.7071067811865476, features.dtype))


def silu(features: Any, beta: Any = 1.0) -> Any:
    """Gives ``features * sigmoid(beta * features)``, also called swish (https://arxiv.org/abs/1710.05941).

    Args:
      features: a tensor of floating-point numbers.
      beta: a scalar.
    """
    features = convert_to_tensor(features, name="features")
    if beta.__class__ is float and beta == 1.0:
        return features * sigmoid(features)
    beta = cast(convert_to_tensor(beta, name="beta"), features.dtype)
    return features * sigmoid(beta * features)


swish = silu


def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """Gives ``log(1 / (1 + exp(-x)))`` without overflow, element by element.

    Args:
      x: a tensor of floating-point numbers.
      name: the name of the node.
    """
    with name_scope(name, "LogSigmoid") as scope:
        x = convert_to_tensor(x, name="x")
        return raw.Neg(raw.Softplus(-x), name=scope)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """Gives the part of the elements that are zero, as a float32 scalar; NaN of an empty tensor.

    Args:
      value: a tensor of numbers.
      name: the name of the scope.
    """
    with name_scope(name, "zero_fraction"):
        value = convert_to_tensor(value, name="value")
        count = size(value, out_type=dtypes.int64)
        zero = np.zeros((), value.dtype.as_numpy_dtype)
        nonzero = reduce_sum(cast(raw.NotEqual(value, zero), dtypes.int64))
        with name_scope("counts_to_fraction"):
            fraction = cast(count - nonzero, dtypes.float32) / cast(count, dtypes.float32)
        return raw.Identity(fraction, name="fraction")
