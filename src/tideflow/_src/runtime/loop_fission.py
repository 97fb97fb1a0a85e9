"""Takes products out of loops of which the number of turns is known.

A small product in every turn costs more than one large product of the same size, and some of it need not be done:

- A product of what is the same in each turn with what is known before the loop (an element of an array at a counter,
  and what is computed of such elements) is computed for all turns before the loop. If that is a part of a
  concatenation, as the input of a recurrent cell is, the product is divided.
- A product that is only added up, or only kept in an array, is computed for all turns after the loop, from its factors,
  which the loop keeps. So the gradient of a filter is one product over time.
- Of a product of which only parts are used, only those are computed.

Any other value stays where it was, and a loop without such products is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime.lazy import jax, jnp, lax
from tideflow._src.runtime.loop_body import Body, Step

#: More memory than this no value takes for all turns at once, nor do all that the loop keeps.
_MOST_BYTES = 1 << 28
#: What is known of a counter is an array of so many elements at most.
_MOST_TURNS = 1 << 20
#: Primitives of which the sum over turns is the primitive of the sums.
_LINEAR = frozenset(
    "add sub neg reshape transpose squeeze broadcast_in_dim slice concatenate convert_element_type rev".split()
)

#: Those of which parts of a sum may be larger than the sum.
_ARITHMETIC = frozenset("add div mul sub".split())
#: Primitives that are linear in their first input if the second one allows that.
_WITH_FACTOR = frozenset(("div", "mul", "pad"))
#: Primitives that give their operand another shape, and keep the order of its elements.
_SHAPES = frozenset(("reshape", "squeeze"))
#: Primitives that only give their operand another form.
_FORMS = _SHAPES | {"transpose"}
#: Primitives of which the sum over turns is computed of all turns' operands.
_SUMS = frozenset(("dot_general", "reduce_sum"))


def run(turn: Callable[..., Any], start: Sequence[Any], known: Sequence[Any], turns: int) -> list[Any] | None:
    """Evaluates a loop with its products taken out, as a part of the program that is traced.

    Args:
      turn: computes the loop variables after a turn from those before it, as flat lists of arrays; nothing else.
      start: the arrays that the loop variables begin as.
      known: for each of them its first value as a NumPy scalar if it is known, or None.
      turns: how many turns the loop takes, unless the last loop variable, a number, stops it: when it is not negative.

    Returns:
      The loop variables after the last turn; None if there is no product to take out.
    """
    if not 2 <= turns <= _MOST_TURNS:
        return None
    body = Body(turn, start, known, turns)
    if not body.is_stable or not any(step.name == "dot_general" for step in body.steps):
        return None
    fission = _Fission(body)
    return fission.run() if fission.gains else None


class _Sink:
    """Is a loop variable that a turn only adds to, or of which it only sets an element of its own.

    Attributes:
      position: which loop variable.
      terms: what is added, or set.
      index: the element that each turn sets; None if it adds to the whole.
      adds: whether what is set is added to what was there.
    """

    def __init__(self, position: int, terms: list[int], index: Any = None, adds: bool = True) -> None:
        self.position = position
        self.terms = terms
        self.index = index
        self.adds = adds


class _Fission:
    """Is the division of a loop in what comes before it, its turns, and what comes after it.

    Attributes:
      gains: whether there is anything to take out.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._classify()
        divided = self._divide_concatenations()
        sinks = self._sinks()
        divided |= self._divide_slices(sinks)
        if divided:
            body.drop_unused()
            self._classify()
            sinks = self._sinks()
        self._descends = self._is_backwards()
        self._moved = self._chosen(sinks)
        self._hoisted = self._products_before()
        self.gains = bool(divided or self._moved or self._hoisted)

    # What is known of values.

    def _classify(self) -> None:
        """Finds what is the same in each turn, and what is known before the loop."""
        body = self._body
        self._producers, self._users = body.producers(), body.users()
        self._same = set(body.fixed)
        self._scheduled = {value for value, known in body.known.items() if known.ndim}
        for step in body.steps:
            if self._same.issuperset(step.inputs):
                self._same.update(step.outputs)
            elif all(value in self._same or value in self._scheduled for value in step.inputs) or self._reads(step):
                self._scheduled.update(step.outputs)

    def _reads(self, step: Step) -> bool:
        """Tells whether a step reads an element of an array, at an index that is known, that no turn changes."""
        return step.name == "dynamic_slice" and step.inputs[0] in self._same and self._row(step, 0) is not None

    def _row(self, step: Step, operand: int) -> Any:
        """Returns the indices of the whole rows that ``dynamic_slice`` reads or ``dynamic_update_slice`` sets."""
        body = self._body
        index, *others = step.inputs[1 if step.name == "dynamic_slice" else 2 :]
        whole = body.shape(step.inputs[operand])
        part = body.shape(step.outputs[0] if step.name == "dynamic_slice" else step.inputs[1])
        found = body.known.get(index)
        if found is None or found.ndim == 0 or part != (1, *whole[1:]):
            return None
        if any(body.known.get(other) is None or np.any(body.known[other]) for other in others):
            return None
        inside = found.min() >= 0 and found.max() < whole[0]
        return found.astype(np.int64) if inside else None

    # Products that are divided.

    def _divide_concatenations(self) -> bool:
        """Divides products of a concatenation of which a part is known before the loop; tells whether there are any."""
        body, steps, found = self._body, [], False
        for step in body.steps:
            divided = self._divided(step)
            steps.extend([step] if divided is None else divided)
            found |= divided is not None
        body.steps = steps
        if found:
            body.drop_unused()
            self._classify()
        return found

    def _divided(self, step: Step) -> list[Step] | None:
        if step.name != "dot_general":
            return None
        (contracting, batch) = step.params["dimension_numbers"]
        for side in (0, 1):
            source = self._producers.get(step.inputs[side])
            if (
                source is None
                or source.name != "concatenate"
                or step.inputs[1 - side] not in self._same
                or batch[0]
                or tuple(contracting[side]) != (source.params["dimension"],)
            ):
                continue
            before = [value in self._scheduled or value in self._same for value in source.inputs]
            if not any(before) or all(before):
                continue
            return self._divided_at(step, source, side, before)
        return None

    def _divided_at(self, step: Step, source: Step, side: int, before: list[bool]) -> list[Step]:
        body = self._body
        contracting = step.params["dimension_numbers"][0]
        axis, other_axis = contracting[side][0], contracting[1 - side][0]
        ends = np.cumsum([body.shape(value)[axis] for value in source.inputs]).tolist()
        pieces = list(zip(source.inputs, [0, *ends[:-1]], ends, strict=True))
        products: list[int] = []
        made: list[Step] = []

        def joined(values: list[int], dimension: int) -> int:
            if len(values) == 1:
                return values[0]
            return self._append(made, lambda *parts: lax.concatenate(parts, dimension), values)

        for known in (True, False):
            chosen = [piece for piece, is_known in zip(pieces, before, strict=True) if is_known is known]
            factor = joined([value for value, _, _ in chosen], axis)
            rows = [
                self._append(
                    made,
                    lambda whole, first=first, end=end: lax.slice_in_dim(whole, first, end, axis=other_axis),
                    [step.inputs[1 - side]],
                )
                for _, first, end in chosen
            ]
            operands = [factor, joined(rows, other_axis)]
            result = body.new(body.types[step.outputs[0]])
            made.append(Step(step.primitive, step.params, operands if side == 0 else operands[::-1], [result]))
            products.append(result)
        addition = Step(lax.add_p, {}, products, list(step.outputs))
        return [*made, addition]

    def _append(self, steps: list[Step], function: Callable[..., Any], inputs: list[int]) -> int:
        """Appends the steps of a function of values; returns the number of its result."""
        made, result = self._body.traced(function, inputs)
        steps.extend(made)
        return result

    def _divide_slices(self, sinks: list[_Sink]) -> bool:
        """Computes of a product only the parts that are used, each where it is needed; tells whether there are any."""
        body = self._body
        core = self._core(sinks)
        steps: list[Step] = []
        instead: dict[int, list[Step]] = {}
        for step in body.steps:
            if step.outputs[0] in instead:
                steps.extend(instead[step.outputs[0]])
                continue
            steps.append(step)
            if step.name != "dot_general" or step.outputs[0] in body.outputs:
                continue
            for part in self._parts(step, core):
                instead[part.outputs[0]] = self._narrowed(step, part)
        body.steps = steps
        return bool(instead)

    def _parts(self, step: Step, core: set[int]) -> list[Step]:
        """Returns the slices of a product that are its only users, if it is worth while to compute each by itself."""
        users = self._users.get(step.outputs[0], [])
        if not users or any(user.name != "slice" or user.params["strides"] for user in users):
            return []
        if step.params["dimension_numbers"][1][0] or not self._sliced_operand(step, users):
            return []
        used = sum(math.prod(self._body.shape(user.outputs[0])) for user in users)
        total = math.prod(self._body.shape(step.outputs[0]))
        in_core = [user.outputs[0] in core for user in users]
        return users if used <= total and (used < total or not all(in_core)) else []

    def _sliced_operand(self, step: Step, users: list[Step]) -> tuple[int, int, int] | None:
        """Returns which operand is sliced, along which of its dimensions, and which dimension of the product that is.

        That is an operand that is the same in each turn; None if the slices are not along one of its dimensions.
        """
        body = self._body
        shape = body.shape(step.outputs[0])
        axes = {
            axis
            for user in users
            for axis, (first, end) in enumerate(
                zip(user.params["start_indices"], user.params["limit_indices"], strict=True)
            )
            if (first, end) != (0, shape[axis])
        }
        if len(axes) != 1:
            return None
        (axis,) = axes
        contracting = step.params["dimension_numbers"][0]
        place = 0
        for side in (0, 1):
            for dimension in range(len(body.shape(step.inputs[side]))):
                if dimension in contracting[side]:
                    continue
                if place == axis:
                    return (side, dimension, axis) if step.inputs[side] in self._same else None
                place += 1
        return None

    def _narrowed(self, step: Step, part: Step) -> list[Step]:
        """Returns the steps that compute a slice of a product."""
        found = self._sliced_operand(step, [part])
        if found is None:  # it is all of the product
            return [Step(step.primitive, step.params, list(step.inputs), list(part.outputs))]
        side, dimension, axis = found
        first, end = part.params["start_indices"][axis], part.params["limit_indices"][axis]
        made: list[Step] = []
        factor = self._append(
            made, lambda whole: lax.slice_in_dim(whole, first, end, axis=dimension), [step.inputs[side]]
        )
        inputs = list(step.inputs)
        inputs[side] = factor
        return [*made, Step(step.primitive, step.params, inputs, list(part.outputs))]

    # Loop variables that are only added to, or only set.

    def _sinks(self) -> list[_Sink]:
        body = self._body
        found = []
        for position, (before, after) in enumerate(zip(body.inputs, body.outputs, strict=True)):
            if before in self._same or before in body.known or body.outputs.count(after) > 1:
                continue
            if before in body.outputs or after in self._users or after not in self._producers:
                continue
            sink = self._setting(position, before, after) or self._adding(position, before, after)
            if sink is not None:
                found.append(sink)
        return found

    def _setting(self, position: int, before: int, after: int) -> _Sink | None:
        step = self._producers[after]
        if step.name != "dynamic_update_slice" or step.inputs[0] != before or before in step.inputs[1:]:
            return None
        index = self._row(step, 0)
        if index is None or len(np.unique(index)) != len(index):
            return None
        value = self._without_row(step.inputs[1])
        users = self._users[before]
        if len(users) == 1:
            return _Sink(position, [value], index, adds=False)
        sum_of = self._producers.get(value)
        if len(users) != 2 or sum_of is None or sum_of.name != "add":
            return None
        for old, new in (sum_of.inputs, sum_of.inputs[::-1]):
            between = [value, old]
            if self._without_row(old) != old:
                between.append(self._without_row(old))
            read = self._producers.get(between[-1])
            while read is not None and read.name in _SHAPES:
                between.append(read.inputs[0])
                read = self._producers.get(read.inputs[0])
            if read is None or read not in users or self._body.shape(old) != self._body.shape(new):
                continue
            if any(len(self._users[item]) != 1 or item in self._body.outputs for item in between):
                continue
            row = self._row(read, 0) if read.name == "dynamic_slice" else None
            if row is not None and np.array_equal(row, index):
                return _Sink(position, [new], index)
        return None

    def _without_row(self, value: int) -> int:
        """Returns the value of which a value is a row of an array."""
        source = self._producers.get(value)
        if source is not None and source.name in ("broadcast_in_dim", "reshape"):
            if self._body.shape(source.inputs[0]) == self._body.shape(value)[1:] and self._is_row(source):
                return source.inputs[0]
        return value

    def _is_row(self, step: Step) -> bool:
        """Tells whether a step gives its operand one more dimension in front."""
        rank = len(self._body.shape(step.outputs[0]))
        return step.name == "reshape" or tuple(step.params["broadcast_dimensions"]) == tuple(range(1, rank))

    def _adding(self, position: int, before: int, after: int) -> _Sink | None:
        terms: list[int] = []
        value = before
        while value != after:
            users = self._users.get(value, ())
            if len(users) != 1 or users[0].name != "add" or value in self._body.outputs:
                return None
            (step,) = users
            left, right = step.inputs
            if left == right or self._body.shape(left) != self._body.shape(right):
                return None
            terms.append(right if left == value else left)
            (value,) = step.outputs
        return _Sink(position, terms)

    def _core(self, sinks: list[_Sink]) -> set[int]:
        """Returns the values that the loop needs for more than what is only added to or set."""
        body = self._body
        apart = {sink.position for sink in sinks}
        outputs = [output for position, output in enumerate(body.outputs) if position not in apart]
        return {*outputs, *(value for step in body.needed(outputs) for value in (*step.inputs, *step.outputs))}

    def _is_backwards(self) -> bool:
        """Tells whether most arrays are read from their end: then those that are made here are filled so, too."""
        descending = ascending = 0
        for step in self._body.steps:
            if step.name in ("dynamic_slice", "dynamic_update_slice"):
                index = self._row(step, 0)
                if index is not None:
                    ascending += index[1] > index[0]
                    descending += index[1] < index[0]
        return descending > ascending

    def _chosen(self, sinks: list[_Sink]) -> list[_Sink]:
        """Returns the loop variables that are worth to be computed after the loop."""
        while True:
            self._find_late(sinks)
            good = [sink for sink in sinks if self._is_worth(sink)]
            if len(good) == len(sinks):
                break
            sinks = good
        kept: set[int] = set()
        for sink in sinks:
            if any(map(self._holds_product, sink.terms)):
                kept |= self._wanted(sink)
        # A sum without a product is taken out with those of which the loop keeps the parts anyway.
        good = [sink for sink in sinks if self._wanted(sink) <= kept]
        if len(good) < len(sinks):
            return self._chosen(good)
        if sum(map(self._body.bytes_of, kept)) * self._body.turns > _MOST_BYTES:
            return []
        return sinks

    def _find_late(self, sinks: list[_Sink]) -> None:
        """Finds what is needed after the loop only, what of it is computed of a product, and what can be summed."""
        core = self._core(sinks)
        self._late: set[int] = set()
        self._of_products: set[int] = set()
        self._summable: set[int] = set()
        for step in self._body.steps:
            late = [value for value in step.outputs if value not in core]
            self._late.update(late)
            if not self._is_early(step.outputs[0]):
                if step.name == "dot_general" or not self._of_products.isdisjoint(step.inputs):
                    self._of_products.update(late)
            if late and self._step_can_be_summed(step):
                self._summable.update(late)

    def _is_early(self, value: int) -> bool:
        """Tells whether a value is known before the loop, for all turns."""
        return value in self._same or value in self._scheduled

    def _is_worth(self, sink: _Sink) -> bool:
        if sink.index is None:
            is_narrow = self._body.types[self._body.inputs[sink.position]].dtype == np.float16
            return (len(sink.terms) == 1 or not is_narrow) and all(map(self._can_be_summed, sink.terms))
        (value,) = sink.terms
        return (self._is_early(value) or self._holds_product(value)) and self._fits(value)

    def _holds_product(self, value: int) -> bool:
        """Tells whether a value that only comes after the loop is computed of a product."""
        return value in self._of_products

    def _can_be_summed(self, value: int) -> bool:
        """Tells whether the sum of a value over all turns can be computed outside of the loop."""
        if value in self._same:
            return True
        return self._fits(value) if value in self._scheduled else value in self._summable

    def _step_can_be_summed(self, step: Step) -> bool:
        if step.name in _SUMS:
            return all(map(self._fits, step.inputs))
        is_exact = all(
            jnp.issubdtype(self._body.types[item].dtype, jnp.inexact) for item in (*step.inputs, *step.outputs)
        )
        if step.name in ("convert_element_type", "div") and not is_exact:  # integers are cut, or rounded
            return False
        result = self._body.types[step.outputs[0]].dtype
        if step.name == "convert_element_type" and result.itemsize > self._body.types[step.inputs[0]].dtype.itemsize:
            return False  # the sum is meant to be more exact
        if step.name in _ARITHMETIC and result == np.float16:
            return False  # whose numbers end at 65504
        if step.name in _WITH_FACTOR:
            return self._is_linear(step) and self._can_be_summed(step.inputs[0])
        return step.name in _LINEAR and all(map(self._can_be_summed, step.inputs))

    def _fits(self, value: int) -> bool:
        """Tells whether there is memory for a value in all turns, and for all that it is computed of outside."""
        seen: set[int] = set()
        pending = [value]
        while pending:
            value = pending.pop()
            if value in seen or value in self._same or value in self._body.known:
                continue
            seen.add(value)
            step = self._producers.get(value)
            if step is not None and self._reads(step):
                continue  # the array is there
            if (step is None or step.name not in _SHAPES) and self._is_large(value):
                return False
            if step is not None and (value in self._scheduled or self._comes_after(value)):
                pending += step.inputs
        return True

    def _is_large(self, value: int) -> bool:
        return self._body.bytes_of(value) * self._body.turns > _MOST_BYTES

    def _is_linear(self, step: Step) -> bool:
        """Tells whether a step whose factor or margin is the same in each turn is linear in its first input."""
        first, second = step.inputs
        if step.name == "pad":
            margin = self._body.fixed.get(second)
            return isinstance(margin, np.ndarray) and not np.any(margin)
        return second in self._same and self._body.shape(first) == self._body.shape(step.outputs[0])

    def _wanted(self, sink: _Sink) -> set[int]:
        """Returns the values that the loop has to keep for what is computed after it."""
        if sink.index is not None:
            return self._parts_of(sink.terms)
        sums = [step for term in sink.terms for step in self._linear_steps(term) if step.name in _SUMS]
        return self._parts_of([value for step in sums for value in step.inputs])

    def _comes_after(self, value: int) -> bool:
        """Tells whether a value is computed after the loop, if it is needed there, and not kept by the loop."""
        return value in self._late and (self._holds_product(value) or self._producers[value].name in _FORMS)

    def _parts_of(self, values: Sequence[int]) -> set[int]:
        found: set[int] = set()
        seen: set[int] = set()
        pending = list(values)
        while pending:
            value = pending.pop()
            if value in seen or self._is_early(value):
                continue
            seen.add(value)
            if self._comes_after(value):
                pending += self._producers[value].inputs
            else:
                found.add(value)
        return found

    def _linear_steps(self, term: int) -> list[Step]:
        """Returns the steps, in order, whose results are summed over all turns for the sum of a term."""
        found: set[int] = set()
        pending = [term]
        while pending:
            value = pending.pop()
            if value in found or self._is_early(value):
                continue
            found.add(value)
            step = self._producers[value]
            if step.name not in _SUMS:
                pending += step.inputs[:1] if step.name in _WITH_FACTOR else step.inputs
        return [step for step in self._body.steps if not found.isdisjoint(step.outputs)]

    def _products_before(self) -> list[int]:
        """Returns the products that are computed before the loop, for all turns."""
        body = self._body
        needed = {value for step in self._inside() for value in (*step.inputs, *step.outputs)}
        found = []
        for step in body.steps:
            (value, *_) = step.outputs
            if step.name == "dot_general" and value in self._scheduled and value in needed:
                if any(item in self._same for item in step.inputs) and self._fits(value):
                    found.append(value)
        return found

    def _inside(self, given: Sequence[int] = ()) -> list[Step]:
        """Returns the steps of a turn that stay in the loop."""
        return self._body.needed(self._roots(), [*given, *self._body.known, *self._body.fixed])

    def _roots(self) -> list[int]:
        """Returns the values that the loop itself computes: loop variables, and what is kept for afterwards."""
        apart = {sink.position for sink in self._moved}
        outputs = [output for position, output in enumerate(self._body.outputs) if position not in apart]
        return [*outputs, *self._kept()]

    def _kept(self) -> list[int]:
        return sorted(set().union(*map(self._wanted, self._moved)))

    # The program.

    def run(self) -> list[Any]:
        """Evaluates the loop; returns the loop variables after the last turn."""
        body = self._body
        apart = {sink.position for sink in self._moved}
        self._arrays: dict[int, Any] = {}
        self._outside: dict[int, Any] = dict(body.fixed)
        for value in self._hoisted:
            self._arrays[value] = self._all(value)
        carried = [
            position
            for position, before in enumerate(body.inputs)
            if position not in apart and before not in self._same and before not in body.known
        ]
        held = self._held(carried)
        kept = [value for value in self._kept() if value not in held]
        hoisted = dict(zip(self._hoisted, (self._arrays[value] for value in self._hoisted), strict=True))
        steps = self._inside(self._hoisted)
        for step in steps:  # what is made of weights alone for a product
            if step.name == "dot_general":
                for value in step.inputs:
                    if value in self._same:
                        self._outside_value(value)
        steps = self._inside([*self._hoisted, *self._outside])

        def turn(index: Any, variables: Any, stacks: Any) -> Any:
            place = self._place(index)
            values = dict(self._outside)
            values.update(zip((body.inputs[position] for position in carried), variables, strict=True))
            for value, array in hoisted.items():
                values[value] = lax.dynamic_index_in_dim(array, place, 0, keepdims=False)

            def lookup(value: int) -> Any:
                found = values.get(value)
                if found is None:
                    found = values[value] = self._at(value, index)
                return found

            for step in steps:
                values.update(zip(step.outputs, step.compute([lookup(value) for value in step.inputs]), strict=True))
            after = [lookup(body.outputs[position]) for position in carried]
            stacks = [
                lax.dynamic_update_index_in_dim(stack, lookup(value), place, 0)
                for stack, value in zip(stacks, kept, strict=True)
            ]
            return after, stacks

        start = [jnp.asarray(body.start[position]) for position in carried]
        stacks = [jnp.zeros((body.turns, *body.shape(value)), body.types[value].dtype) for value in kept]
        last = len(body.inputs) - 1

        def goes_on(state: Any) -> Any:
            index, variables, _ = state
            more = index < body.turns
            return jnp.logical_and(more, variables[-1] < 0) if carried and carried[-1] == last else more

        _, ends, stacks = lax.while_loop(
            goes_on,
            lambda state: (state[0] + 1, *turn(*state)),
            (jnp.int32(0), start, stacks),
        )
        results: list[Any] = [None] * len(body.inputs)
        for position, end in zip(carried, ends, strict=True):
            results[position] = end
        self._arrays.update(zip(kept, stacks, strict=True))
        self._arrays.update((value, results[position]) for value, position in held.items())
        for position, before in enumerate(body.inputs):
            if before in self._same:
                results[position] = body.start[position]
            elif before in body.known:
                results[position] = self._counted(before)
        for sink in self._moved:
            results[sink.position] = self._sunk(sink)
        return results

    def _held(self, carried: list[int]) -> dict[int, int]:
        """Returns the loop variables that keep all values of what is needed afterwards anyway."""
        found: dict[int, int] = {}
        wanted = set(self._kept())
        for sink in self._sinks():
            if sink.adds or sink.position not in carried or sink.terms[0] not in wanted:
                continue
            rows = self._body.shape(self._body.inputs[sink.position])[0]
            is_whole = self._body.shape(sink.terms[0]) == self._body.shape(self._body.inputs[sink.position])[1:]
            if is_whole and rows == self._body.turns and np.array_equal(sink.index, self._places()):
                found[sink.terms[0]] = sink.position
        return found

    def _places(self) -> Any:
        """Returns where each turn stands in the arrays of all turns."""
        turns = np.arange(self._body.turns)
        return turns[::-1] if self._descends else turns

    def _place(self, index: Any) -> Any:
        return np.int32(self._body.turns - 1) - index if self._descends else index

    def _counted(self, value: int) -> Any:
        """Returns what a counter is after the last turn."""
        known = self._body.known[value]
        return (known[-1:] + (known[1:2] - known[:1])).reshape(self._body.shape(value))

    def _at(self, value: int, index: Any) -> Any:
        """Returns what is known of a value in a turn."""
        body = self._body
        known = body.known[value]
        if known.dtype.kind in "iu" and len(np.unique(np.diff(known.astype(np.int64)))) == 1:
            first, second = int(known[0]), int(known[1])
            if abs(second - first) * body.turns + abs(first) < 1 << 31:
                found = (np.int32(first) + index * np.int32(second - first)).astype(known.dtype)
            else:
                found = known[0] + index.astype(known.dtype) * (known[1:2] - known[:1])[0]
        else:
            found = lax.dynamic_index_in_dim(jnp.asarray(known), index, 0, keepdims=False)
        return jnp.broadcast_to(found, body.shape(value))

    def _outside_value(self, value: int) -> Any:
        """Returns a value that is the same in each turn, computed outside of the loop."""
        if value not in self._outside:
            for step in self._body.needed([value], self._outside):
                results = step.compute([self._outside[item] for item in step.inputs])
                self._outside.update(zip(step.outputs, results, strict=True))
        return self._outside[value]

    def _all(self, value: int) -> Any:
        """Returns the values of all turns as one array."""
        body = self._body
        if value in body.known and value not in self._arrays:
            known = body.known[value]
            if known.ndim:
                known = known[::-1] if self._descends else known
            shape = body.shape(value)
            self._arrays[value] = np.broadcast_to(known.reshape(-1, *[1] * len(shape)), (body.turns, *shape))
        elif value in self._same:
            return jnp.broadcast_to(self._outside_value(value), (body.turns, *body.shape(value)))
        elif value not in self._arrays:
            for step in body.needed([value], [*self._arrays, *body.known, *self._same]):
                if self._reads(step):
                    results = [self._rows(step)]
                else:
                    results = [self._product(step)] if step.name == "dot_general" else self._mapped(step)
                self._arrays.update(zip(step.outputs, results, strict=True))
        return self._arrays[value]

    def _rows(self, step: Step) -> Any:
        """Returns the rows of an array that a step reads in all turns."""
        array, index = self._outside_value(step.inputs[0]), self._row(step, 0)
        if self._descends:
            index = index[::-1]
        first, count = int(index[0]), len(index)
        if np.array_equal(index, np.arange(first, first + count)):
            rows = array if count == array.shape[0] else array[first : first + count]
        elif np.array_equal(index, np.arange(first, first - count, -1)):
            rows = jnp.flip(array[first - count + 1 : first + 1], 0)
        else:
            rows = array[index]
        return rows[:, None]

    def _mapped(self, step: Step) -> list[Any]:
        """Returns the results of a step in all turns."""
        axes = [None if value in self._same else 0 for value in step.inputs]
        given = [
            self._outside_value(value) if axis is None else self._all(value)
            for value, axis in zip(step.inputs, axes, strict=True)
        ]
        return list(jax.vmap(lambda *values: step.compute(values), axes)(*given))

    def _product(self, step: Step) -> Any:
        """Returns a product in all turns; with a factor that is the same in each turn it is one large product."""
        left, right = step.inputs
        contracting, batch = step.params["dimension_numbers"]
        if batch[0] or (left in self._same) == (right in self._same):
            return self._mapped(step)[0]
        side = 0 if right in self._same else 1
        rows, free = _flat(self._all(step.inputs[side]), [axis + 1 for axis in contracting[side]], last=True)
        matrix, others = _flat(self._outside_value(step.inputs[1 - side]), list(contracting[1 - side]), last=False)
        result = _multiplied(step, rows, matrix, ((1,), (0,))).reshape(*free, *others)
        if side == 1:  # the other factor's dimensions come first
            order = [0, *range(len(free), result.ndim), *range(1, len(free))]
            result = result.transpose(order)
        return result

    def _sunk(self, sink: _Sink) -> Any:
        """Returns what a loop variable is after the loop."""
        body = self._body
        start = body.start[sink.position]
        if sink.index is None:
            total = jnp.asarray(start)
            for term in sink.terms:
                total = total + self._sum(term)
            return total
        rows = self._all(sink.terms[0])
        index = sink.index[::-1] if self._descends else sink.index
        count = body.shape(body.inputs[sink.position])[0]
        rows = rows.reshape(len(index), *body.shape(body.inputs[sink.position])[1:])
        if len(index) < count:
            where = jnp.asarray(start).at[index]
            return where.add(rows) if sink.adds else where.set(rows)
        if not np.array_equal(index, np.arange(count)):
            rows = rows[::-1] if np.array_equal(index[::-1], np.arange(count)) else rows[np.argsort(index)]
        return start + rows if sink.adds else rows

    def _sum(self, term: int) -> Any:
        """Returns the sum of a value over all turns."""
        sums: dict[int, Any] = {}

        def lookup(value: int) -> Any:
            if value not in sums:
                sums[value] = self._plain_sum(value)
            return sums[value]

        for step in self._linear_steps(term):
            (value,) = step.outputs
            if step.name == "dot_general":
                sums[value] = self._sum_of_products(step)
            elif step.name == "reduce_sum":
                axes = [axis + 1 for axis in step.params["axes"]]
                sums[value] = jnp.sum(self._all(step.inputs[0]), (0, *axes), dtype=self._body.types[value].dtype)
            elif step.name in _WITH_FACTOR:
                first, second = step.inputs
                (sums[value],) = step.compute([lookup(first), self._outside_value(second)])
            else:
                (sums[value],) = step.compute([lookup(item) for item in step.inputs])
        return lookup(term)

    def _plain_sum(self, value: int, dtype: Any = None) -> Any:
        return jnp.sum(self._all(value), 0, dtype=self._body.types[value].dtype if dtype is None else dtype)

    def _sum_of_products(self, step: Step) -> Any:
        contracting, batch = step.params["dimension_numbers"]
        if not self._same.isdisjoint(step.inputs):
            kind = self._body.types[step.outputs[0]].dtype
            wide = np.dtype(np.float32) if jnp.issubdtype(kind, jnp.floating) and kind.itemsize < 4 else kind
            factors = [
                self._outside_value(value).astype(wide) if value in self._same else self._plain_sum(value, wide)
                for value in step.inputs
            ]
            params = {**step.params, "preferred_element_type": wide}
            return Step(step.primitive, params, step.inputs, step.outputs).compute(factors)[0].astype(kind)
        left, right = (self._all(value) for value in step.inputs)
        if batch[0]:
            along = tuple((0, *(axis + 1 for axis in axes)) for axes in contracting)
            return _multiplied(step, left, right, along, tuple(tuple(axis + 1 for axis in axes) for axes in batch))
        left, first = _flat(left, [0, *(axis + 1 for axis in contracting[0])], last=False)
        right, second = _flat(right, [0, *(axis + 1 for axis in contracting[1])], last=False)
        return _multiplied(step, left, right, ((0,), (0,))).reshape(*first, *second)


def _flat(array: Any, contracting: list[int], *, last: bool) -> tuple[Any, list[int]]:
    """Returns an array as a matrix, with the dimensions that are summed last or first, and the sizes of the others."""
    free = [axis for axis in range(array.ndim) if axis not in contracting]
    order = [*free, *contracting] if last else [*contracting, *free]
    if order != sorted(order):
        array = jnp.transpose(array, order)
    summed = math.prod(array.shape[order.index(axis)] for axis in contracting)
    sizes = [array.shape[order.index(axis)] for axis in free]
    shape = (math.prod(sizes), summed) if last else (summed, math.prod(sizes))
    return jnp.reshape(array, shape), sizes


def _multiplied(step: Step, left: Any, right: Any, contracting: Any, batch: Any = ((), ())) -> Any:
    """Returns the product of arrays, computed as a step says."""
    params = {name: step.params[name] for name in ("precision", "preferred_element_type")}
    return lax.dot_general(left, right, (contracting, batch), **params)
