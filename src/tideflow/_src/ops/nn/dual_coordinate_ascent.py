"""Linear models that are trained by stochastic dual coordinate ascent (Shalev-Shwartz and Zhang, 2013)."""

from __future__ import annotations

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.strings.fingerprint128 import fingerprint128
from tideflow._src.runtime.op import op

_SMALLEST = 2


@op("SdcaFprint", "input: string -> output: int64", tier="host", differentiable="missing")
def sdca_fprint_op(input):
    """Computes fingerprints of 128 bits of the names of examples: two numbers each, the first of them not 0 or 1."""
    if input.ndim != 1:
        raise invalid_argument(f"Input must be a vector, got shape {list(input.shape)}")
    found = np.empty((input.size, 2), np.uint64)
    for row, item in zip(found, input, strict=True):
        low, high = fingerprint128(item)
        # Zero and one are what tables of examples mark places with.
        row[0] = low if low >= _SMALLEST else (low + 0xFFFFFFFFFFFFFFFE) & 0xFFFFFFFFFFFFFFFF
        row[1] = high
    return found.view(np.int64)


@sdca_fprint_op.shape
def _sdca_fprint_shape(input):
    if input is not None and len(input) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(input)}")
    return (None if input is None else input[0], 2)


@sdca_fprint_op.samples
def _sdca_fprint_samples(s):
    yield s(s.strings((9,)))
    yield s(np.array([bytes(range(length)) for length in range(0, 256, 5)], object))
    yield s(np.array([b"ab" * length for length in (63, 64, 65, 127, 128, 129, 200, 500)], object))
    yield s(np.zeros(0, object))
    yield s(s.strings((2, 2)), error="InvalidArgumentError")
    yield s(s.strings(()), error="InvalidArgumentError")
