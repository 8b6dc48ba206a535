"""The posteriors of a set of images, and what they say of each latent."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import load_digits, to_unit
from vae_course.latent import active_units, encode_dataset, kl_order
from vae_course.models import VAE, Autoencoder

SMALL = VAEConfig(hidden_dims=(16,), latent_dim=3)


@pytest.fixture(scope="module")
def images() -> Tensor:
    return load_digits().images[::50]  # 100


def test_the_posteriors_are_those_of_one_call(images: Tensor) -> None:
    model = VAE(SMALL)
    expected = model.encode(to_unit(images))
    for batch_size in (1, 7, 100, 1000):
        found = encode_dataset(model, images, batch_size=batch_size)
        torch.testing.assert_close(found.mu, expected.mu, rtol=0, atol=1e-6)
        torch.testing.assert_close(found.logvar, expected.logvar, rtol=0, atol=1e-6)
    assert found.mu.dtype == torch.float32 and not found.mu.requires_grad


def test_an_autoencoder_gives_points(images: Tensor) -> None:
    model = Autoencoder(SMALL)
    found = encode_dataset(model, images)
    torch.testing.assert_close(found.mu, model.encode_point(to_unit(images)))
    assert bool((found.logvar == -torch.inf).all())
    assert bool((found.std == 0).all())


def test_the_caller_keeps_gradients(images: Tensor) -> None:
    encode_dataset(VAE(SMALL), images)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        (torch.zeros(0, 784, dtype=torch.uint8), ValueError, "n > 0"),
        (torch.zeros(784, dtype=torch.uint8), ValueError, r"\(n, 784\)"),
        (torch.zeros(2, 783, dtype=torch.uint8), ValueError, r"\(n, 784\)"),
        (torch.zeros(2, 784), TypeError, "uint8"),
    ],
)
def test_wrong_images(images: Tensor, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        encode_dataset(VAE(SMALL), images)


def test_a_batch_size_below_one_is_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        encode_dataset(VAE(SMALL), images, batch_size=0)


def test_latents_are_ordered_by_their_kl() -> None:
    generator = make_generator(0)
    mu = torch.randn(200, 5, generator=generator) * torch.tensor([0.1, 3.0, 0.5, 0.0, 2.0])
    logvar = torch.randn(200, 5, generator=generator) * 0.1
    kl = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0)).mean(dim=0)
    order = kl_order(mu, logvar)
    assert order.tolist() == sorted(range(5), key=lambda j: -float(kl[j])) and order[0] == 1
    assert kl_order(torch.zeros(3, 4), torch.zeros(3, 4)).tolist() == [0, 1, 2, 3]  # ties keep their order


def test_active_units_look_at_the_variance_of_the_means() -> None:
    mu = torch.tensor([[-1.0, 5.0, -0.09], [1.0, 5.0, 0.09], [-1.0, 5.0, -0.09], [1.0, 5.0, 0.09]])
    assert active_units(mu).tolist() == [True, False, False]  # variances 1, 0, 0.0081
    assert active_units(mu, threshold=0.008).tolist() == [True, False, True]
    assert active_units(mu, threshold=1.0).tolist() == [False, False, False]
    # Divisor n: two points at -1 and 1 have the variance 1, not 2.
    assert active_units(mu[:2], threshold=1.5).tolist() == [False, False, False]


@pytest.mark.parametrize(("mu", "threshold"), [(torch.full((2, 2), torch.nan), 0.01), (torch.zeros(2, 2), -1.0)])
def test_active_units_refuses(mu: Tensor, threshold: float) -> None:
    with pytest.raises(ValueError, match=r"NaN|threshold"):
        active_units(mu, threshold=threshold)
