"""Defines ``tf.test.TestCase``: a test case with sessions, fixed seeds, and assertions on tensors."""

from __future__ import annotations

import os
import random
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from tideflow._src.core import context, errors, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.random.seeds import set_seed
from tideflow._src.runtime.devices import list_logical_devices
from tideflow._src.runtime.seed_rules import DEFAULT_GRAPH_SEED
from tideflow._src.runtime.sparse_tensor import SparseTensor, SparseTensorValue
from tideflow._src.session.session import Session, get_default_session
from tideflow._src.test_support import protos
from tideflow._src.test_support.comparisons import Comparisons
from tideflow._src.test_support.environment import get_temp_dir


class _NoSession:
    """Stands for the session of a test that runs eagerly; there is none to use."""

    def __getattr__(self, attribute: str) -> Any:
        raise AttributeError(
            "Trying to access properties or call methods on the result of self.session(), self.cached_session(), etc "
            "while eager execution is enabled. If you are porting this test case to TF 2.0, either adapt the test to "
            "work with eager execution or insert a call to tf.disable_eager_execution() in the main() function of this "
            "test file."
        )


class TestCase(Comparisons):
    """Is the base class of tests: ``unittest`` with sessions, fixed seeds and assertions on tensors.

    >>> import tideflow as tf
    >>> class SquareTest(tf.test.TestCase):
    ...     def testSquare(self):
    ...         self.assertAllEqual(tf.square([2, 3]), [4, 9])
    """

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._threads: list[CheckedThread] = []
        self._temporary: str | None = None
        self._cached_session: Any = None
        self._cached_arguments: Any = None

    def setUp(self) -> None:
        """Starts a test with a new default graph and the seeds that every test starts with."""
        super().setUp()
        self._clear_cached_session()
        random.seed(DEFAULT_GRAPH_SEED)
        np.random.seed(DEFAULT_GRAPH_SEED)
        context.reset_default_graph()
        set_seed(DEFAULT_GRAPH_SEED)

    def tearDown(self) -> None:
        """Ends a test: its session is closed, and its threads must have been joined."""
        for thread in self._threads:
            thread.check_termination()
        self._clear_cached_session()
        super().tearDown()

    def _clear_cached_session(self) -> None:
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    def get_temp_dir(self) -> str:
        """Returns a directory for the files of this test; the same one at every call."""
        if self._temporary is None:
            self._temporary = tempfile.mkdtemp(dir=get_temp_dir())
        return self._temporary

    # Sessions.

    @contextmanager
    def session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
    ) -> Iterator[Any]:
        """Opens a session for the block, as the default one; eagerly, what it gives cannot be used.

        Args:
          graph: the graph to run; the default one if None.
          config: a ``ConfigProto``.
          use_gpu: whether operations may run on another device than the CPU.
          force_gpu: whether operations must run on a GPU.
        """
        if context.executing_eagerly():
            yield _NoSession()
            return
        with Session(graph=graph, config=config) as session, _on_device(session, use_gpu, force_gpu):
            yield session

    @contextmanager
    def cached_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
    ) -> Iterator[Any]:
        """Opens the session that this test keeps: the same one at every call, whose variables stay.

        Raises:
          ValueError: the session was opened with another graph or configuration before.
        """
        if context.executing_eagerly():
            yield _NoSession()
            return
        session = self._kept_session(graph, config, force_gpu)
        with session.graph.as_default(), session.as_default(), _on_device(session, use_gpu, force_gpu):
            yield session

    def _kept_session(self, graph: Any, config: Any, force_gpu: bool) -> Any:
        arguments = (graph, config, force_gpu)
        if self._cached_session is None:
            self._cached_session, self._cached_arguments = Session(graph=graph, config=config), arguments
            return self._cached_session
        before = self._cached_arguments
        if before[0] is not graph:
            raise ValueError(
                "The graph used to get the cached session is different than the one that was used to create the "
                "session. Maybe create a new session with self.session()"
            )
        if before[1] is not config:
            raise ValueError(
                "The config used to get the cached session is different than the one that was used to create the "
                "session. Maybe create a new session with self.session()"
            )
        if before[2] is not force_gpu:
            raise ValueError(
                "The force_gpu value used to get the cached session is different than the one that was used to create "
                "the session. Maybe create a new session with self.session()"
            )
        return self._cached_session

    def test_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = True, force_gpu: bool = False
    ) -> AbstractContextManager[Any]:
        """Opens the kept session, or one of its own for a ``graph``; ``session`` and ``cached_session`` say which."""
        if self.id().endswith(".test_session"):
            self.skipTest("Not a test.")  # unittest takes it for one, because of its name
        opened = self.cached_session if graph is None else self.session
        return opened(graph, config, use_gpu, force_gpu)

    def evaluate(self, tensors: Any) -> Any:
        """Returns the values of tensors, variables or structures of them as arrays.

        Raises:
          ValueError: something that is evaluated eagerly has no value.
        """
        if context.executing_eagerly():
            return _values(tensors)
        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with self.test_session() as session:
            return session.run(tensors)

    # Errors.

    @contextmanager
    def assertRaisesWithPredicateMatch(  # type: ignore[override]
        self, exception_type: Any, expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """Asserts that the block raises an exception that fits.

        Args:
          exception_type: its class.
          expected_err_re_or_predicate: a function of the exception that tells whether it fits, or a regular expression
            to find in its message; for errors of operations, also in the names of their operations.
        """
        if callable(expected_err_re_or_predicate):
            predicate: Callable[[Any], bool] = expected_err_re_or_predicate
        else:

            def predicate(error: Any) -> bool:
                return re.search(expected_err_re_or_predicate, _told(error)) is not None

        try:
            yield
        except Exception as error:
            if not isinstance(error, exception_type) or not predicate(error):
                raise AssertionError(f"Exception of type {type(error)}: {error}") from error
            return
        self.fail(f"{getattr(exception_type, '__name__', exception_type)} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """Asserts that the block raises an error of an operation that fits."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(self, exception_type: Any = errors.InvalidArgumentError) -> Any:
        """Asserts that the block raises an error that says that shapes do not fit each other."""
        return self.assertRaisesWithPredicateMatch(
            exception_type, r"Incompatible shapes|Dimensions must be equal|required broadcastable shapes"
        )

    # Messages.

    def assertProtoEquals(
        self,
        expected_message_maybe_ascii: Any,
        validate_message: Any,
        msg: str | None = None,
        relative_tolerance: float | None = None,
    ) -> None:
        """Asserts that a message equals another, or what a text says.

        Args:
          expected_message_maybe_ascii: a message, or its text.
          validate_message: the message to check.
          msg: what the failure says beside the difference.
          relative_tolerance: how far floating-point fields may be apart, relative to the expected ones.
        """
        expected = protos.as_message(expected_message_maybe_ascii, validate_message)
        difference = protos.difference(expected, validate_message, relative_tolerance)
        if difference is not None:
            self.assertMultiLineEqual(*difference, msg=msg)
            self.fail(msg or "The messages differ.")

    def assertProtoEqualsVersion(
        self,
        expected: str,
        actual: Any,
        producer: int = protos.GRAPH_DEF_VERSION,
        min_consumer: int = 0,
        msg: str | None = None,
    ) -> None:
        """Asserts that a ``GraphDef`` equals what a text says, which does not give the versions."""
        text = f"versions {{ producer: {producer} min_consumer: {min_consumer} }};\n{expected}"
        self.assertProtoEquals(text, actual, msg=msg)

    def assertStartsWith(self, actual: Any, expected_start: Any, msg: str | None = None) -> None:
        """Asserts that a string starts with another."""
        if not actual.startswith(expected_start):
            self.fail(self._formatMessage(msg, f"{actual!r} does not start with {expected_start!r}"))

    # Threads and output.

    def checkedThread(
        self, target: Callable[..., Any], args: tuple[Any, ...] | None = None, kwargs: dict[str, Any] | None = None
    ) -> CheckedThread:
        """Returns a thread, not started, whose exceptions fail the test when it is joined."""
        thread = CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    @contextmanager
    def captureWritesToStream(self, stream: Any) -> Iterator[CapturedWrites]:
        """Catches what the block, C libraries included, writes to ``sys.stdout`` or ``sys.stderr``.

        Raises:
          ValueError: the stream belongs to no file, or the process has no such file.
        """
        descriptor = stream.fileno()
        path = os.path.join(self.get_temp_dir(), f"captured_{descriptor}_{len(os.listdir(self.get_temp_dir()))}")
        stream.flush()
        saved = os.dup(descriptor)
        with open(path, "wb") as file:
            os.dup2(file.fileno(), descriptor)
            try:
                yield CapturedWrites(path)
            finally:
                stream.flush()
                os.dup2(saved, descriptor)
                os.close(saved)


class CapturedWrites:
    """Holds what was written while a stream was captured."""

    def __init__(self, path: str) -> None:
        self._path = path

    def contents(self) -> str:
        """Returns what has been written, as text."""
        with open(self._path, encoding="utf-8") as file:
            return file.read()


class CheckedThread:
    """Is a thread of a test: the test waits for it and fails with what it raises."""

    def __init__(
        self,
        case: TestCase,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self._case = case
        self._target, self._args, self._kwargs = target, args or (), kwargs or {}
        self._thread = threading.Thread(target=self.run)
        self._exception: BaseException | None = None
        self._joined = False

    def run(self) -> None:
        """Calls the function, and keeps what it raises."""
        try:
            self._target(*self._args, **self._kwargs)
        except Exception as error:
            self._exception = error

    def start(self) -> None:
        """Starts the thread, which does not keep the process alive."""
        self._thread.daemon = True
        self._thread.start()

    def join(self) -> None:
        """Waits for the end of the thread; fails the test if it raised an exception."""
        self._joined = True
        self._thread.join()
        if self._exception is not None:
            self._case.fail(f"Error in checkedThread: {self._exception}")

    def is_alive(self) -> bool:
        """Tells whether the thread runs."""
        return self._thread.is_alive()

    def check_termination(self) -> None:
        """Fails the test if the thread was not joined or still runs."""
        if not self._joined:
            self._case.fail("A checked thread was not joined.")
        elif self._thread.is_alive():
            self._case.fail("Checked thread was not terminated.")


def _told(error: Any) -> str:
    """Returns everything that an error says: its message and, of an operation's, the operations behind it."""
    if not isinstance(error, errors.OpError):
        return str(error)
    text = error.message
    op = error.op
    seen = set()
    while op is not None and id(op) not in seen:
        seen.add(id(op))
        text += "\nCaused by: " + op.name
        op = getattr(op, "_original_op", None)
    return text


def _on_device(session: Any, use_gpu: bool, force_gpu: bool) -> AbstractContextManager[Any]:
    """Returns the block in which a session's graph gets operations for the device that a test asks for."""
    if force_gpu:
        devices = list_logical_devices("GPU")
        if not devices:
            raise errors.InvalidArgumentError(None, None, "force_gpu: this machine has no GPU.")
        return session.graph.device(devices[0].name)
    if use_gpu:
        return nullcontext()
    return session.graph.device("/device:CPU:0")


def _values(tensors: Any) -> Any:
    if tensors is None:
        return None
    if nest.is_nested(tensors):
        return nest.map_structure(_value, tensors)
    return _value(tensors)


def _value(tensor: Any) -> Any:
    if tensor is None:
        return None
    if isinstance(tensor, Tensor) or hasattr(tensor, "handle"):
        return tensor.numpy()
    if isinstance(tensor, SparseTensor):
        return SparseTensorValue(tensor.indices.numpy(), tensor.values.numpy(), tensor.dense_shape.numpy())
    if isinstance(tensor, IndexedSlices):
        shape = None if tensor.dense_shape is None else tensor.dense_shape.numpy()
        return IndexedSlices(tensor.values.numpy(), tensor.indices.numpy(), shape)
    if hasattr(tensor, "numpy"):
        return tensor.numpy()
    if callable(tensor):
        return _values(tensor())
    raise ValueError(f"Unsupported type {type(tensor).__name__!r}.")
