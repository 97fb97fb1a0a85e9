"""Writes ragged tensors as texts, for ``tf.print`` and ``tf.strings.format``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.masking import boolean_mask
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.control import printing
from tideflow._src.ops.dispatch import register
from tideflow._src.ops.ragged.dynamic_ragged_shape import DynamicRaggedShape
from tideflow._src.ops.ragged.handlers import Ragged, RaggedOrDense
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.strings import formatting
from tideflow._src.runtime.convert import convert_to_tensor


def ragged_text(rt: Any, summarize: int | None = None) -> Any:
    """Returns a ragged tensor as a text, a scalar: ``[[1, 2], [], [3]]``.

    Args:
      rt: a ragged tensor.
      summarize: how many elements to show from each end of each row; -1 or None for all.

    Raises:
      ValueError: ``summarize`` is no such number, or the rank is unknown.
    """
    if summarize not in (None, -1) and not (isinstance(summarize, int) and summarize > 0):
        raise ValueError(f"Expected summarize to be -1 or a positive int, got {summarize!r}")
    with name_scope(None, "AsString"):
        if rt.shape.rank is None:
            raise ValueError("RaggedTensor to_string requires that rt.shape.rank is not None.")
        elements = reshape(rt.flat_values, [-1])
        if rt.dtype is dtypes.string:
            escaped = raw.RegexReplace(elements, r"(['\\])", r"\\\1")
            texts = raw.StringJoin(["'", escaped, "'"])
        else:
            texts = raw.AsString(elements)
        partitions = DynamicRaggedShape.from_tensor(rt, dtype=rt.row_splits.dtype)._as_row_partitions()
        for partition in reversed(partitions):
            texts = _joined(texts, partition, summarize)
        whole = RowPartition.from_uniform_row_length(partitions[0].nrows(), nrows=1, validate=False)
        return reshape(_joined(texts, whole, summarize), [])


def _joined(texts: Any, partition: RowPartition, summarize: int | None) -> Any:
    """Returns the text of each row of texts."""
    rows = partition.value_rowids()
    if summarize not in (None, -1):
        offsets, lengths = partition.offsets_in_rows(), raw.GatherV2(partition.row_lengths(), rows, np.int32(0))
        limit = convert_to_tensor(summarize, partition.dtype)
        left_out = raw.LogicalAnd(raw.GreaterEqual(offsets, limit), raw.Less(offsets, raw.Sub(lengths, limit)))
        texts = where_v2(left_out, "...", texts)
        kept = raw.LogicalOr(raw.LogicalNot(left_out), raw.Equal(offsets, limit))
        texts, rows = boolean_mask(texts, kept), boolean_mask(rows, kept)
    joined = raw.UnsortedSegmentJoin(texts, rows, partition.nrows(), separator=", ")
    return raw.StringJoin(["[", joined, "]"])


def formatted(texts: Sequence[str], inputs: Sequence[Any], summarize: int | None) -> Any:
    """Returns texts with an input between each two of them, a scalar."""
    pieces: list[Any] = [texts[0]]
    for item, text in zip(inputs, texts[1:], strict=True):
        if is_ragged(item):
            pieces.append(ragged_text(convert_to_tensor_or_ragged_tensor(item), summarize))
        else:
            shown = -1 if summarize is None else summarize
            pieces.append(
                printing.string_format([convert_to_tensor(item)], template="{}", placeholder="{}", summarize=shown)
            )
        pieces.append(text)
    return raw.StringJoin(pieces)


def ragged_string_format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Any:
    """Writes tensors and ragged tensors into a template.

    Raises:
      ValueError: the template has another number of placeholders than there are tensors.
    """
    if isinstance(inputs, Tensor) or is_ragged(inputs):
        inputs = [inputs]
    texts = template.split(placeholder)
    if len(inputs) != len(texts) - 1:
        raise ValueError(f"num placeholders in template and num inputs must match: {len(texts) - 1} vs {len(inputs)}")
    with name_scope(name, "StringFormat"):
        return formatted(texts, inputs, summarize)


printing.register_writer((RaggedTensor, RaggedTensorValue), formatted)
register(formatting.format, ragged_string_format, {"inputs": list[RaggedOrDense]}, {"inputs": Ragged})  # type: ignore[valid-type]
