"""Polynomials of a tensor."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Any:
    """Evaluates a polynomial by Horner's rule.

    Args:
      coeffs: the coefficients, that of the highest power first; tensors that broadcast with ``x``.
      x: where to evaluate it.
      name: a name for the operation.

    Returns:
      ``coeffs[0] * x**(n - 1) + ... + coeffs[n - 1]``; zeros if there are no coefficients.

    Raises:
      ValueError: ``coeffs`` is not a list.
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with name_scope(name, "polyval", [*coeffs, x]) as scope:
        x = convert_to_tensor(x, name="x")
        if not coeffs:
            return raw.ZerosLike(x, name=scope)
        tensors = [convert_to_tensor(coefficient, name=f"coeff_{index}") for index, coefficient in enumerate(coeffs)]
        value = tensors[0]
        for coefficient in tensors[1:]:
            value = coefficient + value * x
        return value
