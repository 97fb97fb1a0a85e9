"""Command line flags of TensorFlow 1.x programs: those of absl, parsed at first use, with the older argument names."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from absl import app as absl_app
from absl import flags as absl_flags

absl_flags.disclaim_key_flags()  # a flag belongs to the module that calls the functions below

_OLD_NAMES = {"flag_name": "name", "default_value": "default", "docstring": "help"}


class FlagValues:
    """Is absl's ``FLAGS``, except that the command line is parsed when a flag is first read."""

    def __init__(self, flags: Any) -> None:
        self.__dict__["__flags"] = flags

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            return super().__getattribute__(name)
        return self.__dict__["__flags"].__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        flags = self.__dict__["__flags"]
        if not flags.is_parsed():
            flags(sys.argv, known_only=True)
        return flags.__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["__flags"].__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self.__dict__["__flags"].__delattr__(name)

    def __dir__(self) -> list[str]:
        return list(self.__dict__["__flags"].__dir__())

    def __getitem__(self, name: str) -> Any:
        return self.__dict__["__flags"][name]

    def __setitem__(self, name: str, flag: Any) -> None:
        self.__dict__["__flags"][name] = flag

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__["__flags"]

    def __len__(self) -> int:
        return len(self.__dict__["__flags"])

    def __iter__(self) -> Any:
        return iter(self.__dict__["__flags"])

    def __str__(self) -> str:
        return str(self.__dict__["__flags"])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__dict__["__flags"](*args, **kwargs)


FLAGS = FlagValues(absl_flags.FLAGS)


def _with_old_names(define: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(define)
    def function(*args: Any, **kwargs: Any) -> Any:
        for old, new in _OLD_NAMES.items():
            if old in kwargs:
                kwargs[new] = kwargs.pop(old)
        kwargs.setdefault("flag_values", absl_flags.FLAGS)
        return define(*args, **kwargs)

    return function


DEFINE_string = _with_old_names(absl_flags.DEFINE_string)
DEFINE_integer = _with_old_names(absl_flags.DEFINE_integer)
DEFINE_float = _with_old_names(absl_flags.DEFINE_float)
DEFINE_bool = _with_old_names(absl_flags.DEFINE_bool)
DEFINE_boolean = DEFINE_bool


def run(main: Callable[..., Any] | None = None, argv: list[str] | None = None) -> None:
    """Runs a program: parses its flags, calls ``main`` with what is left of the command line, and exits.

    Args:
      main: the program's function; by default ``main`` of the module ``__main__``.
      argv: the command line; by default ``sys.argv``. Flags that nobody defined stay in what ``main`` gets.
    """
    if main is None:
        main = sys.modules["__main__"].main
    absl_app.run(main=main, argv=argv, flags_parser=_parse_known)


def _parse_known(args: list[str]) -> list[str]:
    return absl_flags.FLAGS(args, known_only=True)
