"""What functions make of datasets: each element another, some elements, datasets of elements, one value of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.specs import DatasetSpec
from tideflow._src.data.transformations import Transformations, integer, order
from tideflow._src.ops.array.raw import raw


class FunctionTransformations(Transformations):
    """Has the transformations of datasets that call functions."""

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of what a function makes of each element.

        The function is traced once, as by ``tf.function``. An element that is a tuple is given as several arguments.

        Args:
          map_func: the function.
          num_parallel_calls: how many calls run at once; ``tf.data.AUTOTUNE`` leaves that open; None: one.
          deterministic: whether elements keep their order even so; by default what the options say, else True.
          synchronous: whether no thread may be used, whatever the options say.
          use_unbounded_threadpool: kept for TensorFlow's signature.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(3).map(lambda x: x * x).as_numpy_iterator())
        [np.int64(0), np.int64(1), np.int64(4)]
        """
        if synchronous and num_parallel_calls is not None:
            raise ValueError("`synchronous` is not supported with `num_parallel_calls`, but it is set to True.")
        function = StructuredFunction(map_func, "Dataset.map()", self.element_spec)
        return self._map(function, num_parallel_calls, deterministic, bool(synchronous))

    def _map(
        self, function: StructuredFunction, calls: Any, deterministic: bool | None, synchronous: bool = False
    ) -> Any:
        specs = function.output_structure
        kinds = structure.kinds(specs)
        if not kinds["output_types"]:
            raise InvalidArgumentError(
                None, None, f"A function of a dataset must return at least one tensor, but this one returns {specs}."
            )
        if calls is None:
            variant = raw.MapDataset(
                self._variant_tensor, function.captured, f=function.graph, preserve_cardinality=True,
                force_synchronous=synchronous, **kinds,
            )  # fmt: skip
            return self._made(variant, specs, "_MapDataset")
        variant = raw.ParallelMapDatasetV2(
            self._variant_tensor, function.captured, integer(calls, "num_parallel_calls"), f=function.graph,
            deterministic=order(deterministic), preserve_cardinality=True, **kinds,
        )  # fmt: skip
        return self._made(variant, specs, "_ParallelMapDataset")

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Any:
        """Returns a dataset of the elements that a function says yes to.

        Args:
          predicate: takes an element as the function of ``map`` does, and returns a boolean scalar.
          name: a name for the dataset.

        Raises:
          ValueError: it returns something else.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(5).filter(lambda x: x % 2 == 0).as_numpy_iterator())
        [np.int64(0), np.int64(2), np.int64(4)]
        """
        function = StructuredFunction(predicate, "Dataset.filter()", self.element_spec)
        found = function.output_structure
        if not (isinstance(found, TensorSpec) and found.dtype is dtypes.bool and found.shape.rank in (0, None)):
            raise ValueError(
                "Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its return type is "
                f"{found}."
            )
        return self._through("_FilterDataset", "FilterDataset", function.captured, predicate=function.graph)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Any:
        """Returns a dataset of the elements of the datasets that a function makes, one after the other.

        Args:
          map_func: takes an element as the function of ``map`` does, and returns a dataset.
          name: a name for the dataset.

        Raises:
          TypeError: it returns something else.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(3).flat_map(tf.data.Dataset.range).as_numpy_iterator())
        [np.int64(0), np.int64(0), np.int64(1)]
        """
        function, specs = self._making_datasets(map_func, "flat_map")
        variant = raw.FlatMapDataset(
            self._variant_tensor, function.captured, f=function.graph, **structure.kinds(specs)
        )
        return self._made(variant, specs, "_FlatMapDataset")

    def _making_datasets(self, function: Callable[..., Any], transformation: str) -> tuple[StructuredFunction, Any]:
        made = StructuredFunction(function, f"Dataset.{transformation}()", self.element_spec)
        found = made.output_structure
        if not isinstance(found, DatasetSpec):
            raise TypeError(
                "The `map_func` argument must return a `Dataset` object. Got "
                f"{structure.mapped(lambda spec: spec._to_legacy_output_classes(), found)!r}."
            )
        return made, found.element_spec

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = None,
        block_length: Any = None,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of the elements of the datasets that a function makes, some of these in turn.

        Args:
          map_func: takes an element as the function of ``map`` does, and returns a dataset.
          cycle_length: how many datasets take turns; by default as many as there are processors.
          block_length: how many elements each gives in a turn, 1 by default.
          num_parallel_calls: how many are read at once by threads; None: none.
          deterministic: whether elements keep their order even so.
          name: a name for the dataset.

        Raises:
          TypeError: the function returns something else than a dataset.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.range(2).interleave(
        ...     lambda x: tf.data.Dataset.from_tensors(x).repeat(2), cycle_length=2)
        >>> list(dataset.as_numpy_iterator())
        [np.int64(0), np.int64(1), np.int64(0), np.int64(1)]
        """
        function, specs = self._making_datasets(map_func, "interleave")
        cycle = integer(-1 if cycle_length is None else cycle_length, "cycle_length")
        block = integer(1 if block_length is None else block_length, "block_length")
        kinds = structure.kinds(specs)
        if num_parallel_calls is None:
            variant = raw.InterleaveDataset(
                self._variant_tensor, function.captured, cycle, block, f=function.graph, **kinds
            )
            return self._made(variant, specs, "_InterleaveDataset")
        ahead = integer(-1, "buffer_output_elements")
        variant = raw.ParallelInterleaveDatasetV4(
            self._variant_tensor, function.captured, cycle, block, ahead, ahead,
            integer(num_parallel_calls, "num_parallel_calls"), f=function.graph, deterministic=order(deterministic),
            **kinds,
        )  # fmt: skip
        return self._made(variant, specs, "_ParallelInterleaveDataset")

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """Returns what a function makes of a state and of all elements, one after the other.

        Args:
          initial_state: the first state: a structure of values.
          reduce_func: takes a state and an element, and returns the next state.
          name: a name for the operation.

        Raises:
          TypeError: the function returns another structure or other dtypes than those of the state.

        >>> import tideflow as tf
        >>> tf.data.Dataset.range(5).reduce(tf.constant(0, tf.int64), lambda total, x: total + x).numpy()
        np.int64(10)
        """
        state = structure.normalized(initial_state)
        specs = structure.spec_of(state)
        function, specs = state_function(reduce_func, specs, self.element_spec, "reduce_func", "Dataset.reduce()")
        found = raw.ReduceDataset(
            self._variant_tensor, structure.tensors_of(specs, state), function.captured, f=function.graph,
            **structure.kinds(specs),
        )  # fmt: skip
        return structure.element_of(specs, found)

    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """Returns what a function makes of this dataset, which must be a dataset.

        Raises:
          TypeError: it is something else.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(9).apply(lambda dataset: dataset.take(1)).as_numpy_iterator())
        [np.int64(0)]
        """
        found = transformation_func(self)
        if not isinstance(found, FunctionTransformations):
            raise TypeError(f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(found)}.")
        return found


def state_function(
    function: Callable[..., Any], specs: Any, element_spec: Any, argument: str, transformation: str,
    state_of: Callable[[Any], Any] = lambda found: found,
) -> tuple[StructuredFunction, Any]:  # fmt: skip
    """Returns a function of a state and an element, traced, and the specs of the state, which all its results fit.

    Args:
      function: the function.
      specs: the specs of the first state; where results have other shapes, these become unknown.
      element_spec: those of an element.
      argument: what messages call the function.
      transformation: what it is used in.
      state_of: takes from the specs of what it returns those of the state.

    Raises:
      TypeError: it returns a state of another structure, or of other dtypes.
    """
    while True:
        made = StructuredFunction(function, transformation, (specs, element_spec))
        found = state_of(made.output_structure)
        wanted = structure.flattened(specs)
        try:
            pairs = list(zip(wanted, structure.flattened_up_to(specs, found), strict=True))
        except (TypeError, ValueError):
            raise TypeError(
                f"The element structure of the new state must match that of the initial state. Expected {specs}, got "
                f"{found}."
            ) from None
        wider = []
        for have, given in pairs:
            if getattr(have, "dtype", None) is not getattr(given, "dtype", None):
                raise TypeError(
                    f"Invalid `{argument}`. The element types for the new state must match the initial state. Expected "
                    f"{have}; got {given}."
                )
            common = have.most_specific_common_supertype([given])
            if common is None:
                raise TypeError(
                    f"Invalid `{argument}`. The element classes for the new state must match the initial state. "
                    f"Expected {have}; got {given}."
                )
            wider.append(common)
        if wider == wanted:
            return made, specs
        remaining = iter(wider)
        specs = structure.mapped(lambda spec: next(remaining), specs)  # noqa: B023 - called at once
