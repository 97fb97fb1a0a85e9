"""What the loops of recurrent networks share: batch sizes, states to start with, steps past the end of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.layers.recurrent_cell import zero_states
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.convert import convert_to_tensor


def batch_size_of(inputs: Sequence[Any], axis: int = 1) -> Any:
    """Returns the batch size of inputs: a number if one of them tells it, or else a scalar tensor."""
    for item in inputs:
        if item.shape.rank is not None and item.shape.rank <= axis:
            raise ValueError(
                f"Expected input tensor {item.name} to have rank at least {axis + 1}, but saw shape: {item.shape}"
            )
        size = item.shape.as_list()[axis] if item.shape.rank is not None else None
        if size is not None:
            return size
    return raw.Shape(inputs[0])[axis]


def state_dtype(dtype: Any, state: Any) -> Any:
    """Returns the dtype of outputs: the one given, or else that of the state.

    Raises:
      ValueError: the state is empty, or its parts are of different dtypes.
    """
    if dtype is not None:
        return dtypes.as_dtype(dtype)
    if not nest.is_nested(state):
        return state.dtype.base_dtype
    found = [item.dtype.base_dtype for item in nest.flatten(state)]
    if not found:
        raise ValueError("Unable to infer dtype from empty state.")
    if any(item is not found[0] for item in found):
        raise ValueError(
            f"State has tensors of different inferred_dtypes. Unable to infer a single representative dtype: {found}"
        )
    return found[0]


def first_state(cell: Any, batch_size: Any, dtype: Any, missing: str) -> Any:
    """Returns the state to start with where the caller gives none.

    Raises:
      ValueError: there is no dtype either.
    """
    if dtype is None:
        raise ValueError(missing)
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
    return cell.zero_state(batch_size, dtype)


def checked_lengths(sequence_length: Any, batch_size: Any) -> Any:
    """Returns the lengths of sequences as int32.

    Raises:
      ValueError: they are no vector, or not as many as the batch has items.
    """
    lengths = cast(convert_to_tensor(sequence_length, name="sequence_length"), dtypes.int32)
    if lengths.shape.rank not in (None, 1):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    if lengths.shape.rank == 1 and isinstance(batch_size, int) and lengths.shape.as_list()[0] not in (None, batch_size):
        raise ValueError(
            f"sequence_length must have an entry for each item of the batch: expected {batch_size}, "
            f"got {lengths.shape.as_list()[0]}."
        )
    return raw.Identity(lengths, name="sequence_length")


def zero_outputs(output_size: Any, batch_size: Any, dtype: Any) -> Any:
    """Returns zeros in the structure of a cell's output."""

    return zero_states(output_size, batch_size, dtype)


def read_once(scope: Any) -> None:
    """Lets the variables made in a scope be read once for all steps."""
    if context.current_graph() is not None and scope.caching_device is None:
        scope.set_caching_device(lambda op: op.device)


def where_finished(finished: Any, before: Any, after: Any) -> Any:
    """Returns the rows of ``before`` where sequences have ended, and those of ``after`` elsewhere."""

    def each(old: Any, new: Any) -> Any:
        if not hasattr(new, "shape") or new.shape.rank == 0:
            return new
        result = raw.Select(finished, old, new)
        if context.current_graph() is not None:
            result.set_shape(new.shape)
        return result

    nest.assert_same_structure(before, after)
    return nest.map_structure(each, before, after)


def step(cell: Any, time: Any, lengths: Any, zero_output: Any, inputs: Any, state: Any) -> tuple[Any, Any]:
    """Computes a step; sequences that have ended give zeros and keep their state."""
    output, new_state = cell(inputs, state)
    nest.assert_same_structure(state, new_state)
    if lengths is None:
        return output, new_state
    finished = raw.GreaterEqual(time, lengths)
    nest.assert_same_structure(zero_output, output)
    return where_finished(finished, zero_output, output), where_finished(finished, state, new_state)
