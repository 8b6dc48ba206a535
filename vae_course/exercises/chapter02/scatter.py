"""The exercise of chapter 2 on the scatter plot: where an image's point lies."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Ask, Exercise, Faulty, Slip, faulty_family
from vae_course.exercises.chapter02.draws import SPREADS, draw_plane


def scatter_coordinates(mu: Tensor, logvar: Tensor) -> Tensor:
    """Where the images lie in a 2-D latent scatter: at their means. mu, logvar and the result: (n, 2)."""
    return mu


def _scatter_coordinates(mu: Tensor, logvar: Tensor, *, plotted: str, spread: str) -> Tensor:
    width = SPREADS[spread](logvar)
    return {
        "width": lambda: width,
        "one against the other": lambda: torch.stack([mu[:, 0], width[:, 0]], dim=1),
        "the same of latent 1": lambda: torch.stack([mu[:, 1], width[:, 1]], dim=1),
        "sum": lambda: mu + width,
        "side by side": lambda: torch.cat([mu, width], dim=1),
        "spread first": lambda: torch.cat([width, mu], dim=1),
        "in pairs": lambda: torch.stack([mu, width], dim=2).flatten(1),
        "one below the other": lambda: torch.cat([mu, width], dim=0),
    }[plotted]()


_USES_LOGVAR = ("width", "one against the other", "the same of latent 1", "sum")
_CONCATENATED = ("side by side", "spread first", "in pairs", "one below the other")


def _principal_components(mu: Tensor, logvar: Tensor) -> Tensor:
    """With the signs that scikit-learn chooses: the largest entry of each axis is above 0."""
    centred = mu - mu.mean(dim=0)
    axes: Tensor = torch.linalg.svd(centred).Vh
    signs = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    return centred @ (signs * axes).T


def _draws_samples(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the answer is mu plus noise that has nothing to do with the inputs, of one of the widths people use."""
    shape = (2000, 2)
    inputs = {"mu": rng.normal(scale=2, size=shape), "logvar": rng.uniform(-3, -0.5, size=shape)}  # no width near 0
    values = ask(inputs)
    if values is None or values[0].shape != shape or not np.isfinite(values[0]).all():
        return False
    mu, logvar = inputs["mu"], inputs["logvar"]
    std, variance = np.exp(logvar / 2), np.exp(logvar)
    if any(_is_standard_noise((values[0] - mu) / width, mu, logvar) for width in (std, variance, logvar, 1.0)):
        return True
    again = ask(inputs)  # one draw of noise for all images, another one at the next call
    return again is not None and any(
        np.ptp((values[0] - mu) / width, axis=0).max() < 1e-3 < np.abs((again[0] - values[0]) / width).max()
        for width in (std, variance)
    )


def _is_standard_noise(noise: np.ndarray, *known: np.ndarray) -> bool:
    """Whether each column of `noise` looks like N(0, 1), and neither it nor its size is related to the known values.

    noise, known: (2000, 2). Each test allows six standard errors, so that true noise passes.
    """
    return all(
        abs(column.mean()) < 0.14
        and abs(column.var() - 1) < 0.19
        and abs(np.abs(column).mean() - 0.798) < 0.08
        and all(abs(np.corrcoef(one, other[:, j])[0, 1]) < 0.14 for other in known for one in (column, np.abs(column)))
        for j, column in enumerate(noise.T)
    )


def _depends_on_logvar(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether an answer without randomness gives other points when nothing but logvar changes."""
    inputs = draw_plane(rng)
    shape = inputs["mu"].shape
    changed = {**inputs, "logvar": inputs["logvar"] + rng.uniform(0.5, 1, size=shape)}
    first, again, other = ask(inputs), ask(inputs), ask(changed)
    if first is None or again is None or other is None or not first[0].shape == other[0].shape == shape:
        return False
    return np.array_equal(first[0], again[0]) and not np.allclose(first[0], other[0], rtol=1e-3, atol=1e-3)


SCATTER_COORDINATES = Exercise(
    name="scatter_coordinates",
    chapter=2,
    returns="one point in the plane for each image, of shape (n, 2)",
    draw=draw_plane,
    examples=(
        {
            "mu": np.array([[0.0, 1.0], [-2.0, 0.5], [1.0, 3.0]]),
            "logvar": np.array([[-2.0, 0.0], [-4.0, -3.0], [-1.0, -2.0]]),
        },
    ),
    reference=scatter_coordinates,
    slips={
        "samples_not_means": Slip(
            "It plots a random draw from each posterior instead of its mean.",
            "You drew a sample for each image. The cloud then shows the images and the encoder's noise together, and "
            "it changes at every call. A scatter of images shows the one point that the encoder finds most likely; "
            "which of its outputs is that?",
            shown_by=_draws_samples,
        ),
        "uses_logvar": Slip(
            "It lets the log-variances decide where the points lie.",
            "The log-variances went into your coordinates. They say how sure the encoder is of a place, not where the "
            "place is. If they are to be seen, draw them around the point, as an ellipse.",
            shown_by=_depends_on_logvar,
        ),
        "concatenated": Slip(
            "It joins means and log-variances into one array.",
            "You joined the means and the log-variances, as if the encoder gave one point in 4 dimensions. It gives "
            "one Gaussian in 2 dimensions: each latent has a place and a width. Only the places are coordinates.",
        ),
    },
    faulty=(
        *faulty_family(
            _scatter_coordinates,
            plotted={**dict.fromkeys(_USES_LOGVAR, "uses_logvar"), **dict.fromkeys(_CONCATENATED, "concatenated")},
            spread=dict.fromkeys(SPREADS),
        ),
        Faulty(
            (),
            lambda mu, logvar: mu.flip(1),
            remark="You swapped the two latents: the first one belongs on the horizontal axis.",
        ),
        Faulty(
            (),
            lambda mu, logvar: mu.T,
            remark="You have the right numbers, a row for each axis. Give a row for each image.",
        ),
        Faulty(
            (),
            lambda mu, logvar: mu[:, 0],
            remark="You gave the first latent alone. A point in the plane needs both.",
        ),
        Faulty(
            (),
            lambda mu, logvar: mu - mu.mean(dim=0),
            remark="You moved the cloud's centre to 0. Leave the points where the encoder puts them: the place of 0, "
            "the prior's mean, is part of what the plot shows.",
        ),
        Faulty(
            (),
            _principal_components,
            remark="You turned the plane by PCA. It is for more than two dimensions; here the latents are the axes, "
            "and what the decoder makes of a point depends on them.",
        ),
        *(
            Faulty(
                (),
                lambda mu, logvar, correction=correction: (mu - mu.mean(dim=0)) / mu.std(dim=0, correction=correction),
                remark="You standardised the latents. Their own scale is that of the prior, and part of what the plot "
                "shows.",
            )
            for correction in (0, 1)
        ),
    ),
    hints=(
        "The encoder gives each image a Gaussian in the plane. Which one point would you name if you were asked where "
        "the image is?",
        r"The points are $(\mu_{i1}, \mu_{i2})$ for the images $i$. A 2-D model needs no t-SNE: its latents are the "
        "axes.",
        "One of the two arguments already has the shape (n, 2) and holds the places. Return it.",
    ),
    praise="The means are the points; in two dimensions they need no further step. The variances are no coordinates.",
)
