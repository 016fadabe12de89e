"""What a prediction is made of: a distribution for every pixel and channel of a batch of images.

Pixels lie in [0, 1], while a Gaussian does not know it. Its value is therefore read as clipped: the mean, the
variance, the intervals, the samples and the 256-level masses are those of clip(x, 0, 1). Only `log_prob` is the
density before clipping. Masses of coupled channels are taken one channel after the other, each given the levels of
those before it: they sum to one, and are those of samples but where a channel is black or white, beyond which it may
lie anywhere while the next one is given the edge itself.
"""

from recon.distributions.base import Distribution, Point
from recon.distributions.bounded import Bernoulli, Beta
from recon.distributions.clipped import log_normal_mass
from recon.distributions.gaussians import CoupledMixture, Gaussian, GaussianMixture, ScaledMixture
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
    "ScaledMixture",
    "log_normal_mass",
]
