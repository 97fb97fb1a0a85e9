"""Strings are `bytes` in object arrays, zero bytes included, after every way through lists, loops and branches."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf

WORDS = [b"a", b"b\0", b"", b"\0\0"]


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _each(function, dtype=tf.string):
    return lambda: tf.map_fn(function, tf.constant(WORDS), dtype=dtype)


def _array(size=4, **options):
    return tf.TensorArray(tf.string, size, **options)


def _written():
    def body(i, array):
        return i + 1, array.write(i, tf.gather(tf.constant(WORDS), i))

    return tf.while_loop(lambda i, _: i < 4, body, [0, _array()])[1]


def _joined(turns, start):
    return tf.while_loop(lambda i, _: i < turns, lambda i, s: (i + 1, s + "\0x"), [0, start])[1]


CASES = {
    "map, joined with +": (_each(lambda word: word + "\0"), [word + b"\0" for word in WORDS]),
    "map, unchanged": (_each(lambda word: word), WORDS),
    "map, joined": (_each(lambda word: tf.strings.join([word, "!"])), [word + b"!" for word in WORDS]),
    "map in a map": (
        lambda: tf.map_fn(lambda row: tf.map_fn(lambda word: word + "\0", row), tf.constant([WORDS, WORDS])),
        [[word + b"\0" for word in WORDS]] * 2,
    ),
    "map of a branch": (_each(lambda word: tf.cond(tf.equal(word, "a"), lambda: word + "\0", lambda: word)),
                        [b"a\0", *WORDS[1:]]),
    "map of a Python function": (
        _each(lambda word: tf.py_func(lambda value: value + b"\0", [word], tf.string)),
        [word + b"\0" for word in WORDS],
    ),
    "map of numbers": (lambda: tf.map_fn(tf.strings.as_string, tf.constant([1, 2]), dtype=tf.string), [b"1", b"2"]),
    "scan": (lambda: tf.scan(lambda a, b: a + b, tf.constant(WORDS)), [b"a", b"ab\0", b"ab\0", b"ab\0\0\0"]),
    "scan from a start": (
        lambda: tf.scan(lambda a, b: a + b, tf.constant(WORDS[:2]), initializer="z\0"), [b"z\0a", b"z\0ab\0"],
    ),
    "fold": (lambda: tf.foldl(lambda a, b: a + b, tf.constant(WORDS)), b"ab\0\0\0"),
    "loop": (lambda: _joined(2, tf.constant("a")), b"a\0x\0x"),
    "array, unstacked and stacked": (lambda: _array().unstack(tf.constant(WORDS)).stack(), WORDS),
    "array, read": (lambda: _array().unstack(tf.constant(WORDS)).read(3), b"\0\0"),
    "array, gathered": (lambda: _array().unstack(tf.constant(WORDS)).gather([1, 0]), [b"b\0", b"a"]),
    "array, scattered": (
        lambda: _array(2).scatter([1, 0], tf.constant(WORDS[:2])).stack(), [b"b\0", b"a"],
    ),
    "array, written": (lambda: _written().stack(), WORDS),
    "array of vectors": (
        lambda: _array(2, infer_shape=False).write(0, WORDS[:1]).write(1, WORDS[1:]).concat(), WORDS,
    ),
    "array, split": (lambda: _array(2).split(tf.constant(WORDS), [1, 3]).concat(), WORDS),
    "array, not all written": (lambda: _array(2, element_shape=[]).write(1, "a\0").stack(), [b"", b"a\0"]),
    "branch": (lambda: tf.cond(tf.placeholder_with_default(True, []), lambda: tf.constant("a\0"), lambda: "b"), b"a\0"),
    "fill": (lambda: tf.fill([2], "a\0"), [b"a\0", b"a\0"]),
    "pad": (lambda: tf.raw_ops.PadV2(input=["b"], paddings=[[1, 0]], constant_values="a\0"), [b"a\0", b"b"]),
    "space to batch": (lambda: tf.space_to_batch_nd([["a\0"]], [2], [[0, 1]]), [[b"a\0"], [b""]]),
}  # fmt: skip


@pytest.mark.parametrize("tier", ["host", "xla"])
@pytest.mark.parametrize("name", CASES)
def test_strings_stay_what_they_are(name, tier, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    build, expected = CASES[name]
    with tf.Session() as session:
        found = session.run(build())
    if isinstance(expected, bytes):
        assert found == expected and type(found) is bytes
    else:
        assert found.dtype == object and found.tolist() == expected
        assert {type(item) for item in found.reshape(-1)} == {bytes}


def test_encoded_images_are_bytes_that_a_file_can_hold(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    encoded = tf.map_fn(tf.image.encode_png, images, dtype=tf.string)
    decoded = tf.map_fn(tf.image.decode_png, encoded, dtype=tf.uint8)
    with tf.Session() as session:
        files, again = session.run([encoded, decoded])
    (tmp_path / "first.png").write_bytes(files[0])
    assert (tmp_path / "first.png").read_bytes()[:4] == b"\x89PNG"
    np.testing.assert_array_equal(again, images)


def test_a_queue_pads_strings_and_a_variable_keeps_what_is_assigned_to_an_element():
    queue = tf.PaddingFIFOQueue(4, tf.string, [[]])
    put, taken = queue.enqueue_many([WORDS]), queue.dequeue_many(4)
    variable = tf.Variable(["a", "b"], use_resource=False)
    assigned = variable[0].assign("z\0")
    with tf.Session() as session:
        session.run([put, variable.initializer])
        found = session.run(taken)
        assert session.run(assigned).tolist() == [b"z\0", b"b"]
    assert found.tolist() == WORDS


@pytest.mark.parametrize("value", [np.bytes_(b"q"), np.str_("q"), np.array(b"q"), np.array("q"), "q", b"q"])
def test_numpy_strings_become_bytes(value):
    assert type(tf.constant(value).op.attrs["value"][()]) is bytes
    assert type(tf.constant([value]).op.attrs["value"][0]) is bytes
    with tf.Session() as session:
        placeholder = tf.placeholder(tf.string, [])
        assert type(session.run(tf.identity(placeholder), {placeholder: value})) is bytes
