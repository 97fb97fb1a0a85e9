"""Defines ``Convolution``, a convolution whose shapes are checked once."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.nn.convolution_functions import convolution


class Convolution:
    """Is a convolution of tensors of one shape with filters of another.

    Args:
      input_shape: the shape of the inputs: batch, space and channels, in the order of ``data_format``.
      filter_shape: the shape of the filters: space, channels in and out.
      padding: ``"SAME"`` or ``"VALID"``.
      strides: the step of the window, a number for each dimension of space.
      dilation_rate: the distance between elements of the window, a number for each dimension of space.
      name: the name of the operations.
      data_format: where the channels are.
      num_spatial_dims: how many dimensions of space there are, if the ranks do not tell.

    Raises:
      ValueError: the ranks do not fit, or the channels cannot be divided among the filters.
    """

    def __init__(
        self,
        input_shape: Any,
        filter_shape: Any,
        padding: str,
        strides: Any = None,
        dilation_rate: Any = None,
        name: str | None = None,
        data_format: str | None = None,
        num_spatial_dims: int | None = None,
    ) -> None:
        self.input_shape, self.filter_shape = TensorShape(input_shape), TensorShape(filter_shape)
        self.padding, self.data_format, self.name = padding, data_format, name
        self.strides, self.dilation_rate = strides, dilation_rate
        rank = self.filter_shape.rank
        if num_spatial_dims is None:
            if rank is None and self.input_shape.rank is None:
                raise ValueError(
                    "When `num_spatial_dims` is not set, one of `input.shape.rank` or `filters.shape.rank` must be "
                    f"known. Received: input.shape={self.input_shape} and `filters.shape={self.filter_shape}`"
                )
            num_spatial_dims = (rank if rank is not None else self.input_shape.rank or 0) - 2
        elif rank is not None and rank != num_spatial_dims + 2:
            raise ValueError(
                "`filters.shape.rank` must be `num_spatial_dims + 2`. "
                f"Received: filters.shape={self.filter_shape} of rank {rank} and num_spatial_dims={num_spatial_dims}"
            )
        self.num_spatial_dims = num_spatial_dims
        self.num_batch_dims = 1 if self.input_shape.rank is None else self.input_shape.rank - num_spatial_dims - 1
        if self.input_shape.rank is not None and self.input_shape.rank < num_spatial_dims + 2:
            raise ValueError(
                "`input.shape.rank` must be >= than `num_spatial_dims + 2`. Received: "
                f"input.shape={self.input_shape} of rank {self.input_shape.rank} and "
                f"num_spatial_dims={num_spatial_dims}"
            )
        if self.num_batch_dims < 1:
            raise ValueError(
                f"Batch dims should be >= 1, but found {self.num_batch_dims}. "
                f"Received: input.shape={self.input_shape}, filters.shape={self.filter_shape}"
            )
        channels = self._channels()
        per_filter = None if rank is None else self.filter_shape[num_spatial_dims]
        if channels is not None and per_filter is not None and channels % per_filter:
            raise ValueError(
                "The number of input channels is not divisible by the corresponding number of output filters. "
                f"Received: input.shape={self.input_shape} with {channels} channels and "
                f"filters.shape={self.filter_shape} with {per_filter} output filters."
            )

    def _channels(self) -> Any:
        if self.input_shape.rank is None:
            return None
        first = bool(self.data_format) and str(self.data_format).startswith("NC")
        return self.input_shape[self.num_batch_dims if first else -1]

    def __call__(self, inp: Any, filter: Any) -> Any:
        """Returns the convolution of an input with filters."""
        return convolution(inp, filter, self.strides, self.padding, self.data_format, self.dilation_rate, self.name)
