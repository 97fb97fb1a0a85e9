"""Values as ``tf.print`` and ``tf.strings.format`` write them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.variant_array import variants_text

_ESCAPES = {b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t", b'"': rb"\"", b"'": rb"\'", b"\\": rb"\\"}
# A pattern that `re` compiles, and keeps, at its first use.
_SPECIAL = rb"[\x00-\x1f\"'\\\x7f]"


def shown(value: Any, summarize: int) -> bytes:
    """Writes a value with ``summarize`` elements from each end of each dimension, all of them for -1."""
    if value.dtype is dtypes.variant:
        return variants_text(value, summarize).encode()
    array = np.asarray(value)
    if array.dtype.names:  # quantized numbers
        array = array[array.dtype.names[0]]
    if array.ndim and not array.size:
        # TensorFlow comes no further than to the first element that is not there.
        return b"[]" if array.shape[0] == 0 else b"[" + b"\n" * (array.ndim - 1) + b" ...]"
    if array.ndim == 0:
        return element_text(array[()])
    return _shown(array, summarize, 1)


def _shown(array: np.ndarray[Any, Any], summarize: int, depth: int) -> bytes:
    size = len(array)

    def inner(part: Any) -> list[bytes]:
        return [element_text(item) if array.ndim == 1 else _shown(item, summarize, depth + 1) for item in part]

    between = b"\n" * (array.ndim - 1) + b" " * (depth if array.ndim > 1 else 1)
    if summarize < 0 or size <= 2 * summarize:
        return b"[" + between.join(inner(array)) + b"]"
    first, last = between.join(inner(array[:summarize])), inner(array[size - summarize :])
    return b"[" + between.join([first, b"...", *last]) + b"]"


def element_text(item: Any) -> bytes:
    """Writes one element: strings in quotes, numbers with as many digits as tell them from others."""
    if isinstance(item, bytes):
        return b'"' + re.sub(_SPECIAL, _escaped, item) + b'"'
    if isinstance(item, bool | np.bool_):
        return b"1" if item else b"0"
    if isinstance(item, np.complexfloating):
        return b"?"
    kind = getattr(item, "dtype", None)
    if isinstance(item, np.float64):
        return _number(item, 15, 17)
    if isinstance(item, np.floating) or (kind is not None and kind.kind == "V"):
        return _number(np.float32(item), 6, 9)
    return str(item).encode()


def _number(item: Any, few: int, many: int) -> bytes:
    number = float(item)
    short = f"{number:.{few}g}"
    return (short if type(item)(short) == item or number != number else f"{number:.{many}g}").encode()


def _escaped(match: re.Match[bytes]) -> bytes:
    letter = match[0]
    return _ESCAPES.get(letter) or b"\\%03o" % letter[0]
