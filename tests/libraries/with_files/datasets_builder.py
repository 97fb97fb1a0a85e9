"""Builds a dataset with TensorFlow Datasets, and reads splits, slices and pairs of it back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds


class Squares(tfds.core.GeneratorBasedBuilder):
    """Has small images, classes, texts and sequences."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(4, 5, 3)),
            "label": tfds.features.ClassLabel(names=["even", "odd"]),
            "text": tfds.features.Text(),
            "number": np.int64,
            "rows": tfds.features.Sequence({"x": np.int32}),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples(10), "test": self._generate_examples(4)}

    def _generate_examples(self, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(count):
            yield (
                number,
                {
                    "image": np.full((4, 5, 3), number, np.uint8),
                    "label": ["even", "odd"][number % 2],
                    "text": f"number {number}",
                    "number": number,
                    "rows": [{"x": each} for each in range(number % 3)],
                },
            )


folder = tempfile.mkdtemp()
Squares(data_dir=folder).download_and_prepare()
found = {}
for example in tfds.as_numpy(tfds.load("squares", data_dir=folder, split="train+test")):
    number = int(example["number"])
    assert (example["image"] == number).all() and example["label"] == number % 2
    assert example["text"] == f"number {number}".encode() and len(example["rows"]["x"]) == number % 3
    found[number] = found.get(number, 0) + 1
assert found == {number: 1 + (number < 4) for number in range(10)}
halves = [
    {int(each["number"]) for each in tfds.load("squares", data_dir=folder, split=split)}
    for split in ("train[:50%]", "train[50%:]")
]
assert [len(half) for half in halves] == [5, 5] and halves[0] | halves[1] == set(range(10))
pairs = tfds.load("squares", data_dir=folder, split="train", as_supervised=True)
batches = [(images.shape.as_list(), int(images[0, 0, 0, 0]) % 2 == int(labels[0])) for images, labels in pairs.batch(4)]
assert batches == [([4, 4, 5, 3], True), ([4, 4, 5, 3], True), ([2, 4, 5, 3], True)]
with tfds.testing.mock_data(num_examples=3):
    assert [image.shape.as_list() for image, _ in tfds.load("mnist", split="train", as_supervised=True)] == [
        [28, 28, 1]
    ] * 3
print("TensorFlow Datasets: 10 + 4 examples were written, and read back in splits, halves and pairs")
