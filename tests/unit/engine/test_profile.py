"""Profiles: sRGB is known by its numbers, and everything else is not sRGB."""

import struct

import pytest
from PIL import ImageCms

from imagemill.engine.profile import is_srgb
from tests import images


def tag(profile: bytes, name: bytes) -> tuple[int, int]:
    """Offset and size of a tag's data."""
    entry = profile.index(name, 128)
    offset, size = struct.unpack_from(">2I", profile, entry + 4)
    return offset, size


def with_curve(curve: bytes) -> bytes:
    """The sRGB profile with another transfer curve for all three channels."""
    profile = bytearray(images.srgb_profile())
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        entry = profile.index(name, 128)
        profile[entry + 4 : entry + 12] = struct.pack(">2I", len(profile), len(curve))
    return bytes(profile) + curve


def sampled(values: list[float]) -> bytes:
    """A curve as a table, or as a gamma where it has one value."""
    numbers = [round(value * (256 if len(values) == 1 else 65535)) for value in values]
    return b"curv" + bytes(4) + struct.pack(f">I{len(numbers)}H", len(numbers), *numbers)


def srgb_light(signal: float) -> float:
    """sRGB's transfer curve."""
    return signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4


def test_srgb_is_known_by_formula() -> None:
    """LittleCMS writes the curve as a formula."""
    assert is_srgb(images.srgb_profile())


def test_srgb_is_known_by_table() -> None:
    """Hewlett-Packard's profile, in most cameras, has the curve as 1024 samples."""
    assert is_srgb(with_curve(sampled([srgb_light(step / 1023) for step in range(1024)])))


def test_srgb_is_known_with_offsets() -> None:
    """The formula may carry two offsets, both zero."""
    offset, size = tag(images.srgb_profile(), b"rTRC")
    curve = bytearray(images.srgb_profile()[offset : offset + size])
    curve[8:10] = b"\x00\x04"
    assert is_srgb(with_curve(bytes(curve) + bytes(8)))


@pytest.mark.parametrize(
    "curve",
    [
        sampled([2.2]),
        sampled([]),
        sampled([0.0, 1.0]),
        sampled([(step / 255) ** 2.2 for step in range(256)]),
        b"para" + bytes(4) + struct.pack(">2Hi", 0, 0, round(2.2 * 65536)),
        b"para",
    ],
)
def test_another_curve_is_not_srgb(curve: bytes) -> None:
    """A gamma of 2.2, a straight line and a broken curve all ask for a conversion."""
    assert not is_srgb(with_curve(curve))


def test_other_primaries_are_not_srgb() -> None:
    """A profile that says sRGB in its name but swaps two primaries is not believed."""
    assert not is_srgb(images.swapped_profile())


def test_a_lookup_table_is_not_srgb() -> None:
    """A table from device to profile space replaces primaries and curves, so its presence decides."""
    profile = bytearray(images.srgb_profile())
    entry = profile.index(b"chrm", 128)
    profile[entry : entry + 4] = b"A2B0"
    assert not is_srgb(bytes(profile))


@pytest.mark.parametrize("space", ["LAB", "XYZ"])
def test_another_space_is_not_srgb(space: str) -> None:
    """Only RGB profiles can be."""
    assert not is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes())


@pytest.mark.parametrize("length", [0, 20, 127, 130, 200, 400])
def test_a_cut_profile_is_not_srgb(length: int) -> None:
    """A broken profile is no error here: the conversion decides what to do about it."""
    assert not is_srgb(images.srgb_profile()[:length])
