"""Datasets of the elements of datasets that a function makes: one after the other, or in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Function, OpDef, Shape
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.light_functions import is_light, makes_light_datasets
from tideflow._src.ops.data.mapping import _FUNCTION, _NUMBER, _NUMBERS, Mapped, calls_asked_for, order_asked_for
from tideflow._src.ops.data.prefetching import Prefetched
from tideflow._src.ops.data.stage import UNKNOWN, Run, Running, Stage, named, stage_in
from tideflow._src.ops.data.workers import parallelism


class FlatMap(Mapped):
    """Is the elements of the datasets that a function makes, one dataset after the other."""

    def cardinality(self) -> int:
        return 0 if self.inputs[0].cardinality() == 0 else UNKNOWN

    @property
    def is_light_after_first(self) -> bool:
        source = self.inputs[0]
        is_called_lightly = 0 <= source.cardinality() <= 1 or (source.is_light_after_first and is_light(self._function))
        return is_called_lightly and makes_light_datasets(self._function)

    def iterate(self, run: Run) -> Running:
        return _FlatMapRunning(self.inputs[0].start(run), self.call(run), run, self.kind)

    def describe(self) -> str:
        return f"flat_map({self.function_name})"


def dataset_of(results: Element, kind: str) -> Stage:
    """Returns the dataset that a function returned.

    Raises:
      InvalidArgumentError: it is none.
    """
    try:
        (value,) = results
        return stage_in(value)
    except ValueError:
        problem = f"Function must return a single dataset, but returned {len(results)} values."
        raise named(InvalidArgumentError(None, None, problem), kind) from None
    except InvalidArgumentError as error:
        raise named(error, kind) from None


class Successive(Running):
    """Gives the elements of the datasets that :meth:`_open_next` makes current, one dataset after the other."""

    _current: Singles | None = None

    def _open_next(self) -> bool:
        """Makes the next dataset current; tells whether there was one."""
        raise AssertionError

    def next(self) -> Element | None:
        while True:
            if self._current is not None:
                element = self._current.next()
                if element is not None:
                    return element
                self._current.running.close()
                self._current = None
            if not self._open_next():
                return None


class _FlatMapRunning(Successive):
    def __init__(self, source: Running, call: Callable[[Element], Element], run: Run, kind: str) -> None:
        self._running = source
        self._source = Singles(source)
        self._call = call
        self._run = run
        self._kind = kind
        self._given: Element | None = None

    def _open_next(self) -> bool:
        self._given = None
        given = self._source.next()
        if given is None:
            return False
        self._open(given)
        return True

    def _open(self, given: Element) -> None:
        self._given = given
        stage = dataset_of(self._call(given), self._kind)
        self._current = Singles(stage.start(self._run))

    def save(self) -> Any:
        inner = None if self._current is None else (self._given, self._current.save())
        return inner, self._source.save()

    def restore(self, position: Any) -> None:
        inner, source = position
        self._source.restore(source)
        if inner is not None:
            self._open(list(inner[0]))
            assert self._current is not None
            self._current.restore(inner[1])

    def close(self) -> None:
        if self._current is not None:
            self._current.running.close()
        self._running.close()


class Interleave(Mapped):
    """Is the elements of the datasets that a function makes, some of these in turn.

    Args:
      arguments: as of a stage with a function.
      cycle_length: how many datasets take turns.
      block_length: how many elements each gives in a turn.
      calls: how many datasets are read ahead by threads; 0 for none.
    """

    def __init__(self, *arguments: Any, cycle_length: int, block_length: int, calls: int = 0) -> None:
        super().__init__(*arguments)
        self._cycle_length = cycle_length
        self._block_length = block_length
        self._calls = calls

    def cardinality(self) -> int:
        return 0 if self.inputs[0].cardinality() == 0 else UNKNOWN

    def iterate(self, run: Run) -> Running:
        return _InterleaveRunning(self, self.inputs[0].start(run), self.call(run), run)

    @property
    def cycle_length(self) -> int:
        """How many datasets take turns."""
        return parallelism(-1) if self._cycle_length == -1 else self._cycle_length

    @property
    def block_length(self) -> int:
        """How many elements each gives in a turn."""
        return self._block_length

    def opened(self, stage: Stage, run: Run) -> Running:
        """Starts one of the datasets; reading ahead in a thread if that is asked for and gains something."""
        running = stage.start(run)
        if not self._calls or stage.is_light:
            return running
        return Prefetched(running, max(2 * self._block_length, 16), self.kind)

    def describe(self) -> str:
        parallel = f", num_parallel_calls={'AUTOTUNE' if self._calls == -1 else self._calls}" if self._calls else ""
        return f"interleave({self.function_name}, cycle_length={self.cycle_length}{parallel})"


class _InterleaveRunning(Running):
    def __init__(self, stage: Interleave, source: Running, call: Callable[[Element], Element], run: Run) -> None:
        self._stage = stage
        self._running = source
        self._source: Singles | None = Singles(source)
        self._call = call
        self._run = run
        self._cycle: list[tuple[Element, Singles] | None] = [None] * stage.cycle_length
        self._turn = 0
        self._in_block = 0
        self._open = 0

    def next(self) -> Element | None:
        while self._source is not None or self._open:
            current = self._cycle[self._turn]
            if current is None:
                self._open_one()
                continue
            element = current[1].next()
            if element is not None:
                self._in_block += 1
                if self._in_block == self._stage.block_length:
                    self._advance()
                return element
            current[1].running.close()
            self._cycle[self._turn] = None
            self._open -= 1
            self._advance()
        return None

    def _advance(self) -> None:
        self._in_block = 0
        self._turn = (self._turn + 1) % len(self._cycle)

    def _open_one(self) -> None:
        given = None if self._source is None else self._source.next()
        if given is None:
            self._source = None
            self._advance()
            return
        self._cycle[self._turn] = self._started(given)
        self._open += 1

    def _started(self, given: Element) -> tuple[Element, Singles]:
        stage = dataset_of(self._call(given), self._stage.kind)
        return given, Singles(self._stage.opened(stage, self._run))

    def save(self) -> Any:
        cycle = [None if item is None else (item[0], item[1].save()) for item in self._cycle]
        return cycle, self._turn, self._in_block, None if self._source is None else self._source.save()

    def restore(self, position: Any) -> None:
        cycle, turn, in_block, source = position
        self._turn, self._in_block, self._open = int(turn), int(in_block), 0
        for index, item in enumerate(cycle):
            if item is not None:
                started = self._started(list(item[0]))
                started[1].restore(item[1])
                self._cycle[index] = started
                self._open += 1
        if source is None:
            self._source = None
        else:
            assert self._source is not None
            self._source.restore(source)

    def close(self) -> None:
        for item in self._cycle:
            if item is not None:
                item[1].running.close()
        self._running.close()


@dataset_op("FlatMapDataset", "input_dataset: variant, other_arguments: list(Targuments)", **_FUNCTION)
def flat_map_dataset(
    input_dataset,
    other_arguments,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes."""
    return FlatMap("FlatMapDataset", output_types, output_shapes, stage_in(input_dataset), f, other_arguments)


def _interleaved(
    kind: str, types: Any, shapes: Any, source: Any, function: Any, captured: Any, cycle_length: Any,
    block_length: Any, calls: int = 0,
) -> Interleave:  # fmt: skip
    cycle, block = scalar(cycle_length, "cycle_length"), scalar(block_length, "block_length")
    if cycle <= 0 and cycle != -1:
        raise InvalidArgumentError(None, None, "cycle_length must be greater than zero.")
    if block <= 0:
        raise InvalidArgumentError(None, None, "block_length must be greater than zero.")
    if calls > cycle > 0:
        raise InvalidArgumentError(
            None, None, "If `cycle_length` is set to a fixed value, `num_parallel_calls` must be either "
            "`tf.data.AUTOTUNE` or a value less than or equal to `cycle_length`. However, `num_parallel_calls` is set "
            f"to {calls} while `cycle_length` is set to {cycle}.",
        )  # fmt: skip
    return Interleave(
        kind, types, shapes, stage_in(source), function, captured, cycle_length=cycle, block_length=block, calls=calls
    )


_CYCLE = "input_dataset: variant, other_arguments: list(Targuments), cycle_length: int64, block_length: int64"


@dataset_op("InterleaveDataset", _CYCLE, **_FUNCTION)
def interleave_dataset(
    input_dataset,
    other_arguments,
    cycle_length,
    block_length,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes, some of these in turn."""
    return _interleaved(
        "InterleaveDataset", output_types, output_shapes, input_dataset, f, other_arguments, cycle_length, block_length
    )


@dataset_op("ParallelInterleaveDatasetV2", f"{_CYCLE}, num_parallel_calls: int64", **_FUNCTION)
def parallel_interleave_dataset_v2(
    input_dataset,
    other_arguments,
    cycle_length,
    block_length,
    num_parallel_calls,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    sloppy: bool = False,
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes, some of these in turn, read by threads."""
    return _interleaved(
        "ParallelInterleaveDatasetV2", output_types, output_shapes, input_dataset, f, other_arguments, cycle_length,
        block_length, calls_asked_for(num_parallel_calls),
    )  # fmt: skip


@dataset_op("ParallelInterleaveDatasetV3", f"{_CYCLE}, num_parallel_calls: int64", **_FUNCTION)
def parallel_interleave_dataset_v3(
    input_dataset,
    other_arguments,
    cycle_length,
    block_length,
    num_parallel_calls,
    *,
    f: Function,
    deterministic: str = "default",
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes, some of these in turn, read by threads."""
    order_asked_for(deterministic)
    return _interleaved(
        "ParallelInterleaveDatasetV3", output_types, output_shapes, input_dataset, f, other_arguments, cycle_length,
        block_length, calls_asked_for(num_parallel_calls),
    )  # fmt: skip


@dataset_op(
    "ParallelInterleaveDatasetV4",
    f"{_CYCLE}, buffer_output_elements: int64, prefetch_input_elements: int64, num_parallel_calls: int64",
    **_FUNCTION,
)
def parallel_interleave_dataset_v4(
    input_dataset,
    other_arguments,
    cycle_length,
    block_length,
    buffer_output_elements,
    prefetch_input_elements,
    num_parallel_calls,
    *,
    f: Function,
    deterministic: str = "default",
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes, some of these in turn, read by threads."""
    order_asked_for(deterministic)
    for name, value in (
        ("buffer_output_elements", buffer_output_elements),
        ("prefetch_input_elements", prefetch_input_elements),
    ):
        count = scalar(value, name)
        if count < -1 or (count == 0 and name == "buffer_output_elements"):
            raise InvalidArgumentError(None, None, f"`{name}` must be -1 (AUTOTUNE) or a positive number, not {count}.")
    return _interleaved(
        "ParallelInterleaveDatasetV4", output_types, output_shapes, input_dataset, f, other_arguments, cycle_length,
        block_length, calls_asked_for(num_parallel_calls),
    )  # fmt: skip


def _repeated(s: Any) -> Any:
    """Returns a function that makes a dataset of a number and its successor."""

    def body(number: Any) -> list[Any]:
        registry: Any = OpDef.registry
        after = registry["AddV2"](number, np.int64(2))
        return [registry["RangeDataset"](number, after, np.int64(1), **_NUMBERS)]

    return s.body("repeated", body, _NUMBER)


def _numbers(s: Any) -> Any:
    return s.produced("RangeDataset", 0, 5, 1, **_NUMBERS)


@flat_map_dataset.samples
def _flat_map_samples(s):
    yield s(_numbers(s), [], f=_repeated(s), **_NUMBERS)


@interleave_dataset.samples
def _interleave_samples(s):
    yield s(_numbers(s), [], 2, 1, f=_repeated(s), **_NUMBERS)
    yield s(_numbers(s), [], 3, 2, f=_repeated(s), **_NUMBERS)
    yield s(_numbers(s), [], 0, 2, f=_repeated(s), error="InvalidArgumentError", **_NUMBERS)


@parallel_interleave_dataset_v2.samples
def _parallel_interleave_v2_samples(s):
    yield s(_numbers(s), [], 2, 1, 2, f=_repeated(s), **_NUMBERS)


@parallel_interleave_dataset_v3.samples
def _parallel_interleave_v3_samples(s):
    yield s(_numbers(s), [], 2, 1, 2, f=_repeated(s), deterministic="true", **_NUMBERS)


@parallel_interleave_dataset_v4.samples
def _parallel_interleave_v4_samples(s):
    yield s(_numbers(s), [], 2, 1, 4, 4, 2, f=_repeated(s), deterministic="true", **_NUMBERS)
