"""Connectionist temporal classification: the forward-backward algorithm, for a whole batch at once.

The algorithm (Graves and others: "Connectionist temporal classification", ICML 2006) adds up the probabilities of all
ways to spread a label sequence over the frames. Only time is a loop here; examples and label positions are arrays.

Probabilities are products of many factors, so the usual program works with logarithms, and spends its time on them.
This one multiplies, and rescales in each frame: a state whose probability falls below 1e-308 of its frame's then counts
as zero. What was lost that way is bounded by 1e-308 over the share that the rest has (``agreement`` below): where that
bound is not negligible, the logarithms are used after all.

Shapes: T frames, B examples, C classes, L labels, U = 2 L + 1 states: blank, label, blank, ..., label, blank.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.runtime.lazy import jnp, lax

#: Below this share the rescaled probabilities may have lost something that matters.
_LEAST_AGREEMENT = 1e-280


class States(NamedTuple):
    """Is what the states of a batch are and how they follow each other.

    Attributes:
      classes: the class that each state stands for, int64 ``[B, U]``.
      exists: whether the example has that many states, bool ``[B, U]``.
      stays: 1 where a state may last, else 0, float64 ``[B, U]``.
      skips: 1 where a state may follow the one two before it, else 0, float64 ``[B, U]``.
      final: 1 for the states that end the sequence, else 0, float64 ``[B, U]``.
    """

    classes: Any
    exists: Any
    stays: Any
    skips: Any
    final: Any


def states_of(xp: Any, labels: Any, label_length: Any, blank: int, merge_repeated: bool) -> States:
    """Returns the states of label sequences, int64 ``[B, L]``, of which ``label_length`` count."""
    batch, length = labels.shape
    number = np.arange(2 * length + 1)
    is_label = number % 2 == 1
    padded = xp.concatenate([labels, xp.zeros((batch, 1), labels.dtype)], axis=1)
    classes = xp.where(is_label, padded[:, number // 2], blank)
    exists = number <= 2 * label_length[:, None]
    stays = xp.where(merge_repeated | ~is_label, 1.0, 0.0) * xp.ones((batch, 1))
    before = xp.concatenate([xp.full((batch, 2), -1, classes.dtype), classes[:, :-2]], axis=1)[:, : number.size]
    repeats = (classes == before) if merge_repeated else xp.zeros(classes.shape, bool)
    skips = xp.where(is_label & (number > 1) & ~repeats, 1.0, 0.0)
    last = 2 * label_length[:, None]
    final = xp.where((number == last) | (number == last - 1), 1.0, 0.0)
    return States(classes, exists, stays, skips, final)


def loss_and_gradient(
    xp: Any, inputs: Any, labels: Any, label_length: Any, input_length: Any, blank: int, merge_repeated: bool
) -> tuple[Any, Any]:
    """Returns the loss of each example and its gradient with respect to the logits.

    Args:
      xp: `numpy` or `jax.numpy`.
      inputs: logits ``[T, B, C]``.
      labels: int64 ``[B, L]``.
      label_length: how many labels of each example count, ``[B]``.
      input_length: how many frames of each example count, ``[B]``.
      blank: the class that stands for no label.
      merge_repeated: whether a label may last for several frames.
    """
    steps, _, classes = inputs.shape
    shifted = xp.exp(inputs - inputs.max(axis=2, keepdims=True))
    softmax = shifted / shifted.sum(axis=2, keepdims=True)
    states = states_of(xp, labels, label_length, blank, merge_repeated)
    chances = xp.take_along_axis(softmax, xp.where(states.exists, states.classes, 0)[None], axis=2)
    chances = xp.where(states.exists, chances, 0).astype(np.float64)
    if xp is np:
        posterior, log_likelihood, agreement = _scaled_host(chances, states, input_length)
        doubtful = np.flatnonzero(~(agreement > _LEAST_AGREEMENT))
        if doubtful.size:
            some = States(*[item[doubtful] for item in states])
            posterior[:, doubtful], log_likelihood[doubtful] = _logarithmic(
                np, _log_chances(np, inputs[:, doubtful], some), some, input_length[doubtful]
            )
    else:
        posterior, log_likelihood, agreement = _scaled_compiled(chances, states, input_length)
        posterior, log_likelihood = lax.cond(
            xp.all(agreement > _LEAST_AGREEMENT),
            lambda: (posterior, log_likelihood),
            lambda: _logarithmic(xp, _log_chances(xp, inputs, states), states, input_length),
        )
    posterior = posterior.astype(inputs.dtype)
    spread = _by_class(xp, posterior, states, blank, classes)
    counts = (np.arange(steps)[:, None] < input_length)[:, :, None]
    difference = xp.where(xp.isnan(log_likelihood)[:, None], np.nan, softmax - spread)
    gradient = xp.where(counts, difference, 0).astype(inputs.dtype)
    return (-log_likelihood).astype(inputs.dtype), gradient


def _by_class(xp: Any, posterior: Any, states: States, blank: int, classes: int) -> Any:
    """Adds up what the states of one class have: ``[T, B, U]`` to ``[T, B, C]``."""
    steps, batch, _ = posterior.shape
    of_labels = posterior[:, :, 1::2]
    if xp is np:
        rows = np.arange(steps * batch).reshape(steps, batch, 1) * classes
        places = rows + states.classes[:, 1::2]
        size = steps * batch * classes
        spread = np.bincount(places.reshape(-1), of_labels.reshape(-1), size)
        spread = spread.astype(posterior.dtype).reshape(steps, batch, classes)
        spread[:, :, blank] += posterior[:, :, 0::2].sum(axis=2)
        return spread
    hot = (states.classes[:, 1::2, None] == np.arange(classes)).astype(posterior.dtype)
    spread = xp.einsum("tbl,blc->tbc", of_labels, hot)
    return spread.at[:, :, blank].add(posterior[:, :, 0::2].sum(axis=2))


def _scaled_host(chances: Any, states: States, input_length: Any) -> tuple[Any, Any, Any]:
    """Runs forward and backward with rescaled probabilities.

    Returns:
      The probability of each state at each time given the labels, ``[T, B, U]``; the logarithm of the likelihood
      ``[B]``; and, of each example, the smallest share that the states of one frame which count both
      forward and backward have, between 0 and 1.
    """
    steps, batch, count = chances.shape
    _, _, stays, skips, final = states
    every_stays = bool((stays == 1).all())
    # Two columns of zeros come before the states, so that a shift is a slice.
    forward = np.zeros((steps, batch, count + 2))
    scales = np.ones((steps, batch))
    moved = np.empty((batch, count))
    skipped = np.empty((batch, count))
    forward[0, :, 2:4] = chances[0, :, :2]
    for time in range(steps):
        now = forward[time]
        if time:
            before = forward[time - 1]
            np.multiply(before[:, :-2], skips, out=skipped)
            if every_stays:
                np.add(before[:, 2:], before[:, 1:-1], out=moved)
            else:
                np.multiply(before[:, 2:], stays, out=moved)
                moved += before[:, 1:-1]
            moved += skipped
            np.multiply(moved, chances[time], out=now[:, 2:])
        total = now.sum(axis=1)
        total[total == 0] = 1
        scales[time] = total
        now /= total[:, None]
    ahead = np.zeros((batch, count + 2))
    backward = np.zeros((batch, count))
    agreement = np.ones(batch)
    shares = np.empty((steps, batch))
    for time in range(steps - 1, -1, -1):
        if time < steps - 1:
            np.multiply(backward, chances[time + 1], out=ahead[:, :-2])
            np.multiply(ahead[:, :-2], stays, out=backward)
            backward += ahead[:, 1:-1]
            np.multiply(ahead[:, :-2], skips, out=skipped)
            backward[:, :-2] += skipped[:, 2:]
            top = backward.max(axis=1)
            top[top == 0] = 1
            backward /= top[:, None]
        ends = input_length == time + 1
        if ends.any():
            backward[ends] = final[ends]
        posterior = forward[time, :, 2:]
        posterior *= backward
        shares[time] = share = posterior.sum(axis=1)
        counts = time < input_length
        np.minimum(agreement, np.where(counts, share, 1), out=agreement)
        np.divide(posterior, np.where(share == 0, 1, share)[:, None], out=posterior)
    times = np.maximum(input_length - 1, 0)
    totals = np.cumsum(np.log(scales), axis=0)[times, np.arange(batch)]
    log_likelihood = totals + np.log(shares[times, np.arange(batch)])
    return forward[:, :, 2:], log_likelihood, agreement


def _scaled_compiled(chances: Any, states: States, input_length: Any) -> tuple[Any, Any, Any]:
    """Does what :func:`_scaled_host` does, in a compiled program."""
    steps, batch, _ = chances.shape
    _, _, stays, skips, final = states
    start = jnp.where(np.arange(chances.shape[2]) < 2, chances[0], 0)

    def rescaled(values: Any, size: Any) -> tuple[Any, Any]:
        size = jnp.where(size == 0, 1, size)
        return values / size[:, None], size

    def follow(before: Any, chance: Any) -> tuple[Any, Any]:
        moved = before * stays + _shift(before, 1) + _shift(before, 2) * skips
        now, total = rescaled(moved * chance, (moved * chance).sum(axis=1))
        return now, (now, total)

    first, total = rescaled(start, start.sum(axis=1))
    _, (rest, totals) = lax.scan(follow, first, chances[1:])
    forward = jnp.concatenate([first[None], rest])
    scales = jnp.concatenate([total[None], totals])

    def precede(after: Any, given: Any) -> tuple[Any, Any]:
        chance, time = given
        ahead = after * chance
        moved = ahead * stays + _shift(ahead, -1) + _shift(ahead * skips, -2)
        now, _ = rescaled(moved, moved.max(axis=1))
        now = jnp.where((input_length == time + 1)[:, None], final, now)
        return now, now

    nothing = jnp.concatenate([chances[1:], jnp.zeros_like(chances[:1])])
    _, backward = lax.scan(precede, jnp.zeros_like(start), (nothing, jnp.arange(steps)), reverse=True)
    posterior = forward * backward
    shares = posterior.sum(axis=2)
    counts = np.arange(steps)[:, None] < input_length
    agreement = jnp.where(counts, shares, 1).min(axis=0)
    posterior = posterior / jnp.where(shares == 0, 1, shares)[:, :, None]
    times = jnp.maximum(input_length - 1, 0)
    totals = jnp.cumsum(jnp.log(scales), axis=0)[times, np.arange(batch)]
    return posterior, totals + jnp.log(shares[times, np.arange(batch)]), agreement


def _shift(values: Any, by: int, fill: float = 0.0) -> Any:
    """Moves columns to the right, or to the left if ``by`` is negative."""
    if by > 0:
        return jnp.pad(values, ((0, 0), (by, 0)), constant_values=fill)[:, : values.shape[1]]
    return jnp.pad(values, ((0, 0), (0, -by)), constant_values=fill)[:, -by:]


def _log_chances(xp: Any, inputs: Any, states: States) -> Any:
    wide = inputs.astype(np.float64)
    wide = wide - wide.max(axis=2, keepdims=True)
    logs = wide - xp.log(xp.exp(wide).sum(axis=2, keepdims=True))
    # What float32 cannot hold as a probability is impossible in TensorFlow, whose softmax is not logarithmic.
    logs = xp.where(xp.exp(logs).astype(inputs.dtype) == 0, -np.inf, logs)
    chosen = xp.take_along_axis(logs, xp.where(states.exists, states.classes, 0)[None], axis=2)
    return xp.where(states.exists, chosen, -np.inf)


def _logarithmic(xp: Any, chances: Any, states: States, input_length: Any) -> tuple[Any, Any]:
    """Runs forward and backward with logarithms; returns the posterior and the logarithm of the likelihood."""
    steps, batch, count = chances.shape
    stays, skips, final = (xp.where(item > 0, 0.0, -np.inf) for item in states[2:])

    def shift(values: Any, by: int) -> Any:
        if xp is not np:
            return _shift(values, by, -np.inf)
        result = np.full(values.shape, -np.inf)
        if by > 0:
            result[:, by:] = values[:, : max(count - by, 0)]
        else:
            result[:, :by] = values[:, -by:]
        return result

    def add(*terms: Any) -> Any:
        return xp.logaddexp(xp.logaddexp(terms[0], terms[1]), terms[2])

    def follow(before: Any, chance: Any) -> tuple[Any, Any]:
        now = add(before + stays, shift(before, 1), shift(before, 2) + skips) + chance
        return now, now

    def precede(after: Any, given: Any) -> tuple[Any, Any]:
        chance, time = given
        ahead = after + chance
        now = add(ahead + stays, shift(ahead, -1), shift(ahead + skips, -2))
        now = xp.where((input_length == time + 1)[:, None], final, now)
        return now, now

    first = xp.where(np.arange(count) < 2, chances[0], -np.inf)
    nothing = xp.full((batch, count), -np.inf)
    after = xp.concatenate([chances[1:], nothing[None]])
    if xp is np:
        forward, backward = [first], []
        for time in range(1, steps):
            forward.append(follow(forward[-1], chances[time])[0])
        carried = nothing
        for time in range(steps - 1, -1, -1):
            carried = precede(carried, (after[time], time))[0]
            backward.append(carried)
        both = np.stack(forward) + np.stack(backward[::-1])
    else:
        _, rest = lax.scan(follow, first, chances[1:])
        _, behind = lax.scan(precede, nothing, (after, jnp.arange(steps)), reverse=True)
        both = xp.concatenate([first[None], rest]) + behind
    top = both.max(axis=2, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0.0)
    shares = xp.exp(both - top)
    size = shares.sum(axis=2, keepdims=True)
    times = xp.maximum(input_length - 1, 0)
    likelihood = (xp.log(size) + top)[times, np.arange(batch), 0]
    # Where there is no way at all, the gradient is that of the other classes.
    return xp.where(size > 0, shares / xp.where(size > 0, size, 1.0), shares), likelihood
