"""Values survive the way between the processes; what is forged does no harm."""

from __future__ import annotations

import io
import socket

import numpy as np
import pytest
import sympy
import torch

from vae_course.classroom import wire

Z, W = sympy.symbols("z w", real=True)
VALUES = [
    None, True, 3, -(2**80), 0.1, float("inf"), "text", "\udce9", [1, [2.0, None]], (1, "a"), {"a": 1, 2: [3]}, 1 + 2j,
    np.arange(6).reshape(2, 3), np.float32(0.5), np.array(1.5), np.zeros((0, 3)), np.array([True, False]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(3, dtype=">i4"), np.array([1 + 1j]),
    torch.arange(6).reshape(2, 3), torch.tensor(0.25),
    torch.zeros(2, dtype=torch.bool), torch.ones(3, dtype=torch.float16),
    (Z**2 + W**2 - 2 * sympy.sqrt(1 - Z**2) * Z * W) / W**2, sympy.Rational(1, 3) * abs(Z), sympy.Float(0.1) + W,
]  # fmt: skip


def over(value):
    near, far = socket.socketpair()
    with near, far:
        wire.send(near, {"value": wire.pack(value)})
        return wire.unpack(wire.receive(far)["value"])


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__} {str(value)[:20]!a}")
def test_values_survive(value):
    got = over(value)
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        assert type(got) is type(value)
        assert tuple(got.shape) == tuple(value.shape)
        assert np.array_equal(np.asarray(got), np.asarray(value))
        assert str(got.dtype) == str(value.dtype).replace(">", "").replace("i4", "int32")
    else:
        assert got == value and type(got) is type(value)


def test_ellipsis_nan_and_what_needs_a_gradient_survive():
    assert over(...) is ...
    assert np.isnan(over(float("nan")))
    weight = torch.ones(2, requires_grad=True)
    assert torch.equal(over(weight * 2), torch.tensor([2.0, 2.0]))
    assert over(torch.eye(2).to_sparse()).tolist() == [[1, 0], [0, 1]]
    assert over(torch.ones(2, dtype=torch.bfloat16)).tolist() == [1, 1]


@pytest.mark.parametrize("make", [lambda: torch.Generator().manual_seed(3), lambda: np.random.default_rng(3)])
def test_generators_go_on_where_they_were(make):
    def draw(generator):
        if isinstance(generator, torch.Generator):
            return torch.randn(4, generator=generator).tolist()
        return generator.normal(size=4).tolist()

    here = make()
    draw(here)
    there = over(here)
    assert draw(here) == draw(there)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (object(), "object"),
        (io.StringIO(), "StringIO"),
        ((x for x in "ab"), "generator"),
        ({1, 2}, "set"),
        (b"x", "bytes"),
    ],
)
def test_strangers_say_only_what_they_were(value, name):
    got = over(value)
    assert type(got).__name__ == name
    assert not hasattr(got, "__dict__") or vars(got) == {}


def test_large_values_come_as_their_size():
    assert over(torch.zeros(()).expand(10**9)).size == 10**9
    assert over(np.broadcast_to(0.0, 10**9)).size == 10**9
    assert len(over([0] * 10**6)) == wire.MOST_NUMBERS + 1


@pytest.mark.parametrize(
    "packed",
    [
        [1],
        {"t": "array", "dtype": "O", "shape": [1], "b": ""},
        {"t": "array", "dtype": "f8", "shape": [-1], "b": ""},
        {"t": "array", "dtype": "f8", "shape": [10**12], "b": ""},
        {"t": "array", "dtype": "f8", "shape": [2], "b": "AAAA"},
        {"t": "tensor"},
        {"t": "formula", "v": ["__import__", "os"]},
        {"t": "formula", "v": ["Rational", 1, "x"]},
        {"t": "numpy generator", "state": {"bit_generator": "os.system"}},
        {"t": "torch generator", "state": "AAAA"},
        {"no": "kind"},
    ],
)
def test_forged_values_are_refused(packed):
    with pytest.raises((wire.BrokenMessageError, RuntimeError)):
        wire.unpack(packed)


@pytest.mark.parametrize(
    "content", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\2{x", b"\0\1\x86\xa0" + b"[" * 100_000]
)
def test_forged_messages_are_refused(content):
    near, far = socket.socketpair()
    with near, far:
        near.sendall(content)
        with pytest.raises(wire.BrokenMessageError):
            wire.receive(far)


def test_silence_and_the_end_are_told_apart():
    near, far = socket.socketpair()
    with far:
        with near, pytest.raises(TimeoutError):
            wire.receive(far, deadline=0.0)
        with pytest.raises(EOFError):
            wire.receive(far)
