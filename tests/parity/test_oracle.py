"""Tests the oracle itself: a checker that cannot fail would prove nothing."""

from __future__ import annotations

import numpy as np
import pytest

from . import wire
from .oracle import Oracle, OracleCrash, OracleFailure

ONES = wire.encode(np.ones((2, 3), np.float32))


def test_it_is_the_release_that_the_project_targets(oracle: Oracle) -> None:
    assert oracle.ask("version").startswith("2.21.")


def test_a_call_returns_values_shapes_and_gradients(oracle: Oracle) -> None:
    answer = oracle.ask(
        "call", op="MatMul", inputs=[ONES, ONES], attributes={"transpose_b": True}, gradient=True, second=True
    )
    ((dtype, product),) = answer["outputs"]
    assert dtype == "float32"
    np.testing.assert_array_equal(product, np.full((2, 2), 3, np.float32))
    assert answer["shapes"]["full"] == [(2, 2)]
    assert answer["shapes"]["rank"] == [(None, None)]
    upstream = wire.weights((2, 2), "float32", "upstream 0")
    (first_a, _), _ = answer["first"]
    np.testing.assert_allclose(first_a[1], upstream @ ONES[1])
    assert len(answer["second"]) == 2
    assert len(answer["second_upstream"]) == 1


def test_what_tensorflow_raises_is_an_answer(oracle: Oracle) -> None:
    answer = oracle.ask("call", op="MatMul", inputs=[ONES, ONES], attributes={})
    assert answer["error"][0] == "InvalidArgumentError"
    assert answer["shapes"]["full"]["error"][0] == "ValueError"


def test_a_wrong_question_is_a_failure_not_an_answer(oracle: Oracle) -> None:
    with pytest.raises(OracleFailure, match="no op 'NoSuchOp'"):
        oracle.ask("call", op="NoSuchOp", inputs=[], attributes={})
    with pytest.raises(OracleFailure, match="no attribute 'transposed'"):
        oracle.ask("call", op="MatMul", inputs=[ONES, ONES], attributes={"transposed": True})


def test_a_crash_costs_one_question(oracle: Oracle) -> None:
    with Oracle(oracle.interpreter) as fragile:
        with pytest.raises(OracleCrash):
            fragile.ask("evaluate", source="import os; os.abort()")
        assert fragile.ask("version").startswith("2.21.")
        assert (fragile.starts, fragile.crashes) == (1, 1)


def test_a_hang_costs_one_question(oracle: Oracle) -> None:
    with Oracle(oracle.interpreter) as slow:
        slow.ask("version")
        slow.timeout = 0.2
        with pytest.raises(OracleCrash, match="hung"):
            slow.ask("evaluate", source="while True: pass")


def test_a_queue_is_made_anew_for_each_question_the_first_one_too(oracle: Oracle) -> None:
    with pytest.raises(OracleCrash):
        oracle.ask("evaluate", source="import os; os.abort()")
    queue = wire.Produced("FIFOQueueV2", (), {"component_types": ["float32"], "capacity": 3}, 0)
    for _ in range(2):  # in one queue, the second would wait for room
        answer = oracle.ask("call", op="QueueEnqueueManyV2", inputs=[queue, [ONES]], attributes={}, shapes=False)
        assert answer == {"outputs": [], "state": []}


def test_state_lives_for_one_call(oracle: Oracle) -> None:
    for _ in range(2):
        variable = wire.Variable(ONES)
        answer = oracle.ask(
            "call",
            op="AssignAddVariableOp",
            inputs=[variable, ONES],
            attributes={"dtype": "float32"},
            shapes=False,
        )
        np.testing.assert_array_equal(answer["state"][0][1], np.full((2, 3), 2, np.float32))


def test_reference_variables_run_in_a_graph(oracle: Oracle) -> None:
    answer = oracle.ask("call", op="AssignAdd", inputs=[wire.Reference(ONES), ONES], attributes={}, shapes=False)
    np.testing.assert_array_equal(answer["outputs"][0][1], np.full((2, 3), 2, np.float32))


def test_a_queue_takes_what_was_put_in_before(oracle: Oracle) -> None:
    queue = wire.Produced("FIFOQueueV2", (), {"component_types": ["float32"]})
    answer = oracle.ask(
        "call",
        op="QueueDequeueV2",
        inputs=[queue],
        attributes={"component_types": ["float32"]},
        before=[("QueueEnqueueV2", [queue, [ONES]], {})],
    )
    np.testing.assert_array_equal(answer["outputs"][0][1], ONES[1])


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "int4", "qint8"])
def test_dtypes_that_numpy_lacks_travel_as_bits(oracle: Oracle, name: str) -> None:
    bits = np.array([0, 1, 3], wire.BIT_CARRIERS[name])
    answer = oracle.ask("call", op="Identity", inputs=[(name, bits)], attributes={}, shapes=False)
    ((dtype, found),) = answer["outputs"]
    assert dtype == name
    np.testing.assert_array_equal(found, bits)


def test_graph_defs_go_through(oracle: Oracle) -> None:
    made = oracle.ask("make_graph_def", op="ConcatV2", inputs=[[ONES, ONES], wire.encode(np.int32(0))], attributes={})
    ran = oracle.ask("run_graph_def", graph_def=made["graph_def"], feeds=made["feeds"], fetches=made["outputs"])
    assert ran["outputs"][0][1].shape == (4, 3)
    assert oracle.ask("run_graph_def", graph_def=b"\xff", feeds={}, fetches=[])["error"][0] == "DecodeError"


def test_random_streams_continue(oracle: Oracle) -> None:
    shape = wire.encode(np.array([2], np.int32))
    answer = oracle.ask(
        "random_stream",
        op="RandomUniform",
        inputs=[shape],
        attributes={"dtype": "float32", "seed": 1, "seed2": 2},
    )
    draws = [draw[0][1] for draw in answer["session"]]
    assert not np.array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws, [draw[0][1] for draw in answer["eager"]])


def test_weights_are_the_same_on_both_sides(oracle: Oracle) -> None:
    answer = oracle.ask("evaluate", source="result = wire.weights((2, 3), 'complex64', 'x')")
    np.testing.assert_array_equal(answer["result"][1], wire.weights((2, 3), "complex64", "x"))
