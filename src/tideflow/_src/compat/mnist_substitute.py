"""Gives programs that ask for MNIST other digits where MNIST cannot be had, and says so.

The substitute has MNIST's format: 60,000 images to train with and 10,000 to test with, of 28×28 pixels from 0 to 255.
They are made from 1,797 digits that come with the package (`digits/README.md`), seven eighths of them for training:
each is drawn in several poses (turned, slanted, stretched) and places. No digit that is tested was trained with.
"""

from __future__ import annotations

import functools
import os
import sys
from types import ModuleType
from typing import Any

import numpy as np

from tideflow._src.compat.after_loading import AfterLoading

Array = np.ndarray[Any, Any]
Digits = tuple[tuple[Array, Array], tuple[Array, Array]]

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits", "digits.npz")
_TRAINING, _TEST, _SIDE, _BOX = 60_000, 10_000, 28, 20
_POSES = 8
_KERAS_MODULE = "keras.src.datasets.mnist"


def load_data() -> Digits:
    """Returns the substitute as Keras returns MNIST: ``(x_train, y_train), (x_test, y_test)``, all uint8.

    The images have the shapes (60000, 28, 28) and (10000, 28, 28), the labels (60000,) and (10000,). They are the same
    at each call.
    """
    random = np.random.Generator(np.random.Philox(20_240_301))
    with np.load(_FILE) as file:
        images, labels = file["images"], file["labels"]
    order = random.permutation(len(labels))
    images, labels = images[order].astype(np.float32) / 16, labels[order]
    tested = len(labels) // 8
    training = _drawn(images[tested:], labels[tested:], _TRAINING, random)
    return training, _drawn(images[:tested], labels[:tested], _TEST, random)


def _drawn(images: Array, labels: Array, count: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Returns so many pictures of digits, each digit about as often as the others, in random order."""
    posed = np.concatenate([_posed(images, random) for _ in range(_POSES)])
    which = random.permutation(np.resize(random.permutation(len(posed)), count))
    pictures = np.zeros((count, _SIDE, _SIDE), np.uint8)
    margin = (_SIDE - _BOX) // 2
    places = random.integers(margin - 1, margin + 2, (count, 2))
    for row, column in np.ndindex(3, 3):
        top, left = margin - 1 + row, margin - 1 + column
        here = np.flatnonzero((places[:, 0] == top) & (places[:, 1] == left))
        pictures[here, top : top + _BOX, left : left + _BOX] = posed[which[here]]
    return pictures, labels[which % len(labels)]


def _posed(images: Array, random: np.random.Generator) -> Array:
    """Returns each image of 8×8 pixels at 20×20, turned, slanted and stretched at random, as uint8.

    A pixel of the picture is looked up, bilinearly, where the inverse of the image's affine map puts it.
    """
    count, side = len(images), images.shape[1]
    angle = random.uniform(-0.2, 0.2, count)  # radians
    slant = random.uniform(-0.2, 0.2, count)
    height, width = random.uniform(0.9, 1.15, (2, count))
    sine, cosine = np.sin(angle), np.cos(angle)
    to_source = [height * cosine, height * sine, width * (slant - sine), width * cosine]
    a, b, c, d = (entry.astype(np.float32)[:, None] for entry in to_source)
    grid = (np.arange(_BOX, dtype=np.float32) - (_BOX - 1) / 2) * (side / _BOX)
    y, x = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
    framed = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    last = framed.shape[1] - 1
    rows = np.clip(a * y + b * x + last / 2, 0, last - 0.001)
    columns = np.clip(c * y + d * x + last / 2, 0, last - 0.001)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down, right = rows - top, columns - left
    image = np.arange(count)[:, None]
    above = framed[image, top, left] * (1 - right) + framed[image, top, left + 1] * right
    below = framed[image, top + 1, left] * (1 - right) + framed[image, top + 1, left + 1] * right
    ink = above * (1 - down) + below * down
    pixels: Array = np.rint(np.clip(ink, 0, 1) * 255).astype(np.uint8)
    return pixels.reshape(count, _BOX, _BOX)


def announce(reason: object) -> None:
    """Says on standard error that the substitute is used, and why."""
    print(
        f"python -m tideflow: MNIST is not here ({reason}).\n"
        "  In its place the program gets 70,000 images in MNIST's format that are made from 1,797 other digits,\n"
        "  which come with Tideflow (UCI, Alpaydin and Kaynak, 1998). Its accuracy is not one on MNIST.",
        file=sys.stderr,
        flush=True,
    )


def offer() -> None:
    """Lets whoever reads MNIST in this process, by Keras or as in 1.x, take the substitute where there is no MNIST."""
    if not is_offered():
        sys.meta_path.insert(0, _FINDER)


def is_offered() -> bool:
    """Tells whether this process may take the substitute."""
    return _FINDER in sys.meta_path


def _wrap(module: ModuleType) -> None:
    original: Any = module.load_data

    def load_mnist(path: str = "mnist.npz") -> Any:
        try:
            return original(path)
        except Exception as error:  # what a download raises is Keras's to choose
            announce(error)
            return load_data()

    vars(module)["load_data"] = functools.update_wrapper(load_mnist, original)


_FINDER = AfterLoading([_KERAS_MODULE], _wrap)
