"""Figures that the reader can touch, in the page and in Jupyter (level 5). Imported only where used."""

from vae_course.explore.base import Explorer
from vae_course.explore.latent_map import LatentMap

__all__ = ["Explorer", "LatentMap"]
