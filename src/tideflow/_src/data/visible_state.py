"""Tells functions of Python apart by all that they can see, where that can be told at all.

A function is its code and what that code reads from outside: globals, closures, defaults, attributes of modules and
objects. If all of it are values that never change, or functions that are known to do nothing but return something,
then the function does the same whenever it is called, and does nothing else; and two functions of the same code that
see the same do the same. Of any other function nothing is said.

What is known is read from the code by a list of the instructions that change nothing; an instruction that is not
among them, such as one of a later Python, makes the function one of which nothing is said.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.source import PACKAGE
from tideflow._src.runtime.op import Op

#: Instructions that change nothing but names and new values of the function itself.
_INSTRUCTIONS = frozenset(
    """BINARY_OP BINARY_SLICE BINARY_SUBSCR BUILD_CONST_KEY_MAP BUILD_LIST BUILD_MAP BUILD_SET BUILD_SLICE BUILD_STRING
    BUILD_TUPLE CACHE CALL CALL_FUNCTION_EX CALL_INTRINSIC_1 CALL_KW COMPARE_OP CONTAINS_OP CONVERT_VALUE COPY
    COPY_FREE_VARS DICT_MERGE DICT_UPDATE END_FOR EXTENDED_ARG FORMAT_SIMPLE FORMAT_VALUE FORMAT_WITH_SPEC FOR_ITER
    GET_ITER GET_LEN IS_OP JUMP_BACKWARD JUMP_FORWARD JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP KW_NAMES LIST_APPEND
    LIST_EXTEND LIST_TO_TUPLE LOAD_ASSERTION_ERROR LOAD_ATTR LOAD_CLOSURE LOAD_CONST LOAD_DEREF LOAD_FAST
    LOAD_FAST_AND_CLEAR LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_GLOBAL LOAD_METHOD MAKE_CELL MAKE_FUNCTION MAP_ADD NOP
    POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_TRUE
    POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_NONE POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_FORWARD_IF_TRUE
    POP_JUMP_IF_FALSE POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE POP_JUMP_IF_TRUE POP_TOP PRECALL PUSH_NULL RAISE_VARARGS
    RERAISE RESUME RETURN_CONST RETURN_VALUE SET_ADD SET_FUNCTION_ATTRIBUTE SET_UPDATE STORE_DEREF STORE_FAST
    STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST SWAP TO_BOOL UNARY_INVERT UNARY_NEGATIVE UNARY_NOT UNARY_POSITIVE
    UNPACK_EX UNPACK_SEQUENCE""".split()
)
_ATTRIBUTES = frozenset(("LOAD_ATTR", "LOAD_METHOD"))
#: Attributes that lead from a tensor to what belongs to others.
_LEADING_OUT = frozenset(("graph", "op"))

_CONSTANTS = frozenset((type(None), bool, int, str, bytes, type(...)))
_BUILTINS = frozenset(
    (
        *(abs, all, any, bool, bytes, complex, dict, divmod, enumerate, filter, float, frozenset, int, isinstance, len),
        *(list, map, max, min, pow, range, reversed, round, set, slice, sorted, str, sum, tuple, zip),
        *(AssertionError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError),
    )
)

#: Modules whose functions only make operations of what they are given. What an operation does that is more than a
#: value is seen in the graph.
_OPERATIONS = ("tideflow._src.ops.", "tideflow._src.data.")
_NOT_OPERATIONS = frozenset(
    (
        *("tideflow._src.ops.random.seeds", "tideflow._src.ops.dispatch", "tideflow._src.ops.elementwise_dispatch"),
        *("tideflow._src.ops.scopes", "tideflow._src.ops.retirement"),
    )
)
#: The operations themselves, whose functions are made in a call.
_RAW_OPERATIONS = "tideflow._src.ops.raw_access"
#: The same of other floors and of Keras, whose models make datasets of the same functions at every call.
_MODULES = frozenset(
    (
        *("tideflow._src.core.tensor", "tideflow._src.runtime.convert", "tideflow._src.runtime.device_copies"),
        *("keras.src.tree.tree_api", "keras.src.trainers.data_adapters.array_slicing"),
    )
)
#: Modules of classes whose objects stand for a module.
_OF_LAZY_MODULES = frozenset(("keras.src.utils.module_utils",))

_METHODS = frozenset((FunctionType, classmethod, staticmethod))

#: What AutoGraph puts down on a function, which follows from its code.
_MARKS = frozenset(("_autograph_conversion",))


class _Unknown(Exception):
    """Says that a function sees something of which nothing can be said."""


class _Name(NamedTuple):
    """Is what code reads from outside: a name, and the attributes that it asks of it."""

    name: str
    is_free: bool
    attributes: tuple[str, ...]


def key_of(function: Any) -> Any:
    """Returns what only functions share that do the same, and nothing but return something; None if that is not known.

    The functions that a function sees are part of the key, and so kept by who keeps it; objects are not.

    Args:
      function: a function, as users give it to a transformation.
    """
    if sys.gettrace() is not None:
        return None  # a debugger or a measurement of coverage wants to see every call
    try:
        return _of_function(function, ())
    except (_Unknown, AttributeError, KeyError):
        return None


def _of_function(function: Any, around: tuple[CodeType, ...]) -> Any:
    if type(function) is not FunctionType or not _MARKS.issuperset(function.__dict__):
        raise _Unknown
    code = function.__code__
    names = _read_from_outside(code)
    if names is None or code in around:
        raise _Unknown
    around = (*around, code)
    found = [code, code.co_filename, function.__name__]
    if function.__defaults__:
        found.append(_of_value(function.__defaults__, around))
    if function.__kwdefaults__:
        found += [(name, _of_value(value, around)) for name, value in function.__kwdefaults__.items()]
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    for item in names:
        found.append(_of_value(_value_of(item, function, cells), around))
    return tuple(found)


def _value_of(item: _Name, function: FunctionType, cells: dict[str, Any]) -> Any:
    """Returns what a name is now, or as many of its attributes lead to as are not those of a constant."""
    if item.is_free:
        try:
            value = cells[item.name].cell_contents
        except ValueError:
            raise _Unknown from None  # nothing was assigned to it yet
    else:
        try:
            value = function.__globals__[item.name]
        except KeyError:
            known: Any = function  # versions of the checker differ in whether a function has builtins
            value = known.__builtins__[item.name]
    for attribute in item.attributes:
        kind = type(value)
        if kind in _CONSTANTS or kind is float or kind is DType:
            break
        if isinstance(value, ModuleType) or kind.__module__ in _OF_LAZY_MODULES:
            value = getattr(value, attribute)
        elif isinstance(value, type):
            value = _attribute_of_class(value, attribute)
        else:
            value = _plain_attribute(value, attribute)
    return value


def _attribute_of_class(value: type, name: str) -> Any:
    """Returns the attribute of a class, if reading it calls nothing.

    Raises:
      _Unknown: it may.
    """
    kind: Any = type(value)
    found = [vars(base)[name] for base in value.__mro__ if name in vars(base)]
    if (
        not found
        or (hasattr(type(found[0]), "__get__") and type(found[0]) not in _METHODS)
        or kind.__getattribute__ is not type.__getattribute__
        or any(name in vars(base) for base in kind.__mro__)
    ):
        raise _Unknown
    return getattr(value, name)


def _plain_attribute(value: Any, name: str) -> Any:
    """Returns the attribute of an object, if reading it calls nothing.

    Raises:
      _Unknown: it may.
    """
    kind: Any = type(value)
    if kind.__getattribute__ is not object.__getattribute__ or any(name in vars(base) for base in kind.__mro__):
        raise _Unknown
    try:
        return vars(value)[name]
    except (KeyError, TypeError):
        raise _Unknown from None


def _of_value(value: Any, around: tuple[CodeType, ...]) -> Any:
    kind = type(value)
    if kind in _CONSTANTS:
        return kind, value
    if kind is float:
        return kind, value.hex()
    if kind is tuple:
        return kind, tuple([_of_value(item, around) for item in value])
    if kind is DType or kind is Op:
        return value
    if kind is FunctionType or kind is MethodType:
        return value if _only_returns(value) else _of_function(value, around)
    if (kind is BuiltinFunctionType or isinstance(value, type)) and (
        value in _BUILTINS or value is Tensor or _is_named_in(value, _MODULES)
    ):
        return value
    raise _Unknown


#: Functions of Tideflow that were found to only return something.
_known: set[Any] = set()


def _only_returns(function: Any) -> bool:
    """Tells whether a function is of a module whose functions only return something."""
    module = function.__module__ or ""
    if module in _MODULES:
        return _is_named_in(function, _MODULES)
    if type(function) is MethodType and not isinstance(function.__self__, type):
        return False
    if function in _known:
        return True
    code = getattr(function, "__code__", None)  # a method has that of its function
    found = (
        code is not None
        and code.co_filename.startswith(PACKAGE)
        and module.startswith(_OPERATIONS)
        and module not in _NOT_OPERATIONS
        and (module == _RAW_OPERATIONS or _is_defined_in(function, module))
    )
    if found:
        _known.add(function)
    return found


def _is_defined_in(function: Any, module: str) -> bool:
    """Tells whether a function is there under its name, and was not made in a call: such a one may hold a user's."""
    found: Any = sys.modules.get(module)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return getattr(found, "__func__", found) is getattr(function, "__func__", function)


def _is_named_in(value: Any, modules: frozenset[str]) -> bool:
    """Tells whether a function or class is what its module, one of some, has under its name."""
    return value.__module__ in modules and getattr(sys.modules.get(value.__module__), value.__name__, None) is value


@functools.lru_cache(maxsize=256)
def _read_from_outside(code: CodeType) -> tuple[_Name, ...] | None:
    """Returns all that a function's code, and the functions in it, read from outside; None if they may change it."""
    try:
        return tuple(dict.fromkeys(_reads(code, frozenset(code.co_freevars))))
    except _Unknown:
        return None


def _reads(code: CodeType, outside: frozenset[str]) -> Iterator[_Name]:
    reading: list[Any] | None = None
    for instruction in dis.get_instructions(code):
        name, kind = instruction.argval, instruction.opname
        if kind not in _INSTRUCTIONS or (kind == "STORE_DEREF" and name in outside):
            raise _Unknown
        if kind in _ATTRIBUTES:
            if reading is not None:
                reading[2].append(name)
            elif name.startswith("_") or name in _LEADING_OUT:
                raise _Unknown
            continue
        if reading is not None and kind != "CACHE":
            yield _Name(reading[0], reading[1], tuple(reading[2]))
            reading = None
        if kind == "LOAD_GLOBAL" or (kind == "LOAD_DEREF" and name in outside):
            reading = [name, kind == "LOAD_DEREF", []]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reads(constant, outside.intersection(constant.co_freevars))
