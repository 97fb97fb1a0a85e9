"""Gives commands to TensorFlow's ``saved_model_cli`` and writes what it prints; `test_saved_model_cli.py` runs it.

It is called with a file that holds the command lines, and a file for what each prints, or the error.
"""

from __future__ import annotations

import contextlib
import io
import pathlib
import pickle
import sys

from absl import flags
from tensorflow.python.tools import saved_model_cli


def main(commands: pathlib.Path, answers: pathlib.Path) -> None:
    """Gives one command after the other."""
    found = []
    for command in pickle.loads(commands.read_bytes()):
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        sys.argv[1:] = command
        with contextlib.redirect_stdout(io.StringIO()) as text:
            try:
                saved_model_cli.create_parser().parse_args(command).func()
                error = ""
            except Exception as raised:
                error = f"{type(raised).__name__}: {getattr(raised, 'message', None) or raised}".splitlines()[0]
        found.append((text.getvalue(), error))
    answers.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
