"""Compares gradients with finite differences: ``tf.test.compute_gradient`` of TensorFlow 2 and 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.autodiff.accumulation import to_dense
from tideflow._src.autodiff.graph_gradients import gradients
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import context, dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function.func_graph import FuncGraph, unique_function_name
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.session.session import get_default_session

_FLOATING = frozenset(("float16", "bfloat16", "float32", "float64", "complex64", "complex128"))


def compute_gradient(f: Callable[..., Any], x: Any, delta: float | None = None) -> tuple[Any, Any]:
    """Computes the Jacobians of a function from its gradients and from finite differences.

    Args:
      f: takes tensors and returns one.
      x: a list of what ``f`` takes: floating-point values.
      delta: how far from there the two points of a difference are; 1/1024 by default.

    Returns:
      A pair: for each argument the Jacobian as the gradients have it, and as the differences do; each an array of shape
      ``[elements of the result, elements of the argument]``. A complex number counts as two.

    Raises:
      ValueError: ``x`` is no list.

    >>> import tideflow as tf
    >>> theoretical, numerical = tf.test.compute_gradient(tf.square, [[1.0, 2.0]])
    >>> theoretical[0].tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    if not isinstance(x, list | tuple):
        raise ValueError(
            f"`x` must be a list or tuple of values convertible to a Tensor (arguments to `f`), not a {type(x)}"
        )
    if delta is None:
        delta = 1.0 / 1024
    evaluated = [_value(convert_to_tensor(item)) for item in x]
    for index, item in enumerate(evaluated):
        _check_floating(item.dtype, f"of argument {index}")
    return _theoretical(f, evaluated), _numerical(f, evaluated, delta)


def _check_floating(dtype: Any, what: str) -> None:
    name = dtypes.as_dtype(dtype).base_dtype.name
    if name not in _FLOATING:
        raise AssertionError(f"Cannot compute gradient for unsupported type {name} {what}")


def _value(tensor: Any) -> Any:
    """Returns the value of a tensor; in a graph, the default session's."""
    if hasattr(tensor, "_value"):
        return np.asarray(tensor._value)
    session = get_default_session()
    if session is None:
        raise ValueError("A tensor of a graph has a value in a session only, and no session is the default one.")
    return np.asarray(session.run(tensor))


def _theoretical(f: Callable[..., Any], xs: list[Any]) -> tuple[Any, ...]:
    """Returns the Jacobians: one backward walk for each real number in the result, of a function traced once."""
    graph = FuncGraph(unique_function_name("gradient_check"), None)
    graph.outer_graph = None
    with context.no_tapes(), graph.as_default():
        parameters = [graph.add_parameter(dtypes.as_dtype(x.dtype), x.shape, "x") for x in xs]
        with GradientTape(persistent=True) as tape:
            tape.watch(parameters)
            y = convert_to_tensor(f(*parameters))
        y = graph.capture(y)
        dtype = y._dtype.base_dtype
        _check_floating(dtype, "of the result")
        dy = graph.add_parameter(dtype, y._shape, "dy")
        found = tape.gradient(y, parameters, dy, "zero")
        graph.outputs = [graph.capture(convert_to_tensor(to_dense(item))) for item in found] + [
            graph.capture(convert_to_tensor(y))
        ]
    captured = [np.asarray(tensor._value) for tensor in graph.external_captures]
    order = [*parameters, dy, *(inner for _, inner in graph.captures)]
    graph.inputs = order
    shape = TensorShape(y._shape)
    numpy_dtype = dtype.as_numpy_dtype
    if not shape.is_fully_defined():
        result = np.asarray(f(*[convert_to_tensor(x) for x in xs]))
        shape = TensorShape(result.shape)
    lengths: Any = shape.as_list()
    count = int(np.prod(lengths, dtype=np.int64)) * (2 if dtype.is_complex else 1)
    real = np.zeros(0, numpy_dtype).real.dtype
    jacobians = [np.zeros((count, _reals(x)), np.zeros(0, x.dtype).real.dtype) for x in xs]
    for row in range(count):
        seed = np.zeros(count, real)
        seed[row] = 1
        values = graph.run([*xs, seed.view(numpy_dtype).reshape(lengths), *captured])
        for jacobian, value in zip(jacobians, values, strict=False):
            jacobian[row] = _as_reals(np.asarray(value))
    return tuple(jacobians)


def _reals(array: Any) -> int:
    return int(array.size) * (2 if np.iscomplexobj(array) else 1)


def _as_reals(array: Any) -> Any:
    """Returns an array's elements as real numbers, a complex number as two."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(flat.real.dtype) if np.iscomplexobj(flat) else flat


def _numerical(f: Callable[..., Any], xs: list[Any], delta: float) -> tuple[Any, ...]:
    def values(arguments: list[Any]) -> Any:
        with context.no_tapes():
            if context.executing_eagerly():
                return _result(f, arguments)
            with context.eager_scope():
                return _result(f, arguments)

    jacobians = []
    for position, x in enumerate(xs):
        columns = []
        for index in range(_reals(x)):
            ends = []
            for step in (delta, -delta):
                flat = _as_reals(x).copy()
                flat[index] += np.asarray(step, flat.dtype)
                moved = [*xs[:position], flat.view(x.dtype).reshape(x.shape), *xs[position + 1 :]]
                ends.append(_as_reals(values(moved)))
            columns.append((ends[0] - ends[1]) / np.asarray(2 * delta, ends[0].dtype))
        real = np.zeros(0, x.dtype).real.dtype
        stacked = np.stack(columns, axis=1) if columns else np.zeros((_as_reals(values(xs)).size, 0))
        jacobians.append(stacked.astype(real))
    return tuple(jacobians)


def _result(f: Callable[..., Any], arguments: list[Any]) -> Any:
    result = f(*[convert_to_tensor(item) for item in arguments])
    return np.asarray(convert_to_tensor(result)._value)


# TensorFlow 1: tensors of a graph, in the default session.


def compute_gradient_v1(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> Any:
    """Computes the Jacobian of ``y`` with respect to ``x``, tensors of a graph, in two ways.

    Args:
      x: a tensor or list of tensors.
      x_shape: the shape of ``x``, or of each of them.
      y: a tensor.
      y_shape: its shape.
      x_init_value: where to differentiate; random values by default.
      delta: how far from there the points of a difference are.
      init_targets: operations to run first.
      extra_feed_dict: what else is fed.

    Returns:
      A pair of arrays of shape ``[elements of x, elements of y]``: what the gradients say, and what the differences do;
      a list of such pairs for a list of tensors.
    """
    session = get_default_session()
    if session is None:
        raise ValueError("compute_gradient of TensorFlow 1 needs a default session; open one with `with tf.Session()`.")
    feeds = dict(extra_feed_dict or {})
    if init_targets is not None:
        for target in init_targets if isinstance(init_targets, list | tuple) else [init_targets]:
            session.run(target)
    if not isinstance(x, list):
        return _one(session, x, x_shape, y, y_shape, _start(x, x_shape, x_init_value), delta, feeds)
    starts = x_init_value if x_init_value is not None else [None] * len(x)
    starts = [_start(item, shape, value) for item, shape, value in zip(x, x_shape, starts, strict=True)]
    feeds.update(zip(x, starts, strict=True))
    return [
        _one(session, item, shape, y, y_shape, start, delta, feeds)
        for item, shape, start in zip(x, x_shape, starts, strict=True)
    ]


def compute_gradient_error_v1(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> Any:
    """Returns the largest difference between the two Jacobians that :func:`compute_gradient_v1` computes."""
    found = compute_gradient_v1(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    error = 0.0
    for theoretical, numerical in found if isinstance(found, list) else [found]:
        if theoretical.size:
            error = max(error, np.fabs(theoretical - numerical).max())
    return error


def _start(x: Any, shape: Any, value: Any) -> Any:
    wanted = x.dtype.base_dtype.as_numpy_dtype
    if value is not None:
        if list(np.shape(value)) != list(shape):
            raise ValueError(f"x_init_value has the shape {list(np.shape(value))}, x_shape is {list(shape)}.")
        return np.asarray(value, wanted)
    random = np.random.random_sample(tuple(shape))
    if np.issubdtype(wanted, np.complexfloating):
        random = random + 1j * np.random.random_sample(tuple(shape))
    return random.astype(wanted)


def _one(
    session: Any, x: Any, x_shape: Any, y: Any, y_shape: Any, start: Any, delta: float, feeds: dict[Any, Any]
) -> tuple[Any, Any]:
    _check_floating(x.dtype.base_dtype.as_numpy_dtype, "of x")
    _check_floating(y.dtype.base_dtype.as_numpy_dtype, "of y")
    graph = x.graph if isinstance(x, Tensor) else context.current_graph()
    y_dtype = y.dtype.base_dtype.as_numpy_dtype
    y_real = np.zeros(0, y_dtype).real.dtype
    y_count = int(np.prod(y_shape, dtype=np.int64)) * (2 if y.dtype.is_complex else 1)
    with graph.as_default():
        dy = convert_to_tensor(np.zeros(tuple(y_shape), y_dtype))
        dx = gradients(y, x, grad_ys=dy)[0]
    x_real = np.zeros(0, start.dtype).real.dtype
    theoretical = np.zeros((_reals(start), y_count), x_real)
    for column in range(y_count if dx is not None else 0):
        seed = np.zeros(y_count, y_real)
        seed[column] = 1
        value = session.run(dx, {**feeds, x: start, dy: seed.view(y_dtype).reshape(tuple(y_shape))})
        theoretical[:, column] = _as_reals(_dense(value, x_shape))
    numerical = np.zeros((_reals(start), y_count), x_real)
    for row in range(_reals(start)):
        ends = []
        for step in (delta, -delta):
            flat = _as_reals(start).copy()
            flat[row] += step
            value = session.run(y, {**feeds, x: flat.view(start.dtype).reshape(start.shape)})
            ends.append(_as_reals(np.asarray(value)))
        numerical[row] = (ends[0] - ends[1]) / (2 * delta)
    return theoretical, numerical


def _dense(value: Any, shape: Sequence[int]) -> Any:
    if not (isinstance(value, IndexedSlices) or hasattr(value, "indices")):
        return np.asarray(value)
    dense = np.zeros(tuple(shape), np.asarray(value.values).dtype)
    np.add.at(dense, np.asarray(value.indices), np.asarray(value.values))
    return dense
