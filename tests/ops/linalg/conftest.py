"""Registers every operation, as `import tideflow` does: functions of one family look up those of another by name."""

from __future__ import annotations

import importlib
import pkgutil

from tideflow._src import ops

for _module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
    importlib.import_module(_module.name)
