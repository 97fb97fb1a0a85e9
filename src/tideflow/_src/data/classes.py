"""Finds the classes of datasets and iterators for specs, which those classes use themselves."""

from __future__ import annotations

from typing import Any

_classes: dict[str, Any] = {}


def set_dataset(cls: Any) -> Any:
    """Says which class datasets that specs put together are of; a decorator."""
    _classes["dataset"] = cls
    return cls


def set_iterator(cls: Any) -> Any:
    """Says which class iterators that specs put together are of; a decorator."""
    _classes["iterator"] = cls
    return cls


def dataset() -> Any:
    """Returns the class of datasets."""
    return _classes["dataset"]


def iterator() -> Any:
    """Returns the class of iterators."""
    return _classes["iterator"]
