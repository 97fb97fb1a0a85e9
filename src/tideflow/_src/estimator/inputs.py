"""Input functions over arrays and tables in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tideflow._src.data.dataset import Dataset
from tideflow._src.data.v1 import make_one_shot_iterator


def numpy_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Callable[[], Any]:
    """Returns an input function of arrays: ``tf.compat.v1.estimator.inputs.numpy_input_fn``.

    Args:
      x: an array, or arrays by name; all of one length.
      y: labels likewise, or None.
      batch_size: how many examples a batch has.
      num_epochs: how often the arrays are gone through; None for ever. The last batch may be shorter.
      shuffle: whether examples come in another order in each epoch; it has to be said.
      queue_capacity: among how many examples the next one is drawn.
      num_threads: not used: the order is that of one thread.

    Returns:
      A function that returns features, or features and labels.

    Raises:
      ValueError: ``shuffle`` is not said, the arrays differ in length, there are none, or a name of labels is one of
        features.
      TypeError: features are neither an array nor arrays by name.
    """
    del num_threads
    _check_shuffle(shuffle)
    features = _arrays(x, "x")
    labels = None if y is None else _arrays(y, "y")
    if isinstance(features, dict) and isinstance(labels, dict):
        shared = sorted(set(features) & set(labels))
        if shared:
            raise ValueError(f"{len(shared)} duplicate keys are found in both x and y: {shared}")
    lengths = {name: len(array) for name, array in (*_items(features, "x"), *_items(labels, "y"))}
    if len(set(lengths.values())) != 1:
        raise ValueError(
            "Length of tensors in x and y is mismatched. All elements in x and y must have the same length. Shapes in "
            f"x and y: {lengths}"
        )

    def input_fn() -> Any:
        return _batches(features, labels, batch_size, num_epochs, shuffle, queue_capacity)

    return input_fn


def pandas_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
    target_column: str = "target",
) -> Callable[[], Any]:
    """Returns an input function of a table: ``tf.compat.v1.estimator.inputs.pandas_input_fn``.

    Args:
      x: a pandas ``DataFrame``; its columns are the features.
      y: a ``Series`` or ``DataFrame`` of labels, with the same index; or None.
      batch_size, num_epochs, shuffle, queue_capacity, num_threads: as for `numpy_input_fn`.
      target_column: not used, but it must not be the name of a feature.

    Returns:
      A function that returns features by name, or these and labels.

    Raises:
      ValueError: ``shuffle`` is not said, the indices differ, or a feature is called as the target.
    """
    del num_threads
    _check_shuffle(shuffle)
    labels: Any = None
    if y is not None:
        if target_column in x:
            raise ValueError(
                f"Cannot use name {target_column} for target column: DataFrame already has a column with that name"
            )
        if not np.array_equal(x.index, y.index):
            raise ValueError("Index for x and y are mismatched. ")
        columns = getattr(y, "columns", None)
        labels = y.to_numpy() if columns is None else {name: y[name].to_numpy() for name in columns}
    features = {name: x[name].to_numpy() for name in x.columns}

    def input_fn() -> Any:
        return _batches(features, labels, batch_size, num_epochs, shuffle, queue_capacity)

    return input_fn


def _check_shuffle(shuffle: Any) -> None:
    if not isinstance(shuffle, bool):
        raise ValueError(
            "shuffle must be provided and explicitly set as boolean (it is recommended to set it as True for training)"
            f"; got {shuffle}"
        )


def _arrays(given: Any, name: str) -> Any:
    if isinstance(given, Mapping):
        if not given:
            raise ValueError(f"{name} cannot be an empty dict")
        for key, array in given.items():
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{name}[{key!r}] must be an array; got {type(array).__name__}")
        return dict(given)
    if isinstance(given, np.ndarray):
        return given
    raise TypeError(f"{name} must be a dict or array; got {type(given).__name__}")


def _items(given: Any, name: str) -> list[tuple[str, Any]]:
    if given is None:
        return []
    return list(given.items()) if isinstance(given, dict) else [(name, given)]


def _batches(
    features: Any, labels: Any, batch_size: int, num_epochs: int | None, shuffle: bool | None, capacity: int
) -> Any:
    """Returns the next batch, as tensors of the graph."""
    dataset = Dataset.from_tensor_slices(features if labels is None else (features, labels))
    if shuffle:
        dataset = dataset.shuffle(max(capacity, batch_size))
    return make_one_shot_iterator(dataset.repeat(num_epochs).batch(batch_size)).get_next()
