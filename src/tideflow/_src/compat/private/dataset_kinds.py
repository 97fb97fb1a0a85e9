"""Classes of datasets under TensorFlow's names, for ``isinstance``: here all datasets that operations make are of one.

Its ``from_generator`` makes a dataset that is flattened from another, so that nothing a user gets is a
``_GeneratorDataset``, there as here.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.data.dataset import Dataset


class _Kind(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Dataset) and instance._shown_kind == cls.__name__


class _GeneratorDataset(metaclass=_Kind):
    """Is the class of datasets that a generator fills."""


class _RangeDataset(metaclass=_Kind):
    """Is the class of datasets of consecutive numbers."""


class _SparseTensorSliceDataset(metaclass=_Kind):
    """Is the class of datasets of the rows of a sparse tensor."""


class _TensorDataset(metaclass=_Kind):
    """Is the class of datasets of one element."""


class _TensorSliceDataset(metaclass=_Kind):
    """Is the class of datasets of the rows of tensors."""
