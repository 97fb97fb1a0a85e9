"""The worker: one process for one label of one workload.

    python -m harness.worker LABEL WORKLOAD

It answers over its original standard output, one JSON object a line; what a peer prints goes to standard
error. A steady workload is set up at once and answered with ``{"ready": {...}}``; each line then read from
standard input is one round. A cold workload is one round, answered at once.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from workloads import load_workload

from harness import timing
from harness.peers import load, peer_of
from harness.workload import ColdWorkload, SteadyWorkload


def version_of(module_name: str) -> str:
    """Returns the version of the peer that is loaded, or "unknown" if it does not tell."""
    return str(getattr(sys.modules[module_name], "__version__", "unknown"))


def answers(label: str, name: str) -> Iterator[dict[str, Any]]:
    """Yields the worker's answers; whatever goes wrong is raised."""
    workload = load_workload(name)
    peer = peer_of(label)
    if isinstance(workload, ColdWorkload):
        module = load(peer, workload.dialect)
        yield {"seconds": dict(workload.programs[label](module)), "version": version_of(peer)}
        return
    assert isinstance(workload, SteadyWorkload), f"{name} has no program to run in a worker"
    steps = workload.programs[label](load(peer, workload.dialect))
    workload.verify(steps)
    for step in steps.values():
        timing.warm_up(step, workload.warm_up)
    calls = {metric: timing.calls_to_fill(step) for metric, step in steps.items()}
    yield {"ready": True, "version": version_of(peer)}
    for _ in sys.stdin:
        yield {"seconds": {metric: timing.best_of(step, calls[metric]) for metric, step in steps.items()}}


def main() -> None:
    label, name = sys.argv[1:]
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        for answer in answers(label, name):
            channel.write(json.dumps(answer) + "\n")
    except Exception as error:  # The parent reports it in the workload's row, and goes on with the others.
        traceback.print_exc()
        message = str(error).strip() or "no message"
        answer = {"error": f"{type(error).__name__}: {message}"}
        channel.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
