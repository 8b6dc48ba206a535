"""Exercises of chapter 7, in the order of the book."""

from vae_course.exercises.base import Question
from vae_course.exercises.chapter07.density import PROPOSAL_LOG_DENSITY
from vae_course.exercises.chapter07.form import SYMMETRIC_FORM
from vae_course.exercises.chapter07.prior import GENERAL_PRIOR_PROPOSAL
from vae_course.exercises.chapter07.proof import ORDER_THE_PROOF, PROOF_STEPS
from vae_course.exercises.chapter07.ratio import ACCEPTANCE_LOG_RATIO

__all__ = ["EXERCISES", "PROOF_STEPS"]

EXERCISES: tuple[Question, ...] = (
    PROPOSAL_LOG_DENSITY,
    SYMMETRIC_FORM,
    ACCEPTANCE_LOG_RATIO,
    GENERAL_PRIOR_PROPOSAL,
    ORDER_THE_PROOF,
)
