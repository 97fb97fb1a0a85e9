"""Forecasts the temperature of the sea: three months ahead in the eastern Pacific, where El Niño warms the water.

    python -m tideflow examples/time_series_forecasting.py

A recurrent network sees two years and is compared with two simple forecasts: "as now", and "as always in that month".
"""

import os

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
HISTORY, AHEAD = 24, 3
here = os.path.dirname(os.path.abspath(__file__))
table = np.loadtxt(os.path.join(here, "data", "sea_temperature.csv"), delimiter=",", skiprows=1)
train_years = 45
usual = table[:train_years, 1:].mean(axis=0)  # of each month
scale = table[:train_years, 1:].std()
# What is to be forecast is how much warmer than usual a month is.
warmer = ((table[:, 1:] - usual) / scale).astype(np.float32).ravel()
season = 2.0 * np.pi * np.arange(warmer.size, dtype=np.float32) / 12.0
series = np.stack([warmer, np.sin(season), np.cos(season)], axis=-1)


def windows(first, last, shuffle):
    """Makes pairs of a history and the value AHEAD months after its end, from months first to last."""
    return tf.keras.utils.timeseries_dataset_from_array(
        series[first:last],
        warmer[first + HISTORY + AHEAD - 1 : last],
        sequence_length=HISTORY,
        batch_size=32,
        shuffle=shuffle,
        seed=1,
    )


split = train_years * 12
train_data = windows(0, split, shuffle=True)
test_data = windows(split, warmer.size, shuffle=False)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((HISTORY, 3)),
        tf.keras.layers.GRU(16),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(1),
    ]
)
model.compile(optimizer=tf.keras.optimizers.Adam(0.005), loss="mse", metrics=["mae"])
model.fit(train_data, epochs=12, verbose=2)

actual = np.concatenate([y for _, y in test_data])
now = np.concatenate([x[:, -1, 0] for x, _ in test_data])
error = scale * np.abs(model.predict(test_data, verbose=0)[:, 0] - actual).mean()
simple = scale * np.abs(now - actual).mean(), scale * np.abs(actual).mean()
print(f"mean error over {actual.size} months: as now {simple[0]:.3f} °C, as always {simple[1]:.3f} °C")
print(f"result: mean error {error:.3f} °C, must be below 0.95 of both")
assert error < 0.95 * min(simple)
