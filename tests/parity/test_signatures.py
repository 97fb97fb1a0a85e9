"""Compares the parameters of every public function and class with TensorFlow's: names, order, defaults."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import tideflow
import tideflow.v1

from . import public_names
from .oracle import Oracle

NAMESPACES = {"v2": tideflow, "v1": tideflow.v1}

# By name: why the parameters differ.
EXEMPTIONS: dict[str, str] = {
    "DType": "its second argument is of TensorFlow's own wire format",
    "dtypes.DType": "its second argument is of TensorFlow's own wire format",
    **dict.fromkeys(
        [
            f"types.experimental.{name}"
            for name in ("ConcreteFunction", "FunctionType", "GenericFunction", "PolymorphicFunction")
        ],
        "they are for isinstance: TensorFlow's are abstract, and nobody makes one",
    ),
    **dict.fromkeys(
        ("data.Dataset", "distribute.DistributedDataset", "distribute.DistributedIterator"),
        "TensorFlow's is abstract, and nobody makes one by its class",
    ),
    **dict.fromkeys(
        ("distribute.experimental.MultiWorkerMirroredStrategy", "distribute.experimental.TPUStrategy"),
        "it is the class of tf.distribute; neither can be made yet",
    ),
    "experimental.dtensor.Mesh": "the devices of other machines come with these",
    **dict.fromkeys(
        ("fftnd", "ifftnd", "rfftnd", "irfftnd"), "TensorFlow has the raw operation there, here it is tf.signal's"
    ),
}


def lookup(root: Any, name: str) -> Any:
    try:
        return functools.reduce(getattr, name.split("."), root)
    except AttributeError:
        return None


def difference(found: list[public_names.Parameter], wanted: list[public_names.Parameter]) -> str | None:
    """Says how parameters differ: ours may take more, in the end and with defaults."""
    found = [item for item in found if item[1] != 3 or item in wanted or item[2] is None]
    names, expected = [item[0] for item in found], [item[0] for item in wanted]
    extra = found[len(wanted) :]
    if names[: len(expected)] != expected or any(kind in (0, 1, 3) and default is None for _, kind, default in extra):
        return f"takes {names}, expected {expected}"
    for (name, kind, default), (_, wanted_kind, wanted_default) in zip(found, wanted, strict=False):
        if (default is None) != (wanted_default is None):
            return f"{name} has the default {default}, expected {wanted_default}"
        if "..." not in (default, wanted_default) and default != wanted_default:
            return f"{name} has the default {default}, expected {wanted_default}"
        if (kind == 3) != (wanted_kind == 3):
            return f"{name} is taken in another way"
    return None


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_signatures(oracle: Oracle, namespace: str) -> None:
    problems = {}
    compared = 0
    for name, wanted in oracle.ask("signatures", namespace=namespace).items():
        value = lookup(NAMESPACES[namespace], name)
        if wanted is None or value is None or [item[0] for item in wanted] == ["*", "**"]:
            continue
        compared += 1
        found = public_names.signature(value)
        problem = "has no signature" if found is None else difference(found, wanted)
        if problem is not None:
            problems[name] = problem
    unknown = {name: text for name, text in problems.items() if name not in EXEMPTIONS}
    assert compared > 500
    if unknown:
        pytest.fail(
            f"{len(unknown)} of {compared} differ\n" + "\n".join(f"{name} {text}" for name, text in unknown.items()),
            pytrace=False,
        )
