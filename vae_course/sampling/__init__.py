"""Draws of z (level 2): from the prior, from mixtures of posteriors, and by Markov chains with the decoder alone.

A sampler is a module with `init` and `step`: pcn, random_walk, independence, elliptical_slice. `run` runs it.
"""

from vae_course.sampling import elliptical_slice, independence, pcn, random_walk, targets
from vae_course.sampling.diagnostics import autocorrelation, effective_sample_size, r_hat
from vae_course.sampling.draws import sample_class, sample_dataset_posterior, sample_prior
from vae_course.sampling.kernels import Info, Kernel, LogLikelihood, State
from vae_course.sampling.normal import Normal
from vae_course.sampling.references import encoder_reference, laplace_reference
from vae_course.sampling.running import Chain, run

__all__ = [
    "Chain",
    "Info",
    "Kernel",
    "LogLikelihood",
    "Normal",
    "State",
    "autocorrelation",
    "effective_sample_size",
    "elliptical_slice",
    "encoder_reference",
    "independence",
    "laplace_reference",
    "pcn",
    "r_hat",
    "random_walk",
    "run",
    "sample_class",
    "sample_dataset_posterior",
    "sample_prior",
    "targets",
]
