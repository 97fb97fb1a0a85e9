"""``tf.as_string``, ``tf.edit_distance`` and ``tf.fingerprint``: what the root namespace has of the strings.

They reach their operations by name, so that importing them loads none of the families.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.sparse_tensor import is_sparse


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Any:
    """Writes the elements of a tensor as text.

    Args:
      input: a tensor of numbers, booleans or strings.
      precision: how many digits follow the decimal point; only for floating-point and complex numbers.
      scientific: whether to write floating-point numbers with an exponent.
      shortest: whether to write them with or without an exponent, whichever is shorter.
      width: the least number of characters of each number.
      fill: what to fill up with: spaces if empty, ``"0"`` for zeros; ``"-"`` puts the number to the left, ``"+"`` or
        a space in the place of the sign of positive numbers.
      name: the name of the operation.

    Returns:
      A string tensor of the shape of ``input``.

    Raises:
      InvalidArgumentError: a format that numbers of this type do not have.
    """
    return raw.AsString(
        input, precision=precision, scientific=scientific, shortest=shortest, width=width, fill=fill, name=name
    )


def edit_distance(hypothesis: Any, truth: Any, normalize: bool = True, name: str | None = "edit_distance") -> Any:
    """Computes how many insertions, deletions and substitutions make one sequence of another.

    Args:
      hypothesis: a ``SparseTensor`` whose last dimension holds sequences.
      truth: a ``SparseTensor`` of the same type and rank.
      normalize: whether to divide by the length of the sequence in ``truth``; of an empty one the result is infinite.
      name: the name of the operation.

    Returns:
      A float32 tensor of the larger shape of the two, without the last dimension.

    Raises:
      TypeError: an argument is not sparse.
      InvalidArgumentError: the ranks differ, or are less than 2.
    """
    if not is_sparse(hypothesis):
        raise TypeError("Hypothesis must be a SparseTensor.")
    if not is_sparse(truth):
        raise TypeError("Truth must be a SparseTensor.")
    return raw.EditDistance(
        hypothesis.indices,
        hypothesis.values,
        hypothesis.dense_shape,
        truth.indices,
        truth.values,
        truth.dense_shape,
        normalize=normalize,
        name=name,
    )


def fingerprint(data: Any, method: Any = "farmhash64", name: str | None = None) -> Any:
    """Computes a fingerprint of 8 bytes of each row of a tensor.

    Args:
      data: a tensor of any type with at least one dimension.
      method: ``"farmhash64"``.
      name: the name of the operation.

    Returns:
      A uint8 tensor of shape ``[data.shape[0], 8]``: the fingerprints with the lowest byte first.
    """
    return raw.Fingerprint(data, method, name=name)
