"""Images: resizing, colour, the choice among overlapping boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from workloads.family import Array, Case, family, normal

SHAPE = (16, 224, 224, 3)


def images() -> list[Array]:
    return [np.abs(normal(*SHAPE)) % 1]


def boxes() -> list[Array]:
    random = np.random.default_rng(0)
    corners = random.random((2000, 2), dtype=np.float32)
    return [np.concatenate([corners, corners + 0.1], 1), random.random(2000, dtype=np.float32)]


def torch_resize(torch: Any, x: Any) -> Any:
    return torch.nn.functional.interpolate(x.permute(0, 3, 1, 2), (299, 299), mode="bilinear")


WORKLOAD = family(
    "image_family",
    "images",
    (
        Case(
            "resize to 299×299, 16×224×224×3",
            images,
            lambda tf, x: tf.image.resize(x, [299, 299]),
            torch_resize,
        ),
        Case("adjust_saturation, 16×224×224×3", images, lambda tf, x: tf.image.adjust_saturation(x, 1.5)),
        Case(
            "non_max_suppression of 2,000",
            boxes,
            lambda tf, where, scores: tf.image.non_max_suppression(where, scores, 200),
        ),
    ),
)
