"""A function that can meet a tensor in any way runs converted, whatever its arguments are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.function.autograph.plainness import Names, is_plain


class Holder:
    """Holds what decides."""

    def __init__(self, value: Any = None) -> None:
        self.value = value


decides: Any = None
holder = Holder()


def by_global_name(x: int) -> Any:
    return x if decides > 0 else -x


def by_global_object(x: int) -> Any:
    return x if holder.value > 0 else -x


def by_other_function(x: int) -> Any:
    return x if given() > 0 else -x


def given() -> Any:
    return decides


def by_module(x: int) -> Any:
    return x if tf.identity(decides) > 0 else -x


def by_item(items: Any) -> Any:
    return 1 if items[0] > 0 else -1


def by_table(table: Any) -> Any:
    return 1 if table["a"]["b"] > 0 else -1


def by_attribute(item: Any) -> Any:
    return 1 if item.value > 0 else -1


def by_call(function: Any) -> Any:
    return 1 if function() > 0 else -1


def by_name_as_text(x: int) -> Any:
    return x if globals()["decides"] > 0 else -x


def by_evaluation(x: int) -> Any:
    return x if eval("decides") > 0 else -x


def by_comprehension(x: int) -> Any:
    return [x if decides > 0 else -x for _ in range(1)][0]  # noqa: RUF015 (a comprehension is what is tested)


def made_by_closure(value: Any) -> Any:
    def by_closure(x: int) -> Any:
        return x if value > 0 else -x

    return by_closure


def made_by_default(value: Any) -> Any:
    def by_default(x: int, y: Any = value, *, z: Any = value) -> Any:
        return x if y > 0 and z > 0 else -x

    return by_default


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda _: by_global_name, lambda _: 1), (lambda _: by_global_object, lambda _: 1),
        (lambda _: by_other_function, lambda _: 1), (lambda _: by_module, lambda _: 1),
        (lambda _: by_name_as_text, lambda _: 1), (lambda _: by_evaluation, lambda _: 1),
        (lambda _: by_comprehension, lambda _: 1), (made_by_closure, lambda _: 1), (made_by_default, lambda _: 1),
        (lambda _: by_item, lambda value: [value]), (lambda _: by_table, lambda value: {"a": {"b": value}}),
        (lambda _: by_attribute, Holder), (lambda _: by_call, lambda value: lambda: value),
    ],
)  # fmt: skip
def test_ways_to_a_tensor(make: Any, argument: Any, sign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    @tf.function
    def program(value: Any) -> Any:
        monkeypatch.setitem(globals(), "decides", value)
        holder.value = value
        function = make(value)
        return function(argument(value))

    assert program(tf.constant(sign)).numpy() == sign


def test_a_name_that_changes_its_meaning() -> None:
    names: dict[str, Any] = {"decides": 5}
    exec("def program(x):\n    return x if decides > 0 else -x\n", names)
    found = Names(names["program"])
    assert found.tell_no_tensors
    assert found.unchanged()
    names["decides"] = tf.constant(5)
    assert not found.unchanged()


def test_plain_values() -> None:
    for value in (1, 2.0, 1j, True, "a", b"a", None, range(3), [1, (2, {"a": {3}})], np.ones(3), np.float32(1)):
        assert is_plain(value)
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)
    for value in (
        tf.constant(1), tf.Variable(1), [tf.constant(1)], {"a": (tf.constant(1),)}, np.array([tf.constant(1)], object),
        Holder(), print, iter([1]), deep, endless, [0] * 10_000, type("Own", (int,), {})(1),
    ):  # fmt: skip
        assert not is_plain(value)
