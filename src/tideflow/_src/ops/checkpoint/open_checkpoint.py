"""Opens checkpoints of either format."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.checkpoint.bundle import BundleReader, index_name
from tideflow._src.ops.checkpoint.sliced_file import SlicedFileReader
from tideflow._src.ops.files import file_system

Reader = BundleReader | SlicedFileReader


def is_bundle(prefix: Any) -> bool:
    """Tells whether there is a bundle of this prefix."""
    return file_system.exists(index_name(file_system.text_of(prefix)))


def open_checkpoint(prefix: Any) -> Reader:
    """Returns a reader of a checkpoint.

    Args:
      prefix: the prefix of a bundle; or a file, or a pattern of files, of the first format.

    Raises:
      NotFoundError: there is nothing of that name.
      DataLossError: a file is damaged, or no checkpoint.
    """
    return BundleReader(prefix) if is_bundle(prefix) else SlicedFileReader(prefix)
