"""Iterators as operations: making one, giving it a dataset, and taking elements from it."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
)
from tideflow._src.core.variant_array import Variant, items_of, variants
from tideflow._src.graph.op_def import Function, OpDef, Shape, at_least
from tideflow._src.ops.checkpoint import variant_bytes
from tideflow._src.ops.data import position_bytes
from tideflow._src.ops.data.blocks import Singles
from tideflow._src.ops.data.elements import Element, dtype_of, fits, shape_text
from tideflow._src.ops.data.seed_generators import Deleter
from tideflow._src.ops.data.stage import Run, Running, Stage, stage_in
from tideflow._src.ops.queues.shared import resource_handle
from tideflow._src.runtime.buffers import ResourceHandle, resources
from tideflow._src.runtime.op import Op, op
from tideflow._src.runtime.optional_value import OptionalValue

_numbers = itertools.count()
#: Shapes of elements that an iterator remembers.
_MOST_CHECKED = 64
#: Iterators by the string that stands for them, in sessions and out of them.
_by_string: weakref.WeakValueDictionary[bytes, IteratorResource] = weakref.WeakValueDictionary()


class IteratorResource:
    """Is the position in a dataset that a handle refers to.

    Args:
      name: what messages call it.
      types: the dtypes of the components of its elements; none if it takes any.
      shapes: their static shapes.
    """

    def __init__(self, name: str, types: Sequence[DType], shapes: Sequence[Shape]) -> None:
        self.name = name
        self.types = tuple(types)
        self.shapes = tuple(shapes)
        self._lock = threading.Lock()
        self._source: Singles | None = None
        #: What its stages will have in common, where they start with the first element.
        self._run: Run | None = None
        self._stage: Stage | None = None
        self._closing: Any = None
        self._is_over = False
        #: By dtypes and shapes of elements the attributes of the operation that found them to fit.
        self.checked: dict[Any, tuple[Any, Any]] = {}

    @property
    def stage(self) -> Stage | None:
        """The dataset, or None before there is one."""
        return self._stage

    def begin(self, stage: Stage) -> None:
        """Goes to the beginning of a dataset.

        Raises:
          InvalidArgumentError: its elements are others than those of this iterator.
        """
        check_fits(self.types, self.shapes, stage)
        run = Run(stage.options)
        running = stage.start(run) if stage.starts_at_once else None
        with self._lock:
            if self._closing is not None:
                self._closing()
            self._stage = stage
            self._closing = self._source = self._run = None
            self._is_over = False
            if running is None:
                self._run = run
            else:
                self._read(running)

    def _read(self, running: Running) -> None:
        """Takes elements from now on from a running stage. The lock is held."""
        self._source = Singles(running)
        self._closing = weakref.finalize(self, running.close)
        self._closing.atexit = False

    def _started(self) -> Singles | None:
        """Returns what it takes elements from, started if nobody has asked for one. The lock is held."""
        run = self._run
        if run is not None:
            assert self._stage is not None
            running = self._stage.start(run)
            self._run = None
            self._read(running)
        return self._source

    def next(self) -> Element | None:
        """Returns the next element, or None at the end.

        Raises:
          FailedPreconditionError: there is no dataset yet.
        """
        with self._lock:
            source = self._source or self._started()
            if source is None:
                raise FailedPreconditionError(
                    None,
                    None,
                    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                    "initializer operation for this iterator before getting the next element.",
                )
            if self._is_over:
                return None
            element = source.next()
            if element is None:
                self._is_over = True
            return element

    def save(self) -> Any:
        """Returns the position, as ``Running.save`` does."""
        with self._lock:
            source = self._started()
            if source is None:
                raise FailedPreconditionError(None, None, "The iterator has not been initialized.")
            assert self._stage is not None
            drawn = [generator.drawn for generator in _generators(self._stage)]
            return self._is_over, None if self._is_over else source.save(), drawn

    def restore(self, position: Any) -> None:
        """Goes to a position of the same dataset."""
        stage = self._stage
        if stage is None:
            raise FailedPreconditionError(None, None, "The iterator has not been initialized.")
        self.begin(stage)
        is_over, source, drawn = position
        with self._lock:
            self._is_over = bool(is_over)
            if not self._is_over:
                begun = self._started()
                assert begun is not None
                begun.restore(source)
            # Stages that are over keep no position, but the seeds of later epochs follow from those that were drawn.
            for generator, count in zip(_generators(stage), drawn, strict=True):
                generator.drawn = int(count)


def _generators(stage: Stage) -> list[Any]:
    """Returns the generators of seeds of a pipeline."""
    found = [generator for source in stage.inputs for generator in _generators(source)]
    return [*found, stage.generator] if stage.takes_seeds else found


def check_fits(types: Sequence[DType], shapes: Sequence[Shape], stage: Stage) -> None:
    """Checks that the elements of a dataset are such as an iterator was made for.

    Raises:
      InvalidArgumentError: they are not.
    """
    if not types:
        return
    if len(types) != len(stage.types):
        raise InvalidArgumentError(
            None, None, f"Number of components does not match: expected {len(types)} types but got {len(stage.types)}."
        )
    for position, (wanted, found) in enumerate(zip(types, stage.types, strict=True)):
        if wanted is not found:
            raise InvalidArgumentError(
                None,
                None,
                f"Data type mismatch at component {position}: expected {wanted.name} but got {found.name}.",
            )
    for position, (shape, have) in enumerate(zip(shapes, stage.shapes, strict=True)):
        if not _compatible(shape, have):
            raise InvalidArgumentError(
                None,
                None,
                f"Incompatible shapes at component {position}: expected {shape_text(shape)} but got "
                f"{shape_text(have)}.",
            )


def _compatible(one: Shape, other: Shape) -> bool:
    if one is None or other is None:
        return True
    return len(one) == len(other) and all(
        first is None or second is None or first == second for first, second in zip(one, other, strict=True)
    )


def iterator_in(handle: Any) -> IteratorResource:
    """Returns the iterator that a handle refers to.

    Raises:
      InvalidArgumentError: it refers to something else.
    """
    if isinstance(handle, np.ndarray) and handle.size == 1:
        handle = handle.item()
    found = getattr(handle, "resource", None)
    if isinstance(found, IteratorResource):
        return found
    raise InvalidArgumentError(None, None, f"Expected the handle of an iterator, got {handle!r}.")


def _checked(element: Element, types: Sequence[DType], shapes: Sequence[Shape]) -> Element:
    """Returns an element whose components are what the operation that took it declares.

    Raises:
      InvalidArgumentError: they are not.
    """
    if len(element) != len(types):
        raise InvalidArgumentError(
            None, None, f"The iterator gives {len(element)} components, but {len(types)} are expected."
        )
    for position, (item, dtype, shape) in enumerate(zip(element, types, shapes, strict=True)):
        found = dtype_of(item)
        if found is not dtype:
            raise InvalidArgumentError(
                None,
                None,
                f"Data type mismatch at component {position}: expected {dtype.name} but got {found.name}.",
            )
        if not fits(shape, item.shape):
            raise InvalidArgumentError(
                None,
                None,
                f"Incompatible shapes at component {position}: expected {shape_text(shape)} but got "
                f"{shape_text(item.shape)}.",
            )
    return element


def _next(iterator: Any, types: Sequence[DType], shapes: Sequence[Shape]) -> Element | None:
    """Returns the next element of an iterator, or None at the end; what was found to fit once is not checked again."""
    held = iterator_in(iterator)
    element = held.next()
    if element is None:
        return None
    look = tuple([(item.dtype, item.shape) for item in element])
    known = held.checked.get(look)
    if known is None or known[0] is not types or known[1] is not shapes:
        _checked(element, types, shapes)
        if len(held.checked) >= _MOST_CHECKED:
            held.checked.clear()
        held.checked[look] = types, shapes
    return element


def _next_or_end(iterator: Any, types: Sequence[DType], shapes: Sequence[Shape]) -> Element:
    element = _next(iterator, types, shapes)
    if element is None:
        raise OutOfRangeError(None, None, "End of sequence")
    return element


_KINDS = {"output_types": at_least(1), "output_shapes": at_least(1)}


def _iterator_op(name: str, signature: str, **constraints: Any) -> Callable[[Callable[..., Any]], Op]:
    return op(name, signature, tier="host", stateful=True, differentiable=False, **constraints)


def _new_handle(types: Any, shapes: Any) -> ResourceHandle:
    name = f"AnonymousIterator{next(_numbers)}"
    return ResourceHandle(IteratorResource(name, types, shapes), name)


@_iterator_op("AnonymousIterator", "-> handle: resource", **_KINDS)
def anonymous_iterator(*, output_types: list[DType], output_shapes: list[Shape]):
    """Makes an iterator that ends with its handle."""
    return _new_handle(output_types, output_shapes)


@_iterator_op("AnonymousIteratorV2", "-> handle: resource, deleter: variant", **_KINDS)
def anonymous_iterator_v2(*, output_types: list[DType], output_shapes: list[Shape]):
    """Makes an iterator that ends with its handle."""
    return _new_handle(output_types, output_shapes), Deleter()


@_iterator_op("AnonymousIteratorV3", "-> handle: resource", **_KINDS)
def anonymous_iterator_v3(*, output_types: list[DType], output_shapes: list[Shape]):
    """Makes an iterator that ends with its handle."""
    return _new_handle(output_types, output_shapes)


def _shared_iterator(container: str, shared_name: str, types: Any, shapes: Any) -> ResourceHandle:
    def make() -> IteratorResource:
        return IteratorResource(shared_name or f"Iterator{next(_numbers)}", types, shapes)

    return resource_handle(container, shared_name, IteratorResource, make)


@_iterator_op("Iterator", "-> handle: resource", **_KINDS)
def iterator(*, shared_name: str, container: str, output_types: list[DType], output_shapes: list[Shape]):
    """Makes an iterator, or finds the one of a name."""
    return _shared_iterator(container, shared_name, output_types, output_shapes)


@_iterator_op("IteratorV2", "-> handle: resource", **_KINDS)
def iterator_v2(*, shared_name: str, container: str, output_types: list[DType], output_shapes: list[Shape]):
    """Makes an iterator, or finds the one of a name."""
    return _shared_iterator(container, shared_name, output_types, output_shapes)


@_iterator_op("OneShotIterator", "-> handle: resource", **_KINDS)
def one_shot_iterator(
    *,
    dataset_factory: Function,
    output_types: list[DType],
    output_shapes: list[Shape],
    container: str = "",
    shared_name: str = "",
):
    """Makes an iterator of the dataset that a function returns, or finds the one of a name."""
    handle = _shared_iterator(container, shared_name, output_types, output_shapes)
    found = handle.resource
    with _begin_lock:
        if found.stage is None:
            found.begin(stage_in(dataset_factory.run([])[0]))
    return handle


_begin_lock = threading.RLock()


@_iterator_op("MakeIterator", "dataset: variant, iterator: resource ->")
def make_iterator(dataset, iterator):
    """Sets an iterator to the beginning of a dataset."""
    iterator_in(iterator).begin(stage_in(dataset))


@_iterator_op("DeleteIterator", "handle: resource, deleter: variant ->")
def delete_iterator(handle, deleter):
    """Ends the use of an iterator: it goes with its last handle."""


@_iterator_op("IteratorGetNext", "iterator: resource -> components: list(output_types)", **_KINDS)
def iterator_get_next(iterator, *, output_types: list[DType], output_shapes: list[Shape]):
    """Returns the components of the next element.

    Raises:
      OutOfRangeError: there is no further one.
    """
    return _next_or_end(iterator, output_types, output_shapes)


@_iterator_op("IteratorGetNextSync", "iterator: resource -> components: list(output_types)", **_KINDS)
def iterator_get_next_sync(iterator, *, output_types: list[DType], output_shapes: list[Shape]):
    """Returns the components of the next element.

    Raises:
      OutOfRangeError: there is no further one.
    """
    return _next_or_end(iterator, output_types, output_shapes)


@_iterator_op("IteratorGetNextAsOptional", "iterator: resource -> optional: variant", **_KINDS)
def iterator_get_next_as_optional(iterator, *, output_types: list[DType], output_shapes: list[Shape]):
    """Returns the next element as an optional, which has no value at the end."""
    return OptionalValue(_next(iterator, output_types, output_shapes))


@_iterator_op("IteratorToStringHandle", "resource_handle: resource -> string_handle: string")
def iterator_to_string_handle(resource_handle):
    """Returns a string that stands for an iterator."""
    found = iterator_in(resource_handle)
    if _named(resource_handle.container, resource_handle.name) is found:
        text = f"iterator {resource_handle.container} {resource_handle.name}".encode()
    else:
        text = f"iterator {id(found)}".encode()
        _by_string[text] = found
    return np.array(text, object)


def _named(container: str, name: str) -> IteratorResource | None:
    """Returns the iterator that a session, or eager execution, has under a name."""
    try:
        found = resources().lookup(container, name)
    except NotFoundError:
        return None
    return found if isinstance(found, IteratorResource) else None


_ANY_KINDS = {"output_types": at_least(0, default=()), "output_shapes": at_least(0, default=())}


def _from_string(string_handle: Any, types: Any, shapes: Any) -> ResourceHandle:
    text = np.asarray(string_handle).item() if np.ndim(string_handle) == 0 else None
    if text is None:
        raise InvalidArgumentError(None, None, "string_handle must be a scalar")
    found = _by_string.get(text)
    if found is None and text.count(b" ") == 2:
        _, container, name = text.decode(errors="replace").split(" ")
        found = _named(container, name)
    if found is None:
        raise NotFoundError(None, None, f"There is no iterator {text!r}.")
    if types and found.types and tuple(types) != found.types:
        raise InvalidArgumentError(
            None,
            None,
            f"Data type mismatch: expected {[item.name for item in types]} but the iterator has "
            f"{[item.name for item in found.types]}.",
        )
    for position, (wanted, have) in enumerate(zip(shapes, found.shapes, strict=False)):
        if not _compatible(wanted, have):
            raise InvalidArgumentError(
                None,
                None,
                f"Incompatible shapes at component {position}: expected {shape_text(wanted)} but got "
                f"{shape_text(have)}.",
            )
    return ResourceHandle(found, found.name)


@_iterator_op("IteratorFromStringHandle", "string_handle: string -> resource_handle: resource", **_ANY_KINDS)
def iterator_from_string_handle(
    string_handle,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Returns the iterator that a string stands for."""
    return _from_string(string_handle, output_types, output_shapes)


@_iterator_op("IteratorFromStringHandleV2", "string_handle: string -> resource_handle: resource", **_ANY_KINDS)
def iterator_from_string_handle_v2(
    string_handle,
    *,
    output_types: list[DType],
    output_shapes: list[Shape],
):
    """Returns the iterator that a string stands for."""
    return _from_string(string_handle, output_types, output_shapes)


def _device(resource: Any) -> Any:
    iterator_in(resource)
    return np.array(b"/job:localhost/replica:0/task:0/device:CPU:0", object)


iterator_get_device = _iterator_op("IteratorGetDevice", "resource: resource -> device: string")(_device)
experimental_iterator_get_device = _iterator_op(
    "ExperimentalIteratorGetDevice", "resource: resource -> device: string"
)(_device)


class SavedPosition(Variant):
    """Is a position in a dataset as a variant.

    Args:
      position: the position.
      pipeline: the kinds of the stages of the dataset.
    """

    def __init__(self, position: Any, pipeline: str) -> None:
        self.position = position
        self.pipeline = pipeline


def _decoded_position(text: bytes, arrays: list[Any]) -> SavedPosition:
    pipeline, position = position_bytes.decode(text, arrays)
    return SavedPosition(position, str(pipeline))


variant_bytes.register(
    SavedPosition,
    variant_bytes.Kind(
        "tideflow::IteratorPosition",
        lambda item: position_bytes.encode([item.pipeline, item.position]),
        _decoded_position,
    ),
)


def _pipeline(stage: Stage) -> str:
    return f"{type(stage).__name__.strip('_')}({', '.join(map(_pipeline, stage.inputs))})"


@_iterator_op("SerializeIterator", "resource_handle: resource -> serialized: variant")
def serialize_iterator(resource_handle, *, external_state_policy: int = 0):
    """Returns the position of an iterator."""
    found = iterator_in(resource_handle)
    position = found.save()
    assert found.stage is not None
    return variants([SavedPosition(position, _pipeline(found.stage))])


@_iterator_op("DeserializeIterator", "resource_handle: resource, serialized: variant ->")
def deserialize_iterator(resource_handle, serialized):
    """Sets an iterator to a position that ``SerializeIterator`` gave of one over the same dataset."""
    (found,) = items_of(serialized) if np.size(serialized) == 1 else (serialized,)
    if not isinstance(found, SavedPosition):
        raise InvalidArgumentError(
            None,
            None,
            f"Expected the position of an iterator as Tideflow saves it, got {serialized!r}: what another program "
            "saved cannot be gone to; leave the iterator out of what is restored.",
        )
    iterator = iterator_in(resource_handle)
    if iterator.stage is not None and _pipeline(iterator.stage) != found.pipeline:
        raise InvalidArgumentError(
            None,
            None,
            f"The position is one in another dataset: {found.pipeline}, and this one is {_pipeline(iterator.stage)}.",
        )
    try:
        iterator.restore(found.position)
    except (IndexError, TypeError, ValueError) as error:
        raise InvalidArgumentError(None, None, f"The position is none in this dataset: {error}") from error


def _handle_shape(*inputs: Any) -> tuple[int, ...]:
    return ()


def _nothing(*inputs: Any) -> list[Any]:
    return []


def _component_shapes(iterator: Any, *, output_shapes: Any) -> list[Any]:
    return list(output_shapes)


for _operation in (
    anonymous_iterator, anonymous_iterator_v3, iterator, iterator_v2, one_shot_iterator, iterator_to_string_handle,
    iterator_from_string_handle, iterator_from_string_handle_v2, iterator_get_device, experimental_iterator_get_device,
    iterator_get_next_as_optional,
):  # fmt: skip
    _operation.shape(_handle_shape)
for _operation in (make_iterator, delete_iterator, deserialize_iterator):
    _operation.shape(_nothing)
for _operation in (iterator_get_next, iterator_get_next_sync):
    _operation.shape(_component_shapes)


@serialize_iterator.shape
def _serialized_shape(resource_handle):
    return (None,)


@anonymous_iterator_v2.shape
def _pair_shape():
    return (), ()


_NUMBERS = {"output_types": ["int64"], "output_shapes": [()]}


def _dataset(s: Any, count: int = 3) -> Any:
    return s.produced("RangeDataset", 0, count, 1, **_NUMBERS)


def _no_input_samples(s):
    yield s(**_NUMBERS)


anonymous_iterator.samples(_no_input_samples)
anonymous_iterator_v2.samples(_no_input_samples)
anonymous_iterator_v3.samples(_no_input_samples)


def _named_samples(s):
    yield s(shared_name="samples", container="", **_NUMBERS)


iterator.samples(_named_samples)
iterator_v2.samples(_named_samples)


def _factory(s: Any) -> Any:
    registry: Any = OpDef.registry
    return s.body("factory", lambda: [registry["RangeDataset"](np.int64(2), np.int64(9), np.int64(3), **_NUMBERS)])


@one_shot_iterator.samples
def _one_shot_samples(s):
    yield s(dataset_factory=_factory(s), **_NUMBERS)


@make_iterator.samples
def _make_samples(s):
    yield s(_dataset(s), s.produced("AnonymousIteratorV3", **_NUMBERS))
    wrong = s.produced("AnonymousIteratorV3", output_types=["float32"], output_shapes=[()])
    yield s(_dataset(s), wrong, error="InvalidArgumentError")


@delete_iterator.samples
def _delete_samples(s):
    made = s.produced("AnonymousIteratorV2", **_NUMBERS)
    yield s(made, s.produced("AnonymousIteratorV2", output=1, **_NUMBERS))


def _empty_handle(s: Any) -> Any:
    return s.produced("IteratorV2", shared_name="", container="", **_NUMBERS)


def _next_samples(s):
    for count in (3, 0):
        made = _empty_handle(s)
        begun = s.of("MakeIterator", _dataset(s, count), made)
        error = None if count else "OutOfRangeError"
        yield s(made, before=[begun], error=error, **_NUMBERS)
    yield s(s.produced("AnonymousIteratorV3", **_NUMBERS), error="FailedPreconditionError", **_NUMBERS)


iterator_get_next.samples(_next_samples)
iterator_get_next_sync.samples(_next_samples)


@iterator_get_next_as_optional.samples
def _optional_samples(s):
    for count in (3, 0):
        made = _empty_handle(s)
        yield s(made, before=[s.of("MakeIterator", _dataset(s, count), made)], **_NUMBERS)


def _handle_samples(s):
    yield s(s.produced("IteratorV2", shared_name="by_string", container="", **_NUMBERS))


iterator_to_string_handle.samples(_handle_samples)
iterator_get_device.samples(_handle_samples)
experimental_iterator_get_device.samples(_handle_samples)


def _string_samples(s):
    made = s.produced("IteratorV2", shared_name="by_string", container="", **_NUMBERS)
    yield s(s.produced("IteratorToStringHandle", made), **_NUMBERS)


iterator_from_string_handle.samples(_string_samples)
iterator_from_string_handle_v2.samples(_string_samples)


@serialize_iterator.samples
def _serialize_samples(s):
    made = _empty_handle(s)
    yield s(made, before=[s.of("MakeIterator", _dataset(s), made)])


@deserialize_iterator.samples
def _deserialize_samples(s):
    made = s.produced("OneShotIterator", dataset_factory=_factory(s), **_NUMBERS)
    yield s(made, s.produced("SerializeIterator", made))
