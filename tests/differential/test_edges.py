"""Where edges lie and what colour they have: drawn patterns whose answer can be worked out by hand."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from tests import images
from tests.differential import oracle
from tests.unit.engine.rendering import pixels, render

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
