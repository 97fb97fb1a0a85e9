"""``tf.profiler.experimental``: records what a program does with its time, for TensorBoard and Perfetto."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any, NamedTuple

from tideflow._src.core.errors import AlreadyExistsError, UnavailableError, UnimplementedError
from tideflow._src.ops.files import file_system
from tideflow._src.profiler import profile as profiles
from tideflow._src.profiler import trace_events, xplane
from tideflow._src.runtime import spans
from tideflow._src.runtime.engine_trace import EngineTrace


class ProfilerOptions(NamedTuple):
    """What a profiler records.

    Attributes:
      host_tracer_level: 1 for steps, calls of functions and programs only; 2 for stages, eager operations and kernels,
        too. 3 is the same as 2.
      python_tracer_level: of no effect: Python's own functions are not recorded.
      device_tracer_level: 1 to record what XLA does in compiled programs, 0 not to.
      delay_ms: of no effect: recording begins at once.
    """

    host_tracer_level: int = 2
    python_tracer_level: int = 0
    device_tracer_level: int = 1
    delay_ms: int | None = None


#: What is recorded at level 1.
_COARSE = ("step", "call", "program")


class _Session:
    """Is a profile that is being recorded."""

    def __init__(self, logdir: str, options: ProfilerOptions) -> None:
        self.logdir = logdir
        self.options = options
        self.recorder = spans.Recorder()
        self.engine = EngineTrace()
        self.wall_time = time.time_ns()
        self.began = time.perf_counter_ns()
        if options.device_tracer_level:
            self.engine.begin()
            self.recorder.before_compiled = lambda: self.engine.begin(load=True)
        spans.begin(self.recorder)

    def end(self) -> None:
        spans.end(self.recorder)
        self.engine.end()

    def save(self) -> None:
        """Writes the files: each under a name of its own first, so that nobody reads half of one."""
        if self.options.host_tracer_level < 2:
            self.recorder.spans = [span for span in self.recorder.spans if span.kind in _COARSE]
        profile = profiles.Profile(self.recorder, self.engine, self.began)
        run = time.strftime("%Y_%m_%d_%H_%M_%S", time.localtime(self.wall_time // 1_000_000_000))
        folder = os.path.join(file_system.local(self.logdir), "plugins", "profile", run)
        number = 0
        while os.path.exists(folder):  # another profile of this second
            number += 1
            folder = os.path.join(file_system.local(self.logdir), "plugins", "profile", f"{run}_{number}")
        file_system.make_folders(folder)
        host = socket.gethostname()
        for name, content in (
            (f"{host}.trace.json.gz", trace_events.compressed(profile)),
            (f"{host}.xplane.pb", xplane.space(profile, self.engine.space, self.engine.began - self.began)),
        ):
            path = os.path.join(folder, name)
            with file_system.translated(path):
                with open(f"{path}.part", "wb") as file:
                    file.write(content)
                os.replace(f"{path}.part", path)


_lock = threading.Lock()
_session: _Session | None = None


def start(logdir: Any, options: ProfilerOptions | None = None) -> None:
    """Begins to record what all threads do; nothing is recorded, and nothing costs anything, before.

    Recorded are eager operations, calls of functions, programs with the tier that runs them, their stages, and the
    kernels of both tiers. While a profiler records, eager operations and calls take the general path.

    Args:
      logdir: the folder that `stop` writes to.
      options: what is recorded.

    Raises:
      AlreadyExistsError: a profiler records already.
      TypeError: the folder is no path.
    """
    global _session
    folder = os.fspath(logdir)
    with _lock:
        if _session is not None:
            raise AlreadyExistsError(None, None, "Another profiler is running.")
        _session = _Session(file_system.text_of(folder), options or ProfilerOptions())


def stop(save: bool = True) -> None:
    """Ends recording, and writes the profile.

    Two files go to the folder ``plugins/profile/<time>/`` of the log: ``<host>.trace.json.gz``, which Perfetto and
    Chrome open, and ``<host>.xplane.pb``, which TensorBoard's profile plugin opens.

    Args:
      save: whether the profile is written.

    Raises:
      UnavailableError: no profiler records.
    """
    global _session
    with _lock:
        session, _session = _session, None
    if session is None:
        raise UnavailableError(None, None, "Cannot export profiling results. No profiler is running.")
    session.end()
    if save:
        session.save()


class Profile:
    """Is a context that is profiled.

    Args:
      logdir: the folder that the profile is written to.
      options: what is recorded.
    """

    def __init__(self, logdir: Any, options: ProfilerOptions | None = None) -> None:
        self._logdir = logdir
        self._options = options

    def __enter__(self) -> None:
        start(self._logdir, self._options)

    def __exit__(self, *_: Any) -> None:
        stop()


class Trace:
    """Is a context whose time a profiler records under a name; without a profiler it does nothing.

    Args:
      name: the name.
      **kwargs: what is shown with it, for instance ``step_num``; ``_r=1`` says that it is a step of training.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name = name
        self._about = dict(kwargs)
        self._start = time.perf_counter_ns() if spans.RECORDERS else 0

    def __enter__(self) -> Trace:
        return self

    def set_metadata(self, **kwargs: Any) -> None:
        """Adds what is shown with the name."""
        self._about.update(kwargs)

    def __exit__(self, *_: Any) -> None:
        if self._start:
            end = time.perf_counter_ns()
            for recorder in spans.RECORDERS:
                if recorder.times:
                    recorder.add("step", self._name, self._start, end, self._about)


def _refuse(what: str) -> UnimplementedError:
    return UnimplementedError(
        None,
        None,
        f"{what} talks to a profiler in another process, which there is none of here: profile in the process itself, "
        "with tf.profiler.experimental.start and stop.",
    )


def start_server(port: int) -> None:
    """Refuses: profiles are recorded in the process itself.

    Raises:
      UnimplementedError: always.
    """
    raise _refuse("tf.profiler.experimental.server.start")


def trace(
    service_addr: str,
    logdir: str,
    duration_ms: int,
    worker_list: str = "",
    num_tracing_attempts: int = 3,
    options: ProfilerOptions | None = None,
) -> None:
    """Refuses: profiles are recorded in the process itself.

    Raises:
      UnimplementedError: always.
    """
    raise _refuse("tf.profiler.experimental.client.trace")


def monitor(service_addr: str, duration_ms: int, level: int = 1) -> str:
    """Refuses: profiles are recorded in the process itself.

    Raises:
      UnimplementedError: always.
    """
    raise _refuse("tf.profiler.experimental.client.monitor")
