"""Fourier transforms over any axes: ``tf.signal.fftnd`` and its relatives.

TensorFlow itself computes them only in programs compiled by XLA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import Shape, StaticValue
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.signal.fourier import COMPLEX
from tideflow._src.ops.signal.fourier_engines import transform
from tideflow._src.ops.signal.real_fourier import REAL, check_pair
from tideflow._src.runtime.op import Op, op

_MOST_ELEMENTS = 1 << 31


def _arguments(rank: int, fft_length: Any, axes: Any) -> tuple[list[int], list[int]]:
    """Returns the lengths and the axes, counted from the front, after checking them."""
    if np.ndim(fft_length) != 1 or np.shape(fft_length) != np.shape(axes):
        raise invalid_argument(
            "fft_length and axes must be vectors of the same length, got shapes "
            f"{list(np.shape(fft_length))} and {list(np.shape(axes))}"
        )
    lengths = [int(length) for length in fft_length]
    chosen = [int(axis) for axis in axes]
    for axis in chosen:
        if not -rank <= axis < rank:
            raise invalid_argument(f"axes must be in [{-rank}, {rank}), got {axis}")
    chosen = [axis % rank for axis in chosen]
    if len(set(chosen)) != len(chosen):
        raise invalid_argument(f"axes must not name an axis twice, got {chosen}")
    if any(length < 0 for length in lengths):
        raise invalid_argument(f"fft_length must not be negative, got {lengths}")
    return lengths, chosen


def _result(shape: Sequence[Any], name: str, lengths: Sequence[Any], axes: Sequence[int]) -> list[Any]:
    result = list(shape)
    for axis, length in zip(axes, lengths, strict=True):
        result[axis] = length
    if name == "rfftn" and axes and lengths[-1]:
        result[axes[-1]] = lengths[-1] // 2 + 1
    return result


def _run(xp: Any, name: str, x: Any, fft_length: Any, axes: Any, dtype: Any) -> Any:
    if x.dtype != dtype:
        check_pair(x.dtype, dtype)
    lengths, chosen = _arguments(x.ndim, fft_length, axes)
    if not chosen:
        return xp.real(x).astype(dtype) if name == "irfftn" else x.astype(dtype)
    result = _result(x.shape, name, lengths, chosen)
    if np.prod(result, dtype=np.float64) >= _MOST_ELEMENTS:
        raise invalid_argument(f"The transform would have shape {result}, which is too large.")
    if not x.size or 0 in result:
        return xp.zeros(result, dtype)
    return transform(xp, name, x, lengths, chosen).astype(dtype)


def _shape(shape: Shape, fft_length: StaticValue, axes: StaticValue, name: str) -> Shape:
    with_rank(fft_length.shape, 1)
    with_rank(axes.shape, 1)
    if shape is None:
        return None
    chosen = axes.integers()
    if chosen is None or None in chosen or any(not -len(shape) <= axis < len(shape) for axis in chosen):
        return (None,) * len(shape)
    lengths = fft_length.integers() or (None,) * len(chosen)
    if len(lengths) != len(chosen):
        raise ValueError(f"fft_length and axes must have the same length, got {len(lengths)} and {len(chosen)}")
    return tuple(_result(shape, name, lengths, [axis % len(shape) for axis in chosen]))


def _samples(s: Any, real: bool, halved: bool) -> Any:
    dtypes = ("float32", "float64") if real else ("complex64", "complex128")
    types = {
        "float32": {"Tcomplex": "complex64"},
        "float64": {"Tcomplex": "complex128"},
        "complex64": {"Treal": "float32"} if halved else {},
        "complex128": {"Treal": "float64"} if halved else {},
    }
    for dtype in dtypes:
        x = s.normal(2, 3, 4, 5, dtype=dtype)
        yield s(x, [3, 4], [1, 2], **types[dtype])
        yield s(x, [5, 2], [-2, 1], **types[dtype])
        yield s(x, [2, 3, 4, 6], [0, 1, 2, 3], **types[dtype], tolerance=1e-4)
        yield s(x, np.zeros(0, np.int32), np.zeros(0, np.int32), **types[dtype])
    x = s.normal(2, 3, dtype=dtypes[0])
    yield s(s.empty(2, 0, dtype=dtypes[0]), [4], [0])
    yield s(x, [3, 3], [1, 1], error="InvalidArgumentError")
    yield s(x, [3], [2], error="InvalidArgumentError")
    yield s(x, [3], [0, 1], error="InvalidArgumentError")
    yield s(x, [-3], [0], error="InvalidArgumentError")


def _define(name: str, inverse: bool) -> Op:
    numpy_name = "ifftn" if inverse else "fftn"

    def kernel(xp, input, fft_length, axes):
        return _run(xp, numpy_name, input, fft_length, axes, input.dtype)

    kernel.__doc__ = f"Computes the {'inverse ' if inverse else ''}Fourier transform along the given axes."
    definition = op(
        name,
        "input: Tcomplex, fft_length: static int32, axes: static int32 -> output: Tcomplex",
        Tcomplex=COMPLEX,
        differentiable="missing",
    )(kernel)
    definition.shape(lambda input, fft_length, axes: _shape(input, fft_length, axes, numpy_name))
    definition.samples(lambda s: _samples(s, False, False))
    return definition


fftnd_op, ifftnd_op = _define("FFTND", False), _define("IFFTND", True)


@op(
    "RFFTND",
    "input: Treal, fft_length: static int32, axes: static int32 -> output: Tcomplex",
    Treal=REAL,
    Tcomplex=COMPLEX,
    differentiable="missing",
)
def rfftnd_op(xp, input, fft_length, axes, *, Tcomplex: DType = "complex64"):
    """Computes the Fourier transform of real numbers along the given axes; of the last one, half is kept."""
    return _run(xp, "rfftn", input, fft_length, axes, np.dtype(Tcomplex.as_numpy_dtype))


@op(
    "IRFFTND",
    "input: Tcomplex, fft_length: static int32, axes: static int32 -> output: Treal",
    Treal=REAL,
    Tcomplex=COMPLEX,
    differentiable="missing",
)
def irfftnd_op(xp, input, fft_length, axes, *, Treal: DType = "float"):
    """Computes the inverse Fourier transform along the given axes, to real numbers; of the last one, half is given."""
    return _run(xp, "irfftn", input, fft_length, axes, np.dtype(Treal.as_numpy_dtype))


rfftnd_op.shape(lambda input, fft_length, axes: _shape(input, fft_length, axes, "rfftn"))
irfftnd_op.shape(lambda input, fft_length, axes: _shape(input, fft_length, axes, "irfftn"))
rfftnd_op.samples(lambda s: _samples(s, True, True))
irfftnd_op.samples(lambda s: _samples(s, False, True))
