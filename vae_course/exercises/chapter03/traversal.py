"""The exercise of chapter 3 on moving one latent."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.latent import traverse


def _traversal(z: Tensor, dim: int, values: Tensor, *, change: str, latents: str) -> Tensor:
    codes = z.repeat(len(values), 1)
    chosen = slice(None) if latents == "all" else slice(dim, dim + 1)
    steps = values.cumsum(dim=0) if change == "add up" else values
    codes[:, chosen] = steps[:, None] if change == "set" else codes[:, chosen] + steps[:, None]
    return codes


def _only_the_moved(z: Tensor, dim: int, values: Tensor) -> Tensor:
    codes = torch.zeros(len(values), len(z), dtype=z.dtype)
    codes[:, dim] = values
    return codes


def _scaled(z: Tensor, dim: int, values: Tensor) -> Tensor:
    return traverse(z, dim, values * z[dim])


def _draw_traversal(rng: np.random.Generator) -> Inputs:
    d, n_values = (int(n) for n in rng.choice(np.arange(3, 8), size=2, replace=False))
    return {
        "z": rng.normal(scale=1.5, size=d),
        "dim": int(rng.integers(d)),
        "values": np.sort(rng.uniform(-3, 3, size=n_values)),
    }


TRAVERSAL = Exercise(
    name="traversal",
    chapter=3,
    returns="one code for each value, of shape (len(values), d)",
    draw=_draw_traversal,
    examples=(
        {"z": np.array([0.5, -1.7, 1.0]), "dim": 1, "values": np.array([-2.0, 0.0, 1.0, 3.0])},
        {"z": np.array([1.0, -0.5]), "dim": 0, "values": np.array([-1.0, 0.5, 2.0])},
    ),
    reference=traverse,
    slips={
        "offset_not_absolute": Slip(
            "It adds the values to what the latent holds, instead of setting it to them.",
            "You added the values to what the latent already holds. Starting from -1.7, a range from -2 to 2 "
            "then runs from -3.7 to 0.3: it leaves where the prior has its mass, and every image is shown at other "
            "places. Here the values are the places themselves.",
        ),
        "moves_all_dims": Slip(
            "It changes every latent, not `dim` alone.",
            "You changed every latent. If all of them move at once, nobody can tell which one did what; only latent "
            "`dim` may differ between your rows, and the others stay as in z.",
        ),
        "modifies_input": Slip(
            "It writes into the array that it was given.",
            "You wrote into an array that you were given. Whoever called your function still needs that code, for the "
            "next latent or for the picture beside it, and rows that are one and the same array all show the last "
            "value. Write into copies.",
            problem="changed",
        ),
    },
    faulty=(
        *faulty_family(
            _traversal,
            change={"set": None, "add": "offset_not_absolute", "add up": "offset_not_absolute"},
            latents={"one": None, "all": "moves_all_dims"},
        ),
        Faulty(
            (),
            lambda z, dim, values: traverse(z, dim, values[-1:]).repeat(len(values), 1),
            remark="All your rows hold the last value: they are one and the same array, entered several times. Make a "
            "copy for each.",
        ),
        *(
            Faulty(
                (),
                lambda z, dim, values, place=place: traverse(z, dim, values[[place]])[0],
                remark=f"You gave one code, for the {word} value. Wanted is a row for each value.",
            )
            for place, word in ((0, "first"), (-1, "last"))
        ),
        Faulty(
            (),
            lambda z, dim, values: z.repeat(len(values), 1),
            remark="Your rows are all equal to z: latent `dim` does not move.",
        ),
        Faulty(
            (),
            lambda z, dim, values: values,
            remark="You gave the moved latent alone. The decoder needs whole codes, with the other latents as in z.",
        ),
        Faulty(
            (),
            _only_the_moved,
            remark="The other latents are 0 in your rows. They must stay as in z: a traversal starts from an image.",
        ),
        Faulty(
            (),
            lambda z, dim, values: traverse(z, dim, values).T,
            remark="You have the right codes as columns. Give a row for each value.",
        ),
        Faulty(
            (),
            lambda z, dim, values: traverse(z, (dim - 1) % len(z), values),
            remark="You moved the latent before `dim`. Latents are counted from 0.",
        ),
        Faulty(
            (),
            lambda z, dim, values: traverse(z, dim, values.flip(0)),
            remark="Your rows run through the values backwards.",
        ),
        Faulty((), _scaled, remark="You multiplied the latent by the values. Set it to them."),
        Faulty(
            (),
            lambda z, dim, values: traverse(z, dim, z[dim] - values),
            remark="You subtracted the values from what the latent holds. Set it to them.",
        ),
        Faulty(
            (),
            lambda z, dim, values: torch.cat([z[None], traverse(z, dim, values)]),
            remark="Your first row is z itself. Give a row for each value, and no other.",
        ),
    ),
    hints=(
        "How many codes does the decoder need to draw the whole row of pictures, and in what do these codes differ?",
        r"Row $i$ is $z$, except that $z_{\mathrm{dim}} = \mathrm{values}_i$.",
        "Make `len(values)` copies of z, one below the other (`z.repeat(len(values), 1)`, or `np.tile` in NumPy), then "
        "assign `values` to one column of the copies.",
    ),
    praise="Copies of one code in which one latent runs through the values, and z itself is left as it was.",
)
