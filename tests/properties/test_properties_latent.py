"""Latent statistics: what rotation, renaming, order and units change, and what they do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from inputs import (
    autoencoder,
    class_labels,
    covariances,
    distances,
    dtypes,
    gaussians,
    images,
    latents,
    normal,
    posterior,
    rotation,
    rows,
    seeds,
    vae,
)
from profiles import FEW
from public_names import about
from torch import Tensor
from torch.testing import assert_close

from vae_course import latent
from vae_course.checks import make_generator

classes = st.integers(2, 6)


def shuffled(n: int, seed: int) -> Tensor:
    return torch.randperm(n, generator=make_generator(seed))


def close(a: Tensor, b: Tensor, dtype: torch.dtype = torch.float64) -> None:
    """Equal to some roundings of the type of the input."""
    rtol = 1e-7 if dtype == torch.float64 else 2e-3
    assert_close(a.double(), b.double(), rtol=rtol, atol=rtol)


# --- moments of mixtures ---


@about("latent.class_gaussians", "latent.ClassGaussians", "latent.moment_match", "latent.Gaussian")
@given(n=rows, d=latents, c=classes, dtype=dtypes, seed=seeds)
def test_a_class_is_the_mixture_of_its_own_images(n: int, d: int, c: int, dtype: torch.dtype, seed: int) -> None:
    assume(n >= c)
    (mu, logvar), labels = posterior(seed, n, d, dtype), class_labels(seed, n, c)
    whole = latent.class_gaussians(mu, logvar, labels, n_classes=c)
    assert whole.mean.shape == (c, d) and whole.cov.shape == (c, d, d) and whole.weight.shape == (c,)
    assert {part.dtype for part in whole} == {torch.float64}
    assert float(whole.weight.sum()) == pytest.approx(1)
    for k in range(c):
        alone = latent.moment_match(mu[labels == k], logvar[labels == k])
        close(alone.mean, whole.mean[k])
        close(alone.cov, whole.cov[k])
    order, turn, shift = shuffled(n, seed), rotation(seed, d), normal(seed, d)
    close(latent.class_gaussians(mu[order], logvar[order], labels[order], n_classes=c).cov, whole.cov)
    points = torch.full_like(mu, -math.inf)
    still = latent.class_gaussians(mu, points, labels, n_classes=c)
    turned = latent.class_gaussians((mu.double() @ turn + shift).to(dtype), points, labels, n_classes=c)
    close(turned.mean, still.mean @ turn + shift, dtype)
    close(turned.cov, turn.T @ still.cov @ turn, dtype)


@about("latent.split_covariance", "latent.CovarianceShares", "latent.aggregate_variance", "latent.moment_match")
@given(n=rows, d=latents, dtype=dtypes, seed=seeds)
def test_the_law_of_total_covariance(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    mu, logvar = posterior(seed, n, d, dtype)
    whole, shares = latent.moment_match(mu, logvar), latent.split_covariance(mu, logvar)
    assert shares.within.shape == shares.between.shape == whole.cov.shape == (d, d)
    close(shares.within + shares.between, whole.cov, dtype)
    close(latent.aggregate_variance(mu, logvar), whole.cov.diagonal(), dtype)
    assert float(torch.linalg.eigvalsh(shares.between).min()) > -1e-9
    assert torch.equal(shares.within, shares.within.diagonal().diag())


@about("latent.dataset_class_gaussians", "latent.encode_dataset")
@settings(max_examples=FEW)
@given(n=rows, c=classes, size=st.integers(1, 30), seed=seeds)
def test_blocks_of_any_size_give_the_same(n: int, c: int, size: int, seed: int) -> None:
    assume(n >= c)
    model, made, labels = vae(seed), images(seed, n), class_labels(seed, n, c)
    q = latent.encode_dataset(model, made, batch_size=size)
    assert q.mu.shape == q.logvar.shape == (n, 2) and q.mu.dtype == torch.float32
    close(q.mu, latent.encode_dataset(model, made).mu, torch.float32)
    found = latent.dataset_class_gaussians(model, made, labels, n_classes=c, batch_size=size)
    for ours, theirs in zip(found, latent.class_gaussians(*q, labels, n_classes=c), strict=True):
        close(ours, theirs, torch.float32)
    assert latent.encode_dataset(autoencoder(seed), made, batch_size=size).logvar.max() == -math.inf


@about("latent.active_units", "latent.kl_order")
@given(n=rows, d=latents, dtype=dtypes, seed=seeds)
def test_names_of_latents_only_name_them(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    q, order = posterior(seed, n, d, dtype), shuffled(d, seed)
    assert torch.equal(latent.active_units(q.mu[:, order]), latent.active_units(q.mu)[order])
    assert bool(latent.active_units(q.mu, threshold=0).all()) and not latent.active_units(q.mu, threshold=1e6).any()
    ranked = latent.kl_order(*q)
    assert sorted(ranked.tolist()) == list(range(d))
    assert torch.equal(order[latent.kl_order(q.mu[:, order], q.logvar[:, order])], ranked)


# --- densities ---


@about("latent.mixture_log_density", "latent.gaussian_log_density")
@given(n=rows, m=st.integers(1, 8), d=latents, dtype=dtypes, seed=seeds)
def test_a_mixture_of_one_is_its_gaussian_and_doubling_changes_nothing(
    n: int, m: int, d: int, dtype: torch.dtype, seed: int
) -> None:
    (mu, logvar), z = posterior(seed, n, d, dtype), 2 * normal(seed + 1, m, d, dtype=dtype)
    whole = latent.mixture_log_density(z, mu, logvar)
    assert whole.shape == (m,) and whole.dtype == torch.float64
    close(latent.mixture_log_density(z, mu.repeat(2, 1), logvar.repeat(2, 1)), whole)
    one = latent.mixture_log_density(z, mu[:1], logvar[:1])
    close(one, latent.gaussian_log_density(z, mu[0], logvar[0].double().exp().diag()))
    shift = normal(seed, d, dtype=dtype)
    close(latent.mixture_log_density(z + shift, mu + shift, logvar), whole, dtype)
    close(latent.mixture_log_density(z.flip(0), mu.flip(0), logvar.flip(0)), whole.flip(0))
    # In units that are twice as small the density is 2^d times as small.
    close(latent.mixture_log_density(2 * z, 2 * mu, logvar + 2 * math.log(2)), whole - d * math.log(2), dtype)


@about("latent.class_log_density", "latent.class_probabilities")
@given(n=rows, m=st.integers(1, 8), d=latents, c=classes, seed=seeds)
def test_probabilities_sum_to_one_and_follow_the_names_of_the_classes(
    n: int, m: int, d: int, c: int, seed: int
) -> None:
    assume(n >= c)
    q, labels, z = posterior(seed, n, d), class_labels(seed, n, c), 2 * normal(seed + 1, m, d)
    p = latent.class_probabilities(z, *q, labels, n_classes=c)
    density = latent.class_log_density(z, *q, labels, n_classes=c)
    assert p.shape == density.shape == (m, c)
    close(p.sum(dim=1), torch.ones(m, dtype=torch.float64))
    renamed = shuffled(c, seed)
    close(latent.class_probabilities(z, *q, renamed[labels], n_classes=c)[:, renamed], p)
    weight = labels.bincount().double() / n
    close((density + weight.log()).logsumexp(dim=1), latent.mixture_log_density(z, *q))


# --- divergences and distances ---


@about("latent.gaussian_kl", "latent.kl_to_prior", "latent.bhattacharyya", "latent.wasserstein2")
@given(d=latents, dtype=dtypes, seed=seeds)
def test_distances_know_no_directions(d: int, dtype: torch.dtype, seed: int) -> None:
    one, two = gaussians(seed, 1, d, dtype), gaussians(seed + 5, 1, d, dtype)
    pair = (one.mean[0], one.cov[0], two.mean[0], two.cov[0])
    turn, shift = rotation(seed, d).to(dtype), normal(seed, d, dtype=dtype)
    moved = tuple(t @ turn + shift if t.ndim == 1 else _symmetric(turn.T @ t @ turn) for t in pair)
    for distance in (latent.gaussian_kl, latent.bhattacharyya, latent.wasserstein2):
        found = distance(*pair)
        assert found.shape == () and found.dtype == torch.float64 and float(found) >= 0
        close(distance(*moved), found, dtype)
        itself = float(distance(*pair[:2], *pair[:2]))
        assert abs(itself) < 1e-6 * (1 + float(pair[1].trace()))
    for distance in (latent.bhattacharyya, latent.wasserstein2):
        close(distance(*pair[2:], *pair[:2]), distance(*pair))
    origin, eye = torch.zeros(d, dtype=dtype), torch.eye(d, dtype=dtype)
    close(latent.kl_to_prior(*pair[:2]), latent.gaussian_kl(*pair[:2], origin, eye))


@about("latent.gaussian_kl", "latent.bhattacharyya", "latent.wasserstein2")
@given(d=latents, scale=st.floats(0.2, 5), seed=seeds)
def test_only_the_distance_of_transport_has_units(d: int, scale: float, seed: int) -> None:
    one, two = gaussians(seed, 1, d), gaussians(seed + 5, 1, d)
    pair = (one.mean[0], one.cov[0], two.mean[0], two.cov[0])
    scaled = tuple(scale * t if t.ndim == 1 else scale**2 * t for t in pair)
    close(latent.wasserstein2(*scaled), scale * latent.wasserstein2(*pair))
    for divergence in (latent.gaussian_kl, latent.bhattacharyya):
        close(divergence(*scaled), divergence(*pair))


@about("latent.pairwise", "latent.hierarchy", "latent.cut_tree", "latent.branches", "latent.wasserstein2")
@given(c=classes, d=latents, seed=seeds, method=st.sampled_from(["average", "single", "complete"]))
def test_tables_and_trees_follow_the_names_of_the_classes(c: int, d: int, seed: int, method: str) -> None:
    g = gaussians(seed, c, d)
    order = shuffled(c, seed)
    table = latent.pairwise(latent.wasserstein2, g)
    renamed = latent.pairwise(latent.wasserstein2, latent.ClassGaussians(*(part[order] for part in g)))
    close(renamed, table[order][:, order])
    assert bool((table[:, :, None] <= table[:, None, :] + table.T[None] + 1e-9).all())
    tree, other = latent.hierarchy(table, method=method), latent.hierarchy(renamed, method=method)
    np.testing.assert_allclose(other[:, 2], tree[:, 2], rtol=1e-7)
    joined, again = latent.branches(tree), latent.branches(other)
    assert joined[-1] == set(range(c)) and len(joined) == c - 1
    assert {frozenset(order[list(group)].tolist()) for group in again} == set(joined)
    for n_groups in range(1, c + 1):
        cut = latent.cut_tree(tree, n_groups)
        assert cut.shape == (c,) and cut.unique().tolist() == list(range(n_groups))


@about("latent.decompose_kl", "latent.KLParts")
@settings(max_examples=FEW)
@given(n=rows, d=latents, seed=seeds)
def test_the_parts_add_up_and_no_draw_tells_more_than_the_index(n: int, d: int, seed: int) -> None:
    parts = latent.decompose_kl(*posterior(seed, n, d), n_samples=50, generator=make_generator(seed))
    assert parts.total == pytest.approx(parts.mutual_information + parts.marginal_kl)
    assert parts.mutual_information <= math.log(n) + 1e-9 and parts.standard_error >= 0


# --- geometry ---


@about("latent.log_volume", "latent.principal_axes", "latent.PrincipalAxes")
@given(d=latents, n=st.integers(1, 3), dtype=dtypes, scale=st.floats(0.1, 10), seed=seeds)
def test_volume_and_axes_turn_with_the_covariance(d: int, n: int, dtype: torch.dtype, scale: float, seed: int) -> None:
    cov = covariances(seed, n, d, dtype=dtype)
    axes, volume = latent.principal_axes(cov), latent.log_volume(cov)
    assert axes.std.shape == (n, d) and axes.axis.shape == (n, d, d) and volume.shape == (n,)
    assert bool((axes.std.diff(dim=1) <= 0).all())
    close(axes.std.log().sum(dim=1), volume, dtype)
    close(axes.axis.mT @ (axes.std**2).diag_embed() @ axes.axis, cov, dtype)
    close(axes.axis @ axes.axis.mT, torch.eye(d).expand(n, d, d), dtype)
    turn = rotation(seed, d).to(dtype)
    turned = _symmetric(turn.T @ cov @ turn)
    close(latent.log_volume(turned), volume, dtype)
    close(latent.principal_axes(turned).std, axes.std, dtype)
    close(latent.log_volume(scale**2 * cov), volume + d * math.log(scale), dtype)


@about("latent.traverse")
@given(d=latents, dtype=dtypes, values=st.lists(st.floats(-9, 9), min_size=0, max_size=6), seed=seeds)
def test_one_latent_moves_and_the_others_stay(d: int, dtype: torch.dtype, values: list[float], seed: int) -> None:
    z, dim = normal(seed, d, dtype=dtype), seed % d
    path = latent.traverse(z, dim, values)
    assert path.shape == (len(values), d) and path.dtype == dtype
    assert torch.equal(path[:, dim], torch.tensor(values, dtype=dtype))
    others = [j for j in range(d) if j != dim]
    assert torch.equal(path[:, others], z[others].expand(len(values), -1))


@about("latent.lerp", "latent.slerp", "latent.path_length", "latent.geodesic")
@settings(max_examples=FEW)
@given(d=st.integers(2, 5), n=st.integers(2, 7), dtype=dtypes, seed=seeds)
def test_legs_have_their_ends_and_the_way_back_is_the_way(d: int, n: int, dtype: torch.dtype, seed: int) -> None:
    start, end, turn = normal(seed, d, dtype=dtype), normal(seed + 1, d, dtype=dtype), rotation(seed, d).to(dtype)
    direct = float(torch.linalg.vector_norm((end - start).double()))
    for leg in (latent.lerp, latent.slerp):
        path = leg(start, end, n)
        assert path.shape == (n, d) and path.dtype == dtype
        close(path[[0, -1]], torch.stack([start, end]), dtype)
        close(leg(end, start, n).flip(0), path, dtype)
        close(leg(start @ turn, end @ turn, n), path @ turn, dtype)
        assert latent.path_length(path) >= direct - 1e-4
    assert latent.path_length(latent.lerp(start, end, n)) == pytest.approx(direct, rel=1e-4)
    found = latent.geodesic(lambda z: torch.cat([z**2, z], dim=1), start, end, n, n_iterations=3)
    assert found.shape == (n, d) and found.dtype == dtype
    close(found[[0, -1]], torch.stack([start, end]), dtype)


@about("latent.shortest_tour", "latent.path_length")
@settings(max_examples=FEW)
@given(n=st.integers(1, 7), d=latents, dtype=dtypes, seed=seeds)
def test_a_tour_visits_all_once_and_turns_with_them(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    centers = normal(seed, n, d, dtype=dtype)
    tour = latent.shortest_tour(centers)
    assert sorted(tour.tolist()) == list(range(n)) and int(tour[0]) <= int(tour[-1])
    length = latent.path_length(centers[tour])
    assert length <= latent.path_length(centers) * (1 + 1e-6)
    order, turn = shuffled(n, seed), rotation(seed, d).to(dtype)
    moved = (3 * centers @ turn + 1)[order]
    assert latent.path_length(moved[latent.shortest_tour(moved)]) == pytest.approx(3 * length, rel=1e-3, abs=1e-5)


# --- two latent spaces ---


@about("latent.align", "latent.Alignment", "latent.linear_cka")
@given(n=st.integers(6, 24), d=latents, dtype=dtypes, seed=seeds)
def test_alignment_and_cka_are_blind_to_a_turn(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    a, b = normal(seed, n, d, dtype=dtype), normal(seed + 1, n, d, dtype=dtype)
    turn, order = rotation(seed, d).to(dtype), shuffled(n, seed)
    found = latent.align(a, b)
    assert found.rotation.shape == (d, d) and found.aligned.shape == (n, d)
    assert found.rotation.dtype == found.aligned.dtype == dtype and found.r_squared <= 1 + 1e-9
    close(found.rotation @ found.rotation.T, torch.eye(d), dtype)
    assert latent.align(a @ turn + 2, b).r_squared == pytest.approx(found.r_squared, rel=1e-3, abs=1e-3)
    assert latent.align(a[order], b[order]).r_squared == pytest.approx(found.r_squared, rel=1e-4, abs=1e-4)
    assert latent.align(a, a @ turn - 1).r_squared == pytest.approx(1, abs=1e-5)
    cka = latent.linear_cka(a, b)
    assert 0 <= cka <= 1 + 1e-9 and latent.linear_cka(b, a) == pytest.approx(cka, rel=1e-5, abs=1e-9)
    assert latent.linear_cka(3 * a @ turn + 1, b) == pytest.approx(cka, rel=1e-3, abs=1e-5)
    assert latent.linear_cka(a, a) == pytest.approx(1)


@about("latent.match_latents", "latent.Matching")
@given(n=st.integers(6, 24), d=latents, dtype=dtypes, seed=seeds)
def test_renamed_latents_are_found_again(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    a, order = normal(seed, n, d, dtype=dtype), shuffled(d, seed)
    sign = torch.where(normal(seed, d) > 0, 1.0, -1.0).to(dtype)
    found = latent.match_latents(a, 4 * a[:, order] * sign - 2)
    assert torch.equal(found.latent, order) and torch.equal(found.sign.to(dtype), sign)
    close(found.correlation, torch.ones(d), dtype)


@about("latent.neighbour_preservation", "latent.neighbours_vote")
@given(n=st.integers(4, 24), d=latents, dtype=dtypes, seed=seeds, k=st.integers(1, 3))
def test_neighbourhoods_know_no_directions(n: int, d: int, dtype: torch.dtype, seed: int, k: int) -> None:
    high, low, labels = normal(seed, n, d, dtype=dtype), normal(seed + 1, n, 2, dtype=dtype), class_labels(seed, n, 3)
    kept, vote = latent.neighbour_preservation(high, low, k=k), latent.neighbours_vote(high, labels, k=k)
    assert 0 <= kept <= 1 and 0 <= vote <= 1
    assert latent.neighbour_preservation(high, high, k=k) == 1
    assert latent.neighbour_preservation(low, high, k=k) == kept
    turn, order = rotation(seed, d), shuffled(n, seed)
    moved = 3 * high.double() @ turn + 1
    assert latent.neighbour_preservation(moved[order], low[order], k=k) == kept
    assert latent.neighbours_vote(moved[order], labels[order], k=k) == vote
    assert latent.neighbours_vote(high, 0 * labels, k=k) == 1


# --- factors ---


@about("latent.factor_entropies", "latent.information_gaps", "latent.mutual_information")
@settings(max_examples=FEW)
@given(sizes=st.lists(st.integers(2, 4), min_size=1, max_size=2), d=st.integers(2, 3), seed=seeds)
def test_information_is_less_than_the_entropy_and_the_gap_lies_between_0_and_1(
    sizes: list[int], d: int, seed: int
) -> None:
    factors = torch.cartesian_prod(*(torch.arange(size) for size in sizes)).reshape(-1, len(sizes))
    entropies = latent.factor_entropies(factors)
    close(entropies, torch.tensor(sizes).double().log())
    mu, logvar = posterior(seed, len(factors), d)
    # Draws that miss the mean by little: no draw can say more than the factor holds.
    table = latent.mutual_information(mu, logvar - 14, factors, n_samples=200, generator=make_generator(seed))
    assert table.shape == (d, len(sizes)) and table.dtype == torch.float64
    assert bool((table <= entropies + 1e-6).all())
    gaps = latent.information_gaps(table.clamp_min(0), entropies)
    assert gaps.shape == (len(sizes),) and 0 <= float(gaps.min()) and float(gaps.max()) <= 1
    order = shuffled(d, seed)
    close(latent.information_gaps(table[order], entropies), latent.information_gaps(table, entropies))


# --- groupings ---


@about("latent.same_group", "latent.adjusted_rand", "latent.groupings_like", "latent.within_distance")
@given(c=st.integers(3, 6), k=st.integers(2, 3), seed=seeds)
def test_groups_have_no_names(c: int, k: int, seed: int) -> None:
    labels, other = class_labels(seed, c, k), class_labels(seed + 1, c, k)
    assume(1 < len(labels.unique()) < c)
    renamed = 7 - labels
    assert torch.equal(latent.same_group(renamed), latent.same_group(labels))
    assert float(latent.adjusted_rand(labels, labels)) == pytest.approx(1)
    close(latent.adjusted_rand(7 - other, labels), latent.adjusted_rand(other, renamed))
    assert float(latent.adjusted_rand(other, labels)) <= 1 + 1e-12
    every = latent.groupings_like(labels)
    sizes = sorted(labels.bincount().tolist())
    assert all(sorted(row.bincount().tolist()) == sizes for row in every)
    assert len({tuple(latent.same_group(row).tolist()) for row in every}) == len(every)
    assert float(latent.adjusted_rand(every, labels).max()) == pytest.approx(1)
    table = distances(seed, c)
    order = shuffled(c, seed)
    within = latent.within_distance(table, labels)
    close(latent.within_distance(table[order][:, order], labels[order]), within)
    close(latent.within_distance(2 * table, labels), 2 * within)


# --- decoders ---


@about("latent.decoder_jacobian", "latent.predicted_precision")
@settings(max_examples=FEW)
@given(n=rows, dtype=dtypes, likelihood=st.sampled_from(["bernoulli", "gaussian"]), seed=seeds)
def test_a_precision_is_at_least_the_priors(n: int, dtype: torch.dtype, likelihood: str, seed: int) -> None:
    model = vae(seed).to(dtype)
    z = normal(seed, n, 2, dtype=dtype)
    jacobian, precision = latent.decoder_jacobian(model, z), latent.predicted_precision(model, z)
    assert jacobian.shape == (n, 16, 2) and precision.shape == (n, 2, 2)
    assert jacobian.dtype == precision.dtype == dtype
    assert float(torch.linalg.eigvalsh(precision.double()).min()) >= 1 - 1e-5
    close(latent.decoder_jacobian(model, z.flip(0)).flip(0), jacobian, dtype)
    step = 1e-6 * normal(seed + 1, n, 2)
    model, z = model.double(), z.double()
    change = (latent.decoder_jacobian(model, z) @ step[:, :, None]).squeeze(2)
    assert_close(model.decode(z + step) - model.decode(z), change, rtol=1e-2, atol=1e-9)


@about("latent.swap_test", "latent.SwapShares")
@given(n=st.integers(2, 24), d=latents, scale=st.floats(0.1, 10), seed=seeds)
def test_shares_have_no_units(n: int, d: int, scale: float, seed: int) -> None:
    z, context = normal(seed, n, d), normal(seed + 1, n, 2)
    weights = normal(seed + 2, d, 5), normal(seed + 3, 2, 5)

    def decode(z: Tensor, context: Tensor) -> Tensor:
        return z @ weights[0] + context @ weights[1]

    def shares(factor: float) -> latent.SwapShares:
        return latent.swap_test(lambda z, c: factor * decode(z, c), z, context, generator=make_generator(seed))

    one, other = shares(1.0), shares(scale)
    assert (one.z, one.context) == pytest.approx((other.z, other.context))
    assert other.change == pytest.approx(scale**2 * one.change)
    alone = latent.swap_test(lambda z, c: z @ weights[0], z, context, generator=make_generator(seed))
    assert (alone.z, alone.context) == pytest.approx((1, 0))


def _symmetric(cov: Tensor) -> Tensor:
    return (cov + cov.mT) / 2
