"""Strings, parsed records and tables, which run on the host alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from workloads.family import Array, Case, family

COUNT = 100_000


def words() -> list[Array]:
    return [np.array([b"word %d" % number for number in range(COUNT)], object)]


def sentences() -> list[Array]:
    return [np.array([f"größe {number} of word {number % 7}" for number in range(COUNT)], object)]


def lines() -> list[Array]:
    return [np.array([b"%d,%d.5,word" % (number, number) for number in range(10_000)], object)]


def fields(tf: Any, text: Any) -> Any:
    return tf.io.decode_csv(text, [0, 0.0, ""])[:2]


WORKLOAD = family(
    "string_family",
    "strings",
    (
        Case("join of 100,000", words, lambda tf, x: tf.strings.join([x, x], "-"), compiled=False),
        Case(
            "regex_replace of 100,000", words, lambda tf, x: tf.strings.regex_replace(x, "[0-5]+", "x"), compiled=False
        ),
        Case(
            "to_hash_bucket_fast of 100,000",
            words,
            lambda tf, x: tf.strings.to_hash_bucket_fast(x, 1000),
            compiled=False,
        ),
        Case("split of 100,000", sentences, lambda tf, x: tf.strings.split(x).flat_values, compiled=False),
        Case(
            "unicode_decode of 100,000",
            sentences,
            lambda tf, x: tf.strings.unicode_decode(x, "UTF-8").flat_values,
            compiled=False,
        ),
        Case("decode_csv of 10,000 lines", lines, fields, compiled=False),
    ),
)
