"""With `profile=keep` what is added to a picture looks as it does without: LittleCMS converts it for a screen."""

from io import BytesIO
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.recipe import Recipe
from tests import images
from tests.differential import measures, oracle, profiles, sources
from tests.differential.oracle import Array
from tests.unit.engine.rendering import ENGINE

TOKEN = "01000000-0000-5000-8000-000000000000"
RED, GREEN = (224, 16, 32), (0, 255, 0)


@pytest.mark.parametrize("mode", ["display-p3", "adobe-rgb", "display-p3-alpha", "rgb", "grey"])
@pytest.mark.parametrize(
    ("options", "colour"),
    [
        ({"pad": 20, "background": "#e01020"}, RED),
        ({"rotate": 45, "background": "#e01020"}, RED),
        ({"watermark": {"text": "■■■■", "scale": 1, "color": "#e01020"}}, RED),
        ({"watermark": {"image": TOKEN, "scale": 0.5, "gravity": "center"}}, GREEN),
    ],
    ids=["pad", "rotate", "text", "mark"],
)
def test_a_kept_profile_changes_no_colour_of_ours(mode: str, options: dict[str, Any], colour: tuple[int, ...]) -> None:
    """Red that is asked for, and a mark's green by a profile of its own, are so whatever the picture's profile."""
    for profile in ("keep", "srgb"):
        shown = rendered(mode, profile=profile, **options)
        near = np.linalg.norm(measures.lab(shown) - measures.lab(np.asarray(colour, np.float64)), axis=-1)
        assert (near < 3).mean() > 0.1


@pytest.mark.parametrize("mode", ["display-p3", "adobe-rgb"])
def test_a_tint_is_the_same_hue(mode: str) -> None:
    """As near as shades can be that are made in another space; taken for the picture's own it would be 8 away."""
    kept, plain = (rendered(mode, profile=profile, tint="#704214") for profile in ("keep", "srgb"))
    assert measures.mean_delta_e(kept, plain) < 3.5


def rendered(mode: str, **options: Any) -> Array:
    """What an output shows on a screen, on grey."""
    mark = images.saved(Image.new("RGB", (90, 60), (144, 255, 60)), ImageFormat.PNG, icc_profile=profiles.adobe_rgb())
    recipe = Recipe.parse({"format": "png", **options})
    (output,) = ENGINE.render(sources.source(mode).data, recipe, marks={UUID(TOKEN): mark})
    picture = oracle.opened(output.data)
    with Image.open(BytesIO(output.data)) as file:
        picture[..., :3] = oracle.in_srgb(picture[..., :3], file.info.get("icc_profile"))
    return oracle.seen(picture, 128)
