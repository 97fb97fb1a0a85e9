"""The generator computes known blocks, and seeds and counters follow TensorFlow's rules."""

from __future__ import annotations

import itertools
import json
import pathlib
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tideflow._src.ops.random import direct_sampling
from tideflow._src.runtime import philox as philox_module
from tideflow._src.runtime.philox import (
    PhiloxState,
    blocks_for_multinomial,
    blocks_for_outputs,
    blocks_for_shuffle,
    philox,
    philox_at,
    seed_key_counter,
    skip,
    stateless_key_counter,
)
from tideflow._src.runtime.seed_rules import EagerSeeds, get_seed

RECORDED = np.load(pathlib.Path(__file__).parent / "data" / "random.npz")
CASES = list(enumerate(json.loads(str(RECORDED["cases"]))))


@pytest.fixture(autouse=True)
def _wide_types():
    with jax.enable_x64(True):
        yield


# The known-answer tests for philox4x32-10 of the Random123 library: counter, key, block.
KNOWN_ANSWERS = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "block"), KNOWN_ANSWERS)
@pytest.mark.parametrize("xp", [np, jnp])
def test_known_answers(xp, counter, key, block):
    words = philox(xp, np.array(key, np.uint32), np.array(counter, np.uint32), 1)
    assert words.dtype == np.uint32
    np.testing.assert_array_equal(words, [block])


@pytest.mark.parametrize("counter", [(2**32 - 2, 0), (2**64 - 2, 4), (2**64 - 2, 2**32 - 1), (2**64 - 2, 2**64 - 1)])
def test_the_counter_is_one_integer_of_128_bits(counter):
    start = counter[1] << 64 | counter[0]
    wanted = []
    for distance in range(5):
        at = (start + distance) % 2**128
        wanted.append(philox(np, 77, (at % 2**64, at >> 64), 1)[0])
    np.testing.assert_array_equal(philox(np, 77, counter, 5), wanted)
    compiled = jax.jit(lambda key, counter: philox(jnp, key, counter, 5))
    np.testing.assert_array_equal(compiled(np.uint64(77), np.array(counter, np.uint64)), wanted)
    np.testing.assert_array_equal(philox_at(np, 77, counter, np.array([4, 1], np.uint64)), [wanted[4], wanted[1]])
    skipped = skip(np, counter, 3)
    assert int(skipped[1]) << 64 | int(skipped[0]) == (start + 3) % 2**128
    np.testing.assert_array_equal(jax.jit(lambda counter: skip(jnp, counter, 3))(np.array(counter, np.uint64)), skipped)


def test_keys_and_counters_have_several_forms():
    wanted = philox(np, 5 << 32 | 6, (1 << 32 | 2, 3 << 32 | 4), 3)
    for key in (np.array([6, 5], np.uint32), np.array([5 << 32 | 6], np.uint64), np.uint64(5 << 32 | 6)):
        for counter in (np.array([2, 1, 4, 3], np.uint32), np.array([1 << 32 | 2, 3 << 32 | 4], np.uint64)):
            np.testing.assert_array_equal(philox(np, key, counter, 3), wanted)
    with pytest.raises(ValueError, match="64-bit word or two 32-bit words, got 3"):
        philox(np, [1, 2, 3], (0, 0), 1)
    with pytest.raises(ValueError, match="two 64-bit words or four 32-bit words, got 3"):
        philox(np, 1, (0, 0, 0), 1)


def test_chunks_do_not_show(monkeypatch):
    whole = philox(np, 3, (2**64 - 20, 9), 50)
    monkeypatch.setattr(philox_module, "CHUNK_BLOCKS", 7)
    np.testing.assert_array_equal(philox(np, 3, (2**64 - 20, 9), 50), whole)
    assert philox(np, 3, (0, 0), 0).shape == (0, 4)


@pytest.mark.parametrize(("index", "case"), [case for case in CASES if case[1]["op"] == "StatelessRandomGetKeyCounter"])
def test_the_seed_of_a_stateless_op_is_scrambled(index, case):
    seed = np.array(case["seed"], case["seed_dtype"])
    for key, counter in (
        stateless_key_counter(np, seed),
        jax.jit(lambda seed: stateless_key_counter(jnp, seed))(seed),
    ):
        assert key.dtype == counter.dtype == np.uint64
        np.testing.assert_array_equal(key, RECORDED[f"{index}/0"])
        np.testing.assert_array_equal(counter, RECORDED[f"{index}/1"])


def test_the_seed_of_a_stateless_op_has_two_elements():
    with pytest.raises(ValueError, match=r"seed must have shape \[2\], not \[3\]"):
        stateless_key_counter(np, [1, 2, 3])


def test_the_seeds_of_a_stateful_op():
    assert seed_key_counter(1, -2) == (1, (0, 2**64 - 2))
    assert seed_key_counter(0, 1) == (0, (0, 1))
    assert seed_key_counter(0, 0) != seed_key_counter(0, 0)


def test_reserved_blocks():
    assert blocks_for_outputs(3) == 768
    assert [blocks_for_shuffle(size) for size in (0, 1, 2, 5, 6)] == [0, 0, 1, 1, 2]
    assert blocks_for_shuffle(5, element_count=0) == 0
    # Five samples are rounded up to eight; a double takes two words.
    assert blocks_for_multinomial(3, 5) == 3 * 16 * 256


def test_a_state_carries_into_the_high_word():
    state = PhiloxState.from_key_counter(9, (2**64 - 1, 6))
    assert state.key == 9
    assert state.reserve(2) == (2**64 - 1, 6)
    assert state.reserve(0) == (1, 7)
    assert state.counter == (1, 7)


def test_threads_get_disjoint_blocks():
    state = PhiloxState(1, 0)
    taken: list[int] = []

    def take():
        taken.extend([state.reserve(256)[0] for _ in range(2000)])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(0, 8000 * 256, 256))


@pytest.mark.parametrize(
    ("global_seed", "op_seed", "seeds"),
    [
        (None, None, (None, None)),
        (None, -1, (87654321, 2147483646)),
        (9, None, (9, 5)),
        (9, 3, (9, 3)),
        (2**40, 2**31, (512, 1)),
        (-3, 0, (2147483644, 0)),
        (0, 0, (0, 2147483647)),
        (0, 2147483647, (0, 2147483647)),
    ],
)
def test_get_seed(global_seed, op_seed, seeds):
    assert get_seed(global_seed, op_seed, next_operation_seed=itertools.count(5).__next__) == seeds


@pytest.mark.parametrize(("seed", "made_up"), [(5, 1097127993), (-3, 1022050301), (2**40, 445128065)])
def test_eager_seeds_are_those_of_pythons_generator(seed, made_up):
    seeds = EagerSeeds()
    for form in (seed, np.int64(seed), np.array(seed)):
        seeds.set_seed(form)
        assert seeds.get_seed(None) == (seed % (2**31 - 1), made_up)
    seeds.set_seed(None)
    assert seeds.get_seed(None) == (None, None)


def test_an_eager_program():
    """Replays what the recorder ran: two parts that begin with the same global seed."""
    ((index, _),) = [case for case in CASES if case[1]["op"] == "eager"]
    seeds = EagerSeeds()

    def uniform(size, seed=None, dtype="float32", shape_dtype="int32"):
        pair = seeds.get_seed(seed)
        state = seeds.state(("RandomUniform", dtype, shape_dtype), *pair)
        return direct_sampling.uniform(np, state.key, state.reserve(blocks_for_outputs(size)), size, dtype)

    def normal(size, seed=None):
        state = seeds.state(("RandomStandardNormal", "float32", "int32"), *seeds.get_seed(seed))
        return direct_sampling.normal(np, state.key, state.reserve(blocks_for_outputs(size)), size, "float32")

    def integers(size, seed):
        state = seeds.state(("RandomUniformInt", "int32", "int32"), *seeds.get_seed(seed))
        counter = state.reserve(blocks_for_outputs(size))
        return direct_sampling.uniform_int(np, state.key, counter, size, 0, 100, "int32")

    seeds.set_seed(1234)
    values = [uniform(3), uniform(3), normal(2), uniform(2, 7), uniform(3, 7), normal(2, 7), integers(2, 7)]
    seeds.set_seed(1234)
    values += [
        uniform(3),
        uniform(3, 7),
        uniform(3, 7, "float64"),
        uniform(3, 7, shape_dtype="int64"),
        uniform(3, 7),
    ]
    assert seeds.generation == 2
    for number, actual in enumerate(values):
        np.testing.assert_allclose(actual, RECORDED[f"{index}/{number}"], rtol=1e-6)
