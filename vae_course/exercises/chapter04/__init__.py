"""Exercises of chapter 4, in the order of the book."""

from vae_course.exercises.chapter04.choice import MIXTURE_OR_SUM
from vae_course.exercises.chapter04.covariance import CLASS_COVARIANCE
from vae_course.exercises.chapter04.density import MIXTURE_LOG_DENSITY
from vae_course.exercises.chapter04.mean import CLASS_MEAN
from vae_course.exercises.chapter04.prior import CLASS_KL_TO_PRIOR

EXERCISES = (CLASS_MEAN, CLASS_COVARIANCE, MIXTURE_LOG_DENSITY, MIXTURE_OR_SUM, CLASS_KL_TO_PRIOR)
