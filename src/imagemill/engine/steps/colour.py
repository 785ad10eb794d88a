"""Bring colours to sRGB, or grey, of 8 bits a band: what every output format holds and every screen shows."""

from imagemill.engine.context import Context
from imagemill.engine.profile import is_srgb
from imagemill.engine.vips import Image, to_srgb

_GREY = ("b-w", "grey16")


def colour(image: Image, context: Context) -> Image:
    """Convert from the embedded profile, from CMYK, or from any other space. Grey stays grey on a grey background."""
    grey = image.interpretation in _GREY
    image = _converted(image)
    red, green, blue, _ = context.backdrop
    target = "b-w" if grey and red == green == blue else "srgb"
    return image if image.interpretation == target else image.colourspace(target)


def _converted(image: Image) -> Image:
    profile = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else b""
    if image.interpretation == "cmyk":
        return to_srgb(image, input_profile="cmyk") or image
    if profile and not is_srgb(profile):
        return to_srgb(image) or image
    return image
