"""The ``TensorArray`` operations of TensorFlow 1.x graphs, in their three versions.

They differ in what the handle is: a reference to strings, strings, or a resource. The float ``flow`` carries nothing
but the order in which the operations run.
"""

from __future__ import annotations

import itertools
import types
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef, Shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.gradient_source import source_of
from tideflow._src.ops.control.tensor_array_state import StringHandle, TensorArrayState
from tideflow._src.runtime.buffers import ResourceHandle
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.list_value import check_scalar, rows
from tideflow._src.runtime.op import op

_numbers = itertools.count()
_FLOW = np.float32(0)


def _new_state(
    size: Any, dtype: Any, element_shape: Any, dynamic_size: bool, clear_after_read: bool, identical: bool, name: str
) -> TensorArrayState:
    return TensorArrayState(
        dtype, check_scalar("TensorArray size", size), element_shape, dynamic_size=dynamic_size,
        clear_after_read=clear_after_read, identical_element_shapes=identical,
        name=f"{name or 'TensorArray'}_{next(_numbers)}",
    )  # fmt: skip


@op("TensorArray", "size: int32 -> handle: Ref(string)", tier="host", stateful=True, differentiable=False)
def tensor_array(
    size, *, dtype: DType, dynamic_size: bool = False, clear_after_read: bool = True, tensor_array_name: str = "",
    element_shape: Shape = None,
):  # fmt: skip
    """Makes an array of tensors, with a handle of TensorFlow 0.x."""
    state = _new_state(size, dtype, element_shape, dynamic_size, clear_after_read, False, tensor_array_name)
    return StringHandle.of(state, tensor_array_name)


@op("TensorArrayV2", "size: int32 -> handle: string", tier="host", stateful=True, differentiable=False)
def tensor_array_v2(
    size, *, dtype: DType, element_shape: Shape = None, dynamic_size: bool = False, clear_after_read: bool = True,
    tensor_array_name: str = "",
):  # fmt: skip
    """Makes an array of tensors, with a handle of TensorFlow 1.0."""
    state = _new_state(size, dtype, element_shape, dynamic_size, clear_after_read, False, tensor_array_name)
    return StringHandle.of(state, tensor_array_name)


@op("TensorArrayV3", "size: int32 -> handle: resource, flow: float32", tier="host", stateful=True, differentiable=False)
def tensor_array_v3(
    size, *, dtype: DType, element_shape: Shape = None, dynamic_size: bool = False, clear_after_read: bool = True,
    identical_element_shapes: bool = False, tensor_array_name: str = "",
):  # fmt: skip
    """Makes an array of tensors."""
    state = _new_state(
        size, dtype, element_shape, dynamic_size, clear_after_read, identical_element_shapes, tensor_array_name
    )
    return ResourceHandle(state, state.name), _FLOW


def _state(handle: Any) -> TensorArrayState:
    state = getattr(handle, "resource", None)
    if not isinstance(state, TensorArrayState):
        raise InvalidArgumentError(None, None, f"The handle is not that of a TensorArray: {handle!r}.")
    return state


@op(
    "TensorArrayGrad",
    "handle: string, flow_in: float32 -> grad_handle: Ref(string)",
    tier="host",
    stateful=True,
    differentiable=False,
)
def tensor_array_grad(handle, flow_in, *, source: str):
    """Finds the array of gradients of an array."""
    state = _state(handle).gradient(source)
    return StringHandle.of(state, source)


@op(
    "TensorArrayGradV2",
    "handle: string, flow_in: float32 -> grad_handle: string",
    tier="host",
    stateful=True,
    differentiable=False,
)
def tensor_array_grad_v2(handle, flow_in, *, source: str):
    """Finds the array of gradients of an array."""
    state = _state(handle).gradient(source)
    return StringHandle.of(state, source)


@op(
    "TensorArrayGradV3",
    "handle: resource, flow_in: float32 -> grad_handle: resource, flow_out: float32",
    tier="host",
    stateful=True,
    differentiable=False,
)
def tensor_array_grad_v3(handle, flow_in, *, source: str):
    """Finds the array of gradients of an array."""
    state = _state(handle).gradient(source)
    return ResourceHandle(state, state.name), np.float32(0)


@op(
    "TensorArrayGradWithShape",
    "handle: resource, flow_in: float32, shape_to_prepend: int32 -> grad_handle: resource, flow_out: float32",
    tier="host",
    stateful=True,
    differentiable=False,
)
def tensor_array_grad_with_shape(handle, flow_in, shape_to_prepend, *, source: str):
    """Finds the array of gradients of an array, whose elements have more dimensions in front."""
    sizes = vector(shape_to_prepend, "shape_to_prepend").tolist()
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError(None, None, f"The sizes of shape_to_prepend must be >= 0, got {sizes}")
    state = _state(handle).gradient(source, tuple(sizes))
    return ResourceHandle(state, state.name), np.float32(0)


def _write(handle, index, value, flow_in):
    _state(handle).write(check_scalar("TensorArray index", index), value)
    return flow_in


def _read(handle, index, flow_in, *, dtype: DType):
    state = _state(handle)
    _check_dtype(state, dtype)
    return state.read(check_scalar("TensorArray index", index))


def _check_dtype(state: TensorArrayState, dtype: DType) -> None:
    if state.dtype is not dtype:
        raise InvalidArgumentError(
            None, None, f"TensorArray dtype is {state.dtype.name} but Op requested dtype {dtype.name}."
        )


def _gather(handle, indices, flow_in, *, dtype: DType, element_shape: Shape = None):
    return _gathered(_state(handle), vector(indices, "indices").tolist(), dtype, element_shape)


def _pack(handle, flow_in, *, dtype: DType, element_shape: Shape = None):
    state = _state(handle)
    return _gathered(state, range(len(state)), dtype, element_shape)


def _gathered(state: TensorArrayState, indices: Any, dtype: DType, element_shape: Shape) -> Any:
    _check_dtype(state, dtype)
    state.check_shape(element_shape)
    if not len(indices):
        return state.zeros(0, element_shape)
    items = [state.read(index) for index in indices]
    for index, item in zip(indices, items, strict=True):
        if item.shape != items[0].shape:
            raise InvalidArgumentError(
                None,
                None,
                f"TensorArray has inconsistent shapes.  Index {indices[0]} has shape: {list(items[0].shape)} but index "
                f"{index} has shape: {list(item.shape)}",
            )
    result = np.empty((len(items), *items[0].shape), dtype.as_numpy_dtype)
    for position, item in enumerate(items):
        result[position, ...] = item
    return result


def _scatter(handle, indices, value, flow_in):
    positions = vector(indices, "indices").tolist()
    if value.ndim == 0 or value.shape[0] != len(positions):
        raise InvalidArgumentError(
            None,
            None,
            f"Expected len(indices) == values.shape[0], but saw: {len(positions)} vs. {list(value.shape)}",
        )
    _state(handle)
    for index, item in zip(positions, rows(value), strict=True):
        _state(handle).write(index, item)
    return flow_in


def _unpack(handle, value, flow_in):
    return _scatter(handle, np.arange(value.shape[0]), value, flow_in)


def _concat(handle, flow_in, *, dtype: DType, element_shape_except0: Shape = None):
    state = _state(handle)
    _check_dtype(state, dtype)
    if not len(state):
        shape = element_shape_except0
        if shape is None or None in shape:
            raise InvalidArgumentError(
                None,
                None,
                "TensorArray has size zero, but element_shape_except0 is not fully defined. Currently only static "
                "shapes are supported when concatenating zero-size TensorArrays.",
            )
        sizes: Any = (0, *shape)
        return np.zeros(sizes, dtype.as_numpy_dtype), np.zeros(0, np.int64)
    items = [state.read(index) for index in range(len(state))]
    for index, item in enumerate(items):
        if item.ndim == 0:
            raise InvalidArgumentError(
                None, None, f"Concat saw a scalar shape at index {index} but requires at least vectors."
            )
        if item.shape[1:] != items[0].shape[1:]:
            raise InvalidArgumentError(
                None,
                None,
                f"TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: "
                f"{list(items[0].shape[1:])} but index {index} has (excepting dimension 0) shape: "
                f"{list(item.shape[1:])}",
            )
    return np.concatenate(items), np.array([item.shape[0] for item in items], np.int64)


def _split(handle, value, lengths, flow_in):
    state = _state(handle)
    if np.ndim(lengths) != 1:
        raise InvalidArgumentError(
            None, None, f"Expected lengths to be a vector, received shape: {list(np.shape(lengths))}"
        )
    if value.ndim == 0:
        raise InvalidArgumentError(None, None, "Expected value to be at least a vector, but received shape: []")
    total = int(np.sum(lengths))
    if total != value.shape[0] or (np.asarray(lengths) < 0).any():
        raise InvalidArgumentError(
            None,
            None,
            f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {total} and value's shape "
            f"is: {list(value.shape)}",
        )
    state.resize(len(lengths))
    start = 0
    for index, length in enumerate(np.asarray(lengths).tolist()):
        state.write(index, value[start : start + length])
        start += length
    return flow_in


def _size(handle, flow_in):
    return np.int32(len(_state(handle)))


def _close(handle):
    _state(handle).close()


def _named(kernel: Any, doc: str) -> Any:
    """Returns a kernel under another docstring: each operation has its own."""
    copy = types.FunctionType(kernel.__code__, kernel.__globals__, kernel.__name__, None, kernel.__closure__)
    copy.__kwdefaults__ = kernel.__kwdefaults__
    copy.__annotations__ = kernel.__annotations__
    copy.__module__ = kernel.__module__
    copy.__doc__ = doc
    return copy


_TABLE = (
    ("Write", "index: int32, value: T, flow_in: float32 -> flow_out: float32", _write, True, "Writes an element."),
    ("Read", "index: int32, flow_in: float32 -> value: dtype", _read, True, "Reads an element."),
    ("Gather", "indices: int32, flow_in: float32 -> value: dtype", _gather, True, "Stacks elements at given indices."),
    (
        "Scatter",
        "indices: int32, value: T, flow_in: float32 -> flow_out: float32",
        _scatter,
        True,
        "Writes slices of a tensor at given indices.",
    ),
    (
        "Concat",
        "flow_in: float32 -> value: dtype, lengths: int64",
        _concat,
        True,
        "Joins all elements along their first dimension.",
    ),
    (
        "Split",
        "value: T, lengths: int64, flow_in: float32 -> flow_out: float32",
        _split,
        True,
        "Writes parts of a tensor, of given lengths.",
    ),
    ("Size", "flow_in: float32 -> size: int32", _size, False, "Tells how many elements there are."),
    ("Close", "", _close, False, "Frees the elements."),
)

_HANDLES = {"": "Ref(string)", "V2": "string", "V3": "resource"}

for _version, _handle in _HANDLES.items():
    for _name, _rest, _kernel, _differentiable, _doc in _TABLE:
        op(
            f"TensorArray{_name}{_version}",
            f"handle: {_handle}, {_rest}" if _rest else f"handle: {_handle} ->",
            tier="host",
            stateful=_version == "V3",
            differentiable=_differentiable,
        )(_named(_kernel, _doc))

op(
    "TensorArrayPack",
    "handle: Ref(string), flow_in: float32 -> value: dtype",
    tier="host",
)(_named(_pack, "Stacks all elements."))
op(
    "TensorArrayUnpack",
    "handle: Ref(string), value: T, flow_in: float32 -> flow_out: float32",
    tier="host",
)(_named(_unpack, "Writes the slices of a tensor."))


# Gradients: reading is the gradient of writing, on an array of gradients that the array itself keeps.


def _gradient_array(call: Any, flow: Any, source: str) -> tuple[Any, Any]:
    handle = call.inputs[0]
    version = _version_of(call)
    if version == "V3":
        return raw.TensorArrayGradV3(handle, flow, source=source)  # type: ignore[no-any-return]
    operation = raw.TensorArrayGradV2 if version == "V2" else raw.TensorArrayGrad
    return operation(handle, flow, source=source), flow


def _version_of(call: Any) -> str:
    name = call.op_def.name
    return name[-2:] if name[-2:] in _HANDLES else ""


def _companion(call: Any, name: str) -> Any:
    return getattr(raw, f"TensorArray{name}{_version_of(call)}")


def _read_gradient(call, dvalue):
    handle, flow = _gradient_array(call, call.inputs[2], source_of(dvalue))
    return None, None, _companion(call, "Write")(handle, call.inputs[1], dvalue, flow)


def _write_gradient(call, dflow):
    handle, flow = _gradient_array(call, dflow, source_of(dflow))
    value = call.inputs[2]
    gradient = _companion(call, "Read")(handle, call.inputs[1], flow, dtype=value.dtype.base_dtype)
    gradient.set_shape(value.shape)
    return None, None, gradient, dflow


def _gather_gradient(call, dvalue):
    handle, flow = _gradient_array(call, call.inputs[2], source_of(dvalue))
    return None, None, _companion(call, "Scatter")(handle, call.inputs[1], dvalue, flow)


def _scatter_gradient(call, dflow):
    handle, flow = _gradient_array(call, dflow, source_of(dflow))
    value = call.inputs[2]
    gradient = _companion(call, "Gather")(handle, call.inputs[1], flow, dtype=value.dtype.base_dtype)
    gradient.set_shape(value.shape)
    return None, None, gradient, dflow


def _concat_gradient(call, dvalue, dlengths):
    handle, flow = _gradient_array(call, call.inputs[1], source_of(dvalue))
    return None, _companion(call, "Split")(handle, dvalue, call.outputs[1], flow)


def _split_gradient(call, dflow):
    handle, flow = _gradient_array(call, dflow, source_of(dflow))
    value = call.inputs[1]
    gradient, _ = _companion(call, "Concat")(handle, flow, dtype=value.dtype.base_dtype)
    gradient.set_shape(value.shape)
    return None, gradient, None, dflow


def _pack_gradient(call, dvalue):
    handle, flow = _gradient_array(call, call.inputs[1], source_of(dvalue))
    return None, raw.TensorArrayUnpack(handle, dvalue, flow)


def _unpack_gradient(call, dflow):
    handle, flow = _gradient_array(call, dflow, source_of(dflow))
    value = call.inputs[1]
    gradient = raw.TensorArrayPack(handle, flow, dtype=value.dtype.base_dtype)
    gradient.set_shape(value.shape)
    return None, gradient, dflow


_RULES = {
    "Read": _read_gradient,
    "Write": _write_gradient,
    "Gather": _gather_gradient,
    "Scatter": _scatter_gradient,
    "Concat": _concat_gradient,
    "Split": _split_gradient,
}
for _version in _HANDLES:
    for _name, _rule in _RULES.items():
        OpDef.registry[f"TensorArray{_name}{_version}"].gradient(_rule)
OpDef.registry["TensorArrayPack"].gradient(_pack_gradient)
OpDef.registry["TensorArrayUnpack"].gradient(_unpack_gradient)


# Static shapes.


def _flow_shape(*inputs):
    return ()


@OpDef.registry["TensorArrayScatterV3"].shape
def _scatter_shape(handle, indices, value, flow_in):
    if indices is not None and len(indices) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(indices)}")
    if value is not None and not value:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if indices is not None and value is not None and None not in (indices[0], value[0]) and indices[0] != value[0]:
        raise ValueError(f"Dimensions must be equal, but are {value[0]} and {indices[0]}: a slice for each index")
    return ()


for _version in _HANDLES:
    for _name in ("Write", "Scatter", "Split", "Size"):
        if (_name, _version) != ("Scatter", "V3"):
            OpDef.registry[f"TensorArray{_name}{_version}"].shape(_flow_shape)

    @OpDef.registry[f"TensorArrayGather{_version}"].shape
    def _gather_shape(handle, indices, flow_in, *, element_shape):
        if indices is not None and len(indices) != 1:
            raise ValueError(f"Shape must be rank 1 but is rank {len(indices)}")
        return None if element_shape is None else (None if indices is None else indices[0], *element_shape)

    @OpDef.registry[f"TensorArrayConcat{_version}"].shape
    def _concat_shape(handle, flow_in, *, element_shape_except0):
        return (None if element_shape_except0 is None else (None, *element_shape_except0)), (None,)


OpDef.registry["TensorArrayUnpack"].shape(_flow_shape)


@OpDef.registry["TensorArrayPack"].shape
def _pack_shape(handle, flow_in, *, element_shape):
    return None if element_shape is None else (None, *element_shape)


@tensor_array_v3.shape
def _tensor_array_v3_shape(size):
    return (2,), ()


@tensor_array.shape
def _tensor_array_shape(size):
    return (2,)


@tensor_array_v2.shape
def _tensor_array_v2_shape(size):
    return (2,)


@tensor_array_grad.shape
def _tensor_array_grad_shape(handle, flow_in):
    return (2,)


@tensor_array_grad_v2.shape
def _tensor_array_grad_v2_shape(handle, flow_in):
    return (2,)


@tensor_array_grad_v3.shape
def _tensor_array_grad_v3_shape(handle, flow_in):
    return (2,), ()


@tensor_array_grad_with_shape.shape
def _tensor_array_grad_with_shape_shape(handle, flow_in, shape_to_prepend):
    return (2,), ()


# Samples. What reading and writing do together is tested on whole graphs.


def _made(s: Any, version: str, shape: Any = (2,), size: int = 3, dtype: str = "float32", **options: Any) -> Any:
    return s.produced(f"TensorArray{version}", size, dtype=dtype, element_shape=shape, **options)


def _sample(version: str) -> None:
    @OpDef.registry[f"TensorArray{version}"].samples
    def _array_samples(s):
        yield s(3, dtype="float32", element_shape=(None, 2), dynamic_size=True, tensor_array_name="name")
        yield s(-1, dtype="float32", error="InvalidArgumentError")
        yield s([1], dtype="float32", error="InvalidArgumentError")

    @OpDef.registry[f"TensorArrayGrad{version}"].samples
    def _grad_samples(s):
        handle = _made(s, version) if version else _made(s, "V2")
        yield s(handle, 0.0, source="gradients")

    @OpDef.registry[f"TensorArrayWrite{version}"].samples
    def _write_samples(s):
        yield s(_made(s, version), 1, s.normal(2), 0.0, gradient=False)
        yield s(_made(s, version, dynamic_size=True), 7, s.normal(2), 0.0, gradient=False)
        yield s(_made(s, version), 3, s.normal(2), 0.0, error="InvalidArgumentError")
        yield s(_made(s, version), -1, s.normal(2), 0.0, error="InvalidArgumentError")
        yield s(_made(s, version), 1, s.normal(3), 0.0, error="InvalidArgumentError")
        yield s(_made(s, version), 1, s.normal(2, dtype="float64"), 0.0, error="InvalidArgumentError")

    @OpDef.registry[f"TensorArrayRead{version}"].samples
    def _read_samples(s):
        yield s(_made(s, version), 1, 0.0, dtype="float32", gradient=False)
        yield s(_made(s, version), 3, 0.0, dtype="float32", error="InvalidArgumentError")
        yield s(_made(s, version), 1, 0.0, dtype="int32", error="InvalidArgumentError")
        yield s(_made(s, version, None), 1, 0.0, dtype="float32", error="InvalidArgumentError")

    @OpDef.registry[f"TensorArrayGather{version}"].samples
    def _gather_samples(s):
        yield s(_made(s, version), [2, 0], 0.0, dtype="float32", gradient=False)
        yield s(_made(s, version), np.zeros(0, np.int32), 0.0, dtype="float32", element_shape=(2,), gradient=False)
        yield s(_made(s, version), [2, 3], 0.0, dtype="float32", error="InvalidArgumentError")
        yield s(_made(s, version), [2], 0.0, dtype="float32", element_shape=(3,), error="InvalidArgumentError")

    @OpDef.registry[f"TensorArrayScatter{version}"].samples
    def _scatter_samples(s):
        yield s(_made(s, version), [2, 0], s.normal(2, 2), 0.0, gradient=False)
        yield s(_made(s, version), [2, 2], s.normal(2, 2), 0.0, error="InvalidArgumentError")
        yield s(_made(s, version), [2], s.normal(2, 2), 0.0, error="InvalidArgumentError")

    @OpDef.registry[f"TensorArrayConcat{version}"].samples
    def _concat_samples(s):
        yield s(_made(s, version), 0.0, dtype="float32", gradient=False)
        yield s(_made(s, version, (2,), 0), 0.0, dtype="float32", element_shape_except0=(2,), gradient=False)
        yield s(_made(s, version, ()), 0.0, dtype="float32", error="InvalidArgumentError")
        yield s(_made(s, version, (2,), 0), 0.0, dtype="float32", error="InvalidArgumentError")

    @OpDef.registry[f"TensorArraySplit{version}"].samples
    def _split_samples(s):
        yield s(_made(s, version, (None, 2)), s.normal(5, 2), np.int64([1, 4, 0]), 0.0, gradient=False)
        yield s(_made(s, version, (None, 2)), s.normal(5, 2), np.int64([1, 4]), 0.0, error="InvalidArgumentError")
        yield s(_made(s, version, (None, 2)), s.normal(5, 2), np.int64([1, 1, 1]), 0.0, error="InvalidArgumentError")

    @OpDef.registry[f"TensorArraySize{version}"].samples
    def _size_samples(s):
        yield s(_made(s, version), 0.0)

    @OpDef.registry[f"TensorArrayClose{version}"].samples
    def _close_samples(s):
        yield s(_made(s, version))


for _version in _HANDLES:
    _sample(_version)


@tensor_array_grad_with_shape.samples
def _grad_with_shape_samples(s):
    yield s(_made(s, "V3"), 0.0, [4], source="gradients")


@OpDef.registry["TensorArrayPack"].samples
def _pack_samples(s):
    yield s(_made(s, ""), 0.0, dtype="float32", gradient=False)
    yield s(_made(s, ""), 0.0, dtype="int32", error="InvalidArgumentError")


@OpDef.registry["TensorArrayUnpack"].samples
def _unpack_samples(s):
    yield s(_made(s, ""), s.normal(3, 2), 0.0, gradient=False)
    yield s(_made(s, ""), s.normal(4, 2), 0.0, error="InvalidArgumentError")
