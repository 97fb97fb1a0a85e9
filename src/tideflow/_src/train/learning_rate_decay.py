"""Learning rates that fall as training goes on, as functions of the global step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def _schedule(decay: Callable[[Any], Any], step: Any) -> Any:
    """Returns the learning rate as a tensor, or eagerly as a function that reads the step when it is called."""
    if context.executing_eagerly():
        return lambda: decay(step)
    return decay(step)


def _initial(learning_rate: Any, *numbers: Any) -> list[Any]:
    """Returns the first rate as a tensor, and numbers or tensors in its dtype."""
    rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
    return [rate, *(cast(number, rate.dtype.base_dtype) for number in numbers)]


def _periods(now: Any, steps: Any, staircase: bool) -> Any:
    """Returns how many times ``steps`` have passed, whole times only for a staircase."""
    return raw.Floor(now / steps) if staircase else now / steps


def _half_cosine(done: Any, periods: Any = None) -> Any:
    """Returns what falls from 1 to 0, as half a cosine, while ``done`` grows from 0 to 1; or runs for more periods."""
    angle = constant(math.pi, done.dtype.base_dtype)
    angle = angle * done if periods is None else angle * (2.0 * periods * done)
    return 0.5 * (1.0 + raw.Cos(angle))


def _check_step(global_step: Any, name: str) -> None:
    if global_step is None:
        raise ValueError(f"Argument `global_step` is required for {name}.")


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Returns ``learning_rate * decay_rate ** (global_step / decay_steps)``.

    Args:
      learning_rate: the rate at the start, a number or tensor.
      global_step: the variable or tensor that counts the steps.
      decay_steps: after how many steps the rate is multiplied by ``decay_rate``.
      decay_rate: the factor.
      staircase: whether the rate changes only after each ``decay_steps``.
      name: the name scope.

    Returns:
      A scalar tensor of the dtype of ``learning_rate``; eagerly, a function that returns it.

    Raises:
      ValueError: no ``global_step`` is given.
    """
    _check_step(global_step, "exponential_decay")

    def decay(step: Any) -> Any:
        with name_scope(name, "ExponentialDecay") as scope:
            initial, steps, rate, now = _initial(learning_rate, decay_steps, decay_rate, step)
            periods = _periods(now, steps, staircase)
            return raw.Mul(initial, raw.Pow(rate, periods), name=scope or None)

    return _schedule(decay, global_step)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Returns ``learning_rate * exp(-decay_rate * global_step / decay_steps)``; see :func:`exponential_decay`."""
    natural = raw.Exp(raw.Neg(decay_rate))
    return exponential_decay(learning_rate, global_step, decay_steps, natural, staircase, name)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """Returns ``values[i]`` for the ``x`` up to ``boundaries[i]``, and the last value beyond.

    Args:
      x: a scalar, usually the global step.
      boundaries: where the value changes, increasing, of the dtype of ``x``.
      values: the values between, one more than boundaries.
      name: the name scope.

    Returns:
      A scalar tensor; eagerly, a function that returns it.

    Raises:
      ValueError: the numbers of boundaries and values, or dtypes, do not fit.
    """
    limits = [convert_to_tensor(item) for item in _flat(boundaries)]
    levels = [convert_to_tensor(item) for item in _flat(values)]
    if len(limits) != len(levels) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    x_dtype: DType = (x if hasattr(x, "dtype") else convert_to_tensor(x)).dtype.base_dtype
    for index, limit in enumerate(limits):
        if limit.dtype.base_dtype is not x_dtype:
            # Python integers fit a step that is counted in 64 bits.
            if limit.dtype.base_dtype is dtypes.int32 and x_dtype is dtypes.int64:
                limits[index] = cast(limit, dtypes.int64)
            else:
                raise ValueError(f"Boundaries ({limit.dtype.base_dtype}) must have the same dtype as x ({x_dtype}).")
    for level in levels[1:]:
        if level.dtype.base_dtype is not levels[0].dtype.base_dtype:
            raise ValueError(
                f"Values must have elements all with the same dtype ({levels[0].dtype.base_dtype} vs "
                f"{level.dtype.base_dtype})."
            )

    def decay(step: Any) -> Any:
        with name_scope(name, "PiecewiseConstant") as scope:
            now = convert_to_tensor(step)
            passed = raw.Greater(now, raw.Pack(limits))
            position = raw.Sum(raw.Cast(passed, DstT=dtypes.int32), [0])
            return raw.GatherV2(raw.Pack(levels), position, 0, name=scope or None)

    return _schedule(decay, x)


def _flat(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """Returns a rate that falls to ``end_learning_rate`` in ``decay_steps``, as a power of what is left of them.

    Args:
      learning_rate: the rate at the start, a number or tensor.
      global_step: the variable or tensor that counts the steps.
      decay_steps: how many steps the fall takes.
      end_learning_rate: the rate at its end.
      power: 1 for a straight line.
      cycle: whether to begin again, over a longer time, instead of staying at the end.
      name: the name scope.

    Returns:
      A scalar tensor of the dtype of ``learning_rate``; eagerly, a function that returns it.

    Raises:
      ValueError: no ``global_step`` is given.
    """
    _check_step(global_step, "polynomial_decay")

    def decay(step: Any) -> Any:
        with name_scope(name, "PolynomialDecay") as scope:
            initial, end, exponent, now, steps = _initial(learning_rate, end_learning_rate, power, step, decay_steps)
            if cycle:
                dtype = initial.dtype.base_dtype
                one = dtype.as_numpy_dtype(1)
                cycles = raw.SelectV2(raw.Equal(now, dtype.as_numpy_dtype(0)), one, raw.Ceil(now / decay_steps))
                steps = raw.Mul(steps, cycles)
            else:
                now = raw.Minimum(now, steps)
            done = now / steps
            fall = initial - end
            return raw.AddV2(raw.Mul(fall, raw.Pow(1 - done, exponent)), end, name=scope or None)

    return _schedule(decay, global_step)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Returns ``learning_rate / (1 + decay_rate * global_step / decay_steps)``; see :func:`exponential_decay`."""
    _check_step(global_step, "inverse_time_decay")

    def decay(step: Any) -> Any:
        with name_scope(name, "InverseTimeDecay") as scope:
            initial, steps, rate, now, one = _initial(learning_rate, decay_steps, decay_rate, step, constant(1))
            periods = _periods(now, steps, staircase)
            return raw.RealDiv(initial, raw.AddV2(one, raw.Mul(rate, periods), name="Add"), name=scope or None)

    return _schedule(decay, global_step)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Any:
    """Returns a rate that falls to ``alpha`` times itself in ``decay_steps``, as half a cosine (Loshchilov 2016).

    Args:
      learning_rate: the rate at the start, a number or tensor.
      global_step: the variable or tensor that counts the steps.
      decay_steps: how many steps the fall takes.
      alpha: what is left of the rate at the end.
      name: the name scope.

    Returns:
      A scalar tensor of the dtype of ``learning_rate``; eagerly, a function that returns it.

    Raises:
      ValueError: no ``global_step`` is given.
    """
    _check_step(global_step, "cosine_decay")

    def decay(step: Any) -> Any:
        with name_scope(name, "CosineDecay"):
            initial, steps, now = _initial(learning_rate, decay_steps, step)
            done = raw.Minimum(now, steps) / steps
            return raw.Mul(initial, (1 - alpha) * _half_cosine(done) + alpha)

    return _schedule(decay, global_step)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = None,
) -> Any:
    """Returns a rate that falls as :func:`cosine_decay` and starts again and again (Loshchilov and Hutter 2016).

    Args:
      learning_rate: the rate at the start, a number or tensor.
      global_step: the variable or tensor that counts the steps.
      first_decay_steps: how many steps the first fall takes.
      t_mul: how much longer each fall takes than the one before.
      m_mul: how much of the rate each starts with, compared with the one before.
      alpha: what is left of the rate at the end of a fall.
      name: the name scope.

    Returns:
      A scalar tensor of the dtype of ``learning_rate``; eagerly, a function that returns it.

    Raises:
      ValueError: no ``global_step`` is given.
    """
    _check_step(global_step, "cosine_decay_restarts")

    def decay(step: Any) -> Any:
        with name_scope(name, "SGDRDecay") as scope:
            initial, steps, least, longer, smaller, now = _initial(
                learning_rate, first_decay_steps, alpha, t_mul, m_mul, step
            )
            done = now / steps
            if float(t_mul) == 1.0:
                restarts = raw.Floor(done)
                done = done - restarts
            else:
                restarts = raw.Floor(raw.Log(1.0 - done * (1.0 - longer)) / raw.Log(longer))
                before = (1.0 - raw.Pow(longer, restarts)) / (1.0 - longer)
                done = (done - before) / raw.Pow(longer, restarts)
            height = raw.Pow(smaller, restarts)
            return raw.Mul(initial, (1 - least) * (height * _half_cosine(done)) + least, name=scope or None)

    return _schedule(decay, global_step)


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Any:
    """Returns a rate that falls along a line times a cosine (Bello et al. 2017).

    Args:
      learning_rate: the rate at the start, a number or tensor.
      global_step: the variable or tensor that counts the steps.
      decay_steps: how many steps the fall takes.
      num_periods: how many periods of the cosine it takes.
      alpha, beta: the rate is ``((alpha + line) * cosine + beta)`` times the initial one.
      name: the name scope.

    Returns:
      A scalar tensor of the dtype of ``learning_rate``; eagerly, a function that returns it.

    Raises:
      ValueError: no ``global_step`` is given.
    """
    _check_step(global_step, "linear_cosine_decay")

    def decay(step: Any) -> Any:
        with name_scope(name, "LinearCosineDecay") as scope:
            initial, steps, periods, first, last, now = _initial(
                learning_rate, decay_steps, num_periods, alpha, beta, step
            )
            now = raw.Minimum(now, steps)
            line = (steps - now) / steps
            return raw.Mul(initial, (first + line) * _half_cosine(now / steps, periods) + last, name=scope or None)

    return _schedule(decay, global_step)


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: float = 1.0,
    variance_decay: float = 0.55,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Any:
    """Returns what :func:`linear_cosine_decay` does, with normal noise on the line, which falls, too.

    Args:
      learning_rate, global_step, decay_steps, num_periods, alpha, beta, name: as of :func:`linear_cosine_decay`.
      initial_variance: the variance of the noise at the start.
      variance_decay: the power of the step with which it falls.

    Returns:
      A scalar tensor of the dtype of ``learning_rate``; eagerly, a function that returns it.

    Raises:
      ValueError: no ``global_step`` is given.
    """
    _check_step(global_step, "noisy_linear_cosine_decay")
    from tideflow._src.ops.random.stateful_functions import random_normal

    def decay(step: Any) -> Any:
        with name_scope(name, "NoisyLinearCosineDecay") as scope:
            initial, steps, variance, fall, periods, first, last, now = _initial(
                learning_rate, decay_steps, initial_variance, variance_decay, num_periods, alpha, beta, step
            )
            now = raw.Minimum(now, steps)
            line = (steps - now) / steps
            spread = raw.Sqrt(variance / raw.Pow(1.0 + now, fall))
            noisy = line + random_normal(line.shape, stddev=spread, dtype=line.dtype)
            return raw.Mul(initial, (first + noisy) * _half_cosine(now / steps, periods) + last, name=scope or None)

    return _schedule(decay, global_step)
