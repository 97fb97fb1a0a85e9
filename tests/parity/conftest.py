"""Starts TensorFlow once for a session of parity tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .oracle import ENVIRONMENT_VARIABLE, Oracle, from_environment

_HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves the parity tests out of a plain test run; asking for them without an oracle is an error."""
    if os.environ.get(ENVIRONMENT_VARIABLE):
        return None
    asked = [
        Path(argument.split("::")[0]).resolve() for argument in config.invocation_params.args if _is_path(argument)
    ]
    if any(path == _HERE or _HERE in path.parents for path in asked):
        raise pytest.UsageError(
            f"the parity tests compare with TensorFlow: set {ENVIRONMENT_VARIABLE} to a Python that has "
            "tensorflow-cpu 2.21, or run `make parity`"
        )
    return True


def _is_path(argument: object) -> bool:
    return isinstance(argument, str) and not argument.startswith("-") and Path(argument.split("::")[0]).exists()


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """Is TensorFlow, started once for the session."""
    with from_environment() as process:
        yield process


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of one op beside each other, so that parallel workers rarely ask TensorFlow the same."""

    def name(item: pytest.Item) -> str:
        # Another file's tests stay together: what they share is made once.
        if item.path.name != "test_ops.py":
            return ""
        return str(getattr(item, "callspec", None) and item.callspec.params.get("name", ""))

    ours = [item for item in items if item.path.parent == _HERE]
    ordered = iter(sorted(ours, key=name))
    items[:] = [next(ordered) if item.path.parent == _HERE else item for item in items]
