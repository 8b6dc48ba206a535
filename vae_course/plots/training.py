"""The curves of a training, also while it runs."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from vae_course.plots.style import NEUTRAL, RIGHT, WRONG
from vae_course.types import History


def plot_loss(history: History, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws the negative ELBO of every batch, and of the held-out images after every epoch."""
    ax = ax or plt.gca()
    ax.plot(history.negative_elbo.numpy(), **({"color": NEUTRAL, "linewidth": 0.8, "label": "training batches"} | line_kw))
    steps = [evaluation.step for evaluation in history.validation]
    totals = [evaluation.nll + evaluation.kl for evaluation in history.validation]
    ax.plot(steps, totals, "o-", color=WRONG, markersize=3, label="held-out digits")
    ax.set(xlabel="update", ylabel="nats per image", title="Negative ELBO")
    ax.legend()
    return ax


def plot_kl(history: History, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws the KL term of every batch."""
    ax = ax or plt.gca()
    ax.plot(history.kl.numpy(), **({"color": RIGHT, "linewidth": 0.8} | line_kw))
    ax.set(xlabel="update", ylabel="nats per image", title="KL to the prior")
    return ax


class LiveCurves:
    """Curves that redraw themselves below a notebook cell: pass an instance as `on_epoch` to `fit`.

    every: redraw after this many epochs. The last picture stays in the notebook.
    """

    def __init__(self, *, every: int = 2) -> None:
        self.every = every
        self._handle: Any = None

    def __call__(self, history: History) -> None:
        """Redraws the curves if it is their turn."""
        from IPython.display import display

        epoch = len(history.nll) // history.steps_per_epoch
        if epoch == 0 or epoch % self.every:
            return
        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
        plot_loss(history, ax=left)
        left.set_ylim(top=float(history.negative_elbo[min(10, len(history.nll) - 1)]))
        plot_kl(history, ax=right)
        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)
        plt.close(figure)
