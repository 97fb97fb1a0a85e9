"""Batches of other kinds: of sizes other than those of the input, of ragged tensors, of sparse ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.grouping import GroupTransformations
from tideflow._src.data.transformations import integer
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor


class BatchTransformations(GroupTransformations):
    """Has the transformations that make batches of batches, and batches of what differs in shape."""

    def rebatch(self, batch_size: Any, drop_remainder: Any = False, name: str | None = None) -> Any:
        """Returns a dataset of the rows of batches, in batches of another size.

        Args:
          batch_size: the size, or a vector of sizes, which come in turn.
          drop_remainder: whether a smaller batch at the end is left out.
          name: a name for the dataset.

        Raises:
          ValueError: elements are no batches, or the sizes are no scalar or vector.
          InvalidArgumentError: a size is negative.
          FailedPreconditionError: while iterating, rows of one batch differ in shape.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(7).batch(4).rebatch(3)
        >>> [batch.numpy().tolist() for batch in dataset]
        [[0, 1, 2], [3, 4, 5], [6]]
        """
        sizes = convert_to_tensor(batch_size, dtypes.int64, name="batch_sizes")
        drop = convert_to_tensor(drop_remainder, dtypes.bool, name="drop_remainder")
        size = self._common_size(static_value(sizes), static_value(drop))
        specs = structure.batched(structure.unbatched(self.element_spec), size)
        source = self._with_rows()
        variant = raw.RebatchDatasetV2(source._variant_tensor, sizes, drop, **structure.kinds(specs))
        return self._made(variant, specs, "_RebatchDataset")

    def _common_size(self, sizes: Any, drops: Any) -> int | None:
        """Returns the size that all batches are known to have, or None."""
        if sizes is None:
            return None
        if sizes.ndim > 1:
            raise ValueError(
                "Invalid `batch_sizes`. Expected `batch_sizes` to be a scalar or a vector. Received `batch_sizes` of "
                f"rank {sizes.ndim}."
            )
        given = set(np.ravel(sizes).tolist())
        if len(given) != 1:
            return None
        (size,) = given
        if drops is not None and bool(drops):
            return int(size)
        known = set()
        for spec in structure.flattened(self.element_spec):
            shape = getattr(spec, "shape", None)
            if not isinstance(shape, TensorShape) or shape.rank is None:
                continue
            if not shape.rank:
                raise ValueError(
                    "Invalid `batch_sizes`. Expected dataset with rank of >= 1 but found a dataset with scalar "
                    "elements. Fix the issue by adding the `batch` transformation to the dataset."
                )
            if shape[0] is not None:
                known.add(shape[0])
        if len(known) > 1:
            raise ValueError(
                "Invalid `input_dataset.` Components of a batch must have one number of rows, but they have "
                f"{sorted(known)}."
            )
        # Every batch is full if whole batches make up each one of the input.
        return int(size) if known and (not size or not min(known) % size) else None

    def ragged_batch(
        self,
        batch_size: Any,
        drop_remainder: Any = False,
        row_splits_dtype: Any = dtypes.int64,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of batches in which tensors of unknown shapes become ragged tensors.

        Args:
          batch_size: how many elements a batch has.
          drop_remainder: whether a smaller batch at the end is left out.
          row_splits_dtype: the dtype of the partitions of new ragged tensors, ``int64`` or ``int32``.
          name: a name for the dataset.

        Raises:
          InvalidArgumentError: the size is not positive.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(1, 4).map(lambda n: tf.fill([n], n)).ragged_batch(2)
        >>> [batch.to_list() for batch in dataset]
        [[[1], [2, 2]], [[3, 3, 3]]]
        """
        specs = self.element_spec
        wanted = structure.mapped(lambda spec: _ragged_spec(spec, row_splits_dtype), specs)

        def encoded(*element: Any) -> Any:
            whole = element if type(specs) is tuple else element[0]
            return structure.mapped(_encoded, wanted, whole)

        source = self.map(encoded)
        return self._made(source._variant_tensor, wanted, "_DenseToRaggedDataset").batch(batch_size, drop_remainder)

    def sparse_batch(self, batch_size: Any, row_shape: Any, name: str | None = None) -> Any:
        """Returns a dataset of batches of tensors as sparse tensors, in which every element of a tensor is an entry.

        Args:
          batch_size: how many elements a batch has.
          row_shape: the shape of the room for one element; None for a size that is that of the largest in the batch.
          name: a name for the dataset.

        Raises:
          TypeError: elements are no single tensors.
          InvalidArgumentError: the size is not positive; while iterating, an element has another rank than a row.
          DataLossError: while iterating, an element is larger than a row.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(1, 3).map(lambda n: tf.fill([n], n)).sparse_batch(2, [4])
        >>> [tf.sparse.to_dense(batch).numpy().tolist() for batch in dataset]
        [[[1, 0, 0, 0], [2, 2, 0, 0]]]
        """
        from tideflow._src.runtime.sparse_tensor import SparseTensorSpec  # a rare use

        spec = self.element_spec
        if not isinstance(spec, TensorSpec):
            found = structure.mapped(lambda leaf: leaf._to_legacy_output_types(), spec)
            raise TypeError(
                "`dense_to_sparse_batch` requires an input dataset whose elements have a single component, but the "
                f"given dataset has the following component types: {found}."
            )
        sizes = static_value(row_shape) if isinstance(row_shape, Tensor) else row_shape
        if isinstance(row_shape, Tensor):
            row = convert_to_tensor(row_shape, dtypes.int64)
            static = TensorShape(None if sizes is None else [None if size < 0 else int(size) for size in sizes])
        else:
            static = TensorShape(sizes)
            row = convert_to_tensor(np.array([-1 if size is None else size for size in static._dims or ()], np.int64))
        specs = SparseTensorSpec(TensorShape([None]).concatenate(static), spec.dtype)
        variant = raw.DenseToSparseBatchDataset(
            self._variant_tensor, integer(batch_size, "batch_size"), row, **structure.kinds(specs)
        )
        return self._made(variant, specs, "_DenseToSparseBatchDataset")

    def rejection_resample(
        self, class_func: Any, target_dist: Any, initial_dist: Any = None, seed: Any = None, name: str | None = None
    ) -> Any:
        """Returns a dataset whose classes are distributed as wanted: some elements are left out, some come twice.

        Args:
          class_func: takes an element as the function of ``map`` does, and returns its class, an integer scalar.
          target_dist: how likely each class is to be: a vector of floats.
          initial_dist: how likely each is in this dataset; estimated from what has been seen, by default.
          seed: the seed of the choices.
          name: a name for the dataset.

        Returns:
          A dataset of pairs of a class and an element.

        >>> import tideflow as tf
        >>> mostly_zeros = tf.data.Dataset.range(1000).map(lambda x: tf.cast(x % 10 == 0, tf.int32))
        >>> balanced = mostly_zeros.rejection_resample(lambda x: x, [0.5, 0.5], [0.9, 0.1], seed=1)
        >>> classes = [int(kind) for kind, _ in balanced]
        >>> 0.4 < sum(classes) / len(classes) < 0.6
        True
        """
        from tideflow._src.data.resampling import resampled  # a rare use

        return resampled(self, class_func, target_dist, initial_dist, seed)


def _ragged_spec(spec: Any, row_splits_dtype: Any) -> Any:
    """Returns the spec of a ragged tensor where that of a tensor has unknown sizes; else the spec as it is."""
    from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec  # loads with the first ragged tensor

    if not isinstance(spec, TensorSpec) or spec.shape.rank is None or spec.shape.is_fully_defined():
        return spec
    rank = max(axis for axis, size in enumerate(spec.shape.as_list()) if size is None)
    return RaggedTensorSpec(spec.shape, spec.dtype, rank, row_splits_dtype)


def _encoded(spec: Any, value: Any) -> Any:
    """Returns a tensor as what a ragged tensor of a spec is encoded as; anything else as it is."""
    if not isinstance(value, Tensor) or isinstance(spec, TensorSpec) or not hasattr(spec, "ragged_rank"):
        return value
    if spec.ragged_rank:
        from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor  # loads with the first ragged tensor

        value = RaggedTensor.from_tensor(value, ragged_rank=spec.ragged_rank, row_splits_dtype=spec.row_splits_dtype)
    return spec._to_tensor_list(value)[0]
