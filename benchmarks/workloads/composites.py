"""Ragged tensors of a million values in 100,000 rows, sparse ones of a million entries, and 100,000 strings: eager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.workload import SteadyWorkload, Step, Target

VALUES, ROWS, STRINGS, COLUMNS = 1_000_000, 100_000, 100_000, 64


def _ragged(tf: Any, random: np.random.Generator) -> dict[str, Step]:
    lengths = tf.constant(random.multinomial(VALUES, np.full(ROWS, 1 / ROWS)))
    values = tf.constant(random.standard_normal(VALUES, np.float32))
    order = tf.constant(random.permutation(ROWS))
    rt = tf.RaggedTensor.from_row_lengths(values, lengths)
    return {
        "ragged: from_row_lengths": lambda: tf.RaggedTensor.from_row_lengths(values, lengths),
        "ragged: reduce_sum": lambda: tf.reduce_sum(rt, axis=1),
        "ragged: concat": lambda: tf.concat([rt, rt], 0),
        "ragged: concat of rows": lambda: tf.concat([rt, rt], 1),
        "ragged: gather": lambda: tf.gather(rt, order),
        "ragged: to_tensor": lambda: rt.to_tensor(),
        "ragged: element-wise": lambda: tf.sin(rt) * rt + 1.0,
        "ragged: boolean_mask": lambda: tf.ragged.boolean_mask(rt, rt > 0.0),
        "ragged: softmax": lambda: tf.nn.softmax(rt, axis=1),
    }


def _sparse(tf: Any, random: np.random.Generator) -> dict[str, Step]:
    shape = (ROWS, 10_000)
    places = [np.unique(random.integers(shape[0] * shape[1], size=VALUES)) for _ in range(2)]
    first, second = (
        tf.SparseTensor(np.stack(np.divmod(place, shape[1]), 1), random.standard_normal(place.size, np.float32), shape)
        for place in places
    )
    mixed = random.permutation(places[0].size)
    unordered = tf.SparseTensor(first.indices.numpy()[mixed], first.values.numpy()[mixed], shape)
    dense = tf.constant(random.standard_normal((shape[1], COLUMNS), np.float32))
    return {
        "sparse: add": lambda: tf.sparse.add(first, second),
        "sparse: reorder": lambda: tf.sparse.reorder(unordered),
        "sparse: matmul with 64 columns": lambda: tf.sparse.sparse_dense_matmul(first, dense),
        "sparse: reduce_sum": lambda: tf.sparse.reduce_sum(first, axis=1),
    }


def _strings(tf: Any) -> dict[str, Step]:
    words = tf.constant([f"word {number} of the tide" for number in range(STRINGS)])
    return {
        "strings: split": lambda: tf.strings.split(words),
        "strings: unicode_decode": lambda: tf.strings.unicode_decode(words, "UTF-8"),
        "strings: join": lambda: tf.strings.join([words, words], "-"),
    }


def _program(tf: Any) -> dict[str, Step]:
    random = np.random.default_rng(0)
    return {**_ragged(tf, random), **_sparse(tf, random), **_strings(tf)}


def _verify(steps: Mapping[str, Step]) -> None:
    results = {metric: step() for metric, step in steps.items()}
    rt = results["ragged: from_row_lengths"]
    values, splits = rt.values.numpy(), rt.row_splits.numpy()
    sums = np.diff(np.concatenate([[0.0], np.cumsum(values.astype(np.float64))])[splits])
    np.testing.assert_allclose(results["ragged: reduce_sum"].numpy(), sums, atol=1e-4)
    assert results["ragged: concat of rows"].row_splits.numpy()[-1] == 2 * VALUES
    np.testing.assert_allclose(results["ragged: to_tensor"].numpy().sum(dtype=np.float64), sums.sum(), atol=1e-2)
    np.testing.assert_allclose(results["ragged: gather"].values.numpy().sum(dtype=np.float64), sums.sum(), atol=1e-2)
    assert results["sparse: add"].values.shape[0] > VALUES
    assert results["strings: split"].values.shape[0] == 5 * STRINGS
    assert results["strings: join"].numpy()[1] == b"word 1 of the tide-word 1 of the tide"


METRICS = (
    "ragged: from_row_lengths",
    "ragged: reduce_sum",
    "ragged: concat",
    "ragged: concat of rows",
    "ragged: gather",
    "ragged: to_tensor",
    "ragged: element-wise",
    "ragged: boolean_mask",
    "ragged: softmax",
    "sparse: add",
    "sparse: reorder",
    "sparse: matmul with 64 columns",
    "sparse: reduce_sum",
    "strings: split",
    "strings: unicode_decode",
    "strings: join",
)

WORKLOAD = SteadyWorkload(
    name="composites",
    title="ragged, sparse, strings",
    programs={"tideflow": _program, "tensorflow": _program},
    verify=_verify,
    targets={metric: (Target(1.0, "tensorflow"),) for metric in METRICS},
)
