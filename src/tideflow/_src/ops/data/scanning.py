"""Datasets of what a function makes of elements one after the other: running states, a beginning, each only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, OpError, OutOfRangeError
from tideflow._src.core.logger import get_logger
from tideflow._src.graph.op_def import Function, Shape, at_least
from tideflow._src.ops.data.blocks import Reading
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.data.mapping import _FUNCTION, _NUMBER, _NUMBERS, Mapped, _call, _numbers, is_true
from tideflow._src.ops.data.stage import UNKNOWN, Run, Running, Stage, stage_in


class Scan(Mapped):
    """Is what a function makes of a state and each element, besides the next state.

    Args:
      arguments: as of a stage with a function.
      state: the components of the first state.
      keeps_cardinality: whether no call ends the dataset.
    """

    def __init__(self, *arguments: Any, state: Sequence[Any], keeps_cardinality: bool) -> None:
        super().__init__(*arguments)
        self.state = state
        self._keeps_cardinality = keeps_cardinality

    def cardinality(self) -> int:
        return self.inputs[0].cardinality() if self._keeps_cardinality else UNKNOWN

    def iterate(self, run: Run) -> Running:
        return _ScanRunning(self.inputs[0].start(run), self.call(run), self.state)


class _ScanRunning(Reading):
    def __init__(self, source: Running, call: Callable[[Element], Element], state: Sequence[Any]) -> None:
        super().__init__(source)
        self._call = call
        self._state = list(state)

    def next(self) -> Element | None:
        element = self._source.next()
        if element is None:
            return None
        found = self._call([*self._state, *element])
        count = len(self._state)
        self._state = list(found[:count])
        return list(found[count:])

    def save(self) -> Any:
        return self._source.save(), self._state

    def restore(self, position: Any) -> None:
        source, state = position
        self._source.restore(source)
        self._state = list(state)


class TakeWhile(Mapped):
    """Is the elements before the first that a function says no to."""

    def iterate(self, run: Run) -> Running:
        return _TakeWhileRunning(self.inputs[0].start(run), self.call(run), self.kind)


class _TakeWhileRunning(Reading):
    def __init__(self, source: Running, call: Callable[[Element], Element], kind: str) -> None:
        super().__init__(source)
        self._call = call
        self._kind = kind
        self._is_over = False

    def next(self) -> Element | None:
        element = None if self._is_over else self._source.next()
        if element is not None and is_true(self._call(element), self._kind):
            return element
        self._is_over = True
        return None

    def save(self) -> Any:
        return self._source.save(), self._is_over

    def restore(self, position: Any) -> None:
        source, self._is_over = position
        self._source.restore(source)


class Unique(Stage):
    """Is the elements that differ from all before them."""

    def cardinality(self) -> int:
        return 0 if self.inputs[0].cardinality() == 0 else UNKNOWN

    def iterate(self, run: Run) -> Running:
        return _UniqueRunning(self.inputs[0].start(run))


class _UniqueRunning(Reading):
    def __init__(self, source: Running) -> None:
        super().__init__(source)
        self._seen: dict[Any, Any] = {}

    def next(self) -> Element | None:
        while (element := self._source.next()) is not None:
            (value,) = element
            key = value.shape, tuple(np.ravel(value).tolist()) if value.dtype == object else value.tobytes()
            if key not in self._seen:
                self._seen[key] = value
                return element
        return None

    def save(self) -> Any:
        return self._source.save(), list(self._seen.values())

    def restore(self, position: Any) -> None:
        source, seen = position
        self._source.restore(source)
        for value in seen:
            array = np.asarray(value)
            key = array.shape, tuple(array.ravel().tolist()) if array.dtype == object else array.tobytes()
            self._seen[key] = value


class IgnoreErrors(Stage):
    """Is its input without the elements that fail.

    Args:
      kind, types, shapes, source: as of a stage.
      warns: whether failures are logged.
    """

    def __init__(self, kind: str, types: Any, shapes: Any, source: Stage, warns: bool) -> None:
        super().__init__(kind, types, shapes, [source])
        self._warns = warns

    def iterate(self, run: Run) -> Running:
        return _IgnoreErrorsRunning(self.inputs[0].start(run), self._warns)


class _IgnoreErrorsRunning(Reading):
    def __init__(self, source: Running, warns: bool) -> None:
        super().__init__(source)
        self._warns = warns

    def next(self) -> Element | None:
        while True:
            try:
                return self._source.next()
            except OutOfRangeError:
                raise
            except OpError as error:
                if self._warns:
                    get_logger().warning("Error raised with error message %s", error)


@dataset_op(
    "ScanDataset", "input_dataset: variant, initial_state: list(Tstate), other_arguments: list(Targuments)",
    Tstate=at_least(1), **_FUNCTION,
)  # fmt: skip
def scan_dataset(
    input_dataset,
    initial_state,
    other_arguments,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    preserve_cardinality: bool = False,
    use_default_device: bool = True,
    metadata: str = "",
):
    """Makes a dataset of what a function makes of a state and each element, besides the next state."""
    return Scan(
        "ScanDataset", output_types, output_shapes, stage_in(input_dataset), f, other_arguments,
        state=initial_state, keeps_cardinality=preserve_cardinality,
    )  # fmt: skip


@dataset_op(
    "ExperimentalScanDataset", "input_dataset: variant, initial_state: list(Tstate), other_arguments: list(Targuments)",
    Tstate=at_least(1), **_FUNCTION,
)  # fmt: skip
def experimental_scan_dataset(
    input_dataset,
    initial_state,
    other_arguments,
    *,
    f: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    preserve_cardinality: bool = False,
):
    """Makes a dataset of what a function makes of a state and each element, besides the next state."""
    return Scan(
        "ExperimentalScanDataset", output_types, output_shapes, stage_in(input_dataset), f, other_arguments,
        state=initial_state, keeps_cardinality=preserve_cardinality,
    )  # fmt: skip


@dataset_op("TakeWhileDataset", "input_dataset: variant, other_arguments: list(Targuments)", **_FUNCTION)
def take_while_dataset(
    input_dataset,
    other_arguments,
    *,
    predicate: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of the elements before the first that a function says no to."""
    source = stage_in(input_dataset)
    return TakeWhile("TakeWhileDataset", output_types, output_shapes, source, predicate, other_arguments)


@dataset_op("ExperimentalTakeWhileDataset", "input_dataset: variant, other_arguments: list(Targuments)", **_FUNCTION)
def experimental_take_while_dataset(
    input_dataset, other_arguments, *, predicate: Function, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of the elements before the first that a function says no to."""
    source = stage_in(input_dataset)
    return TakeWhile("ExperimentalTakeWhileDataset", output_types, output_shapes, source, predicate, other_arguments)


def _unique(kind: str, input_dataset: Any, types: Any, shapes: Any) -> Unique:
    source = stage_in(input_dataset)
    if len(source.types) != 1:
        raise InvalidArgumentError(None, None, "UniqueDataset only supports inputs with a single component.")
    if source.types[0] not in (dtypes.int32, dtypes.int64, dtypes.string):
        raise InvalidArgumentError(
            None,
            None,
            "UniqueDataset only supports a component of `tf.int32`, `tf.int64` or `tf.string`.",
        )
    return Unique(kind, types, shapes, [source])


@dataset_op("UniqueDataset", "input_dataset: variant")
def unique_dataset(input_dataset, *, output_types: list[DType], output_shapes: list[Shape], metadata: str = ""):
    """Makes a dataset of the elements of another that differ from all before them.

    Raises:
      InvalidArgumentError: elements are no single tensors of integers or strings.
    """
    return _unique("UniqueDataset", input_dataset, output_types, output_shapes)


@dataset_op("ExperimentalUniqueDataset", "input_dataset: variant")
def experimental_unique_dataset(input_dataset, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of the elements of another that differ from all before them."""
    return _unique("ExperimentalUniqueDataset", input_dataset, output_types, output_shapes)


@dataset_op("IgnoreErrorsDataset", "input_dataset: variant")
def ignore_errors_dataset(
    input_dataset, *, output_types: list[DType], output_shapes: list[Shape], log_warning: bool = False
):
    """Makes a dataset of the elements of another that do not fail."""
    return IgnoreErrors("IgnoreErrorsDataset", output_types, output_shapes, stage_in(input_dataset), log_warning)


@dataset_op("ExperimentalIgnoreErrorsDataset", "input_dataset: variant")
def experimental_ignore_errors_dataset(
    input_dataset, *, output_types: list[DType], output_shapes: list[Shape], log_warning: bool = False
):
    """Makes a dataset of the elements of another that do not fail."""
    source = stage_in(input_dataset)
    return IgnoreErrors("ExperimentalIgnoreErrorsDataset", output_types, output_shapes, source, log_warning)


def _scan_samples(s):
    step = s.body("step", lambda x, y: [_call("AddV2", x, y), _call("Mul", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(3)], [], f=step, **_NUMBERS)


scan_dataset.samples(_scan_samples)
experimental_scan_dataset.samples(_scan_samples)


def _take_while_samples(s):
    below = s.body("below", lambda x, y: [_call("Less", x, y)], _NUMBER, _NUMBER)
    yield s(_numbers(s), [np.int64(3)], predicate=below, **_NUMBERS)


take_while_dataset.samples(_take_while_samples)
experimental_take_while_dataset.samples(_take_while_samples)


def _unique_samples(s):
    rows = np.array([3, 4, 3, 5, 4])
    yield s(s.produced("TensorSliceDataset", [rows], output_shapes=[()]), **_NUMBERS)


unique_dataset.samples(_unique_samples)
experimental_unique_dataset.samples(_unique_samples)


def _ignore_errors_samples(s):
    divide = s.body("divide", lambda x: [_call("FloorDiv", _call("OnesLike", x), x)], _NUMBER)
    risky = s.produced("MapDataset", _numbers(s), [], f=divide, **_NUMBERS)
    yield s(risky, **_NUMBERS)


ignore_errors_dataset.samples(_ignore_errors_samples)
experimental_ignore_errors_dataset.samples(_ignore_errors_samples)
