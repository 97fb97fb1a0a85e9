"""FarmHash's fingerprint of 128 bits: that of CityHash (Pike and Alakuijala), on Python's integers."""

from __future__ import annotations

_ALL = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_OF_PAIRS = 0x9DDFEA08EB382D69

Pair = tuple[int, int]


def fingerprint128(data: bytes) -> Pair:
    """Returns the lower and the upper half of the fingerprint of some bytes.

    >>> [hex(half) for half in fingerprint128(b"")]
    ['0x3df09dfc64c09a2b', '0x3cb540c392e51e29']
    """
    if len(data) >= 16:
        return _seeded(data[16:], (_word(data, 0), _word(data, 8) + _K0 & _ALL))
    return _seeded(data, (_K0, _K1))


def _word(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 8], "little")


def _rotated(value: int, count: int) -> int:
    return (value >> count | value << (64 - count)) & _ALL


def _shift_mixed(value: int) -> int:
    return value ^ value >> 47


def _of_pair(first: int, second: int, factor: int = _OF_PAIRS) -> int:
    """Returns a hash of 128 bits, in 64."""
    mixed = _shift_mixed((first ^ second) * factor & _ALL)
    return _shift_mixed((second ^ mixed) * factor & _ALL) * factor & _ALL


def _of_short(data: bytes) -> int:
    """Returns a hash of at most 16 bytes."""
    length = len(data)
    if length >= 8:
        factor = _K2 + length * 2 & _ALL
        a, b = _word(data, 0) + _K2 & _ALL, _word(data, length - 8)
        c = _rotated(b, 37) * factor + a & _ALL
        d = (_rotated(a, 25) + b) * factor & _ALL
        return _of_pair(c, d, factor)
    if length >= 4:
        factor = _K2 + length * 2 & _ALL
        first = int.from_bytes(data[:4], "little")
        return _of_pair(length + (first << 3) & _ALL, int.from_bytes(data[length - 4 :], "little"), factor)
    if length:
        y = data[0] + (data[length >> 1] << 8)
        z = length + (data[length - 1] << 2)
        return _shift_mixed((y * _K2 ^ z * _K0) & _ALL) * _K2 & _ALL
    return _K2


def _weak(data: bytes, position: int, a: int, b: int) -> Pair:
    """Returns a hash of 32 bytes and two seeds: good enough to be mixed further."""
    w, x, y, z = (_word(data, position + offset) for offset in (0, 8, 16, 24))
    a = a + w & _ALL
    b = _rotated(b + a + z & _ALL, 21)
    c = a
    a = a + x + y & _ALL
    b = b + _rotated(a, 44) & _ALL
    return a + z & _ALL, b + c & _ALL


def _murmured(data: bytes, seed: Pair) -> Pair:
    """Returns the fingerprint of fewer than 128 bytes."""
    a, b = seed
    length = len(data)
    if length <= 16:
        a = _shift_mixed(a * _K1 & _ALL) * _K1 & _ALL
        c = b * _K1 + _of_short(data) & _ALL
        d = _shift_mixed(a + (_word(data, 0) if length >= 8 else c) & _ALL)
    else:
        c = _of_pair(_word(data, length - 8) + _K1 & _ALL, a)
        d = _of_pair(b + length & _ALL, c + _word(data, length - 16) & _ALL)
        a = a + d & _ALL
        for position in range(0, length - 16, 16):
            a = (a ^ _shift_mixed(_word(data, position) * _K1 & _ALL) * _K1) * _K1 & _ALL
            b ^= a
            c = (c ^ _shift_mixed(_word(data, position + 8) * _K1 & _ALL) * _K1) * _K1 & _ALL
            d ^= c
    a, b = _of_pair(a, c), _of_pair(d, b)
    return a ^ b, _of_pair(b, a)


def _seeded(data: bytes, seed: Pair) -> Pair:
    length = len(data)
    if length < 128:
        return _murmured(data, seed)
    x, y = seed
    z = length * _K1 & _ALL
    v0 = _rotated(y ^ _K1, 49) * _K1 + _word(data, 0) & _ALL
    v1 = _rotated(v0, 42) * _K1 + _word(data, 8) & _ALL
    w0 = _rotated(y + z & _ALL, 35) * _K1 + x & _ALL
    w1 = _rotated(x + _word(data, 88) & _ALL, 53) * _K1 & _ALL
    position = 0
    while length - position >= 128:
        for _ in range(2):
            x = _rotated(x + y + v0 + _word(data, position + 8) & _ALL, 37) * _K1 & _ALL
            y = _rotated(y + v1 + _word(data, position + 48) & _ALL, 42) * _K1 & _ALL
            x ^= w1
            y = y + v0 + _word(data, position + 40) & _ALL
            z = _rotated(z + w0 & _ALL, 33) * _K1 & _ALL
            v0, v1 = _weak(data, position, v1 * _K1 & _ALL, x + w0 & _ALL)
            w0, w1 = _weak(data, position + 32, z + w1 & _ALL, y + _word(data, position + 16) & _ALL)
            z, x = x, z
            position += 64
    left = length - position
    x = x + _rotated(v0 + z & _ALL, 49) * _K0 & _ALL
    y = y * _K0 + _rotated(w1, 37) & _ALL
    z = z * _K0 + _rotated(w0, 27) & _ALL
    w0 = w0 * 9 & _ALL
    v0 = v0 * _K0 & _ALL
    for done in range(32, left + 32, 32):  # backwards from the end, into what has been read where that is not enough
        place = length - done
        y = _rotated(x + y & _ALL, 42) * _K0 + v1 & _ALL
        w0 = w0 + _word(data, place + 16) & _ALL
        x = x * _K0 + w0 & _ALL
        z = z + w1 + _word(data, place) & _ALL
        w1 = w1 + v0 & _ALL
        v0, v1 = _weak(data, place, v0 + z & _ALL, v1)
        v0 = v0 * _K0 & _ALL
    x = _of_pair(x, v0)
    y = _of_pair(y + z & _ALL, w0)
    return _of_pair(x + v1 & _ALL, w1) + y & _ALL, _of_pair(x + w1 & _ALL, y + v1 & _ALL)
