"""A profile in the Trace Event Format, which Perfetto, Chrome and TensorBoard's trace viewer open.

The format is Google's (*Trace Event Format*, 2016): complete events (``"ph": "X"``) with a start and a length in
microseconds, and metadata events (``"ph": "M"``) that name processes and threads.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from tideflow._src.profiler.profile import Profile


def trace_events(profile: Profile) -> dict[str, Any]:
    """Returns a profile as the object that the format describes."""
    events: list[dict[str, Any]] = []
    for process, (plane, lines) in enumerate(profile.planes.items(), start=1):
        events.append({"ph": "M", "pid": process, "name": "process_name", "args": {"name": plane}})
        events.append({"ph": "M", "pid": process, "name": "process_sort_index", "args": {"sort_index": process}})
        for thread, (line, spans) in enumerate(lines.items(), start=1):
            events.append(
                {"ph": "M", "pid": process, "tid": thread, "name": "thread_name", "args": {"name": line}},
            )
            # Of two that begin together the longer one holds the other.
            for span in sorted(spans, key=lambda span: (span.start, -span.length)):
                event = {
                    "ph": "X",
                    "pid": process,
                    "tid": thread,
                    "name": span.name,
                    "ts": span.start / 1000,
                    "dur": span.length / 1000,
                }
                if span.about:
                    event["args"] = {key: str(value) for key, value in span.about.items()}
                events.append(event)
    return {
        "displayTimeUnit": "ns",
        "metadata": {"highres-ticks": True, "dropped-events": profile.dropped},
        "traceEvents": events,
    }


def compressed(profile: Profile) -> bytes:
    """Returns a profile as the content of a ``.trace.json.gz`` file."""
    return gzip.compress(json.dumps(trace_events(profile), separators=(",", ":")).encode(), mtime=0)
