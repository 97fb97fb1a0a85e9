"""Defines ``AutoTrackable``: an object that depends on what its attributes hold."""

from __future__ import annotations

import warnings
from typing import Any

from tideflow._src.state.trackable import NoDependency, Trackable
from tideflow._src.state.tracked_structures import sticky_attribute_assignment


class AutoTrackable(Trackable):
    """Depends on what is assigned to its attributes, under their names.

    Lists and dictionaries are kept in wrappers that depend on their elements.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get(name, self) is value:
            return
        if getattr(self, "_self_setattr_tracking", True):
            value = sticky_attribute_assignment(self, name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._delete_tracking(name)
        super().__delattr__(name)

    def _delete_tracking(self, name: str) -> None:
        """Depends no more on what is called so."""
        names = self.__dict__.get("_self_unconditional_dependency_names", {})
        if names.pop(name, None) is not None:
            dependencies = self._self_unconditional_checkpoint_dependencies
            dependencies[:] = [each for each in dependencies if each.name != name]

    def _no_dependency(self, value: Any) -> Any:
        """Returns a value in such a form that assigning it to an attribute makes no dependency."""
        return NoDependency(value)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the dependencies by name; for a saved model, the functions among the attributes, too."""
        if save_type != "savedmodel":
            return super()._trackable_children(save_type, **kwargs)
        functions = {}
        for name in dir(self):
            value = _quietly(self, name)
            if hasattr(type(value), "get_concrete_function") or isinstance(value, FUNCTION_KINDS):
                functions[name] = value
        for function in functions.values():
            if getattr(function, "input_signature", None) is not None:
                function.get_concrete_function()  # tracing it may create variables, which are dependencies, too
        return {**super()._trackable_children(save_type, **kwargs), **functions}


def _quietly(owner: Any, name: str) -> Any:
    """Returns an attribute, or None if it cannot be had; what properties warn of is nobody's fault here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(owner, name, None)
        except Exception:  # a property may raise anything
            return None


#: Classes of functions that saved models hold, which the floor of functions adds to.
FUNCTION_KINDS: tuple[type, ...] = ()
