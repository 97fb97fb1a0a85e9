"""Operations that pass a tensor on if it is as expected: finite numbers, a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.op_def import Shape
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


@op("CheckNumerics", "tensor: T -> output: T", T=FLOATING, tier="host", stateful=True)
def check_numerics_op(tensor, *, message: str):
    """Passes a tensor on; fails if an element is infinite or NaN."""
    if not np.isfinite(tensor).all():
        found = [word for word, test in (("Inf", np.isinf(tensor).any()), ("NaN", np.isnan(tensor).any())) if test]
        raise InvalidArgumentError(None, None, f"{message} : Tensor had {' and '.join(found)} values")
    return tensor


@check_numerics_op.shape
def _check_numerics_shape(tensor):
    return tensor


@check_numerics_op.gradient
def _check_numerics_gradient(call, dy):
    message = call.attr("message")
    return check_numerics_op(dy, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {message}")


def _check_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), message="checked")
    yield s(s.empty(0, 2), message="")
    for bad in ([1, np.nan], [1, np.inf], [np.nan, -np.inf]):
        yield s(np.float32(bad), message="checked", error="InvalidArgumentError")


@check_numerics_op.samples
def _check_numerics_samples(s):
    yield from _check_samples(s)


@op("CheckNumericsV2", "tensor: T -> output: T", T=FLOATING, tier="host", stateful=True)
def check_numerics_v2_op(tensor, *, message: str):
    """Passes a tensor on; fails if an element is infinite (telling the sign) or NaN."""
    if not np.isfinite(tensor).all():
        infinite = np.isinf(tensor)
        tests = (
            ("-Inf", (infinite & (tensor < 0)).any()),
            ("+Inf", (infinite & (tensor > 0)).any()),
            ("NaN", np.isnan(tensor).any()),
        )
        found = [word for word, test in tests if test]
        listed = " and ".join(found) if len(found) < 3 else "-Inf, +Inf, and NaN"
        raise InvalidArgumentError(None, None, f"{message} : Tensor had {listed} values")
    return tensor


@check_numerics_v2_op.shape
def _check_numerics_v2_shape(tensor):
    return tensor


@check_numerics_v2_op.gradient
def _check_numerics_v2_gradient(call, dy):
    message = call.attr("message")
    return check_numerics_v2_op(
        dy, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {message}"
    )


@check_numerics_v2_op.samples
def _check_numerics_v2_samples(s):
    yield from _check_samples(s)


@op("EnsureShape", "input: T -> output: T")
def ensure_shape_op(xp, input, *, shape: Shape):
    """Passes a tensor on; fails if its shape is not compatible with ``shape``."""
    have = input.shape
    if shape is not None and (
        len(shape) != len(have)
        or any(want is not None and want != size for want, size in zip(shape, have, strict=True))
    ):
        raise InvalidArgumentError(
            None,
            None,
            f"Shape of tensor input {shape_text(have)} is not compatible with expected shape {shape_text(shape)}.",
        )
    return input


@ensure_shape_op.shape
def _ensure_shape_shape(input, *, shape):
    return TensorShape(input).merge_with(TensorShape(shape))._dims


@ensure_shape_op.gradient
def _ensure_shape_gradient(call, dy):
    return dy


@ensure_shape_op.samples
def _ensure_shape_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), shape=(2, None))
    yield s(s.normal(), shape=())
    yield s(s.normal(2), shape=(3,), error="InvalidArgumentError")


# Public functions.


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """Returns a tensor; fails if an element is infinite or NaN.

    Args:
      tensor: a floating-point tensor.
      message: the beginning of the error's message.
      name: a name for the operation.

    Raises:
      InvalidArgumentError: an element is infinite or NaN.
    """
    return check_numerics_op.call(tensor, message=message, name=name)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """Returns a tensor whose shape is known to be compatible with ``shape``, now and when the graph runs.

    Args:
      x: a tensor.
      shape: a shape, which may be known in part.
      name: a name for the operation.

    Raises:
      InvalidArgumentError: the tensor has another shape.
    """
    return ensure_shape_op.call(x, shape=TensorShape(shape)._dims, name=name)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Any:
    """Returns a tensor after a check that no element is infinite or NaN.

    Args:
      x: a floating-point tensor.
      message: the beginning of the error's message.
      name: a name for the operation.

    Raises:
      InvalidArgumentError: an element is infinite or NaN.
    """
    with name_scope(name, "VerifyFinite", [x]):
        x = convert_to_tensor(x, name="x")
        graph = context.current_graph()
        if graph is None:
            check_numerics_op.call(x, message=message)
            return x
        check = check_numerics_op.call(x, message=message)
        with graph.control_dependencies([check]):
            return raw.Identity(x, name="control_dependency")


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Any:
    """Returns a tensor after a check that no element is infinite or NaN; see :func:`assert_all_finite`.

    Args:
      t, x: a floating-point tensor, by its old or new name.
      msg, message: the beginning of the error's message, by its old or new name.
      name: a name for the operation.
    """
    if t is not None and x is not None:
        raise ValueError("Cannot specify both 'x' and 't'.")
    if msg is not None and message is not None:
        raise ValueError("Cannot specify both 'message' and 'msg'.")
    return assert_all_finite(t if x is None else x, (msg if message is None else message) or "", name)
