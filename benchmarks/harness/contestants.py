"""Contestants: what the parent asks for rounds, whichever process answers."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Protocol

from harness.peers import BENCHMARKS, peer_of, python_of
from harness.workload import ProcessWorkload, Seconds, SteadyWorkload, Workload

ERROR_TAIL = 2000


class PeerError(Exception):
    """A peer could not do a workload; the message says why."""


class Contestant(Protocol):
    """One label of one workload, ready to be asked for rounds."""

    version: str

    def round(self) -> Seconds:
        """Runs one round and returns the seconds of each metric."""

    def close(self) -> None:
        """Ends the processes that are still held."""


class Worker:
    """A worker process, and the pipe to it."""

    def __init__(self, label: str, workload: Workload, environment: Mapping[str, str], timeout: float) -> None:
        self._timeout = timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            [python_of(peer_of(label)), "-m", "harness.worker", label, workload.name],
            cwd=BENCHMARKS,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        self._received = b""

    def ask(self) -> None:
        """Asks the worker for a round; ``answer`` tells if it is gone."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(b"round\n")

    def answer(self) -> dict[str, Any]:
        """Returns the worker's next answer; raises PeerError for an error, a crash or a timeout."""
        assert self._process.stdout is not None
        deadline = monotonic() + self._timeout
        while b"\n" not in self._received:
            readable, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - monotonic()))
            if not readable:
                raise PeerError(f"no answer within {self._timeout:g} s")
            chunk = self._process.stdout.read(65536)
            if not chunk:
                code = self._process.wait()
                raise PeerError(f"the worker ended with status {code}: {self._error_tail()}")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def _error_tail(self) -> str:
        self._errors.seek(0)
        tail = self._errors.read().decode(errors="replace")[-ERROR_TAIL:].strip()
        return tail or "it said nothing"

    def close(self) -> None:
        """Ends the process: by closing its input if it listens, by a kill if it does not."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


class SteadyContestant:
    """A label of a steady workload: one worker, kept for all rounds."""

    def __init__(self, label: str, workload: Workload, environment: Mapping[str, str], timeout: float) -> None:
        self._worker = Worker(label, workload, environment, timeout)
        try:
            self.version = self._worker.answer()["version"]
        except PeerError:
            self._worker.close()
            raise

    def round(self) -> Seconds:
        self._worker.ask()
        seconds: dict[str, float] = self._worker.answer()["seconds"]
        return seconds

    def close(self) -> None:
        self._worker.close()


class ColdContestant:
    """A label of a cold workload: a worker for each round."""

    def __init__(self, label: str, workload: Workload, environment: Mapping[str, str], timeout: float) -> None:
        self.version = "unknown"
        self._start = partial(Worker, label, workload, environment, timeout)

    def round(self) -> Seconds:
        worker = self._start()
        try:
            answer = worker.answer()
        finally:
            worker.close()
        self.version = answer["version"]
        seconds: dict[str, float] = answer["seconds"]
        return seconds

    def close(self) -> None:
        """Holds no process between rounds."""


class ProcessContestant:
    """A label of a process workload: the parent measures whole processes."""

    version = "unknown"

    def __init__(self, label: str, workload: ProcessWorkload, environment: Mapping[str, str]) -> None:
        self._measure = partial(workload.measure, label, python_of(peer_of(label)), environment)

    def round(self) -> Seconds:
        try:
            return self._measure()
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or "").strip().splitlines()
            raise PeerError(lines[-1] if lines else f"status {error.returncode}") from error

    def close(self) -> None:
        """Holds no process between rounds."""


def enter(label: str, workload: Workload, environment: Mapping[str, str], timeout: float) -> Contestant:
    """Returns the contestant for a label, its process started if it keeps one; raises PeerError."""
    python = python_of(peer_of(label))
    if shutil.which(python) is None:
        raise PeerError(f"no interpreter {python!r}")
    if isinstance(workload, ProcessWorkload):
        return ProcessContestant(label, workload, environment)
    if isinstance(workload, SteadyWorkload):
        return SteadyContestant(label, workload, environment, timeout)
    return ColdContestant(label, workload, environment, timeout)
