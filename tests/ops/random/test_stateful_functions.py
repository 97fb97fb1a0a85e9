"""Checks the public random functions: the numbers that TensorFlow draws, its node names, and its errors.

The expected numbers were recorded from TensorFlow 2.21.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tideflow  # noqa: F401  # registers every operation
from tideflow._src.core import dtypes, errors
from tideflow._src.core.tensor import wrap
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.random import seeds, stateful_functions, stateless_functions
from tideflow._src.ops.random.random_crop import random_crop, stateless_random_crop
from tideflow._src.runtime import seed_rules
from tideflow._src.runtime.random_state import eager_seeds
from tideflow._src.session.session import Session


@pytest.fixture(autouse=True)
def seed_five() -> Iterator[None]:
    seeds.set_seed(5)
    yield
    eager_seeds.set_seed(None)


def close(tensor: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(tensor), np.asarray(expected), rtol=2e-6)


def equal(tensor: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(tensor), np.asarray(expected))


# Seeds and streams.


def test_global_seed_makes_up_the_seeds_of_calls() -> None:
    close(stateful_functions.random_uniform([3]), [0.6263930797576904, 0.5298432111740112, 0.7584571838378906])
    close(stateful_functions.random_uniform([3]), [0.7017074823379517, 0.043367862701416016, 0.5604572296142578])


def test_calls_of_one_seed_continue_a_stream_and_another_shape_type_starts_its_own() -> None:
    first = [0.38751840591430664, 0.7485455274581909, 0.548719048500061]
    close(stateful_functions.random_uniform([3], seed=1), first)
    close(stateful_functions.random_uniform([3], seed=1), [0.833318829536438, 0.3893474340438843, 0.666181206703186])
    close(stateful_functions.random_uniform(wrap(np.array([3], np.int64)), seed=1), first)


def test_set_seed_starts_all_streams_anew() -> None:
    first = np.asarray(stateful_functions.random_normal([4], seed=1))
    assert not np.array_equal(first, np.asarray(stateful_functions.random_normal([4], seed=1)))
    seeds.set_seed(5)
    equal(stateful_functions.random_normal([4], seed=1), first)


def test_without_seeds_runs_differ() -> None:
    eager_seeds.set_seed(None)
    first = np.asarray(stateful_functions.random_uniform([8]))
    eager_seeds.set_seed(None)
    assert not np.array_equal(first, np.asarray(stateful_functions.random_uniform([8])))


def test_graph_makes_up_seeds_in_order() -> None:
    with Graph().as_default() as graph:
        seeds.set_random_seed(7)
        stateful_functions.random_uniform([1])
        stateful_functions.random_uniform([1], seed=5)
        stateful_functions.random_normal([1])
        found = [(op.attrs["seed"], op.attrs["seed2"]) for op in graph.get_operations() if "seed" in op.attrs]
    assert found == [(7, 0), (7, 5), (7, 1)]
    with Graph().as_default():
        assert seeds.get_seed(3) == (seeds.DEFAULT_GRAPH_SEED, 3)
        assert seeds.get_seed(None) == (None, None)
    assert eager_seeds.global_seed == 5


def test_session_draws_on_and_a_new_session_starts_again() -> None:
    with Graph().as_default() as graph:
        drawn = stateful_functions.random_uniform([3], seed=1)
        with Session(graph=graph) as session:
            first, second = session.run(drawn), session.run(drawn)
        with Session(graph=graph) as session:
            again = session.run(drawn)
    assert not np.array_equal(first, second)
    equal(first, again)


# Distributions.


def test_distributions_draw_the_numbers_of_tensorflow() -> None:
    close(
        stateful_functions.random_normal([3], 1.0, 2.0, seed=1),
        [-1.753779411315918, 0.9748336672782898, 0.6609699726104736],
    )
    close(
        stateful_functions.truncated_normal([3], seed=1),
        [-1.376889705657959, -0.012583157978951931, -0.169514998793602],
    )
    equal(stateful_functions.random_uniform([3], 2, 9, dtype=dtypes.int64, seed=1), [2, 4, 3])
    equal(stateful_functions.random_shuffle([1, 2, 3, 4, 5, 6], seed=1), [1, 3, 4, 5, 2, 6])
    equal(stateful_functions.random_shuffle([1, 2, 3, 4, 5, 6], seed=1), [5, 2, 3, 1, 4, 6])
    equal(stateful_functions.categorical([[1.0, 2.0, 3.0]], 6, seed=1), [[1, 2, 1, 0, 1, 2]])
    equal(stateful_functions.random_poisson([2], [0.5, 15.0], seed=1), [[0.0, 16.0], [2.0, 13.0]])
    close(
        stateful_functions.random_gamma([2], [0.5, 1.5], seed=1),
        [[0.010882562957704067, 0.5579898953437805], [0.18869400024414062, 0.7601519823074341]],
    )


def test_means_and_rates_broadcast() -> None:
    drawn = stateful_functions.random_normal([2], [[0.0], [100.0]], 1e-3)
    np.testing.assert_allclose(np.asarray(drawn), [[0.0, 0.0], [100.0, 100.0]], atol=0.1)
    drawn = stateful_functions.random_uniform([2], [[0.0], [10.0]], [[1.0], [11.0]])
    equal(np.floor(np.asarray(drawn)), [[0, 0], [10, 10]])
    assert stateful_functions.random_gamma([5], [0.5, 1.5], beta=[[3.0], [4.0]]).shape.as_list() == [5, 2, 2]


def test_an_integer_mean_is_a_float() -> None:
    drawn = stateful_functions.random_normal([3], 1, 2, seed=1)
    assert drawn.dtype is dtypes.float32
    close(drawn, stateful_functions.random_normal(wrap(np.array([3], np.int64)), 1.0, 2.0, seed=1))


def test_crops() -> None:
    value = np.arange(16, dtype=np.int32).reshape(4, 4)
    equal(random_crop(value, [2, 2], seed=1), [[1, 2], [5, 6]])
    equal(stateless_random_crop(value, [2, 2], seed=[1, 2]), [[6, 7], [10, 11]])
    with pytest.raises(errors.InvalidArgumentError, match=r"Need value\.shape >= size"):
        random_crop(value, [2, 5])


# Without a state.


def test_stateless_functions_draw_the_numbers_of_tensorflow() -> None:
    close(
        stateless_functions.stateless_random_uniform([3], [1, 2]),
        [0.8440604209899902, 0.19204533100128174, 0.9962232112884521],
    )
    close(
        stateless_functions.stateless_random_normal([3], [1, -2]),
        [-0.7619395852088928, 0.03173809498548508, 0.5835484266281128],
    )
    close(
        stateless_functions.stateless_truncated_normal([3], [1, 2]),
        [0.544110119342804, 0.20738030970096588, 0.0735643208026886],
    )
    equal(stateless_functions.stateless_random_uniform([5], [1, 2], -3, 5, dtype=dtypes.int32), [1, -2, 3, 0, 0])
    equal(stateless_functions.stateless_categorical([[0.0, 1.0]], 10, [1, 2]), [[1, 1, 0, 1, 1, 1, 1, 0, 1, 1]])
    equal(stateless_functions.stateless_shuffle([1, 2, 3, 4, 5], [1, 2]), [1, 3, 2, 5, 4])
    equal(stateless_functions.stateless_random_poisson([3, 2], [1, 2], [0.5, 22.5]), [[3, 35], [2, 18], [1, 27]])
    close(
        stateless_functions.stateless_random_gamma([3, 2], [1, 2], [0.5, 2.5]),
        [
            [0.0669536143541336, 2.7881572246551514],
            [0.6282354593276978, 2.836852788925171],
            [0.18136732280254364, 1.9701486825942993],
        ],
    )


def test_seeds_made_of_seeds() -> None:
    equal(stateless_functions.split([1, 2], 2), [[1105988140, 1738052849], [-335576002, 370444179]])
    equal(stateless_functions.fold_in([1, 2], 3), [1105988140, 3])


@pytest.mark.parametrize("alg", ["philox", 1, stateless_functions.Algorithm.PHILOX, "AUTO_SELECT"])
def test_algorithms_that_are_philox(alg: Any) -> None:
    close(stateless_functions.stateless_random_uniform([2], [1, 2], alg=alg), [0.8440604209899902, 0.19204533100128174])


def test_algorithms_that_there_are_not() -> None:
    for alg in ("foo", 7):
        with pytest.raises(ValueError, match=f"unsupported value {alg}"):
            stateless_functions.stateless_random_uniform([2], [1, 2], alg=alg)
    with pytest.raises(errors.InvalidArgumentError, match="Unsupported algorithm id: 2"):
        stateless_functions.stateless_random_uniform([2], [1, 2], alg="threefry")


# Graphs.


def names(build: Any) -> list[str]:
    with Graph().as_default() as graph:
        build()
        return [f"{op.type} {op.name}" for op in graph.get_operations()]


def test_node_names() -> None:
    assert names(lambda: stateful_functions.random_uniform([2])) == [
        "Const random_uniform/shape",
        "RandomUniform random_uniform/RandomUniform",
    ]
    assert names(lambda: stateful_functions.random_uniform([2], 1.0, 2.0, name="u")) == [
        "Const u/shape",
        "Const u/min",
        "Const u/max",
        "RandomUniform u/RandomUniform",
        "Sub u/sub",
        "Mul u/mul",
        "AddV2 u",
    ]
    assert names(lambda: stateful_functions.truncated_normal([2])) == [
        "Const truncated_normal/shape",
        "Const truncated_normal/mean",
        "Const truncated_normal/stddev",
        "TruncatedNormal truncated_normal/TruncatedNormal",
        "Mul truncated_normal/mul",
        "AddV2 truncated_normal",
    ]
    assert names(lambda: stateful_functions.multinomial([[0.0, 1.0]], 3))[-1] == "Multinomial multinomial/Multinomial"


def test_static_shapes() -> None:
    with Graph().as_default():
        assert stateful_functions.random_uniform([-1, 3]).shape.as_list() == [None, 3]
        assert stateful_functions.random_gamma([2], constant([[1.0, 2.0]])).shape.as_list() == [2, 1, 2]
        assert stateful_functions.categorical(constant([[1.0, 2.0]]), 4).shape.as_list() == [1, 4]
        with pytest.raises(ValueError, match="Shape must be rank 1 but is rank 0"):
            stateful_functions.random_uniform(3)


# Errors.


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="Must specify maxval for integer dtype"):
        stateful_functions.random_uniform([2], dtype=dtypes.int32)
    with pytest.raises(ValueError, match="Accepted dtypes are"):
        stateful_functions.random_uniform([2], maxval=3, dtype=dtypes.uint8)
    with pytest.raises(ValueError, match="Accepted dtypes are"):
        stateful_functions.categorical([[0.0]], 2, dtype=dtypes.float32)
    with pytest.raises(ValueError, match="must be both None or not None"):
        stateless_functions.stateless_random_uniform([2], [1, 2], 0, None, dtype=dtypes.int32)
    with pytest.raises(TypeError, match="None"):
        stateful_functions.random_uniform([2, None])
    with pytest.raises(errors.InvalidArgumentError, match="Need minval < maxval, got 3 >= 3"):
        stateful_functions.random_uniform([2], 3, 3, dtype=dtypes.int32)
    with pytest.raises(errors.InvalidArgumentError, match="Dimension -1 must be >= 0"):
        stateful_functions.random_uniform([-1])


def test_streams_of_many_calls_without_a_seed_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_rules, "_MOST_USED_ONCE", 10)
    kept = (
        np.asarray(stateful_functions.random_uniform([1], seed=1)),
        np.asarray(stateful_functions.random_uniform([1], seed=1)),
    )
    for _ in range(50):
        stateful_functions.random_uniform([1])
    assert len(eager_seeds._used_once) == 10
    third = np.asarray(stateful_functions.random_uniform([1], seed=1))
    assert third not in kept
