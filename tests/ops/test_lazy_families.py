"""The table of families that load at first use: it names what the modules define, and they do load."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from tideflow._src.graph.op_def import OpDef, Registry
from tideflow._src.ops.lazy_families import LAZY_FAMILIES


@pytest.mark.parametrize("module", LAZY_FAMILIES)
def test_the_table_names_what_a_module_defines(module):
    path = f"tideflow._src.ops.{module}"
    importlib.import_module(path)
    defined = {name for name, definition in OpDef.registry.items() if definition.kernel.__module__ == path}
    assert set(LAZY_FAMILIES[module].split()) == defined


def test_importing_loads_no_lazy_family():
    paths = [f"tideflow._src.ops.{module}" for module in LAZY_FAMILIES]
    code = f"import sys, tideflow; print([path for path in {paths!r} if path in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_lookup_loads_the_family_of_the_name(tmp_path, monkeypatch):
    code = "from here import registry\ndict.__setitem__(registry, 'Late', 'definition')\n"
    (tmp_path / "family_of_one.py").write_text(code)
    registry = Registry()
    monkeypatch.setitem(sys.modules, "here", type("here", (), {"registry": registry}))
    monkeypatch.syspath_prepend(tmp_path)
    registry.add_family("family_of_one", "Late Never")
    assert "Late" in registry
    assert list(registry) == []
    assert registry.all_names() == ["Late", "Never"]
    assert registry["Late"] == "definition"
    assert registry.get("Missing") is None
    with pytest.raises(KeyError):
        registry["Missing"]
    with pytest.raises(KeyError):
        registry["Never"]
