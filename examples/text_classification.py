"""Who wrote this sentence, NumPy or Keras? A recurrent network and a transformer learn it from their documentation.

    python -m tideflow examples/text_classification.py

The texts are the docstrings of the two libraries. What they share word for word is left out.
"""

import inspect
import re

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

LENGTH, WIDTH = 16, 32


def sentences(*modules):
    """Returns the sentences of eight words or more in the documentation of the modules' functions and classes."""
    values = [getattr(module, name, None) for module in modules for name in sorted(dir(module))]
    prose = "\n\n".join(inspect.getdoc(value) or "" for value in values if callable(value))
    pieces = re.split(r"(?<=[.:!?])\s|\n\s*\n|>>>.*", prose)
    return {" ".join(piece.split()) for piece in pieces if len(re.findall(r"[a-z]{2,}", piece)) >= 8}


def transformer_block(x, mask):
    attended = layers.MultiHeadAttention(num_heads=2, key_dim=16)(x, x, attention_mask=mask[:, tf.newaxis, :])
    x = layers.LayerNormalization()(x + attended)
    return layers.LayerNormalization()(x + layers.Dense(WIDTH)(layers.Dense(64, activation="relu")(x)))


tf.keras.utils.set_random_seed(1)
keras = tf.keras
numpy_texts = sentences(np, np.linalg, np.fft, np.random, np.ndarray)
keras_texts = sentences(keras.layers, keras.losses, keras.metrics, keras.optimizers, keras.callbacks, keras.Model)
texts = np.array(sorted(numpy_texts - keras_texts) + sorted(keras_texts - numpy_texts))
labels = np.isin(texts, list(keras_texts)).astype(np.float32)
order = np.random.permutation(len(texts))
texts, labels, split = texts[order][:4000], labels[order][:4000], 3200
print(f"{len(texts)} sentences, {labels.mean():.0%} of them from Keras; for example: {texts[0]}")

words = layers.TextVectorization(max_tokens=3000, output_sequence_length=LENGTH)
words.adapt(texts[:split])
tokens = words(texts).numpy()

ids = layers.Input((LENGTH,), dtype="int64")
recurrent = layers.Bidirectional(layers.LSTM(24))(layers.Embedding(3000, WIDTH, mask_zero=True)(ids))
attention = layers.Embedding(3000, WIDTH)(ids) + layers.Embedding(LENGTH, WIDTH)(tf.range(LENGTH))
attention = layers.GlobalAveragePooling1D()(transformer_block(attention, ids > 0))
for name, features in ("LSTM", recurrent), ("transformer", attention):
    model = keras.Model(ids, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.3)(features)), name=name)
    model.compile(optimizer=keras.optimizers.Adam(0.003), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(tokens[:split], labels[:split], epochs=3, batch_size=64, verbose=2)
    accuracy = model.evaluate(tokens[split:], labels[split:], verbose=0)[1]
    print(f"result: test accuracy of the {name} {accuracy:.4f}, must be above 0.85")
    assert accuracy > 0.85
