"""What modules under `tensorflow.python.saved_model` call otherwise than Tideflow does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.saved_model.files import parse_saved_model as parse_saved_model
from tideflow._src.saved_model.load import load_partial as load_partial
from tideflow._src.saved_model.structures import NotEncodableError as NotEncodableError
from tideflow._src.saved_model.structures import can_encode as can_encode
from tideflow._src.saved_model.structures import decode as decode_proto
from tideflow._src.saved_model.structures import encode as encode_structure
from tideflow._src.saved_model.v1.builder import SavedModelBuilder as SavedModelBuilder

__all__ = [
    "NotEncodableError",
    "SavedModelBuilder",
    "can_encode",
    "decode_proto",
    "encode_structure",
    "get_load_options",
    "in_load_context",
    "load_context",
    "load_partial",
    "parse_saved_model",
]


class _LoadContexts(threading.local):
    """Holds the options of what this thread is loading, the innermost last."""

    def __init__(self) -> None:
        self.options: list[Any] = []


_contexts = _LoadContexts()


@contextmanager
def load_context(load_options: Any) -> Iterator[None]:
    """Makes options known to what is loaded inside: Keras 2's ``load_model`` passes them on to layers so."""
    _contexts.options.append(load_options)
    try:
        yield
    finally:
        _contexts.options.pop()


def get_load_options() -> Any:
    """Returns the options of the innermost ``load_context``, or None."""
    return _contexts.options[-1] if _contexts.options else None


def in_load_context() -> bool:
    """Tells whether a ``load_context`` is entered."""
    return bool(_contexts.options)
