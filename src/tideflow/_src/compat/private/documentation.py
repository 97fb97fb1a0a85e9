"""Decorators that tell TensorFlow's documentation what to show: they leave everything as it is."""

from __future__ import annotations

from typing import Any, TypeVar

_T = TypeVar("_T")


def do_not_generate_docs(obj: _T) -> _T:
    """Returns what it is given."""
    return obj


do_not_doc_inheritable = do_not_doc_in_subclasses = for_subclass_implementers = do_not_generate_docs
doc_in_current_and_subclasses = doc_private = documented = do_not_generate_docs


def header(text: str) -> Any:
    """Returns a decorator that leaves a function as it is."""
    del text
    return do_not_generate_docs
