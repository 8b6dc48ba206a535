"""The no-U-turn sampler of BlackJAX on one thread: the peer that follows gradients, compiled."""

from __future__ import annotations

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

from collections.abc import Callable
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor, nn

from vae_course.models import VAE


def log_posterior(model: VAE, x: Tensor) -> Callable[[Any], Any]:
    """log p(x | z) p(z) of one image under a Bernoulli decoder, up to a constant, of one point z (d,)."""
    layers = [layer for layer in (*model.decoder_body, model.output) if isinstance(layer, nn.Linear)]
    weights = [(jnp.array(layer.weight.numpy()), jnp.array(layer.bias.numpy())) for layer in layers]
    image = jnp.array(x.numpy())

    def of_point(z: Any) -> Any:
        hidden = z
        for weight, bias in weights[:-1]:
            hidden = jax.nn.relu(weight @ hidden + bias)
        weight, bias = weights[-1]
        logits = weight @ hidden + bias
        return (image * logits - jax.nn.softplus(logits)).sum() - 0.5 * (z * z).sum()

    return of_point


class NutsChains:
    """NUTS after its own warm-up (500 steps, step and diagonal mass matrix), with chains side by side."""

    piece = 25  # steps that are compiled into one call

    def __init__(self, model: VAE, x: Tensor, start: Tensor, *, chains: int, seed: int = 0) -> None:
        density = log_posterior(model, x)
        self.keys = iter(jax.random.split(jax.random.key(seed), 10_000))
        warm_up = blackjax.window_adaptation(blackjax.nuts, density)
        (state, parameters), _ = warm_up.run(next(self.keys), jnp.array(start.numpy()), 500)
        self.step = float(parameters["step_size"])
        kernel = blackjax.nuts(density, **parameters)

        def scan(key: Any, states: Any) -> Any:
            def one(states: Any, key: Any) -> Any:
                states, info = jax.vmap(kernel.step)(jax.random.split(key, chains), states)
                return states, (states.position, info.num_integration_steps, info.acceptance_rate)

            return jax.lax.scan(one, states, jax.random.split(key, self.piece))

        self.scan = jax.jit(scan)
        self.states = jax.vmap(kernel.init)(jnp.broadcast_to(state.position, (chains, len(start))))
        self.reset()
        self.run(1)  # compiles

    def reset(self) -> None:
        self.evaluations: int = 0
        self.accepted: list[float] = []

    def run(self, n_steps: int) -> Tensor:
        """The next states, at least n_steps, (n, chains, d) float32."""
        draws = []
        for _ in range(-(-n_steps // self.piece)):
            self.states, (z, leapfrogs, acceptance) = jax.block_until_ready(self.scan(next(self.keys), self.states))
            self.evaluations += int(leapfrogs.sum())
            self.accepted.append(float(acceptance.mean()))
            draws.append(torch.from_numpy(np.array(z)))
        return torch.cat(draws)
