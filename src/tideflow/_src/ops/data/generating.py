"""Datasets of what a function gives when it is called again and again."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import FailedPreconditionError, OutOfRangeError
from tideflow._src.graph.op_def import Function, OpDef, Shape, at_least
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.data.stage import Run, Running, Stage


class Generator(Stage):
    """Is what a function returns call by call, until it raises ``OutOfRangeError``.

    Args:
      types, shapes: as of a stage.
      functions: the functions that begin, give an element and end, each with its captured values. The first returns
        the state that the others get.
    """

    is_light = False

    def __init__(
        self, types: Sequence[DType], shapes: Sequence[Shape], functions: Sequence[tuple[Any, Sequence[Any]]]
    ) -> None:
        super().__init__("GeneratorDataset", types, shapes)
        self._functions = functions

    def iterate(self, run: Run) -> Running:
        return _GeneratorRunning([run.function(self, *item) for item in self._functions])


class _GeneratorRunning(Running):
    def __init__(self, calls: Sequence[Callable[[Element], Element]]) -> None:
        self._begin, self._give, self._end = calls
        self._state: list[Any] | None = None
        self._is_over = False
        self._ended: Any = None

    def next(self) -> Element | None:
        if self._is_over:
            return None
        if self._state is None:
            self._state = self._begin([])
            self._ended = weakref.finalize(self, self._end, self._state)
            self._ended.atexit = False
        try:
            return self._give(self._state)
        except OutOfRangeError:
            self._is_over = True
            self._ended()
            return None

    def save(self) -> Any:
        raise FailedPreconditionError(
            None, None, "PyFunc is stateful: how far a generator of Python's has come cannot be saved."
        )

    def close(self) -> None:
        self._is_over = True
        if self._ended is not None:
            self._ended()


@dataset_op(
    "GeneratorDataset",
    "init_func_other_args: list(Tinit_func_args), next_func_other_args: list(Tnext_func_args), "
    "finalize_func_other_args: list(Tfinalize_func_args)",
    stateful=True,
    Tinit_func_args=at_least(0),
    Tnext_func_args=at_least(0),
    Tfinalize_func_args=at_least(0),
)
def generator_dataset(
    init_func_other_args,
    next_func_other_args,
    finalize_func_other_args,
    *,
    init_func: Function,
    next_func: Function,
    finalize_func: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of what ``next_func`` returns call by call, until it raises ``OutOfRangeError``."""
    functions = [
        (init_func, init_func_other_args),
        (next_func, next_func_other_args),
        (finalize_func, finalize_func_other_args),
    ]
    return Generator(output_types, output_shapes, functions)


@generator_dataset.samples
def _generator_samples(s):
    registry: Any = OpDef.registry
    number = ("int64", ())
    begin = s.body("begin", lambda: [registry["Const"](value=np.int64(3), dtype="int64")])
    give = s.body("give", lambda x, y: [registry["AddV2"](x, y)], number, number)
    end = s.body("end", lambda x: [registry["Identity"](x)], number)
    kinds = {"output_types": ["int64"], "output_shapes": [()]}
    yield s([], [np.int64(4)], [], init_func=begin, next_func=give, finalize_func=end, **kinds)
