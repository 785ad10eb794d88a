"""How far two pictures are apart: likeness, shift, colour. Plain numpy, nothing of the engine's own score."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_WINDOW = 7
_FLOORS = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_LUMA = np.array([0.299, 0.587, 0.114])
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _TO_XYZ.sum(axis=1)


def luma(rgb: Array) -> Array:
    """Brightness of (height, width, 3), 0…255."""
    return np.asarray(rgb @ _LUMA)


def ssim(left: Array, right: Array) -> float:
    """Mean structural similarity of brightness over windows of 7 × 7, 1 where equal.

    Source: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment, 2004; constants as there.
    """
    one, other = luma(left), luma(right)
    mean_one, mean_other = _mean(one), _mean(other)
    variance_one, variance_other = _mean(one**2) - mean_one**2, _mean(other**2) - mean_other**2
    covariance = _mean(one * other) - mean_one * mean_other
    brightness = (2 * mean_one * mean_other + _FLOORS[0]) / (mean_one**2 + mean_other**2 + _FLOORS[0])
    structure = (2 * covariance + _FLOORS[1]) / (variance_one + variance_other + _FLOORS[1])
    return float(np.mean(brightness * structure))


def shift(left: Array, right: Array) -> tuple[float, float]:
    """How many pixels the right picture lies to the right of and below the left one, to some hundredths.

    A shift turns the phase of each frequency by an angle in proportion: the slope is fitted over the low ones, which
    every filter and every codec keeps.
    """
    one, other = (_windowed(luma(picture)) for picture in (left, right))
    cross = np.fft.fft2(one) * np.conj(np.fft.fft2(other))
    down, across = np.meshgrid(*map(np.fft.fftfreq, one.shape), indexing="ij")
    low = (np.hypot(across, down) < 0.15) & (np.hypot(across, down) > 0)
    weights = np.sqrt(np.abs(cross[low]))
    waves = 2 * np.pi * np.stack([across[low], down[low]], axis=1)
    (x, y), *_ = np.linalg.lstsq(waves * weights[:, None], np.angle(cross[low]) * weights, rcond=None)
    return float(x), float(y)


def mean_delta_e(left: Array, right: Array) -> float:
    """Mean distance of colours, CIE 1976; 2.3 is what an eye just sees."""
    return float(np.mean(np.linalg.norm(lab(left) - lab(right), axis=-1)))


def cast(left: Array, right: Array) -> float:
    """Distance of the mean colours, CIE 1976: grain cancels out, a tint of the whole picture does not."""
    return float(np.linalg.norm(np.mean(lab(left) - lab(right), axis=(0, 1))))


def lab(rgb: Array) -> Array:
    """CIE L*a*b* of sRGB 0…255, in its own white."""
    signal = np.clip(rgb, 0, 255) / 255
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    xyz = light @ _TO_XYZ.T / _WHITE
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _mean(values: Array) -> Array:
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, (_WINDOW, _WINDOW)).mean(axis=(2, 3)))


def _windowed(values: Array) -> Array:
    return np.asarray((values - values.mean()) * np.hanning(values.shape[0])[:, None] * np.hanning(values.shape[1]))
