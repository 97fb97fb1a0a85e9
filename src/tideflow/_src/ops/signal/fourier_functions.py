"""The public functions of Fourier transforms: ``tf.signal.fft`` and its relatives, and shifts of their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.signal.fourier_engines import zeros_of
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = [
    "fft",
    "fft2d",
    "fft3d",
    "fftnd",
    "fftshift",
    "ifft",
    "ifft2d",
    "ifft3d",
    "ifftnd",
    "ifftshift",
    "irfft",
    "irfft2d",
    "irfft3d",
    "irfftnd",
    "rfft",
    "rfft2d",
    "rfft3d",
    "rfftnd",
]


def fft(input: Any, name: str | None = None) -> Any:
    """Returns the Fourier transform of a complex tensor over its last dimension.

    Args:
      input: a complex64 or complex128 tensor.
      name: the node's name.
    """
    return raw.FFT(input, name=name)


def ifft(input: Any, name: str | None = None) -> Any:
    """Returns the inverse Fourier transform of a complex tensor over its last dimension.

    Args:
      input: a complex64 or complex128 tensor.
      name: the node's name.
    """
    return raw.IFFT(input, name=name)


def fft2d(input: Any, name: str | None = None) -> Any:
    """Returns the Fourier transform of a complex tensor over its last two dimensions.

    Args:
      input: a complex64 or complex128 tensor.
      name: the node's name.
    """
    return raw.FFT2D(input, name=name)


def ifft2d(input: Any, name: str | None = None) -> Any:
    """Returns the inverse Fourier transform of a complex tensor over its last two dimensions.

    Args:
      input: a complex64 or complex128 tensor.
      name: the node's name.
    """
    return raw.IFFT2D(input, name=name)


def fft3d(input: Any, name: str | None = None) -> Any:
    """Returns the Fourier transform of a complex tensor over its last three dimensions.

    Args:
      input: a complex64 or complex128 tensor.
      name: the node's name.
    """
    return raw.FFT3D(input, name=name)


def ifft3d(input: Any, name: str | None = None) -> Any:
    """Returns the inverse Fourier transform of a complex tensor over its last three dimensions.

    Args:
      input: a complex64 or complex128 tensor.
      name: the node's name.
    """
    return raw.IFFT3D(input, name=name)


# Real tensors.

_COMPLEX_OF = {"float32": dtypes.complex64, "float64": dtypes.complex128}
_REAL_OF = {"complex64": dtypes.float32, "complex128": dtypes.float64}


def _filled_up(x: Any, lengths: Any, rank: int, halved: bool) -> Any:
    """Fills the last dimensions of a tensor up with zeros, so that none is shorter than the transform needs."""
    shape = static_shape(x)
    known = static_value(lengths)
    if known is not None and shape is not None and None not in shape[len(shape) - rank :]:
        needed = [int(length) for length in np.asarray(known).reshape(-1)]
        if len(needed) != rank or len(shape) < rank:
            return x
        if halved:
            needed[-1] = needed[-1] // 2 + 1 if needed[-1] > 0 else 0
        missing = [max(0, most - size) for most, size in zip(needed, shape[len(shape) - rank :], strict=True)]
        if not any(missing):
            return x
        paddings = [[0, 0]] * (len(shape) - rank) + [[0, count] for count in missing]
        return raw.Pad(x, np.array(paddings, np.int32), name="Pad")
    needed = convert_to_tensor(lengths, dtypes.int32)
    if halved:
        before, last = raw.Split(np.int32(0), needed, num_split=rank)[:-1], raw.Slice(needed, [rank - 1], [1])
        half = raw.AddV2(raw.FloorDiv(last, np.int32(2)), np.int32(1))
        needed = raw.ConcatV2([*before, half], 0) if before else half
    sizes = raw.Shape(x)
    last_sizes = entries(sizes, -rank, None)
    missing = raw.Maximum(raw.Sub(needed, last_sizes), np.int32(0))
    others = zeros_of(entries(sizes, None, -rank))
    after = raw.ConcatV2([others, missing], 0)
    padded = raw.Pad(x, raw.Pack([zeros_of(after), after], axis=1), name="Pad")
    if shape is not None:
        padded.set_shape([*shape[: len(shape) - rank], *(None,) * rank])
    return padded


def _forward(name: str, default_name: str, operation: str, rank: int, x: Any, fft_length: Any) -> Any:
    with name_scope(name, default_name, [x, fft_length]) as scope:
        x = convert_to_tensor(x, dtype_hint=dtypes.float32)
        if x.dtype not in (dtypes.float32, dtypes.float64):
            raise ValueError(f"RFFT requires tf.float32 or tf.float64 inputs, got: {x!r}")
        shape = static_shape(x)
        if shape is not None and len(shape) < rank:
            raise ValueError(f"Shape {shape} must have rank at least {rank}")
        if fft_length is None:
            sizes = shape_of(x)
            fft_length = sizes[-rank:] if isinstance(sizes, np.ndarray) else _tail(sizes, rank)
        else:
            fft_length = convert_to_tensor(fft_length, dtypes.int32)
            x = _filled_up(x, fft_length, rank, False)
        return getattr(raw, operation)(x, fft_length, Tcomplex=_COMPLEX_OF[x.dtype.name], name=scope or None)


def _backward(name: str, default_name: str, operation: str, rank: int, x: Any, fft_length: Any) -> Any:
    with name_scope(name, default_name, [x, fft_length]) as scope:
        x = convert_to_tensor(x, dtype_hint=dtypes.complex64)
        if x.dtype not in (dtypes.complex64, dtypes.complex128):
            if not x.dtype.is_floating:
                raise ValueError(f"IRFFT requires tf.complex64 or tf.complex128 inputs, got: {x!r}")
            x = raw.Cast(x, DstT=dtypes.complex128 if x.dtype == dtypes.float64 else dtypes.complex64)
        shape = static_shape(x)
        if shape is not None and len(shape) < rank:
            raise ValueError(f"Shape {shape} must have rank at least {rank}")
        if fft_length is None:
            sizes = shape_of(x)
            if isinstance(sizes, np.ndarray):
                fft_length = np.array([*sizes[-rank:-1], max(0, 2 * (int(sizes[-1]) - 1))], np.int32)
            else:
                tail = _tail(sizes, rank)
                last = raw.Sub(raw.Slice(tail, [rank - 1], [1]), np.int32(1))
                last = raw.Maximum(np.int32(0), raw.Mul(np.int32(2), last))
                fft_length = raw.ConcatV2([raw.Slice(tail, [0], [rank - 1]), last], 0)
        else:
            fft_length = convert_to_tensor(fft_length, dtypes.int32)
            x = _filled_up(x, fft_length, rank, True)
        return getattr(raw, operation)(x, fft_length, Treal=_REAL_OF[x.dtype.name], name=scope or None)


def _tail(sizes: Any, rank: int) -> Any:
    return entries(sizes, -rank, None)


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Returns the Fourier transform of a real tensor over its last dimension, without the redundant half.

    Args:
      input_tensor: a float32 or float64 tensor.
      fft_length: the length of the transform, a vector of one integer: the dimension is cut off or filled up with
        zeros. Its size by default.
      name: the node's name; ``rfft`` by default.

    Returns:
      A complex tensor whose last dimension is ``fft_length // 2 + 1``.
    """
    return _forward(name, "rfft", "RFFT", 1, input_tensor, fft_length)


def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Returns the Fourier transform of a real tensor over its last two dimensions, without the redundant half.

    Args:
      input_tensor: a float32 or float64 tensor.
      fft_length: the lengths of the transform, a vector of two integers; the sizes by default.
      name: the node's name; ``rfft2d`` by default.
    """
    return _forward(name, "rfft2d", "RFFT2D", 2, input_tensor, fft_length)


def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Returns the Fourier transform of a real tensor over its last three dimensions, without the redundant half.

    Args:
      input_tensor: a float32 or float64 tensor.
      fft_length: the lengths of the transform, a vector of three integers; the sizes by default.
      name: the node's name; ``rfft3d`` by default.
    """
    return _forward(name, "rfft3d", "RFFT3D", 3, input_tensor, fft_length)


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Returns the inverse of ``rfft``: real numbers from the half of a transform that is not redundant.

    Args:
      input_tensor: a complex64 or complex128 tensor.
      fft_length: the length of the result, a vector of one integer; by default the even one that fits.
      name: the node's name; ``irfft`` by default.
    """
    return _backward(name, "irfft", "IRFFT", 1, input_tensor, fft_length)


def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Returns the inverse of ``rfft2d``.

    Args:
      input_tensor: a complex64 or complex128 tensor.
      fft_length: the lengths of the result, a vector of two integers.
      name: the node's name; ``irfft2d`` by default.
    """
    return _backward(name, "irfft2d", "IRFFT2D", 2, input_tensor, fft_length)


def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Returns the inverse of ``rfft3d``.

    Args:
      input_tensor: a complex64 or complex128 tensor.
      fft_length: the lengths of the result, a vector of three integers.
      name: the node's name; ``irfft3d`` by default.
    """
    return _backward(name, "irfft3d", "IRFFT3D", 3, input_tensor, fft_length)


# Any axes.


def _along(
    name: str | None, default_name: str, x: Any, fft_length: Any, axes: Any, norm: str | None, call: Callable[..., Any]
) -> Any:
    """Completes the arguments of a transform along any axes, calls it, and scales the result as ``norm`` says."""
    inverse, halved = "i" in default_name.partition("fft")[0], default_name.startswith("ir")
    if norm not in (None, "backward", "forward", "ortho"):
        raise ValueError(f"Expected norm to be None, 'backward', 'forward' or 'ortho', got: {norm!r}")
    with name_scope(name, default_name, [x, fft_length, axes]) as scope:
        rank = len(static_shape(x) or ())
        if static_shape(x) is None:
            raise ValueError(f"{default_name} needs a tensor of known rank.")
        if axes is None:
            count = rank if fft_length is None else int(np.size(static_value(convert_to_tensor(fft_length))))
            axes = np.arange(rank - count, rank, dtype=np.int32)
        axes_tensor = convert_to_tensor(axes, dtypes.int32)
        if fft_length is None:
            sizes = raw.GatherV2(raw.Shape(x), raw.FloorMod(axes_tensor, np.int32(rank)), 0)
            if halved:
                count = static_shape(sizes)[0]
                last = raw.Mul(np.int32(2), raw.Sub(raw.Slice(sizes, [count - 1], [1]), np.int32(1)))
                sizes = raw.ConcatV2([raw.Slice(sizes, [0], [count - 1]), raw.Maximum(last, np.int32(0))], 0)
            fft_length = sizes
        else:
            fft_length = convert_to_tensor(fft_length, dtypes.int32)
        plain = norm is None or norm == "backward"
        result = call(x, fft_length, axes_tensor, name=(scope or None) if plain else None)
        if plain:
            return result
        real = dtypes.float64 if result.dtype in (dtypes.float64, dtypes.complex128) else dtypes.float32
        count = raw.Cast(raw.Prod(fft_length, [0]), DstT=real)
        factor = count if norm == "forward" else raw.Sqrt(count)
        factor = raw.Cast(factor if inverse else raw.Reciprocal(factor), DstT=result.dtype)
        return raw.Mul(result, factor, name=scope or None)


def fftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: Any = None
) -> Any:
    """Returns the Fourier transform of a complex tensor along some axes.

    Args:
      input_tensor: a complex64 or complex128 tensor.
      fft_length: the lengths of the transform along the axes; the sizes by default.
      axes: the axes; all by default, or the last ones if ``fft_length`` is given.
      norm: ``"forward"`` to divide by the number of elements, ``"ortho"`` by its square root, else None or
        ``"backward"``.
      name: the node's name; ``fftnd`` by default.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64)
    return _along(name, "fftnd", x, fft_length, axes, norm, raw.FFTND)


def ifftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: Any = None
) -> Any:
    """Returns the inverse Fourier transform of a complex tensor along some axes.

    Args:
      input_tensor: a complex64 or complex128 tensor.
      fft_length: the lengths of the transform along the axes; the sizes by default.
      axes: the axes; all by default, or the last ones if ``fft_length`` is given.
      norm: ``"forward"`` not to divide by the number of elements, ``"ortho"`` to divide by its square root.
      name: the node's name; ``ifftnd`` by default.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64)
    return _along(name, "ifftnd", x, fft_length, axes, norm, raw.IFFTND)


def rfftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: Any = None
) -> Any:
    """Returns the Fourier transform of a real tensor along some axes, of the last one without the redundant half.

    Args:
      input_tensor: a float32 or float64 tensor.
      fft_length: the lengths of the transform along the axes; the sizes by default.
      axes: the axes; all by default, or the last ones if ``fft_length`` is given.
      norm: ``"forward"`` to divide by the number of elements, ``"ortho"`` by its square root.
      name: the node's name; ``rfftnd`` by default.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.float32)
    if x.dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"RFFT requires tf.float32 or tf.float64 inputs, got: {x!r}")

    def call(*arguments: Any, name: str | None) -> Any:
        return raw.RFFTND(*arguments, Tcomplex=_COMPLEX_OF[x.dtype.name], name=name)

    return _along(name, "rfftnd", x, fft_length, axes, norm, call)


def irfftnd(
    input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None, name: Any = None
) -> Any:
    """Returns the inverse of ``rfftnd``: real numbers from the half of a transform that is not redundant.

    Args:
      input_tensor: a complex64 or complex128 tensor.
      fft_length: the lengths of the result along the axes; by default the sizes, and the even one that fits the last.
      axes: the axes; all by default, or the last ones if ``fft_length`` is given.
      norm: ``"forward"`` not to divide by the number of elements, ``"ortho"`` to divide by its square root.
      name: the node's name; ``irfftnd`` by default.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64)
    if x.dtype not in (dtypes.complex64, dtypes.complex128):
        raise ValueError(f"IRFFT requires tf.complex64 or tf.complex128 inputs, got: {x!r}")

    def call(*arguments: Any, name: str | None) -> Any:
        return raw.IRFFTND(*arguments, Treal=_REAL_OF[x.dtype.name], name=name)

    return _along(name, "irfftnd", x, fft_length, axes, norm, call)


# Shifts.


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """Returns a tensor with its first element in the middle of each axis: the constant part of a transform.

    Args:
      x: a tensor.
      axes: the axes to shift, an integer or several; all by default.
      name: the node's name; ``fftshift`` by default.
    """
    return _shifted(x, axes, name, "fftshift", False)


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """Returns the inverse of ``fftshift``, which differs from it for odd sizes.

    Args:
      x: a tensor.
      axes: the axes to shift, an integer or several; all by default.
      name: the node's name; ``ifftshift`` by default.
    """
    return _shifted(x, axes, name, "ifftshift", True)


def _shifted(x: Any, axes: Any, name: str | None, default_name: str, inverse: bool) -> Any:
    with name_scope(name, default_name) as scope:
        x = convert_to_tensor(x)
        if axes is None:
            rank = len(static_shape(x)) if static_shape(x) is not None else raw.Rank(x)
            axes = np.arange(rank, dtype=np.int32) if isinstance(rank, int) else raw.Range(0, rank, 1)
        axes = convert_to_tensor(axes, dtypes.int32)
        places = raw.FloorMod(axes, raw.Rank(x))
        sizes = raw.GatherV2(raw.Shape(x), places, 0)
        shift = raw.FloorDiv(sizes, np.int32(2))
        return raw.Roll(x, raw.Neg(shift) if inverse else shift, axes, name=scope or None)
