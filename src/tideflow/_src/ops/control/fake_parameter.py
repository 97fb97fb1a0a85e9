"""Defines ``FakeParam``: what a branch returns in the place of a value that only another branch has."""

from __future__ import annotations

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.graph.op_def import Shape
from tideflow._src.runtime import traced_list
from tideflow._src.runtime.absent import absent
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.list_value import TensorList, zeros_of
from tideflow._src.runtime.op import op


@op("FakeParam", "-> output: dtype", tier="host", differentiable=False)
def fake_parameter(*, dtype: DType, shape: Shape):
    """Gives a value that nothing reads: zeros, without elements where a dimension is not known."""
    if dtype is dtypes.variant:
        return TensorList(dtypes.variant)
    return zeros_of(dtype, [size or 0 for size in shape or ()])


@fake_parameter.xla
def _fake_parameter_xla(*, dtype, shape):
    if dtype is dtypes.variant:
        return absent(np.dtype(object), traced_list.empty(dtypes.variant, (), 0))
    if shape is None or None in shape:
        empty = jnp.zeros([size or 0 for size in shape or ()], dtype.as_numpy_dtype)
        return absent(np.dtype(dtype.as_numpy_dtype), empty)
    return jnp.zeros(shape, dtype.as_numpy_dtype)


@fake_parameter.shape
def _fake_parameter_shape(*, shape):
    return shape


@fake_parameter.samples
def _fake_parameter_samples(s):
    yield s(dtype="float32", shape=(2, 3))
    yield s(dtype="int32", shape=(None, 3))
    yield s(dtype="string", shape=())
