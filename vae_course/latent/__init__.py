"""Latent statistics (level 2): posteriors, class Gaussians, mixtures, divergences, distances, geometry."""

from vae_course.latent.alignment import Alignment, Matching, align, linear_cka, match_latents
from vae_course.latent.disentanglement import factor_entropies, information_gaps, mutual_information
from vae_course.latent.distances import bhattacharyya, hierarchy, pairwise, wasserstein2
from vae_course.latent.divergences import KLParts, decompose_kl, gaussian_kl, kl_to_prior
from vae_course.latent.geometry import PrincipalAxes, log_volume, principal_axes, traverse
from vae_course.latent.groupings import (
    adjusted_rand,
    branches,
    cut_tree,
    groupings_like,
    same_group,
    within_distance,
)
from vae_course.latent.jacobian import decoder_jacobian, predicted_precision
from vae_course.latent.mixtures import (
    class_log_density,
    class_probabilities,
    gaussian_log_density,
    mixture_log_density,
)
from vae_course.latent.moments import (
    ClassGaussians,
    CovarianceShares,
    Gaussian,
    aggregate_variance,
    class_gaussians,
    dataset_class_gaussians,
    moment_match,
    split_covariance,
)
from vae_course.latent.neighbours import neighbour_preservation, neighbours_vote
from vae_course.latent.posteriors import active_units, encode_dataset, kl_order
from vae_course.latent.swapping import SwapShares, swap_test
from vae_course.latent.tours import geodesic, lerp, path_length, shortest_tour, slerp

__all__ = [
    "Alignment",
    "ClassGaussians",
    "CovarianceShares",
    "Gaussian",
    "KLParts",
    "Matching",
    "PrincipalAxes",
    "SwapShares",
    "active_units",
    "adjusted_rand",
    "aggregate_variance",
    "align",
    "bhattacharyya",
    "branches",
    "class_gaussians",
    "class_log_density",
    "class_probabilities",
    "cut_tree",
    "dataset_class_gaussians",
    "decoder_jacobian",
    "decompose_kl",
    "encode_dataset",
    "factor_entropies",
    "gaussian_kl",
    "gaussian_log_density",
    "geodesic",
    "groupings_like",
    "hierarchy",
    "information_gaps",
    "kl_order",
    "kl_to_prior",
    "lerp",
    "linear_cka",
    "log_volume",
    "match_latents",
    "mixture_log_density",
    "moment_match",
    "mutual_information",
    "neighbour_preservation",
    "neighbours_vote",
    "pairwise",
    "path_length",
    "predicted_precision",
    "principal_axes",
    "same_group",
    "shortest_tour",
    "slerp",
    "split_covariance",
    "swap_test",
    "traverse",
    "wasserstein2",
    "within_distance",
]
