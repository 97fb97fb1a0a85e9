"""Lets kernels reject bad values on both tiers.

On the host a failed check raises at once. A compiled program cannot raise: there the condition becomes one more output,
which is looked at when the program has run.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError


class _Trace(threading.local):
    def __init__(self) -> None:
        #: Conditions of the program being traced with their messages, or None while nothing is traced.
        self.conditions: list[tuple[Any, str]] | None = None


trace = _Trace()


def require(condition: Any, message: str) -> None:
    """Rejects the values of a call unless ``condition`` holds.

    Args:
      condition: a boolean, or an array of one element; traced while a program is compiled.
      message: what is wrong, for the user.

    Raises:
      InvalidArgumentError: on the host, the condition does not hold.
    """
    if isinstance(condition, bool | np.bool_ | np.ndarray):
        if not condition:
            raise InvalidArgumentError(None, None, message)
    elif trace.conditions is not None:
        trace.conditions.append((condition, message))
