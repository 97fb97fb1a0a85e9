"""Runs the examples that stand in TensorFlow's documentation, on Tideflow.

The docstrings are read from TensorFlow's installation when the tests run; nothing of them is kept here. Examples are
compared as TensorFlow's own runner compares them: white space does not count, ``...`` stands for any text, floats may
differ by a thousandth, an example without output may print what it likes, and of an exception only the class counts.

    python tests/parity/documentation.py MODULE < DOCSTRINGS > RESULTS

is one process for one group of namespaces: it reads docstrings by name (JSON), runs their examples with the module of
that name as ``tf``, and writes for each name what went wrong, by number of the example.
"""

from __future__ import annotations

import builtins
import contextlib
import doctest
import functools
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

#: The namespaces whose examples run in one process, by the name of the group; "" is ``tf`` itself.
GROUPS = {
    "tf": ("",),
    "experimental": ("experimental", "types", "types.experimental", "autograph", "autograph.experimental"),
    "numpy": ("experimental.numpy",),
    "images": ("image", "io", "io.gfile", "queue", "raw_ops"),
    "numbers": ("math", "nn", "nn.experimental", "linalg", "linalg.experimental", "signal", "quantization", "bitwise"),
    "rows": ("ragged", "sparse", "strings", "sets", "lookup", "lookup.experimental", "nest"),
    "others": ("random", "random.experimental", "autodiff", "config", "debugging", "errors"),
}

_RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
_FLOAT = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)j?(?![\w.])")
_SCALAR = re.compile(r"\bnp\.(?:str|bytes|float|int|uint|bool|complex)\w*\(([^()]*)\)")
_VALUE = re.compile(r"<tf\.Tensor.*?numpy=(.*?)>\s*$", re.DOTALL)


class Checker(doctest.OutputChecker):
    """Compares what an example printed with what its documentation says."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Returns whether the output is as good as the documented one."""
        if not want.strip():
            return True
        want, got = _SCALAR.sub(r"\1", want), _SCALAR.sub(r"\1", got)  # as NumPy 1 or NumPy 2 writes scalars
        return self._alike(want, got, optionflags) or (
            bool(_VALUE.search(want)) and self._alike(_VALUE.sub(r"\1", want), _VALUE.sub(r"\1", got), optionflags)
        )

    def _alike(self, want: str, got: str, optionflags: int) -> bool:
        if super().check_output(want, got, optionflags):
            return True
        wanted, found = _FLOAT.findall(want), _FLOAT.findall(got)
        # Brackets and floats stand close together or apart, as the widths of the numbers ask for.
        texts = [re.sub(r"\s*([\[\](),])\s*", r" \1 ", _FLOAT.sub(" 0.0 ", text)) for text in (want, got)]
        return (
            bool(wanted)
            and len(wanted) == len(found)
            and super().check_output(*texts, optionflags)
            and all(map(_close, wanted, found))
        )


def _close(want: str, got: str) -> bool:
    first, second = complex(want), complex(got)
    return abs(first - second) <= 1e-3 + 1e-3 * abs(first) or first == second


def run(docstring: str, name: str, tf: Any) -> dict[str, str]:
    """Runs the examples of a docstring; returns what went wrong, by number of the example."""
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError as error:
        return {"0": f"cannot be parsed: {error}"}
    test = doctest.DocTest(examples, _globals(docstring, name, tf), name, None, None, docstring)
    failures = _Failures(Checker(), verbose=False, optionflags=_RULES)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        failures.run(test, out=lambda text: None)
    return failures.found


class _Failures(doctest.DocTestRunner):
    """Collects the examples of one test that fail."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.found: dict[str, str] = {}

    def _add(self, test: doctest.DocTest, example: doctest.Example, what: str) -> None:
        self.found[str(test.examples.index(example))] = f"{example.source}{what}"

    def report_failure(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        """Keeps what an example printed that it should not."""
        self._add(test, example, self._checker.output_difference(example, got, self.optionflags))

    def report_unexpected_exception(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        """Keeps what an example raised."""
        self._add(test, example, "".join(traceback.format_exception(*exc_info)[-3:]))


def _globals(docstring: str, name: str, tf: Any) -> dict[str, Any]:
    """Returns the names that examples use: those of the module that they document among them."""
    result = {"__name__": "__main__", "tf": tf, "np": numpy, "os": os}
    namespace = tf
    words = set(re.findall(r"\b[A-Za-z]\w+", docstring)) - set(dir(builtins)) - set(result)
    for part in name.split("."):
        members = {word: getattr(namespace, word, tf) for word in words.intersection(dir(namespace))}
        result |= {word: value for word, value in members.items() if not inspect.ismodule(value)}
        namespace = getattr(namespace, part, None)
        if not inspect.ismodule(namespace):
            break
    return result


def documented(root: Any) -> dict[str, dict[str, str]]:
    """Returns, for each group, names whose docstring holds examples (methods of classes too), and the docstring."""
    seen: set[str] = set()
    return {group: dict(_documented(root, namespaces, seen)) for group, namespaces in GROUPS.items()}


def _documented(root: Any, namespaces: tuple[str, ...], seen: set[str]) -> Iterator[tuple[str, str]]:
    for namespace in namespaces:
        module = functools.reduce(getattr, filter(None, namespace.split(".")), root)
        for name in sorted(dir(module)):
            value = None if name.startswith("_") else getattr(module, name, None)
            if not callable(value) or "keras" in (getattr(value, "__module__", None) or ""):
                continue
            label = f"{namespace}.{name}" if namespace else name
            members = _members(value) if inspect.isclass(value) else ()
            for full, item in ((label, value), *((f"{label}.{key}", member) for key, member in members)):
                docstring = inspect.getdoc(item) or ""
                if ">>> " in docstring and docstring not in seen:
                    seen.add(docstring)
                    yield full, docstring


def _members(value: type) -> Iterator[tuple[str, Any]]:
    for key, member in sorted(vars(value).items()):
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__
        if not key.startswith("_") and (isinstance(member, property) or inspect.isfunction(member)):
            yield key, member


def run_all(docstrings: dict[str, str], module: str, python: str = sys.executable) -> dict[str, dict[str, str]]:
    """Runs docstrings in a process of their own."""
    process = subprocess.run(
        [python, "-W", "ignore", str(Path(__file__)), module],
        input=json.dumps(docstrings),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if process.returncode:
        raise RuntimeError(process.stderr[-4000:])
    found: dict[str, dict[str, str]] = json.loads(process.stdout.rpartition("\n\0")[2])
    return found


def main() -> None:
    """Serves one namespace; see the module's docstring."""
    warnings.simplefilter("ignore")
    tf = importlib.import_module(sys.argv[1])
    if hasattr(tf, "install_as_tensorflow"):
        tf.install_as_tensorflow()  # some examples import it
    docstrings = json.load(sys.stdin)
    results = {name: run(docstring, name, tf) for name, docstring in docstrings.items()}
    sys.stdout.write("\n\0" + json.dumps(results))


if __name__ == "__main__":
    main()
