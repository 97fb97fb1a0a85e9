"""Defines ``ConcreteFunction``: a traced function for one signature, which can be called and looked into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, Tensor, out_of_scope
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.function import interfaces, structures, trace_types
from tideflow._src.function.function_type import FunctionType, Parameter, structured
from tideflow._src.function.graph_call import GraphCall
from tideflow._src.function.python_tracing import FunctionGraph, function_around
from tideflow._src.runtime.arguments import wire_name
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state import autotrackable


class ConcreteFunction(interfaces.Callable):
    """Is a function that was traced for one signature: a graph, and the way to call it.

    Args:
      graph: the graph.
      parameters: the parameters, with the types of the arguments that the graph was built for.
      name: the name of the Python function.
      cause: what made the function be traced.
      trace_seconds: how long that took.

    Attributes:
      graph: the graph of the function.
      call: calls the graph.
      structured_outputs: what the Python function returned, as symbolic tensors.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        parameters: Sequence[Parameter],
        name: str,
        cause: str = "it was built by hand",
        trace_seconds: float = 0.0,
    ) -> None:
        self.graph = graph
        self._parameters = tuple(parameters)
        self._python_name = name
        self._captured = graph.external_captures
        self.structured_outputs = graph.structured_outputs
        self.cause = cause
        self.trace_seconds = trace_seconds
        self.call = GraphCall(graph)
        self._handles = [index for index, item in enumerate(graph.inputs) if item._dtype is dtypes.resource]
        self._pack = _packer(graph.structured_outputs)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns what walks over objects find below the function: nothing."""
        del save_type, kwargs
        return {}

    def _maybe_initialize_trackable(self) -> None:
        """Does nothing: walks over objects call it."""

    # What it is.

    @property
    def name(self) -> bytes:
        """The name of the function in graphs that call it."""
        return self.graph.name.encode()

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The parameters of the graph: the arguments, and then what is captured."""
        return list(self.graph.inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The tensors that the graph returns."""
        return list(self.graph.outputs)

    @property
    def returns_one_tensor(self) -> bool:
        """Whether calls return a single tensor rather than a structure."""
        return isinstance(self.structured_outputs, Tensor)

    @property
    def captured_inputs(self) -> list[Any]:
        """The captured tensors that each call gets beside its arguments."""
        found = list(self._captured)
        around = function_around(context.current_graph()) if self.graph.deferred else None
        for closure, kind, _ in self.graph.deferred:
            # In a function that is being traced, the value is that of each call of that function.
            value = closure() if around is None else around.capture_call_time_value(closure, kind, key=closure)
            trace_types.collect(kind, value, found)
        return found

    def set_external_captures(self, captures: Sequence[Any]) -> None:
        """Gives calls other tensors, of the same number, for what the function captured."""
        if len(captures) != len(self._captured):
            raise ValueError(f"{self!r} has {len(self._captured)} captures, but {len(captures)} are given.")
        self._captured = list(captures)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function uses."""
        return self.graph.variables

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that the function uses and that are trained."""
        return self.graph.trainable_variables

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional and keyword arguments that the function was traced for: specs, and values of Python."""
        return structured(self._parameters)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of what the function returns."""
        return self._of_outputs(lambda tensor: tensor.shape)

    @property
    def output_dtypes(self) -> Any:
        """The dtypes of what the function returns."""
        return self._of_outputs(lambda tensor: tensor.dtype)

    def _of_outputs(self, look: Callable[[Any], Any]) -> Any:
        return structures.map_leaves(lambda leaf: None if leaf is None else look(leaf), self.structured_outputs)

    @property
    def function_def(self) -> Any:
        """The function as a ``FunctionDef`` message."""
        from tideflow._src.graph import export  # loads protobuf

        return export.function_def(self.graph)

    @property
    def function_type(self) -> FunctionType:
        """The signature: parameters, output and captures with their types."""
        captures = {id(outer): TensorSpec(inner.shape, inner.dtype) for outer, inner in self.graph.captures}
        return FunctionType(self._parameters, _output_type(self.structured_outputs), captures)

    @property
    def inference_fn(self) -> ConcreteFunction:
        """The function that runs where nobody asks for gradients: TensorFlow keeps another object for it."""
        return self

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """Returns the signature as text: on several lines with captures, or on one."""
        return repr(self.function_type) if verbose else str(self.function_type)

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.function_type} at 0x{id(self):X}>"

    def __str__(self) -> str:
        return f"ConcreteFunction {self.function_type!r}"

    # Calling it.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function: with arguments as the Python function takes them, or with its tensors by name.

        Raises:
          TypeError: the arguments fit neither way.
          InvalidArgumentError: a tensor is of another dtype than the function was traced for.
        """
        return self._call_flat(self._flat_arguments(args, kwargs))

    def _flat_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        try:
            return self._bind_structured(args, kwargs)
        except TypeError as error:
            first = error
        try:
            return self._bind_flat(args, kwargs)
        except TypeError as error:
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{first}`. Received args: {args} and kwargs: {kwargs} "
                f"for signature: {self.function_type}.\n"
                f"Fallback to flat signature also failed due to: {error}"
            ) from None

    def _bind_structured(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        left = list(args)
        named = dict(kwargs)
        tensors: list[Any] = []
        for item in self._parameters:
            kind = item.type_constraint
            if left and item.kind.name == "KEYWORD_ONLY":
                break  # there are too many
            if left:
                value = left.pop(0)
                if item.name in named and item.kind.name != "POSITIONAL_ONLY":
                    raise TypeError(f"multiple values for argument {item.name!r}")
            elif item.name in named and item.kind.name != "POSITIONAL_ONLY":
                value = named.pop(item.name)
            elif isinstance(kind, trace_types.Literal) and not isinstance(kind.value, float | complex):
                value = kind.value
            elif not trace_types.specs(kind) and not isinstance(kind, trace_types.Literal):
                value = trace_types.described(kind, item.name)
            elif isinstance(kind, trace_types.Literal):
                value = kind.value
            else:
                raise TypeError(f"missing a required argument: {item.name!r}")
            try:
                value = _fitted(value, kind)
            except ValueError as error:  # of what is no tensor: it may fit the other way of calling
                raise TypeError(str(error)) from None
            trace_types.collect(kind, value, tensors)
        if left:
            raise TypeError("too many positional arguments")
        if named:
            raise TypeError(f"got an unexpected keyword argument {next(iter(named))!r}")
        return tensors

    def _bind_flat(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Binds tensors to the parameters of the graph, by position and by name."""
        parameters = self.graph.inputs[: self.graph.argument_count]
        names = [parameter._op.name for parameter in parameters]
        shown = f"{self._python_name}({', '.join(names)})"
        if len(args) > len(names):
            raise TypeError(f"{shown} takes {len(names)} positional arguments, got {len(args)}.")
        values: dict[str, Any] = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in values:
                raise TypeError(f"{shown} got multiple values for argument {name!r}.")
            if name in names:
                values[name] = value
        missing = [name for name in names if name not in values]
        if missing:
            raise TypeError(f"{shown} missing required arguments: {', '.join(missing)}.")
        unknown = [name for name in kwargs if name not in names]
        if unknown:
            raise TypeError(f"{shown} got unexpected keyword arguments: {', '.join(unknown)}.")
        tensors = []
        for index, (name, parameter) in enumerate(zip(names, parameters, strict=True)):
            value = values[name]
            if parameter._dtype is dtypes.resource and hasattr(value, "handle"):
                value = value.handle
            elif hasattr(value, "_dense_var_to_tensor"):
                value = value.value()
            elif not isinstance(value, Tensor):
                if not hasattr(value, "__array__") and not isinstance(
                    value, bool | int | float | complex | str | bytes
                ):
                    raise TypeError(
                        f"{shown}: expected argument #{index}(zero-based) to be a Tensor; got "
                        f"{type(value).__name__} ({value!r})."
                    )
                value = convert_to_tensor(value, parameter._dtype)
            tensors.append(value)
        return tensors

    def _call_flat(self, tensors: list[Any]) -> Any:
        """Calls the function with the tensors of its arguments."""
        inputs = [*tensors, *self.captured_inputs] if self.graph.deferred else [*tensors, *self._captured]
        if context.state.tapes:
            for index in self._handles:
                self._show(inputs[index])
        if context.current_graph() is None:
            self._check(tensors)
        return self._pack(self.call(inputs))

    @staticmethod
    def _show(handle: Any) -> None:
        """Tells the tapes of this thread that the variable of a handle is used."""
        owner = handle.__dict__.get("_variable_of")
        variable = owner() if owner is not None else None
        if variable is not None:
            for tape in context.state.tapes:
                tape.variable_accessed(variable)

    def compiler_ir(self, tensors: Sequence[Any], stage: str = "hlo", device_name: str | None = None) -> str | bytes:
        """Returns what XLA makes of the function.

        Args:
          tensors: the tensors of its arguments, or specs of these.
          stage: the form; see ``experimental_get_compiler_ir``.
          device_name: kept for TensorFlow's signature.

        Raises:
          ValueError: there is no such form, a shape is not known, or a part of the function runs on the host only.
        """
        from tideflow._src.runtime import lowering, xla  # loads JAX

        del device_name
        if stage not in lowering.STAGES:
            raise ValueError(
                f"Invalid stage selected: {stage!r}. Valid values are: {', '.join(map(repr, lowering.STAGES))}"
            )
        inputs = [*tensors, *self.captured_inputs]
        try:
            program = self.call.program_for(inputs)
        except InvalidArgumentError as error:
            raise ValueError(error.message) from None
        values = []
        for index in program.fed:
            item = inputs[index]
            if not isinstance(item, TensorSpec):
                values.append(item._value)
            elif item.shape.is_fully_defined():
                values.append(lowering.described(item.shape._dims, item.dtype.as_numpy_dtype))
            else:
                raise ValueError(f"XLA compiles for known shapes, but {item!r} has unknown sizes.")
        try:
            return lowering.compiler_ir(program.program.plan, program.state, values, stage)
        except xla.NotCompilable as error:
            raise ValueError(f"XLA cannot compile all of {self._python_name}: {error}.") from None

    def _check(self, tensors: Sequence[Any]) -> None:
        for index, (tensor, parameter) in enumerate(zip(tensors, self.graph.inputs, strict=False)):
            if not isinstance(tensor, EagerTensor):
                raise out_of_scope(tensor, "here")
            if tensor.dtype is not parameter._dtype:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"cannot compute {self.graph.name} as input #{index}(zero-based) was expected to be a "
                    f"{wire_name(parameter._dtype)} tensor but is a {wire_name(tensor.dtype)} tensor "
                    f"[Op:{self.graph.name}]",
                )


def _fitted(value: Any, kind: Any) -> Any:
    """Returns an argument of a concrete function, checked against the type that the function was traced for."""
    if isinstance(kind, TensorSpec):
        if hasattr(value, "_dense_var_to_tensor"):
            return value.value()
        if isinstance(value, Tensor):
            return value
        if nest.is_nested(value) and not isinstance(value, list | tuple):
            raise TypeError(f"Can not cast {value!r} to {kind!r}")
        return trace_types.cast(value, kind)
    if isinstance(kind, trace_types.Literal | trace_types.ObjectType):
        found = trace_types.type_of(value, trace_types.TypingContext())
        if found != kind:
            raise TypeError(f"Can not cast {value!r} to {kind!r}")
        return value
    return trace_types.cast(value, kind)


def _packer(structure: Any) -> Callable[[list[Any]], Any]:
    """Returns the function that makes what a call returns of the tensors that the graph returns."""
    if structure is None:
        return lambda tensors: None
    pack = nest.flat_packer(structure, lambda leaf: isinstance(leaf, Tensor))
    if pack is not None:
        return pack
    if type(structure) is list and all(isinstance(leaf, Tensor) for leaf in structure):
        return lambda tensors: tensors
    if structures.is_composite(structure) and isinstance(structure._type_spec, TypeSpec):
        spec = structure._type_spec  # the same one for all that calls return
        if _is_flat(spec._component_specs):
            return spec._from_components
    return lambda tensors: structures.pack(structure, tensors)


def _is_flat(components: Any) -> bool:
    """Tells whether a value of several tensors consists of a list of them."""
    return type(components) is list and all(isinstance(spec, TensorSpec) for spec in components)


def _output_type(structure: Any) -> Any:
    if structure is None:
        return trace_types.Literal(None)
    return trace_types.type_of(structure, trace_types.TypingContext())


autotrackable.FUNCTION_KINDS += (ConcreteFunction,)
