"""Public functions of positions: ``tf.unravel_index`` and ``tf.compat.v1.setdiff1d``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw


def setdiff1d_v1(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """Finds the elements of a vector that another one does not have.

    Args:
      x, y: vectors of one type.
      index_dtype: the dtype of the positions.
      name: the name of the node.

    Returns:
      A named tuple: ``out``, the elements of ``x`` that ``y`` lacks, in order, and ``idx``, their positions in ``x``.
    """
    return raw.ListDiff(x, y, out_idx=index_dtype, name=name)


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """Converts positions in a flattened array to coordinates.

    Args:
      indices: a position or a vector of positions.
      dims: the shape of the array, a vector.
      name: the name of the node.

    Returns:
      A tensor with a row for each dimension and a column for each position.

    Raises:
      InvalidArgumentError: a position is out of bounds.
    """
    return raw.UnravelIndex(indices, dims, name=name)
