"""TensorFlow Probability: a posterior by NUTS, by variational inference and exactly; filters, bijectors."""

import sys

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd, tfb = tfp.distributions, tfp.bijectors
tf.random.set_seed(1)
random = np.random.RandomState(0)

# Linear regression, whose posterior is known.
points = random.randn(40, 2).astype(np.float32)
values = points @ np.array([1.0, -2.0], np.float32) + 0.5 * random.randn(40).astype(np.float32)
model = tfd.JointDistributionSequentialAutoBatched(
    [
        tfd.Sample(tfd.Normal(0.0, 1.0), 2),
        lambda weights: tfd.Independent(tfd.Normal(tf.linalg.matvec(points, weights), 0.5), 1),
    ]
)
covariance = np.linalg.inv(np.eye(2) + points.T @ points / 0.25)
exact = covariance @ points.T @ values / 0.25
assert model.sample(3)[1].shape == (3, 40)


def log_posterior(weights):
    return model.log_prob([weights, values])


@tf.function(autograph=False)
def sample():
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        tfp.mcmc.NoUTurnSampler(log_posterior, step_size=0.1, max_tree_depth=4), num_adaptation_steps=80
    )
    return tfp.mcmc.sample_chain(
        150, tf.zeros(2), kernel=kernel, num_burnin_steps=100, trace_fn=lambda _, results: results.new_step_size, seed=3
    )


states, _ = sample()
sampled = states.numpy()
print("exact", exact, "sampled", sampled.mean(0), sampled.std(0), np.sqrt(np.diag(covariance)))
assert np.abs(sampled.mean(0) - exact).max() < 0.06
assert (sampled.std(0) / np.sqrt(np.diag(covariance))).min() > 0.5

posterior = tfd.MultivariateNormalTriL(
    loc=tf.Variable([0.0, 0.0]),
    scale_tril=tfp.util.TransformedVariable(0.3 * tf.eye(2), tfb.FillScaleTriL(), name="scale"),
)
losses = tfp.vi.fit_surrogate_posterior(
    log_posterior, posterior, optimizer=tf.keras.optimizers.Adam(0.1), num_steps=200, sample_size=10, seed=5
)
print("variational", posterior.mean().numpy(), "loss", losses[-1].numpy())
assert losses[-1] < losses[0] and np.abs(posterior.mean() - exact).max() < 0.06

found = tfp.optimizer.lbfgs_minimize(
    lambda weights: tfp.math.value_and_gradient(lambda at: -log_posterior(at), weights), tf.zeros(2)
)
assert found.converged and np.abs(found.position - exact).max() < 1e-3

coefficients, _, converged, _ = tfp.glm.fit(points, tf.constant(values), tfp.glm.Normal())
assert converged and np.abs(coefficients - np.linalg.lstsq(points, values, rcond=None)[0]).max() < 1e-3

walk = tfd.LinearGaussianStateSpaceModel(
    num_timesteps=30,
    transition_matrix=tf.linalg.LinearOperatorIdentity(1),
    transition_noise=tfd.MultivariateNormalDiag(scale_diag=[0.1]),
    observation_matrix=tf.linalg.LinearOperatorIdentity(1),
    observation_noise=tfd.MultivariateNormalDiag(scale_diag=[0.5]),
    initial_state_prior=tfd.MultivariateNormalDiag(scale_diag=[1.0]),
)
seen = walk.sample(seed=7).numpy()
steps = np.arange(30)
joint = 1.0 + 0.01 * np.minimum(steps[:, None], steps) + 0.25 * np.eye(30)
expected = -0.5 * (seen[:, 0] @ np.linalg.solve(joint, seen[:, 0]) + np.linalg.slogdet(2 * np.pi * joint)[1])
print("log likelihood", walk.log_prob(seen).numpy(), "exact", expected)
assert np.abs(walk.log_prob(seen) - expected) < 1e-2

bijector = tfb.Chain([tfb.Exp(), tfb.Shift(1.0), tfb.Scale(2.0)])
flow = tfd.TransformedDistribution(tfd.Normal(0.0, 1.0), bijector)
sys.exit(not np.isclose(flow.log_prob(3.0), tfd.LogNormal(1.0, 2.0).log_prob(3.0)))
