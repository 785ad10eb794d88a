"""Where edges lie and what colour they have: drawn patterns whose answer can be worked out by hand."""

from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.recipe import Recipe
from tests import images
from tests.differential import measures, oracle
from tests.unit.engine.rendering import ENGINE, pixels, render

NEAR = 0.05
"""Pixels. Wrong by half a source pixel, the smallest mistake there is, is 0.06 at the strongest shrinking here."""


@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP])
@pytest.mark.parametrize("width", [400, 173, 100, 50])
@pytest.mark.parametrize("axis", [0, 1])
def test_an_edge_stays_in_its_place(format: ImageFormat, width: int, axis: int) -> None:
    """A step from black to white at 37 % of the picture is at 37 % of the output, to a twentieth of a pixel."""
    stored = np.zeros((400, 400), np.uint8)
    stored[:, 148:] = 255
    options = (
        {"lossless": True} if format is ImageFormat.WEBP else {} if format is ImageFormat.PNG else {"quality": 100}
    )
    data = images.saved(Image.fromarray(stored if axis else stored.T), format, **options)
    levels = pixels(render(data, width=width, format="png"), "L").astype(float)[..., 0]
    # How much of the line is dark: ringing on both sides of the edge is clipped alike and cancels out.
    position = (1 - levels.mean() / 255) * width
    assert position == pytest.approx(0.37 * width, abs=NEAR)


@pytest.mark.parametrize(("width", "near"), [(70, 0.18), (111, 0.18), (141, 0.18), (201, 0.3)])
def test_an_edge_near_the_end_of_a_jpeg_stays_in_its_place(width: int, near: float) -> None:
    """Where reading it smaller would lose many of its 1007 columns, it is read less small: an edge at 90 % stays there.

    At half its size one column is lost at most, and nothing is done about that.
    """
    stored = np.zeros((1007, 1007), np.uint8)
    stored[:, 906:] = 255
    data = images.saved(Image.fromarray(stored), ImageFormat.JPEG, quality=100)
    levels = pixels(render(data, width=width, format="png"), "L").astype(float)[..., 0]
    assert (1 - levels.mean() / 255) * width == pytest.approx(906 / 1007 * width, abs=near)


@pytest.mark.parametrize("times", [1.5, 2, 2.475, 5])
def test_an_edge_stays_in_its_place_when_it_is_enlarged(times: float) -> None:
    """The same from a smaller picture: what is invented between pixels lies between them."""
    stored = np.zeros((100, 100), np.uint8)
    stored[:, 37:] = 255
    width = int(100 * times)
    data = images.saved(Image.fromarray(stored), ImageFormat.PNG)
    levels = pixels(render(data, width=width, enlarge=True, format="png"), "L").astype(float)[..., 0]
    assert (1 - levels.mean() / 255) * width == pytest.approx(0.37 * width, abs=NEAR)


@pytest.mark.parametrize("fit", ["cover", "contain", "inside", "outside", "fill"])
def test_a_picture_that_is_alike_from_both_sides_stays_so(fit: str) -> None:
    """What is scaled and cut about its centre favours no side: mirrored before or after is the same.

    The box leaves an even number of pixels over. An odd one cannot be halved, and goes right and down.
    """
    half = np.asarray(images.photo(90, 120))
    data = images.saved(Image.fromarray(np.hstack([half, half[:, ::-1]])), ImageFormat.PNG)
    shown = pixels(render(data, width=60, height=48, fit=fit, format="png"), "RGBA")
    assert np.abs(shown - shown[:, ::-1]).max() <= 1


@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.TIFF])
@pytest.mark.parametrize("width", [99, 50, 16])
def test_what_is_under_clear_pixels_shows_nowhere(format: ImageFormat, width: int) -> None:
    """A disc's rim keeps its colour, whether its clear surroundings are stored as black, white or green."""
    discs = [_disc(hidden) for hidden in ((0, 0, 0), (255, 255, 255), (0, 255, 0))]
    options = {} if format in (ImageFormat.PNG, ImageFormat.TIFF) else {"lossless": True}
    shown = [oracle.opened(render(disc, width=width, format=format.value, **options).data) for disc in discs]
    for other in shown[1:]:
        np.testing.assert_allclose(oracle.seen(shown[0], 128), oracle.seen(other, 128), atol=1)
    rim = shown[0][(shown[0][..., 3] > 0.25) & (shown[0][..., 3] < 1)][:, :3]
    assert len(rim) > width
    # Coding alpha in 8 bits costs a faint pixel up to two levels of its colour.
    np.testing.assert_allclose(rim, np.broadcast_to((200, 120, 40), rim.shape), atol=3)


@pytest.mark.parametrize("ground", ["#fff", "#000"])
def test_a_rim_is_between_its_colour_and_the_ground(ground: str) -> None:
    """Laid on a ground, no pixel is darker or lighter than both: that would be the halo."""
    shown = pixels(render(_disc((0, 0, 0)), width=50, background=ground, format="png"), "RGB")
    level = 255 if ground == "#fff" else 0
    for band, colour in enumerate((200, 120, 40)):
        low, high = sorted((colour, level))
        assert low - 1 <= shown[..., band].min()
        assert shown[..., band].max() <= high + 1


def test_clear_and_opaque_stay_level() -> None:
    """A plain colour keeps its level, to the digit, whatever its alpha: nothing is rounded down on the way."""
    for alpha in (255, 200, 128, 64):
        plain = Image.new("RGBA", (90, 90), (201, 121, 41, alpha))
        shown = pixels(render(images.saved(plain, ImageFormat.PNG), width=40, format="png"))
        assert np.unique(shown.reshape(-1, 4), axis=0).tolist() == [[201, 121, 41, alpha]]


def _disc(hidden: tuple[int, int, int]) -> bytes:
    x, y = np.meshgrid(np.arange(200), np.arange(200))
    inside = (x - 99.5) ** 2 + (y - 99.5) ** 2 < 66**2
    stored: npt.NDArray[np.uint8] = np.zeros((200, 200, 4), np.uint8)
    stored[:] = (*hidden, 0)
    stored[inside] = (200, 120, 40, 255)
    return images.saved(Image.fromarray(stored), ImageFormat.PNG)


@pytest.mark.parametrize("times", [1.5, 3, 5])
def test_an_edge_of_a_watermark_stays_in_its_place_when_it_is_enlarged(times: float) -> None:
    """The mark is what Pillow makes of it at that size, and its edge is at 37 % of it."""
    mark = Image.fromarray(np.zeros((100, 100), np.uint8))
    mark.paste(255, (37, 0, 100, 100))
    side = int(100 * times)
    ground = images.saved(Image.new("RGB", (side, side), "red"), ImageFormat.PNG)
    token = "01000000-0000-5000-8000-000000000000"
    recipe = Recipe.parse({"width": side, "format": "png", "watermark": {"image": token, "scale": 1}})
    (laid,) = ENGINE.render(ground, recipe, marks={UUID(token): images.saved(mark, ImageFormat.PNG)})
    levels = pixels(laid, "L").astype(float)[..., 0]
    reference = np.asarray(mark.resize((side, side), Image.Resampling.BICUBIC)).astype(float)
    assert (1 - levels.mean() / 255) * side == pytest.approx(0.37 * side, abs=NEAR)
    # The two cubics differ by how steep they are: by 9 levels at an edge, and by 128 if it lay half a pixel aside.
    assert np.abs(levels - reference).max() < 20


@pytest.mark.parametrize("options", [{"rotate": 45}, {"rotate": 30}])
def test_what_is_turned_and_then_enlarged_lies_in_the_middle(options: dict[str, object]) -> None:
    """A picture that is the same upside down is so after a turn and a stretch; Pillow's lies in the same place."""
    half = images.photo(61, 31)
    whole = Image.new("RGB", (61, 62))
    whole.paste(half, (0, 0))
    whole.paste(half.transpose(Image.Transpose.ROTATE_180), (0, 31))
    data = images.saved(whole, ImageFormat.PNG)
    rendered = render(data, width=300, height=200, fit="fill", enlarge=True, background="#000", format="png", **options)
    shown = pixels(rendered).astype(float)
    assert np.abs(shown - shown[::-1, ::-1]).mean() < 0.5
    turned = whole.rotate(-float(str(options["rotate"])), Image.Resampling.BICUBIC, expand=True)
    reference = np.asarray(turned.resize((300, 200), Image.Resampling.BICUBIC)).astype(float)
    assert max(map(abs, measures.shift(reference, shown))) < NEAR


@pytest.mark.parametrize("axis", [0, 1])
def test_a_blurred_backdrop_lies_behind_the_middle(axis: int) -> None:
    """Half black and half white, it is as dark on the one side as it is light on the other."""
    stored = np.zeros((200, 200), np.uint8)
    stored[:, 100:] = 255
    data = images.saved(Image.fromarray(stored if axis else stored.T), ImageFormat.PNG)
    sides = {"width": 1200, "height": 800} if axis == 0 else {"width": 800, "height": 1200}
    shown = pixels(render(data, **sides, fit="contain", background="blur", format="png"), "L").astype(float)[..., 0]
    assert np.abs(shown + np.flip(shown, axis) - 255).max() <= 1


@pytest.mark.parametrize("sigma", [5, 30, 100])
def test_a_blur_moves_nothing(sigma: float) -> None:
    """Not even a large one, which is made small and large again."""
    stored = np.zeros((300, 300), np.uint8)
    stored[:, 150:] = 255
    data = images.saved(Image.fromarray(stored), ImageFormat.PNG)
    shown = pixels(render(data, blur=sigma, format="png"), "L").astype(float)[..., 0]
    assert np.abs(shown + shown[:, ::-1] - 255).max() <= 1
