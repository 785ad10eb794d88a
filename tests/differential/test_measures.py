"""The measures and the profiles are tested too: a comparison that could not fail would prove nothing."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests import images
from tests.differential import measures, oracle, profiles, sources


def photo() -> measures.Array:
    """A picture of 80 × 60."""
    return np.asarray(images.photo(80, 60)).astype(np.float64)


@pytest.mark.parametrize("by", [(0.5, 0.0), (0.0, 0.5), (0.1, -0.2), (-0.5, 0.25)])
def test_a_shift_is_measured(by: tuple[float, float]) -> None:
    """The same scene taken a part of a pixel aside is told to be so, to some hundredths."""
    scene = images.photo(800, 600)
    room = (100, 100, 700, 500)
    moved = [edge - 10 * by[place % 2] for place, edge in enumerate(room)]
    one, other = (
        np.asarray(scene.resize((60, 40), Image.Resampling.LANCZOS, box=tuple(box))).astype(np.float64)
        for box in (room, moved)
    )
    assert measures.shift(one, other) == pytest.approx(by, abs=0.07)


def test_half_a_pixel_aside_is_not_alike() -> None:
    """Each bound of the suite is passed by a mistake that it is there for."""
    scene = images.photo(800, 600)
    one, other = (
        np.asarray(scene.resize((60, 40), Image.Resampling.LANCZOS, box=(left, 100, left + 600, 500))).astype(float)
        for left in (100, 105)
    )
    assert measures.ssim(one, other) < 0.97
    assert measures.mean_delta_e(one, other) > 5


def test_a_cast_is_measured_and_grain_is_not_one() -> None:
    """Three levels of red more than there should be is a cast; noise of three levels is none."""
    noise = np.random.default_rng(1).integers(-3, 4, (60, 80, 3))
    assert measures.cast(photo(), np.clip(photo() + noise, 0, 255)) < 0.3
    assert measures.cast(photo(), np.clip(photo() + np.array([8, 0, 0]), 0, 255)) > 1
    assert measures.ssim(photo(), photo()) == pytest.approx(1)


def test_lab_is_that_of_the_tables() -> None:
    """Red of sRGB is L* 53.2, a* 80.1, b* 67.2; white is 100, 0, 0."""
    assert measures.lab(np.array([255.0, 0, 0])) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    assert measures.lab(np.array([255.0] * 3)) == pytest.approx([100, 0, 0], abs=0.1)


@pytest.mark.parametrize(
    ("profile", "inside", "srgb"),
    [
        (profiles.display_p3(), (234, 51, 35), (255, 0, 0)),
        (profiles.adobe_rgb(), (144, 255, 60), (0, 255, 0)),
        (profiles.adobe_rgb(), (219, 0, 0), (255, 0, 0)),
        (profiles.display_p3(), (255, 255, 255), (255, 255, 255)),
    ],
)
def test_the_profiles_mean_what_is_published(
    profile: bytes, inside: tuple[int, int, int], srgb: tuple[int, int, int]
) -> None:
    """Values of sRGB's corners in these spaces are known, and convert back to them."""
    picture = Image.new("RGB", (1, 1), inside)
    shown = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), 1
    )
    assert shown is not None
    assert shown.getpixel((0, 0)) == pytest.approx(srgb, abs=3)


@pytest.mark.parametrize("mode", ["display-p3", "adobe-rgb", "cmyk"])
def test_whoever_ignores_the_profile_is_found_out(mode: str) -> None:
    """The same colours taken for plain ones have a cast that no bound allows."""
    source = sources.source(mode)
    heeded = oracle.expected(source, (80, 60), "fill")[..., :3]
    with Image.open(BytesIO(source.data)) as picture:
        ignored = np.asarray(picture.convert("RGB").resize((80, 60))).astype(np.float64)
    assert max(measures.mean_delta_e(heeded, ignored) / 0.6, measures.cast(heeded, ignored) / 0.8) > 3
