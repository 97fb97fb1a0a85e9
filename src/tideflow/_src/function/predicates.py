"""Checks what branches and loops decide by: one boolean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.graph.op_def import OpDef
from tideflow._src.runtime.convert import convert_to_tensor


def holds(condition: Any) -> bool:
    """Returns the truth of a value as Python sees it: numbers and strings count, arrays must have one element.

    Raises:
      ValueError: there are several elements, or none.
    """
    value = np.asarray(condition._value if isinstance(condition, EagerTensor) else condition)
    if value.size != 1:
        raise ValueError(
            f"The truth value of an array with shape {list(value.shape)} is ambiguous. A condition must be one boolean."
        )
    return bool(value.reshape(())[()])


def as_predicate(condition: Any, what: str) -> Any:
    """Returns a condition as a boolean scalar of the graph that is being built.

    Args:
      condition: a tensor or Python value; one of another shape must have one element.
      what: what the condition is, for messages.

    Raises:
      InvalidArgumentError: it is not boolean, or cannot have one element; a shape that is not known is checked
        when it is there.
    """
    tensor: Any = convert_to_tensor(condition)
    if tensor.dtype.base_dtype is not dtypes.bool:
        raise InvalidArgumentError(
            None, None, f"{what} must be of type bool, but {tensor.name} is of type {tensor.dtype.base_dtype.name}."
        )
    shape = tensor.shape._dims
    if shape == ():
        return tensor
    if shape is not None and None not in shape and math.prod(shape) != 1:
        raise InvalidArgumentError(None, None, f"{what} must be a scalar, but {tensor.name} has shape {list(shape)}.")
    return OpDef.registry["Reshape"](tensor, np.zeros(0, np.int32))  # type: ignore[operator]
