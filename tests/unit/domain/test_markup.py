"""Markup for pages: which outputs it takes, in which order, and what a browser makes of it."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.markup import Shown, markup, show_one_picture
from imagemill.domain.recipe import Recipe

JPEG, WEBP, AVIF, PNG, TIFF = (ImageFormat(word) for word in ("jpeg", "webp", "avif", "png", "tiff"))


def shown(format: ImageFormat, width: int, height: int | None = None, url: str = "https://a.test/") -> Shown:
    """An output in the proportions of 3 to 2."""
    return Shown(f"{url}{format}-{width}", format, Size(width, height or round(width * 2 / 3)))


class Elements(HTMLParser):
    """Every element of a text, with its attributes as a browser has them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.found.append((tag, dict(attrs)))


def test_types_are_offered_best_first_and_widths_ascending() -> None:
    """A browser takes the first type that it knows: AVIF, then WebP; JPEG stands in the `<img>` for everyone."""
    made = markup([shown(format, width) for format in (JPEG, WEBP, AVIF) for width in (640, 320)])
    assert made
    assert dict(made.srcsets) == {
        f"image/{word}": f"https://a.test/{word}-320 320w, https://a.test/{word}-640 640w"
        for word in ("avif", "webp", "jpeg")
    }
    assert [*made.srcsets] == ["image/avif", "image/webp", "image/jpeg"]
    tags = Elements(made.picture).found
    assert [tag for tag, _ in tags] == ["picture", "source", "source", "img"]
    assert tags[1][1] == {"type": "image/avif", "srcset": made.srcsets["image/avif"]}
    assert tags[3][1] == {
        "src": "https://a.test/jpeg-640",
        "srcset": made.srcsets["image/jpeg"],
        "width": "640",
        "height": "427",
        "alt": "",
    }


def test_urls_are_escaped_for_where_they_stand() -> None:
    """Signed links have ampersands; a comma or a space would end a URL within srcset."""
    made = markup([shown(JPEG, width, url='https://a.test/?a=1&b="2",3 4/') for width in (320, 640)])
    assert made
    assert "&amp;" in made.picture
    assert "&b" not in made.picture
    assert made.srcsets["image/jpeg"].count(",") == 1
    ((_, _), (_, image)) = Elements(made.picture).found
    assert image["srcset"] == made.srcsets["image/jpeg"]


def test_one_width_needs_no_descriptor() -> None:
    """With one, a browser would take the picture to be as wide as the window."""
    made = markup([shown(AVIF, 320), shown(JPEG, 320)])
    assert made
    assert dict(made.srcsets) == {"image/avif": "https://a.test/avif-320", "image/jpeg": "https://a.test/jpeg-320"}


@pytest.mark.parametrize(
    "images",
    [
        [],
        [shown(JPEG, 320)],
        [shown(JPEG, 320), shown(JPEG, 320)],
        [shown(JPEG, 320), shown(TIFF, 640)],
        [shown(JPEG, 320), shown(JPEG, 640, 640)],
        [shown(JPEG, 320), shown(JPEG, 320, 320), shown(JPEG, 640)],
        [replace(shown(WEBP, 320), frames=3), shown(AVIF, 320)],
        [replace(shown(WEBP, 320), frames=3), shown(WEBP, 320), replace(shown(WEBP, 640), frames=3)],
    ],
    ids=[
        "none",
        "one",
        "same",
        "not for pages",
        "other proportions",
        "other proportions of one width",
        "animation and poster",
        "animation and poster of one width",
    ],
)
def test_where_there_is_no_choice_there_is_no_markup(images: list[Shown]) -> None:
    """Fewer than two that differ, that browsers show, and that have the same proportions and frames."""
    assert markup(images) is None


@pytest.mark.parametrize("size", [Size(333, 222), Size(100, 67), Size(3, 2), Size(1, 1)])
def test_rounding_is_no_other_proportion(size: Size) -> None:
    """Sides are whole pixels, so small pictures are never quite of the same shape."""
    assert markup([shown(JPEG, 3000), Shown("https://a.test/x", JPEG, size)])


def test_only_size_and_file_may_differ() -> None:
    """Outputs that show another part, or lie on another colour, are other pictures."""
    same = [{"width": 10}, {"width": 20, "dpr": 2, "format": "avif", "quality": 5}, {"widths": "auto", "blur": 1}]
    assert show_one_picture(Recipe.parse({"blur": 1, "outputs": same}).outputs)
    for other in ({"background": "#f00"}, {"crop": [1, 1, 5, 5]}, {"watermark": {"text": "a"}}):
        assert not show_one_picture(Recipe.parse({"outputs": [{"width": 10}, {"width": 20, **other}]}).outputs)
