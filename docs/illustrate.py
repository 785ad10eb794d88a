"""Make the pictures of options.md: each one's text is the query that it shows. Run by `make pictures`."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from imagemill.domain.limits import Limits
from imagemill.domain.recipe import Recipe
from imagemill.engine.pipeline import VipsEngine

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "examples" / "photo.jpg"
DEFAULTS = {"width": "240", "format": "jpeg"}
LIMITS = Limits(image_bytes=2**20, pixels=10**6, output_pixels=10**6, frames=1)


def pictures() -> Iterator[tuple[Path, list[Recipe]]]:
    """Each picture's file, and the recipes that make it one after the other."""
    for text, file in re.findall(r"^!\[(.*)\]\((options/.*)\)$", (DOCS / "options.md").read_text(), re.MULTILINE):
        yield DOCS / file, [Recipe.parse_text({**DEFAULTS, **dict(parse_qsl(query))}) for query in text.split(" then ")]


def make(recipes: list[Recipe]) -> bytes:
    """The picture that comes of the source."""
    data = SOURCE.read_bytes()
    for recipe in recipes:
        data = next(VipsEngine(LIMITS).render(data, recipe)).data
    return data


if __name__ == "__main__":
    for path, recipes in pictures():
        path.write_bytes(make(recipes))
