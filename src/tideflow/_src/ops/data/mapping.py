"""Datasets of what functions make of the elements of others, and of the elements that a function chooses."""

from __future__ import annotations

import queue
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Function, OpDef, Shape, at_least
from tideflow._src.ops.data.blocks import Reading, Singles
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, dtype_of, fits, scalar, shape_text
from tideflow._src.ops.data.light_functions import is_light, knows_sizes
from tideflow._src.ops.data.stage import UNKNOWN, Run, Running, Stage, named, stage_in
from tideflow._src.ops.data.workers import Task, Workers, parallelism
from tideflow._src.runtime.op import op


class Mapped(Stage):
    """Is a stage that calls a function on the elements of its input.

    Args:
      kind, types, shapes, source: as of a stage.
      function: the function.
      captured: the values that it gets after the components of an element.
    """

    is_light = False

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, function: Any,
        captured: Sequence[Any],
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes, [source])
        self._function = function
        self._captured = captured

    @property
    def function_name(self) -> str:
        """The name of the Python function, if it was one."""
        name: str = self._function.name
        found = re.fullmatch(r"__inference_Dataset_[a-z]+_(.*)_[0-9]+", name)
        return name if found is None else found[1].replace("_lambda_", "lambda")

    def operations_called(self) -> Sequence[Any]:
        """Returns the operations of the function."""
        return list(self._function.get_operations())

    def call(self, run: Run) -> Callable[[Element], Element]:
        """Returns the function of this stage in an iterator."""
        return run.function(self, self._function, self._captured)


class Map(Mapped):
    """Is what a function makes of each element."""

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    @property
    def is_light(self) -> bool:  # type: ignore[override]
        return self.inputs[0].is_light and is_light(self._function)

    @property
    def is_light_after_first(self) -> bool:
        return super().is_light_after_first or (self.inputs[0].is_light_after_first and is_light(self._function))

    def iterate(self, run: Run) -> Running:
        return _MapRunning(self.inputs[0].start(run), self.call(run))

    def describe(self) -> str:
        return f"map({self.function_name})"


class _MapRunning(Reading):
    def __init__(self, source: Running, call: Callable[[Element], Element]) -> None:
        super().__init__(source)
        self._call = call

    def next(self) -> Element | None:
        element = self._source.next()
        if element is None:
            return None
        return self._call(element)


class ParallelMap(Map):
    """Is what a function makes of each element, called in several threads."""

    def __init__(self, *arguments: Any, calls: int, deterministic: bool | None) -> None:
        super().__init__(*arguments)
        self._calls = calls
        self._deterministic = deterministic

    def iterate(self, run: Run) -> Running:
        source, call = self.inputs[0].start(run), self.call(run)
        count = parallelism(self._calls, run.options.private_threads)
        knows = knows_sizes(self._function)
        if count == 1 or (knows and is_light(self._function)):
            return _MapRunning(source, call)
        in_order = run.options.deterministic if self._deterministic is None else self._deterministic
        return _ParallelMapRunning(source, call, count, in_order is not False, None if knows else self._is_light_for)

    def _is_light_for(self, element: Element) -> bool:
        return is_light(self._function, tuple([item.shape for item in (*element, *self._captured)]))

    def describe(self) -> str:
        calls = "AUTOTUNE" if self._calls == -1 else self._calls
        return f"map({self.function_name}, num_parallel_calls={calls})"


class _ParallelMapRunning(Running):
    """Keeps so many calls under way; the input is read by who asks for elements.

    Args:
      source, call: the input, and what makes an element of one of its own.
      count: how many calls are under way.
      in_order: whether elements come in the order of the input.
      is_light_for: tells whether a call for an element is worth no thread; None if all are worth one.
    """

    def __init__(
        self,
        source: Running,
        call: Callable[[Element], Element],
        count: int,
        in_order: bool,
        is_light_for: Callable[[Element], bool] | None = None,
    ) -> None:
        self._running = source
        self._source: Singles | None = Singles(source)
        self._call = call
        self._count = count
        self._workers = Workers(count, "map")
        self._waiting: deque[Task] | None = deque() if in_order else None
        self._done: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._under_way = 0
        self._is_light_for = is_light_for
        self._problem: BaseException | None = None

    def next(self) -> Element | None:
        if self._is_light_for is not None and self._source is not None and not self._under_way:
            # No thread has a call to make: so the order is kept.
            element = self._source.next()
            if element is None:
                self._source = None
                return None
            if self._is_light_for(element):
                return self._call(element)
            self._submit(element)
        while self._source is not None and self._under_way < self._count:
            self._begin_one(self._source)
        if not self._under_way:
            if self._problem is not None:
                problem, self._problem = self._problem, None
                raise problem
            return None
        self._under_way -= 1
        task = self._waiting.popleft() if self._waiting is not None else self._done.get()
        return task.result()  # type: ignore[no-any-return]

    def _begin_one(self, source: Singles) -> None:
        if self._problem is not None and self._under_way:
            self._source = None
            return
        try:
            element = source.next()
        except Exception as error:
            # What came before it is given first.
            if not self._under_way:
                raise
            task = Task(_raising(error), self._done.put)
            self._keep(task)
            task.run()
            return
        if element is None:
            self._source = None
        else:
            self._submit(element)

    def _submit(self, element: Element) -> None:
        call = self._call
        task = Task(lambda: call(element), None if self._waiting is not None else self._done.put)
        self._keep(task)
        self._workers.submit(task)

    def _keep(self, task: Task) -> None:
        self._under_way += 1
        if self._waiting is not None:
            self._waiting.append(task)

    def save(self) -> Any:
        ready = []
        while self._under_way:
            self._under_way -= 1
            task = self._waiting.popleft() if self._waiting is not None else self._done.get()
            ready.append(task.result())
        for element in ready:
            task = Task(_returning(element), None if self._waiting is not None else self._done.put)
            self._keep(task)
            task.run()
        return ready, None if self._source is None else self._source.save()

    def restore(self, position: Any) -> None:
        ready, source = position
        for element in ready:
            task = Task(_returning(list(element)), None if self._waiting is not None else self._done.put)
            self._keep(task)
            task.run()
        if source is None:
            self._source = None
        else:
            assert self._source is not None
            self._source.restore(source)

    def close(self) -> None:
        self._workers.close()
        self._running.close()


def _raising(error: Exception) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


def _returning(element: Element) -> Callable[[], Any]:
    return lambda: element


class Filter(Mapped):
    """Is the elements that a function says yes to."""

    def cardinality(self) -> int:
        return 0 if self.inputs[0].cardinality() == 0 else UNKNOWN

    def iterate(self, run: Run) -> Running:
        return _FilterRunning(self.inputs[0].start(run), self.call(run), self.kind)

    def describe(self) -> str:
        return f"filter({self.function_name})"


class _FilterRunning(Reading):
    def __init__(self, source: Running, call: Callable[[Element], Element], kind: str) -> None:
        super().__init__(source)
        self._call = call
        self._kind = kind

    def next(self) -> Element | None:
        while True:
            element = self._source.next()
            if element is None:
                return None
            if is_true(self._call(element), self._kind):
                return element


def is_true(results: Element, kind: str) -> bool:
    """Returns the answer of a predicate.

    Raises:
      InvalidArgumentError: it is no truth value.
    """
    if len(results) != 1 or results[0].dtype != np.bool_ or results[0].ndim:
        problem = "Filter predicate `f` must return a scalar bool."
        raise named(InvalidArgumentError(None, None, problem), kind)
    return bool(results[0])


_FUNCTION = {"Targuments": at_least(0)}


@dataset_op("MapDataset", "input_dataset: variant, other_arguments: list(Targuments)", **_FUNCTION)
def map_dataset(
    input_dataset,
    other_arguments,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    use_inter_op_parallelism: bool = True,
    preserve_cardinality: bool = False,
    force_synchronous: bool = False,
    metadata: str = "",
):
    """Makes a dataset of what a function makes of each element."""
    return Map("MapDataset", output_types, output_shapes, stage_in(input_dataset), f, other_arguments)


@dataset_op("ExperimentalMapDataset", "input_dataset: variant, other_arguments: list(Targuments)", **_FUNCTION)
def experimental_map_dataset(
    input_dataset,
    other_arguments,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    use_inter_op_parallelism: bool = True,
    preserve_cardinality: bool = False,
    force_synchronous: bool = False,
):
    """Makes a dataset of what a function makes of each element."""
    return Map("ExperimentalMapDataset", output_types, output_shapes, stage_in(input_dataset), f, other_arguments)


def calls_asked_for(number: Any) -> int:
    """Returns the number of parallel calls that a tensor asks for.

    Raises:
      InvalidArgumentError: it is neither positive nor -1.
    """
    count: int = scalar(number, "num_parallel_calls")
    if count <= 0 and count != -1:
        raise InvalidArgumentError(None, None, "num_parallel_calls must be greater than zero.")
    return count


def order_asked_for(deterministic: Any) -> bool | None:
    """Returns whether the order is to be kept: what the attribute ``deterministic`` says, None for the default.

    Raises:
      InvalidArgumentError: it says neither.
    """
    text = deterministic.decode() if isinstance(deterministic, bytes) else deterministic
    if text not in ("true", "false", "default"):
        raise InvalidArgumentError(None, None, f"deterministic must be 'true', 'false' or 'default', but is {text!r}.")
    return {"true": True, "false": False, "default": None}[text]


@dataset_op(
    "ParallelMapDataset", "input_dataset: variant, other_arguments: list(Targuments), num_parallel_calls: int32",
    **_FUNCTION,
)  # fmt: skip
def parallel_map_dataset(
    input_dataset,
    other_arguments,
    num_parallel_calls,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    use_inter_op_parallelism: bool = True,
    sloppy: bool = False,
    preserve_cardinality: bool = False,
    metadata: str = "",
):
    """Makes a dataset of what a function makes of each element, called in several threads."""
    return ParallelMap(
        "ParallelMapDataset", output_types, output_shapes, stage_in(input_dataset), f, other_arguments,
        calls=calls_asked_for(num_parallel_calls), deterministic=False if sloppy else None,
    )  # fmt: skip


@dataset_op(
    "ParallelMapDatasetV2", "input_dataset: variant, other_arguments: list(Targuments), num_parallel_calls: int64",
    **_FUNCTION,
)  # fmt: skip
def parallel_map_dataset_v2(
    input_dataset,
    other_arguments,
    num_parallel_calls,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    use_inter_op_parallelism: bool = True,
    deterministic: str = "default",
    preserve_cardinality: bool = False,
    use_unbounded_threadpool: bool = False,
    metadata: str = "",
):
    """Makes a dataset of what a function makes of each element, called in several threads."""
    return ParallelMap(
        "ParallelMapDatasetV2", output_types, output_shapes, stage_in(input_dataset), f, other_arguments,
        calls=calls_asked_for(num_parallel_calls), deterministic=order_asked_for(deterministic),
    )  # fmt: skip


@dataset_op("FilterDataset", "input_dataset: variant, other_arguments: list(Targuments)", **_FUNCTION)
def filter_dataset(
    input_dataset,
    other_arguments,
    *,
    predicate: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements that a function says yes to."""
    return Filter("FilterDataset", output_types, output_shapes, stage_in(input_dataset), predicate, other_arguments)


@dataset_op(
    "ParallelFilterDataset", "input_dataset: variant, other_arguments: list(Targuments), num_parallel_calls: int64",
    **_FUNCTION,
)  # fmt: skip
def parallel_filter_dataset(
    input_dataset,
    other_arguments,
    num_parallel_calls,
    *,
    predicate: Function,
    deterministic: str = "default",
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements that a function says yes to."""
    scalar(num_parallel_calls, "num_parallel_calls")
    order_asked_for(deterministic)
    source = stage_in(input_dataset)
    return Filter("ParallelFilterDataset", output_types, output_shapes, source, predicate, other_arguments)


@op(
    "ReduceDataset",
    "input_dataset: variant, initial_state: list(Tstate), other_arguments: list(Targuments) "
    "-> components: list(output_types)",
    tier="host",
    stateful=True,
    differentiable=False,
    Tstate=at_least(1),
    Targuments=at_least(0),
    output_types=at_least(1),
    output_shapes=at_least(1),
)
def reduce_dataset(
    input_dataset,
    initial_state,
    other_arguments,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    use_inter_op_parallelism: bool = True,
    metadata: str = "",
):
    """Returns what a function makes of a state and of all elements, one after the other."""
    stage = stage_in(input_dataset)
    run = Run(stage.options)
    call = run.function(Stage("ReduceDataset", output_types, output_shapes), f, other_arguments)
    for index, (value, dtype, shape) in enumerate(zip(initial_state, output_types, output_shapes, strict=True)):
        if dtype_of(value) is not dtype:
            raise InvalidArgumentError(
                None, None, f"Type mismatch: the initial state has {dtype_of(value).name} at component {index}, where "
                f"{dtype.name} is expected.",
            )  # fmt: skip
        if not fits(shape, value.shape):
            raise InvalidArgumentError(
                None, None, f"Incompatible shapes at component {index}: expected {shape_text(shape)} but got "
                f"{shape_text(value.shape)}.",
            )  # fmt: skip
    running = stage.start(run)
    source = Singles(running)
    state = list(initial_state)
    try:
        while (element := source.next()) is not None:
            state = call([*state, *element])
    finally:
        running.close()
    return state


@reduce_dataset.shape
def _reduce_shape(input_dataset, initial_state, other_arguments, *, output_shapes):
    return list(output_shapes)


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}
_NUMBER = ("int64", ())


def _numbers(s: Any) -> Any:
    return s.produced("RangeDataset", 0, 7, 1, **_NUMBERS)


def _call(name: str, *inputs: Any) -> Any:
    operation: Any = OpDef.registry[name]
    return operation(*inputs)


def _map_samples(s):
    square = s.body("square", lambda x: [_call("Square", x)], _NUMBER)
    times = s.body("times", lambda x, y: [_call("Mul", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [], f=square, **_NUMBERS)
    yield s(_numbers(s), [np.int64(3)], f=times, **_NUMBERS)


map_dataset.samples(_map_samples)
experimental_map_dataset.samples(_map_samples)


@parallel_map_dataset.samples
def _parallel_map_samples(s):
    times = s.body("times", lambda x, y: [_call("Mul", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(3)], 3, f=times, **_NUMBERS)


@parallel_map_dataset_v2.samples
def _parallel_map_v2_samples(s):
    times = s.body("times", lambda x, y: [_call("Mul", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(3)], 3, f=times, deterministic="true", **_NUMBERS)
    yield s(_numbers(s), [np.int64(3)], 0, f=times, error="InvalidArgumentError", **_NUMBERS)


@filter_dataset.samples
def _filter_samples(s):
    above = s.body("above", lambda x, y: [_call("Greater", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(3)], predicate=above, **_NUMBERS)


@parallel_filter_dataset.samples
def _parallel_filter_samples(s):
    above = s.body("above", lambda x, y: [_call("Greater", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(3)], 2, predicate=above, deterministic="true", **_NUMBERS)


@reduce_dataset.samples
def _reduce_samples(s):
    add = s.body("add", lambda x, y: [_call("AddV2", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(100)], [], f=add, **_NUMBERS)
