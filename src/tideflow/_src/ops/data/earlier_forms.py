"""Operations on datasets that TensorFlow keeps for graphs of earlier releases, under both of their names.

What they do is done by the stages of today: so graphs that hold them run. Those that only measure, or choose what is
fastest, pass elements on: which of equal inputs is fastest is a matter of luck, so here it is always the first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import Function, Shape, at_least
from tideflow._src.ops.data.batching import Batch, stacked
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.flattening import _CYCLE, _interleaved, _repeated
from tideflow._src.ops.data.grouping import (
    _KEYED,
    Directed,
    GroupByReducer,
    GroupByWindow,
    _group_by_reducer_samples,
    _group_by_window_samples,
)
from tideflow._src.ops.data.mapping import (
    _FUNCTION,
    _NUMBER,
    _NUMBERS,
    ParallelMap,
    _call,
    _numbers,
    calls_asked_for,
    order_asked_for,
)
from tideflow._src.ops.data.options import Passing, _with_threads
from tideflow._src.ops.data.sources import Elements
from tideflow._src.ops.data.stage import UNKNOWN, Run, Running, Stage, stage_in
from tideflow._src.ops.files import file_system
from tideflow._src.ops.files.file_ops import check_scalar
from tideflow._src.ops.queues.shared import resource_handle, resource_in
from tideflow._src.runtime.op import op

_MICROSECONDS = 1e-6


def _both(name: str) -> tuple[str, str]:
    """Returns an operation's names."""
    return name, f"Experimental{name}"


# Groups and choices.


@dataset_op(
    "ExperimentalGroupByWindowDataset",
    "input_dataset: variant, key_func_other_arguments: list(Tkey_func_other_arguments), "
    "reduce_func_other_arguments: list(Treduce_func_other_arguments), "
    "window_size_func_other_arguments: list(Twindow_size_func_other_arguments)",
    Twindow_size_func_other_arguments=at_least(0),
    **_KEYED,
)
def experimental_group_by_window_dataset(
    input_dataset,
    key_func_other_arguments,
    reduce_func_other_arguments,
    window_size_func_other_arguments,
    *,
    key_func: Function,
    reduce_func: Function,
    window_size_func: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Makes a dataset of the elements of the datasets that a function makes of windows of elements with one key."""
    functions = [
        (key_func, key_func_other_arguments),
        (reduce_func, reduce_func_other_arguments),
        (window_size_func, window_size_func_other_arguments),
    ]
    kind = "ExperimentalGroupByWindowDataset"
    return GroupByWindow(kind, output_types, output_shapes, stage_in(input_dataset), functions)


@dataset_op(
    "ExperimentalGroupByReducerDataset",
    "input_dataset: variant, key_func_other_arguments: list(Tkey_func_other_arguments), "
    "init_func_other_arguments: list(Tinit_func_other_arguments), "
    "reduce_func_other_arguments: list(Treduce_func_other_arguments), "
    "finalize_func_other_arguments: list(Tfinalize_func_other_arguments)",
    stateful=True,
    Tinit_func_other_arguments=at_least(0),
    Tfinalize_func_other_arguments=at_least(0),
    **_KEYED,
)
def experimental_group_by_reducer_dataset(
    input_dataset,
    key_func_other_arguments,
    init_func_other_arguments,
    reduce_func_other_arguments,
    finalize_func_other_arguments,
    *,
    key_func: Function,
    init_func: Function,
    reduce_func: Function,
    finalize_func: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Makes a dataset of what functions make of all elements with one key, key by key."""
    functions = [
        (key_func, key_func_other_arguments),
        (init_func, init_func_other_arguments),
        (reduce_func, reduce_func_other_arguments),
        (finalize_func, finalize_func_other_arguments),
    ]
    kind = "ExperimentalGroupByReducerDataset"
    return GroupByReducer(kind, output_types, output_shapes, stage_in(input_dataset), functions)


@dataset_op(
    "ExperimentalDirectedInterleaveDataset",
    "selector_input_dataset: variant, data_input_datasets: N * variant",
    N=at_least(1),
)
def experimental_directed_interleave_dataset(
    selector_input_dataset, data_input_datasets, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of the next elements of the datasets that the elements of another one number."""
    selector, sources = stage_in(selector_input_dataset), [stage_in(item) for item in data_input_datasets]
    return Directed("ExperimentalDirectedInterleaveDataset", output_types, output_shapes, selector, sources, False)


experimental_group_by_window_dataset.samples(_group_by_window_samples)
experimental_group_by_reducer_dataset.samples(_group_by_reducer_samples)


@experimental_directed_interleave_dataset.samples
def _experimental_directed_samples(s):
    choices = s.produced("TensorSliceDataset", [np.array([0, 1, 1, 0, 1])], output_shapes=[()])
    yield s(choices, [_numbers(s), s.produced("RangeDataset", 10, 12, 1, **_NUMBERS)], **_NUMBERS)


# Datasets of datasets.

_LEGACY_CYCLE = f"{_CYCLE}, buffer_output_elements: int64, prefetch_input_elements: int64"
_SLOPPY_CYCLE = f"{_CYCLE}, sloppy: bool, buffer_output_elements: int64, prefetch_input_elements: int64"


def _legacy_interleaved(
    kind: str, types: Any, shapes: Any, source: Any, function: Any, captured: Any, cycle: Any, block: Any, ahead: Any
) -> Any:
    for name, value, least in zip(("buffer_output_elements", "prefetch_input_elements"), ahead, (1, 0), strict=True):
        if scalar(value, name) < least:
            raise invalid_argument(f"`{name}` must be {'> 0' if least else '>= 0'}")
    if scalar(cycle, "cycle_length") <= 0:
        raise invalid_argument("`cycle_length` must be > 0")
    return _interleaved(kind, types, shapes, source, function, captured, cycle, block)


def _define_parallel_interleave(name: str) -> None:
    if name.startswith("Experimental"):

        @dataset_op(name, _SLOPPY_CYCLE, **_FUNCTION)
        def experimental(
            input_dataset, other_arguments, cycle_length, block_length, sloppy, buffer_output_elements,
            prefetch_input_elements, *, f: Function, output_types: list[DType], output_shapes: list[Shape],
        ):  # fmt: skip
            """Makes a dataset of the elements of the datasets that a function makes, some of these in turn."""
            scalar(sloppy, "sloppy")
            ahead = buffer_output_elements, prefetch_input_elements
            return _legacy_interleaved(
                name, output_types, output_shapes, input_dataset, f, other_arguments, cycle_length, block_length, ahead
            )

        made = experimental
    else:

        @dataset_op(name, _SLOPPY_CYCLE, **_FUNCTION)
        def current(
            input_dataset, other_arguments, cycle_length, block_length, sloppy, buffer_output_elements,
            prefetch_input_elements, *, f: Function, output_types: list[DType], output_shapes: list[Shape],
            metadata: str = "",
        ):  # fmt: skip
            """Makes a dataset of the elements of the datasets that a function makes, some of these in turn."""
            scalar(sloppy, "sloppy")
            ahead = buffer_output_elements, prefetch_input_elements
            return _legacy_interleaved(
                name, output_types, output_shapes, input_dataset, f, other_arguments, cycle_length, block_length, ahead
            )

        made = current

    @made.samples
    def _samples(s):
        yield s(_numbers(s), [], 2, 1, False, 1, 0, f=_repeated(s), **_NUMBERS)
        yield s(_numbers(s), [], 3, 2, False, 4, 2, f=_repeated(s), **_NUMBERS)
        yield s(_numbers(s), [], 0, 2, False, 1, 0, f=_repeated(s), error="InvalidArgumentError", **_NUMBERS)
        yield s(_numbers(s), [], 1, 0, False, 1, 0, f=_repeated(s), error="InvalidArgumentError", **_NUMBERS)


for _name in _both("ParallelInterleaveDataset"):
    _define_parallel_interleave(_name)


@dataset_op("LegacyParallelInterleaveDatasetV2", _LEGACY_CYCLE, **_FUNCTION)
def legacy_parallel_interleave_dataset_v2(
    input_dataset,
    other_arguments,
    cycle_length,
    block_length,
    buffer_output_elements,
    prefetch_input_elements,
    *,
    f: Function,
    deterministic: str = "default",
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes, some of these in turn."""
    order_asked_for(deterministic)
    ahead = buffer_output_elements, prefetch_input_elements
    kind = "LegacyParallelInterleaveDatasetV2"
    return _legacy_interleaved(
        kind, output_types, output_shapes, input_dataset, f, other_arguments, cycle_length, block_length, ahead
    )


@legacy_parallel_interleave_dataset_v2.samples
def _legacy_samples(s):
    yield s(_numbers(s), [], 2, 1, 1, 0, f=_repeated(s), deterministic="true", **_NUMBERS)
    yield s(_numbers(s), [], 3, 2, 4, 2, f=_repeated(s), deterministic="true", **_NUMBERS)
    yield s(_numbers(s), [], 0, 2, 1, 0, f=_repeated(s), error="InvalidArgumentError", **_NUMBERS)


# Batches of what a function makes.

_MAP_AND_BATCH = (
    "input_dataset: variant, other_arguments: list(Targuments), batch_size: int64, num_parallel_calls: int64, "
    "drop_remainder: bool"
)


def _mapped_batches(
    kind: str, types: Any, shapes: Any, source: Any, function: Any, captured: Any, size: Any, calls: Any, drop: Any
) -> Batch:
    rows: int = scalar(size, "batch_size")
    if rows <= 0:
        raise invalid_argument("batch_size must be greater than zero.")
    results = [output.dtype for output in function.outputs]
    unknown: list[Shape] = [None] * len(results)
    made = ParallelMap(
        kind, results, unknown, stage_in(source), function, captured, calls=calls_asked_for(calls), deterministic=None
    )
    return Batch(kind, types, shapes, made, rows, bool(scalar(drop, "drop_remainder")))


@dataset_op("MapAndBatchDataset", _MAP_AND_BATCH, **_FUNCTION)
def map_and_batch_dataset(
    input_dataset,
    other_arguments,
    batch_size,
    num_parallel_calls,
    drop_remainder,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    preserve_cardinality: bool = False,
    metadata: str = "",
):
    """Makes a dataset of batches of what a function makes of each element."""
    kind, calls = "MapAndBatchDataset", num_parallel_calls
    source, captured = input_dataset, other_arguments
    return _mapped_batches(kind, output_types, output_shapes, source, f, captured, batch_size, calls, drop_remainder)


@dataset_op("ExperimentalMapAndBatchDataset", _MAP_AND_BATCH, **_FUNCTION)
def experimental_map_and_batch_dataset(
    input_dataset,
    other_arguments,
    batch_size,
    num_parallel_calls,
    drop_remainder,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    preserve_cardinality: bool = False,
):
    """Makes a dataset of batches of what a function makes of each element."""
    kind, calls = "ExperimentalMapAndBatchDataset", num_parallel_calls
    source, captured = input_dataset, other_arguments
    return _mapped_batches(kind, output_types, output_shapes, source, f, captured, batch_size, calls, drop_remainder)


def _map_and_batch_samples(s: Any) -> Any:
    square = s.body("square", lambda x, y: [_call("AddV2", _call("Square", x), y)], _NUMBER, _NUMBER)
    batches: dict[str, Any] = {"output_types": ["int64"], "output_shapes": [(None,)], "f": square}
    for drop in (False, True):
        yield s(_numbers(s), [np.int64(1)], 2, 2, drop, **batches)
    yield s(_numbers(s), [np.int64(1)], 0, 2, False, error="InvalidArgumentError", **batches)
    yield s(_numbers(s), [np.int64(1)], 2, 0, False, error="InvalidArgumentError", **batches)


for _operation in (map_and_batch_dataset, experimental_map_and_batch_dataset):
    _operation.samples(_map_and_batch_samples)


# Windows that overlap.


class SlidingWindow(Stage):
    """Is windows over its input: every ``stride``-th of so many elements, then ``shift`` further on."""

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, size: int, shift: int,
        stride: int, drop: bool,
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, [source])
        self.size, self.shift, self.stride, self.drop = size, shift, stride, drop

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if count < 0:
            return count
        reach = (self.size - 1) * self.stride + 1
        return max(0, (count - reach) // self.shift + 1) if self.drop else -(-count // self.shift)

    def iterate(self, run: Run) -> Running:
        return _SlidingWindowRunning(self, self.inputs[0].start(run))

    def describe(self) -> str:
        return f"sliding_window({self.size}, shift={self.shift}, stride={self.stride})"


class _SlidingWindowRunning(Running):
    def __init__(self, stage: SlidingWindow, source: Running) -> None:
        self._stage = stage
        self._source = source
        self._held: list[Element] = []
        self._ended = False

    def next(self) -> Element | None:
        stage = self._stage
        reach = (stage.size - 1) * stage.stride + 1
        while len(self._held) < reach and not self._ended:
            element = self._source.next()
            if element is None:
                self._ended = True
            else:
                self._held.append(element)
        if not self._held or (stage.drop and len(self._held) < reach):
            return None
        window = self._held[:: stage.stride]
        beyond = stage.shift - len(self._held)
        del self._held[: stage.shift]
        if beyond > 0 and not self._ended and self._source.skip(beyond) < beyond:
            self._ended = True
        return stacked(window, stage.kind)

    def save(self) -> Any:
        return self._source.save(), list(self._held), self._ended

    def restore(self, position: Any) -> None:
        source, held, ended = position
        self._source.restore(source)
        self._held = [list(element) for element in held]
        self._ended = bool(ended)

    def close(self) -> None:
        self._source.close()


def _windows(
    kind: str, types: Any, shapes: Any, source: Any, size: Any, shift: Any, stride: Any, drop: bool
) -> SlidingWindow:
    numbers = []
    for name, value in (("size", size), ("shift", shift), ("stride", stride)):
        number = scalar(value, f"window_{name}")
        if number <= 0:
            raise invalid_argument(f"Window {name} must be greater than zero.")
        numbers.append(number)
    return SlidingWindow(kind, types, shapes, stage_in(source), numbers[0], numbers[1], numbers[2], drop)


_WINDOWS = "input_dataset: variant, window_size: int64, window_shift: int64, window_stride: int64"


@dataset_op("SlidingWindowDataset", _WINDOWS)
def sliding_window_dataset(
    input_dataset,
    window_size,
    window_shift,
    window_stride,
    *,
    drop_remainder: bool = True,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Makes a dataset of windows over another one, stacked."""
    kind, sizes = "SlidingWindowDataset", (window_size, window_shift, window_stride)
    return _windows(kind, output_types, output_shapes, input_dataset, *sizes, drop_remainder)


@dataset_op("ExperimentalSlidingWindowDataset", _WINDOWS)
def experimental_sliding_window_dataset(
    input_dataset, window_size, window_shift, window_stride, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of windows over another one, stacked."""
    kind, sizes = "ExperimentalSlidingWindowDataset", (window_size, window_shift, window_stride)
    return _windows(kind, output_types, output_shapes, input_dataset, *sizes, True)


_WINDOW_FORM: dict[str, Any] = {"output_types": ["int64"], "output_shapes": [(None,)]}


def _sliding_samples(s: Any) -> Any:
    for sizes in ((3, 1, 1), (2, 3, 1), (2, 1, 2), (2, 9, 1), (4, 2, 3)):
        yield s(_numbers(s), *sizes, **_WINDOW_FORM)
    for place in range(3):
        sizes = tuple(0 if index == place else 1 for index in range(3))
        yield s(_numbers(s), *sizes, error="InvalidArgumentError", **_WINDOW_FORM)


experimental_sliding_window_dataset.samples(_sliding_samples)


@sliding_window_dataset.samples
def _sliding_window_samples(s):
    yield from _sliding_samples(s)
    for sizes in ((3, 1, 1), (2, 3, 1), (2, 2, 2)):
        yield s(_numbers(s), *sizes, drop_remainder=False, **_WINDOW_FORM)


# Names of files.


def _define_matching_files(name: str) -> None:
    @dataset_op(name, "patterns: string", stateful=True)
    def matching(patterns):
        """Makes a dataset of the names of the files that match patterns, pattern by pattern, sorted."""
        found = [file for item in np.ravel(patterns) for file in sorted(file_system.matching(item))]
        elements = [[np.array(file.encode("utf-8", "surrogateescape"), object)] for file in found]
        return Elements(name, [dtypes.string], [()], elements)

    @matching.samples
    def _samples(s):
        here = os.fsencode(os.path.dirname(__file__))
        yield s(np.array([b"/nowhere/*", here + b"/[e-g]*.py", here + b"/earlier_form?.py"], object))
        yield s(np.array(here + b"/[bs]*.py", object))


for _name in _both("MatchingFilesDataset"):
    _define_matching_files(_name)


# What passes elements on.


def _with_scalar(input_dataset: Any, value: Any) -> tuple[int, ...]:
    check_scalar(value)
    return ()


def _define_passing(name: str) -> None:
    @dataset_op(name, "input_dataset: variant")
    def passing(input_dataset, *, output_types: list[DType], output_shapes: list[Shape]):
        """Makes a dataset of another one as it is."""
        return Passing(name, output_types, output_shapes, stage_in(input_dataset))

    @passing.samples
    def _samples(s):
        yield s(_numbers(s), **_NUMBERS)


def _define_measuring(name: str) -> None:
    @dataset_op(name, "input_dataset: variant, tag: string")
    def measuring(input_dataset, tag, *, output_types: list[DType], output_shapes: list[Shape]):
        """Makes a dataset of another one as it is; nobody asks here for what TensorFlow would measure."""
        scalar(tag, "tag")
        return Passing(name, output_types, output_shapes, stage_in(input_dataset))

    measuring.shape(_with_scalar)

    @measuring.samples
    def _samples(s):
        yield s(_numbers(s), b"tag", **_NUMBERS)
        yield s(_numbers(s), [b"tag"], error="InvalidArgumentError", **_NUMBERS)


def _define_fastest(name: str) -> None:
    @dataset_op(name, "input_datasets: N * variant", N=at_least(2))
    def fastest(input_datasets, *, num_experiments: int, output_types: list[DType], output_shapes: list[Shape]):
        """Makes a dataset of one of several that have the same elements."""
        sources = [stage_in(item) for item in input_datasets]
        counts = {source.cardinality() for source in sources} - {UNKNOWN}
        if len(counts) > 1:
            raise invalid_argument(f"The input datasets have different numbers of elements: {sorted(counts)}")
        return Passing(name, output_types, output_shapes, sources[0])

    @fastest.samples
    def _samples(s):
        yield s([_numbers(s), _numbers(s)], num_experiments=2, **_NUMBERS)


for _name in _both("NonSerializableDataset"):
    _define_passing(_name)
for _name in (*_both("BytesProducedStatsDataset"), *_both("LatencyStatsDataset")):
    _define_measuring(_name)
for _name in _both("ChooseFastestDataset"):
    _define_fastest(_name)


# Threads and time.


class ThreadPool:
    """Says how many threads a dataset asks for."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.threads = threads


def _define_threads(handle: str, dataset: str) -> None:
    @op(handle, "-> handle: resource", tier="host", stateful=True, differentiable=False)
    def pool(
        *, num_threads: int, max_intra_op_parallelism: int = 1, display_name: str, container: str = "",
        shared_name: str = "",
    ):  # fmt: skip
        """Makes a pool of threads for datasets."""
        return resource_handle(container, shared_name, ThreadPool, lambda: ThreadPool(display_name, num_threads))

    @pool.shape
    def _shape():
        return ()

    @pool.samples
    def _pool_samples(s):
        yield s(num_threads=2, display_name="threads", shared_name=f"sampled_{handle}")

    @dataset_op(dataset, "input_dataset: variant, thread_pool: resource", stateful=True)
    def with_pool(input_dataset, thread_pool, *, output_types: list[DType], output_shapes: list[Shape]):
        """Makes a dataset of another one, for which TensorFlow would keep the threads of a pool."""
        count = resource_in(thread_pool, ThreadPool).threads
        return _with_threads(dataset, input_dataset, count, "num_threads", output_types, output_shapes)

    @with_pool.samples
    def _samples(s):
        made = s.produced(handle, num_threads=2, display_name="threads", shared_name=f"sampled_{dataset}")
        yield s(_numbers(s), made, **_NUMBERS)


for _handle, _name in zip(_both("ThreadPoolHandle"), _both("ThreadPoolDataset"), strict=True):
    _define_threads(_handle, _name)


class Sleep(Passing):
    """Is its input, each element a while later."""

    is_light = False

    def __init__(self, kind: str, types: Any, shapes: Any, source: Stage, seconds: float) -> None:
        super().__init__(kind, types, shapes, source)
        self._seconds = seconds

    def table(self) -> None:
        return None

    def iterate(self, run: Run) -> Running:
        return _SleepRunning(self.inputs[0].start(run), self._seconds)


class _SleepRunning(Running):
    def __init__(self, source: Running, seconds: float) -> None:
        self._source = source
        self._seconds = seconds

    def next(self) -> Element | None:
        time.sleep(self._seconds)
        return self._source.next()

    def save(self) -> Any:
        return self._source.save()

    def restore(self, position: Any) -> None:
        self._source.restore(position)

    def close(self) -> None:
        self._source.close()


def _define_sleep(name: str) -> None:
    @dataset_op(name, "input_dataset: variant, sleep_microseconds: int64")
    def sleeping(input_dataset, sleep_microseconds, *, output_types: list[DType], output_shapes: list[Shape]):
        """Makes a dataset of another one that sleeps before each element."""
        wait = scalar(sleep_microseconds, "sleep_microseconds")
        if wait < 0:
            raise invalid_argument("`sleep_microseconds` must be >= 0")
        return Sleep(name, output_types, output_shapes, stage_in(input_dataset), wait * _MICROSECONDS)

    sleeping.shape(_with_scalar)

    @sleeping.samples
    def _samples(s):
        yield s(_numbers(s), 1, **_NUMBERS)
        yield s(_numbers(s), [1], error="InvalidArgumentError", **_NUMBERS)


for _name in _both("SleepDataset"):
    _define_sleep(_name)
