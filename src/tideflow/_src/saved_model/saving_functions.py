"""The functions with which a loaded SavedModel saves and restores what its resources hold."""

from __future__ import annotations

import functools
from typing import Any

from tideflow._src.checkpoint.object_values import gives_tensors, legacy_name
from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.traced_function import function
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.saved_model.restoring import RestoredSaveable
from tideflow._src.state.resource_variable import is_resource_variable

#: What the pair of functions is called that gives and takes tensors by name.
SERIALIZE_TO_TENSORS = ".TENSORS"


def saving_functions(value: Any) -> dict[str, tuple[ConcreteFunction, ConcreteFunction]]:
    """Returns pairs of functions, which save and restore what an object holds, by name; none for a variable."""
    if is_resource_variable(value):
        return {}
    if gives_tensors(value):
        save, restore = value._serialize_to_tensors, value._restore_from_tensors
        if isinstance(save, ConcreteFunction) and isinstance(restore, ConcreteFunction):
            return {SERIALIZE_TO_TENSORS: (save, restore)}
        whole = legacy_name(value)
        return {SERIALIZE_TO_TENSORS: _by_name(value)} if whole is None else {whole: _in_order(value)}
    found = {}
    for name, factory in getattr(value, "_self_saveable_object_factories", {}).items():
        if isinstance(factory, functools.partial) and factory.func is RestoredSaveable:
            save, restore, _ = factory.args
            found[name] = save, restore
    return found


def _by_name(value: Any) -> tuple[ConcreteFunction, ConcreteFunction]:
    def save_fn() -> Any:
        return {name: convert_to_tensor(tensor) for name, tensor in value._serialize_to_tensors().items()}

    def restore_fn(restored_tensors: Any) -> None:
        value._restore_from_tensors(restored_tensors)

    save = _traced(save_fn)
    specs = {name: TensorSpec(item.shape, item.dtype) for name, item in save.structured_outputs.items()}
    return save, _traced(restore_fn, specs)


def _in_order(value: Any) -> tuple[ConcreteFunction, ConcreteFunction]:
    """Returns the functions of an object that once was saved as a whole, in the form that they had then."""
    names: list[str] = []

    def save_fn(checkpoint_key: Any) -> Any:
        tensors = value._serialize_to_tensors()
        names[:] = list(tensors)
        whole = convert_to_tensor("")  # no slice of a larger tensor
        return [
            {"name": raw.StringJoin([checkpoint_key, name]), "tensor": tensors[name], "slice_spec": whole}
            for name in names
        ]

    save = _traced(save_fn, TensorSpec([], dtypes.string))
    parts = [part["tensor"] for part in save.structured_outputs]

    def restore_fn(*restored_tensors: Any) -> Any:
        value._restore_from_tensors(dict(zip(names, restored_tensors, strict=True)))
        return convert_to_tensor(1)

    return save, _traced(restore_fn, *[TensorSpec(part.shape, part.dtype) for part in parts])


def _traced(python_function: Any, *specs: Any) -> ConcreteFunction:
    made: Any = function(python_function, autograph=False)
    made._omit_frequent_tracing_warning = True  # it is traced once for each object
    concrete: ConcreteFunction = made.get_concrete_function(*specs)
    return concrete
