"""Checkpoints as operations: writing tensors under names, reading them again, and merging what several wrote."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, NotFoundError
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.checkpoint import sliced_file, tensor_slice
from tideflow._src.ops.checkpoint.bundle import BundleWriter, merge
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.files import file_system
from tideflow._src.ops.files.file_ops import check_scalar, scalar
from tideflow._src.runtime.op import op


def _named(names: Any, slices: Any, count: int) -> list[tuple[bytes, str]]:
    """Checks the names and slices of tensors against their number, and pairs them."""
    for value, described in ((names, "tensor_names"), (slices, "shape_and_slices")):
        if value is None:
            continue
        if np.ndim(value) != 1:
            raise InvalidArgumentError(
                None, None, f"Input {described} should be an 1-D tensor, got {np.ndim(value)} dimensions."
            )
        if len(value) != count:
            raise InvalidArgumentError(
                None, None, f"Expected {count} elements for the tensor {described} but got {len(value)}"
            )
    texts = [""] * count if slices is None else [text.decode(errors="replace") for text in slices]
    return list(zip(names.tolist(), texts, strict=True))


def _path(value: Any, described: str) -> Any:
    path = scalar(value, described)
    if not path:
        raise InvalidArgumentError(None, None, f"{described} must name a file, but it is empty.")
    return path


def _part(text: str, array: Any) -> Any:
    """Reads the slice that a tensor is to be saved as; the whole of itself if nothing is said."""
    if not text:
        return np.shape(array), tensor_slice.whole(np.ndim(array))
    shape, part = tensor_slice.parse(text)
    if part.shape_in(shape) != np.shape(array):
        raise InvalidArgumentError(
            None,
            None,
            f"Slice in shape_and_slice specification does not match the shape of the tensor to save: {text}, tensor: "
            f"{shape_text(np.shape(array))}",
        )
    return shape, part


def _check_vectors(count: int | None, *shapes: Any) -> None:
    """Raises the ValueError of graph construction where names and slices are not vectors of one length."""
    for shape in shapes:
        if shape is None:
            continue
        if len(shape) != 1:
            raise ValueError(f"Shape must be rank 1 but is rank {len(shape)}")
        if count is None:
            count = shape[0]
        elif shape[0] is not None and shape[0] != count:
            raise ValueError(f"Dimension must be {count} but is {shape[0]}")


@op(
    "SaveV2",
    "prefix: string, tensor_names: string, shape_and_slices: string, tensors: list(dtypes) ->",
    tier="host",
    stateful=True,
    differentiable="missing",
    dtypes=at_least(1, type="list(type)"),
)
def save_v2(prefix, tensor_names, shape_and_slices, tensors):
    """Writes tensors, or slices of tensors, as a checkpoint of the format of today."""
    with BundleWriter(_path(prefix, "prefix")) as writer:
        named = _named(tensor_names, shape_and_slices, len(tensors))
        for (name, text), array in zip(named, tensors, strict=True):
            if text:
                shape, part = _part(text, array)
                writer.add_slice(name, shape, part, array)
            else:
                writer.add(name, array)
        writer.finish()


@save_v2.shape
def _save_v2_shape(prefix, tensor_names, shape_and_slices, tensors):
    check_scalar(prefix)
    _check_vectors(len(tensors), tensor_names, shape_and_slices)
    return []


def require(reader: Any, names: list[bytes]) -> None:
    """Raises a NotFoundError if a checkpoint lacks one of some names."""
    missing = list(dict.fromkeys(name.decode(errors="replace") for name in names if not reader.has(name)))
    if missing:
        raise NotFoundError(None, None, _missing_text(missing, reader))


def restored(reader: Any, name: bytes, text: str, dtype: DType) -> Any:
    """Returns a tensor, or the part of one that ``text`` describes.

    Raises:
      InvalidArgumentError: it is of another dtype, or of another shape than ``text`` says.
      DataLossError: the checkpoint is damaged.
    """
    found = reader.described(name)[0]
    if found is not dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"tensor_name = {name.decode(errors='replace')}; expected dtype {_spelled(dtype)} does not equal original "
            f"dtype {_spelled(found)}",
        )
    return reader.read(name, tensor_slice.parse(text) if text else None)


def _spelled(dtype: DType) -> str:
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


@op(
    "RestoreV2",
    "prefix: string, tensor_names: string, shape_and_slices: static string -> tensors: list(dtypes)",
    tier="host",
    stateful=True,
    differentiable="missing",
    dtypes=at_least(1),
)
def restore_v2(prefix, tensor_names, shape_and_slices, *, dtypes: list[DType]):
    """Reads tensors, or slices of tensors, from a checkpoint of either format."""
    reader = open_checkpoint(_path(prefix, "prefix"))
    named = _named(tensor_names, shape_and_slices, len(dtypes))
    require(reader, [name for name, _ in named])
    return tuple(restored(reader, name, text, dtype) for (name, text), dtype in zip(named, dtypes, strict=True))


def _missing_text(missing: list[str], reader: Any) -> str:
    """Says which names a checkpoint lacks, and which it has."""
    text = f"Key {missing[0]} not found in checkpoint"
    if len(missing) > 1:
        shown = ", ".join(missing[1:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        text += f"\n  also missing: {shown}{more}"
    known = list(reader.variables())
    shown = ", ".join(known[:10])
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"{text}\n  {reader.prefix} has: {shown or 'nothing'}{more}"


@restore_v2.shape
def _restore_v2_shape(prefix, tensor_names, shape_and_slices, *, dtypes):
    check_scalar(prefix)
    _check_vectors(len(dtypes), tensor_names, shape_and_slices.shape)
    texts = shape_and_slices.value
    if texts is None:
        return [None] * len(dtypes)
    return [_static_shape(text.decode(errors="replace")) for text in np.ravel(texts)]


def _static_shape(text: str) -> Any:
    if not text:
        return None
    try:
        shape, part = tensor_slice.parse(text)
    except InvalidArgumentError as error:
        raise ValueError(error.message) from None
    return part.shape_in(shape)


_SAVE = {"tier": "host", "stateful": True, "differentiable": "missing"}


@op("Save", "filename: string, tensor_names: string, data: list(T) ->", T=at_least(1, type="list(type)"), **_SAVE)
def save(filename, tensor_names, data):
    """Writes tensors as a checkpoint of the first format."""
    _save_first(filename, tensor_names, None, data)


@op(
    "SaveSlices",
    "filename: string, tensor_names: string, shapes_and_slices: string, data: list(T) ->",
    T=at_least(1, type="list(type)"),
    **_SAVE,
)
def save_slices(filename, tensor_names, shapes_and_slices, data):
    """Writes tensors, or slices of tensors, as a checkpoint of the first format."""
    _save_first(filename, tensor_names, shapes_and_slices, data)


def _save_first(filename: Any, tensor_names: Any, slices: Any, data: Any) -> None:
    path = _path(filename, "filename")
    named = _named(tensor_names, slices, len(data))
    sliced_file.write(
        path, [(name, *_part(text, array), array) for (name, text), array in zip(named, data, strict=True)]
    )


@save.shape
def _save_shape(filename, tensor_names, data):
    check_scalar(filename)
    _check_vectors(len(data), tensor_names)
    return []


@save_slices.shape
def _save_slices_shape(filename, tensor_names, shapes_and_slices, data):
    check_scalar(filename)
    _check_vectors(len(data), tensor_names, shapes_and_slices)
    return []


def _restore_first(file_pattern: Any, tensor_name: Any, text: str, dtype: DType) -> Any:
    reader = open_checkpoint(_path(file_pattern, "file_pattern"))
    name = scalar(tensor_name, "tensor_name")
    found = reader.described(name)[0]
    if found is not dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected to restore a tensor of type {_spelled(dtype)}, got a tensor of type {_spelled(found)} instead: "
            f"tensor_name = {name.decode(errors='replace')}",
        )
    return reader.read(name, tensor_slice.parse(text) if text else None)


@op("Restore", "file_pattern: string, tensor_name: string -> tensor: dt", **_SAVE)
def restore(file_pattern, tensor_name, *, dt: DType, preferred_shard: int = -1):
    """Reads a tensor from a checkpoint of either format."""
    return _restore_first(file_pattern, tensor_name, "", dt)


@restore.shape
def _restore_shape(file_pattern, tensor_name):
    check_scalar(file_pattern)
    check_scalar(tensor_name)


@op("RestoreSlice", "file_pattern: string, tensor_name: string, shape_and_slice: static string -> tensor: dt", **_SAVE)
def restore_slice(file_pattern, tensor_name, shape_and_slice, *, dt: DType, preferred_shard: int = -1):
    """Reads a slice of a tensor from a checkpoint of either format."""
    text = scalar(shape_and_slice, "shape_and_slice").decode(errors="replace")
    return _restore_first(file_pattern, tensor_name, text, dt)


@restore_slice.shape
def _restore_slice_shape(file_pattern, tensor_name, shape_and_slice):
    check_scalar(file_pattern)
    check_scalar(tensor_name)
    check_scalar(shape_and_slice.shape)
    return None if shape_and_slice.value is None else _static_shape(shape_and_slice.value.item().decode())


@op("MergeV2Checkpoints", "checkpoint_prefixes: string, destination_prefix: string ->", **_SAVE)
def merge_v2_checkpoints(
    checkpoint_prefixes, destination_prefix, *, delete_old_dirs: bool = True, allow_missing_files: bool = False
):
    """Makes one checkpoint of several that hold different tensors."""
    if np.ndim(checkpoint_prefixes) != 1:
        raise InvalidArgumentError(
            None,
            None,
            f"Input checkpoint_prefixes should be an 1-D tensor, got {np.ndim(checkpoint_prefixes)} dimensions.",
        )
    prefixes = [file_system.local(prefix) for prefix in checkpoint_prefixes]
    destination = file_system.local(_path(destination_prefix, "destination_prefix"))
    merge(prefixes, destination, allow_missing_files)
    if delete_old_dirs:
        for folder in {os.path.dirname(prefix) for prefix in prefixes} - {os.path.dirname(destination), ""}:
            with contextlib.suppress(OSError):  # not empty: another process may still write there
                os.rmdir(folder)


@merge_v2_checkpoints.shape
def _merge_v2_checkpoints_shape(checkpoint_prefixes, destination_prefix):
    if checkpoint_prefixes is not None and len(checkpoint_prefixes) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(checkpoint_prefixes)}")
    check_scalar(destination_prefix)
    return []


def _folder() -> bytes:
    import tempfile  # only tests ask for samples

    folder = os.path.join(tempfile.gettempdir(), "tideflow_samples")
    os.makedirs(folder, exist_ok=True)
    return os.fsencode(folder)


def _texts(*texts: bytes) -> Any:
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


@save_v2.samples
def _save_v2_samples(s):
    prefix = _folder() + b"/save_v2"
    yield s(prefix, _texts(b"a", b"b"), _texts(b"", b""), [s.normal(2, 3), s.strings((2,))])
    yield s(prefix, _texts(b"a"), _texts(b"4 3 0,2:-"), [s.normal(2, 3)])
    yield s(prefix, _texts(b"a"), _texts(b"4 3 0,3:-"), [s.normal(2, 3)], error="InvalidArgumentError")
    yield s(prefix, _texts(b"a", b"a"), _texts(b"", b""), [s.normal(2), s.normal(2)], error="InvalidArgumentError")
    yield s(prefix, _texts(b"a", b"b"), _texts(b""), [s.normal(2)], error="InvalidArgumentError")


@restore_v2.samples
def _restore_v2_samples(s):
    prefix = _folder() + b"/restore_v2"
    tensors = [s.normal(2, 3), s.strings((2,)), s.array((), "int64")]
    written = s.of("SaveV2", prefix, _texts(b"a", b"b", b"c"), _texts(b"", b"", b""), tensors)
    types = ["float32", "string", "int64"]
    yield s(prefix, _texts(b"a", b"b", b"c"), _texts(b"", b"", b""), dtypes=types, before=[written])
    yield s(prefix, _texts(b"a"), _texts(b"2 3 1,1:0,2"), dtypes=["float32"], before=[written])
    yield s(prefix, _texts(b"a"), _texts(b""), dtypes=["int32"], before=[written], error="InvalidArgumentError")
    yield s(prefix, _texts(b"z"), _texts(b""), dtypes=["int32"], before=[written], error="NotFoundError")
    yield s(prefix + b"none", _texts(b"z"), _texts(b""), dtypes=["int32"], error="NotFoundError")


@save.samples
def _save_samples(s):
    path = _folder() + b"/save_v1"
    yield s(path, _texts(b"a", b"b"), [s.normal(2, 3), s.strings((2,))])
    yield s(path, _texts(b"a"), [s.array((2,), "bfloat16")], error="UnimplementedError")


@save_slices.samples
def _save_slices_samples(s):
    path = _folder() + b"/save_slices"
    yield s(path, _texts(b"a", b"b"), _texts(b"4 3 0,2:-", b""), [s.normal(2, 3), s.array((2,), "int64")])
    yield s(path, _texts(b"a"), _texts(b"4 3 0,3:-"), [s.normal(2, 3)], error="InvalidArgumentError")


@restore.samples
def _restore_samples(s):
    path = _folder() + b"/restore_v1"
    written = s.of("Save", path, _texts(b"a", b"b"), [s.normal(2, 3), s.array((3,), "bool")])
    yield s(path, b"a", dt="float32", before=[written])
    yield s(path, b"b", dt="bool", before=[written])
    yield s(path, b"a", dt="int32", before=[written], error="InvalidArgumentError")
    yield s(path, b"c", dt="int32", before=[written], error="NotFoundError")
    yield s(path + b"none", b"c", dt="int32", error="NotFoundError")


@restore_slice.samples
def _restore_slice_samples(s):
    path = _folder() + b"/restore_slice"
    written = s.of("SaveSlices", path, _texts(b"a"), _texts(b"4 3 0,2:-"), [s.normal(2, 3)])
    yield s(path, b"a", b"4 3 1,1:-", dt="float32", before=[written])
    yield s(path, b"a", b"4 3 1,2:-", dt="float32", before=[written], error="InvalidArgumentError")


@merge_v2_checkpoints.samples
def _merge_v2_checkpoints_samples(s):
    folder = _folder()
    first = s.of("SaveV2", folder + b"/parts/a", _texts(b"a"), _texts(b"4 1 0,2:-"), [s.normal(2, 1)])
    second = s.of("SaveV2", folder + b"/parts/b", _texts(b"a"), _texts(b"4 1 2,2:-"), [s.normal(2, 1)])
    yield s(_texts(folder + b"/parts/a", folder + b"/parts/b"), folder + b"/merged", before=[first, second])
    yield s(_texts(folder + b"/parts/none"), folder + b"/merged", error="InvalidArgumentError")
