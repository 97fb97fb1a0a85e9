"""What an object holds itself, as a checkpoint has it: tensors under keys, and how they are put back.

There are two ways in which an object can say it. ``_serialize_to_tensors`` and ``_restore_from_tensors`` give and take
tensors by name. ``_gather_saveables_for_checkpoint``, the older way, gives variables, or functions that make what a
``Saver`` can save.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tideflow._src.checkpoint.python_state import PythonState
from tideflow._src.checkpoint.saveables import SaveableObject, SaveSpec, saveables_for, saveables_of
from tideflow._src.core import context
from tideflow._src.state.object_graph import attribute_key, attribute_prefix, escaped
from tideflow._src.state.trackable import DelegatingTrackableMixin, TensorCallable, Trackable


def legacy_name(value: Any) -> str | None:
    """Returns the one name under which all tensors of an object are kept that once was saved as a whole."""
    return getattr(value, "_LEGACY_SAVEABLE_NAME", None)


def gives_tensors(value: Any) -> bool:
    """Tells whether an object says by ``_serialize_to_tensors`` what it holds: the nearest of its classes decides."""
    if "_serialize_to_tensors" in getattr(value, "__dict__", {}):
        return True
    for kind in type(value).__mro__:
        if kind is DelegatingTrackableMixin:
            return gives_tensors(value._trackable)
        if kind is Trackable:
            return False
        if "_serialize_to_tensors" in kind.__dict__:
            return True
        if "_gather_saveables_for_checkpoint" in kind.__dict__:
            return False
    return False


def holds_values(value: Any) -> bool:
    """Tells whether an object holds something itself that a checkpoint saves."""
    return isinstance(value, PythonState) or gives_tensors(value) or bool(value._gather_saveables_for_checkpoint())


def _specs(name: str, value: Any) -> list[SaveSpec]:
    """Returns what is saved under a key: a tensor, what stands for one, or parts of one by their slice."""
    parts = value if isinstance(value, dict) else {"": value}
    specs = []
    for part, tensor in parts.items():
        if isinstance(tensor, SaveSpec):
            tensor.name, tensor.slice_spec = name, part
            specs.append(tensor)
        elif isinstance(tensor, TensorCallable):
            specs.append(SaveSpec(tensor, part, name, tensor.dtype, tensor.device))
        else:
            specs.append(SaveSpec(tensor, part, name, getattr(tensor, "dtype", None)))
    return specs


class TensorsOf(SaveableObject):
    """Saves and restores the tensors that an object gives by name.

    Args:
      value: the object.
      key_of: gives the key of a tensor, from its name.
      name: the name of the whole.
    """

    def __init__(self, value: Any, key_of: Callable[[str], str], name: str) -> None:
        tensors: Mapping[str, Any] = value._serialize_to_tensors()
        #: The names, and the number of specs of each.
        self.names = list(tensors)
        by_name = [_specs(key_of(each), tensors[each]) for each in self.names]
        self._parts = [len(specs) for specs in by_name]
        self._is_split = [isinstance(tensors[each], dict) for each in self.names]
        super().__init__(value, list(itertools.chain(*by_name)), name)

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Hands the tensors to the object, by name."""
        del restored_shapes
        tensors, specs = iter(restored_tensors), iter(self.specs)
        found: dict[str, Any] = {}
        for name, count, is_split in zip(self.names, self._parts, self._is_split, strict=True):
            parts = {next(specs).slice_spec: next(tensors) for _ in range(count)}
            found[name] = parts if is_split else parts[""]
        return self.op._restore_from_tensors(found)


def saved_values(value: Any, path: str) -> tuple[list[tuple[str, str]], list[SaveableObject]]:
    """Returns what saves the values of an object.

    Args:
      value: the object.
      path: the path to it.

    Returns:
      The names and keys of its values, and the objects that save them.
    """
    if gives_tensors(value):
        whole = legacy_name(value)
        if whole is not None:
            key = attribute_key(path, whole)
            return [(whole, key)], [TensorsOf(value, lambda name: key + escaped(name), key)]
        # A name is escaped twice, as TensorFlow does it.
        saveable = TensorsOf(value, lambda name: attribute_key(path, escaped(name)), attribute_key(path, ""))
        return [(escaped(name), attribute_key(path, escaped(name))) for name in saveable.names], [saveable]
    named: list[tuple[str, str]] = []
    saveables: list[SaveableObject] = []
    for name, factory in value._gather_saveables_for_checkpoint().items():
        name = legacy_name(value) or name
        key = attribute_key(path, name)
        named.append((name, key))
        saveables += _made(factory, key)
    return named, saveables


def _made(factory: Any, key: str) -> Iterable[SaveableObject]:
    return saveables_for(factory(name=key) if callable(factory) else factory, key)


def restored_values(value: Any, attributes: Any) -> tuple[list[SaveableObject], list[str]]:
    """Returns what restores the values of an object.

    Args:
      value: the object.
      attributes: what the object graph of a checkpoint says about its values.

    Returns:
      The objects that do it, and the names of values that the object has no use for.

    Raises:
      ValueError: the checkpoint has several values for one.
    """
    if gives_tensors(value):
        keys = {each.name: each.checkpoint_key for each in attributes}
        prefix = attribute_prefix(attributes[0].checkpoint_key) + (legacy_name(value) or "")
        return [TensorsOf(value, lambda name: keys.get(escaped(name), prefix + escaped(name)), prefix)], []
    factories = value._gather_saveables_for_checkpoint()
    if not factories:
        return [], [each.name for each in attributes]
    saveables: list[SaveableObject] = []
    unused: list[str] = []
    whole: set[str] = set()  # what a later version saves as several tensors
    for each in attributes:
        if any(each.name.startswith(name) for name in whole):
            continue
        if each.name in factories:
            saveables += _made(factories[each.name], each.checkpoint_key)
            continue
        matching = [name for name in factories if each.name.startswith(name)]
        if len(matching) > 1:
            raise ValueError(
                f"The checkpoint has a value {each.name!r}, which may belong to any of {matching}: it seems to be "
                "written by a later version."
            )
        if matching:
            saveables += _made(factories[matching[0]], attribute_prefix(each.checkpoint_key) + matching[0])
            whole.add(matching[0])
        else:
            unused.append(each.name)
    return saveables, unused


def named_values(value: Any) -> tuple[list[SaveableObject], list[str]]:
    """Returns what restores the values of an object from a checkpoint without an object graph.

    Returns:
      The objects that do it, and the names of values that cannot be restored so.
    """
    factories = value._gather_saveables_for_checkpoint()
    saveables: list[SaveableObject] = []
    unused: list[str] = []
    if not factories and gives_tensors(value):
        return [TensorsOf(value, escaped, "")], []
    for name, factory in factories.items():
        if not callable(factory):
            saveables += saveables_of([factory])
            continue
        try:
            made = factory()
        except TypeError:  # it needs the name that an object graph gives it
            unused.append(name)
            continue
        saveables += saveables_of([made])
    return saveables, unused


def tensor_of(spec: SaveSpec) -> Any:
    """Returns the tensor that is to be saved, on the device that it belongs to; None if there is nothing to save."""
    graph = context.current_graph()
    if graph is None or not isinstance(spec._device, str) or not spec._device:
        return spec.tensor
    with graph.device(spec._device):
        return spec.tensor
