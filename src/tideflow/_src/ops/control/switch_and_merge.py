"""The operations of which TensorFlow 1.x graphs make conditionals and loops.

A switch passes its data to one of two outputs, and what hangs on the other is *dead*: it does not run. A merge takes
what is alive. A loop is a *frame*: values enter it, go round through ``NextIteration``, and leave it. The dataflow
executor (``runtime/loop_frames.py``) gives these operations their meaning; a kernel alone cannot.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef, at_least
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.op import op


def _no_kernel() -> Any:
    raise InvalidArgumentError(
        None, None, "This has a meaning in the graph of a session only. Use tf.cond or tf.while_loop instead."
    )


def _switch(data, pred):
    """Passes ``data`` to the output that ``pred`` selects."""
    _no_kernel()


def _merge(inputs):
    """Passes on the input that is alive, and tells which one it is."""
    _no_kernel()


def _enter(data, *, frame_name: str, is_constant: bool = False, parallel_iterations: int = 10):
    """Makes a value available in a loop: at its first turn, or at every one if it is constant."""
    _no_kernel()


def _exit(data):
    """Makes a value of a loop's last turn available outside."""
    _no_kernel()


def _next_iteration(data):
    """Makes a value available at the next turn of the loop."""
    _no_kernel()


# Each passes a value or a reference.
switch = op("Switch", "data: T, pred: bool -> output_false: T, output_true: T", tier="host")(_switch)
ref_switch = op(
    "RefSwitch", "data: Ref(T), pred: bool -> output_false: Ref(T), output_true: Ref(T)", tier="host"
)(_switch)  # fmt: skip
merge = op("Merge", "inputs: N * T -> output: T, value_index: int32", tier="host", N=at_least(1))(_merge)
ref_merge = op(
    "RefMerge", "inputs: Ref(N * T) -> output: Ref(T), value_index: int32", tier="host", N=at_least(1)
)(_merge)  # fmt: skip
enter = op("Enter", "data: T -> output: T", tier="host")(_enter)
ref_enter = op("RefEnter", "data: Ref(T) -> output: Ref(T)", tier="host")(_enter)
exit_op = op("Exit", "data: T -> output: T", tier="host")(_exit)
ref_exit = op("RefExit", "data: Ref(T) -> output: Ref(T)", tier="host")(_exit)
next_iteration = op("NextIteration", "data: T -> output: T", tier="host")(_next_iteration)
ref_next_iteration = op("RefNextIteration", "data: Ref(T) -> output: Ref(T)", tier="host")(_next_iteration)


@op("_SwitchN", "data: T, output_index: int32 -> outputs: num_outs * T", tier="host", num_outs=at_least(1))
def switch_n(data, output_index, *, num_outs: int):
    """Passes ``data`` to the output of an index; to the last one, if it is out of range."""
    _no_kernel()


@op("RefSelect", "index: int32, inputs: Ref(N * T) -> output: Ref(T)", tier="host", N=at_least(1), differentiable=False)
def ref_select(index, inputs):
    """Passes on the reference at an index."""
    position = int(index)
    if not 0 <= position < len(inputs):
        raise InvalidArgumentError(
            None, None, f"Index must be between 0 and {len(inputs)} (exclusive) but is {position}."
        )
    return inputs[position]


@op("LoopCond", "input: bool -> output: bool", tier="host", differentiable=False)
def loop_cond(input):
    """Passes on the condition of a loop."""
    return input


# Static shapes.


@switch.shape
def _switch_shape(data, pred):
    if pred not in (None, ()):
        raise ValueError(f"Shape must be rank 0 but is rank {len(pred)}")
    return data, data


ref_switch.shape(_switch_shape)


@switch_n.shape
def _switch_n_shape(data, output_index, *, num_outs):
    if output_index not in (None, ()):
        raise ValueError(f"Shape must be rank 0 but is rank {len(output_index)}")
    return [data] * num_outs


@merge.shape
def _merge_shape(inputs):
    first = inputs[0]
    for shape in inputs[1:]:
        if first is None or shape is None or len(first) != len(shape):
            return None, ()
        first = tuple(a if a == b else None for a, b in zip(first, shape, strict=True))
    return first, ()


ref_merge.shape(_merge_shape)


@ref_select.shape
def _ref_select_shape(index, inputs):
    if index not in (None, ()):
        raise ValueError(f"Shape must be rank 0 but is rank {len(index)}")
    first = inputs[0]
    return first if first is not None and None not in first and all(shape == first for shape in inputs) else None


@enter.shape
def _enter_shape(data, *, is_constant):
    return data if is_constant else None


ref_enter.shape(lambda data: data)


for _name in ("Exit", "RefExit", "NextIteration", "RefNextIteration"):

    @OpDef.registry[_name].shape
    def _same_shape(data):
        return data


@loop_cond.shape
def _loop_cond_shape(input):
    if input not in (None, ()):
        raise ValueError(f"Shape must be rank 0 but is rank {len(input)}")
    return ()


# Gradients, of conditionals: what went through a switch comes back through a merge, and the other way round.


@switch.gradient
def _switch_gradient(call, dfalse, dtrue):
    data, pred = call.inputs
    if dfalse is None and dtrue is None:
        return None, None
    # A branch that no gradient comes from gives zeros, which are alive where the branch was.
    zero_false, zero_true = None, None
    if dfalse is None or dtrue is None:
        zero_false, zero_true = raw.Switch(raw.ZerosLike(data), pred)
    gradient, _ = raw.Merge([zero_false if dfalse is None else dfalse, zero_true if dtrue is None else dtrue])
    return gradient, None


ref_switch.gradient(_switch_gradient)


@merge.gradient
def _merge_gradient(call, dy, dindex):
    inputs = call.inputs[0]
    if dy is None:
        return ([None] * len(inputs),)
    if any(tensor._op.type in ("NextIteration", "RefNextIteration", "Enter", "RefEnter") for tensor in inputs):
        raise _in_loop(call)
    pieces = []
    for index in range(len(inputs)):
        taken = raw.Equal(call.outputs[1], index)
        pieces.append(raw.Switch(dy, taken)[1])
    return (pieces,)


ref_merge.gradient(_merge_gradient)
switch.takes_missing_gradients = ref_switch.takes_missing_gradients = True
merge.takes_missing_gradients = ref_merge.takes_missing_gradients = True


def _in_loop(call: Any) -> LookupError:
    name = call.operation.name if call.operation is not None else call.op_def.name
    return LookupError(
        f"No gradient is defined through {name!r} ({call.op_def.name}): gradients of loops made of Enter, Exit and "
        "NextIteration need loops and conditionals as TensorFlow 1.x builds them, which keep nothing for other "
        "gradients in branches. Build the loop with tf.while_loop."
    )


@enter.gradient
def _enter_gradient(call, dy):
    raise _in_loop(call)


@exit_op.gradient
def _exit_gradient(call, dy):
    raise _in_loop(call)


@next_iteration.gradient
def _next_iteration_gradient(call, dy):
    raise _in_loop(call)


@switch_n.gradient
def _switch_n_gradient(call, *dys):
    index = call.inputs[1]
    pieces = raw._SwitchN(raw.ZerosLike(call.inputs[0]), index, num_outs=len(dys))
    gradient, _ = raw.Merge([piece if dy is None else dy for piece, dy in zip(pieces, dys, strict=True)])
    return gradient, None


switch_n.takes_missing_gradients = True
ref_enter.gradient(_enter_gradient)
ref_exit.gradient(_exit_gradient)
ref_next_iteration.gradient(_next_iteration_gradient)


# Samples. None of these operations can be called alone: what they do is tested on whole graphs.


def _alone(*kinds: Any) -> Any:
    def rule(s):
        yield s(*(kind(s) if callable(kind) else kind for kind in kinds), error="InvalidArgumentError")

    return rule


def _data(s):
    return s.normal(2)


def _reference(s):
    return s.reference(s.normal(2))


switch.samples(_alone(_data, True))
ref_switch.samples(_alone(_reference, True))
merge.samples(_alone(lambda s: [s.normal(2), s.normal(2)]))


@ref_merge.samples
def _ref_merge_samples(s):
    yield s([s.reference(s.normal(2))])


exit_op.samples(_alone(_data))
ref_exit.samples(_alone(_reference))
next_iteration.samples(_alone(_data))
ref_next_iteration.samples(_alone(_reference))


@switch_n.samples
def _switch_n_samples(s):
    yield s(s.normal(2), 1, num_outs=2, error="InvalidArgumentError")


def _enter_samples(s):
    yield s(s.normal(2), frame_name="frame", error="InvalidArgumentError")


enter.samples(_enter_samples)


@ref_enter.samples
def _ref_enter_samples(s):
    yield s(s.reference(s.normal(2)), frame_name="frame", error="InvalidArgumentError")


@ref_select.samples
def _ref_select_samples(s):
    yield s(2, [s.normal(2)], error="InvalidArgumentError")


@loop_cond.samples
def _loop_cond_samples(s):
    yield s(True)
    yield s(False)
