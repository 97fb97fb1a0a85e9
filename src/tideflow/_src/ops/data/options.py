"""Datasets that say how their pipeline is to run, and what is asked of a dataset as a whole."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.op_def import Shape, at_least
from tideflow._src.ops.data.batching import Batch
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import scalar
from tideflow._src.ops.data.options_message import merged_message, pipeline_options
from tideflow._src.ops.data.pipeline_options import PipelineOptions
from tideflow._src.ops.data.stage import RowTable, Run, Running, Stage, named, stage_in
from tideflow._src.runtime.op import op


class Passing(Stage):
    """Is its input as it is."""

    def __init__(self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage) -> None:
        super().__init__(kind, types, shapes, [source])

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    @property
    def is_light_after_first(self) -> bool:
        return all(stage.is_light_after_first for stage in self.inputs)

    def table(self) -> RowTable | None:
        return self.inputs[0].table()

    def iterate(self, run: Run) -> Running:
        return self.inputs[0].start(run)


class WithOptions(Passing):
    """Is its input, with options for the pipeline up to here."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, message: bytes) -> None:
        super().__init__("OptionsDataset", types, shapes, source)
        self._message = message
        self._said = pipeline_options(message)

    @functools.cached_property
    def options(self) -> PipelineOptions:  # type: ignore[override]
        before = self.inputs[0].options
        found = before.merged(self._said)
        return found.merged(PipelineOptions(serialized=merged_message(before.serialized, self._message)))


@dataset_op("OptionsDataset", "input_dataset: variant")
def options_dataset(
    input_dataset,
    *,
    serialized_options: str,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of another one with options."""
    given = serialized_options
    message = given.encode("latin-1") if isinstance(given, str) else bytes(given)
    return WithOptions(output_types, output_shapes, stage_in(input_dataset), message)


@op("GetOptions", "input_dataset: variant -> serialized_options: string", tier="host", differentiable=False)
def get_options(input_dataset):
    """Returns the options of a dataset as a message."""
    return np.array(stage_in(input_dataset).options.serialized, object)


@dataset_op("ModelDataset", "input_dataset: variant")
def model_dataset(
    input_dataset,
    *,
    algorithm: int = 0,
    cpu_budget: int = 0,
    ram_budget: int = 0,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Makes a dataset of another one, whose stages TensorFlow would tune while they run."""
    return Passing("ModelDataset", output_types, output_shapes, stage_in(input_dataset))


@dataset_op("FinalizeDataset", "input_dataset: variant")
def finalize_dataset(
    input_dataset, *, has_captured_ref: bool = False, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of another one, to which TensorFlow would apply its options here."""
    return Passing("FinalizeDataset", output_types, output_shapes, stage_in(input_dataset))


@dataset_op("OptimizeDataset", "input_dataset: variant, optimizations: string")
def optimize_dataset(
    input_dataset,
    optimizations,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    optimization_configs: list[str] = (),  # type: ignore[assignment]
):
    """Makes a dataset of another one, whose graph TensorFlow would rewrite; the elements are the same."""
    _check_vectors(optimizations=optimizations)
    return Passing("OptimizeDataset", output_types, output_shapes, stage_in(input_dataset))


@dataset_op(
    "OptimizeDatasetV2",
    "input_dataset: variant, optimizations_enabled: string, optimizations_disabled: string, "
    "optimizations_default: string",
)
def optimize_dataset_v2(
    input_dataset,
    optimizations_enabled,
    optimizations_disabled,
    optimizations_default,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    optimization_configs: list[str] = (),  # type: ignore[assignment]
):
    """Makes a dataset of another one, whose graph TensorFlow would rewrite; the elements are the same."""
    _check_vectors(
        optimizations_enabled=optimizations_enabled,
        optimizations_disabled=optimizations_disabled,
        optimizations_default=optimizations_default,
    )
    return Passing("OptimizeDatasetV2", output_types, output_shapes, stage_in(input_dataset))


#: What TensorFlow takes for the number of threads of a pipeline must be below.
_THREADS = 1 << 16


def _with_threads(kind: str, source: Any, threads: Any, name: str, types: Any, shapes: Any) -> Passing:
    count = scalar(threads, name)
    if count < 0 or (name == "num_threads" and count >= _THREADS):
        limit = f" and < {_THREADS}" if name == "num_threads" else ""
        raise InvalidArgumentError(None, None, f"`{name}` must be >= 0{limit}, but is {count}")
    return Passing(kind, types, shapes, stage_in(source))


@dataset_op("PrivateThreadPoolDataset", "input_dataset: variant, num_threads: int64")
def private_thread_pool_dataset(input_dataset, num_threads, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of another one, for which TensorFlow would keep so many threads."""
    kind = "PrivateThreadPoolDataset"
    return _with_threads(kind, input_dataset, num_threads, "num_threads", output_types, output_shapes)


@dataset_op("ExperimentalPrivateThreadPoolDataset", "input_dataset: variant, num_threads: int64")
def experimental_private_thread_pool_dataset(
    input_dataset, num_threads, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of another one, for which TensorFlow would keep so many threads."""
    kind = "ExperimentalPrivateThreadPoolDataset"
    return _with_threads(kind, input_dataset, num_threads, "num_threads", output_types, output_shapes)


@dataset_op("MaxIntraOpParallelismDataset", "input_dataset: variant, max_intra_op_parallelism: int64")
def max_intra_op_parallelism_dataset(
    input_dataset, max_intra_op_parallelism, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of another one, whose operations TensorFlow would give at most so many threads each."""
    kind, name = "MaxIntraOpParallelismDataset", "max_intra_op_parallelism"
    return _with_threads(kind, input_dataset, max_intra_op_parallelism, name, output_types, output_shapes)


@dataset_op("ExperimentalMaxIntraOpParallelismDataset", "input_dataset: variant, max_intra_op_parallelism: int64")
def experimental_max_intra_op_parallelism_dataset(
    input_dataset, max_intra_op_parallelism, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of another one, whose operations TensorFlow would give at most so many threads each."""
    kind, name = "ExperimentalMaxIntraOpParallelismDataset", "max_intra_op_parallelism"
    return _with_threads(kind, input_dataset, max_intra_op_parallelism, name, output_types, output_shapes)


def _check_vectors(**values: Any) -> None:
    for name, value in values.items():
        if value.ndim != 1:
            raise InvalidArgumentError(None, None, f"{name} must be a vector")


def _cardinality(stage: Any) -> Any:
    return np.int64(stage_in(stage).cardinality())


@op("DatasetCardinality", "input_dataset: variant -> cardinality: int64", tier="host", differentiable=False)
def dataset_cardinality(input_dataset, *, cardinality_options: str = ""):
    """Returns the number of elements of a dataset: -1 if it has no end, -2 if that is not known."""
    return _cardinality(input_dataset)


@op("ExperimentalDatasetCardinality", "input_dataset: variant -> cardinality: int64", tier="host",
    differentiable=False)  # fmt: skip
def experimental_dataset_cardinality(input_dataset):
    """Returns the number of elements of a dataset: -1 if it has no end, -2 if that is not known."""
    return _cardinality(input_dataset)


#: Stages that leave the batches of their input as they are.
_KEEP_BATCHES = frozenset(
    "AssertCardinalityDataset CacheDataset FilterDataset FinalizeDataset ModelDataset OptimizeDataset OptionsDataset "
    "ParallelFilterDataset PrefetchDataset RepeatDataset ShardDataset ShuffleAndRepeatDataset ShuffleDataset "
    "SkipDataset TakeDataset".split()
)


def _batch_size(stage: Stage) -> int:
    """Returns how many elements make a batch of a dataset, by the stage that makes them; -1 if that is not known."""
    kind = re.sub(r"V\d$", "", stage.kind)
    if kind in ("BatchDataset", "PaddedBatchDataset"):
        return cast(Batch, stage).batch_size
    if kind in _KEEP_BATCHES:
        return _batch_size(stage.inputs[0])
    if kind in ("ZipDataset", "ConcatenateDataset"):
        sizes = {_batch_size(source) for source in stage.inputs}
        return sizes.pop() if len(sizes) == 1 else -1
    return -1


@op("ComputeBatchSize", "input_dataset: variant -> batch_size: int64", tier="host", differentiable=False)
def compute_batch_size(input_dataset):
    """Returns the size of a dataset's batches, the last and smaller one not counted: -1 if that is not known.

    It is what the last stage that makes batches says, if what follows leaves them as they are.
    """
    return np.int64(_batch_size(stage_in(input_dataset)))


@op(
    "DatasetToSingleElement", "dataset: variant -> components: list(output_types)", tier="host", stateful=True,
    differentiable=False, output_types=at_least(1), output_shapes=at_least(1),
)  # fmt: skip
def dataset_to_single_element(dataset, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Returns the element of a dataset that has one.

    Raises:
      InvalidArgumentError: it has none, or more.
    """
    stage = stage_in(dataset)
    running = stage.start(Run(stage.options))
    try:
        element = running.next()
        if element is None:
            raise InvalidArgumentError(None, None, "Dataset was empty.")
        if running.next() is not None:
            raise InvalidArgumentError(None, None, "Dataset had more than one element.")
    finally:
        running.close()
    return element


class AssertCardinality(Passing):
    """Is its input, which is checked to have so many elements."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, expected: int) -> None:
        super().__init__("AssertCardinalityDataset", types, shapes, source)
        self._expected = expected

    def cardinality(self) -> int:
        return self._expected

    def table(self) -> RowTable | None:
        table = self.inputs[0].table()
        return table if table is not None and table.length == self._expected else None

    def iterate(self, run: Run) -> Running:
        return _AssertRunning(self.inputs[0].start(run), self._expected, self.kind)


class _AssertRunning(Running):
    def __init__(self, source: Running, expected: int, kind: str) -> None:
        self._source = source
        self._expected = expected
        self._kind = kind
        self._found = 0

    def next(self) -> Any:
        element = self._source.next()
        if element is not None:
            self._found += 1
        has_end = self._expected >= 0
        if (element is None and self._found != self._expected) or (has_end and self._found > self._expected):
            expected = f"{self._expected} elements" if has_end else "an infinite number of elements"
            more = "contains" if element is None else "contains at least"
            problem = f"Input dataset was expected to contain {expected} but {more} {self._found} elements."
            raise named(FailedPreconditionError(None, None, problem), self._kind)
        return element

    def save(self) -> Any:
        return self._found, self._source.save()

    def restore(self, position: Any) -> None:
        found, source = position
        self._found = int(found)
        self._source.restore(source)

    def close(self) -> None:
        self._source.close()


@dataset_op("AssertCardinalityDataset", "input_dataset: variant, cardinality: int64")
def assert_cardinality_dataset(input_dataset, cardinality, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of another one, which is checked to have so many elements."""
    count = scalar(cardinality, "cardinality")
    return AssertCardinality(output_types, output_shapes, stage_in(input_dataset), count)


@op("WrapDatasetVariant", "input_handle: variant -> output_handle: variant", tier="host", differentiable=False)
def wrap_dataset_variant(input_handle):
    """Returns a dataset as it is: TensorFlow hides it from copies between devices."""
    return stage_in(input_handle)


@op("UnwrapDatasetVariant", "input_handle: variant -> output_handle: variant", tier="host", differentiable=False)
def unwrap_dataset_variant(input_handle):
    """Returns the dataset that ``WrapDatasetVariant`` hides."""
    return stage_in(input_handle)


def _scalar_shape(*inputs: Any) -> tuple[int, ...]:
    return ()


for _operation in (
    get_options, dataset_cardinality, experimental_dataset_cardinality, compute_batch_size, wrap_dataset_variant,
    unwrap_dataset_variant,
):  # fmt: skip
    _operation.shape(_scalar_shape)


@dataset_to_single_element.shape
def _single_shape(dataset, *, output_shapes):
    return list(output_shapes)


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}


def _numbers(s: Any, count: int = 5) -> Any:
    return s.produced("RangeDataset", 0, count, 1, **_NUMBERS)


def _thread_samples(s):
    yield s(_numbers(s), np.int64(2), **_NUMBERS)
    yield s(_numbers(s), np.int64(-1), error="InvalidArgumentError", **_NUMBERS)


for _operation in (
    private_thread_pool_dataset, experimental_private_thread_pool_dataset, max_intra_op_parallelism_dataset,
    experimental_max_intra_op_parallelism_dataset,
):  # fmt: skip
    _operation.samples(_thread_samples)


@options_dataset.samples
def _options_samples(s):
    yield s(_numbers(s), serialized_options="", **_NUMBERS)
    yield s(_numbers(s), serialized_options="\x08\x00", **_NUMBERS)


@get_options.samples
def _get_options_samples(s):
    yield s(s.produced("OptionsDataset", _numbers(s), serialized_options="\x08\x00", **_NUMBERS))


def _plain_samples(s):
    yield s(_numbers(s), **_NUMBERS)


model_dataset.samples(_plain_samples)
finalize_dataset.samples(_plain_samples)


@optimize_dataset.samples
def _optimize_samples(s):
    yield s(_numbers(s), s.strings((0,)), **_NUMBERS)


@optimize_dataset_v2.samples
def _optimize_v2_samples(s):
    yield s(_numbers(s), s.strings((0,)), s.strings((0,)), s.strings((0,)), **_NUMBERS)


def _cardinality_samples(s):
    yield s(_numbers(s))
    yield s(s.produced("RepeatDataset", _numbers(s), -1, **_NUMBERS))
    yield s(s.produced("BatchDataset", _numbers(s), 2, output_types=["int64"], output_shapes=[(None,)]))


dataset_cardinality.samples(_cardinality_samples)
experimental_dataset_cardinality.samples(_cardinality_samples)


@compute_batch_size.samples
def _batch_size_samples(s):
    batches = {"output_types": ["int64"], "output_shapes": [(None,)]}
    batch = s.produced("BatchDatasetV2", _numbers(s), 2, False, **batches)
    yield s(_numbers(s))
    yield s(batch)
    yield s(s.produced("RepeatDataset", batch, -1, **batches))


@dataset_to_single_element.samples
def _single_samples(s):
    yield s(_numbers(s, 1), **_NUMBERS)
    yield s(_numbers(s, 0), error="InvalidArgumentError", **_NUMBERS)
    yield s(_numbers(s, 2), error="InvalidArgumentError", **_NUMBERS)


@assert_cardinality_dataset.samples
def _assert_samples(s):
    yield s(_numbers(s), 5, **_NUMBERS)


def _wrap_samples(s):
    yield s(_numbers(s))


wrap_dataset_variant.samples(_wrap_samples)


@unwrap_dataset_variant.samples
def _unwrap_samples(s):
    yield s(s.produced("WrapDatasetVariant", _numbers(s)))
