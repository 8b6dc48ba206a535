"""Draws of z (level 2): from the prior, from the data set's posteriors, from one class."""

from vae_course.sampling.draws import sample_class, sample_dataset_posterior, sample_prior

__all__ = ["sample_class", "sample_dataset_posterior", "sample_prior"]
