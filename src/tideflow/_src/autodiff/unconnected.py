"""Names what a source gets as its gradient if the target does not depend on it."""

from __future__ import annotations

import enum


class UnconnectedGradients(enum.Enum):
    """Is the choice between None and zeros for a gradient that does not exist."""

    NONE = "none"
    ZERO = "zero"
