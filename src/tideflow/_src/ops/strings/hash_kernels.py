"""Computes hashes of many byte strings at once: FarmHash's Fingerprint64, MurmurHash64A and SipHash-2-4.

The strings lie one after the other in one buffer. A step of a hash reads one word of each string that still has one,
so the number of steps is that of the longest string, not that of the strings. The algorithms are those of FarmHash
(G. Pike, 2014), MurmurHash2 (A. Appleby, 2008), and SipHash (J.-P. Aumasson and D. J. Bernstein, 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.ops.strings.packed import Packed

Array = np.ndarray[Any, Any]

_K0 = np.uint64(0xC3A5C85C97CB3127)
_K1 = np.uint64(0xB492B66FBE98F273)
_K2 = np.uint64(0x9AE16A3B2F90404F)
_MURMUR = np.uint64(0xC6A4A7935BD1E995)
_MURMUR_SEED = np.uint64(0xDECAFCAFFE)


class _Reader:
    """Reads a word of each of some strings, at an offset from their starts."""

    def __init__(self, strings: Packed, starts: Array) -> None:
        self._strings, self._starts = strings, starts

    def __call__(self, offset: int | Array) -> Array:
        return self._strings.words(self._starts + offset)

    def of(self, chosen: Array | slice, offset: int | Array = 0) -> _Reader:
        """Returns the reader of some of the strings, from an offset on."""
        return _Reader(self._strings, self._starts[chosen] + offset)


def _rotated(value: Array, count: int) -> Array:
    """Rotates words to the right."""
    return (value >> np.uint64(count)) | (value << np.uint64(64 - count))


def _shift_mixed(value: Array) -> Array:
    return value ^ (value >> np.uint64(47))


def _of_16(first: Array, second: Array, factor: Array) -> Array:
    mixed = _shift_mixed((first ^ second) * factor)
    return _shift_mixed((second ^ mixed) * factor) * factor


def fingerprint64(strings: Packed) -> Array:
    """Returns FarmHash's Fingerprint64 of each string, unsigned."""
    lengths = strings.lengths
    result = np.full(lengths.size, _K2, np.uint64)
    lower = 1
    for upper, function in _BY_LENGTH:
        chosen = np.flatnonzero((lengths >= lower) & (lengths <= upper))
        if chosen.size:
            result[chosen] = function(_Reader(strings, strings.starts[chosen]), lengths[chosen])
        lower = upper + 1
    return result


def concatenated(first: Array, second: Array) -> Array:
    """Returns one fingerprint for each pair of two: TensorFlow's ``FingerprintCat64``, of MurmurHash's steps."""
    mixed = (first ^ _MURMUR) ^ _shift_mixed(second * _MURMUR) * _MURMUR
    return _shift_mixed(_shift_mixed(mixed * _MURMUR) * _MURMUR)


def _up_to_3(read: _Reader, sizes: Array) -> Array:
    byte = np.uint64(0xFF)
    first, middle, last = read(0) & byte, read(sizes >> 1) & byte, read(sizes - 1) & byte
    y = first + (middle << np.uint64(8))
    z = sizes.astype(np.uint64) + (last << np.uint64(2))
    return _shift_mixed(y * _K2 ^ z * _K0) * _K2


def _up_to_7(read: _Reader, sizes: Array) -> Array:
    half = np.uint64(0xFFFFFFFF)
    length = sizes.astype(np.uint64)
    first = length + ((read(0) & half) << np.uint64(3))
    return _of_16(first, read(sizes - 4) & half, _K2 + length * np.uint64(2))


def _up_to_16(read: _Reader, sizes: Array) -> Array:
    factor = _K2 + sizes.astype(np.uint64) * np.uint64(2)
    a = read(0) + _K2
    b = read(sizes - 8)
    c = _rotated(b, 37) * factor + a
    d = (_rotated(a, 25) + b) * factor
    return _of_16(c, d, factor)


def _up_to_32(read: _Reader, sizes: Array) -> Array:
    factor = _K2 + sizes.astype(np.uint64) * np.uint64(2)
    a = read(0) * _K1
    b = read(8)
    c = read(sizes - 8) * factor
    d = read(sizes - 16) * _K2
    return _of_16(_rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + _K2, 18) + c, factor)


def _up_to_64(read: _Reader, sizes: Array) -> Array:
    factor = _K2 + sizes.astype(np.uint64) * np.uint64(2)
    a = read(0) * _K2
    b = read(8)
    c = read(sizes - 8) * factor
    d = read(sizes - 16) * _K2
    y = _rotated(a + b, 43) + _rotated(c, 30) + d
    z = _of_16(y, a + _rotated(b + _K2, 18) + c, factor)
    e = read(16) * factor
    f = read(24)
    g = (y + read(sizes - 32)) * factor
    h = (z + read(sizes - 24)) * factor
    return _of_16(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, factor)


def _weak(words: Sequence[Array], a: Array, b: Array) -> tuple[Array, Array]:
    a = a + words[0]
    b = _rotated(b + a + words[3], 21)
    c = a
    a = a + words[1] + words[2]
    b = b + _rotated(a, 44)
    return a + words[3], b + c


def _mixed(read: _Reader, state: Sequence[Array], factor: Array, weight: Array) -> list[Array]:
    """Mixes a block of 64 bytes into x, y, z and the pairs v and w; ``weight`` is 1, or 9 for the last block."""
    x, y, z, v0, v1, w0, w1 = state
    x = _rotated(x + y + v0 + read(8), 37) * factor
    y = _rotated(y + v1 + read(48), 42) * factor
    x = x ^ w1 * weight
    y = y + v0 * weight + read(40)
    z = _rotated(z + w0, 33) * factor
    v = _weak([read(0), read(8), read(16), read(24)], v1 * factor, x + w0)
    w = _weak([read(32), read(40), read(48), read(56)], z + w1, y + read(16))
    return [z, y, x, *v, *w]


def _longer(read: _Reader, sizes: Array) -> Array:
    """Hashes strings of more than 64 bytes: whole blocks of 64 bytes, then the last 64 bytes."""
    one, nine = np.uint64(1), np.uint64(9)
    order = np.argsort(-sizes, kind="stable")
    read, sizes = read.of(order), sizes[order]
    y = np.array([0xB492B66FBE98F273 * 81 + 113 & 0xFFFFFFFFFFFFFFFF], np.uint64)
    state = np.zeros((7, sizes.size), np.uint64)
    state[0] = read(0) + np.array([81], np.uint64) * _K2
    state[1] = y
    state[2] = _shift_mixed(y * _K2 + np.uint64(113)) * _K2
    blocks = (sizes - 1) >> 6
    for block in range(int(blocks[0])):
        active = int(np.searchsorted(-blocks, -block))
        state[:, :active] = _mixed(read.of(slice(active), 64 * block), list(state[:, :active]), _K1, one)
    x, y, z, v0, v1, w0, w1 = state
    factor = _K1 + ((z & np.uint64(0xFF)) << one)
    w0 = w0 + ((sizes - 1) & 63).astype(np.uint64)
    v0 = v0 + w0
    w0 = w0 + v0
    last = read.of(slice(None), sizes - 64)
    x, y, z, v0, v1, w0, w1 = _mixed(last, [x, y, z, v0, v1, w0, w1], factor, nine)
    first = _of_16(v0, w0, factor) + _shift_mixed(y) * _K0 + z
    hashed = _of_16(first, _of_16(v1, w1, factor) + x, factor)
    result = np.empty(sizes.size, np.uint64)
    result[order] = hashed
    return result


_BY_LENGTH: tuple[tuple[int, Callable[[_Reader, Array], Array]], ...] = (
    (3, _up_to_3),
    (7, _up_to_7),
    (16, _up_to_16),
    (32, _up_to_32),
    (64, _up_to_64),
    (2**62, _longer),
)


def murmur64(strings: Packed) -> Array:
    """Returns MurmurHash64A of each string, with TensorFlow's seed, unsigned."""
    order = np.argsort(-strings.lengths, kind="stable")
    sizes = strings.lengths[order]
    read = _Reader(strings, strings.starts[order])
    state = _MURMUR_SEED ^ (sizes.astype(np.uint64) * _MURMUR)
    words = sizes >> 3
    for word in range(int(words[0]) if words.size else 0):
        active = int(np.searchsorted(-words, -word))
        mixed = read.of(slice(active))(8 * word) * _MURMUR
        mixed = _shift_mixed(mixed) * _MURMUR
        state[:active] = (state[:active] ^ mixed) * _MURMUR
    rest = sizes & 7
    tail = read(words * 8) & ((np.uint64(1) << (rest * 8).astype(np.uint64)) - np.uint64(1))
    state = np.where(rest > 0, (state ^ tail) * _MURMUR, state)
    state = _shift_mixed(_shift_mixed(state) * _MURMUR)
    result = np.empty(sizes.size, np.uint64)
    result[order] = state
    return result


def siphash(strings: Packed, key: tuple[int, int]) -> Array:
    """Returns SipHash-2-4 of each string under a key of two numbers, unsigned."""
    first, second = (np.uint64(part & 0xFFFFFFFFFFFFFFFF) for part in key)
    order = np.argsort(-strings.lengths, kind="stable")
    sizes = strings.lengths[order]
    read = _Reader(strings, strings.starts[order])
    state = np.empty((4, sizes.size), np.uint64)
    state[0] = first ^ np.uint64(0x736F6D6570736575)
    state[1] = second ^ np.uint64(0x646F72616E646F6D)
    state[2] = first ^ np.uint64(0x6C7967656E657261)
    state[3] = second ^ np.uint64(0x7465646279746573)
    words = sizes >> 3
    for word in range(int(words[0]) if words.size else 0):
        active = int(np.searchsorted(-words, -word))
        state[:, :active] = _absorbed(list(state[:, :active]), read.of(slice(active))(8 * word))
    mask = (np.uint64(1) << ((sizes & 7) * 8).astype(np.uint64)) - np.uint64(1)
    tail = (read(words * 8) & mask) | (sizes.astype(np.uint64) << np.uint64(56))
    rows = _absorbed(list(state), tail)
    rows[2] = rows[2] ^ np.uint64(0xFF)
    for _ in range(4):
        rows = _sip_round(rows)
    result = np.empty(sizes.size, np.uint64)
    result[order] = rows[0] ^ rows[1] ^ rows[2] ^ rows[3]
    return result


def _absorbed(state: list[Array], word: Array) -> list[Array]:
    state[3] = state[3] ^ word
    state = _sip_round(_sip_round(state))
    state[0] = state[0] ^ word
    return state


def _sip_round(state: list[Array]) -> list[Array]:
    v0, v1, v2, v3 = state
    v0 = v0 + v1
    v1 = _rotated(v1, 64 - 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 = v2 + v3
    v3 = _rotated(v3, 64 - 16) ^ v2
    v0 = v0 + v3
    v3 = _rotated(v3, 64 - 21) ^ v0
    v2 = v2 + v1
    v1 = _rotated(v1, 64 - 17) ^ v2
    v2 = _rotated(v2, 32)
    return [v0, v1, v2, v3]
