"""Training linear models by stochastic dual coordinate ascent: ``tf.compat.v1.train.sdca_optimizer`` and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.ops.nn.dual_coordinate_ascent import sdca_fprint_op, sdca_optimizer_op, sdca_shrink_l1_op


def sdca_fprint(input: Any, name: str | None = None) -> Any:
    """Returns fingerprints of 128 bits of the names of examples.

    Args:
      input: the names, a ``string`` vector of ``n`` elements.
      name: a name for the operation.

    Returns:
      An ``int64`` matrix of shape ``[n, 2]``.

    Raises:
      InvalidArgumentError: ``input`` is no vector.
    """
    return sdca_fprint_op(input, name=name)


def sdca_shrink_l1(weights: Sequence[Any], l1: float, l2: float, name: str | None = None) -> Any:
    """Moves the weights of a linear model towards zero by ``l1 / l2``, but not beyond; to be run after each pass.

    Args:
      weights: reference variables of 1.x, ``float32``.
      l1: the strength of the penalty on absolute values.
      l2: that on squares, above zero.
      name: a name for the operation.

    Returns:
      The operation.
    """
    return sdca_shrink_l1_op(list(weights), l1=l1, l2=l2, name=name)


def sdca_optimizer(
    sparse_example_indices: Sequence[Any],
    sparse_feature_indices: Sequence[Any],
    sparse_feature_values: Sequence[Any],
    dense_features: Sequence[Any],
    example_weights: Any,
    example_labels: Any,
    sparse_indices: Sequence[Any],
    sparse_weights: Sequence[Any],
    dense_weights: Sequence[Any],
    example_state_data: Any,
    loss_type: str,
    l1: float,
    l2: float,
    num_loss_partitions: int,
    num_inner_iterations: int,
    adaptative: bool = True,
    name: str | None = None,
) -> Any:
    """Goes once over ``n`` examples of a linear model by stochastic dual coordinate ascent.

    The problem is to minimize the weighted sum of the losses, plus ``l1`` times the absolute weights, plus ``l2 / 2``
    times their squares (Shalev-Shwartz and Zhang, 2013). TensorFlow goes over the examples in an order that nobody can
    repeat; here the order follows from ``example_state_data``.

    Args:
      sparse_example_indices: for each sparse column, which example each value belongs to, ascending: ``int64`` vectors.
      sparse_feature_indices: for each sparse column, which feature each value is of: ``int64`` vectors.
      sparse_feature_values: the values, ``float32`` vectors; of columns left out at the end all values are 1.
      dense_features: for each dense column a ``float32`` matrix with a row for each example.
      example_weights: ``float32`` vector of ``n`` elements.
      example_labels: ``float32`` vector of ``n`` elements; 0 or 1 but for ``squared_loss`` and ``poisson_loss``.
      sparse_indices: for each sparse column, the features that have weights: ``int64`` vectors.
      sparse_weights: their weights: ``float32`` vectors.
      dense_weights: for each dense column the weights, ``float32``.
      example_state_data: ``float32`` matrix of shape ``[n, 4]``: the dual variable, primal loss, dual loss and weight
        of each example; zeros before the first pass.
      loss_type: ``"logistic_loss"``, ``"squared_loss"``, ``"hinge_loss"``, ``"smooth_hinge_loss"`` or
        ``"poisson_loss"``.
      l1: the strength of the penalty on absolute values.
      l2: that on squares, above zero.
      num_loss_partitions: into how many parts, trained at once, the examples are divided.
      num_inner_iterations: not used, as in TensorFlow.
      adaptative: whether examples whose dual variables are far from best come first, and more often.
      name: a name for the operation.

    Returns:
      The new state of the examples, and what is to be added to the sparse and the dense weights, as a named tuple.

    Raises:
      InvalidArgumentError: shapes do not fit each other, a feature has no weight, or a label is not allowed.
    """
    return sdca_optimizer_op(
        list(sparse_example_indices),
        list(sparse_feature_indices),
        list(sparse_feature_values),
        list(dense_features),
        example_weights,
        example_labels,
        list(sparse_indices),
        list(sparse_weights),
        list(dense_weights),
        example_state_data,
        loss_type=loss_type,
        adaptative=adaptative,
        l1=l1,
        l2=l2,
        num_loss_partitions=num_loss_partitions,
        num_inner_iterations=num_inner_iterations,
        name=name,
    )
