"""The functions of ``tf.autograph``."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf


def magnitude(x: Any) -> Any:
    """Returns the magnitude of a number."""
    if x > 0:
        return x
    return -x


class Callable:
    def __call__(self, x: Any) -> Any:
        return magnitude(x)


def test_names() -> None:
    public = {name for name in dir(tf.autograph) if not name.startswith("_")} - {"annotations"}
    assert public == {"experimental", "set_verbosity", "to_code", "to_graph", "trace"}
    experimental = {name for name in dir(tf.autograph.experimental) if not name.startswith("_")} - {"annotations"}
    assert experimental == {"Feature", "do_not_convert", "set_loop_options"}


def test_to_graph() -> None:
    graph = tf.autograph.to_graph(magnitude)
    assert graph(-3) == 3
    assert graph.__name__ == "magnitude"
    assert graph.__doc__ == magnitude.__doc__
    assert tf.function(graph, autograph=False)(tf.constant(-3)).numpy() == 3
    assert tf.autograph.to_graph(Callable().__call__)(-3) == 3
    assert tf.autograph.to_graph(Callable())(-3) == 3
    assert tf.autograph.to_graph(tf.function(magnitude), recursive=True)(-3) == 3


def test_to_code_shows_what_was_made() -> None:
    code = tf.autograph.to_code(magnitude)
    assert "def tf__magnitude(x):" in code
    assert "ag__.if_stmt" in code
    assert "def tf__plain" in tf.autograph.to_code(plain)
    assert "ag__" in tf.compat.v1.autograph.to_code(magnitude, indentation="    ")


def plain(x: Any) -> Any:
    return x


@pytest.mark.parametrize("function", [tf.autograph.to_graph, tf.autograph.to_code])
def test_what_cannot_be_converted(function: Any) -> None:
    with pytest.raises(ValueError, match="Unable to convert"):
        function(5)
    names: dict[str, Any] = {}
    exec("def hidden(x):\n    return x if x else -x\n", names)
    with pytest.raises(ValueError, match="source"):
        function(names["hidden"])


def test_trace_prints_while_tracing(capsys: pytest.CaptureFixture[str]) -> None:
    @tf.function
    def program(x: Any) -> Any:
        tf.autograph.trace("tracing", 5)
        return x

    program(tf.constant(1))
    program(tf.constant(2))
    assert capsys.readouterr().out == "tracing 5\n"


def test_features() -> None:
    feature = tf.autograph.experimental.Feature
    assert feature.LISTS in feature.all()
    assert feature.LISTS not in feature.all_but(feature.LISTS)
    assert feature.all_but([feature.LISTS, feature.ALL]) == feature.all_but({feature.LISTS})
    tf.function(magnitude, experimental_autograph_options=feature.EQUALITY_OPERATORS)(tf.constant(1))


def test_set_verbosity(capsys: pytest.CaptureFixture[str]) -> None:
    def first(x: Any) -> Any:
        return x if x > 0 else -x

    def second(x: Any) -> Any:
        return x if x > 0 else -x

    try:
        tf.autograph.set_verbosity(1, True)
        tf.autograph.to_graph(first)
        assert "AutoGraph converted test_set_verbosity.<locals>.first" in capsys.readouterr().out
        tf.autograph.set_verbosity(3, alsologtostdout=True)
        tf.autograph.to_graph(second)
        assert "ag__.if_exp" in capsys.readouterr().out
    finally:
        tf.autograph.set_verbosity(0)
