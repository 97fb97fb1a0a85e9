"""Tests conditionals in compiled programs whose branches reject values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import tideflow.compat.v1 as tf1
from tideflow._src.core.errors import InvalidArgumentError


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    with tf1.Graph().as_default():
        yield


def picked() -> tuple[tf1.Tensor, ...]:
    values = tf1.placeholder(tf1.float32, [None])
    return tf1.placeholder(tf1.bool, []), values, tf1.placeholder(tf1.int32, [None])


def test_each_branch_rejects_its_own_values() -> None:
    first, values, places = picked()
    result = tf1.cond(first, lambda: tf1.gather(values, places), lambda: tf1.cast(10 // places, tf1.float32))
    with tf1.Session() as session:

        def run(choice: bool, where: list[int]) -> list[float]:
            return session.run(result, {first: choice, values: [1.0, 2.0], places: where}).tolist()

        assert run(True, [1, 0]) == [2.0, 1.0]
        assert run(False, [5, 2]) == [2.0, 5.0]
        with pytest.raises(InvalidArgumentError, match=r"not all in \[0, 2\)"):
            run(True, [5, 2])
        with pytest.raises(InvalidArgumentError, match="division by zero"):
            run(False, [1, 0])


def test_branches_within_branches_and_loops_reject_values() -> None:
    first, values, places = picked()

    def step(turn: tf1.Tensor, now: tf1.Tensor) -> tuple[tf1.Tensor, tf1.Tensor]:
        inner = tf1.cond(now[0] > 0, lambda: tf1.gather(now, places), lambda: now)
        return turn + 1, tf1.cond(first, lambda: inner, lambda: now + 1)

    shapes = [tf1.TensorShape([]), tf1.TensorShape([None])]
    _, result = tf1.while_loop(lambda turn, now: turn < 3, step, [0, values], shape_invariants=shapes)
    with tf1.Session() as session:
        assert session.run(result, {first: True, values: [1.0, 2.0], places: [1, 0]}).tolist() == [2.0, 1.0]
        with pytest.raises(InvalidArgumentError):
            session.run(result, {first: True, values: [1.0, 2.0], places: [1, 2]})


def test_switch_case_says_which_check_failed() -> None:
    _, values, places = picked()
    index = tf1.placeholder(tf1.int32, [])
    branches = [lambda: tf1.gather(values, places), lambda: values, lambda: tf1.gather(values, places + 1)]
    result = tf1.switch_case(index, branches)
    with tf1.Session() as session:
        feed = {values: np.float32([1, 2]), places: [0, 1]}
        assert session.run(result, {index: 0, **feed}).tolist() == [1.0, 2.0]
        assert session.run(result, {index: 1, **feed}).tolist() == [1.0, 2.0]
        with pytest.raises(InvalidArgumentError):
            session.run(result, {index: 2, **feed})
