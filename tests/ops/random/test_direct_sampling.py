"""Sampling draws the numbers that TensorFlow draws; the expected ones were recorded from TensorFlow 2.21."""

from __future__ import annotations

import json
import pathlib

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from tideflow._src.core import float_errors
from tideflow._src.ops.random import direct_sampling, rejection_sampling
from tideflow._src.runtime import philox as philox_module
from tideflow._src.runtime.philox import (
    PhiloxState,
    blocks_for_multinomial,
    blocks_for_outputs,
    blocks_for_shuffle,
    stateless_key_counter,
)

RECORDED = np.load(pathlib.Path(__file__).parents[2] / "runtime" / "data" / "random.npz")
CASES = list(enumerate(json.loads(str(RECORDED["cases"]))))
FILLS = {
    "RandomUniform": direct_sampling.uniform,
    "RandomStandardNormal": direct_sampling.normal,
    "TruncatedNormal": rejection_sampling.truncated_normal,
    "StatelessRandomUniform": direct_sampling.uniform,
    "StatelessRandomNormal": direct_sampling.normal,
    "StatelessTruncatedNormal": rejection_sampling.truncated_normal,
}
# Compiling takes most of the time: not every recorded case is checked on the compiled tier too.
COMPILED_SIZES = (0, 17)
COMPILED_SEEDS = (87654321, 7)


@pytest.fixture(autouse=True)
def _wide_types():
    with jax.enable_x64(True):
        yield


def select(*names):
    """Makes the recorded cases of some ops the parameters of a test."""
    chosen = [case for case in CASES if case[1]["op"] in names]
    assert chosen, names
    return pytest.mark.parametrize(
        ("index", "case"),
        chosen,
        ids=[f"{case['op']}-{case.get('dtype', '')}-{index}" for index, case in chosen],
    )


def dtype_of(case):
    return np.dtype(ml_dtypes.bfloat16 if case["dtype"] == "bfloat16" else case["dtype"])


def thin(values):
    """Keeps of long arrays what the recorder kept."""
    values = np.asarray(values)
    flat = values.reshape(-1)
    return values if flat.size <= 4000 else np.concatenate([flat[::7919], flat[-5:]])


def expected(index, run, dtype):
    values = RECORDED[f"{index}/{run}"]
    return values.view(dtype) if dtype == ml_dtypes.bfloat16 else values


def check(actual, wanted, *, exact):
    actual = thin(actual)
    assert actual.dtype == wanted.dtype
    assert actual.shape == wanted.shape
    if exact:
        np.testing.assert_array_equal(actual, wanted)
        return
    # One unit in the last place of a half, and a relative 1e-6 of what is wider; absolute, a unit in the last
    # place of the sine's largest value, since the sine of a rounded angle near pi has no relative accuracy.
    kind = wanted.dtype
    tolerance = {2: 2e-3 if kind == np.float16 else 1.6e-2, 4: 1e-6, 8: 1e-14}[kind.itemsize]
    np.testing.assert_allclose(actual.astype(np.float64), wanted.astype(np.float64), rtol=tolerance, atol=tolerance / 4)


def case_stream(case):
    """Returns the key and counter of a case that is not stateful."""
    if "key" in case:
        return case["key"], tuple(case["counter"])
    return stateless_key_counter(np, np.array(case["seed"], case["seed_dtype"]))


def compiled(fill, key, counter, *arguments):
    """Runs a fill under `jax.jit` with a traced key and counter."""
    key = np.asarray(key, np.uint64).reshape(1)
    counter = np.asarray(counter, np.uint64)
    return np.asarray(jax.jit(lambda key, counter: fill(jnp, key, counter, *arguments))(key, counter))


@select("RandomUniform", "RandomStandardNormal", "TruncatedNormal")
def test_consecutive_calls_of_a_stateful_op(index, case):
    fill, dtype = FILLS[case["op"]], dtype_of(case)
    state = PhiloxState(case["seed"], case["seed2"])
    for run, size in enumerate(case["sizes"]):
        counter = state.reserve(blocks_for_outputs(size))
        wanted = expected(index, run, dtype)
        check(fill(np, state.key, counter, size, dtype), wanted, exact=fill is direct_sampling.uniform)
        if size in COMPILED_SIZES and case["seed"] in COMPILED_SEEDS:
            check(compiled(fill, state.key, counter, size, dtype), wanted, exact=fill is direct_sampling.uniform)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fill", [direct_sampling.normal, rejection_sampling.truncated_normal])
def test_many_normals_are_the_same_compiled(fill, dtype):
    size = 200001
    check(compiled(fill, 3, (0, 9), size, dtype), thin(fill(np, 3, (0, 9), size, dtype)), exact=False)
    # All of them, not only the sample that `check` looks at; a wrong order would show as a large difference.
    difference = np.abs(compiled(fill, 3, (0, 9), size, dtype) - fill(np, 3, (0, 9), size, dtype))
    assert difference.max() < 2e-6


@select("RandomUniformInt")
def test_consecutive_calls_of_random_uniform_int(index, case):
    state, dtype = PhiloxState(case["seed"], case["seed2"]), dtype_of(case)
    for run, size in enumerate(case["sizes"]):
        counter = state.reserve(blocks_for_outputs(size))
        arguments = (size, case["minval"], case["maxval"], dtype)
        check(direct_sampling.uniform_int(np, state.key, counter, *arguments), expected(index, run, dtype), exact=True)
        if size in COMPILED_SIZES:
            actual = compiled(direct_sampling.uniform_int, state.key, counter, *arguments)
            check(actual, expected(index, run, dtype), exact=True)


def test_uniform_int_takes_traced_bounds():
    draw = jax.jit(lambda low, high: direct_sampling.uniform_int(jnp, 5, (0, 1), 9, low, high, "int64"))
    wanted = direct_sampling.uniform_int(np, 5, (0, 1), 9, -3, 2**40, "int64")
    np.testing.assert_array_equal(draw(-3, 2**40), wanted)


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_uniform_int_of_unsigned_types_stays_in_range(dtype):
    high = np.iinfo(dtype).max
    values = direct_sampling.uniform_int(np, 5, (0, 1), 1000, high - 7, high, dtype)
    assert values.dtype == dtype
    assert set(values.tolist()) == set(range(high - 7, high))


@select(*[name for name in FILLS if name.startswith("Stateless")])
def test_stateless_ops_with_a_seed(index, case):
    check_fill(index, case, FILLS[case["op"]])


@select("StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2")
def test_stateless_ops_with_a_key_and_a_counter(index, case):
    check_fill(index, case, FILLS[case["op"].removesuffix("V2")])


def check_fill(index, case, fill):
    (size,), dtype = case["sizes"], dtype_of(case)
    key, counter = case_stream(case)
    exact = fill is direct_sampling.uniform
    check(fill(np, key, counter, size, dtype), expected(index, 0, dtype), exact=exact)
    if key in COMPILED_SEEDS:
        check(compiled(fill, key, counter, size, dtype), expected(index, 0, dtype), exact=exact)


@select("StatelessRandomUniformFullIntV2")
def test_full_range_integers(index, case):
    key, counter = case_stream(case)
    dtype = dtype_of(case)
    check(direct_sampling.uniform_full_int(np, key, counter, 26, dtype), expected(index, 0, dtype), exact=True)
    check(compiled(direct_sampling.uniform_full_int, key, counter, 26, dtype), expected(index, 0, dtype), exact=True)


@select("StatelessRandomUniformIntV2")
def test_stateless_integers(index, case):
    key, counter = case_stream(case)
    arguments = (26, case["minval"], case["maxval"], dtype_of(case))
    check(direct_sampling.uniform_int(np, key, counter, *arguments), expected(index, 0, arguments[-1]), exact=True)


@select("RandomShuffle")
def test_consecutive_calls_of_random_shuffle(index, case):
    state = PhiloxState(case["seed"], case["seed2"])
    for run, size in enumerate(case["sizes"]):
        counter = state.reserve(blocks_for_shuffle(size))
        wanted = RECORDED[f"{index}/{run}"]
        np.testing.assert_array_equal(direct_sampling.permutation(state.key, counter, size), wanted)


def test_the_empty_permutation():
    assert direct_sampling.permutation(1, (0, 1), 0).shape == (0,)


@select("Multinomial")
def test_consecutive_calls_of_multinomial(index, case):
    logits = np.array(case["logits"], dtype_of(case))
    state = PhiloxState(case["seed"], case["seed2"])
    for run, size in enumerate(case["sizes"]):
        counter = state.reserve(blocks_for_multinomial(len(logits), size))
        arguments = (logits, size, case["output_dtype"])
        wanted = RECORDED[f"{index}/{run}"]
        check(direct_sampling.multinomial(np, state.key, counter, *arguments), wanted, exact=True)
        check(compiled(direct_sampling.multinomial, state.key, counter, *arguments), wanted, exact=True)


@select("StatelessMultinomial")
def test_stateless_multinomial(index, case):
    logits = np.array(case["logits"], np.float32)
    actual = direct_sampling.multinomial(np, *case_stream(case), logits, case["sizes"][0])
    check(actual, RECORDED[f"{index}/0"], exact=True)


def test_multinomial_without_a_finite_logit_gives_the_number_of_classes():
    logits = np.array([[-np.inf, np.nan, np.inf]], np.float32)
    assert direct_sampling.multinomial(np, 1, (0, 1), logits, 2).tolist() == [[3, 3]]


@select("RandomGamma")
def test_consecutive_calls_of_random_gamma(index, case):
    alpha = np.array(case["values"], dtype_of(case))
    state = PhiloxState(case["seed"], case["seed2"])
    for run, size in enumerate(case["sizes"]):
        counter = state.reserve(blocks_for_outputs(size * alpha.size))
        actual = rejection_sampling.gamma(state.key, counter, alpha, size)
        check(actual, expected(index, run, alpha.dtype), exact=False)


@select("StatelessRandomGammaV2")
def test_stateless_gamma(index, case):
    alpha = np.array(case["values"], np.float32)
    actual = rejection_sampling.gamma(*case_stream(case), alpha, case["sizes"][0])
    check(actual, expected(index, 0, alpha.dtype), exact=False)


def test_gamma_of_impossible_and_infinite_shapes():
    alpha = np.array([np.nan, -1.0, np.inf, 0.0], np.float32)
    with float_errors.quiet():  # as calls of operations run their kernels
        actual = rejection_sampling.gamma(1, (0, 1), alpha, 3)
    np.testing.assert_array_equal(actual, [[np.nan, np.nan, np.inf, 0.0]] * 3)


@select("RandomPoissonV2")
def test_consecutive_calls_of_random_poisson(index, case):
    rate, dtype = np.array(case["values"], case["rate_dtype"]), dtype_of(case)
    state = PhiloxState(case["seed"], case["seed2"])
    for run, size in enumerate(case["sizes"]):
        counter = state.reserve(blocks_for_outputs(size * rate.size))
        actual = rejection_sampling.poisson(state.key, counter, rate, size, dtype)
        check(actual, expected(index, run, dtype), exact=True)


@select("StatelessRandomPoisson")
def test_stateless_poisson(index, case):
    rate = np.array(case["values"], np.float32)
    actual = rejection_sampling.poisson(*case_stream(case), rate, case["sizes"][0], case["dtype"])
    check(actual, expected(index, 0, np.dtype(case["dtype"])), exact=True)


def test_poisson_of_impossible_and_infinite_rates():
    rate = np.array([np.nan, -1.0, np.inf, -np.inf], np.float64)
    actual = rejection_sampling.poisson(1, (0, 1), rate, 2, "float64")
    np.testing.assert_array_equal(actual, [[np.nan, 0, np.inf, 0]] * 2)


def test_chunks_do_not_show(monkeypatch):
    whole = [
        fill(np, 3, (2**64 - 20, 9), 1001, np.float32)
        for fill in (direct_sampling.uniform, direct_sampling.normal, rejection_sampling.truncated_normal)
    ]
    monkeypatch.setattr(philox_module, "CHUNK_BLOCKS", 7)
    monkeypatch.setattr(rejection_sampling, "_CHUNK_GROUPS", 7)
    pieces = [
        fill(np, 3, (2**64 - 20, 9), 1001, np.float32)
        for fill in (direct_sampling.uniform, direct_sampling.normal, rejection_sampling.truncated_normal)
    ]
    np.testing.assert_array_equal(whole, pieces)


@pytest.mark.parametrize("size", [*range(12), 100, 1001])
def test_a_permutation_is_that_of_one_swap_after_the_other(size) -> None:
    for counter in range(20):
        rows = list(range(size))
        words = philox_module.philox(np, 3, (counter, 0), (size + 3) // 4).reshape(-1).tolist()
        for place in range(size - 1):
            partner = place + words[place] % (size - place)
            rows[place], rows[partner] = rows[partner], rows[place]
        result = direct_sampling.permutation(3, (counter, 0), size)
        assert result.dtype == np.int32
        assert result.tolist() == rows


def test_large_draws_do_not_depend_on_how_they_are_divided(monkeypatch) -> None:
    shapes = np.random.default_rng(0).random(40_000).astype(np.float32) * 3
    draws = (
        lambda: direct_sampling.normal(np, 5, (1, 0), 300_001, np.float32),
        lambda: rejection_sampling.gamma(5, (1, 0), shapes, 2),
        lambda: rejection_sampling.poisson(5, (1, 0), shapes * 8, 2, np.float32),
        lambda: rejection_sampling.truncated_normal(np, 5, (1, 0), 300_001, np.float32),
    )
    divided = [draw() for draw in draws]
    for module in (direct_sampling, rejection_sampling):
        monkeypatch.setattr(module, "over_ranges", lambda function, count, size: function(0, count))
    monkeypatch.setattr(rejection_sampling, "_CHUNK_NUMBERS", 1 << 30)
    for draw, result in zip(draws, divided, strict=True):
        np.testing.assert_array_equal(draw(), result)
