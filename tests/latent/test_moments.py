"""Means and covariances of mixtures of posteriors: NumPy loops, sampling, precision, memory."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import load_digits
from vae_course.latent import (
    aggregate_variance,
    class_gaussians,
    dataset_class_gaussians,
    encode_dataset,
    moment_match,
    moments,
    split_covariance,
)
from vae_course.models import VAE, Autoencoder
from vae_course.sampling import sample_class

SMALL = VAEConfig(hidden_dims=(16,), latent_dim=3)


def posteriors(n: int = 500, d: int = 4, *, n_classes: int = 10, dtype: torch.dtype = torch.float64) -> Any:
    generator = make_generator(1)
    mu = torch.randn(n, d, generator=generator, dtype=dtype)
    logvar = torch.randn(n, d, generator=generator, dtype=dtype) - 2
    labels = torch.arange(n) % n_classes
    return mu + labels[:, None] / 3, logvar, labels[torch.randperm(n, generator=generator)]


def by_loop(mu: Tensor, logvar: Tensor) -> tuple[Any, Any]:
    """The mixture's moments from E[z z^T] - m m^T, image by image, in NumPy."""
    mean, second = np.zeros(mu.shape[1]), np.zeros((mu.shape[1],) * 2)
    for m, lv in zip(mu.double().numpy(), logvar.double().numpy(), strict=True):
        mean += m / len(mu)
        second += (np.outer(m, m) + np.diag(np.exp(lv))) / len(mu)
    return mean, second - np.outer(mean, mean)


def test_each_class_agrees_with_a_loop() -> None:
    mu, logvar, labels = posteriors()
    found = class_gaussians(mu, logvar, labels)
    for c in range(10):
        mean, cov = by_loop(mu[labels == c], logvar[labels == c])
        np.testing.assert_allclose(found.mean[c], mean, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(found.cov[c], cov, rtol=1e-11, atol=1e-13)
    torch.testing.assert_close(found.weight, labels.bincount() / 500.0, check_dtype=False)
    assert {tensor.dtype for tensor in found} == {torch.float64}
    assert torch.equal(found.cov, found.cov.mT)


def test_samples_of_the_mixture_have_these_moments() -> None:
    mu, logvar, labels = posteriors()
    found = class_gaussians(mu, logvar, labels)
    n = 100_000
    z = sample_class(mu, logvar, labels, 7, n, generator=make_generator(2))
    mean_error = (z.mean(dim=0) - found.mean[7]) / (found.cov[7].diag() / n).sqrt()
    products = (z - found.mean[7])[:, :, None] * (z - found.mean[7])[:, None, :]
    cov_error = (products.mean(dim=0) - found.cov[7]) / (products.std(dim=0) / math.sqrt(n))
    assert float(mean_error.abs().max()) < 4 and float(cov_error.abs().max()) < 4  # standard errors


def test_the_law_of_total_covariance() -> None:
    mu, logvar, _ = posteriors()
    within, between = split_covariance(mu, logvar)
    mean, cov = moment_match(mu, logvar)
    np.testing.assert_allclose(within, np.diag(np.exp(logvar.numpy()).mean(axis=0)), rtol=1e-12)
    np.testing.assert_allclose(between, np.cov(mu.numpy().T, bias=True), rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(within + between, cov, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(cov.diag(), aggregate_variance(mu, logvar), rtol=1e-12, atol=0)
    torch.testing.assert_close(mean, mu.mean(dim=0), rtol=1e-12, atol=1e-14)


def test_the_classes_make_up_the_whole() -> None:
    mu, logvar, labels = posteriors(n=503)
    classes, whole = class_gaussians(mu, logvar, labels), moment_match(mu, logvar)
    mean = classes.weight @ classes.mean
    offset = classes.mean - mean
    cov = (classes.weight[:, None, None] * (classes.cov + offset[:, :, None] * offset[:, None, :])).sum(dim=0)
    torch.testing.assert_close(mean, whole.mean)
    torch.testing.assert_close(cov, whole.cov)
    assert float(classes.weight.sum()) == pytest.approx(1, abs=1e-15)


def test_one_image_has_its_own_posterior() -> None:
    mu, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(4.0)]])
    mean, cov = moment_match(mu, logvar)
    assert mean.tolist() == [1, -2]
    torch.testing.assert_close(cov, torch.tensor([1.0, 4.0], dtype=torch.float64).diag(), rtol=1e-7, atol=0)


def test_points_have_no_spread_within() -> None:
    mu, _, labels = posteriors()
    points = torch.full_like(mu, -torch.inf)
    assert not split_covariance(mu, points).within.any()
    np.testing.assert_allclose(moment_match(mu, points).cov, np.cov(mu.numpy().T, bias=True), rtol=1e-10, atol=1e-13)
    assert class_gaussians(mu, points, labels).cov.isfinite().all()


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_float32_posteriors_lose_nothing_in_the_sums(offset: float) -> None:
    # 60,000 posteriors far from zero: plain float32 sums of squares would leave no correct digit of the covariance.
    generator = make_generator(3)
    mu = (torch.randn(60_000, 3, generator=generator) + offset).float()
    logvar = torch.randn(60_000, 3, generator=generator) - 3
    labels = torch.randint(10, (60_000,), generator=generator)
    found, exact = class_gaussians(mu, logvar, labels), class_gaussians(mu.double(), logvar.double(), labels)
    for c in range(10):
        truth = np.cov(mu[labels == c].double().numpy().T, bias=True)
        truth += np.diag(logvar[labels == c].double().exp().mean(dim=0).numpy())
        np.testing.assert_allclose(found.cov[c], truth, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(exact.cov[c], truth, rtol=1e-9, atol=1e-11)


def test_blocks_give_what_one_call_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    mu, logvar, labels = posteriors(n=1003)
    whole = class_gaussians(mu, logvar, labels)
    monkeypatch.setattr(moments, "_BLOCK", 7)
    for a, b in zip(class_gaussians(mu, logvar, labels), whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


def test_the_given_posteriors_are_left_as_they_are() -> None:
    mu, logvar, labels = posteriors()
    before = mu.clone(), logvar.clone()
    class_gaussians(mu, logvar, labels)
    moment_match(mu, logvar)
    assert torch.equal(mu, before[0]) and torch.equal(logvar, before[1])


# --- streaming ---


@pytest.mark.parametrize("batch_size", [33, 1000])
@pytest.mark.parametrize("kind", [VAE, Autoencoder])
def test_streaming_gives_what_the_posteriors_give(kind: type[Autoencoder], batch_size: int) -> None:
    digits = load_digits()
    images, labels = digits.images[::10], digits.labels[::10]
    model = kind(SMALL)
    whole = class_gaussians(*encode_dataset(model, images, batch_size=batch_size), labels)
    streamed = dataset_class_gaussians(model, images, labels, batch_size=batch_size)
    for a, b in zip(streamed, whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


class Held(TorchDispatchMode):
    """Notes the most bytes that results of operations held at one time (views aside)."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, Tensor) and not func.is_view and id(tensor) not in self.sizes:
                self.sizes[id(tensor)] = tensor.numel() * tensor.element_size()
                weakref.finalize(tensor, self.sizes.pop, id(tensor), None)
        self.most = max(self.most, sum(self.sizes.values()))
        return result


def most_bytes(n: int) -> int:
    """The most bytes held while n images, in blocks of 100, become class Gaussians."""
    images = torch.randint(256, (n, 784), dtype=torch.uint8, generator=make_generator(0))
    model, labels = VAE(SMALL), torch.arange(n) % 10
    with Held() as held:
        dataset_class_gaussians(model, images, labels, batch_size=100)
    return held.most


def test_memory_does_not_grow_with_the_images() -> None:
    few, many = most_bytes(300), most_bytes(1500)
    block = 100 * 784 * 4  # one block of images as float32
    assert block <= few < 1.5 * block
    assert many == few


# --- wrong input ---


def test_an_empty_class_is_named() -> None:
    mu, logvar, labels = posteriors()
    labels[labels == 4] = 5
    labels[labels == 8] = 5
    with pytest.raises(ValueError, match="label 4, 8"):
        class_gaussians(mu, logvar, labels)
    digits = load_digits()
    with pytest.raises(ValueError, match="label 1, 2, 3"):
        dataset_class_gaussians(VAE(SMALL), digits.images[:100], digits.labels[:100])


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (torch.arange(20) % 11, ValueError, "n_classes=11"),
        (torch.arange(20) % 10 - 1, ValueError, "got -1 to 8"),
        (torch.arange(19) % 10, ValueError, r"\(20,\)"),
        ((torch.arange(20) % 10)[:, None], ValueError, r"\(20,\)"),
        ((torch.arange(20) % 10).float(), TypeError, "whole numbers"),
    ],
)
def test_wrong_labels(labels: Tensor, error: type[Exception], words: str) -> None:
    mu = torch.zeros(20, 2)
    with pytest.raises(error, match=words):
        class_gaussians(mu, mu, labels)


@pytest.mark.parametrize("function", [moment_match, split_covariance, aggregate_variance])
@pytest.mark.parametrize(
    ("mu", "logvar"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 3)),
        (torch.zeros(3), torch.zeros(3)),
        (torch.zeros(0, 2), torch.zeros(0, 2)),
        (torch.tensor([[0.0, torch.nan]]), torch.zeros(1, 2)),
        (torch.tensor([[0.0, torch.inf]]), torch.zeros(1, 2)),
        (torch.tensor([[0.0, -torch.inf]]), torch.zeros(1, 2)),
        (torch.zeros(1, 2), torch.tensor([[0.0, torch.nan]])),
        (torch.zeros(1, 2), torch.tensor([[torch.inf, 0.0]])),
    ],
)
def test_wrong_posteriors(function: Any, mu: Tensor, logvar: Tensor) -> None:
    with pytest.raises(ValueError, match=r"mu|logvar"):
        function(mu, logvar)


def test_an_overflowing_variance_is_refused() -> None:
    with pytest.raises(ValueError, match="overflows"):
        moment_match(torch.zeros(2, 2), torch.full((2, 2), 100.0))
