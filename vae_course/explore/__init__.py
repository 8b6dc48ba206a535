"""Figures that the reader can touch, in the page and in Jupyter (level 5). Imported only where used."""

from vae_course.explore.base import Explorer
from vae_course.explore.beta_explorer import BetaExplorer
from vae_course.explore.class_gaussians import ClassGaussianMap
from vae_course.explore.draw_digit import DrawDigit
from vae_course.explore.latent_map import LatentMap
from vae_course.explore.latents import Latents
from vae_course.explore.linked_maps import MAP_SETS, LinkedMaps
from vae_course.explore.pcn_chain import PcnChain
from vae_course.explore.posterior_views import PosteriorViews
from vae_course.explore.training_scrubber import TrainingScrubber

__all__ = [
    "MAP_SETS",
    "BetaExplorer",
    "ClassGaussianMap",
    "DrawDigit",
    "Explorer",
    "LatentMap",
    "Latents",
    "LinkedMaps",
    "PcnChain",
    "PosteriorViews",
    "TrainingScrubber",
]
