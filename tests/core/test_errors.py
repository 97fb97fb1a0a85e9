"""Tests of the exceptions and their status codes."""

from __future__ import annotations

import pickle

import pytest

from tideflow._src.core import errors

CODES = {
    "Cancelled": 1,
    "Unknown": 2,
    "InvalidArgument": 3,
    "DeadlineExceeded": 4,
    "NotFound": 5,
    "AlreadyExists": 6,
    "PermissionDenied": 7,
    "ResourceExhausted": 8,
    "FailedPrecondition": 9,
    "Aborted": 10,
    "OutOfRange": 11,
    "Unimplemented": 12,
    "Internal": 13,
    "Unavailable": 14,
    "DataLoss": 15,
    "Unauthenticated": 16,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_every_class(name: str, code: int) -> None:
    kind = getattr(errors, f"{name}Error")
    error = kind(None, None, "the message")
    assert isinstance(error, errors.OpError)
    assert (error.error_code, error.message, error.op, error.node_def) == (code, "the message", None, None)
    assert str(error) == "the message"
    assert error.experimental_payloads == {}
    assert errors.exception_type_from_error_code(code) is kind
    assert errors.error_code_from_exception_type(kind) == code
    assert type(errors.make(code, "m")) is kind
    constant = "".join("_" + letter if letter.isupper() else letter for letter in name)[1:].upper()
    assert getattr(errors, constant) == code


def test_base_class_takes_a_code() -> None:
    error = errors.OpError(None, None, "m", 3)
    assert error.error_code == 3
    assert errors.make(77, "m").error_code == 77


def test_op_and_node_def_are_kept() -> None:
    error = errors.InvalidArgumentError("node", "op", "m", {"key": b"detail"})
    assert (error.node_def, error.op) == ("node", "op")
    assert error.experimental_payloads == {"key": b"detail"}


def test_pickling() -> None:
    error = pickle.loads(pickle.dumps(errors.NotFoundError(None, None, "gone")))
    assert type(error) is errors.NotFoundError
    assert (str(error), error.error_code) == ("gone", 5)
    base = pickle.loads(pickle.dumps(errors.OpError(None, None, "m", 77)))
    assert (type(base), base.error_code) == (errors.OpError, 77)


def test_pickling_of_a_subclass_with_its_own_constructor() -> None:
    error = pickle.loads(pickle.dumps(_OneArgument("m")))
    assert isinstance(error, errors.OpError)
    assert (error.message, error.error_code) == ("m", errors.ABORTED)


class _OneArgument(errors.AbortedError):
    def __init__(self, message: str) -> None:
        super().__init__(None, None, message)


def test_codes_without_a_class() -> None:
    for code in (0, 17, -1):
        with pytest.raises(KeyError):
            errors.exception_type_from_error_code(code)
    assert errors.error_code_from_exception_type(ValueError) == errors.UNKNOWN


def test_message_is_required() -> None:
    with pytest.raises(TypeError):
        errors.InvalidArgumentError("m")  # type: ignore[call-arg]
