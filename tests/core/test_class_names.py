"""Classes have TensorFlow's names in a process where Tideflow stands in for it, and their own elsewhere."""

from __future__ import annotations

import subprocess
import sys

import tideflow as tf
from tideflow._src.core.class_names import named_in_tensorflow

PROGRAM = """
import pickle

import tideflow

tideflow.Tensor
tideflow.install_as_tensorflow()
import tensorflow as tf

values = [tf.constant([1]), tf.SparseTensor([[0]], [1], [1]), tf.ragged.constant([[1], []]), tf.data.Dataset.range(3)]
values.append(tf.distribute.OneDeviceStrategy("/cpu:0").experimental_distribute_dataset(values[-1]))
for value in values:
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in type(value).__mro__]
    print([name for name in names if name.startswith("tensorflow.")])
for cls in (tf.Tensor, type(values[0]), tf.SparseTensor, tf.RaggedTensor, tf.data.Dataset):
    assert pickle.loads(pickle.dumps(cls)) is cls
"""


def test_classes_have_the_names_of_tensorflow_where_programs_look_for_them():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    python = "tensorflow.python."
    assert done.stdout.splitlines() == [
        str([f"{python}framework.ops.EagerTensor", f"{python}framework.tensor.Tensor"]),
        str([f"{python}framework.sparse_tensor.SparseTensor"]),
        str([f"{python}ops.ragged.ragged_tensor.RaggedTensor"]),
        str([f"{python}data.ops.dataset_ops.DatasetV2"]),
        str([f"{python}distribute.input_lib.DistributedDataset"]),
    ]


def test_a_program_without_the_alias_sees_our_own():
    program = "import tideflow as tf; print(tf.Tensor.__module__, tf.data.Dataset.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["tideflow._src.core.tensor", "Dataset"]


def test_the_decorator_gives_the_class_back():
    class Value:
        pass

    assert named_in_tensorflow("framework.value.Value")(Value) is Value
    assert tf.Tensor.__name__ == "Tensor"
