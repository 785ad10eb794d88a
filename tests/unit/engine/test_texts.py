"""Texts about a picture: who made it is found wherever it stands, and nothing hostile does more than be absent."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.engine.texts import MAX_CHARACTERS, Credit, iptc_alone, read_credit, settled_xmp
from tests import images

XMP = (
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    "<rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'"
    " xmlns:r='http://ns.adobe.com/xap/1.0/rights/' xmlns:exif='http://ns.adobe.com/exif/1.0/'"
    " photoshop:Credit='The Æther' exif:GPSLatitude='48,51N'>"
    "<dc:creator><rdf:Seq><rdf:li>Zoë &amp; Søn</rdf:li><rdf:li>Other</rdf:li></rdf:Seq></dc:creator>"
    "<dc:rights><rdf:Alt><rdf:li>© Zoë</rdf:li></rdf:Alt></dc:rights>"
    "<r:WebStatement>https://example.org/terms</r:WebStatement>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()


def exif(order: str = "<", **texts: str) -> bytes:
    """EXIF with these texts: `copyright`, `creator`."""
    tags = {"creator": 0x013B, "copyright": 0x8298}
    entries, tail = b"", b""
    start = 8 + 2 + 12 * len(texts) + 4
    for name, text in texts.items():
        data = text.encode() + b"\0"
        value = struct.pack(order + "I", start + len(tail)) if len(data) > 4 else data.ljust(4, b"\0")
        entries += struct.pack(order + "2HI", tags[name], 2, len(data)) + value
        tail += data if len(data) > 4 else b""
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "IH", 8, len(texts)) + entries + bytes(4) + tail


def record(number: int, text: bytes) -> bytes:
    """An IPTC record of the application's part."""
    return struct.pack(">3BH", 0x1C, 2, number, len(text)) + text


def resource(kind: int, data: bytes) -> bytes:
    """One of Photoshop's resources, without a name."""
    return b"8BIM" + struct.pack(">H2xI", kind, len(data)) + data + bytes(len(data) % 2)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_exif_tells_owner_and_maker(order: str, prefix: bytes) -> None:
    """In either byte order, short or long."""
    told = read_credit(prefix + exif(order, copyright="© Ada Lovelace", creator="Ada"), b"", b"")
    assert told == Credit(copyright="© Ada Lovelace", creator="Ada")


def test_iptc_tells_them_too() -> None:
    """Records 2:80, 2:110 and 2:116; in UTF-8 or in Latin-1."""
    iptc = (
        record(80, b"Ada")
        + record(110, "Æther".encode())
        + record(116, "© Ada".encode("latin-1"))
        + record(90, b"Paris")
    )
    assert read_credit(b"", iptc, b"") == Credit(copyright="© Ada", creator="Ada", credit="Æther")


def test_xmp_tells_all_and_wins() -> None:
    """Attributes and elements; of several makers the first; the other texts fill what it leaves open."""
    told = read_credit(exif(copyright="old", creator="old"), record(80, b"old"), XMP)
    assert told == Credit("© Zoë", "Zoë & Søn", "The Æther", "", "https://example.org/terms")
    assert read_credit(exif(copyright="kept"), b"", b"<broken").copyright == "kept"


def test_what_is_written_is_read_again() -> None:
    """And holds nothing else, whatever characters are in it."""
    credit = Credit("© <b>&\"' {}", "a", "b", "c", "https://example.org/?a=1&b=2")
    assert read_credit(b"", b"", credit.xmp()) == credit
    assert not Credit()
    assert b"GPS" not in read_credit(b"", b"", XMP).xmp()


def test_a_text_is_cut_and_made_plain() -> None:
    """No notice is endless, and none carries control characters."""
    told = read_credit(exif(copyright="x" * 10_000, creator="a\nb\tc"), b"", b"")
    assert len(told.copyright) == MAX_CHARACTERS
    assert told.creator == "a b c"
    long = XMP.replace("© Zoë".encode(), b"y\n" * 300_000)
    assert 1000 < len(read_credit(b"", b"", long).copyright) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    "xmp",
    [
        b"",
        b"\0\0",
        b"<a",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:rights>&b;</dc:rights></a>",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"\xff\xfe<\0a\0",
    ],
)
def test_hostile_xmp_tells_nothing(xmp: bytes) -> None:
    """Entities are not resolved, strange encodings not guessed."""
    assert read_credit(b"", b"", xmp) == Credit()


@given(data=st.binary(max_size=200), at=st.integers(0, 120))
def test_damage_is_an_absent_text(data: bytes, at: int) -> None:
    """No bytes make it fail."""
    read_credit(data, data, data)
    whole = exif(copyright="© Ada Lovelace", creator="Ada")
    read_credit(whole[:at] + data, record(116, b"x")[:at] + data, XMP[: at * 9] + data)
    iptc_alone(b"Photoshop 3.0\0" + resource(0x0404, b"x")[:at] + data)
    settled_xmp(data)


@pytest.mark.parametrize(
    "turned", [b"tiff:Orientation='6'", b'tiff:Orientation="8"', b"<tiff:Orientation>3</tiff:Orientation>"]
)
def test_a_packet_is_settled(turned: bytes) -> None:
    """The picture stands upright now, and the thumbnail shows what may have been cut away."""
    packet = b"<a " + turned + b"><xmp:Thumbnails><rdf:Alt>base64</rdf:Alt></xmp:Thumbnails><b/></a>"
    settled = settled_xmp(packet)
    assert b"base64" not in settled
    assert settled.endswith(b"<b/></a>")
    assert b"1" in settled
    assert not set(b"368") & set(settled)


@pytest.mark.parametrize("container", ["Container", "GContainer"])
def test_what_was_attached_is_no_longer_told_of(container: str) -> None:
    """A gain map and a film lie behind the picture, and do not come along."""
    packet = (
        "<rdf:Description hdrgm:Version=\"1.0\" GCamera:MotionPhoto='1' GCamera:MotionPhotoVersion='1' dc:format='x'>"
        f"<{container}:Directory><rdf:Seq><rdf:li Item:Semantic='GainMap'/></rdf:Seq></{container}:Directory><dc:a/>"
        "</rdf:Description>"
    )
    assert settled_xmp(packet.encode()) == b"<rdf:Description dc:format='x'><dc:a/></rdf:Description>"


@pytest.mark.parametrize(
    "texts",
    [
        (struct.pack("<4sIH", b"II*\0", 8, 60_000) + struct.pack("<2H2I", 0x8298, 2, 2**20, 0) * 60_000, b"", b""),
        (b"", b"\x1c\x02\x74\x7f\xff" * 200_000, b""),
        (b"", b"", b"<a>" * 140_000 + b"</a>" * 140_000),
        (b"", b"", b"<xmp:Thumbnails " * 60_000),
        (b"", b"", b"<xmp:Thumbnails></xmp:Thumbnails>" * 30_000),
        (b"", b"", b" hdrgm:a='" * 100_000),
    ],
    ids=["exif", "iptc", "deep", "open", "closed", "quotes"],
)
def test_a_megabyte_of_mischief_is_read_at_once(texts: tuple[bytes, bytes, bytes]) -> None:
    """No text takes time by the square of its length."""
    started = time.monotonic()
    read_credit(*texts)
    settled_xmp(texts[2])
    assert time.monotonic() - started < 5


def test_a_long_text_is_cut_between_letters() -> None:
    """Each is four bytes at most; the notice stays readable."""
    assert read_credit(b"", record(116, b"x" + "é".encode() * 9000), b"").copyright == "x" + "é" * 1999


def test_of_photoshops_resources_only_iptc_stays() -> None:
    """Among the others is a thumbnail; bare records are left alone."""
    iptc = resource(0x0404, record(116, b"me"))
    blob = b"Photoshop 3.0\0" + resource(0x040C, b"thumbnail") + iptc + resource(0x03ED, b"x")
    assert iptc_alone(blob) == b"Photoshop 3.0\0" + iptc
    assert iptc_alone(record(116, b"me")) == record(116, b"me")
    assert read_credit(b"", blob, b"").copyright == "me"


def test_the_texts_of_a_real_file_are_read() -> None:
    """What Pillow writes as EXIF is understood."""
    picture = images.opened(images.credited(images.ImageFormat.JPEG, 40, 30))
    assert read_credit(picture.info["exif"], b"", b"").copyright == images.OWNER
