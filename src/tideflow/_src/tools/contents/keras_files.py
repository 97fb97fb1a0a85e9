"""What files of Keras models hold: ``.keras`` archives, and HDF5."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from tideflow._src.tools.contents.table import MOST_ROWS, Table, facts, shape_text

_LARGEST_CONFIGURATION = 1 << 26


def keras_tables(path: str) -> list[Table]:
    """Returns what a ``.keras`` file holds: its model's layers, and the weights if h5py is there.

    Raises:
      ValueError: it is a zip file of something else.
      zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names:
            raise ValueError("This is a zip file, but no Keras model: it has no config.json.")
        config = _json(archive, "config.json")
        metadata = _json(archive, "metadata.json") if "metadata.json" in names else {}
        inner = _dict(config.get("config"))
        layers = inner.get("layers")
        rows = [
            (
                _dict(each.get("config")).get("name", each.get("name", "")),
                each.get("class_name", ""),
                each.get("module", ""),
            )
            for each in (layers if isinstance(layers, list) else [])
            if isinstance(each, dict)
        ]
        tables = [
            facts(
                "Keras model",
                [
                    ("class", config.get("class_name")),
                    ("name", inner.get("name")),
                    ("Keras", metadata.get("keras_version")),
                    ("saved", metadata.get("date_saved")),
                    ("compiled", "yes" if config.get("compile_config") else "no"),
                ],
            ),
            Table("Layers", ("name", "class", "module"), rows),
        ]
        if "model.weights.h5" in names:
            with archive.open("model.weights.h5") as member:
                weights = _weights(member)
            tables += weights or [Table("Weights", ("h5py",), [("is needed to list them: pip install h5py",)])]
        others = [(each.filename, each.file_size) for each in archive.infolist()]
        return [*tables, Table("Members", ("name", "bytes"), others)]


def _json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    with archive.open(name) as member:
        content = member.read(_LARGEST_CONFIGURATION + 1)
    if len(content) > _LARGEST_CONFIGURATION:
        raise ValueError(f"{name} is larger than {_LARGEST_CONFIGURATION} bytes.")
    return _dict(json.loads(content))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def h5_tables(path: str) -> list[Table]:
    """Returns the datasets of an HDF5 file, and what Keras says of its model.

    Raises:
      ValueError: h5py is not there.
    """
    with open(path, "rb") as file:
        tables = _weights(file)
    if tables is None:
        raise ValueError("h5py is needed to look into HDF5 files: pip install h5py")
    return tables


def _weights(file: Any) -> list[Table] | None:
    try:
        import h5py  # comes with Keras; what needs no weights does without
    except ImportError:
        return None
    rows: list[tuple[Any, ...]] = []
    elements = 0

    def visit(name: str, item: Any) -> bool | None:
        nonlocal elements
        if isinstance(item, h5py.Dataset):
            elements += int(item.size or 0)
            if len(rows) < MOST_ROWS:
                rows.append((name, str(item.dtype), shape_text(item.shape or ())))
        return None

    with h5py.File(file, "r") as content:
        content.visititems(visit)
        attributes = content.attrs
        versions = [
            (label, _text(attributes, key)) for label, key in (("Keras", "keras_version"), ("backend", "backend"))
        ]
        model = _text(attributes, "model_config")
    try:
        config = _dict(json.loads(model)) if model else {}
    except ValueError:
        config = {}
    pairs = [("elements", elements), ("class", config.get("class_name")), *versions]
    return [facts("HDF5 file", pairs), Table("Datasets", ("name", "dtype", "shape"), sorted(rows))]


def _text(attributes: Any, name: str) -> str | None:
    value = attributes.get(name)
    return value.decode(errors="replace") if isinstance(value, bytes) else value if isinstance(value, str) else None
