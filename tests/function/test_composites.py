"""Laws: values that are made of several tensors pass through functions, branches, loops and Python functions
unharmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf

Optional = tf.experimental.Optional


class Masked(tf.experimental.ExtensionType):
    values: tf.Tensor
    mask: tf.Tensor


KINDS: dict[str, Callable[[], Any]] = {
    "ragged": lambda: tf.ragged.constant([[1.0, 2.0], [], [3.0]]),
    "ragged of rank 2": lambda: tf.ragged.constant([[[1.0], [2.0, 5.0]], [], [[3.0]]]),
    "empty ragged": lambda: tf.RaggedTensor.from_row_splits(tf.zeros([0, 2]), [0, 0]),
    "sparse": lambda: tf.SparseTensor([[0, 1], [2, 0]], [1.0, 2.0], [3, 4]),
    "empty sparse": lambda: tf.SparseTensor(tf.zeros([0, 2], tf.int64), tf.zeros([0]), [3, 4]),
    "slices": lambda: tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([0, 2]), tf.constant([4, 2])),
    "slices of unknown shape": lambda: tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([0])),
    "extension type": lambda: Masked([1.0, 2.0, 3.0], [True, False, True]),
    "optional": lambda: Optional.from_value(3.0),
}


def values_of(x: Any) -> Any:
    """Returns the tensor of elements."""
    if isinstance(x, tf.RaggedTensor):
        return x.flat_values
    return x.get_value() if isinstance(x, Optional) else x.values


def doubled(x: Any) -> Any:
    """Returns a value with twice the elements."""
    if isinstance(x, tf.RaggedTensor):
        return x.with_flat_values(x.flat_values * 2)
    if isinstance(x, tf.SparseTensor):
        return tf.SparseTensor(x.indices, x.values * 2, x.dense_shape)
    if isinstance(x, tf.IndexedSlices):
        return tf.IndexedSlices(x.values * 2, x.indices, x.dense_shape)
    if isinstance(x, Masked):
        return Masked(x.values * 2, x.mask)
    return Optional.from_value(x.get_value() * 2)


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, Optional):
        one, other = one.get_value(), other.get_value()
    parts = zip(
        tf.nest.flatten(one, expand_composites=True), tf.nest.flatten(other, expand_composites=True), strict=True
    )
    for mine, theirs in parts:
        assert mine.dtype is theirs.dtype
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def general(x: Any) -> Any:
    return tf.type_spec_from_value(x)._with_tensor_ranks_only()


def branch(x: Any) -> Any:
    @tf.function
    def run(holds: Any, x: Any) -> Any:
        if holds:
            x = doubled(x)
        return x

    return run(tf.constant(True), x)


def for_loop(x: Any) -> Any:
    @tf.function
    def run(turns: Any, x: Any) -> Any:
        for _ in tf.range(turns):
            x = doubled(x)
        return x

    return run(tf.constant(1), x)


def while_loop(x: Any) -> Any:
    @tf.function
    def run(turns: Any, x: Any) -> Any:
        i = tf.constant(0)
        while i < turns:
            x = doubled(x)
            i += 1
        return x

    return run(tf.constant(1), x)


def turns(x: Any, shape_invariants: Any = None) -> Any:
    return tf.while_loop(
        lambda i, _: i < 1, lambda i, x: (i + 1, doubled(x)), (tf.constant(0), x), shape_invariants=shape_invariants
    )[1]


WAYS: dict[str, Callable[[Any], Any]] = {
    "function": lambda x: tf.function(doubled)(x),
    "function in a function": lambda x: tf.function(lambda y: tf.function(doubled)({"k": y}["k"]))(x),
    "structure": lambda x: tf.function(lambda p: {"r": [doubled(p["x"][0])]})({"x": (x, x)})["r"][0],
    "capture": lambda x: tf.function(lambda: doubled(x))(),
    "signature": lambda x: tf.function(doubled, input_signature=[tf.type_spec_from_value(x)])(x),
    "general signature": lambda x: tf.function(doubled, input_signature=[general(x)])(x),
    "concrete function": lambda x: tf.function(doubled).get_concrete_function(tf.type_spec_from_value(x))(x),
    "eager cond": lambda x: tf.cond(tf.constant(True), lambda: doubled(x), lambda: x),
    "cond": lambda x: tf.function(lambda p, y: tf.cond(p, lambda: doubled(y), lambda: y))(tf.constant(True), x),
    "switch": lambda x: tf.function(lambda p, y: tf.switch_case(p, [lambda: y, lambda: doubled(y)]))(tf.constant(1), x),
    "case": lambda x: tf.function(lambda p, y: tf.case([(p > 0, lambda: doubled(y))], default=lambda: y))(
        tf.constant(1), x
    ),
    "eager loop": turns,
    "loop": lambda x: tf.function(turns)(x),
    "loop with invariants": lambda x: tf.function(lambda y: turns(y, (tf.TensorShape([]), general(y))))(x),
    "cond in a loop": lambda x: tf.function(
        lambda y: tf.while_loop(
            lambda i, _: i < 2,
            lambda i, z: (i + 1, tf.cond(i < 1, lambda: doubled(z), lambda: tf.identity(z))),
            (tf.constant(0), y),
        )[1]
    )(x),
    "if": branch,
    "for": for_loop,
    "while": while_loop,
    "py_function": lambda x: tf.py_function(doubled, [x], Tout=tf.type_spec_from_value(x)),
    "py_function in a function": lambda x: tf.function(lambda y: tf.py_function(doubled, [y], Tout=general(y)))(x),
    "identity": lambda x: tf.identity(tf.stop_gradient(doubled(x))),
    "map_structure": lambda x: tf.nest.map_structure(tf.identity, [doubled(x)], expand_composites=True)[0],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_way_gives_what_the_function_gives(kind: str, way: str) -> None:
    assert_same(WAYS[way](KINDS[kind]()), doubled(KINDS[kind]()))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "optional"])
def test_compiled(kind: str) -> None:
    assert_same(tf.function(doubled, jit_compile=True)(KINDS[kind]()), doubled(KINDS[kind]()))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_pass(kind: str) -> None:
    x, weight = KINDS[kind](), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(weight)
        loss = tf.function(lambda y, w: tf.reduce_sum(values_of(doubled(y)) * w))(x, weight)
    assert tape.gradient(loss, weight).numpy() == 2 * tf.reduce_sum(values_of(x)).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_functions_are_traced_once_for_a_type(kind: str) -> None:
    traces = []

    @tf.function
    def run(x: Any) -> Any:
        traces.append(x)
        return doubled(x)

    run(KINDS[kind]())
    run(KINDS[kind]())
    run(doubled(KINDS[kind]()))
    assert len(traces) == 1


@pytest.mark.parametrize("kind", ["ragged", "sparse", "slices", "extension type"])
def test_branches_that_differ(kind: str) -> None:
    @tf.function
    def run(x: Any) -> Any:
        return tf.cond(tf.reduce_sum(values_of(x)) > 0, lambda: x, lambda: values_of(x))

    with pytest.raises(TypeError, match="must have the same number, type, and overall structure"):
        run(KINDS[kind]())


@pytest.mark.parametrize("kind", ["ragged", "sparse", "extension type"])
def test_loops_that_change_a_kind(kind: str) -> None:
    @tf.function
    def run(x: Any) -> Any:
        return tf.while_loop(lambda i, _: i < 1, lambda i, x: (i + 1, values_of(x)), (tf.constant(0), x))

    with pytest.raises(ValueError, match="The two structures don't have the same nested structure"):
        run(KINDS[kind]())


def test_sources_and_targets_of_gradients() -> None:
    ragged = KINDS["ragged"]()
    with tf.GradientTape() as tape:
        tape.watch(ragged)
        result = doubled(ragged)
    assert tape.gradient(result, ragged).to_list() == [[2.0, 2.0], [], [2.0]]
    for kind in ("sparse", "extension type"):
        value = KINDS[kind]()
        with tf.GradientTape() as tape:
            tape.watch(value)
            loss = tf.reduce_sum(values_of(value))
        with pytest.raises(ValueError, match="is not supported as a gradient source or gradient target"):
            tape.gradient(loss, value)


def test_python_functions_check_their_promise() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not match Tout"):
        tf.py_function(lambda x: x, [KINDS["ragged"]()], Tout=tf.RaggedTensorSpec([3, None], tf.int32))


def test_rows_of_ragged_tensors() -> None:
    ragged = KINDS["ragged"]()
    sums = tf.map_fn(tf.reduce_sum, ragged, fn_output_signature=tf.float32)
    assert sums.numpy().tolist() == [3.0, 0.0, 3.0]
    same = tf.function(lambda x: tf.map_fn(lambda row: row * 2, x))(ragged)
    assert same.to_list() == [[2.0, 4.0], [], [6.0]]
    made = tf.map_fn(tf.range, tf.constant([2, 0, 1]), fn_output_signature=tf.RaggedTensorSpec([None], tf.int32))
    assert made.to_list() == [[0, 1], [], [0]]
    with pytest.raises(ValueError, match="Expected `fn` to return a"):
        tf.map_fn(
            lambda x: KINDS["sparse"](), tf.constant([1]), fn_output_signature=tf.RaggedTensorSpec([None], tf.int32)
        )


def test_specs_of_slices() -> None:
    slices = KINDS["slices"]()
    assert repr(tf.type_spec_from_value(slices)) == (
        "IndexedSlicesSpec(TensorShape([4, 2]), tf.float32, tf.int32, tf.int32, TensorShape([2]))"
    )
    assert len(tf.nest.flatten(slices, expand_composites=True)) == 3
    assert len(tf.nest.flatten(slices)) == 1


@pytest.mark.parametrize("invariant", [tf.TensorShape([None, None]), "spec"])
def test_loops_in_which_rows_are_added(invariant: Any) -> None:
    rows = tf.ragged.constant([[1.0, 2.0], [], [3.0]])
    shape = tf.RaggedTensorSpec([None, None], tf.float32) if invariant == "spec" else invariant

    @tf.function
    def grown(x: Any) -> Any:
        _, x = tf.while_loop(
            lambda i, x: i < 2, lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, x], [tf.TensorShape([]), shape]
        )
        assert x.shape.as_list() == [None, None]
        return x

    assert grown(rows).to_list() == rows.to_list() * 4


def test_rows_are_mapped_in_compiled_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    rows = tf.ragged.constant([[1.0, 2.0], [], [3.0]])
    assert tf.function(lambda x: tf.map_fn(lambda row: row * 2.0, x))(rows).to_list() == [[2.0, 4.0], [], [6.0]]
