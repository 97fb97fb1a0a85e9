"""Runs a TensorFlow program as Python itself would, with Tideflow in place of TensorFlow."""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple, NoReturn
from zipfile import is_zipfile

from tideflow._src.compat import mnist_substitute, old_modules, old_numpy
from tideflow._src.compat.alias import DIALECTS, install_as_tensorflow

USAGE = """\
usage: python -m tideflow [--v2 | --v1 | --v0] (SCRIPT | -m MODULE | -c CODE | -) [ARGUMENT ...]
       python -m tideflow inspect FILE ...

Runs an unmodified TensorFlow program on Tideflow: in it, 'import tensorflow' gives Tideflow.
"""

HELP = f"""{USAGE}
the dialect of TensorFlow that the program was written in:
  --v2         TensorFlow 2: eager execution, tf.function (the default). A program that says
               'import tensorflow.compat.v1 as tf' is one of these.
  --v1         TensorFlow 1.x: graphs, sessions, placeholders. NumPy gets the names back that it
               removed since (numpy.int, numpy.asscalar, ...).
  --v0         TensorFlow 0.8 to 0.12: as --v1, with the older names (tf.mul, tf.pack, ...).

the program, and the arguments that it finds in sys.argv:
  SCRIPT       a Python file, or a directory or zip file that holds a __main__.py
  -m MODULE    a module or package, found as Python finds it
  -c CODE      the program itself
  -            standard input

what files hold:
  inspect FILE prints as a table what a checkpoint, SavedModel, GraphDef, TFRecord file, event file or
               model of Keras holds, without running it

  -h, --help   print this help
  --version    print the version of Tideflow
"""


#: The command that looks into files.
INSPECT = "inspect"
#: The programs of TensorFlow, run with ``-m tensorflow.python.tools.NAME``, that are here, too.
TOOLS = ("freeze_graph", "inspect_checkpoint", "optimize_for_inference", "saved_model_cli", "strip_unused")


class Command(NamedTuple):
    """What the command line asks for."""

    dialect: str
    kind: str  # "script", "module" or "code"
    target: str
    arguments: list[str]


class Program(NamedTuple):
    """A program that is ready to run: its code, and the attributes of its module `__main__`."""

    code: CodeType
    attributes: dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Runs the program that the command line names; it ends as that program ends.

    Args:
      arguments: the command line without the interpreter and `-m tideflow`; by default this process's.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [INSPECT] and not os.path.exists(INSPECT):
        from tideflow._src.tools import inspect_file  # no program needs it

        sys.exit(inspect_file.main(given[1:]))
    command = parse(given)
    install_as_tensorflow(command.dialect)
    mnist_substitute.offer()
    if DIALECTS[command.dialect].graph_mode:
        old_numpy.restore()
        old_modules.restore()
    load = {"script": load_script, "module": load_module, "code": load_code}[command.kind]
    try:
        program = load(command.target, command.arguments)
    except SyntaxError as error:
        show_from(error, None)
        raise
    run(program)


def parse(arguments: list[str]) -> Command:
    """Reads the command line; everything after the program's name belongs to the program."""
    dialect = None
    rest = list(arguments)
    while True:
        if not rest:
            fail("no program given")
        argument = rest.pop(0)
        if argument in ("-h", "--help"):
            print(HELP, end="")
            sys.exit(0)
        if argument == "--version":
            version = sys.modules["tideflow"].__version__
            print(f"Tideflow {version} (Python {sys.version.split()[0]})")
            sys.exit(0)
        if argument.startswith("--") and argument[2:] in DIALECTS:
            if dialect not in (None, argument[2:]):
                fail(f"two dialects given: --{dialect} and {argument}")
            dialect = argument[2:]
        elif argument[:2] in ("-m", "-c"):
            kind = "module" if argument[1] == "m" else "code"
            if argument[2:]:  # written together, as in -mmodule
                rest.insert(0, argument[2:])
            if not rest:
                fail(f"argument expected for the {argument} option")
            return Command(dialect or "v2", kind, rest[0], rest[1:])
        elif argument.startswith("-") and argument != "-":
            fail(f"unknown option {argument}")
        else:
            return Command(dialect or "v2", "script", argument, rest)


def fail(message: str) -> NoReturn:
    """Reports a mistake in the command line and ends with status 2, as Python does."""
    print(f"python -m tideflow: {message}\n{USAGE}\nTry 'python -m tideflow --help'.", file=sys.stderr)
    sys.exit(2)


def load_script(path: str, arguments: list[str]) -> Program:
    """Compiles a file, or the `__main__` of a directory or zip file; points `sys.path[0]` at it."""
    sys.argv[:] = [path, *arguments]
    if path == "-":
        replace_first_path("")
        return Program(compile(sys.stdin.buffer.read(), "<stdin>", "exec", dont_inherit=True), {})
    absolute = os.path.abspath(path)
    if os.path.isdir(absolute) or (os.path.isfile(absolute) and is_zipfile(absolute)):
        replace_first_path(absolute, even_if_safe=True)
        spec = PathFinder.find_spec("__main__", [absolute])
        if spec is None or spec.loader is None:
            print(f"{interpreter()}: can't find '__main__' module in {absolute!r}", file=sys.stderr)
            sys.exit(1)
        return from_spec(spec, "__main__")
    try:
        with io.open_code(absolute) as file:
            source = file.read()
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"{interpreter()}: can't open file {absolute!r}: {reason}", file=sys.stderr)
        sys.exit(2)
    replace_first_path(os.path.dirname(os.path.realpath(absolute)))
    if absolute.endswith(".pyc"):
        compiled = SourcelessFileLoader("__main__", absolute)
        code = compiled.get_code("__main__")
        assert code is not None
        return Program(code, {"__file__": absolute, "__loader__": compiled, "__cached__": None})
    loader = SourceFileLoader("__main__", absolute)
    code = compile(source, absolute, "exec", dont_inherit=True)
    return Program(code, {"__file__": absolute, "__loader__": loader, "__cached__": None})


def load_module(name: str, arguments: list[str]) -> Program:
    """Finds a module, or the `__main__` of a package, and gets its code."""
    sys.argv[:] = ["-m", *arguments]
    replace_first_path(os.getcwd())
    place, _, tool = name.rpartition(".")
    if place == "tensorflow.python.tools" and tool in TOOLS:
        name = f"tideflow._src.tools.{tool}"
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        module_not_found(f"Error while finding module specification for {name!r} ({type(error).__name__}: {error})")
    if spec is None:
        if name.endswith(".__main__"):
            package = name.removesuffix(".__main__")
            module_not_found(f"No module named {name}; {package!r} is a package and cannot be directly executed")
        module_not_found(f"No module named {name}")
    program = from_spec(spec, name)
    sys.argv[0] = spec.origin or name
    return program


def module_not_found(reason: str) -> NoReturn:
    """Ends with status 1 and Python's words for a module that cannot be run."""
    print(f"{sys.executable}: {reason}", file=sys.stderr)
    sys.exit(1)


def load_code(source: str, arguments: list[str]) -> Program:
    """Compiles a program given on the command line."""
    sys.argv[:] = ["-c", *arguments]
    replace_first_path("")
    return Program(compile(source, "<string>", "exec", dont_inherit=True), {})


def from_spec(spec: ModuleSpec, name: str) -> Program:
    """Gets the code of a module that the import system found."""
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(name) if get_code is not None else None
    if code is None:
        module_not_found(f"No code object available for {name}")
    attributes = {
        "__file__": spec.origin,
        "__cached__": spec.cached,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }
    return Program(code, attributes)


def replace_first_path(directory: str, even_if_safe: bool = False) -> None:
    """Puts the program's directory where `python -m` had put the current one."""
    if not sys.flags.safe_path:
        sys.path[0] = directory
    elif even_if_safe:
        sys.path.insert(0, directory)


def interpreter() -> str:
    """Returns the interpreter's name as the user typed it, for messages that begin with it."""
    return sys.orig_argv[0] if sys.orig_argv else sys.executable


def run(program: Program) -> None:
    """Executes a program as the module `__main__`."""
    module = ModuleType("__main__")
    module.__dict__.update({"__builtins__": builtins, "__package__": None, "__annotations__": {}})
    module.__dict__.update(program.attributes)
    sys.modules["__main__"] = module
    try:
        exec(program.code, module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_frame.f_code is not program.code:
            traceback = traceback.tb_next
        show_from(error, traceback)
        raise


def show_from(error: BaseException, traceback: TracebackType | None) -> None:
    """Makes the interpreter's last report of `error` begin at `traceback`, below the runner's own frames.

    The exception itself goes on to the interpreter, so that exit status, signals and `atexit` functions
    are Python's own. The hook that reports it is the program's, if the program set one.
    """
    report = sys.excepthook

    def report_without_runner(kind: type[BaseException], value: BaseException, whole: TracebackType | None) -> None:
        if value is error:
            whole = traceback
            value = value.with_traceback(traceback)
        report(kind, value, whole)

    sys.excepthook = report_without_runner
