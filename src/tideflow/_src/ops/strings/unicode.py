"""``tf.strings.unicode_encode``, ``unicode_transcode`` and ``unicode_script``, and the decoding operations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, merge_dimensions, size_of
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import is_ragged
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.strings.decoding import Policy, codec_of, decoded
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.runtime.op import op

_SPLITS = default("int64", ("int32", "int64"))
_CODECS = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be"}
_REPLACEMENT = 0xFFFD


def _row_splits(lengths: Any, dtype: DType) -> Any:
    result = np.zeros(lengths.size + 1, np.dtype(dtype.as_numpy_dtype))
    np.cumsum(lengths, out=result[1:])
    return result


@op(
    "UnicodeDecode",
    "input: string -> row_splits: Tsplits, char_values: int32",
    tier="host",
    differentiable="missing",
    Tsplits=_SPLITS,
)
def unicode_decode_op(
    input,
    *,
    input_encoding: str,
    errors: Literal["strict", "replace", "ignore"] = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    Tsplits: DType,
):
    """Decodes strings into the rows of a ragged matrix of code points."""
    policy = Policy(errors, replacement_char, replace_control_characters)
    lengths, points, _ = decoded(items_of(input), codec_of(input_encoding), policy)
    return _row_splits(lengths, Tsplits), points


@op(
    "UnicodeDecodeWithOffsets",
    "input: string -> row_splits: Tsplits, char_values: int32, char_to_byte_starts: int64",
    tier="host",
    differentiable="missing",
    Tsplits=_SPLITS,
)
def unicode_decode_with_offsets_op(
    input,
    *,
    input_encoding: str,
    errors: Literal["strict", "replace", "ignore"] = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    Tsplits: DType,
):
    """Decodes strings into rows of code points, and says at which byte each character starts."""
    policy = Policy(errors, replacement_char, replace_control_characters)
    lengths, points, starts = decoded(items_of(input), codec_of(input_encoding), policy)
    return _row_splits(lengths, Tsplits), points, starts


def _splits_shape(input: Any) -> Any:
    count = None if input is None else size_of(input)
    return (None if count is None else count + 1,)


@unicode_decode_op.shape
def _unicode_decode_shape(input):
    return _splits_shape(input), (None,)


@unicode_decode_with_offsets_op.shape
def _unicode_decode_with_offsets_shape(input):
    return _splits_shape(input), (None,), (None,)


@op(
    "UnicodeEncode",
    "input_values: int32, input_splits: Tsplits -> output: string",
    tier="host",
    differentiable="missing",
    Tsplits=_SPLITS,
)
def unicode_encode_op(
    input_values,
    input_splits,
    *,
    errors: Literal["ignore", "replace", "strict"] = "replace",
    output_encoding: Literal["UTF-8", "UTF-16-BE", "UTF-32-BE"],
    replacement_char: int = _REPLACEMENT,
):
    """Encodes the rows of a ragged matrix of code points."""
    if np.ndim(input_values) != 1 or np.ndim(input_splits) != 1:
        raise invalid_argument(
            f"Both the input_tensor and input_splits should be of rank 1, but have {np.ndim(input_values)} and "
            f"{np.ndim(input_splits)}"
        )
    Policy(errors, replacement_char, False)
    splits = np.asarray(input_splits)
    if not splits.size:
        raise invalid_argument("Input_splits should contain elements, but given input_values has 0 elements")
    if splits[0] != 0:
        raise invalid_argument(f"First value in input_splits must be zero, but is {splits[0]}.")
    if splits[-1] != len(input_values):
        raise invalid_argument(
            f"Last value in input_splits must be equal to length of input_tensor, {len(input_values)}, but is "
            f"{splits[-1]}."
        )
    if (np.diff(splits) < 0).any():
        raise invalid_argument(
            f"Values in input_splits must be equal or in ascending order, but are {splits.tolist()}."
        )
    points = np.asarray(input_values)
    bad = _unusable(points)
    if bad.any():
        if errors == "strict":
            raise invalid_argument(
                f"Code point is out of range for Unicode, or is a surrogate: {points[bad][0]} at place "
                f"{np.flatnonzero(bad)[0]}"
            )
        if errors == "ignore":
            splits = splits - np.append(0, np.cumsum(bad))[splits]
            points = points[~bad]
        else:
            points = np.where(bad, replacement_char, points)
    codec = _CODECS[output_encoding]
    if points.size == splits.size - 1 and points.size > 256 and (np.diff(splits) == 1).all():
        return _single_characters(points, codec)
    return array_of(_encoded(points, splits, codec), (splits.size - 1,))


def _unusable(points: Any) -> Any:
    return (points < 0) | (points > 0x10FFFF) | ((points >= 0xD800) & (points < 0xE000))


def _single_characters(points: Any, codec: str) -> Any:
    """Returns strings of one character each: a string for each that occurs."""
    occurs = np.zeros(int(points.max()) + 1, bool)
    occurs[points] = True
    known = np.flatnonzero(occurs)
    strings = np.empty(occurs.size, object)
    strings[known] = _encoded(known, np.arange(known.size + 1), codec)
    return strings[points]


def _encoded(points: Any, splits: Any, codec: str) -> list[bytes]:
    if codec == "utf-8":
        points = np.where((points >= 0xD800) & (points < 0xE000), _REPLACEMENT, points)
    # In the other encodings TensorFlow writes a surrogate where the caller wants one for what is malformed.
    text = np.asarray(points, "<u4").tobytes().decode("utf-32-le", "surrogatepass")
    ends = splits.tolist()
    return [text[start:end].encode(codec, "surrogatepass") for start, end in pairwise(ends)]


@unicode_encode_op.shape
def _unicode_encode_shape(input_values, input_splits):
    for shape in (input_values, input_splits):
        if shape is not None and len(shape) != 1:
            raise ValueError(f"Shape must be rank 1 but is rank {len(shape)}")
    size = None if input_splits is None else merge_dimensions(None, input_splits[0])
    if size == 0:
        raise ValueError("input_splits must have at least one element")
    return (None if size is None else size - 1,)


@op(
    "UnicodeTranscode",
    "input: string -> output: string",
    tier="host",
    differentiable="missing",
)
def unicode_transcode_op(
    input,
    *,
    input_encoding: str,
    output_encoding: Literal["UTF-8", "UTF-16-BE", "UTF-32-BE"],
    errors: Literal["strict", "replace", "ignore"] = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
):
    """Changes the encoding of strings."""
    policy = Policy(errors, replacement_char, replace_control_characters)
    codec, target = codec_of(input_encoding), _CODECS[output_encoding]
    items = items_of(input)
    if codec == "utf-8" and not replace_control_characters:
        try:
            texts = [item.decode() for item in items]
        except UnicodeDecodeError:
            pass
        else:
            return array_of(items if target == codec else [text.encode(target) for text in texts], np.shape(input))
    lengths, points, _ = decoded(items, codec, policy)
    if errors == "strict" and replace_control_characters:
        plain = decoded(items, codec, Policy("strict", replacement_char, False))[1]
        if (plain < 0x20).any():
            raise invalid_argument("Invalid formatting on input string: it holds a control character")
    return array_of(_encoded(points, np.append(0, np.cumsum(lengths)), target), np.shape(input))


@unicode_transcode_op.shape
def _unicode_transcode_shape(input):
    return input


@op("UnicodeScript", "input: int32 -> output: int32", tier="host", differentiable="missing")
def unicode_script_op(input):
    """Finds the script of each code point, as ICU numbers them."""
    from tideflow._src.ops.strings.scripts import scripts_of  # holds a table that few programs need

    return scripts_of(input)


@unicode_script_op.shape
def _unicode_script_shape(input):
    return input


_WORDS = ["", "a", "h\u00e4l\u20aclo", "\U0001f600x", "\u65e5\u672c\n\t\x01"]
_BROKEN = [
    *(b"a\xffb", b"\xe2\x82", b"\xe2\x28\xa1", b"\xf0\x9f\x98", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
    *(b"\xef\xbb\xbfa", b"\x80\x80", b"\xe2\x82\xe2\x82\xac", b"\xf0\x90\x41"),
]
_ELSEWHERE = {
    "UTF-16BE": [b"\x00a\xd8\x3d\xde\x00", b"\x00", b"\xd8\x00\x00a", b"\xdc\x00\x00a", b"\xd8\x00", b"\xfe\xff\x00a"],
    "UTF-16-LE": [b"a\x00", b"\x3d\xd8\x00\xde"],
    "UTF-16": [b"\xfe\xff", b"\xff\xfe", b"\xfe\xff\x00a\x00b", b"\xff\xfea\x00b\x00", b"\x00a", b"a\x00"],
    "UTF-32BE": [b"\x00\x00\x00a", b"\x00\x11\x00\x00", b"\x00\x00\xd8\x00", b"\x00"],
    "UTF-32": [b"\x00\x00\xfe\xff", b"\x00\x00\x00a", b"\x00\x00\xfe\xff\x00\x00\x00a\x00\x00\x00b"],
    "US-ASCII": [b"a\xff\x80"],
    "ISO-8859-1": [b"a\xff\x80"],
    "ISO-8859-15": [b"a\xa4"],
    "windows-1252": [b"a\xff\x80\x81"],
    "SHIFT-JIS": [b"a\x82\xa0\x80\x82", b"\x1a\xb1\xfa\x40\x85\x40\x81\x20\x81\xfd", b"\x82\xa0\x82"],
    "EUC-JP": [
        *(
            b"\xa4\xa2\xa4\xa4",
            b"\xad\xa1\xf9\xa1\xfc\xfe\x8e\xb1\x8f\xf3\xb7\x85",
            b"\xa1\xff",
            b"\xa1\x41",
            b"\x8f\xa1",
        ),
        *(b"\x8f\xa1\x41", b"\x8f\xa1\xff", b"\x8e\xe5\xa1", b"\xa9\xa1a"),
    ],
    "GB18030": [
        b"\xd6\xd0a",
        b"\x81\x30\x81\x30",
        b"\x81\x30\x81\x41",
        b"\x81\x30",
        b"\xa8\xbc\xff\xfe\xff",
        b"\xe3\x32\x9a\x36",
    ],
    "GB2312": [b"\xb0\xa1\xfe\xfe\x8d", b"\x8e\xa1", b"\xa1\x8e", b"\xa1\xff", b"\xa1a\xb0"],
    "GBK": [b"\x81\x40\x80\xff\xa1\x40\xfe\xfe", b"\x81\xff", b"\x81\x20", b"\x81"],
    "BIG5": [b"\xa4\x40\x80\xff\x81\x40\xfe\xfe", b"\xa4\x80", b"\xa4\xff", b"\xa4\x20", b"\xa4"],
    "big5-hkscs": [b"\xa4\x40\x87\x7b\x81\x40", b"\xa4\x80", b"\xa4\xff", b"\xff\xa4"],
    "EUC-KR": [b"\xb0\xa1\xfe\xfe\x8d", b"\xa2\xe6", b"\xa1\xff", b"\xa1a\xb0"],
    "windows-949": [b"\x81\x41\x80\xff\xfe\xfe", b"\x81\x40", b"\x81\x7f", b"\x81\xff", b"\x81"],
    "KOI8-R": [b"\xe4a"],
}


def _utf8() -> Any:
    return array_of([word.encode() for word in _WORDS], (5,))


def _broken() -> Any:
    return array_of(_BROKEN, (len(_BROKEN),))


@unicode_decode_op.samples
@unicode_decode_with_offsets_op.samples
@unicode_transcode_op.samples
def _decoding_samples(s):
    more = {} if "Tsplits" in s.definition.attributes else {"output_encoding": "UTF-8"}
    eight = {"input_encoding": "UTF-8", **more}
    yield s(_utf8(), **eight)
    yield s(_broken(), **eight)
    yield s(_broken(), **eight, errors="ignore")
    yield s(_broken(), **eight, replacement_char=32)
    yield s(_utf8(), **eight, replace_control_characters=True)
    yield s(_utf8(), **eight, replace_control_characters=True, errors="ignore")
    yield s(s.strings((2, 2)), **eight)
    yield s(b"tide", **eight)
    yield s(np.empty((0, 2), object), **eight)
    for encoding, words in _ELSEWHERE.items():
        for word in words:
            yield s(word, input_encoding=encoding, **more)
        if encoding not in ("UTF-16", "UTF-32"):  # here TensorFlow carries the order of bytes to the next string
            yield s(array_of(words, (len(words),)), input_encoding=encoding, **more)
    if more:
        for output in ("UTF-16-BE", "UTF-32-BE"):
            yield s(_utf8(), input_encoding="UTF-8", output_encoding=output)
            yield s(_broken(), input_encoding="UTF-8", output_encoding=output)
    else:
        yield s(_utf8(), **eight, Tsplits="int32")
    bad = {"error": "InvalidArgumentError"}
    yield s(_broken(), **eight, errors="strict", **bad)
    yield s(_utf8(), **eight, replacement_char=0x110000, **bad)
    yield s(_utf8(), **eight, replacement_char=-1, **bad)
    yield s(_utf8(), input_encoding="no such", **more, **bad)
    yield s(_utf8(), input_encoding="", **more, **bad)
    yield s(_utf8(), **eight, errors="other", **bad)


@unicode_encode_op.samples
def _unicode_encode_samples(s):
    good = np.int32([97, 0x20AC, 0x1F600, 0xFEFF, 0xFFFF])
    bad = np.int32([97, 0xD800, 0x110000, -1, 98, 0xD83D, 0xDE00])
    for output in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
        yield s(good, np.array([0, 1, 1, 5]), output_encoding=output)
        yield s(bad, np.array([0, 2, 7]), output_encoding=output)
        yield s(bad, np.array([0, 2, 7]), output_encoding=output, errors="ignore")
        yield s(bad, np.array([0, 2, 7]), output_encoding=output, replacement_char=66)
    eight = {"output_encoding": "UTF-8"}
    yield s(good, np.array([0, 5], np.int32), **eight)
    yield s(bad, np.array([0, 7]), replacement_char=0xD800, **eight)
    yield s(np.empty(0, np.int32), np.array([0]), **eight)
    error = {"error": "InvalidArgumentError", **eight}
    yield s(bad, np.array([0, 7]), errors="strict", **error)
    yield s(good, np.array([0, 5]), replacement_char=-5, **error)
    for splits in ([0, 4], [1, 5], [0, 3, 2, 5], [0, -1, 5], []):
        yield s(good, np.array(splits, np.int64), **error)


@unicode_script_op.samples
def _unicode_script_samples(s):
    yield s(np.int32([[97, 0x20AC, 0x3B1], [0x4E00, 0x1F600, 0x378]]))
    yield s(np.int32([-1, 0x110000, 0xD800, 2**31 - 1, -(2**31), 0x10FFFF]))
    yield s(s.integers(0, 0x30000, (200,)))
    yield s(np.int32(65))
    yield s(s.empty(0, dtype="int32"))


def unicode_transcode(
    input: Any,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Changes the encoding of strings.

    Args:
      input: strings of any shape.
      input_encoding: the name of a character set, such as ``"UTF-8"`` or ``"ISO-8859-1"``.
      output_encoding: ``"UTF-8"``, ``"UTF-16-BE"`` or ``"UTF-32-BE"``.
      errors: what to do with malformed bytes: ``"replace"``, ``"ignore"``, or fail (``"strict"``).
      replacement_char: the code point that replaces them.
      replace_control_characters: whether to replace the control characters of ASCII too.
      name: the name of the operation.

    Raises:
      InvalidArgumentError: an unknown encoding, or malformed bytes if ``errors`` is ``"strict"``.
    """
    return unicode_transcode_op(
        input,
        input_encoding=input_encoding,
        output_encoding=output_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
        name=name,
    )


def unicode_script(input: Any, name: str | None = None) -> Any:
    """Finds the script of code points, such as 25 for Latin, as ICU numbers them; -1 for what is no code point.

    Args:
      input: an int32 tensor.
      name: the name of the operation.
    """
    return unicode_script_op(input, name=name)


def unicode_encode(
    input: Any,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    name: str | None = None,
) -> Any:
    """Encodes code points: each row along the last dimension gives one string.

    Args:
      input: an int32 tensor of known rank, at least 1, or a ragged one.
      output_encoding: ``"UTF-8"``, ``"UTF-16-BE"`` or ``"UTF-32-BE"``.
      errors: what to do with numbers that are no code points: ``"replace"``, ``"ignore"``, or fail (``"strict"``).
      replacement_char: the code point that replaces them.
      name: the name of the operation.

    Returns:
      A string tensor of shape ``input.shape[:-1]``; a ragged one if there is more than one ragged dimension.

    Raises:
      ValueError: the rank is 0 or not known.
      InvalidArgumentError: a number that is no code point, if ``errors`` is ``"strict"``.
    """
    with name_scope(name, "UnicodeEncode", [input]):
        input = convert_to_tensor_or_ragged_tensor(input, dtype=dtypes.int32, name="input")
        return _unicode_encoded(input, output_encoding, errors, replacement_char)


def _unicode_encoded(input: Any, output_encoding: str, errors: str, replacement_char: int) -> Any:
    options = (output_encoding, errors, replacement_char)
    if is_ragged(input):
        if input.flat_values.shape.ndims > 1:
            input = input.with_flat_values(type(input).from_tensor(input.flat_values))
        if input.ragged_rank > 1:
            return input.with_values(_unicode_encoded(input.values, *options))
        flat, splits = input.values, input.row_splits
    else:
        shape = known_shape(input)
        if shape is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if not shape:
            raise ValueError("input_tensor's rank must be at least 1.")
        sizes = raw.Shape(input, out_type=dtypes.int64)
        length = raw.GatherV2(sizes, len(shape) - 1, 0)
        prefix = raw.GatherV2(sizes, np.arange(len(shape) - 1, dtype=np.int32), 0)
        rows = raw.Prod(prefix, np.int32([0]))
        flat = raw.Reshape(input, [-1])
        splits = raw.Mul(raw.Range(np.int64(0), raw.AddV2(rows, np.int64(1)), np.int64(1)), length)
    encoded = unicode_encode_op(
        flat, splits, output_encoding=output_encoding, errors=errors, replacement_char=replacement_char
    )
    return encoded if is_ragged(input) else raw.Reshape(encoded, prefix)
