"""Datasets of several elements in one: batches, and batches filled up to one shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import DataLossError, InvalidArgumentError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.ops.data.blocks import fill
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, dtype_of, row, scalar, shape_text, stack
from tideflow._src.ops.data.stage import INFINITE, UNKNOWN, Run, Running, Stage, named, stage_in


def batches_in(count: int, size: int, drop_remainder: bool) -> int:
    """Returns how many batches elements make."""
    return count if count < 0 else count // size + (bool(count % size) and not drop_remainder)


def stacked(elements: Sequence[Element], kind: str) -> list[Any]:
    """Returns elements as a batch.

    Raises:
      InvalidArgumentError: a component has not the same shape, or dtype, in all of them.
    """
    batch = []
    for index, items in enumerate(zip(*elements, strict=True)):
        first = items[0]
        for number, item in enumerate(items):
            if item.shape != first.shape:
                problem = (
                    f"Cannot batch tensors with different shapes in component {index}. First element had shape "
                    f"{shape_text(first.shape)} and element {number} had shape {shape_text(item.shape)}."
                )
                raise named(InvalidArgumentError(None, None, problem), kind)
        batch.append(stack(items))
    return batch


def rows_in(batch: Element, kind: str) -> int:
    """Returns how many rows the components of a batch have.

    Raises:
      InvalidArgumentError: one is a scalar, or their numbers differ.
    """
    for number, item in enumerate(batch):
        if not item.ndim:
            problem = "Input element must have a non-scalar value in each component."
            raise named(InvalidArgumentError(None, None, problem), kind)
        if len(item) != len(batch[0]):
            problem = (
                "Input element must have the same batch size in each component. Component 0 had size "
                f"{len(batch[0])} but component {number} had size {len(item)}."
            )
            raise named(InvalidArgumentError(None, None, problem), kind)
    return len(batch[0])


class Batch(Stage):
    """Is its input, so many elements in one."""

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, size: int, drop: bool
    ) -> None:
        super().__init__(kind, types, shapes, [source])
        self.batch_size = size
        self.drop_remainder = drop

    def cardinality(self) -> int:
        return batches_in(self.inputs[0].cardinality(), self.batch_size, self.drop_remainder)

    def iterate(self, run: Run) -> Running:
        return BatchRunning(self, self.inputs[0].start(run), self._joined)

    def _joined(self, elements: Sequence[Element]) -> list[Any]:
        return stacked(elements, self.kind)

    def describe(self) -> str:
        return f"batch({self.batch_size}{', drop_remainder' if self.drop_remainder else ''})"


class BatchRunning(Running):
    """Makes batches of the elements of a running stage.

    Args:
      stage: the stage.
      source: gives the elements.
      join: makes a batch of elements.
    """

    def __init__(self, stage: Batch, source: Running, join: Callable[[Sequence[Element]], list[Any]]) -> None:
        self._stage = stage
        self._source = source
        self._join = join
        self._takes_blocks = source.has_blocks and type(stage) is Batch
        self._ended = False

    def next(self) -> Element | None:
        if self._ended:
            return None
        size = self._stage.batch_size
        if self._takes_blocks:
            block = fill(self._source, size)
            if block is None or len(block[0]) < size:
                self._ended = True
                if block is not None and self._stage.drop_remainder:
                    return None
            return block
        elements = []
        for _ in range(size):
            element = self._source.next()
            if element is None:
                self._ended = True
                if self._stage.drop_remainder:
                    return None
                break
            elements.append(element)
        return self._join(elements) if elements else None

    def skip(self, count: int) -> int:
        size = self._stage.batch_size
        found = self._source.skip(count * size)
        if found < count * size:
            self._ended = True
        return batches_in(found, size, self._stage.drop_remainder)

    def save(self) -> Any:
        return self._ended, None if self._ended else self._source.save()

    def restore(self, position: Any) -> None:
        ended, source = position
        self._ended = bool(ended)
        if not self._ended:
            self._source.restore(source)

    def close(self) -> None:
        self._source.close()


class PaddedBatch(Batch):
    """Is its input, so many elements in one, each component filled up to one shape."""

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, size: int, drop: bool,
        wanted: Sequence[Sequence[int]], paddings: Sequence[Any],
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, source, size, drop)
        self._wanted = wanted
        self._paddings = paddings

    def describe(self) -> str:
        return f"padded_batch({self.batch_size}{', drop_remainder' if self.drop_remainder else ''})"

    def _joined(self, elements: Sequence[Element]) -> list[Any]:
        return [
            self._filled(index, items, wanted, padding)
            for index, (items, wanted, padding) in enumerate(
                zip(zip(*elements, strict=True), self._wanted, self._paddings, strict=True)
            )
        ]

    def _filled(self, index: int, items: Sequence[Any], wanted: Sequence[int], padding: Any) -> Any:
        rank = len(wanted)
        if any(item.ndim != rank for item in items):
            found = next(item.ndim for item in items if item.ndim != rank)
            problem = (
                "All elements in a batch must have the same rank as the padded shape for component"
                f"{index}: expected rank {rank} but got element with rank {found}"
            )
            raise named(InvalidArgumentError(None, None, problem), self.kind)
        if not rank or items[0].dtype is dtypes.variant:
            return stacked([[item] for item in items], self.kind)[0]
        shape = []
        for axis, size in enumerate(wanted):
            largest = max(item.shape[axis] for item in items)
            if 0 <= size < largest:
                problem = "Attempted to pad to a smaller size than the input element."
                raise named(DataLossError(None, None, problem), self.kind)
            shape.append(largest if size < 0 else size)
        batch = np.empty((len(items), *shape), items[0].dtype)
        batch[...] = padding[()]
        for place, item in enumerate(items):
            batch[(place, *map(slice, item.shape))] = item
        return batch


def _checked_size(batch_size: Any) -> int:
    size: int = scalar(batch_size, "batch_size")
    if size <= 0:
        raise InvalidArgumentError(None, None, "Batch size must be greater than zero.")
    return size


@dataset_op("BatchDataset", "input_dataset: variant, batch_size: int64")
def batch_dataset(
    input_dataset, batch_size, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""
):
    """Makes a dataset of batches; the last one may be smaller."""
    source = stage_in(input_dataset)
    return Batch("BatchDataset", output_types, output_shapes, source, _checked_size(batch_size), False)


@dataset_op("BatchDatasetV2", "input_dataset: variant, batch_size: int64, drop_remainder: bool")
def batch_dataset_v2(
    input_dataset,
    batch_size,
    drop_remainder,
    *,
    parallel_copy: bool = False,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of batches."""
    source, drop = stage_in(input_dataset), scalar(drop_remainder, "drop_remainder")
    return Batch("BatchDatasetV2", output_types, output_shapes, source, _checked_size(batch_size), drop)


@dataset_op(
    "ParallelBatchDataset",
    "input_dataset: variant, batch_size: int64, num_parallel_calls: int64, drop_remainder: bool",
)
def parallel_batch_dataset(
    input_dataset,
    batch_size,
    num_parallel_calls,
    drop_remainder,
    *,
    parallel_copy: bool = False,
    output_types: list[DType],
    output_shapes: list[Shape],
    deterministic: str = "default",
    metadata: str = "",
):
    """Makes a dataset of batches. They are made one after the other: it is the input that takes time."""
    scalar(num_parallel_calls, "num_parallel_calls")
    source, drop = stage_in(input_dataset), scalar(drop_remainder, "drop_remainder")
    return Batch("ParallelBatchDataset", output_types, output_shapes, source, _checked_size(batch_size), drop)


_PADDED = {"Toutput_types": at_least(1), "N": at_least(1)}


@dataset_op(
    "PaddedBatchDataset",
    "input_dataset: variant, batch_size: int64, padded_shapes: N * int64, padding_values: list(Toutput_types)",
    **_PADDED,
)
def padded_batch_dataset(
    input_dataset, batch_size, padded_shapes, padding_values, *, output_shapes: list[Shape], metadata: str = ""
):
    """Makes a dataset of batches of elements filled up to one shape; the last one may be smaller."""
    return _padded("PaddedBatchDataset", input_dataset, batch_size, padded_shapes, padding_values, False, output_shapes)


@dataset_op(
    "PaddedBatchDatasetV2",
    "input_dataset: variant, batch_size: int64, padded_shapes: N * int64, padding_values: list(Toutput_types), "
    "drop_remainder: bool",
    **_PADDED,
)
def padded_batch_dataset_v2(
    input_dataset,
    batch_size,
    padded_shapes,
    padding_values,
    drop_remainder,
    *,
    parallel_copy: bool = False,
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of batches of elements filled up to one shape."""
    drop = scalar(drop_remainder, "drop_remainder")
    return _padded(
        "PaddedBatchDatasetV2", input_dataset, batch_size, padded_shapes, padding_values, drop, output_shapes
    )


def _padded(
    kind: str, source: Any, size: Any, wanted: Sequence[Any], paddings: Sequence[Any], drop: bool, shapes: Any
) -> PaddedBatch:
    stage = stage_in(source)
    for padding, dtype in zip(paddings, stage.types, strict=True):
        if padding.ndim:
            raise InvalidArgumentError(None, None, "All padding values must be scalars")
        if dtype_of(padding) is not dtype:
            raise InvalidArgumentError(
                None, None, f"padding values must have the dtypes of the components, but one of {dtype.name} has "
                f"{dtype_of(padding).name}",
            )  # fmt: skip
    shapes_wanted = []
    for item in wanted:
        if item.ndim != 1:
            raise InvalidArgumentError(None, None, "All padded shapes must be vectors")
        for dimension in item.tolist():
            if dimension < -1:
                raise InvalidArgumentError(None, None, f"Dimension {dimension} must be >= -1")
        shapes_wanted.append(item.tolist())
    return PaddedBatch(kind, stage.types, shapes, stage, _checked_size(size), drop, shapes_wanted, list(paddings))


class Unbatch(Stage):
    """Is the rows of the elements of its input."""

    def __init__(self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage) -> None:
        super().__init__(kind, types, shapes, [source])

    def cardinality(self) -> int:
        found = self.inputs[0].cardinality()
        if found in (0, INFINITE):
            return found
        source = self.inputs[0].shapes
        sizes = {shape[0] for shape in source if shape}
        size = next(iter(sizes)) if len(sizes) == 1 else None
        return UNKNOWN if found == UNKNOWN or size is None else found * size

    def iterate(self, run: Run) -> Running:
        return _UnbatchRunning(self.inputs[0].start(run), self.kind)

    def describe(self) -> str:
        return "unbatch"


class _UnbatchRunning(Running):
    def __init__(self, source: Running, kind: str) -> None:
        self._source = source
        self._kind = kind
        self._block: list[Any] | None = None
        self._position = 0
        self._length = 0

    def next(self) -> Element | None:
        while self._position >= self._length:
            block = self._source.next()
            if block is None:
                return None
            self._begin(block)
        position = self._position
        self._position = position + 1
        assert self._block is not None
        return [row(stacked, position) for stacked in self._block]

    def _begin(self, block: list[Any]) -> None:
        self._block, self._position, self._length = block, 0, rows_in(block, self._kind)

    def save(self) -> Any:
        rest = None if self._position >= self._length else self._block
        return rest, self._position, self._source.save()

    def restore(self, position: Any) -> None:
        block, place, source = position
        if block is None:
            self._block, self._position, self._length = None, 0, 0
        else:
            self._begin(list(block))
            self._position = int(place)
        self._source.restore(source)

    def close(self) -> None:
        self._source.close()


@dataset_op("UnbatchDataset", "input_dataset: variant")
def unbatch_dataset(input_dataset, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of the rows of the elements of another one."""
    return Unbatch("UnbatchDataset", output_types, output_shapes, stage_in(input_dataset))


@dataset_op("ExperimentalUnbatchDataset", "input_dataset: variant")
def experimental_unbatch_dataset(input_dataset, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of the rows of the elements of another one."""
    return Unbatch("ExperimentalUnbatchDataset", output_types, output_shapes, stage_in(input_dataset))


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}
_BATCHES = {"output_types": ["int64"], "output_shapes": [(None,)]}


def _numbers(s: Any) -> Any:
    return s.produced("RangeDataset", 0, 7, 1, **_NUMBERS)


def _rows_of_lengths(s: Any) -> Any:
    elements = [np.int32([1]), np.int32([2, 3]), np.int32([4, 5, 6])]
    return s.produced("ListDataset", elements, output_types=["int32"], output_shapes=[(None,)])


@batch_dataset.samples
def _batch_samples(s):
    yield s(_numbers(s), 3, **_BATCHES)
    yield s(_numbers(s), 0, error="InvalidArgumentError", **_BATCHES)


@batch_dataset_v2.samples
def _batch_v2_samples(s):
    yield s(_numbers(s), 3, False, **_BATCHES)
    yield s(_numbers(s), 3, True, **_BATCHES)
    yield s(_numbers(s), 0, True, error="InvalidArgumentError", **_BATCHES)


@parallel_batch_dataset.samples
def _parallel_batch_samples(s):
    yield s(_numbers(s), 3, 2, False, **_BATCHES)
    yield s(_numbers(s), 3, 2, True, **_BATCHES)


@padded_batch_dataset.samples
def _padded_samples(s):
    yield s(_rows_of_lengths(s), 2, [np.int64([-1])], [np.int32(-7)], output_shapes=[(None, None)])
    yield s(_rows_of_lengths(s), 2, [np.int64([4])], [np.int32(0)], output_shapes=[(None, 4)])


@padded_batch_dataset_v2.samples
def _padded_v2_samples(s):
    yield s(_rows_of_lengths(s), 2, [np.int64([-1])], [np.int32(-7)], True, output_shapes=[(None, None)])
    yield s(_rows_of_lengths(s), 2, [np.int64([-1])], [np.int32(-7)], False, output_shapes=[(None, None)])


def _unbatch_samples(s):
    yield s(s.produced("BatchDataset", _numbers(s), 3, **_BATCHES), **_NUMBERS)


unbatch_dataset.samples(_unbatch_samples)
experimental_unbatch_dataset.samples(_unbatch_samples)
