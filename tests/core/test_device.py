"""Tests of reading, writing and merging device names; the expected values are TensorFlow 2.21's."""

from __future__ import annotations

import pickle

import pytest

import tideflow
from tideflow._src.core import device
from tideflow._src.core.device import DeviceSpecV1, DeviceSpecV2


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("/job:foo/replica:1/task:2/device:GPU:3", "/job:foo/replica:1/task:2/device:GPU:3"),
        ("/cpu:0", "/device:CPU:0"),
        ("gpu:1", "/device:GPU:1"),
        ("/cpu", "/device:CPU:*"),
        ("/device:cpu:*", "/device:CPU:*"),
        ("", ""),
        ("/", ""),
        ("job:a/CPU:0", "/job:a/device:CPU:0"),
        ("/tpu:0", "/device:TPU:0"),
        ("/device:XLA_CPU:0", "/device:XLA_CPU:0"),
        ("/device:custom:1", "/device:custom:1"),
        ("/task:1/job:w", "/job:w/task:1"),
        ("/job:w/job:x", "/job:x"),
    ],
)
def test_reading(name: str, canonical: str) -> None:
    for kind in (DeviceSpecV1, DeviceSpecV2):
        spec = kind.from_string(name)
        assert type(spec) is kind
        assert spec.to_string() == canonical
    assert device.canonical_name(name) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "/device:CPU",
        "/job:*/task:*",
        "/job:a/foo",
        "/job",
        "/cpu:0/gpu:0",
        "/xla_cpu:0",
        "/replica:a",
        "/task:",
    ]
    + ["/CPU:x", "/job:a:b/task:1", "foo"],
)
def test_reading_refuses(name: str) -> None:
    with pytest.raises(ValueError, match=r"Unknown attribute|Multiple device types|invalid literal"):
        DeviceSpecV2.from_string(name)


def test_parts() -> None:
    spec = DeviceSpecV2(job="a", replica="0", task=1, device_type="gpu", device_index=2)
    assert (spec.job, spec.replica, spec.task, spec.device_type, spec.device_index) == ("a", 0, 1, "GPU", 2)
    assert DeviceSpecV2.from_string("/GPU").device_index is None
    assert DeviceSpecV2(device_index=0).to_string() == ""
    assert repr(DeviceSpecV2(job="a")) == (
        "<DeviceSpec(job=a, replica=None, task=None, device_type=None, device_index=None)>"
    )
    with pytest.raises(ValueError, match="invalid literal"):
        DeviceSpecV2(replica="x")


def test_equality() -> None:
    assert DeviceSpecV2(job="a") == DeviceSpecV2(job="a")
    assert hash(DeviceSpecV2(job="a")) == hash(DeviceSpecV2(job="a"))
    assert DeviceSpecV2(job="a") != DeviceSpecV2(job="b")
    assert DeviceSpecV2(job="a") != DeviceSpecV1(job="a")
    assert DeviceSpecV1(job="a") == DeviceSpecV1(job="a")
    assert DeviceSpecV2() != "a"
    assert pickle.loads(pickle.dumps(DeviceSpecV2(job="a", task=1))) == DeviceSpecV2(job="a", task=1)


def test_v2_does_not_change() -> None:
    spec = DeviceSpecV2(job="a")
    with pytest.raises(AttributeError):
        spec.job = "c"  # type: ignore[misc]
    assert spec.parse_from_string("/task:1").to_string() == "/task:1"
    assert spec.replace(job="b", task=2).to_string() == "/job:b/task:2"
    assert spec.to_string() == "/job:a"


def test_each_dialect_has_its_kind() -> None:
    assert tideflow.DeviceSpec is DeviceSpecV2
    assert tideflow.compat.v1.DeviceSpec is DeviceSpecV1


def test_v1_changes() -> None:
    spec = DeviceSpecV1(job="a")
    spec.task = "7"  # type: ignore[assignment]
    spec.device_type = "gpu"
    assert spec.to_string() == "/job:a/task:7/device:GPU:*"
    spec.merge_from(DeviceSpecV1(job="b", task=1))
    assert spec.to_string() == "/job:b/task:1/device:GPU:*"
    assert spec.parse_from_string("/task:2") is spec
    assert spec.to_string() == "/task:2"


@pytest.mark.parametrize(
    ("outer", "inner", "merged"),
    [
        ("/job:a", "/cpu:0", "/job:a/device:CPU:0"),
        ("/cpu:0", "/gpu:1", "/device:GPU:1"),
        ("/job:a/task:1", "/job:b", "/job:b/task:1"),
        ("/cpu:0", "", "/device:CPU:0"),
        ("/job:a/task:3/cpu:0", "/job:b/gpu", "/job:b/task:3/device:GPU:0"),
    ],
)
def test_merging(outer: str, inner: str, merged: str) -> None:
    assert device.merge(outer, inner) == merged
    spec = DeviceSpecV2.from_string(outer).make_merged_spec(DeviceSpecV2.from_string(inner))
    assert spec.to_string() == merged


def test_canonical_name_of_specs_and_none() -> None:
    assert device.canonical_name(None) == ""
    assert device.canonical_name(DeviceSpecV1(job="a")) == "/job:a"
