"""Local response normalization (section 3.3 of "ImageNet Classification with Deep Convolutional Neural Networks")."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.slicing import entry
from tideflow._src.ops.dimensions import merge, shape_of, with_rank
from tideflow._src.runtime.op import op

_TYPES = ("half", "bfloat16", "float")


def _neighbours(xp: Any, x: Any, radius: int) -> Any:
    """Sums each channel with the ``radius`` channels on either side of it."""
    channels = x.shape[-1]
    radius = min(radius, channels)
    padded = xp.pad(x, [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    total = padded[..., :channels]
    for shift in range(1, 2 * radius + 1):
        total = total + padded[..., shift : shift + channels]
    return total


def _wide(x: Any) -> Any:
    """Returns 16-bit floats as 32-bit ones."""
    return x.astype(np.float32)


def _exactness(dtype: Any) -> dict[str, Any]:
    """Returns how close the samples of a dtype can be; finite differences need more than 16 bits."""
    short = dtype.size == 2
    return {"tolerance": 2e-2 if short else 1e-4, "differences": not short}


def _check_images(name: str, label: str, x: Any) -> None:
    if x.ndim != 4:
        raise InvalidArgumentError(None, None, f"{name}: {label} must be 4-dimensional, but got {shape_text(x.shape)}")


def _check_radius(depth_radius: int) -> None:
    if not 0 <= depth_radius < (1 << 31) - 1:
        raise InvalidArgumentError(None, None, f"depth_radius must be >= 0 and less than 2**31 - 1, got {depth_radius}")


@op("LRN", "input: T -> output: T", T=default("float", _TYPES))
def lrn_op(xp, input, *, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5):
    """Divides each element by a power of the sum of squares of its neighbours in the channels."""
    _check_images("LRN", "in", input)
    _check_radius(depth_radius)
    x = _wide(input)
    norm = np.float32(bias) + np.float32(alpha) * _neighbours(xp, x * x, depth_radius)
    return (x * norm ** np.float32(-beta)).astype(input.dtype)


@lrn_op.shape
def _lrn_shape(input):
    return with_rank(input, 4)


def _lrn_attributes(call: Any) -> dict[str, Any]:
    return {name: call.attr(name) for name in ("depth_radius", "bias", "alpha", "beta")}


@lrn_op.gradient
def _lrn_gradient(call, dy):
    return lrn_grad_op(dy, call.inputs[0], call.outputs[0], **_lrn_attributes(call))


@lrn_op.samples
def _lrn_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.normal(1, 2, 2, 4, dtype=dtype), depth_radius=1, **_exactness(dtype))
    yield s(s.normal(2, 1, 2, 7), depth_radius=2, bias=2.0, alpha=0.3, beta=0.75, tolerance=1e-4)
    yield s(s.normal(1, 2, 2, 3), tolerance=1e-4)
    yield s(s.empty(0, 2, 2, 3))
    yield s(s.normal(2, 3), error="InvalidArgumentError")


@op("LRNGrad", "input_grads: T, input_image: T, output_image: T -> output: T", T=default("float", _TYPES))
def lrn_grad_op(
    xp,
    input_grads,
    input_image,
    output_image,
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
):
    """Gives the gradient of ``LRN``."""
    for label, value in (("input_grads", input_grads), ("input_image", input_image), ("output_image", output_image)):
        _check_images("LRNGrad", label, value)
    _check_radius(depth_radius)
    if not input_grads.shape == input_image.shape == output_image.shape:
        raise InvalidArgumentError(
            None,
            None,
            "input_grads, input_image, and out_image should have the same shape, but got "
            f"{shape_text(input_grads.shape)}, {shape_text(input_image.shape)} and {shape_text(output_image.shape)}",
        )
    dy, x, y = _wide(input_grads), _wide(input_image), _wide(output_image)
    norm = np.float32(bias) + np.float32(alpha) * _neighbours(xp, x * x, depth_radius)
    inner = _neighbours(xp, dy * y / norm, depth_radius)
    return (dy * norm ** np.float32(-beta) - np.float32(2.0 * alpha * beta) * x * inner).astype(input_grads.dtype)


@lrn_grad_op.shape
def _lrn_grad_shape(input_grads, input_image, output_image):
    return merge(merge(with_rank(input_grads, 4), with_rank(input_image, 4)), with_rank(output_image, 4))


@lrn_grad_op.gradient
def _lrn_grad_gradient(call, dz):
    dy, x, y = call.inputs
    attributes = _lrn_attributes(call)
    radius, bias, alpha, beta = (attributes[name] for name in ("depth_radius", "bias", "alpha", "beta"))
    channels = entry(raw.Shape(x), 3)
    ones = raw.Fill(raw.Pack([channels, channels]), np.ones((), x.dtype.as_numpy_dtype))
    width = raw.Minimum(channels, radius)
    band = raw.MatrixBandPart(ones, width, width)

    def neighbours(tensor: Any) -> Any:
        rows = raw.Reshape(tensor, raw.Pack([-1, channels]))
        return raw.Reshape(raw.MatMul(rows, band), shape_of(x))

    norm = raw.AddV2(raw.Mul(alpha, neighbours(raw.Square(x))), bias)
    power = raw.Pow(norm, -beta)
    inner = neighbours(raw.Mul(x, dz))
    factor = 2.0 * alpha * beta
    of_dy = raw.Sub(raw.Mul(dz, power), raw.Mul(factor, raw.RealDiv(raw.Mul(y, inner), norm)))
    of_y = raw.Neg(raw.Mul(factor, raw.RealDiv(raw.Mul(dy, inner), norm)))
    product = raw.RealDiv(raw.Mul(dy, y), norm)
    of_norm = raw.Sub(
        raw.Mul(factor, raw.RealDiv(raw.Mul(product, inner), norm)),
        raw.Mul(beta, raw.RealDiv(raw.Mul(raw.Mul(dz, dy), power), norm)),
    )
    of_x = raw.Sub(
        raw.Mul(2.0 * alpha, raw.Mul(x, neighbours(of_norm))), raw.Mul(factor, raw.Mul(dz, neighbours(product)))
    )
    return of_dy, of_x, of_y


@lrn_grad_op.samples
def _lrn_grad_samples(s):
    for dtype in s.dtypes("T"):
        values = (s.normal(1, 2, 2, 4, dtype=dtype) for _ in range(3))
        yield s(*values, depth_radius=1, **_exactness(dtype))
    values = (s.normal(2, 1, 2, 7) for _ in range(3))
    yield s(*values, depth_radius=2, bias=2.0, alpha=0.3, beta=0.75, tolerance=1e-4)
    yield s(s.normal(1, 1, 1, 2), s.normal(1, 1, 1, 2), s.normal(1, 1, 1, 3), error="InvalidArgumentError")


# Public functions.


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Any:
    """Divides each element of images by a power of the sum of squares of its neighbours in the channels.

    Args:
      input: images of shape ``[batch, height, width, channels]``.
      depth_radius: how many channels on either side count.
      bias: what is added to the sum.
      alpha: what the sum is multiplied by first.
      beta: the power.
      name: the name of the node.
    """
    return lrn_op(
        input, depth_radius=int(depth_radius), bias=float(bias), alpha=float(alpha), beta=float(beta), name=name
    )


lrn = local_response_normalization
