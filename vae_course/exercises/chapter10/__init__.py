"""Exercises of chapter 10, in the order of the book."""

from vae_course.exercises.base import Question
from vae_course.exercises.chapter10.collapse import COLLAPSE_THRESHOLD
from vae_course.exercises.chapter10.loss import BETA_LOSS
from vae_course.exercises.chapter10.sigma import OPTIMAL_SIGMA, SIGMA_TO_BETA
from vae_course.exercises.chapter10.units import ACTIVE_UNITS

EXERCISES: tuple[Question, ...] = (BETA_LOSS, SIGMA_TO_BETA, OPTIMAL_SIGMA, ACTIVE_UNITS, COLLAPSE_THRESHOLD)
