"""Exercises of chapter 3, in the order of the book."""

from vae_course.exercises.chapter03.heads import REPAIR_HEADS
from vae_course.exercises.chapter03.traversal import TRAVERSAL
from vae_course.exercises.chapter03.variance import AGGREGATE_VARIANCE

EXERCISES = (TRAVERSAL, AGGREGATE_VARIANCE, REPAIR_HEADS)
