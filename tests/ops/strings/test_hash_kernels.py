"""Checks the hashes against published values, and many strings at once against one by one."""

from __future__ import annotations

import pytest

from tideflow._src.ops.strings.hash_kernels import Packed, fingerprint64, murmur64, siphash

KEY = tuple(int.from_bytes(bytes(range(start, start + 8)), "little") for start in (0, 8))


def test_siphash_gives_the_values_of_its_paper():
    messages = [bytes(range(size)) for size in (0, 1, 15)]
    expected = [0x726FDB47DD0E0E31, 0x74F839C593DC67FD, 0xA129CA6149BE45E5]
    assert siphash(Packed.of(messages), KEY).tolist() == expected


def test_fingerprints():
    strings = Packed.of([b"", b"a", b"abcdefgh", b"abcdefghi"])
    expected = [1936946117179621455, 3694432073954588131, 4533385575889643785, 3687479239766293058]
    assert [value % 2**62 for value in fingerprint64(strings).tolist()] == expected


@pytest.mark.parametrize("function", [fingerprint64, murmur64, lambda strings: siphash(strings, KEY)])
def test_many_at_once_are_as_one_by_one(function):
    items = [bytes((7 * place + size) % 256 for place in range(size)) for size in (*range(70), 127, 128, 129, 400)]
    items = items[::2] + items[1::2]
    assert function(Packed.of(items)).tolist() == [function(Packed.of([item]))[0] for item in items]
    assert function(Packed.of([])).tolist() == []
