"""The operators that converted code calls in place of Python's control flow.

With values of Python they do what Python does; with tensors of a graph they build conditionals and loops.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.errors import OperatorNotAllowedInGraphError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function import structures
from tideflow._src.function.assertions import Assert
from tideflow._src.function.autograph.conversion import convert, install_operators
from tideflow._src.function.autograph.jumps import MAYBE_VALUE, VALUE
from tideflow._src.function.autograph.variables import MISSING, Place, Shared
from tideflow._src.function.conditional import choose, cond
from tideflow._src.function.func_graph import FuncGraph, convert_outputs, unique_function_name
from tideflow._src.function.loops import while_loop
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.source import capture, describe
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.runtime.convert import convert_to_tensor

#: The value of a function that has not returned yet.
NOTHING = MISSING
_registry: Any = OpDef.registry
_FUNCTIONS = frozenset((FunctionType, MethodType, functools.partial))
_LIMITS = (
    "See https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/autograph/g3doc/reference/limitations.md"
    "#consistency-of-control-flow-types for more info."
)


def returned(value: Any) -> Any:
    """Returns what a function returns whose ``return`` statements have become assignments."""
    return None if value is NOTHING else value


# What is decided when the graph runs.


def _symbolic(value: Any) -> Any:
    """Returns a value as a tensor of the graph that is being built, if it is one; else None."""
    if isinstance(value, SymbolicTensor):
        return value
    if isinstance(value, Tensor) or not hasattr(type(value), "_dense_var_to_tensor") or context.executing_eagerly():
        return None
    tensor: Any = convert_to_tensor(value)  # a variable
    return tensor if isinstance(tensor, SymbolicTensor) else None


def _as_condition(tensor: Any, statement: str) -> Any:
    """Returns a condition, checked.

    Raises:
      ValueError: it is no boolean scalar.
    """
    shape = tensor.shape
    if tensor.dtype.base_dtype is not dtypes.bool or not TensorShape([]).is_compatible_with(shape):
        cast = "" if tensor.dtype.base_dtype is dtypes.bool else "to use as boolean Tensor, use `tf.cast`; "
        raise ValueError(
            f"condition of {statement} expected to be `tf.bool` scalar, got {tensor}; {cast}to check for None, use "
            "`is not None`"
        )
    return tensor


def _is_staged(leaf: Any) -> bool:
    """Tells whether a value can become that of a tensor."""
    if isinstance(
        leaf, Tensor | TensorArray | IndexedSlices | np.ndarray | np.generic | int | float | complex | str | bytes
    ):
        return True
    return structures.is_composite(leaf) or hasattr(type(leaf), "_dense_var_to_tensor")


def _converted(leaf: Any) -> Any:
    if isinstance(leaf, TensorArray | IndexedSlices) or structures.is_composite(leaf):
        return leaf
    return convert_to_tensor(leaf)


class _Values:
    """Is the values of variables, taken apart into what tensors hold and what stays in Python.

    Attributes:
      leaves: of each variable, the leaves of its structure.
      staged: the leaves that become tensors, in order.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = list(values)
        self.leaves = [nest.flatten(value) for value in values]
        self.staged = [leaf for leaves in self.leaves for leaf in leaves if _is_staged(leaf)]

    def rebuilt(self, tensors: Sequence[Any]) -> list[Any]:
        """Returns the values with other tensors in the place of what is staged."""
        remaining = iter(tensors)
        return [
            nest.pack_sequence_as(value, [next(remaining) if _is_staged(leaf) else leaf for leaf in leaves])
            for value, leaves in zip(self.values, self.leaves, strict=True)
        ]


# Conditionals.


def if_stmt(test: Any, then: Any, orelse: Any, names: Sequence[str], results: int, places: Sequence[Place]) -> None:
    """Runs one of two blocks."""
    condition = None if test.__class__ is bool else _symbolic(test)
    if condition is None:
        if test:
            then()
        else:
            orelse()
        return
    shared = Shared((then, orelse), names, results, places)
    wanted = [index for index, is_result in enumerate(shared.is_result) if is_result]
    before = shared.get()

    def end_of(block: Any) -> list[Any]:
        try:
            block()
            values = shared.get()
        finally:
            shared.set(before)
        return [values[index] for index in wanted]

    found = _chosen(condition, lambda: end_of(then), lambda: end_of(orelse), [shared.names[index] for index in wanted])
    after = list(before)
    for index, value in zip(wanted, found, strict=True):
        after[index] = value
    shared.set(after)


def if_exp(test: Any, then: Any, orelse: Any, text: str) -> Any:
    """Returns the value of one of two expressions."""
    condition = _symbolic(test)
    if condition is None:
        return then() if test else orelse()
    return _chosen(condition, lambda: [then()], lambda: [orelse()], [text])[0]


def _chosen(
    condition: Any, then: Callable[[], list[Any]], orelse: Callable[[], list[Any]], names: Sequence[str]
) -> list[Any]:
    """Returns the values that one of two functions gives, decided when the graph runs."""
    condition = _as_condition(condition, "if statement")
    with context.current_graph().name_scope("cond") as scope:
        base = scope.strip("/").replace("/", "_")
        graphs, ends = [], []
        for kind, function in (("true", then), ("false", orelse)):
            graph = FuncGraph(unique_function_name(f"{base}_{kind}"))
            with graph.as_default():
                ends.append(function())
            graphs.append(graph)
        pairs = [_agreed(name, *pair) for name, *pair in zip(names, *ends, strict=True)]
        staged = [index for index, pair in enumerate(pairs) if pair is not None]
        structures_of = []
        for graph, side in zip(graphs, (0, 1), strict=True):
            with graph.as_default():
                values = _Values([_filled(pairs[index], side) for index in staged])
                leaves = convert_outputs(graph, [_converted(leaf) for leaf in values.staged])
                graph.outputs = structures.flatten(leaves)
                graph.structured_outputs = leaves
            structures_of.append((values, leaves))
        _check_dtypes([names[index] for index in staged], structures_of)
        values, leaves = structures_of[0]
        results = iter(values.rebuilt(choose(condition, (graphs[0], graphs[1]), leaves, scope)))
    return [ends[0][index] if pair is None else next(results) for index, pair in enumerate(pairs)]


def _agreed(name: str, one: Any, two: Any) -> tuple[Any, Any] | None:
    """Returns the values of a variable at the ends of two branches, or None if both are the same value of Python.

    Raises:
      ValueError: it has no value, or is None, in one of them only.
      TypeError: the structures differ.
    """
    if one is two and (one is MISSING or not any(map(_is_staged, nest.flatten(one)))):
        return None
    for value, branch in ((one, "main"), (two, "else")):
        if value is MISSING and name != VALUE:
            if name == MAYBE_VALUE:
                raise ValueError(f"the {branch} branch must also have a return statement.")
            raise ValueError(f"{_label(name)} must also be initialized in the {branch} branch")
        if value is None:
            raise ValueError(f"{_label(name)} is None at the end of the {branch} branch.")
    if one is MISSING or two is MISSING:
        return one, two
    try:
        nest.assert_same_structure(one, two)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{_label(name)} must have the same nested structure in the main and else branches:\n\n{error}"
        ) from None
    if not any(map(_is_staged, (*nest.flatten(one), *nest.flatten(two)))):
        if _equal(one, two):
            return None
        raise TypeError(
            f"{_label(name)} is {one!r} at the end of the main branch, but {two!r} at the end of the else branch; "
            "which of them it is would be known only when the graph runs, and only tensors can hold such a value."
        )
    return one, two


def _filled(pair: tuple[Any, Any] | None, side: int) -> Any:
    """Returns the value of a variable at the end of a branch; zeros where a function has not returned yet."""
    assert pair is not None
    value = pair[side]
    return nest.map_structure(_zeros_like, pair[1 - side]) if value is MISSING else value


def _zeros_like(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor | np.ndarray | np.generic | int | float | complex | str | bytes):
        raise NotImplementedError(
            f"A return statement under a condition that is a tensor cannot return {leaf!r}: return it at the end of "
            "the function."
        )
    shape = TensorShape(np.shape(leaf) if not isinstance(leaf, Tensor) else leaf.shape)
    dtype = leaf.dtype if isinstance(leaf, Tensor) else convert_to_tensor(leaf).dtype
    return _zeros(dtype, shape)


def _zeros(dtype: Any, shape: TensorShape) -> Any:
    """Returns zeros of a shape; sizes that are not known are zero."""
    sizes = [size or 0 for size in shape._dims or ()]
    if dtype.base_dtype is dtypes.string:
        return convert_to_tensor(np.full(sizes, b"", object), dtypes.string)
    return _registry["Fill"](np.array(sizes, np.int32), convert_to_tensor(0, dtype.base_dtype))


def _check_dtypes(names: Sequence[str], branches: Sequence[tuple[_Values, Any]]) -> None:
    """Checks that tensors have the same dtypes in both branches.

    Raises:
      TypeError: they have not.
    """
    (values, first), (_, second) = branches
    ones, twos = iter(first), iter(second)
    for name, leaves in zip(names, values.leaves, strict=True):
        for _ in filter(_is_staged, leaves):
            parts = zip(structures.components(next(ones)), structures.components(next(twos)), strict=True)
            for one, two in parts:
                if one.dtype.base_dtype is not two.dtype.base_dtype:
                    raise TypeError(
                        f"{_label(name)} has dtype {one.dtype.base_dtype.name} in the main branch, but dtype "
                        f"{two.dtype.base_dtype.name} in the else branch"
                    )


# Loops.


def while_stmt(
    test: Any, body: Any, names: Sequence[str], results: int, places: Sequence[Place], options: Any = ()
) -> None:
    """Runs a block as long as a condition holds."""
    shared = Shared((test, body), names, results, places)
    first = _first_test(test, shared)
    if _symbolic(first) is None:
        holds = first
        while holds:
            body()
            holds = test()
            if _symbolic(holds) is not None:
                raise NotImplementedError(
                    "The condition of while loop started as non-Tensor, then changed to Tensor. This may happen either "
                    "because variables changed type, or when a break or return statement inside the loop depends on a "
                    f"Tensor condition. In both cases, changing to a TF loop should remove the error.\n{_LIMITS}"
                )
        return
    _staged_loop(shared, lambda: _as_condition(convert_to_tensor(test()), "while loop"), lambda index: body(), options)


def _first_test(test: Any, shared: Shared) -> Any:
    """Returns the first value of a loop's condition; what a graph computes it by is built for the loop anew."""
    if context.executing_eagerly():
        return test()
    before = shared.get()
    graph = FuncGraph("test")
    with graph.as_default():
        value = test()
    if _symbolic(value) is None and not graph._operations:
        return value
    shared.set(before)
    return value if _symbolic(value) is not None else test()


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
    staged = _staged_items(items)
    if staged is None:
        for item in items:
            body(item)
            if going_on is not None:
                on = going_on()
                if _symbolic(on) is not None:
                    raise NotImplementedError(
                        "break and return statements which depend on a TF condition are not supported in Python for "
                        f"loops. Did you intend to make it a TF loop?\n{_LIMITS}"
                    )
                if not on:
                    return
        return
    shared = Shared((body,) if going_on is None else (body, going_on), names, results, places)
    numbers = targets if isinstance(staged, _Range) else ()
    _staged_loop(shared, going_on, lambda index: body(staged.item(index)), options, staged.length, numbers)


def _staged_loop(
    shared: Shared,
    test: Any,
    body: Callable[[Any], Any],
    options: Any,
    length: Any = None,
    targets: Sequence[str] = (),
) -> None:
    """Builds a loop.

    Args:
      shared: the variables of its blocks.
      test: returns whether it goes on; None if its length alone decides.
      body: takes the number of the turn.
      options: what ``set_loop_options`` was called with.
      length: the number of turns, if it is known before.
      targets: variables that may be read behind a loop without a turn; they are zero then.
    """
    given = _loop_options(options)
    before = shared.get()
    missing = [
        index for index, value in enumerate(before) if shared.is_result[index] and (value is MISSING or value is None)
    ]
    starts = list(before)
    if missing:
        for index, end in zip(missing, _rehearsed(shared, body, before, missing), strict=True):
            if end is not MISSING and end is not None:
                starts[index] = nest.map_structure(_zeros_like, end)
    # What is MISSING yet is set in each turn before it is read, or not at all.
    carried = [index for index, value in enumerate(starts) if any(map(_is_staged, nest.flatten(value)))]
    values = _Values([starts[index] for index in carried])
    initial = [_converted(leaf) for leaf in values.staged]
    invariants = _invariants(
        given.pop("shape_invariants", ()), [shared.names[index] for index in carried], values, initial
    )

    def enter(leaves: Sequence[Any]) -> None:
        current = list(starts)
        for index, value in zip(carried, values.rebuilt(leaves), strict=True):
            current[index] = value
        shared.set(current)

    def condition(turn: Any, *leaves: Any) -> Any:
        enter(leaves)
        try:
            if length is None:
                return test()
            on = _registry["Less"](turn, length)
            return on if test is None else and_(on, test)
        finally:
            shared.set(before)

    def step(turn: Any, *leaves: Any) -> Any:
        enter(leaves)
        try:
            body(turn)
            ends = shared.get()
        finally:
            shared.set(before)
        return [_registry["AddV2"](turn, 1), *_ends(shared.names, starts, carried, ends, values, leaves)]

    turn, *found = while_loop(
        condition, step, [_registry["Identity"](0), *initial], shape_invariants=[TensorShape([]), *invariants], **given
    )
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


def _label(name: str) -> str:
    """Returns what messages call a variable."""
    return "'retval_'" if name in (VALUE, MAYBE_VALUE) else f"'{name}'"


def _rehearsed(shared: Shared, body: Any, before: Sequence[Any], missing: Sequence[int]) -> list[Any]:
    """Returns what variables that have no value yet are after a turn, which is built in a graph that is thrown away."""
    graph = FuncGraph("turn")
    with graph.as_default():
        try:
            current = _Values([value if value is not MISSING and value is not None else () for value in before])
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
    values: _Values,
    leaves: Sequence[Any],
) -> list[Any]:
    """Returns the tensors that a turn hands to the next one.

    Raises:
      TypeError, ValueError: a variable has another structure, dtype or kind than before.
    """
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if index not in carried and end is not start and start is not MISSING and not _equal(start, end):
            raise TypeError(
                f"{_label(names[index])} is {start!r} before the loop, but {end!r} after one iteration; only tensors "
                "can change in a loop of the graph."
            )
    result = []
    entering = iter(leaves)
    for index, items in zip(carried, values.leaves, strict=True):
        name, end = names[index], ends[index]
        if end is MISSING or end is None:
            raise ValueError(
                f"{_label(name)} {'may not be defined' if end is MISSING else 'is None'} at the end of the loop body."
            )
        try:
            nest.assert_same_structure(starts[index], end)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{_label(name)} does not have the same nested structure after one iteration.\n\n{error}"
            ) from None
        for start, leaf in zip(items, nest.flatten(end), strict=True):
            if not _is_staged(start):
                continue
            before, after = next(entering), _converted(leaf)
            for one, two in zip(structures.components(before), structures.components(after), strict=True):
                _check_turn(name, one, two)
            result.append(after)
    return result


def _check_turn(name: str, before: Any, after: Any) -> None:
    if before.dtype.base_dtype is not after.dtype.base_dtype:
        raise TypeError(
            f"{_label(name)} has dtype {before.dtype.base_dtype.name} before the loop, but dtype "
            f"{after.dtype.base_dtype.name} after one iteration"
        )
    one, two = before.shape, after.shape
    if one.rank is None:
        return
    if two.rank != one.rank or any(a is not None and a != b for a, b in zip(one._dims, two._dims, strict=True)):
        raise ValueError(
            f"{_label(name)} has shape {_shown(one)} before the loop, but shape {_shown(two)} after one iteration. Use "
            "tf.autograph.experimental.set_loop_options to set shape invariants."
        )


def _shown(shape: TensorShape) -> str:
    return "<unknown>" if shape._dims is None else str(tuple(shape._dims))


def _equal(one: Any, two: Any) -> bool:
    try:
        return bool(one == two)
    except Exception:  # objects that cannot be compared are different ones
        return False


def _loop_options(options: Any) -> dict[str, Any]:
    """Returns the arguments of ``while_loop`` that a call of ``set_loop_options`` gives."""
    found: dict[str, Any] = {}
    for name, value in options[1:]:
        given = value()
        if given is not None:
            found[name] = given
    return found


def _invariants(given: Any, names: Sequence[str], values: _Values, initial: Sequence[Any]) -> list[Any]:
    """Returns the shape that each tensor of a loop keeps: what the program says, or that of the initial value."""
    wanted = dict(given)
    shapes: list[Any] = []
    remaining = iter(initial)
    for name, value, leaves in zip(names, values.values, values.leaves, strict=True):
        invariant = wanted.get(name)
        flat = nest.flatten_up_to(value, invariant) if nest.is_nested(value) and invariant is not None else [invariant]
        for position, leaf in enumerate(leaves):
            if _is_staged(leaf):
                tensor = next(remaining)
                shapes.append(_own_shape(tensor) if invariant is None else flat[position])
    return shapes


def _own_shape(value: Any) -> Any:
    if isinstance(value, TensorArray):
        return TensorShape([])
    if isinstance(value, IndexedSlices):
        return value.values.shape
    return value._type_spec if structures.is_composite(value) else value.shape


# What loops go over.


class _Rows:
    """Is the rows of a tensor."""

    def __init__(self, tensor: Any) -> None:
        if tensor.shape.rank == 0:
            raise ValueError(f"cannot iterate over a scalar: {tensor}")
        sizes = tensor.shape._dims
        known = None if sizes is None else sizes[0]
        self.length = (
            known
            if known is not None
            else _registry["StridedSlice"](_registry["Shape"](tensor), [0], [1], [1], shrink_axis_mask=1)
        )
        self._array = TensorArray(tensor.dtype.base_dtype, size=self.length, element_shape=tensor.shape[1:]).unstack(
            tensor
        )

    def item(self, index: Any) -> Any:
        """Returns a row."""
        return self._array.read(index)


class _Range:
    """Is ``tf.range``, whose numbers need not be kept."""

    def __init__(self, tensor: Any) -> None:
        self._start, _, self._delta = tensor._op.inputs
        size = tensor.shape._dims
        known = None if size is None else size[0]
        self.length = known if known is not None else _registry["Size"](tensor)

    def item(self, index: Any) -> Any:
        """Returns a number."""
        dtype = self._start.dtype.base_dtype
        turn = index if dtype is dtypes.int32 else _registry["Cast"](index, DstT=dtype)
        return _registry["AddV2"](self._start, _registry["Mul"](turn, self._delta))


class Enumerated:
    """Is ``enumerate`` over what a loop of the graph goes over."""

    def __init__(self, items: Any, start: Any) -> None:
        self._items, self._start = items, start
        self.length = items.length

    def item(self, index: Any) -> Any:
        """Returns the number of an item, and the item."""
        return _registry["AddV2"](index, convert_to_tensor(self._start, dtypes.int32)), self._items.item(index)

    def __iter__(self) -> Iterator[Any]:
        raise _cannot_iterate("enumerate")


class Zipped:
    """Is ``zip`` over what a loop of the graph goes over."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self.length = functools.reduce(lambda a, b: _registry["Minimum"](a, b), [item.length for item in items])

    def item(self, index: Any) -> Any:
        """Returns the items of a turn."""
        return tuple(item.item(index) for item in self._items)

    def __iter__(self) -> Iterator[Any]:
        raise _cannot_iterate("zip")


class Mapped:
    """Is ``map`` over what a loop of the graph goes over."""

    def __init__(self, function: Any, items: Sequence[Any]) -> None:
        self._function, self._items = function, Zipped(items)
        self.length = self._items.length

    def item(self, index: Any) -> Any:
        """Returns what the function makes of the items of a turn."""
        return self._function(*self._items.item(index))

    def __iter__(self) -> Iterator[Any]:
        raise _cannot_iterate("map")


def _cannot_iterate(function: str) -> Exception:
    return OperatorNotAllowedInGraphError(
        f"{function}() over a symbolic tensor can only be gone over by a `for` statement that AutoGraph converts."
    )


def _staged_items(items: Any) -> Any:
    """Returns what a loop of the graph goes over; None if a loop of Python does."""
    if isinstance(items, Enumerated | Zipped | Mapped | _Rows | _Range):
        return items
    tensor = _symbolic(items)
    if tensor is None:
        return None
    if tensor._op.type == "Range":
        return _Range(tensor)
    return _Rows(tensor)


# Operators.


def and_(value: Any, *others: Callable[[], Any]) -> Any:
    """Returns ``value and others[0]() and ...``."""
    if not others:
        return value
    other, *rest = others
    tensor = _symbolic(value)
    if tensor is not None:
        condition = _as_condition(tensor, "`and`")
        return cond(condition, lambda: convert_to_tensor(and_(other(), *rest)), lambda: condition)
    return and_(other(), *rest) if value else value


def or_(value: Any, *others: Callable[[], Any]) -> Any:
    """Returns ``value or others[0]() or ...``."""
    if not others:
        return value
    other, *rest = others
    tensor = _symbolic(value)
    if tensor is not None:
        condition = _as_condition(tensor, "`or`")
        return cond(condition, lambda: condition, lambda: convert_to_tensor(or_(other(), *rest)))
    return value if value else or_(other(), *rest)


def not_(value: Any) -> Any:
    """Returns ``not value``."""
    tensor = _symbolic(value)
    return not value if tensor is None else _registry["LogicalNot"](tensor)


def chained(left: Any, *steps: Any) -> Any:
    """Returns ``left < a < b ...``; the steps are a comparison and what gives its second operand, in turn."""
    compare, following = steps[0], steps[1]
    right = following()
    result = compare(left, right)
    return result if len(steps) == 2 else and_(result, lambda: chained(right, *steps[2:]))


def assert_stmt(test: Any, message: Callable[[], Any]) -> None:
    """Asserts that a condition holds; of a tensor, when the graph runs."""
    tensor = _symbolic(test)
    if tensor is not None:
        text = message()
        Assert(tensor, ["AssertionError" if text is None else text])
    elif not test:
        text = message()
        raise AssertionError() if text is None else AssertionError(text)


# Calls.


def converted(function: Any) -> Any:
    """Returns what to call in the place of a function that converted code calls."""
    try:
        known = _BUILTINS.get(function)
    except TypeError:  # it cannot be hashed
        known = None
    if known is not None:
        return known
    if function.__class__ is BuiltinFunctionType and function.__name__ == "append":
        return _appending(function)
    if (getattr(function, "__module__", None) or "").startswith("tideflow."):
        return _given_converted(function)
    return convert(function)


def _appending(append: Any) -> Any:
    """Returns the ``append`` of a list, which remembers where a tensor of a branch or a loop was put into one."""
    graph = context.current_graph()
    if graph is None or graph.outer_graph is None or not graph.outer_graph.building_function:
        return append

    def remembering(value: Any) -> None:
        append(value)
        if isinstance(value, SymbolicTensor):
            graph.appended.setdefault(id(value._op), describe(capture()))

    return remembering


def _given_converted(function: Any) -> Any:
    """Returns a function of Tideflow that converts the functions which it is given, as the body of a loop is."""

    def call(*arguments: Any, **named: Any) -> Any:
        return function(
            *[convert(item) if item.__class__ in _FUNCTIONS else item for item in arguments],
            **{name: convert(item) if item.__class__ in _FUNCTIONS else item for name, item in named.items()},
        )

    return call


def _len(value: Any) -> Any:
    tensor = _symbolic(value)
    if tensor is None:
        return len(value)
    if tensor.shape.rank == 0:
        raise ValueError("len requires a tensor of at least one dimension")
    sizes = tensor.shape._dims
    if sizes is not None and sizes[0] is not None:
        return sizes[0]
    return _registry["StridedSlice"](_registry["Shape"](tensor), [0], [1], [1], shrink_axis_mask=1)


def _number(kind: Any, dtype: Any) -> Any:
    def number(*arguments: Any, **named: Any) -> Any:
        tensor = _symbolic(arguments[0]) if arguments else None
        if tensor is None:
            return kind(*arguments, **named)
        if tensor.dtype.base_dtype is dtypes.string:
            return _registry["StringToNumber"](tensor, out_type=dtype)
        return _registry["Cast"](tensor, DstT=dtype)

    return number


def _range(*arguments: Any) -> Any:
    if not any(_symbolic(item) is not None for item in arguments):
        return range(*arguments)
    start, limit, delta = (0, *arguments, 1) if len(arguments) == 1 else (*arguments, 1)[:3]
    kind = next(tensor.dtype.base_dtype for item in arguments if (tensor := _symbolic(item)) is not None)
    return _registry["Range"](*[convert_to_tensor(item, kind) for item in (start, limit, delta)])


def _enumerate(items: Any, start: Any = 0) -> Any:
    staged = _staged_items(items)
    return enumerate(items, start) if staged is None else Enumerated(staged, start)


def _zip(*items: Any, **options: Any) -> Any:
    staged = [_staged_items(item) for item in items]
    if not staged or None in staged:
        return zip(*items, **options)  # noqa: B905 (the options are the user's)
    return Zipped(staged)


def _map(function: Any, *items: Any) -> Any:
    function = converted(function)
    staged = [_staged_items(item) for item in items]
    if not staged or None in staged:
        return map(function, *items)
    return Mapped(function, staged)


def _filter(function: Any, items: Any) -> Any:
    tensor = _symbolic(items)
    if tensor is None:
        return filter(function if function is None else converted(function), items)
    kept = tensor if function is None else Mapped(converted(function), [_Rows(tensor)])
    if function is not None:
        kept = _stacked(kept, dtypes.bool)
    return _registry["GatherV2"](tensor, _registry["Reshape"](_registry["Where"](kept), [-1]), 0)


def _stacked(mapped: Mapped, dtype: Any) -> Any:
    """Returns what a function makes of every row, in one tensor."""
    array = TensorArray(dtype, size=mapped.length)

    def step(turn: Any, array: Any) -> Any:
        return turn + 1, array.write(turn, mapped.item(turn))

    return while_loop(lambda turn, _: turn < mapped.length, step, [_registry["Identity"](0), array])[1].stack()


def _reduced(kind: Any, operation: str) -> Any:
    def reduced(items: Any) -> Any:
        tensor = _symbolic(items)
        return kind(items) if tensor is None else _registry[operation](tensor, 0)

    return reduced


def _sum(items: Any, /, start: Any = 0) -> Any:
    tensor = _symbolic(items)
    return sum(items, start) if tensor is None else _registry["Sum"](tensor, 0) + start


def _extreme(kind: Any, several: str, one: str) -> Any:
    def extreme(*arguments: Any, **options: Any) -> Any:
        if options or not any(_symbolic(item) is not None for item in arguments):
            return kind(*arguments, **options)
        if len(arguments) == 1:
            return _registry[one](_symbolic(arguments[0]), 0)
        return functools.reduce(lambda a, b: _registry[several](a, b), arguments)

    return extreme


def _sorted(items: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
    tensor = _symbolic(items)
    if tensor is None:
        return sorted(items, key=key, reverse=reverse)
    if key is not None:
        raise NotImplementedError("sorted() of a symbolic tensor takes no key; use tf.argsort and tf.gather.")
    size = _len(tensor)
    values = tensor if reverse else _registry["Neg"](tensor)
    largest = _registry["TopKV2"](values, size)[0]
    return largest if reverse else _registry["Neg"](largest)


_BUILTINS: dict[Any, Any] = {
    builtins.len: _len,
    builtins.int: _number(int, dtypes.int32),
    builtins.float: _number(float, dtypes.float32),
    builtins.range: _range,
    builtins.enumerate: _enumerate,
    builtins.zip: _zip,
    builtins.map: _map,
    builtins.filter: _filter,
    builtins.any: _reduced(any, "Any"),
    builtins.all: _reduced(all, "All"),
    builtins.sum: _sum,
    builtins.min: _extreme(min, "Minimum", "Min"),
    builtins.max: _extreme(max, "Maximum", "Max"),
    builtins.sorted: _sorted,
}
install_operators(sys.modules[__name__])
