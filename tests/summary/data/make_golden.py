"""Makes the summaries beside it, with TensorFlow. Run it in this folder: ``python make_golden.py``."""

import glob
import os

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_v2_behavior()


def main() -> None:
    values = np.array([-1, 0, 1e-20, 1e25, -1e30, 2, 2, 2.5], np.float32)
    image = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3) - 5
    image[0, 0, 0, 1] = np.nan
    with v1.Session() as session:
        merged = v1.summary.merge(
            [
                v1.summary.scalar("loss", 0.25),
                v1.summary.histogram("values", values),
                v1.summary.image("image", image, max_outputs=1),
                v1.summary.audio("sound", np.array([[0, 0.5, -1, 2]], np.float32), 8000.0),
                v1.summary.text("words", tf.constant("tide")),
            ]
        )
        with open("summary.pb", "wb") as file:
            file.write(session.run(merged))
        writer = v1.summary.FileWriter(".", filename_suffix=".golden")
        writer.add_summary(session.run(merged), 3)
        writer.close()
    for path in glob.glob("*.golden"):
        os.replace(path, "events.golden")


if __name__ == "__main__":
    main()
