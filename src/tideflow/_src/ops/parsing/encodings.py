"""Strings that hold other strings: compressed ones, and ``Example`` messages written as JSON."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np

from tideflow._src.core.errors import DataLossError, InvalidArgumentError
from tideflow._src.core.varints import varint_bytes
from tideflow._src.runtime.op import op

_WINDOW = {"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS + 16}


def _decompressed(content: bytes, window: int) -> bytes:
    """Returns what compressed streams, one after the other, hold; of a truncated one, what there is."""
    parts = []
    while content:
        stream = zlib.decompressobj(window)
        parts.append(stream.decompress(content))
        if not stream.eof:
            break
        content = stream.unused_data
    return b"".join(parts)


@op("DecodeCompressed", "bytes: string -> output: string", tier="host", differentiable="missing")
def decode_compressed_op(bytes, *, compression_type: str = ""):
    """Decompresses strings."""
    if not compression_type:
        return bytes
    window = _WINDOW.get(compression_type)
    if window is None:
        raise InvalidArgumentError(
            None, None, f"Only ZLIB, GZIP or NONE are supported compressions, got {compression_type!r}"
        )
    result = np.empty(np.shape(bytes), object)
    try:
        for index, item in enumerate(np.asarray(bytes, object).ravel().tolist()):
            result.reshape(-1)[index] = _decompressed(item, window)
    except zlib.error as error:
        raise DataLossError(None, None, f"inflate() failed: {error}") from None
    return result


@decode_compressed_op.shape
def _same_shape(bytes):
    return bytes


@decode_compressed_op.samples
def _decode_compressed_samples(s):
    packed = np.array([zlib.compress(b"tide" * 20), zlib.compress(b"")], object)
    yield s(packed, compression_type="ZLIB")
    yield s(packed[0], compression_type="ZLIB")
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS + 16)
    yield s(compressor.compress(b"flow" * 20) + compressor.flush(), compression_type="GZIP")
    yield s(s.strings((2, 3)))
    yield s(b"xx", compression_type="ZLIB", error="DataLossError")
    yield s(packed[0], compression_type="GZIP", error="DataLossError")
    yield s(b"x", compression_type="OTHER", error="InvalidArgumentError")


@op("DecodeJSONExample", "json_examples: string -> binary_examples: string", tier="host", differentiable="missing")
def decode_json_example_op(json_examples):
    """Turns ``Example`` messages written as JSON into serialized ones."""
    # Protobuf is heavy, and few programs read examples as JSON.
    from tideflow._src.graph import protos
    from tideflow._src.graph.protos.text import from_json

    kind = protos.get("Example")
    result = np.empty(np.shape(json_examples), object)
    for index, item in enumerate(np.asarray(json_examples, object).ravel().tolist()):
        try:
            message = from_json(item, kind())
        except ValueError as error:
            raise InvalidArgumentError(
                None, None, f"Error while parsing JSON: element {index} is no tensorflow.Example: {error}"
            ) from None
        # Names that are no keys in the text's own order do not occur: the parser has checked it.
        order = (json.loads(item).get("features") or {}).get("feature") or {}
        result.reshape(-1)[index] = _serialized(message, list(order))
    return result


def _serialized(message: Any, order: list[str]) -> bytes:
    """Returns an ``Example`` as TensorFlow writes one that was JSON: features in their order, numbers not packed."""
    if not message.HasField("features"):
        return b""
    entries = []
    for name in order:
        feature = message.features.feature[name]
        kind = feature.WhichOneof("kind")
        content = b""
        if kind == "bytes_list":
            content = _field(1, feature.bytes_list.SerializeToString())
        elif kind == "float_list":
            content = _field(2, b"".join(b"\x0d" + struct.pack("<f", value) for value in feature.float_list.value))
        elif kind == "int64_list":
            content = _field(3, b"".join(b"\x08" + varint_bytes(value % 2**64) for value in feature.int64_list.value))
        entries.append(_field(1, _field(1, name.encode()) + _field(2, content)))
    return _field(1, b"".join(entries))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint_bytes(len(content)) + content


@decode_json_example_op.shape
def _decode_json_example_shape(json_examples):
    return json_examples


@decode_json_example_op.samples
def _decode_json_example_samples(s):
    yield s(np.array([b"{}", b"{}"], object))
    yield s(b'{"features":{"feature":{"x":{"bytesList":{"value":["YQ=="]}}}}}')
    yield s(
        b'{"features":{"feature":{"z":{"int64List":{"value":[1,-2,300]}},"a":{"floatList":{"value":[1.5]}},"c":{},'
        b'"d":{"int64List":{}},"e":{"bytesList":{"value":["YQ==",""]}}}}}'
    )
    yield s(b'{"features":{}}')
    yield s(b'{"wrong":1}', error="InvalidArgumentError")
    yield s(b"wrong", error="InvalidArgumentError")


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Any:
    """Decompresses strings.

    Args:
      bytes: the strings, of any shape.
      compression_type: ``"ZLIB"``, ``"GZIP"``, or ``""`` for none.
      name: the name of the operation.

    Raises:
      DataLossError: a string is not compressed so.
    """
    return decode_compressed_op(bytes, compression_type=compression_type, name=name)


def decode_json_example(json_examples: Any, name: str | None = None) -> Any:
    """Turns ``Example`` messages written as JSON into serialized ones.

    Args:
      json_examples: the strings, of any shape.
      name: the name of the operation.

    Raises:
      InvalidArgumentError: a string is no JSON, or no ``Example``.
    """
    return decode_json_example_op(json_examples, name=name)
