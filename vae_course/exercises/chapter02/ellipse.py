"""The exercise of chapter 2 on the ellipse that shows an image's variance in the scatter plot."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Slip, faulty_family
from vae_course.exercises.chapter02.draws import SPREADS, draw_plane


def posterior_ellipse(mu: Tensor, logvar: Tensor, n_std: float) -> tuple[Tensor, Tensor]:
    """Center and semi-axes, both (n, 2), of the ellipse `n_std` standard deviations around each image's mean.

    mu, logvar: (n, 2). The axes are parallel to the latents, as the posterior's covariance is diagonal.
    """
    return mu, n_std * (0.5 * logvar).exp()


def _posterior_ellipse(mu: Tensor, logvar: Tensor, n_std: float, *, width: str, length: float) -> tuple[Tensor, Tensor]:
    return mu, length * n_std * SPREADS[width](logvar)


POSTERIOR_ELLIPSE = Exercise(
    name="posterior_ellipse",
    chapter=2,
    returns="two arrays, center and semi_axes, both of shape (n, 2)",
    draw=lambda rng: {**draw_plane(rng), "n_std": float(rng.uniform(1.3, 3))},
    examples=(
        {
            "mu": np.array([[0.0, 1.0], [-2.0, 0.5], [1.0, 3.0]]),
            "logvar": np.array([[0.0, 0.0], [-2.0, 0.0], [2.0, -4.0]]),
            "n_std": 3.0,
        },
    ),
    reference=posterior_ellipse,
    slips={
        "variance_as_std": Slip(
            "It uses the variance where the standard deviation belongs.",
            "Your axes are multiples of the variance. A length in the plot must have the units of z; the variance has "
            "those of z squared. At `logvar = 0` the two are equal, so try another value.",
        ),
        "logvar_as_std": Slip(
            "It uses logvar itself where the standard deviation belongs.",
            "You used `logvar` itself as a length. It is a logarithm and mostly below 0, which no length can be. First "
            "turn it into a variance, then ask how far a typical draw lies from the mean.",
        ),
        "diameter": Slip(
            "It gives the full axes, twice the semi-axes.",
            "Your axes are twice as long. A semi-axis runs from the center to the rim; the full axis, which some "
            "plotting functions ask for as width and height, runs from rim to rim.",
        ),
    },
    faulty=(
        *faulty_family(
            _posterior_ellipse,
            width={"std": None, "variance": "variance_as_std", "logvar": "logvar_as_std"},
            length={1.0: None, 2.0: "diameter"},
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, (0.5 * logvar).exp()),
            remark="Your axes do not depend on `n_std`: they are one standard deviation long, whatever is asked for.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, n_std**2 * (0.5 * logvar).exp()),
            remark="You squared `n_std`. A length of n standard deviations is n times one of them.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, n_std**2 * logvar.exp()),
            remark="You gave the squares of the semi-axes, as they stand in the ellipse's equation.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, n_std**0.5 * (0.5 * logvar).exp()),
            remark="You took the root of `n_std` as well. It counts standard deviations, not variances.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, n_std * (-0.5 * logvar).exp()),
            remark="The sign in your exponent is turned round: a larger log-variance must give a larger ellipse.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, n_std * logvar.abs().sqrt()),
            remark="You took the root of `logvar`. It is the logarithm of the variance, not the variance.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, n_std * logvar.sqrt()),
            remark="You took the root of `logvar`. It is the logarithm of the variance, so it can be below 0, and "
            "the root is then nan.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu, mu + n_std * (0.5 * logvar).exp()),
            remark="Your second result is a place on the rim. A semi-axis is a length: the distance from the center "
            "to the rim.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (mu - n_std * (0.5 * logvar).exp(), mu + n_std * (0.5 * logvar).exp()),
            remark="You gave the corners of the box around the ellipse. Give its center and the lengths of its "
            "semi-axes.",
        ),
        Faulty(
            (),
            lambda mu, logvar, n_std: (n_std * (0.5 * logvar).exp(), mu),
            remark="Both are right but in the other order: first the center, then the semi-axes.",
        ),
    ),
    hints=(
        "The posterior's covariance is diagonal, so the ellipse's axes are parallel to the latents' axes. How far does "
        "it reach along one of them?",
        r"Center $\mu_i$ and semi-axes $n_{\mathrm{std}} \, \sigma_{ij}$, where $\mathrm{logvar} = \log \sigma^2$.",
        "Return two arrays: `mu`, and `n_std` times `(0.5 * logvar).exp()`.",
    ),
    praise="The mean is the center, and each semi-axis is n_std standard deviations of its latent.",
)
