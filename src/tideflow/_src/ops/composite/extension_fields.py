"""The fields of extension types: which annotations they may have, and what values become of what users give."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec
from tideflow._src.runtime.convert import convert_to_tensor

#: Names that no field may have, since the classes of values and specs have them.
RESERVED = frozenset(
    """
    self Spec _type_spec _shape_invariant_to_type_spec _consumers value_type is_compatible_with
    most_specific_compatible_type _with_tensor_ranks_only _to_components _from_components _component_specs
    _to_tensor_list _from_tensor_list _from_compatible_tensor_list _flat_tensor_specs _serialize _deserialize
    _to_legacy_output_types _to_legacy_output_shapes _to_legacy_output_classes _keras_mask
    """.split()
)

_SIMPLE = (int, float, str, bytes, bool, types.NoneType)


class _NoDefault:
    def __repr__(self) -> str:
        return "ExtensionTypeField.NO_DEFAULT"


NO_DEFAULT: Any = _NoDefault()


class ImmutableDict(Mapping[Any, Any]):
    """Is a mapping that cannot be changed: what a field that was given a dictionary holds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._dict = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._dict[key]

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Any]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __repr__(self) -> str:
        return f"ImmutableDict({self._dict})"

    __supported_by_tf_nest__ = True


class Purpose(enum.Enum):
    """Says what a value is converted for."""

    VALUE = "a field"
    SPEC = "the field of a spec"
    DEFAULT = "the default of a field"


class Field(NamedTuple):
    """Is one field of an extension type."""

    name: str
    value_type: Any
    default: Any = NO_DEFAULT


def make_field(name: str, annotation: Any, default: Any = NO_DEFAULT) -> Field:
    """Returns a field.

    Raises:
      TypeError: the annotation is none that a field can have, or the default does not fit it.
    """
    try:
        check_annotation(annotation)
    except TypeError as error:
        raise TypeError(f"In field {name!r}: {error}") from error
    if default is not NO_DEFAULT:
        default = convert(default, annotation, (f"default value for {name}",), Purpose.DEFAULT)
    return Field(name, annotation, default)


def is_reserved(name: str) -> bool:
    """Tells whether no field may have this name."""
    return name in RESERVED or name.lower().startswith("_tf_extension_type")


def _is_composite_class(annotation: Any) -> bool:
    return (
        isinstance(annotation, type)
        and typing.get_origin(annotation) is None
        and issubclass(annotation, CompositeTensor)
    )


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _is_mapping(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return isinstance(origin, type) and origin.__module__ == "collections.abc" and origin.__name__ == "Mapping"


def _is_plain(annotation: Any) -> bool:
    return any(annotation is item for item in (*_SIMPLE, None, DType))


def check_annotation(annotation: Any, in_key: bool = False) -> None:
    """Raises a ``TypeError`` unless a field can have the annotation; names of classes that are not there yet are
    fine."""
    if isinstance(annotation, str | typing.ForwardRef) or _is_plain(annotation):
        return
    if annotation is Tensor or annotation is TensorShape or _is_composite_class(annotation):
        if in_key:
            raise TypeError(f"Mapping had a key {annotation.__name__!r} with type {type(annotation).__name__!r}")
        return
    inside = typing.get_args(annotation)
    if inside and (typing.get_origin(annotation) is tuple or _is_union(annotation)):
        for item in inside[:1] if _is_endless(annotation) else inside:
            check_annotation(item, in_key)
        return
    if inside and _is_mapping(annotation):
        check_annotation(inside[0], True)
        check_annotation(inside[1], in_key)
        return
    shown = annotation.__name__ if isinstance(annotation, type) and not inside else annotation
    raise TypeError(f"Unsupported type annotation {shown!r}")


def _is_endless(annotation: Any) -> bool:
    """Tells whether an annotation is ``tuple[X, ...]``."""
    inside = typing.get_args(annotation)
    return typing.get_origin(annotation) is tuple and len(inside) == 2 and inside[1] is Ellipsis


def convert_fields(fields: Sequence[Field], values: dict[str, Any], purpose: Purpose) -> None:
    """Converts the values of all fields in place.

    Raises:
      ValueError: there are values without a field, or fields without a value.
      TypeError: a value does not fit its field.
    """
    names = {field.name for field in fields}
    if values.keys() - names:
        raise ValueError(f"Got unexpected fields: {set(values) - names}")
    if names - values.keys():
        raise ValueError(f"Missing required fields: {names - set(values)}")
    values.update(
        {field.name: convert(values[field.name], field.value_type, (field.name,), purpose) for field in fields}
    )


def convert(value: Any, annotation: Any, path: tuple[str, ...], purpose: Purpose = Purpose.VALUE) -> Any:
    """Returns a value as its annotation asks.

    Args:
      value: the value.
      annotation: the annotation.
      path: the parts of the name of the value in messages.
      purpose: what the value is for.

    Raises:
      TypeError: it does not fit.
    """
    where = "".join(path)
    kind = type(value).__name__
    if annotation is None:
        annotation = types.NoneType
    if annotation is Tensor:
        return _tensor(value, where, purpose)
    if _is_composite_class(annotation):
        return _composite(value, annotation, where, purpose)
    if annotation is TensorShape or annotation is DType:
        try:
            return as_shape(value) if annotation is TensorShape else dtypes.as_dtype(value)
        except TypeError as error:
            raise TypeError(f"{where}: expected 'tf.{annotation.__name__}', got {kind!r}") from error
    if annotation in _SIMPLE:
        if not isinstance(value, annotation):
            raise TypeError(f"{where}: expected {annotation.__name__!r}, got {kind!r}")
        return value
    inside = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        return _tuple(value, annotation, path, purpose)
    if _is_mapping(annotation):
        if not isinstance(value, Mapping):
            raise TypeError(f"{where}: expected mapping, got {kind!r}")
        return ImmutableDict(
            [
                (
                    convert(key, inside[0], (*path, "[<key>]"), purpose),
                    convert(item, inside[1], (*path, f"[{key!r}]"), purpose),
                )
                for key, item in value.items()
            ]
        )
    if _is_union(annotation):
        for option in inside:
            try:
                return convert(value, option, path, purpose)
            except TypeError:
                continue
        raise TypeError(f"{where}: expected {annotation!r}, got {kind!r}")
    raise TypeError(f"{where}: Unsupported type annotation {annotation!r}")


def _tensor(value: Any, where: str, purpose: Purpose) -> Any:
    kind = type(value).__name__
    if purpose is Purpose.SPEC:
        if not (isinstance(value, TypeSpec) and value.value_type is Tensor):
            raise TypeError(f"{where}: expected a TensorSpec, got {kind!r}")
        return value
    if isinstance(value, Tensor) or purpose is Purpose.DEFAULT:
        return value
    try:
        return convert_to_tensor(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{where}: expected a Tensor, got {kind!r}") from error


def _composite(value: Any, annotation: Any, where: str, purpose: Purpose) -> Any:
    kind = type(value).__name__
    if purpose is Purpose.SPEC:
        fits = isinstance(value, TypeSpec) and isinstance(value.value_type, type)
        if not (fits and issubclass(value.value_type, annotation)):
            raise TypeError(f"{where}: expected a TypeSpec for {annotation.__name__!r}, got {kind!r}")
    elif not isinstance(value, annotation):
        raise TypeError(f"{where}: expected {annotation.__name__!r}, got {kind!r}")
    return value


def _tuple(value: Any, annotation: Any, path: tuple[str, ...], purpose: Purpose) -> tuple[Any, ...]:
    where, kind = "".join(path), type(value).__name__
    if not isinstance(value, Sequence):
        raise TypeError(f"{where}: expected tuple, got {kind!r}")
    inside = typing.get_args(annotation)
    wanted = inside[:1] * len(value) if _is_endless(annotation) else inside
    if len(value) != len(wanted):
        raise TypeError(f"{where}: expected tuple with length {len(wanted)}, got {kind!r})")
    pairs = zip(value, wanted, strict=True)
    return tuple([convert(item, one, (*path, f"[{position}]"), purpose) for position, (item, one) in enumerate(pairs)])
