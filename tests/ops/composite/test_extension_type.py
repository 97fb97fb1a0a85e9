"""Extension types: their fields, their specs, and functions, branches and loops that take and return them."""

from __future__ import annotations

import inspect
import pickle
import typing
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.ops.composite import extension_type

experimental = tf.experimental


class Masked(experimental.ExtensionType):
    values: tf.Tensor
    mask: tf.Tensor


class Mixed(experimental.ExtensionType):
    count: int
    ratio: float
    name: str
    sizes: typing.Tuple[int, ...]  # noqa: UP006 - as TensorFlow's guide has it
    tags: typing.Mapping[str, tf.Tensor]
    shape: tf.TensorShape
    kind: tf.DType
    extra: typing.Union[int, tf.Tensor, None] = None  # noqa: UP007
    masked: Masked = Masked([1], [True])


class Longer(Masked):
    extra: str = "e"

    def total(self) -> Any:
        return tf.reduce_sum(self.values)

    @tf.function
    def twice(self) -> Any:
        return self.values * 2


class Vector(experimental.ExtensionType):
    values: tf.Tensor

    def __init__(self, start: Any) -> None:
        self.values = start + 1

    def __validate__(self) -> None:
        self.values.shape.assert_has_rank(1)

    class Spec:
        def __init__(self, shape: Any) -> None:
            self.values = tf.TensorSpec(shape, tf.int32)

        @property
        def shape(self) -> Any:
            return self.values.shape


class Vehicle(experimental.BatchableExtensionType):
    speed: tf.Tensor
    mpg: tf.Tensor


class Scaled(experimental.BatchableExtensionType):
    values: tf.Tensor
    shape: tf.TensorShape


class Number(experimental.ExtensionType):
    value: int


def mixed(**changes: Any) -> Mixed:
    given: dict[str, Any] = {
        "count": 1,
        "ratio": 2.0,
        "name": "a",
        "sizes": [1, 2],
        "tags": {"b": 1.0, "a": [2]},
        "shape": [None, 3],
        "kind": "float32",
    }
    return Mixed(**{**given, **changes})


def test_text() -> None:
    assert repr(Masked([1, 2], [True, False])) == (
        "Masked(values=<tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>, "
        "mask=<tf.Tensor: shape=(2,), dtype=bool, numpy=array([ True, False])>)"
    )
    assert repr(mixed(extra=3)._type_spec) == (
        "Mixed.Spec(count=1, ratio=2.0, name='a', sizes=(1, 2), tags={'b': TensorSpec(shape=(), dtype=tf.float32, "
        "name=None), "
        "'a': TensorSpec(shape=(1,), dtype=tf.int32, name=None)}, shape=TensorShape([None, 3]), kind=tf.float32, "
        "extra=3, "
        "masked=Masked.Spec(values=TensorSpec(shape=(1,), dtype=tf.int32, name=None), "
        "mask=TensorSpec(shape=(1,), dtype=tf.bool, name=None)))"
    )
    assert "tags=ImmutableDict({'b': <tf.Tensor: shape=(), dtype=float32, numpy=1.0>" in repr(mixed())


def test_fields_are_converted() -> None:
    value = mixed()
    assert value.sizes == (1, 2)
    assert value.shape == tf.TensorShape([None, 3])
    assert value.kind is tf.float32
    assert value.extra is None
    assert value.tags["a"].numpy().tolist() == [2]
    assert mixed(extra=5).extra == 5
    assert mixed(extra="x").extra.numpy() == b"x"
    assert Masked(tf.Variable([1.0]), [True]).values.numpy().tolist() == [1.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 1.5}, "count: expected 'int', got 'float'"),
        ({"ratio": 2}, "ratio: expected 'float', got 'int'"),
        ({"sizes": [1, 2.0]}, r"sizes\[1\]: expected 'int', got 'float'"),
        ({"tags": {1: 1.0}}, r"tags\[<key>\]: expected 'str', got 'int'"),
        ({"tags": {"b": object()}}, r"tags\['b'\]: expected a Tensor, got 'object'"),
        ({"tags": 3}, "tags: expected mapping, got 'int'"),
        ({"shape": "x"}, "shape: expected 'tf.TensorShape', got 'str'"),
        ({"kind": "floatx"}, "kind: expected 'tf.DType', got 'str'"),
        ({"masked": 3}, "masked: expected 'Masked', got 'int'"),
        ({"unknown": 3}, "got an unexpected keyword argument 'unknown'"),
    ],
)
def test_fields_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        mixed(**changes)


def test_missing_arguments() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'mask'"):
        Masked([1])


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (list, "In field 'x': Unsupported type annotation 'list'"),
        (typing.List[int], r"In field 'x': Unsupported type annotation typing.List\[int\]"),  # noqa: UP006
        (typing.Mapping[tf.Tensor, int], "In field 'x': Mapping had a key 'Tensor' with type 'type'"),
    ],
)
def test_annotations_that_no_field_can_have(annotation: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        type("Wrong", (experimental.ExtensionType,), {"__annotations__": {"x": annotation}})


def test_classes_that_are_wrong() -> None:
    base = (experimental.ExtensionType,)
    with pytest.raises(ValueError, match="Field x is missing a type annotation"):
        type("Wrong", base, {"x": 3})
    with pytest.raises(ValueError, match="Field 'value_type' is reserved"):
        type("Wrong", base, {"__annotations__": {"value_type": int}})
    with pytest.raises(TypeError, match="default value for x: expected 'int', got 'str'"):
        type("Wrong", base, {"__annotations__": {"x": int}, "x": "a"})
    with pytest.raises(ValueError, match="Spec must be a nested class; got 3"):
        type("Wrong", base, {"__annotations__": {"x": int}, "Spec": 3})
    with pytest.raises(ValueError, match="defines a variable 'x' which shadows a field"):
        type("Wrong", base, {"__annotations__": {"x": int}, "Spec": type("Spec", (), {"x": 3})})
    with pytest.raises(ValueError, match="should only be defined for BatchableExtensionType"):
        type("Wrong", base, {"__annotations__": {"x": int}, "__batch_encoder__": 3})
    with pytest.raises(AssertionError, match="Cannot create an instance of ExtensionType"):
        experimental.ExtensionType()


def test_nothing_changes() -> None:
    value = Masked([1], [True])
    with pytest.raises(
        AttributeError, match="Cannot mutate attribute `mask` outside the custom constructor of ExtensionType"
    ):
        value.mask = [False]
    with pytest.raises(AttributeError, match="Cannot mutate attribute `values`"):
        del value.values
    with pytest.raises(AttributeError, match="'Masked' object has no attribute 'other'"):
        value.other  # noqa: B018
    with pytest.raises(AttributeError, match="outside the custom constructor of ExtensionTypeSpec"):
        value._type_spec.mask = 3


def test_equality() -> None:
    value = Masked([1, 2], [True, False])
    assert (value == Masked([1, 2], [True, False])).numpy()
    assert not (value == Masked([1, 3], [True, False])).numpy()
    assert (value != Masked([1, 3], [True, False])).numpy()
    assert (value == Masked([1.0, 2.0], [True, False])) is False
    assert (value == 3) is False
    assert Number(1) == Number(1)
    assert Number(1) != Number(2)


def test_inheritance_and_methods() -> None:
    value = Longer([1, 2], [True, True])
    assert value.extra == "e"
    assert value.total().numpy() == 3
    assert value.twice().numpy().tolist() == [2, 4]
    assert list(inspect.signature(Longer).parameters) == ["values", "mask", "extra"]


def test_own_constructor_validation_and_spec() -> None:
    assert Vector(tf.constant([1])).values.numpy().tolist() == [2]
    assert Vector.Spec([3]).shape == [3]
    assert repr(Vector.Spec([3])) == "Vector.Spec(values=TensorSpec(shape=(3,), dtype=tf.int32, name=None))"
    with pytest.raises(ValueError, match="must have rank 1"):
        Vector(tf.constant(1))


def test_specs() -> None:
    value = Masked([1, 2], [True, False])
    spec = value._type_spec
    assert tf.type_spec_from_value(value) == spec
    assert hash(spec) == hash(Masked([3, 4], [True, False])._type_spec)
    assert spec.is_compatible_with(value)
    common = spec.most_specific_common_supertype([Masked([1], [True])._type_spec])
    assert common == Masked.Spec(tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.bool))
    assert spec.is_subtype_of(common)
    assert not common.is_subtype_of(spec)
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(TypeError, match="values: expected a TensorSpec, got 'int'"):
        Masked.Spec(3, 4)
    with pytest.raises(ValueError, match="more components are provided"):
        spec._from_components((1, 2, 3))


def test_functions() -> None:
    traces = []

    @tf.function
    def doubled(x: Any) -> Any:
        traces.append(x)
        return Masked(x.values * 2, x.mask), {"spec": x}

    first, second = doubled(Masked([1, 2], [True, False]))
    assert first.values.numpy().tolist() == [2, 4]
    assert second["spec"].mask.numpy().tolist() == [True, False]
    doubled(Masked([3, 4], [True, False]))
    assert len(traces) == 1

    @tf.function(input_signature=[Masked.Spec(tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.bool))])
    def values(x: Any) -> Any:
        return x.values

    assert values(Masked([1], [True])).numpy().tolist() == [1]
    with pytest.raises(TypeError, match=r"Can not cast TensorSpec\(shape=\(1,\), dtype=tf.float32"):
        values(Masked([1.0], [True]))


def test_what_is_no_tensor_belongs_to_the_spec() -> None:
    traces = []

    @tf.function
    def shape_of(x: Any) -> Any:
        traces.append(x.name)
        return tf.constant(x.shape.rank)

    assert shape_of(mixed()).numpy() == 2
    assert shape_of(mixed(name="b")).numpy() == 2
    assert shape_of(mixed(name="a")).numpy() == 2
    assert traces == ["a", "b"]


@pytest.mark.parametrize("inside", [False, True])
def test_branches_and_loops(inside: bool) -> None:
    def run(x: Any) -> Any:
        chosen = tf.cond(tf.reduce_sum(x.values) > 0, lambda: x, lambda: Masked(-x.values, x.mask))
        picked = tf.switch_case(tf.constant(1), [lambda: x, lambda: Masked(x.values + 10, x.mask)])
        _, looped = tf.while_loop(
            lambda i, _: i < 3, lambda i, one: (i + 1, Masked(one.values + 1, one.mask)), (tf.constant(0), x)
        )
        return chosen, picked, looped

    chosen, picked, looped = (tf.function(run) if inside else run)(Masked([-1, -2], [True, False]))
    assert chosen.values.numpy().tolist() == [1, 2]
    assert picked.values.numpy().tolist() == [9, 8]
    assert looped.values.numpy().tolist() == [2, 1]
    assert looped.mask.numpy().tolist() == [True, False]


def test_statements_of_python_over_extension_types() -> None:
    @tf.function
    def run(x: Any, turns: Any) -> Any:
        for _ in tf.range(turns):
            if tf.reduce_sum(x.values) > 10:
                x = Masked(x.values - 5, x.mask)
            else:
                x = Masked(x.values * 2, x.mask)
        return x

    assert run(Masked([1, 2], [True, False]), tf.constant(4)).values.numpy().tolist() == [-2, 6]


def test_loops_whose_shapes_change() -> None:
    @tf.function
    def run(x: Any) -> Any:
        spec = Masked.Spec(tf.TensorSpec([None], tf.int32), tf.TensorSpec([2], tf.bool))
        return tf.while_loop(
            lambda i, _: i < 3,
            lambda i, one: (i + 1, Masked(tf.concat([one.values, one.values], 0), one.mask)),
            (tf.constant(0), x),
            shape_invariants=(tf.TensorShape([]), spec),
        )[1]

    assert run(Masked([1, 2], [True, False])).values.numpy().tolist() == [1, 2] * 8


def test_rows() -> None:
    batch = Vehicle([120, 150, 80], [30, 40, 12])
    result = tf.map_fn(lambda one: one.speed * one.mpg, batch, fn_output_signature=tf.int32)
    assert result.numpy().tolist() == [3600, 6000, 960]
    signature = Vehicle.Spec(tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32))
    faster = tf.function(
        lambda batch: tf.map_fn(lambda one: Vehicle(one.speed + 1, one.mpg), batch, fn_output_signature=signature)
    )(batch)
    assert faster.speed.numpy().tolist() == [121, 151, 81]
    with pytest.raises(TypeError, match="map_fn can not consume"):
        tf.map_fn(lambda one: one.values, Masked([1], [True]), fn_output_signature=tf.int32)
    with pytest.raises(TypeError, match="map_fn can not generate"):
        tf.map_fn(lambda one: Masked(one, [True]), tf.constant([1]), fn_output_signature=Masked([1], [True])._type_spec)


def test_batches() -> None:
    spec = Scaled.Spec(tf.TensorSpec([2]), [2])
    assert repr(spec._batch(3)) == (
        "Scaled.Spec(values=TensorSpec(shape=(3, 2), dtype=tf.float32, name=None), shape=TensorShape([3, 2]))"
    )
    assert spec._batch(3)._unbatch() == spec
    assert [part.shape.as_list() for part in spec._flat_tensor_specs] == [[2]]


def test_an_encoder_of_its_own() -> None:
    class Encoder(experimental.ExtensionTypeBatchEncoder):
        def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
            return value.values + 1

        def decode(self, spec: Any, encoded_value: Any) -> Any:
            return Shifted(encoded_value - 1)

        def encoding_specs(self, spec: Any) -> Any:
            return spec.values

    class Shifted(experimental.BatchableExtensionType):
        values: tf.Tensor
        __batch_encoder__ = Encoder()

    signature = Shifted.Spec(tf.TensorSpec([], tf.int32))
    result = tf.map_fn(lambda one: Shifted(one.values * 2), Shifted([1, 2]), fn_output_signature=signature)
    assert result.values.numpy().tolist() == [2, 4]


def test_structures_gradients_and_identities() -> None:
    value = Masked([1.0, 2.0], [True, False])
    assert [part.dtype for part in tf.nest.flatten(value, expand_composites=True)] == [tf.float32, tf.bool]
    assert tf.nest.map_structure(tf.identity, value, expand_composites=True).values.numpy().tolist() == [1.0, 2.0]
    assert isinstance(tf.identity(value), Masked)
    with tf.GradientTape() as tape:
        tape.watch(value)
        loss = tf.reduce_sum(value.values**2 + tf.stop_gradient(value).values)
    assert tape.gradient(loss, value.values).numpy().tolist() == [2.0, 4.0]
    with tf.GradientTape() as tape:
        tape.watch(value.values)
        loss = tf.reduce_sum(value.values)
    with pytest.raises(ValueError, match="Type Masked is not supported as a gradient source"):
        tape.gradient(loss, value)
    for function in (tf.convert_to_tensor, lambda x: tf.add(x, 1), tf.reduce_sum):
        with pytest.raises(ValueError, match="Attempt to convert a value \\(Masked\\("):
            function(value)


def test_as_dict_and_reinterpret() -> None:
    assert experimental.extension_type.as_dict(Number(3)) == {"value": 3}
    anonymous = extension_type.reinterpret(Number(3), extension_type.AnonymousExtensionType)
    assert repr(anonymous) == "AnonymousExtensionType(value=3)"
    assert extension_type.reinterpret(anonymous, Number) == Number(3)
    assert anonymous._type_spec == extension_type.AnonymousExtensionTypeSpec(value=3)
    with pytest.raises(AttributeError, match="instances are immutable"):
        anonymous.value = 4
    with pytest.raises(ValueError, match=r"expects `value` to be a tf\.ExtensionType"):
        extension_type.reinterpret(3, Number)


def test_registered_by_name() -> None:
    from tideflow._src.core import type_spec

    class Named(experimental.ExtensionType):
        __name__ = "tests.Named"
        value: tf.Tensor

    assert type_spec.lookup("tests.Named.Spec") is Named.Spec
    assert type_spec.get_name(Named.Spec) == "tests.Named.Spec"
