"""What a workload is: a program for each label, how it is run, and the targets Tideflow must meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.peers import Dialect

Step = Callable[[], Any]
Seconds = Mapping[str, float]


@dataclass(frozen=True)
class Target:
    """An upper limit on Tideflow's time.

    Attributes:
      limit: Seconds if ``of`` is None, otherwise a factor.
      of: The label whose time the factor multiplies.
      metric: The metric of that label; by default the one that the target is given for.
    """

    limit: float
    of: str | None = None
    metric: str | None = None

    def bound(self, metric: str, medians: Mapping[str, Seconds]) -> float | None:
        """Returns the limit in seconds, or None if the peer that it is relative to was not measured."""
        if self.of is None:
            return self.limit
        reference = medians.get(self.of, {}).get(self.metric or metric)
        return None if reference is None else self.limit * reference


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What all workloads have; use one of the three kinds below.

    Attributes:
      name: The name of the module and of ``--only``.
      title: What the table calls it.
      targets: For each metric, what Tideflow must reach. A workload with one metric calls it ``""``.
      max_rounds: An upper limit on the rounds, for what takes long.
    """

    name: str
    title: str
    targets: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    max_rounds: int = 1000

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the workload is written for."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class SteadyWorkload(Workload):
    """Work that is repeated in one process and timed when warm.

    Attributes:
      programs: For each label, a function that takes the peer's module and returns the step of each metric.
      verify: Raises AssertionError if the steps do not compute what they should; called before the timing.
      dialect: The API that the two TensorFlows are used through.
      warm_up: Seconds for which each step is called before it is timed: what is interpreted at first must have run as
        often as it takes to be compiled.
    """

    programs: Mapping[str, Callable[[Any], Mapping[str, Step]]]
    verify: Callable[[Mapping[str, Step]], None]
    dialect: Dialect = "v2"
    warm_up: float = 1.0

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.programs)


@dataclass(frozen=True, kw_only=True)
class ColdWorkload(Workload):
    """Work whose first time counts: each round is a fresh process.

    Attributes:
      programs: For each label, a function that takes the peer's module and times what it does.
      dialect: The API that the two TensorFlows are used through.
    """

    programs: Mapping[str, Callable[[Any], Seconds]]
    dialect: Dialect = "v2"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.programs)


@dataclass(frozen=True, kw_only=True)
class ProcessWorkload(Workload):
    """Work that is a whole process, timed from outside.

    Attributes:
      measure: Takes the label, the interpreter and the environment, runs one round, and returns seconds.
      measured: The labels that it can be asked for.
    """

    measure: Callable[[str, str, Mapping[str, str]], Seconds]
    measured: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.measured
