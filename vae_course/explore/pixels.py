"""Images as an explorer keeps them: a trait that page and Python share, and pictures at half their size (level 5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from vae_course.explore.latent_map import SIDE
from vae_course.explore.packing import pack_bytes, unpack_bytes

N_PIXELS = SIDE * SIDE


class Image(traitlets.TraitType):  # type: ignore[type-arg]
    """A 28 x 28 image: 784 bytes, 0 for paper and 255 for ink, kept as base64 so that the page reads it."""

    info_text = "an image of 784 pixels"

    def validate(self, obj: Any, value: Any) -> str:
        """The image as base64. Takes base64, whole numbers 0 to 255, or floats 0 to 1; shape (784,) or (28, 28)."""
        try:
            pixels = unpack_bytes(value) if isinstance(value, str) else np.asarray(value)
            right_size = pixels.shape in ((N_PIXELS,), (SIDE, SIDE))
            top = 1 if pixels.dtype.kind == "f" else 255
            if right_size and pixels.dtype.kind in "uif" and pixels.min() >= 0 and pixels.max() <= top:
                return pack_bytes(np.rint(pixels.reshape(-1) * (255 / top)))
        except (TypeError, ValueError):
            pass
        raise traitlets.TraitError(
            f"{self.name} must hold 784 pixels, whole numbers from 0 to 255 or floats from 0 to 1, shape (784,) or "
            f"(28, 28); got {_describe(value)}; for a batch set one image at a time"
        )


def halve(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images, (n, 784), at half their width and height: the mean of each four pixels, (n, 196)."""
    fours = images.reshape(-1, SIDE // 2, 2, SIDE // 2, 2)
    halved: NDArray[np.uint8] = np.rint(fours.mean(axis=(2, 4))).astype(np.uint8)
    return halved.reshape(len(images), -1)


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__} of shape {tuple(shape)}" if shape is not None else repr(value)[:60]
