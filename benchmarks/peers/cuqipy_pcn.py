"""The peer of the samplers: pCN of CUQIpy, one chain in NumPy, as its documentation calls it.

Its newer sampler of the same name is slower. Both log-likelihoods that it may be given are those of one image under a
trained decoder: the course's own, and the same written by hand in NumPy, which is what a careful user would do.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vae_course.models import VAE
from vae_course.sampling import LogLikelihood

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the ArviZ that it brings along
    import cuqi

Array = NDArray[np.float64]


def from_torch(log_likelihood: LogLikelihood) -> Callable[[Array], float]:
    """The course's log-likelihood, called with one point."""

    def of_point(z: Array) -> float:
        with torch.no_grad():
            return float(log_likelihood(torch.from_numpy(z.astype(np.float32))[None])[0])

    return of_point


def in_numpy(model: VAE, x: Tensor) -> Callable[[Array], float]:
    """log p(x | z) of one image under a Bernoulli decoder, in NumPy and float32."""
    layers = [layer for layer in (*model.decoder_body, model.output) if isinstance(layer, nn.Linear)]
    weights = [(layer.weight.numpy().copy(), layer.bias.numpy().copy()) for layer in layers]
    image = x.numpy()

    def of_point(z: Array) -> float:
        hidden = z.astype(np.float32)
        for weight, bias in weights[:-1]:
            hidden = np.maximum(weight @ hidden + bias, 0)
        weight, bias = weights[-1]
        logits = weight @ hidden + bias
        return float(image @ logits - (np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))).sum())

    return of_point


class CuqipyChain:
    """One chain of CUQIpy's legacy pCN that goes on where it stopped. Draws from NumPy's global generator."""

    def __init__(self, log_likelihood: Callable[[Array], float], start: Tensor, *, step: float) -> None:
        d = len(start)
        likelihood = cuqi.likelihood.UserDefinedLikelihood(dim=d, logpdf_func=log_likelihood)
        prior = cuqi.distribution.Gaussian(np.zeros(d), 1)
        self.step = step
        self.reset()
        self.sampler = cuqi.legacy.sampler.pCN((likelihood, prior), scale=step, x0=start.double().numpy())

    def reset(self) -> None:
        self.evaluations: int = 0
        self.accepted: list[float] = []

    def run(self, n_steps: int) -> Tensor:
        """The next n_steps states, (n_steps, 1, d) float64."""
        with contextlib.redirect_stdout(io.StringIO()):  # its progress
            draws = self.sampler.sample(n_steps + 1).samples  # (d, n_steps + 1), the start first
        self.sampler.x0 = draws[:, -1]
        self.evaluations += n_steps
        self.accepted.append(float((draws[:, 1:] != draws[:, :-1]).any(axis=0).mean()))
        return torch.from_numpy(draws.T[1:].copy())[:, None]
