"""What the operations of this folder have in common: resources found by name, old and new forms of one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.runtime.buffers import ResourceHandle, resources
from tideflow._src.runtime.op import Op, op


def resource_handle(container: str, shared_name: str, kind: type, create: Callable[[], Any]) -> ResourceHandle:
    """Returns the handle of the resource of that name, made on first use; without a name, of a new one."""
    if not shared_name:
        resource = create()
        return ResourceHandle(resource, getattr(resource, "name", kind.__name__))
    container = container or "localhost"
    key = f"{kind.__name__}/{shared_name}"  # resources of different kinds may have one name
    return ResourceHandle(resources().get_or_create(container, key, kind, create), key, container)


def resource_in(handle: Any, kind: type) -> Any:
    """Returns the resource that a handle refers to.

    Raises:
      InvalidArgumentError: it is of another kind.
    """
    if isinstance(handle, np.ndarray) and handle.size == 1:
        handle = handle.item()  # one of several handles, chosen by Gather
    held = getattr(handle, "resource", None)
    if isinstance(held, kind):
        return held
    given = repr(handle) if held is None else f"that of a {type(held).__name__}"
    raise InvalidArgumentError(None, None, f"Expected the handle of a {kind.__name__}, got {given}.")


def both_forms(
    name: str,
    signature: str,
    kernel: Callable[..., Any],
    *,
    makes: bool = False,
    shape: Callable[..., Any] | None = None,
    **constraints: Any,
) -> tuple[Op, Op]:
    """Defines ``name`` over a reference to a handle and ``nameV2`` over a handle.

    Args:
      name: the name of the old form.
      signature: the signature, in which ``HANDLE`` stands for the type of the handles.
      kernel: the kernel of both.
      makes: whether the operation makes the resource; such an old form is stateful too.
      shape: the shape rule of both.
      **constraints: of the attributes.
    """
    old = op(
        name,
        signature.replace("HANDLE", "Ref(string)"),
        tier="host",
        stateful=makes,
        differentiable=False,
        **constraints,
    )(kernel)
    new = op(
        f"{name}V2",
        signature.replace("HANDLE", "resource"),
        tier="host",
        stateful=True,
        differentiable=False,
        **constraints,
    )(kernel)
    if shape is not None:
        old.shape(shape)
        new.shape(shape)
    return old, new


def no_shapes(*inputs: Any) -> list[Any]:
    """Is the shape rule of operations without outputs."""
    return []


def counted_shapes(*inputs: Any, component_types: Any) -> list[Any]:
    """Is the shape rule of operations that give a list of components of unknown shapes."""
    return [None] * len(component_types)
