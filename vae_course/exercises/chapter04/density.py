"""Exercise of chapter 4: the log-density of the mixture of a class's posteriors, finite far from the data too."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import draw_points
from vae_course.exercises.comparing import agree


def _components(z: Tensor, mu: Tensor, logvar: Tensor, *, normalizer: str = "whole") -> Tensor:
    """log N(z_n; mu_c, diag exp(logvar_c)) for every point and component: (n, components)."""
    squared = ((z[:, None] - mu) ** 2 / logvar.exp()).sum(dim=2)
    log_det, log_2_pi = logvar.sum(dim=1), mu.shape[1] * math.log(2 * math.pi)
    constant = {
        "whole": log_det + log_2_pi,
        "only 2 pi": torch.full_like(log_det, log_2_pi),
        "only determinant": log_det,
        "none": torch.zeros_like(log_det),
        "not halved": 2 * (log_det + log_2_pi),
    }[normalizer]
    return -0.5 * (squared + constant)


def mixture_log_density(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Logarithm of the density, at each z, of the mixture in equal parts of Gaussians N(mu_c, diag exp(logvar_c)).

    z: (n, latent_dim); mu, logvar: (components, latent_dim). Returns (n,), finite however far z is; chapter 4.
    """
    return torch.logsumexp(_components(z, mu, logvar), dim=1) - math.log(len(mu))


def _mix(z: Tensor, mu: Tensor, logvar: Tensor, *, normalizer: str, combine: str, through: str) -> Tensor:
    logs, n = _components(z, mu, logvar, normalizer=normalizer), len(mu)
    if through == "densities":  # exp first, log last: 0 and -inf far from the data
        p = logs.exp()
        return {
            "mean": lambda: p.mean(dim=1).log(),
            "sum": lambda: p.sum(dim=1).log(),
            "mean of logs": lambda: p.log().mean(dim=1),
            "sum of logs": lambda: p.prod(dim=1).log(),
            "mean of product": lambda: (p.prod(dim=1) / n).log(),
            "product of parts": lambda: (p / n).prod(dim=1).log(),
        }[combine]()
    return {
        "mean": lambda: torch.logsumexp(logs, dim=1) - math.log(n),
        "sum": lambda: torch.logsumexp(logs, dim=1),
        "mean of logs": lambda: logs.mean(dim=1),
        "sum of logs": lambda: logs.sum(dim=1),
        "mean of product": lambda: logs.sum(dim=1) - math.log(n),
        "product of parts": lambda: (logs - math.log(n)).sum(dim=1),
    }[combine]()


def _fails_only_far_away(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the answer is right near the data, and far away -inf, nan, one floor for all points, or an error."""

    def wanted(inputs: Inputs) -> np.ndarray:
        return mixture_log_density(*(torch.from_numpy(value) for value in inputs.values())).numpy()

    for _ in range(3):
        near = draw_points(rng, far=False)
        values = ask(near)
        if values is None or not agree(values, (wanted(near),)):
            return False
    far = draw_points(rng, far=True)
    values = ask(far)
    if values is None:
        return True  # math.log(0.0) raises
    if values[0].shape != far["z"].shape[:1] or agree(values, (wanted(far),)):
        return False
    underflown = np.isnan(values[0]) | np.isneginf(values[0])
    return bool(underflown.any() or np.ptp(values[0]) == 0)


def _gaussian_of_all(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    cov = torch.diag(logvar.exp().mean(dim=0)) + torch.cov(mu.T, correction=0)
    gaussian = torch.distributions.MultivariateNormal(mu.mean(dim=0), cov)
    return torch.as_tensor(gaussian.log_prob(z))


def _latent_by_latent(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    parts = [mixture_log_density(z[:, j : j + 1], mu[:, j : j + 1], logvar[:, j : j + 1]) for j in range(mu.shape[1])]
    return torch.stack(parts).sum(dim=0)


def _mean_after_smallest(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    logs = _components(z, mu, logvar)
    smallest = logs.min(dim=1).values
    return smallest + (logs - smallest[:, None]).exp().mean(dim=1).log()


_NOT_HALVED = (
    "Your normalizer is counted twice: a Gaussian is divided by the ROOT of its determinant and of 2 pi, so that both "
    "logarithms are halved."
)
_STD_FOR_LOGVAR = (
    "Your components have the variance exp(2 logvar). `logvar` is the logarithm of the variance, not of the standard "
    "deviation."
)
_OVER_POINTS = "You mixed over the points: you have one number for each component. Mix the components at each point."
_LATENT_BY_LATENT = (
    "You mixed the components in each latent by itself and then multiplied. A draw takes ALL its latents from one and "
    "the same component: first put together the density of each component, then mix."
)

MIXTURE_LOG_DENSITY = Exercise(
    name="mixture_log_density",
    chapter=4,
    returns="one number for each point z, of shape (n,)",
    draw=lambda rng: draw_points(rng, far=bool(rng.random() < 0.4)),
    examples=(
        {
            "z": np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]]),
            "mu": np.array([[0.0, 0.0], [2.0, 0.0]]),
            "logvar": np.array([[0.0, 0.0], [-1.0, 1.0]]),
        },
        {
            "z": np.array([[0.0, 0.0], [100.0, 0.0]]),
            "mu": np.array([[0.0, 0.0], [2.0, 0.0]]),
            "logvar": np.array([[0.0, 0.0], [0.0, 0.0]]),
        },
    ),
    reference=mixture_log_density,
    slips={
        "mean_of_logs": Slip(
            "It averages the log-densities instead of the densities.",
            "You averaged the logarithms of the densities. A mixture averages the densities themselves, and takes the "
            "logarithm afterwards; the two orders differ, and yours is always the smaller. With yours, a point that "
            "one image explains perfectly is ruled out by all others.",
        ),
        "missing_log_count": Slip(
            "It adds up the components without dividing by their number.",
            "You added the components up without dividing by how many there are. Each of them integrates to 1, so "
            "that your density integrates to their number. What does each component's weight of one over that number "
            "become in the logarithm?",
        ),
        "product_not_sum": Slip(
            "It multiplies the components' densities instead of adding them.",
            "You multiplied the densities of the components: a sum of logarithms is the logarithm of a product. A "
            "product asks for a z that fits ALL images at once; a mixture asks for one that fits this image OR that "
            "one. Probabilities of alternatives are added.",
        ),
        "missing_normalizer": Slip(
            "The Gaussians' normalizer, or a part of it, is missing.",
            "The Gaussians' normalizer, or a part of it, is missing. Each component must integrate to 1, whatever its "
            "width: without the determinant, wide components count for too much; without the 2 pi, all values are "
            "off by the same constant.",
        ),
        "underflow": Slip(
            "It adds densities, which are rounded to 0 far from the data, so that the logarithm is -inf.",
            "You take exp of every log-density and the logarithm at the end, which is sound on paper only. Far from "
            "the data the densities are smaller than the smallest floating-point number, so that they become 0, and "
            "their logarithm -inf; a tiny number added to the sum hides this behind a wrong value. Which common "
            "factor can be pulled out of the sum, so that the largest term is 1?",
            shown_by=_fails_only_far_away,
        ),
    },
    faulty=(
        *faulty_family(
            _mix,
            combine={
                "mean": None,
                "sum": "missing_log_count",
                "mean of logs": "mean_of_logs",
                "sum of logs": "product_not_sum",
                "mean of product": "product_not_sum",
                "product of parts": "product_not_sum",
            },
            normalizer={
                "whole": None,
                "only 2 pi": "missing_normalizer",
                "only determinant": "missing_normalizer",
                "none": "missing_normalizer",
            },
            through={"logs": None, "densities": "underflow"},
        ),
        Faulty(
            (),
            lambda z, mu, logvar: mixture_log_density(z, mu, logvar).exp(),
            remark="That is the density itself. Give its logarithm: far from the data the density is rounded to 0.",
        ),
        Faulty((), _latent_by_latent, remark=_LATENT_BY_LATENT),
        Faulty(
            (),
            _gaussian_of_all,
            remark="That is the ONE Gaussian with the mixture's mean and covariance. It is not the mixture, which can "
            "have several peaks, with little between them.",
        ),
        Faulty((), lambda z, mu, logvar: mixture_log_density(z, mu, 2 * logvar), remark=_STD_FOR_LOGVAR),
        Faulty(
            (),
            lambda z, mu, logvar: _mix(z, mu, logvar, normalizer="not halved", combine="mean", through="logs"),
            remark=_NOT_HALVED,
        ),
        Faulty(
            (),
            lambda z, mu, logvar: mixture_log_density(z, mu, logvar) + 2 * math.log(len(mu)),
            remark="You added the logarithm of the number of components. Dividing by a number subtracts its logarithm.",
        ),
        Faulty(
            (),
            lambda z, mu, logvar: torch.logsumexp(_components(z, mu, logvar), dim=1) / len(mu),
            remark="You divided the logarithm by the number of components. It is the density that is to be divided, "
            "before the logarithm is taken.",
        ),
        Faulty(
            (),
            lambda z, mu, logvar: _components(z, mu, logvar).max(dim=1).values,
            remark="You kept the nearest component alone. The others count as well, however little.",
        ),
        Faulty(
            (),
            lambda z, mu, logvar: torch.logsumexp(_components(z, mu, logvar), dim=0) - math.log(len(mu)),
            remark=_OVER_POINTS,
        ),
        Faulty(
            (),
            lambda z, mu, logvar: torch.logsumexp(_components(z, mu, logvar), dim=0) - math.log(len(z)),
            remark=_OVER_POINTS,
        ),
        Faulty((), lambda z, mu, logvar: _components(z, mu, logvar).exp().mean(dim=0).log(), remark=_OVER_POINTS),
        Faulty(
            (),
            _components,
            remark="You have the log-density of each component at each point. Mix the components at each point.",
        ),
        Faulty(
            (),
            _mean_after_smallest,
            remark="You pulled the SMALLEST term out of the sum, so that the others become too large for a "
            "floating-point number. Pull out the largest.",
        ),
    ),
    hints=(
        "First find the log-density of every component at every point, a table of shape (n, components). Then mix "
        "along the components: densities are averaged, not logarithms.",
        r"$\log p(z) = \log \frac{1}{m} \sum_i \exp \ell_i(z)$ with $m$ components and $\ell_i(z) = -\frac{1}{2} "
        r"\sum_j ((z_j - \mu_{ij})^2 / \sigma_{ij}^2 + \log \sigma_{ij}^2 + \log 2 \pi)$. Pull the largest $\ell_i$ "
        "out of the sum.",
        "`z[:, None] - mu` has the shape (n, components, latent_dim); add up the last axis. Then `logsumexp` along "
        "`dim=1`, minus the logarithm of `len(mu)`.",
    ),
    praise="An average of densities, in logarithms, and finite however far away z is.",
)
