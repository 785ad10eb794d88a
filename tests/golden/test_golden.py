"""What outputs look like: exact facts first, then the distance to a picture that somebody has looked at.

A new look is made with `pytest tests/golden --update-golden`, looked at, and committed with the reason. A change of
pixels that a client could see also needs a new RECIPE_VERSION.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.limits import Limits
from imagemill.domain.recipe import Recipe
from imagemill.engine.pipeline import VipsEngine
from tests import images

ENGINE = VipsEngine(Limits(image_bytes=2**25, pixels=10_000_000, output_pixels=5_000_000, frames=1000))
CLOSE = 2.0
"""Distance up to which two pictures look alike; another release of an encoder moves about half of it."""


@dataclass(frozen=True)
class Case:
    """A source, a recipe, and the facts of what comes out.

    Args:
        name: of the golden file.
        source: the file that goes in.
        size: width and height that come out.
        mode: bands that come out, as Pillow names them.
        format: of the output.
        options: of the recipe, as in JSON.
        profile: the ICC profile that comes out; None for none, which is sRGB.
        frames: that come out.
    """

    name: str
    source: bytes
    size: tuple[int, int]
    mode: str = "RGB"
    format: ImageFormat = ImageFormat.PNG
    options: dict[str, Any] = field(default_factory=dict)
    profile: bytes | None = None
    frames: int = 1


PHOTO = images.photo_jpeg(480, 320)
FADED = images.photo_png(320, 240, alpha=True)
CASES = [
    Case("cover", PHOTO, (48, 48), options={"width": 48, "height": 48}),
    Case("cover-right", PHOTO, (48, 48), options={"width": 48, "height": 48, "gravity": "right"}),
    Case("inside", PHOTO, (48, 32), options={"width": 48, "height": 48, "fit": "inside"}),
    Case("outside", PHOTO, (72, 48), options={"width": 48, "height": 48, "fit": "outside"}),
    Case("fill", PHOTO, (30, 48), options={"width": 30, "height": 48, "fit": "fill"}),
    Case("contain", PHOTO, (48, 48), "RGBA", options={"width": 48, "height": 48, "fit": "contain"}),
    Case(
        "contain-on-colour",
        PHOTO,
        (48, 48),
        options={"width": 48, "height": 48, "fit": "contain", "gravity": "top", "background": "#ffcc00"},
    ),
    Case("enlarged", images.photo_png(20, 16), (60, 48), options={"width": 60, "enlarge": True}),
    Case("alpha", FADED, (48, 36), "RGBA", options={"width": 48}),
    Case("alpha-on-white", FADED, (48, 36), format=ImageFormat.JPEG, options={"width": 48}),
    Case("disc", images.disc_png(200), (40, 40), "RGBA", options={"width": 40}),
    Case("turned", images.oriented_jpeg(240, 160, 7), (48, 32), options={"width": 48}),
    Case("cmyk", images.cmyk_jpeg(96, 64), (24, 16), options={"width": 24}),
    Case("grey", images.grey_jpeg(240, 160), (48, 32), "L", options={"width": 48}),
    Case("jpeg", PHOTO, (48, 32), format=ImageFormat.JPEG, options={"width": 48}),
    Case("webp", PHOTO, (48, 32), format=ImageFormat.WEBP, options={"width": 48}),
    Case("avif", PHOTO, (48, 32), format=ImageFormat.AVIF, options={"width": 48}),
    Case("gif", PHOTO, (48, 32), "P", format=ImageFormat.GIF, options={"width": 48}),
    Case("tiff", PHOTO, (48, 32), format=ImageFormat.TIFF, options={"width": 48}),
    Case("jp2", PHOTO, (48, 32), format=ImageFormat.JP2, options={"width": 48}),
    Case("lossless", PHOTO, (48, 32), format=ImageFormat.WEBP, options={"width": 48, "lossless": True}),
    Case("auto-quality", PHOTO, (48, 32), format=ImageFormat.JPEG, options={"width": 48, "quality": "auto"}),
    Case("palette", PHOTO, (48, 32), "P", options={"width": 48, "palette": 16}),
    Case("chroma", PHOTO, (48, 32), format=ImageFormat.JPEG, options={"width": 48, "chroma": "4:4:4"}),
    Case(
        "progressive",
        PHOTO,
        (48, 32),
        format=ImageFormat.JPEG,
        options={"width": 48, "progressive": True, "effort": 9},
    ),
    Case(
        "profile",
        images.saved(images.quadrants(96, 64), ImageFormat.PNG, icc_profile=images.swapped_profile()),
        (48, 32),
        options={"width": 48, "profile": "keep"},
        profile=images.swapped_profile(),
    ),
    Case(
        "animated",
        images.moving(ImageFormat.GIF, [100] * 4, loop=0),
        (24, 16),
        "P",
        format=ImageFormat.GIF,
        options={"width": 24, "animated": True},
        frames=4,
    ),
    Case("crop", PHOTO, (48, 24), options={"width": 48, "crop": ["25%", 100, 200, 100]}),
    Case("trim", images.disc_png(200), (41, 41), "RGBA", options={"trim": 10, "width": 41}),
    Case("rotate", PHOTO, (48, 43), "RGBA", options={"width": 48, "rotate": 30}),
    Case("rotate-quarter", PHOTO, (32, 48), options={"height": 48, "rotate": 90}),
    Case("flip", PHOTO, (48, 32), options={"width": 48, "flip": True}),
    Case("flop", PHOTO, (48, 32), options={"width": 48, "flop": True}),
    Case("zoom", PHOTO, (48, 48), options={"width": 48, "height": 48, "zoom": 2.5, "gravity": [0.2, 0.8]}),
    Case("attention", PHOTO, (48, 48), options={"width": 48, "height": 48, "gravity": "attention"}),
    Case("entropy", PHOTO, (48, 48), options={"width": 48, "height": 48, "gravity": "entropy"}),
    Case("min-height", PHOTO, (48, 44), options={"width": 48, "minHeight": 44}),
    Case("pad", PHOTO, (58, 34), options={"width": 48, "pad": [1, 2, 1, 8], "background": "hsl(40 90% 50%)"}),
    Case(
        "background-blur", PHOTO, (48, 48), options={"width": 48, "height": 48, "fit": "contain", "background": "blur"}
    ),
    Case("brightness", PHOTO, (48, 32), options={"width": 48, "brightness": 1.3}),
    Case("contrast", PHOTO, (48, 32), options={"width": 48, "contrast": 1.5}),
    Case("gamma", PHOTO, (48, 32), options={"width": 48, "gamma": 1.8}),
    Case("saturation", PHOTO, (48, 32), options={"width": 48, "saturation": 0.5}),
    Case("hue", PHOTO, (48, 32), options={"width": 48, "hue": 90}),
    Case("grayscale", PHOTO, (48, 32), "L", options={"width": 48, "grayscale": True}),
    Case("tint", FADED, (48, 36), "RGBA", options={"width": 48, "tint": "#704214c0"}),
    Case("pixelate", PHOTO, (48, 32), options={"width": 48, "pixelate": 7}),
    Case("blur", FADED, (48, 36), "RGBA", options={"width": 48, "blur": 2}),
    Case("blur-large", PHOTO, (48, 32), options={"width": 48, "blur": 15}),
    Case("sharpen", PHOTO, (48, 32), options={"width": 48, "sharpen": 1.5}),
    Case(
        "watermark", PHOTO, (96, 64), options={"width": 96, "watermark": {"text": "© Ada", "scale": 0.6, "offset": 4}}
    ),
    Case(
        "watermark-tile",
        PHOTO,
        (96, 64),
        options={"width": 96, "watermark": {"text": "mill", "tile": True, "opacity": 0.5}},
    ),
    Case("radius", PHOTO, (48, 32), "RGBA", options={"width": 48, "radius": 10}),
    Case("circle", PHOTO, (48, 48), "RGBA", options={"width": 48, "height": 48, "circle": True}),
]


def distance(left: Image.Image, right: Image.Image) -> float:
    """How different two pictures look, 0…255: the root mean square of slightly blurred pixels, on white and on black.

    The blur stands for the eye, which sees a change of tone and not one of grain.
    """
    return max(_distance_on(colour, left, right) for colour in ("white", "black"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Case, golden_folder: Path, update_golden: bool) -> None:
    """Size, bands, format, profile and frames are exact; it looks like its golden file. A missing one fails."""
    recipe = Recipe.parse({**case.options, "format": case.format.value})
    rendered = next(ENGINE.render(case.source, recipe))
    picture = images.opened(rendered.data)
    assert picture.format == images.pillow_name(case.format)
    assert picture.size == case.size
    assert picture.mode == case.mode
    assert picture.info.get("icc_profile") == case.profile
    assert getattr(picture, "n_frames", 1) == case.frames
    path = golden_folder / f"{case.name}.{FACTS[case.format].extension}"
    if update_golden:
        path.write_bytes(rendered.data)
    assert path.exists(), f"{path.name} is missing; make it with --update-golden and look at it"
    assert distance(picture, images.opened(path.read_bytes())) < CLOSE


def test_every_golden_file_has_a_case(golden_folder: Path) -> None:
    """No file stays behind when its case is gone."""
    wanted = {f"{case.name}.{FACTS[case.format].extension}" for case in CASES}
    assert {path.name for path in golden_folder.iterdir()} == wanted


def test_the_distance_sees_what_the_eye_sees() -> None:
    """A grain of one level is nothing; half a pixel aside, a wrong gravity or a darker rim is more than allowed."""
    photo = images.photo(48, 32)
    noise = np.random.default_rng(1).integers(-1, 2, (32, 48, 3))
    grainy = Image.fromarray(np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8))
    shifted = photo.transform(photo.size, Image.Transform.AFFINE, (1, 0, 0.5, 0, 1, 0), Image.Resampling.BILINEAR)
    darker = photo.point(lambda level: level * 0.95)
    assert distance(photo, grainy) < CLOSE
    assert distance(photo, shifted) > CLOSE
    assert distance(photo, darker) > CLOSE
    assert distance(photo, photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > CLOSE


def _distance_on(colour: str, left: Image.Image, right: Image.Image) -> float:
    difference = _seen(colour, left) - _seen(colour, right)
    return float(np.sqrt(np.mean(difference**2)))


def _seen(colour: str, picture: Image.Image) -> npt.NDArray[np.float64]:
    ground = Image.new("RGBA", picture.size, colour)
    ground.alpha_composite(picture.convert("RGBA"))
    return np.asarray(ground.convert("RGB").filter(ImageFilter.GaussianBlur(0.7)), np.float64)
