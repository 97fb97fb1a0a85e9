"""Concrete functions: what they are, how they are called, and what they say when called wrongly."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import tideflow as tf


@tf.function
def add(x, y=3, *, z=None):
    return x + y


def concrete():
    return add.get_concrete_function(tf.TensorSpec([None], tf.int32))


def test_its_signature():
    c = concrete()
    assert c.structured_input_signature == ((tf.TensorSpec([None], tf.int32, "x"), 3), {"z": None})
    assert c.pretty_printed_signature(verbose=False) == (
        "(x: TensorSpec(shape=(None,), dtype=tf.int32, name=None), y: Literal[3], *, z: Literal[None]) -> "
        "TensorSpec(shape=(None,), dtype=tf.int32, name=None)"
    )
    assert c.pretty_printed_signature() == (
        "Input Parameters:\n"
        "  x (POSITIONAL_OR_KEYWORD): TensorSpec(shape=(None,), dtype=tf.int32, name=None)\n"
        "  y (POSITIONAL_OR_KEYWORD): Literal[3]\n"
        "  z (KEYWORD_ONLY): Literal[None]\n"
        "Output Type:\n"
        "  TensorSpec(shape=(None,), dtype=tf.int32, name=None)\n"
        "Captures:\n"
        "  None"
    )
    assert repr(c).startswith(f"<ConcreteFunction {c.pretty_printed_signature(False)} at 0x")
    assert str(c.function_type) == c.pretty_printed_signature(verbose=False)
    assert repr(c.function_type) == c.pretty_printed_signature()
    assert c.inference_fn(tf.constant([1])).shape == [1]


def test_its_graph():
    c = concrete()
    assert [tensor.name for tensor in c.inputs] == ["x:0"]
    assert [tensor.name for tensor in c.outputs] == ["Identity:0"]
    assert c.structured_outputs is c.outputs[0]
    assert c.output_dtypes is tf.int32 and c.output_shapes.as_list() == [None]
    assert c.name.decode().startswith("__inference_add_")
    assert c.function_def.signature.name == c.name.decode()
    assert c.captured_inputs == [] and c.variables == ()
    assert c is concrete()


def test_calls_by_position_and_name():
    c = concrete()
    assert c(tf.constant([1, 2])).numpy().tolist() == [4, 5]
    assert c(x=tf.constant([1, 2])).numpy().tolist() == [4, 5]
    assert c(np.array([1, 2], np.int32)).numpy().tolist() == [4, 5]
    assert c(tf.constant([[1, 2]])).numpy().tolist() == [[4, 5]]


def test_calls_that_do_not_fit():
    c = concrete()
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to be a int32 tensor but is a float"):
        c(tf.constant([1.0, 2.0]))
    with pytest.raises(TypeError, match="missing a required argument: 'x'") as caught:
        c()
    assert "Fallback to flat signature also failed due to: add(x) missing required arguments: x." in str(caught.value)
    with pytest.raises(TypeError, match="Literal"):
        c(tf.constant([1]), 4)
    with pytest.raises(TypeError, match=r"add\(x\) got unexpected keyword arguments: w"):
        c(tf.constant([1]), w=4)


def test_structures_and_variable_arguments():
    v = tf.Variable(1.0)

    @tf.function
    def f(x, d, *args, **kwargs):
        y = v + x
        v.assign(y)
        return {"r": y, "q": args[0]}

    c = f.get_concrete_function(tf.zeros([]), {"k": [tf.zeros(1), tf.zeros(2)]}, tf.zeros(3), w=tf.zeros(4))
    positional, named = c.structured_input_signature
    assert positional == (
        tf.TensorSpec([], tf.float32, "x"),
        {"k": [tf.TensorSpec([1], tf.float32, "d_k_0"), tf.TensorSpec([2], tf.float32, "d_k_1")]},
        tf.TensorSpec([3], tf.float32, "args_0"),
    )
    assert named == {"w": tf.TensorSpec([4], tf.float32, "w")}
    assert [tensor.name for tensor in c.inputs][:5] == ["x:0", "d:0", "d_1:0", "args_0:0", "w:0"]
    assert [tensor.name for tensor in c.outputs] == ["Identity:0", "Identity_1:0"]
    assert c.outputs[1] is c.structured_outputs["r"]
    assert len(c.captured_inputs) == 1 and c.captured_inputs[0] is v.handle
    assert c.variables[0] is v and c.trainable_variables[0] is v
    result = c(tf.constant(2.0), {"k": [tf.zeros(1), tf.zeros(2)]}, tf.ones(3), w=tf.zeros(4))
    assert float(result["r"]) == 3.0 and float(v) == 3.0
    assert result["q"].numpy().tolist() == [1.0, 1.0, 1.0]
    flat = c(x=tf.constant(2.0), d=tf.zeros(1), d_1=tf.zeros(2), args_0=tf.ones(3), w=tf.zeros(4))
    assert float(flat["r"]) == 5.0


def test_specs_with_names_name_the_parameters():
    @tf.function
    def f(x):
        return x + 1.0

    c = f.get_concrete_function(tf.TensorSpec([None], name="signal"))
    assert c.inputs[0].name == "signal:0"
    assert c(signal=tf.constant([1.0])).numpy().tolist() == [2.0]
    assert c(tf.constant([1.0])).numpy().tolist() == [2.0]
    assert f(tf.constant([5.0])).numpy().tolist() == [6.0]
    assert f.experimental_get_tracing_count() == 1


def test_what_is_captured():
    outside = tf.constant(2.0)

    @tf.function
    def f(x):
        return x * outside

    c = f.get_concrete_function(tf.TensorSpec([]))
    assert c.captured_inputs[0] is outside
    assert c.graph.captures[0][0] is outside and c.graph.captures[0][1] is c.inputs[1]
    c.set_external_captures([tf.constant(5.0)])
    assert float(c(tf.constant(3.0))) == 15.0


def test_what_is_captured_at_each_call():
    now = [1.0]

    @tf.function
    def f(x):
        graph = tf.compat.v1.get_default_graph()
        return x * graph.capture_call_time_value(lambda: tf.constant(now[0]), tf.TensorSpec([]))

    assert float(f(tf.constant(3.0))) == 3.0
    now[0] = 2.0
    assert float(f(tf.constant(3.0))) == 6.0
    assert f.experimental_get_tracing_count() == 1

    @tf.function
    def outer(x):
        return f(x) + 1.0

    assert float(outer(tf.constant(3.0))) == 7.0
    now[0] = 5.0
    assert float(outer(tf.constant(3.0))) == 16.0
    assert outer.experimental_get_tracing_count() == 1

    @tf.function
    def branching(x):
        return tf.cond(x > 0.0, lambda: f(x), lambda: x)

    for now[0] in (2.0, 4.0):
        assert float(branching(tf.constant(3.0))) == 3.0 * now[0]


def test_other_variables_of_the_same_shape_can_be_given():
    @tf.function
    def bump(variable, by):
        variable.assign_add(by)
        return variable.read_value()

    a, b = tf.Variable(1.0), tf.Variable(10.0)
    assert float(bump(a, 1.0)) == 2.0
    assert float(bump(b, 1.0)) == 11.0
    assert (float(a), float(b)) == (2.0, 11.0)
    assert bump.experimental_get_tracing_count() == 1


def test_it_goes_into_a_graph_def_and_back():
    @tf.function
    def square(x):
        return x * x

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [2], name="x")
        y = tf.identity(square(x), name="y")
        (gradient,) = tf.gradients(y, x)
        message = graph.as_graph_def()
    assert len(message.library.function) >= 1
    with tf.Graph().as_default() as again:
        tf.import_graph_def(message, name="")
        with tf.compat.v1.Session() as session:
            assert session.run("y:0", {"x:0": [2.0, 3.0]}).tolist() == [4.0, 9.0]
    del again
    with tf.compat.v1.Session(graph=graph) as session:
        assert session.run(gradient, {x: [2.0, 3.0]}).tolist() == [4.0, 6.0]


def test_attributes_of_its_definition():
    def attributes(**options):
        concrete = tf.function(lambda x: x, **options).get_concrete_function(1.0)
        return dict(concrete.function_def.attr)

    assert attributes(experimental_implements="my.op")["_implements"].s == b"my.op"
    assert attributes(jit_compile=True)["_XlaMustCompile"].b
    assert attributes(experimental_attributes={"api_implements": "that"})["api_implements"].s == b"that"
    assert not attributes()
    with pytest.raises(ValueError, match="`other` is not supported"):
        tf.function(lambda x: x, experimental_attributes={"other": 1})


def test_a_python_function_lives_as_long_as_the_function_that_calls_it():
    @tf.function
    def inner(x):
        return tf.py_function(lambda value: value + 1.0, [x], tf.float32)

    outer = tf.function(lambda x: inner(x))
    assert float(outer(tf.constant(1.0))) == 2.0
    del outer
    gc.collect()
    assert float(inner(tf.constant(1.0))) == 2.0


class TestCompilerIR:
    def test_forms(self):
        v = tf.Variable([1.0, 2.0])

        @tf.function(jit_compile=True)
        def f(x):
            return x * v + 1.0

        x = tf.constant([1.0, 2.0])
        ir = f.experimental_get_compiler_ir(x)
        text = ir()
        assert text.startswith("HloModule") and "f32[2]" in text and "multiply" in text
        assert ir(stage="optimized_hlo").startswith("HloModule")
        assert "stablehlo.multiply" in ir(stage="stablehlo")
        assert ir(stage="optimized_hlo_dot").startswith("digraph")
        for stage in ("hlo_serialized", "optimized_hlo_serialized", "stablehlo_serialized"):
            assert isinstance(ir(stage=stage), bytes) and len(ir(stage=stage)) > 100
        with pytest.raises(ValueError, match="Invalid stage selected: 'bad'"):
            ir(stage="bad")
        assert f(x).numpy().tolist() == [2.0, 5.0]

    def test_specs_and_updates(self):
        v = tf.Variable([1.0, 2.0])

        @tf.function(jit_compile=True)
        def f(x):
            v.assign_add(x)
            return tf.nn.dropout(v * 2.0, 0.5)

        text = f.experimental_get_compiler_ir(tf.TensorSpec([2]))(stage="stablehlo")
        assert "stablehlo.add" in text
        assert v.numpy().tolist() == [1.0, 2.0]
        with pytest.raises(ValueError, match="unknown sizes"):
            f.experimental_get_compiler_ir(tf.TensorSpec([None]))()

    def test_what_has_none(self):
        with pytest.raises(ValueError, match="jit_compile=True"):
            tf.function(lambda x: x).experimental_get_compiler_ir(tf.constant(1.0))

        @tf.function(jit_compile=True)
        def prints(x):
            tf.print(x, output_stream="file:///dev/null")
            return x + 1.0

        with pytest.raises(ValueError, match="PrintV2"):
            prints.experimental_get_compiler_ir(tf.constant(1.0))()


def test_the_signatures_of_all_traces_as_text() -> None:
    @tf.function
    def first(x, y=1):
        return x

    assert first.pretty_printed_concrete_signatures() == ""
    first(tf.constant(1))
    first(tf.constant(1.0), 2)
    lines = first.pretty_printed_concrete_signatures(verbose=False).splitlines()
    assert lines[1].startswith("(x: TensorSpec(shape=(), dtype=tf.float32, name=None), y: Literal[2])")
    assert first.pretty_printed_concrete_signatures().count("Input Parameters:") == 2


def test_a_tensor_of_another_dtype_is_refused_in_the_words_of_an_operation() -> None:
    concrete = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([], tf.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="to be a int32 tensor but is a float tensor"):
        concrete(tf.constant(1.0))
