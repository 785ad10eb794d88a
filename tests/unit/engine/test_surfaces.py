"""Blur, squares and sharpness: what mixes pixels, and mixes no colour in from clear ones."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imagemill.domain.formats import ImageFormat
from tests import images
from tests.unit.engine.rendering import distance, pixels, render

PHOTO = images.photo_png(300, 200)


@pytest.mark.parametrize("sigma", [0.8, 3, 11, 12.5, 30, 60])
def test_a_blur_is_gaussian(sigma: float) -> None:
    """Also where it is made on averaged blocks: within three levels of the sum written out."""
    result = pixels(render(PHOTO, blur=sigma, format="png"))
    assert distance(result, _gaussian(np.asarray(images.photo(300, 200)), sigma)) < 3


@pytest.mark.parametrize("sigma", [5, 12, 40, 200])
@pytest.mark.parametrize(("width", "height"), [(300, 20), (3, 250), (7, 7), (101, 103)])
def test_a_blur_goes_on_past_the_edge_with_what_is_at_the_edge(sigma: float, width: int, height: int) -> None:
    """On all sides alike, also of a picture that is lower than its blur: a banner does not become lighter."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[height // 2 :, :, 0], picture[:, width // 2 :, 1] = 255, 255
    result = pixels(render(images.saved(Image.fromarray(picture), ImageFormat.PNG), blur=sigma, format="png"))
    assert np.abs(result - _gaussian(picture, sigma)).max() <= 3


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 3.5, 5, 7, 11, 50])
@pytest.mark.parametrize("level", [255, 128])
def test_a_blur_makes_nothing_darker(sigma: float, level: int) -> None:
    """A plain picture stays as it is, to the digit."""
    plain = images.saved(Image.new("RGB", (60, 40), (level,) * 3), ImageFormat.PNG)
    assert np.unique(pixels(render(plain, blur=sigma, format="png"))).tolist() == [level]


def test_a_blur_is_in_css_pixels() -> None:
    """Twice the pixels, twice the sigma: the picture looks the same."""
    once = images.opened(render(images.photo_png(600, 400), width=150, blur=3, format="png").data)
    twice = images.opened(render(images.photo_png(600, 400), width=150, dpr=2, blur=3, format="png").data)
    assert distance(np.asarray(twice.resize(once.size)).astype(np.int16), np.asarray(once).astype(np.int16)) < 1.5


def test_a_large_blur_has_no_seams() -> None:
    """Blocks and their grid do not show: the steps between neighbours are as small as a smooth picture's."""
    result = pixels(render(PHOTO, blur=40, format="png"))
    assert np.abs(np.diff(result, axis=0)).max() <= 3
    assert np.abs(np.diff(result, axis=1)).max() <= 3


@pytest.mark.parametrize("options", [{"blur": 250, "dpr": 8}, {"pixelate": 1000, "dpr": 8}, {"blur": 0.01}])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (30, 20)])
def test_more_than_the_picture_is_no_trouble(options: dict[str, float], size: tuple[int, int]) -> None:
    """However small the picture is; past its size all of it is one colour."""
    data = images.saved(images.photo(*size), ImageFormat.PNG)
    result = pixels(render(data, format="png", **options))
    assert result.shape == (size[1], size[0], 3)
    if "dpr" in options:
        assert np.ptp(result, axis=(0, 1)).max() <= 4


@pytest.mark.parametrize("options", [{"blur": 4}, {"blur": 40}, {"pixelate": 10}, {"sharpen": 2}])
def test_clear_pixels_do_not_darken_edges(options: dict[str, float]) -> None:
    """A red disc on clear black stays red at its rim."""
    result = pixels(render(images.disc_png(100), format="png", **options))
    seen = result[result[..., 3] > 16]
    assert len(seen)
    assert seen[:, 0].min() >= 245
    assert seen[:, 1:3].max() <= 8


@pytest.mark.parametrize(("width", "height", "side"), [(300, 200, 20), (70, 45, 8), (50, 50, 7), (90, 4, 60)])
def test_squares_have_the_average_colour(width: int, height: int, side: int) -> None:
    """The grid begins in the top left corner; a last square is a part of one, and its colour the part's average."""
    picture = np.asarray(images.photo(width, height)).astype(float)
    result = pixels(render(images.photo_png(width, height), pixelate=side, format="png"))
    for top in range(0, height, side):
        for left in range(0, width, side):
            square = result[top : top + side, left : left + side]
            assert (square == square[0, 0]).all()
            assert np.abs(square[0, 0] - picture[top : top + side, left : left + side].mean(axis=(0, 1))).max() <= 1


@pytest.mark.parametrize("alpha", [1, 2, 3, 40, 255])
@pytest.mark.parametrize("options", [{"pixelate": 8}, {"blur": 3}, {"blur": 30}], ids=str)
def test_faint_colours_stay_what_they_are(alpha: int, options: dict[str, object]) -> None:
    """Weighed by a low alpha a colour is a small number, and rounded then it would be another one."""
    flat = images.saved(Image.new("RGBA", (50, 30), (200, 100, 50, alpha)), ImageFormat.PNG)
    result = pixels(render(flat, format="png", **options))
    assert np.abs(result - (200, 100, 50, alpha)).max() <= 1


def test_sharpening_lifts_edges_and_nothing_else() -> None:
    """Light becomes lighter and dark darker at an edge; even parts stay."""
    picture = Image.new("RGB", (60, 40), (100, 100, 100))
    picture.paste((160, 160, 160), (30, 0, 60, 40))
    row = pixels(render(images.saved(picture, ImageFormat.PNG), sharpen=2, format="png"))[20, :, 0]
    assert row[28] < 97
    assert row[31] > 163
    assert np.abs(row[:20] - 100).max() <= 1
    assert np.abs(row[40:] - 160).max() <= 1


def test_a_sharpened_picture_is_sharper() -> None:
    """The more sigma, the more contrast between neighbours, up to what libvips can and with any dpr."""
    soft = images.saved(images.photo(200, 150).filter(ImageFilter.GaussianBlur(1.5)), ImageFormat.PNG)
    edges = [np.abs(np.diff(pixels(render(soft, sharpen=s, format="png")), axis=1)).mean() for s in (0, 1, 4)]
    assert edges == sorted(edges)
    assert edges[0] < edges[2]
    assert render(soft, sharpen=10, dpr=8, format="png").size.width == 200


@pytest.mark.parametrize("data", [images.grey_png(60, 40), images.grey_png(60, 40, alpha=True)])
@pytest.mark.parametrize("options", [{"blur": 3}, {"pixelate": 5}, {"sharpen": 1}, {"blur": 30}])
def test_grey_stays_grey(data: bytes, options: dict[str, float]) -> None:
    """One band, or two with alpha."""
    assert pixels(render(data, format="png", **options)).shape == pixels(render(data, format="png")).shape


def _gaussian(picture: np.ndarray, sigma: float) -> np.ndarray:
    # The sum itself, with the edge going on as it is, one side after the other.
    reach = int(4 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    result = picture.astype(float)
    for axis in (0, 1):
        pad = [(reach, reach) if side == axis else (0, 0) for side in range(3)]
        edged = np.pad(result, pad, mode="edge")
        result = np.apply_along_axis(lambda line: np.convolve(line, weights, mode="valid"), axis, edged)
    return result
