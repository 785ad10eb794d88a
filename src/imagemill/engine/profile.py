"""Tells whether an ICC profile says no more than sRGB, so that converting from it can be left out.

Reads the profile's numbers and not its name. Knows nothing of pictures. When in doubt the answer is no.
"""

import struct

_COLOURANTS = {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}
# sRGB's primaries adapted to D50, and how far a profile may be off, most of it rounding of the profile's maker.
_TOLERANCE = 0.001
_TONES = {0.02: 0.001548, 0.2: 0.033105, 0.5: 0.214041, 0.8: 0.603827}
# Signal to light by sRGB's transfer curve; a plain gamma of 2.2 is off by more than the tolerance at three of them.


def is_srgb(profile: bytes) -> bool:
    """Whether a profile has sRGB's primaries and transfer curve, and no lookup table that would replace them.

    Source: ICC.1:2022, sections 7.2, 10.6, 10.18 and 10.31; IEC 61966-2-1.
    """
    try:
        tags = _tags(profile)
        return profile[16:20] == b"RGB " and b"A2B0" not in tags and _has_primaries(tags) and _has_tones(tags)
    except (struct.error, KeyError, IndexError, ArithmeticError):  # the last where a curve bends beyond all numbers
        return False


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4s2I", profile, 132 + 12 * entry) for entry in range(min(count, 100))]
    return {name: profile[offset : offset + size] for name, offset, size in entries}


def _has_primaries(tags: dict[bytes, bytes]) -> bool:
    return all(
        abs(found / 65536 - wanted) <= _TOLERANCE
        for name, colourant in _COLOURANTS.items()
        for found, wanted in zip(struct.unpack_from(">3i", tags[name], 8), colourant, strict=True)
    )


def _has_tones(tags: dict[bytes, bytes]) -> bool:
    return all(
        abs(_light(tags[name], signal) - light) <= _TOLERANCE
        for name in (b"rTRC", b"gTRC", b"bTRC")
        for signal, light in _TONES.items()
    )


def _light(curve: bytes, signal: float) -> float:
    if curve.startswith(b"para"):
        return _parametric(curve, signal)
    (count,) = struct.unpack_from(">I", curve, 8)
    position = signal * (count - 1)
    low, high = struct.unpack_from(">2H", curve, 12 + 2 * int(position))
    return float(low + (high - low) * (position % 1)) / 65535


def _parametric(curve: bytes, signal: float) -> float:
    (kind,) = struct.unpack_from(">H", curve, 8)
    if kind not in (3, 4):
        raise KeyError("a curve that cannot be sRGB's")
    gamma, a, b, c, d = (number / 65536 for number in struct.unpack_from(">5i", curve, 12))
    e, f = (number / 65536 for number in struct.unpack_from(">2i", curve, 32)) if kind == 4 else (0.0, 0.0)
    power = a * signal + b
    return float(power**gamma) + e if signal >= d and power >= 0 else c * signal + f
