"""Noise that is the same on every run: its seed is the name of the file that it fills."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def generator_for(file_name: str) -> np.random.Generator:
    """A random generator that depends on the name alone."""
    return np.random.default_rng(zlib.crc32(file_name.encode()))


def gaussian(
    generator: np.random.Generator, shape: tuple[int, ...], *, level: float, scatter: float
) -> NDArray[np.float32]:
    """Pixels around `level` with the standard deviation `scatter`."""
    pixels = generator.standard_normal(shape, dtype=np.float32)
    pixels *= np.float32(scatter)
    pixels += np.float32(level)
    return pixels


def bad_pixels(
    generator: np.random.Generator, shape: tuple[int, int], *, share: float, flag: int
) -> NDArray[np.int16]:
    """A data quality array with `flag` on the given share of the pixels, 0 elsewhere."""
    quality = np.zeros(shape, dtype=np.int16)
    count = round(quality.size * share)
    quality.flat[generator.integers(0, quality.size, count)] = flag
    return quality
