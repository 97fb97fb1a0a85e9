"""`import tensorflow` gives Tideflow, in the chosen dialect, and nothing else is shadowed."""

from __future__ import annotations

import pytest


def test_import_gives_tideflow(program):
    source = """
        import tideflow
        tideflow.install_as_tensorflow()
        import tensorflow as tf
        from tensorflow import constant
        assert tf.constant is tideflow.constant is constant
        assert tf.nn.relu is tideflow.nn.relu
        assert set(dir(tideflow)) <= set(dir(tf))
        print(tf.__name__, tf.__version__)
    """
    assert program(source) == "tensorflow 2.21.0"


def test_submodules_are_tideflows_own(program):
    source = """
        import sys, tideflow
        tideflow.install_as_tensorflow()
        import tensorflow.compat.v1 as tf1
        import tensorflow.compat.v2 as tf2
        import tensorflow.nn
        from tensorflow.compat import v1
        from tensorflow.nn import relu
        import tideflow.compat.v1
        assert tf1 is v1 is tideflow.compat.v1
        assert tf1.__name__.startswith("tideflow") and tf1.__spec__.name.startswith("tideflow")
        assert tf2.constant is tideflow.constant
        assert sys.modules["tensorflow.nn"] is tideflow.nn and relu is tideflow.nn.relu
    """
    program(source)


@pytest.mark.parametrize(("dialect", "version"), [("v1", "1.15.5"), ("v0", "0.12.1")])
def test_older_dialects_run_graphs(program, dialect, version):
    source = f"""
        import tideflow
        tideflow.install_as_tensorflow("{dialect}")
        import tensorflow as tf
        import tideflow.{dialect}
        assert tf.Session is tideflow.{dialect}.Session
        product = tf.constant(6.0) * tf.constant(7.0)
        print(tf.__version__, tf.Session().run(product))
    """
    assert program(source) == f"{version} 42.0"


def test_compat_is_there_in_every_dialect(program):
    for dialect in ("v2", "v1", "v0"):
        source = f"""
            import tideflow
            tideflow.install_as_tensorflow("{dialect}")
            import tensorflow.compat.v1 as tf1
            import tensorflow.compat.v2 as tf2
            import tideflow.compat.v1
            assert tf1 is tideflow.compat.v1
            assert tf2.constant is tideflow.constant
        """
        program(source)


def test_private_modules_answer_with_public_names(program):
    source = """
        import tideflow
        tideflow.install_as_tensorflow()
        from tensorflow.python.framework import dtypes, ops
        from tensorflow.python.framework.ops import Graph
        from tensorflow.python.ops.nn_ops import relu
        import tensorflow.python.ops.math_ops as math_ops
        from tensorflow.python.framework import errors_impl
        assert ops.Graph is Graph is tideflow.Graph
        assert dtypes.float32 is tideflow.float32
        assert relu is tideflow.nn.relu
        assert math_ops.matmul is tideflow.matmul
        assert errors_impl.NotFoundError is tideflow.errors.NotFoundError
        try:
            ops.no_such_name
        except AttributeError as error:
            print(error)
    """
    assert program(source).startswith(
        "module 'tensorflow.python.framework.ops' has no attribute 'no_such_name': Tideflow"
    )


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("import tensorflow.keras.no_such", "ModuleNotFoundError", "tensorflow.keras.no_such"),
        ("import tensorflow.contrib.slim", "ImportError", "tf.contrib was removed in TensorFlow 2.0"),
        ("from tensorflow.examples.tutorials.mnist import input_data", "ImportError", "`python -m tideflow --v1`"),
        ("import tensorflow.constant", "ModuleNotFoundError", "it is a function"),
        ("import tensorflow.nothing", "ModuleNotFoundError", "'tensorflow.nothing' (tensorflow is Tideflow)"),
        ("from tensorflow import nothing", "ImportError", "cannot import name 'nothing'"),
        ("import tensorflow as tf; tf.nothing", "AttributeError", "has no attribute 'nothing'"),
        ("import tensorflow.python.no_such", "ModuleNotFoundError", "Use the public name instead"),
    ],
)
def test_a_name_that_is_not_there_says_why(program, statement, error, message):
    source = f"""
        import tideflow
        tideflow.install_as_tensorflow()
        try:
            {statement}
        except Exception as error:
            print(type(error).__name__, error)
    """
    printed = program(source)
    assert printed.split()[0] == error
    assert message in printed


def test_installing_again_changes_nothing(program):
    source = """
        import sys, tideflow
        tideflow.install_as_tensorflow()
        import tensorflow as first
        finders = list(sys.meta_path)
        tideflow.install_as_tensorflow("v2")
        import tensorflow as second
        assert first is second and sys.meta_path == finders
    """
    program(source)


def test_another_dialect_is_an_error(program):
    source = """
        import tideflow
        tideflow.install_as_tensorflow("v2")
        try:
            tideflow.install_as_tensorflow("v1")
        except RuntimeError as error:
            print(error)
        import tensorflow as tf
        assert tf.executing_eagerly()
    """
    assert "already stands in for tensorflow in dialect 'v2'" in program(source)


def test_an_unknown_dialect_is_an_error(program):
    source = """
        import sys, tideflow
        try:
            tideflow.install_as_tensorflow("v3")
        except ValueError as error:
            print(error)
        assert "tensorflow" not in sys.modules
    """
    expected = "install_as_tensorflow: dialect must be one of 'v2', 'v1', 'v0', got 'v3'"
    assert program(source) == expected


def test_the_real_tensorflow_is_never_shadowed(program, tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("real = True\n")
    source = """
        import tensorflow, tideflow
        for dialect in ("v2", "v1"):
            try:
                tideflow.install_as_tensorflow(dialect)
            except ImportError as error:
                print(error)
        import tensorflow as again
        assert again is tensorflow and again.real and tideflow.executing_eagerly()
    """
    printed = program(source).splitlines()
    assert len(printed) == 2
    assert "this process has already imported another tensorflow" in printed[0]
    assert str(tmp_path) in printed[0]


def test_an_installed_tensorflow_that_is_not_yet_imported_gives_way(program, tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("real = True\n")
    source = """
        import tideflow
        tideflow.install_as_tensorflow()
        import tensorflow as tf
        assert not hasattr(tf, "real") and tf.constant is tideflow.constant
    """
    program(source)


def test_importlib_finds_the_alias(program):
    source = """
        import importlib, importlib.util, tideflow
        assert importlib.util.find_spec("tensorflow_of_someone_else") is None
        tideflow.install_as_tensorflow()
        assert importlib.util.find_spec("tensorflow").name == "tensorflow"
        assert importlib.util.find_spec("tensorflow.nn") is not None
        assert importlib.import_module("tensorflow.nn") is tideflow.nn
    """
    program(source)


def test_a_star_import_brings_the_public_names(program):
    source = """
        import tideflow
        tideflow.install_as_tensorflow()
        from tensorflow import *
        assert constant is tideflow.constant and float32 is tideflow.float32
    """
    program(source)
