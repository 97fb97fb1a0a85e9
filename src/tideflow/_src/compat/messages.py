"""Lets a public namespace have wire messages, whose classes load protobuf when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def message_members(module: str, names: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns the ``__getattr__`` and ``__dir__`` of a namespace that has messages.

    Args:
      module: the namespace's name.
      names: the names of the messages, with blanks between them.
    """
    known = frozenset(names.split())

    def missing(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from tideflow._src.graph import protos  # loads protobuf at its first use

        value = protos.get(name)
        setattr(sys.modules[module], name, value)
        return value

    def members() -> list[str]:
        return sorted({*vars(sys.modules[module]), *known})

    return missing, members
