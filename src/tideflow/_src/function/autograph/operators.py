"""What converted code calls in place of Python's control flow; the module is ``ag__`` there.

With values of Python these functions do what Python does; with tensors of a graph they build conditionals and loops.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from tideflow._src.function.autograph.branches import if_exp as if_exp
from tideflow._src.function.autograph.branches import if_stmt as if_stmt
from tideflow._src.function.autograph.calls import converted as converted
from tideflow._src.function.autograph.conversion import convert as convert
from tideflow._src.function.autograph.conversion import install_operators
from tideflow._src.function.autograph.features import set_item as set_item
from tideflow._src.function.autograph.logic import and_ as and_
from tideflow._src.function.autograph.logic import chained as chained
from tideflow._src.function.autograph.logic import not_ as not_
from tideflow._src.function.autograph.logic import or_ as or_
from tideflow._src.function.autograph.repetitions import for_stmt as for_stmt
from tideflow._src.function.autograph.repetitions import while_stmt as while_stmt
from tideflow._src.function.autograph.staging import symbolic
from tideflow._src.function.autograph.variables import MISSING
from tideflow._src.ops.control.assertions import Assert

#: What ``a:b`` is in an index.
slice = builtins.slice
#: The value of a function that has not returned yet.
NOTHING = MISSING


def returned(value: Any) -> Any:
    """Returns what a function returns whose ``return`` statements have become assignments."""
    return None if value is NOTHING else value


def assert_stmt(test: Any, message: Callable[[], Any]) -> None:
    """Asserts that a condition holds; of a tensor, when the graph runs."""
    tensor = symbolic(test)
    if tensor is not None:
        text = message()
        Assert(tensor, ["AssertionError" if text is None else text])
    elif not test:
        text = message()
        raise AssertionError() if text is None else AssertionError(text)


install_operators(sys.modules[__name__])
