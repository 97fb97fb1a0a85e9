"""The time: ``tf.timestamp``."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.raw import raw


def timestamp(name: str | None = None) -> Any:
    """Returns the seconds since the beginning of 1970, as a float64 scalar; in a graph, those of the run.

    Args:
      name: the name of the operation.

    >>> float(timestamp()) > 1e9
    True
    """
    return raw.Timestamp(name=name)
