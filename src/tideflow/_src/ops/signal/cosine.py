"""Discrete cosine transforms of types I to IV, by way of Fourier transforms.

After Makhoul, "A fast cosine transform in one and two dimensions", 1980.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.signal.fourier_functions import irfft, rfft
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["dct", "idct"]


def _check(input: Any, type: Any, n: Any, axis: Any, norm: Any) -> None:
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(f"Expected a float32 or float64 tensor, got {input.dtype.name}")
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")
    if type == 1:
        if norm == "ortho":
            raise ValueError("Normalization is not supported for the Type-I DCT.")
        shape = static_shape(input)
        if shape and shape[-1] is not None and shape[-1] < 2:
            raise ValueError("Type-I DCT requires the dimension to be greater than one.")


def _resized(x: Any, n: int | None) -> Any:
    """Cuts the last dimension to ``n`` elements, or fills it up with zeros."""
    shape = static_shape(x)
    if n is None or (shape is not None and shape[-1] == n):
        return x
    if shape is None:
        raise ValueError("A cosine transform of given length needs a tensor of known rank.")
    if shape[-1] is not None and shape[-1] < n:
        return raw.Pad(x, np.array([[0, 0]] * (len(shape) - 1) + [[0, n - shape[-1]]], np.int32))
    if shape[-1] is None:
        x = raw.Pad(x, np.array([[0, 0]] * (len(shape) - 1) + [[0, n]], np.int32))
    return _part(x, 0, n)


def _part(x: Any, start: int, stop: int | None, step: int = 1) -> Any:
    """Returns elements of the last dimension, as ``x[..., start:stop:step]``."""
    end = 0 if stop is None else stop
    return raw.StridedSlice(x, [0, start], [0, end], [1, step], ellipsis_mask=1, end_mask=2 if stop is None else 0)


def _size(x: Any) -> Any:
    """Returns the size of the last dimension, an integer or, where it is not known, a tensor."""
    shape = static_shape(x)
    if shape is not None and shape and shape[-1] is not None:
        return shape[-1]
    return raw.Squeeze(raw.StridedSlice(raw.Shape(x), [-1], [0], [1], end_mask=1))


def dct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Any:
    """Returns the discrete cosine transform of a tensor over its last dimension.

    Args:
      input: a float32 or float64 tensor.
      type: 1, 2, 3 or 4.
      n: the length of the transform: the dimension is cut off or filled up with zeros. Its size by default.
      axis: -1.
      norm: ``"ortho"`` for an orthonormal transform (not for type 1), or None.
      name: the name of the scope; ``dct`` by default.

    Returns:
      A tensor of the shape of ``input``, but for ``n``.

    Raises:
      ValueError: the type, the length or the normalization is none of these.
      NotImplementedError: the axis is not -1.
    """
    with name_scope(name, "dct"):
        x = convert_to_tensor(input)
        _check(x, type, n, axis, norm)
        return _transform(_resized(x, n), type, norm)


def idct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Any:
    """Returns the inverse of a discrete cosine transform, but for a factor unless ``norm`` is ``"ortho"``.

    Without normalization it is, for type 2, the transform of type 3, and so on: ``dct`` and ``idct`` of a vector give
    the vector times twice its length (of type 1: twice its length minus one).

    Args:
      input: a float32 or float64 tensor.
      type: the type of the transform to undo: 1, 2, 3 or 4.
      n: the length of the transform; must be None.
      axis: -1.
      norm: ``"ortho"`` for an orthonormal transform (not for type 1), or None.
      name: the name of the scope; ``idct`` by default.
    """
    x = convert_to_tensor(input)
    _check(x, type, n, axis, norm)
    return dct(x, type={1: 1, 2: 3, 3: 2, 4: 4}[type], n=n, axis=axis, norm=norm, name=name)


def _transform(x: Any, kind: int, norm: str | None) -> Any:
    if kind == 1:
        mirrored = raw.ReverseV2(_part(x, 1, -1), [-1])
        return raw.Real(rfft(raw.ConcatV2([x, mirrored], -1)), Tout=x.dtype)
    if kind == 2:
        return _second(x, norm)
    if kind == 3:
        return _third(x, norm)
    return _fourth(x, norm)


def _rotation(x: Any, sign: int) -> Any:
    """Returns the real and the imaginary part of exp(sign * i * pi * k / (2 * size)) for each element k."""
    size = _size(x)
    dtype = x.dtype
    numpy_dtype = dtype.as_numpy_dtype
    number = np.arange(size) if isinstance(size, int) else raw.Range(np.int32(0), size, np.int32(1))
    if isinstance(size, int):
        angle = (number * (sign * math.pi * 0.5 / max(size, 1))).astype(numpy_dtype)
        return np.cos(angle), np.sin(angle)
    scale = raw.RealDiv(np.array(sign * math.pi * 0.5, numpy_dtype), raw.Cast(size, DstT=dtype))
    angle = raw.Mul(raw.Cast(number, DstT=dtype), scale)
    return raw.Cos(angle), raw.Sin(angle)


def _root(x: Any, factor: float) -> Any:
    """Returns the square root of ``factor / size``."""
    size, dtype = _size(x), x.dtype.as_numpy_dtype
    if isinstance(size, int):
        return np.array(math.sqrt(factor / max(size, 1)), dtype)
    return raw.Sqrt(raw.RealDiv(np.array(factor, dtype), raw.Cast(size, DstT=x.dtype)))


def _fft_length(x: Any, factor: int) -> Any:
    size = _size(x)
    if isinstance(size, int):
        return np.array([factor * size], np.int32)
    return raw.Reshape(raw.Mul(size, np.int32(factor)), [1])


def _second(x: Any, norm: str | None) -> Any:
    cosine, sine = _rotation(x, -1)
    spectrum = rfft(x, fft_length=_fft_length(x, 2))
    dtype = x.dtype
    # The last one of the size + 1 elements is not needed.
    size = _size(x)
    if isinstance(size, int):
        spectrum = _part(spectrum, 0, size)
    else:
        spectrum = _part(spectrum, 0, -1)
    two = np.array(2, dtype.as_numpy_dtype)
    real = raw.Mul(raw.Real(spectrum, Tout=dtype), cosine)
    result = raw.Mul(two, raw.Sub(real, raw.Mul(raw.Imag(spectrum, Tout=dtype), sine)))
    if norm == "ortho":
        half = np.array(0.5, dtype.as_numpy_dtype)
        first = raw.Mul(_part(result, 0, 1), raw.Mul(half, _root(x, 1.0)))
        others = raw.Mul(_part(result, 1, None), raw.Mul(half, _root(x, 2.0)))
        result = raw.ConcatV2([first, others], -1)
    return result


def _third(x: Any, norm: str | None) -> Any:
    dtype = x.dtype
    numpy_dtype = dtype.as_numpy_dtype
    size = _size(x)
    if norm == "ortho":
        # Undoes the factors of type II, and what the sum below is multiplied by.
        first = raw.Mul(_part(x, 0, 1), _root(x, 1.0))
        others = raw.Mul(_part(x, 1, None), raw.Mul(np.array(0.5, numpy_dtype), _root(x, 2.0)))
        x = raw.ConcatV2([first, others], -1)
    cosine, sine = _rotation(x, 1)
    spectrum = raw.Complex(raw.Mul(x, cosine), raw.Mul(x, sine), Tout=_complex(dtype))
    result = irfft(spectrum, fft_length=_fft_length(x, 2))
    result = _part(result, 0, size) if isinstance(size, int) else _first_half(result, size)
    whole = np.int32(2 * size) if isinstance(size, int) else raw.Mul(size, np.int32(2))
    return raw.Mul(result, raw.Cast(whole, DstT=dtype))


def _first_half(x: Any, size: Any) -> Any:
    end = raw.Pack([np.int32(0), size], axis=0)
    return raw.StridedSlice(x, [0, 0], end, [1, 1], ellipsis_mask=1)


def _complex(dtype: Any) -> Any:
    return dtypes.complex128 if dtype.name == "float64" else dtypes.complex64


def _fourth(x: Any, norm: str | None) -> Any:
    # A transform of type II of twice the length, of which every second element is kept.
    twice = raw.ConcatV2([x, raw.ZerosLike(x)], -1)
    result = _part(_second(twice, None), 1, None, 2)
    if norm == "ortho":
        result = raw.Mul(result, raw.Mul(np.array(math.sqrt(0.5), x.dtype.as_numpy_dtype), _root(x, 1.0)))
    return result
