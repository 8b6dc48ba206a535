import base64
import json
import re

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image as Picture
from PIL import ImageDraw

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore import DrawDigit
from vae_course.explore.draw_digit import class_plane
from vae_course.explore.packing import pack_bytes, pack_sparse
from vae_course.explore.pixels import halve
from vae_course.models import VAE, Autoencoder
from vae_course.types import Digits

GREY = 1 / 255


def payload_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]


@pytest.fixture(scope="module")
def model20() -> VAE:
    """The trained model of chapter 2's drawing board."""
    return zoo.load("vae-bernoulli-20d-s0")


@pytest.fixture(scope="module")
def explorer(model20, digits) -> DrawDigit:
    return DrawDigit(model20, digits)


@pytest.fixture(scope="module")
def page(explorer) -> str:
    return explorer.to_html()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.arange(3, 5000, 17)


@pytest.fixture(scope="module")
def answer(page, digits, rows, ask_node) -> dict:
    """What the page makes of some 300 real digits."""
    return ask_node("draw_look.mjs", {"payload": payload_of(page), "images": digits.images[rows].tolist()})


def column(answer: dict, key: str) -> np.ndarray:
    return np.array([look[key] for look in answer["looks"]])


# ---- the networks in the page


def test_page_encodes_as_pytorch_does(answer, model20, digits, rows):
    with torch.no_grad():
        posterior = model20.encode(to_unit(digits.images[rows]))
    assert posterior.mu.abs().max() > 3, "the means must spread, or the test would see little"
    assert np.abs(column(answer, "mu") - posterior.mu.numpy()).max() < 1e-3
    assert np.abs(column(answer, "std") - posterior.std.numpy()).max() < 1e-3
    np.testing.assert_allclose(column(answer, "log_volume"), 0.5 * posterior.logvar.sum(dim=1).numpy(), atol=1e-2)


def test_page_reconstructs_as_pytorch_does_to_one_grey(answer, model20, digits, rows):
    with torch.no_grad():
        wanted = model20.decode(model20.encode(to_unit(digits.images[rows])).mu).numpy()
    assert np.abs(column(answer, "x_mean") - wanted).max() <= GREY


def test_python_and_page_say_the_same(answer, model20, digits, rows):
    explorer = DrawDigit(model20, digits, n_points=500)
    for look, row in list(zip(answer["looks"], rows, strict=True))[::60]:
        explorer.image = digits.images[row]
        np.testing.assert_allclose(explorer.posterior.mu[0], look["mu"], atol=1e-5)
        np.testing.assert_allclose(explorer.posterior.logvar[0], look["logvar"], atol=1e-5)
        np.testing.assert_allclose(explorer.x_mean, look["x_mean"], atol=1e-5)
        assert explorer.nearest.label.tolist() == look["nearest"]
        np.testing.assert_allclose(explorer.nearest.distance, look["distance"], atol=1e-4)
        assert explorer.summary() == look["summary"]


def test_nearest_rows_are_rows_of_the_given_digits(explorer, model20, digits):
    with torch.no_grad():
        mu = model20.encode(to_unit(digits.images[explorer.nearest.row])).mu.numpy()
    distance = np.linalg.norm(mu - explorer.posterior.mu.numpy(), axis=1)
    np.testing.assert_allclose(distance, explorer.nearest.distance, atol=1e-3)
    assert (digits.labels[explorer.nearest.row].numpy() == explorer.nearest.label).all()


@pytest.mark.parametrize(
    "config",
    [
        VAEConfig(latent_dim=2, hidden_dims=(20,)),
        VAEConfig(latent_dim=3, hidden_dims=(30, 20), likelihood="gaussian"),
        VAEConfig(latent_dim=5, hidden_dims=(20,), heads="relu_both"),
        VAEConfig(latent_dim=5, hidden_dims=(20,), heads="relu_logvar"),
    ],
    ids=lambda config: f"{config.latent_dim}-{config.heads}",
)
def test_any_vae_works(config, digits, ask_node):
    model = VAE(config, generator=make_generator(3))
    with torch.no_grad():
        model.mu_head.weight *= 10
        model.logvar_head.weight *= 10
        x = to_unit(digits.images[::250])
        posterior = model.encode(x)
        x_mean = model.decode(posterior.mu).numpy()
    payload = payload_of(DrawDigit(model, digits, n_points=20).to_html())
    answer = ask_node("draw_look.mjs", {"payload": payload, "images": digits.images[::250].tolist()})
    np.testing.assert_allclose(column(answer, "mu"), posterior.mu, atol=1e-3)
    np.testing.assert_allclose(column(answer, "std"), posterior.std, atol=1e-3)
    assert np.abs(column(answer, "x_mean") - x_mean).max() <= GREY


# ---- the map


def test_with_two_latents_the_map_is_the_latent_space(model, digits, ask_node):
    explorer = DrawDigit(model, digits, n_points=50)
    answer = ask_node("draw_look.mjs", {"payload": explorer.payload, "images": [digits.images[7].tolist()]})
    with torch.no_grad():
        posterior = model.encode(to_unit(digits.images[7:8]))
    look = answer["looks"][0]
    np.testing.assert_allclose(look["mean"], posterior.mu[0], atol=1e-3)
    np.testing.assert_allclose(look["ellipse"]["radii"], np.sort(posterior.std[0].numpy())[::-1], atol=1e-4)
    np.testing.assert_allclose(answer["points"], explorer._mu, atol=1e-5)
    assert explorer.payload["axis_names"] == ["z₁", "z₂"]


def test_with_more_latents_the_map_is_the_plane_of_the_class_centres(explorer, answer):
    from sklearn.decomposition import PCA

    axes, labels = np.array(explorer.payload["axes"]), explorer._labels
    centres = np.stack([explorer._mu[labels == digit].mean(axis=0) for digit in range(10)])
    pca = PCA(2, svd_solver="full").fit(centres)
    np.testing.assert_allclose(np.abs((axes * pca.components_).sum(axis=1)), 1, atol=1e-5)
    share = (explorer._mu @ axes.T).var(axis=0).sum() / explorer._mu.var(axis=0).sum()
    assert explorer.payload["plane_share"] == round(100 * share)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-5)
    assert (axes[[0, 1], np.abs(axes).argmax(axis=1)] > 0).all(), "the sign is fixed"
    np.testing.assert_allclose(answer["points"], explorer._mu @ axes.T, atol=1e-5)
    assert np.abs(answer["points"]).max() <= explorer.payload["limit"]


@pytest.mark.parametrize("n_classes", [1, 2, 5])
def test_the_sign_of_the_plane_does_not_depend_on_the_data_s_sign(n_classes):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % n_classes
    mu = rng.normal(size=(200, 6)) * np.array([5, 3, 1, 1, 1, 0.5]) + 3 * rng.normal(size=(5, 6))[labels]
    np.testing.assert_allclose(class_plane(mu, labels).axes, class_plane(-mu, labels).axes, atol=1e-6)


def test_the_ellipse_is_that_of_the_projected_covariance(explorer, answer):
    axes = np.array(explorer.payload["axes"])
    for look in answer["looks"][:20]:
        variance, vectors = np.linalg.eigh(axes @ np.diag(np.exp(look["logvar"])) @ axes.T)
        np.testing.assert_allclose(look["ellipse"]["radii"], np.sqrt(variance[::-1]), rtol=1e-5)
        long = np.array([np.cos(look["ellipse"]["angle"]), np.sin(look["ellipse"]["angle"])])
        assert abs(long @ vectors[:, 1]) == pytest.approx(1, abs=1e-4)
    # Sampling agrees: of a Gaussian in the plane, 1 - exp(-1/2) lies within the 1-sd ellipse.
    look = answer["looks"][0]
    z = np.random.default_rng(1).normal(look["mu"], look["std"], (20_000, 20)) @ axes.T - look["mean"]
    angle, (a, b) = look["ellipse"]["angle"], look["ellipse"]["radii"]
    along, across = z @ [np.cos(angle), np.sin(angle)], z @ [-np.sin(angle), np.cos(angle)]
    assert np.mean((along / a) ** 2 + (across / b) ** 2 < 1) == pytest.approx(1 - np.exp(-0.5), abs=0.015)


# ---- the drawing


def box_and_centre(image: np.ndarray) -> tuple[int, np.ndarray]:
    ink = image.reshape(28, 28).astype(float)
    places = np.argwhere(ink > 0)
    centre = (ink[..., None] * np.stack(np.indices((28, 28)), axis=-1)).sum(axis=(0, 1)) / ink.sum()
    return int(np.ptp(places, axis=0).max()) + 1, centre


def test_a_drawing_has_the_box_and_the_centre_of_real_digits(digits, ask_node):
    real = [box_and_centre(image) for image in digits.images[::10].numpy()]
    assert {box for box, _ in real} <= {19, 20}
    assert np.abs(np.array([centre for _, centre in real]) - 14).max() <= 0.5
    rng = np.random.default_rng(5)
    drawings = [{"strokes": (0.5 + 0.1 * rng.normal(size=(2, 6, 2))).tolist(), "pen": 0.05} for _ in range(20)]
    for prepared in ask_node("draw_look.mjs", {"drawings": drawings})["prepared"]:
        box, centre = box_and_centre(np.array(prepared))
        assert box == 20
        assert np.abs(centre - 14).max() <= 0.51  # by the whole numbers of its greys


def test_drawings_are_prepared_as_an_image_library_would(ask_node):
    """Drawn large by Pillow, cut to its ink, shrunk to 20 pixels by area, centred by its centre of mass."""
    curve = np.linspace(0, 1.6 * np.pi, 60)
    strokes = [np.stack([0.45 + 0.2 * np.cos(curve), 0.5 - 0.33 * np.sin(curve)], axis=1), [[0.4, 0.5], [0.6, 0.7]]]
    strokes = [np.asarray(points).tolist() for points in strokes]
    pen, size = 0.07, 2000
    sheet = Picture.new("L", (size, size))
    draw = ImageDraw.Draw(sheet)
    for points in strokes:
        at = [(x * size, y * size) for x, y in points]
        draw.line(at, fill=255, width=round(pen * size))
        for x, y in at:
            draw.circle((x, y), pen * size / 2, fill=255)
    sheet = sheet.crop(sheet.getbbox())
    scale = 20 / max(sheet.size)
    # Onto a square first, so that shrinking keeps the place of the edges.
    square = Picture.new("L", (max(sheet.size),) * 2)
    square.paste(sheet)
    small = np.asarray(square.resize((20, 20), Picture.Resampling.BOX), dtype=float)
    assert scale < 1
    centre = (small[..., None] * np.stack(np.indices((20, 20)), axis=-1)).sum(axis=(0, 1)) / small.sum()
    top, left = np.rint(14 - centre).astype(int)
    wanted = np.zeros((48, 48))  # of a narrow drawing the box reaches beyond the image, its ink does not
    wanted[top : top + 20, left : left + 20] = small
    answer = ask_node("draw_look.mjs", {"drawings": [{"strokes": strokes, "pen": pen}]})["prepared"][0]
    difference = np.abs(np.array(answer).reshape(28, 28) - wanted[:28, :28])
    assert difference.max() < 12
    assert difference.mean() < 1


def test_examples_are_passed_on_exactly_and_spread_over_the_classes(explorer, answer, digits, page, ask_node):
    assert len(answer["examples"]) == 20
    given = {tuple(image) for image in digits.images.tolist()}
    assert all(tuple(image) in given for image in answer["examples"])
    assert explorer.payload["example_labels"] == pack_bytes(np.repeat(np.arange(10), 2))
    image = answer["examples"][4]
    same = ask_node("draw_look.mjs", {"drawings": [{"strokes": [], "pen": 0.1, "over": image}]})["prepared"][0]
    assert same == image


def test_it_starts_with_a_nine(explorer, digits):
    row = (digits.images == torch.from_numpy(np.rint(explorer.x * 255)).to(torch.uint8)).all(dim=1).nonzero()[0, 0]
    assert digits.labels[row] == 9


def test_halved_images_are_means_of_four_pixels():
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    image[0, 2:4, 6:8] = [[10, 20], [30, 44]]
    halved = halve(image.reshape(1, -1)).reshape(14, 14)
    assert halved[1, 3] == 26
    assert halved.sum() == 26


@pytest.mark.parametrize("values", [[0] * 784, [0] * 256 + [1], [0] * 257, [3, 0, 0, 255], [0]])
def test_sparse_bytes_come_back(values):
    packed, back = base64.b64decode(pack_sparse(values)), []
    places = iter(packed)
    for value in places:
        back.extend([value] if value else [0] * (next(places) + 1))
    assert back == values


# ---- the page


def test_html_is_light_and_the_same_each_time(model20, digits, page):
    assert len(page) < 1_050_000
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = DrawDigit(model20, digits).to_html()
    finally:
        torch.set_num_threads(threads)
    assert again == page
    assert not re.search(r"https?://|@import|url\(", page)
    assert "onclick" not in page


def test_without_scripts_picture_and_words_stand_in(explorer, page):
    assert explorer.summary() in page.replace("&#x27;", "'")
    assert len(explorer.picture_alt()) > 100
    assert explorer.picture().get_axes()


def test_jupyter_gets_a_widget_and_the_page_html_from_the_same_module(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert set(data) >= {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert explorer.get_state()["_esm"] in data["text/html"]


# ---- traits and errors


def test_the_image_can_be_set_in_many_forms_and_read_as_x(model20, digits):
    explorer = DrawDigit(model20, digits, n_points=5, n_examples=1)
    image = digits.images[77]
    for form in (image, image.numpy(), image.reshape(28, 28), image.tolist(), to_unit(image), pack_bytes(image)):
        explorer.image = digits.images[0]
        explorer.image = form
        np.testing.assert_array_equal(explorer.x, image.numpy() / 255)
        assert isinstance(explorer.get_state("image")["image"], str)
    seen = []
    explorer.observe(lambda change: seen.append(change.new), "image")
    explorer.image = to_unit(image)
    assert not seen, "the same image again is no change"
    explorer.image = torch.zeros(784)
    assert len(seen) == 1
    assert explorer.summary().startswith("The sheet is empty")


@pytest.mark.parametrize(
    "image",
    [np.zeros(783), np.full(784, 256), np.full(784, -1), np.full(784, 1.5), np.full(784, np.nan), "abc", "é", None],
)
def test_what_is_no_image_is_refused(explorer, image):
    with pytest.raises(traitlets.TraitError, match=r"image must hold 784 pixels"):
        explorer.image = image


def test_models_and_digits_that_cannot_be_shown_are_refused(model20, digits):
    with pytest.raises(TypeError, match="must be a VAE, got Autoencoder"):
        DrawDigit(Autoencoder(VAEConfig(latent_dim=2)), digits)
    with pytest.raises(ValueError, match="latent_dim 2 or more"):
        DrawDigit(VAE(VAEConfig(latent_dim=1)), digits)
    with pytest.raises(ValueError, match="uint8"):
        DrawDigit(model20, Digits(to_unit(digits.images), digits.labels))
    with pytest.raises(ValueError, match="at least 5"):
        DrawDigit(model20, digits, n_points=3)
    with pytest.raises(ValueError, match="n_examples"):
        DrawDigit(model20, digits, n_examples=0)


def test_few_classes_are_enough(model20, digits, ask_node):
    some = digits.labels < 3
    explorer = DrawDigit(model20, Digits(digits.images[some], digits.labels[some]), n_points=60, n_examples=4)
    assert explorer.picture().get_axes()
    answer = ask_node("draw_look.mjs", {"payload": explorer.payload, "images": [digits.images[0].tolist()]})
    assert len(answer["examples"]) == 4


def test_on_the_way_from_9_to_0_the_posterior_narrows(ask_node):
    """What chapter 2 says of the figure: the reading changes, and just there no posterior is wide."""
    morphed = ask_node("draw_look.mjs", {"shares": [i / 20 for i in range(21)]})["morphed"]
    x = torch.tensor(morphed) / 255
    doubt = zoo.load("classifier-s0").entropy(x)
    reading = zoo.load("classifier-s0").probabilities(x).argmax(dim=1)
    assert (int(reading[0]), int(reading[-1])) == (9, 0)
    assert 0 < int(doubt.argmax()) < 20
    for seed in range(3):
        volume = 0.5 * zoo.load(f"vae-bernoulli-20d-s{seed}").encode(x).logvar.sum(dim=1)
        assert volume[int(doubt.argmax())] < volume[0] - 1
        assert volume.max() < volume[0] + 0.5
