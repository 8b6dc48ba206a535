"""What a trained VAE is good for (level 2): codes, samples, single latents; each a dict of figures for a table."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.data import to_unit
from vae_course.latent import (
    active_units,
    encode_dataset,
    factor_entropies,
    information_gaps,
    mutual_information,
    neighbours_vote,
)
from vae_course.models import VAE, Classifier
from vae_course.objectives import reparameterize
from vae_course.sampling import sample_prior, sample_quality
from vae_course.sprites import FACTORS, make_sprites
from vae_course.types import Digits

N_SAMPLES = 2500
SURE = 0.9  # a classifier's probability above which a sample counts as read with confidence
_DRAWS = 2000  # for each mutual information


def reconstruction_figures(model: VAE, images: Tensor) -> dict[str, float]:
    """squared_error: mean over images and pixels of (x - decode(z))^2, one z drawn from each posterior; active_units.

    images: (n, input_dim) uint8. The latents are those whose mean varies over the images (`latent.active_units`).
    """
    mu, logvar = encode_dataset(model, images)
    eps = torch.randn(mu.shape, generator=make_generator(0))
    total = 0.0
    with torch.no_grad():
        for rows in torch.arange(len(images)).split(1000):
            z = reparameterize(mu[rows], logvar[rows], eps[rows])
            total += float(((to_unit(images[rows]) - model.decode(z)) ** 2).double().sum())
    return {"squared_error": round(total / images.numel(), 5), "active_units": int(active_units(mu).sum())}


def code_figures(model: VAE, known: Digits, asked: Digits) -> dict[str, float]:
    """How well a digit's label can be told from its mu: shares of right answers.

    probe_accuracy: of a logistic regression on the standardised mu, fitted to `known` and put to `asked`.
    neighbour_accuracy: of the 5 nearest other digits, within `known` (`latent.neighbours_vote`).
    """
    from sklearn.linear_model import LogisticRegression

    mu = encode_dataset(model, known.images).mu.double()
    asked_mu = encode_dataset(model, asked.images).mu.double()
    mean, std = mu.mean(dim=0), mu.std(dim=0).clamp_min(1e-12)
    probe = LogisticRegression(max_iter=1000).fit(((mu - mean) / std).numpy(), known.labels.numpy())
    return {
        "probe_accuracy": round(float(probe.score(((asked_mu - mean) / std).numpy(), asked.labels.numpy())), 4),
        "neighbour_accuracy": round(neighbours_vote(mu, known.labels), 4),
    }


def sample_figures(model: VAE, classifier: Classifier, real: Tensor) -> dict[str, float]:
    """What 2,500 mean images, decoded from draws of the prior, are worth to a classifier.

    real: (n, input_dim) uint8, the images they are compared with. confident: share read with a probability above 0.9.
    entropy: of the classes read, in nats, log(n_classes) if all are equally frequent. precision, recall, density,
    coverage: `sampling.sample_quality` in the classifier's features. Chapter 5.
    """
    with torch.no_grad():
        x_mean = model.decode(sample_prior(N_SAMPLES, model.config.latent_dim, generator=make_generator(0)))
        p = classifier.probabilities(x_mean)
        quality = sample_quality(classifier.features(to_unit(real)), classifier.features(x_mean))
    share = p.argmax(dim=1).bincount(minlength=p.shape[1]).double() / len(p)
    return {
        "confident": round(float((p.amax(dim=1) > SURE).double().mean()), 4),
        "entropy": round(float(-torch.special.xlogy(share, share).sum()), 4),
        **{name: round(value, 4) for name, value in quality._asdict().items()},
    }


def factor_figures(model: VAE) -> dict[str, float]:
    """The mutual information gap over all sprites: `mig`, its mean, and gap_shape and so on, of each factor."""
    images, factors = make_sprites()
    mu, logvar = encode_dataset(model, images)
    information = mutual_information(mu, logvar, factors, n_samples=_DRAWS, generator=make_generator(0))
    gaps = information_gaps(information, factor_entropies(factors))
    each = {f"gap_{name}": round(float(gap), 4) for name, gap in zip(FACTORS, gaps, strict=True)}
    return {"mig": round(float(gaps.mean()), 4), **each}
