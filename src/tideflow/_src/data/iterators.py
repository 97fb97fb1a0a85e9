"""Iterators over datasets: ``tf.data.Iterator``, of eager execution and of functions."""

from __future__ import annotations

import abc
import collections.abc
import weakref
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.data import classes, structure
from tideflow._src.data.specs import IteratorSpec
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.composite.optional import _Optional
from tideflow._src.ops.data.iterators import IteratorResource
from tideflow._src.runtime import eager
from tideflow._src.state.trackable import Trackable


class IteratorBase(collections.abc.Iterator[Any], Trackable, CompositeTensor, abc.ABC):
    """Is a position in a dataset: gives the elements from there on.

    It is what ``iter(dataset)`` returns, eagerly and in a ``tf.function``, and can be an argument of one.

    >>> import tideflow as tf
    >>> iterator = iter(tf.data.Dataset.range(2))
    >>> iterator.get_next().numpy(), next(iterator).numpy()
    (np.int64(0), np.int64(1))
    """

    @property
    @abc.abstractmethod
    def element_spec(self) -> Any:
        """The specs of an element, in its structure."""

    @abc.abstractmethod
    def get_next(self) -> Any:
        """Returns the next element.

        Raises:
          OutOfRangeError: there is no further one.
        """

    @abc.abstractmethod
    def get_next_as_optional(self) -> Any:
        """Returns the next element as a ``tf.experimental.Optional``, which has no value at the end."""


#: How many elements one after the other an iterator gives a graph by ``next``, where no `for` statement is converted.
_MOST_IN_A_ROW = 32

#: By spec the object by which functions find what they were traced for: it is compared and hashed at no cost.
_sorts: dict[IteratorSpec, object] = {}


@classes.set_iterator
class OwnedIterator(IteratorBase):
    """Is an iterator that ends with this object.

    Args:
      dataset: what it goes over.
      components: the handle of an iterator that there is already, in place of ``dataset``.
      element_spec: the specs of its elements, with ``components``.
    """

    _stands_for: Any = None
    #: How often `next` was called on it in which graph.
    _calls_in: tuple[Any, int] = (None, 0)

    def __init__(self, dataset: Any = None, components: Any = None, element_spec: Any = None) -> None:
        if dataset is None:
            if components is None or element_spec is None:
                raise ValueError(
                    "When `dataset` is not provided, both `components` and `element_spec` must be specified."
                )
            (self._iterator_resource,) = components
            self._element_spec = element_spec
        else:
            if components is not None or element_spec is not None:
                raise ValueError("When `dataset` is provided, `element_spec` and `components` must not be specified.")
            self._element_spec = dataset.element_spec
            self._iterator_resource = raw.AnonymousIteratorV3(**structure.kinds(self._element_spec))
            raw.MakeIterator(dataset._variant_tensor, self._iterator_resource)
        self._spec = IteratorSpec(self._element_spec)
        #: What a function is traced for when it is given this iterator, as one object, and the tensor that it gets.
        self._stands_for = _sorts.setdefault(self._spec, object()), self._iterator_resource
        handle = self._iterator_resource
        #: The iterator itself, where it has a value.
        self._resource: IteratorResource | None = handle._value.resource if isinstance(handle, EagerTensor) else None
        self._pack = structure.packer(self._element_spec)

    @property
    def element_spec(self) -> Any:
        return self._element_spec

    @property
    def _type_spec(self) -> Any:
        return self._spec

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        resource = self._resource
        graph = context.current_graph()
        if graph is not None:
            self._require_an_end(graph)
        if resource is None or graph is not None:
            return self.get_next()
        try:
            values = resource.next()
        except Exception as error:
            definition = OpDef.registry["IteratorGetNext"]
            raise eager.explain(error, definition, [self._iterator_resource], {}) from error.__cause__
        if values is None:
            raise StopIteration
        return self._pack(values)

    def _require_an_end(self, graph: Any) -> None:
        """Raises a ValueError once a loop of Python seems to go over this iterator in a graph: it would never end.

        Each turn adds operations, and only the graph that runs finds the end. AutoGraph does not come here.
        """
        counted_in, count = self._calls_in
        count = count + 1 if counted_in is not None and counted_in() is graph else 1
        if count > _MOST_IN_A_ROW:
            raise ValueError(
                "An unusually high number of `tf.data.Iterator.get_next()` calls was detected. This suggests that the "
                "`for elem in dataset: ...` idiom is used within tf.function with AutoGraph disabled. This idiom is "
                "only supported when AutoGraph is enabled."
            )
        self._calls_in = weakref.ref(graph), count

    def next(self) -> Any:
        """Returns the next element; StopIteration at the end."""
        return self.__next__()

    def get_next(self) -> Any:
        found = raw.IteratorGetNext(self._iterator_resource, **structure.kinds(self._element_spec))
        return structure.element_of(self._element_spec, found)

    def _stream_in_graph(self) -> OwnedIterator:
        """Returns what a ``for`` statement of a graph goes over."""
        return self

    def get_next_as_optional(self) -> Any:
        kinds = structure.kinds(self._element_spec)
        return _Optional(raw.IteratorGetNextAsOptional(self._iterator_resource, **kinds), self._element_spec)

    # Checkpoints.

    #: What checkpoints call its position.
    _LEGACY_SAVEABLE_NAME = "ITERATOR"

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"_STATE": raw.SerializeIterator(self._iterator_resource)}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return raw.DeserializeIterator(self._iterator_resource, restored_tensors["_STATE"])

    # As TensorFlow 1.x describes elements.

    @property
    def output_classes(self) -> Any:
        """The classes of the components of an element, in its structure."""
        return structure.mapped(lambda spec: spec._to_legacy_output_classes(), self._element_spec)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of the components of an element, in its structure."""
        return structure.mapped(lambda spec: spec._to_legacy_output_shapes(), self._element_spec)

    @property
    def output_types(self) -> Any:
        """The dtypes of the components of an element, in its structure."""
        return structure.mapped(lambda spec: spec._to_legacy_output_types(), self._element_spec)
