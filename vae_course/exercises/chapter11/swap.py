"""Exercise of chapter 11: does a decoder listen to z, or does a context tell it all?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter11.toys import PixelDecoder, RecordingDecoder, draw_rows

Decoder = Callable[[Tensor, Tensor], Tensor]

_RECORDING = (1.0, 2.0, 1.0)  # of the decoder that records: brightness for the code, for the context, for both
_OF_CONTEXT = 5 / 6  # what the share is with it where all contexts move, instead of the codes


def swap_test(decode_with_context: Decoder, z: Tensor, context: Tensor) -> Tensor:
    """The share of the change between images that z alone brings about.

    decode_with_context: (z, context) -> x_mean, (n, pixels). z: (n, latent_dim); context: (n, ...), what the decoder
    gets of each image besides. The mean squared change when the codes go to other images and the contexts stay, over
    that when both go together. Returns a scalar: 0 if z is ignored, 1 if the context is; chapter 11.
    """
    x_mean = decode_with_context(z, context)
    swapped = decode_with_context(z.roll(1, dims=0), context)
    return ((swapped - x_mean) ** 2).mean() / ((x_mean.roll(1, dims=0) - x_mean) ** 2).mean()


def _swap(
    compare: Callable[[Tensor, Tensor, Tensor], Tensor], *slips: str, moved: str = "z", remark: str = ""
) -> Faulty:
    """compare: (x_mean, x_mean after the swap, x_mean of the other images) -> value, where something else is moved."""

    def function(decode_with_context: Decoder, z: Tensor, context: Tensor) -> Tensor:
        x_mean = decode_with_context(z, context)
        new_z, new_context = {
            "z": (z.roll(1, dims=0), context),
            "context": (z, context.roll(1, dims=0)),
            "nothing": (torch.zeros_like(z), context),
            "first": (z[:1].expand_as(z), context),
        }[moved]
        return compare(x_mean, decode_with_context(new_z, new_context), x_mean.roll(1, dims=0))

    return Faulty(slips, function, remark)


def _ratio(x: Tensor, swapped: Tensor, other: Tensor) -> Tensor:
    return ((swapped - x) ** 2).mean() / ((other - x) ** 2).mean()


def _ask_recording(ask: Ask, rng: np.random.Generator) -> tuple[RecordingDecoder, float] | None:
    """What a decoder was asked that listens to z for a third, and the share that came back; None if none did."""
    z, context = draw_rows(rng, 12, 3), draw_rows(rng, 12, 4)
    decoder = RecordingDecoder(z, context, *_RECORDING)
    reply = ask({"decode_with_context": decoder, "z": z, "context": context})
    return None if reply is None or reply[0].size != 1 else (decoder, float(reply[0].item()))


def _keeps_the_pairs(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether every code was decoded with the context of its own image, and none with another."""
    found = _ask_recording(ask, rng)
    if found is None or not found[0].pairs:
        return False
    return all(i == j >= 0 for i, j in found[0].pairs)


def _moves_contexts(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the contexts move: with the codes, but to other images, or alone, where some may stay in place.

    All has changed in the first case, or nearly all; in the second, what the share of moved contexts makes of it.
    """
    found = [_ask_recording(ask, rng) for _ in range(3)]
    if any(one is None for one in found):
        return False
    records = [(*one, one[0].contexts_moved / len(one[0].codes)) for one in found if one is not None]
    both = all(decoder.both_moved and abs(share - 1) < 0.3 for decoder, share, _ in records)
    alone = all(
        moved > 0 and not decoder.codes_moved and abs(share - moved * _OF_CONTEXT) < 1e-4
        for decoder, share, moved in records
    )
    return both or alone


def _make_inputs(rng: np.random.Generator, n: int, d: int, c: int, *brightness: float) -> Inputs:
    z, context = draw_rows(rng, n, d), draw_rows(rng, n, c)
    return {"decode_with_context": PixelDecoder(z, context, *brightness), "z": z, "context": context}


def _draw_decoder(rng: np.random.Generator) -> Inputs:
    """Twelve images or more, so that no random order is likely to leave all of them in place."""
    n, (d, c) = int(rng.integers(12, 16)), rng.choice([2, 3, 4], size=2, replace=False)
    shares = rng.permutation([0.2, 0.8]) + rng.uniform(-0.1, 0.1, size=2)
    of_both = rng.uniform(0.15, 0.4)
    return _make_inputs(rng, n, int(d), int(c), *(float(size) for size in np.sqrt([*shares, of_both])))


# so many latents that they are shown abridged: the decoder says what is to be seen
_EXAMPLES = tuple(
    _make_inputs(np.random.default_rng(seed), 12, 6, 7, *brightness)
    for seed, brightness in enumerate([(0.0, 1.0), (1.0, 0.0), (1.0, 2.0)])
)
_NOT_DIVIDED = (
    "You have the change itself. Whether it is much can only be said beside the change from one image to another: "
    "divide by that, and the brightness of the images drops out."
)
_NOT_SQUARED = "Your share is one of sizes. Asked is that of squares: the mean squared change, over another."
_HALF = (
    "You have half of the right value. That is what comes out when the decoder gets codes that no image has: 0, new "
    "draws, latents in another order. Give each image the whole code of another one."
)
_DOUBLE = (
    "You have twice the right value. A variance is half of the mean squared difference between two images: divide by "
    "such a difference."
)

SWAP_TEST = Exercise(
    name="swap_test",
    chapter=11,
    returns="one number, the share of change",
    draw=_draw_decoder,
    examples=_EXAMPLES,
    reference=swap_test,
    slips={
        "shuffles_context": Slip(
            "It moves the contexts to other images.",
            "You moved the contexts to other images. Then it is the context whose share you measure, not that of `z`. "
            "To find out what ONE input does, change that one and keep the other as it is: each image keeps its "
            "context and gets a foreign code.",
            shown_by=_moves_contexts,
        ),
        "same_order": Slip(
            "Every code stays with the context of its own image.",
            "In all that you decode, each code comes with the context of its own image. Either nothing was moved, or "
            "both were moved in the same order, which only shuffles the finished images. The test needs a foreign code "
            "beside each context.",
            shown_by=_keeps_the_pairs,
        ),
    },
    faulty=(
        _swap(_ratio, "shuffles_context", moved="context"),
        _swap(lambda x, s, o: ((s - x) ** 2).mean(), "shuffles_context", moved="context"),
        _swap(lambda x, s, o: ((s - x) ** 2).sum(dim=1).mean(), "shuffles_context", moved="context"),
        _swap(lambda x, s, o: ((s - x) ** 2).sum(), "shuffles_context", moved="context"),
        _swap(lambda x, s, o: ((s - x) ** 2).mean() / x.var(dim=0).mean(), "shuffles_context", moved="context"),
        _swap(lambda x, s, o: _ratio(x, s, o).sqrt(), "shuffles_context", moved="context"),
        _swap(lambda x, s, o: (s - x).abs().mean() / (o - x).abs().mean(), "shuffles_context", moved="context"),
        _swap(lambda x, s, o: ((s - x) ** 2).mean(), remark=_NOT_DIVIDED),
        _swap(lambda x, s, o: ((s - x) ** 2).sum(dim=1).mean(), remark=_NOT_DIVIDED),
        _swap(lambda x, s, o: ((s - x) ** 2).sum(), remark=_NOT_DIVIDED),
        _swap(lambda x, s, o: _ratio(x, s, o).sqrt(), remark=_NOT_SQUARED),
        _swap(lambda x, s, o: (s - x).abs().mean() / (o - x).abs().mean(), remark=_NOT_SQUARED),
        _swap(lambda x, s, o: 2 * _ratio(x, s, o), remark=_DOUBLE),
        _swap(lambda x, s, o: ((s - x) ** 2).mean() / x.var(dim=0, correction=0).mean(), remark=_DOUBLE),
        _swap(lambda x, s, o: 1 - _ratio(x, s, o), remark="You have the share that does NOT change. Take 1 minus it."),
        _swap(lambda x, s, o: 1 / _ratio(x, s, o), remark="Your share is upside down: divide the other way round."),
        _swap(lambda x, s, o: 100 * _ratio(x, s, o), remark="You gave a percentage. A share runs from 0 to 1."),
        _swap(
            lambda x, s, o: ((s - x) ** 2).mean(dim=1) / ((o - x) ** 2).mean(dim=1),
            remark="You have the share of each image. Average over the images, above and below the line.",
        ),
        _swap(
            lambda x, s, o: ((s - x) ** 2).mean() / (2 * x.var(dim=0, correction=0)).mean(),
            remark="You divided by the mean difference over all pairs, and among them are images paired with "
            "themselves. Leave these out, above and below the line.",
        ),
        _swap(_ratio, moved="nothing", remark=_HALF),
        _swap(
            _ratio,
            moved="first",
            remark="You gave all images the code of one, which keeps its own. Give each the code of another image.",
        ),
    ),
    hints=(
        "Give every image the code of another one, and leave its context as it is. How much does the decoded image "
        "change, beside how much it would change if the context went along?",
        # in parts, so that a narrow page can break the line between them
        r"$\sum_i |g(z_{\pi(i)}, c_i) - g(z_i, c_i)|^2$ divided by "
        r"$\sum_i |g(z_{\pi(i)}, c_{\pi(i)}) - g(z_i, c_i)|^2$, where $\pi$ gives each image another one: the next, "
        "say.",
        "Decode three times: `(z, context)`, `(z.roll(1, dims=0), context)`, and both rolled (`np.roll(z, 1, axis=0)` "
        "in NumPy). Mean squared difference of the second from the first, over that of the third from the first.",
    ),
    praise="0 where the decoder ignores z, 1 where it ignores the context: a tool for finding leaks.",
)
