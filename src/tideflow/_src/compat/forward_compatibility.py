"""Which changes of TensorFlow's behaviour a program may rely on, by their dates."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

#: The date before which changes may be relied on; None for all changes.
_horizon: contextvars.ContextVar[tuple[int, int, int] | None] = contextvars.ContextVar("horizon", default=None)


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Tells whether changes made at a date may be relied on: always, but within ``forward_compatibility_horizon``.

    >>> forward_compatible(2019, 7, 1)
    True

    Args:
      year, month, day: the date, month and day counted from 1.
    """
    horizon = _horizon.get()
    return horizon is None or horizon > (year, month, day)


@contextlib.contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """Lets a block, for a test, rely on those changes alone that were made before a date.

    >>> with forward_compatibility_horizon(2019, 6, 30):
    ...     forward_compatible(2019, 6, 29), forward_compatible(2019, 6, 30)
    (True, False)

    Args:
      year, month, day: the date, month and day counted from 1.
    """
    token = _horizon.set((year, month, day))
    try:
        yield
    finally:
        _horizon.reset(token)
