"""``tf.summary.write``: writes a tensor to the default writer, if there is one and the conditions hold."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.function.conditional import cond
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.summary.event_bytes import scalar_event
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.devices import ACCELERATED, device
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.summary.recording import checked_step, recording_condition, recording_eagerly, state

_NO_STEP = (
    "No step set. Please specify one either through the `step` argument or through tf.summary.experimental.set_step()"
)


@functools.cache
def _answer(written: bool) -> EagerTensor:
    return constant(written)


def _serialized(metadata: Any) -> bytes:
    if metadata is None:
        return b""
    return metadata.SerializeToString() if hasattr(metadata, "SerializeToString") else metadata


def write(tag: Any, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None) -> Any:
    """Writes a tensor to the default writer: what functions for kinds of summaries are made of.

    Args:
      tag: the tag, a string; usually one that ``tf.summary.experimental.summary_scope`` gives.
      tensor: the tensor, or a function that returns it, which is called only if the summary is written.
      step: the step, an integer scalar; the default one if None.
      metadata: a ``SummaryMetadata``, as a message or as bytes, which says what the tensor means.
      name: the name of the operation.

    Returns:
      A scalar bool tensor: whether the summary was written. It is not where there is no default writer, or where
      `record_if` says no.

    Raises:
      ValueError: there is a writer, but no step; or the step is no scalar.
    """
    if context.executing_eagerly():
        return _write_eagerly(tag, tensor, step, metadata)
    step = None if step is None else checked_step(step)
    with name_scope(name, "write_summary") as scope:
        writer = state.writer
        if writer is None:
            return constant(False)
        step = state.step if step is None else step
        content = _serialized(metadata)

        def record() -> Any:
            if step is None:
                raise ValueError(_NO_STEP)
            with device("cpu:0"):
                value = tensor() if callable(tensor) else identity(tensor)
                return raw.WriteSummary(
                    writer=writer._resource,
                    step=step,
                    tensor=value,
                    tag=tag,
                    summary_metadata=content,
                    name=scope,
                )

        return _written_if_recording(record)


def _write_eagerly(tag: Any, tensor: Any, step: Any, metadata: Any) -> EagerTensor:
    step = None if step is None else checked_step(step)
    if not recording_eagerly():
        return _answer(False)
    step = state.step if step is None else step
    if step is None:
        raise ValueError(_NO_STEP)
    # Without accelerators everything is there already, and a scope would take operations off their short path.
    with device("cpu:0") if ACCELERATED else nullcontext():
        value = tensor() if callable(tensor) else convert_to_tensor(tensor)
        raw.WriteSummary(
            writer=state.writer._resource,
            step=step,
            tensor=value,
            tag=tag,
            summary_metadata=_serialized(metadata),
        )
    return _answer(True)


def _written_if_recording(record: Callable[[], Any]) -> Any:
    """Adds what writes a summary to the graph, under the condition that summaries are recorded under.

    Returns:
      A scalar bool tensor: whether it was written.
    """

    def recorded() -> Any:
        with control_dependencies([record()]):
            return constant(True)

    condition = recording_condition(True)
    known = static_value(condition)
    if known is None:
        result = cond(condition, true_fn=recorded, false_fn=lambda: constant(False), name="summary_cond")
    else:
        result = recorded() if known else constant(False)
    graph = context.current_graph()
    if graph is not None:
        graph.add_to_collection(GraphKeys._SUMMARY_COLLECTION, result)
    return result


def write_scalar_eagerly(tag: str, value: float, step: Any, metadata: bytes) -> EagerTensor:
    """Writes a float32 scalar without an operation: programs do so in every step.

    Raises:
      ValueError: there is a writer, but no step.
    """
    step = None if step is None else checked_step(step)
    if not recording_eagerly():
        return _answer(False)
    step = state.step if step is None else step
    if step is None:
        raise ValueError(_NO_STEP)
    if step.__class__ is not int:
        step = int(checked_step(step))
    held = getattr(state.writer, "held", None)
    if held is None:
        return _write_eagerly(tag, np.float32(value), step, metadata)
    held.file().add_serialized(scalar_event(step, tag, value, metadata))
    return _answer(True)


def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Any:
    """Writes summaries that are messages already to the default writer.

    Args:
      tensor: a string tensor of any shape: serialized ``Summary`` messages, which become one.
      step: the step, an integer scalar; the default one if None.
      name: the name of the operation.

    Returns:
      A scalar bool tensor: whether they were written.

    Raises:
      ValueError: there is a writer, but no step; or the step is no scalar.
      DataLossError: when it is written, if a string is no ``Summary``.
    """
    step = None if step is None else checked_step(step)
    with name_scope(name, "write_raw_pb") as scope:
        writer = state.writer
        if writer is None:
            return constant(False)
        step = state.step if step is None else step
        if step is None:
            raise ValueError(_NO_STEP)

        def record() -> Any:
            with device("cpu:0"):
                return raw.WriteRawProtoSummary(
                    writer=writer._resource,
                    step=step,
                    tensor=identity(tensor),
                    name=scope,
                )

        if context.executing_eagerly():
            if not recording_eagerly():
                return _answer(False)
            record()
            return _answer(True)
        with device("cpu:0"):
            return _written_if_recording(record)


def import_event(tensor: Any, name: str | None = None) -> Any:
    """Writes an event to the default writer, whatever `record_if` says.

    Args:
      tensor: a scalar string tensor: a serialized ``Event`` message.
      name: the name of the operation.

    Raises:
      DataLossError: when it is written, if the string is no ``Event``.
    """
    return raw.ImportEvent(writer=state.writer._resource, event=tensor, name=name)


def all_v2_summary_ops() -> list[Any] | None:
    """Returns what writes summaries of TensorFlow 2 in the default graph; None during eager execution."""
    if context.executing_eagerly():
        return None
    return context.current_graph().get_collection(GraphKeys._SUMMARY_COLLECTION)
