"""Records of many files, in random order and without end: ``RecordInput``."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError, NotFoundError
from tideflow._src.ops.files.file_system import matching
from tideflow._src.runtime import records
from tideflow._src.runtime.buffers import resources
from tideflow._src.runtime.op import op


class _Yielder:
    """Gives the records of all files that match a pattern, each once in an epoch, one epoch after the other.

    Each epoch takes the files in another order, from a place that moves on by ``shift`` of their number, and mixes the
    records in a buffer.
    """

    def __init__(self, pattern: str, seed: int, shift: float, buffer_size: int, compression_type: str) -> None:
        self._pattern = pattern
        self._random = random.Random(seed)
        self._shift = shift
        self._buffer_size = max(1, buffer_size)
        self._compression = compression_type
        self._lock = threading.Lock()
        self._records = self._endless()

    def take(self, count: int) -> list[bytes]:
        """Returns the next records."""
        with self._lock:
            try:
                return [next(self._records) for _ in range(count)]
            except BaseException:
                self._records = self._endless()  # a generator that failed gives nothing more
                raise

    def _endless(self) -> Iterator[bytes]:
        epoch = 0
        while True:
            paths = sorted(matching(self._pattern))
            if not paths:
                raise NotFoundError(None, None, f"Found no files at {self._pattern}")
            self._random.shuffle(paths)
            start = int(self._shift * epoch * len(paths)) % len(paths)
            given = 0
            for record in self._mixed(paths[start:] + paths[:start]):
                given += 1
                yield record
            if not given:
                raise InvalidArgumentError(None, None, f"The files at {self._pattern} hold no records.")
            epoch += 1

    def _mixed(self, paths: list[str]) -> Iterator[bytes]:
        buffer: list[bytes] = []
        for path in paths:
            for record in records.read_records(path, self._compression):
                buffer.append(record)
                if len(buffer) >= self._buffer_size:
                    yield self._any_of(buffer)
        while buffer:
            yield self._any_of(buffer)

    def _any_of(self, buffer: list[bytes]) -> bytes:
        position = self._random.randrange(len(buffer))
        buffer[position], buffer[-1] = buffer[-1], buffer[position]
        return buffer.pop()


@op("RecordInput", "-> records: string", tier="host", stateful=True, differentiable=False)
def record_input_op(
    *,
    file_pattern: str,
    file_random_seed: int = 301,
    file_shuffle_shift_ratio: float = 0.0,
    file_buffer_size: int = 10000,
    file_parallelism: int = 16,
    batch_size: int = 32,
    compression_type: str = "",
):
    """Returns a batch of records of the files that match a pattern, in random order; the files never end.

    Calls of the same attributes in one session share what is left of the epoch. One thread reads, so that the order
    depends on the seed alone.
    """
    del file_parallelism
    if batch_size < 1:
        raise InvalidArgumentError(None, None, f"batch_size must be at least 1, but is {batch_size}.")
    records.check_compression(compression_type)
    settings = (file_pattern, file_random_seed, file_shuffle_shift_ratio, file_buffer_size, compression_type)
    yielder = resources().get_or_create("localhost", f"RecordInput{settings}", _Yielder, lambda: _Yielder(*settings))
    result: Any = np.empty(batch_size, object)
    result[:] = yielder.take(batch_size)
    return result


@record_input_op.shape
def _record_input_shape(*, batch_size):
    return (batch_size,)


@record_input_op.samples
def _record_input_samples(s):
    yield s(file_pattern="/no/such/file-*", error="NotFoundError")
