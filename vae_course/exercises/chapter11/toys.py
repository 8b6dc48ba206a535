"""Small decoders with two inputs whose share of change is known: it is the same for every way to shuffle."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

_SAME = 1e-5  # largest difference between an input and the row of the book that it is taken for; float32 passes


class PixelDecoder:
    """Lights one pixel for the code, one for the context, and one for the two together.

    Any two codes differ by the same squared distance then, and so do any two contexts. The rows of `codes`, (n, d), and
    `contexts`, (n, c), are known by their numbers; another row lights nothing. of_z, of_context, of_both: brightness.
    """

    def __init__(
        self, codes: np.ndarray, contexts: np.ndarray, of_z: float, of_context: float, of_both: float = 0.0
    ) -> None:
        self.codes, self.contexts = codes, contexts
        self.of_z, self.of_context, self.of_both = of_z, of_context, of_both

    def __call__(self, z: Any, context: Any) -> Any:
        """x_mean, (..., 2 n + n^2). z: (..., d); context: (..., c); of torch, NumPy or lists."""
        lit_by_z, lit_by_context = self.read(z, context)
        pair = lit_by_z[..., :, None] * lit_by_context[..., None, :]
        parts = (
            self.of_z * lit_by_z,
            self.of_context * lit_by_context,
            self.of_both * pair.reshape(*pair.shape[:-2], -1),
        )
        x_mean = np.concatenate(parts, axis=-1)
        like = next((value for value in (z, context) if isinstance(value, Tensor)), None)
        return x_mean if like is None else torch.as_tensor(x_mean, dtype=like.dtype)

    def read(self, z: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        """Which code and which context each row is, one-hot: (..., n) and (..., n), broadcast against each other."""
        by_z, by_context = _find("z", z, self.codes), _find("context", context, self.contexts)
        try:
            shape = np.broadcast_shapes(by_z.shape, by_context.shape)
        except ValueError:
            raise ValueError(
                f"z and context must have as many rows, got {by_z.shape[:-1]} and {by_context.shape[:-1]}"
            ) from None
        return np.broadcast_to(by_z, shape), np.broadcast_to(by_context, shape)

    def __repr__(self) -> str:
        if self.of_z == self.of_both == 0:
            return "a decoder that ignores z"
        if self.of_context == self.of_both == 0:
            return "a decoder that ignores the context"
        text = f"a decoder that lights a pixel for z by {self.of_z:.3g}, one for the context by {self.of_context:.3g}"
        return f"{text}, one for the two together by {self.of_both:.3g}" if self.of_both else text


class RecordingDecoder(PixelDecoder):
    """Keeps what it was asked of whole batches, and pairs: which code came with which context.

    both_moved: whether codes and contexts went to different images in one call. codes_moved: whether the codes alone
    did. contexts_moved: how many contexts did in the last call in which they alone did.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pairs: set[tuple[int, int]] = set()
        self.both_moved = self.codes_moved = False
        self.contexts_moved = 0

    def read(self, z: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        """As PixelDecoder's."""
        rows = super().read(z, context)
        i, j = (np.where(row.any(axis=-1), row.argmax(axis=-1), -1).ravel() for row in rows)
        self.pairs |= set(zip(i.tolist(), j.tolist(), strict=True))
        own = np.arange(len(self.codes))
        if i.shape == own.shape:
            codes_stay, contexts_stay, together = (np.array_equal(a, b) for a, b in ((i, own), (j, own), (i, j)))
            self.both_moved |= not (codes_stay or contexts_stay or together)
            self.codes_moved |= contexts_stay and not codes_stay
            if codes_stay and not contexts_stay:
                self.contexts_moved = int((j != own).sum())
        return rows


def draw_rows(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """(n, d): rows that differ in every coordinate, and whose mean is none of them."""
    places = np.stack([rng.permutation(n) for _ in range(d)], axis=1) + rng.uniform(0.1, 0.9, size=(n, d))
    return np.asarray(4 * places / n - 2)


def _find(name: str, value: Any, book: np.ndarray) -> np.ndarray:
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    if array.ndim == 0 or array.shape[-1] != book.shape[1]:
        raise ValueError(f"{name} must have {book.shape[1]} columns, got shape {array.shape}")
    found: np.ndarray = (np.abs(array[..., None, :] - book).max(axis=-1) < _SAME).astype(float)
    return found
