"""Defines ``tf.test.Benchmark``: classes whose methods measure, and report what they measured."""

from __future__ import annotations

import json
import math
import os
import re
import sys
import timeit
from typing import Any

from tideflow._src.core import context
from tideflow._src.graph import protos
from tideflow._src.test_support.test_case import TestCase

_classes: list[type[Benchmark]] = []


class Benchmark:
    """Is the base class of benchmarks: methods whose names begin with ``benchmark`` are run by ``tf.test.main``.

    >>> import tideflow as tf
    >>> class SquareBenchmark(tf.test.Benchmark):
    ...     def benchmarkSquare(self):
    ...         self.report_benchmark(iters=1, wall_time=1e-6)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.append(cls)

    @classmethod
    def is_abstract(cls) -> bool:
        """Tells whether the class has no benchmark of its own: only ``Benchmark`` itself."""
        return cls.__mro__[0] is Benchmark

    def _get_name(self, overwrite_name: str | None = None) -> str:
        """Returns the name under which a benchmark reports: its class and the method that reports."""
        frame = sys._getframe(1)
        caller: Any = frame
        while caller is not None and not caller.f_code.co_name.startswith("benchmark"):
            caller = caller.f_back
        if caller is None and overwrite_name is None:
            raise ValueError("Unable to determine calling Benchmark class.")
        method = overwrite_name or caller.f_code.co_name
        return f"{type(self).__name__}.{method}"

    def report_benchmark(
        self,
        iters: int | None = None,
        cpu_time: float | None = None,
        wall_time: float | None = None,
        throughput: float | None = None,
        extras: dict[str, Any] | None = None,
        name: str | None = None,
        metrics: Any = None,
    ) -> None:
        """Reports a measurement: prints it and, if ``TEST_REPORT_FILE_PREFIX`` is set, writes a file below that.

        Args:
          iters: how often it ran.
          cpu_time: seconds of the processor for one run.
          wall_time: seconds for one run.
          throughput: megabytes a second.
          extras: numbers and strings by name.
          name: a name; by default the class and the method.
          metrics: a list of dicts with ``name``, ``value`` and possibly ``min_value`` and ``max_value``.
        """
        entry: dict[str, Any] = {"name": self._get_name(name)}
        numbers = {"iters": iters, "cpu_time": cpu_time, "wall_time": wall_time, "throughput": throughput}
        entry.update({key: value for key, value in numbers.items() if value is not None})
        if extras:
            for key, value in extras.items():
                if not isinstance(value, str | int | float):
                    raise TypeError(f"extras[{key!r}] must be a number or a string, but is {value!r}.")
            entry["extras"] = dict(extras)
        if metrics:
            for metric in metrics:
                if "name" not in metric:
                    raise ValueError("metric must have a name")
                if "value" not in metric:
                    raise ValueError("metric must have a value")
            entry["metrics"] = [dict(metric) for metric in metrics]
        text = json.dumps({"entry": entry}, indent=2)
        prefix = os.environ.get("TEST_REPORT_FILE_PREFIX")
        if prefix:
            path = f"{prefix}{entry['name'].replace('/', '__')}"
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
        print(text)

    def run_op_benchmark(
        self,
        sess: Any,
        op_or_tensor: Any,
        feed_dict: Any = None,
        burn_iters: int = 2,
        min_iters: int = 10,
        store_trace: bool = False,
        store_memory_usage: bool = True,
        name: str | None = None,
        extras: dict[str, Any] | None = None,
        mbs: float = 0,
    ) -> dict[str, Any]:
        """Measures how long a session takes to run an operation, and reports the median.

        Args:
          sess: the session.
          op_or_tensor: what to run.
          feed_dict: what to feed.
          burn_iters: runs before the first that counts.
          min_iters: the runs that count.
          store_trace: whether the extras hold the names of the operations that ran.
          store_memory_usage: kept for TensorFlow's signature.
          name: the name of the report.
          extras: what to report beside.
          mbs: megabytes that a run moves, for the throughput.

        Returns:
          What was reported, by name.
        """
        del store_memory_usage
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        times = []
        for _ in range(min_iters):
            start = timeit.default_timer()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            times.append(timeit.default_timer() - start)
        times.sort()
        middle = len(times) // 2
        median = math.nan
        if times:
            median = times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2
        reported = dict(extras or {})
        reported["wall_time_mean"] = sum(times) / len(times) if times else math.nan
        reported["wall_time_stdev"] = _deviation(times)
        if store_trace:
            metadata = protos.get("RunMetadata")()
            options = protos.get("RunOptions")(trace_level=protos.get("RunOptions").FULL_TRACE)
            sess.run(op_or_tensor, feed_dict=feed_dict, options=options, run_metadata=metadata)
            names = [node.node_name for device in metadata.step_stats.dev_stats for node in device.node_stats]
            reported["full_trace_operations"] = " ".join(names)
        throughput = mbs / median if times and median else 0.0
        results: dict[str, Any] = {
            "iters": min_iters,
            "wall_time": median,
            "extras": reported,
            "name": name,
            "throughput": throughput,
        }
        self.report_benchmark(**results)
        return results

    def evaluate(self, tensors: Any) -> Any:
        """Returns the values of tensors, or of a structure of them.

        Raises:
          ValueError: something that is evaluated eagerly has no value.
        """
        return TestCase().evaluate(tensors)


def _deviation(times: list[float]) -> float:
    if not times:
        return math.nan
    mean = sum(times) / len(times)
    return math.sqrt(sum((item - mean) ** 2 for item in times) / len(times))


def benchmark_config() -> Any:
    """Returns a ``ConfigProto`` for measuring: what an operation depends on is not rewritten away."""
    config = protos.get("ConfigProto")()
    rewrites = config.graph_options.rewrite_options
    rewrites.dependency_optimization = rewrites.OFF
    return config


def run_benchmarks(pattern: str) -> None:
    """Runs the benchmarks whose full names (module, class and method) match a regular expression.

    Args:
      pattern: the expression; ``all`` or nothing for every benchmark.
    """
    expression = ".*" if pattern in ("", "all") else pattern
    for kind in list(_classes):
        for attribute in sorted(dir(kind)):
            if not attribute.startswith("benchmark") or not callable(getattr(kind, attribute)):
                continue
            if re.search(expression, f"{kind.__module__}.{kind.__name__}.{attribute}"):
                if not context.executing_eagerly():
                    context.reset_default_graph()
                getattr(kind(), attribute)()
