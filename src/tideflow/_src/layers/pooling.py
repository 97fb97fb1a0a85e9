"""Layers that take the maximum or the mean of windows."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.layers.convolution import normalized_padding, one_for_each, output_length, tensor_format
from tideflow._src.layers.core import normalized_format
from tideflow._src.layers.input_spec import InputSpec
from tideflow._src.layers.layer import Layer
from tideflow._src.layers.signatures import layer_function
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.runtime.convert import convert_to_tensor


class Pooling(Layer):
    """Reduces each window of ``rank`` dimensions of space to a number.

    Args:
      pool_size: the size of the window: a number, or one for each dimension.
      strides: its step, likewise; the size by default.
      padding: ``"valid"`` or ``"same"``.
      data_format: ``"channels_last"`` or ``"channels_first"``.
      name: the name.
    """

    rank: int
    #: The operation for images, and that for volumes.
    operations: tuple[str, str]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = one_for_each(pool_size, self.rank, "pool_size")
        self.strides = one_for_each(pool_size if strides is None else strides, self.rank, "strides")
        self.padding = normalized_padding(padding)
        self.data_format = normalized_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _around(self, numbers: tuple[int, ...]) -> list[int]:
        return [1, *numbers, 1] if self.data_format == "channels_last" else [1, 1, *numbers]

    def call(self, inputs: Any) -> Any:
        """Computes the layer's result."""
        inputs = convert_to_tensor(inputs)
        size, step, rank = self.pool_size, self.strides, self.rank
        axis = 2 if self.data_format == "channels_last" else 3
        if self.rank == 1:
            # Sequences are images of width 1.
            inputs, size, step, rank = expand_dims(inputs, axis), (*size, 1), (*step, 1), 2
        pool = getattr(raw, self.operations[rank == 3])
        outputs = pool(
            inputs,
            ksize=self._around(size),
            strides=self._around(step),
            padding=self.padding.upper(),
            data_format=tensor_format(self.data_format, rank),
            name=self.operations[rank == 3],
        )
        return squeeze(outputs, [axis]) if self.rank == 1 else outputs

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Returns the shape of the result."""
        sizes = as_shape(input_shape).as_list()
        last = self.data_format == "channels_last"
        space = sizes[1:-1] if last else sizes[2:]
        lengths = [
            output_length(length, self.pool_size[index], self.padding, self.strides[index])
            for index, length in enumerate(space)
        ]
        return TensorShape([sizes[0], *lengths, sizes[-1]] if last else [sizes[0], sizes[1], *lengths])


class MaxPooling1D(Pooling):
    """Takes the maximum of each window of sequences; see :class:`Pooling` for the arguments."""

    rank = 1
    operations = ("MaxPool", "MaxPool3D")


max_pooling1d = layer_function(MaxPooling1D)


class MaxPooling2D(Pooling):
    """Takes the maximum of each window of images; see :class:`Pooling` for the arguments."""

    rank = 2
    operations = ("MaxPool", "MaxPool3D")


max_pooling2d = layer_function(MaxPooling2D)


class MaxPooling3D(Pooling):
    """Takes the maximum of each window of volumes; see :class:`Pooling` for the arguments."""

    rank = 3
    operations = ("MaxPool", "MaxPool3D")


max_pooling3d = layer_function(MaxPooling3D)


class AveragePooling1D(Pooling):
    """Takes the mean of each window of sequences; see :class:`Pooling` for the arguments."""

    rank = 1
    operations = ("AvgPool", "AvgPool3D")


average_pooling1d = layer_function(AveragePooling1D)


class AveragePooling2D(Pooling):
    """Takes the mean of each window of images; see :class:`Pooling` for the arguments."""

    rank = 2
    operations = ("AvgPool", "AvgPool3D")


average_pooling2d = layer_function(AveragePooling2D)


class AveragePooling3D(Pooling):
    """Takes the mean of each window of volumes; see :class:`Pooling` for the arguments."""

    rank = 3
    operations = ("AvgPool", "AvgPool3D")


average_pooling3d = layer_function(AveragePooling3D)
