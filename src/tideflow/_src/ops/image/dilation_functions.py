"""Grey-scale dilation and erosion of images, in the forms of TensorFlow 2 and 1."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.scopes import name_scope


def dilation2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None = None,
) -> Any:
    """Computes the grey-scale dilation of images: the largest sum of a window and the filter.

    Args:
      input: ``[batch, height, width, channels]``.
      filters: ``[height, width, channels]``.
      strides: the step of the window, for each dimension: ``[1, rows, columns, 1]``.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NHWC"``.
      dilations: the distance of pixels in the window, for each dimension: ``[1, rows, columns, 1]``.
      name: a name for the operation.

    Raises:
      ValueError: ``data_format`` is another one.
    """
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other than 'NHWC' are not supported. Received: data_format={data_format}"
        )
    return raw.Dilation2D(input, filters, strides=list(strides), rates=list(dilations), padding=padding, name=name)


def dilation2d_v1(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """Computes the grey-scale dilation of images, with TensorFlow 1's arguments; see :func:`dilation2d`."""
    filter = one_of("filters", filters, "filter", filter)
    rates = one_of("dilations", dilations, "rates", rates)
    return raw.Dilation2D(input, filter, strides=list(strides), rates=list(rates), padding=padding, name=name)


def erosion2d(
    value: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None = None,
) -> Any:
    """Computes the grey-scale erosion of images: the smallest difference of a window and the mirrored filter.

    Args:
      value: ``[batch, height, width, channels]``.
      filters: ``[height, width, channels]``.
      strides: the step of the window, for each dimension: ``[1, rows, columns, 1]``.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NHWC"``.
      dilations: the distance of pixels in the window, for each dimension: ``[1, rows, columns, 1]``.
      name: a name for the operation.

    Raises:
      ValueError: ``data_format`` is another one.
    """
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other than 'NHWC' are not supported. Received: data_format={data_format}"
        )
    return erosion2d_v1(value, filters, strides, dilations, padding, name)


def erosion2d_v1(value: Any, kernel: Any, strides: Any, rates: Any, padding: str, name: str | None = None) -> Any:
    """Computes the grey-scale erosion of images, with TensorFlow 1's arguments; see :func:`erosion2d`."""
    with name_scope(name, "erosion2d", [value, kernel]) as scope:
        mirrored = raw.ReverseV2(kernel, [0, 1])
        dilated = raw.Dilation2D(raw.Neg(value), mirrored, strides=list(strides), rates=list(rates), padding=padding)
        return raw.Neg(dilated, name=scope)
