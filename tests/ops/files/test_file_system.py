"""Checks patterns, schemes and the exceptions of file operations."""

from __future__ import annotations

import errno
import os

import pytest

import tideflow as tf
from tideflow._src.ops.files import file_system
from tideflow.v1 import Session


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("a1", "a2", "b[1]", ".hidden", "deep/x.txt", "deep/y.txt", "other/x.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a?", ["./a1", "./a2"]),
        ("[ab]*", ["./a1", "./a2", "./b[1]"]),
        ("[!a]*", ["./.hidden", "./b[1]", "./deep", "./other"]),
        ("[^a]*1*", ["./b[1]"]),
        ("b\\[1\\]", ["./b[1]"]),
        ("*/x.txt", ["./deep/x.txt", "./other/x.txt"]),
        ("deep/*", ["deep/x.txt", "deep/y.txt"]),
        ("a1", ["a1"]),
        ("missing*", []),
        ("missing/*", []),
        ("missing", []),
    ],
)
def test_patterns(folder, pattern, expected):
    assert file_system.matching(pattern) == expected


def test_a_path_may_start_with_its_scheme(folder):
    assert file_system.read(f"file://{folder}/a1") == b"a1"
    assert file_system.matching(f"file://{folder}/a?") == [f"file://{folder}/a1", f"file://{folder}/a2"]


@pytest.mark.parametrize("scheme", ["gs", "s3", "hdfs", "ram", "made-up.1x".replace("-", "")])
def test_a_remote_path_says_what_to_do(scheme):
    with pytest.raises(tf.errors.UnimplementedError, match=f"'{scheme}'.*copy the files here"):
        file_system.read(f"{scheme}://bucket/file")


def test_failures_have_tensorflows_classes(folder):
    with pytest.raises(tf.errors.NotFoundError, match="missing; No such file"):
        file_system.read("missing")
    with pytest.raises(tf.errors.FailedPreconditionError, match="deep; Is a directory"):
        file_system.read("deep")
    with pytest.raises(tf.errors.FailedPreconditionError, match="a1 is not a directory"):
        file_system.make_folders("a1/b")
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a path"):
        file_system.read("a\0b")
    with pytest.raises(TypeError, match="Expected a path"):
        file_system.read(3)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_file_that_may_not_be_read(folder, monkeypatch, code):
    def refuse(path, *args, **kwargs):
        raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr("builtins.open", refuse)  # the superuser may read everything, whatever the mode says
    with pytest.raises(tf.errors.PermissionDeniedError, match="a1"):
        file_system.read("a1")


def test_operations_read_what_is_there_now(folder, graph):
    content = tf.io.read_file("a1")
    names = tf.io.matching_files("a*")
    with Session() as session:
        assert session.run(content) == b"a1"
        assert list(session.run(names)) == [b"./a1", b"./a2"]
        (folder / "a1").write_text("changed")
        (folder / "a3").write_text("new")
        assert session.run(content) == b"changed"
        assert list(session.run(names)) == [b"./a1", b"./a2", b"./a3"]


def test_writing_makes_folders(tmp_path):
    path = str(tmp_path / "new" / "folder" / "file")
    tf.io.write_file(path, b"\x00\xff")
    assert tf.io.read_file(path).numpy() == b"\x00\xff"
