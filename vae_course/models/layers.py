"""Layers that all models are built of."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn


def linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    """nn.Linear with PyTorch's default start, drawn from `generator` instead of the global one."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = 1 / math.sqrt(n_in)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer  # type: ignore[no-any-return]


def relu_layers(sizes: list[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers of these sizes, a ReLU after each."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [linear(n_in, n_out, generator), nn.ReLU()]
    return nn.Sequential(*layers)


def check_batch(name: str, values: Tensor, width: int) -> None:
    """Raises ValueError unless `values` has shape (n, width), TypeError unless it is floating point."""
    if values.ndim != 2 or values.shape[1] != width:
        raise ValueError(
            f"{name} must have shape (n, {width}), got {tuple(values.shape)}; for one point pass {name}[None, :]"
        )
    if not values.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {values.dtype}; images go through to_unit(images)")
