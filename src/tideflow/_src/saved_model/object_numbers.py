"""Numbers the objects of a SavedModel, and orders them so that what others need comes first."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tideflow._src.saved_model.saved_view import FunctionNode, SavedModelView
from tideflow._src.state.object_graph import NumberedObjects


class SavedObjects:
    """Is what a SavedModel holds: objects, functions and what these capture, each with a number.

    Args:
      view: shows them.

    Attributes:
      numbered: the objects that the view shows, with slots.
      values: these, and objects that were added.
      paths: the paths to those that the view shows.
    """

    def __init__(self, view: SavedModelView) -> None:
        self.view = view
        self.numbered = NumberedObjects(view)
        self.values: list[Any] = list(self.numbered.values)
        self.paths: list[str] = list(self.numbered.paths)
        self._numbers = dict(self.numbered.numbers)

    def add(self, value: Any) -> int:
        """Adds an object that no other depends on; returns its number."""
        known = self._numbers.get(id(value))
        if known is None:
            known = self._numbers[id(value)] = len(self.values)
            self.values.append(value)
        return known

    def number_of(self, value: Any) -> int | None:
        """Returns the number of an object; None if it is not saved."""
        return self._numbers.get(id(value))

    def concrete_functions(self, node: Any) -> list[Any]:
        """Returns the concrete functions of a function in the object graph, as they are saved."""
        if isinstance(node, FunctionNode):
            return [child.function for child in self.view.children(node).values()]
        return [node.function]

    def children(self, number: int) -> dict[str, Any]:
        """Returns what an object depends on directly, by name; slots of optimizers depend on nothing."""
        if number >= len(self.numbered.found):
            return {}
        return self.view.children(self.values[number])

    def dependencies(self, number: int) -> dict[str, Any]:
        """Returns those of the children that must be loaded before an object."""
        if number >= len(self.numbered.found):
            return {}
        return self.view.dependencies(self.values[number])

    def in_order_of_dependencies(self) -> Sequence[int]:
        """Returns the numbers so that what an object needs comes before it.

        Raises:
          ValueError: an object needs one that is not saved, or objects need each other.
        """
        needs: dict[int, list[int]] = {}
        for number in range(len(self.values)):
            needs[number] = []
            for dependency in self.dependencies(number).values():
                found = self.number_of(dependency)
                if found is None:
                    raise ValueError(
                        f"Found an untracked dependency. Object {self.shown(number)} depends on {dependency}, but this "
                        "dependency isn't listed as a child. Please track this child by overriding "
                        "`_trackable_children` or use `._track_trackable`."
                    )
                needs[number].append(found)
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            lines = "\n".join(
                f"\tNode {number} = {self.shown(number)} (type {type(self.values[number])})" for number in error.args[1]
            )
            raise ValueError(
                "There is one or more dependency cycle in the saved Trackable object. Saving cannot continue until "
                f"this cycle is resolved.\n>> Unresolved nodes:\n{lines}"
            ) from None

    def shown(self, number: int) -> str:
        """Returns the path to an object as messages show it."""
        path = self.paths[number] if number < len(self.paths) else ""
        return f"root.{path.replace('/', '.')}" if path else "root object"
