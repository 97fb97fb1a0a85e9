"""Tests what libraries of 1.x use that has no public name; ``make libraries`` trains with the libraries."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.compat import contrib_layers, contrib_placement, contrib_text, early_keras, old_modules, old_numpy
from tideflow._src.compat.private import metrics, sessions, system
from tideflow._src.session import conversions
from tideflow._src.train import evaluation


class Wrapped:
    """Stands for a tensor."""

    def __init__(self, tensor):
        self.tensor = tensor


def test_a_registered_type_is_fetched_and_fed(monkeypatch):
    monkeypatch.setattr(conversions, "CONVERSIONS", known := [])
    for module in ("fetches", "feeds"):
        monkeypatch.setattr(f"tideflow._src.session.{module}.CONVERSIONS", known)
    register = sessions.register_session_run_conversion_functions
    fetch = lambda item: ([item.tensor], lambda values: values[0])  # noqa: E731
    register(Wrapped, fetch, lambda item, value: [(item.tensor, value)], lambda item: [item.tensor])
    with pytest.raises(ValueError, match="has already been registered"):
        register(Wrapped, fetch)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        y = Wrapped(2.0 * x)
        assert session.run(y, {Wrapped(x): 3.0}) == 6.0
        assert session.run({"a": [y, x]}, {Wrapped(x): 3.0}) == {"a": [6.0, 3.0]}
        handle = session.partial_run_setup([y.tensor], [Wrapped(x)])
        assert session.partial_run(handle, y, {Wrapped(x): 4.0}) == 8.0


def test_what_a_tensor_is_computed_from():
    with tf.Graph().as_default():
        a = tf.constant(1.0, name="a")
        with tf.control_dependencies([tf.constant(2.0, name="before")]):
            b = tf.identity(a, name="b")
        walk = sessions.get_backward_walk_ops
        assert [op.name for op in walk(b)] == ["b", "a"]
        assert {op.name for op in walk([b.op], control_inputs=True)} == {"a", "b", "before"}
        assert [op.name for op in walk(b, inclusive=False)] == ["a"]
        assert [op.name for op in walk(b, stop_at_ts=[a])] == ["b"]
        assert sessions._get_graph_from_inputs([a, b]) is a.graph
        taken = sessions._FetchHandler(a.graph, [a, b.op], {})
        assert (taken.fetches(), taken.targets()) == ([a], [b.op])
        with tf.Graph().as_default() as other:
            assert sessions._get_graph_from_inputs([1]) is other
            with pytest.raises(ValueError, match="must be from the same graph as"):
                sessions._get_graph_from_inputs([a, tf.constant(1.0)])
            with pytest.raises(ValueError, match="not from the passed-in graph"):
                sessions._get_graph_from_inputs([a], other)


def test_a_run_is_a_trace_and_files_are_written(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        found = tf.RunMetadata()
        session.run(tf.constant(1.0) + 1.0, options=tf.RunOptions(trace_level=3), run_metadata=found)
        trace = sessions.Timeline(found.step_stats).generate_chrome_trace_format()
    assert json.loads(trace)["traceEvents"]
    sessions.write_string_to_file(str(tmp_path / "trace"), trace)
    assert (tmp_path / "trace").read_text() == trace


def test_parts_of_metrics():
    with tf.Graph().as_default(), tf.Session() as session:
        values, updates = metrics._confusion_matrix_at_thresholds([True, False], [0.9, 0.2], [0.5])
        precision, update = metrics._streaming_sparse_average_precision_at_top_k(
            tf.constant([[1, 2]], tf.int64), tf.constant([[2, 0, 1]], tf.int64)
        )
        session.run(tf.local_variables_initializer())
        session.run([list(updates.values()), update])
        assert {kind: float(session.run(value)[0]) for kind, value in values.items()} == {
            "tp": 1,
            "fn": 0,
            "tn": 1,
            "fp": 0,
        }
        assert session.run(precision) == pytest.approx((1.0 + 2.0 / 3.0) / 2.0)
        assert session.run(metrics._safe_scalar_div(1.0, 0.0, "ratio")) == 0.0
        assert metrics._aggregate_variable(precision, ["kept"]) is precision
        assert tf.get_collection("kept") == [precision]


def test_a_model_is_evaluated_once(tmp_path):
    with tf.Graph().as_default():
        x = tf.get_variable("x", initializer=3.0)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            path = tf.train.Saver().save(session, str(tmp_path / "model"))
    with tf.Graph().as_default():
        x = tf.get_variable("x", shape=[])
        mean, update = tf.metrics.mean(x)
        hook = evaluation._StopAfterNEvalsHook(4)
        assert evaluation._evaluate_once(path, eval_ops=update, final_ops=mean, hooks=[hook]) == 3.0
        step = evaluation._get_or_create_eval_step()
        assert step is evaluation._get_or_create_eval_step() and step.name == "eval_step:0"


def test_regularizers_and_initializers_of_contrib():
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.constant([3.0, -4.0])
        for regularizer, expected in (
            (contrib_layers.l1_regularizer(0.5), 3.5),
            (contrib_layers.l2_regularizer(0.5), 6.25),
            (contrib_layers.l1_l2_regularizer(0.5, 0.5), 9.75),
            (early_keras.early_keras("regularizers").l1_l2(0.5, 0.5), 16.0),
        ):
            assert session.run(regularizer(weights)) == pytest.approx(expected)
        assert contrib_layers.l2_regularizer(0.0)(weights) is None
        total = contrib_layers.apply_regularization(contrib_layers.l2_regularizer(1.0), [weights, weights])
        assert session.run(total) == 25.0 and tf.losses.get_regularization_losses() == [total]
        for make in (contrib_layers.xavier_initializer, contrib_layers.variance_scaling_initializer):
            drawn = session.run(make(seed=1)([200, 100]))
            assert drawn.std() == pytest.approx(
                {True: (1 / 150) ** 0.5, False: (2 / 200) ** 0.5}[make is contrib_layers.xavier_initializer], rel=0.05
            )
    with pytest.raises(ValueError, match="scale cannot be an integer"):
        contrib_layers.l2_regularizer(1)
    with pytest.raises(TypeError, match="Unknown mode"):
        contrib_layers.variance_scaling_initializer(mode="FAN")
    with pytest.raises(AttributeError, match=r"tf.keras.layers yet"):
        _ = tf.keras.layers


def test_words_get_numbers(tmp_path):
    processor = contrib_text.VocabularyProcessor(4)
    rows = list(processor.fit_transform(["one two three", "two two four one five"]))
    np.testing.assert_array_equal(rows, [[1, 2, 3, 0], [2, 2, 4, 1]])
    np.testing.assert_array_equal(list(processor.transform(["six one"])), [[0, 1, 0, 0]])
    assert list(processor.reverse([[1, 2, 0]])) == ["one two <UNK>"]
    processor.save(str(tmp_path / "words"))
    again = contrib_text.VocabularyProcessor.restore(str(tmp_path / "words"))
    assert len(again.vocabulary_) == 6
    frequent = contrib_text.VocabularyProcessor(4, min_frequency=1).fit(["a b b a c", "a"])
    np.testing.assert_array_equal(list(frequent.transform(["a b c"])), [[1, 2, 0, 0]])


def test_parameters_are_placed_by_size():
    with tf.Graph().as_default():
        place = contrib_placement.GreedyLoadBalancingStrategy(2, contrib_placement.byte_size_load_fn)
        ops = [tf.zeros([size]).op for size in (10, 3, 3, 3, 3, 3)]
        assert [place(op) for op in ops] == [0, 1, 1, 1, 1, 0]


def test_what_nothing_was_built_with():
    assert not system.IsMklEnabled() and not system.is_xla_enabled() and not system.build_info["is_cuda_build"]
    assert system.TF_ListPluggablePhysicalDevices() == [] and system.get_tpu_context() is None
    assert system.disable_cudnn_autotune(len) is len and system.InstallStackTraceHandler() is None


def test_operations_are_made_of_nodes(python):
    done = python(
        "-c",
        "import tideflow.v1 as tf\n"
        "from copy import deepcopy\n"
        "from tideflow._src.compat.private import old_graphs\n"
        "g = tf.get_default_graph()\n"
        "a = tf.placeholder(tf.float32, [2], name='a')\n"
        "b = tf.multiply(a, 3.0, name='b')\n"
        "node = deepcopy(b.op.node_def)\n"
        "node.name = 'copy'\n"
        "op = tf.Operation(node, g, [], b.op._output_types[:], [], [], b.op._original_op, deepcopy(b.op.op_def))\n"
        "g._add_op(op)\n"
        "c = tf.constant([5.0, 6.0])\n"
        "for tensor in (c, b.op.inputs[1]):\n"
        "    op._add_input(tensor)\n"
        "op._add_control_inputs([])\n"
        "old_graphs.set_shapes_for_outputs(op)\n"
        "g._record_op_seen_by_control_dependencies(op); g._apply_device_functions(op)\n"
        "print(op, op.outputs[0].shape, isinstance(op, tf.Operation), 'copy' in g._nodes_by_name)\n"
        "print(tf.Session().run([op.outputs[0], tf.gradients(op.outputs[0], c)[0]]))\n"
        "print(tf.multiply(a, 3.0, name='copy').name)\n",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "(2,) True True" in done.stdout and "array([15., 18." in done.stdout and "array([3., 3." in done.stdout
    assert lines[-1] == "copy_1:0"


def test_old_names_of_other_modules(python):
    done = python(
        "-c",
        "import collections, inspect, time\n"
        "from tideflow._src.compat import old_modules\n"
        "old_modules.restore(); old_modules.restore()\n"
        "from PIL import Image\n"
        "print(Image.ANTIALIAS == Image.LANCZOS, collections.Mapping, time.clock() > 0)\n"
        "print(inspect.getargspec(lambda a, b=1: 0).args)\n",
    )
    assert done.stdout == "True <class 'collections.abc.Mapping'> True\n['a', 'b']\n", done.stderr
    assert old_modules._LATER["PIL.Image"]["ANTIALIAS"] == "LANCZOS"


def test_python_numbers_mean_kinds():
    issubdtype = old_numpy._with_kinds(np.issubdtype)
    assert issubdtype(np.float32, float) and issubdtype(np.dtype("int8"), int) and not issubdtype(np.float32, int)
    assert issubdtype(np.float32, np.floating) and not issubdtype(np.float32, "float64")


def test_parameters_keep_their_types():
    parameters = tf.contrib.training.HParams(rate=0.1, layers=2, name="a", sizes=[16, 8], on=False)
    assert parameters.parse("rate=1,layers=3,name=b c,sizes=[4,2],sizes[1]=9,on=true") is parameters
    assert parameters.values() == {"rate": 1.0, "layers": 3, "name": "b c", "sizes": [4, 9], "on": True}
    assert json.loads(parameters.to_json())["sizes"] == [4, 9] and "rate" in parameters
    assert parameters.override_from_dict({"rate": 2}).rate == 2.0 and parameters.get("no", 5) == 5
    parameters.del_hparam("name")
    assert "name" not in parameters and str(parameters).startswith("[('layers', 3)")
    for wrong, message in (
        ("layers=x", "Could not parse hparam 'layers'"),
        ("other=1", "Unknown hyperparameter type for other"),
        ("layers", "Malformed hyperparameter value"),
    ):
        with pytest.raises(ValueError, match=message):
            parameters.parse(wrong)
    with pytest.raises(ValueError, match="Could not cast hparam 'layers'"):
        parameters.set_hparam("layers", 0.5)
    with pytest.raises(ValueError, match="reserved"):
        parameters.add_hparam("rate", 1)


def test_vocabularies(tmp_path):
    (tmp_path / "words").write_text("tide\nflow\n")
    lookup = tf.contrib.lookup
    with tf.Graph().as_default(), tf.Session() as session:
        words = tf.constant(["flow", "tide", "ebb"])
        tables = [
            lookup.index_table_from_tensor(["tide", "flow"], default_value=7),
            lookup.index_table_from_file(str(tmp_path / "words")),
            lookup.index_table_from_tensor(tf.constant(["tide", "flow"]), num_oov_buckets=1),
        ]
        numbers = lookup.index_table_from_tensor([5, 6], dtype=tf.int32)
        back = [
            lookup.index_to_string_table_from_tensor(["tide", "flow"], default_value="?"),
            lookup.index_to_string_table_from_file(str(tmp_path / "words")),
        ]
        session.run(tf.tables_initializer())
        found = session.run([table.lookup(words) for table in tables])
        assert [each.tolist() for each in found] == [[1, 0, 7], [1, 0, -1], [1, 0, 2]]
        assert session.run(numbers.lookup(tf.constant([6, 7], tf.int64))).tolist() == [1, -1]
        found = session.run([table.lookup(tf.constant([1, 2], tf.int64)) for table in back])
        assert [each.tolist() for each in found] == [[b"flow", b"?"], [b"flow", b"UNK"]]
    for call, error in (
        (lambda: lookup.index_table_from_tensor(None), ValueError),
        (lambda: lookup.index_table_from_tensor(["a"], num_oov_buckets=-1), ValueError),
        (lambda: lookup.index_table_from_tensor(["a"], dtype=tf.float32), TypeError),
        (lambda: lookup.index_table_from_tensor(["a"], dtype=tf.int64), ValueError),
        (lambda: lookup.index_table_from_file(""), ValueError),
        (lambda: lookup.index_table_from_file("a", vocab_size=0), ValueError),
    ):
        with pytest.raises(error):
            call()
