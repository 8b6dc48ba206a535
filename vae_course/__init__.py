"""Helper package of the course "Inside the latent space".

The names used most are here, the others in their modules. Importing this costs little more than PyTorch.
"""

from vae_course.checks import make_generator
from vae_course.configs import QUICK, TrainConfig, VAEConfig
from vae_course.data import load_digits, to_unit
from vae_course.models import VAE, Autoencoder
from vae_course.objectives import (
    bernoulli_nll,
    effective_beta,
    gaussian_nll,
    kl_per_latent,
    kl_standard_normal,
    reparameterize,
)
from vae_course.training import fit, loss_terms
from vae_course.types import Digits, History, Posterior

__version__ = "0.1.0"

__all__ = [
    "QUICK",
    "VAE",
    "Autoencoder",
    "Digits",
    "History",
    "Posterior",
    "TrainConfig",
    "VAEConfig",
    "bernoulli_nll",
    "effective_beta",
    "fit",
    "gaussian_nll",
    "kl_per_latent",
    "kl_standard_normal",
    "load_digits",
    "loss_terms",
    "make_generator",
    "reparameterize",
    "to_unit",
]
