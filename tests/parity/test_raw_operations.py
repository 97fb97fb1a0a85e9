"""Compares the parameters of every operation of `tf.raw_ops` with TensorFlow's: names, and which have defaults."""

from __future__ import annotations

import inspect

import pytest

import tideflow as tf

from .oracle import Oracle

_SOURCE = """
import inspect

result = {}
for name in names.split():
    function = getattr(tf.raw_ops, name, None)
    if function is not None:
        parameters = inspect.signature(inspect.unwrap(function)).parameters
        result[name] = {key: item.default is item.empty for key, item in parameters.items()}
"""


def test_parameters(oracle: Oracle) -> None:
    answer = oracle.ask("evaluate", source=f"names = {' '.join(dir(tf.raw_ops))!r}\n{_SOURCE}")
    wanted = answer["result"]
    assert len(wanted) > 900
    problems = []
    for name, expected in wanted.items():
        found = {
            key: item.default is item.empty
            for key, item in inspect.signature(getattr(tf.raw_ops, name)).parameters.items()
        }
        if found != expected:
            problems.append(f"{name}: {found}, expected {expected}")
    if problems:
        pytest.fail(f"{len(problems)} of {len(wanted)} differ\n" + "\n".join(problems), pytrace=False)
