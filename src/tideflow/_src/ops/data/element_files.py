"""Elements in files: each component a record with a tensor in it, in the format of TFRecord."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import DataLossError, UnimplementedError
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.parsing.tensors import parse_tensor_op, serialized
from tideflow._src.runtime.records import frame, read_records


def written(element: Element) -> bytes:
    """Returns the records of an element.

    Raises:
      UnimplementedError: a component is a variant, which no file can hold.
    """
    for item in element:
        if item.dtype is dtypes.variant:
            raise UnimplementedError(None, None, "Elements with components of dtype variant cannot be kept in files.")
    return b"".join(frame(serialized(item)) for item in element)


def elements_in(path: str, types: Sequence[DType]) -> Iterator[Element]:
    """Goes over the elements in a file.

    Args:
      path: the file.
      types: the dtypes of the components.

    Raises:
      DataLossError: the file is damaged, or ends within an element.
    """
    parse: Any = parse_tensor_op.kernel
    element: Element = []
    for record in read_records(path):
        element.append(parse(_scalar(record), out_type=types[len(element)]))
        if len(element) == len(types):
            yield element
            element = []
    if element:
        raise DataLossError(None, None, f"The file {path} ends within an element.")


def _scalar(record: bytes) -> Any:
    return np.array(record, object)
