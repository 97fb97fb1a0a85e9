"""`python -m tideflow program` behaves as `python program` does, with Tideflow for TensorFlow.

Where it can, a test runs the same program both ways and compares everything that comes out.
"""

from __future__ import annotations

import re
import signal
import textwrap
import zipfile

import pytest


@pytest.fixture
def same(python, tideflow):
    """Runs Python with and without the runner; checks that all is equal; returns the result."""

    def compare(*arguments: str, stdin: str = ""):
        plain = python(*arguments, stdin=stdin)
        ours = tideflow(*arguments, stdin=stdin)
        assert ours.stdout == plain.stdout
        assert ours.stderr == plain.stderr
        assert ours.returncode == plain.returncode
        return ours

    return compare


@pytest.fixture
def write(tmp_path):
    """Writes a program into the working directory."""

    def write_file(name: str, source: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return name

    return write_file


SHOW_SURROUNDINGS = """
    import sys
    print(sys.argv, __name__, __package__, __spec__ and __spec__.name)
    print(globals().get("__file__"), sys.path[0], sys.modules["__main__"].__dict__ is globals())
    print(sorted(name for name in globals() if name not in ("__cached__", "__annotations__")))
"""


def test_a_script_sees_what_python_would_show_it(same, write):
    done = same(write("folder/script.py", SHOW_SURROUNDINGS), "one", "--two", "-h")
    assert done.returncode == 0
    assert "['folder/script.py', 'one', '--two', '-h'] __main__" in done.stdout


def test_a_script_imports_its_neighbours(same, write):
    write("folder/neighbour.py", "answer = 42")
    assert same(write("folder/script.py", "import neighbour; print(neighbour.answer)")).stdout == "42\n"


def test_a_module_sees_what_python_would_show_it(same, write):
    write("package/__init__.py", "")
    write("package/part.py", SHOW_SURROUNDINGS)
    write("package/__main__.py", SHOW_SURROUNDINGS)
    assert same("-m", "package.part", "one").returncode == 0
    assert same("-m", "package", "-c").returncode == 0


def test_code_sees_what_python_would_show_it(same):
    assert same("-c", textwrap.dedent(SHOW_SURROUNDINGS), "one").returncode == 0


def test_a_program_from_standard_input(same):
    assert same("-", "one", stdin="import sys\nprint(sys.argv)\n").stdout == "['-', 'one']\n"


def test_a_directory_and_a_zip_file(same, write, tmp_path):
    write("program/__main__.py", "import sys, part; print(sys.argv, part.x, __name__)")
    write("program/part.py", "x = 1")
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        for name in ("__main__.py", "part.py"):
            archive.write(tmp_path / "program" / name, name)
    assert same("program", "one").stdout == "['program', 'one'] 1 __main__\n"
    assert same("program.zip", "one").stdout == "['program.zip', 'one'] 1 __main__\n"


@pytest.mark.parametrize(
    "ending", ["", "sys.exit(3)", "sys.exit('a reason')", "sys.exit(None)", "raise SystemExit(True)", "1 / 0"]
)
def test_the_exit_status_is_the_programs(same, write, ending):
    source = f"import atexit, sys\natexit.register(print, 'at exit')\n{ending}\n"
    assert same(write("script.py", source)).stdout == "at exit\n"


def test_a_traceback_begins_in_the_program(same, write):
    write("neighbour.py", "def divide(a, b):\n    return a / b\n")
    source = """
        import neighbour
        def work():
            try:
                neighbour.divide(1, 0)
            except ZeroDivisionError as error:
                raise ValueError("no quotient") from error
        work()
    """
    done = same(write("script.py", source))
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 2
    assert "runner.py" not in done.stderr and "runpy" not in done.stderr


def test_a_syntax_error_shows_only_the_program(same, write):
    done = same(write("script.py", "x = (\n"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_programs_own_hook_reports(same, write):
    source = """
        import sys
        def hook(kind, error, traceback):
            print(kind.__name__, traceback.tb_frame.f_code.co_name, traceback.tb_next)
        sys.excepthook = hook
        raise KeyError("lost")
    """
    assert same(write("script.py", source)).stdout == "KeyError <module> None\n"


def test_an_interrupt_ends_the_program_as_a_signal(same, write):
    source = """
        import os, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass
    """
    assert same(write("script.py", source)).returncode == -signal.SIGINT


@pytest.mark.parametrize("arguments", [["missing.py"], ["-m", "missing_module"], ["-m", "json"], ["empty"]])
def test_a_missing_program_is_reported_in_pythons_words(same, tmp_path, arguments):
    (tmp_path / "empty").mkdir()
    assert same(*arguments).returncode in (1, 2)


def test_objects_of_the_program_pickle(same, write):
    source = """
        import pickle
        class Thing: pass
        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
    """
    assert same(write("script.py", source)).stdout == "True\n"


@pytest.mark.parametrize(
    ("option", "expected"),
    [(None, "2.21.0 True"), ("--v2", "2.21.0 True"), ("--v1", "1.15.5 False"), ("--v0", "0.12.1 False")],
)
def test_the_dialect_is_chosen_on_the_command_line(tideflow, option, expected):
    source = "import tensorflow as tf, tideflow; print(tf.__version__, tideflow.executing_eagerly())"
    done = tideflow(*([option] if option else []), "-c", source)
    assert (done.stdout.strip(), done.stderr) == (expected, "")


def test_a_compat_program_needs_no_option(tideflow):
    source = "import tensorflow.compat.v1 as tf; tf.disable_v2_behavior(); print(tf.Session().run(tf.constant(3)))"
    assert tideflow("-c", source).stdout == "3\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no program given"),
        (["--v3", "script.py"], "unknown option --v3"),
        (["--v1", "--v0", "script.py"], "two dialects given: --v1 and --v0"),
        (["-m"], "argument expected for the -m option"),
    ],
)
def test_a_mistake_on_the_command_line(tideflow, arguments, message):
    done = tideflow(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and "usage: python -m tideflow" in done.stderr


def test_help_and_version(tideflow):
    done = tideflow("--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--v2", "--v1", "--v0", "-m MODULE", "-c CODE"))
    assert re.match(r"Tideflow \d+\.\d+", tideflow("--version").stdout)
