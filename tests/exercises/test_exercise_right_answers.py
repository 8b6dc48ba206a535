"""Right answers pass, however they are written."""

import functools
import math

import answering
import numpy as np
import pytest
import torch
from nightly import seeds
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from vae_course import exercises


class Twice:
    def __call__(self, latent_dim):
        return latent_dim + latent_dim


class KLModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, mu, logvar):
        return self.weight * (mu**2 + logvar.exp() - 1 - logvar).sum(1)  # gives a tensor with a gradient


def count_with_layers(latent_dim):
    heads = nn.Linear(4, latent_dim), nn.Linear(4, latent_dim)
    return sum(head(torch.zeros(4)).numel() for head in heads)


def count_in_a_loop(latent_dim):
    total = 0
    for _ in range(latent_dim):
        total += 1  # mean
        total += 1  # log-variance
    return total


def draw_in_loops(mu, logvar, eps):
    rows = []
    for i in range(len(mu)):
        row = []
        for j in range(len(mu[i])):
            row.append(mu[i][j] + math.exp(logvar[i][j] / 2) * eps[i][j])
        rows.append(row)
    return rows


def draw_in_place_on_copies(mu, logvar, eps):
    z = logvar.clone()
    z.mul_(0.5).exp_().mul_(eps).add_(mu)
    return z


def draw_in_place_numpy(mu, logvar, eps):
    z = np.array(logvar, copy=True)
    z *= 0.5
    np.exp(z, out=z)
    z *= np.asarray(eps)
    z += np.asarray(mu)
    return z


def draw_with_float32_weights(mu, logvar, eps):
    return mu + (logvar / 2).exp() * (eps @ torch.eye(eps.shape[1]))  # fails on float64 tensors


def kl_in_loops(mu, logvar):
    out = []
    for m_row, l_row in zip(mu, logvar, strict=True):
        total = 0.0
        for m, lv in zip(m_row, l_row, strict=True):
            total += 0.5 * (float(m) ** 2 + math.exp(lv) - 1 - float(lv))
        out.append(total)
    return out


def kl_by_std(mu, logvar):
    std = np.exp(0.5 * np.asarray(logvar))
    return np.sum((np.asarray(mu) ** 2 + std**2) / 2 - np.log(std) - 0.5, axis=-1)


def kl_torch_distributions(mu, logvar):
    posterior = Independent(Normal(mu, (logvar / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    return kl_divergence(posterior, prior)


def kl_strict_numpy(mu, logvar):
    if not isinstance(mu, np.ndarray):
        raise TypeError("NumPy arrays, please")
    return 0.5 * (np.square(mu) + np.exp(logvar) - 1 - logvar).sum(axis=1)


def kl_in_place_on_copies(mu, logvar):
    total = mu.clone()
    total *= mu
    total += logvar.exp()
    total -= 1
    total -= logvar
    return total.sum(-1).div_(2)


def kl_by_matrices(mu, logvar):
    ones = torch.ones(mu.shape[1])  # float32
    return torch.einsum("bd,d->b", (mu**2 + logvar.exp() - 1 - logvar).float(), ones) / 2


def kl_by_trace_and_determinant(mu, logvar):
    out = []
    for m, lv in zip(mu, logvar, strict=True):
        cov = torch.diag(lv.exp())
        out.append(0.5 * (torch.trace(cov) + m @ m - len(m) - torch.logdet(cov)))
    return torch.stack(out)


def elbo_in_loops(x, x_mean, mu, logvar):
    total = 0.0
    for i in range(len(x)):
        total += sum(0.5 * float(a - b) ** 2 for a, b in zip(x[i], x_mean[i], strict=True))
        total += kl_in_loops(mu[i : i + 1], logvar[i : i + 1])[0]
    return total / len(x)


def elbo_by_mse_loss(x, x_mean, mu, logvar):
    return nn.functional.mse_loss(x_mean, x, reduction="sum") / 2 / len(x) + KLModule()(mu, logvar).mean()


def elbo_by_distributions(x, x_mean, mu, logvar):
    log_p = Normal(x_mean, 1.0).log_prob(x).sum(1) + x.shape[1] * 0.5 * math.log(2 * math.pi)
    return (kl_torch_distributions(mu, logvar) - log_p).mean()


def elbo_by_norms(x, x_mean, mu, logvar):
    x, x_mean, mu, logvar = map(np.asarray, (x, x_mean, mu, logvar))
    return np.mean(np.linalg.norm(x - x_mean, axis=1) ** 2) / 2 + kl_by_std(mu, logvar).mean()


def elbo_minus_elbo(x, x_mean, mu, logvar):
    elbo = -0.5 * torch.sum((x - x_mean) ** 2, dim=-1) + 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=-1)
    return -elbo.mean()


RIGHT = {
    "count_outputs": {
        "lambda": lambda latent_dim: 2 * latent_dim,
        "other argument name": lambda d: d << 1,
        "callable object": Twice(),
        "layers": count_with_layers,
        "loop": count_in_a_loop,
        "NumPy integer": lambda d: np.int64(d) * 2,
        "0-d tensor": lambda d: torch.tensor(d) * 2,
        "lists": lambda d: len([0.0] * d + [1.0] * d),
        "float without a fraction": lambda d: 2.0 * d,
        "partial": functools.partial(lambda heads, latent_dim: heads * latent_dim, 2),
    },
    "reparameterize": {
        "torch": lambda mu, logvar, eps: mu + torch.exp(logvar / 2) * eps,
        "square root of the variance": lambda mu, logvar, eps: mu + logvar.exp().sqrt() * eps,
        "power": lambda mu, logvar, eps: eps * torch.exp(logvar) ** 0.5 + mu,
        "addcmul": lambda mu, logvar, eps: torch.addcmul(mu, (0.5 * logvar).exp(), eps),
        "NumPy functions": lambda mu, logvar, eps: mu + np.exp(0.5 * logvar) * eps,
        "NumPy arrays": lambda mu, logvar, eps: np.asarray(mu) + np.sqrt(np.exp(np.asarray(logvar))) * np.asarray(eps),
        "loops": draw_in_loops,
        "float32": lambda mu, logvar, eps: mu.float() + (0.5 * logvar.float()).exp() * eps.float(),
        "NumPy float32": lambda mu, logvar, eps: (mu + np.exp(logvar / 2) * eps).astype(np.float32),
        "float32 weights": draw_with_float32_weights,
        "in place on copies": draw_in_place_on_copies,
        "in place on copies, NumPy": draw_in_place_numpy,
        "einsum": lambda mu, logvar, eps: mu + torch.einsum("ij,ij->ij", (logvar * 0.5).exp(), eps),
        "Cholesky": lambda mu, logvar, eps: (
            mu + (torch.linalg.cholesky(torch.diag_embed(logvar.exp())) @ eps[..., None]).squeeze(-1)
        ),
        "distribution": lambda mu, logvar, eps: Normal(mu, (logvar / 2).exp()).icdf(Normal(0.0, 1.0).cdf(eps)),
        "reference": exercises.reference("reparameterize"),
    },
    "kl_standard_normal": {
        "torch": lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1),
        "rearranged": lambda mu, logvar: -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=-1),
        "expm1": lambda mu, logvar: (mu.square() + torch.expm1(logvar) - logvar).sum(1) / 2,
        "latent by latent": lambda mu, logvar: sum(
            0.5 * (mu[:, j] ** 2 + logvar[:, j].exp() - 1 - logvar[:, j]) for j in range(mu.shape[1])
        ),
        "mean times count": lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(1) * mu.shape[1],
        "loops": kl_in_loops,
        "standard deviation": kl_by_std,
        "torch.distributions": kl_torch_distributions,
        "NumPy functions": lambda mu, logvar: 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar, axis=1),
        "NumPy only": kl_strict_numpy,
        "NumPy float32": lambda mu, logvar: kl_by_std(np.float32(mu), np.float32(logvar)),
        "float32": lambda mu, logvar: 0.5 * (mu.float() ** 2 + logvar.float().exp() - 1 - logvar.float()).sum(1),
        "in place on copies": kl_in_place_on_copies,
        "float32 matrices": kl_by_matrices,
        "trace and determinant": kl_by_trace_and_determinant,
        "module with a gradient": KLModule(),
        "partial": functools.partial(lambda half, mu, logvar: half * KLModule()(mu, logvar) * 2, 0.5),
        "tuple of floats": lambda mu, logvar: tuple(kl_in_loops(mu, logvar)),
    },
    "negative_elbo": {
        "loops": elbo_in_loops,
        "mse_loss": elbo_by_mse_loss,
        "torch.distributions": elbo_by_distributions,
        "norms in NumPy": elbo_by_norms,
        "minus the ELBO": elbo_minus_elbo,
        "einsum": lambda x, x_mean, mu, logvar: (
            torch.einsum("bp,bp->", x - x_mean, x - x_mean) / (2 * x.size(0)) + KLModule()(mu, logvar).mean()
        ),
        "float32": lambda *tensors: elbo_minus_elbo(*(t.float() for t in tensors)),
        "Python float": lambda *tensors: elbo_minus_elbo(*tensors).item(),
        "partial": functools.partial(elbo_minus_elbo),
        "reference": exercises.reference("negative_elbo"),
    },
}


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, range(3))


@pytest.mark.parametrize("name", exercises.names())
def test_reference_passes_on_many_draws(name, no_rehearsal):
    for seed in seeds(10, 50):
        assert exercises.check(name, exercises.reference(name), seed=seed).passed
    assert exercises.check(name, exercises.reference(name)).passed


def test_every_exercise_has_six_styles_or_more():
    answering.assert_many_styles(1, RIGHT, least=6)


def test_an_answer_in_numpy_alone_is_judged_on_numpy():
    assert exercises.check("kl_standard_normal", kl_strict_numpy).given_as == "NumPy arrays"
    assert exercises.check("reparameterize", draw_with_float32_weights).given_as == "float32 torch tensors"


def test_the_message_of_a_right_answer_never_varies():
    for name in exercises.names():
        shown = {exercises.check(name, exercises.reference(name))._repr_html_() for _ in range(2)}
        assert len(shown) == 1
