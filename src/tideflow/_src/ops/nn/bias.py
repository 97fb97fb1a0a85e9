"""Adding a bias along the channels."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge_dimensions, shape_of, with_rank, with_rank_at_least
from tideflow._src.ops.math import partial_sums
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


def _add(value: Any, bias: Any, channel: int) -> Any:
    """Adds ``bias`` along dimension ``channel`` of ``value``, or the last dimension if ``channel`` is -1."""
    if value.ndim < 2:
        raise invalid_argument(f"Input tensor must be at least 2D: {shape_text(value.shape)}")
    if bias.ndim != 1:
        raise invalid_argument(f"Biases must be 1D: {shape_text(bias.shape)}")
    if bias.shape[0] != value.shape[channel]:
        which = "last" if channel == -1 else "channel"
        raise invalid_argument(
            f"Must provide as many biases as the {which} dimension of the input tensor: {shape_text(bias.shape)} vs. "
            f"{shape_text(value.shape)}"
        )
    if channel == 1 and value.ndim > 2:
        bias = bias.reshape(-1, *(1,) * (value.ndim - 2))
    return value + bias


def _shape(value: Any, bias: Any, data_format: str) -> Any:
    value = with_rank_at_least(value, 3 if data_format == "NCHW" else 2)
    (size,) = with_rank(bias, 1)
    if value is None:
        return None
    channel = 1 if data_format == "NCHW" else len(value) - 1
    return (*value[:channel], merge_dimensions(value[channel], size), *value[channel + 1 :])


@op("BiasAdd", "value: T, bias: T -> output: T", T=NUMBER)
def bias_add_op(xp, value, bias, *, data_format: Literal["NHWC", "NCHW"] = "NHWC"):
    """Adds a vector along the channels, which are the last dimension or, in ``NCHW``, the second."""
    return _add(value, bias, 1 if data_format == "NCHW" else -1)


@bias_add_op.shape
def _bias_add_shape(value, bias, *, data_format):
    return _shape(value, bias, data_format)


@bias_add_op.gradient
def _bias_add_gradient(call, dy):
    return dy, bias_add_grad(dy, data_format=call.attr("data_format"))


@bias_add_op.samples
def _bias_add_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((3,), dtype))
    yield s(s.normal(2, 4, 5, 3), s.normal(3))
    yield s(s.normal(2, 3, 4, 5), s.normal(3), data_format="NCHW")
    yield s(s.normal(2, 3, 4), s.normal(3), data_format="NCHW")
    yield s(s.empty(0, 3), s.normal(3))
    yield s(s.normal(2, 4), s.normal(3), error="InvalidArgumentError")
    yield s(s.normal(2, 3), s.normal(1, 3), error="InvalidArgumentError")
    yield s(s.normal(3), s.normal(3), error="InvalidArgumentError")


@op("BiasAddGrad", "out_backprop: T -> output: T", T=NUMBER)
def bias_add_grad(xp, out_backprop, *, data_format: Literal["NHWC", "NCHW"] = "NHWC"):
    """Sums a gradient over all dimensions but that of the channels."""
    x = out_backprop
    if x.ndim < 2:
        raise invalid_argument(f"Input tensor must be at least 2D: {shape_text(x.shape)}")
    channel = 1 if data_format == "NCHW" else x.ndim - 1
    axes = tuple(axis for axis in range(x.ndim) if axis != channel)
    wide = x.astype(np.float32) if is_short_float(x.dtype) else x
    return partial_sums.on_either_tier(xp, wide, axes).astype(x.dtype)


@bias_add_grad.shape
def _bias_add_grad_shape(out_backprop, *, data_format):
    shape = with_rank_at_least(out_backprop, 3 if data_format == "NCHW" else 2)
    if shape is None:
        return (None,)
    return (shape[1 if data_format == "NCHW" else -1],)


@bias_add_grad.gradient
def _bias_add_grad_gradient(call, dy):
    x = call.inputs[0]
    if call.attr("data_format") == "NCHW":
        ones = raw.OnesLike(raw.Slice(raw.Shape(x), [2], [-1]))
        dy = raw.Reshape(dy, raw.ConcatV2([[-1], ones], 0))
    return raw.BroadcastTo(dy, shape_of(x))


@bias_add_grad.samples
def _bias_add_grad_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.normal(2, 3, 4, 5))
    yield s(s.normal(2, 3, 4, 5), data_format="NCHW")
    yield s(s.empty(0, 3))
    yield s(s.normal(3), error="InvalidArgumentError")


@op("BiasAddV1", "value: T, bias: T -> output: T", T=NUMBER)
def bias_add_v1_op(xp, value, bias):
    """Adds a vector along the last dimension."""
    return _add(value, bias, -1)


@bias_add_v1_op.shape
def _bias_add_v1_shape(value, bias):
    return _shape(value, bias, "NHWC")


@bias_add_v1_op.gradient
def _bias_add_v1_gradient(call, dy):
    return dy, bias_add_grad(dy)


@bias_add_v1_op.samples
def _bias_add_v1_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((3,), dtype))
    yield s(s.normal(2, 4, 5, 3), s.normal(3))
    yield s(s.normal(3), s.normal(3), error="InvalidArgumentError")


# Public functions.


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """Adds a vector to a tensor along its channels.

    Args:
      value: a tensor of rank 2 or more.
      bias: a vector of as many elements as there are channels, of the same type.
      data_format: ``N...C``, the default, or ``NC...``: where the channels are.
      name: the name of the node.

    Returns:
      A tensor of the shape and type of ``value``.

    Raises:
      ValueError: ``data_format`` is neither, or (in a graph) the shapes do not fit.
      InvalidArgumentError: the shapes do not fit.
    """
    if data_format is not None and data_format not in ("NHWC", "NCHW"):
        if data_format.startswith("NC"):
            data_format = "NCHW"
        elif data_format.startswith("N") and data_format.endswith("C"):
            data_format = "NHWC"
        else:
            raise ValueError(
                f"`data_format` must be of the form `N...C` or `NC...`. Received: data_format={data_format}"
            )
    data_format = data_format or "NHWC"
    if value.__class__ is EagerTensor and bias.__class__ is EagerTensor and not context.SPECIAL:
        return bias_add_op.call(value, bias, data_format=data_format)
    with name_scope(name, "BiasAdd") as scope:
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, value.dtype.base_dtype, name="bias")
        return bias_add_op.call(value, bias, data_format=data_format, name=scope)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """Computes ``matmul(x, weights) + biases``.

    Args:
      x: a matrix of shape ``[batch, inputs]``.
      weights: a matrix of shape ``[inputs, outputs]``.
      biases: a vector of shape ``[outputs]``.
      name: the name of the node.
    """
    with name_scope(name, "xw_plus_b") as scope:
        return bias_add(*_product(x, weights, biases), name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """Computes ``relu(matmul(x, weights) + biases)``.

    Args:
      x: a matrix of shape ``[batch, inputs]``.
      weights: a matrix of shape ``[inputs, outputs]``.
      biases: a vector of shape ``[outputs]``.
      name: the name of the node.
    """
    with name_scope(name, "relu_layer") as scope:
        return raw.Relu(bias_add(*_product(x, weights, biases)), name=scope)


def _product(x: Any, weights: Any, biases: Any) -> tuple[Any, Any]:
    x = convert_to_tensor(x, name="x")
    weights = convert_to_tensor(weights, name="weights")
    biases = convert_to_tensor(biases, name="biases")
    return raw.MatMul(x, weights), biases
