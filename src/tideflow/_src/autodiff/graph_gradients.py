"""Differentiates graphs: ``gradients`` adds the operations that compute derivatives to the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.autodiff.accumulation import total
from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.rules import input_gradients, is_differentiable
from tideflow._src.autodiff.unconnected import UnconnectedGradients
from tideflow._src.core import context
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.plan import in_order

_BACK_EDGES = frozenset(("NextIteration", "RefNextIteration"))


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
    colocate_gradients_with_ops: bool = False,
) -> list[Any]:
    """Returns the symbolic derivatives of the sum of ``ys`` with respect to each of ``xs``.

    In a branch, a loop or another function, ``ys`` may depend on ``xs`` through operations of the graphs around it: the
    gradient goes through what the function captures.

    Args:
      ys: a tensor or list of tensors.
      xs: a tensor, variable, or list of those.
      grad_ys: the gradient of each of ``ys``; ones by default.
      name: the name scope of the new operations.
      gate_gradients: kept for TensorFlow's signature: runs are deterministic here.
      aggregation_method: kept for TensorFlow's signature: gradients are added with ``AddN``.
      stop_gradients: tensors to treat as constants: no gradient goes through the operations that give them.
      unconnected_gradients: what an unrelated one of ``xs`` gets, ``"none"`` or ``"zero"``.
      colocate_gradients_with_ops: whether each gradient asks for the device of its operation.

    Returns:
      For each of ``xs`` a tensor, ``IndexedSlices``, or None.

    Raises:
      RuntimeError: operations run eagerly here.
      LookupError: an operation on the way has no gradient.
      ValueError: ``grad_ys`` does not fit ``ys``.
      TypeError: one of ``ys`` is not of a type that can be differentiated.
    """
    graph = context.current_graph()
    if graph is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
        )
    del gate_gradients, aggregation_method
    ys_list = [_as_tensor(y, graph) for y in _as_list(ys)]
    sources = _as_list(xs)
    xs_list = [_stand_ins(x, graph) for x in sources]
    stops = {tensor for x in _as_list(stop_gradients) for tensor in _stand_ins(x, graph)}
    grads = _as_list(grad_ys) if grad_ys is not None else [None] * len(ys_list)
    if len(grads) != len(ys_list):
        raise ValueError(f"Length mismatch. Passed {len(grads)} grad_ys for {len(ys_list)} ys")
    unconnected = UnconnectedGradients(unconnected_gradients)
    with graph.name_scope(name):
        seeds = [_seed(y, grad, index) for index, (y, grad) in enumerate(zip(ys_list, grads, strict=True))]
        found = _across_graphs(graph, ys_list, xs_list, seeds, stops, colocate_gradients_with_ops)
        if unconnected is UnconnectedGradients.ZERO:
            registry: Any = OpDef.registry
            found = [
                registry["ZerosLike"](_as_tensor(x, graph)) if gradient is None else gradient
                for x, gradient in zip(sources, found, strict=True)
            ]
    return found


def gradients_v1(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """Returns symbolic derivatives: :func:`gradients` with TensorFlow 1's order of arguments."""
    return gradients(
        ys,
        xs,
        grad_ys,
        name,
        gate_gradients,
        aggregation_method,
        stop_gradients,
        unconnected_gradients,
        colocate_gradients_with_ops,
    )


def gradients_of_seeds(ys: Sequence[SymbolicTensor], xs: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
    """Returns the derivatives of nodes of a graph, built in the current one: a function that captures what it uses.

    Args:
      ys: tensors of one graph.
      xs: tensors or variables of the same graph.
      seeds: the gradient of each of ``ys``: tensors of the graph that is being built.
    """
    outer = ys[0].op.graph
    with outer.as_default():
        sources = [outer.capture(_source(x)) for x in xs]
    walk = _Walk(context.current_graph(), sources, set(), False)
    return walk.run(ys, seeds)


def _across_graphs(
    graph: Graph,
    ys: Sequence[SymbolicTensor],
    xs: Sequence[Sequence[SymbolicTensor]],
    seeds: Sequence[Any],
    stops: set[SymbolicTensor],
    colocate: bool,
) -> list[Any]:
    """Returns the gradient of each of ``xs``, built in ``graph``, whose operations and those around it lead to ``ys``.

    A walk in each graph gives the gradients of what it captures; the walk in the graph around goes on from there.

    Args:
      graph: the graph that is being built.
      ys: tensors of it.
      xs: for each source the tensors that stand for it, in ``graph`` and in those around it.
      seeds: the gradient of each of ``ys``.
      stops: tensors, of all these graphs, that are treated as constants.
      colocate: whether each gradient asks for the device of its operation.
    """
    wanted = {tensor: None for tensors in xs for tensor in tensors}
    found: dict[SymbolicTensor, Any] = {}
    pending = list(zip(ys, seeds, strict=True))
    for level in _levels(graph):
        here = [(y, seed) for y, seed in pending if y.op.graph is level]
        pending = [(y, seed) for y, seed in pending if y.op.graph is not level]
        targets = {tensor: None for tensor in wanted if tensor.op.graph is level}
        for tensor in targets:
            del wanted[tensor]
        captured = [
            (outer, inner)
            for outer, inner in getattr(level, "captures", ())
            if wanted and isinstance(outer, SymbolicTensor) and inner not in targets
        ]
        walk = _Walk(graph, [*targets, *(inner for _, inner in captured)], stops, colocate)
        results = walk.run([y for y, _ in here], [seed for _, seed in here])
        found.update(zip(targets, results, strict=False))
        for (outer, _), gradient in zip(captured, results[len(targets) :], strict=True):
            if gradient is not None:
                pending.append((outer, gradient))
        if not wanted:
            break
    parts = [[found[tensor] for tensor in tensors if found.get(tensor) is not None] for tensors in xs]
    return [total(part, "AddN") if len(part) > 1 else part[0] if part else None for part in parts]


def _levels(graph: Graph) -> Iterator[Graph]:
    """Yields a graph and those around it, for the graph of a function, from the inside out."""
    level: Graph | None = graph
    while level is not None:
        yield level
        level = getattr(level, "outer_graph", None)


class _Walk:
    """Is one reverse walk over a graph."""

    def __init__(self, graph: Graph, xs: Sequence[SymbolicTensor], stops: set[SymbolicTensor], colocate: bool) -> None:
        self._graph = graph
        self._xs = xs
        self._stops = stops
        self._colocate = colocate
        self._gradients: dict[SymbolicTensor, list[Any]] = {}
        self._wanted: set[SymbolicTensor] = set()
        self._active: set[Operation] = set()

    def run(self, ys: Sequence[SymbolicTensor], seeds: Sequence[Any]) -> list[Any]:
        wanted = set(self._xs)
        between, order = self._between(ys, wanted)
        stopped = {tensor.op for tensor in self._stops}
        self._wanted, self._active = wanted, between
        for y, seed in zip(ys, seeds, strict=True):
            if seed is not None and (y in wanted or _is_trainable(y)):
                self._gradients.setdefault(y, []).append(seed)
        for op in reversed(order):
            if op not in between or op in stopped:
                continue
            present = [self._gradients.get(output) for output in op.outputs]
            if not any(present):
                continue
            if not is_differentiable(op.op_def, op.attrs):
                continue
            for found in present:
                if found and len(found) > 1:  # sums are named outside the scope of the operation
                    found[:] = [total(found, "AddN")]
            with self._graph.name_scope(f"{op.name}_grad"):
                self._differentiate(op, present)
        results: list[Any] = []
        for x in self._xs:
            found = self._gradients.get(x)
            if not found:
                results.append(None)
                continue
            if len(found) > 1:
                found[:] = [total(found, "AddN")]
            results.append(found[0])
        return results

    def _differentiate(self, op: Operation, present: list[list[Any] | None]) -> None:
        dys = []
        for output, found in zip(op.outputs, present, strict=True):
            if found:
                dys.append(found[0])
            else:
                dys.append(None if op.op_def.takes_missing_gradients else _zeros_of(output))
        call = Call.of_operation(op)
        if op.op_def.takes_functions:
            call.wanted = [self._needs_gradient(tensor) for tensor in op.inputs]
        results = input_gradients(call, dys)
        for tensor, gradient in zip(call.flat_inputs(), results, strict=True):
            if gradient is None or not _is_trainable(tensor):
                continue
            if _partly_known(gradient):
                _inherit_shape(gradient, tensor)
            self._gradients.setdefault(tensor, []).append(gradient)

    def _needs_gradient(self, tensor: SymbolicTensor) -> bool:
        if not _is_trainable(tensor):
            return False
        return tensor in self._wanted or (tensor not in self._stops and tensor.op in self._active)

    def _between(
        self, ys: Sequence[SymbolicTensor], wanted: set[SymbolicTensor]
    ) -> tuple[set[Operation], list[Operation]]:
        """Returns the operations that lie between the sources and ``ys``, and all that ``ys`` needs, in order."""
        found = self._before(ys)
        prepare = next((op.op_def.before_gradient for op in found if op.op_def.before_gradient is not None), None)
        if prepare is not None:
            prepare(ys)
            found = self._before(ys)
        order = in_order(found)
        between: set[Operation] = set()
        grown = True
        while grown:
            count = len(between)
            for op in order:
                if op not in between and any(self._leads_back(tensor, wanted, between) for tensor in op.inputs):
                    between.add(op)
            # Frames of loops have edges that lead back to an earlier operation.
            grown = len(between) > count and any(op.type in _BACK_EDGES for op in between)
        return between, order

    def _before(self, ys: Sequence[SymbolicTensor]) -> set[Operation]:
        """Returns the operations that ``ys`` follow from."""
        found: set[Operation] = {y.op for y in ys}
        stack = list(found)
        while stack:
            op = stack.pop()
            for tensor in op.inputs:
                if tensor.op not in found and tensor not in self._stops:
                    found.add(tensor.op)
                    stack.append(tensor.op)
        return found

    def _leads_back(self, tensor: SymbolicTensor, wanted: set[SymbolicTensor], between: set[Operation]) -> bool:
        if tensor in wanted:
            return True
        return tensor not in self._stops and tensor.op in between and _is_trainable(tensor)


def _partly_known(gradient: Any) -> bool:
    return isinstance(gradient, SymbolicTensor) and (gradient._shape is None or None in gradient._shape)


def _inherit_shape(gradient: SymbolicTensor, tensor: SymbolicTensor) -> None:
    """A dense gradient has the shape of its tensor, which may say more than the rule's operations did."""
    if tensor._shape is None or tensor._dtype.name == "resource" or gradient.op.graph is not tensor.op.graph:
        return
    gradient.set_shape(tensor._shape)


def _is_trainable(tensor: SymbolicTensor) -> bool:
    dtype = tensor._dtype.base_dtype
    return dtype.is_floating or dtype.is_complex or dtype.name in ("resource", "variant")


def _zeros_of(tensor: SymbolicTensor) -> Any:
    registry: Any = OpDef.registry
    return registry["ZerosLike"](tensor)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _as_tensor(value: Any, graph: Graph) -> SymbolicTensor:
    if isinstance(value, IndexedSlices):
        return value.values  # type: ignore[no-any-return]
    tensor: Any = convert_to_tensor(value)
    return graph.capture(tensor)


def _source(value: Any) -> Any:
    """The tensor with respect to which ``value`` is differentiated: a variable's handle or reference."""
    if isinstance(value, SymbolicTensor):
        return value
    if isinstance(value, IndexedSlices):
        return value.values
    handle = getattr(value, "handle", None)
    if handle is not None:
        return handle
    return convert_to_tensor(value, as_ref=True)


def _stand_ins(value: Any, graph: Graph) -> list[SymbolicTensor]:
    """Returns the tensors that stand for ``value`` in a graph and those around it.

    A node is itself, wherever it is: what functions capture leads back to it. What was made outside of all graphs has a
    parameter in each function that uses it.
    """
    tensor = _source(value)
    levels = list(_levels(graph))
    if isinstance(tensor, SymbolicTensor) and tensor.op.graph in levels:
        return [tensor]
    around = [inner for level in levels[1:] for outer, inner in getattr(level, "captures", ()) if outer is tensor]
    return [graph.capture(tensor), *around]


def _seed(y: SymbolicTensor, given: Any, index: int) -> Any:
    registry: Any = OpDef.registry
    if given is None:
        if y._dtype.base_dtype.is_complex:
            raise TypeError(
                f"Gradients of complex tensors ({y}) must set grad_ys (y.dtype = {y._dtype.base_dtype.name})"
            )
        if not y._dtype.base_dtype.is_floating and not y._dtype.base_dtype.is_integer:
            return None
        one = convert_to_tensor(1, y._dtype.base_dtype, name=f"grad_ys_{index}")
        dims = y._shape
        # A known shape does not make the gradient wait for y, and for whatever y waits for.
        known = dims is not None and None not in dims
        shape = (
            convert_to_tensor(np.array(dims, np.int32), name="Shape") if known else registry["Shape"](y, name="Shape")
        )
        return registry["Fill"](shape, one, name="Fill")
    if isinstance(given, IndexedSlices):
        return given
    given = convert_to_tensor(given, name=f"grad_ys_{index}")
    if given.dtype.base_dtype is not y._dtype.base_dtype and not y._dtype.base_dtype.is_complex:
        raise TypeError(
            f"Gradient type {given.dtype.name} generated for tensor {y} with type {y._dtype.name} must match it."
        )
    return given
