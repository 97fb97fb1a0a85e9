"""Chooses boxes by their scores and drops those that overlap better ones too much: the algorithms.

The boxes are looked at in the order of their scores. Instead of comparing them one by one, a block of the next
candidates is compared at once with everything that is selected already, and then with each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Gives, for two arrays of numbers of boxes, how much each of the first overlaps each of the second.
Similarity = Callable[[Array, Array], Array]

_BLOCK = 256


def overlap_of(boxes: Array) -> Similarity:
    """Returns the function that computes intersection over union for boxes of shape [count, 4]."""
    top, bottom = np.minimum(boxes[:, 0], boxes[:, 2]), np.maximum(boxes[:, 0], boxes[:, 2])
    left, right = np.minimum(boxes[:, 1], boxes[:, 3]), np.maximum(boxes[:, 1], boxes[:, 3])
    area = (bottom - top) * (right - left)
    zero = boxes.dtype.type(0)

    def similarity(first: Array, second: Array) -> Array:
        high = np.minimum(bottom[first][:, None], bottom[second])
        high -= np.maximum(top[first][:, None], top[second])
        np.maximum(high, zero, out=high)
        wide = np.minimum(right[first][:, None], right[second])
        wide -= np.maximum(left[first][:, None], left[second])
        np.maximum(wide, zero, out=wide)
        high *= wide
        np.add(area[first][:, None], area[second], out=wide)
        wide -= high
        areas = (area[first] > 0)[:, None] & (area[second] > 0)
        return np.divide(high, wide, out=np.zeros_like(high), where=areas)

    return similarity


def overlap_from(overlaps: Array) -> Similarity:
    """Returns the function that reads how much boxes overlap from a matrix of shape [count, count]."""
    return lambda first, second: overlaps[first][:, second]


def select(scores: Array, size: int, similarity: Similarity, threshold: Any, score_threshold: Any) -> Array:
    """Returns the numbers of the boxes to keep, best first.

    Args:
      scores: the score of each box.
      size: how many to keep at most.
      similarity: tells how much boxes overlap.
      threshold: a box is dropped if it overlaps one that is kept by more than this.
      score_threshold: only boxes with higher scores are looked at.
    """
    candidates = np.flatnonzero(scores > score_threshold)
    candidates = candidates[np.argsort(-scores[candidates], kind="stable")]
    selected = np.empty(min(size, len(candidates)), np.int64)
    count = 0
    for start in range(0, len(candidates), _BLOCK):
        if count == len(selected):
            break
        block = candidates[start : start + _BLOCK]
        if count:
            block = block[~(similarity(block, selected[:count]) > threshold).any(axis=1)]
        clashes = similarity(block, block) > threshold
        alive = np.ones(len(block), bool)
        for place, number in enumerate(block.tolist()):
            if not alive[place]:
                continue
            selected[count] = number
            count += 1
            if count == len(selected):
                break
            alive &= ~clashes[:, place]
    return selected[:count]


def select_softly(
    scores: Array, size: int, similarity: Similarity, score_threshold: Any, sigma: Any
) -> tuple[Array, Array]:
    """Returns the numbers of the boxes to keep and their scores, which overlaps with better boxes make smaller.

    After Bodla and others, "Soft-NMS: Improving Object Detection With One Line of Code", 2017: each selected box
    multiplies the scores of the others by exp(-overlap**2 / (2 * sigma)).
    """
    current = scores.copy()
    numbers = np.flatnonzero(current > score_threshold)
    scale = scores.dtype.type(-0.5) / scores.dtype.type(sigma)
    selected: list[Any] = []
    kept: list[Any] = []
    while len(numbers) and len(selected) < size:
        best = int(np.argmax(current[numbers]))
        number = numbers[best]
        selected.append(number)
        kept.append(current[number])
        numbers = np.delete(numbers, best)
        overlap = similarity(numbers, np.array([number]))[:, 0]
        current[numbers] *= np.exp(scale * overlap * overlap)
        numbers = numbers[current[numbers] > score_threshold]
    return np.array(selected, np.int64), np.array(kept, scores.dtype)
