"""Defines ``Tensor`` and its two kinds: eager tensors hold a value, symbolic tensors name a node's output.

Arithmetic, indexing and the other operators are operations, which live on a higher floor; that floor hands them
to :func:`install_operator`, so that this module stays at the bottom.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.class_names import named_in_tensorflow
from tideflow._src.core.errors import InaccessibleTensorError, InvalidArgumentError, OperatorNotAllowedInGraphError
from tideflow._src.core.reference import Reference
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.variant_array import variants_text

_OF_NUMPY = dtypes.of_numpy
#: The name of the device that holds eager tensors unless something else is asked for.
HOST_CPU = "/job:localhost/replica:0/task:0/device:CPU:0"
_new_id = itertools.count(1).__next__


class TensorProtocol:
    """Is the base class of what ``tf.is_tensor`` takes for a tensor: tensors, sparse and ragged ones, variables, and
    classes of other packages.

    An object of another package converts to a tensor by its ``__tf_tensor__``.
    """

    __slots__ = ()


@named_in_tensorflow("framework.tensor.Tensor")
class Tensor(TensorProtocol):
    """Is a multi-dimensional array of one dtype: a value (eager) or the promise of one (in a graph)."""

    __slots__ = ("__dict__", "__weakref__")

    # NumPy must leave `array + tensor` to Tensor.__radd__.
    __array_priority__ = 100

    OVERLOADABLE_OPERATORS = frozenset(
        f"__{name}__"
        for name in (
            "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod lt le gt ge ne eq and rand "
            "or ror xor rxor getitem pow rpow invert neg abs matmul rmatmul"
        ).split()
    )

    # What ``install_operator`` gives every tensor.
    __add__: ClassVar[Callable[[Any, Any], Any]]
    __radd__: ClassVar[Callable[[Any, Any], Any]]
    __sub__: ClassVar[Callable[[Any, Any], Any]]
    __rsub__: ClassVar[Callable[[Any, Any], Any]]
    __mul__: ClassVar[Callable[[Any, Any], Any]]
    __rmul__: ClassVar[Callable[[Any, Any], Any]]
    __truediv__: ClassVar[Callable[[Any, Any], Any]]
    __rtruediv__: ClassVar[Callable[[Any, Any], Any]]
    __floordiv__: ClassVar[Callable[[Any, Any], Any]]
    __rfloordiv__: ClassVar[Callable[[Any, Any], Any]]
    __mod__: ClassVar[Callable[[Any, Any], Any]]
    __rmod__: ClassVar[Callable[[Any, Any], Any]]
    __pow__: ClassVar[Callable[[Any, Any], Any]]
    __rpow__: ClassVar[Callable[[Any, Any], Any]]
    __matmul__: ClassVar[Callable[[Any, Any], Any]]
    __rmatmul__: ClassVar[Callable[[Any, Any], Any]]
    __and__: ClassVar[Callable[[Any, Any], Any]]
    __rand__: ClassVar[Callable[[Any, Any], Any]]
    __or__: ClassVar[Callable[[Any, Any], Any]]
    __ror__: ClassVar[Callable[[Any, Any], Any]]
    __xor__: ClassVar[Callable[[Any, Any], Any]]
    __rxor__: ClassVar[Callable[[Any, Any], Any]]
    __lt__: ClassVar[Callable[[Any, Any], Any]]
    __le__: ClassVar[Callable[[Any, Any], Any]]
    __gt__: ClassVar[Callable[[Any, Any], Any]]
    __ge__: ClassVar[Callable[[Any, Any], Any]]
    __neg__: ClassVar[Callable[[Any], Any]]
    __abs__: ClassVar[Callable[[Any], Any]]
    __invert__: ClassVar[Callable[[Any], Any]]
    __getitem__: ClassVar[Callable[[Any, Any], Any]]

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        raise TypeError("Tensor is abstract: make one with tf.constant or tf.convert_to_tensor.")

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        raise TypeError("Tensor is abstract: make one with tf.constant or tf.convert_to_tensor.")

    def get_shape(self) -> TensorShape:
        """Returns the shape, as far as it is known."""
        return self.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions; a ValueError if the rank is unknown."""
        rank = self.shape.rank
        if rank is None:
            raise ValueError(f"The rank of {self!r} is unknown.")
        return rank

    def ref(self) -> Reference:
        """Returns a hashable reference to this tensor, for use as a key in sets and dictionaries."""
        return Reference(self)

    experimental_ref = ref

    def __eq__(self, other: object) -> Any:
        if other is None:
            return False
        return self is other

    def __ne__(self, other: object) -> Any:
        if other is None:
            return True
        return self is not other

    # A class that stands for a tensor borrows these, too: TensorFlow Probability's DeferredTensor.

    def __bool__(self) -> bool:
        raise _use_of_symbol(
            self,
            "Using a symbolic `tf.Tensor` as a Python `bool`",
            "`if`, `while`, `and`, `or` and `not` are rewritten in what tf.function traces, and in the functions that "
            "it calls, unless they are generators, have no source or belong to a library: use tf.cond, tf.while_loop "
            "and tf.logical_and there; in a graph of TensorFlow 1.x, run it in a session first.",
        )

    __nonzero__ = __bool__

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for a symbolic Tensor ({getattr(self, 'name', None)}). Please call `x.shape` "
            "rather than `len(x)` for shape information."
        )

    def __iter__(self) -> Iterator[Any]:
        raise _use_of_symbol(
            self,
            "Iterating over a symbolic `tf.Tensor`",
            "A `for` statement is rewritten in what tf.function traces, and in the functions that it calls, unless "
            "they are generators, have no source or belong to a library; there, and in comprehensions, use tf.map_fn, "
            "tf.scan or tf.while_loop, or tf.unstack where the first dimension is known.",
        )

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # NumPy asks for several of these
            raise AttributeError(name)
        if name in ("op", "graph", "name", "value_index"):  # nodes of graphs have these
            raise AttributeError(f"Tensor.{name} is undefined when eager execution is enabled.")
        if name == "numpy":
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'numpy'\n{self.name} is a node of a graph, which has "
                "a value only while a session or a function runs."
            )
        if name in ("T", "astype", "ravel", "transpose", "reshape", "clip", "size", "tolist", "data"):
            raise AttributeError(
                f"{type(self).__name__} object has no attribute '{name}'. \n        If you are looking for "
                "numpy-related methods, please run the following:\n        "
                "tf.experimental.numpy.experimental_enable_numpy_behavior()\n      "
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


@named_in_tensorflow("framework.ops.EagerTensor")
class EagerTensor(Tensor):
    """Is a tensor with a value.

    ``_value`` is a NumPy array or scalar (strings: an object array of ``bytes``), or, for the dtypes ``resource`` and
    ``variant``, the object itself, which then has ``dtype`` and ``shape`` as an array does. Tensors of other devices
    are of other classes (:mod:`.device_tensor`).
    """

    __slots__ = ("_value",)

    _value: Any

    @property
    def dtype(self) -> dtypes.DType:
        return _OF_NUMPY[self._value.dtype]

    @property
    def shape(self) -> TensorShape:
        return TensorShape._from_tuple(self._value.shape)

    @property
    def ndim(self) -> int:
        return len(self._value.shape)

    def numpy(self) -> Any:
        """Returns the value as an array of its own, or a NumPy scalar (``bytes`` for a string) for rank 0."""
        value = np.asarray(self._value)
        if value.dtype.hasobject:
            self._check_is_array()
        if value.ndim == 0:
            return value[()]
        return value.copy()

    def _numpy(self) -> Any:
        """Returns the value as `numpy` does, for libraries that know TensorFlow's own name for it."""
        return self.numpy()

    def _check_is_array(self) -> None:
        """Raises an InvalidArgumentError for the dtypes that NumPy has no values of."""
        if self.dtype is dtypes.variant or self.dtype is dtypes.resource:
            raise InvalidArgumentError(
                None, None, f"Cannot convert a Tensor of dtype {self.dtype.name} to a NumPy array."
            )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        value = np.asarray(self._value)
        if value.dtype.hasobject:
            self._check_is_array()
        if dtype is not None and value.dtype != dtype:
            return value.astype(dtype)
        if copy:
            return value.copy()
        view = value.view()
        view.flags.writeable = False
        return view

    def __dlpack__(self, **options: Any) -> Any:
        return np.asarray(self._value).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return np.asarray(self._value).__dlpack_device__()

    @property
    def device(self) -> str:
        """The name of the device that holds the value."""
        return HOST_CPU

    @property
    def backing_device(self) -> str:
        """The name of the device whose memory holds the value."""
        return self.device

    def set_shape(self, shape: Any) -> None:
        """Checks that ``shape`` is compatible with the value's shape; a ValueError if not."""
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {TensorShape(shape)}.")

    def consumers(self) -> list[Any]:
        raise NotImplementedError("Tensor.consumers is undefined when eager execution is enabled.")

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        raise NotImplementedError("eval is not supported when eager execution is enabled, is .numpy() what you want?")

    @property
    def _id(self) -> int:
        identity = self.__dict__.get("_identity")
        if identity is None:
            identity = self.__dict__["_identity"] = _new_id()
        return identity

    @property
    def is_tensor_like(self) -> bool:
        return True

    def __len__(self) -> int:
        shape = self._value.shape
        if not shape:
            raise TypeError("Scalar tensor has no `len()`")
        return int(shape[0])

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            f"'{type(self).__module__}.{type(self).__name__}' object does not support item assignment\n"
            "Tensors never change. tf.tensor_scatter_nd_update and tf.where return one with other elements; a "
            "tf.Variable changes: variable[0].assign(value)."
        )

    def __delitem__(self, index: Any) -> None:
        raise TypeError(f"'{type(self).__module__}.{type(self).__name__}' object doesn't support item deletion")

    def __bool__(self) -> bool:
        # Of an empty array NumPy does not say.
        return bool(self._value) if getattr(self._value, "size", 1) else False

    __nonzero__ = __bool__

    def __int__(self) -> int:
        return int(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __complex__(self) -> complex:
        return complex(self._value)

    def __index__(self) -> int:
        if np.issubdtype(self._value.dtype, np.integer):
            return int(self._value)
        raise TypeError(f"only integer scalar tensors can be converted to an index, got dtype {self.dtype.name}")

    def __round__(self, digits: int = 0) -> Any:
        return np.round(self._value, digits)

    def __iter__(self) -> Iterator[Any]:
        value = self._value
        if not value.shape:
            raise TypeError("Cannot iterate over a scalar tensor.")
        if context.SPECIAL:
            return (self[index] for index in range(value.shape[0]))  # recorded by the tapes
        if value.dtype.hasobject and value.ndim == 1:  # NumPy would hand out the bare objects
            return (wrap(value[index, ...]) for index in range(value.shape[0]))
        return map(wrap, value)

    def __format__(self, specification: str) -> str:
        return format(self.numpy(), specification)

    def __reduce__(self) -> Any:
        return wrap, (np.asarray(self._value),)

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        del memo
        return self

    def __hash__(self) -> int:
        if context.mode.tensor_equality:
            raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")
        return id(self)

    def _text(self, as_repr: bool) -> str:
        value = self._value
        if value.dtype is dtypes.variant or value.dtype is dtypes.resource:
            return variants_text(value)
        if not isinstance(value, np.ndarray | np.generic) and not hasattr(value, "__array__"):
            return repr(value)
        value = np.asarray(value)
        if value.dtype.names:  # a quantized number
            value = value[value.dtype.names[0]]
        scalar = value.ndim == 0
        shown = value[()] if scalar else value
        if as_repr and scalar and not isinstance(shown, bytes):
            shown = shown.item()  # as a number of Python, with all its digits
        text = repr(shown) if as_repr else str(shown)
        return "\n" + text if "\n" in text else text

    def __repr__(self) -> str:
        kind = "value" if self.dtype in (dtypes.variant, dtypes.resource) else "numpy"
        return f"<tf.Tensor: shape={self.shape._dims}, dtype={self.dtype.name}, {kind}={self._text(True)}>"

    def __str__(self) -> str:
        return f"tf.Tensor({self._text(False)}, shape={self.shape._dims}, dtype={self.dtype.name})"


class SymbolicTensor(Tensor):
    """Is one output of an operation in a graph; its value exists only while a session or function runs."""

    __hash__ = object.__hash__

    __slots__ = ("_op", "_value_index", "_dtype", "_shape", "_static")

    _static: Any

    def __init__(self, op: Any, value_index: int, dtype: dtypes.DType, shape: tuple[int | None, ...] | None) -> None:
        self._op = op
        self._value_index = value_index
        self._dtype = dtype
        self._shape = shape

    @property
    def op(self) -> Any:
        """The operation that produces this tensor."""
        return self._op

    @property
    def graph(self) -> Any:
        """The graph that this tensor belongs to."""
        return self._op.graph

    @property
    def value_index(self) -> int:
        """The position of this tensor among its operation's outputs."""
        return self._value_index

    @property
    def name(self) -> str:
        """The name in the form ``operation:output``."""
        return f"{self._op.name}:{self._value_index}"

    @property
    def dtype(self) -> dtypes.DType:
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape._from_tuple(self._shape)

    @property
    def device(self) -> str:
        """The device that the producing operation asks for, or an empty string."""
        device: str = self._op.device
        return device

    def set_shape(self, shape: Any) -> None:
        """Adds what ``shape`` knows to this tensor's static shape; a ValueError if the two disagree."""
        self._shape = self.shape.merge_with(shape)._dims

    def consumers(self) -> list[Any]:
        """Returns the operations that take this tensor as an input."""
        consumers: list[Any] = self._op.graph._consumers_of(self)
        return consumers

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Runs the graph in ``session`` (by default the default session) and returns this tensor's value.

        Raises:
          ValueError: no session is given and none is the default.
        """
        return self._op.graph._evaluate(self, feed_dict, session, "evaluate tensor using `eval()`")

    @property
    def _id(self) -> int:
        return id(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may indicate that "
            "you're trying to pass a Tensor to a NumPy call, which is not supported."
        )

    def __index__(self) -> int:
        raise _use_of_symbol(
            self,
            "Using a symbolic `tf.Tensor` as a Python `int`",
            "In a graph of TensorFlow 1.x, run it in a session first.",
        )

    def __copy__(self) -> SymbolicTensor:
        return self

    def __deepcopy__(self, memo: Any) -> SymbolicTensor:
        del memo
        return self

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={_shape_text(self._shape)} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self._shape is None else f", shape={_shape_text(self._shape)}"
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name})'


def _shape_text(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "<unknown>"
    if len(shape) == 1:
        return f"({'None' if shape[0] is None else shape[0]},)"
    return f"({', '.join('None' if size is None else str(size) for size in shape)})"


def _use_of_symbol(tensor: Tensor, what: str, advice: str) -> OperatorNotAllowedInGraphError:
    if not isinstance(tensor, SymbolicTensor):
        return OperatorNotAllowedInGraphError(f"{what} is not allowed: convert it with tf.convert_to_tensor first.")
    graph = tensor._op.graph
    where = f"the function {graph.name} is being traced" if graph.building_function else "the graph is being built"
    return OperatorNotAllowedInGraphError(f"{what} is not allowed: {tensor.name} has no value while {where}. {advice}")


def out_of_scope(tensor: SymbolicTensor, place: str, inner: bool = False) -> Exception:
    """Returns the error that says that a tensor of a function is used at another place.

    Args:
      tensor: the tensor.
      place: where it is used, as "here" or "in the function f".
      inner: whether that is the function around the one, or the branch or loop, that the tensor belongs to.
    """
    op = tensor._op
    line = op.graph.appended.get(id(op)) if op.graph.building_function else None
    text = (
        f"{tensor!r} is out of scope and cannot be used here. Use return values, explicit Python locals or TensorFlow "
        f"collections to access it.\nIt belongs to {_owner(op.graph)}, and cannot be used {place}: return it from "
        f"there, or compute it again. It was defined by the operation {op.name!r} ({op.type}): {op.source_line}"
    )
    if line is not None:
        text += (
            f"\nIt was appended to a list of Python in a branch or a loop of the graph, at {line}. A tf.TensorArray "
            "keeps what a loop makes: array = array.write(index, value) in it, and array.stack() behind it."
        )
    return InaccessibleTensorError(text) if inner else TypeError(text)


def _owner(graph: Any) -> str:
    return (
        f"the function {graph.name}" if graph.building_function else "a graph, where it has a value in a session only"
    )


_new_object = object.__new__


def wrap(value: Any) -> EagerTensor:
    """Makes an eager tensor of a value that nobody else will change."""
    tensor = _new_object(EagerTensor)
    tensor._value = value
    return tensor


def install_operator(name: str, function: Callable[..., Any]) -> None:
    """Makes ``function`` the method ``name`` of every tensor."""
    setattr(Tensor, name, function)
    for kind in (EagerTensor, SymbolicTensor):
        if name == "__eq__" and "__hash__" not in kind.__dict__:
            kind.__hash__ = Tensor.__hash__  # type: ignore[method-assign]


def is_tensor(x: Any) -> bool:
    """Tells whether ``x`` is a tensor, dense, sparse or ragged, some rows of one, or a variable.

    Other values made of tensors, such as datasets, optionals and what derives from ``ExtensionType``, are none.
    """
    return isinstance(x, TensorProtocol) or hasattr(x, "_dense_var_to_tensor")


def is_symbolic_tensor(tensor: Any) -> bool:
    """Tells whether ``tensor`` is a node of a graph."""
    return isinstance(tensor, SymbolicTensor)
