"""Tests what calls with wrong attributes, wrong types for functions, and impossible sizes raise."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.compat.v1 as tf1
from tideflow._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from tideflow._src.function.func_graph import build
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.checks import require_memory, scalar, vector
from tideflow._src.runtime.op import op


def test_a_scalar_has_no_dimensions() -> None:
    assert scalar(np.array(3), "size") == 3
    with pytest.raises(InvalidArgumentError, match=r"size must be a scalar, got shape \[1\]"):
        scalar(np.array([3]), "size")


def test_a_vector_has_one_dimension() -> None:
    assert vector(np.array([3]), "axes").tolist() == [3]
    with pytest.raises(InvalidArgumentError, match=r"axes must be a vector, got shape \[\]"):
        vector(np.array(3), "axes")


def test_arrays_that_no_machine_holds_are_refused() -> None:
    require_memory((1 << 10, 1 << 10), 4)
    with pytest.raises(ResourceExhaustedError, match="1073741824"):
        require_memory((1 << 30, 1 << 30), 4)


@pytest.mark.parametrize("shape", [[1 << 31, 1 << 31], [1 << 62], [1 << 45]])
def test_there_is_no_memory_for_arrays_of_which_numpy_cannot_count_the_bytes(tier: str, shape: list[int]) -> None:
    makers = [
        lambda: tf.zeros(shape),
        lambda: tf.fill(shape, 1.0),
        lambda: tf.broadcast_to(1.0, shape),
        lambda: tf.random.uniform(shape),
    ]
    for make in (*makers, *map(tf.function, makers)):
        with pytest.raises(ResourceExhaustedError):
            make()


def test_zeros_name_a_negative_dimension() -> None:
    for make in (tf.zeros, tf.ones, lambda shape: tf.fill(shape, 1.0)):
        with pytest.raises(InvalidArgumentError, match=r"^Dimension -3 must be >= 0"):
            make([2, -3])


@pytest.mark.parametrize("padding", ["nonsense", "same", ""])
def test_an_attribute_takes_one_of_its_values(padding: str) -> None:
    image, pool = np.ones((1, 4, 4, 1), np.float32), {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1]}
    raw.MaxPool(tf.constant(image), padding="SAME", **pool)  # from now on there is a short way
    with pytest.raises(InvalidArgumentError, match="padding"):
        raw.MaxPool(tf.constant(image), padding=padding, **pool)
    with Graph().as_default(), pytest.raises(ValueError, match="padding"):
        raw.MaxPool(image, padding=padding, **pool)


def test_an_attribute_has_a_least_value() -> None:
    columns = tf.constant([[1.0, 2.0]])
    assert raw.TopK(columns, k=1)[0].numpy().tolist() == [[2.0]]
    with pytest.raises(InvalidArgumentError, match="less than minimum 0"):
        raw.TopK(columns, k=-1)


def test_a_function_takes_values_of_its_types() -> None:
    double = build("double_it", lambda x: [x * 2.0], [(tf.float64, (2,), "x")])[0]
    arguments = {"f": double, "Tout": [tf.float64]}
    assert raw.PartitionedCall([np.array([1.0, 2.0])], **arguments)[0].numpy().tolist() == [2.0, 4.0]
    for wrong in (np.array([1, 2], np.int16), np.array([b"a", b"b"], object)):
        with pytest.raises(InvalidArgumentError, match="to be double but"):
            raw.PartitionedCall([wrong], **arguments)
    with pytest.raises(InvalidArgumentError, match="takes 1 arguments, but 2"):
        raw.PartitionedCall([np.array([1.0, 2.0]), np.array(1.0)], **arguments)


def test_a_kernel_may_leave_the_shapes_to_the_shape_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    @op("TestWithoutRank", "x: T, size: static int32 -> y: T", T=("float",), checks_shapes=True)
    def kernel(xp, x, size):
        return x + xp.float32(0)

    @kernel.shape
    def _shape(x, size, *, T):
        assert T is tf.float32
        if x is not None and len(x) == 2 and size.value is not None:
            raise ValueError(f"size is {int(size.value)}")
        return x

    try:
        assert kernel(tf.constant([1.0]), 3).numpy().tolist() == [1.0]
        with pytest.raises(InvalidArgumentError, match="size is 3"):
            kernel(tf.constant([[1.0]]), 3)
        for tier in ("host", "xla"):
            monkeypatch.setenv("TIDEFLOW_TIER", tier)
            with tf1.Graph().as_default(), tf1.Session() as session:
                x = tf1.placeholder(tf1.float32)
                y = kernel(x, 3)
                assert session.run(y, {x: [1.0]}).tolist() == [1.0]
                with pytest.raises(InvalidArgumentError, match="size is 3"):
                    session.run(y, {x: [[1.0]]})
    finally:
        del kernel.registry["TestWithoutRank"]


HUGE = np.array([1 << 31, 1 << 31], np.int64)


@pytest.mark.parametrize("tier", ["eager", "host", "xla"])
@pytest.mark.parametrize(
    "call",
    [
        lambda: raw.Fill(HUGE, 1.0),
        lambda: tf.random.uniform(HUGE),
        lambda: tf.random.stateless_normal(HUGE, [1, 2]),
        lambda: tf.tile(np.ones((2, 2), np.float32), HUGE),
        lambda: tf.pad(np.ones((2, 2), np.float32), np.stack([HUGE, HUGE])),
        lambda: tf.one_hot(np.zeros(1 << 20, np.int32), (1 << 31) - 1),
        lambda: tf.image.resize(np.ones((1, 4, 4, 1), np.float32), [1 << 30, 1 << 30]),
        lambda: tf.matmul(tf.ones((1 << 24, 1)), tf.ones((1, 1 << 24))),
        lambda: tf.ones((1 << 24, 1)) + tf.ones((1, 1 << 24)),
    ],
    ids="fill uniform stateless tile pad one_hot resize matmul add".split(),
)
def test_impossible_sizes_are_refused(call, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = (InvalidArgumentError, ResourceExhaustedError, ValueError)
    if tier == "eager":
        with pytest.raises(kinds):
            call()
        return
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    with tf1.Graph().as_default(), tf1.Session() as session, pytest.raises(kinds):
        session.run(call())
