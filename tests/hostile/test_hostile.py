"""What is meant to break the engine gives a picture or a refusal, in bounded time and memory, and the process lives."""

import struct

import pytest

from imagemill.domain.encoding import ANIMATIONS
from imagemill.domain.formats import ImageFormat
from tests import images
from tests.hostile import files
from tests.hostile.child import FILM, PICTURE, outcomes, run

FLIPS = 500
"""Of each format."""
GROWTH_BYTES = 128 * 2**20
"""What a file of a few kilobytes may cost in memory at most; libvips and its codecs themselves take about 40 MiB."""
SECONDS = 5
"""Of a busy machine; a quiet one takes a tenth."""

BOMBS, ZEROES, POLYGLOTS, STRANGERS = files.bombs(), files.zeroes(), files.polyglots(), files.strangers()


@pytest.mark.parametrize("format", images.READABLE)
def test_a_file_cut_short_anywhere(format: ImageFormat) -> None:
    """Cut at every byte: a picture where only the end is missing, else a refusal; memory does not grow with them."""
    whole = files.small(format)
    found = outcomes([whole, *files.cuts(whole)])
    assert found[0].code == PICTURE
    assert [outcome.code for outcome in found if not outcome.planned] == []
    assert all(outcome.code != PICTURE for outcome in found[1 : len(found) // 4])
    assert sum(outcome.growth_bytes for outcome in found[1:]) < GROWTH_BYTES


@pytest.mark.parametrize("format", images.READABLE)
def test_flipped_bits(format: ImageFormat) -> None:
    """Whatever bits are turned over: a picture or a refusal, each within seconds, all in one process that lives."""
    found = outcomes([files.small(format), *files.flips(files.small(format), FLIPS, seed=len(format))])
    assert [outcome.code for outcome in found if not outcome.planned] == []
    assert max(outcome.seconds for outcome in found) < SECONDS
    # A flip can turn a size into 100 megapixels, which the limits allow: still half of what a worker may use.
    assert sum(outcome.growth_bytes for outcome in found[1:]) < 8 * GROWTH_BYTES
    assert {outcome.code for outcome in found} > {PICTURE}, "no flip did any harm: the test tests nothing"


@pytest.mark.parametrize("format", ANIMATIONS)
def test_flipped_bits_of_an_animation(format: ImageFormat) -> None:
    """The same where all frames are asked for."""
    whole = images.moving(format, [40, 80, 120], loop=0)
    found = outcomes([whole, *files.flips(whole, FLIPS, seed=len(format))], FILM)
    assert [outcome.code for outcome in found if not outcome.planned] == []
    assert max(outcome.seconds for outcome in found) < SECONDS
    assert sum(outcome.growth_bytes for outcome in found[1:]) < 8 * GROWTH_BYTES
    assert {outcome.code for outcome in found} > {PICTURE}, "no flip did any harm: the test tests nothing"


def test_texts_of_an_animation_are_kept_once() -> None:
    """And not for each frame: 200 of them with 4 MiB each would come to 800."""
    (outcome,) = outcomes([images.avif_of_frames(200, xmp=b"x" * 2**22)], FILM)
    assert outcome.code == PICTURE
    assert outcome.growth_bytes < GROWTH_BYTES


def test_bombs() -> None:
    """What unpacks to gigabytes costs neither memory nor time, whether it is refused or gives its small picture."""
    for name, outcome in zip(BOMBS, outcomes([*BOMBS.values()]), strict=True):
        assert outcome.planned, (name, outcome)
        assert outcome.seconds < SECONDS, (name, outcome)
        assert outcome.growth_bytes < GROWTH_BYTES, (name, outcome)
    assert all(len(data) < 2**25 for data in BOMBS.values())


def test_what_has_no_size() -> None:
    """A picture of zero pixels is no picture; of a GIF's it is one that its reader makes up."""
    for name, outcome in zip(ZEROES, outcomes([*ZEROES.values()]), strict=True):
        assert outcome.code == "corrupt-image" or (name, outcome.size) == ("gif", [1, 1]), (name, outcome)


def test_what_is_a_picture_too() -> None:
    """A polyglot is taken for the picture that it is, and only that comes out."""
    for name, outcome in zip(POLYGLOTS, outcomes([*POLYGLOTS.values()]), strict=True):
        assert (outcome.code, outcome.size) == (PICTURE, [24, 16]), (name, outcome)


def test_what_is_no_picture() -> None:
    """What only pretends is refused by its first bytes, or for the damage behind them."""
    for name, outcome in zip(STRANGERS, outcomes([*STRANGERS.values()]), strict=True):
        assert outcome.code in ("unsupported-image", "corrupt-image"), (name, outcome)


def test_a_child_that_dies_is_noticed() -> None:
    """The child's bounds are real: more than a worker may hold ends it, and the test that sent it."""
    with pytest.raises(AssertionError, match="file 0 of 1 ended the child"):
        run(struct.pack(">I", 2**31), 1)
