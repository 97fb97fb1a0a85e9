"""Datasets and iterators as programs of TensorFlow 1.x have them: in graphs, for sessions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.dataset import Dataset, VariantDataset
from tideflow._src.data.iterators import OwnedIterator
from tideflow._src.function.func_graph import FuncGraph, unique_function_name
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.plan import in_order, needed
from tideflow._src.runtime.sparse_tensor import SparseTensorSpec
from tideflow._src.state.trackable import Trackable

_LARGE_NUMBER_OF_CALLS = 32


class DatasetV1(Dataset):
    """Is ``tf.data.Dataset`` of TensorFlow 1.x, which can also make iterators for sessions."""

    @classmethod
    def _of(cls, variant_tensor: Any, element_spec: Any, kind: str = "_VariantDataset", inputs: Any = ()) -> Any:
        return DatasetV1Adapter(variant_tensor, element_spec, kind, inputs)

    def make_one_shot_iterator(self) -> Any:
        """Returns an iterator that goes over the dataset once and needs no initialization.

        Raises:
          ValueError: the dataset depends on a variable, a table or a placeholder.
        """
        return make_one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """Returns an iterator that begins when its ``initializer`` runs.

        Args:
          shared_name: a name under which sessions share the iterator.
        """
        return make_initializable_iterator(self, shared_name)

    @property
    def output_classes(self) -> Any:
        """The classes of the components of an element, in its structure."""
        return get_output_classes(self)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of the components of an element, in its structure."""
        return get_output_shapes(self)

    @property
    def output_types(self) -> Any:
        """The dtypes of the components of an element, in its structure."""
        return get_output_types(self)

    @classmethod
    def from_sparse_tensor_slices(cls, sparse_tensor: Any) -> Any:
        """Returns a dataset of the rows of a sparse tensor: indices, values and shape of each.

        Raises:
          TypeError: it is no sparse tensor.
        """
        if not hasattr(sparse_tensor, "dense_shape"):
            raise TypeError(f"`sparse_tensor` must be a `tf.sparse.SparseTensor` object, but is {sparse_tensor!r}.")
        variant = raw.SparseTensorSliceDataset(sparse_tensor.indices, sparse_tensor.values, sparse_tensor.dense_shape)
        rank = sparse_tensor.dense_shape.shape[0]
        rest = None if rank is None else rank - 1
        specs = (
            TensorSpec([None, rest], dtypes.int64),
            TensorSpec([None], sparse_tensor.values.dtype),
            TensorSpec([rest], dtypes.int64),
        )
        return cls._of(variant, specs, "_SparseTensorSliceDataset")

    def map_with_legacy_function(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        use_unbounded_threadpool: bool = False,
    ) -> Any:
        """Returns a dataset of what a function makes of each element."""
        return self.map(map_func, num_parallel_calls, deterministic)

    def filter_with_legacy_function(self, predicate: Callable[..., Any]) -> Any:
        """Returns a dataset of the elements that a function says yes to."""
        return self.filter(predicate)


class DatasetV1Adapter(DatasetV1, VariantDataset):
    """Is the dataset that a tensor holds, with the methods of TensorFlow 1.x."""


def TensorStructure(dtype: Any, shape: Any) -> TensorSpec:
    """Returns the spec of tensors of a dtype and shape."""
    return TensorSpec(shape, dtype)


def SparseTensorStructure(dtype: Any, shape: Any) -> SparseTensorSpec:
    """Returns the spec of sparse tensors of a dtype and shape."""
    return SparseTensorSpec(shape, dtype)


def of_version_1(make: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that makes datasets as another one does, with the methods of TensorFlow 1.x."""

    @functools.wraps(make)
    def made(*arguments: Any, **named: Any) -> Any:
        found = make(*arguments, **named)
        return DatasetV1Adapter(found._variant_tensor, found.element_spec, found._shown_kind, found._inputs())

    made.__qualname__ = f"{make.__qualname__}_v1"
    return made


class Iterator(Trackable):
    """Is a position in a dataset in the graph of a program of TensorFlow 1.x.

    Args:
      iterator_resource: the handle of the iterator.
      initializer: the operation that sets it to the beginning of a dataset, or None.
      output_types, output_shapes, output_classes: the dtypes, shapes and classes of the components of an element.
    """

    def __init__(
        self, iterator_resource: Any, initializer: Any, output_types: Any, output_shapes: Any, output_classes: Any
    ) -> None:
        self._iterator_resource = iterator_resource
        self._initializer = initializer
        self._element_spec = structure.from_legacy(output_types, output_shapes, output_classes)
        self._string_handle = raw.IteratorToStringHandle(iterator_resource)
        self._calls = 0

    #: What checkpoints call its position.
    _LEGACY_SAVEABLE_NAME = "ITERATOR"

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"_STATE": raw.SerializeIterator(self._iterator_resource)}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return raw.DeserializeIterator(self._iterator_resource, restored_tensors["_STATE"])

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> Iterator:
        """Returns an iterator that ``make_initializer`` sets to any dataset with such elements.

        Args:
          output_types: the dtypes of the components of an element, in its structure.
          output_shapes: their shapes; unknown by default.
          shared_name: a name under which sessions share the iterator.
          output_classes: their classes; tensors by default.

        Raises:
          TypeError: the structures differ.
        """
        specs = _specs(output_types, output_shapes, output_classes)
        resource = raw.IteratorV2(container="", shared_name=shared_name or "", **structure.kinds(specs))
        return Iterator._of(resource, None, specs)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """Returns the iterator that a string stands for, which may be fed.

        Args:
          string_handle: what ``string_handle()`` of an iterator evaluates to.
          output_types, output_shapes, output_classes: as of ``from_structure``.
        """
        specs = _specs(output_types, output_shapes, output_classes)
        text = convert_to_tensor(string_handle, dtypes.string)
        return Iterator._of(raw.IteratorFromStringHandleV2(text, **structure.kinds(specs)), None, specs)

    @staticmethod
    def _of(resource: Any, initializer: Any, specs: Any) -> Iterator:
        return Iterator(resource, initializer, *_legacy(specs))

    @property
    def initializer(self) -> Any:
        """The operation that sets the iterator to the beginning of its dataset.

        Raises:
          ValueError: it has none.
        """
        if self._initializer is None:
            raise ValueError(
                "The iterator does not have an initializer. This means it was likely created using "
                "`tf.data.Dataset.make_one_shot_iterator()`. For an initializable iterator, use "
                "`tf.data.Dataset.make_initializable_iterator()` instead."
            )
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Any:
        """Returns an operation that sets the iterator to the beginning of a dataset.

        Raises:
          TypeError: the dataset has other elements than the iterator.
        """
        wanted, found = structure.flattened(self._element_spec), dataset.element_spec
        try:
            given = structure.flattened_up_to(self._element_spec, found)
        except (TypeError, ValueError) as error:
            raise TypeError(str(error)) from None
        for one, other in zip(wanted, given, strict=True):
            if not one.is_compatible_with(other):
                raise TypeError(
                    f"Expected output types and shapes {self._element_spec!r} but got dataset with {found!r}."
                )
        return raw.MakeIterator(dataset._variant_tensor, self._iterator_resource, name=name)

    def get_next(self, name: str | None = None) -> Any:
        """Returns the tensors of the next element; running them raises OutOfRangeError at the end."""
        self._calls += 1
        if self._calls == _LARGE_NUMBER_OF_CALLS + 1:
            warnings.warn(
                "An unusually high number of `Iterator.get_next()` calls was detected. This often indicates that "
                "`Iterator.get_next()` is being called inside a training loop, which will cause gradual slowdown and "
                "eventual resource exhaustion. If this is the case, restructure your code to call `next_element = "
                "iterator.get_next()` once outside the loop, and use `next_element` as the input to some computation "
                "that is invoked inside the loop.",
                stacklevel=2,
            )
        found = raw.IteratorGetNext(self._iterator_resource, name=name, **structure.kinds(self._element_spec))
        return structure.element_of(self._element_spec, found)

    def get_next_as_optional(self) -> Any:
        """Returns the next element as an optional, which has no value at the end."""
        from tideflow._src.ops.composite.optional import _Optional  # a rare use

        kinds = structure.kinds(self._element_spec)
        return _Optional(raw.IteratorGetNextAsOptional(self._iterator_resource, **kinds), self._element_spec)

    def string_handle(self, name: str | None = None) -> Any:
        """Returns a string that stands for the iterator in its session."""
        if name is None:
            return self._string_handle
        return raw.IteratorToStringHandle(self._iterator_resource, name=name)

    @property
    def element_spec(self) -> Any:
        """The specs of an element, in its structure."""
        return self._element_spec

    @property
    def output_classes(self) -> Any:
        """The classes of the components of an element, in its structure."""
        return _legacy(self._element_spec)[2]

    @property
    def output_shapes(self) -> Any:
        """The static shapes of the components of an element, in its structure."""
        return _legacy(self._element_spec)[1]

    @property
    def output_types(self) -> Any:
        """The dtypes of the components of an element, in its structure."""
        return _legacy(self._element_spec)[0]


def _specs(types: Any, shapes: Any, classes: Any) -> Any:
    types = structure.mapped(dtypes.as_dtype, types)
    if shapes is None:
        shapes = structure.mapped(lambda dtype: None, types)
    else:
        found = iter(structure.flattened_up_to(types, shapes))
        shapes = structure.mapped(lambda dtype: next(found), types)
    if classes is None:
        classes = structure.mapped(lambda dtype: None, types)
    return structure.from_legacy(types, shapes, classes)


def _legacy(specs: Any) -> tuple[Any, Any, Any]:
    return (
        structure.mapped(lambda spec: spec._to_legacy_output_types(), specs),
        structure.mapped(lambda spec: spec._to_legacy_output_shapes(), specs),
        structure.mapped(lambda spec: spec._to_legacy_output_classes(), specs),
    )


def get_output_types(dataset_or_iterator: Any) -> Any:
    """Returns the dtypes of the components of an element, in its structure."""
    return _legacy(dataset_or_iterator.element_spec)[0]


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """Returns the static shapes of the components of an element, in its structure."""
    return _legacy(dataset_or_iterator.element_spec)[1]


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """Returns the classes of the components of an element, in its structure."""
    return _legacy(dataset_or_iterator.element_spec)[2]


def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Iterator:
    """Returns an iterator that begins when its ``initializer`` runs.

    Args:
      dataset: what it goes over.
      shared_name: a name under which sessions share the iterator.

    Raises:
      RuntimeError: this is eager execution.
    """
    if context.current_graph() is None:
        raise RuntimeError(
            "`make_initializable_iterator()` is not supported in eager mode. Use Python-style iteration instead."
        )
    specs = dataset.element_spec
    resource = raw.IteratorV2(container="", shared_name=shared_name or "", **structure.kinds(specs))
    initializer = raw.MakeIterator(dataset._variant_tensor, resource)
    return Iterator._of(resource, initializer, specs)


def make_one_shot_iterator(dataset: Any) -> Any:
    """Returns an iterator that goes over a dataset once and needs no initialization.

    Args:
      dataset: what it goes over.

    Raises:
      ValueError: the dataset depends on a variable, a table or a placeholder.
    """
    if context.current_graph() is None:
        return OwnedIterator(dataset)
    specs = dataset.element_spec
    factory = _copied(dataset._variant_tensor)
    with name_scope(None):
        resource = raw.OneShotIterator(dataset_factory=factory, **structure.kinds(specs))
    return Iterator._of(resource, None, specs)


def _copied(tensor: Any) -> FuncGraph:
    """Returns a function that computes a tensor as the operations around it do."""
    graph = FuncGraph(unique_function_name("_make_dataset"))
    copies: dict[Any, Any] = {}
    with graph.as_default():
        if not isinstance(tensor, SymbolicTensor):
            raise ValueError("A one-shot iterator of a graph needs a dataset of that graph.")
        for op in in_order(needed([tensor], [], set())):
            if op.type in ("Placeholder", "PlaceholderV2", "VarHandleOp", "VariableV2") or any(
                output._dtype.name == "resource" and op.type not in ("DummySeedGenerator", "DummyMemoryCache")
                for output in op.outputs
            ):
                raise ValueError(
                    "Failed to create a one-shot iterator for a dataset. `Dataset.make_one_shot_iterator()` does not "
                    "support datasets that capture stateful objects, such as a `Variable` or `LookupTable`. In these "
                    "cases, use `Dataset.make_initializable_iterator()`. "
                    f"(Original error: the dataset depends on {op.type} {op.name!r})"
                )
            made = graph.add_operation(
                op.op_def,
                [copies[item] for item in op._inputs],
                dict(op.attrs),
                op.name,
                control_inputs=(),
                output_types=tuple(output._dtype for output in op.outputs),
                output_shapes=tuple(output._shape for output in op.outputs),
            )
            copies.update(zip(op.outputs, made.outputs, strict=True))
        graph.outputs = [copies[tensor]]
    return graph
