"""An animation as libvips has it: a roll of frames, one below the other, with how long and how often they are shown."""

from collections.abc import Iterator, Sequence

from imagemill.engine.vips import Image, below_each_other, with_texts

FOR_EVER = 0
"""How often an animation is played that never ends, as libvips, GIF and WebP count."""

_DELAY, _LOOP, _HEIGHT = "delay", "loop", "page-height"


def roll_up(frames: Sequence[Image], delays_ms: Sequence[int] = (), plays: int | None = None) -> Image:
    """Make frames of one size what libvips' encoders take for an animation.

    Args:
        frames: that are in memory.
        delays_ms: how long each is shown, in milliseconds; left out, nothing is said of it.
        plays: how often they are shown, or `FOR_EVER`; left out, nothing is said of it.
    """
    said: dict[str, str | bytes | int | list[int]] = {_HEIGHT: frames[0].height}
    if delays_ms:
        said[_DELAY] = list(delays_ms)
    if plays is not None:
        said[_LOOP] = plays
    return with_texts(below_each_other(frames), [], said)


def unroll(roll: Image, frames: int) -> Iterator[tuple[Image, int]]:
    """The frames of an animation as it was opened, and how long each is shown, in milliseconds.

    They have to be computed in this order, since the codec reads them so.
    """
    height = roll.height // frames
    for number, delay_ms in zip(range(frames), delays_ms(roll), strict=True):
        yield roll.crop(0, number * height, roll.width, height), delay_ms


def delays_ms(roll: Image) -> list[int]:
    """How long each frame is shown, in milliseconds."""
    return [int(delay) for delay in roll.get(_DELAY)]


def with_delays(roll: Image, delays_ms: Sequence[int]) -> Image:
    """The same animation with other delays."""
    return with_texts(roll, [], {_DELAY: list(delays_ms)})


def plays(roll: Image) -> int | None:
    """How often it is played, or `FOR_EVER`. One that does not say (None) is played once."""
    return int(roll.get(_LOOP)) if roll.get_typeof(_LOOP) else None
