"""Checks ``tf.io.gfile`` and ``tf.gfile`` against what TensorFlow 2.21 does."""

from __future__ import annotations

import pytest

import tideflow as tf
import tideflow.v1 as tf1

gfile = tf.io.gfile
errors = tf.errors


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("hello\nworld\n")
    return tmp_path


def test_reading():
    with gfile.GFile("a/x.txt") as file:
        assert (file.readline(), file.tell(), file.read(2), file.read()) == ("hello\n", 6, "wo", "rld\n")
        file.seek(-3, 2)
        assert file.read() == "ld\n"
        assert file.size() == 12
    assert list(gfile.GFile("a/x.txt", "rb")) == [b"hello\n", b"world\n"]
    assert gfile.GFile("a/x.txt").readlines() == ["hello\n", "world\n"]


def test_seeking_outside_the_file():
    file = gfile.GFile("a/x.txt")
    with pytest.raises(errors.OutOfRangeError):
        file.seek(13)
    with pytest.raises(errors.InvalidArgumentError, match="negative position"):
        file.seek(-1)
    with pytest.raises(errors.InvalidArgumentError, match="whence"):
        file.seek(0, 5)
    with pytest.raises(TypeError, match="offset argument required"):
        file.seek()
    with pytest.raises(errors.InvalidArgumentError, match="negative number of bytes"):
        file.read(-5)


def test_writing_and_appending():
    with gfile.GFile("new", "w") as file:
        assert not gfile.exists("new")
        file.write("abc")
        assert file.tell() == 3
    with gfile.GFile("new", "a+") as file:
        file.write(b"def")
        file.flush()
        assert file.read() == "abcdef"
    with gfile.GFile("new", "r") as file, pytest.raises(errors.PermissionDeniedError):
        file.write("x")
    with gfile.GFile("new", "w") as file, pytest.raises(errors.PermissionDeniedError):
        file.read()
    with pytest.raises(TypeError, match="Expected binary or unicode"):
        gfile.GFile("new", "w").write(3)
    with pytest.raises(errors.InvalidArgumentError, match="mode is not"):
        gfile.GFile("new", "rw")
    with pytest.raises(errors.NotFoundError):
        gfile.GFile("missing/new", "w").write("x")


def test_text_that_is_no_utf8():
    with gfile.GFile("bad", "wb") as file:
        file.write(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        gfile.GFile("bad").read()


def test_copying_and_renaming():
    gfile.copy("a/x.txt", "copy")
    with pytest.raises(errors.AlreadyExistsError):
        gfile.copy("a/x.txt", "copy")
    gfile.copy("a/x.txt", "copy", overwrite=True)
    gfile.copy("copy", "copy", overwrite=True)
    assert gfile.GFile("copy").size() == 12
    with pytest.raises(errors.AlreadyExistsError):
        gfile.rename("copy", "a")
    gfile.rename("copy", "moved")
    assert not gfile.exists("copy")
    with pytest.raises(errors.NotFoundError):
        gfile.copy("copy", "other")
    with pytest.raises(errors.NotFoundError):
        gfile.rename("copy", "other")


def test_folders():
    gfile.makedirs("n/m")
    gfile.makedirs("n/m")
    gfile.mkdir("n")
    with pytest.raises(errors.NotFoundError):
        gfile.mkdir("missing/m")
    with pytest.raises(errors.FailedPreconditionError):
        gfile.remove("n")
    gfile.rmtree("n")
    with pytest.raises(errors.NotFoundError):
        gfile.rmtree("n")
    with pytest.raises(errors.NotFoundError, match="Could not find directory"):
        gfile.listdir("a/x.txt")
    assert gfile.isdir("a") and not gfile.isdir("a/x.txt")


def test_walking():
    gfile.makedirs("a/b")
    assert list(gfile.walk("a")) == [("a", ["b"], ["x.txt"]), ("a/b", [], [])]
    assert list(gfile.walk("a", topdown=False)) == [("a/b", [], []), ("a", ["b"], ["x.txt"])]
    found = []
    assert list(gfile.walk("missing", onerror=found.append)) == []
    assert isinstance(found[0], errors.NotFoundError)


def test_statistics_and_names(folder):
    found = gfile.stat("a/x.txt")
    assert (found.length, found.is_directory) == (12, False)
    assert found.mtime_nsec == (folder / "a/x.txt").stat().st_mtime_ns
    assert gfile.stat("a").is_directory
    assert gfile.join("gs://bucket", "x") == "gs://bucket/x"
    assert gfile.glob(["a/*", "a"]) == ["a/x.txt", "a"]
    assert "" in gfile.get_registered_schemes()


def test_the_names_of_tensorflow_1():
    assert tf1.gfile.Exists("a")
    with tf1.gfile.Open("n", "w") as file:
        file.write("1")
    tf1.gfile.Copy("n", "m")
    assert tf1.gfile.Glob("*") == ["./a", "./m", "./n"]
    assert tf1.gfile.FastGFile("m").read() == "1"
    tf1.gfile.Remove("m")
    assert list(tf1.gfile.Walk(".")) == [(".", ["a"], ["n"]), ("./a", [], ["x.txt"])]
    assert tf1.gfile.ListDirectory("a") == ["x.txt"]


def test_match_filenames_once(graph):
    names = tf1.train.match_filenames_once("a/*")
    assert tf1.local_variables() == [names]
    with tf1.Session() as session:
        session.run(tf1.local_variables_initializer())
        gfile.copy("a/x.txt", "a/y.txt")
        assert list(session.run(names)) == [b"a/x.txt"]
