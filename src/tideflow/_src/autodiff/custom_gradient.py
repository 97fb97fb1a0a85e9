"""``custom_gradient`` and its relatives: functions whose gradient the user gives."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from tideflow._src.autodiff import rules
from tideflow._src.core import context, nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.convert import convert_to_tensor

_numbers = itertools.count()


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Decorates a function that returns its result together with its gradient function.

    Args:
      f: takes tensors and returns ``(result, grad_fn)``; ``grad_fn`` takes a gradient for each tensor of the result
        and returns one for each argument. If ``f`` uses trainable variables, ``grad_fn`` takes ``variables=`` and
        returns a pair: gradients of the arguments, and of the variables.

    Returns:
      A function like ``f`` that returns only the result.

    >>> import tideflow as tf
    >>> @tf.custom_gradient
    ... def log1pexp(x):
    ...     e = tf.exp(x)
    ...     return tf.math.log(1.0 + e), lambda upstream: upstream * (1.0 - 1.0 / (1.0 + e))
    >>> x = tf.constant(100.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = log1pexp(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(1.0)
    """
    if f is None:
        return custom_gradient

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if context.executing_eagerly():
            return _eager(f, args, kwargs)
        return _in_graph(f, args, kwargs)

    return decorated


def _is_variable(value: Any) -> bool:
    return hasattr(value, "handle") and not isinstance(value, Tensor)


class _VariableWatch:
    """Is a tape that only notes which variables are read."""

    def __init__(self) -> None:
        self.variables: dict[int, Any] = {}

    def record(self, op_def: Any, inputs: Any, attrs: Any, outputs: Any) -> None:
        """Ignores operations."""

    def record_custom(self, inputs: Any, outputs: Any, backward: Any) -> None:
        """Ignores operations."""

    def variable_accessed(self, variable: Any) -> None:
        """Notes a trainable variable."""
        if getattr(variable, "trainable", False):
            self.variables.setdefault(id(variable), variable)


def _eager(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    flat_args = nest.flatten(args)
    tensors = [item if _is_variable(item) else convert_to_tensor(item) for item in flat_args]
    arguments = nest.pack_sequence_as(args, tensors)
    watch = _VariableWatch()
    with context.no_tapes():
        context.enter_tape(watch)
        try:
            result, grad_fn = f(*arguments, **kwargs)
        finally:
            context.leave_tape(watch)
    given = {id(item) for item in tensors}
    variables = [variable for key, variable in watch.variables.items() if key not in given]
    registry: Any = OpDef.registry
    arguments_of = {id(item) for item in tensors}
    flat_result = [
        registry["Identity"](item) if id(item) in arguments_of else item
        for item in map(convert_to_tensor, nest.flatten(result))
    ]
    tapes = context.state.tapes
    if tapes:
        for variable in variables:
            for tape in tapes:
                tape.variable_accessed(variable)
        sources = [getattr(item, "handle", item) if _is_variable(item) else item for item in tensors]
        sources += [variable.handle for variable in variables]

        def backward(*dys: Any) -> list[Any]:
            return _call_grad_fn(grad_fn, dys, variables, len(tensors))

        for tape in tapes:
            tape.record_custom(sources, flat_result, backward)
    return nest.pack_sequence_as(result, flat_result) if nest.is_nested(result) else flat_result[0]


def _call_grad_fn(grad_fn: Callable[..., Any], dys: Any, variables: list[Any], count: int) -> list[Any]:
    if variables:
        try:
            input_grads, variable_grads = grad_fn(*dys, variables=variables)
        except TypeError as error:
            if "variables" not in str(error):
                raise
            raise TypeError(
                "If using @custom_gradient with a function that uses variables, then grad_fn must accept a 'variables' "
                "keyword argument."
            ) from None
        variable_grads = nest.flatten(variable_grads)
        if len(variable_grads) != len(variables):
            raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
    else:
        input_grads, variable_grads = grad_fn(*dys), []
    flat = nest.flatten(input_grads) if isinstance(input_grads, list | tuple) else [input_grads]
    if len(flat) != count:
        raise ValueError(
            f"custom_gradient function expected to return {count} gradients, but returned {len(flat)} instead."
        )
    return [*flat, *variable_grads]


def _in_graph(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    graph = context.current_graph()
    registry: Any = OpDef.registry
    if kwargs:
        raise ValueError(
            "The custom_gradient decorator currently supports keywords arguments only when eager execution is enabled."
        )
    flat_args = nest.flatten(args)
    name = f"CustomGradient-{next(_numbers)}"
    tensors = [registry["Identity"](convert_to_tensor(item)) for item in flat_args]
    result, grad_fn = f(*nest.pack_sequence_as(args, tensors))
    flat_result = [convert_to_tensor(item) for item in nest.flatten(result)]
    count = len(flat_result)

    def rule(op: Any, *dys: Any) -> list[Any]:
        gradients = _call_grad_fn(grad_fn, dys[:count], [], len(tensors))
        return [None] * count + gradients

    rules.RegisterGradient(name)(rule)
    with graph.gradient_override_map({"IdentityN": name}):
        outputs = registry["IdentityN"]([*flat_result, *tensors])
    outputs = list(outputs)[:count]
    return nest.pack_sequence_as(result, outputs) if nest.is_nested(result) else outputs[0]


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns ``f`` with the gradient of the identity."""

    @custom_gradient
    def wrapped(*args: Any) -> Any:
        return f(*args), lambda *dys: dys if len(dys) > 1 else dys[0]

    return wrapped  # type: ignore[no-any-return]


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns ``f`` such that its gradient computes ``f`` again rather than keep what it computed on the way."""
    from tideflow._src.autodiff.tape import GradientTape

    @custom_gradient
    def wrapped(*args: Any) -> Any:
        result = f(*args)

        def grad_fn(*dys: Any, variables: Any = None) -> Any:
            with GradientTape() as tape:
                tape.watch(args)
                again = f(*args)
            sources = [*args, *(variables or [])]
            found = tape.gradient(again, sources, dys if len(dys) > 1 else dys[0])
            inputs = found[: len(args)]
            return (inputs, found[len(args) :]) if variables else inputs

        return result, grad_fn

    return wrapped  # type: ignore[no-any-return]
