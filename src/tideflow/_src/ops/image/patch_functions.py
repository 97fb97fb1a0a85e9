"""The functions that lay the windows of images and volumes out along the channels."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.raw import raw


def extract_image_patches_v2(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    """Returns the windows of images, each laid out along the channels.

    Args:
      images: ``[batch, height, width, channels]``.
      sizes: the size of the windows: ``[1, rows, columns, 1]``.
      strides: how far the windows are from each other: ``[1, rows, columns, 1]``.
      rates: how far the pixels in a window are from each other: ``[1, rows, columns, 1]``.
      padding: ``"VALID"``, or ``"SAME"`` to begin before the image, in zeros.
      name: a name for the operation.

    Returns:
      ``[batch, windows down, windows across, rows * columns * channels]``.
    """
    return _extract(images, sizes, strides, rates, padding, name)


def _extract(images: Any, sizes: Any, strides: Any, rates: Any, padding: Any, name: str | None) -> Any:
    lists = {"ksizes": sizes, "strides": strides, "rates": rates}
    for label, values in lists.items():
        if not isinstance(values, list | tuple):
            raise TypeError(f"Expected list for '{label}' argument to 'extract_image_patches' Op, not {values!r}.")
    numbers = {label: [int(value) for value in values] for label, values in lists.items()}
    return raw.ExtractImagePatches(images, padding=padding, name=name, **numbers)


def extract_image_patches(
    images: Any,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    sizes: Any = None,
) -> Any:
    """Returns the windows of images, with TensorFlow 1's arguments; see :func:`extract_image_patches_v2`."""
    if sizes is not None:
        if ksizes is not None:
            raise ValueError("Cannot specify both 'sizes' and 'ksizes'.")
        ksizes = sizes
    return _extract(images, ksizes, strides, rates, padding, name)


def extract_volume_patches(input: Any, ksizes: Any, strides: Any, padding: str, name: str | None = None) -> Any:
    """Returns the windows of volumes, each laid out along the channels.

    Args:
      input: ``[batch, planes, rows, columns, channels]``.
      ksizes: the size of the windows: ``[1, planes, rows, columns, 1]``.
      strides: how far the windows are from each other: ``[1, planes, rows, columns, 1]``.
      padding: ``"VALID"``, or ``"SAME"`` to begin before the volume, in zeros.
      name: a name for the operation.
    """
    for label, values in (("ksizes", ksizes), ("strides", strides)):
        if not isinstance(values, list | tuple):
            raise TypeError(f"Expected list for '{label}' argument to 'extract_volume_patches' Op, not {values!r}.")
    return raw.ExtractVolumePatches(input, ksizes=list(ksizes), strides=list(strides), padding=padding, name=name)
