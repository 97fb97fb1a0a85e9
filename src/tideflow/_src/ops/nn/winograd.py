"""Winograd's convolutions in compiled programs: fewer products for windows of 3×3 and 5×5 that move by one.

Cook and Toom's way to multiply polynomials gives m neighbouring results of a window of r elements with m + r - 1
products, where m · r are usual; along both dimensions, for tiles of 4×4 results, with 36 products in place of 144
(r = 3) or 64 in place of 400 (r = 5). See Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
Input, filter and gradient are transformed by small constant matrices; what is left is one product of matrices for each
of the 36 or 64 places of a tile.

It is less exact. Errors against float64, relative to the root of the mean square of the results, for normal data:

====================  ===================  =================  ======================  =================
window                root of mean square  (plain float32)    largest                 (plain float32)
====================  ===================  =================  ======================  =================
3×3                   0.7 to 2.0e-6        2.1 to 3.0e-7      1.0 to 2.7e-5           1.6 to 4.3e-6
3×3, of the filter    0.8 to 1.9e-6        2.4 to 3.3e-7      0.9 to 1.3e-5           1.2 to 1.6e-6
5×5                   2.8 to 3.5e-6                           3 to 5e-5
5×5, of the filter    5.1 to 5.3e-6                           4 to 6e-5
====================  ===================  =================  ======================  =================

So it is used for float32 only, and only where shapes say that it takes four fifths of the direct way's time or less.
A value that is not finite makes all results of its tiles not a number.
``tf.config.experimental.enable_tensor_float_32_execution(False)``, ``enable_op_determinism()`` and
``TIDEFLOW_WINOGRAD=never`` turn it off in what is compiled afterwards.

Milliseconds on two cores without AVX-512, direct and so, in order: convolution, input gradient, filter gradient.

==================================  ===========  ===========  ===========
batch, size, channels, window       forward      of input     of filter
==================================  ===========  ===========  ===========
8, 28, 128 to 128, 3×3              14.7, 7.4    15.3, 7.4    17.9, 10.4
16, 56, 128 to 128, 3×3             97.5, 64.5   96.9, 65.1   116, 88
8, 14, 256 to 256, 3×3              15.1, 10.7   17.1, 12.3   15.8, 12.0
8, 28, 64 to 64, 5×5                11.2, 4.1    11.1, 4.3    12.2, 8.3
16, 28, 64 to 64, 3×3 (not chosen)  6.4, 5.3     6.8, 5.1     9.0, 7.6
8, 7, 512 to 512, 3×3 (not chosen)  13.5, 19.4   18.9, 31.7   13.3, 14.0
==================================  ===========  ===========  ===========
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.ops.nn.convolution_plan import Convolution
from tideflow._src.ops.nn.windows import load_jax
from tideflow._src.runtime import device_options, seed_rules

Array = Any

#: Results of a tile along each dimension.
_TILE = 4
#: Where the polynomials are evaluated, beside infinity, for each length of the window; these make small errors.
_POINTS = {
    3: (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-2)),
    5: (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-2), Fraction(1, 2), Fraction(-1, 2)),
}


class _Costs(NamedTuple):
    """Is what a convolution costs, in nanoseconds, on two cores: the larger share of two processors' figures, an EPYC
    of 2021 (AVX2) and a Xeon of 2023 (AVX-512).

    Attributes:
      direct: a multiplication with its addition, done directly.
      product: the same in the products between the transforms.
      transform: the transforms for each channel of a result; for places of 6×6.
      filter: the transform of the filter for each pair of channels; for places of 6×6.
    """

    direct: float
    product: float
    transform: float
    filter: float


#: Of a convolution or input gradient, and of a filter gradient.
_FORWARD, _FILTER = _Costs(0.0069, 0.0075, 1.2, 20.0), _Costs(0.0118, 0.0129, 1.8, 20.0)
#: What it may take of the direct way's time; and the bytes of a transformed input beyond which memory takes what is
#: saved.
_WORTH, _MOST_BYTES = 0.8, 1 << 27


def is_allowed() -> bool:
    """Tells whether the options of the program and the environment leave room for smaller exactness.

    Raises:
      ValueError: ``TIDEFLOW_WINOGRAD`` is neither ``auto`` nor ``never``.
    """
    chosen = os.environ.get("TIDEFLOW_WINOGRAD", "auto")
    if chosen not in ("auto", "never"):
        raise ValueError(f"TIDEFLOW_WINOGRAD is {chosen!r}, not one of auto, never.")
    exact = seed_rules.determinism.enabled or not device_options.tensor_float_32_execution_enabled()
    return chosen == "auto" and not exact


def pays(call: Convolution, dtype: Any) -> bool:
    """Tells from shapes alone whether a convolution or its input gradient is done so."""
    return _pays(call, dtype, _FORWARD)


def pays_for_filter(call: Convolution, dtype: Any) -> bool:
    """Tells from shapes alone whether the gradient of the filter is computed so."""
    return _pays(call, dtype, _FILTER)


def _pays(call: Convolution, dtype: Any, costs: _Costs) -> bool:
    regular = (
        np.dtype(dtype) == np.float32
        and call.groups == 1
        and len(call.axes) == 2
        and all(axis.window == call.axes[0].window and axis.stride == axis.dilation == 1 for axis in call.axes)
        and call.axes[0].window in _POINTS
    )
    if not regular or call.empty or not is_allowed():
        return False
    window, places = call.axes[0].window, (_TILE + call.axes[0].window - 1) ** 2
    tiles = call.batch * _tiles(call.axes[0].output) * _tiles(call.axes[1].output)
    pairs = call.channels * call.outputs
    direct = call.batch * call.axes[0].output * call.axes[1].output * window**2 * pairs * costs.direct
    # A transform goes over the inputs and over the places of every tile.
    moved = tiles * _TILE**2 * (call.channels + call.outputs) * costs.transform + pairs * costs.filter
    return (
        tiles * places * pairs * costs.product + moved * places / 36 <= _WORTH * direct
        and 4 * tiles * places * max(call.channels, call.outputs) <= _MOST_BYTES
    )


def convolve(call: Convolution, x: Array, filter: Array) -> Array:
    """Convolves images with a filter; all is as in :func:`.convolution_xla.convolve_xla`."""
    return _correlate(x, filter, [axis.before for axis in call.axes], call.places, transposed=False)


def input_gradient(call: Convolution, filter: Array, out_backprop: Array) -> Array:
    """Returns the gradient of the images."""
    reversed_filter = load_jax().lax.rev(filter, (0, 1))
    before, sizes = [axis.transposed[0] for axis in call.axes], [axis.size for axis in call.axes]
    return _correlate(out_backprop, reversed_filter, before, sizes, transposed=True)


def filter_gradient(call: Convolution, x: Array, out_backprop: Array) -> Array:
    """Returns the gradient of the filter."""
    lax = load_jax().lax
    window = call.axes[0].window
    results, filters, inputs = _matrices(window)
    of_x = _transformed_input(x, inputs, [axis.before for axis in call.axes], call.places)
    of_gradient = _transformed_gradient(out_backprop, results)
    products = lax.dot_general(of_x, of_gradient, (((1,), (1,)), ((0,), (0,))))
    length = len(filters)
    products = lax.optimization_barrier(products).reshape(length, length, call.channels, call.outputs)
    return _along_both(filters.T, products)


def _tiles(places: int) -> int:
    return -(-places // _TILE)


def _correlate(x: Array, filter: Array, before: Sequence[int], places: Sequence[int], *, transposed: bool) -> Array:
    """Returns the sums of products of a filter with the windows that begin ``before`` elements before ``x``.

    The channels of ``x`` are the first of the filter, those of the result the second; transposed, the other way round.
    """
    lax = load_jax().lax
    window, outputs = filter.shape[0], filter.shape[2 if transposed else 3]
    results, filters, inputs = _matrices(window)
    of_filter = _along_both(filters, filter).reshape(-1, *filter.shape[2:])
    of_x = _transformed_input(x, inputs, before, places)
    products = lax.optimization_barrier(
        lax.dot_general(of_x, of_filter, (((2,), (2 if transposed else 1,)), ((0,), (0,))))
    )
    rows, columns = map(_tiles, places)
    length = results.shape[1]
    tiles = products.reshape(length, length, x.shape[0], rows, columns, outputs)
    tiles = _stacked(results, list(tiles), 3)
    tiles = _stacked(results, [tiles[index] for index in range(length)], 4)
    images = tiles.reshape(x.shape[0], rows * _TILE, columns * _TILE, outputs)
    return images[:, : places[0], : places[1]]


def _transformed_input(x: Array, matrix: np.ndarray, before: Sequence[int], places: Sequence[int]) -> Array:
    """Returns images as the products need them: shape (places of a tile, tiles, channels)."""
    lax = load_jax().lax
    length = len(matrix)
    config = [(0, 0, 0)]
    for size, low, count in zip(x.shape[1:3], before, places, strict=True):
        config.append((low, _tiles(count) * _TILE + length - _TILE - low - size, 0))
    padded = lax.optimization_barrier(lax.pad(x, np.zeros((), x.dtype), [*config, (0, 0, 0)]))
    rows, columns = ((_tiles(count) - 1) * _TILE + 1 for count in places)
    parts = _stacked(matrix, [padded[:, index : index + rows : _TILE] for index in range(length)], 0)
    parts = _stacked(matrix, [parts[:, :, :, index : index + columns : _TILE] for index in range(length)], 1)
    return parts.reshape(length**2, -1, x.shape[-1])


def _transformed_gradient(gradient: Array, matrix: np.ndarray) -> Array:
    """Returns gradients of tiles as the products need them: shape (places of a tile, tiles, channels)."""
    lax = load_jax().lax
    batch, *sizes, channels = gradient.shape
    rows, columns = map(_tiles, sizes)
    config = [(0, count * _TILE - size, 0) for count, size in zip((rows, columns), sizes, strict=True)]
    if any(high for _, high, _ in config):
        gradient = lax.pad(gradient, np.zeros((), gradient.dtype), [(0, 0, 0), *config, (0, 0, 0)])
    tiles = lax.optimization_barrier(gradient).reshape(batch, rows, _TILE, columns, _TILE, channels)
    parts = _stacked(matrix.T, [tiles[:, :, index] for index in range(_TILE)], 0)
    parts = _stacked(matrix.T, [parts[:, :, :, :, index] for index in range(_TILE)], 1)
    return parts.reshape(matrix.shape[1] ** 2, -1, channels)


def _stacked(matrix: np.ndarray, items: list[Array], axis: int) -> Array:
    """Stacks the sums of arrays that the rows of a matrix weigh, as a value of its own."""
    jax = load_jax()
    return jax.lax.optimization_barrier(jax.numpy.stack([_weighed(row, items) for row in matrix], axis))


def _weighed(weights: np.ndarray, items: list[Array]) -> Array:
    """Adds up arrays times weights, without multiplications by one and zero."""
    total: Array = None
    for weight, item in zip(weights, items, strict=True):
        if weight == 0:
            continue
        term = item if abs(weight) == 1 else item * abs(weight)
        if total is None:
            total = -term if weight < 0 else term
        else:
            total = total - term if weight < 0 else total + term
    return total


def _along_both(matrix: np.ndarray, x: Array) -> Array:
    """Transforms an array along its first two dimensions."""
    rows = _stacked(matrix, list(x), 0)
    return _stacked(matrix, [rows[:, index] for index in range(matrix.shape[1])], 1)


@functools.cache
def _matrices(window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what transforms products to results, a filter, and the input, along one dimension.

    With points p_j: results[i, j] = p_j^i, filters[j, k] = p_j^k / f_j where f_j is the product of p_j - p_l over the
    other points l, and a row of the inputs holds the coefficients of the product of x - p_l; at infinity all of them
    keep the highest power.
    """
    points, length = _POINTS[window], _TILE + window - 1
    scales = [functools.reduce(lambda a, b: a * b, [p - q for q in points if q != p]) for p in points]
    results = [[p**power for p in points] + [Fraction(power == _TILE - 1)] for power in range(_TILE)]
    filters = [[p**power / scale for power in range(window)] for p, scale in zip(points, scales, strict=True)]
    filters.append([Fraction(power == window - 1) for power in range(window)])
    inputs = [_polynomial([q for q in points if q != p], length) for p in points] + [_polynomial(points, length)]
    return tuple(
        np.array([[float(item) for item in row] for row in rows], np.float32) for rows in (results, filters, inputs)
    )  # type: ignore[return-value]


def _polynomial(roots: Sequence[Fraction], length: int) -> list[Fraction]:
    """Returns the coefficients of the product of x - root, the lowest power first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted, scaled = [Fraction(0), *coefficients], [*(root * item for item in coefficients), Fraction(0)]
        coefficients = [a - b for a, b in zip(shifted, scaled, strict=True)]
    return coefficients + [Fraction(0)] * (length - len(coefficients))
