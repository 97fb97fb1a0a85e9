"""``tf.experimental.numpy.random``: draws with NumPy's names and dtypes, from TensorFlow's global generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.numpy_api import promotion
from tideflow._src.numpy_api.arrays import asarray
from tideflow._src.numpy_api.manipulation import isscalar
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape
from tideflow._src.ops.array.shape import shape
from tideflow._src.ops.random import seeds
from tideflow._src.ops.random import stateful_functions as draws


def seed(s: Any) -> None:
    """Sets the global seed, as ``tf.random.set_seed`` does.

    Args:
      s: an integer.

    Raises:
      ValueError: it is none.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.seed(1)
    """
    try:
        s = int(s)
    except TypeError:
        raise ValueError(f"Argument `s` got an invalid value {s}. Only integers are supported.") from None
    seeds.set_seed(s)


def _sizes(size: Any) -> Any:
    if size is None:
        return ()
    return (size,) if isscalar(size) else size


def randn(*args: Any) -> Any:
    """Draws from the normal distribution of mean 0 and deviation 1.

    Args:
      args: the sizes of the result.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.randn(2, 3).shape
      TensorShape([2, 3])
    """
    return standard_normal(size=args)


def standard_normal(size: Any = None) -> Any:
    """Draws from the normal distribution of mean 0 and deviation 1.

    Args:
      size: the shape of the result; a scalar by default.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.standard_normal([2]).dtype
      tf.float64
    """
    return draws.random_normal(_sizes(size), dtype=promotion.result_type(float))


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    """Draws from the numbers of an interval, each as likely.

    Args:
      low: the least number.
      high: the bound, which is left out.
      size: the shape of the result; by default what ``low`` and ``high`` broadcast to.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.uniform(1.0, 2.0, [3]).shape
      TensorShape([3])
    """
    dtype = promotion.result_type(float)
    low, high = asarray(low, dtype), asarray(high, dtype)
    if size is None:
        size = broadcast_dynamic_shape(shape(low), shape(high))
    return draws.random_uniform(size, low, high, dtype=dtype)


def random(size: Any = None) -> Any:
    """Draws from the numbers between 0 and 1; see :func:`uniform`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.random([2]).shape
      TensorShape([2])
    """
    return uniform(0.0, 1.0, size)


def rand(*size: Any) -> Any:
    """Draws from the numbers between 0 and 1.

    Args:
      size: the sizes of the result.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.rand(2, 3).shape
      TensorShape([2, 3])
    """
    return uniform(0.0, 1.0, size)


def poisson(lam: Any = 1.0, size: Any = None) -> Any:
    """Draws from the Poisson distribution.

    Args:
      lam: the mean; of an array, each gets draws of its own, along the last axes.
      size: the shape of the draws for each; a scalar by default.

    Returns:
      A tensor of int64.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.poisson(3.0, [2]).dtype
      tf.int64
    """
    return draws.random_poisson(_sizes(size), lam, dtype=np.int64)


def randint(low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64) -> Any:
    """Draws integers.

    Args:
      low: the least number; alone, it is ``high``, and the least is 0.
      high: the bound, which is left out.
      size: the shape of the result; a scalar by default.
      dtype: int32 or int64.

    Raises:
      ValueError: another dtype.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.random.randint(5, size=[2]).dtype
      tf.int64
    """
    low = int(low)
    if high is None:
        low, high = 0, low
    if size is None:
        size = ()
    elif isinstance(size, int):
        size = (size,)
    wanted = promotion.result_type(dtype)
    if wanted.name not in ("int32", "int64"):
        raise ValueError(
            f"Argument `dtype` got an invalid value {dtype}. Only those convertible to "
            f"{(np.int32, np.int64)} are supported."
        )
    return draws.random_uniform(size, low, high, dtype=wanted)
