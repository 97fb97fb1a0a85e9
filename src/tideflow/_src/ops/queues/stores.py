"""What the kinds of queues keep their elements in: in order, at random, or by priority.

A store hands out *tokens*: elements taken, not yet put together. A call that gets only some of the elements it asked
for keeps tokens, and can give them back.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.graph.op_def import Shape
from tideflow._src.runtime.philox import PhiloxState, philox

Components = list[Any]


def batch_of(elements: Sequence[Any], dtype: DType, shape: tuple[int, ...]) -> Any:
    """Stacks values of one shape."""
    result = np.empty((len(elements), *shape), dtype.as_numpy_dtype)
    for position, element in enumerate(elements):
        result[position, ...] = element
    return result


def padded_batch_of(elements: Sequence[Any], dtype: DType, shape: Shape) -> Any:
    """Stacks values of one rank, each filled up with zeros (or empty strings) to the largest size."""
    rank = len(shape) if shape is not None else np.ndim(elements[0])
    given = [size or 0 for size in shape] if shape is not None else [0] * rank
    sizes = tuple(
        max([given[axis], *(element.shape[axis] for element in elements)])
        if shape is None or shape[axis] is None
        else given[axis]
        for axis in range(rank)
    )
    if dtype.as_numpy_dtype is object:
        result = np.full((len(elements), *sizes), b"", object)
    else:
        result = np.zeros((len(elements), *sizes), dtype.as_numpy_dtype)
    for position, element in enumerate(elements):
        result[(position, *(slice(size) for size in element.shape), ...)] = element
    return result


class FifoStore:
    """Keeps elements in the order in which they came.

    What one call brought stays together as a chunk ``(components, start, stop)``, so that a batch goes in and out
    without a look at its elements; ``start`` is -1 for an element that came alone. A token is such a chunk.
    """

    def __init__(self, dtypes: Sequence[DType], shapes: Sequence[Shape] | None, padded: bool = False) -> None:
        self._dtypes = dtypes
        self._shapes = shapes
        self._padded = padded
        self._chunks: deque[tuple[Components, int, int]] = deque()
        self.size = 0

    def put(self, components: Components) -> None:
        """Appends an element."""
        self._chunks.append((components, -1, 0))
        self.size += 1

    def put_many(self, components: Components, start: int, stop: int) -> None:
        """Appends the elements of a batch from ``start`` to ``stop``."""
        self._chunks.append((components, start, stop))
        self.size += stop - start

    def take(self) -> Components:
        """Removes an element and returns it."""
        self.size -= 1
        components, start, stop = self._chunks[0]
        if start < 0:
            del self._chunks[0]
            return components
        if start + 1 == stop:
            del self._chunks[0]
        else:
            self._chunks[0] = (components, start + 1, stop)
        return [component[start, ...] for component in components]

    def draw(self, count: int) -> list[Any]:
        """Removes ``count`` elements and returns their tokens."""
        self.size -= count
        chunks = self._chunks
        tokens = []
        while count:
            chunk = chunks.popleft()
            components, start, stop = chunk
            held = 1 if start < 0 else stop - start
            if held > count:
                chunks.appendleft((components, start + count, stop))
                chunk = (components, start, start + count)
                held = count
            tokens.append(chunk)
            count -= held
        return tokens

    def restore(self, tokens: Sequence[Any]) -> None:
        """Puts elements back where they were taken from."""
        self._chunks.extendleft(reversed(tokens))
        self.size += sum(1 if start < 0 else stop - start for _, start, stop in tokens)

    def collect(self, tokens: Sequence[Any], count: int) -> Components:
        """Puts the elements of tokens together to a batch of ``count``."""
        return [self._collected(index, tokens, count) for index in range(len(self._dtypes))]

    def _collected(self, index: int, tokens: Sequence[Any], count: int) -> Any:
        dtype = self._dtypes[index]
        shape = self._shapes[index] if self._shapes is not None else None
        if self._padded and (shape is None or None in shape):
            elements: list[Any] = []
            for components, start, stop in tokens:
                component = components[index]
                elements += [component] if start < 0 else [component[i, ...] for i in range(start, stop)]
            return padded_batch_of(elements, dtype, shape)
        assert shape is not None
        if len(tokens) == 1 and tokens[0][1] >= 0:
            components, start, stop = tokens[0]
            array = components[index]
            return array if start == 0 and stop == len(array) else array[start:stop]
        sizes: Any = (count, *shape)
        result = np.empty(sizes, dtype.as_numpy_dtype)
        position = 0
        for components, start, stop in tokens:
            if start < 0:
                result[position, ...] = components[index]
                position += 1
            else:
                result[position : position + stop - start] = components[index][start:stop]
                position += stop - start
        return result


class ElementStore:
    """Keeps every element by itself; a token is an element."""

    def __init__(self, dtypes: Sequence[DType], shapes: Sequence[Shape] | None) -> None:
        self._dtypes = dtypes
        self._shapes = shapes

    @property
    def size(self) -> int:
        """How many elements there are."""
        raise NotImplementedError

    def put(self, components: Components) -> None:
        """Adds an element."""
        raise NotImplementedError

    def take(self) -> Components:
        """Removes an element and returns it."""
        raise NotImplementedError

    def put_many(self, components: Components, start: int, stop: int) -> None:
        """Adds the elements of a batch from ``start`` to ``stop``."""
        for position in range(start, stop):
            self.put([component[position, ...] for component in components])

    def draw(self, count: int) -> list[Any]:
        """Removes ``count`` elements and returns their tokens."""
        return [self.take() for _ in range(count)]

    def restore(self, tokens: Sequence[Any]) -> None:
        """Puts elements back."""
        for token in reversed(tokens):
            self.put(token)

    def collect(self, tokens: Sequence[Any], count: int) -> Components:
        """Puts the elements of tokens together to a batch of ``count``."""
        del count
        assert self._shapes is not None
        return [
            batch_of([token[index] for token in tokens], dtype, shape)  # type: ignore[arg-type]
            for index, (dtype, shape) in enumerate(zip(self._dtypes, self._shapes, strict=True))
        ]


class PriorityStore(ElementStore):
    """Gives the element with the least first component; among equals the one that came first."""

    def __init__(self, dtypes: Sequence[DType], shapes: Sequence[Shape] | None) -> None:
        super().__init__(dtypes, shapes)
        self._heap: list[tuple[int, int, Components]] = []
        self._arrivals = itertools.count()

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self._heap)

    def put(self, components: Components) -> None:
        """Adds an element."""
        heapq.heappush(self._heap, (int(components[0]), next(self._arrivals), components))

    def take(self) -> Components:
        """Removes the element of the least priority value and returns it."""
        return heapq.heappop(self._heap)[2]


class _Draws:
    """Draws 32-bit words from a stream, one after the other, as TensorFlow's shuffling queue does."""

    _BLOCKS = 64

    def __init__(self, seed: int, seed2: int) -> None:
        self._stream = PhiloxState(seed, seed2)
        self._words: list[int] = []

    def __call__(self) -> int:
        if not self._words:
            counter = self._stream.reserve(self._BLOCKS)
            self._words = philox(np, self._stream.key, counter, self._BLOCKS).ravel()[::-1].tolist()
        return self._words.pop()


class ShuffledElementStore(ElementStore):
    """Gives an element at random; for elements whose shapes are not fixed."""

    def __init__(self, dtypes: Sequence[DType], shapes: Sequence[Shape] | None, seed: int, seed2: int) -> None:
        super().__init__(dtypes, shapes)
        self._elements: list[Components] = []
        self._draw = _Draws(seed, seed2)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self._elements)

    def put(self, components: Components) -> None:
        """Adds an element."""
        self._elements.append(components)

    def take(self) -> Components:
        """Removes an element at random and returns it; the last one takes its place."""
        elements = self._elements
        position = self._draw() % len(elements)
        taken, elements[position] = elements[position], elements[-1]
        del elements[-1]
        return taken


class ShuffledRowStore:
    """Gives an element at random, from a table with a row for each element: batches are gathered at once.

    A token is the number of a row; the row is free again when it has been collected.
    """

    def __init__(self, dtypes: Sequence[DType], shapes: Sequence[tuple[int, ...]], seed: int, seed2: int) -> None:
        self._tables = [
            np.empty((16, *shape), dtype.as_numpy_dtype) for dtype, shape in zip(dtypes, shapes, strict=True)
        ]
        self._rows: list[int] = []
        self._free: list[int] = list(range(15, -1, -1))
        self._draw = _Draws(seed, seed2)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self._rows)

    def _reserve(self, count: int) -> list[int]:
        free = self._free
        if len(free) < count:
            held = len(self._tables[0])
            wanted = max(2 * held, held + count)
            for index, table in enumerate(self._tables):
                grown = np.empty((wanted, *table.shape[1:]), table.dtype)
                grown[:held] = table
                self._tables[index] = grown
            free[:0] = range(wanted - 1, held - 1, -1)
        rows = free[-count:]
        del free[-count:]
        rows.reverse()
        return rows

    def put(self, components: Components) -> None:
        """Adds an element."""
        (row,) = self._reserve(1)
        for table, component in zip(self._tables, components, strict=True):
            table[row, ...] = component
        self._rows.append(row)

    def put_many(self, components: Components, start: int, stop: int) -> None:
        """Adds the elements of a batch from ``start`` to ``stop``."""
        rows = self._reserve(stop - start)
        for table, component in zip(self._tables, components, strict=True):
            table[rows] = component[start:stop]
        self._rows += rows

    def draw(self, count: int) -> list[Any]:
        """Removes ``count`` elements at random and returns their tokens."""
        rows = self._rows
        draw = self._draw
        tokens = []
        for _ in range(count):
            position = draw() % len(rows)
            tokens.append(rows[position])
            rows[position] = rows[-1]
            del rows[-1]
        return tokens

    def take(self) -> Components:
        """Removes an element at random and returns it."""
        return [component[0, ...] for component in self.collect(self.draw(1), 1)]

    def restore(self, tokens: Sequence[Any]) -> None:
        """Puts elements back."""
        self._rows.extend(reversed(tokens))

    def collect(self, tokens: Sequence[Any], count: int) -> Components:
        """Puts the elements of tokens together to a batch of ``count``, and frees their rows."""
        del count
        result = []
        for table in self._tables:
            result.append(table[tokens])
            if table.dtype == object:
                table[tokens] = None
        self._free.extend(reversed(tokens))
        return result
