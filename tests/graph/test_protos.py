"""Tests that the wire messages are TensorFlow's, field by field."""

from __future__ import annotations

import copy
import hashlib
import pathlib
import pickle
import re
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, json_format, text_format

from tideflow._src.graph import protos
from tideflow._src.graph.protos import schema_pool

# One digest of `field_table` for each file, recorded from the descriptors of TensorFlow 2.21.
DIGESTS = {
    "tensorflow/core/example/example.proto": "9a3f95f97ff525a9",
    "tensorflow/core/example/example_parser_configuration.proto": "d8bed354de6a6c6b",
    "tensorflow/core/example/feature.proto": "c9b55d769621b943",
    "tensorflow/core/framework/allocation_description.proto": "fd2b5125bea32241",
    "tensorflow/core/framework/api_def.proto": "936796ef2cd2f7cb",
    "tensorflow/core/framework/attr_value.proto": "83e34cfb2ccf3b67",
    "tensorflow/core/framework/cost_graph.proto": "d0636b7dff04c362",
    "tensorflow/core/framework/dataset_metadata.proto": "279851b1f72b7562",
    "tensorflow/core/framework/dataset_options.proto": "81259e6beded48d8",
    "tensorflow/core/framework/device_attributes.proto": "674e820ab407d9b2",
    "tensorflow/core/framework/full_type.proto": "3d5623144b61e717",
    "tensorflow/core/framework/function.proto": "6ea2152b816c0ace",
    "tensorflow/core/framework/graph.proto": "4c21a0727efcebaa",
    "tensorflow/core/framework/graph_debug_info.proto": "2d1c39a3d049e493",
    "tensorflow/core/framework/kernel_def.proto": "9759c5a88de50288",
    "tensorflow/core/framework/model.proto": "53cede7a983cd7a9",
    "tensorflow/core/framework/node_def.proto": "c0c5a08f3667cdd6",
    "tensorflow/core/framework/op_def.proto": "96c5b0a721e9373a",
    "tensorflow/core/framework/optimized_function_graph.proto": "34bd9fc6acfa6fdc",
    "tensorflow/core/framework/reader_base.proto": "d422d17be327adbe",
    "tensorflow/core/framework/resource_handle.proto": "187b950fd1c2462b",
    "tensorflow/core/framework/step_stats.proto": "06f66c64cf0a1753",
    "tensorflow/core/framework/summary.proto": "d896eb8bff9f702a",
    "tensorflow/core/framework/tensor.proto": "1fd6b45406b0403b",
    "tensorflow/core/framework/tensor_description.proto": "fb0b74d594233bd0",
    "tensorflow/core/framework/tensor_shape.proto": "eee90fbb90d37bb5",
    "tensorflow/core/framework/tensor_slice.proto": "695eb293a4dc468a",
    "tensorflow/core/framework/types.proto": "b922b38d9098fd6e",
    "tensorflow/core/framework/variable.proto": "8e03c16fbe6c8bd5",
    "tensorflow/core/framework/versions.proto": "524e9236bc6b214d",
    "tensorflow/core/profiler/tfprof_output.proto": "bb99b98464776ab5",
    "tensorflow/core/protobuf/cluster.proto": "6b818cd72344c279",
    "tensorflow/core/protobuf/composite_tensor_variant.proto": "79134c12b98dd027",
    "tensorflow/core/protobuf/config.proto": "edaed27de5d0f9c7",
    "tensorflow/core/protobuf/control_flow.proto": "5c05e29a43af5374",
    "tensorflow/core/protobuf/debug.proto": "b9181a515b8d5980",
    "tensorflow/core/protobuf/device_filters.proto": "5d80c46843601e4d",
    "tensorflow/core/protobuf/device_properties.proto": "130d0ebe3eb09a8e",
    "tensorflow/core/protobuf/error_codes.proto": "74fdf96ee70e3df9",
    "tensorflow/core/protobuf/fingerprint.proto": "c598e565d4a6e043",
    "tensorflow/core/protobuf/meta_graph.proto": "fdbf9b6c86775e17",
    "tensorflow/core/protobuf/named_tensor.proto": "22cba1fe0d8b4849",
    "tensorflow/core/protobuf/queue_runner.proto": "38540596a6cb92a2",
    "tensorflow/core/protobuf/rewriter_config.proto": "9ac6ef3310dcbf1d",
    "tensorflow/core/protobuf/rpc_options.proto": "d91983718a4de700",
    "tensorflow/core/protobuf/saved_model.proto": "1c7b786c49626715",
    "tensorflow/core/protobuf/saved_object_graph.proto": "f43a46b334e862ff",
    "tensorflow/core/protobuf/saver.proto": "3576d2f6ee1f9ec6",
    "tensorflow/core/protobuf/struct.proto": "d821d543ac889a71",
    "tensorflow/core/protobuf/tensor_bundle.proto": "5d43967769041be0",
    "tensorflow/core/protobuf/tensorflow_server.proto": "8af74b164ca6ed81",
    "tensorflow/core/protobuf/trackable_object_graph.proto": "87c9cabc6f72755d",
    "tensorflow/core/protobuf/verifier_config.proto": "926db8eb124ba5ea",
    "tensorflow/core/util/event.proto": "a3d3e9ee995e4b81",
    "tensorflow/core/util/saved_tensor_slice.proto": "a3ae83a187c40b8c",
    "tensorflow/python/training/checkpoint_state.proto": "d619e7ba6f20b2b4",
    "xla/tsl/protobuf/coordination_config.proto": "15a2f3b2156f28bf",
    "xla/tsl/protobuf/error_codes.proto": "631eaccb6c6da190",
    "xla/tsl/protobuf/histogram.proto": "f9841dd301acb7e5",
    "xla/tsl/protobuf/rpc_options.proto": "f06db9ad06324688",
}


def field_table(file: Any) -> list[str]:
    """Returns a line for everything in a FileDescriptorProto that decides how bytes and names are read."""
    lines = [f"file {file.name} {file.package} {file.syntax or 'proto2'}"]
    lines += [f"import {name} {i in file.public_dependency}" for i, name in enumerate(file.dependency)]

    def add_enum(enum: Any, prefix: str) -> None:
        lines.extend(f"{prefix}.{enum.name}.{value.name} = {value.number}" for value in enum.value)

    def add_message(message: Any, prefix: str) -> None:
        prefix = f"{prefix}.{message.name}"
        lines.append(f"message {prefix} {message.options.map_entry}")
        for field in message.field:
            oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
            packed = field.options.packed if field.options.HasField("packed") else ""
            lines.append(
                f"{prefix}.{field.name} = {field.number} {field.label} {field.type} {field.type_name} "
                f"{oneof} {packed} {field.proto3_optional} {field.default_value}"
            )
        for nested in message.nested_type:
            add_message(nested, prefix)
        for enum in message.enum_type:
            add_enum(enum, prefix)

    for message in file.message_type:
        add_message(message, file.package)
    for enum in file.enum_type:
        add_enum(enum, file.package)
    return sorted(lines)


def digest(file: Any) -> str:
    return hashlib.sha256("\n".join(field_table(file)).encode()).hexdigest()[:16]


def descriptor_of(file_name: str) -> Any:
    proto = descriptor_pb2.FileDescriptorProto()
    schema_pool.schema().files[file_name].CopyToProto(proto)
    return proto


@pytest.mark.parametrize("file_name", sorted(DIGESTS))
def test_every_field_is_tensorflows(file_name: str) -> None:
    assert digest(descriptor_of(file_name)) == DIGESTS[file_name]


def test_there_is_a_digest_for_every_file() -> None:
    ours = {name for name in protos.file_names() if not name.startswith("google/")}
    assert ours == set(DIGESTS)


SCHEMA = pathlib.Path(schema_pool.__file__).parent / "schema"


def numbered(text: str) -> list[tuple[str, int]]:
    """Returns the names of fields and enum values with their numbers, as a schema file has them."""
    code = re.sub(r"//[^\n]*", "", text)
    return sorted((name, int(number)) for name, number in re.findall(r"(\w+)\s*=\s*(-?\d+)\s*[;\[]", code))


def numbered_in(file: Any) -> list[tuple[str, int]]:
    found = []
    pending = [file]
    while pending:
        scope = pending.pop()
        if isinstance(scope, descriptor_pb2.DescriptorProto):
            if scope.options.map_entry:
                continue
            found += [(field.name, field.number) for field in scope.field]
            pending += scope.nested_type
        else:
            pending += scope.message_type
        found += [(value.name, value.number) for enum in scope.enum_type for value in enum.value]
    return sorted(found)


def test_descriptors_are_made_of_the_schema() -> None:
    files = {path.relative_to(SCHEMA).as_posix(): path for path in SCHEMA.rglob("*.proto")}
    assert set(files) == set(DIGESTS)
    for name, path in files.items():
        assert numbered(path.read_text()) == numbered_in(descriptor_of(name)), f"{name}: run `make protos`"


@pytest.mark.parametrize(
    ("reading", "old", "new"),
    [
        (numbered, "string device = 4", "string device = 8"),
        (numbered, "string op = 2;", "string op = 2; string more = 9;"),
    ],
)
def test_a_schema_that_was_changed_is_noticed(reading: Any, old: str, new: str) -> None:
    name = "tensorflow/core/framework/node_def.proto"
    text = (SCHEMA / name).read_text()
    assert old in text
    assert reading(text.replace(old, new)) != numbered_in(descriptor_of(name))


@pytest.mark.parametrize("change", ["number", "label", "type", "type_name", "proto3_optional"])
def test_digest_notices_a_wrong_field(change: str) -> None:
    name = "tensorflow/core/framework/node_def.proto"
    file = descriptor_of(name)
    field = file.message_type[0].field[2]
    setattr(field, change, {"type_name": ".tensorflow.Other", "proto3_optional": True}.get(change, 2))
    assert digest(file) != DIGESTS[name]


def test_bytes_are_those_that_tensorflow_writes() -> None:
    tensor = protos.TensorProto(dtype=protos.DT_FLOAT)
    tensor.tensor_shape.dim.add(size=2)
    tensor.tensor_content = bytes.fromhex("0000c03f00000040")
    assert tensor.SerializeToString().hex() == "080112041202080222080000c03f00000040"
    assert protos.TensorProto.FromString(bytes.fromhex("080a1204120208025a020100")).bool_val == [True, False]


def make_graph() -> Any:
    graph = protos.GraphDef()
    graph.versions.producer = 27
    node = graph.node.add(name="x", op="Const")
    node.attr["dtype"].type = protos.DT_FLOAT
    node.attr["shapes"].list.shape.add().dim.add(size=-1)
    node.attr["value"].tensor.CopyFrom(protos.TensorProto(dtype=protos.DT_HALF, half_val=[1, 2]))
    return graph


def test_messages_survive_every_way_of_writing_them() -> None:
    graph = make_graph()
    assert protos.GraphDef.FromString(graph.SerializeToString()) == graph
    assert text_format.Parse(text_format.MessageToString(graph), protos.GraphDef()) == graph
    assert json_format.Parse(json_format.MessageToJson(graph), protos.GraphDef()) == graph
    assert copy.deepcopy(graph) == graph
    restored = pickle.loads(pickle.dumps(graph))
    assert restored == graph
    assert type(restored) is protos.GraphDef


def test_classes_are_the_same_however_they_are_reached() -> None:
    assert protos.get("tensorflow.GraphDef") is protos.get("GraphDef") is protos.GraphDef
    assert protos.get("RunOptions.Experimental") is protos.RunOptions.Experimental
    assert isinstance(make_graph().node[0], protos.NodeDef)
    options = protos.RunOptions.Experimental(collective_graph_key=3)
    assert pickle.loads(pickle.dumps(options)) == options


def test_enums() -> None:
    assert protos.DataType.Value("DT_BFLOAT16") == protos.DT_BFLOAT16 == protos.get("DT_BFLOAT16") == 14
    assert protos.DataType.Name(101) == "DT_FLOAT_REF"
    assert protos.RunOptions.FULL_TRACE == 3
    assert protos.get("error.Code").Value("UNAVAILABLE") == 14


def test_any_packs_and_unpacks() -> None:
    meta_graph = protos.MetaGraphDef()
    node = make_graph().node[0]
    meta_graph.meta_info_def.any_info.Pack(node)
    assert meta_graph.meta_info_def.any_info.type_url == "type.googleapis.com/tensorflow.NodeDef"
    unpacked = protos.NodeDef()
    assert meta_graph.meta_info_def.any_info.Unpack(unpacked)
    assert unpacked == node


@pytest.mark.parametrize("wrong", [{"allow_soft_placement": "yes"}, {"no_such_field": 1}])
def test_wrong_fields_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        protos.ConfigProto(**wrong)


def test_malformed_bytes_are_refused() -> None:
    from google.protobuf.message import DecodeError

    with pytest.raises(DecodeError):
        protos.GraphDef.FromString(b"\x0a\xff\xff")


def test_unknown_names() -> None:
    with pytest.raises(KeyError, match="NoSuchDef"):
        protos.get("NoSuchDef")
    with pytest.raises(AttributeError, match="NoSuchDef"):
        protos.NoSuchDef  # noqa: B018
    with pytest.raises(KeyError, match=r"nowhere\.proto"):
        protos.file_members("nowhere.proto")


def test_names() -> None:
    names = set(schema_pool.schema().messages)
    assert {"GraphDef", "OpDef.ArgDef", "Event", "CheckpointState", "data.Options"} <= names
    assert not any(name.endswith("Entry") and name != "TensorBundleEntry" for name in names if "." in name)
    assert {"GraphDef", "DataType", "DT_INT32", "get"} <= set(dir(protos))


def test_file_members_are_those_of_a_generated_module() -> None:
    members = protos.file_members("tensorflow/core/framework/types.proto")
    assert members["DT_INT32"] == 3
    assert members["DataType"].Name(3) == "DT_INT32"
    assert members["DESCRIPTOR"].name == "tensorflow/core/framework/types.proto"
    graph_members = protos.file_members("tensorflow/core/framework/graph.proto")
    assert set(graph_members) == {"GraphDef", "DESCRIPTOR"}
    # Public imports count, as for generated code.
    assert "RPCOptions" in protos.file_members("tensorflow/core/protobuf/rpc_options.proto")


def test_importing_loads_no_protobuf_and_the_default_pool_stays_empty() -> None:
    program = (
        "import sys\n"
        "from tideflow._src.graph import protos\n"
        "assert not [name for name in sys.modules if name.startswith('google.protobuf')]\n"
        "protos.GraphDef()\n"
        "from google.protobuf import descriptor_pool\n"
        "try:\n"
        "    descriptor_pool.Default().FindMessageTypeByName('tensorflow.GraphDef')\n"
        "except KeyError:\n"
        "    print('separate')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "separate"
