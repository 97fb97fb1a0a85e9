"""Defines ``GradientTape``: records eager operations on watched tensors and differentiates what it recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.autodiff.accumulation import to_dense, total
from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.rules import is_differentiable, rule_gradients, unbroadcast, user_rules
from tideflow._src.autodiff.unconnected import UnconnectedGradients
from tideflow._src.core import context, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, Tensor, wrap
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import convert_to_tensor

_FLOAT32 = np.dtype(np.float32)


class GradientTape:
    """Records operations for automatic differentiation.

    An operation is recorded if it is run inside the ``with`` block and one of its inputs is watched: a trainable
    variable, a tensor given to :meth:`watch`, or the result of a recorded operation.

    Args:
      persistent: whether :meth:`gradient` may be called several times.
      watch_accessed_variables: whether trainable variables are watched as soon as they are read.

    >>> import tideflow as tf
    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=6.0>
    """

    #: Whether it differentiates operations as they run, rather than afterwards.
    is_forward = False

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._records: list[Call] = []
        self._watched: set[int] = set()
        self._kept: list[Any] = []  # keeps the identities in _watched from being used again
        self._variables: dict[int, Any] = {}
        self._recording = False
        self._used = False

    def __enter__(self) -> GradientTape:
        self._start()
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if self._recording:
            self._stop()

    def _start(self) -> None:
        if self._recording:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        self._recording = True
        context.enter_tape(self)

    def _stop(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._recording = False
        context.leave_tape(self)

    # What the runtime calls.

    def record(self, op_def: OpDef, inputs: Sequence[Any], attrs: dict[str, Any], outputs: Any) -> None:
        """Records a call if one of its inputs is watched."""
        watched = self._watched
        for item in inputs:
            if id(item) in watched:
                break
            if item.__class__ is list and any(id(tensor) in watched for tensor in item):
                break
        else:
            return
        if (op_def.differentiable is False or user_rules) and not is_differentiable(op_def, attrs):
            return
        if outputs.__class__ is EagerTensor:
            flat: Sequence[Any] = (outputs,)
            if outputs._value.dtype is _FLOAT32 or _trainable(outputs):
                watched.add(id(outputs))
        elif isinstance(outputs, EagerTensor):
            flat = (outputs,)
            if _trainable(outputs):
                watched.add(id(outputs))
        else:
            flat = [tensor for item in outputs for tensor in (item if isinstance(item, list) else (item,))]
            for tensor in flat:
                if _trainable(tensor):
                    watched.add(id(tensor))
        self._records.append(Call(op_def, inputs, flat, attrs))

    def record_node(self, node: Operation) -> None:
        """Records a node that was added to a graph if one of its inputs is watched."""
        watched = self._watched
        for tensor in node._inputs:
            if id(tensor) in watched:
                break
        else:
            return
        if is_differentiable(node.op_def, {}):
            watched.update(id(tensor) for tensor in node.outputs if _trainable(tensor))
            self._records.append(Call(node.op_def, node._inputs, node.outputs, node.attrs, node))

    def record_input(self, node: Operation, user: Operation) -> None:
        """Records a node that an operation that is recorded was given as an input since: it comes before that."""
        count = len(self._records)
        self.record_node(node)
        if len(self._records) > count:
            users = [position for position, call in enumerate(self._records) if call.operation is user]
            if users:
                self._records.insert(users[0], self._records.pop())

    def record_growth(self, node: Operation, outputs: Sequence[Tensor]) -> None:
        """Records that a node has been given more outputs: what its gradient reads."""
        watched = self._watched
        if any(id(tensor) in watched for tensor in node._inputs):
            watched.update(id(tensor) for tensor in outputs if _trainable(tensor))

    def record_custom(self, inputs: Sequence[Any], outputs: Sequence[Any], backward: Callable[..., Any]) -> None:
        """Records a call whose gradient is a function of the user's: output gradients in, input gradients out."""
        if any(id(tensor) in self._watched for tensor in inputs):
            self._watched.update(id(tensor) for tensor in outputs if _trainable(tensor))
            self._records.append(Call(None, list(inputs), list(outputs), {}, backward=backward))

    def variable_accessed(self, variable: Any) -> None:
        """Watches a trainable variable that is being read."""
        if self._watch_accessed_variables and getattr(variable, "trainable", False):
            self._watch_variable(variable)

    def _watch_variable(self, variable: Any) -> None:
        handle = variable.handle
        if id(handle) not in self._watched:
            self._watched.add(id(handle))
            self._kept.append(handle)
            self._variables[id(handle)] = variable

    # What the user calls.

    def watch(self, tensor: Any) -> None:
        """Watches a tensor, variable or nested structure of those.

        Raises:
          ValueError: something in it is neither.
        """
        if tensor.__class__ is EagerTensor and tensor._value.dtype is _FLOAT32:
            self._watched.add(id(tensor))
            self._kept.append(tensor)
            return
        for item in flat_components(tensor):
            if hasattr(item, "handle") and not isinstance(item, Tensor):
                self._watch_variable(item)
                continue
            if not isinstance(item, Tensor):
                raise ValueError(
                    f"Passed in object {item} of type {type(item).__name__!r}, "
                    "not tf.Tensor or tf.Variable or ExtensionType."
                )
            if not _trainable(item):
                import logging

                logging.getLogger("tensorflow").warning(
                    "The dtype of the watched tensor must be floating (e.g. tf.float32), got %r", item.dtype
                )
            self._watched.add(id(item))
            self._kept.append(item)

    def watched_variables(self) -> tuple[Any, ...]:
        """Returns the variables that are watched, in the order in which they were read."""
        return tuple(self._variables.values())

    def continue_from(self, other: GradientTape) -> None:
        """Adds to a new tape what another has recorded, so that gradients go on through that."""
        self._records = [*other._records, *self._records]
        self._watched |= other._watched
        self._kept = [*other._kept, *self._kept]

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Stops recording while the block runs.

        Raises:
          RuntimeError: the tape does not record.
        """
        if not self._recording:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forgets everything recorded and watched."""
        recording = self._recording
        if recording:
            self._stop()
        self._records, self._watched, self._kept, self._variables = [], set(), [], {}
        self._used = False
        if recording:
            self._start()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Differentiates ``target`` with respect to ``sources``.

        Args:
          target: a tensor, or a structure of tensors whose sum is differentiated.
          sources: a tensor, a variable, or a structure of those.
          output_gradients: a gradient for each tensor of ``target``, None where there is none; ones by default.
          unconnected_gradients: what a source that does not influence the target gets: ``"none"`` or ``"zero"``.

        Returns:
          A gradient for each source, in the structure of ``sources``: a tensor, ``IndexedSlices`` or None.

        Raises:
          RuntimeError: a tape that is not persistent is used a second time.
          LookupError: an operation on the way has no gradient.
        """
        self._check_unused()
        unconnected = unconnected_gradients
        if unconnected.__class__ is not UnconnectedGradients:
            unconnected = UnconnectedGradients(unconnected)
        if self._recording and not self._persistent:
            self._stop()
        if target is None:
            raise TypeError(
                "Argument `target` should be a list or nested structure of Tensors, Variables or CompositeTensors to "
                "be differentiated, but received None."
            )
        if target.__class__ is EagerTensor:
            targets = [target]
        else:
            targets = [_differentiable_tensor(item) for item in flat_components(target, "target")]
        flat_sources = [sources] if sources.__class__ is EagerTensor else flat_components(sources, "source")
        if output_gradients is None:
            seeds: list[Any] = [None] * len(targets)
        else:
            given = flat_components(output_gradients)
            if len(given) < len(targets):
                raise ValueError(f"output_gradients has {len(given)} gradients for {len(targets)} targets.")
            reached = [(target, item) for target, item in zip(targets, given, strict=False) if item is not None]
            targets = [target for target, _ in reached]
            seeds = [convert_to_tensor(item) for _, item in reached]
        graph = context.current_graph()
        if graph is None:
            gradients = self._backward(targets, seeds, flat_sources, unconnected)
        else:  # as in TensorFlow, so that nodes of gradients take no names from those of the program
            with graph.name_scope("gradient_tape/"):
                gradients = self._backward(targets, seeds, flat_sources, unconnected)
        if not self._persistent:
            self._used = True
            self._records, self._kept = [], []
        return gradients[0] if sources.__class__ is EagerTensor else packed(sources, gradients)

    def _check_unused(self) -> None:
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)"
            )

    def _backward(
        self, targets: list[Any], seeds: list[Any], sources: list[Any], unconnected: UnconnectedGradients
    ) -> list[Any]:
        watched = self._watched
        gradients: dict[int, list[Any]] = {}
        source_tensors = [source if source.__class__ is EagerTensor else _tensor_behind(source) for source in sources]
        for target, seed in zip(targets, seeds, strict=False):
            if not isinstance(target, Tensor):
                gradients.setdefault(id(target.handle), []).append(_ones(target.value()) if seed is None else seed)
                continue
            if not (target.__class__ is EagerTensor and target._value.dtype is _FLOAT32) and not _trainable(target):
                continue
            if seed is None:
                seed = _ones(target)
            gradients.setdefault(id(target), []).append(seed)
        wanted = {id(tensor) for tensor in source_tensors}
        for call in reversed(self._records):
            outputs = call.outputs
            if len(outputs) == 1:
                key = id(outputs[0])
                found = gradients.get(key) if key in wanted else gradients.pop(key, None)
                if found is None:
                    continue
                dys = found if len(found) == 1 else [total(found)]
            else:
                present = [gradients.get(id(o)) if id(o) in wanted else gradients.pop(id(o), None) for o in outputs]
                if not any(present):
                    continue
                takes_missing = getattr(call.backward or call.op_def, "takes_missing_gradients", False)
                dys = [
                    total(found) if found else None if takes_missing else _zeros_like(output)
                    for found, output in zip(present, outputs, strict=True)
                ]
            if call.backward is not None:
                inputs: Sequence[Any] = call.inputs
                results = call.backward(*dys)
                results = results if isinstance(results, list | tuple) else (results,)
                broadcast = False
            else:
                if call.operation is not None:
                    call = Call.of_operation(call.operation)  # its inputs may have changed since
                    if call.op_def.takes_functions:
                        call.wanted = [id(tensor) in watched for tensor in call.flat_inputs()]
                results, broadcast = rule_gradients(call, dys, False)
                inputs = call.flat_inputs() if call.op_def.is_variadic else call.inputs
            for tensor, gradient in zip(inputs, results, strict=True):
                if gradient is not None:
                    key = id(tensor)
                    if key in watched:
                        if broadcast:
                            gradient = unbroadcast(gradient, tensor)
                        known = gradients.get(key)
                        if known is None:
                            gradients[key] = [gradient]
                        else:
                            known.append(gradient)
        results = []
        for source, tensor in zip(sources, source_tensors, strict=True):
            found = gradients.get(id(tensor))
            if found:
                if len(found) > 1:
                    found[:] = [total(found)]
                results.append(found[0])
            elif unconnected is UnconnectedGradients.ZERO:
                results.append(_zeros_like(source))
            else:
                results.append(None)
        return results

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Returns the derivative of each element of ``target`` with respect to each element of ``sources``.

        Args:
          target: the tensor to differentiate.
          sources: a tensor, a variable, or a structure of those.
          unconnected_gradients: what a source that does not influence the target gets: ``"none"`` or ``"zero"``.
          parallel_iterations: kept for TensorFlow's signature.
          experimental_use_pfor: whether all elements may be differentiated at once; without it an eager tape must be
            persistent, as in TensorFlow.

        Returns:
          A tensor for each source, in the structure of ``sources``: its shape is that of the target followed by that of
          the source.

        Raises:
          RuntimeError: a tape that is not persistent is used a second time.

        >>> import tideflow as tf
        >>> x = tf.constant([1.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> tape.jacobian(y, x).numpy().tolist()
        [[2.0, 0.0], [0.0, 4.0]]
        """
        from tideflow._src.autodiff.jacobian import tape_jacobian  # a rare use

        del parallel_iterations
        return tape_jacobian(self, target, sources, unconnected_gradients, experimental_use_pfor)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Returns, for each example of a batch, the derivative of ``target`` with respect to ``source``.

        Args:
          target: a tensor of shape ``[batch, ...]``.
          source: a tensor of shape ``[batch, ...]``; each example of the target depends on its own example only.
          unconnected_gradients: kept for TensorFlow's signature: what is not connected gets zeros.
          parallel_iterations: kept for TensorFlow's signature.
          experimental_use_pfor: as in :meth:`jacobian`.

        Returns:
          A tensor of shape ``[batch, *target.shape[1:], *source.shape[1:]]``.

        Raises:
          ValueError: the batch sizes differ, or one of the two is not at least a matrix.
        """
        from tideflow._src.autodiff.jacobian import tape_batch_jacobian  # a rare use

        del parallel_iterations
        return tape_batch_jacobian(self, target, source, unconnected_gradients, experimental_use_pfor)


def _tensor_behind(source: Any) -> Any:
    """Returns what stands for a source in the records: a tensor itself, or the handle of a variable."""
    if isinstance(source, Tensor):
        return source
    handle = getattr(source, "handle", None)
    if handle is None:
        raise TypeError(f"A source of gradients must be a tf.Tensor or tf.Variable, but got {source!r}.")
    return handle


def _ones(target: Any) -> Any:
    if target.__class__ is EagerTensor:
        value = target._value
        if value.shape:
            return wrap(np.ones(value.shape, value.dtype))
        return wrap(value.dtype.type(1))
    return OpDef.registry["OnesLike"](target)  # type: ignore[operator]


def _trainable(tensor: Any) -> bool:
    dtype = tensor.dtype
    return dtype.is_floating or dtype.is_complex or dtype.name in ("resource", "variant")


def _zeros_like(tensor: Any) -> Any:
    registry: Any = OpDef.registry
    if not isinstance(tensor, Tensor):
        tensor = tensor.value() if hasattr(tensor, "value") else convert_to_tensor(tensor)
    return registry["ZerosLike"](tensor)


def _is_composite(value: Any) -> bool:
    return hasattr(type(value), "_type_spec") and not hasattr(value, "_dense_var_to_tensor")


def flat_components(structure: Any, role: str = "") -> list[Any]:
    """Returns the tensors and variables of a structure through which gradients flow.

    Args:
      structure: tensors, variables, and values made of several tensors.
      role: ``"source"`` or ``"target"`` where sparse tensors have no gradient.

    Raises:
      ValueError: there is a sparse tensor in such a role.
    """
    flat: list[Any] = []
    for item in nest.flatten(structure):
        if isinstance(item, Tensor | IndexedSlices) or not _is_composite(item):
            flat.append(item.values if isinstance(item, IndexedSlices) and role != "target" else item)
            continue
        rule = getattr(item, "__composite_gradient__", None)
        if rule is not None:
            flat.extend(flat_components(rule.get_gradient_components(item), role))
        elif role:
            raise ValueError(f"Type {type(item).__name__} is not supported as a gradient source or gradient target.")
        else:
            flat.extend(
                part for part in nest.flatten(item, expand_composites=True) if isinstance(part, Tensor) and _flows(part)
            )
    return flat


def _flows(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)


def packed(structure: Any, gradients: Sequence[Any]) -> Any:
    """Returns gradients in the structure of the sources that :func:`flat_components` took apart."""
    remaining = iter(gradients)
    results = [_with_gradients(item, remaining) for item in nest.flatten(structure)]
    return nest.pack_sequence_as(structure, results) if nest.is_nested(structure) else results[0]


def _with_gradients(item: Any, gradients: Iterator[Any]) -> Any:
    if isinstance(item, IndexedSlices):
        values = next(gradients)
        return None if values is None else IndexedSlices(to_dense(values), item.indices, item.dense_shape)
    rule = getattr(item, "__composite_gradient__", None)
    if rule is None or isinstance(item, Tensor):
        return next(gradients)
    components = rule.get_gradient_components(item)
    found = packed(components, [next(gradients) for _ in flat_components(components)])
    return None if all(part is None for part in nest.flatten(found)) else rule.replace_gradient_components(item, found)


def _differentiable_tensor(target: Any) -> Any:
    if isinstance(target, Tensor):
        return target
    if hasattr(target, "handle"):
        return target  # a variable: what it depends on is itself
    return to_dense(target) if hasattr(target, "dense_shape") else convert_to_tensor(target)
