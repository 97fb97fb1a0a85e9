"""Writes something for each plugin of TensorBoard, with Tideflow in TensorFlow's place.

As a program it is called with a folder for the logs and one in which the package tensorboard is found: some plugins
have functions of their own that write, over whatever ``import tensorflow`` gives them.
"""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import numpy as np


def write(tf: Any, root: str) -> None:
    """Writes the logs of all plugins below a folder."""
    from tensorboard.plugins import projector  # found in the second folder
    from tensorboard.plugins.hparams import api as hp
    from tensorboard.plugins.mesh import summary_v2 as mesh
    from tensorboard.plugins.pr_curve import summary as pr_curve

    S = tf.summary

    @tf.function
    def layer(x: Any) -> Any:
        with tf.name_scope("dense"):
            return tf.nn.relu(x @ tf.ones([3, 2]))

    @tf.function
    def model(x: Any) -> Any:
        with tf.device("/cpu:0"):
            return tf.reduce_sum(layer(x)) + 1.0

    with S.create_file_writer(f"{root}/train").as_default():
        for step in range(5):
            S.scalar("loss", 1.0 / (step + 1), step=step, description="what *falls*")
            S.histogram("weights", np.linspace(-1.0, 1.0 + step, 100), step=step)
        S.image("picture", np.linspace(0, 1, 48).reshape(2, 4, 2, 3), step=1)
        S.audio("sound", np.sin(np.linspace(0, 99, 800, dtype=np.float32)).reshape(1, 800, 1), 8000, step=1)
        S.text("words", [["a", "**b**"], ["c", "d"]], step=1)
        S.trace_on()
        model(tf.ones([4, 3]))
        S.trace_export("ran", step=0)
        S.graph(model.get_concrete_function(tf.TensorSpec([None, 3])).graph)
        corners = tf.constant([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]])
        mesh.mesh("solid", vertices=corners, faces=[[[0, 1, 2], [0, 1, 3]]], step=1)
        labels, predictions = np.array([True, False, True, True]), np.array([0.9, 0.2, 0.4, 0.8])
        curve = pr_curve.pb("curve", labels, predictions, num_thresholds=11)
        S.experimental.write_raw_pb(curve.SerializeToString(), step=2)

    rate = hp.HParam("rate", hp.RealInterval(0.0, 1.0))
    with S.create_file_writer(root).as_default():
        hp.hparams_config(hparams=[rate], metrics=[hp.Metric("accuracy")])
    for number, value in enumerate((0.25, 0.5)):
        with S.create_file_writer(f"{root}/trial{number}").as_default():
            hp.hparams({rate: value}, trial_id=f"trial{number}")
            S.scalar("accuracy", 0.5 + value, step=1)

    # The functions of 1.x: an operation of the plugin's own in a graph, run by a session.
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session, v1.summary.FileWriter(f"{root}/old") as writer:
        scores = v1.placeholder(tf.float32, [4], name="scores")
        merged = v1.summary.merge(
            [
                pr_curve.op("old_curve", labels=labels, predictions=scores, num_thresholds=5),
                v1.summary.scalar("old_loss", tf.reduce_sum(scores)),
            ]
        )
        writer.add_graph(session.graph)
        writer.add_summary(session.run(merged, {scores: predictions}), 3)

    vectors = pathlib.Path(root, "vectors.tsv")
    vectors.write_text("1\t2\t3\n4\t5\t6\n")
    config = projector.ProjectorConfig()
    config.embeddings.add(tensor_name="vectors", tensor_path=vectors.name, tensor_shape=[2, 3])
    projector.visualize_embeddings(root, config)

    keras = tf.keras
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="hidden"), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    callback = keras.callbacks.TensorBoard(
        f"{root}/keras",
        histogram_freq=1,
        write_images=True,
        write_steps_per_second=True,
        update_freq=1,
        profile_batch=2,
    )
    network.fit(np.ones((8, 3)), np.ones((8, 1)), batch_size=2, epochs=2, verbose=0, callbacks=[callback])


if __name__ == "__main__":
    import tideflow

    tideflow.install_as_tensorflow()
    sys.path.append(sys.argv[2])  # behind what Tideflow's own environment has
    write(tideflow, sys.argv[1])
