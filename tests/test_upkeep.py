"""The verbs that make stored files again: what they say when it can't be done, and when it is."""

from __future__ import annotations

from typing import Any

import pytest

from vae_course import retraining, runs, sweeping, zoo
from vae_course.commands import upkeep
from vae_course.commands.shell import CommandError

NO_DATA = FileNotFoundError("no MNIST here: run `vae-course data`")


def retrain(**options: Any) -> int:
    return upkeep.retrain_zoo(["ae-2d-s0"], **{"jobs": 1, "scheduler": None, "progress": False, **options})


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "scheduler", "said"),
    [
        (NO_DATA, None, "no MNIST here"),
        (ModuleNotFoundError("No module named 'distributed'"), "tcp://a:1", r"pip install 'vae-course\[cluster\]'"),
        (OSError("refused"), "tcp://a:1", "no Dask scheduler answers at tcp://a:1: refused"),
    ],
)
def test_what_keeps_the_zoo_from_being_trained_is_said(
    monkeypatch: pytest.MonkeyPatch, error: Exception, scheduler: str | None, said: str
) -> None:
    monkeypatch.setattr(retraining, "retrain", failing(error))
    with pytest.raises(CommandError, match=said):
        retrain(scheduler=scheduler)


def test_a_fault_of_the_disk_is_no_fault_of_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "retrain", failing(OSError("disk full")))
    with pytest.raises(CommandError, match=r"^disk full$"):
        retrain()


def test_an_unknown_model_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "retrain", failing(AssertionError("work was begun")))
    with pytest.raises(CommandError, match=r"the zoo has no vae-3000d; it has .*classifier-s0"):
        upkeep.retrain_zoo(["vae-3000d"], jobs=1, scheduler=None, progress=False)


@pytest.mark.parametrize(("name", "key"), [("vae-bernoulli-2d-s0", "elbo"), ("ae-2d-s0", "nll")])
def test_a_trained_model_is_told_with_its_held_out_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, key: str
) -> None:
    card = zoo.card(name)
    monkeypatch.setattr(retraining, "retrain", lambda *_, **__: {name: card})
    assert upkeep.retrain_zoo([name], jobs=1, scheduler=None, progress=False) == 0
    text = capsys.readouterr().out
    figures = card["held_out"]
    assert f"{name}  held-out {key} {figures[key]} ± {figures[f'{key}_standard_error']} nats" in text
    assert "1 model was trained again" in text


def test_runs_and_sweeps_say_that_the_data_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "remake", failing(NO_DATA))
    with pytest.raises(CommandError, match="no MNIST here"):
        upkeep.remake_runs([], progress=False)
    monkeypatch.setattr(sweeping, "remake", failing(NO_DATA))
    with pytest.raises(CommandError, match="no MNIST here"):
        upkeep.remake_sweeps([], jobs=1, progress=False)
