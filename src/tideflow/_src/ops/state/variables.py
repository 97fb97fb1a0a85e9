"""Variables as operations: storage, reading, assignment and counting, by reference and by resource handle."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, OutOfRangeError
from tideflow._src.graph.op_def import Shape, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX, NUMBER
from tideflow._src.runtime.buffers import Buffer, ResourceHandle, resources
from tideflow._src.runtime.op import op

#: The shared name that asks for a resource which only its handle can reach.
ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


def reference_to_variable(*, shape: Shape, dtype: DType, container: str = "", shared_name: str = "") -> Any:
    """Refers to the storage of a variable; the runtime finds it, so that there is nothing to compute."""
    raise InvalidArgumentError(
        None, None, "A reference variable exists only in a graph. Use tf.Variable, which also works eagerly."
    )


variable_v2 = op("VariableV2", "-> ref: Ref(dtype)", tier="host", stateful=True, differentiable=False)(
    reference_to_variable
)
variable_v1 = op("Variable", "-> ref: Ref(dtype)", tier="host", stateful=True, differentiable=False)(
    reference_to_variable
)


@variable_v2.shape
def _variable_v2_shape(*, shape):
    return shape


@variable_v1.shape
def _variable_v1_shape(*, shape):
    return shape or None  # an empty shape meant an unknown one before scalars had their own


@op("TemporaryVariable", "-> ref: Ref(dtype)", tier="host", stateful=True, differentiable=False)
def temporary_variable(*, shape: Shape, dtype: DType, var_name: str = ""):
    """Refers to a variable that lives until ``DestroyTemporaryVariable`` takes its value."""
    return reference_to_variable(shape=shape, dtype=dtype, shared_name=var_name)


@temporary_variable.shape
def _temporary_variable_shape(*, shape):
    return shape


@op("DestroyTemporaryVariable", "ref: Ref(T) -> value: T", reads=("ref",), differentiable=False)
def destroy_temporary_variable(xp, ref, *, var_name: str):
    """Takes the last value of a temporary variable."""
    return ref


@destroy_temporary_variable.shape
def _destroy_temporary_variable_shape(ref):
    return ref


def _variable_samples(s: Any) -> Any:
    yield s(shape=(2, 3), dtype="float32", error="FailedPreconditionError")


variable_v2.samples(_variable_samples)
variable_v1.samples(_variable_samples)
temporary_variable.samples(_variable_samples)


@destroy_temporary_variable.samples
def _destroy_temporary_variable_samples(s):
    temporary = s.produced("TemporaryVariable", shape=(2,), dtype="float32", var_name="held")
    assigned = s.produced("Assign", temporary, s.normal(2))
    yield s(assigned, var_name="held")


@op(
    "VarHandleOp",
    "-> resource: resource",
    tier="host",
    stateful=True,
    differentiable=False,
    allowed_devices=default([], type="list(string)"),
)
def var_handle_op(
    *,
    dtype: DType,
    shape: Shape,
    container: str = "",
    shared_name: str = "",
    debug_name: str = "",
    allowed_devices: list[str],
):
    """Gives the handle of a variable, made when its name is first used; without a name, a new one."""
    del allowed_devices
    name = debug_name or shared_name or "Variable"
    if not shared_name or shared_name == ANONYMOUS:
        return ResourceHandle(Buffer(name, dtype, shape), name)
    container = container or "localhost"
    buffer = resources().get_or_create(container, shared_name, Buffer, lambda: Buffer(name, dtype, shape))
    if buffer.dtype is not dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"The variable {shared_name} holds {buffer.dtype.name}, but a handle for {dtype.name} is asked for.",
        )
    return ResourceHandle(buffer, shared_name, container)


@var_handle_op.shape
def _var_handle_op_shape():
    return ()


@var_handle_op.samples
def _var_handle_op_samples(s):
    yield s(dtype="float32", shape=(2, 3), shared_name="sampled_handle")


@op(
    "VarIsInitializedOp",
    "resource: resource -> is_initialized: bool",
    tier="host",
    stateful=True,
    differentiable=False,
)
def var_is_initialized_op(resource):
    """Tells whether a variable has a value."""
    return np.bool_(resource.resource.is_initialized)


@op(
    "IsVariableInitialized",
    "ref: Ref(dtype) -> is_initialized: bool",
    tier="host",
    allows_uninitialized=True,
    differentiable=False,
)
def is_variable_initialized_op(ref):
    """Tells whether a reference variable has a value."""
    return np.bool_(ref.is_initialized)


def _is_initialized_shape(resource: Any) -> Any:
    return ()


var_is_initialized_op.shape(_is_initialized_shape)
is_variable_initialized_op.shape(_is_initialized_shape)


@var_is_initialized_op.samples
def _var_is_initialized_samples(s):
    yield s(s.variable(s.normal(2)))


@is_variable_initialized_op.samples
def _is_variable_initialized_samples(s):
    yield s(s.reference(s.normal(2)))


@op("ReadVariableOp", "resource: resource -> value: dtype", reads=("resource",), stateful=True)
def read_variable_op(xp, resource, *, dtype: DType):
    """Reads the value of a variable."""
    return resource


@read_variable_op.shape
def _read_variable_shape(resource):
    return resource


@read_variable_op.gradient
def _read_variable_gradient(call, dy):
    return dy


@read_variable_op.samples
def _read_variable_samples(s):
    yield s(s.variable(s.normal(2, 3)), dtype="float32")
    yield s(s.variable(s.array((2,), "int64")), dtype="int64")
    yield s(s.variable(s.strings((2,))), dtype="string")


@op(
    "VariableShape",
    "input: resource -> output: out_type",
    reads=("input",),
    stateful=True,
    differentiable=False,
    out_type=default("int32", INDEX),
)
def variable_shape(xp, input, *, out_type: DType = dtypes.int32):
    """Gives the shape of a variable's value."""
    return np.array(np.shape(input), out_type.as_numpy_dtype)


@variable_shape.shape
def _variable_shape_shape(input):
    return (None,) if input is None else (len(input),)


@variable_shape.samples
def _variable_shape_samples(s):
    yield s(s.variable(s.normal(2, 3)))
    yield s(s.variable(s.normal(3)), out_type="int64")
    yield s(s.variable(s.normal()))


@op("DisableCopyOnRead", "resource: resource ->", tier="host", stateful=True, differentiable="missing")
def disable_copy_on_read_op(resource):
    """Says that reads of a variable need not copy it: here none does, since nobody changes a value that was read."""
    if not isinstance(getattr(resource, "resource", None), Buffer):
        raise InvalidArgumentError(None, None, "The resource is not a variable.")


@op("DestroyResourceOp", "resource: resource ->", tier="host", stateful=True, differentiable=False)
def destroy_resource_op(resource, *, ignore_lookup_error: bool = True):
    """Frees a resource."""
    held = resource.resource
    if isinstance(held, Buffer):
        held.value = None
    resources().delete(resource.container, resource.name)


@disable_copy_on_read_op.samples
def _disable_copy_on_read_samples(s):
    yield s(s.variable(s.normal(2)))


@disable_copy_on_read_op.shape
@destroy_resource_op.shape
def _no_outputs(*inputs):
    return []


@destroy_resource_op.samples
def _destroy_resource_samples(s):
    yield s(s.produced("VarHandleOp", dtype="float32", shape=(2,), shared_name="sampled_to_destroy"))


# Assignment.


def _kept(value: Any) -> Any:
    """Returns a host value as a variable keeps it: an array that nobody else can change."""
    if isinstance(value, np.ndarray) and (value.flags.writeable or value.base is not None):
        return value.copy()
    return value


def merge_shapes(ref: Any, value: Any) -> Any:
    """Returns the shape that a variable and the value assigned to it share."""
    if ref is None or value is None:
        return ref if value is None else value
    if len(ref) != len(value):
        raise ValueError(
            f"Shapes must be equal rank, but are {len(ref)} and {len(value)}: {shape_text(ref)} and {shape_text(value)}"
        )
    merged = []
    for index, (left, right) in enumerate(zip(ref, value, strict=True)):
        if left is not None and right is not None and left != right:
            raise ValueError(
                f"Dimension {index} in both shapes must be equal, but are {left} and {right}. Shapes are "
                f"{shape_text(ref)} and {shape_text(value)}."
            )
        merged.append(right if left is None else left)
    return tuple(merged)


@op(
    "Assign",
    "ref: Ref(T), value: T -> output_ref: Ref(T)",
    updates=("ref",),
    allows_uninitialized=True,
    differentiable=False,
)
def assign_op(xp, ref, value, *, validate_shape: bool = True, use_locking: bool = True):
    """Gives a reference variable a value; its shape stays the same unless ``validate_shape`` is off."""
    if validate_shape and ref is not None and np.shape(ref) != np.shape(value):
        raise InvalidArgumentError(
            None,
            None,
            "Assign requires shapes of both tensors to match. "
            f"lhs shape= {list(np.shape(ref))} rhs shape= {list(np.shape(value))}",
        )
    return _kept(value)


@assign_op.shape
def _assign_shape(ref, value, *, validate_shape):
    return merge_shapes(ref, value) if validate_shape else value


@assign_op.samples
def _assign_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.reference(s.array((2, 3), dtype)), s.array((2, 3), dtype))
    yield s(s.reference(s.normal()), s.normal())
    yield s(s.reference(s.normal(2)), s.normal(3), error="ValueError")
    yield s(s.reference(s.normal(2)), s.normal(3), validate_shape=False)


@op(
    "AssignVariableOp",
    "resource: resource, value: dtype ->",
    updates=("resource",),
    allows_uninitialized=True,
    stateful=True,
    differentiable=False,
)
def assign_variable_op(xp, resource, value, *, validate_shape: bool = False):
    """Gives a variable a value."""
    if resource is not None and resource.dtype != value.dtype:
        raise InvalidArgumentError(
            None,
            None,
            "Trying to assign variable with wrong dtype. Expected "
            f"{dtypes.as_dtype(resource.dtype).name} got {dtypes.as_dtype(value.dtype).name}",
        )
    if validate_shape and resource is not None and np.shape(resource) != np.shape(value):
        raise InvalidArgumentError(
            None,
            None,
            "Trying to assign to variable with tensor with wrong shape. Expected "
            f"{list(np.shape(resource))} got {list(np.shape(value))}",
        )
    return _kept(value)


@assign_variable_op.shape
def _assign_variable_shape(resource, value):
    merge_shapes(resource, value)
    return []


@assign_variable_op.samples
def _assign_variable_samples(s):
    for dtype in s.dtypes("dtype"):
        yield s(s.variable(s.array((2, 3), dtype)), s.array((2, 3), dtype))
    yield s(s.variable(s.normal(2)), s.normal(2), validate_shape=True)
    yield s(s.variable(s.normal(2)), s.normal(3), validate_shape=True, error="InvalidArgumentError")


def _check_operand(ref: Any, value: Any) -> None:
    if np.shape(ref) != np.shape(value):
        raise InvalidArgumentError(
            None,
            None,
            f"Cannot update variable with shape {list(np.shape(ref))} using a Tensor with shape "
            f"{list(np.shape(value))}, shapes must be equal.",
        )


def _assign_add(xp: Any, ref: Any, value: Any, *, use_locking: bool = False) -> Any:
    """Adds to a reference variable."""
    _check_operand(ref, value)
    return xp.add(ref, value)


def _assign_sub(xp: Any, ref: Any, value: Any, *, use_locking: bool = False) -> Any:
    """Subtracts from a reference variable."""
    _check_operand(ref, value)
    return xp.subtract(ref, value)


_REF_UPDATE = {"T": NUMBER, "updates": ("ref",), "differentiable": False}
assign_add_op = op("AssignAdd", "ref: Ref(T), value: T -> output_ref: Ref(T)", **_REF_UPDATE)(_assign_add)
assign_sub_op = op("AssignSub", "ref: Ref(T), value: T -> output_ref: Ref(T)", **_REF_UPDATE)(_assign_sub)


@assign_add_op.shape
def _assign_add_shape(ref, value):
    return merge_shapes(ref, value)


assign_sub_op.shape(_assign_add_shape)


def _assign_add_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.reference(s.array((2, 3), dtype)), s.array((2, 3), dtype))
    yield s(s.reference(s.normal(2)), s.normal(3), error="ValueError")


assign_add_op.samples(_assign_add_samples)
assign_sub_op.samples(_assign_add_samples)


@op(
    "AssignAddVariableOp",
    "resource: resource, value: dtype ->",
    updates=("resource",),
    stateful=True,
    differentiable=False,
)
def assign_add_variable_op(xp, resource, value):
    """Adds to a variable."""
    _check_operand(resource, value)
    return xp.add(resource, value)


@op(
    "AssignSubVariableOp",
    "resource: resource, value: dtype ->",
    updates=("resource",),
    stateful=True,
    differentiable=False,
)
def assign_sub_variable_op(xp, resource, value):
    """Subtracts from a variable."""
    _check_operand(resource, value)
    return xp.subtract(resource, value)


assign_add_variable_op.shape(_assign_variable_shape)
assign_sub_variable_op.shape(_assign_variable_shape)


def _assign_add_variable_samples(s: Any) -> Any:
    for dtype in NUMBER:
        if not dtype.startswith("q"):
            yield s(s.variable(s.array((2, 3), dtype)), s.array((2, 3), dtype))
    yield s(s.variable(s.normal(2)), s.normal(3), error="InvalidArgumentError")


assign_add_variable_op.samples(_assign_add_variable_samples)
assign_sub_variable_op.samples(_assign_add_variable_samples)


# Counting.


def _count(value: Any, limit: int) -> tuple[Any, Any]:
    if value >= limit:
        raise OutOfRangeError(None, None, f"Reached limit of {limit}")
    return value + value.dtype.type(1), value


@op("CountUpTo", "ref: Ref(T) -> output: T", T=INDEX, tier="host", updates=("ref",), differentiable=False)
def count_up_to_op(ref, *, limit: int):
    """Gives a reference variable's value and increments it, until it reaches ``limit``."""
    return _count(ref, limit)


@op(
    "ResourceCountUpTo",
    "resource: resource -> output: T",
    T=INDEX,
    tier="host",
    updates=("resource",),
    stateful=True,
    differentiable=False,
)
def resource_count_up_to_op(resource, *, limit: int, T: DType):
    """Gives a variable's value and increments it, until it reaches ``limit``."""
    return _count(resource, limit)


@count_up_to_op.shape
def _count_shape(ref):
    if ref is not None and len(ref):
        raise ValueError(f"Shape must be rank 0 but is rank {len(ref)}")
    return ()


resource_count_up_to_op.shape(_count_shape)


@count_up_to_op.samples
def _count_up_to_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.reference(s.integers(0, 3, (), dtype)), limit=5)
    yield s(s.reference(s.integers(5, 6, ())), limit=5, error="OutOfRangeError")


@resource_count_up_to_op.samples
def _resource_count_up_to_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.variable(s.integers(0, 3, (), dtype)), limit=5, T=dtype)
    yield s(s.variable(s.integers(5, 6, ())), limit=5, T="int32", error="OutOfRangeError")
