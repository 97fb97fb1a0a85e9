"""The report: a table of medians, ratios and targets, as text or Markdown, and all figures as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from harness.contest import Result
from harness.peers import DISPLAY_NAMES, peer_of
from harness.workload import Target

OWN = "tideflow"


def format_seconds(seconds: float) -> str:
    """Writes a time with three digits and its unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds < 1000 * scale else f"{seconds / scale:.0f} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def format_target(target: Target) -> str:
    """Writes a target as the table shows it: ``≤ 7 µs``, ``≤ 1.5 × PyTorch``, ``≤ 1/4 × TensorFlow``."""
    if target.of is None:
        return f"≤ {format_seconds(target.limit)}"
    factor = Fraction(target.limit).limit_denominator(100)
    times = f"1/{factor.denominator}" if factor.numerator == 1 and factor != 1 else f"{target.limit:g}"
    peer, _, variant = target.of.partition(":")
    name = " ".join(filter(None, [DISPLAY_NAMES[peer], variant, f"({target.metric})" if target.metric else ""]))
    return f"≤ {name}" if factor == 1 else f"≤ {times} × {name}"


def verdict(result: Result, metric: str) -> str:
    """Tells whether Tideflow meets the targets of a metric: ``yes``, ``no``, ``error``, ``?`` or nothing.

    ``?`` says that a peer that a target is relative to was not measured; ``no`` outweighs it.
    """
    targets = result.workload.targets.get(metric, ())
    if not targets:
        return ""
    if OWN in result.errors:
        return "error"
    medians = result.medians
    own = medians.get(OWN, {}).get(metric)
    if own is None:
        return "?"
    bounds = [target.bound(metric, medians) for target in targets]
    if any(bound is not None and own > bound for bound in bounds):
        return "no"
    return "?" if None in bounds else "yes"


def _cell(result: Result, metric: str, peer: str) -> str:
    """Writes a peer's median, those of its variants behind it in parentheses."""
    parts = []
    medians = result.medians
    for label in result.workload.labels:
        if peer_of(label) != peer:
            continue
        variant = label.partition(":")[2]
        if label in result.errors:
            text = "error"
        elif metric in medians.get(label, {}):
            text = format_seconds(medians[label][metric])
        else:
            continue
        parts.append(f"({variant} {text})" if variant else text)
    return " ".join(parts)


def _ratio(result: Result, metric: str, peer: str) -> str:
    medians = result.medians
    own, other = medians.get(OWN, {}).get(metric), medians.get(peer, {}).get(metric)
    if own is None or other is None:
        return ""
    ratio = own / other
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def rows(results: Sequence[Result], peers: Sequence[str]) -> list[list[str]]:
    """Returns the table, its header first."""
    others = [peer for peer in peers if peer != OWN]
    header = ["work", *(DISPLAY_NAMES[peer] for peer in [OWN, *others])]
    header += [f"/ {DISPLAY_NAMES[peer]}" for peer in others] + ["target", "met"]
    table = [header]
    for result in results:
        for metric in result.metrics or ("",):
            title = f"{result.workload.title}: {metric}" if metric else result.workload.title
            row = [title, *(_cell(result, metric, peer) for peer in [OWN, *others])]
            row += [_ratio(result, metric, peer) for peer in others]
            row.append("; ".join(format_target(target) for target in result.workload.targets.get(metric, ())))
            row.append(verdict(result, metric))
            table.append(row)
    return table


def markdown(table: Sequence[Sequence[str]]) -> str:
    """Writes a table as Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in table]
    lines.insert(1, "|" + "---|" * len(table[0]))
    return "\n".join(lines)


def text(table: Sequence[Sequence[str]]) -> str:
    """Writes a table in aligned columns."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def errors(results: Sequence[Result]) -> str:
    """Lists what went wrong, a line for each label and workload."""
    return "\n".join(
        f"{result.workload.name}, {label}: {message}" for result in results for label, message in result.errors.items()
    )


def as_json(results: Sequence[Result], conditions: dict[str, Any]) -> dict[str, Any]:
    """Returns all figures, in seconds, with the conditions they were measured under."""
    versions: dict[str, str] = {}
    for result in results:
        versions.update(result.versions)
    return {
        "conditions": {**conditions, "versions": versions},
        "workloads": [
            {
                "name": result.workload.name,
                "title": result.workload.title,
                "rounds": result.rounds,
                "medians": result.medians,
                "errors": result.errors,
                "targets": {
                    metric: {
                        "limits": [format_target(target) for target in targets],
                        "met": verdict(result, metric),
                    }
                    for metric, targets in result.workload.targets.items()
                },
            }
            for result in results
        ],
    }
