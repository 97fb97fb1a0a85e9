"""The style of names of layers: that of TensorFlow 1.x's variable scopes, or that of Keras."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tideflow._src.core.inheritance import inherited


class _Style(threading.local):
    def __init__(self) -> None:
        self.keras = False


_style = inherited(_Style())


@contextmanager
def keras_style_scope() -> Iterator[None]:
    """Makes the layers and cells constructed inside keep variables of their own.

    They are not shared by name, ``reuse`` has no place, and the name of each layer is the name of its variables.
    """
    before, _style.keras = _style.keras, True
    try:
        yield
    finally:
        _style.keras = before


def set_keras_style() -> None:
    """Makes all layers and cells constructed from now on keep variables of their own; see :func:`keras_style_scope`."""
    _style.keras = True


def in_keras_style() -> bool:
    """Tells whether layers constructed now are of that style."""
    return _style.keras
