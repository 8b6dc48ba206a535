"""Training a classifier (level 2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from tqdm import tqdm

from vae_course.checks import make_generator
from vae_course.configs import TrainConfig
from vae_course.data import to_unit
from vae_course.models import Classifier
from vae_course.schedules import learning_rate
from vae_course.types import Digits


def fit_classifier(
    model: Classifier, digits: Digits, *, config: TrainConfig | None = None, progress: bool = True
) -> Tensor:
    """Trains `model` in place by cross-entropy and returns the loss of every step, (steps,) in nats per image.

    Of `config` it uses epochs, batch_size, lr, schedule, beta2 and seed. Raises ValueError on labels that
    the model has no class for, FloatingPointError when the loss stops being finite.
    """
    config = config or TrainConfig()
    images, labels = digits
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"digits must hold as many labels as images, got {len(labels)} and {len(images)}")
    if int(labels.min()) < 0 or int(labels.max()) >= model.config.n_classes:
        raise ValueError(f"labels must lie between 0 and {model.config.n_classes - 1}")
    n_steps = config.epochs * math.ceil(len(images) / config.batch_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, betas=(0.9, config.beta2), fused=True)
    generator = make_generator(config.seed)
    losses = torch.zeros(n_steps)
    step = 0
    with torch.enable_grad():
        bar = tqdm(range(config.epochs), unit="epoch", disable=not progress)
        for _ in bar:
            for chosen in torch.randperm(len(images), generator=generator).split(config.batch_size):
                logits = model(to_unit(images.index_select(0, chosen)))
                loss = torch.nn.functional.cross_entropy(logits, labels[chosen])
                optimizer.param_groups[0]["lr"] = learning_rate(config, step, n_steps)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                losses[step] = loss.detach()
                step += 1
            if not losses[step - 1].isfinite():
                raise FloatingPointError(f"the loss is no longer finite; take a lower learning rate than {config.lr}")
            bar.set_postfix_str(f"{losses[step - 1]:.3f} nats")
    return losses
