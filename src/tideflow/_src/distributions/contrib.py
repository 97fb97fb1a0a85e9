"""The names of ``tf.contrib.distributions``: those of ``tf.distributions`` and those that only it has."""

from __future__ import annotations

from tideflow._src.distributions import bijectors as bijectors
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
from tideflow._src.distributions.more_univariate import Binomial as Binomial
from tideflow._src.distributions.more_univariate import Chi2 as Chi2
from tideflow._src.distributions.more_univariate import InverseGamma as InverseGamma
from tideflow._src.distributions.more_univariate import Poisson as Poisson
from tideflow._src.distributions.multinomial import Multinomial as Multinomial
from tideflow._src.distributions.multivariate_normal import MultivariateNormalDiag as MultivariateNormalDiag
from tideflow._src.distributions.multivariate_normal import MultivariateNormalTriL as MultivariateNormalTriL
from tideflow._src.distributions.normal import Normal as Normal
from tideflow._src.distributions.one_hot_categorical import OneHotCategorical as OneHotCategorical
from tideflow._src.distributions.special_functions import log_ndtr as log_ndtr
from tideflow._src.distributions.special_functions import ndtr as ndtr
from tideflow._src.distributions.special_functions import ndtri as ndtri
from tideflow._src.distributions.student_t import StudentT as StudentT
from tideflow._src.distributions.transformed import TransformedDistribution as TransformedDistribution
from tideflow._src.distributions.uniform import Uniform as Uniform
