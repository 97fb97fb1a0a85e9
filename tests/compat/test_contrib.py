"""``tf.contrib``: what moved into the core is served, and the rest says what became of it."""

from __future__ import annotations

import pytest

import tideflow.v1 as tf
from tideflow._src.compat.contrib import CHANGED, MOVED, contrib


def test_a_name_that_moved_is_the_one_in_the_core():
    assert tf.contrib.framework.get_or_create_global_step is tf.train.get_or_create_global_step
    assert tf.contrib.util.constant_value is tf.get_static_value
    assert tf.contrib.rnn is contrib("rnn")
    assert "nest" in dir(tf.contrib.framework)


@pytest.mark.parametrize(
    ("part", "name", "expected"),
    [
        ("layers", "fully_connected", "instead of tf.contrib.layers.fully_connected use tf.layers.dense"),
        ("metrics", "streaming_accuracy", "takes the labels first"),
        ("framework", "arg_scope", "tf.contrib.framework.arg_scope did not move into the core"),
    ],
)
def test_another_name_says_what_became_of_it(part, name, expected):
    with pytest.raises(AttributeError) as raised:
        getattr(getattr(tf.contrib, part), name)
    assert expected in str(raised.value)


def test_a_part_that_did_not_move_says_so():
    with pytest.raises(AttributeError, match=r"tf.contrib.boosted_trees did not move into the core"):
        _ = tf.contrib.boosted_trees
    with pytest.raises(AttributeError, match="the package tf_slim"):
        _ = tf.contrib.slim


def test_what_changed_is_not_served_too():
    for path in CHANGED:
        part, _, name = path.partition(".")
        assert name not in MOVED.get(part, {})


def test_a_1x_program_imports_its_parts(tideflow, tmp_path):
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\n"
        "from tensorflow.contrib import framework\n"
        "from tensorflow.contrib.framework import nest\n"
        "import tensorflow.contrib.eager as tfe\n"
        "print(framework.nest is nest is tf.nest, tfe.executing_eagerly is tf.executing_eagerly)\n"
        "try:\n"
        "    import tensorflow.contrib.slim\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = tideflow("--v1", "program.py")
    assert done.stdout.splitlines()[0] == "True True", done.stderr
    assert "the package tf_slim" in done.stdout
