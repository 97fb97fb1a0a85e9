"""The options that programs for the CPU are compiled with follow from the operations in them."""

from __future__ import annotations

import numpy as np

import tideflow as tf


def _library_calls(program: object, *specs: tf.TensorSpec) -> int:
    """Returns how many calls of the library the optimized program of a function holds."""
    function = tf.function(program, jit_compile=True)
    text = str(function.experimental_get_compiler_ir(*specs)(stage="optimized_hlo"))
    return text.count("__ynn_fusion")


def test_batches_of_products_are_left_to_the_engine() -> None:
    """The library runs a batch of products in one thread."""
    queries = tf.TensorSpec((32, 128, 64))
    assert _library_calls(lambda q, k: tf.matmul(q, k, transpose_b=True), queries, queries) == 0
    assert _library_calls(lambda q, k: tf.einsum("btd,bsd->bts", q, k), queries, queries) == 0


def test_products_of_matrices_beside_them_go_the_same_way() -> None:
    def attention(x: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        queries = tf.reshape(tf.reshape(x, [-1, 64]) @ weights, [32, 128, 64])
        return tf.matmul(queries, x, transpose_b=True)

    assert _library_calls(attention, tf.TensorSpec((32, 128, 64)), tf.TensorSpec((64, 64))) == 0


def test_products_of_matrices_alone_are_the_library_s() -> None:
    """This is what makes the tests above able to fail."""
    matrix = tf.TensorSpec((1024, 1024))
    assert _library_calls(tf.matmul, matrix, matrix) > 0
    np.testing.assert_allclose(tf.function(tf.matmul, jit_compile=True)(np.eye(64), np.eye(64)), np.eye(64))
