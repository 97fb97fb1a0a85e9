"""What converted code calls: functions that are converted, too, and Python's own functions for tensors."""

from __future__ import annotations

import builtins
import functools
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.autograph import features
from tideflow._src.function.autograph.branches import if_exp
from tideflow._src.function.autograph.conversion import convert
from tideflow._src.function.autograph.iterables import Enumerated, Mapped, Rows, Zipped, staged_items
from tideflow._src.function.autograph.staging import symbolic
from tideflow._src.function.loops import while_loop
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.source import capture, describe
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.runtime.convert import convert_to_tensor

_registry: Any = OpDef.registry
_FUNCTIONS = frozenset((FunctionType, MethodType, functools.partial))
#: Functions of Tideflow that only call what can be called; others may keep such an object.
_CALLING = frozenset("case cond foldl foldr map_fn scan switch_case vectorized_map while_loop".split())


def converted(function: Any) -> Any:
    """Returns what to call in the place of a function that converted code calls."""
    try:
        known = _BUILTINS.get(function)
    except TypeError:  # it cannot be hashed
        known = None
    if known is not None:
        return known
    if function.__class__ is BuiltinFunctionType and function.__name__ == "append":
        return _appending(function)
    if (getattr(function, "__module__", None) or "").startswith("tideflow."):
        return _given_converted(function)
    return convert(function)


def _appending(append: Any) -> Any:
    """Returns the ``append`` of a list, which remembers where a tensor of a branch or a loop was put into one."""
    graph = context.current_graph()
    if graph is None or graph.outer_graph is None or not graph.outer_graph.building_function:
        return append

    def remembering(value: Any) -> None:
        append(value)
        if isinstance(value, SymbolicTensor):
            graph.appended.setdefault(id(value._op), describe(capture()))

    return remembering


def _given_converted(function: Any) -> Any:
    """Returns a function of Tideflow that converts the functions which it is given, as the body of a loop is."""
    change = _callables_converted if getattr(function, "__name__", "") in _CALLING else _function_converted

    def call(*arguments: Any, **named: Any) -> Any:
        return function(*map(change, arguments), **{name: change(item) for name, item in named.items()})

    return call


def _function_converted(value: Any) -> Any:
    return convert(value) if value.__class__ in _FUNCTIONS else value


def _callables_converted(value: Any) -> Any:
    """Returns an argument with all that can be called in it converted: functions, objects, lists of branches."""
    kind = value.__class__
    if kind is list or kind is tuple:
        return kind(map(_callables_converted, value))
    if kind is dict:
        return {key: _callables_converted(item) for key, item in value.items()}
    return convert(value)


def _len(value: Any) -> Any:
    tensor = symbolic(value)
    if tensor is None:
        return len(value)
    if tensor.shape.rank == 0:
        raise ValueError("len requires a tensor of at least one dimension")
    sizes = tensor.shape._dims
    if sizes is not None and sizes[0] is not None:
        return sizes[0]
    return _registry["StridedSlice"](_registry["Shape"](tensor), [0], [1], [1], shrink_axis_mask=1)


def _number(kind: Any, dtype: Any) -> Any:
    def number(*arguments: Any, **named: Any) -> Any:
        tensor = symbolic(arguments[0]) if arguments else None
        if tensor is None:
            return kind(*arguments, **named)
        if tensor.dtype.base_dtype is dtypes.string:
            return _registry["StringToNumber"](tensor, out_type=dtype)
        return _registry["Cast"](tensor, DstT=dtype)

    return number


def _range(*arguments: Any) -> Any:
    if not any(symbolic(item) is not None for item in arguments):
        return range(*arguments)
    start, limit, delta = (0, *arguments, 1) if len(arguments) == 1 else (*arguments, 1)[:3]
    kind = next(tensor.dtype.base_dtype for item in arguments if (tensor := symbolic(item)) is not None)
    return _registry["Range"](*[convert_to_tensor(item, kind) for item in (start, limit, delta)])


def _is_dataset_of_graph(items: Any) -> bool:
    """Tells whether a loop of the graph goes over something that is a dataset."""
    return not context.executing_eagerly() and hasattr(type(items), "_stream_in_graph") and hasattr(items, "enumerate")


def _next(iterator: Any, *default: Any) -> Any:
    if context.executing_eagerly() or not hasattr(type(iterator), "_stream_in_graph"):
        return next(iterator, *default)
    if not default:
        return iterator.get_next()
    found = iterator.get_next_as_optional()
    return if_exp(found.has_value(), found.get_value, lambda: default[0], "next")


def _enumerate(items: Any, start: Any = 0) -> Any:
    if _is_dataset_of_graph(items):
        return items.enumerate(start)
    staged = staged_items(items)
    return enumerate(items, start) if staged is None else Enumerated(staged, start)


def _zip(*items: Any, **options: Any) -> Any:
    if items and all(map(_is_dataset_of_graph, items)):
        return type(items[0]).zip(tuple(items))
    staged = [staged_items(item) for item in items]
    if not staged or None in staged:
        return zip(*items, **options)  # noqa: B905 (the options are the user's)
    return Zipped(staged)


def _map(function: Any, *items: Any) -> Any:
    function = converted(function)
    if len(items) == 1 and _is_dataset_of_graph(items[0]):
        return items[0].map(function)
    staged = [staged_items(item) for item in items]
    if not staged or None in staged:
        return map(function, *items)
    return Mapped(function, staged)


def _filter(function: Any, items: Any) -> Any:
    tensor = symbolic(items)
    if tensor is None:
        return filter(function if function is None else converted(function), items)
    kept = tensor if function is None else Mapped(converted(function), [Rows(tensor)])
    if function is not None:
        kept = _stacked(kept, dtypes.bool)
    return _registry["GatherV2"](tensor, _registry["Reshape"](_registry["Where"](kept), [-1]), 0)


def _stacked(mapped: Mapped, dtype: Any) -> Any:
    """Returns what a function makes of every row, in one tensor."""
    array = TensorArray(dtype, size=mapped.length)

    def step(turn: Any, array: Any) -> Any:
        return turn + 1, array.write(turn, mapped.item(turn))

    return while_loop(lambda turn, _: turn < mapped.length, step, [_registry["Identity"](0), array])[1].stack()


def _reduced(kind: Any, operation: str) -> Any:
    def reduced(items: Any) -> Any:
        tensor = symbolic(items)
        return kind(items) if tensor is None else _registry[operation](tensor, 0)

    return reduced


def _sum(items: Any, /, start: Any = 0) -> Any:
    tensor = symbolic(items)
    return sum(items, start) if tensor is None else _registry["Sum"](tensor, 0) + start


def _extreme(kind: Any, several: str, one: str) -> Any:
    def extreme(*arguments: Any, **options: Any) -> Any:
        if options or not any(symbolic(item) is not None for item in arguments):
            return kind(*arguments, **options)
        if len(arguments) == 1:
            return _registry[one](symbolic(arguments[0]), 0)
        return functools.reduce(lambda a, b: _registry[several](a, b), arguments)

    return extreme


def _sorted(items: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
    tensor = symbolic(items)
    if tensor is None:
        return sorted(items, key=key, reverse=reverse)
    if key is not None:
        raise NotImplementedError("sorted() of a symbolic tensor takes no key; use tf.argsort and tf.gather.")
    size = _len(tensor)
    values = tensor if reverse else _registry["Neg"](tensor)
    largest = _registry["TopKV2"](values, size)[0]
    return largest if reverse else _registry["Neg"](largest)


def _print(*values: Any, **options: Any) -> None:
    if features.is_on(features.Feature.BUILTIN_FUNCTIONS):
        features.print_values(*values, **options)
    else:
        print(*values, **options)


_BUILTINS: dict[Any, Any] = {
    builtins.print: _print,
    builtins.len: _len,
    builtins.int: _number(int, dtypes.int32),
    builtins.float: _number(float, dtypes.float32),
    builtins.range: _range,
    builtins.enumerate: _enumerate,
    builtins.next: _next,
    builtins.zip: _zip,
    builtins.map: _map,
    builtins.filter: _filter,
    builtins.any: _reduced(any, "Any"),
    builtins.all: _reduced(all, "All"),
    builtins.sum: _sum,
    builtins.min: _extreme(min, "Minimum", "Min"),
    builtins.max: _extreme(max, "Maximum", "Max"),
    builtins.sorted: _sorted,
}
