"""Initializers: functions of a shape that give the first value of a variable, in the form of TensorFlow 1.x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import as_shape
from tideflow._src.ops.array.constants import constant_v1, ones, zeros
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.stateful_functions import random_normal, random_uniform, truncated_normal
from tideflow._src.ops.scopes import name_scope

#: The standard deviation of a standard normal distribution truncated at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Is a function ``initializer(shape, dtype=None, partition_info=None)`` with a configuration."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """Returns a tensor of ``shape``."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__.")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this initializer again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Returns the initializer that :meth:`get_config` described."""
        return cls(**config)


class Zeros(Initializer):
    """Gives zeros.

    Args:
      dtype: the dtype where the call gives none.
    """

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return zeros(shape, self.dtype if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype.name}


class Ones(Initializer):
    """Gives ones.

    Args:
      dtype: the dtype where the call gives none.
    """

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return ones(shape, self.dtype if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype.name}


class Constant(Initializer):
    """Gives fixed values.

    Args:
      value: a scalar for all elements, or the elements in order; the last fills what is left.
      dtype: the dtype where the call gives none.
      verify_shape: whether ``value`` must have the wanted shape.

    Raises:
      TypeError: ``value`` is neither a scalar nor a list, tuple or array.
    """

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, list | tuple | np.ndarray)):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected Python "
                "scalar, list "
                "or tuple of values, or numpy.ndarray."
            )
        self.value = value
        self.dtype = dtypes.as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Any:
        verify = self._verify_shape if verify_shape is None else verify_shape
        return constant_v1(self.value, self.dtype if dtype is None else dtype, shape, verify_shape=verify)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value, "dtype": self.dtype.name}


class RandomUniform(Initializer):
    """Gives numbers from a uniform distribution.

    Args:
      minval: the smallest number.
      maxval: what no number reaches; 1 by default for floats.
      seed: the seed.
      dtype: the dtype where the call gives none.
    """

    def __init__(self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return random_uniform(shape, self.minval, self.maxval, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class RandomNormal(Initializer):
    """Gives numbers from a normal distribution.

    Args:
      mean, stddev: mean and standard deviation.
      seed: the seed.
      dtype: the dtype where the call gives none: a float.
    """

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return random_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


class TruncatedNormal(RandomNormal):
    """Gives numbers from a normal distribution, none further than two standard deviations from the mean."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return truncated_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, seed=self.seed)


class UniformUnitScaling(Initializer):
    """Gives uniform numbers that keep the variance of what a product with them gives (Sussillo, Abbott 2014).

    Args:
      factor: scales the numbers.
      seed: the seed.
      dtype: the dtype where the call gives none: a float.
    """

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.factor = factor
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        sizes = _sizes(shape, partition_info)
        inputs = max(float(math.prod(sizes[:-1])), 1.0)
        limit = math.sqrt(3 / inputs) * self.factor
        return random_uniform(shape, -limit, limit, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


class VarianceScaling(Initializer):
    """Gives numbers whose variance fits the number of inputs or outputs of a layer.

    Args:
      scale: scales the variance; positive.
      mode: what divides it: ``fan_in``, ``fan_out`` or their mean, ``fan_avg``.
      distribution: ``uniform``, ``truncated_normal`` (or ``normal``) or ``untruncated_normal``.
      seed: the seed.
      dtype: the dtype where the call gives none: a float.

    Raises:
      ValueError: an argument is none of those.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Argument `mode` should be one of ('fan_in', 'fan_out', 'fan_avg'). Received: {mode}")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                "Argument `distribution` should be one of ('normal', 'uniform', 'truncated_normal', "
                f"'untruncated_normal'). Received: {distribution}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        dtype = self.dtype if dtype is None else dtype
        fan_in, fan_out = fans(_sizes(shape, partition_info))
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution in ("normal", "truncated_normal"):
            return truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        limit = math.sqrt(3.0 * variance)
        return random_uniform(shape, -limit, limit, dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


class Orthogonal(Initializer):
    """Gives a matrix with orthogonal rows or columns; dimensions before the last count as rows (Saxe et al. 2013).

    Args:
      gain: scales the matrix.
      seed: the seed.
      dtype: the dtype where the call gives none: a float.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.gain = gain
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        dtype = self.dtype if dtype is None else dtype
        sizes: list[Any] = as_shape(shape).as_list()
        if len(sizes) < 2:
            raise ValueError(
                "The tensor to initialize, specified by argument `shape` must be at least two-dimensional. "
                f"Received shape={shape}"
            )
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        flat = (columns, rows) if rows < columns else (rows, columns)
        draws = random_normal(flat, dtype=dtype, seed=self.seed)
        q, r = raw.Qr(draws, full_matrices=False)
        q = q * raw.Sign(raw.DiagPart(r))  # makes the distribution uniform
        if rows < columns:
            q = raw.Transpose(q, [1, 0])
        return self.gain * raw.Reshape(q, sizes)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


class Identity(Initializer):
    """Gives the identity matrix.

    Args:
      gain: scales the matrix.
      dtype: the dtype where the call gives none: a float.
    """

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        self.gain = gain
        self.dtype = _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        dtype = dtypes.as_dtype(self.dtype if dtype is None else dtype)
        sizes = _sizes(shape, partition_info)
        if len(sizes) != 2:
            raise ValueError(
                "The tensor to initialize, specified by argument `shape` must be at least two-dimensional. "
                f"Received shape={shape}"
            )
        with name_scope("eye"):
            diagonal = ones([min(sizes)], dtype)
            with name_scope("diag") as scope:
                padding = np.zeros((), dtype.as_numpy_dtype)
                matrix = raw.MatrixDiagV3(diagonal, 0, sizes[0], sizes[1], padding, name=scope or None)
        if partition_info is not None:
            where = zip(partition_info.var_offset, as_shape(shape).as_list(), strict=True)
            matrix = matrix[tuple(slice(offset, offset + size) for offset, size in where)]
        return self.gain * matrix

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "dtype": self.dtype.name}


class GlorotUniform(VarianceScaling):
    """Gives uniform numbers of variance ``2 / (fan_in + fan_out)`` (Glorot and Bengio 2010).

    Args:
      seed: the seed.
      dtype: the dtype where the call gives none: a float.
    """

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed, "dtype": self.dtype.name}


class GlorotNormal(VarianceScaling):
    """Gives truncated normal numbers of variance ``2 / (fan_in + fan_out)`` (Glorot and Bengio 2010).

    Args:
      seed: the seed.
      dtype: the dtype where the call gives none: a float.
    """

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed, "dtype": self.dtype.name}


def he_normal(seed: Any = None) -> VarianceScaling:
    """Returns the initializer of truncated normal numbers of variance ``2 / fan_in`` (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: Any = None) -> VarianceScaling:
    """Returns the initializer of uniform numbers of variance ``2 / fan_in`` (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: Any = None) -> VarianceScaling:
    """Returns the initializer of truncated normal numbers of variance ``1 / fan_in`` (Klambauer et al. 2017)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: Any = None) -> VarianceScaling:
    """Returns the initializer of uniform numbers of variance ``1 / fan_in`` (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def fans(sizes: Sequence[int]) -> tuple[int, int]:
    """Returns the number of inputs and outputs of a layer whose weights have the given shape."""
    if len(sizes) < 1:
        return 1, 1
    if len(sizes) == 1:
        return int(sizes[0]), int(sizes[0])
    field = math.prod(sizes[:-2])
    return int(sizes[-2] * field), int(sizes[-1] * field)


def _sizes(shape: Any, partition_info: Any) -> list[Any]:
    """The shape of the whole variable."""
    return list(partition_info.full_shape) if partition_info is not None else as_shape(shape).as_list()


def _floating(dtype: Any) -> Any:
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Argument `dtype` is expected to be floating point. Received: {dtype}.")
    return dtype


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
orthogonal_initializer = Orthogonal
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
