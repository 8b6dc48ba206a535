"""Exercises of chapter 5, in the order of the book."""

from vae_course.exercises.chapter05.classes import SAMPLE_CLASS
from vae_course.exercises.chapter05.dataset import SAMPLE_DATASET_POSTERIOR
from vae_course.exercises.chapter05.prior import SAMPLE_PRIOR

EXERCISES = (SAMPLE_PRIOR, SAMPLE_DATASET_POSTERIOR, SAMPLE_CLASS)
