"""The examples in docstrings run as they are written."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import tideflow


def _modules():
    for found in pkgutil.walk_packages(tideflow.__path__, "tideflow."):
        if found.name.endswith("__main__"):
            continue
        source = importlib.util.find_spec(found.name)
        if source is not None and source.origin and source.origin.endswith(".py"):
            with open(source.origin, encoding="utf-8") as file:
                if ">>>" in file.read():
                    yield found.name


MODULES = sorted(_modules())


def test_there_are_examples():
    assert len(MODULES) >= 5


class _Finder(doctest.DocTestFinder):
    """Finds the examples of classes with TensorFlow's names, too: another test may have put Tideflow in its place."""

    def _from_module(self, module, item):
        if isinstance(item, type) and item.__module__.startswith("tensorflow."):
            members = [getattr(member, "fget", member) for member in vars(item).values()]
            return any(getattr(member, "__module__", "") == module.__name__ for member in members)
        return super()._from_module(module, item)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for example in _Finder().find(module, name):
        runner.run(example)
    assert runner.tries > 0
    assert runner.failures == 0
