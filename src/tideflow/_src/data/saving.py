"""Datasets in files, in TensorFlow's format: ``save``, ``load`` and ``snapshot``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.errors import NotFoundError
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import element_specs, structure
from tideflow._src.data.batches import BatchTransformations
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.specs import DatasetSpec
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor

#: The file that says what elements a saved dataset has.
_SPECS = "dataset_spec.pb"

Reader = Callable[[Any], Any]


class SavingTransformations(BatchTransformations):
    """Has what writes datasets to files and reads them."""

    def save(
        self,
        path: Any,
        compression: str | None = None,
        shard_func: Callable[..., Any] | None = None,
        checkpoint_args: dict[str, Any] | None = None,
    ) -> Any:
        """Writes the elements to files, from which ``load`` reads them, here and in TensorFlow.

        Args:
          path: the folder.
          compression: ``"GZIP"``, ``"SNAPPY"``, or None for none.
          shard_func: takes an element as the function of ``map`` does, and returns the number of its shard, a scalar
            ``int64``; one shard by default.
          checkpoint_args: must be None: there are no checkpoints of a saving that is under way.

        Returns:
          In a graph, the operation that writes; else nothing.

        Raises:
          InvalidArgumentError: the function returns something else.
          UnimplementedError: elements hold something else than tensors.

        >>> import tempfile
        >>> import tideflow as tf
        >>> folder = tempfile.mkdtemp()
        >>> tf.data.Dataset.range(3).save(folder)
        >>> [int(x) for x in tf.data.Dataset.load(folder)]
        [0, 1, 2]
        """
        if checkpoint_args:
            raise ValueError("`checkpoint_args` must be None: a saving that is under way has no checkpoints.")
        folder = file_system.text_of(path)
        content = element_specs.written(self.element_spec)
        file_system.write(os.path.join(folder, _SPECS), content)
        function = StructuredFunction(
            (lambda *element: None) if shard_func is None else shard_func, "save()", self.element_spec
        )
        return raw.SaveDataset(
            self._variant_tensor, convert_to_tensor(folder, dtypes.string), function.captured,
            shard_func=function.graph, use_shard_func=shard_func is not None, compression=compression or "",
        )  # fmt: skip

    @classmethod
    def load(
        cls,
        path: Any,
        element_spec: Any = None,
        compression: str | None = None,
        reader_func: Reader | None = None,
        wait: bool = False,
    ) -> Any:
        """Returns a dataset of the elements that ``save`` wrote, here or in TensorFlow.

        Args:
          path: the folder.
          element_spec: the specs of an element, in its structure; those that were written with it by default.
          compression: what ``save`` was given.
          reader_func: takes a dataset of the datasets of shards and returns a dataset; shards in turn by default, which
            is the order in which elements were numbered to them.
          wait: must be false: nothing waits for files that are not there yet.

        Raises:
          NotFoundError: there is no saved dataset.
          DataLossError, InvalidArgumentError: while iterating, a file is damaged, or its elements are others.
        """
        if wait:
            raise ValueError("`wait` must be False: a dataset is loaded once it is there.")
        folder = file_system.text_of(path)
        if element_spec is None:
            file = os.path.join(folder, _SPECS)
            if not file_system.exists(file):
                raise NotFoundError(None, None, f"tf.data snapshot element_spec file not found: {file}.")
            element_spec = element_specs.read(file_system.read(file), file)
        reader = _reader(reader_func, element_spec, "load()")
        variant = raw.LoadDataset(
            convert_to_tensor(folder, dtypes.string), reader.captured, reader_func=reader.graph,
            compression=compression or "", **structure.kinds(element_spec),
        )  # fmt: skip
        return cls._of(variant, element_spec, "_LoadDataset")  # type: ignore[attr-defined]

    def snapshot(
        self,
        path: Any,
        compression: str | None = "AUTO",
        reader_func: Reader | None = None,
        shard_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of the same elements, which are written to files once and read from there afterwards.

        The files of each pipeline are apart: a pipeline that was made in the same way, in this program or a later one,
        reads what was written. While one iterator writes, others read the input.

        Args:
          path: the folder.
          compression: ``"AUTO"`` or ``"SNAPPY"``, ``"GZIP"``, or None for none.
          reader_func: as of ``load``.
          shard_func: as of ``save``; by default, as many shards as there are processors take turns.
          name: a name for the dataset.

        Raises:
          TypeError: ``shard_func`` returns no integer scalar.

        >>> import tempfile
        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(3).snapshot(tempfile.mkdtemp())
        >>> [int(x) for x in dataset], [int(x) for x in dataset]
        ([0, 1, 2], [0, 1, 2])
        """
        if shard_func is not None:
            return self._snapshot(path, compression, reader_func, shard_func)
        shards = os.cpu_count() or 1
        numbered = self.enumerate()._snapshot(path, compression, reader_func, lambda number, _: number % shards)
        return numbered.map(lambda _, element: element)

    def _snapshot(self, path: Any, compression: str | None, reader_func: Any, shard_func: Callable[..., Any]) -> Any:
        reader = _reader(reader_func, self.element_spec, "Dataset.snapshot()")
        sharder = StructuredFunction(shard_func, "Dataset.snapshot()", self.element_spec)
        found = sharder.output_structure
        if not any(
            isinstance(found, TensorSpec) and found.is_compatible_with(TensorSpec([], dtype))
            for dtype in (dtypes.int32, dtypes.int64)
        ):
            raise TypeError(
                "Invalid `shard_func`. `shard_func` must return `tf.int64` scalar tensor but its return type is "
                f"{found}."
            )
        return self._through(
            "_SnapshotDataset", "SnapshotDatasetV2", convert_to_tensor(path, dtypes.string), reader.captured,
            sharder.captured, compression=compression or "", reader_func=reader.graph, shard_func=sharder.graph,
        )  # fmt: skip

    def fingerprint(self) -> Any:
        """Returns a number that is the same for datasets that were made in the same way, a scalar ``uint64``.

        It follows from the operations of the pipeline and from what they are given, not from what files hold.

        >>> import tideflow as tf
        >>> one, other = (tf.data.Dataset.range(3).map(lambda x: x + 1) for _ in range(2))
        >>> int(one.fingerprint()) == int(other.fingerprint())
        True
        """
        return raw.DatasetFingerprint(self._variant_tensor)


def _reader(reader_func: Reader | None, element_spec: Any, transformation: str) -> StructuredFunction:
    """Returns the function that makes a dataset of that of the datasets of shards."""
    return StructuredFunction(
        _in_turn if reader_func is None else reader_func, transformation, DatasetSpec(DatasetSpec(element_spec))
    )


def _in_turn(shards: Any) -> Any:
    return shards.interleave(_itself, cycle_length=os.cpu_count() or 1, num_parallel_calls=-1)


def _itself(shard: Any) -> Any:
    return shard
