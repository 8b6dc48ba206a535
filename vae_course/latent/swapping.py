"""The swap test: does a decoder listen to z, or does it get its image past the bottleneck?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.latent.checks import check_finite, check_points

Decoder = Callable[[Tensor, Tensor], Tensor]


class SwapShares(NamedTuple):
    """What the code does, and what the context, of all that makes one decoded image differ from another.

    z: the mean squared change of x_mean when every image gets another one's code and keeps its context, divided by
    the change when it gets both. context: likewise, when it keeps its code. z is 0 and context 1 if the decoder ignores
    the code; 1 and 0 if it ignores the context. They add up to 1 where the two effects are added, and need not else.
    change: that change when it gets both. Where it is next to nothing, the shares divide by nothing: that decoder draws
    one image for all.
    """

    z: float
    context: float
    change: float


def swap_test(decode: Decoder, z: Tensor, context: Tensor, *, generator: torch.Generator) -> SwapShares:
    """Gives each image the code, the context, or both, of another image, and compares what changes.

    decode: (z, context) -> x_mean, (n, pixels). z: (n, latent_dim), the images' codes; context: (n, ...), what the
    decoder gets of the same images besides. The images trade in one ring, drawn by `generator`, in which none meets
    itself. For a decoder without context pass `lambda z, context: model.decode(z)`.

    Raises ValueError for fewer than two images, for rows that don't match, and if all images decode to the same one,
    where there is nothing to compare. Chapter 11.
    """
    check_points("z", z)
    n = len(z)
    if context.ndim == 0:
        raise ValueError("context must have shape (n, ...), a row for each image, got one number")
    if n < 2 or len(context) != n:
        raise ValueError(f"z and context must hold the same images, 2 or more, got {n} and {len(context)} rows")
    ring = torch.randperm(n, generator=generator)
    other = torch.empty_like(ring).scatter_(0, ring, ring.roll(1))
    with torch.no_grad():
        x_mean = decode(z, context)
        check_finite("what decode returns", x_mean)
        both = _change(x_mean[other], x_mean)
        if both == 0:
            raise ValueError(
                "decode gives the same image for all rows of z and context, so there is no change to share"
            )
        foreign_z, foreign_context = decode(z[other], context), decode(z, context[other])
    return SwapShares(_change(foreign_z, x_mean) / both, _change(foreign_context, x_mean) / both, both)


def _change(a: Tensor, b: Tensor) -> float:
    return float((a.double() - b.double()).square().mean())
