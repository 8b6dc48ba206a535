import base64

import numpy as np
import pytest
import torch
from torch import nn

from vae_course.explore.packing import pack_greys, pack_layers, pack_matrix, unpack_matrix


def test_matrix_comes_back_to_half_a_step_of_each_row():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(7, 50)) * 10.0 ** np.arange(-3, 4)[:, None]
    matrix[3] = 0
    step = np.abs(matrix).max(axis=1, keepdims=True) / 32767
    assert (np.abs(unpack_matrix(pack_matrix(matrix)) - matrix) <= 0.51 * step).all()


def test_matrix_takes_two_bytes_a_number():
    packed = pack_matrix(np.ones((784, 400)))
    assert len(base64.b64decode(packed["values"])) == 2 * 784 * 400


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((0, 2)), [[1, np.nan]], [[np.inf, 1]]])
def test_matrix_that_cannot_be_packed_is_refused(bad):
    with pytest.raises(ValueError, match="matrix"):
        pack_matrix(bad)


def test_only_layers_that_the_page_knows_are_packed():
    with pytest.raises(TypeError, match="Tanh"):
        pack_layers(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Linear(3, 4))
    kinds = [layer["activation"] for layer in pack_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 4))]
    assert kinds == ["relu", "sigmoid"]
    for last in ("none", "relu"):
        assert pack_layers(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4), last=last)[-1]["activation"] == last
    with pytest.raises(ValueError, match="last must be one of"):
        pack_layers(nn.Linear(2, 3), last="tanh")


@pytest.mark.parametrize("case", ["noise", "paper", "ink", "digits", "odd"])
def test_greys_come_back_within_half_a_grey(case, ask_node, digits):
    rng = np.random.default_rng(0)
    images = {
        "noise": rng.integers(0, 256, (3, 784)) * (rng.random((3, 784)) < 0.5),
        "paper": np.zeros((2, 784)),
        "ink": np.full((1, 784), 255),
        "digits": digits.images[::500].numpy(),
        "odd": np.array([[0] * 16 + [9, 255, 0, 0, 128] + [0] * 17]),
    }[case].astype(np.uint8)
    ink = np.array(ask_node("unpack.mjs", {"text": pack_greys(images), "length": images.size}))
    # One sixteenth of the range is a step; half a step off at most.
    assert np.abs(ink - images.reshape(-1) / 255).max() <= 0.5 / 15 + 1e-3


def test_greys_take_less_than_a_fifth_of_the_bytes(digits):
    images = torch.as_tensor(digits.images[::50]).numpy()
    assert len(base64.b64decode(pack_greys(images))) < images.size / 5
