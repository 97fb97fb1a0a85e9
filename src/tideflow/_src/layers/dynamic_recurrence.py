"""Recurrent networks over tensors with a dimension of time: ``tf.nn.dynamic_rnn`` and its sister for both directions.

The steps are turns of a loop whose body reads its inputs from arrays and writes its outputs to others. Where the
number of steps is known, XLA compiles it, its gradient included.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.function.loops import while_loop
from tideflow._src.layers.recurrent_cell import assert_like_rnncell
from tideflow._src.layers.recurrent_steps import (
    batch_size_of,
    checked_lengths,
    first_state,
    read_once,
    state_dtype,
    step,
    zero_outputs,
)
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.ops.math.reduction_functions import reduce_max
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable_scope import variable_scope


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Calls a cell with each step of sequences.

    Args:
      cell: an ``RNNCell``.
      inputs: tensors of shape ``[batch, time, ...]``, or a structure of those.
      sequence_length: the lengths of the sequences, ``[batch]``; past its end, a sequence gives zeros and keeps its
        state.
      initial_state: the state to start with; zeros by default.
      dtype: the dtype of that and of the outputs, needed if there is no ``initial_state``.
      parallel_iterations, swap_memory: kept for TensorFlow's signature.
      time_major: whether the dimension of time comes first, in inputs and outputs.
      scope: the variable scope, ``rnn`` by default.

    Returns:
      The outputs of all steps, of shape ``[batch, time, ...]``, and the last state.

    Raises:
      TypeError: ``cell`` is no cell.
      ValueError: neither ``initial_state`` nor ``dtype`` is given, or shapes do not fit.
    """
    del parallel_iterations, swap_memory
    assert_like_rnncell("cell", cell)
    with variable_scope(scope or "rnn") as entered:
        read_once(entered)
        flat = [convert_to_tensor(item) for item in nest.flatten(inputs)]
        if not time_major:
            flat = [_transposed(item) for item in flat]
        batch_size = batch_size_of(flat)
        lengths = None if sequence_length is None else checked_lengths(sequence_length, batch_size)
        state = initial_state
        if state is None:
            state = first_state(
                cell, batch_size, dtype, "If no initial_state is provided, argument `dtype` must be specified"
            )
        state = nest.map_structure(convert_to_tensor, state)
        steps = _steps(flat)
        inputs = nest.pack_sequence_as(inputs, flat)
        outputs, state = _looped(cell, inputs, state, lengths, batch_size, state_dtype(dtype, state), steps)
        if not time_major:
            outputs = nest.map_structure(_transposed, outputs)
        return outputs, state


def _transposed(tensor: Any) -> Any:
    """Exchanges the dimensions of batch and time."""
    rank = tensor.shape.rank
    if rank is not None and rank < 2:
        raise ValueError(f"Expected input tensor {tensor.name} to have rank at least 2, but saw shape: {tensor.shape}")
    if rank is not None:
        return raw.Transpose(tensor, [1, 0, *range(2, rank)], name="transpose")
    order = concat([[1, 0], raw.Range(2, raw.Rank(tensor), 1)], 0)
    return raw.Transpose(tensor, order, name="transpose")


def _steps(flat: list[Any]) -> Any:
    """Returns the number of steps: an integer, or else a scalar tensor.

    Raises:
      ValueError: inputs have different numbers of steps, or a size is not known.
    """
    known = {item.shape.as_list()[0] for item in flat if item.shape.rank is not None} - {None}
    if len(known) > 1:
        raise ValueError(f"Time steps is not the same for all the elements in the input: {sorted(known)}")
    for item in flat:
        if item.shape.rank is None or None in item.shape.as_list()[2:]:
            raise ValueError(
                "Input size (depth of inputs) must be accessible via shape inference, but saw value None. "
                f"Shape: {item.shape}"
            )
    return known.pop() if known else raw.Shape(flat[0])[0]


def _looped(
    cell: Any, inputs: Any, state: Any, lengths: Any, batch_size: Any, dtype: Any, steps: Any
) -> tuple[Any, Any]:
    # A known number stays one: the loop then holds a constant of its own instead of a captured one.
    count = steps if isinstance(steps, int) else convert_to_tensor(steps)
    zero_output = zero_outputs(cell.output_size, batch_size, dtype)
    flat = nest.flatten(inputs)
    sources = [
        TensorArray(item.dtype.base_dtype, size=count, element_shape=item.shape[1:]).unstack(item) for item in flat
    ]
    targets = [TensorArray(dtype, size=count, element_shape=item.shape) for item in nest.flatten(zero_output)]
    bound = count
    if lengths is not None:
        bound = raw.Minimum(count, raw.Maximum(1, reduce_max(lengths)))

    def body(time: Any, written: Any, before: Any) -> Any:
        items = [source.read(time) for source in sources]
        for item, source in zip(items, flat, strict=True):
            item.set_shape(source.shape[1:])
        output, after = step(cell, time, lengths, zero_output, nest.pack_sequence_as(inputs, items), before)
        nest.assert_same_structure(zero_output, output)
        written = tuple(target.write(time, item) for target, item in zip(written, nest.flatten(output), strict=True))
        return time + 1, written, after

    _, written, last = while_loop(
        lambda time, *_: raw.Less(time, bound),
        body,
        (convert_to_tensor(0, name="time"), tuple(targets), state),
        maximum_iterations=count,
    )
    outputs = []
    for target, item in zip(written, nest.flatten(zero_output), strict=True):
        result = target.stack()
        if context.current_graph() is not None:
            result.set_shape([steps if isinstance(steps, int) else None, *item.shape.as_list()])
        outputs.append(result)
    return nest.pack_sequence_as(zero_output, outputs), last


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Calls a cell with each step of sequences, and another with the steps backwards.

    Args:
      cell_fw, cell_bw: the cells for forwards and for backwards.
      initial_state_fw, initial_state_bw: the states to start with; zeros by default.
      inputs, sequence_length, dtype, parallel_iterations, swap_memory, time_major: see :func:`dynamic_rnn`.
      scope: the variable scope, ``bidirectional_rnn`` by default.

    Returns:
      The pair of outputs, and the pair of last states.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    common = {
        "sequence_length": sequence_length,
        "dtype": dtype,
        "parallel_iterations": parallel_iterations,
        "swap_memory": swap_memory,
        "time_major": time_major,
    }
    axis = 0 if time_major else 1

    def turned(item: Any) -> Any:
        if sequence_length is None:
            return raw.ReverseV2(item, [axis])
        return raw.ReverseSequence(item, convert_to_tensor(sequence_length), seq_dim=axis, batch_dim=1 - axis)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as inner:
            forwards, state_fw = dynamic_rnn(cell_fw, inputs, initial_state=initial_state_fw, scope=inner, **common)
        with variable_scope("bw") as inner:
            backwards = nest.map_structure(lambda item: turned(convert_to_tensor(item)), inputs)
            backwards, state_bw = dynamic_rnn(cell_bw, backwards, initial_state=initial_state_bw, scope=inner, **common)
        return (forwards, nest.map_structure(turned, backwards)), (state_fw, state_bw)
