"""Exercise of chapter 6: the Metropolis-Hastings decision, in logarithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip

Rule = Callable[[Tensor, Tensor], Tensor]


def mh_accept(log_ratio: Tensor, u: Tensor) -> Tensor:
    """Which chains accept their proposal: those with u below the ratio.

    log_ratio: (chains,), the logarithm of the Metropolis-Hastings ratio; may be huge, -inf or nan. u: (chains,), in
    (0, 1). Returns (chains,) bool. nan and -inf are rejected.
    Metropolis et al. (1953), Hastings (1970); chapter 6.
    """
    return u.log() < log_ratio


def _accepting_nan(rule: Rule) -> Rule:
    return lambda log_ratio, u: rule(log_ratio, u) | log_ratio.isnan()


def _each_way(rule: Rule, *slips: str, remark: str = "") -> tuple[Faulty, Faulty]:
    """The rule, and the rule that accepts nan as well: the slip is the same."""
    return Faulty(slips, rule, remark), Faulty(slips, _accepting_nan(rule), remark)


def _draw_decisions(rng: np.random.Generator) -> Inputs:
    """Every kind of ratio, in random order; no u so close to a threshold that rounding decides."""
    ratio = np.concatenate([rng.uniform(0.15, 0.85, size=40), rng.uniform(1.3, 2.6, size=20)])
    log_ratio = np.log(ratio)
    u = np.empty(len(ratio))
    for i in range(len(u)):
        r = ratio[i]
        thresholds = np.array([r, np.log(r), 1 / r, 1 - r, r / (1 + r), 0.5])
        tries = rng.uniform(0.03, 0.97, size=200)
        u[i] = tries[np.abs(tries[:, None] - thresholds).min(axis=1) > 0.01][0]
    special = np.array([0.0, 800.0, -800.0, -np.inf, np.nan, np.nan])
    order = rng.permutation(len(u) + len(special))
    return {
        "log_ratio": np.concatenate([log_ratio, special])[order],
        "u": np.concatenate([u, rng.uniform(0.05, 0.95, size=len(special))])[order],
    }


_NAN = (
    "All is right but one thing: nan is accepted. A log ratio is nan when the densities make no sense, and such a step "
    "must be rejected. Every comparison with nan is false, so ask whether to accept, not whether to reject."
)

MH_ACCEPT = Exercise(
    name="mh_accept",
    chapter=6,
    returns="True or False for each chain, of shape (chains,)",
    draw=_draw_decisions,
    examples=(
        {"log_ratio": np.array([-1.0, -1.0, 0.3, 0.0]), "u": np.array([0.2, 0.5, 0.9, 0.99])},
        {"log_ratio": np.array([1000.0, -np.inf, np.nan, -1000.0]), "u": np.array([0.9, 0.1, 0.1, 0.5])},
    ),
    reference=mh_accept,
    slips={
        "compares_raw_log": Slip(
            "It compares u with the logarithm of the ratio.",
            "You compared `u` with the logarithm of the ratio. `u` lies between 0 and 1, so every log ratio below 0 is "
            "rejected, however near to 0 it is: the chain would all but climb. Bring both to the same scale first.",
        ),
        "flipped": Slip(
            "It accepts where it should reject.",
            "Your decision is turned round. A better proposal, with a log ratio above 0, must always be accepted, and "
            "a much worse one hardly ever: try yours with a log ratio of 5 and of -5.",
        ),
        "always_uphill": Slip(
            "It accepts improvements alone.",
            "You accept improvements alone, whatever `u` is. Such a chain climbs to the nearest peak and stays there; "
            "it finds a maximum, and samples nothing. A step that makes things worse must sometimes be accepted: how "
            "often?",
        ),
    },
    faulty=(
        Faulty((), _accepting_nan(mh_accept), remark=_NAN),
        *_each_way(lambda r, u: u < r, "compares_raw_log"),
        *_each_way(lambda r, u: u.log() > r, "flipped"),
        Faulty(("flipped",), lambda r, u: (u.log() > r) & ~r.isinf() & ~r.isnan()),
        *_each_way(lambda r, u: u < (-r).exp(), "flipped"),
        *_each_way(lambda r, u: r > 0, "always_uphill"),
        *_each_way(lambda r, u: r >= 0, "always_uphill"),
        *_each_way(lambda r, u: r < 0, "flipped", "always_uphill"),
        *_each_way(
            lambda r, u: torch.ones_like(u, dtype=torch.bool) & ~r.isnan(),
            remark="You accept every proposal, which samples from the proposal's own distribution and not from the "
            "target. `u.log()` is always below 0 and a ratio always above, so these two say nothing when compared.",
        ),
        *_each_way(lambda r, u: torch.zeros_like(u, dtype=torch.bool), remark="You reject every proposal."),
        *_each_way(
            lambda r, u: 1 - u < r.exp(),
            remark="You used 1 - u in the place of `u`. That accepts as often as it should, but not in the same cases; "
            "asked are those with `u` below the ratio.",
        ),
        *_each_way(
            lambda r, u: u < r.sigmoid(),
            remark="You accept with the probability ratio / (1 + ratio). That is Barker's rule, which samples the same "
            "target but accepts less often: at a ratio of 1 in half of the cases, where Metropolis and Hastings always "
            "accept.",
        ),
        *_each_way(
            lambda r, u: r.exp() > 0.5,
            remark="You accept whenever the ratio is above a half, whatever `u` is. It is `u` that makes a ratio of "
            "0.3 mean 3 steps in 10.",
        ),
        Faulty(
            (),
            lambda r, u: (u.log() < r) & r.exp().isfinite(),
            remark="You reject log ratios so large that `exp` overflows. Those are the best proposals of all. Compare "
            "logarithms, and nothing overflows.",
        ),
        Faulty(
            (),
            lambda r, u: r.clamp(max=0).exp(),
            remark="You returned the probability of accepting. Use `u` to decide: True or False for each chain.",
        ),
        Faulty(
            (),
            lambda r, u: r.exp(),
            remark="You returned the ratio. Use `u` to decide: True or False for each chain.",
        ),
    ),
    hints=(
        "A step with ratio 0.3 is to be accepted in 3 of 10 cases. How often is a uniform `u` below 0.3? And which "
        "function turns that comparison into one with the log ratio, and keeps its direction?",
        r"Accept where $u < \bar\alpha$, that is where $\log u < \log \bar\alpha$.",
        "The logarithm of `u`, `<`, and `log_ratio`: one line. A comparison with nan is False by itself.",
    ),
    praise="One comparison of logarithms: nothing overflows, and nan and -inf are rejected.",
)
