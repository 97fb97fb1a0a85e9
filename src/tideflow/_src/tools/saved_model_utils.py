"""Looks into SavedModels: ``tensorflow.python.tools.saved_model_utils``."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.files import file_system
from tideflow._src.saved_model.files import parse_saved_model
from tideflow._src.saved_model.v1.loader import maybe_saved_model_directory


def read_saved_model(saved_model_dir: Any) -> Any:
    """Returns the ``SavedModel`` message of a folder.

    Raises:
      OSError: there is none, or it cannot be read.
    """
    if not maybe_saved_model_directory(saved_model_dir):
        raise OSError(f"SavedModel file does not exist at: {file_system.text_of(saved_model_dir)}")
    return parse_saved_model(saved_model_dir)


def get_saved_model_tag_sets(saved_model_dir: Any) -> list[list[str]]:
    """Returns the tags of each meta graph of a SavedModel.

    Raises:
      OSError: there is none, or it cannot be read.
    """
    return [list(message.meta_info_def.tags) for message in read_saved_model(saved_model_dir).meta_graphs]


def get_meta_graph_def(saved_model_dir: Any, tag_set: str) -> Any:
    """Returns the ``MetaGraphDef`` of a SavedModel that has exactly some tags.

    Args:
      saved_model_dir: the folder.
      tag_set: the tags, with commas between them.

    Raises:
      OSError: there is no SavedModel, or it cannot be read.
      RuntimeError: it has no such meta graph.
    """
    wanted = {tag for tag in tag_set.split(",") if tag}
    found = []
    for message in read_saved_model(saved_model_dir).meta_graphs:
        tags = set(message.meta_info_def.tags)
        if tags == wanted:
            return message
        found.append(",".join(tags))
    raise RuntimeError(
        f"MetaGraphDef associated with tag-set {tag_set} could not be found in the SavedModel. Please use one of the "
        f"following tag-sets: {found}"
    )
