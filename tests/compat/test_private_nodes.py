"""Tests what libraries do with single nodes of graphs: make them of messages, count them, fold them for inference."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.compat.private import dataset_kinds, eager_context, nodes
from tideflow._src.compat.private_names import private_module
from tideflow._src.profiler import statistics
from tideflow._src.tools import inference_graphs

v1 = tf.compat.v1
raw = tf.raw_ops


def test_a_node_made_of_a_message_has_a_gradient_once_it_is_recorded() -> None:
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [2], name="x")
        doubled = x * 2.0
        message = v1.NodeDef()
        message.CopyFrom((x * x).op.node_def)
        message.name = "made"
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            made = graph._create_op_from_tf_operation(nodes._create_c_op(graph, message, [x, doubled], [doubled.op]))
            made._control_flow_post_processing()
            assert (made.name, made.control_inputs) == ("made", [doubled.op])
            assert tape.gradient(made.outputs[0], x) is None
            attributes = [item for each in made.op_def.attr for item in (each.name, made.get_attr(each.name))]
            nodes.record_gradient("Mul", made.inputs, tuple(attributes), made.outputs)
        gradient = tape.gradient(made.outputs[0], x)
        with v1.Session() as session:
            value, slope = session.run([made.outputs[0], gradient], {x: [1.0, 3.0]})
    assert (value.tolist(), slope.tolist()) == ([2.0, 18.0], [2.0, 6.0])
    message.attr["T"].type = tf.string.as_datatype_enum
    with pytest.raises(ValueError, match="Mul"):
        nodes._create_c_op(graph, message, [x, doubled], [])


def test_a_call_that_no_tape_saw_is_recorded() -> None:
    x = tf.constant([2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tape.stop_recording():
            y = tf.add_n([x, x * x])
            joined = tf.concat([x, y], 0)
        nodes.record_gradient("AddN", [x, x], ("N", 2, "T", tf.float32), [y])
        nodes.record_gradient("ConcatV2", [x, y, tf.constant(0)], ("N", 2), [joined])
    assert tape.gradient(joined, x).numpy().tolist() == [3.0, 3.0]


def _counted(make) -> float | None:
    with v1.Graph().as_default() as graph:
        made = make()
        return statistics.get_stats_for_node_def(graph, made.op.node_def, "flops").value


def _filled(*sizes: int) -> tf.Tensor:
    return tf.zeros(sizes)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: _filled(2, 3, 4) * _filled(3, 4), 24),
        (lambda: raw.SquaredDifference(x=_filled(2, 3, 4), y=_filled(4)), 48),
        (lambda: raw.RsqrtGrad(y=_filled(2, 3), dy=_filled(2, 3)), 24),
        (lambda: tf.nn.softmax(_filled(5, 7)), 175),
        (lambda: tf.nn.l2_loss(_filled(2, 3, 4)), 71),
        (lambda: tf.reduce_sum(_filled(2, 3, 4), 1), 16),
        (lambda: tf.reduce_mean(_filled(2, 3, 4), [0, 1]), 24),
        (lambda: raw.AddN(inputs=[_filled(2, 3)] * 3), 12),
        (lambda: tf.matmul(_filled(7, 5), _filled(7, 9), transpose_a=True), 630),
        (lambda: raw.BatchMatMulV2(x=_filled(4, 7, 5), y=_filled(1, 7, 9), adj_x=True), 2520),
        (lambda: tf.nn.conv2d(_filled(2, 8, 8, 3), _filled(3, 3, 3, 5), 2, "VALID"), 4860),
        (lambda: tf.nn.depthwise_conv2d(_filled(2, 8, 8, 3), _filled(3, 3, 3, 2), [1, 1, 1, 1], "SAME"), 13824),
        (
            lambda: raw.Conv2DBackpropInput(
                input_sizes=[2, 8, 8, 3], filter=_filled(3, 3, 3, 5), out_backprop=_filled(2, 4, 4, 5),
                strides=[1, 2, 2, 1], padding="SAME",
            ),
            8640,
        ),
        (
            lambda: raw.MaxPoolGrad(
                orig_input=_filled(2, 8, 8, 3), orig_output=_filled(2, 4, 4, 3), grad=_filled(2, 4, 4, 3),
                ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID",
            ),
            480,
        ),
        (lambda: tf.nn.relu(_filled(2, 3)), None),
    ],
)  # fmt: skip
def test_floating_point_operations_are_counted_as_in_tensorflow(make, expected) -> None:
    assert _counted(make) == expected


def test_statistics_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_registered", {})

    @statistics.RegisterStatistics("Relu", "flops")
    def count(graph, node):
        return statistics.OpStats("flops", tf.compat.v1.graph_util.tensor_shape_from_node_def_name(graph, node.name)[0])

    assert _counted(lambda: tf.nn.relu(_filled(6))) == 6
    for taken in ("Relu", "MatMul"):
        with pytest.raises(KeyError, match="Registering two statistical functions with name"):
            statistics.RegisterStatistics(taken, "flops")(count)
    with pytest.raises(TypeError, match="op_type must not contain a comma"):
        statistics.RegisterStatistics("a,b", "flops")
    with pytest.raises(ValueError, match="is not fully defined"):
        _counted(lambda: v1.placeholder(tf.float32, [None]) * 2.0)
    total = statistics.OpStats("flops")
    total += statistics.OpStats("flops", 3)
    total += statistics.OpStats("flops")
    total += statistics.OpStats("flops", 4)
    assert total.value == 7
    with pytest.raises(ValueError, match="Can't add an OpStat of type flops to one of bytes"):
        total += statistics.OpStats("bytes", 1)


def test_normalizations_are_folded_into_convolutions() -> None:
    numbers = np.random.default_rng(5)

    def constant(*sizes: int) -> tf.Tensor:
        return tf.constant(numbers.uniform(0.5, 1.5, sizes), tf.float32)

    def normalized(x: tf.Tensor, channels: int) -> tf.Tensor:
        return v1.nn.fused_batch_norm(x, *[constant(channels) for _ in range(4)], is_training=False)[0]

    with v1.Graph().as_default() as graph, v1.Session() as session:
        images = v1.placeholder_with_default(tf.ones([2, 6, 6, 3]), [2, 6, 6, 3], name="images")
        training = v1.placeholder_with_default(False, [], name="training")
        x = normalized(tf.nn.conv2d(images, constant(3, 3, 3, 4), 1, "SAME"), 4)
        x = tf.nn.depthwise_conv2d(tf.identity(tf.nn.relu(x)), constant(2, 2, 4, 2), [1, 1, 1, 1], "VALID")
        shared = x + 1.0
        last = tf.nn.conv2d(
            tf.debugging.check_numerics(normalized(x, 8) + shared, "checked"), constant(1, 1, 8, 2), 1, "SAME"
        )
        chosen = tf.where(training, 0.0 * last, normalized(last, 2))
        result = tf.identity(chosen, name="result")
        fed = numbers.normal(size=[2, 6, 6, 3])
        expected = session.run(result, {images: fed})
        message = inference_graphs.optimize_for_inference(
            graph.as_graph_def(),
            ["images"],
            ["result"],
            tf.float32.as_datatype_enum,
            placeholder_to_const_names="training",
        )
    kinds = [node.op for node in message.node]
    assert kinds.count("BiasAdd") == 1 and kinds.count("FusedBatchNormV3") == 2, kinds  # two are of what is used twice
    assert "CheckNumerics" not in kinds and kinds.count("Identity") == 1 and kinds.count("Placeholder") == 1
    with v1.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(message, name="")
        found = session.run("result:0", {"images:0": fed})
    # A product of three layers: each value is a sum of at most 27 terms, and rounded a few times in each layer.
    np.testing.assert_allclose(found, expected, rtol=64 * np.finfo(np.float32).eps)
    with pytest.raises(KeyError, match="The following input nodes were not found"):
        inference_graphs.optimize_for_inference(message, ["elsewhere"], ["result"], 1)


def test_kinds_of_datasets_and_the_options_of_eager_operations() -> None:
    numbers = tf.data.Dataset.range(2)
    assert isinstance(numbers, dataset_kinds._RangeDataset)
    assert not isinstance(numbers.map(lambda x: x), dataset_kinds._RangeDataset)
    assert isinstance(tf.data.Dataset.from_tensors(1), dataset_kinds._TensorDataset)
    assert isinstance(tf.data.Dataset.from_tensor_slices([1]), dataset_kinds._TensorSliceDataset)
    iterators = private_module("python.data.ops.iterator_ops")
    assert isinstance(iter(numbers), iterators.OwnedIterator)
    assert eager_context.context().device_spec.device_type is None
    with tf.device("cpu:0"):
        assert eager_context.context().device_spec.device_type == "CPU"
    config = eager_context.get_config()
    assert config.allow_soft_placement == tf.config.get_soft_device_placement()
    assert config.device_count["CPU"] == len(tf.config.list_logical_devices("CPU"))
    handle = nodes._variable_handle_from_shape_and_dtype([1], tf.float32, None, "v", graph_mode=False)
    raw.AssignVariableOp(resource=handle, value=[2.0])
    assert raw.ReadVariableOp(resource=handle, dtype=tf.float32).numpy().tolist() == [2.0]
    with pytest.raises(tf.errors.InternalError, match="Using an explicit shared_name is not allowed"):
        nodes._variable_handle_from_shape_and_dtype([1], tf.float32, "shared", "v", graph_mode=False)
