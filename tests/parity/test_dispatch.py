"""Compares which public functions classes can take over with TensorFlow's."""

from __future__ import annotations

import types

import pytest

from tideflow._src.ops import dispatch, elementwise_dispatch

from .dispatchable_functions import here
from .oracle import Oracle

#: Names that Tideflow does not have yet: it shrinks.
ABSENT = frozenset(
    """
    audio_microfrontend check_pinned check_preemption configure_and_initialize_global_tpu copy_to_mesh
    d_tensor_restore_v2 d_tensor_set_global_tpu_array delete_rpc_future_resource deserialize_many_sparse
    image.decode_jxl io.decode_jxl io.deserialize_many_sparse io.serialize_many_sparse
    io.serialize_sparse ragged. ragged_fill_empty_rows relayout rpc_ serialize_many_sparse serialize_sparse
    shutdown_tpu_system sparse.bincount strings.bytes_split strings.split strings.unicode_decode strings.unicode_split
    xla_
    """.split()
)

#: Here one function is both the 1.x and the 2.x form.
SHARED = frozenset(["compat.v1.nn.sigmoid_cross_entropy_with_logits"])


def test_which_functions_support_dispatch(oracle: Oracle) -> None:
    kinds = {
        "T": dispatch.public_functions(),
        "U": set(elementwise_dispatch.unary_elementwise_apis()),
        "B": set(elementwise_dispatch.binary_elementwise_apis()),
        "A": set(elementwise_dispatch.binary_elementwise_assert_apis()),
    }
    absent, problems = [], []
    for name, wanted in oracle.ask("dispatchable").items():
        function = here(name)
        if function is None:
            absent.append(name)
        elif not isinstance(function, types.FunctionType):
            problems.append(f"{name} is a {type(function).__name__}")
        else:
            found = {kind for kind, functions in kinds.items() if function in functions}
            if found != set(wanted) and name not in SHARED:
                problems.append(f"{name} is {sorted(found)}, not {sorted(wanted)}")
    unknown = [name for name in absent if not name.removeprefix("compat.v1.").startswith(tuple(ABSENT))]
    problems += [f"{name} is absent" for name in unknown]
    if problems:
        text = "Run `python -m parity.dispatchable_functions` in the folder tests:\n" + "\n".join(problems)
        pytest.fail(text, pytrace=False)
