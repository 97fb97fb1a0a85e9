"""Decodes by beam search: the likeliest label sequences, each with all the ways to spread it over the frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.nn.ctc import check_sequence_length, packed
from tideflow._src.runtime.op import op

_NONE = -1


class _Tree:
    """Holds the label sequences of all beams as a tree: each node has a parent and a last label."""

    def __init__(self) -> None:
        self.parent = [_NONE]
        self.label = [_NONE]
        self._children: dict[tuple[int, int], int] = {}

    def child(self, node: int, label: int) -> int:
        """Returns the node one label further."""
        found = self._children.get((node, label))
        if found is None:
            found = self._children[node, label] = len(self.parent)
            self.parent.append(node)
            self.label.append(label)
        return found

    def sequence(self, node: int, merge_repeated: bool) -> list[int]:
        """Returns the labels from the root to a node."""
        labels: list[int] = []
        while node > 0:
            label = self.label[node]
            if not (merge_repeated and labels and labels[-1] == label):
                labels.append(label)
            node = self.parent[node]
        return labels[::-1]


def _search(scores: np.ndarray[Any, Any], width: int) -> tuple[_Tree, list[int], np.ndarray[Any, Any]]:
    """Searches the frames of one example: log-probabilities ``[T, C]``, the last class the blank.

    Returns:
      The tree, and the nodes of the best sequences with their log-probabilities, best first.
    """
    tree = _Tree()
    blank = scores.shape[1] - 1
    nodes = np.zeros(1, np.int64)
    ends_blank = np.zeros(1, scores.dtype)
    ends_label = np.full(1, -np.inf, scores.dtype)
    total = np.zeros(1, scores.dtype)
    for frame in scores:
        labels = np.array([tree.label[node] for node in nodes.tolist()])
        place = {node: index for index, node in enumerate(nodes.tolist())}
        # A beam stays as it is: by a blank, or by its last label once more.
        stay_blank = total + frame[blank]
        has_label = labels >= 0
        stay_label = np.where(has_label, ends_label + frame[labels], -np.inf)
        # Or it becomes a sequence that is one label longer, and already a beam.
        grown = np.where(np.arange(blank) == labels[:, None], ends_blank[:, None], total[:, None]) + frame[:blank]
        for index, node in enumerate(nodes.tolist()):
            source = place.get(tree.parent[node])
            if source is not None and node > 0:
                stay_label[index] = np.logaddexp(stay_label[index], grown[source, labels[index]])
                grown[source, labels[index]] = -np.inf
        stay = np.logaddexp(stay_blank, stay_label)
        flat = grown.reshape(-1)
        count = min(width, int(np.count_nonzero(flat > -np.inf)))
        best = np.argpartition(-flat, count - 1)[:count] if 0 < count < flat.size else np.flatnonzero(flat > -np.inf)
        candidates = np.concatenate([stay, flat[best]])
        order = np.argsort(-candidates, kind="stable")[:width]
        old = order[order < stay.size]
        new = best[order[order >= stay.size] - stay.size]
        added = [tree.child(int(nodes[place // blank]), int(place % blank)) for place in new]
        nodes = np.concatenate([nodes[old], np.array(added, np.int64)])
        ends_blank = np.concatenate([stay_blank[old], np.full(new.size, -np.inf, scores.dtype)])
        ends_label = np.concatenate([stay_label[old], flat[new]])
        total = np.concatenate([stay[old], flat[new]])
    order = np.argsort(-total, kind="stable")
    return tree, nodes[order].tolist(), total[order]


@op(
    "CTCBeamSearchDecoder",
    "inputs: T, sequence_length: int32 -> decoded_indices: top_paths * int64, decoded_values: top_paths * int64, "
    "decoded_shape: top_paths * int64, log_probability: T",
    T=default("float32", ("float", "double")),
    beam_width=at_least(1),
    top_paths=at_least(1),
    tier="host",
    differentiable=False,
)
def ctc_beam_search_decoder_op(
    inputs, sequence_length, *, beam_width: int, top_paths: int, merge_repeated: bool = True
):
    """Finds the ``top_paths`` likeliest label sequences among ``beam_width`` that are followed."""
    check_sequence_length(inputs, sequence_length)
    if top_paths > beam_width:
        raise InvalidArgumentError(
            None, None, f"requested more paths than the beam width: {top_paths} of {beam_width}."
        )
    batch = inputs.shape[1]
    found: list[list[list[int]]] = [[] for _ in range(top_paths)]
    scores = np.zeros((batch, top_paths), inputs.dtype)
    top = inputs.max(axis=2, keepdims=True)
    logs = inputs - top - np.log(np.exp(inputs - top).sum(axis=2, keepdims=True))
    for row in range(batch):
        tree, nodes, totals = _search(logs[: max(int(sequence_length[row]), 0), row], beam_width)
        if len(nodes) < top_paths:
            raise InvalidArgumentError(None, None, "Less leaves in the beam search than requested.")
        for path in range(top_paths):
            found[path].append(tree.sequence(nodes[path], merge_repeated))
        scores[row] = totals[:top_paths]
    parts = [_sparse(sequences) for sequences in found]
    return [part[0] for part in parts], [part[1] for part in parts], [part[2] for part in parts], scores


def _sparse(sequences: list[list[int]]) -> tuple[Any, Any, Any]:
    width = max(map(len, sequences))
    dense = np.zeros((len(sequences), width), np.int64)
    for row, sequence in enumerate(sequences):
        dense[row, : len(sequence)] = sequence
    lengths = np.array([len(sequence) for sequence in sequences])
    return packed(np.arange(width) < lengths[:, None], dense)


@ctc_beam_search_decoder_op.shape
def _ctc_beam_search_decoder_shape(inputs, sequence_length, *, top_paths):
    batch = merge_dimensions(with_rank(inputs, 3)[1], with_rank(sequence_length, 1)[0])
    return [(None, 2)] * top_paths, [(None,)] * top_paths, [(2,)] * top_paths, (batch, top_paths)


@ctc_beam_search_decoder_op.samples
def _ctc_beam_search_decoder_samples(s):
    lengths = np.array([7, 4, 0], np.int32)
    for dtype in s.dtypes("T"):
        yield s(s.normal(7, 3, 4, dtype=dtype) * 3, lengths, beam_width=5, top_paths=1, tolerance=1e-4)
    yield s(s.normal(7, 2, 3), lengths[:2], beam_width=20, top_paths=3, merge_repeated=False, tolerance=1e-4)
    yield s(s.normal(7, 2, 3), lengths[:2], beam_width=20, top_paths=3, tolerance=1e-4)
    yield s(s.normal(9, 1, 6), np.array([9], np.int32), beam_width=3, top_paths=2, tolerance=1e-4)
    yield s(s.normal(7, 2, 3), lengths[:2], beam_width=2, top_paths=3, error="InvalidArgumentError")
    yield s(s.normal(1, 2, 3), np.array([1, 1], np.int32), beam_width=9, top_paths=8, error="InvalidArgumentError")
    yield s(s.normal(3, 2, 3), lengths[:2], beam_width=2, top_paths=1, error="FailedPreconditionError")
    yield s(s.normal(3, 2), lengths[:2], beam_width=2, top_paths=1, error="InvalidArgumentError")
