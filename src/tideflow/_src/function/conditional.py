"""``cond``, ``case`` and ``switch_case``: choosing what runs, eagerly and in graphs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor
from tideflow._src.function import structures
from tideflow._src.function.call_gradients import output_shapes
from tideflow._src.function.func_graph import FuncGraph, build, unique_function_name, waiting_for
from tideflow._src.function.predicates import as_predicate, holds
from tideflow._src.function.written_variables import read_when_used
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.assertions import assert_true
from tideflow._src.ops.control.branching import install_conditional
from tideflow._src.ops.control.functional import case_op, if_op, stateless_case, stateless_if
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """Returns ``true_fn()`` if ``pred`` holds, else ``false_fn()``.

    In a graph both functions are built, and a run executes one of them.

    Args:
      pred: a boolean scalar tensor, or a Python boolean.
      true_fn, false_fn: functions without arguments that return the same structure of tensors.
      name: the name of the operation.

    Raises:
      TypeError: a function is missing or not callable, or the two return different structures or dtypes.
    """
    if not callable(true_fn):
        raise TypeError("'true_fn' must be callable.")
    if not callable(false_fn):
        raise TypeError("'false_fn' must be callable.")
    if isinstance(pred, EagerTensor) or (context.executing_eagerly() and not isinstance(pred, SymbolicTensor)):
        return true_fn() if holds(pred if isinstance(pred, EagerTensor) else convert_to_tensor(pred)) else false_fn()
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool", pred)
    graph = context.current_graph()
    base = name or "cond"
    with graph.name_scope(base) as scope:
        pred = as_predicate(pred, "The predicate of tf.cond")
        then_graph, then_result = build(
            unique_function_name(f"{scope.strip('/').replace('/', '_')}_true"),
            true_fn,
            (),
            value_of_operations=pred,
            own_nodes=True,
        )
        else_graph, else_result = build(
            unique_function_name(f"{scope.strip('/').replace('/', '_')}_false"),
            false_fn,
            (),
            value_of_operations=pred,
            own_nodes=True,
        )
        then_result, else_result = _with_indices_of_one_dtype([(then_graph, then_result), (else_graph, else_result)])
        _check_same(then_graph, then_result, else_graph, else_result, ("true_fn", "false_fn", "tf.cond"))
        return choose(pred, (then_graph, else_graph), then_result, scope)


def choose(pred: Any, branches: tuple[FuncGraph, FuncGraph], structure: Any, name: str) -> Any:
    """Adds the operation that runs one of two graphs, and returns its results.

    Args:
      pred: a boolean scalar of the current graph.
      branches: the graph to run if ``pred`` holds, and the other one, whose outputs have the same dtypes.
      structure: what the outputs of the first one make up.
      name: the operation's name, or the name scope to call it by.
    """
    then_graph, else_graph = branches
    merged = _merge_captures(branches)
    operation: Any = if_op if then_graph.is_stateful() or else_graph.is_stateful() else stateless_if
    types = [output._dtype.base_dtype for output in then_graph.outputs]
    with waiting_for(branches):
        outputs = operation(
            pred, merged, Tcond=pred.dtype, Tout=types, then_branch=then_graph, else_branch=else_graph,
            output_shapes=output_shapes(branches), name=name,
        )  # fmt: skip
    return _repack(structure, outputs, then_graph)


install_conditional(cond)


def cond_v1(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """Is ``cond`` with the arguments of TensorFlow 1.x: single-element results come without their list."""
    for argument, old, names in ((true_fn, fn1, "true_fn and fn1"), (false_fn, fn2, "false_fn and fn2")):
        if argument is not None and old is not None:
            raise TypeError(f"cond(): {names} may not be set simultaneously.")
    true_fn = true_fn if true_fn is not None else fn1
    false_fn = false_fn if false_fn is not None else fn2
    if true_fn is None or false_fn is None:
        raise TypeError(
            "cond(): 'true_fn' argument required" if true_fn is None else "cond(): 'false_fn' argument required"
        )
    return _unpacked(cond(pred, true_fn, false_fn, name), strict)


def _unpacked(result: Any, strict: bool) -> Any:
    """Takes a single result out of its list, unless the caller is strict about it."""
    if not strict and isinstance(result, list | tuple) and len(result) == 1 and not hasattr(result, "_fields"):
        return result[0]
    return result


def _repack(structure: Any, outputs: Any, branch: FuncGraph) -> Any:
    if not branch.outputs:
        return structure
    registry: Any = OpDef.registry
    return structures.pack(structure, [registry["Identity"](output) for output in outputs])


def _with_indices_of_one_dtype(built: Sequence[tuple[FuncGraph, Any]]) -> list[Any]:
    """Returns what branches return, with indices of ``IndexedSlices`` as int64 where their dtypes differ.

    What a gradient's indices are depends on how a function looks rows up: the branches of one are rarely alike.
    """
    results = [result for _, result in built]
    leaves = [nest.flatten(result) for result in results]
    if len({*map(len, leaves)}) != 1:
        return results
    differ = {
        position
        for position, alike in enumerate(zip(*leaves, strict=True))
        if all(isinstance(leaf, IndexedSlices) for leaf in alike)
        and len({leaf.indices.dtype.base_dtype for leaf in alike}) > 1
    }
    if not differ:
        return results
    for number, (graph, result) in enumerate(built):
        with graph.as_default():
            for position in differ:
                leaf = leaves[number][position]
                leaves[number][position] = IndexedSlices(leaf.values, _as_int64(leaf.indices), leaf.dense_shape)
        whole = nest.pack_sequence_as(result, leaves[number]) if nest.is_nested(result) else leaves[number][0]
        graph.outputs = [item for item in structures.flatten(whole) if item is not None]
        graph.structured_outputs = results[number] = whole
    return results


def _as_int64(indices: Any) -> Any:
    registry: Any = OpDef.registry
    return indices if indices.dtype.base_dtype is dtypes.int64 else registry["Cast"](indices, DstT=dtypes.int64)


def _check_same(first: FuncGraph, one: Any, second: FuncGraph, two: Any, names: tuple[str, str, str]) -> None:
    """Checks that branches return the same structure and dtypes.

    Raises:
      TypeError: a structure or dtype differs.
      ValueError: the number of tensors differs.
    """
    first_name, second_name, function = names
    problem = (
        f"{first_name} and {second_name} arguments to {function} must have the same number, type, and overall "
        f"structure of return values.\n\n{first_name} output: {one}\n{second_name} output: {two}\n\nError details:\n"
    )
    try:
        nest.assert_same_structure(_hollow(one), _hollow(two))
        nest.assert_same_structure(one, two, expand_composites=True)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{problem}{error}") from None
    if len(first.outputs) != len(second.outputs):
        raise ValueError(
            f"{first_name} and {second_name} must return the same number of results: "
            f"{len(first.outputs)} and {len(second.outputs)}."
        )
    for a, b in zip(first.outputs, second.outputs, strict=True):
        if a._dtype.base_dtype is not b._dtype.base_dtype:
            raise TypeError(
                f"{problem}{a} and {b} have different types: {a._dtype.base_dtype.name} and {b._dtype.base_dtype.name}."
            )


def _hollow(structure: Any) -> Any:
    return nest.map_structure(lambda item: 0, structure) if nest.is_nested(structure) else 0


def _merge_captures(branches: Sequence[FuncGraph]) -> list[Any]:
    """Gives all branches the same parameters: the union of what they capture. Returns the outer tensors."""
    read_when_used(branches)
    outer: dict[int, Any] = {}
    for branch in branches:
        for tensor in branch.external_captures:
            outer.setdefault(id(tensor), tensor)
    for branch in branches:
        parameters = []
        for tensor in outer.values():
            known = branch._captures.get(id(tensor))
            parameters.append(branch.add_unused(tensor, "Placeholder") if known is None else known[1])
        branch.inputs = parameters
    return list(outer.values())


def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case") -> Any:
    """Runs the function at an index.

    Args:
      branch_index: an int32 scalar.
      branch_fns: a dict from integers, a list of functions, or a list of (integer, function) pairs.
      default: the function for an index that has none; the last one if None.
      name: the name of the operation.
    """
    functions = _indexed(branch_fns)
    fallback = default if default is not None else functions[max(functions)]
    table = [functions.get(index, fallback) for index in range(max(functions) + 1)]
    if isinstance(branch_index, EagerTensor | int) and context.executing_eagerly():
        index = int(branch_index)
        return (table[index] if 0 <= index < len(table) else fallback)()
    if default is not None or len(table) != len(functions):
        table.append(fallback)
    branch_index = convert_to_tensor(branch_index)
    graph = context.current_graph()
    with graph.name_scope(name), graph.name_scope("indexed_case") as scope:
        base = f"{scope.strip('/').replace('/', '_')}_branch"
        built = [
            build(
                unique_function_name(f"{base}{number}"), function, (), value_of_operations=branch_index, own_nodes=True
            )
            for number, function in enumerate(table)
        ]
        graphs = [item for item, _ in built]
        results = _with_indices_of_one_dtype(built)
        for number, (other, result) in enumerate(zip(graphs[1:], results[1:], strict=True), 1):
            _check_same(graphs[0], results[0], other, result, ("branches[0]", f"branches[{number}]", "tf.switch_case"))
        merged = _merge_captures(graphs)
        operation: Any = case_op if any(item.is_stateful() for item in graphs) else stateless_case
        with waiting_for(graphs):
            outputs = operation(
                branch_index, merged, Tout=[output._dtype.base_dtype for output in graphs[0].outputs], branches=graphs,
                output_shapes=output_shapes(graphs), name=scope,
            )  # fmt: skip
        return _repack(results[0], outputs, graphs[0])


def _indexed(branch_fns: Any) -> dict[int, Any]:
    if isinstance(branch_fns, dict):
        pairs = list(branch_fns.items())
    elif isinstance(branch_fns, list | tuple) and branch_fns and not isinstance(branch_fns[0], tuple):
        pairs = list(enumerate(branch_fns))
    else:
        pairs = list(branch_fns)
    if not pairs:
        raise ValueError("branch_fns must contain at least one function.")
    for key, function in pairs:
        if not isinstance(key, int):
            raise TypeError(f"key must be a Python `int`, got {type(key)} {key!r}.")
        if not callable(function):
            raise TypeError(f"fn for key {key} must be callable.")
    indices = [key for key, _ in pairs]
    if sorted(indices) != list(range(len(indices))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(indices)}) but found {{{sorted(indices)}}}"
        )
    return dict(pairs)


def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case"
) -> Any:
    """Runs the function of the first predicate that holds.

    Args:
      pred_fn_pairs: pairs of a boolean scalar and a function; or a dict of them.
      default: the function to run if none holds.
      exclusive: whether it is an error that more than one holds.
      strict: whether a single result keeps its list.
      name: the name of the operations.

    Raises:
      InvalidArgumentError: none holds and there is no default; or several do and ``exclusive`` is set.
    """
    return case_by(cond, pred_fn_pairs, default, exclusive, name, lambda result: _unpacked(result, strict))


def case_by(
    conditional: Callable[..., Any], pred_fn_pairs: Any, default: Any, exclusive: bool, name: str | None, last: Any
) -> Any:
    """Is :func:`case` over another conditional.

    Args:
      conditional: takes a predicate, a function to run where it holds, and one to run where it does not.
      pred_fn_pairs: as those of :func:`case`; so are the next three.
      default: see there.
      exclusive: see there.
      name: see there.
      last: makes the result of what the functions return.
    """
    if not isinstance(pred_fn_pairs, dict | list | tuple):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pred_fn_pairs)}")
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in pred_fn_pairs must be a 2-tuple. Received {pair}.")
        if isinstance(pair[0], Tensor) and pair[0].dtype.base_dtype is not dtypes.bool:
            raise TypeError(
                f"pred must be Tensor of type bool: {pair[0].name if hasattr(pair[0], '_op') else pair[0]}."
            )
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0]} must be callable.")
    if default is not None and not callable(default):
        raise TypeError(f"default must be callable. Received: {default!r}")
    if not pairs:
        if default is None:
            raise ValueError("case() needs at least one pair of a predicate and a function, or a default.")
        return default()
    preds = [getattr(pred, "deref", lambda pred=pred: pred)() for pred, _ in pairs]
    functions = [function for _, function in pairs]
    checks = []
    if exclusive:
        registry: Any = OpDef.registry
        count = registry["Sum"](registry["Cast"](convert_to_tensor(preds), DstT="int32"), 0)
        checks.append(
            assert_true(
                registry["LessEqual"](count, 1), "Input error: exclusive=True: more than 1 conditions evaluated as True"
            )
        )
    if default is None:
        registry = OpDef.registry
        default = functions[-1]
        checks.append(
            assert_true(registry["Any"](convert_to_tensor(preds), 0), "None of the conditions evaluated as True.")
        )
    graph = context.current_graph()
    if graph is not None and any(check is not None for check in checks):
        with graph.control_dependencies([check for check in checks if check is not None]):
            preds[0] = OpDef.registry["Identity"](convert_to_tensor(preds[0]))  # type: ignore[operator]
    result: Callable[[], Any] = default
    for pred, function in reversed(list(zip(preds, functions, strict=True))):
        result = functools.partial(conditional, pred, function, result)
    with name_scope(name, "case", preds):
        return last(result())
