"""Keeps the variables that ``get_variable`` makes, by name, and makes or shares them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.initializers import GlorotUniform, Zeros
from tideflow._src.state.partitioned_variable import PartitionedVariable, PartitionInfo, parts_of
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization, validated
from tideflow._src.state.resource_variable import is_resource_variable
from tideflow._src.state.variable import VariableV1, kinds

_KEY = ("__variable_store",)


class _AutoReuse:
    """Is the value that says: share a variable if it is there, else make it."""

    def __repr__(self) -> str:
        return "_ReuseMode.AUTO_REUSE"


AUTO_REUSE: Any = _AutoReuse()


class VariableStore:
    """Is the table of one graph's shared variables."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.partitioned: dict[str, PartitionedVariable] = {}
        #: Whether variables made eagerly are kept, too.
        self.keeps_eager_variables = False

    def get_variable(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Callable[..., Any] | None = None,
        constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
    ) -> Any:
        """Returns the variable ``name``, made if ``reuse`` allows it; see :func:`.variable_scope.get_variable`."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        with init_scope():
            if context.executing_eagerly():
                use_resource = True
        if context.executing_eagerly():
            reuse = AUTO_REUSE if self.keeps_eager_variables else False
        dtype = getattr(dtype, "base_dtype", dtype)
        synchronization, aggregation, trainable = validated(synchronization, aggregation, trainable, name)
        arguments: dict[str, Any] = {
            "name": name,
            "shape": shape,
            "dtype": dtype,
            "initializer": initializer,
            "regularizer": regularizer,
            "reuse": reuse,
            "trainable": trainable,
            "collections": collections,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        if custom_getter is None:
            return self._get(constraint=constraint, **arguments)
        if _takes(custom_getter, "constraint"):
            arguments["constraint"] = constraint
        return custom_getter(getter=self._get, **arguments)

    def _get(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
    ) -> Any:
        """Is what a custom getter gets as ``getter``."""
        options: dict[str, Any] = {
            "reuse": reuse,
            "trainable": trainable,
            "collections": collections,
            "caching_device": caching_device,
            "validate_shape": validate_shape,
            "use_resource": use_resource,
            "constraint": constraint,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        is_scalar = shape is not None and isinstance(shape, Sequence) and not shape
        if (partitioner is not None and not is_scalar) or (reuse is True and name in self.partitioned):
            return self._get_partitioned(name, shape, dtype, initializer, regularizer, partitioner, options)
        if f"{name}/part_0" in self.variables:
            raise ValueError(
                "No partitioner was provided, but a partitioned version of the variable was found: "
                f"{name}/part_0. "
                "Perhaps a variable of the same name was already created with partitioning?"
            )
        return self._get_single(name, shape, dtype, initializer, regularizer, None, options)

    def _get_partitioned(
        self,
        name: str,
        shape: Any,
        dtype: Any,
        initializer: Any,
        regularizer: Any,
        partitioner: Any,
        options: dict[str, Any],
    ) -> PartitionedVariable:
        reuse = options["reuse"]
        found = self.partitioned.get(name)
        if found is not None:
            if reuse is False:
                raise ValueError(
                    f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True?"
                )
            if shape is not None and not as_shape(shape).is_compatible_with(found.shape):
                raise ValueError(
                    f"Trying to reuse partitioned variable {name}, but specified shape {as_shape(shape)} "
                    "and found "
                    f"shape {found.shape}."
                )
            if not dtypes.as_dtype(dtype).is_compatible_with(found.dtype):
                raise ValueError(
                    f"Trying to reuse partitioned variable {name}, but specified dtype "
                    f"{dtypes.as_dtype(dtype).name} "
                    f"and found dtype {found.dtype.name}."
                )
            return found
        if reuse is True:
            raise ValueError(f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable().")
        initial: Any = None
        if initializer is not None and not callable(initializer):
            from tideflow._src.runtime.convert import convert_to_tensor

            initial = convert_to_tensor(initializer)
            shape = initial.shape
        shape = as_shape(shape)
        if not shape.is_fully_defined():
            raise ValueError(
                f"Shape of a new partitioned variable ({name}) must be fully defined, but instead was {shape}."
            )
        counts, parts = parts_of(partitioner, shape, dtypes.as_dtype(dtype))
        made = []
        for index, (offset, size) in enumerate(parts):
            part_initializer: Any = initializer
            part_shape: Any = size
            if initial is not None:
                with name_scope(f"{name}/PartitionedInitializer/"):
                    part_initializer = initial[tuple(slice(o, o + n) for o, n in zip(offset, size, strict=True))]
                part_shape = None
            with name_scope(None):
                variable = self._get_single(
                    f"{name}/part_{index}",
                    part_shape,
                    dtype,
                    part_initializer,
                    regularizer,
                    PartitionInfo(shape.as_list(), offset),
                    options,
                )
            variable._set_save_slice_info(VariableV1.SaveSliceInfo(name, shape.as_list(), list(offset), list(size)))
            made.append(variable)
        whole = PartitionedVariable(name, shape, dtypes.as_dtype(dtype), made, counts)
        if not context.executing_eagerly() or self.keeps_eager_variables:
            self.partitioned[name] = whole
        return whole

    def _get_single(
        self,
        name: str,
        shape: Any,
        dtype: Any,
        initializer: Any,
        regularizer: Any,
        partition_info: Any,
        options: dict[str, Any],
    ) -> Any:
        from_value = initializer is not None and not callable(initializer)
        if shape is not None and from_value:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = dtypes.as_dtype(dtype)
        shape = as_shape(shape)
        reuse = options["reuse"]
        options = {key: value for key, value in options.items() if key != "reuse"}
        if name in self.variables:
            return self._shared(name, shape, dtype, reuse)
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean "
                "to set "
                "reuse=tf.AUTO_REUSE in VarScope?"
            )
        if initializer is None:
            if shape.rank is None:
                raise ValueError(
                    f"Variable {name} did not get an initializer, so its `shape` argument must be specified."
                )
            initializer = default_initializer(name, dtype)
        with init_scope():
            initial, variable_dtype = _initial_value(name, initializer, from_value, shape, dtype, partition_info)
        if options["use_resource"] is None:
            options["use_resource"] = kinds.resource_by_default
        make: Any = VariableV1
        variable = make(initial_value=initial, name=name, dtype=variable_dtype, **options)
        if not context.executing_eagerly() or self.keeps_eager_variables:
            self.variables[name] = variable
        if regularizer:
            self._regularize(name, variable, regularizer)
        return variable

    def _shared(self, name: str, shape: TensorShape, dtype: Any, reuse: Any) -> Any:
        found = self.variables[name]
        if reuse is False:
            problem = (
                f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or "
                "reuse=tf.AUTO_REUSE in "
                "VarScope?"
            )
            if is_resource_variable(found) or not found.op.source_line:
                raise ValueError(problem)
            raise ValueError(f"{problem} Originally defined at:\n\n  {found.op.source_line}")
        if not shape.is_compatible_with(found.shape):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {shape} and found shape {found.shape}."
            )
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(
                f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {found.dtype.name}."
            )
        return found

    def _regularize(self, name: str, variable: Any, regularizer: Any) -> None:
        with init_scope():  # a loss of a variable made in a loop's body is one of the graph around
            loss = regularizer(variable)
            graph = context.current_graph()
            if loss is not None and graph is not None:
                # The loss that is kept has its own names; TensorFlow calls the regularizer twice, too.
                with graph.colocate_with(variable.op), name_scope(f"{name}/Regularizer/"):
                    loss = regularizer(variable)
            if loss is not None:
                context.default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


def default_initializer(name: str, dtype: Any) -> Any:
    """Returns the initializer of a variable that is given none.

    Raises:
      ValueError: no initial value of that dtype goes without saying.
    """
    if dtype.is_floating:
        return GlorotUniform()
    if dtype.is_integer or dtype.is_bool or dtype is dtypes.string:
        return Zeros()
    raise ValueError(f"An initializer for variable {name} of {dtype.base_dtype} is required")


def _initial_value(
    name: str, initializer: Any, from_value: bool, shape: TensorShape, dtype: Any, partition_info: Any
) -> tuple[Any, Any]:
    """Returns the initial value to give to the variable, and the dtype to convert it to."""
    if from_value:
        return initializer, None
    if inspect.isclass(initializer):
        initializer = initializer()
    if shape.is_fully_defined():
        options: dict[str, Any] = {"dtype": dtype.base_dtype}
        if partition_info is not None and _takes(initializer, "partition_info"):
            options["partition_info"] = partition_info
        return functools.partial(initializer, shape.as_list(), **options), dtype.base_dtype
    if not _required(initializer):
        return initializer, None
    raise ValueError(
        f"The initializer passed for variable {name} is not valid: its shape is {shape}. It should be a "
        "callable with "
        "no arguments, or `shape` should be fully defined."
    )


def _signature(function: Any) -> Any:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _takes(function: Any, name: str) -> bool:
    signature = _signature(function)
    if signature is None:
        return False
    return name in signature.parameters or any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in signature.parameters.values()
    )


def _required(function: Any) -> bool:
    """Tells whether a function cannot be called without arguments."""
    signature = _signature(function)
    if signature is None:
        return False
    named = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return any(
        parameter.default is inspect.Parameter.empty and parameter.kind not in named
        for parameter in signature.parameters.values()
    )


def sharing_graph() -> Any:
    """Returns the graph whose variables are shared here: that in which the functions being built are used."""
    graph = context.default_graph()
    while graph.building_function and getattr(graph, "outer_graph", None) is not None:
        graph = graph.outer_graph
    return graph


def variable_store() -> VariableStore:
    """Returns the store of the current default graph."""
    kept = sharing_graph().get_collection_ref(_KEY)
    if not kept:
        kept.append(VariableStore())
    return kept[0]


def set_variable_store(store: VariableStore) -> VariableStore:
    """Makes ``store`` that of the current default graph; returns the one before."""
    before = variable_store()
    sharing_graph().get_collection_ref(_KEY)[0] = store
    return before
