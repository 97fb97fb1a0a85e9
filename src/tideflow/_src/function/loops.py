"""``while_loop``: a loop, eagerly and in graphs; :mod:`.loop_gradients` differentiates it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.function import structures
from tideflow._src.function.automatic_control_dependencies import order_effects
from tideflow._src.function.func_graph import FuncGraph, convert_outputs, unique_function_name, waiting_for
from tideflow._src.function.predicates import as_predicate, holds
from tideflow._src.function.written_variables import read_when_used
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.functional import stateless_while, while_op
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.runtime.convert import convert_to_tensor

#: A loop's first variables are a counter of turns and the largest number of them; readers of graphs rely on it.
_BOOKKEEPING = 2
#: What the largest number of turns is where the program gives none.
_UNLIMITED = -1


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
    return_same_structure: bool = True,
) -> Any:
    """Repeats ``body`` as long as ``cond`` holds.

    Args:
      cond: takes the loop variables and returns a boolean scalar.
      body: takes the loop variables and returns new ones, of the same structure, dtypes and shapes.
      loop_vars: the initial values: a tuple, list or structure of tensors.
      shape_invariants: for variables whose shape changes: a structure of shapes that hold for every turn.
      parallel_iterations, swap_memory: kept for TensorFlow's signature.
      back_prop: whether gradients flow; in eager execution they always do, as in TensorFlow.
      maximum_iterations: a bound on the number of turns.
      name: the name of the operation.
      return_same_structure: whether a single variable comes back in its list.

    Returns:
      The loop variables after the last turn, in the structure of ``loop_vars``.

    Raises:
      TypeError: ``cond`` or ``body`` is not callable.
      ValueError: there are no loop variables, or ``body`` changes their structure or shapes.
    """
    del parallel_iterations, swap_memory
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if not nest.flatten(loop_vars) and not isinstance(loop_vars, list | tuple):
        raise ValueError("'loop_vars' must be provided.")
    if isinstance(loop_vars, list | tuple) and not loop_vars:
        raise ValueError("No loop variables provided.")
    if TensorShape(getattr(maximum_iterations, "shape", ())).rank not in (0, None):
        raise ValueError(f"maximum_iterations must be a scalar, saw shape: {maximum_iterations.shape}")
    packed = isinstance(loop_vars, list | tuple)
    if context.executing_eagerly():
        result = _eager_loop(cond, body, loop_vars, maximum_iterations, packed)
    else:
        result = _graph_loop(cond, body, loop_vars, shape_invariants, maximum_iterations, packed, name or "while")
        if not back_prop:
            stop_gradient: Any = OpDef.registry["StopGradient"]
            result = structures.map_tensors(stop_gradient, result)
    if not return_same_structure and packed and len(nest.flatten(result, expand_composites=True)) == 1:
        return result[0]
    return result


def while_loop_v1(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Is ``while_loop`` with the arguments of TensorFlow 1.x: a single variable comes back without its list."""
    return while_loop(
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, maximum_iterations,
        name, return_same_structure,
    )  # fmt: skip


def _eager_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any, packed: bool) -> Any:
    limit = None if maximum_iterations is None else int(maximum_iterations)
    turns = 0
    values = loop_vars  # as they are given: a Python number stays one, whose dtype follows the tensors that it meets
    while holds(cond(*values) if packed else cond(values)):
        if limit is not None and turns >= limit:
            break
        result = body(*values) if packed else body(values)
        if packed and not isinstance(result, list | tuple):
            result = (result,)
        if packed:  # the variables come back in the list or tuple that the body makes of them
            nest.assert_same_structure(list(values), list(result))
        else:
            nest.assert_same_structure(values, result)
        values = result
        turns += 1
    return structures.map_leaves(structures.converted, values)


def _same_kind(like: Any, result: Any) -> Any:
    if isinstance(like, list) and isinstance(result, tuple):
        return list(result)
    if isinstance(like, tuple) and isinstance(result, list) and not hasattr(like, "_fields"):
        return tuple(result)
    return result


def _graph_loop(
    cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, maximum_iterations: Any, packed: bool, name: str
) -> Any:
    graph = context.current_graph()
    structure = structures.map_tensors(lambda item: _dense(convert_to_tensor(item)), loop_vars)
    with graph.name_scope(name) as scope:
        initial = structures.flatten(structure)
        shapes = [tensor.shape for tensor in initial]
        if shape_invariants is not None:
            structure, shapes = _invariant(structure, shape_invariants)
            structure = _relaxed(structure, shape_invariants)
            for shape, tensor in zip(shapes, initial, strict=True):
                if not shape.is_compatible_with(tensor.shape) or not _less_specific(shape, tensor.shape):
                    raise ValueError(
                        f"The shape invariant specified for {tensor.name} is not compatible with the initial shape of "
                        f"the loop variable. It enters the loop with shape {tensor.shape}, but the specified shape "
                        f"invariant is {shape}."
                    )
        with_learnt_specs = _learner_of_specs(loop_vars if shape_invariants is None else structure)
        limited = maximum_iterations is not None
        limit = convert_to_tensor(maximum_iterations if limited else _UNLIMITED, "int32", name="maximum_iterations")
        counter = convert_to_tensor(0, "int32", name="loop_counter")
        starts = [counter, limit, *initial]
        body_graph, condition_graph = _build(
            cond,
            body,
            structure,
            with_learnt_specs,
            starts,
            [TensorShape([]), TensorShape([]), *shapes],
            limited,
            packed,
            scope,
        )
        captured = share_parameters(condition_graph, body_graph, len(starts))
        inputs = [*starts, *captured]
        stateful = body_graph.is_stateful() or condition_graph.is_stateful()
        operation: Any = while_op if stateful else stateless_while
        with waiting_for([condition_graph, body_graph]):
            outputs = operation(
                inputs,
                cond=condition_graph,
                body=body_graph,
                output_shapes=[output._shape for output in body_graph.inputs],
                name=scope,
            )
        registry: Any = OpDef.registry
        results = [registry["Identity"](output) for output in outputs[_BOOKKEEPING : _BOOKKEEPING + len(initial)]]
        for result, shape in zip(results, shapes, strict=True):
            result.set_shape(shape)
        structure = with_learnt_specs(structure)
        return structures.pack(_with_learnt_shapes(structure, body_graph.structured_outputs), results)


def _learner_of_specs(given: Any) -> Callable[[Any], Any]:
    """Returns a function that gives loop variables the specs that the body has since given to those it started from.

    It may say what an optional holds that is empty before the first turn, as Keras's loop over steps does.
    """
    leaves = nest.flatten(given)
    before = [leaf._type_spec if isinstance(leaf, CompositeTensor) else None for leaf in leaves]

    def with_learnt_specs(structure: Any) -> Any:
        pairs = zip(leaves, before, strict=True)

        def learn(leaf: Any) -> Any:
            start, spec = next(pairs)
            return leaf if spec is None or start._type_spec == spec else start

        return structures.map_leaves(learn, structure)

    return with_learnt_specs


def _with_learnt_shapes(structure: Any, after: Any) -> Any:
    """Returns the loop variables with the shapes of elements that the body found out for arrays."""
    ends = iter(nest.flatten(after))

    def learn(leaf: Any) -> Any:
        end = next(ends)
        if isinstance(leaf, TensorArray) and leaf._infer_shape and leaf.element_shape.rank is None:
            return end
        return leaf

    return structures.map_leaves(learn, structure)


def _relaxed(structure: Any, shape_invariants: Any) -> Any:
    """Returns loop variables whose sparse and ragged tensors know no more of their shapes than the invariants say."""
    flat = nest.flatten_up_to(structure, shape_invariants) if nest.is_nested(structure) else [shape_invariants]
    invariants = iter(flat)

    def relax(leaf: Any) -> Any:
        invariant = next(invariants)
        if not hasattr(leaf, "_with_static_shape"):
            return leaf
        is_spec = hasattr(invariant, "_component_specs")
        spec = invariant if is_spec else leaf._shape_invariant_to_type_spec(TensorShape(invariant))
        return leaf._with_static_shape(spec.shape)

    return structures.map_leaves(relax, structure)


def _invariant(structure: Any, shape_invariants: Any) -> tuple[Any, list[TensorShape]]:
    """Returns loop variables with specs of what holds for every turn in the place of those made of several tensors,
    and the shape that each tensor keeps."""
    flat = nest.flatten_up_to(structure, shape_invariants) if nest.is_nested(structure) else [shape_invariants]
    leaves: list[Any] = []
    shapes: list[TensorShape] = []
    for leaf, invariant in zip(nest.flatten(structure), flat, strict=True):
        is_spec = hasattr(invariant, "_component_specs")
        if isinstance(leaf, TensorArray):
            shapes.append(TensorShape([]))
        elif isinstance(leaf, IndexedSlices) and not is_spec:
            shape = TensorShape(getattr(invariant, "shape", invariant))
            parts = structures.components(leaf)
            shapes += [shape, TensorShape([None]), TensorShape([shape.rank])][: len(parts)]
        elif structures.is_composite(leaf):
            if not is_spec:
                invariant = leaf._shape_invariant_to_type_spec(TensorShape(invariant))
            shapes += [spec.shape for spec in invariant.flatten()]
            leaf = invariant
        else:
            shapes.append(TensorShape(getattr(invariant, "shape", invariant)))
        leaves.append(leaf)
    return nest.pack_sequence_as(structure, leaves) if nest.is_nested(structure) else leaves[0], shapes


def _dense(tensor: Any) -> Any:
    if tensor.dtype._is_ref_dtype:
        registry: Any = OpDef.registry
        return registry["Identity"](tensor)
    return tensor


def _less_specific(invariant: TensorShape, shape: TensorShape) -> bool:
    if invariant.rank is None or shape.rank is None:
        return invariant.rank is None
    return all(
        want is None or want == have for want, have in zip(invariant._dims or (), shape._dims or (), strict=True)
    )


def _build(
    cond: Any,
    body: Any,
    structure: Any,
    with_learnt_specs: Callable[[Any], Any],
    starts: Sequence[Any],
    shapes: Sequence[TensorShape],
    limited: bool,
    packed: bool,
    scope: str,
) -> tuple[FuncGraph, FuncGraph]:
    base = scope.strip("/").replace("/", "_")
    registry: Any = OpDef.registry

    def arguments(graph: FuncGraph) -> tuple[Any, Any, Any]:
        names = [f"{scope}loop_counter", f"{scope}maximum_iterations", *["Placeholder"] * (len(starts) - _BOOKKEEPING)]
        counter, limit, *values = [
            graph.add_parameter(start.dtype.base_dtype, shape._dims, name)
            for start, shape, name in zip(starts, shapes, names, strict=True)
        ]
        return counter, limit, structures.pack(structure, values)

    condition_graph = FuncGraph(unique_function_name(f"{base}_cond"))
    condition_graph.enter_scope_around()
    with condition_graph.as_default():
        counter, limit, values = arguments(condition_graph)
        result = as_predicate(cond(*values) if packed else cond(values), "The condition of tf.while_loop")
        if limited:
            result = registry["LogicalAnd"](registry["Less"](counter, limit), result)
        if result._op.type == "Placeholder":
            result = registry["Identity"](result)
        condition_graph.outputs = [condition_graph.capture(result)]
        if condition_graph.automatic_effects:
            order_effects(condition_graph)
    body_graph = FuncGraph(unique_function_name(f"{base}_body"))
    body_graph.enter_scope_around()
    with body_graph.as_default():
        counter, limit, values = arguments(body_graph)
        results: Any = body(*values) if packed else body(values)
        if packed and not isinstance(results, list | tuple):
            results = [results]
        results = _same_kind(structure, results)
        structure = with_learnt_specs(structure)
        try:
            nest.assert_same_structure(structure, results)
            nest.assert_same_structure(results, structure, expand_composites=True)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The two structures don't have the same nested structure: body returned other variables. {error}"
            ) from None
        _check_complete(structure, results)
        body_graph.structured_outputs = convert_outputs(body_graph, results)
        converted = [
            _itself(output, parameter)
            for output, parameter in zip(
                structures.flatten(body_graph.structured_outputs), body_graph.inputs[_BOOKKEEPING:], strict=False
            )
        ]
        body_graph.outputs = [registry["AddV2"](counter, 1, name="add"), limit, *converted]
        for start, shape, output in zip(starts, shapes, body_graph.outputs, strict=True):
            if output._dtype.base_dtype is not start.dtype.base_dtype:
                raise TypeError(
                    f"Loop variable {start.name} enters the loop with type {start.dtype.base_dtype.name} but has type "
                    f"{output._dtype.base_dtype.name} after one iteration."
                )
            if not _less_specific(shape, output.shape):
                raise ValueError(
                    f"Input tensor `{start.name}` enters the loop with shape {shape}, but has shape {output.shape} "
                    "after one iteration. To allow the shape to vary across iterations, use the `shape_invariants` "
                    "argument of tf.while_loop to specify a less-specific shape."
                )
    return body_graph, condition_graph


def _check_complete(structure: Any, results: Any) -> None:
    for variable, result in zip(nest.flatten(structure), nest.flatten(results), strict=True):
        if result is None and variable is not None:
            raise ValueError(f"The body of the loop returned None for the loop variable {variable}.")


def _itself(output: Any, parameter: Any) -> Any:
    """Returns a loop variable itself where the body returns it unchanged: it is the same in each turn."""
    tensor = output
    while tensor._op.type == "Identity" and not tensor._op._control_inputs:
        tensor = tensor._op.inputs[0]
    return parameter if tensor is parameter else output


def share_parameters(condition: FuncGraph, body: FuncGraph, count: int) -> list[Any]:
    """Gives both functions of a loop the same parameters, and lets the body pass its captures along."""
    read_when_used((condition, body))
    outer: dict[int, Any] = {}
    for graph in (condition, body):
        for tensor in graph.external_captures:
            outer.setdefault(id(tensor), tensor)
    for graph in (condition, body):
        parameters = list(graph.inputs[:count])
        redundant = itertools.count()
        for tensor in outer.values():
            known = graph._captures.get(id(tensor))
            if known is not None:
                parameters.append(known[1])
            elif graph is body and isinstance(tensor, SymbolicTensor):
                parameters.append(graph.add_unused(tensor, tensor._op.name))
            else:
                parameters.append(graph.add_unused(tensor, f"{graph.name}___redundant_placeholder{next(redundant)}"))
        graph.inputs = parameters
    body.outputs = [*body.outputs[:count], *body.inputs[count:]]
    return list(outer.values())
