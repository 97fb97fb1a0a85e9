"""Tests the modules under ``tensorflow.python`` that other packages reach for."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.compat.private_names import OWN, private_module
from tideflow._src.core import dtypes


def name_in(module: str, name: str) -> object:
    return getattr(private_module(f"python.{module}"), name)


@pytest.mark.parametrize("module", sorted(OWN))
def test_where_names_are_looked_up_exists(module: str) -> None:
    for namespace in OWN[module]:
        root, *parts = namespace.split(".")
        if root == "_src":
            assert importlib.import_module(f"tideflow.{namespace}")
        elif root in ("tf", "v1"):
            owner: object = importlib.import_module("tideflow" if root == "tf" else "tideflow.compat.v1")
            for part in parts:
                owner = getattr(owner, part)
        else:
            assert private_module(namespace) is not None


@pytest.mark.parametrize(
    ("module", "name", "public"),
    [
        ("framework.sparse_tensor", "SparseTensor", "tideflow.SparseTensor"),
        ("layers.core", "Dense", "tideflow.compat.v1.layers.Dense"),
        ("lib.io.tf_record", "TFRecordWriter", "tideflow.io.TFRecordWriter"),
        ("ops.confusion_matrix", "confusion_matrix", "tideflow.math.confusion_matrix"),
        ("ops.data_flow_ops", "FIFOQueue", "tideflow.compat.v1.FIFOQueue"),
        ("ops.math_ops", "argmax_v2", "tideflow.argmax"),
        ("ops.metrics", "true_positives", "tideflow.compat.v1.metrics.true_positives"),
        ("ops.parsing_ops", "FixedLenFeature", "tideflow.io.FixedLenFeature"),
        ("ops.rnn", "dynamic_rnn", "tideflow.compat.v1.nn.dynamic_rnn"),
        ("ops.sparse_ops", "sparse_reshape", "tideflow.compat.v1.sparse_reshape"),
        ("ops.math_ops", "reduce_sum", "tideflow.reduce_sum"),
        ("ops.math_ops", "reduce_sum_v1", "tideflow.compat.v1.reduce_sum"),
        ("ops.standard_ops", "reduce_mean", "tideflow.compat.v1.reduce_mean"),
        ("ops.summary_ops_v2", "create_file_writer_v2", "tideflow.summary.create_file_writer"),
        ("profiler.profiler_v2", "start", "tideflow.profiler.experimental.start"),
        ("summary.summary", "scalar", "tideflow.compat.v1.summary.scalar"),
        ("training.monitored_session", "Scaffold", "tideflow.compat.v1.train.Scaffold"),
        ("training.queue_runner", "QueueRunner", "tideflow.compat.v1.train.QueueRunner"),
        ("training.saver", "Saver", "tideflow.compat.v1.train.Saver"),
    ],
)
def test_private_names_are_public_objects(module: str, name: str, public: str) -> None:
    owner, _, attribute = public.rpartition(".")
    expected: object = importlib.import_module("tideflow")
    for part in owner.split(".")[1:]:
        expected = getattr(expected, part)
    found = name_in(module, name)
    expected = getattr(expected, attribute)
    assert found is expected or found.__name__ == expected.__name__  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("framework.composite_tensor", "CompositeTensor"),
        ("framework.ops", "EagerTensor"),
        ("framework.smart_cond", "smart_cond"),
        ("framework.tensor_spec", "BoundedTensorSpec"),
        ("framework.type_spec", "type_spec_from_value"),
        ("framework.type_spec_registry", "lookup"),
        ("ops.control_flow_ops", "with_dependencies"),
        ("ops.metrics_impl", "metric_variable"),
        ("ops.weights_broadcast_ops", "broadcast_weights"),
        ("training.moving_averages", "assign_moving_average"),
        ("training.slot_creator", "create_zeros_slot"),
        ("util.nest", "map_structure_up_to"),
        ("util.nest", "flatten_with_tuple_paths"),
    ],
)
def test_names_without_a_public_one_are_there(module: str, name: str) -> None:
    assert name_in(module, name).__name__ == name  # type: ignore[attr-defined]


def test_types_of_references_are_there() -> None:
    assert name_in("framework.dtypes", "float32_ref") is dtypes.float32._as_ref


def test_generated_functions_make_operations_and_take_attributes_by_position() -> None:
    found = name_in("ops.gen_math_ops", "mat_mul")
    assert found.__name__ == "MatMul"  # type: ignore[attr-defined]
    assert name_in("ops.gen_nn_ops", "max_pool_grad_grad_v2").__name__ == "MaxPoolGradGradV2"  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found([[1.0, 2.0]], [[3.0], [4.0]]), [[11.0]])  # type: ignore[operator]
    np.testing.assert_array_equal(found([[1.0, 2.0]], [[3.0, 4.0]], False, True), [[11.0]])  # type: ignore[operator]


def test_modules_know_each_other_and_their_packages_hold_them() -> None:
    assert name_in("ops.rnn", "math_ops") is private_module("python.ops.math_ops")
    assert name_in("ops", "math_ops") is private_module("python.ops.math_ops")
    assert private_module("python.ops.no_such_module") is None
    assert "reduce_sum" in dir(private_module("python.ops.math_ops"))


def test_a_star_takes_the_names_of_the_table() -> None:
    found = name_in("ops.clip_ops", "__all__")
    assert "clip_by_value" in found and all(name_in("ops.clip_ops", name) for name in found)  # type: ignore[operator,attr-defined]


def test_internal_names_are_those_of_private_modules() -> None:
    assert tf.__internal__.nest.flatten_up_to is name_in("util.nest", "flatten_up_to")
    assert tf.compat.v1.__internal__ is tf.__internal__


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match=r"'tensorflow.python.util.nest' has no attribute 'no_such_name'"):
        name_in("util.nest", "no_such_name")
    with pytest.raises(AttributeError, match="no attribute 'no_such_operation'"):
        name_in("ops.gen_math_ops", "no_such_operation")
