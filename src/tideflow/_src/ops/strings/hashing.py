"""``tf.strings.to_hash_bucket`` and its relatives, and ``tf.fingerprint``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import with_rank_at_least
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.ops.strings.hash_kernels import fingerprint64, murmur64, siphash
from tideflow._src.ops.strings.packed import Packed
from tideflow._src.runtime.op import op


def _buckets(hashes: Any, num_buckets: int, value: Any) -> Any:
    return (hashes % np.uint64(num_buckets)).astype(np.int64).reshape(np.shape(value))


@op(
    "StringToHashBucket",
    "string_tensor: string -> output: int64",
    tier="host",
    differentiable=False,
    num_buckets=at_least(1),
)
def string_to_hash_bucket_op(string_tensor, *, num_buckets: int):
    """Numbers strings by a hash that may differ between versions."""
    return _buckets(murmur64(Packed.of(items_of(string_tensor))), num_buckets, string_tensor)


@op(
    "StringToHashBucketFast",
    "input: string -> output: int64",
    tier="host",
    differentiable=False,
    num_buckets=at_least(1),
)
def string_to_hash_bucket_fast_op(input, *, num_buckets: int):
    """Numbers strings by FarmHash's fingerprint."""
    return _buckets(fingerprint64(Packed.of(items_of(input))), num_buckets, input)


@op(
    "StringToHashBucketStrong",
    "input: string -> output: int64",
    tier="host",
    differentiable=False,
    num_buckets=at_least(1),
)
def string_to_hash_bucket_strong_op(input, *, num_buckets: int, key: list[int]):
    """Numbers strings by SipHash with a key."""
    if len(key) != 2:
        raise invalid_argument(f"Key must have 2 elements, got {len(key)}")
    return _buckets(siphash(Packed.of(items_of(input)), (key[0], key[1])), num_buckets, input)


@string_to_hash_bucket_op.shape
def _string_tensor_shape(string_tensor):
    return string_tensor


@string_to_hash_bucket_fast_op.shape
@string_to_hash_bucket_strong_op.shape
def _input_shape(input):
    return input


_LONG = [bytes((7 * k + size) % 256 for k in range(size)) for size in (*range(34), 63, 64, 65, 127, 128, 129, 300)]


@string_to_hash_bucket_op.samples
@string_to_hash_bucket_fast_op.samples
def _hash_samples(s):
    yield s(array_of(_LONG, (len(_LONG),)), num_buckets=2**62)
    yield s(s.strings((2, 3)), num_buckets=7)
    yield s(b"tide", num_buckets=1)
    yield s(np.empty((0, 2), object), num_buckets=3)
    yield s(b"tide", num_buckets=0, error="InvalidArgumentError")


@string_to_hash_bucket_strong_op.samples
def _strong_samples(s):
    yield s(array_of(_LONG, (len(_LONG),)), num_buckets=2**62, key=[1, -2])
    yield s(s.strings((2, 3)), num_buckets=7, key=[0, 0])
    yield s(np.empty((0, 2), object), num_buckets=3, key=[5, 6])
    yield s(b"tide", num_buckets=3, key=[1], error="InvalidArgumentError")


@op("Fingerprint", "data: T, method: static string -> fingerprint: uint8", tier="host", differentiable="missing")
def fingerprint_op(data, method):
    """Computes a fingerprint of 8 bytes of each row."""
    strings = np.asarray(data).dtype.kind == "O"
    if strings and not set(map(type, items_of(data))) <= {bytes}:
        raise invalid_argument("Data type not supported: resource or variant")
    if np.ndim(method):
        raise invalid_argument(f"`method` should be a scalar string: {shape_text(np.shape(method))}")
    if (name := np.asarray(method, object).item()) != b"farmhash64":
        raise invalid_argument(f"Unsupported fingerprint method: {name.decode(errors='replace')}")
    shape = np.shape(data)
    if not shape:
        raise invalid_argument("`data` should have at least one dimension: []")
    if strings:
        hashes = fingerprint64(Packed.of(items_of(data)))
        if len(shape) == 1:
            return _little_endian(hashes)
        content = _little_endian(hashes)
    else:
        content = np.ascontiguousarray(data)
    width = content.nbytes // shape[0] if shape[0] else 0
    return _little_endian(fingerprint64(Packed(content.tobytes(), np.full(shape[0], width, np.int64))))


def _little_endian(hashes: Any) -> Any:
    return hashes.astype("<u8").view(np.uint8).reshape(-1, 8)


@fingerprint_op.shape
def _fingerprint_shape(data, method):
    if method.shape is not None and len(method.shape):
        raise ValueError(f"Shape must be rank 0 but is rank {len(method.shape)}")
    with_rank_at_least(data, 1)
    width = None
    if method.value is not None:
        if (name := np.asarray(method.value, object).item()) != b"farmhash64":
            raise ValueError(f"Unsupported fingerprint method: {name.decode(errors='replace')}")
        width = 8
    return (None if data is None else data[0], width)


@fingerprint_op.samples
def _fingerprint_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 2), dtype), b"farmhash64")
    yield s(s.strings((4,)), b"farmhash64")
    yield s(s.normal(2, 3, 20), b"farmhash64")
    yield s(s.empty(2, 0), b"farmhash64")
    yield s(s.empty(0, 2), b"farmhash64")
    yield s(s.normal(2), b"other", error="InvalidArgumentError")
    yield s(s.normal(), b"farmhash64", error="InvalidArgumentError")


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """Numbers strings from 0 up to ``num_buckets`` by FarmHash's fingerprint, which is the same everywhere.

    Args:
      input: strings of any shape.
      num_buckets: how many numbers there are.
      name: the name of the operation.

    Returns:
      An int64 tensor of the shape of ``input``.
    """
    return string_to_hash_bucket_fast_op(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Any:
    """Numbers strings by SipHash: who does not know the key cannot make strings that get the same number.

    Args:
      input: strings of any shape.
      num_buckets: how many numbers there are.
      key: two integers.
      name: the name of the operation.

    Returns:
      An int64 tensor of the shape of ``input``.
    """
    return string_to_hash_bucket_strong_op(input, num_buckets=num_buckets, key=key, name=name)


def string_to_hash_bucket(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """Numbers strings from 0 up to ``num_buckets`` by a hash.

    Args:
      input: strings of any shape.
      num_buckets: how many numbers there are.
      name: the name of the operation.

    Returns:
      An int64 tensor of the shape of ``input``.
    """
    return string_to_hash_bucket_op(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_v1(
    string_tensor: Any = None, num_buckets: Any = None, name: str | None = None, input: Any = None
) -> Any:
    """Numbers strings by a hash; ``input`` is another name of ``string_tensor``.

    Raises:
      ValueError: both names are given.
    """
    if input is not None and string_tensor is not None:
        raise ValueError("Cannot specify both 'string_tensor' and 'input'.")
    return string_to_hash_bucket(input if string_tensor is None else string_tensor, num_buckets, name)
