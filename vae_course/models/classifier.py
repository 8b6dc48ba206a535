"""A classifier of digits with fully connected layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_course.checks import make_generator
from vae_course.configs import ClassifierConfig
from vae_course.models.layers import check_batch, linear, relu_layers


class Classifier(nn.Module):
    """input_dim -> hidden layers with ReLU -> (bottleneck, linear) -> a logit for each class.

    Images go in as floats in [0, 1], (batch, input_dim). `generator` draws the initial weights; None starts from
    seed 0.
    """

    def __init__(self, config: ClassifierConfig | None = None, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config or ClassifierConfig()
        generator = generator or make_generator(0)
        sizes = [self.config.input_dim, *self.config.hidden_dims]
        self.body = relu_layers(sizes, generator)
        width = sizes[-1]
        if self.config.bottleneck is not None:
            self.body.append(linear(width, self.config.bottleneck, generator))
            width = self.config.bottleneck
        self.output = linear(width, self.config.n_classes, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (batch, n_classes)."""
        return self.output(self.features(x))  # type: ignore[no-any-return]

    def features(self, x: Tensor) -> Tensor:
        """What the logits are read from: the last hidden layer, (batch, hidden_dims[-1]) >= 0, or the bottleneck.

        A bottleneck gives (batch, bottleneck) of either sign.
        """
        check_batch("x", x, self.config.input_dim, self.output.weight.dtype)
        return self.body(x)  # type: ignore[no-any-return]

    def probabilities(self, x: Tensor) -> Tensor:
        """p(class | x), (batch, n_classes); the rows sum to 1."""
        return self(x).softmax(dim=1)  # type: ignore[no-any-return]

    def entropy(self, x: Tensor) -> Tensor:
        """Entropy of p(class | x), (batch,) in nats: 0 for a sure reading, log(n_classes) for none."""
        log_p: Tensor = self(x).log_softmax(dim=1)
        return -(log_p.exp() * log_p).sum(dim=1)
