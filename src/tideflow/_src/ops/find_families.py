"""Writes ``lazy_families.py``: finds which module below this one defines which operations. ``make families`` runs it.

What ``import tideflow`` loads is left out; of everything else the table has to know before it is loaded.
"""

from __future__ import annotations

import importlib
import pathlib
import pkgutil
import textwrap

from tideflow._src import ops
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops import everything

_HEAD = '''"""Names the operations of the families that are loaded when one of them is first used.

Made by ``make families`` from the definitions: run it where a family is added, and leave this file to it. The registry
imports a module, below ``tideflow._src.ops``, when it is asked for one of the names.
"""

from __future__ import annotations

LAZY_FAMILIES = {
'''


def families() -> dict[str, list[str]]:
    """Returns the names of the operations that each module defines, less those that are loaded with the package.

    It is to be called in a process that has used no operation yet.
    """
    loaded = set(dict.keys(OpDef.registry))
    assert everything.LAZY_FAMILIES is not None
    for module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        importlib.import_module(module.name)
    found: dict[str, list[str]] = {}
    for name, definition in OpDef.registry.items():
        if name not in loaded:
            found.setdefault(definition.kernel.__module__.removeprefix(f"{ops.__name__}."), []).append(name)
    return {module: sorted(found[module]) for module in sorted(found)}


def source(table: dict[str, list[str]]) -> str:
    """Returns the file that holds a table."""
    lines = []
    for module, names in table.items():
        one = f'    "{module}": "{" ".join(names)}",'
        if len(one) <= 120:
            lines.append(one)
        else:
            body = textwrap.fill(" ".join(names), 120, initial_indent=" " * 8, subsequent_indent=" " * 8)
            lines += [f'    "{module}": """', body, '    """,']
    return _HEAD + "\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    pathlib.Path(__file__).with_name("lazy_families.py").write_text(source(families()))
