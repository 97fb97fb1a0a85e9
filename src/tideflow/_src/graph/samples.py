"""Makes the sample calls from which the tests of every operation are made.

A definition's samples rule gets a ``Sampler`` and yields what the sampler returns when it is called::

    @mat_mul.samples
    def _mat_mul_samples(s):
        yield s(s.normal(3, 4), s.normal(4, 5))
        yield s(s.normal(4, 3), s.normal(4, 5), transpose_a=True)
        for dtype in s.dtypes("T"):
            yield s(s.array((2, 3), dtype), s.array((3, 2), dtype))
        yield s(s.normal(3, 4), s.normal(5, 6), error="InvalidArgumentError")

The same samples always come out: the generator is seeded by the operation's name. Only tests import this.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from tideflow._src.core import dtypes, float_errors
from tideflow._src.core.dtypes import DType
from tideflow._src.graph.op_def import OpDef

Array = np.ndarray[Any, Any]

_OPAQUE = ("resource", "variant")
_ANY_TYPE = (
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool", "string"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
_WORDS = (b"", b"a", b"tide", b"flow", b"TideFlow 1", b"\xc3\xa4\xc3\xb6", b"\x00\xff", b"0.5", b"-12")


@dataclass(frozen=True, eq=False)
class Variable:
    """Stands for the handle of a resource variable that holds ``value`` before the call."""

    value: Array


@dataclass(frozen=True, eq=False)
class Reference:
    """Stands for a TF 1.x reference variable that holds ``value``; the call then runs in a graph."""

    value: Array


@dataclass(frozen=True, eq=False)
class Produced:
    """Stands for an output of another operation, such as a queue; one call makes the same object once."""

    op: str
    inputs: tuple[Any, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    output: int = 0


@dataclass(frozen=True, eq=False)
class Body:
    """Stands for a function of graphs, built of what ``function`` does with parameters of the given types."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[tuple[DType, tuple[int | None, ...] | None], ...]

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class PythonFunction:
    """Stands for the token of a Python function, given as the source of a lambda expression."""

    source: str
    eager: bool

    def __repr__(self) -> str:
        return self.source


@dataclass(frozen=True, eq=False)
class Sample:
    """Is one call of an operation that its tests make.

    Attributes:
      op: the name of the operation.
      inputs: for each input of the definition an array, a list of arrays, or what stands for an array.
      attributes: those that the inputs do not imply.
      gradient: whether to differentiate this call, once and twice; False where the derivative jumps.
      differences: whether the gradient is the derivative, so that finite differences can show it; False where
        TensorFlow's is something else.
      tolerance: largest relative error of values and gradients, where the dtype's usual one is too strict.
      error: name of the exception that the call raises when it runs eagerly, or None.
      random: whether the outputs are random, so that only repeated runs with the same seed can be compared.
      static: positions of the inputs that a compiled program must know.
      before: calls to make first, on the same variables and queues.
    """

    op: str
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]
    gradient: bool
    differences: bool
    tolerance: float | None
    error: str | None
    random: bool
    static: tuple[int, ...]
    before: tuple[Sample, ...]

    def __str__(self) -> str:
        shown = [_describe(item) for item in self.inputs]
        shown += [f"{name}={_describe(value)}" for name, value in self.attributes.items()]
        return f"{self.op}({', '.join(shown)})"


def _describe(item: Any) -> str:
    if isinstance(item, list) and item and isinstance(item[0], np.ndarray):
        return f"[{', '.join(_describe(each) for each in item)}]"
    if isinstance(item, (Variable, Reference)):
        return f"{type(item).__name__} {_describe(item.value)}"
    if isinstance(item, Produced):
        return f"{item.op}:{item.output}"
    if isinstance(item, np.ndarray):
        if item.size <= 4 and item.dtype.kind in "biuf":
            return f"{item.dtype.name} {np.array2string(item, precision=3, separator=',')}".replace("\n", "")
        return f"{dtypes.as_dtype(item.dtype).name} {item.shape}"
    return item.name if isinstance(item, DType) else repr(item)


class Sampler:
    """Makes random arrays of any dtype, and samples of one operation from them."""

    def __init__(self, definition: OpDef, seed: int = 0) -> None:
        self.definition = definition
        self.random = np.random.default_rng([zlib.crc32(definition.name.encode()), seed])

    def __call__(
        self,
        *inputs: Any,
        gradient: bool = True,
        differences: bool = True,
        tolerance: float | None = None,
        error: str | None = None,
        static: Sequence[int] | None = None,
        before: Sequence[Sample] = (),
        **attributes: Any,
    ) -> Sample:
        """Returns a sample: inputs in order (anything NumPy reads: Python ints are int32, floats float32).

        Args:
          *inputs: one for each input of the definition; a list for an input that is a list of tensors.
          gradient: False where the derivative does not exist, such as ``relu`` at zero.
          differences: False where TensorFlow's gradient is not the derivative, as of some complex functions.
          tolerance: a larger relative error than the dtype's usual one.
          error: the name of TensorFlow's exception, where the call must fail.
          static: positions of the inputs known when compiled, if not those of the definition.
          before: samples to run first, on the same variables and queues.
          **attributes: the attributes, dtypes as names or DTypes.
        """
        definition = self.definition
        arguments = definition.inputs
        if len(inputs) != len(arguments):
            raise TypeError(f"{definition.name} takes {len(arguments)} inputs, but its sample gives {len(inputs)}.")
        for name in attributes:
            if name not in definition.attributes:
                raise TypeError(f"{definition.name} has no attribute {name!r}; it has {list(definition.attributes)}.")
        attributes = {name: _attribute(definition.attributes[name].type, value) for name, value in attributes.items()}
        converted = [
            [_input(each, argument.dtype) for each in item] if argument.is_list else _input(item, argument.dtype)
            for item, argument in zip(inputs, arguments, strict=True)
        ]
        return Sample(
            op=definition.name,
            inputs=tuple(converted),
            attributes=attributes,
            gradient=gradient and error is None,
            differences=differences,
            tolerance=tolerance,
            error=error,
            random=definition.random is not None,
            static=tuple(definition.static_inputs if static is None else static),
            before=tuple(before),
        )

    def of(self, op: str, *inputs: Any, **attributes: Any) -> Sample:
        """Returns a sample of another operation, for ``before``."""
        return Sampler(OpDef.registry[op])(*inputs, **attributes)

    def produced(self, op: str, *inputs: Any, output: int = 0, **attributes: Any) -> Produced:
        """Returns an input that another operation makes."""
        sample = self.of(op, *inputs, **attributes)
        return Produced(op, sample.inputs, sample.attributes, output)

    def variable(self, value: Any) -> Variable:
        """Returns an input that is the handle of a resource variable."""
        return Variable(_array(value))

    def reference(self, value: Any) -> Reference:
        """Returns an input that is a TF 1.x reference variable."""
        return Reference(_array(value))

    # Attributes that are functions.

    def body(self, name: str, function: Callable[..., Any], *parameters: Any) -> Body:
        """Returns an attribute that is a function of graphs.

        Args:
          name: a name for the function; no other one of this operation's samples may have it.
          function: takes a tensor for each parameter and returns a tensor or a list of tensors.
          *parameters: a dtype for each parameter, or a pair of a dtype and a static shape.
        """
        pairs = [item if isinstance(item, tuple) else (item, ()) for item in parameters]
        kinds = tuple((dtypes.as_dtype(dtype), shape) for dtype, shape in pairs)
        return Body(f"{self.definition.name}_{name}", function, kinds)

    def python(self, source: str, *, eager: bool = False) -> PythonFunction:
        """Returns a token, for ``PyFunc`` and the like, of the function that a lambda expression gives."""
        return PythonFunction(source, eager)

    # Arrays.

    def normal(self, *shape: int, dtype: Any = "float32") -> Array:
        """Returns normally distributed numbers; complex ones in both parts."""
        return self._cast(self._normal(shape, dtypes.as_dtype(dtype)), dtype)

    def _normal(self, shape: tuple[int, ...], dtype: DType) -> Array:
        values = self.random.standard_normal(shape)
        return values + 1j * self.random.standard_normal(shape) if dtype.name.startswith("complex") else values

    def uniform(self, low: float, high: float, shape: Sequence[int], dtype: Any = "float32") -> Array:
        """Returns real numbers between ``low`` and ``high``."""
        return self._cast(self.random.uniform(low, high, tuple(shape)), dtype)

    def integers(self, low: int, high: int, shape: Sequence[int], dtype: Any = "int32") -> Array:
        """Returns integers from ``low`` up to, but not including, ``high``, in any numeric dtype."""
        return self._cast(self.random.integers(low, high, tuple(shape)), dtype)

    def positive(self, shape: Sequence[int], dtype: Any = "float32") -> Array:
        """Returns numbers well above zero: from 0.5 to 3, or 1 to 9 for integers."""
        name = dtypes.as_dtype(dtype).name
        return self.uniform(0.5, 3.0, shape, dtype) if _is_real(name) else self.integers(1, 8, shape, dtype)

    def nonzero(self, shape: Sequence[int], dtype: Any = "float32") -> Array:
        """Returns numbers away from zero, of both signs where the dtype has them."""
        values = self.positive(shape, dtype)
        if dtypes.as_dtype(dtype).name.startswith("u"):
            return values
        return self._cast(values * self.random.choice([-1, 1], tuple(shape)).astype(values.dtype), dtype)

    def distinct(self, shape: Sequence[int], dtype: Any = "float32") -> Array:
        """Returns a shuffled arithmetic sequence: no ties, for maxima, sorting and pooling."""
        count = int(np.prod(shape, dtype=np.int64))
        values = self.random.permutation(count)
        if _is_real(dtypes.as_dtype(dtype).name):
            return self._cast((values - count / 2 + 0.25) / 4, dtype).reshape(shape)
        return self._cast(values, dtype).reshape(shape)

    def array(self, shape: Sequence[int], dtype: Any = "float32") -> Array:
        """Returns reasonable random values of any dtype, booleans, strings and quantized types included."""
        dtype = dtypes.as_dtype(dtype)
        shape = tuple(shape)
        name = dtype.name
        if name == "bool":
            return self.random.integers(0, 2, shape).astype(bool)
        if name == "string":
            return self.strings(shape)
        if name.startswith("q"):
            low = 0 if name.startswith("qu") else -9
            return self.random.integers(low, 10, shape).astype(name[1:]).view(dtype.as_numpy_dtype)
        if _is_real(name) or name.startswith("complex"):
            return self.normal(*shape, dtype=dtype)
        width = {"int2": 2, "uint2": 4, "int4": 8, "uint4": 10}.get(name, 10)
        return self.integers(0 if name.startswith("u") else 1 - width, width, shape, dtype)

    def strings(self, shape: Sequence[int]) -> Array:
        """Returns short byte strings: empty, ASCII, UTF-8 and binary ones."""
        result = np.empty(tuple(shape), dtype=object)
        for index in np.ndindex(*result.shape):
            result[index] = _WORDS[self.random.integers(len(_WORDS))]
        return result

    def special(self, dtype: Any = "float32") -> Array:
        """Returns a vector of a dtype's awkward values: zeros, not-a-number, infinities, limits, tiny."""
        dtype = dtypes.as_dtype(dtype)
        name = dtype.name
        if name == "bool":
            return np.array([False, True])
        if name == "string":
            return np.array(_WORDS, dtype=object)
        numpy_dtype = np.dtype(dtype.as_numpy_dtype)
        if name.startswith("complex"):
            parts = self.special("float32" if name == "complex64" else "float64").tolist()
            return np.array([complex(real, imaginary) for real in parts for imaginary in parts[:6]], numpy_dtype)
        if _is_real(name):
            limits = _float_limits(numpy_dtype)
            values = np.array([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 0.5, -1.5, 2.5, *limits], np.float64)
            with float_errors.quiet():
                return values.astype(numpy_dtype)
        lowest, highest = _integer_limits(name)
        integers = sorted({lowest, lowest + 1, -1, 0, 1, 2, 3, highest - 1, highest})
        allowed = [value for value in integers if lowest <= value <= highest]
        return np.array(allowed, np.uint64 if name == "uint64" else np.int64).astype(numpy_dtype)

    def empty(self, *shape: int, dtype: Any = "float32") -> Array:
        """Returns an array without elements: one of the dimensions must be zero."""
        if 0 not in shape:
            raise ValueError(f"An empty array needs a dimension of 0, but the shape is {shape}.")
        return np.zeros(shape, np.dtype(dtypes.as_dtype(dtype).as_numpy_dtype))

    def dtypes(self, attribute: str, *, quantized: bool = False) -> Iterator[DType]:
        """Yields each dtype that a type attribute allows.

        An attribute without restriction yields every ordinary dtype, strings among them. Resources and
        variants never come, quantized types when asked for.
        """
        found = self.definition.attributes.get(attribute)
        if found is None or found.type not in ("type", "list(type)"):
            names = [name for name, item in self.definition.attributes.items() if "type" in item.type]
            raise TypeError(f"{self.definition.name} has no type attribute {attribute!r}; it has {names}.")
        for item in found.allowed if found.allowed is not None else _ANY_TYPE:
            dtype = dtypes.as_dtype(item)
            if dtype.name not in _OPAQUE and (quantized or not dtype.name.startswith("q")):
                yield dtype

    def _cast(self, values: Array, dtype: Any) -> Array:
        return np.asarray(values).astype(np.dtype(dtypes.as_dtype(dtype).as_numpy_dtype))


def samples_of(definition: OpDef, seed: int = 0) -> list[Sample]:
    """Returns the samples of an operation; a LookupError if its definition gives none."""
    rule = definition.samples_rule
    if rule is None:
        raise LookupError(f"The operation {definition.name} has no samples: its definition must have a samples rule.")
    found = list(rule(Sampler(definition, seed)))
    if not found:
        raise LookupError(f"The samples rule of the operation {definition.name} yields nothing.")
    return found


def _is_real(name: str) -> bool:
    return name.startswith(("float", "bfloat", "half", "double"))


def _float_limits(dtype: np.dtype[Any]) -> list[float]:
    """Returns the limits of normal numbers: TensorFlow flushes subnormal ones to zero, NumPy does not."""
    info = ml_dtypes.finfo(dtype)
    return [float(item) for item in (info.max, info.min, info.tiny, -info.tiny, info.eps)]


def _integer_limits(name: str) -> tuple[int, int]:
    bits = int(name.lstrip("uint"))
    return (0, (1 << bits) - 1) if name.startswith("u") else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _attribute(kind: str, value: Any) -> Any:
    """Returns an attribute as kernels get it: dtypes may be given by name."""
    if kind == "type":
        return dtypes.as_dtype(value)
    return [dtypes.as_dtype(item) for item in value] if kind == "list(type)" else value


def _input(item: Any, dtype: DType | None = None) -> Any:
    if isinstance(item, (Variable, Reference, Produced)):
        return item
    return _array(item, dtype)


def _array(item: Any, dtype: DType | None = None) -> Array:
    """Returns an array; Python numbers take the dtype that the definition fixes, else the usual one."""
    if isinstance(item, (np.ndarray, np.generic)):
        array = np.asarray(item)
    elif dtype is not None and dtype.name not in ("string", *_OPAQUE):
        return np.asarray(item, np.dtype(dtype.as_numpy_dtype))
    else:
        array = np.asarray(item)
        if array.dtype == np.int64:
            array = array.astype(np.int32)
        elif array.dtype == np.float64:
            array = array.astype(np.float32)
    if array.dtype.kind not in "SUO":
        return array
    result = np.empty(array.shape, dtype=object)
    for index in np.ndindex(*array.shape):
        text = array[index]
        result[index] = text.encode() if isinstance(text, str) else bytes(text)
    return result
