"""Registers every operation and the operators of tensors: importing a module of a family defines what is in it.

The families that most programs use are imported here; :mod:`tideflow._src.ops.lazy_families` lists the others.
"""

from __future__ import annotations

import importlib

from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.array import (
    broadcasting,
    constants,
    gathering,
    identity,
    indexing,
    joining,
    padding,
    partitioning,
    permuting,
    placeholders,
    scattering,
    selection,
    sequences,
    shape,
    slicing,
    splitting,
)
from tideflow._src.ops.control import (
    assert_and_print,
    fake_parameter,
    functional,
    map_defun,
    printing,
    python_function,
    tensor_list,
)
from tideflow._src.ops.lazy_families import LAZY_FAMILIES
from tideflow._src.ops.math import (
    argument_extrema,
    arithmetic,
    casting,
    clip,
    comparison,
    complex_numbers,
    division,
    logical,
    matrix_product,
    matrix_product_functions,
    operators,
    reduction,
    rounding,
    trigonometric,
    unary,
    validation,
)
from tideflow._src.ops.state import scatter, slices, variables
from tideflow._src.runtime.sparse_tensor import when_first_made

for module, names in LAZY_FAMILIES.items():
    OpDef.registry.add_family(f"tideflow._src.ops.{module}", names)


def _load_takeovers() -> None:
    importlib.import_module("tideflow._src.ops.sparse.takeovers")


when_first_made.append(_load_takeovers)
