"""What checkpoints hold."""

from __future__ import annotations

import math

from tideflow._src.ops.checkpoint.open_checkpoint import is_bundle, open_checkpoint
from tideflow._src.tools.contents.table import Table, facts, shape_text

_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"


def checkpoint_tables(prefix: str, title: str = "Checkpoint") -> list[Table]:
    """Returns the tensors of a checkpoint; their values are not read.

    Raises:
      OpError: there is none, or it is damaged.
    """
    variables = open_checkpoint(prefix).variables()
    rows, count, size = [], 0, 0
    for name, (dtype, shape) in sorted(variables.items()):
        elements = math.prod(shape)
        rows.append((name, dtype.name, shape_text(shape), elements))
        if name != _OBJECTS:
            count += elements
            size += elements * (dtype.size or 0)
    return [
        facts(
            title,
            [
                ("format", "2" if is_bundle(prefix) else "1"),
                ("kind", "objects" if _OBJECTS in variables else "names"),
                ("tensors", len(rows)),
                ("elements", count),
                ("bytes but for text", size),
            ],
        ),
        Table("Tensors", ("name", "dtype", "shape", "elements"), rows),
    ]
