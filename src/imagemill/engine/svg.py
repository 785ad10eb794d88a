"""Makes an SVG harmless before anything draws it: reads it strictly and writes it anew, with known elements only.

What the renderer sees is what this module has understood and nothing else: no entities, scripts, animations, styles
from elsewhere, and no reference that leads out of the file. Knows XML and SVG's vocabulary; draws nothing.

Dropped is what a browser does not show either in an `<img>`: scripts, links, pictures from elsewhere. What would change
the picture is refused and not dropped.
"""

import re
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from imagemill.domain.geometry import Box, Size
from imagemill.domain.ports import Bytes
from imagemill.errors import CorruptImage, TooManyPixels, UnsupportedImage

MAX_BYTES = 2 * 2**20
MAX_ELEMENTS = 10_000
MAX_DEPTH = 64
MAX_FILTERS = 16
"""Steps of filters: one that blurs takes most of a second for each megapixel."""
MAX_SIDE = 32_767
"""Pixels. Source: cairo's limit on a surface."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing that may be rendered.

    Args:
        size: that it asks for, in CSS pixels.
        text: the SVG, written anew, in UTF-8.
    """

    size: Size
    text: bytes


def read_drawing(data: Bytes, part: Box | None = None) -> Drawing:
    """Read an SVG and leave out what could do harm.

    Args:
        data: the file.
        part: what to keep of it, in its own pixels; all if left out.

    Raises:
        CorruptImage: it is no sound XML.
        UnsupportedImage: it is no SVG, or has entities, pictures or filters that are not drawn.
        TooManyPixels: it is larger than a drawing may be, in bytes, elements or pixels.
    """
    if len(data) > MAX_BYTES:
        raise TooManyPixels(f"An SVG may have at most {MAX_BYTES:,} bytes.")
    scribe = _Scribe()
    try:
        scribe.read(bytes(data))
    except (expat.ExpatError, LookupError, ValueError) as error:
        # The last two are what Python says of an encoding that it does not know, or that takes several bytes a letter.
        raise CorruptImage("The SVG is not well-formed, or in an encoding that is not read.") from error
    written = scribe.written if part is None else (_frame(part), *scribe.written, "</svg>")
    return Drawing(part.size if part else scribe.size, "".join(written).encode())


def _frame(part: Box) -> str:
    # Around the drawing, since lengths within may be shares of its size. What a style sheet says of each `svg` is done
    # within, and not twice.
    box = f"{part.left} {part.top} {part.size.width} {part.size.height}"
    return f"<svg xmlns='{_NAMESPACE}' viewBox='{box}' style='{_fixed(part.size)}{_UNSTYLED}'>"


def _fixed(size: Size) -> str:
    # A style sheet could name another size than the one that is checked against the limits.
    return f"width:{size.width}px!important;height:{size.height}px!important;"


class _Scribe:
    def __init__(self) -> None:
        self.size = Size(1, 1)
        self.written: list[str] = []
        self._path: list[str] = []
        self._style: list[str] = []
        self._dropped = 0  # depth within a subtree that is left out; 0 outside of one
        self._elements = 0
        self._filters = 0

    def read(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._hear
        parser.Parse(data, True)

    def _doctype(self, _name: str, _system: str | None, _public: str | None, internal: bool) -> None:
        # The name alone says nothing, and expat fetches nothing; inside, entities are declared, the door of all bombs.
        if internal:
            raise UnsupportedImage("An SVG may declare no entities.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._path) + self._dropped > MAX_DEPTH:
            raise TooManyPixels(f"An SVG may have at most {MAX_ELEMENTS:,} elements, {MAX_DEPTH} deep.")
        plain = name.rpartition(":")[2]
        if self._dropped or (self._path and (plain not in _DRAWN or self._is_styling())):
            if not self._dropped:
                _refuse_missed(plain, attributes)
            self._dropped += 1
            return
        if plain in _FILTERING:
            self._count_filter()
        if not self._path:
            attributes = self._begin(plain, attributes)
        kept = "".join(f" {key}={quoteattr(_local(text))}" for key, text in attributes.items() if _is_kept(key, text))
        self._path.append(name)
        self.written.append(f"<{name}{kept}>")

    def _begin(self, plain: str, attributes: dict[str, str]) -> dict[str, str]:
        if plain != "svg" or _NAMESPACE not in attributes.values():
            raise UnsupportedImage("The image is XML, but no SVG.")
        self.size = _size(attributes)
        box = attributes.get("viewBox") or f"0 0 {self.size.width} {self.size.height}"
        # Said in plain pixels, so that the renderer and the limits speak of the same size.
        sides = {"width": str(self.size.width), "height": str(self.size.height), "x": "0", "y": "0"}
        style = _fixed(self.size) + attributes.get("style", "").replace("!", "")
        return attributes | sides | {"viewBox": box, "style": style}

    def _count_filter(self) -> None:
        self._filters += 1
        if self._filters > MAX_FILTERS:
            raise UnsupportedImage(f"An SVG may have at most {MAX_FILTERS} steps of filters.")

    def _end(self, name: str) -> None:
        if self._dropped:
            self._dropped -= 1
            return
        if self._is_styling():
            # Only now that it is whole: a word may come in pieces, with an element between them that is left out.
            self.written.append(escape(_local("".join(self._style))))
            self._style.clear()
        self._path.pop()
        self.written.append(f"</{name}>")

    def _hear(self, text: str) -> None:
        if self._dropped or not self._path:
            return
        if self._is_styling():
            self._style.append(text)
        else:
            self.written.append(escape(text))

    def _is_styling(self) -> bool:
        return bool(self._path) and self._path[-1].rpartition(":")[2] == "style"


def _refuse_missed(plain: str, attributes: dict[str, str]) -> None:
    # Left out, these would be missed: a browser shows them.
    if plain.startswith("fe"):
        raise UnsupportedImage("An SVG may have no filters but blur, shadow, blend, offset and colours.")
    links = (text for key, text in attributes.items() if key.rpartition(":")[2] == "href")
    if plain == "image" and any(link.strip().lower().startswith("data:") for link in links):
        raise UnsupportedImage("An SVG may hold no pictures.")


def _is_kept(key: str, text: str) -> bool:
    plain = key.rpartition(":")[2]
    if plain in ("href", "src"):
        return text.strip().startswith("#")
    return not plain.startswith("on") and key != "xml:base"


def _local(style: str) -> str:
    """CSS, or an attribute's value, without what leads out of the file."""
    # Without escapes, or @\69mport would be an import all the same.
    return _LEADS_OUT.sub("none", _RULE.sub(_block_alone, style.replace("\\", "")))


def _block_alone(rule: re.Match[str]) -> str:
    # @import, @charset, @namespace: rules without a block. A brace may stand within the quotes of what they lead to.
    if rule[1] == "{" and not _BLOCKLESS.match(rule[0]):
        return rule[0]
    return "}" if rule[1] == "}" else ""


def _size(attributes: dict[str, str]) -> Size:
    box = [float(number) for number in _NUMBER.findall(attributes.get("viewBox", ""))]
    framed = box[2:] if len(box) == 4 and min(box[2:]) > 0 else []
    width, height = (_length(attributes.get(side, "")) for side in ("width", "height"))
    if framed and width is None:
        width = framed[0] if height is None else height * framed[0] / framed[1]
    if framed and height is None and width is not None:
        height = width * framed[1] / framed[0]
    # Where nothing is said: what CSS 2.2, section 10.3.2, gives to what has no size.
    found = (300.0 if width is None else width, 150.0 if height is None else height)
    if max(found) > MAX_SIDE:
        raise TooManyPixels(f"A side of an SVG may be at most {MAX_SIDE:,} pixels.")
    if min(found) <= 0:
        raise CorruptImage("The SVG has no area.")
    return Size(*(max(1, round(side)) for side in found))


def _length(text: str) -> float | None:
    found = _LENGTH.fullmatch(text.strip())
    return float(found[1]) * _PIXELS[found[2] or "px"] if found else None


_NAMESPACE = "http://www.w3.org/2000/svg"
_UNSTYLED = "".join(f"{name}:none!important;" for name in ("transform", "filter", "mask", "clip-path"))
_UNSTYLED += "opacity:1!important;"
_PIXELS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}
_NUMBER = re.compile(r"[-+]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?:[eE][-+]?\d)?")
_LENGTH = re.compile(f"({_NUMBER.pattern})(px|pt|pc|in|cm|mm)?")
# Both go over each letter once, whatever is written: nothing is tried again from its middle.
_RULE = re.compile(r"@[^{};]*+([{};]|$)")
_BLOCKLESS = re.compile(r"@(?:import|charset|namespace)", re.IGNORECASE)
_LEADS_OUT = re.compile(r"""url\(\s*+(?!["']?\s*+\#)[^)]*+\)?""", re.IGNORECASE)
# fmt: off
_FILTERING = frozenset([
    "feBlend", "feColorMatrix", "feComponentTransfer", "feComposite", "feDropShadow", "feFlood", "feGaussianBlur",
    "feMerge", "feOffset",
])
_DRAWN = _FILTERING | frozenset([
    "svg", "g", "defs", "symbol", "use", "switch", "a", "style", "title", "desc", "path", "rect", "circle",
    "ellipse", "line", "polyline", "polygon", "text", "tspan", "textPath", "linearGradient", "radialGradient",
    "stop", "clipPath", "mask", "pattern", "marker", "filter", "feMergeNode", "feFuncR", "feFuncG", "feFuncB",
    "feFuncA",
])
# fmt: on
