"""Recurrent networks that a function steers: ``tf.nn.raw_rnn``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.tensor_shape import as_shape
from tideflow._src.function.loops import while_loop
from tideflow._src.layers.recurrent_cell import assert_like_rnncell, batched_size
from tideflow._src.layers.recurrent_steps import batch_size_of, read_once, where_finished
from tideflow._src.ops.array.constants import zeros
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.ops.math.reduction_functions import reduce_all
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable_scope import variable_scope


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Calls a cell as long as a function wants, which makes each input from the output before.

    Args:
      cell: an ``RNNCell``.
      loop_fn: ``loop_fn(time, cell_output, cell_state, loop_state)`` returns whether each sequence is finished, the
        next input, the next state, what to emit, and the next state of its own. At first it is called with None for
        all but the time, returns the state to start with, and says what one item of the batch will emit by an example
        without the dimension of the batch, or None for the cell's outputs.
      parallel_iterations, swap_memory: kept for TensorFlow's signature.
      scope: the variable scope, ``rnn`` by default.

    Returns:
      A ``TensorArray`` of what was emitted (or a structure of those), the last state, and the last state of the
      function's own.

    Raises:
      TypeError: ``cell`` is no cell, or ``loop_fn`` no function.
      ValueError: the batch size is not known.
    """
    del parallel_iterations, swap_memory
    assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn") as entered:
        read_once(entered)
        time = convert_to_tensor(0, name="time")
        finished, next_input, state, example, own_state = loop_fn(time, None, None, None)
        next_input = nest.map_structure(convert_to_tensor, next_input)
        state = nest.map_structure(convert_to_tensor, state)
        finished = convert_to_tensor(finished)
        has_own_state = own_state is not None
        loop_state = nest.map_structure(convert_to_tensor, own_state) if has_own_state else convert_to_tensor(0)
        batch_size = batch_size_of(nest.flatten(next_input), 0)
        nest.assert_same_structure(state, cell.state_size)
        if example is not None:
            structure = example
            sizes = [as_shape(item.shape) for item in map(convert_to_tensor, nest.flatten(example))]
            kinds = [convert_to_tensor(item).dtype.base_dtype for item in nest.flatten(example)]
        else:
            structure = cell.output_size
            sizes = nest.flatten(structure)
            kinds = [nest.flatten(state)[0].dtype.base_dtype] * len(sizes)
        shapes = [batched_size(batch_size, size) for size in sizes]
        targets = tuple(
            TensorArray(kind, size=0, dynamic_size=True, element_shape=known)
            for kind, (_, known) in zip(kinds, shapes, strict=True)
        )
        nothing = nest.pack_sequence_as(
            structure, [zeros(shape, kind) for kind, (shape, _) in zip(kinds, shapes, strict=True)]
        )

        def body(time: Any, finished: Any, inputs: Any, written: Any, state: Any, loop_state: Any) -> Any:
            output, cell_state = cell(inputs, state)
            nest.assert_same_structure(state, cell_state)
            given = loop_state if has_own_state else None
            now_finished, next_input, next_state, emitted, next_loop_state = loop_fn(
                time + 1, output, cell_state, given
            )
            nest.assert_same_structure(state, next_state)
            nest.assert_same_structure(inputs, next_input)
            nest.assert_same_structure(structure, emitted)
            if not has_own_state or next_loop_state is None:
                next_loop_state = loop_state
            emitted = where_finished(finished, nothing, nest.map_structure(convert_to_tensor, emitted))
            next_state = where_finished(finished, state, nest.map_structure(convert_to_tensor, next_state))
            written = tuple(
                target.write(time, item) for target, item in zip(written, nest.flatten(emitted), strict=True)
            )
            return time + 1, raw.LogicalOr(now_finished, finished), next_input, written, next_state, next_loop_state

        _, _, _, written, last, loop_state = while_loop(
            lambda time, finished, *_: raw.LogicalNot(reduce_all(finished)),
            body,
            (time, raw.Identity(finished), next_input, targets, state, loop_state),
        )
        emitted = nest.pack_sequence_as(structure, list(written))
        return emitted, last, loop_state if has_own_state else None
