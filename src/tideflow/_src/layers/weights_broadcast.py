"""Weights of losses and metrics: whether they fit the values that they weigh, and spreading them over those.

Weights fit if they are a scalar, or of the rank of the values with each size the same or 1.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.identity import no_op
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_MESSAGE = "weights can not be broadcast to values."


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """Returns an operation that fails at run time if ``weights`` do not fit ``values``.

    Args:
      weights: a tensor.
      values: a tensor.

    Raises:
      ValueError: what is known of their shapes shows that they do not fit.
    """
    with name_scope(None, "assert_broadcastable"):
        with name_scope(None, "weights"):
            weights = convert_to_tensor(weights)
            weights_shape = raw.Shape(weights, name="shape")
        weights_rank = weights.shape.rank
        with name_scope(None, "values"):
            values = convert_to_tensor(values)
            values_shape = raw.Shape(values, name="shape")
        values_rank = values.shape.rank
        if weights_rank == 0:
            return _passed()
        if weights_rank is not None and values_rank is not None:
            if weights_rank != values_rank:
                raise ValueError(
                    f"{_MESSAGE} values.rank={values_rank}. weights.rank={weights_rank}. values.shape={values.shape}. "
                    f"weights.shape={weights.shape}. Received weights={weights}, values={values}"
                )
            have, want = _sizes(weights), _sizes(values)
            for index, (mine, theirs) in enumerate(zip(have, want, strict=True)):
                if None not in (mine, theirs) and mine not in (1, theirs):
                    raise ValueError(
                        f"{_MESSAGE} Mismatch at dim {index}. values.shape={values.shape} weights.shape="
                        f"{weights.shape}. Received weights={weights}, values={values}"
                    )
            if all(mine == 1 or (mine is not None and mine == theirs) for mine, theirs in zip(have, want, strict=True)):
                return _passed()
        fits = _fit(weights, values, weights_shape, values_shape)
        described = [
            _MESSAGE, "weights.shape=", weights_shape, "values.shape=", values_shape,
        ]  # fmt: skip
        return Assert(fits, described, name="AssertGuard")


def _passed() -> Any:
    return no_op(name="static_checks_determined_all_ok") if context.current_graph() is not None else None


def _sizes(tensor: Any) -> list[int | None]:
    """Returns the sizes of a tensor as far as they are known, also by the value of its shape."""
    if tensor.__class__ is SymbolicTensor:
        return list(tensor._shape or ())
    value = static_value(raw.Shape(tensor))
    return [int(size) for size in np.asarray(value)]


def _fit(weights: Any, values: Any, weights_shape: Any, values_shape: Any) -> Any:
    """Tells at run time whether weights fit."""
    rank, other = raw.Rank(weights), raw.Rank(values)
    is_scalar = raw.Equal(rank, 0, name="is_scalar")
    both = raw.Minimum(rank, other)
    have, want = (
        raw.Slice(weights_shape, [0], raw.Reshape(both, [1])),
        raw.Slice(values_shape, [0], raw.Reshape(both, [1])),
    )
    each = raw.LogicalOr(raw.Equal(have, 1), raw.Equal(have, want))
    same = raw.LogicalAnd(raw.Equal(rank, other), raw.All(each, [0]))
    return raw.LogicalOr(is_scalar, same, name="is_valid_shape")


def broadcast_weights(weights: Any, values: Any) -> Any:
    """Returns ``weights`` in the shape of ``values``.

    Raises:
      ValueError: what is known of their shapes shows that they do not fit.
    """
    with name_scope(None, "broadcast_weights") as scope:
        values = convert_to_tensor(values, name="values")
        weights = convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
        mine, theirs = weights.shape, values.shape
        if mine.is_fully_defined() and theirs.is_fully_defined() and mine.as_list() == theirs.as_list():
            return weights
        with waiting_for(assert_broadcastable(weights, values)):
            return raw.Mul(weights, raw.OnesLike(values), name=scope or None)


def waiting_for(*operations: Any) -> Any:
    """Returns a scope in whose operations wait for ``operations``; eagerly they are done already."""
    graph = context.current_graph()
    kept = [operation for operation in operations if operation is not None]
    return graph.control_dependencies(kept) if graph is not None else nullcontext()
