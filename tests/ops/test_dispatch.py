"""Classes that take over public functions."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.ops import dispatch, elementwise_dispatch

experimental = tf.experimental


class Masked(CompositeTensor):
    """Stands for what users define."""

    def __init__(self, values: Any, mask: Any) -> None:
        self.values = tf.convert_to_tensor(values)
        self.mask = tf.convert_to_tensor(mask)

    @property
    def _type_spec(self) -> Any:
        raise AssertionError("dispatch has no need of it")


class Plain:
    """Is no composite tensor."""


@pytest.fixture(name="registered")
def _registered() -> Iterator[Callable[[Any], Any]]:
    """Gives a function that notes a handler, which is unregistered after the test."""
    handlers: list[Any] = []

    def note(handler: Any) -> Any:
        handlers.append(handler)
        return handler

    yield note
    for handler in handlers:
        experimental.unregister_dispatch_for(handler)


def masked(*values: float) -> Masked:
    return Masked(list(values), [True] * len(values))


def test_a_function_of_one_tensor(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_api(tf.reduce_sum)
    def masked_sum(input_tensor: Masked, axis: Any = None, keepdims: bool = False) -> Any:
        return "sum", axis, keepdims

    assert tf.reduce_sum(masked(1.0)) == ("sum", None, False)
    assert tf.reduce_sum(masked(1.0), 0, keepdims=True) == ("sum", 0, True)
    assert tf.reduce_sum(input_tensor=masked(1.0), name="total") == ("sum", None, False)
    assert tf.reduce_sum([1, 2]).numpy() == 3
    with pytest.raises(ValueError, match="Attempt to convert a value"):
        tf.reduce_max(masked(1.0))


def test_lists(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_api(tf.concat, {"values": typing.List[Masked]})  # noqa: UP006 - as TensorFlow's guide has it
    def masked_concat(values: Any, axis: Any) -> Any:
        return Masked(tf.concat([one.values for one in values], axis), tf.concat([one.mask for one in values], axis))

    result = tf.concat([masked(1.0, 2.0), masked(3.0)], 0)
    assert result.values.numpy().tolist() == [1.0, 2.0, 3.0]
    assert tf.concat((masked(1.0), masked(3.0)), axis=0, name="joined").values.numpy().tolist() == [1.0, 3.0]
    assert tf.concat([[1.0], [2.0]], 0).numpy().tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="Attempt to convert"):
        tf.concat([masked(1.0), tf.ones(1)], 0)


def test_iterators_of_operands(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_api(tf.add_n, {"inputs": list[Masked]})
    def masked_sum(inputs: Any) -> Any:
        return [one.values.numpy().tolist() for one in inputs]

    assert tf.add_n(one for one in [masked(1.0), masked(2.0)]) == [[1.0], [2.0]]
    assert tf.add_n([tf.ones(2), tf.ones(2)]).numpy().tolist() == [2.0, 2.0]


def test_every_signature_must_fit_wholly(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_api(tf.add, {"x": Masked, "y": Masked | tf.Tensor}, {1: Masked})
    def masked_add(x: Any, y: Any, name: Any = None) -> Any:
        return type(x).__name__, type(y).__name__, name

    assert tf.add(masked(1.0), masked(1.0)) == ("Masked", "Masked", None)
    assert tf.add(masked(1.0), tf.ones(1), name="n") == ("Masked", "EagerTensor", "n")
    assert tf.add(1.0, y=masked(1.0)) == ("float", "Masked", None)
    with pytest.raises(ValueError, match="Attempt to convert"):
        tf.add(masked(1.0), 1.0)


def test_a_function_that_was_imported_before(registered: Callable[[Any], Any]) -> None:
    early = tf.reshape

    @registered
    @experimental.dispatch_for_api(tf.reshape, {"tensor": Masked})
    def masked_reshape(tensor: Any, shape: Any) -> Any:
        return "reshaped", shape

    assert early(masked(1.0), [1, 1]) == ("reshaped", [1, 1])
    assert early is tf.reshape
    assert list(inspect.signature(early).parameters) == ["tensor", "shape", "name"]


def test_unary_functions(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_unary_elementwise_apis(Masked)
    def of_masked(function: Any, x: Any) -> Any:
        return Masked(function(x.values), x.mask)

    for function, expected in (
        (tf.abs, [1.0, 2.0]),
        (tf.negative, [-1.0, 2.0]),
        (tf.nn.relu, [1.0, 0.0]),
        (tf.nn.relu6, [1.0, 0.0]),
        (lambda x: tf.cast(x, tf.int32), [1, -2]),
        (lambda x: tf.clip_by_value(x, -1.0, clip_value_max=0.5, name="clipped"), [0.5, -1.0]),
        (lambda x: tf.nn.leaky_relu(x, alpha=0.5), [1.0, -1.0]),
        (lambda x: tf.ones_like(x, dtype=tf.int32), [1, 1]),
        (lambda x: tf.strings.as_string(x, precision=1), [b"1.0", b"-2.0"]),
    ):
        assert function(masked(1.0, -2.0)).values.numpy().tolist() == expected
    assert tf.abs(-1).numpy() == 1


def test_binary_functions_and_operators(registered: Callable[[Any], Any]) -> None:
    def values(x: Any) -> Any:
        return x.values if isinstance(x, Masked) else x

    def of_masked(function: Any, x: Any, y: Any) -> Any:
        return Masked(function(values(x), values(y)), [])

    anything = tf.Tensor | int | float
    registered(experimental.dispatch_for_binary_elementwise_apis(Masked, Masked | anything)(of_masked))
    experimental.dispatch_for_binary_elementwise_apis(anything, Masked)(of_masked)
    tensor, other = tf.constant([6.0, 4.0]), masked(3.0, 2.0)
    for result, expected in (
        (tf.add(other, other), [6.0, 4.0]),
        (tf.multiply(2, other, name="twice"), [6.0, 4.0]),
        (tf.pow(other, 2.0), [9.0, 4.0]),
        (tensor + other, [9.0, 6.0]),
        (tensor - other, [3.0, 2.0]),
        (tensor * other, [18.0, 8.0]),
        (tensor / other, [2.0, 2.0]),
        (tensor // other, [2.0, 2.0]),
        (tensor % other, [0.0, 0.0]),
        (tensor**other, [216.0, 16.0]),
        (tensor < other, [False, False]),
        (tensor == other, [False, False]),
        (tensor != other, [True, True]),
        (tf.constant([True, False]) & Masked([True, True], []), [True, False]),
        (tf.math.squared_difference(tensor, other), [9.0, 4.0]),
    ):
        assert result.values.numpy().tolist() == expected


def test_assertions(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_binary_elementwise_assert_apis(Masked, Masked)
    def of_masked(function: Any, x: Any, y: Any) -> None:
        function(x.values, y.values)

    tf.debugging.assert_equal(masked(1.0), masked(1.0))
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.debugging.assert_greater(masked(1.0), masked(1.0), message="not greater")


def test_the_same_in_a_function_and_in_a_graph(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_unary_elementwise_apis(Masked)
    def of_masked(function: Any, x: Any) -> Any:
        return Masked(function(x.values), x.mask)

    @tf.function
    def step(x: Any) -> Any:
        return tf.square(Masked(x, True)).values

    assert step(tf.constant([3.0])).numpy().tolist() == [9.0]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        result = tf.exp(Masked([0.0], True), name="grown")
        assert result.values.name == "grown/Exp:0"
        assert session.run(result.values).tolist() == [1.0]


def test_unregistering() -> None:
    @experimental.dispatch_for_api(tf.floor)
    def masked_floor(x: Masked) -> Any:
        return "floor"

    assert tf.floor(masked(1.5)) == "floor"
    experimental.unregister_dispatch_for(masked_floor)
    with pytest.raises(ValueError, match="Attempt to convert"):
        tf.floor(masked(1.5))
    with pytest.raises(ValueError, match="was not registered using a `@dispatch_for_\\*` decorator"):
        experimental.unregister_dispatch_for(masked_floor)


def test_two_handlers_for_one_call(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_api(tf.floor, {"x": Masked})
    def first(x: Any) -> Any:
        return 1

    @registered
    @experimental.dispatch_for_api(tf.floor, {"x": CompositeTensor})
    def second(x: Any) -> Any:
        return 2

    with pytest.raises(ValueError, match="Multiple dispatch targets"):
        tf.floor(masked(1.5))
    assert tf.floor(1.5).numpy() == 1.0


def test_a_handler_that_declines(registered: Callable[[Any], Any]) -> None:
    @registered
    @experimental.dispatch_for_api(tf.rank, {"input": Masked})
    def declined(input: Any) -> Any:
        return NotImplemented

    with pytest.raises(ValueError, match="Attempt to convert"):
        tf.rank(masked(1.5))


def test_what_cannot_be_registered() -> None:
    with pytest.raises(ValueError, match="does not support dispatch"):
        experimental.dispatch_for_api(tf.function)
    with pytest.raises(ValueError, match="does not support dispatch"):
        experimental.dispatch_for_api(tf.Variable)
    with pytest.raises(ValueError, match="unknown parameter 'z'"):
        experimental.dispatch_for_api(tf.add, {"z": Masked})
    with pytest.raises(TypeError, match="signatures must be dictionaries"):
        experimental.dispatch_for_api(tf.add, Masked)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is not currently supported by dispatch"):
        experimental.dispatch_for_api(tf.add, {"x": dict[str, Masked]})
    with pytest.raises(ValueError, match="does not match API's signature"):
        experimental.dispatch_for_api(tf.add, {"x": Masked})(lambda x, z: x)
    with pytest.raises(TypeError, match="Expected dispatch_target to be callable"):
        experimental.dispatch_for_api(tf.add, {"x": Masked})(3)
    with pytest.raises(ValueError, match="at least one signature"):
        experimental.dispatch_for_api(tf.add)(lambda x, y: x)
    handler = experimental.dispatch_for_unary_elementwise_apis(Masked)(lambda function, x: x)
    with pytest.raises(ValueError, match="has already been registered"):
        experimental.dispatch_for_unary_elementwise_apis(Masked)(lambda function, x: x)
    experimental.unregister_dispatch_for(handler)


def test_functions_of_users(registered: Callable[[Any], Any]) -> None:
    @dispatch.add_dispatch_support
    def double(x: Any, *, times: int = 2) -> Any:
        return x * times

    @elementwise_dispatch.register_unary_elementwise_api
    @dispatch.add_dispatch_support
    def triple(x: Any) -> Any:
        return x * 3

    @registered
    @experimental.dispatch_for_api(double, {"x": Masked})
    def masked_double(x: Any, *, times: int = 2) -> Any:
        return double(x.values, times=times)

    @registered
    @experimental.dispatch_for_unary_elementwise_apis(Masked)
    def of_masked(function: Any, x: Any) -> Any:
        return function(x.values)

    assert double(4) == 8
    assert double(masked(2.0), times=5).numpy().tolist() == [10.0]
    assert triple(masked(2.0)).numpy().tolist() == [6.0]
    assert dispatch.type_based_dispatch_signatures_for(Masked)[double] == [{"x": Masked}]
    elementwise_dispatch._added[1].remove(triple)


def test_fallbacks_are_asked_where_the_function_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_global_dispatchers", [])

    class Everywhere(dispatch.GlobalOpDispatcher):
        def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
            if any(isinstance(item, Plain) for item in args):
                return op, len(args), kwargs
            return self.NOT_SUPPORTED

    Everywhere().register()
    assert tf.reduce_sum(Plain(), 1) == (tf.reduce_sum, 2, {})
    assert tf.nn.relu(Plain()) == (tf.nn.relu, 1, {})
    assert tf.math.bessel_i0(Plain()) == (tf.math.bessel_i0, 1, {})
    assert tf.ones(2) + Plain() == (tf.__operators__.add, 2, {})
    assert tf.ones(2) * Plain() == (tf.multiply, 2, {})
    assert tf.reduce_sum([1, 2]).numpy() == 3
    with pytest.raises(ValueError, match="Attempt to convert"):
        tf.reduce_sum(object())


def test_fallbacks_of_one_function() -> None:
    @dispatch.dispatch_for_types(tf.expand_dims, Plain)
    def expand_plain(input: Any, axis: Any) -> Any:
        return "expanded", axis

    assert tf.expand_dims(Plain(), 1) == ("expanded", 1)
    with pytest.raises(AssertionError, match="set to a non-default value"):
        tf.expand_dims(Plain(), 1, name="n")
    assert tf.expand_dims(np.ones(3), 0).shape == (1, 3)
    with pytest.raises(AssertionError, match="non-default arguments must be identical"):
        dispatch.dispatch_for_types(tf.expand_dims, Plain)(lambda input: input)


def test_class_methods_and_operators_of_other_classes_have_fallbacks() -> None:
    class Ours(dispatch.OpDispatcher):
        def handle(self, args: Any, kwargs: Any) -> Any:
            return ("ours", args[1:]) if any(isinstance(each, Plain) for each in args) else self.NOT_SUPPORTED

    class Borrower(Plain):
        __add__ = tf.Tensor.__add__
        __radd__ = tf.Tensor.__radd__
        __getitem__ = tf.Tensor.__getitem__
        __eq__ = tf.Tensor.__eq__  # type: ignore[assignment]

    plain = Borrower()
    functions = [tf.RaggedTensor.from_row_splits, tf.__operators__.add, tf.__operators__.getitem, tf.__operators__.eq]
    ours = Ours()
    for function in functions:
        ours.register(function)
    try:
        assert tf.RaggedTensor.from_row_splits(plain, [0, 1]) == ("ours", (plain, [0, 1]))
        assert plain + 1 == ("ours", (1,))
        assert (1 + plain)[0] == "ours"
        assert plain[2] == ("ours", (2,))
        assert (plain == 3) == ("ours", (3,))
        assert tf.RaggedTensor.from_row_splits([1.0, 2.0], [0, 2]).to_list() == [[1.0, 2.0]]
        assert (tf.constant([1, 2]) + 1).numpy().tolist() == [2, 3]
    finally:
        for function in functions:
            found = dispatch.dispatcher_of(function)
            assert found is not None
            found.fallbacks.remove(ours)


def test_a_function_that_is_taken_over_is_still_converted() -> None:
    @dispatch.add_dispatch_support
    def sign(x: Any) -> Any:
        if tf.reduce_sum(x) > 0:
            return tf.constant(1)
        return tf.constant(-1)

    class Ours(dispatch.OpDispatcher):
        def handle(self, args: Any, kwargs: Any) -> Any:
            return "ours" if isinstance(args[0], Plain) else self.NOT_SUPPORTED

    Ours().register(sign)

    @tf.function
    def both(x: Any) -> Any:
        assert sign(Plain()) == "ours"
        return sign(x)

    assert int(both(tf.constant([1.0, 2.0]))) == 1
    assert int(both(tf.constant([1.0, -2.0]))) == -1
