"""Defines ``Server``: a task that sessions of this process connect to, and whose variables they share."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from tideflow._src.core import errors
from tideflow._src.runtime.blocking import longest_wait
from tideflow._src.session import targets
from tideflow._src.train.cluster import ClusterSpec

#: Numbers that stand for the port that a server of another process would have. Nothing listens there.
_ports = itertools.count(49152)


class Server:
    """Is a task of a cluster. Tideflow runs one task, in this process: sessions with its target share variables.

    Args:
      server_or_cluster_def: a ``ServerDef``, ``ClusterDef``, ``ClusterSpec`` or a dictionary for that.
      job_name: the job of this task; it may be left out if there is only one.
      task_index: the number of this task in its job; it may be left out if there is only one.
      protocol: ``"grpc"``.
      config: a ``ConfigProto`` for sessions.
      start: whether sessions can connect at once.

    Raises:
      TypeError: the definition is something else.
      ValueError: the job is not in the cluster, or it is not clear which task this is.
      NotFoundError: the protocol is unknown.
      UnimplementedError: the cluster has several tasks.
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: Any = None,
        start: bool = True,
    ) -> None:
        self._server_def = _server_def(server_or_cluster_def, job_name, task_index, protocol, config)
        if self._server_def.protocol != "grpc":
            raise errors.NotFoundError(
                None, None, f"There is no server for the protocol {self._server_def.protocol!r}, expected 'grpc'."
            )
        spec = ClusterSpec(self._server_def.cluster)
        name, index = self._server_def.job_name, self._server_def.task_index
        if index not in spec.task_indices(name):
            raise errors.InvalidArgumentError(None, None, f'Task {index} was not defined in job "{name}"')
        if sum(spec.num_tasks(job) for job in spec.jobs) > 1:
            raise errors.UnimplementedError(
                None,
                None,
                f"The cluster has several tasks: {spec}. Tideflow runs one task, in this process; distributed runs "
                "come with a later release.",
            )
        host, _, port = spec.task_address(name, index).rpartition(":")
        if port == "0" or not port:
            port = str(next(_ports))
        self._target = f"grpc://{host or 'localhost'}:{port}"
        self._stopped = threading.Event()
        self._started = False
        if start:
            self.start()

    def start(self) -> None:
        """Lets sessions connect; does nothing if they can already."""
        if not self._started:
            targets.open_target(self._target)
            self._started = True

    def join(self) -> None:
        """Waits until the server stops, which is when the program ends."""
        while not self._stopped.wait(longest_wait()):
            pass

    @property
    def server_def(self) -> Any:
        """The server's definition, a ``ServerDef``."""
        return self._server_def

    @property
    def target(self) -> str:
        """What a session takes as its target to connect to this server."""
        return self._target

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """Returns a server of a cluster with one task.

        Args:
          config: a ``ConfigProto`` for sessions.
          start: whether sessions can connect at once.
        """
        return Server({"localhost": ["localhost:0"]}, protocol="grpc", config=config, start=start)


def _server_def(given: Any, job_name: str | None, task_index: int | None, protocol: str | None, config: Any) -> Any:
    """Returns a complete ``ServerDef``."""
    from tideflow._src.graph import protos  # loads protobuf at its first use

    kind = protos.get("ServerDef")
    server_def = kind()
    if isinstance(given, kind):
        server_def.CopyFrom(given)
    else:
        try:
            cluster = ClusterSpec(given)
        except TypeError as error:
            raise TypeError(
                "Could not convert `server_or_cluster_def` to a `tf.train.ServerDef` or `tf.train.ClusterSpec`: "
                f"{error}"
            ) from error
        server_def.cluster.CopyFrom(cluster.as_cluster_def())
    spec = ClusterSpec(server_def.cluster)
    if job_name is not None:
        server_def.job_name = job_name
    elif not server_def.job_name:
        if len(spec.jobs) != 1:
            raise ValueError("Must specify an explicit `job_name`.")
        server_def.job_name = spec.jobs[0]
    tasks = spec.task_indices(server_def.job_name)
    if task_index is not None:
        server_def.task_index = task_index
    elif not isinstance(given, kind):
        if len(tasks) != 1:
            raise ValueError("Must specify an explicit `task_index`.")
        server_def.task_index = tasks[0]
    if protocol is not None:
        server_def.protocol = protocol
    elif not server_def.protocol:
        server_def.protocol = "grpc"
    if config is not None:
        if not isinstance(config, protos.get("ConfigProto")):
            raise TypeError(f"config must be a tf.ConfigProto, got {type(config).__name__}.")
        server_def.default_session_config.MergeFrom(config)
    return server_def
