"""The public namespaces: what they hold, and what they say of names that they do not hold."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import types

import pytest

import tideflow
import tideflow.v0
import tideflow.v1

NAMESPACES = {"tideflow": tideflow, "tideflow.v1": tideflow.v1, "tideflow.v0": tideflow.v0}


@pytest.mark.parametrize("name", NAMESPACES)
def test_every_public_function_says_what_it_does(name):
    undocumented = []
    for module in (NAMESPACES[name], *_submodules(NAMESPACES[name])):
        for key, value in vars(module).items():
            if key.startswith("_") or not callable(value) or _is_of_others(value):
                continue
            if not (getattr(value, "__doc__", None) or "").strip():
                undocumented.append(f"{module.__name__}.{key}")
    assert undocumented == []


def _is_of_others(value):
    """Tells whether others wrote a public class or function: absl's flags, and the classes that protobuf makes."""
    return not str(getattr(value, "__module__", "tideflow")).startswith("tideflow") or hasattr(value, "DESCRIPTOR")


def _submodules(module):
    return [
        value
        for key, value in vars(module).items()
        if isinstance(value, types.ModuleType)
        and value.__name__.startswith("tideflow.")
        and "_src" not in value.__name__
        and not key.startswith("_")
        and key not in ("v1", "v0", "compat", "raw_ops")
    ]


@pytest.mark.parametrize(
    ("namespace", "name", "expected"),
    [
        ("tideflow", "log", "tf.log was removed in TensorFlow 2.0: use tf.math.log"),
        ("tideflow", "placeholder", "tf.compat.v1.placeholder"),
        ("tideflow", "mul", "tf.mul was removed in TensorFlow 1.0: use tf.multiply"),
        ("tideflow.v1", "pack", "tf.pack was removed in TensorFlow 1.0: use tf.stack"),
        ("tideflow.v1", "select", "use tf.where"),
        ("tideflow", "contrib", "tf.contrib was removed in TensorFlow 2.0"),
    ],
)
def test_a_removed_name_says_what_replaced_it(namespace, name, expected):
    with pytest.raises(AttributeError) as raised:
        getattr(NAMESPACES[namespace], name)
    assert expected in str(raised.value)


def test_an_unknown_name_is_an_ordinary_error():
    with pytest.raises(AttributeError, match="module 'tideflow' has no attribute 'nonsense'"):
        _ = tideflow.nonsense


def test_compat_modules_are_the_namespaces_themselves():
    import tideflow.compat.v1
    import tideflow.compat.v2

    assert tideflow.compat.v1 is tideflow.v1
    assert tideflow.v1.compat.v1 is tideflow.v1
    assert tideflow.compat.v2 is tideflow


def test_messages_of_the_1x_namespace():
    config = tideflow.v1.ConfigProto(allow_soft_placement=True, gpu_options=tideflow.v1.GPUOptions(allow_growth=True))
    assert config.gpu_options.allow_growth
    assert tideflow.v1.GraphDef().node == []


def test_raw_operations_are_called_with_keywords():
    assert tideflow.raw_ops.AddV2(x=1.0, y=2.0).numpy() == 3.0
    with pytest.raises(TypeError, match="only takes keyword args"):
        tideflow.raw_ops.AddV2(1.0, 2.0)
    with pytest.raises(AttributeError, match="NoSuchOp"):
        _ = tideflow.raw_ops.NoSuchOp
    assert "MatMul" in dir(tideflow.raw_ops)


def test_raw_operations_have_the_parameters_of_tensorflow():
    raw = tideflow.raw_ops
    assert [item.numpy().tolist() for item in raw.Split(axis=0, value=[1, 2], num_split=2)] == [[1], [2]]
    assert raw.Sum(input=[[1, 2], [3, 4]], axis=[0]).numpy().tolist() == [4, 6]
    assert raw.Squeeze(input=[[[1]]], axis=[0]).shape == (1, 1)
    assert raw.Select(condition=[True, False], x=[1, 2], y=[3, 4]).numpy().tolist() == [1, 4]
    assert raw.Where(condition=[False, True]).numpy().tolist() == [[1]]
    with pytest.raises(TypeError, match="missing required arguments: 'axis'"):
        raw.Split(split_dim=0, value=[1, 2], num_split=2)


def test_names_of_0x_have_their_old_meaning():
    tf = tideflow.v0
    with tf.Graph().as_default(), tf.Session() as session:
        joined = tf.concat(0, [[1, 2], [3]])
        assert session.run([tf.mul(2, 3), tf.sub(2, 3), joined[0], tf.pack([1, 2])[1]]) == [6, -1, 1, 2]
        assert session.run(tf.reduce_sum([[1, 2], [3, 4]], reduction_indices=1)).tolist() == [3, 7]


def test_functions_take_their_arguments_by_name():
    tf = tideflow
    assert tf.nn.relu(features=[-1.0, 2.0]).numpy().tolist() == [0.0, 2.0]
    assert abs(float(tf.atan2(y=1.0, x=1.0)) - 0.7853982) < 1e-6
    assert float(tf.math.igamma(a=1.0, x=0.0)) == 0.0
    assert tf.is_tensor(x=tf.constant(1))


@pytest.mark.parametrize("name", ["tideflow", "tideflow.v1"])
def test_random_functions_draw_tensors(name):
    random = NAMESPACES[name].random
    assert random.uniform([2], minval=1.0, maxval=2.0, seed=1).shape == [2]
    assert random.normal([3], mean=1.0, seed=1).shape == [3]
    assert random.truncated_normal([3], seed=1).shape == [3]
    assert random.gamma([3], 1.0, seed=1).shape == [3]
    assert random.stateless_uniform([2], seed=[1, 2]).shape == [2]
    assert random.stateless_normal([2], seed=[1, 2]).shape == [2]
    assert random.shuffle([1, 2, 3], seed=1).shape == [3]
    assert random.split([1, 2], num=3).shape == [3, 2]


def _of_a_new_process(source):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("statement", "graphs"),
    [
        ("import tideflow", False),
        ("import tideflow.compat.v1", False),
        ("import tideflow; tideflow.compat.v1.train.Saver", False),
        (
            "import tideflow.compat.v1 as tf; from tideflow.compat.v1.nn import rnn_cell; import tideflow.compat.v2",
            False,
        ),
        ("import tideflow; tideflow.install_as_tensorflow(); import tensorflow.compat.v1 as tf; tf.layers", False),
        ("import tideflow; tideflow.install_as_tensorflow('v1')", True),
        ("import tideflow.v1", True),
        ("import tideflow.v0", True),
        ("from tideflow import v1", True),
        ("from tideflow.v1.train import AdamOptimizer", True),
        ("import tideflow.compat.v1; import tideflow.v1", True),
    ],
)
def test_the_name_that_a_program_imports_says_how_it_behaves(statement, graphs):
    source = f"""
        {statement}
        import tideflow
        v1 = tideflow.compat.v1
        print(v1.executing_eagerly(), v1.resource_variables_enabled(), tideflow.TensorShape([2])[0] == 2)
        print(type(tideflow.TensorShape([2])[0]).__name__)
    """
    expected = ["False", "False", "True", "Dimension"] if graphs else ["True", "True", "True", "int"]
    assert _of_a_new_process(source) == expected


def test_importing_again_changes_nothing_again():
    source = """
        import tideflow.v1 as tf
        tf.enable_v2_behavior()
        import tideflow.v1
        from tideflow import v1
        print(tf.executing_eagerly(), v1 is tf is tideflow.compat.v1)
    """
    assert _of_a_new_process(source) == ["True", "True"]


@pytest.mark.parametrize(
    "name",
    [
        "cholesky",
        "cholesky_solve",
        "matrix_determinant",
        "matrix_inverse",
        "matrix_solve",
        "matrix_solve_ls",
        "matrix_triangular_solve",
        "self_adjoint_eig",
        "self_adjoint_eigvals",
        "svd",
    ],
)
def test_functions_of_matrices_take_batches_under_a_name_of_their_own_in_0x(name):
    assert getattr(tideflow.v0, f"batch_{name}") is getattr(tideflow.v0, name)


@pytest.mark.parametrize("name", ["tideflow", "tideflow.v1"])
def test_public_functions_are_pickled_by_name(name):
    lost = []
    for module in (NAMESPACES[name], *_submodules(NAMESPACES[name])):
        for key, value in vars(module).items():
            if isinstance(value, types.FunctionType) and not key.startswith("_") and not _is_of_others(value):
                try:
                    found = pickle.loads(pickle.dumps(value))
                except pickle.PicklingError:
                    found = None
                if found is not value:
                    lost.append(f"{module.__name__}.{key}")
    assert lost == []
