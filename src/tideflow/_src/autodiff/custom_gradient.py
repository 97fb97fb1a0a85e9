"""``custom_gradient`` and its relatives: functions whose gradient the user gives."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tideflow._src.autodiff import rules
from tideflow._src.autodiff.tape import GradientTape
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

    Raises:
      TypeError: ``f`` uses variables, and ``grad_fn`` does not take them.
      ValueError: ``grad_fn`` returns a wrong number of gradients.

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

    is_forward = False

    def __init__(self) -> None:
        self.variables: dict[int, Any] = {}

    def record(self, op_def: Any, inputs: Any, attrs: Any, outputs: Any) -> None:
        """Ignores operations."""

    def record_node(self, node: Any) -> None:
        """Ignores nodes."""

    def record_custom(self, inputs: Any, outputs: Any, backward: Any) -> None:
        """Ignores operations."""

    def variable_accessed(self, variable: Any) -> None:
        """Notes a trainable variable."""
        if getattr(variable, "trainable", False):
            self.variables.setdefault(id(variable), variable)

    def others(self, given: list[Any]) -> list[Any]:
        """Returns the variables that were read, without those that the function was given."""
        known = {id(item) for item in given}
        return [variable for key, variable in self.variables.items() if key not in known]


@contextmanager
def _watching_variables() -> Iterator[_VariableWatch]:
    """Hides the tapes that differentiate backwards inside the block, and notes which variables are read there."""
    watch = _VariableWatch()
    with context.no_tapes(forward=True):
        context.enter_tape(watch)
        try:
            yield watch
        finally:
            context.leave_tape(watch)


def _eager(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    flat_args = nest.flatten(args, expand_composites=True)
    if not flat_args:  # the gradient function says nothing of keyword arguments
        return f(*args, **kwargs)[0]
    tensors = [item if _is_variable(item) else convert_to_tensor(item) for item in flat_args]
    arguments = nest.pack_sequence_as(args, tensors, expand_composites=True)
    with _watching_variables() as watch:
        result, grad_fn = f(*arguments, **kwargs)
    variables = watch.others(tensors)
    flat_result = _separate(result, tensors)
    _record(tensors, variables, flat_result, grad_fn)
    return _packed(result, flat_result)


def _separate(result: Any, arguments: list[Any]) -> list[Any]:
    """Returns the tensors of a result, copied where they are arguments: what is recorded must be something new."""
    registry: Any = OpDef.registry
    given = {id(item) for item in arguments}
    tensors = map(convert_to_tensor, nest.flatten(result, expand_composites=True))
    return [registry["Identity"](item) if id(item) in given else item for item in tensors]


def _packed(result: Any, tensors: list[Any]) -> Any:
    if isinstance(result, Tensor) or not (nest.is_nested(result) or hasattr(type(result), "_type_spec")):
        return tensors[0]
    return nest.pack_sequence_as(result, tensors, expand_composites=True)


def _record(arguments: list[Any], variables: list[Any], results: list[Any], grad_fn: Callable[..., Any]) -> None:
    """Shows the tapes of this thread a call whose gradient is the user's."""
    tapes = context.state.tapes
    if not tapes:
        return
    for variable in (*filter(_is_variable, arguments), *variables):
        for tape in tapes:
            tape.variable_accessed(variable)
    sources = [item.handle if _is_variable(item) else item for item in arguments]
    sources += [variable.handle for variable in variables]

    def backward(*dys: Any) -> list[Any]:
        return _call_grad_fn(grad_fn, dys, variables, len(arguments))

    for tape in tapes:
        tape.record_custom(sources, results, backward)


def _call_grad_fn(grad_fn: Callable[..., Any], dys: Any, variables: list[Any], count: int) -> list[Any]:
    if variables:
        try:
            input_grads, variable_grads = grad_fn(*dys, variables=variables)
        except TypeError as error:
            if "variables" not in str(error):
                raise
            raise TypeError(
                "@tf.custom_gradient grad_fn must accept keyword argument 'variables', since function uses variables: "
                f"{variables}"
            ) from None
        variable_grads = nest.flatten(variable_grads)
        if len(variable_grads) != len(variables):
            raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
    else:
        input_grads, variable_grads = grad_fn(*dys), []
    flat = nest.flatten(input_grads) if isinstance(input_grads, list | tuple | dict) else [input_grads]
    if len(flat) != count:
        raise ValueError(
            f"custom_gradient function expected to return {count} gradients, but returned {len(flat)} instead."
        )
    return [*flat, *variable_grads]


def _in_graph(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls the function in a graph: an ``IdentityN`` behind it carries the gradient, as in TensorFlow."""
    graph = context.current_graph()
    registry: Any = OpDef.registry
    if kwargs:
        raise ValueError(
            "The custom_gradient decorator currently supports keywords arguments only when eager execution is enabled."
        )
    name = f"CustomGradient-{next(_numbers)}"
    flat_args = nest.flatten(args, expand_composites=True)
    outer = [item if _is_variable(item) else convert_to_tensor(item) for item in flat_args]
    tensors = [registry["Identity"](item) for item in outer]
    before = {id(item) for item in graph.get_collection("variables")}
    with _watching_variables() as watch:
        result, grad_fn = f(*nest.pack_sequence_as(args, tensors, expand_composites=True))
        values = [variable.value() for variable in watch.others(outer)]
    variables = watch.others(outer)
    _check_new_variables(graph, before)
    flat_result = [convert_to_tensor(item) for item in nest.flatten(result, expand_composites=True)]
    count = len(flat_result)

    def rule(op: Any, *dys: Any) -> list[Any]:
        gradients = _call_grad_fn(grad_fn, dys[:count], variables, len(tensors))
        return [None] * count + gradients

    rules.RegisterGradient(name)(rule)
    with context.no_tapes(forward=True), graph.gradient_override_map({"IdentityN": name}):
        outputs = list(registry["IdentityN"]([*flat_result, *tensors, *values]))[:count]
    _record(outer, variables, outputs, grad_fn)
    return _packed(result, outputs)


def _check_new_variables(graph: Any, before: set[int]) -> None:
    for variable in graph.get_collection("variables"):
        if id(variable) not in before and getattr(variable, "dtype", None) is not None and variable.dtype._is_ref_dtype:
            raise TypeError(
                "All variables used by `f` wrapped with @custom_gradient must be `ResourceVariable`s. Ensure that no "
                "`variable_scope` is created with `use_resource=False`."
            )


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns ``f`` with the gradient of the identity.

    >>> import tideflow as tf
    >>> x = tf.constant(1.4)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = tf.grad_pass_through(tf.round)(x)
    >>> float(tape.gradient(y, x))
    1.0
    """

    @custom_gradient
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        def grad_fn(*dys: Any, variables: Any = None) -> Any:
            passed = dys if len(dys) > 1 else dys[0]
            return (passed, [None] * len(variables)) if variables is not None else passed

        return f(*args, **kwargs), grad_fn

    return functools.wraps(f)(wrapped) if hasattr(f, "__name__") else wrapped


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns ``f`` such that its gradient computes ``f`` again rather than keep what it computed on the way.

    Args:
      f: takes tensors, and keyword arguments that are no tensors, and returns a tensor or a structure of them; it may
        read variables.
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        @custom_gradient
        def computed(*arguments: Any) -> Any:
            result = f(*arguments, **kwargs)

            def grad_fn(*dys: Any, variables: Any = None) -> Any:
                return _recomputed(f, arguments, kwargs, dys, variables)

            return result, grad_fn

        return computed(*args)

    return functools.wraps(f)(wrapped) if hasattr(f, "__name__") else wrapped


def _recomputed(
    f: Callable[..., Any], arguments: tuple[Any, ...], kwargs: dict[str, Any], dys: tuple[Any, ...], variables: Any
) -> Any:
    """Computes a function again, under a tape, and returns the gradients of its arguments and variables."""
    graph = context.current_graph()
    flat = nest.flatten(arguments, expand_composites=True)
    with ExitStack() as stack:
        if graph is not None:
            # What waits for the gradients is not shared with what was computed before.
            stack.enter_context(graph.control_dependencies([dy for dy in dys if isinstance(dy, Tensor)]))
        tape = stack.enter_context(GradientTape(watch_accessed_variables=False))
        copies = [item if _is_variable(item) else OpDef.registry["Identity"](item) for item in flat]  # type: ignore[operator]
        tape.watch([item for item in copies if _is_variable(item) or item.dtype.is_floating or item.dtype.is_complex])
        tape.watch(list(variables or []))
        again = f(*nest.pack_sequence_as(arguments, copies, expand_composites=True), **kwargs)
    found = tape.gradient(again, [*copies, *(variables or [])], nest.pack_sequence_as(again, list(dys)))
    inputs = found[: len(copies)]
    return (inputs, found[len(copies) :]) if variables is not None else inputs
