"""Checks and conversions of the parameters and values of distributions."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.distributions import operations as ops

_UNSIGNED = (dtypes.bool, dtypes.uint8, dtypes.uint16)


def get_logits_and_probs(
    logits: Any = None,
    probs: Any = None,
    multidimensional: bool = False,
    validate_args: bool = False,
    name: str = "get_logits_and_probs",
    dtype: Any = None,
) -> tuple[Any, Any]:
    """Returns log odds and probabilities, given one of both.

    Args:
      logits: log odds, or, of many classes, unnormalized log probabilities along the last axis.
      probs: probabilities.
      multidimensional: whether the last axis is one of many classes.
      validate_args: whether probabilities are checked.
      name: a name for the operations.
      dtype: the dtype of the result, where the argument leaves it open.

    Raises:
      ValueError: both are given, or none.
      TypeError: the argument is not of floating numbers.
    """
    with ops.name_scope(name, values=[probs, logits]):
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        if probs is None:
            logits = ops.convert_to_tensor(logits, name="logits", dtype=dtype)
            if not logits.dtype.is_floating:
                raise TypeError("logits must having floating type.")
            if not multidimensional:
                return logits, ops.sigmoid(logits, name="probs")
            if validate_args:
                logits = embed_check_categorical_event_shape(logits)
            return logits, ops.softmax(logits, name="probs")
        probs = ops.convert_to_tensor(probs, name="probs", dtype=dtype)
        if not probs.dtype.is_floating:
            raise TypeError("probs must having floating type.")
        if validate_args:
            probs = _checked_probabilities(probs, multidimensional)
        with ops.name_scope("logits"):
            if multidimensional:
                return ops.log(probs), probs
            return ops.log(probs) - ops.log1p(-1.0 * probs), probs


def _checked_probabilities(probs: Any, multidimensional: bool) -> Any:
    with ops.name_scope("validate_probs"):
        one = ops.constant(1.0, probs.dtype)
        checks = [ops.assert_non_negative(probs)]
        if multidimensional:
            probs = embed_check_categorical_event_shape(probs)
            checks.append(ops.assert_near(ops.reduce_sum(probs, -1), one, message="probs does not sum to 1."))
        else:
            checks.append(ops.assert_less_equal(probs, one, message="probs has components greater than 1."))
        return ops.with_dependencies(checks, probs)


def embed_check_categorical_event_shape(
    categorical_param: Any, name: str = "embed_check_categorical_event_shape"
) -> Any:
    """Returns a parameter with one entry for each class, having checked that there are two classes at least.

    Raises:
      ValueError: the parameter is a scalar, has one class, or more than its dtype can count. Where the shape is not
        known, what runs the check raises `InvalidArgumentError`.
    """
    with ops.name_scope(name, values=[categorical_param]):
        x = ops.convert_to_tensor(categorical_param, name="categorical_param")
        dtype = x.dtype.base_dtype
        if not dtype.is_floating:
            raise TypeError(f"Unable to validate size of unrecognized dtype ({dtype.name}).")
        most = _largest_integer(dtype)
        scalar = "A categorical-distribution parameter must have at least 1 dimension."
        few = "A categorical-distribution parameter must have at least 2 events."
        if x.shape.ndims == 0:
            raise ValueError(scalar)
        size = None if x.shape.ndims is None else x.shape.as_list()[-1]
        if size is not None:
            if size < 2:
                raise ValueError(few)
            if size > most:
                raise ValueError(
                    f"Number of classes exceeds `dtype` precision, i.e., {dtype.name} implies shape ({size}) "
                    f"cannot exceed {most}."
                )
            return x
        count = ops.shape(x, name="x_shape")[-1]
        many = f"Number of classes exceeds `dtype` precision, i.e., {dtype.name} dtype cannot exceed {most} shape."
        checks = [
            ops.assert_rank_at_least(x, 1, message=scalar),
            ops.assert_greater_equal(ops.shape(x)[-1], 2, message=few),
            ops.assert_less_equal(count, most, message=many),
        ]
        return ops.with_dependencies(checks, x)


def embed_check_integer_casting_closed(
    x: Any, target_dtype: Any, assert_nonnegative: bool = True, name: str = "embed_check_casting_closed"
) -> Any:
    """Returns `x`, having checked that a cast to `target_dtype` and back keeps its integers."""
    with ops.name_scope(name, values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        checks = []
        if assert_nonnegative:
            checks.append(ops.assert_non_negative(x, message="Elements must be non-negative."))
        if x.dtype.is_floating:
            message = f"Elements must be {target_dtype.name}-equivalent."
            checks.append(assert_integer_form(x, int_dtype=target_dtype, message=message))
        else:
            most, least = _largest_integer(target_dtype), _smallest_integer(target_dtype)
            if _largest_integer(x.dtype) > most:
                checks.append(ops.assert_less_equal(x, most, message=f"Elements cannot exceed {most}."))
            if not assert_nonnegative and _smallest_integer(x.dtype) < least:
                message = f"Elements cannot be smaller than {least}."
                checks.append(ops.assert_greater_equal(x, least, message=message))
        return ops.with_dependencies(checks, x) if checks else x


def embed_check_nonnegative_integer_form(x: Any, name: str = "embed_check_nonnegative_integer_form") -> Any:
    """Returns `x`, having checked that it holds integers, none of them negative."""
    with ops.name_scope(name, values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        checks = [ops.assert_non_negative(x, message=f"'{x}' must be non-negative.")]
        if not x.dtype.is_integer:
            checks.append(assert_integer_form(x, message=f"'{x}' cannot contain fractional components."))
        return ops.with_dependencies(checks, x)


def assert_integer_form(
    x: Any, message: str | None = None, int_dtype: Any = None, name: str = "assert_integer_form"
) -> Any:
    """Returns an operation that fails where `x` holds a fraction."""
    with ops.name_scope(name, values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        if x.dtype.is_integer:
            return ops.no_op()
        if int_dtype is None:
            int_dtype = {2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}[x.dtype.size]
        whole = ops.cast(ops.cast(x, int_dtype), x.dtype)
        return ops.assert_equal(x, whole, message=message or f"{x} has non-integer components", name=name)


def log_combinations(n: Any, counts: Any, name: str = "log_combinations") -> Any:
    """Computes the logarithm of the multinomial coefficient of `counts`, along the last axis, out of `n`."""
    with ops.name_scope(name, values=[n, counts]):
        n = ops.convert_to_tensor(n, name="n")
        counts = ops.convert_to_tensor(counts, name="counts")
        return ops.lgamma(n + 1) - ops.reduce_sum(ops.lgamma(counts + 1), axis=[-1])


def gen_new_seed(seed: Any, salt: str) -> int | None:
    """Returns another seed that follows from a seed and a text, or None for None."""
    if seed is None:
        return None
    digest = hashlib.md5(f"{seed}{salt}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) & 0x7FFFFFFF


def _largest_integer(dtype: Any) -> int:
    """Returns the largest integer up to which a dtype holds all."""
    if dtype.is_floating:
        return int(2 ** (np.finfo(dtype.as_numpy_dtype).nmant + 1))
    return 1 if dtype.is_bool else int(np.iinfo(dtype.as_numpy_dtype).max)


def _smallest_integer(dtype: Any) -> int:
    return 0 if dtype.base_dtype in _UNSIGNED else -_largest_integer(dtype)
