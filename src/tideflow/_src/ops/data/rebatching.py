"""Datasets whose batches have other sizes than those of their input, and batches that are sparse tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import DataLossError, FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.batching import batches_in, rows_in
from tideflow._src.ops.data.blocks import Reading
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, concatenate, scalar, shape_text
from tideflow._src.ops.data.stage import UNKNOWN, Run, Running, Stage, named, stage_in
from tideflow._src.ops.sparse.serialization import serialized_parts


class Rebatch(Stage):
    """Is the rows of the batches of its input, in batches of other sizes.

    Args:
      kind, types, shapes, source: as of a stage.
      sizes: the sizes, which come in turn.
      drop: whether a smaller batch at the end is left out.
    """

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, sizes: Sequence[int],
        drop: bool,
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, [source])
        self.sizes = sizes
        self.drop_remainder = drop

    def iterate(self, run: Run) -> Running:
        return _RebatchRunning(self, self.inputs[0].start(run))

    def describe(self) -> str:
        shown = self.sizes[0] if len(self.sizes) == 1 else list(self.sizes)
        return f"rebatch({shown}{', drop_remainder' if self.drop_remainder else ''})"


class _RebatchRunning(Reading):
    """Cuts batches into parts; what is left of one goes to the beginning of the next."""

    def __init__(self, stage: Rebatch, source: Running) -> None:
        super().__init__(source)
        self._stage = stage
        self._turn = 0
        self._batch: Element | None = None
        self._position = 0
        self._is_over = False

    def next(self) -> Element | None:
        if self._is_over:
            return None
        stage = self._stage
        wanted = stage.sizes[self._turn]
        parts: list[Element] = []
        found = 0
        while True:
            if self._batch is not None:
                # A size of 0 takes an empty part of a batch, even of one that is used up: that needs no further one.
                part = [item[self._position : self._position + wanted - found] for item in self._batch]
                taken = len(part[0])
                if taken or not wanted:
                    parts.append(part)
                self._position += taken
                found += taken
                if found == wanted:
                    break
            batch = self._source.next()
            if batch is None:
                self._is_over = True
                break
            rows_in(batch, stage.kind)
            self._batch, self._position = batch, 0
        if not parts or (found < wanted and stage.drop_remainder):
            return None
        self._turn = (self._turn + 1) % len(stage.sizes)
        return self._joined(parts)

    def _joined(self, parts: list[Element]) -> Element:
        for number, items in enumerate(zip(*parts, strict=True)):
            for item in items:
                if item.shape[1:] != items[0].shape[1:]:
                    problem = (
                        f"Cannot put rows of different shapes into one batch: in component {number}, one has shape "
                        f"{shape_text(items[0].shape[1:])} and another {shape_text(item.shape[1:])}."
                    )
                    raise named(FailedPreconditionError(None, None, problem), self._stage.kind)
        return concatenate(parts)

    def save(self) -> Any:
        return super().save(), self._turn, self._batch, self._position, self._is_over

    def restore(self, position: Any) -> None:
        source, turn, batch, place, is_over = position
        super().restore(source)
        self._turn, self._position, self._is_over = int(turn), int(place), bool(is_over)
        self._batch = None if batch is None else list(batch)


@dataset_op("RebatchDatasetV2", "input_dataset: variant, batch_sizes: int64, drop_remainder: bool")
def rebatch_dataset_v2(
    input_dataset, batch_sizes, drop_remainder, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of the rows of batches, in batches of other sizes, which come in turn.

    Raises:
      InvalidArgumentError: there is no size, or a negative one; while iterating, an element is no batch.
    """
    if batch_sizes.ndim > 1:
        raise InvalidArgumentError(None, None, "`batch_sizes` must be a scalar or a vector.")
    sizes = np.ravel(batch_sizes).tolist()
    if not sizes or min(sizes) < 0:
        raise InvalidArgumentError(None, None, f"`batch_sizes` must be sizes that are not negative, but is {sizes}.")
    drop = scalar(drop_remainder, "drop_remainder")
    return Rebatch("RebatchDatasetV2", output_types, output_shapes, stage_in(input_dataset), sizes, drop)


class Divided(Stage):
    """Is the batches of its input, each cut into so many parts.

    Args:
      kind, types, shapes, source: as of a stage.
      count: how many parts; the last ones may be smaller, or empty.
    """

    def __init__(self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, count: int) -> None:
        super().__init__(kind, types, shapes, [source])
        self.count = count

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Running:
        return _DividedRunning(self, self.inputs[0].start(run))


class _DividedRunning(Reading):
    def __init__(self, stage: Divided, source: Running) -> None:
        super().__init__(source)
        self._stage = stage
        self._batch: Element | None = None
        self._part = 0

    def next(self) -> Element | None:
        count = self._stage.count
        if self._batch is None or self._part == count:
            self._batch, self._part = self._source.next(), 0
            if self._batch is None:
                return None
        part = self._part
        self._part += 1
        cut = []
        for item in self._batch:  # components may have numbers of rows of their own
            size = -(-rows_in([item], self._stage.kind) // count)
            cut.append(item[part * size : (part + 1) * size])
        return cut

    def save(self) -> Any:
        return super().save(), self._batch, self._part

    def restore(self, position: Any) -> None:
        source, batch, part = position
        super().restore(source)
        self._batch, self._part = None if batch is None else list(batch), int(part)


def _divided(kind: str, source: Any, count: Any, types: Any, shapes: Any) -> Divided:
    parts = scalar(count, "num_replicas")
    if parts <= 0:
        raise InvalidArgumentError(None, None, "num_replicas must be greater than zero.")
    return Divided(kind, types, shapes, stage_in(source), parts)


@dataset_op("RebatchDataset", "input_dataset: variant, num_replicas: int64")
def rebatch_dataset(
    input_dataset, num_replicas, *, output_types: list[DType], output_shapes: list[Shape], use_fallback: bool = True
):
    """Makes a dataset of batches, each cut into so many parts.

    Raises:
      InvalidArgumentError: the number is not positive; while iterating, an element is no batch.
    """
    return _divided("RebatchDataset", input_dataset, num_replicas, output_types, output_shapes)


@dataset_op("ExperimentalRebatchDataset", "input_dataset: variant, num_replicas: int64")
def experimental_rebatch_dataset(
    input_dataset, num_replicas, *, output_types: list[DType], output_shapes: list[Shape], use_fallback: bool = True
):
    """Makes a dataset of batches, each cut into so many parts."""
    return _divided("ExperimentalRebatchDataset", input_dataset, num_replicas, output_types, output_shapes)


class SparseBatch(Stage):
    """Is its input, so many elements in one sparse tensor.

    Args:
      kind, types, shapes, source: as of a stage.
      size: how many.
      row_shape: the shape of the room for one element; -1 for a size that is that of the largest in the batch.
    """

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, size: int,
        row_shape: Sequence[int],
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, [source])
        self.batch_size = size
        self.row_shape = row_shape

    def cardinality(self) -> int:
        return batches_in(self.inputs[0].cardinality(), self.batch_size, False)

    def iterate(self, run: Run) -> Running:
        return _SparseBatchRunning(self, self.inputs[0].start(run))

    def describe(self) -> str:
        return f"sparse_batch({self.batch_size}, {list(self.row_shape)})"


class _SparseBatchRunning(Reading):
    def __init__(self, stage: SparseBatch, source: Running) -> None:
        super().__init__(source)
        self._stage = stage

    def next(self) -> Element | None:
        elements: list[Any] = []
        while len(elements) < self._stage.batch_size:
            element = self._source.next()
            if element is None:
                break
            self._check(element[0].shape)
            elements.append(element[0])
        if not elements:
            return None
        row = list(self._stage.row_shape)
        sizes = [
            max(item.shape[axis] for item in elements) if size < 0 else size for axis, size in enumerate(row)
        ]  # fmt: skip
        places = [
            np.hstack((
                np.full((item.size, 1), number, np.int64),
                np.indices(item.shape).reshape(item.ndim, item.size).T,
            ))
            for number, item in enumerate(elements)
        ]  # fmt: skip
        values = np.concatenate([item.reshape(-1) for item in elements])
        parts = [np.concatenate(places), values, np.array([len(elements), *sizes], np.int64)]
        return [serialized_parts(parts, dtypes.variant, (3,))]

    def _check(self, shape: tuple[int, ...]) -> None:
        row = self._stage.row_shape
        if len(shape) != len(row):
            problem = f"Input element had shape {shape_text(shape)} that is incompatible with the row shape {row}."
            raise named(InvalidArgumentError(None, None, problem), self._stage.kind)
        if any(0 <= most < size for size, most in zip(shape, row, strict=True)):
            problem = f"Input element had shape {shape_text(shape)} that is larger than the row shape {row}."
            raise named(DataLossError(None, None, problem), self._stage.kind)


def _sparse_batch(kind: str, source: Any, batch_size: Any, row_shape: Any, types: Any, shapes: Any) -> SparseBatch:
    size = scalar(batch_size, "batch_size")
    if size <= 0:
        raise InvalidArgumentError(None, None, "Batch size must be greater than zero.")
    if row_shape.ndim != 1:
        raise InvalidArgumentError(None, None, "row_shape must be a vector")
    row = row_shape.tolist()
    if any(dimension < -1 for dimension in row):
        raise InvalidArgumentError(None, None, f"Dimensions of row_shape must be >= -1, but they are {row}")
    stage = stage_in(source)
    if len(stage.types) != 1:
        raise InvalidArgumentError(
            None, None, "DenseToSparseDataset only supports input whose elements have a single component."
        )
    return SparseBatch(kind, types, shapes, stage, size, row)


@dataset_op("DenseToSparseBatchDataset", "input_dataset: variant, batch_size: int64, row_shape: int64")
def dense_to_sparse_batch_dataset(
    input_dataset, batch_size, row_shape, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of batches of tensors as sparse tensors, in which every element of a tensor is an entry.

    Raises:
      InvalidArgumentError: the size is not positive, or elements have several components; while iterating, an element
        has another rank than a row.
      DataLossError: while iterating, an element is larger than a row.
    """
    kind = "DenseToSparseBatchDataset"
    return _sparse_batch(kind, input_dataset, batch_size, row_shape, output_types, output_shapes)


@dataset_op("ExperimentalDenseToSparseBatchDataset", "input_dataset: variant, batch_size: int64, row_shape: int64")
def experimental_dense_to_sparse_batch_dataset(
    input_dataset, batch_size, row_shape, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of batches of tensors as sparse tensors."""
    kind = "ExperimentalDenseToSparseBatchDataset"
    return _sparse_batch(kind, input_dataset, batch_size, row_shape, output_types, output_shapes)


_BATCHES = {"output_types": ["int64"], "output_shapes": [(None,)]}


def _batches(s: Any, count: int, size: int) -> Any:
    numbers = s.produced("RangeDataset", 0, count, 1, output_types=["int64"], output_shapes=[()])
    return s.produced("BatchDataset", numbers, size, **_BATCHES)


@rebatch_dataset_v2.samples
def _rebatch_v2_samples(s):
    yield s(_batches(s, 10, 4), np.int64(3), False, **_BATCHES)
    yield s(_batches(s, 10, 4), np.int64([3, 1, 2]), True, **_BATCHES)
    yield s(_batches(s, 5, 5), np.int64([2, 0, 1]), True, **_BATCHES)
    yield s(_batches(s, 5, 2), np.int64([0, 5]), False, **_BATCHES)
    yield s(_batches(s, 5, 2), np.int64([[1]]), False, error="InvalidArgumentError", **_BATCHES)
    # TensorFlow takes a negative size, and then never ends: no sample says so.


def _rebatch_samples(s):
    yield s(_batches(s, 10, 4), np.int64(2), **_BATCHES)
    yield s(_batches(s, 2, 2), np.int64(4), **_BATCHES)
    yield s(_batches(s, 2, 2), np.int64(0), error="InvalidArgumentError", **_BATCHES)


rebatch_dataset.samples(_rebatch_samples)
experimental_rebatch_dataset.samples(_rebatch_samples)


def _sparse_samples(s):
    kinds = {"output_types": ["variant"], "output_shapes": [(3,)]}
    rows = s.produced(
        "ListDataset", [np.int32([1]), np.int32([2, 3]), np.int32([4, 5, 6])], output_types=["int32"],
        output_shapes=[(None,)],
    )  # fmt: skip
    yield s(rows, np.int64(2), np.int64([4]), **kinds)
    yield s(rows, np.int64(3), np.int64([-1]), **kinds)
    yield s(rows, np.int64(0), np.int64([4]), error="InvalidArgumentError", **kinds)


dense_to_sparse_batch_dataset.samples(_sparse_samples)
experimental_dense_to_sparse_batch_dataset.samples(_sparse_samples)
