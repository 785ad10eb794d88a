"""Decide which texts go with the picture: none, who made it, or all that is still true."""

from imagemill.domain.encoding import Metadata
from imagemill.engine.context import Context
from imagemill.engine.texts import iptc_alone, read_credit, settled_xmp
from imagemill.engine.vips import Image, texts, with_texts

_EXIF, _IPTC, _XMP = "exif-data", "iptc-data", "xmp-data"
_COLOUR_SPACE, _SRGB = "exif-ifd2-ColorSpace", "1"  # Exif 2.32, table 8
_OF_THE_THUMBNAIL = ("exif-ifd1-", "jpeg-thumbnail-data", "photoshop-data")


def metadata(image: Image, context: Context) -> Image:
    """Leave on the picture what is to be written. With `none` the encoder writes nothing whatever is there."""
    match context.metadata:
        case Metadata.NONE:
            return image
        case Metadata.COPYRIGHT:
            return _credited(image, srgb=not context.profile_kept)
        case Metadata.ALL:
            return _settled(image, srgb=not context.profile_kept)


def _credited(image: Image, *, srgb: bool) -> Image:
    # Written anew and not filtered: what nobody wrote cannot leak.
    told = texts(image)
    credit = read_credit(*(bytes(told.get(field, b"")) for field in (_EXIF, _IPTC, _XMP)))
    exif = {"exif-ifd0-Copyright": credit.copyright, "exif-ifd0-Artist": credit.creator}
    added: dict[str, str | bytes] = {field: text for field, text in exif.items() if text}
    if added and srgb:
        added[_COLOUR_SPACE] = _SRGB  # or libexif would write that it is none that has a number
    if credit:
        added[_XMP] = credit.xmp()
    removed = [field for field in told if field.startswith(("exif-", "png-comment-", *_OF_THE_THUMBNAIL))]
    return with_texts(image, [*removed, *({_IPTC, _XMP} & told.keys())], added)


def _settled(image: Image, *, srgb: bool) -> Image:
    told = texts(image)
    changed: dict[str, str | bytes] = {}
    if _XMP in told:
        changed[_XMP] = settled_xmp(bytes(told[_XMP]))
    if _IPTC in told:
        changed[_IPTC] = iptc_alone(bytes(told[_IPTC]))
    if srgb and _COLOUR_SPACE in told:
        changed[_COLOUR_SPACE] = _SRGB
    return with_texts(image, [field for field in told if field.startswith(_OF_THE_THUMBNAIL)], changed)
