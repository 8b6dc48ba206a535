"""Exercises of chapter 9, in the order of the book."""

from vae_course.exercises.chapter09.direction import PRINCIPAL_DIRECTION
from vae_course.exercises.chapter09.distance import GAUSSIAN_W2
from vae_course.exercises.chapter09.shell import SHELL_RADIUS
from vae_course.exercises.chapter09.tour import SHORTEST_TOUR
from vae_course.exercises.chapter09.volume import LOG_VOLUME

EXERCISES = (LOG_VOLUME, PRINCIPAL_DIRECTION, GAUSSIAN_W2, SHORTEST_TOUR, SHELL_RADIUS)
