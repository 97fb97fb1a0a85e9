"""What the documents say to type works: every block of code in them is run as it is written.

Blocks tagged ``python`` run in processes of their own; what a comment behind a ``print`` shows is what it prints. Other
blocks are lines for a shell, unless they are tagged ``text``. A line that reaches outside of the repository (git, pip)
is not run; a make target must exist; an option of a program must be one that the program knows.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from parity import consistency, subject
from tideflow._src.graph.op_def import OpDef

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("", "docs/**/", "src/**/", "tests/**/", "examples/**/", "benchmarks/**/")
DOCUMENTS = sorted({path for folder in FOLDERS for path in REPOSITORY.glob(f"{folder}*.md")})

#: Programs that set up, or fetch, what is outside of the repository.
OUTSIDE = ("git", "cd", "pip", "python -m pip")
#: Packages that no environment of the project holds: a block that imports one tells where data came from.
FOREIGN = {"sklearn"}

#: By what a block holds: what was done before. Operations are defined in it as if they did not exist.
BEFORE = {
    '@op("Mul"': "from tideflow._src.ops.math.arithmetic import *\ndel OpDef.registry['Mul']\n",
    '@op("Softsign"': "assert OpDef.registry['Softsign']\ndel OpDef.registry['Softsign']\n",
}


class Block(NamedTuple):
    """Is a block of code in a document."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:\A|\n\n)((?: {4}\S.*\n)(?: {4}.*\n|\n(?= {4}))*)")


def blocks(document: str, text: str) -> Iterator[Block]:
    """Yields the blocks of a document: those between fences, and those that are indented."""
    for found in _FENCED.finditer(text):
        yield Block(document, text.count("\n", 0, found.start()) + 1, found[1] or "shell", found[2])
    plain = _FENCED.sub(lambda found: "\n" * found[0].count("\n"), text)
    for found in _INDENTED.finditer(plain):
        yield Block(document, plain.count("\n", 0, found.start(1)) + 1, "shell", found[1])


BLOCKS = [
    block for path in DOCUMENTS for block in blocks(str(path.relative_to(REPOSITORY)), path.read_text(encoding="utf-8"))
]
PYTHON = [block for block in BLOCKS if block.language == "python"]
LINES = [
    (block, command.strip())
    for block in BLOCKS
    if block.language in ("shell", "sh", "bash")
    for line in block.text.splitlines()
    for command in re.sub(r"(^|\s)#.*", "", line).split("&&")
    if command.strip()
]


def test_the_documents_have_blocks_of_both_kinds() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md"} <= {block.document for block in PYTHON}
    assert ("README.md", "make demo") in {(block.document, command) for block, command in LINES}
    assert {block.language for block in BLOCKS} <= {"python", "shell", "sh", "bash", "text"}


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs_as_it_is_written(block: Block, tmp_path: Path) -> None:
    problem = python_problem(block.text, tmp_path)
    assert problem is None, problem


def python_problem(text: str, folder: Path) -> str | None:
    """Runs a program in a process of its own; says what it did other than it should, if anything."""
    tree = ast.parse(text)
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    if imported & FOREIGN:
        return None
    before = next((lines for start, lines in BEFORE.items() if start in text), "")
    if before:
        before = f"import tideflow\nfrom tideflow._src.graph.op_def import OpDef\n{before}"
    (folder / "block.py").write_text(before + text, encoding="utf-8")  # AutoGraph needs the source
    done = _run("-W", "error", "block.py", folder=folder)
    if done.returncode != 0:
        return done.stderr
    shown = re.findall(r"^ *print\(.*\)  # (.*)$", text, re.MULTILINE)
    printed = done.stdout.splitlines()
    return None if not shown or shown == printed else f"it prints {printed}, not {shown}"


def _run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])}
    environment.setdefault("TIDEFLOW_ORACLE_PYTHON", sys.executable)  # tests that are collected need it only by name
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


@pytest.mark.parametrize(("block", "command"), LINES, ids=lambda item: str(item))
def test_a_command_does_what_it_says(block: Block, command: str, tmp_path: Path) -> None:
    problem = command_problem(command, tmp_path)
    assert problem is None, problem


def command_problem(command: str, folder: Path) -> str | None:
    """Checks a line for a shell as far as it can be: what is cheap is run; says what is wrong, if anything."""
    if command.startswith(tuple(f"{program} " for program in OUTSIDE)):
        return None
    words = shlex.split(command)
    if words[0] == "make":
        return make_problem(words[1:])
    if words[:3] == ["python", "-m", "tideflow"]:
        (folder / "script.py").write_text("import sys, tensorflow\nprint(tensorflow.__version__, sys.argv)\n")
        done = _run(*words[1:], folder=folder)
        arguments = words[words.index("script.py") :]
        return None if done.returncode == 0 and str(arguments) in done.stdout else done.stderr or done.stdout
    if words[0] == "python":
        program = words[1:3] if words[1] == "-m" else words[1:2]
        done = _run(*program, "--help", folder=REPOSITORY)
        unknown = [word for word in words if word.startswith("--") and word not in done.stdout]
        return done.stderr if done.returncode else f"it has no option {unknown}" if unknown else None
    path = REPOSITORY / words[0]
    return None if path.is_file() and os.access(path, os.X_OK) else f"no program {words[0]}"


def make_problem(words: list[str]) -> str | None:
    """Says what is wrong with the arguments of make: no such target, or tests of which there are none."""
    if not any("=" not in word for word in words):
        return "no target"
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode != 0:
        return done.stderr
    for word in words:
        if word.startswith("PYTEST_ARGS="):
            tests = [] if "tests/" in word else ["tests/parity" if "parity" in words else "tests/ops/test_every_op.py"]
            arguments = [*tests, *shlex.split(word.partition("=")[2])]
            found = _run("-m", "pytest", "--collect-only", "-q", *arguments, folder=REPOSITORY)
            if found.returncode != 0:
                return found.stdout + found.stderr
    return None


def test_commands_in_the_text_are_targets_of_make() -> None:
    targets = set(re.findall(r"^([a-z_-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z_-]+)", path.read_text(encoding="utf-8")))
        assert named <= targets, f"{path}: {named - targets}"


def test_the_operation_of_the_tutorial_passes_the_checks_of_every_operation() -> None:
    subject.every_op()
    (block,) = [block for block in PYTHON if block.document == "CONTRIBUTING.md"]
    kept = OpDef.registry["Softsign"]
    del OpDef.registry["Softsign"]
    try:
        exec(compile(block.text, "CONTRIBUTING.md", "exec"), {"__name__": "tutorial"})
        made = OpDef.registry["Softsign"]
        assert made is not kept
        for check in consistency.CHECKS:
            assert check(made) == [], check.__name__
    finally:
        if "Softsign" in OpDef.registry:
            del OpDef.registry["Softsign"]
        OpDef.registry["Softsign"] = kept


# The checks, shown what is wrong.

_DOCUMENT = """
# Title

Text.

```python
print(1)  # 1
```

    make demo    # a comment

- an item
  that goes on

```
python -m tideflow --v1 script.py
```
"""


def test_blocks_are_found() -> None:
    assert [(block.line, block.language, block.text) for block in blocks("x.md", _DOCUMENT)] == [
        (6, "python", "print(1)  # 1\n"),
        (15, "shell", "python -m tideflow --v1 script.py\n"),
        (10, "shell", "    make demo    # a comment\n"),
    ]


@pytest.mark.parametrize("text", ["import tideflow.nonsense", "print(1)  # 2", "import warnings; warnings.warn('old')"])
def test_a_wrong_program_is_found(text: str, tmp_path: Path) -> None:
    assert python_problem(text, tmp_path) is not None


@pytest.mark.parametrize(
    "command",
    [
        "make nonsense",
        "python -m tideflow --v9 script.py",
        "python benchmarks/run.py --nonsense",
        "python benchmarks/nonsense.py",
        ".ci/nonsense",
        'make test PYTEST_ARGS="-k NoSuchOperation"',
    ],
)
def test_a_wrong_command_is_found(command: str, tmp_path: Path) -> None:
    assert command_problem(command, tmp_path) is not None
