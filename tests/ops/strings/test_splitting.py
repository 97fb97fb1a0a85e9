"""Strings that are split all at once give the parts that each gives by itself."""

from __future__ import annotations

import random

import pytest

from tideflow._src.ops.strings.splitting import parts_of

WHITE_SPACE = " \t\n\v\f\r"


@pytest.mark.parametrize("letters", [WHITE_SPACE + "ab", WHITE_SPACE + "a\x1c\x85\0", "ab, ", ","])
@pytest.mark.parametrize("separator", [b"", b" ", b",", b"\0", b"ab"])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_parts(letters, separator, count):
    rng = random.Random(f"{letters}{separator!r}{count}")
    items = ["".join(rng.choices(letters, k=rng.randrange(12))).encode("latin1") for _ in range(count)]
    expected = [item.split(separator or None) for item in items]
    lengths, values = parts_of(items, separator, -1)
    assert lengths.tolist() == [len(parts) for parts in expected]
    assert list(values) == [part for parts in expected for part in parts]
