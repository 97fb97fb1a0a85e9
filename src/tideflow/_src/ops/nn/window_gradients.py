"""Gradients of convolutions and poolings, which are the same for any number of dimensions of space.

A convolution is linear in its input and in its filter, so it and its two gradients are each other's gradients. So are
an average pooling and its gradient; and a maximum pooling's gradient and the gradient of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.runtime.op import Op


def _reader(names: Sequence[str]) -> Callable[[Any], dict[str, Any]]:
    def attributes(call: Any) -> dict[str, Any]:
        return {name: call.attr(name) for name in names}

    return attributes


def differentiate_convolution(convolve: Op, of_input: Op, of_filter: Op, attributes: Sequence[str]) -> None:
    """Registers the gradients of a convolution and of its two gradients.

    Args:
      convolve: the convolution, of an input and a filter.
      of_input: its gradient of the input, given the input's shape, the filter and the gradient of the result.
      of_filter: its gradient of the filter, given the input, the filter's shape and the gradient of the result.
      attributes: the names of the attributes that they share.
    """
    window = _reader(attributes)

    @convolve.gradient
    def gradient(call: Any, dy: Any) -> Any:
        input, filter = call.inputs
        shared = window(call)
        return of_input(shape_of(input), filter, dy, **shared), of_filter(input, shape_of(filter), dy, **shared)

    differentiate_input_gradient(of_input, convolve, of_filter, attributes)
    differentiate_filter_gradient(of_filter, convolve, of_input, attributes)


def differentiate_input_gradient(of_input: Op, convolve: Op, of_filter: Op, attributes: Sequence[str]) -> None:
    """Registers the gradient of a convolution's gradient of its input.

    Args:
      of_input: the operation. Its first input is the shape of the convolution's input, or a tensor of that shape.
      convolve, of_filter, attributes: as of :func:`differentiate_convolution`.
    """
    window = _reader(attributes)

    @of_input.gradient
    def gradient(call: Any, dy: Any) -> Any:
        _, filter, out_backprop = call.inputs
        shared = window(call)
        of_the_filter = of_filter(dy, shape_of(filter), out_backprop, **shared)
        return _of_sizes(call, 0), of_the_filter, convolve(dy, filter, **shared)


def differentiate_filter_gradient(of_filter: Op, convolve: Op, of_input: Op, attributes: Sequence[str]) -> None:
    """Registers the gradient of a convolution's gradient of its filter; see :func:`differentiate_input_gradient`."""
    window = _reader(attributes)

    @of_filter.gradient
    def gradient(call: Any, dy: Any) -> Any:
        input, _, out_backprop = call.inputs
        shared = window(call)
        of_the_input = of_input(shape_of(input), dy, out_backprop, **shared)
        return of_the_input, _of_sizes(call, 1), convolve(input, dy, **shared)


def _of_sizes(call: Any, place: int) -> Any:
    """Returns the gradient of an input of which only the shape counts: there is none if it is a shape itself."""
    return None if call.op_def.inputs[place].is_static else raw.ZerosLike(call.inputs[place])


def differentiate_average(pool: Op, of_input: Op, attributes: Sequence[str]) -> None:
    """Registers the gradients of an average pooling and of its gradient, given the input's shape and a gradient."""
    window = _reader(attributes)

    @pool.gradient
    def gradient(call: Any, dy: Any) -> Any:
        return of_input(shape_of(call.inputs[0]), dy, **window(call))

    @of_input.gradient
    def second_gradient(call: Any, dy: Any) -> Any:
        return None, pool(dy, **window(call))


def differentiate_maximum(
    pool: Op, of_input: Op, of_gradient: Op, attributes: Sequence[str], only_first: Sequence[str] = ()
) -> None:
    """Registers the gradients of a maximum pooling, of its gradient, and of the gradient of that.

    Args:
      pool: the pooling, of an input.
      of_input: its gradient, given the input, the result and the gradient of the result.
      of_gradient: the gradient of that, given the input, the result and the gradient of the gradient.
      attributes: the names of the attributes that they share; what describes the windows may also be the last inputs
        of all three.
      only_first: the names of attributes that the first two share.
    """
    first_window, window = _reader((*attributes, *only_first)), _reader(attributes)

    @pool.gradient
    def gradient(call: Any, dy: Any) -> Any:
        input, *windows = call.inputs
        return of_input(input, call.outputs[0], dy, *windows, **first_window(call)), *(None for _ in windows)

    def differentiate_by(operation: Op, other: Op) -> None:
        @operation.gradient
        def second_gradient(call: Any, dy: Any) -> Any:
            input, pooled, _, *windows = call.inputs
            found = other(input, pooled, dy, *windows, **window(call))
            return raw.ZerosLike(input), raw.ZerosLike(pooled), found, *(None for _ in windows)

    differentiate_by(of_input, of_gradient)
    differentiate_by(of_gradient, of_input)
