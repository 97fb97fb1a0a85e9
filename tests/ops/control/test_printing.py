"""Checks ``tf.print`` and ``tf.Print`` against what TensorFlow 2.21 writes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((tf2.range(10),), {}, "[0 1 2 ... 7 8 9]\n"),
        ((tf2.range(10),), {"summarize": -1}, "[0 1 2 3 4 5 6 7 8 9]\n"),
        (("a", 1, 2.5, True, None), {}, "a 1 2.5 True None\n"),
        ((tf2.constant([[1.5, 2.0], [3.0, 4.0]]),), {}, "[[1.5 2]\n [3 4]]\n"),
        ((tf2.constant("text"), tf2.constant(True)), {"sep": "|", "end": "!"}, '"text"|1!'),
        (([tf2.constant(1), {"k": tf2.constant(2)}],), {}, "[1, {'k': 2}]\n"),
    ],
)
def test_values_are_written_to_the_error_stream(arguments, options, text, capfd) -> None:
    tf2.print(*arguments, **options)
    assert capfd.readouterr().err == text


def test_streams_and_files(capfd, tmp_path) -> None:
    tf2.print(tf2.constant(1), output_stream=sys.stdout)
    assert capfd.readouterr().out == "1\n"
    path = tmp_path / "log"
    for _ in range(2):
        tf2.print("line", output_stream=f"file://{path}")
    assert path.read_text() == "line\nline\n"
    with pytest.raises(ValueError, match="Unsupported output stream"):
        tf2.print("x", output_stream="nowhere")
    with pytest.raises(ValueError, match="Unrecognized keyword arguments"):
        tf2.print("x", colour="red")


def test_in_a_graph_it_prints_when_it_runs(graph, tier, capfd) -> None:
    x = tf.placeholder(tf.float32, [2])
    operation = tf.print("x is", x)
    assert capfd.readouterr().err == ""
    with tf.Session() as session:
        session.run(operation, {x: [1, 2]})
    assert capfd.readouterr().err == "x is [1 2]\n"


def test_print_of_1x_passes_its_input_on_and_stops_after_first_n(graph, tier, capfd) -> None:
    x = tf.placeholder(tf.float32, [4])
    y = tf.Print(x, [x, tf.constant("s")], message="seen: ", first_n=2, summarize=2) * 2.0
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        for _ in range(3):
            np.testing.assert_array_equal(session.run(y, {x: [1, 2, 3, 4]}), [2, 4, 6, 8])
        assert session.run(gradient, {x: [1, 2, 3, 4]}).tolist() == [2.0] * 4
    assert capfd.readouterr().err == "seen: [1 2...][s]\n" * 2


def test_print_of_1x_counts_for_each_operation_and_session(graph, tier, capfd) -> None:
    x = tf.constant(1.0)
    twins = [tf.Print(x, [tf.constant(number)], message="m", first_n=2) for number in (1, 2)]
    for _ in range(2):
        with tf.Session() as session:
            for _ in range(3):
                session.run(twins[0])
                session.run(twins[1])
    assert capfd.readouterr().err == "m[1]\nm[2]\n" * 4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32([1e6, 1e-5, 0.1, 1 / 3, -0.0]), b"[1e+06 1e-05 0.1 0.333333343 -0]"),
        (np.float64([1e6, 1e15, 1 / 3]), b"[1000000 1e+15 0.33333333333333331]"),
        (np.float16([0.1, 3]), b"[0.0999755859 3]"),
        (np.arange(8, dtype=np.int32).reshape(2, 2, 2), b"[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]"),
        (["a\n", "'\"\\", b"\xff\x00", "ä"], b'["a\\n" "\\\'\\"\\\\" "\xff\\000" "\xc3\xa4"]'),
        (np.zeros((2, 0), np.int32), b"[\n ...]"),
        (np.zeros((0, 2), np.int32), b"[]"),
    ],
)
def test_the_text_of_values(value: Any, text: bytes) -> None:
    assert tf2.strings.format("{}", tf2.constant(value), summarize=-1).numpy() == text


def test_the_text_of_structures(capsys: pytest.CaptureFixture[str]) -> None:
    tf2.print({"b": 1, "a": tf2.constant(2)}, [tf2.constant([1.5]), "s"], output_stream=sys.stdout)
    tf2.print({"a" * 40: tf2.constant(1), "b" * 40: [2]}, output_stream=sys.stdout)
    expected = "{'a': 2, 'b': 1} [[1.5], 's']\n{'" + "a" * 40 + "': 1,\n '" + "b" * 40 + "': [2]}\n"
    assert capsys.readouterr().out == expected
