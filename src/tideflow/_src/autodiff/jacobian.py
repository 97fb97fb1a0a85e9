"""Jacobians and Hessians: derivatives of every element of a target."""

from __future__ import annotations

from typing import Any

from tideflow._src.autodiff.unconnected import UnconnectedGradients
from tideflow._src.core import nest
from tideflow._src.graph.op_def import OpDef


def tape_jacobian(tape: Any, target: Any, sources: Any, unconnected_gradients: Any) -> Any:
    """Returns the Jacobian of ``target`` with respect to each of ``sources``, from a tape.

    One backward walk for each element of the target; see ``GradientTape.jacobian``.
    """
    registry: Any = OpDef.registry
    flat_sources = nest.flatten(sources)
    shape = tuple(target.shape)
    tape._check_unused()
    persistent, tape._persistent = tape._persistent, True
    if tape._recording and not persistent:
        tape._stop()
    try:
        flat = registry["Reshape"](target, [-1])
        size = int(flat.shape[0])
        identity = registry["OneHot"](list(range(size)), size, _one(target, 1), _one(target, 0))
        rows: list[list[Any]] = []
        for index in range(size):
            seed = registry["Reshape"](identity[index], list(shape))
            rows.append([_dense(item) for item in tape.gradient(target, flat_sources, seed, unconnected_gradients)])
    finally:
        tape._persistent = persistent
        if not persistent:
            tape._used = True
    results: list[Any] = []
    for position, source in enumerate(flat_sources):
        column = [row[position] for row in rows]
        if not column or column[0] is None:
            results.append(None)
            continue
        stacked = registry["Pack"](column, axis=0)
        results.append(registry["Reshape"](stacked, [*shape, *tuple(source.shape)]))
    return nest.pack_sequence_as(sources, results) if nest.is_nested(sources) else results[0]


def _one(target: Any, value: int) -> Any:
    from tideflow._src.runtime.convert import convert_to_tensor

    return convert_to_tensor(value, target.dtype)


def _dense(gradient: Any) -> Any:
    from tideflow._src.autodiff.accumulation import to_dense

    return None if gradient is None else to_dense(gradient)


def tape_batch_jacobian(tape: Any, target: Any, source: Any, unconnected_gradients: Any) -> Any:
    """Returns the Jacobian of each example: the target's and source's first dimensions are the batch.

    Raises:
      ValueError: the batch sizes differ.
    """
    registry: Any = OpDef.registry
    shape, source_shape = tuple(target.shape), tuple(source.shape)
    if not shape or not source_shape or shape[0] != source_shape[0]:
        raise ValueError(
            f"Need first dimension of target shape ({target.shape}) and source shape ({source.shape}) to match."
        )
    tape._check_unused()
    persistent, tape._persistent = tape._persistent, True
    if tape._recording and not persistent:
        tape._stop()
    rest = shape[1:]
    size = 1
    for length in rest:
        size *= length
    try:
        identity = registry["OneHot"](list(range(size)), size, _one(target, 1), _one(target, 0))
        rows = []
        for index in range(size):
            seed = registry["BroadcastTo"](registry["Reshape"](identity[index], [1, *rest]), list(shape))
            gradient = tape.gradient(target, source, seed, UnconnectedGradients(unconnected_gradients))
            rows.append(_dense(gradient))
    finally:
        tape._persistent = persistent
        if not persistent:
            tape._used = True
    if not rows or rows[0] is None:
        return None
    stacked = registry["Pack"](rows, axis=1)
    return registry["Reshape"](stacked, [shape[0], *rest, *source_shape[1:]])


def hessians(ys: Any, xs: Any, name: str = "hessians", **options: Any) -> list[Any]:
    """Returns the Hessian of the sum of ``ys`` with respect to each of ``xs``, in a graph.

    The shape of each is that of ``x`` twice. ``options`` are those of ``tf.gradients``.
    """
    from tideflow._src.autodiff.graph_gradients import gradients
    from tideflow._src.core import context

    registry: Any = OpDef.registry
    xs = xs if isinstance(xs, list | tuple) else [xs]
    results = []
    with context.current_graph().name_scope(name):
        firsts = gradients(ys, xs, **options)
        for first, x in zip(firsts, xs, strict=True):
            if first is None:
                raise ValueError(f"Cannot compute Hessian because ys does not depend on {x!r}.")
            flat = registry["Reshape"](first, [-1])
            sizes = first.shape
            if sizes.is_fully_defined():
                rows = [gradients(flat[index], x)[0] for index in range(int(flat.shape[0]))]
                shape = [int(size) for size in sizes.as_list()]
                results.append(registry["Reshape"](registry["Pack"](rows, axis=0), [*shape, *shape]))
                continue
            raise ValueError(f"Computing the Hessian of {x!r} needs its static shape; it is {sizes}.")
    return results
