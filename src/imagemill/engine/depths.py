"""Brings numbers that only a TIFF has, of 32 bits, with signs or of floats, to the 16 or 8 bits that steps know.

Knows pictures as libvips opens them. Colours are for `steps/colour.py`: they stay in the space that the file says.
"""

from imagemill.engine.vips import Image, embedded_profile

_GREATEST = {"char": 2**7 - 1, "short": 2**15 - 1, "int": 2**31 - 1, "uint": 2**32 - 1}
"""The number that is white, of the formats of whole numbers; below zero is black."""
_DEEP = {"b-w": "grey16", "grey16": "grey16", "srgb": "rgb16", "rgb16": "rgb16", "scrgb": "rgb16"}
"""What libvips calls the same colours with 16 bits."""
_MOST = 2**16 - 1


def in_16_bits(image: Image) -> Image:
    """The same picture in 8 or 16 bits a band; what it shows stays as it is.

    Floats are light from 0 to 1, as all programs of high range write them; with a profile they are the profile's.
    """
    if image.interpretation == "cmyk" and image.format == "ushort" and image.hasalpha():
        # To libvips the alpha of inks goes to 255, whatever their depth.
        return (image / 257).rint().cast("uchar")
    if image.interpretation not in (*_DEEP, "multiband"):
        return image
    if image.format in _GREATEST:
        return _deep(image * (_MOST / _GREATEST[image.format]), image)
    if image.format not in ("float", "double"):
        return image
    if image.interpretation == "multiband" or embedded_profile(image) is not None:
        return _deep(image * _MOST, image)
    return _grey_light(image) if _DEEP[image.interpretation] == "grey16" else _light(image)


def _deep(numbers: Image, image: Image) -> Image:
    return numbers.rint().cast("ushort").copy(interpretation=_DEEP.get(image.interpretation, image.interpretation))


def _light(image: Image) -> Image:
    return image.copy(interpretation="scrgb").colourspace("rgb16")


def _grey_light(image: Image) -> Image:
    light = image.extract_band(0)
    tones = _light(light.bandjoin([light, light])).extract_band(0)
    if image.hasalpha():
        tones = tones.bandjoin((image.extract_band(1) * _MOST).cast("ushort"))
    return tones.copy(interpretation="grey16")
