"""Chains and what they are judged by: traces, autocorrelations, the masses of a grid (level 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vae_course.plots.checks import as_floats, as_numbers, check_length
from vae_course.plots.style import NEUTRAL, RIGHT, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_trace(z: ArrayLike, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws one latent of each chain against the step.

    z: (n_steps,) or (n_steps, chains). Raises ValueError on another shape: pick a latent first, z[:, :, 0].
    """
    values = _columns("z", z)
    ax = ax or _current_axes()
    ax.plot(range(1, len(values) + 1), values, **with_defaults(line_kw, color=RIGHT, linewidth=0.8, alpha=0.8))
    ax.set(xlabel="step", xlim=(0, len(values)))
    return ax


def plot_autocorrelation(rho: ArrayLike, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws autocorrelations against the lag, from 0, with a line at 0.

    rho: (lags,) or (lags, chains), from `sampling.autocorrelation`, cut off where the figure should end.
    """
    values = _columns("rho", rho)
    ax = ax or _current_axes()
    ax.axhline(0, color=NEUTRAL, linewidth=0.8)
    ax.plot(range(len(values)), values, **with_defaults(line_kw, color=RIGHT))
    ax.set(xlabel="lag, steps", ylabel="autocorrelation", xlim=(0, len(values) - 1))
    return ax


def plot_cells(z: ArrayLike, mass: ArrayLike, width: float, *, ax: Axes | None = None, **imshow_kw: Any) -> Axes:
    """Shades square cells of the latent plane, dark where the mass is, and leaves the others white.

    z: (n, 2), the cells' centres on a square lattice; mass: (n,) >= 0; width: of a cell's side. As
    `sampling.grid_posterior` gives them. The shade is the root of the mass, as in plot_density. The axes end where the
    cells with all but a ten-thousandth of the greatest mass do.
    """
    centres, masses = as_floats("z", z), as_floats("mass", mass)
    if centres.ndim != 2 or centres.shape[1:] != (2,) or masses.shape != (len(centres),) or masses.min(initial=0) < 0:
        raise ValueError(
            f"z must be (n, 2) and mass (n,), nowhere negative, got {centres.shape} and {masses.shape}; "
            "pass grid.z, grid.mass, grid.width of a grid posterior"
        )
    if not masses.any():
        raise ValueError("mass must be above 0 for one of the cells of z at least")
    check_length("width", width)
    kept = masses > 1e-4 * masses.max()
    centres, masses = centres[kept], masses[kept]
    low = centres.min(axis=0)
    place = np.rint((centres - low) / width).astype(int)
    shade = np.zeros(place.max(axis=0)[::-1] + 1)
    shade[place[:, 1], place[:, 0]] = np.sqrt(masses)
    (left, bottom), (right, top) = low - width / 2, centres.max(axis=0) + width / 2
    look = with_defaults(imshow_kw, origin="lower", extent=(left, right, bottom, top), cmap="Greys", vmin=0)
    ax = ax or _current_axes()
    ax.imshow(shade, **look)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    ax.grid(visible=False)
    return ax


def _columns(name: str, values: ArrayLike) -> Any:
    columns = as_numbers(name, values)  # NaN is the autocorrelation of a chain that never moves
    if columns.ndim not in (1, 2) or columns.size == 0:
        raise ValueError(
            f"{name} must have shape (n,) or (n, chains), got {columns.shape}; pick one latent first, {name}[:, :, 0]"
        )
    return columns


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
