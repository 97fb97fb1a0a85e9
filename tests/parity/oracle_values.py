"""Converts between what travels over the pipe and TensorFlow's values, OpDefs and attributes.

Part of the oracle process: it imports TensorFlow, and nothing here may import Tideflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import wire
from tensorflow.core.framework import attr_value_pb2, op_def_pb2, types_pb2
from tensorflow.python.eager import core as eager_core
from tensorflow.python.framework import kernels, op_def_registry, ops
from tensorflow.python.ops import script_ops

# Values


def to_array(value: wire.Value) -> np.ndarray:
    """Returns the array of a value in the NumPy dtype that TensorFlow uses for it."""
    name, array = value
    if name in wire.BIT_CARRIERS:
        dtype = np.dtype(tf.dtypes.as_dtype(name).as_numpy_dtype)
        return np.ascontiguousarray(array).reshape(array.shape).view(dtype)
    return array


def to_tensor(value: wire.Value) -> tf.Tensor:
    return tf.constant(to_array(value), dtype=tf.dtypes.as_dtype(value[0]))


def to_value(tensor: Any, dtype: Any = None) -> wire.Value | tuple[str, None]:
    """Returns the value of an eager tensor, or of what a session returned for a tensor of dtype `dtype`."""
    dtype = tf.dtypes.as_dtype(dtype or tensor.dtype).base_dtype
    if dtype in (tf.resource, tf.variant):
        return dtype.name, None
    value = tensor.numpy() if hasattr(tensor, "numpy") else tensor
    if isinstance(value, bytes):  # NumPy would take the zeros at its end for padding
        scalar = np.empty((), object)
        scalar[()] = value
        value = scalar
    return wire.encode(value, dtype.name)


def to_shape(shape: tf.TensorShape) -> tuple[int | None, ...] | None:
    return None if shape.rank is None else tuple(shape.as_list())


def to_error(error: BaseException) -> tuple[str, str]:
    """Returns the name of the class that a user of the op would see, and the message."""
    if isinstance(error, eager_core._NotOkStatusException):
        public = eager_core._status_to_exception(error)
        return type(public).__name__, str(error.message)
    return type(error).__name__, str(error)


# OpDefs and attributes


def attribute_value(attribute: attr_value_pb2.AttrValue) -> Any:
    """Returns an AttrValue as plain Python: dtypes by name, shapes as tuples (None: unknown)."""
    kind = attribute.WhichOneof("value")
    if kind == "list":
        if not attribute.list.ListFields():
            return []
        field, items = attribute.list.ListFields()[0]
        return [_plain(field.name, item) for item in items]
    return None if kind is None else _plain(kind, getattr(attribute, kind))


def _plain(kind: str, item: Any) -> Any:
    if kind == "type":
        return dtype_name(item)
    if kind == "shape":
        return None if item.unknown_rank else tuple(None if d.size < 0 else d.size for d in item.dim)
    if kind == "tensor":
        return wire.encode(tf.make_ndarray(item), dtype_name(item.dtype))
    if kind == "func":
        return item.name
    return item


def dtype_name(number: int) -> str:
    return tf.dtypes.as_dtype(number).name if number != types_pb2.DT_INVALID else ""


def op_def(op: op_def_pb2.OpDef) -> dict[str, Any]:
    """Returns an OpDef as plain dicts and lists."""

    def argument(arg: op_def_pb2.OpDef.ArgDef) -> dict[str, Any]:
        return {
            "name": arg.name,
            "type": dtype_name(arg.type),
            "type_attr": arg.type_attr,
            "number_attr": arg.number_attr,
            "type_list_attr": arg.type_list_attr,
            "is_ref": arg.is_ref,
        }

    def attr(item: op_def_pb2.OpDef.AttrDef) -> dict[str, Any]:
        return {
            "name": item.name,
            "type": item.type,
            "has_default": item.HasField("default_value"),
            "default": attribute_value(item.default_value) if item.HasField("default_value") else None,
            "allowed": attribute_value(item.allowed_values) if item.HasField("allowed_values") else None,
            "minimum": item.minimum if item.has_minimum else None,
        }

    return {
        "name": op.name,
        "inputs": [argument(arg) for arg in op.input_arg],
        "outputs": [argument(arg) for arg in op.output_arg],
        "control_outputs": list(op.control_output),
        "attributes": [attr(item) for item in op.attr],
        "is_stateful": op.is_stateful,
        "is_commutative": op.is_commutative,
        "is_aggregate": op.is_aggregate,
        "allows_uninitialized_input": op.allows_uninitialized_input,
        "deprecated_since": op.deprecation.version if op.HasField("deprecation") else None,
    }


def op_defs(names: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """Returns the OpDef of each named op (None where TensorFlow has no such op).

    Each also says whether a gradient is registered ("function", "none" or "missing") and for which dtypes
    the op has kernels on the CPU.
    """
    answer: dict[str, dict[str, Any] | None] = {}
    for name in names:
        definition = op_def_registry.get(name)
        if definition is None:
            answer[name] = None
            continue
        answer[name] = {**op_def(definition), "gradient": _gradient_kind(name), "kernels": _cpu_kernels(name)}
    return answer


def _gradient_kind(name: str) -> str:
    try:
        return "none" if ops.gradient_registry.lookup(name) is None else "function"
    except LookupError:
        return "missing"


def _cpu_kernels(name: str) -> list[dict[str, list[str]]]:
    return [
        {c.name: attribute_value(c.allowed_values) for c in kernel.constraint}
        for kernel in kernels.get_registered_kernels_for_op(name).kernel
        if kernel.device_type in ("CPU", "DEFAULT")
    ]


def attributes_for(definition: op_def_pb2.OpDef, given: dict[str, Any]) -> dict[str, Any]:
    """Returns every attribute that the inputs do not imply: those given, and defaults."""
    kinds = {attr.name: attr.type for attr in definition.attr}
    inferred = {
        name for arg in definition.input_arg for name in (arg.type_attr, arg.number_attr, arg.type_list_attr) if name
    }
    defaults = {
        attr.name: attribute_value(attr.default_value) for attr in definition.attr if attr.HasField("default_value")
    }
    given = {
        name: _token(value, given["Tout"]) if isinstance(value, wire.PythonFunction) else value
        for name, value in given.items()
    }
    return {
        name: _attribute(kinds[name], value) for name, value in {**defaults, **given}.items() if name not in inferred
    }


def _attribute(kind: str, value: Any) -> Any:
    if kind.startswith("list("):
        return [_attribute(kind[5:-1], item) for item in value]
    if kind == "type":
        return tf.dtypes.as_dtype(value)
    if kind == "shape":
        return tf.TensorShape(value)
    if kind == "tensor":
        return tf.make_tensor_proto(to_array(value), dtype=tf.dtypes.as_dtype(value[0]))
    if kind == "func":
        return attr_value_pb2.NameAttrList(name=value)
    return value


_kept: list[Any] = []


def _token(item: wire.PythonFunction, types: Sequence[str]) -> str:
    function: Any = eval(item.source, {"np": np})
    if item.eager:
        function = script_ops.EagerFunc(function, [tf.dtypes.as_dtype(name) for name in types], is_grad_func=False)
    _kept.append(function)  # the registry holds it weakly
    return script_ops._py_funcs.insert(function)


def check_question(op: str, inputs: Sequence[Any], attributes: dict[str, Any]) -> None:
    """Raises what a wrong question deserves, before TensorFlow can take it for a wrong call."""
    definition = definition_of(op)
    names = sorted(attr.name for attr in definition.attr)
    for name in attributes:
        if name not in names:
            raise ValueError(f"{op} has no attribute {name!r}; it has {names}")
    if len(inputs) != len(definition.input_arg):
        raise ValueError(f"{op} takes {len(definition.input_arg)} inputs, not {len(inputs)}")


def definition_of(op: str) -> op_def_pb2.OpDef:
    definition = op_def_registry.get(op)
    if definition is None:
        raise KeyError(f"TensorFlow has no op {op!r}")
    return definition
