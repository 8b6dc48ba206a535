"""Exercises of chapter 11, in the order of the book."""

from vae_course.exercises.base import Question
from vae_course.exercises.chapter11.swap import SWAP_TEST

EXERCISES: tuple[Question, ...] = (SWAP_TEST,)
