"""The functions of ``tf.layers`` follow from the classes."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

import tideflow.v1 as tf
from tideflow._src.layers.layer import snake_case
from tideflow._src.layers.signatures import layer_function, with_defaults

CLASSES = [
    value
    for value in vars(tf.layers).values()
    if isinstance(value, type) and issubclass(value, tf.layers.Layer) and value is not tf.layers.Layer
]


def parameters(function: Any) -> dict[str, Any]:
    return dict(inspect.signature(function).parameters)


@pytest.mark.parametrize("layer", CLASSES, ids=lambda layer: layer.__name__)
def test_a_function_takes_what_its_layer_takes(layer: Any) -> None:
    function = getattr(tf.layers, snake_case(layer.__name__))
    own, taken = parameters(layer), parameters(function)
    del own["kwargs"]
    assert next(iter(taken)) == "inputs"
    assert set(own) <= set(taken)
    assert ("reuse" in taken) == ("trainable" in own)
    if layer is not tf.layers.Flatten:  # TensorFlow's function has another default than its class
        assert all(taken[name].default is own[name].default for name in own)
    assert function.__doc__.startswith(layer.__doc__.splitlines()[0])
    assert pickle.loads(pickle.dumps(function)) is function


def test_the_arguments_of_windows_show_as_many_numbers_as_there_are_dimensions() -> None:
    assert parameters(tf.layers.Conv1D)["strides"].default == 1
    assert parameters(tf.layers.conv2d)["dilation_rate"].default == (1, 1)
    assert parameters(tf.layers.conv3d_transpose)["strides"].default == (1, 1, 1)


def test_renormalization_comes_last() -> None:
    names = list(parameters(tf.layers.batch_normalization))
    assert names[13:] == [
        "gamma_constraint", "training", "trainable", "name", "reuse", "renorm", "renorm_clipping", "renorm_momentum",
        "fused", "virtual_batch_size", "adjustment",
    ]  # fmt: skip


def test_wrong_arguments_name_the_function() -> None:
    with pytest.raises(TypeError, match=r"dense\(\): missing a required argument: 'units'"):
        tf.layers.dense(tf.zeros([2, 3]))
    with pytest.raises(TypeError, match=r"max_pooling2d\(\): got an unexpected keyword argument 'reuse'"):
        tf.layers.max_pooling2d(tf.zeros([1, 4, 4, 1]), 2, 2, reuse=True)


def test_arguments_reach_the_constructor_and_the_call() -> None:
    class TimesAndPlus(tf.layers.Layer):
        """Multiplies and adds."""

        def __init__(self, factor: Any, trainable: bool = True, name: Any = None, **kwargs: Any) -> None:
            super().__init__(trainable, name, **kwargs)
            self.factor = factor

        def call(self, inputs: Any, offset: Any = 0.0) -> Any:
            return inputs * self.factor + offset

    times_and_plus = layer_function(TimesAndPlus)
    assert times_and_plus.__name__ == "times_and_plus"
    assert list(parameters(times_and_plus)) == ["inputs", "factor", "offset", "trainable", "name", "reuse"]
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(times_and_plus(tf.constant(3.0), 2.0, offset=1.0)) == 7.0
        assert session.run(times_and_plus(3.0, 2.0, 5.0)) == 11.0


def test_other_defaults_leave_the_function_as_it_was() -> None:
    def power(base: int, exponent: int = 2, times: int = 1) -> int:
        return times * base**exponent

    cube = with_defaults(power, exponent=3)
    assert (power(2), cube(2), cube(2, 4)) == (4, 8, 16)
    assert str(inspect.signature(cube)) == "(base: 'int', exponent: 'int' = 3, times: 'int' = 1) -> 'int'"
