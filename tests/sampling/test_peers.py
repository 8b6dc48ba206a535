"""Other people's software gives the same: ArviZ's diagnostics, and Pyro's no-U-turn sampler on a trained decoder."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from agreement import agree, agree_within_errors, library
from arviz_stats.base import array_stats
from sampler_oracles import Sampler, flat
from torch import Tensor

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.data import load_digits, to_unit
from vae_course.models import VAE
from vae_course.sampling import (
    effective_sample_size,
    elliptical_slice,
    encoder_reference,
    fitted_reference,
    hmc,
    laplace_reference,
    pcn,
    r_hat,
    random_walk,
    run,
    sample_prior,
    targets,
)

# --- ArviZ's diagnostics ---

ARVIZ = library("arviz-stats", "ArviZ's arviz-stats")


def correlated(step: float, *, n_steps: int = 1_000, chains: int = 4) -> Tensor:
    """pCN on a flat likelihood: an autoregression of order one."""
    z0 = sample_prior(chains, 3, generator=make_generator(0))
    return run(pcn, flat, z0, n_steps=n_steps, step=step, generator=make_generator(1), progress=False).z


def disagreeing() -> Tensor:
    z = correlated(0.9)
    z[:, 1] += 2
    return z


def stuck_for_a_while() -> Tensor:
    z = correlated(0.8)
    z[200:600, 2] = z[200, 2]
    return z


def rejecting() -> Tensor:
    """A chain whose rejected steps repeat its state, so that many draws are equal."""
    z0 = sample_prior(4, 3, generator=make_generator(2))
    return run(random_walk, flat, z0, n_steps=1_000, step=4.0, generator=make_generator(3), progress=False).z


def swinging() -> Tensor:
    noise = torch.randn(1_000, 4, 3, generator=make_generator(4), dtype=torch.float64)
    z = noise.clone()
    for t in range(1, len(z)):
        z[t] = -0.7 * z[t - 1] + noise[t]
    return z


CHAINS = {
    "independent": lambda: correlated(1.0),
    "correlated": lambda: correlated(0.4),
    "hardly moving": lambda: correlated(0.03),
    "drifting": lambda: correlated(0.9) + torch.linspace(0, 3, 1_000)[:, None, None],
    "disagreeing in place": disagreeing,
    "disagreeing in spread": lambda: correlated(0.9) * torch.tensor([1.0, 1.0, 5.0, 1.0])[:, None],
    "stuck for a while": stuck_for_a_while,
    "rejecting": rejecting,
    "swinging": swinging,
    "heavy tails": lambda: (correlated(0.7).double() * 2).sinh() ** 3,
    "one chain": lambda: correlated(0.5, chains=1),
    "many short ones": lambda: correlated(0.5, n_steps=41, chains=50),
    "an odd number of steps": lambda: correlated(0.5, n_steps=333),
}


@pytest.mark.parametrize("name", CHAINS)
def test_arviz_finds_the_same_effective_sample_size(name: str) -> None:
    z = CHAINS[name]().double()
    draws = z.permute(2, 1, 0).numpy()  # (d, chains, n_steps)
    for normalised, method in ((True, "bulk"), (False, "mean")):
        theirs = np.asarray(array_stats.ess(draws, chain_axis=1, draw_axis=2, method=method))
        ours = effective_sample_size(z, rank_normalised=normalised).numpy()
        agree(f"effective sample size, {method}", ARVIZ, ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("name", CHAINS)
def test_arviz_finds_the_same_r_hat(name: str) -> None:
    z = CHAINS[name]().double()
    if name == "one chain":  # ArviZ gives NaN; we compare its halves
        assert bool((r_hat(z) < 1.05).all())
        z = torch.cat([z[:500], z[500:]], dim=1)
    theirs = np.asarray(array_stats.rhat(z.permute(2, 1, 0).numpy(), chain_axis=1, draw_axis=2, method="rank"))
    agree("R-hat", ARVIZ, r_hat(z).numpy(), theirs, rtol=1e-9)


# --- Pyro's no-U-turn sampler ---

IMAGE = 7
LIMIT = 5.0  # standard errors


@cache  # pytest would set up a fixture with this parameter again for each of the samplers
def nuts(chosen: str) -> tuple[VAE, Tensor, Tensor]:
    """A model, an image, and draws from p(z | x) that nothing of ours has moved: (n_steps, 1, d)."""
    # pyro takes two seconds to import, which no other test should wait for
    import pyro
    from pyro.infer import MCMC, NUTS

    model, x = zoo.load(chosen), to_unit(load_digits().images[[IMAGE]])[0]

    def energy(parameters: dict[str, Tensor]) -> Tensor:
        z = parameters["z"][None]
        return model.nll(x[None], z)[0] + 0.5 * (z**2).sum()

    with torch.random.fork_rng():  # it draws from the global generator
        pyro.set_rng_seed(0)
        start = {"z": encoder_reference(model, x).mean.clone()}
        sampler = MCMC(
            NUTS(potential_fn=energy),
            num_samples=400,
            warmup_steps=120,
            initial_params=start,
            disable_progbar=True,
        )
        sampler.run()
    return model, x, sampler.get_samples()["z"][:, None]


def differences(ours: Tensor, theirs: Tensor) -> Tensor:
    """Of mean and standard deviation, in standard errors, (2 d,). ours, theirs: (n_steps, chains, d) each."""
    errors, moments = [], []
    for z in (ours, theirs):
        z = z.double()
        mean, std = z.mean(dim=(0, 1)), z.std(dim=(0, 1))
        square = (z - mean) ** 2
        n = z.shape[0] * z.shape[1]
        of_mean = std / effective_sample_size(z).clamp_max(n).sqrt()
        of_variance = square.std(dim=(0, 1)) / effective_sample_size(square).clamp_max(n).sqrt()
        moments.append(torch.cat([mean, std]))
        errors.append(torch.cat([of_mean, of_variance / (2 * std)]))
    return (moments[0] - moments[1]) / torch.hypot(*errors)


def our_draws(sampler: Sampler, model: VAE, x: Tensor, *, n_steps: int, chains: int = 64) -> Tensor:
    """From starts that lie wider than the posterior; the first half is thrown away."""
    laplace = laplace_reference(model, x)
    eps = sample_prior(chains, len(laplace.mean), generator=make_generator(5))
    z = sampler.draws(targets.one_image(model, x), laplace.mean + 1.5 * laplace.scale(eps), n_steps, seed=6)
    return z[n_steps // 2 :]


def make_sampler(name: str, model: VAE, x: Tensor) -> Sampler:
    reference: dict[str, Any] = {"reference": laplace_reference(model, x)}
    leapfrog = Sampler(hmc, 0.5, reference | {"n_leapfrog": 4})
    if name == "pcn, fitted":
        return Sampler(pcn, 1.0, {"reference": fitted_reference(our_draws(leapfrog, model, x, n_steps=60))})
    return {
        "hmc": leapfrog,
        "pcn": Sampler(pcn, 0.1),
        "random walk": Sampler(random_walk, 0.1),
        "elliptical slice": Sampler(elliptical_slice),
        "pcn, encoder": Sampler(pcn, 0.4, {"reference": encoder_reference(model, x)}),
        "pcn, Laplace": Sampler(pcn, 0.7, reference),
    }[name]


STEPS = {
    "hmc": 100,
    "pcn, fitted": 300,
    "pcn": 1_000,
    "random walk": 1_000,
    "elliptical slice": 250,
    "pcn, encoder": 2_000,
    "pcn, Laplace": 600,
}
PLANE, SPACE = "vae-bernoulli-2d-s0", "vae-bernoulli-20d-s0"
# In 20 dimensions the others take tens of thousands of steps to forget where they started.
CASES = [(PLANE, name) for name in STEPS] + [(SPACE, "hmc"), (SPACE, "pcn, fitted")]


@pytest.mark.parametrize(("chosen", "name"), CASES)
def test_nuts_finds_the_same_posterior(chosen: str, name: str) -> None:
    model, x, theirs = nuts(chosen)
    ours = our_draws(make_sampler(name, model, x), model, x, n_steps=STEPS[name])
    assert float(r_hat(ours).max()) < 1.1
    what, nuts_of = f"mean and spread of an image's posterior ({name})", library("pyro-ppl", "NUTS of Pyro")
    agree_within_errors(what, nuts_of, differences(ours, theirs), limit=LIMIT)


@pytest.mark.parametrize("chosen", [PLANE, SPACE])
def test_another_posterior_would_be_noticed(chosen: str) -> None:
    model, x, theirs = nuts(chosen)
    sampler = make_sampler("hmc", model, x)
    right = our_draws(sampler, model, x, n_steps=100)
    hotter = targets.tempered(targets.one_image(model, x), temperature=2)
    wrong = sampler.draws(hotter, right[-1], 100, seed=7)
    shifted = right + 0.5 * right.std(dim=(0, 1)) * (torch.arange(right.shape[2]) == 1)
    assert float(differences(right, theirs).abs().max()) < LIMIT
    assert float(differences(wrong, theirs).abs().max()) > LIMIT
    assert float(differences(shifted, theirs).abs().max()) > LIMIT
