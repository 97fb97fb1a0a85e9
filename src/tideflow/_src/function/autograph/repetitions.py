"""Loops: what ``while`` and ``for`` statements become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function import structures
from tideflow._src.function.autograph.branches import chosen_values
from tideflow._src.function.autograph.iterables import Range, Stream, staged_items
from tideflow._src.function.autograph.jumps import MAYBE_VALUE, VALUE
from tideflow._src.function.autograph.logic import and_
from tideflow._src.function.autograph.staging import (
    Values,
    are_equal,
    as_condition,
    is_staged,
    label,
    symbolic,
    zeros_like,
)
from tideflow._src.function.autograph.variables import MISSING, Place, Shared
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.function.loops import while_loop
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_registry: Any = OpDef.registry
_LIMITS = (
    "See https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/autograph/g3doc/reference/limitations.md"
    "#consistency-of-control-flow-types for more info."
)


def while_stmt(
    test: Any, body: Any, names: Sequence[str], results: int, places: Sequence[Place], options: Any = ()
) -> None:
    """Runs a block as long as a condition holds."""
    shared = Shared((test, body), names, results, places)
    first = _first_test(test, shared)
    if symbolic(first) is None:
        holds = first
        while holds:
            body()
            holds = test()
            if symbolic(holds) is not None:
                raise NotImplementedError(
                    "The condition of while loop started as non-Tensor, then changed to Tensor. This may happen either "
                    "because variables changed type, or when a break or return statement inside the loop depends on a "
                    f"Tensor condition. In both cases, changing to a TF loop should remove the error.\n{_LIMITS}"
                )
        return
    _staged_loop(shared, lambda: as_condition(convert_to_tensor(test()), "while loop"), lambda index: body(), options)


def _first_test(test: Any, shared: Shared) -> Any:
    """Returns the first value of a loop's condition; what a graph computes it by is built for the loop anew."""
    if context.executing_eagerly():
        return test()
    before = shared.get()
    graph = FuncGraph("test")
    with graph.as_default():
        value = test()
    if symbolic(value) is None and not graph._operations:
        return value
    shared.set(before)
    return value if symbolic(value) is not None else test()


def for_stmt(
    items: Any,
    going_on: Any,
    body: Any,
    names: Sequence[str],
    results: int,
    places: Sequence[Place],
    targets: Sequence[str],
    options: Any = (),
) -> None:
    """Runs a block for each item."""
    staged = staged_items(items)
    if staged is None:
        for item in items:
            body(item)
            if going_on is not None:
                on = going_on()
                if symbolic(on) is not None:
                    raise NotImplementedError(
                        "break and return statements which depend on a TF condition are not supported in Python for "
                        f"loops. Did you intend to make it a TF loop?\n{_LIMITS}"
                    )
                if not on:
                    return
        return
    shared = Shared((body,) if going_on is None else (body, going_on), names, results, places)
    if isinstance(staged, Stream):
        _stream_loop(shared, staged, going_on, body, options)
        return
    numbers = targets if isinstance(staged, Range) else ()
    _staged_loop(shared, going_on, lambda index: body(staged.item(index)), options, staged.length, numbers)


def _stream_loop(shared: Shared, stream: Stream, going_on: Any, body: Callable[[Any], Any], options: Any) -> None:
    """Builds a loop over what ends when no further element comes: that turn leaves everything as it was."""

    def turn(number: Any) -> Any:
        found = stream.next()
        has_value = found.has_value()
        before = shared.get()
        carried = [index for index, value in enumerate(before) if any(map(is_staged, nest.flatten(value)))]

        def with_element() -> list[Any]:
            try:
                with name_scope(None) if stream.is_reduction else nullcontext():
                    body(found.get_value())
                ends = shared.get()
            finally:
                shared.set(before)
            for index in carried:
                _check_dtypes(shared.names[index], before[index], ends[index])
            return [ends[index] for index in carried]

        names = [shared.names[index] for index in carried]
        chosen = chosen_values(has_value, with_element, lambda: [before[index] for index in carried], names)
        after = list(before)
        for index, value in zip(carried, chosen, strict=True):
            after[index] = value
        shared.set(after)
        # The number of turns is kept where the loop ends: -1 stands for none, -2 for one, and so on.
        return _registry["SelectV2"](has_value, _registry["AddV2"](number, 1), _registry["Invert"](number))

    if not stream.is_reduction:
        _staged_loop(shared, going_on, turn, options, rehearse=lambda number: body(stream.rehearsed()))
        return
    before = shared.get()
    relaxed: dict[int, TensorShape] = {}
    while True:  # each time a shape is known less well
        try:
            _staged_loop(shared, going_on, turn, options, None, (), lambda number: body(stream.rehearsed()), relaxed)
            return
        except _ShapeChangedError as change:
            relaxed[change.place] = change.shape
            shared.set(before)


class _ShapeChangedError(Exception):
    """Says that a tensor has another shape after a turn of a loop than before.

    Args:
      place: the number of the tensor among those of the loop.
      shape: what both shapes are.
    """

    def __init__(self, place: int, shape: TensorShape) -> None:
        super().__init__(place, shape)
        self.place, self.shape = place, shape


def _staged_loop(
    shared: Shared,
    test: Any,
    body: Callable[[Any], Any],
    options: Any,
    length: Any = None,
    targets: Sequence[str] = (),
    rehearse: Callable[[Any], Any] | None = None,
    relaxed: dict[int, TensorShape] | None = None,
) -> None:
    """Builds a loop.

    Args:
      shared: the variables of its blocks.
      test: returns whether it goes on; None if its length alone decides.
      body: takes the number of the turn; returns that of the next one, or None.
      options: what ``set_loop_options`` was called with.
      length: the number of turns, if it is known before.
      targets: variables that may be read behind a loop without a turn; they are zero then.
      rehearse: for a loop that ends when a turn returns a negative number: shows in a graph that never runs what
        variables a turn sets.
      relaxed: the shapes of tensors, by their numbers, that are known less well than those of their first values; None
        if a turn must keep all shapes.

    Raises:
      _ShapeChangedError: one more is to be relaxed, and may be.
    """
    given = _loop_options(options)
    before = shared.get()
    missing = [
        index for index, value in enumerate(before) if shared.is_result[index] and (value is MISSING or value is None)
    ]
    starts = list(before)
    if missing:
        for index, end in zip(missing, _rehearsed(shared, rehearse or body, before, missing), strict=True):
            if end is not MISSING and end is not None:
                starts[index] = nest.map_structure(zeros_like, end)
    # What is MISSING yet is set in each turn before it is read, or not at all.
    carried = [index for index, value in enumerate(starts) if any(map(is_staged, nest.flatten(value)))]
    values = Values([starts[index] for index in carried])
    initial = [structures.converted(leaf) for leaf in values.staged]
    invariants = _invariants(
        given.pop("shape_invariants", ()), [shared.names[index] for index in carried], values, initial
    )
    for place, shape in (relaxed or {}).items():
        invariants[place] = shape

    def enter(leaves: Sequence[Any]) -> None:
        current = list(starts)
        for index, value in zip(carried, values.rebuilt(leaves), strict=True):
            current[index] = value
        shared.set(current)

    def condition(turn: Any, *leaves: Any) -> Any:
        enter(leaves)
        try:
            if rehearse is not None:
                on = _registry["GreaterEqual"](turn, 0)
            elif length is None:
                return test()
            else:
                on = _registry["Less"](turn, length)
            return on if test is None else and_(on, test)
        finally:
            shared.set(before)

    def step(turn: Any, *leaves: Any) -> Any:
        enter(leaves)
        try:
            following = body(turn)
            ends = shared.get()
        finally:
            shared.set(before)
        if following is None:
            following = _registry["AddV2"](turn, 1)
        return [following, *_ends(shared.names, starts, carried, ends, values, leaves, relaxed is not None)]

    turn, *found = while_loop(
        condition, step, [_registry["Identity"](0), *initial], shape_invariants=[TensorShape([]), *invariants], **given
    )
    if rehearse is not None:
        turn = _registry["SelectV2"](_registry["Less"](turn, 0), _registry["Invert"](turn), turn)
    after = list(starts)
    for index, value in zip(carried, values.rebuilt(found), strict=True):
        after[index] = value
    given_anyway = {VALUE, MAYBE_VALUE, *targets}
    never = [shared.names[index] for index in missing if shared.names[index] not in given_anyway]
    if never:
        with context.current_graph().control_dependencies([_must_have_run(turn, never)]):
            for index in missing:
                after[index] = nest.map_structure(lambda leaf: _registry["Identity"](leaf), after[index])
    shared.set(after)


def _must_have_run(turn: Any, names: Sequence[str]) -> Any:
    listed = ", ".join(names)
    return Assert(_registry["Greater"](turn, 0), [f"loop must iterate at least once to initialize {listed}"])


def _rehearsed(shared: Shared, body: Any, before: Sequence[Any], missing: Sequence[int]) -> list[Any]:
    """Returns what variables that have no value yet are after a turn, which is built in a graph that is thrown away."""
    graph = FuncGraph("turn")
    with graph.as_default():
        try:
            current = Values([value if value is not MISSING and value is not None else () for value in before])
            leaves = [
                leaf if isinstance(leaf, TensorArray | IndexedSlices) or structures.is_composite(leaf)
                else _registry["Identity"](convert_to_tensor(leaf))
                for leaf in current.staged
            ]  # fmt: skip
            rebuilt = current.rebuilt(leaves)
            shared.set([
                old if old is MISSING or old is None else new for old, new in zip(before, rebuilt, strict=True)
            ])  # fmt: skip
            body(_registry["Identity"](0))
            ends = shared.get()
        finally:
            shared.set(before)
    return [ends[index] for index in missing]


def _ends(
    names: Sequence[str],
    starts: Sequence[Any],
    carried: Sequence[int],
    ends: Sequence[Any],
    values: Values,
    leaves: Sequence[Any],
    relaxes: bool,
) -> list[Any]:
    """Returns the tensors that a turn hands to the next one.

    Raises:
      _ShapeChangedError: a tensor has another shape than before, where the loop ``relaxes``.
      TypeError, ValueError: a variable has another structure, dtype or kind than before.
    """
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if index not in carried and end is not start and start is not MISSING and not are_equal(start, end):
            raise TypeError(
                f"{label(names[index])} is {start!r} before the loop, but {end!r} after one iteration; only tensors "
                "can change in a loop of the graph."
            )
    result: list[Any] = []
    entering = iter(leaves)
    for index, items in zip(carried, values.leaves, strict=True):
        name, end = names[index], ends[index]
        if end is MISSING or end is None:
            raise ValueError(
                f"{label(name)} {'may not be defined' if end is MISSING else 'is None'} at the end of the loop body."
            )
        try:
            nest.assert_same_structure(starts[index], end)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{label(name)} does not have the same nested structure after one iteration.\n\n{error}"
            ) from None
        for start, leaf in zip(items, nest.flatten(end), strict=True):
            if not is_staged(start):
                continue
            before, after = next(entering), structures.converted(leaf)
            if relaxes and isinstance(before, Tensor) and isinstance(after, Tensor):
                common = before.shape.most_specific_common_supertype([after.shape])
                if common is not None and common != before.shape and not _keeps(before.shape, after.shape):
                    raise _ShapeChangedError(len(result), common)
            for one, two in zip(structures.components(before), structures.components(after), strict=True):
                _check_turn(name, one, two)
            result.append(after)
    return result


def _check_dtypes(name: str, before: Any, after: Any) -> None:
    """Checks the dtypes of a variable of one tensor; the rest is checked behind the turn."""
    if isinstance(before, Tensor) and isinstance(after, Tensor):
        _check_dtype(name, before, after)


def _check_dtype(name: str, before: Any, after: Any) -> None:
    if before.dtype.base_dtype is not after.dtype.base_dtype:
        raise TypeError(
            f"{label(name)} has dtype {before.dtype.base_dtype.name} before the loop, but dtype "
            f"{after.dtype.base_dtype.name} after one iteration"
        )


def _check_turn(name: str, before: Any, after: Any) -> None:
    _check_dtype(name, before, after)
    one, two = before.shape, after.shape
    if not _keeps(one, two):
        raise ValueError(
            f"{label(name)} has shape {_shown(one)} before the loop, but shape {_shown(two)} after one iteration. Use "
            "tf.autograph.experimental.set_loop_options to set shape invariants."
        )


def _keeps(one: TensorShape, two: TensorShape) -> bool:
    """Tells whether what has the second shape has the first."""
    if one._dims is None:
        return True
    return two.rank == one.rank and all(a is None or a == b for a, b in zip(one._dims, two._dims or (), strict=True))


def _shown(shape: TensorShape) -> str:
    return "<unknown>" if shape._dims is None else str(tuple(shape._dims))


def _loop_options(options: Any) -> dict[str, Any]:
    """Returns the arguments of ``while_loop`` that a call of ``set_loop_options`` gives."""
    found: dict[str, Any] = {}
    for name, value in options[1:]:
        given = value()
        if given is not None:
            found[name] = given
    return found


def _invariants(given: Any, names: Sequence[str], values: Values, initial: Sequence[Any]) -> list[Any]:
    """Returns the shape that each tensor of a loop keeps: what the program says, or that of the initial value."""
    wanted = dict(given)
    shapes: list[Any] = []
    remaining = iter(initial)
    for name, value, leaves in zip(names, values.values, values.leaves, strict=True):
        invariant = wanted.get(name)
        flat = nest.flatten_up_to(value, invariant) if nest.is_nested(value) and invariant is not None else [invariant]
        for position, leaf in enumerate(leaves):
            if is_staged(leaf):
                tensor = next(remaining)
                shapes.append(_own_shape(tensor) if invariant is None else flat[position])
    return shapes


def _own_shape(value: Any) -> Any:
    if isinstance(value, TensorArray):
        return TensorShape([])
    if isinstance(value, IndexedSlices):
        return value.values.shape
    return value._type_spec if structures.is_composite(value) else value.shape
