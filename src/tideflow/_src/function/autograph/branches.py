"""Branches: what ``if`` statements and conditional expressions become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.function import structures
from tideflow._src.function.autograph.jumps import MAYBE_VALUE, VALUE
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
from tideflow._src.function.conditional import choose
from tideflow._src.function.func_graph import FuncGraph, convert_outputs, unique_function_name


def if_stmt(test: Any, then: Any, orelse: Any, names: Sequence[str], results: int, places: Sequence[Place]) -> None:
    """Runs one of two blocks."""
    condition = None if test.__class__ is bool else symbolic(test)
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

    found = chosen_values(
        condition, lambda: end_of(then), lambda: end_of(orelse), [shared.names[index] for index in wanted]
    )
    after = list(before)
    for index, value in zip(wanted, found, strict=True):
        after[index] = value
    shared.set(after)


def if_exp(test: Any, then: Any, orelse: Any, text: str) -> Any:
    """Returns the value of one of two expressions."""
    condition = symbolic(test)
    if condition is None:
        return then() if test else orelse()
    return chosen_values(condition, lambda: [then()], lambda: [orelse()], [text])[0]


def chosen_values(
    condition: Any, then: Callable[[], list[Any]], orelse: Callable[[], list[Any]], names: Sequence[str]
) -> list[Any]:
    """Returns the values that one of two functions gives, decided when the graph runs."""
    condition = as_condition(condition, "if statement")
    with context.current_graph().name_scope("cond") as scope:
        base = scope.strip("/").replace("/", "_")
        graphs, ends = [], []
        for kind, function in (("true", then), ("false", orelse)):
            graph = FuncGraph(unique_function_name(f"{base}_{kind}"))
            graph.enter_scope_around()
            with graph.as_default():
                ends.append(function())
            graphs.append(graph)
        pairs = [_agreed(name, *pair) for name, *pair in zip(names, *ends, strict=True)]
        staged = [index for index, pair in enumerate(pairs) if pair is not None]
        structures_of = []
        for graph, side in zip(graphs, (0, 1), strict=True):
            with graph.as_default():
                values = Values([_filled(pairs[index], side) for index in staged])
                leaves = convert_outputs(graph, [structures.converted(leaf) for leaf in values.staged])
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
    if one is two and (one is MISSING or not any(map(is_staged, nest.flatten(one)))):
        return None
    for value, branch in ((one, "main"), (two, "else")):
        if value is MISSING and name != VALUE:
            if name == MAYBE_VALUE:
                raise ValueError(f"the {branch} branch must also have a return statement.")
            raise ValueError(f"{label(name)} must also be initialized in the {branch} branch")
        if value is None:
            raise ValueError(f"{label(name)} is None at the end of the {branch} branch.")
    if one is MISSING or two is MISSING:
        return one, two
    try:
        nest.assert_same_structure(one, two)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{label(name)} must have the same nested structure in the main and else branches:\n\n{error}"
        ) from None
    if not any(map(is_staged, (*nest.flatten(one), *nest.flatten(two)))):
        if are_equal(one, two):
            return None
        raise TypeError(
            f"{label(name)} is {one!r} at the end of the main branch, but {two!r} at the end of the else branch; "
            "which of them it is would be known only when the graph runs, and only tensors can hold such a value."
        )
    return one, two


def _filled(pair: tuple[Any, Any] | None, side: int) -> Any:
    """Returns the value of a variable at the end of a branch; zeros where a function has not returned yet."""
    assert pair is not None
    value = pair[side]
    return nest.map_structure(zeros_like, pair[1 - side]) if value is MISSING else value


def _check_dtypes(names: Sequence[str], branches: Sequence[tuple[Values, Any]]) -> None:
    """Checks that tensors have the same dtypes in both branches.

    Raises:
      TypeError: they have not.
    """
    (values, first), (_, second) = branches
    ones, twos = iter(first), iter(second)
    for name, leaves in zip(names, values.leaves, strict=True):
        for _ in filter(is_staged, leaves):
            parts = zip(structures.components(next(ones)), structures.components(next(twos)), strict=True)
            for one, two in parts:
                if one.dtype.base_dtype is not two.dtype.base_dtype:
                    raise TypeError(
                        f"{label(name)} has dtype {one.dtype.base_dtype.name} in the main branch, but dtype "
                        f"{two.dtype.base_dtype.name} in the else branch"
                    )
