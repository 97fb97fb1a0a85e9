"""Runs Fourier transforms: NumPy's for small arrays, SciPy's for large ones, XLA's in compiled programs.

SciPy's work on several vectors at a time, and share large arrays among threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.lazy import jnp

#: From this many elements on, loading SciPy pays, and from so many dividing the work.
_LARGE = 1 << 12
_PARALLEL = 1 << 18
_MOST_TRACED_AXES = 3


def zeros_of(vector: Any) -> Any:
    """Returns as many int32 zeros as a vector has elements."""
    return raw.Fill(raw.Shape(vector), np.int32(0))


def transform(xp: Any, name: str, x: Any, lengths: Sequence[int] | None, axes: Sequence[int]) -> Any:
    """Computes a transform over several axes.

    Args:
      xp: ``numpy`` or ``jax.numpy``.
      name: ``"fftn"``, ``"ifftn"``, ``"rfftn"`` or ``"irfftn"``.
      x: an array that is not empty.
      lengths: the lengths of the transforms along the axes, to which ``x`` is cut or filled up with zeros; for
        ``"irfftn"`` those of the result. None for those of ``x``.
      axes: the axes; for real transforms, the last one is that of which only half is kept.
    """
    axes = tuple(axes)
    lengths = None if lengths is None else tuple(lengths)
    if xp is not np:
        return _traced(name, x, lengths, axes)
    if x.size < _LARGE:
        return getattr(np.fft, name)(x, s=lengths, axes=axes)
    import scipy.fft  # heavy: loaded for the first large transform

    return getattr(scipy.fft, name)(x, s=lengths, axes=axes, workers=-1 if x.size >= _PARALLEL else None)


def _traced(name: str, x: Any, lengths: tuple[int, ...] | None, axes: tuple[int, ...]) -> Any:
    """Computes a transform in a compiled program; XLA's own take three axes at most."""
    if len(axes) <= _MOST_TRACED_AXES:
        return getattr(jnp.fft, name)(x, s=lengths, axes=axes)
    if lengths is None:
        lengths = tuple(x.shape[axis] for axis in axes)
    inner, outer = slice(-_MOST_TRACED_AXES, None), slice(None, -_MOST_TRACED_AXES)
    if name == "irfftn":
        return jnp.fft.irfftn(_traced("ifftn", x, lengths[outer], axes[outer]), s=lengths[inner], axes=axes[inner])
    x = getattr(jnp.fft, name)(x, s=lengths[inner], axes=axes[inner])
    return _traced("fftn" if name == "rfftn" else name, x, lengths[outer], axes[outer])
