"""Programs that ask for MNIST get other digits where MNIST cannot be had, and are told so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tideflow._src.compat import mnist_substitute

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def digits():
    return mnist_substitute.load_data()


def test_the_package_holds_the_digits_of_the_examples():
    package = Path(mnist_substitute.__file__).parent / "digits"
    for name in ("digits.npz", "LICENSE-scikit-learn.txt"):
        assert (package / name).read_bytes() == (EXAMPLES / "data" / name).read_bytes()


def test_it_has_the_format_of_mnist(digits):
    for (images, labels), count in zip(digits, (60_000, 10_000), strict=True):
        assert images.shape == (count, 28, 28)
        assert images.dtype == labels.dtype == np.uint8
        assert labels.shape == (count,)
        assert images.max() == 255
        assert 0.1 < (images > 0).mean() < 0.5
        assert np.bincount(labels).min() > count / 15


def test_it_is_the_same_each_time(digits):
    again = mnist_substitute.load_data()
    for (images, labels), (same_images, same_labels) in zip(digits, again, strict=True):
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(labels, same_labels)


def test_a_linear_classifier_reads_digits_that_it_has_not_seen(digits):
    (images, labels), (unseen, answers) = digits
    flat = images[::6].reshape(-1, 784).astype(np.float32) / 255
    targets = np.eye(10, dtype=np.float32)[labels[::6]]
    weights = np.linalg.solve(flat.T @ flat + 10 * np.eye(784, dtype=np.float32), flat.T @ targets)
    accuracy = ((unseen.reshape(-1, 784) / 255 @ weights).argmax(1) == answers).mean()
    assert 0.8 < accuracy < 0.98


OLD_PROGRAM = """
from tensorflow.examples.tutorials.mnist import input_data
digits = input_data.read_data_sets("here", one_hot=True, source_url="file:///nowhere/")
print(digits.train.images.shape, digits.validation.labels.shape, digits.test.images.dtype)
print(digits.train.next_batch(2)[1].sum())
"""


def test_a_program_of_1x_gets_it_and_is_told(tideflow):
    ran = tideflow("--v1", "-c", OLD_PROGRAM)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "(55000, 784) (5000, 10) float32\n2.0\n"
    assert "MNIST is not here (Cannot download file:///nowhere/train-images-idx3-ubyte.gz" in ran.stderr
    assert "Its accuracy is not one on MNIST." in ran.stderr


def test_an_import_of_tideflow_alone_offers_nothing(python):
    alias = "import tideflow; tideflow.install_as_tensorflow('v1')"
    ran = python("-c", alias + OLD_PROGRAM)
    assert "OSError: Cannot download file:///nowhere/train-images-idx3-ubyte.gz" in ran.stderr


@pytest.fixture
def keras_without_network(tmp_path):
    """Writes a Keras whose MNIST cannot be had."""
    folder = tmp_path / "keras" / "src" / "datasets"
    folder.mkdir(parents=True)
    for package in (tmp_path / "keras", tmp_path / "keras" / "src", folder):
        (package / "__init__.py").write_text("")
    (folder / "mnist.py").write_text(
        'def load_data(path="mnist.npz"):\n    """Loads."""\n    raise Exception("URL fetch failure")\n'
    )
    return tmp_path


def test_a_program_of_keras_gets_it_and_is_told(tideflow, keras_without_network):
    program = (
        "from keras.src.datasets import mnist\n"
        "(x, y), (x_test, y_test) = mnist.load_data()\n"
        "print(x.shape, y.shape, x_test.shape, y_test.shape, mnist.load_data.__doc__)\n"
    )
    ran = tideflow("-c", program)
    assert ran.stdout == "(60000, 28, 28) (60000,) (10000, 28, 28) (10000,) Loads.\n", ran.stderr
    assert "MNIST is not here (URL fetch failure)" in ran.stderr
