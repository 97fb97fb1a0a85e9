"""Checks the optimizers of TensorFlow 1.x against what TensorFlow 2.21 gives, in graphs and eagerly."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf

#: The variables w and b after three steps, from TensorFlow 2.21.
RECORDED = {
    ("gd", False): ([[0.512, 1.024], [1.536, 2.048], [2.56, 3.072]], [0.1, 1.1]),
    ("mom", False): ([[0.062, 0.124], [0.186, 0.248], [0.31, 0.372]], [-0.683, 0.317]),
    ("nest", False): ([[-0.108, -0.217], [-0.325, -0.433], [-0.542, -0.65]], [-1.415, -0.415]),
    ("adam", False): ([[0.702, 1.701], [2.7, 3.7], [4.7, 5.7]], [0.7, 1.7]),
    ("adagrad", False): ([[0.782, 1.776], [2.775, 3.774], [4.773, 5.773]], [0.772, 1.772]),
    ("adadelta", False): ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1.0, 2.0]),
    ("rms", False): ([[0.387, 1.132], [2.035, 2.991], [3.968, 4.954]], [0.157, 1.157]),
    ("crms", False): ([[0.559, 1.364], [2.287, 3.252], [4.234, 5.222]], [0.379, 1.379]),
    ("ftrl", False): ([[0.637, 1.623], [2.62, 3.618], [4.617, 5.616]], [0.667, 1.562]),
    ("ftrl2", False): ([[0.619, 1.602], [2.598, 3.596], [4.595, 5.594]], [0.654, 1.535]),
    ("pgd", False): ([[0.488, 1.0], [1.512, 2.024], [2.536, 3.048]], [0.07, 1.07]),
    ("padagrad", False): ([[0.782, 1.776], [2.775, 3.774], [4.773, 5.773]], [0.772, 1.772]),
    ("gd", True): ([[0.216, 0.432], [3.0, 4.0], [2.56, 3.072]], [0.512, 1.024]),
    ("mom", True): ([[-0.54, -1.08], [3.0, 4.0], [0.31, 0.372]], [0.062, 0.124]),
    ("nest", True): ([[-0.433, -0.867], [3.0, 4.0], [-0.542, -0.65]], [-0.108, -0.217]),
    ("adam", True): ([[0.702, 1.701], [3.0, 4.0], [4.7, 5.7]], [0.702, 1.701]),
    ("adagrad", True): ([[0.781, 1.776], [3.0, 4.0], [4.773, 5.773]], [0.782, 1.776]),
    ("adadelta", True): ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1.0, 2.0]),
    ("rms", True): ([[0.203, 1.027], [3.0, 4.0], [3.968, 4.954]], [0.387, 1.132]),
    ("crms", True): ([[0.421, 1.282], [3.0, 4.0], [4.234, 5.222]], [0.559, 1.364]),
    ("ftrl", True): ([[0.707, 1.699], [3.0, 4.0], [4.617, 5.616]], [0.637, 1.623]),
    ("ftrl2", True): ([[0.698, 1.689], [3.0, 4.0], [4.595, 5.594]], [0.619, 1.602]),
    ("pgd", True): ([[0.196, 0.412], [3.0, 4.0], [2.536, 3.048]], [0.488, 1.0]),
    ("padagrad", True): ([[0.781, 1.776], [3.0, 4.0], [4.773, 5.773]], [0.782, 1.776]),
}


def build(*, use_resource: bool, sparse: bool):
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="w", use_resource=use_resource)
    b = tf.Variable([1.0, 2.0], name="b", use_resource=use_resource)
    return w, b, loss_of(w, b, sparse=sparse)


def loss_of(w, b, *, sparse: bool):
    if sparse:
        rows = tf.gather(w, tf.constant([0, 2, 0]))
        return tf.reduce_sum(rows * rows) + tf.reduce_sum(b * b)
    return tf.reduce_sum(w * w + b)


OPTIMIZERS = {
    "gd": lambda: tf.train.GradientDescentOptimizer(0.1),
    "mom": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "nest": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(0.1),
    "rms": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "crms": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "ftrl2": lambda: tf.train.FtrlOptimizer(0.1, l2_shrinkage_regularization_strength=0.1),
    "pgd": lambda: tf.train.ProximalGradientDescentOptimizer(0.1, l1_regularization_strength=0.1),
    "padagrad": lambda: tf.train.ProximalAdagradOptimizer(0.1),
}


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("use_resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_three_steps_in_a_graph(graph, name, use_resource, sparse) -> None:
    w, b, loss = build(use_resource=use_resource, sparse=sparse)
    step = OPTIMIZERS[name]().minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        found = session.run([w, b])
    check(found, name, sparse)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_three_steps_eagerly(name, sparse) -> None:
    w, b = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="w"), tf.Variable([1.0, 2.0], name="b")
    optimizer = OPTIMIZERS[name]()
    for _ in range(3):
        optimizer.minimize(lambda: loss_of(w, b, sparse=sparse))
    check([w.numpy(), b.numpy()], name, sparse)


def test_three_steps_compiled(graph, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    w, b, loss = build(use_resource=False, sparse=True)
    step = OPTIMIZERS["adam"]().minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        check(session.run([w, b]), "adam", True)


def check(found, name: str, sparse: bool) -> None:
    for have, want in zip(found, RECORDED[name, sparse], strict=True):
        np.testing.assert_allclose(have, want, atol=1e-3)


def test_nodes_of_adam(graph) -> None:
    w = tf.Variable([1.0], name="w", use_resource=False)
    operation = tf.train.AdamOptimizer().minimize(tf.reduce_sum(w * w))
    made = {op.name: op.type for op in graph.get_operations() if not op.name.startswith("gradients")}
    assert operation.name == "Adam"
    for name, kind in {
        "beta1_power": "VariableV2",
        "w/Adam/Initializer/zeros": "Const",
        "w/Adam": "VariableV2",
        "w/Adam_1/read": "Identity",
        "Adam/learning_rate": "Const",
        "Adam/update_w/ApplyAdam": "ApplyAdam",
        "Adam/mul": "Mul",
        "Adam/Assign_1": "Assign",
        "Adam": "NoOp",
    }.items():
        assert made[name] == kind
    assert graph.get_operation_by_name("w/Adam").get_attr("_class") == [b"loc:@w"]


def test_slots(graph) -> None:
    w = tf.Variable([1.0], name="w")
    optimizer = tf.train.AdamOptimizer()
    assert optimizer.get_slot_names() == []
    optimizer.minimize(tf.reduce_sum(w * w))
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "m").name == "w/Adam:0"
    assert optimizer.get_slot(w, "missing") is None
    assert [variable.name for variable in optimizer.variables()] == [
        "beta1_power:0",
        "beta2_power:0",
        "w/Adam:0",
        "w/Adam_1:0",
    ]
    assert optimizer.get_slot(w, "m") not in tf.trainable_variables()


def test_the_global_step_counts_updates(graph, tier) -> None:
    w = tf.Variable([1.0, 2.0])
    step = tf.train.create_global_step()
    train = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(w), global_step=step)
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP) == [train]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            session.run(train)
        assert tf.train.global_step(session, step) == 4
        assert session.run(w).tolist() == [-1.0, 0.0]


def test_rates_may_be_tensors_and_functions(graph) -> None:
    w = tf.Variable(1.0)
    rate = tf.placeholder(tf.float32, [])
    by_tensor = tf.train.GradientDescentOptimizer(rate).minimize(w)
    by_function = tf.train.GradientDescentOptimizer(lambda: 0.25).minimize(w)
    with tf.Session() as session:
        session.run(w.initializer)
        session.run(by_tensor, {rate: 0.5})
        assert session.run(w) == 0.5
        session.run(by_function)
        assert session.run(w) == 0.25


def test_constraints(graph) -> None:
    w = tf.Variable([3.0, -3.0], constraint=lambda value: tf.clip_by_value(value, 0.0, 1.0))
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w))
    with tf.Session() as session:
        session.run(w.initializer)
        session.run(train)
        assert session.run(w).tolist() == [1.0, 0.0]


def test_gradients_between_computing_and_applying(graph) -> None:
    w = tf.Variable([1.0, 1.0])
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(w * [10.0, -10.0]))
    train = optimizer.apply_gradients([(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs])
    with tf.Session() as session:
        session.run(w.initializer)
        session.run(train)
        assert session.run(w).tolist() == [0.0, 2.0]


def test_errors(graph) -> None:
    w = tf.Variable(1.0)
    fixed = tf.Variable(1.0, trainable=False)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.minimize(fixed * fixed)
    with pytest.raises(ValueError, match="No variables to optimize"):
        optimizer.minimize(w, var_list=[])
    with pytest.raises(ValueError, match="No variables provided"):
        optimizer.apply_gradients([])
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply_gradients([(None, w)])
    with pytest.raises(ValueError, match="Invalid type"):
        optimizer.minimize(tf.constant(1))
    with pytest.raises(ValueError, match="gate_gradients"):
        optimizer.compute_gradients(w, gate_gradients=7)
    with pytest.raises(NotImplementedError, match="Trying to update a Tensor"):
        optimizer.apply_gradients([(1.0, tf.constant(1.0))])
    with pytest.raises(ValueError, match="optimizer name"):
        tf.train.GradientDescentOptimizer(0.1, name="")
    with pytest.raises(ValueError, match="must be positive"):
        tf.train.AdagradOptimizer(0.1, -1.0)


def test_a_loss_that_is_no_function_eagerly() -> None:
    with pytest.raises(RuntimeError, match="should be a function"):
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))


def test_non_slot_variables_can_be_named_below_the_optimizer():
    with tf.Graph().as_default():
        weight = tf.Variable(1.0, use_resource=True)
        plain = tf.train.AdamOptimizer()
        plain.minimize(weight * 2.0)
        scoped = tf.train.AdamOptimizer(name="Own", use_own_namescope_for_non_slot_vars=True)
        scoped.minimize(weight * 2.0)
        names = [variable.op.name for variable in scoped.variables()]
        assert "Own/beta1_power" in names and "Own/beta2_power" in names
        assert "beta1_power" in [variable.op.name for variable in plain.variables()]
