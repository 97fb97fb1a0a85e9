"""Refuses new calls of operations that TensorFlow retired; graphs of old versions that hold them still run."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.errors import UnimplementedError
from tideflow._src.graph.export import PRODUCER
from tideflow._src.runtime.op import Op


def retire(definition: Op, version: int, advice: str) -> None:
    """Lets calls of an operation fail from now on; imported nodes do not call it."""
    message = (
        f"Op {definition.name} is not available in GraphDef version {PRODUCER}. It has been removed in version "
        f"{version}. {advice}."
    )

    def refuse(*inputs: Any, **attributes: Any) -> Any:
        del inputs, attributes
        if context.current_graph() is not None:
            raise NotImplementedError(message)
        raise UnimplementedError(None, None, message)

    definition.call = definition.refuse = refuse  # type: ignore[attr-defined]
