"""Datasets of values in memory: one element, the rows of tensors, the rows of a sparse tensor, a range of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, fits, row, scalar, shape_text, stack, take_rows
from tideflow._src.ops.data.stage import RowTable, Run, Running, Stage


class Rows(Stage):
    """Is a source whose elements are the rows of a table."""

    def __init__(self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], table: RowTable) -> None:
        super().__init__(kind, types, shapes)
        self._table = table

    def cardinality(self) -> int:
        return self._table.length

    def table(self) -> RowTable | None:
        return self._table

    def iterate(self, run: Run) -> Running:
        return RowsRunning(self._table)


class RowsRunning(Running):
    """Goes over a table from its first row to its last."""

    has_blocks = True

    def __init__(self, table: RowTable) -> None:
        self._table = table
        self._position = 0

    def next(self) -> Element | None:
        position = self._position
        if position >= self._table.length:
            return None
        self._position = position + 1
        return [row(stacked, 0) for stacked in self._table.slice(position, position + 1)]

    def next_block(self, count: int) -> list[Any] | None:
        start = self._position
        stop = min(start + count, self._table.length)
        if start >= stop:
            return None
        self._position = stop
        return self._table.slice(start, stop)

    def skip(self, count: int) -> int:
        start = self._position
        self._position = min(start + count, self._table.length)
        return self._position - start

    def save(self) -> Any:
        return self._position

    def restore(self, position: Any) -> None:
        if not isinstance(position, int):
            problem = "This position was saved before a cache of the pipeline was complete: begin the dataset anew."
            raise FailedPreconditionError(None, None, problem)
        self._position = position


class Arrays(RowTable):
    """Is the rows of arrays of one length."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = list(arrays)
        self.length = len(arrays[0])

    def take(self, indices: Any) -> list[Any]:
        return [take_rows(array, indices) for array in self._arrays]

    def slice(self, start: int, stop: int) -> list[Any]:
        return [array[start:stop] for array in self._arrays]


class Numbers(RowTable):
    """Is the numbers of a range."""

    def __init__(self, start: int, stop: int, step: int, dtype: np.dtype[Any]) -> None:
        self._range = range(start, stop, step)
        self._dtype = dtype
        self.length = len(self._range)

    def take(self, indices: Any) -> list[Any]:
        found = self._range.start + np.asarray(indices, np.int64) * self._range.step
        return [found.astype(self._dtype, copy=False)]

    def slice(self, start: int, stop: int) -> list[Any]:
        part = self._range[start:stop]
        return [np.arange(part.start, part.stop, part.step, dtype=np.int64).astype(self._dtype, copy=False)]


def _check_shapes(found: Sequence[Sequence[int]], shapes: Sequence[Shape]) -> None:
    for index, (have, wanted) in enumerate(zip(found, shapes, strict=False)):
        if not fits(wanted, have):
            raise InvalidArgumentError(
                None,
                None,
                f"Incompatible shapes at component {index}: expected {shape_text(have)} but got {shape_text(wanted)}.",
            )


@dataset_op(
    "TensorDataset", "components: list(Toutput_types)", stateful=True,
    Toutput_types=at_least(1), output_shapes=at_least(1),
)  # fmt: skip
def tensor_dataset(components, *, output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of one element."""
    _check_shapes([item.shape for item in components], output_shapes)
    types = [dtypes.of_numpy[item.dtype] for item in components]
    return Rows("TensorDataset", types, output_shapes, Arrays([stack([item]) for item in components]))


@dataset_op(
    "TensorSliceDataset", "components: list(Toutput_types)", stateful=True,
    Toutput_types=at_least(1), output_shapes=at_least(1),
)  # fmt: skip
def tensor_slice_dataset(
    components,
    *,
    output_shapes: list[Shape],
    is_files: bool = False,
    metadata: str = "",
    replicate_on_split: bool = False,
):
    """Makes a dataset of the rows of tensors.

    Raises:
      InvalidArgumentError: a tensor is a scalar, or they have different numbers of rows.
    """
    for component in components:
        if not component.ndim:
            raise InvalidArgumentError(None, None, "All components must be at least 1-dimensional")
        if len(component) != len(components[0]):
            raise InvalidArgumentError(
                None,
                None,
                "All components must have the same size in the 0th dimension, but they have "
                f"{len(components[0])} and {len(component)}",
            )
    _check_shapes([item.shape[1:] for item in components], output_shapes)
    types = [dtypes.of_numpy[item.dtype] for item in components]
    return Rows("TensorSliceDataset", types, output_shapes, Arrays(components))


@dataset_op(
    "ListDataset", "tensors: list(Tinput_types)", stateful=True,
    Tinput_types=at_least(1), output_types=at_least(1), output_shapes=at_least(1),
)  # fmt: skip
def list_dataset(tensors, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of elements whose components are given one after the other."""
    width = len(output_types)
    if len(tensors) % width:
        raise InvalidArgumentError(
            None, None, f"The number of tensors, {len(tensors)}, is no multiple of that of components, {width}."
        )
    elements = [tensors[start : start + width] for start in range(0, len(tensors), width)]
    return Elements("ListDataset", output_types, output_shapes, elements)


class Elements(Stage):
    """Is a source of elements that are there already, of whatever shapes."""

    def __init__(self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], elements: Sequence[Element]) -> None:
        super().__init__(kind, types, shapes)
        self.elements = elements

    def cardinality(self) -> int:
        return len(self.elements)

    def iterate(self, run: Run) -> Running:
        return _ElementsRunning(self.elements)


class _ElementsRunning(Running):
    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = elements
        self._position = 0

    def next(self) -> Element | None:
        position = self._position
        if position >= len(self._elements):
            return None
        self._position = position + 1
        return self._elements[position]

    def skip(self, count: int) -> int:
        start = self._position
        self._position = min(start + count, len(self._elements))
        return self._position - start

    def save(self) -> Any:
        return self._position

    def restore(self, position: Any) -> None:
        self._position = int(position)


@dataset_op("RangeDataset", "start: int64, stop: int64, step: int64", stateful=True)
def range_dataset(
    start,
    stop,
    step,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
    replicate_on_split: bool = False,
):
    """Makes a dataset of the numbers from ``start`` up to, but not including, ``stop``.

    Raises:
      InvalidArgumentError: the step is zero.
    """
    first, last, by = scalar(start, "start"), scalar(stop, "stop"), scalar(step, "step")
    if not by:
        raise InvalidArgumentError(None, None, "step must be a non-zero integer.")
    numbers = Numbers(first, last, by, np.dtype(output_types[0].as_numpy_dtype))
    return Rows("RangeDataset", output_types, output_shapes, numbers)


@dataset_op("SparseTensorSliceDataset", "indices: int64, values: Tvalues, dense_shape: int64", stateful=True)
def sparse_tensor_slice_dataset(indices, values, dense_shape):
    """Makes a dataset of the rows of a sparse tensor: indices, values and shape of each.

    Raises:
      InvalidArgumentError: the parts do not fit each other, or the indices are not in order.
    """
    if indices.ndim != 2:
        raise InvalidArgumentError(None, None, f"Input indices must be a matrix. Got: {shape_text(indices.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(None, None, f"Input values must be a vector. Got: {shape_text(values.shape)}")
    if dense_shape.ndim != 1:
        raise InvalidArgumentError(None, None, f"Input shape must be a vector. Got: {shape_text(dense_shape.shape)}")
    if len(indices) != len(values):
        raise InvalidArgumentError(
            None, None, f"Number of values must match first dimension of indices. Got {len(values)} values, indices "
            f"shape: {shape_text(indices.shape)}",
        )  # fmt: skip
    if indices.shape[1] != len(dense_shape) or not len(dense_shape):
        raise InvalidArgumentError(
            None, None, f"Number of dimensions must match second dimension of indices. Got {len(dense_shape)} "
            f"dimensions, indices shape: {shape_text(indices.shape)}",
        )  # fmt: skip
    if np.any(dense_shape < 0):
        raise InvalidArgumentError(
            None, None, f"Expected shape dimensions to be non-negative, got {int(dense_shape.min())}"
        )
    if math.prod(dense_shape.tolist()) > np.iinfo(np.int64).max:
        raise InvalidArgumentError(
            None, None, f"The shape {dense_shape.tolist()} has more elements than 64 bits count."
        )
    batch = indices[:, 0]
    if len(batch) and (np.any(batch[1:] < batch[:-1]) or batch[0] < 0 or batch[-1] >= dense_shape[0]):
        raise InvalidArgumentError(
            None, None, "The SparseTensor must be ordered in the batch dimension; handling arbitrarily ordered input "
            "is not currently supported.",
        )  # fmt: skip
    bounds = np.searchsorted(batch, np.arange(int(dense_shape[0]) + 1))
    rest = np.array(dense_shape[1:])
    elements = [
        [indices[start:stop, 1:], values[start:stop], rest]
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    rank = len(rest)
    return Elements(
        "SparseTensorSliceDataset",
        [dtypes.int64, dtypes.of_numpy[values.dtype], dtypes.int64],
        [(None, rank), (None,), (rank,)],
        elements,
    )


# Samples: datasets themselves cannot be compared, so what they hold is.


@tensor_dataset.samples
def _tensor_samples(s):
    yield s([s.normal(2, 3), s.strings(())], output_shapes=[(2, 3), ()])


@tensor_slice_dataset.samples
def _tensor_slice_samples(s):
    yield s([s.normal(3, 2), s.strings((3,))], output_shapes=[(2,), ()])
    yield s([s.normal(3), s.normal(2)], output_shapes=[(), ()], error="InvalidArgumentError")


@list_dataset.samples
def _list_samples(s):
    yield s(
        [s.normal(2), np.int32(1), s.normal(3), np.int32(2)],
        output_types=["float32", "int32"],
        output_shapes=[(None,), ()],
    )


@range_dataset.samples
def _range_samples(s):
    yield s(1, 9, 3, output_types=["int64"], output_shapes=[()])
    yield s(9, 1, -3, output_types=["int32"], output_shapes=[()])
    yield s(9, 1, 0, output_types=["int64"], output_shapes=[()], error="InvalidArgumentError")


@sparse_tensor_slice_dataset.samples
def _sparse_samples(s):
    yield s(np.int64([[0, 0], [0, 2], [2, 1]]), np.float32([1, 2, 3]), np.int64([3, 4]))
    yield s(np.int64([[2, 0], [0, 2], [2, 1]]), np.float32([1, 2, 3]), np.int64([3, 4]), error="InvalidArgumentError")
