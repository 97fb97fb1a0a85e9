"""Defines ``tf.data.Dataset``: a sequence of elements, and what can be made of it."""

from __future__ import annotations

import abc
import collections.abc
from typing import TYPE_CHECKING, Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.data import classes, structure
from tideflow._src.data.iterators import OwnedIterator
from tideflow._src.data.options import Options
from tideflow._src.data.saving import SavingTransformations
from tideflow._src.data.sources import Sources
from tideflow._src.data.specs import DatasetSpec
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.data.stage import INFINITE, UNKNOWN

if TYPE_CHECKING:
    from tideflow._src.data.explanation import Explanation


@named_in_tensorflow("data.ops.dataset_ops.DatasetV2")
@classes.set_dataset
class Dataset(Sources, SavingTransformations, collections.abc.Iterable[Any], CompositeTensor, abc.ABC):
    """Is a sequence of elements, each a structure of tensors, that a pipeline of stages makes.

    A dataset is a tensor of dtype ``variant``, made by an operation: so it can be made and used eagerly, in functions
    and in graphs.

    >>> import tideflow as tf
    >>> dataset = tf.data.Dataset.from_tensor_slices([1, 2, 3]).map(lambda x: x * 2).batch(2)
    >>> [batch.numpy().tolist() for batch in dataset]
    [[2, 4], [6]]

    Args:
      variant_tensor: the tensor.
    """

    def __init__(self, variant_tensor: Any) -> None:
        self._variant_tensor_attr = variant_tensor

    @property
    def _variant_tensor(self) -> Any:
        return self._variant_tensor_attr

    @property
    @abc.abstractmethod
    def element_spec(self) -> Any:
        """The specs of an element, in its structure."""

    def _inputs(self) -> list[Any]:
        """Returns the datasets that this one is made of."""
        return []

    @classmethod
    def _of(cls, variant_tensor: Any, element_spec: Any, kind: str = "_VariantDataset", inputs: Any = ()) -> Any:
        """Returns the dataset that a tensor holds."""
        return VariantDataset(variant_tensor, element_spec, kind, inputs)

    def _shown_as(self, kind: str) -> Any:
        """Returns this dataset under the name that TensorFlow has for what takes several transformations here."""
        return self._of(self._variant_tensor, self.element_spec, kind, self._inputs())

    def _made(self, variant: Any, element_spec: Any, kind: str, *others: Any) -> Any:
        return self._of(variant, element_spec, kind, (self, *others))

    @property
    def _type_spec(self) -> Any:
        return DatasetSpec(self.element_spec)

    def __iter__(self) -> OwnedIterator:
        graph = context.current_graph()
        if graph is None or graph.building_function:
            return OwnedIterator(self)
        raise RuntimeError(
            "`tf.data.Dataset` only supports Python-style iteration in eager mode or within tf.function."
        )

    def _stream_in_graph(self) -> OwnedIterator:
        """Returns what a ``for`` statement of a graph goes over."""
        return iter(self)

    def __bool__(self) -> bool:
        return True

    __nonzero__ = __bool__

    def __len__(self) -> int:
        """Returns the number of elements, which must be known.

        Raises:
          TypeError: it is not known, or infinite, or this is a graph.
        """
        if context.current_graph() is not None:
            raise TypeError(
                "`tf.data.Dataset` only supports `len` in eager mode. Use `tf.data.Dataset.cardinality()` instead."
            )
        found = int(self.cardinality())
        if found == INFINITE:
            raise TypeError("The dataset is infinite.")
        if found == UNKNOWN:
            raise TypeError("The dataset length is unknown.")
        return found

    def __repr__(self) -> str:
        return f"<{self._shown_kind} element_spec={self.element_spec}>"

    @property
    def _shown_kind(self) -> str:
        return type(self).__name__

    def cardinality(self) -> Any:
        """Returns the number of elements as an ``int64`` scalar.

        It is ``tf.data.INFINITE_CARDINALITY`` for one without end, and ``tf.data.UNKNOWN_CARDINALITY`` where only going
        over all elements would tell.

        >>> import tideflow as tf
        >>> tf.data.Dataset.range(7).batch(2).cardinality().numpy()
        np.int64(4)
        """
        return raw.DatasetCardinality(self._variant_tensor)

    def options(self) -> Options:
        """Returns the options of the pipeline up to here."""
        found = static_value(raw.GetOptions(self._variant_tensor))
        return Options() if found is None else Options._deserialized(np.asarray(found).item())

    def as_numpy_iterator(self) -> NumpyIterator:
        """Returns an iterator over the elements as NumPy arrays and numbers.

        Raises:
          TypeError: an element has a component that is no such thing.
          RuntimeError: a graph is being built.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4]]).as_numpy_iterator())
        [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
        """
        if context.current_graph() is not None:
            raise RuntimeError("`tf.data.Dataset.as_numpy_iterator()` is only supported in eager mode.")
        for spec in structure.flattened(self.element_spec):
            if type(spec).__name__ not in ("TensorSpec", "RaggedTensorSpec", "SparseTensorSpec", "NoneTensorSpec"):
                raise TypeError(
                    "`tf.data.Dataset.as_numpy_iterator()` is not supported for datasets that produce values of type "
                    f"{spec.value_type}"
                )
        return NumpyIterator(self)

    def explain(self, elements: int = 100) -> Explanation:
        """Returns what the pipeline is made of and where its time goes; it prints as a table.

        Args:
          elements: how many elements are made to find out.

        Raises:
          RuntimeError: a graph is being built.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(10).map(lambda x: x + 1).batch(4)
        >>> [stage.kind for stage in dataset.explain().stages]
        ['BatchDatasetV2', 'MapDataset', 'RangeDataset']
        """
        from tideflow._src.data.explanation import explain  # a rare use

        if context.current_graph() is not None:
            raise RuntimeError("`tf.data.Dataset.explain()` is only supported in eager mode.")
        return explain(self._variant_tensor._value, elements)

    def get_single_element(self, name: str | None = None) -> Any:
        """Returns the element of a dataset that has one.

        Raises:
          InvalidArgumentError: it has none, or more.

        >>> import tideflow as tf
        >>> tf.data.Dataset.range(5).batch(5).get_single_element().numpy()
        array([0, 1, 2, 3, 4])
        """
        found = raw.DatasetToSingleElement(self._variant_tensor, **structure.kinds(self.element_spec))
        return structure.element_of(self.element_spec, found)

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None, name: str | None = None) -> Any:
        """Returns a dataset of the elements of several ones side by side, as many as the shortest has.

        Args:
          *args: the datasets, or one structure of datasets, which is then that of the elements.
          datasets: the structure, by name.
          name: a name for the dataset.

        Raises:
          TypeError: something is no dataset.

        >>> import tideflow as tf
        >>> numbers = tf.data.Dataset.range(2)
        >>> [(int(a), int(b)) for a, b in tf.data.Dataset.zip(numbers, numbers.skip(1))]
        [(0, 1)]
        """
        if not args and datasets is None:
            raise TypeError("Must pass at least one dataset to `zip`.")
        if args and datasets is not None:
            raise TypeError("Both `*args` and `datasets` cannot be set.")
        if datasets is None:
            datasets = args[0] if len(args) == 1 else args
        leaves = structure.flattened(datasets)
        for leaf in leaves:
            if isinstance(leaf, Dataset):
                continue
            hint = " Python `list` is not supported and you should use `tuple` instead." if type(leaf) is list else ""
            raise TypeError(
                "Invalid input to `zip`. Inputs are expected to be (nested) structures of `tf.data.Dataset` objects."
                f"{hint or f' Encountered object of type {type(leaf)}.'}"
            )
        specs = structure.mapped(lambda dataset: dataset.element_spec, datasets)
        variant = raw.ZipDataset([leaf._variant_tensor for leaf in leaves], **structure.kinds(specs))
        return cls._of(variant, specs, "_ZipDataset", leaves)


class VariantDataset(Dataset):
    """Is the dataset that a tensor holds.

    Args:
      variant_tensor: the tensor.
      element_spec: the specs of an element, in its structure.
      kind: what it is called where it is shown.
      inputs: the datasets that it is made of.
    """

    def __init__(self, variant_tensor: Any, element_spec: Any, kind: str = "_VariantDataset", inputs: Any = ()) -> None:
        super().__init__(variant_tensor)
        self._element_spec = element_spec
        self._kind = kind
        self._made_of = tuple(inputs)

    @property
    def element_spec(self) -> Any:
        return self._element_spec

    def _inputs(self) -> list[Any]:
        return list(self._made_of)

    @property
    def _shown_kind(self) -> str:
        return self._kind


class NumpyIterator(collections.abc.Iterator[Any]):
    """Is an iterator over the elements of a dataset as NumPy arrays and numbers."""

    __slots__ = ("_convert", "_iterator")

    def __init__(self, dataset: Dataset) -> None:
        self._iterator = iter(dataset)
        spec = dataset.element_spec
        self._convert = _as_numpy if isinstance(spec, TensorSpec) else _structure_as_numpy

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return self._convert(next(self._iterator))

    def __repr__(self) -> str:
        return f"NumpyIterator(iterator={self._iterator!r})"


def _structure_as_numpy(element: Any) -> Any:
    return structure.mapped(_as_numpy, element)


def _as_numpy(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Tensor):
        found = np.asarray(value._value) if not hasattr(value, "array") else value.numpy()
        if found.ndim:
            found = found.view()
            found.flags.writeable = False
            return found
        return found[()]
    if hasattr(value, "dense_shape"):
        return raw.SparseToDense(
            value.indices, value.dense_shape, value.values, np.zeros((), value.dtype.as_numpy_dtype)[()]
        ).numpy()
    return value.numpy() if hasattr(value, "numpy") else value
