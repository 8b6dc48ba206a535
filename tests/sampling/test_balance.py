"""Transition matrices on a grid: closed forms, what is kept, and that a wrong ratio shows."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.sampling import pcn
from vae_course.sampling.balance import flows, imbalance, stationary, transition_matrix

WIDTH = 0.1
Z = torch.arange(-5, 5 + WIDTH / 2, WIDTH, dtype=torch.float64)
STEP = 0.6
PRIOR = -0.5 * Z**2
LIKELIHOOD = -0.5 * (Z - 1) ** 2 / 0.7**2 + torch.sin(2 * Z)  # no Gaussian, so that nothing is right by symmetry


def proposal(contraction: float, std: float) -> Tensor:
    apart = (Z - contraction * Z[:, None]) / std
    return -0.5 * apart**2 - math.log(std * math.sqrt(2 * math.pi)) + math.log(WIDTH)


def ratio(value: Tensor) -> Tensor:
    return value - value[:, None]


PCN = proposal(math.sqrt(1 - STEP**2), STEP)


def test_the_matrix_of_two_points_is_as_by_hand() -> None:
    # 0 proposes 1 always and accepts half; 1 proposes 0 in 3 of 4 steps and accepts all.
    log_proposal = torch.tensor([[0.0, 1.0], [0.75, 0.25]]).clamp_min(1e-300).log()
    log_proposal[0, 0] = -700
    log_ratio = torch.tensor([[0.0, math.log(0.5)], [math.log(2), 0.0]])
    found = transition_matrix(log_proposal, log_ratio)
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.5], [0.75, 0.25]], dtype=torch.float64))
    torch.testing.assert_close(stationary(found), torch.tensor([0.6, 0.4], dtype=torch.float64))


def test_pcn_with_the_likelihood_alone_is_in_balance_with_the_posterior_and_keeps_it() -> None:
    kernel = transition_matrix(PCN, ratio(LIKELIHOOD))
    assert imbalance(flows(LIKELIHOOD + PRIOR, kernel)) < 1e-13
    torch.testing.assert_close(stationary(kernel), (LIKELIHOOD + PRIOR).softmax(dim=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("log_proposal", "log_ratio"),
    [
        (PCN, ratio(LIKELIHOOD + PRIOR)),
        (PCN, ratio(LIKELIHOOD + 2 * PRIOR)),
        (PCN, -ratio(LIKELIHOOD)),
        (proposal(1 - STEP, STEP), ratio(LIKELIHOOD)),
        (proposal(1, STEP), ratio(LIKELIHOOD)),
    ],
    ids=["prior twice", "prior three times", "inverted", "wrong contraction", "random walk"],
)
def test_a_wrong_kernel_is_out_of_balance(log_proposal: Tensor, log_ratio: Tensor) -> None:
    assert imbalance(flows(LIKELIHOOD + PRIOR, transition_matrix(log_proposal, log_ratio))) > 0.01


@pytest.mark.parametrize("times", [1, 2])
def test_a_prior_too_many_in_the_ratio_is_one_too_many_in_what_is_kept(times: int) -> None:
    kernel = transition_matrix(PCN, ratio(LIKELIHOOD + times * PRIOR))
    expected = (LIKELIHOOD + (1 + times) * PRIOR).softmax(dim=0)
    torch.testing.assert_close(stationary(kernel), expected, rtol=0, atol=1e-12)


def test_the_matrix_agrees_with_the_package_s_own_chain() -> None:
    # From one point, the chances to land in each tenth of the line, by counting 200,000 steps.
    def log_likelihood(z: Tensor) -> Tensor:
        return -0.5 * (z[:, 0] - 1) ** 2 / 0.7**2 + torch.sin(2 * z[:, 0])

    start, n = 40, 200_000
    state = pcn.init(Z[start].expand(n, 1).clone(), log_likelihood)
    landed = pcn.step(state, log_likelihood, step=STEP, generator=make_generator(0))[0].z[:, 0]
    # Bins between grid points, of ten points each; the start's own holds the refusals.
    edges = Z[9::10] + WIDTH / 2
    counts = torch.bucketize(landed, edges).bincount(minlength=11)[:10].double() / n
    row = transition_matrix(PCN, ratio(LIKELIHOOD))[start]
    expected = torch.stack([part.sum() for part in row.split(10)])[:10]
    assert float((counts - expected).abs().max()) < 0.01


def test_the_imbalance_is_relative_to_the_largest_flow_between_two_points() -> None:
    assert imbalance(torch.tensor([[0.9, 0.03], [0.07, 0.0]])) == pytest.approx(0.04 / 0.07)


def test_flows_sum_to_one_and_their_rows_to_the_target() -> None:
    flow = flows(PRIOR, transition_matrix(PCN, torch.zeros(len(Z), len(Z))))
    torch.testing.assert_close(flow.sum(dim=1), PRIOR.softmax(dim=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transition_matrix(PCN - math.log(WIDTH), ratio(LIKELIHOOD)), "grid's width"),
        (lambda: transition_matrix(PCN, ratio(LIKELIHOOD)[:3, :3]), "the same shape"),
        (lambda: transition_matrix(PCN, LIKELIHOOD), r"\(n, n\)"),
        (lambda: transition_matrix(PCN, torch.full_like(PCN, math.nan)), "log_ratio"),
        (lambda: flows(PRIOR[:3], PCN), "log_target must have shape"),
        (lambda: imbalance(PRIOR), r"\(n, n\)"),
        (lambda: stationary(torch.full((3, 3), 0.5)), "sum to 1"),
    ],
)
def test_what_does_not_fit_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
