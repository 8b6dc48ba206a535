"""Numbers and pictures as short text that is the same on every machine and that the page unpacks at once (level 5)."""

from __future__ import annotations

import base64
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

LEVELS = 15  # the lightest ink is 1, full ink 15; 0 starts a run of paper
LONGEST_RUN = 16


class PackedMatrix(TypedDict):
    """shape: (rows, columns). values: 16-bit whole numbers; scale: one float32 a row that multiplies them."""

    shape: list[int]
    values: str
    scale: str


def pack_matrix(matrix: ArrayLike) -> PackedMatrix:
    """A matrix, (rows, columns), in two bytes a number: each row in steps of its largest magnitude / 32767.

    As short as float16 and some sixteen times finer for the large weights, which make the error.
    Raises ValueError on NaN, infinity or a wrong shape.
    """
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"matrix must have shape (rows, columns) and hold a number, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("matrix holds NaN or infinity; was the model trained to the end?")
    scale = (np.abs(values).max(axis=1) / 32767).astype(np.float32)
    steps = np.divide(values, scale[:, None], out=np.zeros_like(values), where=scale[:, None] > 0)
    whole = np.clip(np.rint(steps), -32767, 32767).astype("<i2")
    return {"shape": list(values.shape), "values": _text(whole), "scale": _text(scale.astype("<f4"))}


def unpack_matrix(packed: PackedMatrix) -> NDArray[np.float64]:
    """The matrix, (rows, columns), that the page computes with."""
    whole = np.frombuffer(base64.b64decode(packed["values"]), dtype="<i2").reshape(packed["shape"])
    scale = np.frombuffer(base64.b64decode(packed["scale"]), dtype="<f4")
    return whole.astype(np.float64) * scale[:, None].astype(np.float64)


def pack_layers(*modules: nn.Module) -> list[dict[str, Any]]:
    """The linear layers of a decoder with the activation after each; the last one ends in a sigmoid.

    Raises TypeError on a module that is neither Linear nor ReLU.
    """
    layers: list[dict[str, Any]] = []
    for module in (leaf for top in modules for leaf in top.modules() if not isinstance(leaf, nn.Sequential)):
        if isinstance(module, nn.Linear):
            weight, bias = (values.detach().cpu().numpy() for values in (module.weight, module.bias))
            layers.append({"weight": pack_matrix(weight), "bias": _text(bias.astype("<f4")), "activation": "none"})
        elif isinstance(module, nn.ReLU) and layers:
            layers[-1]["activation"] = "relu"
        else:
            raise TypeError(f"the page can compute Linear and ReLU layers only, got {type(module).__name__}")
    layers[-1]["activation"] = "sigmoid"
    return layers


def pack_bytes(values: ArrayLike) -> str:
    """Whole numbers from 0 to 255 as base64."""
    return _text(np.asarray(values, dtype=np.uint8))


def pack_greys(images: ArrayLike) -> str:
    """Pictures, (n, pixels) uint8 with 0 for paper, in 16 greys and about an eighth of their bytes, as base64.

    A stream of half-bytes over all pixels: 1 to 15 is the ink of one pixel; 0 and r are r + 1 pixels of paper. (A PNG
    is no shorter, differs between versions of zlib, and has to be waited for in the page.)
    """
    pixels = np.asarray(images, dtype=np.uint8).reshape(-1)
    ink = ((pixels.astype(np.uint16) * LEVELS + 127) // 255).astype(np.uint8)
    halves: list[int] = []
    edges = np.flatnonzero(np.diff((ink == 0).astype(np.int8))) + 1
    for part in np.split(ink, edges):
        if part[0]:
            halves.extend(part.tolist())
        else:
            whole, rest = divmod(len(part), LONGEST_RUN)
            halves.extend([0, LONGEST_RUN - 1] * whole + ([0, rest - 1] if rest else []))
    if len(halves) % 2:
        halves.append(0)
    pairs = np.array(halves, dtype=np.uint8).reshape(-1, 2)
    return _text(pairs[:, 0] << 4 | pairs[:, 1])


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
