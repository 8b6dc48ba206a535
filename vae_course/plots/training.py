"""The curves of a training, also while it runs."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from vae_course.checks import check_count
from vae_course.plots.style import NEUTRAL, RIGHT, WRONG, with_defaults
from vae_course.types import History


def plot_loss(history: History, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws the loss, nll + kl, of every batch, and of the held-out images after every epoch."""
    ax = ax or plt.gca()
    ax.plot(
        history.negative_elbo.numpy(), **with_defaults(line_kw, color=NEUTRAL, linewidth=0.8, label="training batches")
    )
    steps = [evaluation.step for evaluation in history.validation]
    totals = [evaluation.nll + evaluation.kl for evaluation in history.validation]
    ax.plot(steps, totals, "o-", color=WRONG, markersize=3, label="held-out digits")
    title = "Negative ELBO" if history.kl.any() else "Reconstruction loss"
    ax.set(xlabel="update", ylabel="nats per image", title=title)
    ax.legend()
    return ax


def plot_kl(history: History, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws the KL term of every batch."""
    ax = ax or plt.gca()
    ax.plot(history.kl.numpy(), **with_defaults(line_kw, color=RIGHT, linewidth=0.8))
    ax.set(xlabel="update", ylabel="nats per image", title="KL to the prior")
    return ax


class LiveCurves:
    """Curves that redraw themselves below a notebook cell: pass an instance as `on_epoch` to `fit`.

    One panel with the loss, and one with the KL if the model has such a term.
    every: redraw after this many epochs. The last picture stays in the notebook.
    """

    def __init__(self, *, every: int = 4) -> None:
        check_count("every", every)
        self.every = every
        self._handle: Any = None

    def __call__(self, history: History) -> None:
        """Redraws the curves if it is their turn."""
        from IPython.display import display

        epoch = len(history.nll) // history.steps_per_epoch
        if epoch == 0 or epoch % self.every:
            return
        figure, axes = plt.subplots(1, 2 if history.kl.any() else 1)
        left, *right = np.ravel(axes)
        plot_loss(history, ax=left)
        left.set_ylim(top=float(history.negative_elbo[min(10, len(history.nll) - 1)]))  # not the first few
        for ax in right:
            plot_kl(history, ax=ax)
        if self._handle is None:
            self._handle = display(figure, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(figure)
        plt.close(figure)
