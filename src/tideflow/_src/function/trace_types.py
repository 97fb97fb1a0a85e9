"""What a traced function is specialized to: the type of each argument.

Tensors and NumPy arrays count by dtype and shape, values of Python by equality (numbers by their class, too), other
objects by identity or by their own ``==``, and structures by what is in them. A type tells one signature from another,
tells whether a function that was traced for another type can be used, and gives the value that stands for the argument
while the function is traced.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tideflow._src.core import dtypes, nest, node_kinds
from tideflow._src.core.node_kinds import PLAIN
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TraceType as TraceType
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.runtime.convert import convert_to_tensor


class Placeholders(Protocol):
    """Makes what stands for the tensors and variables of arguments, in the order in which a call gives them."""

    def tensor(self, spec: TensorSpec, name: str) -> Any:
        """Returns what stands for a tensor of an argument of that name."""

    def variable(self, number: int) -> Any:
        """Returns what stands for one of the variables among the arguments."""


class TypingContext:
    """Is what the types of one call share: it numbers the variables in it, so that the same one twice is seen."""

    def __init__(self) -> None:
        self.variables: list[Any] = []
        self._numbers: dict[int, int] = {}

    def number_of(self, variable: Any) -> int:
        """Returns the number of a variable: the same for the same storage."""
        number = self._numbers.setdefault(id(variable.handle), len(self._numbers))
        if number == len(self.variables):
            self.variables.append(variable)
        return number


@runtime_checkable
class SupportsTracingProtocol(Protocol):
    """Is an object that says itself what functions are traced for when they are given it."""

    def __tf_tracing_type__(self, context: Any) -> Any:
        """Returns the type: a ``TraceType`` or a ``TypeSpec``."""


class ArgumentType:
    """Is the type of an argument that is not described by a ``TypeSpec``."""

    def is_subtype_of(self, other: Any) -> bool:
        """Tells whether a function traced for ``other`` can be used for this."""
        return bool(self == other)

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Returns the type that this one and all ``others`` are subtypes of, or None."""
        return self if all(self == other for other in others) else None

    def placeholder(self, placeholders: Placeholders, name: str) -> Any:
        """Returns the value that stands for the argument while the function is traced."""
        raise TypeError(f"{type(self).__name__} is abstract.")

    def collect(self, value: Any, tensors: list[Any]) -> None:
        """Adds the tensors of an argument to a list; a variable that is given twice is there once."""

    def specs(self) -> list[Any]:
        """Returns the specs of the tensors of an argument, in order."""
        return []

    def described(self, name: str) -> Any:
        """Returns the argument as ``structured_input_signature`` shows it."""
        raise TypeError(f"{type(self).__name__} is abstract.")


_NUMBERS = (int, float, complex)


class Literal(ArgumentType):
    """Is the type of a value of Python that counts by equality: a number, a string, None, a dtype, a shape."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value
        hash(value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Literal):
            return False
        mine, theirs = self.value, other.value
        if mine is theirs:
            return True
        if isinstance(mine, _NUMBERS) or isinstance(theirs, _NUMBERS):
            # Equal numbers need not mean the same: 1, 1.0 and True become tensors of other dtypes, and 1 / -0.0 is not
            # 1 / 0.0. TensorFlow runs what it has traced for one of them on the others.
            return mine.__class__ is theirs.__class__ and repr(mine) == repr(theirs)
        return bool(mine == theirs)

    def __hash__(self) -> int:
        return 0 if self.value != self.value else hash(self.value)

    def placeholder(self, placeholders: Placeholders, name: str) -> Any:
        return self.value

    def described(self, name: str) -> Any:
        return self.value

    def __repr__(self) -> str:
        return f"Literal[{self.value!r}]"


class ObjectType(ArgumentType):
    """Is the type of an object that counts as itself; it does not keep the object alive."""

    __slots__ = ("_hash", "_reference")

    def __init__(self, value: Any, forget: Callable[[Any], None] | None = None) -> None:
        self._reference = weakref.ref(value, forget)
        self._hash = hash(value)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, ObjectType):
            return False
        mine, theirs = self._reference(), other._reference()
        if mine is None or theirs is None:
            return False
        return mine is theirs or bool(mine == theirs)

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_dead(self) -> bool:
        """Whether the object is gone, so that no call can have this type any more."""
        return self._reference() is None

    def placeholder(self, placeholders: Placeholders, name: str) -> Any:
        return self._reference()

    def described(self, name: str) -> Any:
        return self._reference()

    def __repr__(self) -> str:
        return f"WeakrefDeletionObserver[{self._reference()!r}]" if self.is_dead else f"Weakref[{self._reference()!r}]"


class VariableType(ArgumentType):
    """Is the type of a variable: its dtype, shape, whether it is trained, and which of the call's variables it is."""

    __slots__ = ("dtype", "number", "shape", "trainable")

    def __init__(self, shape: TensorShape, dtype: Any, trainable: bool, number: int) -> None:
        self.shape = shape
        self.dtype = dtype
        self.trainable = trainable
        self.number = number

    def _key(self) -> Any:
        return self.shape._dims, self.dtype, self.trainable, self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VariableType) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def is_subtype_of(self, other: Any) -> bool:
        return (
            isinstance(other, VariableType)
            and self._key()[1:] == other._key()[1:]
            and (self.shape.is_subtype_of(other.shape))
        )

    def placeholder(self, placeholders: Placeholders, name: str) -> Any:
        return placeholders.variable(self.number)

    def collect(self, value: Any, tensors: list[Any]) -> None:
        handle = value.handle
        if not any(tensor is handle for tensor in tensors):
            tensors.append(handle)

    def specs(self) -> list[Any]:
        return [TensorSpec([], dtypes.resource)]

    def described(self, name: str) -> Any:
        return self

    def __repr__(self) -> str:
        return (
            f"VariableSpec(shape={self.shape}, dtype={self.dtype!r}, trainable={self.trainable!r}, "
            f"alias_id={self.number!r})"
        )


class StructureType(ArgumentType):
    """Is the type of a list, tuple, dictionary or another node of nested structures.

    Attributes:
      skeleton: a node like the argument, with None for each child.
      keys: the path element of each child.
      children: their types, in the same order.
    """

    __slots__ = ("_hash", "children", "keys", "kind", "skeleton")

    def __init__(self, kind: Any, skeleton: Any, keys: tuple[Any, ...], children: tuple[Any, ...]) -> None:
        self.kind = kind
        self.skeleton = skeleton
        self.keys = keys
        self.children = children
        self._hash = hash((kind.name, keys, children))

    def _fits(self, other: Any) -> bool:
        return (
            isinstance(other, StructureType)
            and self.kind is other.kind
            and self.keys == other.keys
            and self._class_counts(self.skeleton) == self._class_counts(other.skeleton)
        )

    def _class_counts(self, skeleton: Any) -> Any:
        """What tells nodes of one kind apart: lists from tuples, and one class of named tuples from another."""
        if self.kind is node_kinds.MAPPING:
            return dict
        if self.kind is node_kinds.SEQUENCE:
            return list if isinstance(skeleton, list) else tuple
        if self.kind is node_kinds.CUSTOM:
            return type(skeleton), skeleton.__tf_flatten__()[0]
        if self.kind is node_kinds.NAMEDTUPLE:
            return type(skeleton).__name__
        return type(skeleton)

    def __eq__(self, other: object) -> bool:
        return self is other or (self._fits(other) and self.children == other.children)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return self._hash

    def is_subtype_of(self, other: Any) -> bool:
        return self._fits(other) and all(
            one.is_subtype_of(another) for one, another in zip(self.children, other.children, strict=True)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        if not all(self._fits(other) for other in others):
            return None
        children = []
        for position, child in enumerate(self.children):
            common = child.most_specific_common_supertype([other.children[position] for other in others])
            if common is None:
                return None
            children.append(common)
        return StructureType(self.kind, self.skeleton, self.keys, tuple(children))

    def placeholder(self, placeholders: Placeholders, name: str) -> Any:
        children = [placeholder(child, placeholders, name) for child in self.children]
        return self.kind.rebuild(self.skeleton, children)

    def collect(self, value: Any, tensors: list[Any]) -> None:
        for child, item in zip(self.children, self.kind.values(value), strict=True):
            collect(child, item, tensors)

    def specs(self) -> list[Any]:
        return [spec for child in self.children for spec in specs(child)]

    def described(self, name: str) -> Any:
        parts = [described(child, f"{name}_{key}") for key, child in zip(self.keys, self.children, strict=True)]
        return self.kind.rebuild(self.skeleton, parts)

    def __repr__(self) -> str:
        if self.kind is node_kinds.MAPPING:
            by_key = dict(zip(self.keys, self.children, strict=True))
            return f"Dict[{', '.join(f'[{key!r}, {by_key[key]!r}]' for key in self.skeleton)}]"
        parts = ", ".join(map(repr, self.children))
        if self.kind is node_kinds.SEQUENCE:
            return f"{'List' if isinstance(self.skeleton, list) else 'Tuple'}[{parts}]"
        fields = ", ".join(f"[{key!r}, {child!r}]" for key, child in zip(self.keys, self.children, strict=True))
        return f"{type(self.skeleton).__name__}[{fields}]"


_IMMUTABLE = (bool, int, float, complex, str, bytes, type(None))


def type_of(value: Any, context: TypingContext, forget: Callable[[Any], None] | None = None) -> Any:
    """Returns the type of an argument.

    Args:
      value: the argument.
      context: is shared by the arguments of a call.
      forget: is called when an object that the type refers to is gone.

    Raises:
      TypeError: the value can neither be hashed nor has it a type of its own.
    """
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, _IMMUTABLE):
        return Literal(value)
    if isinstance(value, TypeSpec):
        return value
    if hasattr(value, "_dense_var_to_tensor") and hasattr(value, "handle"):
        return VariableType(value.shape, value.dtype, value.trainable, context.number_of(value))
    kind = PLAIN[type(value)]
    if kind is not None:
        children = list(kind.values(value))
        skeleton = kind.rebuild(value, [None] * len(children))
        keys = tuple(kind.keys(value))
        return StructureType(kind, skeleton, keys, tuple([type_of(child, context, forget) for child in children]))
    rule = getattr(type(value), "__tf_tracing_type__", None)
    if rule is not None:
        return value.__tf_tracing_type__(context)
    if hasattr(type(value), "_type_spec"):
        return value._type_spec
    if hasattr(value, "__array__") and not isinstance(value, type):
        array = np.asarray(value)
        return TensorSpec(array.shape, dtypes.as_dtype(array.dtype))
    if isinstance(value, dtypes.DType | TensorShape):
        return Literal(value)
    try:
        return ObjectType(value, forget)
    except TypeError:
        pass
    try:
        return Literal(value)
    except TypeError:
        raise TypeError(
            f"Could not generate a generic TraceType for {value!r}. Please verify that it is immutable/hashable. "
            "Otherwise, consider implementing the Tracing Protocol for it: a method __tf_tracing_type__."
        ) from None


def family(kind: Any) -> Any:
    """Returns what types have in common of which one may include another: all but shapes."""
    if isinstance(kind, TensorSpec):
        return kind.dtype
    if isinstance(kind, StructureType):
        return kind.kind.name, kind.keys, tuple([family(child) for child in kind.children])
    if isinstance(kind, VariableType):
        return kind.dtype, kind.trainable, kind.number
    return kind if isinstance(kind, ArgumentType) else (TypeSpec if isinstance(kind, TypeSpec) else TraceType)


def placeholder(kind: Any, placeholders: Placeholders, name: str) -> Any:
    """Returns the value that stands for an argument of a type while the function is traced."""
    if isinstance(kind, ArgumentType):
        return kind.placeholder(placeholders, name)
    if isinstance(kind, TensorSpec):
        return placeholders.tensor(kind, name)
    if isinstance(kind, TypeSpec):
        return kind.from_tensors(iter([placeholders.tensor(spec, name) for spec in kind.flatten()]))
    return kind.placeholder_value(placeholders)


def collect(kind: Any, value: Any, tensors: list[Any]) -> None:
    """Adds the tensors of an argument to a list, arrays converted."""
    if isinstance(kind, ArgumentType):
        kind.collect(value, tensors)
    elif isinstance(kind, TensorSpec):
        tensors.append(value if isinstance(value, Tensor) else convert_to_tensor(value, kind.dtype))
    else:
        tensors.extend(kind.to_tensors(value))


def specs(kind: Any) -> list[Any]:
    """Returns the specs of the tensors of an argument of a type, in order."""
    if isinstance(kind, ArgumentType):
        return kind.specs()
    return list(kind.flatten())


def described(kind: Any, name: str) -> Any:
    """Returns an argument of a type as ``structured_input_signature`` shows it: specs with names, and other values."""
    if isinstance(kind, ArgumentType):
        return kind.described(name)
    return TensorSpec(kind.shape, kind.dtype, kind.name or name) if type(kind) is TensorSpec else kind


def _as_composite(value: Any, wanted: TypeSpec) -> Any:
    """Returns a composite value whose parts are as a spec asks, and whose static shape may be what it asks.

    Raises:
      TypeError: it is of another kind, or a part does not fit.
      ValueError: its shape does not fit.
    """
    own = value if isinstance(value, TypeSpec) else getattr(value, "_type_spec", None)
    if own is not None and own.is_subtype_of(wanted):
        return value
    if wanted.value_type is Tensor and own is None:
        value = convert_to_tensor(value, wanted.dtype)  # type: ignore[attr-defined]
    elif type(own) is not type(wanted) or isinstance(value, TypeSpec):
        raise TypeError(f"Can not cast {value!r} to {wanted!r}")
    parts = nest.flatten(wanted._to_components(value))
    specs = nest.flatten(wanted._component_specs)
    if len(parts) != len(specs):
        raise TypeError(f"Can not cast {value!r} to {wanted!r}: it has {len(parts)} parts, not {len(specs)}")
    for part, spec in zip(parts, specs, strict=True):
        cast(part, spec)
    if not wanted.is_compatible_with(value):
        found, expected = getattr(own, "shape", None), getattr(wanted, "shape", None)
        if isinstance(found, TensorShape) and isinstance(expected, TensorShape):
            raise ValueError(f"Shapes {found} and {expected} are not compatible")
        raise TypeError(f"Can not cast {value!r} to {wanted!r}")
    wanted._check_value(value)
    return value


def cast(value: Any, wanted: Any) -> Any:
    """Returns an argument as the type that an input signature asks for.

    Raises:
      TypeError, ValueError: it does not fit; the message says what was wanted and what came.
    """
    if isinstance(wanted, TensorSpec):
        if isinstance(value, TypeSpec):
            if not value._without_tensor_names().is_subtype_of(wanted._without_tensor_names()):
                raise TypeError(f"Can not cast {value!r} to {wanted!r}")
            return value
        if hasattr(value, "_dense_var_to_tensor"):
            value = value.value()
        if not isinstance(value, Tensor):
            value = convert_to_tensor(value, wanted.dtype)
        found = TensorSpec(value.shape, value.dtype)
        if not found.is_subtype_of(TensorSpec(wanted.shape, wanted.dtype)):
            raise TypeError(f"Can not cast {found!r} to {TensorSpec(wanted.shape, wanted.dtype)!r}")
        return value
    if isinstance(wanted, TypeSpec):
        return _as_composite(value, wanted)
    if isinstance(wanted, StructureType):
        kind = PLAIN[type(value)]
        if kind is not wanted.kind or tuple(kind.keys(value)) != wanted.keys:
            raise TypeError(f"Can not cast {value!r} to {wanted!r}")
        children = [cast(item, child) for item, child in zip(kind.values(value), wanted.children, strict=True)]
        return kind.rebuild(value, children)
    if isinstance(wanted, Literal):
        if Literal(value) != wanted and not (isinstance(value, _IMMUTABLE) and value == wanted.value):
            raise TypeError(f"Can not cast {value!r} to {wanted!r}")
        return value
    if isinstance(wanted, VariableType):
        return value
    return wanted.cast(value, None) if hasattr(wanted, "cast") else value
