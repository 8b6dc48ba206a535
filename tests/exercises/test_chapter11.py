"""Chapter 11's exercise: right answers pass however they shuffle, slips are named, nothing else is."""

import itertools
import random

import answering
import numpy as np
import pytest
import torch
from answering import arrays
from nightly import seeds

from vae_course import exercises
from vae_course.exercises import _EXERCISES
from vae_course.exercises.chapter11.toys import PixelDecoder, RecordingDecoder, draw_rows
from vae_course.exercises.comparing import draw_trials

SEEDS = seeds(2, 20)
NAME = "swap_test"
TABLE = {NAME: {"shuffles_context", "same_order"}}
pytestmark = pytest.mark.usefixtures("no_rehearsal", "trials_made_once")


def squared(a, b):
    return ((a - b) ** 2).mean()


# --- right answers ---------------------------------------------------------------------------------------------


def by_order(order):
    """An answer that shuffles in the order that `order(n)` gives."""

    def answer(decode, z, context):
        indices = order(len(z))
        x = decode(z, context)
        return squared(decode(z[indices], context), x) / squared(x[indices], x)

    return answer


def derangement(n):
    """A random order in which nothing stays where it is."""
    while True:
        order = torch.randperm(n)
        if (order != torch.arange(n)).all():
            return order


def all_three_decoded(decode, z, context):
    order = [*range(1, len(z)), 0]
    x, alone, both = decode(z, context), decode(z[order], context), decode(z[order], context[order])
    return ((alone - x) ** 2).sum() / ((both - x) ** 2).sum()


def mean_over_shifts(decode, z, context):
    x = decode(z, context)
    shares = [
        squared(decode(z.roll(shift, 0), context), x) / squared(x.roll(shift, 0), x) for shift in range(1, len(z))
    ]
    return torch.stack(shares).mean()


def all_pairs(decode, z, context):
    """Every code with every context, in one broadcast call."""
    x = decode(z[:, None], context[None])
    own = x[torch.arange(len(z)), torch.arange(len(z))]
    return ((x - own[None]) ** 2).sum() / ((own[:, None] - own[None]) ** 2).sum()


def loop_over_images(decode, z, context):
    above = below = 0.0
    n = len(z)
    for i in range(n):
        j = (i + 5) % n
        x = decode(z[i : i + 1], context[i : i + 1])
        above += float(((decode(z[j : j + 1], context[i : i + 1]) - x) ** 2).sum())
        below += float(((decode(z[j : j + 1], context[j : j + 1]) - x) ** 2).sum())
    return above / below


def one_row_at_a_time(decode, z, context):
    x = [decode(a, b) for a, b in zip(z, context, strict=True)]
    swapped = [decode(z[i - 1], context[i]) for i in range(len(z))]
    above = sum(squared(a, b) for a, b in zip(swapped, x, strict=True))
    return above / sum(squared(x[i - 1], x[i]) for i in range(len(z)))


def context_moved_instead(decode, z, context):
    """The same pairs as in the other answers: what the codes are compared to has the moved context as well."""
    order = derangement(len(z))
    x = decode(z, context)
    return squared(decode(z, context[order]), x[order]) / squared(x, x[order])


def variance_below(decode, z, context):
    x = decode(z, context)
    return ((decode(np.roll(z, 3, axis=0), context) - x) ** 2).mean() / (2 * x.var(axis=0, ddof=1)).mean()


def random_of_python(decode, z, context):
    order = list(range(len(z)))
    random.shuffle(order)
    return by_order(lambda n: order)(decode, z, context)


RIGHT = {
    NAME: {
        "the next": by_order(lambda n: torch.arange(n).roll(1)),
        "the one before": by_order(lambda n: torch.arange(n).roll(-1)),
        "backwards": by_order(lambda n: list(reversed(range(n)))),
        "random, none in place": by_order(derangement),
        "random, some in place": by_order(torch.randperm),
        "random, of Python": random_of_python,
        "random, of NumPy": arrays(by_order(lambda n: np.random.default_rng().permutation(n))),
        "halves exchanged": by_order(lambda n: (torch.arange(n) + n // 2) % n),
        "all three decoded": all_three_decoded,
        "mean over all shifts": mean_over_shifts,
        "all pairs": all_pairs,
        "loop over images": loop_over_images,
        "one row at a time": one_row_at_a_time,
        "context moved instead": context_moved_instead,
        "variance below": arrays(variance_below),
        "mse_loss": lambda decode, z, c: (
            torch.nn.functional.mse_loss(decode(z.roll(2, 0), c), decode(z, c))
            / torch.nn.functional.mse_loss(decode(z.roll(2, 0), c.roll(2, 0)), decode(z, c))
        ),
        "norms": arrays(
            lambda decode, z, c: (
                np.linalg.norm(decode(np.roll(z, 1, 0), c) - decode(z, c)) ** 2
                / np.linalg.norm(np.roll(decode(z, c), 1, 0) - decode(z, c)) ** 2
            )
        ),
        "float32": lambda decode, z, c: by_order(lambda n: torch.arange(n).roll(1))(decode, z.float(), c.float()),
        "lists": lambda decode, z, c: by_order(lambda n: [*range(1, n), 0])(
            lambda a, b: decode(a.tolist(), b.tolist()), z, c
        ),
        "by name": lambda decode, z, c: by_order(lambda n: [*range(1, n), 0])(
            lambda a, b: decode(z=a, context=b), z, c
        ),
    }
}


def test_names_slips_and_styles():
    answering.assert_names_and_slips(11, TABLE)
    answering.assert_many_styles(11, RIGHT, least=12)
    answering.assert_many_ways(11, WRONG)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


# --- slips -----------------------------------------------------------------------------------------------------


def shares(decode, z, context, new_z, new_context):
    x = decode(z, context)
    return squared(decode(new_z, new_context), x) / squared(x.roll(1, 0), x)


def shuffles_context_in_loops(decode, z, context):
    x = [decode(a, b) for a, b in zip(z, context, strict=True)]
    swapped = [decode(z[i], context[i - 1]) for i in range(len(z))]
    above = sum(squared(a, b) for a, b in zip(swapped, x, strict=True))
    return above / sum(squared(x[i - 1], x[i]) for i in range(len(z)))


WRONG = {
    NAME: {
        "shuffles_context": [
            lambda decode, z, c: shares(decode, z, c, z, c.roll(1, 0)),
            lambda decode, z, c: shares(decode, z, c, z, c[derangement(len(c))]),
            lambda decode, context, z: shares(lambda a, b: decode(b, a), z, context, z.roll(1, 0), context),
            arrays(lambda decode, z, c: ((decode(z, np.roll(c, 1, 0)) - decode(z, c)) ** 2).mean()),
            lambda decode, z, c: ((decode(z, c.flip(0)) - decode(z, c)) ** 2).sum(1).mean()
            if len(z) % 2 == 0 else ((decode(z, c.roll(2, 0)) - decode(z, c)) ** 2).sum(1).mean(),
            shuffles_context_in_loops,
            # some contexts stay in place, in a new order at each call, or the one in the middle
            lambda decode, z, c: shares(decode, z, c, z, c[torch.randperm(len(c))]),
            arrays(lambda decode, z, c: squared(decode(z, c[::-1]), decode(z, c))
                   / (2 * decode(z, c).var(axis=0, ddof=1).mean())),
            # both are moved, each in an order of its own
            lambda decode, z, c: shares(decode, z, c, z.roll(1, 0), c.roll(2, 0)),
            arrays(lambda decode, z, c: squared(decode(np.roll(z, 3, 0), np.roll(c, 7, 0)), decode(z, c))
                   / squared(np.roll(decode(z, c), 1, 0), decode(z, c))),
            lambda decode, z, c: shares(decode, z, c, z[torch.randperm(len(z))], c[torch.randperm(len(c))]),
        ],
        "same_order": [
            lambda decode, z, c: shares(decode, z, c, z, c),
            lambda decode, z, c: shares(decode, z, c, z.roll(1, 0), c.roll(1, 0)),
            by_order(lambda n: torch.arange(n)),  # 0 / 0
            lambda decode, z, c: squared(decode(z.roll(1, 0), c.roll(1, 0)), decode(z, c).roll(1, 0)),
            arrays(lambda decode, z, c: squared(decode(z[::-1], c[::-1]), decode(z, c))),
            lambda decode, z, c: squared(decode(z, c), decode(z, c)) / decode(z, c).var(),
            lambda decode, z, c: shares(decode, z, c, *(lambda o: (z[o], c[o]))(torch.randperm(len(z)))),
            lambda decode, z, c: decode(z, c).var(0).mean(),
        ],
    }
}  # fmt: skip


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------


def compare(function, *, new_z=lambda z: z.roll(1, 0)):
    """An answer from x_mean, x_mean after the swap, and x_mean of the other images."""

    def answer(decode, z, context):
        x = decode(z, context)
        return function(x, decode(new_z(z), context), x.roll(1, 0))

    return answer


def share(x, swapped, other):
    return squared(swapped, x) / squared(other, x)


REMARKS = {
    NAME: [
        ("the change itself", compare(lambda x, s, o: squared(s, x))),
        ("the change itself", compare(lambda x, s, o: ((s - x) ** 2).sum())),
        ("the change itself", compare(lambda x, s, o: ((s - x) ** 2).sum(1).mean())),
        ("mean squared change", compare(lambda x, s, o: share(x, s, o).sqrt())),
        ("mean squared change", compare(lambda x, s, o: (s - x).abs().mean() / (o - x).abs().mean())),
        ("mean squared change", compare(lambda x, s, o: (s - x).norm() / (o - x).norm())),
        ("A variance is half", compare(lambda x, s, o: squared(s, x) / x.var(0).mean())),
        ("A variance is half", compare(lambda x, s, o: squared(s, x) / x.var(0, correction=0).mean())),
        ("NOT change", compare(lambda x, s, o: 1 - share(x, s, o))),
        ("upside down", compare(lambda x, s, o: squared(o, x) / squared(s, x))),
        ("percentage", compare(lambda x, s, o: 100 * share(x, s, o))),
        ("share of each image", compare(lambda x, s, o: ((s - x) ** 2).mean(1) / ((o - x) ** 2).mean(1))),
        ("with themselves", compare(lambda x, s, o: squared(s, x) / squared(x[:, None], x[None]))),
        ("codes that no image has", compare(share, new_z=torch.zeros_like)),
        ("codes that no image has", compare(share, new_z=torch.randn_like)),
        ("codes that no image has", compare(share, new_z=lambda z: z.mean(0).expand_as(z))),
        ("codes that no image has", compare(share, new_z=lambda z: z.roll(1, 1))),
        ("the code of one", compare(share, new_z=lambda z: z[:1].expand_as(z))),
        ("the code of one", compare(share, new_z=lambda z: z[3].repeat(len(z), 1))),
    ]
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


UNKNOWN = {
    NAME: [
        lambda decode, z, c: 0.0,
        lambda decode, z, c: 1.0,
        lambda decode, z, c: 0.5,
        lambda decode, z, c: float("nan"),
        lambda decode, z, c: squared(z.roll(1, 0), z),
        lambda decode, z, c: squared(z.roll(1, 0), z) / squared(c.roll(1, 0), c),
        compare(lambda x, s, o: 1.01 * share(x, s, o)),
        compare(lambda x, s, o: share(x, s, o) ** 2),
        compare(lambda x, s, o: share(x, s, o).clamp(max=0.5)),
        compare(lambda x, s, o: squared(s, x) / squared(s, o)),
        compare(lambda x, s, o: squared(s, x) / (squared(s, x) + squared(o, x))),
        compare(lambda x, s, o: squared(s, x) / x.abs().mean()),
        compare(lambda x, s, o: (s - x).mean() / (o - x).mean().clamp(min=1)),
        compare(lambda x, s, o: share(x, s, o), new_z=lambda z: 0.5 * z + 0.5 * z.roll(1, 0)),
        # half of the images are left in place
        compare(share, new_z=lambda z: torch.cat([z[:6].roll(1, 0), z[6:]])),
        # codes and contexts move apart, but what is compared differs in the codes alone, as it should
        lambda decode, z, c: (
            1.01
            * squared(decode(z.roll(1, 0), c.roll(2, 0)), decode(z.roll(2, 0), c.roll(2, 0)))
            / squared(decode(z, c).roll(1, 0), decode(z, c))
        ),
        # what is compared to an image with its context moved is another one with it: the code's share, but too large
        lambda decode, z, c: 1.01 * context_moved_instead(decode, z, c),
        # the change that the context brings about, taken off the whole: not what z brings about where both interact
        lambda decode, z, c: 1 - shares(decode, z, c, z, c.roll(1, 0)),
    ]
}


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


def formulas(p, q, r):
    return {NAME: compare(lambda x, s, o: p * squared(s, x) + q * squared(o, x) + r * share(x, s, o))}


def test_random_wrong_formulas_are_never_diagnosed():
    answering.assert_random_formulas_are_not_named(formulas, [-1.7, -0.6, 0.3, 0.8, 1.3, 2.2], SEEDS)


def test_a_random_order_with_some_in_place_needs_the_same_order_below_the_line():
    """Divided by a mean over all pairs it is too small, and differs from call to call."""
    answer = compare(lambda x, s, o: squared(s, x) / squared(o, x), new_z=lambda z: z[torch.randperm(len(z))])
    for seed in SEEDS:
        verdict = exercises.check(NAME, answer, seed=seed)
        assert (verdict.status, verdict.diagnosis) == ("wrong", None), verdict


BROKEN = {
    NAME: [
        ("in place", lambda decode, z, c: z.copy_(z.roll(1, 0)).sum()),
        ("as many rows", lambda decode, z, c: decode(z[1:], c)),
        ("columns", lambda decode, z, c: decode(z.T, c)),
        ("a function", lambda decode, z, c: decode),
        ("must take the arguments (decode_with_context, z, context)", lambda z, context: z),
        # it raises before it has swapped anything, which is no slip
        ("NameError", lambda decode, z, c: decode(z, c) - decode(z[oder], c)),  # noqa: F821
    ]
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    answering.assert_broken(name, answer, words)


# --- the decoders and the reference ----------------------------------------------------------------------------


def test_the_share_is_what_the_brightness_says_for_every_order():
    """Squared differences are 2 (a^2 + k^2) for a foreign code, 2 (a^2 + b^2 + k^2) for another image."""
    rng = np.random.default_rng(0)
    z, context = draw_rows(rng, 4, 2), draw_rows(rng, 4, 3)
    a, b, k = 0.7, 1.1, 0.4
    decode = PixelDecoder(z, context, a, b, k)
    wanted = (a**2 + k**2) / (a**2 + b**2 + k**2)
    assert float(exercises.reference(NAME)(decode, torch.tensor(z), torch.tensor(context))) == pytest.approx(wanted)
    for order in itertools.permutations(range(4)):
        if order != (0, 1, 2, 3):
            x, order = decode(z, context), list(order)
            assert squared(decode(z[order], context), x) / squared(x[order], x) == pytest.approx(wanted)


def test_the_reference_is_0_and_1_where_one_input_is_ignored():
    examples = _EXERCISES[NAME].examples
    values = [float(exercises.reference(NAME)(*(_tensor(v) for v in inputs.values()))) for inputs in examples]
    assert values == pytest.approx([0.0, 1.0, 0.2])
    assert [repr(inputs["decode_with_context"]) for inputs in examples] == [
        "a decoder that ignores z",
        "a decoder that ignores the context",
        "a decoder that lights a pixel for z by 1, one for the context by 2",
    ]


def test_the_reference_on_a_decoder_with_weights():
    """x = A z + B c, with z and c independent and many images: the shares of the variance."""
    generator = torch.Generator().manual_seed(0)
    z, c = (torch.randn(4000, d, dtype=torch.float64, generator=generator) for d in (3, 5))
    to_x = [torch.randn(d, 20, dtype=torch.float64, generator=generator) for d in (3, 5)]
    of_z, of_c = (float((weight**2).sum()) for weight in to_x)
    found = float(exercises.reference(NAME)(lambda a, b: a @ to_x[0] + b @ to_x[1], z, c))
    assert found == pytest.approx(of_z / (of_z + of_c), rel=0.05)  # 4,000 images: about 2 %


def test_drawn_decoders_know_all_their_rows():
    for seed in range(30):
        for trial in draw_trials(_EXERCISES[NAME], np.random.default_rng(seed)):
            decode, z, context = trial.inputs.values()
            for kind in (np.float64, np.float32):
                by_z, by_context = decode.read(z.astype(kind), context.astype(kind))
                assert (by_z == np.eye(len(z))).all() and (by_context == np.eye(len(z))).all()
            nothing = np.zeros_like(z), z.mean(axis=0, keepdims=True)
            assert not any(decode.read(row, context)[0].any() for row in nothing)


def test_a_decoder_gives_back_the_kind_that_it_got():
    rng = np.random.default_rng(0)
    z, context = draw_rows(rng, 3, 2), draw_rows(rng, 3, 2)
    decode = RecordingDecoder(z, context, 1.0, 1.0, 1.0)
    assert decode(z, context).shape == (3, 15)
    assert decode(torch.tensor(z).float(), torch.tensor(context)).dtype == torch.float32
    assert decode(z[0], context[1]).tolist() == [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert decode.pairs == {(0, 0), (1, 1), (2, 2), (0, 1)}
    assert not decode.both_moved
    decode(z[[1, 2, 0]], context[[1, 2, 0]])
    assert not decode.both_moved
    decode(z[[1, 2, 0]], context[[2, 0, 1]])
    assert decode.both_moved


def _tensor(value):
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
