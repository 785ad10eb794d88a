"""ICC profiles written by hand, version 2: three primaries and a gamma, or the ink of a very plain press.

Written here and not taken from a library, so that neither side of a comparison can be wrong about them in the same way.

Source: ICC.1:2001-04, sections 6.1, 6.4 and 6.5; ICC.1:2001-04, annex E for the adaptation to D50.
"""

import struct
from itertools import product

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = (0.3127, 0.3290)
P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
"""Source: SMPTE EG 432-1; with D65 it is what Apple calls Display P3."""
ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
"""Source: Adobe RGB (1998) Color Image Encoding, section 4.3.1."""
ADOBE_GAMMA = 563 / 256
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CURVE_POINTS = 1024


def display_p3() -> bytes:
    """Display P3: wider primaries, sRGB's curve."""
    signal = np.linspace(0, 1, _CURVE_POINTS)
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    return _rgb(P3_PRIMARIES, _points(light))


def adobe_rgb() -> bytes:
    """Adobe RGB: a wider green, a plain gamma."""
    return _rgb(ADOBE_PRIMARIES, b"curv" + struct.pack(">4xIH", 1, round(ADOBE_GAMMA * 256)))


def plain_press() -> bytes:
    """A profile of four inks, as a table of two points an ink: paper is white, inks darken what they take away."""
    table = b"".join(_lab16(_paper(inks)) for inks in product((0.0, 1.0), repeat=4))
    straight = struct.pack(">2H", 0, 65535)
    unity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    lut = b"mft2" + struct.pack(">4x4B", 4, 3, 2, 0) + unity + struct.pack(">2H", 2, 2)
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut + straight * 4 + table + straight * 3})


def _rgb(primaries: tuple[tuple[float, float], ...], curve: bytes) -> bytes:
    columns = _colourants(primaries)
    tags = {name: _xyz(columns[:, band]) for band, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def _colourants(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    # Scaled so that all three together are white, then seen under the light that profiles are written for.
    columns = np.array([_from_xy(*xy) for xy in primaries]).T
    white = _from_xy(*D65)
    columns = columns * np.linalg.solve(columns, white)
    cones = np.diag((_BRADFORD @ D50) / (_BRADFORD @ white))
    return np.asarray(np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ columns)


def _from_xy(x: float, y: float) -> Matrix:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _paper(inks: tuple[float, ...]) -> tuple[float, float, float]:
    cyan, magenta, yellow, black = inks
    lightness = 100 * (1 - 0.4 * cyan) * (1 - 0.5 * magenta) * (1 - 0.1 * yellow) * (1 - 0.9 * black)
    left = 1 - 0.95 * black
    return lightness, left * (-35 * cyan + 70 * magenta - 5 * yellow), left * (-45 * cyan - 5 * magenta + 90 * yellow)


def _lab16(lab: tuple[float, float, float]) -> bytes:
    lightness, a, b = lab
    return struct.pack(">3H", round(lightness * 652.8), round((a + 128) * 256), round((b + 128) * 256))


def _xyz(values: Matrix) -> bytes:
    return b"XYZ " + struct.pack(">4x3i", *(round(float(value) * 65536) for value in values))


def _points(light: Matrix) -> bytes:
    return b"curv" + struct.pack(f">4xI{len(light)}H", len(light), *np.round(light * 65535).astype(int))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"desc" + struct.pack(">4xI", 5) + b"test\0" + bytes(78)
    tags = {b"desc": name, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(D50), **tags}
    at, table, body = 132 + 12 * len(tags), b"", b""
    for signature, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += signature + struct.pack(">2I", at + len(body), len(padded))
        body += padded
    head = struct.pack(">I4xI4s4s4s12x4s", at + len(body), 0x02400000, kind, space, connection, b"acsp")
    head = head.ljust(68, b"\0") + _xyz(D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
