"""Sums of linear operators are of the class that keeps most structure."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.linalg.operators.addition import add_operators

linalg = tf.linalg
# From the most structure to the least; a sum is of the class of its last operator.
_CLASSES = [
    ("ScaledIdentity", lambda: linalg.LinearOperatorIdentity(2)),
    ("ScaledIdentity", lambda: linalg.LinearOperatorScaledIdentity(2, 3.0)),
    ("Diag", lambda: linalg.LinearOperatorDiag([1.0, 2.0])),
    ("LowerTriangular", lambda: linalg.LinearOperatorLowerTriangular([[1.0, 0.0], [4.0, 5.0]])),
    ("FullMatrix", lambda: linalg.LinearOperatorFullMatrix([[1.0, 2.0], [3.0, 4.0]])),
]


def test_sums_keep_structure() -> None:
    for count in (2, 3, 5):
        for chosen in itertools.combinations(_CLASSES, count):
            operators = [make() for _, make in chosen]
            for order in (operators, operators[::-1]):
                (total,) = add_operators(order)
                assert type(total).__name__ == f"LinearOperator{chosen[-1][0]}"
                np.testing.assert_array_equal(total.to_dense(), sum(item.to_dense().numpy() for item in operators))


def test_batches_and_hints() -> None:
    batch = linalg.LinearOperatorDiag(np.ones((3, 2), np.float32), is_positive_definite=True)
    (total,) = add_operators([batch, linalg.LinearOperatorIdentity(2)], operator_name="total")
    assert (total.name, total.shape.as_list(), total.is_positive_definite) == ("total", [3, 2, 2], True)
    one = linalg.LinearOperatorIdentity(2)
    assert add_operators([one]) == [one]


def test_what_cannot_be_added() -> None:
    one = linalg.LinearOperatorIdentity(2)
    for bad, kind, said in (
        ([], ValueError, "at least one operator"),
        ([1], TypeError, "only LinearOperator"),
        ([one, linalg.LinearOperatorIdentity(3)], ValueError, "the same `domain_dimension`"),
        ([one, linalg.LinearOperatorIdentity(2, dtype=tf.float64)], TypeError, "the same dtype"),
    ):
        with pytest.raises(kind, match=said):
            add_operators(bad)
