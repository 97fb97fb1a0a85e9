"""The names that some classes have in TensorFlow, which they take while Tideflow stands in for it.

Programs that must not import TensorFlow tell its values by the names of their classes: Keras takes for a dataset what
derives from a ``DatasetV2`` of a module below ``tensorflow.python``, and for a ragged tensor what is a
``RaggedTensor`` of such a module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)
_named: list[tuple[type, str]] = []
_in_use = False


def named_in_tensorflow(full_name: str) -> Callable[[_Class], _Class]:
    """Returns a decorator that says where TensorFlow 2.21 has a class, and under which name.

    Args:
      full_name: the module below ``tensorflow.python`` and the name, as in ``"framework.tensor.Tensor"``.
    """

    def decorator(cls: _Class) -> _Class:
        _named.append((cls, full_name))
        if _in_use:
            _rename(cls, full_name)
        return cls

    return decorator


def use_names_of_tensorflow() -> None:
    """Gives the classes, also those that are loaded later, the modules and names that they have in TensorFlow."""
    global _in_use
    if not _in_use:
        _in_use = True
        for cls, full_name in _named:
            _rename(cls, full_name)


def _rename(cls: type, full_name: str) -> None:
    module, _, name = full_name.rpartition(".")
    cls.__module__ = f"tensorflow.python.{module}"
    cls.__name__ = cls.__qualname__ = name
