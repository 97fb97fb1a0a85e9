"""Sums of large arrays in compiled programs: right over any axes, and never one accumulator after the other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tideflow as tf

SHAPES = [(3, 29, 28, 17), (1025, 65), (4099, 7), (7, 4099), (1 << 17,), (2, 1, 8, 1031), (129, 2, 300)]


def _cases() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [
        (shape, axes)
        for shape in SHAPES
        for count in range(len(shape) + 1)
        for axes in itertools.combinations(range(len(shape)), count)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int32"])
def test_all_axes_of_all_shapes(dtype: str) -> None:
    """Against NumPy's sums in 64 bits; each function holds all axes of a shape, and so is one program."""
    kind = tf.as_dtype(dtype)
    for shape, cases in itertools.groupby(_cases(), key=lambda case: case[0]):
        x = np.random.default_rng(3).standard_normal(shape) * 50
        values = tf.cast(tf.constant(x), kind)
        axes = [axes for _, axes in cases]

        @tf.function(jit_compile=True)
        def sums(values: tf.Tensor, axes: list[tuple[int, ...]] = axes) -> list[tf.Tensor]:
            return [tf.reduce_sum(values + values, item, keepdims=len(item) % 2 == 1) for item in axes]

        exact = np.asarray(tf.cast(values + values, tf.float64))
        for item, result in zip(axes, sums(values), strict=True):
            expected = exact.sum(item, keepdims=len(item) % 2 == 1)
            assert result.dtype is kind
            assert result.shape == expected.shape
            bound = (
                np.abs(exact).sum(item).max() * {"float32": 2e-7, "float64": 1e-15, "bfloat16": 4e-3, "int32": 0}[dtype]
            )
            assert np.abs(np.asarray(tf.cast(result, tf.float64)) - expected).max() <= bound + 1e-30


def test_what_is_not_a_number_stays_so() -> None:
    x = np.ones((2048, 64), np.float32)
    x[77, 3], x[2047, 5], x[0, 7], x[1, 7] = np.nan, np.inf, np.inf, -np.inf
    for axis in (0, 1, None):
        compiled = tf.function(lambda x, axis=axis: tf.reduce_sum(x, axis), jit_compile=True)(x)
        np.testing.assert_array_equal(compiled, tf.reduce_sum(x, axis))


@pytest.mark.parametrize(
    ("shape", "axes"), [((16, 28, 28, 64), (0, 1, 2)), ((1024, 256), (1,)), ((64, 50, 64), (0, 1, 2))]
)
def test_no_reduction_runs_over_all_elements(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """XLA reduces without vectors and in one thread what it computes on the way; sums of eight come before."""
    jax = pytest.importorskip("jax")
    from tideflow._src.ops.math import partial_sums

    program = jax.make_jaxpr(lambda x: partial_sums.total(x * x, axes))(np.zeros(shape, np.float32))
    reduced = [item.invars[0].aval.size for item in program.eqns if item.primitive.name == "reduce_sum"]
    assert reduced
    assert max(reduced) <= np.prod(shape) // 8


def test_the_same_bits_in_every_program() -> None:
    """What stands beside a sum in a program does not change the order in which it adds."""
    x = np.random.default_rng(5).standard_normal((4096, 96)).astype(np.float32)
    alone = tf.function(lambda x: tf.reduce_sum(x, 0), jit_compile=True)(x)
    among = tf.function(lambda x: (tf.reduce_sum(x, 0), tf.reduce_max(x * 2), tf.reduce_mean(x, 0)), jit_compile=True)(
        x
    )
    np.testing.assert_array_equal(alone, among[0])
