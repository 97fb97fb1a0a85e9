"""The operations that pass values on: identities, barriers to gradients, and no operation at all."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


def _passing_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.array((), "float32"))
    yield s(s.empty(0, 2))


def _same_shape(input: Any) -> Any:
    return input


def _pass_gradient(call: Any, dy: Any) -> Any:
    return dy


@op("Identity", "input: T -> output: T", structural=True)
def identity_op(xp, input):
    """Passes a value on."""
    return input


identity_op.shape(_same_shape)
identity_op.gradient(_pass_gradient)
identity_op.samples(_passing_samples)


@op("Snapshot", "input: T -> output: T", structural=True)
def snapshot(xp, input):
    """Passes a value on: values are never changed in place, so a snapshot needs no copy."""
    return input


snapshot.shape(_same_shape)
snapshot.gradient(_pass_gradient)
snapshot.samples(_passing_samples)


@op("GuaranteeConst", "input: T -> output: T", stateful=True, differentiable="missing")
def guarantee_const_op(xp, input):
    """Passes on a value that the caller promises to be the same in every run."""
    return input


guarantee_const_op.shape(_same_shape)


guarantee_const_op.samples(_passing_samples)


@op("RefIdentity", "input: Ref(T) -> output: Ref(T)", tier="host", allows_uninitialized=True)
def ref_identity_op(input):
    """Passes a reference on."""
    return input


ref_identity_op.shape(_same_shape)
ref_identity_op.gradient(_pass_gradient)


@ref_identity_op.samples
def _ref_identity_samples(s):
    yield s(s.reference(s.normal(2, 3)))
    yield s(s.reference(s.array((2,), "int32")))


@op("StopGradient", "input: T -> output: T", structural=True, differentiable=False)
def stop_gradient_op(xp, input):
    """Passes a value on, and no gradient back."""
    return input


stop_gradient_op.shape(_same_shape)


@stop_gradient_op.samples
def _stop_gradient_samples(s):
    for sample in _passing_samples(s):
        yield s(*sample.inputs, gradient=False)


@op("PreventGradient", "input: T -> output: T", structural=True)
def prevent_gradient_op(xp, input, *, message: str = ""):
    """Passes a value on, and makes asking for its gradient an error."""
    return input


@prevent_gradient_op.gradient
def _prevent_gradient_gradient(call, dy):
    raise LookupError(f"Gradient explicitly disabled. Reason: {call.attr('message')}")


prevent_gradient_op.shape(_same_shape)


@prevent_gradient_op.samples
def _prevent_gradient_samples(s):
    for sample in _passing_samples(s):
        yield s(*sample.inputs, gradient=False)
    yield s(s.normal(2), message="not now", gradient=False)


@op("IdentityN", "input: list(T) -> output: list(T)")
def identity_n_op(xp, input):
    """Passes a list of values on."""
    return list(input)


@identity_n_op.shape
def _identity_n_shape(input):
    return list(input)


@identity_n_op.gradient
def _identity_n_gradient(call, *dy):
    return list(dy[0]) if len(dy) == 1 and isinstance(dy[0], list) else list(dy)


@identity_n_op.samples
def _identity_n_samples(s):
    yield s([s.normal(2, 3), s.integers(0, 9, (3,)), s.strings((2,))])
    yield s([s.normal(2, dtype="float64"), s.normal(3)])


@op("NoOp", "->", differentiable=False)
def no_op_op(xp):
    """Does nothing: a point at which control dependencies meet."""
    return ()


@no_op_op.samples
def _no_op_samples(s):
    yield s()


@op("ControlTrigger", "->", differentiable=False)
def control_trigger_op(xp):
    """Does nothing: a point at which control dependencies meet, whether their operations ran or not."""
    return ()


@control_trigger_op.samples
def _control_trigger_samples(s):
    yield s()


# Public functions.


def identity(input: Any, name: str | None = None) -> Any:
    """Returns a tensor with the same value as ``input``.

    Args:
      input: a tensor, variable, composite tensor, or what converts to a tensor.
      name: the node's name.
    """
    if not isinstance(input, Tensor) and isinstance(input, CompositeTensor):
        return nest.map_structure(identity, input, expand_composites=True)
    return identity_op.call(convert_to_tensor(input), name=name)


def identity_n(input: Any, name: str | None = None) -> Any:
    """Returns a list of tensors with the values of those in ``input``.

    Args:
      input: a list of tensors, of any dtypes.
      name: the node's name.
    """
    return identity_n_op(list(input), name=name)


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """Returns ``input`` as a constant in the eyes of differentiation: no gradient flows back through it.

    Args:
      input: a tensor or composite tensor.
      name: the node's name.
    """
    if not isinstance(input, Tensor) and isinstance(input, CompositeTensor):
        return nest.map_structure(stop_gradient, input, expand_composites=True)
    return stop_gradient_op.call(input, name=name)


def guarantee_const(input: Any, name: str | None = None) -> Any:
    """Returns ``input``, which the caller promises not to change between runs."""
    return guarantee_const_op(input, name=name)


def no_op(name: str | None = None) -> Any:
    """Does nothing; in a graph, returns the operation, for use in control dependencies."""
    if context.current_graph() is None:
        return None
    return no_op_op(name=name)
