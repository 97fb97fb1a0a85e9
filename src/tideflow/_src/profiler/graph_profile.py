"""``tf.compat.v1.profiler``: how many parameters and floating-point operations the nodes of a graph have."""

from __future__ import annotations

import contextlib
import copy
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph import protos
from tideflow._src.graph.default_graph import get_default_graph
from tideflow._src.ops.files import file_system
from tideflow._src.profiler.statistics import get_stats_for_node_def
from tideflow._src.state.graph_keys import GraphKeys

_TRAINABLE = "_trainable_variables"
_ROOT = "_TFProfRoot"
_VARIABLES = ("VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable")
#: What can be told, in the order of columns: the title in the view of scopes and in that of operations, and the doc.
_TOLD = {
    "params": ("# parameters", "# parameters", "param: Number of parameters (in the Variable)."),
    "float_ops": (
        "# float_ops",
        "# float_ops",
        "flops: Number of float operations. Note: Please read the implementation for the math behind it.",
    ),
    "occurrence": (
        "op count (run|defined)",
        "op occurrence (run|defined)",
        "occurrence: The number of times it occurs",
    ),
}
_VIEWS = {
    "scope": "scope: The nodes in the model graph are organized by their names, which is hierarchical like filesystem.",
    "op": "op: The nodes are operation kernel type, such as MatMul, Conv2D. Graph nodes belonging to the same type are "
    "aggregated together.",
}
_LEAST = (
    "min_bytes",
    "min_peak_bytes",
    "min_residual_bytes",
    "min_output_bytes",
    "min_micros",
    "min_accelerator_micros",
    "min_cpu_micros",
    "min_params",
    "min_float_ops",
    "min_occurrence",
)
_LEAST_BY_DEFAULT = ("min_bytes", "min_micros", "min_params", "min_float_ops", "min_occurrence")


class ProfileOptionBuilder:
    """Makes the options of `profile`, a dictionary.

    Args:
      options: options to begin with.

    >>> import tideflow as tf
    >>> builder = tf.compat.v1.profiler.ProfileOptionBuilder
    >>> builder(builder.float_operation()).with_max_depth(3).build()["max_depth"]
    3
    """

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        default: dict[str, Any] = {"max_depth": 100, **dict.fromkeys(_LEAST_BY_DEFAULT, 0), "order_by": "name"}
        default |= {
            "account_type_regexes": [".*"],
            "start_name_regexes": [".*"],
            "trim_name_regexes": [],
            "show_name_regexes": [".*"],
            "hide_name_regexes": [],
            "account_displayed_op_only": False,
            "select": ["micros"],
            "step": -1,
            "output": "stdout",
        }
        self._options = copy.deepcopy(default if options is None else options)

    @staticmethod
    def trainable_variables_parameter() -> dict[str, Any]:
        """Returns the options that count parameters of trainable variables."""
        return _built(account_type_regexes=[_TRAINABLE], select=["params"])

    @staticmethod
    def float_operation() -> dict[str, Any]:
        """Returns the options that count floating-point operations."""
        return _built(min_float_ops=1, order_by="float_ops", select=["float_ops"])

    def build(self) -> dict[str, Any]:
        """Returns the options."""
        return copy.deepcopy(self._options)

    def _with(self, **options: Any) -> ProfileOptionBuilder:
        self._options.update(options)
        return self

    def with_max_depth(self, max_depth: int) -> ProfileOptionBuilder:
        """Shows scopes down to a depth."""
        return self._with(max_depth=max_depth)

    def with_min_parameters(self, min_params: int) -> ProfileOptionBuilder:
        """Shows nodes with so many parameters or more."""
        return self._with(min_params=min_params)

    def with_min_float_operations(self, min_float_ops: int) -> ProfileOptionBuilder:
        """Shows nodes with so many floating-point operations or more."""
        return self._with(min_float_ops=min_float_ops)

    def with_min_occurrence(self, min_occurrence: int) -> ProfileOptionBuilder:
        """Shows kinds of operations that are there so often or more."""
        return self._with(min_occurrence=min_occurrence)

    def with_accounted_types(self, account_type_regexes: Sequence[str]) -> ProfileOptionBuilder:
        """Counts nodes of these types only: regular expressions of operations and of ``_trainable_variables``."""
        return self._with(account_type_regexes=list(account_type_regexes))

    def with_node_names(
        self,
        start_name_regexes: Sequence[str] | None = None,
        show_name_regexes: Sequence[str] | None = None,
        hide_name_regexes: Sequence[str] | None = None,
        trim_name_regexes: Sequence[str] | None = None,
    ) -> ProfileOptionBuilder:
        """Chooses nodes by regular expressions of their names."""
        given = {
            "start_name_regexes": start_name_regexes,
            "show_name_regexes": show_name_regexes,
            "hide_name_regexes": hide_name_regexes,
            "trim_name_regexes": trim_name_regexes,
        }
        return self._with(**{name: list(value) for name, value in given.items() if value is not None})

    def account_displayed_op_only(self, is_true: bool) -> ProfileOptionBuilder:
        """Says whether totals count what is shown only."""
        return self._with(account_displayed_op_only=is_true)

    def with_empty_output(self) -> ProfileOptionBuilder:
        """Prints nothing."""
        return self._with(output="none")

    def with_stdout_output(self) -> ProfileOptionBuilder:
        """Prints the report."""
        return self._with(output="stdout")

    def with_file_output(self, outfile: Any) -> ProfileOptionBuilder:
        """Writes the report to a file."""
        return self._with(output=f"file:outfile={file_system.text_of(outfile)}")

    def order_by(self, attribute: str) -> ProfileOptionBuilder:
        """Orders nodes by ``"name"``, or by the most ``"params"``, ``"float_ops"`` or ``"occurrence"`` first."""
        return self._with(order_by=attribute)

    def select(self, attributes: Sequence[str]) -> ProfileOptionBuilder:
        """Chooses what is told: ``"params"``, ``"float_ops"``, ``"occurrence"``."""
        return self._with(select=list(attributes))


def _built(**options: Any) -> dict[str, Any]:
    made = ProfileOptionBuilder().build()
    return made | {"max_depth": 10000, "account_displayed_op_only": True} | options


class _Node:
    """Is a node of a graph, or a scope of nodes."""

    def __init__(self, name: str, op: Any = None) -> None:
        self.name, self.op = name, op
        self.types: tuple[str, ...] = ()
        self.children: dict[str, _Node] = {}
        self.below: list[_Node] = []
        self.accounted = False
        self.shape: list[int] | None = None
        self.self: dict[str, int] = {"params": 0, "float_ops": 0, "occurrence": 0}
        self.total = dict(self.self)


def profile(graph: Any = None, run_meta: Any = None, op_log: Any = None, cmd: str = "scope", options: Any = 0) -> Any:
    """Counts parameters and floating-point operations of a graph, prints a report, and returns the figures.

    What an operation counts is what the textbook algorithm does; see `RegisterStatistics`. An operation whose shapes
    are not known counts nothing.

    Args:
      graph: the graph; the default one by default.
      run_meta, op_log: are taken for the sake of old programs: ``tf.profiler.experimental`` tells times of runs.
      cmd: ``"scope"``: by names, as a tree; ``"op"``: by kinds of operations.
      options: 0, or what `ProfileOptionBuilder` makes; parameters of trainable variables by default.

    Returns:
      A ``GraphNodeProto``, or a ``MultiGraphNodeProto`` for ``"op"``: ``total_parameters``, ``total_float_ops``,
      ``children``.

    Raises:
      ValueError: ``cmd``, or what is selected, is something else.
      InvalidArgumentError: a regular expression is none.
      OpError: the file of the report cannot be written.
    """
    graph = get_default_graph() if graph is None else graph
    given = options or ProfileOptionBuilder.trainable_variables_parameter()
    options = {**dict.fromkeys(_LEAST, 0), **ProfileOptionBuilder().build(), **given}
    if cmd not in _VIEWS:
        raise ValueError(f"Cannot profile by {cmd!r}. Give one of: {', '.join(_VIEWS)}")
    for name in options["select"]:
        if name not in _TOLD:
            raise ValueError(
                f"Cannot select {name!r}: a graph tells {', '.join(_TOLD)}. Times and memory are measured by "
                "tf.profiler.experimental."
            )
    nodes = _nodes_of(graph)
    for node in nodes:
        node.accounted = _matches(options["account_type_regexes"], *node.types)
    lines, message = (_scopes if cmd == "scope" else _operations)(nodes, options)
    columns = [name for name in _TOLD if name in options["select"]]
    title = ["node name", *(_TOLD[name][cmd == "op"] for name in columns)]
    doc = [_VIEWS[cmd], *(_TOLD[name][2] for name in sorted(columns))]
    _give(options, doc, [" | ".join(title), *lines])
    return message


def _matches(patterns: Iterable[str], *texts: str) -> bool:
    try:
        return any(pattern == ".*" or any(re.fullmatch(pattern, text) for text in texts) for pattern in patterns)
    except re.error as error:
        raise InvalidArgumentError(None, None, f"Invalid regular expression in {list(patterns)}: {error}") from None


def _nodes_of(graph: Any) -> list[_Node]:
    trainable = {variable.op.name for variable in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
    nodes = []
    for op in graph.get_operations():
        node = _Node(op.name, op)
        node.types = (op.type, _TRAINABLE) if op.name in trainable else (op.type,)
        node.self["occurrence"] = 1
        if op.type in _VARIABLES:
            shape = TensorShape(op.attrs["shape"]) if "shape" in op.attrs else op.outputs[0].shape
            known = [size for size in shape.as_list() if size is not None] if shape.is_fully_defined() else None
            node.shape = known
            node.self["params"] = math.prod(known) if known is not None else 0
        with contextlib.suppress(ValueError):  # of shapes that are not known
            node.self["float_ops"] = int(get_stats_for_node_def(graph, op.node_def, "flops").value or 0)
        nodes.append(node)
    return nodes


def _is_shown(node: _Node, options: dict[str, Any], depth: int) -> bool:
    if node.name == _ROOT:
        return True
    if node.self["params"] < options["min_params"] or node.self["float_ops"] < options["min_float_ops"]:
        return False
    if depth > options["max_depth"] or options["min_occurrence"] > 0:  # nothing has run
        return False
    return _matches(options["show_name_regexes"], node.name) and not _matches(options["hide_name_regexes"], node.name)


def _scopes(nodes: list[_Node], options: dict[str, Any]) -> tuple[list[str], Any]:
    root = _Node(_ROOT)
    for node in nodes:
        at, parts = root, node.name.split("/")
        for count in range(1, len(parts)):
            name = "/".join(parts[:count])
            if name not in at.children:
                at.children[name] = scope = _Node(name)
                scope.self["occurrence"] = 1
                scope.accounted = _matches(options["account_type_regexes"])  # a scope has no type but any
            at = at.children[name]
        node.children = at.children[node.name].children if node.name in at.children else {}
        at.children[node.name] = node
    starts = options["start_name_regexes"]
    if starts != [".*"]:
        root.children = {node.name: node for node in _found(root, starts)}
    _account(root)
    lines: list[str] = []
    (shown,) = _shown([root], options, 0)
    message = protos.get("tfprof.GraphNodeProto")()
    _tell(shown, options, "", lines, message)
    return lines, message


def _found(node: _Node, patterns: Iterable[str]) -> list[_Node]:
    found: list[_Node] = []
    for child in node.children.values():
        found += [child] if _matches(patterns, child.name) else _found(child, patterns)
    return found


def _account(node: _Node) -> bool:
    """Adds up what is below a node; tells whether any of it counts."""
    node.below = [child for child in node.children.values() if _account(child)]
    node.total = {key: value if node.accounted else 0 for key, value in node.self.items()}
    node.total["occurrence"] = int(node.name != _ROOT)
    for child in node.below:
        for key, value in child.total.items():
            node.total[key] += value
    return node.accounted or bool(node.below)


def _shown(nodes: list[_Node], options: dict[str, Any], depth: int) -> list[_Node]:
    found: list[_Node] = []
    for node in nodes:
        trimmed = _matches(options["trim_name_regexes"], node.name)
        below = [] if trimmed else _shown(node.below, options, depth + 1)
        if not _is_shown(node, options, depth):
            found += below
            continue
        if options["account_displayed_op_only"]:
            node.total = {key: value if node.accounted else 0 for key, value in node.self.items()}
            node.total["occurrence"] = 1
            for child in below:
                for key, value in child.total.items():
                    node.total[key] += value
        node.below = _ordered(below, options["order_by"])
        found.append(node)
    return found


def _ordered(nodes: list[_Node], by: str) -> list[_Node]:
    if by == "name":
        return sorted(nodes, key=lambda node: node.name)
    return sorted(nodes, key=lambda node: -node.total.get(by, 0))


def _tell(node: _Node, options: dict[str, Any], indent: str, lines: list[str], message: Any) -> None:
    texts = []
    chosen = node.self if node.accounted else None
    if "params" in options["select"]:
        if node.shape is not None:
            texts.append("x".join(map(str, node.shape)) or "1")
        texts.append(f"{_of(chosen, 'params')}/{_number(node.total['params'])} params")
    if "float_ops" in options["select"]:
        texts.append(f"{_of(chosen, 'float_ops')}/{_number(node.total['float_ops'])} flops")
    if "occurrence" in options["select"]:
        mark = "--" if chosen is None else "0"
        texts.append(f"{mark}/0|{_of(chosen, 'occurrence')}/{node.total['occurrence']}")
    lines.append(f"{indent}{node.name} ({', '.join(texts)})")
    _fill(message, node)
    for child in node.below:
        _tell(child, options, f"{indent}  ", lines, message.children.add())


def _of(chosen: dict[str, int] | None, name: str) -> str:
    return "--" if chosen is None else _number(chosen[name])


def _number(value: int) -> str:
    for size, unit in ((1e9, "b"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.2f}{unit}"
    return str(value)


def _fill(message: Any, node: _Node) -> None:
    message.name = node.name
    if node.accounted:
        message.parameters, message.float_ops = node.self["params"], node.self["float_ops"]
    message.total_parameters, message.total_float_ops = node.total["params"], node.total["float_ops"]
    message.total_definition_count = node.total["occurrence"]
    for number, tensor in enumerate(node.op.inputs if node.op is not None else ()):
        if tensor.shape.rank is not None:
            for size in tensor.shape.as_list() or [1]:
                message.input_shapes[number].dim.add(size=-1 if size is None else size)


def _operations(nodes: list[_Node], options: dict[str, Any]) -> tuple[list[str], Any]:
    kinds: dict[str, list[_Node]] = {}
    for node in nodes:
        if node.accounted:
            kinds.setdefault(node.op.type, []).append(node)
    groups = []
    for kind in sorted(kinds):
        group = _Node(kind)
        group.accounted = True
        group.below = sorted(kinds[kind], key=lambda node: node.name)
        group.self = {key: sum(node.self[key] for node in group.below) for key in group.self}
        group.total = dict(group.self)
        groups.append(group)
    ordered = _ordered(groups, options["order_by"])
    shown_only = options["account_displayed_op_only"]
    everything = _sum(groups)
    left = dict(everything)
    kept = []
    for group in ordered:
        # Without `account_displayed_op_only`, what is below a kind in the list counts as its own.
        counted = group.self if shown_only else left
        if (
            all(counted[key] >= options[f"min_{key}"] for key in counted)
            and _matches(options["show_name_regexes"], group.name)
            and not _matches(options["hide_name_regexes"], group.name)
        ):
            group.total = left
            kept.append(group)
        left = {key: value - group.self[key] for key, value in left.items()}
    kept = kept[: options["max_depth"] + 1]
    if shown_only:
        everything = left = _sum(kept)
        for group in kept:
            group.total = left
            left = {key: value - group.self[key] for key, value in left.items()}
    message = protos.get("tfprof.MultiGraphNodeProto")()
    message.name = _ROOT
    message.total_parameters, message.total_float_ops = everything["params"], everything["float_ops"]
    lines, at = [], message
    for group in kept:
        texts = []
        for name, unit in (("params", "params"), ("float_ops", "float_ops")):
            if name in options["select"]:
                whole = everything[name] or 1
                part = f"({100 * group.total[name] / whole:.2f}%, {100 * group.self[name] / whole:.2f}%)"
                texts.append(f"{_number(group.self[name])} {unit} {part}".rjust(30))
        if "occurrence" in options["select"]:
            texts.append(f"0|{group.self['occurrence']}".rjust(10))
        lines.append(f"{group.name:<25}{', '.join(texts)}")
        at = at.children.add()
        at.name, at.parameters, at.float_ops = group.name, group.self["params"], group.self["float_ops"]
        at.total_parameters, at.total_float_ops = group.total["params"], group.total["float_ops"]
        for node in group.below:
            node.total = dict(node.self)
            _fill(at.graph_nodes.add(), node)
    return lines, message


def _sum(groups: list[_Node]) -> dict[str, int]:
    return {key: sum(group.self[key] for group in groups) for key in ("params", "float_ops", "occurrence")}


def _options_as_text(options: dict[str, Any]) -> str:
    def text(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(value) if isinstance(value, list) else str(value)

    shown = {"max_depth": options["max_depth"], **{name: options[name] for name in _LEAST}}
    for name in ("step", "order_by", "account_type_regexes", "start_name_regexes", "trim_name_regexes"):
        shown[name] = options[name]
    for name in ("show_name_regexes", "hide_name_regexes", "account_displayed_op_only"):
        shown[name] = options[name]
    shown["select"] = sorted(options["select"])
    output = str(options["output"])
    shown["output"] = output if ":" in output else f"{output}:"
    lines = [f"{'-' + name:<28}{text(value)}" for name, value in shown.items()]
    return "\n".join(["", "=========================Options=============================", *lines, ""])


def _give(options: dict[str, Any], doc: list[str], table: list[str]) -> None:
    """Prints a report, or writes its table to a file.

    Raises:
      ValueError: the output is none of these.
      OpError: the file cannot be written.
    """
    output = str(options["output"])
    kind, _, rest = output.partition(":")
    text = "\n".join(["", "Doc:", *doc, "", "Profile:", *table, ""])
    if kind == "stdout":
        print(_options_as_text(options))
        print("==================Model Analysis Report======================")
        print(text)
        print("======================End of Report==========================")
    elif kind == "file":
        path = rest.removeprefix("outfile=")
        with file_system.translated(path), open(path, "w", encoding="utf-8") as file:
            file.write(text)
    elif kind != "none":
        raise ValueError(f"Unknown output {output!r}: give 'stdout', 'none' or 'file:outfile=NAME'.")
