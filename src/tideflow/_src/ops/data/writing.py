"""What is done with all elements of a dataset at once: writing them to a file of records, or into a table."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.files_of_records import compression_in
from tideflow._src.ops.data.stage import Run, Stage, stage_in
from tideflow._src.ops.files import file_system
from tideflow._src.ops.lookup.table_ops import table_of
from tideflow._src.runtime.op import op
from tideflow._src.runtime.records import frame

_WINDOWS = {"GZIP": zlib.MAX_WBITS + 16, "ZLIB": zlib.MAX_WBITS}


def _elements(stage: Stage) -> Iterator[Element]:
    running = stage.start(Run(stage.options))
    try:
        while (element := running.next()) is not None:
            yield element
    finally:
        running.close()


def _write(input_dataset: Any, filename: Any, compression_type: Any) -> None:
    stage = stage_in(input_dataset)
    if len(stage.types) != 1 or stage.types[0] is not dtypes.string or stage.shapes[0] not in ((), None):
        raise InvalidArgumentError(None, None, "The elements of the dataset must be scalar strings.")
    path, compression = scalar(filename, "filename"), compression_in(compression_type)
    deflater = zlib.compressobj(wbits=_WINDOWS[compression]) if compression else None
    with file_system.translated(path), open(file_system.local(path), "wb") as file:
        for (record,) in _elements(stage):
            if record.ndim:
                raise InvalidArgumentError(None, None, "The elements of the dataset must be scalar strings.")
            content = frame(record.item())
            file.write(content if deflater is None else deflater.compress(content))
        if deflater is not None:
            file.write(deflater.flush())


_RECORDS = "input_dataset: variant, filename: string, compression_type: string ->"


@op("DatasetToTFRecord", _RECORDS, tier="host", stateful=True, differentiable=False)
def dataset_to_tf_record(input_dataset, filename, compression_type):
    """Writes the elements of a dataset, which are strings, to a TFRecord file.

    Raises:
      InvalidArgumentError: they are something else, or there is no such compression.
    """
    _write(input_dataset, filename, compression_type)


@op("ExperimentalDatasetToTFRecord", _RECORDS, tier="host", stateful=True, differentiable=False)
def experimental_dataset_to_tf_record(input_dataset, filename, compression_type):
    """Writes the elements of a dataset, which are strings, to a TFRecord file."""
    _write(input_dataset, filename, compression_type)


@op("InitializeTableFromDataset", "table_handle: resource, dataset: variant ->", tier="host", stateful=True,
    differentiable=False)  # fmt: skip
def initialize_table_from_dataset(table_handle, dataset):
    """Fills a table with the elements of a dataset, which are pairs of a key and a value.

    Raises:
      InvalidArgumentError: they are no pairs, or of other types than those of the table.
    """
    table, stage = table_of(table_handle), stage_in(dataset)
    wanted = (table.key_dtype, table.value_dtype)
    if stage.types != wanted:
        raise InvalidArgumentError(
            None,
            None,
            f"The table has keys of {wanted[0].name} and values of {wanted[1].name}, but the components of the "
            f"dataset are {', '.join(dtype.name for dtype in stage.types)}.",
        )
    pairs = list(_elements(stage))
    columns = []
    for number, dtype in enumerate(wanted):
        column = np.empty(len(pairs), dtype.as_numpy_dtype)
        for place, pair in enumerate(pairs):
            if pair[number].ndim:
                raise InvalidArgumentError(None, None, "Keys and values of a table must be scalars.")
            column[place] = pair[number][()]
        columns.append(column)
    table.initialize(*columns)


_STRINGS = {"output_types": ["string"], "output_shapes": [()]}


def _record_samples(s):
    path = os.fsencode(os.path.join(tempfile.gettempdir(), "tideflow_written_records"))
    words = s.produced("TensorSliceDataset", [s.strings((3,))], output_shapes=[()])
    for compression in (b"", b"GZIP"):
        yield s(words, path, compression)
    numbers = s.produced("RangeDataset", 0, 3, 1, output_types=["int64"], output_shapes=[()])
    yield s(numbers, path, b"", error="InvalidArgumentError")


dataset_to_tf_record.samples(_record_samples)
experimental_dataset_to_tf_record.samples(_record_samples)


@initialize_table_from_dataset.samples
def _table_samples(s):
    rows = [np.int64([3, 4, 5]), np.float32([1, 2, 3])]
    pairs = s.produced("TensorSliceDataset", rows, output_shapes=[(), ()])
    yield s(s.produced("HashTableV2", key_dtype="int64", value_dtype="float32"), pairs)
    yield s(s.produced("HashTableV2", key_dtype="int32", value_dtype="float32"), pairs, error="InvalidArgumentError")
