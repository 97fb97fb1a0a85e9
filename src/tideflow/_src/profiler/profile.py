"""A profile: planes (a host, an accelerator) of lines (threads) of spans."""

from __future__ import annotations

from typing import Any, NamedTuple

from tideflow._src.runtime.engine_trace import EngineTrace
from tideflow._src.runtime.spans import Recorder

#: The plane of what Python and this package do.
HOST = "/host:CPU"
#: What the names of lines begin with that XLA recorded.
ENGINE = "XLA "


class ProfiledSpan(NamedTuple):
    """Is what took a time: start and length in nanoseconds since the profile began."""

    name: str
    start: float
    length: float
    about: dict[str, Any]


class Profile:
    """Is what a profiler recorded.

    Args:
      recorder: what the runtime recorded.
      engine: what XLA recorded.
      began: when the profile began, in nanoseconds of ``time.perf_counter_ns``.

    Attributes:
      planes: for the name of a plane the spans of its lines, by the name of the line.
      dropped: how many spans were too many to keep.
    """

    def __init__(self, recorder: Recorder, engine: EngineTrace, began: int) -> None:
        self.dropped = recorder.dropped
        self.planes: dict[str, dict[str, list[ProfiledSpan]]] = {HOST: {}}
        for span in recorder.spans:
            line = f"{recorder.threads[span.thread]} ({span.thread})"
            about = {"kind": span.kind, **span.about}
            name = span.name if span.kind in ("eager", "kernel", "step") else f"{span.kind} {span.name}"
            self._add(HOST, line, ProfiledSpan(name, span.start - began, span.end - span.start, about))
        for plane, line, name, start, length, about in engine.events():
            self._add(plane, f"{ENGINE}{line}", ProfiledSpan(name, start - began, length, about))

    def _add(self, plane: str, line: str, span: ProfiledSpan) -> None:
        self.planes.setdefault(plane, {}).setdefault(line, []).append(span)
