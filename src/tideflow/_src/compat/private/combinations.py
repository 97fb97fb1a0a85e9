"""Tests in all combinations of arguments: ``tensorflow.python.framework.test_combinations``."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from absl.testing import parameterized

Combination = dict[str, Any]


class NamedObject:
    """An object with a name for the names of tests.

    Args:
      name: the name.
      obj: the object, whose attributes this one has.
    """

    def __init__(self, name: str, obj: Any) -> None:
        self._name, self._obj = name, obj

    def __getattr__(self, name: str) -> Any:
        return getattr(self._obj, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the object."""
        return self._obj(*args, **kwargs)

    def __iter__(self) -> Any:
        return iter(self._obj)

    def __repr__(self) -> str:
        return self._name


class ParameterModifier:
    """Changes the arguments of a test.

    Args:
      parameter_name: the argument; None for no certain one.
    """

    DO_NOT_PASS_TO_THE_TEST = object()

    def __init__(self, parameter_name: str | None = None) -> None:
        self._parameter_name = parameter_name

    def modified_arguments(self, kwargs: Combination, requested_parameters: Sequence[str]) -> Combination:
        """Returns arguments that are to be others."""
        del kwargs, requested_parameters
        return {}


class OptionalParameter(ParameterModifier):
    """An argument that a test need not take."""

    def modified_arguments(self, kwargs: Combination, requested_parameters: Sequence[str]) -> Combination:
        """Leaves out an argument that the test does not take."""
        del kwargs
        taken = self._parameter_name in requested_parameters
        return {} if taken or self._parameter_name is None else {self._parameter_name: self.DO_NOT_PASS_TO_THE_TEST}


class TestCombination:
    """Says which combinations run, and in which context."""

    __test__ = False

    def should_execute_combination(self, kwargs: Combination) -> tuple[bool, str | None]:
        """Tells whether a combination runs, and why not."""
        del kwargs
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        """Returns what changes the arguments."""
        return []

    def context_managers(self, kwargs: Combination) -> list[Any]:
        """Returns the contexts that the test runs in."""
        del kwargs
        return []


def combine(**kwargs: Any) -> list[Combination]:
    """Returns all combinations of the given values of arguments, by name."""
    names = sorted(kwargs)
    values = [kwargs[name] if isinstance(kwargs[name], list | tuple) else [kwargs[name]] for name in names]
    return [dict(zip(names, row, strict=True)) for row in itertools.product(*values)]


def times(*combined: Iterable[Combination]) -> list[Combination]:
    """Returns all combinations of several lists of combinations.

    Raises:
      ValueError: two of them have an argument in common.
    """
    found: list[Combination] = [{}]
    for several in combined:
        rows = list(several)
        if any(set(one) & set(other) for one in found for other in rows):
            raise ValueError("Keys need to not overlap")
        found = [{**one, **other} for one in found for other in rows]
    return found


def generate(combinations: Sequence[Combination], test_combinations: Sequence[TestCombination] = ()) -> Any:
    """Returns a decorator that makes a test for each combination.

    Args:
      combinations: the arguments of each.
      test_combinations: what says which of them run, and in which contexts.
    """

    def decorate(test: Any) -> Any:
        if isinstance(test, type):
            for name, method in list(vars(test).items()):
                if name.startswith("test") and callable(method):
                    setattr(test, name, decorate(method))
            return test
        rows = [{"testcase_name": f"_test_{_named(row)}", **row} for row in combinations]
        return parameterized.named_parameters(*rows)(_guarded(test, test_combinations))

    return decorate


def _named(row: Combination) -> str:
    words = (f"{name}_{value!r}" for name, value in sorted(row.items()))
    return "_".join("".join(character if character.isalnum() else "" for character in word) for word in words)


def _guarded(test: Callable[..., Any], test_combinations: Sequence[TestCombination]) -> Any:
    taken = list(inspect.signature(test).parameters)

    @functools.wraps(test)
    def run(self: Any, **kwargs: Any) -> Any:
        left_out = ParameterModifier.DO_NOT_PASS_TO_THE_TEST
        with contextlib.ExitStack() as stack:
            for combination in test_combinations:
                runs, reason = combination.should_execute_combination(dict(kwargs))
                if not runs:
                    self.skipTest(reason)
                for manager in combination.context_managers(dict(kwargs)):
                    stack.enter_context(manager)
            for combination in test_combinations:
                for modifier in combination.parameter_modifiers():
                    kwargs.update(modifier.modified_arguments(dict(kwargs), taken))
            return test(self, **{name: value for name, value in kwargs.items() if value is not left_out})

    return run
