"""Where datasets begin: values in memory, numbers, and Python generators."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.none_tensor import NoneTensorSpec
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.data import structure
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.transformations import integer, seeds_of
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.control.python_function import numpy_function, py_function
from tideflow._src.ops.data.elements import fits
from tideflow._src.runtime.convert import convert_to_tensor, to_numpy


class Sources:
    """Has the constructors of datasets."""

    @classmethod
    def _of(cls, variant_tensor: Any, element_spec: Any, kind: str = "_VariantDataset", inputs: Any = ()) -> Any:
        raise AssertionError

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Any:
        """Returns a dataset of one element.

        Args:
          tensors: the element: a structure of values.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.from_tensors(([1, 2], "a")).as_numpy_iterator())
        [(array([1, 2], dtype=int32), b'a')]
        """
        element = structure.normalized(tensors)
        specs = structure.spec_of(element)
        found = structure.tensors_of(specs, element)
        shapes = structure.kinds(specs)["output_shapes"]
        return cls._of(raw.TensorDataset(found, output_shapes=shapes), specs, "_TensorDataset")

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Any:
        """Returns a dataset of the rows of tensors.

        Args:
          tensors: a structure of values whose first axes have one size.
          name: a name for the dataset.

        Raises:
          ValueError: a value is a scalar, or the sizes differ.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.from_tensor_slices({"x": [1, 2], "y": ["a", "b"]})
        >>> [element["y"].numpy() for element in dataset]
        [b'a', b'b']
        """
        element = structure.normalized(tensors)
        batch_specs = structure.spec_of(element)
        found = structure.batched_tensors_of(batch_specs, element)
        specs = structure.unbatched(batch_specs)
        if not found:
            raise ValueError("Invalid `tensors`. `tensors` should not be empty.")
        for tensor in found:
            _check_size(found[0], tensor)
        shapes = structure.kinds(specs)["output_shapes"]
        return cls._of(raw.TensorSliceDataset(found, output_shapes=shapes), specs, "_TensorSliceDataset")

    @classmethod
    def range(cls, *args: Any, **kwargs: Any) -> Any:
        """Returns a dataset of numbers: ``range(stop)``, ``range(start, stop)`` or ``range(start, stop, step)``.

        Args:
          *args: the bounds and the step, as of Python's ``range``.
          **kwargs: ``output_type``, the dtype, ``int64`` by default; ``name``.

        Raises:
          ValueError: there are too few or too many arguments.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.range(10, 2, -3).as_numpy_iterator())
        [np.int64(10), np.int64(7), np.int64(4)]
        """
        dtype = dtypes.as_dtype(kwargs.pop("output_type", dtypes.int64))
        kwargs.pop("name", None)
        if kwargs:
            raise TypeError(f"range() got an unexpected keyword argument {next(iter(kwargs))!r}")
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid `args`. The length of `args` should be between 1 and 3 but was {len(args)}.")
        bounds = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        tensors = [convert_to_tensor(bound, dtypes.int64) for bound in bounds]
        variant = raw.RangeDataset(*tensors, output_types=[dtype], output_shapes=[()])
        return cls._of(variant, TensorSpec([], dtype), "_RangeDataset")

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Any = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Any:
        """Returns a dataset of what a Python generator yields.

        Args:
          generator: a function that returns something to iterate over; it is called for each iteration of the dataset.
          output_types: the dtypes of the components of an element, in its structure.
          output_shapes: their shapes, unknown by default.
          args: a tuple of values that the function is given as arrays.
          output_signature: the specs of an element, in its structure, in place of types and shapes.
          name: a name for the dataset.

        Raises:
          TypeError: ``generator`` is no function, or neither or both of signature and types are given.

        >>> import tideflow as tf
        >>> dataset = tf.data.Dataset.from_generator(lambda: ((i, "x" * i) for i in range(3)),
        ...                                          output_signature=(tf.TensorSpec((), tf.int32),
        ...                                                            tf.TensorSpec((), tf.string)))
        >>> [text.numpy() for _, text in dataset]
        [b'', b'x', b'xx']
        """
        if not callable(generator):
            raise TypeError("`generator` must be a Python callable.")
        if output_signature is not None:
            if output_types is not None or output_shapes is not None:
                raise TypeError(
                    "The `output_types` and `output_shapes` arguments can not be used together with "
                    "the `output_signature` argument."
                )
            for spec in structure.flattened(output_signature):
                if not isinstance(spec, TypeSpec):
                    raise TypeError(
                        f"`output_signature` must contain objects that are subclass of `tf.TypeSpec` but found "
                        f"{type(spec)} which is not."
                    )
            specs = output_signature
        elif output_types is None:
            raise TypeError(
                "To specify the output signature you need to provide either the `output_signature` argument or the "
                "`output_types` argument."
            )
        else:
            types = structure.mapped(dtypes.as_dtype, output_types)
            if output_shapes is None:
                specs = structure.mapped(lambda dtype: TensorSpec(None, dtype), types)
            else:
                leaves = zip(
                    structure.flattened(types), structure.flattened_up_to(types, _as_shapes(types, output_shapes)),
                    strict=True,
                )  # fmt: skip
                found = iter([TensorSpec(TensorShape(shape), dtype) for dtype, shape in leaves])
                specs = structure.mapped(lambda dtype: next(found), types)
        given = () if args is None else tuple([convert_to_tensor(item) for item in args])
        return _generated(cls, generator, specs, given)

    @classmethod
    def random(cls, seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None) -> Any:
        """Returns a dataset without end of random numbers from 0 to 2³² - 1, as ``int64``.

        Args:
          seed: the seed, which with that of ``tf.random.set_seed`` determines the numbers.
          rerandomize_each_iteration: whether each iteration has numbers of its own.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> numbers = tf.data.Dataset.random(seed=4).take(3)
        >>> list(numbers.as_numpy_iterator()) == list(numbers.as_numpy_iterator())
        True
        """
        seeds = [integer(item, "seed") for item in seeds_of(seed)]
        specs = TensorSpec([], dtypes.int64)
        kinds = structure.kinds(specs)
        if rerandomize_each_iteration:
            variant = raw.RandomDatasetV2(*seeds, raw.DummySeedGenerator(), rerandomize_each_iteration=True, **kinds)
        else:
            variant = raw.RandomDataset(*seeds, **kinds)
        return cls._of(variant, specs, "_RandomDataset")

    @classmethod
    def counter(cls, start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64, name: str | None = None) -> Any:
        """Returns a dataset of the numbers ``start``, ``start + step``, ``start + 2 * step``, ...

        Args:
          start: the first number.
          step: how far they are apart.
          dtype: their dtype.
          name: a name for the dataset.

        >>> import tideflow as tf
        >>> list(tf.data.Dataset.counter(5, 2).take(3).as_numpy_iterator())
        [np.int64(5), np.int64(7), np.int64(9)]
        """
        dtype = dtypes.as_dtype(dtype)
        step = convert_to_tensor(step, dtype)
        first = convert_to_tensor(start, dtype)
        return cls.from_tensors(0).repeat(None).scan(first, lambda state, _: (state + step, state))

    @classmethod
    def list_files(
        cls, file_pattern: Any, shuffle: bool | None = None, seed: Any = None, name: str | None = None
    ) -> Any:
        """Returns a dataset of the names of the files that match a pattern.

        Args:
          file_pattern: the pattern, or several.
          shuffle: whether they come in random order, another one each time, as by default; else sorted.
          seed: the seed of the order.
          name: a name for the dataset.

        Raises:
          InvalidArgumentError: there is no such file.

        >>> import tempfile, os
        >>> import tideflow as tf
        >>> folder = tempfile.mkdtemp()
        >>> for letter in "ab":
        ...     tf.io.write_file(os.path.join(folder, letter), "")
        >>> files = tf.data.Dataset.list_files(os.path.join(folder, "*"), shuffle=False)
        >>> [os.path.basename(name.numpy()) for name in files]
        [b'a', b'b']
        """
        pattern = convert_to_tensor(file_pattern, dtypes.string, name="file_pattern")
        found = raw.MatchingFiles(pattern)
        count = raw.Shape(found, out_type=dtypes.int64)[0]
        shown = raw.ReduceJoin(pattern, list(range(pattern.shape.rank or 0)), separator=", ")
        message = raw.Add("No files matched pattern: ", shown)
        with control_dependencies([raw.Assert(raw.Greater(count, integer(0, "none")), [message], summarize=1)]):
            found = raw.Identity(found)
        files = cls.from_tensor_slices(found)
        if shuffle is None or shuffle:
            files = files.shuffle(raw.Maximum(count, integer(1, "one")), seed=seed)
        return files


def _as_shapes(types: Any, shapes: Any) -> Any:
    return shapes if structure.children(types) is not None else TensorShape(shapes)


def _check_size(first: Tensor, other: Tensor) -> None:
    one, two = first.shape, other.shape
    if not one.rank or not two.rank:
        return
    if one[0] is not None and two[0] is not None and one[0] != two[0]:
        raise ValueError(f"Dimensions {one[0]} and {two[0]} are not compatible")


class _Generators:
    """Keeps the generators that are under way, by number."""

    def __init__(self, generator: Callable[..., Any], specs: Any) -> None:
        self._generator = generator
        self._specs = specs
        self._convert = _converter(specs)
        self._numbers = itertools.count()
        # A generator may be closed while this thread begins another: collecting garbage drops iterators anywhere.
        self._lock = threading.RLock()
        self._running: dict[int, Iterator[Any]] = {}

    def begin(self, *args: Any) -> Any:
        """Starts the generator; returns its number."""
        found = iter(self._generator(*args))
        with self._lock:
            number = next(self._numbers)
            self._running[number] = found
        return np.int64(number)

    def give(self, number: Any) -> list[Any]:
        """Returns the components of what a generator yields next.

        Raises:
          StopIteration: it has ended.
          TypeError: what it yields is of another structure or dtype than was said.
        """
        return self._convert(next(self._running[int(number)]))

    def end(self, number: Any) -> Any:
        """Forgets a generator."""
        with self._lock:
            found = self._running.pop(int(number), None)
        close = getattr(found, "close", None)
        if close is not None:
            close()
        return np.int64(0)


def _converter(specs: Any) -> Callable[[Any], list[Any]]:
    leaves = structure.flattened(specs)

    def leaf_values(spec: Any, value: Any) -> list[Any]:
        if isinstance(spec, NoneTensorSpec):
            return []
        if not isinstance(spec, TensorSpec):
            found = structure.normalized(value, spec)
            if not spec.is_compatible_with(found):
                raise TypeError(
                    f"`generator` yielded an element of {structure.spec_of(found)} where an element of {spec} was "
                    "expected."
                )
            return list(spec._to_tensor_list(found))
        try:
            array = to_numpy(value, spec.dtype)
        except (TypeError, ValueError, UnicodeError) as error:
            raise TypeError(
                "`generator` yielded an element that could not be converted to the expected type. The expected type "
                f"was {spec.dtype.name}, but the yielded element was {value}."
            ) from error
        if not fits(spec.shape._dims, array.shape):
            raise TypeError(
                f"`generator` yielded an element of shape {array.shape} where an element of shape {spec.shape} was "
                "expected."
            )
        return [array]

    def convert(element: Any) -> list[Any]:
        try:
            values = structure.flattened_up_to(specs, element)
        except (TypeError, ValueError) as error:
            raise TypeError(
                "`generator` yielded an element that did not match the expected structure. The expected structure was "
                f"{specs}, but the yielded element was {element}."
            ) from error
        return [tensor for spec, value in zip(leaves, values, strict=True) for tensor in leaf_values(spec, value)]

    return convert


def _generated(cls: Any, generator: Callable[..., Any], specs: Any, args: tuple[Any, ...]) -> Any:
    running = _Generators(generator, specs)
    kinds = structure.component_specs(specs)

    # Arrays need no tensors on the way; what is made of tensors does.
    is_plain = all(isinstance(spec, TensorSpec | NoneTensorSpec) for spec in structure.flattened(specs))
    call: Any = numpy_function if is_plain else py_function

    def begin(*values: Any) -> Any:
        return numpy_function(running.begin, list(values), dtypes.int64)

    def give(number: Any) -> Any:
        found = call(running.give, [number], [spec.dtype for spec in kinds])
        for tensor, spec in zip(found, kinds, strict=True):
            tensor.set_shape(spec.shape)
        return tuple(found)

    def end(number: Any) -> Any:
        return numpy_function(running.end, [number], dtypes.int64)

    number = TensorSpec([], dtypes.int64)
    begun = StructuredFunction(lambda: begin(*args), "Dataset.from_generator()", ())
    given = StructuredFunction(give, "Dataset.from_generator()", number)
    ended = StructuredFunction(end, "Dataset.from_generator()", number)
    variant = raw.GeneratorDataset(
        begun.captured, given.captured, ended.captured, init_func=begun.graph, next_func=given.graph,
        finalize_func=ended.graph, **structure.kinds(specs),
    )  # fmt: skip
    return cls._of(variant, specs, "_FlatMapDataset")
