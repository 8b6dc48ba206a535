"""A U-Net trained as a VAE, with or without skip connections past its bottleneck."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate, max_pool2d

from vae_course.configs import UNetConfig
from vae_course.models.autoencoders import VAE, Layers, LossTerms, Output
from vae_course.models.layers import ToPixels, check_batch, convolution, linear, side_of_images
from vae_course.objectives import kl_per_latent, reparameterize


class UNetVAE(VAE):
    """A small U-Net (Ronneberger, Fischer & Brox 2015) with a VAE's bottleneck on its lowest level.

    The config's hidden_dims lists the channels of its levels: (8, 16, 32) for 28 x 28, 14 x 14 and 7 x 7 pixels. A
    level is one 3 x 3 convolution with a ReLU; sides halve by max-pooling and double by repeating pixels.

    With `config.skips` the decoder also gets, on each level but the lowest, what the encoder saw there, or what
    `config.skip_sides` leaves of it. Decoding then
    takes a second argument, `context`: the images whose skips are used, (batch, input_dim), or (1, input_dim) for all
    alike; without it they are those of an empty image, all 0. What such a model is trained on, each image being its own
    context, is no bound on log p(x). Without skips a context changes nothing, and the model is a VAE. Chapter 11.
    """

    config: UNetConfig

    def __init__(self, config: UNetConfig | None = None, *, generator: torch.Generator | None = None) -> None:
        super().__init__(config or UNetConfig(), generator=generator)

    def decode_logits(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """The decoder's output before the sigmoid, (batch, input_dim). z: (batch, latent_dim)."""
        check_batch("z", z, self.config.latent_dim, self.mu_head.weight.dtype)
        if not self.config.skips:
            return self._upwards(z, [])
        if context is None:
            context = z.new_zeros(1, self.config.input_dim)
        check_batch("context", context, self.config.input_dim, self.mu_head.weight.dtype)
        if len(context) not in (1, len(z)):
            raise ValueError(
                f"context must hold 1 image, or one for each of the {len(z)} rows of z, got {len(context)}"
            )
        return self._upwards(z, self._seen(context))

    def decode(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """x_mean, (batch, input_dim) in [0, 1]. z: (batch, latent_dim)."""
        return self.decode_logits(z, context).sigmoid()

    def nll(self, x: Tensor, z: Tensor, context: Tensor | None = None) -> Tensor:
        """-log p(x | z, context) of each image, (batch,) in nats. x: (batch, input_dim); z: (batch, latent_dim)."""
        return self._nll_of_logits(x, self.decode_logits(z, context))

    def loss_terms(self, x: Tensor, eps: Tensor) -> LossTerms:
        """What training minimises, per image; with skips the image is its own context."""
        seen = self._seen(x)
        mu, logvar = self._posterior(seen[-1].flatten(1))
        logits = self._upwards(reparameterize(mu, logvar, eps), seen)
        return LossTerms(self._nll_of_logits(x, logits), kl_per_latent(mu, logvar))

    def _make_encoder(self, generator: torch.Generator) -> tuple[Layers, int]:
        channels = self.config.hidden_dims
        levels = [convolution(n_in, n_out, generator, size=3) for n_in, n_out in pairwise((1, *channels))]
        return nn.ModuleList(levels), math.prod(self._lowest())

    def _make_decoder(self, generator: torch.Generator) -> tuple[Layers, Output]:
        upwards = self.config.hidden_dims[::-1]
        passed = self._skip_sides()[::-1]
        n_in = [upwards[0], *(n * (2 if side else 1) for n, side in zip(upwards[1:], passed, strict=True))]
        first = linear(self.config.latent_dim, math.prod(self._lowest()), generator)
        levels = [convolution(n, n_out, generator, size=3) for n, n_out in zip(n_in, upwards[1:], strict=False)]
        last = convolution(n_in[-1], 1, generator, size=3, bias=False)
        return nn.ModuleList([first, *levels]), ToPixels(last, self.config.input_dim)

    def _hidden(self, x: Tensor) -> Tensor:
        return self._seen(x)[-1].flatten(1)

    def _seen(self, x: Tensor) -> list[Tensor]:
        """What the encoder makes of images on each level, (batch, channels, side, side), from the top."""
        check_batch("x", x, self.config.input_dim, self.mu_head.weight.dtype)
        side = math.isqrt(self.config.input_dim)
        top, *lower = self.encoder_body
        seen = [top(x.unflatten(1, (1, side, side))).relu()]
        for level in lower:
            seen.append(level(max_pool2d(seen[-1], 2)).relu())
        return seen

    def _upwards(self, z: Tensor, seen: list[Tensor]) -> Tensor:
        """The logits of z, with skips from the levels in `seen`; without skips it is not looked at."""
        first, *levels = self.decoder_body
        hidden = first(z).relu().unflatten(1, self._lowest())
        for height, level in enumerate(levels, start=2):
            hidden = interpolate(level(hidden).relu(), scale_factor=2.0)
            if side := self._skip_sides()[1 - height]:
                passed = _coarsen(seen[-height], side)
                hidden = torch.cat((hidden, passed.expand(len(z), -1, -1, -1)), dim=1)  # doubles the channels
        return self.output(hidden)  # type: ignore[no-any-return]

    def _skip_sides(self) -> list[int]:
        """How many squares a side the skips of each level but the lowest have, from the top; 0 for no skip."""
        levels = range(len(self.config.hidden_dims) - 1)
        if not self.config.skips:
            return [0 for _ in levels]
        return list(self.config.skip_sides or (math.isqrt(self.config.input_dim) // 2**level for level in levels))

    def _lowest(self) -> tuple[int, int, int]:
        """The shape of the lowest level: channels, side, side."""
        halvings = len(self.config.hidden_dims) - 1
        side = side_of_images(self.config.input_dim, halvings) // 2**halvings
        return self.config.hidden_dims[-1], side, side


def _coarsen(seen: Tensor, side: int) -> Tensor:
    """Maps averaged down to `side` squares a side and drawn at their own size again, (batch, channels, side, side)."""
    if side == seen.shape[-1]:
        return seen
    return interpolate(adaptive_avg_pool2d(seen, side), size=seen.shape[-2:])
