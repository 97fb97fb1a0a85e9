"""The local file system with TensorFlow's rules: paths with schemes, patterns, and the exception for each failure.

What operations and ``tf.io.gfile`` share stands here. Only local files exist: a path is plain or starts with
``file://``; any other scheme is an UnimplementedError.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import (
    AlreadyExistsError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
)

#: The schemes that paths may have.
SCHEMES = ("", "file")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9.]*)://")
_REMOTE = {
    "gs": "Google Cloud Storage",
    "s3": "Amazon S3",
    "hdfs": "the Hadoop file system",
    "viewfs": "the Hadoop file system",
    "http": "the web",
    "https": "the web",
    "ram": "TensorFlow's in-memory file system",
}
_CODES: dict[Any, str] = {
    NotFoundError: "ENOENT ENODEV ENXIO ESRCH",
    AlreadyExistsError: "EEXIST EALREADY",
    PermissionDeniedError: "EPERM EACCES EROFS",
    FailedPreconditionError: "EISDIR ENOTDIR ENOTEMPTY EBUSY ETXTBSY EPIPE EBADF ECHILD EADDRINUSE ENOTCONN",
    ResourceExhaustedError: "ENOSPC EDQUOT EMFILE ENFILE ENOMEM EMLINK ENOBUFS",
    InvalidArgumentError: "EINVAL ENAMETOOLONG E2BIG EDOM EFAULT EILSEQ ELOOP",
    UnavailableError: "EINTR EAGAIN ECONNREFUSED ENETDOWN ENETUNREACH",
    DeadlineExceededError: "ETIMEDOUT",
    UnimplementedError: "ENOSYS ENOTSUP EXDEV EPROTONOSUPPORT",
}
_KIND_OF = {getattr(errno, name): kind for kind, names in _CODES.items() for name in names.split()}


def error_of(error: OSError, path: Any) -> OpError:
    """Returns the exception of TensorFlow that a failed system call becomes."""
    kind = _KIND_OF.get(error.errno or 0, UnknownError)
    return kind(None, None, f"{text_of(path)}; {error.strerror or error}")


@contextlib.contextmanager
def translated(path: Any) -> Iterator[None]:
    """Turns the exceptions of the block into those of TensorFlow; ``path`` is what their messages name."""
    try:
        yield
    except OSError as error:
        raise error_of(error, path) from None
    except ValueError as error:  # a null character in the path
        raise InvalidArgumentError(None, None, f"{text_of(path)!r} is not a path: {error}") from None


def text_of(path: Any) -> str:
    """Returns a path, given as text, bytes or an object that has one, as text."""
    return os.fsdecode(path)


def split(path: Any) -> tuple[str, str]:
    """Returns the part of a path that says which file system it is on, and the path there.

    Raises:
      UnimplementedError: the path is on a file system that Tideflow does not have.
    """
    try:
        text = text_of(path)
    except TypeError:
        raise TypeError(f"Expected a path as text, bytes or an os.PathLike, got {path!r}") from None
    match = _SCHEME.match(text)
    if match is None:
        return "", text
    scheme = match.group(1)
    if scheme == "file":
        host, slash, rest = text[len("file://") :].partition("/")
        del host  # a host before the path means this one
        return "file://", slash + rest
    where = f" ({_REMOTE[scheme]})" if scheme in _REMOTE else ""
    raise UnimplementedError(
        None,
        None,
        f"File system scheme '{scheme}'{where} not implemented (file: '{text}'). Tideflow reads and writes local "
        "files: mount the file system, or copy the files here with its own tools first.",
    )


def local(path: Any) -> str:
    """Returns the path of a local file without its scheme."""
    return split(path)[1]


def read(path: Any) -> bytes:
    """Returns all bytes of a file."""
    name = local(path)
    with translated(path), open(name, "rb") as file:
        return file.read()


def write(path: Any, content: bytes) -> None:
    """Replaces a file's content; makes the folders that it is to be in."""
    name = local(path)
    folder = os.path.dirname(name)
    if folder:
        make_folders(folder)
    with translated(path), open(name, "wb") as file:
        file.write(content)


def exists(path: Any) -> bool:
    """Tells whether there is a file or folder of this name."""
    name = local(path)
    try:
        os.stat(name)
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: Any) -> bool:
    """Tells whether this is a folder."""
    return os.path.isdir(local(path))


def make_folder(path: Any) -> None:
    """Makes a folder; one that exists already is left as it is."""
    name = local(path)
    with translated(path):
        if name and not os.path.exists(name):
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.mkdir(name)


def make_folders(path: Any) -> None:
    """Makes a folder and those that it is in.

    Raises:
      FailedPreconditionError: one of them is a file.
    """
    name = local(path)
    with translated(path):
        try:
            if name:
                os.makedirs(name, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            while name and not os.path.exists(name):
                name = os.path.dirname(name)
            raise FailedPreconditionError(None, None, f"{name} is not a directory") from None


def entries(path: Any) -> list[str]:
    """Returns the names in a folder, sorted.

    Raises:
      NotFoundError: there is no such folder.
    """
    name = local(path)
    if not os.path.isdir(name):
        raise NotFoundError(None, None, f"Could not find directory {text_of(path)}")
    with translated(path):
        return sorted(os.listdir(name))


def remove(path: Any) -> None:
    """Removes a file.

    Raises:
      FailedPreconditionError: it is a folder.
    """
    name = local(path)
    if os.path.isdir(name) and not os.path.islink(name):
        raise FailedPreconditionError(None, None, f"{text_of(path)}; Is a directory")
    with translated(path):
        os.unlink(name)


def remove_tree(path: Any) -> None:
    """Removes a folder and all that is in it, or a file."""
    name = local(path)
    if not os.path.lexists(name):
        raise NotFoundError(None, None, f"{text_of(path)} not found")
    with translated(path):
        if os.path.isdir(name) and not os.path.islink(name):
            shutil.rmtree(name)
        else:
            os.unlink(name)


def copy(source: Any, target: Any, overwrite: bool) -> None:
    """Copies the content of a file."""
    source_name, target_name = local(source), local(target)
    if not overwrite and exists(target):
        raise AlreadyExistsError(None, None, "file already exists")
    with translated(source):
        opened = open(source_name, "rb")  # noqa: SIM115 - closed below
    with opened:
        if os.path.exists(target_name) and os.path.samefile(source_name, target_name):
            return
        with translated(target), open(target_name, "wb") as file:
            shutil.copyfileobj(opened, file, 1 << 20)


def rename(source: Any, target: Any, overwrite: bool) -> None:
    """Gives a file or folder another name."""
    source_name, target_name = local(source), local(target)
    if not overwrite and exists(target):
        raise AlreadyExistsError(None, None, "file already exists")
    with translated(source):
        os.replace(source_name, target_name)


# Patterns.

_WILD = re.compile(r"[*?\[\\]")


def matching(pattern: Any) -> list[str]:
    """Returns the paths that match a pattern, sorted.

    In one part of a path, ``*`` stands for any characters, ``?`` for one, ``[a-c]`` for one of a set and ``[!a-c]``
    for one outside it; a backslash takes the next character as it is. Without a folder the result starts with ``./``.
    """
    prefix, name = split(pattern)
    if not _WILD.search(name):
        return [text_of(pattern)] if exists(pattern) else []
    parts = [part for part in name.split("/") if part]
    fixed = 0
    while fixed < len(parts) and not _WILD.search(parts[fixed]):
        fixed += 1
    folder = "/".join(parts[:fixed])
    folder = "/" + folder if name.startswith("/") else folder or "."
    found = [folder]
    for number in range(fixed, len(parts)):
        matches = _part(parts[number])
        found = [
            f"{'' if path == '/' else path}/{entry}"
            for path in found
            if os.path.isdir(path)
            for entry in _readable(path)
            if matches(entry)
        ]
    return sorted(prefix + path for path in found)


def _readable(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # vanished, or not ours to read: nothing in it matches
        return []


@functools.lru_cache(256)
def _part(pattern: str) -> Any:
    """Returns the function that tells whether a name matches one part of a pattern."""
    result: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            if result[-1:] != [".*"]:
                result.append(".*")
        elif character == "?":
            result.append(".")
        elif (
            character == "["
            and (end := pattern.find("]", position + 1 + (pattern[position : position + 1] in "!^"))) > 0
        ):
            chosen = pattern[position:end]
            negated = chosen[:1] in ("!", "^")
            chosen = re.sub(r"([\\\[\]&~|^])", r"\\\1", chosen[1:] if negated else chosen)
            result.append(f"[{'^' if negated else ''}{chosen}]")
            position = end + 1
        elif character == "\\" and position < len(pattern):
            result.append(re.escape(pattern[position]))
            position += 1
        else:
            result.append(re.escape(character))
    try:
        return re.compile("".join(result), re.DOTALL).fullmatch
    except re.error as error:
        raise InvalidArgumentError(None, None, f"The pattern {pattern!r} is malformed: {error}") from None
