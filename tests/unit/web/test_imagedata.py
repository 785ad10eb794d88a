"""The JSON body: strict JSON around an image that is decoded where it lies."""

import base64
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.domain.limits import Limits
from imagemill.errors import BadInput, EmptyImage, ImageTooLarge, InvalidBase64, MalformedRequest
from imagemill.web import imagedata

LIMITS = Limits(image_bytes=4 * 2**20, pixels=1, output_pixels=1, frames=1000)
IMAGE = bytes(range(256)) * 3


def encoded(data: bytes = IMAGE) -> str:
    """Base64 as a client sends it."""
    return base64.b64encode(data).decode()


def around(text: str) -> str:
    """A body around a text in its field."""
    return '{"imageData": "' + text + '"}'


def decoded(text: str, limits: Limits = LIMITS) -> bytes:
    """What comes of a body."""
    return bytes(imagedata.parse(bytearray(text, "utf-8"))[1].decode(limits))


@given(
    data=st.binary(min_size=1, max_size=400),
    options=st.dictionaries(
        st.text(max_size=8).filter(lambda name: name != "imageData"), st.text(max_size=20), max_size=4
    ),
    place=st.integers(0, 4),
    indent=st.sampled_from([None, 0, 3]),
    ascii_only=st.booleans(),
)
def test_what_a_json_writer_writes_is_read(
    data: bytes, options: dict[str, str], place: int, indent: int | None, ascii_only: bool
) -> None:
    """Wherever the field stands, whatever stands beside it and however it is laid out: same image, same options."""
    items = list(options.items())
    items.insert(place, ("imageData", encoded(data)))
    text = json.dumps(dict(items), indent=indent, ensure_ascii=ascii_only)
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    read, image = imagedata.parse(body)
    assert read == options
    assert bytes(image.decode(LIMITS)) == data


@pytest.mark.parametrize(
    "spelled",
    [
        around(encoded().replace("/", "\\/")),
        around(encoded().replace("+", "\\u002B").replace("=", "\\u003d")),
        around(encoded()).replace("D", "\\u0044", 1),
        around(encoded()).replace("{", "\r\n\t{ ").replace(":", "\n:\t") + "\n",
    ],
    ids=["escaped-slash", "escaped-plus", "escaped-name", "white-space"],
)
def test_other_spellings_of_the_same_json_are_read(spelled: str) -> None:
    """JSON allows escapes anywhere; some serialisers use them."""
    assert decoded(spelled) == IMAGE


@pytest.mark.parametrize("size", [0, 1, 2, 3, 2**20 // 4 * 3 - 1, 2**20 // 4 * 3, 2**20 // 4 * 3 + 1, 3 * 2**20])
def test_images_of_every_length_are_decoded(size: int) -> None:
    """Steps of decoding leave no seam, and nothing is nothing."""
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    if data:
        assert decoded(around(encoded(data))) == data
    else:
        with pytest.raises(EmptyImage):
            decoded(around(encoded(data)))


@pytest.mark.parametrize(
    "prefix", ["data:image/jpeg;base64,", "DATA:;BASE64,", "data:image/svg+xml;charset=utf-8;base64,"]
)
def test_a_data_uri_is_accepted(prefix: str) -> None:
    """What a browser's FileReader gives can be sent as it is."""
    assert decoded(around(prefix + encoded())) == IMAGE


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(), "URL-safe"),
        (encoded()[:8] + "\n" + encoded()[8:], "line breaks"),
        (encoded()[:8] + " " + encoded()[8:], "white space"),
        (encoded(b"abcd").rstrip("="), "padding"),
        ("QQ==QUJD", "before its end"),
        ("QUJ!", "not base64"),
        ("QUJD" * (2**18 - 1) + "QQ==" + "QUJD", "before its end"),
        ("data:image/jpeg,plain", "data: URI"),
        ("data:image/jpeg;base64", "data: URI"),
        ("data:text;base64,QUJD", "data: URI"),
    ],
)
def test_what_is_not_base64_is_refused_with_a_hint(text: str, hint: str) -> None:
    """Strict, so that no image is silently another one; and helpful."""
    with pytest.raises(InvalidBase64, match=hint):
        decoded(json.dumps({"imageData": text}))


@pytest.mark.parametrize("text", ["AA\\/A", "AA\\u002bA", "QUJ\\"])
def test_a_backslash_is_no_base64(text: str) -> None:
    """Nor does it make an escape of what follows, once it has been escaped itself."""
    with pytest.raises(InvalidBase64, match="not base64"):
        decoded(json.dumps({"imageData": text}))


@pytest.mark.parametrize("value", ["12", "true", "[]", "{}", '["QUJD"]'])
def test_an_image_that_is_no_string_is_refused(value: str) -> None:
    """Nothing is turned into a string on the quiet."""
    with pytest.raises(InvalidBase64):
        decoded(f'{{"imageData": {value}}}')


@pytest.mark.parametrize(
    "text", ["{}", '{"width": 3}', '{"imageData": ""}', '{"imageData": null}', '{"imageData": "data:;base64,"}']
)
def test_no_image(text: str) -> None:
    """A field that is missing, null or empty is the same: no image."""
    with pytest.raises(EmptyImage):
        decoded(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '"text"',
        "null",
        '{"imageData": "QUJD"',
        '{"imageData": "QUJD',
        '{"imageData": "QUJD\\"}',
        '{"imageData": "QUJD\\x"}',
        '{"imageData": "QUJD",}',
        '{"imageData": "QUJD"} {}',
        '{"imageData": "QUJD", "imageData": "QUJD"}',
        '{"imageData": "QUJD", "width": 1, "width": 1}',
        '{"imageData": "QUJD", "quality": NaN}',
        '{"imageData": "QUJD", "quality": -Infinity}',
        '{"imageData": "QUJD", "width": %s}' % ("9" * 5000),
        '{"imageData": "QUJD", "outputs": %s}' % ("[" * 30_000),
        '{"imageData": "QUJD", "outputs": %s}' % ('{"a":' * 10_000),
        '{"imageData": "QUJD", "name": "%s"}' % ("x" * imagedata.OPTIONS_BYTES),
        "[1," * 2**17,
    ],
    ids=lambda text: text[:60],
)
def test_what_is_not_one_small_json_object_is_malformed(text: str) -> None:
    """Broken, doubled, bottomless or oversized JSON is refused without an echo of it."""
    with pytest.raises(MalformedRequest) as raised:
        decoded(text)
    assert "QUJD" not in raised.value.detail
    assert "xxx" not in raised.value.detail


def test_bytes_that_are_no_text_are_malformed() -> None:
    """JSON is UTF-8 (RFC 8259, section 8.1)."""
    for body in (b'{"imageData": "QUJD", "name": "\xff"}', '{"imageData": "QUJD"}'.encode("utf-16")):
        with pytest.raises(MalformedRequest):
            imagedata.parse(bytearray(body))


def test_an_image_deeper_down_is_not_the_image() -> None:
    """Only the field of the outermost object counts; one of the same name within an output stays an unknown option."""
    text = '{"outputs": [{"imageData": "QUJD"}], "imageData": "REVG"}'
    options, _ = imagedata.parse(bytearray(text, "ascii"))
    assert options == {"outputs": [{"imageData": ""}]}


def test_a_large_image_is_refused_before_it_is_decoded() -> None:
    """The limit is of the image, not of its base64, and to the byte."""
    limits = Limits(image_bytes=1000, pixels=1, output_pixels=1, frames=1000)
    for size in (998, 999, 1000):
        assert len(decoded(around(encoded(bytes(size))), limits)) == size
    for size in (1001, 1002, 1003):
        with pytest.raises(ImageTooLarge):
            decoded(around(encoded(bytes(size))), limits)


@given(st.integers(1, 10_000))
def test_every_image_within_the_limit_fits_into_a_body(size: int) -> None:
    """The body's limit follows from the image's, with room for the options."""
    limits = Limits(image_bytes=size, pixels=1, output_pixels=1, frames=1000)
    assert imagedata.body_limit_bytes(limits) == len(encoded(bytes(size))) + imagedata.OPTIONS_BYTES


@given(st.binary(max_size=200))
def test_any_bytes_at_all_end_in_an_image_or_in_bad_input(noise: bytes) -> None:
    """No body makes the parser fail in any other way."""
    for body in (noise, b'{"imageData": "' + noise, b'{"imageData": "' + noise + b'"}'):
        try:
            imagedata.parse(bytearray(body))[1].decode(LIMITS)
        except BadInput:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "\\/" * 10_000_000,
        "A" * 20_000_000 + "\\/\U0001f600",
        "A" * 20_000_000 + "\\ud83d\\ude00",
        '\\"' * 10_000_000,
        "\\u002b" * 6_000_000,
        "\\u0041" * 3_000_000,
        "\\n" * 10_000_000,
    ],
    ids=["slashes", "beyond-ascii", "escaped-beyond-ascii", "quotes", "pluses", "letters", "line-breaks"],
)
def test_escapes_cost_little(text: str) -> None:
    """However many there are, and whatever they stand for: no text of four bytes a character is made of any."""
    body = bytearray(around(text).encode())
    limits = Limits(image_bytes=2**22, pixels=1, output_pixels=1, frames=1)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput):
            imagedata.parse(body)[1].decode(limits)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * len(body)
    finally:
        tracemalloc.stop()
