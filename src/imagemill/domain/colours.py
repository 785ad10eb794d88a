"""Colours as CSS writes them, read to one spelling: `#rrggbb`, with alpha last where it is not opaque."""

import colorsys
import re
from dataclasses import dataclass
from typing import Any

from imagemill.domain.options import Scalar

_WORDS = """
aliceblue f0f8ff  antiquewhite faebd7  aqua 00ffff  aquamarine 7fffd4  azure f0ffff  beige f5f5dc  bisque ffe4c4
black 000000  blanchedalmond ffebcd  blue 0000ff  blueviolet 8a2be2  brown a52a2a  burlywood deb887
cadetblue 5f9ea0  chartreuse 7fff00  chocolate d2691e  coral ff7f50  cornflowerblue 6495ed  cornsilk fff8dc
crimson dc143c  cyan 00ffff  darkblue 00008b  darkcyan 008b8b  darkgoldenrod b8860b  darkgray a9a9a9
darkgreen 006400  darkgrey a9a9a9  darkkhaki bdb76b  darkmagenta 8b008b  darkolivegreen 556b2f  darkorange ff8c00
darkorchid 9932cc  darkred 8b0000  darksalmon e9967a  darkseagreen 8fbc8f  darkslateblue 483d8b
darkslategray 2f4f4f  darkslategrey 2f4f4f  darkturquoise 00ced1  darkviolet 9400d3  deeppink ff1493
deepskyblue 00bfff  dimgray 696969  dimgrey 696969  dodgerblue 1e90ff  firebrick b22222  floralwhite fffaf0
forestgreen 228b22  fuchsia ff00ff  gainsboro dcdcdc  ghostwhite f8f8ff  gold ffd700  goldenrod daa520  gray 808080
green 008000  greenyellow adff2f  grey 808080  honeydew f0fff0  hotpink ff69b4  indianred cd5c5c  indigo 4b0082
ivory fffff0  khaki f0e68c  lavender e6e6fa  lavenderblush fff0f5  lawngreen 7cfc00  lemonchiffon fffacd
lightblue add8e6  lightcoral f08080  lightcyan e0ffff  lightgoldenrodyellow fafad2  lightgray d3d3d3
lightgreen 90ee90  lightgrey d3d3d3  lightpink ffb6c1  lightsalmon ffa07a  lightseagreen 20b2aa  lightskyblue 87cefa
lightslategray 778899  lightslategrey 778899  lightsteelblue b0c4de  lightyellow ffffe0  lime 00ff00
limegreen 32cd32  linen faf0e6  magenta ff00ff  maroon 800000  mediumaquamarine 66cdaa  mediumblue 0000cd
mediumorchid ba55d3  mediumpurple 9370db  mediumseagreen 3cb371  mediumslateblue 7b68ee  mediumspringgreen 00fa9a
mediumturquoise 48d1cc  mediumvioletred c71585  midnightblue 191970  mintcream f5fffa  mistyrose ffe4e1
moccasin ffe4b5  navajowhite ffdead  navy 000080  oldlace fdf5e6  olive 808000  olivedrab 6b8e23  orange ffa500
orangered ff4500  orchid da70d6  palegoldenrod eee8aa  palegreen 98fb98  paleturquoise afeeee  palevioletred db7093
papayawhip ffefd5  peachpuff ffdab9  peru cd853f  pink ffc0cb  plum dda0dd  powderblue b0e0e6  purple 800080
rebeccapurple 663399  red ff0000  rosybrown bc8f8f  royalblue 4169e1  saddlebrown 8b4513  salmon fa8072
sandybrown f4a460  seagreen 2e8b57  seashell fff5ee  sienna a0522d  silver c0c0c0  skyblue 87ceeb  slateblue 6a5acd
slategray 708090  slategrey 708090  snow fffafa  springgreen 00ff7f  steelblue 4682b4  tan d2b48c  teal 008080
thistle d8bfd8  tomato ff6347  turquoise 40e0d0  violet ee82ee  wheat f5deb3  white ffffff  whitesmoke f5f5f5
yellow ffff00  yellowgreen 9acd32
"""
_NAMED = dict(re.findall("([a-z]+) ([0-9a-f]{6})", _WORDS))
"""Source: CSS Color 4, section 6.1."""

_NUMBER = r"(?:[0-9]{1,3}(?:\.[0-9]{1,4})?|\.[0-9]{1,4})"
_ANGLE = rf"-?{_NUMBER}(?:deg)?"
_HEX = "#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})"


def _function(name: str, *parts: str) -> str:
    # With commas, as it was, and with spaces and a slash, as it is.
    old, new = " *, *".join(parts), " +".join(parts)
    alpha = f"{_NUMBER}%?"
    return rf"{name}a?\( *(?:{old}(?: *, *{alpha})?|{new}(?: */ *{alpha})?) *\)"


_RGB = _function("rgb", *[f"{_NUMBER}%?"] * 3)
_HSL = _function("hsl", _ANGLE, f"{_NUMBER}%", f"{_NUMBER}%")
EXPRESSION = "|".join([_HEX, _RGB, _HSL, "transparent", *_NAMED])
"""What `Colour` reads: a regular expression for whole texts."""


@dataclass(frozen=True, slots=True)
class Colour(Scalar):
    """Any colour of CSS that stands for itself. Names and functions are written in lower case.

    Source: CSS Color 4, sections 5.1, 5.2, 6 and 7. What is out of a channel's range counts as its end.
    """

    def read(self, value: object) -> str:
        """Accept a name, `#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa`, `rgb()` or `hsl()`."""
        if not isinstance(value, str) or not re.fullmatch(EXPRESSION, value):
            raise ValueError("must be a colour of CSS such as red, #ff8800, #ff880080, rgb(255 136 0 / 50%) or hsl()")
        if value.startswith("#"):
            return _from_digits(value[1:].lower())
        if value == "transparent":
            return "#00000000"
        return "#" + _NAMED[value] if value in _NAMED else _from_function(value)

    def read_text(self, text: str) -> str:
        """Accept the same."""
        return self.read(text)

    def schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        return {"type": "string", "pattern": f"^(?:{EXPRESSION})$"}


BLUR = "blur"
"""The word that has a blurred copy of the picture lie behind it, in place of a colour."""


def colour_channels(colour: str) -> tuple[int, int, int, int]:
    """Red, green, blue and alpha, each 0…255, of a colour that `Colour` has read."""
    red, green, blue, alpha = bytes.fromhex(colour.removeprefix("#").ljust(8, "f"))
    return red, green, blue, alpha


def _from_digits(digits: str) -> str:
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    return "#" + (digits[:6] if digits.endswith("ff") and len(digits) == 8 else digits)


def _from_function(text: str) -> str:
    first, second, third, *alpha = re.findall(rf"-?{_NUMBER}%?", text)
    if text.startswith("rgb"):
        channels = [_share(part, 255) for part in (first, second, third)]
    else:
        channels = [*colorsys.hls_to_rgb(float(first) / 360 % 1, _share(third, 100), _share(second, 100))]
    channels += [_share(part, 1) for part in alpha]
    return _from_digits("".join(f"{int(channel * 255 + 0.5):02x}" for channel in channels))


def _share(text: str, whole: int) -> float:
    # Of what is full: 1 is all of it.
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else whole)
    return min(1.0, max(0.0, share))
