"""Datasets of groups of the elements of another, and of the elements of several that another dataset chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Function, Shape, at_least
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.data.flattening import Successive, dataset_of
from tideflow._src.ops.data.mapping import _NUMBER, _NUMBERS, _call, _numbers
from tideflow._src.ops.data.sources import Elements
from tideflow._src.ops.data.stage import INFINITE, UNKNOWN, Run, Running, Stage, named, stage_in

#: A function and the values that it gets after its arguments.
Bound = tuple[Any, Sequence[Any]]


def _whole(results: Element, what: str, kind: str) -> int:
    """Returns the ``int64`` scalar that a function returned.

    Raises:
      InvalidArgumentError: it is something else.
    """
    if len(results) != 1 or results[0].dtype != np.int64 or results[0].ndim:
        raise named(InvalidArgumentError(None, None, f"{what} must return a scalar int64."), kind)
    return int(results[0])


class GroupByWindow(Stage):
    """Is the elements of the datasets that a function makes of windows of elements with one key.

    Args:
      kind, types, shapes, source: as of a stage.
      functions: those that give the key of an element, the dataset of a key and a window, the size of a key's windows.
    """

    is_light = False

    def __init__(self, kind: str, types: Any, shapes: Any, source: Stage, functions: Sequence[Bound]) -> None:
        super().__init__(kind, types, shapes, [source])
        self._functions = functions

    def iterate(self, run: Run) -> Running:
        calls = [run.function(self, *item) for item in self._functions]
        return _GroupByWindowRunning(self, self.inputs[0].start(run), calls, run)


class _GroupByWindowRunning(Successive):
    def __init__(
        self, stage: GroupByWindow, source: Running, calls: Sequence[Callable[[Element], Element]], run: Run
    ) -> None:
        self._stage = stage
        self._running = source
        self._source: Singles | None = Singles(source)
        self._key, self._reduce, self._size = calls
        self._run = run
        self._groups: dict[int, list[Element]] = {}
        self._sizes: dict[int, int] = {}
        self._window: tuple[int, list[Element]] | None = None

    def _open_next(self) -> bool:
        self._window = None
        window = self._next_window()
        if window is None:
            return False
        self._open(*window)
        return True

    def _next_window(self) -> tuple[int, list[Element]] | None:
        kind = self._stage.kind
        while self._source is not None:
            element = self._source.next()
            if element is None:
                self._source = None
                break
            key = _whole(self._key(element), "`key_func`", kind)
            if key not in self._sizes:
                size = _whole(self._size([np.int64(key)]), "`window_size_func`", kind)
                if size <= 0:
                    problem = f"Window size must be greater than zero, but got {size}."
                    raise named(InvalidArgumentError(None, None, problem), kind)
                self._sizes[key] = size
            group = self._groups.setdefault(key, [])
            group.append(element)
            if len(group) == self._sizes[key]:
                return key, self._groups.pop(key)
        if not self._groups:
            return None
        key = min(self._groups)
        return key, self._groups.pop(key)

    def _open(self, key: int, elements: list[Element]) -> None:
        source = self._stage.inputs[0]
        self._window = key, elements
        window = Elements("Window", source.types, source.shapes, elements)
        stage = dataset_of(self._reduce([np.int64(key), window]), self._stage.kind)
        self._current = Singles(stage.start(self._run))

    def save(self) -> Any:
        source = None if self._source is None else self._source.save()
        groups = [(key, self._sizes[key], self._groups.get(key, [])) for key in self._sizes]
        current = None if self._current is None else (self._window, self._current.save())
        return source, groups, current

    def restore(self, position: Any) -> None:
        source, groups, current = position
        for key, size, elements in groups:
            self._sizes[int(key)] = int(size)
            if elements:
                self._groups[int(key)] = [list(element) for element in elements]
        if current is not None:
            (key, elements), inner = current
            self._open(int(key), [list(element) for element in elements])
            assert self._current is not None
            self._current.restore(inner)
        if source is None:
            self._source = None
        else:
            assert self._source is not None
            self._source.restore(source)

    def close(self) -> None:
        if self._current is not None:
            self._current.running.close()
        self._running.close()


class GroupByReducer(Stage):
    """Is what functions make of all elements with one key, key by key.

    Args:
      kind, types, shapes, source: as of a stage.
      functions: those that give the key of an element, the first state of a key, the next state, and the result.
    """

    is_light = False

    def __init__(self, kind: str, types: Any, shapes: Any, source: Stage, functions: Sequence[Bound]) -> None:
        super().__init__(kind, types, shapes, [source])
        self._functions = functions

    def iterate(self, run: Run) -> Running:
        calls = [run.function(self, *item) for item in self._functions]
        return _GroupByReducerRunning(self.kind, self.inputs[0].start(run), calls)


class _GroupByReducerRunning(Running):
    def __init__(self, kind: str, source: Running, calls: Sequence[Callable[[Element], Element]]) -> None:
        self._kind = kind
        self._running = source
        self._key, self._begin, self._reduce, self._finish = calls
        self._states: dict[int, Element] | None = None
        self._left: list[int] = []

    def next(self) -> Element | None:
        if self._states is None:
            states: dict[int, Element] = {}
            source = Singles(self._running)
            while (element := source.next()) is not None:
                key = _whole(self._key(element), "`key_func`", self._kind)
                if key not in states:
                    states[key] = self._begin([np.int64(key)])
                states[key] = self._reduce([*states[key], *element])
            self._states = states
            self._left = sorted(states, reverse=True)
        if not self._left:
            return None
        return self._finish(self._states[self._left.pop()])

    def save(self) -> Any:
        if self._states is None:
            return None
        return [(key, self._states[key]) for key in self._left]

    def restore(self, position: Any) -> None:
        if position is not None:
            self._states = {int(key): list(state) for key, state in position}
            self._left = [int(key) for key, _ in position]

    def close(self) -> None:
        self._running.close()


class Directed(Stage):
    """Is the next elements of the datasets that the elements of another one number.

    Args:
      kind, types, shapes: as of a stage.
      selector: gives the numbers.
      sources: the datasets.
      stops: whether the end of one dataset is the end; else the number is passed over.
    """

    def __init__(
        self, kind: str, types: Any, shapes: Any, selector: Stage, sources: Sequence[Stage], stops: bool
    ) -> None:
        super().__init__(kind, types, shapes, [selector, *sources])
        self.stops = stops

    def cardinality(self) -> int:
        found = [stage.cardinality() for stage in self.inputs[1:]]
        if self.stops:
            return INFINITE if all(count == INFINITE for count in found) and self._chooses_for_ever else UNKNOWN
        return INFINITE if INFINITE in found and self._chooses_for_ever else UNKNOWN

    @property
    def _chooses_for_ever(self) -> bool:
        return self.inputs[0].cardinality() == INFINITE

    def iterate(self, run: Run) -> Running:
        return _DirectedRunning(self, [stage.start(run) for stage in self.inputs])


class _DirectedRunning(Running):
    def __init__(self, stage: Directed, running: Sequence[Running]) -> None:
        self._stage = stage
        self._running = running
        self._selector = Singles(running[0])
        self._sources: list[Singles | None] = [Singles(item) for item in running[1:]]
        self._is_over = False

    def next(self) -> Element | None:
        while not self._is_over and any(self._sources):
            choice = self._selector.next()
            if choice is None:
                break
            number = int(choice[0])
            if not 0 <= number < len(self._sources):
                problem = f"Selector index out of range: {number} >= {len(self._sources)}"
                raise named(InvalidArgumentError(None, None, problem), self._stage.kind)
            source = self._sources[number]
            if source is None:
                continue
            element = source.next()
            if element is not None:
                return element
            self._sources[number] = None
            if self._stage.stops:
                break
        self._is_over = True
        return None

    def save(self) -> Any:
        sources = [None if item is None else item.save() for item in self._sources]
        return self._selector.save(), sources, self._is_over

    def restore(self, position: Any) -> None:
        selector, sources, self._is_over = position
        self._selector.restore(selector)
        for number, saved in enumerate(sources):
            item = self._sources[number]
            if saved is None or item is None:
                self._sources[number] = None
            else:
                item.restore(saved)

    def close(self) -> None:
        for item in self._running:
            item.close()


_KEYED = {
    "Tkey_func_other_arguments": at_least(0),
    "Treduce_func_other_arguments": at_least(0),
}


@dataset_op(
    "GroupByWindowDataset",
    "input_dataset: variant, key_func_other_arguments: list(Tkey_func_other_arguments), "
    "reduce_func_other_arguments: list(Treduce_func_other_arguments), "
    "window_size_func_other_arguments: list(Twindow_size_func_other_arguments)",
    Twindow_size_func_other_arguments=at_least(0),
    **_KEYED,
)
def group_by_window_dataset(
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
    metadata: str = "",
):
    """Makes a dataset of the elements of the datasets that a function makes of windows of elements with one key."""
    functions = [
        (key_func, key_func_other_arguments),
        (reduce_func, reduce_func_other_arguments),
        (window_size_func, window_size_func_other_arguments),
    ]
    return GroupByWindow("GroupByWindowDataset", output_types, output_shapes, stage_in(input_dataset), functions)


@dataset_op(
    "GroupByReducerDataset",
    "input_dataset: variant, key_func_other_arguments: list(Tkey_func_other_arguments), "
    "init_func_other_arguments: list(Tinit_func_other_arguments), "
    "reduce_func_other_arguments: list(Treduce_func_other_arguments), "
    "finalize_func_other_arguments: list(Tfinalize_func_other_arguments)",
    stateful=True,
    Tinit_func_other_arguments=at_least(0),
    Tfinalize_func_other_arguments=at_least(0),
    **_KEYED,
)
def group_by_reducer_dataset(
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
    return GroupByReducer("GroupByReducerDataset", output_types, output_shapes, stage_in(input_dataset), functions)


@dataset_op(
    "DirectedInterleaveDataset", "selector_input_dataset: variant, data_input_datasets: N * variant", N=at_least(1)
)
def directed_interleave_dataset(
    selector_input_dataset,
    data_input_datasets,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    stop_on_empty_dataset: bool = False,
):
    """Makes a dataset of the next elements of the datasets that the elements of another one number."""
    selector, sources = stage_in(selector_input_dataset), [stage_in(item) for item in data_input_datasets]
    return Directed("DirectedInterleaveDataset", output_types, output_shapes, selector, sources, stop_on_empty_dataset)


@group_by_window_dataset.samples
def _group_by_window_samples(s):
    key = s.body("key", lambda x: [_call("FloorMod", x, _call("AddV2", _call("OnesLike", x), _call("OnesLike", x)))],
                 _NUMBER)  # fmt: skip
    size = s.body("size", lambda key, three: [three], _NUMBER, _NUMBER)
    window = s.body("window", lambda key, window: [window], _NUMBER, ("variant", ()))
    yield s(_numbers(s), [], [], [np.int64(3)], key_func=key, reduce_func=window, window_size_func=size, **_NUMBERS)


@group_by_reducer_dataset.samples
def _group_by_reducer_samples(s):
    key = s.body("key", lambda x, two: [_call("FloorMod", x, two)], _NUMBER, _NUMBER)
    begin = s.body("begin", lambda key: [_call("OnesLike", key)], _NUMBER)
    add = s.body("add", lambda x, y: [_call("AddV2", x, y)], _NUMBER, _NUMBER)
    end = s.body("end", lambda x: [_call("Square", x)], _NUMBER)
    yield s(
        _numbers(s), [np.int64(2)], [], [], [], key_func=key, init_func=begin, reduce_func=add, finalize_func=end,
        **_NUMBERS,
    )  # fmt: skip


@directed_interleave_dataset.samples
def _directed_samples(s):
    choices = s.produced("TensorSliceDataset", [np.array([0, 1, 1, 0, 1])], output_shapes=[()])
    short = s.produced("RangeDataset", 10, 12, 1, **_NUMBERS)
    for stops in (False, True):
        yield s(choices, [_numbers(s), short], stop_on_empty_dataset=stops, **_NUMBERS)
