"""The kernels of pooling under the names of their operations.

Each has a *host* kernel (NumPy) and an *xla* kernel (traced by JAX). Arrays come in the order of TensorFlow's raw
operations; after them the attributes, as a :class:`.pooling_plan.Window`. Both layouts work everywhere: what comes with
the channels first is transposed.

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
from tideflow._src.ops.nn.pooling_plan import Pool, Window, check_gradient, depth_window, describe_pool
from tideflow._src.ops.nn.tiers import TieredKernel, pooling_work
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


def _max_pool(numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int) -> Callable[..., Array]:
    """Makes the public kernel of MaxPool, which pools over space or else, for images, groups of channels."""

    def max_pool(input: Array, window: Window) -> Array:
        ksize, strides, data_format = window.ksize, window.strides, window.data_format
        check_layout("MaxPool", data_format, rank)
        if (
            len(input.shape) == len(ksize) == len(strides) == rank == 4
            and channels_last_sizes(ksize, data_format)[3] > 1
        ):
            x = to_channels_last(input, data_format)
            depth = depth_window("MaxPool", ksize, strides, data_format, x.shape[3])
            result = x.reshape(*x.shape[:3], x.shape[3] // depth, depth).max(axis=4)
            return from_channels_last(result, data_format)
        return _pooled("MaxPool", numpy, kernel, rank, input, window)

    return named(max_pool, "MaxPool", kernel)


def _average_pool(numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int) -> Callable[..., Array]:
    """Makes the public kernel of AvgPool; padding does not count towards the average."""

    def avg_pool(value: Array, window: Window) -> Array:
        return _pooled("AvgPool", numpy, kernel, rank, value, window)

    return named(avg_pool, "AvgPool", kernel)


def _pooled(
    operation: str, numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int, x: Array, window: Window
) -> Array:
    pool = describe_pool(operation, x.shape, window, rank)
    if pool.empty:
        return from_channels_last(numpy().zeros(pool.output_shape, x.dtype), window.data_format)
    return from_channels_last(kernel(pool, to_channels_last(x, window.data_format)), window.data_format)


def _max_pool_gradient(
    numpy: _Namespace, kernel: Callable[[Pool, Array, Array], Array], rank: int, second: bool = False
) -> Callable[..., Array]:
    """Makes the public kernel of MaxPoolGrad or, with ``second``, of MaxPoolGradGrad."""
    operation = "MaxPoolGradGrad" if second else "MaxPoolGrad"

    def max_pool_grad(orig_input: Array, orig_output: Array, grad: Array, window: Window) -> Array:
        data_format = window.data_format
        pool = describe_pool(operation, orig_input.shape, window, rank)
        check_gradient(operation, "orig_output", orig_output.shape, pool.output_shape, data_format)
        expected = pool.input_shape if second else pool.output_shape
        check_gradient(operation, "grad", grad.shape, expected, data_format)
        if pool.empty:
            return numpy().zeros(orig_output.shape if second else orig_input.shape, grad.dtype)
        x, grad = to_channels_last(orig_input, data_format), to_channels_last(grad, data_format)
        return from_channels_last(kernel(pool, x, grad), data_format)

    return named(max_pool_grad, operation, kernel)


def _average_pool_gradient(
    numpy: _Namespace, kernel: Callable[[Pool, Array], Array], rank: int
) -> Callable[..., Array]:
    """Makes the public kernel of AvgPoolGrad."""

    def avg_pool_grad(orig_input_shape: Sequence[int], grad: Array, window: Window) -> Array:
        shape = tuple(int(size) for size in orig_input_shape)
        pool = describe_pool("AvgPoolGrad", shape, window, rank)
        check_gradient("AvgPoolGrad", "grad", grad.shape, pool.output_shape, window.data_format)
        if pool.empty:
            return numpy().zeros(shape, grad.dtype)
        return from_channels_last(kernel(pool, to_channels_last(grad, window.data_format)), window.data_format)

    return named(avg_pool_grad, "AvgPoolGrad", kernel)


def _max_pool_with_argmax(
    numpy: _Namespace,
    values: Callable[[Pool, Array], Array],
    first_maximum: Callable[[Array, Pool], Array],
) -> Callable[..., Any]:
    """Makes the public kernel of MaxPoolWithArgmax; its layout is NHWC."""

    def max_pool_with_argmax(
        input: Array, window: Window, *, Targmax: Any = np.int64, include_batch_in_index: bool = False
    ) -> tuple[Array, Array]:
        pool = describe_pool("MaxPoolWithArgmax", input.shape, window)
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


def _kernel(make: Callable[..., Any], host: Any, xla: Any, rank: int, **options: Any) -> TieredKernel:
    return TieredKernel(make(_numpy_host, host, rank, **options), make(_numpy_xla, xla, rank, **options), pooling_work)


max_pool, max_pool3d = (
    _kernel(_max_pool, pooling_host.max_pool_host, pooling_xla.max_pool_xla, rank) for rank in (4, 5)
)
max_pool_grad = _kernel(_max_pool_gradient, pooling_host.max_pool_gradient_host, pooling_xla.max_pool_gradient_xla, 4)
max_pool3d_grad = _kernel(
    _max_pool_gradient, pooling_host.max_pool3d_gradient_host, pooling_xla.max_pool3d_gradient_xla, 5
)
max_pool_grad_grad, max_pool3d_grad_grad = (
    _kernel(
        _max_pool_gradient,
        pooling_host.max_pool_gradient_gradient_host,
        pooling_xla.max_pool_gradient_gradient_xla,
        rank,
        second=True,
    )
    for rank in (4, 5)
)
avg_pool, avg_pool3d = (
    _kernel(_average_pool, pooling_host.average_pool_host, pooling_xla.average_pool_xla, rank) for rank in (4, 5)
)
avg_pool_grad, avg_pool3d_grad = (
    _kernel(
        _average_pool_gradient, pooling_host.average_pool_gradient_host, pooling_xla.average_pool_gradient_xla, rank
    )
    for rank in (4, 5)
)
max_pool_with_argmax = TieredKernel(
    _max_pool_with_argmax(_numpy_host, pooling_host.max_pool_host, pooling_host.first_maximum_host),
    _max_pool_with_argmax(_numpy_xla, pooling_xla.max_pool_xla, pooling_xla.first_maximum_xla),
    pooling_work,
)
