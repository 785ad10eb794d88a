"""Markup for one picture in several sizes and types: what goes into a page, ready to be pasted.

Source: HTML, sections 4.8.1 (picture), 4.8.4.2 (srcset) and 13.1.2.3 (attributes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from html import escape

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.output import Output

ORDER = (ImageFormat.AVIF, ImageFormat.WEBP, ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.GIF)
"""Types that pages show, the one of fewest bytes first: a browser takes the first that it knows."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An output as a page sees it.

    Args:
        url: where it is.
        format: what it is.
        size: in pixels.
        frames: 1 for a still picture.
    """

    url: str
    format: ImageFormat
    size: Size
    frames: int = 1


@dataclass(frozen=True, slots=True)
class Markup:
    """One picture for a page.

    Args:
        srcsets: candidates by media type, in ORDER; for an attribute that is not escaped yet.
        picture: a whole `<picture>` element.
    """

    srcsets: Mapping[str, str]
    picture: str


def show_one_picture(outputs: Sequence[Output]) -> bool:
    """Whether outputs differ in size and file only. One with `widths` is several that do."""
    first, *others = (
        replace(output.pictured, width=None, height=None, dpr=Decimal(1), enlarge=False) for output in outputs
    )
    return all(other == first for other in others)


def markup(images: Sequence[Shown]) -> Markup | None:
    """Markup of outputs that `show_one_picture`.

    Returns:
        None where there is nothing to choose from: fewer than two sizes or types that browsers show, proportions that
        differ by more than rounding, or some that move and some that do not.
    """
    for_pages = [image for image in images if image.format in ORDER]
    chosen = {(image.format, image.size.width): image for image in reversed(for_pages)}
    largest = max(for_pages, key=lambda image: image.size.pixels, default=None)
    if largest is None or len(chosen) < 2 or not all(_alike(image, largest) for image in for_pages):
        return None
    ordered = sorted(chosen.values(), key=lambda image: (ORDER.index(image.format), image.size.width))
    several = len({image.size.width for image in ordered}) > 1
    candidates: dict[ImageFormat, list[Shown]] = {}
    for image in ordered:
        candidates.setdefault(image.format, []).append(image)
    srcsets = {
        FACTS[format].media_type: ", ".join(_candidate(image, several=several) for image in of_type)
        for format, of_type in candidates.items()
    }
    *_, fallback = candidates.values()
    return Markup(srcsets, _picture(srcsets, fallback[-1]))


def _picture(srcsets: Mapping[str, str], image: Shown) -> str:
    *sources, (_, srcset) = srcsets.items()
    lines = [f'  <source type="{kind}" srcset="{escape(candidates)}">' for kind, candidates in sources]
    # The last type is for those who know no other. `src` is for those who know no `srcset`, width and height keep its
    # place free while it loads; what it shows, `alt`, is not for a program to say.
    size = f'width="{image.size.width}" height="{image.size.height}"'
    lines.append(f'  <img src="{escape(image.url)}" srcset="{escape(srcset)}" {size} alt="">')
    return "\n".join(["<picture>", *lines, "</picture>"])


def _candidate(image: Shown, *, several: bool) -> str:
    # Spaces and commas end a URL here. A width says how to choose; where there is no choice, a browser would take it
    # for the width of the window.
    url = image.url.replace(" ", "%20").replace(",", "%2C")
    return f"{url} {image.size.width}w" if several else url


def _alike(image: Shown, largest: Shown) -> bool:
    # Each side was rounded by itself. A poster would be taken for its animation, which browsers that know its type
    # would then never show.
    skew = abs(image.size.width * largest.size.height - image.size.height * largest.size.width)
    return image.frames == largest.frames and skew <= max(largest.size.width, largest.size.height)
