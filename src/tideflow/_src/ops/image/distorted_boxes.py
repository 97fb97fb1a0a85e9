"""Draws random pieces of an image that show enough of its objects: ``tf.image.sample_distorted_bounding_box``.

The numbers drawn and what is made of them are TensorFlow's, so that the same seeds give the same pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.random.seeds import operation_seeds
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import philox, skip, stateless_key_counter

__all__ = [
    "sample_distorted_bounding_box",
    "sample_distorted_bounding_box_v1",
    "stateless_sample_distorted_bounding_box",
]

Array = np.ndarray[Any, Any]
_SIZES = ("uint8", "int8", "int16", "int32", "int64")
_EPSILON = 1e-7
_LARGEST = 2**31 - 1
_BLOCKS_AT_ONCE = 8
_float = np.float32


class _Rectangle(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> float:
        return float((self.right - self.left) * (self.bottom - self.top))

    def intersection(self, other: _Rectangle) -> float:
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return float(width * height) if width > 0 and height > 0 else 0.0


class _Words:
    """Hands out the 32-bit words of a Philox stream, one at a time."""

    def __init__(self, key: Any, counter: Any) -> None:
        self._words = self._stream(key, counter)

    @staticmethod
    def _stream(key: Any, counter: Any) -> Iterator[int]:
        while True:
            yield from philox(np, key, counter, _BLOCKS_AT_ONCE).reshape(-1).tolist()
            counter = skip(np, counter, _BLOCKS_AT_ONCE)

    def unit(self) -> np.float32:
        """Returns a number in [0, 1) made of 23 random bits."""
        bits = np.uint32(next(self._words) & 0x7FFFFF | 127 << 23)
        return bits.view(np.float32) - _float(1)

    def below(self, limit: int) -> int:
        """Returns an integer from 0 up to, but not including, ``limit``, all equally likely."""
        word = next(self._words)
        if limit <= 1:
            return 0
        if limit & (limit - 1) == 0:
            return word & (limit - 1)
        rejected = 0xFFFFFFFF % limit + 1
        while word < rejected:
            word = next(self._words)
        return word % limit


def _nearest(value: Any) -> int:
    """Rounds to the nearest integer, halves to the even one, as C's ``lrintf`` does."""
    return round(float(value))


def _crop(
    width: int, height: int, least: np.float32, most: np.float32, aspect: np.float32, words: _Words
) -> _Rectangle | None:
    """Draws a rectangle within the image, of a given ratio of width to height and an area between two parts of it."""
    if most <= 0 or aspect <= 0 or width <= 0 or height <= 0 or least > most:
        return None
    smallest = least * _float(width) * _float(height)
    largest = most * _float(width) * _float(height)
    rows = _nearest(np.sqrt(smallest / aspect))
    most_rows = _nearest(np.sqrt(largest / aspect))
    if _nearest(_float(most_rows) * aspect) > width:
        most_rows = int((width + 0.5 - _EPSILON) / float(aspect))
        if _nearest(_float(most_rows) * aspect) > width:
            most_rows -= 1
    most_rows = min(most_rows, height)
    rows = min(rows, most_rows)
    if rows < most_rows:
        rows += words.below(most_rows - rows + 1)
    columns = _nearest(_float(rows) * aspect)
    # Rounding may have led just outside the bounds: try a row more, then a row less.
    if _float(rows * columns) < smallest:
        rows += 1
        columns = _nearest(_float(rows) * aspect)
    if _float(rows * columns) > largest:
        rows -= 1
        columns = _nearest(_float(rows) * aspect)
    if not smallest <= _float(rows * columns) <= largest:
        return None
    if not (0 < columns <= width and 0 < rows <= height):
        return None
    top = words.below(height - rows) if rows < height else 0
    left = words.below(width - columns) if columns < width else 0
    return _Rectangle(left, top, left + columns, top + rows)


def _shows_enough(crop: _Rectangle, boxes: list[_Rectangle], least: np.float32) -> bool:
    if crop.area < 1:
        return False
    return any(box.area >= 1 and _float(crop.intersection(box)) / _float(box.area) >= least for box in boxes)


def _range(values: Sequence[float], name: str) -> tuple[np.float32, np.float32]:
    if len(values) != 2:
        raise invalid_argument(f"{name} field must specify 2 dimensions, got {list(values)}")
    low, high = (_float(value) for value in values)
    if not (low > 0 and high > 0):
        raise invalid_argument(f"{name} must be positive: [{low}, {high}]")
    return low, high


def _boxes(bounding_boxes: Array, width: int, height: int, use_image: bool) -> list[_Rectangle]:
    if bounding_boxes.ndim != 3:
        raise invalid_argument(
            f"input boxes must be 3-dimensional [batch, num_boxes, coords], got shape {list(bounding_boxes.shape)}"
        )
    if bounding_boxes.shape[2] != 4 and bounding_boxes.size:
        raise invalid_argument(f"bounding boxes must have shape [*, *, 4], got {list(bounding_boxes.shape)}")
    if not bounding_boxes.size:
        if not use_image:
            raise invalid_argument(
                "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish to "
                "not provide any bounding boxes."
            )
        return [_Rectangle(0, 0, width, height)]
    flat = bounding_boxes.reshape(-1, 4)
    bad = flat[~((flat >= 0) & (flat <= 1))]
    if bad.size:
        raise invalid_argument(f"All bounding box coordinates must be in [0.0, 1.0]: {bad[0]}")
    scaled = flat * np.array([height, width, height, width], np.float32)
    return [_Rectangle(left, top, right, bottom) for top, left, bottom, right in scaled.astype(np.int64).tolist()]


def _sample(
    image_size: Array,
    bounding_boxes: Array,
    min_object_covered: Any,
    aspect_ratio_range: Sequence[float],
    area_range: Sequence[float],
    max_attempts: int,
    use_image_if_no_bounding_boxes: bool,
    key: Any,
    counter: Any,
) -> tuple[Array, Array, Array]:
    """Draws pieces until one shows enough of a box; the whole image if none of so many does."""
    narrowest, widest = _range(aspect_ratio_range, "Aspect ratio range")
    least, most = _range(area_range, "Area range")
    if least > 1 or most > 1:
        raise invalid_argument(f"Area range must be less than or equal to 1.0: [{least}, {most}]")
    if max_attempts <= 0:
        raise invalid_argument(f"Max attempts must be positive: {max_attempts}")
    if np.ndim(min_object_covered) != 0:
        raise invalid_argument(f"min_object_covered must be 0-D, got shape {list(np.shape(min_object_covered))}")
    covered = _float(min_object_covered)
    if not covered >= 0:
        raise invalid_argument(f"Min object covered must be non-negative: {covered}")
    if image_size.shape != (3,):
        raise invalid_argument(f"image_size must contain 3 elements, got shape {list(image_size.shape)}")
    height, width = int(image_size[0]), int(image_size[1])
    if not (0 <= height < _LARGEST and 0 <= width < _LARGEST):
        raise invalid_argument(f"image height and width must be in [0, {_LARGEST}), got {height} and {width}")
    boxes = _boxes(bounding_boxes, width, height, use_image_if_no_bounding_boxes)
    words = _Words(key, counter)
    chosen = _Rectangle(0, 0, width, height)
    for _ in range(max_attempts):
        aspect = words.unit() * (widest - narrowest) + narrowest
        crop = _crop(width, height, least, most, aspect, words)
        if crop is not None and _shows_enough(crop, boxes, covered):
            chosen = crop
            break
    begin = np.array([chosen.top, chosen.left, 0], image_size.dtype)
    size = np.array([chosen.bottom - chosen.top, chosen.right - chosen.left, -1]).astype(image_size.dtype)
    edges = np.array([chosen.top, chosen.left, chosen.bottom, chosen.right], np.float32)
    box = edges / np.array([height, width, height, width], np.float32)
    return begin, size, box.reshape(1, 1, 4)


def _blocks(*inputs: Any, max_attempts: int = 100, **attributes: Any) -> int:
    return max(max_attempts, 0)


#: The defaults, rounded to float32 as definitions hold them.
_ASPECT_RATIOS = [0.75, 1.3300000429153442]
_AREAS = [0.05000000074505806, 1.0]
_OUTPUTS = " -> begin: T, size: T, bboxes: float32"


@op(
    "SampleDistortedBoundingBox",
    "image_size: T, bounding_boxes: float32" + _OUTPUTS,
    T=_SIZES,
    tier="host",
    stateful=True,
    random=_blocks,
    differentiable=False,
)
def sample_distorted_bounding_box_op(
    image_size,
    bounding_boxes,
    *,
    seed: int = 0,
    seed2: int = 0,
    min_object_covered: float = 0.1,
    aspect_ratio_range: list[float] = _ASPECT_RATIOS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    generator,
):
    """Draws a piece of an image that shows enough of one of its boxes."""
    return _sample(
        image_size,
        bounding_boxes,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
        generator.key,
        generator.counter,
    )


@op(
    "SampleDistortedBoundingBoxV2",
    "image_size: T, bounding_boxes: float32, min_object_covered: float32" + _OUTPUTS,
    T=_SIZES,
    tier="host",
    stateful=True,
    random=_blocks,
    differentiable=False,
)
def sample_distorted_bounding_box_v2_op(
    image_size,
    bounding_boxes,
    min_object_covered,
    *,
    seed: int = 0,
    seed2: int = 0,
    aspect_ratio_range: list[float] = _ASPECT_RATIOS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    generator,
):
    """Draws a piece of an image that shows enough of one of its boxes; how much is enough is a tensor."""
    return _sample(
        image_size,
        bounding_boxes,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
        generator.key,
        generator.counter,
    )


@op(
    "StatelessSampleDistortedBoundingBox",
    "image_size: T, bounding_boxes: float32, min_object_covered: float32, seed: Tseed" + _OUTPUTS,
    T=_SIZES,
    Tseed=("int32", "int64"),
    tier="host",
    differentiable="missing",
)
def stateless_sample_distorted_bounding_box_op(
    image_size,
    bounding_boxes,
    min_object_covered,
    seed,
    *,
    aspect_ratio_range: list[float] = _ASPECT_RATIOS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
):
    """Draws a piece of an image that shows enough of one of its boxes and follows from the seed."""
    if np.shape(seed) != (2,):
        raise invalid_argument(f"seed must have shape [2], not {list(np.shape(seed))}")
    return _sample(
        image_size,
        bounding_boxes,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
        *stateless_key_counter(np, seed),
    )


def _shapes_of(image_size: Any, bounding_boxes: Any) -> Any:
    (count,) = with_rank(image_size, 1)
    merge_dimensions(count, 3)
    merge_dimensions(with_rank(bounding_boxes, 3)[2], 4)
    return (3,), (3,), (1, 1, 4)


@sample_distorted_bounding_box_op.shape
def _sample_distorted_bounding_box_shape(image_size, bounding_boxes):
    return _shapes_of(image_size, bounding_boxes)


@sample_distorted_bounding_box_v2_op.shape
def _sample_distorted_bounding_box_v2_shape(image_size, bounding_boxes, min_object_covered):
    with_rank(min_object_covered, 0)
    return _shapes_of(image_size, bounding_boxes)


@stateless_sample_distorted_bounding_box_op.shape
def _stateless_sample_distorted_bounding_box_shape(image_size, bounding_boxes, min_object_covered, seed):
    with_rank(min_object_covered, 0)
    merge_dimensions(with_rank(seed, 1)[0], 2)
    return _shapes_of(image_size, bounding_boxes)


def _samples_of(s: Any, others: tuple[Any, ...], **attributes: Any) -> Any:
    corners = np.sort(s.uniform(0, 1, (1, 3, 2, 2)), axis=2).reshape(1, 3, 4)
    for dtype in s.dtypes("T"):
        yield s(np.array([90, 120, 3], dtype.name), corners, *others, **attributes)
    yield s([33, 21, 3], corners, *others, aspect_ratio_range=[0.3, 3.0], area_range=[0.3, 0.6], **attributes)
    yield s([33, 21, 3], corners, *others, max_attempts=3, area_range=[0.9, 1.0], **attributes)
    yield s([33, 21, 3], s.empty(1, 0, 4), *others, use_image_if_no_bounding_boxes=True, **attributes)
    bad = {"error": "InvalidArgumentError", **attributes}
    yield s([33, 21, 3], s.empty(1, 0, 4), *others, **bad)
    yield s([33, 21, 3, 4], corners, *others, **bad)
    yield s([-33, 21, 3], corners, *others, **bad)
    yield s([33, 21, 3], corners + 1, *others, **bad)
    yield s([33, 21, 3], corners[0], *others, **bad)
    yield s([33, 21, 3], corners, *others, aspect_ratio_range=[1.0], **bad)
    yield s([33, 21, 3], corners, *others, aspect_ratio_range=[-1.0, 1.0], **bad)
    yield s([33, 21, 3], corners, *others, area_range=[0.5, 1.5], **bad)
    yield s([33, 21, 3], corners, *others, max_attempts=0, **bad)


@sample_distorted_bounding_box_op.samples
def _sample_distorted_bounding_box_samples(s):
    yield from _samples_of(s, (), seed=3, seed2=5)
    boxes = np.array([[[0.2, 0.2, 0.8, 0.8]]], np.float32)
    yield s([50, 60, 3], boxes, min_object_covered=0.9, seed=7)
    yield s([50, 60, 3], boxes, min_object_covered=-0.9, seed=7, error="InvalidArgumentError")


@sample_distorted_bounding_box_v2_op.samples
def _sample_distorted_bounding_box_v2_samples(s):
    yield from _samples_of(s, (0.5,), seed=3, seed2=5)


@stateless_sample_distorted_bounding_box_op.samples
def _stateless_sample_distorted_bounding_box_samples(s):
    yield from _samples_of(s, (0.5, [3, -4]))
    yield from _samples_of(s, (0.9, np.array([1 << 40, 2], np.int64)))
    boxes = np.array([[[0.2, 0.2, 0.8, 0.8]]], np.float32)
    yield s([50, 60, 3], boxes, 0.5, [1, 2, 3], error="InvalidArgumentError")


# Public functions.


def _chosen(value: Any, preset: Any) -> Any:
    return preset if value is None else value


def _attributes(aspect_ratio_range: Any, area_range: Any, max_attempts: Any, use_image: Any) -> dict[str, Any]:
    return {
        "aspect_ratio_range": list(_chosen(aspect_ratio_range, (0.75, 1.33))),
        "area_range": list(_chosen(area_range, (0.05, 1.0))),
        "max_attempts": _chosen(max_attempts, 100),
        "use_image_if_no_bounding_boxes": _chosen(use_image, False),
    }


def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: Any = 0,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: Any = None,
    use_image_if_no_bounding_boxes: Any = None,
    name: str | None = None,
) -> Any:
    """Returns a random piece of an image that shows enough of one of its boxes, for augmenting training data.

    Args:
      image_size: height, width and channels, a vector of integers.
      bounding_boxes: a float32 tensor of shape ``[batch, count, 4]``: top, left, bottom and right of each box, as parts
        of the image's height and width, from 0 to 1.
      seed: the seed of this call, an integer; 0 for none.
      min_object_covered: which part of a box the piece must show at least.
      aspect_ratio_range: the least and the largest ratio of its width to its height; ``[0.75, 1.33]`` by default.
      area_range: the least and the largest part of the image that it covers; ``[0.05, 1]`` by default.
      max_attempts: how many pieces to draw; 100 by default. If none will do, the piece is the whole image.
      use_image_if_no_bounding_boxes: whether an image without boxes counts as one box.
      name: the name of the scope.

    Returns:
      ``(begin, size, bboxes)``: the arguments of ``tf.slice`` that cut the piece out, and the piece as a box, of shape
      ``[1, 1, 4]``.

    Raises:
      InvalidArgumentError: when it runs, the boxes do not lie within the image, or there are none.
    """
    given = None if isinstance(seed, int) and seed == 0 else seed
    return sample_distorted_bounding_box_v1(
        image_size,
        bounding_boxes,
        given,
        None,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
        name,
    )


def sample_distorted_bounding_box_v1(
    image_size: Any,
    bounding_boxes: Any,
    seed: Any = None,
    seed2: Any = None,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: Any = None,
    use_image_if_no_bounding_boxes: Any = None,
    name: str | None = None,
) -> Any:
    """Returns a random piece of an image: ``sample_distorted_bounding_box`` with TF 1.x's two seeds.

    Args:
      image_size: height, width and channels, a vector of integers.
      bounding_boxes: a float32 tensor of shape ``[batch, count, 4]``.
      seed: the first seed, which together with ``seed2`` replaces those of the program; or the seed of this call.
      seed2: the second seed.
      min_object_covered: which part of a box the piece must show at least.
      aspect_ratio_range: the least and the largest ratio of its width to its height.
      area_range: the least and the largest part of the image that it covers.
      max_attempts: how many pieces to draw.
      use_image_if_no_bounding_boxes: whether an image without boxes counts as one box.
      name: the name of the scope.
    """
    if seed2 is None or not seed2:
        seeds = operation_seeds(seed)
    else:
        seeds = {"seed": _chosen(seed, 0), "seed2": seed2}
    with name_scope(name, "sample_distorted_bounding_box"):
        return sample_distorted_bounding_box_v2_op(
            image_size,
            bounding_boxes,
            min_object_covered,
            name="SampleDistortedBoundingBoxV2",
            **seeds,
            **_attributes(aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes),
        )


def stateless_sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: Any,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: Any = None,
    use_image_if_no_bounding_boxes: Any = None,
    name: str | None = None,
) -> Any:
    """Returns a piece of an image that shows enough of one of its boxes and follows from the seed.

    Args:
      image_size: height, width and channels, a vector of integers.
      bounding_boxes: a float32 tensor of shape ``[batch, count, 4]``.
      seed: two integers.
      min_object_covered: which part of a box the piece must show at least.
      aspect_ratio_range: the least and the largest ratio of its width to its height.
      area_range: the least and the largest part of the image that it covers.
      max_attempts: how many pieces to draw.
      use_image_if_no_bounding_boxes: whether an image without boxes counts as one box.
      name: the name of the scope.
    """
    with name_scope(name, "stateless_sample_distorted_bounding_box"):
        return stateless_sample_distorted_bounding_box_op(
            image_size,
            bounding_boxes,
            min_object_covered,
            seed,
            name="StatelessSampleDistortedBoundingBox",
            **_attributes(aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes),
        )
