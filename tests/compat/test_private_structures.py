"""What other packages use of TensorFlow's private modules of structures, specs and composite tensors."""

from __future__ import annotations

import collections

import pytest

import tideflow as tf
from tideflow._src.compat.private import data_structures, structures
from tideflow._src.compat.private_names import private_module


def test_modules_have_them() -> None:
    for path, name in (
        ("python.util.nest", "_is_namedtuple"),
        ("python.util.nest", "map_structure_up_to"),
        ("python.util.dispatch", "dispatch_for_types"),
        ("python.data.util.nest", "flatten"),
        ("python.framework.type_spec_registry", "_NAME_TO_TYPE_SPEC"),
        ("python.framework.extension_type", "AnonymousExtensionType"),
        ("python.framework.errors", "InaccessibleTensorError"),
        ("__internal__.nest", "sequence_like"),
        ("__internal__.dispatch", "GlobalOpDispatcher"),
    ):
        assert getattr(private_module(path), name) is not None


def test_nodes() -> None:
    point = collections.namedtuple("point", "x y")(1, 2)
    assert structures._is_namedtuple(point, strict=True)
    assert not structures._is_namedtuple((1, 2))
    assert structures._is_nested_or_composite(tf.ragged.constant([[1]]))
    assert list(structures._yield_sorted_items({"b": 1, "a": 2})) == [("a", 2), ("b", 1)]
    assert list(structures._yield_value(point)) == [1, 2]
    assert structures.sequence_like((1, 2), [3, 4]) == (3, 4)


def test_structures_in_which_a_list_is_a_leaf() -> None:
    structure = {"b": [1, 2], "a": (3, [4])}
    assert data_structures.flatten(structure) == [3, [4], [1, 2]]
    assert not data_structures.is_nested([1])
    assert data_structures.map_structure(str, structure) == {"b": "[1, 2]", "a": ("3", "[4]")}
    assert data_structures.pack_sequence_as(structure, [1, 2, 3]) == {"a": (1, 2), "b": 3}
    assert data_structures.flatten_up_to({"b": 0, "a": 0}, structure) == [(3, [4]), [1, 2]]
    assert data_structures.map_structure_up_to((0, 0), len, ([1, 2], (3, [4]))) == (2, 2)
    with pytest.raises(TypeError, match="nested structure"):
        data_structures.assert_same_structure((1, 2), {"a": 1, "b": 2})


def test_composite_tensors() -> None:
    ragged = tf.ragged.constant([[1.0, 2.0]])
    values, splits = structures.replace_composites_with_components([ragged])[0]
    assert values.shape == [2] and splits.shape == [2]
    assert structures.convert_variables_to_tensors([tf.Variable(3.0)])[0].numpy() == 3.0
    assert structures.WithValuesCompositeTensorGradient().get_gradient_components(ragged) is ragged.values
