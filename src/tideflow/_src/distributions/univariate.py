"""What the distributions of a scalar have in common."""

from __future__ import annotations

import functools
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import Distribution


class Univariate(Distribution):
    """A distribution of a scalar, with parameters that are broadcast against each other."""

    #: The names of the parameters that are broadcast.
    _broadcast: tuple[str, ...] = ()

    @classmethod
    def _param_shapes(cls, sample_shape: Any) -> dict[str, Any]:
        if not cls._broadcast:
            raise NotImplementedError("_param_shapes not implemented")
        shape = ops.convert_to_tensor(sample_shape, dtype=dtypes.int32)
        return dict.fromkeys(cls._broadcast, shape)

    def _batch_shape_tensor(self) -> Any:
        *shapes, last = [ops.shape(getattr(self, name)) for name in self._broadcast]
        return functools.reduce(lambda right, left: ops.broadcast_dynamic_shape(left, right), reversed(shapes), last)

    def _batch_shape(self) -> TensorShape:
        return functools.reduce(ops.broadcast_static_shape, (getattr(self, name).shape for name in self._broadcast))

    def _event_shape_tensor(self) -> Any:
        return ops.constant([], dtype=dtypes.int32)

    def _event_shape(self) -> TensorShape:
        return TensorShape([])

    def _drawn_shape(self, n: Any) -> Any:
        return ops.concat([[n], self.batch_shape_tensor()], 0)


def positive(value: Any, validate_args: bool) -> list[Any]:
    """Returns the checks that a parameter is positive, if there are to be any."""
    return [ops.assert_positive(value)] if validate_args else []
