"""Exercise of chapter 6: a whole chain of pCN."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Slip
from vae_course.exercises.chapter06 import chain_reading as reading
from vae_course.exercises.sampling_answers import Finding, Interview, Sampling, Unusable


def pcn_chain(
    z0: Tensor, loglik: Callable[[Tensor], Tensor], step: float, n_steps: int, generator: torch.Generator
) -> Tensor:
    """The states of pCN chains after each step, (n_steps, chains, d), for the prior N(0, I).

    z0: (chains, d), the start, which is not among the states; loglik: (chains, d) -> (chains,) in nats; step in (0, 1].
    Cotter, Roberts, Stuart & White (2013); chapter 6.
    """
    z, current, states = z0, loglik(z0), []
    for _ in range(n_steps):
        eps = torch.randn(z.shape, generator=generator, dtype=z.dtype)
        proposal = math.sqrt(1 - step**2) * z + step * eps
        proposed = loglik(proposal)
        accepted = torch.rand(len(z), generator=generator, dtype=z.dtype).log() < proposed - current
        z = torch.where(accepted[:, None], proposal, z)
        current = torch.where(accepted, proposed, current)
        states.append(z)
    return torch.stack(states)


_STAGES = (
    (reading.check_proposals,),
    (reading.check_one_chain, reading.check_three_chains, reading.check_memory),
    (reading.check_many_chains, reading.check_posterior, reading.check_generator),
)


def _examine(interview: Interview, rng: np.random.Generator) -> Finding:
    """All probes, those of one chain first. A slip that a later one of the same stage shows comes before a remark."""
    # neither the step nor once or twice sqrt(1 - step^2) is near 1: it would look like a random walk
    step = float(rng.uniform(0.78, 0.82))
    tests: dict[str, float] = {}
    for checks in _STAGES:
        wrong: list[Finding] = []
        for check in checks:
            try:
                finding = check(interview, rng, step)
            except Unusable:
                if not wrong:
                    raise
                continue
            if finding.slips:
                return finding
            wrong += [] if finding.right else [finding]
            tests |= {f"{check.__name__}: {name}": value for name, value in finding.tests.items()}
        if wrong:
            return wrong[0]
    return Finding(tests)


PCN_CHAIN = Sampling(
    name="pcn_chain",
    chapter=6,
    arguments=("z0", "loglik", "step", "n_steps", "generator"),
    returns="the states after each step, of shape (n_steps, chains, d)",
    reference=pcn_chain,
    examine=_examine,
    slips={
        "rejects_repeat_missing": Slip(
            "A rejected step leaves no state behind.",
            "Where a proposal is rejected, your chain has no state for that step: it holds accepted proposals only. A "
            "rejected step counts as well, and the state repeats: how long a chain stays is how it gives more weight "
            "to places of high likelihood. So n_steps steps give n_steps states, with repeats among them.",
        ),
        "prior_counted_twice": Slip(
            "The acceptance ratio holds the prior, which the proposal has taken care of.",
            "The prior is in your acceptance ratio. The proposal of pCN keeps N(0, I) by itself, so the prior is in it "
            "already, and counted again it draws the chain too near to 0. With a likelihood that is the same "
            "everywhere, every proposal must be accepted.",
        ),
        "same_decision_for_all_chains": Slip(
            "All chains accept or reject together.",
            "Your chains all accept or all reject in each step. They are separate chains: each has a ratio of its own, "
            "and needs a uniform random number and a decision of its own. How many numbers must `u` hold, and is "
            "anything added up over the chains?",
        ),
        "stale_loglik": Slip(
            "It compares with a likelihood that is not that of the present state.",
            "The log-likelihood that you compare with is not that of the present state. It must change where a "
            "proposal is accepted, for that chain, and stay where it is rejected. Which state does yours belong to "
            "after an accepted step, and after a rejected one?",
        ),
        "random_walk": Slip(
            "The proposal is that of a random walk.",
            "Your proposal is z plus noise: a random walk. That of pCN first pulls z towards 0, by just so much that "
            "N(0, I) is kept when the noise is added; only then does the prior drop out of the ratio.",
        ),
    },
    hints=(
        "Each step has four parts: propose, ask for the likelihood there, decide for each chain, and note the state, "
        "whether it is new or not.",
        r"$z' = \sqrt{1 - s^2}\, z + s\, \varepsilon$ with the step $s$; accept where $\log u < \log p(x \mid z') - "
        r"\log p(x \mid z)$, $u \sim \mathrm{Uniform}(0, 1)$, one $u$ for each chain; else $z$ stays.",
        "Keep `z` and `current = loglik(z)` together. In the loop: `accepted` of shape (chains,), then "
        "`torch.where(accepted[:, None], proposal, z)`, the same for `current` without `[:, None]`, and append `z` "
        "to a list in every step. At the end, stack.",
    ),
    praise="Propose, decide for each chain, repeat where rejected: that is a whole Markov chain Monte Carlo sampler.",
)
