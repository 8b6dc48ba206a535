"""The classifier and its training."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical

from vae_course import load_digits, make_generator, to_unit
from vae_course.classification import fit_classifier
from vae_course.configs import ClassifierConfig, TrainConfig
from vae_course.models import Classifier
from vae_course.types import Digits

QUICK = TrainConfig(epochs=3, batch_size=50, lr=3e-3)


@pytest.fixture(scope="module")
def digits() -> Digits:
    every = load_digits()
    return Digits(every.images[::4], every.labels[::4])


def test_it_learns_to_read_digits_not_trained_on(digits: Digits) -> None:
    model = Classifier()
    losses = fit_classifier(model, digits, config=QUICK, progress=False)
    assert losses.shape == (75,)
    assert losses[-10:].mean() < 0.5 < losses[:10].mean()
    held_out = load_digits()
    read = model.probabilities(to_unit(held_out.images[1::4])).argmax(dim=1)
    assert (read == held_out.labels[1::4]).float().mean() > 0.85


def test_the_same_seeds_give_the_same_weights(digits: Digits) -> None:
    models = [Classifier(generator=make_generator(2)) for _ in range(2)]
    for model in models:
        fit_classifier(model, digits, config=QUICK, progress=False)
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_probabilities_and_entropy_are_those_of_a_categorical() -> None:
    model = Classifier(ClassifierConfig(hidden_dims=(20, 10)))
    x = to_unit(load_digits().images[::1000])
    wanted = Categorical(logits=model(x))
    torch.testing.assert_close(model.probabilities(x), wanted.probs)
    torch.testing.assert_close(model.entropy(x), wanted.entropy())


def test_the_logits_are_read_from_the_last_hidden_layer() -> None:
    model = Classifier(ClassifierConfig(hidden_dims=(20, 10)))
    x = to_unit(load_digits().images[::1000])
    features = model.features(x)
    assert features.shape == (5, 10) and float(features.detach().min()) >= 0
    torch.testing.assert_close(features @ model.output.weight.T + model.output.bias, model(x))
    with pytest.raises(ValueError, match=r"\(n, 784\)"):
        model.features(x[0])


def test_a_sure_reading_has_no_entropy_and_no_nan() -> None:
    model = Classifier()
    with torch.no_grad():
        model.output.bias[3] = 1e4
    entropy = model.entropy(torch.zeros(2, 784))
    assert torch.equal(entropy, torch.zeros(2))


@pytest.mark.parametrize("labels", [torch.tensor([0, 10]), torch.tensor([-1, 0]), torch.tensor([1])])
def test_labels_without_a_class_or_an_image_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="labels"):
        fit_classifier(Classifier(), Digits(torch.zeros(2, 784, dtype=torch.uint8), labels), progress=False)


def test_a_loss_that_runs_away_is_reported(digits: Digits) -> None:
    with pytest.raises(FloatingPointError, match="learning rate"):
        fit_classifier(Classifier(), digits, config=TrainConfig(epochs=1, lr=1e30), progress=False)


def test_a_bottleneck_is_linear_and_what_the_logits_are_read_from(digits: Digits) -> None:
    model = Classifier(ClassifierConfig(hidden_dims=(30,), bottleneck=2), generator=make_generator(2))
    x = to_unit(digits.images[::10])
    features = model.features(x)
    assert features.shape == (len(x), 2)
    assert (features < 0).any() and (features > 0).any()  # no ReLU behind it
    torch.testing.assert_close(model(x), features @ model.output.weight.T + model.output.bias)
    plain = Classifier(ClassifierConfig(hidden_dims=(30,)), generator=make_generator(2))
    assert torch.equal(plain.body[0].weight, model.body[0].weight)  # drawn last, so that nothing else changes
    fit_classifier(model, digits, config=TrainConfig(epochs=10, batch_size=50, lr=1e-2), progress=False)
    assert (model(x).argmax(dim=1) == digits.labels[::10]).float().mean() > 0.8
