"""Draws of z (level 2): from the prior, from mixtures of posteriors, and by Markov chains with the decoder alone.

A sampler is a module with `init` and `step`: pcn, random_walk, independence, elliptical_slice, hmc. `run` runs it.
"""

from vae_course.sampling import balance, elliptical_slice, hmc, independence, pcn, random_walk, targets
from vae_course.sampling.diagnostics import autocorrelation, effective_sample_size, r_hat
from vae_course.sampling.draws import sample_class, sample_dataset_posterior, sample_prior
from vae_course.sampling.grid import GridPosterior, grid_posterior
from vae_course.sampling.kernels import Info, Kernel, LogLikelihood, State
from vae_course.sampling.mixture import Mixture, fit_mixture
from vae_course.sampling.normal import Normal
from vae_course.sampling.quality import SampleQuality, nearest_distance, sample_quality
from vae_course.sampling.references import encoder_reference, fitted_reference, laplace_reference
from vae_course.sampling.running import Chain, run

__all__ = [
    "Chain",
    "GridPosterior",
    "Info",
    "Kernel",
    "LogLikelihood",
    "Mixture",
    "Normal",
    "SampleQuality",
    "State",
    "autocorrelation",
    "balance",
    "effective_sample_size",
    "elliptical_slice",
    "encoder_reference",
    "fit_mixture",
    "fitted_reference",
    "grid_posterior",
    "hmc",
    "independence",
    "laplace_reference",
    "nearest_distance",
    "pcn",
    "r_hat",
    "random_walk",
    "run",
    "sample_class",
    "sample_dataset_posterior",
    "sample_prior",
    "sample_quality",
    "targets",
]
