"""What a file says about its picture in words: EXIF, IPTC and XMP. Reads who made it; removes what is no longer true.

Knows bytes only. What is read may be hostile: nothing is followed, resolved or trusted, and a text that cannot be read
is one that is not there.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from xml.parsers import expat
from xml.sax.saxutils import escape

MAX_CHARACTERS = 2000
"""Of one text. Longer ones are cut: this is a notice, not a contract."""

_MOST_BYTES = 4 * MAX_CHARACTERS
"""Of a text that are read: the characters that are kept, however long each is."""
_MAX_XMP_BYTES = 2**20
_DC, _PHOTOSHOP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/photoshop/1.0/"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"


@dataclass(frozen=True, slots=True)
class Credit:
    """Who made a picture, and who owns it.

    Args:
        copyright: the notice. EXIF 0x8298, IPTC 2:116, dc:rights.
        creator: who made it. EXIF 0x013B, IPTC 2:80, dc:creator.
        credit: whom to name. IPTC 2:110, photoshop:Credit.
        terms: what one may do with it. xmpRights:UsageTerms.
        statement: where that is told at length. xmpRights:WebStatement.

    Source: Exif 2.32, table 4; IPTC Photo Metadata Standard 2023; XMP, part 1.
    """

    copyright: str = ""
    creator: str = ""
    credit: str = ""
    terms: str = ""
    statement: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, text.name) for text in fields(self))

    def xmp(self) -> bytes:
        """An XMP packet that says this and nothing else."""
        texts = {text.name: escape(getattr(self, text.name)) for text in fields(self)}
        parts = "".join(_ELEMENTS[name].format(text) for name, text in texts.items() if text)
        return _PACKET.format(parts).encode()


def read_credit(exif: bytes, iptc: bytes, xmp: bytes) -> Credit:
    """Who made a picture, from wherever it is told; where texts differ XMP's counts, since it knows every letter.

    Args:
        exif: as in a JPEG, with or without the leading `Exif\\0\\0`; empty if there is none.
        iptc: records, bare or in Photoshop's resources; empty likewise.
        xmp: a packet; empty likewise.
    """
    told: dict[str, str] = {}
    for name, text in (*_from_xmp(xmp), *_from_iptc(iptc), *_from_exif(exif)):
        if kept := _plain(text):
            told.setdefault(name, kept)
    return Credit(**told)


def settled_xmp(xmp: bytes) -> bytes:
    """The same packet without what is no longer true.

    That is how to turn the picture, a thumbnail of how it was, and what was attached to it: a gain map, a film.
    """
    xmp = _ORIENTATION.sub(rb"\g<1>1", xmp)
    for name in (b"xmp:Thumbnails", b"xap:Thumbnails", b"Container:Directory", b"GContainer:Directory"):
        xmp = _without(xmp, name)
    return _ATTACHED.sub(b"", xmp)


def _without(xmp: bytes, element: bytes) -> bytes:
    # By hand, since a regular expression would look for each end anew: an hour for a megabyte of beginnings.
    kept, at = [], 0
    while (start := xmp.find(b"<" + element, at)) >= 0:
        end = xmp.find(b"</" + element + b">", start)
        if end < 0:
            break
        kept.append(xmp[at:start])
        at = end + len(element) + 3
    return b"".join((*kept, xmp[at:]))


def iptc_alone(resources: bytes) -> bytes:
    """Photoshop's resources without all but IPTC: among the others is a thumbnail of how the picture was."""
    if not resources.startswith(_PHOTOSHOP_HEAD):
        return resources
    kept = b"".join(whole for kind, whole in _resources(resources) if kind == _IPTC_RESOURCE)
    return _PHOTOSHOP_HEAD + kept


def _plain(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\ufffe\uffff]+", " ", text).strip()[:MAX_CHARACTERS]


def _from_exif(exif: bytes) -> Iterator[tuple[str, str]]:
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    try:
        if order is None:
            return
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        unread = dict(_EXIF_TAGS)
        for entry in range(count):
            tag, kind, length, offset = struct.unpack_from(order + "2H2I", tiff, start + 2 + 12 * entry)
            if tag in unread and kind == _ASCII:
                at = start + 2 + 12 * entry + 8 if length <= 4 else offset
                yield unread.pop(tag), _decoded(tiff[at : at + min(length, _MOST_BYTES)].replace(b"\0", b" "))
    except struct.error:
        return


def _from_iptc(iptc: bytes) -> Iterator[tuple[str, str]]:
    unread = dict(_IPTC_RECORDS)
    for found in re.finditer(rb"\x1c\x02([\x50\x6e\x74])([\x00-\x7f].)", iptc, re.DOTALL):
        length = min(int.from_bytes(found[2], "big"), _MOST_BYTES)
        if found[1] in unread:
            yield unread.pop(found[1]), _decoded(iptc[found.end() : found.end() + length])


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        # A letter that was cut through at the end is left out; any other says that the text is older than Unicode.
        cut = len(text) == _MOST_BYTES and error.start > _MOST_BYTES - 4
        return text[: error.start].decode() if cut else text.decode("latin-1")


def _resources(blob: bytes) -> Iterator[tuple[bytes, bytes]]:
    # 8BIM, id, a name as long as its first byte says and padded to even, size, data padded to even.
    at = len(_PHOTOSHOP_HEAD)
    while blob[at : at + 4] == b"8BIM" and at + 7 <= len(blob):
        sized = at + 6 + (blob[at + 6] + 2 & ~1)
        size = int.from_bytes(blob[sized : sized + 4], "big")
        end = sized + 4 + (size + 1 & ~1)
        yield blob[at + 4 : at + 6], blob[at:end]
        at = end


def _from_xmp(xmp: bytes) -> list[tuple[str, str]]:
    reader = _XmpReader()
    try:
        reader.read(xmp[:_MAX_XMP_BYTES].strip(b"\0 \r\n\t"))
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return []
    return reader.found


class _Refused(Exception):
    """The document has a DTD."""


class _XmpReader:
    """Collects the texts of the elements and attributes that name who made a picture."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._within: list[str | None] = [None]
        self._text = ""

    def read(self, xmp: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator="")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._hear
        parser.EndElementHandler = self._end
        parser.Parse(xmp, True)

    def _refuse(self, *_: object) -> None:
        # Entities are declared there, the door of all attacks, and XMP needs none.
        raise _Refused

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._within.append(self._within[-1] or _XMP_NAMES.get(name))
        self._text = ""
        self.found += [(_XMP_NAMES[key], value) for key, value in attributes.items() if key in _XMP_NAMES]

    def _hear(self, text: str) -> None:
        if len(self._text) < MAX_CHARACTERS:
            self._text += text

    def _end(self, _name: str) -> None:
        named = self._within.pop()
        if named and self._text.strip():
            self.found.append((named, self._text))
        self._text = ""


_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")
_ATTACHED = re.compile(rb"\s(?:hdrgm:\w+|GCamera:(?:MotionPhoto|MicroVideo)\w*)=(?:\"[^\"<]*\"|'[^'<]*')")
# Source: Google, "Ultra HDR Image Format v1.1" and "Motion Photo format specification 1.0".
_ASCII = 2
_EXIF_TAGS = {0x8298: "copyright", 0x013B: "creator"}
_IPTC_RECORDS = {b"\x50": "creator", b"\x6e": "credit", b"\x74": "copyright"}
_PHOTOSHOP_HEAD, _IPTC_RESOURCE = b"Photoshop 3.0\0", b"\x04\x04"
_XMP_NAMES = {
    _DC + "rights": "copyright",
    _DC + "creator": "creator",
    _PHOTOSHOP + "Credit": "credit",
    _RIGHTS + "UsageTerms": "terms",
    _RIGHTS + "WebStatement": "statement",
}
_ELEMENTS = {
    "copyright": "<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>{}</rdf:li></rdf:Alt></dc:rights>",
    "creator": "<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>",
    "credit": "<photoshop:Credit>{}</photoshop:Credit>",
    "terms": "<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang='x-default'>{}</rdf:li></rdf:Alt></xmpRights:UsageTerms>",
    "statement": "<xmpRights:WebStatement>{}</xmpRights:WebStatement>",
}
_PACKET = (
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    f"<rdf:Description rdf:about='' xmlns:dc='{_DC}' xmlns:photoshop='{_PHOTOSHOP}' xmlns:xmpRights='{_RIGHTS}'>"
    "{}</rdf:Description></rdf:RDF></x:xmpmeta>"
)
