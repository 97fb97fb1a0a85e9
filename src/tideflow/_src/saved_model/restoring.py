"""Gives the objects of a SavedModel the values in its checkpoint."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions
from tideflow._src.checkpoint.object_restoration import CheckpointPosition
from tideflow._src.checkpoint.object_saver import TrackableSaver
from tideflow._src.checkpoint.saveables import SaveableObject, SaveSpec
from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.ops.control.grouping import group
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.options import LoadOptions
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.object_graph import ObjectGraphView
from tideflow._src.state.variable import Variable


def restore_objects(root: Any, folder: str, options: LoadOptions) -> None:
    """Restores an object, and all that it depends on, from the checkpoint of a SavedModel.

    In a graph, variables get the values when their initializers run, and resources when those of tables do.

    Args:
      root: the object.
      folder: the folder of the SavedModel.
      options: what may be missing.

    Raises:
      NotFoundError: there is no checkpoint.
      AssertionError: an object has no value in the checkpoint.
    """
    path = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    how = CheckpointOptions(experimental_io_device=options.experimental_io_device)
    saver = TrackableSaver(ObjectGraphView(root))
    if context.current_graph() is not None:
        saver._restore_prefix = convert_to_tensor(path)
    status: Any = saver.restore(path, how)
    if options.allow_partial_checkpoint:
        status.expect_partial().assert_nontrivial_match()
    else:
        status.assert_existing_objects_matched()
    if context.current_graph() is not None:
        _initialize_by_restoring(status._checkpoint)


_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_JOINS = ("Add", "AddV2", "StringJoin")


class RestoredSaveable(SaveableObject):
    """Saves and restores the content of a loaded resource by functions of its SavedModel, as older versions write them.

    Args:
      save: returns what to save, given the key: dictionaries with a name, a tensor and a slice.
      restore: takes the tensors.
      parts: of each tensor its dtype, what is added to the key, and the slice.
      name: the key.
    """

    def __init__(
        self, save: Callable[..., Any], restore: Callable[..., Any], parts: Sequence[tuple[Any, str, str]], name: str
    ) -> None:
        made: list[Any] = []

        def tensor(index: int) -> Any:
            if not made:
                made.append(save(convert_to_tensor(name)))
            return made[0][index]["tensor"]

        specs = [
            SaveSpec(functools.partial(tensor, index), part, name + suffix, dtype, "")
            for index, (dtype, suffix, part) in enumerate(parts)
        ]
        super().__init__(None, specs, name)
        self._restore = restore

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Sequence[Any] | None) -> Any:
        """Hands the tensors to the function of the SavedModel."""
        del restored_shapes
        return self._restore(*restored_tensors)


def saveable_factory(save: Callable[..., Any], restore: Callable[..., Any]) -> Callable[..., RestoredSaveable]:
    """Returns what makes the `RestoredSaveable` of two functions, given its key as ``name``."""
    parts = [(part["tensor"].dtype, _text(part["name"]), _text(part["slice_spec"])) for part in save("")]
    return functools.partial(RestoredSaveable, save, restore, parts)


def _text(tensor: Any) -> str:
    value = _known_text(tensor, {})
    if value is None:
        raise ValueError(f"The SavedModel gives no name to what is saved: {tensor!r}.")
    return value.decode()


def _known_text(tensor: Any, given: Mapping[int, bytes | None]) -> bytes | None:
    """Returns the value of a string that functions make of constants, or None if it cannot be told.

    Args:
      tensor: the string, in a graph or eager.
      given: the values of the parameters of the function that it belongs to, by their identities.
    """
    if id(tensor) in given:
        return given[id(tensor)]
    op = tensor._op if isinstance(tensor, SymbolicTensor) else None
    if op is None or op.type == "Const":
        value = get_static_value(tensor)
        return None if value is None else (value.item() if hasattr(value, "item") else value)
    if op.type not in ("Identity", *_JOINS, *_CALLS):
        return None
    inputs = [_known_text(item, given) if item.dtype is dtypes.string else None for item in op.inputs]
    if op.type in _CALLS:
        body = op.attrs["f"]
        return _known_text(body.outputs[tensor._value_index], dict(zip(map(id, body.inputs), inputs, strict=True)))
    if None in inputs:
        return None
    return op.attrs.get("separator", "").encode().join(item for item in inputs if item is not None)


def _initialize_by_restoring(restoration: Any) -> None:
    """Lets variables of a graph be initialized with what the checkpoint has."""
    for number, value in dict(restoration.object_by_proto_id).items():
        operations = CheckpointPosition(restoration, number).restore_ops()
        if not operations:
            continue
        if isinstance(value, Variable):
            variable: Any = value
            variable._initializer_op = operations[0] if len(operations) == 1 else group(*operations)
        else:
            context.default_graph().add_to_collection(GraphKeys.TABLE_INITIALIZERS, group(*operations))
