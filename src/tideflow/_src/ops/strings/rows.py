"""``tf.strings.split``, ``bytes_split``, ``unicode_split`` and ``unicode_decode``: a row of parts for each string."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.ops.strings.splitting import bytes_of, parts_of, string_split_op, string_split_v2_op
from tideflow._src.ops.strings.unicode import (
    unicode_decode_op,
    unicode_decode_with_offsets_op,
    unicode_encode,
)
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor

_REPLACEMENT = 0xFFFD


def _rows(indices: Any, values: Any, shape: Any) -> Any:
    """Returns the components of a sparse matrix whose rows have no gaps as a ragged one."""
    return RaggedTensor.from_value_rowids(
        values, raw.GatherV2(indices, 0, 1), raw.GatherV2(shape, 0, 0), validate=False
    )


def _is_at_hand(tensor: Any) -> bool:
    """Whether a tensor is strings that can be split here and now, without the indices of a sparse tensor."""
    return isinstance(tensor, EagerTensor) and tensor.dtype is dtypes.string and context.executing_eagerly()


def _rows_of(lengths: Any, values: Any) -> Any:
    splits = np.zeros(lengths.size + 1, np.int64)
    np.cumsum(lengths, out=splits[1:])
    parts = values if isinstance(values, np.ndarray) else array_of(values, (len(values),))
    return RaggedTensor.from_row_splits(wrap(parts), wrap(splits), validate=False)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """Splits strings into single bytes.

    Args:
      input: a string tensor of known rank ``n``, or a ragged one.
      name: the name of the operation.

    Returns:
      A ``RaggedTensor`` of rank ``n + 1``; for a scalar a vector.

    Raises:
      ValueError: the rank is not known.

    >>> import tideflow as tf
    >>> tf.strings.bytes_split(["hi", "you"]).to_list()
    [[b'h', b'i'], [b'y', b'o', b'u']]
    """
    with name_scope(name, "StringsByteSplit", [input]):
        return _bytes_split(convert_to_tensor_or_ragged_tensor(input, name="input"))


def _bytes_split(input: Any) -> Any:
    if is_ragged(input):
        return input.with_flat_values(_bytes_split(input.flat_values))
    shape = known_shape(input)
    if shape is None:
        raise ValueError("input must have a statically-known rank.")
    if len(shape) == 0:
        return string_split_op(raw.ExpandDims(input, 0), "", skip_empty=False).values
    if len(shape) == 1:
        if _is_at_hand(input):
            return _rows_of(*bytes_of(items_of(input._value)))
        return _rows(*string_split_op(input, "", skip_empty=False))
    return _bytes_split(RaggedTensor.from_tensor(input))


def split(input: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """Splits strings at a separator as Python's ``str.split`` does.

    Args:
      input: a string tensor of rank ``n``, or a ragged one.
      sep: the separator; None or ``""`` splits at white space.
      maxsplit: how often to split at most; as often as possible if negative.
      name: the name of the operation.

    Returns:
      A ``RaggedTensor`` of rank ``n + 1``; for a scalar a vector.

    >>> import tideflow as tf
    >>> tf.strings.split(["a b", "c"]).to_list()
    [[b'a', b'b'], [b'c']]
    """
    with name_scope(name, "StringSplit", [input]):
        input = convert_to_tensor_or_ragged_tensor(input, dtype=dtypes.string, name="input")
        separator = convert_to_tensor("" if sep is None else sep, dtype="string")
        return _split(input, separator, maxsplit)


def _split(input: Any, separator: Any, maxsplit: int) -> Any:
    if is_ragged(input):
        return input.with_flat_values(_split(input.flat_values, separator, maxsplit))
    shape = known_shape(input)
    if shape is not None and len(shape) == 0:
        return string_split_v2_op(raw.ExpandDims(input, 0), separator, maxsplit=maxsplit).values
    if shape is None or len(shape) == 1:
        if _is_at_hand(input) and _is_at_hand(separator) and separator.shape.rank == 0 and isinstance(maxsplit, int):
            return _rows_of(*parts_of(items_of(input._value), items_of(separator._value)[0], maxsplit))
        return _rows(*string_split_v2_op(input, separator, maxsplit=maxsplit))
    return _split(RaggedTensor.from_tensor(input), separator, maxsplit)


def split_v1(
    input: Any = None,
    sep: Any = None,
    maxsplit: int = -1,
    result_type: str = "SparseTensor",
    source: Any = None,
    name: str | None = None,
) -> Any:
    """Splits strings at a separator as Python's ``str.split`` does.

    Args:
      input: strings of any shape, or a ragged tensor.
      sep: the separator; None or ``""`` splits at white space.
      maxsplit: how often to split at most; as often as possible if negative.
      result_type: ``"SparseTensor"`` or ``"RaggedTensor"``.
      source: another name of ``input``.
      name: the name of the operation.

    Returns:
      A sparse or ragged tensor of shape ``input.shape + [parts]``; of a scalar, ``[1, parts]``.

    Raises:
      ValueError: both ``input`` and ``source`` are given or neither is, or the result type is none of these.
    """
    if source is not None:
        if input is not None:
            raise ValueError("Cannot specify both 'source' and 'input'.")
        input = source
    if input is None:
        raise ValueError("Argument 'input' must be specified.")
    with name_scope(name, "StringSplit", [input]):
        input = convert_to_tensor_or_ragged_tensor(input, dtype=dtypes.string, name="input")
        separator = convert_to_tensor("" if sep is None else sep, dtype="string")
        shape = None if is_ragged(input) else known_shape(input)
        if shape is not None and len(shape) == 0:
            input = raw.ExpandDims(input, 0)
        if result_type == "SparseTensor":
            if is_ragged(input):
                return _split(input, separator, maxsplit).to_sparse()
            if shape is None or len(shape) < 2:
                return SparseTensor(*string_split_v2_op(input, separator, maxsplit=maxsplit))
            parts = SparseTensor(*string_split_v2_op(raw.Reshape(input, [-1]), separator, maxsplit=maxsplit))
            sizes = raw.Shape(input, out_type=dtypes.int64)
            places = raw.Transpose(raw.UnravelIndex(raw.GatherV2(parts.indices, 0, 1), sizes), [1, 0])
            places = raw.ConcatV2([places, raw.GatherV2(parts.indices, [1], 1)], 1)
            return SparseTensor(places, parts.values, raw.ConcatV2([sizes, raw.GatherV2(parts.dense_shape, [1], 0)], 0))
        if result_type == "RaggedTensor":
            return _split(input, separator, maxsplit)
        raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


def string_split(
    source: Any,
    sep: Any = None,
    skip_empty: bool = True,
    delimiter: Any = None,
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> Any:
    """Splits strings at each of some characters.

    Args:
      source: a vector of strings.
      sep: the characters, a space by default; ``""`` splits into single bytes.
      skip_empty: whether to leave out empty parts.
      delimiter: another name of ``sep``.
      result_type: ``"SparseTensor"`` or ``"RaggedTensor"``.
      name: the name of the operation.

    Returns:
      A sparse tensor of shape ``[source.shape[0], the most parts]``, or a ragged one with the same rows.

    Raises:
      ValueError: both ``sep`` and ``delimiter`` are given, or the result type is none of these.
    """
    if delimiter is not None:
        if sep is not None:
            raise ValueError("Cannot specify both 'delimiter' and 'sep'.")
        sep = delimiter
    with name_scope(name, "StringSplit", [source]):
        sep = convert_to_tensor(" " if sep is None else sep, dtype="string")
        source = convert_to_tensor(source, dtype="string")
        parts = string_split_op(source, sep, skip_empty=skip_empty)
        if result_type == "SparseTensor":
            return SparseTensor(*parts)
        if result_type == "RaggedTensor":
            return _rows(*parts)
        raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


def unicode_decode(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Decodes each string into a row of code points.

    Args:
      input: a string tensor of known rank ``n``, or a ragged one.
      input_encoding: the name of a character set, such as ``"UTF-8"`` or ``"ISO-8859-1"``.
      errors: what to do with malformed bytes: ``"replace"``, ``"ignore"``, or fail (``"strict"``).
      replacement_char: the code point that replaces them.
      replace_control_characters: whether to replace the control characters of ASCII too.
      name: the name of the operation.

    Returns:
      An int32 ``RaggedTensor`` of rank ``n + 1``; for a scalar a vector.

    Raises:
      ValueError: the rank is not known.
      InvalidArgumentError: an unknown encoding, or malformed bytes if ``errors`` is ``"strict"``.

    >>> import tideflow as tf
    >>> tf.strings.unicode_decode(["hi", "ö"], "UTF-8").to_list()
    [[104, 105], [246]]
    """
    with name_scope(name, "UnicodeDecode", [input]):
        policy = (input_encoding, errors, replacement_char, replace_control_characters)
        return _decoded(input, policy, with_offsets=False)[0]


def unicode_decode_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Decodes each string into a row of code points, and says at which byte each character begins.

    Args:
      input: a string tensor of known rank ``n``, or a ragged one.
      input_encoding: the name of a character set, such as ``"UTF-8"`` or ``"ISO-8859-1"``.
      errors: what to do with malformed bytes: ``"replace"``, ``"ignore"``, or fail (``"strict"``).
      replacement_char: the code point that replaces them.
      replace_control_characters: whether to replace the control characters of ASCII too.
      name: the name of the operation.

    Returns:
      Two ragged tensors of rank ``n + 1`` (for a scalar, vectors): code points (int32), and where they begin (int64).

    Raises:
      ValueError: the rank is not known.
      InvalidArgumentError: an unknown encoding, or malformed bytes if ``errors`` is ``"strict"``.

    >>> import tideflow as tf
    >>> tf.strings.unicode_decode_with_offsets(["öh"], "UTF-8")[1].to_list()
    [[0, 2]]
    """
    with name_scope(name, "UnicodeDecodeWithOffsets", [input]):
        policy = (input_encoding, errors, replacement_char, replace_control_characters)
        return _decoded(input, policy, with_offsets=True)


def unicode_split(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    name: str | None = None,
) -> Any:
    """Splits each string into its characters.

    Args:
      input: a string tensor of known rank ``n``, or a ragged one.
      input_encoding: ``"UTF-8"``, ``"UTF-16-BE"`` or ``"UTF-32-BE"``, which the characters are in, too.
      errors: what to do with malformed bytes: ``"replace"``, ``"ignore"``, or fail (``"strict"``).
      replacement_char: the code point that replaces them.
      name: the name of the operation.

    Returns:
      A ``RaggedTensor`` of strings of rank ``n + 1``; for a scalar a vector.

    Raises:
      ValueError: the rank is not known.
      InvalidArgumentError: an unknown encoding, or malformed bytes if ``errors`` is ``"strict"``.

    >>> import tideflow as tf
    >>> tf.strings.unicode_split(["hö"], "UTF-8").to_list()
    [[b'h', b'\\xc3\\xb6']]
    """
    with name_scope(name, "UnicodeSplit", [input]):
        points = _decoded(input, (input_encoding, errors, replacement_char, False), with_offsets=False)[0]
        return _characters(points, input_encoding, errors, replacement_char)


def unicode_split_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Splits each string into its characters, and says at which byte each begins.

    Args:
      input: a string tensor of known rank ``n``, or a ragged one.
      input_encoding: ``"UTF-8"``, ``"UTF-16-BE"`` or ``"UTF-32-BE"``, which the characters are in, too.
      errors: what to do with malformed bytes: ``"replace"``, ``"ignore"``, or fail (``"strict"``).
      replacement_char: the code point that replaces them.
      name: the name of the operation.

    Returns:
      Two ragged tensors of rank ``n + 1`` (for a scalar, vectors): the characters, and where they begin (int64).

    Raises:
      ValueError: the rank is not known.
      InvalidArgumentError: an unknown encoding, or malformed bytes if ``errors`` is ``"strict"``.

    >>> import tideflow as tf
    >>> tf.strings.unicode_split_with_offsets(["öh"], "UTF-8")[1].to_list()
    [[0, 2]]
    """
    with name_scope(name, "UnicodeSplitWithOffsets", [input]):
        points, starts = _decoded(input, (input_encoding, errors, replacement_char, False), with_offsets=True)
        return _characters(points, input_encoding, errors, replacement_char), starts


def _characters(points: Any, encoding: str, errors: str, replacement: int) -> Any:
    """Returns code points as strings of one character each."""
    if is_ragged(points):
        return points.with_flat_values(_characters(points.flat_values, encoding, errors, replacement))
    return unicode_encode(raw.ExpandDims(points, -1), encoding, errors, replacement)


def _decoded(input: Any, policy: tuple[str, str, int, bool], with_offsets: bool) -> tuple[Any, Any]:
    """Returns the code points, and the bytes at which they begin or None."""
    input = convert_to_tensor_or_ragged_tensor(input, name="input")
    rank = input.shape.ndims
    if rank is None:
        raise ValueError("Rank of `input` must be statically known.")
    if rank > 1:
        if not is_ragged(input):
            input = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
        elif input.ragged_rank < rank - 1:
            inner = RaggedTensor.from_tensor(input.flat_values, ragged_rank=rank - input.ragged_rank - 1)
            input = input.with_flat_values(inner)
    strings = input.flat_values if is_ragged(input) else raw.Reshape(input, [-1]) if rank == 0 else input
    encoding, errors, replacement, controls = policy
    decode = unicode_decode_with_offsets_op if with_offsets else unicode_decode_op
    found = decode(
        strings,
        input_encoding=encoding,
        errors=errors,
        replacement_char=replacement,
        replace_control_characters=controls,
    )

    def as_rows(values: Any) -> Any:
        if rank == 0:
            return values
        rows = RaggedTensor.from_row_splits(values, found.row_splits, validate=False)
        return input.with_flat_values(rows) if is_ragged(input) else rows

    return as_rows(found.char_values), as_rows(found.char_to_byte_starts) if with_offsets else None
