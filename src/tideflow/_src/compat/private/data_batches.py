"""``tensorflow.python.data.experimental.ops.distribute``: how large the batches of a dataset are."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.dtypes import int64
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.data.options import compute_batch_size as batch_size_of_stages


def compute_batch_size(dataset: Any) -> Any:
    """Returns the size of a dataset's batches, the last and smaller one not counted.

    Args:
      dataset: a ``tf.data.Dataset``.

    Returns:
      An int64 scalar: the first dimension of all components if that is known, else what the last stage that makes
      batches says; -1 if the components differ, or what follows that stage may change the batches.
    """
    sizes = [_first_dimension(spec) for spec in nest.flatten(dataset.element_spec)]
    if None in sizes:
        return batch_size_of_stages(dataset._variant_tensor)
    return constant(sizes[0] if len(set(sizes)) == 1 else -1, int64)


def _first_dimension(spec: Any) -> int | None:
    shape = getattr(spec, "shape", None)
    return shape[0] if shape is not None and shape.rank else None
