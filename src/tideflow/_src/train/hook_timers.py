"""Timers that tell hooks at which steps to act."""

from __future__ import annotations

import time


class HookTimer:
    """Is the base of timers."""

    def reset(self) -> None:
        """Forgets when it triggered last."""

    def should_trigger_for_step(self, step: int) -> bool:
        """Tells whether to act at a step."""
        raise NotImplementedError(f"{type(self).__name__} must define should_trigger_for_step.")

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Remembers that the step was acted upon; returns the seconds and steps since the time before."""
        raise NotImplementedError(f"{type(self).__name__} must define update_last_triggered_step.")

    def last_triggered_step(self) -> int | None:
        """Returns the step that was acted upon last, or None."""
        raise NotImplementedError(f"{type(self).__name__} must define last_triggered_step.")


class SecondOrStepTimer(HookTimer):
    """Triggers after so many seconds, or so many steps, and once at the start.

    Args:
      every_secs: the seconds between.
      every_steps: the steps between.

    Raises:
      ValueError: both or neither are given.

    >>> timer = SecondOrStepTimer(every_steps=3)
    >>> timer.should_trigger_for_step(1)
    True
    >>> timer.update_last_triggered_step(1)
    (None, None)
    >>> [step for step in range(2, 6) if timer.should_trigger_for_step(step)]
    [4, 5]
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self._every_secs = every_secs
        self._every_steps = every_steps
        self.reset()

    def reset(self) -> None:
        """Forgets when it triggered last."""
        self._last_triggered_step: int | None = None
        self._last_triggered_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        """Tells whether to act at a step; never twice at the same."""
        if self._last_triggered_step is None or self._last_triggered_time is None:
            return True
        if self._last_triggered_step == step:
            return False
        if self._every_secs is not None and time.time() >= self._last_triggered_time + self._every_secs:
            return True
        return self._every_steps is not None and step >= self._last_triggered_step + self._every_steps

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Remembers that the step was acted upon; returns the seconds and steps since the time before, or Nones."""
        now = time.time()
        seconds: float | None = None
        steps: int | None = None
        if self._last_triggered_time is not None and self._last_triggered_step is not None:
            seconds = now - self._last_triggered_time
            steps = step - self._last_triggered_step
        self._last_triggered_time = now
        self._last_triggered_step = step
        return seconds, steps

    def last_triggered_step(self) -> int | None:
        """Returns the step that was acted upon last, or None."""
        return self._last_triggered_step


class NeverTriggerTimer(HookTimer):
    """Never triggers."""

    def should_trigger_for_step(self, step: int) -> bool:
        """Tells that there is nothing to do."""
        return False

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Returns Nones."""
        return None, None

    def last_triggered_step(self) -> int | None:
        """Returns None."""
        return None
