"""``tf.io.decode_proto`` and ``encode_proto``: fields of protocol buffers messages as tensors, and back.

Messages are read as they stand, so that a field that is given counts even where it has the value it would have anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import DataLossError, InvalidArgumentError
from tideflow._src.core.varints import varint_bytes
from tideflow._src.graph import message_descriptors
from tideflow._src.graph.message_descriptors import MessageField
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import merge, with_rank_at_least
from tideflow._src.ops.parsing import wire
from tideflow._src.runtime.op import op

_VARINT, _FIXED64, _BYTES, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_MASK = {32: 0xFFFFFFFF, 64: 0xFFFFFFFFFFFFFFFF}

#: By kind of field: how it is written, how many bits it has, and the dtypes that hold it.
_KINDS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "double": (_FIXED64, 64, ("float64",)),
    "float": (_FIXED32, 32, ("float32", "float64")),
    "int64": (_VARINT, 64, ("int64",)),
    "uint64": (_VARINT, 64, ("uint64",)),
    "int32": (_VARINT, 32, ("int32", "int64")),
    "uint32": (_VARINT, 32, ("uint32", "uint64")),
    "sint64": (_VARINT, 64, ("int64",)),
    "sint32": (_VARINT, 32, ("int32", "int64")),
    "fixed64": (_FIXED64, 64, ("uint64",)),
    "fixed32": (_FIXED32, 32, ("uint32", "uint64")),
    "sfixed64": (_FIXED64, 64, ("int64",)),
    "sfixed32": (_FIXED32, 32, ("int32", "int64")),
    "bool": (_VARINT, 64, ("bool",)),
    "enum": (_VARINT, 32, ("int32",)),
    "string": (_BYTES, 0, ("string",)),
    "bytes": (_BYTES, 0, ("string",)),
    "message": (_BYTES, 0, ("string",)),
    "group": (_START_GROUP, 0, ("string",)),
}
_FORMATS = {"double": "<f8", "float": "<f4", "fixed64": "<u8", "fixed32": "<u4", "sfixed64": "<i8", "sfixed32": "<i4"}
#: As what a message object holds a field, where that is called otherwise than the field's kind.
_HELD_AS = {
    "bytes": "string",
    "group": "message",
    "fixed32": "uint32",
    "fixed64": "uint64",
    "sfixed32": "int32",
    "sfixed64": "int64",
    "sint32": "int32",
    "sint64": "int64",
}
_DATA_TYPES = {"float64": "DOUBLE", "float32": "FLOAT", "float16": "HALF"}


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


@op(
    "DecodeProtoV2",
    "bytes: string -> sizes: int32, values: list(output_types)",
    tier="host",
    differentiable=False,
    output_types=at_least(0),
)
def decode_proto_op(
    bytes,
    *,
    message_type: str,
    field_names: list[str],
    output_types: list[DType],
    descriptor_source: str = "local://",
    message_format: str = "binary",
    sanitize: bool = False,
):
    """Takes fields of serialized messages: how often each is there, and its values, filled up to one length."""
    if len(field_names) != len(output_types):
        raise _invalid("field_names and output_types attributes must have the same length")
    if message_format not in ("binary", "text"):
        raise _invalid("format must be one of binary or text")
    fields = message_descriptors.fields_of(descriptor_source, message_type, field_names)
    for field, dtype in zip(fields, output_types, strict=True):
        if dtype.name not in _KINDS[field.kind][2]:
            shown = _DATA_TYPES.get(dtype.name, dtype.name.upper())
            held = _HELD_AS.get(field.kind, field.kind)
            raise _invalid(f"Unexpected output type for {field.name}: {held} to DT_{shown}")
    batch = np.shape(bytes)
    messages = np.asarray(bytes, object).ravel().tolist()
    if not messages:
        raise _invalid("Bufs argument must contain at least one value")
    if message_format == "text":
        messages = [message_descriptors.from_text(descriptor_source, message_type, item) for item in messages]
    elif sanitize:
        messages = [message_descriptors.serialized_again(descriptor_source, message_type, item) for item in messages]
    found = [_values_of(message, fields) for message in messages]
    sizes = np.array([[len(values) for values in row] for row in found], np.int32).reshape(*batch, len(fields))
    columns = [
        _column([row[place] for row in found], field, dtype, batch)
        for place, (field, dtype) in enumerate(zip(fields, output_types, strict=True))
    ]
    return sizes, columns


def _column(rows: list[list[Any]], field: MessageField, dtype: DType, batch: tuple[int, ...]) -> Any:
    width = max(1, *map(len, rows))
    default = field.default
    if default is None:
        default = b"" if dtype.name == "string" else 0
    result = np.full((len(rows), width), default, dtype.as_numpy_dtype)
    for row, values in zip(result, rows, strict=True):
        row[: len(values)] = values
    return result.reshape(*batch, width)


def _values_of(data: bytes, fields: Sequence[MessageField]) -> list[list[Any]]:
    """Returns the values of fields of a message; a field that is named twice is the first one's.

    Raises:
      DataLossError: the bytes are no message.
    """
    values: list[list[Any]] = [[] for _ in fields]
    wanted: dict[int, int] = {}
    for place, field in enumerate(fields):
        wanted.setdefault(field.number, place)
    position, end = 0, len(data)
    try:
        while position < end:
            begin = position
            tag, position = wire.varint(data, position, end)
            start, stop = _content(data, tag, position, end)
            position = stop
            where = wanted.get(tag >> 3)
            if where is None:
                continue
            field, form = fields[where], tag & 7
            kind = _KINDS[field.kind][0]
            if form == kind:
                value = _value(field.kind, data[begin if kind == _START_GROUP else start : stop])
                values[where] = [*values[where], value] if field.repeated else [value]
            elif form == _BYTES and field.repeated and kind in (_VARINT, _FIXED32, _FIXED64):
                values[where] += _packed(field.kind, kind, data, start, stop)
    except wire.Malformed as error:
        raise DataLossError(None, None, f"Unable to parse binary protobuf: {error}") from None
    return values


def _content(data: bytes, tag: int, position: int, end: int) -> tuple[int, int]:
    """Returns where the content of a field starts, and where the field ends."""
    if tag >> 3 == 0:
        raise wire.Malformed("a field has the number 0")
    if tag & 7 == _START_GROUP:
        return position, _after_group(data, tag, position, end)
    if tag & 7 == _BYTES:
        return wire.extent(data, position, end)
    return position, wire.skip(data, tag, position, end)


def _after_group(data: bytes, tag: int, position: int, end: int) -> int:
    """Returns the position after a group; groups inside are passed without recursion."""
    open_groups = [tag >> 3]
    while open_groups:
        inner, position = wire.varint(data, position, end)
        if inner & 7 == _START_GROUP:
            open_groups.append(inner >> 3)
        elif inner & 7 == _END_GROUP:
            if open_groups.pop() != inner >> 3:
                raise wire.Malformed("a group ends as another one")
        else:
            position = wire.skip(data, inner, position, end)
    return position


def _packed(kind: str, form: int, data: bytes, position: int, end: int) -> list[Any]:
    values = []
    while position < end:
        stop = wire.skip(data, form, position, end) if form == _VARINT else position + (8 if form == _FIXED64 else 4)
        if stop > end:
            raise wire.Malformed("a packed field ends within a value")
        values.append(_value(kind, data[position:stop]))
        position = stop
    return values


def _value(kind: str, content: bytes) -> Any:
    """Returns the value that bytes stand for in a field of a kind."""
    if kind in _FORMATS:
        return np.frombuffer(content, _FORMATS[kind])[0]
    form, bits, _ = _KINDS[kind]
    if form != _VARINT:
        return content
    number, _ = wire.varint(content, 0, len(content))
    if kind == "bool":
        return number != 0
    number &= _MASK[bits]
    if kind in ("sint32", "sint64"):
        return (number >> 1) ^ -(number & 1)
    signed = kind in ("int32", "int64", "enum")
    return number - (1 << bits) if signed and number >> (bits - 1) else number


@decode_proto_op.shape
def _decode_proto_shape(bytes, *, field_names, output_types):
    if bytes is None:
        return None, [None] * len(output_types)
    return (*bytes, len(output_types)), [(*bytes, None)] * len(output_types)


@op(
    "EncodeProto",
    "sizes: int32, values: list(Tinput_types) -> bytes: string",
    tier="host",
    differentiable=False,
    Tinput_types=at_least(1),
)
def encode_proto_op(sizes, values, *, field_names: list[str], message_type: str, descriptor_source: str = "local://"):
    """Writes messages whose fields have the given values, in the order of the fields' numbers."""
    if len(field_names) != len(values):
        raise _invalid("Length of inputs list must match field_names")
    fields = message_descriptors.fields_of(descriptor_source, message_type, field_names)
    batch: tuple[int, ...] | None = None
    for name, field, value in zip(field_names, fields, values, strict=True):
        shape = np.shape(value)
        if len(shape) < 2:
            raise _invalid(
                f"Invalid shape for field {name}.  Saw shape {shape_text(shape)} but it should be at least a matrix."
            )
        if batch is None:
            batch = shape[:-1]
        elif shape[:-1] != batch:
            raise _invalid(
                f"Values must match up to the last dimension: field {name} has shape {shape_text(shape)}, the first "
                f"one {shape_text(batch)} before its last dimension."
            )
        dtype = "string" if np.asarray(value).dtype == object else np.asarray(value).dtype.name
        if dtype not in _KINDS[field.kind][2]:
            shown = {"float32": "float", "float64": "double"}.get(dtype, dtype)
            raise _invalid(f"Incompatible type for field {name}.  Saw dtype: {shown} but field type is: {field.kind}")
    assert batch is not None
    if np.shape(sizes) != (*batch, len(fields)):
        raise _invalid(
            f"sizes should be batch_size + [len(field_names)].  Saw: {shape_text(np.shape(sizes))} but expected: "
            f"{shape_text((*batch, len(fields)))}"
        )
    order = sorted(range(len(fields)), key=lambda place: fields[place].number)
    counts = np.asarray(sizes).reshape(-1, len(fields)).tolist()
    columns = [np.asarray(value).reshape(len(counts), np.shape(value)[-1]) for value in values]
    for row, count in enumerate(counts):
        for place, size in enumerate(count):
            if size > columns[place].shape[1]:
                raise _invalid(
                    f"Size to write must not be larger than value tensor; but saw: {size} > "
                    f"{columns[place].shape[1]} at message {row} field {place}"
                )
    result = np.empty(len(counts), object)
    for row, count in enumerate(counts):
        result[row] = b"".join(
            [_written(fields[place], columns[place][row, : max(count[place], 0)].tolist()) for place in order]
        )
    return result.reshape(batch)


def _written(field: MessageField, values: list[Any]) -> bytes:
    """Returns a field of a message with these values."""
    if not values:
        return b""
    form = _KINDS[field.kind][0]
    contents = [_content_of(field.kind, value) for value in values]
    if field.packed:
        packed = b"".join(contents)
        return varint_bytes(field.number << 3 | _BYTES) + varint_bytes(len(packed)) + packed
    tag = varint_bytes(field.number << 3 | form)
    if form == _BYTES:
        return b"".join([tag + varint_bytes(len(content)) + content for content in contents])
    last = varint_bytes(field.number << 3 | _END_GROUP) if form == _START_GROUP else b""
    return b"".join([tag + content + last for content in contents])


def _content_of(kind: str, value: Any) -> bytes:
    if kind in _FORMATS:
        return np.array(value).astype(_FORMATS[kind]).tobytes()
    form, bits, _ = _KINDS[kind]
    if form != _VARINT:
        return bytes(value)
    if kind in ("sint32", "sint64"):
        value = _wrapped(value) if bits == 32 else value
        return varint_bytes(value << 1 if value >= 0 else (-value << 1) - 1)
    if kind == "int32":
        value = _wrapped(value)
    if kind == "uint32":
        value &= _MASK[32]
    return varint_bytes(int(value) & _MASK[64])


def _wrapped(value: int) -> int:
    """Returns a number as one of 32 bits with a sign, as a cast does."""
    return (value + (1 << 31) & _MASK[32]) - (1 << 31)


@encode_proto_op.shape
def _encode_proto_shape(sizes, values):
    batch = None
    for shape in values:
        if with_rank_at_least(shape, 2) is not None:
            batch = merge(batch, shape[:-1])
    return batch


#: Where the samples are taken from: messages of TensorFlow's own, which both know.
_VALUE = {"message_type": "tensorflow.TensorShapeProto.Dim", "field_names": ["size", "name"]}


@decode_proto_op.samples
def _decode_proto_samples(s):
    types = {"output_types": ["int64", "string"]}
    messages = np.array([b"\x08\x05\x12\x02ab", b"", b"\x08\x03\x08\x04", b"\x12\x00\x18\x01"], object)
    yield s(messages, **_VALUE, **types)
    yield s(messages.reshape(2, 2), **_VALUE, **types, sanitize=True)
    yield s(messages[0], **_VALUE, **types, descriptor_source="")
    yield s(np.array([b"size: 3", b"name: 'x'"], object), **_VALUE, **types, message_format="text")
    shapes = np.array([b"\x12\x02\x08\x02\x12\x02\x08\x03", b"\x18\x01"], object)
    whole = {"message_type": "tensorflow.TensorShapeProto", "field_names": ["dim", "unknown_rank"]}
    yield s(shapes, **whole, output_types=["string", "bool"])
    floats = np.array([b"\x2a\x08\x00\x00\xc0?\x00\x00 @", b"\x2d\x00\x00\xc0?"], object)
    tensor = {"message_type": "tensorflow.TensorProto", "field_names": ["float_val"]}
    yield s(floats, **tensor, output_types=["float"])
    yield s(floats, **tensor, output_types=["double"])
    bad = {"error": "InvalidArgumentError"}
    yield s(floats, **tensor, output_types=["int32"], **bad)
    yield s(messages[:0], **_VALUE, **types, **bad)
    yield s(messages, **_VALUE, output_types=["int64"], **bad)
    yield s(messages, **_VALUE, **types, message_format="json", **bad)
    yield s(messages, message_type="tensorflow.Nothing", field_names=["size"], output_types=["int64"], **bad)
    yield s(messages, message_type="tensorflow.TensorProto", field_names=["size"], output_types=["int64"], **bad)
    yield s(messages, **_VALUE, **types, descriptor_source="/nowhere/at/all", **bad)
    yield s(np.array([b"\x08"], object), **_VALUE, **types, error="DataLossError")
    yield s(np.array([b"\xff\xff"], object), **_VALUE, **types, error="DataLossError")
    yield s(np.array([b"size: 'a'"], object), **_VALUE, **types, message_format="text", error="DataLossError")


@encode_proto_op.samples
def _encode_proto_samples(s):
    sizes, names = np.int32([[1, 1], [0, 1], [1, 0]]), np.array([[b"ab"], [b""], [b"c"]], object)
    yield s(sizes, [np.int64([[5], [6], [-1]]), names], **_VALUE)
    yield s(sizes[:, None], [np.int64([[[5]], [[6]], [[-1]]]), names[:, None]], **_VALUE, descriptor_source="")
    tensor = {"message_type": "tensorflow.TensorProto", "field_names": ["float_val"]}
    yield s(np.int32([[2], [0]]), [np.float32([[1.5, 2.5], [3.0, 4.0]])], **tensor)
    yield s(np.int32([[1], [2]]), [np.float64([[1.5, 2.5], [3.0, 4.0]])], **tensor)
    bad = {"error": "InvalidArgumentError"}
    yield s(np.int32([[3], [0]]), [np.float32([[1.5, 2.5], [3.0, 4.0]])], **tensor, **bad)
    yield s(np.int32([[1]]), [np.float32([[1.5], [3.0]])], **tensor, **bad)
    yield s(np.int32([1]), [np.float32([1.5])], **tensor, **bad)
    yield s(np.int32([[1]]), [np.int32([[1]])], **tensor, **bad)
    yield s(sizes, [np.int64([[5], [6], [-1]])], **_VALUE, **bad)
    yield s(sizes, [np.int64([[5], [6], [-1]]), names], message_type="p.M", field_names=["size", "name"], **bad)


def decode_proto(
    bytes: Any,
    message_type: str,
    field_names: Any,
    output_types: Any,
    descriptor_source: str = "local://",
    message_format: str = "binary",
    sanitize: bool = False,
    name: str | None = None,
) -> Any:
    """Takes fields of serialized protocol buffers messages as tensors.

    >>> import tideflow as tf
    >>> sizes, (size, label) = tf.io.decode_proto(
    ...     [b"\\x08\\x05\\x12\\x01x", b""], "tensorflow.TensorShapeProto.Dim", ["size", "name"], [tf.int64, tf.string]
    ... )
    >>> sizes.numpy().tolist(), size.numpy().tolist(), label.numpy().tolist()
    ([[1, 1], [0, 0]], [[5], [0]], [[b'x'], [b'']])

    Args:
      bytes: strings of any shape, a message each.
      message_type: the full name of the messages' type.
      field_names: the names of the fields; extensions by their full names.
      output_types: the dtype for each field: that of its type, or a wider one for ``float`` and 32-bit integers;
        strings for text, bytes, messages and groups; ``int32`` for enumerations.
      descriptor_source: where the definition of the messages is: empty or ``"local://"`` for TensorFlow's own, the
        path of a file with a serialized ``FileDescriptorSet``, or ``"bytes://"`` followed by one.
      message_format: ``"binary"`` or ``"text"``.
      sanitize: whether messages are read and written again first.
      name: a name for the operation.

    Returns:
      ``sizes`` (int32, the shape of ``bytes`` and one more dimension of a number for each field) and a list of
      ``values``, each of the shape of ``bytes`` and one more dimension, filled up with the field's default.

    Raises:
      InvalidArgumentError: there is no such message, field or source, a dtype does not fit, or there are no messages.
      DataLossError: a string is no message.
    """
    return decode_proto_op(
        bytes, message_type=message_type, field_names=field_names, output_types=output_types,
        descriptor_source=descriptor_source, message_format=message_format, sanitize=sanitize, name=name,
    )  # fmt: skip


def encode_proto(
    sizes: Any,
    values: Any,
    field_names: Any,
    message_type: str,
    descriptor_source: str = "local://",
    name: str | None = None,
) -> Any:
    """Writes protocol buffers messages with the given fields.

    >>> import tideflow as tf
    >>> tf.io.encode_proto([[1]], [tf.constant([[5]], tf.int64)], ["size"], "tensorflow.TensorShapeProto.Dim").numpy()
    array([b'\\x08\\x05'], dtype=object)

    Args:
      sizes: int32 of shape ``[..., number of fields]``: how many values each field of each message has.
      values: for each field a tensor of shape ``[..., most values]``.
      field_names: the names of the fields; extensions by their full names.
      message_type: the full name of the messages' type.
      descriptor_source: where its definition is; see ``decode_proto``.
      name: a name for the operation.

    Returns:
      Strings of shape ``[...]``.

    Raises:
      InvalidArgumentError: there is no such message, field or source, dtypes or shapes do not fit, or a size is greater
        than the number of values.
    """
    return encode_proto_op(
        sizes,
        values,
        field_names=field_names,
        message_type=message_type,
        descriptor_source=descriptor_source,
        name=name,
    )
