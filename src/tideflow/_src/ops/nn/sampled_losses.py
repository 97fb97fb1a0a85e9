"""Losses over a sample of the classes: noise-contrastive estimation and sampled softmax.

Where there are as many classes as words in a language, the whole softmax costs too much to train with. These losses
look at the true classes and at a few sampled ones, and correct the logits by how often each was to be expected.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.constants import ones_like, zeros_like
from tideflow._src.ops.array.identity import stop_gradient
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.array.slicing import slice as slice_of
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.math.matrix_product_functions import matmul
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.math.unary import log
from tideflow._src.ops.nn.candidate_sampling import compute_accidental_hits, log_uniform_candidate_sampler
from tideflow._src.ops.nn.embedding import embedding_lookup_v1
from tideflow._src.ops.nn.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = ["nce_loss", "nce_loss_v1", "sampled_softmax_loss", "sampled_softmax_loss_v1"]


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    name: str = "nce_loss",
) -> Any:
    """Computes the loss of noise-contrastive estimation (Gutmann, Hyvärinen: AISTATS 2010).

    Args:
      weights: the embeddings of the classes, shape ``[num_classes, dim]``; or a list of parts, split into ranges.
      biases: the biases of the classes, shape ``[num_classes]``.
      labels: the true classes, integers of shape ``[batch_size, num_true]``.
      inputs: the activations, shape ``[batch_size, dim]``.
      num_sampled: how many classes to sample for the whole batch.
      num_classes: the number of classes.
      num_true: how many true classes each example has.
      sampled_values: what a candidate sampler gave; a log-uniform one without repetition by default.
      remove_accidental_hits: whether a sampled class that is a true one of an example does not count for it.
      name: the name of the scope.

    Returns:
      The loss of each example, shape ``[batch_size]``.
    """
    return nce_loss_v1(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        "div", name,
    )  # fmt: skip


def nce_loss_v1(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Any:
    """Computes the loss of noise-contrastive estimation; see :func:`nce_loss`.

    Args:
      weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        name: see :func:`nce_loss`.
      partition_strategy: how classes are split over several parts: in turn (``"mod"``), or in ranges (``"div"``).
    """
    logits, targets = _sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy, name,
    )  # fmt: skip
    losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses")
    return reduce_sum(losses, 1)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: Any = None,
    name: str = "sampled_softmax_loss",
) -> Any:
    """Computes the cross-entropy over the true and some sampled classes (Jean and others: arXiv 1412.2007).

    Args:
      weights: the embeddings of the classes, shape ``[num_classes, dim]``; or a list of parts, split into ranges.
      biases: the biases of the classes, shape ``[num_classes]``.
      labels: the true classes, integers of shape ``[batch_size, num_true]``.
      inputs: the activations, shape ``[batch_size, dim]``.
      num_sampled: how many classes to sample for the whole batch.
      num_classes: the number of classes.
      num_true: how many true classes each example has.
      sampled_values: what a candidate sampler gave; a log-uniform one without repetition by default.
      remove_accidental_hits: whether a sampled class that is a true one of an example does not count for it.
      seed: the seed of the sampler.
      name: the name of the scope.

    Returns:
      The loss of each example, shape ``[batch_size]``.
    """
    return sampled_softmax_loss_v1(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        "div", name, seed,
    )  # fmt: skip


def sampled_softmax_loss_v1(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: Any = None,
) -> Any:
    """Computes the cross-entropy over the true and some sampled classes; see :func:`sampled_softmax_loss`.

    Args:
      weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits, name,
        seed: see :func:`sampled_softmax_loss`.
      partition_strategy: how classes are split over several parts: in turn (``"mod"``), or in ranges (``"div"``).
    """
    logits, targets = _sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy, name, seed,
    )  # fmt: skip
    targets = stop_gradient(targets, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels=targets, logits=logits)


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    partition_strategy: str,
    name: str,
    seed: Any = None,
) -> tuple[Any, Any]:
    """Returns logits of the true classes, then of the sampled ones, and the distribution over them to aim at."""
    parts = list(weights) if isinstance(weights, list | tuple) or hasattr(weights, "as_partition_list") else [weights]
    with name_scope(name, "compute_sampled_logits", [*parts, biases, inputs, labels]):
        labels = cast(convert_to_tensor(labels), dtypes.int64)
        inputs = convert_to_tensor(inputs)
        flat = reshape(labels, [-1])
        drawn = sampled_values
        if drawn is None:
            drawn = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
        sampled, true_expected, sampled_expected = (stop_gradient(value) for value in drawn)
        sampled = cast(sampled, dtypes.int64)

        # One lookup for both, so that each variable gets one sparse gradient.
        every = concat([flat, sampled], 0)
        count = shape(flat)
        rows = cast(embedding_lookup_v1(parts, every, partition_strategy), inputs.dtype)
        shifts = cast(embedding_lookup_v1(biases, every, partition_strategy), inputs.dtype)
        zero = np.zeros(1, np.int32)
        of_true = slice_of(rows, np.zeros(2, np.int32), concat([count, [-1]], 0))
        of_sampled = slice_of(rows, concat([count, zero], 0), [-1, -1])
        sampled_logits = matmul(inputs, of_sampled, transpose_b=True) + slice_of(shifts, count, [-1])

        width = shape(of_true)[1:2]
        per_example = reshape(of_true, concat([np.array([-1, num_true], np.int32), width], 0))
        products = raw.Mul(raw.ExpandDims(inputs, np.int32(1)), per_example)
        true_logits = reduce_sum(products, 2) + reshape(slice_of(shifts, zero, count), [-1, num_true])

        if remove_accidental_hits:
            if sampled_values is None:
                sampled_logits += _lowest_where_true(labels, sampled, sampled_logits.dtype)
            else:
                sampled_logits += _lowest_at_hits(labels, sampled, num_true, sampled_logits)
        true_logits -= log(true_expected)
        sampled_logits -= log(sampled_expected)
        logits = concat([true_logits, sampled_logits], 1)
        targets = concat([ones_like(true_logits) / num_true, zeros_like(sampled_logits)], 1)
        return logits, targets


def _lowest_where_true(labels: Any, sampled: Any, dtype: Any) -> Any:
    """Returns float32's lowest number where a sampled class is a true one of the example, else 0.

    This compares all pairs: unlike a list of hits, the result has the same shape in every step, so that a
    compiled program need not be compiled again. It is right where no class is sampled twice.
    """
    same = raw.Equal(raw.ExpandDims(labels, np.int32(2)), raw.ExpandDims(sampled, np.int32(0)))
    return cast(raw.Any(same, np.int32(1)), dtype) * convert_to_tensor(np.finfo(np.float32).min, dtype)


def _lowest_at_hits(labels: Any, sampled: Any, num_true: int, logits: Any) -> Any:
    """Does the same for classes that may be sampled twice: only the last of a class is hit."""
    rows, places, weights = compute_accidental_hits(labels, sampled, num_true)
    indices = raw.Pack([cast(rows, dtypes.int64), places], axis=1)
    # A class that is twice among the true ones of an example is hit once.
    empty = raw.Fill(shape(logits, out_type=dtypes.int64), convert_to_tensor(0.0, logits.dtype))
    return raw.TensorScatterMin(empty, indices, cast(weights, logits.dtype))
