"""Remembers which line of the user's program created an operation, cheaply enough to do it for every one."""

from __future__ import annotations

import os
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import traceback

#: The folder of the package: frames below it are not the user's.
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_DEPTH = 12

#: Where an operation was created: a code object and a line for each frame, innermost first. It is flat, so that the
#: garbage collector need not follow it: graphs hold one for each operation.
Location = tuple[CodeType | int, ...]


def capture() -> Location:
    """Returns the innermost frames that belong to the user's program."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    frames: list[CodeType | int] = []
    while frame is not None and len(frames) < 2 * _DEPTH:
        frames.append(frame.f_code)
        frames.append(frame.f_lineno)
        frame = frame.f_back
    return tuple(frames)


def describe(location: Location | None) -> str:
    """Returns ``file:line, in function`` of the innermost frame, or an empty string."""
    if not location:
        return ""
    code, line = _frames(location)[0]
    where = "" if code.co_name == "<module>" else f", in {code.co_name}"
    return f"{code.co_filename}:{line}{where}"


def summaries(location: Location | None) -> list[traceback.FrameSummary]:
    """Returns the frames as the ``traceback`` module writes them, innermost last."""
    import traceback  # loaded when something has failed

    return [
        traceback.FrameSummary(code.co_filename, line, code.co_name) for code, line in reversed(_frames(location or ()))
    ]


def _frames(location: Location) -> list[tuple[Any, Any]]:
    return list(zip(location[::2], location[1::2], strict=True))
