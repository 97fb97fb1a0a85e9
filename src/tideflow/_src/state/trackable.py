"""Objects that know by name what they depend on: variables, modules, layers, and structures of these.

A checkpoint or a saved model is the graph that these names span. An object that assigns another to an attribute
depends on it under the attribute's name (``AutoTrackable``); what is assigned to no attribute is added with
``_track_trackable``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

_Method = TypeVar("_Method", bound=Callable[..., Any])


class TrackableReference:
    """Is one dependency: an object, and the name under which another depends on it.

    It can be unpacked to both, but is no tuple: Keras saves what the tuples and lists of an object's attributes hold.
    """

    __slots__ = ("name", "ref")

    def __init__(self, name: str, ref: Any) -> None:
        self.name = name
        self.ref = ref

    def __iter__(self) -> Iterator[Any]:
        yield self.name
        yield self.ref

    def __repr__(self) -> str:
        return f"TrackableReference(name={self.name}, ref={self.ref})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrackableReference) and (self.name, self.ref) == (other.name, other.ref)

    def __hash__(self) -> int:
        return hash((self.name, self.ref))


class Trackable:
    """Is the base class of what can be depended on. It adds no attribute before an object depends on another."""

    _self_setattr_tracking: bool
    _self_unconditional_checkpoint_dependencies: list[TrackableReference]
    _self_unconditional_dependency_names: dict[str, Any]

    @property
    def _setattr_tracking(self) -> bool:
        """Whether what is assigned to an attribute becomes a dependency."""
        return bool(getattr(self, "_self_setattr_tracking", True))

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        self._self_setattr_tracking = value

    @property
    def _unconditional_checkpoint_dependencies(self) -> list[TrackableReference]:
        return self._self_unconditional_checkpoint_dependencies

    @property
    def _unconditional_dependency_names(self) -> dict[str, Any]:
        return self._self_unconditional_dependency_names

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        """The dependencies, in the order in which they were added."""
        return [TrackableReference(name, child) for name, child in self._trackable_children().items()]

    @property
    def _object_identifier(self) -> str:
        """What saved models call objects of this kind."""
        return "_generic_user_object"

    def _maybe_initialize_trackable(self) -> None:
        """Gives the object the attributes that tracking needs, when it first needs them."""
        if hasattr(self, "_self_unconditional_checkpoint_dependencies"):
            return
        # object.__setattr__, for none of these is itself a dependency
        assign = functools.partial(object.__setattr__, self)
        assign("_self_unconditional_checkpoint_dependencies", [])
        assign("_self_unconditional_dependency_names", {})
        if not hasattr(self, "_self_setattr_tracking"):
            assign("_self_setattr_tracking", True)

    def _no_dependency(self, value: Any) -> Any:
        """Returns a value such that assigning it makes no dependency: here the value itself."""
        return value

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        """Returns the object that this one depends on under a name, or None."""
        if cached_dependencies is not None:
            return cached_dependencies.get(name)
        self._maybe_initialize_trackable()
        return self._self_unconditional_dependency_names.get(name)

    def _track_trackable(self, trackable: Any, name: str, overwrite: bool = False) -> Any:
        """Depends on an object under a name, and returns it.

        Args:
          trackable: the object.
          name: the name, which no other dependency may have.
          overwrite: whether the object takes the place of one of the same name.

        Raises:
          TypeError: the object is no ``Trackable``.
          ValueError: another object has the name already.
        """
        self._maybe_initialize_trackable()
        if not isinstance(trackable, Trackable):
            raise TypeError(
                f"Trackable._track_trackable() can only be used to track objects of type Trackable. Got type "
                f"{type(trackable)}."
            )
        current = self._lookup_dependency(name)
        reference = TrackableReference(name, trackable)
        dependencies = self._self_unconditional_checkpoint_dependencies
        if current is None:
            dependencies.append(reference)
        elif current is not trackable:
            if not overwrite:
                raise ValueError(
                    f"Called Trackable._track_trackable() with name='{name}', but a Trackable with this name is "
                    "already declared as a dependency. Names must be unique (or overwrite=True)."
                )
            dependencies[:] = [reference if each.name == name else each for each in dependencies]
        self._self_unconditional_dependency_names[name] = trackable
        return trackable

    def _add_trackable_child(self, name: str, value: Any) -> None:
        """Restores a connection that a saved model holds."""
        self._track_trackable(value, name, overwrite=True)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the dependencies by name: ``save_type`` is ``"checkpoint"`` or ``"savedmodel"``."""
        del save_type, kwargs
        self._maybe_initialize_trackable()
        return {reference.name: reference.ref for reference in self._self_unconditional_checkpoint_dependencies}

    def _deserialization_dependencies(self, children: dict[str, Any]) -> dict[str, Any]:
        """Returns which of its children must be loaded before the object itself is."""
        del children
        return {}

    def _serialize_to_tensors(self) -> dict[str, Any]:
        """Returns the tensors that hold the object's own value, by name.

        Raises:
          NotImplementedError: it has none beside those of its dependencies.
        """
        raise NotImplementedError

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        """Takes the object's own value from tensors.

        Raises:
          NotImplementedError: it has none beside those of its dependencies.
        """
        raise NotImplementedError


class NoDependency:
    """Wraps what is to be assigned to an attribute, so that it does not become a dependency, nor is wrapped itself.

    Args:
      value: the value that the attribute gets.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class DelegatingTrackableMixin(Trackable):
    """Leaves all tracking to another object.

    Args:
      trackable_obj: the object.
    """

    _trackable: Any

    def __init__(self, trackable_obj: Any) -> None:
        object.__setattr__(self, "_trackable", trackable_obj)

    @property
    def _setattr_tracking(self) -> bool:
        return self._trackable._setattr_tracking

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        self._trackable._setattr_tracking = value

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        return self._trackable._lookup_dependency(name, cached_dependencies)

    def _track_trackable(self, trackable: Any, name: str, overwrite: bool = False) -> Any:
        return self._trackable._track_trackable(trackable, name=name, overwrite=overwrite)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return self._trackable._trackable_children(save_type, **kwargs)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return self._trackable._serialize_to_tensors()

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return self._trackable._restore_from_tensors(restored_tensors)


def no_automatic_dependency_tracking(method: _Method) -> _Method:
    """Makes a method in which assigning to attributes of its object adds no dependency."""

    @functools.wraps(method)
    def without_tracking(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = getattr(self, "_self_setattr_tracking", True)
        self._self_setattr_tracking = False
        try:
            return method(self, *args, **kwargs)
        finally:
            self._self_setattr_tracking = before

    return without_tracking  # type: ignore[return-value]
