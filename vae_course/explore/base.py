"""What all explorers share: one object that is live in Jupyter and a figure of its own in the page (level 5)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from vae_course.explore.bundle import STATIC, bundle
from vae_course.plots.pictures import make_png
from vae_course.plots.style import book_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Explorer(anywidget.AnyWidget):
    """An interactive figure: a live widget where there is a kernel, the same ES module inline where there is none.

    A subclass names its module in `static/` (`class LatentMap(Explorer, module="latent_map.mjs")`), puts all that the
    reader can change into traits listed in `state_names`, and gives `picture`, `picture_alt` and `summary`.
    `payload` (JSON-ready, made once) holds weights and data.
    """

    state_names: ClassVar[tuple[str, ...]] = ()

    payload = traitlets.Dict().tag(sync=True)

    def __init_subclass__(cls, *, module: str | None = None, **kwargs: Any) -> None:
        if module is not None:
            cls._esm = bundle(module)
            sheets = [STATIC / "explore.css", (STATIC / module).with_suffix(".css")]  # the shared look, then its own
            cls._css = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())
        super().__init_subclass__(**kwargs)

    def __init__(self, *, name: str, payload: dict[str, Any], **state: Any) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(f"name must be lower-case letters, digits and hyphens, got {name!r}")
        self.name = name
        super().__init__(payload=payload, **state)

    @abstractmethod
    def picture(self) -> Figure:
        """The static picture that stands in where no script runs, and in print."""

    @abstractmethod
    def picture_alt(self) -> str:
        """What is seen in the static picture, in words."""

    @abstractmethod
    def summary(self) -> str:
        """What the figure shows at its present state, in one or two sentences."""

    @property
    def element_id(self) -> str:
        """The id of the figure in the page: the name and a digest of the payload, so the same on every machine."""
        digest = hashlib.sha256(json.dumps(self.payload, sort_keys=True).encode()).hexdigest()
        return f"explore-{self.name}-{digest[:8]}"

    def to_html(self) -> str:
        """The figure as HTML that needs nothing else: no kernel, no network, no other file.

        Picture and text first; the script puts the live figure in their place.
        """
        state = {key: getattr(self, key) for key in self.state_names}
        data = json.dumps({**state, "payload": self.payload}, sort_keys=True, separators=(",", ":"))
        data = data.replace("<", r"\u003c")  # no string of the data can end the script element
        with book_style():  # the same picture whatever the session's settings are
            picture = base64.b64encode(make_png(self.picture())).decode("ascii")
        esc = html.escape
        return (
            f'<div class="explore" id="{self.element_id}" data-explore="{esc(self.name)}">\n'
            f"<style>{self._css}</style>\n"
            '<div class="explore-static">'
            f'<img src="data:image/png;base64,{picture}" alt="{esc(self.picture_alt())}">'
            f"<p>{esc(self.summary())}</p></div>\n"
            f'<script type="application/json">{data}</script>\n'
            f'<script type="module">\n{self._esm}\nmountPage(render, "{self.element_id}");\n</script>\n'
            "</div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": self.to_html(), "text/plain": self.summary()}, metadata
