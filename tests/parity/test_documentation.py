"""Runs the examples of TensorFlow's documentation: what they print, Tideflow prints."""

from __future__ import annotations

import functools

import pytest

from . import documentation
from .oracle import Oracle

#: By reason, for each name the numbers of the examples that fail; one that does not fail any more has to leave.
#: A star stands for examples whose outcome is luck.
EXCEPTIONS: dict[str, dict[str, str]] = {
    "The documentation is of Keras 2: Keras 3's symbolic tensors and layers are others.": {
        "SparseTensor.set_shape": "6 7",
        "Tensor.set_shape": "6 7",
        "shape": "4 5",
        "autodiff.ForwardAccumulator": "4 5 12 13 14 17 18",
    },
    "The documentation is wrong: TensorFlow fails, too.": {
        "TensorSpec": "4",
        "get_logger": "1",
        "numpy_function": "3 5",
        "experimental.Optional.element_spec": "1",
        "experimental.dispatch_for_api": "5",
        "raw_ops.ConcatOffset": "3 4",
        "sparse.sampled_addmm": "10 21",
    },
    "`tf.distribute` comes with a later release.": {"VariableAggregation": "0 1 3"},
    "`tf.print` writes to standard error, which no runner sees; the rest is of Keras 2.": {
        "recompute_grad": "3 4 5 10 11 12"
    },
    "TensorFlow decodes JPEG by a less exact transform unless it is told otherwise; Pillow has only the exact one.": {
        "image.adjust_jpeg_quality": "2 6",
        "image.stateless_random_jpeg_quality": "2",
    },
    "It draws a number that decides about its output, in TensorFlow as well.": {"image.random_saturation": "*"},
}


@functools.cache
def _docstrings(oracle: Oracle) -> dict[str, dict[str, str]]:
    answer: dict[str, dict[str, str]] = oracle.ask("documentation")
    return answer


@pytest.mark.parametrize("group", documentation.GROUPS)
def test_examples(oracle: Oracle, group: str) -> None:
    docstrings = _docstrings(oracle)[group]
    assert docstrings, f"TensorFlow has no examples in {group}"
    known = {name: numbers for items in EXCEPTIONS.values() for name, numbers in items.items() if name in docstrings}
    found = documentation.run_all(docstrings, "tideflow")
    problems = []
    for name, failures in found.items():
        numbers = " ".join(failures)
        if known.get(name) != "*" and numbers != known.get(name, ""):
            texts = "\n".join(failures.values())[:1500]
            problems.append(f"{name}: examples [{numbers}] fail, expected [{known.get(name, '')}]\n{texts}")
    assert not problems, "\n\n".join(problems)


def test_every_exception_is_of_an_example(oracle: Oracle) -> None:
    names = {name for items in _docstrings(oracle).values() for name in items}
    assert {name for items in EXCEPTIONS.values() for name in items} <= names


@pytest.mark.parametrize(
    ("want", "got", "alike"),
    [
        ("0.5\n", "np.float32(0.50001)\n", True),
        ("array([1.,  2.5])\n", "array([1. , 2.5])\n", True),
        (
            "<tf.Tensor: shape=(1,), dtype=float32, numpy=array([1.], dtype=float32)>\n",
            "array([1.], dtype=float32)\n",
            True,
        ),
        ("<...Thing object ...>\n", "<a.Thing object at 0x1>\n", True),
        ("", "anything\n", True),
        ("0.5\n", "0.51\n", False),
        ("[1, 2]\n", "[1, 3]\n", False),
        ("array([1., 2.])\n", "array([1., 2., 3.])\n", False),
        ("1.0\n", "1.0 2.0\n", False),
    ],
)
def test_the_rules_of_comparison(want: str, got: str, alike: bool) -> None:
    assert documentation.Checker().check_output(want, got, documentation._RULES) is alike
