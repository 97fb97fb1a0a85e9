"""Defines ``Stage``, a dataset as a value, and ``Running``, what goes over one.

A stage is what a ``variant`` tensor of a dataset holds: an immutable description of where elements come from, made by
one operation, with the stages before it. ``Stage.iterate`` starts it: a running stage has a position, gives one element
at a time, and where it can, many at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, OpError, UnimplementedError
from tideflow._src.core.variant_array import Variant
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.data.pipeline_options import PipelineOptions
from tideflow._src.runtime import effects
from tideflow._src.runtime.buffers import resources, this_thread
from tideflow._src.runtime.state import RunState

INFINITE = -1
UNKNOWN = -2
_NO_OPTIONS = PipelineOptions()


class Stage(Variant):
    """Is a dataset: what one operation on datasets returns.

    Args:
      kind: the name of the operation, which messages show.
      types: the dtype of each component of an element.
      shapes: their static shapes.
      inputs: the stages that it reads.

    A subclass gives ``iterate`` and, where it can tell, ``cardinality``.
    """

    #: Whether each start of it draws from a generator of seeds, which is then its ``generator``.
    takes_seeds = False
    generator: Any = None
    #: The operation that made it, what it was given, and its attributes; None of one that a running stage made.
    made_by: tuple[str, Sequence[Any], dict[str, Any]] | None = None

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], inputs: Sequence[Stage] = ()
    ) -> None:
        self.kind = kind
        self.types = tuple(types)
        self.shapes = tuple(shapes)
        self.inputs = tuple(inputs)

    def cardinality(self) -> int:
        """Returns the number of elements, ``INFINITE`` or ``UNKNOWN``."""
        return UNKNOWN

    def operations_called(self) -> Sequence[Any]:
        """Returns the operations of the function that the stage calls."""
        return ()

    def iterate(self, run: Run) -> Running:
        """Starts the stage.

        Args:
          run: what the running stages of one iterator have in common.
        """
        raise UnimplementedError(None, None, f"{self.kind} cannot be iterated over.")

    def start(self, run: Run) -> Running:
        """Starts the stage, measured if the iterator asks for that: the way in which stages start their inputs."""
        running = self.iterate(run)
        return running if run.clock is None else run.clock.measured(self, running)

    def table(self) -> RowTable | None:
        """Returns the elements as rows that can be had in any order, where that costs nothing; else None."""
        return None

    @property
    def is_light(self) -> bool:
        """Whether elements are had without calling functions or reading files: then looking ahead gains nothing."""
        return all(stage.is_light for stage in self.inputs)

    @property
    def is_light_after_first(self) -> bool:
        """Whether that is so of all elements but the first: a thread that begins with it is no earlier than its reader.

        A stage that reads its input again and again has several such elements.
        """
        return self.is_light or 0 <= self.cardinality() <= 1

    @property
    def starts_at_once(self) -> bool:
        """Whether something depends on when the stage starts; else it does so when its first element is asked for."""
        return self.takes_seeds or any(stage.starts_at_once for stage in self.inputs)

    @property
    def options(self) -> PipelineOptions:
        """What was said of the pipeline up to here."""
        found = self.inputs[0].options if self.inputs else _NO_OPTIONS
        for stage in self.inputs[1:]:
            found = found.merged(stage.options)
        return found

    def describe(self) -> str:
        """Returns one line that says what the stage does."""
        return self.kind

    def zeros_like(self) -> Stage:
        """Returns the stage: there is no gradient through a dataset, and so no zero."""
        return self

    def __repr__(self) -> str:
        return f"<dataset {self.kind}>"


class RowTable:
    """Is the elements of a stage as rows.

    Attributes:
      length: how many there are.
    """

    length: int

    def take(self, indices: Any) -> list[Any]:
        """Returns the rows at some indices, stacked, for each component."""
        raise AssertionError

    def slice(self, start: int, stop: int) -> list[Any]:
        """Returns a run of rows, stacked, for each component."""
        raise AssertionError


class Running:
    """Is a stage under way. One thread at a time calls it.

    Attributes:
      has_blocks: whether ``next_block`` costs less than its elements one by one, and calls no function.
    """

    has_blocks = False

    def next(self) -> Element | None:
        """Returns the next element, or None at the end, where it stays."""
        raise AssertionError

    def next_block(self, count: int) -> list[Any] | None:
        """Returns up to ``count`` elements, stacked along a new first axis for each component, or None at the end.

        There are fewer only if the rest is not at hand at once; never none.
        """
        raise AssertionError

    def skip(self, count: int) -> int:
        """Goes past up to ``count`` elements; returns how many there were."""
        for index in range(count):
            if self.next() is None:
                return index
        return count

    def save(self) -> Any:
        """Returns the position, made of lists, tuples, numbers, strings, arrays and None."""
        raise UnimplementedError(None, None, f"The position of {type(self).__name__} cannot be saved.")

    def restore(self, position: Any) -> None:
        """Goes to a position that ``save`` gave, of a stage like this one that has just been started."""
        raise UnimplementedError(None, None, f"The position of {type(self).__name__} cannot be restored.")

    def close(self) -> None:
        """Gives up threads and files; there will be no further call."""


class Run:
    """Is what the running stages of one iterator have in common.

    Args:
      options: what was said of the pipeline.
    """

    def __init__(self, options: PipelineOptions | None = None) -> None:
        self.options = options or PipelineOptions()
        #: Measures the stages, or None.
        self.clock: Any = None
        self._around: RunState | None = this_thread.state
        self._resources = resources()
        self._state: RunState | None = None
        self._calls: dict[Any, Callable[[Sequence[Any]], Sequence[Any]]] = {}
        self._lock = threading.Lock()

    def function(self, stage: Stage, graph: Any, captured: Sequence[Any]) -> Callable[[Element], Element]:
        """Returns a function of a stage, ready to be called with the components of its arguments.

        Its random operations begin their streams with the iterator, and go on over all epochs of it.

        Args:
          stage: the stage.
          graph: the function.
          captured: the values that it gets after its arguments.
        """
        key = stage, graph
        with self._lock:
            program = self._calls.get(key)
            if program is None:
                program = self._calls[key] = self._bound(graph, captured)
        count = len(graph.inputs) - len(captured)
        kind = stage.kind
        rest = list(captured)

        def call(values: Element) -> Element:
            if len(values) != count:
                graph.check_types([*values, *rest])
            try:
                return list(program([*values, *rest] if rest else values))
            except OpError as error:
                raise named(error, kind) from error.__cause__

        return call

    def _bound(self, graph: Any, captured: Sequence[Any]) -> Callable[[Sequence[Any]], Sequence[Any]]:
        state = self._around
        if draws_numbers(graph):
            if self._state is None:
                self._state = RunState(self._resources)
            state = self._state
        before = this_thread.state
        try:
            this_thread.state = state
            count = len(graph.inputs) - len(captured)
            return graph.bound([*[None] * count, *captured])  # type: ignore[no-any-return]
        finally:
            this_thread.state = before


def draws_numbers(graph: Any) -> bool:
    """Tells whether a function, or one that it calls, draws random numbers."""
    known = graph.__dict__.get("_draws_numbers")
    if known is None:
        ops = graph.plan().ops
        inner = [op for function in effects.inner_functions(ops) for op in function.plan().ops]
        known = graph.__dict__["_draws_numbers"] = any(op.op_def.random is not None for op in (*ops, *inner))
    return bool(known)


def named(error: OpError, kind: str) -> OpError:
    """Returns an error that says in which stage of the pipeline it happened."""
    mark = f"[in the stage {kind} of the input pipeline]"
    if "of the input pipeline]" not in error.message:
        error._message = f"{error.message} {mark}"
    return error


def stage_in(value: Any) -> Stage:
    """Returns the stage that a value of a dataset's tensor is.

    Raises:
      InvalidArgumentError: it is another variant.
    """
    if isinstance(value, Stage):
        return value
    held = getattr(value, "item", None)
    if held is not None and getattr(value, "size", 0) == 1 and isinstance(held(), Stage):
        return held()  # type: ignore[no-any-return]
    raise InvalidArgumentError(None, None, f"Tensor must be a Dataset object, but is {value!r}.")
