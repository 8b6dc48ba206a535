"""Exercises of chapter 2, in the order of the book."""

from vae_course.exercises.chapter02.ellipse import POSTERIOR_ELLIPSE
from vae_course.exercises.chapter02.neighbours import NEIGHBOUR_PRESERVATION
from vae_course.exercises.chapter02.scatter import SCATTER_COORDINATES

EXERCISES = (SCATTER_COORDINATES, POSTERIOR_ELLIPSE, NEIGHBOUR_PRESERVATION)
