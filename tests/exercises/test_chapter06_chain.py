"""The exercise `pcn_chain`: right chains pass however they are written, slips are named, nothing else is."""

import functools
import itertools
import math

import answering
import numpy as np
import pytest
import torch
from nightly import seeds

from vae_course import exercises, sampling
from vae_course.exercises import _EXERCISES, chances
from vae_course.exercises.chapter06 import chain_probes
from vae_course.exercises.running import Sink
from vae_course.exercises.sampling_answers import Interview

NAME = "pcn_chain"
SEEDS = seeds(1, 6)


@pytest.fixture(autouse=True)
def quick(no_rehearsal, monkeypatch):
    """Without the forked child, and with time to spare on a busy machine."""
    monkeypatch.setattr(exercises, "check", functools.partial(exercises.check, time_limit=60.0))


# --- right answers ---------------------------------------------------------------------------------------------


def torch_chain(z0, loglik, step, n_steps, generator):
    z, current = z0.clone(), loglik(z0)
    states = torch.empty(n_steps, *z0.shape)  # float32, whatever z0 is
    for t in range(n_steps):
        u = torch.rand(len(z), generator=generator)  # before the noise
        new = (1 - step**2) ** 0.5 * z + step * torch.randn(z.shape, generator=generator)
        proposed = loglik(new)
        accept = u < torch.exp(proposed - current)
        z[accept] = new[accept].to(z.dtype)
        current[accept] = proposed[accept].to(z.dtype)
        states[t] = z
    return states


def bernoulli_chain(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z + step * torch.empty_like(z).normal_(generator=generator)
        chance = (loglik(new) - loglik(z)).exp().clamp(max=1)  # asks for the present likelihood anew
        z = torch.where(torch.bernoulli(chance, generator=generator).bool().unsqueeze(1), new, z)
        states += [z]
    return torch.stack(states)


def ahead_of_time(z0, loglik, step, n_steps, generator):
    eps = torch.randn(n_steps, *z0.shape, generator=generator, dtype=z0.dtype)
    log_u = -torch.empty(n_steps, len(z0)).exponential_(generator=generator)
    states, current = [z0], loglik(z0)
    for noise, level in zip(eps, log_u, strict=True):
        new = math.cos(math.asin(step)) * states[-1] + step * noise
        proposed = loglik(new)
        accept = (proposed - current > level)[:, None]
        states.append(accept * new + ~accept * states[-1])
        current = torch.where(accept[:, 0], proposed, current)
    return torch.stack(states[1:])


def chain_by_chain(z0, loglik, step, n_steps, generator):
    chains = []
    for start in z0:
        z, current, states = start, loglik(start[None])[0], []
        for _ in range(n_steps):
            new = math.sqrt(1 - step * step) * z + step * torch.randn(len(z), generator=generator)
            proposed = loglik(new[None])[0]
            if torch.rand(1, generator=generator).log() < proposed - current:
                z, current = new, proposed
            states.append(z.tolist())
        chains.append(states)
    return torch.tensor(chains).transpose(0, 1)


def numpy_chain(z0, loglik, step, n_steps, generator):
    z, current = z0.copy(), loglik(z0)
    states = np.zeros((n_steps, *z0.shape))
    for t in range(n_steps):
        new = np.sqrt(1 - step**2) * z + step * generator.standard_normal(z.shape)
        proposed = loglik(new)
        accept = np.log(generator.random(len(z))) < proposed - current
        z = np.where(accept[:, None], new, z)
        current = np.where(accept, proposed, current)
        states[t] = z
    return states


def numpy_loops(z0, loglik, step, n_steps, generator):
    states = np.repeat(z0[None], n_steps, axis=0)
    for i in range(len(z0)):
        z = z0[i]
        for t in range(n_steps):
            new = generator.normal(np.sqrt(1 - step**2) * z, step)
            ratio = math.exp(min(0.0, float((loglik(new[None]) - loglik(z[None]))[0])))
            if generator.uniform() <= ratio:
                z = new
            states[t, i] = z
    return states


def float32_chain(z0, loglik, step, n_steps, generator):
    return torch_chain(z0.float(), loglik, step, n_steps, generator)


def numpy_randomness_for_tensors(z0, loglik, step, n_steps, generator):
    own = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    return torch.from_numpy(numpy_chain(z0.numpy(), lambda z: loglik(torch.from_numpy(z)).numpy(), step, n_steps, own))


def package(z0, loglik, step, n_steps, generator):
    return sampling.run(sampling.pcn, loglik, z0, n_steps=n_steps, step=step, generator=generator).z


def recursion(z0, loglik, step, n_steps, generator):
    def follow(state):
        return sampling.pcn.step(state, loglik, step=step, generator=generator)[0]

    states = itertools.accumulate(range(n_steps), lambda state, _: follow(state), initial=sampling.pcn.init(z0, loglik))
    return torch.stack([state.z for state in itertools.islice(states, 1, None)])


def metropolis_by_flooring(z0, loglik, step, n_steps, generator):
    """Accepts where an exponential variable exceeds the loss."""
    z, states = z0, []
    for _ in range(n_steps):
        new = torch.normal(math.sqrt(1 - step**2) * z, step, generator=generator)
        loss = loglik(z) - loglik(new)
        accept = torch.empty(len(z)).exponential_(generator=generator) > loss
        z = torch.stack([b if a else c for a, b, c in zip(accept, new, z, strict=True)])
        states.append(z)
    return states


RIGHT = [
    torch_chain, bernoulli_chain, ahead_of_time, chain_by_chain, numpy_chain, numpy_loops, float32_chain,
    numpy_randomness_for_tensors, package, recursion, metropolis_by_flooring, exercises.reference(NAME),
]  # fmt: skip


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.__name__)
def test_right_chain_passes(answer):
    answering.assert_passes(NAME, answer, SEEDS)


# --- slips -----------------------------------------------------------------------------------------------------


DECISIONS = {
    "each": lambda u, log_ratio: u < log_ratio,
    "shared u": lambda u, log_ratio: u[0] < log_ratio,
    "all": lambda u, log_ratio: (u < log_ratio).all(),
    "any": lambda u, log_ratio: (u < log_ratio).any(),
    "sum": lambda u, log_ratio: u[0] < log_ratio.sum(),
    "mean": lambda u, log_ratio: u[0] < log_ratio.mean(),
    "first": lambda u, log_ratio: u[0] < log_ratio[0],
    "always": lambda u, log_ratio: log_ratio == log_ratio,
    "never": lambda u, log_ratio: log_ratio != log_ratio,
    "uphill": lambda u, log_ratio: log_ratio >= 0,
    "raw log": lambda u, log_ratio: u.exp() < log_ratio,
    "inverted": lambda u, log_ratio: u < -log_ratio,
    "barker": lambda u, log_ratio: u.exp() < log_ratio.sigmoid(),
    "half": lambda u, log_ratio: u < log_ratio / 2,
}
UPDATES = {
    "accepted": torch.where,
    "never": lambda accept, proposed, current: current,
    "always": lambda accept, proposed, current: proposed,
    "any": lambda accept, proposed, current: proposed if accept.any() else current,
}
RECORDS = {
    "states": lambda accept, z, new, old: z,
    "proposals": lambda accept, z, new, old: new,
    "before": lambda accept, z, new, old: old,
    "zeros": lambda accept, z, new, old: accept * z,
    "nan": lambda accept, z, new, old: torch.where(accept, z, torch.nan),
}


def make_chain(
    *, keep=None, noise=1.0, prior=0.0, decide="each", update="accepted", record="states", until_accepted=False
):
    """A chain with parts that can be broken. keep: what multiplies z; prior: how often it is counted."""

    def chain(z0, loglik, step, n_steps, generator):
        def log_target(z):
            return loglik(z) - prior * 0.5 * (z**2).sum(1)

        z, current, states = z0, log_target(z0), []
        factor = math.sqrt(1 - step**2) if keep is None else keep(step)
        while len(states) < n_steps:
            new = factor * z + noise * step * torch.randn(z.shape, generator=generator, dtype=z.dtype)
            proposed = log_target(new)
            log_ratio = proposed - current
            u = torch.rand(len(z), generator=generator).log()
            accept = DECISIONS[decide](u, log_ratio).expand(len(z))
            if until_accepted:
                while not accept.all():
                    again = factor * z + noise * step * torch.randn(z.shape, generator=generator, dtype=z.dtype)
                    new = torch.where(accept[:, None], new, again)
                    proposed = log_target(new)
                    accept = accept | (torch.rand(len(z), generator=generator).log() < proposed - current)
            old, before = z, current
            z = torch.where(accept[:, None], new, z)
            current = UPDATES[update](accept, proposed, before)
            states.append(RECORDS[record](accept[:, None], z, new, old))
        return torch.stack(states)

    return chain


def accepted_only_in_a_list(z0, loglik, step, n_steps, generator):
    chains = []
    for start in z0:
        z, states = start, []
        for _ in range(n_steps):
            new = math.sqrt(1 - step**2) * z + step * torch.randn(len(z), generator=generator)
            if torch.rand((), generator=generator).log() < (loglik(new[None]) - loglik(z[None]))[0]:
                z = new
                states.append(z)
        chains.append(torch.stack(states))
    return torch.stack(chains, dim=1)


def until_there_are_enough(z0, loglik, step, n_steps, generator):
    """NumPy, in which each chain goes on until it has n_steps accepted states."""
    chains = np.empty((n_steps, *z0.shape))
    for i, z in enumerate(z0):
        current, t = loglik(z[None])[0], 0
        while t < n_steps:
            new = np.sqrt(1 - step**2) * z + step * generator.normal(size=z.shape)
            proposed = loglik(new[None])[0]
            if np.log(generator.uniform()) < proposed - current:
                z, current = new, proposed
                chains[t, i] = z
                t += 1
    return chains


def padded_at_the_end(z0, loglik, step, n_steps, generator):
    states = torch.zeros(n_steps, *z0.shape, dtype=z0.dtype)
    for i, z in enumerate(z0):
        current, t = loglik(z[None])[0], 0
        for _ in range(n_steps):
            new = math.sqrt(1 - step**2) * z + step * torch.randn(len(z), generator=generator)
            proposed = loglik(new[None])[0]
            if torch.rand((), generator=generator).log() < proposed - current:
                z, current = new, proposed
                states[t, i] = z
                t += 1
    return states


def only_if_all_accept(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z + step * torch.randn(z.shape, generator=generator, dtype=z.dtype)
        accept = torch.rand(len(z), generator=generator).log() < loglik(new) - loglik(z)
        if accept.all():
            z = new
            states.append(z)
    return torch.stack(states)


def numpy_prior_twice(z0, loglik, step, n_steps, generator):
    """In a loop, with math.exp, which overflows at large ratios."""
    states = np.empty((n_steps, *z0.shape))
    for i, z in enumerate(z0):
        for t in range(n_steps):
            new = np.sqrt(1 - step**2) * z + step * generator.normal(size=z.shape)
            log_ratio = (loglik(new[None]) - loglik(z[None]))[0] - new @ new / 2 + z @ z / 2
            if generator.uniform() < math.exp(log_ratio):
                z = new
            states[t, i] = z
    return states


def prior_by_distributions(z0, loglik, step, n_steps, generator):
    prior = torch.distributions.Normal(0.0, 1.0)
    return torch_chain(z0, lambda z: loglik(z) + prior.log_prob(z).sum(1), step, n_steps, generator)


def numpy_shared_u(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = np.sqrt(1 - step**2) * z + step * generator.normal(size=z.shape)
        z = np.where((generator.uniform() < np.exp(loglik(new) - loglik(z)))[:, None], new, z)
        states.append(z)
    return np.array(states)


def if_for_all(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z + step * torch.randn(z.shape, generator=generator, dtype=z.dtype)
        if torch.rand(1, generator=generator) < torch.exp(loglik(new).sum() - loglik(z).sum()):
            z = new
        states.append(z)
    return torch.stack(states)


def numpy_stale(z0, loglik, step, n_steps, generator):
    z, current, states = z0, loglik(z0), []
    for _ in range(n_steps):
        new = np.sqrt(1 - step**2) * z + step * generator.normal(size=z.shape)
        accept = np.log(generator.uniform(size=len(z))) < loglik(new) - current
        z = np.where(accept[:, None], new, z)
        states.append(z)
    return np.array(states)


def stale_start_asked_again(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z + step * torch.randn(z.shape, generator=generator, dtype=z.dtype)
        accept = torch.rand(len(z), generator=generator).log() < loglik(new) - loglik(z0)
        z = torch.where(accept[:, None], new, z)
        states.append(z)
    return torch.stack(states)


def numpy_walk(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = z + generator.normal(scale=step, size=z.shape)
        z = np.where((np.log(generator.uniform(size=len(z))) < loglik(new) - loglik(z))[:, None], new, z)
        states.append(z)
    return np.array(states)


def package_walk(z0, loglik, step, n_steps, generator):
    return sampling.run(sampling.random_walk, loglik, z0, n_steps=n_steps, step=step, generator=generator).z


def same(step):
    return 1.0


WRONG = {
    NAME: {
        "rejects_repeat_missing": [
            accepted_only_in_a_list, until_there_are_enough, padded_at_the_end, only_if_all_accept,
            make_chain(until_accepted=True), make_chain(record="zeros"), make_chain(record="nan"),
        ],
        "prior_counted_twice": [make_chain(prior=1.0), numpy_prior_twice, prior_by_distributions],
        "same_decision_for_all_chains": [
            make_chain(decide="shared u"), make_chain(decide="all"), make_chain(decide="any"),
            make_chain(decide="sum"), make_chain(decide="mean"), make_chain(decide="first"), numpy_shared_u, if_for_all,
        ],
        "stale_loglik": [
            make_chain(update="never"), make_chain(update="always"), make_chain(update="any"), numpy_stale,
            stale_start_asked_again,
        ],
        "random_walk": [make_chain(keep=same), make_chain(keep=same, prior=1.0), numpy_walk, package_walk],
    }
}  # fmt: skip


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


PAIRS = [
    ({"prior": 1.0, "decide": "shared u"}, {"prior_counted_twice", "same_decision_for_all_chains"}),
    ({"prior": 1.0, "update": "never"}, {"prior_counted_twice", "stale_loglik"}),
    ({"prior": 1.0, "until_accepted": True}, {"prior_counted_twice", "rejects_repeat_missing"}),
    ({"prior": 1.0, "decide": "all"}, {"prior_counted_twice", "same_decision_for_all_chains"}),
    ({"decide": "shared u", "update": "never"}, {"same_decision_for_all_chains", "stale_loglik"}),
    ({"decide": "all", "update": "always"}, {"same_decision_for_all_chains", "stale_loglik"}),
    ({"decide": "sum", "update": "never"}, {"same_decision_for_all_chains", "stale_loglik"}),
    ({"until_accepted": True, "update": "always"}, {"rejects_repeat_missing", "stale_loglik"}),
    ({"keep": same, "decide": "shared u"}, {"random_walk", "same_decision_for_all_chains"}),
    ({"keep": same, "prior": 2.0}, {"random_walk", "prior_counted_twice"}),
    ({"keep": same, "update": "never"}, {"random_walk", "stale_loglik"}),
    ({"keep": same, "until_accepted": True}, {"random_walk", "rejects_repeat_missing"}),
]


@pytest.mark.parametrize(("parts", "slips"), PAIRS, ids=lambda value: str(sorted(value)))
def test_one_or_both_of_two_slips_are_named(parts, slips):
    for seed in SEEDS:
        verdict = exercises.check(NAME, make_chain(**parts), seed=seed)
        assert verdict.status == "wrong"
        assert {verdict.diagnosis, *verdict.also} <= slips, verdict


# --- wrong in other ways ---------------------------------------------------------------------------------------


def changed(answer, before=lambda n_steps: n_steps, after=lambda states: states):
    """The answer run for another number of steps, and what is made of its states."""
    return lambda z0, loglik, step, n_steps, generator: after(answer(z0, loglik, step, before(n_steps), generator))


def with_start(z0, loglik, step, n_steps, generator):
    return torch.cat([z0[None], torch_chain(z0, loglik, step, n_steps, generator)])


def same_noise_for_all_chains(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z + step * torch.randn(z.shape[1], generator=generator)
        accept = torch.rand(len(z), generator=generator).log() < loglik(new) - loglik(z)
        z = torch.where(accept[:, None], new, z)
        states.append(z)
    return torch.stack(states)


def one_noise_for_all_steps(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    eps = torch.randn(z.shape, generator=generator)
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z + step * eps
        accept = torch.rand(len(z), generator=generator).log() < loglik(new) - loglik(z)
        z = torch.where(accept[:, None], new, z)
        states.append(z)
    return torch.stack(states)


def from_the_start(z0, loglik, step, n_steps, generator):
    z, states = z0, []
    for _ in range(n_steps):
        new = math.sqrt(1 - step**2) * z0 + step * torch.randn(z.shape, generator=generator)
        accept = torch.rand(len(z), generator=generator).log() < loglik(new) - loglik(z)
        z = torch.where(accept[:, None], new, z)
        states.append(z)
    return torch.stack(states)


def global_noise(z0, loglik, step, n_steps, generator):
    return torch_chain(z0, loglik, step, n_steps, None)


def own_generator(z0, loglik, step, n_steps, generator):
    return torch_chain(z0, loglik, step, n_steps, torch.Generator().manual_seed(3))


OTHERS = [
    ("is `z0` itself", changed(with_start, after=lambda states: states[:-1])),
    ("one state too many", with_start),
    ("makes several proposals", changed(torch_chain, lambda n: 3 * n, lambda states: states[2::3])),
    ("makes several proposals", changed(torch_chain, lambda n: n + 10, lambda states: states[10:])),
    ("makes several proposals", changed(torch_chain, lambda n: n + 100, lambda states: states[100:])),
    ("makes several proposals", changed(numpy_chain, lambda n: 2 * n, lambda states: states[n_half(states) :])),
    ("is `z0` itself", make_chain(record="before")),
    ("hold the proposals", make_chain(record="proposals")),
    ("never moves", make_chain(decide="never")),
    ("accepts every proposal", make_chain(decide="always")),
    ("hardly, where half of", make_chain(decide="uphill")),
    ("never moves", make_chain(decide="raw log")),
    ("not accepted as often", make_chain(decide="half")),
    ("ratio is 1", make_chain(decide="barker")),
    ("the right way up", make_chain(decide="inverted")),
    ("not those of pCN", make_chain(keep=lambda step: 1 - step)),
    ("not those of pCN", make_chain(noise=0.5)),
    ("not those of pCN", make_chain(keep=lambda step: step)),
    ("ratio is 1", make_chain(prior=-1.0)),
    ("All chains have the same noise", same_noise_for_all_chains),
    ("All steps have the same noise", one_noise_for_all_steps),
    ("starts from `z0`", from_the_start),
    ("global generator", global_noise),
    ("whatever the generator is", own_generator),
    ("another order", changed(torch_chain, after=lambda states: states.transpose(0, 1))),
    ("another order", changed(numpy_chain, after=lambda states: states.transpose(2, 0, 1))),
    ("shape", changed(torch_chain, after=lambda states: states[-1])),
    ("whatever the generator is", lambda z0, loglik, step, n_steps, generator: torch.zeros(n_steps, *z0.shape)),
    ("", lambda z0, loglik, step, n_steps, generator: torch.randn(n_steps, *z0.shape, generator=generator)),
]


def n_half(states):
    return len(states) // 2


@pytest.mark.parametrize(("words", "answer"), [pytest.param(*case, id=str(i)) for i, case in enumerate(OTHERS)])
def test_other_faults_get_a_sentence_and_no_name(words, answer):
    answering.assert_not_named(NAME, answer, SEEDS, words)


BROKEN = [
    ("`z0` in place", lambda z0, loglik, step, n_steps, generator: z0.add_(1)),
    ("loglik takes z of shape (chains, 3), got (3,)", lambda z0, loglik, step, n_steps, generator: loglik(z0[0])),
    ("must take the arguments (z0, loglik, step, n_steps, generator)", lambda z0, loglik, step, n_steps: z0),
    ("nan or infinite", changed(torch_chain, after=lambda states: torch.cat([states, states]).log()[: len(states)])),
    ("where numbers are wanted", lambda z0, loglik, step, n_steps, generator: loglik),
]


@pytest.mark.parametrize(("words", "answer"), [pytest.param(*case, id=str(i)) for i, case in enumerate(BROKEN)])
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(words, answer):
    verdict = exercises.check(NAME, answer, seed=0)
    assert verdict.status == "broken"
    assert words in verdict.message, verdict


@pytest.mark.parametrize("answer", [..., None, lambda *inputs: ..., lambda *inputs: None])
def test_not_answered_yet(answer):
    assert exercises.check(NAME, answer, seed=0).status == "not answered yet"


def test_a_chain_that_waits_for_ever_is_given_up():
    """It looks for a proposal that is better, which there is none where the likelihood is the same everywhere."""

    def endless(z0, loglik, step, n_steps, generator):
        new = z0
        while not (loglik(new) > loglik(z0)).all():
            new = math.sqrt(1 - step**2) * z0 + step * torch.randn(z0.shape, generator=generator, dtype=z0.dtype)
        return new

    assert "did not come to an end" in exercises.check(NAME, endless, time_limit=0.3).message


# --- the probes ------------------------------------------------------------------------------------------------


def test_the_slips_of_the_course():
    assert set(exercises.slips(NAME)) == set(WRONG[NAME])


def test_p_values_of_right_chains_are_p_values():
    exercise = _EXERCISES[NAME]
    values = []
    for seed in range(30):
        interview = Interview(exercise, exercise.reference, "torch tensors", Sink())
        values += exercise.examine(interview, np.random.default_rng(seed)).tests.values()
    assert np.mean(np.array(values) < 0.01) < 0.01 + 6 * math.sqrt(0.01 / len(values))
    assert len(values) / 30 < 200  # what chances.LIMIT is chosen for


def test_the_ladder_is_climbed_one_rung_at_a_time():
    """The likelihood on it depends on the number of accepted proposals alone, however the noise falls."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    step = 0.88 / 3
    spy = chain_probes.ladder(step, lambda rung: -rung)
    z = torch.from_numpy(chain_probes.ladder_start(rng, 2000, below=1000))
    sign = torch.where(z[:, 0] > 0, 1.0, -1.0)
    for rung in range(60):
        assert torch.equal(spy(z), chain_probes.LEVEL - rung * sign)
        z = math.sqrt(1 - step**2) * z + step * torch.randn(z.shape, generator=generator, dtype=z.dtype)


@pytest.mark.parametrize("as_array", [torch.from_numpy, np.asarray, lambda z: torch.from_numpy(z).float()])
def test_a_likelihood_gives_the_kind_of_array_that_it_gets(as_array):
    z = as_array(np.random.default_rng(0).normal(size=(4, chain_probes.D)))
    value = chain_probes.box(1.0)(z)
    assert type(value) is type(z)
    assert value.dtype == z.dtype
    assert value.shape == (4,)


def test_bounds_on_counts_hold():
    """The chance of a count at least as unlikely, by the binomial law, never exceeds the bound."""
    for n, chance in itertools.product((5, 60, 300), (0.1, 0.4, 0.75)):
        log_p = [
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            + k * math.log(chance) + (n - k) * math.log1p(-chance) for k in range(n + 1)
        ]  # fmt: skip
        exact = np.exp(log_p)
        bounds = np.array([chances.of_count(k, n, chance) for k in range(n + 1)])
        for bound in bounds:
            assert exact[bounds <= bound].sum() <= bound * (1 + 1e-9)
    assert chances.of_count(3, 4, 1) == 0
    assert chances.of_count(0, 0, 0.5) == 1
