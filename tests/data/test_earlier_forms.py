"""Stages of operations of earlier releases know how many elements they have, and go on where they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.data.stage import Run, stage_in

_WINDOWS = {"output_types": [tf.int64], "output_shapes": [tf.TensorShape([None])]}
_NUMBERS = {"output_types": [tf.int64], "output_shapes": [tf.TensorShape([])]}


def rest(running: Any) -> list[Any]:
    found = []
    while (element := running.next()) is not None:
        found.append(np.asarray(element[0]).tolist())
    return found


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("sizes", [(3, 1, 1), (2, 3, 1), (2, 1, 2), (2, 9, 1), (4, 2, 3), (9, 1, 1)])
def test_sliding_windows(sizes: tuple[int, int, int], drop: bool) -> None:
    size, shift, stride = sizes
    numbers = tf.raw_ops.RangeDataset(start=0, stop=7, step=1, **_NUMBERS)
    made = tf.raw_ops.SlidingWindowDataset(
        input_dataset=numbers,
        window_size=size,
        window_shift=shift,
        window_stride=stride,
        drop_remainder=drop,
        **_WINDOWS,
    )
    stage = stage_in(made._value)
    reach = (size - 1) * stride + 1
    wanted = [
        list(range(begin, min(begin + reach, 7), stride))
        for begin in range(0, 7, shift)
        if begin + reach <= 7 or not drop
    ]
    assert rest(stage.start(Run())) == wanted
    assert stage.cardinality() == len(wanted)
    first, second = stage.start(Run()), stage.start(Run())
    first.next()
    second.restore(first.save())
    assert rest(second) == rest(first) == wanted[1:]


def test_sleep_goes_on_where_it_was() -> None:
    numbers = tf.raw_ops.RangeDataset(start=0, stop=4, step=1, **_NUMBERS)
    stage = stage_in(tf.raw_ops.SleepDataset(input_dataset=numbers, sleep_microseconds=1, **_NUMBERS)._value)
    assert stage.cardinality() == 4
    first, second = stage.start(Run()), stage.start(Run())
    first.next()
    second.restore(first.save())
    assert rest(second) == rest(first) == [1, 2, 3]


def test_inputs_of_different_lengths_have_no_fastest() -> None:
    inputs = [tf.raw_ops.RangeDataset(start=0, stop=stop, step=1, **_NUMBERS) for stop in (3, 4)]
    with pytest.raises(tf.errors.InvalidArgumentError, match="different numbers of elements"):
        tf.raw_ops.ChooseFastestDataset(input_datasets=inputs, num_experiments=1, **_NUMBERS)
