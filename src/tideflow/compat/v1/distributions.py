"""Probability distributions of TensorFlow 1.x: ``tf.distributions``."""

from __future__ import annotations

from tideflow._src.distributions.bernoulli import Bernoulli as Bernoulli
from tideflow._src.distributions.beta import Beta as Beta
from tideflow._src.distributions.categorical import Categorical as Categorical
from tideflow._src.distributions.dirichlet import Dirichlet as Dirichlet
from tideflow._src.distributions.dirichlet import DirichletMultinomial as DirichletMultinomial
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED as FULLY_REPARAMETERIZED
from tideflow._src.distributions.distribution import NOT_REPARAMETERIZED as NOT_REPARAMETERIZED
from tideflow._src.distributions.distribution import Distribution as Distribution
from tideflow._src.distributions.distribution import ReparameterizationType as ReparameterizationType
from tideflow._src.distributions.divergence import RegisterKL as RegisterKL
from tideflow._src.distributions.divergence import kl_divergence as kl_divergence
from tideflow._src.distributions.gamma import Exponential as Exponential
from tideflow._src.distributions.gamma import Gamma as Gamma
from tideflow._src.distributions.laplace import Laplace as Laplace
from tideflow._src.distributions.multinomial import Multinomial as Multinomial
from tideflow._src.distributions.normal import Normal as Normal
from tideflow._src.distributions.student_t import StudentT as StudentT
from tideflow._src.distributions.uniform import Uniform as Uniform
