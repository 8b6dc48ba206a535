"""Every function of vae_course.latent with arguments that are right, and the roles of those that can be wrong."""

from __future__ import annotations

from typing import Any

import torch
from inputs import class_labels, covariances, distances, gaussians, images, normal, posterior, vae
from spoiling import (
    Subject,
    a_generator,
    array,
    both,
    but,
    choice,
    count,
    covariance,
    density,
    finite,
    floats,
    labels,
    narrower,
    not_negative,
    pixels,
    points,
    positive,
    row,
    shorter,
    square,
    table,
)
from torch import Tensor

from vae_course import latent

N, D, C = 12, 3, 4


def pair(seed: int) -> dict[str, Any]:
    mu, logvar = posterior(seed, N, D)
    return {"mu": mu, "logvar": logvar}


def classes(seed: int) -> dict[str, Any]:
    return {**pair(seed), "labels": class_labels(seed, N, C), "n_classes": C}


def two(seed: int) -> dict[str, Any]:
    one, other = gaussians(seed, 1, D), gaussians(seed + 9, 1, D)
    return {"mean1": one.mean[0], "cov1": one.cov[0], "mean2": other.mean[0], "cov2": other.cov[0]}


def codes(seed: int) -> dict[str, Any]:
    return {"a": normal(seed, N, D), "b": normal(seed + 1, N, D)}


def ends(seed: int) -> dict[str, Any]:
    return {"start": normal(seed, D), "end": normal(seed + 1, D), "n": 5}


def tree(seed: int) -> Any:
    return latent.hierarchy(distances(seed, C))


def a_decoder(z: Tensor, context: Tensor) -> Tensor:
    return torch.cat([z, context], dim=1)


# logvar may be -inf in some: codes of an autoencoder, points.
MU = both(points, shorter)
LOGVAR = but(MU, "-infinity")
STRICT = both(points, shorter, narrower)
CLASSES = {"mu": MU, "logvar": LOGVAR, "labels": labels, "n_classes": but(count, "half")}
GAUSSIANS = {"mean1": both(floats, finite, narrower), "mean2": both(floats, finite, narrower)}
GROUPS = but(labels, "a row short", "two-dimensional", "negative", "too large", "truth values")
ENDS = {"start": both(row, finite, floats), "end": both(row, finite, floats), "n": both(count, lambda n: {"one": 1})}

SUBJECTS: dict[str, Subject] = {
    "active_units": Subject(
        latent.active_units,
        lambda seed: {"mu": normal(seed, N, D), "threshold": 0.01},
        {"mu": points, "threshold": not_negative},
    ),
    "adjusted_rand": Subject(
        latent.adjusted_rand,
        lambda seed: {"labels": torch.tensor([0, 0, 1, 1, 2]), "reference": torch.tensor([0, 1, 1, 1, 2])},
        {
            "labels": both(GROUPS, lambda v: {"a class short": v[:-1]}),
            "reference": both(
                GROUPS,
                lambda v: {"two-dimensional": v[None], "all in one": 0 * v, "all apart": torch.arange(len(v))},
            ),
        },
        called={"reference": "labels|reference"},
    ),
    "aggregate_variance": Subject(latent.aggregate_variance, pair, {"mu": MU, "logvar": LOGVAR}),
    "align": Subject(latent.align, codes, {"a": STRICT, "b": both(STRICT, lambda b: {"constant": 0 * b})}),
    "bhattacharyya": Subject(latent.bhattacharyya, two, {**GAUSSIANS, "cov1": density, "cov2": density}),
    "branches": Subject(
        latent.branches, lambda seed: {"tree": tree(seed)}, {"tree": array(both(table, narrower, finite))}
    ),
    "class_gaussians": Subject(
        latent.class_gaussians, classes, {**CLASSES, "mu": both(MU, lambda mu: {"a column short": mu[:, :-1]})}
    ),
    "class_log_density": Subject(
        latent.class_log_density,
        lambda seed: {"z": normal(seed, 5, D), **classes(seed)},
        {**CLASSES, "z": both(points, narrower), "logvar": STRICT},
    ),
    "class_probabilities": Subject(
        latent.class_probabilities,
        lambda seed: {"z": normal(seed, 5, D), **classes(seed)},
        {**CLASSES, "z": both(points, narrower), "logvar": STRICT},
    ),
    "cut_tree": Subject(
        latent.cut_tree,
        lambda seed: {"tree": tree(seed), "n_groups": 2},
        {
            "tree": array(both(table, narrower, finite)),
            "n_groups": both(count, lambda n: {"more than classes": C + 1}),
        },
    ),
    "dataset_class_gaussians": Subject(
        latent.dataset_class_gaussians,
        lambda seed: {
            "model": vae(seed),
            "images": images(seed, N),
            "labels": class_labels(seed, N, C),
            "n_classes": C,
            "batch_size": 5,
        },
        {"images": but(pixels, "without rows"), "labels": labels, "n_classes": but(count, "half"), "batch_size": count},
        called={"images": "images|x|labels"},
    ),
    "decoder_jacobian": Subject(
        latent.decoder_jacobian,
        lambda seed: {"model": vae(seed), "z": normal(seed, N, 2)},
        {"z": both(points, narrower)},
    ),
    "decompose_kl": Subject(
        latent.decompose_kl,
        lambda seed: {**pair(seed), "n_samples": 7, "generator": a_generator()},
        {"mu": STRICT, "logvar": STRICT, "n_samples": both(count, lambda n: {"one": 1})},
    ),
    "encode_dataset": Subject(
        latent.encode_dataset,
        lambda seed: {"model": vae(seed), "images": images(seed, N), "batch_size": 5},
        {"images": pixels, "batch_size": count},
        called={"images": "images|x"},
    ),
    "factor_entropies": Subject(
        latent.factor_entropies,
        lambda seed: {"factors": torch.cartesian_prod(torch.arange(2), torch.arange(3))},
        {"factors": both(table, lambda v: {"floats": v.double(), "truth values": v > 0, "negative": v - 1})},
        called={"factors": "factors|labels"},
    ),
    "gaussian_kl": Subject(latent.gaussian_kl, two, {**GAUSSIANS, "cov1": density, "cov2": density}),
    "gaussian_log_density": Subject(
        latent.gaussian_log_density,
        lambda seed: {"z": normal(seed, 5, D), "mean": normal(seed, D), "cov": covariances(seed, D)},
        {"z": both(points, narrower), "mean": both(row, floats, finite, narrower), "cov": density},
        called={"mean": "mean|Gaussian"},
    ),
    "geodesic": Subject(
        latent.geodesic,
        lambda seed: {"decode": lambda z: z**2, **ends(seed), "n_iterations": 3, "lr": 0.02},
        {**ENDS, "n_iterations": count, "lr": both(positive, lambda lr: {"infinity": torch.inf})},
    ),
    "groupings_like": Subject(
        latent.groupings_like,
        lambda seed: {"labels": torch.tensor([0, 0, 1, 1, 2])},
        {"labels": both(GROUPS, lambda v: {"two-dimensional": v[None]})},
    ),
    "hierarchy": Subject(
        latent.hierarchy,
        lambda seed: {"distances": distances(seed, C), "method": "average"},
        {"distances": both(covariance, lambda v: {"negative": -v, "a diagonal": v + 1}), "method": choice},
    ),
    "information_gaps": Subject(
        latent.information_gaps,
        lambda seed: {
            "information": normal(seed, D, 2).abs(),
            "entropies": torch.tensor([1.0, 2.0], dtype=torch.float64),
        },
        {
            "information": both(but(points, "without columns"), lambda v: {"one latent": v[:1]}, narrower),
            "entropies": both(row, finite, floats, lambda v: {"a zero": v * torch.tensor([0.0, 1.0])}),
        },
        called={"entropies": "entropies|entropy"},
    ),
    "kl_order": Subject(latent.kl_order, pair, {"mu": STRICT, "logvar": STRICT}),
    "kl_to_prior": Subject(
        latent.kl_to_prior,
        lambda seed: {"mean": normal(seed, D), "cov": covariances(seed, D)},
        {"mean": both(floats, finite, narrower), "cov": density},
    ),
    "lerp": Subject(latent.lerp, ends, ENDS),
    "linear_cka": Subject(
        latent.linear_cka,
        codes,
        {"a": both(points, shorter), "b": both(points, shorter, lambda b: {"constant": 0 * b})},
    ),
    "log_volume": Subject(
        latent.log_volume,
        lambda seed: {"cov": covariances(seed, D)},
        {"cov": both(covariance, lambda v: {"negative definite": -v})},
    ),
    "match_latents": Subject(
        latent.match_latents, codes, {"a": STRICT, "b": both(STRICT, lambda b: {"constant": 0 * b})}
    ),
    "mixture_log_density": Subject(
        latent.mixture_log_density,
        lambda seed: {"z": normal(seed, 5, D), **pair(seed)},
        {"z": both(points, narrower), "mu": STRICT, "logvar": STRICT},
    ),
    "moment_match": Subject(latent.moment_match, pair, {"mu": MU, "logvar": LOGVAR}),
    "mutual_information": Subject(
        latent.mutual_information,
        lambda seed: {
            **dict(zip(("mu", "logvar"), posterior(seed, 6, D), strict=True)),
            "factors": torch.cartesian_prod(torch.arange(2), torch.arange(3)),
            "n_samples": 5,
            "generator": a_generator(),
        },
        {
            "mu": STRICT,
            "logvar": STRICT,
            "factors": both(table, shorter, lambda v: {"floats": v.double(), "negative": v - 1}),
            "n_samples": count,
        },
        called={"factors": "factors|labels"},
    ),
    "neighbour_preservation": Subject(
        latent.neighbour_preservation,
        lambda seed: {"high": normal(seed, N, D), "low": normal(seed, N, 2), "k": 3},
        {"high": both(points, shorter), "low": both(points, shorter), "k": both(count, lambda k: {"all": N})},
    ),
    "neighbours_vote": Subject(
        latent.neighbours_vote,
        lambda seed: {"points": normal(seed, N, D), "labels": class_labels(seed, N, C), "k": 3},
        {"points": points, "labels": but(labels, "too large"), "k": both(count, lambda k: {"all": N})},
    ),
    "pairwise": Subject(
        latent.pairwise,
        lambda seed: {"distance": latent.wasserstein2, "gaussians": gaussians(seed, C, D)},
        {
            "distance": lambda _: {"not symmetric": latent.gaussian_kl},
            "gaussians": lambda g: {
                "a mean short": g._replace(mean=g.mean[:-1]),
                "NaN": g._replace(cov=g.cov * torch.nan),
                "a matrix": g._replace(cov=g.cov[0]),
                "a vector": g._replace(mean=g.mean[0]),
            },
        },
        called={"gaussians": "mean|cov|gaussians"},
    ),
    "path_length": Subject(latent.path_length, lambda seed: {"points": normal(seed, N, D)}, {"points": points}),
    "predicted_precision": Subject(
        latent.predicted_precision,
        lambda seed: {"model": vae(seed), "z": normal(seed, N, 2)},
        {"z": both(points, narrower)},
    ),
    "principal_axes": Subject(
        latent.principal_axes,
        lambda seed: {"cov": covariances(seed, D)},
        {"cov": both(covariance, lambda v: {"negative definite": -v})},
    ),
    "same_group": Subject(latent.same_group, lambda seed: {"labels": torch.tensor([0, 0, 1])}, {"labels": GROUPS}),
    "shortest_tour": Subject(
        latent.shortest_tour,
        lambda seed: {"centers": normal(seed, 5, D)},
        {"centers": both(points, lambda v: {"too many": v.repeat(4, 1)})},
    ),
    "slerp": Subject(
        latent.slerp,
        ends,
        {
            **ENDS,
            "start": both(ENDS["start"], lambda v: {"zero": 0 * v}),
            "end": both(ENDS["end"], lambda v: {"zero": 0 * v}),
        },
    ),
    "split_covariance": Subject(latent.split_covariance, pair, {"mu": MU, "logvar": LOGVAR}),
    "swap_test": Subject(
        latent.swap_test,
        lambda seed: {
            "decode": a_decoder,
            "z": normal(seed, N, D),
            "context": normal(seed, N, 2),
            "generator": a_generator(),
        },
        {
            "decode": lambda _: {"NaN": lambda z, c: z * torch.nan, "constant": lambda z, c: 0 * z},
            "z": both(points, shorter, lambda z: {"one image": z[:1]}),
            "context": both(shorter, lambda c: {"a number": c[0, 0]}),
        },
    ),
    "traverse": Subject(
        latent.traverse,
        lambda seed: {"z": normal(seed, D), "dim": 1, "values": [-1.0, 0.0, 1.0]},
        {
            "z": both(row, floats, finite),
            "dim": lambda _: {"negative": -1, "too large": D, "half": 0.5, "a word": "first"},
            "values": lambda _: {"NaN": [torch.nan], "two-dimensional": [[1.0]], "a number": 1.0},
        },
        called={"z": "z|dim"},
    ),
    "wasserstein2": Subject(
        latent.wasserstein2,
        two,
        {**GAUSSIANS, "cov1": both(covariance, lambda c: {"negative definite": -c}), "cov2": covariance},
    ),
    "within_distance": Subject(
        latent.within_distance,
        lambda seed: {"distances": distances(seed, 5), "labels": torch.tensor([0, 0, 1, 1, 2])},
        {
            "distances": both(square, finite, floats, lambda v: {"a class short": v[:-1, :-1]}),
            "labels": both(GROUPS, lambda v: {"a class short": v[:-1], "all apart": torch.arange(len(v))}),
        },
        called={"distances": "distances|labels"},
    ),
}
