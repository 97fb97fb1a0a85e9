"""Many byte strings in one buffer, where NumPy works on all of them at once.

A tensor of strings is an array of Python objects, and a loop over those takes more time than what most operations
do with a string. Joining them is one pass in C; from then on bytes and words are arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_WORD = 8


class Packed:
    """Is many byte strings in one buffer.

    Args:
      content: the strings, one after the other.
      lengths: the length of each.
      starts: where in the content each begins; by default nothing stands between them.

    Attributes:
      letters: the bytes of the buffer, with eight more before and after the content.
      starts, ends: where in `letters` each string begins and ends.
      lengths: how long each is.
    """

    def __init__(self, content: bytes, lengths: Array, starts: Array | None = None) -> None:
        padded = b"".join((bytes(_WORD), content, bytes(_WORD)))
        #: The word of 8 bytes that begins at each byte.
        self._words = np.ndarray((len(padded) - _WORD + 1,), "<u8", padded, strides=(1,))
        self.letters = np.frombuffer(padded, np.uint8)
        self.lengths = lengths
        self.starts = (np.cumsum(lengths) - lengths if starts is None else starts) + _WORD
        self.ends = self.starts + lengths

    @classmethod
    def of(cls, items: Sequence[bytes]) -> Packed:
        """Packs a list of strings."""
        content = b"\0".join(items)
        # Zeros stand between the strings. If there are no others, they tell the lengths, in one pass over the buffer.
        zeros = np.flatnonzero(np.frombuffer(content, np.uint8) == 0)
        if len(zeros) == len(items) - 1:
            bounds = np.empty(len(items) + 1, np.int64)
            bounds[0], bounds[1:-1], bounds[-1] = -1, zeros, len(content)
            starts = bounds[:-1] + 1
            return cls(content, bounds[1:] - starts, starts)
        lengths = np.fromiter(map(len, items), np.int64, len(items))
        return cls(content, lengths, np.cumsum(lengths + 1) - (lengths + 1))

    def words(self, positions: Array) -> Array:
        """Returns the words that begin at positions of the buffer, as unsigned numbers."""
        return self._words[positions]
