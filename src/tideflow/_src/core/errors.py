"""Defines the exceptions that running an operation can raise, one class for each canonical status code.

OpError
├── CancelledError            1    ├── FailedPreconditionError    9
├── UnknownError              2    ├── AbortedError              10
├── InvalidArgumentError      3    ├── OutOfRangeError           11
├── DeadlineExceededError     4    ├── UnimplementedError        12
├── NotFoundError             5    ├── InternalError             13
├── AlreadyExistsError        6    ├── UnavailableError          14
├── PermissionDeniedError     7    ├── DataLossError             15
└── ResourceExhaustedError    8    └── UnauthenticatedError      16

TypeError
├── OperatorNotAllowedInGraphError
└── InaccessibleTensorError (a ValueError)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OperatorNotAllowedInGraphError(TypeError):
    """Says that a Python operator was used on a symbolic tensor that has no value yet."""


class InaccessibleTensorError(ValueError):
    """Says that a symbolic tensor was used outside the function or loop body that it belongs to."""


class OpError(Exception):
    """Says that an operation failed while it ran.

    Args:
      node_def: the NodeDef of the operation, or ``None``.
      op: the ``Operation``, or ``None`` (always so for eager operations).
      message: what went wrong.
      error_code: the canonical status code, one of the constants of this module.
      *args: at most one mapping of further details, kept as ``experimental_payloads``.
    """

    def __init__(self, node_def: Any, op: Any, message: Any, error_code: int, *args: Any) -> None:
        super().__init__()
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code
        payloads = args[0] if args and isinstance(args[0], Mapping) else {}
        self._experimental_payloads = {key: payloads[key] for key in payloads}

    @property
    def message(self) -> Any:
        """What went wrong."""
        return self._message

    @property
    def op(self) -> Any:
        """The operation that failed, or ``None`` if it is not known."""
        return self._op

    @property
    def node_def(self) -> Any:
        """The NodeDef of the operation that failed, or ``None`` if it is not known."""
        return self._node_def

    @property
    def error_code(self) -> int:
        """The canonical status code."""
        return self._error_code

    @property
    def experimental_payloads(self) -> dict[str, Any]:
        """Further details of the error, by name."""
        return self._experimental_payloads

    def __str__(self) -> str:
        return str(self._message)

    def __reduce__(self) -> Any:
        if type(self) in _OWN_CLASSES:
            return type(self), (self._node_def, None, self._message)
        return OpError, (self._node_def, None, self._message, self._error_code)


class _CodedError(OpError):
    """Is an ``OpError`` whose class fixes the status code."""

    _code: ClassVar[int]

    def __init__(self, node_def: Any, op: Any, message: Any, *args: Any) -> None:
        super().__init__(node_def, op, message, self._code, *args)


class CancelledError(_CodedError):
    """Says that the operation was stopped by its caller, a closed queue or a closed session."""

    _code = CANCELLED


class UnknownError(_CodedError):
    """Says that something failed without saying what."""

    _code = UNKNOWN


class InvalidArgumentError(_CodedError):
    """Says that an operation got a value that it cannot work with, whatever the state of the system."""

    _code = INVALID_ARGUMENT


class DeadlineExceededError(_CodedError):
    """Says that the time limit passed before the operation was complete."""

    _code = DEADLINE_EXCEEDED


class NotFoundError(_CodedError):
    """Says that something that was asked for, such as a file or a checkpoint entry, does not exist."""

    _code = NOT_FOUND


class AlreadyExistsError(_CodedError):
    """Says that something that was to be created exists already."""

    _code = ALREADY_EXISTS


class PermissionDeniedError(_CodedError):
    """Says that the caller may not do this."""

    _code = PERMISSION_DENIED


class ResourceExhaustedError(_CodedError):
    """Says that memory, disk space or another resource ran out."""

    _code = RESOURCE_EXHAUSTED


class FailedPreconditionError(_CodedError):
    """Says that the system is in the wrong state, such as a variable read before it was initialized."""

    _code = FAILED_PRECONDITION


class AbortedError(_CodedError):
    """Says that the operation was given up, typically because another ran at the same time."""

    _code = ABORTED


class OutOfRangeError(_CodedError):
    """Says that the operation went past the end, as an exhausted iterator or queue does."""

    _code = OUT_OF_RANGE


class UnimplementedError(_CodedError):
    """Says that the operation does not exist for these types or this device."""

    _code = UNIMPLEMENTED


class InternalError(_CodedError):
    """Says that the system broke one of its own invariants."""

    _code = INTERNAL


class UnavailableError(_CodedError):
    """Says that a service cannot be reached now; the caller may try again."""

    _code = UNAVAILABLE


class DataLossError(_CodedError):
    """Says that data is damaged or lost and cannot be recovered."""

    _code = DATA_LOSS


class UnauthenticatedError(_CodedError):
    """Says that the caller has not proved who it is."""

    _code = UNAUTHENTICATED


_OF_CODE: dict[int, type[_CodedError]] = {kind._code: kind for kind in _CodedError.__subclasses__()}
_OWN_CLASSES: frozenset[type] = frozenset(_OF_CODE.values())


def invalid_argument(message: str) -> InvalidArgumentError:
    """Returns the error that a kernel raises for a wrong argument; what runs the kernel adds the operation."""
    return InvalidArgumentError(None, None, message)


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Returns the class for a status code; ``KeyError`` for ``OK`` and for codes that do not exist."""
    return _OF_CODE[error_code]


def error_code_from_exception_type(cls: type[BaseException]) -> int:
    """Returns the status code of a class; ``UNKNOWN`` for a class that has none."""
    return getattr(cls, "_code", UNKNOWN) if cls in _OWN_CLASSES else UNKNOWN


def make(error_code: int, message: str, *, node_def: Any = None, op: Any = None) -> OpError:
    """Returns an exception of the class that the status code asks for."""
    kind = _OF_CODE.get(error_code)
    return kind(node_def, op, message) if kind is not None else OpError(node_def, op, message, error_code)


class _Status:
    """Is the place where a call notes how it ended."""

    def __init__(self) -> None:
        self.code, self.message = OK, ""

    def set(self, code: int, message: str) -> None:
        """Notes a status code and what is said to it."""
        self.code, self.message = code, message


class raise_exception_on_not_ok_status:
    """Gives a block a status to fill in, and raises the exception that it asks for when the block ends.

    >>> from tideflow.compat.v1 import errors
    >>> with errors.raise_exception_on_not_ok_status() as status:
    ...     status.set(errors.OK, "")
    """

    def __enter__(self) -> _Status:
        self.status = _Status()
        return self.status

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None and self.status.code != OK:
            raise make(self.status.code, self.status.message)
