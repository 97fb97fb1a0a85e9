"""The graph that objects span which depend on each other: how it is walked, and what its parts are called in files.

Checkpoints and saved models number the objects in the order of a breadth-first walk from the root. What an object
holds itself is saved under the path to it: ``net/layers/0/kernel/.ATTRIBUTES/VARIABLE_VALUE``.
"""

from __future__ import annotations

import collections
import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from tideflow._src.core.object_identity import ObjectIdentityDictionary
from tideflow._src.core.tensor import Tensor
from tideflow._src.state.trackable import Trackable, TrackableReference
from tideflow._src.state.tracked_structures import wrap_or_unwrap
from tideflow._src.state.variable import Variable

#: The key under which a checkpoint has the object graph.
OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
ATTRIBUTES = ".ATTRIBUTES"
_OPTIMIZER_SLOT = ".OPTIMIZER_SLOT"


def escaped(name: str) -> str:
    """Returns a name as it stands in a path."""
    return name.replace(".", "..").replace("/", ".S")


def path_text(names: Iterable[str]) -> str:
    """Returns the path that names lead along, from the root."""
    return "/".join(map(escaped, names))


def attribute_key(object_path: str, name: str) -> str:
    """Returns the key of a value of an object in a checkpoint.

    Args:
      object_path: the path to the object, empty for the root.
      name: what the object calls the value, not escaped.
    """
    return f"{object_path}/{ATTRIBUTES}/{escaped(name)}"


def attribute_prefix(key: str) -> str:
    """Returns the part of the key of a value that all values of its object begin with.

    Raises:
      ValueError: it is no such key.
    """
    mark = f"{ATTRIBUTES}/"
    return key[: key.index(mark) + len(mark)]


def local_name(key: str) -> str:
    """Returns what the object calls the value under a key: escaped, as in the key."""
    _, mark, name = key.partition(f"{ATTRIBUTES}/")
    return name if mark else key


def slot_path(variable_path: str, optimizer_path: str, slot_name: str) -> str:
    """Returns the path to the slot that an optimizer keeps for a variable."""
    return f"{variable_path}/{_OPTIMIZER_SLOT}/{optimizer_path}/{escaped(slot_name)}"


class WeakTrackableReference(TrackableReference):
    """Is a dependency that does not keep its object."""

    __slots__ = ()

    def __init__(self, name: str, ref: Any) -> None:
        super().__init__(name, ref if isinstance(ref, weakref.ref) else weakref.ref(ref))

    def __iter__(self) -> Any:
        yield self.name
        yield self.ref()  # None once the object is gone


def as_trackable(value: Any) -> Any:
    """Returns what stands for a child in the object graph: the child, or a wrapper of a list or dictionary.

    Raises:
      ValueError: nothing does.
    """
    if isinstance(value, Trackable) or hasattr(type(value), "_trackable_children"):  # a function has them, too
        return value
    wrapped = wrap_or_unwrap(value)
    if isinstance(wrapped, Trackable | Tensor):
        return wrapped
    raise ValueError(f"Cannot convert {value!r} to Trackable.")


class TrackableView:
    """Shows the objects that one depends on.

    Args:
      root: the object, or a weak reference to it. The view does not keep the object.

    >>> import tideflow as tf
    >>> root = tf.train.Checkpoint(step=tf.Variable(1), more=tf.Module())
    >>> [type(each).__name__ for each in tf.train.TrackableView(root).descendants()]
    ['Checkpoint', 'Module', 'ResourceVariable']
    """

    def __init__(self, root: Any) -> None:
        self._root_ref = root if isinstance(root, weakref.ref) else weakref.ref(root)

    @classmethod
    def children(cls, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns what an object depends on directly, by name.

        Args:
          obj: the object.
          save_type: ``"checkpoint"`` or ``"savedmodel"``.
          **kwargs: what else the object's ``_trackable_children`` gets.
        """
        obj._maybe_initialize_trackable()
        return {name: as_trackable(child) for name, child in obj._trackable_children(save_type, **kwargs).items()}

    @property
    def root(self) -> Any:
        """The object.

        Raises:
          ReferenceError: it is gone.
        """
        root = self._root_ref()
        if root is None:
            raise ReferenceError("The root of this view has been deleted.")
        return root

    def descendants(self) -> list[Any]:
        """Returns the object and all that it depends on, in the order in which a breadth-first walk comes to them."""
        return [found.value for found in self.walk()]

    def walk(self) -> list[Found]:
        """Returns the objects as `descendants` does, with the names that lead to them and their own children."""
        found: dict[int, Found] = {}
        root = self.root
        paths: dict[int, tuple[str, ...]] = {id(root): ()}
        pending = collections.deque([root])
        while pending:
            value = pending.popleft()
            children = self.children(value)  # whose type of saving is that of the view
            path = paths[id(value)]
            found[id(value)] = Found(value, path, children)
            for name, child in children.items():
                if id(child) not in paths:
                    paths[id(child)] = (*path, name)
                    pending.append(child)
        return list(found.values())


class Found(NamedTuple):
    """Is an object that a walk has come to."""

    value: Any
    #: The names on the shortest way from the root.
    path: tuple[str, ...]
    #: What the object depends on, by name.
    children: dict[str, Any]


class ObjectGraphView(TrackableView):
    """Shows the objects that one depends on, and others that belong to it for a checkpoint.

    Args:
      root: the object, or a weak reference to it.
      attached_dependencies: references to further children of the root.
    """

    def __init__(self, root: Any, attached_dependencies: list[TrackableReference] | None = None) -> None:
        super().__init__(root)
        self._attached_dependencies = attached_dependencies

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy  # rarely needed

        root = self._root_ref()
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        copied._root_ref = self._root_ref if root is None else weakref.ref(copy.deepcopy(root, memo))
        copied._attached_dependencies = copy.deepcopy(self._attached_dependencies, memo)
        return copied

    @property
    def attached_dependencies(self) -> list[TrackableReference] | None:
        """The further children of the root."""
        return self._attached_dependencies

    def children(  # type: ignore[override]  # the children of a view's root are more than those of the object
        self, obj: Any, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        """Returns what an object depends on directly, by name; see `TrackableView.children`."""
        children = TrackableView.children(obj, save_type, **kwargs)
        if self._attached_dependencies and obj is self.root:
            children.update((name, child) for name, child in self._attached_dependencies)
        return children

    def list_children(self, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> list[TrackableReference]:
        """Returns the same as references."""
        return [TrackableReference(name, child) for name, child in self.children(obj, save_type, **kwargs).items()]

    def breadth_first_traversal(self) -> tuple[list[Any], Any]:
        """Returns the objects in order, and for each the references that lead to it from the root."""
        found = self.walk()
        by_id = {id(each.value): each for each in found}
        paths = ObjectIdentityDictionary()
        for each in found:
            owner, references = found[0], []
            for name in each.path:
                child = owner.children[name]
                references.append(TrackableReference(name, child))
                owner = by_id[id(child)]
            paths[each.value] = tuple(references)
        return [each.value for each in found], paths


class Slot(NamedTuple):
    """Is a variable that an optimizer keeps for another; it depends on nothing and nothing depends on it."""

    name: str
    #: The numbers of the variable that it is for, and of its own.
    original: int
    number: int
    value: Any
    path: str


class NumberedObjects:
    """Numbers the objects that a view shows, slots of optimizers included.

    Args:
      view: the view.
      skip_slots: whether to leave out the slots.

    Raises:
      NotImplementedError: a slot depends on something, or something depends on it.
    """

    def __init__(self, view: TrackableView, skip_slots: bool = False) -> None:
        self.found = view.walk()
        #: All objects; the number of one is its position.
        self.values = [each.value for each in self.found]
        self.numbers = {id(value): number for number, value in enumerate(self.values)}
        #: The paths to them.
        self.paths = [path_text(each.path) for each in self.found]
        #: The slots of each optimizer, by its number.
        self.slots: dict[int, list[Slot]] = {}
        if not skip_slots:
            for number in range(len(self.found)):
                self._add_slots(number)

    def _add_slots(self, optimizer_number: int) -> None:
        optimizer = self.values[optimizer_number]
        if "get_slot_names" not in dir(optimizer):
            return
        for name in optimizer.get_slot_names():
            for original in range(len(self.found)):
                slot = _slot(optimizer, self.values[original], name)
                if slot is None:
                    continue
                slot._maybe_initialize_trackable()
                if slot._trackable_children():
                    raise NotImplementedError(
                        "Currently only variables with no dependencies can be saved as slot variables, and the slot "
                        f"{name!r} of {self.paths[original]!r} has some."
                    )
                if id(slot) in self.numbers:
                    raise NotImplementedError(
                        f"A slot variable was re-used as a dependency of a Trackable object: {slot}. This is not "
                        "currently allowed."
                    )
                number = self.numbers[id(slot)] = len(self.values)
                path = slot_path(self.paths[original], self.paths[optimizer_number], name)
                self.values.append(slot)
                self.paths.append(path)
                self.slots.setdefault(optimizer_number, []).append(Slot(name, original, number, slot, path))


def _slot(optimizer: Any, variable: Any, name: str) -> Any:
    try:
        return optimizer.get_slot(variable, name)
    except (AttributeError, KeyError):  # no variable
        return None


def full_name(value: Any) -> str:
    """Returns the name of a variable in checkpoints without an object graph; empty for what is no variable."""
    if not isinstance(value, Variable) and not hasattr(value, "_should_act_as_resource_variable"):
        return ""
    part = getattr(value, "_save_slice_info", None)
    return str(value._shared_name if part is None else part.full_name)
