"""Layers that compute the transpose of a convolution, which makes images larger."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.layers.convolution import Conv, tensor_format
from tideflow._src.layers.signatures import layer_function, with_defaults
from tideflow._src.ops.array.joining import stack
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.nn.convolution_functions import conv_transpose
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.initializers import Zeros


class ConvTranspose(Conv):
    """Computes the transpose of a convolution over ``rank`` dimensions, adds a bias, and calls ``activation``.

    Its arguments are those of :class:`.convolution.Conv`, but for ``dilation_rate``.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = Zeros(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def _length(self, length: Any, index: int) -> Any:
        """Returns the size of the result along a dimension of space; ``length`` may be a tensor."""
        stride, kernel = self.strides[index], self.kernel_size[index]
        grown = length if stride == 1 and not isinstance(length, int) else length * stride
        if self.padding == "valid" and kernel > stride:
            return grown + (kernel - stride)
        return grown

    def call(self, inputs: Any) -> Any:
        """Computes the layer's result."""
        inputs = convert_to_tensor(inputs)
        last = self.data_format == "channels_last"
        shape = raw.Shape(inputs)
        batch = shape[0]
        known = inputs.shape.as_list()
        first = 1 if last else 2
        space = []
        for index in range(self.rank):
            axis = first + index
            # Volumes are measured when they come, as TensorFlow does.
            size = known[axis] if self.rank == 2 and known[axis] is not None else shape[axis]
            space.append(size)
        lengths = [self._length(size, index) for index, size in enumerate(space)]
        output_shape = stack([batch, *lengths, self.filters] if last else [batch, self.filters, *lengths])
        if self.rank == 2 and context.current_graph() is not None:
            # TensorFlow reads the batch size back here. Nothing uses it, but the seeds that operations built later
            # get by default count the operations before them.
            _ = output_shape[0]
        outputs = conv_transpose(
            inputs,
            self.kernel,
            output_shape,
            list(self.strides),
            padding=self.padding.upper(),
            data_format=tensor_format(self.data_format, self.rank),
            name=f"conv{self.rank}d_transpose",
        )
        if context.current_graph() is not None:
            outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._finished(outputs)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """Returns the shape of the result."""
        sizes = as_shape(input_shape).as_list()
        last = self.data_format == "channels_last"
        space = sizes[1:-1] if last else sizes[2:]
        lengths = [None if size is None else self._length(size, index) for index, size in enumerate(space)]
        return TensorShape([sizes[0], *lengths, self.filters] if last else [sizes[0], self.filters, *lengths])


class Conv2DTranspose(ConvTranspose):
    """Computes the transpose of a convolution of images; see :class:`ConvTranspose` for the arguments."""

    rank = 2
    __init__ = with_defaults(ConvTranspose.__init__, strides=(1, 1))


conv2d_transpose = layer_function(Conv2DTranspose)


class Conv3DTranspose(ConvTranspose):
    """Computes the transpose of a convolution of volumes; see :class:`ConvTranspose` for the arguments."""

    rank = 3
    __init__ = with_defaults(ConvTranspose.__init__, strides=(1, 1, 1))


conv3d_transpose = layer_function(Conv3DTranspose)
