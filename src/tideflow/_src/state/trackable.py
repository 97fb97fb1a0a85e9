"""Objects that know by name what they depend on: variables, modules, layers, and structures of these.

A checkpoint or a saved model is the graph that these names span. An object that assigns another to an attribute
depends on it under the attribute's name (``AutoTrackable``); what is assigned to no attribute is added with
``_track_trackable``.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tideflow._src.ops.control.init_scope import init_scope

#: The name of a variable's value in a checkpoint.
VARIABLE_VALUE_KEY = "VARIABLE_VALUE"

_restorations = itertools.count(1)


def next_restoration() -> int:
    """Returns the number of a restoration: later ones have higher numbers."""
    return next(_restorations)


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
    _self_unconditional_deferred_dependencies: dict[str, list[Any]]
    _self_name_based_restores: set[Any]
    _self_update_uid: int

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
    def _deferred_dependencies(self) -> dict[str, list[Any]]:
        """Positions in checkpoints that wait for a dependency, by its name."""
        return self._self_unconditional_deferred_dependencies

    @property
    def _name_based_restores(self) -> set[Any]:
        """Restorations of checkpoints without an object graph that dependencies to come take part in."""
        return self._self_name_based_restores

    @property
    def _update_uid(self) -> int:
        """The number of the restoration that the value comes from; -1 if there was none."""
        return int(getattr(self, "_self_update_uid", -1))

    @_update_uid.setter
    def _update_uid(self, value: int) -> None:
        object.__setattr__(self, "_self_update_uid", value)

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
        assign("_self_unconditional_deferred_dependencies", {})
        assign("_self_name_based_restores", set())
        if not hasattr(self, "_self_setattr_tracking"):
            assign("_self_setattr_tracking", True)

    def _no_dependency(self, value: Any) -> Any:
        """Returns a value such that assigning it makes no dependency: here the value itself."""
        return value

    def _lookup_dependency(self, name: str, cached_dependencies: dict[str, Any] | None = None) -> Any:
        """Returns the object that this one depends on under a name, or None."""
        if cached_dependencies:
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
        if not getattr(self, "_manual_tracking", True):
            return trackable
        if current is None:
            dependencies.append(reference)
            self._handle_deferred_dependencies(name=name, trackable=trackable)
        elif current is not trackable:
            if not overwrite:
                raise ValueError(
                    f"Called Trackable._track_trackable() with name='{name}', but a Trackable with this name is "
                    "already declared as a dependency. Names must be unique (or overwrite=True)."
                )
            dependencies[:] = [reference if each.name == name else each for each in dependencies]
        self._self_unconditional_dependency_names[name] = trackable
        return trackable

    def _handle_deferred_dependencies(self, name: str, trackable: Any) -> None:
        """Restores a new dependency, if a checkpoint that was restored earlier has a value for it: the latest one."""
        trackable._maybe_initialize_trackable()
        waiting = self._self_unconditional_deferred_dependencies.pop(name, ())
        for position in sorted(waiting, key=lambda each: each.restore_uid, reverse=True):
            position.restore(trackable)
        for restoration in sorted(self._self_name_based_restores, key=lambda each: each.restore_uid, reverse=True):
            trackable._name_based_attribute_restore(restoration)

    def _name_based_attribute_restore(self, checkpoint: Any) -> None:
        """Takes the object's own value from a checkpoint without an object graph, if it has no later one."""
        self._self_name_based_restores.add(checkpoint)
        if self._update_uid < checkpoint.restore_uid:
            checkpoint.eager_restore(self)
            self._update_uid = checkpoint.restore_uid

    def _preload_simple_restoration(self, name: str) -> Any:
        """Returns an initializer that reads what a checkpoint has for a variable to come; None if there is nothing."""
        waiting = self._self_unconditional_deferred_dependencies.get(name, ())
        if not waiting or not all(position.is_simple_variable() for position in waiting):
            return None
        return CheckpointInitialValueCallable(max(waiting, key=lambda position: position.restore_uid))

    def _add_variable_with_custom_getter(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        getter: Callable[..., Any] | None = None,
        overwrite: bool = False,
        **kwargs_for_getter: Any,
    ) -> Any:
        """Makes a variable, which becomes a dependency and is restored if a checkpoint waits for it.

        Args:
          name: the name of the dependency, which the getter gets, too.
          shape, dtype, initializer: what the getter gets.
          getter: makes the variable.
          overwrite: whether it may take the place of another dependency.
          **kwargs_for_getter: further arguments of the getter.
        """
        assert getter is not None
        self._maybe_initialize_trackable()
        variable = getter(name=name, shape=shape, dtype=dtype, initializer=initializer, **kwargs_for_getter)
        if not overwrite or isinstance(variable, Trackable):
            return self._track_trackable(variable, name=name, overwrite=overwrite)
        return variable

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

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        """Returns what saves the object's own value, by name: variables, or functions of a name that return objects
        for a ``Saver``. The older way; ``_serialize_to_tensors`` goes first."""
        return dict(getattr(self, "_self_saveable_object_factories", {}))

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

    def _checkpoint_adapter(self, path: str) -> Any:
        """Returns what changes the values of a checkpoint for this object; None if nothing has to."""
        del path

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        """Puts a copy of the object into a map from objects to copies, or brings the copy there up to date.

        Raises:
          NotImplementedError: the object has a value, and does not say how it is copied.
        """
        del object_map
        raise NotImplementedError(
            "Need to implement _copy_trackable_to_cpu() if the Trackable requires AsyncCheckpoint support."
        )


class TensorCallable:
    """Stands for a tensor that is made when it is saved.

    Args:
      tensor_callable: makes it; returns None if there is nothing to save.
      dtype: its dtype.
      device: the device that it is on.
    """

    def __init__(self, tensor_callable: Callable[[], Any], dtype: Any, device: str) -> None:
        self._callable = tensor_callable
        self.dtype = dtype
        self.device = device

    def __call__(self) -> Any:
        return self._callable()


class CheckpointInitialValueCallable:
    """Is an initializer that gives a variable the value that a checkpoint has for it.

    Args:
      checkpoint_position: where the checkpoint has it.
    """

    def __init__(self, checkpoint_position: Any) -> None:
        self._checkpoint_position = checkpoint_position

    @property
    def checkpoint_position(self) -> Any:
        """Where the checkpoint has the value."""
        return self._checkpoint_position

    @property
    def restore_uid(self) -> int:
        """The number of the restoration."""
        return int(self._checkpoint_position.restore_uid)

    def __call__(self, shape: Any = None, dtype: Any = None, shard_info: Any = None) -> CheckpointInitialValue:
        """Reads the value.

        Args:
          shape, dtype: of no effect but for a part of a variable: then the shape of the whole.
          shard_info: which part to read: ``shape`` and ``offset``.
        """
        del dtype
        return CheckpointInitialValue(self._checkpoint_position, shape, shard_info=shard_info)


class CheckpointInitialValue:
    """Is a value of a checkpoint that a variable starts with; converts to a tensor.

    Args:
      checkpoint_position: where the checkpoint has it.
      shape: the shape of the whole, where ``shard_info`` says that a part is read.
      shard_info: the part: ``shape`` and ``offset``.
    """

    def __init__(self, checkpoint_position: Any, shape: Any = None, shard_info: Any = None) -> None:
        part = ""
        if shard_info:
            sizes = "".join(f"{size} " for size in shape)
            part = sizes + ":".join(
                f"{begin},{size}" for begin, size in zip(shard_info.offset, shard_info.shape, strict=True)
            )
        with init_scope():
            values = checkpoint_position.value_tensors({VARIABLE_VALUE_KEY: part})
        self.wrapped_value = values[VARIABLE_VALUE_KEY]
        self.checkpoint_position = checkpoint_position

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        del dtype, name
        return self.wrapped_value


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

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return self._trackable._gather_saveables_for_checkpoint()

    def _maybe_initialize_trackable(self) -> None:
        self._trackable._maybe_initialize_trackable()

    @property
    def _deferred_dependencies(self) -> dict[str, list[Any]]:
        return self._trackable._deferred_dependencies

    @property
    def _update_uid(self) -> int:
        return self._trackable._update_uid

    @_update_uid.setter
    def _update_uid(self, value: int) -> None:
        self._trackable._update_uid = value

    @property
    def _name_based_restores(self) -> set[Any]:
        return self._trackable._name_based_restores

    def _name_based_attribute_restore(self, checkpoint: Any) -> None:
        self._trackable._name_based_attribute_restore(checkpoint)

    def _handle_deferred_dependencies(self, name: str, trackable: Any) -> None:
        self._trackable._handle_deferred_dependencies(name, trackable)

    def _preload_simple_restoration(self, name: str) -> Any:
        return self._trackable._preload_simple_restoration(name)

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        self._trackable._copy_trackable_to_cpu(object_map)


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
