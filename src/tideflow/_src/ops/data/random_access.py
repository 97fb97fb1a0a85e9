"""Elements of datasets by their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import OutOfRangeError, UnimplementedError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.ops.data.elements import Element, row, scalar
from tideflow._src.ops.data.stage import INFINITE, Run, Stage, named, stage_in
from tideflow._src.runtime.op import op

#: The operations whose elements follow from the number and from elements of their inputs, less the ending of the names.
_KINDS = (
    "Tensor", "TensorSlice", "Range", "List", "Map", "ParallelMap", "Batch", "ParallelBatch", "Shard", "Zip", "Skip",
    "Take", "Repeat", "Concatenate", "Prefetch", "Cache", "Options", "Model", "Optimize", "Finalize",
    "AssertCardinality", "PaddedBatch",
)  # fmt: skip


def element_at(stage: Stage, index: int) -> Element:
    """Returns an element of a dataset.

    Args:
      stage: the dataset.
      index: the number of the element, from 0 on.

    Raises:
      OutOfRangeError: there is none of that number.
      UnimplementedError: the dataset holds one that must be gone over from its beginning.
    """
    _check(stage)
    count = stage.cardinality()
    if index < 0 or (count != INFINITE and 0 <= count <= index):
        raise OutOfRangeError(None, None, f"Index out of range [0, {count}):{index}")
    table = stage.table()
    if table is not None:
        return [row(stacked, 0) for stacked in table.slice(index, index + 1)]
    running = stage.start(Run(stage.options))
    try:
        running.skip(index)
        element = running.next()
    finally:
        running.close()
    if element is None:
        raise OutOfRangeError(None, None, f"The dataset has no element {index}.")
    return element


def _check(stage: Stage) -> None:
    kind = stage.kind.removeprefix("Experimental").partition("Dataset")[0]
    if kind not in _KINDS:
        raise named(UnimplementedError(None, None, "Random access is not implemented for this dataset."), stage.kind)
    if kind != "Cache":
        for source in stage.inputs:
            _check(source)


@op(
    "GetElementAtIndex", "dataset: variant, index: int64 -> components: list(output_types)", tier="host",
    differentiable=False, output_types=at_least(1), output_shapes=at_least(1),
)  # fmt: skip
def get_element_at_index(dataset, index, *, output_types: list[DType], output_shapes: list[Shape]):
    """Returns an element of a dataset by its number.

    Raises:
      OutOfRangeError: there is none of that number.
      UnimplementedError: the dataset must be gone over from its beginning.
    """
    return element_at(stage_in(dataset), scalar(index, "index"))


@get_element_at_index.shape
def _element_shapes(dataset, index, *, output_shapes: Any):
    return list(output_shapes)


@get_element_at_index.samples
def _element_samples(s):
    kinds = {"output_types": ["int64"], "output_shapes": [()]}
    numbers = s.produced("RangeDataset", 0, 5, 1, **kinds)
    yield s(numbers, np.int64(3), **kinds)
    yield s(numbers, np.int64(5), error="OutOfRangeError", **kinds)
    yield s(numbers, np.int64(-1), error="OutOfRangeError", **kinds)
    batches = {"output_types": ["int64"], "output_shapes": [(None,)]}
    yield s(s.produced("BatchDatasetV2", numbers, 2, False, **batches), np.int64(2), **batches)
    yield s(s.produced("UniqueDataset", numbers, **kinds), np.int64(2), error="UnimplementedError", **kinds)
