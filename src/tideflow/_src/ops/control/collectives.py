"""Collective operations of graphs: what several devices compute together, where there is one.

A graph that was built for replicas and runs on one of them holds these operations with groups of one member, each of
which has the result already. Over more devices ``tf.distribute`` computes, by the engine's own collectives.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import UnimplementedError, invalid_argument
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.runtime.op import op

_REDUCED = ("bfloat16", "float", "half", "double", "int32", "int64")
_GATHERED = ("float", "half", "double", "int32", "int64")
_SENT = ("bool", "float", "half", "double", "int32", "int64")
_KEYS = "group_size: static int32, group_key: int32, instance_key: int32"
_STATEFUL: dict[str, Any] = {"stateful": True, "differentiable": "missing"}


def _check_group(group_size: Any, *keys: Any) -> None:
    """Checks that a group has one member.

    Raises:
      InvalidArgumentError: it has none, or its size is no scalar.
      UnimplementedError: it has more.
    """
    for name, value in zip(("group_size", "group_key", "instance_key"), (group_size, *keys), strict=False):
        if np.ndim(value):
            raise invalid_argument(f"Unexpected dimensions on input {name}, got {shape_text(np.shape(value))}")
    size = int(group_size)
    if size <= 0:
        raise invalid_argument(f"group_size must be positive integer but got {size}")
    if size > 1:
        raise UnimplementedError(
            None,
            None,
            f"A collective operation of a graph runs on one device here, but its group has {size} members: use "
            "tf.distribute to compute on several.",
        )


def _check_declared(name: str, declared: Any, found: Any) -> None:
    sizes = tuple(declared) if declared is not None else None
    if sizes is None or len(sizes) != len(found) or any(a not in (None, b) for a, b in zip(sizes, found, strict=True)):
        shown = "<unknown>" if sizes is None else shape_text(sizes)
        raise invalid_argument(f"Declared shape of op {name} {shown} does not match shape of input {shape_text(found)}")


def _check_rows(input: Any) -> None:
    if not input.ndim:
        raise invalid_argument("Shape must be at least rank 1 but is rank 0: there are no rows to gather.")


@op("CollectiveReduce", "input: T -> data: T", T=_REDUCED, **_STATEFUL)
def collective_reduce_op(
    xp,
    input,
    *,
    group_size: int,
    group_key: int,
    instance_key: int,
    merge_op: Literal["Min", "Max", "Mul", "Add"],
    final_op: Literal["Id", "Div"],
    subdiv_offsets: list[int],
    wait_for: list[int] = [],  # noqa: B006
    communication_hint: str = "auto",
    timeout_seconds: float = 0.0,
):
    """Reduces the values of the members of a group."""
    _check_group(group_size)
    return xp.asarray(input)


@op(
    "CollectiveReduceV2",
    f"input: T, {_KEYS}, ordering_token: Nordering_token * resource -> data: T",
    T=_REDUCED,
    Nordering_token=at_least(0, default=0),
    **_STATEFUL,
)
def collective_reduce_v2_op(
    xp,
    input,
    group_size,
    group_key,
    instance_key,
    ordering_token,
    *,
    merge_op: Literal["Min", "Max", "Mul", "Add"],
    final_op: Literal["Id", "Div"],
    communication_hint: str = "auto",
    timeout_seconds: float = 0.0,
    is_stateless: bool = False,
    max_subdivs_per_device: int = -1,
):
    """Reduces the values of the members of a group."""
    _check_group(group_size, group_key, instance_key)
    return xp.asarray(input)


@op("CollectiveGather", "input: T -> data: T", T=_GATHERED, **_STATEFUL)
def collective_gather_op(
    xp,
    input,
    *,
    group_size: int,
    group_key: int,
    instance_key: int,
    shape: Shape,
    communication_hint: str = "auto",
    timeout_seconds: float = 0.0,
):
    """Joins the rows of the members of a group."""
    _check_group(group_size)
    _check_rows(input)
    _check_declared("CollectiveGather", shape, input.shape)
    return xp.asarray(input)


@op(
    "CollectiveGatherV2",
    f"input: T, {_KEYS}, ordering_token: Nordering_token * resource -> data: T",
    T=_GATHERED,
    Nordering_token=at_least(0, default=0),
    **_STATEFUL,
)
def collective_gather_v2_op(
    xp,
    input,
    group_size,
    group_key,
    instance_key,
    ordering_token,
    *,
    communication_hint: str = "auto",
    timeout_seconds: float = 0.0,
    is_stateless: bool = False,
):
    """Joins the rows of the members of a group."""
    _check_group(group_size, group_key, instance_key)
    _check_rows(input)
    return xp.asarray(input)


@op("CollectiveBcastSend", "input: T -> data: T", T=_SENT, **_STATEFUL)
def collective_bcast_send_op(
    xp,
    input,
    *,
    group_size: int,
    group_key: int,
    instance_key: int,
    shape: Shape,
    communication_hint: str = "auto",
    timeout_seconds: float = 0.0,
):
    """Gives a value to the members of a group."""
    _check_group(group_size)
    _check_declared("CollectiveBcastSend", shape, input.shape)
    return xp.asarray(input)


@op("CollectiveBcastSendV2", f"input: T, {_KEYS} -> data: T", T=_SENT, **_STATEFUL)
def collective_bcast_send_v2_op(
    xp, input, group_size, group_key, instance_key, *, communication_hint: str = "auto", timeout_seconds: float = 0.0
):
    """Gives a value to the members of a group."""
    _check_group(group_size, group_key, instance_key)
    return xp.asarray(input)


@op(
    "CollectiveAssignGroupV2",
    "group_assignment: int32, device_index: int32, base_key: int32 -> group_size: int32, group_key: int32",
    tier="host",
    **_STATEFUL,
)
def collective_assign_group_v2_op(group_assignment, device_index, base_key):
    """Finds the group of a device: its size, and a key that no other group has."""
    if group_assignment.ndim != 2:
        raise invalid_argument(
            f"Unexpected dimensions on input group_assignment, got {shape_text(group_assignment.shape)}"
        )
    for name, value in (("device_index", device_index), ("base_key", base_key)):
        if np.ndim(value):
            raise invalid_argument(f"Unexpected dimensions on input {name}, got {shape_text(np.shape(value))}")
    rows = (group_assignment == device_index).any(axis=1)
    if not rows.any():
        raise invalid_argument(
            f"device_index {int(device_index)} is not found in group_assignment {group_assignment.tolist()}"
        )
    group = int(rows.argmax())
    key = int(base_key) + group
    if not key:
        raise invalid_argument(
            f"Using the reserved group_key = 0 is not allowed: group_id = {group}, base_key = {int(base_key)}"
        )
    if key >= 1 << 31:
        raise invalid_argument(f"The key of a group overflows: group_id = {group}, base_key = {int(base_key)}")
    return np.int32(group_assignment.shape[1]), np.int32(key)


# Static shapes.


@collective_reduce_op.shape
def _reduce_shape(input):
    return input


@collective_reduce_v2_op.shape
def _reduce_v2_shape(input, group_size, group_key, instance_key, ordering_token):
    return input


@collective_gather_op.shape
def _gather_shape(input, *, shape):
    return shape


@collective_gather_v2_op.shape
def _gather_v2_shape(input, group_size, group_key, instance_key, ordering_token):
    if input == ():
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if input is None else (None, *input[1:])


@collective_bcast_send_op.shape
def _bcast_send_shape(input, *, shape):
    return shape


@collective_bcast_send_v2_op.shape
def _bcast_send_v2_shape(input, group_size, group_key, instance_key):
    return input


@collective_assign_group_v2_op.shape
def _assign_group_shape(group_assignment, device_index, base_key):
    return (), ()


# Samples. A collective that fails ends all later ones in TensorFlow's process: none of them fails, and since another
# call comes first, none is spoiled.


def _alone(s: Any) -> dict[str, Any]:
    return {"before": [s.of("NoOp")]}


def _key(s: Any) -> int:
    """Returns a number for the operation, which TensorFlow keeps what it knows of a collective under."""
    return 1000 + sum(s.definition.name.encode())


@collective_reduce_op.samples
def _reduce_samples(s):
    common = {"group_size": 1, "group_key": _key(s), "subdiv_offsets": [0], **_alone(s)}
    for number, final in enumerate(("Id", "Div")):
        yield s(s.normal(2, 3), merge_op="Add", final_op=final, instance_key=_key(s) + number, **common)


@collective_reduce_v2_op.samples
def _reduce_v2_samples(s):
    for number, dtype in enumerate(s.dtypes("T")):
        keys = 1, _key(s), _key(s) + number
        yield s(s.array((2, 3), dtype), *keys, [], merge_op="Max", final_op="Div", **_alone(s))


@collective_gather_op.samples
def _gather_samples(s):
    keys = {"group_size": 1, "group_key": _key(s), "instance_key": _key(s)}
    yield s(s.normal(2, 3), shape=(2, 3), **keys, **_alone(s))


@collective_gather_v2_op.samples
def _gather_v2_samples(s):
    for number, dtype in enumerate(s.dtypes("T")):
        yield s(s.array((2, 3), dtype), 1, _key(s), _key(s) + number, [], **_alone(s))


@collective_bcast_send_op.samples
def _bcast_send_samples(s):
    keys = {"group_size": 1, "group_key": _key(s), "instance_key": _key(s)}
    yield s(s.normal(2, 3), shape=(2, 3), **keys, **_alone(s))


@collective_bcast_send_v2_op.samples
def _bcast_send_v2_samples(s):
    for number, dtype in enumerate(s.dtypes("T")):
        yield s(s.array((2, 3), dtype), 1, _key(s), _key(s) + number, **_alone(s))


@collective_assign_group_v2_op.samples
def _assign_group_samples(s):
    yield s(np.int32([[0]]), 0, 5)
    yield s(np.int32([[0, 1], [2, 3]]), 2, 5)
    yield s(np.int32([[0, 1], [2, 3]]), 7, 5, error="InvalidArgumentError")
