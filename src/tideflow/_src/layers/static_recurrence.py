"""Recurrent networks over lists of inputs, which are unrolled: ``tf.nn.static_rnn`` and its sisters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.layers.recurrent_cell import assert_like_rnncell
from tideflow._src.layers.recurrent_steps import (
    batch_size_of,
    checked_lengths,
    first_state,
    read_once,
    step,
    zero_outputs,
)
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.splitting import unstack
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable_scope import variable_scope


def static_rnn(
    cell: Any, inputs: Sequence[Any], initial_state: Any = None, dtype: Any = None, sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """Calls a cell with each of a list of inputs.

    Args:
      cell: an ``RNNCell``.
      inputs: a list of tensors of shape ``[batch, size]``, or of structures of those.
      initial_state: the state to start with; zeros by default.
      dtype: the dtype of that, needed if there is no ``initial_state``.
      sequence_length: the lengths of the sequences, ``[batch]``; past its end, a sequence gives zeros and keeps its
        state.
      scope: the variable scope, ``rnn`` by default.

    Returns:
      The list of outputs, and the last state.

    Raises:
      TypeError: ``cell`` is no cell, or ``inputs`` no list.
      ValueError: ``inputs`` is empty, or a size is not known.
    """
    assert_like_rnncell("cell", cell)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("Argument `inputs` must not be empty.")
    outputs = []
    with variable_scope(scope or "rnn") as entered:
        read_once(entered)
        inputs = [nest.map_structure(convert_to_tensor, item) for item in inputs]
        flat = nest.flatten(inputs[0])
        for item in flat:
            for index, size in enumerate(item.shape.as_list()[1:] if item.shape.rank is not None else ()):
                if size is None:
                    raise ValueError(
                        f"Input size (dimension {index} of inputs) must be accessible via shape inference, but saw "
                        "value None."
                    )
        batch_size = batch_size_of(flat, 0)
        state = initial_state
        if state is None:
            state = first_state(
                cell, batch_size, dtype, "If no initial_state is provided, argument `dtype` must be specified"
            )
        lengths = zero_output = None
        if sequence_length is not None:
            lengths = checked_lengths(sequence_length, batch_size)
            zero_output = zero_outputs(cell.output_size, batch_size, flat[0].dtype.base_dtype)
        for time, item in enumerate(inputs):
            if time and not context.executing_eagerly():
                entered.reuse_variables()
            output, state = step(cell, time, lengths, zero_output, item, state)
            outputs.append(output)
        return outputs, state


def static_state_saving_rnn(
    cell: Any, inputs: Sequence[Any], state_saver: Any, state_name: Any, sequence_length: Any = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """Calls a cell with each of a list of inputs, and keeps the state between runs.

    Args:
      cell: an ``RNNCell``.
      inputs: a list of tensors of shape ``[batch, size]``.
      state_saver: an object with methods ``state(name)`` and ``save_state(name, value)``.
      state_name: the name of the state there; a tuple of names in the structure of the state if that has one.
      sequence_length: the lengths of the sequences.
      scope: the variable scope, ``rnn`` by default.

    Returns:
      The list of outputs, and the last state.

    Raises:
      ValueError: ``state_name`` does not fit the state.
    """
    size = cell.state_size
    if nest.is_nested(size) != nest.is_nested(state_name):
        raise ValueError(
            f"state_name should be the same type as cell.state_size. state_name: {state_name}, cell.state_size: {size}"
        )
    names = nest.flatten(state_name)
    if len(names) != len(nest.flatten(size)):
        raise ValueError(f"#elems(state_name) != #elems(state_size): {len(names)} vs. {len(nest.flatten(size))}")
    initial = nest.pack_sequence_as(size, [state_saver.state(name) for name in names])
    outputs, state = static_rnn(cell, inputs, initial, sequence_length=sequence_length, scope=scope)
    saved = [state_saver.save_state(name, item) for name, item in zip(names, nest.flatten(state), strict=True)]
    graph = context.current_graph()
    if graph is not None:
        with graph.control_dependencies([item for item in saved if item is not None]):
            outputs[-1] = nest.map_structure(raw.Identity, outputs[-1])
    return outputs, state


def _reversed(inputs: Sequence[Any], lengths: Any) -> list[Any]:
    """Reverses a list in time, each sequence from its own end."""
    if lengths is None:
        return list(reversed(inputs))
    flat = [nest.flatten(item) for item in inputs]
    turned = []
    for series in zip(*flat, strict=True):
        whole = raw.ReverseSequence(stack(list(series), name="stack"), lengths, seq_dim=0, batch_dim=1)
        turned.append(unstack(whole, num=len(series)))
    return [nest.pack_sequence_as(inputs[0], list(items)) for items in zip(*turned, strict=True)]


def static_bidirectional_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Sequence[Any], initial_state_fw: Any = None, initial_state_bw: Any = None,
    dtype: Any = None, sequence_length: Any = None, scope: Any = None,
) -> tuple[list[Any], Any, Any]:  # fmt: skip
    """Calls a cell with a list of inputs, and another with the list backwards.

    Args:
      cell_fw, cell_bw: the cells for forwards and for backwards.
      inputs: a list of tensors of shape ``[batch, size]``.
      initial_state_fw, initial_state_bw: the states to start with; zeros by default.
      dtype: the dtype of those.
      sequence_length: the lengths of the sequences.
      scope: the variable scope, ``bidirectional_rnn`` by default.

    Returns:
      The list of outputs, those of both joined; and the last state of each.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("Argument `inputs` must not be empty.")
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as inner:
            forwards, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=inner)
        with variable_scope("bw") as inner:
            lengths = None if sequence_length is None else convert_to_tensor(sequence_length)
            turned, state_bw = static_rnn(
                cell_bw, _reversed(inputs, lengths), initial_state_bw, dtype, sequence_length, scope=inner
            )
        backwards = _reversed(turned, lengths)
        outputs = [
            nest.pack_sequence_as(
                one, [concat([a, b], 1) for a, b in zip(nest.flatten(one), nest.flatten(other), strict=True)]
            )
            for one, other in zip(forwards, backwards, strict=True)
        ]
        return outputs, state_fw, state_bw
