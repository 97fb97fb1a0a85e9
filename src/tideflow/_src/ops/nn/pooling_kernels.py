"""The kernels of pooling under the names of their operations, for each tier.

An operation has a *host* kernel (NumPy) and an *xla* kernel (traced by JAX). Arguments carry the names and the order of
TensorFlow's raw operations; ``ksize`` and ``strides`` are lists with a number for each dimension. Both layouts work
everywhere: what comes with the channels first is transposed.

Where several elements of a window are equal, the first one in row-major order is the maximum, as in
TensorFlow. The gradients look for it in ``orig_input`` alone: ``orig_output`` may differ from it in the last
bit when a compiler fused its producer twice. Unlike TensorFlow's forward kernel on the CPU, which drops NaN,
a NaN reaches the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.ops.nn import pooling_host, pooling_xla
from tideflow._src.ops.nn.pooling_plan import Pool, check_gradient, depth_window, describe_pool
from tideflow._src.ops.nn.tiers import tiered
from tideflow._src.ops.nn.windows import (
    channels_last_sizes,
    check_layout,
    from_channels_last,
    load_jax,
    named,
    to_channels_last,
)

Array = Any

_Namespace = Callable[[], Any]


def _numpy_host() -> Any:
    return np


def _numpy_xla() -> Any:
    return load_jax().numpy


def _max_pool(numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int = 4) -> Callable[..., Array]:
    """Makes the public kernel of MaxPool, which pools rows and columns or else groups of channels."""

    def max_pool(
        input: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
    ) -> Array:
        check_layout("MaxPool", data_format, rank)
        if (
            len(input.shape) == len(ksize) == len(strides) == rank == 4
            and channels_last_sizes(ksize, data_format)[3] > 1
        ):
            x = to_channels_last(input, data_format)
            depth = depth_window("MaxPool", ksize, strides, data_format, x.shape[3])
            result = x.reshape(*x.shape[:3], x.shape[3] // depth, depth).max(axis=4)
            return from_channels_last(result, data_format)
        pool = describe_pool("MaxPool", input.shape, ksize, strides, padding, explicit_paddings, data_format, rank)
        if pool.empty:
            return from_channels_last(numpy().zeros(pool.output_shape, input.dtype), data_format)
        return from_channels_last(kernel(pool, to_channels_last(input, data_format)), data_format)

    return named(max_pool, "MaxPool", kernel)


def _max_pool_gradient(
    numpy: _Namespace, kernel: Callable[[Pool, Array, Array], Array], rank: int = 4
) -> Callable[..., Array]:
    """Makes the public kernel of MaxPoolGrad."""

    def max_pool_grad(
        orig_input: Array,
        orig_output: Array,
        grad: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
    ) -> Array:
        pool = describe_pool(
            "MaxPoolGrad", orig_input.shape, ksize, strides, padding, explicit_paddings, data_format, rank
        )
        check_gradient("MaxPoolGrad", "orig_output", orig_output.shape, pool.output_shape, data_format)
        check_gradient("MaxPoolGrad", "grad", grad.shape, pool.output_shape, data_format)
        if pool.empty:
            return numpy().zeros(orig_input.shape, grad.dtype)
        x, grad = to_channels_last(orig_input, data_format), to_channels_last(grad, data_format)
        return from_channels_last(kernel(pool, x, grad), data_format)

    return named(max_pool_grad, "MaxPoolGrad", kernel)


def _max_pool_gradient_gradient(
    numpy: _Namespace, kernel: Callable[[Pool, Array, Array], Array], rank: int = 4
) -> Callable[..., Array]:
    """Makes the public kernel of MaxPoolGradGrad."""

    def max_pool_grad_grad(
        orig_input: Array,
        orig_output: Array,
        grad: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        data_format: str = "NHWC",
    ) -> Array:
        pool = describe_pool("MaxPoolGradGrad", orig_input.shape, ksize, strides, padding, (), data_format, rank)
        check_gradient("MaxPoolGradGrad", "orig_output", orig_output.shape, pool.output_shape, data_format)
        check_gradient("MaxPoolGradGrad", "grad", grad.shape, pool.input_shape, data_format)
        if pool.empty:
            return numpy().zeros(orig_output.shape, grad.dtype)
        x, grad = to_channels_last(orig_input, data_format), to_channels_last(grad, data_format)
        return from_channels_last(kernel(pool, x, grad), data_format)

    return named(max_pool_grad_grad, "MaxPoolGradGrad", kernel)


def _max_pool_with_argmax(
    numpy: _Namespace,
    values: Callable[[Pool, Array], Array],
    first_maximum: Callable[[Array, Pool], Array],
) -> Callable[..., Any]:
    """Makes the public kernel of MaxPoolWithArgmax; its layout is NHWC."""

    def max_pool_with_argmax(
        input: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        Targmax: Any = np.int64,
        include_batch_in_index: bool = False,
    ) -> tuple[Array, Array]:
        pool = describe_pool("MaxPoolWithArgmax", input.shape, ksize, strides, padding, (), "NHWC")
        if pool.empty:
            return numpy().zeros(pool.output_shape, input.dtype), numpy().zeros(pool.output_shape, Targmax)
        rows, columns = pool.axes
        tap = first_maximum(input, pool).astype(np.int64)
        row = tap // columns.window + (np.arange(rows.output) * rows.stride - rows.before)[:, None, None]
        column = tap % columns.window + (np.arange(columns.output) * columns.stride - columns.before)[:, None]
        flat = (row * columns.size + column) * pool.channels + np.arange(pool.channels)
        if include_batch_in_index:
            flat = flat + (np.arange(pool.batch) * int(np.prod(pool.input_shape[1:])))[:, None, None, None]
        return values(pool, input), flat.astype(Targmax)

    return named(max_pool_with_argmax, "MaxPoolWithArgmax", values)


def _average_pool(numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int = 4) -> Callable[..., Array]:
    """Makes the public kernel of AvgPool; padding does not count towards the average."""

    def avg_pool(
        value: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NHWC"
    ) -> Array:
        pool = describe_pool("AvgPool", value.shape, ksize, strides, padding, (), data_format, rank)
        if pool.empty:
            return from_channels_last(numpy().zeros(pool.output_shape, value.dtype), data_format)
        return from_channels_last(kernel(pool, to_channels_last(value, data_format)), data_format)

    return named(avg_pool, "AvgPool", kernel)


def _average_pool_gradient(
    numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int = 4
) -> Callable[..., Array]:
    """Makes the public kernel of AvgPoolGrad."""

    def avg_pool_grad(
        orig_input_shape: Sequence[int],
        grad: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        data_format: str = "NHWC",
    ) -> Array:
        shape = tuple(int(size) for size in orig_input_shape)
        pool = describe_pool("AvgPoolGrad", shape, ksize, strides, padding, (), data_format, rank)
        check_gradient("AvgPoolGrad", "grad", grad.shape, pool.output_shape, data_format)
        if pool.empty:
            return numpy().zeros(shape, grad.dtype)
        return from_channels_last(kernel(pool, to_channels_last(grad, data_format)), data_format)

    return named(avg_pool_grad, "AvgPoolGrad", kernel)


max_pool_host = _max_pool(_numpy_host, pooling_host.max_pool_host)
max_pool_xla = _max_pool(_numpy_xla, pooling_xla.max_pool_xla)
max_pool_grad_host = _max_pool_gradient(_numpy_host, pooling_host.max_pool_gradient_host)
max_pool_grad_xla = _max_pool_gradient(_numpy_xla, pooling_xla.max_pool_gradient_xla)
max_pool_grad_grad_host = _max_pool_gradient_gradient(_numpy_host, pooling_host.max_pool_gradient_gradient_host)
max_pool_grad_grad_xla = _max_pool_gradient_gradient(_numpy_xla, pooling_xla.max_pool_gradient_gradient_xla)
max_pool_with_argmax_host = _max_pool_with_argmax(
    _numpy_host, pooling_host.max_pool_host, pooling_host.first_maximum_host
)
max_pool_with_argmax_xla = _max_pool_with_argmax(_numpy_xla, pooling_xla.max_pool_xla, pooling_xla.first_maximum_xla)
avg_pool_host = _average_pool(_numpy_host, pooling_host.average_pool_host)
avg_pool_xla = _average_pool(_numpy_xla, pooling_xla.average_pool_xla)
avg_pool_grad_host = _average_pool_gradient(_numpy_host, pooling_host.average_pool_gradient_host)
avg_pool_grad_xla = _average_pool_gradient(_numpy_xla, pooling_xla.average_pool_gradient_xla)

max_pool3d_host = _max_pool(_numpy_host, pooling_host.max_pool_host, 5)
max_pool3d_xla = _max_pool(_numpy_xla, pooling_xla.max_pool_xla, 5)
max_pool3d_grad_host = _max_pool_gradient(_numpy_host, pooling_host.max_pool3d_gradient_host, 5)
max_pool3d_grad_xla = _max_pool_gradient(_numpy_xla, pooling_xla.max_pool3d_gradient_xla, 5)
max_pool3d_grad_grad_host = _max_pool_gradient_gradient(_numpy_host, pooling_host.max_pool_gradient_gradient_host, 5)
max_pool3d_grad_grad_xla = _max_pool_gradient_gradient(_numpy_xla, pooling_xla.max_pool_gradient_gradient_xla, 5)
avg_pool3d_host = _average_pool(_numpy_host, pooling_host.average_pool_host, 5)
avg_pool3d_xla = _average_pool(_numpy_xla, pooling_xla.average_pool_xla, 5)
avg_pool3d_grad_host = _average_pool_gradient(_numpy_host, pooling_host.average_pool_gradient_host, 5)
avg_pool3d_grad_xla = _average_pool_gradient(_numpy_xla, pooling_xla.average_pool_gradient_xla, 5)

# What eager calls run: either of the two.
max_pool_eager = tiered(max_pool_host, max_pool_xla)
max_pool_grad_eager = tiered(max_pool_grad_host, max_pool_grad_xla)
max_pool_grad_grad_eager = tiered(max_pool_grad_grad_host, max_pool_grad_grad_xla)
max_pool_with_argmax_eager = tiered(max_pool_with_argmax_host, max_pool_with_argmax_xla)
avg_pool_eager = tiered(avg_pool_host, avg_pool_xla)
avg_pool_grad_eager = tiered(avg_pool_grad_host, avg_pool_grad_xla)
max_pool3d_eager = tiered(max_pool3d_host, max_pool3d_xla)
max_pool3d_grad_eager = tiered(max_pool3d_grad_host, max_pool3d_grad_xla)
max_pool3d_grad_grad_eager = tiered(max_pool3d_grad_grad_host, max_pool3d_grad_grad_xla)
avg_pool3d_eager = tiered(avg_pool3d_host, avg_pool3d_xla)
avg_pool3d_grad_eager = tiered(avg_pool3d_grad_host, avg_pool3d_grad_xla)
