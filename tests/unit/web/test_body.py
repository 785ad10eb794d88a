"""The three ways in end in the same image and the same recipe, or in the same refusals."""

import base64
import json
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from imagemill.domain.limits import Limits
from imagemill.domain.recipe import Recipe
from imagemill.errors import BadInput, EmptyImage, ImageTooLarge, InvalidOptions, MalformedRequest
from imagemill.web import body
from imagemill.web.body import RefusedBody

LIMITS = Limits(image_bytes=100_000, pixels=1, output_pixels=1, frames=1000)
IMAGE = bytes(range(256)) * 3
OPTIONS = {"width": "30", "fit": "inside", "enlarge": "true", "dpr": "1.5", "outputs": '[{"height": 3}]'}
RECIPE = Recipe.parse({"width": 30, "fit": "inside", "enlarge": True, "dpr": 1.5, "outputs": [{"height": 3}]})


def as_json(image: bytes = IMAGE, options: dict[str, str] = OPTIONS) -> Request:
    """A request with a JSON body."""
    values = {name: text if name == "fit" else json.loads(text) for name, text in options.items()}
    text = json.dumps({"imageData": base64.b64encode(image).decode(), **values})
    return request(data=text, content_type="application/json")


def as_form(image: bytes = IMAGE, options: dict[str, str] = OPTIONS) -> Request:
    """A request with a form."""
    return request(data={"image": (BytesIO(image), "a.jpg"), **options})


def as_raw(image: bytes = IMAGE, options: dict[str, str] = OPTIONS) -> Request:
    """A request with a raw body."""
    return request(data=image, content_type="image/jpeg", query_string=options)


def request(**arguments: object) -> Request:
    """A POST as a server hands it over."""
    return Request(EnvironBuilder(method="POST", **arguments).get_environ())


WAYS = pytest.mark.parametrize("way", [as_json, as_form, as_raw])
Way = Callable[..., Request]


@WAYS
def test_all_ways_lead_to_the_same_place(way: Way) -> None:
    """The same image and the same options, however they are sent."""
    submission = body.read(way(), LIMITS)
    assert bytes(submission.image) == IMAGE
    assert submission.recipe == RECIPE


@WAYS
def test_the_limit_is_the_images(way: Way) -> None:
    """An image at the limit is taken, and one byte more is refused, whatever it is wrapped in."""
    assert len(body.read(way(bytes(LIMITS.image_bytes)), LIMITS).image) == LIMITS.image_bytes
    # A form's wrapping hides up to 64 KiB from the reader; the intake, which checks every image, sees them.
    with pytest.raises(ImageTooLarge):
        LIMITS.check_bytes(len(body.read(way(bytes(LIMITS.image_bytes + 1)), LIMITS).image))
    with pytest.raises(ImageTooLarge):
        body.read(way(bytes(LIMITS.image_bytes * 2)), LIMITS)


@WAYS
def test_wrong_options_are_refused_with_pointers(way: Way) -> None:
    """Each unknown or wrong option is named."""
    with pytest.raises(InvalidOptions) as raised:
        body.read(way(options={"width": "0", "imageUrl": '"x"'}), LIMITS)
    assert {problem.pointer for problem in raised.value.problems} == {"/width", "/imageUrl"}


@pytest.mark.parametrize("way", [as_form, as_raw])
def test_a_bottomless_list_of_outputs_is_refused(way: Way) -> None:
    """Where `outputs` is a text, its JSON may be as hostile as any."""
    with pytest.raises(InvalidOptions) as raised:
        body.read(way(options={"outputs": "[" * 7000}), LIMITS)
    assert [problem.pointer for problem in raised.value.problems] == ["/outputs"]


@WAYS
def test_no_option_at_all_is_fine(way: Way) -> None:
    """The defaults are the recipe's."""
    assert body.read(way(options={}), LIMITS).recipe == Recipe.parse({})


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "image/png", "text/plain"])
def test_without_a_body_there_is_no_image(kind: str) -> None:
    """No body is the same whatever it says it is."""
    with pytest.raises(EmptyImage):
        body.read(request(content_type=kind), LIMITS)


@pytest.mark.parametrize("kind", ["application/json", "image/png"])
def test_chunks_of_nothing_are_no_image(kind: str) -> None:
    """A body whose length is told by its end may turn out to have none."""
    environ = EnvironBuilder(method="POST", content_type=kind).get_environ()
    environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    with pytest.raises(EmptyImage):
        LIMITS.check_bytes(len(body.read(Request(environ), LIMITS).image))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/ld+json"},
        {},
        {"Content-Type": "image/jpeg", "Content-Encoding": "gzip"},
    ],
)
def test_other_types_and_codings_are_refused_with_what_is_read(headers: dict[str, str]) -> None:
    """The refusal says what to send instead."""
    with pytest.raises(RefusedBody) as raised:
        body.read(request(data=b"data", headers=headers), LIMITS)
    told = dict(raised.value.get_headers())
    assert told["Accept"] == told["Accept-Post"]
    assert "multipart/form-data" in told["Accept"]
    assert told["Accept-Encoding"] == "identity"


def test_type_and_coding_are_read_as_http_says() -> None:
    """Letter case and parameters do not matter, and identity is no coding."""
    headers = {"Content-Type": "Image/JPEG; q=1", "Content-Encoding": "Identity"}
    assert body.read(request(data=IMAGE, headers=headers), LIMITS).image == IMAGE


@pytest.mark.parametrize("way", [as_json, as_form])
def test_a_query_beside_a_body_that_has_options_is_refused(way: Way) -> None:
    """An option in the wrong place is not dropped in silence."""
    sent = way()
    environ = sent.environ | {"QUERY_STRING": "width=3"}
    with pytest.raises(InvalidOptions) as raised:
        body.read(Request(environ), LIMITS)
    assert raised.value.problems[0].pointer == "/width"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ([("image", (BytesIO(IMAGE), "a")), ("image", (BytesIO(IMAGE), "b"))], "/image"),
        ([("image", "as a text")], "/image"),
        ([("image", (BytesIO(IMAGE), "a")), ("other", (BytesIO(IMAGE), "b"))], "/other"),
        ([("image", (BytesIO(IMAGE), "a")), ("width", (BytesIO(b"3"), "b"))], "/width"),
        ([("image", (BytesIO(IMAGE), "a")), ("width", "3"), ("width", "4")], "/width"),
        ([("image", (BytesIO(IMAGE), "a")), ("other", "3")], "/other"),
    ],
)
def test_a_form_has_one_image_and_each_option_once(fields: list[tuple[str, object]], pointer: str) -> None:
    """What a form has too much of is named."""
    builder = EnvironBuilder(method="POST", content_type="multipart/form-data")
    for name, value in fields:
        if isinstance(value, tuple):
            builder.files.add_file(name, *value)
        else:
            builder.form.add(name, value)
    with pytest.raises(InvalidOptions) as raised:
        body.read(Request(builder.get_environ()), LIMITS)
    assert [problem.pointer for problem in raised.value.problems] == [pointer]


def test_a_raw_bodys_option_is_there_once() -> None:
    """The same name twice in a query has no meaning."""
    with pytest.raises(InvalidOptions):
        body.read(request(data=IMAGE, content_type="image/png", query_string="width=3&width=3"), LIMITS)


def test_a_form_without_the_image() -> None:
    """A form of options alone has no image."""
    with pytest.raises(EmptyImage):
        body.read(request(data={"width": "3"}, content_type="multipart/form-data"), LIMITS)


def form(text: bytes, content_type: str = "multipart/form-data; boundary=b") -> Request:
    """A form spelled by hand."""
    return request(data=text, content_type=content_type)


PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc\r\n'


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (PART + b"--b--\r\n", "multipart/form-data"),
        (PART + b"--b--\r\n", "multipart/form-data; boundary=ü"),
        (PART, "multipart/form-data; boundary=b"),
        (b"nothing of the kind", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nabc\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (PART + PART.replace(b"image", b"x") * 64 + b"--b--\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"x" * 80_000 + b"\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
    ],
    ids=["no boundary", "odd boundary", "cut short", "no parts", "no name", "many parts", "long option"],
)
def test_a_broken_form_is_malformed(text: bytes, content_type: str) -> None:
    """What is no form, has no end or has no measure is refused."""
    with pytest.raises(MalformedRequest):
        body.read(form(text, content_type), LIMITS)


def test_a_part_without_a_name_is_no_option() -> None:
    """A part that nobody can name is refused like any unknown one."""
    with pytest.raises(InvalidOptions):
        body.read(form(b"--b\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--b--\r\n"), LIMITS)


@given(st.binary(max_size=300))
def test_any_form_at_all_ends_in_a_submission_or_in_bad_input(noise: bytes) -> None:
    """No form makes the parser fail in any other way."""
    for text in (noise + b".", b"--b\r\n" + noise, PART + noise + b"\r\n--b--\r\n", noise.join(PART.split(b'"'))):
        try:
            body.read(form(text), LIMITS)
        except BadInput:
            continue
