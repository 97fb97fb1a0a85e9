"""What metrics of 1.x that live in other packages are made of."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.layers.metric_means import aligned as _remove_squeezable_dimensions
from tideflow._src.layers.metric_thresholds import _counts as _confusion_matrix_at_thresholds
from tideflow._src.layers.metric_top_k import average_precision_at_top_k as _streaming_sparse_average_precision_at_top_k
from tideflow._src.layers.metric_variables import metric_variable
from tideflow._src.ops.math.division import div_no_nan
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = [
    "_aggregate_variable",
    "_confusion_matrix_at_thresholds",
    "_remove_squeezable_dimensions",
    "_safe_scalar_div",
    "_streaming_sparse_average_precision_at_top_k",
    "metric_variable",
]


def _safe_scalar_div(numerator: Any, denominator: Any, name: str) -> Any:
    """Divides scalars, and gives zero where the denominator is zero."""
    return div_no_nan(numerator, denominator, name=name)


def _aggregate_variable(v: Any, collections: Any) -> Any:
    """Returns a metric's value as a tensor, added to collections."""
    v = convert_to_tensor(v)
    if collections:
        context.default_graph().add_to_collections(collections, v)
    return v
