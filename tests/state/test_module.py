"""``tf.Module``: names, and what it finds among its attributes. Orders are TensorFlow's."""

from __future__ import annotations

import copy
import pickle

import pytest

import tideflow as tf


class Linear(tf.Module):
    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        self.w = tf.Variable(tf.ones([inputs, outputs]), name="w")
        self.b = tf.Variable(tf.zeros([outputs]), name="b", trainable=False)

    @tf.Module.with_name_scope
    def __call__(self, x):
        if not hasattr(self, "c"):
            self.c = tf.Variable(1.0, name="c")
        return x @ self.w + self.b


class Perceptron(tf.Module):
    def __init__(self):
        super().__init__()
        self.layers = [Linear(2, 3), Linear(3, 1, name="last")]
        self.d = {
            "z": tf.Variable(1.0, name="z"),
            "a": [tf.Variable(2.0, name="a"), Linear(1, 1, "deep")],
        }
        self.alias = self.layers[0].w
        self.t = (1, 2, "x")


@pytest.fixture
def perceptron():
    module = Perceptron()
    module.layers[0](tf.zeros([1, 2]))
    return module


def names(items):
    return [item.name for item in items]


def test_names(perceptron):
    assert perceptron.name == "perceptron"
    assert perceptron.layers[0].name == "linear" and perceptron.layers[1].name == "last"
    assert perceptron.layers[0].name_scope.name == "linear/"
    made = [
        type(name, (tf.Module,), {})().name for name in ("MyHTTPServer", "A1B", "_Foo", "lower", "ResNet50V2", "ABC")
    ]
    assert made == ["my_http_server", "a1_b", "__foo", "lower", "res_net50_v2", "abc"]
    with tf.name_scope("outer"):
        inside = tf.Module(name="inside")
    assert (inside.name_scope.name, inside.name) == ("outer/inside/", "inside")
    with pytest.raises(ValueError, match="not a valid module name"):
        tf.Module(name="a b")


def test_variables_and_modules_are_found_in_order(perceptron):
    assert names(perceptron.variables) == ["w:0", "a:0", "z:0", "b:0", "w:0", "b:0", "linear/c:0", "b:0", "w:0"]
    assert names(perceptron.trainable_variables) == ["w:0", "a:0", "z:0", "w:0", "linear/c:0", "w:0"]
    assert names(perceptron.non_trainable_variables) == ["b:0", "b:0", "b:0"]
    assert names(perceptron.submodules) == ["deep", "linear", "last"]


def test_flatten_with_paths(perceptron):
    paths = [
        path for path, _ in perceptron._flatten(predicate=lambda item: isinstance(item, tf.Variable), with_path=True)
    ]
    assert paths == [
        ("alias",), ("d", "a", 0), ("d", "z"), ("d", "a", 1, "b"), ("d", "a", 1, "w"), ("layers", 0, "b"),
        ("layers", 0, "c"), ("layers", 0, "w"), ("layers", 1, "b"), ("layers", 1, "w"),
    ]  # fmt: skip
    own = list(perceptron._flatten(recursive=False, predicate=lambda item: isinstance(item, tf.Module)))
    assert names(own) == ["deep", "linear", "last"]


def test_modules_in_a_circle():
    one, two = tf.Module(name="one"), tf.Module(name="two")
    one.other, two.other = two, one
    two.v = tf.Variable(1.0, name="v")
    assert names(one.variables) == ["v:0"]
    assert names(one.submodules) == ["two"]


def test_an_attribute_that_cannot_be_taken_apart():
    module = tf.Module()
    module.mixed = {1: tf.Variable(1.0), "a": 2}
    with pytest.raises(ValueError, match="Error processing property 'mixed'"):
        module.variables  # noqa: B018


def test_without_the_constructor():
    class Careless(tf.Module):
        def __init__(self):
            self.v = tf.Variable(1.0)

    assert len(Careless().variables) == 1
    with pytest.raises(AttributeError, match="_name"):
        Careless().name  # noqa: B018


def test_copies(perceptron):
    copied = copy.deepcopy(perceptron)
    copied.alias.assign_add(tf.ones([2, 3]))
    assert perceptron.alias.numpy().tolist() == [[1.0] * 3] * 2
    assert copied.layers[0].w is copied.alias
    assert names(copied.variables) == names(perceptron.variables)
    read = pickle.loads(pickle.dumps(Linear(1, 1)))
    assert names(read.variables) == ["b:0", "w:0"] and read.name_scope.name == "linear/"


def test_methods_in_the_scope_of_their_module():
    class Scaled(tf.Module):
        @tf.Module.with_name_scope
        def build(self):
            """Makes the variable."""
            self.v = tf.Variable(1.0, name="v")
            return tf.Variable(1.0, name="v").name

    module = Scaled(name="mine")
    assert module.build() == "mine/v:0"
    assert module.build.__doc__ == "Makes the variable."


def test_attributes_are_tracked_and_structures_kept_in_wrappers():
    """As TensorFlow's: other packages ask for the wrappers and for what a module depends on."""
    module = tf.Module()
    module.pair, module.row, module.table = (tf.Module(), tf.Module()), [], {"a": tf.Module()}
    module.number, module.weight = 3, tf.Variable(1.0)
    names = [type(getattr(module, name)).__name__ for name in ("pair", "row", "table")]
    assert names == ["_TupleWrapper", "ListWrapper", "_DictWrapper"]
    assert sorted(module._trackable_children()) == ["pair", "row", "table", "weight"]
    module.row.append(tf.Variable(2.0))
    assert [float(variable) for variable in module.variables] == [2.0, 1.0]
    assert len(module.submodules) == 3
    assert len(copy.deepcopy(module).variables) == 2
    del module.row
    assert sorted(module._trackable_children()) == ["pair", "table", "weight"]


def test_attributes_to_ignore_hide_dependencies_too():
    class Hiding(tf.Module):
        _TF_MODULE_IGNORED_PROPERTIES = frozenset(["hidden"])

        def __init__(self):
            super().__init__()
            self.hidden, self.seen = tf.Variable(1.0, name="hidden"), [tf.Variable(2.0, name="seen")]

    assert [variable.name for variable in Hiding().variables] == ["seen:0"]
