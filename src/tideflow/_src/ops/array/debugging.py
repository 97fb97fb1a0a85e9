"""Operations that TensorFlow's debuggers put into graphs: they pass tensors on, or tell what is in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType, as_dtype
from tideflow._src.core.errors import InvalidArgumentError, UnimplementedError
from tideflow._src.graph.op_def import default
from tideflow._src.runtime.op import op


@op("DebugGradientIdentity", "input: T -> output: T", tier="host", allows_uninitialized=True)
def debug_gradient_identity_op(input):
    """Passes a tensor on; a debugger watches its gradient."""
    return input


@op("DebugIdentityV2", "input: T -> output: T", tier="host", stateful=True)
def debug_identity_v2_op(
    input,
    *,
    tfdbg_context_id: str = "",
    op_name: str = "",
    output_slot: int = -1,
    tensor_debug_mode: int = -1,
    debug_urls: list[str] = [],  # noqa: B006
    circular_buffer_size: int = 1000,
    tfdbg_run_id: str = "",
):
    """Passes a tensor on; there is no debugger to write to here, so that URLs are refused."""
    del tfdbg_context_id, op_name, output_slot, tensor_debug_mode, circular_buffer_size, tfdbg_run_id
    if debug_urls:
        raise UnimplementedError(None, None, f"Debug URLs are not supported, but debug_urls is {list(debug_urls)}")
    return input


def _check_watched(tensor_name: str, debug_urls: list[str]) -> None:
    """Checks the attributes that say what is watched, and where that is written.

    Raises:
      InvalidArgumentError: the name is not that of a tensor.
      UnimplementedError: there is a place to write to.
    """
    name, _, slot = tensor_name.partition(":")
    if not name or (slot and not slot.isdecimal()):
        raise InvalidArgumentError(None, None, f'Failed to parse tensor name: "{tensor_name}"')
    if debug_urls:
        raise UnimplementedError(None, None, f"Debug URLs are not supported, but debug_urls is {list(debug_urls)}")


@op("DebugIdentity", "input: T -> output: T", tier="host", allows_uninitialized=True)
def debug_identity_op(
    input,
    *,
    device_name: str = "",
    tensor_name: str = "",
    debug_urls: list[str] = [],  # noqa: B006
    gated_grpc: bool = False,
):
    """Passes a tensor on; there is no debugger to write to here, so that URLs are refused."""
    del device_name, gated_grpc
    _check_watched(tensor_name, debug_urls)
    return input


@op("DebugIdentityV3", "input: T -> output: T", tier="host", stateful=True)
def debug_identity_v3_op(
    input,
    *,
    device_name: str = "",
    tensor_name: str = "",
    io_of_node: str = "",
    is_input: bool = False,
    io_index: int = -1,
    debug_urls: list[str] = [],  # noqa: B006
    gated_grpc: bool = False,
):
    """Passes an input or output of a node on; URLs to write it to are refused."""
    del device_name, io_of_node, is_input, io_index, gated_grpc
    _check_watched(tensor_name, debug_urls)
    return input


def _watched_samples(s: Any) -> Any:
    for dtype in ("float", "int32", "string", "bool"):
        yield s(s.array((2, 3), dtype), tensor_name="a:0", gradient=False)
    yield s(s.normal(2), tensor_name="a", gradient=False)
    yield s(s.normal(2), error="InvalidArgumentError")


for _operation in (debug_identity_op, debug_identity_v3_op):
    _operation.shape(lambda input, **_: input)
    _operation.samples(_watched_samples)
    _operation.differentiable = "missing"


@op("DebugNanCount", "input: T -> output: int64", tier="host", differentiable="missing", allows_uninitialized=True)
def debug_nan_count_op(
    input,
    *,
    device_name: str = "",
    tensor_name: str = "",
    debug_urls: list[str] = [],  # noqa: B006
    gated_grpc: bool = False,
):
    """Counts the elements that are not numbers; the count is a vector of one element."""
    del device_name, gated_grpc
    _check_watched(tensor_name, debug_urls)
    return np.array([0 if input is None else int(np.isnan(_as_numbers(input)).sum())], np.int64)


def _as_numbers(input: Any) -> Any:
    if input.dtype.kind not in "biuf" and input.dtype.names is None and input.dtype.itemsize != 2:
        raise InvalidArgumentError(None, None, f"input must be numbers, but is {input.dtype.name}")
    return input.astype(np.float64)


@debug_nan_count_op.shape
def _debug_nan_count_shape(input):
    return (1,)


@debug_nan_count_op.samples
def _debug_nan_count_samples(s):
    yield s(s.special(), tensor_name="a:0")
    yield s(s.integers(0, 9, (2, 3)), tensor_name="a:0")
    yield s(s.empty(0), tensor_name="a:0")
    yield s(s.normal(2), error="InvalidArgumentError")


@op(
    "DebugNumericSummary", "input: T -> output: float64", tier="host", differentiable="missing",
    allows_uninitialized=True,
)  # fmt: skip
def debug_numeric_summary_op(
    input,
    *,
    device_name: str = "",
    tensor_name: str = "",
    debug_urls: list[str] = [],  # noqa: B006
    lower_bound: float = float("-inf"),
    upper_bound: float = float("inf"),
    mute_if_healthy: bool = False,
    gated_grpc: bool = False,
):
    """Tells in a vector what a tensor holds.

    Its elements are: whether the tensor is initialized; how many elements it has; how many are NaN, at or below the
    lower bound, negative, zero, positive, at or above the upper bound; least, greatest, mean and variance of those that
    are finite; the number of its dtype, its rank, and its shape.
    """
    del device_name, mute_if_healthy, gated_grpc
    _check_watched(tensor_name, debug_urls)
    if input is None:
        return np.zeros(14, np.float64)
    values = _as_numbers(input)
    missing = np.isnan(values)
    # Bounds that are infinite, on whichever side, are none.
    low = values == -np.inf if np.isinf(lower_bound) else ~missing & (values <= lower_bound)
    high = ~low & (values == np.inf if np.isinf(upper_bound) else ~missing & (values >= upper_bound))
    within = ~(missing | low | high)
    counts = [missing, low, within & (values < 0), within & (values == 0), within & (values > 0), high]
    finite = values[np.isfinite(values)]
    if finite.size:
        mean = finite.mean()
        numbers = [finite.min(), finite.max(), mean, np.square(finite - mean).mean()]
    else:
        numbers = [np.inf, -np.inf, np.nan, np.nan]
    parts = [1, values.size, *(int(item.sum()) for item in counts), *numbers, _number_of(input.dtype), input.ndim]
    return np.array([*parts, *input.shape], np.float64)


@debug_numeric_summary_op.shape
def _debug_numeric_summary_shape(input):
    return None if input is None else (14 + len(input),)


@debug_numeric_summary_op.samples
def _debug_numeric_summary_samples(s):
    yield s(s.special(), tensor_name="a:0")
    yield s(s.normal(2, 3), tensor_name="a:0", lower_bound=-0.5, upper_bound=0.5)
    yield s(s.normal(2, 3, dtype="double"), tensor_name="a:0", lower_bound=0.5, upper_bound=-0.5)
    for dtype in ("int32", "uint8", "bool", "int64"):
        yield s(s.array((2, 3), dtype), tensor_name="a:0")
    yield s(np.float32(3.0), tensor_name="a:0", mute_if_healthy=True)
    yield s(s.empty(0), tensor_name="a:0")
    yield s(s.normal(2), error="InvalidArgumentError")


@op("DebugGradientRefIdentity", "input: Ref(T) -> output: Ref(T)", tier="host", allows_uninitialized=True)
def debug_gradient_ref_identity_op(input):
    """Passes a reference on; a debugger watches its gradient."""
    return input


debug_gradient_ref_identity_op.shape(lambda input: input)
debug_gradient_ref_identity_op.gradient(lambda call, dy: dy)


@debug_gradient_ref_identity_op.samples
def _debug_gradient_ref_identity_samples(s):
    yield s(s.reference(s.normal(2, 3)))
    yield s(s.reference(s.array((2,), "int32")))


def _passes(s: Any) -> Any:
    for dtype in ("float", "int32", "string", "bool"):
        yield s(s.array((2, 3), dtype))


for _operation in (debug_gradient_identity_op, debug_identity_v2_op):
    _operation.shape(lambda input, **_: input)
    _operation.samples(_passes)
    _operation.gradient(lambda call, dy: dy)


@op(
    "DebugNumericSummaryV2",
    "input: T -> output: output_dtype",
    tier="host",
    output_dtype=default("float", ("float", "double")),
    differentiable="missing",
)
def debug_numeric_summary_v2_op(input, *, output_dtype: DType, tensor_debug_mode: int = -1, tensor_id: int = -1):
    """Tells in a few numbers what a tensor holds: how many elements are infinite, NaN, negative, zero, positive.

    The modes are TensorFlow's: 2 whether any is infinite or NaN; 3 how many; 4 their kinds; 5 the shape; 8 the
    infinities and NaN that occur.
    """
    if input.dtype.kind not in "biuf" and input.dtype.names is None and input.dtype.itemsize != 2:
        raise InvalidArgumentError(None, None, f"input must be numbers, but is {input.dtype.name}")
    if output_dtype.name == "float32" and abs(tensor_id) > 1 << 24:
        raise InvalidArgumentError(
            None, None, f"tensor_id must be less than {1 << 24} to be a float32 without loss, but is {tensor_id}"
        )
    kind = input.dtype.kind
    values = input.astype(np.float64) if kind != "f" else input
    below, above, missing = values == -np.inf, values == np.inf, np.isnan(values)
    counts = [int(item.sum()) for item in (below, above, missing)]
    if tensor_debug_mode == 2:
        result = [tensor_id, float(any(counts))]
    elif tensor_debug_mode == 3:
        result = [tensor_id, input.size, *counts]
    elif tensor_debug_mode == 4:
        finite = np.isfinite(values)
        kinds = [int((finite & item).sum()) for item in (values < 0, values == 0, values > 0)]
        number = _number_of(input.dtype)
        result = [tensor_id, -1, number, input.ndim, input.size, *counts, *kinds]
    elif tensor_debug_mode == 5:
        sizes = list(input.shape)[-6:] if input.ndim > 6 else [*input.shape, *([0] * (6 - input.ndim))]
        result = [tensor_id, _number_of(input.dtype), input.ndim, input.size, *sizes]
    elif tensor_debug_mode == 8:
        signs = -np.inf, np.inf, np.nan
        result = [sign if count else 0.0 for sign, count in zip(signs, counts, strict=True)]
    else:
        raise UnimplementedError(None, None, f"Unimplemented tensor debug mode: {tensor_debug_mode}")
    return np.array(result, output_dtype.as_numpy_dtype)


def _number_of(dtype: Any) -> int:
    return int(as_dtype(dtype).as_datatype_enum)


@debug_numeric_summary_v2_op.shape
def _debug_numeric_summary_v2_shape(input, *, tensor_debug_mode):
    length = {2: 2, 3: 5, 4: 11, 5: 10, 8: 3}.get(tensor_debug_mode)
    return None if length is None else (length,)


@debug_numeric_summary_v2_op.samples
def _debug_numeric_summary_v2_samples(s):
    for mode in (2, 3, 4, 5, 8):
        yield s(s.special(), tensor_debug_mode=mode, tensor_id=7)
        yield s(s.normal(2, 3, dtype="double"), tensor_debug_mode=mode, output_dtype="double")
    yield s(s.normal(2), tensor_debug_mode=1, error="UnimplementedError")
