"""The fingerprint of a SavedModel: hashes of its parts, in the file ``fingerprint.pb``."""

from __future__ import annotations

import os
from typing import Any

from tideflow._src.graph import protos
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.ops.strings.hash_kernels import fingerprint64
from tideflow._src.ops.strings.packed import Packed
from tideflow._src.saved_model import constants

#: The version of the fingerprints that are written.
_VERSION = 4


class Fingerprint:
    """Is the fingerprint of a SavedModel.

    Args:
      saved_model_checksum: the hash of the file ``saved_model.pb``.
      graph_def_program_hash: the hash of the graph.
      signature_def_hash: the hash of the signatures.
      saved_object_graph_hash: the hash of the object graph; 0 if there is none.
      checkpoint_hash: the hash of the index of the checkpoint; 0 if there is none.
      version: the version of the way in which these are computed.
    """

    def __init__(
        self,
        saved_model_checksum: int | None = None,
        graph_def_program_hash: int | None = None,
        signature_def_hash: int | None = None,
        saved_object_graph_hash: int | None = None,
        checkpoint_hash: int | None = None,
        version: int | None = None,
    ) -> None:
        self.saved_model_checksum = saved_model_checksum
        self.graph_def_program_hash = graph_def_program_hash
        self.signature_def_hash = signature_def_hash
        self.saved_object_graph_hash = saved_object_graph_hash
        self.checkpoint_hash = checkpoint_hash
        self.version = version

    @classmethod
    def from_proto(cls, proto: Any) -> Fingerprint:
        """Returns a fingerprint of its message, a ``FingerprintDef`` or its bytes."""
        if isinstance(proto, bytes):
            proto = protos.get("FingerprintDef").FromString(proto)
        try:
            return cls(**{name: getattr(proto, name) for name in _FIELDS}, version=proto.version)
        except AttributeError as error:
            raise ValueError(f"Given proto could not be deserialized as fingerprint.{error}") from None

    def __eq__(self, other: object) -> bool:
        return all(hasattr(other, name) and getattr(self, name) == getattr(other, name) for name in _FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "\n".join(["SavedModel Fingerprint", *(f"  {name}: {getattr(self, name)}" for name in _FIELDS)])

    def __repr__(self) -> str:
        return f"Fingerprint({', '.join(str(getattr(self, name)) for name in _FIELDS)})"

    def singleprint(self) -> str:
        """Returns the four hashes that do not depend on the order in which a message is written, as one string.

        Raises:
          ValueError: one of them is missing.
        """
        if any(not isinstance(getattr(self, name), int) for name in _FIELDS[1:]):
            raise ValueError(f"Encounted invalid fingerprint values when constructing singleprint.{self}")
        return "/".join(str(getattr(self, name)) for name in _FIELDS[1:])


_FIELDS = (
    "saved_model_checksum",
    "graph_def_program_hash",
    "signature_def_hash",
    "saved_object_graph_hash",
    "checkpoint_hash",
)


def read_fingerprint(export_dir: Any) -> Fingerprint:
    """Returns the fingerprint of a SavedModel.

    Args:
      export_dir: its folder.

    Raises:
      FileNotFoundError: it has none, or one that cannot be read.
    """
    from tideflow._src.graph.protos.text import from_bytes  # loads protobuf

    path = os.path.join(file_system.text_of(export_dir), constants.FINGERPRINT_FILENAME)
    if not file_system.exists(path):
        raise FileNotFoundError(
            f"SavedModel Fingerprint Error: Could not read fingerprint from {path}: there is no such file."
        )
    try:
        return Fingerprint.from_proto(from_bytes(file_system.read(path), protos.get("FingerprintDef")()))
    except ValueError as error:
        raise FileNotFoundError(f"SavedModel Fingerprint Error: {path} holds none: {error}") from None


def write_fingerprint(export_dir: str, message: Any, content: bytes) -> None:
    """Writes the fingerprint of a SavedModel.

    Args:
      export_dir: its folder.
      message: its ``SavedModel``.
      content: the same, as it was written.
    """
    graph = message.meta_graphs[0]
    found = protos.get("FingerprintDef")(saved_model_checksum=_hash(content))
    found.graph_def_program_hash = _hash(graph.graph_def.SerializeToString(deterministic=True))
    found.signature_def_hash = _hash(
        b"".join(
            key.encode() + graph.signature_def[key].SerializeToString(deterministic=True)
            for key in sorted(graph.signature_def)
        )
    )
    if graph.HasField("object_graph_def"):
        found.saved_object_graph_hash = _hash(graph.object_graph_def.SerializeToString(deterministic=True))
    index = os.path.join(export_dir, constants.VARIABLES_DIRECTORY, f"{constants.VARIABLES_FILENAME}.index")
    if file_system.exists(index):
        found.checkpoint_hash = _hash(file_system.read(index))
    found.version.producer = _VERSION
    replacement.replace(
        os.path.join(export_dir, constants.FINGERPRINT_FILENAME), found.SerializeToString(deterministic=True)
    )


def _hash(content: bytes) -> int:
    return int(fingerprint64(Packed.of([content]))[0])
