"""GPflow: regression with SciPy's optimizer, classification with natural gradients and minibatches of tf.data."""

import sys

import gpflow
import numpy as np
import tensorflow as tf

tf.random.set_seed(1)
random = np.random.RandomState(0)
X = random.rand(40, 1)
Y = np.sin(6 * X) + 0.1 * random.randn(40, 1)
model = gpflow.models.GPR((X, Y), gpflow.kernels.Matern52())
before = model.training_loss().numpy()
result = gpflow.optimizers.Scipy().minimize(model.training_loss, model.trainable_variables)
gpflow.utilities.print_summary(model)
mean, variance = model.predict_f(np.array([[0.25], [5.0]]))
print("loss", before, result.fun, "mean", mean.numpy().T, "variance", variance.numpy().T)
regression = result.success and result.fun < before and abs(mean[0, 0] - 1) < 0.15 and variance[1] > variance[0]

# A sparse process that reaches the exact one: its bound is tight where each point induces, and noise is normal.
exact = gpflow.models.GPR((X, Y), gpflow.kernels.SquaredExponential(), noise_variance=0.1)
sparse = gpflow.models.SVGP(
    gpflow.kernels.SquaredExponential(), gpflow.likelihoods.Gaussian(0.1), inducing_variable=X.copy(), num_data=40
)
gpflow.optimizers.NaturalGradient(gamma=1.0).minimize(
    sparse.training_loss_closure((X, Y)), [(sparse.q_mu, sparse.q_sqrt)]
)
bound, likelihood = sparse.elbo((X, Y)).numpy(), exact.log_marginal_likelihood().numpy()
print("bound", bound, "likelihood", likelihood)
tight = abs(bound - likelihood) < 0.05

labels = (Y > 0).astype(float)
batches = iter(tf.data.Dataset.from_tensor_slices((X, labels)).repeat().shuffle(40, seed=1).batch(20))
classes = gpflow.models.SVGP(
    gpflow.kernels.SquaredExponential(), gpflow.likelihoods.Bernoulli(), inducing_variable=X[::5].copy(), num_data=40
)
optimizer = tf.keras.optimizers.Adam(0.1)
loss = classes.training_loss_closure(batches, compile=True)


@tf.function
def step():
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, classes.trainable_variables)
    optimizer.apply_gradients(zip(gradients, classes.trainable_variables))


for _ in range(80):
    step()
accuracy = np.mean((classes.predict_y(X)[0].numpy() > 0.5) == (labels > 0.5))
print("accuracy", accuracy)
sys.exit(not (regression and tight and accuracy > 0.9))
