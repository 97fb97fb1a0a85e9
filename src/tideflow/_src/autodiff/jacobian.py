"""Jacobians and Hessians: derivatives of every element of a target, as one backward walk on rows of seeds.

The walk is recorded once, as a function of its seed; the function is then applied to a unit vector for each element
of the target, to all of them at once where the compiler takes it. What builds and maps that function stands on a higher
floor, and installs itself here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff.accumulation import to_dense
from tideflow._src.autodiff.graph_gradients import gradients, gradients_of_seeds
from tideflow._src.autodiff.unconnected import UnconnectedGradients
from tideflow._src.core import context, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.convert import convert_to_tensor

#: Takes a function of a list of rows that returns a list of tensors or None, and tensors whose first dimension counts
#: the rows; returns what the function returns, stacked.
RowMap = Callable[[Callable[[list[Any]], list[Any]], Sequence[Any]], list[Any]]

_row_map: RowMap | None = None


def install_row_map(row_map: RowMap) -> None:
    """Says how functions are applied to rows."""
    global _row_map
    _row_map = row_map


def _map_rows(function: Callable[[list[Any]], list[Any]], count: Any) -> list[Any]:
    assert _row_map is not None
    registry: Any = OpDef.registry
    return _row_map(function, [registry["Range"](0, count, 1)])


def tape_jacobian(tape: Any, target: Any, sources: Any, unconnected_gradients: Any, use_pfor: bool) -> Any:
    """Returns the Jacobian of ``target`` with respect to each of ``sources``, from a tape; see ``GradientTape``."""
    _check_loop(tape, use_pfor)
    registry: Any = OpDef.registry
    flat_sources = nest.flatten(sources)
    walked = _walked_from(target)
    target = _as_tensor(target)
    unconnected = UnconnectedGradients(unconnected_gradients)
    shape = _shape_of(target)
    count = _size_of(target)

    def row(rows: list[Any]) -> list[Any]:
        seed = registry["Reshape"](_unit(rows[0], count, target), shape)
        found = tape._backward([walked], [seed], flat_sources, unconnected)
        return [None if item is None else to_dense(item) for item in found]

    with _walking(tape):
        found = _map_rows(row, count)
    results: list[Any] = []
    for source, stacked in zip(flat_sources, found, strict=True):
        if stacked is not None:
            stacked = _reshaped(stacked, [target, _as_tensor(source)])
        results.append(stacked)
    return nest.pack_sequence_as(sources, results) if nest.is_nested(sources) else results[0]


def tape_batch_jacobian(tape: Any, target: Any, source: Any, unconnected_gradients: Any, use_pfor: bool) -> Any:
    """Returns the Jacobian of each example: the target's and source's first dimensions are the batch.

    Raises:
      ValueError: the batch sizes differ, or one of the two is not at least a matrix.
    """
    registry: Any = OpDef.registry
    target_shape, source_shape = target.shape, source.shape
    target_shape.with_rank_at_least(2)
    source_shape.with_rank_at_least(2)
    if target_shape.rank is not None and source_shape.rank is not None:
        one, two = target_shape.as_list()[0], source_shape.as_list()[0]
        if one is not None and two is not None and one != two:
            raise ValueError(
                f"Need first dimension of target shape ({target_shape}) and source shape ({source_shape}) to match."
            )
    _check_loop(tape, use_pfor)
    walked = _walked_from(target)
    target = _as_tensor(target)
    unconnected = UnconnectedGradients(unconnected_gradients)
    shape = _shape_of(target)
    rest = shape[1:]
    if isinstance(shape, list):
        count: Any = 1
        for length in rest:
            count *= length
        unit_shape: Any = [1, *rest]
    else:
        count = registry["Prod"](rest, 0)
        unit_shape = registry["ConcatV2"]([[1], rest], 0)

    def row(rows: list[Any]) -> list[Any]:
        unit = registry["Reshape"](_unit(rows[0], count, target), unit_shape)
        seed = registry["BroadcastTo"](unit, shape)
        (found,) = tape._backward([walked], [seed], [source], unconnected)
        return [None if found is None else to_dense(found)]

    with _walking(tape):
        (stacked,) = _map_rows(row, count)
    source_value = _as_tensor(source)
    if stacked is None:
        # Zeros also where a gradient does not exist: TensorFlow's choice, for the sake of older programs.
        return registry["Fill"](_joined([shape, _shape_of(source_value)[1:]]), _number(0, target))
    rank = source_shape.rank
    if rank is None:
        # The examples' shapes are flattened while their dimension moves.
        lengths = _shape_of(source_value)
        flat = registry["ConcatV2"]([[count], lengths[:1], [-1]], 0)
        moved = registry["Transpose"](registry["Reshape"](stacked, flat), [1, 0, 2])
    else:
        moved = registry["Transpose"](stacked, [1, 0, *range(2, rank + 1)])
    return registry["Reshape"](moved, _joined([shape, _shape_of(source_value)[1:]]))


def _check_loop(tape: Any, use_pfor: bool) -> None:
    tape._check_unused()
    if not use_pfor and context.executing_eagerly() and not tape._persistent:
        raise RuntimeError(
            "GradientTape must be created with persistent=True to compute the jacobian with eager execution enabled "
            "and with experimental_use_pfor set to False."
        )


class _walking:
    """Is the block in which a tape's records are walked; one that is not persistent is used up by it."""

    def __init__(self, tape: Any) -> None:
        self._tape = tape

    def __enter__(self) -> None:
        if self._tape._recording and not self._tape._persistent:
            self._tape._stop()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        tape = self._tape
        if not tape._persistent:
            tape._used = True
            tape._records, tape._kept = [], []


def _walked_from(target: Any) -> Any:
    """Returns where the walk begins: at a variable itself, which a read would leave."""
    return target if hasattr(target, "handle") else _as_tensor(target)


def _as_tensor(value: Any) -> Any:
    return value if isinstance(value, Tensor) else convert_to_tensor(value)


def _shape_of(tensor: Any) -> Any:
    """Returns a shape as a list of integers if all of it is known, otherwise as a tensor."""
    shape = tensor.shape
    if shape.is_fully_defined():
        return shape.as_list()
    registry: Any = OpDef.registry
    return registry["Shape"](tensor)


def _size_of(tensor: Any) -> Any:
    registry: Any = OpDef.registry
    count = tensor.shape.num_elements()
    return registry["Size"](tensor) if count is None else count


def _joined(shapes: Sequence[Any]) -> Any:
    registry: Any = OpDef.registry
    if all(isinstance(shape, list) for shape in shapes):
        return convert_to_tensor([size for shape in shapes for size in shape], "int32")
    return registry["ConcatV2"]([convert_to_tensor(shape, "int32") for shape in shapes], 0)


def _reshaped(stacked: Any, tensors: Sequence[Any]) -> Any:
    registry: Any = OpDef.registry
    return registry["Reshape"](stacked, _joined([_shape_of(tensor) for tensor in tensors]))


def _unit(index: Any, count: Any, like: Any) -> Any:
    """Returns the unit vector of ``count`` elements along ``index``."""
    registry: Any = OpDef.registry
    return registry["OneHot"](index, count, _number(1, like), _number(0, like))


def _number(value: int, like: Any) -> Any:
    return convert_to_tensor(value, like.dtype.base_dtype)


def hessians(
    ys: Any, xs: Any, gate_gradients: bool = False, aggregation_method: int | None = None, name: str = "hessians"
) -> list[Any]:
    """Returns the Hessian of the sum of ``ys`` with respect to each of ``xs``, in a graph.

    Args:
      ys: a tensor or list of tensors.
      xs: a tensor or list of tensors.
      gate_gradients: as in ``tf.gradients``.
      aggregation_method: as in ``tf.gradients``.
      name: the name scope of the operations.

    Returns:
      A tensor for each of ``xs``, whose shape is that of ``x`` twice.

    Raises:
      ValueError: ``ys`` do not depend on one of ``xs``, or only linearly.
      RuntimeError: operations run eagerly here.
    """
    return hessians_v1(
        ys, xs, name=name, colocate_gradients_with_ops=True, gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
    )  # fmt: skip


def hessians_v1(
    ys: Any,
    xs: Any,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
) -> list[Any]:
    """Returns the Hessian of the sum of ``ys`` with respect to each of ``xs``; see :func:`hessians`."""
    registry: Any = OpDef.registry
    xs = list(xs) if isinstance(xs, list | tuple) else [xs]
    firsts = gradients(
        ys, xs, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )  # fmt: skip
    graph = context.current_graph()
    results = []
    with graph.name_scope(name):
        for first, x in zip(firsts, xs, strict=True):
            if first is None:
                raise ValueError(f"The Hessian does not exist: ys do not depend on {x!r}.")
            results.append(_hessian(registry["Reshape"](to_dense(first), [-1]), x))
    return results


def _hessian(first: Any, x: Any) -> Any:
    value = _as_tensor(x)
    count = _size_of(value)

    def row(rows: list[Any]) -> list[Any]:
        (found,) = gradients_of_seeds([first], [x], [_unit(rows[0], count, first)])
        return [None if found is None else to_dense(found)]

    (stacked,) = _map_rows(row, count)
    if stacked is None:
        raise ValueError(f"The Hessian does not exist: the gradients of ys do not depend on {x!r}.")
    return _reshaped(stacked, [value, value])
