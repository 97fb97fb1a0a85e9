"""``tf.random.Generator``: random numbers whose state is a variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.math.arithmetic import add, multiply, subtract
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.random.stateless_functions import Algorithm, algorithm_number
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.autotrackable import AutoTrackable
from tideflow._src.state.variable import Variable

__all__ = ["Generator", "create_rng_state", "get_global_generator", "set_global_generator"]

_MASK_64 = (1 << 64) - 1
_LARGEST_INT64 = (1 << 63) - 1
_STATE_SIZES = {Algorithm.PHILOX.value: 3, Algorithm.THREEFRY.value: 2, Algorithm.AUTO_SELECT.value: 3}


def _signed(number: Any) -> Any:
    """Returns integers from 2**63 on as the int64 of the same bits."""
    if isinstance(number, list | tuple):
        return [_signed(item) for item in number]
    if isinstance(number, int | np.integer) and not isinstance(number, bool):
        return int(number) - (1 << 64) if number > _LARGEST_INT64 else int(number)
    return number


def _words(values: Any) -> Any:
    """Returns int64 words, as a tensor, of integers, a sequence of them, a tensor or a variable."""
    values = _signed(values)
    if isinstance(values, int) or (isinstance(values, list) and all(isinstance(item, int) for item in values)):
        return convert_to_tensor(np.array(values, np.int64))
    return cast(convert_to_tensor(values), dtypes.int64)


def _state_size(algorithm: Any) -> int:
    size = _STATE_SIZES.get(int(algorithm))
    if size is None:
        raise ValueError(
            f"Argument `alg` got unsupported value {algorithm}. Supported values are 1 for the Philox algorithm, 2 for "
            "the ThreeFry algorithm, and 3 for auto-selection."
        )
    return size


def create_rng_state(seed: Any, alg: Any) -> Any:
    """Returns the state of a generator that a seed stands for.

    Args:
      seed: an integer of any size, or a vector of integers; what is missing is filled with zeros from the left.
      alg: the algorithm: ``"philox"``, ``"threefry"`` or ``"auto_select"``, its number, or an ``Algorithm``.

    Returns:
      An int64 vector.

    >>> create_rng_state(7, "philox").numpy()
    array([7, 0, 0])
    """
    size = _state_size(algorithm_number(alg))
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        number = int(seed)
        seed = [number >> (64 * place) & _MASK_64 for place in range(size)]
    words = raw.Reshape(_words(seed), np.array([-1], np.int32))[:size]
    given = words.shape[0]
    given = getattr(given, "value", given)
    missing = size - given if given is not None else raw.Maximum(np.int32(size) - raw.Shape(words)[0], np.int32(0))
    if given is not None and missing == 0:
        return words
    zeros = raw.Fill(raw.Pack([missing], axis=0), np.int64(0))
    words = concat([zeros, words], 0)
    words.set_shape([size])
    return words


class Generator(AutoTrackable):
    """Makes random numbers; its state is a variable, and with it the numbers that come.

    Make one with :meth:`from_seed`, :meth:`from_state`, :meth:`from_key_counter` or
    :meth:`from_non_deterministic_state`.

    Args:
      copy_from: a generator to begin as a copy of.
      state: the state: a vector of integers, or a variable, which is then shared.
      alg: the algorithm.

    Example:

    >>> generator = Generator.from_seed(1)
    >>> [round(float(number), 4) for number in generator.normal([2])]
    [0.4384, -0.5344]
    """

    def __init__(self, copy_from: Any = None, state: Any = None, alg: Any = None) -> None:
        if copy_from is not None:
            if alg is not None or state is not None:
                raise ValueError("A copy of a generator takes neither `state` nor `alg`.")
            self._alg = copy_from.algorithm
            self._state_var: Any = self._variable(convert_to_tensor(copy_from.state))
            return
        if alg is None or state is None:
            raise ValueError("A generator needs `state` and `alg`, or `copy_from`.")
        self._alg = algorithm_number(alg)
        if isinstance(state, Variable):
            self._check(state.shape)
            self._state_var = state
        else:
            state = _words(state)
            self._check(state.shape)
            self._state_var = self._variable(state)

    @staticmethod
    def _variable(state: Any) -> Any:
        return Variable(state, dtype=dtypes.int64, trainable=False, name="StateVar")

    def _check(self, shape: Any, less: int = 0) -> None:
        shape.assert_is_compatible_with([_state_size(self._alg) - less])

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """Makes a generator from a state: a vector of integers, or a variable."""
        return cls(alg=alg, state=state)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """Makes a generator from a seed; see :func:`create_rng_state`."""
        number = algorithm_number(Algorithm.PHILOX if alg is None else alg)
        return cls(state=create_rng_state(seed, number), alg=number)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """Makes a generator whose numbers cannot be foreseen."""
        number = algorithm_number(Algorithm.PHILOX if alg is None else alg)
        state = raw.NonDeterministicInts(np.array([_state_size(number)], np.int32), dtype=dtypes.int64)
        return cls(state=state, alg=number)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """Makes a generator from a key, an integer, and a counter, a vector of two for Philox."""
        number = algorithm_number(alg)
        return cls(state=_joined(key, counter, _state_size(number)), alg=number)

    def reset(self, state: Any) -> None:
        """Sets the state: a vector of integers."""
        state = _words(state)
        self._check(state.shape)
        self._state_var.assign(state)

    def reset_from_seed(self, seed: Any) -> None:
        """Sets the state to that of a seed."""
        self._state_var.assign(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Sets the state to that of a key and a counter."""
        self._state_var.assign(_joined(key, counter, _state_size(self._alg)))

    @property
    def state(self) -> Any:
        """The variable that holds the state: of Philox, two words of counter and one of key."""
        return self._state_var

    @property
    def algorithm(self) -> Any:
        """The number of the algorithm."""
        return self._alg

    @property
    def key(self) -> Any:
        """The key, which stays the same while numbers are drawn: a scalar tensor."""
        _state_size(self._alg)
        return self._state_var[-1]

    def skip(self, delta: Any) -> Any:
        """Moves the counter on as far as ``delta`` numbers would, and returns the state before."""
        delta = cast(convert_to_tensor(delta), dtypes.uint64)

        def move(variable: Any) -> Any:
            return raw.RngReadAndSkip(variable.handle, cast(self._alg, dtypes.int32), delta)

        return self._state_var._read_and_changed(move) if self._is_distributed else move(self._state_var)

    @property
    def _is_distributed(self) -> bool:
        """Whether each replica of a strategy has a state of its own."""
        return bool(getattr(self._state_var, "is_distributed_variable", False))

    def _key_counter(self, shape: Any) -> tuple[Any, Any, Any]:
        """Reserves numbers for a tensor; returns the key, the counter and the algorithm to draw them with."""
        before = self.skip(raw.Prod(shape, np.int32(0)))
        size = _state_size(self._alg) - 1
        words = raw.Bitcast(before, type=dtypes.uint64)
        key = words[size : size + 1]
        replica = self._state_var._replica_number() if self._is_distributed else None
        if replica is not None:  # the states are alike; the numbers are not
            place = convert_to_tensor([replica, 0], dtypes.uint64)
            key = raw.StatelessRandomUniformFullIntV2([1], key, place, self._alg, dtype=dtypes.uint64)
        return key, words[:size], self._alg

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Draws from normal distributions.

        Args:
          shape: the shape of the result: a vector of integers.
          mean: the mean, of a shape that broadcasts with ``shape``.
          stddev: the standard deviation, of a shape that broadcasts with ``shape``.
          dtype: float16, bfloat16, float32 or float64.
          name: the name of the result's node.
        """
        with name_scope(name, "stateful_normal") as scope:
            return self._scaled(raw.StatelessRandomNormalV2, shape, mean, stddev, dtype, scope)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Draws from normal distributions, none two standard deviations or more from the mean.

        Args:
          shape: the shape of the result: a vector of integers.
          mean: the mean before truncation, of a shape that broadcasts with ``shape``.
          stddev: the standard deviation before truncation, of a shape that broadcasts with ``shape``.
          dtype: float16, bfloat16, float32 or float64.
          name: the name of the result's node.
        """
        with name_scope(name, "truncated_normal") as scope:
            return self._scaled(raw.StatelessTruncatedNormalV2, shape, mean, stddev, dtype, scope)

    def _scaled(self, operation: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, scope: str) -> Any:
        dtype = dtypes.as_dtype(dtype)
        shape = _shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        draws = operation(shape, *self._key_counter(shape), dtype=dtype)
        return add(multiply(draws, stddev), mean, name=scope)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Draws from uniform distributions on [minval, maxval).

        Args:
          shape: the shape of the result: a vector of integers.
          minval: the smallest possible number; None, with ``maxval``, for integers of which every bit is random.
          maxval: what no number reaches; 1 for floats by default.
          dtype: a float type, int32, int64, uint32 or uint64.
          name: the name of the result's node.

        Raises:
          ValueError: integers are wanted, and only one of the bounds is given.
        """
        dtype = dtypes.as_dtype(dtype)
        if dtype.is_integer:
            if (minval is None) != (maxval is None):
                raise ValueError(
                    f"For integer dtype {dtype}, minval and maxval must be both `None` or both non-`None`; got "
                    f"minval={minval} and maxval={maxval}"
                )
        elif maxval is None:
            maxval = 1
        with name_scope(name, "stateful_uniform") as scope:
            shape = _shape_tensor(shape)
            if dtype.is_integer and minval is None:
                return raw.StatelessRandomUniformFullIntV2(shape, *self._key_counter(shape), dtype=dtype, name=scope)
            minval = convert_to_tensor(minval, dtype, name="min")
            maxval = convert_to_tensor(maxval, dtype, name="max")
            if dtype.is_integer:
                arguments = (*self._key_counter(shape), minval, maxval)
                return raw.StatelessRandomUniformIntV2(shape, *arguments, name=scope)
            draws = raw.StatelessRandomUniformV2(shape, *self._key_counter(shape), dtype=dtype)
            return add(multiply(draws, subtract(maxval, minval)), minval, name=scope)

    def uniform_full_int(self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None) -> Any:
        """Draws integers of which every bit is random.

        Args:
          shape: the shape of the result: a vector of integers.
          dtype: int32, int64, uint32 or uint64.
          name: the name of the result's node.
        """
        with name_scope(name, "stateful_uniform_full_int") as scope:
            shape = _shape_tensor(shape)
            dtype = dtypes.as_dtype(dtype)
            return raw.StatelessRandomUniformFullIntV2(shape, *self._key_counter(shape), dtype=dtype, name=scope)

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32, name: str | None = None) -> Any:
        """Draws from binomial distributions.

        Args:
          shape: the shape of the result; it ends with that which ``counts`` and ``probs`` broadcast to.
          counts: how many trials.
          probs: the probability that one succeeds.
          dtype: float16, float32, float64, int32 or int64.
          name: the name of the result's node.
        """
        with name_scope(name, "binomial") as scope:
            counts = convert_to_tensor(counts, name="counts")
            probs = convert_to_tensor(probs, name="probs")
            return raw.StatefulRandomBinomial(
                self._state_var.handle,
                cast(self._alg, dtypes.int64),
                _shape_tensor(shape),
                counts,
                probs,
                dtype=dtypes.as_dtype(dtype),
                name=scope,
            )

    def make_seeds(self, count: int = 1) -> Any:
        """Returns seeds for the stateless functions: int64 of shape ``[2, count]``, a column for each."""
        keys = self.uniform_full_int([count], dtypes.int64)
        return raw.Pack([keys, raw.ZerosLike(keys)], axis=0)

    def split(self, count: int = 1) -> list[Generator]:
        """Returns ``count`` generators, as independent of each other as of this one."""
        keys = self.uniform_full_int([count], dtypes.int64)
        zeros = np.zeros(_state_size(self._alg) - 1, np.int64)
        states = [concat([zeros, keys[place : place + 1]], 0) for place in range(count)]
        return [Generator(state=state, alg=self._alg) for state in states]


def _shape_tensor(shape: Any) -> Any:
    if isinstance(shape, list | tuple) and not shape:
        return convert_to_tensor(np.zeros(0, np.int64), name="shape")
    return convert_to_tensor(shape, name="shape")


def _joined(key: Any, counter: Any, size: int) -> Any:
    counter, key = _words(counter), _words(key)
    counter.shape.assert_is_compatible_with([size - 1])
    key.shape.assert_is_compatible_with([])
    return concat([counter, raw.Reshape(key, np.array([1], np.int32))], 0)


class _Global:
    generator: Any = None


def get_global_generator() -> Any:
    """Returns the global generator, made of an unforeseeable state when it is first asked for."""
    if _Global.generator is None:
        with init_scope():
            _Global.generator = Generator.from_non_deterministic_state()
    return _Global.generator


def set_global_generator(generator: Any) -> None:
    """Makes ``generator`` the global one."""
    _Global.generator = generator
