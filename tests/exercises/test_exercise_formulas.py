"""Formulas and orders as answers: what is read, what is refused, and that no text is ever run."""

import itertools
import os
import sys
import time

import numpy as np
import pytest
import sympy
import torch

from vae_course import exercises
from vae_course.exercises import _EXERCISES, running
from vae_course.exercises.asking import WrongTypeError
from vae_course.exercises.base import Slip
from vae_course.exercises.comparing import without_constant
from vae_course.exercises.formulas import formula_reader, looks_symmetric, to_expression
from vae_course.exercises.ordering import Ordering
from vae_course.exercises.verdict import Steps

NAMES = ("z", "w", "b")
z, w, b = (sympy.Symbol(name, real=True) for name in NAMES)
FORM, PROOF = "symmetric_form", "order_the_proof"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("z + w", z + w),
        ("-z**2 / b", -(z**2) / b),
        ("+2.5*z", 2.5 * z),
        ("z^2", z**2),
        ("z² − w·b × 2", z**2 - 2 * w * b),
        ("sqrt(1 - b**2)", sympy.sqrt(1 - b**2)),
        ("math.sqrt(z)", sympy.sqrt(z)),
        ("b**-2", b**-2),
        ("b**(1/2)", sympy.sqrt(b)),
        ("b**0.5", b**0.5),
        ("  (z)\n", z),
        ("1e3 * z", 1000.0 * z),
    ],
)
def test_text_is_read_as_a_formula(text, wanted):
    assert to_expression(text, NAMES) == wanted


REFUSED = {
    "__import__('os').system('touch {file}')": "something else",
    "open('{file}', 'w')": "something else",
    "(lambda: z)()": "something else",
    "().__class__": "something else",
    "[z for z in range(3)][0]": "something else",
    "z if w else b": "something else",
    "z @ w": "something else",
    "True": "something else",
    "'z'": "something else",
    "sqrt(z, w)": "something else",
    "sqrt(*z)": "something else",
    "1e300 * z": "something else",
    "9**9**9**9": "a power that is too high",
    "z**17": "a power that is too high",
    "z**w": "no plain number",
    "x + z": "holds `x`",
    "sqrt": "holds `sqrt`",
    "2z": "cannot be read",
    "": "cannot be read",
    "z = w": "cannot be read",
    "\x00": "cannot be read",
    "((((": "cannot be read",
    "# z": "cannot be read",
    "z + " * 200 + "z": "far longer",
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_other_text_is_refused_and_never_run(text, tmp_path):
    file = tmp_path / "made"
    with pytest.raises(WrongTypeError) as caught:
        to_expression(text.replace("{file}", str(file)), NAMES)
    assert REFUSED[text] in str(caught.value)
    assert not file.exists()


def nested(depth):
    expression = z
    for _ in range(depth):
        expression = sympy.sqrt(1 + expression)
    return expression


BROKEN = [
    (sympy.exp(-z), "holds exp"),
    (sympy.Function("f")(z), "holds f"),
    (sympy.Integral(z, (z, 0, 1)), "holds Integral"),
    (sympy.Max(z, w), "holds Max"),
    (sympy.I * z, "holds ImaginaryUnit"),
    (sympy.zoo, "holds ComplexInfinity"),
    (sympy.Symbol("x") * z, "holds `x`"),
    (z ** (10**9), "too high"),
    ((z + w) ** 1000, "too high"),
    (sum(z**i for i in range(600)), "far longer"),
    (nested(150), "far longer"),
    (sympy.Eq(z, w), "That is an equation"),
    (z < w, "where a formula is wanted"),
    (sympy.Matrix([[z, w]]), "where a formula is wanted"),
    ([z, w], "a list of 2"),
    ({"z": z}, "a dict"),
    (True, "a bool"),
    (2 + 1j, "a complex"),
    (torch.zeros(3), "a Tensor"),
    (lambda: sympy.Symbol, "returned the class"),
    (lambda: lambda: z, "returned a function"),
    (lambda z: z, "TypeError"),
    (lambda z, w, b: np.sqrt(z), "TypeError"),
    (lambda z, w, b: 1 / 0, "The line is: `(lambda z, w, b: 1 / 0"),
]


@pytest.mark.parametrize(("answer", "words"), BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_such_formula_gets_a_sentence(answer, words, no_rehearsal):
    start = time.monotonic()
    verdict = exercises.check(FORM, answer)
    assert time.monotonic() - start < 20  # seconds; milliseconds on an idle machine
    assert (verdict.status, verdict.diagnosis) == ("broken", None), verdict
    assert words in verdict.message, verdict


def test_an_answer_may_be_missing(no_rehearsal):
    for name in (FORM, PROOF):
        for answer in (..., None, lambda: None, lambda: ...):
            assert exercises.check(name, answer).status == "not answered yet"
    for answer in ([...], ["ratio", None], lambda: ["ratio", ...]):
        assert exercises.check(PROOF, answer).status == "not answered yet"


def endless(*symbols):
    while True:
        pass


@pytest.mark.parametrize("name", [FORM, PROOF])
def test_an_endless_function_is_given_up(name):
    assert "did not come to an end within 0.5 seconds" in exercises.check(name, endless, time_limit=0.5).message


@pytest.mark.skipif(sys.platform != "linux", reason="needs the rehearsal in a child process, Linux only")
@pytest.mark.parametrize("name", [FORM, PROOF])
def test_a_function_that_ends_the_process_or_never_lets_go_is_caught(name):
    assert "ends the whole Python process" in exercises.check(name, lambda *_: os._exit(0)).message
    answer = lambda *_: sympy.Integer(9) ** 9**9  # noqa: E731
    assert "did not come to an end" in exercises.check(name, answer, time_limit=0.5).message


def test_a_big_power_that_is_not_evaluated_does_not_hang(no_rehearsal):
    big = sympy.Pow(9, sympy.Pow(9, sympy.Pow(9, 9, evaluate=False), evaluate=False), evaluate=False)
    verdict = exercises.check(FORM, sympy.Mul(z, big, evaluate=False), time_limit=2)
    assert verdict.status == "broken"


def test_a_formula_is_a_function_of_any_kind_of_array():
    function = formula_reader(*NAMES)(sympy.Abs(z) / b - sympy.sqrt(w) + sympy.Rational(1, 3))
    values = np.array([-1.0, 2.0]), np.array([4.0, 9.0]), np.array([0.5, 2.0])
    wanted = np.abs(values[0]) / values[2] - np.sqrt(values[1]) + 1 / 3
    np.testing.assert_allclose(function(*values), wanted)
    np.testing.assert_allclose(function(*map(torch.tensor, values)), wanted)
    assert formula_reader(*NAMES)(sympy.pi)(*values).tolist() == [np.pi, np.pi]  # one value for each point
    with pytest.raises(WrongTypeError):
        formula_reader(*NAMES)("import os")(*values)


@pytest.mark.parametrize(
    ("expression", "symmetric"),
    [
        (z + w, True),
        (z * w / b, True),
        ((z - w) ** 2, True),
        (sympy.Abs(z - w), True),
        ((z - w) ** 3, False),
        (z - w, False),
        ((z - 2 * w) ** 2, False),
        (b, True),
        (z**2 + (w - b * z) ** 2, False),
        ((z - w) ** 2 + (w - z) ** 4, True),
    ],
)
def test_symmetry_is_seen_in_the_way_a_formula_is_written(expression, symmetric):
    assert looks_symmetric(expression, "z", "w") is symmetric


def test_sympy_is_not_imported_with_the_package():
    """It takes a quarter of a second, which nobody should wait for who only runs a notebook."""
    import subprocess

    code = "import sys; from vae_course.exercises import formulas, ordering; print('sympy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    direct = "import sys, torch; print('sympy' in sys.modules)"
    of_torch = subprocess.run([sys.executable, "-c", direct], capture_output=True, text=True, check=True).stdout
    assert found == of_torch  # where torch imports it, nothing can be done


# --- orders ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (["balanced"], "Did you mean `balance`?"),
        (["x" * 10_000], "There is no line `xxx"),
        ([1, 2], "holds an int"),
        ([["ratio"]], "holds a list of 1"),
        ([True], "holds a bool"),
        ([], "has 0 entries"),
        (["ratio"] * 1000, "has 1000 entries"),
        ("ratio, bayes", "a str, where a list is wanted"),
        ({"ratio": 1}, "a dict, where a list is wanted"),
        ({"ratio"}, "a set, where a list is wanted"),
        (itertools.count(), "where a list is wanted"),
        (lambda: itertools.count(), "where a list is wanted"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda z: ["ratio"], "TypeError"),
        (np.zeros(3), "holds a float"),
        (5, "an int, where a list is wanted"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_names_gets_a_sentence(answer, words, no_rehearsal):
    verdict = exercises.check(PROOF, answer)
    assert (verdict.status, verdict.diagnosis) == ("broken", None), verdict
    assert words in verdict.message, verdict
    assert len(verdict.message) < 1000


def make_ordering(**changes):
    fields = {
        "name": "dress", "chapter": 0, "returns": "a list", "praise": "", "hints": ("", "", ""),
        "reference": lambda: ["socks", "shoes"],
        "steps": Steps({"shoes": "", "socks": "", "hat": ""}),
        "needs": {"socks": (), "shoes": ("socks",)},
        "strays": {"hat": "overdressed"},
        "early": {"hurried": ("shoes", "socks")},
        "slips": {key: Slip("", "") for key in ("hurried", "overdressed")},
    }  # fmt: skip
    return Ordering(**{**fields, **changes})


def test_an_order_must_be_able_to_show_its_slips_and_know_its_lines():
    assert set(make_ordering().slips) == {"hurried", "overdressed"}
    with pytest.raises(ValueError, match="slips"):
        make_ordering(early={})
    with pytest.raises(ValueError, match="either belong or be a stray"):
        make_ordering(strays={})


def test_lines_are_shown_with_their_names_and_formulas():
    steps = Steps({"one": "It is $a < b$.", "two": "So <be> it."})
    assert dict(steps) == {"one": "It is $a < b$.", "two": "So <be> it."}
    assert repr(steps) == "one = It is $a < b$.\ntwo = So <be> it."
    shown = steps._repr_html_()
    assert r'<span class="math notranslate nohighlight">\(a &lt; b\)</span>' in shown
    assert "So &lt;be&gt; it." in shown
    assert "- `two`: So <be> it." in steps._repr_markdown_()
    # the displays of the page and of a verdict are alike
    assert steps._repr_html_().startswith(exercises.hint(PROOF)._repr_html_()[:40])


# --- up to a constant ------------------------------------------------------------------------------------------


def test_a_constant_is_taken_off():
    shifted, lone, mixed, flags = without_constant(
        (np.array([[3.0, 4.0], [5.0, np.nan]]), np.array(7.0), np.array([-np.inf, 2.0, 5.0]), np.array([True, False]))
    )
    np.testing.assert_array_equal(shifted, [[0, 1], [2, np.nan]])
    assert lone == 7
    np.testing.assert_array_equal(mixed, [-np.inf, 0, 3])
    np.testing.assert_array_equal(flags, [0, -1])
    np.testing.assert_array_equal(without_constant((np.array([np.nan, np.inf]),))[0], [np.nan, np.inf])


def test_only_some_exercises_leave_a_constant_open(no_rehearsal):
    names = {name for name in exercises.names() if getattr(_EXERCISES[name], "up_to_constant", False)}
    assert names == {"decoder_log_likelihood", "proposal_log_density"}
    exact = exercises.reference("acceptance_log_ratio")
    assert not exercises.check("acceptance_log_ratio", lambda z, v, f: exact(z, v, f) + 1).passed


def test_the_rehearsal_is_used_for_these_too(monkeypatch):
    seen = []
    rehearse = running._rehearse
    monkeypatch.setattr(running, "_rehearse", lambda *args: seen.append(1) or rehearse(*args))
    exercises.check(FORM, "z*w")
    exercises.check(PROOF, ["ratio"])
    assert len(seen) == (2 if running.REHEARSE else 0)
