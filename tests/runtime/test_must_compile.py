"""Functions with ``jit_compile=True`` that hold what no compiler takes: an error that names each operation."""

from __future__ import annotations

import pytest

import tideflow as tf

_REFUSED = "Detected unsupported operations when trying to compile graph .* on XLA_[CG]PU_JIT: "


def refused(kind, call):
    with pytest.raises(tf.errors.InvalidArgumentError, match=_REFUSED + rf".*\b{kind} \(No registered") as raised:
        call()
    return str(raised.value)


def called_back(x):
    return tf.py_function(lambda value: value + 1.0, [x], tf.float32)


def printed(x):
    tf.print(x, output_stream="file:///dev/null")
    return x


def queued(queue):
    def function(x):
        queue.enqueue(x)
        return x

    return function


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("EagerPyFunc", called_back),
        ("PyFunc", lambda x: tf.numpy_function(lambda value: value, [x], tf.float32)),
        ("PrintV2", printed),
        ("AsString", lambda x: tf.strings.length(tf.strings.as_string(x))),
        ("QueueEnqueueV2", queued(tf.queue.FIFOQueue(4, [tf.float32], [[]]))),
        ("Timestamp", lambda x: tf.timestamp()),
        ("SegmentSum", lambda x: tf.math.segment_sum(x[None], [0])),
        ("Eig", lambda x: tf.linalg.eig(x[None, None])),
        ("_Retval", lambda x: tf.constant("text")),
        ("Tile", lambda x: tf.size(tf.tile(["a"], tf.cast(x, tf.int32)[None]))),
        ("EagerPyFunc", lambda x: tf.cond(x > 9.0, lambda: called_back(x), lambda: x)),
        (
            "AsString",
            lambda x: tf.while_loop(
                lambda y: y < 9.0, lambda y: (y + tf.cast(tf.strings.length(tf.strings.as_string(y)), y.dtype),), (x,)
            ),
        ),
        ("EagerPyFunc", lambda x: tf.function(called_back)(x)),
    ],
)
def test_what_only_the_host_can_run_is_an_error(kind, function):
    """In TensorFlow, too: see the parity tests."""
    x = tf.constant(2.0)
    compiled = tf.function(function, jit_compile=True)
    assert "test_must_compile.py:" in refused(kind, lambda: compiled(x))
    refused(kind, lambda: compiled(x))
    with tf.GradientTape() as tape:
        tape.watch(x)
        refused(kind, lambda: compiled(x))


def test_texts_are_no_arguments():
    refused("_Arg", lambda: tf.function(lambda text, x: x, jit_compile=True)(tf.constant("a"), 1.0))
    captured = tf.constant("a")
    refused("_Arg", lambda: tf.function(lambda: tf.strings.length(captured), jit_compile=True)())


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda x: tf.where(x > 1.0), [[1], [2]]),
        (lambda x: tf.unique(x).y, [1.0, 2.0]),
        (lambda x: tf.boolean_mask(x, x > 1.0), [2.0, 2.0]),
        (lambda x: tf.size(tf.strings.join(["a", "b"])), 1),
        (lambda x: tf.shape(tf.constant(["a", "b"])), [2]),
        (lambda x: tf.zeros(tf.cast(tf.reduce_min(x), tf.int32)), [0.0]),
        (lambda x: (tf.debugging.assert_positive(x, message="text"), x)[1], [1.0, 2.0, 2.0]),
        (lambda x: (tf.strings.as_string(x), x)[1], [1.0, 2.0, 2.0]),
    ],
    ids=["where", "unique", "mask", "constant", "shape", "sizes", "assert", "unused"],
)
def test_what_tensorflow_compiles_and_what_nothing_needs_is_none(function, result):
    assert tf.function(function, jit_compile=True)(tf.constant([1.0, 2.0, 2.0])).numpy().tolist() == result


def test_nothing_has_happened_and_the_next_call_works():
    v = tf.Variable(1.0)

    @tf.function(jit_compile=True)
    def step(x, prints):
        v.assign_add(x)
        return printed(v) if prints else v + 0.0

    x = tf.constant(2.0)
    assert float(step(x, False)) == 3.0
    refused("PrintV2", lambda: step(x, True))
    assert float(v) == 3.0
    assert float(step(x, False)) == 5.0


@pytest.mark.parametrize("option", [None, False])
def test_other_functions_run_it_on_the_host(option):
    function = tf.function(called_back, jit_compile=option)
    assert float(function(tf.constant(2.0))) == 3.0


@pytest.mark.parametrize("tier", ["auto", "host", "xla"])
def test_the_tier_does_not_matter(tier, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    refused("EagerPyFunc", lambda: tf.function(called_back, jit_compile=True)(tf.constant(2.0)))


class TestInside:
    def test_a_call_in_another_function(self):
        inner = tf.function(called_back, jit_compile=True)
        outer = tf.function(lambda x: inner(x) * 2.0)
        for _ in range(2):
            text = refused("EagerPyFunc", lambda: outer(tf.constant(2.0)))
        assert "StatefulPartitionedCall" in text

    def test_a_branch_that_is_not_taken(self):
        inner = tf.function(called_back, jit_compile=True)
        outer = tf.function(lambda x: tf.cond(x > 5.0, lambda: inner(x), lambda: x))
        assert float(outer(tf.constant(2.0))) == 2.0
        refused("EagerPyFunc", lambda: outer(tf.constant(9.0)))
        assert float(outer(tf.constant(2.0))) == 2.0

    def test_a_session(self):
        inner = tf.function(called_back, jit_compile=True)
        with tf.Graph().as_default() as graph:
            y = inner(tf.constant(2.0))
        with tf.compat.v1.Session(graph=graph) as session:
            refused("EagerPyFunc", lambda: session.run(y))
