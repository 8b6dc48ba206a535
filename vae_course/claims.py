"""The claims that the book repeats, and the verdicts that its notebooks reach (level 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from vae_course.checks import check_choice

VERDICTS = ("holds", "holds when", "does not hold")
MIME = "application/vnd.vae-course.verdict+json"


@dataclass(frozen=True)
class Claim:
    """A sentence of one of the book's sources, in the book's words, and the chapters that test it."""

    text: str
    source: str
    chapters: tuple[int, ...]


CLAIMS: dict[str, Claim] = {
    "A1": Claim("A latent scatter shows the means; the variances are no coordinates.", "the scatter question", (2,)),
    "A2": Claim(
        "Twenty means need t-SNE or the like to be seen in the plane; two are plotted directly.",
        "the scatter question",
        (2,),
    ),
    "A3": Claim(
        "The size of the variance shows uncertainty: a clear 9 has less than a hasty one.",
        "the scatter question",
        (2,),
    ),
    "A4": Claim("Random z can be embedded by t-SNE in the same way.", "the scatter question", (2,)),
    "B1": Claim(
        "Moving a latent by two posterior standard deviations changes almost nothing.",
        "the traversal question",
        (3,),
    ),
    "B2": Claim(
        "Moving a latent by two standard deviations of the prior shows what it does.", "the traversal question", (3,)
    ),
    "B3": Claim(
        "A posterior standard deviation is tiny along the dimensions that code the digit.",
        "the traversal question",
        (3,),
    ),
    "B4": Claim("An absolute range is sounder than one centred on the mean.", "the traversal question", (3,)),
    "B5": Claim("Training with an N(0, I) prior does not make the codes N(0, I).", "the traversal question", (3,)),
    "B6": Claim("A ReLU on the mean head is a mistake.", "the traversal question", (1, 3)),
    "B7": Claim("A ReLU on the log-variance head keeps every variance above 1.", "the traversal question", (1, 3)),
    "C1": Claim("z given a class is a mixture, not a sum, of Gaussians.", "the course notes", (4,)),
    "C2": Claim("z given a class is not N(0, I), and need not be.", "the course notes", (4,)),
    "C3": Claim("The mean of a class's mixture is the mean of its images' means.", "the course notes", (4,)),
    "C4": Claim(
        "The covariance of a class's mixture is mean(Λ + μμᵀ) - mean(μ) mean(μ)ᵀ.",
        "the course notes",
        (4,),
    ),
    "C5": Claim("Digits group by likeness: 1 7 / 2 5 3 / 0 8 6 9 4.", "the course notes", (4,)),
    "C6": Claim(
        "Dataset-then-posterior sampling stays closer to the data than prior sampling.", "the course notes", (5,)
    ),
    "C7": Claim("A rejected step is no stuck chain, since the decoder itself samples.", "the course notes", (6,)),
    "C8": Claim("pCN's acceptance needs the likelihood alone.", "the course notes", (6, 7)),
    "C9": Claim("Other proposals may have low acceptance where pCN does not.", "the course notes", (6,)),
    "C10": Claim(
        "A chain on p(z given the whole dataset), with the decoder alone, samples digits like the dataset's.",
        "the course notes",
        (6,),
    ),
    "C11": Claim(
        "The KL has phases: high at the start, almost 0, a sharp rise, a slow rise.", "the course notes", (8,)
    ),
    "C12": Claim("The phases show in the latent space.", "the course notes", (8,)),
    "C13": Claim("A VAE's two latents are like the two features of a classifier.", "the course notes", (8,)),
    "C14": Claim("There is a method to determine the best beta.", "the course notes", (10,)),
    "C15": Claim("A U-Net can serve as encoder and decoder.", "the course notes", (11,)),
}


@dataclass(frozen=True)
class Verdict:
    """What an experiment says about a claim. Shown as the last value of a cell, it is kept in the notebook."""

    id: str
    verdict: str
    condition: str
    evidence: str

    def __repr__(self) -> str:
        claim = CLAIMS[self.id]
        return f"{self.id}: {claim.text}\n{self.verdict} {self.condition}".rstrip() + f"\n{self.evidence}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Text, HTML and JSON; the JSON is what the page of all claims is made from."""
        kind = self.verdict.replace(" ", "-")
        condition = f" {escape(self.condition)}" if self.condition else ""
        html = (
            f'<div class="claim"><p><strong>{self.id}</strong> {escape(CLAIMS[self.id].text)} '
            f'<span class="verdict {kind}">{self.verdict}{condition}</span></p>'
            f"<p>{escape(self.evidence)}</p></div>"
        )
        return {"text/plain": repr(self), "text/html": html, MIME: asdict(self)}


def verdict(claim_id: str, kind: str, *, evidence: str, condition: str = "") -> Verdict:
    """The verdict on a claim: "holds", "holds when" (with a `condition`) or "does not hold".

    evidence: one or two sentences with the figures of the experiment and their spread.
    Raises ValueError for an unknown claim or kind, empty evidence, or a condition that is missing or out of place.
    """
    check_choice("claim_id", claim_id, tuple(CLAIMS))
    check_choice("kind", kind, VERDICTS)
    if not evidence:
        raise ValueError("a verdict needs evidence: the figures of the experiment and their spread")
    if (kind == "holds when") != bool(condition):
        raise ValueError('"holds when" needs a condition, and only it takes one')
    return Verdict(claim_id, kind, condition, evidence)


def spread(values: Iterable[float], form: str = ".1f") -> str:
    """The smallest and the largest of the values in words, such as "0.1 to 0.3"; one number where they look alike.

    form: how a number is written, as in an f-string. Minus signs of zeros are dropped. Raises ValueError on no values.
    """
    numbers = [float(value) for value in values]
    if not numbers:
        raise ValueError("a spread needs at least one value")
    low, high = (format(number, f"z{form}") for number in (min(numbers), max(numbers)))
    return low if low == high else f"{low} to {high}"
