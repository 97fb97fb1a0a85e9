"""Convolutions and pooling, forward and backward."""

from __future__ import annotations

from typing import Any

from workloads.family import Case, family, normal

IMAGES, FILTERS = (16, 56, 56, 64), (3, 3, 64, 64)
VOLUMES, VOLUME_FILTERS = (2, 16, 32, 32, 16), (3, 3, 3, 16, 16)


def channels_first(torch: Any, x: Any) -> Any:
    return x.permute(0, x.ndim - 1, *range(1, x.ndim - 1)).contiguous()


def torch_convolution(torch: Any, x: Any, filters: Any) -> Any:
    return torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), filters.permute(3, 2, 0, 1), padding=1)


def torch_convolution3d(torch: Any, x: Any, filters: Any) -> Any:
    return torch.nn.functional.conv3d(x.permute(0, 4, 1, 2, 3), filters.permute(4, 3, 0, 1, 2), padding=1)


def torch_gradients(torch: Any, x: Any, filters: Any) -> Any:
    x, filters = x.requires_grad_(), filters.requires_grad_()
    return torch.autograd.grad(torch_convolution(torch, x, filters).square().sum(), [x, filters])


def tensorflow_gradients(tf: Any, x: Any, filters: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch([x, filters])
        y = tf.reduce_sum(tf.square(tf.nn.conv2d(x, filters, 1, "SAME")))
    return tape.gradient(y, [x, filters])


WORKLOAD = family(
    "window_family",
    "windows",
    (
        Case(
            "conv2d 3×3, 16×56×56×64",
            lambda: [normal(*IMAGES), normal(*FILTERS)],
            lambda tf, x, filters: tf.nn.conv2d(x, filters, 1, "SAME"),
            torch_convolution,
        ),
        Case(
            "its gradients",
            lambda: [normal(*IMAGES), normal(*FILTERS)],
            tensorflow_gradients,
            torch_gradients,
        ),
        Case(
            "conv3d 3×3×3, 2×16×32×32×16",
            lambda: [normal(*VOLUMES), normal(*VOLUME_FILTERS)],
            lambda tf, x, filters: tf.nn.conv3d(x, filters, [1, 1, 1, 1, 1], "SAME"),
            torch_convolution3d,
        ),
        Case(
            "max_pool 2×2, 16×56×56×64",
            lambda: [normal(*IMAGES)],
            lambda tf, x: tf.nn.max_pool2d(x, 2, 2, "SAME"),
            lambda torch, x: torch.nn.functional.max_pool2d(x.permute(0, 3, 1, 2), 2),
        ),
    ),
)
