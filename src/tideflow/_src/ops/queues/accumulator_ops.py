"""Accumulators as operations: they sum gradients of several workers and give the average when there are enough."""

from __future__ import annotations

import logging
import threading
from typing import Any, Literal

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef, Shape
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.queues.queue_resource import fits, owned
from tideflow._src.ops.queues.shared import no_shapes, resource_handle, resource_in
from tideflow._src.runtime.buffers import resources
from tideflow._src.runtime.op import op

DType = dtypes.DType


class Accumulator:
    """Is a sum of gradients that waits until enough have come.

    Gradients of a step before the current one are dropped: they were computed with old variables.
    """

    def __init__(self, name: str, dtype: DType, shape: Shape, reduction_type: str) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.reduction_type = reduction_type
        self.global_step = 0
        self.count = 0
        self._changed = threading.Condition()

    def set_global_step(self, step: int) -> None:
        """Sets the step before which gradients are dropped."""
        with self._changed:
            if step < self.global_step:
                logging.getLogger("tideflow").warning(
                    "The global step of accumulator %s goes back from %d to %d.", self.name, self.global_step, step
                )
            self.global_step = step

    def apply(self, local_step: int, gradient: Any) -> None:
        """Adds a gradient, unless it is of an old step."""
        with self._changed:
            if local_step < self.global_step:
                return
            self.add(gradient)
            self.count += 1
            self._changed.notify_all()

    def take(self, required: int) -> Any:
        """Waits until there are enough gradients; returns their average (or sum), and begins anew."""
        if required <= 0:
            raise InvalidArgumentError(None, None, f"Argument num_required must be positive, but was {required}")
        with self._changed:
            resources().interrupts.wait(self._changed, lambda: self.count >= required, "TakeGradient")
            result = self.result(self.reduction_type == "MEAN")
            self.count = 0
            self.global_step += 1
            return result

    def add(self, gradient: Any) -> None:
        """Adds a gradient to the sum."""
        raise NotImplementedError

    def result(self, average: bool) -> Any:
        """Returns the sum or the average, and forgets the gradients."""
        raise NotImplementedError


def _divided(total: Any, divisor: Any) -> Any:
    """Divides by counts in the dtype of the sum; integers are cut off, as C++ does."""
    if total.dtype.kind == "i":
        return (np.sign(total) * (np.abs(total) // divisor)).astype(total.dtype)
    if total.dtype.kind == "u":
        return (total // np.asarray(divisor, total.dtype)).astype(total.dtype)
    return (total / np.asarray(divisor).astype(total.dtype)).astype(total.dtype)


class DenseAccumulator(Accumulator):
    """Accumulates tensors of one shape."""

    _total: Any = None
    #: Whether only this accumulator refers to the sum, so that it can be changed in place.
    _is_own = False

    def add(self, gradient: Any) -> None:
        """Adds a gradient to the sum."""
        shape = self.shape if self.count == 0 else self._total.shape
        if not fits(shape, gradient.shape):
            raise InvalidArgumentError(
                None, None, f"Shape mismatch: expected {shape_text(shape)}, got {shape_text(gradient.shape)}"
            )
        if self.count == 0:
            self._total = owned(gradient)
            self._is_own = False
        elif self._is_own:
            self._total += gradient
        else:
            self._total = np.add(self._total, gradient)
            self._is_own = isinstance(self._total, np.ndarray)

    def result(self, average: bool) -> Any:
        """Returns the sum or the average, and forgets the gradients."""
        total, self._total = self._total, None
        return _divided(total, self.count) if average and self.count > 1 else total


def _occurrences(indices: Any) -> Any:
    """Returns, for each index, how often it stands before."""
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    result = np.empty(len(indices), np.int64)
    result[order] = np.arange(len(indices)) - starts
    return result


class SparseAccumulator(Accumulator):
    """Accumulates slices: each gradient is a vector of indices and the slices that belong there."""

    _indices: Any = None
    _values: Any = None
    _counts: Any = None

    def add(self, gradient: Any) -> None:
        """Adds a gradient to the sum; each slice counts how many gradients have it."""
        indices, values, shape = gradient
        self._check(indices, values, shape)
        if self.count == 0:
            self._indices, self._values = owned(indices), owned(values)
            self._counts = np.ones(len(indices), np.int64)
            return
        if self._values.shape[1:] != values.shape[1:]:
            raise InvalidArgumentError(
                None,
                None,
                f"Shape mismatch: expected slices of shape {shape_text(self._values.shape[1:])}, "
                f"got {shape_text(values.shape[1:])}",
            )
        # An index that a gradient names twice stands there twice: first is added to first, and second to second.
        every = np.concatenate([self._indices, indices])
        turns = np.concatenate([_occurrences(self._indices), _occurrences(indices)])
        keys, places = np.unique(np.stack([every, turns]), axis=1, return_inverse=True)
        merged, places = keys[0], places.reshape(-1)
        total = np.zeros((len(merged), *values.shape[1:]), values.dtype)
        np.add.at(total, places[: len(self._indices)], self._values)
        np.add.at(total, places[len(self._indices) :], values)
        counts = np.zeros(len(merged), np.int64)
        np.add.at(counts, places[: len(self._indices)], self._counts)
        np.add.at(counts, places[len(self._indices) :], 1)
        self._indices, self._values, self._counts = merged, total, counts

    def _check(self, indices: Any, values: Any, shape: Any) -> None:
        if indices.ndim != 1:
            raise InvalidArgumentError(
                None, None, f"Input indices should be vector but received shape: {shape_text(indices.shape)}"
            )
        if values.ndim < 1:
            raise InvalidArgumentError(None, None, "Values cannot be 0-dimensional.")
        if len(indices) != values.shape[0]:
            raise InvalidArgumentError(
                None, None, f"Expected {len(indices)} slices, one for each index, got {values.shape[0]}."
            )
        expected = self.shape or None  # a shape without dimensions says nothing of a sparse gradient
        if shape is not None:
            given = tuple(int(size) for size in shape)
            if expected is not None and not fits(expected, given):
                raise InvalidArgumentError(
                    None, None, f"Shape mismatch: expected {shape_text(expected)}, got {shape_text(given)}"
                )
            expected = given
        if expected is None:
            return
        if not fits(expected[1:], values.shape[1:]):
            raise InvalidArgumentError(
                None,
                None,
                f"Shape mismatch: expected slices of shape {shape_text(expected[1:])}, "
                f"got {shape_text(values.shape[1:])}",
            )
        if len(indices) and (indices.min() < 0 or (expected[0] is not None and indices.max() >= expected[0])):
            raise InvalidArgumentError(
                None, None, f"Indices must lie in [0, {expected[0]}), but are from {indices.min()} to {indices.max()}."
            )

    def result(self, average: bool) -> Any:
        """Returns indices, slices and shape; the average of a slice is over the gradients that have it."""
        values = self._values
        if average:
            values = _divided(values, self._counts.reshape(-1, *[1] * (values.ndim - 1)))
        indices = self._indices
        if self.shape and None not in self.shape:
            shape = np.array(self.shape, np.int64)
        else:
            first = self.shape[0] if self.shape else None
            sizes = (first if first is not None else int(indices.max(initial=-1)) + 1, *values.shape[1:])
            shape = np.array(sizes, np.int64)
        self._indices = self._values = self._counts = None
        return indices, values, shape


def _made(kind: type, container: str, shared_name: str, dtype: DType, shape: Shape, reduction_type: str) -> Any:
    handle = resource_handle(container, shared_name, kind, lambda: kind(shared_name, dtype, shape, reduction_type))
    held = handle.resource
    if held.dtype is not dtype or held.shape != shape or held.reduction_type != reduction_type:
        raise InvalidArgumentError(
            None,
            None,
            f"Shared accumulator '{held.name}' has dtype {held.dtype.name}, shape {shape_text(held.shape)} and "
            f"reduction {held.reduction_type}, but {dtype.name}, {shape_text(shape)} and {reduction_type} "
            "was requested.",
        )
    return handle


def conditional_accumulator(
    *,
    dtype: DType,
    shape: Shape,
    container: str = "",
    shared_name: str = "",
    reduction_type: Literal["MEAN", "SUM"] = "MEAN",
):
    """Makes an accumulator of dense gradients."""
    return _made(DenseAccumulator, container, shared_name, dtype, shape, reduction_type)


def sparse_conditional_accumulator(
    *,
    dtype: DType,
    shape: Shape,
    container: str = "",
    shared_name: str = "",
    reduction_type: Literal["MEAN", "SUM"] = "MEAN",
):
    """Makes an accumulator of sparse gradients."""
    return _made(SparseAccumulator, container, shared_name, dtype, shape, reduction_type)


def accumulator_num_accumulated(handle):
    """Tells how many gradients were accumulated."""
    return np.int32(resource_in(handle, Accumulator).count)


def accumulator_set_global_step(handle, new_global_step):
    """Sets the step before which gradients are dropped."""
    resource_in(handle, Accumulator).set_global_step(int(new_global_step))


def accumulator_apply_gradient(handle, local_step, gradient):
    """Adds a gradient."""
    accumulator = resource_in(handle, DenseAccumulator)
    _check_dtype(accumulator, gradient)
    accumulator.apply(int(local_step), gradient)


def accumulator_take_gradient(handle, num_required, *, dtype: DType):
    """Waits for so many gradients and gives their average."""
    accumulator = resource_in(handle, DenseAccumulator)
    _check_type(accumulator, dtype)
    return accumulator.take(int(num_required))


def sparse_accumulator_apply_gradient(
    handle, local_step, gradient_indices, gradient_values, gradient_shape, *, has_known_shape: bool
):
    """Adds a sparse gradient."""
    accumulator = resource_in(handle, SparseAccumulator)
    _check_dtype(accumulator, gradient_values)
    shape = gradient_shape if has_known_shape else None
    accumulator.apply(int(local_step), (gradient_indices, gradient_values, shape))


def sparse_accumulator_take_gradient(handle, num_required, *, dtype: DType):
    """Waits for so many sparse gradients and gives their average."""
    accumulator = resource_in(handle, SparseAccumulator)
    _check_type(accumulator, dtype)
    return accumulator.take(int(num_required))


def _check_dtype(accumulator: Accumulator, value: Any) -> None:
    _check_type(accumulator, dtypes.of_numpy[value.dtype])


def _check_type(accumulator: Accumulator, dtype: DType) -> None:
    if dtype is not accumulator.dtype:
        raise InvalidArgumentError(
            None, None, f"Expected gradients of type {accumulator.dtype.name}, got {dtype.name}."
        )


_REF = {"tier": "host", "differentiable": False}
_RESOURCE = {**_REF, "stateful": True}


def _scalar(*inputs: Any) -> Any:
    return ()


def _unknown(*inputs: Any) -> Any:
    return None


for _name, _signature, _kernel, _shape, _has_dtype in (
    ("AccumulatorNumAccumulated", "-> num_accumulated: int32", accumulator_num_accumulated, _scalar, False),
    ("AccumulatorSetGlobalStep", ", new_global_step: int64 ->", accumulator_set_global_step, no_shapes, False),
    (
        "AccumulatorApplyGradient",
        ", local_step: int64, gradient: dtype ->",
        accumulator_apply_gradient,
        no_shapes,
        True,
    ),
    ("AccumulatorTakeGradient", ", num_required: int32 -> average: dtype", accumulator_take_gradient, _unknown, True),
):
    _constraints: dict[str, Any] = {"dtype": NUMBER} if _has_dtype else {}
    op(_name, f"handle: Ref(string){_signature}", **_REF, **_constraints)(_kernel).shape(_shape)
    op(f"Resource{_name}", f"handle: resource{_signature}", **_RESOURCE, **_constraints)(_kernel).shape(_shape)

_MAKER: dict[str, Any] = {**_RESOURCE, "dtype": NUMBER}
op("ConditionalAccumulator", "-> handle: Ref(string)", **_MAKER)(conditional_accumulator).shape(_scalar)
op("ResourceConditionalAccumulator", "-> handle: resource", **_MAKER)(conditional_accumulator).shape(_scalar)
op("SparseConditionalAccumulator", "-> handle: Ref(string)", **_MAKER)(sparse_conditional_accumulator).shape(_scalar)
op(
    "SparseAccumulatorApplyGradient",
    "handle: Ref(string), local_step: int64, gradient_indices: int64, gradient_values: dtype, gradient_shape: int64 ->",
    **_REF,
    dtype=NUMBER,
)(sparse_accumulator_apply_gradient).shape(no_shapes)
op(
    "SparseAccumulatorTakeGradient",
    "handle: Ref(string), num_required: int32 -> indices: int64, values: dtype, shape: int64",
    **_REF,
    dtype=NUMBER,
)(sparse_accumulator_take_gradient).shape(lambda *inputs: ((None,), None, (None,)))


# Samples.


def _sampled(prefix: str) -> None:
    """Gives samples to the operations on dense accumulators of one form."""
    registry = OpDef.registry

    def made(s: Any) -> Any:
        return s.produced(f"{prefix}ConditionalAccumulator", dtype="float", shape=(2,))

    def filled(s: Any) -> tuple[Any, list[Any]]:
        accumulator = made(s)
        applied = s.of(f"{prefix}AccumulatorApplyGradient", accumulator, np.int64(0), np.float32([1, 2]))
        return accumulator, [applied, applied]

    def make(s: Any) -> Any:
        yield s(dtype="float", shape=(2,), shared_name=f"sampled_{s.definition.name}")

    def count(s: Any) -> Any:
        accumulator, before = filled(s)
        yield s(accumulator, before=before)

    def step(s: Any) -> Any:
        yield s(made(s), np.int64(3))

    def apply(s: Any) -> Any:
        yield s(made(s), np.int64(0), np.float32([1, 2]))
        yield s(made(s), np.int64(0), np.float32([1, 2, 3]), error="InvalidArgumentError")
        yield s(made(s), np.int64(0), np.float64([1, 2]), error="InvalidArgumentError")

    def take(s: Any) -> Any:
        accumulator, before = filled(s)
        yield s(accumulator, np.int32(2), dtype="float", before=before)
        yield s(made(s), np.int32(0), dtype="float", error="InvalidArgumentError")

    registry[f"{prefix}ConditionalAccumulator"].samples(make)
    for name, rule in (("NumAccumulated", count), ("SetGlobalStep", step), ("ApplyGradient", apply)):
        registry[f"{prefix}Accumulator{name}"].samples(rule)
    registry[f"{prefix}AccumulatorTakeGradient"].samples(take)


_sampled("")
_sampled("Resource")


def _sparse(s: Any) -> Any:
    return s.produced("SparseConditionalAccumulator", dtype="float", shape=(3, 2))


def _sparse_arguments(row: int) -> tuple[Any, ...]:
    return np.int64(0), np.int64([0, row]), np.float32([[1, 2], [3, 4]]), np.int64([3, 2])


def _sparse_make_samples(s: Any) -> Any:
    yield s(dtype="float", shape=(3, 2), shared_name=f"sampled_{s.definition.name}")


def _sparse_apply_samples(s: Any) -> Any:
    yield s(_sparse(s), *_sparse_arguments(2), has_known_shape=True)
    yield s(_sparse(s), *_sparse_arguments(5), has_known_shape=True, error="InvalidArgumentError")


def _sparse_take_samples(s: Any) -> Any:
    accumulator = _sparse(s)
    before = [
        s.of("SparseAccumulatorApplyGradient", accumulator, *_sparse_arguments(row), has_known_shape=True)
        for row in (1, 2)
    ]
    yield s(accumulator, np.int32(2), dtype="float", before=before)


OpDef.registry["SparseConditionalAccumulator"].samples(_sparse_make_samples)
OpDef.registry["SparseAccumulatorApplyGradient"].samples(_sparse_apply_samples)
OpDef.registry["SparseAccumulatorTakeGradient"].samples(_sparse_take_samples)
