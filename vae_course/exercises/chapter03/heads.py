"""The exercise of chapter 3 on the encoder's heads: what becomes of them without their ReLUs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from torch import Tensor
from torch.nn import functional

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family

Activation = Callable[[Tensor], Tensor]


def repair_heads(hidden: Tensor, w_mu: Tensor, b_mu: Tensor, w_lv: Tensor, b_lv: Tensor) -> tuple[Tensor, Tensor]:
    """The two linear heads of an encoder: mu and logvar, both (batch, latent_dim).

    hidden: (batch, hidden_dim), the values of the last hidden layer; weights: (latent_dim, hidden_dim), as PyTorch
    keeps them; biases: (latent_dim,).
    """
    return functional.linear(hidden, w_mu, b_mu), functional.linear(hidden, w_lv, b_lv)


def _keep(value: Tensor) -> Tensor:
    return value


def _heads(
    hidden: Tensor,
    w_mu: Tensor,
    b_mu: Tensor,
    w_lv: Tensor,
    b_lv: Tensor,
    *,
    on_mu: Activation = _keep,
    on_logvar: Activation = _keep,
    returned: Activation = _keep,
) -> tuple[Tensor, Tensor]:
    mu, logvar = repair_heads(hidden, w_mu, b_mu, w_lv, b_lv)
    return on_mu(mu), returned(on_logvar(logvar))


def _draw_heads(rng: np.random.Generator) -> Inputs:
    """Inputs of which about half would be cut off by a ReLU, on either head.

    latent_dim and hidden_dim are equal, so that a transposed weight can be told from an error.
    """
    batch, dim = (int(n) for n in rng.choice(np.arange(3, 7), size=2, replace=False))
    return {
        "hidden": np.maximum(rng.normal(loc=0.5, size=(batch, dim)), 0),  # a ReLU came before
        "w_mu": rng.normal(size=(dim, dim)),
        "b_mu": rng.normal(size=dim),
        "w_lv": rng.normal(scale=0.6, size=(dim, dim)),
        "b_lv": rng.normal(scale=0.6, size=dim),
    }


# other functions on a head, and what they still forbid
_OTHER_ACTIVATIONS: tuple[tuple[Activation, str], ...] = (
    (functional.softplus, "a softplus, which is smooth but never below 0 either"),
    (functional.elu, "an ELU, which lets nothing below -1 through"),
    (lambda value: value.sigmoid(), "a sigmoid, which lets only values from 0 to 1 through"),
    (lambda value: value.tanh(), "a tanh, which lets only values from -1 to 1 through"),
    (lambda value: value.abs(), "an absolute value, which is never below 0"),
)


def _other_activations() -> tuple[Faulty, ...]:
    faults = []
    for function, words in _OTHER_ACTIVATIONS:
        for where, faulty in (
            ("both heads", partial(_heads, on_mu=function, on_logvar=function)),
            ("the mean head", partial(_heads, on_mu=function)),
            ("the log-variance head", partial(_heads, on_logvar=function)),
        ):
            remark = f"On {where} there is {words}. A mean and a log-variance may be any number: use no function there."
            faults.append(Faulty((), faulty, remark=remark))
    return tuple(faults)


REPAIR_HEADS = Exercise(
    name="repair_heads",
    chapter=3,
    returns="two arrays, mu and logvar, both of shape (batch, latent_dim)",
    draw=_draw_heads,
    examples=(
        {
            "hidden": np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]),
            "w_mu": np.array([[1.0, -2.0], [0.0, 1.0]]),
            "b_mu": np.array([0.5, -1.0]),
            "w_lv": np.array([[-1.0, 0.5], [-2.0, 0.0]]),
            "b_lv": np.array([0.0, 1.0]),
        },
    ),
    reference=repair_heads,
    slips={
        "relu_mean": Slip(
            "There is still a ReLU on the mean head.",
            "Your means are never below 0. The prior is symmetric around 0, so a ReLU here closes off half of every "
            "latent's axis. With 20 latents, one corner in a million of the prior's space is left.",
        ),
        "relu_logvar": Slip(
            "There is still a ReLU on the log-variance head.",
            "Your log-variances are never below 0, so no variance is below 1, the prior's own. Each code is then as "
            "blurred as the prior itself, or more; a latent that tells images apart needs a variance well below 1.",
        ),
        "variance_returned": Slip(
            "It returns the variance where the log-variance is wanted.",
            "Your second result is the variance. What follows in the model expects its logarithm and would take exp "
            "of it once more. The head's output needs no further step.",
        ),
    },
    faulty=(
        *faulty_family(
            _heads,
            on_mu={_keep: None, functional.relu: "relu_mean"},
            on_logvar={_keep: None, functional.relu: "relu_logvar"},
            returned={_keep: None, lambda value: value.exp(): "variance_returned"},
        ),
        *_other_activations(),
        Faulty(
            (),
            lambda *inputs: _heads(*inputs, returned=lambda value: (0.5 * value).exp()),
            remark="Your second result is the standard deviation. Wanted is the log-variance, as the head gives it.",
        ),
        Faulty(
            (),
            lambda *inputs: _heads(*inputs, returned=lambda value: 0.5 * value),
            remark="Your second result is half the log-variance. Wanted is the log-variance, as the head gives it.",
        ),
        Faulty(
            (),
            lambda *inputs: _heads(*inputs, returned=lambda value: value.log()),
            remark="You took the logarithm of the second head's output. It is a log-variance already.",
        ),
        Faulty(
            (),
            lambda hidden, w_mu, b_mu, w_lv, b_lv: repair_heads(hidden, w_mu.T, b_mu, w_lv.T, b_lv),
            remark="You multiplied by the weights in the other direction. A row of the weights belongs to one latent "
            "and a column to one hidden unit, as PyTorch keeps them: shape (out, in).",
        ),
        Faulty(
            (),
            lambda hidden, w_mu, b_mu, w_lv, b_lv: repair_heads(hidden, w_mu, 0 * b_mu, w_lv, 0 * b_lv),
            remark="The biases are missing.",
        ),
        Faulty(
            (),
            lambda hidden, w_mu, b_mu, w_lv, b_lv: repair_heads(hidden, w_mu, b_mu, w_lv, 0 * b_lv),
            remark="The bias of the log-variance head is missing.",
        ),
        Faulty(
            (),
            lambda hidden, w_mu, b_mu, w_lv, b_lv: repair_heads(hidden, w_mu, 0 * b_mu, w_lv, b_lv),
            remark="The bias of the mean head is missing.",
        ),
        Faulty(
            (),
            lambda hidden, w_mu, b_mu, w_lv, b_lv: repair_heads(hidden, w_mu, b_mu, w_mu, b_mu),
            remark="Both your results come from the mean head. The log-variance has weights and a bias of its own.",
        ),
        Faulty(
            (),
            lambda hidden, w_mu, b_mu, w_lv, b_lv: repair_heads(hidden, w_lv, b_lv, w_mu, b_mu),
            remark="Both results are right but in the other order: first mu, then logvar.",
        ),
    ),
    hints=(
        "Ask of each head which values its output may take. Can a mean be below 0? Can a logarithm?",
        r"$\mu = h W_\mu^\top + b_\mu$ and $\mathrm{logvar} = h W_{\mathrm{lv}}^\top + b_{\mathrm{lv}}$, with nothing "
        "around either.",
        "Write `hidden @ w_mu.T + b_mu`, the same with `w_lv` and `b_lv`, and return both, without a ReLU.",
    ),
    praise="Two linear heads: the mean may lie on both sides of 0, and a variance may be far below 1.",
)
