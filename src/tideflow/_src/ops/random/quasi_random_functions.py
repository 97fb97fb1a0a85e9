"""Public functions of quasi-random points: ``tf.math.sobol_sample``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope


def sobol_sample(
    dim: Any, num_results: Any, skip: Any = 0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Gives points of Sobol's sequence, which fill the unit cube evenly.

    Args:
      dim: the number of dimensions.
      num_results: the number of points.
      skip: how many points to leave out first.
      dtype: ``float32`` or ``float64``.
      name: the name scope of the nodes.

    Returns:
      A matrix with a point in each row.
    """
    with name_scope(name, "sobol", [dim, num_results, skip]):
        return raw.SobolSample(dim, num_results, skip, dtype=dtype)
