"""Functions of several private modules that other packages reach for, and that are small."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import is_tensor
from tideflow._src.graph import protos
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import shape_v1
from tideflow._src.runtime import devices, seed_rules
from tideflow._src.runtime.convert import convert_to_tensor

#: Conditionals and loops are functions.
ENABLE_CONTROL_FLOW_V2 = True


def enabled() -> bool:
    """Tells whether TensorFlow 2 behaviour is on."""
    return context.mode.eager_by_default


def is_tf_type(x: Any) -> bool:
    """Tells whether a value is a tensor, a variable or of another of TensorFlow's types."""
    return is_tensor(x)


def is_op_determinism_enabled() -> bool:
    """Tells whether ``tf.config.experimental.enable_op_determinism`` was called."""
    return seed_rules.determinism.enabled


def disable_op_determinism() -> None:
    """Takes ``tf.config.experimental.enable_op_determinism`` back: random operations without a seed are no errors."""
    seed_rules.determinism.enabled = False


def async_wait() -> None:
    """Waits for what runs: calls have run when they return, and asking for a value waits for an accelerator."""


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """Is a context in which operations run at once, whatever graph is being built."""
    with context.entered(context.state.graphs, None):
        yield


def GraphOrParentsInXlaContext(graph: Any) -> bool:
    """Tells whether a graph is built inside an XLA context: there are none."""
    del graph
    return False


def make_all(module_name: str, doc_string_modules: Sequence[Any] | None = None) -> list[str]:
    """Returns the public names of a module."""
    del doc_string_modules
    return [name for name in vars(sys.modules[module_name]) if not name.startswith("_")]


def remove_undocumented(
    module_name: str, allowed_exception_list: Sequence[str] | None = None, doc_string_modules: Any = None
) -> None:
    """Would remove the names that a module does not document; they stay."""
    del module_name, allowed_exception_list, doc_string_modules


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """Returns the value that a tensor has in every run, as far as that is known, or None."""
    return get_static_value(tensor, partial)


def list_local_devices(session_config: Any = None) -> list[Any]:
    """Returns a ``DeviceAttributes`` for each device of this machine."""
    del session_config
    make = protos.get("DeviceAttributes")
    return [make(name=device.name, device_type=device.device_type) for device in devices.list_logical_devices()]


def shape_internal(input: Any, name: str | None = None, optimize: bool = True, out_type: Any = None) -> Any:
    """Returns the shape of a tensor; `optimize` is whether it is a constant where it is known."""
    dtype = dtypes.int32 if out_type is None else out_type
    if optimize:
        return shape_v1(input, name=name, out_type=dtype)
    return raw.Shape(convert_to_tensor(input), out_type=dtype, name=name)


def _bucketize(input: Any, boundaries: Sequence[float], name: str | None = None) -> Any:
    """Returns for each number in which of the intervals between `boundaries` it is."""
    return raw.Bucketize(convert_to_tensor(input), boundaries=list(boundaries), name=name)
