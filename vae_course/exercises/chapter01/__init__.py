"""Exercises of chapter 1, in the order of the book."""

from vae_course.exercises.chapter01.codes import COUNT_OUTPUTS, REPARAMETERIZE
from vae_course.exercises.chapter01.loss import KL_STANDARD_NORMAL, NEGATIVE_ELBO

EXERCISES = (COUNT_OUTPUTS, REPARAMETERIZE, KL_STANDARD_NORMAL, NEGATIVE_ELBO)
