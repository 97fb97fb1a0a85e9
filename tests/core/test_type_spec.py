"""Tests of ``TypeSpec`` and ``TensorSpec``; the expected values are TensorFlow 2.21's."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.tensor import Tensor, wrap
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import BoundedTensorSpec, TensorSpec
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec, type_spec_from_value


class Boxed(CompositeTensor):
    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def _type_spec(self) -> BoxedSpec:
        return BoxedSpec(self.tensor.shape, self.tensor.dtype)


class BoxedSpec(TypeSpec):
    def __init__(self, shape: Any, dtype: Any, extra: Any = None) -> None:
        self._shape, self._dtype, self._extra = TensorShape(shape), dtypes.as_dtype(dtype), extra

    value_type = property(lambda self: Boxed)  # type: ignore[assignment]
    _component_specs = property(lambda self: [TensorSpec(self._shape, self._dtype)])  # type: ignore[assignment]

    def _serialize(self) -> Any:
        return self._shape, self._dtype, self._extra

    def _to_components(self, value: Any) -> Any:
        return [value.tensor]

    def _from_components(self, components: Any) -> Any:
        return Boxed(components[0])


VECTOR = wrap(np.array([1.0, 2.0], np.float32))


def test_text() -> None:
    assert repr(TensorSpec([1, None], "int32", "n")) == "TensorSpec(shape=(1, None), dtype=tf.int32, name='n')"
    assert repr(TensorSpec(None)) == "TensorSpec(shape=<unknown>, dtype=tf.float32, name=None)"
    assert repr(BoxedSpec([1, None], "int32")) == "BoxedSpec(TensorShape([1, None]), tf.int32, None)"
    bounded = BoundedTensorSpec([2], "float32", 0, 1)
    assert repr(bounded) == (
        "BoundedTensorSpec(shape=(2,), dtype=tf.float32, name=None, "
        "minimum=array(0., dtype=float32), maximum=array(1., dtype=float32))"
    )


def test_from_tensor_and_from_spec() -> None:
    assert TensorSpec.from_tensor(VECTOR, name="q") == TensorSpec([2], "float32", "q")
    with pytest.raises(ValueError, match=r"should be a tf.Tensor, but got type <class 'list'>"):
        TensorSpec.from_tensor([1])
    assert TensorSpec.from_spec(TensorSpec([1], name="a"), name="b") == TensorSpec([1], name="b")
    assert TensorSpec.from_spec(TensorSpec([1], name="a")).name == "a"


def test_tensor_spec_refuses() -> None:
    with pytest.raises(TypeError):
        TensorSpec()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="type_value"):
        TensorSpec([2], "xx")


def test_compatibility_of_tensor_specs() -> None:
    assert TensorSpec([2]).is_compatible_with(VECTOR)
    assert TensorSpec([None]).is_compatible_with(TensorSpec([2]))
    assert not TensorSpec([3]).is_compatible_with(VECTOR)
    assert not TensorSpec([2], "int32").is_compatible_with(VECTOR)
    for value in ([1.0, 2.0], np.zeros(2, np.float32), None, "x"):
        assert not TensorSpec([2]).is_compatible_with(value)
    assert TensorSpec([2]).is_compatible_with(BoundedTensorSpec([2], "float32", 0, 1))


def test_subtypes_of_tensor_specs() -> None:
    assert TensorSpec([2]).is_subtype_of(TensorSpec([None]))
    assert not TensorSpec([None]).is_subtype_of(TensorSpec([2]))
    assert not TensorSpec([2], name="a").is_subtype_of(TensorSpec([2], name="b"))
    assert not TensorSpec([2], name="a").is_subtype_of(TensorSpec([2]))
    assert TensorSpec([2]).is_subtype_of(TensorSpec([2], name="a"))
    assert not TensorSpec([2]).is_subtype_of(3)


def test_common_supertype_of_tensor_specs() -> None:
    named = TensorSpec([2], name="a")
    assert TensorSpec([2]).most_specific_common_supertype([TensorSpec([3])]) == TensorSpec([None])
    assert named.most_specific_common_supertype([TensorSpec([3], name="a")]) == TensorSpec([None], name="a")
    assert named.most_specific_common_supertype([TensorSpec([2], name="b")]) is None
    assert TensorSpec([2]).most_specific_common_supertype([named]) is None
    assert TensorSpec([2]).most_specific_common_supertype([TensorSpec([2], "int32")]) is None
    for other in (TensorSpec([2], "int32"), 3):
        with pytest.raises(ValueError, match="No TypeSpec is compatible with both"):
            TensorSpec([2]).most_specific_compatible_type(other)


def test_equality_of_tensor_specs() -> None:
    assert TensorSpec([None]) == TensorSpec([None])
    assert TensorSpec([2]) != TensorSpec([2], name="a")
    assert hash(TensorSpec([2])) == hash(TensorSpec([2], name="a"))
    assert TensorSpec([2]) != 3
    assert pickle.loads(pickle.dumps(TensorSpec([2, None], "int8", "n"))) == TensorSpec([2, None], "int8", "n")


def test_protocol_of_tensor_specs() -> None:
    spec = TensorSpec([None, 3], name="a")
    assert spec.value_type is Tensor
    assert spec._component_specs is spec
    assert spec._flat_tensor_specs == [spec]
    assert spec._with_tensor_ranks_only() == TensorSpec([None, None], name="a")
    assert spec._without_tensor_names() == TensorSpec([None, 3])
    assert spec._batch(5) == TensorSpec([5, None, 3], name="a")
    assert spec._unbatch() == TensorSpec([3], name="a")
    assert (spec._to_legacy_output_types(), spec._to_legacy_output_shapes()) == (dtypes.float32, [None, 3])
    with pytest.raises(ValueError, match="rank >= 1"):
        TensorSpec([])._unbatch()
    with pytest.raises(ValueError, match="expects 1 items, but the provided tensor list has 2"):
        spec._from_tensor_list([1, 2])
    assert TensorSpec([2]).to_tensors(VECTOR) == [VECTOR]
    with pytest.raises(TypeError, match="Can not cast"):
        TensorSpec([3]).to_tensors(VECTOR)
    assert TensorSpec([2]).from_tensors(iter([VECTOR])) is VECTOR


def test_bounded_specs() -> None:
    spec = BoundedTensorSpec((2, 3), "float32", 0, [1, 2, 3], name="b")
    assert spec.maximum.tolist() == [1, 2, 3]
    assert not spec.minimum.flags.writeable
    assert spec == pickle.loads(pickle.dumps(spec))
    assert hash(spec) == hash(pickle.loads(pickle.dumps(spec)))
    assert spec != TensorSpec((2, 3), "float32", "b")
    assert TensorSpec((2, 3), "float32", "b") != spec
    assert spec != BoundedTensorSpec((2, 3), "float32", 0, [1, 2, 4], name="b")
    wider = BoundedTensorSpec([2], "float32", 0, 1).most_specific_common_supertype(
        [BoundedTensorSpec([3], "float32", 0, 1)]
    )
    assert wider == BoundedTensorSpec([None], "float32", 0, 1)
    from_dtype = BoundedTensorSpec.from_spec(TensorSpec([2], "int8", "n"))
    assert (int(from_dtype.minimum), int(from_dtype.maximum), from_dtype.name) == (-128, 127, "n")
    with pytest.raises(ValueError, match="`minimum` can not be None"):
        BoundedTensorSpec([2], "int32", None, 1)
    with pytest.raises(ValueError, match=r"`maximum` \[1, 2, 3\] is not compatible with shape \(2,\)"):
        BoundedTensorSpec([2], "int32", 0, [1, 2, 3])


def test_relations_of_a_composite_spec() -> None:
    spec = BoxedSpec([1], "int32", {"a": TensorShape([1])})
    same = BoxedSpec([1], "int32", {"a": TensorShape([1])})
    other = BoxedSpec([2], "int32", {"a": TensorShape([2])})
    wider = BoxedSpec([None], "int32", {"a": TensorShape([None])})
    assert spec == same
    assert hash(spec) == hash(same)
    assert spec != other
    assert spec.most_specific_common_supertype([other]) == wider
    assert spec.most_specific_compatible_type(other) == wider
    assert spec.is_subtype_of(wider)
    assert not wider.is_subtype_of(spec)
    assert wider.is_compatible_with(spec)
    assert not spec.is_compatible_with(other)
    assert spec.most_specific_common_supertype([BoxedSpec([1], "int64", {"a": TensorShape([1])})]) is None
    assert spec.most_specific_common_supertype([BoxedSpec([1], "int32", 4)]) is None
    assert spec.most_specific_common_supertype([TensorSpec([1], "int32")]) is None
    assert not spec.is_subtype_of(3)
    assert BoxedSpec([1], "int32", [1]) != BoxedSpec([1], "int32", (1,))
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert spec._with_tensor_ranks_only() == wider


def test_values_of_a_composite_spec() -> None:
    boxed = Boxed(VECTOR)
    spec = boxed._type_spec
    assert spec.is_compatible_with(boxed)
    assert not spec.is_compatible_with(3)
    assert spec._flat_tensor_specs == spec.flatten() == [TensorSpec([2])]
    assert spec._to_tensor_list(boxed) == [VECTOR]
    assert spec._from_tensor_list([VECTOR]).tensor is VECTOR
    assert spec.from_tensors(iter([VECTOR])).tensor is VECTOR
    with pytest.raises(ValueError, match="expects 1 items"):
        spec._from_tensor_list([VECTOR, VECTOR])
    with pytest.raises(ValueError, match=r"item 0 .* is incompatible"):
        BoxedSpec([3], "float32")._from_tensor_list([VECTOR])
    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        spec.is_compatible_with(object())


def test_without_tensor_names_reaches_inner_specs() -> None:
    spec = BoxedSpec([1], "int32", TensorSpec([2], name="q"))
    assert spec._without_tensor_names() == BoxedSpec([1], "int32", TensorSpec([2]))


def test_type_spec_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        TypeSpec()  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (VECTOR, TensorSpec([2])),
        (3, TensorSpec([], "int32")),
        (2**40, TensorSpec([], "int64")),
        (1.5, TensorSpec([])),
        (True, TensorSpec([], "bool")),
        ("a", TensorSpec([], "string")),
        (1j, TensorSpec([], "complex128")),
        (np.zeros(2), TensorSpec([2], "float64")),
        (np.float64(1), TensorSpec([], "float64")),
        (np.array(["a"]), TensorSpec([1], "string")),
        (Boxed(VECTOR), BoxedSpec([2], "float32")),
    ],
)
def test_spec_of_a_value(value: Any, expected: TypeSpec) -> None:
    assert type_spec_from_value(value) == expected


@pytest.mark.parametrize("value", [object(), TensorSpec([1])])
def test_spec_of_what_has_none(value: Any) -> None:
    with pytest.raises(TypeError, match="Could not build a TypeSpec for"):
        type_spec_from_value(value)


def test_registry() -> None:
    assert type_spec.lookup("tf.TensorSpec") is TensorSpec
    assert type_spec.get_name(TensorSpec) == "tf.TensorSpec"
    with pytest.raises(ValueError, match="No TypeSpec has been registered with name 'zz'"):
        type_spec.lookup("zz")
    with pytest.raises(ValueError, match="has not been registered"):
        type_spec.get_name(BoxedSpec)
    with pytest.raises(ValueError, match="already been registered"):
        type_spec.register("tests.Again")(TensorSpec)
    with pytest.raises(ValueError, match="already been registered"):
        type_spec.register("tf.TensorSpec")(BoxedSpec)
    with pytest.raises(ValueError, match="must have the form"):
        type_spec.register("nodot")
    with pytest.raises(TypeError, match="to be a TypeSpec"):
        type_spec.register("tests.NotASpec")(int)
