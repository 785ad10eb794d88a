"""Placeholders: what a page shows until the picture has loaded. The words only; the engine draws them."""

from enum import StrEnum


class Placeholder(StrEnum):
    """A picture in a few bytes of text, to travel in a page's markup or in an API's answer."""

    BLURHASH = "blurhash"
    """A blur of 4 × 3 waves, as about 28 characters. Source: the algorithm at blurha.sh."""
    THUMBHASH = "thumbhash"
    """A blur with proportions and transparency, as about 32 characters of base64. Source: Evan Wallace's algorithm."""
    LQIP = "lqip"
    """A picture of at most 16 pixels a side, as a data: URI that any browser shows without code."""
