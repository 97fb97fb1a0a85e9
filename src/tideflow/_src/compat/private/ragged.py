"""Private functions of TensorFlow over ragged tensors, by their names there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.ragged.text import ragged_text


def assert_splits_match(nested_splits_lists: Sequence[Sequence[Any]]) -> list[Any]:
    """Asserts that ragged tensors have the same rows, given the row splits of all levels of each.

    Returns:
      The operations that assert, in a graph; a list of None eagerly.

    Raises:
      ValueError: they have different numbers of levels.
      InvalidArgumentError: rows differ.
    """
    message = "Inputs must have identical ragged splits"
    first, *others = nested_splits_lists
    for splits in others:
        if len(splits) != len(first):
            raise ValueError(message)
    return [
        assert_equal(mine, theirs, message=message)
        for splits in others
        for mine, theirs in zip(first, splits, strict=True)
    ]


def ragged_tensor_to_string(rt: Any, summarize: int | None = None) -> Any:
    """Returns a ragged tensor as a text, a scalar; see ``tf.strings.format``."""
    return ragged_text(rt, summarize)
