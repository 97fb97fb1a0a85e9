"""LSTM cells computed at once: a step, or a whole sequence (Zaremba et al. 2014, https://arxiv.org/abs/1409.2329)."""

from __future__ import annotations

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn.recurrent_kernels import (
    check_shapes,
    lstm_step,
    lstm_step_back,
    require,
    split_weights,
    wide,
)
from tideflow._src.runtime import checks
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_TYPES = (dtypes.float16, dtypes.float32)


def _check_cell(x, cs_prev, h_prev, w, wci, wcf, wco, b):
    require(x.ndim == 2, f"x must be a matrix, but has shape {list(x.shape)}")
    require(cs_prev.ndim == 2, f"cs_prev must be a matrix, but has shape {list(cs_prev.shape)}")
    batch, size, cells = x.shape[0], x.shape[1], cs_prev.shape[1]
    check_shapes(
        cs_prev=(cs_prev, (batch, cells)), h_prev=(h_prev, (batch, cells)), w=(w, (size + cells, 4 * cells)),
        b=(b, (4 * cells,)), wci=(wci, (cells,)), wcf=(wcf, (cells,)), wco=(wco, (cells,)),
    )  # fmt: skip


@op(
    "LSTMBlockCell",
    "x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T -> i: T, cs: T, f: T, o: T, ci: T, co: T, h: T",
    T=_TYPES,
    differentiable="missing",
)
def lstm_block_cell(
    xp, x, cs_prev, h_prev, w, wci, wcf, wco, b,
    *, forget_bias: float = 1.0, cell_clip: float = 3.0, use_peephole: bool = False,
):  # fmt: skip
    """Computes a step of LSTM cells and returns all gates."""
    _check_cell(x, cs_prev, h_prev, w, wci, wcf, wco, b)
    weights = split_weights(w, (wci, wcf, wco), b, x.shape[1], use_peephole)
    gates = wide(x) @ weights.inputs + wide(h_prev) @ weights.states + weights.bias
    results = lstm_step(xp, gates, wide(cs_prev), weights, "icfo", forget_bias, cell_clip)
    return [result.astype(x.dtype) for result in results]


@lstm_block_cell.shape
def _lstm_block_cell_shape(x, cs_prev, h_prev, w, wci, wcf, wco, b):
    x, cs_prev = with_rank(x, 2), with_rank(cs_prev, 2)
    return [(x[0], cs_prev[1])] * 7


def _cell_inputs(s, dtype, batch=2, size=3, cells=4):
    def draw(*shape):
        return s.uniform(-0.8, 0.8, shape, dtype)

    return [
        draw(batch, size), draw(batch, cells), draw(batch, cells), draw(size + cells, 4 * cells),
        draw(cells), draw(cells), draw(cells), draw(4 * cells),
    ]  # fmt: skip


@lstm_block_cell.samples
def _lstm_block_cell_samples(s):
    for dtype in s.dtypes("T"):
        yield s(*_cell_inputs(s, dtype))
    yield s(*_cell_inputs(s, "float32"), use_peephole=True, forget_bias=0.0, cell_clip=0.3)
    yield s(*_cell_inputs(s, "float32"), cell_clip=-1.0)
    good = _cell_inputs(s, "float32")
    yield s(*good[:3], s.normal(2, 16), *good[4:], error="InvalidArgumentError")


@op(
    "LSTMBlockCellGrad",
    "x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T, i: T, cs: T, f: T, o: T, ci: T, co: T, "
    "cs_grad: T, h_grad: T -> cs_prev_grad: T, dicfo: T, wci_grad: T, wcf_grad: T, wco_grad: T",
    T=_TYPES,
    differentiable="missing",
)
def lstm_block_cell_grad(
    xp, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, cs_grad, h_grad, *, use_peephole: bool
):
    """Computes the gradient of a step of LSTM cells."""
    _check_cell(x, cs_prev, h_prev, w, wci, wcf, wco, b)
    state = cs_prev.shape
    check_shapes(
        i=(i, state), cs=(cs, state), f=(f, state), o=(o, state), ci=(ci, state), co=(co, state),
        cs_grad=(cs_grad, state), h_grad=(h_grad, state),
    )  # fmt: skip
    weights = split_weights(w, (wci, wcf, wco), b, x.shape[1], use_peephole)
    dgates, cs_prev_grad, sums = lstm_step_back(
        xp, [wide(item) for item in (i, cs, f, o, ci, co)], wide(cs_prev), wide(cs_grad), wide(h_grad), weights, "icfo"
    )
    peepholes = [item.sum(0) if use_peephole else xp.zeros(state[1:], x.dtype) for item in sums]
    return [item.astype(x.dtype) for item in (cs_prev_grad, dgates, *peepholes)]


@lstm_block_cell_grad.shape
def _lstm_block_cell_grad_shape(x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, cs_grad, h_grad):
    x, cs_prev = with_rank(x, 2), with_rank(cs_prev, 2)
    cells = cs_prev[1]
    return [(x[0], cells), (x[0], None if cells is None else 4 * cells), (cells,), (cells,), (cells,)]


@lstm_block_cell_grad.samples
def _lstm_block_cell_grad_samples(s):
    for use_peephole in (False, True):
        gates = [s.uniform(0.1, 0.9, (2, 4)) for _ in range(6)]
        yield s(*_cell_inputs(s, "float32"), *gates, s.normal(2, 4), s.normal(2, 4), use_peephole=use_peephole)


def _require_length(seq_len_max, steps):
    checks.require((seq_len_max >= 0) & (seq_len_max <= steps), f"seq_len_max must be between 0 and {steps}")


def _sequence(xp, seq_len_max, x, cs_prev, h_prev, w, peepholes, b, order, forget_bias, clip, use_peephole):
    require(x.ndim == 3, f"x must have rank 3, but has shape {list(x.shape)}")
    require(seq_len_max.ndim == 0, f"seq_len_max must be a scalar, but has shape {list(seq_len_max.shape)}")
    steps, batch, size = x.shape
    wci, wcf, wco = peepholes
    _check_cell(np.empty((batch, size), np.bool_), cs_prev, h_prev, w, wci, wcf, wco, b)
    _require_length(seq_len_max, steps)
    weights = split_weights(w, peepholes, b, x.shape[2], use_peephole)
    gates = wide(x) @ weights.inputs + weights.bias
    cs, h = wide(cs_prev), wide(h_prev)
    if xp is np:
        results = np.zeros((7, steps, *cs.shape), cs.dtype)
        for time in range(int(seq_len_max)):
            products = gates[time] + h @ weights.states
            found = lstm_step(np, products, cs, weights, order, forget_bias, clip)
            for index, item in enumerate(found):
                results[index, time] = item
            cs, h = found[1], found[6]
        return [item.astype(x.dtype) for item in results]

    def step(carry, now):
        cs, h = carry
        time, products = now
        found = lstm_step(jnp, products + h @ weights.states, cs, weights, order, forget_bias, clip)
        runs = time < seq_len_max
        return (jnp.where(runs, found[1], cs), jnp.where(runs, found[6], h)), tuple(
            jnp.where(runs, item, 0) for item in found
        )

    _, results = lax.scan(step, (cs, h), (jnp.arange(steps), gates))
    return [item.astype(x.dtype) for item in results]


_SEQUENCE = (
    "seq_len_max: int64, x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T -> i: T, cs: T, f: T, o: T, "
    "ci: T, co: T, h: T"
)


@op("BlockLSTM", _SEQUENCE, T=_TYPES)
def block_lstm(
    xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b,
    *, forget_bias: float = 1.0, cell_clip: float = 3.0, use_peephole: bool = False,
):  # fmt: skip
    """Computes LSTM cells over sequences and returns all gates of all steps."""
    return _sequence(
        xp, seq_len_max, x, cs_prev, h_prev, w, (wci, wcf, wco), b, "icfo", forget_bias, cell_clip, use_peephole
    )


@op("BlockLSTMV2", _SEQUENCE, T=_TYPES)
def block_lstm_v2(
    xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *, cell_clip: float = 0.0, use_peephole: bool = False
):
    """Computes LSTM cells over sequences, with the gates in another order and no bias of forgetting."""
    return _sequence(xp, seq_len_max, x, cs_prev, h_prev, w, (wci, wcf, wco), b, "ifco", 0.0, cell_clip, use_peephole)


def _sequence_shape(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b):
    x, b = with_rank(x, 3), with_rank(b, 1)
    return [(x[0], x[1], None if b[0] is None else b[0] // 4)] * 7


def _sequence_gradient(call, *grads):
    inputs = call.inputs
    if grads[1] is None and grads[6] is None:
        return (None,) * 9
    outputs = call.outputs
    cs_grad = raw.ZerosLike(outputs[1]) if grads[1] is None else grads[1]
    h_grad = raw.ZerosLike(outputs[6]) if grads[6] is None else grads[6]
    back = block_lstm_grad if call.op_def is block_lstm else block_lstm_grad_v2
    found = back(*inputs, *outputs, cs_grad, h_grad, use_peephole=call.attr("use_peephole"))
    return (None, *found)


def _sequence_samples(s):
    for dtype in s.dtypes("T"):
        yield s(np.int64(3), s.uniform(-0.8, 0.8, (3, 2, 3), dtype), *_cell_inputs(s, dtype)[1:], gradient=False)
    yield s(np.int64(3), s.normal(3, 2, 3), *_cell_inputs(s, "float32")[1:], use_peephole=True, gradient=False)
    yield s(np.int64(3), s.normal(3, 2, 3), *_cell_inputs(s, "float32")[1:], cell_clip=0.2, gradient=False)


for _operation in (block_lstm, block_lstm_v2):
    _operation.shape(_sequence_shape)
    _operation.gradient(_sequence_gradient)
    _operation.samples(_sequence_samples)


_SEQUENCE_GRADIENT = (
    "seq_len_max: int64, x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T, i: T, cs: T, f: T, o: T, "
    "ci: T, co: T, h: T, cs_grad: T, h_grad: T -> x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, wci_grad: T, "
    "wcf_grad: T, wco_grad: T, b_grad: T"
)


def _sequence_back(
    xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad, order,
    use_peephole,
):  # fmt: skip
    require(x.ndim == 3, f"x must have rank 3, but has shape {list(x.shape)}")
    steps, batch, size = x.shape
    require(cs_prev.ndim == 2, f"cs_prev must be a matrix, but has shape {list(cs_prev.shape)}")
    cells = cs_prev.shape[1]
    whole = (steps, batch, cells)
    check_shapes(
        cs_prev=(cs_prev, (batch, cells)), h_prev=(h_prev, (batch, cells)), w=(w, (size + cells, 4 * cells)),
        b=(b, (4 * cells,)), i=(i, whole), cs=(cs, whole), f=(f, whole), o=(o, whole), ci=(ci, whole), co=(co, whole),
        h=(h, whole), cs_grad=(cs_grad, whole), h_grad=(h_grad, whole),
    )  # fmt: skip
    weights = split_weights(w, (wci, wcf, wco), b, size, use_peephole)
    saved = [wide(item) for item in (i, cs, f, o, ci, co)]
    cs_before = xp.concatenate([wide(cs_prev)[None], saved[1][:-1]]) if steps else saved[1]
    h_before = xp.concatenate([wide(h_prev)[None], wide(h)[:-1]]) if steps else wide(h)
    dcs = dh = xp.zeros((batch, cells), cs_before.dtype)
    cs_grad, h_grad = wide(cs_grad), wide(h_grad)
    _require_length(seq_len_max, steps)
    if xp is np:
        gates = np.zeros((steps, batch, 4 * cells), cs_before.dtype)
        sums = np.zeros((3, steps, batch, cells), cs_before.dtype)
        for time in reversed(range(int(seq_len_max))):
            gates[time], dcs, products = lstm_step_back(
                np, [item[time] for item in saved], cs_before[time], cs_grad[time] + dcs, h_grad[time] + dh, weights,
                order,
            )  # fmt: skip
            for index, item in enumerate(products):
                sums[index, time] = item
            dh = gates[time] @ weights.states.T
    else:

        def step(carry, now):
            dcs, dh = carry
            time, saved, before, one, other = now
            gates, new_dcs, products = lstm_step_back(jnp, saved, before, one + dcs, other + dh, weights, order)
            runs = time < seq_len_max
            gates = jnp.where(runs, gates, 0)
            return (jnp.where(runs, new_dcs, dcs), gates @ weights.states.T), (
                gates,
                tuple(jnp.where(runs, item, 0) for item in products),
            )

        (dcs, dh), (gates, sums) = lax.scan(
            step, (dcs, dh), (jnp.arange(steps), tuple(saved), cs_before, cs_grad, h_grad), reverse=True
        )
    flat = gates.reshape(-1, 4 * cells)
    w_grad = xp.concatenate([wide(x).reshape(-1, size).T @ flat, h_before.reshape(-1, cells).T @ flat])
    if use_peephole:
        peepholes = [item.sum((0, 1)) for item in sums]
    else:
        peepholes = [xp.zeros(item.shape, x.dtype) for item in (wci, wcf, wco)]
    results = (gates @ weights.inputs.T, dcs, dh, w_grad, *peepholes, flat.sum(0))
    return [item.astype(x.dtype) for item in results]


@op("BlockLSTMGrad", _SEQUENCE_GRADIENT, T=_TYPES, differentiable="missing", checks_shapes=True)
def block_lstm_grad(
    xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad,
    *, use_peephole: bool,
):  # fmt: skip
    """Computes the gradient of ``BlockLSTM``."""
    return _sequence_back(
        xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad, "icfo",
        use_peephole,
    )  # fmt: skip


@op("BlockLSTMGradV2", _SEQUENCE_GRADIENT, T=_TYPES, differentiable="missing", checks_shapes=True)
def block_lstm_grad_v2(
    xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad,
    *, use_peephole: bool,
):  # fmt: skip
    """Computes the gradient of ``BlockLSTMV2``."""
    return _sequence_back(
        xp, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad, "ifco",
        use_peephole,
    )  # fmt: skip


def _sequence_back_shape(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad):
    matrices = [with_rank(item, 2) for item in (cs_prev, h_prev, w)]
    return [with_rank(x, 3), *matrices, *(with_rank(item, 1) for item in (wci, wcf, wco, b))]


def _sequence_back_samples(s):
    for use_peephole in (False, True):
        gates = [s.uniform(0.1, 0.9, (3, 2, 4)) for _ in range(7)]
        yield s(
            np.int64(3), s.normal(3, 2, 3), *_cell_inputs(s, "float32")[1:], *gates, s.normal(3, 2, 4),
            s.normal(3, 2, 4), use_peephole=use_peephole, tolerance=1e-4,  # each step multiplies what rounding left
        )  # fmt: skip


for _operation in (block_lstm_grad, block_lstm_grad_v2):
    _operation.shape(_sequence_back_shape)
    _operation.samples(_sequence_back_samples)
