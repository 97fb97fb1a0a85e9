"""Writing checkpoints in a thread, while the program goes on."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Any


class AsyncWriter:
    """Writes one checkpoint after the other in a thread.

    What was gathered keeps its values, since tensors never change: nothing is copied. An error of the thread is raised
    by the next call.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._is_registered = False

    def start(self, write: Callable[[], Any]) -> None:
        """Runs a function in the thread, when the one before is done.

        Raises:
          Exception: what the one before raised.
        """
        self.join()
        if not self._is_registered:
            atexit.register(self._finish)
            self._is_registered = True

        def run() -> None:
            try:
                write()
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, name="checkpoint_writer")
        self._thread.start()

    def join(self) -> None:
        """Waits for the thread.

        Raises:
          Exception: what it raised.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _finish(self) -> None:
        """Waits for the thread as the process ends."""
        self.join()
