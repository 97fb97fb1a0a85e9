"""Defines what an operation is: a signature, rules and kernels under one name, kept in one registry.

A definition is a function whose decorator holds the signature as TensorFlow writes it::

    @op("MatMul", "a: T, b: T -> product: T", T=FLOATING)
    def mat_mul(xp, a, b, *, transpose_a: bool = False): ...

- Positional parameters after ``xp`` are the inputs, in order; keyword-only parameters are attributes, whose
  annotations give their types (``bool``, ``int``, ``float``, ``str``, ``DType``, ``Shape``, ``Function``,
  ``Tensor``, ``list[...]`` of these, ``Literal["SAME", "VALID"]`` for a choice) and whose defaults are the defaults.
- In the signature, the type of an input is a dtype (``int32``), a type attribute (``T``), ``N * T`` for a list of
  ``N`` tensors of one type, ``list(Tin)`` for a list of any types, ``Ref(T)`` for a reference to a variable. The
  word ``static`` before the type marks an input that a compiled program must know while it is being compiled.
- Keyword arguments of the decorator constrain attributes: a tuple of allowed types (``T=FLOATING``), with
  ``default(...)`` around it if the attribute has a default; ``N=at_least(2)`` for a least value or length.

The signature is parsed when it is first needed, so that a definition costs microseconds at import.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType

Shape = tuple[int | None, ...] | None
Tier = Literal["any", "host", "xla"]

#: How kernels annotate attributes that hold a tensor's value, and functions.
TensorValue = np.ndarray[Any, Any]
Function = Any


class _Required:
    """Marks an attribute without a default."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()


class Argument(NamedTuple):
    """Is one input or output of an operation as its signature declares it."""

    name: str
    dtype: DType | None = None
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False
    is_static: bool = False

    @property
    def is_list(self) -> bool:
        """Whether the argument stands for a list of tensors."""
        return bool(self.number_attr or self.type_list_attr)


class Attribute(NamedTuple):
    """Is one attribute of an operation: its type as TensorFlow spells it, default and constraints."""

    name: str
    type: str
    default: Any = REQUIRED
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None


class Constraint(NamedTuple):
    """Is what the decorator says of an attribute that the kernel's parameters cannot say."""

    allowed: tuple[str, ...] | None = None
    default: Any = REQUIRED
    minimum: int | None = None
    type: str = ""


def at_least(minimum: int, *, default: Any = REQUIRED, type: str = "") -> Constraint:
    """Constrains an integer attribute to a least value, or a list attribute to a least length."""
    return Constraint(None, default, minimum, type)


def default(value: Any, allowed: Sequence[str] | None = None, *, type: str = "") -> Constraint:
    """Gives an attribute a default and, for a type attribute, the types that it allows."""
    return Constraint(tuple(allowed) if allowed else None, value, None, type)


# A pattern that `re` compiles, and keeps, at its first use.
_ARGUMENT = r"\s*(\w+)\s*:\s*(static\s+)?(.+?)\s*$"
_ATTRIBUTE_TYPES = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "str": "string",
    "bytes": "string",
    "DType": "type",
    "Shape": "shape",
    "Function": "func",
    "Tensor": "tensor",
}


class SignatureError(TypeError):
    """Says that a definition contradicts itself."""


#: What programs read of the message that ``Operation.op_def`` is in TensorFlow, and its name here.
_MESSAGE_FIELDS = {"is_commutative": "commutative"}


class OpDef:
    """Is the definition of one operation: what it takes and gives, and the rules that the system applies to it.

    Attributes:
      name: TensorFlow's name of the operation, such as ``MatMul``.
      kernel: the function over ``xp``, or the only one where ``tier`` is ``"host"`` or ``"xla"``.
      host_kernel: the kernel used on NumPy values instead, called without ``xp``; or None.
      xla_kernel: the kernel used in a compiled program instead, called without ``xp``; or None.
      tier: ``"any"``, ``"host"`` (never compiled) or ``"xla"`` (eager calls run it compiled).
      shape_rule: static shapes; None where outputs have the (broadcast) shape of the inputs or an unknown one.
      gradient_rule: the gradient; None if not (yet) given; see ``differentiable``.
      differentiable: False where the definition says that no gradient passes through: it is None. ``"missing"``
        where nothing is registered, so that asking for a gradient through the operation is a LookupError.
      stateful: the operation has an effect or a state: it is neither folded nor shared.
      is_stateful: whether TensorFlow's definition says so, too. It does not of all: see the option ``declared_pure``,
        for operations that wait for other runs or read files.
      broadcasts: the inputs broadcast against each other, and the driver undoes that in the gradient.
      structural: the kernel only moves elements, so that it also works on partly known values.
      reads, updates: names of the inputs that are variables whose value the kernel gets; the kernel returns the
        new values of ``updates``, in that order, before its outputs.
      random: the function that says how many 128-bit Philox blocks a call takes; the kernel then gets a
        ``generator`` keyword, the stream's key and counter.
      in_place: only some elements of ``updates`` change. The host kernel gets arrays that are its own, tells which rows
        it will change (``rollback.keep_rows``), changes and returns these; the compiled kernel changes nothing if a
        check before it failed (``checks.unless_failed``).
      checks_shapes: the shape rule is asked before each call of a kernel, which would take some shapes that it rejects.
    """

    registry: Registry

    def __init__(
        self,
        name: str,
        signature: str,
        kernel: Callable[..., Any],
        *,
        tier: Tier = "any",
        stateful: bool = False,
        declared_pure: bool = False,
        broadcasts: bool = False,
        structural: bool = False,
        commutative: bool = False,
        aggregate: bool = False,
        allows_uninitialized: bool = False,
        differentiable: bool | Literal["missing"] = True,
        reads: tuple[str, ...] = (),
        updates: tuple[str, ...] = (),
        random: Callable[..., int] | None = None,
        in_place: bool = False,
        checks_shapes: bool = False,
        host: Callable[..., Any] | None = None,
        constraints: dict[str, Any] | None = None,
    ) -> None:
        if dict.__contains__(OpDef.registry, name):
            raise SignatureError(f"The operation {name} is defined twice.")
        self.name = name
        self.signature = signature
        self.kernel = kernel
        self.host_kernel = host
        self.xla_kernel: Callable[..., Any] | None = None
        self.tier = tier
        self.stateful = stateful or declared_pure
        self.is_stateful = stateful
        self.broadcasts = broadcasts
        self.structural = structural
        self.commutative = commutative
        self.aggregate = aggregate
        self.allows_uninitialized = allows_uninitialized
        self.differentiable = differentiable
        self.reads = reads
        self.updates = updates
        self.random = random
        self.in_place = in_place
        self.checks_shapes = checks_shapes
        self.constraints = constraints or {}
        self.shape_rule: Callable[..., Any] | None = None
        self.shape_value_rule: Callable[..., Any] | None = None
        self.partial_kernel: Callable[..., Any] | None = None
        self.gradient_rule: Callable[..., Any] | None = None
        #: Whether the gradient rule gets None, not zeros, for an output that no gradient reaches.
        self.takes_missing_gradients = False
        #: Makes of operations of this kind, among what tensors follow from, others that have gradients.
        self.before_gradient: Callable[[Sequence[Any]], None] | None = None
        #: Says of a node whether XLA can take it, where the definition alone does not tell.
        self.compiles: Callable[..., bool] | None = None
        self.samples_rule: Callable[..., Iterator[Any]] | None = None
        OpDef.registry[name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}({self.signature})>"

    def __getattr__(self, name: str) -> Any:
        if name in ("inputs", "outputs", "attributes", "kernel_attributes", "is_variadic", "static_inputs"):
            self._parse()
            return self.__dict__[name]
        if name in _MESSAGE_FIELDS:
            return getattr(self, _MESSAGE_FIELDS[name])
        raise AttributeError(name)

    def __deepcopy__(self, memo: Any) -> OpDef:
        del memo
        return self  # there is one definition of an operation

    # Rules, attached by decorators.

    def shape(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the static shape rule: shapes in (static inputs: known values), shapes out."""
        self.shape_rule = rule
        return rule

    def value_from_shapes(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Registers how the output follows from the inputs' static shapes alone, as that of ``Shape`` does.

        The rule gets shapes (None: unknown rank) and returns the value, with None for elements that are unknown,
        or None if nothing is known; a list of those for a list output.
        """
        self.shape_value_rule = rule
        return rule

    def partly_known(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the kernel used on object arrays in which None stands for an unknown element."""
        self.partial_kernel = kernel
        self.structural = True
        return kernel

    def gradient(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the gradient rule: ``rule(call, *output_gradients)`` gives one gradient for each input."""
        if self.differentiable is not True:
            raise SignatureError(f"{self.name} is declared without a gradient, yet one is registered.")
        self.gradient_rule = rule
        return rule

    def host(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the kernel for NumPy values."""
        self.host_kernel = kernel
        return kernel

    def xla(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the kernel for compiled programs."""
        self.xla_kernel = kernel
        return kernel

    def samples(self, rule: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Registers the generator of sample calls, from which the operation's tests are made."""
        self.samples_rule = rule
        return rule

    # The parsed form.

    def _parse(self) -> None:
        inputs_text, arrow, outputs_text = self.signature.partition("->")
        if not arrow:
            raise SignatureError(f"The signature of {self.name} lacks '->': {self.signature!r}")
        inputs = tuple(_parse_argument(self.name, text) for text in _split(inputs_text))
        outputs = tuple(_parse_argument(self.name, text) for text in _split(outputs_text))
        attributes = self._parse_kernel_attributes(inputs)
        kernel_attributes = tuple(attributes)
        for argument in (*inputs, *outputs):
            self._add_implied(attributes, argument)
        for name, constraint in self.constraints.items():
            if name not in attributes:
                attributes[name] = self._attribute(name, "", REQUIRED, None)
            del constraint
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
        self.kernel_attributes = kernel_attributes
        self.is_variadic = any(argument.is_list for argument in inputs)
        self.static_inputs = tuple(index for index, argument in enumerate(inputs) if argument.is_static)
        for name in (*self.reads, *self.updates):
            if not any(argument.name == name for argument in inputs):
                raise SignatureError(f"{self.name} reads or updates {name!r}, which is not among its inputs.")

    def _parse_kernel_attributes(self, inputs: tuple[Argument, ...]) -> dict[str, Attribute]:
        kernel = inspect.unwrap(self.kernel)
        code = kernel.__code__
        positional = code.co_varnames[: code.co_argcount]
        expected = [argument.name for argument in inputs]
        given = [name.rstrip("_") for name in positional[0 if self.tier != "any" else 1 :]]
        if not code.co_flags & inspect.CO_VARARGS and given != [name.rstrip("_") for name in expected]:
            raise SignatureError(f"The kernel of {self.name} takes {given}, but its signature has {expected}.")
        names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        defaults = kernel.__kwdefaults__ or {}
        annotations = kernel.__annotations__
        attributes: dict[str, Attribute] = {}
        for name in names:
            if name == "generator" and self.random is not None:
                continue
            annotation = annotations.get(name)
            if annotation is None:
                raise SignatureError(f"The attribute {name} of {self.name} has no annotation.")
            attributes[name] = self._attribute(name, str(annotation), defaults.get(name, REQUIRED), None)
        return attributes

    def _attribute(self, name: str, annotation: str, value: Any, implied: str | None) -> Attribute:
        constraint = self.constraints.get(name)
        allowed: tuple[Any, ...] | None = None
        minimum = None
        kind = implied or ""
        if annotation.startswith("Literal["):
            allowed = tuple(re.findall(r"[\"']([^\"']*)[\"']", annotation))
            kind = "string"
        elif annotation.startswith("list[Literal["):
            allowed = tuple(re.findall(r"[\"']([^\"']*)[\"']", annotation))
            kind = "list(string)"
        elif annotation.startswith("list["):
            kind = f"list({_ATTRIBUTE_TYPES[annotation[5:-1]]})"
        elif annotation:
            try:
                kind = _ATTRIBUTE_TYPES[annotation.split(" | ")[0]]
            except KeyError:
                raise SignatureError(f"{self.name}: the attribute {name} has no known type: {annotation}") from None
        if isinstance(constraint, Constraint):
            minimum = constraint.minimum
            kind = constraint.type or kind
            if constraint.default is not REQUIRED:
                value = constraint.default
            if constraint.allowed is not None:
                allowed = constraint.allowed
        elif constraint is not None:
            allowed = tuple(constraint)
        kind = kind or "type"
        if kind in ("type", "list(type)"):
            if allowed is not None:
                allowed = tuple(dtypes.as_dtype(item) for item in allowed)
            if kind == "type" and value is not REQUIRED and value is not None:
                value = dtypes.as_dtype(value)
            elif kind == "list(type)" and value is not REQUIRED:
                value = [dtypes.as_dtype(item) for item in value]
        return Attribute(name, kind, value, allowed, minimum)

    def _add_implied(self, attributes: dict[str, Attribute], argument: Argument) -> None:
        for name, kind in (
            (argument.type_attr, "type"),
            (argument.number_attr, "int"),
            (argument.type_list_attr, "list(type)"),
        ):
            if name and name not in attributes:
                attribute = self._attribute(name, "", REQUIRED, kind)
                if kind != "type" and attribute.minimum is None:
                    attribute = Attribute(name, kind, attribute.default, attribute.allowed, 1)
                attributes[name] = attribute

    @functools.cached_property
    def takes_functions(self) -> bool:
        """Whether an attribute is a function: the operation runs a graph."""
        return any(self.attributes[name].type in ("func", "list(func)") for name in self.kernel_attributes)

    def accepts(self, attribute: str, dtype: DType) -> bool:
        """Tells whether a type attribute allows ``dtype``."""
        allowed = self.attributes[attribute].allowed
        return allowed is None or dtype in allowed


def _split(text: str) -> list[str]:
    """Splits at the commas outside parentheses."""
    parts = re.split(r",(?![^(]*\))", text)
    return [part for part in (part.strip() for part in parts) if part]


def _parse_argument(op_name: str, text: str) -> Argument:
    match = re.match(_ARGUMENT, text)
    if match is None:
        raise SignatureError(f"{op_name}: cannot read {text!r} as 'name: type'.")
    name, static, kind = match.group(1), bool(match.group(2)), match.group(3)
    number = ""
    is_ref = False
    if kind.startswith("Ref("):
        is_ref, kind = True, kind[4:-1].strip()
    if "*" in kind:
        number, kind = (part.strip() for part in kind.split("*"))
        if kind.startswith("Ref("):
            is_ref, kind = True, kind[4:-1].strip()
    if kind.startswith("list("):
        return Argument(name, type_list_attr=kind[5:-1].strip(), is_static=static)
    if kind[0].islower() and kind in _DTYPE_NAMES:
        return Argument(name, dtypes.as_dtype(kind), number_attr=number, is_ref=is_ref, is_static=static)
    return Argument(name, None, kind, number, "", is_ref, static)


_DTYPE_NAMES = frozenset(
    "half bfloat16 float double float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool "
    "string complex64 complex128 resource variant qint8 quint8 qint16 quint16 qint32".split()
)


class Registry(dict[str, OpDef]):
    """Holds every operation by its name.

    A family that is not loaded yet is imported when one of its names is looked up.

    Iterating gives the definitions that are loaded; :meth:`all_names` gives the names of all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, str] = {}

    def add_family(self, module: str, names: str) -> None:
        """Says which module defines the operations of these names, given in one text with blanks between them."""
        self._modules.update(dict.fromkeys(names.split(), module))

    def all_names(self) -> list[str]:
        """Returns the names of all operations, loaded or not, sorted."""
        return sorted({*self, *self._modules})

    def __missing__(self, name: str) -> OpDef:
        module = self._modules.get(name)
        if module is None:
            raise KeyError(name)
        importlib.import_module(module)
        definition = dict.get(self, name)
        if definition is None:
            raise KeyError(f"{module} was to define the operation {name}, but does not.")
        return definition

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._modules

    def get(self, name: str, default: Any = None) -> Any:
        """Returns the definition of this name, or ``default``."""
        return self[name] if name in self else default  # noqa: SIM401 (this is what `get` is)


OpDef.registry = Registry()

_MOST_ELEMENTS = 1 << 20


class StaticValue:
    """Is what is known of a static input while shapes are inferred.

    Attributes:
      value: the whole value as a NumPy array, or None.
      elements: for a vector or scalar known in part, its elements (None: unknown), or None.
      shape: the static shape of the input.
    """

    __slots__ = ("elements", "shape", "value")

    def __init__(self, value: np.ndarray[Any, Any] | None, elements: Any, shape: Shape) -> None:
        self.value = value
        self.elements = elements
        self.shape = shape

    def integers(self) -> tuple[int | None, ...] | None:
        """The elements of a vector (or the one of a scalar) as Python integers, None where unknown, or None."""
        if self.value is not None:
            return tuple(int(item) for item in np.asarray(self.value).reshape(-1))
        if self.elements is not None:
            return tuple(self.elements)
        if self.shape is not None and len(self.shape) == 1 and self.shape[0] is not None:
            # A hostile graph may say that a shape has 10**12 elements; no real one is that long.
            return (None,) * self.shape[0] if self.shape[0] <= _MOST_ELEMENTS else None
        return None
