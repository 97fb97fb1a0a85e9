"""Defines the map of signatures that a loaded SavedModel has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tideflow._src.state.trackable import Trackable


class _SignatureMap(Mapping[str, Any], Trackable):
    """Maps the names of signatures to concrete functions; it does not change once a SavedModel is loaded."""

    def __init__(self) -> None:
        self._signatures: dict[str, Any] = {}

    def _add_signature(self, name: str, concrete_function: Any) -> None:
        self._signatures[name] = concrete_function

    def __getitem__(self, key: str) -> Any:
        return self._signatures[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._signatures)

    def __len__(self) -> int:
        return len(self._signatures)

    def __repr__(self) -> str:
        return f"_SignatureMap({self._signatures})"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return dict(self._signatures) if save_type == "savedmodel" else {}


def create_signature_map(signatures: Mapping[str, Any]) -> _SignatureMap:
    """Returns a map of signatures, given as concrete functions by name."""
    made = _SignatureMap()
    for name, function in signatures.items():
        made._add_signature(name, function)
    return made
