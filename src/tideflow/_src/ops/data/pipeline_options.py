"""The options of a pipeline, as stages know them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """Is what was said of a pipeline; None where nothing was said.

    Attributes:
      deterministic: whether parallel stages keep the order of elements.
      private_threads: how many threads parallel stages may have.
      serialized: the options as a message, as ``GetOptions`` returns them.
    """

    deterministic: bool | None = None
    private_threads: int | None = None
    serialized: bytes = b""

    def merged(self, later: PipelineOptions) -> PipelineOptions:
        """Returns these options with those that ``later`` gives in their place."""
        given: dict[str, Any] = {}
        for item in fields(later):
            value = getattr(later, item.name)
            if value is not None and value != b"":
                given[item.name] = value
        return replace(self, **given) if given else self
