"""Cluster specs, the local server and the placement of replicas."""

from __future__ import annotations

import pytest

import tideflow as tf2
import tideflow.v1 as tf


def test_a_spec_knows_its_tasks():
    spec = tf.train.ClusterSpec({"worker": ["a:1", "b:2"], "ps": {1: "c:3"}})
    assert tf2.train.ClusterSpec is tf.train.ClusterSpec
    assert spec.jobs == ["worker", "ps"] and spec.num_tasks("worker") == 2 and spec.task_indices("ps") == [1]
    assert spec.task_address("ps", 1) == "c:3" and spec.job_tasks("ps") == [None, "c:3"]
    assert spec.as_dict() == {"worker": ["a:1", "b:2"], "ps": {1: "c:3"}}
    assert repr(spec) == "ClusterSpec({'ps': {1: 'c:3'}, 'worker': ['a:1', 'b:2']})"
    assert spec == tf.train.ClusterSpec(spec.as_cluster_def()) == tf.train.ClusterSpec(spec)
    assert hash(spec) == hash(tf.train.ClusterSpec(spec))
    assert spec != tf.train.ClusterSpec({}) and not tf.train.ClusterSpec({})
    assert [job.name for job in spec.as_cluster_def().job] == ["ps", "worker"]


@pytest.mark.parametrize(
    ("cluster", "error", "message"),
    [
        (3, TypeError, "ClusterDef"),
        ({"a": 3}, TypeError, "list or a dictionary"),
        ({"a": "bc"}, TypeError, "list or a dictionary"),
        ({"a": [3]}, TypeError, "Task address 3"),
        ({1: ["b"]}, TypeError, "Job name 1"),
        ({"a": {"x": "b"}}, ValueError, "'x'"),
    ],
)
def test_bad_specs(cluster, error, message):
    with pytest.raises(error, match=message):
        tf.train.ClusterSpec(cluster)


def test_missing_jobs_and_tasks():
    spec = tf.train.ClusterSpec({"a": ["b"]})
    for call in (spec.num_tasks, spec.task_indices, spec.job_tasks):
        with pytest.raises(ValueError, match="No such job in cluster: 'x'"):
            call("x")
    with pytest.raises(ValueError, match="No task with index 3 in job 'a'"):
        spec.task_address("a", 3)


def test_sessions_of_a_server_share_variables():
    with tf.Graph().as_default():
        weight = tf.Variable(1.0, use_resource=True, name="weight")
        reference = tf.Variable(2.0, use_resource=False, name="reference")
        server = tf.train.Server.create_local_server()
        assert server.target.startswith("grpc://localhost:")
        with tf.Session(server.target) as first:
            first.run(tf.global_variables_initializer())
            first.run(tf.assign(weight, 5.0))
            with tf.Session(server.target) as second:
                assert second.run([weight, reference]) == [5.0, 2.0]
            assert first.run(weight) == 5.0
        with tf.Session(server.target) as third:
            assert third.run(weight) == 5.0
        with tf.Session() as other, pytest.raises(tf.errors.FailedPreconditionError):
            other.run(weight)
        tf.Session.reset(server.target)
        with tf.Session(server.target) as last, pytest.raises(tf.errors.FailedPreconditionError):
            last.run(weight)


def test_a_server_says_what_it_is():
    server = tf.train.Server({"worker": ["localhost:2345"]}, start=False)
    assert server.target == "grpc://localhost:2345"
    assert server.server_def.job_name == "worker" and server.server_def.protocol == "grpc"
    with tf.Graph().as_default():
        tf.constant(1)
        with pytest.raises(tf.errors.NotFoundError, match="2345"):
            tf.Session(server.target)
        server.start()
        server.start()
        tf.Session(server.target).close()
    again = tf.train.Server(server.server_def)
    assert again.target == server.target


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"server_or_cluster_def": 3}, TypeError, "ServerDef"),
        ({"server_or_cluster_def": {"a": ["b:1"]}, "job_name": "x"}, ValueError, "No such job"),
        ({"server_or_cluster_def": {"a": ["b:1"], "c": ["d:1"]}}, ValueError, "explicit `job_name`"),
        ({"server_or_cluster_def": {"a": ["b:1", "d:1"]}}, ValueError, "explicit `task_index`"),
        ({"server_or_cluster_def": {"a": ["b:1"]}, "protocol": "foo"}, tf.errors.NotFoundError, "foo"),
        ({"server_or_cluster_def": {"a": ["b:1"]}, "config": 3}, TypeError, "ConfigProto"),
        ({"server_or_cluster_def": {"a": ["b:1"]}, "task_index": 7}, tf.errors.InvalidArgumentError, "Task 7"),
        (
            {"server_or_cluster_def": {"a": ["b:1", "d:1"]}, "task_index": 0},
            tf.errors.UnimplementedError,
            "later release",
        ),
    ],
)
def test_bad_servers(arguments, error, message):
    with pytest.raises(error, match=message):
        tf.train.Server(**arguments)


def test_variables_go_to_parameter_servers_in_turn():
    cluster = tf.train.ClusterSpec({"ps": ["a:1", "b:2"], "worker": ["c:1"]})
    with tf.Graph().as_default(), tf.device(tf.train.replica_device_setter(cluster=cluster)):
        variables = [tf.Variable(1.0) for _ in range(3)]
        value = tf.constant(1.0)
        with tf.device("/cpu:1"):
            placed = tf.constant(2.0)
    assert [variable.device for variable in variables] == ["/job:ps/task:0", "/job:ps/task:1", "/job:ps/task:0"]
    assert value.device == "/job:worker" and placed.device == "/job:worker/device:CPU:1"


def test_the_caller_chooses_what_goes_where():
    setter = tf.train.replica_device_setter(ps_tasks=3, ps_ops=["Const"], ps_strategy=lambda op: 2)
    with tf.Graph().as_default(), tf.device(setter):
        assert tf.constant(1.0).device == "/job:ps/task:2"
        assert tf.no_op().device == "/job:worker"
    assert tf.train.replica_device_setter() is None
    assert tf.train.replica_device_setter(cluster={"a": ["b:1"]}) is None
    with pytest.raises(TypeError, match="ps_strategy"):
        tf.train.replica_device_setter(ps_tasks=1, ps_strategy=3)
    with pytest.raises(TypeError, match="ClusterDef"):
        tf.train.replica_device_setter(cluster=3)
