"""Tests the operations that TensorFlow retired: new calls are refused, graphs that hold them run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1
from tideflow._src.core.errors import UnimplementedError

RANDOM = np.random.default_rng(9)
MATRIX = RANDOM.standard_normal((2, 3, 3))
MATRIX = MATRIX @ np.swapaxes(MATRIX, 1, 2) + np.eye(3)


def run_old(op: str, arguments: list[Any], **options: bool) -> list[Any]:
    """Runs one operation that a GraphDef of long ago holds."""
    graph_def = v1.GraphDef()
    graph_def.versions.producer = 10
    node = graph_def.node.add(name="y", op=op)
    node.attr["T"].type = tf.float64.as_datatype_enum
    for name, value in options.items():
        node.attr[name].b = value
    with tf.Graph().as_default() as graph:
        feeds = {}
        for position, value in enumerate(arguments):
            placeholder = v1.placeholder(value.dtype, None, name=f"x{position}")
            feeds[placeholder] = value
            node.input.append(f"in{position}")
        tf.graph_util.import_graph_def(graph_def, name="", input_map={f"in{i}": item for i, item in enumerate(feeds)})
        with v1.Session() as session:
            return session.run(graph.get_operation_by_name("y").outputs, feeds)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("op", "wanted"),
    [
        ("BatchCholesky", np.linalg.cholesky(MATRIX)),
        ("BatchMatrixInverse", np.linalg.inv(MATRIX)),
        ("BatchMatrixDeterminant", np.linalg.det(MATRIX)),
        ("BatchMatrixDiagPart", np.diagonal(MATRIX, axis1=1, axis2=2)),
    ],
)
def test_old_graphs_run(op: str, wanted: Any) -> None:
    np.testing.assert_allclose(run_old(op, [MATRIX])[0], wanted)


def test_old_eigenvectors() -> None:
    values, vectors = np.linalg.eigh(MATRIX)
    for op in ("SelfAdjointEig", "BatchSelfAdjointEig"):
        (found,) = run_old(op, [MATRIX])
        np.testing.assert_allclose(found[:, 0], values)
        np.testing.assert_allclose(np.abs(found[:, 1:]), np.abs(vectors))


def test_old_systems() -> None:
    right = RANDOM.standard_normal((2, 3, 1))
    np.testing.assert_allclose(run_old("BatchMatrixSolve", [MATRIX, right])[0], np.linalg.solve(MATRIX, right))
    (solution,) = run_old("BatchMatrixTriangularSolve", [MATRIX, right], lower=False)
    np.testing.assert_allclose(np.triu(MATRIX) @ solution, right)


def test_old_exponentials() -> None:
    values, vectors = np.linalg.eigh(MATRIX / 9)
    wanted = (vectors * np.exp(values)[:, None]) @ np.swapaxes(vectors, 1, 2)
    np.testing.assert_allclose(run_old("MatrixExponential", [MATRIX / 9])[0], wanted)


def test_new_calls_are_refused() -> None:
    with pytest.raises(UnimplementedError, match=r"removed in version 13\. Use Cholesky instead"):
        tf.raw_ops.BatchCholesky(input=MATRIX)
    with tf.Graph().as_default(), pytest.raises(NotImplementedError, match="not available in GraphDef version"):
        tf.raw_ops.SelfAdjointEig(input=MATRIX)
