"""Random functions that TensorFlow keeps in `tensorflow.python.ops.random_ops`."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.output_shape import shape_tensor
from tideflow._src.ops.random.seeds import operation_seeds
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Returns normal numbers between bounds.

    Args:
      shape: the shape of the result, at least one dimension.
      means: the means before truncation: one, or one for each element of the first dimension, as the other parameters.
      stddevs: the standard deviations before truncation.
      minvals: the least numbers.
      maxvals: the largest numbers.
      dtype: float16, bfloat16, float32 or float64.
      seed: the seed of this call, an integer.
      name: the name of the scope; ``parameterized_truncated_normal`` by default.

    Raises:
      InvalidArgumentError: ``shape`` is empty, or a parameter does not fit it.
    """
    with name_scope(name, "parameterized_truncated_normal"):
        shape = shape_tensor(shape)
        parameters = {"means": means, "stddevs": stddevs, "minvals": minvals, "maxvals": maxvals}
        tensors = [convert_to_tensor(value, dtype, name=label) for label, value in parameters.items()]
        return raw.ParameterizedTruncatedNormal(shape, *tensors, **operation_seeds(seed))
