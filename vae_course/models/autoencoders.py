"""The autoencoder and the VAE, with fully connected layers unless a subclass says otherwise."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.models.layers import ToPixels, check_batch, linear, relu_layers
from vae_course.objectives import bernoulli_nll, gaussian_nll, kl_per_latent, reparameterize
from vae_course.types import Posterior

Layers: TypeAlias = nn.Sequential | nn.ModuleList
Output: TypeAlias = nn.Linear | ToPixels


class LossTerms(NamedTuple):
    """The two terms of the negative ELBO of each image, in nats.

    nll: (batch,) -log p(x | z) at one sampled z. kl_per_latent: (batch, latent_dim), all 0 for an autoencoder.
    """

    nll: Tensor
    kl_per_latent: Tensor


class Autoencoder(nn.Module):
    """Encoder input_dim -> hidden -> latent_dim, decoder back. The code of an image is one point.

    Images go in as floats in [0, 1], (batch, input_dim). `generator` draws the initial weights, by PyTorch's default
    rule for linear layers; None starts from seed 0. With `learn_sigma` the Gaussian likelihood's one sigma is a
    weight too: the sigma-VAE of Rybkin, Daniilidis & Levine (2021).
    """

    def __init__(self, config: VAEConfig | None = None, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config or VAEConfig()
        generator = generator or make_generator(0)
        self.encoder_body, width = self._make_encoder(generator)
        self.mu_head = linear(width, self.config.latent_dim, generator)
        self.decoder_body, self.output = self._make_decoder(generator)
        if self.config.learn_sigma:
            self.log_sigma = nn.Parameter(torch.tensor(math.log(self.config.sigma)))

    @property
    def sigma(self) -> float:
        """The standard deviation of the Gaussian likelihood's pixels: the config's, or what has been learned."""
        return float(self.log_sigma.detach().exp()) if self.config.learn_sigma else self.config.sigma

    def encode_point(self, x: Tensor) -> Tensor:
        """The code of each image, (batch, latent_dim): for a VAE the posterior's mean."""
        return self._mu(self._hidden(x))

    def decode_logits(self, z: Tensor) -> Tensor:
        """The decoder's output before the sigmoid, (batch, input_dim). z: (batch, latent_dim)."""
        check_batch("z", z, self.config.latent_dim, self.mu_head.weight.dtype)
        return self.output(self.decoder_body(z))  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        """x_mean = E[x | z], (batch, input_dim) in [0, 1]. z: (batch, latent_dim)."""
        return self.decode_logits(z).sigmoid()

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x | z) of each image under the config's likelihood, (batch,) in nats.

        x: (batch, input_dim) in [0, 1]; z: (batch, latent_dim).
        """
        return self._nll_of_logits(x, self.decode_logits(z))

    def loss_terms(self, x: Tensor, eps: Tensor) -> LossTerms:
        """What the training minimises, per image; eps is taken for the VAE's sake and unused here."""
        mu = self.encode_point(x)
        return LossTerms(self.nll(x, mu), torch.zeros_like(mu))

    def set_output_bias(self, mean_image: Tensor) -> None:
        """Starts the decoder at the mean image, (input_dim,) in [0, 1], instead of at grey."""
        if mean_image.shape != (self.config.input_dim,):
            raise ValueError(f"mean_image must have shape ({self.config.input_dim},), got {tuple(mean_image.shape)}")
        with torch.no_grad():
            self.output.bias.copy_(mean_image.clamp(0.001, 0.999).logit())

    def _make_encoder(self, generator: torch.Generator) -> tuple[Layers, int]:
        """The encoder up to its heads, and how many numbers it hands them."""
        sizes = [self.config.input_dim, *self.config.hidden_dims]
        return relu_layers(sizes, generator), sizes[-1]

    def _make_decoder(self, generator: torch.Generator) -> tuple[Layers, Output]:
        """The decoder and its last layer, which has a bias for each pixel."""
        sizes = [self.config.latent_dim, *reversed(self.config.hidden_dims)]
        return relu_layers(sizes, generator), linear(sizes[-1], self.config.input_dim, generator)

    def _nll_of_logits(self, x: Tensor, logits: Tensor) -> Tensor:
        if self.config.likelihood == "bernoulli":
            return bernoulli_nll(x, logits)
        sigma = self.log_sigma.exp() if self.config.learn_sigma else self.config.sigma
        return gaussian_nll(x, logits.sigmoid(), sigma=sigma)

    def _hidden(self, x: Tensor) -> Tensor:
        check_batch("x", x, self.config.input_dim, self.mu_head.weight.dtype)
        return self.encoder_body(x)  # type: ignore[no-any-return]

    def _mu(self, hidden: Tensor) -> Tensor:
        mu: Tensor = self.mu_head(hidden)
        return mu.relu() if self.config.heads in ("relu_mu", "relu_both") else mu


class VAE(Autoencoder):
    """A variational autoencoder: the code of an image is a Gaussian, given by two linear heads.

    Kingma & Welling (2014). One hidden layer of 400 by default, as in PyTorch's own example. From the same
    generator it starts with an Autoencoder's weights; the second head is drawn last.
    """

    def __init__(self, config: VAEConfig | None = None, *, generator: torch.Generator | None = None) -> None:
        generator = generator or make_generator(0)
        super().__init__(config, generator=generator)
        self.logvar_head = linear(self.mu_head.in_features, self.config.latent_dim, generator)

    def encode(self, x: Tensor) -> Posterior:
        """q(z | x) of each image. x: (batch, input_dim) in [0, 1]; mu and logvar: (batch, latent_dim)."""
        return self._posterior(self._hidden(x))

    def loss_terms(self, x: Tensor, eps: Tensor) -> LossTerms:
        """Both terms of the negative ELBO with one draw of z. eps: (batch, latent_dim) from N(0, I)."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar, eps)
        return LossTerms(self.nll(x, z), kl_per_latent(mu, logvar))

    def _posterior(self, hidden: Tensor) -> Posterior:
        logvar: Tensor = self.logvar_head(hidden)
        if self.config.heads in ("relu_logvar", "relu_both"):
            logvar = logvar.relu()
        return Posterior(self._mu(hidden), logvar)
