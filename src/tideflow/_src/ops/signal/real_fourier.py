"""Fourier transforms of real tensors: of the last dimension only the half that is not redundant is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import Shape, StaticValue, default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.dimensions import merge_dimensions, with_rank, with_rank_at_least
from tideflow._src.ops.signal.fourier import COMPLEX, elements, fft2d_op, fft_op, ifft2d_op, ifft_op, last_axes
from tideflow._src.ops.signal.fourier_engines import transform, zeros_of
from tideflow._src.runtime.op import Op, op

REAL = default("float", ("float", "double"))


def check_pair(first: Any, second: Any) -> None:
    """Rejects types of different precision."""
    wide = ("float64", "complex128")
    if (str(np.dtype(first)) in wide) != (str(np.dtype(second)) in wide):
        raise invalid_argument(
            f"Wrong types for a Fourier transform of reals: in={np.dtype(first)} out={np.dtype(second)}; expected "
            "float32 and complex64, or float64 and complex128."
        )


def _lengths(shape: Sequence[int], fft_length: Any, rank: int, inverse: bool) -> list[int]:
    """Returns the lengths of a transform, after checking that the input is at least as long."""
    if len(shape) < rank:
        raise invalid_argument(f"Input must have rank of at least {rank} but got: {list(shape)}")
    if np.shape(fft_length) != (rank,):
        raise invalid_argument(f"fft_length must have shape [{rank}], got shape {list(np.shape(fft_length))}")
    lengths = [int(length) for length in fft_length]
    for index, length in enumerate(lengths):
        if length < 0:
            raise invalid_argument(f"fft_length[{index}] must >= 0, but got: {length}")
        needed = length // 2 + 1 if inverse and index == rank - 1 and length else length
        axis = len(shape) - rank + index
        if 0 < shape[axis] < needed:
            raise invalid_argument(
                f"Input dimension {axis} must have length of at least {needed} but got: {shape[axis]}"
            )
    return lengths


def _run(xp: Any, x: Any, fft_length: Any, rank: int, inverse: bool, dtype: Any) -> Any:
    check_pair(x.dtype, dtype)
    lengths = _lengths(x.shape, fft_length, rank, inverse)
    halved = lengths[-1] if inverse or not lengths[-1] else lengths[-1] // 2 + 1
    result = (*x.shape[: x.ndim - rank], *lengths[:-1], halved)
    if not x.size or 0 in result:
        return xp.zeros(result, dtype)
    return transform(xp, "irfftn" if inverse else "rfftn", x, lengths, last_axes(rank)).astype(dtype)


def _shape(shape: Shape, fft_length: StaticValue, rank: int, inverse: bool) -> Shape:
    shape = with_rank_at_least(shape, rank)
    merge_dimensions(with_rank(fft_length.shape, 1)[0], rank)
    if shape is None:
        return None
    lengths = fft_length.integers() or (None,) * rank
    last = lengths[-1]
    if last and not inverse:
        last = int(last / 2) + 1
    return (*shape[: len(shape) - rank], *lengths[:-1], last)


def _define_forward(name: str, rank: int) -> Op:
    def kernel(xp, input, fft_length, *, Tcomplex: DType = "complex64"):
        return _run(xp, input, fft_length, rank, False, Tcomplex.as_numpy_dtype)

    dimensions = "dimension" if rank == 1 else f"{rank} dimensions"
    kernel.__doc__ = f"Computes the Fourier transform of real numbers over the last {dimensions}."
    definition = op(
        name,
        "input: Treal, fft_length: static int32 -> output: Tcomplex",
        Treal=REAL,
        Tcomplex=COMPLEX,
        differentiable=True if rank < 3 else "missing",
    )(kernel)
    definition.shape(lambda input, fft_length: _shape(input, fft_length, rank, False))
    definition.samples(lambda s: _forward_samples(s, rank))
    return definition


def _define_backward(name: str, rank: int) -> Op:
    def kernel(xp, input, fft_length, *, Treal: DType = "float"):
        return _run(xp, input, fft_length, rank, True, Treal.as_numpy_dtype)

    dimensions = "dimension" if rank == 1 else f"{rank} dimensions"
    kernel.__doc__ = f"Computes the inverse Fourier transform over the last {dimensions}, to real numbers."
    definition = op(
        name,
        "input: Tcomplex, fft_length: static int32 -> output: Treal",
        Treal=REAL,
        Tcomplex=COMPLEX,
        differentiable=True if rank < 3 else "missing",
    )(kernel)
    definition.shape(lambda input, fft_length: _shape(input, fft_length, rank, True))
    definition.samples(lambda s: _backward_samples(s, rank))
    return definition


rfft_op, irfft_op = _define_forward("RFFT", 1), _define_backward("IRFFT", 1)
rfft2d_op, irfft2d_op = _define_forward("RFFT2D", 2), _define_backward("IRFFT2D", 2)
rfft3d_op, irfft3d_op = _define_forward("RFFT3D", 3), _define_backward("IRFFT3D", 3)


# Gradients.


def _resized(x: Any, sizes: Any, rank: int) -> Any:
    """Cuts the last dimensions of a tensor to the given sizes, or fills them up with zeros."""
    shape = raw.Shape(x)
    whole = raw.ConcatV2([entries(shape, None, -rank), sizes], 0)
    missing = raw.Maximum(raw.Sub(whole, shape), np.int32(0))
    padded = raw.Pad(x, raw.Pack([zeros_of(missing), missing], axis=1))
    return raw.Slice(padded, zeros_of(whole), whole)


def _last_sizes(x: Any, rank: int) -> Any:
    return entries(raw.Shape(x), -rank, None)


def _forward_gradient(call: Any, dy: Any, rank: int, inverse: Op) -> Any:
    """Returns the gradient of a forward transform: the adjoint, with zeros for what was dropped as redundant."""
    x, fft_length = call.inputs
    whole = _resized(dy, fft_length, rank)
    count = raw.Cast(raw.Prod(fft_length, [0]), DstT=x.dtype)
    dx = raw.Mul(raw.Real(inverse(whole), Tout=x.dtype), count)
    return raw.Reshape(_resized(dx, _last_sizes(x, rank), rank), raw.Shape(x)), None


def _backward_gradient(call: Any, dy: Any, rank: int, forward: Op) -> Any:
    """Returns the gradient of an inverse transform, where an element that stands for two counts twice."""
    x, fft_length = call.inputs
    whole = forward(raw.Cast(dy, DstT=x.dtype))
    last = entries(fft_length, -1, None)
    half = raw.AddV2(raw.FloorDiv(last, np.int32(2)), np.int32(1))
    sizes = raw.ConcatV2([entries(fft_length, None, -1), half], 0)
    kept = _resized(whole, sizes, rank)
    number = raw.Range(np.int32(0), raw.Squeeze(half), np.int32(1))
    alone = raw.LogicalOr(raw.Equal(number, np.int32(0)), raw.Equal(raw.Mul(number, np.int32(2)), last))
    counted = raw.SelectV2(alone, np.int32(1), np.int32(2))
    scale = raw.RealDiv(raw.Cast(counted, DstT=dy.dtype), elements(dy, rank, dy.dtype))
    dx = raw.Mul(kept, raw.Cast(scale, DstT=x.dtype))
    return raw.Reshape(_resized(dx, _last_sizes(x, rank), rank), raw.Shape(x)), None


@rfft_op.gradient
def _rfft_gradient(call, dy):
    return _forward_gradient(call, dy, 1, ifft_op)


@rfft2d_op.gradient
def _rfft2d_gradient(call, dy):
    return _forward_gradient(call, dy, 2, ifft2d_op)


@irfft_op.gradient
def _irfft_gradient(call, dy):
    return _backward_gradient(call, dy, 1, fft_op)


@irfft2d_op.gradient
def _irfft2d_gradient(call, dy):
    return _backward_gradient(call, dy, 2, fft2d_op)


# Samples.


def _forward_samples(s: Any, rank: int) -> Any:
    sizes = [4, 3, 6][-rank:]
    odd = [size - 1 for size in sizes]
    for dtype, result in (("float32", "complex64"), ("float64", "complex128")):
        yield s(s.normal(2, *sizes, dtype=dtype), sizes, Tcomplex=result)
    yield s(s.normal(*odd, dtype="float64"), odd, Tcomplex="complex128")
    # TensorFlow's gradient is wrong where the transform is shorter than the input.
    yield s(s.normal(*sizes, dtype="float64"), odd, Tcomplex="complex128", gradient=False)
    yield s(s.empty(0, *sizes), sizes, gradient=False)
    yield s(s.normal(*sizes), [size + 1 for size in sizes], error="InvalidArgumentError")
    yield s(s.normal(*sizes), [*sizes[:-1], -1], error="InvalidArgumentError")
    yield s(s.normal(*sizes), [*sizes, 4], error="InvalidArgumentError")
    yield s(s.normal(*sizes), 4, error="InvalidArgumentError")
    yield s(s.normal(*sizes[1:]), sizes, error="InvalidArgumentError")
    yield s(s.normal(*sizes), sizes, Tcomplex="complex128", error="InvalidArgumentError")


def _backward_samples(s: Any, rank: int) -> Any:
    sizes = [4, 3, 6][-rank:]
    odd = [size - 1 for size in sizes]
    held, held_odd = [*sizes[:-1], sizes[-1] // 2 + 1], [*odd[:-1], odd[-1] // 2 + 1]
    # Elements that stand for themselves and their conjugates have no imaginary part: the transform does not read it.
    for dtype, result in (("complex64", "float32"), ("complex128", "float64")):
        yield s(s.normal(2, *held, dtype=dtype), sizes, Treal=result, differences=False)
    yield s(s.normal(*held_odd, dtype="complex128"), odd, Treal="float64", differences=False)
    yield s(s.normal(*(6,) * rank, dtype="complex64"), sizes, gradient=False)
    yield s(s.empty(0, *held, dtype="complex64"), sizes, gradient=False)
    yield s(s.normal(*held, dtype="complex64"), [size + 3 for size in sizes], error="InvalidArgumentError")
    yield s(s.normal(*held, dtype="complex64"), [*sizes[:-1], -1], error="InvalidArgumentError")
    yield s(s.normal(*held, dtype="complex64"), [*sizes, 4], error="InvalidArgumentError")
    yield s(s.normal(*held[1:], dtype="complex64"), sizes, error="InvalidArgumentError")
    yield s(s.normal(*held, dtype="complex64"), sizes, Treal="float64", error="InvalidArgumentError")
