"""Resources and files that functions capture, and that saved models hold: tables, and what users derive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.function.traced_function import function
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor, register_tensor_conversion_function
from tideflow._src.state.trackable import Trackable


class ResourceTracker:
    """Is a list of resources that were made while it was asked to keep it."""

    def __init__(self) -> None:
        self._resources: list[Any] = []

    @property
    def resources(self) -> list[Any]:
        """The resources, in order."""
        return self._resources

    def add_resource(self, resource: Any) -> None:
        """Adds a resource."""
        self._resources.append(resource)


_trackers: list[ResourceTracker] = []


@contextmanager
def resource_tracker_scope(resource_tracker: ResourceTracker) -> Iterator[None]:
    """Adds the resources that are made inside the block to a list."""
    _trackers.append(resource_tracker)
    try:
        yield
    finally:
        _trackers.remove(resource_tracker)


class CapturableResource(Trackable):
    """Holds the handle of a resource, which functions capture.

    Args:
      device: the device where the resource must be; empty where that does not matter.
    """

    _resource_device: str = ""
    _resource_handle_value: Any = None

    def __init__(self, device: str = "") -> None:
        self._resource_handle_value = None
        self._resource_device = device

    @classmethod
    def _resource_type(cls) -> str:
        return cls.__name__

    def _create_resource(self) -> Any:
        """Returns the handle of a new resource."""
        raise NotImplementedError("TrackableResource._create_resource not implemented.")

    def _initialize(self) -> Any:
        """Gives the resource its content."""
        return None

    def _destroy_resource(self) -> Any:
        """Destroys the resource."""
        return None

    @property
    def _resource_handle(self) -> Any:
        return self._resource_handle_value

    @_resource_handle.setter
    def _resource_handle(self, value: Any) -> None:
        self._resource_handle_value = value

    @property
    def resource_handle(self) -> Any:
        """The handle of the resource, which is made when it is first asked for."""
        if self._resource_handle is None:
            with init_scope():  # it outlives a function that asks for it first
                graph = context.current_graph()
                with graph.device(self._resource_device) if graph is not None else nullcontext():
                    self._resource_handle = self._create_resource()
        return self._resource_handle

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel":
            children.update(
                _create_resource=_of_no_arguments(self._create_resource, "_creator"),
                _initialize=_of_no_arguments(lambda: _one_after(self._initialize), "_initializer"),
                _destroy_resource=_of_no_arguments(lambda: _one_after(self._destroy_resource), "_destroyer"),
            )
        return children


def _of_no_arguments(body: Any, name: str) -> Any:
    def call() -> Any:
        return body()

    call.__name__ = name
    made = function(call, input_signature=[], autograph=False)
    made._omit_frequent_tracing_warning = True  # it is traced once for each resource
    return made


def _one_after(effect: Any) -> Any:
    """Lets an effect happen; a saved function must return something, and returns 1."""
    effect()
    return convert_to_tensor(1)


class TrackableResource(CapturableResource):
    """Holds the handle of a resource that has to be made and initialized, as a table has.

    A subclass defines ``_create_resource``, which returns the handle, ``_initialize``, which gives the resource its
    content, and may define ``_destroy_resource``. Saved models hold all three as functions.

    Args:
      device: the device where the resource must be; empty where that does not matter.

    >>> import tideflow as tf
    >>> class Two(tf.saved_model.experimental.TrackableResource):
    ...     def _create_resource(self):
    ...         return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[2])
    ...     def _initialize(self):
    ...         tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=tf.ones([2]))
    >>> two = Two()
    >>> two._initialize()
    >>> tf.raw_ops.ReadVariableOp(resource=two.resource_handle, dtype=tf.float32).numpy().tolist()
    [1.0, 1.0]
    """

    def __init__(self, device: str = "") -> None:
        for tracker in _trackers:
            tracker.add_resource(self)
        super().__init__(device=device)


class RestoredResource(TrackableResource):
    """Is a resource of a saved model: the functions that make and initialize it come from there."""

    def _add_trackable_child(self, name: str, value: Any) -> None:
        setattr(self, name, value)
        if isinstance(value, Trackable) and not hasattr(value, "get_concrete_function"):
            self._track_trackable(value, name)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = Trackable._trackable_children(self, save_type, **kwargs)
        if save_type == "savedmodel":
            for name in ("_create_resource", "_initialize", "_destroy_resource"):
                if name in self.__dict__:
                    children[name] = self.__dict__[name]
        return children


class Asset(Trackable):
    """Is a file that a saved model needs: saving copies it, and loading gives the path of the copy.

    Args:
      path: the path of the file; a string, or a scalar string tensor.

    Attributes:
      asset_path: the path, a scalar string tensor.

    >>> import tideflow as tf
    >>> tf.saved_model.Asset("words.txt").asset_path.numpy()
    b'words.txt'
    """

    def __init__(self, path: Any) -> None:
        given = file_system.text_of(os.fspath(path)) if isinstance(path, os.PathLike) else path
        with init_scope():
            self._path = convert_to_tensor(given, dtypes.string, name="asset_path")

    @property
    def asset_path(self) -> Any:
        """The path of the file, a scalar string tensor."""
        return self._path

    def _add_trackable_child(self, name: str, value: Any) -> None:
        setattr(self, name, value)


def _asset_as_tensor(value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    del as_ref
    return convert_to_tensor(value.asset_path, dtype, name=name)


register_tensor_conversion_function(Asset, _asset_as_tensor)
