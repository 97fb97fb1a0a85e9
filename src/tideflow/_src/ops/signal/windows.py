"""Windows that weight the samples of a frame: Hann, Hamming, Kaiser, Kaiser-Bessel-derived and Vorbis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["hamming_window", "hann_window", "kaiser_bessel_derived_window", "kaiser_window", "vorbis_window"]


def _length(window_length: Any, dtype: Any) -> tuple[Any, Any]:
    """Returns the length as a tensor and the dtype; rejects what is neither a length nor a float type."""
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype!r}")
    window_length = convert_to_tensor(window_length, name="window_length")
    shape = static_shape(window_length)
    if shape is not None and shape != ():
        raise ValueError(f"Shape {shape} must have rank 0")
    return window_length, dtype


def hann_window(window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """Returns a Hann window: one period of a raised cosine, from 0 to 1 and back.

    Args:
      window_length: the number of elements, a scalar.
      periodic: whether the window continues periodically, for spectral analysis; else it is symmetric.
      dtype: a float type.
      name: the name of the scope; ``hann_window`` by default.
    """
    return _raised_cosine(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Returns a Hamming window: a raised cosine whose ends are not zero.

    Args:
      window_length: the number of elements, a scalar.
      periodic: whether the window continues periodically, for spectral analysis; else it is symmetric.
      dtype: a float type.
      name: the name of the scope; ``hamming_window`` by default.
    """
    return _raised_cosine(name, "hamming_window", window_length, periodic, dtype, 0.54, 0.46)


def _raised_cosine(
    name: str | None, default_name: str, window_length: Any, periodic: Any, dtype: Any, base: float, height: float
) -> Any:
    with name_scope(name, default_name, [window_length, periodic]):
        window_length, dtype = _length(window_length, dtype)
        periodic = raw.Cast(convert_to_tensor(periodic, dtypes.bool, name="periodic"), DstT=window_length.dtype)
        one = np.ones((), window_length.dtype.as_numpy_dtype)
        even = raw.Sub(one, raw.FloorMod(window_length, one + one))
        # A periodic window of even length leaves out its last element; one of odd length is symmetric, as TensorFlow's.
        period = raw.Sub(raw.AddV2(window_length, raw.Mul(periodic, even)), one)
        period = raw.Cast(raw.Maximum(period, one), DstT=dtype)
        count = raw.Cast(raw.Range(one - one, window_length, one), DstT=dtype)
        kind = dtype.as_numpy_dtype
        cosine = raw.Cos(raw.RealDiv(raw.Mul(np.array(2 * math.pi, kind), count), period))
        window = raw.Sub(np.array(base, kind), raw.Mul(np.array(height, kind), cosine))
        single = raw.Equal(window_length, one)
        return raw.SelectV2(single, raw.OnesLike(window), window)


def kaiser_window(window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """Returns a Kaiser window: the Bessel function ``I0`` over a half circle.

    Args:
      window_length: the number of elements, a scalar.
      beta: how narrow the window is, a scalar of any numeric type; 0 gives a rectangle.
      dtype: a float type.
      name: the name of the scope; ``kaiser_window`` by default.
    """
    with name_scope(name, "kaiser_window"):
        return _kaiser(window_length, beta, dtype)


def _kaiser(window_length: Any, beta: Any, dtype: Any) -> Any:
    window_length, dtype = _length(window_length, dtype)
    kind = dtype.as_numpy_dtype
    length = raw.Cast(window_length, DstT=dtype)
    middle = raw.RealDiv(raw.Sub(length, np.array(1, kind)), np.array(2, kind))
    place = raw.Sub(raw.Cast(raw.Range(0, raw.Cast(window_length, DstT=dtypes.int32), 1), DstT=dtype), middle)
    place = raw.RealDiv(place, raw.Maximum(middle, np.array(0.5, kind)))
    beta = raw.Cast(convert_to_tensor(beta, dtype_hint=dtype), DstT=dtype)
    inner = raw.Mul(beta, raw.Sqrt(raw.Relu(raw.Sub(np.array(1, kind), raw.Square(place)))))
    # I0 grows like exp: its scaled form does not overflow.
    ratio = raw.RealDiv(raw.BesselI0e(inner), raw.BesselI0e(beta))
    return raw.Mul(raw.Exp(raw.Sub(inner, beta)), ratio)


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Returns a window made of the partial sums of a Kaiser window, for which the MDCT is invertible.

    Args:
      window_length: the number of elements, an even scalar.
      beta: how narrow the Kaiser window is.
      dtype: a float type.
      name: the name of the scope; ``kaiser_bessel_derived_window`` by default.
    """
    with name_scope(name, "kaiser_bessel_derived_window"):
        window_length, dtype = _length(window_length, dtype)
        one = np.ones((), window_length.dtype.as_numpy_dtype)
        half = raw.FloorDiv(window_length, one + one)
        kaiser = _kaiser(raw.AddV2(half, one), beta, dtype)
        sums = raw.Cumsum(kaiser, np.int32(0))
        total = raw.Slice(sums, raw.Reshape(half, [1]), np.ones(1, window_length.dtype.as_numpy_dtype))
        first = raw.Slice(sums, np.zeros(1, window_length.dtype.as_numpy_dtype), raw.Reshape(half, [1]))
        rising = raw.Sqrt(raw.RealDiv(first, total))
        return raw.ConcatV2([rising, raw.ReverseV2(rising, [0])], 0)


def vorbis_window(window_length: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """Returns the window of the Vorbis codec, the sine of the square of a sine.

    Args:
      window_length: the number of elements, a scalar.
      dtype: a float type.
      name: the name of the scope; ``vorbis_window`` by default.
    """
    with name_scope(name, "vorbis_window"):
        window_length, dtype = _length(window_length, dtype)
        kind = dtype.as_numpy_dtype
        place = raw.Cast(raw.Range(0, raw.Cast(window_length, DstT=dtypes.int32), 1), DstT=dtype)
        length = raw.Cast(window_length, DstT=dtype)
        angle = raw.Mul(raw.RealDiv(np.array(math.pi, kind), length), raw.AddV2(place, np.array(0.5, kind)))
        sine = raw.Sin(angle)
        return raw.Sin(raw.Mul(np.array(math.pi / 2, kind), raw.Square(sine)))
