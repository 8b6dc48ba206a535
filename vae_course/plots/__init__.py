"""Static figures (level 4): functions that draw what they are given on axes and return them."""

from vae_course.plots.images import plot_images
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, RIGHT, WRONG, use_style
from vae_course.plots.training import LiveCurves, plot_kl, plot_loss

__all__ = ["DIGIT_COLOURS", "NEUTRAL", "RIGHT", "WRONG", "LiveCurves", "plot_images", "plot_kl", "plot_loss", "use_style"]
