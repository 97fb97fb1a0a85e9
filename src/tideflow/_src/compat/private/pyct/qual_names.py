"""Qualified names: ``x``, ``x.y`` and ``x[i]`` as values that are compared and collected."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from tideflow._src.compat.private.pyct import anno, syntax


class Symbol(NamedTuple):
    """Is a plain name."""

    name: str


class Literal(NamedTuple):
    """Is a constant in brackets."""

    value: Any

    def __str__(self) -> str:
        return repr(self.value)


class QN:
    """Is a qualified name.

    Args:
      base: a plain name, or the qualified name that ``attr`` or ``subscript`` belongs to.
      attr: the attribute of it.
      subscript: what stands in brackets behind it: a qualified name, or a ``Literal``.

    Raises:
      ValueError: the base of an attribute or item is no qualified name, or both are given.
    """

    def __init__(self, base: Any, attr: str | None = None, subscript: Any = None) -> None:
        if attr is not None and subscript is not None:
            raise ValueError("A QN can only be either an attr or a subscript, not both.")
        composite = attr is not None or subscript is not None
        if composite and not isinstance(base, QN):
            raise ValueError(f"For attribute and subscript QNs, base must be a QN; got {base!r}.")
        self._parent = base if composite else None
        self._attr, self._subscript = attr, subscript
        if attr is not None:
            self.qn: tuple[Any, ...] = (base, attr)
        elif subscript is not None:
            self.qn = (base, subscript)
        else:
            self.qn = (base.name if isinstance(base, Symbol) else base,)

    def is_symbol(self) -> bool:
        """Tells whether it is a plain name."""
        return self._parent is None and isinstance(self.qn[0], str)

    def is_simple(self) -> bool:
        """Tells whether it has one part."""
        return self._parent is None

    def is_composite(self) -> bool:
        """Tells whether it has several parts."""
        return self._parent is not None

    def has_attr(self) -> bool:
        """Tells whether it ends with an attribute."""
        return self._attr is not None

    def has_subscript(self) -> bool:
        """Tells whether it ends with an item."""
        return self._subscript is not None

    @property
    def attr(self) -> str | None:
        """The attribute that it ends with."""
        return self._attr

    @property
    def parent(self) -> QN:
        """What it is an attribute or item of; a ValueError for a plain name."""
        if self._parent is None:
            raise ValueError(f"Cannot get parent of simple name '{self}'.")
        parent: QN = self._parent
        return parent

    @property
    def owner_set(self) -> set[QN]:
        """What it is an attribute or item of, and what that is one of, and so on."""
        return set() if self._parent is None else {self._parent} | self._parent.owner_set

    @property
    def support_set(self) -> set[QN]:
        """The plain names that it is made of."""
        if self._parent is None:
            return {self}
        found = set(self._parent.support_set)
        return found | self._subscript.support_set if isinstance(self._subscript, QN) else found

    def ssf(self) -> str:
        """Returns it as a name that can be part of another: ``x_y`` for ``x.y``."""
        parts = [part.ssf() if isinstance(part, QN) else str(part) for part in self.qn]
        return f"{parts[0]}_sub_{parts[1]}" if self.has_subscript() else "_".join(parts)

    def ast(self) -> Any:
        """Returns the expression."""
        return _noted(syntax.expression(str(self)))

    def __str__(self) -> str:
        if self.has_subscript():
            return f"{self._parent}[{self._subscript}]"
        return str(self.qn[0]) if self._parent is None else f"{self._parent}.{self._attr}"

    __repr__ = __str__

    def _key(self) -> Any:
        return self.qn, self.has_attr(), self.has_subscript()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QN) and self._key() == other._key()

    def __lt__(self, other: object) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: object) -> bool:
        return str(self) > str(other)

    def __hash__(self) -> int:
        return hash(self._key())


def _qualified(node: Any) -> Any:
    """Returns the qualified name that an expression is, or None."""
    if syntax.is_a(node, "Name"):
        return QN(node.id)
    if syntax.is_a(node, "Attribute"):
        owner = _qualified(node.value)
        return None if owner is None else QN(owner, attr=node.attr)
    if syntax.is_a(node, "Subscript"):
        owner, index = _qualified(node.value), node.slice
        key = Literal(index.value) if syntax.is_a(index, "Constant") else _qualified(index)
        return None if owner is None or key is None else QN(owner, subscript=key)
    return None


def _noted(node: Any) -> Any:
    for each in ast.walk(node):
        name = _qualified(each)
        if name is not None:
            anno.setanno(each, anno.Basic.QN, name)
    return node


def resolve(node: Any) -> Any:
    """Notes on every expression that is a qualified name what it is (``anno.Basic.QN``)."""
    return _noted(node)


def from_str(qn_str: str) -> QN:
    """Returns the qualified name that a text is."""
    name: QN | None = _qualified(syntax.expression(qn_str))
    if name is None:
        raise ValueError(f"'{qn_str}' is no qualified name.")
    return name
