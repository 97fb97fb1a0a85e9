"""Gated recurrent units computed at once (Cho et al. 2014, https://arxiv.org/abs/1406.1078)."""

from __future__ import annotations

from tideflow._src.core import dtypes
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn.recurrent_kernels import check_shapes, require, sigmoid
from tideflow._src.runtime.op import op

_TYPES = (dtypes.float32,)


def _check(x, h_prev, w_ru, w_c, b_ru, b_c):
    require(x.ndim == 2, f"x must be a matrix, but has shape {list(x.shape)}")
    require(h_prev.ndim == 2, f"h_prev must be a matrix, but has shape {list(h_prev.shape)}")
    (batch, size), cells = x.shape, h_prev.shape[1]
    check_shapes(
        h_prev=(h_prev, (batch, cells)), w_ru=(w_ru, (size + cells, 2 * cells)), w_c=(w_c, (size + cells, cells)),
        b_ru=(b_ru, (2 * cells,)), b_c=(b_c, (cells,)),
    )  # fmt: skip


@op(
    "GRUBlockCell",
    "x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T -> r: T, u: T, c: T, h: T",
    T=_TYPES,
    differentiable="missing",
)
def gru_block_cell(xp, x, h_prev, w_ru, w_c, b_ru, b_c):
    """Computes a step of gated recurrent units and returns the gates and the new state."""
    _check(x, h_prev, w_ru, w_c, b_ru, b_c)
    r, u = xp.split(sigmoid(xp, xp.concatenate([x, h_prev], 1) @ w_ru + b_ru), 2, axis=1)
    c = xp.tanh(xp.concatenate([x, h_prev * r], 1) @ w_c + b_c)
    return r, u, c, (h_prev - c) * u + c


@gru_block_cell.shape
def _gru_block_cell_shape(x, h_prev, w_ru, w_c, b_ru, b_c):
    x, h_prev = with_rank(x, 2), with_rank(h_prev, 2)
    return [(x[0], h_prev[1])] * 4


def _inputs(s):
    return [s.normal(2, 3), s.normal(2, 4), s.normal(7, 8), s.normal(7, 4), s.normal(8), s.normal(4)]


@gru_block_cell.samples
def _gru_block_cell_samples(s):
    yield s(*_inputs(s))
    good = _inputs(s)
    yield s(*good[:2], s.normal(7, 7), *good[3:], error="InvalidArgumentError")


@op(
    "GRUBlockCellGrad",
    "x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T, r: T, u: T, c: T, d_h: T -> d_x: T, d_h_prev: T, d_c_bar: T, "
    "d_r_bar_u_bar: T",
    T=_TYPES,
    differentiable="missing",
)
def gru_block_cell_grad(xp, x, h_prev, w_ru, w_c, b_ru, b_c, r, u, c, d_h):
    """Computes the gradient of a step of gated recurrent units."""
    _check(x, h_prev, w_ru, w_c, b_ru, b_c)
    state = h_prev.shape
    check_shapes(r=(r, state), u=(u, state), c=(c, state), d_h=(d_h, state))
    size = x.shape[1]
    d_c_bar = d_h * (1 - u) * (1 - c * c)
    d_u_bar = d_h * (h_prev - c) * u * (1 - u)
    through_candidate = d_c_bar @ w_c.T
    d_kept = through_candidate[:, size:]
    d_r_bar = d_kept * h_prev * r * (1 - r)
    d_r_bar_u_bar = xp.concatenate([d_r_bar, d_u_bar], 1)
    through_gates = d_r_bar_u_bar @ w_ru.T
    d_x = through_gates[:, :size] + through_candidate[:, :size]
    d_h_prev = through_gates[:, size:] + d_kept * r + d_h * u
    return d_x, d_h_prev, d_c_bar, d_r_bar_u_bar


@gru_block_cell_grad.shape
def _gru_block_cell_grad_shape(x, h_prev, w_ru, w_c, b_ru, b_c, r, u, c, d_h):
    x, h_prev, w_ru = with_rank(x, 2), with_rank(h_prev, 2), with_rank(w_ru, 2)
    return [x, (x[0], h_prev[1]), (x[0], h_prev[1]), (x[0], w_ru[1])]


@gru_block_cell_grad.samples
def _gru_block_cell_grad_samples(s):
    yield s(*_inputs(s), *(s.uniform(0.1, 0.9, (2, 4)) for _ in range(3)), s.normal(2, 4))
