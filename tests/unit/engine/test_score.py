"""The score: what its formula says, worked out a second time with numpy, and what the eye would say."""

from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from imagemill.domain.formats import ImageFormat
from imagemill.engine import vips
from imagemill.engine.score import WEIGHTS, Reference
from tests import images

TOLERANCE = 2e-5
"""libvips adds up in single precision in places, numpy in double."""

Plane = npt.NDArray[np.float64]


def score(left: Image.Image, right: Image.Image) -> float:
    """The engine's score of two pictures."""
    one, other = (
        vips.in_memory(vips.open(images.saved(picture, ImageFormat.PNG), ImageFormat.PNG)) for picture in (left, right)
    )
    return Reference(one).score(other)


def independent(left: Image.Image, right: Image.Image) -> float:
    """The same number, window by window, as the paper tells it."""
    x, y = (_grey(picture) for picture in (left, right))
    pairs = [(x, y)]
    while len(pairs) < len(WEIGHTS) and min(pairs[-1][0].shape) >= 16:
        pairs.append(tuple(_halved(plane) for plane in pairs[-1]))
    weights = np.array(WEIGHTS[: len(pairs)]) / sum(WEIGHTS[: len(pairs)])
    values = [_likeness(*pair, whole=number == len(pairs) - 1) for number, pair in enumerate(pairs)]
    return float(np.prod(np.maximum(values, 0) ** weights))


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """A picture as it looks after JPEG."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return images.opened(file.getvalue())


@pytest.mark.parametrize("size", [(200, 150), (97, 61), (33, 18), (16, 16), (9, 200), (5, 7)])
@pytest.mark.parametrize("quality", [10, 60, 95])
def test_the_score_is_what_its_formula_says(size: tuple[int, int], quality: int) -> None:
    """Sides that divide evenly and such that do not, pictures with room for all scales and such without."""
    photo = images.photo(*size)
    damaged = as_jpeg(photo, quality)
    assert score(photo, damaged) == pytest.approx(independent(photo, damaged), abs=TOLERANCE)


def test_equal_pictures_score_one() -> None:
    """Nothing is more like a picture than itself."""
    assert score(images.photo(120, 90), images.photo(120, 90)) == 1.0


def test_worse_pictures_score_less() -> None:
    """The score falls with quality, and what the eye hardly sees costs hardly anything."""
    photo = images.photo(300, 200)
    falling = [score(photo, as_jpeg(photo, quality)) for quality in (95, 80, 50, 20, 5)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > 0.995
    assert falling[-1] < 0.97
    assert score(photo, photo.point(lambda level: level + 2)) > 0.999
    assert score(photo, photo.filter(ImageFilter.GaussianBlur(2))) < 0.985


def test_what_is_clear_is_looked_at_on_white_and_on_black() -> None:
    """Colours under clear pixels do not count; a hole in the picture does, whatever colour it has."""
    photo = images.photo(120, 90)
    holed, other = photo.convert("RGBA"), photo.convert("RGBA")
    holed.paste((255, 255, 255, 0), (30, 30, 60, 60))
    other.paste((10, 200, 30, 0), (30, 30, 60, 60))
    assert score(holed, other) == 1.0
    assert score(photo.convert("RGBA"), holed) < 0.99
    assert score(holed, photo) < 0.99


def test_an_encoder_that_drops_an_idle_alpha_loses_nothing() -> None:
    """WebP leaves an alpha channel out that is opaque everywhere."""
    photo = images.photo(60, 40)
    assert score(photo.convert("RGBA"), photo) == 1.0


def test_grey_is_judged_as_it_is() -> None:
    """A picture of one band has brightness only."""
    grey = images.photo(120, 90).convert("L")
    assert score(grey, as_jpeg(grey, 50)) == pytest.approx(independent(grey, as_jpeg(grey, 50)), abs=TOLERANCE)


def _grey(picture: Image.Image) -> Plane:
    pixels = np.asarray(picture, np.float64)
    return pixels @ (0.299, 0.587, 0.114) if pixels.ndim == 3 else pixels


def _halved(plane: Plane) -> Plane:
    rows, columns = (side // 2 for side in plane.shape)
    return plane[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))


def _likeness(x: Plane, y: Plane, *, whole: bool) -> float:
    values = []
    side = 8 if min(x.shape) >= 8 else None
    for top in range(0, x.shape[0] - 7, 4) if side else [0]:
        for left in range(0, x.shape[1] - 7, 4) if side else [0]:
            a, b = (plane[top:, left:][:side, :side] for plane in (x, y))
            covariance = np.mean(a * b) - a.mean() * b.mean()
            value = (2 * covariance + 58.5225) / (a.var() + b.var() + 58.5225)
            if whole:
                value *= (2 * a.mean() * b.mean() + 6.5025) / (a.mean() ** 2 + b.mean() ** 2 + 6.5025)
            values.append(value)
    return float(np.mean(values))
