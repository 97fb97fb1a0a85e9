"""A training loop under a supervisor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core.errors import AbortedError
from tideflow._src.train.supervisor import Supervisor


def basic_train_loop(
    supervisor: Supervisor,
    train_step_fn: Callable[..., Any],
    args: Any = None,
    kwargs: Any = None,
    master: str = "",
) -> None:
    """Calls a function again and again until the supervisor stops, with a new session after ``AbortedError``.

    Args:
      supervisor: makes sessions and says when to stop.
      train_step_fn: a function of the session; it gets ``args`` and ``kwargs``, too.
      args: more positional arguments.
      kwargs: more named arguments.
      master: the target of sessions.
    """
    positional = list(args or ())
    named = dict(kwargs or {})
    should_retry = True
    while should_retry:
        try:
            should_retry = False
            with supervisor.managed_session(master) as session:
                while not supervisor.should_stop():
                    train_step_fn(session, *positional, **named)
        except AbortedError:
            should_retry = True
