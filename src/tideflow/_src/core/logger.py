"""Keeps the logger named ``tensorflow`` and the functions of ``tf.logging`` that write to it."""

from __future__ import annotations

import collections
import logging
import sys
import threading
from typing import Any

DEBUG = logging.DEBUG
ERROR = logging.ERROR
FATAL = logging.FATAL
INFO = logging.INFO
WARN = logging.WARNING

_lock = threading.Lock()
_logger: logging.Logger | None = None
_counts: collections.Counter[tuple[str, int, Any]] = collections.Counter()


class _Stream(logging.StreamHandler[Any]):
    """Writes to what ``sys.stderr`` (or at a prompt, ``sys.stdout``) is when a message comes."""

    def __init__(self, interactive: bool) -> None:
        logging.Handler.__init__(self)
        self._interactive = interactive

    @property
    def stream(self) -> Any:
        """The stream that messages go to."""
        return sys.stdout if self._interactive else sys.stderr


def get_logger() -> logging.Logger:
    """Returns the logger that TensorFlow programs share; its messages read ``INFO:tensorflow:...``.

    At a prompt it starts at the level INFO and writes to standard output; in a program at WARN, to standard error.
    """
    global _logger
    if _logger is not None:
        return _logger
    with _lock:
        if _logger is None:
            logger = logging.getLogger("tensorflow")
            interactive = hasattr(sys, "ps1") or bool(sys.flags.interactive)
            if not logging.getLogger().handlers and not logger.handlers:
                handler = _Stream(interactive)
                handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
                logger.addHandler(handler)
            if logger.level == logging.NOTSET:
                logger.setLevel(INFO if interactive else WARN)
            _logger = logger
    return _logger


def get_verbosity() -> int:
    """Returns the least level of the messages that are written."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int) -> None:
    """Writes only messages of the level ``v`` or above: DEBUG, INFO, WARN, ERROR or FATAL."""
    get_logger().setLevel(v)


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at a level."""
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at the level DEBUG."""
    get_logger().debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at the level INFO."""
    get_logger().info(msg, *args, **kwargs)


def warn(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at the level WARN."""
    get_logger().warning(msg, *args, **kwargs)


def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at the level WARN."""
    get_logger().warning(msg, *args, **kwargs)


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at the level ERROR."""
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at the level FATAL; the program goes on."""
    get_logger().fatal(msg, *args, **kwargs)


def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at a level."""
    get_logger().log(level, msg, *args, **kwargs)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Logs ``msg % args`` at a level if the condition holds."""
    if condition:
        vlog(level, msg, *args)


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first of every ``n`` messages that come from the same line."""
    log_if(level, msg, not _count() % n, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first ``n`` messages that come from the same line."""
    log_if(level, msg, _count() < n, *args)


def _count() -> int:
    """Returns how often the caller's caller came here before."""
    frame = sys._getframe(2)
    place = (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
    with _lock:
        count = _counts[place]
        _counts[place] += 1
    return count


def TaskLevelStatusMessage(msg: Any) -> None:  # the name is TensorFlow's
    """Logs a message about the state of a task, as an error."""
    error(msg)


def flush() -> None:
    """Writes out what is still buffered."""
    for handler in get_logger().handlers:
        handler.flush()
