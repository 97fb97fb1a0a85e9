"""Defines ``Layer``: a function with variables of its own, as TensorFlow 1.x builds models of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.tensor_shape import as_shape
from tideflow._src.layers.call_history import CallHistory
from tideflow._src.layers.input_spec import InputSpec as InputSpec
from tideflow._src.layers.input_spec import check_inputs
from tideflow._src.layers.keras_style import in_keras_style
from tideflow._src.layers.losses_and_updates import LossesAndUpdates, add_new
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.session.session import get_default_session
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.partitioned_variable import PartitionedVariable
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization
from tideflow._src.state.variable import Variable, VariableV1
from tideflow._src.state.variable_scope import VariableScope, get_variable, variable_scope
from tideflow._src.state.variable_store import default_initializer, sharing_graph

_NAMES = ("__layer_names",)
_KERAS_ARGUMENTS = frozenset(
    "input_shape batch_input_shape batch_size input_dim weights activity_regularizer dynamic autocast "
    "implementation experimental_autocast".split()
)


def snake_case(name: str) -> str:
    """Returns the name of a class as layers use it: ``MaxPooling2D`` gives ``max_pooling2d``."""
    split = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    result = re.sub("([a-z])([A-Z])", r"\1_\2", split).lower()
    return f"private{result}" if result.startswith("_") else result


def _unique_name(base: str) -> str:
    kept = sharing_graph().get_collection_ref(_NAMES)
    if not kept:
        kept.append({})
    counts = kept[0]
    counts[base] = counts.get(base, 0) + 1
    return f"{base}_{counts[base]}"


class Layer(LossesAndUpdates, CallHistory):
    """Is a function of tensors with variables, which it makes when it is first called.

    A subclass makes its variables in :meth:`build`, with :meth:`add_weight`, and computes in :meth:`call`.

    Args:
      trainable: whether the variables are to be trained.
      name: the name, by default that of the class; also a variable scope.
      dtype: the dtype of the variables; by default that of the first input.
      **kwargs: ``_scope`` and ``_reuse`` give the variable scope and whether it shares variables; others are arguments
        of Keras' layers, of which ``activity_regularizer`` has an effect.

    Raises:
      TypeError: an argument is not known.

    >>> import tideflow.compat.v1 as tf
    >>> graph = tf.Graph()
    >>> with graph.as_default():
    ...     layer = tf.layers.Dense(3, name="hidden")
    ...     y = layer(tf.zeros([2, 4]))
    >>> y.shape.as_list(), [variable.name for variable in layer.weights]
    ([2, 3], ['hidden/kernel:0', 'hidden/bias:0'])
    """

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, **kwargs: Any) -> None:
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self._use_resource_variables = False
        unknown = sorted(set(kwargs) - _KERAS_ARGUMENTS)
        if unknown:
            raise TypeError(f"Keyword argument not understood: {', '.join(unknown)}")
        self.trainable = trainable
        self.built = False
        self.input_spec: Any = None
        self.stateful = False
        self.supports_masking = False
        self._activity_regularizer = kwargs.get("activity_regularizer")
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._losses = []
        self._updates = []
        self._calls = []
        self._graph = context.current_graph()
        self._set_name(name)
        self._keras_style = in_keras_style()
        if self._keras_style and scope is not None:
            raise ValueError(f"scope argument not allowed when keras style layers are enabled, but saw: {scope}")
        if self._keras_style and self._reuse is not None:
            raise ValueError(f"reuse argument not allowed when keras style layers are enabled, but saw: {self._reuse}")
        self._call_arguments = self._find_call_arguments()
        self._scope: VariableScope | None = None
        self._current_scope: VariableScope | None = None
        if scope:
            with variable_scope(scope) as captured:
                self._scope = captured

    def _set_name(self, name: Any) -> None:
        base = snake_case(type(self).__name__)
        if isinstance(name, VariableScope):
            self._base_name: str = name.name
            self._name = _unique_name(base)
        elif name:
            self._base_name = self._name = name
        else:
            self._base_name = base
            self._name = _unique_name(base)

    def _find_call_arguments(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.call).parameters)

    # What a subclass says.

    def build(self, input_shape: Any) -> None:
        """Makes the variables for inputs of a shape."""
        del input_shape
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the layer's result."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the result for inputs of a shape.

        Raises:
          NotImplementedError: the layer does not say.
        """
        raise NotImplementedError(f"The layer {type(self).__name__} does not tell the shape of its output.")

    # Calls.

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer, and makes its variables at the first call.

        Args:
          inputs: a tensor, or a structure of tensors.
          *args, **kwargs: what :meth:`call` takes beside; ``scope`` names a variable scope for the variables.

        Raises:
          ValueError: the inputs are not of the shapes that the layer takes.
        """
        scope = kwargs.pop("scope", None)
        if self._keras_style:
            if scope is not None:
                raise ValueError(f"scope argument not allowed when keras style layers are enabled, but saw: {scope}")
            with name_scope(self._name_scope()):
                return self._called(inputs, args, kwargs)
        self._set_scope(scope)
        assert self._scope is not None
        reuse = True if self.built else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as entered:
            self._current_scope = entered
            if "scope" in self._call_arguments:
                kwargs["scope"] = entered
            with name_scope(self._name_scope()):
                outputs = self._called(inputs, args, kwargs)
        graph = context.current_graph()
        if graph is not None:
            add_new(graph, GraphKeys.UPDATE_OPS, self.updates)
        return outputs

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer; the same as ``layer(inputs)``."""
        return self(inputs, *args, **kwargs)

    def _called(self, inputs: Any, args: Any, kwargs: Any) -> Any:
        if any(isinstance(item, np.ndarray | float | int | np.generic) for item in nest.flatten(inputs)):
            inputs = nest.map_structure(_as_tensor, inputs)
        check_inputs(self.input_spec, inputs, self._name)
        if not self.built:
            first = nest.flatten(inputs)
            if self._dtype is None and first and hasattr(first[0], "dtype"):
                self._dtype = dtypes.as_dtype(first[0].dtype).base_dtype
            self.build(_shapes(inputs))
            self.built = True
            check_inputs(self.input_spec, inputs, self._name)
        outputs = self.call(inputs, *args, **kwargs)
        if outputs is None:
            raise ValueError(f"A layer's `call` method should return a Tensor or a list of Tensors, not None: {self}")
        if self._activity_regularizer is not None:
            self._regularize_activity(inputs, outputs)
        if context.current_graph() is not None:
            self._calls.append((inputs, outputs))
        return outputs

    def _regularize_activity(self, inputs: Any, outputs: Any) -> None:
        with name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)  # type: ignore[misc]
                size = raw.Cast(raw.Shape(output)[0], DstT=loss.dtype)
                self.add_loss(loss / size, inputs=inputs)

    # Scopes.

    def _set_scope(self, scope: Any = None) -> None:
        if self._scope is not None:
            return
        if self._reuse:
            with variable_scope(scope if scope is not None else self._base_name) as captured:
                self._scope = captured
        else:
            with variable_scope(scope, default_name=self._base_name) as captured:
                self._scope = captured

    def _name_scope(self) -> str:
        if self._keras_style or self._current_scope is None:
            return self._name
        return self._current_scope.original_name_scope

    @property
    def scope_name(self) -> str:
        """The name of the variable scope.

        Raises:
          ValueError: the layer was not called yet, so that it has none.
        """
        if self._scope is None:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" has not been used yet. The '
                "scope name is determined the first time the layer instance is called. You must therefore call the "
                "layer before querying `scope_name`."
            )
        return self._scope.name

    # Variables.

    def add_weight(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
        partitioner: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Makes a variable of the layer, or shares one.

        Args:
          name: the name below the layer's scope.
          shape: the shape.
          dtype: the dtype; by default that of the layer.
          initializer: the initializer; by default that of the variable scope, or Glorot's uniform distribution.
          regularizer: a function of the variable; its result joins the regularization losses.
          trainable: whether the variable is to be trained; by default yes.
          constraint: a function that optimizers apply after each update.
          use_resource: whether it is a resource variable.
          synchronization, aggregation: as of ``tf.Variable``.
          partitioner: a function that cuts the variable into parts.

        Raises:
          TypeError: another keyword argument is given.
          ValueError: a variable that is synchronized on reads is to be trained.
        """
        unknown = sorted(set(kwargs) - {"experimental_autocast"})
        if unknown:
            raise TypeError(f"Unknown keyword argument: {', '.join(unknown)}")
        if synchronization == VariableSynchronization.ON_READ:
            if trainable:
                raise ValueError(
                    "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable "
                    "variables. You have specified trainable=True and synchronization=VariableSynchronization.ON_READ."
                )
            trainable = False
        elif trainable is None:
            trainable = True
        dtype = dtypes.as_dtype(dtype if dtype is not None else self._dtype or dtypes.float32)
        if self._keras_style:
            variable = self._own_variable(name, shape, dtype, initializer, trainable and self.trainable, constraint)
            if regularizer is not None:
                self._regularize(name, variable, regularizer)
            self._track(variable, trainable)
            return variable
        graph = context.current_graph()
        existing = set()
        if graph is not None:
            existing = {id(item) for item in sharing_graph().get_collection(GraphKeys.GLOBAL_VARIABLES)}
        self._set_scope(None)
        assert self._scope is not None
        reuse = self.built or self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with name_scope(self._name_scope()):
                variable = get_variable(
                    name,
                    shape=shape,
                    dtype=dtype,
                    initializer=initializer or scope.initializer or _default_initializer(name, dtype, self._name),
                    trainable=trainable and self.trainable,
                    constraint=constraint,
                    partitioner=partitioner,
                    use_resource=use_resource or self._use_resource_variables or scope.use_resource,
                    synchronization=synchronization,
                    aggregation=aggregation,
                )
                if regularizer is not None and not any(id(part) in existing for part in _parts(variable)):
                    self._regularize(name, variable, regularizer)
        overridden = graph is not None and trainable and self.trainable and not _is_trained(variable)
        self._track(variable, trainable and not overridden)
        return variable

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """Makes a variable of the layer; the old name of :meth:`add_weight`."""
        return self.add_weight(*args, **kwargs)

    def _own_variable(
        self, name: str, shape: Any, dtype: Any, initializer: Any, trainable: bool, constraint: Any
    ) -> Any:
        initializer = initializer or default_initializer(name, dtype)
        if inspect.isclass(initializer):
            initializer = initializer()
        make: Any = VariableV1
        return make(
            initial_value=lambda: initializer(as_shape(shape).as_list(), dtype=dtype),
            trainable=trainable,
            dtype=dtype,
            constraint=constraint,
            use_resource=True,
            name=name,
        )

    def _regularize(self, name: str, variable: Any, regularizer: Any) -> None:
        for part in _parts(variable):
            if context.current_graph() is None:
                self._losses.append((lambda part=part: self._loss_of(name, part, regularizer), True))
                continue
            with _outside_functions():
                loss = self._loss_of(name, part, regularizer)
                if loss is not None:
                    self._add_losses([loss], True)

    @staticmethod
    def _loss_of(name: str, variable: Any, regularizer: Any) -> Any:
        with name_scope(f"{name}/Regularizer"):
            return regularizer(variable)

    def _track(self, variable: Any, trainable: bool | None) -> None:
        kept = self._trainable_weights if trainable else self._non_trainable_weights
        for part in _parts(variable):
            if not any(part is known for known in kept):
                kept.append(part)

    def _nested(self) -> Iterable[Layer]:
        """The layers among the attributes."""
        for key, value in self.__dict__.items():
            if key in ("_calls", "_losses", "_updates"):
                continue
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, Layer) and item is not self:
                    yield item

    def _attribute_variables(self, trainable: bool) -> list[Any]:
        return [
            value
            for value in self.__dict__.values()
            if isinstance(value, Variable) and value.trainable == trainable and not self._knows(value)
        ]

    def _knows(self, variable: Any) -> bool:
        return any(variable is known for known in [*self._trainable_weights, *self._non_trainable_weights])

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables to be trained, of this layer and of the layers that it holds."""
        if not self.trainable:
            return []
        found = [*self._trainable_weights, *self._attribute_variables(True)]
        for layer in self._nested():
            found.extend(layer.trainable_weights)
        return _distinct(found)

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables."""
        found = [*self._non_trainable_weights, *self._attribute_variables(False)]
        if not self.trainable:
            found = [*self._trainable_weights, *self._attribute_variables(True), *found]
        for layer in self._nested():
            found.extend(layer.non_trainable_weights if self.trainable else layer.weights)
        return _distinct(found)

    @property
    def weights(self) -> list[Any]:
        """All variables, those to be trained first."""
        return _distinct([*self.trainable_weights, *self.non_trainable_weights])

    @property
    def variables(self) -> list[Any]:
        """All variables, those to be trained first."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables to be trained."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The other variables."""
        return self.non_trainable_weights

    def count_params(self) -> int:
        """Returns how many numbers the variables hold.

        Raises:
          ValueError: the layer has not been built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer {self._name}, but the layer isn't built. You can build it "
                "manually via: `layer.build(input_shape)`."
            )
        return sum(int(np.prod(variable.shape.as_list())) for variable in self.weights)

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Returns the values of the variables; in a graph, those of the default session."""
        weights = self.weights
        if context.executing_eagerly():
            return [variable.numpy() for variable in weights]
        return list(_session().run(weights)) if weights else []

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns values to the variables; in a graph, in the default session.

        Raises:
          ValueError: their number or a shape is not that of the variables.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self._name}" with a weight list of length '
                f"{len(weights)}, but the layer was expecting {len(variables)} weights."
            )
        for variable, value in zip(variables, weights, strict=True):
            if not variable.shape.is_compatible_with(np.shape(value)):
                raise ValueError(f"Layer weight shape {variable.shape} not compatible with provided {np.shape(value)}.")
            if context.executing_eagerly():
                variable.assign(value)
            else:
                variable.load(value, _session())

    # What the layer is.

    @property
    def name(self) -> str:
        """The name, which no other layer of the graph has unless it was given."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The dtype of the variables: its name, or None before the first call."""
        return None if self._dtype is None else self._dtype.name

    @property
    def graph(self) -> Any:
        """The graph in which the layer was made.

        Raises:
          RuntimeError: operations run eagerly, so that there is none.
        """
        if context.executing_eagerly():
            raise RuntimeError("Layer.graph not supported when executing eagerly.")
        return self._graph

    @property
    def activity_regularizer(self) -> Any:
        """The function of the output that gives a loss, or None."""
        return self._activity_regularizer

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make the layer again, as far as every layer has them."""
        return {"name": self._name, "trainable": self.trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Returns the layer that :meth:`get_config` described."""
        return cls(**config)


def _outside_functions() -> Any:
    """Returns a scope for what must not be part of a loop's body: a loss of a variable is one of the graph around."""
    graph = context.current_graph()
    return init_scope() if graph is not None and graph.building_function else nullcontext()


def _default_initializer(name: str, dtype: Any, layer_name: str) -> Any:
    try:
        return default_initializer(name, dtype)
    except ValueError:
        raise ValueError(
            f"An initializer for variable {name} of type {dtype.base_dtype} is required for layer {layer_name}."
        ) from None


def _parts(variable: Any) -> list[Any]:
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


def _is_trained(variable: Any) -> bool:
    trained = sharing_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)
    known = {id(item) for item in trained}
    parts = _parts(variable)
    if all(isinstance(part, Variable) for part in parts):
        return any(id(part) in known or part.trainable for part in parts)
    return True  # a custom getter made it of variables; each of those says for itself whether it is trained


def _distinct(items: Iterable[Any]) -> list[Any]:
    return list({id(item): item for item in items}.values())


def _session() -> Any:
    session = get_default_session()
    if session is None:
        raise ValueError("The values of variables in a graph need a default session: use `with session.as_default():`.")
    return session


def _as_tensor(item: Any) -> Any:
    return convert_to_tensor(item) if isinstance(item, np.ndarray | float | int | np.generic) else item


def _shapes(inputs: Any) -> Any:
    if all(hasattr(item, "shape") for item in nest.flatten(inputs)):
        return nest.map_structure(lambda item: as_shape(item.shape), inputs)
    return None
