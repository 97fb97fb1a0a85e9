"""The nearest of several centers for each of several points."""

from __future__ import annotations

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.runtime.op import op


@op(
    "NearestNeighbors",
    "points: float, centers: float, k: int64 -> nearest_center_indices: int64, nearest_center_distances: float",
    tier="host",
    differentiable="missing",
)
def nearest_neighbors_op(points, centers, k):
    """Finds the nearest ``k`` centers of each point, the nearest first, and the squares of their distances.

    Of centers that are equally near, the first comes first. Where there are fewer than ``k``, all are returned.
    """
    for name, value, rank in (("points", points, 2), ("centers", centers, 2), ("k", k, 0)):
        if value.ndim != rank:
            what = "matrix" if rank else "scalar"
            raise InvalidArgumentError(
                None, None, f"Input {name} should be a {what}, but has shape {shape_text(value.shape)}."
            )
    if not len(points):
        raise InvalidArgumentError(None, None, "Expected points.rows() > 0.")
    if points.shape[1] != centers.shape[1]:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected points and centers of one dimension: {points.shape[1]} vs {centers.shape[1]}.",
        )
    if k < 0:
        raise InvalidArgumentError(None, None, f"Input k must not be negative, but is {int(k)}.")
    count = min(int(k), len(centers))
    indices = np.empty((len(points), count), np.int64)
    distances = np.empty((len(points), count), np.float32)
    for row, point in enumerate(points):
        squares = np.square(centers.astype(np.float64) - point).sum(axis=1)
        nearest = np.argsort(squares, kind="stable")[:count]
        indices[row], distances[row] = nearest, squares[nearest]
    return indices, distances


@nearest_neighbors_op.shape
def _nearest_neighbors_shape(points, centers, k):
    return None, None  # as in TensorFlow, the kernel alone looks at shapes


@nearest_neighbors_op.samples
def _nearest_neighbors_samples(s):
    points, centers = np.float32([[0, 0], [3, 3], [1, 1]]), np.float32([[0, 0], [1, 0], [5, 5]])
    for count in (2, 5, 0):
        yield s(points, centers, np.int64(count))
    yield s(np.float32([[0, 0]]), np.float32([[1, 0], [0, 1], [-1, 0]]), np.int64(2))
    yield s(s.array((4, 3)), s.array((5, 3)), np.int64(3))
    yield s(points, np.zeros((0, 2), np.float32), np.int64(1))
    yield s(np.zeros((0, 2), np.float32), centers, np.int64(1), error="InvalidArgumentError")
    yield s(points[0], centers, np.int64(1), error="InvalidArgumentError")
    yield s(points, centers[0], np.int64(1), error="InvalidArgumentError")
    yield s(points[:, :1], centers, np.int64(1), error="InvalidArgumentError")
    yield s(points, centers, np.int64([1]), error="InvalidArgumentError")
