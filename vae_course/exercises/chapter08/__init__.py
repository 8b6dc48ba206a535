"""Exercises of chapter 8, in the order of the book."""

from vae_course.exercises.chapter08.alignment import ALIGN_LATENTS
from vae_course.exercises.chapter08.phases import LOCATE_PHASES

EXERCISES = (LOCATE_PHASES, ALIGN_LATENTS)
