"""Exercise of chapter 7: the lines of the proof, to be put in order."""

from __future__ import annotations

from vae_course.exercises.base import Slip
from vae_course.exercises.ordering import Ordering
from vae_course.exercises.verdict import Steps

# shuffled, as they are shown; `known` has no place in the proof
PROOF_STEPS = Steps(
    {
        "symmetric": r"This sum does not change when $z$ and $z'$ change places.",
        "bayes": r"By Bayes' rule $p(z \mid \mathcal D) = p(\mathcal D \mid z)\, p(z) / p(\mathcal D)$, and "
        r"$p(\mathcal D)$ cancels. So $\bar\alpha$ is "
        r"the product of $\frac{p(\mathcal D \mid z')}{p(\mathcal D \mid z)}$ and "
        r"$\frac{p(z')\, P(z' \to z)}{p(z)\, P(z \to z')}$.",
        "cancel": r"The factor with prior and proposal is 1, and "
        r"$\bar\alpha = \frac{p(\mathcal D \mid z')}{p(\mathcal D \mid z)}$ is left.",
        "densities": r"Up to constants, $\log p(z) = -\frac{1}{2} |z|^2$ and "
        r"$\log P(z \to z') = -\frac{1}{2 b^2} |z' - \sqrt{1 - b^2}\, z|^2$.",
        "known": r"A sampler whose ratio is that of the likelihoods is known to be right, so prior and proposal must "
        r"cancel: $p(z)\, P(z \to z') = p(z')\, P(z' \to z)$.",
        "ratio": r"The Metropolis-Hastings ratio for the target $p(z \mid \mathcal D)$ is "
        r"$\bar\alpha = \frac{p(z' \mid \mathcal D)\, P(z' \to z)}{p(z \mid \mathcal D)\, P(z \to z')}$.",
        "balance": r"So $p(z)\, P(z \to z') = p(z')\, P(z' \to z)$: the proposal is in detailed balance with "
        r"the prior.",
        "expand": r"Added up, with the square multiplied out: $-\frac{1}{2 b^2} (|z|^2 + |z'|^2 - 2 \sqrt{1 - b^2}\, "
        r"z^T z')$, since $1 + \frac{1 - b^2}{b^2} = \frac{1}{b^2}$.",
    }
)
_ORDER = ("ratio", "bayes", "densities", "expand", "symmetric", "balance", "cancel")


def order_the_proof() -> list[str]:
    """The names of the proof's lines in one of the right orders; chapter 7."""
    return list(_ORDER)


ORDER_THE_PROOF = Ordering(
    name="order_the_proof",
    chapter=7,
    returns="a list of the names of the lines, in order",
    steps=PROOF_STEPS,
    needs={
        "ratio": (),
        "bayes": ("ratio",),
        "densities": (),
        "expand": ("densities",),
        "symmetric": ("expand",),
        "balance": ("symmetric",),
        "cancel": ("bayes", "balance"),
    },
    strays={"known": "assumes_conclusion"},
    early={"likelihood_too_early": ("cancel", "balance"), "assumes_conclusion": ("balance", "symmetric")},
    reference=order_the_proof,
    slips={
        "likelihood_too_early": Slip(
            "It leaves the likelihoods alone in the ratio before prior and proposal are shown to cancel.",
            "You leave the likelihoods alone in the ratio before it is shown that prior and proposal cancel. They "
            "do so only because the proposal is in detailed balance with the prior, and for a random walk it is not: "
            "which line says that it is here?",
        ),
        "assumes_conclusion": Slip(
            "It uses what is to be proven.",
            "Your proof uses what is to be proven. That prior and proposal cancel may only be said once the symmetry "
            "of the quadratic form has been shown; that the recipe is known to work is no reason. Which line "
            "says the same as the goal, in other words?",
        ),
    },
    hints=(
        "One line takes what is to be shown for granted: leave it out. Then find the line that needs two others, and "
        "put it last.",
        "Two strands meet in the last line. One splits $\\bar\\alpha$ into two factors; the other shows that the "
        "factor with prior and proposal is 1, and never mentions $D$.",
        "First `ratio`, `bayes`; then `densities`, `expand`, and two more lines which each follow from the one before; "
        "then `cancel`. `known` stays out.",
    ),
    praise="Every line rests on lines before it, and the likelihood has no part in the detailed balance.",
)
