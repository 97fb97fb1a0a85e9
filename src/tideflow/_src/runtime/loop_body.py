"""Reads what one turn of a traced loop computes: its steps, and what is known of them for every turn.

A turn is traced to JAX's primitives. What follows from counters and constants alone is computed here for all turns at
once, with NumPy: indices, and whether they are in range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime.lazy import jax

#: What NumPy computes for numbers that are known in every turn.
_FOLDED: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "neg": np.negative,
    "max": np.maximum,
    "min": np.minimum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "not": np.invert,
}
#: Primitives that give their operand another form.
_FORMS = frozenset(("reshape", "squeeze", "broadcast_in_dim"))
#: Primitives that stand for the program that they hold.
_CALLS = frozenset(("jit", "pjit"))


class Step:
    """Is one primitive of a turn, on values that have numbers."""

    __slots__ = ("inputs", "outputs", "params", "primitive")

    def __init__(self, primitive: Any, params: dict[str, Any], inputs: list[int], outputs: list[int]) -> None:
        self.primitive = primitive
        self.params = params
        self.inputs = inputs
        self.outputs = outputs

    @property
    def name(self) -> str:
        """The name of the primitive."""
        return str(self.primitive.name)

    def compute(self, values: Sequence[Any]) -> list[Any]:
        """Applies the primitive to traced values."""
        results = self.primitive.bind(*values, **self.primitive.get_bind_params(self.params))
        return list(results) if self.primitive.multiple_results else [results]


class Body:
    """Is one turn of a loop of which the number of turns is known.

    Attributes:
      turns: how many turns the loop takes.
      inputs, outputs: the numbers of the loop variables before and after a turn.
      steps: what a turn computes, in order, without what nothing needs.
      types: the shape and dtype of each value.
      known: values of one element each of which is known: a NumPy scalar, or a vector with an entry for each turn.
      fixed: traced values, from outside of the loop, of what is the same in each turn.
      is_stable: whether a turn only computes, and gives loop variables of the shapes and dtypes that it takes.
    """

    def __init__(self, turn: Callable[..., Any], start: Sequence[Any], known: Sequence[Any], turns: int) -> None:
        closed = jax.make_jaxpr(turn)(*start)
        self.turns = turns
        self.steps: list[Step] = []
        self.types: list[Any] = []
        self.known: dict[int, Any] = {}
        self.fixed: dict[int, Any] = {}
        self.inputs = [self.new(variable.aval) for variable in closed.jaxpr.invars]
        self.outputs = self._add(closed.jaxpr, closed.consts, self.inputs)
        self.start = list(start)
        self.is_stable = not closed.effects and [self._kind(value) for value in self.inputs] == [
            self._kind(value) for value in self.outputs
        ]
        if not self.is_stable:
            return
        self._find_counters(known)
        while self._simplify():
            pass
        self.drop_unused()

    def new(self, kind: Any) -> int:
        """Returns the number of a new value of a shape and dtype."""
        self.types.append(kind)
        return len(self.types) - 1

    def shape(self, value: int) -> tuple[int, ...]:
        """Returns the shape of a value."""
        return tuple(self.types[value].shape)

    def _kind(self, value: int) -> tuple[Any, Any]:
        return self.shape(value), self.types[value].dtype

    def traced(self, function: Callable[..., Any], inputs: Sequence[int]) -> tuple[list[Step], int]:
        """Returns the steps of a function of values, which are not yet part of the turn, and its result."""
        kinds = [jax.ShapeDtypeStruct(self.shape(value), self.types[value].dtype) for value in inputs]
        closed = jax.make_jaxpr(function)(*kinds)
        kept, self.steps = self.steps, []
        (result,) = self._add(closed.jaxpr, closed.consts, inputs)
        found, self.steps = self.steps, kept
        return found, result

    def bytes_of(self, value: int) -> int:
        """Returns how much memory a value takes."""
        return int(np.prod(self.shape(value), dtype=np.int64)) * int(self.types[value].dtype.itemsize)

    def _add(self, jaxpr: Any, constants: Sequence[Any], inputs: Sequence[int]) -> list[int]:
        """Appends the steps of a program and of those that it calls; returns its results."""
        numbers: dict[Any, int] = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, constant in zip(jaxpr.constvars, constants, strict=True):
            numbers[variable] = self.new(variable.aval)
            self._fix(numbers[variable], constant)

        def number(atom: Any) -> int:
            if hasattr(atom, "val"):  # a literal
                value = self.new(atom.aval)
                self._fix(value, np.asarray(atom.val, atom.aval.dtype))
                return value
            return numbers[atom]

        for equation in jaxpr.eqns:
            given = [number(atom) for atom in equation.invars]
            if equation.primitive.name in _CALLS:
                inner = equation.params["jaxpr"]
                results = self._add(inner.jaxpr, inner.consts, given)
                numbers.update(zip(equation.outvars, results, strict=True))
                continue
            results = [self.new(variable.aval) for variable in equation.outvars]
            numbers.update(zip(equation.outvars, results, strict=True))
            self.steps.append(Step(equation.primitive, equation.params, given, results))
        return [number(atom) for atom in jaxpr.outvars]

    def _fix(self, value: int, constant: Any) -> None:
        self.fixed[value] = constant
        if isinstance(constant, np.ndarray | np.generic) and constant.size == 1 and constant.dtype.kind in "iub":
            self.known[value] = constant.reshape(())

    def _find_counters(self, known: Sequence[Any]) -> None:
        """Finds the loop variables to which each turn adds a number, and which begin at a known one."""
        producers = self.producers()
        for before, after, start in zip(self.inputs, self.outputs, known, strict=True):
            step = producers.get(after)
            if start is None or start.dtype.kind not in "iu" or step is None or step.name not in ("add", "sub"):
                continue
            left, right = step.inputs
            if right == before and step.name == "add":
                left, right = right, left
            added = self.known.get(right)
            if left != before or added is None:
                continue
            change, first, limits = int(added), int(start.reshape(())), np.iinfo(start.dtype)
            if step.name == "sub":
                change = -change
            if limits.min <= first + self.turns * change <= limits.max:
                # Of negative numbers, the arithmetic of so many bits gives the same.
                times = np.arange(self.turns, dtype=np.uint64) * np.uint64(change % (1 << 64))
                self.known[before] = (times + np.uint64(first % (1 << 64))).astype(start.dtype)

    def _simplify(self) -> bool:
        """Computes what is known and shares what is the same; tells whether that made more loop variables fixed."""
        same: dict[int, int] = {}
        left: list[Step] = []
        for step in self.steps:
            step.inputs = [same.get(value, value) for value in step.inputs]
            known = self._folded(step)
            if known is not None:
                self.known[step.outputs[0]] = known
                if known.ndim == 0:
                    kind = self.types[step.outputs[0]]
                    self.fixed[step.outputs[0]] = np.full(kind.shape, known, kind.dtype)
                continue
            other = self._twin(step)
            if other is None:
                left.append(step)
            else:
                same[step.outputs[0]] = other
        self.steps = left
        self.outputs = [same.get(value, value) for value in self.outputs]
        found = False
        for before, after, start in zip(self.inputs, self.outputs, self.start, strict=True):
            if before == after and before not in self.fixed:
                self._fix(before, start)
                found = True
        return found

    def _folded(self, step: Step) -> Any:
        """Returns the result of a step if it is known, or None."""
        output = self.types[step.outputs[0]]
        if len(step.outputs) != 1 or np.prod(output.shape, dtype=np.int64) != 1 or output.dtype.kind not in "iub":
            return None
        if step.name == "dynamic_slice":
            return self._element(step)
        if not step.inputs or any(value not in self.known for value in step.inputs):
            return None
        values = [self.known[value] for value in step.inputs]
        if step.name in _FOLDED:
            result = _FOLDED[step.name](*values)
        elif step.name in _FORMS:
            result = values[0]
        elif step.name == "convert_element_type":
            result = np.asarray(values[0])
        elif step.name == "select_n" and len(values) == 3:
            result = np.where(values[0], values[2], values[1])
        else:
            return None
        result = np.asarray(result).astype(output.dtype)
        return result[0] if result.ndim and np.all(result == result[0]) else result

    def _element(self, step: Step) -> Any:
        """Returns what is read of a vector that is known at an index that is known."""
        vector, index = self.fixed.get(step.inputs[0]), self.known.get(step.inputs[1])
        if not isinstance(vector, np.ndarray) or vector.ndim != 1 or index is None:
            return None
        return vector[np.clip(index, 0, len(vector) - 1)]

    def _twin(self, step: Step) -> int | None:
        """Returns the input that the result of a step is, or None."""
        if step.name in ("and", "or"):
            for value, other in (step.inputs, step.inputs[::-1]):
                known = self.known.get(value)
                if known is not None and known.ndim == 0 and known.dtype.kind == "b":
                    chosen = other if bool(known) == (step.name == "and") else value
                    if self.shape(chosen) == self.shape(step.outputs[0]):
                        return chosen
        if step.name == "select_n" and len(step.inputs) == 3:
            known = self.known.get(step.inputs[0])
            if known is not None and known.ndim == 0:
                return step.inputs[2 if known else 1]
        if step.name in _FORMS and self.shape(step.inputs[0]) == self.shape(step.outputs[0]):
            return step.inputs[0]
        return None

    def drop_unused(self) -> None:
        """Drops the steps that nothing needs."""
        self.steps = self.needed(self.outputs)

    def needed(self, values: Iterable[int], without: Iterable[int] = ()) -> list[Step]:
        """Returns the steps that compute values, in order; what is in ``without`` is given."""
        given = set(without)
        wanted = set(values) - given
        found: list[Step] = []
        for step in reversed(self.steps):
            if not wanted.isdisjoint(step.outputs):
                found.append(step)
                wanted.update(value for value in step.inputs if value not in given)
        return found[::-1]

    def producers(self) -> dict[int, Step]:
        """Returns the step that computes each value."""
        return {value: step for step in self.steps for value in step.outputs}

    def users(self) -> dict[int, list[Step]]:
        """Returns the steps that use each value."""
        found: dict[int, list[Step]] = {}
        for step in self.steps:
            for value in dict.fromkeys(step.inputs):
                found.setdefault(value, []).append(step)
        return found
