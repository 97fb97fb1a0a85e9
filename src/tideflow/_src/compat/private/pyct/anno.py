"""Notes that analyses leave on nodes."""

from __future__ import annotations

import enum
from typing import Any

_ABSENT = object()
_FIELD = "___pyct_anno"


class NoValue(enum.Enum):
    """Is a key of notes, which has methods to read and write them."""

    def of(self, node: Any, default: Any = None) -> Any:
        """Returns the note of a node."""
        return getanno(node, self, default)

    def add_to(self, node: Any, value: Any) -> None:
        """Leaves a note on a node."""
        setanno(node, self, value)

    def exists(self, node: Any) -> bool:
        """Tells whether a node has the note."""
        return hasanno(node, self)

    def __repr__(self) -> str:
        return self.name


class Basic(NoValue):
    """Are notes of the text: the qualified name of an expression, the extra condition of a loop."""

    QN = "qualified name"
    SKIP_PROCESSING = "skip"
    INDENT_BLOCK_REMAINDER = "indent"
    ORIGIN = "origin"
    DIRECTIVES = "directives"
    EXTRA_LOOP_TEST = "extra loop test"


class Static(NoValue):
    """Are notes of what statements read and change."""

    IS_PARAM = "is parameter"
    SCOPE = "scope"
    ARGS_SCOPE = "scope of arguments"
    COND_SCOPE = "scope of a condition"
    BODY_SCOPE = "scope of a body"
    ORELSE_SCOPE = "scope of an else"
    DEFINITIONS = "definitions"
    ORIG_DEFINITIONS = "original definitions"
    DEFINED_FNS_IN = "functions defined before"
    DEFINED_VARS_IN = "variables defined before"
    LIVE_VARS_OUT = "variables needed after"
    LIVE_VARS_IN = "variables needed before"
    TYPES = "types"
    CLOSURE_TYPES = "types of outer variables"
    VALUE = "value"


def keys(node: Any, field_name: str = _FIELD) -> set[Any]:
    """Returns the keys of a node's notes."""
    return set(getattr(node, field_name, ()))


def getanno(node: Any, key: Any, default: Any = _ABSENT, field_name: str = _FIELD) -> Any:
    """Returns a note of a node; without a default, a KeyError if it has none."""
    notes = getattr(node, field_name, {})
    return notes[key] if default is _ABSENT else notes.get(key, default)


def hasanno(node: Any, key: Any, field_name: str = _FIELD) -> bool:
    """Tells whether a node has a note."""
    return key in getattr(node, field_name, ())


def setanno(node: Any, key: Any, value: Any, field_name: str = _FIELD) -> None:
    """Leaves a note on a node."""
    node.__dict__.setdefault(field_name, {})[key] = value


def delanno(node: Any, key: Any, field_name: str = _FIELD) -> None:
    """Removes a note; a KeyError if there is none."""
    del node.__dict__[field_name][key]


def copyanno(from_node: Any, to_node: Any, key: Any, field_name: str = _FIELD) -> None:
    """Leaves a note of one node on another, too."""
    if hasanno(from_node, key, field_name):
        setanno(to_node, key, getanno(from_node, key, field_name=field_name), field_name)
