"""Bring colours to sRGB, or grey, of 8 bits a band: what every output format holds and every screen shows."""

from imagemill.engine.context import Colour, Context
from imagemill.engine.profile import is_srgb
from imagemill.engine.vips import Image, embedded_profile, from_srgb, to_srgb, without_profile

_GREY = ("b-w", "grey16")
_NO_COLOURS = ("multiband", "histogram", "fourier", "matrix")


def colour(image: Image, context: Context) -> Image:
    """Convert from the embedded profile, from CMYK, or from any other space. Grey stays grey on a grey background."""
    image = _with_colours(image)
    target = _target(image, context)
    image = _kept(image, target) if context.profile_kept else _from_profile(image)
    if image.interpretation != target:
        image = image.colourspace(target)
    if image.bands > 4:
        image = image.extract_band(0, n=4)  # colours, alpha, and then what only a printer knows: spot colours, masks
    return image if image.format == "uchar" else image.cast("uchar")


def converts(image: Image, context: Context) -> bool:
    """Whether `colour` would have something to do; no profile is handed to who would apply it, and no pixel touched."""
    if image.interpretation != _target(image, context) or image.format != "uchar" or image.bands > 4:
        return True
    profile = None if context.profile_kept else embedded_profile(image)
    return profile is not None and not is_srgb(profile)


def is_grey(image: Image) -> bool:
    """Whether a picture has one band of light, and perhaps alpha."""
    return image.interpretation in _GREY


def stays_grey(image: Image, context: Context) -> bool:
    """Whether a picture is grey once `colour` is done."""
    return is_grey(image) and context.grey


def in_colours(image: Image) -> Image:
    """A grey picture with colours to come, in sRGB; any other as it is."""
    return image if image.interpretation != "b-w" else without_profile(image.colourspace("srgb"))


def in_greys(image: Image) -> Image:
    """A picture with colours without them; its profile, if it was kept, is for colours only."""
    return without_profile(_from_profile(image).colourspace("b-w"))


def _target(image: Image, context: Context) -> str:
    return "b-w" if stays_grey(image, context) else "srgb"


def matched(ours: Image, image: Image, context: Context) -> Image:
    """What is ours, in sRGB, as the picture that it meets tells its colours: by the profile, if that is kept."""
    profile = embedded_profile(image) if context.profile_kept and image.interpretation == "srgb" else None
    return ours if profile is None or is_srgb(profile) else from_srgb(ours, profile)


def matched_colour(ours: Colour, image: Image, context: Context) -> Colour:
    """The same for one colour."""
    if not context.profile_kept:
        return ours
    spot = Image.black(1, 1).new_from_image(ours).cast("uchar").copy(interpretation="srgb")
    red, green, blue, alpha = map(int, matched(spot, image, context).getpoint(0, 0))
    return red, green, blue, alpha


def _with_colours(image: Image) -> Image:
    # Some TIFFs do not say what their bands are: take the first three as colours, or the first as grey.
    if image.interpretation not in _NO_COLOURS:
        return image
    spaces = ("grey16", "rgb16") if image.format == "ushort" else ("b-w", "srgb")
    if image.bands < 3:
        return image.extract_band(0).copy(interpretation=spaces[0])
    return image.extract_band(0, n=3).copy(interpretation=spaces[1])


def _kept(image: Image, target: str) -> Image:
    # A profile is for as many colours as it was made for: ink, or grey that becomes colour, cannot keep its own.
    if image.interpretation != "cmyk" and is_grey(image) == (target == "b-w"):
        return image
    return without_profile(_from_profile(image))


def _from_profile(image: Image) -> Image:
    if image.interpretation == "cmyk":
        return to_srgb(image, fallback="cmyk") or image
    profile = embedded_profile(image)
    return image if profile is None or is_srgb(profile) else to_srgb(image) or image
