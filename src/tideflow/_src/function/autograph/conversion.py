"""Converts functions: finds the source, rewrites it, compiles it, and keeps what was made by code object."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import sys
import threading
import weakref
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType
from typing import Any

from tideflow._src.core.logger import get_logger
from tideflow._src.function.autograph import items, jumps, plainness, source, transform
from tideflow._src.function.autograph.features import Feature, is_on
from tideflow._src.ops import dispatch

_lock = threading.RLock()
_warned: set[str] = set()
#: Marks functions that are not to be converted.
UNCONVERTED = "_autograph_do_not_convert"
#: Where a function keeps what is known of it.
_KEPT = "_autograph_conversion"


class _Telling:
    """Is how much is told of conversions, and where."""

    level = 0
    to_standard_output = False

    def converted(self, function: FunctionType, node: ast.AST) -> None:
        """Tells what a function has become."""
        if self.level < 1:
            return
        code = function.__code__
        message = f"AutoGraph converted {function.__qualname__} ({code.co_filename}:{code.co_firstlineno})"
        if self.level >= 3:
            message += f":\n{ast.unparse(node)}"
        get_logger().info("%s", message)
        if self.to_standard_output:
            print(message)


telling = _Telling()


def convert(function: Any, is_requested: bool = False) -> Any:
    """Returns a function whose control flow over tensors becomes that of a graph, or the function itself.

    What is no function of Python, belongs to a library, or has no source, comes back as it is.

    Args:
      function: the function, method, partial, or object with a method ``__call__``.
      is_requested: whether a program asks for this very function, as ``tf.function`` over it does. Then it is converted
        where it belongs to a library, too: what it calls there is not.
    """
    kind = function.__class__
    if kind is FunctionType:
        known = function.__dict__.get(_KEPT)
        if known.__class__ is _Known and known.is_of(function) and known.is_requested >= is_requested:
            return known.converted or function
        return _convert_function(function, is_requested)
    if kind is MethodType:
        converted = convert(function.__func__, is_requested)
        return function if converted is function.__func__ else MethodType(converted, function.__self__)
    if isinstance(function, functools.partial):
        converted = convert(function.func, is_requested)
        if converted is function.func:
            return function
        return functools.partial(converted, *function.args, **function.keywords)
    return _convert_object(function)


def _dispatched(function: FunctionType, converted: FunctionType) -> Any:
    """Returns a function that calls the converted one, unless nothing that it could meet is a tensor."""
    names = plainness.Names(function)
    if not names.tell_no_tensors:
        return converted

    @functools.wraps(function)
    def dispatched(*args: Any, **kwargs: Any) -> Any:
        if plainness.all_plain(args) and plainness.all_plain(kwargs.values()) and names.unchanged():
            return function(*args, **kwargs)
        return converted(*args, **kwargs)

    setattr(dispatched, UNCONVERTED, True)
    return dispatched


class _Known:
    """Is what is known of a function. It is an attribute of the function, so that it ends with it.

    Args:
      function: the function.
      converted: the converted function, or None if it runs as it is.
      is_requested: whether it was converted whatever it belongs to.
    """

    __slots__ = ("_code", "_defaults", "_function", "_lists", "_named_defaults", "converted", "is_requested")

    def __init__(self, function: FunctionType, converted: FunctionType | None, is_requested: bool) -> None:
        self._function = weakref.ref(function)
        self._code = function.__code__
        self._defaults = function.__defaults__
        self._named_defaults = function.__kwdefaults__
        self._lists = is_on(Feature.LISTS)
        self.converted = converted
        self.is_requested = is_requested

    def is_of(self, function: FunctionType) -> bool:
        """Tells whether it is known of this function as it is now; decorators copy attributes to others."""
        return (
            self._function() is function
            and self._code is function.__code__
            and self._defaults is function.__defaults__
            and self._named_defaults is function.__kwdefaults__
            and self._lists is is_on(Feature.LISTS)
        )

    def __reduce__(self) -> Any:
        return type(None), ()  # where the function is read again, it is converted again


def _convert_function(function: FunctionType, is_requested: bool) -> FunctionType:
    converted = None
    stays = _package(function) == "tideflow" if is_requested else is_of_library(function)
    if UNCONVERTED not in function.__dict__ and not stays:
        dispatcher = dispatch.dispatcher_of(function)
        own: Any = function
        if dispatcher is not None and dispatcher.installed:
            own = dispatcher.target  # the function's own code is a check of classes then
        code = code_of(own)
        if code is not None:
            converted = _dispatched(own, _with_code(own, code))
            if dispatcher is not None and own is not function:
                converted = dispatcher.around(converted)
                setattr(converted, UNCONVERTED, True)
    setattr(function, _KEPT, _Known(function, converted, is_requested))
    return converted or function


def _convert_object(value: Any) -> Any:
    """Returns what calls the converted ``__call__`` of an object of a user's class."""
    kind = type(value)
    method = inspect.getattr_static(kind, "__call__", None)
    if isinstance(value, type | BuiltinFunctionType) or not isinstance(method, FunctionType):
        return value
    if kind.__module__.partition(".")[0] == "tideflow" or hasattr(value, "python_function"):
        return value
    converted = convert(method)
    return value if converted is method else MethodType(converted, value)


def code_of(function: FunctionType) -> CodeType | None:
    """Returns the converted code of a function; None if it is to run as it is."""
    key = function.__code__
    if transform.OPERATORS in key.co_freevars:
        return None  # it is a function inside of a converted one
    codes = _codes_of_lists if is_on(Feature.LISTS) else _codes
    with _lock:
        known = codes.get(key, _unknown)
        if known is not _unknown:
            return known
        try:
            made = _compiled(function)
        except (source.NoSource, SyntaxError) as error:
            made = None
            _warn(function, str(error))
        codes[key] = made
        return made


def has_seen(code: CodeType) -> bool:
    """Tells whether code comes from a conversion, or is that of a function that conversion leaves as it is."""
    return transform.OPERATORS in code.co_freevars or any(
        codes.get(code, _unknown) is not _unknown for codes in (_codes, _codes_of_lists)
    )


_unknown = object()


_operators = CellType()


def install_operators(module: Any) -> None:
    """Says which module converted code calls for control flow."""
    _operators.cell_contents = module


class _Codes:
    """Is a weak table by code object, for which equal code of two files is not the same."""

    def __init__(self) -> None:
        self._items: dict[int, tuple[Any, Any]] = {}

    def get(self, code: CodeType, default: Any) -> Any:
        """Returns what is known of a code object."""
        item = self._items.get(id(code))
        return default if item is None else item[1]

    def __setitem__(self, code: CodeType, value: Any) -> None:
        key, items = id(code), self._items
        items[key] = (weakref.ref(code, lambda _: items.pop(key, None)), value)


#: What code becomes without and with the feature for lists.
_codes, _codes_of_lists = _Codes(), _Codes()


def rewritten(function: FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """Returns the rewritten definition of a function; None if there is nothing to rewrite.

    Raises:
      NoSource: there is no source.
    """
    node = source.syntax_of(function)
    if is_on(Feature.LISTS):
        node = items.as_values(node)
    if transform.is_plain(node) or transform.runs_as_it_is(node):
        return None
    code = function.__code__
    _mangle(node, function)
    names = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    shadowed = names | (function.__globals__.keys() & builtins.__dict__.keys())
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = []
        node.returns = None
    for item in ast.walk(node.args):
        if isinstance(item, ast.arg):
            item.annotation = None
    node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]
    node.args.kw_defaults = [None if item is None else ast.Constant(None) for item in node.args.kw_defaults]
    return transform.transform(node, frozenset(shadowed))


def _compiled(function: FunctionType) -> CodeType | None:
    code = function.__code__
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return None
    node = rewritten(function)
    if node is None:
        return None
    # The variables of outer functions are those of a function around it, and so is the module of operators.
    outer = [*code.co_freevars, transform.OPERATORS]
    arguments = ast.arguments([], [ast.arg(name) for name in outer], None, [], [], None, [])
    name = "<lambda>"
    if isinstance(node, ast.FunctionDef):
        name = node.name = "_ag_function"  # its own name is not a variable of the function around it
    body: list[ast.stmt] = [node] if isinstance(node, ast.FunctionDef) else [ast.Expr(node)]
    maker = ast.FunctionDef("_ag_maker", arguments, body, [])
    if "type_params" in ast.FunctionDef._fields:
        maker.type_params = []  # type: ignore[attr-defined]
    module = ast.Module([ast.fix_missing_locations(ast.copy_location(maker, node))], [])
    flags = code.co_flags & _future_flags()
    telling.converted(function, module)
    compiled = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    made = _inner(_inner(compiled, "_ag_maker"), name)
    return _named(made, code.co_name, code.co_qualname)


def _named(code: CodeType, name: str, qualified_name: str) -> CodeType:
    """Returns code under another name, by which tracebacks call the blocks that were cut out of it, too."""
    constants = tuple(
        _renamed(item, code, name, qualified_name) if isinstance(item, CodeType) else item for item in code.co_consts
    )
    return code.replace(co_name=name, co_qualname=qualified_name, co_consts=constants)


def _renamed(code: CodeType, around: CodeType, name: str, qualified_name: str) -> CodeType:
    if code.co_name.startswith(jumps.PREFIX):
        return _named(code, name, qualified_name)
    return _named(code, code.co_name, qualified_name + code.co_qualname.removeprefix(around.co_qualname))


def _inner(code: CodeType, name: str) -> CodeType:
    return next(item for item in code.co_consts if isinstance(item, CodeType) and item.co_name == name)


@functools.cache
def _future_flags() -> int:
    import __future__

    return functools.reduce(
        lambda flags, name: flags | getattr(__future__, name).compiler_flag, __future__.all_feature_names, 0
    )


def _with_code(function: FunctionType, code: CodeType) -> FunctionType:
    """Returns a function with other code, and the same variables of outer functions."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells[transform.OPERATORS] = _operators
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__qualname__ = function.__qualname__
    made.__doc__ = function.__doc__
    made.__module__ = function.__module__
    made.__annotations__ = function.__annotations__
    made.__dict__.update(function.__dict__)
    return made


def _mangle(node: ast.AST, function: FunctionType) -> None:
    """Gives ``__private`` names the class's prefix, which Python gives them where a class is compiled."""
    parts = function.__qualname__.split(".")
    if len(parts) < 2 or parts[-2] == "<locals>" or not parts[-2].lstrip("_"):
        return
    prefix = f"_{parts[-2].lstrip('_')}"

    def mangled(name: str) -> str:
        return prefix + name if name.startswith("__") and not name.endswith("__") and "." not in name else name

    for item in ast.walk(node):
        for field in ("id", "attr", "name", "arg"):
            value = getattr(item, field, None)
            if isinstance(value, str):
                setattr(item, field, mangled(value))
        if isinstance(item, ast.Global | ast.Nonlocal):
            item.names = [mangled(name) for name in item.names]


# What belongs to a library.

#: Packages whose functions take tensors as they are, wherever they are installed.
_LIBRARIES = frozenset("tideflow tensorflow numpy scipy jax jaxlib keras matplotlib pandas sklearn absl google".split())


def is_of_library(function: Any) -> bool:
    """Tells whether a function is one of the standard library, of Tideflow, or of a package that takes tensors."""
    package = _package(function)
    return package in _LIBRARIES or (package != "__main__" and package in sys.stdlib_module_names)


def _package(function: Any) -> str:
    return (getattr(function, "__module__", None) or "").partition(".")[0]


def _warn(function: FunctionType, reason: str) -> None:
    name = f"{function.__module__}.{function.__qualname__}"
    if name in _warned:
        return
    _warned.add(name)
    get_logger().warning(
        "AutoGraph could not transform %s and will run it as-is: %s. Control flow that depends on tensors needs the "
        "source; to silence this warning, decorate the function with @tf.autograph.experimental.do_not_convert.",
        name,
        reason,
    )
