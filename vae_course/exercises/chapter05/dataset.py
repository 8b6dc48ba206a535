"""Exercise of chapter 5: draws from the mixture of all posteriors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises import chances
from vae_course.exercises.base import Inputs, Slip
from vae_course.exercises.chapter05 import reading
from vae_course.exercises.sampling_answers import Finding, Interview, Sampling, Unusable

_MANY = 2500  # draws in one call, far more than there are images
_FEW, _CALLS = 3, 50  # draws in one call, fewer than there are images


def sample_dataset_posterior(mu: Tensor, logvar: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n independent draws from the mixture of all given posteriors, (n, d): an image at random, then its z.

    mu, logvar: (m, d). Images are drawn with replacement; chapter 5.
    """
    index = torch.randint(len(mu), (n,), generator=generator)
    eps = torch.randn(n, mu.shape[1], generator=generator, dtype=mu.dtype)
    return mu[index] + (logvar[index] / 2).exp() * eps


class _Draws(NamedTuple):
    """few: the draws of the short calls. many: those of the long one, or None if it gave none; trouble: why."""

    few: list[reading.Reading]
    many: reading.Reading | None
    trouble: Unusable | None


def _examine(interview: Interview, rng: np.random.Generator) -> Finding:
    m, d = int(rng.integers(4, 8)), int(rng.choice([2, 4]))  # d is not _FEW: noise for rows does not fit columns
    mu, logvar = reading.place_means(rng, m, d), reading.draw_logvar(rng, m, d)
    posterior = {"mu": mu, "logvar": logvar}
    draws = _draw(interview, posterior, rng)
    everything = [*draws.few, *([draws.many] if draws.many is not None else [])]
    if not all(part.near for part in everything):
        return Finding({"near": 0.0}, remark=reading.NO_IMAGE, comparison=_compare(interview))
    few = reading.join(draws.few)
    choice = {f"{name}, few": value for name, value in reading.choice_tests(few.image, np.arange(m)).items()}
    choice["repeats"] = reading.repeat_test([r.image for r in draws.few], m)
    noise_of = few if draws.many is None else draws.many
    noise = reading.noise_tests(noise_of.noise, noise_of.image, np.exp(logvar / 2))
    if draws.many is not None:
        choice |= reading.choice_tests(draws.many.image, np.arange(m))
    slips, remarks = _name(draws, noise_of, logvar, choice, noise)
    if draws.trouble is not None and not slips and not remarks:
        raise draws.trouble
    if not slips:
        misuse = interview.misuse_of_generator({**posterior, "n": _FEW}, (_FEW, d), rng)
        remarks = [misuse] if misuse else remarks
    comparison = _compare(interview) if remarks else ()
    return Finding({**choice, **noise}, tuple(slips), " ".join(remarks), comparison)


def _draw(interview: Interview, posterior: Inputs, rng: np.random.Generator) -> _Draws:
    mu = posterior["mu"]
    d = mu.shape[1]
    few = [interview.draw({**posterior, "n": _FEW}, (_FEW, d), rng) for _ in range(_CALLS)]
    trouble, many = None, None
    try:
        many = interview.draw({**posterior, "n": _MANY}, (_MANY, d), rng)
        interview.draw({**posterior, "n": 1}, (1, d), rng)
    except Unusable as error:  # as where an answer can give no more draws than there are images
        if error.reply.problem != "raised":
            raise
        trouble = error
    return _Draws(
        [reading.read_draws(z, mu) for z in few], None if many is None else reading.read_draws(many, mu), trouble
    )


def _name(
    draws: _Draws, noise_of: reading.Reading, logvar: np.ndarray, choice: dict[str, float], noise: dict[str, float]
) -> tuple[list[str], list[str]]:
    """The slips in the choice of the image and in the noise, and remarks on what has no name."""
    slips, remarks = [], []
    calls = [r.image for r in draws.few]
    if all(np.array_equal(index, np.arange(_FEW)) for index in calls):
        slips.append("first_images_only")
    elif not chances.likely(choice.values()):
        remarks.append(reading.remark_on_choice(calls))
    if reading.is_no_noise(noise_of):
        slips.append("means_only")
    elif not chances.likely(noise.values()):
        shared = [reading.is_one_noise(r, logvar) for r in (*draws.few, *([draws.many] if draws.many else []))]
        as_variance = reading.noise_tests(noise_of.noise, noise_of.image, np.exp(logvar))
        if all(shared):
            slips.append("one_noise_for_all")
        elif chances.likely(as_variance.values()):
            slips.append("variance_as_std")
        else:
            remarks.append(reading.remark_on_noise(noise_of, logvar))
    elif all(reading.is_one_noise(r, logvar) for r in draws.few):
        slips.append("one_noise_for_all")
    return slips, remarks


def _compare(interview: Interview) -> tuple[tuple[str, str], ...]:
    """Moments of many draws from two images that a person can follow."""
    mu, logvar = np.array([[0.0, 0.0], [4.0, 2.0]]), np.array([[0.0, 0.0], [0.0, -2.0]])
    n = 2000
    inputs = {"mu": mu, "logvar": logvar, "n": n}
    z = interview.compare(inputs, (n, 2))
    if z is None:
        return ()
    given = [(name, str(value.tolist())) for name, value in (("mu", mu), ("logvar", logvar))]
    return (*given, ("n", str(n)), *reading.compare_moments(mu, logvar, z))


SAMPLE_DATASET_POSTERIOR = Sampling(
    name="sample_dataset_posterior",
    chapter=5,
    arguments=("mu", "logvar", "n", "generator"),
    returns="n rows of d latents, of shape (n, d)",
    reference=sample_dataset_posterior,
    examine=_examine,
    slips={
        "means_only": Slip(
            "It returns means of images, without noise.",
            "Your draws are the means of the images, exactly. An image stands for a whole Gaussian of codes, and "
            "a draw is one of them: the mean plus noise as wide as `logvar` says. Without it there are only as many "
            "different draws as images.",
        ),
        "variance_as_std": Slip(
            "It uses the variance where the standard deviation belongs.",
            "You used exp(logvar) as the standard deviation, but that is the variance. The noise is to be multiplied "
            "by its square root: what does that do to the exponent?",
        ),
        "first_images_only": Slip(
            "It takes the images in their order instead of drawing them.",
            "You took the images in their order, from the first on. The dataset is itself something to sample from: "
            "each draw chooses one image at random, all equally likely, and the same one may come again. So a few "
            "draws can come from anywhere in the dataset, and there can be more draws than images.",
        ),
        "one_noise_for_all": Slip(
            "All draws share one noise.",
            "All your draws have the same noise: you drew it once and used it for every row. Draws must be "
            "independent, so each needs random numbers of its own, one for each latent. Which shape must it have?",
        ),
    },
    hints=(
        "Two things are random, one after the other: which image, and which z of its Gaussian. Draw both for every one "
        "of the n rows.",
        r"$i_k \sim \mathrm{Uniform}\{1, \ldots, m\}$, then $z_k = \mu_{i_k} + \sigma_{i_k} \odot \varepsilon_k$ with "
        r"$\varepsilon_k \sim \mathcal{N}(0, I)$ and $\sigma = e^{\log \sigma^2 / 2}$, for $k = 1, \ldots, n$.",
        "`index = torch.randint(len(mu), (n,), generator=generator)` draws the images (a NumPy generator has "
        "`integers`); `mu[index]` has n rows. Noise of the same shape, times `exp(logvar[index] / 2)`, is added.",
    ),
    praise="First an image, then its z, both drawn anew for each row: that samples the mixture.",
)
