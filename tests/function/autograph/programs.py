"""Compares what a program gives for numbers with what it gives for tensors."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

import tideflow as tf

Pair = namedtuple("Pair", "first second")


def values(result: Any) -> Any:
    """Returns a structure of tensors as one of Python's numbers."""
    return tf.nest.map_structure(
        lambda leaf: np.asarray(leaf.numpy()).tolist() if isinstance(leaf, tf.Tensor) else leaf, result
    )


def check(program: Any, *arguments: Any) -> None:
    """Checks that a program of numbers does the same with tensors."""
    assert values(tf.function(program)(*map(tf.constant, arguments))) == program(*arguments)


class Holder:
    """Has any attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)
