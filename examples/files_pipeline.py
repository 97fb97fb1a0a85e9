"""A tf.data pipeline from files: pictures in folders become a TFRecord file of Examples, which trains a network.

python -m tideflow examples/files_pipeline.py
"""

import os
import tempfile

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
digits = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz"))
folder = tempfile.TemporaryDirectory()
for label in range(10):
    os.mkdir(os.path.join(folder.name, str(label)))
for index, (image, label) in enumerate(zip(digits["images"], digits["labels"])):
    picture = tf.io.encode_png(image[..., np.newaxis] * np.uint8(15))
    tf.io.write_file(os.path.join(folder.name, str(label), f"{index:04d}.png"), picture)


def example(path, picture):
    """Returns a serialized tf.train.Example: the file's bytes, and the label that its folder names."""
    label = int(os.path.basename(os.path.dirname(path.decode())))
    features = {
        "picture": tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def parse(serialized):
    layout = {"picture": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    parsed = tf.io.parse_single_example(serialized, layout)
    image = tf.ensure_shape(tf.io.decode_png(parsed["picture"], channels=1), (8, 8, 1))
    return tf.image.convert_image_dtype(image, tf.float32), parsed["label"]


paths = tf.data.Dataset.list_files(os.path.join(folder.name, "*", "*.png"), seed=1, shuffle=True)
pictures = paths.map(lambda path: (path, tf.io.read_file(path)), num_parallel_calls=tf.data.AUTOTUNE)
records = os.path.join(folder.name, "digits.tfrecord.gz")
with tf.io.TFRecordWriter(records, "GZIP") as writer:
    for path, picture in pictures.as_numpy_iterator():
        writer.write(example(path, picture))

data = tf.data.TFRecordDataset(records, "GZIP").map(parse, num_parallel_calls=tf.data.AUTOTUNE).cache()
test_data = data.take(360).batch(120)
train_data = data.skip(360).shuffle(1437).batch(32).prefetch(tf.data.AUTOTUNE)
hidden = tf.keras.layers.Dense(96, activation="relu")
model = tf.keras.Sequential([tf.keras.layers.Flatten(), hidden, tf.keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer=tf.keras.optimizers.Adam(0.003), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_data, epochs=12, verbose=2)
accuracy = model.evaluate(test_data, verbose=0)[1]
folder.cleanup()
print(f"result: test accuracy {accuracy:.4f}, must be above 0.95")
assert accuracy > 0.95
