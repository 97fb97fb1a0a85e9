"""Names the values that a run returns for composite fetches."""

from __future__ import annotations

from typing import Any, NamedTuple


class IndexedSlicesValue(NamedTuple):
    """Is the value of an ``IndexedSlices``."""

    values: Any
    indices: Any
    dense_shape: Any = None
