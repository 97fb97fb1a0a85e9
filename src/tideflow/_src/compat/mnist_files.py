"""Reads the MNIST digits as the tutorials of TensorFlow 0.x and 1.x did: ``tensorflow.examples.tutorials.mnist``."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import tempfile
import urllib.error
import urllib.request
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from tideflow._src.compat import mnist_substitute
from tideflow._src.core import dtypes
from tideflow._src.ops.random.seeds import get_seed

DEFAULT_SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"

_TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
_TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
_TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
_TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
_IMAGES_MAGIC, _LABELS_MAGIC = 2051, 2049
_TIMEOUT = 60  # seconds without an answer

Array = np.ndarray[Any, Any]


def _header(stream: BinaryIO, magic: int, count: int) -> tuple[int, ...]:
    """Reads the head of an IDX file: a magic number and ``count`` sizes."""
    name = getattr(stream, "name", "the file")
    data = stream.read(4 * (count + 1))
    if len(data) < 4 * (count + 1):
        raise ValueError(f"{name} is not an IDX file of MNIST: it ends within its head")
    found, *sizes = struct.unpack(f">{count + 1}I", data)
    if found != magic:
        raise ValueError(f"Invalid magic number {found} in MNIST file {name}, expected {magic}")
    return tuple(sizes)


def _elements(stream: BinaryIO, shape: tuple[int, ...]) -> Array:
    count = int(np.prod(shape, dtype=np.int64))
    data = stream.read(count)
    if len(data) < count:
        raise ValueError(f"{getattr(stream, 'name', 'the file')} ends after {len(data)} of {count} elements")
    return np.frombuffer(data, np.uint8).reshape(shape).copy()


def extract_images(f: BinaryIO) -> Array:
    """Returns the images of a gzipped IDX file: uint8, of shape ``[count, rows, columns, 1]``.

    Raises:
      ValueError: it is no such file.
    """
    with gzip.GzipFile(fileobj=f) as stream:
        return _elements(stream, (*_header(stream, _IMAGES_MAGIC, 3), 1))  # type: ignore[arg-type]


def extract_labels(f: BinaryIO, one_hot: bool = False, num_classes: int = 10) -> Array:
    """Returns the labels of a gzipped IDX file: uint8, of shape ``[count]``, or one-hot float64 rows.

    Raises:
      ValueError: it is no such file.
    """
    with gzip.GzipFile(fileobj=f) as stream:
        labels = _elements(stream, _header(stream, _LABELS_MAGIC, 1))  # type: ignore[arg-type]
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def dense_to_one_hot(labels_dense: Array, num_classes: int) -> Array:
    """Returns a row of ``num_classes`` zeros and a one for each label."""
    return np.eye(num_classes)[labels_dense.reshape(-1)]


class DataSet:
    """Is images with their labels, handed out in batches.

    Args:
      images: uint8, of shape ``[count, rows, columns, depth]``.
      labels: of shape ``[count]``, or one-hot.
      fake_data: whether batches hold constants, for tests of speed.
      one_hot: whether such labels are one-hot.
      dtype: uint8 leaves the images in [0, 255], float32 scales them to [0, 1].
      reshape: whether an image becomes a vector.
      seed: a seed for the order of the batches.
    """

    def __init__(
        self,
        images: Array,
        labels: Array,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = dtypes.float32,
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        first, second = get_seed(seed)
        np.random.seed(first if seed is None else second)
        dtype = dtypes.as_dtype(dtype).base_dtype
        if dtype not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        if fake_data:
            self._num_examples = 10000
            self.one_hot = one_hot
        else:
            if images.shape[0] != labels.shape[0]:
                raise ValueError(f"images.shape: {images.shape} labels.shape: {labels.shape}: the counts differ")
            self._num_examples = images.shape[0]
            if reshape:
                if images.shape[3] != 1:
                    raise ValueError(f"Only images of depth 1 can be reshaped, got the shape {images.shape}")
                images = images.reshape(images.shape[0], images.shape[1] * images.shape[2])
            if dtype == dtypes.float32:
                images = np.multiply(images.astype(np.float32), np.float32(1.0 / 255.0))
        self._fake = fake_data
        self._images = images
        self._labels = labels
        self._epochs_completed = 0
        self._index_in_epoch = 0

    @property
    def images(self) -> Array:
        """The images, in their present order."""
        return self._images

    @property
    def labels(self) -> Array:
        """The labels of the images."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many images there are."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How many times all images were handed out."""
        return self._epochs_completed

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """Returns the next ``batch_size`` images and labels; every epoch has an order of its own if ``shuffle``."""
        if fake_data or self._fake:
            label: Any = [1] + [0] * 9 if getattr(self, "one_hot", False) else 0
            return [[1] * 784] * batch_size, [label] * batch_size
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._num_examples:
            self._index_in_epoch += batch_size
            return self._images[start : self._index_in_epoch], self._labels[start : self._index_in_epoch]
        self._epochs_completed += 1
        rest_images, rest_labels = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        self._index_in_epoch = batch_size - len(rest_images)
        images = np.concatenate([rest_images, self._images[: self._index_in_epoch]])
        return images, np.concatenate([rest_labels, self._labels[: self._index_in_epoch]])

    def _shuffle(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images = self._images[order]
        self._labels = self._labels[order]


class Datasets(NamedTuple):
    """Is the digits split in three."""

    train: DataSet
    validation: DataSet
    test: DataSet


def maybe_download(filename: str, work_directory: str, source_url: str) -> str:
    """Returns the path of a file in a directory, downloading it from ``source_url`` if it is not there.

    Raises:
      OSError: it is not there and cannot be downloaded; the message says where to put it.
    """
    os.makedirs(work_directory, exist_ok=True)
    path = os.path.join(work_directory, filename)
    if os.path.exists(path):
        return path
    try:
        with (
            urllib.request.urlopen(source_url, timeout=_TIMEOUT) as source,
            tempfile.NamedTemporaryFile(dir=work_directory, delete=False) as target,
        ):
            shutil.copyfileobj(source, target)
    except (urllib.error.URLError, TimeoutError) as error:
        raise OSError(
            f"Cannot download {source_url} ({error}). Get the file otherwise and put it at {path}."
        ) from error
    os.replace(target.name, path)
    print("Successfully downloaded", filename, os.path.getsize(path), "bytes.")
    return path


def read_data_sets(
    train_dir: str,
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = dtypes.float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Reads the digits from the four files in ``train_dir``, which are downloaded if they are not there.

    Args:
      train_dir: the directory of ``train-images-idx3-ubyte.gz`` and the other three.
      fake_data: whether to return constants instead.
      one_hot: whether labels are one-hot rows.
      dtype: uint8 leaves the pixels in [0, 255], float32 scales them to [0, 1].
      reshape: whether an image becomes a vector of 784 pixels.
      validation_size: how many training images become the validation set.
      seed: a seed for the order of the batches.
      source_url: where the files are.

    Raises:
      OSError: a file is neither there nor to be downloaded, and nobody offered a substitute, as `python -m tideflow`
        does.
      ValueError: a file is not as expected, or ``validation_size`` is larger than the training set.
    """
    options: dict[str, Any] = {"dtype": dtype, "reshape": reshape, "seed": seed}
    if fake_data:
        empty = np.zeros(0)
        return Datasets(
            *(DataSet(empty, empty, fake_data=True, one_hot=one_hot, dtype=dtype, seed=seed) for _ in "123")
        )
    source_url = source_url or DEFAULT_SOURCE_URL

    def images(name: str) -> Array:
        with open(maybe_download(name, train_dir, source_url + name), "rb") as file:
            return extract_images(file)

    def labels(name: str) -> Array:
        with open(maybe_download(name, train_dir, source_url + name), "rb") as file:
            return extract_labels(file, one_hot=one_hot)

    try:
        train_images, train_labels = images(_TRAIN_IMAGES), labels(_TRAIN_LABELS)
        test_images, test_labels = images(_TEST_IMAGES), labels(_TEST_LABELS)
    except OSError as error:
        if not mnist_substitute.is_offered():
            raise
        mnist_substitute.announce(error)
        (train_images, train_labels), (test_images, test_labels) = mnist_substitute.load_data()
        train_images, test_images = train_images[..., None], test_images[..., None]
        if one_hot:
            train_labels, test_labels = dense_to_one_hot(train_labels, 10), dense_to_one_hot(test_labels, 10)
    if not 0 <= validation_size <= len(train_images):
        raise ValueError(f"Validation size should be between 0 and {len(train_images)}. Received: {validation_size}.")
    return Datasets(
        train=DataSet(train_images[validation_size:], train_labels[validation_size:], **options),
        validation=DataSet(train_images[:validation_size], train_labels[:validation_size], **options),
        test=DataSet(test_images, test_labels, **options),
    )
