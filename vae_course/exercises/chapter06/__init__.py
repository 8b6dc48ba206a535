"""Exercises of chapter 6, in the order of the book."""

from vae_course.exercises.base import Question
from vae_course.exercises.chapter06.accept import MH_ACCEPT
from vae_course.exercises.chapter06.chain import PCN_CHAIN
from vae_course.exercises.chapter06.likelihood import DECODER_LOG_LIKELIHOOD
from vae_course.exercises.chapter06.proposal import PCN_PROPOSAL

EXERCISES: tuple[Question, ...] = (MH_ACCEPT, PCN_PROPOSAL, DECODER_LOG_LIKELIHOOD, PCN_CHAIN)
