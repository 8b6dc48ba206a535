"""Static figures (level 4): functions that draw what they are given on axes and return them."""

from vae_course.plots.chains import plot_autocorrelation, plot_cells, plot_trace
from vae_course.plots.embedding import plot_embedding, plot_images_at
from vae_course.plots.gaussians import plot_by_digit, plot_density, plot_gaussians, plot_tree
from vae_course.plots.images import plot_images
from vae_course.plots.latent_map import plot_latent_map
from vae_course.plots.latents import plot_code, plot_runs
from vae_course.plots.phases import plot_cloud, plot_phases
from vae_course.plots.rates import plot_rate_distortion, plot_sweep
from vae_course.plots.readings import plot_readings
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, RIGHT, SERIES, WRONG, use_style
from vae_course.plots.training import LiveCurves, plot_kl, plot_loss
from vae_course.plots.violins import (
    plot_boxes,
    plot_polar_violins,
    plot_profiles,
    plot_split_violins,
    plot_violins,
)

__all__ = [
    "DIGIT_COLOURS",
    "NEUTRAL",
    "RIGHT",
    "SERIES",
    "WRONG",
    "LiveCurves",
    "plot_autocorrelation",
    "plot_boxes",
    "plot_by_digit",
    "plot_cells",
    "plot_cloud",
    "plot_code",
    "plot_density",
    "plot_embedding",
    "plot_gaussians",
    "plot_images",
    "plot_images_at",
    "plot_kl",
    "plot_latent_map",
    "plot_loss",
    "plot_phases",
    "plot_polar_violins",
    "plot_profiles",
    "plot_rate_distortion",
    "plot_readings",
    "plot_runs",
    "plot_split_violins",
    "plot_sweep",
    "plot_trace",
    "plot_tree",
    "plot_violins",
    "use_style",
]
