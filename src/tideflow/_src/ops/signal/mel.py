"""The mel scale: how spectra become what people hear, and cepstral coefficients of that."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.signal.cosine import dct
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["linear_to_mel_weight_matrix", "mfccs_from_log_mel_spectrograms"]

# The scale of HTK.
_BREAK_HERTZ = 700.0
_HIGH_Q = 1127.0


def _mel(hertz: Any) -> Any:
    return _HIGH_Q * np.log1p(hertz / _BREAK_HERTZ)


def _check(bins: Any, rate: Any, lower: float, upper: float, dtype: Any) -> None:
    if bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {bins}")
    if lower < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower}")
    if lower >= upper:
        raise ValueError(f"lower_edge_hertz {lower} >= upper_edge_hertz {upper}")
    if rate is not None:
        if rate <= 0:
            raise ValueError(f"sample_rate must be positive. Got: {rate}")
        if upper > rate / 2:
            raise ValueError(
                f"upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got {upper} for "
                f"sample_rate: {rate}"
            )
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype!r}")


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: Any = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Returns a matrix that takes spectra on a linear scale of frequencies to spectra on the mel scale.

    Its columns are triangles that are equally wide in mels and overlap by half.

    Args:
      num_mel_bins: how many bands the result has.
      num_spectrogram_bins: how many frequencies, from 0 to half of the sample rate, the spectra have.
      sample_rate: the number of samples in a second, an integer or a scalar tensor.
      lower_edge_hertz: the lower end of the lowest band.
      upper_edge_hertz: the upper end of the highest band.
      dtype: a float type.
      name: the name of the scope; ``linear_to_mel_weight_matrix`` by default.

    Returns:
      A matrix of shape ``[num_spectrogram_bins, num_mel_bins]``.

    Raises:
      ValueError: an argument is out of its range.
    """
    with name_scope(name, "linear_to_mel_weight_matrix") as scope:
        dtype = dtypes.as_dtype(dtype)
        rate = static_value(sample_rate) if hasattr(sample_rate, "dtype") else sample_rate
        _check(num_mel_bins, None if rate is None else float(rate), lower_edge_hertz, upper_edge_hertz, dtype)
        bins = static_value(convert_to_tensor(num_spectrogram_bins))
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        if rate is not None and bins is not None:
            # The constant part of the signal counts in no band.
            frequencies = np.linspace(0.0, float(rate) / 2, int(bins))[1:]
            weights = _triangles(_mel(frequencies)[:, None], edges)
            weights = np.pad(weights, [[1, 0], [0, 0]]).astype(dtype.as_numpy_dtype)
            return raw.Identity(convert_to_tensor(weights), name=scope or None)
        nyquist = raw.RealDiv(raw.Cast(sample_rate, DstT=dtypes.float64), np.float64(2))
        count = raw.Cast(num_spectrogram_bins, DstT=dtypes.int32)
        frequencies = entries(raw.LinSpace(np.float64(0), nyquist, count), 1, None)
        mels = raw.Mul(np.float64(_HIGH_Q), raw.Log1p(raw.RealDiv(frequencies, np.float64(_BREAK_HERTZ))))
        mels = raw.ExpandDims(mels, 1)
        lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
        rising = raw.RealDiv(raw.Sub(mels, lower), center - lower)
        falling = raw.RealDiv(raw.Sub(upper, mels), upper - center)
        weights = raw.Maximum(np.float64(0), raw.Minimum(rising, falling))
        return raw.Cast(raw.Pad(weights, np.array([[1, 0], [0, 0]], np.int32)), DstT=dtype, name=scope or None)


def _triangles(mels: Any, edges: Any) -> Any:
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0.0, np.minimum((mels - lower) / (center - lower), (upper - mels) / (upper - center)))


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Any:
    """Returns mel-frequency cepstral coefficients: cosine transforms of logarithms of mel spectra, scaled as in HTK.

    Args:
      log_mel_spectrograms: a float tensor of shape ``[..., num_mel_bins]``.
      name: the name of the scope; ``mfccs_from_log_mel_spectrograms`` by default.

    Returns:
      A tensor of the same shape; most use its first 13 coefficients or so.

    Raises:
      ValueError: there are no bins.
    """
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        spectra = convert_to_tensor(log_mel_spectrograms)
        shape = static_shape(spectra)
        if shape and shape[-1] is not None:
            if shape[-1] == 0:
                raise ValueError(f"num_mel_bins must be positive. Got: {log_mel_spectrograms}")
            scale: Any = np.array(1.0 / math.sqrt(2.0 * shape[-1]), spectra.dtype.as_numpy_dtype)
        else:
            bins = raw.Cast(entries(raw.Shape(spectra), -1, None), DstT=spectra.dtype)
            scale = raw.Rsqrt(raw.Mul(bins, np.array(2, spectra.dtype.as_numpy_dtype)))
        return raw.Mul(dct(spectra, type=2), scale)
