"""Explains a pipeline: its stages, how long each takes, and which of them holds the others up."""

from __future__ import annotations

from typing import NamedTuple

from tideflow._src.ops.data.measuring import Clock, Measured
from tideflow._src.ops.data.prefetching import Prefetch
from tideflow._src.ops.data.stage import INFINITE, UNKNOWN, Run, Stage


class ExplainedStage(NamedTuple):
    """Is one stage of a pipeline, as ``Dataset.explain`` found it.

    Attributes:
      depth: how many stages there are between it and the end.
      kind: its operation.
      description: what it does.
      cardinality: how many elements it has, or -1 (without end) or -2 (not known).
      elements: how many it gave while it was looked at; 0 if its rows were had all at once by the next stage.
      seconds: how long that took, without its inputs.
      waits: whether this is how long its reader waited for a thread.
    """

    depth: int
    kind: str
    description: str
    cardinality: int
    elements: int
    seconds: float
    waits: bool


class Explanation:
    """Is what ``Dataset.explain`` returns.

    Attributes:
      stages: the stages, last first, inputs below what is made of them.
      bottleneck: the stage that took longest, or None if none was measured.
    """

    def __init__(self, stages: list[ExplainedStage]) -> None:
        self.stages = stages
        worked = [stage for stage in stages if stage.seconds and not stage.waits]
        self.bottleneck = max(worked, key=lambda stage: stage.seconds, default=None)

    def __str__(self) -> str:
        total = sum(stage.seconds for stage in self.stages) or 1.0
        lines = [f"{'stage':<48} {'elements of':>22} {'ms':>10} {'share':>6}"]
        for stage in self.stages:
            name = "  " * stage.depth + stage.description
            size = {INFINITE: "infinite", UNKNOWN: "unknown"}.get(stage.cardinality, str(stage.cardinality))
            note = " waiting" if stage.waits else ""
            lines.append(
                f"{name:<48} {f'{stage.elements} of {size}':>22} {stage.seconds * 1e3:>10.3f} "
                f"{stage.seconds / total:>6.0%}{note}"
            )
        if self.bottleneck is not None:
            lines.append(f"bottleneck: {self.bottleneck.description}")
        return "\n".join(lines)

    __repr__ = __str__


def explain(stage: Stage, elements: int) -> Explanation:
    """Returns the explanation of a pipeline, of which so many elements are made."""
    run = Run(stage.options)
    run.clock = Clock()
    running = stage.start(run)
    try:
        for _ in range(elements):
            if running.next() is None:
                break
    finally:
        running.close()
    found: list[ExplainedStage] = []
    _collect(stage, 0, run.clock, found)
    return Explanation(found)


def _collect(stage: Stage, depth: int, clock: Clock, found: list[ExplainedStage]) -> None:
    record = clock.stages.get(stage) or Measured()
    found.append(
        ExplainedStage(
            depth,
            stage.kind,
            stage.describe(),
            stage.cardinality(),
            record.elements,
            record.seconds,
            isinstance(stage, Prefetch),
        )
    )
    for source in stage.inputs:
        _collect(source, depth + 1, clock, found)
