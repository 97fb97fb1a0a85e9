"""Names the operations of the families that are loaded when one of them is first used.

``import tideflow`` costs the same however many operations there are: what most programs never touch is listed here, a
module below ``tideflow._src.ops`` and the operations that it defines. The registry imports the module when it is asked
for one of the names. ``tests/ops/test_lazy_families.py`` holds the table against what the modules define.
"""

from __future__ import annotations

LAZY_FAMILIES = {
}
