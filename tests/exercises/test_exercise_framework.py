"""Names, hints, displays, and the framework's own guarantees."""

import re
from html.parser import HTMLParser

import answering
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from vae_course import exercises
from vae_course.exercises import _EXERCISES
from vae_course.exercises.asking import KINDS, read, to_array
from vae_course.exercises.base import Exercise, Faulty, Slip, faulty_family
from vae_course.exercises.comparing import agree, draw_trials

TABLE = {
    "count_outputs": {"means_only"},
    "reparameterize": {"logvar_as_std", "variance_as_std", "ignores_eps", "minus_logvar"},
    "kl_standard_normal": {
        "mean_over_latents", "summed_over_batch", "missing_half", "wrong_sign", "std_for_logvar", "missing_minus_one",
        "reverse_kl",
    },
    "negative_elbo": {"pixel_mean", "kl_subtracted", "missing_half", "batch_sum"},
}  # fmt: skip


def test_names_and_slips_are_those_of_the_course():
    assert exercises.names()[: len(TABLE)] == tuple(TABLE)
    assert exercises.names(chapter=1) == tuple(TABLE)
    assert exercises.names(chapter=0) == ()
    for name, slips in TABLE.items():
        assert set(exercises.slips(name)) == slips


@pytest.mark.parametrize(
    "call", [exercises.slips, exercises.hint, exercises.reference, lambda name: exercises.check(name, ...)]
)
def test_an_unknown_name_lists_the_known_ones(call):
    with pytest.raises(ValueError, match=r"no exercise 'kl'; the exercises are count_outputs, reparameterize"):
        call("kl")


@pytest.mark.parametrize("level", [0, 4, "1"])
def test_an_unknown_hint_level(level):
    with pytest.raises(ValueError, match="from 1 to 3"):
        exercises.hint("count_outputs", level)


class Checker(HTMLParser):
    VOID = ("br", "hr")

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style", "class"}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_html(text):
    checker = Checker()
    checker.feed(text)
    assert not checker.open
    assert checker.tags <= {"div", "p", "strong", "code", "pre", "span"}
    # text keeps the page's own colour, in light and in dark
    assert set(re.findall(r"(?<!-)\bcolor:([^;\"]+)", text)) <= {"inherit"}
    assert set(re.findall(r"background:([^;\"]+)", text)) <= {"transparent"}


def test_displays_are_well_formed_and_calm():
    answers = [..., exercises.reference("kl_standard_normal"), lambda mu, logvar: mu.sum(1), lambda mu, logvar: 1 / 0,
               lambda mu, logvar: mu.mean(1), lambda mu, logvar: print("<script>") or "<b>"]  # fmt: skip
    for answer in answers:
        verdict = exercises.check("kl_standard_normal", answer)
        check_html(verdict._repr_html_())
        assert verdict.explanation in verdict._repr_markdown_()
        assert verdict.message in repr(verdict)
        assert repr(verdict).startswith("kl_standard_normal: ")


def test_hints_are_graded_and_rendered():
    for name in exercises.names():
        hints = [exercises.hint(name, level) for level in (1, 2, 3)]
        assert len({hint.text for hint in hints}) == 3
        for hint in hints:
            check_html(hint._repr_html_())
            assert "$" not in hint._repr_html_()
            assert hint.text in repr(hint)
            assert hint.text in hint._repr_markdown_()
    assert r'<span class="math notranslate nohighlight">\(z = ' in exercises.hint("reparameterize", 2)._repr_html_()


def test_messages_are_short_sentences_without_code():
    for exercise in _EXERCISES.values():
        for slip in exercise.slips.values():
            assert 1 <= len(re.findall(r"[.?](?= |$)", slip.message)) <= 4
            assert len(re.findall(r"[.?](?= |$)", slip.summary)) == 1
            assert not re.search(r"\.sum|\.mean|\.exp|torch|dim=", slip.message)


def test_an_unknown_wrong_answer_is_shown_with_wanted_and_given_values():
    verdict = exercises.check("kl_standard_normal", lambda mu, logvar: mu.sum(1))
    assert [name for name, _ in verdict.comparison] == ["mu", "logvar", "wanted", "given"]
    assert dict(verdict.comparison)["wanted"] == "[0.   , 0.5  , 2.859]"
    assert dict(verdict.comparison)["given"] == "[0., 1., 1.]"
    assert {exercises.check("kl_standard_normal", lambda mu, logvar: mu.sum(1)).message for _ in range(3)} == {
        verdict.message
    }


def test_reference_functions_agree_with_the_closed_forms():
    mu, logvar = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]])
    assert exercises.reference("count_outputs")(20) == 40
    assert exercises.reference("reparameterize")(mu, logvar, torch.ones(1, 2)).tolist() == [[2.0, 3.0]]
    assert exercises.reference("kl_standard_normal")(mu, logvar).tolist() == [2.5]
    x = torch.ones(1, 4)
    assert exercises.reference("negative_elbo")(x, 0 * x, mu, logvar).item() == 4.5


@pytest.mark.parametrize("name", answering.NAMES_OF_FUNCTIONS)
def test_drawn_inputs_tell_all_faults_apart(name):
    exercise = _EXERCISES[name]
    for seed in range(20):
        trials = draw_trials(exercise, np.random.default_rng(seed))
        for i, one in enumerate(exercise.faulty):
            assert not all(agree(t.faulty[i], t.wanted) for t in trials)
            for j, other in enumerate(exercise.faulty[:i]):
                if set(one.slips) != set(other.slips):
                    assert not all(agree(t.faulty[i], t.faulty[j], whatever_shape=True) for t in trials)


def make_exercise(**changes):
    fields = {
        "name": "double", "chapter": 0, "returns": "a number", "examples": ({"a": 1.0},), "hints": ("", "", ""),
        "praise": "",
        "draw": lambda rng: {"a": float(rng.uniform(1, 2))},
        "reference": lambda a: 2 * a,
        "slips": {"triple": Slip("It triples.", "You tripled.")},
        "faulty": (Faulty(("triple",), lambda a: 3 * a),),
    }  # fmt: skip
    return Exercise(**{**fields, **changes})


def test_an_exercise_whose_slips_look_alike_is_refused():
    assert len(draw_trials(make_exercise(), np.random.default_rng(0))) == 5
    for faulty in (lambda a: a + a, lambda a: 2.0001 * a):
        with pytest.raises(RuntimeError, match="look alike"):
            draw_trials(make_exercise(faulty=(Faulty(("triple",), faulty),)), np.random.default_rng(0))


def test_an_exercise_must_be_able_to_show_its_slips():
    with pytest.raises(ValueError, match="nothing shows the slip 'triple'"):
        make_exercise(faulty=())
    with pytest.raises(ValueError, match=r"unknown slips \['other'\]"):
        make_exercise(faulty=(Faulty(("other",), abs),))
    assert "triple" in make_exercise(faulty=(), slips={"triple": Slip("It triples.", "", problem="changed")}).slips
    with pytest.raises(ValueError, match="needs slips or a remark"):
        make_exercise(faulty=(Faulty((), abs),))


def test_a_family_holds_all_single_slips_before_the_pairs():
    family = faulty_family(lambda a, *, p, q: (a, p, q), p={0: None, 1: "p", 2: "p"}, q={0: None, 1: "q"})
    assert [fault.slips for fault in family] == [("q",), ("p",), ("p",), ("p", "q"), ("p", "q")]
    assert family[-1].function(5) == (5, 2, 1)


def test_several_outputs_and_other_inputs_are_understood():
    assert [a.tolist() for a in read((torch.ones(2), [1, 2.0]), n_outputs=2)] == [[1, 1], [1, 2]]
    with pytest.raises(TypeError, match="must return 2 values, and returned a tuple of 3"):
        read((1, 2, 3), n_outputs=2)
    assert KINDS["float32 torch tensors"](np.arange(3)).dtype == torch.int64


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.bfloat16), torch.ones(2).to_sparse(), [1, 1.0],
        (np.float32(1), torch.tensor(1.0)), np.array([torch.tensor(1.0), 1], dtype=object),
        torch.ones(2, dtype=torch.int8),
    ],
)  # fmt: skip
def test_arrays_of_all_sorts_are_read(value):
    array = to_array(value)
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [1, 1]


def test_agreement_treats_nan_and_infinity_as_values():
    values = (np.array([1.0, np.nan, np.inf]),)
    assert agree(values, values)
    assert not agree((np.array([1.0, np.nan, -np.inf]),), values)
    assert not agree((np.array([1.0, 1.0, np.inf]),), values)
    assert not agree((np.array([np.nan]),), (np.array([1.0]),))
    assert agree((np.array([1.0 + 1e-6]),), (np.array([1.0]),))
    assert not agree((np.array([1.0 + 1e-3]),), (np.array([1.0]),))


@pytest.mark.parametrize("name", exercises.names())
def test_hints_are_folded_one_into_the_other(name):
    soup = BeautifulSoup(exercises.hints(name)._repr_html_(), "html.parser")
    folds = soup.find_all("details")
    assert len(folds) == 3
    assert not any(fold.has_attr("open") for fold in folds)
    assert folds[1] in folds[0].descendants
    assert folds[2] in folds[1].descendants
    for level, fold in enumerate(folds, 1):
        shown = re.sub(r"\\[()]", "$", fold.find("p").text)  # the page's way of marking formulas
        assert shown == exercises.hint(name, level).text.replace("`", "")


def test_hints_of_no_exercise():
    with pytest.raises(ValueError, match="count_outputs"):
        exercises.hints("none")
