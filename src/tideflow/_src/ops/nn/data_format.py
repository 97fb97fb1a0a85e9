"""Moves axes, sizes and paddings from one layout of images to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.runtime.op import op

#: The dimensions of a layout that are neither batch nor channels.
_SPACE = "DHW"


def _permutation(src_format: str, dst_format: str) -> list[int]:
    """Returns, for each dimension of ``dst_format``, where it is in ``src_format``.

    Raises:
      InvalidArgumentError: the layouts do not have 4 or 5 dimensions, or not the same ones.
    """
    for label, short, layout in (("Source", "src", src_format), ("Destination", "dst", dst_format)):
        if len(layout) not in (4, 5):
            raise InvalidArgumentError(
                None, None, f"{label} format must be of length 4 or 5, received {short}_format = {layout}"
            )
    if len(set(src_format)) != len(src_format) or sorted(src_format) != sorted(dst_format):
        raise InvalidArgumentError(
            None,
            None,
            f"Destination and source format must determine a permutation, got {src_format} and {dst_format}",
        )
    return [src_format.index(name) for name in dst_format]


@op("DataFormatDimMap", "x: T -> y: T", T=default("int32", INDEX), differentiable=False)
def data_format_dim_map_op(xp, x, *, src_format: str = "NHWC", dst_format: str = "NCHW"):
    """Gives the axis in the layout ``dst_format`` of each axis in ``src_format``; negative ones count from the end."""
    order = _permutation(src_format, dst_format)
    places = np.array([order.index(axis) for axis in range(len(order))], x.dtype)
    return xp.asarray(places)[x % len(order)]


@data_format_dim_map_op.shape
def _data_format_dim_map_shape(x):
    return x


@data_format_dim_map_op.samples
def _data_format_dim_map_samples(s):
    for dtype in s.dtypes("T"):
        yield s(np.array([0, 1, -1, 3, -4], dtype.as_numpy_dtype))
    yield s(np.int32(2))
    yield s(np.int32([[0, 1], [2, -1]]), src_format="NHWC", dst_format="WHCN")
    yield s(np.int32([4, -2]), src_format="NDHWC", dst_format="NCDHW")
    yield s(np.int32([0]), src_format="NHC", dst_format="NCH", error="InvalidArgumentError")
    yield s(np.int32([0]), src_format="NHWC", dst_format="ABCD", error="InvalidArgumentError")


@op("DataFormatVecPermute", "x: T -> y: T", T=default("int32", INDEX), differentiable=False)
def data_format_vec_permute_op(xp, x, *, src_format: str = "NHWC", dst_format: str = "NCHW"):
    """Puts sizes, or rows of two paddings, into the order of ``dst_format``; those of space alone may be given."""
    _permutation(src_format, dst_format)
    rank = len(src_format)
    if x.ndim not in (1, 2):
        raise InvalidArgumentError(None, None, f"input must be a vector or 2D tensor, but got shape {_text(x)}")
    if x.shape[0] not in (rank - 2, rank):
        label = "1D input" if x.ndim == 1 else "First dimension of 2D input"
        raise InvalidArgumentError(
            None, None, f"{label} must be of size {rank - 2} or {rank}, but got shape {_text(x)}"
        )
    if x.ndim == 2 and x.shape[1] != 2:
        raise InvalidArgumentError(
            None, None, f"Second dimension of 2D input must be of size 2, but got shape {_text(x)}"
        )
    if x.shape[0] == rank - 2:
        src_format = "".join(name for name in src_format if name in _SPACE)
        dst_format = "".join(name for name in dst_format if name in _SPACE)
        if len(src_format) != rank - 2:
            raise InvalidArgumentError(
                None, None, f"an input of {rank - 2} sizes needs a layout with rows and columns, got {src_format!r}"
            )
    return x[np.array([src_format.index(name) for name in dst_format])]


def _text(x: Any) -> str:
    return shape_text(tuple(x.shape))


@data_format_vec_permute_op.shape
def _data_format_vec_permute_shape(x):
    return x


@data_format_vec_permute_op.samples
def _data_format_vec_permute_samples(s):
    for dtype in s.dtypes("T"):
        yield s(np.array([1, 2, 3, 4], dtype.as_numpy_dtype))
    yield s(np.int32([7, 8]))
    yield s(np.int32([7, 8]), src_format="HWNC", dst_format="WHCN")
    yield s(np.int32([[1, 2], [3, 4], [5, 6], [7, 8]]), src_format="NCHW", dst_format="NHWC")
    yield s(np.int32([1, 2, 3, 4, 5]), src_format="NDHWC", dst_format="NCDHW")
    yield s(np.int32([1, 2, 3]), error="InvalidArgumentError")
    yield s(np.int32([[1, 2, 3], [4, 5, 6]]), error="InvalidArgumentError")
    yield s(np.int32(1), error="InvalidArgumentError")
