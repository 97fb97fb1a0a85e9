"""Joins the strings of ragged tensors."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.ragged.functional import map_flat_values
from tideflow._src.ops.ragged.reductions import reduced
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.strings import joining


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Joins the strings of ragged tensors with the same rows, element by element."""
    with name_scope(name, "RaggedStringJoin"):
        return map_flat_values(joining.string_join, list(inputs), separator)


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: Any = None, separator: str = "", name: str | None = None
) -> Any:
    """Joins the strings of a ragged tensor along dimensions."""

    def whole(tensor: Any, axis: Any, keepdims: Any = None) -> Any:
        return joining.reduce_join(tensor, axis, bool(keepdims), separator)

    def by_segment(tensor: Any, ids: Any, count: Any) -> Any:
        return joining.unsorted_segment_join(tensor, ids, count, separator)

    return reduced(whole, by_segment, inputs, axis, keepdims, name)
