"""Tests functions of TensorFlow's private modules that have no public name."""

from __future__ import annotations

import gc
import sys
import types
from typing import Any

import numpy as np
import pytest
from absl import logging

import tideflow as tf
import tideflow.v1 as tf1
from tideflow._src.compat import (
    decorators,
    deprecation,
    inspection,
    object_identity,
)
from tideflow._src.compat.private import general


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged as a warning."""
    found: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda message, *values: found.append(message % values))
    return found


def test_a_deprecated_function_warns_once(warnings: list[str]) -> None:
    @deprecation.deprecated("2030-01-01", "Use another.")
    def old(x: int) -> int:
        """Adds one."""
        return x + 1

    assert [old(1), old(2)] == [2, 3]
    assert old.__doc__ == "Adds one."
    assert len(warnings) == 1
    assert "removed after 2030-01-01.\nUse another." in warnings[0]
    with deprecation.silence():

        @deprecation.deprecated(None, "", warn_once=False)
        class Old:
            def __init__(self, x: int) -> None:
                self.x = x

        assert Old(3).x == 3
    assert len(warnings) == 1
    Old(4)
    Old(5)
    assert len(warnings) == 3


def test_deprecated_arguments_warn_when_they_are_given(warnings: list[str]) -> None:
    @deprecation.deprecated_args(None, "Use axis.", "dim", ("keep", None), warn_once=False)
    def function(x: int, axis: Any = None, dim: Any = None, keep: Any = None) -> Any:
        return axis or dim

    assert function(1, 2) == 2
    assert function(1, keep=None) is None
    assert warnings == []
    assert function(1, dim=3) == 3
    function(1, keep=True)
    assert len(warnings) == 2 and "with dim is deprecated" in warnings[0] and "with keep" in warnings[1]

    @deprecation.deprecated_arg_values("2030-01-01", "Leave it out.", old=True)
    def other(old: bool = False) -> bool:
        return old

    assert [other(), other(old=True), other(True)] == [False, True, True]
    assert len(warnings) == 3
    with pytest.raises(ValueError, match="not present in the function signature"):
        deprecation.deprecated_args(None, "", "nothing")(lambda x: x)


def test_an_argument_of_two_names() -> None:
    look_up = deprecation.deprecated_argument_lookup
    assert look_up("axis", None, "dim", 2) == 2
    assert look_up("axis", 1, "dim", None) == 1
    with pytest.raises(ValueError, match="Cannot specify both 'dim' and 'axis'"):
        look_up("axis", 1, "dim", 2)


def test_decorators_are_seen_through() -> None:
    def function(a: int, b: int = 2, *rest: int) -> int:
        """Adds."""
        return a + b

    inner = decorators.make_decorator(function, lambda *args, **kwargs: function(*args, **kwargs) + 1)
    outer = decorators.make_decorator(inner, lambda *args, **kwargs: inner(*args, **kwargs) * 10)
    assert outer(1) == 40
    assert decorators.unwrap(outer) == ([outer, inner], function)
    assert outer.__doc__ == "Adds."
    assert inspection.getfullargspec(outer).args == ["a", "b"]
    assert inspection.getargspec(outer) == (["a", "b"], "rest", None, (2,))
    with pytest.raises(ValueError, match="keyword-only"):
        inspection.getargspec(lambda *, x: x)

    @decorators.keras_export("keras.Thing", v1=["keras.Thing"])
    class Thing:
        pass

    assert Thing.__name__ == "Thing"


def test_objects_are_told_apart_by_identity() -> None:
    one, same = np.zeros(2), np.zeros(2)
    table = object_identity.ObjectIdentityDictionary()
    table[one] = "one"
    table[same] = "same"
    assert (table[one], table[same], len(table)) == ("one", "same", 2)
    del table[one]
    assert one not in table and [item is same for item in table] == [True]
    found = object_identity.ObjectIdentitySet([one, one, same])
    assert len(found) == 2 and one in found and np.zeros(2) not in found
    found.discard(one)
    assert one not in found
    assert object_identity.Reference(one).deref() is one
    assert object_identity.Reference(one) != object_identity.Reference(same)


def test_weak_keys_do_not_keep_objects() -> None:
    class Key:
        pass

    key, other = Key(), Key()
    table = object_identity.ObjectIdentityWeakKeyDictionary()
    table[key], table[other] = 1, 2
    found = object_identity.ObjectIdentityWeakSet([key, other])
    del other
    gc.collect()
    assert (len(table), len(found)) == (1, 1)
    assert list(found) == [key] and table[key] == 1


def test_what_is_on_is_told() -> None:
    assert general.enabled()
    assert general.is_tf_type(tf.constant(1)) and not general.is_tf_type(1)
    assert not general.is_op_determinism_enabled()
    assert general.constant_value(tf.constant([1, 2])).tolist() == [1, 2]
    with tf1.Graph().as_default():
        assert not tf.executing_eagerly()
        assert general.constant_value(tf1.placeholder(tf.float32)) is None
        with general.eager_mode():
            assert (tf.constant(1) + 1).numpy() == 2
        assert not tf.executing_eagerly()


def test_devices_are_listed_as_messages() -> None:
    devices = general.list_local_devices()
    assert (devices[0].name, devices[0].device_type) == ("/device:CPU:0", "CPU")


def test_the_names_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("some_module")
    module.x = module._y = 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_module", module)
    assert general.make_all("some_module") == ["x"]
    general.remove_undocumented("some_module")
    assert module.x == 1  # type: ignore[attr-defined]
