"""Tests of ragged tensors as variants: alone, as rows, in lists, loops and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

SPLITS = np.int64([0, 1, 4])


def encoded(values: Any, *, batched: bool = True) -> Any:
    return tf.raw_ops.RaggedTensorToVariant(rt_nested_splits=[SPLITS], rt_dense_values=values, batched_input=batched)


def decoded(variant: Any, input_rank: int, output_rank: int, dtype: Any = tf.float32) -> Any:
    return tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=variant, input_ragged_rank=input_rank, output_ragged_rank=output_rank, Tvalues=dtype
    )


def test_rows_are_arranged_like_other_tensors() -> None:
    rows = encoded(tf.constant([1.0, 2.0, 3.0, 4.0]))
    assert rows.dtype == tf.variant
    assert rows.shape == (2,)
    stacked = tf.stack([rows[1], rows[0], rows[1]])
    assert stacked.dtype == tf.variant
    found = decoded(stacked, 0, 1)
    assert found.output_nested_splits[0].numpy().tolist() == [0, 3, 4, 7]
    assert found.output_dense_values.numpy().tolist() == [2, 3, 4, 1, 2, 3, 4]
    matrix = decoded(tf.gather(tf.stack([rows, rows]), [1]), 0, 2)
    assert [splits.numpy().tolist() for splits in matrix.output_nested_splits] == [[0, 2], [0, 1, 4]]
    assert decoded(tf.concat([rows, rows], 0), 0, 1).output_dense_values.shape == (8,)


def test_a_loop_collects_rows() -> None:
    @tf.function
    def doubled(values: Any) -> Any:
        rows = encoded(values)
        result = tf.TensorArray(tf.variant, 2, element_shape=())

        def body(index: Any, found: Any) -> Any:
            row = decoded(rows[index], 0, 0).output_dense_values
            again = tf.raw_ops.RaggedTensorToVariant(
                rt_nested_splits=[], rt_dense_values=tf.concat([row, row], 0), batched_input=False
            )
            return index + 1, found.write(index, again)

        _, result = tf.while_loop(lambda index, _: index < 2, body, (0, result))
        found = decoded(result.stack(), 0, 1)
        return found.output_nested_splits[0], found.output_dense_values

    splits, values = doubled(tf.constant([1.0, 2.0, 3.0, 4.0]))
    assert splits.numpy().tolist() == [0, 2, 8]
    assert values.numpy().tolist() == [1, 1, 2, 3, 4, 2, 3, 4]


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("in_function", [True, False])
def test_gradients_pass_through_variants(batched: bool, in_function: bool) -> None:
    def slope(values: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(values)
            found = decoded(encoded(values, batched=batched), 0 if batched else 1, 1).output_dense_values
            total = tf.reduce_sum(found * found)
        return tape.gradient(total, values)

    function = tf.function(slope) if in_function else slope
    assert function(tf.constant([1.0, 2.0, 3.0, 4.0])).numpy().tolist() == [2, 4, 6, 8]


def test_what_is_no_ragged_tensor_is_refused() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="doesn't hold a RaggedTensorVariant"):
        decoded(tf.raw_ops.EmptyTensorList(element_shape=-1, max_num_elements=-1, element_dtype=tf.float32), 0, 0)
