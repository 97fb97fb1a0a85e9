"""The table of families that load at first use: it names what the modules define, and they do load."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tideflow._src.graph.op_def import Registry
from tideflow._src.ops import find_families
from tideflow._src.ops.lazy_families import LAZY_FAMILIES


def test_the_table_is_what_the_definitions_say():
    code = "import json; from tideflow._src.ops import find_families as f; print(json.dumps(f.families()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {module: names.split() for module, names in LAZY_FAMILIES.items()} == found, "run `make families`"


def test_the_file_of_a_table(tmp_path):
    table = {"array.one": ["A"], "math.two": [f"Operation{number}" for number in range(30)]}
    scope: dict[str, dict[str, str]] = {}
    exec(find_families.source(table), scope)
    assert {module: names.split() for module, names in scope["LAZY_FAMILIES"].items()} == table


def test_importing_loads_no_lazy_family():
    paths = [f"tideflow._src.ops.{module}" for module in LAZY_FAMILIES]
    code = f"import sys, tideflow; print([path for path in {paths!r} if path in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
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
