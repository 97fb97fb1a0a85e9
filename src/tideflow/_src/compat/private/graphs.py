"""Classes and functions of functions, graphs and conversion under TensorFlow's own names."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.function.autograph import interface
from tideflow._src.function.conditional import case_by
from tideflow._src.function.func_graph import FuncGraph as FuncGraph
from tideflow._src.function.mapping import map_fn as map_fn
from tideflow._src.function.traced_function import TracedFunction as Function
from tideflow._src.function.vectorized_map import vectorized_map
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.io.lookup_tables import LookupInterface as LookupInterface
from tideflow._src.ops.array.sequences import range as _range
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable import VariableV1 as variable
from tideflow._src.state.variable_spec import VariableSpec as VariableSpec
from tideflow._src.state.variable_store import VariableStore, set_variable_store
from tideflow._src.state.variable_store import variable_store as _get_default_variable_store

__all__ = [
    "FuncGraph",
    "Function",
    "LookupInterface",
    "VariableSpec",
    "_get_default_variable_store",
    "map_fn",
    "variable",
]

_uids = itertools.count()


def _case_helper(
    cond_fn: Callable[..., Any], pred_fn_pairs: Any, default: Any, exclusive: bool, name: str | None,
    allow_python_preds: bool = False, **cond_kwargs: Any,
) -> Any:  # fmt: skip
    """Returns what the function of the first predicate that holds returns, by a conditional of the caller's.

    Args:
      cond_fn: the conditional: it takes a predicate, ``true_fn`` and ``false_fn``.
      pred_fn_pairs: pairs of a boolean scalar and a function; or a dict of them.
      default: the function to run if none holds, or None if that is an error.
      exclusive: whether it is an error that more than one holds.
      name: the name of the operations.
      allow_python_preds: whether Python booleans are predicates, too; here they always are.
      **cond_kwargs: what else to hand to ``cond_fn``.
    """
    del allow_python_preds

    def conditional(pred: Any, function: Any, otherwise: Any) -> Any:
        return cond_fn(pred, true_fn=function, false_fn=otherwise, **cond_kwargs)

    return case_by(conditional, pred_fn_pairs, default, exclusive, name or "case", lambda result: result)


class _Status:
    """Tells whether a function is converted: the functions that `tf.function` traces are."""

    def __init__(self) -> None:
        self.status = "UNSPECIFIED"
        self.options = None


def control_status_ctx() -> Any:
    """Returns whether the function that runs is converted, for `tf_convert`."""
    return _Status()


def tf_convert(f: Callable[..., Any], ctx: Any, convert_by_default: bool = True, user_requested: bool = False) -> Any:
    """Returns a function that is converted when it is called, as the one that calls it is."""
    del ctx, user_requested
    return interface.to_graph(f) if convert_by_default else interface.do_not_convert(f)


@contextlib.contextmanager
def graph_mode() -> Iterator[None]:
    """Is a context in which operations join a graph of their own."""
    with Graph().as_default():
        yield


@contextlib.contextmanager
def NullContextmanager(*args: Any, **kwargs: Any) -> Iterator[None]:
    """Is a context that changes nothing."""
    del args, kwargs
    yield


@contextlib.contextmanager
def with_variable_store(store: VariableStore) -> Iterator[None]:
    """Is a context in which variables are kept in a store."""
    before = set_variable_store(store)
    try:
        yield
    finally:
        set_variable_store(before)


def uid() -> int:
    """Returns a number that no call has returned before."""
    return next(_uids)


def get_name_scope() -> str:
    """Returns the name scope in which operations are made, without a slash in the end."""
    return context.default_graph().get_name_scope() if not context.executing_eagerly() else ""


def name_from_scope_name(name: str) -> str:
    """Returns the name of an operation, given that of the scope of it."""
    return name[:-1] if name.endswith("/") else name


def convert_to_tensor_or_composite(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns a value as a tensor, and a composite one as it is."""
    return value if isinstance(value, CompositeTensor) else convert_to_tensor(value, dtype, name=name)


def constant_value_as_shape(tensor: Any) -> TensorShape:
    """Returns the shape that a vector holds, as far as it is known before it is computed."""
    value = get_static_value(convert_to_tensor(tensor), partial=True)
    if value is None:
        rank = convert_to_tensor(tensor).shape.as_list()[0]
        return TensorShape(None if rank is None else [None] * rank)
    return TensorShape([None if size is None or size < 0 else int(size) for size in value])


def try_evaluate_constant(tensor: Any) -> Any:
    """Returns the value that a tensor has in every run, or None."""
    return get_static_value(tensor)


def get_enclosing_xla_context() -> None:
    """Returns the XLA context that operations are made in: there are none."""


def execute_fn_for_device(
    device_branch_fns: dict[str, Callable[[], Any]], default_fn: Callable[[], Any], name: str = "execute_fn"
) -> Any:
    """Runs the function for the kind of device that it runs on; on the host that for CPUs, if there is one."""
    del name
    return device_branch_fns.get("CPU", default_fn)()


def pfor(
    loop_fn: Callable[[Any], Any], iters: Any, fallback_to_while_loop: bool = True, parallel_iterations: Any = None
) -> Any:
    """Runs a function for each number below `iters`, all at once, and stacks what it returns."""
    del parallel_iterations
    return vectorized_map(loop_fn, _range(iters), fallback_to_while_loop=fallback_to_while_loop)


def make_composite_tensor(cls: type) -> type:
    """Returns a class of linear operators as it is."""
    return cls


def ensure_initialized() -> None:
    """Makes the engine ready, which it is."""


def get_device_name() -> str:
    """Returns the device of `tf.device` that operations are made on, or an empty text."""
    stack = context.default_graph()._device_stack
    return str(stack[-1]) if stack else ""
