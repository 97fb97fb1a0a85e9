"""The features of AutoGraph that a program chooses: ``x[i] = v`` of tensors, and ``print`` of their values."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf

Feature = tf.autograph.experimental.Feature


def replaced(x: Any, count: Any) -> Any:
    words = ["a", "b"]
    words[0] = "c"
    x[0] = 5.0
    for i in tf.range(count):
        x[i] = x[i] + tf.cast(i, tf.float32)
    if count > 2:
        x[1:3] = -1.0

    def inner(y: Any) -> Any:
        y[..., -1] = 7
        return y

    assert words == ["c", "b"]
    return inner(x)


def first_of_outer(x: Any) -> Any:
    kept = [x]

    def change() -> None:
        kept[0] = kept[0] + 1  # a list of the function around it: Python changes it

    change()
    return kept[0]


def test_items_of_tensors_are_assigned() -> None:
    @tf.function(experimental_autograph_options=Feature.LISTS)
    def calling(x: Any, count: Any) -> Any:
        before = x
        return before, replaced(x, count), first_of_outer(x)

    x = tf.constant([1.0, 2.0, 3.0, 4.0])
    before, after, outer = calling(x, tf.constant(3))
    assert before.numpy().tolist() == x.numpy().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert after.numpy().tolist() == [5.0, -1.0, -1.0, 7.0]
    assert calling(x, tf.constant(2))[1].numpy().tolist() == [5.0, 3.0, 3.0, 7.0]
    assert outer.numpy().tolist() == [2.0, 3.0, 4.0, 5.0]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(calling(x, tf.constant(2))[1])
    assert tape.gradient(y, x).numpy().tolist() == [0.0, 1.0, 1.0, 0.0]


def test_without_the_feature_tensors_do_not_change() -> None:
    with_lists = tf.function(replaced, experimental_autograph_options=(Feature.LISTS, Feature.NAME_SCOPES))
    arguments = tf.constant([1.0, 2.0, 3.0]), tf.constant(0)
    for _ in range(2):
        assert with_lists(*arguments).numpy().tolist() == [5.0, 2.0, 7.0]
        with pytest.raises(TypeError, match="does not support item assignment"):
            tf.function(replaced)(*arguments)

    own = tf.function(replaced)

    @tf.function(experimental_autograph_options=Feature.LISTS)
    def around(x: Any) -> Any:
        return own(x, 0)

    with pytest.raises(TypeError, match="does not support item assignment"):
        around(arguments[0])


def test_code_shows_what_the_features_do() -> None:
    assert "ag__.set_item(x, 0, 5.0)" in tf.autograph.to_code(replaced, experimental_optional_features=Feature.ALL)
    assert "set_item" not in tf.autograph.to_code(replaced, experimental_optional_features=Feature.NAME_SCOPES)
    graph = tf.autograph.to_graph(replaced, experimental_optional_features=Feature.LISTS)
    result = tf.function(graph, autograph=False)(tf.constant([1.0, 2.0]), tf.constant(0))
    assert result.numpy().tolist() == [5.0, 7.0]


def told(x: Any) -> None:
    print("called with", x, sep="|")


@pytest.mark.parametrize("features", [None, Feature.BUILTIN_FUNCTIONS])
def test_values_are_printed_in_each_run(capsys: pytest.CaptureFixture[str], features: Any) -> None:
    @tf.function(experimental_autograph_options=features)
    def telling(x: Any, text: Any) -> Any:
        print("traced")
        print(x, text, end=";")
        told(x * 2)
        for i in tf.range(2):
            print(i)
        return x

    telling(tf.constant([1, 2]), tf.constant("é"))
    first = capsys.readouterr().out
    telling(tf.constant([3, 4]), tf.constant("f"))
    second = capsys.readouterr().out
    if features is None:
        assert first.startswith("traced\nTensor(") and second == ""
    else:
        assert first == "traced\n[1 2] é;called with|[2 4]\n0\n1\n"
        assert second == "[3 4] f;called with|[6 8]\n0\n1\n"
