"""Chapter 8's exercises: right answers pass however they are written, slips are named, nothing else is."""

import itertools

import answering
import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal
import scipy.spatial
import torch
from answering import arrays, floats
from nightly import seeds

import vae_course as vc
from vae_course import exercises, latent
from vae_course.exercises.chapter08.histories import RECORDED, draw_history
from vae_course.exercises.chapter08.phases import KEYS

SEEDS = seeds(2, 12)
TABLE = {
    "locate_phases": {"smoothed_away"},
    "align_latents": {"no_centering", "transposed_rotation", "allows_scaling"},
}
pytestmark = pytest.mark.usefixtures("no_rehearsal", "trials_made_once")


# --- right answers ---------------------------------------------------------------------------------------------


def phases(kl, *, share=0.1, other=0.5):
    """Of any row of numbers, in NumPy."""
    kl = np.asarray(kl, dtype=float)
    trough = int((np.maximum.accumulate(kl) - kl).argmax())
    low, high = kl[trough], kl[-max(1, len(kl) // 10) :].mean()
    done = (kl[trough:] - low) / (high - low)
    rises = [trough + int((done >= part).argmax()) for part in (share, other)]
    return dict(zip(KEYS, (int(kl[: trough + 1].argmax()), trough, *rises), strict=True))


def phases_in_loops(kl):
    n, deepest, spike, trough, highest = len(kl), -1.0, 0, 0, 0
    for t in range(n):
        if kl[t] > kl[highest]:
            highest = t
        if kl[highest] - kl[t] > deepest:
            deepest, spike, trough = kl[highest] - kl[t], highest, t
    climb = sum(kl[n - n // 10 :]) / (n // 10) - kl[trough]
    found = {"spike": spike, "trough": trough}
    for key, share in (("sharp_rise", 0.1), ("slow_rise", 0.5)):
        found[key] = next(t for t in range(trough, n) if kl[t] - kl[trough] >= share * climb)
    return found


def phases_by_pairs(kl):
    pairs = itertools.combinations(range(len(kl)), 2)
    spike, trough = max(pairs, key=lambda pair: kl[pair[0]] - kl[pair[1]])
    high = float(np.mean(kl[-(len(kl) // 10) :]))
    first = [min(t for t in range(trough, len(kl)) if kl[t] > kl[trough] + s * (high - kl[trough])) for s in (0.1, 0.5)]
    return {"slow_rise": first[1], "sharp_rise": first[0], "trough": trough, "spike": spike}


def phases_by_triangle(kl):
    falls = (kl[:, None] - kl[None]).triu()  # from row to column
    spike, trough = divmod(int(falls.argmax()), len(kl))
    share = (kl - kl[trough]) / (kl[-(len(kl) // 10) :].mean() - kl[trough])
    share[:trough] = -1
    return {"spike": spike, "trough": trough, "sharp_rise": (share > 0.1).nonzero()[0], "slow_rise": np.flatnonzero(
        np.asarray(share) > 0.5)[:1]}  # fmt: skip


def svd_of(a, b):
    return torch.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0)))


def turn_of(a, b):
    return svd_of(a, b)[0] @ svd_of(a, b)[2]


def aligned(a, b, rotation, factor=1.0):
    return rotation, factor * (a - a.mean(0)) @ rotation + b.mean(0)


def in_numpy(a, b):
    u, _, vt = np.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0)))
    return u @ vt, (a - a.mean(0)) @ u @ vt + b.mean(0)


def by_scipy(a, b):
    rotation, _ = scipy.linalg.orthogonal_procrustes(a - a.mean(0), b - b.mean(0))
    return rotation, (a - a.mean(0)) @ rotation + b.mean(0)


def by_polar(a, b):
    rotation, _ = scipy.linalg.polar((a - a.mean(0)).T @ (b - b.mean(0)))
    return rotation, (a - a.mean(0)) @ rotation + b.mean(0)


def by_inverse_root(a, b):
    product = (a - a.mean(0)).T @ (b - b.mean(0))
    values, vectors = np.linalg.eigh(product.T @ product)
    rotation = product @ (vectors / np.sqrt(values)) @ vectors.T
    return rotation, (a - a.mean(0)) @ rotation + b.mean(0)


def by_newton(a, b):
    """The polar factor by averaging with the inverse transpose (Higham)."""
    turn = (a - a.mean(0)).T @ (b - b.mean(0))
    turn = turn / turn.norm()
    for _ in range(40):
        turn = (turn + torch.linalg.inv(turn).T) / 2
    return turn, (a - a.mean(0)) @ turn + b.mean(0)


def row_by_row(a, b):
    n, d = len(a), len(a[0])
    means = [[sum(row[j] for row in rows) / n for j in range(d)] for rows in (a, b)]
    product = [[sum((p[i] - means[0][i]) * (q[j] - means[1][j]) for p, q in zip(a, b, strict=True)) for j in range(d)]
               for i in range(d)]  # fmt: skip
    u, _, vt = np.linalg.svd(product)
    turn = (u @ vt).tolist()
    moved = [[means[1][j] + sum((p[i] - means[0][i]) * turn[i][j] for i in range(d)) for j in range(d)] for p in a]
    return turn, moved


RIGHT = {
    "locate_phases": {
        "NumPy": arrays(phases),
        "NumPy ints": lambda kl: {key: np.int64(step) for key, step in phases(kl).items()},
        "tensors": lambda kl: {key: torch.tensor(step) for key, step in phases(kl).items()},
        "floats": lambda kl: {key: float(step) for key, step in phases(kl).items()},
        "loops": floats(phases_in_loops),
        "all pairs": floats(phases_by_pairs),
        "triangle": lambda kl: phases_by_triangle(torch.as_tensor(kl).clone()),
        "float32": lambda kl: phases(np.asarray(kl, dtype=np.float32)),
        "more keys": lambda kl: {**phases(kl), "end": len(kl) - 1},
        "other order": lambda kl: dict(reversed(phases(kl).items())),
        "one-element arrays": lambda kl: {key: [step] for key, step in phases(kl).items()},
        "reference": exercises.reference("locate_phases"),
    },
    "align_latents": {
        "torch": lambda a, b: aligned(a, b, svd_of(a, b)[0] @ svd_of(a, b)[2]),
        "NumPy": arrays(in_numpy),
        "NumPy float32": arrays(lambda a, b: in_numpy(a.astype(np.float32), b.astype(np.float32))),
        "float32": lambda a, b: aligned(a.float(), b.float(), turn_of(a.float(), b.float())),
        "torch.svd": lambda a, b: (lambda u, _, v: aligned(a, b, u @ v.T))(
            *torch.svd((a - a.mean(0)).T @ (b - b.mean(0)))),
        "other product": lambda a, b: (lambda u, _, vt: aligned(a, b, (u @ vt).T))(*svd_of(b, a)),
        "one mean is enough": lambda a, b: (lambda u, _, vt: aligned(a, b, u @ vt))(*torch.linalg.svd(
            (a - a.mean(0)).T @ b)),
        "scipy": arrays(by_scipy),
        "polar": arrays(by_polar),
        "inverse root": arrays(by_inverse_root),
        "Newton": by_newton,
        "row by row": floats(row_by_row),
        "list": lambda a, b: list(aligned(a, b, svd_of(a, b)[0] @ svd_of(a, b)[2])),
        "package": lambda a, b: latent.align(torch.as_tensor(a), torch.as_tensor(b))[:2],
        "reference": exercises.reference("align_latents"),
    },
}  # fmt: skip


def test_names_and_slips_are_those_of_the_course():
    answering.assert_names_and_slips(8, TABLE)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


def test_every_exercise_has_a_dozen_styles():
    answering.assert_many_styles(8, RIGHT, least=12)


# --- slips -----------------------------------------------------------------------------------------------------


def moving_average(width, mode="same"):
    return arrays(lambda kl: phases(np.convolve(kl, np.ones(width) / width, mode=mode)))


def averaged_in_loops(kl, *, width=10):
    return phases(
        [sum(kl[max(0, t - width + 1) : t + 1]) / len(kl[max(0, t - width + 1) : t + 1]) for t in range(len(kl))]
    )


def exponential(share):
    def answer(kl):
        smooth, value = [], float(kl[0])
        for number in kl:
            value = (1 - share) * value + share * float(number)
            smooth.append(value)
        return phases(smooth)

    return answer


def by_epochs(length, *, value=np.mean, times=1, offset=0):
    def answer(kl):
        kl = np.asarray(kl)
        epochs = value(kl[: len(kl) // length * length].reshape(-1, length), axis=1)
        return {key: times * epoch + offset for key, epoch in phases(epochs).items()}

    return answer


def other_spike(answer):
    """Smooth for the spike and the trough, raw for the rest."""
    return lambda kl: {**phases(kl), **{key: answer(kl)[key] for key in ("spike", "trough")}}


def uncentred(a, b):
    u, _, vt = torch.linalg.svd(a.T @ b)
    return u @ vt, a @ u @ vt


def centred_turn_of_raw_codes(a, b):
    u, _, vt = svd_of(a, b)
    return u @ vt, a @ u @ vt


def stretch(a, b, how):
    u, s, vt = svd_of(a, b)
    centred_a, centred_b = a - a.mean(0), b - b.mean(0)
    factor = {
        "least squares": s.sum() / (centred_a**2).sum(),
        "sizes": centred_b.norm() / centred_a.norm(),
    }[how]
    return u @ vt, factor


def by_scipy_procrustes(a, b):
    """Whose result has size 1, brought back to the size and place of b."""
    _, standard_a, _ = scipy.spatial.procrustes(b, a)
    size = np.linalg.norm(b - b.mean(0))
    rotation, _ = scipy.linalg.orthogonal_procrustes(a - a.mean(0), b - b.mean(0))
    return rotation, standard_a * size + b.mean(0)


WRONG = {
    "locate_phases": {
        "smoothed_away": [
            moving_average(5),
            moving_average(9, "valid"),
            moving_average(20),
            moving_average(3, "full"),
            floats(averaged_in_loops),
            floats(lambda kl: averaged_in_loops(kl, width=50)),
            exponential(0.1),
            exponential(0.05),
            exponential(0.3),
            lambda kl: phases(scipy.ndimage.gaussian_filter1d(np.asarray(kl), 3)),
            lambda kl: phases(scipy.ndimage.uniform_filter1d(np.asarray(kl), 15)),
            lambda kl: phases(scipy.signal.savgol_filter(np.asarray(kl), 21, 2)),
            lambda kl: phases(scipy.ndimage.median_filter(np.asarray(kl), 7)),
            lambda kl: phases(torch.nn.functional.avg_pool1d(kl[None, None], 9, stride=1, padding=4)[0, 0]),
            other_spike(moving_average(10)),
            other_spike(exponential(0.2)),
            by_epochs(10),
            by_epochs(10, times=10),
            by_epochs(20, times=20, offset=10),
            by_epochs(8, value=np.median, times=8),
            lambda kl: phases(kl[::10]),
            lambda kl: {key: 10 * step for key, step in phases(kl[::10]).items()},
            lambda kl: {key: 5 * step + 4 for key, step in phases(kl[4::5]).items()},
            # the last epoch is not whole
            lambda kl: {key: 7 * step for key, step in phases(kl[::7]).items()},
            lambda kl: phases([float(kl[i : i + 12].mean()) for i in range(0, len(kl), 12)]),
        ],
    },
    "align_latents": {
        "no_centering": [
            uncentred,
            arrays(lambda a, b: (lambda turn: (turn, a @ turn))(scipy.linalg.orthogonal_procrustes(a, b)[0])),
            centred_turn_of_raw_codes,
            lambda a, b: aligned(a, b, uncentred(a, b)[0]),
            lambda a, b: uncentred(a.float(), b.float()),
            arrays(lambda a, b: (lambda u, s, vt: (u @ vt, a.dot(u).dot(vt)))(
                *np.linalg.svd(np.einsum("ni,nj->ij", a, b)))),
        ],
        "transposed_rotation": [
            lambda a, b: aligned(a, b, (svd_of(a, b)[0] @ svd_of(a, b)[2]).T),
            lambda a, b: aligned(a, b, svd_of(a, b)[2].T @ svd_of(a, b)[0].T),
            lambda a, b: (in_numpy(a.numpy(), b.numpy())[0].T, in_numpy(a.numpy(), b.numpy())[1]),
            lambda a, b: (in_numpy(a.numpy(), b.numpy())[0], aligned(a, b, svd_of(b, a)[0] @ svd_of(b, a)[2])[1]),
            lambda a, b: aligned(a, b, svd_of(b, a)[0] @ svd_of(b, a)[2]),
            arrays(lambda a, b: (by_scipy(b, a)[0], (a - a.mean(0)) @ by_scipy(b, a)[0] + b.mean(0))),
        ],
        "allows_scaling": [
            lambda a, b: (lambda turn, f: (f * turn, aligned(a, b, turn, f)[1]))(*stretch(a, b, "least squares")),
            lambda a, b: (lambda turn, f: (turn, aligned(a, b, turn, f)[1]))(*stretch(a, b, "least squares")),
            lambda a, b: (lambda turn, f: (turn, aligned(a, b, turn, f)[1]))(*stretch(a, b, "sizes")),
            lambda a, b: aligned(a, b, torch.linalg.lstsq(a - a.mean(0), b - b.mean(0)).solution),
            arrays(lambda a, b: (lambda m: (m, (a - a.mean(0)) @ m + b.mean(0)))(np.linalg.pinv(a - a.mean(0)) @ b)),
            lambda a, b: aligned(a, b, (a - a.mean(0)).T @ (b - b.mean(0))),
            arrays(by_scipy_procrustes),
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


def test_every_slip_is_written_in_several_ways():
    answering.assert_many_ways(8, WRONG)


TWO_SLIPS = {
    "align_latents": [
        ({"no_centering", "transposed_rotation"}, lambda a, b: (uncentred(a, b)[0].T, a @ uncentred(a, b)[0].T)),
        ({"no_centering", "allows_scaling"}, lambda a, b: (lambda f: (f * uncentred(a, b)[0], f * uncentred(a, b)[1]))(
            torch.linalg.svdvals(a.T @ b).sum() / (a**2).sum())),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------


def change(**changed):
    """The right steps, some of them found in another way."""
    return lambda kl: {**phases(kl), **{key: function(np.asarray(kl)) for key, function in changed.items()}}


def rises(low, high, start):
    """Both rises, between other levels and from another step on."""

    def answer(kl):
        kl = np.asarray(kl)
        found = phases(kl)
        bottom, top, first = low(kl, found), high(kl), start(found)
        for key, share in (("sharp_rise", 0.1), ("slow_rise", 0.5)):
            reached = np.flatnonzero(kl[first:] >= bottom + share * (top - bottom))
            found[key] = first + int(reached[0]) if len(reached) else len(kl) - 1
        return found

    return answer


def at_trough(kl, found):
    return kl[found["trough"]]


def last_tenth(kl):
    return kl[-(len(kl) // 10) :].mean()


def from_trough(found):
    return found["trough"]


REMARKS = {
    "locate_phases": [
        ("highest KL of the whole training", change(spike=np.argmax)),
        ("lowest KL of the whole training", lambda kl: _all_from_the_lowest(np.asarray(kl), phases(kl)["spike"])),
        ("highest and the lowest", lambda kl: _all_from_the_lowest(np.asarray(kl), int(np.asarray(kl).argmax()))),
        ("not at 0", rises(lambda kl, found: 0.0, last_tenth, from_trough)),
        ("from step 0 on", rises(at_trough, last_tenth, lambda found: 0)),
        ("from the trough", lambda kl: (lambda f: {**f, **{k: f[k] - f["trough"] for k in KEYS[2:]}})(phases(kl))),
        ("one noisy batch", rises(at_trough, lambda kl: kl[-1], from_trough)),
        ("highest of the last steps", rises(at_trough, lambda kl: kl[-(len(kl) // 10) :].max(), from_trough)),
    ],
    "align_latents": [
        ("proper rotations alone", lambda a, b: aligned(a, b, _proper(a, b))),
        ("transposed the third factor", lambda a, b: aligned(a, b, svd_of(a, b)[0] @ svd_of(a, b)[2].T)),
        ("lie around 0", lambda a, b: (by_newton(a, b)[0], (a - a.mean(0)) @ by_newton(a, b)[0])),
        ("mean of `a`", lambda a, b: (by_newton(a, b)[0], (a - a.mean(0)) @ by_newton(a, b)[0] + a.mean(0))),
        ("brought `b` to `a`", lambda a, b: by_newton(b, a)),
        ("other order", lambda a, b: by_newton(a, b)[::-1]),
    ],
}  # fmt: skip


def renamed(a, b):
    latents = latent.match_latents(torch.as_tensor(a), torch.as_tensor(b)).latent
    return torch.eye(a.shape[1])[latents].T.to(a)


def _all_from_the_lowest(kl, spike):
    lowest = int(kl.argmin())
    found = rises(lambda kl, found: kl[lowest], last_tenth, lambda found: lowest)(kl)
    return {**found, "spike": spike, "trough": lowest}


def _proper(a, b):
    u, _, vt = svd_of(a, b)
    signs = torch.ones(len(vt)).to(a)
    signs[-1] = torch.linalg.det(u) * torch.linalg.det(vt)
    return u * signs @ vt


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


UNKNOWN = {
    "locate_phases": [
        lambda kl: dict.fromkeys(KEYS, 0),
        lambda kl: dict(zip(KEYS, (11, 60, 80, 120), strict=True)),
        lambda kl: {key: step + 1 for key, step in phases(kl).items()},
        lambda kl: phases(kl, share=0.2),
        lambda kl: phases(kl, other=0.9),
        # right about the spike: smooth elsewhere
        lambda kl: {**moving_average(9)(kl), **{key: phases(kl)[key] for key in ("spike", "trough")}},
        # the spike looked for among some of the raw steps
        change(spike=lambda kl: int(kl[:8].argmax())),
        change(spike=lambda kl: 15 + int(kl[15:40].argmax())),
        change(spike=lambda kl: len(kl) // 6 + int(kl[len(kl) // 6 :].argmax())),
        lambda kl: {key: step + len(kl) // 6 for key, step in phases(kl[len(kl) // 6 :]).items()},
        change(spike=lambda kl: len(kl) - 1),
        # the highest KL of the beginning, however long that is
        change(spike=lambda kl: int(kl[: len(kl) // 3].argmax())),
        change(spike=lambda kl: int(kl[: 2 * phases(kl)["trough"] + 2].argmax())),
        change(spike=lambda kl: int(np.diff(kl).argmax())),
        change(spike=lambda kl: int(np.diff(kl).argmin())),
        change(trough=lambda kl: len(kl) // 2 + int(kl[len(kl) // 2 :].argmin())),
        change(trough=lambda kl: len(kl) // 2),
        lambda kl: phases(np.log(np.asarray(kl) + 1)),
        lambda kl: phases(np.cumsum(np.asarray(kl))),
        lambda kl: phases(-np.asarray(kl)),
    ],
    "align_latents": [
        lambda a, b: (torch.eye(a.shape[1]), a),
        lambda a, b: (torch.eye(a.shape[1]), a - a.mean(0) + b.mean(0)),
        lambda a, b: (torch.eye(a.shape[1]), b),
        lambda a, b: aligned(a, b, -(svd_of(a, b)[0] @ svd_of(a, b)[2])),
        lambda a, b: aligned(a, b, svd_of(a, b)[2] @ svd_of(a, b)[0]),
        lambda a, b: aligned(a, b, svd_of(a, b)[0]),
        lambda a, b: aligned(a, b, svd_of(a, b)[0] @ svd_of(a, b)[2], 1.02),
        lambda a, b: aligned(a, b, svd_of(a[1:], b[1:])[0] @ svd_of(a[1:], b[1:])[2]),
        lambda a, b: aligned(a, b, svd_of(a, b.flip(0))[0] @ svd_of(a, b.flip(0))[2]),
        lambda a, b: aligned(a, b, torch.linalg.qr((a - a.mean(0)).T @ (b - b.mean(0))).Q),
        # the latents of the first run matched, not turned
        lambda a, b: aligned(a, b, renamed(a, b)),
        lambda a, b: (svd_of(a, b)[1].diag(), a),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


BROKEN = {
    "locate_phases": [
        ("It returned a tuple of 4, where a dict is wanted.", lambda kl: tuple(phases(kl).values())),
        ("The dict lacks `slow_rise`.", lambda kl: {key: phases(kl)[key] for key in KEYS[:3]}),
        ("`trough` holds 2 numbers", lambda kl: {**phases(kl), "trough": [1, 2]}),
        ("must take the arguments (kl_history)", lambda: 1),
        ("Hand over the function itself", {"spike": 1}),
        ("KeyError", lambda kl: phases(kl)["peak"]),
        ("in place", lambda kl: phases(kl.sub_(kl.min()))),
        ("a str, where numbers are wanted", lambda kl: {**phases(kl), "spike": "early"}),
    ],
    "align_latents": [
        ("must return 2 values", lambda a, b: svd_of(a, b)[0] @ svd_of(a, b)[2]),
        ("in place", lambda a, b: aligned(a.sub_(a.mean(0)), b, svd_of(a, b)[0] @ svd_of(a, b)[2])),
    ],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    answering.assert_broken(name, answer, words)


@pytest.mark.parametrize(
    "answer",
    [..., lambda kl: ..., lambda kl: None, lambda kl: dict.fromkeys(KEYS), lambda kl: {**phases(kl), "trough": ...}],
)
def test_a_dict_with_blanks_is_not_answered_yet(answer):
    assert exercises.check("locate_phases", answer).status == "not answered yet"


# --- references ------------------------------------------------------------------------------------------------


def test_the_phases_of_a_history_that_a_person_can_follow():
    kl = [0.5, 1, 4, 9, 6, 3, 2, 1, 1.5, 1.2, 3, 5, 6, 7, 8, 9, 9, 9.5, 10, 10]
    found = exercises.reference("locate_phases")(torch.tensor(kl))
    assert found == {"spike": 3, "trough": 7, "sharp_rise": 10, "slow_rise": 12}
    assert list(found) == list(KEYS)
    assert all(type(step) is int for step in found.values())


@pytest.mark.parametrize(
    "kl", [torch.linspace(5, 1, 50), torch.rand(3), torch.full((20,), torch.nan), torch.rand(20, 2)]
)
def test_phases_are_refused_where_there_are_none(kl):
    with pytest.raises(ValueError, match=r"kl_history must hold|must rise again"):
        exercises.reference("locate_phases")(kl)


def test_drawn_histories_have_the_phases_where_they_were_put():
    """The spike within about ten steps, then the trough and the two rises; the end above or below the spike."""
    rng = np.random.default_rng(0)
    higher = 0
    for _ in range(100):
        kl = draw_history(rng)["kl_history"]
        found = phases(kl)
        assert 4 <= found["spike"] <= 16
        assert found["spike"] + 12 < found["trough"] < found["sharp_rise"] < found["slow_rise"] < len(kl) - 20
        higher += kl.argmax() != found["spike"]
    assert 20 < higher < 80


def test_the_recorded_history_is_what_training_gives():
    model = vc.VAE(vc.VAEConfig(latent_dim=8, likelihood="gaussian"), generator=vc.make_generator(0))
    images = vc.load_digits().images
    history = vc.fit(model, images, config=vc.TrainConfig(epochs=4, batch_size=128), progress=False)
    again = history.kl[: len(RECORDED)].numpy()
    # rounding grows along a training, and differs between machines: the course of it must not
    np.testing.assert_allclose(again[:20], RECORDED[:20], rtol=0.02, atol=0.002)
    here, recorded = phases(again), phases(RECORDED)
    assert here["spike"] == recorded["spike"] == 11
    assert abs(here["trough"] - recorded["trough"]) < 15
    assert abs(here["slow_rise"] - recorded["slow_rise"]) < 15


def test_the_reference_alignment_is_the_best_orthogonal_one():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(40, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    rotation, moved = exercises.reference("align_latents")(a, b)
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(4).double())
    least = ((moved - b) ** 2).sum()
    for _ in range(200):
        turn = torch.linalg.matrix_exp(
            0.1 * (lambda m: m - m.T)(torch.randn(4, 4, dtype=torch.float64, generator=generator))
        )
        assert ((aligned(a, b, rotation @ turn)[1] - b) ** 2).sum() > least
    torch.testing.assert_close(moved, latent.align(a, b).aligned)
