"""Tests the modules of wire messages, and that other packages can make messages of TensorFlow's."""

from __future__ import annotations

import pytest

# What a package such as tensorflow_serving does when it is imported.
OTHER_PACKAGE = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

def add(name, package, message, field, type_name, *imports):
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=imports)
    entry = file.message_type.add(name=message).field.add(name=field, number=1, label=1)
    entry.type = 11 if type_name else 5
    if type_name:
        entry.type_name = type_name
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    found = descriptor_pool.Default().FindMessageTypeByName(f"{package}.{message}")
    return message_factory.GetMessageClass(found)
"""


def test_modules_hold_the_messages_of_their_files(program) -> None:
    source = """
        import tideflow
        tideflow.install_as_tensorflow()
        import tensorflow as tf
        from tensorflow.core.framework import graph_pb2, types_pb2
        from tensorflow.core.protobuf import config_pb2, error_codes_pb2
        from tensorflow.core.util import event_pb2
        import tensorflow.core.example.example_pb2 as example_pb2
        import tensorflow.python.training.checkpoint_state_pb2 as state
        assert type(tf.Graph().as_graph_def()) is graph_pb2.GraphDef
        assert example_pb2.Example is tf.train.Example
        assert config_pb2.ConfigProto is tf.compat.v1.ConfigProto
        assert state.CheckpointState(model_checkpoint_path="x").model_checkpoint_path == "x"
        assert event_pb2.Event(step=3).step == 3
        print(types_pb2.DT_FLOAT, graph_pb2.DESCRIPTOR.name, error_codes_pb2.ABORTED)
        print(error_codes_pb2.xla_dot_tsl_dot_protobuf_dot_error__codes__pb2.__name__)
    """
    assert program(source).splitlines() == [
        "1 tensorflow/core/framework/graph.proto 10",
        "tensorflow.compiler.xla.tsl.protobuf.error_codes_pb2",
    ]


def test_other_packages_make_messages_of_them(program) -> None:
    source = (
        OTHER_PACKAGE
        + """
import pickle
import tideflow
tideflow.install_as_tensorflow()
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
Request = add("other/api.proto", "other", "Request", "x", ".tensorflow.TensorProto",
              "tensorflow/core/framework/tensor.proto")
request = Request()
request.x.CopyFrom(tf.make_tensor_proto([1.0, 2.0]))
again = pickle.loads(pickle.dumps(request))
assert type(again.x) is tensor_pb2.TensorProto is type(tf.make_tensor_proto(1))
print(tf.make_ndarray(again.x).tolist(), tf.make_ndarray(pickle.loads(pickle.dumps(again.x))).tolist())
"""
    )
    assert program(source) == "[1.0, 2.0] [1.0, 2.0]"


@pytest.mark.parametrize(
    "file", ["other/graph.proto", "tensorflow/core/framework/graph.proto"], ids=["another file", "the same file"]
)
def test_messages_of_the_same_name_that_are_there_already_do_no_harm(program, file: str) -> None:
    source = (
        OTHER_PACKAGE
        + f"""
Theirs = add("{file}", "tensorflow", "GraphDef", "something", "")
import tideflow
tideflow.install_as_tensorflow()
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
with tf.Graph().as_default() as graph:
    tf.constant(1.0, name="c")
message = graph.as_graph_def()
assert type(message) is graph_pb2.GraphDef is not Theirs
Theirs(something=3)
print(message.node[0].name)
"""
    )
    assert program(source) == "c"


def test_files_that_are_there_already_are_used(program) -> None:
    source = """
        from google.protobuf import descriptor_pool, descriptor_pb2, message_factory
        from importlib import resources
        content = (resources.files("tideflow._src.graph.protos") / "descriptors.pb").read_bytes()
        pool = descriptor_pool.Default()
        import google.protobuf.any_pb2, google.protobuf.wrappers_pb2
        for file in descriptor_pb2.FileDescriptorSet.FromString(content).file[:12]:
            if not file.name.startswith("google"):
                file.options.java_package = "elsewhere"
                pool.AddSerializedFile(file.SerializeToString())
        import tideflow
        tideflow.install_as_tensorflow()
        import tensorflow as tf
        shape = tf.TensorShape([2, None]).as_proto()
        assert type(shape) is message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.TensorShapeProto"))
        print(shape.dim[1].size)
    """
    assert program(source) == "-1"


def test_messages_that_were_used_before_stay_as_they_are(program) -> None:
    source = """
        import tideflow
        early = tideflow.make_tensor_proto([1.0])
        tideflow.install_as_tensorflow()
        import tensorflow as tf
        from tensorflow.core.framework import tensor_pb2
        assert type(early) is tensor_pb2.TensorProto
        print(tf.make_ndarray(early))
    """
    assert program(source) == "[1.]"


def test_without_the_alias_protobufs_own_pool_is_left_alone(program) -> None:
    source = """
        import tideflow
        from google.protobuf import descriptor_pool
        tideflow.make_tensor_proto([1.0])
        try:
            descriptor_pool.Default().FindMessageTypeByName("tensorflow.TensorProto")
        except KeyError:
            print("not there")
    """
    assert program(source) == "not there"


def test_what_is_no_message_is_not_there(program) -> None:
    source = """
        import tideflow
        tideflow.install_as_tensorflow()
        for name in ("tensorflow.core.framework.nothing_pb2", "tensorflow.core.nothing", "tensorflow.compiler.nothing"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error.name)
    """
    assert program(source).splitlines() == [
        "tensorflow.core.framework.nothing_pb2",
        "tensorflow.core.nothing",
        "tensorflow.compiler.nothing",
    ]
