"""The contest: the rounds of one workload, interleaved over its contestants, and their medians."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from harness.contestants import Contestant, PeerError, enter
from harness.peers import peer_of
from harness.workload import Workload


@dataclass
class Result:
    """What a contest of one workload gave.

    Attributes:
      workload: The workload.
      rounds: For each label and metric, the seconds of every round.
      errors: For each label that could not do the work, why.
      versions: For each peer, its version where it told.
    """

    workload: Workload
    rounds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def medians(self) -> dict[str, dict[str, float]]:
        """For each label without an error and each metric, the median of the rounds."""
        return {
            label: {metric: median(seconds) for metric, seconds in metrics.items()}
            for label, metrics in self.rounds.items()
            if label not in self.errors
        }

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics in the order of the targets, then those that only some label gave."""
        measured = (metric for metrics in self.medians.values() for metric in metrics)
        return tuple(dict.fromkeys([*self.workload.targets, *measured]))


def hold(
    workload: Workload,
    peers: Sequence[str],
    rounds: int,
    environment: Mapping[str, str],
    timeout: float,
    tell: Callable[[str], None],
) -> Result:
    """Runs a workload: every contestant starts, then all do round 1, then all do round 2, and so on.

    A contestant that fails drops out with its error; the others go on.
    """
    result = Result(workload)
    contestants: dict[str, Contestant] = {}
    labels = sorted(
        (name for name in workload.labels if peer_of(name) in peers),
        key=lambda name: peers.index(peer_of(name)),
    )

    def drop(label: str, error: PeerError) -> None:
        result.errors[label] = str(error)
        tell(f"  {label}: {error}")

    try:
        for label in labels:
            tell(f"  {label}: starting")
            try:
                contestants[label] = enter(label, workload, environment, timeout)
            except PeerError as error:
                drop(label, error)
        for number in range(min(rounds, workload.max_rounds)):
            tell(f"  round {number + 1}")
            for label in [name for name in contestants if name not in result.errors]:
                try:
                    seconds = contestants[label].round()
                except PeerError as error:
                    drop(label, error)
                    continue
                for metric, value in seconds.items():
                    result.rounds.setdefault(label, {}).setdefault(metric, []).append(value)
        for label, contestant in contestants.items():
            if contestant.version != "unknown":
                result.versions[peer_of(label)] = contestant.version
    finally:
        for contestant in contestants.values():
            contestant.close()
    return result
