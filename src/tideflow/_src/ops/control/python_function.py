"""``py_function``, ``numpy_function`` and ``py_func``: Python code as an operation of a graph."""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    InvalidArgumentError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from tideflow._src.core.tensor import Tensor, wrap
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec
from tideflow._src.graph.op_def import at_least
from tideflow._src.runtime import rollback
from tideflow._src.runtime.convert import convert_to_tensor, to_numpy
from tideflow._src.runtime.op import op

_numbers = itertools.count()
_functions: weakref.WeakValueDictionary[str, _Holder] = weakref.WeakValueDictionary()
_lock = threading.Lock()


class _Token(str):
    """Is the name of a Python function; who keeps the name keeps the function."""

    holder: _Holder


class _Holder:
    """Keeps a Python function alive as long as the graph that calls it."""

    def __init__(self, function: Callable[..., Any], eager: bool) -> None:
        self.function = function
        self.eager = eager


def _call(token: str, values: Sequence[Any], types: Sequence[DType]) -> list[Any]:
    holder = _functions.get(token)
    if holder is None:
        raise InvalidArgumentError(
            None, None, f"The Python function {token!r} of a py_func does not exist in this process."
        )
    with context.eager_scope(), rollback.apart(), _failures():
        if holder.eager:
            result = holder.function(*map(_as_tensor, values))
        else:
            result = holder.function(*[_as_array(value) for value in values])
    results = _results(result, types, token)
    with _failures((TypeError, ValueError)):
        return [
            _converted(value, dtype, token, index, holder.eager)
            for index, (value, dtype) in enumerate(zip(results, types, strict=True))
        ]


def _results(result: Any, types: Sequence[DType], name: str) -> list[Any]:
    """Returns what a Python function returned as a list of one value for each type.

    TensorFlow drops what a function returns beyond the types; here that is an error, too, since a program that loses a
    result is seldom meant.
    """
    results = [] if result is None else list(result) if isinstance(result, list | tuple) else [result]
    if len(results) != len(types):
        raise InvalidArgumentError(
            None, None, f"{name} returns {len(results)} values, but expects to see {len(types)} values."
        )
    return results


@contextmanager
def _failures(kinds: Any = Exception) -> Iterator[None]:
    """Makes exceptions of the Python function those of an operation: TensorFlow's class, the user's lines.

    Args:
      kinds: which exceptions.
    """
    try:
        yield
    except kinds as error:
        becomes = next(becomes for causes, becomes in _BECOMES if isinstance(error, causes))
        import traceback  # loaded when something has failed

        lines = traceback.format_exception(error)
        raise becomes(None, None, f"{type(error).__name__}: {error}\n{''.join(lines)}") from error


_BECOMES: tuple[tuple[Any, Any], ...] = (
    ((TypeError, ValueError), InvalidArgumentError),
    (StopIteration, OutOfRangeError),
    (MemoryError, ResourceExhaustedError),
    (NotImplementedError, UnimplementedError),
    (Exception, UnknownError),
)


def _as_tensor(value: Any) -> Any:
    """Returns a value as a function on tensors gets it: what is no array, as it is."""
    return value if getattr(value, "dtype", None) is dtypes.variant else wrap(np.asarray(value))


def _as_array(value: Any) -> Any:
    array = np.asarray(value)
    return array[()] if array.ndim == 0 else array.copy()


def _converted(value: Any, dtype: DType, token: str, index: int, eager: bool) -> Any:
    if eager:
        if dtype is dtypes.variant:
            return getattr(value, "_value", value)
        return convert_to_tensor(value, dtype)._value  # type: ignore[attr-defined]
    array = to_numpy(value, None if isinstance(value, np.ndarray | np.generic) else dtype)
    if dtypes.of_numpy[array.dtype] is not dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"{index}-th value returned by {token} is {dtypes.of_numpy[array.dtype].name}, but expects {dtype.name}",
        )
    return array


@op(
    "PyFunc",
    "input: list(Tin) -> output: list(Tout)",
    tier="host",
    stateful=True,
    differentiable=False,
    Tin=at_least(0),
    Tout=at_least(0),
)
def py_func_op(input, *, token: str, Tout: list[DType]):
    """Calls a Python function on arrays."""
    return _call(token, input, Tout)


@op(
    "PyFuncStateless",
    "input: list(Tin) -> output: list(Tout)",
    tier="host",
    differentiable=False,
    Tin=at_least(0),
    Tout=at_least(0),
)
def py_func_stateless(input, *, token: str, Tout: list[DType]):
    """Calls a Python function without effects on arrays."""
    return _call(token, input, Tout)


@op(
    "EagerPyFunc",
    "input: list(Tin) -> output: list(Tout)",
    tier="host",
    stateful=True,
    Tin=at_least(0),
    Tout=at_least(0),
)
def eager_py_func(input, *, token: str, Tout: list[DType], is_async: bool = False):
    """Calls a Python function on eager tensors."""
    return _call(token, input, Tout)


@py_func_op.samples
@py_func_stateless.samples
def _py_func_samples(s):
    product = s.python("lambda x, y: (x * y, x + 1)")
    yield s([s.normal(2), s.normal(2)], token=product, Tout=["float", "float"], gradient=False)
    yield s([s.strings((2,))], token=s.python("lambda x: len(x[0]) + x.size"), Tout=["int64"], gradient=False)
    yield s([], token=s.python("lambda: None"), Tout=[])
    yield s([s.normal(2)], token=s.python("lambda x: (x, x)"), Tout=["float"], error="InvalidArgumentError")
    yield s([s.normal(2)], token=s.python("lambda x: x"), Tout=["double"], error="InvalidArgumentError")
    yield s([s.normal(2)], token=s.python("lambda x: int('x')"), Tout=["float"], error="InvalidArgumentError")
    yield s([s.normal(2)], token=s.python("lambda x: {}[0]"), Tout=["float"], error="UnknownError")
    yield s([s.normal(2)], token=s.python("lambda x: 1 + x.missing"), Tout=["float"], error="UnknownError")


@eager_py_func.samples
def _eager_py_func_samples(s):
    product = s.python("lambda x, y: [x * y, x * x]", eager=True)
    x, y = s.normal(2, dtype="float64"), s.normal(2, dtype="float64")
    yield s([x, y], token=product, Tout=["double", "double"])
    yield s([s.integers(0, 9, (2,))], token=s.python("lambda x: x + 1", eager=True), Tout=["int32"])
    yield s([], token=s.python("lambda: None", eager=True), Tout=[])


def _register(func: Callable[..., Any], eager: bool) -> tuple[str, _Holder]:
    holder = _Holder(func, eager)
    token = _Token(f"pyfunc_{next(_numbers)}")
    token.holder = holder
    with _lock:
        # The table's key is a plain string: it would keep the token, and that the function.
        _functions[str(token)] = holder
    return token, holder


def token_of(func: Callable[..., Any], eager: bool) -> str:
    """Returns a token for the raw operations; the function lives as long as the token does."""
    return _register(func, eager)[0]


def function_of(token: str) -> Callable[..., Any]:
    """Returns the Python function behind a token."""
    return _functions[token].function


def function_operation(
    func: Callable[..., Any],
    inputs: Sequence[Any],
    types: Sequence[DType],
    eager: bool,
    name: str | None,
    stateful: bool,
) -> list[Any]:
    """Adds the operation that calls ``func``, and keeps the function as long as the graph lives."""
    token, holder = _register(func, eager)
    graph = context.current_graph()
    if graph is not None:
        keeper = graph
        while getattr(keeper, "outer_graph", None) is not None and not getattr(keeper, "stands_alone", False):
            keeper = keeper.outer_graph
        keeper.__dict__.setdefault("_python_functions", []).append(holder)
        graph.__dict__.setdefault("_python_functions", []).append(holder)
    if eager:
        result = eager_py_func(list(inputs), token=token, Tout=list(types), name=name or "EagerPyFunc")
    elif stateful:
        result = py_func_op(list(inputs), token=token, Tout=list(types), name=name or "PyFunc")
    else:
        result = py_func_stateless(list(inputs), token=token, Tout=list(types), name=name or "PyFuncStateless")
    return list(result) if isinstance(result, list | tuple) else result  # an operation, if nothing is returned


def _types(Tout: Any) -> tuple[list[DType], bool]:
    if isinstance(Tout, list | tuple):
        return [dtypes.as_dtype(getattr(item, "dtype", item)) for item in Tout], True
    return [dtypes.as_dtype(getattr(Tout, "dtype", Tout))], False


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _decorator(call: Callable[..., Any], called: str, func: Any, inp: Any, Tout: Any, **options: Any) -> Any:
    """Returns a decorator, where ``func`` is not given and is what will be decorated; else None."""
    if Tout is None:
        raise TypeError(
            f"Missing required argument: 'Tout'\n  Give it by name where {called} is a decorator: @{called}(Tout=...)"
        )
    if func is not None:
        if inp is None:
            raise TypeError(
                f"Missing argument `inp`:\n  It is the list of arguments of the function, and only left out where "
                f"{called} is a decorator (`func=None`)."
            )
        return None
    if inp is not None:
        raise TypeError(f"Don't set the `inp` argument when using {called} as a decorator (`func=None`).")

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any) -> Any:
            return call(function, list(arguments), Tout, **options)

        return wrapper

    return decorated


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: str | None = None) -> Any:
    """Calls a Python function on eager tensors, as an operation that gradients pass through.

    ``@tf.py_function(Tout=...)`` makes of a function one that is called so.

    Args:
      func: takes one eager tensor for each of ``inp`` and returns values of the types ``Tout``.
      inp: the arguments: tensors, and composite tensors.
      Tout: the dtype of the result, or a list of dtypes; the spec of a result that is a composite tensor.
      name: the name of the operation.

    Returns:
      A tensor, or a list of tensors if ``Tout`` is a list.

    Raises:
      InvalidArgumentError: the function raises a TypeError or ValueError, or returns other values than ``Tout`` says.
      UnknownError: it raises another exception.
    """
    decorator = _decorator(py_function, "tf.py_function", func, inp, Tout, name=name)
    if decorator is not None:
        return decorator
    if _is_composite(inp) or _is_composite(Tout):
        return _call_with_composites(func, inp, Tout, name)
    if context.executing_eagerly():
        types, many = _types(Tout)
        tensors = [convert_to_tensor(item) for item in inp]
        with _failures():
            result = func(*tensors)
        results = _results(result, types, _name_of(func))
        with _failures((TypeError, ValueError)):
            converted = [convert_to_tensor(item, dtype) for item, dtype in zip(results, types, strict=True)]
        return converted if many else converted[0] if converted else None
    types, many = _types(Tout)
    results = function_operation(func, inp, types, True, name, True)
    return results if many else results[0]


def _is_composite(structure: Any) -> bool:
    """Tells whether a value in a structure is made of several tensors, or a spec there describes one that is."""
    return any(
        isinstance(item, CompositeTensor) or (isinstance(item, TypeSpec) and not isinstance(item, TensorSpec))
        for item in nest.flatten(structure)
    )


def _call_with_composites(func: Callable[..., Any], inp: Any, Tout: Any, name: str | None) -> Any:
    """Is ``py_function`` where values are made of several tensors: the operation takes and gives these."""
    arguments = list(inp)
    specs = nest.map_structure(lambda item: item if isinstance(item, TypeSpec) else TensorSpec(None, item), Tout)

    def on_tensors(*tensors: Any) -> list[Any]:
        values = [item if isinstance(item, Tensor) else wrap(item) for item in tensors]  # a variant comes as it is
        result = func(*nest.pack_sequence_as(arguments, values, expand_composites=True))
        nest.assert_same_structure(specs, result, check_types=False)
        parts: list[Any] = []
        for spec, value in zip(nest.flatten(specs), nest.flatten(result), strict=True):
            if not isinstance(spec, TensorSpec) and not spec.is_compatible_with(value):
                raise ValueError(f"py_function: func={func} returned {value!r}, which did not match Tout={Tout!r}")
            parts += [value] if isinstance(spec, TensorSpec) else nest.flatten(value, expand_composites=True)
        return parts

    types = [spec.dtype for spec in nest.flatten(specs, expand_composites=True)]
    results = py_function(on_tensors, nest.flatten(arguments, expand_composites=True), types, name)
    return nest.pack_sequence_as(specs, results, expand_composites=True)


def py_func(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """Calls a Python function on NumPy arrays, as an operation without a gradient.

    Args:
      func: takes one array for each of ``inp`` and returns arrays of the types ``Tout``.
      inp: the arguments.
      Tout: the dtype of the result, or a list of dtypes.
      stateful: whether the function has effects; one that has none may be called less often.
      name: the name of the operation.
    """
    types, many = _types(Tout)
    if context.executing_eagerly():
        result = func(*[_as_array(convert_to_tensor(item)._value) for item in inp])  # type: ignore[attr-defined]
        results = _results(result, types, _name_of(func))
        converted = [convert_to_tensor(item, dtype) for item, dtype in zip(results, types, strict=True)]
        return converted if many else converted[0] if converted else None
    results = function_operation(func, inp, types, False, name, stateful)
    return results if many else results[0]


def numpy_function(
    func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: str | None = None
) -> Any:
    """Is ``py_func`` under its TensorFlow 2 name; ``@tf.numpy_function(Tout=...)`` is a decorator."""
    options = {"stateful": stateful, "name": name}
    decorator = _decorator(numpy_function, "tf.numpy_function", func, inp, Tout, **options)
    if decorator is not None:
        return decorator
    return py_func(func, inp, Tout, stateful, name)
