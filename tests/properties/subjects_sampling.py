"""Every function of vae_course.sampling with arguments that are right, and the roles of those that can be wrong."""

from __future__ import annotations

from typing import Any

import torch
from inputs import PIXELS, class_labels, covariances, normal, posterior, uniform, vae
from spoiling import (
    Subject,
    a_generator,
    both,
    but,
    count,
    density,
    finite,
    floats,
    fractions,
    labels,
    narrower,
    points,
    positive,
    row,
    shorter,
    square,
    table,
)
from torch import Tensor

from vae_course import sampling
from vae_course.sampling import Normal, balance, targets

N, D, C = 12, 2, 4


def a_likelihood(z: Tensor) -> Tensor:
    return -(z**2).sum(dim=1)


def state(seed: int) -> dict[str, Any]:
    z = normal(seed, N, D)
    return {
        "state": sampling.State(z, a_likelihood(z)),
        "log_likelihood": a_likelihood,
        "step": 0.3,
        "generator": a_generator(),
    }


def without_step(seed: int) -> dict[str, Any]:
    return {name: value for name, value in state(seed).items() if name != "step"}


def a_chain(seed: int) -> dict[str, Any]:
    return {"z": normal(seed, 20, 3, D)}


def transition(seed: int) -> Tensor:
    """Rows that sum to 1."""
    return normal(seed, 5, 5).softmax(dim=1)


def an_image(seed: int) -> dict[str, Any]:
    return {"model": vae(seed), "x": uniform(seed, PIXELS, dtype=torch.float32)}


def a_normal(seed: int) -> Normal:
    return Normal.from_cov(normal(seed, D), covariances(seed, D))


def foreign(_: Any) -> dict[str, Any]:
    """A Gaussian of other dimensions than the chains'."""
    return {
        "another d": Normal(torch.zeros(D + 1), torch.eye(D + 1)),
        "other chains": Normal(torch.zeros(N + 1, D), torch.eye(D).expand(N + 1, D, D)),
    }


def step_role(largest: float | None) -> Any:
    beyond = {"infinity": torch.inf} if largest is None else {"too large": largest + 0.1}
    return both(positive, lambda _: {"none": None, **beyond})


def no_step(_: Any) -> dict[str, Any]:
    return {"given": 0.3}


PCN = {"step": step_role(1), "prior": foreign, "reference": foreign}
IMAGE = both(
    lambda x: {"a number": x[0], "three-dimensional": x[None, None], "empty": x[:0]},
    narrower,
    finite,
    lambda x: {"whole numbers": x.long()},
)
DRAWS = both(
    lambda z: {
        "two-dimensional": z[:, :, 0],
        "a number": z[0, 0, 0],
        "without steps": z[:0],
        "without chains": z[:, :0],
        "without latents": z[:, :, :0],
    },
    floats,
    finite,
)
GAUSSIAN = "Gaussian|mean"

SUBJECTS: dict[str, Subject] = {
    "Mixture.log_density": Subject(
        lambda weight, mean, cov, z: sampling.Mixture(weight, mean, cov).log_density(z),
        lambda seed: {
            "weight": torch.tensor([0.3, 0.7]),
            "mean": normal(seed, 2, D),
            "cov": covariances(seed, 2, D),
            "z": normal(seed, N, D),
        },
        {"z": both(points, narrower)},
    ),
    "Mixture.sample": Subject(
        lambda mixture, n: mixture.sample(n, generator=a_generator()),
        lambda seed: {"mixture": sampling.fit_mixture(normal(seed, N, D), 2), "n": 3},
        {"n": count},
    ),
    "Normal": Subject(
        Normal,
        lambda seed: {"mean": normal(seed, D), "cholesky": torch.linalg.cholesky(covariances(seed, D))},
        {
            "mean": both(floats, finite, narrower, lambda m: {"a number": m[0], "empty": m[:0]}),
            "cholesky": both(
                square,
                floats,
                finite,
                lambda c: {"a covariance": c @ c.T, "negative": -c, "flat": c * torch.tensor([0, 1])},
            ),
        },
    ),
    "Normal.from_cov": Subject(
        Normal.from_cov,
        lambda seed: {"mean": normal(seed, D), "cov": covariances(seed, D)},
        {"mean": both(floats, finite, narrower), "cov": density},
    ),
    "autocorrelation": Subject(
        sampling.autocorrelation,
        a_chain,
        {"z": both(lambda z: {"a number": z[0, 0, 0], "without steps": z[:0]}, floats, finite)},
    ),
    "balance.flows": Subject(
        balance.flows,
        lambda seed: {"log_target": normal(seed, 5), "transition": transition(seed)},
        {
            "log_target": both(row, floats, finite, narrower),
            "transition": both(square, floats, finite, lambda k: {"rows that sum to 2": 2 * k, "negative": -k}),
        },
    ),
    "balance.imbalance": Subject(
        balance.imbalance,
        lambda seed: {"flow": transition(seed) / 5},
        {"flow": both(square, floats, finite, lambda f: {"no flow": f.diagonal().diag()})},
    ),
    "balance.stationary": Subject(
        balance.stationary,
        lambda seed: {"transition": transition(seed)},
        {
            "transition": both(
                square,
                floats,
                finite,
                lambda k: {
                    "rows that sum to 2": 2 * k,
                    "two parts": torch.eye(len(k), dtype=k.dtype),
                    "negative": 2 * torch.eye(5).double() - k,
                },
            )
        },
    ),
    "balance.transition_matrix": Subject(
        balance.transition_matrix,
        lambda seed: {"log_proposal": transition(seed).log(), "log_ratio": normal(seed, 5, 5)},
        {
            "log_proposal": both(square, floats, finite, lambda p: {"rows that sum to 2": p + 0.7}),
            "log_ratio": both(square, floats, finite, lambda r: {"another grid": r[:-1, :-1]}),
        },
    ),
    "effective_sample_size": Subject(
        sampling.effective_sample_size, a_chain, {"z": both(DRAWS, lambda z: {"too short": z[:7]})}
    ),
    "elliptical_slice.step": Subject(
        sampling.elliptical_slice.step,
        without_step,
        {"step": no_step, "prior": foreign, "reference": foreign},
        called={"prior": GAUSSIAN, "reference": GAUSSIAN},
    ),
    "encoder_reference": Subject(sampling.encoder_reference, an_image, {"x": IMAGE}),
    "fit_mixture": Subject(
        sampling.fit_mixture,
        lambda seed: {"z": normal(seed, N, D), "n_components": 2, "seed": 0},
        {"z": points, "n_components": both(count, lambda n: {"more than codes": N + 1})},
    ),
    "fitted_reference": Subject(
        sampling.fitted_reference,
        lambda seed: {"z": normal(seed, 20, 3, D), "width": 1.1},
        {"z": both(DRAWS, lambda z: {"one draw": z[:1, :1], "constant": 0 * z}), "width": positive},
    ),
    "grid_posterior": Subject(
        sampling.grid_posterior,
        lambda seed: {"log_likelihood": a_likelihood, "limit": 3.0, "accuracy": 0.9},
        {
            "log_likelihood": lambda _: {
                "NaN": lambda z: z[:, 0] * torch.nan,
                "nowhere": lambda z: z[:, 0] * 0 - torch.inf,
                "infinite": lambda z: z[:, 0] * 0 + torch.inf,
                "two-dimensional": lambda z: z,
                "a number": lambda z: z.sum(),
            },
            "limit": both(positive, lambda v: {"infinity": torch.inf, "less than a cell": 0.1}),
            "accuracy": positive,
        },
        called={"log_likelihood": "log-likelihood|log_likelihood"},
    ),
    "GridPosterior.sample": Subject(
        lambda grid, n: grid.sample(n, generator=a_generator()),
        lambda seed: {"grid": sampling.grid_posterior(a_likelihood), "n": 3},
        {"n": count},
    ),
    "hmc.step": Subject(
        sampling.hmc.step,
        lambda seed: {**state(seed), "n_leapfrog": 2},
        {"step": step_role(None), "n_leapfrog": count, "prior": foreign, "reference": foreign},
        called={"prior": GAUSSIAN, "reference": GAUSSIAN},
    ),
    "independence.step": Subject(
        sampling.independence.step,
        without_step,
        {"step": no_step, "prior": foreign, "reference": foreign},
        called={"prior": GAUSSIAN, "reference": GAUSSIAN},
    ),
    "laplace_reference": Subject(
        sampling.laplace_reference,
        lambda seed: {**an_image(seed), "n_iterations": 2},
        {"x": IMAGE, "n_iterations": count},
    ),
    "nearest_distance": Subject(
        sampling.nearest_distance,
        lambda seed: {"points": normal(seed, N, D), "others": normal(seed + 1, N, D)},
        {"points": points, "others": both(points, narrower)},
    ),
    "pcn.init": Subject(
        sampling.pcn.init,
        lambda seed: {"z0": normal(seed, N, D), "log_likelihood": a_likelihood},
        {
            "z0": points,
            "log_likelihood": lambda _: {
                "NaN": lambda z: z[:, 0] * torch.nan,
                "nowhere": lambda z: z[:, 0] * 0 - torch.inf,
                "two-dimensional": lambda z: z,
                "a number": lambda z: z.sum(),
            },
        },
        called={"log_likelihood": "log-likelihood|log_likelihood"},
    ),
    "pcn.step": Subject(sampling.pcn.step, state, PCN, called={"prior": GAUSSIAN, "reference": GAUSSIAN}),
    "r_hat": Subject(sampling.r_hat, a_chain, {"z": both(DRAWS, lambda z: {"too short": z[:7]})}),
    "random_walk.step": Subject(
        sampling.random_walk.step,
        state,
        {"step": step_role(None), "prior": foreign},
        called={"prior": GAUSSIAN},
    ),
    "run": Subject(
        sampling.run,
        lambda seed: {
            "kernel": sampling.pcn,
            "log_likelihood": a_likelihood,
            "z0": normal(seed, N, D),
            "n_steps": 3,
            "step": 0.3,
            "generator": a_generator(),
        },
        {"z0": points, "n_steps": count, "step": step_role(1)},
    ),
    "sample_class": Subject(
        sampling.sample_class,
        lambda seed: {
            **posterior(seed, N, D)._asdict(),
            "labels": class_labels(seed, N, C),
            "c": 1,
            "n": 5,
            "generator": a_generator(),
        },
        {
            "mu": both(points, shorter),
            "logvar": but(both(points, shorter), "-infinity"),
            "labels": but(labels, "too large"),
            "c": lambda _: {"no image has it": C, "negative": -1, "half": 0.5, "a word": "one"},
            "n": count,
        },
        called={"c": "c|label"},
    ),
    "sample_dataset_posterior": Subject(
        sampling.sample_dataset_posterior,
        lambda seed: {**posterior(seed, N, D)._asdict(), "n": 5, "generator": a_generator()},
        {"mu": both(points, shorter), "logvar": but(both(points, shorter), "-infinity"), "n": count},
    ),
    "sample_prior": Subject(
        sampling.sample_prior, lambda seed: {"n": 3, "d": D, "generator": a_generator()}, {"n": count, "d": count}
    ),
    "sample_quality": Subject(
        sampling.sample_quality,
        lambda seed: {"real": normal(seed, N, D), "samples": normal(seed + 1, N, D), "k": 2},
        {"real": points, "samples": both(points, narrower), "k": both(count, lambda k: {"all": N})},
    ),
    "targets.LinearGaussian": Subject(
        lambda z, x, weight, bias, sigma: targets.LinearGaussian(x, weight, bias, sigma)(z),
        lambda seed: {
            "z": normal(seed, N, D),
            "x": normal(seed, 3),
            "weight": normal(seed, 3, D),
            "bias": normal(seed, 3),
            "sigma": 0.5,
        },
        {
            "z": both(but(table, "without rows"), narrower),
            "x": narrower,
            "weight": table,
            "bias": narrower,
            "sigma": positive,
        },
    ),
    "targets.hidden_pixels": Subject(
        targets.hidden_pixels,
        lambda seed: {**an_image(seed), "visible": torch.arange(PIXELS) < 9},
        {"x": IMAGE, "visible": both(row, lambda v: {"whole numbers": v.long(), "a pixel short": v[:-1]})},
    ),
    "targets.many_images": Subject(
        targets.many_images,
        lambda seed: {"model": vae(seed), "x": uniform(seed, 5, PIXELS)},
        {"x": both(fractions, finite, lambda x: {"without images": x[:0]})},
    ),
    "targets.one_image": Subject(targets.one_image, an_image, {"x": IMAGE}),
    "targets.tempered": Subject(
        targets.tempered,
        lambda seed: {"log_likelihood": a_likelihood, "temperature": 2.0},
        {"temperature": positive},
    ),
}
