"""More random numbers without a state: binomial ones, normal ones between bounds, and shuffled indices."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.output_shape import shape_tensor
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["random_index_shuffle", "stateless_parameterized_truncated_normal", "stateless_random_binomial"]


def stateless_random_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Returns numbers from binomial distributions that follow from the seed.

    Args:
      shape: the shape of the result; it ends with that which ``counts`` and ``probs`` broadcast to.
      seed: two integers.
      counts: how many trials.
      probs: the probability that one succeeds; both float16, float32, float64, int32 or int64.
      output_dtype: one of these, too.
      name: the name of the result's node.

    Raises:
      InvalidArgumentError: when it runs, ``shape`` does not end with the parameters' shape.
    """
    with name_scope(name, "stateless_random_binomial"):
        shape = shape_tensor(shape)
        probs = convert_to_tensor(probs, dtype_hint=dtypes.float32, name="probs")
        counts = convert_to_tensor(counts, dtype_hint=probs.dtype, name="counts")
        return raw.StatelessRandomBinomial(shape, seed, counts, probs, dtype=dtypes.as_dtype(output_dtype))


def stateless_parameterized_truncated_normal(
    shape: Any,
    seed: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    name: str | None = None,
) -> Any:
    """Returns normal numbers between bounds that follow from the seed.

    Args:
      shape: the shape of the result; it ends with that which the parameters broadcast to.
      seed: two integers.
      means: the means before truncation.
      stddevs: the standard deviations before truncation.
      minvals: the least numbers.
      maxvals: the largest numbers.
      name: the name of the result's node.

    Raises:
      InvalidArgumentError: when it runs, there is nothing between the bounds, or a standard deviation is not positive.
    """
    with name_scope(name, "stateless_parameterized_truncated_normal"):
        shape = shape_tensor(shape)
        parameters = zip(("means", "stddevs", "minvals", "maxvals"), (means, stddevs, minvals, maxvals), strict=True)
        tensors = [convert_to_tensor(value, name=label) for label, value in parameters]
        return raw.StatelessParameterizedTruncatedNormal(shape, seed, *tensors)


def random_index_shuffle(index: Any, seed: Any, max_index: Any, rounds: int = 4, name: str | None = None) -> Any:
    """Returns where a pseudorandom permutation of 0, 1, ..., ``max_index`` puts an index.

    Args:
      index: the index, a scalar, or a vector of several.
      seed: three integers, or a matrix with three for each index.
      max_index: the largest index, a scalar or a vector.
      rounds: how often the cipher mixes: even, and at least 4.
      name: the node's name.

    Returns:
      An index, or a vector of them, of the dtype of ``index``.
    """
    return raw.RandomIndexShuffle(index, seed, max_index, rounds=rounds, name=name)
