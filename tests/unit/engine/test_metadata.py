"""Metadata: by default nothing comes out; who made a picture when asked; all of it only when asked for all."""

import struct
from io import BytesIO

import pytest
from PIL import ExifTags, Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Rendered
from tests import images
from tests.unit.engine.rendering import corners, distance, pixels, render

TAGGED = ["jpeg", "png", "webp", "avif"]
SOURCES = [ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF]
COLOUR_SPACE, UNCALIBRATED = 0xA001, 0xFFFF


def exif_of(rendered: Rendered) -> Image.Exif:
    """The output's EXIF."""
    return images.opened(rendered.data).getexif()


def xmp_of(rendered: Rendered) -> bytes:
    """The output's XMP packet; empty if there is none."""
    picture = images.opened(rendered.data)
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else packet


@pytest.mark.parametrize("output", TAGGED)
@pytest.mark.parametrize("source", SOURCES)
def test_copyright_tells_who_and_nothing_else(source: ImageFormat, output: str) -> None:
    """Owner and maker come along; place, camera and everything else stay behind, in whatever block they stood."""
    made = render(images.credited(source, 60, 40), width=30, format=output, metadata="copyright")
    exif = exif_of(made)
    assert exif[ExifTags.Base.Copyright] == images.OWNER
    assert exif[ExifTags.Base.Artist] == "Ada"
    assert exif.get_ifd(ExifTags.IFD.Exif)[COLOUR_SPACE] != UNCALIBRATED
    assert images.OWNER.encode() in xmp_of(made)
    assert not exif.get_ifd(images.GPS_IFD)
    assert images.MAKER.encode() not in made.data
    assert b"GPS" not in made.data
    assert b"Paris" not in made.data


@pytest.mark.parametrize("output", TAGGED)
def test_a_picture_of_nobody_tells_nothing(output: str) -> None:
    """Where no owner stands, no text is made up, and no place leaks."""
    made = render(images.with_metadata(ImageFormat.JPEG, 60, 40), width=30, format=output, metadata="copyright")
    exif = exif_of(made)
    assert ExifTags.Base.Copyright not in exif
    assert not exif.get_ifd(images.GPS_IFD)
    assert images.MAKER.encode() not in made.data
    assert xmp_of(made) == b""


@pytest.mark.parametrize("output", TAGGED)
@pytest.mark.parametrize("orientation", [1, 6])
def test_all_comes_along_but_what_is_no_longer_true(output: str, orientation: int) -> None:
    """Camera and place are there; the picture stands upright and says so, in EXIF and in XMP, and has no thumbnail."""
    data = images.credited(ImageFormat.JPEG, 90, 60, orientation=orientation, thumbnail=True)
    assert b"thumbnail" in data
    made = render(data, width=40, format=output, metadata="all")
    exif = exif_of(made)
    assert exif[ExifTags.Base.Make] == images.MAKER
    assert exif.get_ifd(images.GPS_IFD)
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert b"Orientation='6'" not in xmp_of(made)
    assert b"thumbnail" not in made.data
    assert exif.get_ifd(ExifTags.IFD.Exif).get(COLOUR_SPACE, 1) != UNCALIBRATED


@pytest.mark.parametrize("metadata", ["copyright", "all"])
def test_an_embedded_thumbnail_never_comes_along(metadata: str) -> None:
    """It may show what was cropped away."""
    small = images.photo_jpeg(16, 16)
    tags = [
        struct.pack("<2H2I", tag, kind, 1, value)
        for tag, kind, value in ((0x103, 3, 6), (0x201, 4, 80), (0x202, 4, len(small)))
    ]
    exif = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<2H2I", 0x112, 3, 1, 1) + struct.pack("<I", 26)
    exif += struct.pack("<H", 3) + b"".join(tags) + bytes(4)
    data = images.photo_jpeg(60, 40, exif=b"Exif\0\0" + exif.ljust(80, b"\0") + small)
    assert data.count(small) == 1
    made = render(data, width=30, metadata=metadata)
    assert made.data.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("format", ["gif", "jp2"])
def test_a_format_without_room_for_texts_has_none(format: str) -> None:
    """The option means nothing to it."""
    data = images.credited(ImageFormat.JPEG, 60, 40)
    assert render(data, format=format, metadata="all").data == render(data, format=format).data


def test_a_tiff_carries_xmp() -> None:
    """EXIF has no place among its tags that libvips knows."""
    made = render(images.credited(ImageFormat.JPEG, 60, 40), format="tiff", metadata="copyright")
    assert images.OWNER.encode() in made.data
    assert images.MAKER.encode() not in made.data


@pytest.mark.parametrize("output", [*TAGGED, "tiff"])
def test_a_profile_is_kept_with_its_colours(output: str) -> None:
    """With `keep` the numbers stay as they are and the profile explains them; by default they are converted."""
    swapped = images.swapped_profile()
    data = images.saved(images.quadrants(60, 40), ImageFormat.PNG, icc_profile=swapped)
    kept = render(data, format=output, profile="keep", quality=95)
    assert images.opened(kept.data).info["icc_profile"] == swapped
    assert corners(kept)[:2] == [(255, 0, 0), (0, 255, 0)]
    converted = render(data, format=output, quality=95)
    assert "icc_profile" not in images.opened(converted.data).info
    assert corners(converted)[:2] == [(0, 255, 0), (255, 0, 0)]


def test_a_profile_without_a_place_is_applied() -> None:
    """GIF and JPEG 2000 hold none: there the colours are sRGB, whatever was asked."""
    data = images.saved(images.quadrants(60, 40), ImageFormat.PNG, icc_profile=images.swapped_profile())
    for format in ("gif", "jp2"):
        assert corners(render(data, format=format, profile="keep"))[:2] == [(0, 255, 0), (255, 0, 0)]


def test_ink_becomes_srgb_all_the_same() -> None:
    """A CMYK profile explains no RGB."""
    kept = render(images.cmyk_jpeg(60, 40), format="png", profile="keep")
    assert "icc_profile" not in images.opened(kept.data).info
    assert distance(pixels(kept), pixels(render(images.cmyk_jpeg(60, 40), format="png"))) == 0


def test_grey_that_becomes_colour_loses_its_profile() -> None:
    """On a coloured canvas a grey picture has three bands, and its profile is for one."""
    file = BytesIO()
    images.photo(60, 40).convert("L").save(file, "PNG", icc_profile=images.grey_profile())
    plain = render(file.getvalue(), format="png", profile="keep")
    assert images.opened(plain.data).info["icc_profile"] == images.grey_profile()
    on_red = render(
        file.getvalue(), width=60, height=60, fit="contain", background="#f00", format="png", profile="keep"
    )
    assert "icc_profile" not in images.opened(on_red.data).info
    assert images.opened(on_red.data).mode == "RGB"


@pytest.mark.parametrize("format", ["webp", "avif", "smallest"])
def test_greys_without_a_place_for_their_profile_are_converted(format: str) -> None:
    """WebP and AVIF hold grey as three bands, which a profile of greys tells nothing of: they show what PNG shows."""
    file = BytesIO()
    images.photo(60, 40).convert("L").save(file, "PNG", icc_profile=images.grey_profile())
    made = render(file.getvalue(), format=format, quality=100, profile="keep")
    assert "icc_profile" not in images.opened(made.data).info
    assert distance(pixels(made, "RGB"), pixels(render(file.getvalue(), format="png"), "RGB")) < 2


@pytest.mark.parametrize("output", ["webp", "avif"])
def test_an_animation_keeps_its_profile(output: str) -> None:
    """Numbers and profile stay together, whichever library writes."""
    data = images.animated(ImageFormat.WEBP, 40, 30, icc_profile=images.swapped_profile())
    kept, converted = (render(data, format=output, animated=True, profile=word) for word in ("keep", "srgb"))
    assert images.opened(kept.data).info["icc_profile"] == images.swapped_profile()
    assert corners(kept)[0] == (255, 0, 0)
    assert "icc_profile" not in images.opened(converted.data).info
    assert corners(converted)[0] == (0, 255, 0)


def test_texts_do_not_come_without_being_asked() -> None:
    """A profile alone brings no EXIF."""
    made = render(images.credited(ImageFormat.JPEG, 60, 40), format="jpeg", profile="keep")
    assert images.MAKER.encode() not in made.data
    assert images.OWNER.encode() not in made.data


@pytest.mark.parametrize(("metadata", "kept"), [("all", True), ("copyright", False), ("none", False)])
def test_iptc_comes_along_with_all(metadata: str, kept: bool) -> None:
    """JPEG has a place for it; of what Photoshop put beside it nothing stays, and its owner is heard in any case."""
    iptc = b"\x1c\x02\x5a\x00\x05Paris\x1c\x02\x74\x00\x03Ada"
    blocks = [(0x0404, iptc), (0x040C, b"thumbnail")]
    body = b"".join(
        b"8BIM" + struct.pack(">H2xI", kind, len(data)) + data + bytes(len(data) % 2) for kind, data in blocks
    )
    segment = b"Photoshop 3.0\0" + body
    plain = images.photo_jpeg(60, 40)
    data = plain[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]
    made = render(data, width=30, metadata=metadata)
    assert (b"Paris" in made.data) is kept
    assert b"thumbnail" not in made.data
    assert (b"Ada" in made.data) is (metadata != "none")


def test_a_kept_profile_keeps_the_note_that_there_is_one() -> None:
    """EXIF's colour space is sRGB only where the pixels are."""
    data = images.credited(ImageFormat.JPEG, 60, 40)
    kept = render(data, format="jpeg", metadata="all", profile="keep")
    assert exif_of(kept).get_ifd(ExifTags.IFD.Exif)[COLOUR_SPACE] == UNCALIBRATED
