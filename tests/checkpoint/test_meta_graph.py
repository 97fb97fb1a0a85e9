"""Meta graphs whose branches and loops write reference variables can be written, read, and written again."""

from __future__ import annotations

import pytest

import tideflow.v1 as tf


def _after(op, result):
    with tf.control_dependencies([op]):
        return result()


def _counted(v):
    return tf.while_loop(lambda i: v < 4.0, lambda i: _after(tf.assign_add(v, 1.0), lambda: i + 1), [0])


def _branch(v):
    chosen = tf.placeholder_with_default(True, [])
    return tf.cond(chosen, lambda: _after(tf.assign_add(v, 1.0), lambda: v * 10.0), lambda: v * 100.0)


def _nested(v):
    def body(i):
        chosen = tf.cond(v < 5.0, lambda: tf.assign_add(v, 2.0) + 0.0, lambda: tf.assign_add(v, 100.0) + 0.0)
        return _after(chosen, lambda: i + 1)

    return tf.while_loop(lambda i: v < 50.0, body, [0])


def _switched(v):
    return tf.switch_case(tf.constant(0), [lambda: tf.assign_add(v, 1.0) + 0.0, lambda: v * 2.0])


@pytest.mark.parametrize(
    "build, expected",
    [(_counted, [4, 4.0]), (_branch, [10.0, 1.0]), (_nested, [4, 106.0]), (_switched, [1.0, 1.0])],
)
def test_a_variable_written_in_control_flow_survives_a_meta_graph(build, expected, tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(0.0, use_resource=False, name="v")
        tf.identity(build(v), name="out")
        session.run(v.initializer)
        tf.train.Saver().save(session, str(tmp_path / "model"))
    again = tmp_path / "again.meta"
    for path in (tmp_path / "model.meta", again):
        with tf.Graph().as_default(), tf.Session() as session:
            saver = tf.train.import_meta_graph(str(path))
            saver.restore(session, str(tmp_path / "model"))
            assert [session.run("out:0"), session.run("v:0")] == expected
            tf.train.export_meta_graph(str(again))
