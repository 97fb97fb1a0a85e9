"""The TensorFlow 1.x namespace, for programs written for it: ``import tideflow.v1 as tf``.

A program that says so is one of 2018: importing this module switches TensorFlow 2 behaviour off for the whole
process, as ``tf.disable_v2_behavior()`` does. Operations join graphs, variables are references, shapes hold
``Dimension`` objects, and ``==`` compares tensors by identity.

A program that wants eager execution and this namespace side by side imports it as :mod:`tideflow.compat.v1`, which is
the same module and, as in TensorFlow, changes nothing by being imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tideflow.compat import v1 as _namespace

if TYPE_CHECKING:
    from tideflow.compat.v1 import *

_namespace.disable_v2_behavior()
sys.modules[__name__] = _namespace
