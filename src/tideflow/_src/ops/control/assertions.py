"""Checks inside programs: ``tf.Assert`` and the ``assert_*`` functions, eagerly and in graphs.

What can be told while a graph is being built fails at once; the rest becomes an operation that fails when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.control.assert_and_print import assert_op
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor

_SHOWN = 3


def _name_of(tensor: Any) -> str:
    """Returns the name by which the graph knows a tensor, also one from outside of the function."""
    inside = context.current_graph().capture(tensor) if isinstance(tensor, EagerTensor) else tensor
    return inside.name  # type: ignore[no-any-return]


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Any:
    """Asserts that a condition holds.

    Args:
      condition: a boolean scalar.
      data: tensors to print if it does not hold.
      summarize: how many elements of each to print; 3 by default, -1 for all.
      name: the name of the operation.

    Returns:
      The operation that asserts, in a graph; None eagerly.

    Raises:
      InvalidArgumentError: the condition does not hold (eagerly, at once; in a graph, when the operation runs).
      TypeError: ``data`` is no list.
    """
    if not isinstance(data, list | tuple):
        raise TypeError(f"Argument `data` must be a list of tensors, got {data!r}.")
    shown = _SHOWN if summarize is None else summarize
    tensors = [convert_to_tensor(item) for item in data]
    if context.executing_eagerly():
        value: Any = convert_to_tensor(condition)
        if not np.all(value._value):
            texts = "\n".join(", ".join(_shown(item.numpy(), shown)) for item in tensors)
            raise InvalidArgumentError(None, None, f"Expected '{condition!s}' to be true. Summarized data: {texts}")
        return None
    return assert_op(condition, tensors, summarize=shown, name=name or "Assert/Assert")


def _shown(value: Any, count: int) -> list[str]:
    """Returns the first elements of a value as texts; all of them for -1."""
    flat = np.asarray(value).reshape(-1)
    limit = flat.size if count < 0 else count
    return [*map(str, flat[:limit]), *(["..."] if limit < flat.size else [])]


def assert_true(condition: Any, message: str) -> Any:
    """Asserts a condition with a message."""
    value = static_value(convert_to_tensor(condition))
    if value is not None and not np.all(value):
        raise InvalidArgumentError(None, None, message)
    return Assert(condition, [message])


def _binary(symbol: str, operation: str, x: Any, y: Any, message: str | None, summarize: int | None, name: str) -> Any:
    registry: Any = OpDef.registry
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, x.dtype.base_dtype) if not hasattr(y, "dtype") else convert_to_tensor(y)
    holds = registry[operation](x, y)
    head = f"Condition x {symbol} y did not hold."
    if message:
        head = f"{message}\n{head}"
    known, known_x, known_y = (static_value(item) for item in (holds, x, y))
    if known is not None:
        if np.all(known):
            return None if context.executing_eagerly() else registry["NoOp"](name=name)
        raise InvalidArgumentError(None, None, _explained(head, symbol, known, known_x, known_y, summarize))
    everything = registry["All"](holds, _all_axes(holds))
    data = [head, f"x ({_name_of(x)}) = ", x, f"y ({_name_of(y)}) = ", y]
    return Assert(everything, data, summarize, name=f"{name}/Assert/Assert")


def _all_axes(tensor: Any) -> Any:
    registry: Any = OpDef.registry
    if tensor.shape.rank is not None:
        return list(range(tensor.shape.rank))
    return registry["Range"](0, registry["Rank"](tensor), 1)


def _explained(head: str, symbol: str, holds: Any, x: Any, y: Any, summarize: int | None) -> str:
    shown = _SHOWN if summarize is None else summarize
    lines = [head]
    if symbol == "==" and np.shape(x) == np.shape(y) != ():
        where = np.argwhere(~np.asarray(holds))
        count = len(where) if shown < 0 else min(shown, len(where))
        indices = tuple(where[:count].T)
        lines += [f"Indices of first {count} different values:", str(where[:count])]
        lines += ["Corresponding x values:", str(np.asarray(x)[indices])]
        lines += ["Corresponding y values:", str(np.asarray(y)[indices])]
    for label, value in (("x", x), ("y", y)):
        if value is not None:
            flat = np.asarray(value).reshape(-1)
            count = flat.size if shown < 0 else min(shown, flat.size)
            lines += [f"First {count} elements of {label}:", str(flat[:count])]
    return "\n".join(lines)


def _comparison(symbol: str, operation: str, function_name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def function(
        x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
    ) -> Any:
        return _binary(symbol, operation, x, y, message, summarize, name or function_name)

    def function_v1(
        x: Any,
        y: Any,
        data: Any = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Any:
        del data
        return _binary(symbol, operation, x, y, message, summarize, name or function_name)

    for each in (function, function_v1):
        each.__doc__ = f"""Asserts that ``x {symbol} y`` holds for every pair of elements.

        Args:
          x, y: tensors of one numeric dtype that broadcast.
          message: what to say before the values if it does not hold.
          summarize: how many elements to show; 3 by default.
          name: the name of the operation.

        Raises:
          InvalidArgumentError: it does not hold: at once if both values are known, else when the operation runs.
        """
        each.__name__ = each.__qualname__ = function_name
    function_v1.__qualname__ = f"{function_name}_v1"
    return function, function_v1


assert_equal, assert_equal_v1 = _comparison("==", "Equal", "assert_equal")
_, assert_none_equal_v1 = _comparison("!=", "NotEqual", "assert_none_equal")
assert_less, assert_less_v1 = _comparison("<", "Less", "assert_less")
assert_less_equal, assert_less_equal_v1 = _comparison("<=", "LessEqual", "assert_less_equal")
assert_greater, assert_greater_v1 = _comparison(">", "Greater", "assert_greater")
assert_greater_equal, assert_greater_equal_v1 = _comparison(">=", "GreaterEqual", "assert_greater_equal")


def assert_none_equal(
    x: Any, y: Any, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Asserts that ``x != y`` holds for every pair of elements; the order of the arguments is TensorFlow 2's.

    See :func:`assert_equal`.
    """
    return _binary("!=", "NotEqual", x, y, message, summarize, name or "assert_none_equal")


def _sign(symbol: str, operation: str, function_name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def function(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> Any:
        registry: Any = OpDef.registry
        x = convert_to_tensor(x)
        zero = convert_to_tensor(0, x.dtype.base_dtype)
        holds = registry[operation](x, zero)
        head = f"{f'{message}.  ' if message else ''}\nCondition x {symbol} 0 did not hold element-wise:"
        known, known_x = static_value(holds), static_value(x)
        if known is not None:
            if np.all(known):
                return None if context.executing_eagerly() else registry["NoOp"](name=name or function_name)
            items = _shown(known_x, _SHOWN if summarize is None else summarize)
            raise InvalidArgumentError(
                None, None, f"{head}\nx (shape={x.shape} dtype={x.dtype.base_dtype.name}) = \n{items}"
            )
        everything = registry["All"](holds, _all_axes(holds))
        return Assert(
            everything, [head, f"x ({_name_of(x)}) = ", x], summarize, name=f"{name or function_name}/Assert/Assert"
        )

    def function_v1(
        x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
    ) -> Any:
        del data
        return function(x, message, summarize, name)

    for each in (function, function_v1):
        each.__doc__ = f"""Asserts that ``x {symbol} 0`` holds for every element; see ``assert_equal``."""
        each.__name__ = each.__qualname__ = function_name
    function_v1.__qualname__ = f"{function_name}_v1"
    return function, function_v1


assert_positive, assert_positive_v1 = _sign(">", "Greater", "assert_positive")
assert_negative, assert_negative_v1 = _sign("<", "Less", "assert_negative")
assert_non_negative, assert_non_negative_v1 = _sign(">=", "GreaterEqual", "assert_non_negative")
assert_non_positive, assert_non_positive_v1 = _sign("<=", "LessEqual", "assert_non_positive")


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Asserts that ``|x - y| <= atol + rtol * |y|`` for every pair of elements.

    The tolerances are ten times the machine epsilon of ``x``'s dtype by default.

    Raises:
      InvalidArgumentError: it does not hold.
    """
    registry: Any = OpDef.registry
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, x.dtype.base_dtype)
    epsilon = 10.0 * float(np.finfo(x.dtype.base_dtype.as_numpy_dtype).eps)
    rtol = convert_to_tensor(epsilon if rtol is None else rtol, x.dtype.base_dtype)
    atol = convert_to_tensor(epsilon if atol is None else atol, x.dtype.base_dtype)
    difference = registry["Abs"](registry["Sub"](x, y))
    bound = registry["AddV2"](atol, registry["Mul"](rtol, registry["Abs"](y)))
    holds = registry["LessEqual"](difference, bound)
    head = f"{message + chr(10) if message else ''}x and y not equal to tolerance rtol = {rtol}, atol = {atol}"
    known = static_value(holds)
    if known is not None:
        if np.all(known):
            return None if context.executing_eagerly() else registry["NoOp"](name=name or "assert_near")
        raise InvalidArgumentError(None, None, f"{head}\nx = {static_value(x)}\ny = {static_value(y)}")
    return Assert(registry["All"](holds, _all_axes(holds)), [head, x, y], summarize)


def assert_near_v1(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Is ``assert_near`` with the arguments of TensorFlow 1.x."""
    del data
    return assert_near(x, y, rtol, atol, message, summarize, name)


# Static properties.


def _rank_check(
    x: Any, accept: Callable[[Any], Any], dynamic: Callable[[Any], Any], wanted: str, message: str | None
) -> Any:
    x = x if isinstance(x, SparseTensor) else convert_to_tensor(x)
    rank = x.shape.rank
    registry: Any = OpDef.registry
    label = "" if context.executing_eagerly() else getattr(x, "name", "")
    if rank is not None:
        if not accept(rank):
            raise ValueError(
                f"{message + '. ' if message else ''}Tensor {label} must have rank {wanted}.  Received rank {rank}, "
                f"shape {x.shape}"
            )
        return None if context.executing_eagerly() else registry["NoOp"](name="static_checks_determined_all_ok")
    return Assert(
        dynamic(registry["Size"](x.dense_shape) if isinstance(x, SparseTensor) else registry["Rank"](x)),
        [
            f"{message or ''}Tensor {label} must have rank {wanted}.",
            x.dense_shape if isinstance(x, SparseTensor) else registry["Shape"](x),
        ],
    )


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Asserts that ``x`` has a rank; a ValueError if its static rank is another."""
    del name
    registry: Any = OpDef.registry
    wanted = _static_rank(rank)
    return _rank_check(
        x,
        lambda have: wanted is None or have == wanted,
        lambda have: registry["Equal"](have, rank),
        str(wanted),
        message,
    )


def assert_rank_at_least(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Asserts that ``x`` has at least a rank; a ValueError if its static rank is lower."""
    del name
    registry: Any = OpDef.registry
    wanted = _static_rank(rank)
    return _rank_check(
        x,
        lambda have: wanted is None or have >= wanted,
        lambda have: registry["GreaterEqual"](have, rank),
        f"at least {wanted}",
        message,
    )


def assert_rank_in(x: Any, ranks: Iterable[Any], message: str | None = None, name: str | None = None) -> Any:
    """Asserts that the rank of ``x`` is one of ``ranks``; a ValueError if its static rank is not."""
    del name
    registry: Any = OpDef.registry
    wanted = tuple(_static_rank(rank) for rank in ranks)

    def dynamic(have: Any) -> Any:
        matches = [registry["Equal"](have, convert_to_tensor(rank)) for rank in wanted]
        return registry["Any"](registry["Pack"](matches, axis=0), 0)

    return _rank_check(x, lambda have: have in wanted, dynamic, f"in {wanted}", message)


def assert_rank_v1(
    x: Any,
    rank: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Is ``assert_rank`` with the arguments of TensorFlow 1.x."""
    del data, summarize
    return assert_rank(x, rank, message, name)


def assert_rank_at_least_v1(
    x: Any,
    rank: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Is ``assert_rank_at_least`` with the arguments of TensorFlow 1.x."""
    del data, summarize
    return assert_rank_at_least(x, rank, message, name)


def assert_rank_in_v1(
    x: Any,
    ranks: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Is ``assert_rank_in`` with the arguments of TensorFlow 1.x."""
    del data, summarize
    return assert_rank_in(x, ranks, message, name)


def _static_rank(rank: Any) -> int | None:
    value = static_value(convert_to_tensor(rank))
    if value is not None and value.ndim:
        raise ValueError("Rank must be a scalar.")
    return None if value is None else int(value)


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Any:
    """Asserts that a tensor is of a dtype; a TypeError if not."""
    wanted = dtypes.as_dtype(tf_type)
    if not isinstance(tensor, CompositeTensor):
        tensor = convert_to_tensor(tensor)
    if tensor.dtype.base_dtype is not wanted:
        where = "" if context.executing_eagerly() else f"{getattr(tensor, 'name', '')} "
        raise TypeError(
            f"{message + '. ' if message else ''}{where}tensor must be of type {wanted!r}; "
            f"got {tensor.dtype.base_dtype!r}"
        )
    registry: Any = OpDef.registry
    return None if context.executing_eagerly() else registry["NoOp"](name=name or "statically_determined_correct_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Any:
    """Asserts that a tensor is of an integer dtype; a TypeError if not."""
    del name
    x = convert_to_tensor(x)
    if not x.dtype.base_dtype.is_integer:
        raise TypeError(
            f'{message + ". " if message else ""}Expected "x" to be integer type.  '
            f"Found: tensor of dtype {x.dtype.base_dtype}"
        )
    registry: Any = OpDef.registry
    return None if context.executing_eagerly() else registry["NoOp"](name="statically_determined_was_integer")


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Any:
    """Asserts that a tensor is a scalar and returns it; a ValueError if not."""
    del name
    tensor = convert_to_tensor(tensor)
    if tensor.shape.rank != 0:
        raise ValueError(f"{message or ''}Expected scalar shape, saw shape: {tensor.shape}.")
    return tensor


def assert_scalar_v1(tensor: Any, name: str | None = None, message: str | None = None) -> Any:
    """Asserts that a tensor is a scalar: :func:`assert_scalar` with TensorFlow 1's order of arguments."""
    return assert_scalar(tensor, message, name)


def assert_shapes(
    shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Asserts the shapes of tensors, with symbols for sizes that must agree.

    Args:
      shapes: a dict, or a list of pairs, from tensors to shapes; a size is an integer, a symbol (any string), None or
        ``"..."`` at the front for any number of dimensions.
      data, summarize, name: kept for TensorFlow's signature.
      message: what to say before the problem.

    Raises:
      ValueError: a static shape does not fit.
    """
    del data, summarize, name
    pairs: Sequence[Any] = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
    symbols: dict[Any, tuple[int, str]] = {}
    prefix = f"{message}.  " if message else ""
    for tensor, wanted in pairs:
        tensor = getattr(tensor, "deref", lambda tensor=tensor: tensor)()
        tensor = tensor if isinstance(tensor, SparseTensor) else convert_to_tensor(tensor)
        have = tensor.shape._dims
        label = f"Tensor shape={tensor.shape} dtype={tensor.dtype.base_dtype.name}"
        sizes = [wanted] if isinstance(wanted, str | int) and not isinstance(wanted, tuple) else list(wanted)
        if have is None:
            continue
        if sizes and sizes[0] in ("...", Ellipsis):
            sizes = sizes[1:]
            if len(have) < len(sizes):
                raise ValueError(f"{prefix}{label} must have rank at least {len(sizes)}.  Received rank {len(have)}")
            have = have[len(have) - len(sizes) :]
        if len(have) != len(sizes):
            raise ValueError(
                f"{prefix}{label} must have rank {len(sizes)}.  Received rank {len(have)}, shape {tensor.shape}"
            )
        for axis, (size, want) in enumerate(zip(have, sizes, strict=True)):
            if want in (None, ".") or size is None:
                continue
            if isinstance(want, str) and not want.isdigit():
                known = symbols.setdefault(want, (size, f"Specified by tensor {label[7:]} dimension {axis}"))
                if known[0] != size:
                    raise ValueError(
                        f"{prefix}{known[1]}.  {label} dimension {axis} must have size {known[0]}.  "
                        f"Received size {size}, shape {tensor.shape}"
                    )
            elif int(want) != size:
                raise ValueError(
                    f"{prefix}{label} dimension {axis} must have size {want}.  "
                    f"Received size {size}, shape {tensor.shape}"
                )
    registry: Any = OpDef.registry
    return None if context.executing_eagerly() else registry["NoOp"](name="assert_shapes")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """Asserts that tensors are of one floating dtype and returns it; a ValueError if not."""
    expected = None if dtype is None else dtypes.as_dtype(dtype)
    first = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        have = tensor.dtype.base_dtype
        if expected is None:
            expected, first = have, tensor
        elif have is not expected:
            raise ValueError(
                f"{tensor!s}, type={have}, must be of the same type ({expected})"
                + (f" as {first!s}." if first is not None else ".")
            )
    expected = expected or dtypes.float32
    if not expected.is_floating:
        raise ValueError(f"Expected floating point type, got {expected}.")
    return expected


def is_numeric_tensor(tensor: Any) -> bool:
    """Tells whether ``tensor`` is a tensor of numbers."""
    return isinstance(tensor, Tensor) and tensor.dtype.is_numeric


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Returns whether each element of the flattened ``x`` is greater than the one before."""
    return _monotonic(x, "Less", name or "is_strictly_increasing")


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Returns whether no element of the flattened ``x`` is less than the one before."""
    return _monotonic(x, "LessEqual", name or "is_non_decreasing")


def _monotonic(x: Any, operation: str, name: str) -> Any:
    registry: Any = OpDef.registry
    flat = registry["Reshape"](convert_to_tensor(getattr(x, "flat_values", x)), [-1])  # of a ragged tensor, too
    left = entries(flat, 0, -1)
    right = entries(flat, 1, None)
    return registry["All"](registry[operation](left, right), 0, name=name)


def assert_proper_iterable(values: Any) -> None:
    """Asserts that ``values`` is something to go through that is no tensor, array or string.

    Raises:
      TypeError: it is one of these, or nothing to go through.
    """
    if isinstance(values, Tensor | np.ndarray | str | bytes) or hasattr(type(values), "_type_spec"):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')
