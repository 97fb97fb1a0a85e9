"""``tf.function``: what a call is traced for, and what it returns. Numbers and counts are TensorFlow's."""

from __future__ import annotations

import collections
import copy
import functools
import gc
import inspect
import threading
import weakref

import numpy as np
import pytest

import tideflow as tf


def counts(*calls, **options):
    """Returns how often a function was traced after each of some calls."""

    @tf.function(**options)
    def f(*args, **kwargs):
        return tf.constant(1)

    found = []
    for call in calls:
        if callable(call):
            call(f)
        else:
            f(*call)
        found.append(f.experimental_get_tracing_count())
    return found


class Plain:
    pass


class Equal:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

    def __hash__(self):
        return hash(self.value)


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.filterwarnings("ignore")
class TestSignatures:
    def test_python_values_count_by_equality(self):
        assert counts((1,), (1,), (2,), ("a",), (b"a",), (None,), (1,)) == [1, 1, 2, 3, 4, 5, 5]
        assert counts((float("nan"),), (float("nan"),)) == [1, 1]

    @pytest.mark.parametrize("structure", [lambda value: value, lambda value: {"a": [value]}])
    def test_equal_numbers_that_mean_something_else_are_told_apart(self, structure):
        """TensorFlow gives for all of them what it has traced for the first."""

        @tf.function
        def f(values):
            (value,) = tf.nest.flatten(values)
            return tf.constant(value), 1.0 / tf.constant(value, tf.float32)

        values = [True, 1, 1.0, 0.0, -0.0, 0, False, float("nan")]
        for value in values * 2:
            made, inverse = f(structure(value))
            assert made.dtype == tf.constant(value).dtype
            np.testing.assert_array_equal(inverse, np.float32(1) / np.float32(value), strict=False)
        assert f.experimental_get_tracing_count() == len(values)

    def test_arrays_and_their_scalars_count_as_tensors(self):
        assert counts((np.float32(1),), (np.float32(2),), (np.float64(2),), (tf.constant(3.0),), (np.int32(3),)) == [
            1, 1, 2, 2, 3,
        ]  # fmt: skip
        zeros, ones = np.zeros(2, np.float32), np.ones(2, np.float32)
        assert counts((zeros,), (ones,), (tf.zeros(2),), (np.zeros(3, np.float32),)) == [1, 1, 1, 2]

    @pytest.mark.parametrize("structure", [lambda value: value, lambda value: [value]])
    def test_an_input_signature_gives_arrays_its_dtype_at_every_call(self, structure):
        f = tf.function(lambda x: x, input_signature=[structure(tf.TensorSpec(None, tf.float32))])
        found = [tf.nest.flatten(f(structure(np.array([1.0, 2.0]))))[0].dtype for _ in range(3)]
        assert found == [tf.float32] * 3

    def test_structures_count_by_what_is_in_them(self):
        x = tf.zeros(2)
        calls = [([x],), ([x],), ((x,),), ([1, 2],), ([1, 2],), ({"a": 1},), ({"a": 1},)]
        assert counts(*calls) == [1, 1, 2, 3, 3, 4, 4]
        pairs = [(Pair(x, 1),), (Pair(x, 1),), (Pair(x, 2),), ((x, 2),)]
        assert counts(*pairs) == [1, 1, 2, 3]

    def test_objects_count_by_identity_or_their_own_equality(self):
        one, two = Plain(), Plain()
        assert counts((one,), (one,), (two,), (two,)) == [1, 1, 2, 2]
        first, same, other = Equal(1), Equal(1), Equal(2)
        assert counts((first,), (same,), (other,)) == [1, 1, 2]
        assert counts((len,), (len,), (abs,)) == [1, 1, 2]

    def test_what_cannot_be_hashed_is_refused(self):
        with pytest.raises(TypeError, match="Could not generate a generic TraceType"):
            counts(({1, 2},))

    def test_variables_count_by_dtype_and_shape_and_which_is_which(self):
        a, b, c = tf.Variable(1.0), tf.Variable(2.0), tf.Variable([1.0])
        assert counts((a,), (b,), (c,), (a, a), (a, b), (b, a)) == [1, 1, 2, 3, 4, 4]

    def test_dtypes_and_shapes_count_as_values(self):
        assert counts((tf.float32,), (tf.float32,), (tf.int32,)) == [1, 1, 2]
        assert counts((tf.TensorShape([1]),), (tf.TensorShape([1]),), (tf.TensorShape([None]),)) == [1, 1, 2]

    def test_keywords_may_come_in_any_order(self):
        assert counts(lambda f: f(a=1, b=2), lambda f: f(b=2, a=1), lambda f: f(1, b=2)) == [1, 1, 2]

    def test_a_second_shape_gives_unknown_sizes_if_asked(self):
        shapes = [(tf.zeros(2),), (tf.zeros(3),), (tf.zeros(4),), (tf.zeros([2, 2]),), (tf.zeros([2, 3]),)]
        assert counts(*shapes) == [1, 2, 3, 4, 5]

    def test_reduce_retracing(self):
        shapes = [(tf.zeros(2),), (tf.zeros(3),), (tf.zeros(4),), (tf.zeros([2, 2]),), (tf.zeros([2, 3]),)]
        assert counts(*shapes, reduce_retracing=True) == [1, 2, 2, 3, 3]
        mixed = [(tf.zeros(2), 1), (tf.zeros(3), 2), (tf.zeros(4), 2), (tf.zeros(5), 1)]
        assert counts(*mixed, reduce_retracing=True) == [1, 2, 3, 4]

    def test_reduce_retracing_on_methods(self):
        class Model:
            @tf.function(reduce_retracing=True)
            def call(self, x):
                return x + 1.0

        model = Model()
        for size in (2, 3, 4, 5):
            assert model.call(tf.zeros(size)).shape == [size]
        assert model.call.experimental_get_tracing_count() == 2

    def test_a_concrete_function_of_unknown_size_is_used_again(self):
        made = counts(
            lambda f: f.get_concrete_function(tf.TensorSpec([None])), (tf.zeros(2),), (tf.zeros(3),),
        )  # fmt: skip
        assert made == [1, 1, 1]

    def test_the_most_specific_trace_that_fits_is_used(self):
        @tf.function
        def f(x):
            return tf.constant(-1 if x.shape[0] is None else x.shape[0])

        f.get_concrete_function(tf.TensorSpec([3]))
        f.get_concrete_function(tf.TensorSpec([None]))
        assert int(f(tf.zeros(3))) == 3
        assert int(f(tf.zeros(2))) == -1

    def test_sparse_tensors(self):
        calls = [([[1.0, 0.0]],), ([[1.0, 3.0]],), ([[1.0, 3.0, 4.0]],)]
        assert counts(*[(tf.sparse.from_dense(call[0]),) for call in calls]) == [1, 1, 2]

    def test_partial_functions_and_callables(self):
        def scaled(x, factor, offset=1.0):
            return x * factor + offset

        assert float(tf.function(functools.partial(scaled, factor=3.0))(tf.constant(2.0))) == 7.0

        class Callable:
            @tf.function
            def __call__(self, x):
                return x + 1.0

        assert float(Callable()(tf.constant(1.0))) == 2.0

        class Plus:
            def __call__(self, x):
                return x + 5.0

        assert float(tf.function(Plus())(tf.constant(1.0))) == 6.0


class TestCalls:
    def test_python_runs_while_tracing_only(self):
        seen = []

        @tf.function
        def f(x):
            seen.append(x)
            return x + 1.0

        assert [float(f(tf.constant(float(n)))) for n in range(4)] == [1.0, 2.0, 3.0, 4.0]
        assert len(seen) == 1

    def test_defaults_keywords_and_variable_arguments(self):
        @tf.function
        def f(x, y=3, *args, z=None, **kwargs):
            total = x + y
            for item in args:
                total += item
            for key in sorted(kwargs):
                total += kwargs[key]
            return total if z is None else total * z

        assert int(f(tf.constant(1))) == 4
        assert int(f(tf.constant(1), 2, 3, 4)) == 10
        assert int(f(tf.constant(1), z=2, w=tf.constant(5))) == 18
        assert int(f(y=tf.constant(1), x=tf.constant(1))) == 2

    def test_results_keep_their_structure(self):
        @tf.function
        def f(x):
            return {"a": [x, None, 1, "s", np.zeros(2)], "b": (x,), "c": Pair(x, x + 1)}

        result = f(tf.constant(1.0))
        assert list(result) == ["a", "b", "c"]
        assert result["a"][1] is None
        assert [item.dtype.name for item in result["a"] if item is not None] == [
            "float32",
            "int32",
            "string",
            "float64",
        ]
        assert isinstance(result["b"], tuple)
        assert isinstance(result["c"], Pair) and float(result["c"].b) == 2.0
        assert tf.function(lambda: None)() is None

    def test_slices_sparse_tensors_and_arrays_are_results(self):
        @tf.function
        def f(x):
            array = tf.TensorArray(tf.float32, 2).write(0, x).write(1, x + 1.0)
            return tf.IndexedSlices(x[None], tf.constant([2])), tf.sparse.from_dense([[0.0, 4.0]]), array

        slices, sparse, array = f(tf.constant(3.0))
        assert slices.values.numpy().tolist() == [3.0] and slices.indices.numpy().tolist() == [2]
        assert sparse.values.numpy().tolist() == [4.0] and sparse.indices.numpy().tolist() == [[0, 1]]
        assert array.stack().numpy().tolist() == [3.0, 4.0]

    def test_variables_are_returned_as_their_values(self):
        v = tf.Variable(1.0)

        @tf.function
        def f():
            return v, v.assign_add(1.0)

        before, after = f()
        assert isinstance(before, tf.Tensor) and float(before) == 2.0 and float(after) == 2.0
        v.assign(7.0)
        assert float(after) == 2.0

    @pytest.mark.parametrize("result", [object(), [len], tf.no_op])
    def test_other_results_are_refused(self, result):
        with pytest.raises(TypeError, match="must return zero or more Tensors"):
            tf.function(lambda: result() if callable(result) else result)()

    def test_what_passes_through_is_not_the_callers_array(self):
        f = tf.function(lambda x: x)
        array = np.ones(3, np.float32)
        result = f(array)
        array[0] = 9.0
        assert result.numpy().tolist() == [1.0, 1.0, 1.0]
        v = tf.Variable([1.0, 2.0])
        read = tf.function(lambda: v.read_value())()
        v.assign_add([1.0, 1.0])
        v[0].assign(100.0)
        assert read.numpy().tolist() == [1.0, 2.0]

    def test_functions_call_functions(self):
        @tf.function
        def inner(x):
            return x * 2.0

        @tf.function
        def outer(x):
            return inner(x) + inner(x + 1.0)

        assert float(outer(tf.constant(3.0))) == 14.0
        assert [op.type for op in outer.get_concrete_function(tf.TensorSpec([])).graph.get_operations()].count(
            "PartitionedCall"
        ) == 2

    def test_recursion(self):
        @tf.function
        def power(x, n):
            return x if n == 0 else power(x, n - 1) * 2.0

        assert float(power(tf.constant(1.0), 3)) == 8.0

    def test_recursion_through_branches(self):
        @tf.function
        def fibonacci(n, depth):
            if depth == 0:
                return n
            return tf.cond(n <= 1, lambda: n, lambda: fibonacci(n - 1, depth - 1) + fibonacci(n - 2, depth - 1))

        assert int(fibonacci(tf.constant(6), 8)) == 8

    def test_recursion_without_end(self):
        @tf.function
        def factorial(n):
            return tf.cond(n <= 1, lambda: tf.constant(1), lambda: n * factorial(n - 1))

        for _ in range(2):
            with pytest.raises(RecursionError, match="'factorial' calls itself with the same signature"):
                factorial(tf.constant(5))

    def test_an_exception_while_tracing_leaves_the_function_callable(self):
        fail = [True]

        @tf.function
        def f(x):
            if fail[0]:
                raise RuntimeError("not yet")
            return x + 1.0

        for _ in range(2):
            with pytest.raises(RuntimeError, match="not yet"):
                f(tf.constant(1.0))
        fail[0] = False
        assert float(f(tf.constant(1.0))) == 2.0
        assert tf.executing_eagerly()

    def test_an_interrupt_while_tracing_leaves_the_function_callable(self):
        stop = [True]

        @tf.function
        def f(x):
            if stop[0]:
                raise KeyboardInterrupt
            return x + 1.0

        with pytest.raises(KeyboardInterrupt):
            f(tf.constant(1.0))
        stop[0] = False
        assert float(f(tf.constant(1.0))) == 2.0

    def test_run_eagerly(self):
        seen = []

        @tf.function
        def f(x):
            seen.append(type(x))
            return [x, "s"]

        tf.config.run_functions_eagerly(True)
        try:
            assert tf.config.functions_run_eagerly()
            assert f(1) == [1, "s"]
            assert f(1) == [1, "s"]
        finally:
            tf.config.run_functions_eagerly(False)
        assert seen == [int, int]
        assert isinstance(f(1)[1], tf.Tensor)

    def test_decorator_forms_and_names(self):
        @tf.function()
        def one(x):
            """Says what it does."""
            return x

        @tf.function
        def two(x):
            return x

        assert one.name == one.__name__ == "one" and one.__doc__ == "Says what it does."
        assert two.python_function(3) == 3
        assert one.input_signature is None
        assert tf.function(lambda x: x).name == "<lambda>"
        with pytest.raises(TypeError, match="callable"):
            tf.function(3)

    def test_copies_have_traces_of_their_own(self):
        @tf.function
        def f(x):
            return x

        f(1)
        other = copy.deepcopy(f)
        assert other.experimental_get_tracing_count() == 0
        other(2)
        assert (f.experimental_get_tracing_count(), other.experimental_get_tracing_count()) == (1, 1)


class TestMethods:
    def test_each_object_has_traces_of_its_own(self):
        class Model:
            def __init__(self, factor):
                self.factor = factor

            @tf.function
            def scale(self, x):
                return x * self.factor

        two, three = Model(2.0), Model(3.0)
        assert float(two.scale(tf.constant(1.0))) == 2.0
        assert float(three.scale(tf.constant(1.0))) == 3.0
        assert two.scale == two.scale != three.scale
        assert two.scale.experimental_get_tracing_count() == 1
        assert Model.scale.experimental_get_tracing_count() == 0

    def test_objects_that_compare_equal_are_kept_apart(self):
        class Same:
            def __init__(self, factor):
                self.factor = factor

            def __eq__(self, other):
                return True

            @tf.function
            def scale(self, x):
                return x * self.factor

        two, three = Same(2.0), Same(3.0)
        assert [float(item.scale(tf.constant(1.0))) for item in (two, three)] == [2.0, 3.0]

    def test_a_function_does_not_keep_its_object(self):
        class Model:
            @tf.function
            def call(self, x):
                return x + 1.0

        model = Model()
        model.call(tf.constant(1.0))
        gone = weakref.ref(model)
        del model
        gc.collect()
        assert gone() is None

    def test_a_method_keeps_its_object(self):
        class Model:
            def __init__(self, factor):
                self.factor = factor

            def scaled(self, x):
                return x * self.factor

            @tf.function
            def call(self, x):
                return self.scaled(x) + 1.0

        class Twice(Model):
            @tf.function
            def call(self, x):
                return 2.0 * super().call(x)

        x = tf.constant(1.0)
        assert float(Model(2.0).call(x)) == 3.0
        assert float(Twice(2.0).call(x)) == 6.0
        assert float(Model(2.0).call.get_concrete_function(x)(x)) == 3.0
        assert tf.map_fn(Model(3.0).call, tf.constant([1.0, 2.0])).numpy().tolist() == [4.0, 7.0]
        held, wrapped = Model(2.0).call, tf.function(Model(4.0).scaled)
        assert float(held(x)) == 3.0
        assert float(wrapped(x)) == 4.0
        gone = weakref.ref(held.python_function.__self__)
        assert gone() is not None
        del held
        gc.collect()
        assert gone() is None

    def test_a_method_that_is_taken_anew_is_the_same(self):
        class Model:
            @tf.function
            def call(self, x):
                return x + 1.0

        model = Model()
        model.call(tf.constant(1.0))
        assert model.call == model.call
        assert model.call != Model().call
        assert {model.call: 1}[model.call] == 1
        assert model.call.experimental_get_tracing_count() == 1
        call = model.call
        call(tf.constant(2.0))
        assert call.experimental_get_tracing_count() == 1

    def test_a_bound_method_can_be_wrapped(self):
        class Model:
            def call(self, x):
                return x + 1.0

        model = Model()
        f = tf.function(model.call)
        assert float(f(tf.constant(1.0))) == 2.0


class TestLifetime:
    def test_dropping_a_function_frees_its_traces(self):
        f = tf.function(lambda x: x * 2.0)
        f(tf.constant(1.0))
        graph = weakref.ref(f.get_concrete_function(tf.constant(1.0)).graph)
        del f
        gc.collect()
        assert graph() is None

    def test_traces_for_an_object_go_with_it(self):
        @tf.function
        def f(thing):
            return tf.constant(1)

        thing = Plain()
        f(thing)
        assert len(f._traces.traces) == 1
        del thing
        gc.collect()
        assert len(f._traces.traces) == 0

    def test_the_graph_of_an_outer_function_is_not_kept_by_an_inner_one(self):
        @tf.function
        def inner(x):
            return x + 1.0

        outer = tf.function(lambda x: inner(x))
        outer(tf.constant(1.0))
        graph = weakref.ref(outer.get_concrete_function(tf.constant(1.0)).graph)
        del outer
        gc.collect()
        assert graph() is None


class TestThreads:
    def test_twenty_threads_trace_each_signature_once(self):
        traced = []
        ready = threading.Barrier(20, timeout=600)

        @tf.function
        def f(x, n):
            traced.append((tuple(x.shape), n))
            return tf.reduce_sum(x) * n

        results = [None] * 20

        def work(index):
            ready.wait()
            size = index % 4 + 1
            results[index] = [float(f(tf.ones(size), float(n))) for n in range(3)]

        threads = [threading.Thread(target=work, args=(index,)) for index in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(600)
        assert results == [[float((i % 4 + 1) * n) for n in range(3)] for i in range(20)]
        assert len(traced) == len(set(traced)) == 12
        assert f.experimental_get_tracing_count() == 12

    def test_a_run_does_not_block_another_trace(self):
        inside, leave = threading.Event(), threading.Event()

        def wait():
            inside.set()
            assert leave.wait(600)
            return np.float32(1.0)

        @tf.function
        def f(x):
            return x + tf.py_function(wait, [], tf.float32)

        @tf.function
        def g(x, block):
            return f(x) if block else x + 10.0

        found = []
        thread = threading.Thread(target=lambda: found.append(float(g(tf.constant(1.0), True))))
        thread.start()
        try:
            assert inside.wait(600)
            assert float(g(tf.constant(1.0), False)) == 11.0
        finally:
            leave.set()
            thread.join(600)
        assert found == [2.0]


class TestInputSignature:
    def test_calls_are_held_to_it(self):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)])
        def f(x, y):
            return x * tf.cast(y, tf.float32)

        assert f(tf.constant([1.0]), 2).numpy().tolist() == [2.0]
        assert f([1.0, 2.0], y=tf.constant(3)).numpy().tolist() == [3.0, 6.0]
        assert f.experimental_get_tracing_count() == 1
        for bad in ((tf.constant(1.0), 1), (tf.constant([1.0]),), (tf.constant([1.0]), 1.5), ({"a": 1.0}, 1)):
            with pytest.raises(TypeError, match=r"Binding inputs to tf.function failed due to .* for signature: \(x: "):
                f(*bad)
        assert f.get_concrete_function().structured_input_signature == (
            (tf.TensorSpec([None], tf.float32, "x"), tf.TensorSpec([], tf.int32, "y")), {},
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("function", "signature", "message"),
        [
            (lambda x: x, tf.TensorSpec([]), "must be either a tuple or a list"),
            (lambda x: x, [1], "must be a possibly nested sequence of TensorSpec"),
            (lambda x, y: x, [tf.TensorSpec([])], "input_signature missing type constraint for y"),
            (lambda x: x, [tf.TensorSpec([])] * 2, "input_signature contains 1 extra type constraints"),
            (lambda *, x: x, [tf.TensorSpec([])], "keyword-only parameter `x` must have a default value"),
        ],
    )
    def test_one_that_does_not_fit_the_function(self, function, signature, message):
        with pytest.raises(TypeError, match=message):
            tf.function(function, input_signature=signature)

    def test_variable_arguments_and_structures(self):
        f = tf.function(lambda *x: x[0] + x[1], input_signature=[tf.TensorSpec([])] * 2)
        assert float(f(1.0, 2.0)) == 3.0
        g = tf.function(lambda d: d["a"] + d["b"], input_signature=[{"a": tf.TensorSpec([]), "b": tf.TensorSpec([])}])
        assert float(g({"a": 1.0, "b": 2.0})) == 3.0


class TestBindingErrors:
    def test_they_have_arguments_and_signature(self):
        @tf.function
        def f(x, y=3, *, z=None):
            return x + y

        with pytest.raises(TypeError, match=r"missing a required argument: 'x'`\. Received args: "):
            f()
        with pytest.raises(TypeError, match="too many positional arguments"):
            f(1, 2, 3)
        with pytest.raises(TypeError, match="unexpected keyword argument 'w'") as caught:
            f(1, w=3)
        assert "(x, y=<captured_default_value>, *, z=<captured_default_value>)" in str(caught.value)


class TestShortWay:
    """Calls that were seen before skip binding: they must do the same."""

    def test_arguments_by_name_in_any_order(self):
        @tf.function
        def f(x, y, *more, scale=1.0, **named):
            return (x - y) * scale + sum(more) + named.get("b", 0.0) * 10.0 - named.get("a", 0.0)

        one, two, three = tf.constant(1.0), tf.constant(2.0), tf.constant(3.0)
        for _ in range(3):
            assert float(f(one, two)) == -1.0
            assert float(f(y=one, x=two)) == 1.0
            assert float(f(x=one, y=two)) == -1.0
            assert float(f(one, y=one)) == 0.0
            assert float(f(two, one, three, two)) == 6.0
            assert float(f(two, one, b=three, a=two)) == 29.0
            assert float(f(two, one, a=two, b=three)) == 29.0
            assert float(f(two, one, scale=3.0)) == 3.0
            assert float(f(two, one, scale=4.0)) == 4.0

    def test_the_same_tensor_twice_and_then_two(self):
        @tf.function
        def f(x, y):
            return x - y

        one, two = tf.constant(1.0), tf.constant(2.0)
        assert [float(f(one, one)), float(f(one, one)), float(f(one, two)), float(f(y=one, x=two))] == [0, 0, -1, 1]

    def test_arrays_are_copied(self):
        kept = tf.Variable(tf.zeros(3))

        @tf.function
        def f(x):
            kept.assign(x)
            return x

        array = np.ones(3, np.float32)
        for turn in range(3):
            array[:] = turn
            result = f(array)
            array[:] = 9.0
            assert result.numpy().tolist() == kept.numpy().tolist() == [float(turn)] * 3
        assert f.experimental_get_tracing_count() == 1

    def test_kinds_of_arrays_and_numbers_are_told_apart(self):
        @tf.function
        def f(x):
            return x + x

        for _ in range(2):
            assert f(np.ones(2)).dtype is tf.float64
            assert f(np.ones(2, np.float32)).dtype is tf.float32
            assert f(np.ones(2, ">f4")).dtype is tf.float32
            assert f(np.array(["a", "b"])).numpy().tolist() == [b"aa", b"bb"]
            assert f(tf.constant([1, 2])).dtype is tf.int32
            assert f(True).numpy().tolist() == f(1).numpy().tolist()

    def test_under_a_tape_and_in_a_graph_the_long_way_is_taken(self):
        f = tf.function(lambda x: x * x)
        x = tf.constant(3.0)
        assert float(f(x)) == float(f(x)) == 9.0
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert float(tape.gradient(y, x)) == 6.0
        with tf.Graph().as_default():
            assert tf.is_symbolic_tensor(f(tf.constant(3.0)))
        assert float(f(x)) == 9.0


def test_methods_with_an_input_signature():
    class Scaled(tf.Module):
        def __init__(self):
            super().__init__()
            self.a = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def call(self, x):
            return self.a * x

    scaled = Scaled()
    assert float(scaled.call(3.0)) == float(scaled.call(x=tf.constant(3.0))) == 6.0
    assert float(scaled.call.get_concrete_function()(tf.constant(4.0))) == 8.0
    assert scaled.call.experimental_get_tracing_count() == 1


class TestProtocol:
    """Classes of users may say what functions are traced for, and may be structures."""

    def test_a_class_with_a_type_of_its_own(self):
        class Setting:
            def __init__(self, value):
                self.value = value

            def __tf_tracing_type__(self, context):
                return SettingType(self.value)

        class SettingType(tf.types.experimental.TraceType):
            def __init__(self, value):
                self.value = value

            def is_subtype_of(self, other):
                return self == other

            def most_specific_common_supertype(self, others):
                return self if all(self == other for other in others) else None

            def placeholder_value(self, placeholder_context):
                return Setting(self.value)

            def __eq__(self, other):
                return isinstance(other, SettingType) and self.value == other.value

            def __hash__(self):
                return hash(self.value)

        @tf.function
        def f(setting):
            return tf.constant(setting.value)

        assert [int(f(Setting(value))) for value in (1, 1, 2, 1)] == [1, 1, 2, 1]
        assert f.experimental_get_tracing_count() == 2
        assert isinstance(Setting(1), tf.types.experimental.SupportsTracingProtocol)

    def test_a_class_that_can_be_taken_apart(self):
        class Both:
            def __init__(self, a, b):
                self.a, self.b = a, b

            def __tf_flatten__(self):
                return (), (self.a, self.b)

            @classmethod
            def __tf_unflatten__(cls, metadata, leaves):
                return cls(*leaves)

        @tf.function
        def f(both):
            return Both(both.b * 2, both.a)

        for start in (1, 5):
            result = f(Both(tf.constant(start), tf.constant(2)))
            assert (type(result), int(result.a), int(result.b)) == (Both, 4, start)
        assert f.experimental_get_tracing_count() == 1

    def test_what_is_a_function(self):
        f = tf.function(lambda x: x)
        concrete = f.get_concrete_function(1.0)
        types = tf.types.experimental
        assert isinstance(f, types.PolymorphicFunction) and isinstance(f, types.Callable)
        assert isinstance(concrete, types.ConcreteFunction) and isinstance(concrete, types.Callable)
        assert types.GenericFunction is types.PolymorphicFunction
        assert isinstance(f.function_type, types.FunctionType)

    @pytest.mark.parametrize("change", [lambda a: a.append(1), lambda a: a.pop(), lambda a: a.reverse()])
    def test_arguments_that_are_changed_while_it_is_traced(self, change):
        """A call that does not trace would change nothing."""

        @tf.function
        def f(items):
            change(items)
            return items[0]

        with pytest.raises(ValueError, match=r"should not modify its Python input arguments.*: items"):
            f([tf.constant(1), tf.constant(2)])


def test_the_signature_of_a_method_leaves_its_object_out() -> None:
    """As in TensorFlow: Keras binds a layer's arguments by the signature of its `call`."""

    class Layer:
        @tf.function(input_signature=[tf.TensorSpec([None])])
        def call(self, inputs, *, scale=2.0):
            return inputs * scale

        def plain(self, inputs):
            return inputs

    layer = Layer()
    assert str(inspect.signature(layer.call)) == "(inputs, *, scale=2.0)"
    assert inspect.getfullargspec(layer.call).args == ["inputs"]
    assert str(inspect.signature(tf.function(layer.plain))) == "(inputs)"
    assert str(inspect.signature(Layer.call)) == "(self, inputs, *, scale=2.0)"


def test_calls_with_lists_and_tuples_go_the_short_way():
    traced: list[int] = []

    @tf.function
    def function(pair, last, *, named):
        traced.append(1)
        (first, (second, scale)), third = pair, named
        return first * 1 + second * 10 * scale + third[0] * 100 + last * 1000

    one, two, three, four = (tf.constant(float(number)) for number in (1, 2, 3, 4))
    for _ in range(3):
        assert function([one, (two, 2)], four, named=(three,)).numpy() == 1 + 40 + 300 + 4000
    assert len(function._fast) == 1
    assert function([four, (three, 2)], two, named=(one,)).numpy() == 4 + 60 + 100 + 2000
    assert len(traced) == 1
    # Other structures, values, dtypes and shapes are other signatures.
    assert function([one, (two, 3)], four, named=(three,)).numpy() == 1 + 60 + 300 + 4000
    assert function((one, [two, 2]), four, named=[three]).numpy() == 1 + 40 + 300 + 4000
    assert function([one, (two, True)], four, named=(three,)).numpy() == 1 + 20 + 300 + 4000
    row = tf.constant([1.0, 2.0])
    assert function([row, (two, 2)], four, named=(three,)).numpy().tolist() == [4341.0, 4342.0]
    with pytest.raises(ValueError):
        function([one, (two, 2, 3)], four, named=(three,))
    assert function([one, (two, 2)], four, named=(three,)).numpy() == 1 + 40 + 300 + 4000


def test_arrays_in_lists_are_as_they_were_when_the_function_was_called():
    function = tf.function(lambda pair: pair[0] + pair[1][0])
    array = np.zeros(3)
    results = []
    for number in range(4):
        array[:] = number
        results.append(function([array, (tf.ones(3, tf.float64),)]))
    assert len(function._fast) == 1
    assert [result.numpy().tolist() for result in results] == [[number + 1.0] * 3 for number in range(4)]


def test_variables_and_zeros_in_lists_go_the_long_way():
    function = tf.function(lambda pair: pair[0] * pair[1])
    variable = tf.Variable(2.0)
    assert function((variable, 3.0)).numpy() == 6
    assert function((tf.constant(2.0), 0.0)).numpy() == 0
    assert not function._fast
    assert np.signbit(function((tf.constant(2.0), -0.0)).numpy())
