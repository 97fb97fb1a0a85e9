"""Figures of graphs: the reports that TensorFlow 2.21 prints, options, messages, files, errors."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf

v1 = tf.compat.v1
Options = v1.profiler.ProfileOptionBuilder


@pytest.fixture
def layer(graph: Any) -> Any:
    x = v1.placeholder(tf.float32, [8, 4], name="x")
    unknown = v1.placeholder(tf.float32, [None, 4], name="u")
    zeros = v1.zeros_initializer()
    with v1.variable_scope("layer"):
        w = v1.get_variable("w", [4, 3], initializer=zeros, use_resource=True)
        b = v1.get_variable("b", [3], initializer=zeros, trainable=False)
        v1.get_variable("s", [], initializer=zeros)
        y = tf.nn.relu(tf.matmul(x, w) + b)
        tf.matmul(unknown, w)  # counts nothing: its size is not known
        tf.reduce_sum(tf.matmul(y, tf.ones([3, 100])))
    return graph


def _table(report: str) -> list[str]:
    return report.split("Profile:\n")[1].split("\n\n===")[0].splitlines()


PARAMETERS = [
    "node name | # parameters",
    "_TFProfRoot (--/13 params)",
    "  layer (--/13 params)",
    "    layer/s (1, 1/1 params)",
    "    layer/w (4x3, 12/12 params)",
]
OPERATIONS = [
    "node name | # float_ops",
    "_TFProfRoot (--/5.82k flops)",
    "  layer/MatMul_2 (4.80k/4.80k flops)",
    "  layer/Sum (799/799 flops)",
    "  layer/MatMul (192/192 flops)",
    "  layer/add (24/24 flops)",
]
BY_KIND = [
    "node name | # float_ops",
    "MatMul                   4.99k float_ops (100.00%, 85.85%)",
    "Sum                      799 float_ops (14.15%, 13.74%)",
    "AddV2                       24 float_ops (0.41%, 0.41%)",
]


@pytest.mark.parametrize(
    ("view", "options", "table"),
    [
        ("scope", None, PARAMETERS),
        ("scope", Options.float_operation(), OPERATIONS),
        ("op", Options.float_operation(), BY_KIND),
        (
            "op",
            Options(Options.float_operation()).with_max_depth(0).build(),
            [
                "node name | # float_ops",
                "MatMul                   4.99k float_ops (100.00%, 100.00%)",
            ],
        ),
        (
            "scope",
            Options(Options.float_operation()).with_min_float_operations(500).order_by("name").build(),
            [
                "node name | # float_ops",
                "_TFProfRoot (--/5.60k flops)",
                "  layer/MatMul_2 (4.80k/4.80k flops)",
                "  layer/Sum (799/799 flops)",
            ],
        ),
        (
            "scope",
            Options(Options.float_operation()).with_node_names(hide_name_regexes=["layer/M.*"]).build(),
            [
                "node name | # float_ops",
                "_TFProfRoot (--/823 flops)",
                "  layer/Sum (799/799 flops)",
                "  layer/add (24/24 flops)",
            ],
        ),
        (
            "scope",
            Options(Options.float_operation()).with_max_depth(1).build(),
            [
                "node name | # float_ops",
                "_TFProfRoot (--/0 flops)",
            ],
        ),
    ],
)
def test_reports(view: str, options: Any, table: list[str], layer: Any, capsys: Any) -> None:
    v1.profiler.profile(layer, cmd=view, options=options)
    report = capsys.readouterr().out
    assert _table(report) == table
    assert report.startswith(
        "\n=========================Options=============================\n-max_depth                  "
    )
    assert report.endswith("\n======================End of Report==========================\n")


def test_messages(layer: Any) -> None:
    quiet = Options(Options.float_operation()).with_empty_output().build()
    found = v1.profiler.profile(options=quiet)
    assert (found.name, found.total_float_ops, found.total_parameters) == ("_TFProfRoot", 5815, 0)
    product = found.children[0]
    assert (product.name, product.float_ops) == ("layer/MatMul_2", 4800)
    assert [dim.size for dim in product.input_shapes[1].dim] == [3, 100]
    kinds = v1.profiler.profile(options=quiet, cmd="op")
    assert (kinds.total_float_ops, kinds.children[0].name) == (5815, "MatMul")
    assert kinds.children[0].children[0].total_float_ops == 823
    assert [node.name for node in kinds.children[0].graph_nodes] == ["layer/MatMul", "layer/MatMul_1", "layer/MatMul_2"]
    counted = Options(Options.trainable_variables_parameter()).with_empty_output().build()
    assert v1.profiler.profile(options=counted).total_parameters == 13


def test_a_report_in_a_file(layer: Any, tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "report"
    v1.profiler.profile(options=Options(Options.float_operation()).with_file_output(path).build())
    assert path.read_text().split("Profile:\n")[1].splitlines() == OPERATIONS
    assert capsys.readouterr().out == ""
    with pytest.raises(tf.errors.NotFoundError):
        v1.profiler.profile(options=Options(Options.float_operation()).with_file_output(tmp_path / "a/b").build())


def test_options() -> None:
    built = Options().with_accounted_types(["a"]).select(["params"]).order_by("params").with_min_parameters(3).build()
    assert (built["account_type_regexes"], built["select"], built["order_by"]) == (["a"], ["params"], "params")
    assert (built["max_depth"], built["min_params"], built["output"], built["step"]) == (100, 3, "stdout", -1)
    assert Options.float_operation()["max_depth"] == 10000
    again = Options(built)
    again.with_max_depth(1)
    assert built["max_depth"] == 100


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"cmd": "nothing"}, ValueError, "Cannot profile by 'nothing'"),
        ({"options": {"select": ["micros"]}}, ValueError, "tf.profiler.experimental"),
        ({"options": {"select": [], "show_name_regexes": ["("]}}, tf.errors.InvalidArgumentError, "regular expression"),
        ({"options": {"select": [], "output": "paper"}}, ValueError, "Unknown output"),
    ],
)
def test_what_is_refused(arguments: Any, error: Any, text: str, layer: Any) -> None:
    with pytest.raises(error, match=text):
        v1.profiler.profile(**arguments)
