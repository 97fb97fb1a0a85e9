"""Looks at the shapes of images: what is known statically is checked at once, the rest when the program runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import expand_dims, rank, shape, squeeze
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.runtime.convert import convert_to_tensor


def is_tensor(value: Any) -> bool:
    """Tells whether a value is a tensor or a variable, so that only a run of the program may know it."""
    return isinstance(value, Tensor) or hasattr(value, "_dense_var_to_tensor")


def shown(image: Any) -> str:
    """Writes the static shape of an image as messages do."""
    return str(image.shape)


def check(condition: Any, message: str) -> list[Any]:
    """Raises a ValueError unless ``condition`` holds; where that is a tensor, returns an assertion to wait for."""
    if is_tensor(condition):
        return [raw.Assert(condition, [message], summarize=3)]
    if not condition:
        raise ValueError(message)
    return []


def after(checks: Sequence[Any], tensor: Any) -> Any:
    """Returns the tensor, in a graph only when the assertions have run."""
    if not checks or context.current_graph() is None:
        return tensor
    return with_dependencies(checks, tensor)


def check_image(image: Any) -> list[Any]:
    """Checks that a tensor has rank 3 or more, and an image in its last three dimensions.

    Raises:
      ValueError: it statically has not.
    """
    known = static_shape(image)
    if known is not None and len(known) < 3:
        raise ValueError(f"'image' (shape {shown(image)}) must be at least three-dimensional.")
    inner = (None,) * 3 if known is None else known[-3:]
    if 0 in inner:
        raise ValueError(f"inner 3 dims of 'image.shape' must be > 0: {shown(image)}")
    if None not in inner:
        return []
    positive = raw.All(raw.Greater(shape(image)[-3:], 0), [0])
    message = "inner 3 dims of 'image.shape' must be > 0."
    checks = [raw.Assert(positive, [message, shape(image)], summarize=3)]
    if known is None:
        least = raw.GreaterEqual(rank(image), 3)
        checks.append(raw.Assert(least, ["'image' must be at least three-dimensional."], summarize=3))
    return checks


def checked_image(image: Any) -> Any:
    """Returns an image that passes, or when it runs has passed, :func:`check_image`."""
    return after(check_image(image), image)


def rank_problem(image: Any) -> ValueError:
    """Makes the error for images that are neither one nor a batch."""
    return ValueError(f"'image' (shape {shown(image)}) must have either 3 or 4 dimensions.")


def known_rank(image: Any) -> int | None:
    """Returns the rank of images, 3 or 4, or None if it is not known.

    Raises:
      ValueError: it is another one.
    """
    known = static_shape(image)
    if known is None:
        return None
    if len(known) not in (3, 4):
        raise rank_problem(image)
    return len(known)


def as_batch(image: Any) -> tuple[Any, bool]:
    """Returns an image as a batch of one, and whether it was a batch; an unknown rank counts as that of one image."""
    if known_rank(image) == 4:
        return image, True
    image = expand_dims(image, 0)
    if image.__class__ is SymbolicTensor:
        image.set_shape([None] * 4)
    return image, False


def from_batch(images: Any, is_batch: bool) -> Any:
    """Undoes :func:`as_batch`."""
    return images if is_batch else squeeze(images, axis=[0])


def dimensions(image: Any) -> list[Any]:
    """Returns the sizes of an image: integers where they are known, else tensors."""
    known = static_shape(image)
    assert known is not None
    if None not in known:
        return list(known)
    sizes = shape(image)
    return [sizes[axis] if size is None else size for axis, size in enumerate(known)]


def vector(values: Sequence[Any]) -> Any:
    """Returns sizes, some of which may be tensors, as one tensor."""
    if not any(is_tensor(value) for value in values):
        return convert_to_tensor(np.array(values, np.int32))
    return raw.Pack([raw.Cast(value, DstT=dtypes.int32) if is_tensor(value) else np.int32(value) for value in values])


def give_shape(image: Any, sizes: Sequence[Any]) -> Any:
    """Adds sizes to what is known of a shape, and returns the image; tensors and None stand for unknown."""
    if image.__class__ is SymbolicTensor:
        image.set_shape([None if is_tensor(size) else size for size in sizes])
    return image
