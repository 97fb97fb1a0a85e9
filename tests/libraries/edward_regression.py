"""Edward's Bayesian regression: by variational inference, by Hamiltonian Monte Carlo, and its most likely weights."""

import sys

import edward as ed
import numpy as np
import tensorflow as tf
from edward.models import Empirical, Normal, PointMass

ed.set_seed(42)
random = np.random.RandomState(0)
N, D = 60, 3
weights = np.array([1.0, -2.0, 0.5], np.float32)
points = random.randn(N, D).astype(np.float32)
values = (points @ weights + 0.1 * random.randn(N)).astype(np.float32)

X = tf.placeholder(tf.float32, [N, D])
w = Normal(loc=tf.zeros(D), scale=tf.ones(D))
b = Normal(loc=tf.zeros(1), scale=tf.ones(1))
y = Normal(loc=ed.dot(X, w) + b, scale=0.1 * tf.ones(N))
# The posterior of a normal prior and normal noise is known.
design = np.concatenate([points, np.ones((N, 1))], 1)
precision = np.eye(D + 1) + design.T @ design / 0.01
exact = np.linalg.solve(precision, design.T @ values / 0.01)
deviations = np.sqrt(np.diag(np.linalg.inv(precision)))

qw = Normal(loc=tf.get_variable("qw/loc", [D]), scale=tf.nn.softplus(tf.get_variable("qw/scale", [D]) - 3.0))
qb = Normal(loc=tf.get_variable("qb/loc", [1]), scale=tf.nn.softplus(tf.get_variable("qb/scale", [1]) - 3.0))
inference = ed.KLqp({w: qw, b: qb}, data={X: points, y: values})
inference.run(n_samples=5, n_iter=500, n_print=0, optimizer=tf.train.AdamOptimizer(0.05))
session = ed.get_session()
found = np.concatenate(session.run([qw.mean(), qb.mean()]))
spread = np.concatenate(session.run([qw.stddev(), qb.stddev()]))
print("variational", found.round(3), "exact", exact.round(3), "deviations", spread.round(4), deviations.round(4))
variational = np.abs(found - exact).max() < 0.03 and (spread / deviations < 3).all() and (spread < 0.05).all()

y_post = ed.copy(y, {w: qw, b: qb})
error = ed.evaluate("mean_squared_error", data={X: points, y_post: values})
print("mean squared error", error)

sw = Empirical(params=tf.get_variable("sw", [400, D], initializer=tf.zeros_initializer()))
sb = Empirical(params=tf.get_variable("sb", [400, 1], initializer=tf.zeros_initializer()))
ed.HMC({w: sw, b: sb}, data={X: points, y: values}).run(step_size=0.005, n_steps=10, n_print=0)
sampled = np.concatenate(session.run([sw.params[200:], sb.params[200:]]), axis=1).mean(0)
print("sampled", sampled.round(3))

p = PointMass(params=tf.Variable(tf.zeros(D)))
ed.MAP({w: p}, data={X: points, y: values, b: np.zeros(1, np.float32)}).run(n_iter=300, n_print=0)
likely = session.run(p.mean())
print("most likely", likely.round(3))
sampled_well = np.abs(sampled - exact).max() < 0.05
sys.exit(not (variational and error < 0.02 and sampled_well and np.abs(likely - weights).max() < 0.1))
