"""What the draws of an answer to `pcn_chain` show, part by part."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from vae_course.exercises import chances
from vae_course.exercises.chapter06 import chain_probes as probes
from vae_course.exercises.chapter06 import chain_remarks as remarks
from vae_course.exercises.sampling_answers import Finding, Interview, Misshapen

_ORIGIN, _OFFSET = 300, 80  # calls of a single step, from 0 and from elsewhere
_CALLS = 36  # of three chains, for what they remember
_ONE = 60  # steps of one chain on the ladder
_CHANCE = 0.5  # of accepting, on the ladder of one chain
_RARE = 0.2  # on that of many: enough decisions to tell a logarithm to base 2 from the natural one


def _slope(chance: float, rung: np.ndarray) -> np.ndarray:
    """Log-likelihood on a ladder whose every rung has this ratio."""
    return np.asarray(rung * math.log(chance))


def check_proposals(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """Single steps of single chains with a flat likelihood: pCN's proposal, always accepted."""
    starts = np.zeros((_ORIGIN + _OFFSET, probes.D))
    starts[_ORIGIN:] = rng.choice([-1.0, 1.0], size=(_OFFSET, probes.D)) * rng.uniform(8, 16, size=(_OFFSET, probes.D))
    try:
        seen = probes.single_steps(interview, starts, step, rng)
    except Misshapen as error:
        raise remarks.with_axes(error, 1, 1) from None
    if len(seen.z) < len(starts):
        return Finding({"one proposal": 0.0}, remark=remarks.SEVERAL)
    contraction = probes.contraction(step)
    tests = chances.of_independent_rows((seen.after - contraction * seen.z) / step)
    tests["all accepted"] = float(seen.moved.all())
    if chances.likely(tests.values()):
        return Finding(tests)
    if not seen.moved.any():
        longer = probes.run(interview, starts[-1:], probes.flat(), step, 5, rng)
        return Finding(tests, remark=remarks.START if longer.moved[1:].any() else remarks.NEVER)
    z, proposed = seen.proposed
    if len(z) < _OFFSET:  # the likelihood is not asked at the proposals
        z, proposed = seen.z[seen.moved], seen.after[seen.moved]
    comparison = remarks.compare_proposals(z, proposed, step)
    if not chances.likely(chances.of_independent_rows((proposed - contraction * z) / step).values()):
        walks = chances.likely(chances.of_independent_rows((proposed - z) / step).values())
        if walks and _walks_on(interview, starts[-1:], step, rng):
            return Finding(tests, ("random_walk",))
        misuse = check_generator(interview, rng, step).remark
        return Finding(tests, (), misuse or remarks.WRONG_PROPOSAL, comparison)
    slips = _slips_at_the_origin(seen, step)
    if seen.several and not slips:
        return Finding(tests, remark=remarks.SEVERAL)
    return Finding(tests, slips, remarks.NOT_ALL_ACCEPTED, comparison)


def _walks_on(interview: Interview, z0: np.ndarray, step: float, rng: np.random.Generator) -> bool:
    """Whether the steps after the first, too, end near where they begin, as those of a random walk do."""
    run = probes.run(interview, z0, probes.flat(), step, 5, rng)
    return bool(np.abs(np.diff(run.z, axis=0)).max() < 7 * step)


def _slips_at_the_origin(seen: probes.SingleSteps, step: float) -> tuple[str, ...]:
    """Whether the prior is in the ratio: from 0 the chance is exp(-|z'|^2 / 2), which gives N(0, s^2 / (1 + s^2))."""
    moved = seen.moved[:_ORIGIN]
    shrunk = seen.after[:_ORIGIN][moved] * math.sqrt(1 + step**2) / step
    if len(shrunk) < 40 or not chances.likely(chances.of_independent_rows(shrunk).values()):
        return ()
    if moved.all():
        return ("prior_counted_twice", "rejects_repeat_missing")
    count = chances.of_count(int(moved.sum()), _ORIGIN, (1 + step**2) ** (-probes.D / 2))
    return ("prior_counted_twice",) if chances.likely([count]) else ()


def check_one_chain(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """A ladder with rungs of ratio 1/2, then a box: rejections repeat the state."""
    small = step / 3
    rung = probes.ladder(small, partial(_slope, _CHANCE))
    try:
        runs = [probes.run(interview, probes.ladder_start(rng, 1), rung, small, _ONE, rng) for _ in range(5)]
        inside = rng.uniform(-1, 1, size=(4, 1, probes.D))
        boxed = [probes.run(interview, z0, probes.box(1.2), step, 30, rng) for z0 in inside]
    except Misshapen as error:
        raise remarks.with_axes(error, _ONE, 1) from None
    moved = np.concatenate([r.moved.ravel() for r in runs])
    stays_in = all((np.abs(r.z) <= 1.2 + 1e-5).all() for r in boxed)
    repeats = not all(r.moved.all() for r in boxed)
    tests = chances.of_independent_rows(probes.noise(runs, small)) if moved.sum() >= 40 else {"moves": 0.0}
    proposals_right = chances.likely(tests.values())
    tests |= {"accepted": chances.of_count(int(moved.sum()), moved.size, _CHANCE), "in the box": float(stays_in)}
    tests |= {"repeats": float(repeats), "complete": float(not any(r.blank for r in runs + boxed))}
    if chances.likely(tests.values()):
        return Finding(tests)
    comparison = (
        ("ratio", f"{_CHANCE} for every proposal of {moved.size} steps"),
        ("wanted share accepted", f"{_CHANCE}, give or take {2.5 / math.sqrt(max(moved.size, 1)):.2f}"),
        ("given share accepted", f"{moved.mean():.2f}" if moved.size else "no steps"),
    )
    if moved.all() and stays_in and not repeats and proposals_right:
        return Finding(tests, ("rejects_repeat_missing",))
    if moved.sum() < 40:
        return Finding(tests, remark=remarks.STUCK, comparison=comparison)
    if not proposals_right:
        return Finding(tests, remark=remarks.on_steps(runs, small), comparison=comparison)
    remark = remarks.WRONG_RATE if stays_in else remarks.EVERYTHING if moved.all() else remarks.LEAVES
    return Finding(tests, remark=remark, comparison=comparison)


def check_three_chains(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """Three chains on one ladder: each decides for itself."""
    small, n_steps = step / 3, 40
    tests: dict[str, float] = {}
    locked, mixed, runs = True, False, []
    for chance in (0.75, 0.35):
        rung = probes.ladder(small, partial(_slope, chance))
        try:
            run = probes.run(interview, probes.ladder_start(rng, 3), rung, small, n_steps, rng)
        except Misshapen as error:
            raise remarks.with_axes(error, n_steps, 3) from None
        same = (run.moved == run.moved[:, :1]).all(axis=1)
        tests[f"accepted, {chance}"] = chances.of_count(int(run.moved.sum()), run.moved.size, chance)
        tests[f"together, {chance}"] = chances.of_count(int(same.sum()), n_steps, chance**3 + (1 - chance) ** 3)
        # moves at first and none after, as where numbers run into nan, are no decisions
        decides = bool((run.moved[1:, 0] & ~run.moved[:-1, 0]).any())
        locked, mixed = locked and bool(same.all()), mixed or decides
        runs.append(run)
    law = chances.of_independent_rows(probes.noise(runs, small)) if mixed else {"moves": 0.0}
    if locked and mixed and chances.likely(law.values()):
        return Finding(tests, ("same_decision_for_all_chains",))
    tests |= law
    return Finding(tests, remark="" if chances.likely(tests.values()) else remarks.on_chains(runs, small))


def check_memory(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """A ladder whose first rung is steep and all others level: the likelihood must belong to the present state.

    With the likelihood of the start, decisions go on being hard after the first rung. With that of the last proposal,
    accepted or not, the second decision is easy even for chains that have not moved.
    """
    small, chance, n_steps = step / 3, 0.4, 6
    drop = probes.ladder(small, lambda k: (k >= 1) * math.log(chance))
    runs = [probes.run(interview, probes.ladder_start(rng, 3), drop, small, n_steps, rng) for _ in range(_CALLS)]
    moved = np.concatenate([r.moved for r in runs], axis=1)  # (steps, chains)
    on_top = np.cumsum(moved, axis=0) - moved > 0  # before the step: it has moved already
    tests = {"on top": float(moved[on_top].all())}
    for t in range(4):
        below = moved[t][~on_top[t]]
        tests[f"first rung, step {t}"] = chances.of_count(int(below.sum()), below.size, chance)
    # where one likelihood is kept for all chains, any acceptance takes over the values of all proposals
    some_moved = np.concatenate([np.full(3, r.moved[0].any()) for r in runs])
    second = moved[1][~on_top[1] & some_moved]
    tests["first rung, after another moved"] = chances.of_count(int(second.sum()), second.size, chance)
    if chances.likely(tests.values()):
        return Finding(tests)
    law = chances.of_independent_rows(probes.noise(runs, small)) if moved.sum() >= 40 else {"moves": 0.0}
    first = chances.likely([tests["first rung, step 0"], *law.values()])
    after = moved[on_top]
    hard = chances.of_count(int(after.sum()), after.size, chance)
    from_start = chances.likely([tests[f"first rung, step {t}"] for t in range(4)] + [hard]) and not after.all()
    from_proposal = bool(after.all()) and second.size >= 10 and bool(second.all())
    if first and (from_start or from_proposal):
        return Finding(tests, ("stale_loglik",))
    return Finding(tests, remark=remarks.WRONG_RATE)


def check_many_chains(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """Half of the chains go down a ladder with ratio 1/5, half go up one, where every proposal is accepted."""
    small, chains, n_steps = step / 3, 240, 8
    rung = probes.ladder(small, partial(_slope, _RARE))
    start = probes.ladder_start(rng, chains, below=chains // 2)
    try:
        run = probes.run(interview, start, rung, small, n_steps, rng)
    except Misshapen as error:
        raise remarks.with_axes(error, n_steps, chains) from None
    up, down = run.moved[:, : chains // 2], run.moved[:, chains // 2 :]
    if not up.all():
        return Finding({"up": 0.0}, remark=remarks.UPHILL)
    eps = (run.z[1:] - probes.contraction(small) * run.z[:-1])[:, : chains // 2] / small  # (steps, chains, D)
    tests = {"down": chances.of_count(int(down.sum()), down.size, _RARE)}
    tests |= {"noise of a step": chances.of_spread(eps.mean(axis=1) * math.sqrt(eps.shape[1]))}
    tests |= {"noise of a chain": chances.of_spread(eps.mean(axis=0) * math.sqrt(n_steps))}
    tests |= chances.of_independent_rows(probes.noise([run], small))
    return Finding(tests, remark="" if chances.likely(tests.values()) else remarks.on_chains([run], small))


def check_posterior(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """Chains that start from draws of a linear-Gaussian posterior must still follow it some steps later."""
    d, chains = probes.D, 250
    weight = rng.normal(scale=0.8, size=(2, d))
    x = rng.normal(size=2)
    precision = np.eye(d) + weight.T @ weight
    mean = np.linalg.solve(precision, weight.T @ x)
    factor = np.linalg.cholesky(precision)  # z = mean + factor^-T eps has the covariance precision^-1
    z0 = mean + np.linalg.solve(factor.T, rng.normal(size=(d, chains))).T
    loglik = probes.Spy(lambda z: -0.5 * ((x - z @ weight.T) ** 2).sum(axis=1))
    run = probes.run(interview, z0, loglik, step, 4, rng)
    tests = chances.of_independent_rows((run.z[-1] - mean) @ factor)
    return Finding(tests, remark="" if chances.likely(tests.values()) else remarks.WRONG_LAW)


def check_generator(interview: Interview, rng: np.random.Generator, step: float) -> Finding:
    """All random numbers must come from the generator."""
    inputs = {"z0": rng.normal(size=(4, probes.D)), "loglik": probes.flat(), "step": step, "n_steps": 2}
    return Finding({}, remark=interview.misuse_of_generator(inputs, (2, 4, probes.D), rng))
