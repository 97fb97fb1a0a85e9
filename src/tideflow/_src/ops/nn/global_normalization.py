"""Batch normalization by given statistics, as the oldest graphs have it.

TensorFlow removed these operations in version 9 of its graphs; graphs that were written before that hold them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.nn.windows import accumulator
from tideflow._src.runtime.op import op

_REAL = ("float16", "bfloat16", "float32", "float64")


def _check(name: str, t: Any, vectors: dict[str, Any]) -> None:
    if t.ndim != 4:
        raise InvalidArgumentError(None, None, f"{name}: input must be 4-dimensional, got {shape_text(t.shape)}")
    for label, vector in vectors.items():
        if tuple(vector.shape) != (t.shape[3],):
            raise InvalidArgumentError(
                None,
                None,
                f"{name}: {label} must be of shape {shape_text((t.shape[3],))}, got {shape_text(vector.shape)}",
            )


@op(
    "BatchNormWithGlobalNormalization",
    "t: T, m: T, v: T, beta: T, gamma: T -> result: T",
    T=NUMBER,
)
def batch_norm_with_global_normalization_op(
    xp, t, m, v, beta, gamma, *, variance_epsilon: float, scale_after_normalization: bool
):
    """Normalizes images by a mean and a variance for each channel."""
    vectors = {"mean": m, "var": v, "beta": beta}
    _check("BatchNormWithGlobalNormalization", t, {**vectors, "gamma": gamma} if scale_after_normalization else vectors)
    wide = accumulator(t.dtype)
    slope = (v.astype(wide) + np.asarray(variance_epsilon, wide)) ** np.asarray(-0.5, wide)
    if scale_after_normalization:
        slope = slope * gamma.astype(wide)
    return ((t.astype(wide) - m.astype(wide)) * slope + beta.astype(wide)).astype(t.dtype)


def _vector(*shapes: Any) -> Any:
    size = None
    for shape in shapes:
        size = merge_dimensions(size, with_rank(shape, 1)[0])
    return size


@batch_norm_with_global_normalization_op.shape
def _batch_norm_with_global_normalization_shape(t, m, v, beta, gamma):
    t = with_rank(t, 4)
    return (*t[:3], merge_dimensions(t[3], _vector(m, v, beta, gamma)))


@batch_norm_with_global_normalization_op.gradient
def _batch_norm_with_global_normalization_gradient(call, dy):
    t, m, v, _, gamma = call.inputs
    options = {name: call.attr(name) for name in ("variance_epsilon", "scale_after_normalization")}
    return batch_norm_with_global_normalization_grad_op(t, m, v, gamma, dy, **options)


def _samples(s: Any, last: tuple[int, ...]) -> Any:
    for dtype in s.dtypes("T"):
        if dtype.name in _REAL:
            arrays = s.normal(2, 2, 1, 3, dtype=dtype), s.normal(3, dtype=dtype), s.positive((3,), dtype)
            more = s.normal(3, dtype=dtype), s.normal(*last, dtype=dtype)
            yield s(*arrays, *more, variance_epsilon=0.1, scale_after_normalization=True, tolerance=5e-2)
    arrays = s.normal(2, 2, 1, 3), s.normal(3), s.positive((3,)), s.normal(3), s.normal(*last)
    yield s(*arrays, variance_epsilon=0.5, scale_after_normalization=False)


@batch_norm_with_global_normalization_op.samples
def _batch_norm_with_global_normalization_samples(s):
    yield from _samples(s, (3,))


@op(
    "BatchNormWithGlobalNormalizationGrad",
    "t: T, m: T, v: T, gamma: T, backprop: T -> dx: T, dm: T, dv: T, db: T, dg: T",
    T=NUMBER,
    differentiable="missing",
)
def batch_norm_with_global_normalization_grad_op(
    xp, t, m, v, gamma, backprop, *, variance_epsilon: float, scale_after_normalization: bool
):
    """Gives the gradients of ``BatchNormWithGlobalNormalization`` with respect to its inputs."""
    _check("BatchNormWithGlobalNormalizationGrad", t, {"mean": m, "var": v, "gamma": gamma})
    if backprop.shape != t.shape:
        raise InvalidArgumentError(
            None,
            None,
            "BatchNormWithGlobalNormalizationGrad: backprop must have the shape of the input, "
            f"{shape_text(t.shape)}, got {shape_text(backprop.shape)}",
        )
    kind, wide = t.dtype, accumulator(t.dtype)
    dy = backprop.astype(wide)
    inverse = (v.astype(wide) + np.asarray(variance_epsilon, wide)) ** np.asarray(-0.5, wide)
    centred = t.astype(wide) - m.astype(wide)
    space = (0, 1, 2)
    along = (dy * centred).sum(space)
    total = dy.sum(space)
    scale = gamma.astype(wide) if scale_after_normalization else xp.ones_like(inverse)
    slope = scale * inverse
    of_gamma = along * inverse if scale_after_normalization else xp.zeros_like(inverse)
    of_variance = np.asarray(-0.5, wide) * along * slope * inverse * inverse
    found = dy * slope, -(total * slope), of_variance, total, of_gamma
    return tuple(item.astype(kind) for item in found)


@batch_norm_with_global_normalization_grad_op.shape
def _batch_norm_with_global_normalization_grad_shape(t, m, v, gamma, backprop):
    t, backprop = with_rank(t, 4), with_rank(backprop, 4)
    merged = tuple(merge_dimensions(a, b) for a, b in zip(t, backprop, strict=True))
    size = merge_dimensions(merged[3], _vector(m, v, gamma))
    return (*merged[:3], size), (size,), (size,), (size,), (size,)


@batch_norm_with_global_normalization_grad_op.samples
def _batch_norm_with_global_normalization_grad_samples(s):
    yield from _samples(s, (2, 2, 1, 3))
