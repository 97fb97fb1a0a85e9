"""Prints which of the names on standard input `import tensorflow` does not give, in the dialect of the argument."""

from __future__ import annotations

import importlib
import sys

import tideflow


def is_there(name: str) -> bool:
    """Tells whether attributes and modules lead to a name."""
    path, found = "tensorflow", importlib.import_module("tensorflow")
    for part in name.split("."):
        path += f".{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = importlib.import_module(path)
            except ImportError:
                return False
    return True


if __name__ == "__main__":
    tideflow.install_as_tensorflow(sys.argv[1])
    print("\n".join(name for name in sys.stdin.read().split() if not is_there(name)))
