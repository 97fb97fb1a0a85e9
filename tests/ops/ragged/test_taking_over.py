"""Tests of loading what takes functions over for ragged tensors."""

from __future__ import annotations

import threading

import pytest

from tideflow._src.ops.ragged import taking_over


def test_a_thread_waits_while_another_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[threading.Thread] = []

    def load_slowly(module: str) -> None:
        others.append(threading.Thread(target=taking_over.load))
        others[0].start()
        others[0].join(0.05)
        assert others[0].is_alive()
        assert not taking_over.loaded

    monkeypatch.setattr(taking_over, "loaded", [])
    monkeypatch.setattr(taking_over, "MODULES", ("one",))
    monkeypatch.setattr(taking_over.importlib, "import_module", load_slowly)
    taking_over.load()
    assert taking_over.loaded
    others[0].join()
    assert len(others) == 1
