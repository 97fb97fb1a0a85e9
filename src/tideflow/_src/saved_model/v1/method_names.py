"""Defines ``MethodNameUpdater``, which changes what calls the signatures of a SavedModel."""

from __future__ import annotations

import os
from typing import Any

from tideflow._src.core.logger import get_logger
from tideflow._src.ops.files import file_system
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.files import parse_saved_model, write_saved_model


class MethodNameUpdater:
    """Changes the method names of the signatures of a SavedModel.

    Args:
      export_dir: the folder of the SavedModel.

    Raises:
      OSError: it holds none, or one that cannot be read.
    """

    def __init__(self, export_dir: Any) -> None:
        self._export_dir = file_system.text_of(export_dir)
        self._saved_model = parse_saved_model(export_dir)

    def replace_method_name(self, signature_key: str, method_name: str, tags: Any = None) -> None:
        """Gives a signature another method name.

        Args:
          signature_key: the key of the signature.
          method_name: the new name.
          tags: a tag, or the tags, of the meta graph whose signature changes; those of all meta graphs if None.

        Raises:
          ValueError: no meta graph has these tags, or a meta graph has no such signature.
        """
        if not signature_key:
            raise ValueError("`signature_key` must be defined.")
        if not method_name:
            raise ValueError("`method_name` must be defined.")
        if tags is not None and not isinstance(tags, list):
            tags = [tags]
        found = False
        for meta_graph in self._saved_model.meta_graphs:
            if tags is not None and set(tags) != set(meta_graph.meta_info_def.tags):
                continue
            if signature_key not in meta_graph.signature_def:
                raise ValueError(
                    f"MetaGraphDef associated with tags {tags} does not have a signature_def with key: "
                    f"'{signature_key}'. This means either you specified the wrong signature key or forgot to put the "
                    "signature_def with the corresponding key in your SavedModel."
                )
            meta_graph.signature_def[signature_key].method_name = method_name
            found = True
        if not found:
            raise ValueError(
                f"MetaGraphDef associated with tags {tags} could not be found in SavedModel. This means either you "
                "specified invalid tags or your SavedModel does not have a MetaGraphDef with the specified tags."
            )

    def save(self, new_export_dir: Any = None) -> None:
        """Writes the SavedModel's message: as text if it was read so.

        Args:
          new_export_dir: the folder, which must exist; the one that the SavedModel was read from if None.

        Raises:
          OpError: the file cannot be written.
        """
        as_text = file_system.exists(os.path.join(self._export_dir, constants.SAVED_MODEL_FILENAME_PBTXT))
        path = write_saved_model(new_export_dir or self._export_dir, self._saved_model, as_text)
        get_logger().info("SavedModel written to: %s", path)
