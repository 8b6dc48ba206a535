"""Linked maps: the same 20-D points by PCA, t-SNE and UMAP, with the chosen one's neighbours in each (level 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import NDArray

from vae_course import embeddings
from vae_course.checks import check_choice
from vae_course.explore.base import Explorer
from vae_course.explore.latent_map import scatter
from vae_course.explore.packing import pack_bytes, pack_greys, pack_matrix, unpack_matrix
from vae_course.plots.style import DIGIT_COLOURS
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NEAREST = 10
SHRINK = 2  # each 2 x 2 pixels of a digit become one of its picture
SIDE = 28 // SHRINK
MOST_PANELS = 4

MAP_SETS: dict[str, tuple[str, ...]] = {
    "Methods": ("pca", "tsne-30-pca", "umap-15-s0", "umap-50-s0"),
    "Perplexity": ("tsne-5-s0", "tsne-30-s0", "tsne-100-s0", "tsne-30-pca"),
    "Seeds": ("tsne-30-s0", "tsne-30-s1", "tsne-30-s2", "tsne-30-pca"),
    "UMAP": ("umap-15-s0", "umap-15-s1", "umap-15-random-s0", "umap-15-random-s1"),
    "Noise": ("prior-pca", "prior-tsne-5-s0", "prior-tsne-30-s0", "prior-tsne-100-s0"),
}


class _Group(NamedTuple):
    """The shown points of one source: rows and labels (n,), neighbours in 20-D (n, 10), packed pictures."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    near: NDArray[np.int64]
    pictures: str

    def to_json(self) -> dict[str, str]:
        near = self.near.astype("<u2").reshape(-1).view(np.uint8)
        return {"labels": pack_bytes(self.labels), "images": self.pictures, "near": pack_bytes(near)}


class LinkedMaps(Explorer, module="linked_maps.mjs"):
    """Up to four maps of the same points side by side: a point chosen in one is shown, with its neighbours, in all.

    maps: names of stored maps (`vae_course.embeddings`) by the title of the set that shows them together, such as
    MAP_SETS; all maps of a set have one source. digits: what load_digits() gives. Of a source's 1,000 points some
    `n_points`, evenly spaced, are shown, and neighbours are those among the shown. `shown` (a set's title) and `point`
    (0 to n_points - 1) are traits. Chapter 2.
    """

    state_names = ("shown", "point")

    shown = traitlets.Unicode().tag(sync=True)
    point = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        maps: Mapping[str, Sequence[str]],
        digits: Digits,
        *,
        shown: str | None = None,
        point: int = 0,
        n_points: int = 500,
        name: str = "linked-maps",
    ) -> None:
        _check(maps, n_points)
        self._sets = {title: tuple(names) for title, names in maps.items()}
        used = list(dict.fromkeys(name for names in self._sets.values() for name in names))
        chosen = np.linspace(0, embeddings.N_POINTS - 1, n_points).astype(np.int64)
        self._order = chosen[scatter(n_points)]
        sources = dict.fromkeys(embeddings.RECIPES[map_name].source for map_name in used)
        self._groups = {source: _make_group(source, self._order, digits) for source in sources}
        self._maps = {map_name: self._map(map_name) for map_name in used}
        payload = {
            "kind": "linked-maps",
            "side": SIDE,
            "colours": DIGIT_COLOURS,
            "groups": {source: group.to_json() for source, group in self._groups.items()},
            "maps": self._maps,
            "sets": [{"title": title, "maps": list(names)} for title, names in self._sets.items()],
        }
        super().__init__(
            name=name, payload=payload, shown=next(iter(self._sets)) if shown is None else shown, point=point
        )

    @traitlets.validate("shown")
    def _check_shown(self, proposal: Any) -> str:
        try:
            check_choice("shown", proposal.value, tuple(self._sets))
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from error
        return str(proposal.value)

    @traitlets.validate("point")
    def _check_point(self, proposal: Any) -> int:
        if not 0 <= proposal.value < len(self._order):
            raise traitlets.TraitError(f"point must lie between 0 and {len(self._order) - 1}, got {proposal.value}")
        return int(proposal.value)

    @property
    def source(self) -> str:
        """What the maps of the set show: "digits" or "prior"."""
        return embeddings.RECIPES[self._sets[self.shown][0]].source

    @property
    def label(self) -> int:
        """The point's digit; for a draw from the prior, what the classifier reads."""
        return int(self._groups[self.source].labels[self.point])

    @property
    def row(self) -> int:
        """The point's row in load_digits() or among the draws from the prior."""
        return int(self._groups[self.source].rows[self.point])

    @property
    def kept(self) -> dict[str, int]:
        """For each map of the set how many of the point's ten nearest neighbours in 20-D are among its ten nearest."""
        return {name: int(self._kept(name)[self.point]) for name in self._sets[self.shown]}

    def summary(self) -> str:
        """What the figure shows, in words; the page says the same."""
        n = f"{len(self._order):,}"
        label = f"{'an' if self.label == 8 else 'a'} {self.label}"
        of, which = {
            "digits": (f"{n} digits", label),
            "prior": (f"{n} draws from the prior", f"a draw that reads as {label}"),
        }[self.source]
        kept = "; ".join(f"{embeddings.RECIPES[name].title}: {count}" for name, count in self.kept.items())
        return (
            f"Linked maps of {of}, set \N{LEFT DOUBLE QUOTATION MARK}{self.shown}\N{RIGHT DOUBLE QUOTATION MARK}. "
            f"Chosen: {which}. How many of its {N_NEAREST} nearest neighbours in 20 dimensions each map keeps "
            f"\N{EN DASH} {kept}."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        titles = ", ".join(embeddings.RECIPES[name].title for name in self._sets[self.shown])
        return (
            f"Scatter plots of the same points side by side, coloured by digit: {titles}. In each, one point has a "
            f"ring, and thin lines lead from it to its {N_NEAREST} nearest neighbours in 20 dimensions."
        )

    def picture(self) -> Figure:
        """The maps of the set, with lines from the point to its neighbours in 20-D."""
        from matplotlib.figure import Figure

        names = self._sets[self.shown]
        figure = Figure(figsize=(7.2, 3.7 * ((len(names) + 1) // 2)), dpi=80, layout="constrained")
        group = self._groups[self.source]
        colours, near = np.array(DIGIT_COLOURS)[group.labels], group.near[self.point]
        for i, name in enumerate(names):
            ax = figure.add_subplot((len(names) + 1) // 2, 2, i + 1)
            points = self._points(name)
            ax.scatter(points[:, 0], points[:, 1], s=5, c=colours, linewidths=0, alpha=0.8)
            for other in near:
                ax.plot(*points[[self.point, other]].T, color="0.2", linewidth=0.7)
            ax.scatter(points[near, 0], points[near, 1], s=26, c=colours[near], edgecolors="black", zorder=5)
            ax.plot(*points[self.point], "o", ms=11, mfc="none", mec="black", mew=2, zorder=6)
            title = f"{embeddings.RECIPES[name].title}: {self.kept[name]} of {N_NEAREST} kept"
            ax.set(xticks=[], yticks=[], xlim=(-1, 1), ylim=(-1, 1), aspect="equal", title=title)
        return figure

    def _map(self, name: str) -> dict[str, Any]:
        """One map for the page: its shown points in a square of side 2 around 0, y upwards."""
        points = embeddings.load(name).points[self._order].astype(np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        points = (points - (low + high) / 2) / (0.5 * (high - low).max() * 1.06)
        recipe = embeddings.RECIPES[name]
        return {"title": recipe.title, "source": recipe.source, "points": pack_matrix(points.T)}

    def _points(self, name: str) -> NDArray[np.float64]:
        # In float32, as the page has them: then both find the same neighbours.
        return unpack_matrix(self._maps[name]["points"]).T.astype(np.float32).astype(np.float64)

    def _kept(self, name: str) -> NDArray[np.int64]:
        """How many neighbours of each shown point the map keeps, (n,)."""
        near = self._groups[embeddings.RECIPES[name].source].near
        found = _nearest(self._points(name), N_NEAREST)
        return np.asarray((near[:, :, None] == found[:, None, :]).any(axis=2).sum(axis=1), dtype=np.int64)


def _make_group(source: str, order: NDArray[np.int64], digits: Digits) -> _Group:
    data = embeddings.load_source(source)
    rows, labels, images = data.rows[order], data.labels[order], data.images[order]
    if source == "digits":
        if len(digits.labels) != 5 * embeddings.N_POINTS or (digits.labels[rows].numpy() != labels).any():
            raise ValueError("digits must be what load_digits() gives: the stored maps show rows of those")
        images = digits.images[rows].numpy()
    cells = images.reshape(-1, SIDE, SHRINK, SIDE, SHRINK).astype(np.uint16)
    small = (cells.sum(axis=(2, 4)) // SHRINK**2).astype(np.uint8)
    return _Group(rows, labels, _nearest(data.z[order], N_NEAREST), pack_greys(small))


def _nearest(points: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The k nearest others of each point, (n, k), the nearest first."""
    from scipy.spatial.distance import cdist

    distance = cdist(points, points)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1, kind="stable")[:, :k]


def _check(maps: Mapping[str, Sequence[str]], n_points: int) -> None:
    """Raises TypeError or ValueError unless the maps can be shown."""
    if not isinstance(maps, Mapping):
        raise TypeError(f"maps must be names by the title of their set, such as MAP_SETS, got {type(maps).__name__}")
    if not maps:
        raise ValueError("maps must hold at least one set")
    for title, names in maps.items():
        if isinstance(names, str) or not 1 <= len(names) <= MOST_PANELS:
            raise ValueError(f"the set {title!r} must list 1 to {MOST_PANELS} names of maps, got {names!r}")
        for name in names:
            check_choice("a map's name", name, embeddings.names())
        if len({embeddings.RECIPES[name].source for name in names}) > 1:
            raise ValueError(f"the set {title!r} mixes digits and draws from the prior; give them a set each")
    if not N_NEAREST < n_points <= embeddings.N_POINTS:
        raise ValueError(f"n_points must lie between {N_NEAREST + 1} and {embeddings.N_POINTS}, got {n_points}")
