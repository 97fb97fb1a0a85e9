"""Datasets whose elements a thread makes ahead of who asks for them."""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.stage import Run, Running, Stage, stage_in
from tideflow._src.runtime.blocking import longest_wait

#: Elements that are made ahead where the choice is ours.
_AHEAD = 4
#: Bytes of an element from where on a thread pays even if it only copies memory.
_LARGE = 1 << 20
#: The size of a batch where it is not known.
_BATCH = 32


class Prefetch(Stage):
    """Is its input, made ahead."""

    def __init__(self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, limit: int) -> None:
        super().__init__("PrefetchDataset", types, shapes, [source])
        self._limit = limit

    def cardinality(self) -> int:
        return self.inputs[0].cardinality()

    def iterate(self, run: Run) -> Running:
        source = self.inputs[0]
        if not self._limit or (source.is_light_after_first and _bytes_of(source) < _LARGE):
            return source.start(run)
        return Prefetched(source.start(run), _AHEAD if self._limit < 0 else self._limit, self.kind)

    def describe(self) -> str:
        return f"prefetch({'AUTOTUNE' if self._limit < 0 else self._limit})"


def _bytes_of(stage: Stage) -> float:
    """Returns the size of an element, a batch of unknown size one of usual size; infinity where that is not known."""
    total = 0
    for dtype, shape in zip(stage.types, stage.shapes, strict=True):
        if shape is None or None in shape[1:]:
            return math.inf
        total += math.prod(_BATCH if size is None else size for size in shape) * dtype.size
    return total


class _Shared:
    """Is what a thread and who reads its elements have in common. The thread knows nothing else of the reader."""

    def __init__(self, source: Running, limit: int) -> None:
        self.source = source
        self.limit = limit
        self.ready: deque[Any] = deque()
        #: Who takes it takes this, not the condition, whose methods are Python, which Ctrl-C may leave half done.
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.reading = threading.Lock()
        self.stopped = False
        self.ended = False

    def stop(self) -> None:
        """Ends the thread, once it has the element that it is at."""
        with self.lock:
            self.stopped = True
            self.ready.clear()
            self.changed.notify_all()


def _make_ahead(shared: _Shared) -> None:
    while True:
        with shared.lock:
            while len(shared.ready) >= shared.limit and not shared.stopped:
                shared.changed.wait()
            if shared.stopped:
                break
        with shared.reading:
            made: Any
            try:
                made = shared.source.next()
            except BaseException as error:
                made = _Failure(error)
            with shared.lock:
                shared.ended = made is None
                if not shared.stopped:
                    shared.ready.append(made)
                shared.changed.notify_all()
                if shared.ended:
                    return
        del made
    shared.source.close()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class Prefetched(Running):
    """Reads a running stage ahead, in a thread that ends with this object.

    Args:
      source: the stage.
      limit: how many elements are ahead at most.
      kind: what asks for it.
    """

    def __init__(self, source: Running, limit: int, kind: str) -> None:
        self._shared = _Shared(source, limit)
        self._kind = kind
        self._process = 0
        self._is_over = False
        self._stop = weakref.finalize(self, self._shared.stop)
        self._stop.atexit = False

    def next(self) -> Element | None:
        if self._is_over:
            return None
        if self._process != os.getpid():
            self._start()
        shared = self._shared
        with shared.lock:
            while not shared.ready:
                shared.changed.wait(longest_wait())
            made = shared.ready.popleft()
            shared.changed.notify_all()
        if made is None:
            self._is_over = True
        elif made.__class__ is _Failure:
            raise made.error
        return made  # type: ignore[no-any-return]

    def _start(self) -> None:
        """Starts the thread: at the first element, and again after a fork, which copies no threads."""
        if self._process:
            old = self._shared
            shared = _Shared(old.source, old.limit)
            shared.ready, shared.ended = deque(old.ready), old.ended
            self._shared = shared
            self._stop.detach()
            self._stop = weakref.finalize(self, shared.stop)
            self._stop.atexit = False
        self._process = os.getpid()
        if not self._shared.ended:
            threading.Thread(target=_make_ahead, args=(self._shared,), name="tideflow-prefetch", daemon=True).start()

    def save(self) -> Any:
        shared = self._shared
        with shared.reading, shared.lock:
            ready = [item for item in shared.ready if item.__class__ is not _Failure]
            return ready, self._is_over, None if shared.ended else shared.source.save()

    def restore(self, position: Any) -> None:
        ready, is_over, source = position
        shared = self._shared
        shared.ready = deque(None if item is None else list(item) for item in ready)
        self._is_over = bool(is_over)
        shared.ended = source is None
        if source is not None:
            shared.source.restore(source)

    def close(self) -> None:
        if self._process:
            self._stop()
        else:
            self._shared.source.close()


@dataset_op("PrefetchDataset", "input_dataset: variant, buffer_size: int64")
def prefetch_dataset(
    input_dataset,
    buffer_size,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    slack_period: int = 0,
    legacy_autotune: bool = True,
    buffer_size_min: int = 0,
    metadata: str = "",
):
    """Makes a dataset of the elements of another one, made ahead of who asks for them."""
    limit = scalar(buffer_size, "buffer_size")
    if limit < -1:
        raise InvalidArgumentError(None, None, "buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning")
    return Prefetch(output_types, output_shapes, stage_in(input_dataset), limit)


@prefetch_dataset.samples
def _prefetch_samples(s):
    numbers = s.produced("RangeDataset", 0, 7, 1, output_types=["int64"], output_shapes=[()])
    for size in (0, 1, 9, -1):
        yield s(numbers, size, output_types=["int64"], output_shapes=[()])
    yield s(numbers, -2, output_types=["int64"], output_shapes=[()], error="InvalidArgumentError")
