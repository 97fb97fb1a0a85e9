"""Object graphs as ``TrackableObjectGraph`` messages."""

from __future__ import annotations

import collections
from typing import Any

from tideflow._src.core.errors import DataLossError
from tideflow._src.graph import protos
from tideflow._src.state.object_graph import OBJECT_GRAPH_KEY, NumberedObjects


def of_objects(objects: NumberedObjects, attributes: dict[int, list[tuple[str, str, str]]]) -> Any:
    """Returns the message about some objects.

    Args:
      objects: the objects.
      attributes: of each that holds values their names, keys and names without an object graph, by its number.
    """
    message = protos.get("TrackableObjectGraph")()
    for number in range(len(objects.values)):
        node = message.nodes.add()
        if number < len(objects.found):
            for name, child in objects.found[number].children.items():
                node.children.add(node_id=objects.numbers[id(child)], local_name=name)
        for slot in objects.slots.get(number, ()):
            node.slot_variables.add(
                original_variable_node_id=slot.original, slot_name=slot.name, slot_variable_node_id=slot.number
            )
        for name, key, full in attributes.get(number, ()):
            node.attributes.add(name=name, checkpoint_key=key, full_name=full)
    _mark_values(message)
    return message


def _mark_values(message: Any) -> None:
    """Notes of each object whether it, or something that it depends on, has values in the checkpoint."""
    parents = collections.defaultdict(set)
    for number, node in enumerate(message.nodes):
        for child in node.children:
            parents[child.node_id].add(number)
    marked: set[int] = set()
    pending = [n for n, node in enumerate(message.nodes) if node.attributes or node.slot_variables]
    while pending:
        number = pending.pop()
        if number not in marked:
            marked.add(number)
            pending += parents[number]
    for number, node in enumerate(message.nodes):
        node.has_checkpoint_values.value = number in marked


def parse(content: Any, path: str) -> Any:
    """Returns the message that a checkpoint holds.

    Args:
      content: its bytes.
      path: the checkpoint, for messages.

    Raises:
      DataLossError: it is none, or refers to objects that it does not have.
    """
    message = protos.get("TrackableObjectGraph")()
    try:
        message.ParseFromString(bytes(content))
    except Exception as error:  # protobuf's own, which this floor does not import
        raise _damaged(path, str(error)) from None
    count = len(message.nodes)
    if not count:
        raise _damaged(path, "it has no objects")
    for number, node in enumerate(message.nodes):
        named = [child.node_id for child in node.children]
        for slot in node.slot_variables:
            named += (slot.original_variable_node_id, slot.slot_variable_node_id)
        wrong = [each for each in named if not 0 <= each < count]
        if wrong:
            raise _damaged(path, f"its object {number} refers to object {wrong[0]} of {count}")
    return message


def _damaged(path: str, why: str) -> DataLossError:
    return DataLossError(None, None, f"The object graph in the checkpoint {path} is damaged: {why}")


def read(reader: Any) -> Any:
    """Returns the object graph of a checkpoint; None if it has none.

    Args:
      reader: what `open_checkpoint` returned.

    Raises:
      DataLossError: it is damaged.
    """
    key = OBJECT_GRAPH_KEY.encode()
    if not reader.has(key):
        return None
    value = reader.read(key)
    if value.ndim or value.dtype != object:
        raise _damaged(reader.prefix, "it is no string")
    return parse(value.item(), reader.prefix)


def node_names(message: Any) -> dict[int, str]:
    """Returns how objects are reached from the root, by their numbers: ``(root).net.kernel``."""
    names = {0: "(root)"}
    pending = collections.deque([0])
    while pending:
        number = pending.popleft()
        for child in message.nodes[number].children:
            if child.node_id not in names:
                names[child.node_id] = f"{names[number]}.{child.local_name}"
                pending.append(child.node_id)
    for number, node in enumerate(message.nodes):
        for slot in node.slot_variables:
            optimizer, original = (
                names.get(each, f"(object {each})") for each in (number, slot.original_variable_node_id)
            )
            names[slot.slot_variable_node_id] = f"{optimizer}'s state '{slot.slot_name}' for {original}"
    for number in range(len(message.nodes)):
        names.setdefault(number, f"(object {number})")
    return names


def keys_by_full_name(message: Any) -> dict[str, str]:
    """Returns the keys of values by the names that their variables had as a graph's: what a ``Saver`` calls them."""
    return {each.full_name: each.checkpoint_key for node in message.nodes for each in node.attributes if each.full_name}
