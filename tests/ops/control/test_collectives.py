"""Collectives of one member have their result already; what cannot be is refused, where TensorFlow waits or aborts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf

X = np.float32([[1, 2], [3, 4]])


def reduced(x: Any, size: Any = 1, **changes: Any) -> Any:
    return tf.raw_ops.CollectiveReduceV2(
        input=x,
        group_size=size,
        group_key=changes.get("group_key", 1),
        instance_key=1,
        ordering_token=[],
        merge_op="Add",
        final_op="Div",
    )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_a_function(jit_compile: bool) -> None:
    @tf.function(jit_compile=jit_compile)
    def step(x: Any) -> Any:
        sent = tf.raw_ops.CollectiveBcastSendV2(input=x * 2, group_size=1, group_key=1, instance_key=2)
        return tf.raw_ops.CollectiveGatherV2(
            input=reduced(sent), group_size=1, group_key=1, instance_key=3, ordering_token=[]
        )

    np.testing.assert_array_equal(step(X), X * 2)


def test_what_is_refused() -> None:
    invalid = tf.errors.InvalidArgumentError
    with pytest.raises(invalid, match="group_size must be positive integer but got 0"):
        reduced(X, 0)
    with pytest.raises(invalid, match="Unexpected dimensions on input group_size"):
        reduced(X, [1])
    with pytest.raises(invalid, match="Unexpected dimensions on input group_key"):
        reduced(X, group_key=[1])
    with pytest.raises(tf.errors.UnimplementedError, match=r"tf\.distribute"):
        reduced(X, 2)
    keys = {"group_size": 1, "group_key": 1, "instance_key": 1}
    for name in ("CollectiveBcastSend", "CollectiveGather"):
        with pytest.raises(invalid, match=f"Declared shape of op {name} .* does not match shape of input"):
            getattr(tf.raw_ops, name)(input=X, shape=[3, 2], **keys)
    with pytest.raises(invalid, match="must be at least rank 1"):
        tf.raw_ops.CollectiveGatherV2(input=1.0, ordering_token=[], **keys)


def test_no_rows_are_gathered() -> None:
    """They end the process in TensorFlow."""
    nothing = np.zeros((0, 2), np.float32)
    found = tf.raw_ops.CollectiveGather(input=nothing, shape=[0, 2], group_size=1, group_key=1, instance_key=1)
    assert found.shape == [0, 2]
