"""Tells what a traced function was traced for and why, how its programs run, and what that took."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tideflow._src.function.concrete_function import ConcreteFunction


class ExplainedTrace:
    """Is one trace of a function.

    Attributes:
      signature: the types of its arguments, and of what it returns.
      cause: what made it: the first call, or which argument changed, from what to what.
      trace_seconds: how long the Python ran.
      operations: how many operations its graph has.
      calls: how often it ran at once; calls in graphs are none of those.
      captured_bytes: what the tensors and variables take that it captures.
      programs: what is known of its programs: one for each choice of variables among the arguments.
    """

    def __init__(self, concrete: ConcreteFunction) -> None:
        self.signature = concrete.pretty_printed_signature(verbose=False)
        self.cause = concrete.cause
        self.trace_seconds = concrete.trace_seconds
        self.operations = len(concrete.graph.get_operations())
        programs = concrete.call.programs()
        self.calls = sum(program.calls for program in programs)
        self.captured_bytes = sum(map(_bytes_of, concrete.captured_inputs))
        self.programs = [program.explain() for program in programs]

    def lines(self) -> list[tuple[str, str]]:
        """Returns what is known as pairs of a label and a text."""
        found = [
            ("signature", self.signature),
            ("traced because", self.cause),
            ("tracing", f"{self.trace_seconds * 1e3:.1f} ms, {self.operations} operations"),
            ("calls", str(self.calls)),
            ("captures", f"{self.captured_bytes} bytes"),
        ]
        for program in self.programs:
            found += _lines_of(program)
        if not self.programs:
            found.append(("program", "none yet: it was not called"))
        return found


def _bytes_of(tensor: Any) -> int:
    value = getattr(tensor, "_value", None)
    resource = getattr(value, "resource", None)
    return int(getattr(value if resource is None else resource, "nbytes", 0))


def _lines_of(program: dict[str, Any]) -> list[tuple[str, str]]:
    found = [("tier", f"{program['tier']}: {program['why']}")]
    for number, stage in enumerate(program["stages"]):
        found.append((f"stage {number}", _stage_text(stage)))
    for signature in program["signatures"]:
        shapes = ", ".join(map(str, signature["shapes"])) or "no arguments"
        left = signature["runs_left"]
        when = "never compiled" if left == math.inf else f"compiled after {max(int(left), 0)} more runs"
        found.append(
            (
                "costs",
                f"{shapes}: {signature['interpreted'] * 1e6:.1f} µs interpreted, {signature['compiled'] * 1e6:.1f} µs "
                f"compiled, {signature['compiling'] * 1e3:.0f} ms to compile (estimated); {when}",
            )
        )
    return found


def _stage_text(stage: dict[str, Any]) -> str:
    kinds = Counter(kind for kind in stage["operations"] if kind not in ("Placeholder", "NoOp"))
    shown = ", ".join(f"{kind} × {count}" if count > 1 else kind for kind, count in kinds.most_common(8))
    if len(kinds) > 8:
        shown += f" and {len(kinds) - 8} more kinds"
    where = "XLA can run" if stage["compiled"] else "the host runs"
    packed = stage.get("packed_variables")
    shown += f"; {packed} variables in packs" if packed else ""
    shown += "; in one thread" if stage.get("undivided") else ""
    return f"{where} {shown}{' (' + stage['why'] + ')' if stage['why'] else ''}"


class Explanation:
    """Is what is known of a traced function; ``print`` shows it as a table, and so do notebooks.

    Attributes:
      name: the function's name.
      tracing_count: how often its Python was traced.
      traces: the traces that are kept, oldest first.
    """

    def __init__(self, name: str, tracing_count: int, traces: Sequence[ExplainedTrace]) -> None:
        self.name = name
        self.tracing_count = tracing_count
        self.traces = list(traces)

    def __str__(self) -> str:
        blocks = [f"tf.function {self.name}: traced {self.tracing_count} times, {len(self.traces)} traces kept"]
        for number, trace in enumerate(self.traces, 1):
            lines = trace.lines()
            width = max(len(label) for label, _ in lines)
            blocks.append(f"trace {number}")
            blocks += [f"  {label:<{width}}  {text}" for label, text in lines]
        return "\n".join(blocks)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        title = f"<b>tf.function {html.escape(self.name)}</b>: traced {self.tracing_count} times"
        tables = []
        for number, trace in enumerate(self.traces, 1):
            rows = "".join(
                f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
                f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
                for label, text in trace.lines()
            )
            tables.append(f"<table><caption>trace {number}</caption>{rows}</table>")
        return title + "".join(tables)


def explain(function: Any) -> Explanation:
    """Returns what is known of a traced function."""
    traces = [ExplainedTrace(concrete) for concrete in function._traces.concrete_functions()]
    return Explanation(function.name, function.experimental_get_tracing_count(), traces)
