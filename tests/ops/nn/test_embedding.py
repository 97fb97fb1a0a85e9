"""Embedding lookups: whole tables, parts split in two ways, and longest norms."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops import everything  # noqa: F401
from tideflow._src.ops.nn.embedding import embedding_lookup, embedding_lookup_v1

TABLE = np.random.default_rng(3).normal(size=(7, 4)).astype(np.float32)
IDS = np.array([[0, 6], [3, 3], [1, 5]])


def test_a_whole_table() -> None:
    np.testing.assert_array_equal(embedding_lookup(TABLE, IDS).numpy(), TABLE[IDS])
    with pytest.raises(InvalidArgumentError):
        embedding_lookup(TABLE, [7])


def test_parts_in_ranges() -> None:
    parts = [TABLE[:3], TABLE[3:5], TABLE[5:]]  # the first holds one row more
    np.testing.assert_array_equal(embedding_lookup(parts, IDS).numpy(), TABLE[IDS])


def test_parts_in_turn() -> None:
    parts = [TABLE[0::3], TABLE[1::3], TABLE[2::3]]
    np.testing.assert_array_equal(embedding_lookup_v1(parts, IDS).numpy(), TABLE[IDS])


def test_long_embeddings_are_scaled_down() -> None:
    found = embedding_lookup(TABLE, IDS, max_norm=1.0).numpy()
    lengths = np.linalg.norm(TABLE[IDS], axis=-1, keepdims=True)
    np.testing.assert_allclose(found, TABLE[IDS] / np.maximum(lengths, 1), rtol=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one param"):
        embedding_lookup([], IDS)
    with pytest.raises(ValueError, match="partition strategy"):
        embedding_lookup_v1([TABLE, TABLE], IDS, partition_strategy="even")
