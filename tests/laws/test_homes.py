"""The laws of homes: where programs run, and who had a variable in between, shows in no bit that anybody sees.

A small program runs in one thread, a large one in all, and each brings the variables that it uses to its own memory.
What is done to them here, in every order that a seeded generator comes up with, is also done to arrays.
"""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime import cost_model, program_options
from tideflow.compat import v1

pytestmark = pytest.mark.skipif(program_options.processors() == 1, reason="there is one thread anyway")

SHAPES = [(12,), (3, 4), (2, 1, 3), (12,), (5, 2)]
#: A product of matrices of this size is worth dividing among threads.
WIDE = np.full((300, 300), 2.0**-9, np.float32)
SMALL, LARGE = WIDE[:2, :2], WIDE
GOOD, BAD = 1, 9
#: Values stay whole numbers that are exact.
MODULUS = 1000.0
ELEMENTS = sum(int(np.prod(shape)) for shape in SHAPES)


def _start() -> list[Any]:
    return [np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) for shape in SHAPES]


# What programs do: each function adds its part to a graph, and returns the operations that are done then.


def _count(variables: list[Any], index: Any) -> list[Any]:
    return [variable.assign_add(tf.ones_like(variable), read_value=False) for variable in variables]


def _fold(variables: list[Any], index: Any) -> list[Any]:
    """Reads one variable, and writes others."""
    least = tf.reduce_max(variables[1].read_value())
    return [
        variable.assign(tf.math.floormod(variable.read_value() + least, MODULUS), read_value=False)
        for variable in (variables[0], variables[3])
    ]


def _rows(variables: list[Any], index: Any) -> list[Any]:
    value = tf.ones([1, 4]) * 3.0
    return [tf.raw_ops.ResourceScatterAdd(resource=variables[1].handle, indices=[1], updates=value)]


def _look(variables: list[Any], index: Any) -> list[Any]:
    return []


def _halves(variables: list[Any], index: Any) -> list[Any]:
    """Changes variables, asks Python, which may fail, and changes them again."""
    with tf.control_dependencies(_count(variables, index)):
        answer = tf.numpy_function(lambda at: np.float32([0.0, 1.0][int(at)]), [index], tf.float32)
        answer.set_shape([])
    with tf.control_dependencies([answer]):
        return [variables[0].assign_add(tf.fill([12], answer), read_value=False), *_rows(variables, index)]


def _turns(variables: list[Any], index: Any) -> list[Any]:
    """Changes variables in a branch in a loop."""

    def count() -> Any:
        with tf.control_dependencies(_count(variables[1:3], index)):
            return tf.identity(index)

    def turn(number: Any) -> Any:
        with tf.control_dependencies([tf.cond(number > 0, count, lambda: tf.identity(index))]):
            return number + 1

    return [tf.while_loop(lambda number: number < 3, turn, [index * 0])]


ACTIONS = {action.__name__: action for action in (_count, _fold, _rows, _look, _halves, _turns)}


def _built(action: Callable[..., Any], variables: list[Any], index: Any, wide: Any) -> Any:
    """Adds what an action does and then a look at all variables; an index that is out of range fails at the end."""
    done = tf.nest.flatten(action(variables, index))
    with tf.control_dependencies(done):
        total = tf.add_n([tf.reduce_sum(variable.read_value()) for variable in variables])
    with tf.control_dependencies([total]):
        kept = tf.gather(tf.constant([5.0, 7.0]), index)
    return total, kept, tf.reduce_sum(wide @ wide)


def _model(name: str, arrays: list[Any]) -> None:
    """Does to arrays what a program does to variables, when it does not fail."""
    if name in ("_count", "_halves"):
        for array in arrays:
            array += 1
    if name == "_halves":
        arrays[0] += 1
    if name in ("_halves", "_rows"):
        arrays[1][1] += 3
    if name == "_fold":
        least = arrays[1].max()
        for array in (arrays[0], arrays[3]):
            array[...] = (array + least) % MODULUS
    if name == "_turns":
        for array in arrays[1:3]:
            array += 2


class Functions:
    """Runs actions as traced functions, which are traced for each size, and changes variables eagerly."""

    def __init__(self) -> None:
        self._variables = [tf.Variable(value) for value in _start()]
        self._functions = {
            name: tf.function(lambda index, wide, action=action: _built(action, self._variables, index, wide))
            for name, action in ACTIONS.items()
        }

    def run(self, name: str, index: int, wide: Any) -> float:
        return float(self._functions[name](tf.constant(index), wide)[0])

    def read(self, at: int) -> Any:
        return self._variables[at].read_value()

    def copied(self, at: int) -> Any:
        copied = copy.deepcopy(self._variables[at])
        return pickle.loads(pickle.dumps(copied)).numpy()

    def assign(self, at: int, value: Any) -> None:
        self._variables[at].assign(value)

    def assign_row(self, at: int, value: float) -> None:
        self._variables[at][0].assign(tf.fill(SHAPES[at][1:], value))

    def restored(self, path: str) -> None:
        names, slices = [f"v{at}" for at in range(len(SHAPES))], [""] * len(SHAPES)
        tf.raw_ops.SaveV2(prefix=path, tensor_names=names, shape_and_slices=slices, tensors=self._variables)
        dtypes = [tf.float32] * len(SHAPES)
        for variable, value in zip(
            self._variables,
            tf.raw_ops.RestoreV2(prefix=path, tensor_names=names, shape_and_slices=slices, dtypes=dtypes),
            strict=True,
        ):
            variable.assign(value)


class Sessions:
    """Runs actions in a session, in which a program is one for all sizes; it changes the variables, too."""

    def __init__(self) -> None:
        with tf.Graph().as_default() as graph:
            self._variables = [
                v1.get_variable(f"v{at}", initializer=value, use_resource=True) for at, value in enumerate(_start())
            ]
            index, wide = self._feeds = v1.placeholder(tf.int32, []), v1.placeholder(tf.float32, [None, None])
            self._fetches = {name: _built(action, self._variables, index, wide) for name, action in ACTIONS.items()}
            self._value = v1.placeholder(tf.float32, [])
            self._rows = [
                variable[0].assign(tf.fill(shape[1:], self._value)).op
                for variable, shape in zip(self._variables, SHAPES, strict=True)
            ]
            self._copies = [variable.read_value() for variable in self._variables]
            self._saver = v1.train.Saver()
            self._session = v1.Session(graph=graph)
            self._session.run(v1.global_variables_initializer())

    def run(self, name: str, index: int, wide: Any) -> float:
        return float(self._session.run(self._fetches[name], dict(zip(self._feeds, (index, wide), strict=True)))[0])

    def read(self, at: int) -> Any:
        return self._session.run(self._variables[at])

    def copied(self, at: int) -> Any:
        return self._session.run(self._copies[at])

    def assign(self, at: int, value: Any) -> None:
        self._variables[at].load(value, self._session)

    def assign_row(self, at: int, value: float) -> None:
        self._session.run(self._rows[at], {self._value: value})

    def restored(self, path: str) -> None:
        with self._session.graph.as_default():
            self._saver.restore(self._session, self._saver.save(self._session, path))


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes a list of the bytes of each variable that is brought from one home to another."""
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    found: list[int] = []
    of_move = cost_model.of_move
    monkeypatch.setattr(cost_model, "of_move", lambda nbytes: found.append(nbytes) or of_move(nbytes))
    return found


@pytest.mark.parametrize(
    ("front", "packs", "move"),
    [(Functions, "never", 5e4), (Functions, "always", 1e7), (Sessions, "always", 5e4), (Sessions, "never", 1e7)],
)
def test_whoever_had_a_variable(front: Any, packs: str, move: float, moves: Any, monkeypatch, tmp_path) -> None:
    """Where a move costs so much, each small program goes after some turns where the variables are."""
    monkeypatch.setenv("TIDEFLOW_PACKS", packs)
    monkeypatch.setattr(cost_model, "_MOVE", move)
    subject, arrays, random = front(), _start(), np.random.default_rng(7)
    held: list[tuple[Any, bytes]] = []
    for turn in range(150):
        name = str(random.choice(list(ACTIONS)))
        wide = [SMALL, LARGE][random.integers(2)]
        at = int(random.integers(len(SHAPES)))
        match random.integers(10):
            case 0:
                held.append((subject.read(at), arrays[at].tobytes()))
            case 1:
                arrays[at][...] = turn
                subject.assign(at, arrays[at].copy())
            case 2:
                arrays[at][0] = turn
                subject.assign_row(at, float(turn))
            case 3:
                assert subject.copied(at).tobytes() == arrays[at].tobytes()
            case 4 if turn % 3 == 0:
                subject.restored(str(tmp_path / "saved"))
            case 5 | 6:
                with pytest.raises(tf.errors.OpError):
                    subject.run(name, BAD, wide)
            case _:
                _model(name, arrays)
                assert subject.run(name, GOOD, wide) == sum(map(np.sum, arrays)), (turn, name, len(wide))
    assert [np.asarray(subject.read(at)).tobytes() for at in range(len(SHAPES))] == [a.tobytes() for a in arrays]
    assert all(np.asarray(value).tobytes() == bits for value, bits in held), "what was read never changes"
    assert len(moves) > 20


def test_threads_in_both_homes(monkeypatch, moves: list[int]) -> None:
    """Steps of both sizes, that succeed and fail, beside readers: what succeeds counts once, and nothing else does."""
    monkeypatch.setenv("TIDEFLOW_PACKS", "always")
    subject = Functions()
    start, turns = sum(map(np.sum, _start())), 30
    together, torn = threading.Barrier(5), []

    def repeat(name: str, index: int, wide: Any) -> None:
        together.wait(60)
        for _ in range(turns):
            if index == BAD:
                with pytest.raises(tf.errors.OpError):
                    subject.run(name, index, wide)
            else:
                seen = subject.run(name, index, wide)
                if (seen - start) % ELEMENTS:
                    torn.append(seen)

    works = [("_count", GOOD, SMALL), ("_count", GOOD, LARGE), ("_count", BAD, SMALL), ("_count", BAD, LARGE)]
    works.append(("_look", GOOD, SMALL))
    for work in works:
        if work[1] == GOOD:
            subject.run(*work)
    threads = [threading.Thread(target=repeat, args=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    for at, value in enumerate(_start()):
        np.testing.assert_array_equal(subject.read(at), value + 2 * turns + 2)
    assert moves


def test_threads_that_come_first_find_one_device() -> None:
    """Whoever asks first makes the engine's second client, with a variable of the environment that is put back."""
    source = """
        import os, sys, threading
        from tideflow._src.runtime import engine

        engine.load()
        engine.host_device()
        sys.setswitchinterval(1e-6)
        found, together = [], threading.Barrier(16)

        def ask():
            together.wait(60)
            found.append(engine.undivided_device())

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(found), len(set(map(id, found))), os.environ.get("NPROC"))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        env={key: value for key, value in os.environ.items() if key != "NPROC"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["16", "1", "None"], done.stderr
