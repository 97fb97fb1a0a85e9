"""Fourier transforms of complex tensors over their last one, two or three dimensions.

As everywhere in TensorFlow, the inverse transform divides by the number of elements and the forward one does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.dimensions import known_shape, with_rank_at_least
from tideflow._src.ops.signal.fourier_engines import transform
from tideflow._src.runtime.op import Op, op

COMPLEX = default("complex64", ("complex64", "complex128"))


def last_axes(rank: int) -> tuple[int, ...]:
    """Returns the last axes of a tensor."""
    return tuple(range(-rank, 0))


def elements(x: Any, rank: int, dtype: Any) -> Any:
    """Returns the number of elements of the last dimensions of ``x`` in a dtype."""
    shape = known_shape(x)
    if shape is not None and None not in shape[len(shape) - rank :]:
        return np.array(np.prod(shape[len(shape) - rank :], dtype=np.float64), dtype.as_numpy_dtype)
    sizes = entries(raw.Shape(x), -rank, None)
    return raw.Cast(raw.Prod(sizes, [0]), DstT=dtype)


def _define(name: str, rank: int, inverse: bool) -> Op:
    def kernel(xp, input):
        if np.ndim(input) < rank:
            raise invalid_argument(f"Input must have rank of at least {rank} but got: {list(np.shape(input))}")
        return transform(xp, "ifftn" if inverse else "fftn", input, None, last_axes(rank)) if input.size else input

    dimensions = "dimension" if rank == 1 else f"{rank} dimensions"
    kernel.__doc__ = f"Computes the {'inverse ' if inverse else ''}Fourier transform over the last {dimensions}."
    definition = op(name, "input: Tcomplex -> output: Tcomplex", Tcomplex=COMPLEX)(kernel)
    definition.shape(lambda input: with_rank_at_least(input, rank))
    definition.samples(lambda s: _samples(s, rank))
    return definition


def _samples(s: Any, rank: int) -> Any:
    shape = (2, 3, 4)[-rank:] if rank > 1 else (5,)
    for dtype in ("complex64", "complex128"):
        yield s(s.normal(2, *shape, dtype=dtype))
    yield s(s.normal(*shape, dtype="complex128"))
    yield s(s.normal(3, *(1,) * rank, dtype="complex64"))
    yield s(s.normal(*(17,) * rank, dtype="complex64"), gradient=False, tolerance=1e-4)
    yield s(s.normal(2, 4096, *(1,) * (rank - 1), dtype="complex64"), gradient=False, tolerance=1e-4)
    yield s(s.empty(0, *shape, dtype="complex64"))
    yield s(s.empty(*shape[:-1], 0, dtype="complex64"))
    yield s(s.normal(*shape[1:], dtype="complex64"), error="InvalidArgumentError")


def _pair(rank: int) -> tuple[Op, Op]:
    suffix = "" if rank == 1 else f"{rank}D"
    forward, backward = _define(f"FFT{suffix}", rank, False), _define(f"IFFT{suffix}", rank, True)

    @forward.gradient
    def _forward_gradient(call, dy):
        return raw.Mul(backward(dy), elements(dy, rank, dy.dtype))

    @backward.gradient
    def _backward_gradient(call, dy):
        return raw.Mul(forward(dy), raw.Reciprocal(elements(dy, rank, dy.dtype)))

    return forward, backward


fft_op, ifft_op = _pair(1)
fft2d_op, ifft2d_op = _pair(2)
fft3d_op, ifft3d_op = _pair(3)
