"""``tf.train.CheckpointView``: looks at the object graph of a checkpoint."""

from __future__ import annotations

import collections
from typing import Any

from tideflow._src.checkpoint import object_graph_message
from tideflow._src.core.logger import get_logger
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.files import file_system
from tideflow._src.state.object_graph import OBJECT_GRAPH_KEY, TrackableView
from tideflow._src.state.trackable import Trackable


class CheckpointView:
    """Shows the objects of a checkpoint, by their numbers; the root has 0.

    Args:
      save_path: the prefix of the checkpoint.

    Raises:
      NotFoundError: there is no such checkpoint.
      ValueError: it has no object graph.
    """

    def __init__(self, save_path: Any) -> None:
        path = file_system.text_of(save_path)
        message = object_graph_message.read(open_checkpoint(path))
        if message is None:
            raise ValueError(
                f'The specified checkpoint "{path}" does not appear to be object-based (saved with TF2) since it is '
                f'missing the key "{OBJECT_GRAPH_KEY}". Likely it was created with the TF1 name-based saver and does '
                "not contain an object dependency graph."
            )
        self._object_graph_proto = message

    def children(self, node_id: int) -> dict[str, int]:
        """Returns the numbers of what an object depends on directly, by name."""
        return {child.local_name: child.node_id for child in self._object_graph_proto.nodes[node_id].children}

    def descendants(self) -> list[int]:
        """Returns the numbers of all objects that the root depends on, in the order of a breadth-first walk."""
        return list(self._descendants_with_paths())

    def _descendants_with_paths(self) -> dict[int, str]:
        paths = {0: "root"}
        pending = collections.deque([0])
        while pending:
            number = pending.popleft()
            for name, child in self.children(number).items():
                if child not in paths:
                    paths[child] = f"{paths[number]}.{name}"
                    pending.append(child)
        return paths

    def match(self, obj: Any) -> dict[int, Any]:
        """Returns the objects that an object of the program and this checkpoint have in common, by their numbers.

        Args:
          obj: the object, which stands for the root.

        Raises:
          ValueError: it is no object that can be saved.
        """
        if not isinstance(obj, Trackable):
            raise ValueError(f"Expected a Trackable, got {obj} of type {type(obj)}.")
        matched: dict[int, Any] = {0: obj}
        pending = collections.deque([(0, obj)])
        visited: set[int] = set()
        while pending:
            number, value = pending.popleft()
            children = TrackableView.children(value)
            for name, child in self.children(number).items():
                if child in visited or child == 0 or name not in children:
                    continue
                known = matched.get(child)
                if known is None:
                    matched[child] = children[name]
                    pending.append((child, children[name]))
                elif known is not children[name]:
                    get_logger().warning(
                        "Inconsistent references when matching the checkpoint into this object graph. The referenced "
                        "objects are: (%s and %s).",
                        known,
                        children[name],
                    )
            visited.add(number)
        return matched

    def diff(self, obj: Any) -> tuple[dict[int, Any], list[int], list[Any]]:
        """Compares an object of the program with this checkpoint.

        Args:
          obj: the object, which stands for the root.

        Returns:
          What both have, the numbers of what only the checkpoint has, and the objects that only the program has.
        """
        matched = self.match(obj)
        known = {id(value) for value in matched.values()}
        return (
            matched,
            [number for number in self.descendants() if number not in matched],
            [value for value in TrackableView(obj).descendants() if id(value) not in known],
        )
