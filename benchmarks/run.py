"""Runs the benchmarks: the same work on Tideflow and its peers, interleaved, and prints medians and ratios.

    python benchmarks/run.py [--only NAME]... [--rounds N] [--peers tideflow,tensorflow,torch,jax]
                             [--threads N] [--json FILE] [--markdown] [--check]

See the README beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from harness import contest, report
from harness.peers import PEERS, environment
from workloads import NAMES, load_workload


def available_processors() -> list[int]:
    """Returns the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each workload (7)")
    parser.add_argument("--peers", default=",".join(PEERS), help="the peers to run, separated by commas (all)")
    parser.add_argument("--threads", type=int, help="threads and processors of every peer (all there are)")
    parser.add_argument(
        "--timeout",
        type=float,
        default=300,
        help="seconds that a peer may take to start or for a round (300)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure to a file")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--check", action="store_true", help="exit with status 1 unless every target is met")
    arguments = parser.parse_args()
    arguments.peers = tuple(dict.fromkeys(arguments.peers.split(",")))
    for peer in arguments.peers:
        if peer not in PEERS:
            parser.error(f"no peer {peer!r}; there are: {', '.join(PEERS)}")
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {arguments.rounds}")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    processors = available_processors()
    threads = arguments.threads or len(processors)
    if not 1 <= threads <= len(processors):
        raise SystemExit(f"--threads must be from 1 to the {len(processors)} available, not {threads}")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors[:threads])  # Inherited by every worker; XLA's threads follow it.

    def tell(message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    results = []
    for name in arguments.only or NAMES:
        tell(name)
        workload = load_workload(name)
        held = contest.hold(workload, arguments.peers, arguments.rounds, environment(threads), arguments.timeout, tell)
        results.append(held)

    table = report.rows(results, arguments.peers)
    print(report.markdown(table) if arguments.markdown else report.text(table))
    if failures := report.errors(results):
        print(f"\nErrors:\n{failures}")
    if arguments.json:
        conditions = {
            "threads": threads,
            "rounds": arguments.rounds,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "system": platform.system(),
        }
        arguments.json.write_text(json.dumps(report.as_json(results, conditions), indent=1) + "\n")
    unmet = [
        metric for result in results for metric in result.workload.targets if report.verdict(result, metric) != "yes"
    ]
    return 1 if arguments.check and unmet else 0


if __name__ == "__main__":
    sys.exit(main())
