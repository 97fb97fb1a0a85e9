"""Staging areas: values put down by one operation for another to pick up, in order or by key."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef, at_least
from tideflow._src.ops.queues.queue_resource import lent, owned
from tideflow._src.ops.queues.shared import no_shapes, resource_handle
from tideflow._src.runtime.buffers import resources
from tideflow._src.runtime.checks import scalar
from tideflow._src.runtime.op import op

DType = dtypes.DType


class _Area:
    """Is what both kinds of staging areas have in common: limits on elements and bytes, and a place to wait."""

    def __init__(self, capacity: int, memory_limit: int) -> None:
        self.capacity = capacity
        self.memory_limit = memory_limit
        self.bytes = 0
        self.changed = threading.Condition()

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        """Waits, with the lock held, until ``ready()``."""
        resources().interrupts.wait(self.changed, ready, what)

    def has_room(self, elements: int, size: int) -> bool:
        """Tells whether another element of so many bytes fits beside those that are there."""
        if self.capacity > 0 and elements >= self.capacity:
            return False
        return self.memory_limit <= 0 or self.bytes + size <= self.memory_limit

    def check_size(self, size: int) -> None:
        """Rejects an element that would never fit."""
        if 0 < self.memory_limit < size:
            raise InvalidArgumentError(
                None,
                None,
                f"Attempted to insert tensors with combined size of '{size}' bytes into Staging Area with a memory "
                f"limit of '{self.memory_limit}'.",
            )


def _bytes(values: list[Any]) -> int:
    return sum(value.nbytes for value in values)


class StagingArea(_Area):
    """Holds tuples of values in the order in which they came."""

    def __init__(self, capacity: int, memory_limit: int) -> None:
        super().__init__(capacity, memory_limit)
        self._elements: deque[list[Any]] = deque()

    def put(self, values: list[Any]) -> None:
        """Adds an element; waits for room."""
        size = _bytes(values)
        self.check_size(size)
        values = [owned(value) for value in values]
        with self.changed:
            self.wait(lambda: self.has_room(len(self._elements), size), "Stage")
            self._elements.append(values)
            self.bytes += size
            self.changed.notify_all()

    def get(self) -> list[Any]:
        """Takes the first element; waits for one."""
        with self.changed:
            self.wait(lambda: bool(self._elements), "Unstage")
            values = self._elements.popleft()
            self.bytes -= _bytes(values)
            self.changed.notify_all()
            return values

    def peek(self, index: int) -> list[Any]:
        """Returns the element at an index; waits until there are so many."""
        if index < 0:
            raise InvalidArgumentError(None, None, f"The index of a staged element must be >= 0, but is {index}.")
        with self.changed:
            self.wait(lambda: len(self._elements) > index, "StagePeek")
            return [lent(value) for value in self._elements[index]]

    def size(self) -> int:
        """Returns how many elements there are."""
        return len(self._elements)

    def clear(self) -> None:
        """Removes all elements."""
        with self.changed:
            self._elements.clear()
            self.bytes = 0
            self.changed.notify_all()


class MapStagingArea(_Area):
    """Holds tuples of values by key; the parts of a tuple may come at different times."""

    def __init__(self, capacity: int, memory_limit: int, types: list[DType], ordered: bool) -> None:
        super().__init__(capacity, memory_limit)
        self._types = list(types)
        self._ordered = ordered
        self._complete: dict[int, dict[int, Any]] = {}
        self._incomplete: dict[int, dict[int, Any]] = {}

    def put(self, key: int, indices: list[int], values: list[Any]) -> None:
        """Adds parts of the element of a key; waits for room."""
        self._check_indices(indices)
        if len(indices) != len(values):
            raise InvalidArgumentError(
                None, None, f"There are {len(indices)} indices for {len(values)} values: there must be as many."
            )
        for index, value in zip(indices, values, strict=True):
            dtype = dtypes.of_numpy[value.dtype]
            if dtype is not self._types[index]:
                raise InvalidArgumentError(
                    None, None, f"Component {index} is of type {self._types[index].name}, got {dtype.name}."
                )
        size = _bytes(values)
        self.check_size(size)
        values = [owned(value) for value in values]
        with self.changed:
            self.wait(lambda: self._has_room_for(key, size), "MapStage")
            if key in self._complete:
                raise InvalidArgumentError(None, None, f"The key {key} is staged already.")
            parts = self._incomplete.setdefault(key, {})
            for index in indices:
                if index in parts:
                    raise InvalidArgumentError(
                        None,
                        None,
                        f"The tensor for index '{index}' for key '{key}' was already initialized '{parts[index]}'.",
                    )
            parts.update(zip(indices, values, strict=True))
            self.bytes += size
            if len(parts) == len(self._types):
                self._complete[key] = self._incomplete.pop(key)
            self.changed.notify_all()

    def _has_room_for(self, key: int, size: int) -> bool:
        if key in self._incomplete:  # it has its place already
            return self.memory_limit <= 0 or self.bytes + size <= self.memory_limit
        return self.has_room(len(self._complete) + len(self._incomplete), size)

    def _check_indices(self, indices: list[int]) -> None:
        for position, index in enumerate(indices):
            if not 0 <= index < len(self._types):
                raise InvalidArgumentError(
                    None, None, f"Index '{index}' is out of bounds: a staged element has {len(self._types)} components."
                )
            if position and index <= indices[position - 1]:
                raise InvalidArgumentError(None, None, f"Indices are not strictly ordered: {indices}")

    def get(self, key: int, indices: list[int]) -> list[Any]:
        """Takes parts of the element of a key; waits for it."""
        self._check_indices(indices)
        with self.changed:
            self.wait(lambda: key in self._complete, "MapUnstage")
            return self._taken(key, indices)

    def get_any(self, indices: list[int]) -> tuple[int, list[Any]]:
        """Takes parts of an element, that of the least key if the area is ordered; waits for one."""
        self._check_indices(indices)
        with self.changed:
            self.wait(lambda: bool(self._complete), "MapUnstageNoKey")
            key = min(self._complete) if self._ordered else next(iter(self._complete))
            return key, self._taken(key, indices)

    def _taken(self, key: int, indices: list[int]) -> list[Any]:
        parts = self._complete[key]
        self._check_present(key, parts, indices)
        values = [parts.pop(index) for index in indices]
        self.bytes -= _bytes(values)
        if not parts:
            del self._complete[key]
        self.changed.notify_all()
        return values

    def peek(self, key: int, indices: list[int]) -> list[Any]:
        """Returns parts of the element of a key; waits for it."""
        self._check_indices(indices)
        with self.changed:
            self.wait(lambda: key in self._complete, "MapPeek")
            parts = self._complete[key]
            self._check_present(key, parts, indices)
            return [lent(parts[index]) for index in indices]

    def _check_present(self, key: int, parts: dict[int, Any], indices: list[int]) -> None:
        for index in indices:
            if index not in parts:
                raise InvalidArgumentError(
                    None, None, f"Tensor at index '{index}' for key '{key}' has already been removed."
                )

    def size(self) -> int:
        """Returns how many elements are complete."""
        return len(self._complete)

    def incomplete_size(self) -> int:
        """Returns how many elements lack parts."""
        return len(self._incomplete)

    def clear(self) -> None:
        """Removes all elements."""
        with self.changed:
            self._complete.clear()
            self._incomplete.clear()
            self.bytes = 0
            self.changed.notify_all()


def _area(capacity: int, memory_limit: int, container: str, shared_name: str) -> StagingArea:
    return resource_handle(  # type: ignore[no-any-return]
        container, shared_name, StagingArea, lambda: StagingArea(capacity, memory_limit)
    ).resource


def _map(
    capacity: int, memory_limit: int, types: list[DType], container: str, shared_name: str, ordered: bool
) -> MapStagingArea:
    name = f"{'ordered_' if ordered else ''}map_staging/{shared_name}"
    return resource_handle(  # type: ignore[no-any-return]
        container, name, MapStagingArea, lambda: MapStagingArea(capacity, memory_limit, types, ordered)
    ).resource


def _indices(value: Any) -> list[int]:
    if np.ndim(value) != 1:
        raise InvalidArgumentError(None, None, f"indices must be a vector, but has shape {list(np.shape(value))}.")
    return [int(index) for index in value]


_COMMON: dict[str, Any] = {
    "tier": "host",
    "stateful": True,
    "differentiable": False,
    "capacity": at_least(0, default=0),
    "memory_limit": at_least(0, default=0),
}
_TYPED: dict[str, Any] = {**_COMMON, "dtypes": at_least(1)}
_UNTYPED = _COMMON


def _list_shapes(*inputs: Any, dtypes: Any) -> list[Any]:
    return [None] * len(dtypes)


def _scalar_shape(*inputs: Any) -> Any:
    return ()


@op("Stage", "values: list(dtypes) ->", **_TYPED)
def stage(values, *, capacity: int, memory_limit: int, container: str = "", shared_name: str = ""):
    """Puts values down."""
    _area(capacity, memory_limit, container, shared_name).put(values)


stage.shape(no_shapes)


@op("Unstage", "-> values: list(dtypes)", **_TYPED)
def unstage(*, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""):
    """Picks up the values put down first; waits for them."""
    values = _area(capacity, memory_limit, container, shared_name).get()
    return _checked(values, dtypes)


unstage.shape(_list_shapes)


def _checked(values: list[Any], types: list[DType]) -> list[Any]:
    found = [dtypes.of_numpy[value.dtype] for value in values]
    if found != list(types):
        raise InvalidArgumentError(
            None,
            None,
            f"Mismatch between staged types {[dtype.name for dtype in found]} and those asked for, "
            f"{[dtype.name for dtype in types]}.",
        )
    return values


@op("StagePeek", "index: int32 -> values: list(dtypes)", **_TYPED)
def stage_peek(
    index, *, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""
):
    """Gives the values at an index without picking them up; waits for them."""
    area = _area(capacity, memory_limit, container, shared_name)
    return _checked(area.peek(int(scalar(index, "index"))), dtypes)


stage_peek.shape(_list_shapes)


@op("StageSize", "-> size: int32", **_UNTYPED)
def stage_size(*, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""):
    """Tells how many elements are staged."""
    return np.int32(_area(capacity, memory_limit, container, shared_name).size())


stage_size.shape(_scalar_shape)


@op("StageClear", "->", **_UNTYPED)
def stage_clear(*, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""):
    """Removes all that is staged."""
    _area(capacity, memory_limit, container, shared_name).clear()


stage_clear.shape(no_shapes)


def _define_map_operations(prefix: str, ordered: bool) -> None:
    """Defines the operations of areas with keys: ``MapStage`` and its kin, or those of areas ordered by key."""

    @op(f"{prefix}Stage", "key: int64, indices: int32, values: list(fake_dtypes) ->", **_UNTYPED)
    def map_stage(
        key,
        indices,
        values,
        *,
        capacity: int,
        memory_limit: int,
        dtypes: list[DType],
        container: str = "",
        shared_name: str = "",
    ):
        """Puts values down under a key."""
        area = _map(capacity, memory_limit, dtypes, container, shared_name, ordered)
        area.put(int(scalar(key, "key")), _indices(indices), values)

    map_stage.shape(no_shapes)

    @op(f"{prefix}Unstage", "key: int64, indices: int32 -> values: list(dtypes)", **_TYPED)
    def map_unstage(
        key,
        indices,
        *,
        capacity: int,
        memory_limit: int,
        dtypes: list[DType],
        container: str = "",
        shared_name: str = "",
    ):
        """Picks up the values of a key; waits for them."""
        area = _map(capacity, memory_limit, dtypes, container, shared_name, ordered)
        return _checked(area.get(int(scalar(key, "key")), _indices(indices)), dtypes)

    map_unstage.shape(_list_shapes)

    @op(f"{prefix}Peek", "key: int64, indices: int32 -> values: list(dtypes)", **_TYPED)
    def map_peek(
        key,
        indices,
        *,
        capacity: int,
        memory_limit: int,
        dtypes: list[DType],
        container: str = "",
        shared_name: str = "",
    ):
        """Gives the values of a key without picking them up; waits for them."""
        area = _map(capacity, memory_limit, dtypes, container, shared_name, ordered)
        return _checked(area.peek(int(scalar(key, "key")), _indices(indices)), dtypes)

    map_peek.shape(_list_shapes)

    @op(f"{prefix}UnstageNoKey", "indices: int32 -> key: int64, values: list(dtypes)", **_TYPED)
    def map_unstage_no_key(
        indices, *, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""
    ):
        """Picks up the values of some key; waits for any."""
        area = _map(capacity, memory_limit, dtypes, container, shared_name, ordered)
        key, values = area.get_any(_indices(indices))
        return np.int64(key), _checked(values, dtypes)

    @map_unstage_no_key.shape
    def _no_key_shape(indices, *, dtypes):
        return None, [None] * len(dtypes)

    def sizes(
        *, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""
    ) -> Any:
        """Tells how many elements are complete."""
        return np.int32(_map(capacity, memory_limit, dtypes, container, shared_name, ordered).size())

    def incomplete_sizes(
        *, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""
    ) -> Any:
        """Tells how many elements lack values."""
        return np.int32(_map(capacity, memory_limit, dtypes, container, shared_name, ordered).incomplete_size())

    def clear(
        *, capacity: int, memory_limit: int, dtypes: list[DType], container: str = "", shared_name: str = ""
    ) -> None:
        """Removes all that is staged."""
        _map(capacity, memory_limit, dtypes, container, shared_name, ordered).clear()

    op(f"{prefix}Size", "-> size: int32", **_UNTYPED)(sizes).shape(_scalar_shape)
    op(f"{prefix}IncompleteSize", "-> size: int32", **_UNTYPED)(incomplete_sizes).shape(_scalar_shape)
    op(f"{prefix}Clear", "->", **_UNTYPED)(clear).shape(no_shapes)


_define_map_operations("Map", False)
_define_map_operations("OrderedMap", True)


# Samples. Staging areas have no handles: the name is what operations share.


def _sampled() -> None:
    """Gives samples to the operations of this module."""
    registry = OpDef.registry
    names = itertools.count()

    def area(types: tuple[str, ...] = ("int32", "float")) -> dict[str, Any]:
        return {"dtypes": list(types), "shared_name": f"sampled_{next(names)}"}

    def staged(s: Any) -> tuple[dict[str, Any], list[Any]]:
        named = area()
        values = [np.int32([1, 2]), np.float32(3)]
        return named, [s.of("Stage", values, shared_name=named["shared_name"])]

    def put(s: Any) -> Any:
        yield s([np.int32([1, 2]), np.float32(3)], shared_name=area()["shared_name"])
        yield s([np.int32([1, 2])], memory_limit=4, shared_name=area()["shared_name"], error="InvalidArgumentError")

    def get(s: Any) -> Any:
        named, before = staged(s)
        yield s(**named, before=before, gradient=False)

    def peek(s: Any) -> Any:
        named, before = staged(s)
        yield s(np.int32(0), **named, before=before, gradient=False)

    registry["Stage"].samples(put)
    registry["StagePeek"].samples(peek)
    for name in ("Unstage", "StageSize", "StageClear"):
        registry[name].samples(get)
    for prefix in ("Map", "OrderedMap"):
        _sample_map_operations(prefix, area)


def _sample_map_operations(prefix: str, area: Callable[[], dict[str, Any]]) -> None:
    indices = np.int32([0, 1])

    def staged(s: Any) -> tuple[dict[str, Any], list[Any]]:
        named = area()
        values = [np.int32([1, 2]), np.float32(3)]
        return named, [s.of(f"{prefix}Stage", np.int64(7), indices, values, **named)]

    def put(s: Any) -> Any:
        yield s(np.int64(7), indices, [np.int32(1), np.float32(3)], **area(), gradient=False)
        yield s(np.int64(7), np.int32([2]), [np.int32(1)], **area(), error="InvalidArgumentError")
        yield s(np.int64(7), np.int32([1]), [np.int32(1)], **area(), error="InvalidArgumentError")

    def get(s: Any) -> Any:
        named, before = staged(s)
        yield s(np.int64(7), indices, **named, before=before, gradient=False)
        yield s(np.int64(7), np.int32([1, 0]), **area(), error="InvalidArgumentError")

    def get_any(s: Any) -> Any:
        named, before = staged(s)
        yield s(indices, **named, before=before, gradient=False)

    def plain(s: Any) -> Any:
        named, before = staged(s)
        yield s(**named, before=before, gradient=False)

    rules = {"Stage": put, "Unstage": get, "Peek": get, "UnstageNoKey": get_any}
    rules |= dict.fromkeys(("Size", "IncompleteSize", "Clear"), plain)
    for name, rule in rules.items():
        OpDef.registry[prefix + name].samples(rule)


_sampled()
