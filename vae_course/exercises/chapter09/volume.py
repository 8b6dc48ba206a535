"""Exercise of chapter 9: the log-volume of a Gaussian's ellipsoid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter09.draws import draw_covariance

_MANY = 56  # latents


def log_volume(cov: Tensor) -> Tensor:
    """1/2 log det cov: the log-volume of the one-standard-deviation ellipsoid up to the unit ball's.

    cov: (d, d), positive definite. Returns a scalar; no determinant is formed, which might underflow. Chapter 9.
    """
    volume: Tensor = 0.5 * torch.linalg.slogdet(cov).logabsdet
    return volume


def _log_volume(cov: Tensor, *, size: str, half: bool) -> Tensor:
    sizes: dict[str, Callable[[], Tensor]] = {
        "slogdet": lambda: torch.logdet(cov),
        "det": lambda: torch.det(cov).log(),
        "log trace": lambda: cov.trace().log(),
        "trace": lambda: cov.trace(),
    }
    return (0.5 if half else 1.0) * sizes[size]()


def _with_floor(cov: Tensor, *, floor: float) -> Tensor:
    """The determinant kept off 0 by a small number, which is what is seen where it underflows."""
    return 0.5 * (torch.det(cov) + floor).log()


def _fails_where_it_underflows(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether it is right for as many latents, but raises an error or is not finite where the determinant underflows.

    All of their variances are ones that float32 holds.
    """
    for _ in range(4):
        cov = draw_covariance(rng, np.exp(rng.uniform(-2.5, 1.5, size=_MANY)))
        wide, narrow = ask({"cov": cov}), ask({"cov": _draw_narrow(rng)})
        right = np.linalg.slogdet(cov).logabsdet / 2
        if wide is None or wide[0].shape != () or abs(wide[0] - right) > 1e-4 * abs(right):
            return False
        if narrow is not None and np.isfinite(narrow[0]).all():
            return False
    return True


def _draw_narrow(rng: np.random.Generator) -> np.ndarray:
    """The root of its determinant is below e^-784; float64 ends at e^-745."""
    return draw_covariance(rng, np.exp(rng.uniform(-31, -28, size=_MANY)))


def _draw_ellipsoid(rng: np.random.Generator) -> Inputs:
    """A class in a few latents, or one in many, so narrow that the determinant and its root underflow in float64."""
    if rng.random() < 0.6:
        return {"cov": draw_covariance(rng, np.exp(rng.uniform(-2.5, 1.5, size=int(rng.integers(3, 7)))))}
    return {"cov": _draw_narrow(rng)}


LOG_VOLUME = Exercise(
    name="log_volume",
    chapter=9,
    returns="one number",
    draw=_draw_ellipsoid,
    examples=(
        {"cov": np.array([[4.0, 0.0], [0.0, 9.0]])},
        {"cov": np.array([[2.0, 1.0], [1.0, 2.0]])},
    ),
    reference=log_volume,
    slips={
        "missing_half": Slip(
            "A factor 1/2 is missing.",
            "A half is missing. The determinant multiplies variances; the ellipsoid's semi-axes are standard "
            "deviations, their roots. A ball of radius 2 in 3 latents has 8 times the volume of the unit ball: what "
            "does yours give?",
        ),
        "det_underflow": Slip(
            "It takes the logarithm of a determinant that underflows to 0.",
            "With many narrow latents the determinant is too small for a float: it underflows to 0, and the "
            "logarithm of 0 is no volume. Take the logarithms first and add them up; then nothing tiny is ever formed.",
            shown_by=_fails_where_it_underflows,
        ),
        "trace": Slip(
            "It uses the trace where the determinant belongs.",
            "You used the trace, the SUM of the variances. A volume is a product of lengths: it goes to 0 when the "
            "ellipsoid is flattened in one direction, which the sum hardly notices.",
        ),
    },
    faulty=(
        *faulty_family(
            _log_volume,
            size={"slogdet": None, "det": "det_underflow", "log trace": "trace", "trace": "trace"},
            half={True: None, False: "missing_half"},
        ),
        *(
            Faulty(("det_underflow",), lambda cov, floor=floor: _with_floor(cov, floor=floor))
            for floor in (1e-300, 1e-30, 1e-20, 1e-16, 1e-12, 1e-10, 1e-9, 1e-8)
        ),
        Faulty(
            (),
            lambda cov: 0.5 * cov.diagonal().log().sum(),
            remark="You multiplied the variances on the diagonal. That is the volume only if the latents are "
            "uncorrelated; a tilted ellipsoid has less.",
        ),
        Faulty(
            (),
            lambda cov: cov.diagonal().log().sum(),
            remark="You multiplied the variances on the diagonal, and a half is missing. A tilted ellipsoid has less "
            "volume than its diagonal says.",
        ),
        Faulty(
            (),
            lambda cov: -0.5 * torch.linalg.slogdet(cov).logabsdet,
            remark="The sign is turned round: a wider class has more volume.",
        ),
        Faulty(
            (),
            lambda cov: 2 * torch.linalg.slogdet(cov).logabsdet,
            remark="You doubled where a half belongs: a root halves a logarithm.",
        ),
        Faulty(
            (),
            lambda cov: torch.linalg.det(cov).sqrt(),
            remark="You have the volume itself. Its logarithm is asked for.",
        ),
        Faulty(
            (),
            lambda cov: torch.linalg.det(cov),
            remark="You have the determinant. The logarithm of its root is asked for.",
        ),
        Faulty(
            (),
            lambda cov: 0.5 * torch.linalg.slogdet(cov).logabsdet / len(cov),
            remark="You divided by the number of latents. The volume is the product of all semi-axes, so that their "
            "logarithms add up.",
        ),
        Faulty(
            (),
            lambda cov: 0.5 * torch.linalg.slogdet(cov).logabsdet / np.log(10),
            remark="You took the logarithm to base 10. Take the natural one.",
        ),
    ),
    hints=(
        "The volume of an ellipsoid is the product of its semi-axes, times that of the unit ball. A semi-axis is the "
        "root of an eigenvalue: what is the logarithm of the product?",
        r"$\frac{1}{2} \log \det \Sigma = \frac{1}{2} \sum_j \log \lambda_j$, with the eigenvalues $\lambda_j$.",
        "Half of `torch.linalg.slogdet(cov).logabsdet`, or half of the sum of the logarithms of "
        "`torch.linalg.eigvalsh(cov)`.",
    ),
    praise="A sum of logarithms: it stands where the determinant itself would underflow.",
)
