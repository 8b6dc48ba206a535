"""Numbers and pictures as short text that is the same on every machine and that the page unpacks at once (level 5)."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from vae_course.checks import check_choice
from vae_course.models import VAE
from vae_course.types import Posterior

LEVELS = 15  # the lightest ink is 1, full ink 15; 0 starts a run of paper
LONGEST_RUN = 16
LARGEST_NARROW = 2047  # of 12 bits with a sign

ACTIVATIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "none": lambda a: a,
    "relu": lambda a: np.maximum(a, 0),
    "sigmoid": lambda a: 0.5 * (1 + np.tanh(a / 2)),  # no overflow
}


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


class NarrowMatrix(TypedDict):
    """As PackedMatrix, but three bytes hold two 12-bit numbers (bits is 12); an odd last number has a 0 beside it."""

    shape: list[int]
    bits: int
    values: str
    scale: str


def pack_narrow(matrix: ArrayLike) -> NarrowMatrix:
    """A matrix, (rows, columns), in one and a half bytes a number: each row in steps of its largest magnitude / 2047.

    For many networks in one page. Raises ValueError on NaN, infinity or a wrong shape.
    """
    wide = pack_matrix(matrix)
    values = np.asarray(matrix, dtype=np.float64)
    scale = (np.abs(values).max(axis=1) / LARGEST_NARROW).astype("<f4")
    steps = np.divide(values, scale[:, None], out=np.zeros_like(values), where=scale[:, None] > 0)
    whole = np.clip(np.rint(steps), -LARGEST_NARROW, LARGEST_NARROW).astype(np.int16).reshape(-1)
    first, second = (np.pad(whole, (0, whole.size % 2)).reshape(-1, 2) & 0xFFF).astype(np.uint16).T
    thirds = np.stack([first & 0xFF, first >> 8 | (second & 0xF) << 4, second >> 4], axis=1).astype(np.uint8)
    return {"shape": wide["shape"], "bits": 12, "values": _text(thirds), "scale": _text(scale)}


def widen(packed: NarrowMatrix) -> PackedMatrix:
    """The same numbers as `pack_matrix` has them, which is what the page computes with."""
    low, middle, high = np.frombuffer(base64.b64decode(packed["values"]), dtype=np.uint8).reshape(-1, 3).T.astype(int)
    whole = np.stack([low | (middle & 0xF) << 8, middle >> 4 | high << 4], axis=1).reshape(-1)
    whole = ((whole + 2048) % 4096 - 2048)[: math.prod(packed["shape"])].astype("<i2")
    return {"shape": packed["shape"], "values": _text(whole), "scale": packed["scale"]}


def pack_layers(*modules: nn.Module, last: str = "sigmoid") -> list[dict[str, Any]]:
    """The linear layers of a network with the activation after each: "none", "relu" or "sigmoid".

    last: what follows the last layer, by default a decoder's sigmoid. An encoder's body ends in the ReLU that it has:
    "relu". Raises TypeError on a module that is neither Linear nor ReLU, ValueError on an unknown `last`.
    """
    check_choice("last", last, tuple(ACTIVATIONS))
    layers: list[dict[str, Any]] = []
    for module in (leaf for top in modules for leaf in top.modules() if not isinstance(leaf, nn.Sequential)):
        if isinstance(module, nn.Linear):
            weight, bias = (values.detach().cpu().numpy() for values in (module.weight, module.bias))
            layers.append({"weight": pack_matrix(weight), "bias": _text(bias.astype("<f4")), "activation": "none"})
        elif isinstance(module, nn.ReLU) and layers:
            layers[-1]["activation"] = "relu"
        else:
            raise TypeError(f"the page can compute Linear and ReLU layers only, got {type(module).__name__}")
    layers[-1]["activation"] = last
    return layers


def pack_encoder(model: VAE) -> dict[str, list[dict[str, Any]]]:
    """The encoder of a VAE, for the page's `makeEncoder` and for `encode_packed`."""
    heads = model.config.heads
    return {
        "body": pack_layers(model.encoder_body, last="relu"),
        "mu": pack_layers(model.mu_head, last="relu" if heads in ("relu_mu", "relu_both") else "none"),
        "logvar": pack_layers(model.logvar_head, last="relu" if heads in ("relu_logvar", "relu_both") else "none"),
    }


def apply_layers(layers: list[dict[str, Any]], values: ArrayLike) -> NDArray[np.float64]:
    """What the page computes from packed layers: values (n_in,) -> (n_out,) or (n_in, n) -> (n_out, n), in float64."""
    result = np.asarray(values, dtype=np.float64)
    for layer in layers:
        bias = np.frombuffer(base64.b64decode(layer["bias"]), dtype="<f4")
        sums = unpack_matrix(layer["weight"]) @ result
        result = ACTIVATIONS[layer["activation"]](sums + bias.reshape(-1, *[1] * (sums.ndim - 1)))
    return result


def encode_packed(encoder: dict[str, list[dict[str, Any]]], x: ArrayLike) -> Posterior:
    """The posterior of one image, (784,) in [0, 1], by the page's weights. mu, logvar: (1, latent_dim), float64."""
    hidden = apply_layers(encoder["body"], x)
    return Posterior(*(torch.from_numpy(apply_layers(encoder[head], hidden))[None] for head in ("mu", "logvar")))


def pack_bytes(values: ArrayLike) -> str:
    """Whole numbers from 0 to 255 as base64."""
    return _text(np.asarray(values, dtype=np.uint8))


def unpack_bytes(text: str) -> NDArray[np.uint8]:
    """The numbers that `pack_bytes` packed, one dimension. Raises ValueError on what is no base64."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)


def pack_sparse(values: ArrayLike) -> str:
    """Whole numbers from 0 to 255, mostly 0, exactly, as base64: 1 to 255 are themselves, 0 and r are r + 1 zeros."""
    numbers = np.asarray(values, dtype=np.uint8).reshape(-1)
    packed: list[int] = []
    for part in np.split(numbers, np.flatnonzero(np.diff((numbers == 0).astype(np.int8))) + 1):
        if part.any():
            packed.extend(part.tolist())
        else:
            whole, rest = divmod(len(part), 256)
            packed.extend([0, 255] * whole + ([0, rest - 1] if rest else []))
    return pack_bytes(packed)


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
