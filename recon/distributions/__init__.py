"""What a prediction is made of: a distribution for every pixel and channel of a batch of images.

Pixels lie in [0, 1], while a Gaussian does not know it. Its value is therefore read as clipped: the mean, the
variance, the intervals, the samples and the 256-level masses are those of clip(x, 0, 1), so that saturated pixels
have the probability that the model gives them. Only `log_prob` is the density before clipping.
"""

from recon.distributions.base import Distribution, Point
from recon.distributions.bounded import Bernoulli, Beta
from recon.distributions.gaussians import CoupledMixture, Gaussian, GaussianMixture, log_normal_mass
from recon.distributions.isotropic import IsotropicMixture
from recon.distributions.mixture import Mixture

__all__ = [
    "Bernoulli",
    "Beta",
    "CoupledMixture",
    "Distribution",
    "Gaussian",
    "GaussianMixture",
    "IsotropicMixture",
    "Mixture",
    "Point",
    "log_normal_mass",
]
