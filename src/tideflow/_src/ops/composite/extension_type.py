"""Defines ``ExtensionType``: classes of users that functions, branches and loops take as they take tensors."""

from __future__ import annotations

import abc
import contextlib
import functools
import inspect
import sys
import typing
from collections.abc import Mapping
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import (
    BatchableTypeSpec,
    CompositeTensor,
    TypeSpec,
    TypeSpecBatchEncoder,
    decoded,
    encoded,
    encoded_specs,
    register,
)
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.composite.extension_fields import (
    NO_DEFAULT,
    Field,
    ImmutableDict,
    Purpose,
    convert_fields,
    is_reserved,
    make_field,
)

_IN_CONSTRUCTOR = "_tf_extension_type_in_constructor"
_CACHED_SPEC = "_tf_extension_type_cached_type_spec"
_CACHED_FIELDS = "_tf_extension_type_cached_fields"
_OWN = "_tf_extension_type_do_not_transform_this_class"

#: Attributes that Keras sets on values.
_MUTABLE = ("_keras_mask",)

#: What a spec keeps about itself, beside its fields.
_KEPT = frozenset(["_kept_comparison_key"])


def _make(cls: type, attributes: Any) -> Any:
    """Returns an object of a class with these attributes, without its constructor."""
    value: Any = object.__new__(cls)
    value.__dict__.update(attributes)
    return value


class ExtensionTypeMetaclass(abc.ABCMeta):
    """Gives each class of users a constructor and a class of specs, made from its annotations."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        if not namespace.get(_OWN, False):
            _resolve_annotations(cls, sys._getframe(1))
            _check_names(cls)
            _add_constructor(cls)
            _add_spec(cls)
        super().__init__(name, bases, namespace)


class ExtensionType(CompositeTensor, metaclass=ExtensionTypeMetaclass):
    """Is the base of classes whose objects functions, branches and loops take and return, as they do tensors.

    A subclass annotates its fields; the constructor takes them in this order, converts them, and then calls
    ``__validate__``. Objects are immutable. ``Spec``, a class inside the subclass, is the ``TypeSpec`` of its objects.

    >>> import tideflow as tf
    >>> class Masked(tf.experimental.ExtensionType):
    ...     values: tf.Tensor
    ...     mask: tf.Tensor
    >>> @tf.function
    ... def total(x):
    ...     return tf.reduce_sum(tf.where(x.mask, x.values, 0))
    >>> int(total(Masked([1, 2, 3], [True, False, True])))
    4

    Fields are tensors (``tf.Tensor``: what is given is converted), composite tensors, ``int``, ``float``, ``str``,
    ``bytes``, ``bool``, ``None``, ``tf.TensorShape`` (converted), ``tf.DType`` (converted), unions, tuples
    (``tuple[int, str]``, ``tuple[tf.Tensor, ...]``) and mappings of these. Everything that is no tensor belongs to the
    spec: functions are traced anew for it.

    Raises:
      TypeError: an annotation is none of these; or, when an object is made, a field does not fit its annotation.
      ValueError: the class has an attribute without an annotation, or a field with a reserved name.
      AttributeError: a field is set later.
    """

    _tf_extension_type_do_not_transform_this_class = True
    _tf_extension_type_cached_fields: Any = None
    _tf_extension_type_cached_type_spec: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if type(self) is ExtensionType:
            raise AssertionError(
                "Cannot create an instance of ExtensionType because ExtensionType is an abstract base class."
            )

    @classmethod
    def _tf_extension_type_fields(cls) -> tuple[Field, ...]:
        """Returns the fields, those of base classes first; annotations that name classes to come stay as they are."""
        if _CACHED_FIELDS in cls.__dict__:
            return cls._tf_extension_type_cached_fields  # type: ignore[no-any-return]
        complete = True
        try:
            hints = typing.get_type_hints(cls)
        except (NameError, AttributeError):
            complete = False
            hints = {}
            for base in reversed(cls.__mro__):
                hints.update(inspect.get_annotations(base))
        fields = tuple(
            [
                make_field(name, kind, getattr(cls, name, NO_DEFAULT))
                for name, kind in hints.items()
                if not is_reserved(name)
            ]
        )
        if complete:
            cls._tf_extension_type_cached_fields = fields
        return fields

    @classmethod
    def _tf_extension_type_has_field(cls, name: str) -> bool:
        return any(name == field.name for field in cls._tf_extension_type_fields())

    def _tf_extension_type_convert_fields(self) -> None:
        convert_fields(self._tf_extension_type_fields(), self.__dict__, Purpose.VALUE)

    def __validate__(self) -> None:
        """Is called with a new object, to check it; a subclass raises an exception for what it does not allow."""

    def __repr__(self) -> str:
        shown = [f"{field.name}={getattr(self, field.name)!r}" for field in self._tf_extension_type_fields()]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: Any) -> None:
        self._tf_extension_type_check_change(name)
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        self._tf_extension_type_check_change(name)
        del self.__dict__[name]

    def _tf_extension_type_check_change(self, name: str) -> None:
        if name in _MUTABLE or (_IN_CONSTRUCTOR in self.__dict__ and self._tf_extension_type_has_field(name)):
            return
        raise AttributeError(f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType.")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> Any:
        if type(self) is not type(other):
            return False
        assert isinstance(other, ExtensionType)
        if self._type_spec != other._type_spec:
            return False
        mine, theirs = nest.flatten(self, expand_composites=True), nest.flatten(other, expand_composites=True)
        if len(mine) != len(theirs):
            return False
        conditions = []
        for one, another in zip(mine, theirs, strict=True):
            conditions.append(_all(raw.Equal(raw.Shape(one), raw.Shape(another), incompatible_shape_error=False)))
            conditions.append(_all(raw.Equal(one, another, incompatible_shape_error=False)))
        return _all(raw.Pack(conditions, axis=0)) if conditions else True

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return raw.LogicalNot(equal) if isinstance(equal, Tensor) else not equal

    __hash__ = None  # type: ignore[assignment]  # equality is a tensor

    @property
    def _type_spec(self) -> Any:
        spec = self.__dict__.get(_CACHED_SPEC)
        if spec is None:
            spec = type(self).Spec.from_value(self)  # type: ignore[attr-defined]
            self.__dict__[_CACHED_SPEC] = spec
        return spec


def _all(condition: Any) -> Any:
    rank = condition.shape.rank
    axes = raw.Range(0, raw.Rank(condition), 1) if rank is None else list(range(rank))
    return raw.All(condition, axes) if axes != [] else condition


def as_dict(value: Any) -> dict[str, Any]:
    """Returns the fields of an extension type by name; those of an extension type inside it stay in it.

    >>> import tideflow as tf
    >>> class Point(tf.experimental.ExtensionType):
    ...     x: int
    ...     y: int
    >>> tf.experimental.extension_type.as_dict(Point(1, 2))
    {'x': 1, 'y': 2}
    """
    return {field.name: getattr(value, field.name) for field in value._tf_extension_type_fields()}


class ExtensionTypeSpec(TypeSpec):
    """Is the base of the specs of extension types: ``Spec`` of each of them, made from its fields.

    It has an attribute for each field: the spec of a tensor or composite tensor, and anything else as it is.
    """

    def _tf_extension_type_items(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in self.__dict__.items() if name not in _KEPT]

    def _serialize(self) -> Any:
        return tuple(
            [(field.name, _with_dicts(self.__dict__[field.name])) for field in self._tf_extension_type_fields()]
        )

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return _make(cls, [(name, _without_dicts(value)) for name, value in serialization])

    def __reduce__(self) -> Any:
        return _deserialized, (self.value_type, self._serialize())

    def _to_components(self, value: Any) -> Any:
        values = tuple([value.__dict__[name] for name, _ in self._tf_extension_type_items()])
        return tuple([leaf for leaf in nest.flatten(values) if isinstance(leaf, Tensor | CompositeTensor)])

    def _from_components(self, components: Any) -> Any:
        items = self._tf_extension_type_items()
        specs = tuple([value for _, value in items])
        remaining = iter(components)
        leaves = [next(remaining) if isinstance(leaf, TypeSpec) else leaf for leaf in nest.flatten(specs)]
        if next(remaining, None) is not None:
            raise ValueError(
                "Cannot build an ExtensionType instance from components because more components are provided than the "
                "number expected by the type spec."
            )
        values = nest.pack_sequence_as(specs, leaves)
        return _make(self.value_type, [(name, value) for (name, _), value in zip(items, values, strict=True)])

    @property
    def _component_specs(self) -> Any:
        values = tuple([value for _, value in self._tf_extension_type_items()])
        return tuple([leaf for leaf in nest.flatten(values) if isinstance(leaf, TypeSpec)])

    @classmethod
    def from_value(cls, value: Any) -> Any:
        """Returns the spec of an object of the extension type."""
        known = value.__dict__.get(_CACHED_SPEC)
        if known is not None:
            return known
        fields = {name: item for name, item in value.__dict__.items() if not is_reserved(name)}
        return _make(cls, {name: nest.map_structure(_spec_of, item) for name, item in fields.items()})

    def __setattr__(self, name: str, value: Any) -> None:
        self._tf_extension_type_check_change(name)
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        self._tf_extension_type_check_change(name)
        del self.__dict__[name]

    def _tf_extension_type_check_change(self, name: str) -> None:
        if not (_IN_CONSTRUCTOR in self.__dict__ and self._tf_extension_type_has_field(name)):
            raise AttributeError(
                f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionTypeSpec."
            )

    def __validate__(self) -> None:
        """Is called with a new spec, to check it."""

    @classmethod
    def _tf_extension_type_fields(cls) -> Any:
        return cls.value_type._tf_extension_type_fields()  # type: ignore[attr-defined]

    @classmethod
    def _tf_extension_type_has_field(cls, name: str) -> bool:
        return any(name == field.name for field in cls._tf_extension_type_fields())

    def _tf_extension_type_convert_fields(self) -> None:
        convert_fields(self._tf_extension_type_fields(), self.__dict__, Purpose.SPEC)

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({', '.join([f'{name}={value!r}' for name, value in self._serialize()])})"

    def _to_legacy_output_shapes(self) -> Any:
        try:
            return self.shape  # type: ignore[attr-defined]
        except AttributeError as error:
            raise NotImplementedError(
                "It appears that the Spec of the ExtensionType is missing a shape property. In order to support "
                "tf.Data, it "
                "is recommended that you implement a shape property on the Spec."
            ) from error


def _deserialized(value_type: Any, serialization: Any) -> Any:
    """Makes a spec again where it was pickled."""
    return value_type.Spec._deserialize(serialization)


def _spec_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    return value._type_spec if hasattr(value, "_type_spec") else value


def _with_dicts(value: Any) -> Any:
    """Returns a field's value with dictionaries in place of immutable mappings."""
    if isinstance(value, dict | ImmutableDict):
        return {key: _with_dicts(item) for key, item in value.items()}
    return tuple([_with_dicts(item) for item in value]) if type(value) is tuple else value


def _without_dicts(value: Any) -> Any:
    if isinstance(value, dict | ImmutableDict):
        return ImmutableDict({key: _without_dicts(item) for key, item in value.items()})
    return tuple([_without_dicts(item) for item in value]) if type(value) is tuple else value


# Batches.


class ExtensionTypeBatchEncoder(TypeSpecBatchEncoder):
    """Says how objects of an extension type are stacked to a batch and taken out of one.

    By default, a batch is an object whose tensors, composite tensors and shapes have one axis more. A type for which
    that does not hold sets ``__batch_encoder__`` to an object of a subclass, whose ``encode`` gives tensors that can be
    stacked.
    """

    def batch(self, spec: Any, batch_size: int | None) -> Any:
        """Returns the spec of a batch of ``batch_size`` objects with ``spec`` (None: of any size)."""

        def change(leaf: Any) -> Any:
            if isinstance(leaf, BatchableTypeSpec):
                return leaf.__batch_encoder__.batch(leaf, batch_size)
            return TensorShape([batch_size]).concatenate(leaf) if isinstance(leaf, TensorShape) else leaf

        return _changed(spec, change)

    def unbatch(self, spec: Any) -> Any:
        """Returns the spec of one object of a batch with ``spec``."""

        def change(leaf: Any) -> Any:
            if isinstance(leaf, BatchableTypeSpec):
                return leaf.__batch_encoder__.unbatch(leaf)
            return leaf[1:] if isinstance(leaf, TensorShape) else leaf

        return _changed(spec, change)

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """Returns an object as what can be stacked: its tensors and composite tensors.

        Args:
          spec: the spec of the object.
          value: the object.
          minimum_rank: the rank that each of them must have at least.
        """
        del minimum_rank
        return spec._to_components(value)

    def decode(self, spec: Any, encoded_value: Any) -> Any:
        """Returns the object with ``spec`` that is encoded so."""
        return spec._from_components(encoded_value)

    def encoding_specs(self, spec: Any) -> Any:
        """Returns the specs of what ``encode`` returns."""
        return spec._component_specs


def _changed(spec: Any, change: Any) -> Any:
    """Returns a spec with ``change`` applied to all in its fields; a shape there is no structure."""
    return _make(
        type(spec), [(name, nest.map_structure(change, value)) for name, value in spec._tf_extension_type_items()]
    )


class BatchableExtensionTypeSpec(ExtensionTypeSpec, BatchableTypeSpec):
    """Is the base of the specs of ``BatchableExtensionType``."""

    __batch_encoder__ = ExtensionTypeBatchEncoder()

    def _batch(self, batch_size: int | None) -> Any:
        return self.__batch_encoder__.batch(self, batch_size)

    def _unbatch(self) -> Any:
        return self.__batch_encoder__.unbatch(self)

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return encoded(self, value)

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        return encoded(self, value, minimum_rank=1)

    def _from_compatible_tensor_list(self, tensor_list: Any) -> Any:
        return decoded(self, tensor_list)

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return encoded_specs(self)


class BatchableExtensionType(ExtensionType):
    """Is an extension type whose objects can be stacked to a batch, as ``tf.map_fn`` takes and returns them.

    >>> import tideflow as tf
    >>> class Fraction(tf.experimental.BatchableExtensionType):
    ...     over: tf.Tensor
    ...     under: tf.Tensor
    >>> batch = Fraction([1, 6], [4, 3])
    >>> tf.map_fn(lambda one: one.over / one.under, batch, fn_output_signature=tf.float64).numpy().tolist()
    [0.25, 2.0]

    See ``tf.experimental.ExtensionTypeBatchEncoder`` for types that are not stacked field by field.
    """

    _tf_extension_type_do_not_transform_this_class = True


# What the metaclass makes.


def _resolve_annotations(cls: Any, frame: Any) -> None:
    """Replaces annotations that are text, as ``from __future__ import annotations`` has it, by what they name where the
    class is made.

    What is not there yet stays text, and is looked up when it is needed.
    """
    for name, annotation in inspect.get_annotations(cls).items():
        if isinstance(annotation, str):
            with contextlib.suppress(Exception):
                cls.__annotations__[name] = eval(annotation, frame.f_globals, frame.f_locals)


def _check_names(cls: Any) -> None:
    """Raises a ``ValueError`` for fields with reserved names, and for attributes without an annotation."""
    annotations = inspect.get_annotations(cls)
    invalid = f"The field annotations for {cls.__name__} are invalid."
    for name, value in cls.__dict__.items():
        if name == "Spec":
            if not isinstance(value, type):
                raise ValueError(f"{cls.__qualname__}.Spec must be a nested class; got {value}.")
            if value.__bases__ not in ((TypeSpec,), (object,)):
                raise ValueError(f"{cls.__qualname__}.Spec must be directly subclassed from tf.TypeSpec.")
        elif is_reserved(name):
            raise ValueError(f"{invalid} Field '{name}' is reserved.")
    for name in annotations:
        if is_reserved(name):
            raise ValueError(f"{invalid} Field '{name}' is reserved.")
    for name, value in cls.__dict__.items():
        known = name in annotations or callable(value) or isinstance(value, property | classmethod | staticmethod)
        special = name.startswith("_abc_") or (name.startswith("__") and name.endswith("__"))
        if not (known or special or name == "_tf_extension_type_fields"):
            raise ValueError(f"{invalid} Field {name} is missing a type annotation.")


def _add_constructor(cls: Any) -> None:
    if "__init__" in cls.__dict__:
        _complete_constructor(cls)
        return
    parameters = []
    kind, seen_default = inspect.Parameter.POSITIONAL_OR_KEYWORD, False
    for field in cls._tf_extension_type_fields():
        if field.default is NO_DEFAULT and seen_default:
            kind = inspect.Parameter.KEYWORD_ONLY  # it must be given, and comes after what need not be
        seen_default |= field.default is not NO_DEFAULT
        default = inspect.Parameter.empty if field.default is NO_DEFAULT else field.default
        parameters.append(inspect.Parameter(field.name, kind, default=default, annotation=field.value_type))
    _make_constructor(cls, parameters)


def _make_constructor(cls: Any, parameters: list[inspect.Parameter]) -> None:
    signature = inspect.Signature(parameters, return_annotation=cls.__name__)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        self._tf_extension_type_convert_fields()
        self.__validate__()

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = inspect.Signature([own, *parameters], return_annotation=cls)  # type: ignore[attr-defined]
    cls.__init__ = __init__


def _complete_constructor(cls: Any) -> None:
    """Has a constructor that the class brought followed by the conversion of what it has set."""
    constructor = cls.__init__

    @functools.wraps(constructor)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        self.__dict__[_IN_CONSTRUCTOR] = True
        constructor(self, *args, **kwargs)
        del self.__dict__[_IN_CONSTRUCTOR]
        self._tf_extension_type_convert_fields()
        self.__validate__()

    cls.__init__ = __init__


def _add_spec(cls: Any) -> None:
    """Makes the class of specs, with what a class ``Spec`` inside brought, and stores it in its place."""
    qualified = f"{cls.__qualname__}.Spec"
    namespace: dict[str, Any] = {"value_type": cls, "__module__": cls.__module__}
    brought = cls.__dict__.get("Spec")
    for name, value in vars(brought).items() if brought is not None else ():
        if is_reserved(name):
            raise ValueError(f"TypeSpec {qualified} uses reserved name '{name}'.")
        if cls._tf_extension_type_has_field(name):
            raise ValueError(
                f"TypeSpec {qualified} defines a variable '{name}' which shadows a field in {cls.__qualname__}"
            )
        if name not in ("__module__", "__dict__", "__weakref__"):
            namespace[name] = value
    base: type = ExtensionTypeSpec
    if issubclass(cls, BatchableExtensionType):
        base = BatchableExtensionTypeSpec
        if hasattr(cls, "__batch_encoder__"):
            namespace.setdefault("__batch_encoder__", cls.__batch_encoder__)
    elif hasattr(cls, "__batch_encoder__") or "__batch_encoder__" in namespace:
        raise ValueError("__batch_encoder__ should only be defined for BatchableExtensionType classes.")
    spec: Any = type(base)(f"{cls.__name__}.Spec", (base,), namespace)
    spec.__qualname__ = qualified
    cls.Spec = spec
    if "__init__" in spec.__dict__:
        _complete_constructor(spec)
    else:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        _make_constructor(spec, [inspect.Parameter(field.name, kind) for field in cls._tf_extension_type_fields()])
    cls.__abstractmethods__ = cls.__abstractmethods__ - {"_type_spec"}
    if "__name__" in cls.__dict__:
        register(f"{cls.__dict__['__name__']}.Spec")(spec)


# Extension types whose class is not known.


class AnonymousExtensionType(ExtensionType):
    """Holds the fields of an extension type of a class that is not known, such as one of a saved function."""

    _tf_extension_type_do_not_transform_this_class = True

    def __init__(self, **fields: Any) -> None:
        _check_anonymous(fields, "AnonymousExtensionType")
        self.__dict__.update({name: _anonymous(value) for name, value in fields.items()})
        super().__init__()

    @classmethod
    def _tf_extension_type_fields(cls) -> Any:
        return tuple([Field(name, None) for name in vars(cls) if not is_reserved(name)])

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Cannot set attribute `{name}`. AnonymousExtensionType instances are immutable.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Cannot delete attribute `{name}`. AnonymousExtensionType instances are immutable.")

    def _tf_extension_type_convert_fields(self) -> None:
        self.__dict__.update({name: _anonymous(value) for name, value in vars(self).items() if not is_reserved(name)})

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in vars(self).items() if not is_reserved(name)]
        return f"AnonymousExtensionType({', '.join(shown)})"

    @property
    def _type_spec(self) -> Any:
        spec = self.__dict__.get(_CACHED_SPEC)
        if spec is None:
            spec = self.__dict__[_CACHED_SPEC] = AnonymousExtensionTypeSpec.from_value(self)
        return spec


@register("tf.AnonymousExtensionType.Spec")
class AnonymousExtensionTypeSpec(ExtensionTypeSpec):
    """Is the spec of an ``AnonymousExtensionType``."""

    value_type = AnonymousExtensionType  # type: ignore[assignment]

    def __init__(self, **fields: Any) -> None:
        _check_anonymous(fields, "AnonymousExtensionTypeSpec")
        self.__dict__.update({name: _anonymous(value, for_spec=True) for name, value in fields.items()})

    def _serialize(self) -> Any:
        return tuple([(name, _with_dicts(value)) for name, value in self._tf_extension_type_items()])

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Cannot set attribute `{name}`. AnonymousExtensionTypeSpec instances are immutable.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Cannot delete attribute `{name}`. AnonymousExtensionTypeSpec instances are immutable.")

    def __reduce__(self) -> Any:
        return _anonymous_spec, (self._serialize(),)


def _anonymous_spec(serialization: Any) -> Any:
    return AnonymousExtensionTypeSpec._deserialize(serialization)


def _check_anonymous(fields: Mapping[str, Any], kind: str) -> None:
    for name in fields:
        if is_reserved(name) or (name.startswith("__") and name.endswith("__")):
            raise ValueError(f"Reserved field name {name} was encountered when trying to instantiate an {kind}.")


def _anonymous(value: Any, for_spec: bool = False) -> Any:
    """Returns a field's value if it is of a kind that fields have."""
    if isinstance(value, int | float | bool | str | bytes | None | DType | TensorShape):
        return value
    if isinstance(value, tuple):
        return tuple([_anonymous(item, for_spec) for item in value])
    if isinstance(value, Mapping):
        return ImmutableDict([(_anonymous(key, for_spec), _anonymous(item, for_spec)) for key, item in value.items()])
    if isinstance(value, TypeSpec if for_spec else Tensor | CompositeTensor):
        return value
    raise ValueError(f"Cannot convert anonymous fields from an unsupported `value` argument: {value!r}.")


def reinterpret(value: Any, new_type: Any) -> Any:
    """Returns the fields of an extension type as an object of another one.

    Args:
      value: an object of an extension type.
      new_type: the class, perhaps ``AnonymousExtensionType``.

    Raises:
      ValueError: one of the two is none.
      TypeError: a field does not fit its annotation in ``new_type``.
    """
    if not isinstance(value, ExtensionType):
        raise ValueError(f"reinterpret expects `value` to be a tf.ExtensionType instance; got {value!r}")
    if not (isinstance(new_type, type) and issubclass(new_type, ExtensionType)):
        raise ValueError(f"reinterpret expects `new_type` to be a subclass of tf.ExtensionType; got {new_type!r}")
    result = _make(new_type, {name: item for name, item in vars(value).items() if not is_reserved(name)})
    result._tf_extension_type_convert_fields()
    result.__validate__()
    return result
