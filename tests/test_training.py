"""Training: what it logs, how it learns, and that a killed run ends as if it had never stopped."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vae_course import cpu, training
from vae_course.checks import make_generator
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.files import BrokenFileError, load_tensors, save_tensors
from vae_course.models import VAE, Autoencoder, LossTerms
from vae_course.objectives import bernoulli_nll, kl_standard_normal
from vae_course.schedules import constrained_beta, kl_weight, learning_rate
from vae_course.training import fit, loss_terms
from vae_course.types import History

TINY = VAEConfig(input_dim=20, hidden_dims=(12,), latent_dim=3)
SHORT = TrainConfig(epochs=4, batch_size=16, lr=1e-2)


def make_images(n: int = 70, *, seed: int = 0) -> Tensor:
    """Two kinds of picture with some noise: something to learn. (n, 20) uint8."""
    generator = make_generator(seed)
    kinds = torch.randint(0, 2, (n, 1), generator=generator)
    ink = torch.cat([kinds.expand(n, 10), 1 - kinds.expand(n, 10)], dim=1) * 200
    return (ink + torch.randint(0, 56, (n, 20), generator=generator)).to(torch.uint8)


def run(model: Autoencoder | None = None, images: Tensor | None = None, **options: Any) -> History:
    options = {"config": SHORT, "progress": False, **options}
    return fit(model or VAE(TINY), make_images() if images is None else images, **options)


def same(a: History, b: History) -> bool:
    """Whether two histories agree bit for bit."""
    names = ("nll", "kl", "kl_per_latent", "beta")
    tensors = all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)
    pairs = list(zip(a.snapshots, b.snapshots, strict=True))
    snapshots = all(x.step == y.step and all(map(torch.equal, x[1:], y[1:])) for x, y in pairs)
    return tensors and snapshots and a.validation == b.validation and a.steps_per_epoch == b.steps_per_epoch


# --- what is logged ---


def test_training_lowers_the_loss_of_images_it_has_not_seen() -> None:
    config = TrainConfig(epochs=30, batch_size=16, lr=1e-2)
    history = run(config=config, validation=make_images(50, seed=1))
    first, *_, last = history.validation
    assert last.nll + last.kl < 0.75 * (first.nll + first.kl)
    assert history.negative_elbo[-5:].mean() < 0.75 * history.negative_elbo[:5].mean()


def test_the_history_has_a_row_for_every_step() -> None:
    history = run(validation=make_images(9, seed=1))
    assert history.steps_per_epoch == 5  # 70 images in batches of 16: the last one is smaller
    assert history.nll.shape == history.kl.shape == (20,) and history.kl_per_latent.shape == (20, 3)
    torch.testing.assert_close(history.kl_per_latent.sum(dim=1), history.kl)
    assert (history.kl_per_latent >= 0).all()
    assert [evaluation.step for evaluation in history.validation] == [0, 5, 10, 15, 20]


def test_step_0_is_the_first_batch_at_the_initial_weights() -> None:
    images, config = make_images(), TrainConfig(epochs=1, batch_size=70, seed=3)
    history = run(images=images, config=config)
    generator = make_generator(3)
    x = images[torch.randperm(70, generator=generator)].float() / 255
    nll, kl = VAE(TINY).loss_terms(x, torch.randn(70, 3, generator=generator))
    torch.testing.assert_close(history.nll[0], nll.mean().detach())
    torch.testing.assert_close(history.kl_per_latent[0], kl.mean(dim=0).detach())


def test_the_weights_are_those_of_a_plain_loop() -> None:
    images, config = make_images(), TrainConfig(epochs=3, batch_size=32, lr=1e-2, beta=2.5, schedule="onecycle")
    model, peer = VAE(TINY), VAE(TINY)
    run(model, images, config=config)
    optimizer = torch.optim.Adam(peer.parameters(), lr=1e-2)
    generator, step = make_generator(0), 0
    for _ in range(3):
        for chosen in torch.randperm(70, generator=generator).split(32):
            x = images[chosen].float() / 255
            eps = torch.randn(len(x), 3, generator=generator)
            posterior = peer.encode(x)
            logits = peer.decode_logits(posterior.mu + posterior.std * eps)
            nll = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
            loss = (nll + 2.5 * kl_standard_normal(*posterior)).mean()
            optimizer.param_groups[0]["lr"] = learning_rate(config, step, 9)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    for ours, theirs in zip(model.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_every_image_is_used_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    images = torch.arange(70, dtype=torch.uint8)[:, None].expand(70, 20).contiguous()

    def watch(batch: Tensor) -> Tensor:
        seen.append(batch[:, 0])
        return batch.float() / 255

    monkeypatch.setattr(training, "to_unit", watch)
    run(images=images, config=TrainConfig(epochs=2, batch_size=16))
    epochs = torch.cat(seen).view(2, 70)
    assert [sorted(epoch) == list(range(70)) for epoch in epochs.tolist()] == [True, True]
    assert epochs[0].tolist() != epochs[1].tolist() != list(range(70))


def test_loss_terms_average_to_the_bound() -> None:
    model, images = VAE(TINY), make_images(25)
    nll, kl = loss_terms(model, images, generator=make_generator(1), batch_size=25)
    x, eps = images.float() / 255, torch.randn(25, 3, generator=make_generator(1))
    mu, logvar = model.encode(x)
    torch.testing.assert_close(nll, bernoulli_nll(x, model.decode_logits(mu + (logvar / 2).exp() * eps)).detach())
    torch.testing.assert_close(kl.sum(dim=1), kl_standard_normal(mu, logvar).detach())
    assert nll.shape == (25,) and kl.shape == (25, 3) and not nll.requires_grad
    assert loss_terms(model, images, generator=make_generator(1), batch_size=4).nll.shape == (25,)


def test_an_autoencoder_trains_with_probe_and_kl_0() -> None:
    images = make_images()
    model = Autoencoder(TINY)
    history = run(model, images, probe=images[:4], snapshot_steps=[0, 20], config=SHORT)
    assert torch.equal(history.kl_per_latent, torch.zeros(20, 3))
    assert history.nll[-1] < history.nll[0]
    for snapshot in history.snapshots:
        assert snapshot.mu.shape == (4, 3) and (snapshot.logvar == -math.inf).all()


def test_the_mean_image_start_and_its_gain() -> None:
    images = make_images()
    model = VAE(TINY)
    one_step = TrainConfig(epochs=1, batch_size=70, lr=1e-12, mean_image_start=True)
    history = run(model, images, config=one_step)
    mean = (images.double().mean(dim=0) / 255).float()
    torch.testing.assert_close(model.output.bias.detach(), mean.clamp(0.001, 0.999).logit(), rtol=1e-5, atol=1e-5)
    assert not torch.equal(VAE(TINY).output.bias, model.output.bias)
    assert history.nll.shape == (1,)


# --- snapshots ---


def test_snapshots_at_the_steps_asked_for() -> None:
    images, model = make_images(), VAE(TINY)
    probe = images[:6]
    history = run(model, images, probe=probe, snapshot_steps=[20, 0, 7, 7, 5])
    assert [snapshot.step for snapshot in history.snapshots] == [0, 5, 7, 20]
    for weights, snapshot in ((VAE(TINY), history.snapshots[0]), (model, history.snapshots[-1])):
        x = probe.float() / 255
        posterior = weights.encode(x)
        torch.testing.assert_close(snapshot.mu, posterior.mu.detach())
        torch.testing.assert_close(snapshot.logvar, posterior.logvar.detach())
        torch.testing.assert_close(snapshot.x_mean, weights.decode(posterior.mu).detach())


def test_snapshots_and_validation_change_nothing() -> None:
    plain, watched = VAE(TINY), VAE(TINY)
    images = make_images()
    run(plain, images)
    run(watched, images, probe=images[:5], snapshot_steps=range(21), validation=images[:9])
    assert all(map(torch.equal, plain.parameters(), watched.parameters()))


def test_on_epoch_sees_the_history_grow() -> None:
    seen: list[History] = []

    def on_epoch(history: History) -> None:
        seen.append(history)
        if len(history.nll) == 10:
            history.nll.fill_(-1)  # whoever is called may do what they like with it

    final = run(on_epoch=on_epoch, validation=make_images(9, seed=1))
    assert [len(history.nll) for history in seen] == [0, 5, 10, 15, 20]
    assert [len(history.validation) for history in seen] == [1, 2, 3, 4, 5]
    assert torch.equal(seen[1].nll, final.nll[:5]) and final.nll.min() > 0


# --- the learning rate ---


@pytest.mark.parametrize("n_steps", [*range(1, 10), 40, 469, 1407])
def test_onecycle_is_that_of_torch(n_steps: int) -> None:
    config = TrainConfig(lr=1e-2, schedule="onecycle")
    ours = [learning_rate(config, step, n_steps) for step in range(n_steps)]
    if n_steps == 4:  # PyTorch's own divides by zero: its first step is its peak
        assert ours[0] == pytest.approx(1e-2) and ours[-1] == pytest.approx(4e-8)
        assert ours == sorted(ours, reverse=True)
        return
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-2, total_steps=n_steps, pct_start=0.25, div_factor=25, final_div_factor=1e4,
        three_phase=False, cycle_momentum=False,
    )  # fmt: skip
    theirs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants optimizer.step() to be called
        for step in range(n_steps):
            theirs.append(optimizer.param_groups[0]["lr"])
            if step < n_steps - 1:
                scheduler.step()
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-15)


def test_a_constant_rate_is_constant() -> None:
    assert {learning_rate(TrainConfig(lr=3e-4), step, 10) for step in range(10)} == {3e-4}


# --- the weight of the KL ---


def test_beta_is_logged_and_constant_unless_told_otherwise() -> None:
    history = run(config=TrainConfig(epochs=2, batch_size=16, beta=2.5))
    assert history.beta is not None and history.beta.tolist() == [2.5] * 10


def test_the_warm_up_is_a_ramp_from_0_to_beta() -> None:
    history = run(config=TrainConfig(epochs=4, batch_size=16, beta=3.0, warmup=2))
    assert history.beta is not None
    assert history.beta.tolist() == pytest.approx([3 * min(1, step / 10) for step in range(20)])
    config = TrainConfig(beta=3.0, warmup=2)
    assert [kl_weight(config, step, 5) for step in (0, 5, 10, 11)] == [0, 1.5, 3, 3]


def test_the_first_update_of_a_warm_up_is_one_without_the_kl() -> None:
    models = [VAE(TINY) for _ in range(3)]
    one = {"epochs": 1, "batch_size": 70, "lr": 1e-2}
    for model, config in zip(
        models,
        [TrainConfig(**one, beta=0.0), TrainConfig(**one, beta=5.0, warmup=1), TrainConfig(**one, beta=5.0)],
        strict=True,
    ):
        run(model, config=config)
    weights = [list(model.parameters()) for model in models]
    assert all(map(torch.equal, weights[0], weights[1])) and not all(map(torch.equal, weights[0], weights[2]))


def test_the_next_beta_rises_below_the_target_and_falls_above_it() -> None:
    assert constrained_beta(0.7, 9.0, 9.0, input_dim=20) == pytest.approx(0.7)
    low, high = (constrained_beta(0.7, nll, 9.0, input_dim=20) for nll in (8.9, 9.1))
    assert high < 0.7 < low and low * high == pytest.approx(0.7**2)
    assert constrained_beta(0.7, -1e9, 9.0, input_dim=20) == pytest.approx(0.7 * math.exp(0.01))
    assert constrained_beta(0.7, 1e9, 9.0, input_dim=20) == pytest.approx(0.7 * math.exp(-0.01))
    assert constrained_beta(0.01, 1e9, 9.0, input_dim=20) == 0.01
    assert constrained_beta(100.0, -1e9, 9.0, input_dim=20) == 100
    # In nats per pixel: twice the pixels with twice the error are the same.
    assert constrained_beta(1.0, 9.2, 9.0, input_dim=20) == pytest.approx(constrained_beta(1.0, 9.4, 9.0, input_dim=40))


def test_a_target_is_met_and_its_beta_is_the_one_that_gives_it() -> None:
    """The nll of these images lies at 6.8 nats with beta 0.01 and at 13.9 with beta 30."""
    images = make_images(200)
    config = TrainConfig(epochs=150, batch_size=50, lr=1e-2, schedule="onecycle", beta2=0.99)
    history = run(images=images, config=replace(config, target_nll=8.0))
    assert float(history.nll[-40:].mean()) == pytest.approx(8, abs=0.2)
    assert history.beta is not None
    found = float(history.beta[-40:].mean())
    fixed = run(images=images, config=replace(config, beta=found))
    assert float(fixed.nll[-40:].mean()) == pytest.approx(8, abs=0.5)
    assert 2 < found < 8


@pytest.mark.parametrize("n_images", range(1, 9))
def test_the_shortest_trainings_work(n_images: int) -> None:
    config = TrainConfig(epochs=1, batch_size=1, schedule="onecycle", lr=1e-2)
    assert run(images=make_images(n_images), config=config).nll.isfinite().all()


# --- determinism ---


def test_the_same_seed_gives_the_same_run_and_the_global_state_is_left_alone() -> None:
    before = torch.get_rng_state(), torch.get_float32_matmul_precision()
    assert same(run(), run())
    assert not same(run(), run(config=TrainConfig(epochs=4, batch_size=16, lr=1e-2, seed=1)))
    assert torch.equal(torch.get_rng_state(), before[0]) and torch.get_float32_matmul_precision() == before[1]


def test_training_works_where_the_caller_has_turned_gradients_off() -> None:
    with torch.no_grad():
        history = run()
        assert not torch.is_grad_enabled()
    assert same(history, run())


def test_fit_changes_no_images() -> None:
    images = make_images()
    before = images.clone()
    run(images=images, validation=images, probe=images, snapshot_steps=[3], config=TrainConfig(mean_image_start=True))
    assert torch.equal(images, before)


# --- what is refused ---


@pytest.mark.parametrize(
    ("images", "options", "error", "message"),
    [
        (torch.zeros(5, 20), {}, TypeError, "images must be uint8.*got torch.float32"),
        (torch.zeros(5, 19, dtype=torch.uint8), {}, ValueError, r"images must have shape \(n, 20\).*got \(5, 19\)"),
        (torch.zeros(20, dtype=torch.uint8), {}, ValueError, r"images must have shape"),
        (torch.zeros(0, 20, dtype=torch.uint8), {}, ValueError, r"with n > 0, got \(0, 20\)"),
        (make_images(), {"validation": torch.zeros(3, 20)}, TypeError, "validation must be uint8"),
        (make_images(), {"probe": make_images()[:, :4]}, ValueError, "probe must have shape"),
        (make_images(), {"snapshot_steps": [1]}, ValueError, "snapshot_steps need probe images"),
        (
            make_images(),
            {"probe": make_images(), "snapshot_steps": [-1, 3, 21]},
            ValueError,
            r"snapshot_steps must lie between 0 and 20, the number of updates, got \[-1, 21\]",
        ),
    ],
)
def test_wrong_arguments_are_explained(
    images: Tensor, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(images=images, **options)


def test_a_loss_that_is_no_longer_finite_is_an_error_and_spares_the_checkpoint(tmp_path: Path) -> None:
    model = VAE(TINY)
    with torch.no_grad():
        model.output.bias[3] = math.nan
    with pytest.raises(FloatingPointError, match=r"after step 5; take a lower learning rate than 0\.01"):
        run(model, checkpoint=tmp_path / "c")
    assert not (tmp_path / "c").exists()


# --- the matrix product ---


def test_the_choice_of_the_matrix_product_holds_only_while_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_COURSE_MATMUL", "medium")
    before = torch.get_float32_matmul_precision()
    seen: list[str] = []
    run(on_epoch=lambda _: seen.append(torch.get_float32_matmul_precision()))
    assert set(seen) == {"medium"} and torch.get_float32_matmul_precision() == before

    def stop(_: History) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_epoch=stop)
    assert torch.get_float32_matmul_precision() == before


def test_the_choice_can_be_made_by_hand_and_knows_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in cpu.MATMULS:
        monkeypatch.setenv("VAE_COURSE_MATMUL", name)
        assert cpu.choose_matmul() == name
    monkeypatch.setenv("VAE_COURSE_MATMUL", "high")
    with pytest.raises(ValueError, match="VAE_COURSE_MATMUL must be one of 'highest', 'medium', got 'high'"):
        cpu.choose_matmul()


@pytest.mark.parametrize(
    ("seconds", "errors", "chosen"),
    [
        ((1.0, 0.5), (1e-6, 1e-6), "medium"),
        ((1.0, 0.95), (1e-6, 1e-6), "highest"),  # no gain worth another kernel
        ((1.0, 0.5), (1e-6, 1e-3), "highest"),  # bfloat16
    ],
)
def test_the_faster_product_is_taken_only_if_it_is_as_precise(
    monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, float], errors: tuple[float, float], chosen: str
) -> None:
    def measured(cost: object, *, rounds: int = 20) -> dict[str, float]:
        return dict(zip(cpu.MATMULS, seconds if cost is cpu._seconds_of_a_product else errors, strict=True))

    monkeypatch.delenv("VAE_COURSE_MATMUL", raising=False)
    monkeypatch.setattr(cpu, "measure", measured)
    cpu._probe.cache_clear()
    try:
        assert cpu.choose_matmul() == chosen
    finally:
        cpu._probe.cache_clear()


def test_the_probe_measures_errors_of_single_precision() -> None:
    before = torch.get_rng_state()
    error = cpu.measure(cpu._error_of_a_product, rounds=1)["highest"]
    assert 0 < error < 1e-4  # sums of 784 products of size 1/2
    assert torch.equal(torch.get_rng_state(), before)


# --- checkpoints ---


class Stopped(Exception):
    """Stands for whatever ends a run."""


def stop_after(epochs: int) -> Any:
    def on_epoch(history: History) -> None:
        if len(history.nll) == epochs * history.steps_per_epoch:
            raise Stopped

    return on_epoch


@pytest.mark.parametrize("model_class", [VAE, Autoencoder])
@pytest.mark.parametrize("stops", [[1], [2], [4], [1, 2, 3]])
def test_a_stopped_run_ends_as_if_it_had_never_stopped(
    tmp_path: Path, model_class: type[Autoencoder], stops: list[int]
) -> None:
    images = make_images()
    config = TrainConfig(epochs=4, batch_size=16, lr=1e-2, schedule="onecycle", mean_image_start=True, beta2=0.99)
    options: dict[str, Any] = {
        "config": config, "validation": images[:9], "probe": images[:5], "snapshot_steps": [0, 3, 5, 12, 20],
    }  # fmt: skip
    whole = model_class(TINY)
    expected = run(whole, images, **options)
    for epochs in stops:
        with pytest.raises(Stopped):
            run(model_class(TINY), images, checkpoint=tmp_path / "c", on_epoch=stop_after(epochs), **options)
    resumed = model_class(TINY)
    history = run(resumed, images, checkpoint=tmp_path / "c", **options)
    assert same(history, expected)
    assert all(map(torch.equal, whole.parameters(), resumed.parameters()))


def test_a_stopped_run_with_a_target_goes_on_with_its_beta(tmp_path: Path) -> None:
    config = TrainConfig(epochs=4, batch_size=16, lr=1e-2, target_nll=8.0)
    whole, resumed = VAE(TINY), VAE(TINY)
    expected = run(whole, config=config)
    with pytest.raises(Stopped):
        run(VAE(TINY), config=config, checkpoint=tmp_path / "c", on_epoch=stop_after(2))
    assert same(run(resumed, config=config, checkpoint=tmp_path / "c"), expected)
    assert all(map(torch.equal, whole.parameters(), resumed.parameters()))
    assert expected.beta is not None and len(expected.beta.unique()) == 20


def test_a_checkpoint_without_a_target_is_what_it_was_before_there_were_targets(tmp_path: Path) -> None:
    run(checkpoint=tmp_path / "c")
    tensors, meta = load_tensors(tmp_path / "c")
    assert set(meta) == {"fingerprint", "step", "matmul", "evaluations", "snapshot_steps"}
    assert {name for name in tensors if "." not in name} == {"nll", "kl_per_latent", "random"}


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first, again = VAE(TINY), VAE(TINY)
    expected = run(first, checkpoint=tmp_path / "c")
    written = (tmp_path / "c").read_bytes()
    assert same(run(again, checkpoint=tmp_path / "c"), expected)
    assert all(map(torch.equal, first.parameters(), again.parameters()))
    assert (tmp_path / "c").read_bytes() == written


def test_a_resumed_run_keeps_its_matrix_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_COURSE_MATMUL", "medium")
    with pytest.raises(Stopped):
        run(checkpoint=tmp_path / "c", on_epoch=stop_after(1))
    monkeypatch.setenv("VAE_COURSE_MATMUL", "highest")
    seen: list[str] = []
    run(checkpoint=tmp_path / "c", on_epoch=lambda _: seen.append(torch.get_float32_matmul_precision()))
    assert set(seen) == {"medium"}
    assert load_tensors(tmp_path / "c")[1]["matmul"] == "medium"


class HalfKL(VAE):
    """The same weights, another loss."""

    def loss_terms(self, x: Tensor, eps: Tensor) -> LossTerms:
        nll, kl = super().loss_terms(x, eps)
        return LossTerms(nll, kl / 2)


IMAGES = make_images()
OTHER_RUNS: dict[str, dict[str, Any]] = {
    "epochs": {"config": TrainConfig(epochs=5, batch_size=16, lr=1e-2)},
    "seed": {"config": TrainConfig(epochs=4, batch_size=16, lr=1e-2, seed=1)},
    "start": {"model": VAE(TINY, generator=make_generator(1))},
    "kind": {"model": Autoencoder(TINY)},
    "loss": {"model": HalfKL(TINY)},
    "latents": {"model": VAE(VAEConfig(input_dim=20, hidden_dims=(12,), latent_dim=2))},
    "one pixel": {"images": torch.cat([IMAGES[:-1], IMAGES[-1:] ^ 1])},
    "probe": {"probe": IMAGES[:4]},
    "snapshot steps": {"snapshot_steps": [0]},
    "no validation": {"validation": None},
    # the same bytes in a row, but an image more here and one less there
    "boundary": {"images": torch.cat([IMAGES, IMAGES[:1]]), "validation": IMAGES[1:9]},
}


@pytest.mark.parametrize("change", OTHER_RUNS.values(), ids=OTHER_RUNS)
def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    options: dict[str, Any] = {
        "model": VAE(TINY), "images": IMAGES, "validation": IMAGES[:9], "probe": IMAGES[:5], "snapshot_steps": [1],
        "checkpoint": tmp_path / "c",
    }  # fmt: skip
    run(**options)
    written = (tmp_path / "c").read_bytes()
    options |= {"model": VAE(TINY)} | change
    before = [parameter.clone() for parameter in options["model"].parameters()]
    with pytest.raises(ValueError, match=r"c belongs to another run.*delete it or name another checkpoint"):
        run(**options)
    assert (tmp_path / "c").read_bytes() == written
    assert all(map(torch.equal, options["model"].parameters(), before))


@pytest.mark.parametrize("damage", ["empty", "cut short", "flipped bit", "another file"])
def test_a_damaged_checkpoint_is_refused_and_nothing_is_trained(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c"
    run(checkpoint=path)
    content = bytearray(path.read_bytes())
    if damage == "empty":
        content = bytearray()
    elif damage == "cut short":
        content = content[: len(content) * 2 // 3]
    elif damage == "flipped bit":
        content[-100] ^= 4
    else:
        content = bytearray(b"a note to myself")
    path.write_bytes(content)
    model = VAE(TINY)
    with pytest.raises(BrokenFileError, match=r"c (is cut short|has been changed)"):
        run(model, checkpoint=path)
    assert all(map(torch.equal, model.parameters(), VAE(TINY).parameters()))
    assert path.read_bytes() == content


def test_a_whole_file_of_ours_that_is_no_checkpoint_is_another_run(tmp_path: Path) -> None:
    save_tensors(tmp_path / "c", {"x": torch.zeros(2)}, {"card": "of the zoo"})
    with pytest.raises(ValueError, match="belongs to another run"):
        run(checkpoint=tmp_path / "c")


# Runs in processes of their own, forked from one that has imported everything and computed nothing yet. Where a run is
# told when to die, it kills itself as the kernel would: no cleaning up, no last write. Prints how each ended.
CHILDREN = """
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    import torch
    from test_training import TINY, VAE, make_images, run
    from vae_course import training
    from vae_course.files import save_tensors
    from vae_course.configs import TrainConfig

    def child(threads, kill, folder):
        torch.set_num_threads(threads)
        moment, _, count = kill.partition(":")
        calls = 0

        def die_if_it_is_time(before_dying=lambda: None):
            nonlocal calls
            calls += 1
            if calls == int(count):
                before_dying()
                os.kill(os.getpid(), signal.SIGKILL)

        class DiesHalfWay:
            def __init__(self, file): self.file = file
            def __enter__(self): return self
            def __exit__(self, *_): self.file.close()
            def __getattr__(self, name): return getattr(self.file, name)
            def write(self, content):
                half = content[: len(content) // 2]
                die_if_it_is_time(lambda: (self.file.write(half), self.file.flush()))
                self.file.write(content)

        def dies_before(original):
            return lambda *args: (die_if_it_is_time(), original(*args))[1]

        if moment == "step":  # in the midst of an epoch
            training._Run._update = dies_before(training._Run._update)
        elif moment == "write":  # half of the file is on the disk
            original = Path.open
            Path.open = lambda path, *args, **options: (
                DiesHalfWay(original(path, *args)) if args == ("xb",) else original(path, *args, **options))
        elif moment != "never":  # "fsync", "replace": the new file is whole but not yet in its place
            setattr(os, moment, dies_before(getattr(os, moment)))

        images, model = make_images(300), VAE(TINY)
        config = TrainConfig(epochs=4, batch_size=64, lr=1e-2, schedule="onecycle", mean_image_start=True)
        history = run(model, images, config=config, validation=images[:40], probe=images[:5],
                      snapshot_steps=[0, 7, 10, 20], checkpoint=folder / "checkpoint")
        logs = dict(nll=history.nll, kl=history.kl_per_latent)
        for snapshot in history.snapshots:
            logs |= {f"{snapshot.step}.{name}": getattr(snapshot, name) for name in snapshot._fields[1:]}
        save_tensors(folder / "result", model.state_dict() | logs, {"validation": history.validation})

    for task in sys.argv[3:]:
        folder, _, kill = task.partition("=")
        if not (process := os.fork()):
            try:
                child(int(sys.argv[2]), kill, Path(folder))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), (Path(folder) / "result").exists(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(
    ("threads", "kills"),
    [
        (1, ["step:3", "write:1", "step:8", "replace:2", "fsync:1", "step:1"]),  # one after the other, on one run
        (2, ["write:2", "step:9", "replace:1"]),
    ],
)
def test_a_run_killed_at_any_moment_ends_bit_for_bit_the_same(
    tmp_path: Path, root: Path, threads: int, kills: list[str]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    tasks = [f"{whole}=never", *(f"{killed}={kill}" for kill in kills), f"{killed}=never"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILDREN), str(root / "tests"), str(threads), *tasks],
        env=os.environ | {"PYTHONPATH": str(root), "VAE_COURSE_MATMUL": "highest"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    dead = f"{-signal.SIGKILL} False"
    assert done.stdout.splitlines() == ["0 True", *[dead] * len(kills), "0 True"], done.stderr
    expected, expected_meta = load_tensors(whole / "result")
    tensors, meta = load_tensors(killed / "result")
    assert meta == expected_meta and set(tensors) == set(expected)
    assert [name for name in expected if not torch.equal(tensors[name], expected[name])] == []


# --- memory ---

MEMORY = """
    import resource, sys
    import torch
    torch.set_num_threads(1)
    from vae_course.models import VAE
    from vae_course.training import fit
    from vae_course.configs import TrainConfig, VAEConfig
    from pathlib import Path
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB on Linux
    model = lambda: VAE(VAEConfig(hidden_dims=(8,), latent_dim=2))
    images = torch.full((100_000, 784), 7, dtype=torch.uint8)  # 75 MB; as floats 300 MB
    def train(images, checkpoint):
        config = TrainConfig(epochs=1, batch_size=1000, mean_image_start=True)
        fit(model(), images, config=config, validation=images[:20_000], checkpoint=Path(checkpoint), progress=False)
    train(images[:10_000], sys.argv[1] + "first")
    before = peak()
    train(images, sys.argv[1])
    print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs between systems")
def test_images_stay_uint8_in_memory(tmp_path: Path, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), str(tmp_path / "c")],
        env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 40  # one more copy of the images, even in uint8, would be 75
