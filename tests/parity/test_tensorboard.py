"""Tests that TensorBoard itself shows what Tideflow logs: the data of each plugin, over HTTP."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tideflow as tf

from . import tensorboard_logs
from .oracle import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.timeout(400)

#: Serves a folder, as in an environment that has no TensorFlow: TensorBoard looks for this module.
_SERVE = """
import sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.main import run_main
sys.argv[:] = ["tensorboard", "--logdir", sys.argv[1], "--host", "127.0.0.1", "--port", "0", "--load_fast=false",
               "--samples_per_plugin", "images=100", "--reload_interval", "3600"]
run_main()
"""


def environment() -> dict[str, str]:
    names = ("PYTHONPATH", "PYTHONHOME")
    return {key: value for key, value in os.environ.items() if key not in names} | {"CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    root = tmp_path_factory.mktemp("logs")
    interpreter = os.path.abspath(os.environ[ENVIRONMENT_VARIABLE])
    ask = "import pathlib, tensorboard; print(pathlib.Path(tensorboard.__file__).parent.parent)"
    found = subprocess.run([interpreter, "-c", ask], env=environment(), capture_output=True, text=True, timeout=100)
    assert found.returncode == 0, found.stderr
    command = [sys.executable, tensorboard_logs.__file__, str(root), found.stdout.strip()]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return root


@pytest.fixture(scope="module")
def get(logs: pathlib.Path) -> Iterator[Callable[..., Any]]:
    """Gives a function that asks TensorBoard for a page below ``/data``, and is told its JSON or text."""
    interpreter = os.path.abspath(os.environ[ENVIRONMENT_VARIABLE])
    server = subprocess.Popen(
        [interpreter, "-c", _SERVE, str(logs)], env=environment(), cwd=logs, stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    try:
        said = ""
        while (address := re.search(r"http://127\.0\.0\.1:\d+", said)) is None:
            ready, _, _ = select.select([server.stderr], [], [], 120)
            line = server.stderr.readline() if ready else ""
            assert line, f"TensorBoard did not start: {said}"
            said += line

        def ask(page: str, body: Any = None, **query: str) -> Any:
            url = f"{address[0]}/data/{page}?{urllib.parse.urlencode(query)}"
            content = None if body is None else json.dumps(body).encode()
            headers = {} if body is None else {"Content-Type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(url, content, headers), timeout=60) as answer:
                whole = answer.read()
                return json.loads(whole) if "json" in answer.headers["Content-Type"] else whole

        yield ask
    finally:
        server.terminate()
        server.wait(60)
        server.stderr.close()


def test_runs(get: Callable[..., Any]) -> None:
    assert set(get("runs")) >= {"train", "trial0", "trial1", "old", "keras/train"}


def test_scalars(get: Callable[..., Any]) -> None:
    tags = get("plugin/scalars/tags")
    assert tags["train"]["loss"]["description"] == "<p>what <em>falls</em></p>"
    points = get("plugin/scalars/scalars", run="train", tag="loss")
    assert [step for _, step, _ in points] == list(range(5))
    assert [value for _, _, value in points] == pytest.approx([1.0 / (step + 1) for step in range(5)])
    ((_, step, value),) = get("plugin/scalars/scalars", run="old", tag="old_loss")
    assert (step, value) == (3, pytest.approx(2.3))
    assert {"epoch_loss", "epoch_learning_rate", "epoch_steps_per_second", "batch_loss"} <= set(tags["keras/train"])
    assert len(get("plugin/scalars/scalars", run="keras/train", tag="epoch_loss")) == 2


def test_histograms_and_distributions(get: Callable[..., Any]) -> None:
    found = get("plugin/histograms/histograms", run="train", tag="weights")
    assert [step for _, step, _ in found] == list(range(5))
    assert all(sum(count for _, _, count in buckets) == 100 and len(buckets) == 30 for _, _, buckets in found)
    assert get("plugin/histograms/histograms", run="train", tag="weights")[4][2][-1][1] == 5.0
    assert len(get("plugin/distributions/distributions", run="train", tag="weights")) == 5
    assert "sequential/hidden/kernel/histogram" in get("plugin/histograms/tags")["keras/train"]


def blob_of(get: Callable[..., Any], page: str, entries: Any) -> bytes:
    """Returns what the only entry of a list refers to."""
    (entry,) = entries
    content: bytes = get(f"plugin/{page}", **dict(urllib.parse.parse_qsl(entry["query"])))
    return content


def test_images(get: Callable[..., Any]) -> None:
    assert get("plugin/images/tags")["train"]["picture"]["samples"] == 2
    found = [get("plugin/images/images", run="train", tag="picture", sample=str(sample)) for sample in range(2)]
    assert [[image["step"] for image in images] for images in found] == [[1], [1]]
    whole = np.concatenate([tf.io.decode_png(blob_of(get, "images/individualImage", images)) for images in found])
    expected = np.linspace(0, 1, 48).reshape(4 * 2, 2, 3)
    np.testing.assert_array_equal(whole, np.round(expected * 255.5 - 0.5).clip(0, 255))
    assert "sequential/hidden/kernel/image" in get("plugin/images/tags")["keras/train"]


def test_audio(get: Callable[..., Any]) -> None:
    sounds = get("plugin/audio/audio", run="train", tag="sound", sample="0")
    assert [(sound["step"], sound["contentType"]) for sound in sounds] == [(1, "audio/wav")]
    samples, rate = tf.audio.decode_wav(blob_of(get, "audio/individualAudio", sounds))
    assert (int(rate), samples.shape) == (8000, (800, 1))
    np.testing.assert_allclose(samples[:, 0], np.sin(np.linspace(0, 99, 800, dtype=np.float32)), atol=2.0**-15)


def test_text(get: Callable[..., Any]) -> None:
    (text,) = get("plugin/text/text", run="train", tag="words")
    assert text["step"] == 1
    assert "<strong>b</strong>" in text["text"]
    assert text["text"].count("<td>") == 4


def test_graphs(get: Callable[..., Any]) -> None:
    info = get("plugin/graphs/info")
    assert info["train"]["run_graph"]
    assert info["old"]["run_graph"]
    assert info["train"]["tags"]["ran"]["op_graph"]
    assert info["keras/train"]["tags"]["keras"]["conceptual_graph"]
    assert info["keras/train"]["tags"]["batch_2"]["op_graph"]  # what a step of training ran
    graph = get("plugin/graphs/graph", run="train").decode()
    assert 'name: "PartitionedCall"' in graph
    assert 'name: "dense/Relu' in graph  # in the library: the function can be unfolded
    assert 'key: "_output_shapes"' in graph
    assert 'device: "/device:CPU:0"' in graph
    ran = get("plugin/graphs/graph", run="train", tag="ran").decode()
    assert 'device: "/job:localhost/replica:0/task:0/device:CPU:0"' in ran
    assert 'op: "_Retval"' in ran
    assert 'name: "scores"' in get("plugin/graphs/graph", run="old").decode()
    layers = get("plugin/graphs/graph", run="keras/train", tag="keras", conceptual="true").decode()
    assert 'name: "sequential/hidden"' in layers


def test_hparams(get: Callable[..., Any]) -> None:
    experiment = get("plugin/hparams/experiment", {"experimentName": "", "includeMetrics": True})
    assert [each["name"] for each in experiment["hparamInfos"]] == ["rate"]
    asked = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_RUNNING", "STATUS_SUCCESS"],
        "colParams": [{"hparam": "rate", "order": "ORDER_ASC"}, {"metric": {"group": "", "tag": "accuracy"}}],
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = get("plugin/hparams/session_groups", asked)["sessionGroups"]
    assert [group["hparams"]["rate"] for group in groups] == [0.25, 0.5]
    assert [group["metricValues"][0]["value"] for group in groups] == [0.75, 1.0]


def test_curves_of_precision_and_recall(get: Callable[..., Any]) -> None:
    ((entry,),) = get("plugin/pr_curves/pr_curves", tag="curve/pr_curves", run="train").values()
    assert entry["step"] == 2
    assert entry["precision"] == pytest.approx([0.75] * 3 + [1.0] * 7)
    assert entry["recall"][0] == 1.0
    ((entry,),) = get("plugin/pr_curves/pr_curves", tag="old_curve/pr_curves", run="old").values()
    assert (entry["step"], entry["precision"]) == (3, pytest.approx([0.75, 1.0, 1.0, 1.0]))


def test_meshes(get: Callable[..., Any]) -> None:
    assert set(get("plugin/mesh/tags")["train"]) == {"solid"}
    parts = get("plugin/mesh/meshes", run="train", tag="solid", sample="0")
    assert sorted(part["data_shape"] for part in parts) == [[1, 2, 3], [1, 4, 3]]


def test_embeddings(get: Callable[..., Any]) -> None:
    runs = get("plugin/projector/runs")
    (info,) = get("plugin/projector/info", run=runs[0])["embeddings"]
    assert (info["tensorName"], info["tensorShape"]) == ("vectors", [2, 3])
    vectors = get("plugin/projector/tensor", run=runs[0], name="vectors")
    assert len(vectors) == 2 * 3 * 4


def test_profiles(logs: pathlib.Path) -> None:
    """The plugin for profiles is a package of its own, larger than TensorBoard; that it reads the files was tried."""
    (run,) = (logs / "keras" / "train" / "plugins" / "profile").iterdir()
    (path,) = run.glob("*.trace.json.gz")
    names = {event["name"] for event in json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]}
    assert {"process_name", "thread_name"} < names
    assert any(name.startswith("program ") for name in names)
    assert len(list(run.glob("*.xplane.pb"))) == 1
