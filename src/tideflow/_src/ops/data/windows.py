"""Datasets of windows: each element holds, for each component, a dataset of some successive elements."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.sources import Elements
from tideflow._src.ops.data.stage import Run, Running, Stage, stage_in


class Window(Stage):
    """Is windows of its input."""

    def __init__(
        self, types: Sequence[DType], shapes: Sequence[Shape], source: Stage, sizes: Sequence[int], drop: bool
    ) -> None:  # fmt: skip
        super().__init__("WindowDataset", types, shapes, [source])
        self.size_of_windows, self.shift, self.stride = sizes
        self.drop_remainder = drop

    @property
    def span(self) -> int:
        """How many elements a window reaches over."""
        return (self.size_of_windows - 1) * self.stride + 1

    def cardinality(self) -> int:
        found = self.inputs[0].cardinality()
        if found < 0:
            return found
        if self.drop_remainder:
            return 0 if found < self.span else (found - self.span) // self.shift + 1
        return -(-found // self.shift)

    def iterate(self, run: Run) -> Running:
        return _WindowRunning(self, self.inputs[0].start(run))

    def describe(self) -> str:
        return f"window({self.size_of_windows}, shift={self.shift}, stride={self.stride})"


class _WindowRunning(Running):
    def __init__(self, stage: Window, source: Running) -> None:
        self._stage = stage
        self._source: Running | None = source
        self._running = source
        self._buffer: deque[Element] = deque()

    def next(self) -> Element | None:
        stage, buffer = self._stage, self._buffer
        while self._source is not None and len(buffer) < stage.span:
            element = self._source.next()
            if element is None:
                self._source = None
            else:
                buffer.append(element)
        if not buffer or (stage.drop_remainder and len(buffer) < stage.span):
            return None
        chosen = list(buffer)[: stage.span : stage.stride]
        if stage.shift >= len(buffer):
            missing = stage.shift - len(buffer)
            buffer.clear()
            if self._source is not None and self._source.skip(missing) < missing:
                self._source = None
        else:
            for _ in range(stage.shift):
                buffer.popleft()
        source = stage.inputs[0]
        return [
            Elements("Window", [dtype], [shape], [[element[index]] for element in chosen])
            for index, (dtype, shape) in enumerate(zip(source.types, source.shapes, strict=True))
        ]

    def save(self) -> Any:
        return list(self._buffer), None if self._source is None else self._source.save()

    def restore(self, position: Any) -> None:
        buffer, source = position
        self._buffer = deque(list(element) for element in buffer)
        if source is None:
            self._source = None
        else:
            assert self._source is not None
            self._source.restore(source)

    def close(self) -> None:
        self._running.close()


@dataset_op("WindowDataset", "input_dataset: variant, size: int64, shift: int64, stride: int64, drop_remainder: bool")
def window_dataset(
    input_dataset,
    size,
    shift,
    stride,
    drop_remainder,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
    metadata: str = "",
):
    """Makes a dataset of windows of another one.

    Raises:
      InvalidArgumentError: size, shift or stride is not positive.
    """
    sizes = [scalar(size, "size"), scalar(shift, "shift"), scalar(stride, "stride")]
    for name, number in zip(("size", "shift", "stride"), sizes, strict=True):
        if number <= 0:
            raise InvalidArgumentError(None, None, f"Window {name} must be greater than zero.")
    source, drop = stage_in(input_dataset), scalar(drop_remainder, "drop_remainder")
    return Window(output_types, output_shapes, source, sizes, drop)


@window_dataset.samples
def _window_samples(s):
    numbers = s.produced("RangeDataset", 0, 7, 1, output_types=["int64"], output_shapes=[()])
    kinds = {"output_types": ["variant"], "output_shapes": [()]}
    for size, shift, stride, drop in ((3, 3, 1, False), (3, 1, 2, False), (3, 2, 2, True), (2, 5, 1, True)):
        yield s(numbers, size, shift, stride, drop, **kinds)
    yield s(numbers, 0, 1, 1, True, error="InvalidArgumentError", **kinds)
