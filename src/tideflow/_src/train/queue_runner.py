"""Queue runners: threads that fill a queue by running its enqueue operations again and again."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, errors
from tideflow._src.graph import protos
from tideflow._src.session.session import BaseSession, get_default_session
from tideflow._src.state.collection_protos import register_proto_function
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.train.coordinator import Coordinator

_CODES = {
    errors.CancelledError: "CANCELLED",
    errors.UnknownError: "UNKNOWN",
    errors.InvalidArgumentError: "INVALID_ARGUMENT",
    errors.DeadlineExceededError: "DEADLINE_EXCEEDED",
    errors.NotFoundError: "NOT_FOUND",
    errors.AlreadyExistsError: "ALREADY_EXISTS",
    errors.PermissionDeniedError: "PERMISSION_DENIED",
    errors.ResourceExhaustedError: "RESOURCE_EXHAUSTED",
    errors.FailedPreconditionError: "FAILED_PRECONDITION",
    errors.AbortedError: "ABORTED",
    errors.OutOfRangeError: "OUT_OF_RANGE",
    errors.UnimplementedError: "UNIMPLEMENTED",
    errors.InternalError: "INTERNAL",
    errors.UnavailableError: "UNAVAILABLE",
    errors.DataLossError: "DATA_LOSS",
    errors.UnauthenticatedError: "UNAUTHENTICATED",
}


class QueueRunner:
    """Is a list of enqueue operations of a queue, each to be run by a thread of its own.

    Args:
      queue: the queue.
      enqueue_ops: operations that add elements; the same one may stand there several times.
      close_op: closes the queue when there is nothing more to add; made if None.
      cancel_op: closes the queue and cancels what waits for room; made if None.
      queue_closed_exception_types: errors that mean that the queue was closed; ``OutOfRangeError`` if None.
      queue_runner_def: a ``QueueRunnerDef`` to take all of this from.
      import_scope: the name scope into which the graph of that definition was imported.

    Raises:
      ValueError: both or neither of a definition and a queue with operations are given.
      TypeError: the closed-exception types are not a tuple of subclasses of ``tf.errors.OpError``.
      RuntimeError: called eagerly.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Sequence[Any] | None = None,
        close_op: Any = None,
        cancel_op: Any = None,
        queue_closed_exception_types: Any = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if context.executing_eagerly():
            raise RuntimeError(
                "QueueRunners are not supported when eager execution is enabled. "
                "Instead, please use tf.data to get data into your model."
            )
        self._lock = threading.Lock()
        self._runs_per_session: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[BaseException] = []
        if queue_runner_def is not None:
            if queue is not None or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._from_def(queue_runner_def, import_scope)
            return
        if queue is None or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        self._queue = queue
        self._enqueue_ops = list(enqueue_ops)
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        if queue_closed_exception_types is None:
            queue_closed_exception_types = (errors.OutOfRangeError,)
        elif (
            not isinstance(queue_closed_exception_types, tuple)
            or not queue_closed_exception_types
            or not all(
                isinstance(kind, type) and issubclass(kind, errors.OpError) for kind in queue_closed_exception_types
            )
        ):
            raise TypeError(
                "Argument `queue_closed_exception_types` must be a tuple of subclasses of tf.errors.OpError, got "
                f"{queue_closed_exception_types!r}."
            )
        self._queue_closed_exception_types = queue_closed_exception_types

    def _from_def(self, definition: Any, import_scope: str | None) -> None:
        if not isinstance(definition, protos.get("QueueRunnerDef")):
            raise TypeError(f"queue_runner_def must be a QueueRunnerDef, got {type(definition).__name__}.")
        graph = context.default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(f"{import_scope}/{name}" if import_scope else name)

        self._queue = element(definition.queue_name)
        self._enqueue_ops = [element(name) for name in definition.enqueue_op_name]
        self._close_op = element(definition.close_op_name)
        self._cancel_op = element(definition.cancel_op_name)
        by_number = {protos.get("error.Code").Value(name): kind for kind, name in _CODES.items()}
        kinds = tuple(by_number[code] for code in definition.queue_closed_exception_types)
        # Definitions of early versions do not say.
        self._queue_closed_exception_types = kinds or (errors.OutOfRangeError,)

    @property
    def queue(self) -> Any:
        """The queue that is filled."""
        return self._queue

    @property
    def enqueue_ops(self) -> list[Any]:
        """The operations that fill it."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and cancels what waits for room."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> tuple[Any, ...]:
        """The errors that mean that the queue was closed."""
        return self._queue_closed_exception_types

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """The errors of the threads, other than that the queue was closed; for runs without a coordinator."""
        return self._exceptions_raised

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._queue.name

    def _run(self, sess: Any, enqueue_op: Any, coord: Coordinator | None = None) -> None:
        """Runs an enqueue operation until there is nothing more to add, or the coordinator stops; then closes."""
        decremented = False
        try:
            enqueue = sess.make_callable(enqueue_op)
            while coord is None or not coord.should_stop():
                try:
                    enqueue()
                except self._queue_closed_exception_types:
                    with self._lock:
                        self._runs_per_session[sess] -= 1
                        decremented = True
                        last = self._runs_per_session[sess] == 0
                    if last:
                        try:
                            sess.run(self._close_op)
                        except Exception as error:  # the queue may be closed already: that is what was wanted
                            logging.getLogger("tideflow").debug("ignored an error while closing a queue: %s", error)
                    return
        except Exception as error:
            if coord is not None:
                coord.request_stop(error)
                return
            logging.getLogger("tideflow").error("Exception in QueueRunner: %s", error)
            with self._lock:
                self._exceptions_raised.append(error)
            raise
        finally:
            if not decremented:
                with self._lock:
                    self._runs_per_session[sess] -= 1

    def _close_on_stop(self, sess: Any, cancel_op: Any, coord: Coordinator) -> None:
        """Cancels what waits for room once the coordinator stops."""
        coord.wait_for_stop()
        try:
            sess.run(cancel_op)
        except Exception as error:  # the session may be closed already: nothing waits then
            logging.getLogger("tideflow").debug("ignored an error while cancelling a queue: %s", error)

    def create_threads(
        self, sess: Any, coord: Coordinator | None = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """Makes the threads that run the enqueue operations in a session.

        Args:
          sess: the session.
          coord: stops the threads and gets their errors.
          daemon: whether the threads are daemons, which do not keep a program from ending.
          start: whether to start them.

        Returns:
          The threads: none if those of an earlier call are still running in this session.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        threads = [
            threading.Thread(target=self._run, args=(sess, op, coord), name=f"QueueRunnerThread-{self.name}-{op.name}")
            for op in self._enqueue_ops
        ]
        if coord is not None:
            threads.append(
                threading.Thread(
                    target=self._close_on_stop,
                    args=(sess, self._cancel_op, coord),
                    name=f"QueueRunnerThread-{self.name}-close_on_stop",
                )
            )
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            thread.daemon = daemon
            if start:
                thread.start()
        return threads

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the ``QueueRunnerDef``; None if the queue does not lie in the name scope ``export_scope``."""
        prefix = f"{export_scope}/" if export_scope else ""
        if not self.queue.name.startswith(prefix):
            return None

        def stripped(name: str) -> str:
            return name.removeprefix(prefix)

        return protos.get("QueueRunnerDef")(
            queue_name=stripped(self.queue.name),
            enqueue_op_name=[stripped(op.name) for op in self.enqueue_ops],
            close_op_name=stripped(self.close_op.name),
            cancel_op_name=stripped(self.cancel_op.name),
            queue_closed_exception_types=[_CODES[kind] for kind in self._queue_closed_exception_types],
        )

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """Returns the queue runner of a ``QueueRunnerDef``, in the default graph."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


register_proto_function(GraphKeys.QUEUE_RUNNERS, "QueueRunnerDef", QueueRunner.from_proto)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a queue runner to a collection of the default graph, where ``start_queue_runners`` finds it."""
    context.default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Starts the threads of all queue runners in a collection of the graph.

    Args:
      sess: the session; the default session if None.
      coord: stops the threads and gets their errors.
      daemon: whether the threads are daemons.
      start: whether to start them; else they are only made.
      collection: the collection.

    Returns:
      The threads.

    Raises:
      ValueError: there is no session.
      TypeError: ``sess`` is not a session.
      RuntimeError: called eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError("Queues are not compatible with eager execution.")
    if sess is None:
        sess = get_default_session()
        if sess is None:
            raise ValueError(
                "Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an "
                "explicit session to tf.start_queue_runners(sess=sess)"
            )
    if not isinstance(sess, BaseSession):
        # A monitored session is not one, but has the two things that matter.
        if not (hasattr(sess, "run") and hasattr(sess, "graph") and type(sess).__name__.endswith("Session")):
            raise TypeError(f"sess must be a `tf.Session` object. Given class: {sess.__class__}")
        return []
    threads: list[threading.Thread] = []
    with sess.graph.as_default():
        for runner in context.default_graph().get_collection(collection):
            threads.extend(runner.create_threads(sess, coord=coord, daemon=daemon, start=start))
    return threads
