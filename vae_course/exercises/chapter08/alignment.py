"""Exercise of chapter 8: the rotation that brings one latent space closest to another."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero


def align_latents(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The orthogonal R that minimises |(a - mean a) R - (b - mean b)|^2, and (a - mean a) R + mean b.

    a, b: (n, d), row i of both from the same image. Returns (d, d) and (n, d). Schönemann (1966); chapter 8.
    """
    centred_a, centred_b = a - a.mean(dim=0), b - b.mean(dim=0)
    u, _, vt = torch.linalg.svd(centred_a.T @ centred_b)
    rotation = u @ vt
    return rotation, centred_a @ rotation + b.mean(dim=0)


def _align(a: Tensor, b: Tensor, *, center: str, rotation: str, scale: str) -> tuple[Tensor, Tensor]:
    mean_a, mean_b = a.mean(dim=0), b.mean(dim=0)
    no_center = center in ("none", "none in the product")
    product = a.T @ b if no_center else (a - mean_a).T @ (b - mean_b)
    u, s, vt = torch.linalg.svd(product)
    spread = (a**2).sum() if no_center else ((a - mean_a) ** 2).sum()
    turn = {"right": u @ vt, "best": s.sum() / spread * (u @ vt), "singular values kept": product}[scale]
    given, used = {
        "right": (turn, turn),
        "both transposed": (turn.T, turn.T),
        "given transposed": (turn.T, turn),
        "used transposed": (turn, turn.T),
    }[rotation]
    moved = {
        "right": (a - mean_a) @ used + mean_b,
        "none": a @ used,
        "none in the product": (a - mean_a) @ used + mean_b,
        "none in the result": a @ used,
    }[center]
    return given, moved


def _scaled_result(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """R itself, but the aligned codes stretched by the best factor."""
    rotation, aligned = align_latents(a, b)
    centred_a, mean_b = a - a.mean(dim=0), b.mean(dim=0)
    factor = ((aligned - mean_b) * (b - mean_b)).sum() / (centred_a**2).sum()
    return rotation, factor * (aligned - mean_b) + mean_b


def _normalised(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both clouds scaled to size 1 first, as scipy.spatial.procrustes does, and the result to that of b."""
    rotation, aligned = align_latents(a, b)
    size_a, size_b = ((values - values.mean(dim=0)).norm() for values in (a, b))
    return rotation, size_b / size_a * (aligned - b.mean(dim=0)) + b.mean(dim=0)


def _any_matrix(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    centred_a = a - a.mean(dim=0)
    matrix = torch.linalg.lstsq(centred_a, b - b.mean(dim=0)).solution
    return matrix, centred_a @ matrix + b.mean(dim=0)


def _no_reflection(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    centred_a, centred_b = a - a.mean(dim=0), b - b.mean(dim=0)
    u, _, vt = torch.linalg.svd(centred_a.T @ centred_b)
    signs = torch.ones(len(vt), dtype=a.dtype)
    signs[-1] = torch.linalg.det(u @ vt).sign()
    rotation = u @ signs.diag() @ vt
    return rotation, centred_a @ rotation + b.mean(dim=0)


def _transposed_right_factor(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    centred_a, centred_b = a - a.mean(dim=0), b - b.mean(dim=0)
    u, _, vt = torch.linalg.svd(centred_a.T @ centred_b)
    rotation = u @ vt.T
    return rotation, centred_a @ rotation + b.mean(dim=0)


def _draw_pair(rng: np.random.Generator) -> Inputs:
    """Codes a, and b: a turned (in half of the draws reflected), stretched, noisy and elsewhere."""
    n, d = int(rng.integers(12, 20)), int(rng.integers(3, 6))
    while True:
        a = rng.normal(size=(n, d)) * np.linspace(0.6, 1.8, d) + 1.5 * away_from_zero(rng, d)
        turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
        noisy = (a - a.mean(axis=0)) @ turn + 0.3 * rng.normal(size=(n, d))
        b = rng.uniform(1.3, 1.7) * noisy + 1.5 * away_from_zero(rng, d)
        product = (a - a.mean(axis=0)).T @ (b - b.mean(axis=0))
        values = np.linalg.svd(product, compute_uv=False)
        if values[-1] > 0.03 * values[0]:  # else rounding may turn the least important direction
            return {"a": a, "b": b}


ALIGN_LATENTS = Exercise(
    name="align_latents",
    chapter=8,
    returns="two arrays, the rotation of shape (d, d) and the aligned codes of shape (n, d)",
    draw=_draw_pair,
    examples=(
        # a quarter turn
        {
            "a": np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]]),
            "b": np.array([[5.0, 0.0], [5.0, 2.0], [4.0, 0.0], [4.0, 2.0]]),
        },
    ),
    reference=align_latents,
    slips={
        "no_centering": Slip(
            "It does not take the means off the codes.",
            "You turn the codes about the origin. The clouds of two runs need not lie around 0, and a turn about the "
            "origin also has to bring one cloud to the other. Take each cloud's own mean off first, turn, "
            "and then move the result to the mean of `b`.",
        ),
        "transposed_rotation": Slip(
            "It uses or returns the transpose of the rotation.",
            "Your matrix is the transpose of the right one, which turns the other way: it would bring `b` to `a`. "
            "Codes are rows here, so the matrix stands on their right. Which of the two clouds' axes must the rows "
            "of the matrix belong to?",
        ),
        "allows_scaling": Slip(
            "It changes the lengths of the codes.",
            "You let the codes stretch. What is wanted is orthogonal: it turns and reflects, and leaves all distances "
            "as they are. The prior gives every latent space its scale, so that a difference in scale is one to be "
            "seen, not one to be taken away.",
        ),
    },
    faulty=(
        *faulty_family(
            _align,
            center={
                "right": None,
                "none": "no_centering",
                "none in the product": "no_centering",
                "none in the result": "no_centering",
            },
            rotation={
                "right": None,
                "both transposed": "transposed_rotation",
                "given transposed": "transposed_rotation",
                "used transposed": "transposed_rotation",
            },
            scale={
                "right": None,
                "best": "allows_scaling",
                "singular values kept": "allows_scaling",
            },
        ),
        Faulty(("allows_scaling",), _scaled_result),
        Faulty(("allows_scaling",), _normalised),
        Faulty(("allows_scaling",), _any_matrix),
        Faulty(
            (),
            _no_reflection,
            remark="You allow proper rotations alone. Reflections are allowed here, since the prior "
            "does not change under them: no sign has to be mended.",
        ),
        Faulty(
            (),
            _transposed_right_factor,
            remark="You transposed the third factor of the decomposition. `svd` hands it back transposed already.",
        ),
        Faulty(
            (),
            lambda a, b: (align_latents(a, b)[0], align_latents(a, b)[1] - b.mean(dim=0)),
            remark="Your rotation is right. The aligned codes lie around 0; they are to lie around the mean of `b`.",
        ),
        Faulty(
            (),
            lambda a, b: (align_latents(a, b)[0], align_latents(a, b)[1] - b.mean(dim=0) + a.mean(dim=0)),
            remark="Your rotation is right. You moved the aligned codes back to the mean of `a`; they are to lie "
            "around the mean of `b`.",
        ),
        Faulty(
            (),
            lambda a, b: align_latents(b, a),
            remark="You brought `b` to `a`. It is `a` that is to be turned.",
        ),
        Faulty(
            (),
            lambda a, b: align_latents(a, b)[::-1],
            remark="Both are right but in the other order: first the rotation, then the aligned codes.",
        ),
    ),
    hints=(
        "Take the means off both clouds. Then only the products between the latents of `a` and those of `b` matter, "
        "a matrix of shape (d, d).",
        r"With $(a - \bar a)^T (b - \bar b) = U S V^T$ it is $R = U V^T$, and the aligned codes are "
        r"$(a - \bar a) R + \bar b$.",
        "`u, s, vt = torch.linalg.svd(centred_a.T @ centred_b)`. The third value is $V^T$ already: `u @ vt`. Return "
        "that, and `centred_a @ (u @ vt) + b.mean(dim=0)`.",
    ),
    praise="Turned and reflected, not stretched: distances within a run are what they were.",
)
