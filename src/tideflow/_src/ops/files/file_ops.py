"""Files as operations: reading and writing whole files, finding them, and naming the parts of a sharded one."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.op import op


def scalar(value: Any, described: str) -> Any:
    """Returns the one element of a value that must be a scalar.

    Raises:
      InvalidArgumentError: it is not.
    """
    if np.ndim(value):
        raise InvalidArgumentError(
            None, None, f"{described} must be scalar, but had shape: {shape_text(np.shape(value))}"
        )
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


def scalar_array(value: Any) -> Any:
    """Returns a Python object as the value of a scalar string tensor."""
    array = np.empty((), object)
    array[()] = value
    return array


def strings(values: Any) -> Any:
    """Returns bytes as the value of a vector of strings."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def check_scalar(shape: Any) -> None:
    """Raises the ValueError of graph construction if a shape is not that of a scalar."""
    if shape is not None and len(shape):
        raise ValueError(f"Shape must be rank 0 but is rank {len(shape)}")


@op("ReadFile", "filename: string -> contents: string", tier="host", differentiable="missing")
def read_file_op(filename):
    """Reads a whole file."""
    return scalar_array(file_system.read(scalar(filename, "Input filename tensor")))


@read_file_op.shape
def _read_file_shape(filename):
    check_scalar(filename)
    return ()


@op("WriteFile", "filename: string, contents: string ->", tier="host", stateful=True, differentiable="missing")
def write_file_op(filename, contents):
    """Writes a whole file and makes the folders that it is to be in."""
    name = scalar(filename, "Input filename tensor")
    file_system.write(name, scalar(contents, "Contents tensor"))


@write_file_op.shape
def _write_file_shape(filename, contents):
    check_scalar(filename)
    check_scalar(contents)
    return []


@op("MatchingFiles", "pattern: string -> filenames: string", tier="host", differentiable="missing")
def matching_files_op(pattern):
    """Gives the names of the files that match a pattern, or any of several."""
    if np.ndim(pattern) > 1:
        raise InvalidArgumentError(
            None,
            None,
            f"Input patterns tensor must be scalar or vector, but had shape: {shape_text(np.shape(pattern))}",
        )
    found = [name for item in np.ravel(pattern) for name in file_system.matching(item)]
    return strings([name.encode("utf-8", "surrogateescape") for name in sorted(found)])


@matching_files_op.shape
def _matching_files_shape(pattern):
    if pattern is not None and len(pattern) > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {len(pattern)}")
    return (None,)


def _number(value: Any, name: str) -> Any:
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {shape_text(np.shape(value))}")
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


@op(
    "ShardedFilename",
    "basename: string, shard: int32, num_shards: int32 -> filename: string",
    tier="host",
    differentiable="missing",
)
def sharded_filename(basename, shard, num_shards):
    """Gives the name of one part of a sharded file: ``name-00003-of-00010``."""
    name, part, count = _number(basename, "basename"), _number(shard, "shard"), _number(num_shards, "num_shards")
    return scalar_array(name + b"-%05d-of-%05d" % (part, count))


@sharded_filename.shape
def _sharded_filename_shape(basename, shard, num_shards):
    for item in (basename, shard, num_shards):
        check_scalar(item)
    return ()


@op("ShardedFilespec", "basename: string, num_shards: int32 -> filename: string", tier="host", differentiable="missing")
def sharded_filespec(basename, num_shards):
    """Gives the pattern that matches all parts of a sharded file: ``name-?????-of-00010``."""
    name, count = _number(basename, "basename"), _number(num_shards, "num_shards")
    return scalar_array(name + b"-?????-of-%05d" % count)


@sharded_filespec.shape
def _sharded_filespec_shape(basename, num_shards):
    check_scalar(basename)
    check_scalar(num_shards)
    return ()


def _samples_folder() -> bytes:
    import tempfile  # only tests ask for samples

    folder = os.path.join(tempfile.gettempdir(), "tideflow_samples")
    os.makedirs(folder, exist_ok=True)
    return os.fsencode(folder)


@read_file_op.samples
def _read_file_samples(s):
    folder = _samples_folder()
    written = s.of("WriteFile", folder + b"/read", b"content \x00\xff")
    yield s(folder + b"/read", before=[written])
    yield s(folder + b"/missing", error="NotFoundError")
    yield s(folder, error="FailedPreconditionError")
    yield s(np.array([b"a"], object), error="InvalidArgumentError")
    yield s(b"other://a/b", error="UnimplementedError")


@write_file_op.samples
def _write_file_samples(s):
    folder = _samples_folder()
    yield s(folder + b"/folder/written", b"content")
    yield s(folder, b"content", error="FailedPreconditionError")
    yield s(np.array([b"a"], object), b"content", error="InvalidArgumentError")
    yield s(b"a", np.array([b"a"], object), error="InvalidArgumentError")


@matching_files_op.samples
def _matching_files_samples(s):
    folder = _samples_folder()
    written = [s.of("WriteFile", folder + b"/match/" + name, b"") for name in (b"a1", b"a2", b"b[1]")]
    for pattern in (b"*", b"a?", b"[ab]1", b"[!b]*", b"b\\[1]", b"[^a]*", b"a1", b"none*"):
        yield s(folder + b"/match/" + pattern, before=written)
    yield s(np.array([folder + b"/mat*/b*", folder + b"/match/a1"], object), before=written)
    yield s(np.array([[b"a"]], object), error="InvalidArgumentError")


@sharded_filename.samples
def _sharded_filename_samples(s):
    yield s(b"name", 1, 10)
    yield s(b"name", 123456, -3)
    yield s(np.array([b"a"], object), 1, 10, error="InvalidArgumentError")


@sharded_filespec.samples
def _sharded_filespec_samples(s):
    yield s(b"name", 10)
    yield s(b"name", np.array([1]), error="InvalidArgumentError")


def read_file(filename: Any, name: str | None = None) -> Any:
    """Returns the content of a file as a string tensor.

    Args:
      filename: the file's path, a scalar string.
      name: the name of the operation.

    Raises:
      NotFoundError: there is no such file.
    """
    return read_file_op(filename, name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> Any:
    """Replaces the content of a file; makes the folders that it is to be in.

    Args:
      filename: the file's path, a scalar string.
      contents: what to write, a scalar string.
      name: the name of the operation.

    Returns:
      The operation in a graph, None when called eagerly.
    """
    return write_file_op(filename, contents, name=name)


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """Returns the names of the files that match a pattern, sorted, as a vector of strings.

    Args:
      pattern: a pattern (``*``, ``?`` and ``[...]``, in the file's name or its folders) or a vector of patterns.
      name: the name of the operation.
    """
    return matching_files_op(pattern, name=name)
