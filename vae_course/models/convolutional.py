"""A VAE with convolutions: the same bottleneck, fewer weights, and an eye for what lies side by side."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

from vae_course.configs import VAEConfig
from vae_course.models.autoencoders import VAE, Layers, Output
from vae_course.models.layers import ToPixels, convolution, linear, side_of_images


class ConvolutionalVAE(VAE):
    """A VAE of square images whose encoder halves the side in each layer and whose decoder doubles it.

    The config's hidden_dims lists the channels of the encoder's layers, (16, 32) by default: 28 x 28, then 14 x 14,
    then 7 x 7 pixels. Kernels are 4 x 4 with stride 2. The two heads, and the layer that follows z, are linear. All
    else is as in a VAE with fully connected layers. Chapter 11.
    """

    def __init__(self, config: VAEConfig | None = None, *, generator: torch.Generator | None = None) -> None:
        super().__init__(config or VAEConfig(hidden_dims=(16, 32)), generator=generator)

    def _make_encoder(self, generator: torch.Generator) -> tuple[Layers, int]:
        side, deepest = self._sides()
        layers: list[nn.Module] = [nn.Unflatten(1, (1, side, side))]
        for n_in, n_out in pairwise((1, *self.config.hidden_dims)):
            layers += [convolution(n_in, n_out, generator, size=4, stride=2), nn.ReLU()]
        return nn.Sequential(*layers, nn.Flatten()), math.prod(deepest)

    def _make_decoder(self, generator: torch.Generator) -> tuple[Layers, Output]:
        channels, deepest = self.config.hidden_dims[::-1], self._sides()[1]
        first = linear(self.config.latent_dim, math.prod(deepest), generator)
        layers: list[nn.Module] = [first, nn.ReLU(), nn.Unflatten(1, deepest)]
        for n_in, n_out in pairwise(channels):
            layers += [convolution(n_in, n_out, generator, size=4, stride=2, up=True), nn.ReLU()]
        last = convolution(channels[-1], 1, generator, size=4, stride=2, up=True, bias=False)
        return nn.Sequential(*layers), ToPixels(last, self.config.input_dim)

    def _sides(self) -> tuple[int, tuple[int, int, int]]:
        """The image's side, and the shape of what the encoder ends with: channels, side, side."""
        n = len(self.config.hidden_dims)
        side = side_of_images(self.config.input_dim, n)
        return side, (self.config.hidden_dims[-1], side // 2**n, side // 2**n)
