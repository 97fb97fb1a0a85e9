"""Counts the names of TensorFlow that well-known libraries reach for, private ones too, and lists what is not there.

`library_names.txt` lists them by who uses them: Keras 3, TensorFlow Probability, Datasets, Hub, Agents, Sonnet, GPflow,
the official models, Addons, tf_keras, and of 1.x tf_slim, tflearn, tensorpack and Edward. Each is there in one dialect
at least, or below.
"""

from __future__ import annotations

import pathlib

HERE = pathlib.Path(__file__).parent

#: Names that are not there, by the reason: these, and what is below them.
MISSING = {
    "a later release": """
        lite dtensor experimental.dtensor tpu.experimental python.tpu config.experimental_connect_to_cluster
        distribute.Server distribute.cluster_resolver distribute.experimental.coordinator compat.v1.distribute
        python.distribute __internal__.distribute.ShardedVariable __internal__.distribute.combinations
        data.experimental.service
        __internal__.tracking.saveable_objects_from_trackable __internal__.train.update_checkpoint_state
        python.saved_model.load_context python.saved_model.nested_structure_coder.StructureCoder
        python.trackable.base.no_automatic_dependency_tracking_scope python.training.tracking.data_structures
    """,
    "Keras 2, which TensorFlow has no more": """
        keras.* keras.__internal__ keras.backend.in_train_phase keras.backend.learning_phase
        keras.layers.AbstractRNNCell keras.saving.saved_model backend_config.epsilon
        python.keras.engine.keras_tensor
    """,
    "names of TensorFlow's AutoGraph that are asked for only where there is none of another name": """
        python.autograph.core.naming python.autograph.core.converter.EntityContext
        python.autograph.core.converter.standard_analysis python.autograph.pyct.compiler
    """,
    "parts of tf.contrib that were never ported": """
        contrib.compiler contrib.factorization contrib.memory_stats contrib.nccl contrib.tensor_forest
    """,
    "several accelerators, and libraries of operations": """
        python.ops.collective_ops python.ops.nccl_ops python.ops.gen_nccl_ops raw_ops.CudnnRNN
        raw_ops.CudnnRNNV3
    """,
    "tools and the inside of TensorFlow's engine": """
        compiler python.debug python.eager.context._reset_context
        python.ops.ragged.ragged_util Variable.assign Variable.assign_add Variable.assign_sub
    """,
    "names that a library itself sets, or asks for only where there is none of another name": """
        compat.v1.GraphKeys compat.v1.merge_summary compat.v1.random_ops compat.v1.train.SummaryWriter
    """,
}


def names() -> list[str]:
    lines = (HERE / "library_names.txt").read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.startswith(" ")]


def reason(name: str) -> str | None:
    for why, paths in MISSING.items():
        if any(name == path or name.startswith(f"{path}.") for path in paths.split()):
            return why
    return None


def test_the_names_that_libraries_reach_for(python) -> None:
    wanted = names()
    missing = set(wanted)
    for dialect in ("v2", "v1"):
        done = python(str(HERE / "library_names.py"), dialect, stdin="\n".join(wanted))
        assert done.returncode == 0, done.stderr
        missing &= set(done.stdout.split())
    unexplained = sorted(name for name in missing if reason(name) is None)
    assert unexplained == []
    # How many there are: raise this where names have come.
    assert len(wanted) - len(missing) >= 1000
