"""Prints what a file holds: ``python -m tideflow inspect FILE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tideflow._src.tools.contents.kinds import tables_of
from tideflow._src.tools.contents.table import printed


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what the files on the command line hold, as tables.

    Args:
      arguments: the command line; this process's if None.

    Returns:
      The status of the process: 1 if a file cannot be read, which is told in one line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tideflow inspect",
        description="Prints what a file holds, without running it: a checkpoint, a SavedModel (its folder or message), "
        "a GraphDef or MetaGraphDef (binary or text), a TFRecord file, an event file, a .keras or .h5 file.",
    )
    parser.add_argument("file", nargs="+", metavar="FILE")
    status = 0
    for number, path in enumerate(parser.parse_args(arguments).file):
        try:
            text = printed(tables_of(path))
        except Exception as error:  # whatever is in a file, it is told in one line
            reason = str(getattr(error, "message", None) or error) or type(error).__name__
            print(f"python -m tideflow inspect: {path}: {' '.join(reason.split())}", file=sys.stderr)
            status = 1
            continue
        print(("\n" if number else "") + text)
    return status


if __name__ == "__main__":
    sys.exit(main())
