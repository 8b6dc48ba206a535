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


def convolution(
    n_in: int,
    n_out: int,
    generator: torch.Generator,
    *,
    size: int,
    stride: int = 1,
    up: bool = False,
    bias: bool = True,
) -> nn.Conv2d | nn.ConvTranspose2d:
    """A convolution whose padding keeps the side at `stride` 1 (odd size) and halves it at 2 (size 4).

    up: the transposed one, which multiplies the side by `stride` instead. PyTorch's default start, drawn from
    `generator` instead of the global one.
    """
    kind: type[nn.Conv2d] | type[nn.ConvTranspose2d] = nn.ConvTranspose2d if up else nn.Conv2d
    padding = (size - stride + 1) // 2
    layer = nn.utils.skip_init(kind, n_in, n_out, size, stride=stride, padding=padding, bias=bias)
    bound = 1 / math.sqrt(layer.weight[0].numel())  # PyTorch takes the second dimension for the inputs, also here
    with torch.no_grad():
        for values in layer.parameters():
            values.uniform_(-bound, bound, generator=generator)
    # The layout in which CPUs compute 3 x 3 convolutions 1.5 times as fast. Shapes stay.
    return layer.to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


class ToPixels(nn.Module):
    """A decoder's last convolution, with a bias for each pixel, so that it can start at the mean image.

    (batch, channels, side, side) -> (batch, input_dim). The bias starts at 0.
    """

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d, input_dim: int) -> None:
        super().__init__()
        self.layer = layer
        self.bias = nn.Parameter(torch.zeros(input_dim))

    @property
    def weight(self) -> Tensor:
        """The convolution's weights."""
        return self.layer.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """One value for each pixel, (batch, input_dim)."""
        values: Tensor = self.layer(hidden).flatten(1)
        return values + self.bias


def side_of_images(input_dim: int, n_halvings: int) -> int:
    """The side of a square image of `input_dim` pixels. Raises ValueError unless it can be halved so many times."""
    side = math.isqrt(input_dim)
    if side * side != input_dim or side % 2**n_halvings:
        raise ValueError(
            f"input_dim must be the square of a multiple of {2**n_halvings}, as each of {n_halvings} layers halves the "
            f"image's side, got {input_dim}; take fewer hidden_dims or images of another size"
        )
    return side


def relu_layers(sizes: list[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers of these sizes, a ReLU after each."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [linear(n_in, n_out, generator), nn.ReLU()]
    return nn.Sequential(*layers)


def check_images(name: str, images: Tensor, width: int) -> None:
    """Raises TypeError unless `images` is uint8, ValueError unless it has shape (n, width) with n > 0."""
    if images.dtype != torch.uint8:
        raise TypeError(f"{name} must be uint8 (0 to 255), got {images.dtype}; floats in [0, 1] take up 4 x the memory")
    if images.ndim != 2 or images.shape[1] != width or len(images) == 0:
        raise ValueError(f"{name} must have shape (n, {width}) with n > 0, got {tuple(images.shape)}")


def check_batch(name: str, values: Tensor, width: int, dtype: torch.dtype | None = None) -> None:
    """Raises ValueError unless `values` has shape (n, width), TypeError unless it is floating point.

    dtype: of the weights that it is to meet; None lets any floating type through.
    """
    if values.ndim != 2 or values.shape[1] != width:
        raise ValueError(
            f"{name} must have shape (n, {width}), got {tuple(values.shape)}; for one point pass {name}[None, :]"
        )
    if not values.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {values.dtype}; images go through to_unit(images)")
    if dtype not in (None, values.dtype):
        raise TypeError(
            f"{name} must be {dtype}, as the model's weights are, got {values.dtype}; "
            f"pass {name}.to({dtype}), or make the model double with model.double()"
        )
