"""What XLA does inside a compiled program, as its own profiler tells."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tideflow._src.runtime import engine


class EngineTrace:
    """Records what the engine does, from the first time that it is there."""

    def __init__(self) -> None:
        self._session: Any = None
        #: When it began, in nanoseconds of ``time.perf_counter_ns``.
        self.began = 0
        #: What was recorded, once it has ended.
        self.space = b""

    def begin(self, *, load: bool = False) -> None:
        """Begins to record, unless it has: at once if the engine is loaded, or is to be loaded now."""
        if self._session is not None or not (load or engine.is_loaded()):
            return
        engine.load()
        from jax._src.lib import _profiler  # the engine is loaded when it is used

        options = _profiler.ProfileOptions()
        options.python_tracer_level = 0
        self.began = time.perf_counter_ns()
        self._session = _profiler.ProfilerSession(options)

    def end(self) -> None:
        """Ends, and keeps what was recorded as ``space``, a serialized ``XSpace``."""
        session, self._session = self._session, None
        if session is not None:
            self.space = bytes(session.stop())

    def events(self) -> Iterator[tuple[str, str, str, float, float, dict[str, Any]]]:
        """Yields the plane, the line, the name, the start and the length of each event, and what is known of it.

        The start is in nanoseconds of ``time.perf_counter_ns``.
        """
        if not self.space:
            return
        from jax.profiler import ProfileData

        for plane in ProfileData.from_serialized_xspace(self.space).planes:
            for line in plane.lines:
                for event in line.events:
                    if event.duration_ns > 0:
                        about = {key: value for key, value in event.stats if key is not None and key[0] != "_"}
                        start = self.began + event.start_ns
                        yield plane.name, line.name, event.name, start, event.duration_ns, about
