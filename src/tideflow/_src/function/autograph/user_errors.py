"""Makes exceptions that the user's code raises while it is traced say where in that code they come from."""

from __future__ import annotations

import functools
import linecache
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any, NamedTuple

from tideflow._src.core.errors import OpError
from tideflow._src.function.autograph.conversion import has_seen
from tideflow._src.graph.source import PACKAGE
from tideflow._src.runtime.program_options import is_traceback_filtering_enabled

_FOLDER = f"{PACKAGE}_src/function/autograph/"
#: Where an exception keeps what it said at first, while it comes through functions that others call.
_TOLD = "_autograph_told"
#: Exceptions that are made of more than a message.
_STRUCTURED = (OSError, UnicodeError, SyntaxError, BaseExceptionGroup)
#: What a class defines whose exceptions are, or show, more than a message.
_MAKING = frozenset(("__init__", "__new__", "__str__"))


class _Line(NamedTuple):
    """Is a line of the user's code that an exception came through.

    Attributes:
      code: the code that it belongs to.
      name: the name of the function around it.
      number: its number in the file.
      converted: whether AutoGraph has seen the function.
    """

    code: CodeType
    name: str
    number: int
    converted: bool

    def __str__(self) -> str:
        stars = "*" if self.converted else "**"  # as TensorFlow writes it
        text = linecache.getline(self.code.co_filename, self.number).strip()
        head = f'    File "{self.code.co_filename}", line {self.number}, in {self.name}  {stars}\n'
        return f"{head}        {text}\n" if text else head


class _MultilineKeyError(KeyError):
    """Is a KeyError that shows its message as it is."""

    def __str__(self) -> str:
        return str(self.args[0])


_MultilineKeyError.__name__ = _MultilineKeyError.__qualname__ = "KeyError"


def reporting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function whose exceptions name the lines of the user's code that they came through.

    The class of an exception stays what it is. One that is more than a message is raised as it is.
    """

    @functools.wraps(function)
    def reported(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            trace = error.__traceback__
            told = _told(error)
            if is_traceback_filtering_enabled():
                trace = _without_operators(trace)
            if told is None:
                error.__traceback__ = trace
                raise
            raise told.with_traceback(trace) from None

    return reported


def _told(error: Exception) -> Exception | None:
    """Returns an exception like another one, with a message that names lines; None if none can be made."""
    text = error.__dict__.get(_TOLD) or f"{type(error).__name__}: {_message(error)}"
    lines = _lines(error.__traceback__)
    if not lines:
        return None
    message = f"in user code:\n\n{''.join(map(str, lines))}\n    {text}\n"
    made = _like(error, message)
    if made is not None:
        made.__dict__.update({**error.__dict__, **made.__dict__, _TOLD: text})
    return made


def _message(error: Exception) -> Any:
    return error.message if isinstance(error, OpError) else error


def _like(error: Exception, message: str) -> Exception | None:
    kind: Any = type(error)
    if kind is KeyError or kind is _MultilineKeyError:
        return _MultilineKeyError(message)
    if isinstance(error, OpError):
        if kind.__module__ != OpError.__module__:
            return None
        code = [error.error_code] if kind is OpError else []
        return kind(error.node_def, error.op, message, *code, error.experimental_payloads)
    made_of_a_message = not isinstance(error, _STRUCTURED) and all(
        item.__module__ == "builtins" or not _MAKING & item.__dict__.keys() for item in kind.__mro__
    )
    return kind(message) if made_of_a_message else None


def _lines(trace: TracebackType | None) -> list[_Line]:
    """Returns the lines of the user's code in a traceback; one for each function, whatever blocks it was cut into."""
    found: list[_Line] = []
    while trace is not None:
        code, number = trace.tb_frame.f_code, trace.tb_lineno
        if not code.co_filename.startswith(PACKAGE):
            name, is_known = code.co_name, has_seen(code)
            around = found[-1] if found and code in found[-1].code.co_consts else None
            if around is not None:
                is_known = around.converted
                if name == around.name or (name.startswith("<") and number == around.number):  # a block, or an operand
                    name = around.name
                    found.pop()
            found.append(_Line(code, name, number, is_known))
        trace = trace.tb_next
    return found


def _without_operators(trace: TracebackType | None) -> TracebackType | None:
    """Returns a traceback without the frames of this folder."""
    frames = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_FOLDER):
            frames.append(trace)
        trace = trace.tb_next
    result: TracebackType | None = None
    for item in reversed(frames):
        result = TracebackType(result, item.tb_frame, item.tb_lasti, item.tb_lineno)
    return result
