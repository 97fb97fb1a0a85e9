"""The functions of ``tf.autograph``."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any

from tideflow._src.function.autograph import conversion, source
from tideflow._src.function.autograph.features import Feature as Feature
from tideflow._src.function.autograph.features import chosen, turned_on, with_features
from tideflow._src.function.autograph.operators import convert

_UNSPECIFIED = object()


def to_graph(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> Callable[..., Any]:
    """Returns a function whose control flow over tensors builds the operations of a graph.

    Args:
      entity: a function, method or callable object of Python, or a ``tf.function``.
      recursive: kept for TensorFlow's signature: what the function calls is converted, too.
      experimental_optional_features: a ``Feature``, or several, which also apply to what the function calls.

    Raises:
      ValueError: it is nothing that can be converted, or its source is not available.
    """
    del recursive
    features = chosen(experimental_optional_features)
    function = _python_function(entity)
    try:
        source.syntax_of(_plain(function))
    except source.NoSource as error:
        raise ValueError(f"Unable to convert {function}: {error}") from None
    with turned_on(features):
        return with_features(convert(function, is_requested=True), features)


def to_graph_v1(
    entity: Any,
    recursive: bool = True,
    arg_values: Any = None,
    arg_types: Any = None,
    experimental_optional_features: Any = None,
) -> Callable[..., Any]:
    """Is ``to_graph`` with the arguments of TensorFlow 1.x, of which those of types have no meaning."""
    del arg_values, arg_types
    return to_graph(entity, recursive, experimental_optional_features)


def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """Returns the source of a function as it is after the conversion.

    Args:
      entity: a function, method or callable object of Python, or a ``tf.function``.
      recursive: kept for TensorFlow's signature.
      experimental_optional_features: a ``Feature``, or several.

    Raises:
      ValueError: it is nothing that can be converted, or its source is not available.
    """
    del recursive
    function = _plain(_python_function(entity))
    try:
        with turned_on(chosen(experimental_optional_features)):
            node = conversion.rewritten(function) or source.syntax_of(function)
    except source.NoSource as error:
        raise ValueError(f"Unable to show the code of {function}: {error}") from None
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        node = copy.copy(node)
        node.name = f"tf__{node.name}"  # as TensorFlow calls it
    return ast.unparse(ast.fix_missing_locations(node))


def to_code_v1(
    entity: Any,
    recursive: bool = True,
    arg_values: Any = None,
    arg_types: Any = None,
    indentation: str = "  ",
    experimental_optional_features: Any = None,
) -> str:
    """Is ``to_code`` with the arguments of TensorFlow 1.x, of which those of types have no meaning."""
    del arg_values, arg_types, indentation
    return to_code(entity, recursive, experimental_optional_features)


def _python_function(entity: Any) -> Any:
    entity = getattr(entity, "python_function", entity)
    if isinstance(entity, FunctionType | MethodType | functools.partial):
        return entity
    call = inspect.getattr_static(type(entity), "__call__", None)
    if not isinstance(entity, type) and isinstance(call, FunctionType):
        return MethodType(call, entity)
    raise ValueError(f"Unable to convert {entity!r}: it is no function, method or callable object of Python.")


def _plain(function: Any) -> FunctionType:
    while not isinstance(function, FunctionType):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    return function


def trace(*args: Any) -> None:
    """Prints its arguments while the function that calls it is traced, and not when its graph runs."""
    print(*args)


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Sets how much the conversion tells.

    Args:
      level: 0 for warnings only; from 1 on, which functions are converted; from 3 on, also what they become.
      alsologtostdout: whether it goes to the standard output as well as to the log.
    """
    conversion.telling.level = level
    conversion.telling.to_standard_output = alsologtostdout


def do_not_convert(func: Any = None) -> Any:
    """Marks a function that runs as it is, statements over tensors included; also as a decorator.

    Args:
      func: the function; None for a decorator.
    """
    if func is None:
        return do_not_convert
    if isinstance(func, FunctionType):

        @functools.wraps(func)
        def unconverted(*args: Any, **kwargs: Any) -> Any:
            return func(*args, **kwargs)

        setattr(unconverted, conversion.UNCONVERTED, True)
        return unconverted
    return _Unconverted(func)


class _Unconverted:
    """Calls a callable that is no function as it is."""

    def __init__(self, function: Any) -> None:
        self._function = function
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls it."""
        return self._function(*args, **kwargs)


setattr(_Unconverted.__call__, conversion.UNCONVERTED, True)


def set_loop_options(
    parallel_iterations: Any = _UNSPECIFIED,
    swap_memory: Any = _UNSPECIFIED,
    maximum_iterations: Any = _UNSPECIFIED,
    shape_invariants: Iterable[tuple[Any, Any]] | Any = _UNSPECIFIED,
) -> None:
    """Says, as the first statement of a loop, how the loop is built where it becomes one of a graph.

    Args:
      parallel_iterations, swap_memory: kept for TensorFlow's signature.
      maximum_iterations: a bound on the number of turns.
      shape_invariants: pairs of a variable of the loop and the shape that it has in every turn.
    """
    del parallel_iterations, swap_memory, maximum_iterations, shape_invariants
