"""The structures of elements: tuples, named tuples and dictionaries of tensors and of what is made of tensors.

A list is no structure here, but one tensor. Dictionaries are gone through in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.none_tensor import NoneTensorSpec
from tideflow._src.core.tensor import Tensor, wrap
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec, encoded, type_spec_from_value
from tideflow._src.runtime.convert import convert_to_tensor


def children(structure: Any) -> list[tuple[Any, Any]] | None:
    """Returns the keys and parts of a node, in order, or None for a leaf."""
    if isinstance(structure, tuple):
        return list(enumerate(structure))
    if isinstance(structure, Mapping):
        try:
            return [(key, structure[key]) for key in sorted(structure)]
        except TypeError:
            raise TypeError(f"nest only supports dicts with sortable keys: {list(structure)}") from None
    fields = getattr(type(structure), "__attrs_attrs__", None)
    if fields is not None:
        return [(field.name, getattr(structure, field.name)) for field in fields]
    return None


def rebuilt(structure: Any, parts: Sequence[Any]) -> Any:
    """Returns a node like another, with other parts."""
    if isinstance(structure, tuple):
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    if isinstance(structure, Mapping):
        done = dict(zip(sorted(structure), parts, strict=True))
        if type(structure) is dict:
            return {key: done[key] for key in structure}
        return nest.pack_sequence_as(dict.fromkeys(structure) if not hasattr(structure, "copy") else structure, parts)
    return type(structure)(*parts)


def mapped(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """Returns a structure with a function applied to its leaves, and to those of others of the same structure."""
    parts = children(structure)
    if parts is None:
        return function(structure, *others)
    beside = [dict(children(other) or ()) for other in others]
    return rebuilt(structure, [mapped(function, part, *[items[key] for items in beside]) for key, part in parts])


def flattened(structure: Any) -> list[Any]:
    """Returns the leaves of a structure, in order."""
    parts = children(structure)
    if parts is None:
        return [structure]
    return [leaf for _, part in parts for leaf in flattened(part)]


def flattened_up_to(structure: Any, value: Any) -> list[Any]:
    """Returns what a value has where a structure has its leaves.

    Raises:
      ValueError, TypeError: the value is of another structure.
    """
    parts = children(structure)
    if parts is None:
        return [value]
    given = children(value)
    if given is None:
        raise TypeError(
            "The two structures don't have the same nested structure. First structure has a "
            f"{type(structure).__name__}, where the second has {value!r}."
        )
    if [key for key, _ in parts] != [key for key, _ in given]:
        raise ValueError(
            "The two structures don't have the same nested structure. The first has "
            f"{[key for key, _ in parts]}, the second {[key for key, _ in given]}."
        )
    return [leaf for (_, part), (_, item) in zip(parts, given, strict=True) for leaf in flattened_up_to(part, item)]


def specs_of(structure: Any) -> list[TypeSpec]:
    """Returns the leaves of a structure of specs.

    Raises:
      TypeError: a leaf is no spec.
    """
    found = flattened(structure)
    for leaf in found:
        if not isinstance(leaf, TypeSpec):
            raise TypeError(f"Expected a structure of tf.TypeSpec, but one of its leaves is {leaf!r}.")
    return found


def component_specs(structure: Any) -> list[TensorSpec]:
    """Returns the specs of the tensors that an element of a structure of specs consists of."""
    return [spec for leaf in flattened(structure) for spec in leaf._flat_tensor_specs]


def kinds(structure: Any) -> dict[str, Any]:
    """Returns the attributes of operations that say of what an element consists."""
    specs = component_specs(structure)
    return {
        "output_types": [spec.dtype for spec in specs],
        "output_shapes": [spec.shape._dims for spec in specs],
    }


def normalized(element: Any, specs: Any = None) -> Any:
    """Returns an element with what is not made of tensors yet converted to tensors.

    Args:
      element: a structure of values.
      specs: what the values are to be; without it, they become what they are.
    """
    if specs is None:
        return mapped(lambda leaf: _converted(leaf, None), element)
    return mapped(lambda spec, leaf: _converted(leaf, spec), specs, element)


def _converted(leaf: Any, spec: Any) -> Any:
    if leaf is None:
        return None
    if hasattr(leaf, "_dense_var_to_tensor"):
        return convert_to_tensor(leaf)
    if isinstance(leaf, Tensor):
        return leaf
    if isinstance(spec, TensorSpec):
        return convert_to_tensor(leaf, spec.dtype)
    if hasattr(type(leaf), "_type_spec"):
        return leaf
    try:
        found = type_spec_from_value(leaf)
    except TypeError:
        return convert_to_tensor(leaf)
    if isinstance(found, TensorSpec):
        return convert_to_tensor(leaf)
    made = found.value_type
    if isinstance(made, type) and not isinstance(leaf, made):
        convert = getattr(made, "from_value", None)
        return leaf if convert is None else convert(leaf)
    return leaf


def spec_of(element: Any) -> Any:
    """Returns the structure of the specs of an element's leaves."""
    return mapped(lambda leaf: NoneTensorSpec() if leaf is None else type_spec_from_value(leaf), element)


def tensors_of(specs: Any, element: Any) -> list[Any]:
    """Returns the tensors that an element consists of."""
    leaves = zip(flattened(specs), flattened_up_to(specs, element), strict=True)
    return [tensor for spec, leaf in leaves for tensor in spec._to_tensor_list(leaf)]


def batched_tensors_of(specs: Any, element: Any) -> list[Any]:
    """Returns the tensors that a batch consists of, each with the elements along its first axis."""
    leaves = zip(flattened(specs), flattened_up_to(specs, element), strict=True)
    found: list[Any] = []
    for spec, leaf in leaves:
        if isinstance(spec, TensorSpec):
            found.append(leaf)
        elif hasattr(spec, "_to_batched_tensor_list"):
            found += spec._to_batched_tensor_list(leaf)
        else:
            found += encoded(spec, leaf, minimum_rank=1)
    return found


def element_of(specs: Any, tensors: Sequence[Any]) -> Any:
    """Returns the element that consists of some tensors."""
    remaining = iter(tensors)
    return mapped(lambda spec: _leaf(spec, remaining), specs)


def _leaf(spec: Any, remaining: Iterator[Any]) -> Any:
    if isinstance(spec, NoneTensorSpec):
        return None
    return spec._from_compatible_tensor_list([next(remaining) for _ in spec._flat_tensor_specs])


def packer(specs: Any) -> Callable[[list[Any]], Any]:
    """Returns the function that makes elements of their components' values, as fast as their structure allows."""
    pack = nest.flat_packer(specs, lambda spec: isinstance(spec, TensorSpec))
    if pack is not None:
        return lambda values: pack([wrap(value) for value in values])
    return lambda values: element_of(specs, [wrap(value) for value in values])


def batched(specs: Any, size: int | None) -> Any:
    """Returns the specs of a batch of elements."""
    return mapped(lambda spec: spec._batch(size), specs)


def unbatched(specs: Any) -> Any:
    """Returns the specs of an element of a batch."""
    return mapped(lambda spec: spec._unbatch(), specs)


def common(first: Any, second: Any) -> Any:
    """Returns the specs of what is of either of two structures of specs.

    Raises:
      TypeError: nothing is, as their structures or dtypes differ.
    """
    try:
        pairs = list(zip(flattened(first), flattened_up_to(first, second), strict=True))
        found = [one.most_specific_common_supertype([other]) for one, other in pairs]
    except (ValueError, TypeError, AttributeError):
        found = [None]
    if any(item is None for item in found):
        raise TypeError(f"Incompatible dataset elements:\n  {first} vs.   {second}")
    remaining = iter(found)
    return mapped(lambda spec: next(remaining), first)


def from_legacy(types: Any, shapes: Any, classes: Any) -> Any:
    """Returns the specs that the types, shapes and classes of TensorFlow 1.x stand for."""

    def leaf(kind: Any, shape: Any, cls: Any) -> Any:
        if isinstance(shape, TypeSpec):
            return shape
        name = getattr(cls, "__name__", "")
        if name == "SparseTensor":
            from tideflow._src.runtime.sparse_tensor import SparseTensorSpec  # a rare use

            return SparseTensorSpec(shape, kind)
        return TensorSpec(shape, kind)

    return mapped(leaf, types, shapes, classes)
