"""Candidate samplers: what draws ahead for the next calls, and draws until classes differ."""

from __future__ import annotations

import numpy as np
import pytest

from tideflow._src.ops.nn import candidate_kernels as kernels
from tideflow._src.runtime.philox import PhiloxState

_STEP = 512 * 8


def _calls(count: int, start: tuple[int, int] = (5, 7)) -> list[tuple[int, int]]:
    state = PhiloxState.from_key_counter(3, start)
    return [state.reserve(_STEP) for _ in range(count)]


def _words(ahead: kernels.CallsAhead, counter: tuple[int, int]) -> list[int]:
    return ahead.words(3, counter, 4, _STEP).take(16).tolist()


def test_words_computed_ahead_are_those_of_each_call():
    ahead = kernels.CallsAhead()
    for counter in _calls(40):
        assert _words(ahead, counter) == kernels.Words(3, counter).take(16).tolist()


def test_a_stream_that_jumps_gets_its_words():
    ahead = kernels.CallsAhead()
    counters = _calls(6)
    for counter in (*counters, *reversed(counters), (0, 0), *counters):
        assert _words(ahead, counter) == kernels.Words(3, counter).take(16).tolist()


def test_a_counter_that_overflows_its_low_word_gets_its_words():
    ahead = kernels.CallsAhead()
    for counter in _calls(24, (2**64 - 4 * _STEP, 1)):
        assert _words(ahead, counter) == kernels.Words(3, counter).take(16).tolist()


def test_a_call_reads_on_behind_what_was_computed_ahead():
    ahead = kernels.CallsAhead()
    for counter in _calls(3):
        assert ahead.words(3, counter, 4, _STEP).take(50).tolist() == kernels.Words(3, counter).take(50).tolist()


def test_one_call_computes_no_more_than_its_own(monkeypatch):
    asked: list[int] = []
    real = kernels.philox_at

    def counting(xp, key, counter, offsets):
        asked.append(len(offsets))
        return real(xp, key, counter, offsets)

    monkeypatch.setattr(kernels, "philox_at", counting)
    ahead = kernels.CallsAhead()
    counters = _calls(12)
    _words(ahead, counters[0])
    assert asked == [4]
    for counter in counters[1:]:
        _words(ahead, counter)
    assert len(asked) == 2


@pytest.mark.parametrize("range_max", [1, 3, 64, 1000])
def test_distinct_classes_are_the_first_of_each_in_the_order_of_drawing(range_max):
    wanted = min(range_max, 40)
    sampler = kernels.LogUniform(range_max)
    classes, tries = kernels._distinct(sampler.draw, kernels.Words(1, (2, 3)), wanted)
    words, drawn = kernels.Words(1, (2, 3)), []
    while len(set(drawn)) < wanted:
        drawn.append(int(sampler.draw(words, 1)[0]))
    assert classes.dtype == np.int64
    assert classes.tolist() == list(dict.fromkeys(drawn))
    assert tries == len(drawn)
