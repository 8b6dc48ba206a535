"""Exercise of chapter 4 on a class and the prior: the KL from a full Gaussian to N(0, I)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero


def class_kl_to_prior(mean: Tensor, cov: Tensor) -> Tensor:
    """KL(N(mean, cov) || N(0, I)) in nats.

    mean: (latent_dim,); cov: (latent_dim, latent_dim), positive definite. Returns a scalar, >= 0.
    Half of trace(cov) + |mean|^2 - latent_dim - log det(cov); chapter 4.
    """
    return 0.5 * (cov.trace() + mean @ mean - len(mean) - torch.logdet(cov))


def _class_kl(mean: Tensor, cov: Tensor, *, matrix: str, logdet: bool, direction: str, half: bool) -> Tensor:
    c = torch.diag(cov.diag()) if matrix == "diagonal" else cov
    log_volume = torch.logdet(c) if logdet else torch.zeros((), dtype=cov.dtype)
    if direction == "reverse":  # KL(N(0, I) || N(mean, cov))
        total = c.inverse().trace() + mean @ c.inverse() @ mean - len(mean) + log_volume
    else:
        total = c.trace() + mean @ mean - len(mean) - log_volume
    return (0.5 if half else 1.0) * total


def _with_factors(slips: tuple[str, ...] = (), remark: str = "", **changed: float) -> Faulty:
    """The right formula with other factors of its terms."""
    factors = {"trace": 0.5, "square": 0.5, "latents": -0.5, "one": 0.0, "logdet": -0.5, **changed}

    def function(mean: Tensor, cov: Tensor) -> Tensor:
        terms = {
            "trace": cov.trace(),
            "square": mean @ mean,
            "latents": torch.tensor(float(len(mean))),
            "one": torch.ones(()),
            "logdet": torch.logdet(cov),
        }
        return torch.stack([factors[name] * term.double() for name, term in terms.items()]).sum()

    return Faulty(slips, function, remark)


def _draw_class_gaussian(rng: np.random.Generator) -> Inputs:
    """A mean away from 0 and a covariance whose latents are strongly correlated."""
    latent_dim = int(rng.integers(3, 6))
    directions, _ = np.linalg.qr(rng.normal(size=(latent_dim, latent_dim)))
    variances = np.exp(rng.uniform(-2.5, 1.5, size=latent_dim))
    cov = (directions * variances) @ directions.T
    return {"mean": away_from_zero(rng, latent_dim), "cov": (cov + cov.T) / 2}


_NO_COUNT = "The number of latents is to be subtracted, 1 for each, so that the KL is 0 at `mean = 0` and `cov = I`."

CLASS_KL_TO_PRIOR = Exercise(
    name="class_kl_to_prior",
    chapter=4,
    returns="one number in nats",
    draw=_draw_class_gaussian,
    examples=(
        {"mean": np.array([1.0, 2.0]), "cov": np.array([[1.0, 0.5], [0.5, 2.0]])},
        {"mean": np.array([0.0, 0.0]), "cov": np.array([[0.5, 0.0], [0.0, 2.0]])},
    ),
    reference=class_kl_to_prior,
    slips={
        "diagonal_only": Slip(
            "It uses the diagonal of the covariance alone.",
            "You used the diagonal of `cov` alone, as chapter 1 did for one image. A class is no such case: its "
            "latents are correlated, so its ellipsoid is tilted and has less volume than the variances "
            "suggest. Which term of the KL sees the whole matrix?",
        ),
        "missing_logdet": Slip(
            "The logarithm of the determinant is missing.",
            "The logarithm of the determinant is missing. Without it nothing would keep the class from shrinking to a "
            "point: the KL must grow without bound as the covariance goes to 0, and be 0 only at `mean = 0` and "
            "`cov = I`.",
        ),
        "reverse_kl": Slip(
            "It gives KL(prior || class), the other way round.",
            "You computed the KL from the prior to the class. The two directions differ: the average is taken over the "
            "first distribution, which here is the class. No inverse of `cov` is needed for that.",
        ),
        "missing_half": Slip(
            "A factor 1/2 is missing.",
            "A half is missing. Every term of this KL has one: in the Gaussian's exponent there is a half, and the "
            "determinant stands under a square root.",
        ),
    },
    faulty=(
        # without the determinant the diagonal is all that enters, so that these two are one
        *(
            fault
            for fault in faulty_family(
                _class_kl,
                matrix={"full": None, "diagonal": "diagonal_only"},
                logdet={True: None, False: "missing_logdet"},
                direction={"forward": None, "reverse": "reverse_kl"},
                half={True: None, False: "missing_half"},
            )
            if set(fault.slips) != {"diagonal_only", "missing_logdet"}
        ),
        _with_factors(("missing_half",), logdet=-1.0),
        _with_factors(("missing_half",), trace=1.0, square=1.0, latents=-1.0),
        _with_factors(("missing_half",), square=1.0),
        _with_factors(
            remark="The sign of the log-determinant is turned round: a small volume must cost, not pay.", logdet=0.5
        ),
        _with_factors(remark=_NO_COUNT, latents=0.0),
        _with_factors(remark=_NO_COUNT, latents=0.0, one=-0.5),
        _with_factors(
            remark="The squared length of the mean is missing: a class that is as wide as the prior, but lies "
            "elsewhere, must cost something.",
            square=0.0,
        ),
        Faulty(
            (),
            lambda mean, cov: 0.5 * (cov.trace() + mean.norm() - len(mean) - torch.logdet(cov)),
            remark="You used the length of the mean. It enters squared.",
        ),
        Faulty(
            (),
            lambda mean, cov: 0.5 * (cov.trace() + mean.sum() - len(mean) - torch.logdet(cov)),
            remark="You added up the entries of the mean. Each is to be squared first.",
        ),
        Faulty(
            (),
            lambda mean, cov: 0.5 * (cov.trace() + mean @ mean - len(mean) - torch.det(cov)),
            remark="You subtracted the determinant itself. It is its logarithm that enters.",
        ),
        Faulty(
            (),
            lambda mean, cov: class_kl_to_prior(mean, cov) / math.log(2),
            remark="Your value is in bits. Use the natural logarithm, which gives nats.",
        ),
        Faulty(
            (),
            lambda mean, cov: class_kl_to_prior(mean, cov) / len(mean),
            remark="You divided by the number of latents. The KL adds up over them.",
        ),
        Faulty(
            (),
            lambda mean, cov: class_kl_to_prior(mean, cov @ cov),
            remark="You used the square of `cov`. It holds variances and covariances already, no standard deviations.",
        ),
        Faulty(
            (),
            lambda mean, cov: 0.5 * (cov.sum() + mean @ mean - len(mean) - torch.logdet(cov)),
            remark="You added up the whole matrix. The trace is the sum of its diagonal.",
        ),
    ),
    hints=(
        "If the covariance were diagonal, the KL would be the one of chapter 1, added up over the latents. Write "
        "that with a trace and a determinant, which make sense for any covariance.",
        r"$\mathrm{KL} = \frac{1}{2} (\mathrm{tr}\, C + m^T m - d - \log \det C)$ with $d$ latents.",
        "Four terms: the sum of the diagonal of `cov`, the product of `mean` with itself, `len(mean)`, and the "
        "second value of `slogdet(cov)`; the last two are subtracted. Then halve.",
    ),
    praise="Trace, squared mean, dimension and log-determinant, halved: 0 only where the class is the prior itself.",
)
