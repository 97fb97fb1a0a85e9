"""Asks TensorFlow, in a process of its own, what it does; the other end is `oracle_worker.py`."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import wire

ENVIRONMENT_VARIABLE = "TIDEFLOW_ORACLE_PYTHON"

_START = 600.0  # seconds that importing TensorFlow may take
_PATIENCE = 100.0  # beyond its time, for the process to end a question itself

_WORKER = Path(__file__).with_name("oracle_worker.py")


class OracleFailure(AssertionError):
    """Means that a question was wrong: the worker could not make a TensorFlow call of it."""


class OracleCrash(AssertionError):
    """Means that TensorFlow itself aborted or hung on this question; the next question gets a new process."""


class Oracle:
    """Is a TensorFlow process that starts at the first question. A question that kills it costs little: it forks anew.

    Args:
      interpreter: a Python that can import tensorflow.
      timeout: seconds of work that one question may take before TensorFlow counts as hung; by the clock it may take
        ``wire.WAITING`` times as long, on a busy machine, or waiting for what never comes.
      memory: bytes of address space that the process may take, or None.
    """

    def __init__(self, interpreter: str, timeout: float = 60.0, memory: int | None = None) -> None:
        self.interpreter = interpreter
        self._program = os.path.abspath(interpreter) if os.sep in interpreter else interpreter
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.timeout = timeout
        self.memory = memory
        self.starts = 0
        self.crashes = 0
        self._asked = False
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Any = None
        self._answers = -1
        self._definitions: dict[str, dict[str, Any] | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
            os.close(self._answers)
            self._log.close()
            assert self._folder is not None
            self._folder.cleanup()

    def ask(self, method: str, /, **arguments: Any) -> Any:
        """Returns the worker's answer.

        Raises:
          OracleFailure: the worker could not understand the question.
          OracleCrash: TensorFlow aborted, or took longer than the timeout.
        """
        process = self._process or self._start()
        message = pickle.dumps((method, arguments, self.timeout), protocol=5)
        deadline = time.monotonic() + wire.WAITING * self.timeout + (_PATIENCE if self._asked else _START)
        try:
            assert process.stdin is not None
            process.stdin.write(struct.pack("<Q", len(message)) + message)
            process.stdin.flush()
            (length,) = struct.unpack("<Q", self._read(8, deadline))
            state, answer = pickle.loads(self._read(length, deadline))
        except (BrokenPipeError, EOFError, TimeoutError) as error:
            log = self._crash_log()
            self.close()
            raise OracleCrash(f"{type(error).__name__} on {method} {_summary(arguments)}\n{log}") from None
        self._asked = True
        if state in ("died", "hung"):
            self.crashes += 1
            raise OracleCrash(f"{state} ({answer}) on {method} {_summary(arguments)}\n{self._crash_log()}")
        if state == "failed":
            raise OracleFailure(f"{method} {_summary(arguments)}\n{answer}")
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        if self.memory is not None:  # oneDNN's allocator waits 10 s for memory to come back
            environment["TF_ENABLE_ONEDNN_OPTS"] = "0"
        self._folder = tempfile.TemporaryDirectory()  # what wrong names of files make lands here
        self._answers, theirs = os.pipe()
        self._process = subprocess.Popen(
            [self._program, str(_WORKER), str(theirs)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            env=environment,
            bufsize=0,
            pass_fds=[theirs],
            cwd=self._folder.name,
            process_group=0,
        )
        if self.memory is not None:  # from outside: a function that runs between fork and exec has JAX warn of threads
            resource.prlimit(self._process.pid, resource.RLIMIT_AS, (self.memory, self.memory))
        os.close(theirs)
        self._asked = False
        self.starts += 1
        return self._process

    def _read(self, count: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while count > 0:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no answer within {wire.WAITING * self.timeout} s")
            part = os.read(self._answers, min(count, 1 << 20))
            if not part:
                raise EOFError("the process ended")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _crash_log(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 4000))
        return str(self._log.read().decode(errors="replace"))

    def definition(self, name: str) -> dict[str, Any] | None:
        """Returns TensorFlow's OpDef as a dict, or None; asks for each op once."""
        if name not in self._definitions:
            self._definitions.update(self.ask("op_defs", names=[name]))
        return self._definitions[name]


def _summary(arguments: dict[str, Any]) -> str:
    text = repr(arguments)
    return text if len(text) < 1500 else text[:1500] + "..."


def from_environment(timeout: float = 60.0, memory: int | None = None) -> Oracle:
    """Returns the oracle that `TIDEFLOW_ORACLE_PYTHON` names; see `Oracle` for the limits."""
    interpreter = os.environ.get(ENVIRONMENT_VARIABLE)
    if not interpreter:
        raise RuntimeError(
            f"{ENVIRONMENT_VARIABLE} is not set: it must name a Python that has tensorflow-cpu 2.21 "
            "(`make parity` prepares one)"
        )
    return Oracle(interpreter, timeout, memory)
