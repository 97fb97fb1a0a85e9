"""Fields of protocol buffers messages as tensors, and back, against protobuf's own messages."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

import tideflow as tf

_FIELD = descriptor_pb2.FieldDescriptorProto
_DTYPES = {
    "double": ["float64"], "float": ["float32", "float64"], "int64": ["int64"], "uint64": ["uint64"],
    "int32": ["int32", "int64"], "uint32": ["uint32", "uint64"], "sint64": ["int64"], "sint32": ["int32", "int64"],
    "fixed64": ["uint64"], "fixed32": ["uint32", "uint64"], "sfixed64": ["int64"], "sfixed32": ["int32", "int64"],
    "bool": ["bool"], "enum": ["int32"], "string": ["string"], "bytes": ["string"], "message": ["string"],
}  # fmt: skip
_VALUES: dict[str, list[Any]] = {
    "double": [1.5, -2.25], "float": [1.5, -2.25], "bool": [True, False], "enum": [5, 0], "string": ["ab", ""],
    "bytes": [b"\xff\x00", b"c"],
}  # fmt: skip


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="p", syntax="proto2")
    choice = file.enum_type.add(name="E")
    choice.value.add(name="A", number=0)
    choice.value.add(name="B", number=5)
    file.message_type.add(name="In").field.add(name="x", number=1, type=_FIELD.TYPE_INT32, label=1)
    message = file.message_type.add(name="M")
    message.extension_range.add(start=500, end=600)
    file.extension.add(name="more", number=501, type=_FIELD.TYPE_INT32, label=3, extendee=".p.M")
    group = message.nested_type.add(name="G")
    group.field.add(name="z", number=1, type=_FIELD.TYPE_INT32, label=1)
    message.field.add(name="g", number=400, type=_FIELD.TYPE_GROUP, label=1, type_name=".p.M.G")
    for place, kind in enumerate(_DTYPES):
        for offset, (prefix, label) in enumerate((("o", 1), ("r", 3), ("p", 3))):
            if prefix == "p" and kind in ("string", "bytes", "message"):
                continue
            field = message.field.add(
                name=f"{prefix}_{kind}", number=1 + 3 * place + offset, label=label,
                type=_FIELD.Type.Value(f"TYPE_{kind.upper()}"),
            )  # fmt: skip
            if kind in ("enum", "message"):
                field.type_name = ".p.E" if kind == "enum" else ".p.In"
            if prefix == "p":
                field.options.packed = True
    for number, (kind, default) in enumerate({"int32": "7", "string": "hey", "bool": "true", "enum": "B"}.items()):
        field = message.field.add(
            name=f"d_{kind}", number=300 + number, label=1, type=_FIELD.Type.Value(f"TYPE_{kind.upper()}"),
            default_value=default,
        )  # fmt: skip
        if kind == "enum":
            field.type_name = ".p.E"
    return file


FILE = _file()
SOURCE = b"bytes://" + descriptor_pb2.FileDescriptorSet(file=[FILE]).SerializeToString()
_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(FILE.SerializeToString())
MESSAGE: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("p.M"))


def values_of(kind: str) -> list[Any]:
    if kind == "message":
        inner = type(MESSAGE().o_message)
        return [inner(x=5), inner()]
    if kind not in _VALUES:
        bits = 64 if kind.endswith("64") else 32
        signed = kind[0] in "is"
        return [-(2 ** (bits - 1)), 3] if signed else [2**bits - 1, 3]
    return _VALUES[kind]


def plain(kind: str, value: Any) -> Any:
    if kind == "message":
        return value.SerializeToString()
    return value.encode() if isinstance(value, str) else value


def decode(messages: Any, names: list[str], types: list[str], **options: Any) -> Any:
    options.setdefault("descriptor_source", SOURCE)
    return tf.io.decode_proto(messages, options.pop("message_type", "p.M"), names, types, **options)


@pytest.mark.parametrize("kind", sorted(_DTYPES))
def test_every_kind_of_field(kind: str) -> None:
    first, second = values_of(kind)
    for prefix in "orp":
        name = f"{prefix}_{kind}"
        if name not in MESSAGE.DESCRIPTOR.fields_by_name:
            continue
        given: list[Any] = [first] if prefix == "o" else [first, second]
        messages = []
        for values in (given, []):
            message = MESSAGE()
            if prefix != "o":
                getattr(message, name).extend(values)
            elif values and kind == "message":
                getattr(message, name).CopyFrom(first)
            elif values:
                setattr(message, name, first)
            messages.append(message.SerializeToString())
        expected = [plain(kind, value) for value in given]
        empty = b"" if _DTYPES[kind] == ["string"] else 0
        for dtype in _DTYPES[kind]:
            sizes, (found,) = decode(messages, [name], [dtype])
            assert sizes.numpy().tolist() == [[len(given)], [0]]
            assert found.dtype.name == dtype
            assert found.numpy().tolist() == [expected, [empty] * len(given)]
            back = tf.io.encode_proto(sizes, [found], [name], "p.M", descriptor_source=SOURCE)
            assert back.numpy().tolist() == messages
        for dtype in ("float16", "complex64", "int8"):
            with pytest.raises(tf.errors.InvalidArgumentError, match=f"Unexpected output type for p.M.{name}"):
                decode(messages, [name], [dtype])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Incompatible type for field"):
            tf.io.encode_proto([[1]], [tf.zeros([1, 1], tf.int8)], [name], "p.M", descriptor_source=SOURCE)


def test_what_is_missing_repeated_or_unknown() -> None:
    names = ["d_int32", "d_string", "d_bool", "d_enum"]
    sizes, values = decode([b""], names, ["int32", "string", "bool", "int32"])
    assert sizes.numpy().tolist() == [[0, 0, 0, 0]]
    assert [value.numpy().tolist() for value in values] == [[[7]], [[b"hey"]], [[True]], [[5]]]
    message = MESSAGE(o_int32=4, o_string="z")
    twice = message.SerializeToString() + MESSAGE(o_int32=6).SerializeToString() + b"\xf8\x7f\x01"
    sizes, (number, text) = decode([[twice], [b""]], ["o_int32", "o_string"], ["int32", "string"])
    assert sizes.numpy().tolist() == [[[1, 1]], [[0, 0]]]
    assert (number.numpy().tolist(), text.numpy().tolist()) == ([[[6]], [[0]]], [[[b"z"]], [[b""]]])
    packed = MESSAGE(r_int32=[1, 2]).SerializeToString() + MESSAGE(p_int32=[3]).SerializeToString()
    assert decode([packed], ["r_int32"], ["int32"]).values[0].numpy().tolist() == [[1, 2]]
    number = MESSAGE.DESCRIPTOR.fields_by_name["r_bool"].number  # is not packed, but may be written so
    data = bytes([number << 3 & 0x7F | 0x82, number >> 4, 2, 1, 0])
    assert list(MESSAGE.FromString(data).r_bool) == [True, False]
    assert decode([data], ["r_bool"], ["bool"]).values[0].numpy().tolist() == [[True, False]]
    zero = MESSAGE(o_int32=0).SerializeToString()  # is there, and counts
    assert decode([zero], ["o_int32"], ["int32"]).sizes.numpy().tolist() == [[1]]


def test_groups_and_extensions() -> None:
    message = MESSAGE()
    message.g.z = 5
    message.Extensions[MESSAGE.DESCRIPTOR.file.extensions_by_name["more"]].extend([1, 2])
    data = message.SerializeToString()
    sizes, (group, more) = decode([data], ["g", "p.more"], ["string", "int32"])
    assert sizes.numpy().tolist() == [[1, 2]]
    assert group.numpy()[0, 0] in data
    assert more.numpy().tolist() == [[1, 2]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown field: more"):
        decode([data], ["more"], ["int32"])


def test_sources(tmp_path: pathlib.Path) -> None:
    data = [MESSAGE(o_int32=4).SerializeToString()]
    path = tmp_path / "set.pb"
    path.write_bytes(SOURCE[len(b"bytes://") :])
    assert decode(data, ["o_int32"], ["int32"], descriptor_source=str(path)).values[0].numpy().tolist() == [[4]]
    for source in ("", "local://"):
        own = decode(
            [b"\x15\x00\x00\xc0?"], ["simple_value"], ["float32"], message_type="tensorflow.Summary.Value",
            descriptor_source=source,
        )  # fmt: skip
        assert own.values[0].numpy().tolist() == [[1.5]]
    using = descriptor_pb2.FileDescriptorProto(name="u.proto", package="q", dependency=["t.proto"], syntax="proto3")
    field = using.message_type.add(name="N").field.add(name="m", number=1, type=_FIELD.TYPE_MESSAGE, label=1)
    field.type_name = ".p.M"
    both = b"bytes://" + descriptor_pb2.FileDescriptorSet(file=[using, FILE]).SerializeToString()
    found = decode([b"\x0a\x01x"], ["m"], ["string"], message_type="q.N", descriptor_source=both)
    assert found.values[0].numpy().tolist() == [[b"x"]]
    alone = b"bytes://" + descriptor_pb2.FileDescriptorSet(file=[using]).SerializeToString()
    for source in (alone, str(tmp_path / "nothing"), b"bytes://\xff", "a\0b"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="file descriptor set proto"):
            decode(data, ["o_int32"], ["int32"], descriptor_source=source)


def test_text_and_sanitizing() -> None:
    text = ['o_int32: 4 r_string: "a" r_string: "b" o_message { x: 3 } o_enum: B']
    _, values = decode(
        text, ["o_int32", "r_string", "o_message", "o_enum"], ["int32", "string", "string", "int32"],
        message_format="text",
    )  # fmt: skip
    assert [value.numpy().tolist() for value in values] == [[[4]], [[b"a", b"b"]], [[b"\x08\x03"]], [[5]]]
    outer = MESSAGE.FromString(b"")
    number = MESSAGE.DESCRIPTOR.fields_by_name["o_message"].number
    data = bytes([number << 3 & 0x7F | 0x82, number >> 4, 4]) + b"\x08\x02\x08\x03"
    outer.MergeFromString(data)
    assert outer.o_message.x == 3
    assert decode([data], ["o_message"], ["string"]).values[0].numpy()[0, 0] == b"\x08\x02\x08\x03"
    assert decode([data], ["o_message"], ["string"], sanitize=True).values[0].numpy()[0, 0] == b"\x08\x03"
    with pytest.raises(tf.errors.DataLossError, match="Unable to parse text protobuf"):
        decode(['o_int32: "a"'], ["o_int32"], ["int32"], message_format="text")
    with pytest.raises(tf.errors.DataLossError, match="Unable to parse binary protobuf"):
        decode([b"\xff"], ["o_int32"], ["int32"], sanitize=True)


def test_bytes_that_are_no_message() -> None:
    whole = MESSAGE(o_int32=2**30, o_string="abc", r_fixed32=[1, 2], p_int32=[300, 5]).SerializeToString()
    names, types = ["o_int32", "o_string", "r_fixed32", "p_int32"], ["int32", "string", "uint32", "int32"]
    assert decode([whole], names, types).sizes.numpy().tolist() == [[1, 1, 2, 2]]
    cut = 0
    for end in range(len(whole)):
        try:
            MESSAGE.FromString(whole[:end])
        except DecodeError:
            cut += 1
            with pytest.raises(tf.errors.DataLossError):
                decode([whole[:end]], names, types)
        else:
            decode([whole[:end]], names, types)
    assert cut > 5
    deep = b"\x83\x19" * 100_000  # groups in groups, which never end
    for data in (b"\x00", b"\xff" * 12, b"\x83\x19\x08\x05\x8c\x19", deep):
        with pytest.raises(tf.errors.DataLossError):
            decode([data], names, types)


def test_arguments_that_do_not_fit() -> None:
    bad = tf.errors.InvalidArgumentError
    with pytest.raises(bad, match="at least one value"):
        decode(tf.constant([], tf.string), ["o_int32"], ["int32"])
    with pytest.raises(bad, match=r"Unknown field: nope in message type p\.M"):
        decode([b""], ["nope"], ["int32"])
    with pytest.raises(bad, match=r"No descriptor found for message type p\.No"):
        decode([b""], ["o_int32"], ["int32"], message_type="p.No")
    with pytest.raises(bad, match="must have the same length"):
        decode([b""], ["o_int32"], ["int32", "int32"])
    with pytest.raises(bad, match="format must be one of binary or text"):
        decode([b""], ["o_int32"], ["int32"], message_format="xml")

    def encode(sizes: Any, values: Any, names: list[str]) -> Any:
        return tf.io.encode_proto(sizes, values, names, "p.M", descriptor_source=SOURCE)

    one = np.int32([[4, 5]])
    with pytest.raises(bad, match="Size to write must not be larger than value tensor; but saw: 3 > 2"):
        encode([[3]], [one], ["r_int32"])
    with pytest.raises(bad, match=r"sizes should be batch_size .* Saw: \[1,2\] but expected: \[1,1\]"):
        encode([[1, 1]], [one], ["r_int32"])
    with pytest.raises(bad, match="at least a matrix"):
        encode([1], [one[0]], ["r_int32"])
    with pytest.raises(bad, match="must match up to the last dimension"):
        encode([[1, 1]], [one, np.int32([[1], [2]])], ["o_int32", "r_int32"])
    assert encode([[-1]], [one], ["r_int32"]).numpy().tolist() == [b""]
    assert encode(np.zeros([0, 1], np.int32), [np.zeros([0, 2], np.int32)], ["r_int32"]).shape == [0]


def test_in_functions() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def both(messages: Any) -> Any:
        sizes, (numbers,) = decode(messages, ["r_int32"], ["int32"])
        assert sizes.shape.as_list() == [None, 1]
        assert numbers.shape.as_list() == [None, None]
        ragged = tf.RaggedTensor.from_tensor(numbers, lengths=sizes[:, 0])
        back = tf.io.encode_proto(sizes, [numbers * 2], ["r_int32"], "p.M", descriptor_source=SOURCE)
        return ragged, back

    data = [MESSAGE(r_int32=values).SerializeToString() for values in ([1, 2], [], [3])]
    ragged, back = both(tf.constant(data))
    assert ragged.to_list() == [[1, 2], [], [3]]
    assert [list(MESSAGE.FromString(item).r_int32) for item in back.numpy()] == [[2, 4], [], [6]]
