"""Cells around other cells: with dropout, with a way around, on a device."""

from __future__ import annotations

import hashlib
import numbers
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.tensor_shape import TensorShape, as_shape
from tideflow._src.layers.recurrent_cell import LSTMStateTuple, RNNCell, assert_like_rnncell
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.nn.dropout import dropout_v1
from tideflow._src.ops.random.stateful_functions import random_uniform
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.devices import device_v1 as device_scope


class RNNCellWrapper(RNNCell):
    """Is a cell that calls another one.

    Args:
      cell: the other cell.

    Raises:
      TypeError: it is no cell.
    """

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        assert_like_rnncell("cell", cell)
        self.cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell that is called."""
        return self.cell

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self.cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns a state of zeros."""
        with name_scope(f"{type(self).__name__}ZeroState"):
            return _first_state(self.cell, batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Computes one step; see :class:`.recurrent_cell.RNNCell`."""
        return self._step(inputs, state, scope, **kwargs)

    def _step(self, inputs: Any, state: Any, scope: Any, **kwargs: Any) -> Any:
        return (
            self.cell(inputs, state, scope=scope, **kwargs) if scope is not None else self.cell(inputs, state, **kwargs)
        )


def _first_state(cell: Any, batch_size: Any, dtype: Any) -> Any:
    """Returns the state that a cell starts with: cells of Keras know its dtype themselves."""
    if hasattr(cell, "zero_state"):
        return cell.zero_state(batch_size, dtype)
    return cell.get_initial_state(batch_size=batch_size)


def _default_filter(substate: Any) -> Any:
    """Drops nothing of what an LSTM cell remembers, but of what it gave."""
    return LSTMStateTuple(c=False, h=True) if isinstance(substate, LSTMStateTuple) else True


class DropoutWrapper(RNNCellWrapper):
    """Drops elements of the inputs, outputs and states of a cell.

    Args:
      cell: the cell.
      input_keep_prob, output_keep_prob, state_keep_prob: the probability that an element is kept: numbers or tensors.
      variational_recurrent: whether the same elements are dropped at each step (Gal and Ghahramani 2016,
        https://arxiv.org/abs/1512.05287).
      input_size: the size of the inputs, needed for that if they are dropped from.
      dtype: the dtype, needed for that.
      seed: the seed.
      dropout_state_filter_visitor: a function of a state that says from which parts elements are dropped; by default
        not from what an LSTM cell remembers.

    Raises:
      TypeError: ``cell`` is no cell, or the filter no function.
      ValueError: a probability is not between 0 and 1, or a size or the dtype is missing.
    """

    def __init__(
        self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False, input_size: Any = None, dtype: Any = None, seed: Any = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(cell, dtype=dtype, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError(f"dropout_state_filter_visitor must be callable. Received: {dropout_state_filter_visitor}")
        self._state_filter = dropout_state_filter_visitor or _default_filter
        given = {"input": input_keep_prob, "state": state_keep_prob, "output": output_keep_prob}
        self._keep = {kind: _probability(kind, value) for kind, value in given.items()}
        self._variational_recurrent = variational_recurrent
        self._input_size = input_size
        self._seed = seed
        self._noise: dict[str, Any] = {}
        if variational_recurrent:
            self._draw_once(input_size, dtype)

    def _draw_once(self, input_size: Any, dtype: Any) -> None:
        if dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")
        dtype = dtypes.as_dtype(dtype)

        def drawn(size: Any, kind: str, index: int) -> Any:
            sizes = [1, *([int(size)] if isinstance(size, int) else as_shape(size).as_list())]
            return random_uniform(sizes, seed=self._seed_of(kind, index), dtype=dtype)

        if self._drops("input"):
            if input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be "
                    "provided"
                )
            self._noise["input"] = _mapped(lambda index, size: drawn(size, "input", index), input_size)
        self._noise["state"] = _mapped(lambda index, size: drawn(size, "state", index), self.cell.state_size)
        self._noise["output"] = _mapped(lambda index, size: drawn(size, "output", index), self.cell.output_size)

    def _seed_of(self, kind: str, index: int) -> int | None:
        if self._seed is None:
            return None
        text = f"{self._seed}{kind}_{index}"
        return int(hashlib.md5(text.encode()).hexdigest()[:8], 16) & 0x7FFFFFFF

    def _drops(self, kind: str) -> bool:
        keep = self._keep[kind]
        return not (isinstance(keep, float) and keep >= 1.0)

    def _dropped(self, kind: str, values: Any, chosen: list[bool] | None = None) -> Any:
        """Drops elements of each tensor of a structure, or of those that are chosen."""
        keep = self._keep[kind]
        flat = nest.flatten(values)
        noise = nest.flatten(self._noise[kind]) if self._variational_recurrent else [None] * len(flat)
        results = []
        for index, (value, each) in enumerate(zip(flat, noise, strict=True)):
            if chosen is not None and not chosen[index]:
                results.append(value)
            elif self._variational_recurrent:
                kept = raw.Floor(raw.AddV2(convert_to_tensor(keep, each.dtype), each))
                result = raw.Mul(raw.RealDiv(value, convert_to_tensor(keep, value.dtype)), kept)
                if context.current_graph() is not None:
                    result.set_shape(value.shape)
                results.append(result)
            else:
                results.append(dropout_v1(value, keep_prob=keep, seed=self._seed_of(kind, index)))
        return nest.pack_sequence_as(values, results)

    def _chosen(self, state: Any) -> list[bool]:
        """Tells for each tensor of a state whether elements of it are dropped."""
        found: list[bool] = []

        def visit(part: Any) -> None:
            answer = self._state_filter(part)
            if nest.is_nested(answer):
                nest.assert_same_structure(part, answer)
                found.extend(bool(item) for item in nest.flatten(answer))
            elif not answer:
                found.extend([False] * len(nest.flatten(part)))
            elif nest.is_nested(part):
                for child in part.values() if isinstance(part, dict) else part:
                    visit(child)
            else:
                found.append(True)

        visit(state)
        return found

    def _step(self, inputs: Any, state: Any, scope: Any, **kwargs: Any) -> Any:
        if self._drops("input"):
            inputs = self._dropped("input", inputs)
        output, new_state = super()._step(inputs, state, scope, **kwargs)
        if self._drops("state"):
            new_state = self._dropped("state", new_state, self._chosen(new_state))
        if self._drops("output"):
            output = self._dropped("output", output)
        return output, new_state


def _probability(kind: str, value: Any) -> Any:
    if isinstance(value, numbers.Real):
        if not 0.0 <= float(value) <= 1.0:
            raise ValueError(f"Parameter {kind}_keep_prob must be between 0 and 1. Received {float(value)}")
        return float(value)
    return convert_to_tensor(value)


def _mapped(function: Callable[[int, Any], Any], sizes: Any) -> Any:
    """Calls a function with each size of a structure and its number."""
    flat = [sizes] if isinstance(sizes, TensorShape) else nest.flatten(sizes)
    results = [function(index, size) for index, size in enumerate(flat)]
    return results[0] if isinstance(sizes, TensorShape) else nest.pack_sequence_as(sizes, results)


class ResidualWrapper(RNNCellWrapper):
    """Adds the inputs of a cell to its outputs.

    Args:
      cell: the cell.
      residual_fn: a function of inputs and outputs to use instead of the sum.

    Raises:
      ValueError: inputs and outputs are not of the same shapes.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def _step(self, inputs: Any, state: Any, scope: Any, **kwargs: Any) -> Any:
        outputs, new_state = super()._step(inputs, state, scope, **kwargs)
        return (self._residual_fn or _summed)(inputs, outputs), new_state


def _summed(inputs: Any, outputs: Any) -> Any:
    nest.assert_same_structure(inputs, outputs)

    def each(one: Any, other: Any) -> Any:
        one.shape.assert_is_compatible_with(other.shape)
        return one + other

    return nest.map_structure(each, inputs, outputs)


class DeviceWrapper(RNNCellWrapper):
    """Runs a cell on a device.

    Args:
      cell: the cell.
      device: the device, or a function that chooses it.
    """

    def __init__(self, cell: Any, device: Any, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Returns a state of zeros, on the device."""
        with name_scope(f"{type(self).__name__}ZeroState"), device_scope(self._device):
            return _first_state(self.cell, batch_size, dtype)

    def _step(self, inputs: Any, state: Any, scope: Any, **kwargs: Any) -> Any:
        with device_scope(self._device):
            return super()._step(inputs, state, scope, **kwargs)
