"""SVG: what comes in as XML goes on as a drawing that refers to nothing outside of it, or not at all."""

import socket
import threading
import time
from pathlib import Path

import pytest

from imagemill.domain.geometry import Size
from imagemill.engine import svg
from imagemill.engine.svg import read_drawing
from imagemill.errors import BadInput, CorruptImage, TooManyPixels, UnsupportedImage
from tests import images, samples
from tests.unit.engine.rendering import pixels
from tests.unit.engine.test_reading import render

BOMB = """<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><svg xmlns="http://www.w3.org/2000/svg"><text>&c;</text></svg>"""
FILE = """<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>"""
ONE_PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ("width='80' height='60'", Size(80, 60)),
        ("width='80' viewBox='0 0 40 20'", Size(80, 40)),
        ("height='80' viewBox='0 0 40 20'", Size(160, 80)),
        ("viewBox='-5,-5,40,20'", Size(40, 20)),
        ("width='100%' height='100%' viewBox='0 0 40 20'", Size(40, 20)),
        ("width='1in' height='25.4mm'", Size(96, 96)),
        ("width='3pt' height='1pc'", Size(4, 16)),
        ("width='1.5e2' height='1E+1px'", Size(150, 10)),
        ("", Size(300, 150)),
        ("width='0.1' height='0.1'", Size(1, 1)),
    ],
)
def test_the_size_is_what_a_browser_shows(attributes: str, size: Size) -> None:
    """In CSS pixels, from sides or from the box; what is drawn has exactly this size."""
    data = samples.svg(attributes=attributes)
    assert read_drawing(data).size == size
    assert render(data).size == size


@pytest.mark.parametrize(
    "css", ["width: 9000px; height: 9000px", "width: 90px !important; height: 90px !/**/important", "height: 1px"]
)
@pytest.mark.parametrize("selector", ["svg", ":root"])
def test_a_style_sheet_sets_no_other_size(css: str, selector: str) -> None:
    """What was checked against the limits is what is drawn."""
    data = samples.svg(f"<style>{selector} {{ {css} }}</style>" + "<rect width='24' height='24' fill='#f00'/>")
    rendered = render(data)
    assert images.opened(rendered.data).size == (24, 24)
    assert tuple(pixels(rendered, "RGBA")[12, 12]) == (255, 0, 0, 255)
    inline = samples.svg(attributes=f"viewBox='0 0 24 24' style='{css};/*'")
    assert images.opened(render(inline).data).size == (24, 24)
    assert images.opened(render(inline, crop=[2, 2, 10, 10], width=10, height=10).data).size == (10, 10)


@pytest.mark.parametrize("selector", ["svg", ":root"])
def test_a_style_of_the_drawing_is_not_applied_twice(selector: str) -> None:
    """Half clear is half clear."""
    data = samples.svg(f"<style>{selector} {{ opacity: 0.5 }}</style><rect width='24' height='24' fill='#f00'/>")
    assert pixels(render(data), "RGBA")[0, 0, 3] == pytest.approx(128, abs=1)


def test_a_style_of_each_svg_is_not_applied_twice_to_a_part() -> None:
    """A part is drawn within a frame, which has no style of its own."""
    data = samples.svg("<style>svg { opacity: 0.5; transform: scale(2) }</style><rect width='9' height='9'/>")
    whole, part = render(data), render(data, crop=[6, 6, 12, 12], width=12, height=12)
    assert pixels(part, "RGBA").tolist() == pixels(whole, "RGBA")[6:18, 6:18].tolist()


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        "<image href='file:///etc/passwd' width='9' height='9'/>",
        "<image xlink:href='http://{host}/x.png' xmlns:xlink='http://www.w3.org/1999/xlink' width='9' height='9'/>",
        "<use href='http://{host}/x.svg#a'/>",
        "<use href=' http://{host}/x.svg#a'/>",
        "<style>@import url(http://{host}/x.css);</style>",
        r"<style>@\69mport 'http://{host}/x.css';</style>",
        "<style>@import 'http://{host}/x.css'</style>",
        "<style>@media print {{ @import 'http://a@{host}/x.css'; }} @import 'http://a@{host}/x.css';</style>",
        "<style>@font-face {{ font-family: x; src: url('http://{host}/x.ttf') }}</style>",
        "<style>@import 'http://{host}/}}';</style>",
        "<style>@IMPORT 'http://{host}/{{';</style>",
        "<style>ur<x/>l(http://{host}/x.css)</style>",
        "<style>ur<desc/>l(http://{host}/x.css)</style>",
        "<style>" + " " * 8190 + "u&#114;l(http://{host}/x.css)</style>",
        "<rect width='9' height='9' fill='url(http://{host}/x.svg#a)'/>",
        "<rect width='9' height='9' style='fill: URL( &quot;http://{host}/x.svg#a&quot; )'/>",
        "<foreignObject><iframe src='http://{host}/'/></foreignObject>",
        "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='http://{host}/x' parse='text'/>",
        "<g xml:base='http://{host}/'/>",
        "<rect width='9' height='9' onload='x()'/>",
        "<animate attributeName='x' to='1'/>",
        "<a href='http://{host}/'><rect width='9' height='9'/></a>",
        "<q:image xmlns:q='http://www.w3.org/2000/svg' href='http://{host}/'/>",
    ],
)
def test_nothing_leads_out_of_the_file(inner: str) -> None:
    """Whatever asks for another file or runs is left out; the rest is drawn, and nobody is asked for anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = threading.Event()
        threading.Thread(target=lambda: _answer(server, asked), daemon=True).start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        data = samples.svg(inner.format(host=host) + "<circle cx='12' cy='12' r='10' fill='#f00'/>")
        text = read_drawing(data).text.decode()
        assert host not in text
        assert not any(
            word in text for word in ("script", "passwd", "@import", "include", "iframe", "onload", "animate")
        )
        assert tuple(pixels(render(data), "RGBA")[12, 12]) == (255, 0, 0, 255)
        assert not asked.is_set()


def _answer(server: socket.socket, asked: threading.Event) -> None:
    try:
        server.accept()
    except OSError:
        return
    asked.set()


def test_what_stays_in_the_file_stays() -> None:
    """Gradients, reused shapes, styles and texts are drawn."""
    data = samples.svg(
        "<title>a &amp; b</title><defs><linearGradient id='g'><stop stop-color='#0f0'/></linearGradient>"
        "<rect id='r' width='24' height='24'/></defs><style>.x { fill: url(#g) }</style><use href='#r' class='x'/>"
    )
    assert tuple(pixels(render(data), "RGB")[12, 12]) == (0, 255, 0)


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "gbk", "idna", "utf-7", "undefined"])
def test_an_encoding_that_is_not_read_is_refused(encoding: str) -> None:
    """Whatever Python says of its name."""
    with pytest.raises(CorruptImage, match="encoding"):
        read_drawing(f"<?xml version='1.0' encoding='{encoding}'?>".encode() + samples.svg(""))


@pytest.mark.parametrize("text", [BOMB, FILE])
def test_entities_are_refused(text: str) -> None:
    """Whoever declares one is refused before any is expanded or fetched."""
    started = time.monotonic()
    with pytest.raises(UnsupportedImage, match="no entities"):
        read_drawing(text.encode())
    assert time.monotonic() - started < 1


def test_a_plain_doctype_is_left_out() -> None:
    """Older programs write one; nothing is fetched for it."""
    head = b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>"
    assert b"DOCTYPE" not in read_drawing(head + samples.svg()).text


@pytest.mark.parametrize(
    ("inner", "refusal"),
    [
        (f"<image href='{ONE_PIXEL}'/>", UnsupportedImage),
        ("<filter id='f'><feTurbulence/></filter>", UnsupportedImage),
        ("<filter id='f'><feImage href='#a'/></filter>", UnsupportedImage),
        ("<filter id='f'>" + "<feGaussianBlur/>" * 17 + "</filter>", UnsupportedImage),
        ("<g>" * 65 + "</g>" * 65, TooManyPixels),
        ("<metadata>" + "<b>" * 65 + "</b>" * 65 + "</metadata>", TooManyPixels),
        ("<g/>" * 10_000, TooManyPixels),
        ("<g>", CorruptImage),
        ("&nbsp;", CorruptImage),
    ],
    ids=["picture", "turbulence", "feImage", "filters", "deep", "deep-and-dropped", "many", "open", "unknown-entity"],
)
def test_what_costs_too_much_or_would_be_missed_is_refused(inner: str, refusal: type[BadInput]) -> None:
    """A picture that would come out wrong or late is none."""
    with pytest.raises(refusal):
        read_drawing(samples.svg(inner))


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", UnsupportedImage),
        (b"<svg/>", UnsupportedImage),
        (b"<!-- nothing -->", CorruptImage),
        (samples.svg(attributes="width='0' height='9'"), CorruptImage),
        (samples.svg(attributes="width='-5' height='9'"), CorruptImage),
        (samples.svg(attributes="width='40000' height='9'"), TooManyPixels),
        (samples.svg(attributes="width='1' viewBox='0 0 1 999999'"), TooManyPixels),
        (samples.svg()[:60], CorruptImage),
        (samples.svg(" " * svg.MAX_BYTES), TooManyPixels),
    ],
)
def test_what_is_no_drawing_is_refused(data: bytes, refusal: type[BadInput]) -> None:
    """XML of another kind, no area, or more than a drawing may have."""
    with pytest.raises(refusal):
        read_drawing(data)


def test_shapes_reused_without_end_are_a_refusal() -> None:
    """Ten shapes of ten shapes of ten …: the renderer stops at half a million."""
    nested = "".join(f"<g id='a{level + 1}'>" + f"<use href='#a{level}'/>" * 10 + "</g>" for level in range(8))
    started = time.monotonic()
    with pytest.raises(CorruptImage):
        render(samples.svg(f"<defs><rect id='a0' width='9' height='9'/>{nested}</defs><use href='#a8'/>"))
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    "css", ["@" * 10**6 + "{", "x{fill:url(" + " " * 10**6 + "#a)}", "url(" * 250_000, "x{" * 500_000]
)
def test_a_megabyte_of_mischief_is_read_at_once(css: str) -> None:
    """No style sheet takes time by the square of its length: the API reads it while a client waits."""
    started = time.monotonic()
    read_drawing(samples.svg(f"<style>{css}</style>"))
    assert time.monotonic() - started < 5


def test_every_drawing_of_the_wild_gives_a_picture_or_a_refusal() -> None:
    """Where a folder of them lies beside the checkout."""
    for path in Path(__file__).parents[4].joinpath("shared", "corpus").glob("*.svg"):
        try:
            render(path.read_bytes(), width=50, height=50, fit="contain")
        except BadInput:
            continue
