"""Running chains: shapes, generators, refusals, interruption."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from sampler_oracles import Sampler, flat, linear_gaussian
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.sampling import Normal, elliptical_slice, hmc, independence, pcn, random_walk, run, sample_prior

STEPS = {pcn: 0.5, random_walk: 0.5, independence: None, elliptical_slice: None, hmc: 0.3}
KERNELS = pytest.mark.parametrize("kernel", STEPS, ids=lambda kernel: kernel.__name__.split(".")[-1])


def start(chains: int = 5, d: int = 3) -> Tensor:
    return sample_prior(chains, d, generator=make_generator(1))


def bowl(z: Tensor) -> Tensor:
    return -2 * (z**2).sum(dim=1)


def go(kernel: Any, log_likelihood: Any = bowl, z0: Tensor | None = None, seed: int = 0, **options: Any) -> Any:
    options = {"n_steps": 20, "step": STEPS.get(kernel), "generator": make_generator(seed)} | options
    return run(kernel, log_likelihood, start() if z0 is None else z0, **options)


@KERNELS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_chain_has_its_shapes_and_types_and_agrees_with_itself(kernel: Any, dtype: torch.dtype) -> None:
    z0 = start().to(dtype)
    chain = go(kernel, z0=z0)
    assert chain.z.shape == (20, 5, 3) and chain.z.dtype == dtype
    assert chain.accepted.shape == (20, 5) and chain.accepted.dtype == torch.bool
    assert chain.log_likelihood.shape == (20, 5) and chain.log_likelihood.dtype == dtype
    torch.testing.assert_close(chain.log_likelihood, bowl(chain.z.flatten(0, 1)).view(20, 5))
    before = torch.cat([z0[None], chain.z[:-1]])
    assert torch.equal((chain.z != before).any(dim=2), chain.accepted)


@KERNELS
def test_the_generator_alone_decides(kernel: Any) -> None:
    torch.manual_seed(0)
    one = go(kernel, seed=3)
    torch.manual_seed(1)
    again, other = go(kernel, seed=3), go(kernel, seed=4)
    assert torch.equal(one.z, again.z) and not torch.equal(one.z, other.z)


@KERNELS
def test_a_step_is_pure(kernel: Any) -> None:
    z0 = start()
    state = kernel.init(z0, bowl)
    copies = [part.clone() for part in (z0, *state)]
    options = {} if STEPS[kernel] is None else {"step": STEPS[kernel]}
    first, info = kernel.step(state, bowl, generator=make_generator(0), **options)
    second, _ = kernel.step(state, bowl, generator=make_generator(0), **options)
    assert all(torch.equal(a, b) for a, b in zip((z0, *state), copies, strict=True))
    assert torch.equal(first.z, second.z) and info.accepted.dtype == torch.bool and info.evaluations >= 1


@KERNELS
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_start_that_is_not_finite_is_refused(kernel: Any, value: float) -> None:
    def one_bad(z: Tensor) -> Tensor:
        return torch.where(torch.arange(len(z)) == 2, value, 0.0)

    with pytest.raises(ValueError, match=r"1 of 5 chains, first for chain 2.*start where it is finite"):
        go(kernel, one_bad)
    z0 = start()
    z0[1, 1] = value
    with pytest.raises(ValueError, match="z0 holds NaN or an infinity"):
        go(kernel, z0=z0)


@KERNELS
def test_gradients_stay_out(kernel: Any) -> None:
    chain = go(kernel, z0=start().requires_grad_())
    assert not chain.z.requires_grad and not chain.log_likelihood.requires_grad


@KERNELS
def test_an_interrupted_run_returns_what_was_done(kernel: Any) -> None:
    def until(calls_left: float) -> Any:
        left = [calls_left]

        def log_likelihood(z: Tensor) -> Tensor:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return flat(z)  # which elliptical slice sampling takes in one evaluation

        return log_likelihood

    a_step = 6 if kernel is hmc else 1  # evaluations
    whole = go(kernel, until(math.inf))
    with pytest.warns(UserWarning, match="interrupted after 7 of 20 steps"):
        part = go(kernel, until(1 + 7 * a_step))
    assert part.z.shape == (7, 5, 3) and part.accepted.shape == part.log_likelihood.shape == (7, 5)
    assert torch.equal(part.z, whole.z[:7])
    with pytest.warns(UserWarning, match="interrupted after 0 of 20 steps"):
        assert go(kernel, until(1)).z.shape == (0, 5, 3)


def test_an_error_of_the_likelihood_is_no_interruption() -> None:
    def faulty(z: Tensor) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(pcn, faulty)


@pytest.mark.parametrize(
    ("kernel", "options", "message"),
    [
        (pcn, {"step": 0.0}, "above 0 and at most 1, got 0.0"),
        (pcn, {"step": 1.1}, "above 0 and at most 1, got 1.1"),
        (pcn, {"step": math.nan}, "step must be above 0"),
        (random_walk, {"step": -1.0}, "step must be above 0, got -1.0"),
        (random_walk, {"step": math.inf}, "step must be above 0, got inf"),
        (independence, {"step": 0.5}, "has no step to set"),
        (elliptical_slice, {"step": 0.5}, "has no step to set"),
        (hmc, {"step": 0.0}, "step must be above 0, got 0.0"),
        (hmc, {"n_leapfrog": 0}, "n_leapfrog must be above 0"),
        (pcn, {"n_steps": 0}, "n_steps must be above 0"),
        (pcn, {"prior": Normal(torch.zeros(2), torch.eye(2))}, "they need the same d"),
        (pcn, {"prior": Normal(torch.zeros(4, 3), torch.eye(3).expand(4, 3, 3))}, "one mean for all chains or one"),
    ],
)
def test_wrong_options_are_refused(kernel: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        go(kernel, **options)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"z0 must have shape \(n, d\).*z0\[None, :\]"):
        go(pcn, z0=torch.zeros(3))
    with pytest.raises(ValueError, match=r"one number for each chain, shape \(5,\), got \(\)"):
        go(pcn, lambda z: -(z**2).sum())
    with pytest.raises(TypeError, match="floating point"):
        go(pcn, z0=torch.zeros(5, 3, dtype=torch.int64))


@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_a_bar_appears_on_long_runs_only(
    seconds: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_course.sampling.running._QUIET", seconds)
    go(pcn)
    assert ("20/20" in capsys.readouterr().err) == (seconds == 0)
    go(pcn, progress=False)
    assert capsys.readouterr().err == ""


# --- the Gaussian that is kept ---


def test_a_covariance_in_place_of_its_factor_is_refused() -> None:
    cov = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    with pytest.raises(ValueError, match=r"lower triangular.*Normal.from_cov"):
        Normal(torch.zeros(2), cov)
    with pytest.raises(ValueError, match="positive diagonal"):
        Normal(torch.zeros(2), -torch.eye(2))
    with pytest.raises(ValueError, match="must have shapes"):
        Normal(torch.zeros(3), torch.eye(2))
    with pytest.raises(ValueError, match="not positive definite"):
        Normal.from_cov(torch.zeros(2), torch.ones(2, 2))
    with pytest.raises(ValueError, match="NaN"):
        Normal(torch.full((2,), math.nan), torch.eye(2))


def test_its_density_and_its_noise_are_those_of_pytorch() -> None:
    target = linear_gaussian(4)
    mean, cov = target.posterior()
    normal, theirs = Normal.from_cov(mean, cov), torch.distributions.MultivariateNormal(mean, cov)
    z, zero = start(6, 4).double(), torch.zeros(1, 4, dtype=torch.float64)
    torch.testing.assert_close(
        normal.log_density(z) - normal.log_density(zero), theirs.log_prob(z) - theirs.log_prob(zero)
    )
    torch.testing.assert_close(normal.scale(torch.eye(4, dtype=torch.float64)).T, normal.cholesky)
    many = Normal(mean.expand(6, 4), normal.cholesky.expand(6, 4, 4))
    torch.testing.assert_close(many.log_density(z), normal.log_density(z))
    torch.testing.assert_close(many.scale(z), normal.scale(z))


def test_the_oracles_sampler_passes_its_options_on() -> None:
    prior = Normal(torch.full((3,), 50.0), torch.eye(3))
    assert float(Sampler(independence, None, {"prior": prior}).draws(flat, start(), 2, 0).mean()) > 40
