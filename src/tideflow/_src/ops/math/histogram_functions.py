"""Public functions of histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Counts numbers in intervals of equal width.

    Args:
      values: numbers, of any shape.
      value_range: a vector of the least number of the first interval and the end of the last one; smaller and
        greater numbers count in those.
      nbins: the number of intervals.
      dtype: the dtype of the counts, ``int32`` or ``int64``.
      name: the name scope of the nodes.

    Returns:
      A vector of ``nbins`` counts.

    Raises:
      InvalidArgumentError: the range is empty, ``nbins`` is not positive, or a number is NaN.
    """
    with name_scope(name, "histogram_fixed_width", [values, value_range, nbins]) as scope:
        return raw.HistogramFixedWidth(values, value_range, nbins, dtype=dtype, name=scope or None)


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Tells in which interval of equal width each number lies; see ``histogram_fixed_width`` for the arguments.

    Returns:
      A tensor of the shape of ``values`` and of type ``dtype``.
    """
    with name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        values = convert_to_tensor(values, name="values")
        shape = raw.Shape(values)
        values = raw.Reshape(values, np.array([-1], np.int32))
        value_range = convert_to_tensor(value_range, name="value_range")
        nbins = convert_to_tensor(nbins, dtypes.int32, name="nbins")
        check = raw.Assert(
            raw.Greater(nbins, np.int32(0)), [convert_to_tensor(f"nbins {nbins} must be > 0"), nbins], summarize=3
        )
        if check is not None:
            with check.graph.control_dependencies([check]):
                nbins = raw.Identity(nbins, name="control_dependency")
        count = raw.Cast(nbins, DstT=values.dtype.base_dtype)
        low, high = value_range[0], value_range[1]
        scaled = raw.RealDiv(raw.Sub(values, low, name="sub"), raw.Sub(high, low, name="sub"), name="scaled_values")
        places = raw.Floor(raw.Mul(count, scaled, name="mul"), name="indices")
        last = raw.Cast(raw.Sub(nbins, np.int32(1), name="sub"), DstT=dtypes.int32)
        places = raw.Minimum(raw.Maximum(raw.Cast(places, DstT=dtypes.int32), np.int32(0)), last)
        return raw.Cast(raw.Reshape(places, shape), DstT=dtypes.as_dtype(dtype))
