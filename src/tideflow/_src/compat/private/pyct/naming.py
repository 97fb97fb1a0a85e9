"""Names that are not in use yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Namer:
    """Makes names.

    Args:
      global_namespace: names that are in use.
    """

    def __init__(self, global_namespace: Any) -> None:
        self.global_namespace = global_namespace
        self.generated_names: set[str] = set()

    def new_symbol(self, name_root: str, reserved_locals: Iterable[Any]) -> str:
        """Returns a name that begins with ``name_root``, and is neither in use nor reserved, nor was made before."""
        taken = {str(name) for name in reserved_locals} | self.generated_names
        name, number = name_root, 0
        while name in taken or name in self.global_namespace:
            number += 1
            name = f"{name_root}_{number}"
        self.generated_names.add(name)
        return name
