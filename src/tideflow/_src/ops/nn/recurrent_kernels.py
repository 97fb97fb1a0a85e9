"""The arithmetic of recurrent block operations, over NumPy and JAX alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError


class Weights(NamedTuple):
    """Is what a block of LSTM cells multiplies by and adds."""

    inputs: Any
    states: Any
    peepholes: tuple[Any, Any, Any] | None
    bias: Any


def require(holds: bool, message: str) -> None:
    """Raises ``InvalidArgumentError`` unless ``holds``."""
    if not holds:
        raise InvalidArgumentError(None, None, message)


def check_shapes(**wanted: tuple[Any, tuple[Any, ...]]) -> None:
    """Checks arrays by name against the shapes that they are to have.

    Raises:
      InvalidArgumentError: one has another.
    """
    for name, (array, shape) in wanted.items():
        require(array.shape == shape, f"{name} must have shape {list(shape)}, but has {list(array.shape)}")


def sigmoid(xp: Any, x: Any) -> Any:
    """Returns the logistic function; of very negative numbers it keeps all digits."""
    return 1 / (1 + xp.exp(-x))


def wide(x: Any) -> Any:
    """Returns 16-bit floats as 32-bit ones."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def lstm_step(xp: Any, gates: Any, cs_prev: Any, weights: Weights, order: str, forget_bias: float, clip: float) -> Any:
    """Computes a step from the products of the gates.

    Args:
      gates: ``inputs @ W + state @ U + b``, of shape ``[batch, 4 * cells]``.
      cs_prev: what the cells remember.
      weights: the peepholes are read.
      order: the order of the gates: ``icfo`` or ``ifco``.
      forget_bias: what is added to the forget gate.
      clip: the limit of what is remembered, if positive.

    Returns:
      The gates i, cs, f, o, ci, co, and h.
    """
    parts = dict(zip(order, xp.split(gates, 4, axis=1), strict=True))
    i, f, o = parts["i"], parts["f"] + gates.dtype.type(forget_bias), parts["o"]
    if weights.peepholes is not None:
        i = i + weights.peepholes[0] * cs_prev
        f = f + weights.peepholes[1] * cs_prev
    i, f, ci = sigmoid(xp, i), sigmoid(xp, f), xp.tanh(parts["c"])
    cs = ci * i + f * cs_prev
    if clip > 0:
        cs = xp.clip(cs, gates.dtype.type(-clip), gates.dtype.type(clip))
    if weights.peepholes is not None:
        o = o + weights.peepholes[2] * cs
    o, co = sigmoid(xp, o), xp.tanh(cs)
    return i, cs, f, o, ci, co, o * co


def lstm_step_back(
    xp: Any, saved: Any, cs_prev: Any, cs_grad: Any, h_grad: Any, weights: Weights, order: str
) -> tuple[Any, Any, tuple[Any, Any, Any]]:
    """Computes the gradient of :func:`lstm_step`.

    Returns:
      The gradients of the products of the gates, of ``cs_prev``, and what the peepholes' gradients sum.
    """
    i, cs, f, o, ci, co = saved
    do = o * (1 - o) * h_grad * co
    dcs = (1 - co * co) * h_grad * o + cs_grad
    if weights.peepholes is not None:
        dcs = dcs + do * weights.peepholes[2]
    parts = {
        "c": (1 - ci * ci) * dcs * i,
        "f": f * (1 - f) * dcs * cs_prev,
        "i": i * (1 - i) * dcs * ci,
        "o": do,
    }
    cs_prev_grad = dcs * f
    if weights.peepholes is not None:
        cs_prev_grad = cs_prev_grad + parts["i"] * weights.peepholes[0] + parts["f"] * weights.peepholes[1]
    dgates = xp.concatenate([parts[gate] for gate in order], axis=1)
    return dgates, cs_prev_grad, (parts["i"] * cs_prev, parts["f"] * cs_prev, do * cs)


def split_weights(w: Any, peepholes: tuple[Any, Any, Any], b: Any, input_size: int, use_peephole: bool) -> Weights:
    """Returns the weights of a block, 32-bit at least."""
    w = wide(w)
    return Weights(
        w[:input_size],
        w[input_size:],
        tuple(map(wide, peepholes)) if use_peephole else None,
        wide(b),  # type: ignore[arg-type]
    )
