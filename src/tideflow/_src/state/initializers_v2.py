"""Initializers in the form of TensorFlow 2.x: functions of a shape and a dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.constants import constant, ones, zeros
from tideflow._src.ops.random.stateful_functions import random_normal, random_uniform

_PARTITION = ("partition_shape", "partition_offset")


class Initializer:
    """Is a function ``initializer(shape, dtype=None, **kwargs)`` with a configuration."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """Returns a tensor of ``shape``."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__.")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this initializer again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Returns the initializer that :meth:`get_config` described."""
        config.pop("dtype", None)
        return cls(**config)

    def _part(self, shape: Any, options: dict[str, Any]) -> Any:
        """Returns the shape to fill: that of one part where a partitioned variable is made."""
        for name in options:
            if name not in _PARTITION:
                raise TypeError(f"Keyword argument should be one of {list(_PARTITION)}. Received: {name}")
        part = options.get("partition_shape")
        return shape if part is None else part


def _numeric(dtype: Any) -> Any:
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_numpy_compatible or dtype is dtypes.string:
        raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received {dtype}.")
    return dtype


def _floating(dtype: Any) -> Any:
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Argument `dtype` expected to be floating point. Received {dtype}.")
    return dtype


class Zeros(Initializer):
    """Gives zeros.

    >>> from tideflow._src.state.initializers_v2 import Zeros
    >>> Zeros()([2]).numpy().tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        return zeros(self._part(shape, kwargs), _numeric(dtype))


class Ones(Initializer):
    """Gives ones."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        return ones(self._part(shape, kwargs), _numeric(dtype))


class Constant(Initializer):
    """Gives fixed values.

    Args:
      value: a scalar for all elements, or as many elements as the variable has.
      support_partition: whether a partitioned variable may take ``value``, for each part, from one scalar.

    Raises:
      TypeError: ``value`` is neither a scalar nor a list, tuple or array.
    """

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, list | tuple | np.ndarray)):
            raise TypeError(
                f"Invalid type for initial value: {type(value).__name__}. Expected Python scalar, list or "
                "tuple of "
                "values, or numpy.ndarray."
            )
        self.value = value
        self.support_partition = support_partition

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        target = self._part(shape, kwargs)
        if kwargs and not self.support_partition and not np.isscalar(self.value):
            raise TypeError("Constant initializer doesn't support partition-related arguments")
        return constant(self.value, None if dtype is None else dtypes.as_dtype(dtype), shape=target)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class RandomUniform(Initializer):
    """Gives numbers from a uniform distribution.

    Args:
      minval: the smallest number.
      maxval: what no number reaches.
      seed: the seed.
    """

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        dtype = dtypes.as_dtype(dtype)
        if not dtype.is_floating and not dtype.is_integer:
            raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received {dtype}.")
        return random_uniform(self._part(shape, kwargs), self.minval, self.maxval, dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class RandomNormal(Initializer):
    """Gives numbers from a normal distribution.

    Args:
      mean, stddev: mean and standard deviation.
      seed: the seed.
    """

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        return random_normal(self._part(shape, kwargs), self.mean, self.stddev, _floating(dtype), seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
