"""How a variable behaves when a program runs as several replicas: synchronization and aggregation."""

from __future__ import annotations

import enum
from typing import Any


class VariableSynchronization(enum.Enum):
    """Says when the copies of a variable are brought together."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregationV2(enum.Enum):
    """Says how the updates that replicas make to a variable are combined."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, VariableAggregation) and self.value == other.value)


class VariableAggregation(enum.Enum):
    """Is ``VariableAggregationV2`` with the older name of its last value beside the newer one."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3  # noqa: PIE796 - the older name of the same value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, VariableAggregationV2) and self.value == other.value)


def validated(synchronization: Any, aggregation: Any, trainable: bool | None, name: Any) -> tuple[Any, Any, bool]:
    """Returns synchronization, aggregation and whether a variable is trained, with defaults filled in.

    Raises:
      ValueError: one of them is not a value of its enumeration, or they contradict each other.
    """
    if aggregation is None:
        aggregation = VariableAggregation.NONE
    elif not isinstance(aggregation, VariableAggregation | VariableAggregationV2):
        try:
            aggregation = VariableAggregationV2(aggregation)
        except ValueError:
            raise ValueError(f"Invalid variable aggregation mode: {aggregation} for variable: {name}") from None
    if synchronization is None:
        synchronization = VariableSynchronization.AUTO
    else:
        try:
            synchronization = VariableSynchronization(synchronization)
        except ValueError:
            raise ValueError(f"Invalid variable synchronization mode: {synchronization} for variable: {name}") from None
    if trainable is None:
        trainable = synchronization is not VariableSynchronization.ON_READ
    return synchronization, aggregation, trainable
