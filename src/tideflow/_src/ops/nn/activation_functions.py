"""Activation functions that are made of several operations, or that prepare their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import size
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.reduce import reduce_sum
from tideflow._src.ops.math.unary import sigmoid
from tideflow._src.ops.nn.activation import leaky_relu_op, relu6_op, relu_op
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def _dispatched(function: Any, features: Any, *arguments: Any) -> Any:
    """Lets a type that is not a tensor, such as a ragged tensor, apply a function in its own way."""
    if features.__class__ is EagerTensor or features.__class__ is SymbolicTensor:
        return None
    dispatch = getattr(features, "_unary_elementwise", None)
    return None if dispatch is None else dispatch(function, *arguments)


def relu6(features: Any, name: str | None = None) -> Any:
    """Gives ``min(max(features, 0), 6)``, element by element.

    Args:
      features: a tensor of real numbers.
      name: the name of the node.
    """
    if features.__class__ is EagerTensor and not context.SPECIAL:
        return relu6_op.call(features)
    found = _dispatched(relu6, features, name)
    if found is not None:
        return found
    with name_scope(name, "Relu6") as scope:
        return relu6_op.call(convert_to_tensor(features, name="features"), name=scope)


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Any:
    """Gives ``features`` where they are positive and ``alpha * features`` elsewhere.

    Args:
      features: a tensor of real numbers; integers are converted to float32.
      alpha: the slope for negative numbers.
      name: the name of the node.
    """
    found = _dispatched(lambda x: leaky_relu(x, alpha, name), features, None)
    if found is not None:
        return found
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
    found = _dispatched(lambda x: gelu(x, approximate, name), features, None)
    if found is not None:
        return found
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
    found = _dispatched(lambda x: silu(x, beta), features, None)
    if found is not None:
        return found
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
    found = _dispatched(log_sigmoid, x, name)
    if found is not None:
        return found
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
