"""Objects of a SavedModel whose Python class is not here: each has the attributes that were saved."""

from __future__ import annotations

from typing import Any

from tideflow._src.state.autotrackable import AutoTrackable


def new_user_object() -> Any:
    """Returns an object of a class of its own, so that it can become callable without others."""

    class _UserObject(AutoTrackable):
        pass

    return _UserObject()


class OptimizerObject(AutoTrackable):
    """Is an optimizer that was saved: its hyperparameters and other variables as attributes, and its slots."""

    def __init__(self) -> None:
        self._slots: Any = self._no_dependency({})

    def _insert_slot(self, variable: Any, name: str, slot: Any) -> None:
        self._slots.setdefault(name, {})[id(variable)] = variable, slot

    def get_slot_names(self) -> list[str]:
        """Returns the names of the slots."""
        return list(self._slots)

    def get_slot(self, var: Any, slot_name: str) -> Any:
        """Returns the slot of a variable, or None if it has none of this name."""
        return self._slots.get(slot_name, {}).get(id(var), (None, None))[1]

    def _create_or_restore_slot_variable(self, slot_variable_position: Any, slot_name: str, variable: Any) -> Any:
        """Returns the slot of a variable, for a checkpoint to restore."""
        del slot_variable_position
        return self.get_slot(variable, slot_name)

    @property
    def weights(self) -> list[Any]:
        """The slots, in the order in which they were saved."""
        return [slot for slots in self._slots.values() for _, slot in slots.values()]
