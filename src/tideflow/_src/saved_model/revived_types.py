"""Which classes objects of a SavedModel are made of, by the identifier that was saved."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.graph import protos
from tideflow._src.saved_model.signature_map import _SignatureMap
from tideflow._src.saved_model.user_objects import new_user_object
from tideflow._src.state.tracked_structures import ListWrapper, _DictWrapper, _TupleWrapper


class VersionedTypeRegistration:
    """Says how objects of a kind are made, for a range of versions of what was saved.

    Args:
      object_factory: makes an object of a ``SavedUserObject``.
      version: the version of this registration, which is saved.
      min_producer_version: the oldest version that it can load.
      min_consumer_version: the oldest version that can load what it saves.
      bad_consumers: versions that cannot.
      setter: gives an object a child; ``setattr`` by default.
    """

    def __init__(
        self,
        object_factory: Callable[[Any], Any],
        version: int,
        min_producer_version: int,
        min_consumer_version: int,
        bad_consumers: Sequence[int] | None = None,
        setter: Callable[[Any, str, Any], Any] = setattr,
    ) -> None:
        self.setter = setter
        self.identifier: str | None = None
        self._object_factory = object_factory
        self.version = version
        self._min_producer_version = min_producer_version
        self._min_consumer_version = min_consumer_version
        self._bad_consumers = list(bad_consumers or ())

    def to_proto(self) -> Any:
        """Returns the ``SavedUserObject`` of an object."""
        message = protos.get("SavedUserObject")(identifier=self.identifier)
        message.version.producer = self.version
        message.version.min_consumer = self._min_consumer_version
        message.version.bad_consumers.extend(self._bad_consumers)
        return message

    def from_proto(self, proto: Any) -> Any:
        """Returns a new object."""
        return self._object_factory(proto)

    def should_load(self, proto: Any) -> bool:
        """Tells whether this registration can load what was saved."""
        return (
            proto.identifier == self.identifier
            and self.version >= proto.version.min_consumer
            and proto.version.producer >= self._min_producer_version
            and self.version not in proto.version.bad_consumers
        )


_registered: dict[str, tuple[Callable[[Any], bool], list[VersionedTypeRegistration]]] = {}


def register_revived_type(
    identifier: str, predicate: Callable[[Any], bool], versions: list[VersionedTypeRegistration]
) -> None:
    """Registers how objects of a kind are saved and loaded.

    Args:
      identifier: what the kind is called in SavedModels.
      predicate: tells of an object whether it is of the kind.
      versions: the registrations.

    Raises:
      AssertionError: there are none, or two of one version.
    """
    if not versions:
        raise AssertionError("Need at least one version of a registered type.")
    ordered = sorted(versions, key=lambda each: each.version, reverse=True)
    if len({each.version for each in ordered}) < len(ordered):
        raise AssertionError(f"Got multiple registrations with one version for type {identifier}.")
    for each in ordered:
        each.identifier = identifier
    _registered[identifier] = predicate, ordered


def registered_identifiers() -> Any:
    """Returns the identifiers of all kinds."""
    return _registered.keys()


def get_setter(proto: Any) -> Any:
    """Returns what gives an object of a ``SavedUserObject`` its children; None if its kind is not registered."""
    found = _registration(proto)
    return None if found is None else found.setter


def _registration(proto: Any) -> VersionedTypeRegistration | None:
    _, versions = _registered.get(proto.identifier, (None, []))
    return next((each for each in versions if each.should_load(proto)), None)


def revived(proto: Any) -> tuple[Any, Callable[[Any, str, Any], Any]]:
    """Returns a new object of a ``SavedUserObject``, and what gives it its children."""
    found = _registration(proto)
    if found is None:
        return new_user_object(), setattr
    return found.from_proto(proto), found.setter


def saved_user_object(value: Any) -> Any:
    """Returns the ``SavedUserObject`` of an object."""
    for predicate, versions in _registered.values():
        if predicate(value):
            return versions[0].to_proto()
    message = protos.get("SavedUserObject")(identifier=value._object_identifier)
    message.version.producer = message.version.min_consumer = 1
    return message


def _set_item(wrapper: Any, name: str, value: Any) -> None:
    """Puts an element into a list, at its position; a gap is filled with None. Other attributes are no elements."""
    if not (name.isascii() and name.isdigit()):
        return
    position = int(name)
    if position > 1 << 20:
        raise AttributeError(f"{name} is no position in a list")
    while len(wrapper) <= position:
        wrapper.append(None)
    wrapper[position] = value
    wrapper._non_append_mutation = False


def _register(identifier: str, kind: type, make: Callable[[Any], Any], setter: Callable[[Any, str, Any], Any]) -> None:
    register_revived_type(
        identifier,
        lambda value: isinstance(value, kind),
        [VersionedTypeRegistration(make, 1, 1, 1, setter=setter)],
    )


_register("signature_map", _SignatureMap, lambda proto: _SignatureMap(), _SignatureMap._add_signature)
_register("trackable_dict_wrapper", _DictWrapper, lambda proto: _DictWrapper({}), operator.setitem)
_register("trackable_list_wrapper", ListWrapper, lambda proto: ListWrapper([]), _set_item)
# A tuple is loaded as a list, since its elements come one by one.
_register("trackable_tuple_wrapper", _TupleWrapper, lambda proto: ListWrapper([]), _set_item)
