"""Whatever Python can call is converted, once for each piece of code, and nothing that needs no conversion is."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import linecache
import logging
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.function.autograph import conversion
from tideflow._src.function.autograph.operators import convert


def magnitude(x: Any) -> Any:
    if x > 0:
        return x
    else:
        return -x


def magnitude_of_a_helper(x: Any) -> Any:
    return magnitude(x) * 2


def called_with_one_more(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args) + 1

    return wrapper


@called_with_one_more
def decorated(x: Any) -> Any:
    if x > 0:
        return x
    else:
        return -x


def with_defaults(a: Any, b: Any = 2, *rest: Any, scale: Any = 4, **named: Any) -> Any:
    if a > b:
        return a * scale + len(rest) + len(named)
    else:
        return b * scale


class Base:
    limit = 0

    def __init__(self, offset: Any = 0) -> None:
        self.__offset = offset

    def __call__(self, x: Any) -> Any:
        if x > self.limit:
            return x
        else:
            return -x

    def __private(self, x: Any) -> Any:
        return x + self.__offset if x > 0 else -x

    def calls_private(self, x: Any) -> Any:
        return self.__private(x) if x > 1 else self.__private(-x)

    @staticmethod
    def static(x: Any) -> Any:
        return x if x > 0 else -x

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return x if x > cls.limit else -x


class Derived(Base):
    def __call__(self, x: Any) -> Any:
        y = super().__call__(x)
        if y > 2:
            return super(Derived, self).__call__(-y) + 1  # noqa: UP008 (both forms are tested)
        return sum([super(Derived, self).__call__(y) for _ in "a"])


options = {"scale": 3}


@pytest.mark.parametrize("x", [-4, -1, 1, 3])
@pytest.mark.parametrize(
    "function",
    [
        magnitude, magnitude_of_a_helper, decorated, functools.partial(with_defaults, 3), Base(), Base().__call__,
        Base.static, Base.of_class, Base(5).calls_private, Derived(), lambda x: with_defaults(x, 1, 5, 6, scale=2, z=3),
        lambda x: with_defaults(*[x, 1], **options), lambda x: Base()(x) + Derived()(x),
    ],
)  # fmt: skip
def test_callables(function: Any, x: int) -> None:
    assert tf.function(function)(tf.constant(x)).numpy() == function(x)


def test_methods_of_modules() -> None:
    class Model(tf.Module):
        def __init__(self) -> None:
            self.steps = tf.Variable(0)

        @tf.function
        def __call__(self, x: Any) -> Any:
            while x < 100:
                x = self.doubled(x)
                self.steps.assign_add(1)
            return x

        @tf.function
        def doubled(self, x: Any) -> Any:
            return x * 2 if x > 0 else x + 10

    model = Model()
    assert model(tf.constant(-5)).numpy() == 160
    assert model.steps.numpy() == 6


def test_several_lambdas_of_one_line() -> None:
    @tf.function
    def program(x: Any) -> Any:
        f, g = (lambda v: v if v > 0 else -v), (lambda v: v * 2 if v > 0 else v * 3)
        return f(x), g(x), (lambda v: v * 5 if v > 0 else v)(x)

    assert [item.numpy() for item in program(tf.constant(-2))] == [2, -6, -2]
    f, g = tf.function(lambda v: v if v > 0 else -v), tf.function(lambda v: v * 2 if v > 0 else v * 3)
    assert (f(tf.constant(-2)).numpy(), g(tf.constant(-2)).numpy()) == (2, -6)


def test_closures_and_nonlocal() -> None:
    @tf.function
    def program(x: Any) -> Any:
        count = 0

        def counted(step: Any) -> Any:
            nonlocal count
            if step > 0:
                count = count + 1
            return count

        for i in tf.range(5):
            counted(i - 2)

        def outer(a: Any) -> Any:
            def inner(b: Any) -> Any:
                if b > a:
                    return b
                return a

            return inner

        return count, outer(x)(x * 2)

    assert [item.numpy() for item in program(tf.constant(3))] == [2, 6]


def test_variables_that_inner_functions_change() -> None:
    @tf.function
    def program(x: Any, count: Any) -> Any:
        def twice_counted() -> Any:
            def counted() -> Any:
                nonlocal count
                if x > 0:
                    count = count + 1

            own = 0

            def own_counted() -> Any:
                nonlocal own
                own = own + 1

            for _ in tf.range(2):
                counted()
                own_counted()
            return own

        while count < 10:
            twice_counted()
        return count, twice_counted()

    assert [item.numpy() for item in program(tf.constant(3), tf.constant(5))] == [11, 2]


_total = 0


def test_global_variables() -> None:
    def program(x: Any) -> Any:
        if x > 0:
            global _total
            _total = x + 1
        else:
            _total = x - 1
        result, _total = _total, 0
        return result

    assert tf.function(program)(tf.constant(3)).numpy() == 4
    assert _total == 0


def test_names_of_python_s_functions_may_mean_something_else() -> None:
    @tf.function
    def program(x: Any) -> Any:
        len = lambda value: 7  # noqa: E731
        range = lambda n: [1, 2]  # noqa: E731
        total = 0
        for i in range(3):
            total += i
        return len(x) + total

    assert program(tf.constant([1])).numpy() == 10


def test_recursion_of_python() -> None:
    @tf.function
    def program(n: Any) -> Any:
        def factorial(k: int) -> int:
            return 1 if k == 0 else k * factorial(k - 1)

        return n * factorial(5)

    assert program(tf.constant(2)).numpy() == 240


def test_traced_functions_may_call_each_other() -> None:
    @tf.function
    def powers(x: Any, n: int) -> Any:
        if n == 0:
            return x
        if x > 100:
            return x
        return powers(x * 2, n - 1)

    assert powers(tf.constant(3), 4).numpy() == 48
    assert powers(tf.constant(60), 4).numpy() == 120


def test_classes_and_imports_inside() -> None:
    @tf.function
    def program(x: Any) -> Any:
        import math
        from math import pi as ratio

        class Local:
            def __init__(self) -> None:
                self.__value = x

            def get(self, limit: int = 2, *, scale: int = 3) -> Any:
                if self.__value > limit:
                    return self.__value * scale
                else:
                    return limit * scale

        return Local().get() + math.floor(ratio)

    assert program(tf.constant(3)).numpy() == 12
    assert program(tf.constant(1)).numpy() == 9


def test_try_except_and_else() -> None:
    @tf.function
    def program(x: Any, fail: bool) -> Any:
        try:
            if x > 0:
                y = x
            else:
                y = -x
            if fail:
                raise ValueError("text")
        except ValueError as error:
            if x > 0:
                y = x * 10
            else:
                y = -x * 10
            text = str(error)
        else:
            text = "none"
        return y, text

    assert [item.numpy() for item in program(tf.constant(-3), True)] == [30, b"text"]
    assert [item.numpy() for item in program(tf.constant(-3), False)] == [3, b"none"]


def test_generators_run_as_they_are() -> None:
    def multiples(x: Any, count: int) -> Iterator[Any]:
        for i in range(count):
            if i == 0:
                continue
            yield x * i

    @tf.function
    def program(x: Any) -> Any:
        total = 0
        for item in multiples(x, 4):
            if item > 3:
                total += item
        return total

    assert convert(multiples) is multiples
    assert program(tf.constant(3)).numpy() == 15


def test_coroutines_run_as_they_are() -> None:
    async def answer() -> int:
        return 42 if options else 0

    assert convert(answer) is answer
    assert tf.function(lambda x: x + asyncio.run(answer()))(tf.constant(1)).numpy() == 43


def test_do_not_convert() -> None:
    @tf.autograph.experimental.do_not_convert
    def unconverted(x: Any) -> Any:
        return x if x > 0 else -x

    @tf.autograph.experimental.do_not_convert()
    def harmless(x: Any) -> Any:
        return x * 2 if isinstance(x, tf.Tensor) else x

    assert unconverted.__name__ == "unconverted"
    assert tf.function(harmless)(tf.constant(3)).numpy() == 6
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(lambda x: unconverted(x))(tf.constant(1))
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(magnitude, autograph=False)(tf.constant(1))


def test_libraries_run_as_they_are() -> None:
    for function in (json.loads, functools.reduce, subprocess.run, tf.matmul, tf.reduce_sum, pytest.approx):
        assert convert(function) is function or function is pytest.approx
    assert conversion.is_of_library(json.loads)
    assert conversion.is_of_library(tf.matmul)
    assert not conversion.is_of_library(magnitude)


def test_a_function_of_a_library_is_converted_where_a_program_asks_for_it() -> None:
    def first_of_library(dataset: Any) -> Any:
        for x in dataset:
            if x > 2:
                return x
        return tf.constant(-1, tf.int64)

    first_of_library.__module__ = "keras.src.something"
    assert convert(first_of_library) is first_of_library
    assert tf.function(first_of_library)(tf.data.Dataset.range(9)).numpy() == 3
    assert tf.autograph.to_graph(first_of_library)(tf.data.Dataset.range(2)).numpy() == -1

    def own(x: Any) -> Any:
        return x if x > 0 else -x

    own.__module__ = "tideflow.own"
    assert convert(own, is_requested=True) is own


def test_a_function_that_only_computes_is_not_rewritten() -> None:
    def product(x: Any) -> Any:
        return x * x

    assert convert(product) is product


def test_what_is_kept_with_a_function_is_neither_copied_nor_pickled() -> None:
    @called_with_one_more
    def program(x: Any) -> Any:
        return x if x > 0 else -x

    inner = program.__wrapped__
    assert convert(inner)(-3) == 3
    again = functools.wraps(inner)(lambda x: x * 100 if x > 0 else x)
    assert convert(again)(3) == 300
    assert pickle.loads(pickle.dumps(inner.__dict__)) == {"_autograph_conversion": None}


# Source.


def defined(source: str, file: str) -> Any:
    """Returns the function that a cell of a notebook defines: its source is in the cache of lines only."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"tf": tf}
    exec(compile(source, file, "exec"), names)
    return names["program"]


def test_the_source_of_a_cell() -> None:
    source = "x = 1\n\ndef program(x):\n    if x > 0:\n        return x\n    else:\n        return -x\n"
    assert tf.function(defined(source, "<cell 1>"))(tf.constant(-3)).numpy() == 3


def test_a_function_without_source_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    names: dict[str, Any] = {"__name__": "typed_in"}
    exec("def hidden(x, flag):\n    return x if flag else -x\n", names)
    hidden = names["hidden"]
    with caplog.at_level(logging.WARNING):
        program = tf.function(lambda x: hidden(x, True) + hidden(x, False))
        assert program(tf.constant(3)).numpy() == 0
        assert tf.function(hidden)(tf.constant(3), True).numpy() == 3
    warnings = [record.getMessage() for record in caplog.records if "AutoGraph" in record.getMessage()]
    assert len(warnings) == 1
    assert "typed_in.hidden" in warnings[0]
    assert "run it as-is" in warnings[0]


def test_a_file_that_has_changed_is_not_mistaken_for_the_function(caplog: pytest.LogCaptureFixture) -> None:
    program = defined("def program(x, y):\n    return x if y is None else y\n", "<cell that changes>")
    linecache.cache["<cell that changes>"] = (1, None, ["def other(a):\n", "    return -a\n"], "<cell that changes>")
    assert tf.function(lambda x: program(x, None))(tf.constant(3)).numpy() == 3
    assert "does not define" in caplog.text


# What is kept.


def test_threads_may_convert_one_function_at_once() -> None:
    def program(x: Any) -> Any:
        for i in tf.range(3):
            if x > 5:
                x -= i
            else:
                x += 2 * i
        return x

    start, results, failures = threading.Barrier(8), [], []

    def run() -> None:
        try:
            start.wait()
            results.append(int(tf.function(program)(tf.constant(4))))
        except Exception as error:  # told in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert results == [4] * 8


def test_closures_of_one_definition_share_its_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    original = conversion._compiled
    monkeypatch.setattr(conversion, "_compiled", lambda function: compiled.append(function) or original(function))

    def scaled(factor: int) -> Any:
        def apply(x: Any) -> Any:
            if x > 0:
                return x * factor
            return x

        return apply

    results = [int(convert(scaled(factor))(3)) for factor in range(5)]
    assert results == [0, 3, 6, 9, 12]
    assert len(compiled) == 1


def test_conversions_end_with_their_functions() -> None:
    source = "def program(x):\n    if x > 0:\n        return x\n    return -x\n"
    file = "<cell that is run often>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    gc.collect()
    before = len(conversion._codes._items)
    converted = None
    for number in range(2000):
        names: dict[str, Any] = {}
        exec(compile(source, file, "exec"), names)
        converted = weakref.ref(convert(names["program"]))
        if number == 0:
            assert converted()(-3) == 3
    del names
    gc.collect()
    assert converted is not None
    assert converted() is None
    assert len(conversion._codes._items) <= before + 1


def test_new_defaults_and_new_code_are_seen() -> None:
    def program(x: Any, y: Any = 1) -> Any:
        if x > 0:
            return x + y
        return y

    def other(x: Any, y: Any = 1) -> Any:
        if x > 0:
            return x * y
        return y

    assert convert(program)(3) == 4
    program.__defaults__ = (5,)
    assert convert(program)(3) == 8
    program.__code__ = other.__code__
    assert convert(program)(3) == 15


def test_calls_that_can_meet_no_tensor_run_the_function_itself() -> None:
    names: dict[str, Any] = {"seen": []}
    source = (
        "def program(n):\n    total = 0\n    for i in range(n):\n        if i % 2 == 1:\n            total += i\n"
        "    return total\n"
    )
    file = "<plain program>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)
    converted = convert(names["program"])
    assert converted(5) == 4
    assert tf.function(names["program"])(tf.constant(5)).numpy() == 4
    names["range"] = lambda n: [tf.constant(7)]  # a name that has come to mean what can give tensors
    assert converted(5).numpy() == 7


def test_importing_the_package_loads_nothing_of_the_conversion() -> None:
    script = (
        "import sys, tideflow as tf\n"
        "f = tf.function(lambda x: x)\n"
        "assert not [name for name in sys.modules if name.startswith('tideflow._src.function.autograph.')], 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
