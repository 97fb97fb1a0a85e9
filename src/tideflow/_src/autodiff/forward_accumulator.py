"""Defines ``ForwardAccumulator``: directional derivatives, computed alongside the operations that they belong to.

A gradient rule maps the gradients of an operation's outputs to those of its inputs, and that map is linear. The
derivative along a direction is its transpose, which reverse differentiation of the rule itself gives: with
``g = rule(u)``, the gradient of ``<g, t>`` with respect to ``u`` is the tangent of the outputs for the tangents ``t``
of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff.accumulation import to_dense
from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.rules import input_gradients, is_differentiable
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.autodiff.unconnected import UnconnectedGradients
from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import convert_to_tensor


class ForwardAccumulator:
    """Computes Jacobian-vector products: how results change if the primals change along the tangents.

    Accumulators nest: an outer one also differentiates the products that an inner one computes, and a tape inside of an
    accumulator gives Hessian-vector products.

    Args:
      primals: a tensor or variable, or a structure of those.
      tangents: a tensor for each, of its dtype and shape.

    Raises:
      ValueError: a tangent has another shape than its primal, or a primal is given twice.

    >>> import tideflow as tf
    >>> x = tf.constant(3.0)
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant(2.0)) as accumulator:
    ...     y = x * x
    >>> accumulator.jvp(y)
    <tf.Tensor: shape=(), dtype=float32, numpy=12.0>
    """

    #: Whether it differentiates operations as they run, rather than afterwards.
    is_forward = True

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._recording = False
        self._tangents: dict[int, Any] = {}
        self._kept: list[Any] = []  # keeps the identities in _tangents from being used again
        nest.assert_same_structure(primals, tangents)
        given: set[int] = set()
        for primal in nest.flatten(primals):
            if id(primal) in given:
                raise ValueError(
                    f"Tensor {primal!r} was specified as a primal multiple times. This may indicate an error. If it "
                    "was intended, please sum the corresponding tangents."
                )
            given.add(id(primal))
        self._watch(primals, tangents)

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        self._recording = True
        context.enter_tape(self)
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if self._recording:
            self._recording = False
            context.leave_tape(self)

    def _watch(self, primals: Any, tangents: Any) -> None:
        for primal, tangent in zip(nest.flatten(primals), nest.flatten(tangents), strict=True):
            if not (primal.dtype.is_floating or primal.dtype.is_complex):
                import logging

                logging.getLogger("tensorflow").warning(
                    "The dtype of the watched primal must be floating (e.g. tf.float32), got %r", primal.dtype
                )
            tensor = convert_to_tensor(tangent, primal.dtype.base_dtype)
            if not primal.shape.is_compatible_with(tensor.shape):
                raise ValueError(f"A tangent of shape {tensor.shape} was given for a primal of shape {primal.shape}.")
            self._keep(_tensor_of(primal), tensor)

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """Returns the tangents of tensors that were computed while the accumulator was active.

        Args:
          primals: a tensor or variable, or a structure of those.
          unconnected_gradients: what a tensor gets that does not depend on the primals: ``"none"`` or ``"zero"``.

        Returns:
          A tensor or None for each, in the structure of ``primals``.
        """
        unconnected = UnconnectedGradients(unconnected_gradients)
        registry: Any = OpDef.registry

        def fetch(primal: Any) -> Any:
            if isinstance(primal, IndexedSlices):
                values = self._tangents.get(id(primal.values))
                return None if values is None else IndexedSlices(values, primal.indices, primal.dense_shape)
            tangent = self._tangents.get(id(_tensor_of(primal)))
            if tangent is None and unconnected is UnconnectedGradients.ZERO:
                return registry["ZerosLike"](primal if isinstance(primal, Tensor) else convert_to_tensor(primal))
            return tangent

        if not nest.is_nested(primals):
            return fetch(primals)
        return nest.pack_sequence_as(primals, [fetch(primal) for primal in nest.flatten(primals)])

    def _keep(self, tensor: Any, tangent: Any) -> None:
        self._tangents[id(tensor)] = tangent
        self._kept.append(tensor)

    # What the runtime calls.

    def record(self, op_def: OpDef, inputs: Sequence[Any], attrs: dict[str, Any], outputs: Any) -> None:
        """Computes the tangents of the outputs of a call."""
        call = Call(op_def, inputs, _flat(outputs), attrs)
        flat = call.flat_inputs()
        if self._touches(flat) and is_differentiable(op_def, attrs):
            self._advance(flat, call.outputs, lambda dys: input_gradients(call, dys))

    def record_node(self, node: Operation) -> None:
        """Computes the tangents of the outputs of a node that was added to a graph."""
        if self._touches(node._inputs) and is_differentiable(node.op_def, node.attrs):
            call = Call.of_operation(node)
            self._advance(node._inputs, node.outputs, lambda dys: input_gradients(call, dys))

    def record_custom(self, inputs: Sequence[Any], outputs: Sequence[Any], backward: Callable[..., Any]) -> None:
        """Computes the tangents of the results of a function whose gradient the user gave."""
        # What the function did inside of it has been differentiated already, if it could be.
        if not self._touches(inputs) or self._touches(outputs):
            return

        def rule(dys: Sequence[Any]) -> list[Any]:
            results = backward(*dys)
            return list(results) if isinstance(results, list | tuple) else [results]

        self._advance(inputs, outputs, rule)

    def variable_accessed(self, variable: Any) -> None:
        """Ignores that a variable is read: its primal was given at the start, or it has no tangent."""

    def _touches(self, tensors: Sequence[Any]) -> bool:
        return any(id(tensor) in self._tangents for tensor in tensors)

    def _advance(self, inputs: Sequence[Any], outputs: Sequence[Any], rule: Callable[[list[Any]], list[Any]]) -> None:
        results = [tensor for tensor in outputs if _has_tangent(tensor)]
        if not results:
            return
        registry: Any = OpDef.registry
        tangents = [self._tangents.get(id(tensor)) for tensor in inputs]
        saved = context.state.tapes
        # Only what was entered before this accumulator differentiates what it computes.
        context.state.tapes = saved[: saved.index(self)] if self in saved else list(saved)
        try:
            with GradientTape(watch_accessed_variables=False) as tape:
                seeds = []
                for tensor in outputs:
                    seed = registry["ZerosLike"](tensor)
                    if _has_tangent(tensor):
                        tape.watch(seed)
                    seeds.append(seed)
                pairs = []
                for found, tangent in zip(rule(list(seeds)), tangents, strict=True):
                    if found is None or tangent is None:
                        continue
                    if isinstance(found, IndexedSlices):
                        pairs.append((found.values, registry["GatherV2"](tangent, found.indices, 0)))
                    else:
                        pairs.append((to_dense(found), tangent))
            floating = [seed for seed, tensor in zip(seeds, outputs, strict=True) if any(tensor is r for r in results)]
            advanced = tape.gradient([y for y, _ in pairs], floating, [t for _, t in pairs]) if pairs else []
        finally:
            context.state.tapes = saved
        for tensor, tangent in zip(results, advanced, strict=False):
            if tangent is not None:
                self._keep(tensor, to_dense(tangent))


def _has_tangent(tensor: Any) -> bool:
    """Tells whether a result changes along a direction: a number, or a list of numbers."""
    dtype = tensor.dtype
    return dtype.is_floating or dtype.is_complex or dtype is dtypes.variant


def _tensor_of(primal: Any) -> Any:
    """Returns what stands for a primal in records: the tensor itself, or the handle of a variable."""
    return primal if isinstance(primal, Tensor) else getattr(primal, "handle", primal)


def _flat(outputs: Any) -> list[Any]:
    if isinstance(outputs, Tensor):
        return [outputs]
    return [tensor for item in outputs for tensor in (item if isinstance(item, list) else (item,))]
