"""``tf.compat.v1.wrap_function``: code and graphs of 1.x as functions of 2.x."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.function.wrapped_function import UnliftableError, WrappedFunction, function_from_graph_def

v1 = tf.compat.v1


def layer(x: Any) -> dict[str, Any]:
    with v1.variable_scope("s"):
        k = v1.get_variable("k", [2, 2], initializer=v1.ones_initializer())
        b = v1.get_variable("b", [2], initializer=v1.zeros_initializer(), trainable=False)
    y = tf.identity(x @ k + b, name="y")
    z = tf.nn.relu(y, name="z")
    tf.group(b.assign_add([1.0, 1.0]), name="up")
    v1.add_to_collection("mine", z)
    return {"z": z}


@pytest.fixture
def wrapped() -> WrappedFunction:
    return v1.wrap_function(layer, [tf.TensorSpec([None, 2], tf.float32, name="x")])


def test_variables_are_created_once_and_kept() -> None:
    def count(x: Any, up: bool) -> Any:
        total = tf.Variable(5.0)
        change = total.assign_add(x) if up else total.assign_sub(x)
        with tf.control_dependencies([change]):
            return total.read_value()

    up = v1.wrap_function(count, [tf.TensorSpec((), tf.float32), True])
    down = v1.wrap_function(count, [tf.TensorSpec((), tf.float32), False])
    assert [float(up(1.0)), float(up(tf.constant(2.0))), float(down(1.0))] == [6.0, 8.0, 4.0]
    assert [float(variable) for variable in up.variables] == [8.0]
    with pytest.raises(ValueError, match="depends on an argument"):
        v1.wrap_function(tf.Variable, [tf.TensorSpec((), tf.float32)])


def test_what_nothing_waits_for_does_not_happen(wrapped: WrappedFunction) -> None:
    np.testing.assert_array_equal(wrapped(tf.ones([1, 2]))["z"], [[2, 2]])
    assert [variable.name for variable in wrapped.variables] == ["s/k:0", "s/b:0"]
    assert [variable.name for variable in wrapped.trainable_variables] == ["s/k:0"]
    np.testing.assert_array_equal(wrapped.variables[1], [0, 0])


def test_what_is_known_of_the_graph(wrapped: WrappedFunction) -> None:
    assert wrapped.inputs[0].name == "x:0"
    assert [tensor.name for tensor in wrapped.outputs] == ["z:0"]
    assert wrapped.graph.get_collection("mine") == wrapped.outputs
    variables = wrapped.graph.get_collection(v1.GraphKeys.GLOBAL_VARIABLES)
    assert [variable.name for variable in variables] == ["s/k:0", "s/b:0"]
    trainable = wrapped.graph.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES)
    assert [variable.name for variable in trainable] == ["s/k:0"]
    assert wrapped.output_shapes == {"z": [None, 2]}
    assert isinstance(wrapped, tf.types.experimental.ConcreteFunction)


def test_parts(wrapped: WrappedFunction) -> None:
    graph = wrapped.graph
    part = wrapped.prune("x:0", {"a": graph.get_tensor_by_name("y:0"), "b": graph.get_operation_by_name("up")})
    result = part(tf.constant([[1.0, -4.0]]))
    assert result["b"] is None
    np.testing.assert_array_equal(wrapped.variables[1], [1, 1])
    assert wrapped.prune([], "up")() is None
    np.testing.assert_array_equal(wrapped.variables[1], [2, 2])
    np.testing.assert_array_equal(wrapped.prune("y:0", "z:0")(tf.constant([[1.0, -1.0]])), [[1, 0]])
    np.testing.assert_array_equal(wrapped.prune(wrapped.inputs, wrapped.outputs)([[1.0, -1.0]])[0], [[2, 2]])
    again = part.prune("x:0", "y:0")
    np.testing.assert_array_equal(again(tf.zeros([1, 2])), [[2, 2]])


def test_parts_that_cannot_be_taken_out(wrapped: WrappedFunction) -> None:
    with pytest.raises(UnliftableError, match="placeholder 'x', which is not fed"):
        wrapped.prune([], "z:0")
    with pytest.raises(KeyError, match="nope"):
        wrapped.prune("x:0", "nope:0")
    with pytest.raises(ValueError, match="must be tensors"):
        wrapped.prune("x", "z:0")
    with pytest.raises(ValueError, match="is not an element of this graph"):
        wrapped.prune("x:0", tf.function(lambda: tf.constant(1.0)).get_concrete_function().outputs[0])


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_gradients_and_calls_inside_functions(
    wrapped: WrappedFunction, tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(wrapped.prune("x:0", "y:0")(x) ** 2)
    np.testing.assert_array_equal(tape.gradient(loss, wrapped.trainable_variables[0]), [[6, 6], [12, 12]])
    np.testing.assert_array_equal(tf.function(lambda x: wrapped(x)["z"] * 2.0)(x), [[6, 6]])


def test_arguments_that_are_no_single_tensor() -> None:
    spec = tf.SparseTensorSpec([2, 2], tf.float32)
    dense = v1.wrap_function(tf.sparse.to_dense, [spec])
    np.testing.assert_array_equal(dense(tf.sparse.from_dense(tf.eye(2))), np.eye(2))
    number = tf.TensorSpec([], tf.float32)
    total = v1.wrap_function(lambda pair: pair["x"] - pair["y"], [{"x": number, "y": number}])
    assert float(total({"x": tf.constant(3.0), "y": tf.constant(1.0)})) == 2.0
    assert float(total(tf.constant(3.0), tf.constant(1.0))) == 2.0
    with pytest.raises(TypeError, match="missing a required argument"):
        dense()


def test_a_frozen_graph() -> None:
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], name="x")
        v1.placeholder(tf.float32, [], name="unused")
        tf.add(x * 2.0, tf.constant(1.0), name="out")
    definition = graph.as_graph_def()

    def load() -> None:
        v1.import_graph_def(definition, name="")

    whole = v1.wrap_function(load, [])
    function = whole.prune(*tf.nest.map_structure(whole.graph.as_graph_element, ("x:0", {"out": "out:0"})))
    np.testing.assert_array_equal(function(tf.constant([1.0, 2.0]))["out"], [3, 5])
    np.testing.assert_array_equal(function_from_graph_def(definition, ["x:0"], "out:0")(tf.constant([1.0])), [3])
    known = function_from_graph_def(definition, [], "out:0", captures={"x": tf.constant([4.0])})
    np.testing.assert_array_equal(known(), [9])


@pytest.mark.parametrize("scope", ["", "inner"])
def test_variables_of_an_imported_graph_are_made_initialized_and_restored(scope: str, tmp_path: pathlib.Path) -> None:
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], name="x")
        factor, offset = tf.Variable(3.0, name="factor"), tf.Variable(tf.constant(7.0), name="offset")
        tf.add(x * factor, offset, name="y")
        saver = v1.train.Saver()
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            session.run(factor.assign(5.0))
            saver.save(session, str(tmp_path / "values"))
        v1.train.export_meta_graph(str(tmp_path / "graph"), graph=graph)

    def load() -> None:
        v1.train.import_meta_graph(str(tmp_path / "graph"), import_scope=scope or None)

    prefix = f"{scope}/" if scope else ""
    wrapped = v1.wrap_function(load, [])
    variables = sorted(wrapped.variables, key=lambda variable: variable.name)
    assert [variable.name for variable in variables] == [f"{prefix}factor:0", f"{prefix}offset:0"]
    assert all(variable.trainable for variable in variables)
    compute = wrapped.prune(f"{prefix}x:0", f"{prefix}y:0")
    # TensorFlow leaves them empty until they are restored.
    np.testing.assert_array_equal(compute(tf.constant(2.0)), 13.0)
    with tf.GradientTape() as tape:
        y = compute(tf.constant(2.0))
    np.testing.assert_array_equal(tape.gradient(y, variables), [2.0, 1.0])
    names = dict(zip(["factor", "offset"], variables, strict=True))
    v1.train.Saver(names).restore(None, str(tmp_path / "values"))
    np.testing.assert_array_equal(compute(tf.constant(2.0)), 17.0)


@pytest.mark.parametrize("scope", ["", "inner", "outer/inner/"])
def test_a_graph_is_imported_below_the_scopes_around(scope: str) -> None:
    with tf.Graph().as_default() as graph:
        tf.identity(tf.Variable(tf.constant(3.0), name="factor"), name="y")
        message = v1.train.export_meta_graph(graph=graph)

    def load() -> tf.Tensor:
        with tf.name_scope("outer"):
            v1.train.import_meta_graph(message, import_scope=scope or None)
        return tf.compat.v1.get_default_graph().get_tensor_by_name(f"{prefix}y:0")

    prefix = "outer/inner/" if scope else "outer/"
    wrapped = v1.wrap_function(load, [])
    assert [variable.name for variable in wrapped.variables] == [f"{prefix}factor:0"]
    np.testing.assert_array_equal(wrapped(), 3.0)


def test_a_graph_is_imported_twice() -> None:
    with tf.Graph().as_default() as graph:
        tf.identity(tf.Variable(tf.constant(3.0), name="factor"), name="y")
        message = v1.train.export_meta_graph(graph=graph)

    def load() -> list[tf.Tensor]:
        for _ in range(2):
            v1.train.import_meta_graph(message, import_scope="part")
        return [v1.get_default_graph().get_tensor_by_name(f"{scope}/y:0") for scope in ("part", "part_1")]

    wrapped = v1.wrap_function(load, [])
    assert [variable.name for variable in wrapped.variables] == ["part/factor:0", "part_1/factor:0"]
    wrapped.variables[1].assign(4.0)
    np.testing.assert_array_equal(wrapped(), [3.0, 4.0])


DATA = pathlib.Path(__file__).parent / "data"


@pytest.mark.parametrize("name", ["conds", "nested"])
def test_loops_made_of_frames(name: str) -> None:
    recorded = np.load(DATA / "loop_gradients.npz", allow_pickle=False)
    definition = v1.GraphDef.FromString(recorded[f"{name}/graph"].tobytes())
    assert any(node.op == "Enter" for node in definition.node)
    feeds = {key.split("/")[3]: recorded[key] for key in recorded.files if key.startswith(f"{name}/0/feed/")}
    names = [str(x) for x in recorded[f"{name}/xs"]]
    function = function_from_graph_def(definition, list(feeds), str(recorded[f"{name}/y"]))
    arguments = [tf.constant(value) for value in feeds.values()]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        y = function(*arguments)
    np.testing.assert_allclose(y, recorded[f"{name}/0/y"], rtol=1e-12)
    gradients = dict(zip(feeds, tape.gradient(y, arguments), strict=True))
    checked = [place for place, x in enumerate(names) if x in gradients]
    assert checked
    for place in checked:
        np.testing.assert_allclose(gradients[names[place]], recorded[f"{name}/0/gradient/{place}"], rtol=1e-9)
