"""Training with a history of every step, snapshots and checkpoints (level 2)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from vae_course.checks import check_count, make_generator
from vae_course.configs import TrainConfig
from vae_course.cpu import choose_matmul, matmul
from vae_course.data import to_unit
from vae_course.files import BrokenFileError, check_shapes, load_tensors, save_tensors
from vae_course.models import VAE, Autoencoder, LossTerms
from vae_course.models.layers import check_images
from vae_course.schedules import Constraint, kl_weight, learning_rate
from vae_course.types import Evaluation, History, Snapshot

OnEpoch = Callable[[History], None]
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam keeps of each weight


def fit(
    model: Autoencoder,
    images: Tensor,
    *,
    config: TrainConfig | None = None,
    validation: Tensor | None = None,
    probe: Tensor | None = None,
    snapshot_steps: Sequence[int] = (),
    checkpoint: Path | None = None,
    on_epoch: OnEpoch | None = None,
    progress: bool = True,
) -> History:
    """Trains `model` in place on `images`, (n, input_dim) uint8, and returns what was logged.

    validation: uint8 images whose loss is taken before the first and after every epoch.
    probe, snapshot_steps: uint8 images that are encoded and decoded before the updates so numbered; the number of
        all updates stands for the trained model.
    checkpoint: a file written after every epoch. If it exists and belongs to the same run (model, start,
        images, config), the training goes on from it and ends with the same weights, bit for bit, as if
        it had never been stopped.
    on_epoch: called with the history so far, before the first and after every epoch (for live curves).

    Raises ValueError on wrong shapes, dtypes or the checkpoint of another run, BrokenFileError on a
    damaged one, and FloatingPointError when the loss stops being finite.
    """
    run = _Run(model, images, config or TrainConfig(), validation, probe, snapshot_steps)
    resumed = checkpoint is not None and run.resume(checkpoint)
    with matmul(run.matmul), torch.enable_grad():  # also where the caller has turned gradients off
        if not resumed:
            run.start()
        return _train(run, checkpoint=checkpoint, on_epoch=on_epoch, progress=progress)


def _train(run: _Run, *, checkpoint: Path | None, on_epoch: OnEpoch | None, progress: bool) -> History:
    if on_epoch:
        on_epoch(run.history())
    done, epochs = run.step // run.steps_per_epoch, run.config.epochs
    bar = tqdm(range(done, epochs), initial=done, total=epochs, unit="epoch", disable=not progress)
    for _ in bar:
        loss = run.train_epoch()
        run.evaluate()
        bar.set_postfix_str(f"{loss:.1f} nats")
        if checkpoint is not None:
            run.save(checkpoint)
        if on_epoch:
            on_epoch(run.history())
    run.take_snapshot()
    return run.history()


def loss_terms(model: Autoencoder, images: Tensor, *, generator: torch.Generator, batch_size: int = 1000) -> LossTerms:
    """Both terms of the negative ELBO of each image, in nats, without gradients.

    images: (n, input_dim) uint8. Returns nll (n,) at one z drawn for each image, kl_per_latent (n, latent_dim).
    """
    check_images("images", images, model.config.input_dim)
    check_count("batch_size", batch_size)
    latent_dim = model.config.latent_dim
    terms = LossTerms(torch.empty(len(images)), torch.empty(len(images), latent_dim))
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            x = to_unit(images[batch])
            terms.nll[batch], terms.kl_per_latent[batch] = model.loss_terms(
                x, torch.randn(len(x), latent_dim, generator=generator)
            )
    return terms


class _Run:
    """One training: the model, its optimiser and all that has been logged. Can be put away and taken up again."""

    def __init__(
        self,
        model: Autoencoder,
        images: Tensor,
        config: TrainConfig,
        validation: Tensor | None,
        probe: Tensor | None,
        snapshot_steps: Sequence[int],
    ) -> None:
        for name, batch in (("images", images), ("validation", validation), ("probe", probe)):
            if batch is not None:
                check_images(name, batch, model.config.input_dim)
        if snapshot_steps and probe is None:
            raise ValueError("snapshot_steps need probe images to encode; pass probe=images[:100], say")
        self.model, self.images, self.config = model, images, config
        self.validation, self.probe, self.snapshot_steps = validation, probe, frozenset(snapshot_steps)
        self.steps_per_epoch = math.ceil(len(images) / config.batch_size)
        self.n_steps = config.epochs * self.steps_per_epoch
        _check_steps(snapshot_steps, self.n_steps)
        self.fingerprint = ""  # taken when there is a checkpoint to compare with
        self.matmul = choose_matmul()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, betas=(0.9, config.beta2), fused=True)
        self.generator = make_generator(config.seed)
        self.step = 0
        self.nll = torch.zeros(self.n_steps)  # filled step by step
        self.kl_per_latent = torch.zeros(self.n_steps, model.config.latent_dim)
        self.beta = torch.tensor([kl_weight(config, step, self.steps_per_epoch) for step in range(self.n_steps)])
        self.constraint = Constraint(config.beta)
        self.evaluations: list[Evaluation] = []
        self.snapshots: list[Snapshot] = []

    def start(self) -> None:
        """What comes before the first update of a fresh run."""
        if self.config.mean_image_start:
            self.model.set_output_bias(_mean_image(self.images))
        self.evaluate()

    def train_epoch(self) -> float:
        """One pass over the images in a fresh order. Returns its mean loss, in nats per image."""
        order = torch.randperm(len(self.images), generator=self.generator)
        for chosen in order.split(self.config.batch_size):
            self.take_snapshot()
            self._update(to_unit(self.images.index_select(0, chosen)))  # six times as fast as images[chosen]
            self.step += 1
        epoch = slice(self.step - self.steps_per_epoch, self.step)
        loss = float((self.nll[epoch] + self.beta[epoch] * self.kl_per_latent[epoch].sum(dim=1)).mean())
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss is no longer finite after step {self.step}; take a lower learning rate than {self.config.lr}"
            )
        return loss

    def _update(self, x: Tensor) -> None:
        eps = torch.randn(len(x), self.model.config.latent_dim, generator=self.generator)
        nll_per_image, kl = self.model.loss_terms(x, eps)
        nll, kl_per_latent = nll_per_image.mean(), kl.mean(dim=0)
        target, beta = self.config.target_nll, kl_weight(self.config, self.step, self.steps_per_epoch)
        if target is not None:
            beta = self.constraint.beta
            self.beta[self.step] = beta
            self.constraint = self.constraint.after(float(nll.detach()), target, self.model.config.input_dim)
        loss = nll + beta * kl_per_latent.sum()
        self.optimizer.param_groups[0]["lr"] = learning_rate(self.config, self.step, self.n_steps)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.nll[self.step] = nll.detach()
        self.kl_per_latent[self.step] = kl_per_latent.detach()

    def take_snapshot(self) -> None:
        """Encodes and decodes the probe if it was asked for at this step."""
        if self.probe is None or self.step not in self.snapshot_steps:
            return
        with torch.no_grad():
            x = to_unit(self.probe)
            mu = self.model.encode_point(x)
            logvar = self.model.encode(x).logvar if isinstance(self.model, VAE) else torch.full_like(mu, -math.inf)
            self.snapshots.append(Snapshot(self.step, mu, logvar, self.model.decode(mu)))

    def evaluate(self) -> None:
        """Logs the loss of the validation images; the same noise every time, so that epochs compare."""
        if self.validation is not None:
            nll, kl = loss_terms(self.model, self.validation, generator=make_generator(0))
            self.evaluations.append(Evaluation(self.step, float(nll.mean()), float(kl.sum(dim=1).mean())))

    def history(self) -> History:
        """All that has been logged so far."""
        kl_per_latent = self.kl_per_latent[: self.step].clone()
        return History(
            nll=self.nll[: self.step].clone(),
            kl=kl_per_latent.sum(dim=1),
            kl_per_latent=kl_per_latent,
            steps_per_epoch=self.steps_per_epoch,
            validation=tuple(self.evaluations),
            snapshots=tuple(self.snapshots),
            beta=self.beta[: self.step].clone(),
        )

    def save(self, path: Path) -> None:
        """Puts the run away: weights, optimiser, random state and logs."""
        history = self.history()
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in moments.items()}
        for index, snapshot in enumerate(history.snapshots):
            tensors |= {f"snapshot.{index}.{name}": getattr(snapshot, name) for name in Snapshot._fields[1:]}
        tensors |= {"nll": history.nll, "kl_per_latent": history.kl_per_latent, "random": self.generator.get_state()}
        meta: dict[str, Any] = {
            "fingerprint": self.fingerprint,
            "step": self.step,
            "matmul": self.matmul,
            "evaluations": [list(evaluation) for evaluation in self.evaluations],
            "snapshot_steps": [snapshot.step for snapshot in self.snapshots],
        }
        if self.config.target_nll is not None:
            tensors["beta"] = self.beta[: self.step].clone()
            meta["constraint"] = list(self.constraint)
        save_tensors(path, tensors, meta)

    def resume(self, path: Path) -> bool:
        """Takes the run up again; False if `path` does not exist. Raises ValueError if another run wrote it."""
        self.fingerprint = self._fingerprint()
        if not path.exists():
            return False
        tensors, meta = load_tensors(path)
        if meta.get("fingerprint") != self.fingerprint:
            raise ValueError(
                f"{path} belongs to another run (other model, start, images or config); "
                "delete it or name another checkpoint"
            )
        self._check_saved(path, tensors, meta)
        self.model.load_state_dict({n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")})
        state: dict[int, dict[str, Tensor]] = {}
        for index, parameter in enumerate(self.model.parameters()):
            for moment in _MOMENTS if f"adam.{index}.step" in tensors else ():
                value = tensors[f"adam.{index}.{moment}"]
                # Fused Adam goes through memory: moments must lie there as their weights do, which a file doesn't keep.
                laid_out = value if moment == "step" else torch.empty_like(parameter.detach()).copy_(value)
                state.setdefault(index, {})[moment] = laid_out
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        self.generator.set_state(tensors["random"])
        self.step = meta["step"]
        self.matmul = meta["matmul"]  # whatever this machine would choose: the run must end with the same weights
        self.nll[: self.step], self.kl_per_latent[: self.step] = tensors["nll"], tensors["kl_per_latent"]
        if self.config.target_nll is not None:
            self.beta[: self.step] = tensors["beta"]
            self.constraint = Constraint(*meta["constraint"])
        self.evaluations = [Evaluation(*values) for values in meta["evaluations"]]
        self.snapshots = [
            Snapshot(step, *(tensors[f"snapshot.{index}.{name}"] for name in Snapshot._fields[1:]))
            for index, step in enumerate(meta["snapshot_steps"])
        ]
        return True

    def _check_saved(self, path: Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """Refuses what `save` does not write, before anything of it is taken."""
        step = meta.get("step")
        if type(step) is not int or step not in range(0, self.n_steps + 1, self.steps_per_epoch):
            raise BrokenFileError(f"{path} is no checkpoint of fit: its step {step!r} ends no epoch; delete it")
        weights = {f"model.{name}": value.shape for name, value in self.model.state_dict().items()}
        logs = {"nll": (step,), "kl_per_latent": (step, self.model.config.latent_dim)}
        wanted = weights | logs | {"random": self.generator.get_state().shape}
        for index, parameter in enumerate(self.model.parameters()):
            if f"adam.{index}.step" in tensors:
                wanted |= {f"adam.{index}.{m}": () if m == "step" else parameter.shape for m in _MOMENTS}
        check_shapes(path, tensors, wanted)
        if spoilt := [name for name in weights if not tensors[name].isfinite().all()]:
            advice = f"delete it and train with a lower learning rate than {self.config.lr}"
            raise BrokenFileError(f"{path} holds numbers that are not finite in {', '.join(spoilt)}; {advice}")

    def _fingerprint(self) -> str:
        """Names all that decides how the run goes: two runs with the same one end with the same weights."""
        configs = [self.model.config.to_json(), self.config.to_json(), sorted(self.snapshot_steps)]
        digest = hashlib.sha256(json.dumps([type(self.model).__name__, *configs], sort_keys=True).encode())
        for tensor in (*self.model.parameters(), self.images, self.validation, self.probe):
            digest.update(str(None if tensor is None else tuple(tensor.shape)).encode())
            if tensor is not None:
                digest.update(tensor.detach().contiguous().view(-1).numpy().data)
        return digest.hexdigest()


def _mean_image(images: Tensor) -> Tensor:
    """The mean of uint8 images, (input_dim,) in [0, 1]. In blocks: no copy of the whole set in a wider type."""
    total = sum((block.sum(dim=0) for block in images.split(1000)), torch.zeros(images.shape[1], dtype=torch.int64))
    return (total.double() / (255 * len(images))).float()


def _check_steps(steps: Sequence[int], n_steps: int) -> None:
    if outside := [step for step in steps if not 0 <= step <= n_steps]:
        raise ValueError(f"snapshot_steps must lie between 0 and {n_steps}, the number of updates, got {outside}")
