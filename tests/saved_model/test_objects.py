"""SavedModels of objects: saved and loaded here, without TensorFlow."""

from __future__ import annotations

import gc
import os
import pathlib
import weakref

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.autodiff import rules
from tideflow._src.graph import protos
from tideflow._src.saved_model.files import parse_saved_model
from tideflow._src.saved_model.load import load_partial
from tideflow._src.saved_model.save import export_meta_graph, save_and_return_nodes

DATA = pathlib.Path(__file__).parent / "data"


class Scale(tf.Module):
    """Has a variable, two functions and a part."""

    def __init__(self, factor=3.0):
        super().__init__()
        self.factor = tf.Variable(factor, name="factor")
        self.part = tf.Module()
        self.part.offset = tf.Variable([1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, x):
        return self.factor * x

    @tf.function
    def shifted(self, x, times=1):
        return x * times + self.part.offset


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "model")


def test_an_object_comes_back_with_its_functions_and_variables(folder):
    module = Scale()
    module.shifted(tf.zeros([2]))
    module.shifted(tf.zeros([2]), times=2)
    tf.saved_model.save(module, folder)
    loaded = tf.saved_model.load(folder)
    assert loaded([1.0, 2.0]).numpy().tolist() == [3.0, 6.0]
    assert loaded.shifted(tf.ones([2]), times=2).numpy().tolist() == [3.0, 4.0]
    with pytest.raises(ValueError, match="Could not find matching concrete function to call loaded from"):
        loaded.shifted(tf.ones([2]), times=3)
    with pytest.raises(TypeError, match=r"Binding inputs to tf\.function failed"):
        loaded(tf.ones([2]), 1)
    with tf.GradientTape() as tape:
        y = loaded(tf.constant([2.0]))
    assert float(tape.gradient(y, loaded.factor)) == 2.0
    loaded.factor.assign(5.0)
    assert loaded.signatures["serving_default"](tf.constant([1.0]))["output_0"].numpy().tolist() == [5.0]
    assert float(module.factor) == 3.0
    assert sorted(os.listdir(folder)) == ["assets", "fingerprint.pb", "saved_model.pb", "variables"]


def test_a_checkpoint_restores_the_variables_of_a_saved_model(folder):
    tf.saved_model.save(Scale(7.0), folder)
    other = Scale()
    tf.train.Checkpoint(other).restore(f"{folder}/variables/variables").expect_partial()
    assert float(other.factor) == 7.0


@pytest.mark.parametrize(
    ("signatures", "message"),
    [
        (lambda module: module.shifted, "Expected a TensorFlow function for which to generate a signature"),
        (lambda module: {"a": 1}, "Only `tf.functions` with an input signature or concrete functions"),
        (lambda module: tf.function(lambda: {1: tf.ones([])}, input_signature=[]), "non-string key 1"),
        (lambda module: tf.function(lambda: [None], input_signature=[]), "Got a non-Tensor value None for key"),
    ],
    ids=["not traced", "no function", "key", "value"],
)
def test_wrong_signatures_are_refused(folder, signatures, message):
    module = Scale()
    with pytest.raises(ValueError, match=message):
        tf.saved_model.save(module, folder, signatures=signatures(module))


def test_what_cannot_be_saved_says_why(folder):
    with pytest.raises(ValueError, match="Expected an object of type `Trackable`"):
        tf.saved_model.save("text", folder)
    outside = tf.Variable(2.0)
    module = tf.Module()
    module.f = tf.function(lambda x: x * outside, input_signature=[tf.TensorSpec([])])
    with pytest.raises(AssertionError, match="references an 'untracked' resource"):
        tf.saved_model.save(module, folder)
    module.v = outside
    tf.saved_model.save(module, folder)
    module.signatures = {"a": 1}
    with pytest.raises(ValueError, match="has an attribute named 'signatures'"):
        tf.saved_model.save(module, folder)

    @tf.function
    def inside():
        tf.saved_model.save(tf.Module(), folder)

    with pytest.raises(AssertionError, match="not supported inside a traced"):
        inside()


def test_functions_that_were_not_traced_say_so_when_they_are_called(folder):
    tf.saved_model.save(Scale(), folder)
    with pytest.raises(ValueError, match="Found zero restored functions for caller function"):
        tf.saved_model.load(folder).shifted(tf.ones([2]))


def test_options_of_saving(folder):
    module = Scale()
    module.shifted(tf.zeros([2]))
    module.checked = tf.function(lambda x: tf.debugging.check_numerics(x, "no"), input_signature=[tf.TensorSpec([])])
    options = tf.saved_model.SaveOptions(
        save_debug_info=True,
        function_aliases={"shift": module.shifted},
        experimental_debug_stripper=True,
        experimental_variable_policy="save_variable_devices",
        extra_tags=["more"],
    )
    tf.saved_model.save(module, folder, options=options)
    (graph,) = parse_saved_model(folder).meta_graphs
    assert list(graph.meta_info_def.tags) == ["serve", "more"]
    assert "CheckNumerics" not in {
        node.op for function in graph.graph_def.library.function for node in function.node_def
    }
    assert all(node.variable.device for node in graph.object_graph_def.nodes if node.HasField("variable"))
    how = tf.saved_model.LoadOptions(experimental_load_function_aliases=True)
    loaded = tf.saved_model.load(folder, tags=["serve", "more"], options=how)
    assert loaded.function_aliases["shift"] is loaded.shifted
    assert any("test_objects.py" in name for name in loaded.graph_debug_info.files)
    assert any(key.startswith("mul") for key in loaded.graph_debug_info.traces)
    with pytest.raises(ValueError, match="Got an incompatible argument to `tags`"):
        tf.saved_model.load(folder, tags="serve")
    with pytest.raises(ValueError, match="VariablePolicy"):
        tf.saved_model.SaveOptions(experimental_variable_policy="none at all")
    with pytest.raises(TypeError, match="`namespace_whitelist` must be a list"):
        tf.saved_model.SaveOptions(namespace_whitelist="a")


def test_options_of_loading(folder):
    tf.saved_model.save(Scale(), folder)
    how = tf.saved_model.LoadOptions(experimental_skip_checkpoint=True)
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.saved_model.load(folder, options=how)([1.0])
    for name in os.listdir(f"{folder}/variables"):
        os.unlink(f"{folder}/variables/{name}")
    with pytest.raises(FileNotFoundError):
        tf.saved_model.load(folder)


def test_parts_of_a_saved_model_are_loaded(folder):
    tf.saved_model.save(Scale(), folder)
    found = load_partial(folder, ["root.part", "root.part.offset"])
    assert found["root.part"].offset is found["root.part.offset"]
    assert found["root.part.offset"].numpy().tolist() == [1.0, 2.0]
    own = tf.Variable([0.0, 0.0])
    assert load_partial(folder, {"root.part.offset": own})["root.part.offset"] is own
    assert own.numpy().tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"Unable to find node root.nothing"):
        load_partial(folder, ["root.nothing"])
    with pytest.raises(ValueError, match="does not include all required objects"):
        load_partial(folder, ["root.__call__"])


def test_the_nodes_and_the_meta_graph_of_a_saved_model(folder, tmp_path):
    module = Scale()
    nodes, paths = save_and_return_nodes(module, folder, experimental_skip_checkpoint=True)
    assert nodes[0] is module and paths[module] == ()
    assert [each.name for each in paths[module.part.offset]] == ["part", "offset"]
    assert paths[module.part.offset][0].ref is module.part
    assert os.listdir(f"{folder}/variables") == []
    export_meta_graph(module, str(tmp_path / "graph"))
    message = protos.get("MetaGraphDef").FromString((tmp_path / "graph").read_bytes())
    assert "serving_default" in message.signature_def


def test_the_fingerprint_tells_saved_models_apart(tmp_path):
    prints = []
    for number, factor in enumerate((1.0, 1.0, 2.0)):
        tf.saved_model.save(Scale(factor), str(tmp_path / str(number)))
        prints.append(tf.saved_model.experimental.read_fingerprint(str(tmp_path / str(number))))
    assert prints[0].checkpoint_hash == prints[1].checkpoint_hash != prints[2].checkpoint_hash
    assert prints[0].saved_model_checksum and prints[0].singleprint().count("/") == 3
    with pytest.raises(FileNotFoundError, match="SavedModel Fingerprint Error"):
        tf.saved_model.experimental.read_fingerprint(str(tmp_path))


def test_resources_of_the_users_own_are_made_anew(folder):
    class Counter(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="counter")

        def _initialize(self):
            tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=tf.constant(4.0))

    module = tf.Module()
    module.counter = Counter()
    module.read = tf.function(
        lambda: tf.raw_ops.ReadVariableOp(resource=module.counter.resource_handle, dtype=tf.float32),
        input_signature=[],
    )
    tf.saved_model.save(module, folder)
    assert float(tf.saved_model.load(folder).read()) == 4.0


def test_objects_are_loaded_into_a_graph(folder):
    tf.saved_model.save(Scale(), folder)
    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        loaded = v1.saved_model.load_v2(folder)
        y = loaded.signatures["serving_default"](tf.constant([2.0]))["output_0"]
        session.run(v1.global_variables_initializer())
        assert session.run(y).tolist() == [6.0]


def test_optimizers_of_keras_2_come_back_with_their_slots():
    """TensorFlow 2.21 does not load it where the optimizer's class is missing."""
    loaded = tf.saved_model.load(str(DATA / "optimizer_with_slots"))
    np.testing.assert_allclose(loaded.f([1.0, 1.0]), [3.6, 4.6], rtol=1e-5)
    optimizer = loaded.opt
    assert optimizer.get_slot_names() == ["m", "v"]
    np.testing.assert_allclose(optimizer.get_slot(loaded.w, "m"), [0.19, 0.19], rtol=1e-5)
    np.testing.assert_allclose(optimizer.get_slot(loaded.b, "m"), 0.38, rtol=1e-5)
    assert int(optimizer.iter) == 2 and optimizer.get_slot(loaded.w, "none") is None


def test_python_functions_are_refused_unless_they_are_asked_for(folder):
    module = tf.Module()
    module.f = tf.function(lambda x: tf.numpy_function(np.cos, [x], tf.float32), input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, folder)
    with pytest.raises(tf.errors.PermissionDeniedError, match="calls a Python function"):
        tf.saved_model.load(folder)
    loaded = tf.saved_model.load(folder, options=tf.saved_model.LoadOptions(allow_python_functions=True))
    assert float(loaded.f(0.0)) == 1.0


def test_assets_stay_in_the_folder_of_the_saved_model(folder, tmp_path):
    (tmp_path / "words.txt").write_text("tide")
    module = tf.Module()
    module.asset = tf.saved_model.Asset(tmp_path / "words.txt")
    tf.saved_model.save(module, folder)
    assert (tmp_path / "model/assets/words.txt").read_text() == "tide"
    message = parse_saved_model(folder)
    message.meta_graphs[0].asset_file_def[0].filename = "../words.txt"
    (tmp_path / "model/saved_model.pb").write_bytes(message.SerializeToString())
    with pytest.raises(ValueError, match="outside of its folder"):
        tf.saved_model.load(folder)


def test_a_failure_leaves_the_older_saved_model_as_it_was(folder, tmp_path):
    tf.saved_model.save(Scale(), folder)
    module = Scale(8.0)
    module.asset = tf.saved_model.Asset(str(tmp_path / "missing.txt"))
    with pytest.raises(tf.errors.NotFoundError, match="missing"):
        tf.saved_model.save(module, folder)
    assert float(tf.saved_model.load(folder).factor) == 3.0
    assert sorted(os.listdir(folder)) == ["assets", "fingerprint.pb", "saved_model.pb", "variables"]


def test_an_unknown_operation_is_an_error_of_the_call_that_needs_it(folder):
    module = tf.Module()
    module.f = tf.function(lambda x: tf.nn.relu(x) + 1.0, input_signature=[tf.TensorSpec([None])])
    module.g = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, folder)
    path = os.path.join(folder, "saved_model.pb")
    with open(path, "rb") as file:
        message = protos.get("SavedModel").FromString(file.read())
    for function in message.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            node.op = "Fancy" if node.op == "Relu" else node.op
    with open(path, "wb") as file:
        file.write(message.SerializeToString())
    loaded = tf.saved_model.load(folder)
    assert loaded.g(tf.constant([1.0])).numpy().tolist() == [2.0]
    with pytest.raises(tf.errors.NotFoundError, match=r"Op type not registered 'Fancy', .*'Relu' of the function '.*'"):
        loaded.f(tf.constant([1.0]))


def _with_custom_gradient(folder):
    @tf.custom_gradient
    def square(x):
        return x * x, lambda dy: dy * 3.0

    module = tf.Module()
    module.f = tf.function(lambda x: square(x), input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, folder)


def _gradient(function):
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return float(tape.gradient(y, x))


def test_a_loaded_model_with_gradients_of_its_own_is_freed(folder):
    _with_custom_gradient(folder)
    before = len(rules.user_rules)
    for _ in range(3):
        loaded = tf.saved_model.load(folder)
        assert _gradient(loaded.f) == 3.0
        ended = weakref.ref(loaded)
        del loaded
        gc.collect()
        assert ended() is None
    assert len(rules.user_rules) == before


def test_a_function_that_calls_a_loaded_one_keeps_its_gradients(folder):
    _with_custom_gradient(folder)

    def made():
        loaded = tf.saved_model.load(folder)
        outer = tf.function(lambda x: loaded.f(x) + 1.0)
        return outer.get_concrete_function(tf.TensorSpec([]))

    function = made()
    gc.collect()
    assert _gradient(function) == 3.0


def test_signatures_of_a_loaded_function_are_all_shown(folder):
    module = tf.Module()
    module.f = tf.function(lambda x, y=3: x)
    module.f.get_concrete_function(tf.TensorSpec([None]))
    module.f.get_concrete_function(tf.TensorSpec([2], tf.int32), 4)
    tf.saved_model.save(module, folder)
    shown = tf.saved_model.load(folder).f.pretty_printed_concrete_signatures(verbose=False).splitlines()
    assert [line.partition(" -> ")[0] for line in shown] == [
        "(x: TensorSpec(shape=(None,), dtype=tf.float32, name='x'), y: Literal[3])",
        "(x: TensorSpec(shape=(2,), dtype=tf.int32, name='x'), y: Literal[4])",
    ]
