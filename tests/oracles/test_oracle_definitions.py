"""Scores against the definitions of their papers, written out anew, and against libraries that have them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from agreement import agree, library
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from vae_course import embeddings, load_digits, make_generator
from vae_course.embeddings import quality
from vae_course.latent import (
    factor_entropies,
    information_gaps,
    linear_cka,
    mutual_information,
    neighbour_preservation,
    neighbours_vote,
)
from vae_course.sampling import sample_quality

Array = NDArray[np.float64]
SCIKIT, CHEN = library("scikit-learn"), "Chen et al. (2018)"


def normal(seed: int, *shape: int) -> Array:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64).numpy()


# --- the mutual information gap: Chen, Li, Grosse & Duvenaud (2018), section 4 and appendix C ---

FACTORS = np.stack([grid.ravel() for grid in np.meshgrid(np.arange(2), np.arange(3), indexing="ij")], axis=1)  # (6, 2)


def information_by_quadrature(mu: Array, std: Array, factors: Array) -> Array:
    """I(z_j; v_k) = H(z_j) - H(z_j | v_k), both entropies of mixtures by Simpson's rule; (d, factors)."""
    table = np.zeros((mu.shape[1], factors.shape[1]))
    for j in range(mu.shape[1]):
        z = np.linspace((mu[:, j] - 12 * std[:, j]).min(), (mu[:, j] + 12 * std[:, j]).max(), 8_001)
        q = norm.pdf(z, mu[:, [j]], std[:, [j]])  # q(z | n) of each image n, (images, z)

        def entropy(density: Array, z: Array = z) -> float:
            log = np.log(np.where(density > 0, density, 1))
            return float(-np.trapezoid(density * log, z))

        for k in range(factors.shape[1]):
            values, counts = np.unique(factors[:, k], return_counts=True)
            of_value = [entropy(q[factors[:, k] == value].mean(axis=0)) for value in values]
            table[j, k] = entropy(q.mean(axis=0)) - (counts / counts.sum()) @ of_value
    return table


def gap_by_hand(table: Array, factors: Array) -> float:
    """MIG = 1/K sum_k 1/H(v_k) (I(z_j(k); v_k) - max over j != j(k) of I(z_j; v_k))."""
    gaps = []
    for k in range(factors.shape[1]):
        share = np.unique(factors[:, k], return_counts=True)[1] / len(factors)
        entropy = -(share * np.log(share)).sum()
        best = int(table[:, k].argmax())
        gaps.append((table[best, k] - np.delete(table[:, k], best).max()) / entropy)
    return float(np.mean(gaps))


@pytest.mark.parametrize("width", [0.1, 0.5, 1.5])
def test_the_gap_is_that_of_the_entropies_by_quadrature(width: float) -> None:
    mu = FACTORS @ np.array([[1.0, 0.3, 0.0], [0.2, 0.0, 0.8]]) + 0.1 * normal(1, 6, 3)
    std = width * (0.5 + np.abs(normal(2, 6, 3)))
    exact = information_by_quadrature(mu, std, FACTORS)
    factors, n = torch.from_numpy(FACTORS), 20_000
    table = mutual_information(
        torch.from_numpy(mu), 2 * torch.from_numpy(std).log(), factors, n_samples=n, generator=make_generator(0)
    )
    quadrature = f"Simpson's rule on the densities of {library('scipy', 'SciPy')}"
    agree("mutual information of latent and factor, 20,000 draws", quadrature, table, exact, atol=5 / np.sqrt(n))
    gaps = information_gaps(torch.from_numpy(exact), factor_entropies(factors))
    agree("mutual information gap", f"{CHEN}, section 4", float(gaps.mean()), gap_by_hand(exact, FACTORS), atol=1e-12)


def test_the_estimate_is_the_papers_sum_over_its_own_draws() -> None:
    """Equation 6: E log sum over n in X_v of q(z | n) p(n | v), + H(z), both over the draws that the estimate takes."""
    mu, std, n = normal(3, 6, 2), 0.3 + np.abs(normal(4, 6, 2)), 25
    found = mutual_information(
        torch.from_numpy(mu),
        2 * torch.from_numpy(std).log(),
        torch.from_numpy(FACTORS),
        n_samples=n,
        generator=make_generator(5),
    )
    generator = make_generator(5)
    chosen = torch.randint(6, (n,), generator=generator).numpy()
    z = mu[chosen] + std[chosen] * torch.randn(n, 2, generator=generator, dtype=torch.float64).numpy()
    expected = np.zeros((2, 2))
    for j in range(2):
        for k in range(2):
            terms = []
            for draw, image in zip(z[:, j], chosen, strict=True):
                q = norm.pdf(draw, mu[:, j], std[:, j])
                alike = FACTORS[:, k] == FACTORS[image, k]
                terms.append(np.log(q[alike].sum() / alike.sum()) - np.log(q.sum() / 6))
            expected[j, k] = np.mean(terms)
    agree("mutual information of latent and factor, same draws", f"{CHEN}, equation 6", found, expected, atol=1e-10)


# --- linear CKA: Kornblith, Norouzi, Lee & Hinton (2019), section 3 ---


@pytest.mark.parametrize(("d", "e"), [(1, 1), (3, 3), (2, 7)])
def test_cka_is_the_ratio_of_hsic_estimates(d: int, e: int) -> None:
    """HSIC(K, L) = tr(K H L H) / (n - 1)^2, with linear kernels of codes that are not centred beforehand."""
    a, b = normal(0, 30, d) + 3, normal(1, 30, e) - 1
    h = np.eye(30) - np.ones((30, 30)) / 30

    def hsic(k: Array, other: Array) -> float:
        return float(np.trace(k @ h @ other @ h)) / 29**2

    k, other = a @ a.T, b @ b.T
    expected = hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other))
    found = linear_cka(torch.from_numpy(a), torch.from_numpy(b))
    agree("linear CKA of two codes", "Kornblith et al. (2019), section 3", found, expected, rtol=1e-9)


# --- neighbourhoods ---


def ranks(values: Array) -> NDArray[np.int64]:
    """The rank of each other point by its distance, (n, n): 1 is the nearest, a point itself has 0."""
    order = cdist(values, values).argsort(axis=1)
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(len(values))[None].repeat(len(values), axis=0), axis=1)
    return found


@pytest.mark.parametrize("name", ["pca", "tsne-30-s0", "umap-15-s0", "prior-tsne-30-s0"])
def test_a_maps_quality_is_the_papers(name: str) -> None:
    """Trustworthiness by Venna & Kaski (2001): 1 - 2 / (n k (2n - 3k - 1)) sum of (rank - k) over false neighbours."""
    k, n = embeddings.K, 250
    made = embeddings.load(name)
    z, points = embeddings.load_source(made.source).z[:n], made.points[:n].astype(np.float64)
    high, low = ranks(z), ranks(points)
    false = (low >= 1) & (low <= k) & (high > k)
    trust = 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * (high[false] - k).sum()
    kept = ((low >= 1) & (low <= k) & (high >= 1) & (high <= k)).sum() / (n * k)
    found = quality(z, points)
    agree("trustworthiness of a map", "Venna & Kaski (2001)", found[f"trustworthiness_{k}"], trust, atol=1e-4)
    by_ranks = f"ranks of the distances by {library('scipy', 'SciPy')}"
    agree("neighbours that a map keeps", by_ranks, found[f"neighbour_preservation_{k}"], kept, atol=1e-4)


@pytest.mark.parametrize("k", [1, 7])
def test_scikit_learn_finds_the_same_neighbours(k: int) -> None:
    high = normal(0, 200, 20)
    low = high[:, :2] + 0.5 * normal(1, 200, 2)
    near = [NearestNeighbors(n_neighbors=k).fit(values).kneighbors(return_distance=False) for values in (high, low)]
    shared = np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)])
    found = neighbour_preservation(torch.from_numpy(high), torch.from_numpy(low), k=k)
    agree("neighbours that a map keeps", SCIKIT, found, shared, atol=1e-12)


@pytest.mark.parametrize("k", [1, 4, 5])
def test_scikit_learn_lets_the_neighbours_vote_alike(k: int) -> None:
    digits = load_digits()
    rows = slice(None, None, 50)
    z = (digits.images[rows].float() @ torch.randn(784, 4, generator=make_generator(0))).double()
    theirs = cross_val_score(KNeighborsClassifier(k), z.numpy(), digits.labels[rows].numpy(), cv=LeaveOneOut())
    agree(
        "accuracy of the neighbours' vote",
        SCIKIT,
        neighbours_vote(z, digits.labels[rows], k=k),
        theirs.mean(),
        atol=1e-12,
    )


# --- precision, recall, density, coverage ---


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_the_authors_own_program_finds_the_same_sample_quality(k: int, spread: float) -> None:
    """prdc is by Naeem et al. (2020). Its balls leave out their surface, on which no point lies here."""
    prdc = pytest.importorskip("prdc", reason="prdc is not installed: pip install prdc")
    real, samples = normal(0, 150, 5), spread * normal(1, 120, 5) + 0.3
    theirs = prdc.compute_prdc(real, samples, nearest_k=k)
    ours = sample_quality(torch.from_numpy(real), torch.from_numpy(samples), k=k)
    expected, authors = [float(theirs[name]) for name in ours._fields], f"{library('prdc')}, Naeem et al. (2020)"
    agree("precision, recall, density and coverage of samples", authors, list(ours), expected, atol=1e-12)
