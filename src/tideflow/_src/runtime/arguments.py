"""Binds the arguments of a call to a definition: converts inputs, infers type attributes, checks both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import REQUIRED, Argument, Attribute, OpDef
from tideflow._src.graph.signature import MOST_LISTED_OUTPUTS
from tideflow._src.runtime.convert import convert_to_tensor

_WIRE_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def wire_name(dtype: DType) -> str:
    """The name of a dtype in TensorFlow's messages: float, double, half."""
    return _WIRE_NAMES.get(dtype.name, dtype.name)


#: Operations for which TensorFlow converts a Python value without regard to the other input, and then complains.
_CONVERTS_ALONE = frozenset(("AddV2", "MatMul"))


class Binding:
    """Is a call whose inputs are tensors and whose attributes are complete.

    Attributes:
      inputs: one tensor for each input of the signature, or a list of them.
      attrs: every attribute of the definition.
    """

    __slots__ = ("attrs", "inputs")

    def __init__(self, inputs: list[Any], attrs: dict[str, Any]) -> None:
        self.inputs = inputs
        self.attrs = attrs

    def flat(self) -> list[Any]:
        """The input tensors with lists flattened."""
        tensors: list[Any] = []
        for item in self.inputs:
            tensors.extend(item) if item.__class__ is list else tensors.append(item)
        return tensors


def bind(definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any], *, eager: bool) -> Binding:
    """Converts the inputs of a call and completes its attributes.

    Args:
      definition: the operation's definition.
      inputs: its inputs: tensors, Python values, sequences of those for list inputs.
      attrs: attributes given by the caller.
      eager: whether the call runs at once, which decides the class of the error for mixed dtypes.

    Raises:
      TypeError, ValueError: as TensorFlow does for arguments that cannot be converted or do not fit.
      InvalidArgumentError: eager, the dtypes of two inputs that must agree differ.
    """
    if len(inputs) != len(definition.inputs):
        raise TypeError(
            f"{definition.name} takes {len(definition.inputs)} inputs "
            f"({', '.join(argument.name for argument in definition.inputs)}), got {len(inputs)}."
        )
    attrs = dict(attrs)
    _normalize_attributes(definition, attrs, eager)
    types: dict[str, DType] = {}
    for name, value in attrs.items():
        if value.__class__ is DType and definition.attributes[name].type == "type":
            types[name] = value
    given = set(types)
    # Tensors decide the types first, so that Python values beside them follow.
    for argument, value in zip(definition.inputs, inputs, strict=True):
        if argument.type_attr and argument.type_attr not in types:
            if eager and definition.attributes[argument.type_attr].default is not REQUIRED and not argument.number_attr:
                if isinstance(value, list | tuple):
                    continue  # its tensors become the default dtype, if they can
            found = _dtype_of(value, argument)
            if found is not None and not argument.number_attr:
                found = _of_allowed(definition.attributes[argument.type_attr], found, value)
            if found is not None:
                types[argument.type_attr] = found
    bound: list[Any] = []
    sources: dict[str, str] = {}
    for position, (argument, value) in enumerate(zip(definition.inputs, inputs, strict=True)):
        if argument.is_list:
            bound.append(_bind_list(definition, argument, value, types, attrs, eager))
        else:
            bound.append(_bind_one(definition, argument, position, value, types, given, sources, eager))
    for name, attribute in definition.attributes.items():
        if name in types:
            attrs[name] = types[name]
        elif name not in attrs:
            if attribute.default is REQUIRED:
                raise TypeError(f"{definition.name} needs the attribute {name!r} ({attribute.type}).")
            attrs[name] = attribute.default
        value = attrs[name]
        allowed = attribute.allowed
        if allowed is None:
            continue
        if attribute.type == "type" and value not in allowed:
            raise _not_allowed(definition, attribute, value, eager)
        if attribute.type == "list(type)":
            for item in value:
                if item not in allowed:
                    raise _not_allowed(definition, attribute, item, eager)
    return Binding(bound, attrs)


def _dtype_of(value: Any, argument: Argument) -> DType | None:
    if argument.number_attr:
        if isinstance(value, list | tuple):
            for item in value:
                found = _dtype_of_one(item)
                if found is not None:
                    return found
        return None
    return _dtype_of_one(value)


def _dtype_of_one(value: Any) -> DType | None:
    if isinstance(value, Tensor) or hasattr(value, "_dense_var_to_tensor"):
        return value.dtype.base_dtype  # type: ignore[no-any-return]
    if hasattr(value, "__tf_tensor__"):  # of another package, whose dtypes may be names, or which tells none
        dtype = getattr(value, "dtype", None)
        return None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if isinstance(value, list | tuple):
        for item in value:
            found = _dtype_of_one(item)
            if found is not None:
                return found
    return None


def _bind_one(
    definition: OpDef,
    argument: Argument,
    position: int,
    value: Any,
    types: dict[str, DType],
    given: set[str],
    sources: dict[str, str],
    eager: bool,
) -> Tensor:
    wanted = argument.dtype if argument.dtype is not None else types.get(argument.type_attr)
    name = argument.name
    if isinstance(value, Tensor):
        tensor = convert_to_tensor(value, as_ref=argument.is_ref)
    else:
        tensor = _convert(definition, argument, value, wanted, name, sources, eager)
    have = tensor.dtype
    if argument.is_ref and not have._is_ref_dtype:
        raise TypeError(
            f"'{definition.name}' Op requires that input '{argument.name}' be a mutable tensor (e.g.: a tf.Variable)"
        )
    have = have.base_dtype
    if wanted is None:
        types[argument.type_attr] = have
        sources[argument.type_attr] = argument.name
    elif have is not wanted.base_dtype:
        if eager and isinstance(value, Tensor) is False and argument.type_attr in given:
            raise TypeError(f"{definition.name}: input '{argument.name}' must be {wanted.name}, not {have.name}.")
        raise _mismatch(definition, argument, position, have, wanted, sources, eager)
    else:
        sources.setdefault(argument.type_attr, argument.name)
    return tensor


def _of_allowed(attribute: Any, found: DType, value: Any) -> DType:
    """Returns the dtype of a list that holds tensors: its default where what they have is not allowed.

    So tensors of floats may be sizes in a shape, as in TensorFlow, where numbers and arrays of floats may not.
    """
    if attribute.default is REQUIRED or attribute.allowed is None or not isinstance(value, list | tuple):
        return found
    default: DType = attribute.default
    return found if found.base_dtype in attribute.allowed else default


def _convert(
    definition: OpDef,
    argument: Argument,
    value: Any,
    wanted: DType | None,
    name: str,
    sources: dict[str, str],
    eager: bool,
) -> Tensor:
    if wanted is None:
        attribute = definition.attributes[argument.type_attr]
        default = None if attribute.default is REQUIRED else attribute.default
        if eager and not isinstance(value, np.ndarray):
            if default is dtypes.int32 and not isinstance(value, Tensor):
                tensor = convert_to_tensor(value, name=name, as_ref=argument.is_ref)
                if tensor.dtype is dtypes.int64:  # the default must not cut off what does not fit
                    return tensor
                value = tensor if tensor.dtype is default else value
            return convert_to_tensor(value, name=name, dtype_hint=default, as_ref=argument.is_ref)
        # An array keeps its type, if that is allowed; while a graph is built, a value of Python does so, too.
        tensor = convert_to_tensor(value, name=name, as_ref=argument.is_ref)
        if default is None or attribute.allowed is None or tensor.dtype.base_dtype in attribute.allowed:
            return tensor
        if tensor.dtype is dtypes.bool and default.is_integer and not isinstance(value, np.ndarray | np.generic):
            value = np.asarray(value, default.as_numpy_dtype)  # True is a dimension, as it is eagerly
        return convert_to_tensor(value, name=name, dtype_hint=default, as_ref=argument.is_ref)
    try:
        return convert_to_tensor(value, wanted, name=name, as_ref=argument.is_ref)
    except (TypeError, ValueError):
        if eager:
            if definition.name in _CONVERTS_ALONE:
                return convert_to_tensor(value, name=name)  # the mismatch is reported with both dtypes
            raise
        try:
            natural = convert_to_tensor(value, name=name)
        except (TypeError, ValueError):
            natural = None
        if natural is None or natural.dtype.base_dtype is wanted.base_dtype:
            raise
        raise _mismatch(definition, argument, 0, natural.dtype.base_dtype, wanted, sources, eager) from None


def _mismatch(
    definition: OpDef,
    argument: Argument,
    position: int,
    have: DType,
    wanted: DType,
    sources: dict[str, str],
    eager: bool,
) -> Exception:
    if eager:
        return InvalidArgumentError(
            None,
            None,
            f"cannot compute {definition.name} as input #{position}(zero-based) was expected to be a "
            f"{wire_name(wanted.base_dtype)} tensor but is a {wire_name(have)} tensor [Op:{definition.name}] name: ",
        )
    other = sources.get(argument.type_attr)
    if other:
        return TypeError(
            f"Input '{argument.name}' of '{definition.name}' Op has type {have.name} that does not match type "
            f"{wanted.base_dtype.name} of argument '{other}'."
        )
    return TypeError(
        f"Input '{argument.name}' of '{definition.name}' Op has type {have.name} that does not match expected type "
        f"of {wanted.base_dtype.name}."
    )


def _not_allowed(definition: OpDef, attribute: Attribute, value: DType, eager: bool) -> Exception:
    names = ", ".join(dtype.name for dtype in attribute.allowed or ())
    parameter = next((a.name for a in definition.inputs if a.type_attr == attribute.name), f"attr '{attribute.name}'")
    message = (
        f"Value passed to parameter '{parameter}' of {definition.name} has DataType {value.name} "
        f"not in list of allowed values: {names}"
    )
    return InvalidArgumentError(None, None, message) if eager else TypeError(message)


def _bind_list(
    definition: OpDef,
    argument: Argument,
    value: Any,
    types: dict[str, DType],
    attrs: dict[str, Any],
    eager: bool,
) -> list[Tensor]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"Expected list for '{argument.name}' argument to '{definition.name}' Op, not {value!r}.")
    name = argument.name
    tensors: list[Tensor] = []
    if argument.number_attr:
        minimum = definition.attributes[argument.number_attr].minimum or 0
        if len(value) < minimum:
            problem = (
                f"List argument '{argument.name}' to '{definition.name}' Op with length {len(value)} "
                f"shorter than minimum length {minimum}."
            )
            raise InvalidArgumentError(None, None, problem) if eager else ValueError(problem)
        wanted = argument.dtype if argument.dtype is not None else types.get(argument.type_attr)
        for index, item in enumerate(value):
            if isinstance(item, Tensor):
                tensor = convert_to_tensor(item, as_ref=argument.is_ref)
            else:
                tensor = _convert(
                    definition, argument, item, wanted, f"{name}_{index}" if index else f"{name}_0", {}, eager
                )
            have = tensor.dtype.base_dtype
            if wanted is None:
                wanted = types[argument.type_attr] = have
            elif have is not wanted.base_dtype:
                if eager:
                    raise _mismatch(definition, argument, index, have, wanted, {}, True)
                have_types = ", ".join(str(getattr(getattr(each, "dtype", None), "name", "?")) for each in value)
                raise TypeError(
                    f"Tensors in list passed to '{argument.name}' of '{definition.name}' Op have types "
                    f"[{have_types}] that don't all match."
                )
            tensors.append(tensor)
        count = attrs.get(argument.number_attr)
        if count is not None and argument.number_attr in attrs and count != len(tensors):
            raise ValueError(
                f"List argument '{argument.name}' to '{definition.name}' Op with length {len(tensors)} must match "
                f"length {count} of argument '{argument.number_attr}'."
            )
        attrs[argument.number_attr] = len(tensors)
        if wanted is not None and argument.type_attr:
            types.setdefault(argument.type_attr, wanted)
        return tensors
    wanted_types = attrs.get(argument.type_list_attr)
    if wanted_types is not None and len(wanted_types) != len(value):
        raise ValueError(
            f"'{definition.name}': {len(value)} tensors for '{argument.name}', but {len(wanted_types)} types."
        )
    minimum = definition.attributes[argument.type_list_attr].minimum or 0
    if len(value) < minimum:
        if eager:
            raise InvalidArgumentError(
                None,
                None,
                f"Length for attr '{argument.type_list_attr}' of {len(value)} must be at least minimum {minimum}",
            )
        raise ValueError(
            f"Attr '{argument.type_list_attr}' of '{definition.name}' Op passed list of length {len(value)} less than "
            f"minimum {minimum}."
        )
    for index, item in enumerate(value):
        wanted = wanted_types[index] if wanted_types is not None else None
        tensors.append(convert_to_tensor(item, wanted, name=f"{name}_{index}"))
    attrs[argument.type_list_attr] = [tensor.dtype.base_dtype for tensor in tensors]
    return tensors


def _normalize_attributes(definition: OpDef, attrs: dict[str, Any], eager: bool) -> None:
    for name, value in attrs.items():
        try:
            attribute = definition.attributes[name]
        except KeyError:
            raise TypeError(f"{definition.name} got an unexpected attribute {name!r}.") from None
        attrs[name] = normalize(definition, attribute, value, eager)


def normalize(definition: OpDef, attribute: Attribute, value: Any, eager: bool) -> Any:
    """Returns an attribute's value in the form that kernels and rules get: Python values, DTypes, shape tuples.

    Raises:
      TypeError: the value is not of the attribute's type.
      ValueError: it is below the least value, or not among those allowed; InvalidArgumentError if the call is eager.
    """
    try:
        result = _normalize(definition, attribute, value)
    except ValueError as error:
        if eager and attribute.type not in ("shape", "list(shape)"):
            raise InvalidArgumentError(None, None, str(error)) from None
        raise
    if result.__class__ is int and result > MOST_LISTED_OUTPUTS:
        if any(argument.number_attr == attribute.name for argument in definition.outputs):
            raise ValueError(f"Number of outputs is too big: {result}")
    return result


def _normalize(definition: OpDef, attribute: Attribute, value: Any) -> Any:
    kind = attribute.type
    if kind.startswith("list("):
        if not isinstance(value, list | tuple):
            raise TypeError(f"Expected list for attr {attribute.name} of {definition.name}, obtained {value!r}.")
        item_kind = kind[5:-1]
        result: Any = [_normalize_one(definition, attribute, item_kind, item) for item in value]
        if attribute.minimum is not None and len(result) < attribute.minimum:
            raise ValueError(
                f"Attr {attribute.name} of {definition.name} Op has length {len(result)}, less than minimum "
                f"{attribute.minimum}."
            )
        return result
    result = _normalize_one(definition, attribute, kind, value)
    if attribute.minimum is not None and result < attribute.minimum:
        raise ValueError(
            f"Attr {attribute.name} of {definition.name} Op passed {result} less than minimum {attribute.minimum}."
        )
    return result


def _normalize_one(definition: OpDef, attribute: Attribute, kind: str, value: Any) -> Any:
    if kind == "type":
        return value if value.__class__ is DType else dtypes.as_dtype(value)
    if kind == "bool":
        if value is True or value is False:
            return value
        if isinstance(value, int) or type(value).__name__ in ("bool", "bool_"):
            return bool(value)
        raise TypeError(f"Expected bool for argument '{attribute.name}' not {value!r}.")
    if kind == "int":
        if value.__class__ is int:
            return value
        try:
            return int(value) if isinstance(value, bool) else value.__index__()
        except (AttributeError, TypeError):
            raise TypeError(f"Expected int for argument '{attribute.name}' not {value!r}.") from None
    if kind == "float":
        try:
            return float(value)
        except (TypeError, ValueError):
            raise TypeError(f"Expected float for argument '{attribute.name}' not {value!r}.") from None
    if kind == "string":
        if isinstance(value, bytes):
            value = value.decode("utf-8", "surrogateescape")
        if not isinstance(value, str):
            raise TypeError(f"Expected string for argument '{attribute.name}' not {value!r}.")
        if attribute.allowed is not None and value not in attribute.allowed:
            allowed = ", ".join(f'"{item}"' for item in attribute.allowed)
            raise ValueError(
                f"Value for attr '{attribute.name}' of \"{value}\" is not in the list of allowed values: {allowed} "
                f"of {definition.name}."
            )
        return value
    if kind == "shape":
        return shape_tuple(value)
    return value


def shape_tuple(value: Any) -> tuple[int | None, ...] | None:
    """Returns a shape in any form as a tuple of sizes (None: unknown), or None for an unknown rank."""
    if value is None:
        return None
    if value.__class__ is tuple and all(size is None or size.__class__ is int for size in value):
        return value
    from tideflow._src.core.tensor_shape import as_shape

    return as_shape(value)._dims
