"""Short-time Fourier transforms and modified discrete cosine transforms, and their inverses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.signal.cosine import dct
from tideflow._src.ops.signal.fourier_engines import zeros_of
from tideflow._src.ops.signal.fourier_functions import irfft, rfft
from tideflow._src.ops.signal.framing import frame, overlap_and_add
from tideflow._src.ops.signal.windows import hann_window, vorbis_window
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["inverse_mdct", "inverse_stft", "inverse_stft_window_fn", "mdct", "stft"]


def _known(value: Any) -> int | None:
    known = static_value(value)
    return None if known is None else int(known)


def _size(value: Any, name: str) -> Any:
    """Returns a size as a scalar int32 tensor."""
    value = convert_to_tensor(value, name=name)
    shape = static_shape(value)
    if shape is not None and shape != ():
        raise ValueError(f"{name} must be a scalar, got shape {shape}")
    return raw.Cast(value, DstT=dtypes.int32)


def _enclosing_power_of_two(value: Any) -> Any:
    """Returns the least power of two that is not less than a size."""
    known = _known(value)
    if known is not None:
        return convert_to_tensor(np.int32(2 ** max(0, math.ceil(math.log2(max(known, 1))))))
    exponent = raw.Ceil(raw.RealDiv(raw.Log(raw.Cast(value, DstT=dtypes.float32)), np.float32(math.log(2.0))))
    return raw.Cast(raw.Pow(np.float32(2), exponent), DstT=dtypes.int32)


def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """Returns the short-time Fourier transform of signals: the spectra of overlapping windows.

    Args:
      signals: a float32 or float64 tensor of shape ``[..., samples]``.
      frame_length: the number of samples of a window, a scalar.
      frame_step: the number of samples from one window to the next, a scalar.
      fft_length: the length of the transform; by default the least power of two that holds a window.
      window_fn: makes the window of a length and dtype; None for a rectangle.
      pad_end: whether to fill up the windows at the end with zeros; else they are left out.
      name: the name of the scope; ``stft`` by default.

    Returns:
      A complex tensor of shape ``[..., frames, fft_length // 2 + 1]``.
    """
    with name_scope(name, "stft", [signals, frame_length, frame_step]):
        signals = convert_to_tensor(signals, name="signals")
        shape = static_shape(signals)
        if shape is not None and not shape:
            raise ValueError("Shape () must have rank at least 1")
        frame_length, frame_step = _size(frame_length, "frame_length"), _size(frame_step, "frame_step")
        if fft_length is None:
            fft_length = _enclosing_power_of_two(frame_length)
        else:
            fft_length = _size(fft_length, "fft_length")
        frames = frame(signals, frame_length, frame_step, pad_end=pad_end)
        if window_fn is not None:
            frames = raw.Mul(frames, window_fn(frame_length, dtype=frames.dtype))
        return rfft(frames, raw.Reshape(fft_length, [1]))


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Callable[..., Any] = hann_window, name: str | None = None
) -> Any:
    """Returns the function that makes the window with which ``inverse_stft`` undoes ``stft`` exactly.

    Args:
      frame_step: the number of samples from one window to the next.
      forward_window_fn: makes the window that ``stft`` used.
      name: the name of the scope; ``inverse_stft_window_fn`` by default.
    """

    def inverse_window(frame_length: Any, dtype: Any) -> Any:
        """Returns the window divided by the sum of the squares of all windows that overlap an element."""
        with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
            length, step = _size(frame_length, "frame_length"), _size(frame_step, "frame_step")
            window = forward_window_fn(length, dtype=dtype)
            segments = raw.Neg(raw.FloorDiv(raw.Neg(length), step))
            missing = raw.Sub(raw.Mul(segments, step), length)
            squares = raw.Pad(raw.Square(window), raw.Reshape(raw.Pack([np.int32(0), missing], axis=0), [1, 2]))
            sums = raw.Sum(raw.Reshape(squares, raw.Pack([segments, step], axis=0)), [0], keep_dims=True)
            tiled = raw.Reshape(raw.Tile(sums, raw.Pack([segments, np.int32(1)], axis=0)), [-1])
            # Where no window has weight, as at the ends of one that does not overlap the next, nothing comes back.
            return raw.DivNoNan(window, raw.Slice(tiled, [0], raw.Reshape(length, [1])))

    return inverse_window


def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    name: str | None = None,
) -> Any:
    """Returns the signals of which short-time Fourier transforms are given.

    Args:
      stfts: a complex tensor of shape ``[..., frames, fft_length // 2 + 1]``.
      frame_length: the number of samples of a window, a scalar.
      frame_step: the number of samples from one window to the next, a scalar.
      fft_length: the length of the transform; by default the least power of two that holds a window.
      window_fn: makes the window of a length and dtype, such as ``inverse_stft_window_fn(frame_step)``; None for a
        rectangle.
      name: the name of the scope; ``inverse_stft`` by default.
    """
    with name_scope(name, "inverse_stft", [stfts]):
        stfts = convert_to_tensor(stfts, name="stfts")
        shape = static_shape(stfts)
        if shape is not None and len(shape) < 2:
            raise ValueError(f"Shape {shape} must have rank at least 2")
        frame_length, frame_step = _size(frame_length, "frame_length"), _size(frame_step, "frame_step")
        if fft_length is None:
            fft_length = _enclosing_power_of_two(frame_length)
        else:
            fft_length = _size(fft_length, "fft_length")
        frames = irfft(stfts, raw.Reshape(fft_length, [1]))
        frames = _fitted(frames, frame_length, fft_length)
        if window_fn is not None:
            frames = raw.Mul(frames, window_fn(frame_length, dtype=frames.dtype))
        return overlap_and_add(frames, frame_step)


def _fitted(frames: Any, frame_length: Any, fft_length: Any) -> Any:
    """Cuts frames to their length, or fills them up with zeros."""
    shape = static_shape(frames)
    length, size = _known(frame_length), _known(fft_length)
    if length is not None and length == size:
        return frames
    sizes = raw.Shape(frames)
    outer = entries(sizes, None, -1)
    missing = raw.Maximum(raw.Sub(frame_length, fft_length), np.int32(0))
    after = raw.ConcatV2([zeros_of(outer), raw.Reshape(missing, [1])], 0)
    padded = raw.Pad(frames, raw.Pack([zeros_of(after), after], axis=1))
    result = raw.Slice(padded, zeros_of(sizes), raw.ConcatV2([outer, raw.Reshape(frame_length, [1])], 0))
    if shape is not None:
        result.set_shape([*shape[:-1], length])
    return result


def _quarters(frame_length: Any) -> int:
    length = _known(convert_to_tensor(frame_length))
    if length is None:
        raise ValueError("The frame length of an MDCT must be known when the graph is built.")
    if length < 4 or length % 4:
        raise ValueError("The frame length must be a multiple of 4.")
    return length


def mdct(
    signals: Any,
    frame_length: Any,
    window_fn: Callable[..., Any] | None = vorbis_window,
    pad_end: bool = False,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Returns the modified discrete cosine transform of signals: of windows of which each half overlaps another one.

    After Princen, Johnson and Bradley, "Subband/transform coding using filter bank designs based on time domain
    aliasing cancellation", 1987.

    Args:
      signals: a float tensor of shape ``[..., samples]``.
      frame_length: the number of samples of a window, a multiple of four.
      window_fn: makes the window of a length and dtype; None for a rectangle that keeps the power.
      pad_end: whether to fill up the windows at the end with zeros; else they are left out.
      norm: ``"ortho"`` for orthonormal transforms, or None.
      name: the name of the scope; ``mdct`` by default.

    Returns:
      A tensor of shape ``[..., frames, frame_length // 2]``.
    """
    with name_scope(name, "mdct", [signals, frame_length]):
        signals = convert_to_tensor(signals, name="signals")
        length = _quarters(frame_length)
        frames = frame(signals, length, length // 2, pad_end=pad_end)
        if window_fn is not None:
            frames = raw.Mul(frames, window_fn(length, dtype=frames.dtype))
        else:
            frames = raw.Mul(frames, np.array(1.0 / math.sqrt(2.0), frames.dtype.as_numpy_dtype))
        a, b, c, d = raw.Split(np.int32(-1), frames, num_split=4)
        first = raw.Sub(raw.Neg(raw.ReverseV2(c, [-1])), d)
        second = raw.Sub(a, raw.ReverseV2(b, [-1]))
        return dct(raw.ConcatV2([first, second], -1), type=4, norm=norm)


def inverse_mdct(
    mdcts: Any, window_fn: Callable[..., Any] | None = vorbis_window, norm: str | None = None, name: str | None = None
) -> Any:
    """Returns the signals of which modified discrete cosine transforms are given.

    Args:
      mdcts: a float tensor of shape ``[..., frames, frame_length // 2]``.
      window_fn: makes the window of a length and dtype; None for a rectangle that keeps the power.
      norm: ``"ortho"`` for orthonormal transforms, or None.
      name: the name of the scope; ``inverse_mdct`` by default.

    Returns:
      A tensor of shape ``[..., samples]``.
    """
    with name_scope(name, "inverse_mdct", [mdcts]):
        mdcts = convert_to_tensor(mdcts, name="mdcts")
        shape = static_shape(mdcts)
        if not shape or shape[-1] is None:
            raise ValueError(f"inverse_mdct needs a tensor whose last dimension is known, got shape {shape}")
        half = shape[-1]
        kind = mdcts.dtype.as_numpy_dtype
        if norm is None:
            folded = raw.Mul(np.array(0.5 / half, kind), dct(mdcts, type=4))
        else:
            folded = dct(mdcts, type=4, norm="ortho")
        first, second = raw.Split(np.int32(-1), folded, num_split=2)
        mirrored_first, mirrored_second = raw.ReverseV2(first, [-1]), raw.ReverseV2(second, [-1])
        frames = raw.ConcatV2([second, raw.Neg(mirrored_second), raw.Neg(mirrored_first), raw.Neg(first)], -1)
        if window_fn is not None:
            frames = raw.Mul(frames, window_fn(2 * half, dtype=mdcts.dtype))
        else:
            frames = raw.Mul(frames, np.array(1.0 / math.sqrt(2.0), kind))
        return overlap_and_add(frames, half)
