"""``tf.io.match_filenames_once``: the names of files, found once and kept in a local variable."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.files.file_ops import matching_files
from tideflow._src.ops.scopes import name_scope
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable import VariableV1


def match_filenames_once(pattern: Any, name: str | None = None) -> Any:
    """Returns a local variable that holds the names of the files that match a pattern.

    They are looked for when the variable is initialized, and then stay.

    Args:
      pattern: a pattern or a vector of patterns, as in ``tf.io.matching_files``.
      name: the name of the variable.
    """
    with name_scope(name, "matching_filenames", [pattern]) as scope:
        variable: Any = VariableV1
        return variable(
            name=scope or None,
            initial_value=matching_files(pattern),
            trainable=False,
            validate_shape=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
        )
