"""Datasets whose classes are drawn to be distributed as wanted: ``Dataset.rejection_resample``.

Where class i has the share p(i) and is to have t(i), it is over-represented in proportion to p(i) / t(i). With M and m
for the largest and the smallest of t(i) / p(i), an element is taken from the dataset as it is with probability m, and
else from one that keeps elements of class i with probability (t(i) / p(i) - m) / (M - m): that leaves out as few as
possible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.float_errors import quiet
from tideflow._src.function.conditional import cond
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.random.stateful_functions import random_uniform
from tideflow._src.runtime.convert import convert_to_tensor

#: How many elements go into each step of the estimate of a distribution, and how many of each class it begins with.
_STEP, _BEFORE = 32, 10


def resampled(dataset: Any, class_func: Callable[..., Any], target: Any, initial: Any, seed: Any) -> Any:
    """Returns a dataset of pairs of a class and an element, whose classes are distributed as wanted.

    Args:
      dataset: the dataset.
      class_func: takes an element as the function of ``map`` does, and returns its class.
      target: the wanted share of each class.
      initial: the share of each in the dataset, or None.
      seed: the seed of the choices.
    """
    kind: Any = type(dataset)
    wanted = raw.Cast(convert_to_tensor(target), DstT=dtypes.float32)
    if initial is None:
        shares = _estimates(dataset.map(class_func), wanted)
        chances = shares.map(lambda found: _chances(found, wanted))
        kept, original = chances.map(lambda kept, _: kept), chances.map(lambda _, original: original)
        known = None
    else:
        given = raw.Cast(convert_to_tensor(initial), DstT=dtypes.float32)
        shares = kind.from_tensors(given).repeat()
        kept, original = (kind.from_tensors(found).repeat() for found in _chances(given, wanted))
        known = _known_chance(given, wanted)
    filtered = _filtered(dataset, class_func, kept, shares, seed).prefetch(3)

    def with_class(*element: Any) -> Any:
        return class_func(*element), element[0] if len(element) == 1 else element

    if known == 1:
        return dataset.map(with_class)
    if known == 0:
        return filtered
    weights = original.map(lambda chance: raw.Pack([chance, 1.0 - chance]))
    return kind.sample_from_datasets([dataset.map(with_class), filtered], weights, seed, stop_on_empty_dataset=True)


def _chances(shares: Any, wanted: Any) -> tuple[Any, Any]:
    """Returns how likely each class is kept, and how likely an element is taken without looking at its class."""
    # A class that there is none of must not divide by zero.
    ratios = wanted / (shares + np.finfo(np.float32).tiny)
    most, least = raw.Max(ratios, [0]), raw.Min(ratios, [0])
    return (ratios - least) / (most - least), least


def _known_chance(shares: Any, wanted: Any) -> float | None:
    """Returns how likely an element is taken without looking at its class, where that is known now."""
    have, want = static_value(shares), static_value(wanted)
    if have is None or want is None:
        return None
    with quiet():
        return float(np.min(want / have))


def _estimates(classes: Any, wanted: Any) -> Any:
    """Returns a dataset of the shares of classes among the elements up to each."""
    count = wanted.shape[0] if wanted.shape.rank else None
    if count is None:
        count = raw.Reshape(raw.Shape(wanted), np.zeros(0, np.int32))
    before = raw.Fill(
        raw.Reshape(convert_to_tensor(count, dtypes.int32), [1]), convert_to_tensor(_BEFORE, dtypes.int64)
    )

    def step(seen: Any, batch: Any) -> Any:
        one, zero = convert_to_tensor(1, dtypes.int64), convert_to_tensor(0, dtypes.int64)
        found = seen + raw.Sum(raw.OneHot(batch, count, one, zero), [0])
        shares = raw.Cast(found, DstT=dtypes.float64) / raw.Cast(raw.Sum(found, [0]), DstT=dtypes.float64)
        return found, raw.Tile(raw.ExpandDims(raw.Cast(shares, DstT=dtypes.float32), 0), [_STEP, 1])

    return classes.batch(_STEP).scan(before, step).unbatch()


def _filtered(dataset: Any, class_func: Callable[..., Any], kept: Any, shares: Any, seed: Any) -> Any:
    """Returns a dataset of classes and elements, of each class as many as it is likely to be kept."""
    kind: Any = type(dataset)

    def reported(chances: Any, found: Any) -> Any:
        rejected = raw.Sum((1.0 - chances) * found, [0])
        message = "Proportion of examples rejected by sampler is high: "
        return cond(
            rejected < 0.5,
            lambda: chances,
            lambda: raw.Print(chances, [rejected, found, chances], message=message, summarize=100, first_n=10),
        )

    def with_chance(chances: Any, element: Any) -> Any:
        found = class_func(*element) if isinstance(element, tuple) else class_func(element)
        return found, raw.GatherV2(chances, found, 0), element

    pairs = kind.zip((kind.zip((kept, shares)).map(reported), dataset)).map(with_chance)
    chosen = pairs.filter(lambda found, chance, element: random_uniform([], seed=seed) < chance)
    return chosen.map(lambda found, chance, element: (found, element))
