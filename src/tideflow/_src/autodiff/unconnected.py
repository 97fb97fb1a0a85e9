"""Names what a source gets as its gradient if the target does not depend on it."""

from __future__ import annotations

import enum


class UnconnectedGradients(enum.Enum):
    """Is the choice between None and zeros for a gradient that does not exist."""

    NONE = "none"
    ZERO = "zero"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}")


class AggregationMethod:
    """Names the ways of adding gradients; TensorFlow's signature has them, and all give the same sum here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2
